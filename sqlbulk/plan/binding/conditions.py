"""Conditions over bound expressions: AND, OR and NOT simplified; BETWEEN, row comparison and CASE in terms of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlbulk.errors import PlanError, Span
from sqlbulk.functions.fitting import common_type
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.bound import BoundExpr, Call, Case, Constant
from sqlbulk.plan.binding.calls import make_call, make_constant, type_of_bound
from sqlbulk.types import Type

Row = tuple[BoundExpr, ...]


def connect(word: str, conditions: Sequence[BoundExpr], span: Span, context: Context) -> BoundExpr:
    """AND or OR of conditions, without the constants that decide nothing; a deciding constant is the whole."""
    decisive = word == "OR"
    for condition in conditions:
        _check_condition(word, condition)
    if any(isinstance(c, Constant) and c.value is decisive for c in conditions):
        return make_constant(decisive, span)
    left = [c for c in conditions if not (isinstance(c, Constant) and c.value is (not decisive))]
    if not left:
        return make_constant(not decisive, span)
    if len(left) == 1 and type_of_bound(left[0]) in (Type.BOOLEAN, Type.NULL):
        return left[0]
    return make_call(word, left, span, context)


def _check_condition(word: str, condition: BoundExpr) -> None:
    known = type_of_bound(condition)
    if known not in (Type.BOOLEAN, Type.ANY, Type.NULL):
        raise PlanError("E2012", f"{word} is between conditions, but this is {known.value}", condition.span)


def negate(condition: BoundExpr, span: Span, context: Context) -> BoundExpr:
    """NOT condition."""
    _check_condition("NOT", condition)
    return make_call("NOT", [condition], span, context)


def between(operand: BoundExpr, low: BoundExpr, high: BoundExpr, *, span: Span, context: Context) -> BoundExpr:
    """operand >= low AND operand <= high."""
    bounds = [make_call(">=", [operand, low], span, context), make_call("<=", [operand, high], span, context)]
    return connect("AND", bounds, span, context)


def compare_rows(operator: str, left: Row, right: Row, *, span: Span, context: Context) -> BoundExpr:
    """(a, b) operator (c, d), item by item from the left; raises PlanError E2001 for rows of different length."""
    if len(left) != len(right):
        raise PlanError("E2001", f"a row of {len(left)} is compared with a row of {len(right)}", span)
    if operator in ("=", "<=>"):
        pairs = [make_call(operator, [a, b], span, context) for a, b in zip(left, right, strict=True)]
        return connect("AND", pairs, span, context)
    if operator == "<>":
        return negate(compare_rows("=", left, right, span=span, context=context), span, context)
    if len(left) == 1:
        return make_call(operator, [left[0], right[0]], span, context)
    first = make_call(operator[0], [left[0], right[0]], span, context)
    same = make_call("=", [left[0], right[0]], span, context)
    rest = compare_rows(operator, left[1:], right[1:], span=span, context=context)
    return connect("OR", [first, connect("AND", [same, rest], span, context)], span, context)


def choose(whens: Sequence[tuple[BoundExpr, BoundExpr]], otherwise: BoundExpr, span: Span) -> BoundExpr:
    """Searched CASE, without the branches that can't be taken."""
    kept: list[tuple[BoundExpr, BoundExpr]] = []
    for condition, result in whens:
        _check_condition("WHEN", condition)
        if isinstance(condition, Constant) and condition.value is True:
            otherwise = result
            break
        if not isinstance(condition, Constant):
            kept.append((condition, result))
    if not kept:
        return otherwise
    known = common_type([type_of_bound(e) for e in (*(r for _, r in kept), otherwise)])
    if known is Type.NULL:
        return make_constant(None, span)
    return Case(tuple(kept), otherwise, known, span=span)


def conjuncts(condition: BoundExpr) -> list[BoundExpr]:
    """The conditions that AND connects, however they are nested."""
    if isinstance(condition, Call) and condition.function.name == "AND":
        return [c for a in condition.arguments for c in conjuncts(a)]
    return [condition]
