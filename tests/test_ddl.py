"""CREATE, DROP and TRUNCATE: what the planner can't show as text, and what the server makes of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

import sqlbulk
from sqlbulk import commands_catalog as cc
from sqlbulk.errors import ServerError, SqlbulkError, SqlError
from sqlbulk.execute import execute
from sqlbulk.plan.ddl.indexes import not_null_filter
from sqlbulk.uniqueness import NOT_NULL_TYPES


def planned(sql: str, parameters: Any = None) -> Any:
    return sqlbulk.translate(sql, parameters).steps[0]


# Without a server


def test_a_command_carries_the_place_of_the_name() -> None:
    command = planned("DROP TABLE shop.orders")
    assert command == cc.DropCollection("orders", "collection", database="shop")
    assert (command.span.start, command.span.end) == (11, 22)


def test_truncate_takes_the_defaults_of_the_session() -> None:
    with sqlbulk.connect("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", write_concern="majority", max_execution_time=5) as session:
        session.explain("TRUNCATE t")
        assert session.last_plan is not None
        command = session.last_plan.steps[0]
    assert isinstance(command, cc.Truncate)
    assert (command.write_concern, command.max_execution_time) == ({"w": "majority"}, 5)


def test_parameters_are_constants() -> None:
    command = planned("CREATE INDEX i ON t (a) WHERE a > ?", [datetime(2025, 1, 1, tzinfo=UTC)])
    assert command.index["partialFilterExpression"] == {"a": {"$gt": datetime(2025, 1, 1, tzinfo=UTC)}}


@pytest.mark.parametrize(("kinds", "lowest"), [
    ("string", ""), (["int", "long"], float("-inf")), ("bool", False), ("objectId", ObjectId(bytes(12)))])
def test_unique_keys_begin_at_the_lowest_value(kinds: Any, lowest: Any) -> None:
    assert not_null_filter(kinds) == {"$gte": lowest}


def test_unique_keys_without_a_lowest_value() -> None:
    for kinds in (None, "array", ["int", "string"]):
        assert not_null_filter(kinds) == {"$type": list(NOT_NULL_TYPES)}


def test_a_views_query_takes_no_options() -> None:
    with pytest.raises(SqlError) as caught:
        planned("CREATE VIEW v AS SELECT * FROM t WITH (collation = 'de')")
    assert caught.value.code == "E1001"


# With a server


@pytest.fixture
def session(server_uri: str, database: Any) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=database.name, now="2025-11-22T12:00:00Z") as made:
        yield made


def refused(session: sqlbulk.Session, sql: str) -> SqlbulkError:
    with pytest.raises(SqlbulkError) as caught:
        session.execute(sql)
    if isinstance(caught.value, SqlError):
        assert caught.value.source is not None, "the caret needs the text"
    return caught.value


def stores(database: Any, document: dict[str, Any], collection: str = "t") -> bool:
    try:
        database[collection].insert_one(document)
    except WriteError as error:
        assert error.code == 121 or isinstance(error, DuplicateKeyError), error
        return False
    return True


@pytest.mark.server
@pytest.mark.parametrize(("column", "good", "bad"), [
    ("a INT", [1, Int64(1), None, 2**31 - 1], [1.5, "1", 2**31, True]),
    ("a INT NOT NULL", [0], [None, 0.0]),
    ("a SMALLINT", [-(2**15)], [2**15]),
    ("a BIGINT", [2**60], [Decimal128("1")]),
    ("a DOUBLE", [1, 1.5, Decimal128("1.5"), float("nan")], ["1"]),
    ("a DECIMAL(5, 2)", [1, Decimal128("999.99"), Decimal128("-999.99"), Decimal128("1.5")],
     [1.5, Decimal128("1000"), Decimal128("1.255"), Decimal128("NaN"), 1000, -1000]),
    ("a DECIMAL", [Decimal128("1.23456789"), Decimal128("NaN"), 7], [1.5]),
    ("a VARCHAR(3)", ["äöü", "", None], ["abcd", 1]),
    ("a CHAR", ["x"], ["xy"]),
    ("a TEXT NOT NULL", ["$x"], [None, 5]),
    ("a BOOLEAN", [True, None], [1]),
    ("a TIMESTAMP", [datetime(2025, 1, 1, tzinfo=UTC)], ["2025-01-01"]),
    ("a JSON NOT NULL", [1, "x", {}, []], [None]),
    ("a DOCUMENT", [{}, {"x": 1}], [[], 1]),
    ("a ARRAY", [[], [1, "x"]], [{}, 1]),
    ("a TEXT[]", [["x", None], []], [["x", 1], "x"]),
    ("a ANY[] NOT NULL", [[1, None]], [None, 1]),
    ("a UUID", [b"x"], ["x"]),
    ("a OBJECTID", [ObjectId()], ["x"]),
    ("a INT CHECK (a > 0)", [1, None], [0]),
    ("a TEXT CHECK (a IN ('x', 'y'))", ["x", None], ["z", 5]),
    ("a TEXT CHECK (a <> '$b')", ["b"], ["$b"]),
    ("a TIMESTAMP CHECK (a >= '2000-01-01')", [datetime(2000, 1, 1, tzinfo=UTC)], [datetime(1999, 1, 1, tzinfo=UTC)]),
    ("a TEXT CHECK (CHAR_LENGTH(a) > 1)", ["xy", None], ["x", 5]),
    ("a.b INT NOT NULL", [{"b": 1}], [None, {}, {"b": None}, 1, [{"b": 1}]]),
    ("a.b INT", [{"b": 1}, {}, None], [{"b": "x"}, 1]),
])
def test_what_a_column_takes(session: sqlbulk.Session, database: Any, column: str, good: list[Any], bad: list[Any]) -> None:
    session.execute(f"CREATE TABLE t ({column})")
    assert [value for value in good if not stores(database, {"a": value})] == []
    assert [value for value in bad if stores(database, {"a": value})] == []
    assert stores(database, {"b": 1}) is ("NOT NULL" not in column)


@pytest.mark.server
def test_several_checks_hold_together(session: sqlbulk.Session, database: Any) -> None:
    session.execute("CREATE TABLE t (a INT, b INT CHECK (b > 0), CONSTRAINT ordered CHECK (a <= b), CHECK (a <> 5))")
    assert stores(database, {"a": 1, "b": 1})
    assert stores(database, {})
    assert not any(stores(database, d) for d in ({"b": 0}, {"a": 2, "b": 1}, {"a": 5, "b": 9}, {"a": "1", "b": 1}))


@pytest.mark.server
def test_unique_lets_nulls_stand_side_by_side(session: sqlbulk.Session, database: Any) -> None:
    session.execute("""CREATE TABLE t (
        a TEXT UNIQUE, b INT UNIQUE, c TIMESTAMP UNIQUE, d BOOLEAN UNIQUE, e OBJECTID UNIQUE, f UUID UNIQUE,
        g INT NOT NULL, UNIQUE (g, a))""")
    full = {"a": "", "b": -(2**31), "c": datetime(1, 1, 1, tzinfo=UTC), "d": False, "e": ObjectId(bytes(12)), "f": b""}
    assert stores(database, {**full, "g": 1})
    assert all(stores(database, {"g": 2, "a": None}) for _ in range(3))
    for number, (name, value) in enumerate(full.items()):
        assert not stores(database, {"g": 100 + number, name: value}), name
    plan = database.t.find({"a": {"$eq": "x", "$not": {"$type": "array"}}}).explain()["queryPlanner"]["winningPlan"]
    assert plan["inputStage"]["indexName"] == "a_1_unique", "reads use the index as well"


@pytest.mark.server
def test_primary_key(session: sqlbulk.Session, database: Any) -> None:
    session.execute("CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (a, b))")
    assert stores(database, {"a": 1, "b": "x"})
    assert not any(stores(database, d) for d in ({"a": 1, "b": "x"}, {"a": 1}, {"a": 1, "b": None}))


@pytest.mark.server
def test_create_table_twice(session: sqlbulk.Session, database: Any) -> None:
    assert session.execute("CREATE TABLE t (a INT, INDEX (a))").target == "t"
    database.t.insert_one({"a": 1})
    error = refused(session, "CREATE TABLE t (b INT)")
    assert (error.code, error.message) == ("E2021", "there is a collection t already")
    result = session.execute("CREATE TABLE IF NOT EXISTS t (b INT, INDEX (b))")
    assert result.notices == ("t exists already; it is left as it is",)
    assert set(database.t.index_information()) == {"_id_", "a_1"}
    assert database.t.count_documents({}) == 1


@pytest.mark.server
def test_a_table_whose_index_is_refused_is_not_left_behind(session: sqlbulk.Session, database: Any) -> None:
    indexes = ", ".join(f"INDEX (f{n})" for n in range(70))
    assert refused(session, f"CREATE TABLE t (a INT, {indexes})").code == "E5005"
    assert database.list_collection_names() == []


@pytest.mark.server
def test_create_index(session: sqlbulk.Session, database: Any) -> None:
    error = refused(session, "CREATE INDEX ON ordres (a)")
    assert (error.code, error.hint) == ("E2020", None)
    database.orders.insert_many([{"a": 1, "b": None}, {"a": 1}, {"a": 2, "b": 3}])
    assert refused(session, "CREATE INDEX ON ordres (a)").hint == "did you mean orders?"
    assert database.list_collection_names() == ["orders"]
    session.execute("CREATE INDEX by_b ON orders (b DESC, a) WHERE b > 1 AND a IS NOT NULL")
    information = database.orders.index_information()["by_b"]
    assert information["key"] == [("b", -1), ("a", 1)]
    assert refused(session, "CREATE INDEX by_b ON orders (a)").code == "E2021"
    assert refused(session, "CREATE INDEX other ON orders (b DESC, a) WHERE b > 1 AND a IS NOT NULL").code == "E2021"
    assert session.execute("CREATE INDEX IF NOT EXISTS by_b ON orders (a)").notices == (
        "there is an index by_b already; it is left as it is",)
    for kind in ("text", "hashed", "2dsphere", "2d"):
        session.execute(f"CREATE INDEX {'i_' + kind} ON orders (x_{kind}) WITH (kind = '{kind}')")
    session.execute("CREATE INDEX old ON orders (at) WITH (expire_after = '1 day')")
    assert database.orders.index_information()["old"]["expireAfterSeconds"] == 86_400


@pytest.mark.server
def test_a_unique_index_over_duplicates(session: sqlbulk.Session, database: Any) -> None:
    database.t.insert_many([{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"c": 1}, {}])
    error = refused(session, "CREATE UNIQUE INDEX ON t (a, b)")
    assert isinstance(error, ServerError)
    assert error.code == "E5020"
    assert error.message in ("(a, b) isn't unique in t: several documents have a = 1, b = 'x'",
                             "(a, b) isn't unique in t: several documents have a = NULL, b = NULL")
    assert "GROUP BY a, b" in str(error.hint)
    assert set(database.t.index_information()) == {"_id_"}
    session.execute("CREATE UNIQUE INDEX ON t (c) WHERE c IS NOT NULL")
    assert stores(database, {"c": None})
    assert stores(database, {})
    assert not stores(database, {"c": 1})


@pytest.mark.server
def test_views(session: sqlbulk.Session, database: Any) -> None:
    database.t.insert_many([{"_id": 1, "a": 1, "b": {"c": "x"}}, {"_id": 2, "a": 7, "b": None}])
    session.execute("CREATE VIEW v (n, c) AS SELECT a, b.c FROM t WHERE a > 5")
    assert list(database.v.find()) == [{"n": 7}] or list(database.v.find()) == [{"n": 7, "c": None}]
    assert refused(session, "CREATE VIEW v AS SELECT a FROM t").code == "E2021"
    session.execute("CREATE OR REPLACE VIEW v AS SELECT *, a + 1 AS up FROM t")
    assert list(database.v.find({"_id": 1})) == [{"_id": 1, "a": 1, "b": {"c": "x"}, "up": 2}]
    assert refused(session, "CREATE OR REPLACE VIEW t AS SELECT a FROM v").code == "E2021"
    session.execute("CREATE OR REPLACE VIEW w AS SELECT a FROM v")
    assert list(database.w.find()) == [{"a": 1}, {"a": 7}]
    for sql in ("CREATE INDEX ON v (a)", "TRUNCATE v", "SHOW INDEXES FROM v"):
        assert refused(session, sql).code == "E3001", sql


@pytest.mark.server
def test_drop_takes_only_what_is_named(session: sqlbulk.Session, database: Any) -> None:
    database.orders.insert_one({})
    session.execute("CREATE VIEW v AS SELECT * FROM orders")
    error = refused(session, "DROP TABLE v")
    assert (error.code, error.hint) == ("E2020", "write DROP VIEW v")
    assert refused(session, "DROP VIEW orders").hint == "write DROP TABLE orders"
    assert refused(session, "DROP TABLE ordres").hint == "did you mean orders?"
    assert session.execute("DROP TABLE IF EXISTS ordres").notices == ("there is no collection ordres",)
    assert session.execute("DROP VIEW IF EXISTS w").notices == ("there is no view w",)
    session.execute("DROP VIEW v")
    session.execute("DROP COLLECTION orders")
    assert [n for n in database.list_collection_names() if not n.startswith("system.")] == []


@pytest.mark.server
def test_drop_index(session: sqlbulk.Session, database: Any) -> None:
    database.orders.create_index("amount")
    database.orders.create_index("date")
    assert refused(session, "DROP INDEX amount ON orders").hint == "did you mean amount_1?"
    assert refused(session, "DROP INDEX zzzz ON orders").hint == "SHOW INDEXES lists them"
    assert refused(session, "DROP INDEX amount_1 ON ordres").hint == "did you mean orders?"
    assert session.execute("DROP INDEX IF EXISTS x ON orders").notices == ("orders has no index x",)
    assert session.execute("DROP INDEX IF EXISTS x ON ordres").notices == ("there is no collection ordres",)
    session.execute("DROP INDEX amount_1 ON orders")
    assert set(database.orders.index_information()) == {"_id_", "date_1"}


@pytest.mark.server
def test_truncate_counts_and_keeps_indexes(session: sqlbulk.Session, database: Any) -> None:
    session.execute("CREATE TABLE t (a INT NOT NULL, INDEX (a))")
    database.t.insert_many([{"a": n} for n in range(25)])
    summary = session.execute("TRUNCATE TABLE t").summary
    assert summary is not None
    assert summary.deleted == 25
    assert set(database.t.index_information()) == {"_id_", "a_1"}
    assert not stores(database, {"a": None})
    assert refused(session, "TRUNCATE u").code == "E2020"
    with sqlbulk.connect(session._link._target.uri, database=database.name, write_concern="majority") as careful:
        summary = careful.execute("TRUNCATE TABLE t").summary
        assert summary is not None
        assert summary.deleted == 0


@pytest.mark.server
def test_another_database(session: sqlbulk.Session, database: Any) -> None:
    name = f"{database.name}_b"
    try:
        session.execute(f"CREATE TABLE {name}.t (a INT)")
        session.execute(f"CREATE INDEX ON {name}.t (a)")
        assert database.client[name].list_collection_names() == ["t"]
        assert [row[0] for row in session.execute(f"SHOW INDEXES FROM {name}.t")] == ["_id_", "a_1"]
        assert list(session.execute(f"DESCRIBE {name}.t")) == []
        session.execute(f"DROP TABLE {name}.t")
        assert database.client[name].list_collection_names() == []
    finally:
        database.client.drop_database(name)


@pytest.mark.server
def test_what_the_server_refuses(session: sqlbulk.Session) -> None:
    assert refused(session, f"CREATE TABLE {'x' * 300} (a INT)").code == "E5005"
    assert refused(session, "TRUNCATE `a b`.t").code == "E5005"
    session.execute("CREATE TABLE t")
    indexes = ", ".join(f"f{n}" for n in range(40))
    assert refused(session, f"CREATE INDEX many ON t ({indexes})").code == "E5005"


@pytest.mark.server
def test_duplicates_that_the_server_does_not_name(
    session: sqlbulk.Session, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.t.insert_many([{"a": 1}, {"a": 1}])
    monkeypatch.setattr(OperationFailure, "details", property(lambda self: None))
    error = refused(session, "CREATE UNIQUE INDEX ON t (a)")
    assert error.code == "E5020"
    assert "E11000" in error.message


@pytest.mark.server
def test_a_table_known_while_planning(session: sqlbulk.Session) -> None:
    assert list(execute(cc.ShowTable(("a",), ((1,),)), session.connection())) == [(1,)]
