"""A command as plain dicts shaped like the wire commands: what EXPLAIN shows and `Plan.commands` holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cmp_to_key
from typing import Any

import bson

from sqlbulk.batching import batched
from sqlbulk.commands import MET, ROW, Conflict, Insert, Path, QueryRows, Shape, ValuesRows, in_row_field
from sqlbulk.commands_steps import STAGED
from sqlbulk.defaults import filled
from sqlbulk.functions.ordering import compare
from sqlbulk.plan.explain_query import wire_queries
from sqlbulk.types import MISSING
from sqlbulk.uniqueness import not_null_filter

Document = dict[str, Any]


def wire_commands(command: Insert) -> list[Document]:
    """The commands of an insert in order. Rows that aren't in the statement are left out: `documents` is []."""
    rows = command.rows
    if not isinstance(rows, QueryRows):
        return [*_series(command), *_indexes(command), *_writes(command)]
    *before, query = wire_queries(rows.query)
    if rows.merge is None:
        return [*_series(command), *_indexes(command), *before, query, *_writes(command)]
    return [*_indexes(command), *before, *_merges(command, query, rows.merge)]


def _series(command: Insert) -> list[Document]:
    series = command.time_series
    if series is None:
        return []
    options = {"timeField": series.time_field, "metaField": series.meta_field, "granularity": series.granularity,
               "bucketMaxSpanSeconds": series.span, "bucketRoundingSeconds": series.span}
    return [{"create": command.collection, "timeseries": {k: v for k, v in options.items() if v is not None},
             **({} if command.database is None else {"$db": command.database})}]


def _merges(command: Insert, query: Document, merge: Mapping[str, Any]) -> list[Document]:
    """The rows are put where they wait, and go on from there: new ones first. Left out is how they are marked."""
    stage = f"{STAGED}<run>"
    out = {"db": command.database, "coll": stage} if command.database is not None else stage
    query["pipeline"] = [*in_row_field(query["pipeline"]), {"$out": out}]
    document = {"$replaceWith": {"$mergeObjects": [{"_id": "$_id"}, f"${ROW}"]}}
    ways: list[tuple[str, list[Document]]] = [(stage, [document, dict(merge)])]
    conflict, rows = command.conflict, command.rows
    if conflict is not None and isinstance(rows, QueryRows) and not rows.own_ids:
        insert = {"$merge": {**merge["$merge"], "whenMatched": "fail"}}
        ways = [(f"{stage}.marked", [{"$match": {MET: False}}, document, insert])]
        if conflict.action != "nothing":
            ways.append((f"{stage}.marked", [{"$match": {MET: True}}, document, dict(merge)]))
    return [query, *({"aggregate": name, "pipeline": pipeline, "cursor": {}, **_shared(command)}
                     for name, pipeline in ways)]


def _indexes(command: Insert) -> list[Document]:
    indexes = [dict(index) for index in command.ensure_indexes]
    conflict = command.conflict
    if conflict is not None and conflict.ensure_index and conflict.keys:
        names = [".".join(key) for key in conflict.keys]
        name = "_".join(f"{n}_1" for n in names)
        index: Document = {"key": dict.fromkeys(names, 1), "name": name, "unique": True}
        if not (isinstance(command.rows, QueryRows) and command.rows.merge is not None):
            index |= {"name": f"{name}_unique", "partialFilterExpression": not_null_filter(names)}
        indexes.append(index)
    database = {} if command.database is None else {"$db": command.database}
    return [{"createIndexes": command.collection, "indexes": indexes, **database}] if indexes else []


def _writes(command: Insert) -> list[Document]:
    """Rows with a named key are upserts; others are inserted, and one that collides becomes the update shown last."""
    conflict = command.conflict
    batches = list(_batches(command)) or [[]]
    if conflict is not None and by_key(conflict):
        return [one for batch in batches for one in _upserts(command, conflict, batch)]
    inserts = [_insert(command, batch) for batch in batches]
    if conflict is None or conflict.action == "nothing":
        return inserts
    return [*inserts, _update(command, [_operation(conflict, _query(conflict), "<the row>")])]


