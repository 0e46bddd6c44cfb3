"""The parts of a date: EXTRACT and its short forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlbulk.functions.arithmetic import milliseconds, zone
from sqlbulk.functions.entries import entry, moment, unit
from sqlbulk.functions.number import fold_truncate
from sqlbulk.functions.numeric import divide, modulo, to_decimal
from sqlbulk.functions.registry import Context, Function, FunctionProblem, Parameter
from sqlbulk.types import Type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_zone(operator: str, date: Any, context: Context) -> Any:
    """A date operator by the statement's time zone."""
    if context.time_zone == "UTC":
        return {operator: date}
    return {operator: {"date": date, "timezone": context.time_zone}}


def local(date: datetime, context: Context) -> datetime:
    """The date in the statement's time zone."""
    return date if context.time_zone == "UTC" else date.astimezone(zone(context.time_zone))


Lowering = Callable[[Any, Context], Any]
Folding = Callable[[datetime], Any]


def _plain(operator: str) -> Lowering:
    return lambda date, context: in_zone(operator, date, context)


def _grouped(operator: str, size: int) -> Lowering:
    """Months by quarters, years by centuries: groups that begin with 1."""
    return lambda d, c: {"$toInt": {"$ceil": {"$divide": [in_zone(operator, d, c), size]}}}


def _seconds(date: Any, context: Context) -> Any:
    whole, fraction = in_zone("$second", date, context), in_zone("$millisecond", date, context)
    return {"$divide": [{"$add": [{"$multiply": [whole, 1000]}, fraction]}, 1000]}


