"""INSERT … VALUES with subqueries among the values: what they see, and what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

import sqlbulk
from sqlbulk.errors import SqlError
from sqlbulk.syntax import inlined


def stored(database: Database[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What is in the collection t, without _id."""
    return sorted((d.get("a"), d.get("b"), d.get("c")) for d in database.t.find())


@pytest.mark.server
def test_values_with_subqueries(server_uri: str, database: Database[dict[str, Any]]) -> None:
    with sqlbulk.connect(server_uri, database=database.name) as session:
        session.execute("INSERT INTO t (a, b, c) VALUES (1, 'x', NULL), (2, 'y', 0.5)")
        result = session.execute(
            "INSERT INTO t (a, b, c) VALUES ((SELECT MAX(a) + 1 FROM t), 'it''s (SELECT', 1),"
            " ((SELECT COUNT(*) FROM t) + 10, ?, (SELECT c FROM t WHERE a = 99))", ["$z"])
        assert (result.summary.inserted if result.summary else None) == 2
        assert stored(database) == [(1, "x", None), (2, "y", 0.5), (3, "it's (SELECT", 1), (12, "$z", None)]
        session.execute("INSERT INTO t (a, b) VALUES (2, (SELECT b FROM t WHERE a = 1))"
                        " ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b, c = VALUES(a)")
        assert (2, "x", 2) in stored(database)
        with pytest.raises(SqlError, match="there is no collection nowhere"):
            session.execute("INSERT INTO t (a) VALUES ((SELECT 1 FROM nowhere))")


def test_a_query_in_a_long_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlined, "LONGEST", 4)
    plan = sqlbulk.translate("INSERT INTO t (a) VALUES ((SELECT 1))")
    with pytest.raises(SqlError, match="a subquery can't stand here"):
        list(plan.steps[0].rows.open())  # type: ignore[union-attr]
