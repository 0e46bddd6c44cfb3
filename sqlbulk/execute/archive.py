"""Archives documents before they are deleted: copied, read back, compared byte by byte, and only then deleted.

Where the server has transactions all of that is one, for each window. Without them the copies are written
with majority and journal first, and a document is deleted only while it is still what was copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern

from sqlbulk.commands import Archive, DeleteWhere
from sqlbulk.errors import ArchiveDiffers, ServerError, SqlbulkError
from sqlbulk.execute import faults
from sqlbulk.execute.archive_places import SAFE, Places
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import Fault
from sqlbulk.execute.rawdocs import RAW, Raw, id_document, id_of, split_batches, with_fields
from sqlbulk.execute.returning import rows_of
from sqlbulk.execute.stored import Site, clear_of, hindered
from sqlbulk.execute.sweep import Outcome
from sqlbulk.execute.transactions import InDoubtError, Transactions, is_conflict, not_for_transactions, too_much
from sqlbulk.execute.windows import Window, both, of_window, stopped, time_limit

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

MARKS = ("archived_at", "archive_reason", "original_collection")
LARGEST = 32 * 1024 * 1024
"""How many bytes of documents are on their way to the archive at a time, for each worker."""


class _Unprepared(Exception):  # noqa: N818
    """Documents go to collections that have to be made first."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(str(names))
        self.names = names


class _TooLarge(Exception):  # noqa: N818
    """A window's documents are too large to be held at once."""


class _Careful(Exception):  # noqa: N818
    """The archive refused a copy within a transaction: find out which, without one."""


@dataclass(slots=True)
class Copy:
    """A document, its copy, and the collection that the copy goes to. `stored`: it was there before."""

    document: Raw
    copy: Raw
    name: str
    stored: bool = False

    @property
    def identity(self) -> Any:
        """The `_id`."""
        return id_of(self.document)


