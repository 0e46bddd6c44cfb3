"""Frames of windows: ROWS, RANGE or GROUPS between two ends."""

from __future__ import annotations

from sqlbulk.errors import PlanError
from sqlbulk.plan.binding.binder import Binder, bind_constant
from sqlbulk.plan.binding.bound import Constant, Frame
from sqlbulk.syntax import ast
from sqlbulk.types import Interval

_ORDER = {"UNBOUNDED PRECEDING": 0, "PRECEDING": 1, "CURRENT ROW": 2, "FOLLOWING": 3, "UNBOUNDED FOLLOWING": 4}


def bind_frame(frame: ast.Frame, binder: Binder, *, ordered: bool) -> Frame:
    """The frame with its offsets known; raises PlanError for nonsense. `ordered`: the window has an ORDER BY."""
    start, end = frame.start, frame.end
    turned = _ORDER[start.kind] > _ORDER[end.kind]
    if turned or start.kind == "UNBOUNDED FOLLOWING" or end.kind == "UNBOUNDED PRECEDING":
        raise PlanError("E2015", "a frame's start can't come after its end", frame.span)
    if frame.unit == "GROUPS" and not ordered:
        raise PlanError("E2015", "a frame of GROUPS goes by an ORDER BY", frame.span)
    exclude = None if frame.exclude == "NO OTHERS" else frame.exclude
    ends = _end(start, frame.unit, binder), _end(end, frame.unit, binder)
    # Without offsets the two are the same, and RANGE is the one that the server knows.
    unit = "RANGE" if frame.unit == "GROUPS" and all(isinstance(e, str) for e in ends) else frame.unit
    return Frame(unit, *ends, exclude)


def _end(bound: ast.Bound, unit: str, binder: Binder) -> int | str | Constant:
    if bound.offset is None:
        return "current" if bound.kind == "CURRENT ROW" else "unbounded"
    offset = bind_constant(bound.offset, binder.environment)
    sign = -1 if bound.kind == "PRECEDING" else 1
    value = offset.value
    if unit != "RANGE":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            what = "groups" if unit == "GROUPS" else "rows"
            raise PlanError("E2012", f"a frame of {unit} counts {what}: 0 or more", bound.span)
        return sign * value
    if isinstance(value, Interval) and value.months >= 0 and value.milliseconds >= 0:
        length = Interval(sign * value.months, sign * value.milliseconds)
        return Constant(length, offset.type, span=bound.span)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PlanError("E2012", "an end of RANGE is a number or an interval, not below 0", bound.span)
    return Constant(sign * value, offset.type, span=bound.span)
