"""What comes back from a statement: a table of rows, and the counts of what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.rowdata import RowError

KEPT_ERRORS = 1_000
"""How many rejected rows a summary keeps in full; all are counted."""
ANALYZED = "EXPLAIN ANALYZE "
"""What stands before the verb of a statement that was carried out to be shown with its figures."""


@dataclass(slots=True)
class WriteSummary:
    """What a statement did. Rows: read = inserted + matched + upserted + rejected + skipped + in_doubt for row sources.

    `skipped` rows were left out on purpose (DO NOTHING, or behind an error of an ordered run); `in_doubt`
    rows were sent, but no reply came. UPDATE and DELETE: `read` documents were found, `kept` of them were
    left alone because they were changed or deleted in between; `archived` ones were copied and read back.
    `bytes` is BSON sent, `seconds` wall time. `errors` holds the first `KEPT_ERRORS` rejected rows.
    """

    read: int = 0
    inserted: int = 0
    matched: int = 0
    modified: int = 0
    upserted: int = 0
    deleted: int = 0
    archived: int = 0
    kept: int = 0
    rejected: int = 0
    skipped: int = 0
    in_doubt: int = 0
    unconfirmed: int = 0
    batches: int = 0
    retries: int = 0
    bytes: int = 0
    seconds: float = 0.0
    errors: list[RowError] = field(default_factory=list)

    def reject(self, error: RowError) -> None:
        """Count a row that was not written, and keep it while there is room."""
        self.rejected += 1
        if len(self.errors) < KEPT_ERRORS:
            self.errors.append(error)


@dataclass(slots=True)
class Result:
    """One statement's outcome.

    `columns` names the values of `rows`, an iterable of tuples that may be read once and streams from the
    server. `summary` is None for statements that write nothing. `notices` are sentences for the user
    (stderr). `statement` is the statement's verb, such as 'INSERT'; `target` what it wrote to.
    """

    statement: str
    columns: tuple[str, ...] = ()
    rows: Iterable[tuple[Any, ...]] = ()
    summary: WriteSummary | None = None
    notices: tuple[str, ...] = ()
    target: str | None = None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)
