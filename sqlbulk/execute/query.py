"""Runs queries: rows stream from a cursor, in constant memory, their columns in the order written."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from sqlbulk.commands import OutputColumn, Query
from sqlbulk.errors import ServerError
from sqlbulk.execute.aborts import on_purpose
from sqlbulk.execute.faults import statement_error
from sqlbulk.execute.query_keys import with_few_keys
from sqlbulk.execute.reading import database_of, limits, settings
from sqlbulk.execute.steps import Shelf, shelved
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

Document = Mapping[str, Any]
_ROWS_AT_A_TIME = 16_000
"""How many rows the server sends at once, after the first few; it would fill 16 MB, ten times as much in Python."""
_FIRST_ROWS = 101
"""How many documents a server answers a command with, unless it is told otherwise."""
_TAKEN = 1_000
"""How many of the documents that came are made rows at a time: one by one costs a third more."""
_LOOKED_AT = 1_000
"""How many documents are kept to find the columns of SELECT * in; with more, the server is asked for all names."""


def run_query(command: Query, connection: Connection) -> Result:
    """The rows of a query. They are read once, as they are asked for.

    Raises ServerError, ConnectionLost or ConnectionFailed, also while the rows are read.
    """
    if not command.steps:
        return _result(command, connection)
    shelf = Shelf(connection, command.database, limits(command.reading))
    try:
        result = _result(shelved(command, shelf), connection)
    except BaseException:
        shelf.close()
        raise
    of_step = any(step.marker == command.collection for step in command.steps)
    return replace(result, rows=ShelvedRows(result.rows, shelf), target=None if of_step else command.collection)


class ShelvedRows:
    """Rows for which others are kept on a shelf, until these are read, or nobody can read them any more."""

    def __init__(self, rows: Iterable[tuple[Any, ...]], shelf: Shelf) -> None:
        self._rows, self._ended = iter(rows), shelf.close
        weakref.finalize(self, shelf.abandon)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self

    def __next__(self) -> tuple[Any, ...]:
        try:
            return next(self._rows)
        except BaseException:
            self._ended()
            raise

    def close(self) -> None:
        """Read no more."""
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()
        self._ended()


def _result(command: Query, connection: Connection) -> Result:
    """The rows of a query without steps."""
    command = with_few_keys(command, connection)
    batches = _batches(command, connection, command.pipeline)
    documents: Iterator[Document] = chain.from_iterable(batches)
    if command.columns is None:
        names, documents = _names((), documents, command, connection)
        return Result("SELECT", tuple(names), _rows_of_documents(names, documents), target=command.collection)
    if any(c.whole for c in command.columns):
        return _with_stars(command, command.columns, documents, connection)
    rows = _rows(tuple(c.field for c in command.columns), batches)
    return Result("SELECT", tuple(c.title for c in command.columns), rows, target=command.collection)


def _rows(fields: Sequence[str], batches: Iterable[list[Document]]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from [tuple(map(document.get, fields)) for document in batch]


def _batches(
    command: Query, connection: Connection, pipeline: Sequence[Mapping[str, Any]]
) -> Iterator[list[Document]]:
    """The documents of a pipeline. The command is sent at once, so that its errors come before any row."""
    database, options = database_of(command, connection), settings(command)
    try:
        if command.collection is None:
            cursor = database.aggregate(list(pipeline), **options)
        else:
            cursor = database[command.collection].aggregate(list(pipeline), **options)
    except PyMongoError as error:
        raise query_error(error) from None
    if command.reading.batch_size is None:
        cursor.batch_size(_ROWS_AT_A_TIME)
    return _streamed(cursor, connection)


def _streamed(cursor: Any, connection: Connection) -> Iterator[list[Document]]:
    # The first rows come alone with the command's answer, and needn't wait for others.
    wanted = _FIRST_ROWS
    try:
        with cursor:
            while batch := cursor.to_list(wanted):
                yield batch
                wanted = _TAKEN
    except PyMongoError as error:
        raise connection.explained(query_error(error)) from None


def query_error(error: PyMongoError) -> Exception:
    """What went wrong while a query ran."""
    return on_purpose(error) or statement_error(error, begun=False)


# Columns that only the documents tell


def _names(
    path: tuple[str, ...], documents: Iterator[Document], command: Query, connection: Connection
) -> tuple[list[str], Iterator[Document]]:
    """The names of the fields below a path, in the order in which they come, and the documents from the first on."""
    first = list(islice(documents, _LOOKED_AT + 1))
    found = _fields_of(path, first)
    if len(first) > _LOOKED_AT:
        found |= dict.fromkeys(_all_names(path, command, connection))
    return list(found), chain(first, documents)


def _fields_of(path: tuple[str, ...], documents: Iterable[Document]) -> dict[str, None]:
    found: dict[str, None] = {}
    for document in documents:
        inner: Any = document
        for name in path:
            inner = inner.get(name)
        if isinstance(inner, Mapping):
            found |= dict.fromkeys(inner)
    return found


def _all_names(path: tuple[str, ...], command: Query, connection: Connection) -> list[str]:
    whole = "$" + ".".join(path) if path else "$$ROOT"
    stages = (
        {"$replaceWith": {"k": {"$map": {"input": {"$objectToArray": whole}, "in": "$$this.k"}}}},
        {"$unwind": "$k"}, {"$group": {"_id": "$k"}}, {"$sort": {"_id": 1}},
    )
    found = chain.from_iterable(_batches(command, connection, (*command.pipeline, *stages)))
    return [document["_id"] for document in found]


def _rows_of_documents(names: Sequence[str], documents: Iterable[Document]) -> Iterator[tuple[Any, ...]]:
    known, usual = frozenset(names), tuple(names)
    for document in documents:
        if tuple(document) == usual:
            yield tuple(document.values())
            continue
        if not document.keys() <= known:
            raise _grown(document.keys() - known)
        yield tuple([document.get(name) for name in names])


def _grown(names: Iterable[str]) -> ServerError:
    return ServerError(
        "E5005", f"a field that no document had before appeared while the rows were read: {', '.join(sorted(names))}",
        hint="run the statement again, or name the columns")


def _with_stars(
    command: Query, columns: Sequence[OutputColumn], documents: Iterator[Document], connection: Connection
) -> Result:
    """The rows of a select list in which stars stand beside other columns."""
    titles: list[str] = []
    picks: list[tuple[str, tuple[str, ...] | None, frozenset[str]]] = []
    for column in columns:
        if not column.whole:
            titles.append(column.title)
            picks.append((column.field, None, frozenset()))
            continue
        names, documents = _names((column.field,), documents, command, connection)
        kept = tuple(n for n in names if n not in column.excluded)
        titles += kept
        picks.append((column.field, kept, frozenset(names) | frozenset(column.excluded)))
    return Result("SELECT", tuple(titles), _picked(picks, documents), target=command.collection)


def _picked(
    picks: Sequence[tuple[str, tuple[str, ...] | None, frozenset[str]]], documents: Iterable[Document]
) -> Iterator[tuple[Any, ...]]:
    for document in documents:
        row: list[Any] = []
        for field, names, known in picks:
            value = document.get(field)
            if names is None:
                row.append(value)
                continue
            inner = value if isinstance(value, Mapping) else {}
            if not inner.keys() <= known:
                raise _grown(inner.keys() - known)
            row += [inner.get(name) for name in names]
        yield tuple(row)
