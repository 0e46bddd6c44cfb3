"""INSERT, UPSERT and REPLACE: the rows, how they become documents, what happens to those that are stored already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Path, Shape
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.option_kinds import IndexSpec
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert import conflict
from sqlbulk.plan.insert.defaults import defaults_of
from sqlbulk.plan.insert.explain import finished
from sqlbulk.plan.insert.files import read_columns, read_file_source
from sqlbulk.plan.insert.rowplan import RowPlan, with_defaults
from sqlbulk.plan.insert.time_series import check_time_series, take_time_series
from sqlbulk.plan.insert.values import default_rows, value_rows
from sqlbulk.plan.options import Given, read_options
from sqlbulk.plan.returning import returned
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import Table, read_table
from sqlbulk.plan.targets import check_distinct, dotted, split_names, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_insert(statement: st.Insert, planning: Planning) -> commands.Plan:
    """The plan of INSERT, UPSERT or REPLACE … VALUES, ? or FROM 'file'; raises SqlError."""
    environment = planning.environment
    series, blocks = take_time_series(statement.options, environment)
    given = read_options(blocks, statement.verb, base=planning.options, environment=environment)
    table = read_table(statement.table, environment)
    defaults = defaults_of(table, environment, statement.table.span)
    source = with_defaults(source_rows(statement, table, planning), defaults, environment)
    rows = conflict.Rows(table.collection, table.alias, source.fields, statement.span, defaults)
    decision = conflict.decide(statement, rows, given, environment)
    if decision.conflict is not None and (series is not None or table.kind == "timeseries"):
        reason = f"{table.collection} is a time-series collection, which has no unique keys"
        raise UnsupportedError("E3001", reason, statement.table.span)
    command = commands.Insert(
        table.collection, source.rows, required(source.shape, source.fields, given), given.options,
        conflict=decision.conflict, ensure_indexes=tuple(map(index_document, given.options.ensure_indexes)),
        database=table.database, time_series=series.series if series else None,
        returning=returned(statement.returning, statement.table, environment, statement.span)
        if statement.returning else None)
    notices = (*given.notices, *source.notices, *decision.notices, *_nest_notice(given, source))
    if series is not None:
        notices = (*notices, *check_time_series(series, source.fields, table.kind if table.known else None))
    if statement.returning and isinstance(command.rows, commands.QueryRows):
        command = replace(command, rows=replace(command.rows, by_client="RETURNING wants every document"))
    elif isinstance(source.rows, commands.QueryRows) and source.rows.by_client is None:
        from sqlbulk.plan.insert.query import placed

        command, more = placed(command, given, environment)
        notices = (*notices, *more)
    return finished(statement.verb, command, notices)


# Where the rows come from


def source_rows(statement: st.Insert, table: Table, planning: Planning) -> RowPlan:
    """The rows of the statement and how they become documents; raises SqlError."""
    paths = tuple(target_path(c) for c in statement.columns)
    check_distinct((p, c.span) for p, c in zip(paths, statement.columns, strict=True))
    options = planning.options
    match statement.rows:
        case st.DefaultValues():
            return RowPlan(default_rows(), Shape((), nest=False), ())
        case st.ValueList(empty=empty, span=span):
            named = paths if paths or empty else None
            rows = value_rows(named, planning, first_parameter=_parameters_before(statement, span), span=span)
            return RowPlan(rows, Shape(named, nest=False), named)
        case st.RowsParameter():
            return RowPlan(commands.CallerRows(), Shape(paths or None, nest=options.nest), paths or None)
        case st.FileSource() as file:
            return _file(file, paths, statement, planning.environment)
    from sqlbulk.plan.insert.query import query_rows

    found = query_rows(statement.rows, paths, table.collection, planning.environment)
    return RowPlan(found, Shape(None, nest=False), found.fields)


def _file(
    file: st.FileSource, paths: tuple[Path, ...], statement: st.Insert, environment: Environment
) -> RowPlan:
    rows = read_file_source(file, environment)
    if file.columns is None:
        if not paths:
            return RowPlan(rows, Shape(None), None)
        for path, column in zip(paths, statement.columns, strict=True):
            if any("." in name for name in path):
                raise PlanError("E2011", f"{dotted(path)}: name a file's columns in COLUMNS (…)", column.span)
        names = tuple(".".join(path) for path in paths)
        columns = tuple(commands.FileColumn(name) for name in names)
        return RowPlan(replace(rows, columns=columns), Shape(paths, names=names), paths)
    listed = read_columns(file.columns, environment)
    variable = next((c for c in file.columns if c.variable is not None), None)
    if variable is not None:
        raise PlanError("E2004", "@variables belong to LOAD DATA", variable.span)
    rows = replace(rows, columns=listed.columns)
    if not paths:
        for listed_path, listed_column in zip(listed.paths, file.columns, strict=True):
            if any("." in name for name in listed_path or ()):
                raise PlanError("E2011", f"{dotted(listed_path or ())}: name the field in front of FROM",
                                listed_column.span, hint="INSERT INTO t (…) FROM 'file' COLUMNS (…)")
        return RowPlan(rows, Shape(None), None, listed.notices)
    if len(paths) != len(listed.columns):
        reason = f"{len(paths)} columns are to be filled, but COLUMNS lists {len(listed.columns)}"
        raise PlanError("E2001", reason, file.span)
    return RowPlan(rows, Shape(paths, names=tuple(c.name or "" for c in listed.columns)), paths, listed.notices)


def _parameters_before(statement: st.Insert, span: Span) -> int:
    """How many `?` stand before the value list: they can only be in option blocks."""
    return sum(1 for block in statement.options if block.span.start < span.start for _ in _positional(block))


def _positional(node: Any) -> list[ast.Parameter]:
    if isinstance(node, ast.Parameter):
        return [node] if isinstance(node.key, int) else []
    if isinstance(node, tuple):
        return [p for item in node for p in _positional(item)]
    if isinstance(node, ast.Node):
        return [p for name in node.__dataclass_fields__ if name != "span" for p in _positional(getattr(node, name))]
    return []


# What the options add


def required(shape: Shape, fields: tuple[Path, ...] | None, given: Given) -> Shape:
    """The shape with the required fields and nesting of the options.

    Raises PlanError E2002 for a field no row can have, also in sort_by.
    """
    paths = split_names(given.options.required_fields)
    keys = split_names([key.field for key in given.options.sort_by])
    for name, what, wanted in (("required_fields", "required field", paths), ("sort_by", "sort_by field", keys)):
        option = given.place(name)
        for path in wanted:
            if option is not None and fields is not None and not any(
                    f == path[: len(f)] or path == f[: len(path)] for f in fields):
                raise PlanError("E2002", f"the {what} {dotted(path)} is not among the columns", option.value.span)
    return replace(shape, required=paths, nest=shape.nest and given.options.nest)


def _nest_notice(given: Given, source: RowPlan) -> tuple[str, ...]:
    if given.place("nest") and source.shape.targets is not None:
        return ("nest has no effect: the statement names the columns",)
    if given.place("nest") and isinstance(source.rows, commands.ValuesRows):
        return ("nest has no effect: documents in VALUES are stored as they are",)
    return ()


def index_document(index: IndexSpec) -> Mapping[str, Any]:
    """An index as the createIndexes command takes it."""
    document: dict[str, Any] = {"key": dict(index.keys), "name": "_".join(f"{f}_{d}" for f, d in index.keys)}
    if index.unique:
        document["unique"] = True
    if index.sparse:
        document["sparse"] = True
    if index.expire_after is not None:
        document["expireAfterSeconds"] = int(index.expire_after)
    return document
