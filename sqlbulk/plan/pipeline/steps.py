"""Steps before a query: the pipelines of the rows that are kept, and of each round of a recursion."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlbulk.commands_steps import WHOLE, Rounds, Stages, Step
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import ROOT, field_reference
from sqlbulk.plan.pipeline.order import leading
from sqlbulk.plan.pipeline.rows import column_keys
from sqlbulk.plan.pipeline.stages import to_pipeline
from sqlbulk.plan.query.sources import equalities
from sqlbulk.plan.rewrites import rewritten
from sqlbulk.plan.rewrites.common_tables import Kept


@dataclass(slots=True)
class StepMaker:
    """Makes steps, and remembers by which fields the rows of each are looked up, and what was read on the way."""

    environment: Environment
    joined: dict[str, set[str]] = field(default_factory=dict)
    read: list[algebra.Relation] = field(default_factory=list)

    def steps(self, kept: list[Kept]) -> list[Step]:
        """The steps, in order, without their indexes."""
        return [self._step(k) for k in kept]

    def indexed(self, steps: list[Step]) -> tuple[Step, ...]:
        """The steps with the indexes that they need, once everything that reads them is lowered."""
        return tuple(replace(s, indexes=tuple(sorted(self.joined.get(s.marker, ())))) for s in steps)

    def _step(self, kept: Kept) -> Step:
        table = kept.table
        fields = None if table.open else tuple(key for (key,) in column_keys(table.columns).values())
        if isinstance(table.input, algebra.Recursive):
            return self._recursion(table.input, fields, kept.reason)
        collection, stages = self._lowered(table.input, table.relation, None if table.open else table.columns)
        return Step(table.marker, collection, stages, fields, kept.reason)

    def _recursion(self, node: algebra.Recursive, fields: tuple[str, ...] | None, reason: str) -> Step:
        collection, stages = self._lowered(node.base, node.base_relation, node.columns)
        around, again = self._lowered(node.term, node.term_relation, node.columns)
        rounds = Rounds(around, again, not node.all, node.most, node.limit)
        return Step(node.marker, collection, stages, fields, reason, rounds=rounds)

    def _lowered(
        self, node: algebra.Relation, relation: str, columns: tuple[str, ...] | None
    ) -> tuple[str | None, Stages]:
        """The rows of a relation as documents of its columns; None: whole, in a field."""
        environment = self.environment
        node = self._turned(rewritten(node, environment))
        self.read.append(node)
        whole = relation if columns is None else None
        rows, _ = to_pipeline(node, environment.context, environment.catalog, whole=whole, joined=self.joined)
        place = rows.layout[relation]
        if columns is None:
            return rows.collection, (*rows.stages, {"$replaceWith": {WHOLE: field_reference(ROOT, place.base)}})
        document = {
            key: {"$ifNull": [field_reference(ROOT, place.path((name,)) or ()), None]}
            for name, (key,) in column_keys(columns).items()}
        return rows.collection, (*rows.stages, {"$replaceWith": document})

    # Which side of a join the rows of the last round are

    def _turned(self, node: algebra.Relation) -> algebra.Relation:
        """The relation with joins that begin with the rows of the last round if an index finds their partners.

        Else they begin with the others, for whom an index on the rows of the recursion does so.
        """
        node = algebra.with_inputs(node, self._turned)
        if not isinstance(node, algebra.Join) or node.kind != "INNER":
            return node
        ends = {_working(side): side for side in (node.left, node.right)}
        if set(ends) != {True, False}:
            return node
        working, other = ends[True], ends[False]
        first, second = (working, other) if self._is_indexed(other, node.condition) else (other, working)
        return replace(node, left=first, right=second)

    def _is_indexed(self, side: algebra.Relation, condition: BoundExpr | None) -> bool:
        while isinstance(side, algebra.Filter):
            side = side.input
        if not isinstance(side, algebra.Scan):
            return False
        indexed = leading(self.environment.catalog.get(side.collection))
        columns = [c for pair in equalities(condition) for c in pair if c.relation == side.relation]
        return any(".".join(c.path) in indexed for c in columns)


def _working(side: algebra.Relation) -> bool:
    while isinstance(side, algebra.Filter):
        side = side.input
    return isinstance(side, algebra.Stored) and side.working
