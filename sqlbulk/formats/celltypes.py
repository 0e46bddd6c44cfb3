"""The types that a column of a file can be given: how text and other values become BSON values."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, DecimalException
from typing import Any
from uuid import UUID

from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import InvalidId
from bson.objectid import ObjectId

from sqlbulk.commands import FileColumn, FileRows
from sqlbulk.errors import PlanError, RowRefused
from sqlbulk.formats.documents import decode_plain, examined_value, needs_examination

UNFIT = (ValueError, LookupError, TypeError, OverflowError, DecimalException, InvalidId)
"""What converting raises for text that doesn't fit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of column is read.

    `many` converts cells at once, `one` a single cell; both raise one of `UNFIT`. `what` names the type in
    messages. `value` converts what a typed format such as JSON has in place of text.
    """

    what: str
    one: Callable[[str], Any]
    many: Callable[[Sequence[str]], Sequence[Any]]
    value: Callable[[Any], Any]
    is_text: bool = False

    def from_value(self, value: Any) -> Any:
        """A value of a typed format. Raises RowRefused (E4002)."""
        try:
            return self.one(value) if isinstance(value, str) else self.value(value)
        except UNFIT:
            raise self.refusal(value) from None

    def refusal(self, value: object) -> RowRefused:
        """The error for a value that doesn't fit."""
        shown = repr(value)
        return RowRefused("E4002", f"{shown if len(shown) <= 60 else shown[:59] + '…'} is not {self.what}")


def kind_of_column(column: FileColumn, spec: FileRows) -> Kind | None:
    """How a column's type is read, None if it has none. Raises PlanError (E2007) for an unknown type."""
    if column.type is None:
        return None
    match = re.fullmatch(r"\s*([A-Za-z_ ]+?)\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*", column.type)
    make = _MAKERS.get(" ".join(match[1].upper().split())) if match else None
    kind = make(match[2], match[3], spec.date_format) if match and make else None
    if kind is None:
        message = f"type {column.type} of column {column.name} is not one that files can be read with"
        raise PlanError("E2007", message, spec.span, hint=f"There are {', '.join(TYPE_NAMES)}.")
    return kind


def _simple(what: str, one: Callable[[str], Any], value: Callable[[Any], Any]) -> Kind:
    return Kind(what, one, lambda cells: list(map(one, cells)), value)


# Numbers


