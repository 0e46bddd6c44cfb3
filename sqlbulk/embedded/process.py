"""The mongod process of a data directory: launch it, see whether one holds the directory, end it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from sqlbulk.embedded.binary import find_mongod
from sqlbulk.embedded.diagnosis import PORT_TAKEN, explain_exit, lost, missing_library
from sqlbulk.embedded.libraries import lend
from sqlbulk.errors import ConnectionFailed, UsageError
from sqlbulk.execute.admin import LOOPBACK, server_directory

SET_NAME = "sqlbulk"
_LOG_BYTES = 4 * 1024 * 1024
_OPLOG_MEGABYTES = 128
# An upper limit. With half of it a transaction of 75 MB is refused: the cache can't hold its changes.
_CACHE_GIGABYTES = "1"
# Small journal files that are made when needed: a start opens the directory in a third of the time,
# and an empty directory takes 35 MB instead of 300.
_JOURNAL = "log=(prealloc=false,file_max=32MB)"
_START_SECONDS = 60.0
_STARTING = '"msg":"MongoDB starting"'
_POLL_SECONDS = 0.005


class PortTaken(Exception):  # noqa: N818
    """Another program took the port between the look and the start."""


def launch(data_dir: Path, port: int, *, alone: bool = False) -> int:
    """Start a mongod on the port, `alone` without its set; its process number, once it answers there.

    PortTaken if another program was quicker. E6003 to E6007 if there is no mongod or it doesn't start.
    """
    mongod = find_mongod()
    log, errors = data_dir / "mongod.log", data_dir / "mongod.err"
    offset = _rotated(log)
    command = [str(mongod), *_arguments(data_dir, port, alone=alone)]
    environment: dict[str, str] | None = None
    lent: list[str] = []
    while True:
        process = _spawn(command, errors, environment=environment)
        status = _wait_for_answer(process, data_dir, port)
        if status is None:
            return process.pid
        if status == PORT_TAKEN:
            raise PortTaken
        printed = _read(errors)
        # The loader names one library at a time. A mongod that lacks one has touched nothing yet.
        library = missing_library(printed)
        if library is None or library in lent:
            break
        lent.append(library)
        environment = lend(data_dir, lent)
        if environment is None:
            break
    raise explain_exit(mongod, data_dir, status=status, log=_read(log, offset), printed=printed,
                       free=shutil.disk_usage(data_dir).free)


def explain_end(data_dir: Path) -> ConnectionFailed:
    """The error for a server that answered, and then ended of its own accord: E6004 or E6006."""
    return explain_exit(Path("mongod"), data_dir, status=None, log=_last_log(data_dir),
                        printed=_read(data_dir / "mongod.err"), free=shutil.disk_usage(data_dir).free)


def explain_loss(data_dir: Path) -> ConnectionFailed:
    """The error for a server that ended while statements ran: E5004 or E6006."""
    if not data_dir.is_dir():
        return ConnectionFailed("E5004", f"connection lost: the server of {data_dir} has ended: the directory is gone",
                                hint="the next statement or run starts with an empty one")
    return lost(data_dir, log=_last_log(data_dir), printed=_read(data_dir / "mongod.err"),
                free=shutil.disk_usage(data_dir).free)


def _last_log(data_dir: Path) -> str:
    log = _read(data_dir / "mongod.log")
    return log[max(0, log.rfind(_STARTING)) :]


def _wait_for_answer(process: subprocess.Popen[bytes], data_dir: Path, port: int) -> int | None:
    """None once the process answers at the port, its exit status if it ended before; killed if neither comes."""
    deadline = time.monotonic() + _START_SECONDS
    try:
        while (status := process.poll()) is None:
            # What accepts connections may be another program that took the port, while ours is about to find out.
            if serves(data_dir, port):
                return None
            if time.monotonic() > deadline:
                raise ConnectionFailed("E6004", f"mongod doesn't answer within {_START_SECONDS:.0f} s",
                                       hint=f"its log is {data_dir / 'mongod.log'}")
            time.sleep(_POLL_SECONDS)
    except BaseException:
        process.kill()
        raise
    return status


def serves(data_dir: Path, port: int) -> bool:
    """Whether a mongod with this data directory answers at this port."""
    if not _accepts(port):
        return False
    answered = server_directory(port)
    return answered is not None and Path(answered).resolve() == data_dir


def holder(data_dir: Path) -> int | None:
    """The number of the process that holds the data directory, 0 if it can't be read; None if nobody does.

    A mongod keeps `mongod.lock` locked while it lives, so a number left in the file means nothing by itself.
    """
    path = data_dir / "mongod.lock"
    try:
        with path.open("rb") as file:
            if _lockable(file.fileno()):
                return None
            return int(file.read().strip() or 0)
    except FileNotFoundError:
        return None
    except (PermissionError, ValueError):
        return 0


def wait_for_exit(data_dir: Path, number: int | None, *, seconds: float) -> bool:
    """Whether the mongod of that number, which held the data directory, has ended; waits at most so long."""
    deadline = time.monotonic() + seconds
    # It unlocks the directory a moment before it closes its port and ends.
    while holder(data_dir) is not None or (number and _runs(number)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _runs(number: int) -> bool:
    """Whether the process exists, other than as a status not asked for; False where that is unknown."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(number, 0)
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (ProcessLookupError, PermissionError):
        return False
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()
    # While some of its threads live, its files and its port are open, whatever the state of the first.
    return fields[0] not in "ZX" or int(fields[17]) > 1


