"""Queries that ask the server more than once: keys read first, EXPLAIN ANALYZE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bson.regex import Regex
from pymongo.database import Database

from sqlbulk.execute import query_keys
from sqlbulk.execute.analyze import figures
from sqlbulk.session import Session, connect

EXISTS = "SELECT id FROM a WHERE {} EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND b.on_ = '{{keys 1}}')"


@pytest.fixture
def session(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Session]:
    """A session over two small collections."""
    database.a.insert_many([{"id": 1, "k": 1}, {"id": 2, "k": 2}, {"id": 3, "k": None}, {"id": 4}, {"id": 5, "k": [2]}])
    database.b.insert_many([{"k": 2, "on_": "{keys 1}"}, {"k": 1, "on_": "other"}, {"k": None, "on_": "{keys 1}"}])
    with connect(server_uri, database=database.name) as made:
        yield made


def _ids(session: Session, sql: str) -> list[int]:
    return sorted(row[0] for row in session.execute(sql).rows)


@pytest.mark.server
@pytest.mark.parametrize("few", [50_000, 0], ids=["few", "many"])
def test_keys_and_the_join_give_the_same_rows(session: Session, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_keys, "_FEW", few)
    assert _ids(session, EXISTS.format("")) == [2]
    assert _ids(session, EXISTS.format("NOT")) == [1, 3, 4, 5]


@pytest.mark.server
@pytest.mark.parametrize("odd", [[2], Regex("2")], ids=["array", "regex"])
def test_keys_that_a_filter_takes_for_something_else_are_joined(
    session: Session, database: Database[dict[str, Any]], odd: Any
) -> None:
    database.b.insert_one({"k": odd, "on_": "{keys 1}"})
    assert _ids(session, EXISTS.format("")) == ([2, 5] if isinstance(odd, list) else [2])


@pytest.mark.server
def test_keys_that_fill_a_command_are_joined(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_keys, "_SMALL", 8)
    assert _ids(session, EXISTS.format("")) == [2]


@pytest.mark.server
def test_explain_analyze(session: Session, database: Database[dict[str, Any]]) -> None:
    database.b.create_index("k", name="by_k")
    lines = [row[0] for row in session.execute("EXPLAIN ANALYZE SELECT a.id, b.on_ FROM a JOIN b ON b.k = a.k").rows]
    server = lines[lines.index("server:"):]
    assert server[1].startswith("  read a (eq lookup with b, IndexedLoopJoin < ") and "index by_k" in server[1]
    lines = [row[0] for row in session.execute("EXPLAIN ANALYZE SELECT * FROM a JOIN b ON b.k = a.k").rows]
    server = lines[lines.index("server:"):]
    assert lines[0] == "SELECT from a"
    assert server[1].startswith("  read a (") and "5 documents examined" in server[1]
    assert any("$lookup b: " in line and "index by_k" in line for line in server)
    lines = [row[0] for row in session.execute(f"EXPLAIN ANALYZE {EXISTS.format('')}").rows]
    assert "  the keys are few: they stand in the filter" in lines
    assert any(line.startswith("  read a ") and "1 rows" in line for line in lines)


@pytest.mark.server
def test_joins_that_the_server_hashes(session: Session, database: Database[dict[str, Any]]) -> None:
    """Only what is small as a whole: all partners of a row are one document for a moment."""
    assert _joined_by(session) == "HashJoin"
    rows = list(session.execute("SELECT a.id, b.on_ FROM a JOIN b ON b.k = a.k ORDER BY a.id, b.on_").rows)
    database.b.insert_many([{"k": 77, "pad": "x" * 1_000_000} for _ in range(5)])
    assert _joined_by(session) is None
    assert list(session.execute("SELECT a.id, b.on_ FROM a JOIN b ON b.k = a.k ORDER BY a.id, b.on_").rows) == rows
    database.a.insert_one({"id": 77, "k": 77})
    database.b.insert_many([{"k": 77, "pad": "x" * 1_000_000} for _ in range(15)])
    assert len(list(session.execute("SELECT b.pad FROM a JOIN b ON b.k = a.k WHERE a.id = 77").rows)) == 20


@pytest.mark.server
def test_every_join_with_a_small_collection_is_hashed(session: Session, database: Database[dict[str, Any]]) -> None:
    database.c.insert_many([{"k": 2, "n": 1}, {"k": 2, "n": 2}, {"k": [2], "n": 3}, {"n": 4}])
    query = "SELECT a.id, b.on_, c.n FROM a JOIN b ON b.k = a.k LEFT JOIN c ON c.k = a.k AND c.n > 1 ORDER BY a.id, c.n"
    lines = [row[0] for row in session.execute(f"EXPLAIN ANALYZE {query}").rows]
    assert "\n".join(lines).count("HashJoin") == 2
    hashed = list(session.execute(query).rows)
    database.c.create_index("k")
    assert list(session.execute(query).rows) == hashed


@pytest.mark.server
def test_a_join_for_want_of_an_index_takes_no_turn_a_row(
    session: Session, database: Database[dict[str, Any]]
) -> None:
    """Each of 20,000 rows looking through 20,000 others would take minutes."""
    for name in ("left", "right"):
        database[name].insert_many([{"k": n, "half": n // 2} for n in range(20_000)])
    joined = "SELECT COUNT(*) FROM left AS l {} JOIN right AS r ON r.half = l.k WITH (max_execution_time = '60 s')"
    assert [list(session.execute(joined.format(kind)).rows) for kind in ("", "LEFT")] == [[(20_000,)], [(30_000,)]]


def _joined_by(session: Session) -> str | None:
    lines = [row[0] for row in session.execute("EXPLAIN ANALYZE SELECT a.id, b.on_ FROM a JOIN b ON b.k = a.k").rows]
    found = re.search(r"eq lookup with b, (\w+)", "\n".join(lines))
    return found and found[1]


def test_figures_of_shards_and_inner_pipelines() -> None:
    read = {"queryPlanner": {"namespace": "d.c", "winningPlan": {"inputStages": [{"stage": "IXSCAN", "indexName": "i"}]}},
            "executionStats": {"nReturned": 1200, "totalKeysExamined": 3, "executionTimeMillis": 4}}
    inner = {"$unionWith": {"coll": "u", "pipeline": [{"$cursor": read}]}, "nReturned": 2, "collectionScans": 1,
             "usedDisk": True, "executionTimeMillisEstimate": 7}
    shards = {"one": read, "two": {"stages": [{"$cursor": {}}, inner, {"$limit": 5}]}, "three": {}}
    assert list(figures({"shards": shards})) == [
        "shard one:", "  read c (ixscan): 1,200 rows, index i, 3 keys examined, 4 ms",
        "shard two:", "  read  (): ", "  $unionWith u: 2 rows, 1 collection scans, on disk, 7 ms since the start",
        "    read c (ixscan): 1,200 rows, index i, 3 keys examined, 4 ms", "  $limit: ", "shard three:"]
