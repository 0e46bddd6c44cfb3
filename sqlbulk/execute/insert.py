"""Sets up the run of a `commands.Insert`: source, encoder, indexes, the way conflicts are met, and lanes."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from sqlbulk.batching import BATCH_BYTES
from sqlbulk.commands import CallerRows, Conflict, FileRows, Insert, Path, Query, QueryRows, ValuesRows
from sqlbulk.execute.absent import Looked
from sqlbulk.execute.batches import Limits
from sqlbulk.execute.callerrows import caller_source
from sqlbulk.execute.conflicts import (
    InsertFirst,
    Inserting,
    Keyed,
    Plain,
    Strategy,
    has_neither,
    has_no_array,
    has_no_null,
)
from sqlbulk.execute.documents import compile_shape
from sqlbulk.execute.encode import Encoded, Encoder, Ids
from sqlbulk.execute.indexes import UniqueIndex, ensure_indexes, key_paths, read_unique, unindexed
from sqlbulk.execute.pace import bytes_a_batch, rows_a_batch
from sqlbulk.execute.query_rows import open_query
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.runner import Run, Stop, Watcher, settled
from sqlbulk.execute.target import Target, open_target
from sqlbulk.execute.time_series import ensure_time_series
from sqlbulk.execute.upserts import ID, touches
from sqlbulk.execute.writer import Writer
from sqlbulk.formats import open_rows
from sqlbulk.options import WriteOptions
from sqlbulk.results import Result
from sqlbulk.rowdata import Chunk, RowSource
from sqlbulk.uniqueness import Cover, type_tests

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from sqlbulk.execute.connection import Connection

UPSERT_OVERHEAD = 400
"""What the pipeline of an upsert adds to a row at least, in bytes."""


@dataclass(frozen=True, slots=True)
class Route:
    """How batches are written: `key` are the fields by which rows are spread over lanes, None: any lane."""

    strategy: Strategy
    workers: int
    key: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How rows wait for another command: in this field, with what is told of each under the name in add_metadata."""

    describe: Callable[[Chunk, int], Any]
    within: str
    title: str


def run_insert(
    command: Insert, connection: Connection, *, rows: Iterable[Any] | None, watcher: Watcher | None,
    stop: Stop | None, base_dir: FilePath | None,
) -> Result:
    """Write the rows of the command. Raises what `Run.execute` raises, UsageError for an unfit source."""
    made = () if command.time_series is None else ensure_time_series(
        connection.collection(command.collection, command.database), command.time_series)
    with opened_rows(command, connection, rows, base_dir) as source:
        if command.returning is not None:
            return _write_and_return(command, command.returning, connection, source, watcher=watcher, stop=stop,
                                     notices=made)
        return write_rows(command, connection, source, watcher=watcher, stop=stop, notices=made)


def _write_and_return(
    command: Insert, query: Query, connection: Connection, source: RowSource, *, watcher: Watcher | None,
    stop: Stop | None, notices: tuple[str, ...],
) -> Result:
    """The same, one batch after the other, with the documents written as the rows of the result."""
    from sqlbulk.execute.insert_returning import RecordingTarget, returned_rows

    collection = connection.collection(command.collection, command.database)
    notices = (*notices, *ensure_indexes(collection, command, version=connection.server.version))
    target = RecordingTarget(open_target(collection, command.options, lambda: None), command.conflict)
    alone = replace(command, options=replace(command.options, parallel_workers=1))
    result = write_rows(alone, connection, source, watcher=watcher, stop=stop, notices=notices, target=target)
    columns, rows = returned_rows(query, target.written, collection)
    return replace(result, columns=columns, rows=rows)


