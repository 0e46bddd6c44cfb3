"""The parts that functions are made of: orders, types, paths, guards, lengths of time."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp
from function_cases import CONTEXT, NOW, Fixed, python_value, run_cases, same
from pymongo.database import Database

import sqlbulk
from sqlbulk.functions import AGGREGATES, constant, lower_call, resolve
from sqlbulk.functions.fitting import Fit, bracket, common_type, fit
from sqlbulk.functions.matching import compiled
from sqlbulk.functions.ordering import compare, ordered
from sqlbulk.functions.registry import UNKNOWN, Context, FunctionProblem, Operand
from sqlbulk.functions.textform import as_text
from sqlbulk.types import Interval, Type


def lowered(name: str, *operands: Operand) -> Operand:
    return lower_call(resolve(name, [o.type for o in operands]), operands, CONTEXT)


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


# The order of values

ASCENDING: list[Any] = [
    MinKey(), None, float("nan"), float("-inf"), -(2**63), Decimal128("-1.5"), -1, 0, Int64(1), 1.5, 2**53,
    float(2**53 + 2), float("inf"), "", "A", "a", "ab", "é", {}, {"a": 1}, {"a": 1, "b": 0}, {"a": 2}, {"b": 1},
    DBRef("c", 1), DBRef("c", 2), {"a": "x"}, [], [1], [1, 2], [2], b"", b"a", b"\xff", Binary(b"a", 5), b"ab",
    ObjectId("0" * 24), ObjectId("0" * 23 + "1"), False, True, DatetimeMS(-(10**15)), moment(1, 1, 1), moment(2024, 1, 1),
    DatetimeMS(10**15), Timestamp(1, 1), Timestamp(1, 2), Regex("a"), Regex("a", "i"), Regex("b"), Code("a"), MaxKey(),
]


def test_the_order_of_values() -> None:
    for left, right in pairwise(ASCENDING):
        assert (compare(left, right), compare(right, left)) == (-1, 1), (left, right)
    assert all(compare(value, value) == 0 for value in ASCENDING)
    assert [compare(1, other) for other in (1.0, Decimal128("1.00"), Int64(1))] == [0, 0, 0]
    assert compare(DatetimeMS(0), moment(1970, 1, 1)) == compare(DBRef("c", 1), {"$ref": "c", "$id": 1}) == 0
    assert [repr(v) for v in ordered(reversed(ASCENDING))] == [repr(v) for v in ASCENDING]


def test_only_values_of_bson_have_an_order() -> None:
    with pytest.raises(TypeError, match="set is no type of BSON"):
        compare({1}, 1)


@pytest.mark.server
def test_the_server_has_the_same_order(database: Database[dict[str, Any]]) -> None:
    database["t"].insert_many([{"_id": n, "v": v} for n, v in enumerate(reversed(ASCENDING)) if not isinstance(v, list)])
    found = [row["_id"] for row in database["t"].find({}, {"_id": 1}).sort("v", 1)]
    assert found == sorted(found, reverse=True)
    assert len(found) == len(ASCENDING) - 4


@pytest.mark.parametrize(
    ("name", "left", "right", "expected"),
    [
        ("<", Timestamp(1, 1), Timestamp(1, 2), True), ("<", Timestamp(1, 1), 5, None), ("=", Timestamp(1, 1), 5, False),
        ("<", DatetimeMS(0), DatetimeMS(1), True), ("=", DBRef("c", 1), DBRef("c", 1), True),
    ],
)
def test_comparisons_of_rare_types(name: str, left: Any, right: Any, expected: Any) -> None:
    assert python_value(name, (left, right)) is expected


# Types


@pytest.mark.parametrize(
    ("known", "wanted", "expected"),
    [
        (Type.BINARY, Type.UUID, Fit.YES), (Type.UUID, Type.BINARY, Fit.YES), (Type.NULL, Type.DATE, Fit.YES),
        (Type.ANY, Type.DURATION, Fit.NO), (Type.NUMBER, Type.DURATION, Fit.YES), (Type.MONTHS, Type.NUMBER, Fit.NO),
        (Type.DOUBLE, Type.INTEGER, Fit.MAYBE), (Type.STRING, Type.INTEGER, Fit.NO), (Type.ANY, Type.DATE, Fit.MAYBE),
        (Type.STRING, Type.DATE, Fit.NO),
    ],
)
def test_which_types_fit(known: Type, wanted: Type, expected: Fit) -> None:
    assert fit(known, wanted) is expected


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([], Type.NULL), ([Type.NULL, Type.DATE], Type.DATE), ([Type.DURATION, Type.INTEGER], Type.DURATION),
        ([Type.DURATION, Type.DOUBLE, Type.NULL], Type.DURATION), ([Type.INTEGER, Type.DECIMAL], Type.NUMBER),
        ([Type.INTEGER, Type.STRING], Type.ANY),
    ],
)
def test_the_type_of_one_of_several(types: list[Type], expected: Type) -> None:
    assert common_type(types) is expected


def test_brackets_of_types() -> None:
    assert [bracket(t) for t in (Type.DOUBLE, Type.DATE, Type.ANY)] == ["number", "date", None]


LENGTH, NUMBER = Operand("$l", Type.DURATION), Operand("$n", Type.INTEGER)


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("/", (LENGTH, NUMBER), Type.DURATION), ("/", (LENGTH, LENGTH), Type.DOUBLE), ("*", (LENGTH, LENGTH), Type.NUMBER),
        ("*", (LENGTH, NUMBER), Type.DURATION), ("/", (Operand("$d", Type.DECIMAL), NUMBER), Type.DECIMAL),
        ("/", (Operand("$x", Type.NUMBER), NUMBER), Type.NUMBER),
    ],
)
def test_the_types_of_quotients_and_products(name: str, operands: tuple[Operand, ...], expected: Type) -> None:
    assert lowered(name, *operands).type is expected


# Python's values


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("LEFT", ("abcd", Decimal128("2")), "ab"), ("LEFT", ("abcd", 3.0), "abc"), ("+", (1.7e308, 1.7e308), math.inf),
        ("CAST:UUID", (Binary(b"\0" * 16, 4),), Binary(b"\0" * 16, 4)), ("TRY_CAST:UUID", ("x",), None),
        ("TRY_CAST:UUID", (5,), None), ("+", (moment(2024, 1, 1), Fixed(2**60, Type.DURATION)), None),
        ("JSON_EXTRACT", ({"a": [1, {"b": 2}]}, "a[1].b"), 2), ("JSON_EXTRACT", ({"a": [1]}, "a[9]"), None),
        ("JSON_EXTRACT", ({"a": 1}, "a[0]"), None), ("JSON_EXTRACT", ({"a": [1]}, "a.x"), None),
        ("JSON_SET", ({"a": 1}, None, 2), None), ("JSON_SET", ({"a": 1}, "b.", 2), None),
        ("EXTRACT", (Fixed("years"), moment(2024, 5, 1)), 2024),
        ("REGEXP", ("a", r"\h"), UNKNOWN), ("TIME_BUCKET", (Fixed(1.5, Type.DURATION), moment(2024, 1, 1)), UNKNOWN),
    ],
)
def test_values_in_python(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert python_value(name, arguments) == expected


def test_expressions_that_python_reads_otherwise_are_left_to_the_server() -> None:
    assert compiled(r"\h+") is None
    assert compiled("[[:alpha:]]") is None
    assert compiled(r"\w", "i") is None
    found = compiled(r"a\z", "i")
    assert found is not None
    assert [bool(found.search(t)) for t in ("bA", "A\n")] == [True, False]


@pytest.mark.parametrize("name", ["DATE_TRUNC", "DATEDIFF", "TIMESTAMPDIFF"])
def test_local_times_with_seconds_are_left_to_the_server(name: str) -> None:
    """Paris was 9 minutes and 21 seconds ahead before 1911."""
    early, late = moment(1900, 1, 1), moment(1950, 1, 1)
    arguments = (Fixed("month"), early) if name == "DATE_TRUNC" else (Fixed("month"), early, late)
    assert python_value(name, arguments, Context(NOW, "Europe/Paris")) is UNKNOWN
    assert python_value(name, arguments, CONTEXT) is not UNKNOWN


# Expressions


def test_what_isnt_needed_isnt_there() -> None:
    sure, computed = Operand("$a", Type.STRING, nullable=False), Operand({"$f": "$x"}, Type.STRING)
    assert lowered("COALESCE", sure, computed) == Operand("$a", Type.STRING, nullable=False)
    twice = Operand("$a", Type.STRING)
    assert lowered("COALESCE", twice, twice) == twice
    assert lowered("+", Operand({"$f": "$x"}, Type.INTEGER, False), constant(1)).mql == {"$add": [{"$f": "$x"}, 1]}
    assert lowered("||", Operand({"$f": "$x"}, Type.STRING, False), constant("$y")).mql == {
        "$concat": [{"$f": "$x"}, {"$literal": "$y"}]}


def test_a_constant_patch_is_written_key_by_key() -> None:
    """A document inside goes into the field's own, which needn't be one."""
    merged = lowered("JSON_MERGE_PATCH", Operand("$d", Type.DOCUMENT, False), constant({"a": {"b": 1}})).mql
    outer = merged["$let"]["in"]["$setField"]
    assert (merged["$let"]["vars"].keys(), outer["field"], outer["input"]) == ({"base0"}, {"$literal": "a"}, "$$base0")
    inner = outer["value"]["$let"]
    old = {"$getField": {"field": {"$literal": "a"}, "input": "$$base0"}}
    assert inner["vars"]["base1"]["$cond"] == [{"$eq": [{"$type": old}, "object"]}, old, {"$literal": {}}]
    assert inner["in"] == {"$setField": {"field": {"$literal": "b"}, "input": "$$base1", "value": 1}}


@pytest.mark.server
def test_patches_on_the_server(database: Database[dict[str, Any]]) -> None:
    documents = [{}, {"a": 1}, {"a": {"b": 2, "c": 3}}, {"a": {"b": {"x": 1}}, "z": None}, {"a": None}, {"a": [1]}, None, 5]
    patches = [{"a": {"b": 1}}, {"a": {"b": {"y": 1}, "c": None}}, {"a": None}, {"a": [2]}, {}, {"a": {}}]
    assert run_cases(database, [("JSON_MERGE_PATCH", (d, Fixed(p))) for d in documents for p in patches]) == []


FIELDS: list[Any] = [{"b": 1}, {"b": {"y": 1}, "c": None}, {}, None, 5, [1], {"b": None, "d": {"e": {"f": 1}}}]


def test_a_field_of_a_patch_is_merged_when_it_is_known() -> None:
    built = lowered("JSON_OBJECT", constant("a"), Operand("$p"))
    outer = lowered("JSON_MERGE_PATCH", Operand("$d", Type.DOCUMENT, False), built).mql["$let"]["in"]["$setField"]
    given, merged, gone = outer["value"]["$cond"]
    old = {"$getField": {"field": {"$literal": "a"}, "input": "$$base0"}}
    assert given == {"$gt": ["$p", None]}
    assert merged["$let"]["vars"]["patch10"] == "$p"
    assert gone == {"$cond": [{"$eq": [{"$type": old}, "null"]}, None, "$$REMOVE"]}


@pytest.mark.server
def test_patches_of_fields_on_the_server(database: Database[dict[str, Any]], server_uri: str) -> None:
    documents = [{}, {"a": 1}, {"a": {"b": 2, "c": 3}}, {"a": {"b": {"x": 1}}, "z": 1}, {"a": [1]}, {"a": {"d": {"e": 1}}}]
    cases = [(d, p) for d in documents for p in FIELDS]
    database["t"].insert_many([{"_id": n, "d": d, "p": p} for n, (d, p) in enumerate(cases)])
    with sqlbulk.connect(server_uri, database=database.name) as session:
        rows = list(session.execute("SELECT _id, JSON_MERGE_PATCH(d, {a: p}) FROM t ORDER BY _id").rows)
    for (_, found), (document, patch) in zip(rows, cases, strict=True):
        assert same(found, python_value("JSON_MERGE_PATCH", (document, {"a": patch}))), (document, patch)


def test_a_constant_key_may_be_a_path() -> None:
    found = lowered("->", Operand("$d", Type.DOCUMENT, False), constant("$.a.b")).mql
    assert found == lowered("JSON_EXTRACT", Operand("$d", Type.DOCUMENT, False), constant("$.a.b")).mql
    assert lowered("->", Operand("$d"), constant("a.b")).mql["$cond"][1] == {
        "$getField": {"field": {"$literal": "a.b"}, "input": "$d"}}


def test_the_text_form_tests_only_what_isnt_known() -> None:
    converted = {"$convert": {"input": "$x", "to": "string", "onError": None, "onNull": None}}
    assert as_text(Operand("$x", Type.STRING)) == "$x"
    assert as_text(Operand("$x", Type.OBJECTID)) == as_text(Operand("$x", Type.INTEGER)) == converted
    (known, _, otherwise) = as_text(Operand("$x", Type.DOUBLE))["$cond"]
    assert (known, otherwise) == ({"$isNumber": "$x"}, None)
    assert as_text(Operand("$x", Type.DATE))["$cond"][1:] == [converted, None]
    assert as_text(Operand("$x", Type.DURATION))["$cond"][2] == converted
    assert as_text(Operand("$x"))["$cond"][2]["$cond"][1:] == [None, converted]


# Lengths of time


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("EPOCH", {"$divide": ["$l", 1000]}), ("DAY", {"$trunc": {"$divide": ["$l", 86_400_000]}}),
        ("HOURS", {"$trunc": {"$divide": [{"$mod": ["$l", 86_400_000]}, 3_600_000]}}),
        ("SECOND", {"$divide": [{"$mod": ["$l", 60_000]}, 1000]}),
    ],
)
def test_the_parts_of_a_length_of_time(part: str, expected: Any) -> None:
    assert lowered("EXTRACT", constant(part), Operand("$l", Type.DURATION, False)).mql == expected


@pytest.mark.parametrize("part", ["YEAR", "SOUL"])
def test_parts_that_a_length_of_time_hasnt(part: str) -> None:
    with pytest.raises(FunctionProblem) as caught:
        lowered("EXTRACT", constant(part), constant(Interval(0, 5)))
    assert caught.value.code == "E2004"


@pytest.mark.server
def test_parts_of_differences(database: Database[dict[str, Any]], server_uri: str) -> None:
    """2 days, 3:04:05.678 there, and back."""
    first, last = moment(2024, 1, 1), datetime(2024, 1, 3, 3, 4, 5, 678000, UTC)
    database["t"].insert_many([{"_id": 1, "a": first, "b": last}, {"_id": 2, "a": last, "b": first}, {"_id": 3, "a": first}])
    parts = ("DAY", "HOUR", "MINUTE", "SECOND", "MILLISECONDS", "EPOCH")
    columns = ", ".join(f"EXTRACT({p} FROM b - a) AS {p}_" for p in parts)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        rows = list(session.execute(f"SELECT {columns} FROM t ORDER BY _id").rows)
    there = (2, 3, 4, 5.678, 5678, 183845.678)
    assert rows == [there, tuple(-v for v in there), (None,) * 6]
    assert [python_value("EXTRACT", (Fixed(p), Fixed(183_845_678, Type.DURATION))) for p in parts] == list(there)


# Aggregates of known types


def test_constants_are_put_into_variables_before_their_text_is_made() -> None:
    accumulate = AGGREGATES["STRING_AGG"].accumulate
    (of_constant,), (of_field,) = accumulate(5).accumulators, accumulate("$a").accumulators
    assert of_constant["$push"]["$cond"][1] == {"$let": {"vars": {"value": 5}, "in": as_text(Operand("$$value"))}}
    assert of_field["$push"]["$cond"][1] == as_text(Operand("$a"))


def test_known_types_save_counting() -> None:
    count, total = AGGREGATES["COUNT"].narrow, AGGREGATES["SUM"].narrow
    assert count is not None
    assert total is not None
    sure, perhaps = Operand("$a", Type.INTEGER, nullable=False), Operand("$b", Type.INTEGER)
    assert count([sure, perhaps]) is None
    found = count([sure, sure])
    assert found is not None
    assert found.accumulators == ({"$sum": 1},)
    assert total([Operand("$c", nullable=False)]) is None
    found = total([sure])
    assert found is not None
    assert (found.accumulators, found.finish("$x")) == (({"$sum": "$a"},), "$x")
    found = total([perhaps])
    assert found is not None
    assert found.accumulators == ({"$sum": "$b"}, {"$max": "$b"})
    assert found.finish("$x", "$y") == {"$cond": [{"$gt": ["$y", None]}, "$x", None]}


def test_several_fractions_at_once_in_python() -> None:
    rows = [([0.0, 0.5, 1.0], value) for value in (1, 4, 2, 8)]
    assert AGGREGATES["PERCENTILE_CONT"].fold(rows) == [1.0, 3.0, 8.0]
    assert AGGREGATES["PERCENTILE_DISC"].fold(rows) == [1, 2, 8]
    assert AGGREGATES["PERCENTILE_CONT"].fold([([0.5], None)]) is None
