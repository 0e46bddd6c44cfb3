"""The value list of an INSERT as a source of rows; without a column list each row is one whole document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk.commands import Path, ValuesRows
from sqlbulk.errors import PlanError, Span
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.plan.statement import OpenRows, Planning
from sqlbulk.plan.targets import dotted
from sqlbulk.rowdata import Chunk, RowError, RowSource
from sqlbulk.syntax import ast


def value_rows(
    paths: tuple[Path, ...], planning: Planning, *, first_parameter: int, span: Span
) -> ValuesRows:
    """The rows of a value list for these columns; none: each row holds one document."""
    open_rows = planning.open_rows
    if open_rows is None:
        raise PlanError("E2005", "the rows of this VALUES list aren't there", span)
    return ValuesRows(_Opener(open_rows, paths, planning, first_parameter))


@dataclass(frozen=True, slots=True)
class _Opener:
    open_rows: OpenRows
    paths: tuple[Path, ...]
    planning: Planning
    first_parameter: int

    def __call__(self) -> RowSource:
        columns = tuple(map(dotted, self.paths)) or ("the document",)
        source = self.open_rows(columns=columns, evaluate=self._evaluate, first_parameter=self.first_parameter)
        return source if self.paths else _Documents(source)

    def _evaluate(self, expression: ast.Expr) -> Any:
        return evaluate_cell(expression, self.planning.environment)


@dataclass(frozen=True, slots=True)
class _Documents:
    """Rows of one value, which has to be a document."""

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
    good = [i for i, row in enumerate(chunk.rows) if isinstance(row[0], Mapping)]
    bad = [i for i, row in enumerate(chunk.rows) if not isinstance(row[0], Mapping)]
    reason = "the statement names no columns, so a row must be one document"
    refused = [RowError(chunk.ordinals[i], "E4001", reason, chunk.locate(i), None, chunk.excerpt(i)) for i in bad]
    return replace(
        chunk, rows=[chunk.rows[i][0] for i in good], ordinals=[chunk.ordinals[i] for i in good],
        refused=sorted([*chunk.refused, *refused], key=lambda error: error.row),
        locate=lambda i: chunk.locate(good[i]), excerpt=lambda i: chunk.excerpt(good[i]))
