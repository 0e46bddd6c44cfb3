"""What stands inside a query's expressions: aggregates, window functions and subqueries, bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions import AGGREGATES, UNSUPPORTED, WINDOW_FUNCTIONS
from sqlbulk.functions.fitting import Fit, fit, is_number
from sqlbulk.functions.numeric import to_double
from sqlbulk.functions.registry import Accumulation, Aggregate, Parameter
from sqlbulk.functions.unnesting import OVER_ELEMENTS
from sqlbulk.plan.binding.binder import Binder
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Constant, SortKey, SubqueryExpr, WindowCall
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.binding.parts import UNNESTS
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.query.frames import bind_frame
from sqlbulk.plan.query.misspelt import misspelt
from sqlbulk.plan.query.state import Around, CommonTable, Planning
from sqlbulk.syntax import ast
from sqlbulk.types import Type, type_of

GROUPING = Aggregate(
    name="GROUPING", help="Which of the expressions a grouping set leaves out, as the bits of a number.",
    example="GROUPING(a) = 0", accumulate=lambda *_, **__: Accumulation(()), returns=Type.INTEGER, empty=0)
"""Stands for GROUPING (…) until the groups are known."""


_WITHIN_GROUP = frozenset({"PERCENTILE_CONT", "PERCENTILE_DISC", "MODE"})
_WITH_NULLS = frozenset({"LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"})


class QueryHooks:
    """Binds aggregates, windows and subqueries for one query; `place` names the clause that is being bound.

    `aggregates` and `windows` say whether the clause may have them.
    """

    def __init__(
        self, planning: Planning, tables: Mapping[str, CommonTable], windows: Mapping[str, ast.Window] | None = None
    ) -> None:
        self.planning, self.tables, self.named = planning, tables, windows or {}
        self.place, self.aggregates, self.windows = "here", False, False

    @contextmanager
    def clause(self, place: str, *, aggregates: bool = False, windows: bool = False) -> Iterator[None]:
        """While a clause is being bound."""
        before = self.place, self.aggregates, self.windows
        self.place, self.aggregates, self.windows = place, aggregates, windows
        try:
            yield
        finally:
            self.place, self.aggregates, self.windows = before

    def replaced(self, expression: ast.Expr, binder: Binder) -> BoundExpr | None:
        """GROUPING (…), which only the groups can tell the value of; they put it in its place."""
        if isinstance(expression, ast.Path):
            self._note_guess(expression, binder.scope)
            notice = misspelt(expression, binder.scope)
            if notice is not None and notice not in self.planning.notices:
                self.planning.notices.append(notice)
        if not isinstance(expression, ast.Call) or expression.name != "GROUPING" or not self.aggregates:
            return None
        with self.clause("inside GROUPING"):
            arguments = self._arguments(expression, binder)
        return AggregateCall(GROUPING, arguments, Type.INTEGER, span=expression.span)

    def _note_guess(self, path: ast.Path, scope: Scope) -> None:
        """Tell the user where a field without a table's name might be one of several collections'."""
        first, name = path.parts[0].text, ".".join(p.text for p in path.parts)
        several = [s for s in scope.sources if s.open and not s.qualified]
        if len(several) < 2 or first in scope.bound or first in scope.variables:
            return
        level: Scope | None = scope
        while level is not None and len(path.parts) > 1:
            if any(first in s.names for s in level.sources):
                return
            level = level.parent
        if any(first in {c.split(".")[0] for c in s.fields} for s in scope.sources):
            return
        table = several[0].names[0] if several[0].names else "the first table"
        notice = f"{name} is taken for a field of {table}: put a table's name in front if it is another's"
        if notice not in self.planning.notices:
            self.planning.notices.append(notice)

    # aggregates

    def aggregate(self, call: ast.Call, aggregate: Aggregate, binder: Binder) -> BoundExpr:
        """An aggregate over the group; raises PlanError E2015 where none may stand."""
        if not self.aggregates:
            raise PlanError("E2015", f"the aggregate {call.name} can't stand {self.place}", call.span,
                            hint="HAVING filters groups" if self.place == "in WHERE" else None)
        _check_window_words(call)
        unnest = _unnest_inside(call, aggregate)
        if unnest is not None:
            aggregate = OVER_ELEMENTS[aggregate.name]
        with self.clause(f"inside {call.name}"):
            arguments, order = self._inputs(call, aggregate, self._arguments(call, binder, unnest), binder)
            filter_ = self._filter(call, binder)
        return AggregateCall(
            aggregate, arguments, _result_type(aggregate, arguments), call.distinct, order, filter_, span=call.span)

    def _inputs(
        self, call: ast.Call, aggregate: Aggregate, arguments: tuple[BoundExpr, ...], binder: Binder
    ) -> tuple[tuple[BoundExpr, ...], tuple[SortKey, ...]]:
        """An aggregate's arguments, checked, with what stands in WITHIN GROUP, and the order of its values."""
        order, within = self._order(call.order_by, binder), self._order(call.within_group, binder)
        if within and aggregate.name not in _WITHIN_GROUP:
            raise PlanError("E2004", f"{call.name} takes no WITHIN GROUP", call.span)
        if order and aggregate.name in _WITHIN_GROUP:
            raise PlanError("E2004", f"{call.name} takes its order in WITHIN GROUP (ORDER BY …)", call.span)
        if len(within) > 1:
            raise UnsupportedError("E3001", f"{call.name} orders by one expression", call.within_group[1].span)
        if within:
            arguments = (*arguments, within[0].expression)
            order = within if within[0].descending or within[0].nulls_first is not None else ()
        check_arguments(call.name, aggregate.parameters, arguments, call.span)
        if call.distinct:
            _check_distinct(call, aggregate, arguments, order)
        return arguments, order

    def _arguments(self, call: ast.Call, binder: Binder, unnest: ast.Call | None = None) -> tuple[BoundExpr, ...]:
        if any(isinstance(a, ast.Star) for a in call.arguments):
            if call.name != "COUNT" or len(call.arguments) > 1 or call.distinct:
                raise PlanError("E2004", f"{call.name} can't take *", call.span)
            return ()
        bound = []
        for argument in call.arguments if unnest is None else (*unnest.arguments, *call.arguments[1:]):
            if isinstance(argument, ast.Star | ast.Lambda | ast.Query):
                raise PlanError("E2004", f"{call.name} takes values", call.span)
            if isinstance(argument, ast.Row) and call.name == "COUNT":
                items = (binder.bind(i) for i in argument.items)
                bound.append(binder.call("JSON_ARRAY", *items, span=argument.span))
                continue
            bound.append(binder.bind(argument))
        if call.name == "COUNT" and not bound:
            raise PlanError("E2004", "COUNT takes * or an expression", call.span)
        return tuple(bound)

    def _filter(self, call: ast.Call, binder: Binder) -> BoundExpr | None:
        return None if call.filter is None else binder.bind(call.filter)

    def _order(self, items: tuple[ast.OrderItem, ...], binder: Binder) -> tuple[SortKey, ...]:
        return tuple(sort_key(i, binder.bind(i.expression)) for i in items)

    # windows

    def window(self, call: ast.Call, binder: Binder) -> BoundExpr:
        """A call with OVER; raises PlanError E2015 where none may stand."""
        if not self.windows:
            raise PlanError("E2015", f"{call.name} OVER (…) can't stand {self.place}", call.span,
                            hint="put it into a subquery and filter outside")
        aggregate = AGGREGATES.get(call.name) if call.name not in WINDOW_FUNCTIONS else None
        order_inside: tuple[SortKey, ...] = ()
        with self.clause(f"inside {call.name} OVER (…)", aggregates=self.aggregates):
            window = self._resolved(call.over, call.span)
            partition = tuple(binder.bind(e) for e in window.partition_by)
            order = self._order(window.order_by, binder)
            arguments, filter_ = self._arguments(call, binder), self._filter(call, binder)
            frame = None if window.frame is None else bind_frame(window.frame, binder, ordered=bool(order))
            if aggregate is not None:
                _check_window_words(call)
                arguments, order_inside = self._inputs(call, aggregate, arguments, binder)
        known = _checked_window_function(call, arguments) if aggregate is None else _result_type(aggregate, arguments)
        return WindowCall(
            call.name, aggregate, arguments, known, partition, order, frame, filter_, call.nulls == "IGNORE",
            call.distinct, order_inside, call.from_end == "LAST", span=call.span)

    def expressions_of(self, window: ast.Window, binder: Binder) -> list[BoundExpr]:
        """What a named window partitions and orders by; raises SqlError for what can't be in a window."""
        window = self._resolved(window, window.span)
        order = self._order(window.order_by, binder)
        if window.frame is not None:
            bind_frame(window.frame, binder, ordered=bool(order))
        return [*(binder.bind(e) for e in window.partition_by), *(k.expression for k in order)]

    def _resolved(self, over: ast.Window | ast.Identifier | None, span: Span) -> ast.Window:
        assert over is not None
        if isinstance(over, ast.Identifier):
            over = ast.Window(base=over, span=over.span)
        if over.base is None:
            return over
        base = self.named.get(over.base.text)
        if base is None:
            raise PlanError("E2002", f"there is no window {over.base.text}", over.base.span)
        base = self._resolved(base, span)
        if over.partition_by or (over.order_by and base.order_by):
            raise PlanError("E2015", f"the window {over.base.text} can't be changed so", over.span)
        return replace(
            over, base=None, partition_by=base.partition_by, order_by=over.order_by or base.order_by,
            frame=over.frame or base.frame)

    # subqueries

    def subquery(
        self, kind: str, query: ast.Query, binder: Binder, *, span: Span,
        operand: tuple[BoundExpr, ...] = (), operator: str | None = None,
    ) -> BoundExpr:
        """A query as a value; raises PlanError E2001 if it has the wrong number of columns."""
        bound = self.planning.bind_query(query, Around(binder.scope, self.tables))
        wanted = len(operand) or 1
        columns = tuple(o.key for o in bound.outputs)
        if kind != "exists" and (bound.open or len(columns) != wanted):
            found = "columns that aren't known" if bound.open else f"{len(columns)} columns"
            many = "s" if wanted > 1 else ""
            raise PlanError("E2001", f"this subquery has to have {wanted} column{many}, not {found}", query.span)
        known = Type.ARRAY if kind == "array" else Type.BOOLEAN
        if kind == "scalar":
            known = bound.outputs[0].type
        if kind in ("any", "in") and operator in (None, "="):
            kind, operator = "in", None
        return SubqueryExpr(kind, bound.relation, known, bound.name, columns, operand, operator, span=span)


