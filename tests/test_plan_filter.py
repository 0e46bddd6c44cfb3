"""Filters: the match language, the aggregation language and Python select the same rows, on documents of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pymongo.database import Database

from sqlbulk.errors import PlanError, Source
from sqlbulk.functions.comparison import is_true
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.binding.evaluate import evaluate, step_into
from sqlbulk.plan.binding.scope import Scope, collection_source
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.filter import match, native_filter
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.syntax.parser import parse_expression

CONTEXT = Context(datetime(2025, 1, 1, tzinfo=UTC))
SCOPE = Scope((collection_source("t"),))

VALUES: list[Any] = [
    None, True, False, 0, 1, 2.5, -1, Decimal128("1"), "", "a", "ab", "a%", "$a", "1", datetime(2025, 1, 1, tzinfo=UTC),
    ObjectId("0123456789abcdef01234567"), b"x", {}, {"b": 1}, {"b": None}, {"b": "a"}, {"b": [1, "a"]},
    {"b": {"c": 1}}, [], [1], [None], ["a", 2], [[1]], [{"b": 1}], [{"b": None}, 5], [{"c": 1}], [[{"b": 1}]],
    {"b": [{"c": 1}]}, [{"b": [1]}], {"0": 1}, "0123456789abcdef01234567",
]
NUMBERS: list[Any] = [
    float("nan"), Decimal128("NaN"), Decimal128("-NaN"), float("inf"), float("-inf"), Decimal128("Infinity"),
    Decimal128("-Infinity"), -0.0, 0, Decimal128("1"), 2.5, -(2**63),
]
DOCUMENTS: list[dict[str, Any]] = [
    {}, *({"a": v} for v in VALUES), *({"a": v, "d": w} for v in VALUES[::3] for w in (True, None, 1, [True])),
    *({"a": v, "d": w} for v in NUMBERS for w in (*NUMBERS, None, "a")), *({"d": v} for v in NUMBERS),
    *({"a": v} for n in NUMBERS for v in ([n], {"b": n}, {"b": [n]}, [{"b": n}]))]

_PATHS = ("a", "a.b", "a.b.c", "d", "_id", '"a"."0"')
_CONSTANTS = (
    "1", "2.5", "'a'", "'ab'", "'$a'", "TRUE", "FALSE", "NULL", "DECIMAL '1.0'", "DATE '2025-01-01'", "''", "-1",
    "'0123456789abcdef01234567'", "JSON_ARRAY(1)", "JSON_OBJECT('b', 1)", *(
        f"CAST('{number}' AS {name})" for number in ("NaN", "Infinity", "-Infinity") for name in ("DOUBLE", "DECIMAL")),
    "-0.0",
)
_paths, _constants = some.sampled_from(_PATHS), some.sampled_from(_CONSTANTS)
_values = some.one_of(
    _paths, _constants, some.builds("({} + {})".format, _paths, some.sampled_from(["1", "a", "d"])),
    some.builds("GREATEST({}, {})".format, _paths, some.one_of(_paths, _constants)),
    some.builds("CAST({} AS {})".format, _paths, some.sampled_from(["DOUBLE", "INT", "DECIMAL", "BOOLEAN"])))
_signs = some.sampled_from(["=", "<>", "<", "<=", ">", ">=", "<=>"])
_simple = some.one_of(
    some.builds("{} {} {}".format, _paths, _signs, _constants),
    some.builds("{} {} {}".format, _constants, _signs, _paths),
    some.builds("{} {} {}".format, _values, _signs, _values).filter(lambda condition: not _refused(condition)),
    some.builds("{} {}IN ({}, {})".format, _paths, some.sampled_from(["", "NOT "]), _constants, _constants),
    some.builds("{} IS {}{}".format, _paths, some.sampled_from(["", "NOT "]),
                some.sampled_from(["NULL", "TRUE", "FALSE", "MISSING"])),
    some.builds("{} IS {}DISTINCT FROM {}".format, _paths, some.sampled_from(["", "NOT "]), _constants),
    some.builds("{} {}BETWEEN {} AND {}".format, _paths, some.sampled_from(["", "NOT "]), _constants, _constants),
    some.builds("{} {}LIKE '{}'".format, _paths, some.sampled_from(["", "NOT "]),
                some.sampled_from(["a%", "a", r"a\%", "%b", "_", "", "a_", "%", "$%"])),
    _paths,
)
CONDITIONS = some.recursive(
    _simple,
    lambda inner: some.one_of(
        some.builds("({} AND {})".format, inner, inner), some.builds("({} OR {})".format, inner, inner),
        some.builds("(NOT {})".format, inner)),
    max_leaves=5,
)


def _refused(condition: str) -> bool:
    """Whether it compares a text with a date that can't be read as one."""
    try:
        bound(condition)
    except PlanError as error:
        return error.code == "E2012"
    return False


def bound(text: str) -> BoundExpr:
    return bind(parse_expression(Source(text)), SCOPE, Environment(CONTEXT))


@pytest.fixture(scope="module")
def stored(server_uri: str, module_database: str) -> Any:
    from pymongo import MongoClient

    with MongoClient[Any](server_uri, tz_aware=True) as client:
        collection = client[module_database]["t"]
        collection.insert_many([{"_id": i, **d} for i, d in enumerate(DOCUMENTS)])
        collection.create_index("a")
        collection.create_index("a.b")
        yield collection


