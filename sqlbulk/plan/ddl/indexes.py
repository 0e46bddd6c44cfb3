"""Indexes as createIndexes takes them: keys and names, the options of CREATE INDEX, partial filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.fitting import is_nan
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.lowering.layout import is_plain
from sqlbulk.plan.targets import checked_name
from sqlbulk.syntax import ast
from sqlbulk.uniqueness import LOWEST, NOT_NULL_TYPES

Keys = dict[str, int | str]
Filter = dict[str, Any]

KINDS = ("text", "hashed", "2dsphere", "2d")


def index_keys(columns: Sequence[ast.OrderItem], kind: str | None = None) -> Keys:
    """The keys of an index, in order: dotted field and 1, -1 or the kind; raises SqlError.

    'text' goes for all columns, the other kinds for the first one.
    """
    keys: Keys = {}
    for position, item in enumerate(columns):
        name = indexed_field(item.expression)
        if item.nulls is not None:
            raise UnsupportedError(
                "E3001", "an index has no NULLS FIRST or NULLS LAST: NULLs come first in it", item.span)
        if name in keys:
            raise PlanError("E2010", f"{name} is named twice", item.span)
        special = kind if kind == "text" or position == 0 else None
        if special and item.descending:
            raise PlanError("E2007", f"an index of kind {special} has no direction", item.span)
        keys[name] = special or (-1 if item.descending else 1)
    return keys


def indexed_field(expression: ast.Expr) -> str:
    """The dotted name of a field that is to be indexed; raises UnsupportedError for an expression."""
    if not isinstance(expression, ast.Path):
        raise UnsupportedError("E3001", "MongoDB indexes fields, not expressions", expression.span,
                               hint="store the value in a field of its own")
    return plain_name(expression.parts, "indexed")


def plain_name(parts: Sequence[ast.Identifier], what: str) -> str:
    """A field's dotted name; a part that holds a dot itself is refused, as it would mean another field."""
    for part in parts:
        checked_name(part.text, part.span)
        if not is_plain(part.text):
            raise UnsupportedError("E3001", f"the field {part.text!r} can't be {what}: its name holds a dot", part.span)
    return ".".join(part.text for part in parts)


def index_name(keys: Keys) -> str:
    """The name that an index has where none is given: a_1_b_-1."""
    return "_".join(f"{field}_{kind}" for field, kind in keys.items())


# Partial filters: a few operators only, and no negation


def partial_filter(condition: BoundExpr, *, unique: bool) -> Filter:
    """The documents that an index covers, in the little that the server takes there; raises UnsupportedError.

    Documents with arrays in the fields may be covered in excess. So may those with an explicit null under
    IS NOT NULL, unless the index is `unique`: what it covers then decides what is refused.
    """
    match condition:
        case Column():
            return {_field(condition): {"$eq": True}}
        case Call(function=function, arguments=arguments):
            if function.name in ("AND", "OR"):
                return {f"${function.name.lower()}": [partial_filter(a, unique=unique) for a in arguments]}
            if function.name == "NOT":
                return _negated(arguments[0], condition, unique=unique)
            return _tested(function.name, arguments, condition)
    raise _unfit(condition)


def _tested(name: str, arguments: Sequence[BoundExpr], condition: BoundExpr) -> Filter:
    if name in _COMPARISONS and isinstance(arguments[0], Constant):
        name, arguments = _COMPARISONS[name][1], (arguments[1], arguments[0])
    column, values = arguments[0], arguments[1:]
    if not isinstance(column, Column) or not all(isinstance(v, Constant) for v in values):
        raise _unfit(condition)
    plain = [_plain(v) for v in values if isinstance(v, Constant)]
    if name in _COMPARISONS:
        if name != "=" and is_nan(plain[0]):
            raise UnsupportedError("E3001", "no value is less or greater than NaN", values[0].span)
        return {_field(column): {_COMPARISONS[name][0]: plain[0]}}
    if name == "IN":
        return {_field(column): {"$in": plain}}
    if name in _TESTS:
        return {_field(column): {"$eq": _TESTS[name]}}
    raise _unfit(condition)


def _negated(operand: BoundExpr, condition: BoundExpr, *, unique: bool) -> Filter:
    if isinstance(operand, Column):
        return {_field(operand): {"$eq": False}}
    if isinstance(operand, Call) and operand.function.name == "IS NULL" and isinstance(operand.arguments[0], Column):
        test: Filter = {"$type": list(NOT_NULL_TYPES)} if unique else {"$exists": True}
        return {_field(operand.arguments[0]): test}
    raise _unfit(condition)


def _field(column: Column) -> str:
    if not column.path or not all(map(is_plain, column.path)):
        raise UnsupportedError("E3001", "this field can't stand in the WHERE of an index", column.span)
    return ".".join(column.path)


def _plain(constant: Constant) -> Any:
    value = constant.value
    if not isinstance(value, bool | int | float | str | datetime | ObjectId | Decimal128 | Binary | bytes):
        raise UnsupportedError("E3001", "this value can't stand in the WHERE of an index", constant.span)
    return value


def _unfit(condition: BoundExpr) -> UnsupportedError:
    return UnsupportedError(
        "E3001", "the WHERE of an index can't hold this", condition.span,
        hint="it takes comparisons of a field with a constant by = < <= > >=, IN, IS [NOT] NULL, AND and OR")


_COMPARISONS = {
    "=": ("$eq", "="), "<": ("$lt", ">"), "<=": ("$lte", ">="), ">": ("$gt", "<"), ">=": ("$gte", "<="),
}
_TESTS = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}


# Unique keys of columns that may be NULL


def not_null_filter(kinds: str | list[str] | None) -> Filter:
    """A test that holds for all values of these BSON types and not for NULL. NaN is passed over like NULL.

    Reads can use an index with such a comparison, but not one with $type, which is for what has no lowest value.
    """
    names = {kinds} if isinstance(kinds, str) else set(kinds or ())
    for family, lowest in LOWEST:
        if names and names <= family:
            return {"$gte": lowest}
    return {"$type": list(NOT_NULL_TYPES)}
