"""From algebra to an aggregation pipeline: one match over the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlbulk.catalog import Catalog
from sqlbulk.commands_steps import KeySet
from sqlbulk.functions.registry import Context
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Constant
from sqlbulk.plan.names import Names
from sqlbulk.plan.pipeline.attach import lower_attach
from sqlbulk.plan.pipeline.group import lower_aggregate, lower_distinct, lower_set_operation
from sqlbulk.plan.pipeline.join import lower_apply, lower_join
from sqlbulk.plan.pipeline.keys import lower_membership
from sqlbulk.plan.pipeline.needs import made_columns, needed_paths
from sqlbulk.plan.pipeline.order import sorted_by, top_by_index
from sqlbulk.plan.pipeline.recursive import lower_recursive
from sqlbulk.plan.pipeline.rows import (
    Lowering,
    Outer,
    Place,
    Rows,
    column_keys,
    place_values,
    projection,
    slot_name,
    slotted,
)
from sqlbulk.plan.pipeline.stored import stored_rows
from sqlbulk.plan.pipeline.window import lower_window
from sqlbulk.types import Type


def to_pipeline(
    node: algebra.Relation, context: Context, catalog: Catalog, *, whole: str | None = None,
    key_sets: list[KeySet] | None = None, joined: dict[str, set[str]],
) -> tuple[Rows, list[str]]:
    """The relation's documents, as stages over a collection (or `$documents`) and a layout; and what was chosen.

    Of the relation `whole` all fields are wanted in the end, whatever the expressions use. `key_sets` gets what
    is to be read before; with None the pipeline stands alone. `joined` gets the fields by which rows of steps are
    looked up.
    """
    def lower(inner: algebra.Relation, outer: Outer) -> Rows:
        return _lower(inner, lowering, outer)

    needs = {**needed_paths(node), **({} if whole is None else {whole: None})}
    taken = made_columns(node).union(path[0] for paths in needs.values() for path in paths or () if path)
    lowering = Lowering(context, catalog, needs, lower, Names(taken), key_sets=key_sets, joined=joined)
    return _lower(node, lowering, {}), lowering.choices


def _lower(node: algebra.Relation, lowering: Lowering, outer: Outer) -> Rows:
    match node:
        case algebra.Scan():
            return Rows(node.collection, [], {node.relation: Place()}, outer, open_root=True)
        case algebra.Values():
            return _values(node, lowering, outer)
        case algebra.Filter():
            return _filter(node, lowering, outer)
        case algebra.Project():
            return _project(node, lowering, outer)
        case algebra.Extend():
            return _extend(node, lowering, outer)
        case algebra.Sort():
            return _sort(node, lowering, outer)
        case algebra.Limit():
            return _limit(node, lowering, outer)
        case algebra.Unnest():
            return _unnest(node, lowering, outer)
        case _:
            return _lower_several(node, lowering, outer)


def _lower_several(
    node: algebra.Join | algebra.Apply | algebra.Attach | algebra.Aggregate | algebra.Window | algebra.Distinct
    | algebra.SetOperation | algebra.Stored | algebra.Recursive | algebra.Common, lowering: Lowering, outer: Outer,
) -> Rows:
    """The nodes that bring several rows together."""
    match node:
        case algebra.Join():
            return lower_join(node, lowering, outer)
        case algebra.Apply():
            return lower_apply(node, lowering, outer)
        case algebra.Attach():
            return lower_attach(node, lowering, outer)
        case algebra.Aggregate():
            return lower_aggregate(node, lowering, outer)
        case algebra.Window():
            return lower_window(node, lowering, outer)
        case algebra.Distinct():
            return lower_distinct(node, lowering, outer)
        case algebra.Stored():
            return stored_rows(node, outer)
        case algebra.Recursive():
            return lower_recursive(node, lowering, outer)
    assert isinstance(node, algebra.SetOperation)
    return lower_set_operation(node, lowering, outer)


def _values(node: algebra.Values, lowering: Lowering, outer: Outer) -> Rows:
    keys = column_keys(node.columns)
    empty = Rows(None, [], {}, outer)
    documents = [
        {keys[name][0]: lowering.stored(e, empty) for name, e in zip(node.columns, row, strict=True)}
        for row in node.rows
    ]
    return Rows(None, [{"$documents": documents}], {node.relation: Place((), keys)}, outer)


def _filter(node: algebra.Filter, lowering: Lowering, outer: Outer) -> Rows:
    found = lower_membership(node, lowering, outer)
    if found is not None:
        return found
    rows = lowering.lower(node.input, outer)
    return rows.add(lowering.filter(node.condition, rows))


def _project(node: algebra.Project, lowering: Lowering, outer: Outer) -> Rows:
    rows = lowering.lower(node.input, outer)
    if node.merged is not None:
        return _merged(node, rows, lowering)
    keys = column_keys(tuple(name for name, _ in node.columns))
    fields = {keys[name][0]: lowering.value(e, rows) for name, e in node.columns}
    rows.add(projection(fields))
    return Rows(rows.collection, rows.stages, {node.relation: Place((), keys)}, outer)


def _merged(node: algebra.Project, rows: Rows, lowering: Lowering) -> Rows:
    """A document with columns put over it, the field names being a user's."""
    assert node.merged is not None
    document = lowering.operand(node.merged, rows)
    whole = document.mql
    if whole != "$$ROOT" and (document.nullable or document.type is not Type.DOCUMENT):
        whole = {"$cond": [{"$eq": [{"$type": whole}, "object"]}, whole, {"$literal": {}}]}
    for name in node.without:
        whole = {"$unsetField": {"field": {"$literal": name}, "input": whole}}
    for name, expression in node.columns:
        value = lowering.stored(expression, rows)
        whole = {"$setField": {"field": {"$literal": name}, "input": whole, "value": value}}
    if whole != "$$ROOT":
        rows.add({"$replaceWith": whole})
    return Rows(rows.collection, rows.stages, {node.relation: Place()}, rows.outer, open_root=True)


