"""UPDATE on a server: what becomes of documents of every shape, windows, joins, refusals, faults, honest counts."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from sqlbulk.commands import Selection, UpdateWhere
from sqlbulk.errors import (
    ConnectionLost,
    Interrupted,
    PlanError,
    ServerError,
    SqlbulkError,
    TooManyErrors,
    UnsupportedError,
    UsageError,
)
from sqlbulk.execute.connection import Connection, open_connection
from sqlbulk.execute.spill import Spill
from sqlbulk.execute.stored import Site, open_site
from sqlbulk.execute.sweep import Outcome, Sweep
from sqlbulk.execute.update import UNSURE, Updater
from sqlbulk.execute.windows import Finder, Window
from sqlbulk.options import WriteOptions, merge, parse_option
from sqlbulk.results import Result, WriteSummary
from sqlbulk.session import Session, connect

pytestmark = pytest.mark.server

NOW = datetime(2025, 9, 30, 12, tzinfo=UTC)
REFUSED = "refused"


@pytest.fixture
def session(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Session]:
    with connect(server_uri, database=database.name, now=NOW) as session:
        yield session


@pytest.fixture
def connection(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Connection]:
    with open_connection(server_uri, database=database.name) as connection:
        yield connection


def rows(database: Database[dict[str, Any]], name: str = "t") -> list[dict[str, Any]]:
    return list(database[name].find().sort("_id", 1))


def counts(result: Result | SqlbulkError) -> dict[str, int]:
    summary = result.summary if isinstance(result, Result) else getattr(result, "summary", None)
    assert isinstance(summary, WriteSummary)
    names = ("read", "matched", "modified", "deleted", "archived", "kept", "rejected", "skipped", "in_doubt")
    return {name: value for name in names if (value := getattr(summary, name))}


# Documents of every shape; more of them in test_update_hostile.py

HOSTILE: list[tuple[str, dict[str, Any], Any]] = [
    # (assignments, the document without _id, what it becomes)
    ("SET a.b = 1", {}, {"a": {"b": 1}}),
    ("SET a.b = 1", {"a": None}, {"a": {"b": 1}}),
    ("SET a.b = 1", {"a": {}}, {"a": {"b": 1}}),
    ("SET a.b = 1", {"a": {"x": 2, "b": 3}}, {"a": {"x": 2, "b": 1}}),
    ("SET a.b = 1", {"a": 5}, REFUSED),
    ("SET a.b = 1", {"a": "text"}, REFUSED),
    ("SET a.b = 1", {"a": False}, REFUSED),
    ("SET a.b = 1", {"a": NOW}, REFUSED),
    ("SET a.b = 1", {"a": ObjectId("0" * 24)}, REFUSED),
    ("SET a.b = 1", {"a": []}, REFUSED),
    ("SET a.b = 1", {"a": [1, 2]}, REFUSED),
    ("SET a.b = 1", {"a": [{"b": 2}, {"b": 3}]}, REFUSED),
    ("SET a.b = 1", {"a": [[]]}, REFUSED),
    ("SET a.b.c = 1", {"a": {"b": 5}}, REFUSED),
    ("SET a.b.c = 1", {"a": {"b": [{}]}}, REFUSED),
    ("SET a.b.c = 1", {"a": {"b": None, "x": 1}}, {"a": {"b": {"c": 1}, "x": 1}}),
    ("SET a.b = x + 1", {"x": 1}, {"x": 1, "a": {"b": 2}}),
    ("SET a.b = x + 1", {"x": 1, "a": 5}, REFUSED),
    ("SET a.b = x + 1", {"x": 1, "a": [{"b": 1}]}, REFUSED),
    ("SET a.b = x + 1", {"a": {"b": 1}}, {"a": {"b": None}}),
    ("SET a.b = x + 1", {"x": "text"}, {"x": "text", "a": {"b": None}}),
    ("SET a.b = DEFAULT", {}, {}),
    ("SET a.b = DEFAULT", {"a": None}, {"a": None}),
    ("SET a.b = DEFAULT", {"a": 5}, {"a": 5}),
    ("SET a.b = DEFAULT", {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
    ("SET a.b = DEFAULT", {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
    ("SET a.b = DEFAULT, n = m", {"a": [{"b": 1}], "m": 1}, {"a": [{"b": 1}], "m": 1, "n": 1}),
    ("SET a.b = DEFAULT, n = m", {"a": {"b": 1}, "m": 1}, {"a": {}, "m": 1, "n": 1}),
    ("SET a.b = DEFAULT, n = m", {"a": 5, "m": 1}, {"a": 5, "m": 1, "n": 1}),
    ('UNSET a."0"', {"a": [1, 2]}, {"a": [1, 2]}),
    ('UNSET a."0"', {"a": {"0": 1, "1": 2}}, {"a": {"1": 2}}),
    ('SET a."0" = 9', {"a": [1, 2]}, REFUSED),
    ('SET a."0" = 9', {"a": {"0": 1}}, {"a": {"0": 9}}),
    ("SET a = {b: 1}", {"a": {"x": 1}}, {"a": {"b": 1}}),
    ("SET a = {b: 1}", {"a": [{"x": 1}]}, {"a": {"b": 1}}),
    ("SET a = {b: x}", {"a": {"y": 1}, "x": 2}, {"a": {"b": 2}, "x": 2}),
    ("SET a = {b: x}", {"a": [{"y": 1}], "x": 2}, {"a": {"b": 2}, "x": 2}),
    ("SET a = {}, n = x", {"a": {"y": 1}, "x": 2}, {"a": {}, "x": 2, "n": 2}),
    ("SET a.b = {c: 1}", {"a": {"b": {"d": 2}}}, {"a": {"b": {"c": 1}}}),
    ("SET a = a.b", {"a": {"b": {"c": 1}}}, {"a": {"c": 1}}),
    ("SET a = x", {"a": 1}, {"a": None}),
    ("SET a = b, b = a", {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ("SET n = 1", {"$x": 1, "": 2, "a.b": 3, "c": {"$y": 1, "d.e": 2}},
     {"$x": 1, "": 2, "a.b": 3, "c": {"$y": 1, "d.e": 2}, "n": 1}),
    ("SET n = c.z", {"$x": 1, "": 2, "a.b": 3, "c": {"$y": 1, "z": 2}},
     {"$x": 1, "": 2, "a.b": 3, "c": {"$y": 1, "z": 2}, "n": 2}),
    ("SET c.z = 1", {"c": {"$y": 1, "d.e": 2, "": 3}}, {"c": {"$y": 1, "d.e": 2, "": 3, "z": 1}}),
    ("SET a.b.c = 1", {"a.b": 1, "a": {"b.c": 2}}, {"a.b": 1, "a": {"b.c": 2, "b": {"c": 1}}}),
    ('SET "a.b" = 1', {"a": {"b": 2}}, {"a": {"b": 2}, "a.b": 1}),
    ('SET "a.b" = DEFAULT', {"a": {"b": 2}, "a.b": 1}, {"a": {"b": 2}}),
    ('SET "a.b".c = 1', {"a.b": 5}, REFUSED),
    ("SET a[*].b = 1", {"a": [{"b": 2, "c": 3}, {}, 5, None, [1]]}, {"a": [{"b": 1, "c": 3}, {"b": 1}, 5, None, [1]]}),
    ("SET a[*].b = x, a[*].c = 2", {"a": [{}], "x": 7}, {"a": [{"b": 7, "c": 2}], "x": 7}),
    ("SET a[*] = x + 1", {"a": [{}, 1], "x": 7}, {"a": [8, 8], "x": 7}),
    ("SET a[*].b = 1", {}, {}),
    ("SET a[*].b = 1", {"a": None}, {"a": None}),
    ("SET a[*].b = 1", {"a": {"b": 2}}, {"a": {"b": 2}}),
    ("SET a[*].b = 1", {"a": "text"}, {"a": "text"}),
    ("SET d.a[*].b = 1", {}, {}),
    ("SET d.a[*].b = 1", {"d": 5}, {"d": 5}),
    ("SET d.a[*].b = 1", {"d": {"a": [{}], "e": 1}}, {"d": {"a": [{"b": 1}], "e": 1}}),
    ("SET d.a[*].b = 1, d.e = 2", {}, {"d": {"e": 2}}),
    ("SET d.a[*].b = 1, d.e = 2", {"d": 5}, REFUSED),
    ("SET v.b = v.b + 1 FOR v IN a WHEN v.b > 1 END", {"a": [{"b": 1}, {"b": 2}, {"c": 1}, 3]},
     {"a": [{"b": 1}, {"b": 3}, {"c": 1}, 3]}),
    ("SET v = NULL FOR v IN a WHEN v = 1 END", {"a": [1, 2, "x"]}, {"a": [None, 2, "x"]}),
    ("SET v = x FOR v IN a END", {"a": [1, 2], "x": 3}, {"a": [3, 3], "x": 3}),
    ("SET a = '$x', b = {k: '$y'}, c = ['$z', '$$ROOT']", {"x": 1}, {"x": 1, "a": "$x", "b": {"k": "$y"}, "c": ["$z", "$$ROOT"]}),
    ("SET a = CONCAT('$', 'x'), b = x, c = {\"$inc\": 1}", {"x": 1}, {"x": 1, "a": "$x", "b": 1, "c": {"$inc": 1}}),
]


@pytest.mark.parametrize(("assignments", "before", "after"), HOSTILE)
def test_documents_of_every_shape(
    session: Session, database: Database[dict[str, Any]], assignments: str, before: dict[str, Any], after: Any
) -> None:
    """A document in the way of nothing is changed although one beside it is refused; nothing is half done."""
    database.t.insert_many([{"_id": 1, **before}, {"_id": 2, "a": {}, "x": 7}])
    stored = rows(database)
    if after is REFUSED:
        with pytest.raises(TooManyErrors, match="nothing was changed") as caught:
            session.execute(f"UPDATE t {assignments} WHERE TRUE")
        assert counts(caught.value) == {"rejected": 1}
        assert rows(database) == stored
    result = session.execute(f"UPDATE t {assignments} WHERE TRUE WITH (continue_on_error = true)")
    expected = before if after is REFUSED else after
    assert rows(database)[0] == {"_id": 1, **expected}
    refused = int(after is REFUSED)
    found = counts(result)
    assert (found["read"], found["matched"], found.get("rejected", 0)) == (2, 2 - refused, refused)
    if refused:
        assert result.summary is not None
        assert "is not a document" in result.summary.errors[0].message


_values = some.sampled_from([
    None, 1, 2.5, "x", "$x", True, [], [1], [{"b": 1}], {}, {"b": 1}, {"b": {"c": 1}}, {"b": [1]}, {"$y": 1}, {"b": None},
])
_documents = some.fixed_dictionaries({}, optional={"a": _values, "b": _values, "x": _values})
_targets = some.lists(some.sampled_from(["a", "a.b", "a.b.c", "b", "b.c", "x"]), min_size=1, max_size=3, unique=True)
_sources = some.sampled_from(["1", "'$x'", "NULL", "DEFAULT", "{k: 1}", "{k: x}", "x", "a", "b.c", "[x]"])


def _assign(document: dict[str, Any], assignments: list[tuple[str, str]]) -> Any:
    """The meaning of assignments, in Python."""
    new: Any = _copy(document)
    for target, source in assignments:
        *levels, name = target.split(".")
        level: Any = new
        for step in levels:
            below = level.get(step)
            if below is not None and not isinstance(below, dict):
                if source == "DEFAULT":
                    break
                return REFUSED
            if below is None and source == "DEFAULT":
                break
            if below is None:
                level[step] = {}
            level = level[step]
        else:
            if source == "DEFAULT":
                level.pop(name, None)
            else:
                level[name] = _value(document, source)
    return new


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, dict) else value


def _value(document: dict[str, Any], source: str) -> Any:
    fixed = {"1": 1, "'$x'": "$x", "NULL": None, "{k: 1}": {"k": 1}}
    if source in fixed:
        return fixed[source]
    if source in ("{k: x}", "[x]"):
        return {"k": document.get("x")} if source[0] == "{" else [document.get("x")]
    found: Any = document
    for name in source.split("."):
        if isinstance(found, list):
            return [f[name] for f in found if isinstance(f, dict) and name in f]
        found = found.get(name) if isinstance(found, dict) else None
    return found


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(documents=some.lists(_documents, min_size=1, max_size=4), targets=_targets, data=some.data())
def test_assignments_mean_what_they_say(
    session: Session, database: Database[dict[str, Any]], documents: list[dict[str, Any]], targets: list[str],
    data: some.DataObject,
) -> None:
    chosen = [t for t in targets if not any(o != t and t.startswith(o + ".") for o in targets)]
    assignments = [(t, data.draw(_sources)) for t in chosen]
    database.t.delete_many({})
    database.t.insert_many([{"_id": n, **d} for n, d in enumerate(documents)])
    words = ", ".join(f"{t} = {s}" for t, s in assignments)
    result = session.execute(f"UPDATE t SET {words} WHERE TRUE WITH (continue_on_error = true)")
    wanted = [_assign(d, assignments) for d in documents]
    expected = [{"_id": n, **(d if w is REFUSED else w)} for n, (d, w) in enumerate(zip(documents, wanted, strict=True))]
    assert rows(database) == expected
    refused = sum(w is REFUSED for w in wanted)
    assert counts(result).get("rejected", 0) == refused
    assert counts(result).get("matched", 0) == len(documents) - refused


# Windows and counts


@pytest.mark.parametrize("transactions", [True, False])
@pytest.mark.parametrize("options", ["batch_size = 7", "batch_size = 1000, ordered = true", "checkpoint_interval = 30",
                                     "rate_limit = 4000, batch_size = 100", "batch_size = 50, delay_ms = 1"])
def test_every_document_is_changed_once(
    session: Session, database: Database[dict[str, Any]], transactions: bool, options: str
) -> None:
    database.t.insert_many([{"_id": _identity(n), "n": n} for n in range(400)])
    connection = session.connection()
    if not transactions:
        connection.server = _standalone(connection)
    result = session.execute(f"UPDATE t SET n = n + 1000 WHERE n >= 100 WITH ({options}, parallel_workers = 3)")
    assert counts(result) == {"read": 300, "matched": 300, "modified": 300}
    found = sorted(row["n"] for row in database.t.find())
    assert found == [*range(100), *range(1100, 1400)]


def _identity(number: int) -> Any:
    """Identities of all types, which the match language doesn't compare with each other."""
    kinds: list[Callable[[int], Any]] = [
        lambda n: n, str, lambda n: ObjectId(f"{n:024x}"), lambda n: {"k": n}, lambda n: n + 0.5,
        lambda n: datetime(2025, 1, 1, 0, n // 60, n % 60, tzinfo=UTC), lambda n: str(n).encode(),
    ]
    return kinds[number % len(kinds)](number)


def _standalone(connection: Connection) -> Any:
    from dataclasses import replace

    return replace(connection.server, transactions=False)


def test_unchanged_documents_are_matched_but_not_modified(
    session: Session, database: Database[dict[str, Any]]
) -> None:
    database.t.insert_many([{"_id": n, "a": n % 2} for n in range(10)])
    assert counts(session.execute("UPDATE t SET a = 1 WHERE TRUE")) == {"read": 10, "matched": 10, "modified": 5}
    assert counts(session.execute("UPDATE t SET a = b WHERE a = 7")) == {}


@pytest.mark.parametrize(("change", "expected"), [
    ("tags || 'x'", [["a", "x"], ["x"], "ax", None, None, None]),
    ("'x' || tags", [["x", "a"], ["x"], "xa", None, None, None]),
    ("tags || more", [["a", 1], ["p", "q"], "a2", None, None, None]),
    ("tags || missing", [["a", None], [None], None, None, None, None]),
])
def test_an_array_grows_in_place(
    session: Session, database: Database[dict[str, Any]], change: str, expected: list[Any]
) -> None:
    """Nobody told that the field holds arrays; NULL for all that is no text would lose them."""
    held = [["a"], [], "a", None, {"k": 1}]
    others: list[Any] = [1, ["p", "q"], 2, 3, 4]
    database.g.insert_many([{"_id": n, "tags": t, "more": m} for n, (t, m) in enumerate(zip(held, others, strict=True))])
    database.g.insert_one({"_id": 5, "more": 5})
    session.execute(f"UPDATE g SET tags = {change} WHERE TRUE")
    assert [d["tags"] for d in database.g.find().sort("_id", 1)] == expected


def test_order_and_limit(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "a": -n} for n in range(10)] + [{"_id": 10}])
    session.execute("UPDATE t SET x = 1 WHERE a < 0 ORDER BY a LIMIT 3")
    assert [r["_id"] for r in rows(database) if "x" in r] == [7, 8, 9]
    session.execute("UPDATE t SET y = 1 WHERE TRUE LIMIT 2")
    assert [r["_id"] for r in rows(database) if "y" in r] == [0, 1]
    assert counts(session.execute("UPDATE t SET y = 1 WHERE TRUE LIMIT 0")) == {}


