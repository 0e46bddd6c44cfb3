"""Rows into BSON, once: `_id` in front, sizes checked, and what can't be encoded told by row and column."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bson import CodecOptions, decode, encode
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion, TypeRegistry
from bson.errors import InvalidDocument

from sqlbulk.commands import Path
from sqlbulk.errors import RowRefused
from sqlbulk.execute.documents import Build, Document, value_at, without_missing
from sqlbulk.rowdata import Chunk, Location, RowError
from sqlbulk.types import MISSING, Interval, to_bson

ID_HEAD = b"\x07_id\x00"
"""How an element `_id` of type ObjectId begins; right behind a document's four bytes of length."""
ID_END = 4 + len(ID_HEAD) + 12


class _MissingValue(Exception):  # noqa: N818
    """A document to be encoded holds MISSING."""


def _in_other_form(value: Any) -> Any:
    """The BSON form of what the driver knows no form for; called by the driver."""
    if value is MISSING:
        raise _MissingValue
    if isinstance(value, Decimal | date):
        return to_bson(value)
    if isinstance(value, Interval) and not value.months:
        return value.milliseconds
    return value


OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    type_registry=TypeRegistry(fallback_encoder=_in_other_form),
)
"""How values go to the server and come back."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of a chunk come from: what stays of the chunk when its values are encoded."""

    locate: Callable[[int], Location | None]
    excerpt: Callable[[int], str | None]


@dataclass(slots=True)
class Encoded:
    """Rows ready to be sent, field by field: BSON, number in the statement, origin and index there, key values.

    `keys` is empty unless keys are asked for.
    """

    documents: list[bytes] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.documents)

    def slice(self, start: int, end: int) -> Encoded:
        """The rows from `start` up to `end`."""
        return Encoded(self.documents[start:end], self.ordinals[start:end], self.origins[start:end],
                       self.indexes[start:end], self.keys[start:end])

    def select(self, wanted: Sequence[int]) -> Encoded:
        """The rows at these places, in this order."""
        return Encoded(*([column[i] for i in wanted] if column else [] for column in self._columns()))

    def extend(self, other: Encoded) -> None:
        """Put the other's rows behind."""
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            mine += theirs

    def _columns(self) -> tuple[list[Any], ...]:
        return self.documents, self.ordinals, self.origins, self.indexes, self.keys


class Ids:
    """The `_id`s of a run: twelve bytes that grow with the row's number, found again from the number alone.

    As in any ObjectId the first four bytes are seconds. Of the other eight the first 20 bits are
    microseconds, so that a later run's ids are greater; the rest counts from a random start, so that
    runs of the same moment don't meet.
    """

    def __init__(self, begun: float | None = None, start: int | None = None) -> None:
        now = time.time() if begun is None else begun
        self.prefix = (int(now) & 0xFFFFFFFF).to_bytes(4, "big")
        self.start = (int(now % 1 * 1_000_000) << 44) + (secrets.randbits(43) if start is None else start)

    def of(self, ordinal: int) -> bytes:
        """The id of a row."""
        return self.prefix + (self.start + ordinal).to_bytes(8, "big")

    def made(self, document: bytes, ordinal: int) -> bool:
        """Whether the document has the id that we made for this row."""
        return document[4 : ID_END - 12] == ID_HEAD and document[ID_END - 12 : ID_END] == self.of(ordinal)


def without_id(document: bytes) -> bytes:
    """A document whose first field is an `_id` of ours, without it."""
    return (len(document) - ID_END + 4).to_bytes(4, "little") + document[ID_END:]


