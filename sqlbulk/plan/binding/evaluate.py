"""The value of a bound expression in Python: rows of LOAD DATA … SET, and whatever else the client works out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlbulk.errors import RowRefused, UnsupportedError
from sqlbulk.functions.calls import fold_call, plain
from sqlbulk.functions.registry import UNKNOWN, Context, FunctionProblem
from sqlbulk.plan.binding.bound import BoundExpr, Call, Case, Column, Constant, LambdaCall, LambdaVariable
from sqlbulk.types import MISSING, type_of

Field = Callable[[Column], Any]
"""Gives a column's value, or types.MISSING."""


def evaluate(expression: BoundExpr, field: Field, context: Context) -> Any:
    """The expression's value, as the server would work it out. RowRefused: it has none for these values."""
    try:
        value = _value(expression, field, context, {})
    except FunctionProblem as problem:
        raise RowRefused("E4002", problem.message) from None
    return None if value is MISSING else value


def check_evaluable(expression: BoundExpr) -> None:
    """Raise UnsupportedError E3001 at a part that only the server can work out."""
    match expression:
        case Constant() | Column() | LambdaVariable():
            return
        case Call(function=function, arguments=arguments):
            if function.fold is None:
                reason = f"{function.name} is worked out by the server only, it can't make new rows"
                raise UnsupportedError("E3001", reason, expression.span)
            parts: list[BoundExpr] = list(arguments)
        case Case(whens=whens, otherwise=otherwise):
            parts = [otherwise, *(part for when in whens for part in when)]
        case LambdaCall():
            parts = [expression.array, expression.body, *([expression.start] if expression.start else [])]
        case _:
            raise UnsupportedError("E3001", "this can only be worked out by the server", expression.span)
    for part in parts:
        check_evaluable(part)


def fold_lambda(node: LambdaCall, context: Context) -> BoundExpr:
    """The constant that it is if nothing but constants stand in it, else itself."""
    if not _is_closed(node, frozenset()):
        return node
    try:
        value = evaluate(node, lambda column: MISSING, context)
    except RowRefused:
        return node
    return Constant(value, type_of(value), span=node.span)


def _is_closed(node: BoundExpr, variables: frozenset[str]) -> bool:
    """Whether the value needs no more than these variables, and is the same each time."""
    match node:
        case Constant():
            return True
        case LambdaVariable(name=name):
            return name in variables
        case Call(function=function, arguments=arguments):
            same_each_time = function.fold is not None and not function.volatile
            return same_each_time and all(_is_closed(a, variables) for a in arguments)
        case Case(whens=whens, otherwise=otherwise):
            parts = [otherwise, *(part for when in whens for part in when)]
            return all(_is_closed(p, variables) for p in parts)
        case LambdaCall(array=array, start=start, body=body, parameters=parameters):
            outside = [array] if start is None else [array, start]
            return all(_is_closed(o, variables) for o in outside) and _is_closed(body, variables | {*parameters})
    return False


def _value(node: BoundExpr, field: Field, context: Context, variables: Mapping[str, Any]) -> Any:
    match node:
        case Constant(value=value):
            return plain(value)
        case Column():
            return field(node)
        case LambdaVariable(name=name, path=path):
            return step_into(variables[name], path)
        case Call(function=function, arguments=arguments):
            values = [_value(a, field, context, variables) for a in arguments]
            result = fold_call(replace(function, volatile=False) if function.volatile else function, values, context)
            if result is UNKNOWN:
                raise RowRefused("E4002", f"{function.name} has no value that the client can work out")
            return result
        case Case(whens=whens, otherwise=otherwise):
            for condition, result in whens:
                if _value(condition, field, context, variables) is True:
                    return _value(result, field, context, variables)
            return _value(otherwise, field, context, variables)
        case LambdaCall():
            return _lambda(node, field, context, variables)
    raise AssertionError(node)


def _lambda(node: LambdaCall, field: Field, context: Context, variables: Mapping[str, Any]) -> Any:
    items = _value(node.array, field, context, variables)
    if not isinstance(items, list | tuple):
        return None

    def body(*values: Any) -> Any:
        inner = {**variables, **dict(zip(node.parameters, values, strict=True))}
        value = _value(node.body, field, context, inner)
        return None if value is MISSING else value

    match node.kind:
        case "FILTER":
            return [i for i in items if body(i) is True]
        case "TRANSFORM":
            return [body(i) for i in items]
        case "REDUCE":
            assert node.start is not None
            state = _value(node.start, field, context, variables)
            for item in items:
                state = body(state, item)
            return state
    results = [body(i) for i in items]
    decisive = node.kind == "ANY"
    if any(r is decisive for r in results):
        return decisive
    return None if any(r is None for r in results) else not decisive


def step_into(value: Any, path: tuple[str, ...]) -> Any:
    """A field of a document, as the server follows a path: through an array it gives an array."""
    for position, name in enumerate(path):
        if isinstance(value, list | tuple):
            found = [step_into(item, path[position:]) for item in value if isinstance(item, Mapping)]
            return [f for f in found if f is not MISSING]
        if not isinstance(value, Mapping):
            return MISSING
        value = value.get(name, MISSING)
    return value
