"""Which of the fields that a statement names no row of a file has: they may be misspelled, so a notice says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlbulk.execute.documents import find_value
from sqlbulk.rowdata import Chunk, RowSource
from sqlbulk.types import MISSING


class Looked:
    """A source whose rows are looked at until each of the names has been met once.

    Rows are documents, or values in the order of the names where the source has columns.
    """

    def __init__(self, source: RowSource, names: Sequence[str]) -> None:
        self._source = source
        self._unmet = list(enumerate(names))
        self._met_rows = False

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Those of the source."""
        return self._source.columns

    @property
    def size(self) -> int | None:
        """That of the source."""
        return self._source.size

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._source:
            if self._unmet and chunk.rows:
                self._met_rows = True
                self._look(chunk.rows)
            yield chunk

    def notices(self) -> tuple[str, ...]:
        """One if rows were read, and some names were never met."""
        if not self._unmet or not self._met_rows:
            return ()
        fields = "field" if len(self._unmet) == 1 else "fields"
        return (f"no row of the file has the {fields} {', '.join(name for _, name in self._unmet)}",)

    def _look(self, rows: Sequence[Any]) -> None:
        by_place = self.columns is not None
        for row in rows:
            self._unmet = [
                (place, name) for place, name in self._unmet
                if (row[place] if by_place else find_value(row, name)) is MISSING]
            if not self._unmet:
                return
