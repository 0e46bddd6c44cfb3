"""How a query's pipeline is asked for: its options in the driver's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import Nearest, Primary, PrimaryPreferred, Secondary, SecondaryPreferred

from sqlbulk.commands import Query
from sqlbulk.commands_read import Reading
from sqlbulk.execute.encode import OPTIONS

if TYPE_CHECKING:
    from pymongo.database import Database

    from sqlbulk.execute.connection import Connection

_PREFERENCES: Mapping[str, Any] = {
    "primary": Primary, "primaryPreferred": PrimaryPreferred, "secondary": Secondary,
    "secondaryPreferred": SecondaryPreferred, "nearest": Nearest,
}


def database_of(command: Query, connection: Connection) -> Database[dict[str, Any]]:
    """The query's database, with the read concern and the preference that it asks for."""
    reading = command.reading
    concern = None if reading.read_concern is None else ReadConcern(reading.read_concern)
    preference = None if reading.read_preference is None else _PREFERENCES[reading.read_preference]()
    return connection.client[command.database or connection.database].with_options(
        codec_options=OPTIONS, read_concern=concern, read_preference=preference)


def settings(command: Query) -> dict[str, Any]:
    """The options of the driver's `aggregate`."""
    reading = command.reading
    found: dict[str, Any] = {
        "collation": command.collation, "hint": reading.hint, "batchSize": reading.batch_size, **limits(reading)}
    return {"allowDiskUse": command.allow_disk_use, **{n: v for n, v in found.items() if v is not None}}


def limits(reading: Reading) -> dict[str, Any]:
    """What holds for every command of a query: how long it may take, and the comment."""
    found = {"maxTimeMS": reading.milliseconds, "comment": reading.comment}
    return {name: value for name, value in found.items() if value is not None}
