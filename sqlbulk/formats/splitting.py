"""Splits one delimited file into rows of cells: feeds the csv module with blocks, knows every row's line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused
from sqlbulk.formats.dialect import Dialect, Rewriting, line_feeds, make_dialect, make_rewriting
from sqlbulk.formats.inputs import OpenInput, utf8_blocks, whole_lines

ROWS = 1_000
"""How many rows are split at a time."""
LONGEST_CELL = 17 << 20

_SAMPLE = 1 << 16


@dataclass(frozen=True, slots=True)
class BadRow:
    """What the csv module could not split: the reason, and how many lines it took."""

    refusal: RowRefused
    lines: int


@dataclass(slots=True)
class Batch:
    """Consecutive rows of a file: as split, the first one's line, and whether some bytes may not be text."""

    rows: list[list[str] | BadRow]
    line: int
    suspect: bool
    rewriting: Rewriting | None = None
    _lines: list[int] | None = field(default=None, init=False)

    def line_of(self, index: int) -> int:
        """The line at which a row begins; worked out when first asked for."""
        if self._lines is None:
            line, self._lines = self.line, []
            for row in self.rows:
                self._lines.append(line)
                line += lines_of(row)
        return self._lines[index]

    def finished(self, row: list[str]) -> list[str]:
        """A row's cells as they are meant, marks replaced."""
        return row if self.rewriting is None else list(map(self.rewriting.after, row))


class Splitter:
    """One open file as batches of rows. `dialect` is found out from its first bytes if none is handed in."""

    def __init__(
        self, spec: FileRows, opened: OpenInput, *, delimiter: str | None, dialect: Dialect | None
    ) -> None:
        self._name = opened.name
        blocks = utf8_blocks(opened, spec.encoding)
        first = next(blocks)
        # what is cut short may be half a line or half a character: too little to mislead
        sample = first[:_SAMPLE].decode("utf-8", "replace")
        self.dialect = dialect or make_dialect(spec, _whole(sample, spec), delimiter=delimiter)
        self.rewriting = make_rewriting(self.dialect)
        self._blocks = whole_lines(chain((first,), blocks), self.dialect.line_end, opened.name)
        self._suspect = self._batch_suspect = False
        csv.field_size_limit(LONGEST_CELL)
        lines: Iterator[str] = chain.from_iterable(self._texts())
        self._line = 1 + sum(1 for _ in islice(lines, spec.skip))
        if self.dialect.prefix:
            lines = map(self._behind_prefix, lines)
        self._reader = csv.reader(lines, **self.dialect.reader_options())  # type: ignore[arg-type]

    def _texts(self) -> Iterator[io.StringIO]:
        """The blocks as text, to be read line by line; each ends with a line feed."""
        for block in self._blocks:
            try:
                text = block.decode()
                self._suspect = "\0" in text
            except UnicodeDecodeError:
                text = block.decode("utf-8", "surrogateescape")
                self._suspect = True
            self._batch_suspect |= self._suspect
            yield io.StringIO(self.rewriting.before(text) if self.rewriting else text, newline="\n")

    def _behind_prefix(self, line: str) -> str:
        """What a line holds behind the prefix; nothing, so that it is passed over, if it lacks the prefix."""
        _, prefix, rest = line.partition(self.dialect.prefix)
        return rest if prefix else "\n"

    def batch(self, count: int = ROWS) -> Batch:
        """The next rows, none at the end of the file."""
        self._batch_suspect = self._suspect
        rows: list[list[str] | BadRow] = []
        start = fed = self._reader.line_num
        good = 0
        while len(rows) < count:
            try:
                rows.extend(islice(self._reader, count - len(rows)))
                break
            except csv.Error as error:
                # the rows before the faulty one are in the list already
                taken = self._reader.line_num - fed - sum(_lines_fed(row) for row in rows[good:])
                rows.append(BadRow(_refusal(error, taken), taken))
                good, fed = len(rows), self._reader.line_num
        batch = Batch(rows, self._line, self._batch_suspect, self.rewriting)
        self._line += self._reader.line_num - start
        if self.rewriting is not None and rows:
            # line ends that are hidden behind an escape were not seen by the reader
            self._line = batch.line_of(len(rows) - 1) + lines_of(rows[-1])
        return batch


def lines_of(row: list[str] | BadRow) -> int:
    """How many lines of the file a row takes."""
    return row.lines if isinstance(row, BadRow) else 1 + sum(map(line_feeds, row))


def _lines_fed(row: list[str] | BadRow) -> int:
    return 0 if isinstance(row, BadRow) else 1 + sum(cell.count("\n") for cell in row)


_MESSAGES = (
    ("field larger", "E4004", f"a value of more than {LONGEST_CELL >> 20} MiB; is a quote never closed"),
    ("unexpected end", "E4001", "a quote is opened and never closed"),
    ("new-line character", "E4001", "a carriage return in a value without quotes"),
    ("expected after", "E4001", "text behind a closing quote; a quote inside a value is written twice"),
)


def _refusal(error: csv.Error, lines: int) -> RowRefused:
    code, message = next(((c, m) for start, c, m in _MESSAGES if start in str(error)), ("E4001", str(error)))
    return RowRefused(code, message if lines == 1 else f"{message} ({lines} lines were taken for one row)")


def _whole(sample: str, spec: FileRows) -> str:
    """The sample without a last line that is cut short, and without the lines to be skipped."""
    end = spec.line_terminator or ("\n" if "\n" in sample else "\r")
    lines = sample.split(end)
    whole = lines[spec.skip : -1] if len(sample) >= _SAMPLE else lines[spec.skip :]
    return end.join(whole)
