"""Small questions that binding asks of a tree's and a bound expression's parts."""

from __future__ import annotations

import difflib
from dataclasses import replace

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions import FUNCTIONS, UNSUPPORTED
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant
from sqlbulk.plan.binding.calls import make_constant
from sqlbulk.syntax import ast
from sqlbulk.types import Type

ROW_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">=", "<=>"})


def row_items(node: ast.Expr) -> tuple[ast.Expr, ...]:
    """The items of a row; anything else is a row of one."""
    return node.items if isinstance(node, ast.Row) else (node,)


def chain_operands(node: ast.Binary) -> list[ast.Expr]:
    """The operands of a chain of the same operator, from left to right; chains may be long."""
    operands: list[ast.Expr] = []
    rest: ast.Expr = node
    while isinstance(rest, ast.Binary) and rest.operator == node.operator:
        operands.append(rest.right)
        rest = rest.left
    return [rest, *reversed(operands)]


def cast_name(type_name: ast.TypeName, *, safe: bool) -> str:
    """The name of the function that casts to a type; raises PlanError E2012 if there is no such type."""
    name = f"CAST:{type_name.name}"
    if name not in FUNCTIONS:
        types = [n.removeprefix("CAST:") for n in FUNCTIONS if n.startswith("CAST:")]
        near = difflib.get_close_matches(type_name.name, types, 1)
        raise PlanError("E2012", f"there is no type {type_name.name}", type_name.span,
                        hint=f"did you mean {near[0]}?" if near else None)
    return f"TRY_{name}" if safe else name


def spoken_unit(node: ast.Call) -> ast.Call:
    """The call with its unit of time as a text, where it is written without quotes: TIMESTAMPDIFF(MONTH, a, b)."""
    word = node.arguments[0] if node.arguments else None
    if not isinstance(word, ast.Path) or len(word.parts) > 1 or word.parts[0].quoted:
        return node
    takers = [f for f in FUNCTIONS.get(node.name, ()) if len(f.parameters) == len(node.arguments)]
    if not takers or any(f.parameters[0].name != "unit" for f in takers):
        return node
    unit = ast.Literal(word.parts[0].text, span=word.span)
    return replace(node, arguments=(unit, *node.arguments[1:]))


UNNESTS = frozenset({"UNNEST", "JSON_ARRAY_ELEMENTS", "JSONB_ARRAY_ELEMENTS"})
"""The names of the function that makes a row of each element of an array."""


_HYPOTHETICAL = frozenset({"RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST"})


def check_plain(node: ast.Call) -> None:
    """Raise E2004 if a call has what only aggregates take, E3001 if it gives rows."""
    if node.name in UNNESTS:
        raise UnsupportedError("E3001", f"{node.name} gives rows: it stands in FROM, or alone inside an"
                               " aggregate that has no OVER", node.span, hint="write FROM t, UNNEST(t.a) AS x")
    if node.name == "GENERATE_SERIES":
        raise UnsupportedError("E3001", "GENERATE_SERIES gives rows: it stands in FROM", node.span,
                               hint="write FROM GENERATE_SERIES(1, 10) AS n")
    if node.within_group and node.name in _HYPOTHETICAL:
        raise UnsupportedError("E3001", f"{node.name} WITHIN GROUP, the rank that a row would have, isn't supported",
                               node.span, hint="count the rows that are less: COUNT(*) FILTER (WHERE x < …) + 1")
    for name, given in (
        ("DISTINCT", node.distinct), ("ORDER BY", node.order_by), ("WITHIN GROUP", node.within_group),
        ("FILTER", node.filter), (f"{node.nulls} NULLS", node.nulls), (f"FROM {node.from_end}", node.from_end),
    ):
        if given and node.name in UNSUPPORTED:
            raise UnsupportedError("E3001", f"{node.name} is not supported: {UNSUPPORTED[node.name]}", node.span)
        if given:
            raise PlanError("E2004", f"{node.name} is no aggregate; it can't take {name}", node.span)


def member(operand: BoundExpr, key: BoundExpr) -> Column | None:
    """A constant key of a field is a field as well."""
    name = key.value if isinstance(key, Constant) else None
    if not isinstance(operand, Column) or operand.type not in (Type.ANY, Type.DOCUMENT):
        return None
    return Column(operand.relation, (*operand.path, name)) if isinstance(name, str) and name else None


def field_at(operand: BoundExpr, path: BoundExpr) -> Column | None:
    """JSON_EXTRACT(field, '$.a.b') with plain names is a field."""
    if not isinstance(path, Constant) or not isinstance(path.value, str):
        return None
    names = path.value.split(".")
    if names[0] != "$" or not all(n.isidentifier() for n in names[1:]):
        return None
    field = operand if isinstance(operand, Column) else None
    for name in names[1:]:
        field = field and member(field, make_constant(name, path.span))
    return field