def _within_64_bits(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError
    return value


def _integer(cell: str) -> int:
    if not cell.isascii() or "_" in cell:
        raise ValueError
    return _within_64_bits(int(cell))


def _integers(cells: Sequence[str]) -> Sequence[int]:
    joined = ",".join(cells)
    if not joined.isascii() or "_" in joined:
        raise ValueError
    values = list(map(int, cells))
    _within_64_bits(min(values))
    _within_64_bits(max(values))
    return values


def _integer_value(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError
    return _within_64_bits(int(value))


_NOT_FINITE = {"nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity"}


def _double(cell: str) -> float:
    if not cell.isascii() or "_" in cell:
        raise ValueError
    value = float(cell)
    if not math.isfinite(value) and cell.strip().lower() not in _NOT_FINITE:
        raise OverflowError
    return value


def _doubles(cells: Sequence[str]) -> Sequence[float]:
    joined = ",".join(cells)
    if not joined.isascii() or "_" in joined:
        raise ValueError
    values = list(map(float, cells))
    return values if all(map(math.isfinite, values)) else list(map(_double, cells))


def _double_value(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    return float(value)


def _decimal(precision: int | None, scale: int | None) -> Kind:
    def one(cell: str) -> Decimal128:
        if precision is not None:
            number = Decimal(cell.strip())
            if number.is_finite() and (
                number != round(number, scale or 0) or number.adjusted() + 1 > precision - (scale or 0)
            ):
                raise ValueError
        return Decimal128(cell.strip())

    def value(given: Any) -> Decimal128:
        if isinstance(given, bool) or not isinstance(given, (int, float, Decimal, Decimal128)):
            raise ValueError
        return one(str(given))

    limits = f" with {precision} digits, {scale or 0} of them behind the point"
    return _simple("a decimal number" + ("" if precision is None else limits), one, value)


# Text, truth, dates


def _text(length: int | None) -> Kind:
    def one(cell: str) -> str:
        if length is not None and len(cell) > length:
            raise ValueError
        return cell

    def many(cells: Sequence[str]) -> Sequence[str]:
        return cells if length is None else [one(cell) for cell in cells]

    what = "text" if length is None else f"text of at most {length} characters"
    return Kind(what, one, many, _text_value, is_text=True)


def _text_value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal128() | ObjectId():
            return str(value)
        case _:
            raise ValueError


_TRUTH = {"true": True, "t": True, "yes": True, "y": True, "on": True, "1": True,
          "false": False, "f": False, "no": False, "n": False, "off": False, "0": False}


def _boolean(cell: str) -> bool:
    return _TRUTH[cell.strip().lower()]


def _boolean_value(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)


def _as_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _date(cell: str) -> datetime:
    if not _DATE.fullmatch(cell):
        raise ValueError
    return datetime.combine(date.fromisoformat(cell), time(), UTC)


def _timestamp(cell: str) -> datetime:
    if not _TIMESTAMP.fullmatch(cell):
        raise ValueError
    return _as_utc(datetime.fromisoformat(cell.replace(" Z", "Z").upper()))


def _date_value(value: Any) -> datetime | DatetimeMS:
    """A date as it is, also one that Python's own can't hold."""
    if isinstance(value, DatetimeMS):
        return value
    if not isinstance(value, datetime):
        raise ValueError
    return _as_utc(value)


def _moment(what: str, one: Callable[[str], datetime], date_format: str | None) -> Kind:
    if date_format is None:
        return _simple(what, one, _date_value)

    def one_as_given(cell: str) -> datetime:
        return _as_utc(datetime.strptime(cell, date_format))

    return _simple(f"a date like {date_format}", one_as_given, _date_value)


# Identifiers, bytes, documents


def _uuid(cell: str) -> Binary:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-?)(?:[0-9A-Fa-f]{4}\1){3}[0-9A-Fa-f]{12}", cell):
        raise ValueError
    return Binary.from_uuid(UUID(cell))


def _uuid_value(value: Any) -> Binary:
    if not isinstance(value, Binary) or value.subtype != 4:
        raise ValueError
    return value


def _same(kind: type) -> Callable[[Any], Any]:
    def value(given: Any) -> Any:
        if not isinstance(given, kind):
            raise ValueError
        return given

    return value


def _hex(cell: str) -> bytes:
    digits = cell[2:] if cell[:2] in ("0x", "0X", "\\x") else cell
    return binascii.unhexlify(digits)


def _json(cell: str) -> Any:
    text = f'{{"value":{cell}}}'.encode()
    try:
        document = decode_plain(text)
        if len(document) != 1:
            raise ValueError
        if not needs_examination(text):
            return document["value"]
        import json

        return examined_value(json.loads(cell))
    except RowRefused as error:
        raise ValueError(error.message) from None


INTEGER = Kind("a whole number of 64 bits", _integer, _integers, _integer_value)
DOUBLE = Kind("a number", _double, _doubles, _double_value)
TEXT = _text(None)
BOOLEAN = _simple("true or false", _boolean, _boolean_value)
OBJECTID = _simple("an ObjectId of 24 hexadecimal digits", ObjectId, _same(ObjectId))
UUIDS = _simple("a UUID", _uuid, _uuid_value)
JSON = _simple("JSON", _json, lambda value: value)
HEX = _simple("hexadecimal bytes", _hex, _same(bytes))
BASE64 = _simple("bytes in base64", lambda cell: base64.b64decode(cell, validate=True), _same(bytes))

_Maker = Callable[[str | None, str | None, str | None], Kind | None]


def _plain(kind: Kind) -> _Maker:
    return lambda size, scale, date_format: kind if size is None else None


def _sized_text(size: str | None, scale: str | None, date_format: str | None) -> Kind | None:
    if size is None:
        return TEXT
    return _text(int(size)) if size.isdecimal() and scale is None else None


def _sized_decimal(size: str | None, scale: str | None, date_format: str | None) -> Kind | None:
    if not (size or "0").isdecimal():
        return None
    return _decimal(int(size) if size else None, int(scale) if scale else None)


def _binary(size: str | None, scale: str | None, date_format: str | None) -> Kind | None:
    return {"HEX": HEX, "BASE64": BASE64}.get((size or "HEX").upper()) if scale is None else None


def _dates(size: str | None, scale: str | None, date_format: str | None) -> Kind | None:
    return _moment("a date like 2025-01-31", _date, date_format) if size is None else None


def _timestamps(size: str | None, scale: str | None, date_format: str | None) -> Kind | None:
    return _moment("a timestamp like 2025-01-31T12:00:00Z", _timestamp, date_format) if size is None else None


_MAKERS: dict[str, _Maker] = {
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "LONG"), _plain(INTEGER)),
    **dict.fromkeys(("DOUBLE", "DOUBLE PRECISION", "FLOAT", "REAL"), _plain(DOUBLE)),
    **dict.fromkeys(("DECIMAL", "NUMERIC"), _sized_decimal),
    **dict.fromkeys(("BOOLEAN", "BOOL"), _plain(BOOLEAN)),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "STRING"), _sized_text),
    "DATE": _dates,
    **dict.fromkeys(("TIMESTAMP", "DATETIME"), _timestamps),
    "OBJECTID": _plain(OBJECTID),
    "UUID": _plain(UUIDS),
    **dict.fromkeys(("JSON", "DOCUMENT", "OBJECT", "ARRAY"), _plain(JSON)),
    **dict.fromkeys(("BINARY", "VARBINARY", "BLOB", "BYTES"), _binary),
}

