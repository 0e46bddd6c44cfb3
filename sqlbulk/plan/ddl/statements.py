"""CREATE INDEX, DROP and TRUNCATE; and which planner each other definition has."""

from __future__ import annotations

from typing import Any, assert_never

from sqlbulk import commands_catalog as cc
from sqlbulk.commands import Plan
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.ddl.conditions import check_steady, check_timeless
from sqlbulk.plan.ddl.indexes import index_keys, index_name, partial_filter
from sqlbulk.plan.ddl.names import as_table, read_name
from sqlbulk.plan.ddl.options import read_index_options
from sqlbulk.plan.ddl.table import plan_create_table
from sqlbulk.plan.ddl.text import catalog_plan
from sqlbulk.plan.ddl.view import plan_create_view
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import Table
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_definition(
    statement: st.CreateTable | st.CreateIndex | st.CreateView | st.Drop | st.Truncate, planning: Planning
) -> Plan:
    """The plan of a statement that defines or drops something; raises SqlError."""
    match statement:
        case st.CreateTable():
            return plan_create_table(statement, planning)
        case st.CreateIndex():
            return plan_create_index(statement, planning)
        case st.CreateView():
            return plan_create_view(statement, planning)
        case st.Drop():
            return plan_drop(statement, planning)
        case st.Truncate():
            return plan_truncate(statement, planning)
        case _:
            assert_never(statement)


# Indexes


def plan_create_index(statement: st.CreateIndex, planning: Planning) -> Plan:
    """CREATE [UNIQUE] INDEX; raises SqlError."""
    table = read_name(statement.table, planning)
    options = read_index_options(statement.options, planning)
    keys = index_keys(statement.columns, options.get("kind"))
    index: dict[str, Any] = {"key": keys, "name": statement.name.text if statement.name else index_name(keys)}
    if list(keys) == ["_id"]:
        raise PlanError("E2021", "every collection has a unique index on _id", statement.columns[0].span)
    if statement.unique:
        _check_unique(statement, options)
        index["unique"] = True
    if options.get("sparse"):
        index["sparse"] = True
    if "expire_after" in options:
        if len(keys) > 1 or options.get("kind"):
            raise PlanError("E2007", "expire_after is for an index on one field that holds dates", statement.span)
        index["expireAfterSeconds"] = int(options["expire_after"])
    if statement.where is not None:
        index["partialFilterExpression"] = _where(statement, statement.where, table, planning)
    command = cc.CreateIndex(
        table.collection, index, statement.if_not_exists, table.database, statement.table.span)
    return catalog_plan("CREATE INDEX", command, _unique_notice(statement, options, list(keys)))


def _check_unique(statement: st.CreateIndex, options: dict[str, Any]) -> None:
    if options.get("kind"):
        raise PlanError("E2007", f"an index of kind {options['kind']} can't be unique", statement.span)


def _where(
    statement: st.CreateIndex, condition: ast.Expr, table: Table, planning: Planning
) -> dict[str, Any]:
    if any(o.name.lower() == "sparse" for block in statement.options for o in block.options):
        raise PlanError("E2007", "an index is sparse or has a WHERE, not both", condition.span)
    scope = Scope((Source("", (table.collection,)),))
    bound = bind(condition, scope, planning.environment)
    check_timeless(condition, scope, planning.environment, "the WHERE of an index")
    check_steady(bound, "the WHERE of an index")
    return partial_filter(bound, unique=statement.unique)


def _unique_notice(statement: st.CreateIndex, options: dict[str, Any], names: list[str]) -> tuple[str, ...]:
    if not statement.unique or statement.where is not None or options.get("sparse"):
        return ()
    listed, tests = ", ".join(names), " AND ".join(f"{name} IS NOT NULL" for name in names)
    return (f"NULL is a value to a unique index: two documents without {listed} collide;"
            f" WHERE {tests} leaves them out",)


# Dropping and emptying


def plan_drop(statement: st.Drop, planning: Planning) -> Plan:
    """DROP TABLE, COLLECTION, VIEW or INDEX; raises SqlError."""
    verb = f"DROP {statement.what}"
    if statement.table is not None:
        table, name = read_name(statement.table, planning), statement.name[0]
        if name.text == "_id_":
            raise UnsupportedError("E3001", "the index on _id can't be dropped", name.span)
        if name.text == "*":
            # it would mean all indexes to the server
            raise PlanError("E2022", "no index has the name *", name.span, hint="drop indexes one by one")
        index = cc.DropIndex(table.collection, name.text, statement.if_exists, table.database, statement.table.span)
        return catalog_plan(verb, index)
    named = as_table(statement.name)
    table = read_name(named, planning)
    command = cc.DropCollection(
        table.collection, "view" if statement.what == "VIEW" else "collection", statement.if_exists, table.database,
        named.span)
    return catalog_plan(verb, command)


def plan_truncate(statement: st.Truncate, planning: Planning) -> Plan:
    """TRUNCATE: it asks nothing, it is explicit."""
    table, options = read_name(statement.table, planning), planning.options
    return catalog_plan("TRUNCATE", cc.Truncate(
        table.collection, options.write_concern, options.max_execution_time, options.comment, table.database,
        statement.table.span))
