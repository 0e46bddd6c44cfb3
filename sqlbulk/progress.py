"""How far a bulk statement is: a bar on a terminal, a line now and then elsewhere, always on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SURE_AFTER = 5.0
"""Seconds after which the rate has settled so far that a remaining time may be told."""


WAITING = "waiting for the server or for other writers"
"""What is said of a statement that gets nothing done for a while."""


class Progress(Protocol):
    """Someone who is told how far a statement is."""

    def begin(self, title: str, size: int | None) -> None:
        """A statement starts; `size` is its input's length in the unit of `consumed`, None if unknown."""

    def update(self, *, consumed: int, rows: int, rejected: int) -> None:
        """So much of the input is read, so many rows are written, so many were refused, all since the beginning."""

    def end(self) -> None:
        """The statement is over, well or not. May be called twice."""


class Silent:
    """Tells nothing."""

    def begin(self, title: str, size: int | None) -> None:
        """Nothing."""

    def update(self, *, consumed: int, rows: int, rejected: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Lines:
    """A line every few seconds, for logs and pipes; a statement that takes less time tells nothing."""

    def __init__(
        self, stream: TextIO, *, interval: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._interval, self._clock = stream, interval, clock
        self._title = ""
        self._size: int | None = None
        self._began = self._told = 0.0
        self._state: tuple[int, int, int] | None = None

    def begin(self, title: str, size: int | None) -> None:
        """Remember when it began."""
        self._title, self._size, self._state = title, size, (0, 0, 0)
        self._began = self._told = self._clock()

    def update(self, *, consumed: int, rows: int, rejected: int) -> None:
        """Write a line if the last one is long enough ago."""
        now = self._clock()
        if now - self._told < self._interval:
            return
        self._told = now
        elapsed = now - self._began
        parts = [f"{rows:,} rows", f"{rows / elapsed:,.0f} rows/s"]
        if self._size:
            parts.insert(0, f"{min(consumed / self._size, 1):.0%}")
        if rejected:
            parts.append(f"{rejected:,} rejected")
        left = remaining(elapsed, consumed, self._size)
        if left is not None:
            parts.append(f"{clock_time(left)} left")
        if self._state == (consumed, rows, rejected):
            parts.append(WAITING)
        self._state = (consumed, rows, rejected)
        self._stream.write(f"{self._title}: {', '.join(parts)}\n")
        self._stream.flush()

    def end(self) -> None:
        """Nothing: the summary tells the rest."""


class Drawn:
    """A bar with the rate and the remaining time; it goes away when the statement is over."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._bar: Bar | None = None
        self._size: int | None = None
        self._began = self._moved = 0.0
        self._state = (0, 0, 0)

    def begin(self, title: str, size: int | None) -> None:
        """Draw an empty bar, or a moving one where the size isn't known."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.end()
        self._size, self._began, self._state = size, self._clock(), (0, 0, 0)
        self._moved = self._began
        columns = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)]
        if size:
            columns.append(TextColumn("{task.percentage:>3.0f}%"))
        # What is on stdout is none of the bar's business: a pipe may read it.
        self._bar = Progress(
            *columns, TextColumn("{task.fields[counts]}", markup=False), console=Console(file=self._stream),
            transient=True, redirect_stdout=False, redirect_stderr=False, refresh_per_second=8)
        self._bar.add_task(title, total=size or None, counts="")
        self._bar.start()

    def update(self, *, consumed: int, rows: int, rejected: int) -> None:
        """Move the bar."""
        if self._bar is None:
            return
        now = self._clock()
        elapsed, state = now - self._began, (consumed, rows, rejected)
        if state != self._state:
            self._moved, self._state = now, state
        parts = [f"{rows:,} rows"]
        if elapsed >= 1:
            parts.append(f"{rows / elapsed:,.0f} rows/s")
        if rejected:
            parts.append(f"{rejected:,} rejected")
        left = remaining(elapsed, consumed, self._size)
        if left is not None:
            parts.append(f"{clock_time(left)} left")
        if now - self._moved >= SURE_AFTER:
            parts.append(WAITING)
        self._bar.update(self._bar.task_ids[0], completed=consumed, counts=" · ".join(parts))

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def choose_progress(stream: TextIO, *, quiet: bool, interval: float = 5.0) -> Progress:
    """A bar if the stream is a terminal, lines every `interval` seconds if not, nothing if quiet."""
    if quiet:
        return Silent()
    return Drawn(stream) if stream.isatty() else Lines(stream, interval=interval)


def remaining(elapsed: float, consumed: int, size: int | None) -> float | None:
    """The seconds that are left at the rate so far; None before it has settled or where the size isn't known."""
    if not size or not consumed or elapsed < SURE_AFTER:
        return None
    return max(0.0, elapsed * (size - consumed) / consumed)


def clock_time(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
