"""Functions in FROM: UNNEST and GENERATE_SERIES."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.bind import Binder, Hooks
from sqlbulk.plan.bind_calls import type_of_bound
from sqlbulk.plan.bound import BoundExpr
from sqlbulk.plan.query_state import Around, From, Planning
from sqlbulk.plan.scope import Scope, Source
from sqlbulk.syntax import ast
from sqlbulk.types import Type

_UNNESTS = frozenset({"UNNEST", "JSON_ARRAY_ELEMENTS", "JSONB_ARRAY_ELEMENTS"})
_SERIES = frozenset({"GENERATE_SERIES"})


def bind_table_function(
    item: ast.TableFunction, left: From, around: Around, planning: Planning, hooks: Hooks, *, outer: bool = False
) -> From:
    """The rows of `left`, each as often as the function gives rows for it."""
    call = item.call
    if call.name not in _UNNESTS | _SERIES:
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
    fields = {column: Type.INTEGER if call.name in _SERIES else Type.ANY}
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
        return binder.call(call.name, *bound, span=call.span)
    if len(bound) != 1:
        raise UnsupportedError("E3001", f"{call.name} takes one array", call.span)
    known = type_of_bound(bound[0])
    if known not in (Type.ANY, Type.ARRAY, Type.NULL):
        raise PlanError("E2012", f"{call.name} takes an array, but this is {known.value}", bound[0].span)
    return bound[0]
