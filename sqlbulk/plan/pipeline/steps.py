"""Steps before a query: the pipelines of the rows that are kept, and of each round of a recursion."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlbulk.commands_steps import WHOLE, FewKeys, KeySet, Rounds, Stages, Step
from sqlbulk.plan import algebra
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import ROOT, field_reference
from sqlbulk.plan.pipeline.rows import column_keys
from sqlbulk.plan.pipeline.stages import to_pipeline
from sqlbulk.plan.rewrites import rewritten
from sqlbulk.plan.rewrites.common_tables import Kept
from sqlbulk.plan.rewrites.rounds import turned, with_partners_only


@dataclass(slots=True)
class StepMaker:
    """Makes steps; remembers by which fields the rows of each are looked up, what was read, and what was chosen."""

    environment: Environment
    joined: dict[str, set[str]] = field(default_factory=dict)
    read: list[algebra.Relation] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)

    def steps(self, kept: list[Kept]) -> list[Step]:
        """The steps, in order, without their indexes."""
        return [self._step(k) for k in kept]

    def indexed(self, steps: list[Step]) -> tuple[Step, ...]:
        """The steps with the indexes that they need, once everything that reads them is lowered."""
        return tuple(replace(s, indexes=tuple(sorted(self.joined.get(s.marker, ())))) for s in steps)

    def _step(self, kept: Kept) -> Step:
        table = kept.table
        fields = None if table.open else tuple(key for (key,) in column_keys(table.columns).values())
        if kept.rounds and isinstance(kept.rows, algebra.Recursive):
            return self._recursion(kept.rows, fields, kept.reason)
        collection, stages = self._lowered(kept.rows, table.source, None if table.open else table.columns)
        return Step(table.marker, collection, stages, fields, kept.reason)

    def _recursion(self, node: algebra.Recursive, fields: tuple[str, ...] | None, reason: str) -> Step:
        collection, stages = self._lowered(node.base, node.base_relation, node.columns)
        around, again = self._lowered(node.term, node.term_relation, node.columns)
        rounds = Rounds(around, again, not node.all, node.most, node.limit, self._few(node, around))
        return Step(node.marker, collection, stages, fields, reason, rounds=rounds)

    def _few(self, node: algebra.Recursive, around: str | None) -> FewKeys | None:
        """A round whose other side of the join is only read where it has a partner."""
        key_sets: list[KeySet] = []
        collection, stages = self._lowered(node.term, node.term_relation, node.columns, key_sets)
        return FewKeys(tuple(key_sets), stages) if len(key_sets) == 1 and collection == around else None

    def _lowered(
        self, node: algebra.Relation, relation: str, columns: tuple[str, ...] | None,
        key_sets: list[KeySet] | None = None,
    ) -> tuple[str | None, Stages]:
        """The rows of a relation as documents of its columns; None: whole, in a field."""
        environment = self.environment
        node = turned(rewritten(node, environment), environment.catalog)
        if key_sets is not None:
            node = with_partners_only(node, environment)
        self.read.append(node)
        whole = relation if columns is None else None
        rows, choices = to_pipeline(
            node, environment.context, environment.catalog, whole=whole, key_sets=key_sets, joined=self.joined)
        self.choices += choices if key_sets is None else ()
        place = rows.layout[relation]
        if columns is None:
            return rows.collection, (*rows.stages, {"$replaceWith": {WHOLE: field_reference(ROOT, place.base)}})
        document = {
            key: {"$ifNull": [field_reference(ROOT, place.path((name,)) or ()), None]}
            for name, (key,) in column_keys(columns).items()}
        return rows.collection, (*rows.stages, {"$replaceWith": document})
