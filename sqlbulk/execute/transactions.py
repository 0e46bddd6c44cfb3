"""A piece of work in a transaction: all of it or nothing, sent again where the server says that it may be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from sqlbulk.execute import faults
from sqlbulk.execute.faults import Fault
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.windows import time_limit

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.client_session import ClientSession

Result = TypeVar("Result")

NOT_FOR_TRANSACTIONS = frozenset({20, 263})
"""Codes of what a transaction can't do: a server without them, time series."""
TOO_MUCH = frozenset({257, 388})
"""Codes of a transaction that is too large."""
GRACE = 5.0
"""Seconds that a commit may take when the deadline has passed."""
TRANSIENT, UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"


class InDoubtError(Exception):
    """The commit was sent, and no answer came. `error` is the driver's."""

    def __init__(self, error: PyMongoError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class Transactions:
    """Runs work in transactions of one client. `retried` is told when it is done again."""

    client: MongoClient[dict[str, Any]]
    patience: Patience
    write_concern: WriteConcern | None = None

    def run(self, work: Callable[[ClientSession], Result], retried: Callable[[], None]) -> Result:
        """What `work` gives. Raises the driver's error after nothing was done, InDoubtError where that isn't known."""
        attempt = 0
        with self.client.start_session() as session:
            while True:
                try:
                    return self._attempt(session, work)
                except PyMongoError as error:
                    if not _may_repeat(error) or not self.patience.allows(Fault.PASSING, attempt):
                        raise
                attempt += 1
                retried()

    def _attempt(self, session: ClientSession, work: Callable[[ClientSession], Result]) -> Result:
        session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=self.write_concern)
        try:
            with time_limit(self.patience.left()):
                result = work(session)
        except BaseException:
            with suppress(PyMongoError):
                session.abort_transaction()
            raise
        self._commit(session)
        return result

    def _commit(self, session: ClientSession) -> None:
        attempt = 0
        while True:
            try:
                # a little longer than allowed is better than not to know
                left = self.patience.left()
                with time_limit(None if left is None else max(left, GRACE)):
                    session.commit_transaction()
                return
            except PyMongoError as error:
                if error.has_error_label(TRANSIENT) and not error.has_error_label(UNKNOWN):
                    raise
                if not error.has_error_label(UNKNOWN) or not self.patience.allows(Fault.PASSING, attempt):
                    raise InDoubtError(error) from None
            attempt += 1


def _may_repeat(error: PyMongoError) -> bool:
    """Whether the same transaction may do when it is tried again; none of it was done."""
    return error.has_error_label(TRANSIENT) or faults.classify(error) in (Fault.NOT_SENT, Fault.OVERLOAD)


def not_for_transactions(error: PyMongoError) -> bool:
    """Whether the work can only be done without a transaction."""
    return isinstance(error, OperationFailure) and error.code in NOT_FOR_TRANSACTIONS


def is_conflict(error: PyMongoError) -> bool:
    """Whether the server found another transaction in the way, perhaps one that a killed client left behind.

    Without a transaction a write waits until that one ends.
    """
    return isinstance(error, OperationFailure) and error.has_error_label(TRANSIENT)


def too_much(error: PyMongoError) -> bool:
    """Whether the transaction was too large, or took too long."""
    return isinstance(error, OperationFailure) and error.code in TOO_MUCH
