"""Holding a statement to a rate of rows or bytes a second. The clock is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlbulk.option_kinds import RateLimit


class Bucket:
    """A bucket of tokens, empty at first, that fills at a steady rate and holds those of a quarter of a second."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = [rate for rate in (limit.rows, limit.bytes) if rate is not None]
        self._by_rows = limit.rows is not None
        self._clock = clock
        self._filled = [0.0] * len(self._rates)
        self._then = clock()

    def take(self, rows: int, size: int) -> float:
        """Take a batch's tokens, and give the seconds to wait before it may be sent.

        A batch is let through on credit; what follows waits the longer.
        """
        now = self._clock()
        elapsed, self._then = now - self._then, now
        wait = 0.0
        for place, rate in enumerate(self._rates):
            amount = rows if self._by_rows and place == 0 else size
            filled = min(rate / 4, self._filled[place] + elapsed * rate)
            wait = max(wait, -filled / rate)
            self._filled[place] = filled - amount
        return max(0.0, wait)


def rows_a_batch(limit: RateLimit | None, wanted: int) -> int:
    """How many rows a batch should have under a rate limit: no more than a quarter of a second's."""
    if limit is None or limit.rows is None:
        return wanted
    return max(1, min(wanted, int(limit.rows / 4)))


def bytes_a_batch(limit: RateLimit | None, wanted: int) -> int:
    """How many bytes a batch should have under a rate limit: no more than a quarter of a second's."""
    if limit is None or limit.bytes is None:
        return wanted
    return max(1, min(wanted, int(limit.bytes / 4)))
