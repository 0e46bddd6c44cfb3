"""What the embedded server is asked beside statements: who are you, become primary, shut down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo import MongoClient

LOOPBACK = "127.0.0.1"
_ELECTION_MILLISECONDS = 100
_POLL_SECONDS = 0.01
_ANSWER_SECONDS = 1.0
_NOT_YET_INITIALIZED = 94


def server_directory(port: int) -> str | None:
    """The data directory of the mongod at this port of the loopback; None if none answers within a second."""
    from pymongo.errors import PyMongoError

    try:
        with _client(port) as client:
            parsed = client.admin.command("getCmdLineOpts")["parsed"]
    except PyMongoError:
        return None
    path = parsed.get("storage", {}).get("dbPath")
    return str(path) if path is not None else None


def make_primary(port: int, set_name: str, *, timeout: float) -> bool:
    """Make the mongod at this port the primary of its one-node set; False if `timeout` seconds don't do.

    A new server is initiated. One whose set was made at another port is moved to this one.
    """
    from pymongo.errors import ConnectionFailure

    deadline = time.monotonic() + timeout
    while True:
        with suppress(ConnectionFailure), _client(port, seconds=min(timeout, _ANSWER_SECONDS)) as client:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            _configure(client, set_name, host=f"{LOOPBACK}:{port}")
            if _becomes_primary(client, deadline):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)


def move_set(port: int) -> None:
    """Give the stored configuration of the set the port of this mongod, which runs without its set."""
    host = f"{LOOPBACK}:{port}"
    with _client(port) as client:
        client.local.system.replset.update_one({}, {"$set": {"members.0.host": host}, "$inc": {"version": 1}})


def shut_down(port: int) -> None:
    """Ask the mongod at this port to end; silent if it is gone. It ends on its own time."""
    from pymongo.errors import PyMongoError

    with suppress(PyMongoError), _client(port) as client:
        client.admin.command("shutdown", force=True, timeoutSecs=0)


def _configure(client: MongoClient[dict[str, Any]], set_name: str, *, host: str) -> None:
    from pymongo.errors import OperationFailure

    members = [{"_id": 0, "host": host}]
    # A server that is still starting refuses all of this, so its state is looked at again later.
    with suppress(OperationFailure):
        stored = _stored_configuration(client)
        if stored is None:
            settings = {"electionTimeoutMillis": _ELECTION_MILLISECONDS}
            wanted = {"_id": set_name, "members": members, "settings": settings}
            client.admin.command("replSetInitiate", wanted)
        elif [member["host"] for member in stored["members"]] != [host]:
            stored |= {"members": members, "version": stored["version"] + 1}
            client.admin.command("replSetReconfig", stored, force=True)


def _stored_configuration(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    """The configuration of the server's set; None if it was never initiated."""
    from pymongo.errors import OperationFailure

    try:
        answer: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == _NOT_YET_INITIALIZED:
            return None
        raise
    return answer


def _becomes_primary(client: MongoClient[dict[str, Any]], deadline: float) -> bool:
    """Whether the server is primary within a second, or before the deadline if that is sooner."""
    deadline = min(deadline, time.monotonic() + 1)
    while time.monotonic() < deadline:
        if client.admin.command("hello").get("isWritablePrimary"):
            return True
        time.sleep(_POLL_SECONDS)
    return False


@contextmanager
def _client(port: int, *, seconds: float = _ANSWER_SECONDS) -> Iterator[MongoClient[dict[str, Any]]]:
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=round(seconds * 1000), socketTimeoutMS=10_000,
        appname="sqlbulk-embedded",
    )
    try:
        yield client
    finally:
        client.close()
