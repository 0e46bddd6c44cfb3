"""Parts of the embedded server that need no mongod: diagnoses, notes, ports, locks, what it is asked."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from sqlbulk import embedded
from sqlbulk.embedded import directory, process, temporary
from sqlbulk.embedded.diagnosis import explain_exit, explain_os_error, lost
from sqlbulk.errors import ConnectionFailed, SqlbulkError
from sqlbulk.execute import admin


@pytest.mark.parametrize(
    ("status", "log", "printed", "code", "part"),
    [
        (1, "", "dyld[7]: Library not loaded: /opt/lib/libcurl.4.dylib", "E6005", "/opt/lib/libcurl.4.dylib"),
        (127, "", "error while loading shared libraries: libodd.so.1: cannot open", "E6005", "what holds it"),
        (100, '{"s": "E", "msg": "x", "attr": {"error": "DBPathInUse: no"}}', "", "E6007", "holds"),
        (-4, "", "", "E6004", "AVX"),
        (62, '{"s": "F", "msg": "Wrong mongod version", "attr": {"error": "UPGRADE"}}\n{"s": "I"}', "",
         "E6004", "Wrong mongod version: UPGRADE"),
        (1, 'no json\n[1]\n{"s": "I", "msg": "last words"}', "", "E6004", "last words"),
    ],
)
def test_explain_exit(status: int, log: str, printed: str, code: str, part: str) -> None:
    error = explain_exit(Path("/bin/mongod"), Path("/data"), status=status, log=log, printed=printed, free=10**9)
    assert error.code == code
    assert part in str(error)


def test_explain_exit_on_a_full_disk() -> None:
    error = explain_exit(Path("/bin/mongod"), Path("/data"), status=1, log="", printed="", free=1000)
    assert error.code == "E6006"


@pytest.mark.parametrize(("number", "code"), [(28, "E6006"), (13, "E6008"), (30, "E6008")])
def test_explain_os_error(number: int, code: str) -> None:
    error: SqlbulkError = explain_os_error(OSError(number, os.strerror(number)), Path("/data"))
    assert error.code == code
    assert "/data" in str(error)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('{"port": 2000, "process": 7}', {"port": 2000, "process": 7}),
        ('{"port": 70000, "process": "7"}', {}),
        ('{"port": 20', {}),
        ("[]", {}),
        ("", {}),
    ],
)
def test_a_note_cut_short(tmp_path: Path, text: str, known: dict[str, int]) -> None:
    assert directory._stored(tmp_path) == {}
    (tmp_path / "server.json").write_text(text)
    assert directory._stored(tmp_path) == known


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    assert process._rotated(log) == 0
    log.write_bytes(b"x" * 100)
    assert process._rotated(log) == 100
    log.write_bytes(b"x" * (process._LOG_BYTES + 1))
    assert process._rotated(log) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mongod.log.1"]


def test_default_data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SQLBULK_DATA_DIR", str(tmp_path))
    assert embedded.default_data_dir() == tmp_path
    monkeypatch.delenv("SQLBULK_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert embedded.default_data_dir().parts[-2:] == ("sqlbulk", "db")


def test_free_port() -> None:
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        taken = program.getsockname()[1]
        assert process.free_port(taken) != taken
    free = process.free_port(None)
    assert process.free_port(free) == free


def test_no_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: Any, /) -> None:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    monkeypatch.setattr("socket.socket", Refusing)
    with pytest.raises(ConnectionFailed, match="no port of the loopback is free") as caught:
        process.free_port(27017)
    assert caught.value.code == "E6004"


@pytest.mark.parametrize(("text", "number"), [("", 0), ("7\n", 7), ("half a num", 0)])
def test_holder(text: str, number: int, tmp_path: Path) -> None:
    assert process.holder(tmp_path) is None
    lock = tmp_path / "mongod.lock"
    lock.write_text(text)
    assert process.holder(tmp_path) is None, "a number left in the file means nothing"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert process.holder(tmp_path) == number
        assert not process.wait_for_exit(tmp_path, number, seconds=0.01)


def test_a_holder_whose_file_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a mongod doesn't share its lock file; our own note has the number."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    directory._store(tmp_path, port=2000, process=7)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert process.holder(tmp_path) == 0
    monkeypatch.setattr(process, "holder", lambda data_dir: 0)
    assert directory._server_number(tmp_path) == 7


def test_what_differs_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = process._arguments(tmp_path, 2000, alone=True)
    started: list[dict[str, object]] = []

    def start(command: list[str], **options: object) -> SimpleNamespace:
        started.append(options)
        return SimpleNamespace(wait=lambda: 0)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("subprocess.CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr("subprocess.CREATE_NO_WINDOW", 2**27, raising=False)
    monkeypatch.setattr("subprocess.Popen", start)
    assert [*process._arguments(tmp_path, 2000, alone=True), "--nounixsocket"] == here
    process._spawn(["mongod"], tmp_path / "mongod.err", environment=None)
    assert started[0]["creationflags"] == 512 + 2**27
    assert "start_new_session" not in started[0]
    assert not process._runs(os.getpid()), "unknown there"
    assert process._lockable(0)
    with socket.socket() as program:
        program.bind(("127.0.0.1", 0))
        program.listen()
        taken = program.getsockname()[1]
        assert process.free_port(taken) != taken


@pytest.mark.parametrize(("tries", "left"), [(1, False), (2, False), (3, True)])
def test_a_directory_that_is_slow_to_go(
    tries: int, left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mongod that was killed may still hold a file for a moment."""
    remove = shutil.rmtree
    busy = iter(range(tries))

    def remove_later(path: Path, *, ignore_errors: bool) -> None:
        assert ignore_errors
        if next(busy, None) is None:
            remove(path)

    monkeypatch.setattr("shutil.rmtree", remove_later)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    (tmp_path / "data").mkdir()
    temporary.remove_directory(tmp_path / "data")
    assert (tmp_path / "data").exists() == left


