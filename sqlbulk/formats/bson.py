"""BSON dumps, as mongodump writes them: documents one after the other, handed on as they are."""

from __future__ import annotations

from collections.abc import Iterator

from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from sqlbulk.commands import FileRows
from sqlbulk.formats.inputs import FileSource, Input, OpenInput, unreadable
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location

ROWS = 1_000
"""How many documents a chunk has at most."""
LARGEST = 48 << 20
"""A document that claims more bytes than this is none: the server's messages end there."""


def read(spec: FileRows, inputs: tuple[Input, ...]) -> BsonDump:
    """The documents of the files."""
    return BsonDump(spec, inputs)


class BsonDump(FileSource):
    """Raw documents. Damage ends the reading (UsageError E6002): where the next begins can't be told."""

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...]) -> None:
        super().__init__(inputs)
        self._selection = Selection(spec)
        self.columns = self._selection.names
        self._ordinal = 1

    def __iter__(self) -> Iterator[Chunk]:
        for opened in self.opened():
            rows: list[RawBSONDocument] = []
            for document in _documents(opened):
                rows.append(document)
                if len(rows) == ROWS:
                    yield self._chunk(rows, opened.name)
                    rows = []
            if rows:
                yield self._chunk(rows, opened.name)

    def _chunk(self, rows: list[RawBSONDocument], name: str) -> Chunk:
        first = self._ordinal
        self._ordinal += len(rows)
        return self._selection.apply(Chunk(
            rows, range(first, self._ordinal), locate=lambda i: Location(name), consumed=self.consumed))


def _documents(opened: OpenInput) -> Iterator[RawBSONDocument]:
    buffer, at, offset = b"", 0, 0
    for block in opened.blocks():
        buffer, at = buffer[at:] + block, 0
        while len(buffer) - at >= 4:
            length = int.from_bytes(buffer[at : at + 4], "little", signed=True)
            if not 5 <= length <= LARGEST:
                raise unreadable(opened.name, f"no BSON document at byte {offset}")
            if len(buffer) - at < length:
                break
            try:
                document = RawBSONDocument(buffer[at : at + length])
                # its fields are looked at only when they are asked for, and will be
                len(document)
            except InvalidBSON as error:
                raise unreadable(opened.name, f"no BSON document at byte {offset} ({error})") from None
            yield document
            at += length
            offset += length
    if at < len(buffer):
        raise unreadable(opened.name, f"ends in the middle of the document at byte {offset}")
