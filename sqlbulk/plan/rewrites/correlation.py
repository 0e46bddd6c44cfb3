"""What ties a subquery to its outer row: equalities that can become the keys of a join, taken out of its filters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call

Key = tuple[BoundExpr, BoundExpr]


@dataclass(frozen=True, slots=True)
class Decorrelated:
    """The inner relation on its own, and (outer, inner) pairs of expressions that must be equal."""

    relation: algebra.Relation
    keys: tuple[Key, ...]


def decorrelate(node: algebra.Relation) -> Decorrelated | None:
    """The relation without its outer columns; None if they stand anywhere but in equalities of its filters."""
    keys: list[Key] = []
    made = algebra.made_inside(node)
    free = _freed(node, made, keys)
    if algebra.outer_columns(free):
        return None
    return Decorrelated(free, tuple(keys))


def _freed(node: algebra.Relation, made: set[str], keys: list[Key]) -> algebra.Relation:
    match node:
        case algebra.Filter():
            inner = _freed(node.input, made, keys)
            return with_conditions(inner, _kept(node.condition, made, keys))
        case algebra.Join(kind="INNER"):
            left, right = _freed(node.left, made, keys), _freed(node.right, made, keys)
            kept = _kept(node.condition, made, keys)
            return replace(node, left=left, right=right, condition=all_of(kept))
        case algebra.Join(kind="LEFT"):
            return replace(node, left=_freed(node.left, made, keys))
        case algebra.Apply() | algebra.Attach():
            return replace(node, left=_freed(node.left, made, keys))
        case algebra.Extend():
            return replace(node, input=_freed(node.input, made, keys))
    return node


def _kept(condition: BoundExpr | None, made: set[str], keys: list[Key]) -> list[BoundExpr]:
    kept = []
    for part in algebra.conjuncts(condition):
        key = _key(part, made)
        if key is None:
            kept.append(part)
        else:
            keys.append(key)
    return kept


def _key(condition: BoundExpr, made: set[str]) -> Key | None:
    if not isinstance(condition, Call) or condition.function.name != "=":
        return None
    for outer, inner in (condition.arguments, condition.arguments[::-1]):
        used = algebra.relations_of(outer), algebra.relations_of(inner)
        if used[0] and not used[0] & made and used[1] and used[1] <= made:
            return outer, inner
    return None


def all_of(conditions: list[BoundExpr]) -> BoundExpr | None:
    """The conditions in one, None for none."""
    from sqlbulk.functions import resolve
    from sqlbulk.types import Type

    if len(conditions) < 2:
        return conditions[0] if conditions else None
    function = resolve("AND", [Type.BOOLEAN] * len(conditions))
    return Call(function, tuple(conditions), Type.BOOLEAN, span=conditions[0].span)


def with_conditions(node: algebra.Relation, conditions: list[BoundExpr]) -> algebra.Relation:
    """The rows for which all conditions are true."""
    condition = all_of(conditions)
    return node if condition is None else algebra.Filter(node, condition)
