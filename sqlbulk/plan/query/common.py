"""WITH: which tables a query sees behind it, and what one means where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.query.recursion import bind_recursion
from sqlbulk.plan.query.stars import as_table, renamed
from sqlbulk.plan.query.state import Around, BoundQuery, CommonTable, From, Opened, Planning, source_of
from sqlbulk.syntax import ast


def with_tables(ctes: tuple[ast.Cte, ...], around: Around, *, recursive: bool = False) -> Around:
    """What queries see behind WITH; with RECURSIVE its entries see each other, and themselves."""
    tables = dict(around.tables)
    own: set[str] = set()
    for cte in ctes:
        if cte.name.text in own:
            raise PlanError("E2010", f"WITH names {cte.name.text} twice", cte.name.span)
        own.add(cte.name.text)
        seen = tables if recursive else dict(tables)
        tables[cte.name.text] = CommonTable(cte, replace(around, tables=seen), recursive)
    return replace(around, tables=tables)


def check_unused(ctes: tuple[ast.Cte, ...], around: Around, planning: Planning) -> None:
    """Raise the SqlError that a WITH entry holds, if nothing else has found it because the entry isn't used."""
    for cte in ctes:
        table = around.tables[cte.name.text]
        if table not in planning.markers:
            _definition(table, planning, cte.span)


def bind_common(item: ast.Table, table: CommonTable, planning: Planning) -> From:
    """The rows of a WITH entry, where FROM names it."""
    alias = item.alias
    names = (alias.name.text if alias else table.definition.name.text,)
    own = next((o for o in planning.opened if o.table is table), None)
    query = _definition(table, planning, item.span) if own is None else _found_last(own, planning, item.span)
    query = renamed(query, alias.columns if alias else (), planning)
    return From(query.relation, (source_of(query, names),))


def _definition(table: CommonTable, planning: Planning, span: Span) -> BoundQuery:
    """The rows of the entry's query, as a relation that other uses of the entry have as well."""
    known = planning.bound.get(table)
    if known is not None:
        return _use(known, table, planning, planning.relation(known.name))
    query = _bound(table, planning, span)
    if algebra.outer_columns(query.relation) or _reads_round(query.relation):
        return query
    planning.bound[table] = query
    return _use(query, table, planning, query.name)


def _use(query: BoundQuery, table: CommonTable, planning: Planning, relation: str) -> BoundQuery:
    """The entry's rows at a place, under a name that they have there alone."""
    columns = tuple(o.key for o in query.outputs)
    common = algebra.Common(algebra.Body(query.relation), planning.marker(table), relation, query.name, columns,
                            query.open, table.definition.materialized)
    return replace(query, relation=common, name=relation)


def _reads_round(node: algebra.Relation) -> bool:
    """Whether the rows are made of a round of a recursion around, and so are others in each round."""
    parts = list(algebra.relations_in(node))
    own = {n.marker for n in parts if isinstance(n, algebra.Recursive)}
    return any(isinstance(n, algebra.Stored) and n.working and n.marker not in own for n in parts)


def _bound(table: CommonTable, planning: Planning, span: Span) -> BoundQuery:
    definition = table.definition
    planning.marker(table)
    opened = Opened(table, "without the form: rows to begin with UNION [ALL] rows made of them")
    planning.opened.append(opened)
    try:
        query = None
        if table.recursive and _mentions(definition.query, definition.name.text):
            query = bind_recursion(opened, with_tables, planning)
        if query is not None:
            return query
        query = as_table(planning.bind_query(definition.query, table.around), planning, span)
        return renamed(query, definition.columns, planning)
    finally:
        planning.opened.pop()


def _found_last(own: Opened, planning: Planning, span: Span) -> BoundQuery:
    """The rows of an entry inside its own query: those that the last round has found."""
    name = own.table.definition.name.text
    for other in planning.opened[planning.opened.index(own) + 1 :]:
        if other.table in own.table.around.tables.values():
            raise UnsupportedError("E3001", f"{name} and {other.table.definition.name.text} read each other: such"
                                   " mutual recursion isn't supported", span)
    if own.outputs is None:
        raise PlanError("E2024", f"{name} reads itself {own.reason}", span)
    if own.places:
        raise PlanError("E2024", f"{name} reads itself more than once", span)
    own.places.append(span)
    relation = planning.relation(name)
    columns = tuple(o.key for o in own.outputs)
    return BoundQuery(
        algebra.Stored(planning.marker(own.table), relation, columns, working=True), relation, own.outputs)


def _mentions(node: Any, name: str) -> bool:
    """Whether a table of that name stands somewhere in a tree."""
    return any(isinstance(n, ast.Table) and [p.text for p in n.name] == [name] for n in _nodes(node))


def _nodes(node: Any) -> Iterator[ast.Node]:
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)
    elif isinstance(node, ast.Node):
        yield node
        for name in node.__dataclass_fields__:
            yield from _nodes(getattr(node, name))
