"""What the driver raises, in classes of what to do about it, and as errors of ours."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from sqlbulk.commands_steps import ENDLESS
from sqlbulk.errors import ConnectionFailed, ConnectionLost, ServerError

if TYPE_CHECKING:
    from sqlbulk.errors import SqlbulkError


class Fault(Enum):
    """What a failed command calls for."""

    NOT_SENT = "no server was found, so nothing was sent: send again"
    LOST = "sent, but no reply: find out what is in, then send the rest again"
    PASSING = "refused for now: send again"
    OVERLOAD = "refused because the server is busy: wait longer, then send again"
    DOCUMENT = "one of the rows is to blame for the whole command: find it"
    STATEMENT = "no row of this statement can succeed: stop"
    SECURITY = "not allowed: stop"
    TIME = "out of time: stop"


PASSING = frozenset({
    6, 7, 89, 91, 112, 134, 189, 202, 246, 251, 262, 317, 358, 384, 402, 406, 407, 412, 453, 9001, 10058, 10107,
    11600, 11602, 13435, 13436, 91331, 10045600,
})
_WALK_TOO_LARGE = frozenset({40099, 146})
"""Codes of a $graphLookup that finds more than it may keep in memory."""
OVERLOAD = frozenset({365, 433, 449, 450, 462})
SECURITY = frozenset({13, 18, 391, 8000})
TIMES = frozenset({50})
DOCUMENT = frozenset({2, 9, 15, 16, 17, 22, 10334, 17280, 17419, 17420})
"""Codes of a refused command for which one row may be to blame; as codes of a single row all but these…"""
STATEMENT = frozenset({
    20, 26, 48, 59, 67, 72, 73, 79, 100, 115, 166, 167, 168, 235, 292, 371, 13113, 14031, 31002, 40324, 40414, 40415,
    15999, 40353, 16020, 17276,
})
"""…codes mean that no row can succeed: views, time series, options, expressions, a full disk."""
SETTLED_CONCERNS = frozenset({79, 100})
"""Write concerns that can't ever be met, unlike those that only took too long."""

DUPLICATE_KEY = 11000
_CUT_SHORT = frozenset({11601, 14031})
_VALIDATION = 121
_TOO_LARGE = frozenset({10334, 16493, 17419, 17420, 17280})
_BAD_NAME = frozenset({52, 55, 56, 57})


def classify(error: PyMongoError) -> Fault:
    """The class of what the driver raised for a whole command."""
    if isinstance(error, ServerSelectionTimeoutError):
        return Fault.NOT_SENT
    if isinstance(error, ExecutionTimeout):
        return Fault.TIME
    if error.has_error_label("SystemOverloadedError"):
        return Fault.OVERLOAD
    if isinstance(error, AutoReconnect | ConnectionFailure):
        return Fault.LOST
    if isinstance(error, OperationFailure):
        return _classify_code(error.code or 0, error)
    return Fault.STATEMENT


def _classify_code(code: int, error: PyMongoError) -> Fault:
    for fault, codes in _CODES:
        if code in codes:
            return fault
    return Fault.PASSING if error.has_error_label("RetryableWriteError") else Fault.STATEMENT


_CODES = (
    (Fault.OVERLOAD, OVERLOAD), (Fault.PASSING, PASSING), (Fault.SECURITY, SECURITY), (Fault.TIME, TIMES),
    (Fault.DOCUMENT, DOCUMENT),
)


def may_have_written(error: PyMongoError) -> bool:
    """Whether a command that failed as a whole may have written some of its rows, or all of them."""
    unsure = classify(error) in (Fault.LOST, Fault.PASSING, Fault.OVERLOAD, Fault.TIME)
    return (unsure or getattr(error, "code", None) in _CUT_SHORT) and not is_harmless(error)


def is_harmless(error: PyMongoError) -> bool:
    """Whether the server says that the command did nothing, so that even `n = n + 1` may be sent again."""
    return (
        isinstance(error, ServerSelectionTimeoutError)
        or error.has_error_label("NoWritesPerformed")
        or (error.has_error_label("RetryableError") and error.has_error_label("SystemOverloadedError"))
    )


def code_of_row(server_code: int, message: str) -> str:
    """Our code for a row that the server refused."""
    if server_code == DUPLICATE_KEY:
        return "E4007"
    if server_code == _VALIDATION:
        return "E4008"
    if server_code in _TOO_LARGE or "too large" in message:
        return "E4004"
    return "E4005" if server_code in _BAD_NAME else "E4009"


