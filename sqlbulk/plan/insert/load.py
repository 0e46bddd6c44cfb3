"""LOAD DATA INFILE: MySQL's defaults for the file, @variables, and SET worked out row by row on the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Computed, Path, Shape
from sqlbulk.errors import PlanError, RowRefused
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant
from sqlbulk.plan.binding.evaluate import check_evaluable, evaluate, step_into
from sqlbulk.plan.binding.scope import VARIABLES, Scope, Source
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import constant_cell, stored
from sqlbulk.plan.insert.conflict import Rows, decide
from sqlbulk.plan.insert.defaults import defaults_of, row_defaults
from sqlbulk.plan.insert.explain import finished
from sqlbulk.plan.insert.files import Columns, read_columns, read_file_source
from sqlbulk.plan.insert.statements import index_document, required
from sqlbulk.plan.options import Given, read_options
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import read_table
from sqlbulk.plan.targets import check_distinct, dotted, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.types import MISSING, Type


def plan_load(statement: st.LoadData, planning: Planning) -> commands.Plan:
    """The plan of LOAD DATA; raises SqlError."""
    environment = planning.environment
    given = read_options(statement.options, "LOAD DATA", base=planning.options, environment=environment)
    table = read_table(statement.table, environment)
    base = commands.FileRows(
        statement.file.path, statement.file.span, format="csv", delimiter="\t", quote="", escape="\\",
        line_terminator="\n", header=False)
    rows = read_file_source(statement.file, environment, base=base)
    listed = None if statement.file.columns is None else read_columns(statement.file.columns, environment)
    notices: tuple[str, ...] = ()
    if listed is not None:
        rows = replace(rows, columns=listed.columns)
        notices = listed.notices
    elif rows.skip:
        notices = (f"the statement names no columns: line {rows.skip} of the file does",)
        rows = replace(rows, header=True, skip=rows.skip - 1)
    else:
        raise PlanError("E2001", "LOAD DATA needs the names of the columns: (a, b, @c), or IGNORE 1 LINES for a header",
                        statement.span)
    shape, fields = _shape(statement, listed, environment)
    defaults = defaults_of(table, environment, statement.table.span)
    shape = replace(shape, defaults=row_defaults(defaults, environment))
    command = commands.Insert(
        table.collection, rows, required(shape, fields, given), given.options,
        conflict=_duplicates(statement, Rows(table.collection, table.alias, fields, statement.span), planning),
        ensure_indexes=tuple(map(index_document, given.options.ensure_indexes)), database=table.database)
    return finished("LOAD DATA", command, (*given.notices, *notices))


def _duplicates(statement: st.LoadData, rows: Rows, planning: Planning) -> commands.Conflict | None:
    """What REPLACE or IGNORE in front of INTO mean: the same as in INSERT."""
    verb = "REPLACE" if statement.duplicates == "REPLACE" else "INSERT"
    insert = st.Insert(
        verb, statement.duplicates == "IGNORE", statement.table, (), st.RowsParameter(), span=statement.span)
    options = replace(planning.options, upsert_mode=False, match_fields=())
    return decide(insert, rows, Given(options, {}), planning.environment).conflict


# Columns, variables, SET


def _shape(
    statement: st.LoadData, listed: Columns | None, environment: Environment
) -> tuple[Shape, tuple[Path, ...] | None]:
    """How a row becomes a document, and the fields that it has, None if only the header tells."""
    assigned = [target_path(a.target) for a in statement.assignments]
    check_distinct((p, a.target.span) for p, a in zip(assigned, statement.assignments, strict=True))
    scope = _scope(statement, listed)
    computed: list[Computed] = []
    constants: list[tuple[Path, Any]] = []
    for path, assignment in zip(assigned, statement.assignments, strict=True):
        if assignment.loop is not None:
            raise PlanError("E2004", "FOR … END has no meaning in LOAD DATA", assignment.loop.span)
        if isinstance(assignment.value, ast.Default):
            continue
        bound = bind(assignment.value, scope, environment)
        if isinstance(bound, Constant):
            constants.append((path, constant_cell(bound, assignment.value.span)))
            continue
        check_evaluable(bound)
        row = _Row(bound, environment.context)
        computed.append(Computed(path, dotted(path), row))
    if listed is None:
        return Shape(None, computed=tuple(computed), constants=tuple(constants)), None
    paths = [None if p in assigned else p for p in listed.paths]
    _check_apart(paths, statement, assigned)
    names = tuple(c.name or "" for c in listed.columns)
    fields = tuple(p for p in (*paths, *assigned) if p is not None)
    shape = Shape(tuple(paths), names, tuple(computed), constants=tuple(constants), names=names)
    return shape, fields


def _check_apart(paths: list[Path | None], statement: st.LoadData, assigned: list[Path]) -> None:
    """Raise E2010 where SET and the column list name parts of each other."""
    columns = [(p, statement.span) for p in paths if p is not None]
    check_distinct([*columns, *((p, a.target.span) for p, a in zip(assigned, statement.assignments, strict=True))])


def _scope(statement: st.LoadData, listed: Columns | None) -> Scope:
    variables = [c.variable for c in statement.file.columns or () if c.variable is not None]
    fields = {".".join(p): Type.ANY for p in (listed.paths if listed else ()) if p is not None}
    tables = tuple(p.text for p in statement.table.name[-1:])
    row = Source("", tables, {f.split(".")[0]: Type.ANY for f in fields}, open=listed is None)
    return Scope((row, Source(VARIABLES, (), dict.fromkeys(variables, Type.ANY), open=False, qualified=True)))


@dataclass(frozen=True, slots=True)
class _Row:
    """Works an expression out for one row; raises RowRefused."""

    expression: BoundExpr
    context: Context

    def __call__(self, values: Mapping[str, Any]) -> Any:
        try:
            return stored(evaluate(self.expression, _reader(values), self.context), self.expression.span)
        except PlanError as problem:
            raise RowRefused("E4002", problem.message) from None


def _reader(values: Mapping[str, Any]) -> Callable[[Column], Any]:
    def read(column: Column) -> Any:
        if column.relation == VARIABLES:
            return values.get("@" + column.path[0], MISSING)
        for length in range(len(column.path), 0, -1):
            name = ".".join(column.path[:length])
            if name in values:
                return step_into(values[name], column.path[length:])
        return MISSING

    return read
