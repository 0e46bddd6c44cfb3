"""Dates made from parts or seconds, and seconds made from dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.functions.arithmetic import milliseconds, zone
from sqlbulk.functions.entries import entry, integer, moment, number
from sqlbulk.functions.fitting import FIRST_MOMENT
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.registry import Context, Function
from sqlbulk.functions.timeparts import EPOCH
from sqlbulk.types import Type


def _made(year: Any, month: Any, day: Any, clock: dict[str, Any] | None = None, context: Context | None = None) -> Any:
    """NULL unless the parts are those of a day: $dateFromParts carries what is too much over."""
    zoned = {"timezone": context.time_zone} if context and context.time_zone != "UTC" else {}
    made = {"$dateFromParts": {"year": year, "month": month, "day": day}}
    exists = {"$and": [
        {"$gte": [year, 1]}, {"$lte": [year, 9999]}, {"$gte": [month, 1]}, {"$lte": [month, 12]}, {"$gte": [day, 1]},
        {"$lte": [day, 31]},
    ]}
    whole = {"$dateFromParts": {"year": year, "month": month, "day": day, **(clock or {}), **zoned}}
    checked = {"$cond": [{"$eq": [{"$dayOfMonth": made}, day]}, whole, None]}
    return {"$cond": [exists, checked, None]}


def _fold_made(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def _made_moment(
    year: Any, month: Any, day: Any, hour: Any, minute: Any, second: Any, *, context: Context
) -> Any:
    ms = {"$toInt": {"$round": [{"$multiply": [second, 1000]}, 0]}}
    whole = {"$and": [{"$gte": [hour, 0]}, {"$lt": [hour, 24]}, {"$gte": [minute, 0]}, {"$lt": [minute, 60]},
                      {"$gte": [second, 0]}, {"$lt": [second, 60]}]}
    clock = {"hour": hour, "minute": minute, "second": {"$toInt": {"$floor": {"$divide": ["$$ms", 1000]}}},
             "millisecond": {"$mod": ["$$ms", 1000]}}
    made = {"$let": {"vars": {"ms": ms}, "in": _made(year, month, day, clock, context)}}
    return {"$cond": [whole, made, None]}


def is_between(x: Any, low: int, high: int) -> bool:
    """Whether low <= x < high; NaN is not."""
    value = to_decimal(x) if isinstance(x, Decimal128 | int) else x
    return value == value and low <= value < high


def _fold_made_moment(
    year: int, month: int, day: int, hour: int, minute: int, second: Any, *, context: Context
) -> datetime | None:
    if not (0 <= hour < 24 and 0 <= minute < 60 and is_between(second, 0, 60)):
        return None
    start = _fold_made(year, month, day)
    if start is None:
        return None
    exact = second.to_decimal() * 1000 if isinstance(second, Decimal128) else second * 1000
    moved = start + timedelta(hours=hour, minutes=minute, milliseconds=round(exact))
    return moved.replace(tzinfo=zone(context.time_zone)).astimezone(UTC)


_FROM = milliseconds(FIRST_MOMENT - EPOCH)
_TO = milliseconds(datetime(9999, 12, 31, tzinfo=UTC) - EPOCH)


def _from_seconds(seconds: Any) -> Any:
    ms = {"$multiply": [seconds, 1000]}
    within = {"$and": [{"$gte": [ms, _FROM]}, {"$lte": [ms, _TO]}]}
    return {"$cond": [within, {"$toDate": {"$toLong": {"$round": [ms, 0]}}}, None]}


def _fold_from_seconds(seconds: Any) -> datetime | None:
    exact = seconds.to_decimal() * 1000 if isinstance(seconds, Decimal128) else seconds * 1000
    return EPOCH + timedelta(milliseconds=round(exact)) if is_between(exact, _FROM, _TO + 1) else None


def _to_seconds(date: Any) -> Any:
    return {"$toLong": {"$floor": {"$divide": [{"$toLong": date}, 1000]}}}


_D = "DATE '2024-02-29'"

ENTRIES: tuple[Function, ...] = (
    entry("MAKE_DATE", "The day of a year, month and day; NULL if there is none.", f"MAKE_DATE(2024, 2, 29) = {_D}",
          (integer("year"), integer("month"), integer("day")), _made, _fold_made, returns=Type.DATE),
    entry("MAKE_TIMESTAMP", "The moment of a year, month, day, hour, minute and second; NULL if there is none.",
           f"MAKE_TIMESTAMP(2024, 2, 29, 0, 0, 0) = {_D}",
           (*map(integer, ("year", "month", "day", "hour", "minute")), number("second")), _made_moment,
           _fold_made_moment, returns=Type.DATE, contextual=True),
    entry("FROM_UNIXTIME", "The date so many seconds after 1970-01-01 UTC.", "FROM_UNIXTIME(0) = DATE '1970-01-01'",
          (number("seconds"),), _from_seconds, _fold_from_seconds, returns=Type.DATE, aliases=("TO_TIMESTAMP",)),
    entry("UNIX_TIMESTAMP", "The whole seconds since 1970-01-01 UTC.", "UNIX_TIMESTAMP(DATE '1970-01-02') = 86400",
          (moment(),), _to_seconds, lambda d: milliseconds(d - EPOCH) // 1000, returns=Type.INTEGER, nullable=False),
    entry("UNIX_TIMESTAMP", "The whole seconds since 1970-01-01 UTC at the statement's start.", "UNIX_TIMESTAMP() > 0",
           (), lambda context: milliseconds(context.now - EPOCH) // 1000,
          lambda context: milliseconds(context.now - EPOCH) // 1000, returns=Type.INTEGER, contextual=True,
          nullable=False),
)
