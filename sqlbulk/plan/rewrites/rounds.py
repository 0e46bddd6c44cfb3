"""The joins in the rounds of a recursion: which side comes first, and what need not be read of the other one."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.catalog import Catalog
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.binding.calls import make_call
from sqlbulk.plan.environment import Environment


def turned(node: algebra.Relation, catalog: Catalog) -> algebra.Relation:
    """The relation with joins that begin with the rows of the last round if an index finds their partners.

    Else they begin with the others, for whom an index on the rows of the recursion does so.
    """
    node = algebra.with_inputs(node, lambda n: turned(n, catalog))
    sides = _sides(node)
    if sides is None or not isinstance(node, algebra.Join):
        return node
    working, other = sides
    first, second = (working, other) if _is_indexed(other, node.condition, catalog) else (other, working)
    return replace(node, left=first, right=second)


def with_partners_only(node: algebra.Relation, environment: Environment) -> algebra.Relation:
    """The relation with only such rows of a collection in the join as have a partner among those of the last round."""
    node = algebra.with_inputs(node, lambda n: with_partners_only(n, environment))
    sides = _sides(node)
    if sides is None or not isinstance(node, algebra.Join) or sides[1] is not node.left:
        return node
    working, other = sides
    pair = _pair(node.condition, algebra.visible(working))
    if pair is None:
        return node
    mine, theirs = pair
    keys = f"{mine.relation} keys"
    copy = algebra.rewrite_relations(working, lambda n: _renamed(n, mine.relation, keys))
    key = replace(mine, relation=keys)
    grouped = algebra.Aggregate(copy, f"{keys} once", (("k0", key),), ())
    found = Column(grouped.relation, ("k0",), mine.type)
    absent = make_call("IS NULL", (found,), mine.span, environment.context)
    present = make_call("NOT", (absent,), mine.span, environment.context)
    return replace(node, left=algebra.Filter(algebra.Attach(other, grouped, ((theirs, found),)), present))


def _sides(node: algebra.Relation) -> tuple[algebra.Relation, algebra.Relation] | None:
    """The rows of the last round and the others that an inner join puts together."""
    if not isinstance(node, algebra.Join) or node.kind != "INNER":
        return None
    ends = {isinstance(b := _bottom(side), algebra.Stored) and b.working: side for side in (node.left, node.right)}
    return (ends[True], ends[False]) if set(ends) == {True, False} else None


def _bottom(side: algebra.Relation) -> algebra.Relation:
    while isinstance(side, algebra.Filter):
        side = side.input
    return side


def _is_indexed(side: algebra.Relation, condition: BoundExpr | None, catalog: Catalog) -> bool:
    scan = _bottom(side)
    if not isinstance(scan, algebra.Scan):
        return False
    known = catalog.get(scan.collection)
    indexed = {"_id"} | ({i.keys[0][0] for i in known.indexes if i.keys and not i.partial} if known else set())
    return any(c.relation == scan.relation and ".".join(c.path) in indexed
               for part in _equal(condition) for c in part)


def _equal(condition: BoundExpr | None) -> list[tuple[Column, Column]]:
    """The columns that a condition makes equal."""
    found = []
    for part in algebra.conjuncts(condition):
        a, b = part.arguments if isinstance(part, Call) and part.function.name == "=" else (None, None)
        if isinstance(a, Column) and isinstance(b, Column):
            found.append((a, b))
    return found


def _pair(condition: BoundExpr | None, working: set[str]) -> tuple[Column, Column] | None:
    """The first two columns of either side that must be equal; conditions on one side alone stand elsewhere."""
    return next(((a, b) if a.relation in working else (b, a) for a, b in _equal(condition)), None)


def _renamed(node: algebra.Relation, old: str, new: str) -> algebra.Relation | None:
    """The rows of the last round once more, under another name."""
    def moved(part: BoundExpr) -> BoundExpr | None:
        return replace(part, relation=new) if isinstance(part, Column) and part.relation == old else None

    if isinstance(node, algebra.Stored):
        return replace(node, relation=new)
    return algebra.rewrite_all(algebra.with_inputs(node, lambda n: _renamed(n, old, new) or n), moved)
