"""Queries inside expressions become relations beside the rows, and columns of them stand in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.functions import AGGREGATES
from sqlbulk.functions.registry import Function, Parameter
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Call, Case, Column, SubqueryExpr
from sqlbulk.plan.binding.calls import make_call, make_constant
from sqlbulk.plan.binding.conditions import compare_rows, connect
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.rewrites.correlation import Key, decorrelate, with_conditions
from sqlbulk.types import Type

New = Callable[[str], str]
"""Gives a relation's name that nothing else has."""


def without_subqueries(node: algebra.Relation, environment: Environment, new: New) -> algebra.Relation:
    """The relation with no query left in any expression."""
    node = algebra.with_inputs(node, lambda n: without_subqueries(n, environment, new))
    if not any(algebra.has_subquery(e) for e in algebra.own_expressions(node)):
        return node
    if isinstance(node, algebra.Filter):
        return _filter(node, environment, new)
    if isinstance(node, algebra.Join):
        return _join(node, environment, new)
    assert isinstance(node, algebra.Project | algebra.Aggregate | algebra.Window | algebra.Sort | algebra.Unnest)
    work = _Work(node.input, environment, new)
    changed = algebra.with_expressions(node, work.value)
    return algebra.with_inputs(changed, lambda _: work.rows)


def _filter(node: algebra.Filter, environment: Environment, new: New) -> algebra.Relation:
    parts = algebra.conjuncts(node.condition)
    work = _Work(with_conditions(node.input, [p for p in parts if not algebra.has_subquery(p)]), environment, new)
    tests = [work.test(p) for p in parts if algebra.has_subquery(p)]
    return with_conditions(work.rows, tests)


def _join(node: algebra.Join, environment: Environment, new: New) -> algebra.Relation:
    if node.kind == "INNER":
        assert node.condition is not None
        crossed = replace(node, condition=None)
        return _filter(algebra.Filter(crossed, node.condition), environment, new)
    left, right = algebra.visible(node.left), algebra.visible(node.right)
    parts = algebra.conjuncts(node.condition)
    both = [p for p in parts if algebra.has_subquery(p) and not algebra.relations_of(p).isdisjoint(left)
            and not algebra.relations_of(p).isdisjoint(right)]
    if both:
        if node.kind == "FULL":
            raise UnsupportedError("E3001", "a subquery over both sides can't stand in the ON of a FULL JOIN",
                                   both[0].span)
        assert node.condition is not None
        return algebra.Apply("LEFT", node.left, _filter(algebra.Filter(node.right, node.condition), environment, new))
    of_left = [p for p in parts if algebra.has_subquery(p) and algebra.relations_of(p) & left]
    of_right = [p for p in parts if algebra.has_subquery(p) and p not in of_left]
    rest: list[BoundExpr] = [p for p in parts if not algebra.has_subquery(p)]
    if of_right and node.kind == "LEFT":
        node = replace(node, right=_filter(algebra.Filter(node.right, _and(of_right, environment)), environment, new))
        of_right = []
    rows_left, tests_left = _tested(node.left, of_left, environment, new)
    rows_right, tests_right = _tested(node.right, of_right, environment, new)
    rest += [*tests_left, *tests_right]
    return replace(node, left=rows_left, right=rows_right, condition=_and(rest, environment) if rest else None)


def _tested(
    rows: algebra.Relation, tests: list[BoundExpr], environment: Environment, new: New
) -> tuple[algebra.Relation, list[BoundExpr]]:
    """One side of a join with what the tests give as columns beside it, and those columns."""
    if not tests:
        return rows, []
    work = _Work(rows, environment, new)
    relation = new("tests")
    columns = tuple((f"t{n}", work.test(t)) for n, t in enumerate(tests))
    found: list[BoundExpr] = [Column(relation, (name,), Type.BOOLEAN, span=t.span)
                              for (name, _), t in zip(columns, tests, strict=True)]
    return algebra.Extend(work.rows, relation, columns), found


def _and(conditions: list[BoundExpr], environment: Environment) -> BoundExpr:
    return connect("AND", conditions, conditions[0].span, environment.context)


