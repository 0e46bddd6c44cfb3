"""INSERT … SELECT and UPSERT … SELECT on the server: rows wait in a collection of their own, and go on by $merge.

$merge tells no counts. So the rows are held first: of each it is then asked what it will meet, and afterwards
which of their `_id`s, all of the server's making, have become documents. Rows that meet nothing are inserted many at
once, which is much quicker than what $merge does with the others. No row comes by the client, unless $merge can't
take it: then all of them do, from where they wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError, PyMongoError, WriteConcernError

from sqlbulk.commands import FEW_DOCUMENTS, HALF, HALVED, MET, ROW, Conflict, Insert, Path, QueryRows
from sqlbulk.errors import ConnectionFailed, ConnectionLost, Interrupted, ServerError
from sqlbulk.execute.faults import brief, may_have_written, statement_error
from sqlbulk.execute.indexes import ensure_indexes, read_unique
from sqlbulk.execute.insert import write_rows
from sqlbulk.execute.merge_marks import Marks
from sqlbulk.execute.merge_outlook import Lookout, Outlook, lookout
from sqlbulk.execute.query_rows import query_error, read_staged, staged
from sqlbulk.results import Result, WriteSummary

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from sqlbulk.execute.connection import Connection
    from sqlbulk.execute.runner import Stop, Watcher


def run_merge(
    command: Insert, connection: Connection, *, watcher: Watcher | None = None, stop: Stop | None = None
) -> Result:
    """Write the rows of the command's query; raises what `run_insert` raises, with the counts so far."""
    rows, conflict = command.rows, command.conflict
    assert isinstance(rows, QueryRows) and rows.merge is not None
    began = time.monotonic()
    collection = connection.collection(command.collection, command.database)
    with waiting(command, rows, connection, collection) as (stage, looking):
        keys = () if conflict is None else conflict.keys or ()
        merge = Merge(command, conflict, rows.merge, keys, collection, stage, rows.own_ids, looking)
        made: tuple[str, ...] = ()
        reason = merge.hindrance()
        if reason is None:
            reason, made = merge.ensure_indexes()
        if reason is None:
            reason = merge.in_the_way()
        if reason is not None:
            by_client = replace(command, rows=replace(rows, merge=None, by_client=reason))
            with read_staged(stage, (), command.options) as source:
                return write_rows(by_client, connection, source, watcher=watcher, stop=stop,
                                  notices=(f"the rows came by the client: {reason}", *made))
        if watcher is not None:
            watcher.begin(f"INSERT {command.collection}", None)
        try:
            if stop is not None and stop.is_set():
                merge.summary.skipped = merge.summary.read
                raise Interrupted("E5008", "interrupted before anything was written", summary=merge.summary)
            summary = merge.run()
        finally:
            merge.summary.seconds = time.monotonic() - began
            if watcher is not None:
                watcher.end()
    return Result("INSERT", summary=summary, notices=made, target=command.collection)


@contextmanager
def waiting(
    command: Insert, rows: QueryRows, connection: Connection, collection: Collection[dict[str, Any]]
) -> Iterator[tuple[Collection[dict[str, Any]], Lookout]]:
    """The rows in a collection where they wait, and a look from there at what they will meet."""
    conflict, options = command.conflict, command.options
    if _may_be_marked_at_once(command, rows, connection, collection):
        then = Marks(collection.name, conflict).together(waiting=False)
        with staged(rows.query, connection, options, database=command.database, then=then) as marked:
            looking = Lookout(marked, collection, conflict, options, marked)
            if looking.recall():
                yield marked, looking
                return
    with (
        staged(rows.query, connection, options, database=command.database) as stage,
        lookout(stage, collection, conflict, options) as looking,
    ):
        yield stage, looking


def _may_be_marked_at_once(
    command: Insert, rows: QueryRows, connection: Connection, collection: Collection[dict[str, Any]]
) -> bool:
    """Whether the rows meet the stored documents before they wait: these are few, and nobody asked for an order."""
    query, conflict = rows.query, command.conflict
    if conflict is None or not conflict.keys or rows.own_ids or query.collation is not None:
        return False
    elsewhere = (query.database or connection.database) != (command.database or connection.database)
    if elsewhere or query.collection is None or any("$sort" in stage for stage in query.pipeline):
        return False
    try:
        return 0 < collection.estimated_document_count() <= FEW_DOCUMENTS
    except PyMongoError as error:
        raise query_error(error) from None


