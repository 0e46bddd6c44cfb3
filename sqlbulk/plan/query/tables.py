"""Functions in FROM: UNNEST and GENERATE_SERIES."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.registry import Function, Parameter
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder, Hooks
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.binding.calls import make_constant, type_of_bound
from sqlbulk.plan.binding.parts import UNNESTS
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.query.series import bind_series
from sqlbulk.plan.query.state import Around, From, Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Type

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
    arrays = _arrays(call, binder)
    alias = item.alias
    title = alias.name.text if alias else call.name.lower()
    names = [c.text for c in alias.columns] if alias else []
    width = len(arrays) + item.ordinality
    if len(names) > width:
        raise PlanError("E2001", f"{call.name} has {width} column{'s' * (width > 1)}",
                        alias.span if alias else call.span)
    columns = _titles(names, title, len(arrays))
    ordinality = (names[len(arrays)] if len(names) > len(arrays) else "ordinality") if item.ordinality else None
    if len({*columns, ordinality}) <= len(arrays):
        raise PlanError("E2010", "two columns have the same name", alias.span if alias else call.span)
    relation = planning.relation(title)
    if len(arrays) == 1:
        rows: algebra.Relation = algebra.Unnest(left.relation, relation, arrays[0], columns[0], ordinality, outer)
    else:
        rows = _side_by_side(left.relation, relation, arrays, columns, ordinality, outer=outer, planning=planning)
    fields = dict.fromkeys(columns, Type.ANY)
    if ordinality is not None:
        fields[ordinality] = Type.INTEGER
    source = Source(relation, (title,), fields, open=False)
    return replace(left, relation=rows, sources=(*left.sources, source))


def _titles(names: list[str], title: str, width: int) -> list[str]:
    """The names of the functions' columns: those that the alias gives, else the alias itself and its numbers."""
    made = [title, *(f"{title}_{n}" for n in range(2, width + 1))]
    return names[:width] + made[len(names[:width]):]


def _arrays(call: ast.Call, binder: Binder) -> list[BoundExpr]:
    arguments = [a for a in call.arguments if not isinstance(a, ast.Star | ast.Lambda | ast.Query)]
    if len(arguments) < len(call.arguments) or call.distinct or call.filter or call.order_by or call.over:
        raise PlanError("E2004", f"{call.name} takes plain arguments only", call.span)
    bound = [binder.bind(a) for a in arguments]
    if call.name in _SERIES:
        return [bind_series(call, bound, binder.environment.context)]
    if not bound:
        raise PlanError("E2004", f"{call.name} takes at least one array", call.span)
    for argument in bound:
        known = type_of_bound(argument)
        if known not in (Type.ANY, Type.ARRAY, Type.NULL):
            raise PlanError("E2012", f"{call.name} takes an array, but this is {known.value}", argument.span)
    return bound


# Several arrays


def _zip(*arrays: Any) -> Any:
    """The arrays' elements side by side, as many as the longest has; what is no array has none."""
    inputs = [{"$cond": [{"$isArray": [array]}, array, []]} for array in arrays]
    return {"$zip": {"inputs": inputs, "useLongestLength": True}}


_ZIP = Function(
    name="ZIP", help="Arrays side by side.", example="TRUE", returns=Type.ARRAY, null_propagates=False, nullable=False,
    guarded=False, parameters=(Parameter("array", Type.ARRAY, repeated=True),), lower=_zip)


def _side_by_side(
    left: algebra.Relation, relation: str, arrays: list[BoundExpr], columns: list[str], ordinality: str | None, *,
    outer: bool, planning: Planning,
) -> algebra.Relation:
    """The arrays' elements with the same number in one row, NULLs behind the end of a shorter one."""
    rows = planning.relation("elements")
    unnest = algebra.Unnest(left, rows, Call(_ZIP, tuple(arrays), Type.ARRAY), "all", ordinality and "n", outer)
    together = Column(rows, ("all",), Type.ARRAY)
    parts = [
        (name, planning.call("[]", together, make_constant(n, a.span)))
        for n, (name, a) in enumerate(zip(columns, arrays, strict=True), 1)
    ]
    if ordinality is not None:
        parts.append((ordinality, Column(rows, ("n",), Type.INTEGER)))
    return algebra.Extend(unnest, relation, tuple(parts))
