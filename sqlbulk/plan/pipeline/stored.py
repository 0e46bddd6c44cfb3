"""The rows of steps as the pipelines see them that come after: documents of a collection without a name yet."""

from __future__ import annotations

from typing import Any

from sqlbulk.commands import LOADED
from sqlbulk.commands_steps import ROUND, THIS_ROUND, WHOLE
from sqlbulk.plan import algebra
from sqlbulk.plan.pipeline.order import leading_fields
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Place, Rows, column_keys


def stored_rows(node: algebra.Stored, outer: Outer) -> Rows:
    """The rows; those of a recursion only as the last round has found them."""
    if node.loaded:
        return Rows(node.marker, [], {node.relation: Place((LOADED,))}, outer, slotted=True)
    if node.open:
        return Rows(node.marker, [{"$replaceWith": f"${WHOLE}"}], {node.relation: Place()}, outer, open_root=True)
    stages: list[dict[str, Any]] = [{"$match": {ROUND: THIS_ROUND}}] if node.working else []
    return Rows(node.marker, stages, {node.relation: Place((), column_keys(node.columns))}, outer)


def fields_to_look_up(node: algebra.Relation, lowering: Lowering) -> tuple[Rows, set[str]] | None:
    """Documents that $lookup can find by a field of theirs, and the fields by which it does so with an index."""
    if isinstance(node, algebra.Scan):
        return Rows(node.collection, [], {node.relation: Place()}), leading_fields(node.collection, lowering)
    if isinstance(node, algebra.Stored) and node.loaded:
        return Rows(node.marker, [], {node.relation: Place((LOADED,))}), set()
    if isinstance(node, algebra.Stored) and not node.open:
        keys = column_keys(node.columns)
        return Rows(node.marker, [], {node.relation: Place((), keys)}), {key for (key,) in keys.values()}
    return None
