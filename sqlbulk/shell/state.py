"""What a conversation knows and can do: run statements, remember the last one, send results elsewhere."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path

from sqlbulk.errors import SqlbulkError
from sqlbulk.execute import inspection
from sqlbulk.plan.show import function_rows
from sqlbulk.reports import Report
from sqlbulk.runner import run_scripts
from sqlbulk.session import Parameters, Session

_NAMES_FOR = 10.0
"""Seconds for which the names of the collections are good."""


class Shell:
    """A conversation with one session.

    `last_text` is the last statement, `prefill` what stands behind the next prompt at first.
    """

    def __init__(self, session: Session, report: Report, *, parameters: Parameters) -> None:
        self.session, self.report, self.parameters = session, report, parameters
        self.leaving = self.timing = False
        self.last_text: str | None = None
        self.prefill = ""
        self._terminal = report.out
        self._names: tuple[float, list[str]] = (0.0, [])

    def run_text(self, text: str) -> bool:
        """Run statements and show what comes; whether all went well."""
        began = time.perf_counter()
        code = self._run_script("<shell>", text)
        if self.timing:
            self.report.err.write(f"Time: {_duration(time.perf_counter() - began)}\n")
        return code in (0, 3)

    def run_file(self, path: Path) -> None:
        """Run a script file."""
        self._run_script(str(path), path)

    def _run_script(self, name: str, script: str | Path) -> int:
        # Each has its own report: a closing summary is about what was just run.
        report = Report(self.report.out, self.report.err, format=self.report.format, quiet=self.report.quiet,
                        chatty=True)
        return run_scripts(self.session, [(name, script)], report, parameters=self.parameters)

    def look(self, text: str) -> bool:
        """Run a statement on the user's behalf, which isn't the last one; whether it went well."""
        plan = self.session.last_plan
        try:
            return self._run_script("<shell>", text) == 0
        finally:
            self.session.last_plan = plan

    def tell(self, text: str) -> None:
        """Write a line about the shell itself."""
        self.report.err.write(f"{text}\n")
        self.report.err.flush()

    def send_output(self, path: Path | None) -> None:
        """Write results to a file, None: to the terminal. OSError if it can't be opened."""
        if path is not None:
            opened = path.open("w", encoding="utf-8")
        if self.report.out is not self._terminal:
            self.report.out.close()
        self.report.out = self._terminal if path is None else opened

    def collections(self) -> list[str]:
        """The collections of the database, asked for now and then; none if the server doesn't answer."""
        told, names = self._names
        if not told or time.monotonic() - told > _NAMES_FOR:
            try:
                names = inspection.collection_names(self.session.connection())
            except SqlbulkError:
                names = []
            self._names = (time.monotonic(), names)
        return names

    def forget_names(self) -> None:
        """Ask for the collections anew when they are needed."""
        self._names = (0.0, [])

    @cached_property
    def functions(self) -> list[str]:
        """The names of all functions that are words."""
        return [row[0] for row in function_rows()]


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
