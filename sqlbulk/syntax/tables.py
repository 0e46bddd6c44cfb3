"""Where the parser's tables are kept between runs, so that a start takes milliseconds instead of seconds."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from platformdirs import user_cache_path


def cache_file(grammar: str) -> str | bool:
    """The file for the tables of this grammar and this Python; False where no directory can be written.

    The directory is the user's own (0700), because what lies in the file is unpickled.
    """
    directory = Path(os.environ.get("SQLBULK_CACHE_DIR") or user_cache_path("sqlbulk", appauthor=False))
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    if not _ours_alone(directory) or not os.access(directory, os.W_OK):
        return False
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(grammar.encode()).hexdigest()[:16]
    return str(directory / f"grammar-{version}-{digest}.lark-cache")


def _ours_alone(directory: Path) -> bool:
    status = directory.stat()
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
