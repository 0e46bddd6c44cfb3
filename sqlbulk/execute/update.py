"""UPDATE: the selected documents changed window by window, each window in a transaction where the server has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from sqlbulk.commands import Query, UpdateWhere
from sqlbulk.errors import ServerError
from sqlbulk.execute import faults
from sqlbulk.execute.faults import Fault
from sqlbulk.execute.returning import as_table, check_transactions, matching_ids, read_rows
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.stored import Site, check_obstacles, clear_of, hindered, open_site
from sqlbulk.execute.sweep import UNKNOWN, Outcome, Sweep
from sqlbulk.execute.transactions import InDoubtError, is_conflict, not_for_transactions
from sqlbulk.execute.windows import Filter, Window, both, of_window, stopped, time_limit
from sqlbulk.results import Result

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

    from sqlbulk.execute.connection import Connection

ANY_ROW = frozenset({11000, 121})
"""Codes that may well be every document's own: a key that collides, a validator."""
UNSURE = "an update was sent again after a part of it may have been done: modified may be too low"
_PIECE = 1_000
"""How many updates of single documents go into one command."""


def run_update(
    command: UpdateWhere, connection: Connection, *, watcher: Watcher | None = None, stop: Stop | None = None
) -> Result:
    """Change the selected documents. Raises ServerError and its kinds with the counts so far, ConnectionFailed."""
    site = open_site(command, connection)
    windows = site.windows(command.selection, command.values)
    title = f"UPDATE {command.collection}"
    sweep = Sweep(windows, Updater(command, site), command.options, title, site.workers, site.patience,
                  watcher=watcher, unblock=site.unblock, aborted=site.aborted)
    sweep.stop = stop or sweep.stop
    check_transactions(site, command.returning)
    check_obstacles(site, command, sweep.summary)
    summary = sweep.execute()
    notices = sorted(sweep.notices)
    if windows.repeated:
        times = "once" if windows.repeated == 1 else f"{windows.repeated:,} times"
        notices.append(f"{times} a document matched more than one row: the first was taken")
    columns, rows = as_table(command.returning, sweep.rows) if command.returning else ((), [])
    return Result("UPDATE", columns, rows, summary, tuple(notices), command.collection)


