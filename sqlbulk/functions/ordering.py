"""The order of BSON values, in Python: what the server's comparisons, sorts and maxima go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp


def compare(left: Any, right: Any) -> int:
    """Below, at or above 0: left comes before, is equal to, or comes after right."""
    ranks = _rank(left), _rank(right)
    if ranks[0] != ranks[1]:
        return _sign(ranks[0] - ranks[1])
    return _WITHIN.get(ranks[0], _compare_plain)(left, right)


def _rank(value: Any) -> int:
    for rank, kinds in _RANKS:
        if isinstance(value, kinds):
            return rank
    raise TypeError(f"{type(value).__name__} is no type of BSON")


_RANKS: tuple[tuple[int, Any], ...] = (
    (1, MinKey), (2, type(None)), (9, bool), (3, (int, float, Decimal128)), (13, Code), (4, str),
    (5, (Mapping, DBRef)), (6, (list, tuple)), (7, (bytes, Binary)), (8, ObjectId), (10, (datetime, DatetimeMS)),
    (11, Timestamp), (12, Regex), (14, MaxKey),
)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _compare_plain(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _compare_numbers(left: Any, right: Any) -> int:
    """By exact value; NaN is the smallest number and equal to itself."""
    first, second = _exact(left), _exact(right)
    if first is None or second is None:
        return (first is not None) - (second is not None)
    return _compare_plain(first, second)


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, float | Decimal) and value != value:
        return None
    if value in (_INFINITY, -_INFINITY):
        return float(value)
    return Fraction(int(value)) if isinstance(value, Int64 | bool) else Fraction(value)


_INFINITY = float("inf")


def _compare_text(left: str, right: str) -> int:
    return _compare_plain(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _compare_binary(left: Any, right: Any) -> int:
    def key(value: Any) -> tuple[int, int, bytes]:
        return len(value), getattr(value, "subtype", 0), bytes(value)

    return _compare_plain(key(left), key(right))


def _compare_arrays(left: Any, right: Any) -> int:
    for first, second in zip(left, right, strict=False):
        result = compare(first, second)
        if result:
            return result
    return _sign(len(left) - len(right))


def _compare_documents(left: Mapping[str, Any] | DBRef, right: Mapping[str, Any] | DBRef) -> int:
    """Field by field: the kind of the value, then the name, then the value. A DBRef is a document."""
    left, right = (value.as_doc() if isinstance(value, DBRef) else value for value in (left, right))
    for (name, value), (other_name, other) in zip(left.items(), right.items(), strict=False):
        result = _sign(_rank(value) - _rank(other)) or _compare_text(name, other_name) or compare(value, other)
        if result:
            return result
    return _sign(len(left) - len(right))


def _compare_dates(left: datetime | DatetimeMS, right: datetime | DatetimeMS) -> int:
    """Dates beyond the years 1 to 9999 are DatetimeMS."""
    return _compare_plain(*(int(v if isinstance(v, DatetimeMS) else DatetimeMS(v)) for v in (left, right)))


def _compare_patterns(left: Regex[str], right: Regex[str]) -> int:
    return _compare_plain((left.pattern, left.flags), (right.pattern, right.flags))


def _compare_same(left: Any, right: Any) -> int:
    return 0


_WITHIN: dict[int, Callable[[Any, Any], int]] = {
    1: _compare_same, 2: _compare_same, 14: _compare_same, 3: _compare_numbers, 4: _compare_text,
    5: _compare_documents, 6: _compare_arrays, 7: _compare_binary, 10: _compare_dates,
    12: _compare_patterns,
}


def ordered(values: Iterable[Any]) -> list[Any]:
    """The values in ascending order."""
    return sorted(values, key=cmp_to_key(compare))
