"""DRY RUN counts what running the statement would do, shows samples, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

import sqlbulk
from sqlbulk.cli import main
from sqlbulk.errors import ServerError, SqlError
from sqlbulk.execute.dry_keys import keys_of, same
from sqlbulk.execute.dry_target import equalities
from sqlbulk.execute.indexes import UniqueIndex

TABLE = "CREATE TABLE t (k INT PRIMARY KEY, n INT DEFAULT 7, s TEXT UNIQUE)"
STORED = "INSERT INTO t (k, n, s) VALUES (1, 1, 'a'), (2, 2, 'b'), (3, NULL, NULL)"


@pytest.fixture
def session(server_uri: str, database: Any) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=database.name) as opened:
        opened.execute(TABLE)
        opened.execute(STORED)
        yield opened


def counts(result: sqlbulk.Result) -> dict[str, int]:
    return {row[0]: row[1] for row in result.rows if row[1] is not None}


def state(database: Database[dict[str, Any]]) -> Any:
    return {
        name: (sorted(map(repr, database[name].find())), sorted(database[name].index_information()))
        for name in database.list_collection_names()}


# As the statement itself would

STATEMENTS = [
    "INSERT INTO t (k, s) VALUES (1, 'z'), (4, 'a'), (5, 'c'), (5, 'd'), (6, 'c'), (7, NULL), (8, NULL), ('x', 'q'), (9)",
    "INSERT INTO t (_id, k) VALUES (1, 10), (1, 11), (2.0, 12), (2, 13)",
    "UPSERT INTO t (k, n) VALUES (1, 5), (1, 6), (20, 1), (20, 2), (2, 7) ON CONFLICT (k) DO UPDATE SET n = t.n + EXCLUDED.n",
    "UPSERT INTO t (k, n) VALUES (1, 5), (2, 6), (20, 1) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n WHERE t.k = 1",
    "UPSERT INTO t (k, s) VALUES (1, 'b'), (2, 'b'), (9, 'b'), (NULL, 'c') ON CONFLICT (k) DO UPDATE SET s = EXCLUDED.s",
    "UPSERT INTO t (k, s) VALUES (1, 'y'), (2, 'a') ON CONFLICT (k) DO UPDATE SET s = EXCLUDED.s",
    "UPSERT INTO t (k, n) VALUES (1, 1), (2, 3), (4, 4) WITH (match_fields = 'k')",
    "UPSERT INTO t (k, n) VALUES (1, 1), (4, 4), (4, 5) ON CONFLICT (k) DO NOTHING",
    "UPSERT INTO t (k, n) VALUES (1, 1), (4, 4) ON CONFLICT (k) DO REPLACE",
    "UPSERT INTO t (k, s, n) VALUES (NULL, 'a', 1), (4, NULL, 2), (5, NULL, 2) ON CONFLICT (s) DO UPDATE SET n = EXCLUDED.n",
    "INSERT IGNORE INTO t (k, n) VALUES (1, 5), (30, 1), (30, 2)",
    "REPLACE INTO t (k, n, s) VALUES (1, 5, 'b'), (30, 1, 'p'), (30, 2, 'p')",
    "INSERT INTO t (k, n, s) VALUES (1, 5, 'b'), (40, 1, 'a') ON DUPLICATE KEY UPDATE n = 100",
    "INSERT INTO t (_id, k) VALUES ('a', 50), ('a', 51) ON DUPLICATE KEY UPDATE n = 100",
    "INSERT INTO t (k) SELECT k + 10 FROM t",
    "INSERT INTO t (k, s) SELECT k + 1, s FROM t",
    "UPSERT INTO t (k, n) SELECT k + 1, k FROM t ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n",
    "UPSERT INTO fresh (k, n) SELECT k, k FROM t ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n",
    "MERGE INTO t USING (VALUES (1, 'q'), (2, 'q'), (9, 'y'), (3, 'b'), (8, 'w')) AS v (k, s) ON t.k = v.k"
    " WHEN MATCHED AND v.k = 3 THEN DELETE WHEN MATCHED THEN UPDATE SET s = v.s"
    " WHEN NOT MATCHED AND v.k = 8 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (k, s) VALUES (v.k, v.s)",
    "MERGE INTO t USING (VALUES (1)) AS v (k) ON t.k = v.k WHEN NOT MATCHED BY SOURCE THEN DELETE",
    "MERGE INTO t USING (VALUES (4, 'p'), (1, 'q'), (5, 'q'), (6, 'a'), (2, NULL), (7, 'r'), (7, 's'), (8, 'z')) AS v (k, s)"
    " ON t.k = v.k WHEN MATCHED AND v.s IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET s = v.s"
    " WHEN NOT MATCHED AND v.k = 8 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (k, s) VALUES (v.k, v.s)"
    " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET s = 'p'",
    "INSERT INTO t (k, n) VALUES (1, 5), (20, 1) ON CONFLICT (k) DO UPDATE SET k.x = EXCLUDED.n",
    "UPSERT INTO t (k, s) SELECT k + 1, s FROM t ON CONFLICT (k) DO UPDATE SET s.x = EXCLUDED.s",
    "MERGE INTO t USING (VALUES (1, 'q'), (2, 'q')) AS v (k, s) ON t.k = v.k WHEN MATCHED THEN UPDATE SET s.x = v.s",
]


@pytest.mark.server
@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_counts_are_those_of_the_statement_and_nothing_is_written(
    session: sqlbulk.Session, database: Any, sql: str
) -> None:
    before = state(database)
    told = session.execute(f"DRY RUN {sql}")
    assert state(database) == before
    dry = counts(told)
    summary = session.execute(f"{sql} WITH (continue_on_error = true)").summary
    assert summary is not None
    met = summary.matched + summary.deleted
    assert {
        "inserted": dry.get("inserted", 0), "changed": dry.get("changed", 0), "deleted": dry.get("deleted", 0),
        "refused": dry.get("refused", 0), "left out": dry.get("left out", 0),
        "met": dry.get("changed", 0) + dry.get("unchanged", 0) + dry.get("deleted", 0),
    } == {
        "inserted": summary.inserted, "changed": summary.modified, "deleted": summary.deleted,
        "refused": summary.rejected, "left out": summary.skipped, "met": met,
    }


@pytest.mark.server
@pytest.mark.parametrize("sql", [
    "INSERT INTO t (k, n) VALUES (1, 5), (21, 1) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n",
    "UPDATE t SET n = 5 WHERE k = 1", "DELETE FROM t WHERE k = 1", "MOVE t TO elsewhere WHERE k = 1",
])
def test_returning_changes_nothing_but_a_notice(session: sqlbulk.Session, database: Any, sql: str) -> None:
    before = state(database)
    plain, told = session.execute(f"DRY RUN {sql}"), session.execute(f"DRY RUN {sql} RETURNING k")
    assert told.columns == plain.columns and len(list(told.rows)) == len(list(plain.rows))
    assert {*told.notices} == {*plain.notices, "RETURNING gives no rows here: DRY RUN shows documents itself"}
    assert state(database) == before


@pytest.mark.server
def test_large_documents_are_worked_out_a_few_at_a_time(session: sqlbulk.Session, database: Any) -> None:
    database.large.insert_many([{"_id": number, "v": "x" * 5_000_000} for number in range(6)])
    found = session.execute("DRY RUN MERGE INTO large USING large AS s ON large._id = s._id"
                            " WHEN MATCHED THEN UPDATE SET w = s.v")
    assert counts(found) == {"changed": 6}
    database.large.update_one({"_id": 3}, {"$set": {"v": "x" * 9_000_000}})
    with pytest.raises(ServerError, match="DRY RUN can't work out the document with _id 3"):
        session.execute("DRY RUN MERGE INTO large USING large AS s ON large._id = s._id"
                        " WHEN MATCHED THEN UPDATE SET v = s.v || 'y'")
    assert database.large.count_documents({"w": {"$exists": True}}) == 0


@pytest.mark.server
def test_refused_rows_are_listed_with_their_place_and_where_the_statement_would_stop(session: sqlbulk.Session) -> None:
    result = session.execute("DRY RUN INSERT INTO t (k, s) VALUES (4, 'd'), ('x', 'e'), (1, 'f')")
    assert result.notices == (
        "DRY RUN: of 3 rows 1 inserted, 2 refused; nothing was written",
        "the statement would stop at row 2, which is refused; continue_on_error = true goes on")
    inserted, *refused = result.rows
    assert inserted[:3] == ("inserted", 1, None) and inserted[3]["s"] == "d"
    assert [(row[1], row[2]["s"], row[3]) for row in refused] == [
        (2, "e", "E4008: Document failed validation @ row 2 (<sql>:1:47)"),
        (None, "f", "E4007: E11000 duplicate key error index: k_1 dup key: {'k': 1} @ row 3 (<sql>:1:59)")]


@pytest.mark.server
def test_rows_of_files_and_of_the_caller(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("k,s\n1,z\n5,y\n")
    before = state(database)
    result = session.execute(f"DRY RUN INSERT INTO t FROM '{tmp_path}/x.csv' WITH (continue_on_error = true)")
    assert counts(result) == {"inserted": 1, "refused": 1} and "x.csv:2" in list(result.rows)[1][3]
    result = session.execute(f"DRY RUN LOAD DATA INFILE '{tmp_path}/x.csv' IGNORE INTO TABLE t FIELDS TERMINATED BY ','"
                             " IGNORE 1 LINES (k, s)")
    assert counts(result) == {"inserted": 1, "left out": 1}
    assert counts(session.execute("DRY RUN INSERT INTO t (k) ?", rows=[(1,), (6,)])) == {"inserted": 1, "refused": 1}
    assert state(database) == before


@pytest.mark.server
def test_an_index_that_would_be_made_is_said(session: sqlbulk.Session, database: Any) -> None:
    result = session.execute("DRY RUN UPSERT INTO t (n) VALUES (1) ON CONFLICT (n) DO NOTHING")
    assert "a unique index on (n) would be made, if no stored documents share a key" in result.notices
    result = session.execute("DRY RUN INSERT INTO t (k) VALUES (9) WITH (ensure_indexes = 'n')")
    assert "an index on (n) would be made, if it is missing" in result.notices


@pytest.mark.server
def test_texts_that_a_collation_holds_equal(session: sqlbulk.Session, database: Any) -> None:
    database.c.create_index("s", unique=True, collation={"locale": "en", "strength": 2})
    database.c.insert_one({"s": "Abc"})
    sql = "INSERT INTO c (s, n) VALUES ('ABC', 1), ('x', 1) ON DUPLICATE KEY UPDATE n = 1"
    assert counts(session.execute(f"DRY RUN {sql}")) == {"inserted": 1, "changed": 1}


@pytest.mark.server
def test_a_row_outside_of_a_partial_index_keeps_a_key_that_a_row_inside_cannot(
    session: sqlbulk.Session, database: Any
) -> None:
    database.c.create_index("s", unique=True, partialFilterExpression={"n": {"$gt": 0}})
    database.c.insert_one({"s": "a", "n": 1})
    sql = "INSERT INTO c (s, n) VALUES ('a', 0), ('a', 2), ('b', 0), ('b', 3), ('b', 4) WITH (continue_on_error = true)"
    assert counts(session.execute(f"DRY RUN {sql}")) == {"inserted": 3, "refused": 2}
    summary = session.execute(sql).summary
    assert summary is not None and (summary.inserted, summary.rejected) == (3, 2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pipelines without a collection that are sent, which the server's profile leaves out."""
    sent: list[Any] = []
    usual = Database.aggregate

    def aggregate(self: Any, pipeline: Any, *others: Any, **settings: Any) -> Any:
        sent.append(pipeline)
        return usual(self, pipeline, *others, **settings)

    monkeypatch.setattr(Database, "aggregate", aggregate)
    return sent


