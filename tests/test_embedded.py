"""The embedded server: shared, stopped by the last, surviving kills, and clear about what is in the way."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database
from pymongo.errors import PyMongoError
from test_embedded_parts import FULL

import sqlbulk
from sqlbulk import embedded
from sqlbulk.embedded import directory, process, temporary
from sqlbulk.embedded.users import Users
from sqlbulk.errors import ConnectionFailed, ConnectionLost, UsageError
from sqlbulk.execute import admin
from sqlbulk.results import WriteSummary

server = pytest.mark.server
slow = pytest.mark.slow
# For tests of who stops the server, and when: a clean end takes a second, which others look at.
quick = pytest.mark.usefixtures("killed_when_stopped")

ANOTHER_USER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sqlbulk import embedded
held = embedded.start(Path(sys.argv[1])) if len(sys.argv) > 1 else embedded.start(throw_away=True)
print(held.port, held.data_dir, flush=True)
sys.stdin.readline()
held.stop()
print("left", flush=True)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; whatever still runs there at the end is killed."""
    path = tmp_path / "data"
    yield path
    directory.kill_server(path)


def wait_until_not_primary(port: int) -> None:
    """Until the server at the port has stepped down, or is gone."""
    client = MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)
    deadline = time.monotonic() + 30
    with client, suppress(PyMongoError):
        while client.admin.command("hello")["isWritablePrimary"]:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.fixture
def killed_when_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, the last user doesn't wait for a clean end."""
    monkeypatch.setattr(directory, "stop_server", directory.kill_server)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A data directory with two orders whose server has ended cleanly, to copy; and the server's port."""
    path = tmp_path_factory.mktemp("ended") / "data"
    with embedded.start(path) as held:
        count(held.uri, insert=2)
    assert process.ended_cleanly(path)
    return path, held.port


@pytest.fixture
def copied(ended: tuple[Path, int], data_dir: Path) -> int:
    """Makes the data directory a copy of the one that has ended; its port."""
    shutil.copytree(ended[0], data_dir)
    return ended[1]


@pytest.fixture(scope="module")
def running() -> Iterator[embedded.EmbeddedServer]:
    """A server to look at, which the tests leave as it is."""
    with embedded.start(throw_away=True) as held:
        yield held


@pytest.fixture
def others() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes of the test; those still running at the end are killed, and all are cleared away."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for other in started:
        other.kill()
        other.communicate()


def use_in_another_process(others: list[subprocess.Popen[str]], *arguments: Path) -> subprocess.Popen[str]:
    other = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_USER, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    others.append(other)
    return other


def port_and_directory(other: subprocess.Popen[str]) -> tuple[int, Path]:
    assert other.stdout is not None
    port, path = other.stdout.readline().split()
    return int(port), Path(path)


def let_leave(other: subprocess.Popen[str]) -> None:
    assert other.communicate("\n", timeout=60)[0].strip() == "left"


def count(uri: str, *, insert: int = 0) -> int:
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    try:
        for _ in range(insert):
            client.shop.orders.insert_one({})
        return client.shop.orders.count_documents({})
    finally:
        client.close()


