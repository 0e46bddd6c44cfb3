"""Why a mongod didn't start, read from its status, its log and its output: an error that says what to do."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path

from sqlbulk.errors import ConnectionFailed, SqlbulkError, UsageError

PORT_TAKEN = 48
_NO_SUCH_INSTRUCTION = (-4, 132)
_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: ([^\s:]+)|Library not loaded: (\S+)")
_NOT_FOUND = re.compile(r"error while loading shared libraries: ([^\s:/]+): cannot open shared object file")
_DISK_FULL = re.compile(r"no space left on device|not enough space on the disk|disk quota exceeded", re.I)
_IN_USE = re.compile(r"DBPathInUse|Unable to lock the lock file|Another mongod instance is already running")
_DEBIAN_PACKAGES = {"libcurl.so.4": "libcurl4", "libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3"}
# What the loader says about each function of a lent library.
_HARMLESS = "no version information available"
_SHOWN_LINES = 5
_GRAVE = ("E", "F")
_LEAST_BYTES = 512 * 1024


def explain_exit(
    mongod: Path, data_dir: Path, *, status: int | None, log: str, printed: str, free: int
) -> ConnectionFailed:
    """The error for a mongod that ended with `status` (None: unknown) before it was ready: E6004 to E6007.

    `log` is what it wrote into its log in this start, `printed` what it wrote to standard error,
    `free` how many bytes are left on the disk: on a full one it has no way to say so.
    """
    printed = "".join(line for line in printed.splitlines(keepends=True) if _HARMLESS not in line)
    said = printed + log
    if library := _MISSING_LIBRARY.search(printed):
        return _library_missing(mongod, library[1] or library[2])
    if _DISK_FULL.search(said) or free < _LEAST_BYTES:
        return _disk_full(data_dir)
    if _IN_USE.search(log):
        return in_use(data_dir)
    if status in _NO_SUCH_INSTRUCTION:
        return ConnectionFailed("E6004", f"{mongod} needs instructions that this processor lacks (AVX)",
                                hint="put a mongod that fits on PATH, or give --uri of a server elsewhere")
    last = "".join(f"\n  {line}" for line in _complaints(printed, log)[-_SHOWN_LINES:])
    ended = "ended" if status is None else f"ended with status {status}"
    return ConnectionFailed("E6004", f"{mongod} {ended} before it was ready{last}",
                            hint=f"the whole log is {data_dir / 'mongod.log'}")


def lost(data_dir: Path, *, log: str, printed: str, free: int) -> ConnectionFailed:
    """The error for a mongod that ended while statements ran, of which these are the last words: E6006 or E5004."""
    if _DISK_FULL.search(printed + log) or free < _LEAST_BYTES:
        return ConnectionFailed(
            "E6006", f"the disk is full: no space is left for the data directory {data_dir}, so its server ended",
            hint="free some, or choose another directory with --data-dir or SQLBULK_DATA_DIR; what the counts call"
            " done is kept")
    grave = [_short(entry) for entry in _entries(log) if entry.get("s") in _GRAVE]
    words = "".join(f"\n  {line}" for line in grave[-_SHOWN_LINES:])
    said = words or "; it wrote no reason, as when somebody or the system ends it by force (memory may have run out)"
    return ConnectionFailed("E5004", f"connection lost: the server of {data_dir} has ended{said}",
                            hint="the next statement or run starts it again, and what the counts call done is kept;"
                            f" its log is {data_dir / 'mongod.log'}")


def explain_os_error(error: OSError, data_dir: Path) -> SqlbulkError:
    """The error for a data directory that can't be made, written or locked: E6006 or E6008."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(data_dir)
    return UsageError("E6008", f"the data directory {data_dir} can't be used: {error.strerror or error}",
                      hint="choose another with --data-dir or SQLBULK_DATA_DIR")


def check_name(data_dir: Path) -> None:
    """Raise UsageError E6008 for a directory that mongod can't tell the name of."""
    try:
        str(data_dir).encode()
    except UnicodeEncodeError:
        raise UsageError("E6008", f"the data directory's name is not UTF-8: {data_dir}",
                         hint="choose another with --data-dir or SQLBULK_DATA_DIR") from None


def missing_library(printed: str) -> str | None:
    """The shared library that the loader didn't find, by what it printed; None if that wasn't the reason."""
    found = _NOT_FOUND.search(printed)
    return found[1] if found else None


def in_use(data_dir: Path) -> ConnectionFailed:
    """E6007: a server that sqlbulk didn't start, or one that doesn't answer, holds the data directory."""
    return ConnectionFailed("E6007", f"another mongod holds the data directory {data_dir}",
                            hint="stop it, or choose another with --data-dir, or give --uri of that server")


def _library_missing(mongod: Path, library: str) -> ConnectionFailed:
    package = _DEBIAN_PACKAGES.get(library)
    hint = "install what holds it"
    if package:
        wheel = "pip install --only-binary=:all: pycurl, which carries it"
        hint = f"on Debian and Ubuntu: apt-get install {package}; or on any x86-64 Linux: {wheel}"
    return ConnectionFailed("E6005", f"{mongod} needs the shared library {library}, which is not installed",
                            hint=f"{hint}; or give --uri of a server elsewhere")


def _disk_full(data_dir: Path) -> ConnectionFailed:
    return ConnectionFailed("E6006", f"no space is left for the data directory {data_dir}",
                            hint="free some, or choose another with --data-dir or SQLBULK_DATA_DIR")


def _complaints(printed: str, log: str) -> list[str]:
    """What was printed, and the log's errors in short; the log's last lines if it holds no error."""
    entries = _entries(log)
    grave = [entry for entry in entries if entry.get("s") in _GRAVE]
    return [*printed.splitlines(), *(_short(entry) for entry in grave or entries)]


def _entries(log: str) -> list[dict[str, object]]:
    return [entry for line in log.splitlines() if (entry := _entry(line))]


def _entry(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _short(entry: dict[str, object]) -> str:
    attributes = entry.get("attr")
    details = attributes.get("error") or attributes.get("message") if isinstance(attributes, dict) else None
    return f"{entry.get('msg', '')}{f': {details}' if details else ''}"
