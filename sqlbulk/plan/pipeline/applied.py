"""Subqueries of each row for want of an index: their rows, gathered by what ties them to it, are carried to the rows.

So are done those that say what is equal, whatever else they ask, in any order and cut after any number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Column, SortKey
from sqlbulk.plan.pipeline.equal import only_partners
from sqlbulk.plan.pipeline.merged import Equality, equality, gathered, is_one, place_below, small
from sqlbulk.plan.pipeline.order import leading_fields, sorted_by
from sqlbulk.plan.pipeline.rows import Lowering, Place, Rows, place_values, slotted
from sqlbulk.plan.rewrites.correlation import with_conditions
from sqlbulk.plan.rewrites.keep_order import order_of


@dataclass(frozen=True, slots=True)
class Applied:
    """The left side's rows with the array of a subquery's rows at the path, and how these are laid out.

    `project` is what is made of each, `order` the order that the left side's rows had.
    """

    rows: Rows
    path: str
    layout: Mapping[str, Place]
    project: algebra.Project | None
    order: tuple[SortKey, ...]

    def alone(self, lowering: Lowering) -> Rows:
        """The rows, now that one of the array's at most stands at the path."""
        place_below(self.path, self.layout, self.rows)
        rows = self.rows
        if self.project is not None:
            values = {name: self._made(e, lowering) for name, e in self.project.columns}
            rows = place_values(self.project.relation, values, rows, lowering)
        return sorted_by(self.order, rows, lowering) if self.order else rows

    def _made(self, expression: BoundExpr, lowering: Lowering) -> Any:
        """A column of the subquery, missing where there is no row."""
        value = lowering.value(expression, self.rows)
        if isinstance(expression, Column) and expression.relation in self.layout:
            return value
        return {"$cond": [{"$gt": [f"${self.path}", None]}, value, "$$REMOVE"]}


def lower_applied(node: algebra.Apply, left: Rows, lowering: Lowering) -> Applied | None:
    """The subquery's rows beside each row; None where an index is better, or they could be too many."""
    query = _subquery(node)
    order = order_of(node.left)
    known = None if query is None or (order and _is_cut(node.left)) else small(query.rows, lowering)
    if query is None or known is None or is_one(node.left, lowering):
        return None
    fields = leading_fields(known.name, lowering)
    if any(_is_found(a, b, left, fields) for a, b in query.equalities):
        return None
    rows = slotted(left, lowering)
    path, layout = gathered(rows, query.rows, query.equalities, lowering)
    if query.tests:
        rows.add(only_partners(path, layout, query.tests, rows=rows, lowering=lowering))
    array: Any = {"$ifNull": [f"${path}", []]}
    rows.add({"$addFields": {path: array if query.most is None else {"$slice": [array, query.most]}}})
    return Applied(rows, path, layout, query.project, order)


def _is_cut(node: algebra.Relation) -> bool:
    """Whether these are the first of rows in an order, which are few as a rule."""
    while not isinstance(node, algebra.Sort | algebra.Limit):
        node = algebra.inputs(node)[0]
    return isinstance(node, algebra.Limit)


def _is_found(outer: BoundExpr, inner: BoundExpr, left: Rows, fields: set[str]) -> bool:
    """Whether an index finds the rows for which a field of theirs is equal to one of the left side's."""
    if not isinstance(outer, Column) or not isinstance(inner, Column):
        return False
    return left.columns.match_path(outer) is not None and ".".join(inner.path) in fields


@dataclass(frozen=True, slots=True)
class _Subquery:
    """The rows that are the same for all, what ties them to a row, and how many of those there are at most."""

    rows: algebra.Relation
    equalities: list[Equality]
    tests: list[BoundExpr]
    most: int | None
    project: algebra.Project | None


def _subquery(node: algebra.Apply) -> _Subquery | None:
    """The right side taken apart, if it only filters a collection, puts it in order, cuts it and chooses columns."""
    inner: algebra.Relation = node.right
    project = inner if isinstance(inner, algebra.Project) and inner.merged is None else None
    inner = inner if project is None else project.input
    most = inner.count if isinstance(inner, algebra.Limit) and inner.count and not inner.offset else None
    inner = inner.input if isinstance(inner, algebra.Limit) and most is not None else inner
    order = inner if isinstance(inner, algebra.Sort) else None
    inner = inner if order is None else order.input
    conditions: list[BoundExpr] = []
    while isinstance(inner, algebra.Filter):
        conditions += algebra.conjuncts(inner.condition)
        inner = inner.input
    left = algebra.visible(node.left)
    if not isinstance(inner, algebra.Scan) or any(c.relation not in left for c in algebra.outer_columns(node.right)):
        return None
    own = [c for c in conditions if not algebra.relations_of(c) & left]
    pairs = {n: pair for n, c in enumerate(conditions) if (pair := equality(c, left, {inner.relation})) is not None}
    tests = [c for n, c in enumerate(conditions) if n not in pairs and c not in own]
    rows = with_conditions(inner, own)
    if order is not None:
        rows = algebra.Sort(rows, order.keys)
    if not pairs or algebra.outer_columns(rows):
        return None
    return _Subquery(rows, list(pairs.values()), tests, most, project)
