"""SHOW and DESCRIBE."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, ObjectId, Regex

import sqlbulk
from sqlbulk.errors import SqlError
from sqlbulk.execute.describe import field_rows, shown_name, type_name


@pytest.fixture
def offline() -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect("mongodb://127.0.0.1:1/", batch_size=77) as made:
        yield made


def test_functions_and_options_need_no_server(offline: sqlbulk.Session) -> None:
    rows = list(offline.execute("SHOW OPTIONS LIKE 'BATCH\\_%'"))
    assert [row[:2] for row in rows] == [("batch_size", "77")]
    values = {row[0]: row[1] for row in offline.execute("SHOW OPTIONS")}
    assert (values["ordered"], values["write_concern"], values["match_fields"]) == ("false", None, None)
    offline.execute("SET ordered = true")
    assert next(iter(offline.execute("SHOW OPTIONS LIKE 'ordered'")))[1] == "true"
    result = offline.execute("SHOW FUNCTIONS LIKE 'coal%'")
    assert (result.statement, result.columns) == ("SHOW FUNCTIONS", ("function", "what it gives", "example"))
    assert [row[0] for row in result] == ["COALESCE"]
    names = [row[0] for row in offline.execute("SHOW FUNCTIONS")]
    assert names == sorted(set(names))
    assert {"COUNT", "ROW_NUMBER", "UPPER"} <= set(names)
    assert "+" not in names


@pytest.mark.parametrize(("value", "expected"), [
    (1, "int"), (Int64(1), "long"), (1.0, "double"), (Decimal128("1"), "decimal"), (True, "boolean"), (None, "null"),
    ("x", "string"), (datetime(2025, 1, 1, tzinfo=UTC), "date"), (ObjectId(), "objectid"), (b"x", "binary"),
    (Binary.from_uuid(UUID(int=1)), "uuid"), (UUID(int=1), "uuid"), ({}, "document"), ([], "array"),
    (Regex("x"), "regex"), (MaxKey(), "maxkey"),
])
def test_names_of_types(value: Any, expected: str) -> None:
    assert type_name(value) == expected


def test_fields_nested_and_in_arrays() -> None:
    documents = [
        {"_id": 1, "a": {"b": 1, "c": None}, "items": [{"sku": "x", "n": 1}, {"sku": "y"}], "odd.name": 1},
        {"_id": 2, "late": True, "a": {"b": "x"}, "items": [[1, 2], 3.0]},
        {"_id": 3, "a": 5},
        {"_id": 4},
    ]
    assert field_rows(documents) == ([
        ("_id", "int", "100%"),
        ("a", "document 67%, int 33%", "75%"),
        ("a.b", "int 50%, string 50%", "50%"),
        ("a.c", "null", "25%"),
        ("items", "array", "50%"),
        ("items[]", "document 50%, array 25%, double 25%", "50%"),
        ("items[].sku", "string", "25%"),
        ("items[].n", "int", "25%"),
        ("items[][]", "int", "25%"),
        ('"odd.name"', "int", "25%"),
        ("late", "boolean", "25%"),
    ], 4)


def test_shares_are_not_rounded_to_all_or_none() -> None:
    documents = [{"a": 1} for _ in range(999)] + [{"a": "x", "b": 1}]
    assert field_rows(documents)[0] == [("a", "int >99%, string <1%", "100%"), ("b", "int", "<1%")]
    assert field_rows([]) == ([], 0)


@pytest.mark.parametrize(("name", "expected"), [
    ("a_b", "a_b"), ("größe", "größe"), ("a$", "a$"), ("$a", '"$a"'), ("a b", '"a b"'), ("", '""'), ("a.b", '"a.b"'),
    ("1a", '"1a"'), ('a"b', '"a""b"')])
def test_names_as_sql_writes_them(name: str, expected: str) -> None:
    assert shown_name(name) == expected


# With a server


@pytest.mark.server
def test_show(session: sqlbulk.Session, database: Any) -> None:
    database.orders.insert_many([{"a": n} for n in range(3)])
    database.Other.insert_one({})
    session.execute("CREATE VIEW open_orders AS SELECT * FROM orders")
    session.execute("CREATE UNIQUE INDEX ON orders (a DESC)")
    result = session.execute("SHOW TABLES")
    assert result.statement == "SHOW TABLES"
    assert [row[:3] for row in result] == [("Other", "collection", 1), ("open_orders", "view", None), ("orders", "collection", 3)]
    assert [row[0] for row in session.execute("SHOW COLLECTIONS LIKE 'O%'")] == ["Other", "open_orders", "orders"]
    assert [row[0] for row in session.execute("SHOW TABLES LIKE '%\\_orders'")] == ["open_orders"]
    assert [row[:3] for row in session.execute("SHOW INDEXES FROM orders")] == [("_id_", "_id", True), ("a_-1", "a DESC", True)]
    assert database.name in [row[0] for row in session.execute("SHOW DATABASES")]
    assert [row[0] for row in session.execute(f"SHOW DATABASES LIKE '{database.name}'")] == [database.name]
    with pytest.raises(SqlError) as caught:
        session.execute("SHOW INDEXES FROM orderz")
    assert (caught.value.code, caught.value.hint) == ("E2020", "did you mean orders?")


@pytest.mark.server
def test_describe(session: sqlbulk.Session, database: Any) -> None:
    database.t.insert_many([{"_id": n, "a": {"b": n}} for n in range(1_200)])
    result = session.execute("DESCRIBE t")
    assert result.notices == ("from a sample of 1,000 documents",)
    assert list(result) == [("_id", "int", "100%"), ("a", "document", "100%"), ("a.b", "int", "100%")]
    session.execute("CREATE VIEW v AS SELECT a.b FROM t WHERE a.b < 5")
    assert list(session.execute("DESC v")) == [("b", "int", "100%")]
    session.execute("TRUNCATE t")
    assert session.execute("DESCRIBE t").notices == ("t is empty",)
    with pytest.raises(SqlError) as caught:
        session.execute("DESCRIBE u")
    assert caught.value.code == "E2020"
