"""From expressions of the tree to bound ones: names resolved, functions found, constants folded at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions import AGGREGATES
from sqlbulk.functions.registry import Aggregate, Context
from sqlbulk.plan.binding.array_casts import cast_items
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant, LambdaCall
from sqlbulk.plan.binding.calls import literal_constant, make_call, make_constant, type_of_bound
from sqlbulk.plan.binding.conditions import between, choose, compare_rows, connect, negate
from sqlbulk.plan.binding.evaluate import fold_lambda
from sqlbulk.plan.binding.intervals import multiply_interval, parse_interval, unit_length
from sqlbulk.plan.binding.json_text import json_arguments, json_joined, json_operands, narrowed
from sqlbulk.plan.binding.operators import (
    collated,
    compared_by,
    contrary,
    is_json,
    is_negated,
    is_pattern,
    operate,
    overlaps,
)
from sqlbulk.plan.binding.parts import (
    ROW_COMPARISONS,
    cast_name,
    chain_operands,
    check_plain,
    field_at,
    member,
    row_items,
    spoken_unit,
)
from sqlbulk.plan.binding.scope import NEW, VARIABLES, Scope, resolve_path
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax import ast
from sqlbulk.types import Interval, Type

LAMBDAS = {
    "FILTER": "FILTER", "ARRAY_FILTER": "FILTER", "LIST_FILTER": "FILTER",
    "TRANSFORM": "TRANSFORM", "ARRAY_TRANSFORM": "TRANSFORM", "LIST_TRANSFORM": "TRANSFORM",
    "REDUCE": "REDUCE", "LIST_REDUCE": "REDUCE",
    "ANY_MATCH": "ANY", "ALL_MATCH": "ALL",
}
"""Functions over an array that take a lambda, by name."""


class Hooks(Protocol):
    """What a query's planner does with what only makes sense inside a query."""

    def replaced(self, expression: ast.Expr, binder: Binder) -> BoundExpr | None:
        """The value of an expression that stands for something computed before, such as a GROUP BY item."""

    def aggregate(self, call: ast.Call, aggregate: Aggregate, binder: Binder) -> BoundExpr:
        """An aggregate function."""

    def window(self, call: ast.Call, binder: Binder) -> BoundExpr:
        """A call with OVER."""

    def subquery(
        self, kind: str, query: ast.Query, binder: Binder, *, span: Span,
        operand: tuple[BoundExpr, ...] = (), operator: str | None = None,
    ) -> BoundExpr:
        """A query as a value: `kind` as in bound.SubqueryExpr; `operand` has several items for a row."""


class NoHooks:
    """Refuses what only makes sense inside a query."""

    def replaced(self, expression: ast.Expr, binder: Binder) -> BoundExpr | None:
        """Nothing is computed before."""
        return None

    def aggregate(self, call: ast.Call, aggregate: Aggregate, binder: Binder) -> BoundExpr:
        """Raises E2015."""
        raise PlanError("E2015", f"the aggregate {call.name} can't stand here", call.span)

    def window(self, call: ast.Call, binder: Binder) -> BoundExpr:
        """Raises E2015."""
        raise PlanError("E2015", f"{call.name} OVER (…) can't stand here", call.span)

    def subquery(
        self, kind: str, query: ast.Query, binder: Binder, *, span: Span,
        operand: tuple[BoundExpr, ...] = (), operator: str | None = None,
    ) -> BoundExpr:
        """Raises E3001."""
        raise UnsupportedError("E3001", "a subquery can't stand here", span)


def bind(expression: ast.Expr, scope: Scope, environment: Environment, *, hooks: Hooks | None = None) -> BoundExpr:
    """The bound form of an expression; raises SqlError at the part that is wrong."""
    return Binder(scope, environment, hooks or NoHooks()).bind(expression)


def bind_constant(expression: ast.Expr, environment: Environment) -> Constant:
    """The value of an expression that names no column; raises PlanError E2005 where it can't be known."""
    bound = bind(expression, Scope(), environment)
    if not isinstance(bound, Constant):
        raise PlanError("E2005", "this must be known before the statement runs", expression.span)
    return bound


