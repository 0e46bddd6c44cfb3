"""The value list of a statement, decoded lazily into chunks of Python values.

Rows that look alike are read by a learned pattern (`rowshape`), all others token by token (`rowscan`),
and what is neither a literal nor a document or array of literals is handed to the caller's `evaluate`.
All three give the same values and the same errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlbulk.errors import RowRefused, Source, Span, SqlError, SqlSyntaxError
from sqlbulk.rowdata import Chunk, Location, RowError
from sqlbulk.syntax.lexical import GAP
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.rowscan import Evaluate, RowScanner, count_parameters, find_row_end
from sqlbulk.syntax.rowshape import Learner, Reader
from sqlbulk.syntax.textsource import PIECE, ValueText

CHUNK_ROWS = 1000
CHECKED_SIZE = 1 << 20
MAX_ROW = 1 << 27
EXCERPT = 500

_GAP = compiled(GAP)
_OPENING = compiled(rf"(?:ROW{GAP})?+\(", re.IGNORECASE | re.ASCII)
_BEGUN = compiled(rf"(?:ROW{GAP})?+(?:-|/(?:\*[\s\S]*+)?+)?+\Z|RO?\Z", re.IGNORECASE | re.ASCII)
"""The beginning of a row, or of a comment before it, of which the rest is not there yet."""


def decode(
    rows: ValueText,
    *,
    columns: tuple[str, ...] | None,
    evaluate: Evaluate,
    first_parameter: int = 0,
    piece: int = PIECE,
    patience: int = 100,
) -> ValueRows:
    """The rows of a value list, as a `rowdata.RowSource`.

    Each row must have as many values as there are `columns`, or any number if that is None.
    `first_parameter` is how many positional parameters stand before the list. `piece` is how many bytes
    are read at a time, `patience` after how many rows of a kind their shape is learned.

    Iterating raises SqlError when the list is broken there, or an expression is wrong; a list of up to
    `CHECKED_SIZE` bytes is read to its end before the first chunk is handed out.
    """
    return ValueRows(rows, columns, evaluate, first_parameter, piece, patience)


def check_structure(rows: ValueText) -> None:
    """Raise what is wrong with a list apart from the values of its expressions; SqlSyntaxError."""
    for _ in ValueRows(rows, None, _Counter(), 0, PIECE, 100).decoded():
        pass


def count_list_parameters(rows: ValueText) -> int:
    """How many positional parameters `?` a value list holds, outside quotes and comments."""
    if not any("?" in text for text in rows):
        return 0
    counter = _Counter()
    for _ in ValueRows(rows, None, counter, 0, PIECE, 100).decoded():
        pass
    return counter.count


class _Counter:
    """Stands in for evaluation where only the parameters matter."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str, *, first_parameter: int) -> Any:
        self.count = first_parameter + count_parameters(text)
        return text


@dataclass(frozen=True, slots=True)
class ValueRows:
    """A value list as a source of rows; made by `decode`."""

    rows: ValueText
    columns: tuple[str, ...] | None
    evaluate: Evaluate
    first_parameter: int
    piece: int
    patience: int

    @property
    def size(self) -> int:
        """The length of the list in bytes."""
        return self.rows.size

    def __iter__(self) -> Iterator[Chunk]:
        chunks = self.decoded()
        return iter(list(chunks)) if self.size <= CHECKED_SIZE else chunks

    def decoded(self) -> Iterator[Chunk]:
        """The rows, without looking at the whole of a short list first."""
        return _Decoder(self).chunks()