_Make = Callable[[Any, int, int], bytes]
"""A row, its number and its place in the chunk into BSON."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes rows; `key` are the fields whose values are wanted beside the BSON, `max_size` in bytes.

    What `describe` says of a row becomes the field `metadata` of its document, which itself becomes the field `within`.
    """

    build: Build
    ids: Ids
    max_size: int = 16 * 1024 * 1024
    key: tuple[Path, ...] | None = None
    describe: Callable[[Chunk, int], Any] | None = None
    metadata: str | None = None
    within: str | None = None

    def encode(self, chunk: Chunk) -> tuple[Encoded, list[RowError]]:
        """The rows of a chunk that can be sent, and those that can't, in order."""
        rows = Encoded()
        errors: list[RowError] = []
        make = self._make(chunk, rows.keys)
        count = len(chunk.rows)
        try:
            rows.documents = list(map(make, chunk.rows, chunk.ordinals, range(count)))
            rows.ordinals, rows.indexes = list(chunk.ordinals), list(range(count))
        except RowRefused:
            # rare, so the chunk is simply done again, row by row
            rows.keys.clear()
            errors = self._one_by_one(chunk, make, rows)
        rows.origins = [Origin(chunk.locate, chunk.excerpt)] * len(rows.documents)
        return rows, errors

    def _one_by_one(self, chunk: Chunk, make: _Make, rows: Encoded) -> list[RowError]:
        errors = []
        for index, (row, ordinal) in enumerate(zip(chunk.rows, chunk.ordinals, strict=True)):
            try:
                rows.documents.append(make(row, ordinal, index))
            except RowRefused as refused:
                errors.append(RowError(ordinal, refused.code, refused.message, chunk.locate(index), refused.column,
                                       chunk.excerpt(index)))
                continue
            rows.ordinals.append(ordinal)
            rows.indexes.append(index)
        return errors

    def _make(self, chunk: Chunk, keys: list[tuple[Any, ...]]) -> _Make:
        """What makes the BSON of a row of the chunk; it raises RowRefused."""
        build, max_size, key, described, within = self.build, self.max_size, self.key, self.metadata, self.within
        id_head, start, joined = ID_HEAD + self.ids.prefix, self.ids.start, b"".join

        def make(row: Any, ordinal: int, index: int) -> bytes:
            document = build(row)
            if described is not None:
                document = self._described(document, chunk, index)
            if within is not None:
                document = {within: document}
            try:
                encoded = encode(document, False, OPTIONS)
            except _MissingValue:
                document = without_missing(document)
                encoded = encode_checked(document)
            except Exception as error:
                raise refusal(error, document) from None
            if "_id" not in document:
                # the length, our id, and then the fields, without encoding anything again
                encoded = joined(((len(encoded) + 17).to_bytes(4, "little"), id_head,
                                  (start + ordinal).to_bytes(8, "big"), encoded[4:]))
            if len(encoded) > max_size:
                raise RowRefused("E4004", f"the document has {len(encoded):,} bytes; {max_size:,} is the limit")
            if key is not None:
                keys.append(tuple([value_at(document, path) for path in key]))
            return encoded

        return make

    def _described(self, document: Document, chunk: Chunk, index: int) -> Document:
        assert self.metadata is not None and self.describe is not None
        if self.metadata in document:
            reason = f"the row has a field {self.metadata}, which add_metadata is to fill"
            raise RowRefused("E4005", reason, self.metadata)
        return {**document, self.metadata: self.describe(chunk, index)}


def encode_checked(document: Document) -> bytes:
    """A document's BSON; raises RowRefused."""
    try:
        return encode(document, False, OPTIONS)
    except Exception as error:
        raise refusal(error, document) from None


def refusal(error: Exception, document: Document) -> RowRefused:
    """Why a document has no BSON form, and which of its fields is to blame."""
    name, blamed = _blamed(document)
    if isinstance(error, _MissingValue):
        return RowRefused("E4010", "DEFAULT stands inside a value, where nothing can be left out", name)
    if isinstance(error, OverflowError):
        return RowRefused("E4010", "an integer is beyond 64 bits", name)
    if isinstance(error, UnicodeEncodeError):
        return RowRefused("E4010", "text holds a lone surrogate (half a character)", name)
    if isinstance(error, RecursionError):
        return RowRefused("E4010", "values are nested too deeply", name)
    message = str(error).removeprefix("Invalid document: ")
    if isinstance(error, InvalidDocument) and "Key names" in message:
        return RowRefused("E4005", "a field name holds a NUL character", name)
    if isinstance(error, InvalidDocument) and "string keys" in message:
        return RowRefused("E4005", "a field name is not text", name)
    if isinstance(blamed, Interval):
        return RowRefused("E4010", "an interval of months can't be stored", name)
    kind = "" if blamed is None or isinstance(blamed, dict | list | tuple) else f" of type {type(blamed).__name__}"
    if isinstance(error, InvalidDocument) and message.startswith("cannot encode object"):
        return RowRefused("E4010", f"a value{kind} has no BSON form", name)
    return RowRefused("E4010", f"a value{kind} has no BSON form: {message[:200]}", name)


def _blamed(document: Document) -> tuple[str | None, Any]:
    for name, value in document.items():
        try:
            encode({name: value}, False, OPTIONS)
        except Exception:
            return str(name), value
    return None, None


def decoded(document: bytes) -> dict[str, Any] | None:
    """The document again, for a report; None where Python can't hold it."""
    try:
        return decode(document, OPTIONS)
    except Exception:
        return None
