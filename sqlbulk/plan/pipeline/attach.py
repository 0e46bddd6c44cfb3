"""The merge join: both sides in one stream, sorted by the keys, and the right side's rows carried on to the left's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlbulk.functions.calls import sole
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Column
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.pipeline.group import union_with
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Path, Place, Rows, column_keys, slotted, trimmed
from sqlbulk.types import Type

_MANY_SHAPED = frozenset({Type.ANY, Type.ARRAY, Type.DOCUMENT})
"""Types of which values may be arrays, that the server sorts by their items, or what arrays are wrapped in."""


def lower_attach(node: algebra.Attach, lowering: Lowering, outer: Outer) -> Rows:
    """A join that needs no index: in the order of the keys, a row of the right stands before its partners.

    What the server carries on is the last row of the right side, so its keys are compared afterwards.
    """
    left = trimmed(slotted(lowering.lower(node.left, outer), lowering), lowering)
    right = lowering.lower(node.right, outer)
    known = tuple((a, _known(b, node.right)) for a, b in node.keys)
    relation, kept, names = _kept(right)
    keys = [Matched(a, lowering.value(b, right), type_of_bound(b), names[b.path[0]][0], b.nullable) for a, b in known]
    there = carry(left, right, keys, kept, lowering=lowering)
    left.layout[relation] = Place((there,), names)
    return left


@dataclass(frozen=True, slots=True)
class Matched:
    """A key of a merge join: an expression over the left side, and the right side's value as it is worked out there,
    its type, the name under which it is kept, and whether it may be NULL.
    """

    left: BoundExpr
    right: Any
    type: Type
    name: str
    nullable: bool


def carry(left: Rows, right: Rows, keys: Sequence[Matched], kept: dict[str, Any], *, lowering: Lowering) -> str:
    """Give each row of the left what is `kept` of the right's row with its keys, in the field that is the result.

    No two rows of the right may have the same keys.
    """
    paths = _left_paths(tuple(k.left for k in keys), left, lowering)
    here, there = lowering.names.new("_r"), lowering.names.new("_r")
    fields: dict[str, Any] = {}
    for path, key in zip(paths, keys, strict=True):
        _put(fields, path, _in_order(key.right, key.type))
    present = {".".join(path): {"$ne": None} for path, key in zip(paths, keys, strict=True) if key.nullable}
    right.add({"$replaceWith": {**fields, here: kept}}, *([{"$match": present}] if present else []))
    same = [
        {"$eq": [f"${there}.{key.name}", _value(key.left, path, left, lowering)]}
        for key, path in zip(keys, paths, strict=True)]
    order = dict.fromkeys(map(".".join, paths), 1) | {here: -1}
    left.add(
        union_with(right),
        {"$setWindowFields": {"sortBy": order, "output": {there: {"$locf": f"${here}"}}}},
        {"$match": {here: {"$exists": False}}},
        {"$addFields": {there: {"$cond": [same[0] if len(same) == 1 else {"$and": same}, f"${there}", "$$REMOVE"]}}})
    lowering.choices.append(f"merge join with {right.collection or 'the values'} over {len(keys)} key(s)")
    return there


def _known(column: Column, node: algebra.Relation) -> Column:
    """The right side's column with what is known of the expression that makes it."""
    while isinstance(node, algebra.Filter | algebra.Sort):
        node = node.input
    made: tuple[algebra.Named, ...] = ()
    if isinstance(node, algebra.Aggregate | algebra.Project):
        made = node.keys if isinstance(node, algebra.Aggregate) else node.columns
    origin = dict(made).get(column.path[0], column)
    return Column(column.relation, column.path, type_of_bound(origin), getattr(origin, "nullable", True))


def _left_paths(keys: tuple[BoundExpr, ...], left: Rows, lowering: Lowering) -> list[Path]:
    """Where each key stands in the left side's documents: a field of a known type, or one that is worked out."""
    slot = lowering.names.new("_k")
    computed: dict[str, Any] = {}
    paths: list[Path] = []
    for number, key in enumerate(keys):
        path = _sortable(key, left)
        if path is None or any(_overlap(path, other) for other in paths):
            path = (slot, f"k{number}")
            computed[path[1]] = _in_order(lowering.value(key, left), type_of_bound(key))
        paths.append(path)
    if computed:
        left.add({"$addFields": {slot: computed}})
    return paths


def _sortable(key: BoundExpr, rows: Rows) -> Path | None:
    """The path of a field that can be sorted by as it is."""
    if not isinstance(key, Column) or key.type in _MANY_SHAPED or rows.columns.match_path(key) is None:
        return None
    return rows.path(key)


def _overlap(a: Path, b: Path) -> bool:
    return a[:len(b)] == b[:len(a)]


def _in_order(value: Any, kind: Type) -> Any:
    """The value of a key as one that $sort takes as one, and puts where equal ones are."""
    if kind not in _MANY_SHAPED:
        return value
    return {"$cond": [{"$in": [{"$type": sole(value)}, ["array", "object"]]}, {"v": value}, value]}


def _value(key: BoundExpr, path: Path, rows: Rows, lowering: Lowering) -> Any:
    """The left side's key, from where it is already if that is its plain value."""
    return lowering.value(key, rows) if type_of_bound(key) in _MANY_SHAPED else "$" + ".".join(path)


def _put(fields: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value


def _kept(right: Rows) -> tuple[str, dict[str, str], dict[str, tuple[str]]]:
    """What is attached of the right side: its relation, its columns without detours, and what these are called."""
    (relation, place), = right.layout.items()
    assert place.keys is not None
    names = column_keys(tuple(place.keys))
    return relation, {names[n][0]: "$" + ".".join((*place.base, *path)) for n, path in place.keys.items()}, names
