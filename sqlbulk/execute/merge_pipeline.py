"""INSERT … SELECT and UPSERT … SELECT on the server: rows wait in a collection of their own, and go on by $merge.

$merge tells no counts. So the rows are held first: of each it is then asked what it will meet, and afterwards
which of their `_id`s, all of the server's making, have become documents. No row comes by the client, unless $merge
can't take it: then all of them do, from where they wait.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pymongo import WriteConcern
from pymongo.errors import PyMongoError, WriteConcernError

from sqlbulk.commands import ROW, Conflict, Insert, Path, QueryRows
from sqlbulk.errors import ConnectionFailed, ConnectionLost, Interrupted, ServerError
from sqlbulk.execute.faults import brief, may_have_written, statement_error
from sqlbulk.execute.indexes import ensure_indexes, read_unique
from sqlbulk.execute.insert import write_rows
from sqlbulk.execute.query_rows import aggregated, query_error, read_staged, staged
from sqlbulk.execute.upserts import stored_expression
from sqlbulk.results import Result, WriteSummary

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from sqlbulk.execute.connection import Connection
    from sqlbulk.execute.runner import Stop, Watcher

_NO_KEY = ("null", "missing", "undefined", "array")
"""Types that $merge refuses in a key."""


def run_merge(
    command: Insert, connection: Connection, *, watcher: Watcher | None = None, stop: Stop | None = None
) -> Result:
    """Write the rows of the command's query; raises what `run_insert` raises, with the counts so far."""
    rows, conflict = command.rows, command.conflict
    assert isinstance(rows, QueryRows) and rows.merge is not None
    began = time.monotonic()
    collection = connection.collection(command.collection, command.database)
    with staged(rows.query, connection, command.options, database=command.database) as stage:
        keys = () if conflict is None else conflict.keys or ()
        merge = Merge(command, conflict, rows.merge, keys, collection, stage, rows.own_ids)
        made: tuple[str, ...] = ()
        reason = merge.hindrance()
        if reason is None:
            reason, made = merge.ensure_indexes()
        if reason is not None:
            by_client = replace(command, rows=replace(rows, merge=None, by_client=reason))
            with read_staged(stage, (), command.options) as source:
                return write_rows(by_client, connection, source, watcher=watcher, stop=stop,
                                  notices=(f"the rows came by the client: {reason}",))
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
    summary: WriteSummary = field(default_factory=WriteSummary)
    first: Any = None
    last: Any = None

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
        return self._survey()

    def ensure_indexes(self) -> tuple[str | None, tuple[str, ...]]:
        """Make the index that $merge needs: why that can't be, if it can't, and what was made."""
        try:
            return None, ensure_indexes(self.collection, self.command, over_null=True)
        except ConnectionLost:
            raise
        except ServerError as error:
            # one to which NULL is no value may well be possible
            return f"$merge needs a unique index to which NULL is a value: {error.message}", ()

    def _validated(self) -> bool:
        try:
            options = self.collection.options()
        except PyMongoError as error:
            raise query_error(error) from None
        return bool(options.get("validator"))

    def _survey(self) -> str | None:
        """Count the rows, those without a whole key, and those whose key another row has as well."""
        if not self.keys:
            self._note(self._one([{"$group": {
                "_id": None, "rows": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"}}}]))
            return None
        values = [_row(key) for key in self.keys]
        unfit = {"$or": [{"$in": [{"$type": value}, list(_NO_KEY)]} for value in values]}
        by_key = {"$cond": [unfit, None, {f"k{n}": value for n, value in enumerate(values)}]}
        found = self._one([
            {"$group": {"_id": by_key, "n": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"}}},
            {"$group": {
                "_id": None, "rows": {"$sum": "$n"}, "first": {"$min": "$first"}, "last": {"$max": "$last"},
                "unfit": {"$sum": {"$cond": [{"$eq": ["$_id", None]}, "$n", 0]}},
                "repeated": {"$sum": {"$cond": [{"$eq": ["$_id", None]}, 0, {"$subtract": ["$n", 1]}]}}}},
        ])
        self._note(found)
        if found.get("unfit"):
            return f"{_rows(found['unfit'])} without a whole key, which $merge refuses"
        if found.get("repeated"):
            return f"{_rows(found['repeated'])} with the key of a row before; they are applied in order"
        return None

    def _note(self, found: Mapping[str, Any]) -> None:
        self.summary.read = found.get("rows", 0)
        self.first, self.last = found.get("first"), found.get("last")

    def _one(self, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
        """The only document of a pipeline over the staged rows, an empty one if there is none."""
        with aggregated(self.stage, pipeline, {"allowDiskUse": True}, self.command.options) as cursor:
            try:
                return next(iter(cursor), {})
            except PyMongoError as error:
                raise query_error(error) from None

    # Writing

    def run(self) -> WriteSummary:
        """Write the rows, which nothing hinders."""
        if not self.summary.read:
            return self.summary
        before = self._outlook() if self.keys else {"absent": self.summary.read}
        try:
            self._merge()
        except WriteConcernError as error:
            self._count(before)
            self.summary.unconfirmed = self.summary.read
            raise ServerError("E5005", f"the rows are written, but not confirmed: {brief(error)}",
                              summary=self.summary) from None
        except PyMongoError as error:
            raise self._stopped(error) from None
        self._count(before)
        return self.summary

    def _outlook(self) -> Mapping[str, int]:
        """How many rows will make a document, change one, or meet one that stays the same."""
        try:
            empty = self.collection.find_one({}, {"_id": 1}) is None
        except PyMongoError as error:
            raise query_error(error) from None
        if empty:
            return {"absent": self.summary.read}
        # the stages of a $lookup are prepared anew for every row, so they are few
        absent, changes = {"$eq": ["$met", []]}, {"$let": {"vars": {"old": {"$first": "$met"}}, "in": self._changes()}}
        return self._one([
            {"$lookup": self._lookup()},
            {"$project": {"_id": 0, "absent": absent, "changed": {"$and": [{"$not": absent}, changes]}}},
            {"$group": {"_id": None, "absent": {"$sum": {"$cond": ["$absent", 1, 0]}},
                        "changed": {"$sum": {"$cond": ["$changed", 1, 0]}}}},
        ])

    def _lookup(self) -> dict[str, Any]:
        """The stored document that has the row's key."""
        first, *others = (".".join(key) for key in self.keys)
        lookup: dict[str, Any] = {
            "from": self.collection.name, "localField": f"{ROW}.{first}", "foreignField": first, "as": "met"}
        if others:
            lookup["let"] = {f"k{n}": f"${ROW}.{key}" for n, key in enumerate(others)}
            same = [{"$eq": [f"${key}", f"$$k{n}"]} for n, key in enumerate(others)]
            lookup["pipeline"] = [{"$match": {"$expr": {"$and": same}}}]
        return lookup

    def _changes(self) -> Any:
        """Whether the stored document, `$$old`, will be another one."""
        conflict = self.conflict
        if conflict is None or conflict.action == "nothing":
            return False
        changes = conflict.changes
        if changes is None:
            changes = {"$ne": [stored_expression(conflict, {"$mergeObjects": [{"_id": "$_id"}, "$$new"]}), "$$ROOT"]}
        elif conflict.condition is not None:
            changes = {"$and": [conflict.condition, changes]}
        return {"$let": {"vars": {"new": f"${ROW}"}, "in": _of_old(changes)}}

    def _merge(self) -> None:
        options = self.command.options
        settings: dict[str, Any] = {"hint": {"$natural": 1}, "comment": options.comment}
        if options.bypass_validation:
            settings["bypassDocumentValidation"] = True
        if options.max_execution_time is not None:
            settings["maxTimeMS"] = max(1, round(options.max_execution_time * 1000))
        stage = self.stage
        if options.write_concern is not None:
            stage = stage.with_options(write_concern=WriteConcern(**options.write_concern))
        # a staged row has an _id of the server's making, which the document keeps if the row has none
        pipeline = [{"$replaceWith": {"$mergeObjects": [{"_id": "$_id"}, f"${ROW}"]}}, self.merge]
        stage.aggregate(pipeline, **settings).close()
        self.summary.batches += 1

    # Counting

    def _count(self, before: Mapping[str, int]) -> None:
        summary, expected = self.summary, before.get("absent", 0)
        # without a key every row has become a document, or $merge would have failed
        summary.inserted = self._inserted(expected) if self.keys else summary.read
        met = summary.read - summary.inserted
        if self.conflict is None or self.conflict.action == "nothing":
            summary.skipped = met
            return
        summary.matched = met
        # rows whose document somebody else made or removed in between count as changes
        summary.modified = max(0, min(met, before.get("changed", 0) + expected - summary.inserted))

    def _inserted(self, expected: int) -> int:
        """How many of the rows have become documents: counted by their `_id`s, which nothing else can have."""
        if self.own_ids:
            return expected
        try:
            between = {"_id": {"$gte": self.first, "$lte": self.last}}
            if self.collection.count_documents(between) == expected:
                return expected
        except PyMongoError as error:
            raise query_error(error) from None
        found = self._one([
            {"$lookup": {"from": self.collection.name, "localField": "_id", "foreignField": "_id", "as": "made",
                         "pipeline": [{"$project": {"_id": 1}}]}},
            {"$match": {"made": {"$ne": []}}}, {"$count": "n"}])
        return int(found.get("n", 0))

    def _stopped(self, error: PyMongoError) -> Exception:
        """What a $merge that failed ends with: documents it made are counted, of other rows nothing is known."""
        summary = self.summary
        if may_have_written(error) or getattr(error, "code", None) is not None:
            with suppress(ServerError, ConnectionFailed):
                summary.inserted = 0 if self.own_ids else self._inserted(-1)
            if self.keys or may_have_written(error):
                summary.in_doubt = summary.read - summary.inserted
            else:
                summary.skipped = summary.read - summary.inserted
        else:
            summary.skipped = summary.read
        stopped = statement_error(error, begun=True)
        if isinstance(stopped, ServerError | ConnectionFailed):
            stopped.summary = summary
        return stopped


def _of_old(expression: Any) -> Any:
    """An expression over a document as one over the document in `$$old`."""
    if isinstance(expression, str):
        for root in ("$$ROOT", "$$CURRENT"):
            if expression == root or expression.startswith(f"{root}."):
                return "$$old" + expression.removeprefix(root)
        is_field = expression.startswith("$") and not expression.startswith("$$")
        return f"$$old.{expression[1:]}" if is_field else expression
    if isinstance(expression, Mapping):
        return expression if "$literal" in expression else {name: _of_old(part) for name, part in expression.items()}
    return [_of_old(part) for part in expression] if isinstance(expression, list | tuple) else expression


def _row(key: Path) -> str:
    return f"${ROW}." + ".".join(key)


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"
