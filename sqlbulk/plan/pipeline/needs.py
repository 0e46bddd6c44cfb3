"""Which fields of each relation a statement uses, so that the others need not be carried along."""

from __future__ import annotations

from collections.abc import Mapping

from sqlbulk.plan.algebra import Distinct, Project, Relation, SetOperation, Values, inputs, walk_all
from sqlbulk.plan.binding.bound import Column

Path = tuple[str, ...]


def needed_paths(node: Relation) -> Mapping[str, frozenset[Path] | None]:
    """The used paths by relation; None for one that is used as a whole."""
    found: dict[str, set[Path]] = {}
    for expression in walk_all(node):
        if isinstance(expression, Column):
            found.setdefault(expression.relation, set()).add(expression.path)
    return {relation: None if () in paths else frozenset(paths) for relation, paths in found.items()}


def made_columns(node: Relation) -> frozenset[str]:
    """The names of the columns that a relation and its inputs are made with."""
    match node:
        case Project():
            own = frozenset(name for name, _ in node.columns)
        case Values() | Distinct() | SetOperation():
            own = frozenset(node.columns)
        case _:
            own = frozenset()
    return own.union(*map(made_columns, inputs(node)))
