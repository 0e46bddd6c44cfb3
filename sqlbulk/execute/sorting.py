"""Rows in the order of `sort_by`, in bounded memory: sorted runs go to a temporary file and are merged."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import total_ordering
from typing import IO, Any
from uuid import UUID

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.execute.encode import Encoded, Origin
from sqlbulk.execute.spill import no_file
from sqlbulk.rowdata import Location
from sqlbulk.types import MISSING

ROW_OVERHEAD = 1_000
"""What a row costs in memory beside its BSON, in bytes, about."""
FAN_IN = 64
PIECE = 1_000

_Record = tuple[tuple[Any, ...], int, bytes, Location | None, str | None, tuple[Any, ...]]
"""Sort key, number in the statement, BSON, place, excerpt, key values."""


class Sorter:
    """Takes rows, and gives them back in order; `memory` in bytes. A context manager that removes its files.

    Rows that are equal in all sort keys keep their order.
    """

    def __init__(self, directions: Sequence[bool], memory: int) -> None:
        self._descending = tuple(directions)
        self._memory = memory
        self._records: list[_Record] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []

    def add(self, rows: Encoded) -> None:
        """Take rows; the last values of each row's key are those to sort by. UsageError E6006 on a full disk."""
        count = len(self._descending)
        for place, document in enumerate(rows.documents):
            origin, index, values = rows.origins[place], rows.indexes[place], rows.keys[place]
            key = tuple(map(_directed, values[len(values) - count :], self._descending))
            self._records.append((key, rows.ordinals[place], document, origin.locate(index), origin.excerpt(index),
                                  values[: len(values) - count]))
            self._size += len(document) + ROW_OVERHEAD
            if self._size >= self._memory:
                self._spill()

    def rows(self) -> Iterator[Encoded]:
        """All rows, in order, some at a time."""
        self._records.sort(key=_order)
        streams = [*(map(_loaded, self._runs)), iter(self._records)]
        merged = heapq.merge(*streams, key=_order)
        piece: list[_Record] = []
        for record in merged:
            piece.append(record)
            if len(piece) == PIECE:
                yield _encoded(piece)
                piece = []
        if piece:
            yield _encoded(piece)

    def _spill(self) -> None:
        self._records.sort(key=_order)
        self._write(iter(self._records))
        self._records, self._size = [], 0
        if len(self._runs) >= FAN_IN:
            runs, self._runs = self._runs, []
            self._write(heapq.merge(*map(_loaded, runs), key=_order))
            for run in runs:
                run.close()

    def _write(self, records: Iterator[_Record]) -> None:
        try:
            run = tempfile.TemporaryFile(prefix="sqlbulk-sort-")  # noqa: SIM115
            self._runs.append(run)
            for record in records:
                pickle.dump(record, run, pickle.HIGHEST_PROTOCOL)
            run.flush()
        except OSError as error:
            raise no_file(error, "sort_by") from None

    def close(self) -> None:
        """Remove the temporary files."""
        for run in self._runs:
            # on a full disk what is buffered can't be written at the end either
            with suppress(OSError):
                run.close()
        self._runs, self._records = [], []

    def __enter__(self) -> Sorter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _order(record: _Record) -> tuple[tuple[Any, ...], int]:
    return record[0], record[1]


def _loaded(run: IO[bytes]) -> Iterator[_Record]:
    run.seek(0)
    while True:
        try:
            yield pickle.load(run)
        except EOFError:
            return


def _encoded(records: Sequence[_Record]) -> Encoded:
    places = [record[3] for record in records]
    texts = [record[4] for record in records]
    origin = Origin(places.__getitem__, texts.__getitem__)
    return Encoded(
        [record[2] for record in records], [record[1] for record in records], [origin] * len(records),
        list(range(len(records))), [record[5] for record in records])


@total_ordering
class _Backwards:
    """A sort key whose order is turned round."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and self.key == other.key

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.key < self.key)

    def __hash__(self) -> int:
        return hash(self.key)


def _directed(value: Any, descending: bool) -> Any:
    key = sort_key(value)
    return _Backwards(key) if descending else key


def sort_key(value: Any) -> tuple[Any, ...]:
    """What orders values as MongoDB does: by kind first, NULL and missing before all."""
    match value:
        case bool():
            return (8, value)
        case int() | float() | Decimal() | Decimal128():
            return _number_key(value)
        case str():
            return (3, value.encode("utf-8", "surrogatepass"))
        case Mapping():
            return (4, tuple((sort_key(v)[0], k, sort_key(v)) for k, v in value.items()))
        case list() | tuple():
            return (5, tuple(map(sort_key, value)))
        case bytes() | bytearray() | UUID():
            data = value.bytes if isinstance(value, UUID) else bytes(value)
            return (6, len(data), data)
        case ObjectId():
            return (7, value.binary)
        case date():
            return (9, _moment(value))
        case _:
            return (1,) if value is None or value is MISSING else (10, type(value).__name__, str(value))


def _number_key(value: float | Decimal | Decimal128) -> tuple[Any, ...]:
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    nan = number.is_nan() if isinstance(number, Decimal) else number != number
    return (2, 0, 0) if nan else (2, 1, number)


def _moment(value: date) -> float:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
