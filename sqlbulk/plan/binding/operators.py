"""Operators that mean different things for different operands, and those that are made of simpler ones."""

from __future__ import annotations

import json
from typing import Any

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.binding.calls import make_call, make_constant, type_of_bound
from sqlbulk.plan.binding.conditions import choose, connect, negate
from sqlbulk.syntax import ast
from sqlbulk.types import Type

_MATCHES = {"~": (False, ""), "~*": (False, "i"), "!~": (True, ""), "!~*": (True, "i")}
_LIKES = frozenset({"LIKE", "ILIKE", "SIMILAR TO", "REGEXP"})
_CONTRARY = {"!~": "~", "!~*": "~*", **{f"NOT {word}": word for word in _LIKES}}
_BY_CODE_POINTS = frozenset({"C", "POSIX", "UCS_BASIC", "BINARY", "UTF8MB4_BIN", "C.UTF-8", "C.UTF8"})
_SCALARS = frozenset({
    Type.STRING, Type.BOOLEAN, Type.INTEGER, Type.DOUBLE, Type.DECIMAL, Type.NUMBER, Type.DATE, Type.OBJECTID,
})


def operate(operator: str, left: BoundExpr, right: BoundExpr, *, span: Span, context: Context) -> BoundExpr:
    """left operator right."""
    if operator in _MATCHES:
        negated, flags = _MATCHES[operator]
        options = [make_constant(flags, span)] if flags else []
        found = make_call("REGEXP", [left, right, *options], span, context)
        return negate(found, span, context) if negated else found
    types = type_of_bound(left), type_of_bound(right)
    if operator == "||" and types[0] is Type.ARRAY and types[1] in _SCALARS:
        return make_call("ARRAY_APPEND", [left, right], span, context)
    if operator == "||" and types[1] is Type.ARRAY and types[0] in _SCALARS:
        return make_call("ARRAY_PREPEND", [left, right], span, context)
    if operator == "||" and set(types) == {Type.ARRAY, Type.ANY}:
        return _grown(left, right, span, context)
    if operator == "-" and isinstance(right, Constant) and _is_key(right.value, of=types[0]):
        path = "$." + json.dumps(right.value, ensure_ascii=False)
        return make_call("JSON_REMOVE", [left, make_constant(path, right.span)], span, context)
    if operator == "&&" and Type.ARRAY not in types:
        raise UnsupportedError("E3001", "&& is between arrays, and neither side is known to be one", span,
                               hint="write AND between conditions, ARRAYS_OVERLAP(a, b) for fields that hold arrays")
    return make_call(operator, [left, right], span, context)


def _grown(left: BoundExpr, right: BoundExpr, span: Span, context: Context) -> BoundExpr:
    """An array and what may be another, or one more element."""
    first = type_of_bound(left) is Type.ARRAY
    other = right if first else left
    kind = make_call("JSON_TYPE", [other], span, context)
    is_array = make_call("=", [kind, make_constant("ARRAY", span)], span, context)
    return choose([
        (make_call("IS NULL", [other], span, context), make_constant(None, span)),
        (is_array, make_call("ARRAY_CAT", [left, right], span, context)),
    ], make_call("ARRAY_APPEND" if first else "ARRAY_PREPEND", [left, right], span, context), span)


def added_to(path: tuple[str, ...], value: BoundExpr, context: Context) -> BoundExpr:
    """A field's new value, with one more element where it is made of the field by || and the field holds an array.

    Elsewhere an array beside a text is NULL; an assignment would lose it.
    """
    if not isinstance(value, Call) or value.function.name != "||":
        return value
    for field, other in (value.arguments, value.arguments[::-1]):
        grows = isinstance(field, Column) and field.path == path and field.type is Type.ANY
        if grows and type_of_bound(other) in _SCALARS | {Type.ANY}:
            tests = [negate(_no_array(field, context), value.span, context)]
            if type_of_bound(other) is Type.ANY:
                tests.append(_no_array(other, context))
            word = "ARRAY_APPEND" if field is value.arguments[0] else "ARRAY_PREPEND"
            added = make_call(word, list(value.arguments), value.span, context)
            return choose([(connect("AND", tests, value.span, context), added)], value, value.span)
    return value


def _no_array(value: BoundExpr, context: Context) -> BoundExpr:
    return make_call("IS NULL", [make_call("ARRAY_LENGTH", [value], value.span, context)], value.span, context)


def _is_key(value: Any, *, of: Type) -> bool:
    """Whether it is taken off a document; off what may be a number or a date as well, only what reads like a name."""
    return isinstance(value, str) and (of is Type.DOCUMENT or (of is Type.ANY and value.isidentifier()))


