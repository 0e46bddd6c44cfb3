"""SQL types, the Python and BSON forms of their values, and the marks for absent ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId


class Missing(Enum):
    """The value of a field that is left out: what DEFAULT gives."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


class Type(Enum):
    """What is known of a value before it is seen. ANY: nothing; NUMBER: one of the four kinds of number."""

    ANY = "any"
    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"  # int32 or int64, by size
    DOUBLE = "double"
    DECIMAL = "decimal"
    NUMBER = "number"
    STRING = "string"
    DATE = "date"  # a moment: BSON date, milliseconds, UTC
    DURATION = "duration"  # whole or fractional milliseconds, stored as a number
    MONTHS = "months"  # an interval of months and years: shifts dates, can't be stored
    OBJECTID = "objectid"
    UUID = "uuid"
    BINARY = "binary"
    DOCUMENT = "document"
    ARRAY = "array"

    @property
    def numeric(self) -> bool:
        """Whether arithmetic on it can't fail for its type."""
        return self in _NUMERIC


_NUMERIC = {Type.INTEGER, Type.DOUBLE, Type.DECIMAL, Type.NUMBER, Type.DURATION}


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time as SQL writes it: months only shift dates, milliseconds are a duration."""

    months: int = 0
    milliseconds: int = 0


def type_of(value: object) -> Type:
    """The type of a Python value."""
    for types, kind in _PYTHON_TYPES:
        if isinstance(value, types):
            return kind
    if isinstance(value, Interval):
        return Type.MONTHS if value.months else Type.DURATION
    return Type.ANY


_PYTHON_TYPES: tuple[tuple[type | tuple[type, ...], Type], ...] = (
    (type(None), Type.NULL),
    (bool, Type.BOOLEAN),
    (int, Type.INTEGER),
    (float, Type.DOUBLE),
    ((Decimal128, Decimal), Type.DECIMAL),
    (str, Type.STRING),
    ((datetime, date), Type.DATE),
    (ObjectId, Type.OBJECTID),
    (UUID, Type.UUID),
    ((bytes, Binary), Type.BINARY),
    (Mapping, Type.DOCUMENT),
    ((list, tuple), Type.ARRAY),
)


def to_bson(value: Any) -> Any:
    """A Python value as a caller hands it in, in the form that is stored.

    Decimal becomes Decimal128, a date its midnight in UTC, a naive datetime is read as UTC, a UUID
    becomes a standard binary, tuples and other sequences become lists. Other values stay as they are, also a
    Decimal that Decimal128 can't hold.
    """
    match value:
        case None | bool() | int() | float() | str() | ObjectId() | Binary() | Decimal128():
            return value
        case Decimal():
            return _decimal128(value)
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case date():
            return datetime.combine(value, time(), UTC)
        case UUID():
            return Binary.from_uuid(value)
        case Mapping():
            return {k: to_bson(v) for k, v in value.items()}
        case bytes():
            return value
        case bytearray() | memoryview():
            return bytes(value)
        case Sequence():
            return [to_bson(v) for v in value]
        case _:
            return value


def _decimal128(value: Decimal) -> Any:
    try:
        return Decimal128(value)
    except ArithmeticError:
        return value
