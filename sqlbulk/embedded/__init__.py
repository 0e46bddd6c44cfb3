"""A private mongod of one's own: started when a sqlbulk process needs it, stopped when the last one leaves.

The server is a one-node replica set (so there are transactions) on a free port of the loopback, with its
journal on. All sqlbulk processes with the same data directory share one. Who uses it stands in `users/`; the
port it had stands in `server.json`, because a start on the same port needs no new configuration. Starting,
joining and leaving happen under one lock file, `sqlbulk.lock`.

A process that is killed leaves its server running, and the next sqlbulk process of the same data directory
joins it and stops it when it leaves in turn. There is no watchdog that would stop it sooner: it would be a
second process to start, to find and to lose, while the journal keeps the data safe whenever and however the
server ends. What killed processes left of throw-away servers is cleared away by the next throw-away start.

Leaving waits until the server has ended, up to a second: afterwards the directory can be copied.
"""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sqlbulk.embedded.binary import find_mongod
from sqlbulk.embedded.diagnosis import check_name, explain_os_error

if TYPE_CHECKING:
    from filelock import FileLock

    from sqlbulk.errors import ConnectionFailed

__all__ = ["EmbeddedServer", "default_data_dir", "find_mongod", "start"]

_END_SECONDS = 10.0
_LOOK_SECONDS = 0.5


def start(data_dir: Path | None = None, *, throw_away: bool = False) -> EmbeddedServer:
    """Start the server of a data directory, or join the one that runs; stop it with `stop` or `with`.

    Without `data_dir` it is `default_data_dir()`'s. `throw_away` makes a directory in the system's temporary
    one instead, which is removed at the end. Errors: E6003 to E6008, which say what to do.
    """
    if throw_away:
        from sqlbulk.embedded.temporary import make_directory

        assert data_dir is None, "a throw-away server chooses its own directory"
        directory = make_directory()
    else:
        directory = (data_dir or default_data_dir()).expanduser().resolve()
    server = EmbeddedServer(directory, throw_away=throw_away)
    # For those that forget to stop; a process that is killed is covered by the next one.
    atexit.register(server.stop)
    return server


def default_data_dir() -> Path:
    """Where the data is kept by default: SQLBULK_DATA_DIR, or `db` in the user's data directory."""
    given = os.environ.get("SQLBULK_DATA_DIR")
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("sqlbulk", appauthor=False)) / "db"


class EmbeddedServer:
    """One user's hold on the server of a data directory; a context manager that lets go at its end.

    `uri` is where it answers, `data_dir` where its data is, `port` its port on the loopback.
    """

    def __init__(self, data_dir: Path, *, throw_away: bool) -> None:
        # Loaded when a server is needed: the locks alone take a fifth of the time that --help may take.
        from sqlbulk.embedded.users import Users

        check_name(data_dir)
        self.data_dir = data_dir
        self._throw_away = throw_away
        self._users = Users(data_dir)
        self._user: FileLock | None = None
        self._process = os.getpid()
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.port = self._enter()
        except OSError as error:
            raise explain_os_error(error, data_dir) from error

    @property
    def uri(self) -> str:
        """The connection string. It is direct: a one-node set has nothing to discover."""
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def why_ended(self) -> ConnectionFailed | None:
        """Why the server is there no more, as its log tells: E6006 or E5004; None if it runs, or one took its place."""
        from sqlbulk.embedded import process

        deadline = time.monotonic() + _END_SECONDS
        # What it is about to end with may still be written.
        while not process.wait_for_exit(self.data_dir, None, seconds=_LOOK_SECONDS):
            if process.serves(self.data_dir, self.port) or time.monotonic() > deadline:
                return None
        return process.explain_loss(self.data_dir)

    def stop(self) -> None:
        """Leave the server, and stop it if nobody else uses it; returns when it has ended. Idempotent."""
        from sqlbulk.embedded.directory import locked

        user, self._user = self._user, None
        # A forked child shares its parent's hold, and must not let go of it.
        if user is None or self._process != os.getpid():
            return
        try:
            with locked(self.data_dir):
                self._leave(user)
        except OSError as error:
            raise explain_os_error(error, self.data_dir) from error
        atexit.unregister(self.stop)
        self._clear()

    def _enter(self) -> int:
        from sqlbulk.embedded.directory import ensure_server, locked

        try:
            with locked(self.data_dir):
                user = self._users.join()
                try:
                    port = ensure_server(self.data_dir)
                except BaseException:
                    self._users.leave(user)
                    raise
        except BaseException:
            self._clear()
            raise
        self._user = user
        return port

    def _leave(self, user: FileLock) -> None:
        from sqlbulk.embedded.directory import kill_server, stop_server

        self._users.leave(user)
        if self._throw_away:
            kill_server(self.data_dir)
        elif not self._users.living():
            stop_server(self.data_dir)

    def _clear(self) -> None:
        from sqlbulk.embedded.temporary import remove_directory

        if self._throw_away:
            remove_directory(self.data_dir)

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