PARTS: dict[str, tuple[Lowering, Folding, Type]] = {
    "MILLENNIUM": (_grouped("$year", 1000), lambda d: -(-d.year // 1000), Type.INTEGER),
    "CENTURY": (_grouped("$year", 100), lambda d: -(-d.year // 100), Type.INTEGER),
    "DECADE": (
        lambda d, c: {"$toInt": {"$floor": {"$divide": [in_zone("$year", d, c), 10]}}}, lambda d: d.year // 10,
        Type.INTEGER,
    ),
    "YEAR": (_plain("$year"), lambda d: d.year, Type.INTEGER),
    "ISOYEAR": (_plain("$isoWeekYear"), lambda d: d.isocalendar()[0], Type.INTEGER),
    "QUARTER": (_grouped("$month", 3), lambda d: (d.month + 2) // 3, Type.INTEGER),
    "MONTH": (_plain("$month"), lambda d: d.month, Type.INTEGER),
    "WEEK": (_plain("$isoWeek"), lambda d: d.isocalendar()[1], Type.INTEGER),
    "DAY": (_plain("$dayOfMonth"), lambda d: d.day, Type.INTEGER),
    "DOY": (_plain("$dayOfYear"), lambda d: d.timetuple().tm_yday, Type.INTEGER),
    "DOW": (
        lambda d, c: {"$subtract": [in_zone("$dayOfWeek", d, c), 1]}, lambda d: d.isoweekday() % 7, Type.INTEGER
    ),
    "ISODOW": (_plain("$isoDayOfWeek"), lambda d: d.isoweekday(), Type.INTEGER),
    "HOUR": (_plain("$hour"), lambda d: d.hour, Type.INTEGER),
    "MINUTE": (_plain("$minute"), lambda d: d.minute, Type.INTEGER),
    "SECOND": (_seconds, lambda d: (d.second * 1000 + d.microsecond // 1000) / 1000, Type.DOUBLE),
    "MILLISECONDS": (
        lambda d, c: {"$add": [{"$multiply": [in_zone("$second", d, c), 1000]}, in_zone("$millisecond", d, c)]},
        lambda d: d.second * 1000 + d.microsecond // 1000, Type.INTEGER,
    ),
    "MICROSECONDS": (
        lambda d, c: {
            "$multiply": [
                {"$add": [{"$multiply": [in_zone("$second", d, c), 1000]}, in_zone("$millisecond", d, c)]}, 1000,
            ]
        },
        lambda d: (d.second * 1000 + d.microsecond // 1000) * 1000, Type.INTEGER,
    ),
    "EPOCH": (
        lambda d, c: {"$divide": [{"$toLong": d}, 1000]}, lambda d: milliseconds(d - EPOCH) / 1000, Type.DOUBLE
    ),
}
_SPELLINGS = {
    "ISOWEEK": "WEEK", "DAYOFMONTH": "DAY", "DAYOFYEAR": "DOY", "DAYOFWEEK": "DOW", "WEEKDAY": "DOW",
    "MILLISECOND": "MILLISECONDS", "MICROSECOND": "MICROSECONDS", "WEEKS": "WEEK", "EPOCH_SECOND": "EPOCH",
}

_DURATIONS: dict[str, tuple[int, int | None]] = {
    "EPOCH": (1000, None), "DAY": (86_400_000, None), "HOUR": (3_600_000, 24), "MINUTE": (60_000, 60),
    "SECOND": (1000, 60), "MILLISECONDS": (1, 60_000),
}
"""The units of a length of time: milliseconds in one, and how many make the next."""


def part_name(word: str) -> str:
    """A part as it is called here. FunctionProblem: there is no such part."""
    name = word.strip().upper()
    name = _SPELLINGS.get(name, name)
    if name not in PARTS and name.endswith("S"):
        name = name[:-1]
    if name not in PARTS:
        raise FunctionProblem("E2004", f"{word} is no part of a date", argument=0,
                              hint="parts are " + ", ".join(PARTS))
    return name


def _extract(part: str, date: Any, *, context: Context) -> Any:
    return PARTS[part_name(part)][0](date, context)


def _fold_extract(part: str, date: datetime, *, context: Context) -> Any:
    return PARTS[part_name(part)][1](local(date, context))


def _length_part(part: str) -> tuple[int, int | None]:
    name = part_name(part)
    if name not in _DURATIONS:
        raise FunctionProblem("E2004", f"a length of time has no {part}", argument=0,
                              hint="its parts are " + ", ".join(_DURATIONS))
    return _DURATIONS[name]


def _extract_length(part: str, length: Any) -> Any:
    size, rest = _length_part(part)
    if part_name(part) == "EPOCH":
        return {"$divide": [length, size]}
    if rest is None:
        return {"$trunc": {"$divide": [length, size]}}
    inside = {"$mod": [length, size * rest]}
    return {"$divide": [inside, size]} if size <= 1000 else {"$trunc": {"$divide": [inside, size]}}


def _fold_extract_length(part: str, length: Any) -> Any:
    size, rest = _length_part(part)
    if part_name(part) == "EPOCH":
        return divide(length, size)
    if to_decimal(length).is_nan() or (rest is not None and to_decimal(length).is_infinite()):
        return float("nan")
    value = divide(length if rest is None else modulo(length, size * rest), size)
    return value if rest is not None and size <= 1000 else fold_truncate(value)


def _short(name: str, part: str, words: str, example: str, *, aliases: tuple[str, ...] = (), add: int = 0) -> Function:
    """YEAR(date) and the like; `add` where MySQL counts otherwise."""
    lowering, folding, known = PARTS[part]

    def lower(date: Any, *, context: Context) -> Any:
        value = lowering(date, context)
        return {"$add": [value, add]} if add else value

    def fold(date: datetime, *, context: Context) -> Any:
        return folding(local(date, context)) + add

    return entry(name, words, example, (moment(),), lower, fold, returns=known, contextual=True, nullable=False,
                 aliases=aliases)


def _whole_second(date: Any, *, context: Context) -> Any:
    return in_zone("$second", date, context)


_DATE = "DATE '2024-02-29'"

ENTRIES: tuple[Function, ...] = (
    entry("EXTRACT", "A part of a date: " + ", ".join(PARTS).lower() + ".", f"EXTRACT(YEAR FROM {_DATE}) = 2024",
          (unit("part"), moment()), _extract, _fold_extract, returns=Type.NUMBER, contextual=True, nullable=False,
          aliases=("DATE_PART", "DATEPART")),
    entry("EXTRACT", "A part of a length of time: epoch, day, hour, minute, second.",
          "EXTRACT(EPOCH FROM INTERVAL '2 minutes') = 120", (unit("part"), Parameter("length", Type.DURATION)),
          _extract_length, _fold_extract_length, returns=Type.NUMBER, nullable=False,
          aliases=("DATE_PART", "DATEPART")),
    _short("YEAR", "YEAR", "The year.", f"YEAR({_DATE}) = 2024"),
    _short("QUARTER", "QUARTER", "The quarter, 1 to 4.", f"QUARTER({_DATE}) = 1"),
    _short("MONTH", "MONTH", "The month, 1 to 12.", f"MONTH({_DATE}) = 2"),
    _short("WEEK", "WEEK", "The week by ISO 8601, from Monday.", f"WEEK({_DATE}) = 9",
           aliases=("WEEKOFYEAR", "ISOWEEK")),
    _short("DAY", "DAY", "The day of the month.", f"DAY({_DATE}) = 29", aliases=("DAYOFMONTH",)),
    _short("DAYOFYEAR", "DOY", "The day of the year.", f"DAYOFYEAR({_DATE}) = 60"),
    _short("DAYOFWEEK", "DOW", "The day of the week, 1 for Sunday.", f"DAYOFWEEK({_DATE}) = 5", add=1),
    _short("WEEKDAY", "ISODOW", "The day of the week, 0 for Monday.", f"WEEKDAY({_DATE}) = 3", add=-1),
    _short("HOUR", "HOUR", "The hour.", f"HOUR({_DATE}) = 0"),
    _short("MINUTE", "MINUTE", "The minute.", f"MINUTE({_DATE}) = 0"),
    entry("SECOND", "The second, without its fraction.", f"SECOND({_DATE}) = 0", (moment(),), _whole_second,
          lambda date, context: local(date, context).second, returns=Type.INTEGER, contextual=True, nullable=False),
)
