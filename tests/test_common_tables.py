"""WITH on a server: rows that are kept while a statement runs, recursions of all kinds, and nothing left behind."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure

from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import ConnectionFailed, ServerError, SqlError
from sqlbulk.execute.steps import Shelf
from sqlbulk.session import Session, connect

pytestmark = pytest.mark.server

GROUPED = "WITH t AS (SELECT up, COUNT(*) AS n FROM c GROUP BY up) "
TWICE = GROUPED + "SELECT x.up, y.n FROM t x JOIN t y ON x.up = y.up"
DOWN = ("WITH RECURSIVE t AS {} (SELECT k, 0 AS d FROM c WHERE up IS NULL UNION ALL"
        " SELECT c.k, t.d + 1 FROM c JOIN t ON c.up = t.k) SELECT k, d FROM t")
UP = ("WITH RECURSIVE t AS {} (SELECT k AS root, k, up FROM c UNION ALL"
      " SELECT t.root, c.k, c.up FROM c JOIN t ON c.k = t.up) SELECT root, k FROM t")
ANY = ("WITH RECURSIVE t AS {} (SELECT k AS root, k FROM c UNION"
       " SELECT t.root, c.k FROM t JOIN c ON c.up = t.k AND c.live) SELECT root, k FROM t")
TYPES = {"$jsonSchema": {"properties": {"k": {"bsonType": "int"}, "up": {"bsonType": ["int", "null"]}}}}


@pytest.fixture
def session(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Session]:
    """A session over a forest of 60 documents, whose keys are known to be numbers and unique."""
    chance = random.Random(7)
    database.create_collection("c", validator=TYPES)
    database.c.create_index("k", unique=True)
    database.c.insert_many([
        {"k": k, "live": chance.random() < 0.8} | ({"up": chance.randrange(k)} if k and k % 9 else {} if k % 2 else {"up": None})
        for k in range(60)])
    with connect(server_uri, database=database.name) as made:
        yield made


def kept(database: Database[dict[str, Any]]) -> list[str]:
    """The collections in which rows wait."""
    return [name for name in database.list_collection_names() if name.startswith(STAGED)]


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return sorted(session.execute(sql).rows, key=repr)


# Recursions


@pytest.mark.parametrize("sql", [DOWN, UP, ANY], ids=["down", "up", "any"])
def test_walks_and_rounds_find_the_same_rows(session: Session, sql: str) -> None:
    assert "$graphLookup in c" in session.explain(sql.format(""))
    assert "round after round" in session.explain(sql.format("MATERIALIZED"))
    found = rows(session, sql.format(""))
    assert found == rows(session, sql.format("MATERIALIZED"))
    assert len(found) >= 60


@pytest.mark.parametrize("index", ["up", None])
@pytest.mark.parametrize("few", [50_000, 0], ids=["few-keys", "many-keys"])
def test_rounds_find_the_same_rows_by_any_way(
    session: Session, database: Database[dict[str, Any]], index: str | None, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows(session, DOWN.format(""))
    if index:
        database.c.create_index(index)
    monkeypatch.setattr("sqlbulk.execute.query_keys._FEW", few)
    assert rows(session, DOWN.format("MATERIALIZED")) == expected


@pytest.mark.parametrize("how", ["", "MATERIALIZED"])
@pytest.mark.parametrize("sql", [DOWN.replace("up IS NULL", "k = 3"), UP], ids=["down", "up"])
def test_a_circle_is_an_error(session: Session, database: Database[dict[str, Any]], how: str, sql: str) -> None:
    database.c.delete_many({})
    database.c.insert_many([{"k": 1, "up": 3}, {"k": 2, "up": 1}, {"k": 3, "up": 2}, {"k": 4, "up": 3}])
    session.execute("SET max_recursion = 20")
    with pytest.raises(ServerError) as caught:
        rows(session, sql.format(how))
    assert caught.value.code == "E5022"
    assert kept(database) == []


def test_max_recursion_counts_rounds(session: Session) -> None:
    numbers = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {}) SELECT COUNT(*) FROM t"
    session.execute("SET max_recursion = 10")
    assert rows(session, numbers.format(11)) == [(11,)]
    with pytest.raises(ServerError, match="t still has rows after 10 rounds"):
        rows(session, numbers.format(12))
    rounds = numbers.replace("SELECT 1 UNION", "SELECT k FROM c WHERE k = 1 UNION")
    assert rows(session, rounds.format(11)) == [(11,)]
    with pytest.raises(ServerError, match="t still has rows after 10 rounds"):
        rows(session, rounds.format(12))


def test_a_limit_ends_rounds(session: Session) -> None:
    endless = "WITH RECURSIVE t AS (SELECT k FROM c WHERE k = 1 UNION ALL SELECT k + 1 FROM t) SELECT k FROM t LIMIT 5"
    assert rows(session, endless) == [(1,), (2,), (3,), (4,), (5,)]


def test_unexpected_values_in_rounds(session: Session, database: Database[dict[str, Any]]) -> None:
    database.d.insert_many([
        {"k": 1, "up": None}, {"k": [2, 1], "up": 1}, {"k": 3, "up": [1, 2]}, {"k": "x", "up": 1}, {"up": "x"},
        {"k": 4.0, "up": 1.0}, {"k": {"a": 1}, "up": 4}, {"k": 9, "up": {"a": 1}}])
    found = rows(session, "WITH RECURSIVE t AS (SELECT k FROM d WHERE k = 1 UNION"
                          " SELECT d.k FROM d JOIN t ON d.up = t.k) SELECT k FROM t")
    assert sorted(map(repr, found)) == sorted(map(repr, [(1,), ([2, 1],), ("x",), (None,), (4.0,), ({"a": 1},), (9,)]))


# Writing


def test_recursions_in_front_of_statements_that_write(session: Session, database: Database[dict[str, Any]]) -> None:
    down = ("WITH RECURSIVE t AS MATERIALIZED (SELECT k FROM c WHERE k = 0 UNION"
            " SELECT c.k FROM c JOIN t ON c.up = t.k) ")
    below = {row[0] for row in session.execute(down + "SELECT k FROM t").rows}
    summary = session.execute(down + "INSERT INTO d SELECT k AS _id, 1 AS n FROM t").summary
    assert summary is not None and summary.inserted == len(below)
    session.execute(down + "UPSERT INTO d SELECT k AS _id, 2 AS n FROM t")
    assert {d["_id"] for d in database.d.find({"n": 2})} == below
    session.execute(down + "UPDATE c SET seen = TRUE FROM t WHERE t.k = c.k")
    assert {d["k"] for d in database.c.find({"seen": True})} == below
    session.execute(down + "MERGE INTO d USING t ON t.k = d._id WHEN MATCHED THEN UPDATE SET n = 3")
    assert database.d.count_documents({"n": 3}) == len(below)
    dry = session.execute("DRY RUN " + down + "DELETE FROM c WHERE k IN (SELECT k FROM t)")
    assert next(iter(dry.rows))[0] == len(below)
    session.execute(down + "DELETE FROM c WHERE k IN (SELECT k FROM t)")
    assert database.c.count_documents({}) == 60 - len(below)
    assert kept(database) == []


# Rows that are kept


def test_rows_are_worked_out_once(session: Session, database: Database[dict[str, Any]]) -> None:
    text = session.explain(TWICE)
    assert "first the rows {t} of c (used 2 times):" in text and "with an index on up" in text
    inline = TWICE.replace("AS (", "AS NOT MATERIALIZED (")
    assert rows(session, TWICE) == rows(session, inline)
    assert kept(database) == []


def test_random_rows_are_the_same_wherever_they_are_used(session: Session) -> None:
    sql = "WITH t AS (SELECT k, RANDOM() AS r FROM c) SELECT COUNT(*) FROM t x JOIN t y ON x.k = y.k AND x.r = y.r"
    assert rows(session, sql) == [(60,)]


def test_explain_analyze_runs_the_steps(session: Session, database: Database[dict[str, Any]]) -> None:
    lines = [row[0] for row in session.execute("EXPLAIN ANALYZE " + TWICE).rows]
    assert any("read sqlbulk.staged." in line for line in lines[lines.index("server:"):])
    assert kept(database) == []


def test_kept_rows_are_not_listed(session: Session, database: Database[dict[str, Any]]) -> None:
    result = session.execute(TWICE)
    assert kept(database) != []
    assert result.target is None
    assert [row[0] for row in session.execute("SHOW TABLES").rows] == ["c"]
    with pytest.raises(SqlError, match="there is no collection"):
        session.execute(f'SELECT * FROM "{kept(database)[0]}"')
    assert len(list(result.rows)) > 1
    assert kept(database) == []


def test_kept_rows_go_when_reading_ends_early(session: Session, database: Database[dict[str, Any]]) -> None:
    for _ in session.execute(TWICE).rows:
        break
    gc.collect()
    session.execute("SELECT 1")
    assert kept(database) == []
    result: Any = session.execute(TWICE).rows
    next(result)
    result.close()
    assert kept(database) == []


def test_kept_rows_go_with_the_session(server_uri: str, session: Session, database: Database[dict[str, Any]]) -> None:
    with connect(server_uri, database=database.name) as other:
        unread = other.execute(TWICE)
        assert kept(database) != []
    assert kept(database) == []
    assert unread.columns == ("up", "n")


def test_kept_rows_go_when_the_query_fails(session: Session, database: Database[dict[str, Any]]) -> None:
    sql = GROUPED + "SELECT k, (SELECT n FROM t WHERE n > 0) AS n FROM c WHERE k IN (SELECT up FROM t)"
    with pytest.raises(ServerError, match="more than one row"):
        rows(session, sql)
    assert kept(database) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_kept_rows_go_when_a_step_is_interrupted(
    session: Session, database: Database[dict[str, Any]], error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymongo.collection import Collection

    kills: list[str] = []
    real = Collection.aggregate

    def interrupted(self: Any, pipeline: Any, **settings: Any) -> Any:
        cursor = real(self, pipeline, **settings)
        if any("$out" in stage or "$merge" in stage for stage in pipeline):
            raise error
        return cursor

    monkeypatch.setattr(Collection, "aggregate", interrupted)
    monkeypatch.setattr(Shelf, "_kill", lambda *_: kills.append("killed"))
    with pytest.raises(error):
        session.execute(TWICE)
    with pytest.raises(error):
        session.execute(DOWN.format("MATERIALIZED"))
    assert len(kills) == 2
    assert kept(database) == []


def test_an_interrupted_command_is_ended_on_the_server(session: Session) -> None:
    shelf = Shelf(session.connection(), None)
    with session.connection().client.start_session() as running:
        running.session_id  # noqa: B018
        shelf._kill(running)
    shelf.close()


def test_what_killed_statements_left_is_removed(session: Session, database: Database[dict[str, Any]]) -> None:
    old, new = f"{STAGED}{int(time.time()) - 90_000}.aa.0", f"{STAGED}{int(time.time()) - 100}.bb.0"
    database[old].insert_one({})
    database[new].insert_one({})
    rows(session, TWICE)
    assert kept(database) == [new]


# Where nothing can be written


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps fail as they do for a user who may only read."""
    def refused(*_: Any) -> None:
        raise OperationFailure("not authorized on db to execute command", 13)

    monkeypatch.setattr(Shelf, "_run", refused)


