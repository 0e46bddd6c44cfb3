"""Runs the steps before a query: their rows wait in collections of their own, which are dropped whatever happens."""

from __future__ import annotations

import atexit
import secrets
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pymongo import ReadPreference
from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import DeleteWhere, Query, UpdateWhere
from sqlbulk.commands_read import Reading
from sqlbulk.commands_steps import ROUND, STAGED, THIS_ROUND, FewKeys, KeySet, Rounds, Stages, Step
from sqlbulk.errors import ConnectionFailed, ServerError
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import SECURITY, brief, statement_error
from sqlbulk.execute.leftovers import remove_forgotten
from sqlbulk.execute.query_keys import with_few_keys

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection
    from pymongo.database import Database

    from sqlbulk.execute.connection import Connection
    from sqlbulk.options import WriteOptions

Stage = Mapping[str, Any]
_PRIMARY = Reading(read_preference="primary")
_READ_ONLY = frozenset({10107, 13435, 11602, 189, 20})
"""Codes of a server, or a member of it, that takes no writes."""


_OPEN: weakref.WeakSet[Shelf] = weakref.WeakSet()
"""What the end of the process must clear away, if sessions aren't closed before."""


@atexit.register
def _close_all() -> None:
    for shelf in list(_OPEN):
        shelf.close()


class CannotKeepError(Exception):
    """The user may not make collections here, or the server takes none."""


