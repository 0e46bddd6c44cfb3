"""LIMIT, OFFSET and FETCH."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlbulk.errors import PlanError, Span
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import bind_constant
from sqlbulk.plan.binding.bound import Column, SortKey, WindowCall
from sqlbulk.plan.binding.calls import make_constant
from sqlbulk.plan.query.state import Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many rows are wanted (None: all) behind how many; `with_ties`: and those equal to the last."""

    count: int | None = None
    offset: int = 0
    with_ties: bool = False
    span: Span = field(default=Span(0, 0))


def bind_bounds(query: ast.Query, planning: Planning) -> Bounds:
    """The values of LIMIT and OFFSET; raises PlanError E2012 for what is no count."""
    count, offset = (_count(e, planning) for e in (query.limit, query.offset))
    span = query.limit.span if query.limit is not None else query.span
    return Bounds(count, offset or 0, query.with_ties, span)


def _count(expression: ast.Expr | None, planning: Planning) -> int | None:
    if expression is None:
        return None
    value = bind_constant(expression, planning.environment).value
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise PlanError("E2012", "a number of rows is a whole number, 0 or more", expression.span)
    return value


def limited(rows: algebra.Relation, bounds: Bounds) -> algebra.Relation:
    """The rows within the bounds."""
    if bounds.count is None and not bounds.offset:
        return rows
    return algebra.Limit(rows, bounds.count, bounds.offset)


def with_ties(
    rows: algebra.Relation, order: list[SortKey], bounds: Bounds, planning: Planning
) -> algebra.Relation:
    """The rows in order, within the bounds, and those that the order doesn't tell from the last of them."""
    if not order:
        raise PlanError("E2015", "WITH TIES needs ORDER BY", bounds.span)
    assert bounds.count is not None
    relation = planning.relation("ties")
    calls = (
        ("rank", WindowCall("RANK", None, (), Type.INTEGER, (), tuple(order))),
        ("number", WindowCall("ROW_NUMBER", None, (), Type.INTEGER, (), tuple(order))),
    )
    ranked: algebra.Relation = algebra.Window(rows, relation, calls)
    rank, number = (Column(relation, (name,), Type.INTEGER) for name in ("rank", "number"))
    last = make_constant(bounds.offset + bounds.count, bounds.span)
    ranked = algebra.Filter(ranked, planning.call("<=", rank, last))
    if bounds.offset:
        ranked = algebra.Filter(ranked, planning.call(">", number, make_constant(bounds.offset, bounds.span)))
    return algebra.Sort(ranked, tuple(order))