@pytest.mark.usefixtures("read_only")
def test_who_may_only_read_has_rows_worked_out_twice(session: Session) -> None:
    assert len(rows(session, TWICE)) > 1
    assert len(rows(session, DOWN.format(""))) == 60
    lines = [row[0] for row in session.execute("EXPLAIN ANALYZE " + TWICE).rows]
    assert any("read c" in line for line in lines[lines.index("server:"):])


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("sql", [
    DOWN.replace("0 AS d", "'' AS d").replace("t.d + 1", "t.d || '.'").format(""),
    "WITH t AS (SELECT k, RANDOM() AS r FROM c) SELECT x.k FROM t x JOIN t y ON x.r = y.r",
], ids=["rounds", "random"])
def test_who_may_only_read_is_told_what_is_missing(session: Session, sql: str) -> None:
    with pytest.raises(ConnectionFailed, match="rows of t have to be kept while the query runs") as caught:
        session.execute(sql)
    assert caught.value.code == "E5003"


def test_a_step_that_the_server_refuses(session: Session, database: Database[dict[str, Any]]) -> None:
    session.execute("CREATE VIEW v AS SELECT k, up FROM c")
    database.command("collMod", "v", viewOn="c", pipeline=[{"$project": {"k": {"$toInt": "x"}}}])
    with pytest.raises(ServerError):
        session.execute("WITH t AS (SELECT k, COUNT(*) AS n FROM v GROUP BY k) SELECT x.n FROM t x JOIN t y ON x.k = y.k")
    assert kept(database) == []


def test_views_and_time_series_are_read_by_steps(session: Session, database: Database[dict[str, Any]]) -> None:
    session.execute("CREATE VIEW v AS SELECT k, up FROM c WHERE k < 30")
    found = rows(session, DOWN.format("").replace("FROM c", "FROM v").replace("c.", "v."))
    assert len(found) == 30
    database.create_collection("m", timeseries={"timeField": "at", "metaField": "of"})
    session.execute("INSERT INTO m (at, of, x) SELECT CURRENT_TIMESTAMP, k % 3, k FROM c")
    sql = "WITH t AS (SELECT of, SUM(x) AS s FROM m GROUP BY of) SELECT COUNT(*) FROM t x JOIN t y ON x.s >= y.s"
    assert rows(session, sql) == [(6,)]
    assert kept(database) == []
