"""The select list: stars spelled out where the columns are known, and the projection that the list makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder
from sqlbulk.plan.binding.bound import BoundExpr, Column
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.binding.scope import Source
from sqlbulk.plan.query.merged_stars import merged_stars
from sqlbulk.plan.query.state import BoundQuery, From, Output, Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the select list. `document`: a star whose columns only the documents themselves tell."""

    expression: BoundExpr
    title: str
    named: bool = False
    document: bool = False
    excluded: tuple[str, ...] = ()


def expand(star: ast.Star, tables: From, binder: Binder) -> list[Item]:
    """What * or t.* stands for."""
    excluded = {n.text: n for n in star.excluded}
    if star.table:
        items = _qualified(star, tables, binder, excluded)
    else:
        if not tables.sources:
            raise PlanError("E2002", "SELECT * needs a FROM", star.span)
        merged = [Item(e, name) for name, e in tables.merged.items() if name not in excluded]
        items = merged + [i for s in tables.sources for i in _columns(s, star, {*excluded, *tables.merged})]
    known = {i.title for i in items}
    for name, node in excluded.items():
        if name in known or any(i.document for i in items):
            continue
        if not any(name in s.fields for s in tables.sources):
            raise PlanError("E2002", f"there is no column {name} to leave out", node.span)
    return items


def _qualified(star: ast.Star, tables: From, binder: Binder, excluded: dict[str, ast.Identifier]) -> list[Item]:
    name = star.table[-1]
    found = [s for s in tables.sources if name.text in s.names]
    if len(star.table) == 1 and len(found) == 1:
        return _columns(found[0], star, set(excluded))
    whole = binder.bind(ast.Path(star.table, span=star.span))
    return [Item(whole, ".".join(p.text for p in star.table), document=True, excluded=tuple(excluded))]


def _columns(source: Source, star: ast.Star, excluded: set[str]) -> list[Item]:
    if source.open:
        whole = Column(source.relation, (), Type.DOCUMENT, span=star.span)
        return [Item(whole, source.names[0] if source.names else "*", document=True, excluded=tuple(sorted(excluded)))]
    return [
        Item(Column(source.relation, (name,), known, span=star.span), name)
        for name, known in source.fields.items() if name not in excluded
    ]


def project(rows: algebra.Relation, items: list[Item], tables: From, planning: Planning) -> BoundQuery:
    """The rows with the select list as their columns."""
    relation = planning.relation("query")
    if len(items) == 1 and items[0].document:
        node = algebra.Project(rows, relation, (), items[0].expression, items[0].excluded)
        return BoundQuery(node, relation, (), open=True)
    keys = _keys(items)
    columns = tuple((key, i.expression) for key, i in zip(keys, items, strict=True))
    outputs = tuple(
        Output(key, i.title, type_of_bound(i.expression), i.document, i.excluded)
        for key, i in zip(keys, items, strict=True)
    )
    return BoundQuery(algebra.Project(rows, relation, columns), relation, outputs)


def as_table(query: BoundQuery, planning: Planning, span: Span) -> BoundQuery:
    """The query as a table of another: stars and columns side by side become one document."""
    stars = [o for o in query.outputs if o.document]
    if not stars:
        return query
    relation = planning.relation(query.name)
    others = tuple(o for o in query.outputs if not o.document)
    columns = tuple((o.title, query.column(o)) for o in others)
    if len(dict(columns)) < len(columns):
        raise PlanError("E2010", "two columns beside * have the same name", span)
    if len(stars) > 1:
        node = algebra.Project(query.relation, relation, columns, merged_stars(query, stars))
    else:
        node = algebra.Project(query.relation, relation, columns, query.column(stars[0]), stars[0].excluded)
    return BoundQuery(node, relation, tuple(Output(o.title, o.title, o.type) for o in others), open=True)


def renamed(query: BoundQuery, columns: tuple[ast.Identifier, ...], planning: Planning) -> BoundQuery:
    """The query with the names that an alias gives its columns: t (a, b)."""
    if not columns:
        return query
    if query.open:
        raise UnsupportedError("E3001", "the columns of SELECT * can't be renamed: they are not known", columns[0].span)
    if len(columns) > len(query.outputs):
        message = f"{len(columns)} names for {len(query.outputs)} columns"
        raise PlanError("E2001", message, columns[-1].span)
    names = [c.text for c in columns] + [o.key for o in query.outputs[len(columns):]]
    if len(set(names)) < len(names):
        raise PlanError("E2010", "two columns have the same name", columns[0].span)
    relation = planning.relation(query.name)
    pairs = tuple((name, query.column(o)) for name, o in zip(names, query.outputs, strict=True))
    outputs = tuple(replace(o, key=name, title=name) for name, o in zip(names, query.outputs, strict=True))
    return BoundQuery(algebra.Project(query.relation, relation, pairs), relation, outputs)


def _keys(items: list[Item]) -> list[str]:
    """A name for each item that no other has: its title where that is free."""
    taken: dict[str, None] = {}
    for position, item in enumerate(items):
        key, number = item.title, position
        if item.document:
            key = f"{item.title}:{number}"
        while key in taken:
            key, number = f"{item.title}:{number}", number + 1
        taken[key] = None
    return list(taken)
