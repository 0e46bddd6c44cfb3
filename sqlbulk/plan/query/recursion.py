"""WITH RECURSIVE: the rows to begin with, those that each round makes of the last, and what SQL refuses there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions.fitting import common_type
from sqlbulk.plan import algebra
from sqlbulk.plan.query.stars import renamed
from sqlbulk.plan.query.state import Around, BoundQuery, Opened, Output, Planning
from sqlbulk.syntax import ast

WithTables = Callable[..., Around]


def bind_recursion(opened: Opened, with_tables: WithTables, planning: Planning) -> BoundQuery | None:
    """The entry's query, if it reads itself; None: it only reads something of the same name.

    Raises PlanError E2024 where SQL has no meaning for it, UnsupportedError for what SQL leaves to systems.
    """
    definition = opened.table.definition
    query, body = definition.query, definition.query.body
    if not isinstance(body, ast.SetOperation) or body.operator != "UNION":
        return None
    name, span = definition.name.text, definition.name.span
    around = with_tables(query.ctes, opened.table.around, recursive=query.recursive)
    opened.reason = "in the rows that it begins with"
    base = renamed(planning.bind_query(ast.Query(body.left, span=body.left.span), around), definition.columns, planning)
    right = ast.Query(body.right, span=body.right.span)
    opened.outputs = outputs = _named_outputs(base, body.left.span, name)
    term = planning.bind_query(right, around)
    if not opened.places:
        return None
    _refuse_order(query, name)
    if term.open or any(o.document for o in term.outputs):
        raise UnsupportedError("E3001", f"the recursion {name} needs named columns, not a star over a collection",
                               body.right.span)
    if len(term.outputs) != len(outputs):
        raise PlanError("E2001", f"UNION of {len(outputs)} and {len(term.outputs)} columns", body.span)
    while True:
        types = [common_type([a.type, b.type]) for a, b in zip(outputs, term.outputs, strict=True)]
        if types == [o.type for o in outputs]:
            break
        outputs = tuple(replace(o, type=t) for o, t in zip(outputs, types, strict=True))
        opened.outputs, opened.places = outputs, []
        term = planning.bind_query(right, around)
    node = _node(base, term, opened, planning, every=body.all)
    _check(node, name, opened.places[0] if opened.places else span)
    return BoundQuery(node, node.relation, outputs)


def _named_outputs(base: BoundQuery, span: Span, name: str) -> tuple[Output, ...]:
    if base.open or any(o.document for o in base.outputs):
        raise UnsupportedError("E3001", f"the recursion {name} needs named columns, not a star over a collection", span)
    return base.outputs


def _refuse_order(query: ast.Query, name: str) -> None:
    for clause, part in (("ORDER BY", query.order_by), ("LIMIT", query.limit), ("OFFSET", query.offset)):
        if part:
            place = part[0].span if isinstance(part, tuple) else part.span
            raise UnsupportedError("E3001", f"{clause} can't stand in the recursion {name}", place,
                                   hint="put it where the rows are used")


def _node(base: BoundQuery, term: BoundQuery, opened: Opened, planning: Planning, *, every: bool) -> algebra.Recursive:
    columns = tuple(o.key for o in base.outputs)
    sides = []
    for query in (base, term):
        pairs = tuple((n, query.column(o)) for n, o in zip(columns, query.outputs, strict=True))
        sides.append(algebra.Project(query.relation, planning.relation("aligned"), pairs))
    marker = planning.marker(opened.table)
    working = next((n.relation for n in algebra.relations_in(sides[1])
                    if isinstance(n, algebra.Stored) and n.working and n.marker == marker), "")
    return algebra.Recursive(
        sides[0], sides[1], planning.relation(opened.table.definition.name.text), columns, sides[0].relation,
        sides[1].relation, working, marker, every, planning.environment.max_recursion)


# What SQL has no meaning for


def _check(node: algebra.Recursive, name: str, span: Span) -> None:
    """Raise PlanError E2024 if the rows of the last round are used where rounds wouldn't add up."""
    path = _path(node.term, node)
    if path is None:
        raise PlanError("E2024", f"{name} reads itself in a subquery; only FROM may do so", span)
    for above, below in pairwise(path):
        reason = _reason(above, below)
        if reason is not None:
            raise PlanError("E2024", f"{name} reads itself {reason}", span)


def _path(start: algebra.Relation, node: algebra.Recursive) -> list[algebra.Relation] | None:
    """The way down to the rows of the last round, without entering expressions."""
    if isinstance(start, algebra.Stored) and start.working and start.marker == node.marker:
        return [start]
    for child in algebra.inputs(start):
        found = _path(child, node)
        if found is not None:
            return [start, *found]
    return None


def _reason(above: algebra.Relation, below: algebra.Relation) -> str | None:
    match above:
        case algebra.Join(kind="FULL"):
            return "in a FULL JOIN"
        case algebra.Join(kind="LEFT") | algebra.Apply(kind="LEFT") if below is above.right:
            return "on the optional side of an outer join"
        case algebra.Aggregate() if above.calls or not above.keys:
            return "below an aggregate"
        case algebra.SetOperation(operator="EXCEPT") if above.all or below is above.right:
            return "in an EXCEPT"
        case algebra.SetOperation(operator="INTERSECT") if above.all:
            return "in an INTERSECT ALL"
    return None
