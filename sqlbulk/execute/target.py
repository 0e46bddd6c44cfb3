"""The port to the server: a batch in, one wire command, one reply out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pymongo
from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, OperationFailure

from sqlbulk.execute.encode import ID_END

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from sqlbulk.options import WriteOptions

TOO_LARGE = 10334
GRACE = 2.0
"""Seconds that reading back may take when the deadline has passed."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An update of one document by a pipeline; where none matches, the pipeline makes it."""

    filter: Mapping[str, Any]
    pipeline: Sequence[Mapping[str, Any]]
    collation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says of a command: counts, which operations made a document, and what went wrong.

    `failures` are write errors as they come from the wire (`index`, `code`, `errmsg` …), `concerns` likewise.
    """

    inserted: int = 0
    matched: int = 0
    modified: int = 0
    upserted: frozenset[int] = frozenset()
    failures: Sequence[Mapping[str, Any]] = ()
    concerns: Sequence[Mapping[str, Any]] = ()


class _Ready(RawBSONDocument):
    """A document that is only sent, never looked into: made without the checks of its bytes."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw  # type: ignore[misc]

    def __repr__(self) -> str:
        # the driver writes every refused document into the text of its error
        return "…"


class Target(Protocol):
    """A collection that is written to. Each method is one command; it raises PyMongoError if that failed as a whole."""

    def insert(self, documents: Sequence[bytes], *, ordered: bool) -> Reply:
        """Insert documents."""

    def update(self, operations: Sequence[Operation], *, ordered: bool) -> Reply:
        """Update or make documents, in order."""

    def stored(self, documents: Sequence[bytes], made: Sequence[bool]) -> list[bool]:
        """Which documents are in: those whose id we made by their `_id`, the others if all their bytes are equal."""


@dataclass(slots=True)
class CollectionTarget:
    """A collection on a server. `time_left` gives the seconds a command may take, None for no limit."""

    collection: Collection[dict[str, Any]]
    comment: str | None = None
    bypass_validation: bool = False
    time_left: Callable[[], float | None] = field(default=lambda: None)

    def insert(self, documents: Sequence[bytes], *, ordered: bool) -> Reply:
        """Insert documents."""
        raw: list[Any] = list(map(_Ready, documents))
        try:
            with _limited(self.time_left()):
                self.collection.insert_many(
                    raw, ordered=ordered, bypass_document_validation=self.bypass_validation or None,
                    comment=self.comment)
        except BulkWriteError as error:
            return _reply(error.details)
        except InvalidDocument as error:
            raise _too_large(error) from None
        return Reply(inserted=len(documents))

    def update(self, operations: Sequence[Operation], *, ordered: bool) -> Reply:
        """Update or make documents, in order."""
        requests = [UpdateOne(o.filter, list(o.pipeline), upsert=True, collation=o.collation) for o in operations]
        try:
            with _limited(self.time_left()):
                result = self.collection.bulk_write(
                    requests, ordered=ordered, bypass_document_validation=self.bypass_validation or None,
                    comment=self.comment)
        except BulkWriteError as error:
            return _reply(error.details)
        except InvalidDocument as error:
            raise _too_large(error) from None
        return _reply(result.bulk_api_result)

    def stored(self, documents: Sequence[bytes], made: Sequence[bool]) -> list[bool]:
        """Which documents are in: those whose id we made by their `_id`, the others if all their bytes are equal."""
        ids = [RawBSONDocument(document)["_id"] for document in documents]
        options: Any = self.collection.codec_options.with_options(document_class=RawBSONDocument, type_registry=None)
        raw: Any = self.collection.with_options(codec_options=options)
        left = self.time_left()
        with _limited(None if left is None else max(left, GRACE)):
            found = [found.raw for found in raw.find({"_id": {"$in": ids}}, comment=self.comment)]
        whole, known = set(found), {document[4:ID_END] for document in found}
        return [
            document[4:ID_END] in known if own else document in whole
            for document, own in zip(documents, made, strict=True)
        ]


def open_target(
    collection: Collection[dict[str, Any]], options: WriteOptions, time_left: Callable[[], float | None]
) -> CollectionTarget:
    """The collection as a target, with the write concern and the other wishes of the options."""
    if options.write_concern is not None:
        collection = collection.with_options(write_concern=WriteConcern(**options.write_concern))
    return CollectionTarget(collection, options.comment, options.bypass_validation, time_left)


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    with pymongo.timeout(max(seconds, 0.001)):
        yield


def _too_large(error: InvalidDocument) -> OperationFailure:
    """What the driver itself refuses to send, as the server would refuse it."""
    return OperationFailure(f"too large to be sent: {error}", TOO_LARGE, {"errorLabels": ["NoWritesPerformed"]})


def _reply(details: Mapping[str, Any]) -> Reply:
    for failure in details["writeErrors"]:
        # the driver puts the whole operation in; a batch of failures would hold the batch twice
        failure.pop("op", None)
    return Reply(
        details["nInserted"], details["nMatched"], details["nModified"],
        frozenset(upserted["index"] for upserted in details["upserted"]),
        details["writeErrors"], details["writeConcernErrors"],
    )
