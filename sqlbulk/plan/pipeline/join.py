"""Joins by $lookup: by fields where two columns must be equal, else with the condition tested for each pair."""

from __future__ import annotations

from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Column
from sqlbulk.plan.binding.calls import make_call
from sqlbulk.plan.pipeline.applied import Applied, lower_applied
from sqlbulk.plan.pipeline.equal import JoinKey, agrees, are_alike, is_exact, key_fields
from sqlbulk.plan.pipeline.group import union_with
from sqlbulk.plan.pipeline.hashed import lower_hashed
from sqlbulk.plan.pipeline.merged import lower_merged
from sqlbulk.plan.pipeline.rows import (
    Lowering,
    Outer,
    Rows,
    apart,
    slot_name,
    slotted,
)
from sqlbulk.plan.rewrites.correlation import with_conditions
from sqlbulk.types import Type

Stage = dict[str, Any]


def lower_join(node: algebra.Join, lowering: Lowering, outer: Outer) -> Rows:
    """INNER and LEFT by $lookup; FULL as LEFT and the right side's rows without a partner."""
    if node.kind in ("INNER", "LEFT"):
        found = _by_fields(node, lowering, outer)
        if found is not None:
            return found
    right = node.right if node.condition is None else algebra.Filter(node.right, node.condition)
    kind = "LEFT" if node.kind == "FULL" else node.kind
    rows = lower_apply(algebra.Apply(kind, node.left, right), lowering, outer)
    if node.kind != "FULL":
        return rows
    rows = apart(rows, lowering)
    left = node.left if node.condition is None else algebra.Filter(node.left, node.condition)
    turned = algebra.Apply("LEFT", node.right, algebra.Limit(left, 1))
    alone, partner, applied = _with_array(turned, lowering, outer)
    alone = alone if applied is None else applied.alone(lowering)
    alone.add({"$match": {partner: []}}, {"$unset": partner})
    alone = apart(alone, lowering)
    _same_slots(rows, alone)
    return rows.add(union_with(alone))


def _by_fields(node: algebra.Join, lowering: Lowering, outer: Outer) -> Rows | None:
    """A join on equal fields or values. Where types leave it open, what $lookup finds is tested once more."""
    left = lowering.lower(node.left, outer)
    key = key_fields(algebra.Filter(node.right, node.condition), left, lowering) if node.condition else None
    rows = slotted(left, lowering)
    found = lower_hashed(node, key, rows, lowering) if key is not None else None
    found = found or lower_merged(node, key, rows, lowering, outer)
    if key is None or found is not None:
        return found
    exact, outer_join = is_exact(key), node.kind == "LEFT"
    others = [p for p in algebra.conjuncts(node.condition) if p is not key.condition]
    local = lowering.value(key.local, rows)
    if not outer_join and not exact and key.local.nullable:
        rows.add({"$match": {"$expr": {"$gt": [local, None]}}})
    rest = with_conditions(node.right, others if exact or not outer_join else [*others, *_present(key, lowering)])
    rows, slot = _looked_up(rows, rest, lowering, outer, key=key)
    if outer_join and not exact:
        agreed = {"input": f"${slot}", "as": "r", "cond": agrees(key, local, "$$r")}
        rows.add({"$addFields": {slot: {"$filter": agreed}}})
    rows.add({"$unwind": {"path": f"${slot}", "preserveNullAndEmptyArrays": outer_join}})
    return rows if outer_join or are_alike(key) else rows.add(lowering.filter(key.condition, rows))


def _present(key: JoinKey, lowering: Lowering) -> list[BoundExpr]:
    """What keeps the NULLs of the right side away from those of the left, which might be many times many."""
    if not (key.local.nullable and key.column.nullable):
        return []
    absent = make_call("IS NULL", (key.column,), key.column.span, lowering.context)
    return [make_call("NOT", (absent,), key.column.span, lowering.context)]


def _same_slots(rows: Rows, alone: Rows) -> None:
    """Move the relations of `alone` to where `rows` has them."""
    moved = any(place.base[:1] != rows.layout[name].base[:1] for name, place in alone.layout.items())
    fields: dict[str, Any] = {}
    for name, place in rows.layout.items():
        node = fields
        for step in place.base[:-1]:
            node = node.setdefault(step, {})
        node[place.base[-1]] = "$" + ".".join(alone.layout[name].base)
    if moved:
        alone.add({"$replaceWith": fields})


