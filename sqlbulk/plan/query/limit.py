"""LIMIT, OFFSET and FETCH."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions.fitting import Fit, fit
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder, Hooks
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant, SortKey, WindowCall
from sqlbulk.plan.binding.calls import make_constant, type_of_bound
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.query.state import Around, Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many rows are wanted (None: all) behind how many; `with_ties`: and those equal to the last.

    Either may be an expression whose value only the query itself tells.
    """

    count: int | BoundExpr | None = None
    offset: int | BoundExpr = 0
    with_ties: bool = False
    span: Span = field(default=Span(0, 0))

    @property
    def none(self) -> bool:
        """Whether every row is wanted."""
        return self.count is None and self.offset == 0


def bind_bounds(query: ast.Query, around: Around, planning: Planning, hooks: Hooks) -> Bounds:
    """The values of LIMIT and OFFSET; raises PlanError E2012 for what is no count."""
    binder = Binder(Scope((), around.scope), planning.environment, hooks)
    count, offset = (_count(e, binder) for e in (query.limit, query.offset))
    span = query.limit.span if query.limit is not None else query.span
    return Bounds(count, offset or 0, query.with_ties, span)


def _count(expression: ast.Expr | None, binder: Binder) -> int | BoundExpr | None:
    if expression is None:
        return None
    bound = binder.bind(expression)
    if not isinstance(bound, Constant):
        if fit(type_of_bound(bound), Type.NUMBER) is Fit.NO:
            raise PlanError("E2012", "a number of rows is a whole number, 0 or more", expression.span)
        return bound
    value = bound.value
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise PlanError("E2012", "a number of rows is a whole number, 0 or more", expression.span)
    return value


def in_order(rows: algebra.Relation, order: list[SortKey], bounds: Bounds, planning: Planning) -> algebra.Relation:
    """The rows in order, if there is one, and within the bounds."""
    if bounds.with_ties:
        return _with_ties(rows, order, bounds, planning)
    if isinstance(bounds.count, BoundExpr) or isinstance(bounds.offset, BoundExpr):
        return _numbered(rows, order, bounds, planning)
    ordered = algebra.Sort(rows, tuple(order)) if order else rows
    return ordered if bounds.none else algebra.Limit(ordered, bounds.count, bounds.offset)


def _numbered(rows: algebra.Relation, order: list[SortKey], bounds: Bounds, planning: Planning) -> algebra.Relation:
    """The rows within bounds that are only known when the query runs: by their numbers."""
    relation = planning.relation("numbers")
    call = WindowCall("ROW_NUMBER", None, (), Type.INTEGER, (), tuple(order))
    numbered: algebra.Relation = algebra.Window(rows, relation, (("n", call),))
    number = Column(relation, ("n",), Type.INTEGER, nullable=False)
    zero = make_constant(0, bounds.span)
    first = planning.call("COALESCE", _expression(bounds.offset, bounds.span), zero)
    conditions = [planning.call(">", number, first)]
    if bounds.count is not None:
        every = make_constant(2**63 - 1, bounds.span)
        count = planning.call("COALESCE", _expression(bounds.count, bounds.span), every)
        conditions.append(planning.call("<=", planning.call("-", number, first), count))
    for condition in conditions:
        numbered = algebra.Filter(numbered, condition)
    return algebra.Sort(numbered, tuple(order)) if order else numbered


def _expression(count: int | BoundExpr, span: Span) -> BoundExpr:
    return count if isinstance(count, BoundExpr) else make_constant(count, span)


def _with_ties(
    rows: algebra.Relation, order: list[SortKey], bounds: Bounds, planning: Planning
) -> algebra.Relation:
    """The rows in order, within the bounds, and those that the order doesn't tell from the last of them."""
    if not order:
        raise PlanError("E2015", "WITH TIES needs ORDER BY", bounds.span)
    if not isinstance(bounds.count, int) or not isinstance(bounds.offset, int):
        raise UnsupportedError("E3001", "WITH TIES takes numbers that are known before the query runs", bounds.span)
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
