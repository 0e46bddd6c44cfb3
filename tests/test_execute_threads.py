"""Threads that are kept: used again, given up after a while, and not taken over by a forked process."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from sqlbulk.execute import threads
from sqlbulk.execute.batches import Batch
from sqlbulk.execute.crew import Crew
from sqlbulk.execute.encode import Encoded
from sqlbulk.execute.threads import TURN, in_thread, quick_turns


def run_in_thread() -> int:
    done = threading.Event()
    found: list[int] = []

    def work() -> None:
        found.append(threading.get_ident())
        done.set()

    in_thread(work)
    assert done.wait(5)
    return found[0]


def settle() -> None:
    """Until the thread that just worked waits for more."""
    until = time.monotonic() + 5
    while not threads._kept.waiting and time.monotonic() < until:
        time.sleep(0.001)


def test_a_thread_is_used_again() -> None:
    first = run_in_thread()
    settle()
    assert run_in_thread() == first or len(threads._kept.waiting) > 1


def test_threads_end_when_nothing_is_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads._kept, "waiting", [])
    monkeypatch.setattr(threads, "KEPT", 0.01)
    ident = run_in_thread()
    until = time.monotonic() + 5
    while ident in {thread.ident for thread in threading.enumerate()} and time.monotonic() < until:
        time.sleep(0.005)
    assert ident not in {thread.ident for thread in threading.enumerate()}
    assert threads._kept.waiting == []


def test_called_at_the_last_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is over, but somebody has taken the thread from the list: it does the work all the same."""
    monkeypatch.setattr(threads._kept, "waiting", [])
    monkeypatch.setattr(threads, "KEPT", 0.05)
    run_in_thread()
    settle()
    helper = threads._kept.waiting.pop()
    time.sleep(0.15)
    done = threading.Event()
    helper.call(done.set)
    assert done.wait(5)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    run_in_thread()
    settle()
    child = os.fork()
    if child == 0:
        try:
            run_in_thread()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_turns_are_put_back_by_the_last_one() -> None:
    before = sys.getswitchinterval()
    with quick_turns():
        with pytest.raises(ValueError), quick_turns():
            raise ValueError
        assert sys.getswitchinterval() == pytest.approx(TURN)
    assert sys.getswitchinterval() == pytest.approx(before)
    sys.setswitchinterval(TURN / 10)
    try:
        with quick_turns():
            assert sys.getswitchinterval() == pytest.approx(TURN / 10, rel=0.1)
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("lanes", [False, True])
def test_workers_begin_when_there_is_work(lanes: bool) -> None:
    gate, seen, most = threading.Event(), [], [0, 0]

    def write(batch: Batch) -> None:
        most[0] += 1
        most[1] = max(most)
        gate.wait(5)
        seen.append(batch.lane)
        most[0] -= 1

    crew = Crew(write, workers=3, lanes=lanes, room=1000)
    crew.submit(Batch(Encoded(), 1, 1))
    crew.submit(Batch(Encoded(), 1, 2))
    until = time.monotonic() + 5
    while most[1] < 2 and time.monotonic() < until:
        time.sleep(0.005)
    assert most[1] == 2
    gate.set()
    for lane in range(20):
        crew.submit(Batch(Encoded(), 1, lane % 3))
    crew.finish()
    assert sorted(seen) == sorted([1, 2, *(lane % 3 for lane in range(20))])
    assert crew.submit(Batch(Encoded(), 1)) is False
