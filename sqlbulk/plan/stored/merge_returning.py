"""RETURNING of MERGE: a query over rows that hold the document written, what was done, and the source's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlbulk.commands import ACTION, TARGET, Query
from sqlbulk.errors import PlanError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder, NoHooks
from sqlbulk.plan.binding.bound import BoundExpr, Column
from sqlbulk.plan.binding.scope import Scope, Source, resolve_path
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.query.bind import new_planning
from sqlbulk.plan.query.blocks import title_of
from sqlbulk.plan.query.stars import Item, expand, project
from sqlbulk.plan.query.state import From
from sqlbulk.plan.returning import check_returning
from sqlbulk.plan.select import lower_query
from sqlbulk.syntax import ast
from sqlbulk.types import Type

_ROWS = "returned"
"""The relation of these rows."""


@dataclass(frozen=True, slots=True)
class MergeReturning:
    """What RETURNING of a MERGE asks for: a query, and what the rows of the source bring along for it, by name."""

    query: Query | None = None
    brought: Mapping[str, ast.Expr | ast.Star] = field(default_factory=dict)


def plan_merge_returning(
    items: tuple[ast.SelectItem, ...], scope: Scope, source: ast.Identifier, *, collection: str,
    environment: Environment,
) -> MergeReturning:
    """The query of RETURNING; `scope` has the target first, and `source` names the other. Raises SqlError."""
    if not items:
        return MergeReturning()
    target, *others = scope.sources
    check_returning(items, (target.names[0], source.text))
    # where no row of the source matches there is none of its fields
    missable = tuple(replace(one, required=frozenset[str]()) for one in others)
    rows = From(algebra.Scan(collection, _ROWS), (*missable, target))
    binder = Binder(Scope((target, *missable)), environment, _Hooks())
    brought = _Brought(target, source)
    found: list[Item] = []
    for item in items:
        if isinstance(item.expression, ast.Star):
            found += expand(item.expression, rows, binder)
        else:
            found.append(Item(binder.bind(item.expression), title_of(item)))
    found = [replace(one, expression=algebra.rewrite(one.expression, brought.placed)) for one in found]
    span = items[0].span
    bound = project(rows.relation, found, rows, new_planning(environment))
    query = lower_query(bound, environment, ast.Query(ast.Select(items, span=span), span=span))
    return MergeReturning(query, {name: brought.expression(path) for path, name in brought.names.items()})


def _check_side(path: ast.Path, scope: Scope) -> None:
    """Raise PlanError E2014 for a bare name of the source's, which may be one of the target's fields as well."""
    found, (target, *_) = resolve_path(path, scope), scope.sources
    if isinstance(found, Column) and found.relation != target.relation and len(found.path) == len(path.parts):
        owner = next(source for source in scope.sources if source.relation == found.relation)
        name = ".".join(part.text for part in path.parts)
        sides = f"{target.names[0]}.{name} or {owner.names[0]}.{name}"
        raise PlanError("E2014", f"{name} is a column of {owner.names[0]}, and may be a field of {target.names[0]}",
                        path.span, hint=f"write {sides}")


class _Hooks(NoHooks):
    """Knows merge_action()."""

    def replaced(self, expression: ast.Expr, binder: Binder) -> BoundExpr | None:
        """What was done with the row. Raises PlanError E2014 for a bare name that may be either side's."""
        if isinstance(expression, ast.Path):
            _check_side(expression, binder.scope)
        if not isinstance(expression, ast.Call) or expression.name != "MERGE_ACTION":
            return None
        if expression.arguments:
            raise PlanError("E2001", "MERGE_ACTION takes no arguments", expression.span)
        return Column(_ROWS, (ACTION,), Type.STRING, nullable=False, span=expression.span)


@dataclass(slots=True)
class _Brought:
    """The columns of the source that RETURNING uses, each with the name that it has in the rows."""

    target: Source
    source: ast.Identifier
    names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def placed(self, expression: BoundExpr) -> BoundExpr | None:
        """A column in its place in the rows."""
        if not isinstance(expression, Column) or expression.relation == _ROWS:
            return None
        if expression.relation == self.target.relation:
            return replace(expression, relation=_ROWS, path=(TARGET, *expression.path))
        name = self.names.setdefault(expression.path, f"r{len(self.names)}")
        return replace(expression, relation=_ROWS, path=(name,))

    def expression(self, path: tuple[str, ...]) -> ast.Expr | ast.Star:
        """The column as the query that finds the rows writes it; without a path the whole row."""
        source = replace(self.source, quoted=True)
        if not path:
            return ast.Star((source,), span=source.span)
        return ast.Path((source, *(ast.Identifier(name, quoted=True) for name in path)), span=source.span)
