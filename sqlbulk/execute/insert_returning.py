"""RETURNING of INSERT and UPSERT: a target that remembers what it wrote, and the rows made of that.

What a row's update made of a stored document is known for certain: findAndModify gives the document as it was, and what
becomes of that is worked out once more by the server, by the same expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import Conflict, Query
from sqlbulk.execute.dry_target import DryTarget, differ
from sqlbulk.execute.encode import OPTIONS, decoded
from sqlbulk.execute.query_rows import query_error
from sqlbulk.execute.returning import as_table, rows_of
from sqlbulk.execute.target import CollectionTarget, Operation, Reply
from sqlbulk.execute.upserts import taken_apart

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]
_OF_ROW = frozenset({11000, 121, 10334, 17419, 17280})
"""Codes of failures that are the row's own."""


@dataclass(slots=True)
class RecordingTarget:
    """A target that keeps the documents it has written, in `written`."""

    target: CollectionTarget
    conflict: Conflict | None
    written: list[Document] = field(default_factory=list)

    def insert(self, documents: Sequence[bytes], *, ordered: bool) -> Reply:
        """Insert documents."""
        reply = self.target.insert(documents, ordered=ordered)
        failed = {failure["index"] for failure in reply.failures}
        sent = documents[: min(failed)] if ordered and failed else documents
        self._note(document for index, document in enumerate(sent) if index not in failed)
        return reply

    def update(self, operations: Sequence[Operation], *, ordered: bool) -> Reply:
        """Update or make documents, one after the other."""
        matched = modified = 0
        upserted: set[int] = set()
        failures: list[Mapping[str, Any]] = []
        for index, operation in enumerate(operations):
            try:
                before = self._done(operation)
            except OperationFailure as error:
                if error.code not in _OF_ROW:
                    raise
                failures.append({**(error.details or {}), "index": index, "code": error.code})
                if ordered:
                    break
                continue
            made, row, changed = taken_apart(operation)
            if before is None:
                upserted.add(index)
                self.written.append(made)
                continue
            matched += 1
            after = self._after(before, row, changed)
            modified += after is not None and differ(before, after)
            if after is not None:
                self.written.append(after)
        return Reply(0, matched, modified, frozenset(upserted), failures)

    def stored(self, documents: Sequence[bytes], made: Sequence[bool]) -> list[bool]:
        """Which documents are in; they were written by a command whose reply was lost."""
        found = self.target.stored(documents, made)
        self._note(document for document, present in zip(documents, found, strict=True) if present)
        return found

    def _note(self, documents: Iterator[bytes]) -> None:
        self.written += [decoded(document) or {} for document in documents]

    def _done(self, operation: Operation) -> Document | None:
        """Do it; the document as it was, None if there was none."""
        collection = self.target.collection.with_options(codec_options=OPTIONS)
        settings: dict[str, Any] = {}
        if self.target.bypass_validation:
            settings["bypassDocumentValidation"] = True
        found: Document | None = collection.find_one_and_update(
            dict(operation.filter), list(operation.pipeline), upsert=True, collation=operation.collation,
            comment=self.target.comment, **settings)
        return found

    def _after(self, before: Document, row: Any, changed: Any) -> Document | None:
        """What became of the document, None if the clause left it alone."""
        conflict = self.conflict
        if conflict is None or conflict.action == "nothing":
            return None
        look = DryTarget(self.target.collection)
        if conflict.condition is not None:
            (found,) = look.evaluate([before], "new", [row], {"taken": conflict.condition})
            if found.get("taken") is not True:
                return None
        (after,) = look.evaluate([before], "new", [row], changed)
        return {"_id": before["_id"], **after}


def returned_rows(
    query: Query, documents: Sequence[Document], collection: Collection[dict[str, Any]]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The titles and rows of RETURNING for documents that were written; ServerError, ConnectionLost."""
    try:
        return as_table(query, rows_of(query, documents, collection))
    except PyMongoError as error:
        raise query_error(error) from None
