"""A call of a function, in the aggregation language and in Python: the one place that guards against NULL and misfits.

What holds for every function: an argument that is NULL (null or missing) gives NULL if the function's
entry says so; one whose type isn't known before the statement runs is tested when it runs, and a misfit
counts as NULL. No call aborts a statement.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.functions.collation import depends_on_collation
from sqlbulk.functions.fitting import INT64_MAX, INT64_MIN, Fit, fit, fits_value, type_test
from sqlbulk.functions.registry import UNKNOWN, Context, Function, FunctionProblem, Operand, Parameter
from sqlbulk.types import MISSING, Interval, Type, type_of

_UNSEEN = (Type.DURATION, Type.MONTHS, Type.UUID)
"""Types that a value alone doesn't show."""

_PLAIN = (bool, int, float, datetime, ObjectId, Decimal128, Binary, bytes)


def literal(value: Any) -> Any:
    """A constant as an aggregation expression. Numbers, booleans and null stay bare.

    A bare number or boolean is safe wherever an expression stands, but not as a field of $project, where it
    would mean "include". ValueError: an integer that no BSON number holds.
    """
    value = plain(value)
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, str) and not value.startswith("$"):
        return value
    return {"$literal": value}


def sole(mql: Any) -> Any:
    """An operator's one argument: an array in place of it would be the list of the operator's arguments."""
    return [mql] if isinstance(mql, list | tuple) else mql


def plain(value: Any) -> Any:
    """A value in the form the server has: intervals without months are milliseconds, huge integers doubles."""
    if isinstance(value, Interval) and not value.months:
        return value.milliseconds
    if isinstance(value, int) and not isinstance(value, bool) and not INT64_MIN <= value <= INT64_MAX:
        return float(value)
    return None if value is MISSING else value


def constant(value: Any, known: Type | None = None) -> Operand:
    """The operand of a value that is known now."""
    known = known or type_of(value)
    value = plain(value)
    mql = value if isinstance(value, Interval) else literal(value)
    return Operand(mql, known, value is None, value)


# In Python


def fold_call(function: Function, values: Sequence[Any], context: Context) -> Any:
    """The value of the call, as the server would work it out; UNKNOWN: only the server can."""
    if function.fold is None or function.volatile:
        return UNKNOWN
    if context.collated and depends_on_collation(function.name, values):
        return UNKNOWN
    arguments = []
    for position, value in enumerate(values):
        parameter = parameter_at(function, position)
        value = plain(value)
        if function.guarded and value is not None and not fits_value(parameter.type, value):
            value = None
        if value is None and function.null_propagates:
            return None
        arguments.append(_as_integer(value) if parameter.type is Type.INTEGER else value)
    keywords = {"context": context} if function.contextual else {}
    try:
        return plain(function.fold(*arguments, **keywords))
    except OverflowError as error:
        raise FunctionProblem("E2019", f"{function.name} has no value here: {error}") from None


