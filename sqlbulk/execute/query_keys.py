"""Keys that are read before a query, and the query with them in place where they are few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bson import encode
from bson.regex import Regex
from pymongo.errors import PyMongoError

from sqlbulk.commands import Query
from sqlbulk.commands_steps import KeySet
from sqlbulk.execute.faults import statement_error
from sqlbulk.execute.reading import database_of, limits

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

_FEW = 50_000
_SMALL = 4_000_000
"""The bytes that the keys may take in the command."""


def with_few_keys(command: Query, connection: Connection) -> Query:
    """The query that has its keys in it, if it has another way with keys and they are few; else the same query.

    Raises ServerError, ConnectionLost or ConnectionFailed.
    """
    if command.few is None:
        return command
    found: dict[str, list[Any]] = {}
    for keys in command.few.key_sets:
        values = _values(keys, found, command, connection)
        if values is None:
            return command
        found[keys.marker] = values
    if len(encode(found)) > _SMALL:
        return command
    return replace(command, pipeline=tuple(_filled(s, found) for s in command.few.pipeline), few=None)


def _values(
    keys: KeySet, before: Mapping[str, list[Any]], command: Query, connection: Connection
) -> list[Any] | None:
    """The keys, None if there are too many or a filter would take one for something else."""
    database = database_of(command, connection)
    asked = {"allowDiskUse": command.allow_disk_use, **limits(command.reading)}
    pipeline = [*(_filled(s, before) for s in keys.pipeline), {"$limit": _FEW + 1}]
    try:
        with database[keys.collection].aggregate(pipeline, **asked) as cursor:
            values = [document["_id"] for document in cursor]
    except PyMongoError as error:
        raise statement_error(error, begun=False) from None
    return None if len(values) > _FEW or any(isinstance(v, list | Regex) for v in values) else values


def _filled(part: Any, found: Mapping[str, list[Any]]) -> Any:
    """The part of a pipeline with the keys put in. Only a marker is a text where $in wants an array."""
    if isinstance(part, Mapping):
        return part if "$literal" in part else {
            k: found[v] if k in ("$in", "$nin") and isinstance(v, str) and v in found else _filled(v, found)
            for k, v in part.items()}
    return [_filled(v, found) for v in part] if isinstance(part, list) else part