def ids(collection: Any, query: Any) -> list[int]:
    return sorted(d["_id"] for d in collection.find(query, {"_id": 1}))


@settings(max_examples=400, deadline=None)
@given(condition=CONDITIONS)
def test_no_condition_becomes_an_empty_filter(condition: str) -> None:
    assert match(bound(condition), Layout(), CONTEXT) != {}


@pytest.mark.server
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS)
def test_all_ways_select_the_same_rows(stored: Any, condition: str) -> None:
    expression = bound(condition)
    native = match(expression, Layout(), CONTEXT)
    assert native != {}
    by_match = ids(stored, native)
    lowered = lower(expression, Layout(), CONTEXT)
    by_expression = ids(stored, {"$expr": is_true(lowered)})
    assert by_match == by_expression, (condition, native)
    values = [d.get("v") for d in stored.aggregate([{"$sort": {"_id": 1}}, {"$project": {"v": [lowered.mql]}},
                                                    {"$project": {"v": {"$first": "$v"}}}])]
    assert by_match == [i for i, value in enumerate(values) if value is True], (condition, native)
    if "MISSING" not in condition:
        in_python = [
            evaluate(expression, lambda c, i=i, d=d: step_into({"_id": i, **d}, c.path), CONTEXT)  # type: ignore[misc]
            for i, d in enumerate(DOCUMENTS)]
        assert [_truth_value(v) for v in in_python] == [_truth_value(v) for v in values], (condition, native)


def _truth_value(value: Any) -> bool | None:
    """True for TRUE, None for NULL and what else is no boolean."""
    return value if isinstance(value, bool) else None


def test_no_order_comparison_with_nan_is_true_in_any_way() -> None:
    for sign in ("<", "<=", ">", ">="):
        for nan in ("CAST('NaN' AS DOUBLE)", "CAST('NaN' AS DECIMAL)"):
            for condition in (f"a {sign} {nan}", f"{nan} {sign} a", f"NOT a {sign} {nan}", f"{nan} {sign} 1"):
                assert match(bound(condition), Layout(), CONTEXT) == {"$expr": False}, condition


@pytest.mark.server
@pytest.mark.parametrize("condition, low", [
    ("a = 1", 1), ("a IN (1, 2)", 1), ("a > 1 AND a < 5", 1), ("a LIKE 'ab%'", "ab"), ("a BETWEEN 1 AND 2", 1),
    ("a = 1 AND b + c > 2", 1), ("JSON_EXTRACT(k, '$.m') = 1", 1), ("x.y >= DATE '2025-01-01'", None),
])
def test_indexes_serve_what_they_can(database: Database[dict[str, Any]], condition: str, low: Any) -> None:
    collection = database["t"]
    collection.insert_many([{"a": i, "k": {"m": i}, "x": {"y": datetime(2025, 1, 1, tzinfo=UTC)}} for i in range(50)])
    for key in ("a", "k.m", "x.y"):
        collection.create_index(key)
    plan = collection.find(match(bound(condition), Layout(), CONTEXT)).explain()["queryPlanner"]["winningPlan"]
    plan = plan.get("queryPlan", plan)
    scan = plan
    while scan["stage"] != "IXSCAN":
        scan = scan["inputStage"]
    interval = next(iter(scan["indexBounds"].values()))[0]
    assert "MinKey" not in interval
    assert low is None or str(low) in interval


@pytest.mark.parametrize("condition", [
    "CASE WHEN a THEN b END", "NOT CASE WHEN a THEN b END", "NOT a IN (b)", "a LIKE b", "NOT a LIKE 'x'", "NOT (a = 1 OR b = c)",
    "a IN (b, 1)", "NOT (a <=> b)", "a ILIKE 'x'", "UPPER(a) LIKE 'X%'", "NOT (NOT (a = b))", "a + 1 IS NULL", "NOT 1 IN (a)", "NOT a + 1 IS NULL",
])
def test_what_only_the_aggregation_language_can_say(condition: str) -> None:
    assert native_filter(bound(condition), Layout()) is None
    assert list(match(bound(condition), Layout(), CONTEXT)) == ["$expr"]


def test_no_value_can_be_in_a_list_of_nulls() -> None:
    assert match(bound("a IN (NULL, NULL)"), Layout(), CONTEXT) == {"$expr": False}
    assert native_filter(bound("a IN (NULL)"), Layout({"": "$$new"})) is None


def test_what_the_match_language_cannot_name_goes_to_expr() -> None:
    layout = Layout({"": "$$new"})
    assert native_filter(bound("a = 1"), layout) is None
    assert native_filter(bound("a <> 1"), layout) is None
    assert native_filter(bound("a IN (1, 2)"), layout) is None
    assert native_filter(bound("a = 1 OR b <> 2"), layout) is None
    assert native_filter(bound("NOT (a = 1 OR b = 2)"), layout) is None
    assert native_filter(bound("NOT (a = 1 AND b = 2)"), layout) is None
    assert Layout({"": "$joined"}).match_path(bound("a.b")) == "joined.a.b"  # type: ignore[arg-type]
