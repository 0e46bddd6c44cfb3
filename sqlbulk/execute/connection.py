"""A connection to a server: opened from a URI, with what the server says of itself, and errors of one line."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidName, InvalidURI, PyMongoError

from sqlbulk.codes import CODES
from sqlbulk.errors import ConnectionFailed, ServerError, SqlbulkError, UsageError
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import connection_error
from sqlbulk.execute.orphans import ENDED, end_orphans, marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.collection import Collection
    from pymongo.monitoring import CommandListener

    from sqlbulk.execute.steps import Shelf

__all__ = ["ENDED", "Connection", "Server", "open_connection"]

SELECTION_SECONDS = 5.0
"""How long to look for a server, unless the URI says otherwise: short enough for a person who waits."""
BETWEEN_LOOKS = 30.0
"""Seconds between two looks for what killed processes left open, unless a statement makes no progress."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself: its limits in bytes and operations, its version, whether it has transactions.

    `member`: it is one of a replica set, and can tell all about the transactions that it has.
    """

    version: tuple[int, ...] = (0, 0)
    max_document: int = 16 * 1024 * 1024
    max_message: int = 48_000_000
    max_operations: int = 100_000
    transactions: bool = False
    member: bool = False


@dataclass(slots=True)
class Connection:
    """An open connection; `database` is where statements run that name none. A context manager that closes it.

    `uri` is what it was opened from, perhaps with a password.
    `shelves` hold rows of statements that are still being read, `abandoned` ones those that nobody will read any
    more; `swept` are the databases in which leftovers have been looked for, and `looked` is when open transactions
    of killed processes were (in seconds of the monotonic clock). `explain` knows more of a broken connection.
    """

    client: MongoClient[dict[str, Any]]
    database: str
    server: Server = field(default_factory=Server)
    shelves: set[Shelf] = field(default_factory=set, compare=False, repr=False)
    abandoned: list[Shelf] = field(default_factory=list, compare=False, repr=False)
    swept: set[str] = field(default_factory=set, compare=False, repr=False)
    looked: float | None = field(default=None, compare=False, repr=False)
    closed: bool = False
    explain: Callable[[SqlbulkError], SqlbulkError] | None = field(default=None, compare=False, repr=False)
    uri: str = field(default="", compare=False, repr=False)

    def collection(self, name: str, database: str | None = None) -> Collection[dict[str, Any]]:
        """A collection, reading and writing values the way sqlbulk does. Raises ServerError for a bad name."""
        try:
            found = self.client[database or self.database][name]
        except InvalidName as error:
            raise ServerError("E5005", f"{database or self.database}.{name}: {error}") from None
        return found.with_options(codec_options=OPTIONS)

    def close(self) -> None:
        """Drop what statements have kept, and close all sockets."""
        self.closed = True
        for shelf in list(self.shelves):
            shelf.close()
        self.client.close()

    def tidy(self) -> None:
        """Drop what was kept for rows that nobody will read any more."""
        while self.abandoned:
            self.abandoned.pop().close()

    def explained(self, error: Exception) -> Exception:
        """An error that rows end with which are read later: for a closed connection UsageError E6001."""
        if self.closed:
            return UsageError("E6001", "the session is closed, and not all rows were read before",
                              hint="read them before, or keep them: list(result.rows)")
        return self.explain(error) if self.explain is not None and isinstance(error, SqlbulkError) else error

    def end_orphans(self) -> int:
        """End transactions that killed sqlbulk processes left open, if it wasn't looked for them just now; how many."""
        now = time.monotonic()
        if not self.server.member or (self.looked is not None and now - self.looked < BETWEEN_LOOKS):
            return 0
        self.looked = now
        return end_orphans(self.client)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_connection(
    uri: str, *, database: str, timeout: float = SELECTION_SECONDS, appname: str = "sqlbulk",
    listeners: Sequence[CommandListener] = (),
) -> Connection:
    """Connect and greet the server. `timeout` (seconds) yields to `serverSelectionTimeoutMS` in the URI.

    `listeners` are told of every command.

    Raises UsageError E5010 for a bad URI, and ConnectionFailed: E5001 if nobody answers, E5002 for a refused
    login, E5003 if the user may not even greet, E6005 where a library for the URI is missing.
    """
    client = _client(uri, timeout, appname, listeners)
    try:
        return Connection(client, database, _greet(client), uri=uri)
    except PyMongoError as error:
        client.close()
        raise connection_error(error) from None
    except BaseException:
        client.close()
        raise


def _client(
    uri: str, timeout: float, appname: str, listeners: Sequence[CommandListener]
) -> MongoClient[dict[str, Any]]:
    settings: dict[str, Any] = {"appname": appname, "tz_aware": True, "uuidRepresentation": "standard",
                                "datetime_conversion": "DATETIME_AUTO", "driver": marked(uri)}
    if listeners:
        settings["event_listeners"] = list(listeners)
    if "serverselectiontimeoutms" not in uri.lower():
        settings["serverSelectionTimeoutMS"] = round(timeout * 1000)
    if "connecttimeoutms" not in uri.lower():
        settings["connectTimeoutMS"] = round(max(timeout, 1.0) * 1000)
    try:
        with warnings.catch_warnings():
            # the driver only warns of options that it doesn't know, and goes on without them
            warnings.simplefilter("error", UserWarning)
            return MongoClient(uri, **settings)
    except UserWarning as warning:
        raise _unreadable(warning) from None
    except ConfigurationError as error:
        if "dnspython" in str(error):
            raise ConnectionFailed("E6005", "mongodb+srv:// needs dnspython", hint="pip install dnspython") from None
        if isinstance(error, InvalidURI) or not uri.lower().startswith("mongodb+srv://"):
            raise _unreadable(error) from None
        raise ConnectionFailed("E5001", f"no MongoDB found by DNS: {_one_line(error)}") from None
    except (ValueError, TypeError, PyMongoError, OSError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> UsageError:
    if isinstance(error, OSError) and error.filename is not None:
        return UsageError("E5010", f"the connection string names a file that can't be read: {error.filename}"
                          f" ({error.strerror})", hint="mend the path behind tlsCAFile or tlsCertificateKeyFile")
    return UsageError("E5010", f"the connection string can't be read: {_one_line(error)}", hint=CODES["E5010"].remedy)


def _greet(client: MongoClient[dict[str, Any]]) -> Server:
    hello = client.admin.command("hello")
    version = client.server_info().get("versionArray", [0, 0])
    return Server(
        version=tuple(version[:3]),
        max_document=hello.get("maxBsonObjectSize", Server().max_document),
        max_message=hello.get("maxMessageSizeBytes", Server().max_message),
        max_operations=hello.get("maxWriteBatchSize", Server().max_operations),
        transactions="setName" in hello or hello.get("msg") == "isdbgrid", member="setName" in hello,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
