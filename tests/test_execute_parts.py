"""The executor's pure parts: waiting, rates, error classes, sorting, upsert operations, callers' rows, threads."""

from __future__ import annotations

import errno
import itertools
import random
import threading
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import encode
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from sqlbulk.commands import Conflict
from sqlbulk.errors import ConnectionFailed, ConnectionLost, ServerError, UsageError
from sqlbulk.execute import callerrows, faults, sorting
from sqlbulk.execute.batches import Batch, next_rows
from sqlbulk.execute.callerrows import caller_source
from sqlbulk.execute.crew import Crew
from sqlbulk.execute.encode import Encoded, Ids, Origin
from sqlbulk.execute.faults import Fault, classify
from sqlbulk.execute.indexes import UniqueIndex, find_colliding
from sqlbulk.execute.pace import Bucket, bytes_a_batch, rows_a_batch
from sqlbulk.execute.query_rows import QuerySource
from sqlbulk.execute.retry import LONGEST, Patience, backoff
from sqlbulk.execute.sorting import Sorter, sort_key
from sqlbulk.execute.upserts import Upserts, collision_filter, key_filter, taken_apart, touches, without_field
from sqlbulk.option_kinds import RateLimit
from sqlbulk.rowdata import Chunk
from sqlbulk.types import MISSING

# Taking rows


@pytest.mark.parametrize(("size", "room", "lengths"), [
    (2, 10**6, [2, 2, 1]), (9, 10**6, [5]), (9, 30, [2, 2, 1]), (9, 0, [1, 1, 1, 1, 1]),
])
def test_rows_are_taken_by_number_and_size_but_always_one(size: int, room: int, lengths: list[int]) -> None:
    rows = iter([{"a": 1.0}] * 5)
    assert len(encode({"a": 1.0})) == 16
    taken = [len(next_rows(rows, size, room)) for _ in range(len(lengths) + 1)]
    assert taken == [*lengths, 0]


# Waiting


@given(st.integers(0, 100), st.floats(0, 1))
def test_backoff_is_bounded_and_grows(attempt: int, chance: float) -> None:
    assert 0 <= backoff(attempt, first=0.1, chance=chance) <= LONGEST
    assert backoff(attempt, first=0.1, chance=1) <= backoff(attempt + 1, first=0.1, chance=1)


def test_patience_ends_with_attempts_deadline_or_the_run() -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> bool:
        waited.append(seconds)
        return False

    patience = Patience(attempts=2, sleep=sleep, chance=lambda: 1.0)
    assert [patience.allows(Fault.LOST, n) for n in range(4)] == [True, True, False, False]
    assert waited == [0.1, 0.2]
    assert not patience.allows(Fault.STATEMENT, 0)
    assert patience.allows(Fault.OVERLOAD, 1)
    assert waited[-1] == 1.0
    assert patience.left() is None
    assert not patience.expired()
    hasty = Patience(attempts=9, deadline=10.0, clock=lambda: 9.95, sleep=sleep, chance=lambda: 1.0)
    assert not hasty.allows(Fault.LOST, 0)
    assert hasty.left() == pytest.approx(0.05)
    assert Patience(deadline=10.0, clock=lambda: 10.0).expired()
    assert not Patience(sleep=lambda seconds: True).allows(Fault.LOST, 0)
    assert Patience(chance=lambda: 0.0).allows(Fault.LOST, 0)


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 3)), min_size=1, max_size=40), st.booleans())
def test_no_second_sees_much_more_than_the_rate(batches: list[tuple[int, float]], by_rows: bool) -> None:
    now = [0.0]
    rate = 100.0
    bucket = Bucket(RateLimit(rows=rate) if by_rows else RateLimit(bytes=rate), clock=lambda: now[0])
    sent = 0
    for amount, pause in batches:
        now[0] += pause
        wait = bucket.take(amount if by_rows else 1, 1 if by_rows else amount)
        now[0] += wait
        assert sent <= rate * (now[0] + 0.25) + 1e-6
        sent += amount


def test_both_rates_count_and_batches_suit_the_rate() -> None:
    now = [0.0]
    bucket = Bucket(RateLimit(rows=10, bytes=1000), clock=lambda: now[0])
    assert bucket.take(5, 3000) == 0
    assert bucket.take(1, 1) == pytest.approx(3.0)
    assert rows_a_batch(None, 5000) == 5000
    assert rows_a_batch(RateLimit(bytes=10), 5000) == 5000
    assert rows_a_batch(RateLimit(rows=100), 5000) == 25
    assert rows_a_batch(RateLimit(rows=1), 5000) == 1
    assert bytes_a_batch(None, 5000) == 5000
    assert bytes_a_batch(RateLimit(rows=10), 5000) == 5000
    assert bytes_a_batch(RateLimit(bytes=10_000), 5000) == 2500
    assert bytes_a_batch(RateLimit(bytes=2), 5000) == 1


