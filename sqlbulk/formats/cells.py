"""Values as text: what a cell of a result looks like in each kind of output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import json_util
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.types import MISSING, to_bson


@dataclass(frozen=True, slots=True)
class Layout:
    """How results are laid out.

    `null` is the text for NULL where a format has no NULL of its own; None: the format's usual (`NULL`
    in tables, nothing in CSV). `max_width` is how many characters of a cell a table shows, None: all.
    """

    null: str | None = None
    max_width: int | None = 60
    header: bool = True


def plain_text(value: Any) -> str:
    """A value other than NULL as text: dates in ISO 8601 with Z, bytes in hexadecimal, documents as JSON."""
    make = _TEXTS.get(type(value))
    if make is not None:
        return make(value)
    return next((make for kind, make in _TEXTS.items() if isinstance(value, kind)), _other)(value)


def is_null(value: object) -> bool:
    """Whether there is nothing to show."""
    return value is None or value is MISSING


def is_number(value: object) -> bool:
    """Whether a value is aligned to the right."""
    return isinstance(value, (int, float, Decimal, Decimal128)) and not isinstance(value, bool)


def json_text(value: Any) -> str:
    """A value in relaxed extended JSON, which keeps types; on one line."""
    value = to_bson(_stated(value))
    text = json_util.dumps(value, json_options=_RELAXED, ensure_ascii=False, separators=(",", ":"))
    return _encodable(text)


def visible(text: str) -> str:
    """The text with control characters, terminal escapes, and marks that turn text around spelled out."""
    return text if text.isascii() and text.isprintable() else text.translate(_VISIBLE)


def _iso(value: datetime) -> str:
    moment = value.astimezone(UTC) if value.tzinfo else value
    parts = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=parts) + "Z"


def _double(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text := repr(float(value)), text)


def _bytes(value: bytes) -> str:
    if isinstance(value, Binary) and value.subtype == 4 and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    return bytes(value).hex()


def _compact(value: Any) -> str:
    return _encodable(json.dumps(_simple(value), ensure_ascii=False, separators=(",", ":")))


def _simple(value: Any) -> Any:
    """A value within a document as JSON has it; what JSON lacks becomes the text of a cell."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if value - value == 0:
            return value
        case Mapping():
            return {key: _simple(item) for key, item in value.items() if item is not MISSING}
        case list() | tuple():
            return [_simple(item) for item in value]
        case _:
            return None if is_null(value) else plain_text(value)


def _other(value: Any) -> str:
    try:
        return json_text(value)
    except TypeError:
        return str(value)


def _stated(value: Any) -> Any:
    """The same without fields that are left out."""
    match value:
        case Mapping():
            return {key: _stated(item) for key, item in value.items() if item is not MISSING}
        case list() | tuple():
            return [_stated(item) for item in value]
        case _:
            return None if value is MISSING else value


def _encodable(text: str) -> str:
    """JSON text with halves of characters escaped, so that it can be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


_RELAXED = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True, tzinfo=UTC)

_TEXTS: dict[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda value: "true" if value else "false",
    int: lambda value: str(int(value)),
    float: _double,
    Decimal128: str,
    Decimal: str,
    datetime: _iso,
    date: date.isoformat,
    ObjectId: str,
    UUID: str,
    bytes: _bytes,
    DatetimeMS: lambda value: f"{int(value)} ms",
    Mapping: _compact,
    list: _compact,
    tuple: _compact,
}

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INVISIBLE = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
              *range(0x2060, 0x2070), *range(0xD800, 0xE000), 0xFEFF]
_VISIBLE = {
    code: _SHORT.get(chr(code), f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") for code in _INVISIBLE
}
