"""Every function: its example holds, its Python value is the server's, and what it can't take it refuses by code."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from function_cases import CONTEXT, NOW, Fixed, fits_type, python_value, run_cases, same, server_form, typed_cases
from function_tables import TABLES
from pymongo.database import Database

import sqlbulk
from sqlbulk.errors import PlanError, Source, UnsupportedError
from sqlbulk.functions import (
    AGGREGATES,
    FUNCTIONS,
    UNSUPPORTED,
    WINDOW_FUNCTIONS,
    constant,
    fold_call,
    literal,
    lower_call,
    resolve,
    resolve_aggregate,
)
from sqlbulk.functions.gathering import gathered, unique
from sqlbulk.functions.registry import UNKNOWN, Aggregate, Context, Function, FunctionProblem, Operand, OrderKey
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import Constant
from sqlbulk.plan.binding.evaluate import evaluate
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.types import MISSING, Interval, Type

ENTRIES = list({id(f): f for overloads in FUNCTIONS.values() for f in overloads}.values())
AGGREGATE_ENTRIES = list({id(a): a for a in AGGREGATES.values()}.values())


# Entries


@pytest.mark.parametrize("function", ENTRIES, ids=lambda f: f"{f.name}-{len(f.parameters)}")
def test_the_example_holds(function: Function) -> None:
    bound = bind(parse_expression(Source(function.example)), Scope(), Environment(CONTEXT))
    assert isinstance(bound, Constant) or function.volatile
    assert evaluate(bound, lambda column: None, CONTEXT) is True


@pytest.mark.parametrize("function", ENTRIES, ids=lambda f: f"{f.name}-{len(f.parameters)}")
def test_entries_are_complete(function: Function) -> None:
    assert function.help.endswith((".", "…")), function.name
    assert function.fold is not None
    assert all(name == name.upper() for name in (function.name, *function.aliases))


def test_there_are_enough_functions() -> None:
    assert len({f.name for f in ENTRIES}) >= 180
    assert not set(UNSUPPORTED) & (set(FUNCTIONS) | set(AGGREGATES))
    assert not set(WINDOW_FUNCTIONS) & set(AGGREGATES)


@pytest.mark.parametrize("aggregate", AGGREGATE_ENTRIES, ids=lambda a: a.name)
def test_aggregate_examples_can_be_read(aggregate: Aggregate) -> None:
    assert parse_expression(Source(aggregate.example))
    assert resolve_aggregate(aggregate.name.lower()) is aggregate


@pytest.mark.server
@pytest.mark.parametrize("aggregate", AGGREGATE_ENTRIES, ids=lambda a: a.name)
def test_aggregate_examples_hold(aggregate: Aggregate, database: Database[dict[str, Any]], server_uri: str) -> None:
    database["t"].insert_one({"x": 1})
    with sqlbulk.connect(server_uri, database=database.name) as session:
        assert list(session.execute(f"SELECT {aggregate.example} FROM t").rows) == [(True,)]


WINDOWS: dict[str, list[Any]] = {
    "ROW_NUMBER": [1, 2, 3, 4, 5], "RANK": [1, 2, 2, 4, 5], "DENSE_RANK": [1, 2, 2, 3, 4],
    "PERCENT_RANK": [0, 0.25, 0.25, 0.75, 1], "CUME_DIST": [0.2, 0.6, 0.6, 0.8, 1], "NTILE": [1, 1, 2, 3, 4],
    "LAG": [None, 10, 20, 20, 30], "LEAD": [20, 20, 30, 40, None], "FIRST_VALUE": [10, 10, 10, 10, 10],
    "LAST_VALUE": [10, 20, 20, 30, 40], "NTH_VALUE": [None, 20, 20, 20, 20],
}


@pytest.mark.server
@pytest.mark.parametrize("name", WINDOW_FUNCTIONS)
def test_window_examples_mean_what_they_should(
    name: str, database: Database[dict[str, Any]], server_uri: str
) -> None:
    """Over x = 10, 20, 20, 30, 40, where the two 20 have no order."""
    database["t"].insert_many([{"x": x} for x in (40, 20, 10, 30, 20)])
    with sqlbulk.connect(server_uri, database=database.name) as session:
        rows = list(session.execute(f"SELECT x, {WINDOW_FUNCTIONS[name].example} FROM t").rows)
    in_order = sorted(rows, key=lambda row: (row[0], row[1] is not None and row[1]))
    assert in_order == list(zip([10, 20, 20, 30, 40], WINDOWS[name], strict=True))


# Python and the server


@pytest.mark.parametrize("table", TABLES)
def test_every_case_lowers_and_folds(table: str) -> None:
    zones = ("UTC", "Europe/Paris", "+05:30") if table in ("time", "formats", "making") else ("UTC",)
    lowered: dict[Any, Operand] = {}
    for zone in zones:
        context = Context(NOW, zone)
        for name, arguments in TABLES[table]():
            shape = (zone, name, *(repr(a) if isinstance(a, Fixed) else None for a in arguments))
            if shape not in lowered:
                lowered[shape] = server_form(name, arguments, context)
            value = python_value(name, arguments, context)
            if value is not UNKNOWN and value is not None:
                assert fits_type(value, lowered[shape].type), (name, arguments)
            assert value is not None or lowered[shape].nullable, (name, arguments)


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_python_gives_what_the_server_gives(table: str, database: Database[dict[str, Any]]) -> None:
    zones = ("UTC", "Europe/Paris", "+05:30") if table in ("time", "formats") else ("UTC",)
    cases = list(TABLES[table]())
    for zone in zones:
        assert run_cases(database, cases, Context(NOW, zone)) == []


@pytest.mark.parametrize("table", TABLES)
def test_calls_of_known_types_lower(table: str) -> None:
    assert typed_cases(list(TABLES[table]()))


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_known_types_change_no_answer(table: str, database: Database[dict[str, Any]]) -> None:
    assert run_cases(database, typed_cases(list(TABLES[table]())), typed=True) == []


# Aggregates


GROUPS: list[list[Any]] = [
    [], [None], [None, None], [1], [1, 2, 3, 4], [1, 1, 2, 2.5, None, 7], [3, -1, 2**40, 5], ["b", "a", "b", "a", None],
    [True, False, None], [True, True], [Decimal128("1.5"), 2, None], ["x", 5, None, True],
    [float(n * 37 % 101 - 50) for n in range(21)], [-5, 6, 255, 2**62, -(2**63)], [[1], [1], [2]],
    [datetime(2024, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)],
]


def rows_of(aggregate: Aggregate, values: list[Any]) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """The arguments of the accumulation, and the rows for Python."""
    if aggregate.name.startswith("PERCENTILE"):
        return [0.3, "$v"], [(0.3, v) for v in values]
    if aggregate.name == "JSON_OBJECTAGG":
        return ["$k", "$v"], [(f"k{i % 3}", v) for i, v in enumerate(values)]
    return ["$v"], [(v,) for v in values]


def close(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9) or same(left, right)
    return same(left, right)


def stored(values: list[Any]) -> list[dict[str, Any]]:
    """Rows of the values, some NULLs left out, after one without any."""
    rows = [{"_id": i, "k": f"k{i % 3}", **({} if v is None and i % 2 else {"v": v})} for i, v in enumerate(values)]
    return [{"_id": -1}, *rows]


@pytest.mark.parametrize("aggregate", AGGREGATE_ENTRIES, ids=lambda a: a.name)
@pytest.mark.server
def test_aggregates(aggregate: Aggregate, database: Database[dict[str, Any]]) -> None:
    for values in GROUPS:
        collection = database["rows"]
        collection.drop()
        collection.insert_many(stored(values))
        arguments, rows = rows_of(aggregate, values)
        for distinct in (False, True) if aggregate.distinct else (False,):
            accumulation = aggregate.accumulate(*arguments, distinct=distinct)
            names = [f"x{i}" for i in range(len(accumulation.accumulators))]
            finish = {"r": accumulation.finish(*(f"${n}" for n in names))}
            assert aggregate.fold is not None
            expected = aggregate.fold(rows, distinct=distinct)
            group = {"_id": None, **dict(zip(names, accumulation.accumulators, strict=True))}
            found = next(iter(collection.aggregate([{"$sort": {"_id": 1}}, {"$group": group}, {"$replaceWith": finish}])))
            assert close(found.get("r"), expected), (values, distinct)
            window = {n: {**a, "window": {"documents": ["unbounded", "unbounded"]}}
                      for n, a in zip(names, accumulation.accumulators, strict=True)}
            stage = {"$setWindowFields": {"partitionBy": None, "sortBy": {"_id": 1}, "output": window}}
            found = next(iter(collection.aggregate([stage, {"$limit": 1}, {"$replaceWith": finish}])))
            assert close(found.get("r"), expected), (values, distinct, "window")


@pytest.mark.parametrize("aggregate", AGGREGATE_ENTRIES, ids=lambda a: a.name)
def test_aggregates_fold_and_accumulate(aggregate: Aggregate) -> None:
    for values in GROUPS:
        arguments, rows = rows_of(aggregate, values)
        for distinct in (False, True):
            accumulation = aggregate.accumulate(*arguments, distinct=distinct)
            assert all(re.match(r"\$[a-z]", *a) for a in accumulation.accumulators)
            assert "$x" in str(accumulation.finish(*("$x" for _ in accumulation.accumulators)))
        assert aggregate.fold is not None
        value = aggregate.fold(rows, distinct=False)
        assert same(aggregate.fold([], distinct=False), aggregate.empty)
        assert value is not None or aggregate.empty is None
        if aggregate.distinct:
            once = [(v,) for v in unique([r[0] for r in rows])]
            assert close(aggregate.fold(rows, distinct=True), aggregate.fold(once, distinct=False))


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("SUM", Type.INTEGER, Type.INTEGER), ("SUM", Type.DURATION, Type.DURATION), ("SUM", Type.ANY, Type.NUMBER),
        ("AVG", Type.INTEGER, Type.DOUBLE), ("AVG", Type.DECIMAL, Type.DECIMAL), ("AVG", Type.ANY, Type.NUMBER),
        ("MIN", Type.STRING, Type.STRING), ("LAST", Type.DATE, Type.DATE), ("PERCENTILE_DISC", Type.DATE, Type.DATE),
    ],
)
def test_the_types_of_aggregates(name: str, known: Type, expected: Type) -> None:
    returns = AGGREGATES[name].returns
    assert not isinstance(returns, Type)
    assert returns([known]) is expected


def test_what_count_counts() -> None:
    count = AGGREGATES["COUNT"]
    assert count.accumulate().accumulators == ({"$sum": 1},)
    both = {"$and": [{"$gt": ["$a", None]}, {"$gt": ["$b", None]}]}
    assert count.accumulate("$a", "$b").accumulators == ({"$sum": {"$cond": [both, 1, 0]}},)
    once = count.accumulate("$a", "$b", distinct=True)
    assert once.accumulators == ({"$addToSet": {"$cond": [both, ["$a", "$b"], "$$REMOVE"]}},)
    assert once.finish("$x") == {"$size": "$x"}
    assert count.fold is not None
    rows = [(1, 2), (1, 2), (1, None), (1, 3)]
    assert (count.fold(rows), count.fold(rows, distinct=True)) == (3, 2)


def test_several_fractions_at_once() -> None:
    rows = [([0, 0.5, 1], v) for v in (3, 1, 2, None)]
    for name, expected in (("PERCENTILE_CONT", [1.0, 2.0, 3.0]), ("PERCENTILE_DISC", [1, 2, 3])):
        fold = AGGREGATES[name].fold
        assert fold is not None
        assert fold(rows) == expected
        assert fold(rows[3:]) is None


def test_how_the_order_inside_an_aggregate_is_kept() -> None:
    keys = (OrderKey("$k", nulls_first=True), OrderKey("$v", descending=True))
    gathering = gathered("$v", order=keys)
    row = {"value": "$v", "null0": {"$lte": ["$k", None]}, "key0": "$k", "null1": {"$lte": ["$v", None]}, "key1": "$v"}
    assert gathering.accumulators == ({"$push": {"$cond": [{"$gt": ["$v", None]}, row, "$$REMOVE"]}},)
    by = {"null0": -1, "key0": 1, "null1": 1, "key1": -1}
    assert gathering.finish("$x") == {"$map": {"input": {"$sortArray": {"input": "$x", "sortBy": by}}, "in": "$$this.value"}}
    for key, direction in ((OrderKey("$v"), 1), (OrderKey("$v", descending=True), -1)):
        assert gathered("$v", distinct=True, order=(key,)).finish("$x")["$sortArray"]["sortBy"] == direction


@pytest.mark.server
def test_the_order_inside_an_aggregate(database: Database[dict[str, Any]]) -> None:
    database["rows"].insert_many([{"v": v, "k": k} for v, k in (("a", 2), ("b", None), ("c", 1), ("d", 2))])
    for keys, expected in (
        ((OrderKey("$k"), OrderKey("$v", descending=True)), ["c", "d", "a", "b"]),
        ((OrderKey("$k", descending=True, nulls_first=True), OrderKey("$v")), ["b", "a", "d", "c"]),
    ):
        for name, result in (("ARRAY_AGG", expected), ("FIRST", expected[0]), ("LAST", expected[-1])):
            accumulation = AGGREGATES[name].accumulate("$v", order=keys)
            stages = [{"$group": {"_id": None, "x": accumulation.accumulators[0]}},
                      {"$replaceWith": {"r": accumulation.finish("$x")}}]
            assert next(iter(database["rows"].aggregate(stages)))["r"] == result


@pytest.mark.server
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x)", 1.75), ("MEDIAN(z)", 3.0), ("MEDIAN(x)", 2.0),
        ("PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x DESC)", 4.0), ("BIT_XOR(DISTINCT x)", 9),
        ("MEDIAN(DISTINCT GREATEST(x, 2))", 6.0), ("MEDIAN(GREATEST(x, 2))", 2.0),
        ("PERCENTILE_CONT(DECIMAL '0.25') WITHIN GROUP (ORDER BY x)", 1.75), ("BIT_XOR(x)", 11),
        ("PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY x)", 1), ("SUM(DISTINCT x)", 13),
        ("PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY x DESC)", 10),
        ("MODE() WITHIN GROUP (ORDER BY _id)", 1), ("MODE() WITHIN GROUP (ORDER BY _id DESC)", 4),
        ("ARRAY_AGG(DISTINCT x ORDER BY x DESC)", [10, 2, 1]), ("ARRAY_AGG(y ORDER BY x DESC, y)", ["d", "b", "c", "a"]),
        ("ARRAY_AGG(y ORDER BY z NULLS FIRST, y DESC)", ["d", "c", "b", "a"]),
        ("STRING_AGG(DISTINCT x, '-' ORDER BY x DESC)", "10-2-1"), ("STRING_AGG(DISTINCT x)", "1,2,10"),
        ("STRING_AGG(y, '' ORDER BY _id DESC)", "dcba"), ("FIRST(y ORDER BY x DESC)", "d"),
        ("JSON_OBJECTAGG(x, y ORDER BY y)", {"1": "a", "2": "c", "10": "d"}),
        ("JSON_OBJECTAGG(x, y ORDER BY y DESC)", {"1": "a", "2": "b", "10": "d"}),
    ],
)
def test_order_and_distinct_inside_aggregates(
    expression: str, expected: Any, database: Database[dict[str, Any]], server_uri: str
) -> None:
    rows = ((1, 1, "a", 6), (2, 2, "b", 3), (3, 2, "c", 2), (4, 10, "d", None))
    database["t"].insert_many([{"_id": i, "x": x, "y": y, "z": z} for i, x, y, z in rows])
    with sqlbulk.connect(server_uri, database=database.name) as session:
        assert list(session.execute(f"SELECT {expression} FROM t").rows) == [(expected,)]


# Resolution


def problem(name: str, *types: Type) -> FunctionProblem:
    with pytest.raises(FunctionProblem) as caught:
        resolve(name, types)
    return caught.value


def refusal(name: str, *arguments: Any) -> FunctionProblem:
    """Why a call isn't taken: Fixed arguments are constants, others stored values."""
    with pytest.raises(FunctionProblem) as caught:
        server_form(name, arguments, CONTEXT)
    return caught.value