ALL_ARMS = (
    "MERGE INTO big USING other AS o ON big.k = o.k WHEN MATCHED AND o.n % 3 = 0 THEN DELETE"
    " WHEN MATCHED AND o.n % 3 = 1 THEN UPDATE SET n = o.n WHEN MATCHED THEN DO NOTHING"
    " WHEN NOT MATCHED AND o.n % 2 = 0 THEN INSERT (k, n) VALUES (o.k, o.n) WHEN NOT MATCHED THEN DO NOTHING"
    " WHEN NOT MATCHED BY SOURCE AND big.n % 2 = 0 THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = -1")


@pytest.mark.server
@pytest.mark.parametrize("sql", [
    ALL_ARMS, "INSERT INTO big (k, n) SELECT k + 5000, n FROM other",
    "UPSERT INTO big (k, n) SELECT k, n FROM other ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n",
    "UPDATE big SET n = o.n FROM other AS o WHERE big.k = o.k", "DELETE FROM big WHERE n % 2 = 0",
    "UPDATE big SET n = n + 1 WHERE k > 3",
])
def test_few_questions_are_asked_however_the_rows_alternate(
    session: sqlbulk.Session, database: Any, asked: list[Any], sql: str
) -> None:
    database.big.create_index("k", unique=True)
    database.big.create_index("n", unique=True, partialFilterExpression={"n": {"$gt": 100_000}})
    database.big.insert_many([{"k": n, "n": n} for n in range(1_000)])
    database.other.insert_many([{"k": n, "n": n} for n in range(500, 1_500)])
    database.command("profile", 2)
    told = session.execute(f"DRY RUN {sql}")
    database.command("profile", 0)
    assert "nothing was written" in told.notices[0]
    assert database["system.profile"].count_documents({}) < 120 and len(asked) < 120


