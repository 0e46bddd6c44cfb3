"""Transactions that killed processes left open are ended; those of the living never are."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure
from test_failures import mongod

import sqlbulk
from sqlbulk.execute import orphans
from sqlbulk.execute.connection import Connection, open_connection
from sqlbulk.execute.orphans import ENDED, end_orphans

pytestmark = pytest.mark.server

BEGIN = """
import os, sys, time
import sqlbulk

with sqlbulk.connect(sys.argv[1], database=sys.argv[2]) as session:
    client = session.connection().client
    with client.start_session() as transaction:
        transaction.start_transaction()
        client[sys.argv[2]].t.delete_many({"_id": {"$lt": 5}}, session=transaction)
        print("open", flush=True)
        sys.stdin.readline()
        transaction.commit_transaction()
"""


@pytest.fixture
def connection(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Connection]:
    with open_connection(server_uri, database=database.name) as opened:
        if not opened.server.member:
            pytest.skip("needs a replica set")
        database.t.insert_many([{"_id": n} for n in range(10)])
        yield opened


@pytest.fixture
def other(server_uri: str, connection: Connection) -> Iterator[subprocess.Popen[str]]:
    """A sqlbulk process in the middle of a transaction that deletes five documents."""
    command = [sys.executable, "-c", BEGIN, server_uri, connection.database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        killed(process)
        end_orphans(connection.client)


def ended_soon(connection: Connection) -> int:
    """How many transactions are ended, once the server has noticed that their process is gone."""
    until = time.monotonic() + 20
    while not (ended := end_orphans(connection.client)) and time.monotonic() < until:
        time.sleep(0.05)
    return ended


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_what_a_killed_process_holds_is_free_for_the_next_statement(
    server_uri: str, database: Database[dict[str, Any]], other: subprocess.Popen[str]
) -> None:
    killed(other)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        began = time.monotonic()
        result = session.execute("DELETE FROM t WHERE TRUE WITH (archive_collection = 'old')")
        assert time.monotonic() - began < 20
        assert result.summary is not None
        assert (result.summary.deleted, result.summary.archived) == (10, 10)
        assert result.notices[0] == ENDED
        assert database.old.count_documents({}) == 10
        assert ENDED not in session.execute("UPDATE old SET a = 1 WHERE TRUE").notices


def test_a_statement_that_waits_already_is_freed_too(
    server_uri: str, database: Database[dict[str, Any]], other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlbulk.execute.sweep.STUCK", 0.3)
    killed(other)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        session.connection().looked = time.monotonic()
        result = session.execute("UPDATE t SET a = 1 WHERE TRUE")
        assert result.summary is not None
        assert result.summary.modified == 10
        assert ENDED in result.notices


def test_a_living_transaction_is_left_alone(connection: Connection, other: subprocess.Popen[str]) -> None:
    for _ in range(3):
        assert end_orphans(connection.client) == 0
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.wait(timeout=30) == 0
    assert connection.collection("t").count_documents({}) == 5


def test_transactions_of_other_programs_are_left_alone(server_uri: str, connection: Connection) -> None:
    program = """
import os, signal, sys
from pymongo import MongoClient
client = MongoClient(sys.argv[1], appname="sqlbulk")
transaction = client.start_session()
transaction.start_transaction()
client[sys.argv[2]].t.delete_many({"_id": {"$lt": 5}}, session=transaction)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program, server_uri, connection.database], check=False)
    assert done.returncode != 0
    assert end_orphans(connection.client) == 0
    admin = orphans._admin(connection.client)
    open_ones = admin.aggregate([{"$currentOp": {"idleSessions": True}}])
    found = [entry for entry in open_ones if entry["type"] == "idleSession" and "transaction" in entry]
    assert [entry["appName"] for entry in found] == ["sqlbulk"]
    admin.command("killSessions", [{"id": entry["lsid"]["id"]} for entry in found])


