"""WITH tables: which of them are worked out once, before the query, and which become part of wherever they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlbulk.errors import Span, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Call

Fits = Callable[[algebra.Recursive], algebra.Recursive | None]
"""The recursion in a form that stands in a pipeline, None if there is none."""

_COSTLY = (
    algebra.Join, algebra.Apply, algebra.Aggregate, algebra.Window, algebra.Sort, algebra.Limit, algebra.Distinct,
    algebra.Recursive,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A WITH table that is worked out once, and why."""

    table: algebra.Common
    reason: str


@dataclass(frozen=True, slots=True)
class _Use:
    """A place where a WITH table is used.

    `within`: it is part of another one. `times`: how often its rows are read there, as far as that is known.
    `repeated`: perhaps for every row around. `limit`: no more rows than that are wanted.
    """

    table: algebra.Common
    within: bool
    times: int
    repeated: bool
    limit: int | None


def settled(node: algebra.Relation, fits: Fits) -> tuple[algebra.Relation, list[Kept]]:
    """The relation without WITH tables: they are a part of it, or rows that are kept.

    Of those that are kept, one that needs another comes before it.
    """
    trees, kept = [node], list[Kept]()
    while uses := [u for tree in trees for u in _uses(tree)]:
        inside = {u.table.marker for u in uses if u.within}
        marker = next(u.table.marker for u in uses if u.table.marker not in inside)
        mine = [u for u in uses if u.table.marker == marker]
        table, reason = _decided(mine, fits)
        trees = [_replaced(tree, table, fits, kept=reason is not None) for tree in trees]
        if reason is not None:
            kept.append(Kept(table, reason))
            trees.append(table.input)
    tables = [replace(k, table=replace(k.table, input=tree)) for k, tree in zip(kept, trees[1:], strict=True)]
    return trees[0], tables[::-1]


def inlined(node: algebra.Relation, fits: Fits, span: Span) -> algebra.Relation:
    """The relation with its WITH tables as parts of it; UnsupportedError where that would mean something else."""
    uses = list(_uses(node))
    for use in uses:
        name = use.table.marker[1:-1]
        if _is_volatile(use.table) and (use.repeated or sum(u.table.marker == use.table.marker for u in uses) > 1):
            raise UnsupportedError("E3001", f"the rows of {name} differ each time, and can't be kept here", span)
        if isinstance(use.table.input, algebra.Recursive) and _fitting(use.table.input, fits) is None:
            raise UnsupportedError("E3001", f"the recursion {name} goes round after round, and its rows can't be kept"
                                   " here", span)

    def change(part: algebra.Relation) -> algebra.Relation | None:
        if not isinstance(part, algebra.Common):
            return None
        inner = part.input
        if isinstance(inner, algebra.Recursive):
            return _fitting(inner, fits)
        return algebra.rewrite_relations(inner, change)

    return algebra.rewrite_relations(node, change)


# Where they are used


def _uses(node: algebra.Relation, use: _Use | None = None) -> Iterator[_Use]:
    """The places in a relation, from left to right; `use` holds what is known of the place from above."""
    use = use or _Use(algebra.Common(node, "", "", ()), within=False, times=1, repeated=False, limit=None)
    within, times, repeated, limit = use.within, use.times, use.repeated, use.limit
    if isinstance(node, algebra.Common):
        yield _Use(node, within, times, repeated, limit)
        within, limit = True, None
    if isinstance(node, algebra.Limit) and node.count is not None:
        wanted = node.count + node.offset
        limit = wanted if limit is None else min(limit, wanted)
    elif not isinstance(node, algebra.Project):
        limit = None
    blank = algebra.Common(node, "", "", ())
    for number, child in enumerate(algebra.inputs(node)):
        often = isinstance(node, algebra.Join | algebra.Apply | algebra.Attach) and number == 1
        rounds = isinstance(node, algebra.Recursive) and number == 1
        yield from _uses(child, _Use(blank, within, 2 if rounds else times, repeated or often or rounds, limit))
    for query in algebra.queries_in(node):
        yield from _uses(query, _Use(blank, within, times, True, None))


def _decided(uses: list[_Use], fits: Fits) -> tuple[algebra.Common, str | None]:
    """The table, and why its rows are kept; None if they aren't."""
    table, times = uses[0].table, sum(u.times for u in uses)
    often = f"used {times} times" if len(uses) > 1 else "used in every round"
    if algebra.outer_columns(table.input) or _reads_round(table):
        return table, None
    if isinstance(table.input, algebra.Recursive):
        recursion = replace(table.input, limit=uses[0].limit if len(uses) == 1 else None)
        table = replace(table, input=recursion)
        if table.materialized or _fitting(recursion, fits) is None:
            return table, "round after round"
    if _is_volatile(table):
        return table, "its rows differ each time" if times > 1 or uses[0].repeated else None
    if table.materialized is not None:
        return table, "AS MATERIALIZED" if table.materialized else None
    return table, often if times > 1 and _is_costly(table.input) else None


def _reads_round(table: algebra.Common) -> bool:
    """Whether it holds the rows of a round of a recursion around it."""
    own = {n.marker for n in algebra.relations_in(table.input) if isinstance(n, algebra.Recursive)}
    return any(isinstance(n, algebra.Stored) and n.working and n.marker not in own
               for n in algebra.relations_in(table.input))


def _is_volatile(table: algebra.Common) -> bool:
    return any(isinstance(e, Call) and e.function.volatile for e in algebra.walk_all(table.input))


def _is_costly(node: algebra.Relation) -> bool:
    for part in algebra.relations_in(node):
        joined = isinstance(part, algebra.SetOperation) and not (part.operator == "UNION" and part.all)
        if joined or isinstance(part, _COSTLY) or any(algebra.queries_in(part)):
            return True
    return False


# What stands in their place


def _replaced(tree: algebra.Relation, table: algebra.Common, fits: Fits, *, kept: bool) -> algebra.Relation:
    """The tree with the table's rows, kept or worked out there, in each place of it."""
    limit = table.input.limit if isinstance(table.input, algebra.Recursive) else None

    def change(part: algebra.Relation) -> algebra.Relation | None:
        if not isinstance(part, algebra.Common) or part.marker != table.marker:
            return None
        if kept:
            return algebra.Stored(part.marker, part.relation, part.columns, part.open)
        if isinstance(part.input, algebra.Recursive):
            return _fitting(replace(part.input, limit=limit), fits)
        return part.input

    return algebra.rewrite_relations(tree, change)


def _fitting(node: algebra.Recursive, fits: Fits) -> algebra.Recursive | None:
    """The recursion, all by itself, in a form that stands in a pipeline."""
    def whole(part: algebra.Relation) -> algebra.Relation | None:
        if not isinstance(part, algebra.Common) or _is_volatile(part):
            return None
        if isinstance(part.input, algebra.Recursive):
            return _fitting(part.input, fits)
        return algebra.rewrite_relations(part.input, whole)

    alone = algebra.with_inputs(node, lambda n: algebra.rewrite_relations(n, whole))
    assert isinstance(alone, algebra.Recursive)
    return None if any(isinstance(n, algebra.Common) for n in algebra.relations_in(alone)) else fits(alone)
