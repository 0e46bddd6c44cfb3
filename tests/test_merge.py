"""MERGE on a server: arms in order, both sides, counts, and everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import PlanError, ServerError, TooManyErrors
from sqlbulk.session import Session

pytestmark = pytest.mark.server
Base = Database[dict[str, Any]]
NAMES = ("read", "inserted", "matched", "modified", "deleted", "kept", "rejected", "skipped", "in_doubt")


@pytest.fixture
def base(database: Base) -> Base:
    database.t.insert_many([{"_id": n, "k": n, "n": n} for n in range(5)])
    database.s.insert_many([{"_id": 100 + n, "k": n, "m": n * 10} for n in range(3, 8)])
    return database


def merge(session: Session, sql: str) -> dict[str, int]:
    """What a statement did, without the zeros."""
    return counted(session.execute(sql).summary)


def counted(summary: Any) -> dict[str, int]:
    return {name: getattr(summary, name) for name in NAMES if getattr(summary, name)}


def stored(base: Base) -> list[dict[str, Any]]:
    return list(base.t.find({}, {"_id": 0}).sort("k"))


def test_the_first_arm_that_fits_is_taken(session: Session, base: Base) -> None:
    assert merge(session, """
        MERGE INTO t USING s ON t.k = s.k
        WHEN MATCHED AND s.m > 30 THEN DELETE
        WHEN MATCHED THEN UPDATE SET n = n + s.m, z.y = s.m
        WHEN NOT MATCHED AND m < 60 THEN INSERT (k, a.b, d) VALUES (k, s.m, DEFAULT)
        WHEN NOT MATCHED AND m = 60 THEN DO NOTHING""") == {
        "read": 4, "inserted": 1, "matched": 1, "modified": 1, "deleted": 1, "skipped": 1}
    assert stored(base)[3:] == [{"k": 3, "n": 33, "z": {"y": 30}}, {"k": 5, "a": {"b": 50}}]
    assert not [name for name in base.list_collection_names() if name.startswith(STAGED)]


def test_documents_that_no_row_matches(session: Session, base: Base) -> None:
    assert merge(session, """
        MERGE INTO t AS x USING (SELECT k, m FROM s) AS q ON x.k = q.k
        WHEN NOT MATCHED BY SOURCE AND n > 1 THEN DELETE
        WHEN NOT MATCHED BY SOURCE THEN UPDATE SET gone = TRUE
        WHEN NOT MATCHED BY TARGET THEN INSERT (k) VALUES (q.k)""") == {
        "read": 6, "inserted": 3, "matched": 2, "modified": 2, "deleted": 1}
    assert stored(base) == [{"k": 0, "n": 0, "gone": True}, {"k": 1, "n": 1, "gone": True}, {"k": 3, "n": 3},
                            {"k": 4, "n": 4}, {"k": 5}, {"k": 6}, {"k": 7}]


@pytest.mark.parametrize("source", ["s", "s AS q", "(SELECT k FROM s) AS q", "(SELECT * FROM s) AS q"])
def test_every_kind_of_source_can_be_missed(session: Session, base: Base, source: str) -> None:
    name = source.rsplit(maxsplit=1)[-1]
    sql = f"MERGE INTO t USING {source} ON t.k = {name}.k WHEN NOT MATCHED BY SOURCE THEN DELETE"
    assert merge(session, sql) == {"read": 3, "deleted": 3}
    assert [row["k"] for row in stored(base)] == [3, 4]


def test_a_common_table_and_subqueries_in_assignments(session: Session, base: Base) -> None:
    assert merge(session, """
        WITH w AS (SELECT k, SUM(m) AS m FROM s GROUP BY k)
        MERGE INTO t USING w ON t.k = w.k
        WHEN MATCHED THEN UPDATE SET n = w.m, total = (SELECT COUNT(*) FROM s)
        WHEN NOT MATCHED BY SOURCE THEN DELETE""") == {"read": 5, "matched": 2, "modified": 2, "deleted": 3}
    assert stored(base) == [{"k": 3, "n": 30, "total": 5}, {"k": 4, "n": 40, "total": 5}]


def test_the_source_may_be_the_target_and_is_seen_as_it_was(session: Session, base: Base) -> None:
    sql = "MERGE INTO t USING t AS u ON t.k = u.k + 1 WHEN MATCHED THEN UPDATE SET n = u.n + 100"
    assert merge(session, sql) == {"read": 4, "matched": 4, "modified": 4}
    assert [row["n"] for row in stored(base)] == [0, 100, 101, 102, 103]


def test_values_are_data(session: Session, base: Base) -> None:
    base.s.insert_one({"k": "$k", "m": {"$literal": 1, "a.b": "$$ROOT"}})
    sql = """MERGE INTO t USING s ON t.k = s.k WHEN NOT MATCHED AND s.m > 60 THEN DO NOTHING
             WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.m) WHEN MATCHED THEN UPDATE SET v = s.m"""
    merge(session, sql)
    assert base.t.find_one({"k": "$k"}, {"_id": 0}) == {"k": "$k", "v": {"$literal": 1, "a.b": "$$ROOT"}}
    assert merge(session, sql) == {"read": 6, "matched": 5, "skipped": 1}


def test_a_document_that_would_be_changed_twice_stops_before_anything(session: Session, base: Base) -> None:
    before = stored(base)
    with pytest.raises(ServerError, match=r"E5021: 5 rows of the source match the document"):
        session.execute("MERGE INTO t USING s ON t.k > 3 AND s.k > 0 WHEN MATCHED THEN DELETE"
                        " WHEN NOT MATCHED THEN INSERT (k) VALUES (0)")
    assert stored(base) == before


def test_refused_rows_are_told(session: Session, base: Base) -> None:
    base.t.create_index("k", unique=True)
    sql = "MERGE INTO t USING s ON FALSE WHEN NOT MATCHED THEN INSERT (k) VALUES (k)"
    with pytest.raises(TooManyErrors) as caught:
        session.execute(f"{sql} WITH (ordered = true)")
    assert counted(caught.value.summary) == {"read": 5, "rejected": 1, "skipped": 4}
    result = session.execute(f"{sql} WITH (continue_on_error = true, batch_size = 2)")
    assert counted(result.summary) == {"read": 5, "inserted": 3, "rejected": 2}
    assert {error.code for error in result.summary.errors} == {"E4007"}  # type: ignore[union-attr]
    with pytest.raises(TooManyErrors, match="more than max_errors"):
        session.execute(f"{sql} WITH (max_errors = 2)")


def test_a_document_in_the_way_is_refused_by_itself(session: Session, base: Base) -> None:
    with pytest.raises(TooManyErrors):
        session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET n.x = 1")
    assert stored(base) == [{"k": n, "n": n} for n in range(5)]


def test_batches_are_bounded_by_their_bytes(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": k, "v": "x" * 100_000} for k in range(20)])
    database.t.insert_many([{"k": k} for k in range(10)])
    summary = session.execute(
        "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v"
        " WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v) WITH (memory_limit = '4MB')").summary
    assert summary is not None and (summary.matched, summary.inserted) == (10, 10)
    assert summary.batches >= 4


def test_time_is_limited(session: Session, base: Base) -> None:
    with pytest.raises(ServerError, match="E5006"):
        session.execute("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN DELETE WITH (timeout_ms = 0.001)")
    assert len(stored(base)) == 5


@pytest.mark.parametrize(("sql", "error"), [
    ("MERGE INTO t USING s ON t.k = s.k WHEN NOT MATCHED THEN DELETE", PlanError),
    ("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN INSERT (a) VALUES (1)", PlanError),
])
def test_what_has_no_meaning_is_refused(session: Session, base: Base, sql: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        session.execute(sql)


ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3) | st.none()), max_size=6, unique_by=lambda row: row[0])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, ROWS)
def test_it_does_what_a_few_lines_of_python_do(
    session: Session, database: Base, target: list[tuple[int, Any]], source: list[tuple[int, Any]]
) -> None:
    for name, rows in (("t", target), ("s", source)):
        database[name].drop()
        database.create_collection(name)
        if rows:
            database[name].insert_many([{"k": k, "n": n} for k, n in rows])
    session.execute("""
        MERGE INTO t USING s ON t.k = s.k
        WHEN MATCHED AND s.n > t.n THEN UPDATE SET n = s.n
        WHEN MATCHED AND s.n IS NULL THEN DELETE
        WHEN NOT MATCHED AND s.n <> 1 THEN INSERT (k, n) VALUES (s.k, s.n)
        WHEN NOT MATCHED BY SOURCE AND t.n IS NULL THEN UPDATE SET n = -1""")
    old, new = dict(target), dict(source)
    expected = {}
    for k in old.keys() | new.keys():
        n, m = old.get(k), new.get(k)
        if k in old and k in new:
            if m is not None:
                expected[k] = m if n is not None and m > n else n
        elif k in old:
            expected[k] = -1 if n is None else n
        elif m is not None and m != 1:
            expected[k] = m
    assert {row["k"]: row["n"] for row in stored(database)} == expected


def test_subqueries_in_every_arm(session: Session, database: Base) -> None:
    database.t.insert_many([{"k": 1, "n": 1}, {"k": 2, "n": 2}, {"k": 3, "n": 3}, {"k": 9, "n": 9}])
    database.s.insert_many([{"k": 2}, {"k": 3}, {"k": 4}, {"k": 5}])
    database.o.insert_many([{"k": 1, "z": 10}, {"k": 2, "z": 20}, {"k": 4, "z": 40}])
    session.execute(
        "MERGE INTO t USING s ON t.k = s.k"
        " WHEN MATCHED AND t.k IN (SELECT k FROM o) THEN UPDATE SET n = (SELECT z FROM o WHERE o.k = t.k)"
        " WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED AND EXISTS (SELECT 1 FROM o WHERE o.k = s.k) THEN"
        " INSERT (k, n) VALUES (k, (SELECT MAX(o.z) FROM o WHERE o.k = s.k))"
        " WHEN NOT MATCHED BY SOURCE AND t.k IN (SELECT k FROM o) THEN"
        " UPDATE SET n = (SELECT z FROM o WHERE o.k = t.k)")
    found = {document["k"]: document["n"] for document in database.t.find()}
    assert found == {1: 10, 2: 20, 4: 40, 9: 9}
