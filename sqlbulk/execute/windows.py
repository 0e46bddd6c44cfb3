"""The documents of a selection as consecutive windows of `_id`s, found with one cursor, opened again if it breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import Selection
from sqlbulk.errors import ServerError, SqlbulkError
from sqlbulk.execute import faults
from sqlbulk.execute.batches import next_rows
from sqlbulk.execute.faults import Fault
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.spill import Spill

if TYPE_CHECKING:
    from pymongo.collection import Collection

Filter = Mapping[str, Any]

CURSOR_GONE = frozenset({43, 237})
"""Codes of a cursor that the server has forgotten: open another."""
NOTHING = object()
ROOM = 16 * 1024 * 1024
"""How many bytes of values, or of `_id`s, are held in memory where nobody says."""
SEVERAL_ROWS = "a subquery used as a value gave more than one row"


@dataclass(frozen=True, slots=True)
class Window:
    """Some documents: the number of the first among all (1-based), their `_id`s, and the rows found with them.

    `rows` is empty unless the selection gives values beside `_id`s.
    """

    first: int
    ids: list[Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    _numbers: dict[Any, int] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, identity: Any) -> int:
        """The number of a document of the window among all that were found."""
        if not self._numbers:
            self._numbers.update({_key(found): n for n, found in enumerate(self.ids, self.first)})
        return self._numbers.get(_key(identity), self.first)


@dataclass(slots=True)
class Finder:
    """Finds the documents of a selection, `size` at a time, in order of `_id`.

    A document is found once, however it is changed meanwhile. `values` are the fields to read beside `_id`;
    of several rows with one `_id` the first is taken, and `repeated` counts the others. A window's values take
    `room` bytes, or little more.
    """

    collection: Collection[dict[str, Any]]
    selection: Selection
    size: int
    patience: Patience = field(default_factory=Patience)
    comment: str | None = None
    values: tuple[str, ...] = ()
    room: int = ROOM
    repeated: int = 0

    def __iter__(self) -> Iterator[Window]:
        """The windows; raises ServerError, ConnectionLost or ConnectionFailed."""
        settled = self.selection.settled or self.selection.ordered
        chunks = self._found_first() if settled else self._chunks(resumable=True)
        first, last = 1, NOTHING
        for rows in chunks:
            kept = []
            for row in rows:
                if row["_id"] == last and type(row["_id"]) is type(last):
                    self.repeated += 1
                    continue
                last = row["_id"]
                kept.append(row)
            if kept:
                yield Window(first, [row["_id"] for row in kept], kept if self.values else [])
                first += len(kept)

    def _found_first(self) -> Iterator[list[dict[str, Any]]]:
        """All of them, before the first one is given."""
        waiting = Spill(max(self.room, ROOM))
        try:
            for rows in self._chunks(resumable=False):
                waiting.add(rows)
            yield from waiting
        finally:
            waiting.close()

    def _chunks(self, *, resumable: bool) -> Iterator[list[dict[str, Any]]]:
        cursor: Iterator[dict[str, Any]] | None = None
        after: Any = NOTHING
        attempt = found = 0
        while True:
            try:
                with time_limit(self.patience.left()):
                    cursor = cursor or self._open(after, found)
                    rows = (next_rows(cursor, self.size, self.room) if self.values
                            else list(islice(cursor, self.size)))
            except PyMongoError as error:
                cursor = None
                if (found and not resumable) or not self.patience.allows(_fault(error), attempt):
                    raise stopped(error, self.patience, begun=found > 0) from None
                attempt += 1
                continue
            attempt = 0
            if not rows:
                return
            after, found = rows[-1]["_id"], found + len(rows)
            yield rows

    def _open(self, after: Any, found: int) -> Iterator[dict[str, Any]]:
        selection = self.selection
        wanted = None if selection.limit is None else selection.limit - found
        if wanted is not None and wanted <= 0:
            return iter(())
        pipeline = search(replace(selection, limit=wanted), self.values, after=after)
        return iter(source_of(self.collection, selection).aggregate(
            pipeline, batchSize=max(self.size, 2), allowDiskUse=True, comment=self.comment))


def search(selection: Selection, values: Sequence[str] = (), *, after: Any = NOTHING) -> list[Filter]:
    """The pipeline that finds a selection's documents, those behind the `_id` `after`, with fields beside `_id`."""
    pipeline = found_by(selection)
    if after is not NOTHING:
        pipeline.append({"$match": _behind(after)})
    if not selection.ordered:
        pipeline.append({"$sort": {"_id": 1}})
    if selection.limit is not None:
        pipeline.append({"$limit": selection.limit})
    return [*pipeline, {"$project": dict.fromkeys(("_id", *values), 1)}]


def found_by(selection: Selection) -> list[Filter]:
    """The stages that find a selection's documents, without its limit."""
    return list(selection.stages) or [{"$match": selection.filter}]


def source_of(collection: Collection[dict[str, Any]], selection: Selection) -> Collection[dict[str, Any]]:
    """The collection that the selection's stages start from."""
    if not selection.stages or selection.source in (None, collection.name):
        return collection
    return collection.database[selection.source].with_options(codec_options=collection.codec_options)


def _key(identity: Any) -> Any:
    return identity if isinstance(identity, str | int | bytes) else repr(identity)


def _behind(after: Any) -> Filter:
    """Documents whose `_id` comes later, of whatever type it is."""
    return {"$expr": {"$gt": ["$_id", {"$literal": after}]}}


def both(*filters: Filter) -> Filter:
    """The documents that all filters match."""
    kept = [f for f in filters if f]
    if len(kept) <= 1:
        return kept[0] if kept else {}
    return {"$and": kept}


def of_window(ids: Sequence[Any], *filters: Filter) -> Filter:
    """Documents with one of these `_id`s that all filters match."""
    return both({"_id": {"$in": list(ids)}}, *filters)


def _fault(error: PyMongoError) -> Fault:
    if isinstance(error, OperationFailure) and error.code in CURSOR_GONE:
        return Fault.PASSING
    return faults.classify(error)


def stopped(error: PyMongoError, patience: Patience, *, begun: bool) -> SqlbulkError:
    """What a statement ends with after a failure that can't be passed over."""
    if patience.expired():
        return ServerError("E5006", "out of time: max_execution_time has passed")
    if SEVERAL_ROWS in str(error):
        return ServerError("E5005", SEVERAL_ROWS, hint="add LIMIT 1, or an aggregate such as MAX")
    return faults.statement_error(error, begun=begun)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """No command within takes longer than this; None: no limit."""
    if seconds is None:
        yield
        return
    with pymongo.timeout(max(seconds, 0.001)):
        yield