@dataclass(slots=True)
class _Work:
    """The rows so far, to which each subquery adds a relation."""

    rows: algebra.Relation
    environment: Environment
    new: New

    def call(self, name: str, *arguments: BoundExpr, span: Span) -> BoundExpr:
        return make_call(name, arguments, span, self.environment.context)

    def value(self, expression: BoundExpr) -> BoundExpr:
        """The expression with columns for its subqueries."""
        return algebra.rewrite(expression, lambda e: self._value(e) if isinstance(e, SubqueryExpr) else None)

    def test(self, condition: BoundExpr) -> BoundExpr:
        """The same where only TRUE counts: IN needs no care for NULLs."""
        if isinstance(condition, SubqueryExpr) and condition.kind == "in":
            return self._found(self._inside(condition))
        return self.value(condition)

    def _inside(self, query: SubqueryExpr) -> SubqueryExpr:
        """The subquery with its own subqueries gone, and those of its operands."""
        relation = without_subqueries(query.query, self.environment, self.new)
        return replace(query, query=relation, operands=tuple(self.value(o) for o in query.operands))

    def _value(self, query: SubqueryExpr) -> BoundExpr:
        query = self._inside(query)
        match query.kind:
            case "scalar":
                self.rows = algebra.Apply("LEFT", self.rows, query.query, single=True)
                return Column(query.relation, (query.columns[0],), query.type, span=query.span)
            case "array":
                return self._array(query)
            case "exists":
                return self._exists(query)
            case "in":
                return self._in(query)
        return self._quantified(query)

    # EXISTS and IN

    def _exists(self, query: SubqueryExpr) -> BoundExpr:
        core = _core(query.query)
        split = decorrelate(core)
        if split is not None and split.keys:
            return self._attached(split.relation, split.keys, query.span)
        name = self.new("exists")
        hit = algebra.Project(algebra.Limit(core, 1), name, (("hit", make_constant(True, query.span)),))
        self.rows = algebra.Apply("LEFT", self.rows, hit)
        return self._present(Column(name, ("hit",), Type.BOOLEAN, span=query.span))

    def _attached(self, relation: algebra.Relation, keys: tuple[Key, ...], span: Span) -> BoundExpr:
        """Whether the relation has a row with the keys."""
        name = self.new("matches")
        inner = tuple((f"k{n}", key) for n, (_, key) in enumerate(keys))
        grouped = algebra.Aggregate(relation, name, inner, ())
        pairs = tuple((outer, Column(name, (k,))) for (outer, _), (k, _) in zip(keys, inner, strict=True))
        self.rows = algebra.Attach(self.rows, grouped, pairs)
        return self._present(Column(name, ("k0",), Type.BOOLEAN, span=span))

    def _present(self, column: Column) -> BoundExpr:
        return self.call("NOT", self.call("IS NULL", column, span=column.span), span=column.span)

    def _found(self, query: SubqueryExpr) -> BoundExpr:
        """Whether the operands are among the subquery's rows."""
        items = tuple(Column(query.relation, (c,)) for c in query.columns)
        pairs = tuple(zip(query.operands, items, strict=True))
        split = decorrelate(query.query)
        if split is not None and query.relation in algebra.visible(split.relation):
            return self._attached(split.relation, (*pairs, *split.keys), query.span)
        pulled = _pulled(query)
        if pulled is not None:
            relation, values, keys = pulled
            return self._attached(relation, (*zip(query.operands, values, strict=True), *keys), query.span)
        same = [self.call("=", a, b, span=query.span) for a, b in pairs]
        condition = connect("AND", same, query.span, self.environment.context)
        return self._exists(replace(query, query=algebra.Filter(query.query, condition)))

    def _in(self, query: SubqueryExpr) -> BoundExpr:
        """x IN (…) as a value: NULL where a NULL on either side leaves it open."""
        if len(query.operands) > 1:
            return self._quantified(replace(query, kind="any", operator="="))
        operand = query.operands[0]
        counted = self._counted(query)
        if counted is None:
            return self._quantified(replace(query, kind="any", operator="="))
        total, nulls = counted
        hit = self._found(query)
        zero = make_constant(0, query.span)
        null, true, false = (make_constant(v, query.span) for v in (None, True, False))
        whens = (
            (self.call("=", total, zero, span=query.span), false),
            (self.call("IS NULL", operand, span=query.span), null),
            (hit, true),
            (self.call(">", nulls, zero, span=query.span), null),
        )
        return Case(whens, false, Type.BOOLEAN, span=query.span)

    def _counted(self, query: SubqueryExpr) -> tuple[BoundExpr, BoundExpr] | None:
        """How many rows the subquery has for the outer row, and how many of them are NULL; None: not to be had."""
        item: BoundExpr = Column(query.relation, (query.columns[0],))
        relation: algebra.Relation = query.query
        keys: tuple[Key, ...] = ()
        if algebra.outer_columns(relation):
            pulled = _pulled(query)
            if pulled is None:
                return None
            relation, values, keys = pulled
            item = values[0]
        name = self.new("counts")
        count = AGGREGATES["COUNT"]
        null = self.call("IS NULL", item, span=query.span)
        calls = (
            ("n", AggregateCall(count, (), Type.INTEGER)),
            ("nulls", AggregateCall(count, (), Type.INTEGER, filter=null)),
        )
        inner = tuple((f"k{n}", key) for n, (_, key) in enumerate(keys))
        grouped = algebra.Aggregate(relation, name, inner, calls)
        if keys:
            pairs = tuple((outer, Column(name, (k,))) for (outer, _), (k, _) in zip(keys, inner, strict=True))
            self.rows = algebra.Attach(self.rows, grouped, pairs)
        else:
            self.rows = algebra.Apply("LEFT", self.rows, grouped)
        zero = make_constant(0, query.span)
        total, nulls = (
            self.call("COALESCE", Column(name, (c,), Type.INTEGER), zero, span=query.span) for c in ("n", "nulls"))
        return total, nulls

    # ANY, ALL and arrays

    def _quantified(self, query: SubqueryExpr) -> BoundExpr:
        """x > ANY (…), x > ALL (…): whether one comparison is true, or one is false, or one is unknown."""
        items = tuple(Column(query.relation, (c,)) for c in query.columns)
        assert query.operator is not None
        test = compare_rows(
            query.operator, query.operands, items, span=query.span, context=self.environment.context)
        decisive = query.kind == "any"
        unknown = self.call("IS NULL", test, span=query.span)
        hit = test if decisive else self.call("NOT", test, span=query.span)
        name = self.new("tests")
        count = AGGREGATES["COUNT"]
        calls = (
            ("hits", AggregateCall(count, (), Type.INTEGER, filter=hit)),
            ("unknown", AggregateCall(count, (), Type.INTEGER, filter=unknown)),
        )
        self.rows = algebra.Apply("LEFT", self.rows, algebra.Aggregate(query.query, name, (), calls))
        zero = make_constant(0, query.span)
        positive = [
            (self.call(">", Column(name, (c,), Type.INTEGER, nullable=False), zero, span=query.span), v)
            for c, v in (("hits", decisive), ("unknown", None))
        ]
        whens = tuple((c, make_constant(v, query.span)) for c, v in positive)
        return Case(whens, make_constant(not decisive, query.span), Type.BOOLEAN, span=query.span)

    def _array(self, query: SubqueryExpr) -> BoundExpr:
        """The values of the query's rows, NULLs among them, which ARRAY_AGG alone would pass over."""
        name = self.new("array")
        item = Call(_WRAPPED, (Column(query.relation, (query.columns[0],)),), Type.DOCUMENT, span=query.span)
        calls = (("array", AggregateCall(AGGREGATES["ARRAY_AGG"], (item,), Type.ARRAY)),)
        self.rows = algebra.Apply("LEFT", self.rows, algebra.Aggregate(query.query, name, (), calls))
        found = Column(name, ("array",), Type.ARRAY, span=query.span)
        return Call(_UNWRAPPED, (found,), Type.ARRAY, span=query.span)