def _as_integer(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return int(value.to_decimal())
    return int(value) if isinstance(value, float) else value


# In the aggregation language


def lower_call(function: Function, operands: Sequence[Operand], context: Context) -> Operand:
    """The call as an operand, folded if everything about it is known. Errors: FunctionProblem.

    E2005: a parameter that must be constant isn't; E2012: a constant doesn't fit; E3002: the server is too old.
    """
    _check(function, operands, context)
    known = _returns(function, operands)
    if all(o.value is not UNKNOWN for o in operands):
        value = fold_call(function, [o.value for o in operands], context)
        if value is None and function.name.startswith("CAST:") and operands[0].value is not None:
            message = f"{operands[0].value!r} can't be cast to {function.name.removeprefix('CAST:')}"
            raise FunctionProblem("E2012", message, hint="TRY_CAST gives NULL", argument=0)
        if value is not UNKNOWN:
            return constant(value, known if value is not None and known in _UNSEEN else None)
    if function.null_propagates and any(o.type is Type.NULL for o in operands):
        return constant(None)
    return _guarded(function, operands, known, context)


def _check_value(check: Callable[[Any], object], value: Any, position: int) -> None:
    try:
        check(value)
    except FunctionProblem as problem:
        problem.argument = position
        raise


def _check(function: Function, operands: Sequence[Operand], context: Context) -> None:
    for position, operand in enumerate(operands):
        parameter = parameter_at(function, position)
        if operand.value is UNKNOWN:
            if parameter.constant:
                message = f"argument {position + 1} of {function.name} ({parameter.name}) must be a constant"
                raise FunctionProblem("E2005", message, argument=position)
        elif function.guarded and operand.value is not None and not fits_value(parameter.type, operand.value):
            message = f"argument {position + 1} of {function.name} ({parameter.name}) has to be {parameter.type.value}"
            raise FunctionProblem("E2012", message, argument=position)
        elif parameter.check and operand.value is not None and fits_value(parameter.type, operand.value):
            _check_value(parameter.check, operand.value, position)
    if function.since and context.server and context.server < function.since:
        wanted = ".".join(map(str, function.since))
        raise FunctionProblem("E3002", f"{function.name} needs MongoDB {wanted}")


def _returns(function: Function, operands: Sequence[Operand]) -> Type:
    if isinstance(function.returns, Type):
        return function.returns
    return function.returns([o.type for o in operands])


def _guarded(function: Function, operands: Sequence[Operand], known: Type, context: Context) -> Operand:
    scope = Scope(operands)
    tests: list[Any] = []
    arguments: list[Any] = []
    for position, original in enumerate(operands):
        parameter = parameter_at(function, position)
        operand = original if parameter.constant else scope.bind(original)
        test = _test(function, parameter, operand)
        if test is not None and function.null_propagates:
            tests.append(test)
        elif test is not None:
            operand = _replaced(operand, {"$cond": [test, operand.mql, None]})
        if parameter.type is Type.INTEGER and operand.type is not Type.INTEGER and function.guarded:
            operand = _whole(operand)
        if function.operands:
            arguments.append(operand)
        else:
            arguments.append(operand.value if parameter.constant else operand.mql)
    keywords = {"context": context} if function.contextual else {}
    result = function.lower(*arguments, **keywords)
    if not isinstance(result, Operand):
        nullable = function.nullable or (function.null_propagates and any(o.nullable for o in operands))
        result = Operand(result, known, nullable or bool(tests))
    if tests:
        test = tests[0] if len(tests) == 1 else {"$and": tests}
        result = Operand({"$cond": [test, result.mql, None]}, result.type)
    result = _replaced(result, scope.close(result.mql))
    if function.truth is None or result.value is not UNKNOWN:
        return result
    scope.clear()
    return replace(result, truth=scope.close(function.truth(*map(scope.bind, operands))))


def _whole(operand: Operand) -> Operand:
    if operand.value is UNKNOWN or operand.value is None:
        return _replaced(operand, {"$toLong": operand.mql}, Type.INTEGER)
    return constant(_as_integer(operand.value))


def _replaced(operand: Operand, mql: Any, known: Type | None = None) -> Operand:
    return replace(operand, mql=mql, type=known or operand.type)


def _test(function: Function, parameter: Parameter, operand: Operand) -> Any:
    """What must hold when the statement runs, None: nothing. A test of the type is one of NULL as well."""
    if operand.value is not UNKNOWN:
        return None
    if function.guarded and fit(operand.type, parameter.type) is Fit.MAYBE:
        return type_test(parameter.type, operand.mql)
    if function.guarded and parameter.type is Type.INTEGER is operand.type:
        return {"$and": [{"$gte": [operand.mql, -(2**31)]}, {"$lt": [operand.mql, 2**31]}]}
    if function.null_propagates and operand.nullable:
        return {"$gt": [operand.mql, None]}
    return None


def parameter_at(function: Function, position: int) -> Parameter:
    """The parameter that an argument goes to: the last one takes the rest if it is repeated.

    A run of repeated parameters at the end takes them in turn: JSON_OBJECT(key, value, …).
    """
    count = len(function.parameters)
    if position < count:
        return function.parameters[position]
    repeated = sum(p.repeated for p in function.parameters)
    return function.parameters[count - repeated + (position - count) % repeated]


# Variables


class Scope:
    """The variables that a call's arguments are bound to, so that none is worked out twice.

    `bind` gives an operand that may be used any number of times; `close` puts the expression that uses them
    inside $let, or puts an argument back where it is used once only.
    """

    def __init__(self, operands: Sequence[Operand]) -> None:
        self._first = 1 + max((highest_variable([o.mql, o.truth]) for o in operands), default=0)
        self.clear()

    def clear(self) -> None:
        """Begin with the same arguments again."""
        self._next = self._first
        self._bound: dict[str, Any] = {}

    def bind(self, operand: Operand) -> Operand:
        """The operand itself if it costs nothing, otherwise a variable."""
        if operand.value is not UNKNOWN or _is_simple(operand.mql):
            return operand
        name = f"v{self._next}"
        self._next += 1
        self._bound[name] = operand.mql
        return _replaced(operand, f"$${name}")

    def close(self, mql: Any) -> Any:
        """The expression with its variables defined."""
        uses: Counter[str] = Counter()
        if self._bound:
            _count_uses(mql, uses, inside=False)
        once = {f"$${name}": value for name, value in self._bound.items() if uses[name] == 1}
        kept = {name: value for name, value in self._bound.items() if uses[name] > 1}
        mql = _substituted(mql, once) if once else mql
        return {"$let": {"vars": kept, "in": mql}} if kept else mql


_VARIABLE = re.compile(r"\$\$v(\d+)\b")
_BODIES = {"in", "cond"}
"""Where $let, $map, $filter and $reduce hold what may see other variables, or runs many times."""


def highest_variable(mql: Any) -> int:
    """The highest number of a variable v1, v2, … in the expression, 0: none."""
    highest, parts = 0, [mql]
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            match = _VARIABLE.match(part)
            highest = max(highest, int(match[1])) if match else highest
        elif isinstance(part, dict):
            parts += [v for k, v in part.items() if k != "$literal"]
        elif isinstance(part, list | tuple):
            parts += part
    return highest


def _is_simple(mql: Any) -> bool:
    if isinstance(mql, str):
        return not mql.startswith("$$") or mql == "$$ROOT" or mql.startswith("$$new")
    return not isinstance(mql, Mapping | list | tuple) or "$literal" in mql


def _count_uses(mql: Any, uses: Counter[str], *, inside: bool) -> None:
    """How often each variable is used; a use in the body of a loop, or of a field of it, counts as many."""
    if isinstance(mql, str):
        match = _VARIABLE.match(mql)
        rest = mql[match.end():] if match else None
        if match and rest is not None and (not rest or rest.startswith(".")):
            uses[f"v{match[1]}"] += 2 if inside or rest else 1
    elif isinstance(mql, Mapping):
        for key, value in mql.items() if "$literal" not in mql else ():
            _count_uses(value, uses, inside=inside or key in _BODIES)
    elif isinstance(mql, list | tuple):
        for value in mql:
            _count_uses(value, uses, inside=inside)


def substitute(mql: Any, variable: str, value: Any) -> Any:
    """The expression with a value in place of a variable, or of a field."""
    return _substituted(mql, {variable: value})


def _substituted(mql: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(mql, str):
        return values.get(mql, mql)
    if isinstance(mql, Mapping):
        return mql if "$literal" in mql else {k: _argument(k, v, values) for k, v in mql.items()}
    if isinstance(mql, list | tuple):
        return [_substituted(v, values) for v in mql]
    return mql


def _argument(key: str, mql: Any, values: Mapping[str, Any]) -> Any:
    """What stands under a key, which may be an operator."""
    if isinstance(mql, str) and mql in values and key.startswith("$"):
        return sole(values[mql])
    return _substituted(mql, values)
