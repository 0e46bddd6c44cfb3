"""DRY RUN in front of a statement that writes: its plan, to be counted and shown and not done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import DeleteWhere, DryRun, Insert, MergeRows, QueryRows, UpdateWhere
from sqlbulk.commands_catalog import Truncate
from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan.explain_query import wire_query
from sqlbulk.plan.stored.explain import search_command

Write = Insert | UpdateWhere | DeleteWhere | MergeRows | Truncate


def dried(plan: commands.Plan, span: Span) -> commands.Plan:
    """The plan of DRY RUN in front of a statement with this plan; UnsupportedError for one that writes no documents."""
    step = plan.steps[0]
    if not isinstance(step, Insert | UpdateWhere | DeleteWhere | MergeRows | Truncate):
        reason = f"DRY RUN is for statements that write documents, not for {plan.statement}"
        raise UnsupportedError("E3001", reason, span, hint="EXPLAIN shows what it would do")
    notices = plan.notices
    if not isinstance(step, Truncate) and step.returning is not None:
        step = replace(step, returning=None)
        notices = (*notices, "RETURNING gives no rows here: DRY RUN shows documents itself")
    step = _reading(step)
    return commands.Plan("DRY RUN", (DryRun(step),), notices, lambda: _text(plan), lambda: _reads(step))


def _reading(step: Write) -> Write:
    """The same with its query done in the way that keeps no rows on the server, where there is one."""
    match step:
        case UpdateWhere(selection=selection) | DeleteWhere(selection=selection) if selection.alone is not None:
            return replace(step, selection=selection.alone)
    return step


def _text(plan: commands.Plan) -> str:
    lines = plan.text.splitlines()
    head = "DRY RUN: documents are counted and some are shown; nothing is written"
    return "\n".join([head, *(line if line.startswith("notice: ") else f"  {line}" for line in lines)])


def _reads(step: Write) -> list[dict[str, Any]]:
    """What is asked at first; then stored documents that rows meet are asked for."""
    match step:
        case UpdateWhere() | DeleteWhere():
            return [search_command(step)]
        case MergeRows(query=query) | Insert(rows=QueryRows(query=query)):
            return [wire_query(query)]
        case Truncate(collection=name):
            return [{"count": name}]
    return []
