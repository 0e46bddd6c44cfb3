"""What a session is about: which server, which database, and which moment counts as now."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlbulk.codes import CODES
from sqlbulk.errors import UsageError

DEFAULT_DATABASE = "test"
_URI = re.compile(r"mongodb(?:\+srv)?://[^/?]*(?:/([^?]*))?", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r'[/\\. "$*<>:|?\0\ud800-\udfff]')
_HALF = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Target:
    """A server and a database. `uri` None: the private server whose data is in `data_dir` (None: the default one)."""

    uri: str | None
    database: str
    data_dir: Path | None = None


def choose_target(uri: str | None, database: str | None, data_dir: Path | str | None) -> Target:
    """What the arguments say, then the environment, then the defaults.

    The database is the argument, else the one in the argument `uri`, SQLBULK_DATABASE, the one in the
    environment's URI, or `test`.

    Raises UsageError: E5010 the URI is none, E6001 `uri` and `data_dir` are both given, or the
    database's name is one that MongoDB doesn't take.
    """
    if uri is not None and data_dir is not None:
        hint = "The directory is the private server's."
        raise UsageError("E6001", "a URI and a data directory are both given", hint=hint)
    named = _database_of(uri) if uri is not None else None
    if uri is None and data_dir is None:
        uri = os.environ.get("SQLBULK_URI") or os.environ.get("MONGODB_URI") or None
    named = named or os.environ.get("SQLBULK_DATABASE") or (_database_of(uri) if uri is not None else None)
    chosen = (named or DEFAULT_DATABASE) if database is None else database
    return Target(uri, check_database(chosen), Path(data_dir) if data_dir is not None else None)


def check_database(name: str) -> str:
    """The name, if a database may have it; else UsageError E6001."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > 63 or _NOT_IN_NAMES.search(name):
        raise UsageError("E6001", f"{name!r} can't be the name of a database")
    return name


def moment(given: datetime | str | None) -> datetime | None:
    """A time as MongoDB keeps it, UTC in whole milliseconds; without a zone it is read as UTC. UsageError E6001."""
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given.strip())
        except ValueError:
            hint = "Write it as 2025-01-31T12:00:00Z."
            raise UsageError("E6001", f"now: {given!r} is not a time in ISO 8601", hint=hint) from None
    if given is None:
        return None
    if not isinstance(given, datetime):
        raise UsageError("E6001", f"now is a datetime or a text, not {type(given).__name__}")
    try:
        aware = given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise UsageError("E6001", f"now: {given.isoformat()} is out of range") from None
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _database_of(uri: str) -> str | None:
    """The database in a URI, None if there is none."""
    match = _URI.match(uri)
    if _HALF.search(uri):
        raise UsageError("E5010", "the connection string can't be read: it is not UTF-8", hint=CODES["E5010"].remedy)
    if match is None:
        raise UsageError("E5010", "the connection string can't be read: it must begin with mongodb:// or mongodb+srv://",
                         hint=CODES["E5010"].remedy)
    return (match[1] or "").partition(".")[0] or None
