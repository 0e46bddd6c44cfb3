"""The operators of bits: whole numbers of 64 bits in two's complement, as PostgreSQL's bigint.

The server has such operators from 6.3 on only, and not those that shift; here they are exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from sqlbulk.functions.entries import entry, integer, number
from sqlbulk.functions.fitting import INT64_MAX, INT64_MIN
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.registry import UNKNOWN, Function, Operand
from sqlbulk.types import Type

_BITS = 64


def _let(body: Any, **variables: Any) -> Any:
    return {"$let": {"vars": variables, "in": body}}


def _long(operand: Operand) -> Any:
    """The number as one of 64 bits; NULL if it has a fraction or doesn't fit."""
    if operand.value is not UNKNOWN:
        whole = _whole(operand.value)
        return None if whole is None else Int64(whole)
    if operand.type is Type.INTEGER:
        return operand.mql
    converted = {"$convert": {"input": operand.mql, "to": "long", "onError": None}}
    return _let({"$cond": [{"$eq": ["$$long", operand.mql]}, "$$long", None]}, long=converted)


def _whole(value: Any) -> int | None:
    """The same in Python."""
    exact = to_decimal(value) if isinstance(value, Decimal128) else value
    if exact != exact or not INT64_MIN <= exact <= INT64_MAX or exact != int(exact):
        return None
    return int(exact)


# And, or, exclusive or


def _and(left: Any, right: Any) -> Any:
    """The bits that both have: where one is constant, its bits only."""
    for mask, other in ((left, right), (right, left)):
        if isinstance(mask, int):
            # Fewer than half of the bits are looked at: what a mask leaves out can be taken away.
            few = _masked(other, ~mask) if mask < 0 else _masked(other, mask)
            return {"$subtract": [other, few]} if mask < 0 else few
    both = {"$and": [_has_bit(left, "$$bit"), _has_bit(right, "$$bit")]}
    bits = {"$map": {"input": {"$literal": [Int64(2**n) for n in range(_BITS - 1)]}, "as": "bit",
                     "in": {"$cond": [both, "$$bit", 0]}}}
    sign = {"$cond": [{"$and": [{"$lt": [left, 0]}, {"$lt": [right, 0]}]}, Int64(INT64_MIN), 0]}
    return {"$add": [{"$sum": bits}, sign]}


def _masked(value: Any, mask: int) -> Any:
    """The bits of a mask without a sign."""
    bits = [2**n for n in range(_BITS - 1) if mask >> n & 1]
    return {"$toLong": {"$add": [{"$cond": [_has_bit(value, Int64(bit)), Int64(bit), 0]} for bit in bits] or [0]}}


def _has_bit(value: Any, bit: Any) -> Any:
    """Whether a bit below the sign is set. The remainder has the sign of the value: below 0 it is 2 * bit less."""
    top = 2 ** (_BITS - 2)
    if isinstance(bit, int):
        rest: Any = value if bit == top else {"$mod": [value, Int64(2 * bit)]}
        return _let({"$or": [{"$gte": ["$$rest", bit]}, {"$and": [
            {"$lt": ["$$rest", 0]}, {"$gte": ["$$rest", Int64(-bit)]}]}]}, rest=rest)
    rest = {"$cond": [{"$eq": [bit, Int64(top)]}, value, {"$mod": [value, {"$add": [bit, bit]}]}]}
    below = {"$and": [{"$lt": ["$$rest", 0]}, {"$gte": ["$$rest", {"$multiply": [bit, -1]}]}]}
    return _let({"$or": [{"$gte": ["$$rest", bit]}, below]}, rest=rest)


def _combined(combine: Callable[[Any, Any, Any], Any]) -> Callable[[Operand, Operand], Any]:
    """An operator over its two numbers and the bits that both have; none of its sums is beyond 64 bits."""

    def lower(left: Operand, right: Operand) -> Any:
        first, second = _long(left), _long(right)
        if first is None or second is None:
            return None
        names: list[Any] = [f"$${n}" if o.value is UNKNOWN else v
                 for n, o, v in (("left", left, first), ("right", right, second))]
        known = {"$and": [{"$gt": [name, None]} for name in names if isinstance(name, str)]}
        result = _let(combine(names[0], names[1], "$$both"), both=_and(names[0], names[1]))
        return _let({"$cond": [known, result, None]}, left=first, right=second)

    return lower


