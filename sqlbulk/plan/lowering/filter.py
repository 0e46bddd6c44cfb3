"""From a bound condition to a filter document: the match language where an index can serve it, $expr for the rest.

Both ways mean the same, SQL's three-valued logic with only TRUE kept. They differ by nature in two things,
which guards make good: the match language looks into arrays, so every native test says that no array is on
its path; and its negations hold for null and missing fields, which they therefore name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.functions.comparison import is_true
from sqlbulk.functions.fitting import is_nan
from sqlbulk.functions.matching import like_regex
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.binding.conditions import conjuncts
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.types import Interval, Type

Filter = dict[str, Any]

_FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "<=>": "<=>"}
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "AND": "OR", "OR": "AND"}
_ORDER = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_NOT_ARRAY = {"$not": {"$type": "array"}}


def match(condition: BoundExpr, layout: Layout, context: Context) -> Filter:
    """The filter of the documents for which the condition is TRUE. It is never empty."""
    native: list[Filter] = []
    residue: list[Any] = []
    for part in conjuncts(condition):
        found = native_filter(part, layout)
        if found is None:
            residue.append(is_true(lower(part, layout, context)))
        else:
            native.append(found)
    if residue:
        native.append({"$expr": residue[0] if len(residue) == 1 else {"$and": residue}})
    return _all_of(native)


def native_filter(condition: BoundExpr, layout: Layout) -> Filter | None:
    """The condition in the match language alone, None where that can't say it."""
    match condition:
        case Constant(value=value):
            return {"$expr": value is True}
        case Column():
            return _equal_any(condition, [True], layout)
        case Call():
            return _call(condition, layout)
    return None


def _call(call: Call, layout: Layout) -> Filter | None:
    name, arguments = call.function.name, call.arguments
    if name in ("AND", "OR"):
        parts = [native_filter(a, layout) for a in arguments]
        found = [p for p in parts if p is not None]
        if len(found) < len(parts):
            return None
        return _all_of(found) if name == "AND" else {"$or": found}
    if name == "NOT":
        return _negated(arguments[0], layout)
    if name in _FLIPPED:
        return _comparison(name, *arguments, layout=layout)
    if name == "IN" and isinstance(arguments[0], Column):
        values = _plain_values(arguments[1:])
        return None if values is None else _equal_any(arguments[0], values, layout)
    if name in ("IS NULL", "IS MISSING", "IS TRUE", "IS FALSE") and isinstance(arguments[0], Column):
        return _test(name, arguments[0], layout)
    if name == "LIKE":
        return _like(arguments, layout)
    if name == "STARTS_WITH":
        return _beginning(arguments[0], arguments[1], layout)
    return None


def _negated(condition: BoundExpr, layout: Layout) -> Filter | None:
    """NOT condition, moved inwards as far as three-valued logic allows."""
    if isinstance(condition, Column):
        return _equal_any(condition, [False], layout)
    if not isinstance(condition, Call):
        return None
    name, arguments = condition.function.name, condition.arguments
    if name in ("AND", "OR"):
        parts = [_negated(a, layout) for a in arguments]
        found = [p for p in parts if p is not None]
        if len(found) < len(parts):
            return None
        return _all_of(found) if name == "OR" else {"$or": found}
    if name == "NOT":
        return native_filter(arguments[0], layout) if arguments[0].type is Type.BOOLEAN else None  # type: ignore[union-attr]
    if name in _OPPOSITE:
        return _comparison(_OPPOSITE[name], *arguments, layout=layout)
    column = arguments[0] if arguments else None
    if not isinstance(column, Column):
        return None
    if name == "IN":
        values = _plain_values(arguments[1:])
        if values is None:
            return None
        return {"$expr": False} if _holds_null(arguments[1:]) else _unlike_all(column, values, layout)
    if name == "<=>":
        return _distinct(column, arguments[1], layout)
    if name == "IS NULL":
        return _present(column, layout)
    return None


def _comparison(sign: str, left: BoundExpr, right: BoundExpr, *, layout: Layout) -> Filter | None:
    if not isinstance(left, Column):
        left, right, sign = right, left, _FLIPPED[sign]
    if not isinstance(left, Column):
        return None
    if sign == "<=>" and isinstance(right, Constant) and right.value is None:
        return _test("IS NULL", left, layout)
    values = _plain_values([right])
    if not values:
        return None
    if sign in ("=", "<=>"):
        return _equal_any(left, values, layout)
    if sign == "<>":
        return _unlike_all(left, values, layout)
    # {$lte: NaN} finds NaN, which SQL's <= doesn't.
    return None if is_nan(values[0]) else _guarded(left, {_ORDER[sign]: values[0]}, layout)


# What is known before the statement runs


def _plain_values(items: Sequence[BoundExpr]) -> list[Any] | None:
    """The values without NULL, if all are constants that both languages compare alike."""
    values = []
    for item in items:
        if not isinstance(item, Constant):
            return None
        value = item.value.milliseconds if isinstance(item.value, Interval) and not item.value.months else item.value
        if value is not None and not isinstance(value, _PLAIN):
            return None
        if value is not None:
            values.append(value)
    return values


