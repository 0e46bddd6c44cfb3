"""A correlated aggregate for each row becomes one aggregate over all rows, attached by its keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Case, Column, WindowCall
from sqlbulk.plan.binding.calls import make_call, make_constant
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.rewrites.correlation import Decorrelated, all_of, decorrelate

New = Callable[[str], str]


def with_attached_aggregates(node: algebra.Relation, environment: Environment, new: New) -> algebra.Relation:
    """The relation with correlated aggregates computed once for all rows, where their correlation is by equality."""
    node = algebra.with_inputs(node, lambda n: with_attached_aggregates(n, environment, new))
    if not isinstance(node, algebra.Apply):
        return node
    project, aggregate = _shape(node.right)
    if aggregate is None or aggregate.keys:
        return node
    split = decorrelate(aggregate.input)
    if split is None or not split.keys:
        return node
    if any(c.relation not in algebra.visible(node.left) for outer, _ in split.keys for c in _columns(outer)):
        return node
    if any(algebra.outer_columns(replace(aggregate, input=split.relation))):
        return node
    rows, relation = _joined(node.left, aggregate, split, environment, new)
    columns = tuple((name, _complete(name, call, relation, aggregate, environment)) for name, call in aggregate.calls)
    rows = algebra.Extend(rows, aggregate.relation, columns)
    return rows if project is None else algebra.Extend(rows, project.relation, project.columns)


def _shape(node: algebra.Relation) -> tuple[algebra.Project | None, algebra.Aggregate | None]:
    if isinstance(node, algebra.Aggregate):
        return None, node
    if isinstance(node, algebra.Project) and node.merged is None and isinstance(node.input, algebra.Aggregate):
        return node, node.input
    return None, None


def _columns(expression: BoundExpr) -> list[Column]:
    return [e for e in algebra.walk(expression) if isinstance(e, Column)]


def _complete(
    name: str, call: AggregateCall, relation: str, aggregate: algebra.Aggregate, environment: Environment
) -> BoundExpr:
    """The aggregate's value, or what it is over nothing."""
    column = Column(relation, (name,), call.type)
    if call.aggregate.empty is None:
        return column
    empty = make_constant(call.aggregate.empty, call.span)
    return make_call("COALESCE", (column, empty), call.span, environment.context)


def _joined(
    left: algebra.Relation, aggregate: algebra.Aggregate, split: Decorrelated, environment: Environment, new: New
) -> tuple[algebra.Relation, str]:
    """The left side with the aggregates beside it, and the relation that holds them."""
    windowed = _over_same_rows(left, aggregate, split, environment, new)
    if windowed is not None:
        return windowed
    relation = new("lateral")
    keys = tuple((f"k{n}", inner) for n, (_, inner) in enumerate(split.keys))
    pairs = tuple((outer, Column(relation, (k,))) for (outer, _), (k, _) in zip(split.keys, keys, strict=True))
    grouped = algebra.Aggregate(split.relation, relation, keys, aggregate.calls)
    shared = _shared(left, grouped, split, new)
    if shared is not None:
        return shared
    return algebra.Attach(left, grouped, pairs), relation


def _shared(
    left: algebra.Relation, grouped: algebra.Aggregate, split: Decorrelated, new: New
) -> tuple[algebra.Relation, str] | None:
    """The calls added to an aggregate over the same rows and keys that is attached already."""
    path: list[algebra.Extend] = []
    while isinstance(left, algebra.Extend):
        path.append(left)
        left = left.input
    if not isinstance(left, algebra.Attach) or not isinstance(left.right, algebra.Aggregate):
        return None
    there = left.right
    outer = tuple(o for o, _ in split.keys)
    renamed = _as(grouped, there)
    if renamed is None or tuple(o for o, _ in left.keys) != outer or renamed.keys != there.keys:
        return None
    names = {name: new("a") for name, _ in renamed.calls}
    calls = (*there.calls, *((names[name], call) for name, call in renamed.calls))
    rows: algebra.Relation = replace(left, right=replace(there, calls=calls))
    for extend in reversed(path):
        rows = replace(extend, input=rows)
    alias = new("shared")
    columns = tuple((name, Column(there.relation, (names[name],), call.type)) for name, call in renamed.calls)
    return algebra.Extend(rows, alias, columns), alias


def _as(grouped: algebra.Aggregate, there: algebra.Aggregate) -> algebra.Aggregate | None:
    """The aggregate over the other's rows, if these are the same but for their name."""
    scans = grouped.input, there.input
    if not all(isinstance(s, algebra.Scan) for s in scans):
        return None
    mine, other = scans
    assert isinstance(mine, algebra.Scan)
    assert isinstance(other, algebra.Scan)
    if (mine.collection, mine.database) != (other.collection, other.database):
        return None
    changed = algebra.with_expressions(grouped, lambda e: moved(e, mine.relation, other.relation))
    assert isinstance(changed, algebra.Aggregate)
    return changed


def moved(expression: BoundExpr, old: str, new: str) -> BoundExpr:
    """The expression with the columns of another relation."""
    return algebra.rewrite(
        expression, lambda e: replace(e, relation=new) if isinstance(e, Column) and e.relation == old else None)


def _over_same_rows(
    left: algebra.Relation, aggregate: algebra.Aggregate, split: Decorrelated, environment: Environment, new: New
) -> tuple[algebra.Relation, str] | None:
    """A window over the left side, where that is the very collection and the keys are the same fields."""
    scan = left
    while isinstance(scan, algebra.Extend | algebra.Window):
        scan = scan.input
    inner, conditions = split.relation, []
    while isinstance(inner, algebra.Filter):
        conditions.append(inner.condition)
        inner = inner.input
    if not isinstance(scan, algebra.Scan) or not isinstance(inner, algebra.Scan):
        return None
    if (scan.collection, scan.database) != (inner.collection, inner.database):
        return None
    if any(moved(key, inner.relation, scan.relation) != outer for outer, key in split.keys):
        return None
    if any(c.distinct or c.order_by for _, c in aggregate.calls):
        return None
    partition = tuple(outer for outer, _ in split.keys)
    relation, checked = new("window"), new("lateral")
    calls = []
    for name, call in aggregate.calls:
        tests = [*conditions, *([call.filter] if call.filter else [])]
        condition = all_of([moved(c, inner.relation, scan.relation) for c in tests])
        arguments = tuple(moved(a, inner.relation, scan.relation) for a in call.arguments)
        entry = call.aggregate
        calls.append((name, WindowCall(entry.name, entry, arguments, call.type, partition, filter=condition)))
    known = [make_call("NOT", (make_call("IS NULL", (k,), k.span, environment.context),), k.span, environment.context)
             for k in partition]
    present = all_of(known)
    assert present is not None
    columns = tuple(
        (name, Case(((present, Column(relation, (name,), c.type)),), make_constant(None, c.span), c.type))
        for name, c in calls)
    return algebra.Extend(_windowed(left, relation, tuple(calls), partition), checked, columns), checked


def _windowed(
    left: algebra.Relation, relation: str, calls: tuple[tuple[str, WindowCall], ...], partition: tuple[BoundExpr, ...]
) -> algebra.Relation:
    """The window right above one with the same partition, so that one stage does both."""
    path: list[algebra.Extend] = []
    rows = left
    while isinstance(rows, algebra.Extend):
        path.append(rows)
        rows = rows.input
    if isinstance(rows, algebra.Window) and all(c.partition_by == partition and not c.order_by for _, c in rows.calls):
        rows = algebra.Window(rows, relation, calls)
        for extend in reversed(path):
            rows = replace(extend, input=rows)
        return rows
    return algebra.Window(left, relation, calls)