@pytest.mark.server
def test_texts_that_a_collation_holds_equal_are_found_again_in_few_questions(
    session: sqlbulk.Session, database: Any, asked: list[Any]
) -> None:
    database.c.create_index("s", unique=True, collation={"locale": "en", "strength": 2})
    database.c.insert_many([{"s": f"a{n}", "n": 1} for n in range(50)])
    values = ", ".join(f"('A{n % 50}', {n + 1})" for n in range(100))
    sql = f"INSERT INTO c (s, n) VALUES ('new', 0), {values} ON DUPLICATE KEY UPDATE n = c.n + VALUES(n)"
    told = session.execute(f"DRY RUN {sql}")
    assert counts(told) == {"inserted": 1, "changed": 100}
    assert len(asked) < 250
    summary = session.execute(sql).summary
    assert summary is not None and (summary.inserted, summary.modified) == (1, 100)


@pytest.mark.server
def test_time_series(session: sqlbulk.Session, database: Any) -> None:
    sql = ("DRY RUN INSERT INTO series (at, m) WITH TIME_SERIES_OPTIMIZATION (time_field = 'at', meta_field = 'm')"
           " SELECT CASE WHEN k > 1 THEN CURRENT_TIMESTAMP END, k FROM t")
    result = session.execute(sql)
    assert counts(result) == {"inserted": 2, "refused": 1}
    assert "the time-series collection series would be made" in result.notices
    assert database.list_collection_names() == ["t"]


