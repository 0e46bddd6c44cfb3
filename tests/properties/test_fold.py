"""Any function of any values: no call aborts on the server, and Python gives the same."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from function_cases import CONTEXT, Case, Fixed, run_cases, server_form, typed_cases
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sqlbulk.functions import FUNCTIONS
from sqlbulk.functions.hashing import ENTRIES as HASHES
from sqlbulk.functions.registry import Function, FunctionProblem, Parameter
from sqlbulk.types import MISSING, Interval, Type

CALLABLE = [
    (name, f) for name, overloads in FUNCTIONS.items() for f in overloads
    # Text is read as JSON, bytes or a UUID by Python alone, because rows of a file have it and stored documents don't; in Python
    # nothing is missing; and the server has no hashes.
    if f.name == name and name not in ("CAST:JSON", "CAST:ARRAY", "CAST:BINARY", "CAST:UUID", "IS MISSING") and f not in HASHES
    and f.parameters and not f.volatile
]
DATES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000, tzinfo=UTC))
DECIMALS = st.decimals(-1000, 1000, places=3, allow_nan=False).map(Decimal128)
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["$a", "a%", "2024-01-31", "12", "a,b", "$.a.b", "[0]"]))
WHOLE = st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1))
NUMBERS = st.one_of(WHOLE, st.floats(), st.floats(-100, 100), DECIMALS)
SCALARS = st.one_of(
    st.none(), st.just(MISSING), st.booleans(), NUMBERS, TEXTS, DATES, st.just(ObjectId("0" * 24)), st.just(b"\x00\xff"),
)
STORED = SCALARS.filter(lambda v: v is not MISSING)
KEYS = st.sampled_from(["a", "b", "$x", "y.z", ""])
INNER = st.one_of(STORED, st.lists(STORED, max_size=2), st.dictionaries(KEYS, STORED, max_size=2))
ARRAYS = st.lists(INNER, max_size=4)
DOCUMENTS = st.dictionaries(KEYS, INNER, max_size=3)
VALUES = st.one_of(SCALARS, ARRAYS, DOCUMENTS)
FITTING: dict[Type, st.SearchStrategy[Any]] = {
    Type.STRING: TEXTS, Type.DATE: DATES, Type.INTEGER: st.integers(-3, 9), Type.NUMBER: NUMBERS,
    Type.BOOLEAN: st.booleans(), Type.ARRAY: ARRAYS, Type.DOCUMENT: DOCUMENTS,
}
PATHS = [
    "$", "a", "$.a", "$.b.a", "$.a[0]", "$[1]", "$[-1].a", "$[last - 1]", "$[*]", "$.a[*].b", "$[*][*]", '$."y.z"',
    '$."$x".""', '$.\t"a\\"\\\\"', "", " ", "$ ", "$.", "a..b", "$[", "$a", "$[99999999999]", "a\x85", "\xa0", "{a,0}",
]
WORDS = {
    "path": PATHS, "key": ["a", "$.a", "$.b[0]", "$.", "$[*].a"], "how": ["one", "all", "none"], "escape": ["!", "", "ab"],
    "unit": ["day", "week", "month", "hour", "millisecond", "era"], "part": ["year", "dow", "epoch", "day", "hour"],
    "zone": ["UTC", "Europe/Paris", "+05:30"], "from": ["UTC", "+02:00"], "to": ["America/New_York"], "order": ["desc"],
    "pattern": ["YYYY-MM-DD HH24:MI:SS", "%Y-%m-%d", "a", "(a|b)+", "[0-9]", "$", "a%", "_", "^$"], "flags": ["i", "g"],
    "replacement": ["x", "<\\1>", "$"], "digits": ["ab"],
}


@cache
def arguments_for(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Stored values of any type, and constants that may make sense."""
    if parameter.type is Type.DURATION:
        lengths = st.one_of(st.integers(-(10**13), 10**13), st.integers(2**53, 2**60), st.floats(-1e6, 1e6))
        return lengths.map(lambda n: Fixed(n, Type.DURATION))
    if parameter.type is Type.MONTHS:
        return st.builds(Interval, st.integers(-500, 500).filter(bool), st.integers(-10, 10**10)).map(Fixed)
    words = st.sampled_from(WORDS.get(parameter.name, ["x"]))
    if parameter.constant:
        kinds = {Type.INTEGER: st.integers(-2, 20), Type.BOOLEAN: st.booleans(), Type.ANY: st.one_of(words, STORED)}
        fitting = kinds.get(parameter.type, words)
        return st.one_of(fitting, fitting, fitting, st.none(), st.text(max_size=3)).map(Fixed)
    fitting = words if parameter.name in WORDS else FITTING.get(parameter.type, VALUES)
    known = st.one_of(fitting, STORED).filter(lambda v: v is not MISSING).map(Fixed)
    return st.one_of(fitting, fitting, fitting, fitting, VALUES, known)


def calls_of(entry: tuple[str, Function]) -> st.SearchStrategy[Case]:
    """Calls with as many arguments as the function takes."""
    name, function = entry
    parameters = function.parameters
    least = len(parameters) if any(p.repeated for p in parameters) else max(1, sum(not p.optional for p in parameters))
    counts = range(least, len(parameters) + 1)
    given = st.one_of([st.tuples(*map(arguments_for, parameters[:n])) for n in counts])
    return given.map(lambda arguments: (name, arguments))


def is_taken(call: Case) -> bool:
    """Whether the call isn't refused for its constants."""
    try:
        server_form(call[0], call[1], CONTEXT)
    except FunctionProblem:
        return False
    return True


EACH = [calls_of(entry) for entry in CALLABLE]
CALLS = st.integers(0, len(EACH) - 1).flatmap(lambda index: EACH[index])


@given(CALLS)
def test_every_call_lowers_or_is_refused(call: Case) -> None:
    try:
        assert server_form(call[0], call[1], CONTEXT) is not None
    except FunctionProblem:
        assert any(isinstance(a, Fixed) for a in call[1])


@pytest.mark.server
@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CALLS, min_size=20, max_size=60), st.booleans())
@example([("JSON_CONTAINS", (False, ObjectId("0" * 24), " "))], False)
@example([("JSON_SET", ({"a": [1]}, "$.a[0]", 2)), ("JSON_SET", ({"a": [1]}, "$.a[*]", 2))], False)
def test_python_gives_what_the_server_gives(database: Database[dict[str, Any]], calls: list[Case], typed: bool) -> None:
    taken = [call for call in calls if is_taken(call)]
    assert run_cases(database, typed_cases(taken) if typed else taken, typed=typed) == []