@dataclass(slots=True)
class _Stretch:
    """Some text of the list, and the place of its first character in the script."""

    text: str
    name: str
    line: int
    column: int

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset in the text."""
        return Source(self.text, self.name, self.line, self.column).position(offset)

    def location(self, offset: int) -> Location:
        """The place of an offset in the text."""
        return Location(self.name, *self.position(offset))

    def excerpt(self, start: int) -> str:
        """The row that begins at `start`, at most `EXCERPT` characters of it."""
        opening = _OPENING.match(self.text, start)
        end = find_row_end(self.text, opening.end())[0] if opening else 0
        return self.text[start : min(end or len(self.text), start + EXCERPT)]

    def around(self, span: Span, row: int) -> tuple[Source, Span]:
        """The lines from the beginning of a row up to a span, or the end of them if they are long."""
        begin = max(self.text.rfind("\n", 0, row) + 1, row - EXCERPT, span.start - 4 * EXCERPT)
        newline = self.text.find("\n", span.start)
        end = min(newline if newline >= 0 else len(self.text), span.start + EXCERPT)
        source = Source(self.text[begin:end], self.name, *self.position(begin))
        return source, Span(span.start - begin, max(min(span.end, end), span.start + 1) - begin)


@dataclass(slots=True)
class _Rows:
    """The rows of a chunk while it is filled: values, where each begins, its number, and the refused ones."""

    values: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)
    refused: list[RowError] = field(default_factory=list)

    def count(self) -> int:
        """How many rows, good and refused."""
        return len(self.values) + len(self.refused)


class _Decoder:
    """One pass over a value list: the text that is there, and how far it is read."""

    def __init__(self, source: ValueRows) -> None:
        rows = source.rows
        self.pieces = rows.pieces(source.piece)
        self.columns = source.columns
        self.stretch = _Stretch("", rows.name, rows.line, rows.column)
        self.scanner = RowScanner(source.evaluate, source.first_parameter)
        self.learner = Learner(self.scanner.words, self.scanner.inner_words, source.patience)
        self.at = self.read = self.ordinal = self.slowly = 0
        self.comma = True
        self.more = True

    def chunks(self) -> Iterator[Chunk]:
        """The rows; raises what is wrong with the list when the rows before it are handed out."""
        going = True
        while going:
            rows, error = _Rows(), None
            try:
                while rows.count() < CHUNK_ROWS and going:
                    going = self._step(rows)
            except SqlError as raised:
                error = raised
            if rows.count():
                yield self._chunk(rows)
            if error is not None:
                raise error
            if not going and self.more:
                self._refill()
                going = True

    def _chunk(self, rows: _Rows) -> Chunk:
        stretch, starts = self.stretch, rows.starts
        return Chunk(
            rows.values,
            rows.ordinals,
            rows.refused,
            lambda i: stretch.location(starts[i]),
            lambda i: stretch.excerpt(starts[i]),
            self.read - (len(stretch.text) - self.at),
        )

    def _refill(self) -> None:
        """Drop what is read and get at least as much text again as is left."""
        old = self.stretch
        line, column = old.position(self.at)
        parts = [old.text[self.at :]]
        wanted = length = len(parts[0])
        while self.more and length <= 2 * wanted:
            text, self.read = next(self.pieces, ("", self.read))
            self.more = text != ""
            length += len(text)
            parts.append(text)
        self.stretch, self.at = _Stretch("".join(parts), old.name, line, column), 0

    def _step(self, rows: _Rows) -> bool:
        """Read a comma, a row, or many rows of a kind; False if that takes more text, or there is no more."""
        text = self.stretch.text
        at = _GAP.match(text, self.at).end()  # type: ignore[union-attr]
        if at == len(text):
            return False
        if not self.comma:
            return self._read_comma(at)
        reader = self.learner.reader
        if reader is not None and not self.slowly and self._read_alike(reader, at, rows):
            return True
        self.slowly -= self.slowly > 0
        return self._read_row(at, rows)

    def _read_comma(self, at: int) -> bool:
        text = self.stretch.text
        if text[at] == ",":
            self.at, self.comma = at + 1, True
            return True
        if self.more and _BEGUN.match(text, at):
            return False
        raise self._unexpected(at, "a comma or the end of the rows")

    def _read_alike(self, reader: Reader, at: int, rows: _Rows) -> bool:
        text = self.stretch.text
        scanner = reader.pattern.scanner(text, at)  # type: ignore[attr-defined]
        matches = list(islice(iter(scanner.match, None), CHUNK_ROWS - rows.count()))
        if not matches:
            return False
        end = matches[-1].end()
        build = reader.build if text.find("''", at, end) >= 0 else reader.build_plain
        try:
            values = build(map(re.Match.groups, matches))
        except (SqlError, RowRefused, ValueError, RecursionError):
            self.slowly = len(matches)
            return False
        rows.values += values
        rows.starts += [match.start() for match in matches]
        rows.ordinals += range(self.ordinal + 1, self.ordinal + 1 + len(matches))
        self.ordinal += len(matches)
        self.at = end
        return True

    def _read_row(self, at: int, rows: _Rows) -> bool:
        text = self.stretch.text
        opening = _OPENING.match(text, at)
        if opening is None:
            if self.more and _BEGUN.match(text, at):
                return False
            raise self._unexpected(at, "a row in parentheses")
        end, stop = find_row_end(text, opening.end())
        if not end:
            if self.more and len(text) - at < MAX_ROW:
                return False
            raise self._unterminated(opening.end() - 1, stop)
        self._decode_row(at, opening.end(), end, rows)
        self.at, self.comma = end, False
        return True

    def _decode_row(self, start: int, inside: int, end: int, rows: _Rows) -> None:
        text, before = self.stretch.text, self.scanner.parameters
        try:
            values = self.scanner.scan(text, inside)
            if self.columns is not None and len(values) != len(self.columns):
                reason = f"{_values(len(values))} in the row, but {len(self.columns)} expected"
                raise RowRefused("E4003", reason)
        except RowRefused as refused:
            self.scanner.parameters = before + count_parameters(text[inside:end])
            self.ordinal += 1
            rows.refused.append(self._refused(refused, start))
            return
        except SqlError as error:
            error.source, error.span = self.stretch.around(error.span, start)
            raise
        self.ordinal += 1
        rows.values.append(tuple(values))
        rows.starts.append(start)
        rows.ordinals.append(self.ordinal)
        self.learner.learn(text, start)

    def _refused(self, refused: RowRefused, start: int) -> RowError:
        index = int(refused.column) if refused.column else 0
        named = refused.column is not None and self.columns is not None and index < len(self.columns)
        return RowError(
            self.ordinal,
            refused.code,
            refused.message,
            self.stretch.location(start),
            self.columns[index] if named and self.columns else None,
            self.stretch.excerpt(start),
        )

    def _unexpected(self, at: int, expected: str) -> SqlSyntaxError:
        text = self.stretch.text
        if text.startswith("/*", at):
            return self._unterminated(at, at)
        return self._broken("E1001", f"Unexpected '{text[at]}': {expected} was expected", at)

    def _unterminated(self, row: int, stop: int) -> SqlSyntaxError:
        text = self.stretch.text
        if stop == len(text):
            return self._broken("E1002", "The row's parenthesis is never closed", row)
        kind = "comment" if text[stop] == "/" else "quoted name" if text[stop] in '"`' else "string"
        return self._broken("E1002", f"The {kind} that begins here is never closed", stop)

    def _broken(self, code: str, message: str, at: int) -> SqlSyntaxError:
        source, span = self.stretch.around(Span(at, at + 1), at)
        return SqlSyntaxError(code, message, span, source=source)


def _values(count: int) -> str:
    return f"{count} value" if count == 1 else f"{count} values"
