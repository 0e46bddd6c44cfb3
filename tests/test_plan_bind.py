"""Binding, evaluating and lowering: what has no case among the golden ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from pymongo.database import Database

from sqlbulk.errors import PlanError, RowRefused, Source, SqlError, UnsupportedError, UsageError
from sqlbulk.functions.registry import UNKNOWN, Context, Function, FunctionProblem, Parameter
from sqlbulk.plan.binding.binder import Binder, bind, bind_constant
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Call, Column, Constant, LambdaCall
from sqlbulk.plan.binding.evaluate import check_evaluable, evaluate, step_into
from sqlbulk.plan.binding.intervals import multiply_interval, parse_interval
from sqlbulk.plan.binding.operators import added_to
from sqlbulk.plan.binding.scope import Scope, collection_source
from sqlbulk.plan.environment import Environment, Parameters
from sqlbulk.plan.insert.cells import _no_field, constant_cell, evaluate_cell, stored
from sqlbulk.plan.lowering.expr import lower, lower_value
from sqlbulk.plan.lowering.layout import Layout, field_reference
from sqlbulk.plan.targets import checked_name
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.syntax.rowscan import Fresh
from sqlbulk.types import MISSING, Interval, Type

CONTEXT = Context(datetime(2025, 1, 1, tzinfo=UTC))
SCOPE = Scope((collection_source("t"),))


def bound(text: str, *, hooks: Any = None, parameters: Any = None) -> BoundExpr:
    return bind(parse_expression(Source(text)), SCOPE, Environment(CONTEXT, Parameters(parameters)), hooks=hooks)


def value(text: str, row: dict[str, Any] | None = None) -> Any:
    return evaluate(bound(text), lambda column: step_into(row or {}, column.path), CONTEXT)


def problem(text: str, **rest: Any) -> tuple[str, str]:
    with pytest.raises(SqlError) as caught:
        bound(text, **rest)
    error = caught.value
    return error.code, text[error.span.start : error.span.end]


# Python


@pytest.mark.parametrize("text, row, expected", [
    ("a + 1", {"a": 2}, 3), ("a + 1", {}, None), ("a + 1", {"a": "x"}, None),
    ("CASE WHEN a > 1 THEN 'big' WHEN a = 1 THEN 'one' ELSE b END", {"a": 5}, "big"),
    ("CASE WHEN a > 1 THEN 'big' WHEN a = 1 THEN 'one' ELSE b END", {"a": 1}, "one"),
    ("CASE WHEN a > 1 THEN 'big' WHEN a = 1 THEN 'one' ELSE b END", {"b": 7}, 7),
    ("FILTER(a, x -> x > 1)", {"a": [1, 2, "x", 3]}, [2, 3]),
    ("TRANSFORM(a, x -> x.k)", {"a": [{"k": 1}, {}, 5]}, [1, None, None]),
    ("REDUCE(a, 0, (s, x) -> s + x)", {"a": [1, 2, 3]}, 6),
    ("FILTER(a, x -> x > 1)", {"a": 5}, None),
    ("a::INT[]", {"a": ["1", None, 2]}, [1, None, 2]), ("a::INT[]", {"a": 5}, None), ("TRY_CAST('{a,1}' AS INT[])", {}, [None, 1]),
    ("'{}'::TEXT[]", {}, []), ("'{a, \"b, \\\"c\", NULL, x\\,y, \"NULL\"}'::TEXT[]", {}, ["a", 'b, "c', None, "x,y", "NULL"]),
    ("ARRAY[1, NULL]::TEXT[]", {}, ["1", None]), ("CAST('{1.25}' AS DECIMAL(5, 1)[])::TEXT[]", {}, ["1.3"]), ("NULL::INT[]", {}, None),
    ("ARRAY[1] || a", {"a": 2}, [1, 2]), ("ARRAY[1] || a", {"a": [2]}, [1, 2]), ("ARRAY[1] || a", {}, None),
    ("a || ARRAY[1]", {"a": 2}, [2, 1]), ("a || ARRAY[1]", {"a": [2]}, [2, 1]),
    ("a - 'k' - 'l'", {"a": {"k": 1, "l": 2, "m": 3}}, {"m": 3}), ("a - 'k'", {"a": 5}, 5),
    ("a @> '{\"k\": {\"l\": [2]}}'", {"a": {"k": {"l": [1, 2], "m": 1}, "n": 2}}, True),
    ("a @> '{\"k\": {\"l\": [3]}}'", {"a": {"k": {"l": [1, 2]}}}, False), ("a @> '{\"k\": 1}'", {"a": [{"k": 1}]}, False),
    ("a @> '2'", {"a": [1, 2]}, True), ("a @> '[[2]]'", {"a": [[1, 2]]}, True), ("a @> '[2]'", {"a": [[1, 2]]}, False),
    ("a @> '[2]'", {"a": 2}, False), ("'\"x\"' <@ a", {"a": ["x"]}, True), ("a @> '{}'", {}, None),
    ("a @> '[[[[[[[[1]]]]]]]]'", {"a": [[[[[[[[1]]]]]]]]}, True), ("a @> '[[[[[[[[1]]]]]]]]'", {"a": [[[[[[[[1, 2]]]]]]]]}, False), ("a @> b", {"a": {"x": 1}, "b": {}}, True),
    ("a @> '{\"\": 1, \"l\": [{\"m\": 1}], \"o\": {\"p\": \"x\"}}'", {"a": {"": 1, "l": [{"m": 1}, 2], "o": {"p": "x"}}}, True),
    ("'{\"k\": 1}' <@ a", {"a": {"k": 1, "l": 2}}, True), ("{k: a} @> '{\"k\": 1}'", {"a": 1}, True), ("NOT a @> '{\"k\": 1}'", {"a": {}}, True),
    ("NOT a @> '{\"k\": 1}'", {}, None), ("NOT a @> '{\"k\": 1}'", {"a": [{"k": 1}]}, True), ("NOT a @> '{\"k\": 1}'", {"a": {"k": [1]}}, True),
    ("a @> '{\"k\": null}'", {"a": {}}, False), ("a @> '{\"k\": null}'", {"a": {"k": None}}, True),
    ("JSON_CONTAINS(a, '{\"k\": 1}')", {"a": [{"k": 1, "l": 2}]}, True), ("JSON_CONTAINS(a, '2')", {"a": {"b": 2}}, False),
    ("JSON_CONTAINS(a, '2', '$.b')", {"a": {"b": [1, 2]}}, True), ("JSON_CONTAINS(a, 'x')", {"a": ["x"]}, True),
    ("JSON_CONTAINS(a, '\"x\"')", {"a": ["x"]}, True), ("JSON_CONTAINS('[1, 2]', '1')", {}, True),
    ("JSON_MERGE_PATCH(a, '{\"l\": 2}')", {"a": {"k": 1}}, {"k": 1, "l": 2}), ("JSON_MERGE_PRESERVE('[1]', a)", {"a": 2}, [1, 2]),
    ("JSONB_SET(a, '{k}', '5')", {"a": {"k": 1}}, {"k": 5}), ("JSONB_SET(a, '{k}', TO_JSONB('5'))", {"a": {"k": 1}}, {"k": "5"}),
    ("JSON_SET(a, '$.k', '5')", {"a": {"k": 1}}, {"k": "5"}), ("JSON_EXTRACT('{\"k\": [7]}', '$.k[0]')", {}, 7),
    ("a || '{\"l\": 2}'", {"a": {"k": 1}}, {"k": 1, "l": 2}), ("a || '{\"l\": 2}'", {"a": "x"}, 'x{"l": 2}'),
    ("'[1]' || a", {"a": [2]}, [1, 2]), ("'[1' || a", {"a": "x"}, "[1x"), ("{k: 1} || '{\"l\": 2}'", {}, {"k": 1, "l": 2}),
    ("2 = ANY(a)", {"a": [1, 2]}, True), ("2 = ANY(a)", {"a": [1]}, False), ("2 = ANY(a)", {"a": [1, None]}, None),
    ("2 > ALL(a)", {"a": [1]}, True), ("2 > ALL(a)", {"a": [1, 3]}, False), ("2 > ALL(a)", {"a": [1, None]}, None),
    ("ANY_MATCH(a, x -> x = 1)", {"a": [1]}, True), ("a", {}, None), ("a.b", {"a": [{"b": 1}, {"c": 2}, 3]}, [1]),
    ("a.b.c", {"a": 1}, None), ("INTERVAL '1 day'", {}, 86_400_000),
])
def test_values_in_python(text: str, row: dict[str, Any], expected: Any) -> None:
    assert value(text, row) == expected


@pytest.mark.server
@pytest.mark.parametrize("text", [
    "FILTER(a, x -> x > 1)", "TRANSFORM(a, x -> x.k)", "REDUCE(a, 0, (s, x) -> s + x)", "2 = ANY(a)", "2 > ALL(a)",
    "TRANSFORM(FILTER(a, x -> x > 0), y -> FILTER(a, z -> z = y))", "CASE a WHEN 1 THEN 'one' ELSE a.b END",
    "CASE WHEN a > 1 THEN 1 WHEN a < 1 THEN 2 END", "a.b", "2 = ANY(TRANSFORM(a, x -> x + 1))",
    "REDUCE(a, 0, (s, x) -> s + REDUCE(a, 0, (p, q) -> p + q))",
])
def test_the_server_agrees_with_python(database: Database[dict[str, Any]], text: str) -> None:
    rows: list[dict[str, Any]] = [
        {"_id": i, **row} for i, row in enumerate([
            {}, {"a": None}, {"a": 1}, {"a": 5}, {"a": []}, {"a": [1, 2, 3]}, {"a": [1, None]}, {"a": ["x", 1]},
            {"a": [{"k": 1}, {}]}, {"a": {"b": 2}}, {"a": [{"b": 1}, 3]}, {"a": [[{"b": 1}]]}])]
    database["t"].insert_many(rows)
    mql = lower_value(bound(text), Layout(), CONTEXT)
    served = {d["_id"]: d["v"] for d in database["t"].aggregate([{"$project": {"v": mql}}])}
    assert served == {row["_id"]: value(text, row) for row in rows}


def test_what_can_not_be_worked_out_row_by_row() -> None:
    aggregate = AggregateCall(aggregate=None, arguments=(), type=Type.ANY)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError):
        check_evaluable(aggregate)
    with pytest.raises(AssertionError):
        evaluate(aggregate, lambda column: None, CONTEXT)
    with pytest.raises(PlanError) as caught:
        lower(aggregate, Layout(), CONTEXT)
    assert caught.value.code == "E2015"


# Cells of VALUES


def cell(text: str, parameters: Any = None) -> Any:
    return evaluate_cell(parse_expression(Source(text)), Environment(CONTEXT, Parameters(parameters)))


def test_no_field_stands_in_a_cell() -> None:
    with pytest.raises(AssertionError):
        _no_field(Column("", ("a",)))


UNFIT_VALUES = [
    (10**20, "beyond 64 bits; pass a Decimal"), ({"a": [2**64]}, "beyond 64 bits"), (object(), "cannot encode object"),
    (Decimal("1e7000"), "cannot encode object: Decimal"), (Decimal(f"0.{'1' * 40}"), "cannot encode object: Decimal"),
    ("\ud800", "surrogates not allowed"), ({1: 2}, "string keys"), (timedelta(1), "timedelta"),
]


@pytest.mark.parametrize("given", ["ab", b"ab", 5, {1, 2}, object()])
def test_parameters_are_values_beside_each_other(given: Any) -> None:
    with pytest.raises(UsageError, match="a list of values, or a dict by name") as refused:
        Parameters(given)
    assert refused.value.code == "E6001"


def test_cells() -> None:
    assert cell("DEFAULT") is MISSING
    assert cell("INTERVAL '1 minute'") == 60_000
    assert cell("1 + ?", [4]) == 5
    assert isinstance(cell("RANDOM()"), Fresh)
    with pytest.raises(PlanError, match="months"):
        cell("INTERVAL '1 month'")
    for unfit, why in UNFIT_VALUES:
        with pytest.raises(PlanError, match=why) as refused:
            cell("?", [unfit])
        assert refused.value.code == "E4010"
    with pytest.raises(RowRefused, match="64 bits"):
        stored(10**20, ast.Default().span)
    with pytest.raises(PlanError, match="64 bits"):
        cell("99999999999999999999")
    assert constant_cell(Constant(4, Type.INTEGER), ast.Default().span) == 4
    with pytest.raises(PlanError) as caught:
        constant_cell(bound("a"), ast.Default().span)
    assert caught.value.code == "E2005"


# Parameters


def test_parameters() -> None:
    given = Parameters([1, 2])
    assert given.unused == (0, 1)
    assert given.value(0, ast.Default().span) == 1
    with pytest.raises(UsageError, match="parameter 2"):
        given.check_all_used()
    for values, key, reason in (([], 0, "parameter 1 has no value: 0 given"), ({"a": 1}, 0, "have names"),
                                ([1], "a", "parameter :a")):
        with pytest.raises(PlanError, match=reason):
            Parameters(values).value(key, ast.Default().span)  # type: ignore[arg-type]


# Problems and their places


@pytest.mark.parametrize("text, code, place", [
    ("(1, 2)", "E3001", "(1, 2)"), ("@x", "E2002", "@x"), ("UPPER(*)", "E2004", "*"),
    ("UPPER(x -> x)", "E2004", "x -> x"), ("UPPER(DISTINCT a)", "E2004", "UPPER(DISTINCT a)"),
    ("VALUES(a)", "E2004", "VALUES(a)"), ("FILTER(a, b, x -> x)", "E2004", "FILTER(a, b, x -> x)"),
    ("FILTER(a, (x, y) -> x)", "E2004", "(x, y) -> x"), ("REDUCE(a, 0, (x, x) -> x)", "E2004", "(x, x) -> x"),
    ("REDUCE(a, x -> x)", "E2004", "REDUCE(a, x -> x)"), ("FILTER(5, x -> x)", "E2012", "5"), ("1 = ANY(5)", "E2012", "5"),
    ("(1, 2) = ANY(a)", "E3001", "(1, 2)"),
    ("INTERVAL 5", "E1004", "5"), ("1 AND a", "E2012", "1"), ("NOT 5", "E2012", "5"),
    ("CASE WHEN 5 THEN 1 END", "E2012", "5"), ("'{a}'::INT[]", "E2012", "'{a}'"), ("5::INT[]", "E2012", "5::INT[]"),
    ("'1'::INT[]", "E2012", "'1'"), ("'{1,}'::INT[]", "E2012", "'{1,}'"), ("'{{1}}'::INT[]", "E3001", "'{{1}}'"),
    ("a @> 'x'", "E2012", "'x'"), ("a @> '[NaN]'", "E2012", "'[NaN]'"), ("'x' <@ a", "E2012", "'x'"), ("JSON_MERGE_PATCH(a, '{b')", "E2012", "'{b'"),
    ("JSONB_SET(a, '{b}', 'x')", "E2012", "'x'"), ("a - '2024-01-01'", "E2012", "'2024-01-01'"), ("a - '2'", "E2012", "'2'"),
    ("a::INTEGR", "E2012", "INTEGR"), ("INTERVAL (a)", "E2005", "a"),
    ("INTERVAL (a) MONTH", "E3001", "INTERVAL (a) MONTH"), ("(SELECT 1)", "E3001", "(SELECT 1)"),
    ("EXISTS (SELECT 1)", "E3001", "EXISTS (SELECT 1)"), ("ARRAY(SELECT 1)", "E3001", "ARRAY(SELECT 1)"),
    ("a = ANY(SELECT 1)", "E3001", "a = ANY(SELECT 1)"), ("(a, b) = (SELECT 1, 2)", "E3001", "(a, b) = (SELECT 1, 2)"),
    ("DATE_TRUNC(a.c, b)", "E2005", "a.c"), ("ARRAY_LENGTH((SELECT 1))", "E3001", "(SELECT 1)"),
    ("DATE '2025-01-01' < 'soon'", "E2012", "'soon'"),
])
def test_problems_point_at_the_part_to_blame(text: str, code: str, place: str) -> None:
    assert problem(text) == (code, place)


def test_constants_only() -> None:
    environment = Environment(CONTEXT)
    assert bind_constant(parse_expression(Source("1 + 1")), environment).value == 2
    with pytest.raises(PlanError) as caught:
        bind_constant(parse_expression(Source("RANDOM()")), environment)
    assert caught.value.code == "E2005"


class Replacing:
    """Hooks that know the value of one expression, and of every query."""

    def replaced(self, expression: ast.Expr, binder: Binder) -> BoundExpr | None:
        return Constant(42, Type.INTEGER) if expression == parse_expression(Source("a + b")) else None

    def aggregate(self, call: ast.Call, aggregate: Any, binder: Binder) -> BoundExpr:
        return Constant(1, Type.INTEGER)

    def window(self, call: ast.Call, binder: Binder) -> BoundExpr:
        return Constant(2, Type.INTEGER)

    def subquery(self, kind: str, query: ast.Query, binder: Binder, **rest: Any) -> BoundExpr:
        return Constant(kind, Type.STRING)


def test_hooks() -> None:
    assert bound("(a + b) * 2", hooks=Replacing()) == Constant(84, Type.INTEGER)
    assert bound("COUNT(*) + ROW_NUMBER() OVER ()", hooks=Replacing()) == Constant(3, Type.INTEGER)
    kinds = {"(SELECT 1)": "scalar", "EXISTS (SELECT 1)": "exists", "a IN (SELECT 1)": "in", "a > ALL (SELECT 1)": "all",
             "(a, b) = (SELECT 1, 2)": "any", "ARRAY(SELECT 1)": "array"}
    for text, kind in kinds.items():
        assert bound(text, hooks=Replacing()) == Constant(kind, Type.STRING)


# Details


def test_a_lambda_variable_that_hides_nothing() -> None:
    assert value("ANY_MATCH(a, item -> item = ANY(b))", {"a": [1], "b": [1]}) is True


@pytest.mark.parametrize(("text", "expected"), [
    ("'x' = ANY(ARRAY['y', 'x'])", True), ("1 > ALL(ARRAY[0, NULL])", None), ("1 = ANY(NULL)", None),
    ("TRANSFORM([1, 2], x -> CASE WHEN x > 1 THEN x * 2 ELSE 0 END)", [0, 4]),
    ("REDUCE([1, 2], 10, (s, x) -> s + x)", 13),
    ("FILTER([1, 2, 3], x -> ANY_MATCH([2, 3], y -> y = x))", [2, 3]),
])
def test_lambdas_over_constants_are_worked_out_at_once(text: str, expected: Any) -> None:
    found = bound(text)
    assert isinstance(found, Constant)
    assert found.value == expected


@pytest.mark.parametrize("text", [
    "a = ANY(ARRAY[1])", "1 = ANY(a)", "TRANSFORM([1], x -> RANDOM())", "REDUCE([1], a, (s, x) -> s)",
    "TRANSFORM(['a'], x -> x REGEXP '[[:alpha:]]')",
])
def test_lambdas_that_need_a_row_or_the_server_stay(text: str) -> None:
    assert isinstance(bound(text), LambdaCall)


@pytest.mark.parametrize("text", ["NULLIF(NULL, a)", "CASE WHEN a = 1 THEN NULL WHEN b = 1 THEN NULL END", "COALESCE(NULL, NULL)"])
def test_what_is_always_null_is_a_constant(text: str) -> None:
    assert bound(text) == Constant(None, Type.NULL)


@pytest.mark.parametrize(("text", "expected"), [
    # The server fails on a $group with a choice between equal paths: "duplicate field".
    ("COALESCE(a, a)", "$a"), ("COALESCE(a, b, a)", {"$ifNull": ["$a", "$b"]}), ("IF(c = 1, a, a)", "$a"), ("NVL2(c, a, a)", "$a"),
    ("CASE WHEN a = 1 THEN b WHEN a = 2 THEN b ELSE b END", "$b"),
])
def test_choices_between_equal_paths(text: str, expected: Any) -> None:
    assert lower(bound(text), Layout(), CONTEXT).mql == expected


def test_choices_with_repeated_paths() -> None:
    made = lower(bound("CASE WHEN a = 1 THEN b WHEN a = 2 THEN c WHEN a = 3 THEN c ELSE b END"), Layout(), CONTEXT).mql
    assert [branch["then"] for branch in made["$switch"]["branches"]] == [{"$ifNull": ["$b", None]}, "$c", {"$ifNull": ["$c", None]}]


def test_long_chains_do_not_recurse() -> None:
    assert value(" OR ".join(f"a = {i}" for i in range(150)), {"a": 149}) is True


def test_row_tests() -> None:
    assert value("(a, b) IS NULL", {}) is True
    assert value("(a, b) IS NOT DISTINCT FROM (1, NULL)", {"a": 1}) is True
    assert value("(a, b) <> (1, 2)", {"a": 1, "b": 3}) is True
    assert value("(a, b) >= (1, 2)", {"a": 1, "b": 2}) is True
    assert value("a BETWEEN SYMMETRIC 5 AND 1", {"a": 3}) is True
    assert value("a !~ 'x' AND a ~* 'B'", {"a": "abc"}) is True
    assert value("a IS UNKNOWN", {}) is True


def test_dates_beside_texts() -> None:
    day = datetime(2025, 1, 1, tzinfo=UTC)
    assert value("'2025-01-01' = DATE '2025-01-01'") is True
    assert value("DATE '2025-01-01' IN ('2024-01-01', '2025-01-01')") is True
    assert value("a IN ('x', DATE '2025-01-01')", {"a": day}) is True


def test_field_references() -> None:
    assert field_reference("$$new", ()) == "$$new"
    assert field_reference("$x", ("a", "b")) == "$x.a.b"
    assert field_reference("$$ROOT", ("a", "b.c", "d")) == {"$getField": {
        "field": {"$literal": "d"}, "input": {"$getField": {"field": {"$literal": "b.c"}, "input": "$a"}}}}


def test_months_are_not_stored() -> None:
    month = Constant(Interval(months=1), Type.MONTHS)
    with pytest.raises(PlanError, match="months"):
        lower_value(month, Layout(), CONTEXT)
    for text in ("CASE WHEN a THEN INTERVAL '1 month' ELSE 1 END", "CASE WHEN a THEN 1 ELSE INTERVAL '1 month' END"):
        with pytest.raises(PlanError, match="months"):
            lower(bound(text), Layout(), CONTEXT)


@pytest.mark.parametrize("text, months, milliseconds", [
    ("7 days", 0, 604_800_000), ("1 month 2 days", 1, 172_800_000), ("55 minutes", 0, 3_300_000),
    ("02:30", 0, 9_000_000), ("-00:00:01.5", 0, -1_500), ("3 days ago", 0, -259_200_000), ("1 year, 2 mons", 14, 0),
    ("P1Y2M3DT4H5M6S", 14, 273_906_000), ("-P1D", 0, -86_400_000), ("P-1D", 0, -86_400_000), ("-P-1D", 0, 86_400_000),
    ("1.5 hours", 0, 5_400_000), ("- 5 s", 0, -5_000), ("250 ms", 0, 250), ("2 centuries", 2400, 0), ("1 decade", 120, 0),
])
def test_intervals(text: str, months: int, milliseconds: int) -> None:
    assert parse_interval(text) == Interval(months, milliseconds)


@pytest.mark.parametrize("text", ["", "5", "days", "1.5 months", "Pxyz", "5 us", "5 moons", "99999999 years", "1e5 days"])
def test_intervals_that_can_not_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r'.'):
        parse_interval(text)


def test_amounts_that_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="no number"):
        multiply_interval("x", "DAY")
    with pytest.raises(ValueError, match="no number"):
        multiply_interval("Infinity", "MONTH")
    assert value("INTERVAL (a) HOUR", {"a": 2}) == 7_200_000
    assert value("INTERVAL (NULL) DAY") is None


def test_casts() -> None:
    assert value("CAST('5' AS INT) + TRY_CAST('x' AS INT)") is None
    assert value("a::DECIMAL(10, 1)", {"a": "1.25"}) == Decimal128("1.3")
    assert problem("CAST(a AS KLINGON)") == ("E2012", "KLINGON")


def test_only_conditions_are_conditions() -> None:
    assert value("TRUE AND TRUE") is True
    assert value("FALSE OR FALSE") is False
    assert value("CASE WHEN FALSE THEN 1 END") is None
    assert value("TRUE AND a", {"a": 5}) is None


def test_what_functions_find_wrong_when_lowered_or_folded() -> None:
    with pytest.raises(PlanError) as caught:
        lower(bound("a SIMILAR TO b"), Layout(), CONTEXT)
    assert caught.value.code == "E2005"

    def refuse(*values: Any) -> Any:
        raise FunctionProblem("E2019", "too large")

    made = {"help": "", "example": "", "parameters": (Parameter("x"),), "lower": lambda x: x}
    for fold, error in ((refuse, RowRefused), (lambda x: UNKNOWN, RowRefused)):
        call = Call(Function(name="F", fold=fold, **made), (Column("", ("a",)),), Type.ANY)  # type: ignore[arg-type]
        check_evaluable(call)
        with pytest.raises(error):
            evaluate(call, lambda column: 1, CONTEXT)
    served = Call(Function(name="F", **made), (Column("", ("a",)),), Type.INTEGER)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="F is worked out by the server"):
        check_evaluable(served)
    assert lower(served, Layout(), CONTEXT).type is Type.INTEGER
    for text in ("CASE WHEN a THEN b END", "FILTER(a, x -> x > 1)", "REDUCE(a, 0, (s, x) -> s + x)"):
        check_evaluable(bound(text))


def test_what_python_reads_differently_is_left_to_the_server() -> None:
    assert isinstance(bound("'a' REGEXP '[[:alpha:]]'"), Call)
    assert isinstance(bound("RANDOM()"), Call)


def test_names_that_no_field_can_have() -> None:
    for name in ("", "$a", "a\0b"):
        with pytest.raises(PlanError):
            checked_name(name, ast.Default().span)


def test_columns_of_json() -> None:
    assert bound("a->'b'") == Column("", ("a", "b"))
    assert bound("(a->'b').c") == Column("", ("a", "b", "c"))
    assert not isinstance(bound("JSON_EXTRACT(a, b)"), Column)
    assert not isinstance(bound("JSON_EXTRACT(COALESCE(a, b), '$.c')"), Column)


@pytest.mark.parametrize("text, array, string", [
    ("a || 'x'", ["p", "x"], "px"), ("'x' || a", ["x", "p"], "xp"), ("a || b", ["p", 1], "p1"), ("b || a", [1, "p"], "1p"),
    ("a || none", ["p", None], None), ("a || c", ["p", "q"], None), ("a || (b || 'x')", ["p", "1x"], "p1x"),
])
def test_a_field_that_holds_an_array_grows(text: str, array: Any, string: Any) -> None:
    assigned = added_to(("a",), bound(text), CONTEXT)
    for held, expected in ((["p"], array), ("p", string)):
        row = {"a": held, "b": 1, "c": ["q"]}
        assert evaluate(assigned, lambda column, row=row: step_into(row, column.path), CONTEXT) == expected  # type: ignore[misc]


@pytest.mark.parametrize("text", ["b || 'x'", "a::TEXT || 'x'", "a || {k: 1}", "a + 1", "a", "a || 'x' || 'y'"])
def test_other_values_are_assigned_as_they_are(text: str) -> None:
    assert added_to(("a",), bound(text), CONTEXT) == bound(text)
