"""Which fields of each relation a statement uses, so that the others need not be carried along."""

from __future__ import annotations

from collections.abc import Mapping

from sqlbulk.plan.algebra import Distinct, Project, Recursive, Relation, SetOperation, Stored, Values, inputs, walk_all
from sqlbulk.plan.binding.bound import Column

Path = tuple[str, ...]


def needed_paths(node: Relation) -> Mapping[str, frozenset[Path] | None]:
    """The used paths by relation; None for one that is used as a whole."""
    found: dict[str, set[Path]] = {}
    for expression in walk_all(node):
        if isinstance(expression, Column):
            found.setdefault(expression.relation, set()).add(expression.path)
    for relation in _whole(node):
        found.setdefault(relation, set()).add(())
    return {relation: None if () in paths else frozenset(paths) for relation, paths in found.items()}


def _whole(node: Relation) -> set[str]:
    """The relations whose rows are compared or put together as whole documents."""
    own: set[str] = set()
    if isinstance(node, Distinct) and node.open:
        own = {node.source}
    elif isinstance(node, SetOperation) and node.open:
        own = {node.left_relation, node.right_relation}
    return own.union(*map(_whole, inputs(node)))


def made_columns(node: Relation) -> frozenset[str]:
    """The names of the columns that a relation and its inputs are made with."""
    match node:
        case Project():
            own = frozenset(name for name, _ in node.columns)
        case Values() | Distinct() | SetOperation() | Stored() | Recursive():
            own = frozenset(node.columns)
        case _:
            own = frozenset()
    return own.union(*map(made_columns, inputs(node)))