def lower_apply(node: algebra.Apply, lowering: Lowering, outer: Outer) -> Rows:
    """$lookup and $unwind, or a merge for want of an index."""
    rows, slot, applied = _with_array(node, lowering, outer)
    if node.single:
        rows.add({"$addFields": {slot: _only(slot)}})
    else:
        rows.add({"$unwind": {"path": f"${slot}", "preserveNullAndEmptyArrays": node.kind == "LEFT"}})
    return rows if applied is None else applied.alone(lowering)


def _with_array(node: algebra.Apply, lowering: Lowering, outer: Outer) -> tuple[Rows, str, Applied | None]:
    """The left side's rows with the array of the right's, and where it stands."""
    left = lowering.lower(node.left, outer)
    applied = None if outer else lower_applied(node, left, lowering)
    if applied is not None:
        return applied.rows, applied.path, applied
    return *_looked_up(left, node.right, lowering, outer, limit=2 if node.single else None), None


MORE_THAN_ONE = "a subquery used as a value gave more than one row"


def _only(slot: str) -> Any:
    """The one element of an array, nothing if it is empty; more abort the statement, as SQL asks."""
    several = {"$toInt": {"$concat": [MORE_THAN_ONE, {"$substrCP": [{"$toString": {"$size": f"${slot}"}}, 0, 0]}]}}
    return {"$cond": [{"$gt": [{"$size": f"${slot}"}, 1]}, several, {"$arrayElemAt": [f"${slot}", 0]}]}


def _looked_up(
    left: Rows, right: algebra.Relation, lowering: Lowering, outer: Outer, *, limit: int | None = None,
    key: JoinKey | None = None,
) -> tuple[Rows, str]:
    """The left side with an array of the right side's rows in a field, whose name is the second result.

    `key` is a condition that isn't in the right side: it is left to the caller to test it again.
    """
    rows = slotted(left, lowering)
    beyond = [c for c in algebra.outer_columns(right) if c.relation in rows.layout]
    key = key or key_fields(right, rows, lowering)
    variables = _variables(beyond, rows, lowering)
    inner = lowering.lower(right, {**outer, **{key: f"$${name}" for key, (name, _) in variables.items()}})
    if len(inner.layout) > 1:
        inner = apart(inner, lowering)
    if limit is not None:
        inner.add({"$limit": limit})
    slot = _slot_for(inner, lowering)
    stage: dict[str, Any] = {} if inner.collection is None else {"from": inner.collection}
    if key is not None:
        stage |= {"localField": _local_field(key, rows, lowering), "foreignField": key.foreign}
        lowering.joined.setdefault(stage["from"], set()).add(key.foreign)
    if variables:
        stage["let"] = dict(variables.values())
    if inner.stages or key is None:
        stage["pipeline"] = inner.stages
    rows.add({"$lookup": {**stage, "as": slot}})
    lowering.choices.append(f"{slot}: {_how(stage)}")
    for relation, place in inner.layout.items():
        rows.layout[relation] = place.below(slot)
    return rows, slot


def _local_field(key: JoinKey, rows: Rows, lowering: Lowering) -> str:
    """Where the left side's key stands. $lookup goes by an array's items, so an empty one would find nothing."""
    path = rows.columns.match_path(key.local)
    assert path is not None
    if Type.ARRAY not in (key.local.type, key.column.type):
        return path
    name = lowering.names.new("_k")
    rows.add({"$addFields": {name: {"$cond": [{"$eq": [f"${path}", []]}, [[]], f"${path}"]}}})
    return name


def _how(stage: dict[str, Any]) -> str:
    source = stage.get("from", "the values")
    if "localField" in stage:
        return f"$lookup in {source} by {stage['foreignField']} = {stage['localField']}"
    return f"$lookup in {source} " + ("for each row" if "let" in stage else "once")


def _slot_for(inner: Rows, lowering: Lowering) -> str:
    if not inner.slotted and len(inner.layout) == 1:
        return slot_name(next(iter(inner.layout)), lowering)
    return lowering.names.new("_j")


def _variables(
    columns: list[Column], rows: Rows, lowering: Lowering
) -> dict[tuple[str, tuple[str, ...]], tuple[str, Any]]:
    return {(c.relation, c.path): (lowering.names.new("o"), lowering.value(c, rows)) for c in columns}
