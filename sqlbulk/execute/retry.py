"""How long to wait before sending again, and when to give up. Clock, sleep and chance are handed in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlbulk.execute.faults import Fault

LONGEST = 10.0
_FIRST = {Fault.OVERLOAD: 0.5}
_AGAIN = frozenset({Fault.NOT_SENT, Fault.LOST, Fault.PASSING, Fault.OVERLOAD})


@dataclass(frozen=True, slots=True)
class Patience:
    """At most `attempts` further attempts a command, none after `deadline` (in `clock`'s seconds).

    `sleep` waits so many seconds and returns True if the wait was cut short because all is to end.
    """

    attempts: int = 3
    deadline: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], bool] = lambda seconds: time.sleep(seconds) or False  # type: ignore[func-returns-value]
    chance: Callable[[], float] = random.random

    def allows(self, fault: Fault, attempt: int) -> bool:
        """Wait, and tell whether to send again; `attempt` counts from 0."""
        if fault not in _AGAIN or attempt >= self.attempts:
            return False
        delay = backoff(attempt, first=_FIRST.get(fault, 0.1), chance=self.chance())
        left = self.left()
        if left is not None and delay >= left:
            return False
        return not self.sleep(delay)

    def left(self) -> float | None:
        """The seconds until the deadline, None without one."""
        return None if self.deadline is None else self.deadline - self.clock()

    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and self.clock() >= self.deadline


def backoff(attempt: int, *, first: float, chance: float) -> float:
    """The seconds to wait before the next attempt: anything up to twice as long each time (full jitter)."""
    return chance * float(min(LONGEST, first * 2 ** min(attempt, 30)))
