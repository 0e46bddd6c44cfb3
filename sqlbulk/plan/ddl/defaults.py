"""DEFAULT of a column in CREATE TABLE: checked, given the column's type, and written as SQL for the schema to keep."""

from __future__ import annotations

from typing import Any

from sqlbulk.commands import Path
from sqlbulk.errors import PlanError, SqlError, UnsupportedError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr, Constant
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.binding.evaluate import check_evaluable
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.ddl.types import ColumnType
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import stored
from sqlbulk.plan.selection import walk_nodes
from sqlbulk.syntax import ast
from sqlbulk.syntax.printer import print_expression
from sqlbulk.types import Type

_READ = frozenset({"JSON", "JSONB", "DOCUMENT", "OBJECT"})
"""Types to which a text is something to be read."""


def default_text(
    path: Path, default: ast.Expr, written: ast.TypeName, *, column: ColumnType, environment: Environment
) -> str | None:
    """The SQL of a default value of the column's type; None for DEFAULT NULL, which says nothing.

    Raises UnsupportedError E3001 for what only the server can work out, PlanError E2012 for a value of another type.
    """
    if path == ("_id",):
        raise UnsupportedError("E3001", "_id can't have a DEFAULT: one is made for every document", default.span)
    for node in walk_nodes(default):
        if isinstance(node, ast.Parameter):
            raise UnsupportedError("E3001", "a parameter has no value later, when the DEFAULT is used", node.span,
                                   hint="write the value")
    bound = bind(default, Scope(), environment)
    if isinstance(bound, Constant) and bound.value is None:
        return None
    if not _fits(bound, written, column):
        # a constant is given the column's type now: no row is converted later
        default = ast.Cast(default, written, span=default.span)
        converted = _converted(default, environment)
        if not isinstance(converted, Constant) or converted.value is None or not _fits(converted, written, column):
            kind = f"{written.name}[]" if written.array else written.name
            raise PlanError("E2012", f"the default value is no {kind}", default.span)
        bound = converted
    check_evaluable(bound)
    if isinstance(bound, Constant):
        # an interval of months, say, can't be
        stored(bound.value, default.span)
    return print_expression(default)


def _converted(cast: ast.Cast, environment: Environment) -> BoundExpr | None:
    try:
        return bind(cast, Scope(), environment)
    except SqlError:
        return None


def _fits(bound: BoundExpr, written: ast.TypeName, column: ColumnType) -> bool:
    found, wanted = type_of_bound(bound), column.type
    if wanted is Type.ANY:
        return found is not Type.STRING or written.name not in _READ
    if found is Type.ANY or found is wanted:
        return found is not Type.NUMBER or _takes_doubles(column.rule)
    if wanted is Type.NUMBER:
        return found in (Type.INTEGER, Type.DECIMAL) or (found is Type.DOUBLE and _takes_doubles(column.rule))
    return wanted is Type.BINARY and found is Type.UUID


def _takes_doubles(rule: dict[str, Any]) -> bool:
    return rule.get("bsonType") == "number"
