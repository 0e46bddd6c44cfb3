"""CSV and TSV: rows of typed values out of delimited text; and results as delimited text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO, cast

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.formats.cells import Layout, is_null, plain_text
from sqlbulk.formats.columns import Column, convert_rows, make_columns
from sqlbulk.formats.dialect import Dialect, has_header
from sqlbulk.formats.documents import excerpt_of
from sqlbulk.formats.inputs import FileSource, Input, OpenInput
from sqlbulk.formats.splitting import ROWS, BadRow, Batch, Splitter, lines_of
from sqlbulk.rowdata import Chunk, Location, RowError


def read(spec: FileRows, inputs: tuple[Input, ...]) -> Delimited:
    """The rows of CSV files; the delimiter is found out where none is given."""
    return Delimited(spec, inputs, delimiter=None)


def read_tsv(spec: FileRows, inputs: tuple[Input, ...]) -> Delimited:
    """The rows of files with tabs."""
    return Delimited(spec, inputs, delimiter="\t")


SAMPLED_ROWS = 100
"""So many rows are looked at to tell a header from data."""


class Delimited(FileSource):
    """Rows of one or more files with the same columns.

    Dialect, columns and types are settled by the first file's first rows when the source is made. An
    empty cell is NULL (whether quoted can't be told), unless `spec.null` says otherwise; with a backslash
    for escape \\N is NULL, and an empty cell of a column of type TEXT is empty text. Blank lines are passed
    over. Values without a name are left out.
    """

    def __init__(self, spec: FileRows, inputs: tuple[Input, ...], *, delimiter: str | None) -> None:
        super().__init__(inputs)
        self._spec, self._delimiter = spec, delimiter
        self._dialect: Dialect | None = None
        self._header: list[str] | None = None
        self._with_header = False
        self._ordinal = 1
        self._files = self.opened()
        try:
            self._check_headers()
            self._splitter, self._pending = self._begin(next(self._files))
            self._columns = self._settled(self._pending)
        except BaseException:
            self.close()
            raise
        self.columns = tuple(column.name for column in self._columns if column.name is not None)

    def __iter__(self) -> Iterator[Chunk]:
        splitter, batch = self._splitter, self._pending
        for index, source in enumerate(self.inputs):
            if index:
                splitter, batch = self._begin(next(self._files))
            while batch.rows:
                chunk = self._chunk(batch, source.name)
                if chunk.rows or chunk.refused:
                    yield chunk
                batch = splitter.batch()
        self.close()

    def _check_headers(self) -> None:
        """Raises UsageError (E6002), before anything is written, if the files have different headers."""
        if len(self.inputs) < 2 or self._spec.header is False:
            return
        first: list[str] | None = None
        dialect: Dialect | None = None
        for source in self.inputs:
            opened = source.open()
            try:
                splitter = Splitter(self._spec, opened, delimiter=self._delimiter, dialect=dialect)
                dialect = splitter.dialect
                row = _titles(_first_filled(splitter, 1), opened)
                titles = row if has_header(self._spec, row, opened.name) else []
            finally:
                opened.close()
            if first is not None and titles != first:
                raise UsageError("E6002", f"{source.name} has another header than {self.inputs[0].name}")
            first = titles

    def _begin(self, opened: OpenInput) -> tuple[Splitter, Batch]:
        """A file's rows behind its header, the first of them read."""
        splitter = Splitter(self._spec, opened, delimiter=self._delimiter, dialect=self._dialect)
        first = self._dialect is None
        self._dialect = splitter.dialect
        batch = _first_filled(splitter, ROWS)
        if first:
            titles = _titles(batch, opened)
            rows = [row for row in batch.rows[batch.rows.index(titles) + 1 :][:SAMPLED_ROWS] if isinstance(row, list)]
            self._with_header = has_header(self._spec, titles, opened.name, following=rows)
        if self._with_header:
            titles = _titles(batch, opened)
            place = batch.rows.index(titles)
            batch = Batch(batch.rows[place + 1 :], batch.line_of(place) + lines_of(titles),
                          batch.suspect, batch.rewriting)
            if first:
                self._header = [title.strip() for title in titles]
            if not any(batch.rows):
                batch = _first_filled(splitter, ROWS)
        return splitter, batch

    def _settled(self, batch: Batch) -> list[Column]:
        """The columns, their types found out from the first rows."""
        rows = [batch.finished(row) for row in batch.rows if row and not isinstance(row, BadRow)]
        width = len(rows[0]) if rows else 1
        columns = make_columns(self._spec, self._header, width, self.inputs[0].name)
        sample = [row for row in rows if len(row) == len(columns)]
        for number, column in enumerate(columns):
            column.settle([row[number] for row in sample])
        return columns

    def _chunk(self, batch: Batch, name: str) -> Chunk:
        places, rows, refused = self._cells(batch)
        kept = places if not refused else [place for place in places if place not in refused]
        converted = convert_rows(
            self._columns, rows, refuse=lambda i, error: refused.__setitem__(kept[i], error))
        first = self._ordinal
        self._ordinal += len(places)
        if not refused:
            return Chunk(
                converted, range(first, self._ordinal),
                locate=lambda i: Location(name, batch.line_of(places[i])),
                excerpt=lambda i: self._text(batch.rows[places[i]]), consumed=self.consumed)
        ordinals = {place: first + k for k, place in enumerate(places)}
        good = [place for place in places if place not in refused]
        errors = [RowError(ordinals[place], error.code, error.message, Location(name, batch.line_of(place)),
                           error.column, self._text(batch.rows[place]))
                  for place, error in sorted(refused.items())]
        return Chunk(
            [row for row in converted if row is not None], [ordinals[place] for place in good], errors,
            locate=lambda i: Location(name, batch.line_of(good[i])),
            excerpt=lambda i: self._text(batch.rows[good[i]]), consumed=self.consumed)

    def _cells(self, batch: Batch) -> tuple[Sequence[int], list[list[str]], dict[int, RowRefused]]:
        """The places of the rows that aren't blank, the readable ones' cells, and why the others aren't."""
        width = len(self._columns)
        if not batch.suspect and batch.rewriting is None and set(map(type, batch.rows)) == {list}:
            plain = cast(list[list[str]], batch.rows)
            if set(map(len, plain)) == {width}:
                return range(len(plain)), plain, {}
        places = [place for place, row in enumerate(batch.rows) if row]
        rows: list[list[str]] = []
        refused: dict[int, RowRefused] = {}
        for place in places:
            try:
                rows.append(self._readable(batch, batch.rows[place]))
            except RowRefused as error:
                refused[place] = error
        return places, rows, refused

    def _readable(self, batch: Batch, row: list[str] | BadRow) -> list[str]:
        """A row's cells, as many as there are columns. Raises RowRefused."""
        if isinstance(row, BadRow):
            raise row.refusal
        if batch.suspect:
            _check_text(row, self._spec.encoding)
        return batch.finished(row if len(row) == len(self._columns) else self._filled(row))

    def _filled(self, row: list[str]) -> list[str]:
        """A short row with the defaults of the columns it lacks. Raises RowRefused (E4003)."""
        missing = self._columns[len(row):]
        if len(row) < len(self._columns) and all(column.has_default for column in missing):
            return row + [next(iter(column.nulls), "") for column in missing]
        raise RowRefused("E4003", f"{_counted(len(row), 'value')} for {_counted(len(self._columns), 'column')}")

    def _text(self, row: list[str] | BadRow) -> str | None:
        assert self._dialect is not None
        if isinstance(row, BadRow):
            return None
        return excerpt_of(self._dialect.delimiter.join(row).encode("utf-8", "replace"))


def _first_filled(splitter: Splitter, count: int) -> Batch:
    """The first batch that has more than blank lines; an empty one if there is none."""
    batch = splitter.batch(count)
    while batch.rows and not any(batch.rows):
        batch = splitter.batch(count)
    return batch


def _titles(batch: Batch, opened: OpenInput) -> list[str]:
    """The first row that isn't blank. Raises UsageError (E6002) if there is none or it can't be read."""
    for row in batch.rows:
        if isinstance(row, BadRow):
            raise UsageError("E6002", f"{opened.name}: the first row can't be read: {row.refusal.message}")
        if row:
            return row
    raise UsageError("E6002", f"{opened.name}: no rows")


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _check_text(row: Sequence[str], encoding: str) -> None:
    """Raises RowRefused (E4011) if a row's bytes are not text."""
    for number, cell in enumerate(row, 1):
        if "\0" in cell:
            raise RowRefused("E4011", f"a NUL byte in value {number}")
        fault = next((c for c in cell if "\udc80" <= c <= "\udcff"), None)
        if fault is not None:
            raise RowRefused("E4011", f"a byte in value {number} is not {encoding}; ENCODING names another encoding")


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """Values with commas between them, as RFC 4180 has it; NULL is nothing, empty text is \"\"."""
    _write(columns, rows, stream, layout, ",")


def write_tsv(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """Values with tabs between them, quoted as in CSV where they hold tabs or line ends."""
    _write(columns, rows, stream, layout, "\t")


def _write(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout, delimiter: str
) -> None:
    null = layout.null or ""
    special = re.compile(f'[{delimiter}"\r\n]|^\\s|\\s$')

    def cell(value: Any) -> str:
        if is_null(value):
            # a line must not be blank, or it would be passed over when read
            return null or ('""' if len(columns) == 1 else "")
        text = plain_text(value)
        if not text or text == null or special.search(text):
            return '"' + text.replace('"', '""') + '"'
        return text

    if layout.header:
        stream.write(delimiter.join(map(cell, columns)) + "\n")
    for row in rows:
        stream.write(delimiter.join(map(cell, row)) + "\n")