def test_primary_at_the_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(admin, "make_primary", lambda port, name, timeout: next(answers))
    monkeypatch.setattr(process, "holder", lambda data_dir: 7)
    assert directory._make_primary(tmp_path, 2000)
    assert next(answers, None) is None


def test_another_server_where_the_joined_one_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answered, so it was to be joined; before it was primary it was gone."""
    primary = {2000: False, 2001: True}
    monkeypatch.setattr(directory, "_running_port", lambda data_dir: 2000)
    monkeypatch.setattr(directory, "_start", lambda data_dir: 2001)
    monkeypatch.setattr(admin, "make_primary", lambda port, name, timeout: primary[port])
    monkeypatch.setattr(process, "holder", lambda data_dir: None)
    assert directory.ensure_server(tmp_path) == 2001


def test_a_started_server_that_ends_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_running_port", lambda data_dir: None)
    monkeypatch.setattr(directory, "_start", lambda data_dir: 2000)
    monkeypatch.setattr(admin, "make_primary", lambda port, name, timeout: False)
    monkeypatch.setattr(process, "holder", lambda data_dir: None)
    with pytest.raises(ConnectionFailed, match="E6004: mongod ended"):
        directory.ensure_server(tmp_path)


# What a server is asked, and may answer


class Answers:
    """A client that gives prepared answers, one a command; an exception is raised."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.admin = self
        self.asked: list[str] = []
        self._answers = iter(answers)

    def command(self, name: str, *_: object, **options: object) -> dict[str, Any]:
        self.asked.append(name)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @contextmanager
    def opened(self, port: int, **_: object) -> Iterator[Answers]:
        yield self


@pytest.mark.parametrize(
    ("parsed", "path"), [({"storage": {"dbPath": "/data"}}, "/data"), ({"storage": {}}, None), ({}, None)]
)
def test_server_directory(parsed: dict[str, Any], path: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_client", Answers({"parsed": parsed}).opened)
    assert admin.server_directory(2000) == path


def test_a_server_that_is_not_ready_for_its_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it refuses while it starts is asked again, until it is primary."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    answers = Answers(
        AutoReconnect("starting"), {}, OperationFailure("starting", 11600), {}, {"isWritablePrimary": True},
    )
    monkeypatch.setattr(admin, "_client", answers.opened)
    assert admin.make_primary(2000, "sqlbulk", timeout=5)
    assert answers.asked == ["hello", "hello", "replSetGetConfig", "hello", "hello"]


