"""Statements about stored documents: UPDATE, DELETE, MOVE, and DRY RUN in front of them."""

from __future__ import annotations

from sqlbulk.commands import Plan
from sqlbulk.errors import UnsupportedError
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.stored.delete import plan_removal
from sqlbulk.plan.stored.explain import dry
from sqlbulk.plan.stored.update import plan_update
from sqlbulk.syntax import statements as st


def plan_stored(statement: st.Update | st.Delete | st.Move | st.DryRun, planning: Planning) -> Plan:
    """The plan of the statement; raises SqlError."""
    match statement:
        case st.Update():
            return plan_update(statement, planning)
        case st.Delete() | st.Move():
            return plan_removal(statement, planning)
        case st.DryRun(statement=st.Update() | st.Delete() | st.Move() as inner):
            return dry(plan_stored(inner, planning))
        case _:
            raise UnsupportedError("E3001", "DRY RUN is for UPDATE, DELETE and MOVE; for others it isn't supported yet",
                                   statement.span)
