"""Sends rows, one wire command at a time, until each is in, refused, or in doubt; and keeps count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import PyMongoError

from sqlbulk.errors import ServerError, SqlbulkError
from sqlbulk.execute import faults
from sqlbulk.execute.counts import Counts
from sqlbulk.execute.encode import Encoded, Ids, decoded
from sqlbulk.execute.faults import DUPLICATE_KEY, Fault
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.target import Operation, Reply, Target
from sqlbulk.rowdata import RowError

HOPELESS = 10
"""After so many rows, each to blame for its command's failure and none written, the statement is to blame."""

Refused = tuple[int, Mapping[str, Any]]
"""A row's place among those sent, and the write error."""


@dataclass(slots=True)
class Outcome(Counts):
    """What became of the rows of a batch, and how many of them, sent alone, were refused as whole commands."""

    unblamed: int = 0

    def reject(self, rows: Encoded, refused: Refused) -> None:
        """Count a row that the server refused."""
        index, failure = refused
        code, message = int(failure.get("code") or 0), faults.row_message(dict(failure))
        origin, place = rows.origins[index], rows.indexes[index]
        self.rejected.append(RowError(
            rows.ordinals[index], faults.code_of_row(code, message), message, origin.locate(place), None,
            origin.excerpt(place), code or None, decoded(rows.documents[index])))


