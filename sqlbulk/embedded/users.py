"""Who uses a data directory: one lock file a user, held open, so that the system itself forgets the dead."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from filelock import FileLock, Timeout


class Users:
    """The users of one data directory. Every call is made under the directory's own lock.

    A user is a file in `<data directory>/users` that its process keeps locked. The operating system
    drops the lock when the process ends, whatever ended it, so neither a killed process nor a
    process number given out again can be mistaken for a user.
    """

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "users"

    def join(self) -> FileLock:
        """Register one more user, in this process; give the lock back to `leave`."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._directory / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        lock = _lock(path)
        lock.acquire()
        return lock

    def leave(self, lock: FileLock) -> None:
        """Take a user off the list."""
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)

    def living(self) -> list[Path]:
        """The files of the users that are alive; those of dead ones are removed."""
        alive = []
        for path in sorted(self._directory.glob("*.lock")):
            lock = _lock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                alive.append(path)
            else:
                self.leave(lock)
        return alive


def _lock(path: Path) -> FileLock:
    # A session may be closed by another thread than the one that opened it.
    return FileLock(path, thread_local=False)
