"""GROUP BY and aggregates: what is grouped, and every other expression in terms of the groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Call, Case, Column, SubqueryExpr, WindowCall
from sqlbulk.plan.binding.calls import make_constant, type_of_bound
from sqlbulk.plan.query.state import Planning, fingerprint
from sqlbulk.types import Type

Pair = tuple[Column, Column]
_CUTS_TIME = frozenset({"DATE_TRUNC", "TIME_BUCKET", "DATE"})


@dataclass(slots=True)
class Grouping:
    """The groups of one query: keys, and the aggregates asked for so far.

    `translate` turns an expression over the rows into one over the groups.
    """

    planning: Planning
    relation: str
    keys: list[tuple[str, BoundExpr]]
    inner: set[str]
    equal: Sequence[Pair] = ()
    calls: dict[str, tuple[str, AggregateCall]] = field(default_factory=dict)
    by_text: dict[str, Column] = field(default_factory=dict)
    always: tuple[int, ...] = ()
    sets: Sequence[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        columns = [Column(self.relation, (name,), type_of_bound(expression)) for name, expression in self.keys]
        for column, (_, expression) in zip(columns, self.keys, strict=True):
            self.by_text.setdefault(fingerprint(expression), column)
        # Only then: in a grouping set a key is NULL where one that a condition makes equal to it isn't.
        for column, (_, expression) in zip(columns, self.keys, strict=True):
            for text in self._equal_texts(expression):
                self.by_text.setdefault(text, column)

    def _equal_texts(self, expression: BoundExpr) -> list[str]:
        """The expression's fingerprint, and those of the columns that a join or condition makes equal to it."""
        texts = [fingerprint(expression)]
        if isinstance(expression, Column):
            for text in texts:
                for a, b in self.equal:
                    pair = fingerprint(a), fingerprint(b)
                    texts.extend(pair[1 - i] for i in (0, 1) if pair[i] == text and pair[1 - i] not in texts)
        return texts

    def translate(self, expression: BoundExpr) -> BoundExpr:
        """The expression over the groups; raises PlanError E2016 for a column that isn't grouped."""
        return algebra.rewrite(expression, self._over_groups)

    def _over_groups(self, expression: BoundExpr) -> BoundExpr | None:
        if isinstance(expression, AggregateCall):
            return self._left_out(expression) if expression.aggregate.name == "GROUPING" else self._slot(expression)
        if isinstance(expression, SubqueryExpr):
            grouped = self.by_text.get(fingerprint(expression))
            if grouped is not None:
                return replace(grouped, span=expression.span)
            operands = tuple(self.translate(o) for o in expression.operands)
            return replace(expression, operands=operands, query=algebra.rewrite_all(expression.query, self._column))
        return self._column(expression)

    def _column(self, expression: BoundExpr) -> BoundExpr | None:
        """What is grouped, as a column of the groups."""
        found = self.by_text.get(fingerprint(expression)) if not isinstance(expression, WindowCall) else None
        if found is not None:
            return Column(found.relation, found.path, found.type, span=expression.span)
        if isinstance(expression, Column) and expression.relation in self.inner:
            prefix = self._prefix(expression) or self._bucket_time(expression)
            if prefix is not None:
                return prefix
            name = ".".join(expression.path) or "the row"
            raise PlanError("E2016", f"{name} is neither grouped nor inside an aggregate", expression.span,
                            hint=f"GROUP BY {name}, or ANY_VALUE({name})")
        return None

    def _bucket_time(self, column: Column) -> Column | None:
        """The grouped time of a time-series statement, which it calls bucket_time without saying so anywhere."""
        cut = [(name, e) for name, e in self.keys if isinstance(e, Call) and e.function.name in _CUTS_TIME]
        if column.path != ("bucket_time",) or len(cut) != 1:
            return None
        (name, expression), = cut
        return Column(self.relation, (name,), expression.type, span=column.span)

    def _left_out(self, call: AggregateCall) -> BoundExpr:
        """GROUPING (…): a bit for each expression, set where the row's grouping set leaves it out."""
        numbers = []
        for argument in call.arguments:
            column = self.by_text.get(fingerprint(argument))
            if column is None:
                raise PlanError("E2016", "GROUPING takes expressions of GROUP BY", argument.span)
            numbers.append([name for name, _ in self.keys].index(column.path[0]) - bool(self.sets))
        zero = make_constant(0, call.span)
        masks = [sum((n not in each) << i for i, n in enumerate(reversed(numbers))) for each in self.sets]
        number = Column(self.relation, ("set",), Type.INTEGER, nullable=False)
        whens = tuple(
            (self.planning.call("=", number, make_constant(i, call.span)), make_constant(mask, call.span))
            for i, mask in enumerate(masks) if mask)
        return Case(whens, zero, Type.INTEGER, span=call.span) if whens else zero

    def _prefix(self, column: Column) -> Column | None:
        """A field of a grouped document."""
        for length in range(len(column.path) - 1, 0, -1):
            whole = self.by_text.get(fingerprint(Column(column.relation, column.path[:length])))
            if whole is not None:
                return Column(whole.relation, (*whole.path, *column.path[length:]), span=column.span)
        return None

    def _slot(self, call: AggregateCall) -> Column:
        text = fingerprint(call)
        if text not in self.calls:
            self._check_whose(call)
            self.calls[text] = (f"a{len(self.calls)}", call)
        name = self.calls[text][0]
        return Column(self.relation, (name,), call.type, nullable=call.aggregate.empty is None, span=call.span)

    def _check_whose(self, call: AggregateCall) -> None:
        """Raise for an aggregate over columns of queries around this one only: in SQL it groups their rows."""
        used = algebra.relations_of(call)
        if used and not used & self.inner:
            name = call.aggregate.name
            raise UnsupportedError(
                "E3001", f"{name} of nothing but columns of the query around this one would group that query's rows",
                call.span, hint=f"move {name} to where its columns come from, or use a column of this query in it")

    def node(self, rows: algebra.Relation) -> algebra.Aggregate:
        """The groups, once everything was translated."""
        return algebra.Aggregate(rows, self.relation, tuple(self.keys), tuple(self.calls.values()), self.always)


def has_aggregate(expression: BoundExpr) -> bool:
    """Whether an aggregate of this query stands in the expression."""
    return any(isinstance(e, AggregateCall) for e in algebra.walk(expression, subqueries=False))


@dataclass(slots=True)
class Windows:
    """The window functions of one query; `translate` puts columns in their place."""

    relation: str
    calls: dict[str, tuple[str, WindowCall]] = field(default_factory=dict)

    def translate(self, expression: BoundExpr) -> BoundExpr:
        """The expression with a column for every window function."""
        return algebra.rewrite(expression, self._slot)

    def _slot(self, expression: BoundExpr) -> BoundExpr | None:
        if isinstance(expression, SubqueryExpr):
            return replace(expression, operands=tuple(self.translate(o) for o in expression.operands))
        if not isinstance(expression, WindowCall):
            return None
        text = fingerprint(expression)
        if text not in self.calls:
            self.calls[text] = (f"w{len(self.calls)}", expression)
        return Column(self.relation, (self.calls[text][0],), expression.type, span=expression.span)

    def node(self, rows: algebra.Relation) -> algebra.Relation:
        """The rows with the windows' columns."""
        return algebra.Window(rows, self.relation, tuple(self.calls.values())) if self.calls else rows
