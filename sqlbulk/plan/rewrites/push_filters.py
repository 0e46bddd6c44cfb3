"""Conditions move as far down as they keep their meaning: below joins, into derived tables, to the collections."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.rewrites.correlation import all_of, with_conditions

Conditions = list[BoundExpr]
_BY_VALUE = frozenset({"=", "<>", "<", "<=", ">", ">=", "<=>", "IN", "IS NULL", "AND", "OR", "NOT", "LIKE"})
"""What is the same for all rows of a partition: 1 and 1.0 are in one, and only their types differ."""


def with_pushed_filters(node: algebra.Relation) -> algebra.Relation:
    """The relation with every condition at its lowest place."""
    return _pushed(node, [])


def _pushed(node: algebra.Relation, conditions: Conditions) -> algebra.Relation:
    match node:
        case algebra.Filter():
            return _pushed(node.input, [*algebra.conjuncts(node.condition), *conditions])
        case algebra.Join():
            return _join(node, conditions)
        case algebra.Apply() | algebra.Attach():
            below, above = _split(conditions, algebra.visible(node.right))
            changed = replace(node, left=_pushed(node.left, below), right=_pushed(node.right, []))
            return with_conditions(changed, above)
        case algebra.Extend() | algebra.Unnest():
            below, above = _split(conditions, {node.relation})
            return with_conditions(replace(node, input=_pushed(node.input, below)), above)
        case algebra.Window():
            below, above = _partitions(node, conditions)
            return with_conditions(replace(node, input=_pushed(node.input, below)), above)
        case algebra.Sort():
            return replace(node, input=_pushed(node.input, conditions))
        case algebra.Project() if node.merged is None:
            return _renamed(node, conditions)
        case algebra.Aggregate() if node.keys and not node.always:
            return _grouped(node, conditions)
        case algebra.Distinct() if not node.open:
            below, above = _moved(conditions, node.relation, _columns(node.source, node.columns))
            return with_conditions(replace(node, input=_pushed(node.input, below)), above)
        case algebra.SetOperation():
            return _both_sides(node, conditions)
    return with_conditions(algebra.with_inputs(node, lambda n: _pushed(n, [])), conditions)


def _split(conditions: Conditions, relations: set[str]) -> tuple[Conditions, Conditions]:
    """The conditions that don't use the relations, and those that do."""
    below = [c for c in conditions if not algebra.relations_of(c) & relations and algebra.relations_of(c)]
    return below, [c for c in conditions if c not in below]


def _join(node: algebra.Join, conditions: Conditions) -> algebra.Relation:
    left, right = algebra.visible(node.left), algebra.visible(node.right)
    on = algebra.conjuncts(node.condition)
    if node.kind == "INNER":
        both = [*on, *conditions]
        to_left, rest = _split(both, right)
        to_right, rest = _split(rest, left)
        return replace(
            node, left=_pushed(node.left, to_left), right=_pushed(node.right, to_right), condition=all_of(rest))
    if node.kind == "LEFT":
        to_left, above = _split(conditions, right)
        to_right, rest = _split(on, left)
        changed = replace(
            node, left=_pushed(node.left, to_left), right=_pushed(node.right, to_right), condition=all_of(rest))
        return with_conditions(changed, above)
    changed = replace(node, left=_pushed(node.left, []), right=_pushed(node.right, []))
    return with_conditions(changed, conditions)


def _columns(relation: str, names: tuple[str, ...]) -> dict[str, BoundExpr]:
    return {name: Column(relation, (name,)) for name in names}


def _partitions(node: algebra.Window, conditions: Conditions) -> tuple[Conditions, Conditions]:
    """The conditions on what every call's partitions are by, so that whole partitions go, and the others."""
    shared = [e for e in node.calls[0][1].partition_by if all(e in call.partition_by for _, call in node.calls)]
    whole = {(e.relation, e.path) for e in shared if isinstance(e, Column)}

    def fits(part: BoundExpr) -> bool:
        match part:
            case Column():
                return (part.relation, part.path) in whole
            case Call():
                return part.function.name in _BY_VALUE
        return isinstance(part, Constant)

    below = [c for c in conditions if algebra.relations_of(c) and all(fits(part) for part in algebra.walk(c))]
    return below, [c for c in conditions if c not in below]


def _both_sides(node: algebra.SetOperation, conditions: Conditions) -> algebra.Relation:
    """A condition on a set operation's rows holds for those of both sides."""
    left, above = _moved(conditions, node.relation, _columns(node.left_relation, node.columns))
    right, _ = _moved(conditions, node.relation, _columns(node.right_relation, node.columns))
    return with_conditions(replace(node, left=_pushed(node.left, left), right=_pushed(node.right, right)), above)


def _moved(conditions: Conditions, relation: str, columns: dict[str, BoundExpr]) -> tuple[Conditions, Conditions]:
    """The conditions in terms of what the relation is made from, and those that can't be put so."""
    below, above = [], []
    for condition in conditions:
        changed = _substituted(condition, relation, columns)
        if changed is None:
            above.append(condition)
        else:
            below.append(changed)
    return below, above


def _renamed(node: algebra.Project, conditions: Conditions) -> algebra.Relation:
    """Conditions on a projection as conditions on what it is made from."""
    below, above = _moved(conditions, node.relation, dict(node.columns))
    return with_conditions(replace(node, input=_pushed(node.input, below)), above)


def _grouped(node: algebra.Aggregate, conditions: Conditions) -> algebra.Relation:
    """Conditions on the keys of groups hold for their rows as well."""
    below, above = _moved(conditions, node.relation, dict(node.keys))
    return with_conditions(replace(node, input=_pushed(node.input, below)), above)


def _substituted(condition: BoundExpr, relation: str, columns: dict[str, BoundExpr]) -> BoundExpr | None:
    """The condition with expressions in place of a relation's columns; None where that isn't the same."""
    fits = True

    def change(expression: BoundExpr) -> BoundExpr | None:
        nonlocal fits
        if not isinstance(expression, Column) or expression.relation != relation:
            return None
        value = columns.get(expression.path[0]) if expression.path else None
        if value is None or _volatile(value):
            fits = False
            return expression
        if len(expression.path) == 1:
            return value
        if isinstance(value, Column):
            return replace(value, path=(*value.path, *expression.path[1:]), type=expression.type, nullable=True)
        fits = False
        return expression

    changed = algebra.rewrite(condition, change)
    return changed if fits else None


def _volatile(expression: BoundExpr) -> bool:
    return any(isinstance(e, Call) and e.function.volatile for e in algebra.walk(expression))