def test_parameters(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n} for n in range(3)])
    session.execute("UPDATE t SET a = ?, b = {c: ?} WHERE _id = ?", ["$x", [1, "$y"], 1])
    assert rows(database)[1] == {"_id": 1, "a": "$x", "b": {"c": [1, "$y"]}}


def test_every_document_needs_to_be_said(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_one({"_id": 1})
    with pytest.raises(PlanError, match="E2013"):
        session.execute("UPDATE t SET a = 1")
    session.execute("UPDATE t SET a = 1 WITH (allow_full_collection = true)")
    assert rows(database) == [{"_id": 1, "a": 1}]


# Joins and subqueries


@pytest.fixture
def shop(database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "k": n % 3, "n": n} for n in range(6)])
    database.u.insert_many([{"_id": 1, "k": 0, "v": 10}, {"_id": 2, "k": 1, "v": 20}, {"_id": 3, "k": 1, "v": 30}])


@pytest.mark.usefixtures("shop")
def test_update_from(session: Session, database: Database[dict[str, Any]]) -> None:
    sql = "UPDATE t SET n = n + s.v, d.k = s.k FROM (SELECT k, SUM(v) AS v FROM u GROUP BY k) s WHERE s.k = t.k"
    assert counts(session.execute(sql)) == {"read": 4, "matched": 4, "modified": 4}
    assert [(r["n"], r.get("d")) for r in rows(database)] == [
        (10, {"k": 0}), (51, {"k": 1}), (2, None), (13, {"k": 0}), (54, {"k": 1}), (5, None)]


