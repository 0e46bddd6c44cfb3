"""USING 'file' and USING ? of MERGE: rows that come by the client, and that the query reads where they wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk.commands import PLACE, CallerRows, FileRows, LoadedRows, Query
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.explain import file_lines
from sqlbulk.plan.insert.statements import source_rows
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import Table
from sqlbulk.plan.targets import dotted, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


@dataclass(frozen=True, slots=True)
class InPlace:
    """A table by the name of `rows.marker` in the place of the rows, and an environment that knows that table."""

    table: ast.Table
    environment: Environment
    rows: LoadedRows
    notices: tuple[str, ...]


def with_rows_in_place(statement: st.Merge, source: st.Loaded, table: Table, planning: Planning) -> InPlace:
    """The rows of a MERGE as a table that its query reads; raises SqlError."""
    alias = source.alias
    marker = f"{{rows of {alias.name.text}}}"
    named = tuple(ast.Target((name,), span=name.span) for name in alias.columns)
    found = source_rows(
        st.Insert("INSERT", False, statement.table, named, source.rows, span=source.span), table, planning)
    assert isinstance(found.rows, FileRows | CallerRows)
    shape = replace(found.shape, nest=found.shape.nest and planning.options.nest)
    place = ast.Table((ast.Identifier(marker, quoted=True, span=source.span),), replace(alias, columns=()),
                      span=source.span)
    environment = replace(planning.environment, loaded={marker: _columns(source)})
    return InPlace(place, environment, LoadedRows(marker, found.rows, shape), found.notices)


def _columns(source: st.Loaded) -> tuple[str, ...] | None:
    """The columns that each row has, None where only the rows themselves tell."""
    if source.alias.columns:
        return tuple(name.text for name in source.alias.columns)
    listed = source.rows.columns if isinstance(source.rows, st.FileSource) else None
    if listed is None:
        return None
    return tuple(dict.fromkeys(target_path(column.name)[0] for column in listed if column.name is not None))


def wanted(
    rows: LoadedRows, nodes: tuple[Any, ...], owner: ast.Identifier, query: Query, *, all_or_none: bool
) -> LoadedRows:
    """The rows with what a MERGE wants of them: the nodes are its expressions, the query is its own."""
    columns = tuple(dict.fromkeys(_columns_used(nodes, owner)))
    indexes = tuple(sorted(_looked_up(query.pipeline, rows.marker)))
    return replace(rows, needed=columns, all_or_none=all_or_none, indexes=indexes)


def _columns_used(node: Any, owner: ast.Identifier) -> Iterator[str]:
    """The columns of the owner that are named with its name in front, outside of queries."""
    if isinstance(node, tuple):
        for part in node:
            yield from _columns_used(part, owner)
    elif isinstance(node, ast.Path):
        if len(node.parts) > 1 and node.parts[0].text == owner.text:
            yield node.parts[1].text
    elif isinstance(node, ast.Node) and not isinstance(node, ast.Query):
        for name in node.__dataclass_fields__:
            yield from _columns_used(getattr(node, name), owner)


def _looked_up(stages: Any, marker: str) -> set[str]:
    """The fields by which a pipeline looks up the rows that the marker stands for."""
    if isinstance(stages, Sequence) and not isinstance(stages, str):
        return set().union(*(_looked_up(stage, marker) for stage in stages))
    if not isinstance(stages, Mapping):
        return set()
    own = {stages["foreignField"]} if stages.get("from") == marker and "foreignField" in stages else set()
    return own.union(*(_looked_up(part, marker) for part in stages.values()))


def without_place(scope: Scope) -> Scope:
    """The scope as stars see it: the place of a row is none of its columns."""
    return replace(scope, sources=tuple(
        replace(source, fields={name: kind for name, kind in source.fields.items() if name != PLACE})
        for source in scope.sources))


# EXPLAIN


def source_lines(source: LoadedRows) -> Iterator[str]:
    """Where the rows come from, and what becomes of them."""
    yield f"first the rows {source.marker}, which wait on the server, and are removed in the end:"
    if isinstance(source.rows, CallerRows):
        yield "  given by the caller"
    else:
        yield from (f"  {line}" for line in file_lines(source.rows))
    yield from (f"  {line}" for line in _named(source.shape.names, source.shape.targets or ()))
    yield from (f"  with an index on {field}" for field in source.indexes)
    if source.all_or_none:
        yield "if one of them is refused nothing is done, because documents without a row are changed as well"


def _named(names: Sequence[str] | None, targets: Sequence[tuple[str, ...] | None]) -> Iterator[str]:
    for position, path in enumerate(targets):
        assert path is not None
        yield f"{names[position] if names else f'value {position + 1}'} → {dotted(path)}"


__all__ = ["InPlace", "source_lines", "wanted", "with_rows_in_place", "without_place"]
