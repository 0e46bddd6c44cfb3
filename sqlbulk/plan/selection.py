"""Which stored documents a statement is about: its WHERE, joins, ORDER BY and LIMIT as a `commands.Selection`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk.commands import Query, Selection
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan.algebra import relations_of
from sqlbulk.plan.binding.binder import Binder, NoHooks, bind_constant
from sqlbulk.plan.binding.bound import BoundExpr, Constant
from sqlbulk.plan.binding.conditions import connect
from sqlbulk.plan.binding.scope import Scope, collection_source
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.filter import match
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.plan.options import Given
from sqlbulk.plan.query.bind import new_planning
from sqlbulk.plan.query.common import with_tables
from sqlbulk.plan.query.misspelt import misspelt
from sqlbulk.plan.query.sources import bind_from
from sqlbulk.plan.query.state import Around
from sqlbulk.plan.table import Table
from sqlbulk.syntax import ast

MAIN = "_id"
"""The field of the selection's rows that identifies the document."""


@dataclass(frozen=True, slots=True)
class Clauses:
    """What a statement says of the documents it is about; `span` is the statement's."""

    span: Span
    table: ast.Table
    where: ast.Expr | None
    order_by: tuple[ast.OrderItem, ...] = ()
    limit: ast.Expr | None = None
    from_: ast.FromItem | None = None
    ctes: tuple[ast.Cte, ...] = ()
    recursive: bool = False


def make_scope(clauses: Clauses, table: Table, environment: Environment) -> Scope:
    """The rows in scope: the documents, as relation '', and those of FROM or USING; PlanError E2020 or E2014."""
    known = environment.catalog.get(table.collection) if table.database is None else None
    if known is None and table.database is None and environment.catalog.complete:
        near = difflib.get_close_matches(table.collection, list(environment.catalog.collections), n=1)
        raise PlanError("E2020", f"there is no collection {table.collection}", clauses.table.span,
                        hint=f"did you mean {near[0]}?" if near else None)
    sources = [collection_source(table.collection, alias=table.alias, known=known)]
    if clauses.from_ is not None:
        planning = new_planning(environment)
        around = with_tables(clauses.ctes, Around(), recursive=clauses.recursive)
        sources += bind_from(clauses.from_, around, planning, NoHooks()).sources
        if sources[0].names[0] in {name for s in sources[1:] for name in s.names[:1]}:
            raise PlanError("E2014", f"{sources[0].names[0]} is the name of two tables", clauses.from_.span,
                            hint="give one of them an alias")
    return Scope(tuple(sources))


def choose(
    clauses: Clauses, table: Table, scope: Scope, *, given: Given, environment: Environment,
    values: Sequence[ast.Expr] = (),
) -> Selection:
    """The documents; raises PlanError E2013 where the statement doesn't say which. `values` come along as v0, v1, …"""
    if clauses.where is None and not given.options.allow_full_collection:
        raise PlanError("E2013", "this would touch every document", clauses.span,
                        hint="write WHERE TRUE, or set allow_full_collection = true")
    if clauses.order_by and clauses.limit is None:
        raise UnsupportedError("E3001", "ORDER BY without LIMIT doesn't choose documents", clauses.order_by[0].span,
                               hint="leave it out, or add LIMIT")
    limit = _limit(clauses, environment)
    filter_ = own_filter(clauses.where, scope, environment)
    simple = not (values or clauses.order_by or clauses.from_ or has_query(clauses.where))
    if simple and not clauses.ctes:
        return Selection(filter_, limit=limit)
    if limit is not None and clauses.from_ is not None:
        assert clauses.limit is not None
        raise UnsupportedError("E3001", "LIMIT can't be combined with a join here", clauses.limit.span,
                               hint="choose the rows with IN (SELECT … LIMIT …)")
    return _by_query(clauses, table, filter_, values, environment=environment, limit=limit)


def _limit(clauses: Clauses, environment: Environment) -> int | None:
    if clauses.limit is None:
        return None
    value = bind_constant(clauses.limit, environment).value
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PlanError("E2012", "LIMIT takes a whole number, 0 or more", clauses.limit.span)
    return value


# The part that is tested again when a document is written