@pytest.mark.server
def test_a_merge_that_would_change_a_document_twice_is_an_error(session: sqlbulk.Session) -> None:
    with pytest.raises(ServerError, match="E5021"):
        session.execute("DRY RUN MERGE INTO t USING (VALUES (1), (1)) AS v (k) ON t.k = v.k"
                        " WHEN MATCHED THEN UPDATE SET n = 0")


@pytest.mark.server
def test_truncate_update_and_what_is_refused(session: sqlbulk.Session, database: Any) -> None:
    before = state(database)
    assert list(session.execute("DRY RUN TRUNCATE t").rows) == [(3,)]
    notices = session.execute("DRY RUN UPDATE t SET n = 'x' WHERE k < 3").notices
    assert "2 of them would be refused by the collection's rules" in notices
    notices = session.execute("DRY RUN UPDATE t SET s = 'x' WHERE TRUE").notices
    assert "the unique index on (s) is not asked whether it would refuse some of them" in notices
    notices = session.execute("DRY RUN UPDATE t SET s.x = 'x' WHERE k IN (1, 2) LIMIT 2").notices
    assert "2 of them would be refused: something is in the way" in notices
    assert state(database) == before
    with pytest.raises(SqlError, match="not for DROP TABLE"):
        session.execute("DRY RUN DROP TABLE t")


