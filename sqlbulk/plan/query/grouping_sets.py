"""GROUPING SETS, ROLLUP and CUBE: every row once for each set, grouped by the set's number and its keys."""

from __future__ import annotations

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Case, Column, Constant
from sqlbulk.plan.binding.calls import make_constant, type_of_bound
from sqlbulk.plan.query.grouping import Grouping
from sqlbulk.types import Type

SET = "set"
"""The key that holds the number of the set."""


def bind_grouping_sets(groups: Grouping, sets: list[tuple[int, ...]], rows: algebra.Relation) -> algebra.Relation:
    """The rows multiplied; the keys of `groups` become NULL in the sets that leave them out."""
    planning = groups.planning
    relation = planning.relation("sets")
    number = Column(relation, (SET,), Type.INTEGER, nullable=False)
    span = groups.keys[0][1].span if groups.keys else number.span
    keys: list[tuple[str, BoundExpr]] = [(SET, number)]
    for position, (name, expression) in enumerate(groups.keys):
        members = [make_constant(i, span) for i, each in enumerate(sets) if position in each]
        if len(members) == len(sets):
            keys.append((name, expression))
        else:
            condition = planning.call("IN", number, *members)
            keys.append((name, Case(((condition, expression),), make_constant(None, span), type_of_bound(expression))))
    groups.keys[:] = keys
    groups.sets = sets
    groups.always = tuple(i for i, each in enumerate(sets) if not each)
    array = Constant(list(range(len(sets))), Type.ARRAY, span=span)
    return algebra.Unnest(rows, relation, array, SET)
