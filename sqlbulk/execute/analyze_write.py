"""EXPLAIN ANALYZE of a statement that writes: carries it out, once, and shows what was sent and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from sqlbulk.commands import Analyze, DeleteWhere, Insert, MergeRows, Query, QueryRows, UpdateWhere
from sqlbulk.execute import execute
from sqlbulk.execute.analyze import asked, figures, run_analyze
from sqlbulk.execute.analyze_sent import Sent, Watch, counted, milliseconds
from sqlbulk.execute.connection import open_connection
from sqlbulk.execute.faults import brief
from sqlbulk.execute.steps import prepared, selected, settings_of
from sqlbulk.execute.windows import search
from sqlbulk.formats.summaries import COUNTS
from sqlbulk.results import Result, WriteSummary

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection
    from sqlbulk.execute.runner import Stop, Watcher

Write = Insert | UpdateWhere | DeleteWhere | MergeRows

READ_AGAIN = "the reading alone, which was run once more, before the statement, for these figures"
ONLY_PLANNED = "the plan of the reading alone; it wasn't run for its figures: "
UNKNOWN = "the server tells nothing of the reading: "


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a statement that was carried out.

    `seconds` is wall time; `workers` threads wrote; `returned` are the rows of RETURNING, None without one;
    `windows`: the statement went over stored documents, not over rows.
    """

    summary: WriteSummary
    sent: dict[str, Sent]
    seconds: float
    workers: int = 1
    returned: int | None = None
    windows: bool = False

    def lines(self) -> Iterator[str]:
        """The account as text, a fact a line."""
        summary = self.summary
        yield "done:"
        what, seen = ("documents", "found") if self.windows else ("rows", "read")
        counts = [(getattr(summary, name), name.replace("_", " ")) for name in COUNTS if name not in _OF_SENDING]
        shown = "".join(f", {number:,} {word}" for number, word in counts if number)
        yield f"  {what}: {summary.read:,} {seen}{shown}"
        if self.returned is not None:
            yield f"  {counted(self.returned, 'row')} returned, which aren't shown"
        batches = counted(summary.batches, "window") if self.windows else counted(summary.batches, "batch", "batches")
        retries = counted(summary.retries, "retry", "retries")
        size = f", {counted(summary.bytes, 'byte')} of documents" if summary.bytes else ""
        yield f"  {batches} by {counted(self.workers, 'worker')}, {retries}{size}"
        yield f"  {milliseconds(self.seconds)} in all"
        yield "sent:"
        yield from (f"  {sent.line(kind)}" for kind, sent in self.sent.items())
        yield f"  {self._total().line('in all')}"

    def _total(self) -> Sent:
        total = Sent()
        for sent in self.sent.values():
            total.commands += sent.commands
            total.bytes += sent.bytes
            total.failed += sent.failed
            total.seconds += sent.seconds
        return total


_OF_SENDING = ("batches", "retries")


def run_analyzed(
    command: Analyze, connection: Connection, *, rows: Iterable[Any] | None, progress: Watcher | None,
    stop: Stop | None, base_dir: Path | None,
) -> Result:
    """The plan and what was done, a line a row, with the statement's own summary and notices.

    What writes runs over a connection of its own, whose commands are counted. Raises what it raises.
    """
    write = command.of
    if isinstance(write, Query):
        return run_analyze(write, command.text, connection)
    watch = Watch(connection.database)
    with open_connection(connection.uri, database=connection.database, listeners=[watch]) as own, watch.counting():
        watched = replace(
            connection, client=own.client, server=own.server, shelves=own.shelves, abandoned=own.abandoned)
        began = time.monotonic()
        with _without_steps(write, watched) as ready:
            paused = time.monotonic()
            with watch.counting(on=False):
                server = list(_of_reading(ready, watched))
            began += time.monotonic() - paused
            result = execute(ready, watched, rows=rows, progress=progress, stop=stop, base_dir=base_dir)
            returned = sum(1 for _ in result.rows) if result.columns else None
        account = Account(result.summary or WriteSummary(), watch.sent, time.monotonic() - began, len(watch.writers),
                          returned, isinstance(write, UpdateWhere | DeleteWhere))
        lines = [*command.text.splitlines(), *account.lines(), *server]
    return replace(result, statement="EXPLAIN", columns=("plan",), rows=[(line,) for line in lines])


# The part that reads


@contextmanager
def _without_steps(command: Write, connection: Connection) -> Iterator[Write]:
    """The command with the steps before its query done, so that they aren't done once more to be looked at."""
    settings = settings_of(command.options)
    match command:
        case UpdateWhere() | DeleteWhere():
            with selected(command, connection) as ready:
                yield ready
        case Insert(rows=QueryRows() as rows):
            with prepared(rows.query, connection, settings) as query:
                yield replace(command, rows=replace(rows, query=query))
        case MergeRows(source=None):
            with prepared(command.query, connection, settings) as query:
                yield replace(command, query=query)
        case _:
            yield command


def reading(command: Write) -> Query | None:
    """The query of a command, or the search for its documents; None if its rows come from elsewhere."""
    match command:
        case Insert(rows=QueryRows(query=query)) | MergeRows(query=query, source=None):
            return query
        case UpdateWhere(selection=selection) | DeleteWhere(selection=selection):
            values = command.values if isinstance(command, UpdateWhere) else ()
            source = (selection.source if selection.stages else None) or command.collection
            return Query(source, tuple(search(selection, values)), None, command.database)
    return None


def _of_reading(command: Write, connection: Connection) -> Iterator[str]:
    """The server's account of the part that reads. What it doesn't tell never keeps the statement from running."""
    query = reading(command)
    if query is None:
        return
    settings = {name: value for name, value in settings_of(command.options).items() if value is not None}
    yield "server:"
    try:
        head, explained = READ_AGAIN, asked(query, connection, settings)
    except PyMongoError as error:
        head = f"{ONLY_PLANNED}{brief(error)}"
        try:
            explained = asked(query, connection, settings, verbosity="queryPlanner")
        except PyMongoError as another:
            yield f"  {UNKNOWN}{brief(another)}"
            return
    yield f"  {head}"
    yield from (f"  {line}" for line in figures(explained))