@pytest.mark.parametrize("document", [{"a": 1}, Fixed({"a": 1})], ids=["stored", "constant"])
@pytest.mark.parametrize("path", ["", " ", "$.", "$[", "a..b", "$[99999999999]", "$a", "a\0"])
def test_a_constant_that_is_no_path_is_refused(document: Any, path: str) -> None:
    """Whatever the document: the same call is taken or refused for all of its rows."""
    for name in ("JSON_EXTRACT", "JSON_VALUE", "JSON_LENGTH", "JSON_REMOVE"):
        assert (refusal(name, document, Fixed(path)).code, refusal(name, document, Fixed(path)).argument) == ("E2004", 1)
    assert refusal("JSON_CONTAINS", document, Fixed(1), Fixed(path)).argument == 2
    assert refusal("JSON_SET", document, Fixed("$.a"), Fixed(1), Fixed(path), Fixed(1)).argument == 3
    assert refusal("JSON_CONTAINS_PATH", document, Fixed("one"), Fixed(path)).code == "E2004"


def test_constants_that_no_call_can_take_are_refused() -> None:
    assert refusal("JSON_SET", {}, Fixed("$.a[*]"), 1).code == "E3001"
    assert refusal("JSON_REMOVE", {}, Fixed("$")).message == "'$' itself can't be removed"
    assert refusal("JSON_ARRAY_INSERT", {}, Fixed("$.a"), 1).code == "E2004"
    assert refusal("JSON_ARRAY_INSERT", {}, Fixed("$"), 1).code == "E2004"
    assert refusal("JSON_CONTAINS_PATH", {}, Fixed("some"), Fixed("$.a")).argument == 1
    assert refusal("->", {}, Fixed("$.")).argument == 1
    assert refusal("CAST:STRING", 1, Fixed(-1)).message == "the length of a text is 0 to 2147483647, not -1"
    assert refusal("CAST:TIMESTAMP", 1, Fixed(7)).code == "E2004"
    assert refusal("CAST:DECIMAL", 1, Fixed(0)).code == "E2004"
    assert refusal("CAST:BINARY", 1, Fixed(16)).code == "E2004"
    assert refusal("REGEXP", "a", Fixed("a\\")).code == "E2004"