def _extend(node: algebra.Extend, lowering: Lowering, outer: Outer) -> Rows:
    rows = slotted(lowering.lower(node.input, outer), lowering)
    return place_values(node.relation, {name: lowering.value(e, rows) for name, e in node.columns}, rows, lowering)


# Order and number


def _sort(node: algebra.Sort, lowering: Lowering, outer: Outer) -> Rows:
    rows = lowering.lower(node.input, outer)
    keys = [k for k in node.keys if not isinstance(k.expression, Constant)]
    return rows if not keys else sorted_by(tuple(keys), rows, lowering)


def _limit(node: algebra.Limit, lowering: Lowering, outer: Outer) -> Rows:
    indexed = top_by_index(node, lowering, outer)
    rows = lowering.lower(node.input, outer) if indexed is None else indexed
    if node.count == 0:
        return rows.add({"$match": {"$expr": False}})
    if node.count is not None and node.offset:
        rows.add({"$limit": min(node.count + node.offset, 2**63 - 1)})
    if node.offset:
        rows.add({"$skip": node.offset})
    if node.count is not None:
        rows.add({"$limit": node.count})
    return rows


def _unnest(node: algebra.Unnest, lowering: Lowering, outer: Outer) -> Rows:
    rows = slotted(lowering.lower(node.input, outer), lowering)
    slot = slot_name(node.relation, lowering)
    array = lowering.value(node.array, rows)
    rows.add({"$addFields": {slot: {"v": _array_or_empty(array)}}})
    unwind: dict[str, Any] = {"path": f"${slot}.v", "preserveNullAndEmptyArrays": node.outer}
    keys = {node.column: ("v",)}
    if node.ordinality is not None:
        unwind["includeArrayIndex"] = f"{slot}.n"
        keys[node.ordinality] = ("n",)
    rows.add({"$unwind": unwind})
    if node.ordinality is not None:
        rows.add({"$addFields": {f"{slot}.n": {"$add": [f"${slot}.n", 1]}}})
    rows.layout[node.relation] = Place((slot,), keys)
    return rows


def _array_or_empty(array: Any) -> Any:
    if isinstance(array, Mapping) and isinstance(array.get("$literal"), list):
        return array
    return {"$cond": [{"$isArray": [array]}, array, []]}
