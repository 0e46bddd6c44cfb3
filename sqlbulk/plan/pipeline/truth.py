"""Tests in groups, for which only TRUE counts: without the care for NULL that makes no difference then."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.pipeline.rows import Lowering, Rows


def truth(condition: BoundExpr, rows: Rows, lowering: Lowering) -> Any:
    """An expression that is truthy exactly where the condition is true."""
    parts = [_plain(lowering.is_true(c, rows)) for c in algebra.conjuncts(condition)]
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _plain(test: Any) -> Any:
    match test:
        case {"$cond": [{"$gt": [value, None]}, dict() as compared, None]} if _is_compared(compared, value):
            return compared
        case {"$let": {"vars": {"v1": value, **others}, "in": body}} if not others:
            inner = _plain(body)
            return _put_in(inner, value) if _is_compared(inner, "$$v1") else test
    return test


def _is_compared(test: Any, value: Any) -> bool:
    """Whether the test compares just the value with a constant, and is false for NULL: that is the least of all."""
    match test:
        case {"$eq": [left, right]} | {"$gt": [left, right]} | {"$gte": [left, right]}:
            return left == value and _is_constant(right)
    return False


def _put_in(test: dict[str, Any], value: Any) -> dict[str, Any]:
    (operator, operands), = test.items()
    return {operator: [value, operands[1]]}


def _is_constant(value: Any) -> bool:
    return isinstance(value, int | float | datetime) or (isinstance(value, str) and not value.startswith("$"))