# Patterns of ANY and ALL


def is_pattern(operator: str) -> bool:
    """Whether the operator has a pattern on its right, which most need to know beforehand."""
    return operator in _LIKES or operator in _MATCHES


def is_negated(operator: str) -> bool:
    """Whether it is NOT LIKE or one of its kind."""
    return operator in _CONTRARY


def contrary(operator: str) -> str:
    """LIKE for NOT LIKE."""
    return _CONTRARY[operator]


def compared_by(operator: str, span: Span) -> str:
    """The operator, if the rows of a query can be on its right; raises UnsupportedError otherwise."""
    if operator in _LIKES - {"LIKE", "ILIKE"} or operator in _MATCHES:
        raise UnsupportedError("E3001", f"the patterns of {operator} can't come from a query", span,
                               hint="LIKE and ILIKE take patterns that are worked out")
    return operator


# Periods of time


def overlaps(
    one: tuple[BoundExpr, ...], other: tuple[BoundExpr, ...], *, span: Span, context: Context
) -> BoundExpr:
    """(start, end) OVERLAPS (start, end), as the standard has it: ends in any order, or a length as the second.

    A period has its start but not its end, and at least one moment. Raises PlanError E2001 for other rows.
    """
    if len(one) != 2 or len(other) != 2:
        raise PlanError("E2001", "OVERLAPS is between rows of a start and an end", span)

    def call(name: str, *arguments: BoundExpr) -> BoundExpr:
        return make_call(name, arguments, span, context)

    def either(*conditions: BoundExpr) -> BoundExpr:
        return connect("OR", conditions, span, context)

    def period(start: BoundExpr, end: BoundExpr) -> tuple[BoundExpr, BoundExpr]:
        if type_of_bound(end) in (Type.DURATION, Type.MONTHS):
            end = call("+", start, end)
        # The earlier of the two, or the one that is there; the later one only where both are.
        unknown = either(call("IS NULL", start), call("IS NULL", end))
        later = choose([(unknown, make_constant(None, span))], call("GREATEST", start, end), span)
        return call("LEAST", start, end), later

    (start1, end1), (start2, end2) = period(*one), period(*other)
    same = either(call("=", end1, end2), call("<>", end1, end2))
    return choose([
        (call(">", start1, start2), either(call("<", start1, end2), call("<", end1, end2))),
        (call("<", start1, start2), either(call("<", start2, end1), call("<", end2, end1))),
        (call("=", start1, start2), same),
    ], make_constant(None, span), span)


# COLLATE and IS JSON


def collated(operand: BoundExpr, node: ast.Collate, context: Context) -> BoundExpr:
    """The text itself for a collation by code points, which is how the server compares; others are refused."""
    known, name = type_of_bound(operand), ".".join(p.text for p in node.name)
    if known not in (Type.STRING, Type.ANY, Type.NULL):
        raise PlanError("E2012", f"COLLATE is for text, but this is {known.value}", node.span)
    if node.name[-1].text.upper() not in _BY_CODE_POINTS:
        raise UnsupportedError("E3001", f"the collation {name} isn't supported", node.span,
                               hint='text is compared by code points, COLLATE "C"; LOWER(x) disregards case')
    if context.collated:
        raise UnsupportedError("E3001", "COLLATE can't stand in a query with a collation of its own", node.span)
    return operand


def is_json(operand: BoundExpr, node: ast.IsJson, context: Context) -> BoundExpr:
    """Whether it is JSON: a constant text is read; of others only values that aren't text can be told."""
    known = type_of_bound(operand)
    if isinstance(operand, Constant) and isinstance(operand.value, str):
        return make_constant(_is_json_text(operand.value, node), node.span)
    if known in (Type.STRING, Type.ANY):
        raise UnsupportedError("E3001", "the server can't read JSON text, so IS JSON is for constants", node.span,
                               hint="JSON_TYPE(x) = 'OBJECT' tells whether a field holds a document")
    kind = {Type.DOCUMENT: "OBJECT", Type.ARRAY: "ARRAY"}.get(known, "SCALAR")
    present = negate(make_call("IS NULL", [operand], node.span, context), node.span, context)
    found = make_constant(node.kind in ("VALUE", kind), node.span)
    return choose([(present, found)], make_constant(None, node.span), node.span)


def _is_json_text(text: str, node: ast.IsJson) -> bool:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if node.unique and len({key for key, _ in found}) < len(found):
            raise ValueError("a key comes twice")
        return dict(found)

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant)
    except ValueError:
        return False
    kind = "OBJECT" if isinstance(value, dict) else "ARRAY" if isinstance(value, list) else "SCALAR"
    return node.kind in ("VALUE", kind)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
