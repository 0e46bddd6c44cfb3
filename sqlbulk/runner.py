"""Runs scripts for a person: reports statement by statement, and stops in good order at Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from sqlbulk.commands import bare
from sqlbulk.errors import ConnectionFailed, ConnectionLost, Interrupted, SqlbulkError, UsageError
from sqlbulk.reports import Report

if TYPE_CHECKING:
    from sqlbulk.session import Parameters, Script, Session
    from sqlbulk.syntax.script import ScriptStatement

FATAL = (ConnectionFailed, ConnectionLost, Interrupted)
"""After these there is no going on, because the next statement would meet the same; nor after a URI that is none."""


def run_scripts(
    session: Session, scripts: Iterable[tuple[str, Script]], report: Report, *,
    parameters: Parameters = None, go_on: bool = False,
) -> int:
    """Run scripts, each given with its name, and write what comes of them; the exit code.

    The first failing statement ends it all, unless `go_on`; a lost server and Ctrl-C always do. A script
    that can't be split into statements ends there. When nobody reads `report.out` any more it ends
    without a word, with code 5 if statements were left.
    """
    statements = (s for name, script in scripts for s in session.statements(script, name=name))
    try:
        with stopping(session):
            for statement in statements:
                if not _run_one(session, statement, report, parameters) and not go_on:
                    break
        report.close()
    except _Fatal:
        report.close()
    except SqlbulkError as error:
        report.failure(error)
        report.close()
    except KeyboardInterrupt:
        report.failure(Interrupted("E5008", "interrupted"))
        report.close()
    except BrokenPipeError:
        discard(sys.stdout)
        return report.exit_code or (5 if next(statements, None) else 0)
    except OSError as error:
        # What is read is the layers' business and becomes an error of theirs; this is what is written.
        discard(sys.stdout)
        with suppress(OSError):  # of a terminal that was closed standard error is a part as well
            report.failure(UsageError("E6006", f"the results can't be written: {error.strerror}"))
    return report.exit_code


def tell_unused(session: Session, report: Report, parameters: Parameters) -> None:
    """Say which values were given for nothing; a misspelt name should not go unnoticed."""
    given: set[int | str] = set(parameters if isinstance(parameters, Mapping) else range(len(parameters or ())))
    unused = [key if isinstance(key, str) else str(key + 1) for key in given - session.parameters_seen]
    if unused:
        report.notice(f"no statement has a parameter {', '.join(sorted(unused))}")


class _Fatal(Exception):  # noqa: N818
    """A failure was reported, after which nothing more can be run."""


def _run_one(
    session: Session, statement: ScriptStatement, report: Report, parameters: Parameters
) -> bool:
    """Run and report a statement; whether it went well."""
    try:
        report.result(session.run_statement(statement, parameters))
    except SqlbulkError as error:
        plan = session.last_plan
        targets = [getattr(bare(step), "collection", None) for step in plan.steps] if plan is not None else []
        report.failure(error, statement=plan.statement if plan is not None else "", target=next(iter(targets), None))
        if isinstance(error, FATAL) or error.code == "E5010":
            raise _Fatal from None
        return False
    return True


@contextmanager
def stopping(session: Session) -> Iterator[None]:
    """Within, the first Ctrl-C finishes the batches in flight, the second stops at once, the third kills.

    So do SIGTERM and SIGHUP. Where no batches are in flight the first stops at once: as KeyboardInterrupt, or
    Interrupted from a statement. In a thread other than the main one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    named = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    before = {number: signal.getsignal(number) for number in named if number is not None}
    # Under nohup, or behind an & in a script, some are to be ignored.
    signals = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def stop(number: int, frame: FrameType | None) -> None:
        if not session.interrupt():
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, before[number])


def discard(stream: Any) -> None:
    """Let nothing more go to a closed pipe, so that Python doesn't complain about it when it ends."""
    target = os.open(os.devnull, os.O_WRONLY)
    os.dup2(target, stream.fileno())
    os.close(target)
