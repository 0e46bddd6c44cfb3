"""Connecting, and losing the connection: wrong address, wrong password, few rights, a server that is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from sqlbulk import embedded
from sqlbulk.commands import CallerRows, Conflict, Insert, Shape
from sqlbulk.errors import ConnectionFailed, ConnectionLost, Interrupted, ServerError, UsageError
from sqlbulk.execute import execute
from sqlbulk.execute.catalog import read_catalog
from sqlbulk.execute.connection import open_connection
from sqlbulk.execute.runner import settled
from sqlbulk.options import WriteOptions


def failure(uri: str, **more: Any) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        open_connection(uri, database="test", **more)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("uri", [
    "http://localhost", "mongodb://", "mongodb://a:b:c@h", "mongodb://h/?serverSelectionTimeoutMS=x&w=&=",
    "mongodb://h:99999", "",
])
def test_strings_that_are_no_uri(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_connection(uri, database="test", timeout=0.05)
    assert (caught.value.code, caught.value.exit_code) == ("E5010", 1)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_uri_with_a_file_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"E5010: .* a file that can't be read: /nowhere/ca\.pem \(No such file"):
        open_connection("mongodb://h/?tls=true&tlsCAFile=/nowhere/ca.pem", database="test")


def test_nobody_answers() -> None:
    port = free_port()
    began = time.monotonic()
    error = failure(f"mongodb://127.0.0.1:{port}", timeout=0.3)
    assert error.code == "E5001"
    assert f"127.0.0.1:{port}" in error.message
    assert "Topology" not in error.message
    assert time.monotonic() - began < 15
    assert failure(f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=100", timeout=60).code == "E5001"


def test_a_library_for_srv_addresses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from pymongo.errors import ConfigurationError

    from sqlbulk.execute import connection

    for message, code in (('The "dnspython" module must be installed', "E6005"), ("no such name", "E5001")):
        def refuse(*_: Any, message: str = message, **__: Any) -> None:
            raise ConfigurationError(message)

        monkeypatch.setattr(connection, "MongoClient", refuse)
        with pytest.raises(ConnectionFailed) as caught:
            open_connection("mongodb+srv://nowhere.invalid", database="test")
        assert caught.value.code == code


@pytest.mark.server
def test_a_login_that_does_not_exist(server_uri: str) -> None:
    uri = server_uri.replace("mongodb://", "mongodb://nobody:wrong@", 1)
    error = failure(uri)
    assert error.code == "E5002"


@pytest.mark.server
def test_what_the_server_says_of_itself(server_uri: str) -> None:
    with open_connection(server_uri, database="test") as connection:
        assert connection.server.version >= (4, 4)
        assert connection.server.transactions
        with pytest.raises(ServerError, match="E5005"):
            connection.collection("x", "bad name")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The host:port of a server that asks for passwords, with a user `reader` who may only read `test`."""
    binary = embedded.find_mongod()
    port = free_port()
    process = subprocess.Popen(
        [str(binary), "--auth", "--dbpath", str(tmp_path), "--port", str(port), "--bind_ip", "127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client: MongoClient[Any] = MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=20_000)
        client.admin.command("createUser", "root", pwd="secret", roles=["root"])
        client.close()
        client = MongoClient("127.0.0.1", port, username="root", password="secret")
        client.test.command("createUser", "reader", pwd="read", roles=["read"])
        client.test.command("createUser", "alien", pwd="read", roles=[{"role": "read", "db": "other"}])
        client.close()
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def insert(connection: Any, rows: Any, **options: Any) -> Any:
    return execute(Insert("c", CallerRows(), Shape(None), WriteOptions(**options)), connection, rows=rows)


@pytest.mark.server
@pytest.mark.slow
def test_passwords_and_rights(guarded: str) -> None:
    assert failure(f"mongodb://root:wrong@{guarded}").code == "E5002"
    with open_connection(f"mongodb://reader:read@{guarded}/?authSource=test", database="test") as connection:
        assert not connection.server.transactions
        with pytest.raises(ConnectionFailed) as caught:
            insert(connection, [{"a": 1}, {"a": 2}])
        assert caught.value.code == "E5003"
        assert "\n" not in caught.value.message
        assert "readWrite on test" in str(caught.value)
        assert (caught.value.summary.read, caught.value.summary.skipped) == (2, 2)  # type: ignore[attr-defined]
        assert read_catalog(connection, ["c"]).complete
    with open_connection(f"mongodb://alien:read@{guarded}/?authSource=test", database="test") as connection:
        catalog = read_catalog(connection, ["c"])
        assert not catalog.collections


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize(
    "conflict", [None, Conflict("update", (("k",),), {"$mergeObjects": ["$$ROOT", "$$new"]}, ensure_index=True)])
def test_a_server_killed_in_the_middle(conflict: Conflict | None) -> None:
    with embedded.start(throw_away=True) as server:
        uri = f"{server.uri}&serverSelectionTimeoutMS=400"
        with open_connection(uri, database="test") as connection:
            pid = connection.client.admin.command("serverStatus")["pid"]

            def rows() -> Iterator[dict[str, int]]:
                for i in range(60_000):
                    if i == 30_000:
                        os.kill(pid, signal.SIGKILL)
                    yield {"k": i}

            command = Insert("c", CallerRows(), Shape(None), WriteOptions(batch_size=1000), conflict)
            with pytest.raises(ConnectionLost) as caught:
                execute(command, connection, rows=rows())
        summary: Any = caught.value.summary
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)
        assert summary.read == settled(summary)
        assert 0 < summary.inserted < 60_000
        assert summary.in_doubt < 5_000
        # the journal keeps what was acknowledged; the next user of the directory starts it again
        with embedded.start(server.data_dir) as again:
            client: MongoClient[Any] = MongoClient(again.uri)
            found = sorted(d["k"] for d in client.test.c.find({}, {"k": 1}))
            client.close()
        assert len(found) == len(set(found))
        assert summary.inserted <= len(found) <= summary.inserted + summary.in_doubt


@pytest.mark.server
def test_out_of_time(server_uri: str) -> None:
    def rows() -> Iterator[dict[str, int]]:
        for i in range(10_000_000):
            yield {"i": i}

    with open_connection(server_uri, database="sqlbulk_time") as connection:
        try:
            began = time.monotonic()
            with pytest.raises(ServerError) as caught:
                insert(connection, rows(), max_execution_time=0.5)
            assert time.monotonic() - began < 15
            assert caught.value.code == "E5006"
            summary: Any = caught.value.summary
            assert summary.read == settled(summary)
            assert connection.client.sqlbulk_time.c.count_documents({}) == summary.inserted
        finally:
            connection.client.drop_database("sqlbulk_time")


@pytest.mark.server
def test_stopped_from_outside(server_uri: str) -> None:
    stop = threading.Event()

    def rows() -> Iterator[dict[str, int]]:
        for i in range(10_000_000):
            if i == 20_500:
                stop.set()
            yield {"i": i}

    with open_connection(server_uri, database="sqlbulk_stop") as connection:
        try:
            command = Insert("c", CallerRows(), Shape(None), WriteOptions(batch_size=1000))
            with pytest.raises(Interrupted) as caught:
                execute(command, connection, rows=rows(), stop=stop)
            summary: Any = caught.value.summary
            assert connection.client.sqlbulk_stop.c.count_documents({}) == summary.inserted > 0
            assert summary.read == summary.inserted + summary.skipped <= 22_000
        finally:
            connection.client.drop_database("sqlbulk_stop")
