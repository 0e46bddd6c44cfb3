"""What a server says of its databases, collections and indexes, as results to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo.errors import InvalidName, PyMongoError

from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import UsageError
from sqlbulk.execute.connection import Connection
from sqlbulk.execute.faults import statement_error
from sqlbulk.results import Result


def collection_names(connection: Connection) -> list[str]:
    """The collections and views of the database, in order of the alphabet, without the server's own."""
    with _translated():
        names = connection.client[connection.database].list_collection_names()
    return sorted(name for name in names if not name.startswith(("system.", STAGED)))


def list_collections(connection: Connection) -> Result:
    """A table of the collections and views: name, kind, documents (an estimate), MB."""
    rows: list[tuple[Any, ...]] = []
    with _translated():
        database = connection.client[connection.database]
        for entry in database.list_collections():
            if not entry["name"].startswith(("system.", STAGED)):
                rows.append((entry["name"], entry["type"], *_size(database, entry)))
    return Result("SHOW", ("collection", "kind", "documents", "MB"), sorted(rows))


def list_databases(connection: Connection) -> Result:
    """A table of the databases: name, MB on disk."""
    with _translated():
        rows = [(d["name"], round(d.get("sizeOnDisk", 0) / 1e6, 2)) for d in connection.client.list_databases()]
    return Result("SHOW", ("database", "MB"), sorted(rows))


def list_indexes(connection: Connection, collection: str) -> Result:
    """A table of a collection's indexes: name, keys, unique, and what else there is to them."""
    with _translated():
        entries = list(connection.collection(collection).list_indexes())
    return Result("SHOW", ("index", "keys", "unique", "other"), [_index(entry) for entry in entries])


def _size(database: Any, entry: Mapping[str, Any]) -> tuple[int | None, float | None]:
    if entry["type"] == "view":
        return None, None
    stats = database.command("collStats", entry["name"])
    return stats.get("count"), round(stats.get("size", 0) / 1e6, 2)


def _index(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    keys = ", ".join(f"{field} DESC" if kind == -1 else field if kind == 1 else f"{field} {kind}"
                     for field, kind in entry["key"].items())
    other = {k: v for k, v in entry.items() if k not in ("v", "key", "name", "unique")}
    return entry["name"], keys, bool(entry.get("unique")) or entry["name"] == "_id_", other or None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (InvalidName, TypeError) as error:
        raise UsageError("E6001", str(error)) from None
    except PyMongoError as error:
        raise statement_error(error, begun=False) from None
