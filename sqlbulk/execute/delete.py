"""DELETE: the selected documents, window by window, counted before where the options ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from sqlbulk.commands import DeleteWhere
from sqlbulk.errors import ServerError
from sqlbulk.execute import faults
from sqlbulk.execute.archive import Archiver
from sqlbulk.execute.faults import Fault
from sqlbulk.execute.returning import as_table, check_transactions, matching_ids, read_rows
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.stored import Site, check_obstacles, open_site
from sqlbulk.execute.sweep import Change, Outcome, Sweep
from sqlbulk.execute.transactions import InDoubtError, is_conflict, not_for_transactions
from sqlbulk.execute.windows import Window, of_window, stopped, time_limit
from sqlbulk.results import Result, WriteSummary

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

    from sqlbulk.execute.connection import Connection
    from sqlbulk.options import WriteOptions


def run_delete(
    command: DeleteWhere, connection: Connection, *, watcher: Watcher | None = None, stop: Stop | None = None
) -> Result:
    """Delete the selected documents, archived first if the command says so.

    Raises ServerError and its kinds with the counts so far, ArchiveDiffers among them, and ConnectionFailed.
    """
    site = open_site(command, connection)
    moves = command.archive is not None and not command.archive.marked
    verb = "MOVE" if moves else "DELETE"
    archiver = None if command.archive is None else Archiver(command, site, command.archive)
    change: Change = archiver or Deleter(command, site)
    workers = site.workers if command.options.parallel_deletion else 1
    sweep = Sweep(site.windows(command.selection), change, command.options, f"{verb} {command.collection}", workers,
                  site.patience, watcher=watcher, unblock=site.unblock, aborted=site.aborted)
    sweep.stop = stop or sweep.stop
    if archiver is None:
        check_transactions(site, command.returning)
    _check_count(site, command, sweep.summary)
    check_obstacles(site, command, sweep.summary)
    if archiver is not None:
        archiver.prepare()
    summary = sweep.execute()
    notices = {*sweep.notices, *(archiver.places.notices if archiver else ())}
    columns, rows = as_table(command.returning, sweep.rows) if command.returning else ((), [])
    return Result(verb, columns, rows, summary, tuple(sorted(notices)), command.collection)


def _check_count(site: Site, command: DeleteWhere, summary: WriteSummary) -> None:
    """Raise ServerError E5011 where the options allow another number of documents only."""
    options = command.options
    if options.confirm_deletion_count is None and options.max_delete_limit is None:
        return
    reason = not_the_number(options, site.count(command.selection))
    if reason is not None:
        raise ServerError("E5011", f"{reason}: nothing was deleted", summary=summary)


def not_the_number(options: WriteOptions, found: int) -> str | None:
    """Why so many documents may not be deleted, None if they may."""
    wanted, most = options.confirm_deletion_count, options.max_delete_limit
    if wanted is not None and found != wanted:
        return f"{found:,} documents match, but confirm_deletion_count is {wanted:,}"
    if most is not None and found > most:
        return f"{found:,} documents match, but max_delete_limit is {most:,}"
    return None


@dataclass(slots=True)
class Deleter:
    """Deletes the documents of a window that the selection's filter still matches."""

    command: DeleteWhere
    site: Site

    def __call__(self, window: Window, outcome: Outcome) -> None:
        """Delete a window; raises ServerError, ConnectionLost or ConnectionFailed where the statement is to stop."""
        selected = of_window(window.ids, self.command.selection.filter)

        def send(session: ClientSession | None) -> int:
            if self.command.returning is not None:
                ids = matching_ids(self.site, window.ids, self.command.selection.filter, session)
                outcome.rows = read_rows(self.site, self.command.returning, ids, session)
                deleted = self.site.collection.delete_many(of_window(ids), session=session, **self.site.shared)
                return deleted.deleted_count
            return self.site.collection.delete_many(selected, session=session, **self.site.shared).deleted_count

        attempt, doubtful, alone = 0, False, False
        while True:
            try:
                with time_limit(self.site.patience.left() if alone else None):
                    deleted = send(None) if alone else self.site.run(send, outcome.retried)
                break
            except InDoubtError as unsure:
                doubtful, fault, error = True, Fault.PASSING, unsure.error
            except PyMongoError as failed:
                if (not_for_transactions(failed) and self.site.transactions is not None
                        and self.command.returning is None):
                    self.site.transactions = None
                    continue
                if is_conflict(failed) and not alone and self.command.returning is None:
                    alone = True
                    continue
                fault, error = faults.classify(failed), failed
                single = alone or self.site.transactions is None
                doubtful = doubtful or (single and faults.may_have_written(failed))
            # a transaction has looked for a server again and again already
            given_up = fault is Fault.NOT_SENT and not alone and self.site.transactions is not None
            if given_up or not self.site.patience.allows(fault, attempt):
                outcome.in_doubt += len(window) if doubtful else 0
                raise stopped(error, self.site.patience, begun=True) from None
            outcome.retried()
            attempt += 1
        if doubtful:
            # the lost command may have deleted some, so those that are left tell more than the reply
            deleted = len(window) - self._left(window)
        outcome.deleted += deleted
        outcome.kept += len(window) - deleted

    def _left(self, window: Window) -> int:
        rows = self.site.aggregate([{"$match": of_window(window.ids)}, {"$count": "documents"}])
        return int(rows[0]["documents"]) if rows else 0
