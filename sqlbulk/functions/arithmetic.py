"""The operators of numbers, dates and durations."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlbulk.functions import numeric
from sqlbulk.functions.fitting import arithmetic_type
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.registry import UNKNOWN, Context, Function, Operand, Parameter
from sqlbulk.types import Interval, Type

NUMBERS = (Parameter("left", Type.NUMBER), Parameter("right", Type.NUMBER))
_LIMIT = 2**53
"""The longest duration in milliseconds that a date is shifted by: 285,000 years."""


def _binary(sign: str) -> Callable[[Any, Any], Any]:
    return lambda left, right: {sign: [left, right]}


def not_zero(divisor: Operand, result: Any) -> Any:
    """The result, or NULL where the divisor is zero."""
    if divisor.value is not UNKNOWN:
        return None if numeric.is_zero(divisor.value) else result
    return {"$cond": [{"$eq": [divisor.mql, 0]}, None, result]}


def _divide(left: Operand, right: Operand) -> Any:
    return not_zero(right, {"$divide": [left.mql, right.mql]})


def _divide_whole(left: Operand, right: Operand) -> Any:
    quotient = {"$divide": [{"$toDecimal": left.mql}, right.mql]}
    whole = {"$convert": {"input": {"$trunc": quotient}, "to": "long", "onError": None}}
    return not_zero(right, whole)


def _modulo(left: Operand, right: Operand) -> Any:
    return not_zero(right, {"$mod": [left.mql, right.mql]})


def _quotient_type(types: Sequence[Type]) -> Type:
    if types[0] is Type.DURATION and types[1] is not Type.DURATION:
        return Type.DURATION
    if Type.DECIMAL in types:
        return Type.DECIMAL
    return Type.DOUBLE if set(types) <= {Type.INTEGER, Type.DOUBLE, Type.DURATION} else Type.NUMBER


def _product_type(types: Sequence[Type]) -> Type:
    if types[0] is types[1] is Type.DURATION:
        return Type.NUMBER
    return arithmetic_type(types)


# Dates


def shift(moment: Operand, length: Operand, *, sign: int = 1, context: Context) -> Any:
    """A date and a length of time later (or earlier, with sign -1)."""
    if isinstance(length.value, Interval):
        shifted = _add_months(moment.mql, sign * length.value.months, context)
        return _add_milliseconds(shifted, sign * length.value.milliseconds)
    if length.type is Type.MONTHS:
        return _add_months(moment.mql, length.mql if sign > 0 else {"$multiply": [length.mql, -1]}, context)
    if length.value is not UNKNOWN and not -_LIMIT < to_decimal(length.value) < _LIMIT:
        return None
    if length.value is not UNKNOWN:
        return _add_milliseconds(moment.mql, sign * length.value)
    within = {"$and": [{"$gt": [length.mql, -_LIMIT]}, {"$lt": [length.mql, _LIMIT]}]}
    return {"$cond": [within, {"$add" if sign > 0 else "$subtract": [moment.mql, length.mql]}, None]}


def _add_milliseconds(moment: Any, milliseconds: Any) -> Any:
    return {"$add": [moment, milliseconds]} if milliseconds else moment


def _add_months(moment: Any, months: Any, context: Context) -> Any:
    return months_later(moment, months, context) if months else moment


def months_later(moment: Any, months: Any, context: Context) -> Any:
    """A date and months later. $dateAdd loses a second of dates before 1970 that have a fraction of one."""
    fraction = {"$millisecond": moment}
    fields = {"startDate": {"$subtract": [moment, fraction]}, "unit": "month", "amount": months}
    if context.time_zone != "UTC":
        fields["timezone"] = context.time_zone
    return {"$add": [{"$dateAdd": fields}, fraction]}


def fold_shift(moment: datetime, length: Any, *, sign: int = 1, context: Context) -> datetime | None:
    """The same in Python. OverflowError: the year isn't 1 to 9999."""
    if isinstance(length, Interval):
        moved = add_months(moment, sign * length.months, context.time_zone)
        return moved + timedelta(milliseconds=sign * length.milliseconds)
    amount = to_decimal(length)
    if not -_LIMIT < amount < _LIMIT:
        return None
    return moment + timedelta(milliseconds=sign * int(amount.to_integral_value(rounding="ROUND_HALF_UP")))


def add_months(moment: datetime, months: int, time_zone: str) -> datetime:
    """Months later by the calendar of a time zone; the day is clipped to the month's last."""
    local = moment.astimezone(zone(time_zone))
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("the year is outside 1 to 9999")
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(zone("UTC"))


