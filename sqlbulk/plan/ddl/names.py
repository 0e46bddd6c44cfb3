"""Collections and views as statements about the catalog name them."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.catalog import Catalog
from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import Table, read_table
from sqlbulk.syntax import ast


def read_name(table: ast.Table, planning: Planning) -> Table:
    """A collection or view as a statement about the catalog names it: without an alias; raises SqlError."""
    found = read_table(table, replace(planning.environment, catalog=Catalog()))
    if found.alias is not None:
        raise UnsupportedError("E3001", "an alias has no meaning here", table.span)
    return found


def as_table(name: tuple[ast.Identifier, ...]) -> ast.Table:
    """A qualified name as a table that knows its place."""
    return ast.Table(name, span=Span(name[0].span.start, name[-1].span.end))
