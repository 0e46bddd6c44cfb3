"""Several stars as one document: fields of the same name must hold the same value, or the query ends with an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlbulk.functions.registry import Function, Parameter
from sqlbulk.plan.binding.bound import BoundExpr, Call
from sqlbulk.plan.binding.calls import make_constant
from sqlbulk.plan.query.state import BoundQuery, Output
from sqlbulk.types import Type

TWO_VALUES = "two stars bring different values for one field"


def merged_stars(query: BoundQuery, stars: Sequence[Output]) -> BoundExpr:
    """The documents of the stars in one. It has the first `_id` that there is."""
    whole = _without(query, stars[0])
    for star in stars[1:]:
        whole = Call(_MERGED, (whole, _without(query, star)), Type.DOCUMENT, span=whole.span)
    return whole


def _without(query: BoundQuery, star: Output) -> BoundExpr:
    document: BoundExpr = query.column(star)
    for name in star.excluded:
        document = Call(_LEFT_OUT, (document, make_constant(name, document.span)), Type.DOCUMENT, span=document.span)
    return document


def _merge(first: Any, second: Any) -> Any:
    documents = {n: {"$cond": [{"$eq": [{"$type": d}, "object"]}, d, {"$literal": {}}]}
                 for n, d in (("a", first), ("b", second))}
    # The same fields in the same order, with the second's values and with the first's.
    later, earlier = {"$mergeObjects": ["$$a", "$$b", {"_id": "$$a._id"}]}, {"$mergeObjects": ["$$a", "$$b", "$$a"]}
    stop = {"$toInt": {"$concat": [TWO_VALUES, {"$substrCP": [{"$type": "$$a"}, 0, 0]}]}}
    return {"$let": {"vars": documents, "in": {"$cond": [{"$eq": [later, earlier]}, earlier, stop]}}}


def _left_out(document: Any, name: str) -> Any:
    return {"$unsetField": {"field": {"$literal": name}, "input": document}}


_MERGED = Function(
    name="MERGED", help="Two documents in one.", example="TRUE", returns=Type.DOCUMENT, null_propagates=False,
    nullable=False, guarded=False, parameters=(Parameter("a"), Parameter("b")), lower=_merge)
_LEFT_OUT = Function(
    name="LEFT OUT", help="A document without a field.", example="TRUE", returns=Type.DOCUMENT, null_propagates=False,
    guarded=False, parameters=(Parameter("document"), Parameter("name", Type.STRING, constant=True)), lower=_left_out)
