"""What became of a piece of a statement's work, a batch or a window, and how that is added to its summary."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sqlbulk.results import WriteSummary
from sqlbulk.rowdata import RowError


@dataclass(slots=True)
class Counts:
    """Rows or documents by what became of them, as in `WriteSummary`. Nothing was done to those it doesn't count."""

    inserted: int = 0
    matched: int = 0
    modified: int = 0
    deleted: int = 0
    archived: int = 0
    kept: int = 0
    skipped: int = 0
    in_doubt: int = 0
    unconfirmed: int = 0
    batches: int = 0
    retries: int = 0
    bytes: int = 0
    rejected: list[RowError] = field(default_factory=list)
    notices: set[str] = field(default_factory=set)

    def retried(self) -> None:
        """Count a command that was sent again."""
        self.retries += 1

    def add_to(self, summary: WriteSummary) -> None:
        """Count the same there."""
        for name in _ADDED:
            setattr(summary, name, getattr(summary, name) + getattr(self, name))
        for error in self.rejected:
            summary.reject(error)


_ADDED = tuple(one.name for one in fields(Counts) if one.name not in ("rejected", "notices"))
