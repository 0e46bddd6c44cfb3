"""RETURNING: what an UPDATE or DELETE gives back of the documents that it changed."""

from __future__ import annotations

from sqlbulk.commands import Query
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions import AGGREGATES
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.options import Given
from sqlbulk.plan.selection import Clauses, has_query, walk_nodes
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_returning(
    statement: st.Update | st.Delete, clauses: Clauses, given: Given, environment: Environment
) -> Query | None:
    """A query over the collection, for the changed documents alone; None without RETURNING. Raises SqlError."""
    items = statement.returning
    if not items:
        return None
    reason = _reason(clauses, given)
    if reason is not None:
        raise UnsupportedError("E3001", f"RETURNING can't be combined with {reason}", items[0].span)
    if has_query(items):
        raise UnsupportedError("E3001", "a subquery can't stand in RETURNING", items[0].span)
    for node in walk_nodes(items):
        if isinstance(node, ast.Call) and (node.over is not None or node.name in AGGREGATES):
            raise PlanError("E2015", f"{node.name} can't stand in RETURNING", node.span)
    from sqlbulk.plan.select import plan_query

    body = ast.Select(items, from_=clauses.table, span=clauses.span)
    return plan_query(ast.Query(body, span=clauses.span), environment)


def _reason(clauses: Clauses, given: Given) -> str | None:
    if clauses.from_ is not None:
        return "a join"
    if given.options.continue_on_error:
        return "continue_on_error: it would not be known which documents were changed"
    if given.options.archive_collection is not None:
        return "an archive"
    return None
