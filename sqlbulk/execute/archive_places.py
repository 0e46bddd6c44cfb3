"""The collections of an archive: made where they are missing, and refused where they don't keep documents."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymongo import WriteConcern
from pymongo.errors import CollectionInvalid, OperationFailure

from sqlbulk.commands import Archive
from sqlbulk.errors import ServerError
from sqlbulk.execute.stored import Site

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

SAFE = WriteConcern(w="majority", j=True)


@dataclass(slots=True)
class Places:
    """An archive's collections. `known` are those that can be written to; `notices` tell what had no effect."""

    site: Site
    archive: Archive
    database: str | None
    known: set[str] = field(default_factory=set)
    notices: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def collection(self, name: str, session: ClientSession | None = None) -> Collection[dict[str, Any]]:
        """A collection, written to with majority and journal; within a transaction the transaction's concern holds."""
        found = self.site.connection.collection(name, self.database)
        return found if session is not None else found.with_options(write_concern=SAFE)

    def make(self, names: set[str]) -> None:
        """Make those that are missing, with compressor and TTL index.

        Raises the driver's errors, ServerError E5005 for one that doesn't keep documents.
        """
        with self._lock:
            for name in sorted(names - self.known):
                self._make_one(name)
                self.known.add(name)

    def _make_one(self, name: str) -> None:
        database = self.collection(name).database
        storage: dict[str, Any] = {}
        if self.archive.compressor is not None:
            storage = {"storageEngine": {"wiredTiger": {"configString": f"block_compressor={self.archive.compressor}"}}}
        try:
            database.create_collection(name, **storage)
        except (CollectionInvalid, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code != 48:
                raise
            self._check_existing(name)
        if self.archive.retention is not None:
            self.collection(name).create_index("archived_at", expireAfterSeconds=self.archive.retention)

    def _check_existing(self, name: str) -> None:
        """Raise ServerError E5005 unless what is there keeps documents; a view might even show the originals."""
        found = next(iter(self.collection(name).database.list_collections(filter={"name": name})), {})
        options = found.get("options", {})
        kind = "capped collection" if options.get("capped") else found.get("type", "collection")
        if kind != "collection":
            raise ServerError("E5005", f"{name} is a {kind}; documents can't be kept there")
        if self.archive.compressor is not None and f"block_compressor={self.archive.compressor}" not in str(options):
            self.notices.add(f"{name} exists already: compression has no effect on it")