def _in_python(operation: Callable[..., int]) -> Callable[..., int | None]:
    def fold(*values: Any) -> int | None:
        whole = [_whole(v) for v in values]
        return None if None in whole else operation(*whole)

    return fold


def _difference(left: Any, right: Any) -> Any:
    return {"$subtract": [left, right]}


# Not, and shifts


def _not(value: Operand) -> Any:
    return {"$subtract": [-1, _long(value)]}


def _power(bits: Operand) -> Any:
    """2 to the power of 0 to 64 as a decimal: exact, and no shift of one has more than 34 digits."""
    if bits.value is not UNKNOWN:
        return Decimal128(str(2**bits.value))
    return {"$arrayElemAt": [{"$literal": [Decimal128(str(2**n)) for n in range(_BITS)]}, bits.mql]}


def _shifted(shift: Callable[[Any, Any], Any]) -> Callable[[Operand, Operand], Any]:
    def lower(value: Operand, bits: Operand) -> Any:
        if bits.value is not UNKNOWN and not 0 <= bits.value < _BITS:
            return None
        within = {"$and": [{"$gte": [bits.mql, 0]}, {"$lt": [bits.mql, _BITS]}]}
        shifted = _let(shift({"$toDecimal": "$$long"}, "$$power"), power=_power(bits))
        return _let({"$cond": [within, {"$toLong": shifted}, None]}, long=_long(value))

    return lower


def _left(value: Any, power: Any) -> Any:
    """What would be shifted out is taken off before; the result is brought into 64 bits behind."""
    all_bits, half = Decimal128(str(2**_BITS)), Decimal128(str(2 ** (_BITS - 1)))
    wide = {"$multiply": [{"$mod": [value, {"$divide": [all_bits, power]}]}, power]}
    cases = [
        {"case": {"$gte": ["$$wide", half]}, "then": {"$subtract": ["$$wide", all_bits]}},
        {"case": {"$lt": ["$$wide", {"$multiply": [half, -1]}]}, "then": {"$add": ["$$wide", all_bits]}},
    ]
    return _let({"$switch": {"branches": cases, "default": "$$wide"}}, wide=wide)


def _right(value: Any, power: Any) -> Any:
    return {"$floor": {"$divide": [value, power]}}


def _fold_shift(shift: Callable[[int, int], int]) -> Callable[[Any, int], int | None]:
    def fold(value: Any, bits: int) -> int | None:
        whole = _whole(value)
        return shift(whole, bits) if whole is not None and 0 <= bits < _BITS else None

    return fold


def _fold_left(value: int, bits: int) -> int:
    wide: int = ((value << bits) + 2**63) % 2**_BITS
    return wide - 2**63


def _entry(name: str, alias: str, help: str, example: str, parameters: Any, lower: Any, fold: Any) -> Function:
    help = f"{help}; NULL for numbers with a fraction or beyond 64 bits."
    return entry(name, help, example, parameters, lower, fold, returns=Type.INTEGER, aliases=(alias,), operands=True)


_PAIR = (number("left"), number("right"))
_SHIFT = (number(), integer("bits"))

ENTRIES: tuple[Function, ...] = (
    _entry("&", "BITAND", "The bits that both whole numbers have", "BITAND(6, 3) = 2", _PAIR,
           _combined(lambda left, right, both: both), _in_python(lambda left, right: left & right)),
    _entry("|", "BITOR", "The bits that one of the whole numbers has", "BITOR(6, 3) = 7", _PAIR,
           _combined(lambda left, right, both: {"$add": [_difference(left, both), right]}),
           _in_python(lambda left, right: left | right)),
    _entry("#", "BITXOR", "The bits that only one of the whole numbers has", "BITXOR(6, 3) = 5", _PAIR,
           _combined(lambda left, right, both: {"$add": [_difference(left, both), _difference(right, both)]}),
           _in_python(lambda left, right: left ^ right)),
    _entry("~", "BITNOT", "The bits that the whole number doesn't have", "BITNOT(6) = -7", (number(),), _not,
           _in_python(lambda value: ~value)),
    _entry("<<", "BITSHIFTLEFT", "The whole number shifted to the left by 0 to 63 bits", "1 << 3 = 8", _SHIFT,
           _shifted(_left), _fold_shift(_fold_left)),
    _entry(">>", "BITSHIFTRIGHT", "The whole number shifted to the right by 0 to 63 bits", "8 >> 3 = 1", _SHIFT,
           _shifted(_right), _fold_shift(lambda value, bits: value >> bits)),
)
