"""EXPLAIN in front of a statement, and the plans of statements that ask nothing of the server."""

from __future__ import annotations

from sqlbulk import commands
from sqlbulk.plan.shown import shown


def explained(plan: commands.Plan) -> commands.Plan:
    """EXPLAIN of a plan: its text as a table."""
    text = plan.text
    return commands.Plan("EXPLAIN", (commands.Explained(text, plan),), (), lambda: text, lambda: plan.commands)


def described(verb: str, step: commands.SetOption | commands.UseDatabase) -> commands.Plan:
    """The plan of SET or USE."""
    words = f"{step.name} = {shown(step.value)}" if isinstance(step, commands.SetOption) else step.database
    return commands.Plan(verb, (step,), (), lambda: f"{verb} {words}")