def test_a_whole_number_may_be_written_as_a_decimal() -> None:
    written = server_form("ROUND", (1.25, Fixed(Decimal128("1.00"))), CONTEXT)
    assert written == server_form("ROUND", (1.25, Fixed(1)), CONTEXT)


@pytest.mark.parametrize("path", ["", "$.", "$[*]", "$.a[*].b", "$[99999999999]"])
def test_a_stored_text_that_leads_to_no_place_changes_nothing_into_null(path: str) -> None:
    assert python_value("JSON_SET", ({"a": [1]}, path, 2)) is None


def test_hashes_are_worked_out_here() -> None:
    assert python_value("MD5", ("ä",)) == "8419b71c87a225a2c70b50486fbee545"
    assert python_value("SHA1", (b"a",)) == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
    assert python_value("SHA2", ("a", 0)) == python_value("SHA256", ("a",)) == python_value("SHA2", ("a", 256))
    assert python_value("SHA2", ("a", 255)) is python_value("SHA512", (5,)) is python_value("MD5", (None,)) is None
    for name, *rest in (("MD5",), ("SHA",), ("SHA2", Fixed(256))):
        assert refusal(name, "a", *rest).code == "E3001"
        assert "the server has no expression for it" in refusal(name, "a", *rest).message


def test_what_is_not_there() -> None:
    unknown = problem("UPER", Type.STRING)
    assert (unknown.code, unknown.hint) == ("E2003", "did you mean UPPER?")
    assert problem("QQQQQQQQ").hint == "SHOW FUNCTIONS lists them"
    assert problem("CRC32", Type.STRING).code == "E3001"
    assert problem("UPPER").message == "UPPER takes 1 argument, not 0"
    assert problem("PI", Type.ANY).message == "PI takes no arguments, not 1"
    assert problem("SUBSTRING", Type.STRING).message == "SUBSTRING takes 2 to 3 arguments, not 1"
    assert problem("COALESCE").message == "COALESCE takes 1 or more arguments, not 0"
    assert problem("JSON_OBJECT", Type.STRING).code == "E2004"
    assert problem("JSON_SET", Type.ANY, Type.STRING, Type.ANY, Type.ANY).code == "E2004"
    misfit = problem("LEFT", Type.STRING, Type.STRING)
    assert (misfit.code, misfit.argument) == ("E2012", 1)
    assert problem("+", Type.DATE, Type.INTEGER).code == "E2012"
    assert problem("+", Type.STRING, Type.INTEGER).argument == 0


