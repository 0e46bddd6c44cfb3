"""BSON dumps, as mongodump writes them: documents one after the other, handed on as they are."""

from __future__ import annotations

from collections.abc import Iterator

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused
from sqlbulk.formats.inputs import FileSource, Input, OpenInput, unreadable
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location, RowError

ROWS = 1_000
"""How many documents a chunk has at most."""
LARGEST = 48 << 20
"""A document that claims more bytes than this is none: the server's messages end there."""

_ANY_DATE: CodecOptions[dict[str, object]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


def read(spec: FileRows, inputs: tuple[Input, ...]) -> BsonDump:
    """The documents of the files."""
    return BsonDump(spec, inputs)


class BsonDump(FileSource):
    """Raw documents. A document that is damaged within its length is refused.

    Other damage ends the reading (UsageError E6002): where the next document begins can't be told.
    """

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...]) -> None:
        super().__init__(inputs)
        self._selection = Selection(spec)
        self.columns = self._selection.names
        self._ordinal = 1

    def __iter__(self) -> Iterator[Chunk]:
        for opened in self.opened():
            found: list[RawBSONDocument | RowRefused] = []
            for document in _documents(opened):
                found.append(document)
                if len(found) == ROWS:
                    yield self._chunk(found, opened.name)
                    found = []
            if found:
                yield self._chunk(found, opened.name)

    def _chunk(self, found: list[RawBSONDocument | RowRefused], name: str) -> Chunk:
        rows: list[RawBSONDocument] = []
        kept: list[int] = []
        refused: list[RowError] = []
        for ordinal, document in enumerate(found, self._ordinal):
            if isinstance(document, RowRefused):
                refused.append(RowError(ordinal, document.code, document.message, Location(name)))
            else:
                rows.append(document)
                kept.append(ordinal)
        self._ordinal += len(found)
        return self._selection.apply(
            Chunk(rows, kept, refused, locate=lambda i: Location(name), consumed=self.consumed))


def _documents(opened: OpenInput) -> Iterator[RawBSONDocument | RowRefused]:
    buffer, at, offset = b"", 0, 0
    for block in opened.blocks():
        buffer, at = buffer[at:] + block, 0
        while len(buffer) - at >= 4:
            length = int.from_bytes(buffer[at : at + 4], "little", signed=True)
            if not 5 <= length <= LARGEST:
                raise unreadable(opened.name, f"no BSON document at byte {offset}")
            if len(buffer) - at < length:
                break
            if buffer[at + length - 1]:
                raise unreadable(opened.name, f"no BSON document at byte {offset}")
            yield _document(buffer[at : at + length], offset)
            at += length
            offset += length
    if at < len(buffer):
        raise unreadable(opened.name, f"ends in the middle of the document at byte {offset}")


def _document(data: bytes, offset: int) -> RawBSONDocument | RowRefused:
    """A document; a refusal if anything in it is damaged, since neither its reader nor the server looks everywhere."""
    try:
        bson.decode(data, _ANY_DATE)
        return RawBSONDocument(data)
    except InvalidBSON as error:
        code = "E4011" if "codec can't decode" in str(error) else "E4001"
        return RowRefused(code, f"the document at byte {offset} is damaged: {error}")
