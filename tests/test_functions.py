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

from sqlbulk.errors import Source
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
from sqlbulk.functions.registry import UNKNOWN, Aggregate, Context, Function, FunctionProblem, Operand, OrderKey
from sqlbulk.plan.bind import bind
from sqlbulk.plan.bound import Constant
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.evaluate import evaluate
from sqlbulk.plan.scope import Scope
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
        for distinct in (False, True) if len(arguments) == 1 and aggregate.name not in ("MODE", "MEDIAN") else (False,):
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
        accumulation = aggregate.accumulate(*arguments, distinct=True)
        assert accumulation.finish(*("$x" for _ in accumulation.accumulators)) is not None
        assert aggregate.fold is not None
        value = aggregate.fold(rows, distinct=False)
        assert same(aggregate.fold([], distinct=False), aggregate.empty)
        assert value is not None or aggregate.empty is None
        aggregate.fold(rows, distinct=True)


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


# Resolution


def problem(name: str, *types: Type) -> FunctionProblem:
    with pytest.raises(FunctionProblem) as caught:
        resolve(name, types)
    return caught.value


def test_what_is_not_there() -> None:
    unknown = problem("UPER", Type.STRING)
    assert (unknown.code, unknown.hint) == ("E2003", "did you mean UPPER?")
    assert problem("QQQQQQQQ").hint == "SHOW FUNCTIONS lists them"
    assert problem("MD5", Type.STRING).code == "E3001"
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