class Shelf:
    """The collections of one statement's steps. `close` drops them; so does the end of the connection."""

    def __init__(self, connection: Connection, database: str | None, settings: Mapping[str, Any] | None = None) -> None:
        self._connection, self._name = connection, database or connection.database
        self._settings = {"allowDiskUse": True, **(settings or {})}
        self._prefix = f"{STAGED}{int(time.time())}.{secrets.token_hex(6)}"
        self.names: dict[str, str] = {}

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _database(self) -> Database[dict[str, Any]]:
        return self._connection.client[self._name].with_options(
            codec_options=OPTIONS, read_preference=ReadPreference.PRIMARY)

    def place(self, marker: str) -> str:
        """The name of a collection for rows that somebody else puts there."""
        self._open()
        name = self.names[marker] = f"{self._prefix}.{len(self.names)}"
        return name

    def index(self, name: str, fields: Sequence[str]) -> None:
        """Make an index on each of the fields; ServerError, ConnectionLost or ConnectionFailed."""
        try:
            for field in fields:
                self._database[name].create_index([(field, 1)])
        except PyMongoError as error:
            raise statement_error(error, begun=False) from None

    def _open(self) -> None:
        remove_forgotten(self._connection, self._name)
        self._connection.shelves.add(self)
        _OPEN.add(self)

    def run(self, steps: Sequence[Step]) -> None:
        """Make the collections and fill them.

        Raises CannotKeepError where nothing can be written, ServerError (E5005, E5022), ConnectionLost or
        ConnectionFailed.
        """
        self._open()
        try:
            for step in steps:
                self._run(step)
        except OperationFailure as error:
            if error.code in SECURITY or error.code in _READ_ONLY:
                raise CannotKeepError(brief(error)) from None
            raise statement_error(error, begun=False) from None
        except PyMongoError as error:
            raise statement_error(error, begun=False) from None

    def _run(self, step: Step) -> None:
        name = self.names[step.marker] = f"{self._prefix}.{len(self.names)}"
        collection = self._database[name]
        for field in step.indexes:
            collection.create_index([(field, 1)])
        if step.rounds is not None:
            self._recursion(step, collection)
        else:
            into = {"$out": {"db": self._name, "coll": name}}
            self._write(step.collection, (*renamed(step.pipeline, self.names), into))

    # Recursions

    def _recursion(self, step: Step, collection: Collection[dict[str, Any]]) -> None:
        """Each round's rows are made of those of the round before; `_id` is the row itself where it counts once."""
        rounds = step.rounds
        assert rounds is not None and step.fields is not None
        collection.create_index([(ROUND, 1)])
        names = self.names
        self._write(step.collection, (*renamed(step.pipeline, names), *self._found(step, 0)))
        again = renamed(rounds.pipeline, names)
        source = names.get(rounds.collection or "", rounds.collection)
        number = 0
        while self._goes_on(step, collection, number):
            if number == rounds.most + 1:
                raise ServerError(
                    "E5022", f"{step.marker[1:-1]} still has rows after {rounds.most:,} rounds (max_recursion)",
                    hint="UNION in place of UNION ALL ends circles; SET max_recursion = … allows more")
            made = self._with_few_keys(Query(source, tuple(_of_round(again, number)), None, few=rounds.few), number)
            self._write(source, (*made, *self._found(step, number + 1)))
            number += 1

    def _with_few_keys(self, again: Query, number: int) -> Stages:
        """The stages of a round, with the keys of the rows found last in them if these are few."""
        few = again.few and _few(again.few, self.names)
        if few is not None:
            sets = tuple(replace(k, pipeline=tuple(_of_round(k.pipeline, number))) for k in few.key_sets)
            few = FewKeys(sets, tuple(_of_round(few.pipeline, number)))
        ready = replace(again, few=few, database=self._name, reading=_PRIMARY)
        return with_few_keys(ready, self._connection).pipeline

    def _goes_on(self, step: Step, collection: Collection[dict[str, Any]], number: int) -> bool:
        """Whether the last round has found rows, and more are wanted."""
        rounds = step.rounds
        assert rounds is not None
        if rounds.limit is not None and collection.count_documents({}, limit=rounds.limit + 1) >= rounds.limit:
            return False
        return collection.find_one({ROUND: number}, {"_id": 1}) is not None

    def _found(self, step: Step, number: int) -> list[Stage]:
        """The stages that add a round's rows to the others."""
        assert step.rounds is not None and step.fields is not None
        row: dict[str, Any] = {name: f"${name}" for name in step.fields}
        own = {"_id": row} if step.rounds.distinct else {}
        into = {"into": self.names[step.marker], "on": "_id", "whenMatched": "keepExisting", "whenNotMatched": "insert"}
        return [{"$replaceWith": {**own, **row, ROUND: {"$literal": number}}}, {"$merge": into}]

    # Talking to the server

    def _write(self, source: str | None, pipeline: Sequence[Stage]) -> None:
        """Run a pipeline that writes. If it is interrupted, so is the server, before it can write any more."""
        target = self._database if source is None else self._database[self.names.get(source, source)]
        with self._connection.client.start_session() as session:
            try:
                target.aggregate(list(pipeline), session=session, **self._settings).close()
            except PyMongoError:
                raise
            except BaseException:
                self._kill(session)
                raise

    def _kill(self, session: ClientSession) -> None:
        with suppress(PyMongoError):
            self._connection.client.admin.command("killSessions", [session.session_id])

    def abandon(self) -> None:
        """Leave the collections to be dropped when next there is something to do: nothing is sent now."""
        if self.names:
            self._connection.abandoned.append(self)

    def close(self) -> None:
        """Drop the collections. Idempotent; what can't be dropped now is so a day later."""
        names, self.names = self.names, {}
        _OPEN.discard(self)
        self._connection.shelves.discard(self)
        for name in names.values():
            with suppress(PyMongoError):
                self._connection.client[self._name].drop_collection(name)


# Markers


def renamed(pipeline: Stages, names: Mapping[str, str]) -> Stages:
    """The pipeline with collections' names in place of markers."""
    return tuple(_stage(stage, names) for stage in pipeline)


def _stage(stage: Stage, names: Mapping[str, str]) -> Stage:
    changed: dict[str, Any] = {}
    for name, value in stage.items():
        if name in ("$lookup", "$graphLookup", "$unionWith") and isinstance(value, Mapping):
            value = dict(value)
            for key in ("from", "coll"):
                if value.get(key) in names:
                    value[key] = names[value[key]]
            if "pipeline" in value:
                value["pipeline"] = [_stage(s, names) for s in value["pipeline"]]
        elif name == "$facet":
            value = {key: [_stage(s, names) for s in inner] for key, inner in value.items()}
        changed[name] = value
    return changed