_WRAPPED = Function(
    name="WRAPPED", help="The value in a document, which is never NULL.", example="TRUE", returns=Type.DOCUMENT,
    parameters=(Parameter("value"),), null_propagates=False, nullable=False,
    guarded=False, lower=lambda value: {"v": {"$ifNull": [value, None]}})
_UNWRAPPED = Function(
    name="UNWRAPPED", help="The values in an array of such documents.", example="TRUE", returns=Type.ARRAY,
    parameters=(Parameter("array", Type.ARRAY),), null_propagates=False, nullable=False, guarded=False,
    lower=lambda array: {"$map": {"input": {"$ifNull": [array, []]}, "in": "$$this.v"}})


def _core(node: algebra.Relation) -> algebra.Relation:
    """What decides whether a query has a row at all."""
    while isinstance(node, algebra.Project | algebra.Sort | algebra.Distinct | algebra.Extend):
        node = node.input
    return node


def _pulled(query: SubqueryExpr) -> tuple[algebra.Relation, tuple[BoundExpr, ...], tuple[Key, ...]] | None:
    """A correlated SELECT as the rows below its projection, its values over them, and the keys of the correlation."""
    node = query.query
    while isinstance(node, algebra.Sort | algebra.Distinct):
        node = node.input
    if not isinstance(node, algebra.Project) or node.merged is not None:
        return None
    split = decorrelate(node.input)
    values = tuple(e for _, e in node.columns)
    if split is None or not split.keys or any(algebra.relations_of(v) - algebra.made_inside(node) for v in values):
        return None
    return split.relation, values, split.keys
