"""Documents as the bytes they are stored in: taken out of a cursor's batches, and their `_id`s out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bson import decode, encode
from bson.raw_bson import RawBSONDocument

from sqlbulk.execute.encode import OPTIONS

Raw = bytes

RAW: Any = OPTIONS.with_options(document_class=RawBSONDocument, type_registry=None)
_ID = b"_id\0"
_START = 5 + len(_ID)
_FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
"""The sizes in bytes of values whose type has only one: double, ObjectId, boolean, date, null, integers, decimal."""
_PREFIXED = {0x02: 4, 0x03: 0, 0x05: 5}
"""Text, documents and binary data: what is added to the length in front of them."""


def split_batches(batches: Iterable[Any]) -> Iterator[Raw]:
    """The documents of batches that hold them one behind the other."""
    for batch in batches:
        start, end = 0, len(batch)
        while start < end:
            stop = start + int.from_bytes(batch[start : start + 4], "little")
            yield batch[start:stop]
            start = stop


def id_document(document: Raw) -> Raw:
    """A document of nothing but the `_id`, as bytes: equal for equal `_id`s of the same type."""
    if document[5:_START] == _ID:
        kind = document[4]
        size = _FIXED.get(kind)
        if size is None and kind in _PREFIXED:
            size = int.from_bytes(document[_START : _START + 4], "little") + _PREFIXED[kind]
        if size is not None:
            return (_START + size + 1).to_bytes(4, "little") + document[4 : _START + size] + b"\0"
    return encode({"_id": RawBSONDocument(document)["_id"]}, False, OPTIONS)


def id_of(document: Raw) -> Any:
    """A document's `_id`."""
    return decode(id_document(document), OPTIONS)["_id"]


def with_fields(document: Raw, elements: bytes) -> Raw:
    """The document with encoded elements behind its own."""
    body = document[4:-1] + elements + b"\0"
    return (len(body) + 4).to_bytes(4, "little") + body
