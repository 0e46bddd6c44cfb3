"""FROM: tables, derived tables, common table expressions and joins become relations and a scope."""

from __future__ import annotations

import difflib
from dataclasses import replace

from sqlbulk.commands import PLACE
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder, Hooks
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.binding.conditions import connect
from sqlbulk.plan.binding.scope import Scope, Source, collection_source, resolve_path
from sqlbulk.plan.query.common import bind_common
from sqlbulk.plan.query.stars import as_table, renamed
from sqlbulk.plan.query.state import Around, From, Planning, source_of
from sqlbulk.plan.query.tables import bind_table_function
from sqlbulk.syntax import ast
from sqlbulk.types import Type


def bind_from(item: ast.FromItem, around: Around, planning: Planning, hooks: Hooks) -> From:
    """The relation and scope of a FROM item."""
    match item:
        case ast.Table():
            return _table(item, around, planning)
        case ast.Derived():
            return _derived(item, around, planning)
        case ast.TableFunction():
            unit = algebra.Values(planning.relation("unit"), (), ((),))
            return bind_table_function(item, From(unit, ()), around, planning, hooks)
    return _join(item, around, planning, hooks)


# Tables


def _table(item: ast.Table, around: Around, planning: Planning) -> From:
    *database, name = [part.text for part in item.name]
    alias = item.alias.name.text if item.alias else None
    if not database and name in around.tables:
        return bind_common(item, around.tables[name], planning)
    if not database and alias is not None and name in planning.environment.loaded:
        return _loaded(name, alias, planning)
    if len(database) > 1:
        raise PlanError("E2020", "a collection is named collection or database.collection", item.span)
    if item.alias is not None and item.alias.columns:
        raise UnsupportedError("E3001", "the fields of a collection can't be renamed by its alias", item.alias.span,
                               hint="write FROM (SELECT a AS b, … FROM t) AS u")
    catalog = planning.environment.catalog
    known = None if database else catalog.get(name)
    if not database and known is None and catalog.complete:
        near = difflib.get_close_matches(name, list(catalog.collections), n=1)
        raise PlanError("E2020", f"there is no collection {name}", item.span,
                        hint=f"did you mean {near[0]}?" if near else None)
    relation = planning.relation(alias or name)
    scan = algebra.Scan(name, relation, database[0] if database else None)
    return From(scan, (collection_source(name, relation=relation, alias=alias, known=known),))


def _loaded(marker: str, alias: str, planning: Planning) -> From:
    """Rows that come by the client; what stands beside each is a column as well."""
    columns = planning.environment.loaded[marker]
    relation = planning.relation(alias)
    fields = dict.fromkeys((*(columns or ()), PLACE), Type.ANY)
    source = Source(relation, (alias,), fields, open=columns is None)
    return From(algebra.Stored(marker, relation, (), open=True, loaded=True), (source,))


def _derived(item: ast.Derived, around: Around, planning: Planning) -> From:
    inner = around if item.lateral else replace(around, scope=_outside(around.scope))
    query = as_table(planning.bind_query(item.query, inner), planning, item.span)
    query = renamed(query, item.alias.columns if item.alias else (), planning)
    names = (item.alias.name.text,) if item.alias else ()
    return From(query.relation, (source_of(query, names),))


def _outside(scope: Scope | None) -> Scope | None:
    """The queries around, without the tables to the left in the same FROM, which only LATERAL sees."""
    while scope is not None and scope.variables == _BESIDE:
        scope = scope.parent
    return scope


_BESIDE = frozenset({"\0beside"})
"""Marks the scope of the tables to the left, between a FROM item and the query around."""


# Joins


def _join(item: ast.Join, around: Around, planning: Planning, hooks: Hooks) -> From:
    left = bind_from(item.left, around, planning, hooks)
    beside = Scope(left.sources, around.scope, bound=left.merged, variables=_BESIDE)
    if isinstance(item.right, ast.TableFunction) and _is_for_each(item):
        around = replace(around, scope=beside)
        return bind_table_function(item.right, left, around, planning, hooks, outer=item.kind == "LEFT")
    right = bind_from(item.right, replace(around, scope=beside), planning, hooks)
    _check_names(left, right, item)
    both = From(left.relation, (*left.sources, *right.sources), {**left.merged, **right.merged})
    names = _using(item, left, right, planning)
    if names:
        return _join_using(item, left, right, names, planning)
    condition = None
    if item.on is not None:
        condition = Binder(both.scope(around.scope), planning.environment, hooks).bind(item.on)
    equal = (*left.equal, *right.equal, *(equalities(condition) if item.kind in ("INNER", "CROSS") else ()))
    relation = _joined(item, left.relation, right.relation, condition)
    left, right = _optional(item, left, right)
    return From(relation, (*left.sources, *right.sources), {**left.merged, **right.merged}, equal)


