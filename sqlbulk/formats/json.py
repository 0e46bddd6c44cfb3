"""JSON: an array of documents, or one after the other, read piece by piece; and results as one array."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.formats.cells import Layout, json_text
from sqlbulk.formats.documents import examined, excerpt_of, may_overflow, needs_examination
from sqlbulk.formats.inputs import (
    LONGEST_LINE,
    FileSource,
    Input,
    OpenInput,
    unreadable,
    utf8_blocks,
)
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location, RowError

ROWS = 1_000
"""How many documents a chunk has at most."""

_SPACE = re.compile(r"[ \t\r\n]*")


def read(spec: FileRows, inputs: tuple[Input, ...]) -> JsonDocuments:
    """The documents of the files."""
    return JsonDocuments(spec, inputs)


class JsonDocuments(FileSource):
    """The elements of an array, or a sequence of documents; only a few megabytes of the file are held.

    Text that isn't JSON ends the reading with UsageError (E6002), since nobody can tell where the next
    document would begin; documents that can't be stored are refused one by one.
    """

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...]) -> None:
        super().__init__(inputs)
        self._encoding = spec.encoding
        self._selection = Selection(spec)
        self.columns = self._selection.names
        self._ordinal = 1

    def __iter__(self) -> Iterator[Chunk]:
        for opened in self.opened():
            for values in _Values(opened, self._encoding).chunks():
                yield self._selection.apply(self._chunk(values))

    def _chunk(self, values: _Piece) -> Chunk:
        rows: list[Any] = []
        kept: list[int] = []
        refused: list[RowError] = []
        for index, value in enumerate(values.values):
            try:
                rows.append(examined(value) if values.suspect or type(value) is not dict else value)
                kept.append(index)
            except RowRefused as error:
                code, message = error.code, error.message
                if code == "E4010" and values.damaged(index):
                    code, message = "E4011", "bytes that are not of the file's encoding"
                refused.append(RowError(self._ordinal + index, code, message, values.place(index),
                                        error.column, values.text(index)))
        first = self._ordinal
        self._ordinal += len(values.values)
        return Chunk(rows, [first + index for index in kept], refused, locate=lambda i: values.place(kept[i]),
                     excerpt=lambda i: values.text(kept[i]), consumed=self.consumed)


class _Piece:
    """Some decoded values, and the text they stand in."""

    def __init__(self, name: str, text: str, position: tuple[int, int], suspect: bool) -> None:
        self._name, self._text, self._position = name, text, position
        self.suspect = suspect
        self.values: list[Any] = []
        self.spans: list[tuple[int, int]] = []

    def place(self, index: int) -> Location:
        """Where a value begins."""
        return Location(self._name, *_advanced(self._position, self._text, self.spans[index][0]))

    def text(self, index: int) -> str:
        """How a value is written, cut short."""
        start, end = self.spans[index]
        return excerpt_of(self._text[start : min(end, start + 2_000)].encode("utf-8", "replace"))

    def damaged(self, index: int) -> bool:
        """Whether a value's text has bytes that could not be decoded."""
        start, end = self.spans[index]
        return re.search("[\udc80-\udcff]", self._text[start:end]) is not None


