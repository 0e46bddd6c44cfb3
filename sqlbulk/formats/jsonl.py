"""NDJSON: a document a line, plain or extended JSON; and results as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import orjson

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused
from sqlbulk.formats.cells import Layout, json_text
from sqlbulk.formats.documents import decode_examined, decode_plain, excerpt_of, needs_examination
from sqlbulk.formats.inputs import FileSource, Input, OpenInput, utf8_blocks, whole_lines
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location, RowError

LINES = 1_000
"""How many lines a chunk has at most."""


def read(spec: FileRows, inputs: tuple[Input, ...]) -> JsonLines:
    """The documents of the files."""
    return JsonLines(spec, inputs)


class JsonLines(FileSource):
    """A document a line. Blank lines are passed over; `spec.skip` lines at the beginning of each file too."""

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...]) -> None:
        super().__init__(inputs)
        self._spec = spec
        self._selection = Selection(spec)
        self.columns = self._selection.names
        self._ordinal = 1

    def __iter__(self) -> Iterator[Chunk]:
        for opened in self.opened():
            yield from self._file(opened)

    def _file(self, opened: OpenInput) -> Iterator[Chunk]:
        line, skip = 1, self._spec.skip
        for block in whole_lines(utf8_blocks(opened, self._spec.encoding), b"\n", opened.name):
            lines = block.split(b"\n")
            if not lines[-1]:
                lines.pop()
            for start in range(0, len(lines), LINES):
                part = lines[start : start + LINES]
                kept, skip = part[skip:], max(0, skip - len(part))
                chunk = self._chunk(kept, line + len(part) - len(kept), opened.name)
                line += len(part)
                if chunk.rows or chunk.refused:
                    yield chunk

    def _chunk(self, lines: list[bytes], first: int, name: str) -> Chunk:
        chunk = self._plain(lines, first, name) or self._one_by_one(lines, first, name)
        self._ordinal += len(chunk.rows) + len(chunk.refused)
        chunk.consumed = self.consumed
        return self._selection.apply(chunk)

    def _plain(self, lines: list[bytes], first: int, name: str) -> Chunk | None:
        """All lines at once, if none is blank, faulty or in need of a closer look."""
        if needs_examination(b"\n".join(lines)):
            return None
        try:
            rows = list(map(orjson.loads, lines))
        except orjson.JSONDecodeError:
            return None
        if set(map(type, rows)) - {dict}:
            return None
        return Chunk(
            rows, range(self._ordinal, self._ordinal + len(rows)),
            locate=lambda i: Location(name, first + i), excerpt=lambda i: excerpt_of(lines[i]),
        )

    def _one_by_one(self, lines: list[bytes], first: int, name: str) -> Chunk:
        rows: list[Any] = []
        places: list[int] = []
        ordinals: list[int] = []
        refused: list[RowError] = []
        ordinal = self._ordinal
        for index, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                rows.append(decode_examined(line) if needs_examination(line) else decode_plain(line))
                places.append(index)
                ordinals.append(ordinal)
            except RowRefused as error:
                place = Location(name, first + index, None if error.offset is None else error.offset + 1)
                refused.append(RowError(
                    ordinal, error.code, error.message, place, error.column, excerpt_of(line)))
            ordinal += 1
        return Chunk(rows, ordinals, refused, locate=lambda i: Location(name, first + places[i]),
                     excerpt=lambda i: excerpt_of(lines[places[i]]))


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """A JSON object a line; values in relaxed extended JSON."""
    for row in rows:
        stream.write(json_text(dict(zip(columns, row, strict=True))) + "\n")