@pytest.mark.usefixtures("shop")
def test_several_rows_for_a_document(session: Session, database: Database[dict[str, Any]]) -> None:
    result = session.execute("UPDATE t SET n = u.v FROM u WHERE u.k = t.k")
    assert counts(result) == {"read": 4, "matched": 4, "modified": 4}
    assert result.notices == ("2 times a document matched more than one row: the first was taken",)
    assert all(row["n"] in (20, 30) for row in rows(database) if row["k"] == 1)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("sql", "returned"), [
    ("UPDATE t SET n = t.n + u.v FROM u WHERE u.k = t._id RETURNING t._id, n", [(0, 10), (1, 21)]),
    ("UPDATE t SET n = 0 FROM (SELECT k, SUM(v) AS v FROM u GROUP BY k) s WHERE s.k = t._id AND s.v > 20 RETURNING t.*",
     [(1, 1, 0)]),
    ("DELETE FROM t USING u WHERE u.k = t._id RETURNING n, UPPER('x')", [(0, "X"), (1, "X")]),
    ("DELETE FROM t USING u WHERE u.k = t._id RETURNING n WITH (archive_collection = 'old')", [(0,), (1,)]),
])
def test_returning_beside_a_join(session: Session, sql: str, returned: list[tuple[Any, ...]]) -> None:
    result = session.execute(sql)
    assert [(*row,) for row in result.rows] == returned
    assert result.summary is not None and result.summary.read == len(returned)


