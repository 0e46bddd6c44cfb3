"""Rows that lose their order, because a merge join or window goes by its keys, are put in order again."""

from __future__ import annotations

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import SortKey

Keys = tuple[SortKey, ...]


def with_kept_order(node: algebra.Relation) -> algebra.Relation:
    """The relation with every order that still matters."""
    node = algebra.with_inputs(node, with_kept_order)
    if not isinstance(node, algebra.Attach | algebra.Window):
        return node
    keys = order_of(algebra.inputs(node)[0])
    return algebra.Sort(node, keys) if keys else node


def order_of(node: algebra.Relation) -> Keys:
    """The order that the rows have; none if it is of no account."""
    match node:
        case algebra.Sort():
            return node.keys
        case algebra.Limit() | algebra.Filter() | algebra.Extend() | algebra.Apply() | algebra.Unnest():
            return order_of(algebra.inputs(node)[0])
        case algebra.Join(kind="INNER" | "LEFT"):
            return order_of(node.left)
    return ()