class _Values:
    """The values of one file, one after the other, from a window of its text that moves on."""

    def __init__(self, opened: OpenInput, encoding: str) -> None:
        self._name = opened.name
        self._blocks = utf8_blocks(opened, encoding)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self._text, self._at = "", 0
        self._position = (1, 1)
        self._suspect = self._added_suspect = False
        self._added = 0
        self._ended = False
        self._tail = b""

    def chunks(self) -> Iterator[_Piece]:
        """The values, up to `ROWS` at a time. Raises UsageError (E6002)."""
        if not self._skip_space():
            raise unreadable(self._name, "empty")
        array = self._text[self._at] == "["
        if array:
            self._at += 1
            self._skip_space()
        first = True
        while True:
            piece = _Piece(self._name, self._text, self._position, self._suspect)
            ended = self._fill(piece, array, first)
            first = first and not piece.values
            if piece.values:
                yield piece
            if ended:
                break
            if len(piece.values) < ROWS:
                self._move_on()
        if self._skip_space():
            raise self._broken("text behind the end of the array", self._at)

    def _fill(self, piece: _Piece, array: bool, first: bool) -> bool:
        """Take values until there are enough of them or the window is used up; True at the end of them all."""
        while len(piece.values) < ROWS:
            at = self._between(array, first and not piece.values)
            if at is None:
                return True
            if at < 0:
                return False
            try:
                value, end = self._decode(self._text, at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error):
                    return False
                raise self._broken(error.msg, error.pos) from None
            except ValueError:
                raise self._broken("a number has thousands of digits", at) from None
            except RecursionError:
                raise self._broken("values are nested too deeply", at) from None
            if end >= len(self._text) - 1 and not self._ended:
                return False
            piece.values.append(value)
            piece.spans.append((at, end))
            self._at = end
        return False

    def _between(self, array: bool, first: bool) -> int | None:
        """Where the next value begins; None: there is none, negative: not in the window any more."""
        at = _end_of_space(self._text, self._at)
        if at >= len(self._text):
            if not self._ended:
                return -1
            if array:
                raise self._broken("the array has no end", at)
            return None
        if not array:
            return at
        if self._text[at] == "]":
            self._at = at + 1
            return None
        if first:
            return at
        if self._text[at] != ",":
            raise self._broken("a comma or ] is missing", at)
        at = _end_of_space(self._text, at + 1)
        return at if at < len(self._text) or self._ended else -1

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether an error may only come from the end of the window."""
        return not self._ended and (error.pos > len(self._text) - 16 or error.msg.startswith("Unterminated"))

    def _move_on(self) -> None:
        """Drop what was taken, and read on: at least one block, and as much again as is left over."""
        self._position = _advanced(self._position, self._text, self._at)
        rest = self._text[self._at :]
        if len(rest) > LONGEST_LINE:
            raise self._broken(f"a value is longer than {LONGEST_LINE >> 20} MiB", self._at)
        # what is left over may come from before the text that was added last
        self._suspect = self._suspect if len(rest) > self._added else self._added_suspect and bool(rest)
        self._added_suspect = False
        parts = [rest]
        wanted = max(1, len(rest))
        while wanted > 0 and not self._ended:
            parts.append(self._more())
            wanted -= len(parts[-1])
        self._suspect = self._suspect or self._added_suspect
        self._text, self._at = "".join(parts), 0
        self._added = len(self._text) - len(rest)

    def _more(self) -> str:
        block = next(self._blocks, b"")
        self._ended = not block
        text = self._decoder.decode(block, self._ended)
        # the last bytes of a block are seen again, as what is looked for may stand across the border
        seen, self._tail = self._tail + block, block[-32:]
        damaged = not text.isascii() and re.search("[\ud800-\udfff]", text) is not None
        self._added_suspect |= damaged or needs_examination(seen) or may_overflow(seen)
        return text

    def _skip_space(self) -> bool:
        """Whether there is anything behind the white space."""
        while True:
            self._at = _end_of_space(self._text, self._at)
            if self._at < len(self._text):
                return True
            if self._ended:
                return False
            self._move_on()

    def _broken(self, message: str, at: int) -> UsageError:
        line, column = _advanced(self._position, self._text, at)
        return UsageError("E6002", f"{self._name}:{line}:{column}: not JSON: {message}",
                          hint="Rows before this place may be written; what is behind it can't be read.")


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _advanced(position: tuple[int, int], text: str, to: int) -> tuple[int, int]:
    lines = text.count("\n", 0, to)
    if not lines:
        return position[0], position[1] + to
    return position[0] + lines, to - text.rfind("\n", 0, to)


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """One array of objects, a line each; values in relaxed extended JSON."""
    separator = "[\n"
    for row in rows:
        stream.write(separator + json_text(dict(zip(columns, row, strict=True))))
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")
