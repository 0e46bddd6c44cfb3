"""The rows of a query as a source of documents: raw BSON from a cursor, so that every value stays what it is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument
from pymongo import ReadPreference
from pymongo.errors import PyMongoError

from sqlbulk.commands import ROW, Query, QueryRows, in_row_field
from sqlbulk.commands_steps import STAGED
from sqlbulk.execute.aborts import on_purpose
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import statement_error
from sqlbulk.execute.leftovers import remove_forgotten
from sqlbulk.execute.steps import prepared, settings_of
from sqlbulk.rowdata import Chunk

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.command_cursor import CommandCursor
    from pymongo.database import Database

    from sqlbulk.execute.connection import Connection
    from sqlbulk.options import WriteOptions

_CHUNK = 1_000
_CHUNK_BYTES = 4 * 1024 * 1024

Stage = Mapping[str, Any]


class QuerySource:
    """The documents of a cursor, each read once, numbered from 1."""

    columns: None = None
    size: None = None

    def __init__(self, cursor: CommandCursor[Any]) -> None:
        self._cursor = cursor

    def __iter__(self) -> Iterator[Chunk]:
        """Chunks of rows; raises ServerError, ConnectionLost or ConnectionFailed."""
        rows: list[Any] = []
        first, size = 1, 0
        try:
            for document in self._cursor:
                rows.append(document)
                size += len(document.raw)
                if len(rows) == _CHUNK or size >= _CHUNK_BYTES:
                    yield Chunk(rows, range(first, first + len(rows)))
                    first, rows, size = first + len(rows), [], 0
        except PyMongoError as error:
            raise query_error(error) from None
        yield Chunk(rows, range(first, first + len(rows)))


@contextmanager
def open_query(
    rows: QueryRows, connection: Connection, options: WriteOptions, *, database: str | None = None
) -> Iterator[QuerySource]:
    """The rows of a query. Where they are to be settled first, they wait in a collection of their own on the server.

    That is made in `database`, None: the connection's. Raises ServerError (E5005, E5006), ConnectionLost or
    ConnectionFailed.
    """
    if not rows.settled:
        with read(rows.query, connection, options) as source:
            yield source
        return
    with staged(rows.query, connection, options, database=database) as stage, read_staged(stage, (), options) as source:
        yield source


@contextmanager
def read(query: Query, connection: Connection, options: WriteOptions) -> Iterator[QuerySource]:
    """The documents of a query from the first on."""
    with prepared(query, connection, settings_of(options)) as ready:
        cursor = run_query_pipeline(ready, ready.pipeline, connection, options, raw=True)
        with cursor:
            yield QuerySource(cursor)


def run_query_pipeline(
    query: Query, pipeline: Sequence[Stage], connection: Connection, options: WriteOptions, *, raw: bool = False
) -> CommandCursor[Any]:
    """The cursor of a pipeline over the source of a query, whose steps are done."""
    assert not query.steps, "prepared() comes first"
    database = connection.client[query.database or connection.database].with_options(
        codec_options=OPTIONS.with_options(document_class=RawBSONDocument) if raw else OPTIONS,
        read_preference=ReadPreference.PRIMARY if query.reading.read_preference == "primary" else None)
    source: Collection[Any] | Database[Any] = database if query.collection is None else database[query.collection]
    settings: dict[str, Any] = {"allowDiskUse": query.allow_disk_use, "comment": options.comment}
    if query.collation is not None:
        settings["collation"] = query.collation
    return aggregated(source, pipeline, settings, options)


def aggregated(
    source: Collection[Any] | Database[Any], pipeline: Sequence[Stage], settings: Mapping[str, Any],
    options: WriteOptions,
) -> CommandCursor[Any]:
    """The cursor of a pipeline; raises ServerError, ConnectionLost or ConnectionFailed."""
    if options.max_execution_time is not None:
        settings = {**settings, "maxTimeMS": max(1, round(options.max_execution_time * 1000))}
    try:
        return source.aggregate(list(pipeline), **settings)
    except PyMongoError as error:
        raise query_error(error) from None


def query_error(error: PyMongoError) -> Exception:
    """What went wrong while a query was read."""
    return on_purpose(error) or statement_error(error, begun=True)


# Rows that wait on the server


@contextmanager
def staged(
    query: Query, connection: Connection, options: WriteOptions, *, database: str | None = None,
    then: Sequence[Stage] = (),
) -> Iterator[Collection[dict[str, Any]]]:
    """A collection that holds the query's rows, each in the field `row`, in order; it is dropped in the end.

    `then` are stages that they pass on their way there.
    """
    database = database or connection.database
    remove_forgotten(connection, database)
    name = f"{STAGED}{int(time.time())}.{secrets.token_hex(6)}"
    collection = connection.collection(name, database)
    try:
        with prepared(query, connection, settings_of(options)) as ready:
            pipeline = [*in_row_field(ready.pipeline), *then, {"$out": {"db": database, "coll": name}}]
            run_query_pipeline(ready, pipeline, connection, options).close()
        yield collection
    finally:
        with suppress(PyMongoError):
            collection.drop()


@contextmanager
def read_staged(
    collection: Collection[dict[str, Any]], before: Sequence[Stage], options: WriteOptions
) -> Iterator[QuerySource]:
    """The staged rows in order; `before` are stages that choose among them."""
    raw = collection.with_options(codec_options=OPTIONS.with_options(document_class=RawBSONDocument))
    pipeline = [*before, {"$replaceWith": f"${ROW}"}]
    with aggregated(raw, pipeline, {"allowDiskUse": True, "hint": {"$natural": 1}}, options) as cursor:
        yield QuerySource(cursor)
