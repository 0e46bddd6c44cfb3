"""Encoded rows into batches: by count, by bytes, and by key, so that rows of one key stay in order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bson import encode
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.batching import BATCH_BYTES
from sqlbulk.execute.encode import OPTIONS, Encoded


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes into one batch: rows, and bytes of BSON. `overhead` is what each row costs beside its own bytes."""

    rows: int
    bytes: int = BATCH_BYTES
    overhead: int = 0


@dataclass(slots=True)
class Batch:
    """Rows to be sent in one command: the rows, their size in bytes, and the lane they go through."""

    rows: Encoded
    size: int
    lane: int = 0


class Batcher:
    """Collects rows until they fill a batch. Put together again, the batches are the rows, in order."""

    def __init__(self, limits: Limits, lane: int = 0) -> None:
        self._limits, self._lane = limits, lane
        self._rows, self._size = Encoded(), 0

    def add(self, rows: Encoded) -> Iterator[Batch]:
        """Take rows, and give the batches that are full."""
        limits, start = self._limits, 0
        sizes = [len(document) + limits.overhead for document in rows.documents]
        while start < len(sizes):
            end, size = self._fit(sizes, start)
            self._rows.extend(rows if end - start == len(rows) else rows.slice(start, end))
            self._size += size
            start = end
            if start < len(sizes) or len(self._rows) == limits.rows:
                yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """The rows that are left, if any."""
        if len(self._rows):
            batch = Batch(self._rows, self._size, self._lane)
            self._rows, self._size = Encoded(), 0
            yield batch

    def _fit(self, sizes: list[int], start: int) -> tuple[int, int]:
        """Up to where the rows fit into the batch, and their size; a batch that is empty takes any one row."""
        end = min(len(sizes), start + self._limits.rows - len(self._rows))
        room = self._limits.bytes - self._size
        total = sum(sizes[start:end])
        if total <= room:
            return end, total
        total = 0
        for index in range(start, end):
            if total + sizes[index] > room and (len(self._rows) or index > start):
                return index, total
            total += sizes[index]
        return end, total


class Partition:
    """Batchers side by side, one a lane; rows of equal keys take the same lane."""

    def __init__(self, limits: Limits, lanes: int) -> None:
        self._batchers = [Batcher(limits, lane) for lane in range(lanes)]

    def add(self, rows: Encoded) -> Iterator[Batch]:
        """Take rows, and give the batches that are full."""
        if len(self._batchers) == 1:
            yield from self._batchers[0].add(rows)
            return
        places: list[list[int]] = [[] for _ in self._batchers]
        for index, key in enumerate(rows.keys):
            places[lane_of(key, len(places))].append(index)
        for batcher, chosen in zip(self._batchers, places, strict=True):
            if chosen:
                yield from batcher.add(rows.select(chosen))

    def flush(self) -> Iterator[Batch]:
        """The rows that are left in any lane."""
        for batcher in self._batchers:
            yield from batcher.flush()


def next_rows(rows: Iterator[Mapping[str, Any]], size: int, room: int) -> list[Any]:
    """The next rows, at most `size`, and no more once they are as large as `room` bytes of BSON; but always one."""
    taken: list[Any] = []
    while (room > 0 or not taken) and len(taken) < size and (row := next(rows, None)) is not None:
        taken.append(row)
        room -= len(encode(row, False, OPTIONS))
    return taken


def lane_of(key: tuple[Any, ...], lanes: int) -> int:
    """The lane of a key: the same for keys that MongoDB holds equal, such as 1, 1.0 and Decimal128('1')."""
    return hash(comparable_key(key)) % lanes


def comparable_key(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Something hashable that is equal for keys that MongoDB holds equal, and for some others."""
    return tuple([_comparable(value) for value in key])


def _comparable(value: Any) -> Any:
    """Something hashable that is equal where MongoDB holds the values equal; most kinds are not told apart."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and not value.is_finite():
        return str(value)
    if isinstance(value, int | float | Decimal | str | ObjectId) and value == value:  # NaN isn't
        return value
    return None
