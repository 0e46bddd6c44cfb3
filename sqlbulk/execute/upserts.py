"""What a `commands.Conflict` asks of the server for one row: a filter and a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from sqlbulk.commands import Conflict, Path
from sqlbulk.execute.documents import value_at
from sqlbulk.execute.encode import Encoded, Ids, decoded, without_id
from sqlbulk.execute.target import Operation

ID: Path = ("_id",)
_NONE: Mapping[str, Mapping[str, Any]] = {}
_ABSENT = {"$eq": [{"$type": "$_id"}, "missing"]}
"""Whether the pipeline runs because no document matched; holds as long as the filter doesn't set `_id`."""


class Upserts:
    """Makes the operations of a conflict clause.

    Each is one atomic step on the server: where no document matches it makes the row's, otherwise it
    replaces the stored one by the clause's expression.
    """

    def __init__(self, conflict: Conflict, ids: Ids) -> None:
        self._ids = ids
        self._merged = stored_expression(conflict, {"$mergeObjects": [{"_id": "$_id"}, "$$new"]})
        self._whole = stored_expression(conflict, {"$mergeObjects": ["$$new", {"_id": "$_id"}]})
        self.repeatable = conflict.action != "update"

    def operation(
        self, rows: Encoded, index: int, filter: Mapping[str, Any], collation: Mapping[str, Any] | None = None
    ) -> Operation:
        """The operation for a row, on the document that the filter finds."""
        document, ordinal = rows.documents[index], rows.ordinals[index]
        new: Any = RawBSONDocument(document)
        made: Any = "$$new"
        stored = self._whole
        if self._ids.made(document, ordinal):
            # an id of our making is for a new document only: the stored one keeps its own
            new = RawBSONDocument(without_id(document))
            made = {"$mergeObjects": [{"_id": ObjectId(self._ids.of(ordinal))}, "$$new"]}
            stored = self._merged
        value = {"$cond": [_ABSENT, made, stored]}
        return Operation(
            filter, [{"$replaceWith": {"$let": {"vars": {"new": {"$literal": new}}, "in": value}}}], collation)


def taken_apart(operation: Operation) -> tuple[dict[str, Any], Any, Any]:
    """The parts of one of `Upserts`' operations: what it makes, the row, and what becomes of a stored document."""
    parts = operation.pipeline[0]["$replaceWith"]["$let"]
    row, (_, made, stored) = decoded(parts["vars"]["new"]["$literal"].raw) or {}, parts["in"]["$cond"]
    return {**({} if made == "$$new" else made["$mergeObjects"][0]), **row}, row, stored


def stored_expression(conflict: Conflict, replacement: Any) -> Any:
    """What becomes of a document that is stored; `replacement` is the row in its place."""
    value = replacement if conflict.action == "replace" else "$$ROOT"
    if conflict.update is not None:
        value = conflict.update
    for name in conflict.unset:
        value = without_field(value, tuple(name.split(".")))
    return value if conflict.condition is None else {"$cond": [conflict.condition, value, "$$ROOT"]}


def without_field(document: Any, path: Path) -> Any:
    """The expression's document without a field; levels that are missing or no documents stay as they are."""
    name = {"$literal": path[0]}
    if len(path) == 1:
        return {"$unsetField": {"field": name, "input": document}}
    below = {"$getField": {"field": name, "input": "$$whole"}}
    changed = {"$cond": [{"$eq": [{"$type": below}, "object"]}, without_field(below, path[1:]), below]}
    return {"$let": {
        "vars": {"whole": document},
        "in": {"$setField": {"field": name, "input": "$$whole", "value": changed}},
    }}


def key_filter(
    paths: Sequence[Path], values: Sequence[Any], tests: Mapping[str, Mapping[str, Any]] = _NONE
) -> dict[str, Any]:
    """What finds the document with this key; values are taken literally, whatever they are.

    `tests` are further ones by field, such as any value passes that isn't NULL: an index may ask for them.
    """
    found = {".".join(path): _equal(path, value) for path, value in zip(paths, values, strict=True)}
    return {name: {**test, **tests.get(name, {})} for name, test in found.items()} if tests else found


def _equal(path: Path, value: Any) -> dict[str, Any]:
    # An equality on _id would be copied into a new document, which then looks like a stored one.
    return {"$gte": value, "$lte": value} if path == ID else {"$eq": value}


def collision_filter(document: bytes, failure: Mapping[str, Any], partial: Mapping[str, Any] | None) -> dict[str, Any]:
    """What finds the document that a refused row collided with, from the server's error.

    `partial` is the filter of the index, where it covers only a part of the collection.
    """
    names = list(failure["keyPattern"])
    values = failure.get("keyValue")
    if values is None or any(failure.get("hexEncoded") or ()) or names == ["_id"]:
        row = RawBSONDocument(document)
        found = {name: value_at(row, tuple(name.split("."))) for name in names}
    else:
        found = {name: values.get(name) for name in names}
    if names == ["_id"]:
        return key_filter([ID], [found["_id"]])
    equal: dict[str, Any] = {name: {"$eq": value} for name, value in found.items()}
    return {"$and": [equal, partial]} if partial else equal


def touches(expression: Any, names: frozenset[str]) -> bool:
    """Whether an update expression may set one of these top-level fields; True if in doubt."""
    if isinstance(expression, Mapping):
        field = expression.get("field")
        field = field.get("$literal") if isinstance(field, Mapping) else field
        return field in names or any(
            key.split(".")[0] in names or touches(value, names) for key, value in expression.items())
    return isinstance(expression, list | tuple) and any(touches(item, names) for item in expression)
