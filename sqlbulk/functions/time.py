"""Functions that make, cut, shift and compare dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlbulk.functions.arithmetic import add_months, fold_shift, milliseconds, months_later, shift, zone
from sqlbulk.functions.entries import entry, integer, moment, unit
from sqlbulk.functions.registry import UNKNOWN, Context, Function, FunctionProblem, Operand, Parameter
from sqlbulk.functions.timeparts import in_zone, local
from sqlbulk.types import Type

_LENGTHS = {
    "MILLISECOND": 1, "SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000, "WEEK": 604_800_000,
}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def _unit(word: str, *, more: tuple[str, ...] = ()) -> str:
    name = word.strip().upper().removeprefix("SQL_TSI_")
    singular = name.removesuffix("S") if name != "CENTURIES" else "CENTURY"
    if singular in _LENGTHS or singular in _MONTHS or singular in more:
        return singular
    raise FunctionProblem("E2004", f"{word} is no unit of time", argument=0,
                          hint="units are " + ", ".join((*_LENGTHS, *_MONTHS, *more)).lower())


# The moment the statement began


def _now(*_precision: Any, context: Context) -> datetime:
    return context.now


def _today(*, context: Context) -> datetime:
    return midnight(local(context.now, context))


def midnight(day: datetime) -> datetime:
    """00:00 UTC of a day, which is what a DATE is."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _clock(*_precision: Any, context: Context) -> str:
    return f"{local(context.now, context):%H:%M:%S}"


# Cutting


_LONG = {"DECADE": (10, 0), "CENTURY": (100, 1), "MILLENNIUM": (1000, 1)}


def _truncate(word: str, date: Any, *, context: Context) -> Any:
    name = _unit(word, more=tuple(_LONG))
    zoned = {} if context.time_zone == "UTC" else {"timezone": context.time_zone}
    if name not in _LONG:
        monday = {"startOfWeek": "monday"} if name == "WEEK" else {}
        return {"$dateTrunc": {"date": date, "unit": name.lower(), **monday, **zoned}}
    size, first = _LONG[name]
    year = {"$year": {"date": date, **zoned}}
    whole = {"$subtract": [year, {"$mod": [{"$subtract": [year, first]}, size]}]}
    return {"$dateFromParts": {"year": {"$max": [whole, 1]}, "month": 1, "day": 1, **zoned}}


def _fold_truncate(word: str, date: datetime, *, context: Context) -> Any:
    name = _unit(word, more=tuple(_LONG))
    day = local(date, context)
    offset = day.utcoffset()
    if offset is not None and offset.seconds % 60:
        return UNKNOWN
    if name in ("MILLISECOND", "SECOND", "MINUTE", "HOUR"):
        cut = {"MILLISECOND": {}, "SECOND": {"microsecond": 0}, "MINUTE": {"second": 0, "microsecond": 0},
               "HOUR": {"minute": 0, "second": 0, "microsecond": 0}}[name]
        return day.replace(**cut).astimezone(UTC)  # type: ignore[arg-type]
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "WEEK":
        day -= timedelta(days=day.weekday())
    elif name in _MONTHS:
        day = day.replace(month=day.month - (day.month - 1) % _MONTHS[name], day=1)
    elif name in _LONG:
        size, first = _LONG[name]
        day = day.replace(year=max(day.year - (day.year - first) % size, 1), month=1, day=1)
    return day.astimezone(UTC)


def lower_date(date: Any, *, context: Context) -> Any:
    """The day of a date in the statement's time zone, 00:00 UTC."""
    if context.time_zone == "UTC":
        return {"$dateTrunc": {"date": date, "unit": "day"}}
    return _parts_as_utc({"$dateToParts": {"date": date, "timezone": context.time_zone}}, clock=False)


def _parts_as_utc(parts: Any, *, clock: bool) -> Any:
    names = ["year", "month", "day"] + (["hour", "minute", "second", "millisecond"] if clock else [])
    made = {"$dateFromParts": {name: f"$$parts.{name}" for name in names}}
    year = "$$parts.year"  # Another zone's clocks may be in a year that $dateFromParts doesn't take.
    exists = {"$and": [{"$gte": [year, 1]}, {"$lte": [year, 9999]}]}
    return {"$let": {"vars": {"parts": parts}, "in": {"$cond": [exists, made, None]}}}


