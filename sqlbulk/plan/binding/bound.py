"""Bound expressions: names resolved to fields, functions to their entries, types settled. Frozen data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlbulk.errors import Span
from sqlbulk.functions.registry import Aggregate, Function
from sqlbulk.types import Type

if TYPE_CHECKING:
    from sqlbulk.plan.algebra import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The base: where it stands in the text, and what is known of its value."""

    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Bound):
    """A value known before the statement runs, in its BSON form (types.Interval for intervals)."""

    value: Any
    type: Type


@dataclass(frozen=True, slots=True)
class Column(Bound):
    """A field of a row. `relation` names the row's source in scope (a table alias; '' the only or stored row;
    'new' the incoming row of an upsert); `path` is one name a level; `()` is the whole row as a document."""

    relation: str
    path: tuple[str, ...]
    type: Type = Type.ANY
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Call(Bound):
    """A function of arguments; operators, CASE branches' conditions and casts are functions too."""

    function: Function
    arguments: tuple[BoundExpr, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Case(Bound):
    """Searched CASE: (condition, result) pairs and the other result."""

    whens: tuple[tuple[BoundExpr, BoundExpr], ...]
    otherwise: BoundExpr
    type: Type


@dataclass(frozen=True, slots=True)
class LambdaCall(Bound):
    """A function over an array with a body: FILTER(a, x -> …), TRANSFORM(a, x -> …), REDUCE(a, start, (s, x) -> …)."""

    kind: str
    array: BoundExpr
    parameters: tuple[str, ...]
    body: BoundExpr
    start: BoundExpr | None = None
    type: Type = Type.ARRAY


@dataclass(frozen=True, slots=True)
class LambdaVariable(Bound):
    """A parameter of a lambda, or a path into it."""

    name: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateCall(Bound):
    """An aggregate over the rows of its group."""

    aggregate: Aggregate
    arguments: tuple[BoundExpr, ...]
    type: Type
    distinct: bool = False
    order_by: tuple[SortKey, ...] = ()
    filter: BoundExpr | None = None


@dataclass(frozen=True, slots=True)
class WindowCall(Bound):
    """An aggregate or window function over the rows around its row. `name` for those without an aggregate entry.

    `inside` is the ORDER BY among an aggregate's arguments; `from_last`: NTH_VALUE counts from the frame's end.
    """

    name: str
    aggregate: Aggregate | None
    arguments: tuple[BoundExpr, ...]
    type: Type
    partition_by: tuple[BoundExpr, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    frame: Frame | None = None
    filter: BoundExpr | None = None
    ignore_nulls: bool = False
    distinct: bool = False
    inside: tuple[SortKey, ...] = ()
    from_last: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """ROWS, RANGE or GROUPS between two bounds; `exclude` is CURRENT ROW, GROUP or TIES.

    A bound is a number of rows or groups (negative: before), 'unbounded', 'current', or for RANGE a Constant.
    """

    unit: str
    start: int | str | Constant
    end: int | str | Constant
    exclude: str | None = None


@dataclass(frozen=True, slots=True)
class SortKey:
    """A key of an order. `nulls_first` None: SQL's usual (NULLs last ascending, first descending)."""

    expression: BoundExpr
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class SubqueryExpr(Bound):
    """A query as a value. `kind` is 'scalar', 'exists', 'in', 'any', 'all' or 'array'.

    `operands` is what the middle three compare with: several for a row. `relation` and `columns` are what the
    query's rows are made of.
    """

    kind: str
    query: Relation
    type: Type
    relation: str
    columns: tuple[str, ...]
    operands: tuple[BoundExpr, ...] = ()
    operator: str | None = None


BoundExpr = (
    Constant | Column | Call | Case | LambdaCall | LambdaVariable | AggregateCall | WindowCall | SubqueryExpr
)
