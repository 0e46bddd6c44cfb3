"""CREATE VIEW: a query as a pipeline that gives documents with the columns as fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlbulk import commands_catalog as cc
from sqlbulk.commands import OutputColumn, Plan, Query
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.ddl.names import as_table, read_name
from sqlbulk.plan.ddl.text import catalog_plan
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import is_plain
from sqlbulk.plan.query.bind import bind_query, new_planning
from sqlbulk.plan.query.stars import as_table as as_one_star
from sqlbulk.plan.query.state import Around
from sqlbulk.plan.select import lower_query
from sqlbulk.plan.statement import Planning
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_create_view(statement: st.CreateView, planning: Planning) -> Plan:
    """CREATE [OR REPLACE] VIEW; raises SqlError."""
    named = as_table(statement.table.name)
    table = read_name(named, planning)
    query = _timeless_query(statement, planning)
    if query.collection is None:
        raise UnsupportedError("E3001", "a view needs a collection to read from", statement.query.span)
    if query.database != table.database:
        raise UnsupportedError("E3001", "a view and what it reads must be in one database", statement.query.span,
                               hint="name it for both, or for neither")
    pipeline = (*query.pipeline, *_named(query, statement))
    return catalog_plan("CREATE VIEW", cc.CreateView(
        table.collection, query.collection, pipeline, statement.replace, table.database, named.span))


def _timeless_query(statement: st.CreateView, planning: Planning) -> Query:
    """The query's plan; UnsupportedError if it depends on the time: that would be fixed at the moment of CREATE."""
    environment = replace(planning.environment, catalog=planning.environment.catalog.without_sizes())
    later = replace(environment.context, now=environment.context.now + timedelta(days=400, milliseconds=1))
    query = _planned(statement.query, environment)
    if _planned(statement.query, replace(environment, context=later)) != query:
        raise UnsupportedError("E3001", "a view can't depend on the time of day: it is written down once, now",
                               statement.query.span)
    return query


def _planned(query: ast.Query, environment: Environment) -> Query:
    """The query's plan; several stars are one document."""
    planning = new_planning(environment)
    bound = bind_query(query, Around(), planning)
    if sum(o.document for o in bound.outputs) > 1:
        bound = as_one_star(bound, planning, query.span)
    return lower_query(bound, environment, query)


def _named(query: Query, statement: st.CreateView) -> Sequence[dict[str, Any]]:
    """The stage that gives the columns their names, none where they have them."""
    columns = query.columns
    if columns is None:
        if statement.columns:
            raise UnsupportedError("E3001", "the columns of SELECT * can't be named: they are not known",
                                   statement.columns[0].span)
        return []
    columns = _renamed(columns, statement)
    for title, count in Counter(c.title for c in columns if not c.whole).items():
        if count > 1:
            raise PlanError("E2010", f"the view would have two columns {title}", statement.query.span,
                            hint="use aliases")
        if not is_plain(title):
            raise UnsupportedError("E3001", f"{title!r} can't be a column of a view", statement.query.span,
                                   hint="give it an alias without dots and $")
    if all(c.title == c.field and not c.whole for c in columns):
        return []
    return [{"$replaceWith": _document(columns)}]


def _renamed(columns: tuple[OutputColumn, ...], statement: st.CreateView) -> tuple[OutputColumn, ...]:
    names = statement.columns
    if not names:
        return columns
    if len(names) != len(columns) or any(c.whole for c in columns):
        raise PlanError("E2001", f"{len(names)} names for {len(columns)} columns", names[0].span)
    return tuple(replace(column, title=name.text) for column, name in zip(columns, names, strict=True))


def _document(columns: Sequence[OutputColumn]) -> Any:
    """A document of the columns; the fields of a whole one come in at its place."""
    parts: list[Any] = []
    for column in columns:
        if column.whole:
            whole: Any = f"${column.field}"
            for name in column.excluded:
                whole = {"$unsetField": {"field": {"$literal": name}, "input": whole}}
            parts.append(whole)
        else:
            if not parts or not _is_own(parts[-1]):
                parts.append({})
            parts[-1][column.title] = f"${column.field}"
    return parts[0] if len(parts) == 1 else {"$mergeObjects": parts}


def _is_own(part: Any) -> bool:
    return isinstance(part, dict) and "$unsetField" not in part