@pytest.mark.usefixtures("shop")
def test_subqueries_see_the_rows_as_they_were(session: Session, database: Database[dict[str, Any]]) -> None:
    session.execute("UPDATE t SET n = (SELECT SUM(x.n) FROM t x), m = n WHERE n IN (SELECT MAX(n) FROM t GROUP BY k)"
                    " WITH (batch_size = 1)")
    assert [(r["n"], r.get("m")) for r in rows(database)] == [
        (0, None), (1, None), (2, None), (15, 3), (15, 4), (15, 5)]


@pytest.mark.usefixtures("shop")
def test_a_correlated_subquery(session: Session, database: Database[dict[str, Any]]) -> None:
    session.execute("WITH big AS (SELECT k, v FROM u WHERE v > 15) UPDATE t AS x"
                    " SET n = (SELECT MAX(v) FROM big WHERE big.k = x.k) WHERE x.k < 2")
    assert [r["n"] for r in rows(database)] == [None, 30, 2, None, 30, 5]


@pytest.mark.usefixtures("shop")
def test_a_document_in_the_way_of_a_join(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.update_one({"_id": 1}, {"$set": {"d": 5}})
    sql = "UPDATE t SET d.v = u.v FROM u WHERE u.k = t.k"
    with pytest.raises(TooManyErrors, match=r"nothing was changed.*_id 1: d is not a document"):
        session.execute(sql)
    result = session.execute(sql + " WITH (continue_on_error = true)")
    assert counts(result) == {"read": 4, "matched": 3, "modified": 3, "rejected": 1}


# RETURNING


def test_returning(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "n": n, "d": {"x": n}} for n in range(9)])
    result = session.execute("UPDATE t SET n = n * 10 WHERE n >= 5 RETURNING _id, n + 1 AS next WITH (batch_size = 2)")
    assert (result.columns, list(result.rows)) == (("_id", "next"), [(5, 51), (6, 61), (7, 71), (8, 81)])
    assert counts(result) == {"read": 4, "matched": 4, "modified": 4}
    database.t.update_one({"_id": 1}, {"$set": {"extra": True}})
    result = session.execute("UPDATE t SET n = (SELECT MAX(n) FROM t) WHERE _id < 2 RETURNING *")
    assert result.columns == ("_id", "n", "d", "extra")
    assert list(result.rows) == [(0, 80, {"x": 0}, None), (1, 80, {"x": 1}, True)]
    result = session.execute("DELETE FROM t AS y WHERE y.n > 60 RETURNING y.d.x, y.*")
    assert result.columns == ("x", "_id", "n", "d", "extra")
    assert [row[:3] for row in result.rows] == [(0, 0, 80), (1, 1, 80), (7, 7, 70), (8, 8, 80)]
    assert counts(result) == {"read": 4, "deleted": 4}
    assert list(session.execute("DELETE FROM t WHERE n = 1000 RETURNING _id").rows) == []
    with pytest.raises(TooManyErrors):
        database.t.create_index("u", unique=True, sparse=True)
        session.execute("UPDATE t SET u = 1 WHERE TRUE RETURNING *")
    session.connection().server = _standalone(session.connection())
    for sql in ("UPDATE t SET n = 1 WHERE TRUE RETURNING *", "DELETE FROM t WHERE TRUE RETURNING n"):
        with pytest.raises(ServerError, match="E5009"):
            session.execute(sql)


