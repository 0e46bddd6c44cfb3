"""The options of a SELECT: their values, what reaches the server, and what a collation holds for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient, monitoring

import sqlbulk
from sqlbulk.errors import ServerError
from sqlbulk.options import OptionProblem, parse_option

ROWS = (
    "INSERT INTO w (id, s, n) VALUES (1, 'a', 1), (2, 'A', 2), (3, 'b', 3), (4, 'B', 4), (5, 'ä', 5), (6, 'z', 6), (7, NULL, 7);"
    "INSERT INTO v (id, s) VALUES (1, 'A'), (2, 'Z'), (3, 'q'); CREATE INDEX by_s ON w (s);"
)
COLLATED = [
    ("SELECT id FROM w WHERE s = 'A'", [1, 2]),
    ("SELECT id FROM w WHERE s <> 'A'", [3, 4, 5, 6]),
    ("SELECT id FROM w WHERE s IN ('A', 'Z')", [1, 2, 6]),
    ("SELECT id FROM w WHERE s NOT IN ('A', 'Z')", [3, 4, 5]),
    ("SELECT id FROM w WHERE UPPER(s) || '' = 'a'", [1, 2]),
    ("SELECT id FROM w WHERE s BETWEEN 'a' AND 'B'", [1, 2, 3, 4, 5]),
    ("SELECT id FROM w ORDER BY s, id", [1, 2, 5, 3, 4, 6, 7]),
    ("SELECT id FROM w ORDER BY s DESC, id", [7, 6, 3, 4, 5, 1, 2]),
    ("SELECT COUNT(*) FROM w GROUP BY s", [1, 1, 1, 2, 2]),
    ("SELECT COUNT(DISTINCT s) FROM w", [4]),
    ("SELECT COUNT(*) FROM (SELECT DISTINCT s FROM w) x", [5]),
    ("SELECT w.id FROM w JOIN v ON v.s = w.s", [1, 2, 6]),
    ("SELECT v.id FROM w LEFT JOIN v ON v.s = w.s WHERE v.id IS NOT NULL", [1, 1, 2]),
    ("SELECT w.id FROM w WHERE EXISTS (SELECT 1 FROM v WHERE v.s = w.s)", [1, 2, 6]),
    ("SELECT w.id FROM w WHERE NOT EXISTS (SELECT 1 FROM v WHERE v.s = w.s)", [3, 4, 5, 7]),
    ("SELECT w.id FROM w WHERE w.s IN (SELECT s FROM v)", [1, 2, 6]),
    ("SELECT w.id FROM w WHERE w.s NOT IN (SELECT s FROM v)", [3, 4, 5]),
    ("SELECT (SELECT COUNT(*) FROM w WHERE w.s = v.s) AS n FROM v", [0, 1, 2]),
    ("SELECT (SELECT MAX(w.id) FROM w WHERE w.s = v.s) AS n FROM v WHERE v.id < 3", [2, 6]),
    ("SELECT ROW_NUMBER() OVER (PARTITION BY s ORDER BY id) AS r FROM w", [1, 1, 1, 1, 1, 2, 2]),
    ("SELECT DENSE_RANK() OVER (ORDER BY s) AS r FROM w WHERE s IS NOT NULL", [1, 1, 2, 3, 3, 4]),
    ("SELECT COUNT(*) FROM (SELECT s FROM w UNION SELECT s FROM v) x", [6]),
    ("SELECT COUNT(*) FROM (SELECT s FROM w INTERSECT SELECT s FROM v) x", [2]),
    ("SELECT COUNT(*) FROM (SELECT s FROM w EXCEPT SELECT s FROM v) x", [3]),
    ("SELECT SUM(CASE s WHEN 'A' THEN 1 ELSE 0 END) FROM w", [2]),
    ("SELECT COUNT(NULLIF(s, 'A')) FROM w", [4]),
    ("SELECT DISTINCT ON (s) id FROM w ORDER BY s, id", [1, 5, 3, 6, 7]),
    ("SELECT id FROM w WHERE s > ALL (SELECT s FROM v WHERE id = 1)", [3, 4, 5, 6]),
    ("SELECT COUNT(*) FROM w WHERE 'x' = 'X'", [7]),
    ("SELECT COUNT(*) FROM w WHERE GREATEST('a', 'B') = 'b'", [7]),
    ("SELECT id FROM w WHERE ARRAY_CONTAINS([s, 'q'], 'A')", [1, 2]),
    ("SELECT id FROM w WHERE {x: s} = {x: 'A'}", [1, 2]),
    ("SELECT SUM(n) FILTER (WHERE s = 'A') FROM w", [3]),
    ("SELECT COUNT(*) FROM (SELECT * EXCEPT (_id, id, n) FROM w UNION SELECT * EXCEPT (_id, id) FROM v) x", [6]),
    ("WITH c AS (SELECT s, COUNT(*) AS n FROM w GROUP BY s) SELECT COUNT(*) FROM c x JOIN c y ON x.s = y.s", [4]),
]
GIVEN = (
    "hint = {s: 1}, batch_size = 2, comment = 'who', max_execution_time = '5 s', read_concern = 'majority',"
    " read_preference = 'primary_preferred', allow_disk_use = false, collation = 'de'"
)


@pytest.fixture(scope="module")
def session(server_uri: str, module_database: str) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=module_database) as made:
        for result in made.run(ROWS):
            list(result.rows)
        yield made


@pytest.mark.server
@pytest.mark.parametrize(("sql", "expected"), COLLATED)
def test_a_collation_holds_everywhere(session: sqlbulk.Session, sql: str, expected: list[int]) -> None:
    found = [row[0] for row in session.execute(f"{sql} WITH (case_insensitive = true)").rows]
    assert (found if "ORDER BY s" in sql and "OVER" not in sql else sorted(found)) == expected
    assert [row[0] for row in session.execute(sql).rows] != found


@pytest.mark.server
def test_what_reaches_the_server(server_uri: str, session: sqlbulk.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            sent.append(dict(event.command))

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            """Nothing to note."""

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            """Nothing to note."""

    connection = session._link.now
    assert connection is not None
    client: Any = MongoClient(server_uri, event_listeners=[Listener()], tz_aware=True)
    monkeypatch.setattr(connection, "client", client)
    rows = list(session.execute(f"SELECT id FROM w WHERE s > 'b' ORDER BY id WITH ({GIVEN})").rows)
    client.close()
    assert rows == [(4,), (6,)]
    command = next(c for c in sent if "aggregate" in c)
    assert command["hint"] == {"s": 1}
    assert (command["cursor"], command["comment"], command["maxTimeMS"]) == ({"batchSize": 2}, "who", 5000)
    assert command["readConcern"]["level"] == "majority"
    assert (command["allowDiskUse"], command["collation"]) == (False, {"locale": "de"})


@pytest.mark.server
def test_explain_analyze_goes_by_the_options(session: sqlbulk.Session) -> None:
    lines = [r[0] for r in session.execute(f"EXPLAIN ANALYZE SELECT id FROM w WHERE n > 1 WITH ({GIVEN})").rows]
    assert "by_s" in lines[-1]


@pytest.mark.server
def test_a_query_that_takes_too_long_ends(session: sqlbulk.Session) -> None:
    crossed = ", ".join(f"w {c}" for c in "abcdefgh")
    with pytest.raises(ServerError) as caught:
        session.execute(f"SELECT COUNT(*) FROM {crossed} WHERE a.n + h.n = -1 WITH (max_execution_time = '100 ms')")
    assert caught.value.code == "E5006"


@pytest.mark.parametrize(("name", "written", "parsed"), [
    ("collation", '{"locale": "sv", "caseFirst": "upper"}', {"locale": "sv", "caseFirst": "upper"}),
    ("collation", {"locale": "fr_CA", "case_level": True}, {"locale": "fr_CA", "caseLevel": True}),
    ("hint", '{"a": 1}', {"a": 1}),
    ("hint", "by_a", "by_a"),
    ("read_preference", "SECONDARY", "secondary"),
    ("read_concern", "Majority", "majority"),
])
def test_values(name: str, written: object, parsed: object) -> None:
    assert parse_option(name, written) == (name, parsed)


@pytest.mark.parametrize(("name", "written"), [
    ("collation", "{"), ("collation", {"locale": "de", "strength": True}), ("collation", {"locale": "de", "backwards": 1}),
    ("hint", "{"), ("hint", ""), ("hint", {"a": 1.5}), ("hint", 7), ("read_preference", None),
])
def test_bad_values(name: str, written: object) -> None:
    with pytest.raises(OptionProblem):
        parse_option(name, written)