_PLAIN = (bool, int, float, str, datetime, ObjectId, Decimal128, Binary, bytes)


def _holds_null(items: Sequence[BoundExpr]) -> bool:
    return any(isinstance(i, Constant) and i.value is None for i in items)


# The tests, with their guards


def _guarded(column: Column, test: Filter, layout: Layout) -> Filter | None:
    """A test that holds for no array, nor for a path through one."""
    path = layout.match_path(column)
    if path is None:
        return None
    above = dict.fromkeys(_levels_above(path), _NOT_ARRAY)
    if path == "_id" or column.type not in (Type.ANY, Type.ARRAY):
        return {path: test, **above}
    return {path: {**test, **_NOT_ARRAY}, **above}


def _unguarded(column: Column, test: Filter, layout: Layout) -> Filter | None:
    """A test that holds for arrays and paths through them as well."""
    path = layout.match_path(column)
    if path is None:
        return None
    arrays = [] if path == "_id" or column.type not in (Type.ANY, Type.ARRAY) else [path]
    choices = [{path: test}, *({p: {"$type": "array"}} for p in (*arrays, *_levels_above(path)))]
    return choices[0] if len(choices) == 1 else {"$or": choices}


def _levels_above(path: str) -> list[str]:
    names = path.split(".")
    return [".".join(names[:n]) for n in range(1, len(names))]


def _equal_any(column: Column, values: list[Any], layout: Layout) -> Filter | None:
    if not values:
        return {"$expr": False} if layout.match_path(column) is not None else None
    return _guarded(column, {"$eq": values[0]} if len(values) == 1 else {"$in": values}, layout)


def among(column: Column, values: Any, layout: Layout, *, inside: bool) -> Filter | None:
    """The filter of a column being among values that aren't known yet, none of them NULL; or of it not being so."""
    if inside:
        return _guarded(column, {"$in": values}, layout)
    return _unguarded(column, {"$nin": values}, layout)


def _unlike_all(column: Column, values: list[Any], layout: Layout) -> Filter | None:
    return _unguarded(column, {"$nin": [*values, None]}, layout)


def _present(column: Column, layout: Layout) -> Filter | None:
    return _unguarded(column, {"$ne": None}, layout)


def _distinct(column: Column, other: BoundExpr, layout: Layout) -> Filter | None:
    """column IS DISTINCT FROM other."""
    if isinstance(other, Constant) and other.value is None:
        return _present(column, layout)
    values = _plain_values([other])
    return _unguarded(column, {"$ne": values[0]}, layout) if values else None


def _test(name: str, column: Column, layout: Layout) -> Filter | None:
    tests: dict[str, Filter] = {
        "IS NULL": {"$eq": None}, "IS MISSING": {"$exists": False},
        "IS TRUE": {"$eq": True}, "IS FALSE": {"$eq": False},
    }
    return _guarded(column, tests[name], layout)


def _like(arguments: Sequence[BoundExpr], layout: Layout) -> Filter | None:
    """LIKE with a constant pattern; an index serves what it begins with."""
    column, *constants = arguments
    texts = [c.value for c in constants if isinstance(c, Constant) and isinstance(c.value, str)]
    if not isinstance(column, Column) or len(texts) < len(constants):
        return None
    pattern, escape = texts[0], texts[1] if len(texts) > 1 else "\\"
    text, rest = plain_beginning(pattern, escape)
    if not rest:
        return _equal_any(column, [text], layout)
    test: Filter = {"$type": "string", "$regex": like_regex(pattern, escape), "$options": "s"}
    if not rest.strip("%"):
        test = _begins_with(text) or test
    return _guarded(column, test, layout)


def _beginning(column: BoundExpr, start: BoundExpr, layout: Layout) -> Filter | None:
    known = start.value if isinstance(start, Constant) and isinstance(start.value, str) else ""
    test = _begins_with(known)
    return _guarded(column, test, layout) if isinstance(column, Column) and test is not None else None


def _begins_with(text: str) -> Filter | None:
    """The test of a text's beginning that an index serves; None where there is none."""
    if not text or "\0" in text:
        return None
    return {"$type": "string", "$regex": like_regex(text, "").removesuffix("\\z")}


def plain_beginning(pattern: str, escape: str) -> tuple[str, str]:
    """What every text that is LIKE the pattern begins with, and the pattern from its first wildcard on."""
    text, at = "", 0
    while at < len(pattern) and pattern[at] not in "%_":
        at += pattern[at] == escape
        text += pattern[at]
        at += 1
    return text, pattern[at:]


def _all_of(filters: list[Filter]) -> Filter:
    """All filters at once: in one document where their tests of a field can stand side by side."""
    merged: Filter = {}
    for one in filters:
        for path, test in one.items():
            if path not in merged and (path[0] != "$" or path == "$expr"):
                merged[path] = test
                continue
            beside = {} if path[0] == "$" else merged[path]
            if not beside or beside.keys() & test.keys() - {"$not"}:
                return {"$and": filters} if len(filters) > 1 else filters[0]
            merged[path] = {**beside, **test}
    return merged
