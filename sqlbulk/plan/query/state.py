"""What the parts of a query's planning share: bound queries and their columns, WITH entries, fresh names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from sqlbulk.errors import Span
from sqlbulk.functions.registry import Aggregate, Function
from sqlbulk.plan.algebra import Relation, inputs
from sqlbulk.plan.binding.bound import (
    AggregateCall,
    BoundExpr,
    Call,
    Case,
    Column,
    Constant,
    LambdaCall,
    LambdaVariable,
    SortKey,
    SubqueryExpr,
    WindowCall,
)
from sqlbulk.plan.binding.calls import make_call
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.names import Names
from sqlbulk.syntax import ast
from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a query: `key` names it in the query's relation, `title` is what the user sees.

    `document`: the value is a whole document, whose fields, except `excluded`, are the columns.
    """

    key: str
    title: str
    type: Type = Type.ANY
    document: bool = False
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query with its names settled. `open`: its rows are documents that may have other fields than `outputs`."""

    relation: Relation
    name: str
    outputs: tuple[Output, ...]
    open: bool = False

    def column(self, output: Output) -> Column:
        """A column of the query, seen from outside."""
        return Column(self.name, (output.key,), output.type)


@dataclass(frozen=True, slots=True, eq=False)
class CommonTable:
    """A WITH entry: the query, what it sees, whether it may read itself. It is equal to itself only."""

    definition: ast.Cte
    around: Around
    recursive: bool = False


@dataclass(slots=True)
class Opened:
    """A WITH entry whose query is being bound: where that reads the entry itself, and the columns that it sees then.

    `outputs` None: it may not read itself where it is being bound, because of `reason`.
    """

    table: CommonTable
    reason: str = ""
    outputs: tuple[Output, ...] | None = None
    places: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Around:
    """What a query sees of the queries around it."""

    scope: Scope | None = None
    tables: Mapping[str, CommonTable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class From:
    """What stands in FROM: the relation, its tables, the names that USING merged, the columns that joins make equal."""

    relation: Relation
    sources: tuple[Source, ...]
    merged: dict[str, BoundExpr] = field(default_factory=dict)
    equal: tuple[tuple[Column, Column], ...] = ()

    def scope(self, parent: Scope | None) -> Scope:
        """The scope of the clauses that see these tables."""
        return Scope(self.sources, parent, bound=self.merged)


BindQuery = Callable[[ast.Query, Around], BoundQuery]


@dataclass(slots=True)
class Planning:
    """One statement's planning: what holds for it, names already given, and how a query inside is bound.

    `markers` stand for the rows of the WITH entries that are used, `opened` are those that are being bound, `bound`
    those that are the same wherever they are used.
    """

    environment: Environment
    bind_query: BindQuery
    names: Names = field(default_factory=Names)
    relations: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)
    markers: dict[CommonTable, str] = field(default_factory=dict)
    opened: list[Opened] = field(default_factory=list)
    bound: dict[CommonTable, BoundQuery] = field(default_factory=dict)

    def relation(self, wanted: str) -> str:
        """A relation's name that nothing else in the statement has, the wanted one if it is free."""
        name, number = wanted, 1
        while name in self.relations:
            number += 1
            name = f"{wanted}_{number}"
        self.relations.add(name)
        return name

    def marker(self, table: CommonTable) -> str:
        """What stands for the rows of a WITH entry in this statement's plan."""
        if table not in self.markers:
            name = table.definition.name.text
            same = sum(t.definition.name.text == name for t in self.markers)
            self.markers[table] = f"{{{name}}}" if not same else f"{{{name} {same + 1}}}"
        return self.markers[table]

    def call(self, name: str, *arguments: BoundExpr) -> BoundExpr:
        """A call of a function on bound arguments."""
        span = arguments[0].span if arguments else Span(0, 0)
        return make_call(name, arguments, span, self.environment.context)


def source_of(query: BoundQuery, names: tuple[str, ...]) -> Source:
    """The query's rows as other queries see them."""
    fields = {o.key: Type.ANY if o.type is Type.NULL else o.type for o in query.outputs if not o.document}
    return Source(query.name, names, fields, open=query.open)


def fingerprint(expression: BoundExpr) -> str:
    """A text that is the same for expressions that mean the same, wherever they stand."""
    match expression:
        case Constant(value=value):
            return f"{type(value).__name__}:{value!r}"
        case Column(relation=relation, path=path):
            return f"{relation}.{path!r}"
        case Call(function=function, arguments=arguments):
            return f"{function.name}({', '.join(map(fingerprint, arguments))})"
        case Case(whens=whens, otherwise=otherwise):
            branches = "; ".join(f"{fingerprint(c)}: {fingerprint(r)}" for c, r in whens)
            return f"CASE({branches} ELSE {fingerprint(otherwise)})"
        case LambdaVariable(name=name, path=path):
            return f"->{name}{path!r}"
        case LambdaCall(kind=kind, array=array, parameters=parameters, body=body, start=start):
            begin = fingerprint(start) if start else ""
            return f"{kind}[{fingerprint(array)}, {parameters!r}, {fingerprint(body)}, {begin}]"
        case AggregateCall(aggregate=aggregate, arguments=arguments, filter=condition):
            inside = ", ".join(map(fingerprint, arguments))
            only = fingerprint(condition) if condition else ""
            return f"{aggregate.name}({expression.distinct} {inside} {_order(expression.order_by)}) [{only}]"
        case WindowCall(name=name, arguments=arguments, filter=condition):
            inside = ", ".join(map(fingerprint, arguments))
            only = fingerprint(condition) if condition else ""
            partition = ", ".join(map(fingerprint, expression.partition_by))
            rest = f"{_order(expression.order_by)} {expression.frame!r} {expression.ignore_nulls}"
            inside += f" {expression.distinct} {_order(expression.inside)} {expression.from_last}"
            return f"{name}({inside}) [{only}] OVER ({partition} {rest})"
    return _canonical(expression, {})


def _canonical(value: Any, names: dict[str, str]) -> str:
    """A text of a subquery in which the relations that it makes are numbered: it is the same for two copies."""
    if isinstance(value, SubqueryExpr):
        names = {**names, **{n: f"#{len(names) + i}" for i, n in enumerate(_made(value.query))}}
        # The columns of the rows around keep their names: the same query over other rows is another.
    if isinstance(value, tuple | list):
        return f"[{', '.join(_canonical(v, names) for v in value)}]"
    if isinstance(value, Function | Aggregate):
        return value.name
    if is_dataclass(value):
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "span"}
        inside = (names.get(v, repr(v)) if n in _RELATION_NAMES else _canonical(v, names) for n, v in parts.items())
        return f"{type(value).__name__}({', '.join(inside)})"
    return repr(value)


_RELATION_NAMES = frozenset({"relation", "source", "left_relation", "right_relation"})


def _made(node: Relation) -> list[str]:
    """The names of the relations that a query makes, in the order in which they stand in it."""
    own = [name for f in fields(node) if f.name == "relation" and isinstance(name := getattr(node, f.name), str)]
    return own + [name for child in inputs(node) for name in _made(child)]


def _order(keys: tuple[SortKey, ...]) -> str:
    return ", ".join(f"{fingerprint(k.expression)} {k.descending} {k.nulls_first}" for k in keys)


