"""The relational algebra that a query becomes between its names being settled and its pipeline being made. Frozen data.

Every relation has a name that is unique in its statement, so a column (`bound.Column`) says by its relation's
name alone where it comes from, and a column whose relation isn't made inside a node is an outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Call, Column, SortKey, SubqueryExpr, WindowCall

Named = tuple[str, BoundExpr]
"""A column of a made relation: its name there, and how it is worked out."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The documents of a collection."""

    collection: str
    relation: str
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """Rows of constants, or of expressions over outer columns. No columns and one row: a query without FROM."""

    relation: str
    columns: tuple[str, ...]
    rows: tuple[tuple[BoundExpr, ...], ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which the condition is true."""

    input: Relation
    condition: BoundExpr


@dataclass(frozen=True, slots=True)
class Project:
    """A new relation, worked out from each row.

    With `merged` the row is that document, except the fields `without`, with `columns` put over it.
    """

    input: Relation
    relation: str
    columns: tuple[Named, ...]
    merged: BoundExpr | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extend:
    """Every row with the columns of one more relation, worked out from it."""

    input: Relation
    relation: str
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Pairs of rows for which the condition is true; `kind` is INNER, LEFT or FULL (RIGHT is LEFT, turned round)."""

    kind: str
    left: Relation
    right: Relation
    condition: BoundExpr | None


@dataclass(frozen=True, slots=True)
class Apply:
    """For each row of the left side the rows of the right, which may use the left's columns. `kind` is INNER or LEFT.

    `single`: more than one row on the right is an error (a scalar subquery).
    """

    kind: str
    left: Relation
    right: Relation
    single: bool = False


@dataclass(frozen=True, slots=True)
class Attach:
    """Every row of the left side with the one row of the right whose keys are equal, or NULLs.

    `keys` are pairs of an expression over the left and a column of the right. Rows of the right with the
    same keys must be the same in all that is used of them. NULL keys never match.
    """

    left: Relation
    right: Relation
    keys: tuple[tuple[BoundExpr, Column], ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A row for each combination of the keys; without keys one row, even over nothing.

    `always`: values of the first key that have a row even over nothing (GROUPING SETS with an empty set).
    """

    input: Relation
    relation: str
    keys: tuple[Named, ...]
    calls: tuple[tuple[str, AggregateCall], ...]
    always: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """Every row, with the calls' values as columns of a relation beside its own."""

    input: Relation
    relation: str
    calls: tuple[tuple[str, WindowCall], ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """The rows in order."""

    input: Relation
    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` rows (None: all) behind the first `offset`."""

    input: Relation
    count: int | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Distinct:
    """Each row of the made relation `source` once, as a new relation. `open`: its rows are whole documents."""

    input: Relation
    relation: str
    columns: tuple[str, ...]
    source: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class SetOperation:
    """UNION, INTERSECT or EXCEPT of two relations with the same columns, as a new relation.

    `open`: the rows are whole documents.
    """

    operator: str
    all: bool
    left: Relation
    right: Relation
    relation: str
    columns: tuple[str, ...]
    left_relation: str
    right_relation: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Unnest:
    """Each row once for every element of an array, which is column `column`, its number (from 1) `ordinality`.

    `outer` keeps a row whose array is empty or none, with NULLs.
    """

    input: Relation
    relation: str
    array: BoundExpr
    column: str
    ordinality: str | None = None
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The rows of a WITH table. It is no input of its uses, which are many: who looks at relations passes it by."""

    rows: Relation


@dataclass(frozen=True, slots=True)
class Common:
    """A WITH table where it is used, as `relation`: its rows are those that `source` is in the body, for every use
    with the `marker`.

    They have `columns`, or are whole documents if `open`. `materialized` is what the text says: AS MATERIALIZED,
    AS NOT MATERIALIZED, or None for neither.
    """

    body: Body
    marker: str
    relation: str
    source: str
    columns: tuple[str, ...]
    open: bool = False
    materialized: bool | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows that a step before puts into a collection of their own, for whose name `marker` stands.

    `open`: they are whole documents. `working`: only those that the last round of a recursion has found. `loaded`: they
    come by the client.
    """

    marker: str
    relation: str
    columns: tuple[str, ...]
    open: bool = False
    working: bool = False
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Recursive:
    """The rows of `base`, and again and again those that `term` makes of the rows found last, until there are none.

    Both are made relations with the same columns. In `term` a working `Stored`, `working`, is the rows found last.
    Without `all` a row counts once. More than `most` rounds are an error. `limit`: more rows aren't wanted.
    """

    base: Relation
    term: Relation
    relation: str
    columns: tuple[str, ...]
    base_relation: str
    term_relation: str
    working: str
    marker: str
    all: bool
    most: int
    limit: int | None = None


Relation = (
    Scan | Values | Filter | Project | Extend | Join | Apply | Attach | Aggregate | Window | Sort | Limit | Distinct
    | SetOperation | Unnest | Common | Stored | Recursive
)

_RELATIONS = (
    Scan, Values, Filter, Project, Extend, Join, Apply, Attach, Aggregate, Window, Sort, Limit, Distinct, SetOperation,
    Unnest, Common, Stored, Recursive,
)


def inputs(node: Relation) -> tuple[Relation, ...]:
    """The relations that a node is made from, left to right."""
    return tuple(v for f in fields(node) if isinstance(v := getattr(node, f.name), _RELATIONS))


def with_inputs(node: Relation, change: Callable[[Relation], Relation]) -> Relation:
    """The node with each of its inputs changed."""
    changed: Any = {f.name: change(v) for f in fields(node) if isinstance(v := getattr(node, f.name), _RELATIONS)}
    return replace(node, **changed) if changed else node


def own_expressions(node: Relation) -> Iterator[BoundExpr]:
    """The expressions that stand in a node itself, not in its inputs."""
    for field in fields(node):
        value = getattr(node, field.name)
        if not isinstance(value, _RELATIONS):
            yield from _expressions(value)


def _expressions(value: Any) -> Iterator[BoundExpr]:
    if isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)
    elif isinstance(value, SortKey):
        yield value.expression
    elif isinstance(value, BoundExpr):
        yield value


def with_expressions(node: Relation, change: Callable[[BoundExpr], BoundExpr]) -> Relation:
    """The node with each expression that stands in itself changed."""
    changed = {
        f.name: _changed(v, change) for f in fields(node) if not isinstance(v := getattr(node, f.name), _RELATIONS)
    }
    return replace(node, **changed)


def _changed(value: Any, change: Callable[[BoundExpr], BoundExpr]) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(v, change) for v in value)
    if isinstance(value, SortKey):
        return replace(value, expression=change(value.expression))
    return change(value) if isinstance(value, BoundExpr) else value


def rewrite(expression: BoundExpr, change: Callable[[BoundExpr], BoundExpr | None]) -> BoundExpr:
    """The expression with parts replaced, from the top: where `change` gives None its parts are looked at.

    Subqueries are entered too: all their nodes' expressions.
    """
    changed = change(expression)
    if changed is not None:
        return changed
    if isinstance(expression, SubqueryExpr):
        operands = tuple(rewrite(o, change) for o in expression.operands)
        return replace(expression, operands=operands, query=rewrite_all(expression.query, change))
    values = {f.name: getattr(expression, f.name) for f in fields(expression)}
    parts: Any = {name: _parts(value, change) for name, value in values.items() if _has_parts(value)}
    return replace(expression, **parts) if parts else expression


def rewrite_all(node: Relation, change: Callable[[BoundExpr], BoundExpr | None]) -> Relation:
    """The same for every expression of a relation and its inputs."""
    node = with_expressions(node, lambda e: rewrite(e, change))
    return with_inputs(node, lambda n: rewrite_all(n, change))


def _has_parts(value: Any) -> bool:
    return isinstance(value, tuple | SortKey | BoundExpr) or (is_dataclass(value) and type(value).__name__ == "Frame")


def _parts(value: Any, change: Callable[[BoundExpr], BoundExpr | None]) -> Any:
    if isinstance(value, tuple):
        return tuple(_parts(v, change) for v in value)
    if isinstance(value, SortKey):
        return replace(value, expression=rewrite(value.expression, change))
    return rewrite(value, change) if isinstance(value, BoundExpr) else value


def walk(expression: BoundExpr, *, subqueries: bool = True) -> Iterator[BoundExpr]:
    """The expression and everything within it; with `subqueries` also the expressions of queries inside."""
    yield expression
    for field in fields(expression):
        for part in _expressions(getattr(expression, field.name)):
            yield from walk(part, subqueries=subqueries)
    if subqueries and isinstance(expression, SubqueryExpr):
        yield from walk_all(expression.query)


def has_subquery(expression: BoundExpr) -> bool:
    """Whether a query stands in the expression."""
    return any(isinstance(e, SubqueryExpr) for e in walk(expression, subqueries=False))


def walk_all(node: Relation) -> Iterator[BoundExpr]:
    """Every expression of a relation and its inputs, with everything within."""
    for expression in own_expressions(node):
        yield from walk(expression)
    for child in inputs(node):
        yield from walk_all(child)


def relations_of(expression: BoundExpr, *, subqueries: bool = True) -> set[str]:
    """The names of the relations whose columns an expression uses, except those made by queries inside it."""
    made: set[str] = set()
    used: set[str] = set()
    for part in walk(expression, subqueries=subqueries):
        if isinstance(part, Column):
            used.add(part.relation)
        elif isinstance(part, SubqueryExpr):
            made |= made_inside(part.query)
    return used - made


def made_inside(node: Relation) -> set[str]:
    """The names of all relations that a node and its inputs make, visible above it or not."""
    own = {name} if (name := getattr(node, "relation", None)) is not None else set()
    for child in inputs(node):
        own |= made_inside(child)
    for expression in own_expressions(node):
        for part in walk(expression):
            if isinstance(part, SubqueryExpr):
                own |= made_inside(part.query)
    return own


def outer_columns(node: Relation) -> list[Column]:
    """The columns of relations outside the node that it uses, each once."""
    made = made_inside(node)
    found = {c: None for c in walk_all(node) if isinstance(c, Column) and c.relation not in made}
    return list(found)


def visible(node: Relation) -> set[str]:
    """The names of the relations whose columns a row of the node has."""
    match node:
        case (Scan() | Values() | Project() | Aggregate() | Distinct() | SetOperation() | Common() | Stored()
              | Recursive()):
            return {node.relation}
        case Window() | Unnest() | Extend():
            return visible(node.input) | {node.relation}
        case Join() | Apply() | Attach():
            return visible(node.left) | visible(node.right)
    return visible(node.input)


def relations_in(node: Relation) -> Iterator[Relation]:
    """The node and all nodes below, those of queries in expressions too."""
    yield node
    for child in inputs(node):
        yield from relations_in(child)
    for query in queries_in(node):
        yield from relations_in(query)


def queries_in(node: Relation) -> Iterator[Relation]:
    """The queries in a node's own expressions, without those inside them."""
    for expression in own_expressions(node):
        for part in walk(expression, subqueries=False):
            if isinstance(part, SubqueryExpr):
                yield part.query


def rewrite_relations(node: Relation, change: Callable[[Relation], Relation | None]) -> Relation:
    """The node with nodes replaced, from the top and also in queries in expressions: where `change` gives None,
    the nodes below are looked at."""
    changed = change(node)
    if changed is not None:
        return changed

    def of_query(part: BoundExpr) -> BoundExpr | None:
        if not isinstance(part, SubqueryExpr):
            return None
        operands = tuple(rewrite(o, of_query) for o in part.operands)
        return replace(part, operands=operands, query=rewrite_relations(part.query, change))

    node = with_inputs(node, lambda n: rewrite_relations(n, change))
    return with_expressions(node, lambda e: rewrite(e, of_query))


def conjuncts(condition: BoundExpr | None) -> list[BoundExpr]:
    """The parts of a condition that must all be true."""
    if condition is None:
        return []
    if isinstance(condition, Call) and condition.function.name == "AND":
        return [c for a in condition.arguments for c in conjuncts(a)]
    return [condition]