@pytest.mark.parametrize("name", UNSUPPORTED)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT {}(x) FROM t", "SELECT {}()", "SELECT {}(DISTINCT x) FROM t", "SELECT {}(x) OVER (ORDER BY x) FROM t",
        "SELECT {}(x) FILTER (WHERE x > 1) FROM t", "DELETE FROM t WHERE {}(x) = 1", "UPDATE t SET a = {}(x) WHERE a = 1",
        "INSERT INTO t SELECT {}(x) AS a FROM u", "INSERT INTO t (a) VALUES ({}('x'))",
    ],
)
def test_unsupported_names_are_refused_with_their_reason(name: str, statement: str) -> None:
    text = statement.format(name)
    with pytest.raises(UnsupportedError) as caught:
        for step in sqlbulk.translate(text).steps:
            if (rows := getattr(step, "rows", None)) is not None:
                list(rows.open())
    assert (caught.value.code, caught.value.message) == ("E3001", f"{name} is not supported: {UNSUPPORTED[name]}")
    assert caught.value.span is not None
    source = text if caught.value.source is None else caught.value.source.text
    assert source[caught.value.span.start :].startswith(name)


@pytest.mark.parametrize("name", ["GENERATE_UUID", "UUID", "GEN_RANDOM_UUID", "NEWID"])
@pytest.mark.parametrize("statement", ["SELECT {}() FROM t", "UPDATE t SET a = {}() WHERE a = 1", "DELETE FROM t WHERE a = {}()"])
def test_only_python_makes_uuids(name: str, statement: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        sqlbulk.translate(statement.format(name))
    assert "the server can't make UUIDs; GENERATE_UUID() works in VALUES and in LOAD DATA" in caught.value.message
    assert "NEW_OBJECTID" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ("PERCENTILE_CONT(1.5) WITHIN GROUP (ORDER BY x)", "E2004", "PERCENTILE_CONT takes a fraction from 0 to 1"),
        ("PERCENTILE_DISC(-1) WITHIN GROUP (ORDER BY x)", "E2004", "PERCENTILE_DISC takes a fraction from 0 to 1"),
        ("PERCENTILE_CONT(0.5 + 1, x) OVER ()", "E2004", "PERCENTILE_CONT takes a fraction from 0 to 1"),
        ("PERCENTILE_CONT(NULL) WITHIN GROUP (ORDER BY x)", "E2012", "fraction of PERCENTILE_CONT can't be NULL"),
        ("PERCENTILE_CONT(x) WITHIN GROUP (ORDER BY x)", "E2005", "fraction of PERCENTILE_CONT must be a constant"),
        ("STRING_AGG(x, NULL)", "E2012", "separator of STRING_AGG can't be NULL"),
        ("MODE(x ORDER BY y)", "E2004", "MODE takes its order in WITHIN GROUP (ORDER BY …)"),
        ("MODE(x ORDER BY y) WITHIN GROUP (ORDER BY x)", "E2004", "MODE takes its order in WITHIN GROUP (ORDER BY …)"),
        ("MODE(DISTINCT x)", "E3001", "MODE takes no DISTINCT"),
        ("JSON_OBJECTAGG(DISTINCT x, y)", "E3001", "JSON_OBJECTAGG takes no DISTINCT"),
        ("ARRAY_AGG(DISTINCT x ORDER BY y)", "E3001", "ARRAY_AGG (DISTINCT …) can only be ordered by the value itself"),
        ("FIRST(DISTINCT x ORDER BY x, y)", "E3001", "FIRST (DISTINCT …) can only be ordered by the value itself"),
        ("FOO(x) OVER ()", "E2003", "FOO is no window function"),
        ("UPPER(DISTINCT x)", "E2004", "UPPER is no aggregate; it can't take DISTINCT"),
    ],
)
def test_aggregates_that_are_refused(expression: str, code: str, message: str) -> None:
    with pytest.raises((PlanError, UnsupportedError)) as caught:
        sqlbulk.translate(f"SELECT {expression} FROM t")
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(
    ("name", "operands", "code"),
    [
        ("DATE_TRUNC", [Operand("$u"), Operand("$d")], "E2005"),
        ("DATE_TRUNC", [constant("eon"), Operand("$d")], "E2004"),
        ("EXTRACT", [constant("soul"), Operand("$d")], "E2004"),
        ("EXTRACT", [constant("year"), Operand("$d", Type.DURATION)], "E2004"),
        ("AT TIME ZONE", [Operand("$d"), constant("Mars/Olympus")], "E2004"),
        ("LEFT", [Operand("$s"), constant(1.5)], "E2012"),
        ("LIKE", [Operand("$s"), constant("a\\")], "E2004"),
        ("SIMILAR TO", [Operand("$s"), constant("a\\")], "E2004"),
        ("SIMILAR TO", [Operand("$s"), Operand("$p")], "E2005"),
        ("REGEXP", [Operand("$s"), constant("(a")], "E2004"),
        ("REGEXP", [Operand("$s"), constant("a"), constant("q")], "E2004"),
        ("CAST:INT", [constant("x")], "E2012"),
        ("TO_CHAR", [Operand("$d"), constant("999.99")], "E2004"),
        ("DATE_FORMAT", [Operand("$d"), constant("%Q")], "E2004"),
        ("STR_TO_DATE", [Operand("$d"), constant("%Y %j")], "E3001"),
        ("STR_TO_DATE", [Operand("$d"), constant("%d %m")], "E2004"),
        ("JSON_EXTRACT", [Operand("$d"), constant("$.a[")], "E2004"),
        ("JSON_SET", [Operand("$d"), constant("$.a[*]"), constant(1)], "E3001"),
        ("JSON_REMOVE", [Operand("$d"), constant("$.a[*]")], "E3001"),
        ("JSON_REMOVE", [Operand("$d"), constant("$")], "E2004"),
        ("JSON_ARRAY_INSERT", [Operand("$d"), constant("$.a"), constant(1)], "E2004"),
        ("JSON_CONTAINS_PATH", [Operand("$d"), constant("one"), constant("$.a[*]")], "E3001"),
        ("SIMILAR TO", [Operand("$s"), constant("[\\]")], "E2004"),
        ("SIMILAR TO", [Operand("$s"), constant("(a")], "E2004"),
        ("GENERATE_UUID", [], "E3001"),
        ("||", [constant([1]), Operand("$s", Type.STRING)], "E2012"),
        ("+", [constant(datetime(9999, 12, 31, tzinfo=UTC)), constant(Interval(1, 0))], "E2019"),
        ("+", [constant(datetime(9999, 12, 31, tzinfo=UTC)), constant(Interval(0, 2**40))], "E2019"),
    ],
)
def test_calls_that_are_refused(name: str, operands: list[Operand], code: str) -> None:
    with pytest.raises(FunctionProblem) as caught:
        lower_call(resolve(name, [o.type for o in operands]), operands, CONTEXT)
    assert caught.value.code == code