@dataclass(slots=True)
class Writer:
    """Sends rows to a target. `begun` tells whether a command was answered before, so that a lost server is news."""

    target: Target
    ids: Ids
    patience: Patience = field(default_factory=Patience)
    begun: Callable[[], bool] = lambda: True

    def insert(self, rows: Encoded, outcome: Outcome, *, ordered: bool) -> list[Refused]:
        """Insert rows and give those that were refused; when ordered, what follows the first of them is not sent.

        Raises ServerError, ConnectionLost or ConnectionFailed where the whole statement is to stop.
        """
        return _Insertion(self, rows, outcome, ordered).run(list(range(len(rows))))

    def update(
        self, rows: Encoded, operations: Sequence[Operation], outcome: Outcome, *, ordered: bool, repeatable: bool
    ) -> tuple[list[Refused], int]:
        """Send an operation a row; gives the refused ones and how many documents matched. New ones count as inserted.

        `repeatable`: sending an operation twice does no harm. Raises as `insert` does.
        """
        attempt, doubtful = 0, False
        while True:
            try:
                reply = self.target.update(operations, ordered=ordered)
                break
            except PyMongoError as error:
                fault = faults.classify(error)
                if fault is Fault.DOCUMENT:
                    return self._halved(rows, operations, outcome, error, ordered=ordered, repeatable=repeatable)
                doubtful = doubtful or faults.may_have_written(error)
                if (doubtful and not repeatable) or not self.patience.allows(fault, attempt):
                    outcome.in_doubt += len(operations) if doubtful else 0
                    raise self.stopped(error) from None
                outcome.retried()
                attempt += 1
        self.count(reply, outcome, rows.documents)
        outcome.inserted += len(reply.upserted)
        outcome.modified += reply.modified
        matched = reply.matched
        if doubtful and matched:
            matched -= self._made_before(rows, reply, outcome)
        outcome.matched += matched
        self.confirm(reply, outcome, len(reply.upserted) + reply.matched)
        return [(failure["index"], failure) for failure in self.of_rows(reply.failures)], matched

    def _made_before(self, rows: Encoded, reply: Reply, outcome: Outcome) -> int:
        """Count the rows that a lost command wrote: the next one found them, but they are new all the same."""
        documents = [document for i, document in enumerate(rows.documents) if i not in reply.upserted]
        ordinals = [ordinal for i, ordinal in enumerate(rows.ordinals) if i not in reply.upserted]
        try:
            stored = self.target.stored(documents, list(map(self.ids.made, documents, ordinals)))
        except PyMongoError as unread:
            outcome.in_doubt += reply.matched
            raise self.stopped(unread) from None
        found = min(sum(stored), reply.matched)
        outcome.inserted += found
        return found

    def _halved(
        self, rows: Encoded, operations: Sequence[Operation], outcome: Outcome, error: PyMongoError, *,
        ordered: bool, repeatable: bool,
    ) -> tuple[list[Refused], int]:
        """The same in two halves, to find the row that is to blame."""
        if len(operations) == 1:
            return [(0, self.blame(error, outcome))], 0
        middle = len(operations) // 2
        refused, matched = self.update(rows.slice(0, middle), operations[:middle], outcome,
                                       ordered=ordered, repeatable=repeatable)
        if refused and ordered:
            return refused, matched
        more, also = self.update(rows.slice(middle, len(rows)), operations[middle:], outcome,
                                 ordered=ordered, repeatable=repeatable)
        return refused + [(middle + index, failure) for index, failure in more], matched + also

    def blame(self, error: PyMongoError, outcome: Outcome) -> dict[str, Any]:
        """The failure of a command of one row as that row's; raises ServerError if it is never another's."""
        outcome.unblamed += 1
        if outcome.unblamed >= HOPELESS and not outcome.inserted + outcome.matched:
            raise self.stopped(error)
        return {"code": getattr(error, "code", None) or 10334, "errmsg": faults.brief(error)}

    def count(self, reply: Reply, outcome: Outcome, documents: Sequence[bytes]) -> None:
        """Count a command that was answered."""
        outcome.batches += 1
        outcome.bytes += sum(map(len, documents))

    def confirm(self, reply: Reply, outcome: Outcome, written: int) -> None:
        """Count what was written but not confirmed; raises ServerError if it never can be."""
        if not reply.concerns:
            return
        outcome.unconfirmed += written
        message = " ".join(str(reply.concerns[0].get("errmsg", "")).split())
        if reply.concerns[0].get("code") in faults.SETTLED_CONCERNS:
            raise ServerError("E5005", f"written, but the write concern can't be met: {message}")
        outcome.notices.add(f"written, but not confirmed by the write concern: {message}")

    def of_rows(self, failures: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The failures, if they are the rows' own; raises ServerError for one that no row can escape."""
        for failure in failures:
            if failure.get("code") in faults.STATEMENT:
                raise ServerError("E5005", f"the server refused: {faults.row_message(dict(failure))}")
            if failure.get("code") in faults.SECURITY:
                raise faults.not_allowed(faults.row_message(dict(failure)))
        return failures

    def stopped(self, error: PyMongoError, *, lost: bool = False) -> SqlbulkError:
        """What the statement ends with after a failure that can't be passed over; `lost`: no reply came before it."""
        if self.patience.expired():
            return ServerError("E5006", "out of time: max_execution_time has passed")
        return faults.statement_error(error, begun=lost or self.begun())


@dataclass(slots=True)
class _Insertion:
    """The insertion of one batch: which rows are still to be sent, and whether some may be in without our knowing."""

    writer: Writer
    rows: Encoded
    outcome: Outcome
    ordered: bool
    lost: bool = False
    refused: list[Refused] = field(default_factory=list)

    def run(self, places: list[int]) -> list[Refused]:
        """Send the rows at these places until each is settled; the refused ones of all rows so far."""
        attempt = 0
        while places:
            documents = [self.rows.documents[place] for place in places]
            try:
                reply = self.writer.target.insert(documents, ordered=self.ordered)
            except PyMongoError as error:
                fault = faults.classify(error)
                if fault is Fault.DOCUMENT:
                    return self._halved(places, error)
                self.lost = self.lost or faults.may_have_written(error)
                if not self.writer.patience.allows(fault, attempt):
                    if self.lost:
                        self._take_present(places, error)
                    raise self.writer.stopped(error, lost=self.lost) from None
                self.outcome.retried()
                attempt += 1
                continue
            self.writer.count(reply, self.outcome, documents)
            places = self._settle(reply, places)
        return self.refused

    def _settle(self, reply: Reply, places: list[int]) -> list[int]:
        """Count what was answered; the places that are to be sent again."""
        self.outcome.inserted += reply.inserted
        self.writer.confirm(reply, self.outcome, reply.inserted)
        failed = {places[failure["index"]]: failure for failure in self.writer.of_rows(reply.failures)}
        again = [place for place, failure in failed.items() if self.lost and failure.get("code") == DUPLICATE_KEY]
        if again:
            rest = places[reply.inserted :] if self.ordered else again
            present = self._take_present(rest, None)
            if self.ordered and present:
                return [place for place in rest if place not in present]
            for place in present:
                del failed[place]
        self.refused += failed.items()
        return []

    def _take_present(self, places: list[int], error: PyMongoError | None) -> set[int]:
        """Count the rows that are in already, and give their places. `error` is why this is asked."""
        rows, ids = self.rows, self.writer.ids
        documents = [rows.documents[place] for place in places]
        made = [ids.made(document, rows.ordinals[place]) for document, place in zip(documents, places, strict=True)]
        try:
            stored = self.writer.target.stored(documents, made)
        except PyMongoError as unread:
            self.outcome.in_doubt += len(places)
            raise self.writer.stopped(error or unread, lost=True) from None
        present = {place for place, found in zip(places, stored, strict=True) if found}
        self.outcome.inserted += len(present)
        return present

    def _halved(self, places: list[int], error: PyMongoError) -> list[Refused]:
        if len(places) == 1:
            self.refused.append((places[0], self.writer.blame(error, self.outcome)))
            return self.refused
        middle = len(places) // 2
        before = len(self.refused)
        self.run(places[:middle])
        if not (self.ordered and len(self.refused) > before):
            self.run(places[middle:])
        return self.refused
