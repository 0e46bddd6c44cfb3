"""EXPLAIN in front of a statement, and the plans of statements that ask nothing of the server."""

from __future__ import annotations

from sqlbulk import commands
from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan.shown import shown
from sqlbulk.results import ANALYZED


def explained(plan: commands.Plan) -> commands.Plan:
    """EXPLAIN of a plan: its text as a table."""
    text = plan.text
    return commands.Plan("EXPLAIN", (commands.Explained(text, plan),), (), lambda: text, lambda: plan.commands)


def analyzed(plan: commands.Plan, span: Span) -> commands.Plan:
    """EXPLAIN ANALYZE of a plan; UnsupportedError unless the statement reads or writes documents."""
    step = plan.steps[0]
    match step:
        case commands.Query():
            verb, head = "EXPLAIN", "run for its figures:"
        case commands.Insert() | commands.UpdateWhere() | commands.DeleteWhere() | commands.MergeRows():
            verb, head = f"{ANALYZED}{plan.statement}", "carried out, so it writes, and shown with its figures:"
        case commands.DryRun():
            raise UnsupportedError(
                "E3001", "EXPLAIN ANALYZE carries the statement out, and DRY RUN doesn't: they can't be combined", span,
                hint="DRY RUN alone counts what would change; EXPLAIN ANALYZE alone writes, and shows figures")
        case _:
            raise UnsupportedError(
                "E3001", "EXPLAIN ANALYZE carries the statement out, and is for those that read or write documents, not"
                f" for {plan.statement}", span, hint="EXPLAIN shows the plan")
    text = plan.text
    return commands.Plan(
        verb, (commands.Analyze(step, text),), plan.notices, lambda: f"{head}\n{text}", lambda: plan.commands)


def described(verb: str, step: commands.SetOption | commands.UseDatabase) -> commands.Plan:
    """The plan of SET or USE."""
    words = f"{step.name} = {shown(step.value)}" if isinstance(step, commands.SetOption) else step.database
    return commands.Plan(verb, (step,), (), lambda: f"{verb} {words}")