# DRY RUN


@pytest.mark.usefixtures("shop")
def test_dry_run(session: Session, database: Database[dict[str, Any]]) -> None:
    before = rows(database)
    result = session.execute("DRY RUN UPDATE t SET n = 0, k = DEFAULT WHERE k = 1")
    assert list(result.rows) == [
        (2, {"_id": 1, "k": 1, "n": 1}, {"_id": 1, "n": 0}), (None, {"_id": 4, "k": 1, "n": 4}, {"_id": 4, "n": 0})]
    assert result.notices == ("DRY RUN: 2 documents of t would be changed; nothing was written",)
    result = session.execute("DRY RUN UPDATE t SET n.x = u.v FROM u WHERE u.k = t.k AND t._id = 0")
    assert list(result.rows) == [(1, {"_id": 0, "k": 0, "n": 0}, None)]
    assert "_id 0 would be refused: n is not a document (a number)" in result.notices
    result = session.execute("DRY RUN UPDATE t SET m = u.v + n FROM u WHERE u.k = t.k AND t._id = 0")
    assert list(result.rows) == [(1, {"_id": 0, "k": 0, "n": 0}, {"_id": 0, "k": 0, "n": 0, "m": 10})]
    assert list(session.execute("DRY RUN UPDATE t SET n = k WHERE k = 9").rows) == [(0, None)]
    assert list(session.execute("DRY RUN UPDATE t SET n = k WHERE _id = 5").rows) == [
        (1, {"_id": 5, "k": 2, "n": 5}, {"_id": 5, "k": 2, "n": 2})]
    assert rows(database) == before


# What the server refuses