def test_a_process_that_comes_back_between_the_looks_is_left_alone(
    connection: Connection, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = orphans._looked
    monkeypatch.setattr(orphans, "_looked", lambda client: [e for e in looked(client) if e["type"] == "idleSession"])
    slept: list[float] = []

    def come_back(seconds: float) -> None:
        slept.append(seconds)
        monkeypatch.setattr(orphans, "_looked", looked)

    assert end_orphans(connection.client, sleep=come_back) == 0
    assert slept == [orphans.BETWEEN]


def test_who_may_not_see_all_looks_at_their_own(
    connection: Connection, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    operations, asked = orphans._operations, []

    def limited(client: Any, *, everybody: bool) -> list[dict[str, Any]]:
        asked.append(everybody)
        if everybody:
            raise OperationFailure("not authorized on admin to execute command", 13)
        return operations(client, everybody=False)

    monkeypatch.setattr(orphans, "_operations", limited)
    killed(other)
    assert ended_soon(connection) == 1
    assert asked[-4:] == [True, False, True, False]


def test_a_server_that_cannot_tell_is_not_in_the_way(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(client: Any, *, everybody: bool) -> list[dict[str, Any]]:
        raise OperationFailure("no such stage", 40324)

    monkeypatch.setattr(orphans, "_operations", refuse)
    assert end_orphans(connection.client) == 0
    # what another maker's server may tell
    monkeypatch.setattr(orphans, "_operations", lambda client, *, everybody: [{"mark": f"sqlbulk process {'0' * 24}"}])
    assert end_orphans(connection.client) == 0


def test_who_gives_up_idle_connections_has_no_mark(server_uri: str) -> None:
    marks = []
    for more in ("", f"{'&' if '?' in server_uri else '/?'}MaxIdleTimeMS=1000"):
        with open_connection(server_uri + more, database="test") as opened:
            driver = opened.client.options.pool_options.driver
            assert driver is not None
            marks.append(driver.platform)
    assert marks == [f"sqlbulk process {orphans._OWN}", None]


def test_a_dry_run_ends_nothing(
    server_uri: str, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def look(connection: Connection) -> int:
        looked.append(connection.database)
        return 0

    monkeypatch.setattr(Connection, "end_orphans", look)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        session.execute("DRY RUN INSERT INTO t (a) VALUES (1)")
        assert looked == []
        session.execute("INSERT INTO t (a) VALUES (1)")
    assert looked == [database.name]


def test_a_look_that_is_interrupted_leaves_nothing_to_interrupt(
    server_uri: str, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(connection: Connection) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, "end_orphans", interrupted)
    with sqlbulk.connect(server_uri, database=database.name) as session:
        with pytest.raises(KeyboardInterrupt):
            session.execute("INSERT INTO t (a) VALUES (1)")
        assert not session.interrupt()
    assert database.t.count_documents({}) == 0


# Several users


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host:port of a replica set with users `root`, `writer`, and `watcher`, who may see all and end nothing."""
    data = tmp_path_factory.mktemp("guarded")
    key = data / "key"
    key.write_text("c2VjcmV0c2VjcmV0")
    key.chmod(0o600)
    with mongod(data, "--replSet", "guarded", "--keyFile", str(key)) as (_, address):
        with MongoClient[Any](address, directConnection=True) as client:
            client.admin.command("replSetInitiate", {"_id": "guarded", "members": [{"_id": 0, "host": address}]})
            while not client.admin.command("hello")["isWritablePrimary"]:
                time.sleep(0.05)
            client.admin.command("createUser", "root", pwd="secret", roles=["root"])
        with MongoClient[Any](uri_of("root", address)) as client:
            client.admin.command("createUser", "watcher", pwd="secret", roles=["clusterMonitor"])
            client.admin.command("createUser", "writer", pwd="secret", roles=[{"role": "readWrite", "db": "test"}])
            client.test.t.insert_many([{"_id": n} for n in range(10)])
        yield address


def uri_of(user: str, address: str) -> str:
    return f"mongodb://{user}:secret@{address}/?directConnection=true&authSource=admin"


@pytest.mark.parametrize("may", ["root", "writer"])
def test_only_who_may_ends_what_another_user_left_open(guarded: str, may: str) -> None:
    command = [sys.executable, "-c", BEGIN, uri_of("writer", guarded), "test"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with open_connection(uri_of(may, guarded), database="test") as connection:
            assert end_orphans(connection.client) == 0
            killed(process)
            with open_connection(uri_of("watcher", guarded), database="test") as watcher:
                until = time.monotonic() + 20
                while not dict(orphans._orphans(watcher.client)) and time.monotonic() < until:
                    time.sleep(0.05)
                assert len(dict(orphans._orphans(watcher.client))) == 1
                assert end_orphans(watcher.client) == 0
            assert ended_soon(connection) == 1
            connection.collection("t").update_many({}, {"$inc": {"n": 1}})
