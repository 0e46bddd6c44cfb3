"""Arithmetic on BSON's four kinds of number in Python, with the server's rules of promotion and rounding."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from bson.decimal128 import Decimal128, create_decimal128_context

CONTEXT: Context = create_decimal128_context()
for _signal in CONTEXT.traps:
    CONTEXT.traps[_signal] = False
WIDE = Context(prec=6300, Emin=-99999, Emax=99999, rounding=ROUND_HALF_UP)
_FIFTEEN = Context(prec=15)


def to_decimal(number: Any) -> Decimal:
    """A number as the server turns it into a decimal: a double is read with 15 digits."""
    if isinstance(number, Decimal128):
        return number.to_decimal()
    if isinstance(number, float):
        if not math.isfinite(number):
            return Decimal(number)
        sign, digits, exponent = _FIFTEEN.create_decimal(Decimal(number)).as_tuple()
        missing = 15 - len(digits) if any(digits) else 0
        return Decimal((sign, digits + (0,) * missing, int(exponent) - missing))
    return Decimal(int(number))


def _exact_decimal(number: Any) -> Decimal:
    """A number as a sum takes it: a double isn't shortened to 15 digits first."""
    return CONTEXT.create_decimal(Decimal(number)) if isinstance(number, float) else to_decimal(number)


def decimal128(number: Decimal) -> Decimal128:
    """Rounded to 34 digits."""
    return Decimal128(CONTEXT.create_decimal(number))


def to_double(number: Any) -> float:
    """A number of any kind as a double."""
    if isinstance(number, Decimal128):
        return float(number.to_decimal())
    return float(number)


def has_decimal(*numbers: Any) -> bool:
    """Whether one of them is a decimal, so that the result is."""
    return any(isinstance(n, Decimal128) for n in numbers)


def has_double(*numbers: Any) -> bool:
    """Whether one of them is a double."""
    return any(isinstance(n, float) for n in numbers)


def add(left: Any, right: Any) -> Any:
    """The sum: exact before it is rounded, a double if it doesn't fit 64 bits."""
    if has_decimal(left, right):
        return decimal128(CONTEXT.add(_exact_decimal(left), _exact_decimal(right)))
    if not has_double(left, right):
        return int(left) + int(right)
    if not (math.isfinite(left) and math.isfinite(right)):
        return float(left) + float(right)
    try:
        return float(Fraction(left) + Fraction(right)) or float(left) + float(right)
    except OverflowError:
        return float(left) + float(right)


def subtract(left: Any, right: Any) -> Any:
    """The difference; of two doubles as doubles."""
    if has_decimal(left, right):
        return decimal128(CONTEXT.subtract(to_decimal(left), to_decimal(right)))
    if has_double(left, right):
        return float(left) - float(right)
    return int(left) - int(right)


def multiply(left: Any, right: Any) -> Any:
    """The product; a double if it doesn't fit 64 bits."""
    if has_decimal(left, right):
        return decimal128(CONTEXT.multiply(to_decimal(left), to_decimal(right)))
    if has_double(left, right):
        return float(left) * float(right)
    product = int(left) * int(right)
    return product if -(2**63) <= product < 2**63 else float(left) * float(right)


def divide(left: Any, right: Any) -> Any:
    """The quotient as a real number; None for division by zero."""
    if is_zero(right):
        return None
    if has_decimal(left, right):
        return decimal128(CONTEXT.divide(to_decimal(left), to_decimal(right)))
    return float(left) / float(right)


def divide_whole(left: Any, right: Any) -> int | None:
    """The quotient without its fraction; None for division by zero and beyond 64 bits."""
    if is_zero(right):
        return None
    quotient = CONTEXT.divide(to_decimal(left), to_decimal(right))
    if not quotient.is_finite() or not -(2**63) <= int(quotient) < 2**63:
        return None
    return int(quotient)


def modulo(left: Any, right: Any) -> Any:
    """The rest of a division, with the sign of the dividend; None for division by zero."""
    if is_zero(right):
        return None
    if has_decimal(left, right):
        first, second = to_decimal(left), to_decimal(right)
        if second.is_infinite() and first.is_finite():
            return decimal128(first)
        if not first.is_finite() or not second.is_finite():
            return Decimal128("NaN")
        exact = Context(prec=6200, Emin=-9999, Emax=9999).remainder(first, second)
        return decimal128(exact)
    if isinstance(right, float) and not isinstance(left, float) and right.is_integer() and abs(right + 0.5) < 2**31:
        right = int(right)  # the server takes a double that is a 32-bit integer for one
    if has_double(left, right):
        return math.nan if math.isinf(left) or math.isnan(left) else math.fmod(left, right)
    return int(math.copysign(1, left)) * (abs(int(left)) % abs(int(right)))


def is_zero(number: Any) -> bool:
    """Whether a number of any kind is zero."""
    return to_decimal(number).is_zero() if isinstance(number, Decimal128) else number == 0


def negate(number: Any) -> Any:
    """The number with the other sign."""
    if isinstance(number, Decimal128):
        return decimal128(CONTEXT.multiply(number.to_decimal(), Decimal(-1)))
    return -number


def compare_zero(number: Any) -> int:
    """Below, at or above 0 as the number is; NaN is the smallest number."""
    value = number.to_decimal() if isinstance(number, Decimal128) else number
    if value != value:
        return -1
    return int(value > 0) - int(value < 0)