@pytest.mark.parametrize("transactions", [True, False])
def test_documents_that_the_server_refuses(
    session: Session, database: Database[dict[str, Any]], transactions: bool
) -> None:
    database.t.insert_many([{"_id": n, "n": n} for n in range(6)])
    database.t.create_index("u", unique=True, sparse=True)
    connection = session.connection()
    if not transactions:
        connection.server = _standalone(connection)
    with pytest.raises(TooManyErrors, match="E11000"):
        session.execute("UPDATE t SET u = n / 2, v = v + 1 WHERE n IN (2, 4)"
                        .replace("n / 2", "'same'"))
    if transactions:
        assert not database.t.count_documents({"u": {"$exists": True}})
    sql = "UPDATE t SET u = 'same' WHERE n < 4 WITH (continue_on_error = true, batch_size = 3)"
    database.t.update_many({}, {"$unset": {"u": 1}})
    result = session.execute(sql)
    found = counts(result)
    assert found | {"modified": 1} == {"read": 4, "matched": 1, "modified": 1, "rejected": 3}
    assert found.get("modified") == 1 or result.notices == (UNSURE,)
    assert result.summary is not None
    assert {error.code for error in result.summary.errors} == {"E4007"}


def test_a_validator(session: Session, database: Database[dict[str, Any]]) -> None:
    database.create_collection("t", validator={"n": {"$lt": 5}})
    database.t.insert_many([{"_id": n, "n": n} for n in range(5)])
    with pytest.raises(TooManyErrors, match="E4008") as caught:
        session.execute("UPDATE t SET n = n + 3 WHERE TRUE")
    assert counts(caught.value) == {"read": 5, "rejected": 1, "skipped": 4}
    result = session.execute("UPDATE t SET n = n + 3 WHERE TRUE WITH (continue_on_error = true)")
    assert counts(result) == {"read": 5, "matched": 2, "modified": 2, "rejected": 3}
    with pytest.raises(TooManyErrors, match="max_errors"):
        session.execute("UPDATE t SET n = 9 WHERE TRUE WITH (max_errors = 1)")
    result = session.execute("UPDATE t SET n = n + 3 WHERE TRUE WITH (bypass_validation = true)")
    assert counts(result) == {"read": 5, "matched": 5, "modified": 5}


def test_rows_of_a_time_series_are_not_changed(session: Session, database: Database[dict[str, Any]]) -> None:
    database.create_collection("log", timeseries={"timeField": "ts"})
    database.log.insert_one({"ts": NOW, "v": 1})
    with pytest.raises(UnsupportedError, match="E3001"):
        session.execute("UPDATE log SET v = v + 1 WHERE TRUE")
    assert database.log.count_documents({"v": 1}) == 1


def test_a_document_that_grows_too_large(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": 1, "a": "x" * 9_000_000}, {"_id": 2, "a": "x"}])
    result = session.execute("UPDATE t SET b = a || a WHERE TRUE WITH (continue_on_error = true)")
    assert counts(result) == {"read": 2, "matched": 1, "modified": 1, "rejected": 1}
    database.t.update_one({"_id": 2}, {"$set": {"a": "y" * 9_000_000}})
    database.t.insert_one({"_id": 3, "a": "x"})
    sql = "UPDATE t SET b = a || a WHERE TRUE WITH (continue_on_error = true, batch_size = 2, ordered = true)"
    assert counts(session.execute(sql)) == {"read": 3, "matched": 1, "modified": 1, "rejected": 2}


# Faults


class Flaky:
    """A collection whose commands fail in a given way, before or after they took effect."""

    def __init__(self, collection: Any, faults: list[tuple[Exception, bool] | None]) -> None:
        self.collection, self.faults = collection, faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.collection, name)
        if name not in ("update_many", "bulk_write", "delete_many"):
            return found

        def call(*arguments: Any, **keywords: Any) -> Any:
            fault = self.faults.pop(0) if self.faults else None
            if fault is None:
                return found(*arguments, **keywords)
            if fault[1]:
                found(*arguments, **keywords)
            raise fault[0]

        return call


def lost() -> Exception:
    return AutoReconnect("connection closed")


def conflict() -> Exception:
    return OperationFailure("WriteConflict", 112, {"errorLabels": ["TransientTransactionError"]})


def make(
    connection: Connection, update: Any, faults: list[tuple[Exception, bool] | None], *, transactions: bool,
    repeatable: bool = False, **options: Any,
) -> tuple[Updater, Site]:
    chosen = merge(WriteOptions(), [parse_option(name, value) for name, value in options.items()])
    command = UpdateWhere("t", Selection({}), update, chosen, repeatable=repeatable)
    site = open_site(command, connection)
    site.collection = Flaky(site.collection, faults)  # type: ignore[assignment]
    if not transactions:
        site.transactions = None
    return Updater(command, site), site


ADD: Any = ({"$set": {"n": {"$add": ["$n", 1]}}},)


@pytest.fixture
def three(database: Database[dict[str, Any]]) -> Window:
    database.t.insert_many([{"_id": n, "n": 0} for n in range(3)])
    return Window(1, [0, 1, 2])


