"""Threads for writing: kept for a while, as starting one takes longer than writing a row, and given quick turns."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KEPT = 5.0
"""Seconds that a thread waits for more work."""


TURN = 0.0005
"""Seconds after which a thread that computes lets others go on, while batches are written.

Python's usual 5 ms are as long as a server takes for a batch, and a writer waits for its turn several times a
batch: when it sends, and for each part of the answer.
"""


class _Turns:
    """Counts who wants quick turns; the last one to go puts back what was set before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual = 0.0

    @contextmanager
    def quick(self) -> Iterator[None]:
        """Within, threads take turns quickly."""
        with self._lock:
            if not self._users:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self._usual, TURN))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.setswitchinterval(self._usual)


quick_turns = _Turns().quick


class _Helper:
    """A thread that does one piece of work after the other."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work
        self._called = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="sqlbulk-writer").start()

    def call(self, work: Callable[[], None]) -> None:
        """Do this next; only for one that waits, and was taken from the list."""
        self._work = work
        self._called.set()

    def _run(self) -> None:
        while self._work is not None:
            self._work()
            self._work = None
            self._called.clear()
            with _kept.lock:
                _kept.waiting.append(self)
            if not self._called.wait(KEPT):
                with _kept.lock:
                    if self in _kept.waiting:
                        _kept.waiting.remove(self)
                        return
                # called at the last moment
                self._called.wait()


class _Kept:
    """The threads that wait for work."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[_Helper] = []

    def forget(self) -> None:
        """In a forked process, which has the list, but not the threads."""
        self.lock, self.waiting = threading.Lock(), []


_kept = _Kept()


def in_thread(work: Callable[[], None]) -> None:
    """Do the work in another thread, one that waits or a new one. It must not raise."""
    with _kept.lock:
        helper = _kept.waiting.pop() if _kept.waiting else None
    if helper is None:
        _Helper(work)
    else:
        helper.call(work)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_kept.forget)