@pytest.mark.server
@pytest.mark.parametrize(("option", "reason"), [
    ("max_delete_limit = 1", "2 documents match, but max_delete_limit is 1"),
    ("confirm_deletion_count = 3", "2 documents match, but confirm_deletion_count is 3"),
    ("confirm_deletion_count = 2, max_delete_limit = 2", None),
])
def test_a_number_that_the_options_forbid_is_said(
    session: sqlbulk.Session, database: Any, option: str, reason: str | None
) -> None:
    database.few.insert_many([{"k": 1}, {"k": 2}])
    told = session.execute(f"DRY RUN DELETE FROM few WHERE k > 0 WITH ({option})").notices
    assert told == ("DRY RUN: 2 documents of few would be deleted; nothing was written",
                    *([f"the statement would stop before that: {reason}"] if reason else []))
    assert database.few.count_documents({}) == 2


@pytest.mark.server
def test_dry_run_of_a_script(
    session: sqlbulk.Session, database: Any, server_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(database)
    code = main(["run", "--uri", server_uri, "-d", database.name, "--dry-run", "-c",
                 "CREATE TABLE u (a INT); INSERT INTO t (k) VALUES (9); DELETE FROM t WHERE TRUE; SELECT k FROM t LIMIT 1"])
    out, err = capsys.readouterr()
    assert code == 0 and state(database) == before
    assert "CREATE TABLE u" in out and "of 1 rows 1 inserted" in err and "3 documents of t would be deleted" in err


# Parts


def test_keys_reach_into_arrays() -> None:
    index = UniqueIndex("i", ("a.b", "c"))
    found = keys_of(index, {"a": [{"b": [1, 2]}, {"b": 3}, 4], "c": "x"})
    assert list(found.values()) == [(1, "x"), (2, "x"), (3, "x")]
    assert list(keys_of(index, {"a": 1}).values()) == [(None, None)]


@pytest.mark.parametrize(("one", "other", "equal"), [
    (1, 1.0, True), (True, 1, False), ({"a": 1}, {"a": 1.0}, True), ([1, {"b": 2}], [1.0, {"b": 2}], True),
    (float("nan"), float("nan"), True), ("1", 1, False), (None, None, True), (b"x", "x", False),
])
def test_values_that_mongodb_holds_equal(one: Any, other: Any, equal: bool) -> None:
    assert (same(one) == same(other)) is equal


def test_the_values_that_a_filter_asks_for() -> None:
    assert equalities({"a": {"$eq": 1, "$gt": 0}, "b": {"$gte": 2, "$lte": 2}}) == {"a": 1, "b": 2}
    assert equalities({"$and": [{"a": {"$eq": 1}}, {"b": {"$exists": True}}]}) == {"a": 1}
    assert equalities({"$or": []}) is None and equalities({"a": 1}) is None


@pytest.mark.server
def test_the_server_is_sent_nothing_that_writes(session: sqlbulk.Session, database: Any) -> None:
    others = ["UPDATE t SET n = 1, s = 'x' WHERE k IN (SELECT k FROM t)", "DELETE FROM t WHERE k = 1", "TRUNCATE t",
              "DELETE FROM t WHERE TRUE WITH ARCHIVAL_STRATEGY (archive_collection = 'old')", "MOVE t TO new WHERE TRUE"]
    database.command("profile", 2)
    for sql in [*STATEMENTS, *others]:
        list(session.execute(f"DRY RUN {sql}").rows)
    database.command("profile", 0)
    asked = list(database["system.profile"].find())
    verbs = {next(iter(entry.get("command") or {"none": 1})) for entry in asked}
    assert len(asked) > len(STATEMENTS) and verbs <= {"find", "aggregate", "listCollections", "listIndexes", "count",
                                                      "getMore", "profile", "hello", "none", "collStats"}
    assert {entry["op"] for entry in asked} <= {"query", "command", "getmore"}
    assert not any("$out" in stage or "$merge" in stage for entry in asked
                   for stage in entry.get("command", {}).get("pipeline", ()))
