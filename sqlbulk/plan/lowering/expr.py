"""From bound expressions to the aggregation language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlbulk.errors import PlanError
from sqlbulk.functions.calls import constant, lower_call
from sqlbulk.functions.comparison import is_true
from sqlbulk.functions.registry import Context, FunctionProblem, Operand
from sqlbulk.plan.binding.bound import BoundExpr, Call, Case, Column, Constant, LambdaCall, LambdaVariable
from sqlbulk.plan.binding.calls import at_argument
from sqlbulk.plan.lowering.layout import Layout, field_reference
from sqlbulk.types import Interval, Type

Variables = dict[str, str]
"""The names of lambda parameters in SQL and in the aggregation language."""


def lower(expression: BoundExpr, layout: Layout, context: Context) -> Operand:
    """The expression in the aggregation language; raises SqlError for what can't be computed there."""
    return _lower(expression, layout, context, {})


def lower_value(expression: BoundExpr, layout: Layout, context: Context) -> Any:
    """The expression as a value to be stored: never missing, NULL where it has no value."""
    operand = lower(expression, layout, context)
    if operand.type is Type.MONTHS:
        raise PlanError("E2012", "an interval of months can't be stored", expression.span)
    return {"$ifNull": [operand.mql, None]} if operand.nullable and operand.mql is not None else operand.mql


def _lower(node: BoundExpr, layout: Layout, context: Context, variables: Variables) -> Operand:
    match node:
        case Constant(value=value, type=known):
            return constant(value, known)
        case Column():
            return Operand(layout.reference(node), node.type, node.nullable)
        case LambdaVariable(name=name, path=path):
            return Operand(field_reference(f"$${variables[name]}", path))
        case Call():
            return _call(node, layout, context, variables)
        case Case():
            return _case(node, layout, context, variables)
        case LambdaCall():
            return _lambda(node, layout, context, variables)
    raise PlanError("E2015", "an aggregate, window or subquery can't stand here", node.span)


def _call(node: Call, layout: Layout, context: Context, variables: Variables) -> Operand:
    operands = [_lower(a, layout, context, variables) for a in node.arguments]
    try:
        operand = lower_call(node.function, operands, context)
    except FunctionProblem as problem:
        raise at_argument(problem, node.arguments, node.span) from None
    if operand.type is Type.ANY and node.type is not Type.ANY:
        return replace(operand, type=node.type)
    return operand


def _case(node: Case, layout: Layout, context: Context, variables: Variables) -> Operand:
    otherwise = _lower(node.otherwise, layout, context, variables)
    mql, nullable = otherwise.mql, otherwise.nullable
    if isinstance(mql, Interval):
        raise PlanError("E2012", "an interval of months must be a constant", node.otherwise.span)
    branches = []
    for condition, result in node.whens:
        test, then = _lower(condition, layout, context, variables), _lower(result, layout, context, variables)
        if isinstance(then.mql, Interval):
            raise PlanError("E2012", "an interval of months must be a constant", result.span)
        branches.append({"case": is_true(test), "then": then.mql})
        nullable = nullable or then.nullable
    return Operand(_switch(branches, mql), node.type, nullable)


def _switch(branches: list[dict[str, Any]], default: Any) -> Any:
    """The cheapest choice. The server fails ("duplicate field") on a $group with a choice between equal paths."""
    while branches and isinstance(default, str) and branches[-1]["then"] == default:
        branches.pop()
    if not branches:
        return default
    if len(branches) == 1:
        return {"$cond": [branches[0]["case"], branches[0]["then"], default]}
    seen: set[str] = {default} if isinstance(default, str) else set()
    for branch in branches:
        then = branch["then"]
        if isinstance(then, str) and then in seen:
            branch["then"] = {"$ifNull": [then, None]}
        elif isinstance(then, str):
            seen.add(then)
    return {"$switch": {"branches": branches, "default": default}}


def _lambda(node: LambdaCall, layout: Layout, context: Context, variables: Variables) -> Operand:
    array = _lower(node.array, layout, context, variables)
    names = {p: f"x{len(variables) + i}" for i, p in enumerate(node.parameters, 1)}
    body = _lower(node.body, layout, context, {**variables, **names})
    if node.start is not None:
        start = _lower(node.start, layout, context, variables)
        return _reduce(array, start, body, [names[p] for p in node.parameters])
    name = names[node.parameters[0]]
    items = "$$items"
    if node.kind == "FILTER":
        result: Any = {"$filter": {"input": items, "as": name, "cond": is_true(body)}}
    elif node.kind == "TRANSFORM":
        result = {"$map": {"input": items, "as": name, "in": {"$ifNull": [body.mql, None]}}}
    else:
        result = _quantified(node.kind, {"$map": {"input": items, "as": name, "in": {"$ifNull": [body.mql, None]}}})
    return Operand(_over_array(array, result), node.type)


def _quantified(kind: str, results: Any) -> Any:
    """ANY: true if one test is, NULL if one is unknown, else false; ALL the other way round."""
    decisive = kind == "ANY"
    otherwise = {"$cond": [{"$in": [None, "$$tests"]}, None, not decisive]}
    return {"$let": {"vars": {"tests": results}, "in": {
        "$cond": [{"$in": [decisive, "$$tests"]}, decisive, otherwise]}}}


def _over_array(array: Operand, result: Any) -> Any:
    """The result where the operand is an array, NULL otherwise."""
    return {"$let": {"vars": {"items": array.mql}, "in": {"$cond": [{"$isArray": ["$$items"]}, result, None]}}}


def _reduce(array: Operand, start: Operand, body: Operand, names: list[str]) -> Operand:
    state, item = names
    inner = {"$let": {"vars": {state: "$$value", item: "$$this"}, "in": {"$ifNull": [body.mql, None]}}}
    reduced = {"$reduce": {"input": "$$items", "initialValue": start.mql, "in": inner}}
    return Operand(_over_array(array, reduced))
