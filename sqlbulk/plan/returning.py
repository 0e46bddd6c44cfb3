"""RETURNING: what a statement gives back of the documents that it wrote."""

from __future__ import annotations

from collections.abc import Sequence

from sqlbulk.commands import Query
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions import AGGREGATES
from sqlbulk.plan.binding.bound import Column
from sqlbulk.plan.binding.scope import Scope, resolve_path
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.options import Given
from sqlbulk.plan.selection import Clauses, has_query, walk_nodes
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_returning(
    statement: st.Update | st.Delete | st.Move, clauses: Clauses, given: Given, environment: Environment, *,
    scope: Scope, archived: bool = False,
) -> Query | None:
    """A query over the collection, for the changed documents alone; None without RETURNING. Raises SqlError.

    `scope` has the documents first, and then the rows that they are joined with, whose columns can't be asked for.
    `archived`: the documents are copied before they are deleted, so that each is known by itself.
    """
    items = statement.returning
    if not items:
        return None
    if given.options.continue_on_error and not archived:
        raise UnsupportedError("E3001", f"RETURNING can't be combined with {UNKNOWN}", items[0].span)
    if len(scope.sources) > 1:
        _check_own(items, scope)
    return returned(items, clauses.table, environment, clauses.span)


def _check_own(items: tuple[ast.SelectItem, ...], scope: Scope) -> None:
    """Raise SqlError for columns of the rows that the documents are joined with."""
    own = scope.sources[0].names[0]
    for node in walk_nodes(items):
        match node:
            case ast.Star(table=()):
                raise UnsupportedError("E3001", "* can't stand in RETURNING beside a join", node.span,
                                       hint=f"{own}.* gives the document")
            case ast.Star(table=(*_, name)) if name.text not in scope.sources[0].names:
                raise UnsupportedError("E3001", _OF_OTHERS.format(name=f"{name.text}.*", own=own), node.span)
            case ast.Path():
                found = resolve_path(node, scope)
                if isinstance(found, Column) and found.relation != scope.sources[0].relation:
                    written = ".".join(part.text for part in node.parts)
                    raise UnsupportedError("E3001", _OF_OTHERS.format(name=written, own=own), node.span,
                                           hint=f"{own}.… is a field of the document; MERGE gives columns of both")


_OF_OTHERS = "RETURNING gives columns of {own} alone where it is joined, and {name} is none"


def returned(items: tuple[ast.SelectItem, ...], table: ast.Table, environment: Environment, span: Span) -> Query:
    """The query of RETURNING over the documents that were written; raises SqlError."""
    check_returning(items, ((table.alias.name if table.alias else table.name[-1]).text,))
    from sqlbulk.plan.select import plan_query

    body = ast.Select(items, from_=table, span=span)
    return plan_query(ast.Query(body, span=span), environment)


def check_returning(items: tuple[ast.SelectItem, ...], tables: Sequence[str]) -> None:
    """Raise SqlError for what can't stand in RETURNING of a statement about these tables."""
    if has_query(items):
        raise UnsupportedError("E3001", "a subquery can't stand in RETURNING", items[0].span)
    for node in walk_nodes(items):
        if isinstance(node, ast.Path) and len(node.parts) > 1:
            _check_version(node.parts[0], tables)
        if isinstance(node, ast.Call) and (node.over is not None or node.name in AGGREGATES):
            raise PlanError("E2015", f"{node.name} can't stand in RETURNING", node.span)


def _check_version(first: ast.Identifier, tables: Sequence[str]) -> None:
    """Raise UnsupportedError for PostgreSQL's old.x and new.x, which would be read as fields."""
    if first.text.lower() in _VERSIONS and not first.quoted and first.text not in tables:
        raise UnsupportedError("E3001", f"{first.text}.… isn't supported in RETURNING, which tells what is stored then",
                               first.span, hint=f'"{first.text}" in quotes is a field')


UNKNOWN = "continue_on_error: it would not be known which documents were changed"
"""What RETURNING can't be combined with, and why."""
_VERSIONS = frozenset({"old", "new"})
"""How PostgreSQL calls a row before and after."""
