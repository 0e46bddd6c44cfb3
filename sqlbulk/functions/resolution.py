"""Which entry a call means: by name, number and types of its arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlbulk.functions import (
    aggregate,
    arithmetic,
    array,
    bits,
    cast,
    characters,
    collecting,
    comparison,
    condition,
    document,
    hashing,
    identity,
    jsonkeys,
    matching,
    merging,
    number,
    text,
    time,
    timeformat,
    timemaking,
    timeparts,
    window,
    writing,
)
from sqlbulk.functions.calls import fold_call, lower_call, parameter_at
from sqlbulk.functions.fitting import Fit, common_type, fit, fits_value, type_test
from sqlbulk.functions.registry import (
    Aggregate,
    Context,
    Function,
    FunctionProblem,
    Operand,
    WindowFunction,
)
from sqlbulk.functions.unsupported import UNSUPPORTED
from sqlbulk.types import Type

_MODULES = (
    comparison, arithmetic, condition, number, text, characters, matching, time, timemaking, timeparts,
    timeformat, cast, document, merging, writing, array, identity, bits, hashing, jsonkeys,
)
_AGGREGATE_ENTRIES = (*aggregate.ENTRIES, *collecting.ENTRIES)


def _by_name(entries: Iterable[Any]) -> dict[str, tuple[Any, ...]]:
    table: dict[str, tuple[Any, ...]] = {}
    for entry in entries:
        for name in (entry.name, *entry.aliases):
            table[name] = (*table.get(name, ()), entry)
    return table


FUNCTIONS: dict[str, tuple[Function, ...]] = _by_name(e for module in _MODULES for e in module.ENTRIES)
"""Every name, upper case, aliases included: its overloads, the first that fits is meant."""


def resolve(name: str, types: Sequence[Type]) -> Function:
    """The entry that a call means. FunctionProblem: E2003 unknown, E2004 the count, E2012 the types, E3001 refused.

    If several overloads could be meant and only the values can tell, the entry given decides when it runs.
    """
    overloads = FUNCTIONS.get(name.upper())
    if overloads is None:
        raise _unknown(name)
    counted = [f for f in overloads if _takes(f, len(types))]
    if not counted:
        raise FunctionProblem("E2004", f"{name.upper()} takes {_arity(overloads)}, not {len(types)}",
                              hint=f"example: {overloads[0].example}")
    fits = [(f, [fit(t, parameter_at(f, i).type) for i, t in enumerate(types)]) for f in counted]
    possible = [(f, each) for f, each in fits if Fit.NO not in each]
    if not possible:
        raise _misfit(name, counted, types)
    # A constant has a known type: what isn't known can't be meant for a parameter that must be constant.
    possible = [(f, each) for f, each in possible if not _lacks_constant(f, types)] or possible
    for function, each in possible:
        if Fit.MAYBE not in each or len(possible) == 1:
            return function
    return _either([f for f, _ in possible])


def _lacks_constant(function: Function, types: Sequence[Type]) -> bool:
    return any(t is Type.ANY and parameter_at(function, i).constant for i, t in enumerate(types))


def _takes(function: Function, count: int) -> bool:
    least = sum(not p.optional for p in function.parameters)
    repeated = sum(p.repeated for p in function.parameters)
    most = len(function.parameters)
    if not repeated:
        return least <= count <= most
    return count >= least and (repeated == 1 or (count - (most - repeated)) % repeated == 0)


def _arity(overloads: Sequence[Function]) -> str:
    least = min(sum(not p.optional for p in f.parameters) for f in overloads)
    if any(p.repeated for f in overloads for p in f.parameters):
        return f"{least} or more arguments" if least else "any number of arguments, in pairs"
    most = max(len(f.parameters) for f in overloads)
    if most == 0:
        return "no arguments"
    return (f"{most} argument" if least == most else f"{least} to {most} argument") + ("s" if most > 1 else "")


def _unknown(name: str) -> FunctionProblem:
    if name.upper() in UNSUPPORTED:
        return FunctionProblem("E3001", f"{name.upper()} is not supported: {UNSUPPORTED[name.upper()]}")
    if name.upper() in WINDOW_FUNCTIONS:
        return FunctionProblem("E2003", f"{name.upper()} is a window function, and stands in front of OVER (…)",
                               hint=f"example: {WINDOW_FUNCTIONS[name.upper()].example}")
    near = difflib.get_close_matches(name.upper(), [n for n in FUNCTIONS if n[0].isalpha()], 1)
    hint = f"did you mean {near[0]}?" if near else "SHOW FUNCTIONS lists them"
    return FunctionProblem("E2003", f"there is no function {name.upper()}", hint=hint)


def _misfit(name: str, counted: Sequence[Function], types: Sequence[Type]) -> FunctionProblem:
    for position, known in enumerate(types):
        wanted = {parameter_at(f, position).type for f in counted}
        if all(fit(known, w) is Fit.NO for w in wanted):
            words = " or ".join(sorted(w.value for w in wanted))
            message = f"argument {position + 1} of {name.upper()} has to be {words}, not {known.value}"
            return FunctionProblem("E2012", message, argument=position, hint=f"example: {counted[0].example}")
    words = ", ".join(t.value for t in types)
    message = f"{name.upper()} has no meaning for ({words})"
    return FunctionProblem("E2012", message, hint=f"example: {counted[0].example}")


def _either(candidates: Sequence[Function]) -> Function:
    """A function that looks at its arguments' types when it runs, and does what the entry for them does."""

    def lower(*operands: Operand, context: Context) -> Operand:
        result = Operand(None, Type.NULL)
        for function in reversed(candidates):
            result = _tried(function, operands, result, context)
        return replace(result, type=_result_type(candidates, [o.type for o in operands]))

    def fold(*values: Any, context: Context) -> Any:
        for function in candidates:
            if all(v is None or fits_value(parameter_at(function, i).type, v) for i, v in enumerate(values)):
                return fold_call(function, values, context)
        return None

    first = candidates[0]
    return replace(
        first,
        parameters=tuple(replace(p, type=Type.ANY) for p in first.parameters),
        returns=lambda types: _result_type(candidates, types),
        lower=lower, fold=fold, contextual=True, operands=True, guarded=False, nullable=True,
    )


def _tried(function: Function, operands: Sequence[Operand], otherwise: Operand, context: Context) -> Operand:
    tests = [
        type_test(parameter_at(function, i).type, o.mql)
        for i, o in enumerate(operands)
        if fit(o.type, parameter_at(function, i).type) is Fit.MAYBE
    ]
    narrowed = [
        replace(o, type=parameter_at(function, i).type, nullable=False) if o.type is Type.ANY else o
        for i, o in enumerate(operands)
    ]
    body = lower_call(function, narrowed, context)
    return Operand({"$cond": [tests[0] if len(tests) == 1 else {"$and": tests}, body.mql, otherwise.mql]})


def _result_type(candidates: Sequence[Function], types: Sequence[Type]) -> Type:
    return common_type([f.returns if isinstance(f.returns, Type) else f.returns(types) for f in candidates])


# Aggregates

AGGREGATES: dict[str, Aggregate] = {name: each[0] for name, each in _by_name(_AGGREGATE_ENTRIES).items()}
"""Every aggregate by name, upper case, aliases included."""

WINDOW_FUNCTIONS: dict[str, WindowFunction] = {f.name: f for f in window.ENTRIES}
"""The functions that have a meaning in a window only."""


def resolve_aggregate(name: str) -> Aggregate | None:
    """The aggregate of that name, None: there is none."""
    return AGGREGATES.get(name.upper())
