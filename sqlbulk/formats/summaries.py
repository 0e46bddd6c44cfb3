"""What a statement or a script did, as results of their own, so that every output format can show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlbulk.results import ANALYZED, Result, WriteSummary

COUNTS = ("inserted", "matched", "modified", "upserted", "archived", "deleted", "kept", "rejected", "skipped",
          "in_doubt", "unconfirmed", "batches", "retries")
"""The counts that are shown, in this order, where they are not zero."""

_MAIN = {"UPDATE": "matched", "DELETE": "deleted", "MERGE": "matched", "MOVE": "deleted"}


def summary_table(result: Result) -> Result:
    """A table of one row: statement, target, what was counted, MB, seconds, rows/s.

    Counts of zero are left out, but for the statement's main one. Without a summary the table is empty.
    """
    return _table("SUMMARY", [result])


def closing_table(results: Iterable[Result]) -> Result:
    """A table of one row a statement that wrote something, and a total row behind more than one."""
    return _table("SUMMARY", list(results), total=True)


def rejected_table(result: Result) -> Result:
    """A table of the rejected rows that were kept: row, where, code, reason; and how many more there are."""
    columns = ("row", "where", "code", "reason")
    if result.summary is None:
        return Result("REJECTED", columns)
    rows: list[tuple[Any, ...]] = [
        (error.row, str(error.location) if error.location else None, error.code,
         f"{error.column}: {error.message}" if error.column else error.message)
        for error in result.summary.errors
    ]
    hidden = result.summary.rejected - len(rows)
    if hidden > 0:
        rows.append((None, None, None, f"and {hidden} more"))
    return Result("REJECTED", columns, rows)


def _table(statement: str, results: Sequence[Result], *, total: bool = False) -> Result:
    written = [(result, result.summary) for result in results if result.summary is not None]
    summaries = [summary for _, summary in written]
    main = {_MAIN.get(result.statement.removeprefix(ANALYZED).split()[0].upper(), "inserted") for result, _ in written}
    counts = [name for name in COUNTS if name in main or any(getattr(summary, name) for summary in summaries)]
    rows = [_row(result.statement, result.target, summary, counts) for result, summary in written]
    if total and len(rows) > 1:
        rows.append(_row("total", None, _sum(summaries), counts))
    return Result(statement, ("statement", "target", *counts, "MB", "seconds", "rows/s"), rows)


def _row(statement: str, target: str | None, summary: WriteSummary, counts: Sequence[str]) -> tuple[Any, ...]:
    handled = summary.read or summary.matched + summary.deleted
    rate = round(handled / summary.seconds) if summary.seconds > 0 else None
    return (statement, target, *(getattr(summary, name) for name in counts), round(summary.bytes / 1e6, 2),
            round(summary.seconds, 3), rate)


def _sum(summaries: Sequence[WriteSummary]) -> WriteSummary:
    total = WriteSummary()
    for name in ("read", "bytes", "seconds", *COUNTS):
        setattr(total, name, sum(getattr(summary, name) for summary in summaries))
    return total
