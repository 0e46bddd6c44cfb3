"""EXPLAIN in front of a statement, and the plans of statements that ask nothing of the server."""

from __future__ import annotations

from sqlbulk import commands
from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan.shown import shown


def explained(plan: commands.Plan) -> commands.Plan:
    """EXPLAIN of a plan: its text as a table."""
    text = plan.text
    return commands.Plan("EXPLAIN", (commands.Explained(text, plan),), (), lambda: text, lambda: plan.commands)


def analyzed(plan: commands.Plan, span: Span) -> commands.Plan:
    """EXPLAIN ANALYZE of a query's plan; UnsupportedError for a statement that would write."""
    step = plan.steps[0] if plan.steps else None
    if not isinstance(step, commands.Query):
        raise UnsupportedError(
            "E3001", f"EXPLAIN ANALYZE runs the statement, and is for queries only, not for {plan.statement}", span,
            hint="EXPLAIN shows the plan; DRY RUN counts what would change")
    text = plan.text
    return commands.Plan(
        "EXPLAIN", (commands.Analyze(step, text),), plan.notices, lambda: f"run for its figures:\n{text}",
        lambda: plan.commands)


def described(verb: str, step: commands.SetOption | commands.UseDatabase) -> commands.Plan:
    """The plan of SET or USE."""
    words = f"{step.name} = {shown(step.value)}" if isinstance(step, commands.SetOption) else step.database
    return commands.Plan(verb, (step,), (), lambda: f"{verb} {words}")
