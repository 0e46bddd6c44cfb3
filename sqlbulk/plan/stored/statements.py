"""Statements about stored documents: UPDATE, DELETE and MOVE."""

from __future__ import annotations

from sqlbulk.commands import Plan
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.stored.delete import plan_removal
from sqlbulk.plan.stored.update import plan_update
from sqlbulk.syntax import statements as st


def plan_stored(statement: st.Update | st.Delete | st.Move, planning: Planning) -> Plan:
    """The plan of the statement; raises SqlError."""
    return plan_update(statement, planning) if isinstance(statement, st.Update) else plan_removal(statement, planning)
