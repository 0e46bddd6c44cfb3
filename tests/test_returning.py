"""RETURNING of statements that bring rows; that of UPDATE and DELETE is tested with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

import sqlbulk
from sqlbulk.errors import ServerError, SqlError, TooManyErrors
from sqlbulk.execute.insert_returning import RecordingTarget, returned_rows
from sqlbulk.execute.target import CollectionTarget


@pytest.fixture
def session(server_uri: str, database: Any) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=database.name) as opened:
        opened.execute("CREATE TABLE t (k INT PRIMARY KEY, n INT DEFAULT 7)")
        opened.execute("INSERT INTO t (k, n) VALUES (1, 1), (2, 2)")
        yield opened


@pytest.mark.server
@pytest.mark.parametrize(("sql", "rows", "counts"), [
    ("INSERT INTO t (k) VALUES (3), (4) RETURNING k, n + 1 AS m", [(3, 8), (4, 8)], (2, 0, 0)),
    ("INSERT INTO t (k, n) VALUES (1, 5), (3, 5) ON CONFLICT (k) DO UPDATE SET n = t.n + EXCLUDED.n RETURNING k, n",
     [(1, 6), (3, 5)], (1, 1, 1)),
    ("INSERT INTO t (k, n) VALUES (1, 5), (1, 6), (4, 5), (4, 6) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n RETURNING n",
     [(5,), (5,), (6,), (6,)], (1, 3, 3)),
    ("INSERT INTO t (k, n) VALUES (1, 5), (4, 5) ON CONFLICT (k) DO NOTHING RETURNING k", [(4,)], (1, 0, 0)),
    ("INSERT INTO t (k, n) VALUES (1, 5), (2, 2), (3, NULL) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n WHERE t.k = 2"
     " RETURNING k, n", [(2, 2), (3, None)], (1, 2, 0)),
    ("UPSERT INTO t (k, m) VALUES (1, 5), (5, 5) WITH (match_fields = 'k') RETURNING k, n, m", [(1, 1, 5), (5, 7, 5)],
     (1, 1, 1)),
    ("REPLACE INTO t (k, m) VALUES (1, 9), (9, 9) RETURNING k, n, m", [(1, 7, 9), (9, 7, 9)], (1, 1, 1)),
    ("INSERT INTO t (k) SELECT k + 100 FROM t RETURNING t.k", [(101,), (102,)], (2, 0, 0)),
    ("INSERT INTO t (k) VALUES (1), (200), ('x') WITH (continue_on_error = true) RETURNING k", [(200,)], (1, 0, 0)),
    ("INSERT INTO t (k) VALUES (3), (1), (4) WITH (continue_on_error = true, ordered = true) RETURNING k",
     [(3,), (4,)], (2, 0, 0)),
    ("INSERT INTO t (k, n) VALUES (1, 'x'), (2, 5) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n"
     " WITH (continue_on_error = true, ordered = true) RETURNING k, n", [(2, 5)], (0, 1, 1)),
])
def test_what_was_written_comes_back(session: sqlbulk.Session, sql: str, rows: Any, counts: Any) -> None:
    result = session.execute(sql)
    assert sorted(result.rows, key=repr) == sorted(rows, key=repr)
    summary = result.summary
    assert summary is not None and (summary.inserted, summary.matched, summary.modified) == counts


@pytest.mark.server
def test_star_and_rows_of_the_caller(session: sqlbulk.Session) -> None:
    result = session.execute("INSERT INTO t (_id, k) ? RETURNING *", rows=[("a", 5)])
    assert (result.columns, list(result.rows)) == (("_id", "k", "n"), [("a", 5, 7)])
    with pytest.raises(TooManyErrors):
        session.execute("INSERT INTO t (k) VALUES (1) RETURNING k")


@pytest.mark.server
def test_many_documents_are_asked_for_in_parts(session: sqlbulk.Session) -> None:
    rows = [(number, "x" * 1_000_000) for number in range(10, 30)]
    result = session.execute("INSERT INTO t (k, s) ? RETURNING k, LENGTH(s) AS l", rows=rows)
    assert list(result.rows) == [(number, 1_000_000) for number in range(10, 30)]


@pytest.mark.server
def test_rows_whose_reply_was_lost_come_back_too(session: sqlbulk.Session, database: Any) -> None:
    class Losing(CollectionTarget):
        def insert(self, documents: Any, *, ordered: bool) -> Any:
            super().insert(documents, ordered=ordered)
            raise AutoReconnect("gone")

    from bson import encode

    target = RecordingTarget(Losing(database.t), None)
    with pytest.raises(AutoReconnect):
        target.insert([encode({"_id": 1, "k": 77})], ordered=False)
    assert target.written == [] and target.stored([encode({"_id": 1, "k": 77})], [False]) == [True]
    assert target.written == [{"_id": 1, "k": 77}]


@pytest.mark.server
def test_a_failing_question_is_the_server_s_error(session: sqlbulk.Session, database: Any) -> None:
    from sqlbulk.commands import Query

    with pytest.raises(ServerError, match="E5005"):
        returned_rows(Query("t", ({"$nonsense": 1},), None), [{"a": 1}], database.t)


@pytest.mark.parametrize(("sql", "message"), [
    ("INSERT INTO t (k) VALUES (1) RETURNING COUNT(*)", "COUNT can't stand in RETURNING"),
    ("INSERT INTO t (k) VALUES (1) RETURNING (SELECT 1)", "a subquery can't stand in RETURNING"),
    ("UPDATE t SET n = 1 WHERE k = 1 RETURNING old.n", "old.… isn't supported in RETURNING"),
    ("MOVE t TO t2 WHERE k = 1 RETURNING COUNT(*)", "COUNT can't stand in RETURNING"),
])
def test_what_is_refused(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        sqlbulk.translate(sql)


def test_a_table_of_that_name_and_a_quoted_field() -> None:
    sqlbulk.translate('UPDATE new SET n = 1 WHERE k = 1 RETURNING new.n, "old".n')
