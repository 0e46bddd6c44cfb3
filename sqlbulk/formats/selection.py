"""Picks columns out of documents and gives their values the types asked for: COLUMNS (…) on documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from sqlbulk.commands import FileRows
from sqlbulk.errors import RowRefused
from sqlbulk.formats.celltypes import kind_of_column
from sqlbulk.formats.columns import check_names
from sqlbulk.rowdata import Chunk, RowError
from sqlbulk.types import MISSING


class Selection:
    """What a column list takes from a document: `names`, None without a list.

    A name with dots is a field of that name, or else the path into embedded documents. A field that a document
    lacks takes the column's default, or is left out (MISSING).
    """

    def __init__(self, spec: FileRows) -> None:
        self.names: tuple[str, ...] | None = None
        self._fields: list[tuple[str, Callable[[Any], Any] | None, Any]] = []
        if spec.columns is not None:
            named = [column for column in spec.columns if column.name is not None]
            self.names = tuple(column.name or "" for column in named)
            check_names(self.names, "the column list")
            for column in named:
                kind = kind_of_column(column, spec)
                self._fields.append((column.name or "", kind.from_value if kind else None,
                                     column.default if column.has_default else MISSING))

    def apply(self, chunk: Chunk) -> Chunk:
        """The chunk with tuples for rows; rows whose values don't fit are refused."""
        if self.names is None:
            return chunk
        rows: list[tuple[Any, ...]] = []
        kept: list[int] = []
        refused = list(chunk.refused)
        for index, document in enumerate(chunk.rows):
            try:
                rows.append(tuple(_taken(document, *field) for field in self._fields))
                kept.append(index)
            except RowRefused as error:
                refused.append(RowError(chunk.ordinals[index], error.code, error.message, chunk.locate(index),
                                        error.column, chunk.excerpt(index)))
        return dataclasses.replace(
            chunk, rows=rows, ordinals=[chunk.ordinals[i] for i in kept],
            refused=sorted(refused, key=lambda error: error.row),
            locate=lambda i: chunk.locate(kept[i]), excerpt=lambda i: chunk.excerpt(kept[i]),
        )


def _inside(document: Any, name: str) -> Any:
    """The value at the end of a path of documents, MISSING if one of them isn't there."""
    for part in name.split("."):
        document = document.get(part, MISSING) if isinstance(document, Mapping) else MISSING
    return document


def _taken(document: Any, name: str, convert: Callable[[Any], Any] | None, default: Any) -> Any:
    value = document.get(name, MISSING)
    if value is MISSING and "." in name:
        value = _inside(document, name)
    if value is MISSING:
        return default
    if value is None or convert is None:
        return value
    try:
        return convert(value)
    except RowRefused as error:
        raise RowRefused(error.code, error.message, name) from None