def write_rows(
    command: Insert, connection: Connection, source: RowSource, *, watcher: Watcher | None, stop: Stop | None,
    notices: tuple[str, ...] = (), target: Target | None = None, waiting: Waiting | None = None,
) -> Result:
    """Write the rows of a source as the command says; `notices` are what is known already.

    With a `target` the rows go there, and no index is made. `waiting`: they are not what the statement writes.
    """
    options, server = command.options, connection.server
    ended, limit = threading.Event(), options.max_execution_time
    deadline = None if limit is None else time.monotonic() + limit
    patience = Patience(options.retry_attempts, deadline, sleep=ended.wait)
    collection = connection.collection(command.collection, command.database)
    build = compile_shape(command.shape, source.columns)
    if target is None:
        notices = (*notices, *ensure_indexes(collection, command, version=server.version))
    ids = Ids()
    writer = Writer(target or open_target(collection, options, patience.left), ids, patience)
    conflicting = command.conflict is not None
    unique = read_unique(collection) if conflicting else ()
    if target is None:
        notices = (*notices, *_scans(command, collection, unique))
    route = _route(command, writer, unique, has_own_id=may_have_id(command, source.columns))
    sorting = tuple(tuple(key.field.split(".")) for key in options.sort_by)
    run = Run(
        source, Encoder(build, ids, server.max_document, _joined(route.key, sorting),
                        waiting.describe if waiting else _description(source), options.add_metadata,
                        waiting.within if waiting else None),
        route.strategy, options, _limits(options, server.max_operations, conflicting=conflicting),
        title=waiting.title if waiting else f"INSERT {command.collection}", workers=route.workers,
        keyed=route.key is not None, patience=patience, watcher=watcher, ended=ended, lasting=waiting is None)
    writer.begun = lambda: settled(run.summary) > 0
    if stop is not None:
        run.stop = stop
    summary = run.execute()
    absent = source.notices() if isinstance(source, Looked) else ()
    return Result(
        "INSERT", summary=summary, notices=(*notices, *absent, *sorted(run.notices)), target=command.collection)


@contextmanager
def opened_rows(
    command: Insert, connection: Connection, rows: Iterable[Any] | None, base_dir: FilePath | None
) -> Iterator[RowSource]:
    """The command's rows, to be read once."""
    match command.rows:
        case ValuesRows():
            yield command.rows.open()
        case CallerRows():
            yield caller_source(rows)
        case QueryRows():
            with open_query(command.rows, connection, command.options, database=command.database) as source:
                yield source
        case FileRows():
            with open_rows(command.rows, base_dir=base_dir, stdin=sys.stdin.buffer) as source:
                yield Looked(source, source.columns or command.shape.names or ())


