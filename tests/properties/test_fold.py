"""Any function of any values: no call aborts on the server, and Python gives the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from function_cases import CONTEXT, run_cases, server_form
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sqlbulk.functions import FUNCTIONS
from sqlbulk.functions.registry import Function
from sqlbulk.types import MISSING, Type

CALLABLE = [
    (name, f) for name, overloads in FUNCTIONS.items() for f in overloads
    # Text is read as JSON by Python alone, because rows of a file have it and stored documents don't; and in
    # Python nothing is missing.
    if f.name == name and name not in ("CAST:JSON", "CAST:ARRAY", "IS MISSING") and len(overloads) == 1 and not f.volatile and not any(p.constant for p in f.parameters)
    and f.parameters and not any(p.type in (Type.DURATION, Type.MONTHS) for p in f.parameters)
]
SCALARS = st.one_of(
    st.none(), st.just(MISSING), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.integers(-5, 5), st.floats(),
    st.floats(-100, 100), st.text(max_size=8), st.sampled_from(["$a", "a%", "2024-01-31", "12", "a,b", "$.a.b", "[0]"]),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
        lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000, tzinfo=UTC)),
    st.decimals(-1000, 1000, places=3, allow_nan=False).map(Decimal128), st.just(ObjectId("0" * 24)), st.just(b"\x00\xff"),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS.filter(lambda v: v is not MISSING), max_size=4),
    st.dictionaries(st.sampled_from(["a", "b", "$x", "y.z", ""]), SCALARS.filter(lambda v: v is not MISSING), max_size=3),
)


def calls_of(entry: tuple[str, Function]) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    """Calls with as many arguments as the function takes."""
    name, function = entry
    least = max(1, sum(not p.optional for p in function.parameters))
    arguments = st.integers(least, len(function.parameters)).flatmap(lambda n: st.tuples(*[VALUES] * n))
    return arguments.filter(lambda a: not any(p.repeated for p in function.parameters) or len(a) == len(function.parameters)
                            ).map(lambda a: (name, a))


CALLS = st.sampled_from(CALLABLE).flatmap(calls_of)


@given(CALLS)
def test_every_call_lowers(call: tuple[str, tuple[Any, ...]]) -> None:
    assert server_form(call[0], call[1], CONTEXT) is not None


@pytest.mark.server
@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CALLS, min_size=20, max_size=60))
def test_python_gives_what_the_server_gives(
    database: Database[dict[str, Any]], calls: list[tuple[str, tuple[Any, ...]]]
) -> None:
    assert run_cases(database, calls) == []
