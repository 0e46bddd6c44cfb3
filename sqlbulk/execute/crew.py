"""Threads that write batches, and the bounded room in which batches wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from sqlbulk.execute.batches import Batch

TICK = 0.1
"""Seconds between two looks around while waiting."""


class Crew:
    """Workers that call `write` with batches. With `lanes` each has its own, else any takes the next.

    At most `room` bytes of batches wait or are being written, but always one batch; and not more than two
    a worker. `write` must not raise. `tick` is called now and then by whoever waits here.
    """

    def __init__(
        self, write: Callable[[Batch], None], *, workers: int, lanes: bool, room: int,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._write, self._room, self._tick = write, room, tick
        self._queues: list[deque[Batch]] = [deque() for _ in range(workers if lanes else 1)]
        self._most = 2 * workers
        self._changed = threading.Condition()
        self._held = self._waiting = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(self._queues[i if lanes else 0],), daemon=True,
                             name=f"sqlbulk-writer-{i + 1}")
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

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
        for thread in self._threads:
            while thread.is_alive():
                thread.join(TICK)
                self._tick()

    def _full(self, batch: Batch) -> bool:
        return self._held > 0 and (self._held + batch.size > self._room or self._waiting >= self._most)

    def _work(self, queue: deque[Batch]) -> None:
        while True:
            with self._changed:
                while not queue and not self._closed:
                    self._changed.wait()
                if not queue:
                    return
                batch = queue.popleft()
                self._waiting -= 1
            try:
                self._write(batch)
            finally:
                with self._changed:
                    self._held -= batch.size
                    self._changed.notify_all()
