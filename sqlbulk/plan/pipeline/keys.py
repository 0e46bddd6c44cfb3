"""EXISTS and IN over few keys: these are read first and then stand in the filter, where an index can serve them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlbulk.commands_steps import KeySet
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.lowering.filter import among
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Rows

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Membership:
    """A filter that asks whether a column is among the keys of other rows, or isn't; and what else it asks."""

    rows: algebra.Relation
    column: Column
    keys: algebra.Aggregate
    inside: bool
    rest: list[BoundExpr]


def lower_membership(node: algebra.Filter, lowering: Lowering, outer: Outer) -> Rows | None:
    """The rows whose column is, or isn't, among keys that are read first; None where that doesn't apply."""
    found = _membership(node) if lowering.key_sets is not None and not outer else None
    if found is None or lowering.key_sets is None:
        return None
    before = len(lowering.key_sets)
    rows = lowering.lower(found.rows, outer)
    keys = lowering.lower(found.keys, {})
    marker = f"{{keys {len(lowering.key_sets) + 1}}}"
    test = among(found.column, marker, rows.columns, inside=found.inside)
    if test is None or keys.collection is None:
        del lowering.key_sets[before:]
        return None
    lowering.key_sets.append(KeySet(marker, keys.collection, (*keys.stages, {"$match": {"_id": {"$ne": None}}})))
    rows.add({"$match": test})
    return rows.add(*(lowering.filter(c, rows) for c in found.rest))


def _membership(node: algebra.Filter) -> _Membership | None:
    attach = node.input
    if not isinstance(attach, algebra.Attach) or len(attach.keys) != 1:
        return None
    keys, (column, key) = attach.right, attach.keys[0]
    if not isinstance(keys, algebra.Aggregate) or keys.calls or len(keys.keys) != 1:
        return None
    if not isinstance(column, Column) or not isinstance(key, Column):
        return None
    tests = {c: inside for c in algebra.conjuncts(node.condition) if (inside := _asks(c, key)) is not None}
    rest = [c for c in algebra.conjuncts(node.condition) if c not in tests]
    if len(tests) != 1 or any(keys.relation in algebra.relations_of(c) for c in rest):
        return None
    return _Membership(attach.left, column, keys, next(iter(tests.values())), rest)


def _asks(condition: BoundExpr, key: Column) -> bool | None:
    """Whether the condition says that there is a partner, or that there is none; None for another."""
    inside = False
    while isinstance(condition, Call) and condition.function.name == "NOT":
        condition, inside = condition.arguments[0], not inside
    if not isinstance(condition, Call) or condition.function.name != "IS NULL":
        return None
    (column,) = condition.arguments
    same = isinstance(column, Column) and (column.relation, column.path) == (key.relation, key.path)
    return inside if same else None
