"""RETURNING of MERGE on a server: the rows really written, whatever others do meanwhile, and nothing where it stops."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

import sqlbulk
from sqlbulk.errors import ConnectionFailed, ConnectionLost, ServerError, TooManyErrors
from sqlbulk.execute.merge_returning import Returner
from sqlbulk.execute.transactions import InDoubtError, Transactions
from sqlbulk.results import WriteSummary
from sqlbulk.session import Session

pytestmark = pytest.mark.server
Base = Database[dict[str, Any]]
NAMES = ("read", "inserted", "matched", "modified", "deleted", "kept", "rejected", "skipped", "in_doubt", "retries")
ALL = """
    MERGE INTO t USING s ON t.k = s.k
    WHEN MATCHED AND s.m > 30 THEN DELETE
    WHEN MATCHED THEN UPDATE SET n = t.n + s.m
    WHEN NOT MATCHED AND s.m = 60 THEN DO NOTHING
    WHEN NOT MATCHED THEN INSERT (k, n) VALUES (s.k, s.m)
    WHEN NOT MATCHED BY SOURCE AND t.n > 1 THEN UPDATE SET n = -t.n
    RETURNING merge_action(), t.k, t.n, s.m"""
ROWS = [("DELETE", 4, 4, 40), ("INSERT", 5, 50, 50), ("INSERT", 7, 70, 70), ("UPDATE", 2, -2, None),
        ("UPDATE", 3, 33, 30)]
COUNTS = {"read": 6, "inserted": 2, "matched": 2, "modified": 2, "deleted": 1, "skipped": 1}


@pytest.fixture
def base(database: Base) -> Base:
    database.t.insert_many([{"_id": n, "k": n, "n": n} for n in range(5)])
    database.s.insert_many([{"_id": 100 + n, "k": n, "m": n * 10} for n in range(3, 8)])
    return database


def counted(summary: Any) -> dict[str, int]:
    """What a statement did, without the zeros."""
    return {name: getattr(summary, name) for name in NAMES if getattr(summary, name)}


def stored(base: Base) -> list[tuple[int, Any]]:
    return sorted((row["k"], row["n"]) for row in base.t.find())


@pytest.mark.parametrize("options", ["", " WITH (batch_size = 1)", " WITH (batch_size = 2, ordered = true)",
                                     " WITH (write_concern = 'majority')"])
def test_every_row_that_is_written_comes_back(session: Session, base: Base, options: str) -> None:
    result = session.execute(ALL + options)
    assert result.columns == ("merge_action", "k", "n", "m")
    assert sorted(result.rows) == ROWS
    assert counted(result.summary) == COUNTS
    assert stored(base) == [(0, 0), (1, 1), (2, -2), (3, 33), (5, 50), (7, 70)]


def test_stars_and_fields_of_fields(session: Session, base: Base) -> None:
    base.s.update_many({}, {"$set": {"d": {"x": 1}}})
    sql = "MERGE INTO t AS a USING s AS b ON a.k = b.k WHEN MATCHED THEN UPDATE SET n = 0, z.y = b.k RETURNING {}"
    result = session.execute(sql.format("*"))
    assert result.columns == ("_id", "k", "m", "d", "_id", "k", "n", "z")
    assert list(result.rows) == [(103, 3, 30, {"x": 1}, 3, 3, 0, {"y": 3}), (104, 4, 40, {"x": 1}, 4, 4, 0, {"y": 4})]
    result = session.execute(sql.format("a.*"))
    assert (result.columns, next(iter(result.rows))) == (("_id", "k", "n", "z"), (3, 3, 0, {"y": 3}))
    result = session.execute(sql.format("b.* EXCEPT (_id)"))
    assert (result.columns, next(iter(result.rows))) == (("k", "m", "d"), (3, 30, {"x": 1}))
    assert list(session.execute(sql.format("b.d.x + a.z.y, n, UPPER(LOWER(MERGE_ACTION())) AS what")).rows) == [
        (4, 0, "UPDATE"), (5, 0, "UPDATE")]


@pytest.mark.parametrize(("source", "columns"), [
    ("s", ("_id", "k", "m")), ("s AS q", ("_id", "k", "m")), ("(SELECT k, m FROM s) AS q", ("k", "m")),
    ("(SELECT * FROM s) AS q", ("_id", "k", "m")), ("(SELECT *, 1 AS one FROM s) AS q", ("_id", "k", "m", "one")),
    ("w", ("k", "m")), ("(VALUES (3, 30), (9, 90)) AS q (k, m)", ("k", "m")),
])
def test_the_columns_of_every_kind_of_source(
    session: Session, base: Base, source: str, columns: tuple[str, ...]
) -> None:
    name = source.split()[-3 if source.endswith("(k, m)") else -1]
    session_sql = f"""
        WITH w AS (SELECT k, m FROM s) MERGE INTO t USING {source} ON t.k = {name}.k
        WHEN MATCHED THEN UPDATE SET n = 8 WHEN NOT MATCHED BY SOURCE AND t.k = 1 THEN DELETE
        RETURNING {name}.*, t.k AS tk, {name}.k IS NULL AS missing"""
    if source != "w":
        session_sql = session_sql.replace("WITH w AS (SELECT k, m FROM s)", "")
    result = session.execute(session_sql)
    assert result.columns == (*columns, "tk", "missing")
    rows = sorted((dict(zip(result.columns, row, strict=True)) for row in result.rows), key=lambda row: row["tk"])
    assert [(row["tk"], row["missing"], row["m"]) for row in rows][:2] == [(1, True, None), (3, False, 30)]
    assert all(value is None for name, value in rows[0].items() if name not in ("tk", "missing"))


def test_nothing_written_gives_no_rows(session: Session, base: Base) -> None:
    result = session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN DO NOTHING RETURNING t.k, s.m")
    assert (result.columns, list(result.rows)) == (("k", "m"), [])
    assert counted(result.summary) == {"read": 2, "skipped": 2}


def test_values_stay_what_they_are(session: Session, base: Base) -> None:
    base.s.insert_one({"k": "$k", "m": {"$literal": 1, "a.b": "$$ROOT"}})
    result = session.execute("""MERGE INTO t USING s ON t.k = s.k WHEN NOT MATCHED AND s.k = '$k' THEN
        INSERT (_id, k, v) VALUES (s.k, s.k, s.m) RETURNING t._id, t.v, s.m""")
    value = {"$literal": 1, "a.b": "$$ROOT"}
    assert list(result.rows) == [("$k", value, value)]


def test_texts_compare_as_in_the_collection(session: Session, database: Base) -> None:
    database.create_collection("t", collation={"locale": "en", "strength": 2})
    database.t.insert_one({"k": 1, "a": "Ada"})
    database.s.insert_one({"k": 1})
    sql = "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = 1 RETURNING t.a = 'ADA'"
    assert list(session.execute(sql).rows) == [(True,)]


# What others do meanwhile


def disturbed(monkeypatch: pytest.MonkeyPatch, name: str, what: Any, times: int = 1) -> None:
    """Have something done before the first calls of a method of `Returner`."""
    method, left = getattr(Returner, name), [what] * times

    def disturb(self: Returner, *arguments: Any) -> Any:
        if left:
            left.pop()()
        return method(self, *arguments)

    monkeypatch.setattr(Returner, name, disturb)


def test_a_document_that_an_arm_does_not_match_any_more_is_kept(
    session: Session, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the filter and the values are of the document as it is when it is written."""
    def change() -> None:
        base.t.update_one({"_id": 3}, {"$set": {"n": 1000}})
        base.t.delete_one({"_id": 4})
        base.t.update_one({"_id": 2}, {"$set": {"n": 1}})

    disturbed(monkeypatch, "write", change)
    result = session.execute(ALL)
    assert sorted(result.rows) == [("INSERT", 5, 50, 50), ("INSERT", 7, 70, 70), ("UPDATE", 3, 1030, 30)]
    assert counted(result.summary) == {
        "read": 6, "inserted": 2, "matched": 1, "modified": 1, "kept": 2, "skipped": 1}
    assert stored(base) == [(0, 0), (1, 1), (2, 1), (3, 1030), (5, 50), (7, 70)]


