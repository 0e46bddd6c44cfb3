"""The one server of a data directory: joined, started or stopped, all under the directory's lock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sqlbulk.embedded import process
from sqlbulk.embedded.diagnosis import in_use
from sqlbulk.errors import ConnectionFailed
from sqlbulk.execute import admin

_NOTE = "server.json"
_LOCK_SECONDS = 120.0
_PRIMARY_SECONDS = 60.0
_ANSWER_SECONDS = 15.0
_RETRY_SECONDS = 1.0
_SHUTDOWN_SECONDS = 20.0
_ATTEMPTS = 5


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock: nobody else starts, joins or leaves its server. E6007 after two minutes."""
    lock = FileLock(data_dir / "sqlbulk.lock", thread_local=False, poll_interval=0.01)
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout as error:
        raise ConnectionFailed(
            "E6007", f"another sqlbulk process holds {data_dir / 'sqlbulk.lock'} for two minutes",
            hint="end that process, or choose another directory with --data-dir",
        ) from error
    try:
        yield
    finally:
        lock.release()


def ensure_server(data_dir: Path) -> int:
    """The port of the directory's server, which is primary; started if it doesn't run. E6003 to E6007."""
    port = _running_port(data_dir)
    # A server that was told to end answers until it is gone: another one takes its place then.
    if port is not None and _make_primary(data_dir, port):
        return port
    port = _start(data_dir)
    try:
        if not _make_primary(data_dir, port):
            raise process.explain_end(data_dir)
    except BaseException:
        kill_server(data_dir)
        raise
    return port


def stop_server(data_dir: Path) -> None:
    """End the directory's server, cleanly if it lets us; returns when it has ended."""
    number = _server_number(data_dir)
    if number is None:
        return
    admin.shut_down(_stored(data_dir).get("port", 0))
    if not process.wait_for_exit(data_dir, number, seconds=_SHUTDOWN_SECONDS):
        process.send_signal(number, kill=False)
        if not process.wait_for_exit(data_dir, number, seconds=_SHUTDOWN_SECONDS):
            kill_server(data_dir)


def kill_server(data_dir: Path) -> None:
    """End the directory's server at once; its journal keeps what was confirmed."""
    number = _server_number(data_dir)
    if number is not None:
        process.send_signal(number, kill=True)
        process.wait_for_exit(data_dir, number, seconds=_SHUTDOWN_SECONDS)


def _make_primary(data_dir: Path, port: int) -> bool:
    """Wait until the server at the port is primary; False if it ends before. E6004 after a minute."""
    deadline = time.monotonic() + _PRIMARY_SECONDS
    while not admin.make_primary(port, process.SET_NAME, timeout=1):
        if process.holder(data_dir) is None:
            return False
        if time.monotonic() > deadline:
            raise ConnectionFailed(
                "E6004", f"the embedded server doesn't become primary within {_PRIMARY_SECONDS:.0f} s",
                hint=f"its log is {data_dir / 'mongod.log'}",
            )
    return True


def _server_number(data_dir: Path) -> int | None:
    """The number of the process that holds the directory, or None if none does."""
    number = process.holder(data_dir)
    # Where the lock file can't be read while it is held (Windows), our own note has the number.
    return _stored(data_dir).get("process") if number == 0 else number


def _running_port(data_dir: Path) -> int | None:
    """The port of the server that runs in the directory, or None if none does. E6007 if it isn't ours."""
    port = _stored(data_dir).get("port")
    deadline = time.monotonic() + _ANSWER_SECONDS
    while process.holder(data_dir) is not None:
        if port is not None and process.serves(data_dir, port):
            return port
        # It may be ending, or starting for a process that was killed meanwhile.
        if not process.wait_for_exit(data_dir, None, seconds=_RETRY_SECONDS) and time.monotonic() > deadline:
            raise in_use(data_dir)
    return None


def _start(data_dir: Path) -> int:
    configured = _stored(data_dir).get("port")
    port = process.free_port(configured)
    for _ in range(_ATTEMPTS):
        # Before the start: should this process be killed now, the next one knows where to look.
        _store(data_dir, port=port)
        try:
            if configured not in (None, port) and process.ended_cleanly(data_dir):
                _move_set(data_dir, port)
            number = process.launch(data_dir, port)
        except process.PortTaken:
            port = process.free_port(None)
        else:
            _store(data_dir, port=port, process=number)
            return port
    raise ConnectionFailed("E6004", f"other programs took {_ATTEMPTS} ports while the server started",
                           hint="try again, or give --uri of a server elsewhere")


def _move_set(data_dir: Path, port: int) -> None:
    """Write the new port into the stored configuration of the set.

    `make_primary` can do it too, but a server that finds another port in its configuration first asks
    whoever listens there, and if that program is silent it asks for half a minute.
    """
    process.launch(data_dir, port, alone=True)
    admin.move_set(port)
    stop_server(data_dir)


def _stored(data_dir: Path) -> dict[str, int]:
    """`port` and `process` of the last start; what is missing or unreadable is left out."""
    try:
        stored = json.loads((data_dir / _NOTE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    limits = {"port": 65535, "process": 2**32}
    return {name: stored[name] for name, limit in limits.items() if _is_number(stored, name, limit)}


def _is_number(stored: object, name: str, limit: int) -> bool:
    value = stored.get(name) if isinstance(stored, dict) else None
    return isinstance(value, int) and 0 < value <= limit


def _store(data_dir: Path, **note: int) -> None:
    path = data_dir / _NOTE
    new = path.with_suffix(".new")
    new.write_text(json.dumps(note) + "\n")
    new.replace(path)
