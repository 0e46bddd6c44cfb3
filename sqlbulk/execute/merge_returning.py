"""RETURNING of MERGE: a batch is a transaction, in which the documents that it writes are read as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from sqlbulk.commands import ACTION, TARGET, MergeArm, MergeRows, Query
from sqlbulk.execute.merge_operations import CHANGES, new_document, operation
from sqlbulk.execute.rawdocs import Raw, id_of, split_batches
from sqlbulk.execute.returning import Document, rows_of
from sqlbulk.execute.stored import Site
from sqlbulk.execute.transactions import is_conflict
from sqlbulk.execute.windows import Filter, of_window

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Task = tuple[MergeArm, dict[str, Any]]
"""An arm that writes, and a row that it is for."""
_ORDER = ("insert", "update", "delete")
"""In which order a batch without one is sent, a command each; as the driver does it."""


class RefusedError(Exception):
    """The server refused the write of a task, so that nothing of its batch was done. `failure` is the server's."""

    def __init__(self, index: int, failure: Mapping[str, Any]) -> None:
        super().__init__(str(failure))
        self.index, self.failure = index, dict(failure)


@dataclass(slots=True)
class Returner:
    """Writes batches, and keeps the rows of RETURNING: one for each document written, in the order of the tasks."""

    command: MergeRows
    query: Query
    site: Site
    rows: list[Document] = field(default_factory=list)

    def write(self, tasks: Sequence[Task], retried: Callable[[], None]) -> dict[str, Any]:
        """The counts, named as the driver names them. Raises RefusedError, the driver's errors and InDoubtError."""
        assert self.site.transactions is not None
        details, rows = self.site.transactions.run(lambda session: self._done(tasks, session), retried)
        self.rows += rows
        return details

    def _done(self, tasks: Sequence[Task], session: ClientSession) -> tuple[dict[str, Any], list[Document]]:
        found = self._matching(tasks, session)
        places = [n for n, (arm, row) in enumerate(tasks) if arm.action == "insert" or repr(row["id"]) in found]
        if not places:
            return {}, []
        details = self._sent(tasks, places, session)
        made: dict[int, Any] = {}
        for place in places:
            arm, row = tasks[place]
            if arm.action != "delete":
                made[place] = row["id"] if arm.action == "update" else new_document(arm, row)["_id"]
        found |= self._read(of_window(list(made.values())), session) if made else {}
        documents = [
            self._row(tasks[place], found[repr(made[place] if place in made else tasks[place][1]["id"])])
            for place in places]
        return details, rows_of(self.query, documents, self.site.collection)

    def _matching(self, tasks: Sequence[Task], session: ClientSession) -> dict[str, Raw]:
        """The documents that the arms still match, by their `_id`s; of those that are updated only these."""
        found: dict[str, Raw] = {}
        for number, arm in enumerate(self.command.arms):
            ids = [row["id"] for _, row in tasks if row["arm"] == number and arm.action in CHANGES]
            if ids:
                fields = {"_id": 1} if arm.action == "update" else None
                found |= self._read(of_window(ids, arm.filter), session, fields)
        return found

    def _read(
        self, selected: Filter, session: ClientSession, fields: Mapping[str, Any] | None = None
    ) -> dict[str, Raw]:
        batches = self.site.collection.find_raw_batches(selected, fields, session=session, **self.site.shared)
        return {repr(id_of(document)): document for document in split_batches(batches)}

    def _sent(self, tasks: Sequence[Task], places: Sequence[int], session: ClientSession) -> dict[str, Any]:
        options = self.site.options
        if not options.ordered:
            places = sorted(places, key=lambda place: _ORDER.index(tasks[place][0].action))
        try:
            result = self.site.collection.bulk_write(
                [operation(*tasks[place]) for place in places], session=session, **self.site.shared,
                bypass_document_validation=options.bypass_validation or None)
        except BulkWriteError as error:
            failures = (error.details or {}).get("writeErrors")
            if is_conflict(error) or not failures:
                raise
            raise RefusedError(places[failures[0]["index"]], failures[0]) from None
        return dict(result.bulk_api_result)

    def _row(self, task: Task, document: Raw) -> Document:
        arm, row = task
        brought = {name: row[name] for name in self.command.brought if name in row}
        return {TARGET: RawBSONDocument(document), ACTION: arm.action.upper(), **brought}


def tasks_of(batch: Sequence[dict[str, Any]], arms: Sequence[MergeArm], places: Sequence[int]) -> Iterator[Task]:
    """The rows of a batch for which something is written."""
    for place in places:
        yield arms[place], batch[place]