def _limits(options: WriteOptions, most: int, *, conflicting: bool) -> Limits:
    return Limits(
        rows=rows_a_batch(options.rate_limit, min(options.batch_size, most)),
        bytes=bytes_a_batch(options.rate_limit, max(1, min(BATCH_BYTES, options.memory_limit // 8))),
        overhead=UPSERT_OVERHEAD if conflicting else 0)


def _joined(key: tuple[Path, ...] | None, sorting: tuple[Path, ...]) -> tuple[Path, ...] | None:
    return None if key is None and not sorting else (*(key or ()), *sorting)


def _description(source: RowSource) -> Any:
    """What add_metadata stores beside each row."""
    run, now = str(uuid.uuid4()), datetime.now(UTC)

    def describe(chunk: Chunk, index: int) -> dict[str, Any]:
        place = chunk.locate(index)
        shown = f"row {chunk.ordinals[index]}"
        if place is not None:
            shown = place.source if place.line is None else f"{place.source}:{place.line}"
        return {"run_id": run, "ingested_at": now, "source": shown}

    return describe


# Conflicts


def _scans(
    command: Insert, collection: Collection[dict[str, Any]], unique: Sequence[UniqueIndex]
) -> Iterator[str]:
    """A notice if every row will have to look through the collection."""
    keys = command.conflict.keys if command.conflict is not None else None
    if keys is None or keys == (ID,) or any(index.is_on([".".join(key) for key in keys]) for index in unique):
        return
    if unindexed(collection, keys):
        names = ", ".join(".".join(key) for key in keys)
        yield f"no index on ({names}) of {collection.name} can be used: each row looks through the whole collection"


def may_have_id(command: Insert, columns: tuple[str, ...] | None) -> bool:
    """Whether rows may bring an `_id` of their own."""
    shape = command.shape
    if isinstance(command.rows, QueryRows):
        return command.rows.own_ids
    if shape.targets is None and columns is None:
        return True
    named = [*(shape.targets or ()), *(computed.path for computed in shape.computed), *(p for p, _ in shape.constants)]
    return any(path is not None and path[0] == "_id" for path in named) or (
        shape.targets is None and columns is not None and any(name.split(".")[0] == "_id" for name in columns))


def _route(command: Insert, writer: Writer, unique: tuple[UniqueIndex, ...], *, has_own_id: bool) -> Route:
    """How the command's rows are written, so that rows of one key are always applied in order."""
    options, conflict = command.options, command.conflict
    workers = 1 if options.ordered else options.parallel_workers
    if conflict is None:
        return Route(Plain(writer, options.ordered, options.continue_on_error), workers)
    if conflict.keys is not None and conflict.keys != (ID,):
        return _route_by_key(conflict, conflict.keys, writer, unique, options)
    first = InsertFirst(writer, conflict, unique, ordered=options.ordered, go_on=options.continue_on_error)
    if conflict.keys is not None:
        first.careful = _Careful(conflict, (), writer.ids)
        return _spread(first, (ID,), workers, whole=True)
    first.careful = _Careful(conflict, unique, writer.ids)
    candidates = [*([(ID,)] if has_own_id else []), *(key_paths(index) for index in unique)]
    if len(candidates) != 1:
        return Route(first, 1 if candidates else workers)
    whole = all(index.cover >= Cover.NOT_NULL and index.collation is None for index in unique)
    return _spread(first, candidates[0], workers, whole=whole)


def _route_by_key(
    conflict: Conflict, keys: tuple[Path, ...], writer: Writer, unique: tuple[UniqueIndex, ...], options: WriteOptions
) -> Route:
    plain = Plain(writer, options.ordered, options.continue_on_error)
    names = [".".join(path) for path in keys]
    on_key = [index for index in unique if index.is_on(names)]
    strategy = Keyed(writer, conflict, keys, plain, has_no_null, options.ordered, options.continue_on_error,
                     _tests(on_key))
    # strings that a collation holds equal are not equal here, so they could take different lanes
    folded = any(index.collation is not None for index in on_key)
    return Route(strategy, 1 if options.ordered or folded else options.parallel_workers, keys)


def _tests(indexes: Sequence[UniqueIndex]) -> dict[str, Any]:
    """What a query by key must repeat of a partial index, so that the server uses it."""
    useful = sorted((index for index in indexes if index.cover > Cover.ONE_TYPE), key=lambda index: -index.cover)
    return type_tests(useful[0].partial) if useful else {}


def _spread(first: InsertFirst, key: tuple[Path, ...], workers: int, *, whole: bool) -> Route:
    """The route where only one key can collide; `whole`: its index covers all documents, but for NULLs perhaps."""
    if whole:
        bare = any(index.cover < Cover.ALL for index in first.indexes)
        first.by_key = Keyed(first.writer, first.conflict, key, Inserting(first), has_neither if bare else has_no_array,
                             first.ordered, first.go_on, _tests(first.indexes))
    return Route(first, workers if whole else 1, key)


@dataclass(frozen=True, slots=True)
class _Careful:
    """Whether what is done about one collision may change what a later row of the batch collides with."""

    conflict: Conflict
    unique: tuple[UniqueIndex, ...]
    ids: Ids

    def __call__(self, rows: Encoded) -> bool:
        if self.conflict.action == "nothing":
            return False
        names = frozenset(name.split(".")[0] for index in self.unique for name in index.keys)
        if touches(self.conflict.update, names):
            return True
        own = not all(map(self.ids.made, rows.documents, rows.ordinals))
        return len(self.unique) + own > 1
