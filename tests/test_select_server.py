"""SELECT on a real server: what PostgreSQL can't judge, which is documents, odd names and values, indexes and streams."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database

from sqlbulk.catalog import Catalog, Collection, Index
from sqlbulk.errors import ServerError, Source
from sqlbulk.execute import execute
from sqlbulk.execute.connection import Connection, open_connection
from sqlbulk.functions.registry import Context
from sqlbulk.plan import plan
from sqlbulk.results import Result
from sqlbulk.syntax.parser import parse

pytestmark = pytest.mark.server

Documents = list[dict[str, Any]]


def run(sql: str, uri: str, database: Database[Any], catalog: Catalog | None = None) -> tuple[tuple[str, ...], list[Any]]:
    """The columns and rows of a query."""
    with open_connection(uri, database=database.name) as connection:
        result = ask(sql, connection, catalog)
        return result.columns, list(result.rows)


def ask(sql: str, connection: Connection, catalog: Catalog | None = None) -> Result:
    made = plan(parse(Source(sql)), context=Context(datetime(2025, 1, 1, tzinfo=UTC)), catalog=catalog)
    (command,) = made.steps
    return execute(command, connection)


@pytest.fixture
def rows(server_uri: str, database: Database[Any]) -> Any:
    """A function that gives the rows of a query."""
    return lambda sql, catalog=None: run(sql, server_uri, database, catalog)[1]


ODD: Documents = [
    {"_id": 1, "a.b": 1, "$c": "x", "": 5, "n": {"$d": 7, "e.f": [1]}},
    {"_id": 2, "a.b": None, "$c": "$c", "n": {"$d": 8}},
]


def test_odd_names_are_names(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many(ODD)
    database.u.insert_many([{"_id": 1, "$k": "x", "v.w": 9}, {"_id": 2, "$k": "$c", "v.w": 10}])
    assert rows('SELECT "a.b", "$c", n."$d" AS "$sum" FROM t ORDER BY _id') == [(1, "x", 7), (None, "$c", 8)]
    assert rows('SELECT "$c" FROM t ORDER BY "$c" DESC') == [("x",), ("$c",)]
    assert rows('SELECT "$c" AS "$x.y", COUNT(*) AS "$n" FROM t GROUP BY "$c" ORDER BY 1') == [("$c", 1), ("x", 1)]
    assert rows('SELECT "a b", "$q" FROM (SELECT "a.b" AS "a b", "$c" AS "$q" FROM t) d ORDER BY 2') == [
        (None, "$c"), (1, "x")]
    assert rows('SELECT u."v.w" FROM t JOIN u ON u."$k" = t."$c" ORDER BY 1') == [(9,), (10,)]
    assert rows('SELECT t._id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u."$k" = t."$c" AND u."v.w" > 9)') == [(2,)]
    assert rows('SELECT DISTINCT "$c" AS "." FROM t WHERE "$c" = \'$c\'') == [("$c",)]
    assert rows('SELECT ROW_NUMBER() OVER (PARTITION BY "$c" ORDER BY "a.b") AS "n.$" FROM t') == [(1,), (1,)]


def test_dollar_strings_are_data_everywhere(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": 1, "s": "$s"}, {"_id": 2, "s": "$$ROOT"}])
    assert rows("SELECT '$s', '$$ROOT' AS r FROM t LIMIT 1") == [("$s", "$$ROOT")]
    assert rows("SELECT _id FROM t WHERE s = '$s' OR s || '' = '$$ROOT' ORDER BY _id") == [(1,), (2,)]
    assert rows("SELECT v.x, t._id FROM (VALUES ('$s')) AS v (x) JOIN t ON t.s = v.x") == [("$s", 1)]
    assert rows("SELECT CASE WHEN s = '$s' THEN '$x' ELSE '$y' END AS c FROM t ORDER BY c") == [("$x",), ("$y",)]
    assert rows("SELECT '$s' AS v UNION SELECT s FROM t ORDER BY v") == [("$$ROOT",), ("$s",)]
    assert rows("SELECT LAG(s, 1, '$none') OVER (ORDER BY _id) AS p FROM t ORDER BY p") == [("$none",), ("$s",)]


KEYS: Documents = [
    {"_id": 1, "k": 1}, {"_id": 2, "k": None}, {"_id": 3}, {"_id": 4, "k": [1, 2]}, {"_id": 5, "k": "1"},
    {"_id": 6, "k": 1.0}, {"_id": 7, "k": {"x": 1}},
]


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN"])
def test_keys_match_as_values_never_by_null_or_inside_arrays(join: str, rows: Any, database: Database[Any]) -> None:
    database.t.insert_many(KEYS)
    database.u.insert_many(KEYS)
    pairs = {(1, 1), (1, 6), (6, 1), (6, 6), (4, 4), (5, 5), (7, 7)}
    alone = {(2, None), (3, None)} if join == "LEFT JOIN" else set()
    assert set(rows(f"SELECT t._id AS a, u._id AS b FROM t {join} u ON u.k = t.k")) == pairs | alone


def test_subqueries_match_like_joins(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many(KEYS)
    database.u.insert_many(KEYS)
    matched = [(1,), (4,), (5,), (6,), (7,)]
    assert rows("SELECT _id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k) ORDER BY _id") == matched
    assert rows("SELECT _id FROM t WHERE k IN (SELECT k FROM u) ORDER BY _id") == matched
    assert rows("SELECT _id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k) ORDER BY _id") == [(2,), (3,)]
    assert rows("SELECT _id FROM t WHERE k NOT IN (SELECT k FROM u)") == []
    assert rows("SELECT _id, (SELECT COUNT(*) FROM u WHERE u.k = t.k) AS n FROM t ORDER BY _id") == [
        (1, 2), (2, 0), (3, 0), (4, 1), (5, 1), (6, 2), (7, 1)]


def test_null_and_missing_are_one_group(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many([{"a": 1}, {"a": None}, {}, {"a": 1.0}])
    assert rows("SELECT a, COUNT(*) AS n FROM t GROUP BY a ORDER BY a") == [(1, 2), (None, 2)]
    assert rows("SELECT a, b, COUNT(*) AS n FROM t GROUP BY a, b ORDER BY a") == [(1, None, 2), (None, None, 2)]
    assert rows("SELECT DISTINCT a FROM t ORDER BY a") == [(1,), (None,)]
    assert rows("SELECT a FROM t INTERSECT SELECT NULL") == [(None,)]


def test_more_than_one_row_as_a_value_is_an_error(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many([{"a": 1}, {"a": 2}])
    with pytest.raises(ServerError, match="gave more than one row") as caught:
        rows("SELECT (SELECT a FROM t) AS x")
    assert caught.value.code == "E5005"


# Stars


def test_star_gives_every_field_in_the_order_they_come(server_uri: str, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": 1, "b": 1}, {"_id": 2, "a": {"x": 1}}])
    assert run("SELECT * FROM t ORDER BY _id", server_uri, database) == (
        ("_id", "b", "a"), [(1, 1, None), (2, None, {"x": 1})])
    assert run("SELECT * EXCEPT (_id) FROM t WHERE b = 1", server_uri, database) == (("b",), [(1,)])
    assert run("SELECT * FROM t WHERE b = 5", server_uri, database) == ((), [])


def test_stars_beside_columns(server_uri: str, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": 1, "k": 1, "b": 1}, {"_id": 2, "k": 2, "c": 3}])
    database.u.insert_many([{"_id": 7, "k": 1}, {"_id": 8, "k": 2, "d": "x"}])
    sql = "SELECT t.* EXCEPT (k), u.k + 1 AS n, u.* FROM t LEFT JOIN u ON u.k = t.k ORDER BY t._id"
    assert run(sql, server_uri, database) == (
        ("_id", "b", "c", "n", "_id", "k", "d"), [(1, 1, None, 2, 7, 1, None), (2, None, 3, 3, 8, 2, "x")])
    sql = "SELECT t.*, x.v FROM t LEFT JOIN (SELECT 1 AS k, 2 AS v) x ON x.k = t.k AND t._id < 0"
    assert run(sql, server_uri, database)[0] == ("_id", "k", "b", "c", "v")


def test_names_that_come_late_are_columns_from_the_start(server_uri: str, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": n} for n in range(1_500)] + [{"_id": 2_000, "late": 1}])
    columns, found = run("SELECT * FROM t", server_uri, database)
    assert columns == ("_id", "late")
    assert len(found) == 1_501
    assert found[-1] == (2_000, 1)


@pytest.mark.parametrize("sql", ["SELECT * FROM t", "SELECT t.*, 1 AS one FROM t"])
def test_a_field_that_appears_while_reading_is_an_error_not_a_loss(
    sql: str, server_uri: str, database: Database[Any]
) -> None:
    database.t.insert_many([{"_id": n, "pad": "x" * 16_000} for n in range(1_500)])
    with open_connection(server_uri, database=database.name) as connection:
        result = ask(sql, connection)
        taken = iter(result.rows)
        next(taken)
        database.t.update_one({"_id": 1_499}, {"$set": {"new": 1}})
        with pytest.raises(ServerError, match="new"):
            for _ in taken:
                pass


def test_rows_stream(server_uri: str, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": n} for n in range(300)])
    with open_connection(server_uri, database=database.name) as connection:
        taken = iter(ask("SELECT _id FROM t", connection).rows)
        assert next(taken) is not None
        database.t.drop()
        with pytest.raises(ServerError):
            for _ in taken:
                pass


def test_what_the_server_refuses_is_an_error_before_any_row(server_uri: str, database: Database[Any]) -> None:
    database.t.insert_one({"a": "x" * 10})
    with open_connection(server_uri, database=database.name) as connection, pytest.raises(ServerError):
        ask("SELECT (SELECT a FROM t UNION ALL SELECT a FROM t) AS x", connection)


# Indexes


CATALOG = Catalog({"t": Collection("t", {}, (Index((("a", 1),)),))})


@pytest.mark.parametrize("sql", [
    "SELECT b FROM t WHERE a = 5", "SELECT b FROM t WHERE a BETWEEN 3 AND 5 ORDER BY a DESC",
    "SELECT b FROM t ORDER BY a LIMIT 3", "SELECT b FROM t ORDER BY a DESC LIMIT 3", "SELECT * FROM t ORDER BY a LIMIT 3",
    "SELECT d.c FROM (SELECT b AS c, a AS x FROM t) d WHERE d.x IN (1, 2)",
    "WITH w AS (SELECT a, COUNT(*) AS n FROM t GROUP BY a) SELECT n FROM w WHERE a = 1",
    "SELECT t.b FROM t LEFT JOIN u ON u.k = t.b WHERE t.a > 90",
    "SELECT b FROM t WHERE a = 1 AND EXISTS (SELECT 1 FROM u WHERE u.k = t.b)", "SELECT b FROM t WHERE STARTS_WITH(a, 'x')",
    "SELECT b FROM (SELECT a, b, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS r FROM t) w WHERE w.a = 1 AND w.r = 1",
])
def test_an_index_serves(sql: str, database: Database[Any]) -> None:
    database.t.insert_many([{"a": n, "b": n} for n in range(100)])
    database.t.create_index("a")
    made = plan(parse(Source(sql)), context=Context(datetime(2025, 1, 1, tzinfo=UTC)), catalog=CATALOG)
    (wire,) = made.commands
    explained = json.dumps(database.command("explain", wire, verbosity="queryPlanner"), default=str)
    assert "IXSCAN" in explained
    assert "COLLSCAN" not in explained


def test_an_index_serves_what_a_document_holds(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": n, "a": {"k": n, "l": {"m": ["x", n]}, "o": 1}} for n in range(50)])
    database.t.insert_many([{"_id": 90, "a": [{"k": 3}]}, {"_id": 91, "a": {"k": [3]}}, {"_id": 92}])
    database.t.create_index("a.k")
    sql = "SELECT _id FROM t WHERE a @> '{\"k\": 3, \"l\": {\"m\": [\"x\"]}}'"
    (wire,) = plan(parse(Source(sql)), context=Context(datetime(2025, 1, 1, tzinfo=UTC))).commands
    explained = json.dumps(database.command("explain", wire, verbosity="queryPlanner"), default=str)
    assert "IXSCAN" in explained
    assert rows(sql) == [(3,)]
    assert rows("SELECT _id FROM t WHERE NOT a @> '{\"o\": 1}' ORDER BY 1") == [(90,), (91,)]


def test_top_rows_by_an_index_keep_nulls_in_their_place(rows: Any, database: Database[Any]) -> None:
    database.t.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": None}, {"_id": 3}, {"_id": 4, "a": 2}])
    database.t.create_index("a")
    assert rows("SELECT a FROM t ORDER BY a LIMIT 3", CATALOG) == [(1,), (2,), (None,)]
    assert rows("SELECT a FROM t ORDER BY a DESC LIMIT 3", CATALOG) == [(None,), (None,), (2,)]
    assert rows("SELECT a FROM t ORDER BY a DESC LIMIT 2 OFFSET 1", CATALOG) == [(None,), (2,)]
    assert rows("SELECT * FROM t ORDER BY a LIMIT 1", CATALOG) == [(1, 1)]
