"""Throw-away data directories: made in the system's temporary one, cleared away also after a kill."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from sqlbulk.embedded.directory import kill_server, locked
from sqlbulk.embedded.users import Users
from sqlbulk.errors import SqlbulkError

_PREFIX = "sqlbulk-"
# Younger directories may belong to a process that is about to register as their user.
_SETTLED_SECONDS = 60.0


def make_directory() -> Path:
    """A new empty directory, for this user only; those of killed processes are removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, SqlbulkError):
            if _is_mine_and_settled(left) and not left.joinpath("users").is_symlink():
                _remove_if_unused(left)
    return Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()


def remove_directory(data_dir: Path) -> None:
    """Remove the directory with all that is in it, once its server has ended."""
    for _ in range(3):
        shutil.rmtree(data_dir, ignore_errors=True)
        if not data_dir.exists():
            return
        time.sleep(0.1)


def _is_mine_and_settled(directory: Path) -> bool:
    status = directory.lstat()
    mine = sys.platform == "win32" or status.st_uid == os.getuid()
    return mine and directory.is_dir() and not directory.is_symlink() and (
        (directory / "server.json").is_file() and time.time() - status.st_mtime > _SETTLED_SECONDS
    )


def _remove_if_unused(directory: Path) -> None:
    with locked(directory):
        if Users(directory).living():
            return
        kill_server(directory)
    remove_directory(directory)