def row_message(failure: dict[str, Any]) -> str:
    """A row's refusal in one line, with the failed rule where the server tells it."""
    message = " ".join(str(failure.get("errmsg", "")).split())
    message = _IN_THE_WAY.sub(r"something that is not a document stands above a field to be set: \1", message)
    details = (failure.get("errInfo") or {}).get("details")
    return shortened(f"{message}: {details}" if details else message)


_IN_THE_WAY = re.compile(
    r"^(?:PlanExecutor error during aggregation :: caused by :: )?"
    r"\$mergeObjects requires object inputs, but input (.*) is of type \w+$")


def shortened(text: str, length: int = 400) -> str:
    """The text, cut where it gets long."""
    return text if len(text) <= length else text[: length - 1] + "…"


def connection_error(error: PyMongoError) -> ConnectionFailed:
    """What went wrong before anything was sent."""
    if isinstance(error, OperationFailure):
        return _refusal(error)
    if isinstance(error, ConfigurationError):
        return ConnectionFailed("E5001", f"the connection can't be set up: {brief(error)}")
    return ConnectionFailed("E5001", f"no MongoDB answers: {brief(error)}")


def not_allowed(message: str) -> ConnectionFailed:
    """The user lacks a right; the command that the server shows is cut down to its name and its target."""
    refused = _NOT_AUTHORIZED.search(message)
    if refused is None:
        hint = _WITH_LOGIN if "requires authentication" in message else None
        return ConnectionFailed("E5003", f"not allowed: {message}", hint=hint)
    database, command, collection = refused.groups()
    target = f"{database}.{collection}" if collection else database
    # of a long pipeline the end, which may write, is cut off
    role = "readWrite" if _MAY_WRITE.search(message) else _ROLES.get(command, "readWrite")
    return ConnectionFailed("E5003", f"not allowed: the user has no right to {command} on {target}",
                            hint=f"ask for a role that gives it, such as {role} on {database}")


_NOT_AUTHORIZED = re.compile(r'not authorized on (\S+) to execute command \{ (\w+): (?:"([^"]*)")?')
_MAY_WRITE = re.compile(r"\$out|\$merge|…$")
_WITH_LOGIN = "the server wants to know who asks: mongodb://user:password@host:27017/?authSource=admin"
_ROLES = {
    "aggregate": "read", "find": "read", "count": "read", "distinct": "read", "listCollections": "read",
    "listIndexes": "read", "collStats": "read", "dbStats": "read", "collMod": "dbAdmin",
    "listDatabases": "readAnyDatabase",
}


def _refusal(error: OperationFailure) -> ConnectionFailed:
    if error.code == 13:
        return not_allowed(brief(error))
    if error.code in SECURITY:
        return ConnectionFailed("E5002", f"login refused: {brief(error)}")
    return ConnectionFailed("E5001", f"the server answers with an error: {brief(error)}")


def statement_error(error: PyMongoError, *, begun: bool) -> SqlbulkError:
    """What went wrong with a whole statement; `begun`: a command was sent before or may have been."""
    endless = str(error).partition(ENDLESS)[2].partition("'")[0]
    if endless:
        return ServerError("E5022", endless)
    if getattr(error, "code", None) in _WALK_TOO_LARGE and "graphLookup" in str(error):
        return ServerError("E5005", brief(error), hint="WITH RECURSIVE t AS MATERIALIZED (…) goes round after round")
    fault = classify(error)
    if fault is Fault.SECURITY or (fault is Fault.NOT_SENT and not begun):
        return connection_error(error)
    if fault in (Fault.LOST, Fault.NOT_SENT):
        return ConnectionLost("E5004", f"connection lost: {brief(error)}")
    if fault is Fault.TIME:
        return ServerError("E5006", f"out of time: {brief(error)}")
    return ServerError("E5005", f"the server refused: {brief(error)}")


def brief(error: PyMongoError) -> str:
    """The driver's message in one line, without the topology and the full reply."""
    text = " ".join(str(error).split())
    text = re.split(r", full error: |, Timeout: |, Topology Description: ", text)[0]
    return shortened(re.sub(r" ?\(configured timeouts: [^)]*\)", "", text))