# Error classes


def failure(code: int, *labels: str) -> OperationFailure:
    return OperationFailure("no", code, {"errorLabels": list(labels)})


@pytest.mark.parametrize(("error", "expected"), [
    (ServerSelectionTimeoutError("x"), Fault.NOT_SENT), (AutoReconnect("x"), Fault.LOST),
    (NetworkTimeout("x"), Fault.LOST), (ExecutionTimeout("x", 50), Fault.TIME),
    (failure(13), Fault.SECURITY), (failure(11600), Fault.PASSING), (failure(433), Fault.OVERLOAD),
    (failure(1, "SystemOverloadedError"), Fault.OVERLOAD), (failure(10334), Fault.DOCUMENT),
    (failure(73), Fault.STATEMENT), (failure(99999), Fault.STATEMENT), (failure(99999, "RetryableWriteError"), Fault.PASSING),
    (PyMongoError("x"), Fault.STATEMENT), (failure(50), Fault.TIME),
])
def test_classes(error: PyMongoError, expected: Fault) -> None:
    assert classify(error) is expected


def test_what_may_have_been_written() -> None:
    assert faults.may_have_written(AutoReconnect("x"))
    assert faults.may_have_written(failure(14031))
    assert not faults.may_have_written(failure(73))
    assert not faults.may_have_written(failure(11600, "NoWritesPerformed"))
    assert not faults.may_have_written(failure(462, "SystemOverloadedError", "RetryableError"))
    assert not faults.may_have_written(ServerSelectionTimeoutError("x"))


@pytest.mark.parametrize(("code", "message", "expected"), [
    (11000, "", "E4007"), (121, "", "E4008"), (10334, "", "E4004"), (2, "object to insert too large", "E4004"),
    (52, "", "E4005"), (2, "x", "E4009"), (0, "", "E4009"),
])
def test_codes_of_rows(code: int, message: str, expected: str) -> None:
    assert faults.code_of_row(code, message) == expected


def test_messages_are_one_line() -> None:
    error = OperationFailure("bad\n thing, full error: {'x': 1}", 13)
    assert faults.brief(error) == "bad thing"
    away = ServerSelectionTimeoutError("h:1: refused (configured timeouts: connectTimeoutMS: 1ms), Timeout: 5s, Topology")
    assert faults.brief(away) == "h:1: refused"
    message = faults.row_message({"errmsg": "Document\nfailed", "errInfo": {"details": {"rule": 1}}})
    assert message == "Document failed: {'rule': 1}"
    assert len(faults.shortened("x" * 900)) == 400


@pytest.mark.parametrize(("error", "begun", "kind", "code"), [
    (failure(13), True, ConnectionFailed, "E5003"), (failure(18), False, ConnectionFailed, "E5002"),
    (ServerSelectionTimeoutError("x"), False, ConnectionFailed, "E5001"),
    (ServerSelectionTimeoutError("x"), True, ConnectionLost, "E5004"), (AutoReconnect("x"), False, ConnectionLost, "E5004"),
    (failure(50), True, ServerError, "E5006"), (failure(73), True, ServerError, "E5005"),
])
def test_errors_of_statements(error: PyMongoError, begun: bool, kind: type, code: str) -> None:
    found = faults.statement_error(error, begun=begun)
    assert (type(found), found.code) == (kind, code)


@pytest.mark.parametrize(("said", "message", "hint"), [
    ('not authorized on x to execute command { update: "t", ordered: true, $db: "x" }',
     "not allowed: the user has no right to update on x.t", "ask for a role that gives it, such as readWrite on x"),
    ('not authorized on x to execute command { aggregate: "t", pipeline: [ { $project: { a: 1 } } ] }',
     "not allowed: the user has no right to aggregate on x.t", "ask for a role that gives it, such as read on x"),
    ('not authorized on x to execute command { aggregate: "t", pipeline: [ { $out: { db: "x", coll: "u" } } ] }',
     "not allowed: the user has no right to aggregate on x.t", "ask for a role that gives it, such as readWrite on x"),
    ("not authorized on admin to execute command { listDatabases: 1 }",
     "not allowed: the user has no right to listDatabases on admin", "ask for a role that gives it, such as readAnyDatabase on admin"),
    ("command aggregate requires authentication", "not allowed: command aggregate requires authentication",
     "the server wants to know who asks: mongodb://user:password@host:27017/?authSource=admin"),
    ("not today", "not allowed: not today", None),
])
def test_rights_that_are_missing(said: str, message: str, hint: str | None) -> None:
    error = faults.statement_error(OperationFailure(said, 13), begun=True)
    assert (str(error.message), error.hint) == (message, hint)


