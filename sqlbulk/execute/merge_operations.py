"""What an arm of a MERGE asks of the server for one row. Pure."""

from __future__ import annotations

from typing import Any

from pymongo import DeleteOne, InsertOne, UpdateOne

from sqlbulk.commands import MergeArm
from sqlbulk.execute.documents import Document, put
from sqlbulk.execute.windows import both

Operation = InsertOne[Document] | UpdateOne | DeleteOne
CHANGES = ("update", "delete")
"""The actions on a stored document."""


def operation(arm: MergeArm, row: dict[str, Any]) -> Operation:
    """The write for a row."""
    if arm.action == "insert":
        return InsertOne(new_document(arm, row))
    one = both({"_id": {"$eq": row["id"]}}, arm.filter)
    if arm.action == "delete":
        return DeleteOne(one)
    known = {"values": {"$literal": {f"v{n}": row.get(name) for n, name in enumerate(arm.values)}}}
    return UpdateOne(one, [{"$replaceWith": {"$let": {"vars": known, "in": arm.update}}}])


def new_document(arm: MergeArm, row: dict[str, Any]) -> Document:
    """The document that a row is inserted as."""
    document: Document = {"_id": row["new"]}
    for path, name in zip(arm.targets, arm.values, strict=True):
        put(document, path, row.get(name))
    return document