TYPE_NAMES = tuple(sorted(_MAKERS))
"""The names of the types, as COLUMNS takes them."""


# Types found out from the first rows


_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)
_FRACTION = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_FULL_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_TRUE_FALSE = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def _whole(cell: str) -> int:
    value = int(cell)
    if str(value) != cell:
        raise ValueError
    return _within_64_bits(value)


def _wholes(cells: Sequence[str]) -> Sequence[int]:
    values = list(map(int, cells))
    if list(map(str, values)) != list(cells):
        raise ValueError
    _within_64_bits(min(values))
    _within_64_bits(max(values))
    return values


def _exact_double(cell: str) -> float:
    """A number that floating point keeps: written with at most 15 digits, or just as it would be printed."""
    if not _FRACTION.fullmatch(cell):
        raise ValueError
    value = float(cell)
    # a short text may still be beyond what floating point reaches, such as 1e400
    if (len(cell) > 16 or not value or math.isinf(value)) and Decimal(repr(value)) != Decimal(cell):
        raise ValueError
    return value


def _full_timestamp(cell: str) -> datetime:
    if not _FULL_TIMESTAMP.fullmatch(cell):
        raise ValueError
    return _as_utc(datetime.fromisoformat(cell))


INFERRED = (
    Kind("a whole number", _whole, _wholes, _integer_value),
    _simple("a number", _exact_double, _double_value),
    _simple("true or false", _TRUE_FALSE.__getitem__, _boolean_value),
    _simple("a timestamp", _full_timestamp, _date_value),
)
"""The types that are recognised without being asked for, narrowest first. Codes such as 00123 stay text."""


def inferred_kind(cells: Sequence[str]) -> Kind:
    """The narrowest type that fits all cells; text if there are none."""
    for kind in INFERRED if cells else ():
        try:
            kind.many(cells)
            return kind
        except UNFIT:
            continue
    return TEXT