def test_errors_of_recursions() -> None:
    circle = faults.statement_error(
        OperationFailure("Failed to parse number 'endless recursion: t comes back to where it was' in $convert", 241), begun=False)
    assert isinstance(circle, ServerError)
    assert (circle.code, circle.message) == ("E5022", "t comes back to where it was")
    large = faults.statement_error(OperationFailure("$graphLookup reached maximum memory consumption", 40099), begun=False)
    assert isinstance(large, ServerError)
    assert large.code == "E5005" and "MATERIALIZED" in str(large)


def test_errors_of_connections() -> None:
    assert faults.connection_error(failure(59)).code == "E5001"
    assert faults.connection_error(ConfigurationError("x")).code == "E5001"


# Sorting

scalars = st.one_of(
    st.none(), st.just(MISSING), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.text(max_size=2),
    st.just(float("nan")), st.just(Decimal("NaN")), st.decimals(-5, 5, places=1), st.binary(max_size=2), st.datetimes(),
    st.dates(), st.uuids(), st.builds(Decimal128, st.sampled_from(["1.5", "NaN", "-3"])),
    st.builds(ObjectId, st.binary(min_size=12, max_size=12)), st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.text("ab", max_size=1), st.integers(0, 2), max_size=2), st.just(complex(1, 2)))


def rows_with(keys: list[tuple[Any, ...]], origin: Origin | None = None) -> Encoded:
    origin = origin or Origin(Chunk([], []).locate, Chunk([], []).excerpt)
    return Encoded([b"%d" % i for i in range(len(keys))], list(range(1, len(keys) + 1)), [origin] * len(keys),
                   list(range(len(keys))), keys)


def sorted_rows(rows: list[Encoded], directions: list[bool], memory: int) -> list[tuple[int, tuple[Any, ...]]]:
    with Sorter(directions, memory) as sorter:
        for part in rows:
            sorter.add(part)
        return [(o, k) for part in sorter.rows() for o, k in zip(part.ordinals, part.keys, strict=True)]


@given(st.lists(st.tuples(st.just("key"), scalars, scalars), max_size=30), st.booleans(), st.booleans(),
       st.sampled_from([1, 3_000, 1 << 20]))
def test_sorting_on_disk_is_sorting_in_memory(
    keys: list[tuple[Any, ...]], first: bool, second: bool, memory: int
) -> None:
    found = sorted_rows([rows_with(keys)], [first, second], memory)
    expected = list(enumerate(keys, 1))
    expected.sort(key=lambda item: sort_key(item[1][2]), reverse=second)
    expected.sort(key=lambda item: sort_key(item[1][1]), reverse=first)
    assert [o for o, _ in found] == [o for o, _ in expected]
    assert all(key == ("key",) for _, key in found)


def test_many_runs_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "FAN_IN", 3)
    monkeypatch.setattr(sorting, "PIECE", 7)
    values = list(range(50))
    random.Random(1).shuffle(values)
    found = sorted_rows([rows_with([(value,) for value in values])], [False], 1)
    assert [values[o - 1] for o, _ in found] == list(range(50))


def test_places_and_texts_survive_sorting() -> None:
    origin = Origin(lambda i: None, lambda i: f"text {i}")
    with Sorter([True], 1) as sorter:
        sorter.add(rows_with([(1,), (2,)], origin))
        (part,) = sorter.rows()
    assert [part.origins[i].excerpt(part.indexes[i]) for i in range(2)] == ["text 1", "text 0"]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "no space is left"), (errno.EIO, "no temporary file")])
def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def dump(*_: Any) -> None:
        raise OSError(number, "x")

    monkeypatch.setattr(sorting.pickle, "dump", dump)
    with Sorter([False], 1) as sorter, pytest.raises(UsageError, match=words):
        sorter.add(rows_with([(1,)]))


