"""WITH RECURSIVE inside a pipeline: rows that follow from one another by expressions alone, and $graphLookup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import field_reference
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Place, Rows, column_keys
from sqlbulk.plan.pipeline.walks import Walk, endless, walk_of, walked
from sqlbulk.plan.rewrites import rewritten


def fitted(node: algebra.Recursive, environment: Environment, *, alone: bool) -> algebra.Recursive | None:
    """The recursion in a form that a pipeline can do, None if it can't, or better does it by steps.

    `alone`: there can be no steps.
    """
    made = replace(node, term=rewritten(node.term, environment))
    if _chain(made) is not None and (alone or not _reads(made.base)):
        return made
    return made if walk_of(made, environment.catalog) is not None else None


def lower_recursive(node: algebra.Recursive, lowering: Lowering, outer: Outer) -> Rows:
    """The rows of a recursion that `fitted` has found fit."""
    keys: dict[str, tuple[str]] = column_keys(node.columns)
    rows = lowering.lower(node.base, outer)
    place = rows.layout[node.base_relation]
    references = {keys[n][0]: field_reference("$$ROOT", place.path((n,)) or ()) for n in node.columns}
    rows.add({"$replaceWith": {key: {"$ifNull": [value, None]} for key, value in references.items()}})
    made = Rows(rows.collection, rows.stages, {node.relation: Place((), keys)}, outer)
    chain = _chain(node)
    if chain is not None:
        lowering.choices.append(f"{node.marker[1:-1]}: every row worked out from the one before it")
        made.add({"$project": {"rows": _followed(node, chain, keys, lowering, outer)}})
    else:
        walk = walk_of(node, lowering.catalog)
        assert walk is not None, "only what fits is left in a pipeline"
        lowering.choices.append(_how(node, walk))
        made.add(*walked(node, walk, keys, lowering))
    made.add({"$unwind": "$rows"}, {"$replaceWith": "$rows"})
    return made if node.all else made.add({"$group": {"_id": {k: f"${k}" for (k,) in keys.values()}}},
                                          {"$replaceWith": "$_id"})


def _how(node: algebra.Recursive, walk: Walk) -> str:
    return (f"{node.marker[1:-1]}: $graphLookup in {walk.scan.collection} by"
            f" {'.'.join(walk.to.path)} = {'.'.join(walk.follow.path)}")


# Rows that follow from one another


def _reads(node: algebra.Relation) -> bool:
    """Whether rows of a collection are in it."""
    return any(isinstance(n, algebra.Scan) or (isinstance(n, algebra.Common) and _reads(n.body.rows))
               for n in algebra.relations_in(node))


def _chain(node: algebra.Recursive) -> list[algebra.Project | algebra.Filter] | None:
    """What makes a row of the one before it, first things first; None if that takes more than expressions."""
    found: list[algebra.Project | algebra.Filter] = []
    part = node.term
    while isinstance(part, algebra.Project | algebra.Filter):
        found.append(part)
        part = part.input
    return found[::-1] if isinstance(part, algebra.Stored) and part.relation == node.working else None


def _followed(
    node: algebra.Recursive, chain: list[algebra.Project | algebra.Filter], keys: dict[str, tuple[str]],
    lowering: Lowering, outer: Outer,
) -> Any:
    """The row and all that follow from it, as an array."""
    ends = node.limit is not None and node.limit <= node.most
    most = max(0, (node.limit or 0) - 1) if ends else node.most + 1
    here: Outer = {**outer, **{(node.working, (n,)): f"$$last.{key}" for n, (key,) in keys.items()}}
    following = _next(chain, lowering, here, number=0)
    known = {"$eq": ["$$next", None]} if node.all else {
        "$or": [{"$eq": ["$$next", None]}, {"$in": ["$$next", "$$value.rows"]}]}
    grown: Any = {"rows": {"$concatArrays": ["$$value.rows", ["$$next"]]}, "last": "$$next"}
    ended = {"rows": "$$value.rows", "last": None}
    step = {"$let": {"vars": {"last": "$$value.last"}, "in": {
        "$let": {"vars": {"next": following}, "in": {"$cond": [known, ended, grown]}}}}}
    found = {"$reduce": {
        "input": {"$range": [0, most]}, "initialValue": {"rows": ["$$ROOT"], "last": "$$ROOT"},
        "in": {"$cond": [{"$eq": ["$$value.last", None]}, "$$value", step]}}}
    if ends:
        return {"$let": {"vars": {"found": found}, "in": "$$found.rows"}}
    late = endless(f"{node.marker[1:-1]} still has rows after {node.most:,} rounds (max_recursion)", "$$found.rows")
    return {"$let": {"vars": {"found": found}, "in": {
        "$cond": [{"$eq": ["$$found.last", None]}, "$$found.rows", late]}}}


def _next(
    chain: list[algebra.Project | algebra.Filter], lowering: Lowering, outer: Outer, *, number: int
) -> Any:
    """The row that comes of the variables of the one before, null if none does."""
    part, *rest = chain
    nowhere = Rows(None, [], {}, outer)
    if isinstance(part, algebra.Filter):
        return {"$cond": [lowering.is_true(part.condition, nowhere), _next(rest, lowering, outer, number=number), None]}
    keys = column_keys(tuple(name for name, _ in part.columns))
    row = {keys[name][0]: lowering.stored(value, nowhere) for name, value in part.columns}
    if not rest:
        return row
    variable = f"p{number}"
    inner: Outer = {**outer, **{(part.relation, (n,)): f"$${variable}.{key}" for n, (key,) in keys.items()}}
    return {"$let": {"vars": {variable: row}, "in": _next(rest, lowering, inner, number=number + 1)}}