@pytest.mark.parametrize("took_effect", [True, False])
def test_in_a_transaction_a_lost_reply_changes_nothing_twice(
    connection: Connection, database: Database[dict[str, Any]], three: Window, took_effect: bool
) -> None:
    error = lost()
    error._add_error_label("TransientTransactionError")  # type: ignore[attr-defined]
    updater, _ = make(connection, ADD, [(error, took_effect), None], transactions=True)
    outcome = Outcome()
    updater(three, outcome)
    assert (outcome.matched, outcome.modified, outcome.retries, outcome.in_doubt) == (3, 3, 1, 0)
    assert [r["n"] for r in rows(database)] == [1, 1, 1]


def test_conflicts_that_don_t_end_are_met_one_by_one(
    connection: Connection, database: Database[dict[str, Any]], three: Window
) -> None:
    updater, _ = make(connection, ADD, [(conflict(), False)] * 2, transactions=True, retry_attempts=1)
    outcome = Outcome()
    updater(three, outcome)
    assert (outcome.matched, outcome.modified) == (3, 3)
    assert [r["n"] for r in rows(database)] == [1, 1, 1]


def test_a_lost_reply_without_transactions_is_in_doubt(
    connection: Connection, database: Database[dict[str, Any]], three: Window
) -> None:
    updater, _ = make(connection, ADD, [(lost(), True)], transactions=False)
    outcome = Outcome()
    with pytest.raises(ConnectionLost):
        updater(three, outcome)
    assert outcome.in_doubt == 3
    assert [r["n"] for r in rows(database)] == [1, 1, 1]


def test_what_is_repeatable_is_sent_again(
    connection: Connection, database: Database[dict[str, Any]], three: Window
) -> None:
    updater, _ = make(connection, {"$set": {"n": 5}}, [(lost(), True)], transactions=False, repeatable=True)
    outcome = Outcome()
    updater(three, outcome)
    assert (outcome.matched, outcome.in_doubt, outcome.retries) == (3, 0, 1)
    assert outcome.notices == {UNSURE}
    updater, _ = make(connection, {"$set": {"n": 6}}, [(lost(), True)] * 4, transactions=False, repeatable=True,
                      retry_attempts=2)
    outcome = Outcome()
    with pytest.raises(ConnectionLost):
        updater(three, outcome)
    assert outcome.in_doubt == 3


def test_documents_that_changed_in_between_are_kept(
    connection: Connection, database: Database[dict[str, Any]], three: Window
) -> None:
    command = UpdateWhere("t", Selection({"n": 0}), ADD, WriteOptions())
    database.t.update_one({"_id": 1}, {"$set": {"n": 7}})
    database.t.delete_one({"_id": 2})
    outcome = Outcome()
    Updater(command, open_site(command, connection))(three, outcome)
    assert (outcome.matched, outcome.kept) == (1, 2)
    assert [r["n"] for r in rows(database)] == [1, 7]


def test_stopping(connection: Connection, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "n": 0} for n in range(100)])
    command = UpdateWhere("t", Selection({}), ADD, merge(WriteOptions(), [("batch_size", 10), ("parallel_workers", 1)]))
    site, stop = open_site(command, connection), threading.Event()
    updater = Updater(command, site)

    def change(window: Window, outcome: Outcome) -> None:
        updater(window, outcome)
        if window.first > 30:
            stop.set()

    sweep = Sweep(site.windows(command.selection), change, command.options, "UPDATE t", stop=stop, patience=site.patience)
    with pytest.raises(Interrupted) as caught:
        sweep.execute()
    changed = database.t.count_documents({"n": 1})
    assert counts(caught.value)["matched"] == changed
    assert 40 <= changed < 100


def test_out_of_time(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "n": 0} for n in range(1000)])
    with pytest.raises(ServerError, match="E5006") as caught:
        session.execute("UPDATE t SET n = n + 1 WHERE TRUE WITH (batch_size = 10, max_execution_time = 0.1, delay_ms = 30)")
    found = counts(caught.value)
    assert found["matched"] <= database.t.count_documents({"n": 1}) <= found["matched"] + found.get("in_doubt", 0) < 1000


# Values in bounded memory


def test_the_least_memory_takes_row_by_row(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n} for n in range(5)])
    database.s.insert_many([{"_id": n, "m": n * 10} for n in range(5)])
    summary = session.execute("UPDATE t SET n = s.m FROM s WHERE t._id = s._id WITH (memory_limit = 1)").summary
    assert summary is not None
    assert (summary.modified, summary.batches) == (5, 5)
    assert [d["n"] for d in database.t.find().sort("_id")] == [0, 10, 20, 30, 40]


def test_rows_wait_in_order_beyond_memory() -> None:
    chunks: list[list[dict[str, Any]]] = [
        [{"_id": number, "v0": "x" * 500}, {"_id": ObjectId()}] for number in range(20)]
    waiting = Spill(1_000)
    for chunk in chunks:
        waiting.add(chunk)
    assert list(waiting) == chunks