@dataclass(slots=True)
class Archiver:
    """Moves the documents of a window into the archive."""

    command: DeleteWhere
    site: Site
    archive: Archive
    places: Places = field(init=False)
    _extra: bytes = b""
    _exact: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.places = Places(self.site, self.archive, self.archive.database or self.command.database)

    def prepare(self) -> None:
        """Make the archive's collection, and see that transactions are durable."""
        if self.site.transactions is not None:
            self.site.transactions = Transactions(
                self.site.transactions.client, self.site.patience, SAFE)
        if self.archive.marked:
            marks = {"archived_at": datetime.now(UTC), "archive_reason": self.archive.reason,
                     "original_collection": self.command.collection}
            self._extra = encode(marks, False, OPTIONS)[4:-1]
        self._guarded(self._look)

    def _look(self) -> None:
        if self.site.transactions is None and "collation" in self.site.collection.options():
            # texts that the collation takes for the same are not the same content
            self._exact = {"locale": "simple"}
        if self.archive.partition is None:
            self.places.make({self.archive.collection})

    def __call__(self, window: Window, outcome: Outcome) -> None:
        """Archive and delete a window. Raises ArchiveDiffers, ServerError and its kinds, or ConnectionFailed."""
        self._move(window, outcome, careful=self.site.transactions is None)

    def _move(self, window: Window, outcome: Outcome, *, careful: bool) -> None:
        attempt, doubtful = 0, False
        seen: dict[Raw, Copy] = {}
        while True:
            try:
                part = self._carefully(window, seen) if careful else self._at_once(window, outcome, seen)
                break
            except _Unprepared as unprepared:
                names = unprepared.names
                self._guarded(lambda names=names: self.places.make(names))  # type: ignore[misc]
                continue
            except _TooLarge:
                self._halved(window, outcome, careful=careful)
                return
            except _Careful:
                careful = True
                continue
            except InDoubtError as unsure:
                # all steps can be done again: what is in the archive already is found there
                fault, error, doubtful = Fault.PASSING, unsure.error, True
            except PyMongoError as failed:
                if not careful and (not_for_transactions(failed) or too_much(failed) or is_conflict(failed)):
                    careful = True
                    continue
                fault, error = faults.classify(failed), failed
                doubtful = doubtful or (careful and faults.may_have_written(failed))
            # a transaction has looked for a server again and again already
            given_up = fault is Fault.NOT_SENT and not careful
            if given_up or not self.site.patience.allows(fault, attempt):
                outcome.in_doubt += len(window) if doubtful else 0
                raise stopped(error, self.site.patience, begun=True) from None
            outcome.retried()
            attempt += 1
        if doubtful:
            self._guarded(lambda: self._recount(window, part, seen))
        self._account(window, part, outcome)

    def _halved(self, window: Window, outcome: Outcome, *, careful: bool) -> None:
        middle = len(window) // 2
        self._move(Window(window.first, window.ids[:middle]), outcome, careful=careful)
        self._move(Window(window.first + middle, window.ids[middle:]), outcome, careful=careful)

    def _recount(self, window: Window, part: Outcome, seen: Mapping[Raw, Copy]) -> None:
        """What a window became, some of which may have been done by an attempt whose reply was lost.

        `seen` are the documents as the last attempt that found them read them.
        """
        left = set(self._ids_in(self.site.collection, window))
        archives = [self.places.collection(name) for name in sorted(self.places.known)]
        archived = {found for archive in archives for found in self._ids_in(archive, window)}
        part.deleted = part.archived = len(archived - left)
        part.rows = self._returned([copy for name, copy in seen.items() if name in archived - left], window)

    def _ids_in(self, collection: Collection[dict[str, Any]], window: Window) -> Iterator[Raw]:
        return split_batches(collection.find_raw_batches({"_id": {"$in": window.ids}}, {"_id": 1}, **self.site.shared))

    def _account(self, window: Window, part: Outcome, outcome: Outcome) -> None:
        for name in ("deleted", "archived", "bytes"):
            setattr(outcome, name, getattr(outcome, name) + getattr(part, name))
        rejected = list(part.rejected)
        missing = len(window) - part.deleted - len(rejected)
        if missing and self.command.obstacles:
            selected = of_window(window.ids, self.command.selection.filter)
            for identity, reason in hindered(self.site, selected, self.command.obstacles):
                part.reject(window.number(identity), identity, "E4009", reason)
                missing -= 1
        outcome.rejected += part.rejected
        outcome.rows += part.rows
        outcome.kept += max(missing, 0)

    # In a transaction

    def _at_once(self, window: Window, outcome: Outcome, seen: dict[Raw, Copy]) -> Outcome:
        def move(session: ClientSession) -> Outcome:
            part = Outcome()
            copies = self._read(window, part, session)
            seen.update((id_document(copy.document), copy) for copy in copies)
            new = self._without_stored(copies, part, window, session)
            for name, group in _by_name(new).items():
                self._insert(name, group, session)
            kept = [*new, *(c for c in copies if c.stored)]
            self._compare(kept, window, session)
            ids = window.ids if len(kept) == len(window) else [c.identity for c in kept]
            deleted = self.site.collection.delete_many(
                {"_id": {"$in": ids}}, session=session, **self.site.shared).deleted_count if kept else 0
            if deleted != len(kept):
                raise ArchiveDiffers("E5012", f"{len(kept):,} documents were archived, but {deleted:,} would have been"
                                     " deleted: this batch was undone")
            part.deleted = part.archived = deleted
            part.bytes = sum(len(c.copy) for c in new)
            part.rows = self._returned(kept, window)
            return part

        assert self.site.transactions is not None
        return self.site.transactions.run(move, outcome.retried)

    def _insert(self, name: str, copies: Sequence[Copy], session: ClientSession) -> None:
        try:
            self.places.collection(name, session).insert_many(
                [RawBSONDocument(c.copy) for c in copies], session=session, **self.site.shared,
                bypass_document_validation=self.site.options.bypass_validation or None)
        except BulkWriteError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            raise _Careful from None

    # Without one

    def _carefully(self, window: Window, seen: dict[Raw, Copy]) -> Outcome:
        with time_limit(self.site.patience.left()):
            return self._step_by_step(window, seen)

    def _step_by_step(self, window: Window, seen: dict[Raw, Copy]) -> Outcome:
        part = Outcome()
        copies = self._read(window, part, None)
        seen.update((id_document(copy.document), copy) for copy in copies)
        new = self._without_stored(copies, part, window, None)
        written = [c for name, group in _by_name(new).items() for c in self._insert_each(name, group, part, window)]
        kept = [*written, *(c for c in copies if c.stored)]
        self._compare(kept, window, None)
        # what RETURNING fails for stays
        part.rows = self._returned(kept, window)
        remaining = self._delete_unchanged(kept)
        if remaining:
            part.rows = self._returned([c for c in kept if id_document(c.document) not in remaining], window)
        self._forget([c for c in written if id_document(c.document) in remaining])
        part.deleted = part.archived = len(kept) - len(remaining)
        part.bytes = sum(len(c.copy) for c in written)
        return part

    def _insert_each(self, name: str, copies: Sequence[Copy], part: Outcome, window: Window) -> list[Copy]:
        """Write the copies, and give those that are in."""
        try:
            self.places.collection(name).insert_many(
                [RawBSONDocument(c.copy) for c in copies], ordered=False, **self.site.shared,
                bypass_document_validation=self.site.options.bypass_validation or None)
        except BulkWriteError as error:
            details: Mapping[str, Any] = error.details or {}
            failed = {failure["index"]: failure for failure in details["writeErrors"]}
            for index, failure in failed.items():
                code, message = int(failure.get("code") or 0), faults.row_message(dict(failure))
                if code in faults.STATEMENT:
                    raise ServerError("E5005", f"the server refused to write to {name}: {message}") from None
                identity = copies[index].identity
                part.reject(window.number(identity), identity, faults.code_of_row(code, message),
                            f"{name}: {message}", server_code=code)
            return [c for index, c in enumerate(copies) if index not in failed]
        return list(copies)

    def _delete_unchanged(self, copies: Sequence[Copy]) -> set[bytes]:
        """Delete what is still as it was copied; the `_id`s of the documents that are still there."""
        if not copies:
            return set()
        # the documents matched the filter when they were read, by the collection's own collation
        again = {} if self._exact else self.command.selection.filter
        operations = [
            DeleteOne(both({"_id": {"$eq": c.identity}}, again, _same(c.document)), self._exact) for c in copies]
        done = self.site.collection.bulk_write(operations, ordered=False, **self.site.shared)
        if done.deleted_count == len(copies):
            return set()
        return set(split_batches(self.site.collection.find_raw_batches(
            {"_id": {"$in": [c.identity for c in copies]}}, {"_id": 1}, **self.site.shared)))

    def _forget(self, copies: Sequence[Copy]) -> None:
        """Take back copies of documents that were changed in between."""
        for name, group in _by_name(copies).items():
            self.places.collection(name).bulk_write(
                [DeleteOne(both({"_id": {"$eq": c.identity}}, _same(c.copy)), {"locale": "simple"}) for c in group],
                ordered=False)

    # Both

    def _returned(self, copies: Sequence[Copy], window: Window) -> list[Any]:
        """The rows of RETURNING for these documents as they were read, in the window's order; raises PyMongoError."""
        if self.command.returning is None:
            return []
        documents = sorted((window.number(copy.identity), copy.document) for copy in copies)
        return list(rows_of(
            self.command.returning, [RawBSONDocument(document) for _, document in documents], self.site.collection))

    def _read(self, window: Window, part: Outcome, session: ClientSession | None) -> list[Copy]:
        """The documents and their copies."""
        selected = of_window(window.ids, self.command.selection.filter, clear_of(self.command.obstacles))
        projection = {"_id": 0, "document": "$$ROOT", "part": self.archive.partition}
        rows: Iterable[tuple[Raw, str]]
        if self.archive.partition is None:
            batches = self.site.collection.find_raw_batches(selected, session=session, **self.site.shared)
            rows = ((document, self.archive.collection) for document in split_batches(batches))
        else:
            source: Any = self.site.collection.with_options(codec_options=RAW)
            found = source.aggregate([{"$match": selected}, {"$project": projection}], session=session,
                                     **self.site.shared)
            rows = ((row["document"].raw, f"{self.archive.collection}_{row['part']}") for row in found)
        limit = min(LARGEST, self.site.options.memory_limit // (4 * self.site.workers))
        copies: list[Copy] = []
        size = 0
        for document, name in rows:
            size += len(document)
            if size > limit and len(window) > 1:
                raise _TooLarge
            copy = Copy(document, with_fields(document, self._extra), name)
            if len(copy.copy) > self.site.connection.server.max_document:
                part.reject(window.number(copy.identity), copy.identity, "E4004",
                            "with the archive's fields it would be too large")
                continue
            copies.append(copy)
        unknown = {c.name for c in copies} - self.places.known
        if unknown:
            raise _Unprepared(unknown)
        return copies

    def _without_stored(
        self, copies: list[Copy], part: Outcome, window: Window, session: ClientSession | None
    ) -> list[Copy]:
        """The copies still to be written. Where the archive has other content for an `_id` the document is rejected."""
        new: list[Copy] = []
        for name, group in _by_name(copies).items():
            stored = {id_document(d): d for d in self._stored(name, group, window, session)}
            for copy in group:
                found = stored.get(id_document(copy.document)) if stored else None
                if found is None:
                    new.append(copy)
                elif self._is_copy(found, copy.document):
                    copy.stored, copy.copy = True, found
                else:
                    part.reject(window.number(copy.identity), copy.identity, "E4007",
                                f"{name} has another document with this _id")
        return new

    def _is_copy(self, stored: Raw, document: Raw) -> bool:
        """Whether what the archive holds is the document, marked at another time."""
        if not self.archive.marked:
            return stored == document
        body = document[4:-1]
        if stored[4 : 4 + len(body)] != body:
            return False
        rest = stored[4 + len(body) :]
        return set(RawBSONDocument((len(rest) + 4).to_bytes(4, "little") + rest)) <= set(MARKS)

    def _compare(self, copies: Sequence[Copy], window: Window, session: ClientSession | None) -> None:
        """Raise ArchiveDiffers E5012 unless every copy reads back as it was written."""
        for name, group in _by_name(copies).items():
            found = set(self._stored(name, group, window, session))
            wrong = [c for c in group if c.copy not in found]
            if wrong:
                raise ArchiveDiffers(
                    "E5012", f"{len(wrong):,} of {len(group):,} documents read back from {name} differ from what was"
                    f" written, the first with _id {wrong[0].identity!r}; none of this batch was deleted")

    def _stored(
        self, name: str, copies: Sequence[Copy], window: Window, session: ClientSession | None
    ) -> Iterator[Raw]:
        """What the archive has with these `_id`s."""
        collection = self.places.collection(name, session)
        if session is None:
            collection = collection.with_options(read_concern=ReadConcern("majority"))
        ids = window.ids if len(copies) == len(window) else [c.identity for c in copies]
        return split_batches(collection.find_raw_batches({"_id": {"$in": ids}}, session=session, **self.site.shared))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except PyMongoError as error:
            raise _as_ours(error, self.site) from None


def _as_ours(error: PyMongoError, site: Site) -> SqlbulkError:
    return stopped(error, site.patience, begun=True)


def _by_name(copies: Sequence[Copy]) -> dict[str, list[Copy]]:
    groups: dict[str, list[Copy]] = {}
    for copy in copies:
        groups.setdefault(copy.name, []).append(copy)
    return groups


def _same(document: Raw) -> dict[str, Any]:
    """Documents with exactly this content."""
    return {"$expr": {"$eq": ["$$ROOT", {"$literal": RawBSONDocument(document)}]}}
