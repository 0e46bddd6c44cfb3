"""The columns of a delimited file: their names, their types, and turning columns of cells into values."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlbulk.commands import FileColumn, FileRows
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.formats.celltypes import INFERRED, TEXT, UNFIT, Kind, inferred_kind, kind_of_column

NULL_MARK = "\ud801"
r"""What stands for an escaped NULL (\N) in a row as it is split; no valid text holds half a character."""


@dataclass(slots=True)
class Column:
    """One value of a row: its name (None: passed over), how its cells are read, what NULL looks like.

    `kind` None: found out from the first rows. `keeps_empty_text`: an empty cell is NULL only as long as
    the type isn't text.
    """

    name: str | None
    kind: Kind | None
    nulls: frozenset[str]
    default: Any = None
    has_default: bool = False
    keeps_empty_text: bool = False

    def settle(self, cells: Sequence[str]) -> None:
        """Find the type out from the first cells, if it isn't given."""
        if self.kind is None:
            self.kind = inferred_kind([cell for cell in cells if cell not in self.nulls])
        if self.kind.is_text and self.keeps_empty_text:
            self.nulls -= {""}

    def values(self, cells: Sequence[str]) -> Sequence[Any]:
        """The cells' values. Raises one of `celltypes.UNFIT`, without saying which cell."""
        assert self.kind is not None
        for null in self.nulls:
            if null in cells:
                break
        else:
            return self.kind.many(cells)
        filled = [cell for cell in cells if cell not in self.nulls]
        values = iter(self.kind.many(filled) if filled else ())
        return [self.default if cell in self.nulls else next(values) for cell in cells]

    def value(self, cell: str) -> Any:
        """One cell's value. Raises RowRefused (E4002)."""
        assert self.kind is not None
        if cell in self.nulls:
            return self.default
        try:
            return self.kind.one(cell)
        except UNFIT:
            refusal = self.kind.refusal(cell)
        refusal.column = self.name
        if any(self.kind is kind for kind in INFERRED):
            refusal.message += (f": column {self.name} was read as {self.kind.what} (from the first rows);"
                                f" say COLUMNS ({self.name} TEXT)")
        raise refusal


def make_columns(spec: FileRows, header: Sequence[str] | None, width: int, name: str) -> list[Column]:
    """The columns of a file with this header (None: none) and rows of this width. Raises UsageError."""
    given = spec.columns
    if header is not None:
        header = [title.strip() for title in header]
        check_names(header, f"{name}: the header")
    if given is None:
        given = tuple(FileColumn(title) for title in header or [f"column{i}" for i in range(1, width + 1)])
    elif header is not None:
        given = _by_name(given, header, name)
    check_names([column.name for column in given if column.name is not None], "the column list")
    return [_column(column, spec) for column in given]


def _by_name(given: Sequence[FileColumn], header: Sequence[str], name: str) -> tuple[FileColumn, ...]:
    """The header's columns, with what the list says about some of them."""
    by_name = {column.name: column for column in given}
    for column in given:
        if column.name is not None and column.name not in header:
            near = difflib.get_close_matches(column.name, header, 1)
            hint = f" (is it {near[0]}?)" if near else f"; it has {', '.join(header)}"
            raise UsageError("E6002", f"{name}: the header has no column {column.name}{hint}",
                             hint="COLUMNS goes by the header; for other names say header = false, skip = 1.")
    return tuple(by_name.get(title) or FileColumn(title) for title in header)


def _column(column: FileColumn, spec: FileRows) -> Column:
    kind = kind_of_column(column, spec)
    if kind is None and not spec.infer_types:
        kind = TEXT
    # with an escape character NULL is \N; text can be empty then, other types still can't
    escaped = {NULL_MARK} if spec.escape == "\\" else set()
    nulls = {""} if spec.null is None else {*spec.null} - ({"\\N"} if escaped else set())
    return Column(column.name, kind, frozenset(nulls | escaped), column.default, column.has_default,
                  keeps_empty_text=bool(escaped) and spec.null is None)


def check_names(names: Sequence[str], where: str) -> None:
    """Raises UsageError for names that are empty or doubled (E6002) or that MongoDB can't take (E4005)."""
    seen: set[str] = set()
    for position, name in enumerate(names, 1):
        if not name:
            raise UsageError("E6002", f"{where} has no name for column {position}")
        if name in seen:
            raise UsageError("E6002", f"{where} names {name} twice")
        if name[0] == "$" or "\0" in name or any("\ud800" <= c <= "\udfff" for c in name):
            raise UsageError("E4005", f"{where} has the name {name!r}, which MongoDB can't take")
        seen.add(name)


def convert_rows(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, refuse: Callable[[int, RowRefused], None]
) -> list[tuple[Any, ...] | None]:
    """The rows as tuples of values; None, after a call of `refuse`, where a cell doesn't fit."""
    if not rows:
        return []
    bad: set[int] = set()
    converted: list[Sequence[Any]] = []
    for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
        if column.name is None:
            continue
        try:
            converted.append(column.values(cells))
        except UNFIT:
            converted.append(_singly(column, cells, bad, refuse))
    result: list[tuple[Any, ...] | None] = list(zip(*converted, strict=True)) or [()] * len(rows)
    for index in bad:
        result[index] = None
    return result


def _singly(
    column: Column, cells: Sequence[str], bad: set[int], refuse: Callable[[int, RowRefused], None]
) -> list[Any]:
    values: list[Any] = []
    for index, cell in enumerate(cells):
        try:
            values.append(column.value(cell))
        except RowRefused as error:
            values.append(None)
            if index not in bad:
                bad.add(index)
                refuse(index, error)
    return values
