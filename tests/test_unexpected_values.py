"""No query ends because one document holds a value that an operator, an aggregate or a window doesn't expect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

import sqlbulk

pytestmark = pytest.mark.server

VALUES: list[Any] = [
    None, 0, 1, -1, 3, -0.0, 0.5, -2.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), Int64(2**63 - 1),
    Int64(-(2**63)), Decimal128("1.5"), Decimal128("NaN"), Decimal128("-Infinity"), Decimal128("1E+6144"),
    Decimal128("1E-6176"), "", "a", "$a", "%", "\\", "(", "[", "\0", "é😀", "12", "x" * 40_000, "2024-02-30", "UTC", "$.a",
    True, False, datetime(2024, 2, 29, 12, 30), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), DatetimeMS(2**63 - 1),
    DatetimeMS(-(2**63)), [], [[]], [None], [1, 2, 3], [[1, 2], [3]], [1, "a", {"a": 1}], {}, {"a": {"b": [1]}},
    {"a.b": 1, "$c": 2, "": 3}, ObjectId(), Binary(b"\0\xff"), Regex("a", "i"), Code("f()"), Timestamp(1, 1), MinKey(), MaxKey(),
]


@pytest.fixture(scope="module")
def session(server_uri: str, module_database: str) -> Any:
    with sqlbulk.connect(server_uri, database=module_database) as session:
        yield session


@pytest.fixture(scope="module")
def stored(session: Any) -> Any:
    session.execute("INSERT INTO n (_id, g, v, doc.k) ?", rows=[(n, n % 5, v, v) for n, v in enumerate(VALUES)])
    session.execute("INSERT INTO n (_id, g) VALUES (1000, 1)")
    return session


@pytest.mark.parametrize("query", [
    "SELECT CBRT(v), TIMEZONE('+02:00', v), CONVERT_TZ(v, '+02:00', '-02:00'), v AT TIME ZONE 'Asia/Tokyo' FROM n",
    "SELECT v LIKE v, 'é' ILIKE v, v NOT LIKE v ESCAPE '' FROM n",
    "SELECT JSON_OBJECT(v, 1), JSON_OBJECT(v::text, v), JSON_SET(v, CONCAT('$.', v), v) FROM n",
    "SELECT JSON_OBJECTAGG(v, v), JSON_OBJECTAGG(doc.k, 1 ORDER BY v) FROM n",
    "SELECT JSON_MERGE_PRESERVE(v, doc.k), JSON_MERGE_PRESERVE({a: {b: {c: {d: {e: v}}}}}, {a: {b: {c: {d: {e: v}}}}}), JSON_MERGE_PRESERVE(v, {a: v}, v), JSON_MERGE_PATCH(v, doc) FROM n",
    "SELECT ARRAY_LENGTH([v, g]), ARRAY_REVERSE([v, g]), ARRAY_MAX([v, g]), ARRAY_LENGTH([v]), [v, g] = [g, v] FROM n",
    "SELECT g, MIN([v, g]), MAX([v]), MIN(DISTINCT [v, g]) FILTER (WHERE v < 5), ANY_VALUE([v, g]) FROM n GROUP BY g",
    "SELECT SUM(v) OVER (ORDER BY v RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW) FROM n",
    "SELECT SUM(v) OVER (ORDER BY v RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) FROM n",
    "SELECT COUNT(*) OVER (ORDER BY [v, g] RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM n",
    "SELECT COUNT(*) OVER (ORDER BY [v, g] DESC RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) FROM n",
    "SELECT COUNT(*) FROM n WHERE [v, g] IN (SELECT v FROM n)",
    "SELECT COUNT(*) FROM n WHERE [v, g] NOT IN (SELECT m.v FROM n m WHERE m.g = n.g)",
    "SELECT u FROM n, GENERATE_SERIES(v, 5, 1) AS s (u) WHERE v > 0 AND v < 100",
    "SELECT u FROM n, GENERATE_SERIES(v, 1.7e308, 1e308) AS s (u) WHERE v >= 0.5",
])
def test_no_query_is_ended(stored: Any, query: str) -> None:
    assert len(list(stored.execute(query))) > 0


def test_clocks_of_another_zone_beyond_the_last_year(stored: Any) -> None:
    """What the clocks of a zone show after year 9999 and before year 1 is NULL."""
    stored.execute("SET time_zone = '+02:00'")
    rows = list(stored.execute("SELECT DATE(v) FROM n WHERE v > DATE '2024-01-01' AND v < TIMESTAMP '9999-12-31 23:59:59.9'"))
    stored.execute("SET time_zone = 'UTC'")
    assert [row[0] and row[0].year for row in rows] == [2024, None]


def test_an_array_of_one_value_is_not_the_value(stored: Any) -> None:
    """Behind an operator of the server an array stands for the list of its arguments."""
    rows = list(stored.execute("SELECT ARRAY_LENGTH([v]), ARRAY_REVERSE([v]), MAX([v]) FROM n WHERE v = [1, 2, 3] GROUP BY v"))
    assert rows == [(1, [[1, 2, 3]], [[1, 2, 3]])]
