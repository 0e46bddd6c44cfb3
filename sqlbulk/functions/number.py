"""Functions of numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.functions import numeric
from sqlbulk.functions.entries import entry, integer, number
from sqlbulk.functions.fitting import arithmetic_type
from sqlbulk.functions.numeric import CONTEXT, decimal128, to_decimal, to_double
from sqlbulk.functions.registry import UNKNOWN, Function, Operand
from sqlbulk.types import Type

_NUMBER = (number(),)
_INFINITY = float("inf")
_PLACES = integer("digits", optional=True)


def _finite(x: Any) -> Any:
    return {"$and": [{"$gt": [x, -_INFINITY]}, {"$lt": [x, _INFINITY]}]}


def _when(condition: Any, result: Any) -> Any:
    return {"$cond": [condition, result, None]}


def _own_type(types: Any) -> Type:
    """The number's own type; whole numbers rounded to tens and more may become too large for one."""
    if len(types) > 1 and types[0] is Type.INTEGER:
        return Type.NUMBER
    known: Type = types[0]
    return known if known.numeric and known is not Type.DURATION else Type.NUMBER


# Rounding


_NONE = Operand(0, Type.INTEGER, False, 0)
_TWO = Operand(2, Type.INTEGER, False, 2)


def _absolute(x: Any) -> Any:
    return {"$cond": [{"$lt": [x, 0]}, {"$multiply": [x, -1]}, x]}


def lower_round(number: Operand, digits_: Operand = _NONE) -> Any:
    """Half away from zero; decimals and doubles through decimals, because $round is half to even."""
    x, digits = number.mql, digits_.mql
    if digits_.value is UNKNOWN:
        places: Any = {"$max": [{"$min": [digits, 30]}, -20]}
        # A decimal 10 to the power of 0 is 0 on some servers.
        half: Any = {"$multiply": [Decimal128("0.5"), {"$toDecimal": {"$pow": [10.0, {"$multiply": [places, -1]}]}}]}
    else:
        places = max(min(int(digits), 30), -20)
        half = Decimal128(Decimal("0.5").scaleb(-places))
    away = {"$cond": [{"$lt": [x, 0]}, {"$multiply": [half, -1]}, half]}
    rounded = {"$trunc": [{"$add": [{"$toDecimal": x}, away]}, places]}
    # The largest doubles are beyond them with 15 digits.
    converted = {"$convert": {"input": rounded, "to": "double", "onError": x}}
    return {
        "$switch": {
            "branches": [
                {"case": {"$eq": [{"$type": x}, "double"]}, "then": converted},
                {"case": {"$eq": [{"$type": x}, "decimal"]}, "then": rounded},
                {"case": {"$gte": [digits, 0]}, "then": x},
            ],
            "default": {"$convert": {"input": rounded, "to": "long", "onError": {"$toDouble": rounded}}},
        }
    }


def round_half_away(x: Any, digits: int = 0) -> Any:
    """The number rounded to so many digits after the point, of its own kind."""
    if isinstance(x, int) and digits >= 0:
        return x
    places = max(min(digits, 30), -20)
    half = Decimal("0.5").scaleb(-places).copy_sign(Decimal(1 if numeric.compare_zero(x) >= 0 else -1))
    rounded = truncate_decimal(CONTEXT.add(to_decimal(x), half), places)
    if isinstance(x, float):
        return x if math.isinf(float(rounded)) else float(rounded)
    return decimal128(rounded) if isinstance(x, Decimal128) else int(rounded)


def truncate_decimal(value: Decimal, places: int) -> Decimal:
    """Without the digits after so many."""
    if not value.is_finite():
        return value
    if -value.as_tuple().exponent <= places:  # type: ignore[operator]
        return value
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN, context=numeric.WIDE)


def _truncate(x: Any, digits: Any = 0) -> Any:
    return {"$trunc": [x, {"$max": [{"$min": [digits, 30]}, -20]}]}


