"""A session's way to its server: opened when a statement needs it, asked why it broke, and closed once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlbulk.errors import ConnectionFailed, ConnectionLost, SqlbulkError, UsageError
from sqlbulk.targets import Target

if TYPE_CHECKING:
    from sqlbulk.embedded import EmbeddedServer
    from sqlbulk.execute.connection import Connection

PRIVATE = 2.0
"""For how many seconds to look for a private server: it is near, and if it ended nobody but us starts it again."""
_BROKEN = frozenset({"E5001", "E5004"})


class Link:
    """`now` is the connection if there is one; a private server is started, or joined, together with it."""

    def __init__(self, target: Target) -> None:
        self.now: Connection | None = None
        self._target = target
        self._server: EmbeddedServer | None = None
        self._closed = False

    @property
    def private(self) -> bool:
        """Whether the server is one of our own, because no URI was given."""
        return self._target.uri is None

    @property
    def data_dir(self) -> Path:
        """Where the private server keeps its data."""
        from sqlbulk.embedded import default_data_dir

        return self._target.data_dir or default_data_dir()

    def check_open(self) -> None:
        """Raise UsageError E6001 if the session was closed."""
        if self._closed:
            raise UsageError("E6001", "the session is closed", hint="sqlbulk.connect opens another")

    def open(self, database: str) -> Connection:
        """The connection, opened now if there is none.

        Raises ConnectionFailed, UsageError (E5010, and E6001 after the end), and E6003 to E6008 for a private server.
        """
        self.check_open()
        if self.now is None:
            from sqlbulk.execute.connection import SELECTION_SECONDS, open_connection

            uri = self._target.uri
            if uri is None:
                from sqlbulk import embedded

                self._server = self._server or embedded.start(self._target.data_dir)
                uri = self._server.uri
            self.now = open_connection(uri, database=database, timeout=PRIVATE if self.private else SELECTION_SECONDS)
            self.now.explain = self.explained
        return self.now

    def explained(self, error: SqlbulkError) -> SqlbulkError:
        """The error; in place of one that says only that the server is gone, one that says why, where that is known.

        A private server that has ended is left, so that the next statement starts it again.
        """
        if self._server is None or not isinstance(error, ConnectionFailed | ConnectionLost):
            return error
        why = self._server.why_ended() if error.code in _BROKEN else None
        if why is None:
            return error
        self._leave()
        return ConnectionLost(why.code, why.message, hint=why.hint, summary=error.summary)

    def close(self) -> None:
        """Leave the server for good; a private one is stopped when the last session leaves. Idempotent."""
        self._closed = True
        connection, self.now = self.now, None
        server, self._server = self._server, None
        try:
            if connection is not None:
                connection.close()
        finally:
            if server is not None:
                server.stop()

    def _leave(self) -> None:
        """Forget a server that has ended, and the connection to it."""
        connection, self.now = self.now, None
        server, self._server = self._server, None
        if connection is not None:
            connection.client.close()
        if server is not None:
            with suppress(SqlbulkError):
                server.stop()
