"""What is sent to the server while a statement runs: every command counted, with its operations, bytes and time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo.monitoring import CommandListener

from sqlbulk.commands_steps import STAGED
from sqlbulk.execute.encode import OPTIONS

if TYPE_CHECKING:
    from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

OPERATIONS = {"insert": ("documents", "document"), "update": ("updates", "update"), "delete": ("deletes", "delete")}
"""The field of a command that holds its operations, and what one of them is called."""
WAITING = "waiting rows"
"""What the collections are called in which rows wait: their names differ from run to run."""


@dataclass(slots=True)
class Sent:
    """The commands of one kind: how many, and what they held.

    `operations` are the documents, updates or deletes in them, `refused` those for which the server gave an error;
    `rows` came back; `bytes` is their BSON; `seconds` passed until their replies; `failed` commands failed as a whole.
    """

    commands: int = 0
    operations: int = 0
    refused: int = 0
    rows: int = 0
    bytes: int = 0
    failed: int = 0
    seconds: float = 0.0
    operation: str = "operation"

    def line(self, kind: str) -> str:
        """The same in words."""
        parts = [counted(self.commands, "command")]
        for number, word in ((self.operations, self.operation), (self.rows, "row")):
            parts += [counted(number, word)] if number else []
        parts += [f"{self.refused:,} refused"] if self.refused else []
        parts += [f"{self.failed:,} failed"] if self.failed else []
        return ", ".join([f"{kind}: {parts[0]}", *parts[1:], counted(self.bytes, "byte"), milliseconds(self.seconds)])


def counted(number: int, word: str, several: str | None = None) -> str:
    """A number of things: '1 row', '2,000 rows'."""
    return f"{number:,} {word if number == 1 else several or f'{word}s'}"


def milliseconds(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1000:,.1f} ms"


class Watch(CommandListener):
    """Counts commands by their kind, in the order in which kinds came first; `writers` are the threads that wrote.

    `database` is the one that goes without saying. Several threads may send at the same time.
    """

    def __init__(self, database: str) -> None:
        self.sent: dict[str, Sent] = {}
        self.writers: set[int] = set()
        self._database = database
        self._open: dict[int, tuple[str, Mapping[str, Any]]] = {}
        self._lock = threading.Lock()
        self._counting = False

    @contextmanager
    def counting(self, *, on: bool = True) -> Iterator[None]:
        """Count what is sent within, or pass it over."""
        before, self._counting = self._counting, on
        try:
            yield
        finally:
            self._counting = before

    def started(self, event: CommandStartedEvent) -> None:
        """Called by the driver, in the thread that sends: the clock runs already, so nothing is worked out here."""
        if self._counting:
            with self._lock:
                self._open[event.request_id] = (event.database_name, event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Called by the driver."""
        self._ended(event, event.reply)

    def failed(self, event: CommandFailedEvent) -> None:
        """Called by the driver."""
        self._ended(event, None)

    def _ended(self, event: CommandSucceededEvent | CommandFailedEvent, reply: Mapping[str, Any] | None) -> None:
        with self._lock:
            database, command = self._open.pop(event.request_id, ("", None))
        if command is None:
            return
        name, size = event.command_name, command_size(event.command_name, command)
        field, operation = OPERATIONS.get(name, ("", ""))
        with self._lock:
            sent = self.sent.setdefault(kind_of(name, command, "" if database == self._database else database), Sent())
            sent.commands += 1
            sent.operation = operation
            sent.operations += len(command.get(field, ()))
            sent.bytes += size
            sent.seconds += event.duration_micros / 1e6
            if reply is None:
                sent.failed += 1
            else:
                sent.refused += len(reply.get("writeErrors", ()))
                sent.rows += _rows(reply)
            if writes(name, command):
                self.writers.add(threading.get_ident())


def kind_of(name: str, command: Mapping[str, Any], database: str) -> str:
    """What commands are counted by: their name, the collection that they are about, and where they write to.

    `database` is empty where it goes without saying.
    """
    source = command.get("collection" if name == "getMore" else name)
    where = f" {_collection(source, database)}" if isinstance(source, str) else ""
    into = _into(command)
    return f"{name}{where} into {into}" if into else f"{name}{where}"


def writes(name: str, command: Mapping[str, Any]) -> bool:
    """Whether a command writes documents, and not only to where rows wait."""
    if name in OPERATIONS:
        return not command[name].startswith(STAGED)
    into = _into(command)
    return bool(into) and not into.startswith(WAITING)


def _into(command: Mapping[str, Any]) -> str:
    """The collection that a pipeline writes to, and by what; empty if it only reads."""
    stages = command.get("pipeline") or [{}]
    for stage in ("$merge", "$out"):
        target = stages[-1].get(stage)
        if isinstance(target, Mapping):
            target = target.get("into", target)
        if isinstance(target, Mapping):
            target = target["coll"]
        if target is not None:
            return f"{_collection(target, '')} by {stage}"
    return ""


def _collection(name: str, database: str) -> str:
    shown = WAITING if name.startswith(STAGED) else name
    return f"{database}.{shown}" if database else shown


def _rows(reply: Mapping[str, Any]) -> int:
    """The rows in a reply; a batch that wasn't decoded holds them one behind the other."""
    cursor = reply.get("cursor")
    if not isinstance(cursor, Mapping):
        return 0
    batch = cursor.get("firstBatch") or cursor.get("nextBatch") or ()
    return sum(_documents(item) if isinstance(item, bytes) else 1 for item in batch)


def _documents(batch: bytes) -> int:
    found = start = 0
    while start < len(batch):
        start += int.from_bytes(batch[start : start + 4], "little")
        found += 1
    return found


def command_size(name: str, command: Mapping[str, Any]) -> int:
    """The bytes of a command as it is sent: its operations stand behind it, one after the other."""
    field = OPERATIONS.get(name, ("", ""))[0]
    operations = command.get(field, ())
    rest = {key: value for key, value in command.items() if key != field}
    return len(encode(rest, False, OPTIONS)) + sum(map(_size, operations))


def _size(operation: Mapping[str, Any]) -> int:
    return len(operation.raw) if isinstance(operation, RawBSONDocument) else len(encode(operation, False, OPTIONS))