def fold_truncate(x: Any, digits: int = 0) -> Any:
    """The number cut off after so many digits after the point, of its own kind."""
    if isinstance(x, int) and digits >= 0:
        return x
    places = max(min(digits, 30), -20)
    if isinstance(x, float):
        if places == 0 and math.isfinite(x):
            return math.copysign(float(math.trunc(x)), x)
        return float(truncate_decimal(Decimal(x), places))
    rounded = truncate_decimal(to_decimal(x), places)
    return decimal128(rounded) if isinstance(x, Decimal128) else int(rounded)


def _whole(rounding: str) -> Callable[[Any], Any]:
    def fold(x: Any) -> Any:
        if isinstance(x, Decimal128):
            value = x.to_decimal()
            return decimal128(value.to_integral_value(rounding=rounding)) if value.is_finite() else x
        if isinstance(x, float):
            function = math.floor if rounding == "ROUND_FLOOR" else math.ceil
            return math.copysign(float(function(x)), x) if math.isfinite(x) else x
        return x

    return fold


def _sign(x: Any) -> Any:
    return {"$cond": [{"$gt": [x, 0]}, 1, {"$cond": [{"$lt": [x, 0]}, -1, 0]}]}


# Powers and logarithms


def _power(x: Any, y: Any) -> Any:
    real = {"$or": [{"$gt": [x, 0]}, {"$and": [{"$eq": [x, 0]}, {"$gte": [y, 0]}]},
                    {"$and": [{"$lt": [x, 0]}, {"$eq": [y, {"$trunc": y}]}]}]}
    return _when(real, {"$cond": [{"$eq": [y, 0]}, 1, {"$pow": [x, y]}]})


def _is_whole(number: Any) -> bool:
    """Whether it has no fraction; what isn't finite has none."""
    exact = Decimal(number) if isinstance(number, float) else to_decimal(number)
    return not exact.is_finite() or exact == exact.to_integral_value()


def power(x: Any, y: Any) -> Any:
    """x to the y; None where it isn't a real number."""
    if numeric.compare_zero(x) <= 0 and not (numeric.compare_zero(y) >= 0 if numeric.is_zero(x) else _is_whole(y)):
        return None
    if y == 0:
        return 1
    if numeric.has_decimal(x, y):
        return UNKNOWN
    try:
        if not numeric.has_double(x, y) and (y >= 0 or abs(x) == 1):
            exact = x ** abs(y) if y * math.log2(abs(x) or 1) < 70 else 2**64
            return exact if -(2**63) <= exact < 2**63 else float(x) ** y
        return float(x) ** float(y)
    except OverflowError:
        return math.copysign(_INFINITY, x if float(y) % 2 else 1)


def _logarithm(operator: str) -> Callable[[Any], Any]:
    return lambda x: _when({"$gt": [x, 0]}, {operator: x})