class Binder:
    """Binds expressions in one scope."""

    def __init__(self, scope: Scope, environment: Environment, hooks: Hooks) -> None:
        self.scope, self.environment, self.hooks = scope, environment, hooks

    @property
    def context(self) -> Context:
        """The statement's moment and time zone."""
        return self.environment.context

    def within(self, scope: Scope) -> Binder:
        """The same in another scope."""
        return Binder(scope, self.environment, self.hooks)

    def call(self, name: str, *arguments: BoundExpr, span: Span) -> BoundExpr:
        """A call of a function or operator of that name."""
        return make_call(name, arguments, span, self.context)

    def bind(self, node: ast.Expr) -> BoundExpr:
        """The bound form of an expression."""
        replaced = self.hooks.replaced(node, self)
        return self._bind(node) if replaced is None else replaced

    def _bind(self, node: ast.Expr) -> BoundExpr:  # noqa: C901
        match node:
            case ast.Literal(value=value):
                return literal_constant(value, node.span)
            case ast.Path():
                return resolve_path(node, self.scope)
            case ast.Parameter(key=key):
                return make_constant(self.environment.parameters.value(key, node.span), node.span)
            case ast.Variable():
                return self._variable(node)
            case ast.IntervalLiteral():
                return self._interval(node)
            case ast.Unary() | ast.Binary() | ast.Quantified() | ast.AtTimeZone() | ast.Collate():
                return self._operation(node)
            case ast.Is() | ast.IsDistinct() | ast.In() | ast.Between() | ast.Like() | ast.IsJson():
                return self._predicate(node)
            case ast.Case():
                return self._case(node)
            case ast.Call():
                return self._call(node)
            case ast.Cast() | ast.Member() | ast.Subscript() | ast.Slice():
                return self._part(node)
            case ast.ArrayLiteral(items=items):
                return self.call("JSON_ARRAY", *map(self.bind, items), span=node.span)
            case ast.DocumentLiteral(entries=entries):
                pairs = [e for key, value in entries for e in (make_constant(key, node.span), self.bind(value))]
                return self.call("JSON_OBJECT", *pairs, span=node.span)
            case ast.Subquery(query=query):
                return self.hooks.subquery("scalar", query, self, span=node.span)
            case ast.Exists(query=query):
                return self.hooks.subquery("exists", query, self, span=node.span)
            case ast.Row():
                raise UnsupportedError("E3001", "a row of several values can only be compared", node.span)
        assert isinstance(node, ast.Default)
        raise PlanError("E2004", "DEFAULT stands alone, as a value of VALUES or SET", node.span)

    # names and constants

    def _variable(self, node: ast.Variable) -> BoundExpr:
        if any(s.relation == VARIABLES and node.name in s.fields for s in self.scope.sources):
            return Column(VARIABLES, (node.name,), span=node.span)
        raise PlanError("E2002", f"there is no variable @{node.name}", node.span,
                        hint="the variables of LOAD DATA stand in its column list")

    def _interval(self, node: ast.IntervalLiteral) -> BoundExpr:
        amount = self.bind(node.amount)
        if not isinstance(amount, Constant):
            return self._computed_interval(node, amount)
        value = amount.value
        try:
            if value is None:
                return make_constant(None, node.span)
            if node.unit is not None:
                interval = multiply_interval(value, node.unit)
            elif isinstance(value, str):
                interval = parse_interval(value)
            else:
                raise ValueError("it has no unit: INTERVAL 5 MINUTE, INTERVAL '5 minutes'")
        except ValueError as problem:
            raise PlanError("E1004", f"this INTERVAL can't be read: {problem}", node.amount.span) from None
        return make_constant(interval, node.span)

    def _computed_interval(self, node: ast.IntervalLiteral, amount: BoundExpr) -> BoundExpr:
        if node.unit is None:
            raise PlanError("E2005", "the text of an INTERVAL must be a constant", node.amount.span)
        length = unit_length(node.unit)
        if length.months:
            raise UnsupportedError(
                "E3001", f"a computed number of {node.unit.lower()}s is no INTERVAL here", node.span,
                hint=f"write DATE_ADD('{node.unit.lower()}', n, date)")
        one = Constant(Interval(milliseconds=length.milliseconds), Type.DURATION, span=node.span)
        return self.call("*", amount, one, span=node.span)

    # operators

    def _operation(
        self, node: ast.Unary | ast.Binary | ast.Quantified | ast.AtTimeZone | ast.Collate
    ) -> BoundExpr:
        match node:
            case ast.Unary(operator="NOT", operand=operand):
                return negate(self.bind(operand), node.span, self.context)
            case ast.Unary(operator="-", operand=ast.Literal(value=int() as number)) if not isinstance(number, bool):
                return literal_constant(-number, node.span)
            case ast.Unary(operator="+", operand=operand):
                return self.call("*", self.bind(operand), make_constant(1, node.span), span=node.span)
            case ast.Unary(operator=sign, operand=operand):
                return self.call({"-": "NEGATE"}.get(sign, sign), self.bind(operand), span=node.span)
            case ast.Binary(operator="AND" | "OR" as word):
                return connect(word, [self.bind(e) for e in chain_operands(node)], node.span, self.context)
            case ast.Binary():
                return self._binary(node)
            case ast.Quantified():
                return self._quantified(node)
            case ast.Collate():
                return collated(self.bind(node.operand), node, self.context)
        return self.call("AT TIME ZONE", self.bind(node.operand), self.bind(node.zone), span=node.span)

    def _binary(self, node: ast.Binary) -> BoundExpr:
        if node.operator in ROW_COMPARISONS and (isinstance(node.left, ast.Row) or isinstance(node.right, ast.Row)):
            return self._compared_rows(node)
        if node.operator == "OVERLAPS":
            return overlaps(*(tuple(self.bind(i) for i in row_items(side)) for side in (node.left, node.right)),
                            span=node.span, context=self.context)
        left, right = self.bind(node.left), self.bind(node.right)
        if node.operator == "->":
            field = member(left, right)
            if field is not None:
                return replace(field, span=node.span)
        joined = json_joined(node, left, right, self.context)
        if joined is not None:
            return joined
        left, right = json_operands(node, left, right, self.context)
        found = operate(node.operator, left, right, span=node.span, context=self.context)
        return narrowed(node.operator, left, right, found, self.context)

    def _compared_rows(self, node: ast.Binary) -> BoundExpr:
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(other, ast.Subquery):
                operand = tuple(self.bind(i) for i in row_items(one))
                return self.hooks.subquery("any", other.query, self, span=node.span, operand=operand,
                                           operator=node.operator)
        left, right = (tuple(self.bind(i) for i in row_items(side)) for side in (node.left, node.right))
        return compare_rows(node.operator, left, right, span=node.span, context=self.context)

    def _quantified(self, node: ast.Quantified) -> BoundExpr:
        if is_negated(node.operator):
            # Not like any is the contrary of like all.
            quantifier = "ANY" if node.quantifier == "ALL" else "ALL"
            other = replace(node, operator=contrary(node.operator), quantifier=quantifier)
            return negate(self._quantified(other), node.span, self.context)
        operand = tuple(self.bind(i) for i in row_items(node.left))
        if isinstance(node.right, ast.Query):
            return self.hooks.subquery(node.quantifier.lower(), node.right, self, span=node.span, operand=operand,
                                       operator=compared_by(node.operator, node.span))
        if len(operand) > 1:
            raise UnsupportedError("E3001", "a row can't be compared with the items of an array", node.left.span)
        array = self.bind(node.right)
        self._check_array(array, node.quantifier)
        if is_pattern(node.operator) and isinstance(array, Constant) and isinstance(array.value, list):
            tests = [operate(node.operator, operand[0], make_constant(pattern, node.right.span), span=node.span,
                             context=self.context) for pattern in array.value]
            return connect("OR" if node.quantifier == "ANY" else "AND", tests, node.span, self.context)
        item = "item"
        while item in self.scope.variables:
            item += "_"
        inner = self.within(replace(self.scope, variables=self.scope.variables | {item}))
        variable = inner.bind(ast.Path((ast.Identifier(item),), span=node.right.span))
        body = operate(node.operator, operand[0], variable, span=node.span, context=self.context)
        call = LambdaCall(node.quantifier, array, (item,), body, type=Type.BOOLEAN, span=node.span)
        return fold_lambda(call, self.context)

    def _predicate(
        self, node: ast.Is | ast.IsDistinct | ast.In | ast.Between | ast.Like | ast.IsJson
    ) -> BoundExpr:
        match node:
            case ast.Is(operand=ast.Row(items=items), what="NULL"):
                # Of a row of NULLs and values neither IS NULL nor IS NOT NULL is true.
                tests = [self.call("IS NULL", self.bind(i), span=node.span) for i in items]
                tests = [negate(t, node.span, self.context) for t in tests] if node.negated else tests
                return connect("AND", tests, node.span, self.context)
            case ast.Is():
                name = "IS " + {"UNKNOWN": "NULL"}.get(node.what, node.what)
                bound = self.call(name, self.bind(node.operand), span=node.span)
            case ast.IsJson():
                bound = is_json(self.bind(node.operand), node, self.context)
            case ast.IsDistinct(left=left, right=right):
                sides = [tuple(self.bind(i) for i in row_items(s)) for s in (left, right)]
                bound = compare_rows("<=>", sides[0], sides[1], span=node.span, context=self.context)
                return bound if node.negated else negate(bound, node.span, self.context)
            case ast.In():
                bound = self._in(node)
            case ast.Between():
                bound = self._between(node)
            case _:
                arguments = [node.operand, node.pattern] + ([node.escape] if node.escape is not None else [])
                bound = self.call(node.kind, *map(self.bind, arguments), span=node.span)
        return negate(bound, node.span, self.context) if node.negated else bound

    def _in(self, node: ast.In) -> BoundExpr:
        operand = tuple(self.bind(i) for i in row_items(node.operand))
        if isinstance(node.choices, ast.Query):
            return self.hooks.subquery("in", node.choices, self, span=node.span, operand=operand)
        if isinstance(node.operand, ast.Row):
            rows = [tuple(self.bind(i) for i in row_items(choice)) for choice in node.choices]
            tests = [compare_rows("=", operand, row, span=node.span, context=self.context) for row in rows]
            return connect("OR", tests, node.span, self.context)
        return self.call("IN", operand[0], *map(self.bind, node.choices), span=node.span)

    def _between(self, node: ast.Between) -> BoundExpr:
        operand, low, high = self.bind(node.operand), self.bind(node.low), self.bind(node.high)
        found = between(operand, low, high, span=node.span, context=self.context)
        if not node.symmetric:
            return found
        swapped = between(operand, high, low, span=node.span, context=self.context)
        return connect("OR", [found, swapped], node.span, self.context)

    def _case(self, node: ast.Case) -> BoundExpr:
        whens = []
        subject = None if node.operand is None else self.bind(node.operand)
        for when in node.whens:
            condition = self.bind(when.condition)
            if subject is not None:
                condition = self.call("=", subject, condition, span=when.condition.span)
            whens.append((condition, self.bind(when.result)))
        otherwise = make_constant(None, node.span) if node.otherwise is None else self.bind(node.otherwise)
        return choose(whens, otherwise, node.span)

    # calls and parts

    def _call(self, node: ast.Call) -> BoundExpr:
        if node.over is not None:
            return self.hooks.window(node, self)
        if node.name == "VALUES":
            return self._incoming(node)
        if node.name in LAMBDAS and any(isinstance(a, ast.Lambda) for a in node.arguments):
            return self._lambda(node)
        aggregate = AGGREGATES.get(node.name)
        if aggregate is not None:
            return self.hooks.aggregate(node, aggregate, self)
        check_plain(node)
        if node.name == "ARRAY" and len(node.arguments) == 1 and isinstance(node.arguments[0], ast.Query):
            return self.hooks.subquery("array", node.arguments[0], self, span=node.span)
        node = spoken_unit(node)
        arguments = json_arguments(node, self._arguments(node), self.context)
        if node.name == "JSON_EXTRACT" and len(arguments) == 2:
            field = field_at(arguments[0], arguments[1])
            if field is not None:
                return replace(field, span=node.span)
        return self.call(node.name, *arguments, span=node.span)

    def _arguments(self, node: ast.Call) -> list[BoundExpr]:
        bound = []
        for argument in node.arguments:
            if isinstance(argument, ast.Star | ast.Lambda | ast.Query):
                what = {"Star": "*", "Lambda": "a lambda", "Query": "a query"}[type(argument).__name__]
                raise PlanError("E2004", f"{node.name} can't take {what}", argument.span)
            bound.append(self.bind(argument))
        return bound

    def _incoming(self, node: ast.Call) -> BoundExpr:
        """VALUES(c) of ON DUPLICATE KEY UPDATE: the incoming row's c."""
        name = next((s.names[0] for s in self.scope.sources if s.relation == NEW), None)
        path = node.arguments[0] if len(node.arguments) == 1 else None
        if name is None or not isinstance(path, ast.Path):
            raise PlanError("E2004", "VALUES(column) is the incoming row's column in ON CONFLICT and"
                            " ON DUPLICATE KEY UPDATE", node.span)
        check_plain(node)
        return resolve_path(replace(path, parts=(ast.Identifier(name, span=node.span), *path.parts)), self.scope)

    def _lambda(self, node: ast.Call) -> BoundExpr:
        check_plain(node)
        kind = LAMBDAS[node.name]
        arity, parameters = (3, 2) if kind == "REDUCE" else (2, 1)
        if len(node.arguments) != arity or not isinstance(node.arguments[-1], ast.Lambda):
            example = "(array, start, (sum, x) -> sum + x)" if kind == "REDUCE" else "(array, x -> x > 1)"
            raise PlanError("E2004", f"{node.name} is written {node.name}{example}", node.span)
        body = node.arguments[-1]
        names = tuple(p.text for p in body.parameters)
        if len(names) != parameters or len(set(names)) < len(names):
            raise PlanError("E2004", f"the lambda of {node.name} has {parameters} parameters", body.span)
        array, *start = self._arguments(replace(node, arguments=node.arguments[:-1]))
        self._check_array(array, node.name)
        inner = self.within(self.scope.with_variables(names)).bind(body.body)
        known = Type.BOOLEAN if kind in ("ANY", "ALL") else Type.ANY if kind == "REDUCE" else Type.ARRAY
        call = LambdaCall(kind, array, names, inner, start[0] if start else None, known, span=node.span)
        return fold_lambda(call, self.context)

    def _check_array(self, array: BoundExpr, name: str) -> None:
        known = type_of_bound(array)
        if known not in (Type.ARRAY, Type.ANY, Type.NULL):
            raise PlanError("E2012", f"{name} goes through an array, but this is {known.value}", array.span)

    def _part(self, node: ast.Cast | ast.Member | ast.Subscript | ast.Slice) -> BoundExpr:
        operand = self.bind(node.operand)
        match node:
            case ast.Cast(type=type_name):
                if type_name.array:
                    return cast_items(operand, node, self.context)
                extra = [make_constant(n, type_name.span) for n in type_name.arguments]
                return self.call(cast_name(type_name, safe=node.safe), operand, *extra, span=node.span)
            case ast.Member(name=name):
                key = make_constant(name.text, name.span)
                return member(operand, key) or self.call("->", operand, key, span=node.span)
            case ast.Subscript(index=index):
                return self.call("[]", operand, self.bind(index), span=node.span)
        ends = [make_constant(None, node.span) if e is None else self.bind(e) for e in (node.low, node.high)]
        return self.call("[:]", operand, *ends, span=node.span)