def _at_zone(date: Operand, name: Operand) -> Any:
    return _parts_as_utc({"$dateToParts": {"date": date.mql, "timezone": _zone_name(name.value)}}, clock=True)


def _zone_name(name: str) -> str:
    try:
        zone(name)
    except (LookupError, ValueError, OSError):
        raise FunctionProblem("E2004", f"there is no time zone {name!r}", argument=1,
                              hint="names are those of the IANA database, such as Europe/Paris, or +02:00") from None
    return name


def _fold_at_zone(date: datetime, name: str) -> datetime:
    return date.astimezone(zone(_zone_name(name))).replace(tzinfo=UTC)


def _convert_zone(date: Operand, old: Operand, new: Operand) -> Any:
    names = ("year", "month", "day", "hour", "minute", "second", "millisecond")
    moved = {"$dateFromParts": {**{n: f"$$old.{n}" for n in names}, "timezone": _zone_name(old.value)}}
    instant = {"$let": {"vars": {"old": {"$dateToParts": {"date": date.mql}}}, "in": moved}}
    return _parts_as_utc({"$dateToParts": {"date": instant, "timezone": _zone_name(new.value)}}, clock=True)


def _fold_convert_zone(date: datetime, old: str, new: str) -> datetime:
    return _fold_at_zone(date.replace(tzinfo=zone(_zone_name(old))).astimezone(UTC), new)


def _bucket(width: Any, date: Any, origin: Any = None) -> Any:
    start = datetime(2000, 1, 3, tzinfo=UTC) if origin is None else origin
    past = {"$subtract": [date, start]}
    rest = {"$mod": [past, width]}
    down = {"$subtract": [past, {"$cond": [{"$lt": [rest, 0]}, {"$add": [rest, width]}, rest]}]}
    return {"$cond": [{"$gte": [width, 1]}, {"$add": [start, down]}, None]}


def _fold_bucket(width: Any, date: datetime, origin: datetime = datetime(2000, 1, 3, tzinfo=UTC)) -> Any:
    if not isinstance(width, int):
        return UNKNOWN
    past = milliseconds(date - origin)
    return origin + timedelta(milliseconds=past - past % width) if width >= 1 else None


# Shifting