def _of_round(pipeline: Sequence[Stage], number: int) -> list[Stage]:
    """The stages with the number of a round in them."""
    found: list[Stage] = []
    for stage in pipeline:
        if stage == {"$match": {ROUND: THIS_ROUND}}:
            stage = {"$match": {ROUND: number}}
        for name in ("$lookup", "$unionWith"):
            inner = stage.get(name)
            if isinstance(inner, Mapping) and "pipeline" in inner:
                stage = {name: {**inner, "pipeline": _of_round(inner["pipeline"], number)}}
        found.append(stage)
    return found


# Queries


def settings_of(options: WriteOptions) -> dict[str, Any]:
    """What the commands of a query's steps say."""
    limited = options.max_execution_time is not None
    longest = {"maxTimeMS": max(1, round((options.max_execution_time or 0) * 1000))} if limited else {}
    return {"comment": options.comment, **longest}


@contextmanager
def prepared(query: Query, connection: Connection, settings: Mapping[str, Any] | None = None) -> Iterator[Query]:
    """The query without steps, while their rows are there; where none can be kept, the way that does without.

    Raises ServerError, ConnectionLost or ConnectionFailed.
    """
    if not query.steps:
        yield query
        return
    with Shelf(connection, query.database, settings) as shelf:
        yield shelved(query, shelf)


@contextmanager
def selected(
    command: UpdateWhere | DeleteWhere, connection: Connection
) -> Iterator[UpdateWhere | DeleteWhere]:
    """The same for the documents that a statement is about."""
    if not command.selection.steps:
        yield command
        return
    chosen, database = command.selection, command.database
    alone = chosen.alone
    other = None if alone is None else Query(alone.source, alone.stages, None, database)
    query = Query(chosen.source, chosen.stages, None, database, steps=chosen.steps, alone=other)
    with prepared(query, connection, settings_of(command.options)) as ready:
        found = replace(chosen, source=ready.collection, stages=ready.pipeline, steps=(), alone=None)
        yield replace(command, selection=found)


def shelved(query: Query, shelf: Shelf) -> Query:
    """The query without steps: these are run, and their rows are on the shelf."""
    try:
        shelf.run(query.steps)
    except CannotKeepError as problem:
        shelf.close()
        if query.alone is None:
            raise ConnectionFailed(
                "E5003", f"rows of {query.steps[-1].marker[1:-1]} have to be kept while the query runs: {problem}",
                hint="the user needs the right to make, fill and drop collections in the database") from None
        return query.alone
    return replace(
        with_names(query, shelf.names), steps=(), alone=None, reading=replace(query.reading, read_preference="primary"))


def with_names(query: Query, names: Mapping[str, str]) -> Query:
    """The query, its steps and the way without them with collections' names in place of markers."""
    steps = tuple(
        replace(step, collection=names.get(step.collection or "", step.collection),
                pipeline=renamed(step.pipeline, names), rounds=step.rounds and _rounds(step.rounds, names))
        for step in query.steps)
    return replace(
        query, collection=names.get(query.collection or "", query.collection), pipeline=renamed(query.pipeline, names),
        few=query.few and _few(query.few, names), steps=steps, alone=query.alone and with_names(query.alone, names))


def _rounds(rounds: Rounds, names: Mapping[str, str]) -> Rounds:
    return replace(
        rounds, collection=names.get(rounds.collection or "", rounds.collection),
        pipeline=renamed(rounds.pipeline, names), few=rounds.few and _few(rounds.few, names))


def _few(few: FewKeys, names: Mapping[str, str]) -> FewKeys:
    sets = (KeySet(k.marker, names.get(k.collection, k.collection), renamed(k.pipeline, names)) for k in few.key_sets)
    return FewKeys(tuple(sets), renamed(few.pipeline, names))
