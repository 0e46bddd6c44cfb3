"""Joins that the server can hash: $lookups of small collections, before all that changes the documents.

From version 6.0 on the server runs `$match` and the `$lookup`s by fields behind it in its newer engine, where it
hashes what is looked up, if nothing has changed the documents before and no `$unwind` follows at once. So the
`$lookup` of each join goes to the others at the beginning, and its tests and its `$unwind` come after. The arrays
of partners are made in full then. Such a document has to stay below 16 MB, so the collections must be far smaller as
a whole.
"""

from __future__ import annotations

from typing import Any

from sqlbulk.catalog import Collection
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.pipeline.equal import JoinKey, are_alike, is_exact, only_partners
from sqlbulk.plan.pipeline.order import leading_fields
from sqlbulk.plan.pipeline.rows import LookedUp, Lowering, Place, Rows, slot_name
from sqlbulk.plan.rewrites.correlation import all_of
from sqlbulk.types import Type

Stage = dict[str, Any]

SMALL = 4 * 1024 * 1024
"""How many bytes the collections may have for this: a quarter of what a document may."""
FEW = 10_000
"""How many documents the server hashes. Those of a larger collection it compares one by one, if there is no index."""
_INDEPENDENT = frozenset({"$match", "$unwind", "$addFields", "$lookup"})
"""Stages before which a row can as well get one more field, or be dropped."""


def lower_hashed(node: algebra.Join, key: JoinKey, rows: Rows, lowering: Lowering) -> Rows | None:
    """The join, with its $lookup put behind the others at the beginning; None where the server can't hash it."""
    table, conditions = filtered(node.right)
    tests = [*conditions, *(p for p in algebra.conjuncts(node.condition) if p is not key.condition)]
    known = _small(table, rows, lowering)
    if known is None or not isinstance(table, algebra.Scan) or not _can_begin(key, known, rows, lowering):
        return None
    inner, through = node.kind == "INNER", _slot_before(key, rows) is not None
    sure = is_exact(key) and not through
    local = lowering.value(key.local, rows)
    if inner and not through and not sure and key.local.nullable:
        rows.stages.insert(_leading(rows), {"$match": {"$expr": {"$gt": [local, None]}}})
    slot = slot_name(table.relation, lowering)
    found = LookedUp(slot, known.bytes or 0, inner, known.has_unique((key.foreign,)), bool(tests) and inner)
    _put_in_front(found, key, known.name, rows)
    lowering.choices.append(f"{slot}: $lookup in {known.name} by {key.foreign} = {_path(key, rows)}, which is small")
    if not inner and (tests or not sure):
        candidates = {table.relation: Place()}
        rows.add(only_partners(slot, candidates, tests, [] if sure else [key], rows=rows, lowering=lowering))
    rows.add({"$unwind": {"path": f"${slot}", "preserveNullAndEmptyArrays": not inner}})
    rows.layout[table.relation] = Place((slot,))
    condition = all_of([*([] if are_alike(key) and not through else [key.condition]), *tests]) if inner else None
    return rows if condition is None else rows.add(lowering.filter(condition, rows))


def filtered(node: algebra.Relation) -> tuple[algebra.Relation, list[BoundExpr]]:
    """What filters stand upon, and their conditions."""
    conditions: list[BoundExpr] = []
    while isinstance(node, algebra.Filter):
        conditions += algebra.conjuncts(node.condition)
        node = node.input
    return node, conditions


# Whether it can be


def _small(table: algebra.Relation, rows: Rows, lowering: Lowering) -> Collection | None:
    """What is known of the right side, if it is a collection that is small enough beside those looked up already."""
    if not isinstance(table, algebra.Scan) or table.database is not None:
        return None
    known = lowering.catalog.get(table.collection)
    size = None if known is None else known.bytes
    if size is None or size + sum(h.bytes for h in rows.looked_up) > SMALL:
        return None
    return known


def _can_begin(key: JoinKey, known: Collection, rows: Rows, lowering: Lowering) -> bool:
    """Whether a $lookup at the beginning finds what one would find here, and is no slower.

    With an index one may as well be made for each of the fewer rows that other conditions have left. What is found
    for all partners of an earlier join is more than for one of them.
    """
    if (lowering.context.server or (0, 0)) < (6, 0) or rows.collection is None or rows.outer:
        return False
    if Type.ARRAY in (key.local.type, key.column.type) or any(next(iter(s)) not in _INDEPENDENT for s in rows.stages):
        return False
    before = _slot_before(key, rows)
    if before is None and _path(key, rows).split(".")[0] in _made(rows.stages):
        return False
    if key.foreign in leading_fields(known.name, lowering):
        return (before is None or before.unique) and not any(h.narrowed for h in rows.looked_up)
    return (known.documents or 0) <= FEW


def _slot_before(key: JoinKey, rows: Rows) -> LookedUp | None:
    """The one of those looked up already whose field the left side's key is."""
    first = _path(key, rows).split(".")[0]
    return next((h for h in rows.looked_up if h.slot == first), None)


def _path(key: JoinKey, rows: Rows) -> str:
    path = rows.columns.match_path(key.local)
    assert path is not None
    return path


def _made(stages: list[Stage]) -> set[str]:
    """The fields that the stages make or change."""
    names: set[str] = set()
    for stage in stages:
        match stage:
            case {"$addFields": fields}:
                names |= {name.split(".")[0] for name in fields}
            case {"$lookup": {"as": name}}:
                names.add(name)
    return names


# Its stages


def _leading(rows: Rows) -> int:
    """How many filters stand in front."""
    return next((n for n, stage in enumerate(rows.stages) if "$match" not in stage), len(rows.stages))


def _put_in_front(found: LookedUp, key: JoinKey, collection: str, rows: Rows) -> None:
    """Put a $lookup behind those at the beginning, and one test behind them all.

    The server would move a test of one of them before the next one. It also keeps the first $unwind apart.
    """
    at = _leading(rows)
    if rows.looked_up:
        at += len(rows.looked_up)
        del rows.stages[at]
    stage = {"from": collection, "localField": _path(key, rows), "foreignField": key.foreign, "as": found.slot}
    rows.looked_up.append(found)
    rows.stages[at:at] = [{"$lookup": stage}, _guard(rows.looked_up)]


def _guard(looked_up: list[LookedUp]) -> Stage:
    last, inner = looked_up[-1], [h.slot for h in looked_up if h.inner]
    if not last.inner:
        return {"$match": {last.slot: {"$exists": True}}}
    if len(inner) == 1:
        return {"$match": {last.slot: {"$ne": []}}}
    return {"$match": {"$expr": {"$and": [{"$ne": [f"${slot}", []]} for slot in inner]}}}
