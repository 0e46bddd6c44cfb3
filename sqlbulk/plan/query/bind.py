"""Queries as algebra: WITH, set operations, VALUES and SELECT, each with ORDER BY and LIMIT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.functions.fitting import common_type
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder
from sqlbulk.plan.binding.bound import BoundExpr, Column, SortKey
from sqlbulk.plan.binding.calls import make_constant, type_of_bound
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.query.blocks import bind_select
from sqlbulk.plan.query.common import check_unused, with_tables
from sqlbulk.plan.query.hooks import QueryHooks, sort_key
from sqlbulk.plan.query.limit import Bounds, bind_bounds, in_order
from sqlbulk.plan.query.stars import as_table
from sqlbulk.plan.query.state import Around, BoundQuery, Output, Planning, source_of
from sqlbulk.syntax import ast
from sqlbulk.types import Type


def new_planning(environment: Environment) -> Planning:
    """What a statement's queries share."""
    def bind_query_here(query: ast.Query, around: Around) -> BoundQuery:
        return bind_query(query, around, planning)

    planning = Planning(environment, bind_query_here)
    return planning


def bind_query(query: ast.Query, around: Around, planning: Planning) -> BoundQuery:
    """The query with names, aggregates and windows settled; raises SqlError at the part that is wrong."""
    around = with_tables(query.ctes, around, recursive=query.recursive)
    hooks = QueryHooks(planning, around.tables)
    with hooks.clause("in LIMIT"):
        bounds = bind_bounds(query, around, planning, hooks)
    bound = _bound(query.body, around, planning, query.order_by, bounds)
    check_unused(query.ctes, around, planning)
    return bound


def _bound(
    body: ast.QueryBody, around: Around, planning: Planning, order_by: tuple[ast.OrderItem, ...], bounds: Bounds
) -> BoundQuery:
    if isinstance(body, ast.Select):
        return bind_select(body, around, planning, order_by=order_by, bounds=bounds)
    if isinstance(body, ast.ValuesQuery):
        query = _values(body, around, planning)
    elif isinstance(body, ast.SetOperation):
        query = _set_operation(body, around, planning)
    else:
        query = bind_query(body, around, planning)
        if not order_by and bounds.none:
            return query
    return _ordered(query, around, planning, order_by, bounds)


def _ordered(
    query: BoundQuery, around: Around, planning: Planning, order_by: tuple[ast.OrderItem, ...], bounds: Bounds
) -> BoundQuery:
    """The query's rows, ordered by its own columns."""
    scope = Scope((source_of(query, ()),), None)
    binder = Binder(scope, planning.environment, QueryHooks(planning, around.tables))
    keys: list[SortKey] = []
    for item in order_by:
        number = item.expression.value if isinstance(item.expression, ast.Literal) else None
        if isinstance(number, int) and number is not True:
            if not 1 <= number <= len(query.outputs):
                raise PlanError("E2002", f"ORDER BY {number}: there is no column of that number", item.span)
            keys.append(sort_key(item, query.column(query.outputs[number - 1])))
        else:
            keys.append(sort_key(item, binder.bind(item.expression)))
    return replace(query, relation=in_order(query.relation, keys, bounds, planning))


# VALUES and set operations


def _values(body: ast.ValuesQuery, around: Around, planning: Planning) -> BoundQuery:
    width = len(body.rows[0])
    hooks = QueryHooks(planning, around.tables)
    binder = Binder(Scope((), around.scope), planning.environment, hooks)
    rows = []
    for row in body.rows:
        if len(row) != width:
            raise PlanError("E2001", f"a row of {len(row)} stands below a row of {width}", row[0].span)
        default = next((e for e in row if isinstance(e, ast.Default)), None)
        if default is not None:
            raise UnsupportedError("E3001", "DEFAULT can't stand in a list with subqueries", default.span,
                                   hint="insert rows with DEFAULT by a statement of their own")
        rows.append(tuple(binder.bind(e) for e in row))
    names = tuple(f"column{n}" for n in range(1, width + 1))
    types = [common_type([type_of_bound(row[i]) for row in rows]) for i in range(width)]
    outputs = tuple(Output(n, n, t) for n, t in zip(names, types, strict=True))
    relation = planning.relation("values")
    if any(algebra.has_subquery(e) for row in rows for e in row):
        return BoundQuery(_unfolded(rows, names, relation, planning), relation, outputs)
    return BoundQuery(algebra.Values(relation, names, tuple(rows)), relation, outputs)


def _unfolded(
    rows: Sequence[tuple[BoundExpr, ...]], names: tuple[str, ...], relation: str, planning: Planning
) -> algebra.Relation:
    """Rows with subqueries in them: one row that holds all of them in an array, taken apart."""
    unit, elements = algebra.Values(planning.relation("unit"), (), ((),)), planning.relation("rows")
    array = planning.call("JSON_ARRAY", *(planning.call("JSON_ARRAY", *row) for row in rows))
    row = Column(elements, ("row",), Type.ARRAY)
    columns = tuple((name, planning.call("[]", row, make_constant(n, row.span))) for n, name in enumerate(names, 1))
    return algebra.Project(algebra.Unnest(unit, elements, array, "row"), relation, columns)


def _set_operation(body: ast.SetOperation, around: Around, planning: Planning) -> BoundQuery:
    left, right = (_bound(side, around, planning, (), Bounds()) for side in (body.left, body.right))
    if _has_documents(left) or _has_documents(right):
        return _of_documents(body, left, right, planning)
    if len(left.outputs) != len(right.outputs):
        raise PlanError("E2001", f"{body.operator} of {len(left.outputs)} and {len(right.outputs)} columns", body.span)
    relation = planning.relation("union")
    names = tuple(o.key for o in left.outputs)
    aligned = algebra.Project(
        right.relation, planning.relation("aligned"),
        tuple((n, right.column(o)) for n, o in zip(names, right.outputs, strict=True)))
    node = algebra.SetOperation(
        body.operator, body.all, left.relation, aligned, relation, names, left.name, aligned.relation)
    outputs = tuple(
        replace(o, type=common_type([o.type, p.type])) for o, p in zip(left.outputs, right.outputs, strict=True))
    return BoundQuery(node, relation, outputs)


def _has_documents(query: BoundQuery) -> bool:
    return query.open or any(o.document for o in query.outputs)


def _keeps_ids(query: BoundQuery) -> bool:
    """Whether the documents have their _id still, as far as the select list tells."""
    whole = isinstance(query.relation, algebra.Project) and "_id" in query.relation.without
    return not whole and not any(o.document and "_id" in o.excluded for o in query.outputs)


def _of_documents(body: ast.SetOperation, left: BoundQuery, right: BoundQuery, planning: Planning) -> BoundQuery:
    """Stars over collections: whole documents, put together by the names of their fields."""
    for side, tree in ((left, body.left), (right, body.right)):
        if not _has_documents(side):
            raise UnsupportedError(
                "E3001", f"the columns of * over a collection aren't known, so {body.operator} can't match them with"
                " these", tree.span, hint="name the columns on both sides, or take * on both")
    compared = not (body.operator == "UNION" and body.all)
    if compared and any(_keeps_ids(side) for side in (left, right)):
        planning.notices.append(f"{body.operator} compares whole documents, _id included: * EXCEPT (_id) leaves it out")
    left, right = (as_table(side, planning, tree.span) for side, tree in ((left, body.left), (right, body.right)))
    relation = planning.relation("union")
    node = algebra.SetOperation(
        body.operator, body.all, left.relation, right.relation, relation, (), left.name, right.name, open=True)
    return BoundQuery(node, relation, (), open=True)
