"""What conditions that are written down once, in a validator or an index, must not do: depend on the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bson import encode

from sqlbulk.errors import UnsupportedError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr, Call, Case, LambdaCall
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.syntax import ast


def check_timeless(condition: ast.Expr, scope: Scope, environment: Environment, what: str) -> None:
    """Raise UnsupportedError for what depends on the time: it would be fixed at the moment of CREATE."""
    later = replace(environment.context, now=environment.context.now + timedelta(days=400, milliseconds=1))
    forms = [  # as bytes, for NaN isn't equal to NaN in Python
        encode({"": lower(bind(condition, scope, e), Layout(), e.context).mql})
        for e in (environment, replace(environment, context=later))]
    if forms[0] != forms[1]:
        raise UnsupportedError("E3001", f"{what} can't depend on the time of day: it is written down once, now",
                               condition.span)


def check_steady(expression: BoundExpr, what: str) -> None:
    """Raise UnsupportedError for functions such as RANDOM, whose value changes."""
    parts: Sequence[BoundExpr] = ()
    match expression:
        case Call(function=function, arguments=arguments):
            if function.volatile:
                raise UnsupportedError("E3001", f"{function.name} can't stand in {what}", expression.span)
            parts = arguments
        case Case(whens=whens, otherwise=otherwise):
            parts = (otherwise, *(part for when in whens for part in when))
        case LambdaCall(array=array, body=body, start=start):
            parts = (array, body, *([start] if start is not None else []))
    for part in parts:
        check_steady(part, what)
