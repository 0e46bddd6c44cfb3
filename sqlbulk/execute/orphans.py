"""Ends the transactions that killed sqlbulk processes left open, which would hold their documents for a minute.

Every process has a mark of its own, which the server keeps with each connection and with each transaction. A
transaction whose mark no connection bears any more is of a process that is gone: nobody can go on with it or
commit it, so to end it loses nothing. All others are left alone.

Should one be ended after all whose process lives, but has lost every connection, its process is told so as of any
transaction that the server gives up, and does it again.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pymongo
from bson.codec_options import CodecOptions
from pymongo.driver_info import DriverInfo
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

ENDED = "a transaction that a killed sqlbulk process had left open was ended"
BETWEEN = 1.5
"""Seconds between two looks: who lives, and has lost the server, tries to reach it again every half second."""
LONGEST = 5.0
"""Seconds that all of it may take."""
_WORD = "sqlbulk process "
_MARK = re.compile(re.escape(_WORD) + "([0-9a-f]{24})$")
_FIELDS = {"type": 1, "lsid": 1, "number": "$transaction.parameters.txnNumber", "mark": "$clientMetadata.platform"}

Key = tuple[bytes, int]


def marked(uri: str) -> DriverInfo:
    """What a client tells the server of itself, so that its transactions can be known for those of this process.

    A client that gives up connections which idle has no mark, and what it leaves open ends by itself: it may live
    without a connection that other processes of its user see.
    """
    return DriverInfo("sqlbulk", platform=None if "maxidletimems" in uri.lower() else f"{_WORD}{_OWN}")


_OWN = secrets.token_hex(12)


def end_orphans(
    client: MongoClient[dict[str, Any]], *, sleep: Callable[[float], object] = time.sleep
) -> int:
    """End what killed processes left open, and say how many transactions that were.

    Raises nothing: where the user may not look, or the server can't tell, what is left open ends by itself.
    """
    ended = 0
    with suppress(PyMongoError), pymongo.timeout(LONGEST):
        first = dict(_orphans(client))
        if not first:
            return 0
        sleep(BETWEEN)
        for key, session in _orphans(client):
            ended += key in first and _end(client, session)
    return ended


def _end(client: MongoClient[dict[str, Any]], session: Mapping[str, Any]) -> bool:
    """End a session's transaction; False where the user may not, since it is another user's."""
    try:
        _admin(client).command("killSessions", [session])
    except OperationFailure:
        return False
    return True


def _orphans(client: MongoClient[dict[str, Any]]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Idle transactions of processes that have no connection: the session and the number, and who the session is."""
    found = _looked(client)
    living = {mark[1] for entry in found if entry.get("type") != "idleSession" and (mark := _mark_of(entry))}
    for entry in found:
        mark, number = _mark_of(entry), entry.get("number")
        if entry.get("type") == "idleSession" and number is not None and mark and mark[1] not in living | {_OWN}:
            session = {name: entry["lsid"][name] for name in ("id", "uid")}
            yield (bytes(session["id"]), number), session


def _admin(client: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    """With UUIDs as the server has them, and read from where transactions are, whatever the URI says."""
    return client.get_database("admin", CodecOptions(), ReadPreference.PRIMARY, read_concern=ReadConcern())


def _mark_of(entry: dict[str, Any]) -> re.Match[str] | None:
    return _MARK.search(str(entry.get("mark", "")))


def _looked(client: MongoClient[dict[str, Any]]) -> list[dict[str, Any]]:
    """The connections and the idle sessions of processes that have marks, as many of them as the user may see."""
    try:
        return _operations(client, everybody=True)
    except OperationFailure:
        return _operations(client, everybody=False)


def _operations(client: MongoClient[dict[str, Any]], *, everybody: bool) -> list[dict[str, Any]]:
    return list(_admin(client).aggregate([
        {"$currentOp": {"allUsers": everybody, "idleConnections": True, "idleSessions": True}},
        {"$match": {"clientMetadata.platform": {"$regex": _WORD}}}, {"$project": _FIELDS}]))