def test_the_server_may_be_too_old() -> None:
    with pytest.raises(FunctionProblem) as caught:
        lower_call(resolve("ARRAY_SORT", [Type.ANY]), [Operand("$a")], Context(NOW, server=(5, 0)))
    assert (caught.value.code, caught.value.message) == ("E3002", "ARRAY_SORT needs MongoDB 5.2")


# Lowering


def lowered(name: str, *operands: Operand) -> Any:
    return lower_call(resolve(name, [o.type for o in operands]), operands, CONTEXT)


def test_guards_stand_only_where_they_are_needed() -> None:
    known = Operand("$s", Type.STRING, nullable=False)
    assert lowered("UPPER", known).mql == {"$toUpper": "$s"}
    assert not lowered("UPPER", known).nullable
    assert lowered("UPPER", Operand("$s", Type.STRING)).mql == {"$cond": [{"$gt": ["$s", None]}, {"$toUpper": "$s"}, None]}
    assert lowered("UPPER", Operand("$s")).mql == {"$cond": [{"$eq": [{"$type": "$s"}, "string"]}, {"$toUpper": "$s"}, None]}
    assert lowered("UPPER", constant(None)).value is None
    assert lowered("UPPER", Operand("$x", Type.NULL)).value is None


def test_arguments_are_worked_out_once() -> None:
    inner = Operand({"$f": "$x"}, Type.ANY)
    assert lowered("UPPER", inner).mql == {
        "$let": {"vars": {"v1": {"$f": "$x"}}, "in": {
            "$cond": [{"$eq": [{"$type": "$$v1"}, "string"]}, {"$toUpper": "$$v1"}, None]}}}
    outer = lowered("LOWER", lowered("UPPER", inner))
    assert outer.mql["$let"]["vars"].keys() == {"v2"}
    once = Operand({"$f": "$x"}, Type.STRING, nullable=False)
    assert lowered("UPPER", once).mql == {"$toUpper": {"$f": "$x"}}
    twice = lowered("REVERSE", once).mql
    assert twice["$let"]["vars"] == {"v1": {"$f": "$x"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1), (True, True), (None, None), ("a", "a"), ("$a", {"$literal": "$a"}), ({"a": 1}, {"$literal": {"a": 1}}),
        ([1], {"$literal": [1]}), (Interval(0, 5), 5), (2**70, float(2**70)), (MISSING, None),
    ],
)
def test_literals(value: Any, expected: Any) -> None:
    assert literal(value) == expected


