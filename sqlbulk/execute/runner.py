"""Runs one bulk write: reads, encodes and hands out batches in the main thread, and folds what becomes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from sqlbulk.errors import ConnectionFailed, ConnectionLost, Interrupted, ServerError, SqlbulkError, TooManyErrors
from sqlbulk.execute.batches import Batch, Limits, Partition
from sqlbulk.execute.conflicts import Strategy
from sqlbulk.execute.crew import TICK, Crew
from sqlbulk.execute.encode import Encoded, Encoder
from sqlbulk.execute.pace import Bucket
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.sorting import Sorter
from sqlbulk.execute.threads import quick_turns
from sqlbulk.execute.writer import Outcome
from sqlbulk.options import WriteOptions
from sqlbulk.results import WriteSummary
from sqlbulk.rowdata import RowError, RowSource


class Watcher(Protocol):
    """Someone who is told how far a statement is. Called from the thread that runs the statement."""

    def begin(self, title: str, size: int | None) -> None:
        """It starts; `size` is the input's length in the unit of `consumed`, None if unknown."""

    def update(self, *, consumed: int, rows: int, rejected: int) -> None:
        """So much is read, so many rows are settled, so many of them refused."""

    def end(self) -> None:
        """It is over, well or not."""


class Stop(Protocol):
    """Something that tells whether to stop, such as a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to stop."""


class _Never:
    def is_set(self) -> bool:
        return False


@dataclass(slots=True)
class _Progress:
    """Where a run stands. `last`: the refused row that ends an ordered run when what is before it is written."""

    halted: bool = False
    interrupted: bool = False
    abandoned: bool = False
    fatal: BaseException | None = None
    last: RowError | None = None
    flying: int = 0
    consumed: int = 0
    told: float = 0.0
    crew: Crew | None = None


