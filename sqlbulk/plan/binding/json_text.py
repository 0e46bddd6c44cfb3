"""JSON that a statement holds as text, where a document is meant: `doc @> '{"a": 1}'`, `JSON_MERGE_PATCH(doc, '…')`.

Documents are values here, but both MySQL and PostgreSQL write them as text. Only what is written as a constant or given
as a parameter is read: a field with text, or a text that is worked out, is a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlbulk.errors import PlanError, Span
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.bound import BoundExpr, Constant
from sqlbulk.plan.binding.calls import make_call, make_constant, type_of_bound
from sqlbulk.plan.binding.conditions import choose, connect
from sqlbulk.plan.binding.parts import member
from sqlbulk.syntax import ast
from sqlbulk.types import Type

_HINT = """write JSON_OBJECT('a', 1), ARRAY['a', 'b'], or JSON: '{"a": 1}', '["a", "b"]', '"a"'"""
_MERGES = frozenset({"JSON_MERGE", "JSON_MERGE_PATCH", "JSON_MERGE_PRESERVE"})
_FIRST = frozenset({
    "JSON_ARRAY_APPEND", "JSON_ARRAY_INSERT", "JSON_ARRAY_LENGTH", "JSON_CONTAINS", "JSON_CONTAINS_PATH",
    "JSON_EXTRACT", "JSON_INSERT", "JSON_KEYS", "JSON_LENGTH", "JSON_OBJECT_KEYS", "JSON_QUERY", "JSON_REMOVE",
    "JSON_REPLACE", "JSON_SET", "JSON_SET_PATH", "JSON_TYPE", "JSON_TYPEOF", "JSON_VALUE",
    "JSONB_ARRAY_LENGTH", "JSONB_OBJECT_KEYS", "JSONB_SET", "JSONB_TYPEOF",
})
_VALUES = frozenset({"JSONB_SET", "JSON_SET_PATH"})


def json_arguments(node: ast.Call, arguments: Sequence[BoundExpr], context: Context) -> list[BoundExpr]:
    """The arguments of a call, with texts read where it takes JSON; raises PlanError E2012 for text that is none."""
    read = []
    for number, (tree, bound) in enumerate(zip(node.arguments, arguments, strict=True)):
        text = _text(tree, bound)
        if text is not None:
            is_value = node.name in _VALUES and number == 2
            is_part = node.name == "JSON_CONTAINS" and number == 1
            is_document = is_part or node.name in _MERGES or (number == 0 and node.name in _FIRST)
            if is_value or (is_part and _is_json(text)) or (is_document and _is_composed(text)):
                bound = _read(bound, text, context)
        read.append(bound)
    return read


def json_operands(
    node: ast.Binary, left: BoundExpr, right: BoundExpr, context: Context
) -> tuple[BoundExpr, BoundExpr]:
    """The operands, with texts read at `@>` and `<@`, and at `||` beside a document or an array."""
    sides = []
    for tree, bound, other in ((node.left, left, right), (node.right, right, left)):
        text = _text(tree, bound)
        beside = type_of_bound(other) in (Type.DOCUMENT, Type.ARRAY)
        joined = node.operator == "||" and beside and text is not None and _is_composed(text)
        if text is not None and (node.operator in ("@>", "<@") or joined):
            bound = _read(bound, text, context)
        sides.append(bound)
    return sides[0], sides[1]


def json_joined(node: ast.Binary, left: BoundExpr, right: BoundExpr, context: Context) -> BoundExpr | None:
    """`field || '{"a": 1}'`: documents merged where the field holds one, text otherwise. None: it is no such thing."""
    for tree, bound, other in ((node.left, left, right), (node.right, right, left)):
        text = _text(tree, bound)
        unknown = node.operator == "||" and type_of_bound(other) is Type.ANY
        if unknown and text is not None and _is_composed(text) and _is_json(text):
            read = _read(bound, text, context)
            kind = make_constant("ARRAY" if type_of_bound(read) is Type.ARRAY else "OBJECT", node.span)
            test = make_call("=", [make_call("JSON_TYPE", [other], node.span, context), kind], node.span, context)
            pair = [other, read] if bound is right else [read, other]
            return choose([(test, make_call("||", pair, node.span, context))],
                          make_call("||", [left, right], node.span, context), node.span)
    return None


def narrowed(operator: str, left: BoundExpr, right: BoundExpr, found: BoundExpr, context: Context) -> BoundExpr:
    """`field @> constant` and, beside it, what follows for the field's own fields: cheap, and an index may serve it."""
    whole, part = (left, right) if operator == "@>" else (right, left)
    if operator not in ("@>", "<@") or not isinstance(part, Constant) or not isinstance(part.value, dict):
        return found
    return connect("AND", [*_followed(whole, part.value, found.span, context), found], found.span, context)


def _followed(whole: BoundExpr, part: dict[str, Any], span: Span, context: Context) -> Iterator[BoundExpr]:
    for key, value in part.items():
        field = member(whole, make_constant(key, span))
        if field is None or value is None:
            continue
        if isinstance(value, dict):
            yield from _followed(field, value, span, context)
        elif not isinstance(value, list):
            yield make_call("=", [field, make_constant(value, span)], span, context)
        elif not any(isinstance(i, dict | list) for i in value):
            yield make_call("@>", [field, make_constant(value, span)], span, context)


def _text(tree: object, bound: BoundExpr) -> str | None:
    if isinstance(tree, ast.Literal | ast.Parameter) and isinstance(bound, Constant) and isinstance(bound.value, str):
        return bound.value
    return None


def _is_composed(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _read(bound: BoundExpr, text: str, context: Context) -> BoundExpr:
    if not _is_json(text):
        raise PlanError("E2012", f"{text!r} is no JSON", bound.span, hint=_HINT)
    return make_call("CAST:JSON", [bound], bound.span, context)
