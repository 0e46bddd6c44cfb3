"""Keys of ON CONFLICT on a real server: NULLs never collide, the index is used, and others may write at the same time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from pymongo.database import Database

import sqlbulk
from sqlbulk.errors import ServerError, TooManyErrors
from sqlbulk.execute.upserts import key_filter
from sqlbulk.session import Session
from sqlbulk.uniqueness import not_null_filter, type_tests

pytestmark = pytest.mark.server

ADD = "ON CONFLICT (k) DO UPDATE SET n = n + EXCLUDED.n"


def stored(database: Database[Any]) -> list[tuple[Any, Any]]:
    return [(d.get("k"), d["n"]) for d in database.t.find().sort("_id", 1)]


def stages(plan: Any) -> set[str]:
    if isinstance(plan, dict):
        return {plan["stage"], *stages(plan.get("inputStage"))} if "stage" in plan else set()
    return set()


def test_nulls_never_collide(session: Session, database: Database[Any]) -> None:
    first = session.execute(f"INSERT INTO t (k, n) VALUES (NULL, 1), (1, 1), (NULL, 2), (DEFAULT, 3), (DEFAULT, 4) {ADD}")
    assert first.notices == ("made a unique index on (k) of t",)
    again = session.execute(f"INSERT INTO t (k, n) VALUES (NULL, 5), (1, 10), (DEFAULT, 6) {ADD}")
    assert again.notices == ()
    assert again.summary is not None
    assert (again.summary.inserted, again.summary.matched) == (2, 1)
    assert stored(database) == [(None, 1), (1, 11), (None, 2), (None, 3), (None, 4), (None, 5), (None, 6)]
    with pytest.raises(TooManyErrors, match="E11000"):
        session.execute("INSERT INTO t (k, n) VALUES (1, 1)")


def test_a_part_of_the_key_is_null(session: Session, database: Database[Any]) -> None:
    for _ in range(2):
        session.execute("INSERT INTO t (a, b.c, n) VALUES (1, NULL, 1), (1, 2, 1), (NULL, 2, 1)"
                        " ON CONFLICT (a, b.c) DO UPDATE SET n = n + 1")
    assert sorted(d["n"] for d in database.t.find()) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("made", [
    {"unique": True}, {"unique": True, "sparse": True},
    {"unique": True, "partialFilterExpression": {"k": {"$exists": True}}},
    {"unique": True, "partialFilterExpression": not_null_filter(["k"], alternatives=False)},
    {"unique": True, "partialFilterExpression": not_null_filter(["k"]), "name": "mine"},
])
def test_an_index_that_does_is_taken(session: Session, database: Database[Any], made: dict[str, Any]) -> None:
    database.t.create_index("k", **made)
    result = session.execute(f"INSERT INTO t (k, n) VALUES (1, 1), ('a', 1), (1, 5) {ADD}")
    assert result.notices == ()
    assert stored(database) == [(1, 6), ("a", 1)]
    assert len(database.t.index_information()) == 2


def test_an_index_of_a_nullable_column_is_taken(session: Session, database: Database[Any]) -> None:
    session.execute("CREATE TABLE t (k TEXT UNIQUE, n INT)")
    before = len(database.t.index_information())
    result = session.execute(f"INSERT INTO t (k, n) VALUES ('a', 1), (NULL, 1), (NULL, 1), ('a', 5) {ADD}")
    assert result.notices == ()
    assert stored(database) == [("a", 6), (None, 1), (None, 1)]
    assert len(database.t.index_information()) == before


def test_other_indexes_stay_beside_it(session: Session, database: Database[Any]) -> None:
    database.t.create_index("k", name="usual")
    database.t.create_index("k", unique=True, name="some", partialFilterExpression={"on": True})
    assert session.execute(f"INSERT INTO t (k, n) VALUES (1, 1), (1, 1) {ADD}").notices == (
        "made a unique index on (k) of t",)
    assert stored(database) == [(1, 2)]


def test_the_collation_of_the_collection_counts(session: Session, database: Database[Any]) -> None:
    database.create_collection("t", collation={"locale": "en", "strength": 2})
    assert len(session.execute(f"INSERT INTO t (k, n) VALUES ('a', 1) {ADD}").notices) == 1
    assert session.execute(f"INSERT INTO t (k, n) VALUES ('A', 1) {ADD}").notices == ()
    assert stored(database) == [("a", 2)]


def test_stored_duplicates_are_in_the_way(session: Session, database: Database[Any]) -> None:
    database.t.insert_many([{"k": None}, {"n": 1}, {"k": 1}, {"k": 1.0}])
    with pytest.raises(ServerError, match=r"no unique index on \(k\) of t can be made.*share a key.*k: 1") as caught:
        session.execute(f"INSERT INTO t (k, n) VALUES (2, 1) {ADD}")
    assert caught.value.hint == "Remove the duplicates, or choose another key."
    assert database.t.count_documents({}) == 4


VALUES: list[Any] = [5, 2.5, Decimal128("5"), float("nan"), "s", "", True, datetime(2020, 1, 1, tzinfo=UTC), ObjectId(),
                     Binary(b"x"), Binary(b"0123456789abcdef", 4), {"a": 1}, {}]


@pytest.mark.parametrize("alternatives", [True, False])
def test_the_index_is_used(database: Database[Any], alternatives: bool) -> None:
    partial = not_null_filter(["k", "l"], alternatives=alternatives)
    database.t.create_index([("k", 1), ("l", 1)], unique=True, partialFilterExpression=partial)
    for value in VALUES:
        query = key_filter([("k",), ("l",)], [value, "l"], type_tests(partial))
        update = {"update": "t", "updates": [{"q": query, "u": [{"$set": {"n": 1}}], "upsert": True}]}
        found = stages(database.command("explain", update)["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in found, value


def test_reads_use_the_index(session: Session, database: Database[Any]) -> None:
    session.execute(f"INSERT INTO t (k, n) VALUES (1, 1) {ADD}")
    for query in ({"k": {"$eq": 1}}, {"k": {"$gt": "a"}}, {"k": {"$in": [1, 2]}}):
        assert "IXSCAN" in stages(database.t.find(query).explain()["queryPlanner"]["winningPlan"]), query


def test_any_unique_index_may_be_ours(session: Session, database: Database[Any]) -> None:
    session.execute(f"INSERT INTO t (k, n) VALUES (1, 0) {ADD}")
    rows = [(i % 10 or None, 1) for i in range(3000)]
    result = session.execute(
        "INSERT INTO t (k, n) ? ON DUPLICATE KEY UPDATE n = n + VALUES(n) WITH (batch_size = 100)", rows=rows)
    assert result.summary is not None
    assert (result.summary.inserted, result.summary.matched) == (308, 2692)
    assert sum(n for k, n in stored(database) if k is not None) == 2700


def test_several_at_a_time(server_uri: str, session: Session, database: Database[Any]) -> None:
    """Four writers, the same thousand keys, each three times in a statement: nothing is doubled, nothing lost."""
    session.execute(f"INSERT INTO t (k, n) VALUES ('first', 0) {ADD}")
    rejected: list[int] = []

    def write() -> None:
        with sqlbulk.connect(server_uri, database=database.name) as own:
            rows = [(i % 1000, 1) for i in range(3000)]
            summary = own.execute(f"INSERT INTO t (k, n) ? {ADD} WITH (batch_size = 500)", rows=rows).summary
            assert summary is not None
            rejected.append(summary.rejected)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rejected == [0, 0, 0, 0]
    assert database.t.count_documents({"n": 12}) == 1000
    assert database.t.count_documents({}) == 1001


def test_rows_of_a_query(session: Session, database: Database[Any]) -> None:
    database.s.insert_many([{"k": k, "n": 1} for k in (1, 2, 3)])
    made = session.execute(f"INSERT INTO t (k, n) SELECT k, n FROM s {ADD}").notices
    assert made == ("made a unique index on (k) of t; to it NULL is a value like others",)
    database.s.insert_many([{"k": None, "n": 1}, {"k": None, "n": 1}])
    told = session.execute(f"INSERT INTO u (k, n) SELECT k, n FROM s {ADD}").notices
    assert told == ("the rows came by the client: 2 rows without a whole key, which $merge refuses",
                    "made a unique index on (k) of u")
    assert database.u.count_documents({}) == 5
    database.v.insert_many([{"k": None}, {"k": None}])
    told = session.execute(f"INSERT INTO v (k, n) SELECT k, n FROM s WHERE k > 0 {ADD}").notices
    assert "to which NULL is a value" in told[0] and told[1] == "made a unique index on (k) of v"
    assert database.v.count_documents({}) == 5


def test_without_an_index_each_row_is_looked_for(session: Session, database: Database[Any]) -> None:
    slow = "no index on (k) of t can be used: each row looks through the whole collection"
    sql = f"INSERT INTO t (k, n) VALUES (1, 1), (1, 2) {ADD} WITH (ensure_key_index = false)"
    told = session.execute(sql).notices
    assert len(told) == 2 and told[1] == slow
    assert stored(database) == [(1, 3)]
    database.t.create_index("k", partialFilterExpression={"on": True})
    assert session.execute(sql).notices[1] == slow
    database.t.create_index("k", name="usual")
    assert len(session.execute(sql).notices) == 1


@pytest.mark.parametrize(("into", "clause"), [
    ("k, v", "ON CONFLICT (k) DO UPDATE SET a.b = EXCLUDED.v"),
    ("k, a.b", "WITH (match_fields = 'k')"),
    ("_id, a.b", ""),
])
@pytest.mark.parametrize("others", [0, 200])
def test_something_in_the_way_in_stored_documents(
    session: Session, database: Database[Any], into: str, clause: str, others: int
) -> None:
    hostile: list[dict[str, Any]] = [{"a": 5}, {"a": [1]}, {"a": {"$b": 1, "x.y": 2}}, {"a": None}, {}]
    database.t.insert_many([{"_id": n, "k": n, **d} for n, d in enumerate([*hostile, *[{} for _ in range(others)]])])
    sql = f"UPSERT INTO t ({into}) SELECT * FROM GENERATE_SERIES(%s) AS g (n) {clause}".replace("*", "n, n")
    # Either row may be the one that is refused first.
    refused = r"something that is not a document stands above a field to be set: (5|\[1\])"
    with pytest.raises(TooManyErrors, match=refused):
        session.execute(sql.replace("%s", "0, 1"))
    assert [d.get("a") for d in database.t.find({"_id": {"$lt": 5}}).sort("_id", 1)] == [d.get("a") for d in hostile]
    rows = "0, 4" if others else "0, 5"
    with pytest.raises(TooManyErrors) as stopped:
        session.execute(sql.replace("%s", rows))
    summary = stopped.value.summary
    assert summary is not None
    assert summary.in_doubt == 0 and summary.rejected > 0
    assert summary.read == summary.inserted + summary.matched + summary.rejected + summary.skipped
    # the others go on the server, and are counted
    done = session.execute(sql.replace("%s", "2, 4")).summary
    assert done is not None
    assert (done.inserted, done.matched, done.rejected) == (0, 3, 0)
    assert [d["a"] for d in database.t.find({"_id": {"$in": [2, 3, 4]}}).sort("_id", 1)] == [
        {"$b": 1, "x.y": 2, "b": 2}, {"b": 3}, {"b": 4}]


@pytest.mark.parametrize("sql", [
    "UPSERT INTO t ? ON CONFLICT (k) DO REPLACE", "REPLACE INTO t ?",
    "UPSERT INTO t SELECT * FROM s ON CONFLICT (k) DO REPLACE", "REPLACE INTO t SELECT * FROM s",
])
def test_a_replaced_document_keeps_its_id(session: Session, database: Database[Any], sql: str) -> None:
    database.t.create_index("k", unique=True)
    database.t.insert_one({"_id": 1, "k": "a", "old": 1})
    rows = [{"_id": 5, "k": "a", "v": 1}, {"_id": 6, "k": "b", "v": 2}]
    database.s.insert_many([dict(row) for row in rows])
    summary = session.execute(sql, rows=rows if "?" in sql else None).summary
    assert summary is not None
    assert (summary.inserted, summary.modified) == (1, 1)
    assert list(database.t.find().sort("k", 1)) == [{"_id": 1, "k": "a", "v": 1}, {"_id": 6, "k": "b", "v": 2}]


@pytest.mark.parametrize("sql", [
    "INSERT INTO t (k, v) ? ON DUPLICATE KEY UPDATE n = COALESCE(n, 0) + 1",
    "INSERT INTO t (k, v) ? WITH (ordered = true, continue_on_error = true, max_errors = '100%')",
])
def test_rows_in_order_are_not_sent_again_and_again(session: Session, database: Database[Any], sql: str) -> None:
    for name in ("k", "v"):
        database.t.create_index(name, unique=True)
    database.t.insert_many([{"k": k, "v": k} for k in range(200)])
    summary = session.execute(sql, rows=[(k, k) for k in range(300)]).summary
    assert summary is not None
    assert (summary.inserted, summary.matched + summary.rejected) == (100, 200)
    assert summary.bytes < 300 * 3 * 40
    assert database.t.count_documents({}) == 300
    assert sum(d.get("n", 0) for d in database.t.find()) == summary.matched
