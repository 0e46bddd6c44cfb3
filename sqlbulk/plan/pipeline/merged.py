"""Joins for want of an index: the right side's rows, gathered by their keys, are carried to their partners.

A merge join gives a row one partner, so all right rows of a key are put into one document first. That has to stay
below 16 MB, so the collection that they come from must be smaller as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlbulk.catalog import Collection
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.lowering.layout import ROOT
from sqlbulk.plan.pipeline.attach import Matched, carry
from sqlbulk.plan.pipeline.equal import JoinKey, only_partners
from sqlbulk.plan.pipeline.hashed import filtered
from sqlbulk.plan.pipeline.order import leading_fields
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Place, Rows, slotted, trimmed
from sqlbulk.plan.rewrites.correlation import all_of
from sqlbulk.plan.rewrites.keep_order import order_of

SMALL = 8 * 1024 * 1024
"""How many bytes the right side may come from: half of what a document may have."""
_SHRINKING = (algebra.Filter, algebra.Project, algebra.Sort, algebra.Limit, algebra.Distinct)
"""What gives no more rows than it takes."""

Equality = tuple[BoundExpr, BoundExpr]


def lower_merged(
    node: algebra.Join, key: JoinKey | None, rows: Rows, lowering: Lowering, outer: Outer
) -> Rows | None:
    """The join of the left side's rows; None where an index is better, or the right side could be too large."""
    equalities, tests = _parted(node)
    if outer or not equalities or order_of(node.left) or _takes_whole_rows(node, tests):
        return None
    known = None if is_one(node.left, lowering) else small(node.right, lowering)
    if known is None or (key is not None and key.foreign in leading_fields(known.name, lowering)):
        return None
    path, right = gathered(rows, node.right, equalities, lowering)
    inner = node.kind == "INNER"
    if tests and not inner:
        rows.add(only_partners(path, right, tests, rows=rows, lowering=lowering))
    rows.add({"$unwind": {"path": f"${path}", "preserveNullAndEmptyArrays": not inner}})
    place_below(path, right, rows)
    condition = all_of(tests) if inner else None
    return rows if condition is None else rows.add(lowering.filter(condition, rows))


def gathered(
    rows: Rows, node: algebra.Relation, equalities: Sequence[Equality], lowering: Lowering
) -> tuple[str, Mapping[str, Place]]:
    """Give each row the array of its partners in the other relation, in a field whose path is the first result; the
    second is the layout of these."""
    rows = trimmed(rows, lowering)
    right = trimmed(slotted(lowering.lower(node, {}), lowering), lowering)
    keys = [
        Matched(a, f"$_id.k{n}" if len(equalities) > 1 else "$_id", type_of_bound(b), f"k{n}",
                not isinstance(b, Column) or b.nullable)
        for n, (a, b) in enumerate(equalities)]
    values = {key.name: lowering.value(b, right) for key, (_, b) in zip(keys, equalities, strict=True)}
    several = {name: {"$ifNull": [value, None]} for name, value in values.items()}
    right.add({"$group": {"_id": several if len(values) > 1 else values["k0"], "rows": {"$push": ROOT}}})
    kept = {key.name: key.right for key in keys} | {"rows": "$rows"}
    return f"{carry(rows, right, keys, kept, lowering=lowering)}.rows", right.layout


def place_below(path: str, layout: Mapping[str, Place], rows: Rows) -> None:
    """Add the relations to the rows, now that one of their rows stands at the path."""
    for relation, place in layout.items():
        rows.layout[relation] = Place((*path.split("."), *place.base), place.keys)


def _parted(node: algebra.Join) -> tuple[list[Equality], list[BoundExpr]]:
    """The join's condition as equalities of values of the left and of the right, and the rest."""
    left, right = algebra.visible(node.left), algebra.visible(node.right)
    equalities: list[Equality] = []
    rest: list[BoundExpr] = []
    for condition in algebra.conjuncts(node.condition):
        pair = equality(condition, left, right)
        if pair is None:
            rest.append(condition)
        else:
            equalities.append(pair)
    return equalities, rest


def equality(condition: BoundExpr, left: set[str], right: set[str]) -> Equality | None:
    """The two sides of a condition that values of the left and of the right are equal."""
    if not isinstance(condition, Call) or condition.function.name != "=":
        return None
    for a, b in (condition.arguments, condition.arguments[::-1]):
        used = algebra.relations_of(a), algebra.relations_of(b)
        if all(used) and used[0] <= left and used[1] <= right:
            return a, b
    return None


def _takes_whole_rows(node: algebra.Join, tests: list[BoundExpr]) -> bool:
    """Whether a condition of a LEFT JOIN is about a right row as one, which isn't to be had among candidates."""
    right = algebra.visible(node.right)
    columns = [e for test in tests for e in algebra.walk(test) if isinstance(e, Column)]
    return node.kind == "LEFT" and any(c.relation in right and not c.path for c in columns)


def is_one(node: algebra.Relation, lowering: Lowering) -> bool:
    """Whether it is one row at most, found by a unique key: it may as well look for its partners by itself."""
    table, conditions = filtered(node)
    known = lowering.catalog.get(table.collection) if isinstance(table, algebra.Scan) else None
    equal = [c.arguments for c in conditions if isinstance(c, Call) and c.function.name == "="]
    keys = [a.path for pair in equal for a, b in (pair, pair[::-1])
            if isinstance(a, Column) and not algebra.relations_of(b)]
    return known is not None and any(known.has_unique((".".join(path),)) for path in keys)


def small(node: algebra.Relation, lowering: Lowering) -> Collection | None:
    """What is known of the collection that the right side comes from, if it is small enough."""
    while isinstance(node, _SHRINKING):
        node = node.input
    known = lowering.catalog.get(node.collection) if isinstance(node, algebra.Scan) and node.database is None else None
    return known if known is not None and known.bytes is not None and known.bytes <= SMALL else None
