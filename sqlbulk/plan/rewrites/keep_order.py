"""Rows that lose their order, because a merge join or window goes by its keys, are put in order again."""

from __future__ import annotations

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import SortKey

Keys = tuple[SortKey, ...]


def with_kept_order(node: algebra.Relation) -> algebra.Relation:
    """The relation with every order that still matters."""
    return _kept(node)[0]


def _kept(node: algebra.Relation) -> tuple[algebra.Relation, Keys]:
    """The relation, and the order that its rows must have."""
    found: list[Keys] = []

    def change(child: algebra.Relation) -> algebra.Relation:
        kept, keys = _kept(child)
        found.append(keys)
        return kept

    node = algebra.with_inputs(node, change)
    first = found[0] if found else ()
    match node:
        case algebra.Sort():
            return node, node.keys
        case algebra.Limit() | algebra.Filter() | algebra.Extend() | algebra.Apply() | algebra.Unnest():
            return node, first
        case algebra.Join(kind="INNER" | "LEFT"):
            return node, first
        case algebra.Attach() | algebra.Window():
            return (algebra.Sort(node, first), first) if first else (node, ())
    return node, ()
