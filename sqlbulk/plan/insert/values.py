"""The value list of an INSERT as a source of rows; without a column list each row is one whole document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk.commands import Path, ValuesRows
from sqlbulk.errors import PlanError, RowRefused, Span
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.plan.statement import OpenRows, Planning
from sqlbulk.plan.targets import dotted
from sqlbulk.rowdata import Chunk, RowError, RowSource
from sqlbulk.syntax import ast
from sqlbulk.types import MISSING


def value_rows(
    paths: tuple[Path, ...] | None, planning: Planning, *, first_parameter: int, span: Span
) -> ValuesRows:
    """The rows of a value list for these columns; None: each row holds one document, or nothing but DEFAULT."""
    open_rows = planning.open_rows
    if open_rows is None:
        raise PlanError("E2005", "the rows of this VALUES list aren't there", span)
    return ValuesRows(_Opener(open_rows, paths, planning, first_parameter))


def default_rows() -> ValuesRows:
    """DEFAULT VALUES: one row without values."""
    return ValuesRows(_EmptyRow, "one, which leaves all fields out")


class _EmptyRow:
    """A source of one row, which has no columns."""

    columns: tuple[str, ...] = ()
    size: int | None = None

    def __iter__(self) -> Iterator[Chunk]:
        yield Chunk([()], [1])


@dataclass(frozen=True, slots=True)
class _Opener:
    open_rows: OpenRows
    paths: tuple[Path, ...] | None
    planning: Planning
    first_parameter: int

    def __call__(self) -> RowSource:
        columns = None if self.paths is None else tuple(map(dotted, self.paths))
        source = self.open_rows(columns=columns, evaluate=self._evaluate, first_parameter=self.first_parameter)
        return _Documents(source) if columns is None else source

    def _evaluate(self, expression: ast.Expr) -> Any:
        return evaluate_cell(expression, self.planning.environment)


@dataclass(frozen=True, slots=True)
class _Documents:
    """Rows of one value, which has to be a document, or of nothing but DEFAULT."""

    source: RowSource

    @property
    def columns(self) -> None:
        """None: rows are documents."""
        return None

    @property
    def size(self) -> int | None:
        """The length of the list."""
        return self.source.size

    def __iter__(self) -> Iterator[Chunk]:
        return map(_unwrapped, self.source)


def _unwrapped(chunk: Chunk) -> Chunk:
    documents = [_document(row) for row in chunk.rows]
    good = [i for i, found in enumerate(documents) if not isinstance(found, RowRefused)]
    refused = [RowError(chunk.ordinals[i], found.code, found.message, chunk.locate(i), None, chunk.excerpt(i))
               for i, found in enumerate(documents) if isinstance(found, RowRefused)]
    return replace(
        chunk, rows=[documents[i] for i in good], ordinals=[chunk.ordinals[i] for i in good],
        refused=sorted([*chunk.refused, *refused], key=lambda error: error.row),
        locate=lambda i: chunk.locate(good[i]), excerpt=lambda i: chunk.excerpt(good[i]))


def _document(row: Sequence[Any]) -> Mapping[str, Any] | RowRefused:
    """What a row without columns stands for, or why it can't be."""
    if all(value is MISSING for value in row):
        return {}
    if len(row) != 1:
        return RowRefused("E4003", f"{len(row)} values in the row, but 1 expected: {_ONE_DOCUMENT}")
    if not isinstance(row[0], Mapping):
        return RowRefused("E4001", _ONE_DOCUMENT)
    return row[0]


_ONE_DOCUMENT = "the statement names no columns, so a row must be one document"
