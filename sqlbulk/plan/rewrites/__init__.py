"""The rewrites of a query's algebra, in the order in which they run. Each is a pure function in a file of its own."""

from __future__ import annotations

from collections.abc import Callable

from sqlbulk.plan.algebra import Relation, made_inside
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.rewrites.grouped_joins import with_attached_groups
from sqlbulk.plan.rewrites.keep_order import with_kept_order
from sqlbulk.plan.rewrites.laterals import with_attached_aggregates
from sqlbulk.plan.rewrites.merge_projections import with_merged_projections
from sqlbulk.plan.rewrites.not_null import with_known_columns
from sqlbulk.plan.rewrites.push_filters import with_pushed_filters
from sqlbulk.plan.rewrites.subqueries import without_subqueries


def rewritten(node: Relation, environment: Environment) -> Relation:
    """The relation in a form that the pipeline's lowering takes, and that is fast."""
    new = _namer(made_inside(node))
    node = without_subqueries(node, environment, new)
    node = with_pushed_filters(node)
    node = with_merged_projections(node)
    node = with_attached_groups(with_attached_aggregates(node, environment, new), environment)
    node = with_merged_projections(node)
    return with_known_columns(with_kept_order(node))


def _namer(taken: set[str]) -> Callable[[str], str]:
    number = 0

    def new(prefix: str) -> str:
        nonlocal number
        number += 1
        while f"{prefix}_{number}" in taken:
            number += 1
        return f"{prefix}_{number}"

    return new
