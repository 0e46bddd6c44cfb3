"""GENERATE_SERIES: whole numbers, other numbers, or moments a step apart, as an array."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.arithmetic import fold_shift, months_later
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.registry import Context, Function, Parameter
from sqlbulk.plan.binding.bound import BoundExpr, Call, Constant
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.syntax import ast
from sqlbulk.types import Interval, Type

NAME = "GENERATE_SERIES"
_NUMBERS = frozenset({Type.INTEGER, Type.NUMBER, Type.DOUBLE, Type.DECIMAL, Type.ANY, Type.NULL})
_LENGTHS = frozenset({Type.DURATION, Type.MONTHS})
_MOST = 100_000
"""How many values a series of constants has at most."""


def bind_series(call: ast.Call, arguments: Sequence[BoundExpr], context: Context) -> BoundExpr:
    """The array of the series; raises SqlError for arguments that make none."""
    if len(arguments) not in (2, 3):
        raise PlanError("E2004", f"{NAME} takes 2 or 3 arguments, not {len(arguments)}", call.span)
    types = [type_of_bound(a) for a in arguments]
    if Type.DATE in types[:2] or (len(types) == 3 and types[2] in _LENGTHS):
        return _moments(call, arguments, context)
    for argument, known in zip(arguments, types, strict=True):
        if known not in _NUMBERS:
            raise UnsupportedError("E3001", f"{NAME} of {known.value} isn't supported", argument.span)
    step = arguments[2] if len(arguments) == 3 else Constant(1, Type.INTEGER, span=call.span)
    if isinstance(step, Constant) and step.value is not None and to_decimal(step.value) == 0:
        raise PlanError("E2012", f"the step of {NAME} can't be 0", step.span)
    whole = all(known is Type.INTEGER for known in types)
    entry = _WHOLE if whole else _FRACTIONS
    return Call(entry, (arguments[0], arguments[1], step), Type.ARRAY, span=call.span)


# Numbers


def _range(start: Any, stop: Any, step: Any) -> Any:
    """The whole numbers from start to stop, both included; none if the step is 0 or leads away."""
    end = {"$add": [stop, {"$cond": [{"$gt": [step, 0]}, 1, -1]}]}
    return {"$cond": [{"$eq": [step, 0]}, [], {"$range": [start, end, step]}]}


def _fractions(start: Any, stop: Any, step: Any) -> Any:
    """Numbers a step apart, worked out in decimals: 0.1 and ten times 0.1 meet exactly at 1.1."""
    exact = {"start": {"$toDecimal": start}, "stop": {"$toDecimal": stop}, "step": {"$toDecimal": step}}
    steps = {"$floor": {"$divide": [{"$subtract": ["$$stop", "$$start"]}, "$$step"]}}
    count = {"$cond": [{"$and": [{"$gte": ["$$steps", 0]}, {"$lt": ["$$steps", 2**31 - 1]}]},
                       {"$add": [{"$toInt": "$$steps"}, 1]}, 0]}
    value = {"$add": ["$$start", {"$multiply": ["$$step", "$$this"]}]}
    kinds = [{"$type": v} for v in (start, stop, step)]
    # What no double holds, though start and stop are some, stays a decimal.
    double = {"$convert": {"input": value, "to": "double", "onError": value}}
    shown = {"$switch": {"branches": [
        {"case": {"$in": ["decimal", kinds]}, "then": value},
        {"case": {"$in": ["double", kinds]}, "then": double}], "default": {"$toLong": value}}}
    series = {"$let": {"vars": {"steps": steps}, "in": {"$map": {"input": {"$range": [0, count]}, "in": shown}}}}
    return {"$let": {"vars": exact, "in": {"$cond": [{"$eq": ["$$step", 0]}, [], series]}}}


_WHOLE = Function(
    name=NAME, help="The whole numbers from start to stop.", example="TRUE", returns=Type.ARRAY,
    parameters=tuple(Parameter(n, Type.INTEGER) for n in ("start", "stop", "step")), lower=_range)
_FRACTIONS = Function(
    name="GENERATE_SERIES of numbers", help="The numbers from start to stop.", example="TRUE", returns=Type.ARRAY,
    parameters=tuple(Parameter(n, Type.NUMBER) for n in ("start", "stop", "step")), lower=_fractions)


# Moments


def _moments(call: ast.Call, arguments: Sequence[BoundExpr], context: Context) -> BoundExpr:
    step = arguments[2] if len(arguments) == 3 else None
    length = step.value if isinstance(step, Constant) else None
    if not isinstance(length, Interval):
        raise UnsupportedError("E3001", f"{NAME} of dates takes an INTERVAL that is known before it runs", call.span)
    for argument in arguments[:2]:
        if type_of_bound(argument) not in (Type.DATE, Type.ANY, Type.NULL):
            raise PlanError("E2012", f"{NAME} takes dates with an INTERVAL", argument.span)
    if not length.months and not length.milliseconds:
        raise PlanError("E2012", f"the step of {NAME} can't be 0", call.span)
    if length.months * length.milliseconds < 0:
        raise UnsupportedError("E3001", f"{NAME} can't step months forwards and days backwards", call.span)
    start, stop = (a.value if isinstance(a, Constant) else a for a in arguments[:2])
    if isinstance(start, datetime) and isinstance(stop, datetime):
        return Constant(_listed(start, stop, length, call, context), Type.ARRAY, span=call.span)
    return Call(_MOMENTS, (*arguments[:2], Constant(length, Type.MONTHS, span=call.span)), Type.ARRAY, span=call.span)


def _listed(start: datetime, stop: datetime, length: Interval, call: ast.Call, context: Context) -> list[datetime]:
    """The moments; a month after the 31st of January is the 28th of February, and a month later of March."""
    forwards = length.months + length.milliseconds > 0
    found: list[datetime] = []
    moment = start
    while moment <= stop if forwards else moment >= stop:
        if len(found) == _MOST:
            raise UnsupportedError("E3001", f"{NAME} gives at most {_MOST:,} dates", call.span)
        found.append(moment)
        shifted = fold_shift(moment, length, context=context)
        assert shifted is not None
        moment = shifted
    return found


def _moment_array(start: Any, stop: Any, step: Any, *, context: Context) -> Any:
    if not isinstance(step, Interval):
        steps = {"$floor": {"$divide": [{"$subtract": [stop, start]}, step]}}
        numbers = {"$range": [0, {"$max": [0, {"$add": [steps, 1]}]}]}
        return {"$map": {"input": numbers, "in": {"$add": [start, {"$multiply": ["$$this", step]}]}}}
    forwards = "$lte" if step.months > 0 else "$gte"
    following = {"$add": [months_later({"$last": "$$value"}, step.months, context), step.milliseconds]}
    longer = {"$cond": [{forwards: ["$$next", stop]}, {"$concatArrays": ["$$value", ["$$next"]]}, "$$value"]}
    months = {"$dateDiff": {"startDate": start, "endDate": stop, "unit": "month", "timezone": context.time_zone}}
    return {"$reduce": {
        "input": {"$range": [0, {"$max": [0, {"$floor": {"$divide": [months, step.months]}}]}]},
        "initialValue": {"$cond": [{forwards: [start, stop]}, [start], []]},
        "in": {"$cond": [{"$eq": ["$$value", []]}, [], {"$let": {"vars": {"next": following}, "in": longer}}]}}}


_MOMENTS = Function(
    name="GENERATE_SERIES of dates", help="The moments from start to stop.", example="TRUE", returns=Type.ARRAY,
    parameters=(Parameter("start", Type.DATE), Parameter("stop", Type.DATE), Parameter("step", constant=True)),
    lower=_moment_array, contextual=True)