def _later(sign: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def lower(date: Operand, length: Operand, *, context: Context) -> Any:
        return shift(date, length, sign=sign, context=context)

    def fold(date: datetime, length: Any, *, context: Context) -> Any:
        return fold_shift(date, length, sign=sign, context=context)

    return lower, fold


def _units_later(word: str, n: Any, date: Any, *, context: Context) -> Any:
    name = _unit(word)
    within = {"$lt": [{"$abs": n}, 2**22 if name in _MONTHS else 2**53 // _LENGTHS[name]]}
    if name in _MONTHS:
        added = months_later(date, {"$multiply": [n, _MONTHS[name]]}, context)
    else:
        added = {"$add": [date, {"$multiply": [n, _LENGTHS[name]]}]}
    return {"$cond": [within, added, None]}


def _fold_units_later(word: str, n: int, date: datetime, *, context: Context) -> datetime | None:
    name = _unit(word)
    if abs(n) >= (2**22 if name in _MONTHS else 2**53 // _LENGTHS[name]):
        return None
    if name in _MONTHS:
        return add_months(date, n * _MONTHS[name], context.time_zone)
    return date + timedelta(milliseconds=n * _LENGTHS[name])


def _last_day(date: Any, *, context: Context) -> Any:
    start = _truncate("MONTH", lower_date(date, context=context), context=Context(context.now))
    return {"$subtract": [months_later(start, 1, Context(context.now)), _LENGTHS["DAY"]]}


def _fold_last_day(date: datetime, *, context: Context) -> datetime:
    first = midnight(local(date, context)).replace(day=1)
    return first + timedelta(days=(first.replace(day=28) + timedelta(days=4)).replace(day=1).toordinal()
                             - first.toordinal() - 1)


# Comparing


def _boundaries(word: str, start: Any, end: Any, *, context: Context) -> Any:
    name = _unit(word)
    zoned = {} if context.time_zone == "UTC" else {"timezone": context.time_zone}
    monday = {"startOfWeek": "monday"} if name == "WEEK" else {}
    return {"$dateDiff": {"startDate": start, "endDate": end, "unit": name.lower(), **monday, **zoned}}


def _fold_boundaries(word: str, start: datetime, end: datetime, *, context: Context) -> Any:
    name = _unit(word)
    first, last = (_fold_truncate(name, d, context=context) for d in (start, end))
    if first is UNKNOWN or last is UNKNOWN:
        return UNKNOWN
    if name in _MONTHS:
        first, last = local(first, context), local(last, context)
        return ((last.year - first.year) * 12 + last.month - first.month) // _MONTHS[name]
    if name in ("DAY", "WEEK"):
        days = local(last, context).date() - local(first, context).date()
        return days.days // (7 if name == "WEEK" else 1)
    return milliseconds(last - first) // _LENGTHS[name]


def _days(end: Any, start: Any, *, context: Context) -> Any:
    return _boundaries("DAY", start, end, context=context)


def _fold_days(end: datetime, start: datetime, *, context: Context) -> Any:
    return _fold_boundaries("DAY", start, end, context=context)


def _complete_units(word: str, start: Any, end: Any, *, context: Context) -> Any:
    name = _unit(word)
    if name in _LENGTHS:
        return {"$toLong": {"$trunc": {"$divide": [{"$subtract": [end, start]}, _LENGTHS[name]]}}}
    # A month that is shorter than the start's day isn't complete before it is over, as in MySQL.
    days = [in_zone("$dayOfMonth", d, context) for d in ("$$moved", start)]
    too_many = {"$and": [{"$gt": ["$$months", 0]}, {"$or": [{"$gt": ["$$moved", end]}, {"$lt": days}]}]}
    too_few = {"$and": [{"$lt": ["$$months", 0]}, {"$lt": ["$$moved", end]}, {"$eq": days}]}
    correction = {"$let": {"vars": {"moved": months_later(start, "$$months", context)},
                           "in": {"$cond": [too_many, -1, {"$cond": [too_few, 1, 0]}]}}}
    months = {"$let": {"vars": {"months": _boundaries("MONTH", start, end, context=context)},
                       "in": {"$add": ["$$months", correction]}}}
    return {"$toLong": {"$trunc": {"$divide": [months, _MONTHS[name]]}}}


def _fold_complete_units(word: str, start: datetime, end: datetime, *, context: Context) -> Any:
    name = _unit(word)
    if name in _LENGTHS:
        length = milliseconds(end - start)
        return abs(length) // _LENGTHS[name] * (1 if length >= 0 else -1)
    months = _fold_boundaries("MONTH", start, end, context=context)
    if months is UNKNOWN:
        return UNKNOWN
    moved = add_months(start, months, context.time_zone)
    shorter = local(moved, context).day < local(start, context).day
    too_many = months > 0 and (moved > end or shorter)
    months += -1 if too_many else 1 if months < 0 and moved < end and not shorter else 0
    return abs(months) // _MONTHS[name] * (1 if months >= 0 else -1)


_LENGTH = Parameter("length", Type.DURATION)
_CALENDAR = Parameter("length", Type.MONTHS)
_D = "DATE '2024-02-29'"
_DAY = "INTERVAL '1 day'"


def _shifts(name: str, sign: int, example: str, aliases: tuple[str, ...]) -> tuple[Function, ...]:
    words = "The date a length of time " + ("later." if sign > 0 else "earlier.")
    lower, fold = _later(sign)
    return tuple(
        entry(name, words, example, (moment(), length), lower, fold, returns=Type.DATE, contextual=True, operands=True,
              aliases=aliases)
        for length in (_LENGTH, _CALENDAR)
    )


def _timed(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    given = {"returns": Type.DATE, "contextual": True, "nullable": False, **fields}
    return entry(name, help, example, parameters, lower, fold, **given)


_PRECISION = (integer("digits", optional=True, constant=True),)

ENTRIES: tuple[Function, ...] = (
    _timed("NOW", "The moment the statement began.", "NOW() <= NOW()", _PRECISION, _now, _now,
           aliases=("CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "STATEMENT_TIMESTAMP", "TRANSACTION_TIMESTAMP", "GETDATE",
                    "SYSDATE", "UTC_TIMESTAMP", "CLOCK_TIMESTAMP")),
    _timed("CURRENT_DATE", "The day the statement began, 00:00 UTC.", "CURRENT_DATE <= NOW()", (), _today, _today,
           aliases=("CURDATE", "TODAY", "UTC_DATE")),
    _timed("CURRENT_TIME", "The time of day the statement began, as text HH:MM:SS.", "LENGTH(CURRENT_TIME) = 8",
           _PRECISION, _clock, _clock, returns=Type.STRING, aliases=("LOCALTIME", "CURTIME")),
    _timed("DATE_TRUNC", "The date cut down to a unit; weeks begin on Monday.",
           f"DATE_TRUNC('month', {_D}) = DATE '2024-02-01'", (unit(), moment()), _truncate, _fold_truncate),
    _timed("DATE", "The day of a date, 00:00 UTC.", f"DATE({_D}) = {_D}", (moment(),), lower_date,
           lambda date, context: midnight(local(date, context)), nullable=True),
    entry("AT TIME ZONE", "What the clocks of a time zone show at a date.",
          "(TIMESTAMP '2024-01-01 00:00:00' AT TIME ZONE '+02:00') = TIMESTAMP '2024-01-01 02:00:00'",
          (moment(), unit("zone")), _at_zone, _fold_at_zone, returns=Type.DATE, operands=True),
    entry("TIMEZONE", "What the clocks of a time zone show at a date.",
          "TIMEZONE('+02:00', TIMESTAMP '2024-01-01 00:00:00') = TIMESTAMP '2024-01-01 02:00:00'",
          (unit("zone"), moment()), lambda z, d: _at_zone(d, z), lambda z, d: _fold_at_zone(d, z), returns=Type.DATE,
          operands=True),
    entry("CONVERT_TZ", "What the clocks of the second zone show when those of the first show the date.",
          f"CONVERT_TZ({_D}, '+00:00', '+02:00') = TIMESTAMP '2024-02-29 02:00:00'",
          (moment(), unit("from"), unit("to")), _convert_zone, _fold_convert_zone, returns=Type.DATE, operands=True),
    entry("TIME_BUCKET", "The start of the stretch of a length that the date falls into, from Monday 2000-01-03.",
          f"TIME_BUCKET({_DAY}, TIMESTAMP '2024-02-29 05:00:00') = {_D}",
          (_LENGTH, moment(), moment("origin", optional=True)), _bucket, _fold_bucket, returns=Type.DATE,
          aliases=("DATE_BIN",)),
    *_shifts("DATE_ADD", 1, f"DATE_ADD({_D}, {_DAY}) = DATE '2024-03-01'", ("ADDDATE",)),
    *_shifts("DATE_SUB", -1, f"DATE_SUB({_D}, {_DAY}) = DATE '2024-02-28'", ("SUBDATE",)),
    _timed("TIMESTAMPADD", "The date n units later.", f"TIMESTAMPADD('day', 1, {_D}) = DATE '2024-03-01'",
           (unit(), integer(), moment()), _units_later, _fold_units_later, nullable=True,
           aliases=("DATEADD", "DATE_ADD")),
    _timed("LAST_DAY", "The last day of the date's month.", f"LAST_DAY(DATE '2024-02-01') = {_D}", (moment(),),
           _last_day, _fold_last_day),
    _timed("DATEDIFF", "How many days lie from the second date to the first, by the calendar.",
           f"DATEDIFF(DATE '2024-03-01', {_D}) = 1", (moment("end"), moment("start")), _days, _fold_days,
           returns=Type.INTEGER),
    _timed("DATEDIFF", "How many starts of a unit lie between two dates.",
           f"DATEDIFF('month', {_D}, DATE '2024-03-01') = 1", (unit(), moment("start"), moment("end")), _boundaries,
           _fold_boundaries, returns=Type.INTEGER, aliases=("DATE_DIFF",)),
    _timed("TIMESTAMPDIFF", "How many complete units lie between two dates.",
           f"TIMESTAMPDIFF('month', {_D}, DATE '2024-03-28') = 0", (unit(), moment("start"), moment("end")),
           _complete_units, _fold_complete_units, returns=Type.INTEGER),
    entry("AGE", "The time from the second date to the first, in milliseconds.",
          f"AGE(DATE '2024-03-01', {_D}) = {_DAY}", (moment("end"), moment("start")),
          lambda a, b: {"$subtract": [a, b]}, lambda a, b: milliseconds(a - b), returns=Type.DURATION, nullable=False),
    _timed("AGE", "The time from the date to the start of the statement's day, in milliseconds.",
           "AGE(CURRENT_DATE) = 0", (moment(),), lambda d, context: {"$subtract": [_today(context=context), d]},
           lambda d, context: milliseconds(_today(context=context) - d), returns=Type.DURATION),
)