def sort_key(item: ast.OrderItem, expression: BoundExpr) -> SortKey:
    """The key of an ORDER BY item."""
    return SortKey(expression, item.descending, None if item.nulls is None else item.nulls == "FIRST")


def check_arguments(
    name: str, parameters: tuple[Parameter, ...], arguments: tuple[BoundExpr, ...], span: Span
) -> None:
    """Raise PlanError E2004, E2005 or E2012 if the arguments don't fit the parameters."""
    least = sum(not p.optional for p in parameters)
    repeated = any(p.repeated for p in parameters)
    if len(arguments) < least or (len(arguments) > len(parameters) and not repeated):
        takes = str(least) if least == len(parameters) else f"{least} to {len(parameters)}"
        many = "" if takes == "1" else "s"
        raise PlanError("E2004", f"{name} takes {takes} argument{many}, not {len(arguments)}", span)
    for position, argument in enumerate(arguments):
        parameter = parameters[position] if position < len(parameters) else parameters[-1]
        known = type_of_bound(argument)
        if parameter.constant and not isinstance(argument, Constant):
            raise PlanError("E2005", f"{parameter.name} of {name} must be a constant", argument.span)
        if fit(known, parameter.type) is Fit.NO:
            raise PlanError("E2012", f"{parameter.name} of {name} has to be {parameter.type.value}, not {known.value}",
                            argument.span)
        if parameter.constant and isinstance(argument, Constant):
            _check_constant(name, parameter, argument)


