"""What UPDATE and DELETE share when they run: the collection as the options want it, obstacles, counting beforehand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import WriteConcern
from pymongo.errors import PyMongoError

from sqlbulk.commands import DeleteWhere, MergeRows, Obstacle, Selection, UpdateWhere
from sqlbulk.errors import TooManyErrors
from sqlbulk.execute import faults
from sqlbulk.execute.orphans import ENDED, end_orphans
from sqlbulk.execute.pace import rows_a_batch
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.sweep import Outcome
from sqlbulk.execute.transactions import Transactions
from sqlbulk.execute.windows import Filter, Finder, both, found_by, of_window, source_of, stopped, time_limit
from sqlbulk.results import WriteSummary

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

    from sqlbulk.execute.connection import Connection
    from sqlbulk.options import WriteOptions

Given = TypeVar("Given")

LARGEST_WINDOW = 100_000
"""How many `_id`s go into one command at most."""
SHOWN_OBSTACLES = 20


@dataclass(slots=True)
class Site:
    """A collection whose documents are to be changed, and what the statement's options ask for."""

    connection: Connection
    collection: Collection[dict[str, Any]]
    options: WriteOptions
    patience: Patience
    aborted: threading.Event = field(default_factory=threading.Event)
    transactions: Transactions | None = None

    @property
    def shared(self) -> dict[str, Any]:
        """What every write says."""
        return {"comment": self.options.comment}

    @property
    def workers(self) -> int:
        """How many windows are changed at a time."""
        return 1 if self.options.ordered else self.options.parallel_workers

    def unblock(self) -> str | None:
        """End transactions of killed processes, which may hold documents that are to be changed; a notice if any."""
        return ENDED if self.connection.server.member and end_orphans(self.connection.client) else None

    def windows(self, selection: Selection, values: tuple[str, ...] = ()) -> Finder:
        """The selection's documents, in windows of the size that the options ask for."""
        size = min(self.options.batch_size, self.options.checkpoint_interval or LARGEST_WINDOW, LARGEST_WINDOW)
        size = rows_a_batch(self.options.rate_limit, size)
        # a window's values are there as they were read, as updates, and as what is sent
        room = self.options.memory_limit // (4 * self.workers)
        return Finder(self.collection, selection, size, self.patience, self.options.comment, values, room)

    def aggregate(
        self, pipeline: Sequence[Filter], collection: Collection[dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a pipeline, over the collection if no other is given; asked for again after passing faults."""
        attempt = 0
        while True:
            try:
                with time_limit(self.patience.left()):
                    return list((self.collection if collection is None else collection).aggregate(
                        pipeline, allowDiskUse=True, comment=self.options.comment))
            except PyMongoError as error:
                if not self.patience.allows(faults.classify(error), attempt):
                    raise stopped(error, self.patience, begun=True) from None
            attempt += 1

    def run(self, work: Callable[[ClientSession | None], Given], retried: Callable[[], None]) -> Given:
        """Work in a transaction, or without one where there are none; raises the driver's errors and InDoubtError."""
        if self.transactions is not None:
            return self.transactions.run(work, retried)
        with time_limit(self.patience.left()):
            return work(None)

    def count(self, selection: Selection) -> int:
        """How many documents are selected, now."""
        stages = found_by(selection)
        if selection.stages:
            stages.append({"$group": {"_id": "$_id"}})
        if selection.limit is not None:
            stages.append({"$limit": selection.limit})
        rows = self.aggregate([*stages, {"$count": "documents"}], source_of(self.collection, selection))
        return int(rows[0]["documents"]) if rows else 0


def open_site(command: UpdateWhere | DeleteWhere | MergeRows, connection: Connection) -> Site:
    """The collection of a command on a server."""
    options = command.options
    aborted = threading.Event()
    deadline = None if options.max_execution_time is None else time.monotonic() + options.max_execution_time
    patience = Patience(options.retry_attempts, deadline, sleep=aborted.wait)
    collection = connection.collection(command.collection, command.database)
    concern = None if options.write_concern is None else WriteConcern(**options.write_concern)
    if concern is not None:
        collection = collection.with_options(write_concern=concern)
    transactions = Transactions(connection.client, patience, concern) if connection.server.transactions else None
    return Site(connection, collection, options, patience, aborted, transactions)


# Obstacles


def clear_of(obstacles: Sequence[Obstacle]) -> Filter:
    """The documents that nothing keeps from being written."""
    return {"$nor": [dict(o.filter) for o in obstacles]} if obstacles else {}


def hindered(
    site: Site, selected: Filter, obstacles: Sequence[Obstacle], *, most: int | None = None
) -> Iterator[tuple[Any, str]]:
    """The `_id` and the reason of selected documents that have an obstacle, at most so many."""
    if not obstacles:
        return
    pipeline: list[Filter] = [{"$match": both(selected, {"$or": [dict(o.filter) for o in obstacles]})}]
    if most is not None:
        pipeline.append({"$limit": most})
    levels = {f"level{n}": {"$type": o.level} for n, o in enumerate(obstacles)}
    for row in site.aggregate([*pipeline, {"$project": {"_id": 1, **levels}}]):
        yield row["_id"], _reason(row, obstacles)


def _reason(row: Mapping[str, Any], obstacles: Sequence[Obstacle]) -> str:
    for number, obstacle in enumerate(obstacles):
        kind = row[f"level{number}"]
        if kind not in obstacle.allowed:
            return f"{obstacle.reason} ({NAMES.get(kind, kind)})"
    return obstacles[0].reason


NAMES = {
    "int": "a number", "long": "a number", "double": "a number", "decimal": "a number", "string": "a text",
    "bool": "a boolean", "array": "an array", "date": "a date", "objectId": "an ObjectId", "binData": "binary data",
    "object": "a document",
}
"""What users call the server's types."""


def check_obstacles(site: Site, command: UpdateWhere | DeleteWhere, summary: WriteSummary) -> None:
    """Raise TooManyErrors E5007 if a selected document has an obstacle, unless errors are to be passed over."""
    if not command.obstacles or site.options.continue_on_error:
        return
    outcome = Outcome()
    for number, (identity, reason) in enumerate(_first_hindered(site, command), 1):
        outcome.reject(number, identity, "E4009", reason)
    if not outcome.rejected:
        return
    for error in outcome.rejected:
        summary.reject(error)
    raise TooManyErrors(
        "E5007", f"nothing was changed, because a document can't be: {outcome.rejected[0].message}", summary=summary,
        hint="continue_on_error = true leaves such documents as they are, and lists them")


def _first_hindered(site: Site, command: UpdateWhere | DeleteWhere) -> list[tuple[Any, str]]:
    selection = command.selection
    if not selection.stages and selection.limit is None:
        return list(hindered(site, selection.filter, command.obstacles, most=SHOWN_OBSTACLES))
    for window in site.windows(selection):
        found = list(hindered(site, of_window(window.ids), command.obstacles, most=SHOWN_OBSTACLES))
        if found:
            return found
    return []
