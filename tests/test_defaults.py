"""DEFAULT: kept in the collection's schema, and given to rows that leave the field out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId

import sqlbulk
from sqlbulk.catalog import Catalog, Collection
from sqlbulk.commands import Insert, QueryRows
from sqlbulk.errors import SqlError
from sqlbulk.plan.insert.rowplan import left_out

NOW = datetime(2025, 11, 22, 10, tzinfo=UTC)
TABLE = """
CREATE TABLE t (k INT PRIMARY KEY, n INT DEFAULT 7, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, a.b TEXT DEFAULT 'x''y',
  price DECIMAL(6, 2) DEFAULT 0.50)
"""
FILLED = {"n": 7, "at": NOW, "a": {"b": "x'y"}, "price": Decimal128("0.50")}


def catalog(**defaults: str) -> Catalog:
    return Catalog({"t": Collection("t", defaults=defaults), "u": Collection("u")}, complete=True)


def test_a_default_that_the_server_cannot_work_out_brings_the_rows_by_the_client() -> None:
    plan = sqlbulk.translate("INSERT INTO t (a) SELECT b FROM u", catalog=catalog(id="UUID()", n="1"))
    command = plan.steps[0]
    assert isinstance(command, Insert) and isinstance(command.rows, QueryRows)
    assert command.rows.by_client == "the server can't work out the DEFAULT of id row by row"
    assert [default.path for default in command.shape.defaults] == [("id",)]
    assert command.rows.query.pipeline[-1] == {"$replaceWith": {"$mergeObjects": ["$$ROOT", {
        "n": {"$cond": [{"$eq": [{"$type": "$n"}, "missing"]}, 1, "$n"]}}]}}


def test_a_default_that_changes_is_worked_out_row_by_row() -> None:
    command = sqlbulk.translate("INSERT INTO t (a) VALUES (1)", catalog=catalog(id="UUID()", n="1 + 1")).steps[0]
    assert isinstance(command, Insert)
    first, second = command.shape.defaults
    assert (first.path, first.text, second.evaluate()) == (("id",), "UUID()", 2)
    assert first.evaluate() != first.evaluate()


def test_a_merge_with_such_a_default_is_refused() -> None:
    with pytest.raises(SqlError, match="the server can't make UUIDs"):
        sqlbulk.translate("MERGE INTO t USING u ON t.k = u.k WHEN NOT MATCHED THEN INSERT (k) VALUES (u.k)",
                          catalog=catalog(id="UUID()"))


def test_an_interval_of_months_is_no_default() -> None:
    with pytest.raises(SqlError, match="an interval of months can't be stored"):
        sqlbulk.translate("CREATE TABLE t (a ANY DEFAULT INTERVAL '1 month')")


@pytest.mark.parametrize(("fields", "removed"), [
    ((("k",),), (("a",),)), ((("a", "z"),), (("a", "b"), ("a", "c"))), ((("a",),), ()),
    ((("a", "b"),), (("a", "c"),)), ((("a", "b", "c"),), (("a", "c"),)),
])
def test_what_is_in_a_row_for_its_defaults_alone(fields: Any, removed: Any) -> None:
    assert left_out(fields, [("a", "b"), ("a", "c")] if fields != ((("a", "b", "c"),)) else [("a", "c")]) == removed


@pytest.fixture
def session(server_uri: str, database: Any) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=database.name, now=NOW) as opened:
        opened.execute(TABLE)
        yield opened


def stored(database: Any, k: int) -> dict[str, Any]:
    found: dict[str, Any] = database.with_options(
        codec_options=database.codec_options.with_options(tz_aware=True)).t.find_one({"k": k}, {"_id": 0, "k": 0})
    return found


@pytest.mark.server
def test_rows_that_leave_a_field_out_get_its_default(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    session.execute("INSERT INTO t (k) VALUES (1)")
    session.execute("INSERT INTO t (k, n, a.b) VALUES (2, DEFAULT, NULL)")
    session.execute("INSERT INTO t (k) ?", rows=[(3,)])
    session.execute("INSERT INTO t ?", rows=[{"k": 4, "n": None}])
    session.execute(f"INSERT INTO {database.name}.t VALUES ({{k: 5, a: {{c: 1}}}})")
    (tmp_path / "x.csv").write_text("k,n\n7,1\n")
    session.execute(f"INSERT INTO t FROM '{tmp_path}/x.csv' FORMAT csv")
    session.execute(f"LOAD DATA INFILE '{tmp_path}/x.csv' INTO TABLE t FIELDS TERMINATED BY ',' IGNORE 1 LINES (k, @n)"
                    " SET k = k + 1, n = DEFAULT")
    session.execute("INSERT INTO t (k) SELECT k + 100 FROM t WHERE k = 1")
    session.execute("MERGE INTO t USING (SELECT 1 AS one) AS s ON FALSE WHEN NOT MATCHED THEN INSERT (k, n)"
                    " VALUES (9, DEFAULT)")
    assert [stored(database, k) for k in (1, 3, 8, 101, 9)] == [FILLED] * 5
    assert stored(database, 2) == FILLED | {"a": {"b": None}}
    assert stored(database, 4) == FILLED | {"n": None}
    assert stored(database, 5) == FILLED | {"a": {"c": 1, "b": "x'y"}}
    assert stored(database, 7) == FILLED | {"n": 1}


@pytest.mark.server
@pytest.mark.parametrize(("rows", "count"), [
    ("DEFAULT VALUES", 1), ("() VALUES ()", 1), ("() VALUES (), ()", 2), ("VALUES ()", 1), ("VALUES (DEFAULT, DEFAULT)", 1),
])
def test_rows_of_defaults_alone(session: sqlbulk.Session, database: Any, rows: str, count: int) -> None:
    session.execute("CREATE TABLE d (a INT DEFAULT 1 + 2, b.c TEXT DEFAULT 'x', e INT)")
    dry = session.execute(f"DRY RUN INSERT INTO d {rows}")
    assert {(row[0], row[3]["a"], row[3]["b"]["c"]) for row in dry.rows} == {("inserted", 3, "x")}
    assert database.d.count_documents({}) == 0
    given = session.execute(f"INSERT INTO d {rows} RETURNING *")
    assert given.columns == ("_id", "a", "b")
    assert [row[1:] for row in given.rows] == [(3, {"c": "x"})] * count
    session.execute(f"REPLACE INTO d {rows}")
    stored_rows = list(database.d.find())
    assert [{k: v for k, v in row.items() if k != "_id"} for row in stored_rows] == [{"a": 3, "b": {"c": "x"}}] * 2 * count
    assert {type(row["_id"]) for row in stored_rows} == {ObjectId}


@pytest.mark.server
def test_rows_of_defaults_where_a_key_has_one(session: sqlbulk.Session, database: Any) -> None:
    session.execute("CREATE TABLE d (k INT UNIQUE DEFAULT 5, n INT DEFAULT 1)")
    session.execute("INSERT INTO d DEFAULT VALUES")
    session.execute("UPDATE d SET n = 2 WHERE TRUE")
    ignored = session.execute("INSERT IGNORE INTO d DEFAULT VALUES")
    assert ignored.summary is not None and ignored.summary.inserted == 0
    session.execute("INSERT INTO d DEFAULT VALUES ON CONFLICT (k) DO UPDATE SET n = n + 10")
    session.execute("UPSERT INTO d DEFAULT VALUES WITH (match_fields = ['k'])")
    assert [(row["k"], row["n"]) for row in database.d.find()] == [(5, 12)]
    session.execute("REPLACE INTO d DEFAULT VALUES")
    assert [(row["k"], row["n"]) for row in database.d.find()] == [(5, 1)]
    with pytest.raises(SqlError, match="the key _id is not among the columns"):
        session.execute("UPSERT INTO d DEFAULT VALUES")
    merged = "MERGE INTO d USING (SELECT 6 AS k) AS s ON d.k = s.k WHEN NOT MATCHED AND FALSE THEN INSERT (k) VALUES (s.k)"
    session.execute("DELETE FROM d WHERE TRUE")
    session.execute(f"{merged} WHEN NOT MATCHED THEN INSERT DEFAULT VALUES")
    assert [(row["k"], row["n"]) for row in database.d.find()] == [(5, 1)]


@pytest.mark.server
def test_a_value_is_no_row_without_columns(session: sqlbulk.Session, database: Any) -> None:
    done = session.execute("INSERT INTO d () VALUES (1), (), (DEFAULT) WITH (continue_on_error = true)")
    assert done.summary is not None
    assert [(error.row, error.code) for error in done.summary.errors] == [(1, "E4003"), (3, "E4003")]
    assert list(database.d.find({}, {"_id": 0})) == [{}]


@pytest.mark.server
def test_default_as_a_value_of_update(session: sqlbulk.Session, database: Any) -> None:
    session.execute("INSERT INTO t (k, n, a.b, z) VALUES (1, 1, 'q', 1)")
    session.execute("UPDATE t SET n = DEFAULT, a.b = DEFAULT, z = DEFAULT WHERE k = 1")
    assert stored(database, 1) == FILLED
    session.execute("UPDATE t SET n = 0 WHERE k = 1")
    session.execute("MERGE INTO t USING (SELECT 1 AS k) AS s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = DEFAULT")
    session.execute("INSERT INTO t (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET price = DEFAULT, z = EXCLUDED.n")
    assert stored(database, 1) == FILLED | {"z": 7}


@pytest.mark.server
@pytest.mark.parametrize("rows", ["VALUES (1, 2)", "SELECT 1 AS k, 2 AS v", "?"])
def test_an_upsert_does_not_write_defaults_over_what_is_stored(
    session: sqlbulk.Session, database: Any, rows: str
) -> None:
    session.execute("INSERT INTO t (k, n, a.b, price) VALUES (1, 1, 'q', 3)")
    sql = f"UPSERT INTO t (k, a.v) {rows} WITH (match_fields = 'k')"
    given = [(1, 2)] if rows == "?" else None
    summary = session.execute(sql, rows=given).summary
    assert summary is not None and summary.matched == 1
    assert stored(database, 1) == {"n": 1, "at": NOW, "a": {"b": "q", "v": 2}, "price": 3}
    session.execute(sql.replace("1", "2"), rows=[(2, 2)] if rows == "?" else None)
    assert stored(database, 2) == FILLED | {"a": {"v": 2, "b": "x'y"}}


@pytest.mark.server
def test_describe_shows_defaults_also_of_fields_that_no_document_has(session: sqlbulk.Session) -> None:
    session.execute("INSERT INTO t VALUES ({k: 1, a: NULL})")
    result = session.execute("DESCRIBE t")
    assert result.columns == ("field", "types", "present", "default")
    rows = {row[0]: row[1:] for row in result.rows}
    assert rows["n"] == ("int", "100%", "7") and rows["k"] == ("int", "100%", None)
    assert rows["a.b"] == (None, "0%", "'x''y'")


@pytest.mark.server
def test_the_article_s_table_runs_whole(session: sqlbulk.Session, database: Any) -> None:
    session.execute("""
        CREATE TABLE user_analytics (
            user_id BIGINT NOT NULL,
            event_type VARCHAR(100) NOT NULL,
            event_data JSONB,
            session_id VARCHAR(100),
            timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            device_info JSONB,
            location_data JSONB,

            -- Performance indexes that become expensive with individual operations
            INDEX idx_user_timestamp (user_id, timestamp),
            INDEX idx_event_type (event_type),
            INDEX idx_session_id (session_id)
        )""")
    session.execute("INSERT INTO user_analytics (user_id, event_type) VALUES (1, 'click')")
    (row,) = session.execute("SELECT user_id, timestamp FROM user_analytics").rows
    assert row == (1, NOW)


@pytest.mark.server
def test_a_default_that_nobody_can_read_is_an_error(session: sqlbulk.Session, database: Any) -> None:
    database.create_collection("broken", validator={"$jsonSchema": {"properties": {
        "a": {"description": "sqlbulk: DEFAULT 1 +"}, "b": {"description": "DEFAULT is nothing"}}}})
    with pytest.raises(SqlError, match=r"the DEFAULT of broken.a, 1 \+, can't be used"):
        session.execute("INSERT INTO broken (b) VALUES (1)")


@pytest.mark.server
def test_a_collection_that_is_made_anew_is_asked_for_its_rules_again(session: sqlbulk.Session, database: Any) -> None:
    session.execute("INSERT INTO t (k) VALUES (1)")
    session.execute("DROP TABLE t")
    session.execute("CREATE TABLE t (k INT, n INT DEFAULT 8)")
    session.execute("INSERT INTO t (k) VALUES (1)")
    assert stored(database, 1) == {"n": 8}
