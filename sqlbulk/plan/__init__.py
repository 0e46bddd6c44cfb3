"""From a statement's tree to what to ask of MongoDB: `plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, assert_never

from sqlbulk.catalog import Catalog
from sqlbulk.commands import Analyze, Command, DryRun, Explained, Insert, Plan, ValuesRows
from sqlbulk.errors import PlanError
from sqlbulk.functions.registry import Context
from sqlbulk.options import WriteOptions
from sqlbulk.plan.environment import Environment, Parameters
from sqlbulk.plan.statement import Evaluate, OpenRows, Planning
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st

__all__ = ["Evaluate", "OpenRows", "plan"]


def plan(
    statement: st.Statement, *, context: Context, catalog: Catalog | None = None,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None, options: WriteOptions | None = None,
    open_rows: OpenRows | None = None, all_used: bool = True, read_expression: Callable[[str], ast.Expr] | None = None,
) -> Plan:
    """What a statement asks of MongoDB.

    `context` holds the moment that counts as now, `catalog` what is known of the database (None: nothing),
    `parameters` the values of `?` or `:name`, `options` the session's defaults. `open_rows` opens the value
    list of an INSERT (see OpenRows), `read_expression` reads SQL that the catalog holds. With `all_used`, a
    parameter that the statement doesn't have is an error (UsageError E2009). Raises SqlError at the place in the
    text that is wrong or isn't supported.
    """
    given = Parameters(parameters)
    options = options or WriteOptions()
    environment = Environment(context, given, catalog or Catalog(), read_expression, options.max_recursion)
    planning = Planning(environment, options, open_rows)
    try:
        made = _plan(statement, planning)
        if all_used:
            _check_parameters(made, given)
    except RecursionError:
        raise PlanError("E1007", "this is nested too deeply to be planned", statement.span) from None
    return made


def _check_parameters(made: Plan, given: Parameters) -> None:
    """Raise E2009 for unused parameters; those in a value list are only known when its rows are read."""
    steps = [step for step in _all_steps(made) if isinstance(step, Insert) and isinstance(step.rows, ValuesRows)]
    for step in steps:
        assert isinstance(step.rows, ValuesRows)
        for _ in step.rows.open() if given.unused else ():
            if not given.unused:
                break
    given.check_all_used()


def _all_steps(made: Plan) -> Iterator[Command]:
    for step in made.steps:
        yield step
        if isinstance(step, Analyze | DryRun):
            yield step.of
        if isinstance(step, Explained) and step.plan is not None:
            yield from _all_steps(step.plan)


def _plan(statement: st.Statement, planning: Planning) -> Plan:
    match statement:
        case st.Insert():
            from sqlbulk.plan.insert.statements import plan_insert

            return plan_insert(statement, planning)
        case st.LoadData():
            from sqlbulk.plan.insert.load import plan_load

            return plan_load(statement, planning)
        case ast.Query() | st.QueryWithOptions():
            from sqlbulk.plan.select import plan_select

            return plan_select(statement, planning)
        case st.Update() | st.Delete() | st.Move():
            from sqlbulk.plan.stored.statements import plan_stored

            return plan_stored(statement, planning)
        case st.Merge():
            from sqlbulk.plan.stored.merge import plan_merge

            return plan_merge(statement, planning)
        case st.SetOption():
            from sqlbulk.plan.session_statements import plan_set_option

            return plan_set_option(statement, planning)
        case st.UseDatabase():
            from sqlbulk.plan.session_statements import plan_use_database

            return plan_use_database(statement)
        case st.CreateTable() | st.CreateIndex() | st.CreateView() | st.Drop() | st.Truncate():
            from sqlbulk.plan.ddl.statements import plan_definition

            return plan_definition(statement, planning)
        case st.Show() | st.Describe():
            from sqlbulk.plan.show import plan_look

            return plan_look(statement, planning)
        case st.Explain() | st.DryRun():
            return _plan_of_another(statement, planning)
        case _:
            assert_never(statement)


def _plan_of_another(statement: st.Explain | st.DryRun, planning: Planning) -> Plan:
    """EXPLAIN and DRY RUN: what is done with the plan of the statement behind them."""
    made = _plan(statement.statement, planning)
    if isinstance(statement, st.DryRun):
        from sqlbulk.plan.dry import dried

        return dried(made, statement.span)
    from sqlbulk.plan.explain import analyzed, explained

    return analyzed(made, statement.span) if statement.analyze else explained(made)
