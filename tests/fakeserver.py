"""A collection in memory that answers as MongoDB does, and fails on demand: the executor's tests write to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from bson import decode
from bson.raw_bson import RawBSONDocument
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.target import Operation, Reply

SUM = {"$fake": "sum"}
"""The update expression that the fake server understands: add n, remember the row."""


class FakeServer:
    """A collection with a unique index on `_id` and perhaps on another field.

    `faults` is asked before each command and gives None, or a kind of failure and how many of the rows take
    effect before it. `log` holds the commands: their name and number of rows.
    """

    def __init__(
        self, unique: str | None = None, faults: Callable[[], tuple[str, int] | None] = lambda: None,
        refuse: Callable[[dict[str, Any]], int | None] = lambda document: None,
    ) -> None:
        self.documents: list[dict[str, Any]] = []
        self.unique, self.faults, self.refuse = unique, faults, refuse
        self.log: list[tuple[str, int]] = []
        self._lock = threading.Lock()

    def insert(self, documents: Sequence[bytes], *, ordered: bool) -> Reply:
        with self._lock:
            self.log.append(("insert", len(documents)))
            fault = self.faults()
            inserted, failures = 0, []
            for index, document in enumerate(documents):
                if fault is not None and index >= fault[1]:
                    break
                failure = self._insert(decode(document, OPTIONS), index)
                if failure is None:
                    inserted += 1
                    continue
                failures.append(failure)
                if ordered:
                    break
            self._fail(fault)
            return Reply(inserted=inserted, failures=failures)

    def update(self, operations: Sequence[Operation], *, ordered: bool) -> Reply:
        with self._lock:
            self.log.append(("update", len(operations)))
            fault = self.faults()
            matched, upserted, failures = 0, set(), []
            for index, operation in enumerate(operations):
                if fault is not None and index >= fault[1]:
                    break
                found = self._find(operation.filter)
                if found is not None:
                    self._apply(found, operation)
                    matched += 1
                    continue
                failure = self._insert(self._made(operation), index)
                if failure is None:
                    upserted.add(index)
                else:
                    failures.append(failure)
                    if ordered:
                        break
            self._fail(fault)
            return Reply(matched=matched, modified=matched, upserted=frozenset(upserted), failures=failures)

    def stored(self, documents: Sequence[bytes], made: Sequence[bool]) -> list[bool]:
        with self._lock:
            self.log.append(("stored", len(documents)))
            self._fail(self.faults())
            wanted = [decode(document, OPTIONS) for document in documents]
            ids = [document["_id"] for document in self.documents]
            whole = [{k: v for k, v in document.items() if k != "applied"} for document in self.documents]
            return [w["_id"] in ids if own else w in whole for w, own in zip(wanted, made, strict=True)]

    def _insert(self, document: dict[str, Any], index: int) -> dict[str, Any] | None:
        code = self.refuse(document)
        if code is not None:
            return {"index": index, "code": code, "errmsg": "refused"}
        for field in ("_id", self.unique):
            if field is None:
                continue
            value = document.get(field)
            if any(stored.get(field) == value for stored in self.documents):
                return {"index": index, "code": 11000, "errmsg": f"E11000 dup key {field}",
                        "keyPattern": {field: 1}, "keyValue": {field: value}}
        self.documents.append({**document, "applied": [document.get("r")]})
        return None

    def _find(self, filter: Any) -> dict[str, Any] | None:
        ((field, condition),) = filter.items()
        value = condition.get("$eq", condition.get("$gte"))
        return next((d for d in self.documents if d.get(field) == value), None)

    def _apply(self, found: dict[str, Any], operation: Operation) -> None:
        new, _, _, stored = _parts(operation)
        if stored == SUM:
            found["n"] += new["n"]
            found["applied"].append(new["r"])
        elif stored != "$$ROOT":
            kept = found["_id"]
            applied = [*found["applied"], new["r"]]
            found.clear()
            found.update({"_id": kept, **new, "applied": applied})

    def _made(self, operation: Operation) -> dict[str, Any]:
        new, _, made, _ = _parts(operation)
        return new if made == "$$new" else {**made["$mergeObjects"][0], **new}

    def _fail(self, fault: tuple[str, int] | None) -> None:
        if fault is not None:
            raise error_of(fault[0])


def _parts(operation: Operation) -> tuple[dict[str, Any], Any, Any, Any]:
    let = operation.pipeline[0]["$replaceWith"]["$let"]
    new: Any = let["vars"]["new"]["$literal"]
    assert isinstance(new, RawBSONDocument)
    absent, made, stored = let["in"]["$cond"]
    return decode(new.raw, OPTIONS), absent, made, stored


def error_of(kind: str) -> PyMongoError:
    """A failure of a whole command."""
    if kind == "away":
        return ServerSelectionTimeoutError("localhost:1: refused (configured timeouts: x), Timeout: 5s")
    if kind == "lost":
        return AutoReconnect("connection closed")
    if kind == "busy":
        return OperationFailure("too many", 462, {"errorLabels": ["SystemOverloadedError", "RetryableError"]})
    if kind == "stepdown":
        return OperationFailure("not primary", 10107, {"errorLabels": ["NoWritesPerformed"]})
    return OperationFailure(kind, int(kind), {})
