"""Threads that write batches, and the bounded room in which batches wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from sqlbulk.execute.batches import Batch
from sqlbulk.execute.threads import in_thread

TICK = 0.1
"""Seconds between two looks around while waiting."""


class Crew:
    """Workers that call `write` with batches. With `lanes` each has its own, else any takes the next.

    At most `room` bytes of batches wait or are being written, but always one batch; and not more than two
    a worker. `write` must not raise. `tick` is called now and then by whoever waits here. A worker begins when
    there is a batch for it: most statements need one at most.
    """

    def __init__(
        self, write: Callable[[Batch], None], *, workers: int, lanes: bool, room: int,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._write, self._room, self._tick = write, room, tick
        self._queues: list[deque[Batch]] = [deque() for _ in range(workers if lanes else 1)]
        self._lanes, self._most = lanes, 2 * workers
        self._workers = workers
        self._changed = threading.Condition()
        self._held = self._waiting = 0
        self._begun: set[int] = set()
        self._working = self._idle = 0
        self._closed = False

    def submit(self, batch: Batch) -> bool:
        """Hand a batch over, as soon as there is room; False if no more are taken."""
        with self._changed:
            while not self._closed and self._full(batch):
                self._changed.wait(TICK)
                self._tick()
            if self._closed:
                return False
            self._queues[batch.lane % len(self._queues)].append(batch)
            self._held += batch.size
            self._waiting += 1
            self._changed.notify_all()
            self._call_worker(batch.lane % len(self._queues))
            return True

    def halt(self) -> None:
        """Take no more, and forget the batches that wait; those being written are finished."""
        with self._changed:
            self._closed = True
            for queue in self._queues:
                self._waiting -= len(queue)
                self._held -= sum(batch.size for batch in queue)
                queue.clear()
            self._changed.notify_all()

    def finish(self) -> None:
        """Take no more, and return when all is written."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            while self._working:
                self._changed.wait(TICK)
                self._tick()

    def _full(self, batch: Batch) -> bool:
        return self._held > 0 and (self._held + batch.size > self._room or self._waiting >= self._most)

    def _call_worker(self, lane: int) -> None:
        """Have someone begin to work on a lane, if nobody is free for it."""
        number = lane if self._lanes else len(self._begun)
        if number in self._begun or number >= self._workers or (not self._lanes and self._idle >= self._waiting):
            return
        self._begun.add(number)
        self._working += 1
        in_thread(lambda: self._work(self._queues[lane]))

    def _work(self, queue: deque[Batch]) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not queue and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not queue:
                    self._working -= 1
                    self._changed.notify_all()
                    return
                batch = queue.popleft()
                self._waiting -= 1
            try:
                self._write(batch)
            finally:
                with self._changed:
                    self._held -= batch.size
                    self._changed.notify_all()
