"""The value of an expression in a row of VALUES: worked out here, never sent as an operator."""

from __future__ import annotations

from typing import Any

from sqlbulk.errors import PlanError, RowRefused, Span
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant
from sqlbulk.plan.binding.evaluate import check_evaluable, evaluate
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax import ast
from sqlbulk.syntax.literals import INT64_MAX, INT64_MIN
from sqlbulk.syntax.rowscan import Fresh
from sqlbulk.types import MISSING, Interval


def evaluate_cell(expression: ast.Expr, environment: Environment) -> Any:
    """The value to store, types.MISSING for DEFAULT, a Fresh for what differs from time to time.

    Raises SqlError where the expression is wrong, RowRefused where its value can't be stored.
    """
    if isinstance(expression, ast.Default):
        return MISSING
    bound = bind(expression, Scope(), environment)
    if isinstance(bound, Constant):
        return stored(bound.value, expression.span)
    check_evaluable(bound)
    return Fresh(stored(evaluate(bound, _no_field, environment.context), expression.span))


def constant_cell(bound: BoundExpr, span: Span) -> Any:
    """The value to store of a bound constant; raises PlanError E2005."""
    if not isinstance(bound, Constant):
        raise PlanError("E2005", "this must be known before the statement runs", span)
    return stored(bound.value, span)


def stored(value: Any, span: Span) -> Any:
    """A value as it is stored: an interval as its milliseconds.

    PlanError E2012: an interval of months; RowRefused E4010: an integer over 64 bits.
    """
    if isinstance(value, Interval):
        if value.months:
            raise PlanError("E2012", "an interval of months can't be stored; it only shifts dates", span)
        return value.milliseconds
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise RowRefused("E4010", "the integer doesn't fit in 64 bits; write DECIMAL '…'")
    return value


def _no_field(column: Column) -> Any:
    raise AssertionError(column)