def test_durations_keep_their_type() -> None:
    assert constant(Interval(0, 5)).type is Type.DURATION
    assert constant(Interval(1, 0)).type is Type.MONTHS
    both = lowered("*", constant(Interval(0, 5)), constant(2))
    assert (both.value, both.type) == (10, Type.DURATION)
    assert lowered("-", Operand("$d", Type.DATE), Operand("$e", Type.DATE)).type is Type.DURATION
    months = Operand("$m", Type.MONTHS)
    assert "$dateAdd" in str(lowered("+", Operand("$d", Type.DATE), months).mql)
    assert "$dateAdd" in str(lowered("-", Operand("$d", Type.DATE), months).mql)
    shifted = lowered("+", Operand("$d", Type.DATE, False), Operand("$l", Type.DURATION, False)).mql
    assert shifted["$cond"][1] == {"$add": ["$d", "$l"]}


def test_volatile_calls_are_not_folded() -> None:
    random = resolve("RANDOM", [])
    assert fold_call(random, [], CONTEXT) is UNKNOWN
    assert lower_call(random, [], CONTEXT).mql == {"$rand": {}}
    assert "$toObjectId" in lower_call(resolve("NEW_OBJECTID", []), [], CONTEXT).mql
    for name, kind in (("NEW_OBJECTID", ObjectId), ("GENERATE_UUID", bytes)):
        fold = resolve(name, []).fold
        assert fold is not None
        assert isinstance(fold(context=CONTEXT) if name == "NEW_OBJECTID" else fold(), kind)


def test_help_names_no_type_of_the_server() -> None:
    assert not [f.name for f in ENTRIES if re.search(r"\$[a-z]", f.help)]


@pytest.mark.parametrize(
    ("name", "expected"), [("NOW", NOW), ("CURRENT_DATE", datetime(2024, 3, 1, tzinfo=UTC)), ("CURRENT_TIME", "00:34:56")]
)
def test_the_statement_has_one_moment(name: str, expected: Any) -> None:
    assert lower_call(resolve(name, []), [], Context(NOW, "+12:00")).value == expected