def test_the_order_of_kinds_is_mongodbs() -> None:
    ordered = [None, float("nan"), -1, Decimal("0.5"), 1, "", "a", {}, {"a": 1}, [], b"x", uuid.UUID(int=0),
               ObjectId(b"\0" * 12), False, True, date(2020, 1, 1), datetime(2020, 1, 2, tzinfo=UTC)]
    assert sorted(ordered, key=sort_key) == ordered
    assert sort_key(MISSING) == sort_key(None)


# Upserts

SUM = {"$mergeObjects": ["$$ROOT", {"n": {"$add": ["$n", "$$new.n"]}}]}


def encoded(ids: Ids, *, own: bool) -> Encoded:
    import bson

    document = {"_id": 5 if own else ObjectId(ids.of(1)), "k": 1}
    return Encoded([bson.encode(document)], [1])


def body_of(conflict: Conflict, *, own: bool) -> tuple[dict[str, Any], Any, Any]:
    ids = Ids()
    operation = Upserts(conflict, ids).operation(encoded(ids, own=own), 0, {"k": {"$eq": 1}})
    document, row, stored = taken_apart(operation)
    assert (row, set(document)) == ({"_id": 5, "k": 1} if own else {"k": 1}, {"_id", "k"})
    assert stored == operation.pipeline[0]["$replaceWith"]["$let"]["in"]["$cond"][2]
    let = operation.pipeline[0]["$replaceWith"]["$let"]
    _, made, stored = let["in"]["$cond"]
    return dict(let["vars"]["new"]["$literal"]), made, stored


def test_operations_keep_the_stored_id() -> None:
    new, made, stored = body_of(Conflict("update", None, SUM), own=False)
    assert new == {"k": 1}
    assert list(made["$mergeObjects"][0]) == ["_id"]
    assert stored == SUM
    new, made, stored = body_of(Conflict("replace"), own=True)
    assert (new, made, stored) == ({"_id": 5, "k": 1}, "$$new", {"$mergeObjects": ["$$new", {"_id": "$_id"}]})
    _, _, stored = body_of(Conflict("replace"), own=False)
    assert stored == {"$mergeObjects": [{"_id": "$_id"}, "$$new"]}
    _, _, stored = body_of(Conflict("nothing"), own=False)
    assert stored == "$$ROOT"
    _, _, stored = body_of(Conflict("update", None, SUM, condition="$c", unset=("a",)), own=False)
    assert stored == {"$cond": ["$c", without_field(SUM, ("a",)), "$$ROOT"]}
    below = {"$getField": {"field": {"$literal": "a"}, "input": "$$whole"}}
    assert without_field(SUM, ("a", "b")) == {"$let": {"vars": {"whole": SUM}, "in": {"$setField": {
        "field": {"$literal": "a"}, "input": "$$whole",
        "value": {"$cond": [{"$eq": [{"$type": below}, "object"]}, without_field(below, ("b",)), below]}}}}}
    assert Upserts(Conflict("nothing"), Ids()).repeatable
    assert not Upserts(Conflict("update", None, SUM), Ids()).repeatable


def test_filters_take_values_literally() -> None:
    hostile = {"$gt": ""}
    assert key_filter([("a", "b"), ("_id",)], [hostile, 5]) == {
        "a.b": {"$eq": hostile}, "_id": {"$gte": 5, "$lte": 5}}


def test_filters_of_collisions() -> None:
    import bson

    row = bson.encode({"_id": 7, "k": "ABC", "a": {"b": 1}})
    error = {"keyPattern": {"k": 1}, "keyValue": {"k": "x"}}
    assert collision_filter(row, error, None) == {"k": {"$eq": "x"}}
    assert collision_filter(row, error, {"on": True}) == {"$and": [{"k": {"$eq": "x"}}, {"on": True}]}
    assert collision_filter(row, {**error, "hexEncoded": [True]}, None) == {"k": {"$eq": "ABC"}}
    assert collision_filter(row, {"keyPattern": {"a.b": 1}}, None) == {"a.b": {"$eq": 1}}
    assert collision_filter(row, {"keyPattern": {"_id": 1}, "keyValue": {"_id": 0}}, None) == {
        "_id": {"$gte": 7, "$lte": 7}}


@pytest.mark.parametrize(("expression", "expected"), [
    (SUM, False), ({"$mergeObjects": ["$$ROOT", {"k": 1}]}, True), ({"$mergeObjects": ["$$ROOT", {"k.x": 1}]}, True),
    ({"$setField": {"field": "k", "input": "$$ROOT", "value": 1}}, True),
    ({"$setField": {"field": {"$literal": "k"}, "input": "$$ROOT", "value": 1}}, True),
    ({"$setField": {"field": {"$literal": "n"}, "input": "$$ROOT", "value": {"$add": ["$k", 1]}}}, False),
    (None, False), ("$k", False),
])
def test_updates_that_touch_a_key(expression: Any, expected: bool) -> None:
    assert touches(expression, frozenset({"k"})) == expected


