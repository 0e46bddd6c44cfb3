"""The rows that a caller hands in, as a source: read only as fast as they are written."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlbulk.errors import UsageError
from sqlbulk.rowdata import Chunk

CHUNK_ROWS = 1_000
PIECE_ROWS = 37
"""Rows that are read without looking at the clock; a chunk is one row and 27 pieces."""
PATIENCE = 0.25
"""A chunk is handed on with fewer rows once it has waited for so many seconds."""
CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk is handed on with fewer rows once they are so large, judged by one of each piece."""


@dataclass(frozen=True, slots=True)
class CallerSource:
    """Tuples, other sequences, or mappings, from any iterable; a generator is read as needed."""

    rows: Iterable[Any]
    columns: None = None

    @property
    def size(self) -> int | None:
        """How many rows there are, if that can be told without reading them."""
        try:
            return len(self.rows)  # type: ignore[arg-type]
        except TypeError:
            return None

    def __iter__(self) -> Iterator[Chunk]:
        rows, first = iter(self.rows), 1
        while chunk := _next_rows(rows):
            yield Chunk(chunk, range(first, first + len(chunk)), consumed=first + len(chunk) - 1)
            first += len(chunk)


def _next_rows(rows: Iterator[Any]) -> list[Any]:
    """The next rows, fewer where they come slowly: between two chunks it is looked at whether to stop."""
    found: list[Any] = []
    latest = time.monotonic() + PATIENCE
    wanted, room = 1, CHUNK_BYTES
    while len(found) < CHUNK_ROWS:
        # the first one by itself, as it tells how slowly they come, and how large they are
        piece = list(islice(rows, wanted))
        found += piece
        if len(piece) < wanted or time.monotonic() > latest:
            break
        large = _length(piece[-1])
        room -= large * len(piece)
        if room <= 0:
            break
        wanted = min(PIECE_ROWS, max(1, room // large)) if large else PIECE_ROWS
    return found


def _length(value: Any) -> int:
    """How long the texts and bytes in a row are, all together."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list | tuple) else 0


def caller_source(rows: object) -> CallerSource:
    """The source for `rows=`. Raises UsageError (E6001) for what holds no rows."""
    if rows is None:
        raise UsageError("E6001", "the statement takes its rows from the caller, but none were handed in",
                         hint="Pass them: execute(sql, rows=...).")
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise UsageError("E6001", f"rows= takes an iterable of tuples or dicts, not a {type(rows).__name__}")
    return CallerSource(rows)
