"""Casts to arrays of a type, `x::INT[]`: each element is cast, and PostgreSQL's array texts are read."""

from __future__ import annotations

import re

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.bound import BoundExpr, Constant, LambdaCall, LambdaVariable
from sqlbulk.plan.binding.calls import make_call, make_constant, type_of_bound
from sqlbulk.plan.binding.parts import cast_name
from sqlbulk.syntax import ast
from sqlbulk.types import Type

_ELEMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^",{}\\\s]|\\.)(?:[^",{}\\]|\\.)*?))\s*(?:,(?=.)|$)', re.DOTALL)


def cast_items(operand: BoundExpr, node: ast.Cast, context: Context) -> BoundExpr:
    """The array with each element cast; NULL for what is no array. Raises PlanError E2012 where that is plain."""
    name = cast_name(node.type, safe=node.safe)
    extra = [make_constant(n, node.type.span) for n in node.type.arguments]

    def cast(item: BoundExpr) -> BoundExpr:
        return make_call(name, [item, *extra], node.span, context)

    if isinstance(operand, Constant) and isinstance(operand.value, str):
        operand = make_constant(_read(operand), operand.span)
    if isinstance(operand, Constant) and isinstance(operand.value, list):
        items = [cast(make_constant(i, operand.span)) for i in operand.value]
        return make_call("JSON_ARRAY", items, node.span, context)
    known = type_of_bound(operand)
    if known not in (Type.ARRAY, Type.ANY, Type.NULL):
        raise PlanError("E2012", f"a cast to {node.type.name}[] takes an array, but this is {known.value}", node.span)
    return LambdaCall("TRANSFORM", operand, ("item",), cast(LambdaVariable("item", span=node.span)), span=node.span)


def _read(operand: Constant) -> list[str | None]:
    """The elements of '{a, "b c", NULL}', as texts."""
    text = operand.value.strip()
    if text[:1] != "{" or text[-1:] != "}" or len(text) < 2:
        raise _no_array(operand)
    if "{" in re.sub(r'"(?:[^"\\]|\\.)*"|\\.', "", text[1:-1]):
        raise UnsupportedError("E3001", "arrays in arrays aren't read from text", operand.span,
                               hint="write ARRAY[[1, 2], [3, 4]]")
    rest, found, at = text[1:-1].strip(), [], 0
    while at < len(rest):
        match = _ELEMENT.match(rest, at)
        if match is None:
            raise _no_array(operand)
        quoted, plain = match.groups()
        absent = quoted is None and plain.upper() == "NULL"
        found.append(None if absent else re.sub(r"\\(.)", r"\1", plain if quoted is None else quoted, flags=re.DOTALL))
        at = match.end()
    return found


def _no_array(operand: Constant) -> PlanError:
    return PlanError("E2012", f"{operand.value!r} is no array", operand.span, hint="write '{a,b}', or ARRAY['a', 'b']")
