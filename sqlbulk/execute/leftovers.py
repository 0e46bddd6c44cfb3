"""What killed statements have left behind: collections in which rows waited, removed once they are a day old."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from sqlbulk.commands_steps import STAGED

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

_FORGOTTEN = 86_400
"""The seconds after which nobody can be using them any more."""


def remove_forgotten(connection: Connection, database: str) -> None:
    """Drop them, in a database that this connection hasn't looked through yet."""
    if database in connection.swept:
        return
    connection.swept.add(database)
    with suppress(PyMongoError):
        found = connection.client[database].list_collection_names(
            filter={"name": {"$gte": STAGED, "$lt": STAGED[:-1] + "/"}})
        for name in found:
            begun = name.removeprefix(STAGED).split(".")[0]
            if begun.isdigit() and int(begun) < time.time() - _FORGOTTEN:
                connection.client[database].drop_collection(name)
