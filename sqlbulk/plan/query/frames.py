"""Frames of windows: ROWS or RANGE between two ends."""

from __future__ import annotations

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.binding.binder import Binder, bind_constant
from sqlbulk.plan.binding.bound import Constant, Frame
from sqlbulk.syntax import ast
from sqlbulk.types import Interval

_ORDER = {"UNBOUNDED PRECEDING": 0, "PRECEDING": 1, "CURRENT ROW": 2, "FOLLOWING": 3, "UNBOUNDED FOLLOWING": 4}


def bind_frame(frame: ast.Frame, binder: Binder) -> Frame:
    """The frame with its offsets known; raises UnsupportedError for GROUPS and EXCLUDE, PlanError for nonsense."""
    if frame.unit == "GROUPS":
        raise UnsupportedError("E3001", "a frame of GROUPS isn't supported", frame.span, hint="write ROWS or RANGE")
    if frame.exclude not in (None, "NO OTHERS"):
        raise UnsupportedError("E3001", f"EXCLUDE {frame.exclude} isn't supported", frame.span)
    start, end = frame.start, frame.end
    turned = _ORDER[start.kind] > _ORDER[end.kind]
    if turned or start.kind == "UNBOUNDED FOLLOWING" or end.kind == "UNBOUNDED PRECEDING":
        raise PlanError("E2015", "a frame's start can't come after its end", frame.span)
    return Frame(frame.unit, _end(start, frame.unit, binder), _end(end, frame.unit, binder))


def _end(bound: ast.Bound, unit: str, binder: Binder) -> int | str | Constant:
    if bound.offset is None:
        return "current" if bound.kind == "CURRENT ROW" else "unbounded"
    offset = bind_constant(bound.offset, binder.environment)
    sign = -1 if bound.kind == "PRECEDING" else 1
    value = offset.value
    if unit == "ROWS":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise PlanError("E2012", "a frame of ROWS counts rows: 0 or more", bound.span)
        return sign * value
    if isinstance(value, Interval) and not value.months:
        return Constant(Interval(milliseconds=sign * value.milliseconds), offset.type, span=bound.span)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PlanError("E2012", "an end of RANGE is a number or an interval of days or less", bound.span)
    return Constant(sign * value, offset.type, span=bound.span)
