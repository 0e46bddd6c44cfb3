"""Option blocks and SET: constant expressions to checked options, with problems put at their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.options import OptionProblem, WriteOptions, merge, parse_option
from sqlbulk.plan.binding.binder import bind_constant
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.types import Interval

REFUSED_BLOCKS = {
    "ARCHIVAL_STRATEGY": "archiving belongs to DELETE",
    "TIME_SERIES_OPTIMIZATION": "a time-series collection is made by INSERT",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A statement's options: all of them, those that the statement itself gives with their places, and notices."""

    options: WriteOptions
    places: dict[str, st.Option]
    notices: tuple[str, ...] = ()

    def place(self, name: str) -> st.Option | None:
        """The option as it was written, None if the statement doesn't give it."""
        return self.places.get(name)


def read_options(
    blocks: Sequence[st.OptionBlock], statement: str, *, base: WriteOptions, environment: Environment
) -> Given:
    """The options of a statement, `statement` being its name in the table of options; raises PlanError."""
    for block in blocks:
        if block.name in REFUSED_BLOCKS and (block.name, statement) != ("ARCHIVAL_STRATEGY", "DELETE"):
            raise UnsupportedError("E3001", f"{block.name}: {REFUSED_BLOCKS[block.name]}", block.span)
    written = [option for block in blocks for option in block.options]
    values: dict[str, Any] = {}
    places: dict[str, st.Option] = {}
    unknown: list[OptionProblem] = []
    spots: list[st.Option] = []
    for option in written:
        value = option_value(option.value, environment)
        try:
            name, parsed = parse_option(option.name, value, statement)
        except OptionProblem as problem:
            if problem.code != "E2006":
                raise at_option(problem, option) from None
            unknown.append(problem)
            spots.append(option)
            continue
        if name in places:
            raise PlanError("E2018", f"option {name} is given twice", option.span)
        values[name], places[name] = parsed, option
    options = merge(base, values.items())
    notices = _unknown(unknown, spots, lenient=options.unknown_options == "warn")
    return Given(options, places, (*notices, *_without_effect(options, places)))


def _unknown(problems: list[OptionProblem], spots: list[st.Option], *, lenient: bool) -> tuple[str, ...]:
    if problems and not lenient:
        raise at_option(problems[0], spots[0])
    return tuple(f"{p.message}: it has no effect" + (f" ({p.hint})" if p.hint else "") for p in problems)


def at_option(problem: OptionProblem, option: st.Option | st.SetOption) -> PlanError:
    """An option's problem as an error: its value's place, or the whole option's if its name is to blame."""
    span = option.span if problem.code == "E2006" else option.value.span
    return PlanError(problem.code, problem.message, span, hint=problem.hint)


def _without_effect(options: WriteOptions, places: dict[str, st.Option]) -> list[str]:
    """Notices about options of the statement that another one leaves without effect."""
    notices = []
    if options.ordered and "parallel_workers" in places and options.parallel_workers > 1:
        notices.append("ordered = true: parallel_workers has no effect, batches go one after the other")
    if options.max_errors is not None and "max_errors" in places and not options.continue_on_error:
        notices.append("continue_on_error = false: max_errors has no effect, the first refused row stops the statement")
    return notices


# Values


def option_value(value: ast.Expr, environment: Environment) -> Any:
    """An option's value as Python: a bare word is text, lists and documents may hold bare words."""
    match value:
        case ast.Path(parts=parts):
            return ".".join(part.text for part in parts)
        case ast.ArrayLiteral(items=items):
            return [option_value(item, environment) for item in items]
        case ast.Row(items=items):
            return [option_value(item, environment) for item in items]
        case ast.DocumentLiteral(entries=entries):
            return {key: option_value(item, environment) for key, item in entries}
        case ast.Default():
            raise PlanError("E2007", "DEFAULT is no value of an option; leave the option out", value.span)
    found = bind_constant(value, environment).value
    if isinstance(found, Interval):
        if found.months:
            raise PlanError("E2007", "months are of no fixed length; say days", value.span)
        return found.milliseconds / 1000
    return found


def set_value(statement: st.SetOption, environment: Environment) -> tuple[str, Any]:
    """The option's name and the checked value of SET option = value."""
    value = option_value(statement.value, environment)
    try:
        return parse_option(statement.name, value)
    except OptionProblem as problem:
        raise at_option(problem, statement) from None


__all__ = ["Given", "at_option", "option_value", "read_options", "set_value"]
