"""Bound calls: a function found by its name and arguments, constants folded at once, problems put at their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bson.objectid import ObjectId

from sqlbulk.errors import PlanError, Span, SqlError, UnsupportedError
from sqlbulk.functions import resolve
from sqlbulk.functions.calls import constant as constant_operand
from sqlbulk.functions.calls import fold_call, lower_call
from sqlbulk.functions.registry import UNKNOWN, Context, Function, FunctionProblem
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant, LambdaVariable
from sqlbulk.syntax.literals import timestamp_literal
from sqlbulk.types import Type, type_of

COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">=", "<=>", "IN"})


def make_constant(value: Any, span: Span) -> Constant:
    """A value as a bound expression."""
    return Constant(value, type_of(value), span=span)


def literal_constant(value: Any, span: Span) -> Constant:
    """A literal of the text; raises PlanError for an integer over 64 bits."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise PlanError("E2019", "the integer doesn't fit in 64 bits; write DECIMAL '…'", span)
    return make_constant(value, span)


def type_of_bound(expression: BoundExpr) -> Type:
    """What is known of the expression's value."""
    return Type.ANY if isinstance(expression, LambdaVariable) else expression.type


def make_call(name: str, arguments: Sequence[BoundExpr], span: Span, context: Context) -> BoundExpr:
    """A call, or its value if that is known now; raises PlanError or UnsupportedError at the argument to blame."""
    if name in COMPARISONS and len(arguments) > 1:
        arguments = _dated(list(arguments))
        ids = _ids(name, arguments)
        if ids:
            found = make_call("IN", ids, span, context)
            return make_call("NOT", [found], span, context) if name == "<>" else found
    try:
        function = resolve(name, [type_of_bound(a) for a in arguments])
        _check_constants(function, arguments)
        if not function.volatile and all(isinstance(a, Constant) for a in arguments):
            folded = _fold(function, arguments, span, context, lenient=name.startswith("TRY_"))
            if folded is not None:
                return folded
    except FunctionProblem as problem:
        raise at_argument(problem, arguments, span) from None
    if function.null_propagates and any(isinstance(a, Constant) and a.value is None for a in arguments):
        return make_constant(None, span)
    returns = function.returns
    known = returns if isinstance(returns, Type) else returns([type_of_bound(a) for a in arguments])
    if known is Type.NULL:
        return make_constant(None, span)
    return Call(function, tuple(arguments), known, span=span)


def _fold(
    function: Function, arguments: Sequence[BoundExpr], span: Span, context: Context, *, lenient: bool
) -> Constant | None:
    """The call's value, None if only the server can work it out. `lenient`: what can't be turned is NULL."""
    operands = [constant_operand(a.value, a.type) for a in arguments if isinstance(a, Constant)]
    if lenient and fold_call(function, [o.value for o in operands], context) is None:
        return make_constant(None, span)
    operand = lower_call(function, operands, context)
    if operand.value is UNKNOWN:
        return None
    return Constant(operand.value, Type.NULL if operand.value is None else operand.type, span=span)


def _check_constants(function: Function, arguments: Sequence[BoundExpr]) -> None:
    for position, (parameter, argument) in enumerate(zip(function.parameters, arguments, strict=False)):
        if parameter.constant and not isinstance(argument, Constant):
            raise FunctionProblem("E2005", f"{parameter.name} of {function.name} must be a constant", argument=position)


def at_argument(problem: FunctionProblem, arguments: Sequence[BoundExpr], span: Span) -> SqlError:
    """The problem as an error at the argument to blame, else at the whole call."""
    place = span
    if problem.argument is not None and problem.argument < len(arguments):
        place = arguments[problem.argument].span
    kind = UnsupportedError if problem.code.startswith("E3") else PlanError
    return kind(problem.code, problem.message, place, hint=problem.hint)


# Constants beside what they are compared with


def _dated(arguments: list[BoundExpr]) -> list[BoundExpr]:
    """The arguments of a comparison; a text beside a date is read as one."""
    value, *others = arguments
    if type_of_bound(value) is Type.DATE:
        return [value, *map(_as_date, others)]
    return [_as_date(value), *others] if all(type_of_bound(o) is Type.DATE for o in others) else arguments


def _ids(name: str, arguments: list[BoundExpr]) -> list[BoundExpr]:
    """The arguments of an IN that a comparison of _id with texts of 24 hex digits becomes: ObjectIds as well."""
    if name in ("=", "<>") and isinstance(arguments[1], Column):
        arguments = arguments[::-1]
    column, *others = arguments
    if name not in ("=", "<>", "IN") or not isinstance(column, Column):
        return []
    if column.path != ("_id",) or column.type is not Type.ANY:
        return []
    more = [i for a in others if (i := _object_id(a)) is not None and i not in others]
    return [*arguments, *more] if more else []


def _as_date(argument: BoundExpr) -> BoundExpr:
    if not isinstance(argument, Constant) or not isinstance(argument.value, str):
        return argument
    try:
        return make_constant(timestamp_literal(argument.value.strip()), argument.span)
    except ValueError as problem:
        raise PlanError("E2012", f"this text is compared with a date, but can't be read as one: {problem}",
                        argument.span) from None


def _object_id(argument: BoundExpr) -> Constant | None:
    value = argument.value if isinstance(argument, Constant) else None
    if isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{24}", value):
        return make_constant(ObjectId(value), argument.span)
    return None
