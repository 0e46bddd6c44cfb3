"""Rows of a query come in pieces that a client has room for."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient, monitoring
from pymongo.database import Database

import sqlbulk
from sqlbulk.execute import query


@pytest.mark.server
@pytest.mark.parametrize(("given", "asked"), [("", 30), (" WITH (batch_size = 45)", 45)])
def test_rows_come_in_pieces(
    server_uri: str, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, given: str, asked: int
) -> None:
    database.t.insert_many([{"a": n} for n in range(200)])
    sent: list[dict[str, Any]] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            sent.append(dict(event.command))

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            """Nothing to note."""

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            """Nothing to note."""

    monkeypatch.setattr(query, "_ROWS_AT_A_TIME", 30)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        connection = session.connection()
        client: Any = MongoClient(server_uri, event_listeners=[Listener()], tz_aware=True)
        with monkeypatch.context() as patch, client:
            patch.setattr(connection, "client", client)
            assert len(list(session.execute(f"SELECT a FROM t{given}").rows)) == 200
    assert {c["batchSize"] for c in sent if "getMore" in c} == {asked}