def _is_for_each(item: ast.Join) -> bool:
    """Whether a function's rows merely multiply those of the left side."""
    plain = item.on is None or (isinstance(item.on, ast.Literal) and item.on.value is True)
    return item.kind in ("INNER", "CROSS", "LEFT") and plain and not item.using and not item.natural


def _joined(
    item: ast.Join, left: algebra.Relation, right: algebra.Relation, condition: BoundExpr | None
) -> algebra.Relation:
    kind = "INNER" if item.kind == "CROSS" else item.kind
    if isinstance(condition, Constant) and condition.value is True:
        condition = None
    lateral = any(c.relation in algebra.visible(left) for c in algebra.outer_columns(right))
    if lateral:
        if kind not in ("INNER", "LEFT"):
            raise UnsupportedError("E3001", f"LATERAL can't be the right side of a {kind} JOIN", item.span)
        if condition is not None:
            right = algebra.Filter(right, condition)
        return algebra.Apply(kind, left, right)
    if kind == "RIGHT":
        return algebra.Join("LEFT", right, left, condition)
    return algebra.Join(kind, left, right, condition)


def _optional(item: ast.Join, left: From, right: From) -> tuple[From, From]:
    """Both sides as they are seen above the join: where one may be absent, any column of it may be NULL."""
    if item.kind in ("RIGHT", "FULL"):
        left = _maybe_absent(left)
    return left, _maybe_absent(right) if item.kind in ("LEFT", "FULL") else right


def _maybe_absent(side: From) -> From:
    def nullable(part: BoundExpr) -> BoundExpr | None:
        return replace(part, nullable=True) if isinstance(part, Column) else None

    sources = tuple(replace(s, required=frozenset()) for s in side.sources)
    return replace(side, sources=sources, merged={n: algebra.rewrite(e, nullable) for n, e in side.merged.items()})


def _check_names(left: From, right: From, item: ast.Join) -> None:
    taken = {s.names[0] for s in left.sources if s.names}
    for source in right.sources:
        if source.names and source.names[0] in taken:
            raise PlanError("E2014", f"{source.names[0]} is the name of two tables", item.right.span,
                            hint="give one of them an alias")


def _using(item: ast.Join, left: From, right: From, planning: Planning) -> tuple[ast.Identifier, ...]:
    """The columns that USING names, or that NATURAL finds on both sides: of collections those that are known."""
    if not item.natural:
        return item.using
    sources = (*left.sources, *right.sources)
    if any(s.open and not s.fields for s in sources):
        raise UnsupportedError("E3001", "NATURAL JOIN needs tables whose columns are known", item.span,
                               hint="write USING (…) or ON …")
    columns = [{c.split(".")[0]: None for s in side.sources for c in s.fields} for side in (left, right)]
    names = [c for c in columns[0] if c in columns[1] and c != "_id"]
    if any(s.open for s in sources):
        if not names:
            raise UnsupportedError("E3001", "NATURAL JOIN finds no column that is known of both sides", item.span,
                                   hint="write USING (…) or ON …, or CROSS JOIN")
        planning.notices.append(f"NATURAL JOIN is by {', '.join(names)}, the columns that are known of both sides")
    return tuple(ast.Identifier(c, quoted=True, span=item.span) for c in names)


def _join_using(
    item: ast.Join, left: From, right: From, names: tuple[ast.Identifier, ...], planning: Planning
) -> From:
    conditions, equal = [], [*left.equal, *right.equal]
    sides = _optional(item, left, right)
    merged = {**sides[0].merged, **sides[1].merged}
    for name in names:
        path = ast.Path((name,), span=name.span)
        a, b = (resolve_path(path, side.scope(None)) for side in (left, right))
        conditions.append(planning.call("=", a, b))
        if item.kind == "INNER" and isinstance(a, Column) and isinstance(b, Column):
            equal.append((a, b))
        a, b = (resolve_path(path, side.scope(None)) for side in sides)
        merged[name.text] = {"RIGHT": b, "FULL": planning.call("COALESCE", a, b)}.get(item.kind, a)
    condition = connect("AND", conditions, item.span, planning.environment.context)
    relation = _joined(item, left.relation, right.relation, condition)
    return From(relation, (*sides[0].sources, *sides[1].sources), merged, tuple(equal))


def equalities(condition: BoundExpr | None) -> list[tuple[Column, Column]]:
    """The pairs of columns that a condition makes equal."""
    pairs = []
    for part in algebra.conjuncts(condition):
        if isinstance(part, Call) and part.function.name == "=":
            a, b = part.arguments
            if isinstance(a, Column) and isinstance(b, Column):
                pairs.append((a, b))
    return pairs