def test_nothing_left_to_do(session: Session, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed(monkeypatch, "write", lambda: base.t.delete_many({}))
    result = session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN DELETE RETURNING *")
    assert list(result.rows) == []
    assert counted(result.summary) == {"read": 2, "kept": 2}


def test_a_change_in_the_middle_of_a_batch_has_it_done_again(
    session: Session, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(monkeypatch, "_sent", lambda: base.t.update_one({"_id": 3}, {"$inc": {"n": 100}}))
    result = session.execute(ALL)
    assert ("UPDATE", 3, 133, 30) in list(result.rows)
    assert counted(result.summary) == {**COUNTS, "retries": 1}
    assert dict(stored(base))[3] == 133
    assert len(stored(base)) == 6


def test_a_conflict_that_does_not_end(session: Session, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(base)
    disturbed(monkeypatch, "_sent", lambda: base.t.update_one({"_id": 3}, {"$inc": {"n": 100}}), times=9)
    with pytest.raises(ServerError) as caught:
        session.execute(ALL + " WITH (retry_attempts = 1)")
    assert counted(caught.value.summary) == {"read": 6, "skipped": 1, "retries": 1}
    assert [row for row in stored(base) if row[0] != 3] == [row for row in before if row[0] != 3]


def test_a_commit_without_an_answer(session: Session, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(self: Transactions, *arguments: Any) -> Any:
        raise InDoubtError(AutoReconnect("gone"))

    monkeypatch.setattr(Transactions, "run", lost)
    with pytest.raises(ConnectionLost) as caught:
        session.execute(ALL)
    assert counted(caught.value.summary) == {"read": 6, "skipped": 1, "in_doubt": 5}


def test_a_server_s_error_is_told(session: Session, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationFailure("not allowed", 13)

    before = stored(base)
    disturbed(monkeypatch, "_sent", fail)
    with pytest.raises(ConnectionFailed, match="E5003"):
        session.execute(ALL)
    assert stored(base) == before


def test_two_at_once_give_every_change_once(server_uri: str, database: Base) -> None:
    """Each adds one to every document: what one of them gives as 1, the other gives as 2."""
    database.t.insert_many([{"_id": n, "k": n, "n": 0} for n in range(200)])
    database.s.insert_many([{"k": n} for n in range(200)])

    def merge(number: int) -> list[tuple[Any, ...]]:
        with sqlbulk.connect(server_uri, database=database.name) as session:
            result = session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n = t.n + 1"
                                     " RETURNING t.k, t.n WITH (batch_size = 20, retry_attempts = 50)")
            assert result.summary is not None and result.summary.matched == 200
            return list(result.rows)

    with ThreadPoolExecutor(2) as pool:
        found = [row for rows in pool.map(merge, range(2)) for row in rows]
    assert sorted(found) == [(k, n) for k in range(200) for n in (1, 2)]


def test_rows_are_whole_while_others_write(session: Session, database: Base) -> None:
    """What is given of a document is what was written to it, not what it had before or gets later."""
    database.t.insert_many([{"_id": n, "k": n, "n": 0} for n in range(200)])
    database.s.insert_many([{"k": n} for n in range(200)])
    done = threading.Event()

    def disturb() -> None:
        number = 0
        while not done.is_set():
            number += 1
            database.t.update_one({"_id": number * 37 % 200}, {"$inc": {"n": 1}})

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        result = session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET w = t.n * 2"
                                 " RETURNING t.k, t.n, t.w WITH (batch_size = 10, retry_attempts = 50)")
    finally:
        done.set()
        thread.join()
    rows = list(result.rows)
    assert sorted(k for k, *_ in rows) == list(range(200))
    assert all(w == n * 2 for _, n, w in rows)
    assert {document["k"]: document["w"] for document in database.t.find()} == {k: w for k, _, w in rows}


# What is refused


@pytest.mark.parametrize("ordered", ["true", "false"])
def test_a_refused_row_undoes_its_batch(session: Session, base: Base, ordered: str) -> None:
    base.t.create_index("n", unique=True)
    sql = ("MERGE INTO t USING (SELECT k, m FROM s ORDER BY k) AS s ON FALSE WHEN NOT MATCHED THEN INSERT (k, n)"
           f" VALUES (s.k, CASE WHEN s.k = 6 THEN 1 ELSE s.m END) RETURNING t.k WITH (batch_size = 2, ordered = {ordered})")
    with pytest.raises(TooManyErrors, match="E4007") as caught:
        session.execute(sql)
    summary = caught.value.summary
    assert counted(summary) == {"read": 4, "inserted": 2, "rejected": 1, "skipped": 1}
    assert isinstance(summary, WriteSummary) and summary.errors[0].row == 4
    assert [k for k, _ in stored(base)] == [0, 1, 2, 3, 3, 4, 4]


def test_an_update_that_fails_undoes_its_batch(session: Session, base: Base) -> None:
    before = stored(base)
    with pytest.raises(TooManyErrors) as caught:
        session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED AND t.k = 4 THEN UPDATE SET n.x = 1"
                        " WHEN MATCHED THEN DELETE RETURNING *")
    assert counted(caught.value.summary) == {"read": 2, "rejected": 1, "skipped": 1}
    assert stored(base) == before


def test_a_document_that_would_be_changed_twice(session: Session, base: Base) -> None:
    with pytest.raises(ServerError, match="E5021"):
        session.execute("MERGE INTO t USING s ON TRUE WHEN MATCHED THEN DELETE RETURNING *")
    assert len(stored(base)) == 5


def test_without_transactions_it_is_refused_before_anything(session: Session, base: Base) -> None:
    connection = session.connection()
    connection.server = replace(connection.server, transactions=False)
    with pytest.raises(ServerError, match="E5009"):
        session.execute(ALL)
    assert len(stored(base)) == 5
    assert [name for name in base.list_collection_names() if name.startswith("sqlbulk")] == []


def test_time_is_limited(session: Session, base: Base) -> None:
    with pytest.raises(ServerError, match="E5006"):
        session.execute(ALL + " WITH (timeout_ms = 0.001)")
    assert len(stored(base)) == 5


def test_a_dry_run_is_without_it(session: Session, base: Base) -> None:
    for sql in (ALL[: ALL.index("RETURNING")], ALL):
        found = session.execute(f"DRY RUN {sql}")
        assert [row[:2] for row in found.rows if row[1] is not None] == [
            ("inserted", 2), ("changed", 2), ("deleted", 1), ("left out", 1)]
        assert any(note.startswith("RETURNING gives no rows here") for note in found.notices) == (sql == ALL)


# A model of a few lines

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3) | st.none()), max_size=6, unique_by=lambda row: row[0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PAIRS, PAIRS, st.integers(1, 4))
def test_it_gives_what_a_few_lines_of_python_give(
    session: Session, database: Base, target: list[tuple[int, Any]], source: list[tuple[int, Any]], size: int
) -> None:
    for name, rows in (("t", target), ("s", source)):
        database[name].drop()
        database.create_collection(name)
        if rows:
            database[name].insert_many([{"k": k, "n": n} for k, n in rows])
    result = session.execute(f"""
        MERGE INTO t USING s ON t.k = s.k
        WHEN MATCHED AND s.n > t.n THEN UPDATE SET n = s.n
        WHEN MATCHED AND s.n IS NULL THEN DELETE
        WHEN NOT MATCHED AND s.n <> 1 THEN INSERT (k, n) VALUES (s.k, s.n)
        WHEN NOT MATCHED BY SOURCE AND t.n IS NULL THEN UPDATE SET n = -1
        RETURNING merge_action(), t.k, t.n, s.k, s.n WITH (batch_size = {size})""")
    old, new, expected = dict(target), dict(source), list[tuple[Any, ...]]()
    for k in old.keys() | new.keys():
        n, m = old.get(k), new.get(k)
        if k in old and k in new:
            if n is not None and m is not None and m > n:
                expected.append(("UPDATE", k, m, k, m))
            elif m is None:
                expected.append(("DELETE", k, n, k, m))
        elif k in old and n is None:
            expected.append(("UPDATE", k, -1, None, None))
        elif k in new and m is not None and m != 1:
            expected.append(("INSERT", k, m, k, m))
    assert sorted(result.rows, key=repr) == sorted(expected, key=repr)
    for action, k, n, *_ in expected:
        assert database.t.find_one({"k": k}, {"_id": 0}) == (None if action == "DELETE" else {"k": k, "n": n})
    summary = result.summary
    assert summary is not None and summary.inserted + summary.matched + summary.deleted == len(expected)
