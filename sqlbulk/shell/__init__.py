"""The prompt: statements typed over several lines, backslash commands, completion, history."""

from __future__ import annotations

import sys

from sqlbulk.reports import Report
from sqlbulk.runner import run_scripts
from sqlbulk.session import Parameters, Session

__all__ = ["run_shell"]


def run_shell(
    session: Session, *, format: str = "table", quiet: bool = False, parameters: Parameters = None
) -> int:
    """Talk to the user until Ctrl-D or exit; the exit code. What is piped in is run as a script instead."""
    report = Report(sys.stdout, sys.stderr, format=format, quiet=quiet)
    if not sys.stdin.isatty():
        return run_scripts(session, [("<stdin>", sys.stdin.buffer)], report, parameters=parameters)
    from sqlbulk.shell.loop import Conversation
    from sqlbulk.shell.state import Shell

    return Conversation(Shell(session, report, parameters=parameters)).run()
