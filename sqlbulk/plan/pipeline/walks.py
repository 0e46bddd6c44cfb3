"""Recursions that $graphLookup can do: from each row to documents of one collection, along one field of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlbulk.catalog import Catalog
from sqlbulk.commands_steps import ENDLESS
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant
from sqlbulk.plan.lowering.filter import match
from sqlbulk.plan.lowering.layout import is_plain
from sqlbulk.plan.pipeline.rows import Lowering, Place, Rows
from sqlbulk.types import Type

_SURE = frozenset(Type) - {Type.ANY, Type.NULL, Type.ARRAY, Type.DOCUMENT}
"""Types whose values $graphLookup compares as SQL does, NULL apart."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through the documents of `scan`: from a row's column `start` to those whose field `to` equals it, and on.

    `follow` is the field that `start` is in what was found. `values` are the columns of what was found: an expression
    over its document, None for what the first row has there, a number for that plus the number each round.
    `unique`: the field of 'follow' and 'to' that one document has at most, so that only in a circle more than one
    way leads to a document; None: that makes no difference.
    """

    scan: algebra.Scan
    conditions: tuple[BoundExpr, ...]
    start: str
    follow: Column
    to: Column
    values: tuple[tuple[str, BoundExpr | int | None], ...]
    unique: str | None


def walk_of(node: algebra.Recursive, catalog: Catalog) -> Walk | None:
    """The recursion as a walk, None if it is none."""
    project = node.term
    join = project.input if isinstance(project, algebra.Project) and project.merged is None else None
    if not isinstance(project, algebra.Project) or not isinstance(join, algebra.Join) or join.kind != "INNER":
        return None
    sides = {type(_bottom(side)): side for side in (join.left, join.right)}
    scan, working = (_bottom(sides.get(kind)) for kind in (algebra.Scan, algebra.Stored))
    if not isinstance(scan, algebra.Scan) or not isinstance(working, algebra.Stored) or scan.database is not None:
        return None
    if working.relation != node.working or isinstance(sides[algebra.Stored], algebra.Filter):
        return None
    ends = _ends(join.condition, scan.relation, node.working)
    values = tuple((name, _value(name, e, scan.relation, node.working)) for name, e in project.columns)
    if ends is None or any(value is _NONE for _, value in values):
        return None
    to, start = ends
    follow = dict(values).get(start)
    if not isinstance(follow, Column) or not all(_is_sure(c) for c in (to, follow)):
        return None
    unique = _unique(scan.collection, follow, to, catalog)
    counts = any(isinstance(value, int) for _, value in values)
    if (node.all or counts) and (not node.all or unique is None or node.limit is not None):
        return None
    return Walk(scan, tuple(_conditions(sides[algebra.Scan])), start, follow, to, values, unique if node.all else None)


def _bottom(side: algebra.Relation | None) -> algebra.Relation | None:
    while isinstance(side, algebra.Filter):
        side = side.input
    return side


def _conditions(side: algebra.Relation) -> list[BoundExpr]:
    found: list[BoundExpr] = []
    while isinstance(side, algebra.Filter):
        found += algebra.conjuncts(side.condition)
        side = side.input
    return found


def _ends(condition: BoundExpr | None, scan: str, working: str) -> tuple[Column, str] | None:
    """The document's field and the row's column that must be equal, if that is all there is to it."""
    if not isinstance(condition, Call) or condition.function.name != "=":
        return None
    for to, start in (condition.arguments, condition.arguments[::-1]):
        if isinstance(to, Column) and isinstance(start, Column) and to.relation == scan and start.relation == working:
            return (to, start.path[0]) if len(start.path) == 1 and start.type in _SURE else None
    return None


_NONE = Constant("no value that fits", Type.STRING)


def _value(name: str, expression: BoundExpr, scan: str, working: str) -> BoundExpr | int | None:
    """What becomes of a column on the way; `_NONE` for what a walk doesn't know."""
    if isinstance(expression, Column) and (expression.relation, expression.path) == (working, (name,)):
        return None
    used = algebra.relations_of(expression)
    volatile = any(isinstance(e, Call) and e.function.volatile for e in algebra.walk(expression))
    if used <= {scan} and not volatile:
        return expression
    if isinstance(expression, Call) and expression.function.name == "+":
        column, step = expression.arguments
        if isinstance(column, Constant):
            column, step = step, column
        if isinstance(column, Column) and column.type.numeric and isinstance(step, Constant):
            own = (column.relation, column.path) == (working, (name,))
            return step.value if own and type(step.value) is int else _NONE
    return _NONE