@dataclass(slots=True)
class Updater:
    """Changes the documents of a window that the selection's filter still matches and nothing hinders."""

    command: UpdateWhere
    site: Site

    def __call__(self, window: Window, outcome: Outcome) -> None:
        """Change a window; raises ServerError, ConnectionLost or ConnectionFailed where the statement is to stop."""
        if self.command.returning is not None:
            self._at_once(window, outcome)
        elif self.command.values or (self.site.transactions is None and not self.command.repeatable):
            self._one_by_one(window, outcome)
        else:
            self._at_once(window, outcome)
        missing = len(window) - outcome.matched - len(outcome.rejected) - outcome.skipped
        if missing > 0 and self.command.obstacles:
            selected = of_window(window.ids, self.command.selection.filter)
            for identity, reason in hindered(self.site, selected, self.command.obstacles):
                outcome.reject(window.number(identity), identity, "E4009", reason)
                missing -= 1
        outcome.kept += max(missing, 0)

    @property
    def _filter(self) -> Filter:
        return both(self.command.selection.filter, clear_of(self.command.obstacles))

    # One command for the window

    def _at_once(self, window: Window, outcome: Outcome) -> None:
        attempt = 0
        while True:
            try:
                return self._send(window, outcome)
            except InDoubtError as error:
                self._doubt(error.error, window, outcome)
            except PyMongoError as error:
                if not_for_transactions(error) and self._transactional and self.command.returning is None:
                    self.site.transactions = None
                    return self(window, outcome)
                if self._is_of_rows(error):
                    return self._blame(window, error, outcome)
                fault = faults.classify(error)
                # who lacks the right for a command lacks it for all of it
                sure = self._transactional or faults.is_harmless(error) or fault is Fault.SECURITY
                if not (sure or self.command.repeatable):
                    self._doubt(error, window, outcome)
                # a transaction has looked for a server again and again already
                given_up = fault is Fault.NOT_SENT and self._transactional
                if given_up or not self.site.patience.allows(fault, attempt):
                    outcome.in_doubt += 0 if sure else len(window)
                    raise stopped(error, self.site.patience, begun=True) from None
                if not sure:
                    outcome.notices.add(UNSURE)
            outcome.retried()
            attempt += 1

    @property
    def _transactional(self) -> bool:
        return self.site.transactions is not None

    def _send(self, window: Window, outcome: Outcome) -> None:
        if self.command.returning is not None:
            self._send_and_read(window, self.command.returning, outcome)
            return
        selected, update = of_window(window.ids, self._filter), self._update()

        def send(session: ClientSession | None) -> tuple[int, int]:
            result = self.site.collection.update_many(
                selected, update, session=session, **self.site.shared,
                bypass_document_validation=self.site.options.bypass_validation or None)
            return result.matched_count, result.modified_count

        matched, modified = self.site.run(send, outcome.retried)
        outcome.matched += matched
        outcome.modified += modified

    def _send_and_read(self, window: Window, query: Query, outcome: Outcome) -> None:
        """The same, and the rows of RETURNING, which belong to the documents that are changed."""
        def send(session: ClientSession | None) -> tuple[int, int, list[Any]]:
            ids = matching_ids(self.site, window.ids, self._filter, session)
            wanted = {repr(identity) for identity in ids}
            operations: list[Any]
            if self.command.values:
                rows = [row for row in window.rows if repr(row["_id"]) in wanted]
                operations = self._operations(Window(window.first, ids, rows))
            else:
                operations = [UpdateMany(of_window(ids), self._update())]
            result = self.site.collection.bulk_write(
                operations, session=session, **self.site.shared,
                bypass_document_validation=self.site.options.bypass_validation or None)
            return result.matched_count, result.modified_count, read_rows(self.site, query, ids, session)

        matched, modified, outcome.rows = self.site.run(send, outcome.retried)
        outcome.matched += matched
        outcome.modified += modified

    def _update(self) -> Any:
        update = self.command.update
        return list(update) if isinstance(update, tuple) else update

    def _doubt(self, error: PyMongoError, window: Window, outcome: Outcome) -> None:
        outcome.in_doubt += len(window)
        raise stopped(error, self.site.patience, begun=True) from None

    # Blaming documents

    def _is_of_rows(self, error: PyMongoError) -> bool:
        """Whether a document, and not the statement, may be what the server refused."""
        if not isinstance(error, OperationFailure) or error.code in faults.STATEMENT:
            return False
        if is_conflict(error):
            # conflicts with others that don't end: single updates wait for their turn
            return self.command.returning is None
        return faults.classify(error) in (Fault.DOCUMENT, Fault.STATEMENT)

    def _blame(self, window: Window, error: PyMongoError, outcome: Outcome) -> None:
        """Find the documents to blame; without `continue_on_error` the server's message will do."""
        if self._transactional and not self.site.options.continue_on_error and not is_conflict(error):
            code, message = _told(error)
            if code not in ANY_ROW and faults.code_of_row(code, message) == "E4009":
                raise ServerError("E5005", f"the server refused: {message}")
            outcome.reject(window.first, UNKNOWN, faults.code_of_row(code, message),
                           f"one of {len(window):,} documents: {message}", server_code=code)
            outcome.skipped += len(window) - 1
            return
        if not self._transactional:
            outcome.notices.add(UNSURE)
        self._one_by_one(window, outcome)

    def _one_by_one(self, window: Window, outcome: Outcome) -> None:
        """An update for each document, so that the server tells which it refuses."""
        for start in range(0, len(window), _PIECE):
            rows = window.rows[start : start + _PIECE]
            self._piece(Window(window.first + start, window.ids[start : start + _PIECE], rows), outcome)

    def _piece(self, window: Window, outcome: Outcome) -> None:
        operations = self._operations(window)
        attempt = 0
        while True:
            try:
                with time_limit(self.site.patience.left()):
                    result = self.site.collection.bulk_write(
                        operations, ordered=False, **self.site.shared,
                        bypass_document_validation=self.site.options.bypass_validation or None)
                details: dict[str, Any] = result.bulk_api_result
                break
            except BulkWriteError as error:
                details = dict(error.details or {})
                break
            except PyMongoError as error:
                sure = faults.is_harmless(error) or faults.classify(error) is Fault.SECURITY
                safe = sure or self.command.repeatable
                if not safe or not self.site.patience.allows(faults.classify(error), attempt):
                    outcome.in_doubt += 0 if sure else len(window)
                    raise stopped(error, self.site.patience, begun=True) from None
            outcome.retried()
            attempt += 1
        outcome.matched += details["nMatched"]
        outcome.modified += details["nModified"]
        self._refused(window, details["writeErrors"], outcome)

    def _operations(self, window: Window) -> list[UpdateOne]:
        if not self.command.values:
            return [UpdateOne(of_one(identity, self._filter), self._update()) for identity in window.ids]
        assert isinstance(self.command.update, tuple)
        (stage,) = self.command.update
        operations = []
        for row in window.rows:
            values = {"values": {"$literal": {name: row.get(name) for name in self.command.values}}}
            changed = {"$replaceWith": {"$let": {"vars": values, "in": stage["$replaceWith"]}}}
            operations.append(UpdateOne(of_one(row["_id"], self._filter), [changed]))
        return operations

    def _refused(self, window: Window, failures: Sequence[dict[str, Any]], outcome: Outcome) -> None:
        for failure in failures:
            code, message = int(failure.get("code") or 0), faults.row_message(failure)
            if code in faults.STATEMENT:
                raise ServerError("E5005", f"the server refused: {message}")
            if code in faults.SECURITY:
                raise faults.not_allowed(message)
            index = failure["index"]
            outcome.reject(window.first + index, window.ids[index], faults.code_of_row(code, message), message,
                           server_code=code)
        if len(failures) == len(window) > 1 and not outcome.matched and not _of_a_row(failures[0]):
            raise ServerError("E5005", f"the server refused every document: {faults.row_message(failures[0])}")


def of_one(identity: Any, *filters: Filter) -> Filter:
    """The document of this `_id`, if all filters match it."""
    return both({"_id": {"$eq": identity}}, *filters)


def _of_a_row(failure: Mapping[str, Any]) -> bool:
    """Whether the server's refusal can only be about the document itself, be it that of many others as well."""
    code = int(failure.get("code") or 0)
    return code in ANY_ROW or faults.code_of_row(code, faults.row_message(dict(failure))) != "E4009"


def _told(error: PyMongoError) -> tuple[int, str]:
    """The server's code and message for the document that it refused."""
    if isinstance(error, BulkWriteError) and error.details and error.details["writeErrors"]:
        failure = error.details["writeErrors"][0]
        return int(failure.get("code") or 0), faults.row_message(dict(failure))
    return int(getattr(error, "code", None) or 0), faults.brief(error)


__all__ = ["Updater", "of_one", "run_update"]
