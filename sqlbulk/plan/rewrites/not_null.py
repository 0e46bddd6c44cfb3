"""Columns that a filter has proved not to be NULL are known as such by ORDER BY, which can then go by an index."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, SortKey, WindowCall

_STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "LIKE", "ILIKE", "REGEXP", "IN"})
"""Conditions that are never true for a NULL."""


def with_known_columns(node: algebra.Relation) -> algebra.Relation:
    """The relation with sort keys that say which of them can't be NULL."""
    node = algebra.with_inputs(node, with_known_columns)
    match node:
        case algebra.Sort():
            known = _known(node.input)
            return replace(node, keys=tuple(_sure(k, known) for k in node.keys))
        case algebra.Window():
            known = _known(node.input)
            return replace(node, calls=tuple((name, _sure_call(c, known)) for name, c in node.calls))
    return node


def _sure_call(call: WindowCall, known: set[tuple[str, tuple[str, ...]]]) -> WindowCall:
    return replace(call, order_by=tuple(_sure(k, known) for k in call.order_by))


def _sure(key: SortKey, known: set[tuple[str, tuple[str, ...]]]) -> SortKey:
    column = key.expression
    if isinstance(column, Column) and (column.relation, column.path) in known:
        return replace(key, expression=replace(column, nullable=False))
    return key


def _known(node: algebra.Relation) -> set[tuple[str, tuple[str, ...]]]:
    """The columns of a relation's rows that can't be NULL."""
    match node:
        case algebra.Filter():
            return _known(node.input) | _proved(node.condition)
        case algebra.Sort() | algebra.Limit() | algebra.Window() | algebra.Extend() | algebra.Unnest():
            return _known(node.input)
        case algebra.Join(kind="INNER"):
            return _known(node.left) | _known(node.right) | _proved(node.condition)
        case algebra.Join(kind="LEFT") | algebra.Apply() | algebra.Attach():
            return _known(node.left)
    return set()


def _proved(condition: BoundExpr | None) -> set[tuple[str, tuple[str, ...]]]:
    found = set()
    for part in algebra.conjuncts(condition):
        if not isinstance(part, Call):
            continue
        arguments = part.arguments[:1] if part.function.name == "IN" else part.arguments
        inner = part.arguments[0] if part.function.name == "NOT" else None
        if isinstance(inner, Call) and inner.function.name == "IS NULL":
            arguments = inner.arguments
        elif part.function.name not in _STRICT:
            continue
        found |= {(a.relation, a.path) for a in arguments if isinstance(a, Column)}
    return found
