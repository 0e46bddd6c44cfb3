"""SET and USE: what later statements of the session start from."""

from __future__ import annotations

from sqlbulk import commands
from sqlbulk.errors import PlanError
from sqlbulk.plan.explain import described
from sqlbulk.plan.options import set_value
from sqlbulk.plan.statement import Planning
from sqlbulk.syntax import statements as st

_NO_DATABASE_NAME = set('/\\. "$*<>:|?\0')


def plan_set_option(statement: st.SetOption, planning: Planning) -> commands.Plan:
    """SET option = value."""
    name, value = set_value(statement, planning.environment)
    return described("SET", commands.SetOption(name, value))


def plan_use_database(statement: st.UseDatabase) -> commands.Plan:
    """USE database; raises PlanError E2011 for a name that no database can have."""
    name = statement.database.text
    if set(name) & _NO_DATABASE_NAME or len(name.encode()) > 63:
        raise PlanError("E2011", f"{name!r} can't be the name of a database", statement.database.span)
    return described("USE", commands.UseDatabase(name))
