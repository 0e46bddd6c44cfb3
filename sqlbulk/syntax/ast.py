"""Every node of the language. A grammar rule builds the node of the same name; no node has behaviour.

Spans are offsets into the statement's text and take no part in equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlbulk.errors import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The base of all nodes."""

    span: Span = field(default=Span(0, 0), compare=False, repr=False)


# Names


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name. A quoted one is literally one field name, dots and dollars included."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Element(Node):
    """A step into an array in the target of an assignment: an index, or None for `[*]`."""

    index: Expr | None


@dataclass(frozen=True, slots=True)
class Target(Node):
    """What is assigned to: a path of names and array elements."""

    parts: tuple[Identifier | Element, ...]


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A type as written, upper case, one space between words: 'INT', 'DOUBLE PRECISION', 'VARCHAR'."""

    name: str
    arguments: tuple[int, ...] = ()
    array: bool = False


# Expressions


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value known from the text: None, bool, int, float, str, bytes, datetime, Decimal128, ObjectId, Binary."""

    value: Any


@dataclass(frozen=True, slots=True)
class IntervalLiteral(Node):
    """INTERVAL amount unit; `unit` None when the amount's text holds it: INTERVAL '7 days'."""

    amount: Expr
    unit: str | None


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A column or field: a, t.a, a.b.c."""

    parts: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`?` (its number, 0-based) or `:name`."""

    key: int | str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """@name of LOAD DATA."""

    name: str


@dataclass(frozen=True, slots=True)
class Default(Node):
    """DEFAULT as a value: the field is left out."""


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """'-', '+', '~' or 'NOT' before an operand."""

    operator: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator between two operands, in upper case: + - * / DIV % ^ || -> ->> = <> < <= > >= <=> AND OR XOR ~ …"""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """left operator ANY|ALL (array or query)."""

    operator: str
    left: Expr
    quantifier: str
    right: Expr | Query


@dataclass(frozen=True, slots=True)
class IsJson(Node):
    """operand IS [NOT] JSON [VALUE|ARRAY|OBJECT|SCALAR] [WITH UNIQUE KEYS]."""

    operand: Expr
    negated: bool
    kind: str = "VALUE"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Collate(Node):
    """operand COLLATE name."""

    operand: Expr
    name: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Is(Node):
    """IS [NOT] NULL, TRUE, FALSE, UNKNOWN or MISSING."""

    operand: Expr
    negated: bool
    what: str


@dataclass(frozen=True, slots=True)
class IsDistinct(Node):
    """IS [NOT] DISTINCT FROM; `negated` is the NOT."""

    left: Expr
    negated: bool
    right: Expr


@dataclass(frozen=True, slots=True)
class In(Node):
    """[NOT] IN (list or query)."""

    operand: Expr
    negated: bool
    choices: tuple[Expr, ...] | Query


@dataclass(frozen=True, slots=True)
class Between(Node):
    """[NOT] BETWEEN [SYMMETRIC] low AND high."""

    operand: Expr
    negated: bool
    symmetric: bool
    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class Like(Node):
    """[NOT] LIKE, ILIKE, SIMILAR TO or REGEXP; `kind` is one of these words."""

    operand: Expr
    negated: bool
    kind: str
    pattern: Expr
    escape: Expr | None


@dataclass(frozen=True, slots=True)
class When(Node):
    """WHEN condition THEN result."""

    condition: Expr
    result: Expr


@dataclass(frozen=True, slots=True)
class Case(Node):
    """CASE [operand] WHEN … ELSE otherwise END."""

    operand: Expr | None
    whens: tuple[When, ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Star(Node):
    """* or t.*, with EXCEPT (names)."""

    table: tuple[Identifier, ...]
    excluded: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """x -> expression, or (x, y) -> expression, as an argument."""

    parameters: tuple[Identifier, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call, its name in upper case. TRIM(BOTH x FROM y) and its like come with plain arguments."""

    name: str
    arguments: tuple[Expr | Star | Lambda | Query, ...]
    distinct: bool = False
    order_by: tuple[OrderItem, ...] = ()
    within_group: tuple[OrderItem, ...] = ()
    filter: Expr | None = None
    over: Window | Identifier | None = None
    nulls: str | None = None
    from_end: str | None = None


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """CAST(x AS type), TRY_CAST (`safe`), x::type."""

    operand: Expr
    type: TypeName
    safe: bool = False


@dataclass(frozen=True, slots=True)
class AtTimeZone(Node):
    """x AT TIME ZONE zone."""

    operand: Expr
    zone: Expr


