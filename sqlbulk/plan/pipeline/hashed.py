"""Whether the server can hash the right side of a join: a faster $lookup, which it only does in a certain form.

From version 6.0 on the server runs `$match` and a `$lookup` by fields behind it in its newer engine, if nothing
has changed the documents before and no `$unwind` follows at once; the array of partners is made in full then. Such
a document has to stay below 16 MB, so the right side must be far smaller as a whole.
"""

from __future__ import annotations

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.pipeline.rows import Lowering, Rows

SMALL = 4 * 1024 * 1024
"""How many bytes a collection may have for this: a quarter of what a document may."""


def can_be_hashed(right: algebra.Relation, rows: Rows, lowering: Lowering) -> bool:
    """Whether the right side is a small collection, and the rows are documents as they are stored."""
    if not isinstance(right, algebra.Scan) or (lowering.context.server or (0, 0)) < (6, 0):
        return False
    known = lowering.catalog.get(right.collection)
    small = known is not None and known.bytes is not None and known.bytes <= SMALL
    return small and rows.collection is not None and not rows.outer and all("$match" in s for s in rows.stages)


def filtered(node: algebra.Relation) -> tuple[algebra.Relation, list[BoundExpr]]:
    """What filters stand upon, and their conditions."""
    conditions: list[BoundExpr] = []
    while isinstance(node, algebra.Filter):
        conditions += algebra.conjuncts(node.condition)
        node = node.input
    return node, conditions
