"""Equal fields: the columns by which $lookup finds partners, and how far it takes for equal what SQL does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.lowering.layout import field_reference
from sqlbulk.plan.pipeline.rows import Lowering, Path, Place, Rows
from sqlbulk.plan.pipeline.stored import fields_to_look_up
from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class JoinKey:
    """Two columns that must be equal: the condition that says so, the left side's and the right's, its path."""

    condition: BoundExpr
    local: Column
    column: Column
    foreign: str


_ALIKE = frozenset(Type) - {Type.ANY, Type.NULL, Type.ARRAY}
"""Types of which $lookup takes for equal what SQL does, but for NULLs."""


def is_exact(key: JoinKey) -> bool:
    """Whether the candidates that $lookup finds are the partners: it takes NULL for NULL, and looks into arrays."""
    return are_alike(key) and not (key.local.nullable and key.column.nullable)


def are_alike(key: JoinKey) -> bool:
    """Whether they are but for NULLs."""
    return all(c.type in _ALIKE or _is_own_key(c) for c in (key.local, key.column))


def _is_own_key(column: Column) -> bool:
    """Whether it is the _id of a collection's documents, which is never an array."""
    return column.path == ("_id",) and not column.nullable


def agrees(key: JoinKey, local: Any, candidate: str) -> Any:
    """Whether the candidate, a variable such as '$$o1', is a partner."""
    equal = {"$eq": [field_reference(candidate, tuple(key.foreign.split("."))), local]}
    return {"$and": [equal, {"$gt": [local, None]}]} if key.local.nullable else equal


def only_partners(
    path: str, layout: Mapping[str, Place], tests: list[BoundExpr], keys: Sequence[JoinKey] = (), *, rows: Rows,
    lowering: Lowering,
) -> dict[str, Any]:
    """Keeps the candidates in an array, rows of `layout`, that have the keys and that the tests hold for."""
    candidate = lowering.names.new("o")
    variables: dict[tuple[str, Path], str] = {}
    for relation, place in layout.items():
        base = ".".join((f"$${candidate}", *place.base))
        columns = {(): ()} if place.keys is None else {(name,): below for name, below in place.keys.items()}
        variables |= {(relation, column): ".".join((base, *below)) for column, below in columns.items()}
    beside = Rows(rows.collection, [], rows.layout, variables)
    found = [agrees(key, lowering.value(key.local, rows), f"$${candidate}") for key in keys]
    found += [lowering.is_true(test, beside) for test in tests]
    condition = found[0] if len(found) == 1 else {"$and": found}
    return {"$addFields": {path: {"$filter": {"input": f"${path}", "as": candidate, "cond": condition}}}}


def key_fields(right: algebra.Relation, rows: Rows, lowering: Lowering) -> JoinKey | None:
    """The columns that localField and foreignField can take, an index preferred.

    $lookup's own comparison takes NULL for equal to NULL and looks into arrays, so it only finds candidates:
    the condition itself is tested as well.
    """
    while isinstance(right, algebra.Limit | algebra.Project | algebra.Aggregate):
        right = right.input
    conditions: list[BoundExpr] = []
    while isinstance(right, algebra.Filter):
        conditions += algebra.conjuncts(right.condition)
        right = right.input
    found = fields_to_look_up(right, lowering)
    if found is None:
        return None
    foreign, indexed = found
    pairs = [p for c in conditions if (p := _pair(c, rows, foreign)) is not None]
    return max(pairs, key=lambda p: p.foreign in indexed, default=None)


def _pair(condition: BoundExpr, rows: Rows, foreign: Rows) -> JoinKey | None:
    if not isinstance(condition, Call) or condition.function.name != "=":
        return None
    for a, b in (condition.arguments, condition.arguments[::-1]):
        if isinstance(a, Column) and isinstance(b, Column):
            path = foreign.columns.match_path(b) if b.relation in foreign.layout else None
            if a.relation in rows.layout and rows.columns.match_path(a) and path:
                return JoinKey(condition, a, b, path)
    return None