@dataclass(frozen=True, slots=True)
class Member(Node):
    """(expression).name: a field of what is not a plain path."""

    operand: Expr
    name: Identifier


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """x[index]."""

    operand: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """x[low:high]."""

    operand: Expr
    low: Expr | None
    high: Expr | None


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Node):
    """ARRAY[…] or […]."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class DocumentLiteral(Node):
    """{key: value, …}."""

    entries: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Row(Node):
    """(a, b, …) or ROW(a, …) with two or more items."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """(SELECT …) as a value."""

    query: Query


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """EXISTS (SELECT …)."""

    query: Query


# Windows and ordering


@dataclass(frozen=True, slots=True)
class OrderItem(Node):
    """expression [ASC|DESC] [NULLS FIRST|LAST]; `nulls` is 'FIRST', 'LAST' or None."""

    expression: Expr
    descending: bool = False
    nulls: str | None = None


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """An end of a frame: 'UNBOUNDED PRECEDING', 'PRECEDING', 'CURRENT ROW', 'FOLLOWING', 'UNBOUNDED FOLLOWING'."""

    kind: str
    offset: Expr | None = None


@dataclass(frozen=True, slots=True)
class Frame(Node):
    """ROWS|RANGE|GROUPS BETWEEN start AND end [EXCLUDE …]."""

    unit: str
    start: Bound
    end: Bound
    exclude: str | None = None


@dataclass(frozen=True, slots=True)
class Window(Node):
    """What stands in OVER (…): [base window] PARTITION BY, ORDER BY, frame."""

    base: Identifier | None = None
    partition_by: tuple[Expr, ...] = ()
    order_by: tuple[OrderItem, ...] = ()
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class NamedWindow(Node):
    """WINDOW name AS (…)."""

    name: Identifier
    window: Window


# Queries


@dataclass(frozen=True, slots=True)
class SelectItem(Node):
    """expression [AS] alias, or a star."""

    expression: Expr | Star
    alias: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Alias(Node):
    """AS name [(column, …)]."""

    name: Identifier
    columns: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Table(Node):
    """A collection, [database.]name; CTEs are found by name later."""

    name: tuple[Identifier, ...]
    alias: Alias | None = None


@dataclass(frozen=True, slots=True)
class Derived(Node):
    """[LATERAL] (query) [AS] alias."""

    query: Query
    alias: Alias | None = None
    lateral: bool = False


@dataclass(frozen=True, slots=True)
class TableFunction(Node):
    """[LATERAL] UNNEST(…), GENERATE_SERIES(…) … [WITH ORDINALITY] [AS] alias."""

    call: Call
    alias: Alias | None = None
    lateral: bool = False
    ordinality: bool = False


@dataclass(frozen=True, slots=True)
class Join(Node):
    """left kind JOIN right; kind INNER, LEFT, RIGHT, FULL or CROSS (also the comma)."""

    left: FromItem
    kind: str
    right: FromItem
    natural: bool = False
    on: Expr | None = None
    using: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupingSets(Node):
    """ROLLUP (…), CUBE (…) or GROUPING SETS (…): each item a tuple of expressions, or a nested one."""

    kind: str
    sets: tuple[tuple[Expr, ...] | GroupingSets, ...]


@dataclass(frozen=True, slots=True)
class GroupAll(Node):
    """ALL in GROUP BY: every item of the select list that has no aggregate."""


@dataclass(frozen=True, slots=True)
class Select(Node):
    """SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW …; `distinct_on` is empty for plain DISTINCT."""

    items: tuple[SelectItem, ...]
    distinct: bool = False
    distinct_on: tuple[Expr, ...] = ()
    from_: FromItem | None = None
    where: Expr | None = None
    group_by: tuple[Expr | GroupingSets | GroupAll, ...] = ()
    having: Expr | None = None
    windows: tuple[NamedWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class ValuesQuery(Node):
    """VALUES (…), (…) as a table."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """left UNION|INTERSECT|EXCEPT [ALL] right."""

    left: QueryBody
    operator: str
    all: bool
    right: QueryBody


@dataclass(frozen=True, slots=True)
class Cte(Node):
    """name [(columns)] AS [[NOT] MATERIALIZED] (query)."""

    name: Identifier
    columns: tuple[Identifier, ...]
    query: Query
    materialized: bool | None = None


@dataclass(frozen=True, slots=True)
class Query(Node):
    """[WITH …] body [ORDER BY …] [LIMIT … OFFSET …]. `with_ties` is FETCH … WITH TIES."""

    body: QueryBody
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False
    order_by: tuple[OrderItem, ...] = ()
    limit: Expr | None = None
    offset: Expr | None = None
    with_ties: bool = False


Expr = (
    Literal | IntervalLiteral | Path | Parameter | Variable | Default | Unary | Binary | Quantified | Is | IsDistinct
    | In | Between | Like | Case | Call | Cast | AtTimeZone | Member | Subscript | Slice | ArrayLiteral
    | DocumentLiteral | Row | Subquery | Exists | IsJson | Collate
)
FromItem = Table | Derived | TableFunction | Join
QueryBody = Select | ValuesQuery | SetOperation | Query
