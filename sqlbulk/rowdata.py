"""Rows on their way in: chunks of values, where each row came from, and why one was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Location:
    """Where a row stands: the file's or script's name, line and column (1-based); None where there is no such thing."""

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.source, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was not written: its number in the statement (1-based), a code of `codes.CODES`, and the reason.

    `server_code` is MongoDB's error code where the server refused it, `text` an excerpt of the row as it
    was written, `document` what was to be stored, as far as it got.
    """

    row: int
    code: str
    message: str
    location: Location | None = None
    column: str | None = None
    text: str | None = None
    server_code: int | None = None
    document: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        where = f" ({self.location})" if self.location else ""
        return f"{self.code}: {self.message} @ row {self.row}{column}{where}"


def _nowhere(index: int) -> Location | None:
    return None


def _no_text(index: int) -> str | None:
    return None


@dataclass(slots=True)
class Chunk:
    """Some consecutive rows of a source, decoded.

    `rows` holds tuples of Python values in the order of the source's columns, or whole documents
    (mappings). `ordinals` numbers them in the statement, 1-based, counting the refused ones too.
    `refused` holds the rows of the same stretch that could not be decoded. `locate(i)` and `excerpt(i)`
    tell where `rows[i]` stands and how it was written; they are called for faulty rows only.
    `consumed` is how many bytes (or characters) of the input are behind us, for progress.
    """

    rows: Sequence[Any]
    ordinals: Sequence[int]
    refused: list[RowError] = field(default_factory=list)
    locate: Callable[[int], Location | None] = _nowhere
    excerpt: Callable[[int], str | None] = _no_text
    consumed: int = 0


class RowSource(Protocol):
    """Rows to be written. Iterating may be done once; `columns` is known before the first chunk is read.

    `columns` None means that rows are documents. `size` is the input's length in the unit of
    `Chunk.consumed`, None where it can't be known.
    """

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the values of a row, or None if rows are documents."""

    @property
    def size(self) -> int | None:
        """The input's length in the unit of `Chunk.consumed`, None if unknown."""

    def __iter__(self) -> Iterator[Chunk]:
        """The rows, chunk by chunk."""