def _fold_logarithm(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def fold(x: Any) -> Any:
        if numeric.compare_zero(x) <= 0:
            return None
        return UNKNOWN if isinstance(x, Decimal128) else function(x)

    return fold


def _based(base: Operand, x: Operand) -> Any:
    if _has_no_logarithm(x.value) or _has_no_logarithm(base.value) or _is_one(base.value):
        return None
    possible = {"$and": [{"$gt": [base.mql, 0]}, {"$ne": [base.mql, 1]}, {"$gt": [x.mql, 0]}]}
    return _when(possible, {"$divide": [{"$ln": x.mql}, {"$ln": base.mql}]})


def _has_no_logarithm(value: Any) -> bool:
    """Whether it is known to be 0 or less: the server aborts on such a constant also where it doesn't matter."""
    return value is not UNKNOWN and numeric.compare_zero(value) <= 0


def _is_one(value: Any) -> bool:
    return value is not UNKNOWN and to_decimal(value) == 1


def _fold_based(base: Any, x: Any) -> Any:
    if numeric.compare_zero(base) <= 0 or to_decimal(base) == 1 or numeric.compare_zero(x) <= 0:
        return None
    return UNKNOWN if numeric.has_decimal(base, x) else math.log(x) / math.log(base)


def _real(
    function: Callable[[float], float], possible: Callable[[Any], bool] = math.isfinite
) -> Callable[[Any], Any]:
    """A function of doubles, NULL where it isn't possible; decimals are left to the server."""

    def fold(x: Any) -> Any:
        if isinstance(x, Decimal128):
            exact = x.to_decimal()
            return UNKNOWN if exact.is_nan() or possible(exact) else None
        x = to_double(x)
        try:
            return function(x) if math.isnan(x) or possible(x) else None
        except OverflowError:
            return _INFINITY if x > 0 or function is math.cosh else -_INFINITY

    return fold


def _within(operator: str, low: float, high: float) -> Callable[[Any], Any]:
    def lower(x: Any) -> Any:
        inside = {"$and": [{"$gte": [x, low]}, {"$lte": [x, high]}]}
        return _when({"$or": [inside, {"$ne": [x, x]}]} if low == high else inside, {operator: x})

    return lower


def _of_finite(operator: str) -> Callable[[Any], Any]:
    return lambda x: _when(_finite(x), {operator: x})


def _inside(low: float, high: float) -> Callable[[Any], bool]:
    return lambda x: low <= x <= high


def _nan_null(fold: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: None if isinstance(x, float) and math.isnan(x) else fold(x)


def _cube_root(x: Any) -> Any:
    # Decimals go farther in both directions than doubles do.
    beyond = {"$cond": [{"$gt": [{"$abs": x}, 1]}, _INFINITY, 0.0]}
    size = {"$abs": {"$convert": {"input": x, "to": "double", "onError": beyond}}}
    root = {"$pow": [size, 1 / 3]}
    nearest = {"$round": [root, 0]}
    exact = {"$eq": [{"$multiply": [nearest, nearest, nearest]}, size]}
    return {"$multiply": [{"$cond": [exact, nearest, root]}, {"$cond": [{"$lt": [x, 0]}, -1, 1]}]}


def _fold_cube_root(x: Any) -> Any:
    size = abs(to_double(x))
    root = size ** (1 / 3)
    nearest = float(round(root)) if math.isfinite(root) else root
    return (nearest if nearest * nearest * nearest == size else root) * (-1 if numeric.compare_zero(x) < 0 else 1)


def _unary(name: str, help: str, example: str, lower: Any, fold: Any, **fields: Any) -> Function:
    return entry(name, help, example, _NUMBER, lower, fold, **{"returns": Type.DOUBLE, **fields})


def _angle(name: str, words: str, example: str) -> Function:
    lowered, function = name.lower(), getattr(math, name.lower())
    return _unary(name, words, example, _of_finite(f"${lowered}"), _nan_null(_real(function)))


ENTRIES: tuple[Function, ...] = (
    _unary("ABS", "The number without its sign.", "ABS(-2) = 2", _absolute,
           lambda x: numeric.negate(x) if numeric.compare_zero(x) < 0 else x, returns=arithmetic_type, nullable=False),
    _unary("CEIL", "The smallest whole number that isn't less.", "CEIL(1.2) = 2", lambda x: {"$ceil": x},
           _whole("ROUND_CEILING"), aliases=("CEILING",), returns=_own_type, nullable=False),
    _unary("FLOOR", "The largest whole number that isn't more.", "FLOOR(-1.2) = -2", lambda x: {"$floor": x},
           _whole("ROUND_FLOOR"), returns=_own_type, nullable=False),
    entry("ROUND", "The number rounded to so many digits after the point (0), halves away from zero.",
          "ROUND(2.5) = 3", (number(), _PLACES), lower_round, round_half_away, returns=_own_type, operands=True,
          nullable=False),
    entry("TRUNC", "The number cut off after so many digits after the point (0).", "TRUNC(-2.7) = -2",
          (number(), _PLACES), _truncate, fold_truncate, returns=_own_type, nullable=False, aliases=("TRUNCATE",)),
    _unary("SIGN", "-1, 0 or 1.", "SIGN(-3) = -1", _sign,
           lambda x: (numeric.compare_zero(x) > 0) - (numeric.compare_zero(x) < 0), returns=Type.INTEGER,
           nullable=False),
    entry("POWER", "The first number to the power of the second; NULL if that isn't a real number.", "POWER(2, 3) = 8",
          (number("base"), number("exponent")), _power, power, returns=Type.NUMBER, aliases=("POW", "^")),
    _unary("SQRT", "The square root; NULL for negative numbers.", "SQRT(9) = 3",
           lambda x: _when({"$gte": [x, 0]}, {"$sqrt": x}), _nan_null(_real(math.sqrt, lambda x: x >= 0))),
    _unary("CBRT", "The cube root.", "CBRT(27) = 3", _cube_root, _fold_cube_root, nullable=False),
    _unary("EXP", "e to the power of the number.", "EXP(0) = 1", lambda x: {"$exp": x}, _real(math.exp, lambda x: True),
           nullable=False),
    _unary("LN", "The natural logarithm; NULL unless the number is positive.", "LN(1) = 0", _logarithm("$ln"),
           _fold_logarithm(math.log)),
    _unary("LOG10", "The logarithm to the base 10; NULL unless the number is positive.", "LOG10(100) = 2",
           _logarithm("$log10"), _fold_logarithm(math.log10), aliases=("LOG",)),
    _unary("LOG2", "The logarithm to the base 2; NULL unless the number is positive.", "ROUND(LOG2(8), 9) = 3",
           lambda x: _based(_TWO, x), lambda x: _fold_based(2, x), operands=True),
    entry("LOG", "The logarithm to a base; with one argument to the base 10.", "ROUND(LOG(2, 8), 9) = 3",
          (number("base"), number()), _based, _fold_based, returns=Type.DOUBLE, operands=True),
    entry("PI", "The number pi.", "ROUND(PI(), 2) = 3.14", (), lambda: math.pi, lambda: math.pi, returns=Type.DOUBLE,
          nullable=False),
    entry("E", "Euler's number.", "ROUND(E(), 2) = 2.72", (), lambda: math.e, lambda: math.e, returns=Type.DOUBLE,
          nullable=False),
    _angle("SIN", "The sine of an angle in radians.", "SIN(0) = 0"),
    _angle("COS", "The cosine of an angle in radians.", "COS(0) = 1"),
    _angle("TAN", "The tangent of an angle in radians.", "TAN(0) = 0"),
    _unary("COT", "The cotangent of an angle in radians; NULL where the sine is zero.", "ROUND(COT(1), 2) = 0.64",
           lambda x: _when({"$and": [_finite(x), {"$ne": [x, 0]}]}, {"$divide": [1, {"$tan": x}]}),
           _nan_null(_real(lambda x: 1 / math.tan(x), lambda x: math.isfinite(x) and x != 0))),
    _unary("ASIN", "The angle of a sine; NULL outside -1 to 1.", "ASIN(0) = 0", _within("$asin", -1, 1),
           _nan_null(_real(math.asin, _inside(-1, 1)))),
    _unary("ACOS", "The angle of a cosine; NULL outside -1 to 1.", "ACOS(1) = 0", _within("$acos", -1, 1),
           _nan_null(_real(math.acos, _inside(-1, 1)))),
    _unary("ATAN", "The angle of a tangent.", "ATAN(0) = 0", lambda x: {"$atan": x}, _real(math.atan, lambda x: True),
           nullable=False),
    entry("ATAN2", "The angle of the point (x, y), given y first.", "ATAN2(0, 1) = 0", (number("y"), number("x")),
          lambda y, x: {"$atan2": [y, x]},
          lambda y, x: UNKNOWN if numeric.has_decimal(x, y) else math.atan2(y, x), returns=Type.DOUBLE, nullable=False),
    _unary("DEGREES", "An angle in degrees.", "ROUND(DEGREES(PI())) = 180", lambda x: {"$radiansToDegrees": x},
           _real(lambda x: x * (180.0 / math.pi), lambda x: True), nullable=False),
    _unary("RADIANS", "An angle in radians.", "ROUND(RADIANS(180), 2) = 3.14", lambda x: {"$degreesToRadians": x},
           _real(lambda x: x * (math.pi / 180.0), lambda x: True), nullable=False),
    entry("RANDOM", "A random number of 0 to 1, another for each row.", "RANDOM() < 1", (), lambda: {"$rand": {}},
          random.random, returns=Type.DOUBLE, nullable=False, volatile=True, aliases=("RAND",)),
)
