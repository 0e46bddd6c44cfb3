"""INSERT … SELECT and UPSERT … SELECT on a server: what is stored, what is counted, which way the rows go."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import Interrupted, ServerError, TooManyErrors, UsageError
from sqlbulk.execute import execute
from sqlbulk.session import Session

pytestmark = pytest.mark.server
Base = Database[dict[str, Any]]


def counts(session: Session, sql: str) -> dict[str, int]:
    """What a statement did, without the zeros."""
    summary = session.execute(sql).summary
    assert summary is not None
    return counted(summary)


def counted(summary: Any) -> dict[str, int]:
    names = ("read", "inserted", "matched", "modified", "rejected", "skipped", "in_doubt")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def stored(database: Base, name: str = "t", key: str = "k") -> list[dict[str, Any]]:
    return list(database[name].find({}, {"_id": 0}).sort(key))


UPSERT = """UPSERT INTO t (k, n) SELECT k, n FROM s
            ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n, c = COALESCE(c, 0) + 1"""


def test_columns_go_by_place_and_a_missing_one_is_null(session: Session, database: Base) -> None:
    database.s.insert_many([{"a": 1, "b": {"c": 2}}, {"a": 3}])
    assert counts(session, "INSERT INTO t (k, x.y) SELECT a, b.c FROM s") == {"read": 2, "inserted": 2}
    assert stored(database) == [{"k": 1, "x": {"y": 2}}, {"k": 3, "x": {"y": None}}]


def test_without_a_column_list_they_go_by_name_and_a_star_keeps_documents_whole(
    session: Session, database: Base
) -> None:
    rows = [{"_id": 1, "long": Int64(5), "$odd.name": [None, {}], "when": datetime(2025, 1, 1, tzinfo=UTC)}]
    database.s.insert_many(rows)
    assert counts(session, 'INSERT INTO t SELECT long AS k, \'$x\' AS "a.b" FROM s') == {"read": 1, "inserted": 1}
    assert stored(database) == [{"k": 5, "a.b": "$x"}]
    session.execute("INSERT INTO u SELECT * EXCEPT (\"$odd.name\") FROM s")
    (copied,) = database.u.find()
    assert copied == {"_id": 1, "long": 5, "when": rows[0]["when"]} and type(copied["long"]) is Int64


def test_upsert_counts_what_it_made_changed_and_left_as_it_was(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": k, "n": k} for k in range(4)])
    assert counts(session, UPSERT) == {"read": 4, "inserted": 4}
    assert session.execute(UPSERT).summary.matched == 4  # type: ignore[union-attr]
    assert all(row["c"] == 1 for row in stored(database))
    database.s.insert_one({"k": 9, "n": 9})
    database.s.update_one({"k": 2}, {"$set": {"n": 20}})
    plain = "UPSERT INTO t (k, n) SELECT k, n FROM s ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n"
    assert counts(session, plain) == {"read": 5, "inserted": 1, "matched": 4, "modified": 1}
    assert counts(session, f"{plain} WHERE t.n > 5") == {"read": 5, "matched": 5}
    assert counts(session, "UPSERT INTO t (k, n) SELECT k, 0 FROM s ON CONFLICT (k) DO NOTHING") == {
        "read": 5, "skipped": 5}
    assert counts(session, "UPSERT INTO t (k, n) SELECT k, n FROM s WITH (match_fields = 'k')") == {
        "read": 5, "matched": 5}
    assert counts(session, "UPSERT INTO t (k, z) SELECT k, n FROM s WHERE k = 2 ON CONFLICT (k) DO REPLACE") == {
        "read": 1, "matched": 1, "modified": 1}
    assert {"k": 2, "z": 20} in stored(database)


def test_no_row_comes_by_the_client_where_merge_can_write(session: Session, database: Base) -> None:
    database.s.insert_one({"k": 1, "n": 1})
    (plan,) = session.plans(UPSERT)
    names = [next(iter(command)) for command in plan.commands]
    assert names == ["createIndexes", "aggregate", "aggregate", "aggregate"]
    assert "$merge" in plan.commands[-1]["pipeline"][-1]
    result = session.execute(UPSERT)
    assert not any("client" in notice for notice in result.notices)
    assert not [name for name in database.list_collection_names() if name.startswith(STAGED)]


@pytest.mark.parametrize(("setup", "reason"), [
    ({}, "1 row with the key of a row before"),
    ({"validator": {"n": {"$gte": 0}}}, "validator"),
    ({"unique": "other"}, "another unique index"),
])
def test_rows_come_by_the_client_where_merge_cannot_say_what_becomes_of_them(
    session: Session, database: Base, setup: dict[str, Any], reason: str
) -> None:
    database.s.insert_many([{"k": 1, "n": 1}, {"k": 1, "n": 2}, {"k": 2, "n": 3}])
    database.create_collection("t", **{k: v for k, v in setup.items() if k == "validator"})
    database.t.create_index("k", unique=True)
    if "unique" in setup:
        database.t.create_index("other", unique=True, sparse=True)
    result = session.execute(UPSERT)
    explained = (line for (line,) in session.execute(f"EXPLAIN {UPSERT}").rows)
    assert any(reason in line for line in (*result.notices, *explained))
    assert counted(result.summary) == {"read": 3, "inserted": 2, "matched": 1, "modified": 1}
    assert stored(database) == [{"k": 1, "n": 2, "c": 1}, {"k": 2, "n": 3}]


def test_rows_without_a_key_are_new_whatever_is_stored(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": None, "n": 1}, {"n": 2}, {"k": 3, "n": 3}])
    result = session.execute(UPSERT)
    assert counted(result.summary) == {"read": 3, "inserted": 3}
    assert any("2 rows without a whole key" in notice for notice in result.notices)


def test_a_statement_may_read_the_collection_that_it_writes(session: Session, database: Base) -> None:
    database.t.insert_many([{"k": k, "n": 1} for k in range(3000)])
    assert counts(session, "INSERT INTO t (k, n) SELECT k + 5000, n FROM t") == {"read": 3000, "inserted": 3000}
    assert database.t.count_documents({}) == 6000
    sql = "UPSERT INTO t (k, n) SELECT k, n + 1 FROM t ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n"
    assert counts(session, sql) == {"read": 6000, "matched": 6000, "modified": 6000}
    assert database.t.count_documents({"n": 2}) == 6000
    assert not [name for name in database.list_collection_names() if name.startswith(STAGED)]


def test_a_duplicate_key_is_told_with_true_counts(session: Session, database: Base) -> None:
    database.s.insert_many([{"_id": n} for n in range(5)])
    database.t.insert_one({"_id": 3})
    with pytest.raises(TooManyErrors) as caught:
        session.execute("INSERT INTO t SELECT * FROM s WITH (ordered = true)")
    summary: Any = caught.value.summary
    assert counted(summary) == {"read": 5, "inserted": 3, "rejected": 1, "skipped": 1}
    assert [(error.code, error.row) for error in summary.errors] == [("E4007", 4)]
    assert counts(session, "INSERT IGNORE INTO t SELECT * FROM s") == {"read": 5, "inserted": 1, "skipped": 4}


def test_composite_keys_and_nested_ones(session: Session, database: Base) -> None:
    database.s.insert_many([{"a": n % 3, "b": {"c": n % 2}, "n": n} for n in range(6)])
    sql = """UPSERT INTO t (k, b.c, n) SELECT a, b.c, n FROM s
             ON CONFLICT (k, b.c) DO UPDATE SET n = EXCLUDED.n + t.n"""
    assert counts(session, sql) == {"read": 6, "inserted": 6}
    assert counts(session, sql) == {"read": 6, "matched": 6, "modified": 5}
    assert database.t.find_one({"k": 2, "b.c": 1}, {"_id": 0}) == {"k": 2, "b": {"c": 1}, "n": 10}


def test_the_id_as_key(session: Session, database: Base) -> None:
    database.s.insert_many([{"_id": n, "k": n} for n in range(3)])
    sql = "UPSERT INTO t SELECT * FROM s"
    assert counts(session, sql) == {"read": 3, "inserted": 3}
    assert counts(session, sql) == {"read": 3, "matched": 3}
    assert list(database.t.find().sort("_id")) == list(database.s.find().sort("_id"))


def test_a_row_with_something_in_the_way_is_refused_alone(session: Session, database: Base) -> None:
    database.t.create_index("k", unique=True)
    database.t.insert_many([{"k": 0, "n": 5}, {"k": 1, "n": {"z": 1}}])
    database.s.insert_many([{"k": 0, "n": 1}, {"k": 1, "n": 2}, {"k": 7, "n": 3}])
    with pytest.raises(ServerError) as caught:
        session.execute("UPSERT INTO t (k, n) SELECT k, n FROM s ON CONFLICT (k) DO UPDATE SET n.x = EXCLUDED.n")
    summary: Any = caught.value.summary
    assert (summary.read, summary.inserted, summary.modified, summary.rejected) == (3, 1, 1, 1)
    assert list(database.t.find({}, {"_id": 0}).sort("k")) == [{"k": 0, "n": 5}, {"k": 1, "n": {"z": 1, "x": 2}}, {"k": 7, "n": 3}]
    assert not [name for name in database.list_collection_names() if name.startswith(STAGED)]


VALUES = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "$k", ""]), st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 5) | st.none(), VALUES), max_size=8),
    st.dictionaries(st.integers(0, 5), VALUES, max_size=6),
    st.sampled_from(["DO UPDATE SET n = EXCLUDED.n", "DO NOTHING", "DO REPLACE",
                     "DO UPDATE SET n = EXCLUDED.n, c = COALESCE(c, 0) + 1 WHERE t.n IS NULL OR t.n <> EXCLUDED.n"]),
)
def test_both_ways_do_and_count_the_same(
    session: Session, database: Base, rows: list[tuple[Any, Any]], old: dict[int, Any], action: str
) -> None:
    outcomes = []
    for way in ("", " WITH (continue_on_error = true)"):
        database.s.drop()
        database.t.drop()
        database.create_collection("s")
        if rows:
            database.s.insert_many([{"_id": n, "k": k, "n": v} for n, (k, v) in enumerate(rows)])
        if old:
            database.t.insert_many([{"k": k, "n": v} for k, v in old.items()])
        sql = f"UPSERT INTO t (k, n) SELECT k, n FROM s ORDER BY _id ON CONFLICT (k) {action}{way}"
        summary = counts(session, sql)
        outcomes.append((summary, sorted(map(repr, stored(database)))))
    assert outcomes[0] == outcomes[1]


def test_counts_are_true_while_others_write(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": k, "n": k} for k in range(4000)])
    database.t.create_index("k", unique=True)
    database.t.insert_many([{"k": k, "n": -1} for k in range(0, 4000, 4)])
    ended = threading.Event()

    def write() -> None:
        for k in range(4000, 100_000):
            if ended.is_set():
                return
            database.t.insert_one({"k": k})

    other = threading.Thread(target=write)
    other.start()
    try:
        found = counts(session, UPSERT)
    finally:
        ended.set()
        other.join()
    assert found == {"read": 4000, "inserted": 3000, "matched": 1000, "modified": 1000}


def test_plain_rows_stay_on_the_server_unless_one_may_be_refused(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": k} for k in range(3)])
    sql = "INSERT INTO t (k) SELECT k FROM s"
    assert "$merge" in next(iter(session.plans(sql))).commands[-1]["pipeline"][-1]
    assert counts(session, sql) == {"read": 3, "inserted": 3}
    assert counts(session, f"{sql} WHERE k > 5") == {}
    database.create_collection("u", validator={"k": {"$lt": 2}})
    with pytest.raises(TooManyErrors) as caught:
        session.execute("INSERT INTO u (k) SELECT k FROM s")
    summary: Any = caught.value.summary
    assert counted(summary) == {"read": 3, "inserted": 2, "rejected": 1}
    assert counts(session, "INSERT INTO u (k) SELECT k FROM s WITH (bypass_validation = true)") == {
        "read": 3, "inserted": 3}


def test_an_interrupt_and_a_deadline_come_before_anything_is_written(session: Session, database: Base) -> None:
    database.s.insert_many([{"k": k} for k in range(3)])
    (plan,) = session.plans("INSERT INTO t (k) SELECT k FROM s")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted) as caught:
        execute(plan.steps[0], session.connection(), stop=stop)
    assert counted(caught.value.summary) == {"read": 3, "skipped": 3}
    with pytest.raises(ServerError, match="E5006"):
        session.execute("INSERT INTO t (k) SELECT a.k FROM s a, s b, s c, s d WITH (timeout_ms = 1)")
    assert database.t.count_documents({}) == 0


def test_rows_left_behind_long_ago_are_removed(session: Session, database: Base) -> None:
    old, fresh = f"{STAGED}1000.abc", f"{STAGED}{int(time.time())}.abc"
    for name in (old, fresh):
        database.create_collection(name)
    database.s.insert_one({"k": 1})
    session.execute("INSERT INTO t (k) SELECT k FROM s")
    assert [name for name in database.list_collection_names() if name.startswith(STAGED)] == [fresh]


def test_another_database_may_be_written_to(session: Session, database: Base) -> None:
    other = database.client[f"{database.name}_2"]
    database.s.insert_many([{"k": k} for k in range(3)])
    try:
        sql = f"INSERT INTO {other.name}.t (k) SELECT k FROM s ON CONFLICT (k) DO UPDATE SET n = 1"
        assert counts(session, sql) == {"read": 3, "inserted": 3}
        assert counts(session, sql) == {"read": 3, "matched": 3, "modified": 3}
        assert other.list_collection_names() == ["t"]
    finally:
        database.client.drop_database(other.name)


# Time series


SERIES = """INSERT INTO r (at, m, v) WITH TIME_SERIES_OPTIMIZATION (
    time_field = 'at', meta_field = 'm', granularity = 'minute', compression = 'delta') SELECT at, m, v FROM s"""


def test_a_time_series_collection_is_made_and_one_with_other_fields_is_refused(
    session: Session, database: Base
) -> None:
    database.s.insert_many([{"at": datetime(2025, 1, 1, n, tzinfo=UTC), "m": n % 2, "v": n} for n in range(5)])
    result = session.execute(SERIES)
    assert counted(result.summary) == {"read": 5, "inserted": 5}
    assert "made the time-series collection r" in result.notices
    (info,) = database.list_collections(filter={"name": "r"})
    series = info["options"]["timeseries"]
    assert (series["timeField"], series["metaField"], series["granularity"]) == ("at", "m", "minutes")
    again = session.execute(SERIES.replace("'minute'", "'hour'"))
    assert any("granularity is minutes, not hours" in notice for notice in again.notices)
    with pytest.raises(UsageError, match=r"E2021.*meta_field = 'm', not 'v'"):
        session.execute(SERIES.replace("meta_field = 'm'", "meta_field = 'v'"))
    with pytest.raises(UsageError, match=r"E2021.*and the statement names none"):
        session.execute(SERIES.replace("meta_field = 'm', ", ""))
    assert database.r.count_documents({}) == 10


def test_a_row_without_its_time_is_refused_by_itself(session: Session, database: Base) -> None:
    database.s.insert_many([{"at": datetime(2025, 1, 1, tzinfo=UTC), "v": 1}, {"v": 2}])
    with pytest.raises(TooManyErrors) as caught:
        session.execute(SERIES)
    summary: Any = caught.value.summary
    assert counted(summary) == {"read": 2, "inserted": 1, "rejected": 1}


STACKED = """WITH hourly AS (
        SELECT shop, DATE_TRUNC('hour', at) AS hour, SUM(CAST(details->>'price' AS NUMERIC)) AS total,
               ARRAY_AGG(DISTINCT details->>'kind') FILTER (WHERE details->>'kind' IS NOT NULL) AS kinds
        FROM sales GROUP BY shop, DATE_TRUNC('hour', at)),
    daily AS (
        SELECT shop, DATE_TRUNC('day', hour) AS day, SUM(total) AS total, ARRAY_AGG(DISTINCT UNNEST(kinds)) AS kinds
        FROM hourly GROUP BY shop, DATE_TRUNC('day', hour))
    INSERT INTO days (shop, day, total, kinds) SELECT shop, day, total, kinds FROM daily
    ON CONFLICT (shop, day) DO UPDATE SET total = EXCLUDED.total, kinds = EXCLUDED.kinds, changed = TRUE"""


def test_arrays_of_groups_go_into_the_groups_above(session: Session, database: Base) -> None:
    sales = (("a", 1, "tea", "1.5"), ("a", 1, "jam", "2"), ("a", 2, "tea", "3"), ("a", 2, None, "1"), ("b", 5, None, "4"))
    database.sales.insert_many([
        {"shop": shop, "at": datetime(2025, 1, 1, hour, 30, tzinfo=UTC), "details": {"kind": kind, "price": price}}
        for shop, hour, kind, price in sales])
    assert counts(session, STACKED) == {"read": 2, "inserted": 2}
    day = datetime(2025, 1, 1, tzinfo=UTC)
    first = {"shop": "a", "day": day, "total": Decimal128("7.5"), "kinds": ["jam", "tea"]}
    second = {"shop": "b", "day": day, "total": Decimal128("4"), "kinds": None}
    assert stored(database, "days", "shop") == [first, second]
    database.sales.insert_one({"shop": "b", "at": day, "details": {"kind": "tea", "price": "1"}})
    assert counts(session, STACKED) == {"read": 2, "matched": 2, "modified": 2}
    second |= {"total": Decimal128("5"), "kinds": ["tea"]}
    assert stored(database, "days", "shop") == [first | {"changed": True}, second | {"changed": True}]


def test_an_update_from_the_first_rows_of_two_others_merges_documents(session: Session, database: Base) -> None:
    database.t.insert_many([{"k": k, "n": 1, "place": "old", "tool": {"a": 1, "b": 1}} for k in range(4)])
    database.moves.insert_many([{"k": k, "n": 1, "place": f"new{k}", "open": k != 2, "at": k} for k in range(4)])
    database.tools.insert_many([
        {"k": 0, "n": 1, "more": {"b": 2, "c": {"d": 3}}, "open": True}, {"k": 1, "n": 1, "open": True},
        {"k": 2, "n": 1, "more": {"b": 5}, "open": True}])
    sql = """UPDATE t target SET place = COALESCE(m.place, target.place), tool = tool || COALESCE(w.more, '{}'::jsonb)
        FROM (SELECT DISTINCT ON (k, n) k, n, place, ROW_NUMBER() OVER (PARTITION BY k ORDER BY at DESC) AS r
              FROM moves WHERE open = TRUE) m,
             (SELECT DISTINCT ON (k, n) k, n, more FROM tools WHERE open = TRUE) w
        WHERE target.k = m.k AND target.n = m.n AND target.k = w.k AND target.n = w.n AND target.k < 3"""
    assert counts(session, sql) == {"read": 2, "matched": 2, "modified": 2}
    assert [(d["place"], d["tool"]) for d in stored(database)] == [
        ("new0", {"a": 1, "b": 2, "c": {"d": 3}}), ("new1", {"a": 1, "b": 1}),
        ("old", {"a": 1, "b": 1}), ("old", {"a": 1, "b": 1})]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("ARRAY_AGG(UNNEST(a))", [[3, 1, "b", 1, 2.5], None, [[1], "$x"]]),
        ("ARRAY_AGG(DISTINCT UNNEST(a))", [[1, 2.5, 3, "b"], None, ["$x", [1]]]),
        ("ARRAY_AGG(UNNEST(a)) FILTER (WHERE f)", [[1, 2.5], None, None]),
        ("COUNT(UNNEST(a))", [5, 0, 2]), ("COUNT(DISTINCT UNNEST(a))", [4, 0, 2]), ("COUNT(a)", [3, 1, 1]),
        ("SUM(UNNEST(a))", [7.5, None, None]), ("SUM(DISTINCT UNNEST(a))", [6.5, None, None]),
        ("AVG(UNNEST(a))", [1.875, None, None]), ("AVG(DISTINCT UNNEST(a)) FILTER (WHERE f)", [1.75, None, None]),
        ("MIN(UNNEST(a))", [1, None, "$x"]), ("MAX(UNNEST(a))", ["b", None, [1]]),
        ("STRING_AGG(UNNEST(a), '-')", ["3-1-b-1-2.5", None, "$x"]),
        ("STRING_AGG(DISTINCT UNNEST(a))", ["1,2.5,3,b", None, "$x"]),
    ],
)
def test_aggregates_over_elements(
    aggregate: str, expected: list[Any], session: Session, database: Base
) -> None:
    arrays: tuple[Any, ...] = ((1, [3, 1, None, "b"]), (1, [1, 2.5]), (1, None), (1, 7), (2, []), (3, [[1], None, "$x"]))
    database.t.insert_many([{"_id": n, "k": k, "a": a, "f": n == 1} for n, (k, a) in enumerate(arrays)])
    result = session.execute(f"SELECT {aggregate} FROM t GROUP BY k ORDER BY k")
    assert [value for (value,) in result.rows] == expected


def test_many_arrays_lose_no_element_when_put_together(session: Session, database: Base) -> None:
    database.t.insert_many([{"a": [n, n + 1]} for n in range(1001)])
    (row,) = session.execute("SELECT ARRAY_AGG(UNNEST(a)), COUNT(DISTINCT UNNEST(a)) FROM t").rows
    assert sorted(row[0]) == sorted([*range(1001), *range(1, 1002)])
    assert row[1] == 1002