@dataclass(slots=True)
class Run:
    """One bulk write.

    `workers` threads write batches by `strategy`; with `keyed` rows of equal keys take the same one.
    `patience` holds the deadline. `stop` is asked now and then whether the user wants an end. `ended` is set
    when nothing new is to begin. `lasting`: what is written stays, whatever comes.
    """

    source: RowSource
    encoder: Encoder
    strategy: Strategy
    options: WriteOptions
    limits: Limits
    title: str = "INSERT"
    workers: int = 1
    keyed: bool = False
    patience: Patience = field(default_factory=Patience)
    stop: Stop = field(default_factory=_Never)
    watcher: Watcher | None = None
    clock: Callable[[], float] = time.monotonic
    summary: WriteSummary = field(default_factory=WriteSummary)
    notices: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    lasting: bool = True
    _progress: _Progress = field(default_factory=_Progress)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def execute(self) -> WriteSummary:
        """Write all rows. Raises what stopped the run, with the summary: ServerError and its kinds, ConnectionFailed.

        Errors of the source itself go through; their hint or note tells what was written before.
        """
        began, state = self.clock(), self._progress
        crew = Crew(self._write, workers=self.workers, lanes=self.keyed, room=self.options.memory_limit // 4,
                    tick=self._tick)
        state.crew = crew
        if self.watcher is not None:
            self.watcher.begin(self.title, self.source.size)
        try:
            with quick_turns():
                self._feed()
                self._finish(crew)
            if state.last is not None and not state.halted:
                self._reject([state.last])
        except BaseException as error:
            if not state.abandoned:
                self._finish(crew)
            self._halt()
            self._settle(began)
            raise told(error, self.summary, lasting=self.lasting) from error.__cause__
        finally:
            if self.watcher is not None:
                self.watcher.end()
        self._settle(began)
        self._judge()
        return self.summary

    # Reading

    def _feed(self) -> None:
        bucket = Bucket(self.options.rate_limit, self.clock) if self.options.rate_limit is not None else None
        partition = Partition(self.limits, self.workers if self.keyed else 1)
        try:
            for part in self._sorted() if self.options.sort_by else self._read():
                for batch in partition.add(part):
                    self._send(batch, bucket)
            self._send_rest(partition, bucket)
        except KeyboardInterrupt:
            self._interrupt()
        except Exception:
            # in order, what stands before the fault is written, as with a refused row
            if self.options.ordered:
                self._send_rest(partition, bucket)
            else:
                self._halt()
            raise

    def _send_rest(self, partition: Partition, bucket: Bucket | None) -> None:
        for batch in partition.flush():
            self._send(batch, bucket)

    def _sorted(self) -> Iterator[Encoded]:
        directions = [key.descending for key in self.options.sort_by]
        with Sorter(directions, self.options.memory_limit // 2) as sorter:
            for rows in self._read():
                sorter.add(rows)
            if not self._progress.halted:
                yield from sorter.rows()

    def _read(self) -> Iterator[Encoded]:
        """The rows that can be sent, until all are read or the run is to end."""
        state = self._progress
        for chunk in self.source:
            self._tick()
            if state.halted:
                return
            with self._lock:
                self.summary.read += len(chunk.rows) + len(chunk.refused)
            state.consumed = chunk.consumed
            rows, errors = self.encoder.encode(chunk)
            if chunk.refused or errors:
                rows = self._without_refused(rows, sorted([*chunk.refused, *errors], key=lambda error: error.row))
            yield rows
            if state.last is not None:
                return

    def _without_refused(self, rows: Encoded, refused: list[RowError]) -> Encoded:
        """What is still to be sent of a chunk with refused rows."""
        if self.options.ordered and not self.options.sort_by:
            for place, error in enumerate(refused):
                if self._too_many(more=place + 1):
                    # the rows before it are written first, and if one of them is refused, that comes first
                    self._reject(refused[:place])
                    self._progress.last = error
                    return rows.slice(0, sum(1 for ordinal in rows.ordinals if ordinal < error.row))
        self._reject(refused)
        return rows

    def _reject(self, refused: list[RowError]) -> None:
        with self._lock:
            for error in refused:
                self.summary.reject(error)
        if self._too_many():
            self._halt()

    def _send(self, batch: Batch, bucket: Bucket | None) -> None:
        if bucket is not None:
            self._wait(bucket.take(len(batch.rows), batch.size))
        crew = self._progress.crew
        assert crew is not None
        crew.submit(batch)

    def _wait(self, seconds: float) -> None:
        until = self.clock() + seconds
        while not self._progress.halted and (left := until - self.clock()) > 0:
            self.ended.wait(min(left, TICK))
            self._tick()

    # Writing, in the workers' threads

    def _write(self, batch: Batch) -> None:
        state, outcome = self._progress, Outcome()
        with self._lock:
            if state.halted:
                return
            state.flying += len(batch.rows)
        fatal: BaseException | None = None
        try:
            self.strategy.write(batch.rows, outcome)
        except BaseException as error:
            fatal = error
        with self._lock:
            if state.abandoned:
                return
            state.flying -= len(batch.rows)
            self._fold(outcome)
            state.fatal = state.fatal or fatal
        if fatal is not None or self._too_many():
            self._halt()

    def _fold(self, outcome: Outcome) -> None:
        outcome.add_to(self.summary)
        self.notices |= outcome.notices

    # Ending

    def _too_many(self, *, sample: int = 1_000, more: int = 0) -> bool:
        rejected, options = self.summary.rejected + more, self.options
        if not options.continue_on_error:
            return rejected > 0
        limit = options.max_errors
        return limit is not None and limit.exceeded(rejected, self.summary.read, sample=sample)

    def _halt(self) -> None:
        """Begin nothing new; batches being written are finished."""
        state = self._progress
        with self._lock:
            state.halted = True
        self.ended.set()
        if state.crew is not None:
            state.crew.halt()

    def _tick(self) -> None:
        """Look around: is there to be an end, and who wants to know how far we are."""
        state, now = self._progress, self.clock()
        if self.stop.is_set() and not state.halted:
            state.interrupted = True
            self._halt()
        if self.patience.expired() and not state.halted:
            state.fatal = ServerError("E5006", "out of time: max_execution_time has passed")
            self._halt()
        if self.watcher is not None and now - state.told >= TICK:
            state.told = now
            summary = self.summary
            self.watcher.update(consumed=state.consumed, rows=settled(summary), rejected=summary.rejected)

    def _finish(self, crew: Crew) -> None:
        """Wait for the batches that were handed out."""
        while True:
            try:
                crew.finish()
                return
            except KeyboardInterrupt:
                self._interrupt()

    def _interrupt(self) -> None:
        """Ctrl-C: end in good order; the second time at once, with what is on its way in doubt."""
        state, again = self._progress, self._progress.interrupted
        state.interrupted = True
        self._halt()
        if again:
            with self._lock:
                state.abandoned = True
                self.summary.in_doubt += state.flying
            raise Interrupted("E5008", "interrupted twice: batches on their way were not waited for")

    def _settle(self, began: float) -> None:
        with self._lock:
            summary = self.summary
            summary.seconds = self.clock() - began
            # what was read, but neither written nor refused, was never sent
            summary.skipped += summary.read - settled(summary)
        summary.errors.sort(key=lambda error: error.row)

    def _judge(self) -> None:
        state, summary, options = self._progress, self.summary, self.options
        if state.fatal is not None:
            raise told(state.fatal, summary, lasting=self.lasting) from state.fatal.__cause__
        if state.interrupted:
            raise Interrupted("E5008", "interrupted after the batches in flight", summary=summary)
        if not self._too_many(sample=0):
            return
        first = str(summary.errors[0])
        if options.continue_on_error:
            raise TooManyErrors("E5007", f"{summary.rejected:,} of {summary.read:,} rows refused, more than max_errors"
                                f" allows; the first: {first}", summary=summary)
        raise TooManyErrors("E5007", f"stopped at a refused row: {first}", summary=summary,
                            hint="continue_on_error = true goes on, and lists the refused rows.")


def settled(summary: WriteSummary) -> int:
    """The rows of which it is known what became of them, or that it isn't known."""
    return (summary.inserted + summary.matched + summary.upserted + summary.rejected + summary.skipped
            + summary.in_doubt)


def told(error: BaseException, summary: WriteSummary, *, lasting: bool = True) -> BaseException:
    """The error, knowing what was done before it; without `lasting` that is nothing that stays."""
    written = summary.inserted + summary.matched
    if isinstance(error, ConnectionFailed) and error.code == "E5001" and (written or summary.in_doubt):
        # one of several workers didn't get to send anything, but others did
        return ConnectionLost("E5004", f"connection lost: {error.message}", summary=summary)
    if isinstance(error, ServerError | ConnectionFailed):
        error.summary = summary
        return error
    if lasting and (written or summary.in_doubt):
        note = f"{written:,} rows before it were written" + (
            f", {summary.in_doubt:,} are in doubt" if summary.in_doubt else "")
        if isinstance(error, SqlbulkError):
            error.hint = f"{error.hint} {note}." if error.hint else f"{note}."
        else:
            error.add_note(f"sqlbulk: {note}")
    return error
