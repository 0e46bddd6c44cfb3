"""Runs the statements about the catalog: make, drop, empty, list and describe collections."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

import pymongo
from pymongo import WriteConcern
from pymongo.errors import InvalidName, OperationFailure, PyMongoError

from sqlbulk import commands_catalog as cc
from sqlbulk.errors import PlanError, ServerError, Span, UnsupportedError
from sqlbulk.execute import inspection
from sqlbulk.execute.catalog import read_defaults
from sqlbulk.execute.describe import field_rows, with_defaults
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import DUPLICATE_KEY, brief, statement_error
from sqlbulk.results import Result, WriteSummary

if TYPE_CHECKING:
    from pymongo.database import Database

    from sqlbulk.execute.connection import Connection

_EXISTS, _INDEX_GONE = 48, 27
_INDEX_CONFLICTS = frozenset({85, 86})


def run_catalog(command: cc.CatalogCommand, connection: Connection) -> Result:
    """Run one command about the catalog.

    Raises PlanError at the name in the statement: E2020 for a collection that isn't there, E2021 for one that
    is, E2022 for an index; ServerError, ConnectionFailed, ConnectionLost.
    """
    if isinstance(command, cc.ShowTable):
        return Result("SHOW", command.columns, command.rows)
    with _translated():
        database = _database(connection, command.database)
        match command:
            case cc.CreateCollection():
                return _create_collection(command, database)
            case cc.CreateIndex():
                return _create_index(command, database)
            case cc.CreateView():
                return _create_view(command, database)
            case cc.DropCollection():
                return _drop_collection(command, database)
            case cc.DropIndex():
                return _drop_index(command, database)
            case cc.Truncate():
                return _truncate(command, database)
            case cc.DescribeCollection():
                return _describe(command, database)
            case cc.ShowCatalog():
                return _show(command, connection)
            case _:
                assert_never(command)


def _database(connection: Connection, name: str | None) -> Database[dict[str, Any]]:
    return connection.client[name or connection.database].with_options(codec_options=OPTIONS)


# What is there


def _kinds(database: Database[dict[str, Any]]) -> dict[str, str]:
    """The collections of a database by name, and what they are: collection, view or timeseries."""
    found = database.list_collections(authorizedCollections=True, nameOnly=True)
    return {entry["name"]: entry.get("type", "collection") for entry in found}


def _existing(name: str, kinds: Mapping[str, str], span: Span, what: str = "collection") -> str:
    """The kind of a collection; raises PlanError E2020 naming the nearest one."""
    if name not in kinds:
        near = difflib.get_close_matches(name, [n for n in kinds if not n.startswith("system.")], n=1)
        raise PlanError("E2020", f"there is no {what} {name}", span, hint=f"did you mean {near[0]}?" if near else None)
    return kinds[name]


def _writable(name: str, database: Database[dict[str, Any]], span: Span, deed: str) -> None:
    if _existing(name, _kinds(database), span) == "view":
        raise UnsupportedError("E3001", f"{name} is a view; {deed}", span)


def _index_names(database: Database[dict[str, Any]], collection: str) -> list[str]:
    return [index["name"] for index in database[collection].list_indexes()]


# Making


def _create_collection(command: cc.CreateCollection, database: Database[dict[str, Any]]) -> Result:
    name = command.collection
    try:
        database.command({"create": name, **command.options})
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise
        if command.if_not_exists:
            return Result("CREATE TABLE", notices=(f"{name} exists already; it is left as it is",), target=name)
        raise PlanError("E2021", f"there is a {_kinds(database).get(name, 'collection')} {name} already", command.span,
                        hint=f"DROP it first, or write CREATE TABLE IF NOT EXISTS {name}") from None
    if command.indexes:
        try:
            database.command({"createIndexes": name, "indexes": [*map(dict, command.indexes)]})
        except BaseException:
            # half a collection would be in the way of the next attempt
            database.drop_collection(name)
            raise
    return Result("CREATE TABLE", target=name)


def _create_index(command: cc.CreateIndex, database: Database[dict[str, Any]]) -> Result:
    name, index = command.collection, command.index["name"]
    _writable(name, database, command.span, "only collections have indexes")
    if index in _index_names(database, name):
        if command.if_not_exists:
            notice = f"there is an index {index} already; it is left as it is"
            return Result("CREATE INDEX", notices=(notice,), target=name)
        raise PlanError("E2021", f"{name} has an index {index} already", command.span, hint="SHOW INDEXES lists them")
    try:
        database.command({"createIndexes": name, "indexes": [dict(command.index)]})
    except OperationFailure as error:
        if error.code == DUPLICATE_KEY:
            raise _duplicates(error, command, database) from None
        if error.code in _INDEX_CONFLICTS:
            raise PlanError("E2021", f"{name} has such an index already: {brief(error)}", command.span,
                            hint="SHOW INDEXES lists them") from None
        raise
    return Result("CREATE INDEX", target=name)


def _duplicates(error: OperationFailure, command: cc.CreateIndex, database: Database[dict[str, Any]]) -> ServerError:
    """Which values are in the way of a unique index, and in how many documents."""
    value = (error.details or {}).get("keyValue")
    listed = ", ".join(command.index["key"])
    if not isinstance(value, Mapping):
        return ServerError("E5020", f"({listed}) isn't unique in {command.collection}: {brief(error)}")
    shown = ", ".join(f"{field} = {'NULL' if v is None else repr(v)}" for field, v in value.items())
    hint = f"SELECT {listed}, COUNT(*) FROM {command.collection} GROUP BY {listed} HAVING COUNT(*) > 1 shows them all"
    return ServerError("E5020", f"({listed}) isn't unique in {command.collection}: several documents have {shown}",
                       hint=hint)


def _create_view(command: cc.CreateView, database: Database[dict[str, Any]]) -> Result:
    name = command.view
    kind = _kinds(database).get(name)
    pipeline = [*map(dict, command.pipeline)]
    if kind == "view" and command.replace:
        database.command({"collMod": name, "viewOn": command.source, "pipeline": pipeline})
    elif kind is not None:
        raise PlanError("E2021", f"there is a {kind} {name} already", command.span)
    else:
        database.command({"create": name, "viewOn": command.source, "pipeline": pipeline})
    return Result("CREATE VIEW", target=name)


# Dropping and emptying


def _drop_collection(command: cc.DropCollection, database: Database[dict[str, Any]]) -> Result:
    name, kinds = command.collection, _kinds(database)
    verb = "DROP VIEW" if command.kind == "view" else "DROP TABLE"
    if name not in kinds and command.if_exists:
        return Result(verb, notices=(f"there is no {command.kind} {name}",), target=name)
    found = _existing(name, kinds, command.span, command.kind)
    if (found == "view") != (command.kind == "view"):
        right = "DROP VIEW" if found == "view" else "DROP TABLE"
        raise PlanError("E2020", f"{name} is a {found}, no {command.kind}", command.span, hint=f"write {right} {name}")
    database.command({"drop": name})
    return Result(verb, target=name)


def _drop_index(command: cc.DropIndex, database: Database[dict[str, Any]]) -> Result:
    name, index = command.collection, command.index
    kinds = _kinds(database)
    if name not in kinds and command.if_exists:
        return Result("DROP INDEX", notices=(f"there is no collection {name}",), target=name)
    _existing(name, kinds, command.span)
    names = _index_names(database, name) if kinds[name] != "view" else []
    if index not in names:
        # '*' would mean all indexes to the server; only names that are there go on to it
        if command.if_exists:
            return Result("DROP INDEX", notices=(f"{name} has no index {index}",), target=name)
        near = difflib.get_close_matches(index, names, n=1)
        raise PlanError("E2022", f"{name} has no index {index}", command.span,
                        hint=f"did you mean {near[0]}?" if near else "SHOW INDEXES lists them")
    database.command({"dropIndexes": name, "index": index})
    return Result("DROP INDEX", target=name)


def _truncate(command: cc.Truncate, database: Database[dict[str, Any]]) -> Result:
    _writable(command.collection, database, command.span, "it has no documents of its own")
    collection = database[command.collection]
    if command.write_concern is not None:
        collection = collection.with_options(write_concern=WriteConcern(**command.write_concern))
    begun = time.monotonic()
    with pymongo.timeout(command.max_execution_time):
        deleted = collection.delete_many({}, comment=command.comment).deleted_count
    summary = WriteSummary(matched=deleted, deleted=deleted, batches=1, seconds=time.monotonic() - begun)
    return Result("TRUNCATE", summary=summary, target=command.collection)


# Looking


def _describe(command: cc.DescribeCollection, database: Database[dict[str, Any]]) -> Result:
    _existing(command.collection, _kinds(database), command.span)
    documents = database[command.collection].aggregate([{"$sample": {"size": command.sample}}])
    fields, count = field_rows(documents)
    columns, rows = with_defaults(fields, read_defaults(database[command.collection].options()))
    notices = (f"from a sample of {count:,} documents",) if count == command.sample else ()
    if not count:
        notices = (f"{command.collection} is empty",)
    return Result("DESCRIBE", columns, rows, notices=notices, target=command.collection)


def _show(command: cc.ShowCatalog, connection: Connection) -> Result:
    if command.what == "databases":
        result = inspection.list_databases(connection)
    elif command.what == "collections":
        result = inspection.list_collections(connection)
    else:
        return _show_indexes(command, connection)
    if command.like is None:
        return result
    pattern = re.compile(command.like)
    return replace(result, rows=[row for row in result.rows if pattern.match(row[0])])


def _show_indexes(command: cc.ShowCatalog, connection: Connection) -> Result:
    assert command.collection is not None
    database = _database(connection, command.database)
    if _existing(command.collection, _kinds(database), command.span) == "view":
        raise UnsupportedError("E3001", f"{command.collection} is a view; only collections have indexes", command.span)
    there = replace(connection, database=database.name)
    return inspection.list_indexes(there, command.collection)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except InvalidName as error:
        raise ServerError("E5005", str(error)) from None
    except PyMongoError as error:
        raise statement_error(error, begun=False) from None
