"""Progress: what is told, when, and to whom."""

from __future__ import annotations

import io
import itertools

import pytest

from sqlbulk.progress import WAITING, Drawn, Lines, Silent, choose_progress, clock_time, remaining


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_kind_follows_the_stream() -> None:
    assert isinstance(choose_progress(Terminal(), quiet=False), Drawn)
    assert isinstance(choose_progress(io.StringIO(), quiet=False), Lines)
    assert isinstance(choose_progress(Terminal(), quiet=True), Silent)


def test_a_line_every_interval_with_share_rate_and_time_left() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, interval=5, clock=clock)
    lines.begin("INSERT users", 1000)
    clock.now += 4.9
    lines.update(consumed=100, rows=10, rejected=0)
    assert stream.getvalue() == ""
    clock.now += 5.1
    lines.update(consumed=250, rows=2500, rejected=3)
    lines.update(consumed=260, rows=2600, rejected=3)
    lines.end()
    assert stream.getvalue() == "INSERT users: 25%, 2,500 rows, 250 rows/s, 3 rejected, 0:30 left\n"


def test_no_share_without_a_size() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, interval=1, clock=clock)
    lines.begin("INSERT t", None)
    clock.now += 10
    lines.update(consumed=5, rows=20, rejected=0)
    assert stream.getvalue() == "INSERT t: 20 rows, 2 rows/s\n"


def test_more_than_was_announced_is_all_of_it() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, interval=1, clock=clock)
    lines.begin("INSERT t", 100)
    clock.now += 10
    lines.update(consumed=105, rows=20, rejected=0)
    assert stream.getvalue() == "INSERT t: 100%, 20 rows, 2 rows/s, 0:00 left\n"


@pytest.mark.parametrize(
    ("elapsed", "consumed", "size", "left"),
    [(4.9, 50, 100, None), (5, 50, 100, 5.0), (5, 0, 100, None), (5, 50, None, None), (5, 50, 0, None), (9, 110, 100, 0.0)],
)
def test_the_time_left_is_told_when_it_is_known(
    elapsed: float, consumed: int, size: int | None, left: float | None
) -> None:
    assert remaining(elapsed, consumed, size) == left


def test_clock_times() -> None:
    assert [clock_time(s) for s in (0, 59.6, 61, 3600, 36_061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]


@pytest.mark.parametrize("size", [None, 0, 1000])
def test_the_bar_is_drawn_on_its_stream_and_goes_away(
    size: int | None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    clock, stream = Clock(), Terminal()
    bar = Drawn(stream, clock=clock)
    bar.update(consumed=1, rows=1, rejected=0)
    bar.begin("INSERT [users]", size)
    for _ in range(3):
        clock.now += 3
        bar.update(consumed=300, rows=600, rejected=1)
    bar.end()
    bar.end()
    drawn = stream.getvalue()
    assert "INSERT [users]" in drawn
    assert "600 rows" in drawn
    assert "1 rejected" in drawn
    assert ("left" in drawn) == bool(size)
    assert capfd.readouterr() == ("", "")


def test_a_new_bar_ends_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bar = Drawn(stream)
    for title in itertools.islice(("first", "second"), 2):
        bar.begin(title, 10)
        bar.update(consumed=5, rows=5, rejected=0)
    bar.end()
    assert "first" in stream.getvalue()
    assert "second" in stream.getvalue()


def test_silence() -> None:
    silent = Silent()
    silent.begin("INSERT t", 1)
    silent.update(consumed=1, rows=1, rejected=0)
    silent.end()


def test_a_statement_that_waits_says_so() -> None:
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, interval=5, clock=clock)
    lines.begin("UPDATE t", None)
    for rows in (0, 20, 20, 30):
        clock.now += 5
        lines.update(consumed=0, rows=rows, rejected=0)
    assert stream.getvalue().splitlines() == [
        f"UPDATE t: 0 rows, 0 rows/s, {WAITING}", "UPDATE t: 20 rows, 2 rows/s",
        f"UPDATE t: 20 rows, 1 rows/s, {WAITING}", "UPDATE t: 30 rows, 2 rows/s"]


def test_a_bar_that_stands_says_why() -> None:
    clock, stream = Clock(), Terminal()
    drawn = Drawn(stream, clock=clock)
    drawn.begin("UPDATE t", None)
    for rows, seconds, waits in ((0, 4.9, False), (10, 4.9, False), (10, 5.1, True), (11, 4.9, False)):
        clock.now += seconds
        drawn.update(consumed=0, rows=rows, rejected=0)
        assert drawn._bar is not None
        assert (WAITING in drawn._bar.tasks[0].fields["counts"]) == waits
    drawn.end()
