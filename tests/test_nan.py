"""NaN on a real server: `<` and its like find it nowhere, `=` finds it everywhere, whatever a statement becomes."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from pymongo import MongoClient

from sqlbulk import connect
from sqlbulk.errors import SqlbulkError
from sqlbulk.session import Session

pytestmark = pytest.mark.server

NAN = float("nan")
VALUES: list[Any] = [
    NAN, Decimal128("NaN"), float("inf"), Decimal128("-Infinity"), -0.0, 0, 5, Decimal128("5"), 7.5, None, "x"]
NANS, EQUAL = [0, 1], [(0, 1), (4, 5), (6, 7)]
ORDER = [3, 4, 5, 6, 7, 8, 2]
"""The rows with numbers that have an order, the equal ones side by side."""


@pytest.fixture(scope="module")
def session(server_uri: str, module_database: str) -> Any:
    with MongoClient[Any](server_uri) as client:
        database = client[module_database]
        for name in ("l", "r", "indexed"):
            database[name].insert_many([{"_id": i, "x": v, "items": [{"q": v}]} for i, v in enumerate(VALUES)])
        database["indexed"].create_index("x")
    with connect(server_uri, database=module_database) as opened:
        yield opened


def rows(session: Session, sql: str) -> list[Any]:
    found = [tuple(row) for row in session.execute(sql).rows]
    return sorted(row[0] if len(row) == 1 else row for row in found)


def below(one: int, other: int) -> bool:
    return {one, other} <= {*ORDER} and ORDER.index(one) < ORDER.index(other) and (one, other) not in EQUAL


PAIRS = list(product(range(len(VALUES)), repeat=2))
SAME = sorted((i, j) for i, j in PAIRS if (i == j or (i, j) in EQUAL or (j, i) in EQUAL) and VALUES[i] is not None)
LESS = sorted((i, j) for i, j in PAIRS if below(i, j))


@pytest.mark.parametrize("sql", [
    "SELECT l._id, r._id FROM l JOIN r ON l.x = r.x", "SELECT l._id, r._id FROM l JOIN indexed r ON l.x = r.x",
    "SELECT l._id, r._id FROM l LEFT JOIN r ON l.x = r.x WHERE r._id IS NOT NULL",
    "SELECT l._id, r._id FROM l FULL JOIN r ON l.x = r.x WHERE l._id IS NOT NULL AND r._id IS NOT NULL",
    "SELECT l._id, r._id FROM l JOIN r ON COALESCE(l.x, NULL) = COALESCE(r.x, NULL)",
    "SELECT l._id, r._id FROM l JOIN LATERAL (SELECT indexed._id FROM indexed WHERE indexed.x = l.x) r ON TRUE",
    "SELECT l._id, u FROM l JOIN (SELECT x, ARRAY_AGG(_id) AS ids FROM r GROUP BY x) k ON k.x = l.x, UNNEST(k.ids) AS t (u)",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE l.x IN (r.x, 'no') AND l.x IS NOT NULL",
])
def test_nan_is_the_partner_of_nan(session: Session, sql: str) -> None:
    assert rows(session, sql) == SAME


@pytest.mark.parametrize("sql", [
    "SELECT l._id, r._id FROM l JOIN r ON l.x < r.x WHERE l.x <> 'x'",
    "SELECT l._id, r._id FROM l JOIN indexed r ON r.x > l.x",
    "SELECT l._id, r._id FROM l JOIN r ON NOT (l.x >= r.x)", "SELECT l._id, r._id FROM l CROSS JOIN r WHERE NOT r.x <= l.x",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE CASE WHEN l.x < r.x THEN 1 END = 1",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE (l.x < r.x) IS TRUE",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE IF(l.x < r.x, TRUE, FALSE)",
    "SELECT a, b FROM (SELECT l._id AS a, r._id AS b, l.x < r.x AS found FROM l CROSS JOIN r) q WHERE found",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE l.x < ANY (SELECT s.x FROM r s WHERE s._id = r._id)",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE EXISTS (SELECT 1 FROM indexed s WHERE s._id = r._id AND s.x > l.x)",
    "SELECT l._id, r._id FROM l CROSS JOIN r GROUP BY l._id, r._id HAVING COUNT(*) FILTER (WHERE l.x < r.x) > 0",
    "SELECT l._id, r._id FROM l CROSS JOIN r WHERE ANY_MATCH(l.items, i -> i.q < r.x)",
])
def test_nan_is_neither_less_nor_greater(session: Session, sql: str) -> None:
    assert rows(session, sql) == LESS


@pytest.mark.parametrize("sign, found", [("<", [3, 4, 5]), ("<=", [3, 4, 5, 6, 7]), (">", [2, 8]), (">=", [2, 6, 7, 8])])
def test_an_index_serves_what_expressions_mean(session: Session, sign: str, found: list[int]) -> None:
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[sign]
    for table, value, start in product(("l", "indexed"), ("5", "DECIMAL '5'"), ("", "NOT ")):
        condition = f"{start}x {opposite if start else sign} {value}"
        assert rows(session, f"SELECT _id FROM {table} WHERE {condition}") == found
        assert rows(session, f"SELECT _id FROM {table} WHERE x IS NULL AND _id < 0 OR _id + 0 >= 0 AND {condition}") == found
        assert rows(session, f"SELECT _id FROM (SELECT _id, {condition} AS v FROM {table}) q WHERE v") == found
    unknown = rows(session, f"SELECT _id FROM l WHERE (x {sign} 5) IS NULL")
    assert unknown == [*NANS, 9, 10]


def test_nan_in_groups_frames_and_order(session: Session) -> None:
    assert rows(session, "SELECT COUNT(*) FROM l GROUP BY x") == [1, 1, 1, 1, 1, 2, 2, 2]
    assert rows(session, "SELECT _id FROM l WHERE x IN (SELECT x FROM r WHERE _id = 1)") == NANS
    assert rows(session, "SELECT _id FROM l WHERE x NOT IN (SELECT x FROM r WHERE _id = 1)") == [2, 3, 4, 5, 6, 7, 8, 10]
    framed = "SELECT _id, COUNT(*) OVER (ORDER BY x{} RANGE BETWEEN {} AND {}) AS n FROM l"
    for order, start, end, unbounded in (
        ("", "3 PRECEDING", "CURRENT ROW", False), (" DESC", "CURRENT ROW", "3 FOLLOWING", False),
        ("", "UNBOUNDED PRECEDING", "3 FOLLOWING", True), (" DESC", "3 PRECEDING", "UNBOUNDED FOLLOWING", True),
    ):
        found = dict(rows(session, framed.format(order, start, end)))
        assert [found[i] for i in (*NANS, 10)] == [2, 2, 1]
        assert [found[i] for i in (3, 4, 6, 8)] == ([1, 3, 6, 6] if unbounded else [1, 2, 2, 3])
    ordered = [row[0] for row in session.execute("SELECT _id FROM indexed ORDER BY x, _id").rows]
    assert ordered == [*NANS, *ORDER, 10, 9]
    (least, most), = session.execute("SELECT MIN(x), MAX(x) FROM l WHERE x IS NOT NULL AND x <> 'x'").rows
    assert str(least) in ("nan", "NaN") and most == float("inf")


def test_writes_leave_nan_alone(session: Session) -> None:
    session.execute("CREATE TABLE checked (k INT NOT NULL UNIQUE, x DOUBLE NOT NULL, CHECK (x < 100))")
    session.execute("INSERT INTO checked (k, x) VALUES (1, ?), (2, 5)", [NAN])
    with pytest.raises(SqlbulkError, match="E4008"):
        session.execute("INSERT INTO checked (k, x) VALUES (3, 100)")
    for condition in ("checked.x < 100", "NOT checked.x >= 100", "EXCLUDED.x > checked.x"):
        session.execute(f"INSERT INTO checked (k, x) VALUES (1, 50), (2, 50) ON CONFLICT (k) DO UPDATE SET x = 40 WHERE {condition}")
        session.execute(f"UPDATE checked SET x = 5 WHERE {condition.replace('EXCLUDED.x', '50')}")
        assert rows(session, "SELECT k, x FROM checked WHERE x = 5") == [(2, 5)], condition
    (one,) = session.execute("DRY RUN DELETE FROM checked WHERE x < 100 OR x >= 100").rows
    assert one[1]["k"] == 2
    session.execute("UPDATE l SET v.q = 'found' FOR v IN items WHEN v.q < 5 OR v.q > 5 END WHERE TRUE")
    assert rows(session, "SELECT _id FROM l WHERE ANY_MATCH(items, i -> i.q = 'found')") == [2, 3, 4, 5, 8]
