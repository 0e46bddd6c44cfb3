"""Runs MERGE: the rows that say what is to be done wait on the server, and are then done batch by batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import WriteConcern
from pymongo.errors import BulkWriteError, PyMongoError

from sqlbulk.batching import BATCH_BYTES
from sqlbulk.commands import PLACE, ROW, MergeArm, MergeRows
from sqlbulk.errors import Interrupted, ServerError, TooManyErrors
from sqlbulk.execute import faults
from sqlbulk.execute.batches import next_rows
from sqlbulk.execute.merge_operations import CHANGES, operation
from sqlbulk.execute.merge_returning import RefusedError, Returner, Task, tasks_of
from sqlbulk.execute.merge_source import location_of, with_source
from sqlbulk.execute.pace import Bucket, rows_a_batch
from sqlbulk.execute.query_rows import aggregated, query_error, staged
from sqlbulk.execute.returning import as_table, check_transactions
from sqlbulk.execute.runner import told
from sqlbulk.execute.stored import open_site
from sqlbulk.execute.transactions import InDoubtError
from sqlbulk.execute.windows import stopped, time_limit
from sqlbulk.results import Result, WriteSummary
from sqlbulk.rowdata import RowError

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from sqlbulk.execute.connection import Connection
    from sqlbulk.execute.runner import Stop, Watcher


def run_merge_rows(
    command: MergeRows, connection: Connection, *, rows: Iterable[Any] | None = None, watcher: Watcher | None = None,
    stop: Stop | None = None, base_dir: Path | None = None,
) -> Result:
    """Do what the arms say. Raises ServerError and its kinds with the counts so far, ConnectionFailed.

    E5021 where two rows would change one document: then nothing was written.
    """
    began = time.monotonic()
    with with_source(command, connection, rows=rows, watcher=watcher, stop=stop, base_dir=base_dir) as (ready, refused):
        return _run(ready, connection, watcher, stop, began, refused)


def _run(
    command: MergeRows, connection: Connection, watcher: Watcher | None, stop: Stop | None, began: float,
    refused: WriteSummary,
) -> Result:
    """Do it, with all rows there; `refused` are those that were refused before."""
    collection = connection.collection(command.collection, command.database)
    returner = _returner(command, connection)
    with staged(command.query, connection, command.options, database=command.database) as stage:
        writes = Writes(command, collection, stage, stop, began, returner, refused)
        if watcher is not None:
            watcher.begin(f"MERGE {command.collection}", None)
        try:
            writes.check()
            writes.run(watcher)
        except BaseException as error:
            writes.close()
            raise told(error, writes.summary) from error.__cause__
        finally:
            if watcher is not None:
                watcher.end()
    writes.close()
    columns, rows = as_table(returner.query, returner.rows) if returner else ((), [])
    return Result("MERGE", columns, rows, writes.summary, target=command.collection)


def _returner(command: MergeRows, connection: Connection) -> Returner | None:
    """What writes batches with RETURNING, None without; ServerError E5009 where there are no transactions."""
    if command.returning is None:
        return None
    site = open_site(command, connection)
    check_transactions(site, command.returning)
    return Returner(command, command.returning, site)


@dataclass(slots=True)
class Writes:
    """The writes of a MERGE, and what became of them."""

    command: MergeRows
    collection: Collection[dict[str, Any]]
    stage: Collection[dict[str, Any]]
    stop: Stop | None
    began: float
    returner: Returner | None = None
    summary: WriteSummary = field(default_factory=WriteSummary)

    def __post_init__(self) -> None:
        concern = self.command.options.write_concern
        if concern is not None:
            self.collection = self.collection.with_options(write_concern=WriteConcern(**concern))

    def check(self) -> None:
        """Raise ServerError E5021 if a document would be changed twice."""
        numbers = [n for n, arm in enumerate(self.command.arms) if arm.action in CHANGES]
        pipeline: list[dict[str, Any]] = [
            {"$match": {f"{ROW}.arm": {"$in": numbers}}},
            {"$group": {"_id": f"${ROW}.id", "rows": {"$sum": 1}, "first": {"$min": f"${ROW}.{PLACE}"},
                        "last": {"$max": f"${ROW}.{PLACE}"}}},
            {"$match": {"rows": {"$gt": 1}}}, {"$limit": 1},
        ]
        for found in self._read(pipeline):
            raise ServerError(
                "E5021", f"{found['rows']:,} rows of the source match the document with _id {found['_id']!r}:"
                f" it would be changed more than once{_between(found)}",
                hint="Make the source's rows unique, or narrow ON.")

    def _read(self, pipeline: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        settings = {"allowDiskUse": True, "hint": {"$natural": 1}}
        with aggregated(self.stage, pipeline, settings, self.command.options) as cursor:
            try:
                yield from cursor
            except PyMongoError as error:
                raise query_error(error) from None

    def run(self, watcher: Watcher | None) -> None:
        """Write everything."""
        options, summary = self.command.options, self.summary
        bucket = Bucket(options.rate_limit) if options.rate_limit is not None else None
        size = rows_a_batch(options.rate_limit, options.batch_size)
        rows = self._read([{"$replaceWith": {"$mergeObjects": [f"${ROW}", {"new": "$_id"}]}}])
        room = min(BATCH_BYTES, options.memory_limit // 8)
        while batch := next_rows(rows, size, room):
            if bucket is not None:
                threading.Event().wait(bucket.take(len(batch), 0))
            self._look_around()
            first = summary.read + 1
            summary.read += len(batch)
            self._write(batch, first)
            if watcher is not None:
                watcher.update(consumed=0, rows=summary.read, rejected=summary.rejected)
            self._judge(sample=1_000)
        self._judge(sample=0)

    def _look_around(self) -> None:
        left = self._left()
        if left is not None and left <= 0:
            raise ServerError("E5006", "out of time: max_execution_time has passed")
        if self.stop is not None and self.stop.is_set():
            raise Interrupted("E5008", "interrupted; the batch in flight was finished")

    def _left(self) -> float | None:
        limit = self.command.options.max_execution_time
        return None if limit is None else limit - (time.monotonic() - self.began)

    def _judge(self, *, sample: int) -> None:
        summary, limit = self.summary, self.command.options.max_errors
        if not summary.rejected:
            return
        if not self.command.options.continue_on_error:
            raise TooManyErrors("E5007", f"stopped at a refused row: {summary.errors[0]}",
                                hint="continue_on_error = true goes on, and lists the refused rows.")
        if limit is not None and limit.exceeded(summary.rejected, summary.read, sample=sample):
            raise TooManyErrors(
                "E5007", f"{summary.rejected:,} rows were refused, which is more than max_errors allows")

    def close(self) -> None:
        """The time that it took."""
        self.summary.seconds = time.monotonic() - self.began

    # One batch

    def _write(self, batch: Sequence[dict[str, Any]], first: int) -> None:
        options, summary = self.command.options, self.summary
        arms = [self.command.arms[row["arm"]] for row in batch]
        places = [i for i, arm in enumerate(arms) if arm.action != "nothing"]
        summary.skipped += len(batch) - len(places)
        if not places:
            return
        if self.returner is not None:
            self._write_and_return(self.returner, list(tasks_of(batch, arms, places)), [first + i for i in places])
            return
        operations = [operation(arms[i], batch[i]) for i in places]
        failures: list[dict[str, Any]] = []
        details: dict[str, Any]
        try:
            with time_limit(self._left()):
                result = self.collection.bulk_write(
                    operations, ordered=options.ordered, comment=options.comment,
                    bypass_document_validation=options.bypass_validation or None)
            details = dict(result.bulk_api_result)
        except BulkWriteError as error:
            details = dict(error.details or {})
            failures = list(details.get("writeErrors", ()))
        except PyMongoError as error:
            if not faults.is_harmless(error):
                summary.in_doubt += len(places)
            raise faults.statement_error(error, begun=True) from None
        summary.batches += 1
        self._count(details, [arms[i] for i in places], failures)
        for failure in failures:
            place = places[failure["index"]]
            summary.reject(_refused(first + place, failure, batch[place].get(PLACE)))
        self._check_concern(details)

    def _write_and_return(self, returner: Returner, tasks: Sequence[Task], numbers: Sequence[int]) -> None:
        """The same in a transaction: all of it or nothing."""
        summary = self.summary
        try:
            details = returner.write(tasks, self._retried)
        except RefusedError as refused:
            place = tasks[refused.index][1].get(PLACE)
            summary.reject(_refused(numbers[refused.index], refused.failure, place))
            summary.skipped += len(tasks) - 1
            return
        except InDoubtError as unsure:
            summary.in_doubt += len(tasks)
            raise stopped(unsure.error, returner.site.patience, begun=True) from None
        except PyMongoError as error:
            raise stopped(error, returner.site.patience, begun=True) from None
        summary.batches += 1
        self._count(details, [arm for arm, _ in tasks], [])

    def _retried(self) -> None:
        self.summary.retries += 1

    def _count(self, details: dict[str, Any], arms: list[MergeArm], failures: list[dict[str, Any]]) -> None:
        summary = self.summary
        summary.inserted += details.get("nInserted", 0)
        summary.matched += details.get("nMatched", 0)
        summary.modified += details.get("nModified", 0)
        summary.deleted += details.get("nRemoved", 0)
        failed = {failure["index"] for failure in failures}
        # in order, nothing behind the first failure is sent
        sent = arms[: min(failed)] if failed and self.command.options.ordered else [
            arm for i, arm in enumerate(arms) if i not in failed]
        summary.skipped += len(arms) - len(sent) - len(failed)
        changes = sum(arm.action in CHANGES for arm in sent)
        summary.kept += changes - details.get("nMatched", 0) - details.get("nRemoved", 0)

    def _check_concern(self, details: dict[str, Any]) -> None:
        concerns = details.get("writeConcernErrors")
        if concerns:
            self.summary.unconfirmed += sum(details.get(name, 0) for name in ("nInserted", "nMatched", "nRemoved"))
            if concerns[0].get("code") in faults.TIMES:
                raise ServerError("E5006", "out of time: the rows of the last batch are written, but not confirmed")
            raise ServerError("E5005", f"the rows are written, but not confirmed: {concerns[0].get('errmsg', '')}")


def _refused(number: int, failure: dict[str, Any], place: dict[str, Any] | None) -> RowError:
    """The row by its number in the file or list that it comes from, if it comes from one, else in the order of work."""
    code, message = int(failure.get("code") or 0), faults.row_message(failure)
    return RowError(place["row"] if place else number, faults.code_of_row(code, message), message,
                    location_of(place), server_code=code or None)


def _between(found: dict[str, Any]) -> str:
    """Where the first and the last of several rows stand, if that is known."""
    first, last = found["first"], found["last"]
    if not first or not last:
        return ""
    return f" (rows {first['row']:,} and {last['row']:,}" + (
        f": {location_of(first)} and {location_of(last)})" if "source" in first else ")")