@dataclass(slots=True)
class Merge:
    """The way of staged rows into a collection; without a conflict clause, and then without keys, they are all new."""

    command: Insert
    conflict: Conflict | None
    merge: Mapping[str, Any]
    keys: tuple[Path, ...]
    collection: Collection[dict[str, Any]]
    stage: Collection[dict[str, Any]]
    own_ids: bool
    lookout: Lookout
    summary: WriteSummary = field(default_factory=WriteSummary)
    outlook: Outlook = field(default_factory=Outlook)
    changing: bool = False
    unsure: bool = False
    unconfirmed: WriteConcernError | None = None

    # What the rows are like

    def hindrance(self) -> str | None:
        """Why the rows can't go by $merge, None if they can."""
        names = [".".join(key) for key in self.keys]
        unique = read_unique(self.collection)
        on_key = [index for index in unique if index.is_on(names)]
        if on_key and not any(index.plain for index in on_key):
            return "the unique index on the key has a collation, or leaves out documents such as those without a key"
        if len(on_key) < len(unique):
            return "the collection has another unique index, in which single rows may collide"
        if self._validated() and not self.command.options.bypass_validation:
            return "the collection's validator may refuse single rows"
        self.outlook = found = self.lookout.survey()
        self.summary.read = found.rows
        if found.unfit:
            return f"{_rows(found.unfit)} without a whole key, which $merge refuses"
        if found.repeated:
            return f"{_rows(found.repeated)} with the key of a row before; they are applied in order"
        return None

    def ensure_indexes(self) -> tuple[str | None, tuple[str, ...]]:
        """Make the index that $merge needs: why that can't be, if it can't, and what was made."""
        try:
            return None, ensure_indexes(self.collection, self.command, over_null=True)
        except ConnectionLost:
            raise
        except ServerError as error:
            # one to which NULL is no value may well be possible
            return f"$merge needs a unique index to which NULL is a value: {error.message}", ()

    def in_the_way(self) -> str | None:
        """Why the stored documents, now that there is an index to find them, keep the rows from going by $merge."""
        if not self.summary.read:
            return None
        self.outlook = self.lookout.look(self.outlook)
        number = self.outlook.hindered
        return f"{_rows(number)} with something in the way in the stored document" if number else None

    def _validated(self) -> bool:
        try:
            options = self.collection.options()
        except PyMongoError as error:
            raise query_error(error) from None
        return bool(options.get("validator"))

    # Writing

    def run(self) -> WriteSummary:
        """Write the rows, which nothing hinders."""
        if not self.summary.read:
            return self.summary
        try:
            if self.own_ids:
                # which documents of an insert that broke off were its own, nobody could tell
                self._change([])
            else:
                self._insert_and_change()
        except PyMongoError as error:
            raise self._stopped(error) from None
        self._count()
        if self.unconfirmed is not None:
            self.summary.unconfirmed = self.summary.read
            raise ServerError("E5005", f"the rows are written, but not confirmed: {brief(self.unconfirmed)}",
                              summary=self.summary) from None
        return self.summary

    def _insert_and_change(self) -> None:
        """Rows without a document are inserted, many at once; $merge then takes the others one by one."""
        outlook = self.outlook
        if outlook.absent:
            new = [] if outlook.marked is None else [{"$match": {MET: False}}]
            try:
                self._merge(new, {"$merge": {**self.merge["$merge"], "whenMatched": "fail"}})
                self.summary.batches += 1
            except DuplicateKeyError:
                if not self.keys:
                    raise
                # somebody else has made a document with the key of such a row
                self.unsure = True
                self._change([*_with_made(self.collection), {"$match": {"made": []}}, {"$unset": "made"}])
                return
        met = outlook.rows - (outlook.absent or 0)
        if met and self.conflict is not None and self.conflict.action != "nothing":
            self._change_met(met)

    def _change_met(self, number: int) -> None:
        """$merge takes so many rows that have a document; many of them in two halves at the same time."""
        if number < HALVED or self.command.options.parallel_workers < 2:
            self._change([{"$match": {MET: True}}])
            return
        self.changing = True
        with ThreadPoolExecutor(max_workers=2) as pool:
            halves = [
                pool.submit(self._merge, [{"$match": {MET: True, HALF: half}}], self.merge) for half in (True, False)]
        for half in halves:
            half.result()
            self.summary.batches += 1

    def _change(self, which: list[dict[str, Any]]) -> None:
        self.changing = True
        self._merge(which, self.merge)
        self.summary.batches += 1

    def _merge(self, which: list[dict[str, Any]], merge: Mapping[str, Any]) -> None:
        options, source, pipeline = self.command.options, self.stage, []
        if self.outlook.marked is not None:
            source = self.outlook.marked
            if source is not self.stage:
                # in the order of the query, for rows are marked in none
                pipeline = [{"$sort": {"_id": 1}}]
        settings: dict[str, Any] = {"hint": {"$natural": 1} if not pipeline else {"_id": 1}, "comment": options.comment}
        if options.bypass_validation:
            settings["bypassDocumentValidation"] = True
        if options.max_execution_time is not None:
            settings["maxTimeMS"] = max(1, round(options.max_execution_time * 1000))
        if options.write_concern is not None:
            source = source.with_options(write_concern=WriteConcern(**options.write_concern))
        # a staged row has an _id of the server's making, which the document keeps if the row has none
        document = {"$replaceWith": {"$mergeObjects": [{"_id": "$_id"}, f"${ROW}"]}}
        try:
            source.aggregate([*pipeline, *which, document, merge], **settings).close()
        except WriteConcernError as error:
            self.unconfirmed = error

    # Counting

    def _count(self) -> None:
        summary, expected = self.summary, self.outlook.absent or 0
        # without a key every row has become a document, or $merge would have failed
        summary.inserted = self._inserted() if self.keys else summary.read
        met = summary.read - summary.inserted
        if self.conflict is None or self.conflict.action == "nothing":
            summary.skipped = met
            return
        summary.matched = met
        # rows whose document somebody else made or removed in between count as changes
        summary.modified = max(0, min(met, self.outlook.changed + expected - summary.inserted))

    def _inserted(self) -> int:
        """How many of the rows have become documents: counted by their `_id`s, which nothing else can have."""
        expected = self.outlook.absent or 0
        if self.own_ids:
            return 0 if self.unsure else expected
        try:
            if self.unsure:
                return self._made([])
            # the absent rows are all in, and of the others only those whose document was removed in between
            between = {"_id": {"$gte": self.outlook.first, "$lte": self.outlook.last}}
            if not self.changing or self.collection.count_documents(between) == expected:
                return expected
            return expected + self._made([{"$match": {MET: True}}])
        except PyMongoError as error:
            raise query_error(error) from None

    def _made(self, which: list[dict[str, Any]]) -> int:
        source = self.stage if self.outlook.marked is None else self.outlook.marked
        pipeline = [*which, *_with_made(self.collection), {"$match": {"made": {"$ne": []}}}, {"$count": "n"}]
        return sum(found["n"] for found in source.aggregate(pipeline))

    def _stopped(self, error: PyMongoError) -> Exception:
        """What a run that failed ends with: documents it made are counted, of rows sent along nothing is known."""
        summary = self.summary
        self.unsure, sent = True, 0
        if may_have_written(error) or getattr(error, "code", None) is not None:
            with suppress(ServerError, ConnectionFailed):
                summary.inserted = self._inserted()
            if self.changing:
                sent = summary.read
            elif may_have_written(error):
                sent = self.outlook.absent or 0
        summary.in_doubt = max(0, sent - summary.inserted)
        summary.skipped = summary.read - summary.inserted - summary.in_doubt
        stopped = statement_error(error, begun=True)
        if isinstance(stopped, ServerError | ConnectionFailed):
            stopped.summary = summary
        return stopped


def _with_made(collection: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds to every waiting row the document, in `made`, that has its `_id`."""
    return [{"$lookup": {"from": collection.name, "localField": "_id", "foreignField": "_id", "as": "made",
                         "pipeline": [{"$project": {"_id": 1}}]}}]


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"