def _is_sure(column: Column) -> bool:
    """Whether the field is never an array, so that the walk compares it as SQL does."""
    return column.path == ("_id",) or (column.type in _SURE and all(map(is_plain, column.path)))


def _unique(collection: str, follow: Column, to: Column, catalog: Catalog) -> str | None:
    """Which end of the walk belongs to one document at most."""
    known = catalog.get(collection)
    for name, column in (("follow", follow), ("to", to)):
        path = ".".join(column.path)
        if path == "_id" or (known is not None and known.has_unique((path,))):
            return name
    return None


# As stages


def walked(
    node: algebra.Recursive, walk: Walk, keys: dict[str, tuple[str]], lowering: Lowering
) -> list[dict[str, Any]]:
    """The stages that give each row an array, `rows`: itself and what the walk from it finds."""
    to, follow = (".".join(c.path) for c in (walk.to, walk.follow))
    slot, depth = lowering.names.new("_g"), lowering.names.new("_d")
    place = Rows(walk.scan.collection, [], {walk.scan.relation: Place()})
    allowed = [{to: {"$ne": None}}, *(match(c, place.columns, lowering.context) for c in walk.conditions)]
    inside = Rows(None, [], {}, {(walk.scan.relation, ()): "$$found"})
    found: dict[str, Any] = {}
    for name, value in walk.values:
        key = keys[name][0]
        if isinstance(value, int):
            steps = {"$multiply": [value, {"$add": [f"$$found.{depth}", 1]}]}
            found[key] = {"$add": [f"${key}", steps]} if value != 1 else {"$add": [f"${key}", f"$$found.{depth}", 1]}
        else:
            found[key] = f"${key}" if value is None else lowering.stored(value, inside)
    own = {key: f"${key}" for (key,) in keys.values()}
    rows: Any = {"$concatArrays": [[own], {"$map": {"input": f"${slot}", "as": "found", "in": found}}]}
    circle = _circle(walk, slot, f"${keys[walk.start][0]}", to, follow)
    if circle is not None:
        rows = {"$cond": [circle, endless(f"{node.marker[1:-1]} comes back to where it was", f"${slot}"), rows]}
    lookup = {
        "from": walk.scan.collection, "startWith": f"${keys[walk.start][0]}", "connectFromField": follow,
        "connectToField": to, "as": slot, "depthField": depth,
        "restrictSearchWithMatch": allowed[0] if len(allowed) == 1 else {"$and": allowed}}
    return [{"$graphLookup": lookup}, {"$project": {"_id": 0, "rows": rows}}]


def endless(reason: str, array: str) -> Any:
    """An expression that ends the statement, for a reason. It reads an array, so that it is only worked out then."""
    return {"$toInt": {"$concat": [ENDLESS + reason, {"$substrCP": [{"$toString": {"$size": array}}, 0, 0]}]}}


def _circle(walk: Walk, slot: str, start: str, to: str, follow: str) -> Any:
    """Whether the walk came back to where it was; None where that makes no difference."""
    if walk.unique is None:
        return None
    if walk.unique == "follow":
        return {"$in": [start, f"${slot}.{follow}"]}
    ways = {"$setDifference": [
        {"$map": {"input": f"${slot}", "as": "n", "in": {"$ifNull": [f"$$n.{follow}", None]}}}, f"${slot}.{to}"]}
    return {"$and": [{"$ne": [f"${slot}", []]}, {"$eq": [ways, []]}]}