@pytest.mark.parametrize(("fault", "message"), [
    (OSError(errno.ENOSPC, "full"), "no space is left for the temporary files of the rows"),
    (PermissionError(errno.EACCES, "denied"), "no temporary file for the rows that are found first: denied"),
])
@pytest.mark.parametrize("name", ["write", "seek"])
def test_no_room_for_rows_that_wait(
    monkeypatch: pytest.MonkeyPatch, name: str, fault: OSError, message: str
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, name, fail)
    waiting = Spill(10)
    with pytest.raises(UsageError, match=message) as caught:
        waiting.add([{"_id": 1}])
        list(waiting)
    assert caught.value.code == "E6006"


@pytest.mark.parametrize("settled", [False, True])
def test_windows_are_bounded_by_the_bytes_of_their_values(
    connection: Connection, database: Database[dict[str, Any]], settled: bool
) -> None:
    database.t.insert_many([{"_id": n, "v": "x" * 1_000} for n in range(50)])
    selection = Selection({}, ({"$project": {"v0": "$v"}},), "t", settled=settled)
    windows = list(Finder(connection.collection("t"), selection, 20, values=("v0",), room=5_000))
    assert [len(window) for window in windows] == [5] * 10
    assert [n for window in windows for n in window.ids] == list(range(50))
    assert [len(w) for w in Finder(connection.collection("t"), selection, 20, room=10)] == [20, 20, 10]


# Elements, and rows of a query


ARRAYS: Any = [
    None, [], [1], [1, 2, 3], [{"b": 1}, {"b": [1, 2]}, None], [[1, 2], [3]], {"b": [1]}, "text",
]


@pytest.mark.parametrize(("assignment", "after"), [
    ("a[2] = x", [[None, 7], [None, 7], [1, 7], [1, 7, 3], [{"b": 1}, 7, None], [[1, 2], 7], {"b": [1]}, "text"]),
    ("a[2].b = x", [[None, {"b": 7}], [None, {"b": 7}], [1, {"b": 7}], [1, 2, 3], [{"b": 1}, {"b": 7}, None],
                    [[1, 2], [3]], {"b": [1]}, "text"]),
    ("a[*][1] = x", [None, [], [1], [1, 2, 3], [{"b": 1}, {"b": [1, 2]}, [7]], [[7, 2], [7]], {"b": [1]}, "text"]),
    ("a[*].b[*] = x", [None, [], [1], [1, 2, 3], [{"b": 1}, {"b": [7, 7]}, None], [[1, 2], [3]], {"b": [1]}, "text"]),
    # what only changes elements, or removes fields, makes no field in an element that hasn't got it
    ("a[*].n.m[*].q = x, a[*].c.d = DEFAULT", ARRAYS),
    ("a[*].n.m[*] = x, a[*].n.k = 1", [*ARRAYS[:4], [{"b": 1, "n": {"k": 1}}, {"b": [1, 2], "n": {"k": 1}}, None],
                                      *ARRAYS[5:]]),
    ("v.n[*] = 1 FOR v IN a WHEN v.b = 1 END", ARRAYS),
    ("a[x - 5] = a[1], a[1] = a[2]", [
        [None, None], [None, None], [None, 1], [2, 1, 3], [{"b": [1, 2]}, {"b": 1}, None], [[3], [1, 2]], {"b": [1]},
        "text"]),
    ("a[1] = 1, a[x - 6] = 2", [
        [2], [2], [2], [2, 2, 3], [2, {"b": [1, 2]}, None], [2, [3]], {"b": [1]}, "text"]),
    ("a[x - 8] = 1", ARRAYS),
    ("v.b = 1 FOR v IN a WHEN v.b IS NOT NULL END, v.c.d = v.b FOR v IN a WHEN v.b IS NOT NULL END",
     [*ARRAYS[:4], [{"b": 1, "c": {"d": 1}}, {"b": 1, "c": {"d": [1, 2]}}, None], *ARRAYS[5:]]),
])
def test_elements_of_arrays(
    session: Session, database: Database[dict[str, Any]], assignment: str, after: Any
) -> None:
    database.t.insert_many([{"_id": number, "a": array, "x": 7} for number, array in enumerate(ARRAYS)])
    session.execute(f"UPDATE t SET {assignment} WHERE TRUE")
    assert [document["a"] for document in database.t.find().sort("_id")] == after


def test_a_row_of_a_query_is_assigned_at_once(session: Session, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": 1, "k": 1}, {"_id": 2, "k": 2}, {"_id": 3, "k": 9}])
    database.u.insert_many([{"k": 1, "p": 1, "q": 2}, {"k": 2, "p": 3}])
    session.execute("UPDATE t SET (a, b) = (SELECT p, q FROM u WHERE u.k = t.k) WHERE TRUE")
    assert list(database.t.find({}, {"_id": 0}).sort("_id")) == [
        {"k": 1, "a": 1, "b": 2}, {"k": 2, "a": 3, "b": None}, {"k": 9, "a": None, "b": None}]
    session.execute("UPDATE t SET (a, b) = (SELECT p, k FROM u ORDER BY k DESC LIMIT 1) WHERE k = 9")
    assert database.t.find_one({"_id": 3}) == {"_id": 3, "k": 9, "a": 3, "b": 2}
    with pytest.raises(ServerError, match="gave more than one row"):
        session.execute("UPDATE t SET (a, b) = (SELECT p, q FROM u) WHERE TRUE")