def _unnest_inside(call: ast.Call, aggregate: Aggregate) -> ast.Call | None:
    """The UNNEST (x) of ARRAY_AGG (UNNEST (x)) and its like, which mean the elements of x."""
    unnest = call.arguments[0] if call.arguments else None
    if not isinstance(unnest, ast.Call) or unnest.name not in UNNESTS:
        return None
    if aggregate.name not in OVER_ELEMENTS:
        raise UnsupportedError("E3001", f"{call.name} ({unnest.name} (…)) is not supported", unnest.span,
                               hint=f"write FROM t, UNNEST(t.a) AS x, and {call.name}(x)")
    plain = replace(unnest, name="", arguments=())
    if plain != ast.Call("", (), span=unnest.span) or len(unnest.arguments) != 1:
        raise PlanError("E2004", f"{unnest.name} takes one array and nothing else", unnest.span)
    if call.order_by:
        raise UnsupportedError(
            "E3001", f"{call.name} ({unnest.name} (…)) takes no ORDER BY", call.order_by[0].span,
            hint="write FROM t, UNNEST(t.a) AS x, and ORDER BY x inside")
    return unnest


def _checked_window_function(call: ast.Call, arguments: tuple[BoundExpr, ...]) -> Type:
    """The type of a function that has a meaning in a window only; raises SqlError for what it can't take."""
    function = WINDOW_FUNCTIONS.get(call.name)
    if function is None:
        if call.name in UNSUPPORTED:
            raise UnsupportedError("E3001", f"{call.name} is not supported: {UNSUPPORTED[call.name]}", call.span)
        raise PlanError("E2003", f"{call.name} is no window function", call.span)
    if call.distinct or call.order_by or call.within_group:
        raise PlanError("E2015", f"{call.name} OVER (…) takes no DISTINCT or ORDER BY inside", call.span)
    _check_window_words(call)
    check_arguments(call.name, function.parameters, arguments, call.span)
    if call.filter is not None:
        raise PlanError("E2015", f"{call.name} takes no FILTER", call.span)
    return function.returns or type_of_bound(arguments[0])


