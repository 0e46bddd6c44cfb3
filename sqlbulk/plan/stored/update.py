"""UPDATE: which documents, what is assigned, and in which of the server's two languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Obstacle, Path
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.assign import (
    DOCUMENTS,
    Assigned,
    bind_assignments,
    document_expression,
    levels_above,
    made_paths,
    maybe_missing,
)
from sqlbulk.plan.binding.bound import Column
from sqlbulk.plan.binding.scope import Scope, Source, resolve_path
from sqlbulk.plan.elements import with_whole_arrays
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.defaults import assigned_defaults, defaults_of
from sqlbulk.plan.lowering.layout import ROOT, Layout, field_reference, is_plain
from sqlbulk.plan.options import read_options
from sqlbulk.plan.returning import plan_returning
from sqlbulk.plan.selection import Clauses, choose, doubtful_names, has_query, make_scope
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.stored.explain import finished_stored
from sqlbulk.plan.table import read_table
from sqlbulk.plan.targets import check_distinct, dotted, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.types import Type

VALUES = "values"
"""The relation of what was worked out when the documents were looked for."""


def plan_update(statement: st.Update, planning: Planning) -> commands.Plan:
    """The plan of UPDATE; raises SqlError."""
    environment = planning.environment
    given = read_options(statement.options, "UPDATE", base=planning.options, environment=environment)
    table = read_table(statement.table, environment)
    if table.kind == "timeseries":
        raise UnsupportedError("E3001", f"{table.collection} is a time-series collection, whose rows can't be changed",
                               statement.table.span)
    clauses = Clauses(statement.span, statement.table, statement.where, statement.order_by, statement.limit,
                      statement.from_, statement.ctes, statement.recursive)
    scope = make_scope(clauses, table, environment)
    defaults = defaults_of(table, environment, statement.table.span)
    written, arrays = with_whole_arrays(assigned_defaults(statement.assignments, defaults, scope.sources[0].names))
    assignments, values = with_values(written, scope)
    selection = choose(clauses, table, scope, given=given, environment=environment, values=values)
    assigned = _assigned(statement, assignments, scope, environment, len(values))
    assigned = [maybe_missing(one) if place in arrays else one for place, one in enumerate(assigned)]
    command = commands.UpdateWhere(
        table.collection, selection, _update(assigned, whole=bool(values)), given.options, obstacles_of(assigned),
        repeatable=_is_repeatable(assigned), values=tuple(f"v{n}" for n in range(len(values))),
        database=table.database, returning=plan_returning(statement, clauses, given, environment, scope=scope))
    doubtful = doubtful_names(scope, statement.where,
                              tuple(a.value for a in statement.assignments if a.loop is None), statement.order_by)
    return finished_stored("UPDATE", command, (*given.notices, *doubtful))


def _assigned(
    statement: st.Update, assignments: Sequence[st.Assignment], scope: Scope, environment: Environment, values: int
) -> list[Assigned]:
    """Everything that is set or removed, each field once."""
    known = Source(VALUES, (VALUES,), {f"v{n}": Type.ANY for n in range(values)}, open=False, qualified=True)
    inner = Scope((*scope.sources, known))
    layout = Layout({"": ROOT, VALUES: "$$values"})
    assigned = bind_assignments(assignments, scope=inner, layout=layout, environment=environment)
    names = scope.sources[0].names
    for target in statement.unset:
        path = target_path(target, names)
        if path[0] == "_id":
            raise PlanError("E2011", "the _id of a stored document can't be removed", target.span)
        assigned.append(Assigned(path, removed=True))
    spans = [*(a.target.span for a in assignments), *(t.span for t in statement.unset)]
    check_distinct(zip((a.path for a in assigned), spans, strict=True))
    return assigned


# Values that only a query can work out


def with_values(
    assignments: Sequence[st.Assignment], scope: Scope
) -> tuple[list[st.Assignment], list[ast.Expr]]:
    """The assignments with each subquery, and each column of FROM, in the place of a value that is asked for before."""
    values: list[ast.Expr] = []
    made = []
    for assignment in assignments:
        if len(scope.sources) > 1 or has_query(assignment.value):
            assignment = replace(assignment, value=_replaced(assignment.value, scope, values))
        made.append(assignment)
    return made, values


def _replaced(node: Any, scope: Scope, values: list[ast.Expr]) -> Any:
    if isinstance(node, tuple):
        parts_of = [_replaced(part, scope, values) for part in node]
        return tuple(parts_of) if any(a is not b for a, b in zip(parts_of, node, strict=True)) else node
    if not isinstance(node, ast.Node) or isinstance(node, ast.Identifier | ast.TypeName):
        return node
    if isinstance(node, ast.Path):
        return _value(node, values) if _is_of_join(node, scope) else node
    if isinstance(node, ast.Lambda):
        return replace(node, body=_replaced(node.body, scope.with_variables(_names_of(node)), values))
    parts = read_parts(node)
    if any(isinstance(p, ast.Query) or (isinstance(p, tuple) and any(isinstance(i, ast.Query) for i in p))
           for p in parts.values()):
        return _value(node, values)
    changed = {name: _replaced(part, scope, values) for name, part in parts.items()}
    return replace(node, **changed) if any(changed[name] is not part for name, part in parts.items()) else node


def read_parts(node: ast.Node) -> dict[str, Any]:
    """What a node is made of, by name."""
    parts = {}
    for name in node.__dataclass_fields__:
        if name != "span":
            parts[name] = getattr(node, name)
    return parts


def _names_of(node: ast.Lambda) -> tuple[str, ...]:
    return tuple(p.text for p in node.parameters)


def _is_of_join(path: ast.Path, scope: Scope) -> bool:
    """Whether a name means a column of FROM."""
    if len(scope.sources) == 1:
        return False
    found = resolve_path(path, scope)
    return isinstance(found, Column) and found.relation != ""


def _value(node: Any, values: list[ast.Expr]) -> ast.Path:
    if node not in values:
        values.append(node)
    name = f"v{values.index(node)}"
    return ast.Path((ast.Identifier(VALUES, quoted=True), ast.Identifier(name, quoted=True)), span=node.span)


# The update in the server's languages


def _update(assigned: Sequence[Assigned], *, whole: bool) -> Any:
    """Update operators where all values are known and nothing can be in their way, else a pipeline."""
    if whole:
        return ({"$replaceWith": document_expression(assigned)},)
    return _operators(assigned) or _pipeline(assigned)


def _operators(assigned: Sequence[Assigned]) -> dict[str, Any] | None:
    update: dict[str, Any] = {}
    for one in assigned:
        if not all(is_plain(name) and not name.isdigit() for name in one.path):
            return None
        name = ".".join(one.path)
        if one.removed:
            update.setdefault("$unset", {})[name] = ""
        elif len(one.path) == 1 and is_constant(one.value):
            update.setdefault("$set", {})[name] = constant_value(one.value)
        else:
            return None
    return update


def is_constant(mql: Any) -> bool:
    """Whether a lowered expression is a value that is known now."""
    if isinstance(mql, dict):
        return set(mql) == {"$literal"}
    return not isinstance(mql, list) and not (isinstance(mql, str) and mql.startswith("$"))


def constant_value(mql: Any) -> Any:
    """The value of a constant expression."""
    return mql["$literal"] if isinstance(mql, dict) else mql


def _pipeline(assigned: Sequence[Assigned]) -> tuple[dict[str, Any], ...]:
    """One stage, so that every expression sees the document as it was. $set is the faster one where it can say it."""
    removed = [one for one in assigned if one.removed and len(one.path) == 1 and is_plain(one.path[0])]
    rest = [one for one in assigned if one not in removed]
    document = document_expression(rest)
    parts = document.get("$mergeObjects") if isinstance(document, dict) else None
    if document == ROOT:
        parts = [ROOT, {}]
    if parts is None or len(parts) != 2 or parts[0] != ROOT:
        return ({"$replaceWith": document_expression(assigned)},)
    values = {name: _as_expression(value) for name, value in parts[1].items()}
    return ({"$set": {**values, **{one.path[0]: "$$REMOVE" for one in removed}}},)


def _as_expression(value: Any) -> Any:
    """The value in a form that $set takes as an expression: a document would be merged into the field."""
    if isinstance(value, dict) and not (len(value) == 1 and next(iter(value)).startswith("$")):
        return {"$mergeObjects": [value]} if value else {"$literal": {}}
    return value


def _is_repeatable(assigned: Sequence[Assigned]) -> bool:
    """Whether no value depends on a field that is assigned."""
    read = {path for one in assigned if not one.removed for path in _fields_read(one.value)}
    if () in read:
        return False
    return not any(a.path[: len(p)] == p[: len(a.path)] for a in assigned for p in read)


def _fields_read(mql: Any) -> set[Path]:
    """The fields that an expression reads; () stands for all."""
    if isinstance(mql, str):
        if mql.startswith("$$"):
            return {()} if mql.startswith(("$$ROOT", "$$CURRENT")) else set()
        return {tuple(mql[1:].split("."))} if mql.startswith("$") else set()
    if isinstance(mql, dict):
        return set() if "$literal" in mql else {p for v in mql.values() for p in _fields_read(v)}
    if isinstance(mql, list | tuple):
        return {p for v in mql for p in _fields_read(v)}
    return set()


# What may be in the way


def obstacles_of(assigned: Sequence[Assigned]) -> tuple[Obstacle, ...]:
    """For each level above an assigned field: documents in which it is neither a document nor NULL."""
    return tuple(_obstacle(path) for path in levels_above(made_paths(assigned)))


def _obstacle(path: Path) -> Obstacle:
    level = field_reference(ROOT, path)
    if all(is_plain(name) for name in path):
        name = ".".join(path)
        other = {"$exists": True, "$not": {"$type": ["object", "null", "undefined"]}}
        # of an array the match language looks at the items, so that has to be said apart
        found: dict[str, Any] = {"$or": [{name: {"$type": "array"}}, {name: other}]}
    else:
        found = {"$expr": {"$not": [{"$in": [{"$type": level}, list(DOCUMENTS)]}]}}
    return Obstacle(found, f"{dotted(path)} is not a document", level, DOCUMENTS)