def by_key(conflict: Conflict) -> bool:
    """Whether rows are written as upserts by their key, not inserted first."""
    return conflict.keys not in (None, (("_id",),))


def _upserts(command: Insert, conflict: Conflict, batch: list[Document]) -> list[Document]:
    """The upserts of a batch, and the insert of its rows whose key is NULL: they are new whatever is stored."""
    keys = conflict.keys or ()
    operations, others = [], []
    for row in batch:
        query = {".".join(key): {"$eq": _value_at(row, key)} for key in keys}
        if any(test["$eq"] is None for test in query.values()):
            others.append(row)
        else:
            operations.append(_operation(conflict, query, row))
    if not batch:
        operations.append(_operation(conflict, _query(conflict), "<the row>"))
    return [*([_insert(command, others)] if others else []), *([_update(command, operations)] if operations else [])]


def _insert(command: Insert, documents: list[Document]) -> Document:
    ordered = command.options.ordered
    return {"insert": command.collection, "documents": documents, "ordered": ordered, **_shared(command)}


def _update(command: Insert, updates: list[Document]) -> Document:
    return {"update": command.collection, "updates": updates, "ordered": command.options.ordered, **_shared(command)}


def _operation(conflict: Conflict, query: Document, row: Any) -> Document:
    return {"q": query, "u": [update_stage(conflict, row)], "upsert": True}


def _shared(command: Insert) -> Document:
    """What every write command of the statement says."""
    options = command.options
    shared: Document = {} if command.database is None else {"$db": command.database}
    if options.write_concern is not None:
        shared["writeConcern"] = dict(options.write_concern)
    if options.bypass_validation:
        shared["bypassDocumentValidation"] = True
    if options.comment is not None:
        shared["comment"] = options.comment
    return shared


def _query(conflict: Conflict) -> Document:
    if conflict.keys is None:
        return {"<field of the unique index>": {"$eq": "<its value in the row>"}}
    names = [".".join(key) for key in conflict.keys]
    return {name: {"$eq": f"<{name} of the row>"} for name in names}


def update_stage(conflict: Conflict, row: Any) -> Document:
    """The pipeline stage that puts a row in the place of the document that it collides with."""
    stored: Any = {
        "nothing": "$$ROOT", "update": conflict.update, "replace": {"$mergeObjects": [{"_id": "$_id"}, "$$new"]},
    }[conflict.action]
    if conflict.condition is not None:
        stored = {"$cond": [conflict.condition, stored, "$$ROOT"]}
    absent = {"$eq": [{"$type": "$_id"}, "missing"]}
    return {"$replaceWith": {
        "$let": {"vars": {"new": {"$literal": row}}, "in": {"$cond": [absent, "$$new", stored]}}}}


def _value_at(row: Document, path: Path) -> Any:
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


# Rows to documents to batches


def documents(command: Insert) -> Iterator[Document]:
    """The documents of the rows that stand in the statement, without the refused ones."""
    if not isinstance(command.rows, ValuesRows):
        return
    for chunk in command.rows.open():
        for row in chunk.rows:
            document = make_document(command.shape, row)
            if all(_value_at(document, path) is not None for path in command.shape.required):
                yield document


def make_document(shape: Shape, row: Any) -> Document:
    """A row's document: values at their paths, those that DEFAULT leaves out not at all."""
    if shape.targets is None:
        return filled(row, shape.defaults)
    document: Document = {}
    for path, value in zip(shape.targets, row, strict=True):
        if path is None or value is MISSING:
            continue
        level = document
        for name in path[:-1]:
            level = level.setdefault(name, {})
        level[path[-1]] = value
    return filled(document, shape.defaults)


def _batches(command: Insert) -> Iterator[list[Document]]:
    rows: Any = documents(command)
    for key in reversed(command.options.sort_by):
        path = tuple(key.field.split("."))
        rows = sorted(
            rows, key=cmp_to_key(lambda a, b, path=path: compare(_value_at(a, path), _value_at(b, path))),  # type: ignore[misc]
            reverse=key.descending)
    return batched(rows, size_of=lambda document: len(bson.encode(document)), most=command.options.batch_size)
