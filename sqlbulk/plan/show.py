"""SHOW and DESCRIBE: what is asked of the server, and the tables that need no server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlbulk import commands_catalog as cc
from sqlbulk.commands import Plan
from sqlbulk.errors import PlanError
from sqlbulk.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS
from sqlbulk.functions.matching import like_regex
from sqlbulk.functions.registry import FunctionProblem
from sqlbulk.options import WriteOptions, settings
from sqlbulk.plan.ddl.names import read_name
from sqlbulk.plan.ddl.text import catalog_plan
from sqlbulk.plan.statement import Planning
from sqlbulk.syntax import statements as st

SAMPLE = 1_000
"""How many documents a description of a collection is made from."""

Rows = list[tuple[Any, ...]]


def plan_look(statement: st.Show | st.Describe, planning: Planning) -> Plan:
    """The plan of SHOW or DESCRIBE; raises SqlError."""
    return plan_show(statement, planning) if isinstance(statement, st.Show) else plan_describe(statement, planning)


def plan_show(statement: st.Show, planning: Planning) -> Plan:
    """SHOW DATABASES, TABLES, COLLECTIONS, INDEXES, FUNCTIONS or OPTIONS; raises SqlError."""
    verb, like = f"SHOW {statement.what}", _pattern(statement)
    if statement.table is not None:
        table = read_name(statement.table, planning)
        return catalog_plan(verb, cc.ShowCatalog(
            "indexes", table.collection, None, table.database, statement.table.span))
    match statement.what:
        case "FUNCTIONS":
            return catalog_plan(verb, _table(("function", "what it gives", "example"), function_rows(), like))
        case "OPTIONS":
            columns = ("option", "value", "takes", "help")
            return catalog_plan(verb, _table(columns, option_rows(planning.options), like))
        case "DATABASES":
            return catalog_plan(verb, cc.ShowCatalog("databases", like=like, span=statement.span))
    return catalog_plan(verb, cc.ShowCatalog("collections", like=like, span=statement.span))


def plan_describe(statement: st.Describe, planning: Planning) -> Plan:
    """DESCRIBE collection; raises SqlError."""
    table = read_name(statement.table, planning)
    return catalog_plan("DESCRIBE", cc.DescribeCollection(
        table.collection, SAMPLE, table.database, statement.table.span))


def _pattern(statement: st.Show) -> str | None:
    """The LIKE pattern as a regular expression of Python's, in which case doesn't matter."""
    if statement.like is None:
        return None
    try:
        return "(?is)" + like_regex(statement.like).removesuffix(r"\z") + r"\Z"
    except FunctionProblem as problem:
        raise PlanError(problem.code, problem.message, statement.span) from None


def _table(columns: tuple[str, ...], rows: Rows, like: str | None) -> cc.ShowTable:
    keep: Callable[[str], Any] = re.compile(like).match if like is not None else bool
    return cc.ShowTable(columns, tuple(row for row in rows if keep(row[0])))


def function_rows() -> Rows:
    """Every function that is written as a word: name, help, example; in order of the alphabet."""
    entries: list[tuple[str, Any]] = [(name, overloads[0]) for name, overloads in FUNCTIONS.items()]
    entries += [*AGGREGATES.items(), *WINDOW_FUNCTIONS.items()]
    return sorted({(name, entry.help, entry.example) for name, entry in entries if name.isidentifier()})


def option_rows(options: WriteOptions) -> Rows:
    """Every option of bulk statements: name, the session's value, what it takes, help; in the order of the manual."""
    return [(s.name, _shown(getattr(options, s.name)), s.kind.takes, s.help) for s in settings().values()]


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None or value == () else str(value)