def test_the_index_that_was_hit() -> None:
    one, two = UniqueIndex("one", ("k",)), UniqueIndex("two", ("k",), partial={"on": True})
    error = {"keyPattern": {"k": 1}, "errmsg": "E11000 collection: t.c index: two dup key: { k: 1 }"}
    assert find_colliding((one, two), error) is two
    assert find_colliding((one,), error) is one
    assert find_colliding((), error) is None
    assert (one.plain, two.plain) == (True, False)


# Callers' rows


def test_callers_rows_are_read_lazily() -> None:
    taken: list[int] = []

    def rows() -> Any:
        for i in range(5000):
            taken.append(i)
            yield (i,)

    chunks = iter(caller_source(rows()))
    first = next(chunks)
    assert (len(first.rows), list(first.ordinals)[:2], first.consumed) == (1000, [1, 2], 1000)
    assert len(taken) == 1000
    assert next(chunks).ordinals[0] == 1001
    assert caller_source(rows()).size is None
    assert caller_source([1, 2]).size == 2
    assert list(caller_source([])) == []


@pytest.mark.parametrize("rows", [None, "text", b"bytes", {"a": 1}, 5])
def test_what_holds_no_rows(rows: Any) -> None:
    with pytest.raises(UsageError) as caught:
        caller_source(rows)
    assert caught.value.code == "E6001"


# Threads


def test_a_crew_bounds_what_waits() -> None:
    release, most, lock, ticks = threading.Event(), [0, 0], threading.Lock(), [0]

    def write(batch: Batch) -> None:
        with lock:
            most[0] += 1
        release.wait(5)

    def tick() -> None:
        ticks[0] += 1
        release.set()

    crew = Crew(write, workers=1, lanes=False, room=100, tick=tick)
    assert crew.submit(Batch(Encoded(), 500))
    assert ticks[0] == 0
    assert crew.submit(Batch(Encoded(), 10))
    assert ticks[0] > 0
    crew.finish()
    assert most[0] == 2
    assert not crew.submit(Batch(Encoded(), 1))


def test_a_halted_crew_forgets_what_waits() -> None:
    started, release, written = threading.Event(), threading.Event(), []

    def write(batch: Batch) -> None:
        started.set()
        release.wait(5)
        written.append(batch.size)

    crew = Crew(write, workers=2, lanes=True, room=1000)
    crew.submit(Batch(Encoded(), 1, lane=0))
    started.wait(5)
    crew.submit(Batch(Encoded(), 2, lane=0))
    crew.halt()
    release.set()
    crew.finish()
    assert written == [1]


@pytest.mark.parametrize("row", [("x" * 1_000_000,), {"a": {"b": ["x" * 500_000, b"x" * 500_000]}}])
def test_large_rows_of_the_caller_come_a_few_at_a_time(row: Any) -> None:
    chunks = [len(chunk.rows) for chunk in caller_source([row] * 20)]
    assert sum(chunks) == 20 and max(chunks) <= 6
    assert [len(chunk.rows) for chunk in caller_source([(1,), (2,)] * 600)] == [1_000, 200]


def test_large_rows_of_a_query_come_a_few_at_a_time() -> None:
    documents = [RawBSONDocument(encode({"_id": number, "v": "x" * 1_000_000})) for number in range(10)]
    chunks = list(QuerySource(iter(documents)))  # type: ignore[arg-type]
    assert [len(chunk.rows) for chunk in chunks] == [5, 5, 0]
    assert [number for chunk in chunks for number in chunk.ordinals] == list(range(1, 11))


def test_rows_that_come_slowly_are_handed_on_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callerrows, "PATIENCE", -1.0)
    assert [len(chunk.rows) for chunk in caller_source(iter(range(3)))] == [1, 1, 1]
    moments = itertools.count(0.0, 0.1)
    monkeypatch.setattr(callerrows, "PATIENCE", 0.15)
    monkeypatch.setattr(callerrows.time, "monotonic", lambda: next(moments))
    chunks = list(caller_source(iter(range(40))))
    assert [(len(chunk.rows), list(chunk.ordinals)[:1]) for chunk in chunks] == [(38, [1]), (2, [39])]