def zone(name: str) -> Any:
    """A time zone by its IANA name or as +HH:MM. ValueError, KeyError: there is none."""
    if name[:1] in "+-" and name:
        return datetime.strptime(name, "%z").tzinfo
    return ZoneInfo(name)


def _shifter(sign: int, *, swapped: bool = False) -> Callable[..., Any]:
    def lower(left: Operand, right: Operand, *, context: Context) -> Any:
        return shift(*((right, left) if swapped else (left, right)), sign=sign, context=context)

    return lower


def _fold_shifter(sign: int, *, swapped: bool = False) -> Callable[..., Any]:
    def fold(left: Any, right: Any, *, context: Context) -> Any:
        return fold_shift(*((right, left) if swapped else (left, right)), sign=sign, context=context)

    return fold


def milliseconds(length: timedelta) -> int:
    """A length of time in whole milliseconds."""
    return length // timedelta(milliseconds=1)


def _shifts(name: str, first: Type, second: Type, example: str) -> Function:
    swapped, sign = second is Type.DATE, 1 if name == "+" else -1
    return Function(
        name=name,
        help="A date and a length of time " + ("later." if sign > 0 else "earlier."),
        example=example,
        parameters=(Parameter("left", first), Parameter("right", second)),
        returns=Type.DATE,
        lower=_shifter(sign, swapped=swapped),
        fold=_fold_shifter(sign, swapped=swapped),
        operands=True,
        contextual=True,
        nullable=True,
    )


def _numbers(name: str, help: str, example: str, **fields: Any) -> Function:
    return Function(
        name=name, help=help, example=example, **{"parameters": NUMBERS, "returns": arithmetic_type, **fields}
    )


_DAY = "INTERVAL '1 day'"
_MONTH = "INTERVAL '1 month'"

ENTRIES: tuple[Function, ...] = (
    _numbers("+", "The sum; a double if it doesn't fit 64 bits.", "1 + 2 = 3", lower=_binary("$add"),
             fold=numeric.add, nullable=False),
    _shifts("+", Type.DATE, Type.DURATION, f"DATE '2024-02-28' + {_DAY} = DATE '2024-02-29'"),
    _shifts("+", Type.DURATION, Type.DATE, f"{_DAY} + DATE '2024-02-28' = DATE '2024-02-29'"),
    _shifts("+", Type.DATE, Type.MONTHS, f"DATE '2024-01-31' + {_MONTH} = DATE '2024-02-29'"),
    _shifts("+", Type.MONTHS, Type.DATE, f"{_MONTH} + DATE '2024-01-31' = DATE '2024-02-29'"),
    _numbers("-", "The difference; a double if it doesn't fit 64 bits.", "3 - 2 = 1", lower=_binary("$subtract"),
             fold=numeric.subtract, nullable=False),
    Function(
        name="-", help="The time between two dates, in milliseconds.",
        example="DATE '2024-01-02' - DATE '2024-01-01' = 86400000",
        parameters=(Parameter("left", Type.DATE), Parameter("right", Type.DATE)), returns=Type.DURATION,
        lower=_binary("$subtract"), fold=lambda left, right: milliseconds(left - right), nullable=False,
    ),
    _shifts("-", Type.DATE, Type.DURATION, f"DATE '2024-03-01' - {_DAY} = DATE '2024-02-29'"),
    _shifts("-", Type.DATE, Type.MONTHS, f"DATE '2024-03-31' - {_MONTH} = DATE '2024-02-29'"),
    _numbers("*", "The product; a double if it doesn't fit 64 bits.", "2 * 3 = 6", lower=_binary("$multiply"),
             fold=numeric.multiply, returns=_product_type, nullable=False),
    _numbers("/", "The quotient as a real number; NULL for division by zero.", "1 / 2 = 0.5", lower=_divide,
             fold=numeric.divide, returns=_quotient_type, operands=True),
    _numbers("DIV", "The quotient without its fraction; NULL for division by zero.", "-7 DIV 2 = -3",
             lower=_divide_whole, fold=numeric.divide_whole, returns=Type.INTEGER, operands=True),
    _numbers("%", "The rest of a division, with the dividend's sign; NULL for division by zero.", "-7 % 3 = -1",
             aliases=("MOD",), lower=_modulo, fold=numeric.modulo, operands=True),
    Function(
        name="NEGATE", help="The number with the other sign.", example="-(1) = 0 - 1",
        parameters=(Parameter("number", Type.NUMBER),), returns=arithmetic_type,
        lower=lambda x: {"$multiply": [x, -1]}, fold=numeric.negate, nullable=False,
    ),
)
