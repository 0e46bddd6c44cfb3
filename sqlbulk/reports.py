"""What a user sees of results: rows and summaries on stdout; notices, rejected rows and errors on stderr."""

from __future__ import annotations

from dataclasses import fields
from typing import TextIO

from sqlbulk.errors import Interrupted, SqlbulkError
from sqlbulk.formats import closing_table, write_result
from sqlbulk.results import Result, WriteSummary

SHOWN_REJECTED = 20
FOR_PEOPLE = frozenset({"table", "vertical", "markdown", "md", "html"})


class Report:
    """Writes results as they come, keeps what the closing summary needs, and knows the exit code.

    `out` gets results in `format`, `err` all else. `quiet` leaves out notices and all summaries: only the
    rows of queries and errors are written. `chatty` names statements that have nothing to show: someone waits.
    """

    def __init__(
        self, out: TextIO, err: TextIO, *, format: str = "table", quiet: bool = False, chatty: bool = False
    ) -> None:
        self.out, self.err, self.format, self.quiet, self.chatty = out, err, format, quiet, chatty
        self.statements = 0
        self.exit_code = 0
        self._written: dict[tuple[str, str | None], WriteSummary] = {}

    def result(self, result: Result) -> None:
        """Write one statement's outcome. What the server refuses while its rows are read is raised."""
        self.statements += 1
        self._notices(result)
        if result.columns:
            write_result(result, self.out, format=self.format)
            self.out.flush()
        if result.summary is not None:
            self._summary(result, result.summary)
        elif self.chatty and not self.quiet and not result.columns:
            self.err.write(f"{result.statement}\n")
            self.err.flush()

    def failure(self, error: SqlbulkError, *, statement: str = "statement", target: str | None = None) -> None:
        """Write what the statement did until the error, and the error. The first failure makes the exit code."""
        if self.exit_code in (0, 3):
            self.exit_code = error.exit_code
        summary = getattr(error, "summary", None)
        if isinstance(summary, WriteSummary):
            self._summary(Result(statement, summary=summary, target=target), summary)
        # A terminal has written ^C where the cursor was.
        begin = "\n" if isinstance(error, Interrupted) and self.err.isatty() else ""
        self.err.write(f"{begin}{error}\n")
        self.err.flush()

    def close(self) -> None:
        """Write the closing summary, if more than one statement wrote something.

        Formats for programs don't get it, because its total would be counted twice; it goes to `err` then.
        """
        if self.quiet or self.statements < 2 or not self._written:
            return
        if self.format.lower() in FOR_PEOPLE:
            write_result(self._closing(), self.out, format=self.format)
            self.out.flush()
        else:
            write_result(self._closing(), self.err)

    def notice(self, text: str) -> None:
        """Write a sentence for the user."""
        if not self.quiet:
            self.err.write(f"notice: {text}\n")
            self.err.flush()

    def _closing(self) -> Result:
        """A row for all statements of a kind on the same collection: a script may have a hundred thousand of them."""
        return closing_table([
            Result(statement, summary=summary, target=target)
            for (statement, target), summary in self._written.items()
        ])

    def _notices(self, result: Result) -> None:
        for text in result.notices:
            self.notice(text)

    def _summary(self, result: Result, summary: WriteSummary) -> None:
        add_up(self._written.setdefault((result.statement, result.target), WriteSummary()), summary)
        if not self.quiet and not result.columns:
            write_result(result, self.out, format=self.format)
            self.out.flush()
        if summary.rejected:
            self.exit_code = self.exit_code or 3
            self._rejected(summary)

    def _rejected(self, summary: WriteSummary) -> None:
        for error in summary.errors[:SHOWN_REJECTED]:
            self.err.write(f"rejected: {error}\n")
        hidden = summary.rejected - min(len(summary.errors), SHOWN_REJECTED)
        if hidden:
            self.err.write(f"… and {hidden:,} more\n")
        self.err.flush()


def add_up(total: WriteSummary, summary: WriteSummary) -> None:
    """Add a summary's counts to a total, which keeps no errors."""
    for field in fields(summary):
        if field.name != "errors":
            setattr(total, field.name, getattr(total, field.name) + getattr(summary, field.name))
