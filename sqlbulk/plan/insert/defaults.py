"""Default values of columns, which the catalog keeps as SQL: read, checked, and put where a statement wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from sqlbulk.commands import Path
from sqlbulk.defaults import Default
from sqlbulk.errors import PlanError, Span, SqlError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant
from sqlbulk.plan.binding.evaluate import check_evaluable, evaluate
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import stored
from sqlbulk.plan.table import Table
from sqlbulk.plan.targets import target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.syntax.printer import print_expression

Defaults = Mapping[Path, ast.Expr]
"""The expression of each field that has a default."""
_NO_FIELDS: dict[Column, Any] = {}


def defaults_of(table: Table, environment: Environment, span: Span) -> dict[Path, ast.Expr]:
    """The defaults of a collection's fields; errors in them are shown at `span`. Raises PlanError E2023."""
    known = environment.catalog.find(table.database, table.collection)
    found = {}
    for name, text in ({} if known is None else known.defaults).items():
        assert environment.read_expression is not None, "a catalog with defaults comes with a way to read them"
        try:
            expression = environment.read_expression(text)
            check_evaluable(bind(expression, Scope(), environment))
        except SqlError as problem:
            raise PlanError("E2023", f"the DEFAULT of {table.collection}.{name}, {text}, can't be used:"
                            f" {problem.message}", span) from None
        found[tuple(name.split("."))] = _placed(expression, span)
    return found


def _placed(node: Any, span: Span) -> Any:
    """The expression as if it stood at the place of the statement, where errors about it can be shown."""
    if isinstance(node, tuple):
        return tuple(_placed(part, span) for part in node)
    if not isinstance(node, ast.Node):
        return node
    parts = {f.name: _placed(getattr(node, f.name), span) for f in fields(node) if f.name != "span"}
    return replace(node, **parts, span=span)


def row_defaults(defaults: Defaults, environment: Environment) -> tuple[Default, ...]:
    """The defaults as the values of rows that come by the client."""
    made = []
    for path, expression in defaults.items():
        bound = bind(expression, Scope(), environment)
        value = partial(_worked_out, bound, environment)
        if isinstance(bound, Constant):
            value = partial(stored, bound.value, bound.span)
        made.append(Default(path, print_expression(expression), value))
    return tuple(made)


def _worked_out(bound: BoundExpr, environment: Environment) -> Any:
    return stored(evaluate(bound, _NO_FIELDS.__getitem__, environment.context), bound.span)


def assigned_defaults(
    assignments: Sequence[st.Assignment], defaults: Defaults, tables: tuple[str, ...]
) -> list[st.Assignment]:
    """The assignments, with the default's expression in the place of DEFAULT where the field has one."""
    made = []
    for assignment in assignments:
        if isinstance(assignment.value, ast.Default) and not _elements(assignment.target):
            found = defaults.get(target_path(assignment.target, tables))
            if found is not None:
                assignment = replace(assignment, value=found)
        made.append(assignment)
    return made


def _elements(target: ast.Target) -> bool:
    return any(isinstance(part, ast.Element) for part in target.parts)