def test_time_runs_out_before_it_is_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"members": [{"_id": 0, "host": "127.0.0.1:2000"}]}
    answers = Answers({}, {"config": config}, *[{"isWritablePrimary": False}] * 100)
    monkeypatch.setattr(admin, "_client", answers.opened)
    assert not admin.make_primary(2000, "sqlbulk", timeout=0.1)
    assert set(answers.asked[2:]) == {"hello"}, "it is arranged already, and only waited for"


# Why a server that ran has ended

FULL = (  # as mongod 6.0.5 wrote it on a full disk
    '{"t":{"$date":"2026-11-22T15:54:09.480+00:00"},"s":"E",  "c":"WT",       "id":22435,   "ctx":"thread74",'
    '"msg":"WiredTiger error message","attr":{"error":28,"message":{"ts_sec":1795362849,"ts_usec":480111,'
    '"thread":"20494:0x7f3d59cb86c0","session_name":"eviction-server","category":"WT_VERB_DEFAULT","category_id":9,'
    '"verbose_level":"ERROR","verbose_level_id":-3,"msg":"__wt_evict_thread_run:324:cache eviction thread error",'
    '"error_str":"No space left on device","error_code":28}}}\n'
    '{"t":{"$date":"2026-11-22T15:54:09.480+00:00"},"s":"F",  "c":"ASSERT",   "id":23090,   "ctx":"thread74",'
    '"msg":"\\n\\n***aborting after fassert() failure\\n\\n"}\n')
FATAL = '{"s":"I","msg":"x"}\n{"s":"F","msg":"Fatal assertion","attr":{"error":"OplogOutOfOrder: no"}}\n'


@pytest.mark.parametrize(("log", "free", "code", "words"), [
    (FULL, 10**9, "E6006", "the disk is full: no space is left for the data directory /data, so its server ended"),
    ('{"s":"I","msg":"Connection ended"}\n{"s":"E","ms', 0, "E6006", "the disk is full"),
    (FATAL, 10**9, "E5004", "the server of /data has ended\n  Fatal assertion: OplogOutOfOrder: no"),
    ("", 10**9, "E5004", "the server of /data has ended; it wrote no reason, as when somebody"),
])
def test_why_a_server_was_lost(log: str, free: int, code: str, words: str) -> None:
    error = lost(Path("/data"), log=log, printed="", free=free)
    assert (error.code, error.exit_code) == (code, 2)
    assert words in error.message
    assert error.hint is not None
    assert ("--data-dir" if code == "E6006" else "/data/mongod.log") in error.hint


def test_only_the_last_start_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mongod.log").write_text(f'{FULL}{{"s":"I","msg":"MongoDB starting"}}\n{FATAL}')
    assert process.explain_loss(tmp_path).code == "E5004"
    with (tmp_path / "mongod.log").open("a") as log:
        log.write(FULL)
    assert process.explain_loss(tmp_path).code == "E6006"


def test_a_directory_that_somebody_removed(tmp_path: Path) -> None:
    error = process.explain_loss(tmp_path / "gone")
    assert (error.code, error.exit_code) == ("E5004", 2)
    assert "has ended: the directory is gone" in error.message


def held_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> embedded.EmbeddedServer:
    monkeypatch.setattr(directory, "ensure_server", lambda data_dir: 1)
    monkeypatch.setattr(directory, "stop_server", lambda data_dir: None)
    return embedded.start(data_dir)


def test_a_server_that_runs_has_no_reason_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held_server(tmp_path, monkeypatch) as server:
        monkeypatch.setattr(process, "wait_for_exit", lambda *_, seconds: False)
        monkeypatch.setattr(process, "serves", lambda *_: True)
        assert server.why_ended() is None
        monkeypatch.setattr(process, "serves", lambda *_: False)
        monkeypatch.setattr(embedded, "_END_SECONDS", 0.0)
        assert server.why_ended() is None
