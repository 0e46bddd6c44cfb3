"""Functions in FROM: UNNEST and GENERATE_SERIES."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.registry import Function, Parameter
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder, Hooks
from sqlbulk.plan.binding.bound import BoundExpr, Call, Constant
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.binding.parts import UNNESTS
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.query.state import Around, From, Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Interval, Type

_SERIES = frozenset({"GENERATE_SERIES"})


def bind_table_function(
    item: ast.TableFunction, left: From, around: Around, planning: Planning, hooks: Hooks, *, outer: bool = False
) -> From:
    """The rows of `left`, each as often as the function gives rows for it."""
    call = item.call
    if call.name not in UNNESTS | _SERIES:
        raise UnsupportedError("E3001", f"{call.name} can't stand in FROM", call.span,
                               hint="UNNEST and GENERATE_SERIES can")
    binder = Binder(Scope(left.sources, around.scope, bound=left.merged), planning.environment, hooks)
    array = _array(call, binder)
    alias = item.alias
    title = alias.name.text if alias else call.name.lower()
    names = [c.text for c in alias.columns] if alias else []
    if len(names) > 1 + item.ordinality:
        raise PlanError("E2001", f"{call.name} has {1 + item.ordinality} columns", alias.span if alias else call.span)
    column = names[0] if names else title
    ordinality = (names[1] if len(names) > 1 else "ordinality") if item.ordinality else None
    relation = planning.relation(title)
    unnest = algebra.Unnest(left.relation, relation, array, column, ordinality, outer)
    fields = {column: Type.ANY}
    if ordinality is not None:
        fields[ordinality] = Type.INTEGER
    source = Source(relation, (title,), fields, open=False)
    return replace(left, relation=unnest, sources=(*left.sources, source))


def _array(call: ast.Call, binder: Binder) -> BoundExpr:
    arguments = [a for a in call.arguments if not isinstance(a, ast.Star | ast.Lambda | ast.Query)]
    if len(arguments) < len(call.arguments) or call.distinct or call.filter or call.order_by or call.over:
        raise PlanError("E2004", f"{call.name} takes plain arguments only", call.span)
    bound = [binder.bind(a) for a in arguments]
    if call.name in _SERIES:
        return _series(call, bound, binder)
    if len(bound) != 1:
        raise UnsupportedError("E3001", f"{call.name} takes one array", call.span)
    known = type_of_bound(bound[0])
    if known not in (Type.ANY, Type.ARRAY, Type.NULL):
        raise PlanError("E2012", f"{call.name} takes an array, but this is {known.value}", bound[0].span)
    return bound[0]


# GENERATE_SERIES

_MOST_MOMENTS = 100_000


def _range(start: Any, stop: Any, step: Any) -> Any:
    """The numbers from start to stop, both included; none if the step is 0 or leads away."""
    end = {"$add": [stop, {"$cond": [{"$gt": [step, 0]}, 1, -1]}]}
    return {"$cond": [{"$eq": [step, 0]}, [], {"$range": [start, end, step]}]}


_NUMBERS = Function(
    name="GENERATE_SERIES", help="The whole numbers from start to stop.", example="TRUE", returns=Type.ARRAY,
    parameters=tuple(Parameter(n, Type.INTEGER) for n in ("start", "stop", "step")), lower=_range)


def _series(call: ast.Call, arguments: Sequence[BoundExpr], binder: Binder) -> BoundExpr:
    """The array of a series of whole numbers, or of moments that are known now."""
    if len(arguments) not in (2, 3):
        raise PlanError("E2004", f"GENERATE_SERIES takes 2 or 3 arguments, not {len(arguments)}", call.span)
    if any(type_of_bound(a) is Type.DATE for a in arguments):
        return _moments(call, arguments)
    for argument in arguments:
        known = type_of_bound(argument)
        if known not in (Type.INTEGER, Type.NUMBER, Type.ANY, Type.NULL):
            raise UnsupportedError("E3001", f"GENERATE_SERIES of {known.value} isn't supported", argument.span)
    step = arguments[2] if len(arguments) == 3 else Constant(1, Type.INTEGER, span=call.span)
    if isinstance(step, Constant) and step.value == 0:
        raise PlanError("E2012", "the step of GENERATE_SERIES can't be 0", step.span)
    return Call(_NUMBERS, (arguments[0], arguments[1], step), Type.ARRAY, span=call.span)


def _moments(call: ast.Call, arguments: Sequence[BoundExpr]) -> Constant:
    values = [a.value if isinstance(a, Constant) else None for a in arguments]
    start, stop, step = (*values, None)[:3]
    length = timedelta(0)
    if isinstance(step, Interval) and not step.months:
        length = timedelta(milliseconds=step.milliseconds)
    if not isinstance(start, datetime) or not isinstance(stop, datetime) or not length:
        raise UnsupportedError(
            "E3001", "GENERATE_SERIES of dates takes constants and an INTERVAL of days or less", call.span)
    if (stop - start) / length >= _MOST_MOMENTS:
        raise UnsupportedError("E3001", f"GENERATE_SERIES gives at most {_MOST_MOMENTS:,} dates", call.span)
    count = max(0, (stop - start) // length + 1)
    return Constant([start + n * length for n in range(count)], Type.ARRAY, span=call.span)