def pretend_mongod(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Path:
    """Put a shell script named mongod in front of PATH."""
    path = folder / "bin" / "mongod"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


# Starting and stopping


@server
def test_stopped_and_started_again(data_dir: Path) -> None:
    """How long both take is measured by tests.bench; here they only end soon, whatever else the machine does."""
    begin = time.monotonic()
    with embedded.start(data_dir) as first:
        took = time.monotonic() - begin
        assert took < 20, took
        assert first.uri == f"mongodb://127.0.0.1:{first.port}/?directConnection=true"
        assert count(first.uri, insert=3) == 3
        assert process.holder(data_dir) is not None
    assert process.holder(data_dir) is None
    assert list((data_dir / "users").iterdir()) == []
    first.stop()  # a second time does nothing
    begin = time.monotonic()
    with embedded.start(data_dir) as second:
        assert count(second.uri) == 3
        took = time.monotonic() - begin
        assert took < 20, took
        assert second.port == first.port
        directory.kill_server(data_dir)


@server
def test_transactions_and_journal(server_uri: str) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(server_uri)
    try:
        with client.start_session() as session:
            session.start_transaction()
            client.embedded_test.things.insert_one({}, session=session)
            session.abort_transaction()
        assert client.embedded_test.things.count_documents({}) == 0
        things = client.embedded_test.get_collection("things", write_concern=WriteConcern(w=1, j=True))
        assert things.insert_one({}).acknowledged, "a server without a journal would refuse j"
        client.drop_database("embedded_test")
    finally:
        client.close()


@server
@slow
@quick
def test_oversized_journal_records(data_dir: Path) -> None:
    """A transaction larger than a journal file (32 MB) is kept, also when the server is killed after it."""
    with embedded.start(data_dir) as started:
        client: MongoClient[dict[str, Any]] = MongoClient(started.uri)
        try:
            with client.start_session() as session, session.start_transaction():
                for _ in range(3):
                    client.shop.orders.insert_one({"x": os.urandom(15_000_000)}, session=session)
        finally:
            client.close()
        directory.kill_server(data_dir)
    with embedded.start(data_dir) as again:
        assert count(again.uri) == 3


@server
def test_only_the_loopback(running: embedded.EmbeddedServer) -> None:
    number = process.holder(running.data_dir)
    assert number is not None
    mongod = psutil.Process(number)
    listening = [c.laddr.ip for c in mongod.net_connections("all") if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    assert os.getsid(number) != os.getsid(0), "Ctrl-C in the terminal must not reach the server"


@server
def test_throw_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with embedded.start(throw_away=True) as first, embedded.start(throw_away=True) as second:
        assert first.data_dir != second.data_dir
        assert first.data_dir.stat().st_mode & 0o777 == 0o700
        assert count(first.uri, insert=1) == 1
        assert count(second.uri) == 0
    assert list(tmp_path.iterdir()) == []


@server
def test_left_open_is_stopped_at_exit_and_not_by_a_forked_child(data_dir: Path) -> None:
    script = (
        "import os, sys, pathlib\nfrom sqlbulk import embedded\n"
        "held = embedded.start(pathlib.Path(sys.argv[1]))\n"
        "child = os.fork()\n"
        "if child == 0: sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "sys.exit(0 if embedded.directory.process.holder(held.data_dir) else 9)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, data_dir], check=True, timeout=60)
    assert process.holder(data_dir) is None
    assert "exitCode\":0" in (data_dir / "mongod.log").read_text()


# Sharing


@server
def test_concurrent_processes_share_one_and_the_last_stops_it(
    data_dir: Path, others: list[subprocess.Popen[str]]
) -> None:
    for _ in range(3):
        use_in_another_process(others, data_dir)
    ports = {port_and_directory(other)[0] for other in others}
    with embedded.start(data_dir) as ours:
        assert ports == {ours.port}
        count(ours.uri, insert=1)
        let_leave(others[0])
        let_leave(others[1])
        assert count(ours.uri) == 1
    assert count(ours.uri) == 1, "another process still uses it"
    let_leave(others[2])
    assert process.holder(data_dir) is None


@server
@quick
def test_two_in_one_process(data_dir: Path) -> None:
    with embedded.start(data_dir) as first:
        with embedded.start(data_dir) as second:
            assert first.port == second.port
        assert count(first.uri) == 0
    assert process.holder(data_dir) is None


@server
def test_the_starter_may_leave_first(data_dir: Path, others: list[subprocess.Popen[str]]) -> None:
    with embedded.start(data_dir) as ours:
        other = use_in_another_process(others, data_dir)
        assert port_and_directory(other)[0] == ours.port
    number = process.holder(data_dir)
    assert number is not None
    let_leave(other)
    assert process.holder(data_dir) is None
    deadline = time.monotonic() + 5
    while psutil.pid_exists(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(number), "the starter, still alive, has to collect its child"


# Kills


@server
@quick
def test_killed_owner(data_dir: Path, others: list[subprocess.Popen[str]]) -> None:
    owner = use_in_another_process(others, data_dir)
    port, _ = port_and_directory(owner)
    count(f"mongodb://127.0.0.1:{port}/?directConnection=true", insert=2)
    owner.kill()
    owner.wait()
    left = process.holder(data_dir)
    assert left is not None
    with embedded.start(data_dir) as joined:
        assert process.holder(data_dir) == left, "the server that was left behind is used again"
        assert count(joined.uri) == 2
    assert process.holder(data_dir) is None, "the dead owner doesn't keep it alive"


@server
@quick
def test_killed_server_and_stale_locks(data_dir: Path) -> None:
    with embedded.start(data_dir) as first:
        count(first.uri, insert=2)
        directory.kill_server(data_dir)
    assert (data_dir / "mongod.lock").read_text().strip() != ""
    (data_dir / "mongod.lock").write_text(f"{os.getpid()}\n")  # a number that was given out again
    (data_dir / "users" / f"{os.getpid()}-0.lock").touch()
    (data_dir / "sqlbulk.lock").write_text("left over")
    with embedded.start(data_dir) as second:
        assert count(second.uri) == 2
    assert process.holder(data_dir) is None


@server
@quick
def test_killed_while_starting(data_dir: Path) -> None:
    """The owner died after the launch, before the server was initiated."""
    data_dir.mkdir()
    directory._store(data_dir, port=(port := process.free_port(None)))
    number = process.launch(data_dir, port)
    with embedded.start(data_dir) as joined:
        assert process.holder(data_dir) == number
        assert count(joined.uri, insert=1) == 1
    assert process.holder(data_dir) is None


@server
@quick
def test_joins_while_the_last_server_ends(data_dir: Path) -> None:
    first = embedded.start(data_dir)
    number = process.holder(data_dir)
    assert number is not None
    process.send_signal(number, kill=False)
    wait_until_not_primary(first.port)
    with embedded.start(data_dir) as second:
        assert process.holder(data_dir) != number
        assert count(second.uri) == 0
        first.stop()
        assert count(second.uri) == 0


@server
def test_what_killed_throw_away_servers_left_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: list[subprocess.Popen[str]]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    owner = use_in_another_process(others)
    _, left = port_and_directory(owner)
    number = process.holder(left)
    assert number is not None
    os.utime(left, (0, 0))
    embedded.start(throw_away=True).stop()
    assert process.holder(left) == number, "its user lives"
    owner.kill()
    owner.wait()
    os.utime(left)
    embedded.start(throw_away=True).stop()
    assert process.holder(left) == number, "so young a directory may be about to get a user"
    os.utime(left, (0, 0))
    embedded.start(throw_away=True).stop()
    assert list(tmp_path.iterdir()) == []
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def test_only_own_old_directories_are_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept, elsewhere = tmp_path / "sqlbulk-notes", tmp_path / "elsewhere"
    for path in (kept, elsewhere):
        path.mkdir()
        os.utime(path, (0, 0))
    (elsewhere / "server.json").touch()
    (tmp_path / "sqlbulk-link").symlink_to(elsewhere)
    (tmp_path / "sqlbulk-file").touch()
    made = temporary.make_directory()
    assert made.is_dir()
    assert kept.exists(), "nothing says that it was a server's"
    assert (elsewhere / "server.json").exists(), "a link is not followed"


# Ports


@server
def test_another_program_took_the_port(data_dir: Path, copied: int) -> None:
    with socket.socket() as program:
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        program.bind(("127.0.0.1", copied))
        program.listen()
        begin = time.monotonic()
        with embedded.start(data_dir) as second:
            assert time.monotonic() - begin < 20
            assert second.port != copied
            assert count(second.uri, insert=1) == 3
            directory.kill_server(data_dir)
    with embedded.start(data_dir) as third:
        assert third.port == second.port
        assert count(third.uri) == 3
        directory.kill_server(data_dir)


@server
@quick
def test_the_port_is_taken_after_a_kill(data_dir: Path) -> None:
    """Nothing may be written before the server has recovered, so here it moves its set by itself."""
    with embedded.start(data_dir) as first:
        count(first.uri, insert=2)
        directory.kill_server(data_dir)
    with socket.socket() as program:
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        program.bind(("127.0.0.1", first.port))
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # from now on nobody else can
        with embedded.start(data_dir) as second:
            assert second.port != first.port
            assert count(second.uri, insert=1) == 3


@server
@slow
def test_another_server_took_the_port(data_dir: Path, tmp_path: Path, copied: int) -> None:
    """A mongod that is somebody else's is never configured, joined or stopped."""
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    number = process.launch(stranger, copied)
    try:
        with embedded.start(data_dir) as second:
            assert second.port != copied
            assert count(second.uri) == 2
            directory.kill_server(data_dir)
        assert process.holder(stranger) == number
        client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", copied, directConnection=True)
        assert "setName" not in client.admin.command("hello")
        client.close()
    finally:
        directory.kill_server(stranger)


@server
@quick
def test_the_port_is_taken_between_look_and_start(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_port = process.free_port
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        taken = program.getsockname()[1]
        answers = iter([taken])
        monkeypatch.setattr(process, "free_port", lambda wanted: next(answers, None) or free_port(wanted))
        with embedded.start(data_dir) as started:
            assert started.port != taken
            assert count(started.uri) == 0


def test_every_port_is_taken(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_mongod(monkeypatch, tmp_path, "exit 48")
    with pytest.raises(ConnectionFailed, match="other programs took 5 ports") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"


# What is in the way


@server
def test_another_mongod_holds_the_directory(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(directory, "_RETRY_SECONDS", 0.05)
    data_dir.mkdir()
    number = process.launch(data_dir, process.free_port(None))  # no note of its port, as if started by hand
    with pytest.raises(ConnectionFailed, match="another mongod holds the data directory") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6007"
    assert process.holder(data_dir) == number, "it is not ours to stop"
    assert list((data_dir / "users").iterdir()) == []


def test_another_process_holds_the_lock(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_LOCK_SECONDS", 0.1)
    data_dir.mkdir()
    with directory.locked(data_dir), pytest.raises(ConnectionFailed, match="another sqlbulk") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6007"


def test_no_mongod(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConnectionFailed, match="no mongod on this machine") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6003"
    assert caught.value.exit_code == 2
    assert "pip install 'sqlbulk[embedded]'" in str(caught.value)


def test_a_package_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fiftyone" / "db").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "fiftyone", raising=False)
    with pytest.raises(ConnectionFailed, match="no mongod"):
        embedded.find_mongod()
    (tmp_path / "fiftyone" / "db" / "bin").mkdir()
    program = tmp_path / "fiftyone" / "db" / "bin" / "mongod"
    program.touch()
    assert embedded.find_mongod() == program
    assert "fiftyone" not in sys.modules


def test_the_mongod_on_the_path_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedded.find_mongod() != (path := pretend_mongod(monkeypatch, tmp_path, "true"))
    assert embedded.find_mongod() == path


def test_missing_shared_library(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    pretend_mongod(monkeypatch, tmp_path, f"echo '{said}' >&2; exit 127")
    with pytest.raises(ConnectionFailed, match=r"shared library libcurl\.so\.4") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6005"
    assert "apt-get install libcurl4" in str(caught.value)


def test_full_disk(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = json.dumps({"s": "F", "msg": "WiredTiger error", "attr": {"message": "No space left on device"}})
    pretend_mongod(monkeypatch, tmp_path, f"echo '{entry}' >> {data_dir}/mongod.log; exit 14")
    with pytest.raises(ConnectionFailed, match="no space is left") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6006"


def test_an_old_log_is_not_blamed(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir.mkdir()
    (data_dir / "mongod.log").write_text('{"s": "F", "msg": "No space left on device"}\n')
    pretend_mongod(monkeypatch, tmp_path, "echo 'strange failure' >&2; exit 3")
    with pytest.raises(ConnectionFailed, match=r"(?s)status 3.*strange failure") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"
    assert "No space" not in str(caught.value)


def test_program_for_another_system(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pretend_mongod(monkeypatch, tmp_path, "")
    path.write_bytes(b"\x7fELF neither")
    with pytest.raises(ConnectionFailed, match="can't be run") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"


def test_silent_mongod(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START_SECONDS", 0.1)
    pretend_mongod(monkeypatch, tmp_path, f"echo $$ > {tmp_path}/number; exec sleep 60")
    with pytest.raises(ConnectionFailed, match="doesn't answer") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"
    number = int((tmp_path / "number").read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(number)


def test_unusable_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="can't be used: Not a directory") as caught:
        embedded.start(tmp_path / "file" / "data")
    assert caught.value.code == "E6008"
    assert "--data-dir" in str(caught.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_data_directory_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied") as caught:
        embedded.start(tmp_path / "data")
    assert caught.value.code == "E6008"


def test_full_disk_when_leaving(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data_dir: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(directory, "ensure_server", lambda data_dir: 1)
    monkeypatch.setattr(directory, "stop_server", refuse)
    held = embedded.start(data_dir)
    with pytest.raises(ConnectionFailed, match="no space is left") as caught:
        held.stop()
    assert caught.value.code == "E6006"


@pytest.mark.parametrize("text", ["0.1", "much", "nan"])
def test_cache_size(text: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLBULK_CACHE_GB", text)
    with pytest.raises(UsageError, match="SQLBULK_CACHE_GB"):
        embedded.start(data_dir)


# Parts


def test_the_dead_are_no_users(tmp_path: Path, others: list[subprocess.Popen[str]]) -> None:
    script = (
        "import sys, pathlib\nfrom sqlbulk.embedded.users import Users\n"
        "held = Users(pathlib.Path(sys.argv[1])).join()\nprint(flush=True)\nsys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    others.append(other)
    assert other.stdout is not None
    other.stdout.readline()
    users = Users(tmp_path)
    ours = users.join()
    assert len(users.living()) == 2
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert len(users.living()) == 1
    assert len(list((tmp_path / "users").iterdir())) == 1
    users.leave(ours)
    assert users.living() == []


@server
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_server_that_ignores_requests_is_signalled(
    stubborn: bool, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    send_signal = process.send_signal

    def send(number: int, *, kill: bool) -> None:
        sent.append(kill)
        if kill or not stubborn:
            monkeypatch.setattr(directory, "_SHUTDOWN_SECONDS", 20)
            send_signal(number, kill=kill)

    held = embedded.start(data_dir)
    count(held.uri, insert=1)
    monkeypatch.setattr(directory, "_SHUTDOWN_SECONDS", 0.2)
    monkeypatch.setattr(admin, "shut_down", lambda port: time.sleep(0.1))
    monkeypatch.setattr(process, "send_signal", send)
    held.stop()
    assert sent == ([False, True] if stubborn else [False])
    monkeypatch.undo()
    assert process.ended_cleanly(data_dir) == (not stubborn)
    with embedded.start(data_dir) as again:
        assert count(again.uri) == 1
        directory.kill_server(data_dir)


@server
def test_a_server_that_never_becomes_primary(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_PRIMARY_SECONDS", 0)
    monkeypatch.setattr(admin, "make_primary", lambda port, name, timeout: False)
    with pytest.raises(ConnectionFailed, match="doesn't become primary") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"
    assert process.holder(data_dir) is None
    assert list((data_dir / "users").iterdir()) == []


@server
def test_a_server_that_ends_before_it_is_primary(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(port: int, name: str, timeout: float) -> bool:
        directory.kill_server(data_dir)
        with (data_dir / "mongod.log").open("a") as log:
            log.write('{"s": "F", "msg": "Last words"}\n')
        return False

    monkeypatch.setattr(admin, "make_primary", die)
    with pytest.raises(ConnectionFailed, match=r"(?s)mongod ended before it was ready.*Last words") as caught:
        embedded.start(data_dir)
    assert caught.value.code == "E6004"


@server
def test_an_arranged_server_is_left_alone(running: embedded.EmbeddedServer) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(running.uri)
    try:
        before = client.admin.command("replSetGetConfig")["config"]["version"]
        assert admin.make_primary(running.port, process.SET_NAME, timeout=5)
        assert client.admin.command("replSetGetConfig")["config"]["version"] == before
    finally:
        client.close()
    assert not admin.make_primary(process.free_port(None), process.SET_NAME, timeout=0.1)


@server
def test_the_fixture_database(database: Database[dict[str, Any]]) -> None:
    moment = datetime(2024, 1, 31, 12, tzinfo=UTC)
    database.things.insert_one({"at": moment})
    found = database.things.find_one()
    assert found is not None
    assert found["at"] == moment
    assert database.list_collection_names() == ["things"]


# A server that ends while a session uses it


def end_server(data_dir: Path, last_words: str = "") -> None:
    with (data_dir / "mongod.log").open("a") as log:
        log.write(last_words)
    directory.kill_server(data_dir)


@pytest.mark.parametrize(("words", "code", "message"), [
    (FULL, "E6006", "the disk is full: no space is left for the data directory"),
    ("", "E5004", "has ended; it wrote no reason"),
])
def test_a_load_whose_server_ends(data_dir: Path, words: str, code: str, message: str) -> None:
    def rows() -> Iterator[tuple[int]]:
        for number in range(30_000):
            if number == 20_000:
                end_server(data_dir, words)
            yield (number,)

    with sqlbulk.connect(data_dir=data_dir, batch_size=1_000, retry_attempts=0) as session:
        with pytest.raises(ConnectionLost, match=message) as caught:
            session.execute("INSERT INTO t (_id) ?", rows=rows())
        assert (caught.value.code, caught.value.exit_code) == (code, 2)
        assert str(data_dir) in caught.value.message
        summary = caught.value.summary
        assert isinstance(summary, WriteSummary)
        # the next statement starts it again, and what was confirmed is there
        ((stored,),) = session.execute("SELECT COUNT(*) FROM t").rows
        assert 0 < summary.inserted <= stored <= summary.inserted + summary.in_doubt
        assert session.execute("INSERT INTO t (_id) ?", rows=[(-1,)]).summary is not None


def test_rows_whose_server_ends(data_dir: Path) -> None:
    with sqlbulk.connect(data_dir=data_dir) as session:
        session.execute("INSERT INTO t (_id, a) ?", rows=((n, n) for n in range(100_000)))
        rows = iter(session.execute("SELECT * FROM t").rows)
        assert next(rows) == (0, 0)
        end_server(data_dir)
        with pytest.raises(ConnectionLost, match=r"E5004: connection lost: the server of .* has ended"):
            list(rows)


def test_a_server_that_somebody_started_again(data_dir: Path) -> None:
    with sqlbulk.connect(data_dir=data_dir, retry_attempts=0) as session, sqlbulk.connect(data_dir=data_dir) as other:
        session.execute("INSERT INTO t (_id) VALUES (1)")
        other.execute("INSERT INTO t (_id) VALUES (2)")
        end_server(data_dir)
        with pytest.raises(ConnectionLost):
            other.execute("SELECT * FROM t")
        assert [*other.execute("SELECT COUNT(*) FROM t").rows] == [(2,)]
        # the port is the same, so the first one goes on with the new server, or finds it at the second try
        with suppress(ConnectionLost):
            session.execute("INSERT INTO t (_id) VALUES (3)")
        session.execute("INSERT INTO t (_id) VALUES (4)")
        assert [*session.execute("SELECT COUNT(*) FROM t WHERE _id <> 3").rows] == [(3,)]