def own_filter(where: ast.Expr | None, scope: Scope, environment: Environment) -> dict[str, Any]:
    """What can be said of a document by itself."""
    binder = Binder(scope, environment, NoHooks())
    parts: list[BoundExpr] = []
    for condition in conjuncts(where):
        if not has_query(condition):
            bound = binder.bind(condition)
            if relations_of(bound) <= {""}:
                parts.append(bound)
    if not parts or where is None:
        return {}
    whole = connect("AND", parts, where.span, environment.context)
    if isinstance(whole, Constant) and whole.value is True:
        return {}
    return match(whole, Layout(), environment.context)


def conjuncts(condition: ast.Expr | None) -> Iterator[ast.Expr]:
    """The conditions that AND connects."""
    pending = [] if condition is None else [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Binary) and node.operator == "AND":
            pending += [node.right, node.left]
        else:
            yield node


def has_query(node: Any) -> bool:
    """Whether a query stands somewhere within."""
    return any(isinstance(part, ast.Query) for part in walk_nodes(node))


def walk_nodes(node: Any) -> Iterator[ast.Node]:
    """The node and all nodes within it."""
    pending = [node]
    while pending:
        found = pending.pop()
        if isinstance(found, tuple):
            pending += found
        elif isinstance(found, ast.Node):
            yield found
            for name in found.__dataclass_fields__:
                if name != "span":
                    pending.append(getattr(found, name))


def doubtful_names(scope: Scope, *trees: Any) -> tuple[str, ...]:
    """A notice for each name that is most likely misspelt, subqueries and lambdas aside."""
    found: dict[str, None] = {}
    pending = list(trees)
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending += node[::-1]
        elif isinstance(node, ast.Path):
            notice = misspelt(node, scope)
            found |= {} if notice is None else {notice: None}
        elif isinstance(node, ast.Node) and not isinstance(node, ast.Query | ast.Lambda):
            pending += [getattr(node, name) for name in node.__dataclass_fields__][::-1]
    return tuple(found)


# The query that finds the documents


def _by_query(
    clauses: Clauses, table: Table, filter_: dict[str, Any], values: Sequence[ast.Expr], *, environment: Environment,
    limit: int | None,
) -> Selection:
    alias = clauses.table.alias.name if clauses.table.alias else clauses.table.name[-1]
    key = ast.Path((replace(alias, quoted=True), ast.Identifier(MAIN, quoted=True)), span=clauses.span)
    names = [MAIN, *(f"v{n}" for n in range(len(values)))]
    items = tuple(
        ast.SelectItem(value, ast.Identifier(name, quoted=True), span=value.span)
        for name, value in zip(names, (key, *values), strict=True))
    from_: ast.FromItem = clauses.table
    if clauses.from_ is not None:
        from_ = ast.Join(clauses.table, "CROSS", clauses.from_, span=clauses.from_.span)
    body = ast.Select(items, from_=from_, where=clauses.where, span=clauses.span)
    from sqlbulk.plan.select import plan_query

    query = ast.Query(
        body, clauses.ctes, clauses.recursive, order_by=clauses.order_by, limit=clauses.limit, span=clauses.span)
    settled = _reads_itself(clauses, values, table, environment)

    def selection(command: Query) -> Selection:
        assert command.columns is not None
        stages = (*command.pipeline, {"$project": {c.title: f"${c.field}" for c in command.columns}})
        return Selection(
            filter_, stages, command.collection, ordered=bool(clauses.order_by), limit=limit, settled=settled,
            steps=command.steps, alone=None if command.alone is None else selection(command.alone))

    return selection(plan_query(query, environment, steps=True))


def _reads_itself(
    clauses: Clauses, values: Sequence[ast.Expr], table: Table, environment: Environment
) -> bool:
    """Whether the query may read the collection beside the document at hand; of views, that isn't known."""
    parts = (clauses.where, clauses.from_, clauses.ctes, tuple(values))
    names = {node.name[-1].text for node in walk_nodes(parts) if isinstance(node, ast.Table)}
    names -= {cte.name.text for cte in clauses.ctes}
    others = [environment.catalog.get(name) for name in names]
    return table.collection in names or any(o is None or o.kind == "view" for o in others)
