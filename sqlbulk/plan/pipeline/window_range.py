"""Frames of RANGE with offsets: the number or date that rows are measured by, and the frame in the server's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlbulk.errors import UnsupportedError
from sqlbulk.functions.calls import sole
from sqlbulk.functions.fitting import has_order, in_range
from sqlbulk.plan.binding.bound import Constant, Frame, SortKey, WindowCall
from sqlbulk.plan.pipeline.rows import Lowering, Rows
from sqlbulk.types import Interval

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 8 * 10**15
"""Milliseconds from 1970 to a day that no date is near to."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What rows are sorted by (ascending), what parts them besides, and the frame over it."""

    value: Any
    parts: dict[str, Any]
    window: dict[str, Any]


def has_offsets(frame: Frame | None) -> bool:
    """Whether the frame is one of RANGE that goes so far before or behind."""
    if frame is None or frame.unit != "RANGE":
        return False
    return any(isinstance(e, Constant) for e in (frame.start, frame.end))


def measure(call: WindowCall, rows: Rows, lowering: Lowering) -> Measure:
    """The measure of a call with such a frame.

    NULLs are apart from all others. Where the frame has an open end they may be in the frames of others, so they
    are farther away than any value; else they, and what is no number or date, are partitions of their own.
    Raises UnsupportedError for several or no ORDER BY, and for frames of months that go by more than one unit.
    """
    frame, keys = call.frame, call.order_by
    assert frame is not None
    if len(keys) != 1:
        raise UnsupportedError("E3001", "RANGE with an offset takes one ORDER BY", call.span)
    (key,) = keys
    value = lowering.value(key.expression, rows)
    intervals = [e.value for e in (frame.start, frame.end) if isinstance(e, Constant) and isinstance(e.value, Interval)]
    unit, offsets = _unit(intervals, frame, call)
    if key.descending and unit == "month":
        raise UnsupportedError("E3001", "a frame of months takes an ascending ORDER BY", call.span)
    if unit == "month" and not _holds_its_row(offsets) and getattr(key.expression, "nullable", True):
        raise UnsupportedError(
            "E3001", "a frame of months without its own row takes an ORDER BY that is never NULL", call.span)
    test = has_order(value)
    if intervals:  # The server shifts by months, which some dates don't stand.
        test = in_range(value) if unit == "month" else {"$eq": [{"$type": sole(value)}, "date"]}
    as_number = bool(intervals) and unit is None
    measured = {"$toLong": sole(value)} if as_number else value
    far = _farthest(key, frame, unit)
    other: Any = {"$ifNull": [value, "null"]}
    if key.descending:
        measured = {"$multiply": [measured, -1]}
    if far is not None:
        other = {"$ifNull": [value, None]}
    fallback = far if far is not None else _EPOCH if unit == "month" else float("inf")
    window: dict[str, Any] = {"range": offsets, "unit": unit} if unit else {"range": offsets}
    return Measure(
        {"$cond": [test, measured, fallback]}, {"other": {"$cond": [test, None, other]}}, window)


def _unit(intervals: list[Interval], frame: Frame, call: WindowCall) -> tuple[str | None, list[Any]]:
    """The unit that the server counts in, and the ends in it: 0 for the current row, which there is the row alone."""
    months = any(i.months for i in intervals)
    if months and any(i.milliseconds for i in intervals):
        raise UnsupportedError("E3001", "a frame goes by months or by days and less, not by both", call.span)
    ends = []
    for end in (frame.start, frame.end):
        value = end.value if isinstance(end, Constant) else end
        if isinstance(value, Interval):
            value = value.months if months else value.milliseconds
        ends.append(0 if value == "current" else value)
    return "month" if months else None, ends


def _holds_its_row(offsets: list[Any]) -> bool:
    """Whether a row is in its own frame."""
    start, end = offsets
    return bool((start == "unbounded" or start <= 0) and (end == "unbounded" or end >= 0))


def _farthest(key: SortKey, frame: Frame, unit: str | None) -> Any:
    """What stands for NULL, beyond all values on its side; None where the frame has no open end."""
    if "unbounded" not in (frame.start, frame.end):
        return None
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    sign = -1 if nulls_first else 1
    return {"$toDate": sign * _FAR} if unit == "month" else sign * float("inf")