def ended_cleanly(data_dir: Path) -> bool:
    """Whether the directory's last mongod ended in order, so that nothing is left to recover."""
    lock = data_dir / "mongod.lock"
    return lock.exists() and lock.stat().st_size == 0


def send_signal(process: int, *, kill: bool) -> None:
    """Send a process SIGKILL or SIGTERM; nothing if it is gone."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL if kill and sys.platform != "win32" else signal.SIGTERM)


def _accepts(port: int) -> bool:
    """Whether something accepts connections at this port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port(wanted: int | None) -> int:
    """The wanted port if it is free, else another port of the loopback that is."""
    # Below the ports that systems give to outgoing connections, so that it is free at the next start as well.
    random_ports = (20_000 + secrets.randbelow(12_000) for _ in range(20))
    for port in (*([wanted] if wanted else []), *random_ports, 0):
        with socket.socket() as probe:
            if sys.platform != "win32":
                # As mongod does: connections of the last server that are still closing don't hold the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((LOOPBACK, port))
                return int(probe.getsockname()[1])
    raise ConnectionFailed("E6004", "no port of the loopback is free for the embedded server",
                           hint="close other programs, or give --uri of a server elsewhere")


def _arguments(data_dir: Path, port: int, *, alone: bool) -> list[str]:
    arguments = [
        "--dbpath", str(data_dir), "--port", str(port), "--bind_ip", LOOPBACK,
        "--wiredTigerCacheSizeGB", _cache_gigabytes(), "--wiredTigerEngineConfigString", _JOURNAL,
        "--setParameter", "diagnosticDataCollectionEnabled=false",
        "--logpath", str(data_dir / "mongod.log"), "--logappend", "--quiet",
    ]
    if not alone:
        arguments += ["--replSet", SET_NAME, "--oplogSize", str(_OPLOG_MEGABYTES)]
    if sys.platform != "win32":
        arguments.append("--nounixsocket")
    return arguments


def _cache_gigabytes() -> str:
    text = os.environ.get("SQLBULK_CACHE_GB", _CACHE_GIGABYTES)
    try:
        if 0.25 <= float(text) <= 10_000:
            return text
    except ValueError:
        pass
    raise UsageError("E6001", f"SQLBULK_CACHE_GB is {text!r}", hint="it takes gigabytes, from 0.25 on")


def _spawn(command: list[str], errors: Path, *, environment: dict[str, str] | None) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C in the terminal is for sqlbulk, whose batches in flight need the server.
    options: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    with errors.open("wb") as stderr:
        try:
            process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                command, env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, **options,
            )
        except OSError as error:
            raise ConnectionFailed("E6004", f"{command[0]} can't be run: {error.strerror}",
                                   hint="put a mongod that fits on PATH, or give --uri") from error
    # Somebody has to ask for the exit status, or the process stays in the table when another user stops it.
    threading.Thread(target=process.wait, name="sqlbulk-mongod", daemon=True).start()
    return process


def _lockable(file: int) -> bool:
    if sys.platform == "win32":
        return True  # a running mongod doesn't share its file: opening it has failed already
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _rotated(log: Path) -> int:
    """Set a log aside that has grown large (one old log is kept); how long the log is now, in bytes."""
    size = log.stat().st_size if log.exists() else 0
    if size <= _LOG_BYTES:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0


def _read(path: Path, offset: int = 0) -> str:
    """The text of a file from an offset on, its last 100 kB at most; empty if there is no such file."""
    try:
        data = path.read_bytes()[offset:]
    except FileNotFoundError:
        return ""
    return data[-100_000:].decode(errors="replace")
