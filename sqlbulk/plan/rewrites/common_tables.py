"""WITH tables: which of them are worked out once, before the query, and which become part of wherever they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Call
from sqlbulk.plan.rewrites.copies import Copies

Fits = Callable[[algebra.Recursive], algebra.Recursive | None]
"""The recursion in a form that stands in a pipeline, None if there is none."""

_COSTLY = (
    algebra.Join, algebra.Apply, algebra.Aggregate, algebra.Window, algebra.Sort, algebra.Limit, algebra.Distinct,
    algebra.Recursive,
)
_ROUNDS = "round after round"
_COPIES = 8
"""More often than that nothing is worked out anew, however cheap it is."""
_MOST_COPIES = 50
"""How often a table may stand in one pipeline where no rows can be kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A WITH table whose rows are worked out once, `rows`, and why; `rounds`: by the rounds of a recursion."""

    table: algebra.Common
    rows: algebra.Relation
    reason: str
    rounds: bool


@dataclass(frozen=True, slots=True)
class _Use:
    """A place where a WITH table is used.

    `rounds`: in every round of a recursion. `repeated`: perhaps for every row around. `limit`: no more rows than
    that are wanted.
    """

    table: algebra.Common
    rounds: bool = False
    repeated: bool = False
    limit: int | None = None


@dataclass(slots=True)
class _Demand:
    """How a WITH table is used, all in all: the table, in how many places, and what holds for one of them at least."""

    table: algebra.Common
    copies: int = 0
    rounds: bool = False
    repeated: bool = False
    limit: int | None = None


def settled(node: algebra.Relation, fits: Fits) -> tuple[algebra.Relation, list[Kept]]:
    """The relation without WITH tables: they are a part of it, or rows that are kept.

    Of those that are kept, one that needs another comes behind it.
    """
    order = _order(node)
    work = _Work(fits, _copies(node, order))
    work.demand(node, 1, repeated=False)
    for table in order:
        work.decide(table)
    kept = [work.kept(table, work.reasons[table.marker]) for table in order if table.marker in work.reasons]
    return work.whole(node), kept[::-1]


def inlined(node: algebra.Relation, fits: Fits, span: Span) -> algebra.Relation:
    """The relation with its WITH tables as parts of it; UnsupportedError where that would mean something else."""
    order = _order(node)
    work = _Work(fits, _copies(node, order))
    work.demand(node, 1, repeated=False)
    for table in order:
        found, name = work.demands[table.marker], table.marker[1:-1]
        rows = work.rows_of(table)
        if _is_volatile(table) and (found.repeated or found.copies > 1):
            raise UnsupportedError("E3001", f"the rows of {name} differ each time, and can't be kept here", span)
        if isinstance(rows, algebra.Recursive) and work.fitting(rows) is None:
            raise UnsupportedError("E3001", f"the recursion {name} goes round after round, and its rows can't be kept"
                                   " here", span)
        if found.copies > _MOST_COPIES:
            raise UnsupportedError("E3001", f"{name} would be worked out {found.copies:,} times, and its rows can't be"
                                   " kept here", span)
        work.demand(rows, found.copies, repeated=found.repeated)
    return work.whole(node)


def _order(node: algebra.Relation) -> list[algebra.Common]:
    """The WITH tables that a relation uses, each once, before those that it uses itself."""
    found: dict[str, algebra.Common] = {}

    def visit(part: algebra.Relation) -> None:
        for use in _uses(part):
            if use.table.marker not in found:
                visit(use.table.body.rows)
                found[use.table.marker] = use.table

    visit(node)
    return list(found.values())[::-1]


def _copies(node: algebra.Relation, tables: list[algebra.Common]) -> Copies:
    known = algebra.made_inside(node).union(*(algebra.made_inside(t.body.rows) for t in tables))
    return Copies(known, algebra.made_inside(node))


def _uses(node: algebra.Relation, place: _Use | None = None) -> Iterator[_Use]:
    """The places where WITH tables are used, from left to right; `place` is what is known of this one from above."""
    blank = algebra.Common(algebra.Body(node), "", "", "", ())
    place = place or _Use(blank)
    limit = place.limit if isinstance(node, algebra.Project) else None
    if isinstance(node, algebra.Common):
        yield replace(place, table=node)
    if isinstance(node, algebra.Limit) and node.count is not None:
        limit = node.count + node.offset
    for number, child in enumerate(algebra.inputs(node)):
        second = number == 1
        rounds = place.rounds or (isinstance(node, algebra.Recursive) and second)
        often = isinstance(node, algebra.Join | algebra.Apply | algebra.Attach) and second
        yield from _uses(child, _Use(blank, rounds, place.repeated or often or rounds, limit))
    for query in algebra.queries_in(node):
        yield from _uses(query, _Use(blank, place.rounds, repeated=True))


@dataclass(slots=True)
class _Work:
    """What has been found out and decided so far, by the tables' markers."""

    fits: Fits
    copies: Copies
    demands: dict[str, _Demand] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def demand(self, node: algebra.Relation, copies: int, *, repeated: bool) -> None:
        """Note what a relation uses that will stand in so many places."""
        for use in _uses(node):
            found = self.demands.setdefault(use.table.marker, _Demand(use.table))
            found.limit = use.limit if not found.copies and copies == 1 else None
            found.copies += copies
            found.rounds |= use.rounds
            found.repeated |= use.repeated or repeated

    def decide(self, table: algebra.Common) -> None:
        """Whether the table's rows are kept, once all that uses it is decided."""
        found = self.demands[table.marker]
        reason = self._reason(table, found)
        if reason is not None:
            self.reasons[table.marker] = reason
            self.demand(self.rows_of(table), 1, repeated=False)
        else:
            self.demand(self.rows_of(table), found.copies, repeated=found.repeated)

    def _reason(self, table: algebra.Common, found: _Demand) -> str | None:
        rows = self.rows_of(table)
        if isinstance(rows, algebra.Recursive) and (table.materialized or self.fitting(rows) is None):
            return _ROUNDS
        if _is_volatile(table):
            return "its rows differ each time" if found.copies > 1 or found.repeated else None
        if table.materialized is not None:
            return "AS MATERIALIZED" if table.materialized else None
        if found.copies > 1 and (_is_costly(table) or found.copies > _COPIES):
            return f"used {found.copies} times"
        return "used in every round" if found.rounds and _is_costly(table) else None

    def rows_of(self, table: algebra.Common) -> algebra.Relation:
        """The table's rows, of a recursion only as many as are wanted."""
        rows = table.body.rows
        limit = self.demands[table.marker].limit
        return replace(rows, limit=limit) if isinstance(rows, algebra.Recursive) else rows

    def fitting(self, node: algebra.Recursive) -> algebra.Recursive | None:
        """The recursion in a form that stands in a pipeline, for whose rounds nothing is kept."""
        def change(part: algebra.Relation) -> algebra.Relation | None:
            if not isinstance(part, algebra.Common) or _is_volatile(part):
                return None
            return algebra.rewrite_relations(self.copies.of(part), change)

        term = algebra.rewrite_relations(node.term, change)
        alone = replace(node, term=term)
        return None if any(isinstance(n, algebra.Common) for n in algebra.relations_in(term)) else self.fits(alone)

    def kept(self, table: algebra.Common, reason: str) -> Kept:
        """The table with its rows, from which other tables are gone."""
        rows, rounds = self.rows_of(table), reason == _ROUNDS
        return Kept(table, self.whole(rows) if rounds else self._fitted(rows), reason, rounds)

    def _fitted(self, rows: algebra.Relation) -> algebra.Relation:
        fitting = self.fitting(rows) if isinstance(rows, algebra.Recursive) else None
        return self.whole(rows if fitting is None else fitting)

    def whole(self, node: algebra.Relation) -> algebra.Relation:
        """The relation with the tables' rows in their places, kept ones or copies."""
        def change(part: algebra.Relation) -> algebra.Relation | None:
            if not isinstance(part, algebra.Common):
                return None
            if part.marker in self.reasons:
                return algebra.Stored(part.marker, part.relation, part.columns, part.open)
            return self._fitted(self.copies.of(replace(part, body=algebra.Body(self.rows_of(part)))))

        return algebra.rewrite_relations(node, change)


# What a table is like, with those that it uses itself


def _parts(table: algebra.Common) -> Iterator[algebra.Relation]:
    """The relations of its rows, and of the tables in them, each once."""
    seen = {table.marker}
    waiting = [table.body.rows]
    while waiting:
        for part in algebra.relations_in(waiting.pop()):
            yield part
            if isinstance(part, algebra.Common) and part.marker not in seen:
                seen.add(part.marker)
                waiting.append(part.body.rows)


def _is_volatile(table: algebra.Common) -> bool:
    return any(isinstance(e, Call) and e.function.volatile
               for part in _parts(table) for own in algebra.own_expressions(part) for e in algebra.walk(own))


def _is_costly(table: algebra.Common) -> bool:
    for part in _parts(table):
        joined = isinstance(part, algebra.SetOperation) and not (part.operator == "UNION" and part.all)
        if joined or isinstance(part, _COSTLY) or any(algebra.queries_in(part)):
            return True
    return False