def _check_window_words(call: ast.Call) -> None:
    """Raise where IGNORE NULLS and FROM LAST, or their opposites, say nothing."""
    if call.nulls is not None and (call.over is None or call.name not in _WITH_NULLS):
        raise UnsupportedError("E3001", f"{call.nulls} NULLS has no meaning for {call.name}", call.span)
    if call.from_end is not None and (call.over is None or call.name != "NTH_VALUE"):
        raise UnsupportedError("E3001", f"FROM {call.from_end} has no meaning for {call.name}", call.span)


def _check_constant(name: str, parameter: Parameter, argument: Constant) -> None:
    if argument.value is None:
        raise PlanError("E2012", f"{parameter.name} of {name} can't be NULL", argument.span)
    if parameter.name != "fraction":
        return
    for fraction in argument.value if isinstance(argument.value, list) else [argument.value]:
        if not is_number(fraction):
            found = type_of(fraction).value
            raise PlanError("E2012", f"fraction of {name} has to be number, not {found}", argument.span)
        if not 0 <= to_double(fraction) <= 1:
            raise PlanError("E2004", f"{name} takes a fraction from 0 to 1", argument.span)


def _check_distinct(
    call: ast.Call, aggregate: Aggregate, arguments: tuple[BoundExpr, ...], order: tuple[SortKey, ...]
) -> None:
    """Raise where DISTINCT has no meaning, or the rows that it leaves have no order of the kind that is asked for."""
    if not aggregate.distinct:
        raise UnsupportedError("E3001", f"{call.name} takes no DISTINCT", call.span)
    for item, key in zip(call.order_by, order, strict=True):
        if key.expression != arguments[0]:
            raise UnsupportedError(
                "E3001", f"{call.name} (DISTINCT …) can only be ordered by the value itself", item.span,
                hint="take the distinct values in a subquery")


def _result_type(aggregate: Aggregate, arguments: tuple[BoundExpr, ...]) -> Type:
    if isinstance(aggregate.returns, Type):
        return aggregate.returns
    return aggregate.returns([type_of_bound(a) for a in arguments])
