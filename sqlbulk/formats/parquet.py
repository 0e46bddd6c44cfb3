"""Parquet: rows as documents, read in batches with pyarrow, which is an optional library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.formats.arrow import Conversion, conversion
from sqlbulk.formats.columns import check_names
from sqlbulk.formats.inputs import FileSource, Input, OpenInput, spooled, unreadable
from sqlbulk.formats.selection import Selection
from sqlbulk.rowdata import Chunk, Location, RowError

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
            read = self._read(table.schema_arrow.names)
            check_names(read, opened.name)
            conversions = {field.name: conversion(field.type, self._arrow, where=opened.name)
                           for field in table.schema_arrow if field.name in read}
            for batch in table.iter_batches(batch_size=ROWS, columns=read):
                yield self._chunk(batch, conversions, opened.name)
        except (self._arrow.ArrowException, OSError) as error:
            raise unreadable(opened.name, str(error).splitlines()[0]) from None

    def _read(self, names: Sequence[str]) -> list[str]:
        """The file's columns that are to be read: those that the column list takes something of."""
        wanted = {part for name in self.columns or () for part in (name, name.split(".")[0])}
        read = [name for name in names if name in wanted]
        # to the library a dot leads into a column, and without columns there are no rows
        return read if read and not any("." in name for name in read) else list(names)

    def _chunk(self, batch: Any, conversions: Mapping[str, Conversion], name: str) -> Chunk:
        names = batch.schema.names
        faults: dict[int, RowRefused] = {}

        def refuse(column: str, index: int, error: RowRefused) -> None:
            error.column = column
            faults.setdefault(index, error)

        columns = [conversions[column_name].values(column, refuse=partial(refuse, column_name))
                   for column_name, column in zip(names, batch.columns, strict=True)]
        rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        first = self._ordinal
        self._ordinal += batch.num_rows
        refused = [RowError(first + index, error.code, error.message, Location(name), error.column)
                   for index, error in sorted(faults.items())]
        return self._selection.apply(
            Chunk([row for index, row in enumerate(rows) if index not in faults],
                  [first + index for index in range(len(rows)) if index not in faults], refused,
                  locate=lambda i: Location(name), consumed=self.consumed))


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
