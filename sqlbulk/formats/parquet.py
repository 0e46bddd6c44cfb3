"""Parquet: rows as documents, read in batches with pyarrow, which is an optional library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.formats.columns import check_names
from sqlbulk.formats.documents import examined_value
from sqlbulk.formats.inputs import FileSource, Input, OpenInput, spooled, unreadable
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location, RowError
from sqlbulk.types import to_bson

ROWS = 1_000
"""How many rows a chunk has at most."""


def read(spec: FileRows, inputs: tuple[Input, ...]) -> ParquetRows:
    """The rows of the files. Raises UsageError (E6005) without pyarrow."""
    return ParquetRows(spec, inputs)


class ParquetRows(FileSource):
    """Rows as documents, or as tuples with a column list."""

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...]) -> None:
        super().__init__(inputs)
        self._arrow, self._parquet = _libraries()
        self._selection = Selection(spec)
        self.columns = self._selection.names
        self._ordinal = 1

    def __iter__(self) -> Iterator[Chunk]:
        for source, opened in zip(self.inputs, self.opened(), strict=True):
            direct = source.path is not None and source.compression == "none"
            with _seekable(source.path if direct else None, opened) as file:
                yield from self._file(file, opened)

    def _file(self, file: BinaryIO, opened: OpenInput) -> Iterator[Chunk]:
        try:
            table = self._parquet.ParquetFile(file)
            check_names(table.schema_arrow.names, opened.name)
            convert = [_converter(field.type, self._arrow) for field in table.schema_arrow]
            for batch in table.iter_batches(batch_size=ROWS):
                yield self._chunk(batch, convert, opened.name)
        except (self._arrow.ArrowException, OSError) as error:
            raise unreadable(opened.name, str(error).splitlines()[0]) from None

    def _chunk(self, batch: Any, convert: list[Callable[[Any], Any] | None], name: str) -> Chunk:
        names = batch.schema.names
        columns = [_values(column, self._arrow) for column in batch.columns]
        columns = [values if make is None else [None if v is None else make(v) for v in values]
                   for values, make in zip(columns, convert, strict=True)]
        first = self._ordinal
        rows: list[Any] = []
        kept: list[int] = []
        refused: list[RowError] = []
        for index, values in enumerate(zip(*columns, strict=True)):
            try:
                for value in values:
                    if type(value) in (int, dict, list):
                        examined_value(value)
                rows.append(dict(zip(names, values, strict=True)))
                kept.append(first + index)
            except RowRefused as error:
                refused.append(RowError(first + index, error.code, error.message, Location(name)))
        self._ordinal += batch.num_rows
        return self._selection.apply(
            Chunk(rows, kept, refused, locate=lambda i: Location(name), consumed=self.consumed))


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError("E6005", "Parquet files need pyarrow, which is not installed",
                         hint="pip install 'sqlbulk[parquet]'") from None
    return pyarrow, pyarrow.parquet


def _seekable(path: Path | None, opened: OpenInput) -> BinaryIO:
    return spooled(opened) if path is None else path.open("rb")


def _values(column: Any, arrow: ModuleType) -> list[Any]:
    if arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        # BSON has milliseconds; Python's dates have microseconds
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values


def _converter(kind: Any, arrow: ModuleType) -> Callable[[Any], Any] | None:
    """What makes a BSON value of a Python value of this Arrow type, None: nothing is needed."""
    types = arrow.types
    if types.is_dictionary(kind):
        return _converter(kind.value_type, arrow)
    if types.is_map(kind):
        make = _converter(kind.item_type, arrow) or _same
        return lambda pairs: {str(key): None if item is None else make(item) for key, item in pairs}
    if types.is_struct(kind):
        fields = {field.name: _converter(field.type, arrow) or _same for field in kind}
        return lambda value: {n: None if value[n] is None else make(value[n]) for n, make in fields.items()}
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        element = _converter(kind.value_type, arrow) or _same
        return lambda values: [None if item is None else element(item) for item in values]
    if types.is_duration(kind):
        return lambda value: value / timedelta(milliseconds=1)
    if types.is_time(kind):
        return time.isoformat
    if types.is_integer(kind) or types.is_floating(kind) or types.is_string(kind):
        return None
    return to_bson


def _same(value: Any) -> Any:
    return value
