"""Threads that are kept for a while after their work: starting one takes longer than writing a row."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

KEPT = 5.0
"""Seconds that a thread waits for more work."""


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
