"""Errors: how they are drawn, where they point, and what the values around them do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk import errors
from sqlbulk.catalog import Catalog, Collection, Index
from sqlbulk.codes import CODES
from sqlbulk.errors import ConnectionFailed, Cut, PlanError, RowRefused, ServerError, Source, Span, UsageError
from sqlbulk.results import KEPT_ERRORS, Result, WriteSummary
from sqlbulk.rowdata import Chunk, Location, RowError
from sqlbulk.types import MISSING, Interval, Type, to_bson, type_of


def test_drawing() -> None:
    error = PlanError("E2002", "no column x", Span(7, 8), source=Source("SELECT x\n FROM t", "a.sql", 3, 5), hint="try y")
    assert str(error) == "ERROR E2002: no column x [at a.sql:3:12]\n  SELECT x\n         ^\nhint: try y"
    assert error.exit_code == 1


def test_drawing_on_a_later_line_with_tabs() -> None:
    error = PlanError("E2002", "no column y", Span(11, 13), source=Source("SELECT x,\n\tyy", "s"))
    assert str(error) == "ERROR E2002: no column y [at s:2:2]\n  \tyy\n  \t^^"


def test_without_a_source_there_is_no_place() -> None:
    error = PlanError("E2002", "no column x", Span(0, 1))
    assert str(error) == "ERROR E2002: no column x"
    first, second = Source("a", "first"), Source("b", "second")
    assert error.with_source(first).with_source(second).source is first


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "a" * 1000 + "X" + "b" * 1000
    drawn = str(PlanError("E2002", "m", Span(1000, 1001), source=Source(text))).splitlines()
    assert len(drawn[1]) == 162
    assert drawn[1][drawn[2].index("^")] == "X"


def test_a_failed_connection_says_what_was_done_before() -> None:
    summary = WriteSummary()
    error = ConnectionFailed("E6001", "no server", hint="start one", summary=summary)
    assert (error.exit_code, error.summary, error.hint) == (2, summary, "start one")
    assert str(error) == "ERROR E6001: no server\nhint: start one"


def test_an_empty_span_still_has_a_caret() -> None:
    assert str(PlanError("E2002", "m", Span(3, 3), source=Source("abc"))).endswith("\n  abc\n     ^")


def test_positions_behind_a_cut_are_those_of_the_file() -> None:
    source = Source("INSERT INTO t VALUES \ue000 WITH\n(x)", "s", 1, 1, Cut(21, 900, 4))
    assert source.position(20) == (1, 21)
    assert source.position(23) == (900, 5)
    assert source.position(28) == (901, 1)
    assert "VALUES … WITH" in str(PlanError("E2002", "m", Span(23, 24), source=source))


def test_every_code_is_used_and_every_used_code_is_known() -> None:
    from pathlib import Path

    package = Path(errors.__file__).parent
    code = "\n".join(p.read_text(encoding="utf-8") for p in package.rglob("*.py") if p.name != "codes.py")
    used = set(re.findall(r"\bE\d{4}\b", code))
    assert used - CODES.keys() == set()
    assert CODES.keys() - used == set()


def test_exit_codes() -> None:
    codes = {cls.__name__: cls.exit_code for cls in vars(errors).values() if hasattr(cls, "exit_code")}
    assert codes | {"UsageError": 1, "ConnectionFailed": 2, "ConnectionLost": 2, "TooManyErrors": 4, "Interrupted": 5} == codes
    assert str(UsageError("E6001", "no", hint="yes")) == "ERROR E6001: no\nhint: yes"
    assert ServerError("E5005", "no", summary=1).summary == 1
    assert RowRefused("E4002", "no", "a").offset is None


def test_row_errors() -> None:
    assert str(RowError(3, "E4002", "not a number", Location("a.csv", 4, 2), "price")) == (
        "E4002: not a number @ row 3, column price (a.csv:4:2)")
    assert str(RowError(3, "E4002", "bad")) == "E4002: bad @ row 3"
    chunk = Chunk([(1,)], range(1, 2))
    assert (chunk.locate(0), chunk.excerpt(0)) == (None, None)


def test_summaries_keep_the_first_errors_and_count_all() -> None:
    summary = WriteSummary()
    for number in range(KEPT_ERRORS + 5):
        summary.reject(RowError(number, "E4002", "bad"))
    assert (summary.rejected, len(summary.errors)) == (KEPT_ERRORS + 5, KEPT_ERRORS)
    assert list(Result("SELECT", ("a",), [(1,)])) == [(1,)]


@pytest.mark.parametrize(("value", "kind"), [
    (None, Type.NULL), (True, Type.BOOLEAN), (1, Type.INTEGER), (1.5, Type.DOUBLE), (Decimal128("1"), Type.DECIMAL),
    ("a", Type.STRING), (datetime(2025, 1, 1, tzinfo=UTC), Type.DATE), (ObjectId(), Type.OBJECTID), (b"", Type.BINARY),
    ({}, Type.DOCUMENT), ([], Type.ARRAY), (Interval(1), Type.MONTHS), (Interval(0, 5), Type.DURATION),
    (MISSING, Type.ANY),
])
def test_types(value: object, kind: Type) -> None:
    assert type_of(value) is kind
    assert kind.numeric == (kind in {Type.INTEGER, Type.DOUBLE, Type.DECIMAL, Type.DURATION})


def test_values_as_they_are_stored() -> None:
    moment = datetime(2025, 1, 1, 12, tzinfo=UTC)
    uuid = UUID(int=1)
    assert to_bson({"a": (1, Decimal("1.5"), date(2025, 1, 1)), "b": moment.replace(tzinfo=None), "c": uuid}) == {
        "a": [1, Decimal128("1.5"), datetime(2025, 1, 1, tzinfo=UTC)], "b": moment, "c": Binary.from_uuid(uuid)}
    assert to_bson(bytearray(b"x")) == b"x"
    assert to_bson(b"x") == b"x"
    assert to_bson(moment) is moment
    assert repr(to_bson(MISSING)) == "MISSING"


def test_catalog() -> None:
    collection = Collection("t", indexes=(
        Index((("a", 1), ("b", -1)), unique=True), Index((("c", 1),)), Index((("d", 1),), unique=True, partial=True)))
    assert collection.has_unique(("b", "a")) and collection.has_unique(("_id",))
    assert not collection.has_unique(("c",)) and not collection.has_unique(("d",)) and not collection.has_unique(("a",))
    assert Catalog({"t": collection}).get("t") is collection and Catalog().get("t") is None
