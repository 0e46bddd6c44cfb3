"""Runs a change over windows of stored documents with several workers, and folds what becomes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.errors import Interrupted, ServerError, SqlbulkError, TooManyErrors
from sqlbulk.execute.counts import Counts
from sqlbulk.execute.pace import Bucket
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.runner import Stop, Watcher, told
from sqlbulk.execute.windows import Window
from sqlbulk.options import WriteOptions
from sqlbulk.results import WriteSummary
from sqlbulk.rowdata import RowError

UNKNOWN = object()
"""The `_id` of a document that isn't known."""
TICK = 0.1
"""Seconds between two looks at whether to stop."""
STUCK = 5.0
"""Seconds without progress after which it is looked for what may be in the way, again and again."""


@dataclass(slots=True)
class Outcome(Counts):
    """What became of a window's documents, and the rows that its change returned."""

    rows: list[Any] = field(default_factory=list)

    def reject(self, number: int, identity: Any, code: str, reason: str, *, server_code: int | None = None) -> None:
        """Count a document that can't be written: its number among those found, its `_id` or UNKNOWN, and why."""
        if identity is UNKNOWN:
            self.rejected.append(RowError(number, code, reason, server_code=server_code))
        else:
            self.rejected.append(RowError(number, code, f"_id {identity!r}: {reason}", server_code=server_code,
                                          document={"_id": identity}))


Change = Callable[[Window, Outcome], None]
"""Changes a window's documents, and notes in the outcome what was done; may raise SqlbulkError to stop everything."""


@dataclass(slots=True)
class Sweep:
    """One run over windows. `workers` windows are being changed at a time; the next is looked for meanwhile.

    `unblock` is called when nothing gets done: it may take out of the way what a killed process left there, and
    gives a notice of that, or None.
    """

    windows: Iterable[Window]
    change: Change
    options: WriteOptions
    title: str
    workers: int = 1
    patience: Patience = field(default_factory=Patience)
    stop: Stop = field(default_factory=threading.Event)
    watcher: Watcher | None = None
    unblock: Callable[[], str | None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    aborted: threading.Event = field(default_factory=threading.Event)
    summary: WriteSummary = field(default_factory=WriteSummary)
    notices: set[str] = field(default_factory=set)
    returned: list[tuple[int, list[Any]]] = field(default_factory=list)
    _failure: BaseException | None = None
    _bucket: Bucket | None = None
    _complete: bool = False
    _moved: float = 0.0

    def execute(self) -> WriteSummary:
        """Change all documents; raises what stopped the run, with the summary: ServerError or one of its kinds."""
        began = self._moved = self.clock()
        if self.options.rate_limit is not None:
            self._bucket = Bucket(self.options.rate_limit, self.clock)
        if self.watcher is not None:
            self.watcher.begin(self.title, None)
        try:
            self._run()
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            self.summary.seconds = self.clock() - began
            if self.watcher is not None:
                self.watcher.end()
        failure = self._failure or self._refused(sample=0) or (None if self._complete else self._end())
        if isinstance(failure, KeyboardInterrupt):
            failure = Interrupted("E5008", "interrupted")
        if failure is not None:
            raise told(failure, self.summary)
        return self.summary

    @property
    def rows(self) -> list[Any]:
        """What the windows' changes returned, in the order in which the documents were found."""
        return [row for _, rows in sorted(self.returned, key=lambda found: found[0]) for row in rows]

    def _run(self) -> None:
        pending: set[Future[Outcome]] = set()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="sqlbulk-change") as pool:
            try:
                for window in self.windows:
                    self.summary.read += len(window)
                    self._pace(len(window))
                    pending = self._collect(pending, room=self.workers)
                    if self._must_end():
                        self.summary.read -= len(window)
                        break
                    pending.add(pool.submit(self._changed, window))
                else:
                    self._complete = True
                self._collect(pending, room=1)
            except BaseException as error:
                self._failure = self._failure or error
                self.aborted.set()
                self._collect(pending, room=1)

    def _changed(self, window: Window) -> Outcome:
        outcome = Outcome()
        try:
            self.change(window, outcome)
        except BaseException as error:
            self._failure = self._failure or error
            self.aborted.set()
        if outcome.rows:
            self.returned.append((window.first, outcome.rows))
        if self.options.delay is not None:
            self.aborted.wait(self.options.delay)
        return outcome

    def _collect(self, pending: set[Future[Outcome]], *, room: int) -> set[Future[Outcome]]:
        """Wait until fewer than `room` windows are being changed, and count those that are done."""
        while pending:
            done, pending = wait(pending, timeout=0 if len(pending) < room else TICK, return_when=FIRST_COMPLETED)
            for future in done:
                self._count(future.result())
            if len(pending) < room:
                break
            if not done:
                self._nothing_done()
        return pending

    def _nothing_done(self) -> None:
        """Show that the statement waits, and after a while see to what may be in the way."""
        self._tell()
        if self.clock() - self._moved >= STUCK:
            notice = self.unblock()
            self.notices |= {notice} if notice else set()
            self._moved = self.clock()

    def _count(self, outcome: Outcome) -> None:
        outcome.add_to(self.summary)
        self.summary.batches += 1
        self.notices |= outcome.notices
        self._moved = self.clock()
        self._tell()

    def _tell(self) -> None:
        settled = self.summary.matched + self.summary.deleted + self.summary.kept + self.summary.rejected
        if self.watcher is not None:
            self.watcher.update(consumed=0, rows=settled, rejected=self.summary.rejected)

    def _pace(self, rows: int) -> None:
        delay = self._bucket.take(rows, 0) if self._bucket is not None else 0.0
        end = self.clock() + delay
        while (left := end - self.clock()) > 0 and not self._must_end():
            self.aborted.wait(min(left, TICK))

    def _must_end(self) -> bool:
        return self._end() is not None or self._failure is not None

    def _refused(self, *, sample: int = 1_000) -> SqlbulkError | None:
        """More refused documents than the options allow, None if it isn't more."""
        rejected, limit = self.summary.rejected, self.options.max_errors
        if rejected and not self.options.continue_on_error:
            return TooManyErrors("E5007", f"stopped at a refused document: {self.summary.errors[0]}",
                                 hint="continue_on_error = true goes on, and lists the refused documents")
        if limit is not None and limit.exceeded(rejected, self.summary.read, sample=sample):
            return TooManyErrors("E5007", f"{rejected:,} documents were refused, which is more than max_errors allows")
        return None

    def _end(self) -> SqlbulkError | None:
        """Why the run is to end before its time, None if it isn't."""
        refused = self._refused()
        if refused is not None:
            return refused
        if self.stop.is_set():
            return Interrupted("E5008", "interrupted; the batches in flight were finished")
        if self.patience.expired():
            return ServerError("E5006", "out of time: max_execution_time has passed")
        return None
