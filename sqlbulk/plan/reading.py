"""The options of a SELECT: what its command says, and what a collation can't hold for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands_read import Reading
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions import matching
from sqlbulk.functions.collation import SEARCHES
from sqlbulk.options import WriteOptions
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Call
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.options import Given, read_options
from sqlbulk.syntax import statements as st

_LANGUAGE = "en"
"""The locale of case_insensitive where no collation says another."""
@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the options make of a query's command. `plainly`: by one command, with no keys or rows read before it."""

    reading: Reading
    collation: Mapping[str, Any] | None
    allow_disk_use: bool
    notices: tuple[str, ...]
    plainly: bool
    hint: Span | None

    def environment(self, environment: Environment) -> Environment:
        """The environment for planning the query."""
        if self.collation is None:
            return environment
        return replace(environment, context=replace(environment.context, collated=True))

    def put(self, command: commands.Query) -> commands.Query:
        """The command with the options; raises PlanError E2007 for the hint of a query that reads no collection."""
        if self.reading.hint is not None and command.collection is None:
            raise PlanError("E2007", "there is no collection to read by an index", self.hint or Span(0, 0))
        alone = command.alone and self.put(command.alone)
        return replace(
            command, reading=self.reading, collation=self.collation, allow_disk_use=self.allow_disk_use, alone=alone)


def query_options(blocks: Sequence[st.OptionBlock], base: WriteOptions, environment: Environment) -> ReadingOptions:
    """The options of a query, those of the session included; raises SqlError."""
    given = read_options(blocks, "SELECT", base=base, environment=environment)
    options = given.options
    collation = _collation(given)
    reading = Reading(
        options.hint, options.batch_size if given.place("batch_size") else None, options.max_execution_time,
        options.read_concern, options.read_preference, options.comment)
    hint = given.place("hint")
    plainly = collation is not None or any((options.hint, options.read_concern, options.read_preference))
    return ReadingOptions(
        reading, collation, options.allow_disk_use, given.notices, plainly, hint.value.span if hint else None)


def _collation(given: Given) -> Mapping[str, Any] | None:
    collation = given.options.collation
    if not given.options.case_insensitive:
        return collation
    place = given.place("case_insensitive") or given.place("collation")
    if collation is not None and ("strength" in collation or collation["locale"] == "simple"):
        raise PlanError("E2007", "case_insensitive stands beside a collation that says so itself, by its strength",
                        place.span if place else Span(0, 0))
    return {**(collation or {"locale": _LANGUAGE}), "strength": 2}


def check_searches(relation: algebra.Relation) -> None:
    """Raise where a text is searched by a pattern or another text, to which the server applies no collation."""
    for part in (p for node in algebra.relations_in(relation) for e in algebra.own_expressions(node)
                 for p in algebra.walk(e)):
        if isinstance(part, Call) and (part.function.name in SEARCHES or part.function in matching.ENTRIES):
            raise UnsupportedError("E3001", f"{part.function.name} doesn't go by a collation", part.span,
                                   hint="compare LOWER (…), or leave the collation out")
