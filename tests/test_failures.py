"""What goes wrong outside, end to end through the command: one line, the right exit code, honest counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo import MongoClient
from test_execute_connection import free_port

from sqlbulk import embedded
from sqlbulk.embedded import find_mongod

pytestmark = pytest.mark.server


class Outcome(NamedTuple):
    """How a command ended: exit code, error output, and the summaries that it wrote."""

    code: int
    err: str
    summaries: list[dict[str, Any]]


class Running:
    """The command in a process of its own, writing summaries as JSON lines."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        names = ("SQLBULK_URI", "MONGODB_URI", "SQLBULK_DATABASE")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sqlbulk", "run", "--format", "jsonl", *arguments], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**inherited, **(environment or {})})

    def end(self, text: str | None = None) -> Outcome:
        try:
            out, err = self.process.communicate(text, timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return Outcome(self.process.returncode, err, [json.loads(line) for line in out.splitlines()])


def run(*arguments: str, environment: dict[str, str] | None = None) -> Outcome:
    return Running(*arguments, environment=environment).end()


def errors_of(outcome: Outcome) -> list[str]:
    """The lines that name an error; below one there may be the place in the text, and a hint."""
    assert "Traceback" not in outcome.err
    return [line for line in outcome.err.splitlines() if line.startswith("ERROR ")]


@contextmanager
def mongod(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that is no replica set, and its host:port."""
    data.mkdir(exist_ok=True)
    port = free_port()
    process = subprocess.Popen(
        [str(find_mongod()), "--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with MongoClient[Any](
                "127.0.0.1", port, serverSelectionTimeoutMS=20_000, directConnection=True) as client:
            client.admin.command("ping")
        yield process, f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongod(tmp_path_factory.mktemp("standalone")) as (_, address):
        yield f"mongodb://{address}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for passwords, with users `root`, `reader` (may read) and `writer` (may insert and find)."""
    with mongod(tmp_path_factory.mktemp("guarded"), "--auth") as (_, address):
        with MongoClient[Any](address) as client:
            client.admin.command("createUser", "root", pwd="secret", roles=["root"])
        with MongoClient[Any](address, username="root", password="secret") as client:
            client.test.t.insert_one({"k": 1})
            client.test.command("createUser", "reader", pwd="r", roles=["read"])
            allowed = [{"resource": {"db": "test", "collection": "t"}, "actions": ["find", "insert", "update", "listIndexes"]}]
            client.test.command("createRole", "writing", privileges=allowed, roles=[])
            client.test.command("createUser", "writer", pwd="w", roles=["writing"])
        yield address


# Not a replica set


def test_without_transactions_most_things_work(standalone: str) -> None:
    done = run("--uri", standalone, "-c", "INSERT INTO s (k, n) VALUES (1, 1), (2, 1);"
               " INSERT INTO s (k, n) VALUES (1, 5), (3, 1) ON CONFLICT (k) DO UPDATE SET n = n + EXCLUDED.n;"
               " UPDATE s SET n = n + 1 WHERE k > 0; DELETE FROM s WHERE k = 3")
    assert (done.code, errors_of(done)) == (0, [])
    with MongoClient[Any](standalone) as client:
        assert sorted((d["k"], d["n"]) for d in client.test.s.find()) == [(1, 7), (2, 2)]


def test_what_needs_transactions_says_so(standalone: str) -> None:
    with MongoClient[Any](standalone) as client:
        client.test.r.insert_one({"k": 1})
        done = run("--uri", standalone, "-c", "DELETE FROM r WHERE k = 1 RETURNING k")
        assert done.code == 1
        assert "E5009" in done.err and "replica set" in done.err
        assert client.test.r.count_documents({}) == 1


# Passwords and rights


@pytest.mark.parametrize("user", ["root:wrong", "nobody:secret"])
def test_a_wrong_password(guarded: str, user: str) -> None:
    done = run("--uri", f"mongodb://{user}@{guarded}", "-c", "INSERT INTO t (k) VALUES (1)")
    assert done.code == 2
    assert len(errors_of(done)) == 1 and "E5002" in done.err
    assert user.split(":")[1] not in done.err
    assert done.summaries == []


def test_no_password_at_all(guarded: str) -> None:
    done = run("--uri", f"mongodb://{guarded}", "-c", "INSERT INTO t (k) VALUES (1)")
    assert done.code == 2
    assert "E5003" in done.err and len(errors_of(done)) == 1


def test_a_reader_may_read_and_no_more(guarded: str) -> None:
    uri = f"mongodb://reader:r@{guarded}/test"
    done = run("--uri", uri, "-c", "SELECT k FROM t")
    assert (done.code, done.summaries) == (0, [{"k": 1}])
    done = run("--uri", uri, "-c", "INSERT INTO t (k) VALUES (1), (2)")
    assert done.code == 2
    assert "E5003" in done.err and len(errors_of(done)) == 1
    (summary,) = done.summaries
    assert (summary["inserted"], summary["skipped"]) == (0, 2)
    done = run("--uri", uri, "-c", "UPDATE t SET k = 2 WHERE k = 1")
    assert done.code == 2
    assert "E5003: not allowed: the user has no right to update on test.t" in done.err
    assert "in_doubt" not in done.summaries[0] or not done.summaries[0]["in_doubt"]
    for statement in ("DELETE FROM t WHERE k = 1", "DROP TABLE t", "CREATE INDEX i ON t (k)"):
        done = run("--uri", uri, "-c", statement)
        assert done.code == 2
        assert "E5003" in done.err, statement


def test_who_may_not_make_an_index_is_told_the_way(guarded: str) -> None:
    uri, clause = f"mongodb://writer:w@{guarded}/test", "ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n"
    done = run("--uri", uri, "-c", f"INSERT INTO t (k, n) VALUES (1, 2) {clause}")
    assert done.code == 2
    assert "E5003" in done.err and "ensure_key_index = false" in done.err


# No server, and one that goes away


def test_nobody_there() -> None:
    for uri in (f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200", "mongodb+srv://nowhere.invalid"):
        done = run("--uri", uri, "-c", "INSERT INTO t (k) VALUES (1)")
        assert done.code == 2
        assert len(errors_of(done)) == 1, done.err


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", "mongodb+srv://a.b:27017", "mongodb://h/?w=x&wtimeoutMS=y"])
def test_strings_that_are_no_uri(uri: str) -> None:
    done = run("--uri", uri, "-c", "INSERT INTO t (k) VALUES (1)")
    assert done.code in (1, 2)
    assert len(errors_of(done)) == 1, done.err


@pytest.mark.parametrize("clause", ["", " ON CONFLICT (k) DO UPDATE SET n = t.n + 1"])
def test_a_server_killed_in_the_middle(tmp_path: Path, clause: str) -> None:
    rows = tmp_path / "rows.fifo"
    os.mkfifo(rows)
    # a replica set's answer means that the journal has it
    with embedded.start(tmp_path / "data") as server:
        with MongoClient[Any](server.uri) as client:
            pid = client.admin.command("serverStatus")["pid"]
        running = Running("--uri", f"{server.uri}&serverSelectionTimeoutMS=500", "-c",
                          f"INSERT INTO t FROM '{rows}' FORMAT ndjson{clause} WITH (batch_size = 500)")
        with suppress(BrokenPipeError), rows.open("w", encoding="utf-8", buffering=1) as pipe:
            for k in range(200_000):
                pipe.write(f'{{"k": {k}, "n": 1}}\n')
                if k == 20_000:
                    os.kill(pid, signal.SIGKILL)
        done = running.end()
        assert done.code == 2
        assert "E5004" in done.err and len(errors_of(done)) == 1, done.err
        (summary,) = done.summaries
        with embedded.start(tmp_path / "data") as again, MongoClient[Any](again.uri) as client:
            found = [d["k"] for d in client.test.t.find({}, {"k": 1})]
    assert len(found) == len(set(found))
    assert 0 < summary["inserted"] <= len(found) <= summary["inserted"] + summary.get("in_doubt", 0)


def test_a_server_that_stands_still_until_time_is_up(tmp_path: Path) -> None:
    with mongod(tmp_path / "data") as (process, address):
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        threading.Timer(20, process.send_signal, [signal.SIGCONT]).start()
        done = run("--uri", f"mongodb://{address}/?serverSelectionTimeoutMS=1000", "-c",
                   "INSERT INTO t (k) VALUES (1) WITH (max_execution_time = '1 s')")
        assert done.code in (2, 4)
        assert time.monotonic() - began < 19
        assert len(errors_of(done)) == 1


# A full disk


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    place = tmp_path / "tiny"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(not Path("/bin/mount").exists(), reason="no mount here")
def test_no_room_to_sort(tiny: Path, server_uri: str, database: Any, tmp_path: Path) -> None:
    rows = tmp_path / "rows.ndjson"
    rows.write_text("".join(f'{{"k": {-k}, "t": "{"x" * 200}"}}\n' for k in range(30_000)), encoding="utf-8")
    done = run("--uri", server_uri, "--database", database.name, "-c",
               f"INSERT INTO t FROM '{rows}' WITH (sort_by = 'k', memory_limit = '2MB')",
               environment={"TMPDIR": str(tiny)})
    assert done.code == 1
    assert len(errors_of(done)) == 1 and "E6006" in done.err and "sort_by" in done.err, done.err
    assert database.t.count_documents({}) == 0


@pytest.mark.skipif(not Path("/bin/mount").exists(), reason="no mount here")
def test_no_room_to_wait_for_the_end_of_a_value_list(tiny: Path, server_uri: str, database: Any) -> None:
    script = "INSERT INTO t (a) VALUES " + ",\n".join(f"('{'x' * 200}{n}')" for n in range(300_000)) + ";"
    running = Running("-", "--uri", server_uri, "--database", database.name, environment={"TMPDIR": str(tiny)})
    done = running.end(script)
    assert done.code == 1
    assert len(errors_of(done)) == 1 and "E6006" in done.err, done.err
