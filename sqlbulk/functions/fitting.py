"""Whether a value fits a parameter: known from its type, tested on the server, or tested in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.types import Interval, Type

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Fit(Enum):
    """What the type of an argument says: it fits, only its value can tell, or it never fits."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


def fit(known: Type, wanted: Type) -> Fit:
    """Whether what is known of an argument fits what a parameter wants.

    A DURATION and MONTHS must be known: at run time one can't be told from a plain number.
    """
    if wanted in (Type.ANY, known) or known is Type.NULL:
        return Fit.YES
    if wanted is Type.DURATION:
        return Fit.YES if known is Type.NUMBER else Fit.NO
    if wanted is Type.MONTHS or known is Type.MONTHS:
        return Fit.NO
    if known is Type.ANY:
        return Fit.MAYBE
    if wanted is Type.NUMBER or wanted is Type.DOUBLE:
        return Fit.YES if known.numeric else Fit.NO
    if wanted is Type.INTEGER:
        return Fit.MAYBE if known.numeric else Fit.NO
    if {wanted, known} == {Type.UUID, Type.BINARY}:
        return Fit.YES
    return Fit.NO


def type_test(wanted: Type, operand: Any) -> Any:
    """An expression: the operand is of the type, and neither null nor missing."""
    if wanted in (Type.NUMBER, Type.DOUBLE, Type.DURATION):
        return {"$isNumber": operand}
    if wanted is Type.INTEGER:
        return {
            "$and": [
                {"$isNumber": operand},
                {"$gte": [operand, -(2**31)]},
                {"$lt": [operand, 2**31]},
                {"$eq": [operand, {"$trunc": operand}]},
            ]
        }
    if wanted is Type.ARRAY:
        return {"$isArray": [operand]}
    if wanted is Type.DATE:
        return in_range(operand)
    return {"$eq": [{"$type": operand}, BSON_NAMES[wanted]]}


INFINITY = float("inf")


def has_order(operand: Any) -> Any:
    """An expression: the operand is a number that others are less or greater than, so not NaN, NULL nor missing."""
    return {"$and": list(order_bounds(operand))}


def order_bounds(operand: Any) -> tuple[Any, Any]:
    """What keeps out all that comes before such numbers, NaN and NULL among it, and what keeps out all behind."""
    return {"$gte": [operand, -INFINITY]}, {"$lte": [operand, INFINITY]}


FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


def in_range(operand: Any) -> Any:
    """A date of the years 1 to 9999: what lies between two dates is a date, and others abort some expressions."""
    return {"$and": [{"$gte": [operand, FIRST_MOMENT]}, {"$lte": [operand, LAST_MOMENT]}]}


BSON_NAMES: dict[Type, str] = {
    Type.BOOLEAN: "bool",
    Type.STRING: "string",
    Type.DATE: "date",
    Type.OBJECTID: "objectId",
    Type.UUID: "binData",
    Type.BINARY: "binData",
    Type.DOCUMENT: "object",
    Type.ARRAY: "array",
}


def fits_value(wanted: Type, value: Any) -> bool:
    """The same as `type_test`, for a value in its BSON form."""
    return _TESTS[wanted](value)


def is_number(value: Any) -> bool:
    """Whether it is one of the four kinds of number."""
    return isinstance(value, int | float | Decimal128) and not isinstance(value, bool)


def is_nan(value: Any) -> bool:
    """Whether it is the number that is none, a double or a decimal."""
    return value.to_decimal().is_nan() if isinstance(value, Decimal128) else isinstance(value, float) and value != value


def _is_small_integer(value: Any) -> bool:
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        return number.is_finite() and -(2**31) <= number < 2**31 and number == number.to_integral_value()
    return is_number(value) and -(2**31) <= value < 2**31 and value == int(value)


_TESTS: dict[Type, Callable[[Any], bool]] = {
    Type.ANY: lambda value: True,
    Type.NULL: lambda value: value is None,
    Type.BOOLEAN: lambda value: isinstance(value, bool),
    Type.INTEGER: _is_small_integer,
    Type.DOUBLE: is_number,
    Type.DECIMAL: is_number,
    Type.NUMBER: is_number,
    Type.STRING: lambda value: isinstance(value, str),
    Type.DATE: lambda value: isinstance(value, datetime),
    Type.DURATION: is_number,
    Type.MONTHS: lambda value: isinstance(value, Interval),
    Type.OBJECTID: lambda value: isinstance(value, ObjectId),
    Type.UUID: lambda value: isinstance(value, bytes | Binary),
    Type.BINARY: lambda value: isinstance(value, bytes | Binary),
    Type.DOCUMENT: lambda value: isinstance(value, Mapping),
    Type.ARRAY: lambda value: isinstance(value, list | tuple),
}


def bracket(known: Type) -> str | None:
    """The group of types that a type's values are ordered within, None: not known."""
    if known.numeric:
        return "number"
    return BSON_NAMES.get(known)


def common_type(types: Sequence[Type]) -> Type:
    """The type of a value that is one of several."""
    known = {t for t in types if t is not Type.NULL}
    if not known:
        return Type.NULL
    if len(known) == 1:
        return next(iter(known))
    if known == {Type.DURATION, Type.INTEGER} or known == {Type.DURATION, Type.DOUBLE}:
        return Type.DURATION
    return Type.NUMBER if all(t.numeric for t in known) else Type.ANY


def arithmetic_type(types: Sequence[Type]) -> Type:
    """The type of a sum or product of numbers."""
    known = set(types)
    if Type.DURATION in known and known <= {Type.DURATION, Type.INTEGER, Type.DOUBLE, Type.NUMBER, Type.NULL}:
        return Type.DURATION
    if Type.DECIMAL in known:
        return Type.DECIMAL
    if not known <= {Type.INTEGER, Type.DOUBLE}:
        return Type.NUMBER
    return Type.DOUBLE if Type.DOUBLE in known else Type.NUMBER
