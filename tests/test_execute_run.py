"""Runs against a collection in memory: counts under faults, order, limits, ends. The store is the oracle."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fakeserver import SUM, FakeServer
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlbulk.commands import Conflict, Shape
from sqlbulk.errors import (
    ConnectionFailed,
    ConnectionLost,
    Interrupted,
    ServerError,
    Source,
    Span,
    SqlbulkError,
    SqlSyntaxError,
    TooManyErrors,
)
from sqlbulk.execute.batches import Limits
from sqlbulk.execute.callerrows import CallerSource
from sqlbulk.execute.conflicts import InsertFirst, Inserting, Keyed, Plain, Strategy, has_no_array, has_no_null
from sqlbulk.execute.documents import compile_shape
from sqlbulk.execute.encode import Encoder, Ids
from sqlbulk.execute.retry import Patience
from sqlbulk.execute.runner import Run, settled, told
from sqlbulk.execute.writer import Writer
from sqlbulk.option_kinds import ErrorLimit, RateLimit, SortKey
from sqlbulk.options import WriteOptions
from sqlbulk.results import WriteSummary
from sqlbulk.rowdata import Chunk, Location, RowError

QUICK = Patience(attempts=3, sleep=lambda seconds: False)
K = (("k",),)
DEFAULTS = WriteOptions()


def make_run(
    server: Any, rows: Any, options: WriteOptions = DEFAULTS, conflict: Conflict | None = None, *,
    patience: Patience = QUICK, chunk: int = 4, **more: Any,
) -> Run:
    source = rows if hasattr(rows, "columns") else Chunks(rows, chunk)
    ids = Ids()
    writer = Writer(server, ids, patience)
    flags = {"ordered": options.ordered, "go_on": options.continue_on_error}
    workers = 1 if options.ordered else options.parallel_workers
    strategy: Strategy = Plain(writer, **flags)
    key = None
    if conflict is not None and conflict.keys is not None:
        key = conflict.keys
        strategy = Keyed(writer, conflict, key, strategy, has_no_null, **flags)
    elif conflict is not None:
        first = InsertFirst(writer, conflict, **flags)
        key = K if server.unique else (("_id",),)
        first.by_key = Keyed(writer, conflict, key, Inserting(first), has_no_array, **flags)
        strategy = first
    sorting = tuple((key.field,) for key in options.sort_by)
    run = Run(
        source, Encoder(compile_shape(Shape(None), None), ids, key=(*(key or ()), *sorting) or None), strategy,
        options, Limits(options.batch_size), workers=workers, keyed=key is not None, patience=patience, **more)
    writer.begun = lambda: settled(run.summary) > 0
    return run


class Chunks:
    """Rows in small chunks; a row that is an exception is refused (RowError) or raised."""

    columns = None
    size = None

    def __init__(self, rows: Iterable[Any], length: int) -> None:
        self.rows, self.length = rows, length

    def __iter__(self) -> Iterator[Chunk]:
        chunk = Chunk([], [])
        for ordinal, row in enumerate(self.rows, 1):
            if isinstance(row, BaseException):
                raise row
            if row is None:
                chunk.refused.append(RowError(ordinal, "E4001", "bad text"))
            else:
                chunk.rows.append(row)  # type: ignore[attr-defined]
                chunk.ordinals.append(ordinal)  # type: ignore[attr-defined]
            if len(chunk.rows) + len(chunk.refused) == self.length:
                yield replace(chunk, consumed=ordinal)
                chunk = Chunk([], [])
        yield chunk


def run_to_end(run: Run) -> tuple[WriteSummary, BaseException | None]:
    try:
        return run.execute(), None
    except SqlbulkError as error:
        assert error.summary is run.summary  # type: ignore[attr-defined]
        return run.summary, error


def rows_of(keys: Iterable[int]) -> list[dict[str, Any]]:
    return [{"k": key, "n": 1, "r": r} for r, key in enumerate(keys, 1)]


fault = st.one_of(
    st.none(), st.none(), st.none(),
    st.tuples(st.sampled_from(["lost", "6", "11600", "50", "14031"]), st.integers(0, 9)),
    st.sampled_from([("away", 0), ("busy", 0), ("stepdown", 0), ("13", 0), ("72", 0)]))


class Faults:
    """Drawn failures, then none."""

    def __init__(self, drawn: list[Any]) -> None:
        self.drawn = list(drawn)

    def __call__(self) -> Any:
        return self.drawn.pop(0) if self.drawn else None


@st.composite
def situations(draw: Any) -> tuple[list[int], list[Any], WriteOptions]:
    options = WriteOptions(
        batch_size=draw(st.integers(1, 9)), ordered=draw(st.booleans()), continue_on_error=draw(st.booleans()),
        parallel_workers=draw(st.integers(1, 3)))
    return draw(st.lists(st.integers(0, 6), max_size=25)), draw(st.lists(fault, max_size=8)), options


@given(situations(), st.sampled_from([None, "any", "keyed", "nothing", "keyed nothing", "replace"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_row_is_lost_doubled_or_miscounted(situation: Any, kind: str | None, own_ids: bool) -> None:
    keys, faults, options = situation
    conflict = {
        None: None, "any": Conflict("update", None, SUM), "keyed": Conflict("update", K, SUM),
        "nothing": Conflict("nothing"), "keyed nothing": Conflict("nothing", K), "replace": Conflict("replace"),
    }[kind]
    server = FakeServer("k", Faults(faults))
    rows = rows_of(keys)
    if own_ids:
        rows = [{"_id": row["r"], **row} for row in rows]
    summary, error = run_to_end(make_run(server, rows, options, conflict))

    assert summary.read == settled(summary) <= len(rows)
    assert min(vars_of(summary)) >= 0
    applied = Counter(r for document in server.documents for r in document["applied"])
    repeatable = kind == "replace"
    assert repeatable or set(applied.values()) <= {1}, "a row was applied twice"
    known = summary.inserted + summary.matched
    assert known <= len(applied) <= known + summary.in_doubt
    assert summary.rejected == len(summary.errors)
    assert not {e.row for e in summary.errors} & set(applied)
    if error is None:
        assert summary.read == len(rows)
        assert len(applied) == known
        assert not summary.in_doubt
        assert options.continue_on_error or not summary.rejected
    if error is None and conflict is not None and not summary.rejected:
        assert {d["k"] for d in server.documents} == set(keys)
    assert len({d["k"] for d in server.documents}) == len(server.documents)


def vars_of(summary: WriteSummary) -> list[int]:
    names = ("read", "inserted", "matched", "modified", "rejected", "skipped", "in_doubt", "batches", "retries")
    return [getattr(summary, name) for name in names]


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 9), st.integers(1, 4), st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_rows_of_one_key_are_applied_in_order(
    keys: list[int], batch: int, workers: int, named: bool, ordered: bool
) -> None:
    server = FakeServer("k")
    conflict = Conflict("update", K if named else None, SUM)
    options = WriteOptions(batch_size=batch, parallel_workers=workers, ordered=ordered)
    summary, error = run_to_end(make_run(server, rows_of(keys), options, conflict))
    assert error is None
    expected: dict[int, list[int]] = {}
    for r, key in enumerate(keys, 1):
        expected.setdefault(key, []).append(r)
    assert {d["k"]: d["applied"] for d in server.documents} == expected
    assert (summary.inserted, summary.matched) == (len(expected), len(keys) - len(expected))


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_an_ordered_run_writes_what_is_before_the_first_error_and_nothing_else(keys: list[int], batch: int) -> None:
    server = FakeServer("k")
    summary, error = run_to_end(make_run(server, rows_of(keys), WriteOptions(ordered=True, batch_size=batch)))
    before = next((i for i, key in enumerate(keys) if key in keys[:i]), len(keys))
    assert [d["k"] for d in server.documents] == keys[:before]
    assert summary.inserted == before
    assert (error is None) == (before == len(keys))
    assert summary.rejected == (error is not None)


def test_ordered_and_continue_on_error_passes_over_the_refused_rows_in_order() -> None:
    server = FakeServer("k")
    options = WriteOptions(ordered=True, continue_on_error=True, batch_size=4)
    summary, error = run_to_end(make_run(server, rows_of([1, 1, 2, 2, 2, 3]), options))
    assert error is None
    assert [d["k"] for d in server.documents] == [1, 2, 3]
    assert [e.row for e in summary.errors] == [2, 4, 5]


def test_the_first_unreadable_row_stops_the_run() -> None:
    rows = [{"r": 1}, {"r": 2}, None, {"r": 4}, {"r": 5}]
    server = FakeServer()
    summary, error = run_to_end(make_run(server, rows))
    assert isinstance(error, TooManyErrors)
    assert error.exit_code == 4
    assert "E4001: bad text @ row 3" in str(error)
    assert (summary.inserted, summary.rejected, summary.skipped) == (0, 1, 3)
    server = FakeServer()
    summary, error = run_to_end(make_run(server, rows, WriteOptions(ordered=True)))
    assert isinstance(error, TooManyErrors)
    assert [d["r"] for d in server.documents] == [1, 2]
    assert (summary.inserted, summary.rejected, summary.skipped) == (2, 1, 1)
    server = FakeServer()
    summary, error = run_to_end(make_run(server, rows, WriteOptions(continue_on_error=True)))
    assert error is None
    assert (summary.inserted, summary.rejected, summary.skipped) == (4, 1, 0)


def test_an_ordered_run_names_the_earlier_of_two_errors() -> None:
    server = FakeServer("k")
    rows = [*rows_of([1, 1]), None]
    summary, error = run_to_end(make_run(server, rows, WriteOptions(ordered=True)))
    assert [e.row for e in summary.errors] == [2]
    assert "row 2" in str(error)


@pytest.mark.parametrize(("limit", "stops"), [
    (ErrorLimit(count=2), True), (ErrorLimit(count=3), False),
    (ErrorLimit(ratio=0.25), True), (ErrorLimit(ratio=0.5), False),
])
def test_max_errors(limit: ErrorLimit, stops: bool) -> None:
    options = WriteOptions(continue_on_error=True, max_errors=limit)
    summary, error = run_to_end(make_run(FakeServer("k"), rows_of([1, 1, 1, 1, 2, 3, 4, 5]), options))
    assert isinstance(error, TooManyErrors) == stops
    assert summary.rejected == 3


def test_max_errors_in_order_writes_what_stands_before_the_row_that_is_too_many() -> None:
    rows = [{"r": 1}, None, {"r": 3}, None, {"r": 5}, None, {"r": 7}]
    server = FakeServer()
    options = WriteOptions(ordered=True, continue_on_error=True, max_errors=ErrorLimit(count=1))
    summary, error = run_to_end(make_run(server, rows, options))
    assert isinstance(error, TooManyErrors)
    assert [d["r"] for d in server.documents] == [1, 3]
    assert [e.row for e in summary.errors] == [2, 4]
    assert (summary.inserted, summary.rejected, summary.read) == (2, 2, 4 + summary.skipped)


def test_a_document_that_spoils_the_command_is_found() -> None:
    server = Spoiled(FakeServer(), {3, 7})
    rows = rows_of(range(12))
    summary, error = run_to_end(make_run(server, rows, WriteOptions(continue_on_error=True)))
    assert error is None
    assert [e.row for e in summary.errors] == [3, 7]
    assert summary.inserted == 10
    server = Spoiled(FakeServer("k"), {3, 7})
    conflict = Conflict("update", K, SUM)
    summary, error = run_to_end(make_run(server, rows_of([1] * 12), WriteOptions(continue_on_error=True), conflict))
    assert [e.row for e in summary.errors] == [3, 7]
    assert (summary.inserted, summary.matched) == (1, 9)
    server = Spoiled(FakeServer(), {3, 7})
    summary, error = run_to_end(make_run(server, rows, WriteOptions(ordered=True)))
    assert isinstance(error, TooManyErrors)
    assert (summary.inserted, summary.rejected, summary.skipped) == (2, 1, 9)
    server = Spoiled(FakeServer("k"), {3, 7})
    summary, error = run_to_end(make_run(server, rows_of([1] * 12), WriteOptions(ordered=True), conflict))
    assert (summary.inserted, summary.matched, summary.rejected, summary.skipped) == (1, 1, 1, 9)


def test_when_every_document_spoils_its_command_the_statement_is_to_blame() -> None:
    server = Spoiled(FakeServer(), set(range(1, 101)))
    options = WriteOptions(continue_on_error=True, parallel_workers=1)
    summary, error = run_to_end(make_run(server, rows_of(range(100)), options))
    assert isinstance(error, ServerError)
    assert error.code == "E5005"
    assert server.calls < 60
    assert summary.skipped == 100


class Spoiled:
    """A server that refuses a whole command for the sake of some rows in it."""

    def __init__(self, server: FakeServer, bad: set[int]) -> None:
        self.server, self.bad, self.unique, self.calls = server, bad, server.unique, 0

    def insert(self, documents: Any, *, ordered: bool) -> Any:
        from bson import decode

        return self._try(self.server.insert, documents, [decode(d)["r"] for d in documents], ordered)

    def update(self, operations: Any, *, ordered: bool) -> Any:
        from fakeserver import _parts

        return self._try(self.server.update, operations, [_parts(o)[0]["r"] for o in operations], ordered)

    def _try(self, send: Any, items: Any, rows: list[int], ordered: bool) -> Any:
        from fakeserver import error_of

        self.calls += 1
        if self.bad & set(rows):
            raise error_of("10334")
        return send(items, ordered=ordered)


@pytest.mark.parametrize(("kind", "expected", "code"), [
    ("13", ConnectionFailed, "E5003"), ("72", ServerError, "E5005"), ("50", ServerError, "E5006"),
])
def test_errors_of_the_whole_statement(kind: str, expected: type, code: str) -> None:
    summary, error = run_to_end(make_run(FakeServer(faults=lambda: (kind, 0)), rows_of(range(5))))
    assert type(error) is expected
    assert error.code == code
    assert "\n" not in str(error)
    assert summary.inserted == 0


def test_a_code_of_the_statement_stops_it_even_on_a_row() -> None:
    for code, expected in ((166, "E5005"), (13, "E5003")):
        server = FakeServer(refuse=lambda document, code=code: code)  # type: ignore[misc]
        _, error = run_to_end(make_run(server, rows_of(range(3)), WriteOptions(continue_on_error=True)))
        assert isinstance(error, SqlbulkError)
        assert error.code == expected


def test_a_server_that_never_comes_back() -> None:
    answers = iter([None, ("lost", 3)])
    server = FakeServer(faults=lambda: next(answers, ("away", 0)))
    options = WriteOptions(batch_size=5, parallel_workers=1)
    summary, error = run_to_end(make_run(server, rows_of(range(20)), options))
    assert isinstance(error, ConnectionLost)
    assert error.exit_code == 2
    assert (summary.inserted, summary.in_doubt, summary.skipped) == (5, 5, summary.read - 10)


def test_no_server_from_the_start() -> None:
    summary, error = run_to_end(make_run(FakeServer(faults=lambda: ("away", 0)), rows_of(range(20))))
    assert isinstance(error, ConnectionFailed)
    assert (error.code, summary.skipped) == ("E5001", 20)


def test_a_lost_reply_is_read_back_when_attempts_end() -> None:
    answers = iter([("lost", 3), None])
    server = FakeServer(faults=lambda: next(answers, None))
    summary, error = run_to_end(make_run(server, rows_of(range(5)), patience=Patience(attempts=0)))
    assert isinstance(error, ConnectionLost)
    assert (summary.inserted, summary.in_doubt, summary.skipped) == (3, 0, 2)


def test_source_errors_go_through_and_tell_what_was_written() -> None:
    broken = SqlSyntaxError("E1001", "broken", Span(0, 1), source=Source("x"), hint="Mend it.")
    run = make_run(FakeServer(), [*rows_of(range(8)), broken], WriteOptions(batch_size=3, ordered=True))
    with pytest.raises(SqlSyntaxError, match=r"8 rows before it were written") as caught:
        run.execute()
    assert caught.value.hint == "Mend it. 8 rows before it were written."
    run = make_run(FakeServer(), [*rows_of(range(8)), RuntimeError("mine")], WriteOptions(batch_size=3, ordered=True))
    with pytest.raises(RuntimeError, match="mine") as other:
        run.execute()
    assert other.value.__notes__ == ["sqlbulk: 8 rows before it were written"]
    run = make_run(FakeServer(), [RuntimeError("first")])
    with pytest.raises(RuntimeError) as bare:
        run.execute()
    assert not hasattr(bare.value, "__notes__")


def test_a_bug_in_a_worker_is_raised_in_the_main_thread() -> None:
    class Broken(FakeServer):
        def insert(self, documents: Any, *, ordered: bool) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_run(Broken(), rows_of(range(3))).execute()


def test_stop_ends_after_the_batches_in_flight() -> None:
    stop = threading.Event()

    def rows() -> Iterator[Any]:
        for r in range(1, 1000):
            if r == 41:
                stop.set()
            yield {"r": r}

    server = FakeServer()
    summary, error = run_to_end(make_run(server, rows(), WriteOptions(batch_size=4), stop=stop))
    assert isinstance(error, Interrupted)
    assert error.exit_code == 5
    assert summary.inserted == len(server.documents)
    assert summary.read == summary.inserted + summary.skipped < 60


def test_ctrl_c_ends_in_good_order_and_twice_at_once() -> None:
    run = make_run(FakeServer(), [*rows_of(range(8)), KeyboardInterrupt()], WriteOptions(batch_size=2))
    summary, error = run_to_end(run)
    assert isinstance(error, Interrupted)
    assert summary.read == settled(summary) == 8

    release = threading.Event()

    class Hanging(FakeServer):
        def insert(self, documents: Any, *, ordered: bool) -> Any:
            release.wait(10)
            return super().insert(documents, ordered=ordered)

    class Impatient:
        def begin(self, title: str, size: int | None) -> None: ...
        def end(self) -> None: ...
        def update(self, **counts: int) -> None:
            raise KeyboardInterrupt

    run = make_run(Hanging(), rows_of(range(4)), WriteOptions(batch_size=4), watcher=Impatient())
    run = replace_interrupting(run)
    summary, error = run_to_end(run)
    release.set()
    assert isinstance(error, Interrupted)
    assert "twice" in str(error)
    assert (summary.in_doubt, summary.read) == (4, 4)


def replace_interrupting(run: Run) -> Run:
    """The first look around, before anything is sent, comes through; all later ones are Ctrl-C."""
    watcher: Any = run.watcher
    seen = [0]
    original = watcher.update

    def update(**counts: int) -> None:
        seen[0] += 1
        if seen[0] > 1:
            original(**counts)

    watcher.update = update
    return run


def test_max_execution_time() -> None:
    now = [0.0]

    def rows() -> Iterator[Any]:
        for r in range(1, 1000):
            now[0] += 0.1
            yield {"r": r}

    patience = Patience(deadline=5.0, clock=lambda: now[0])
    summary, error = run_to_end(make_run(FakeServer(), rows(), WriteOptions(batch_size=4), patience=patience))
    assert isinstance(error, ServerError)
    assert error.code == "E5006"
    assert 0 < summary.read < 60


def test_rate_limit_takes_its_time() -> None:
    options = WriteOptions(batch_size=10, rate_limit=RateLimit(rows=200))
    began = time.monotonic()
    summary, error = run_to_end(make_run(FakeServer(), rows_of(range(260)), options))
    assert (summary.inserted, error) == (260, None)
    assert 0.2 < time.monotonic() - began < 15


def test_sort_by_orders_the_rows_before_they_are_sent() -> None:
    keys = [5, 3, 9, 1, 3, 7]
    for memory in (1, 1 << 20):
        server = FakeServer()
        options = WriteOptions(ordered=True, batch_size=2, memory_limit=memory,
                               sort_by=(SortKey("k", descending=True), SortKey("r")))
        summary, error = run_to_end(make_run(server, rows_of(keys), options))
        assert (summary.inserted, error) == (6, None)
        assert [(d["k"], d["r"]) for d in server.documents] == [(9, 3), (7, 6), (5, 1), (3, 2), (3, 5), (1, 4)]
    server = FakeServer()
    summary, error = run_to_end(make_run(server, [*rows_of(keys), None], options))
    assert isinstance(error, TooManyErrors)
    assert (server.documents, summary.skipped) == ([], 6)


def test_progress_is_told() -> None:
    calls: list[Any] = []

    class Watcher:
        def begin(self, title: str, size: int | None) -> None:
            calls.append((title, size))

        def update(self, *, consumed: int, rows: int, rejected: int) -> None:
            calls.append((consumed, rows, rejected))

        def end(self) -> None:
            calls.append("end")

    clock = iter(range(10_000))
    run = make_run(FakeServer(), CallerSource([{"r": r} for r in range(2500)]), watcher=Watcher(),
                   clock=lambda: float(next(clock)))
    run.execute()
    assert calls[0] == ("INSERT", 2500)
    assert calls[-1] == "end"
    assert max(call[0] for call in calls[1:-1]) == 2500


def test_most_rows_colliding_switches_to_updates() -> None:
    server = FakeServer("k")
    options = WriteOptions(batch_size=20, parallel_workers=1)
    run_to_end(make_run(server, rows_of([1] * 60), options, Conflict("update", None, SUM)))
    assert server.log == [("insert", 20), ("update", 19), ("update", 20), ("update", 20)]
    assert server.documents[0]["n"] == 60


def test_errors_keep_place_text_and_document() -> None:
    rows = [{"k": 1}, {"k": 1}]
    source = Chunks(rows, 5)
    chunk = next(iter(source))
    chunk.locate = lambda i: Location("f.csv", i + 2)
    chunk.excerpt = lambda i: f"line {i}"

    class One:
        columns = None
        size = 2

        def __iter__(self) -> Iterator[Chunk]:
            yield chunk

    summary, _ = run_to_end(make_run(FakeServer("k"), One(), WriteOptions(continue_on_error=True)))
    (error,) = summary.errors
    assert (error.row, str(error.location), error.text, error.server_code) == (2, "f.csv:3", "line 1", 11000)
    assert error.document is not None
    assert error.document["k"] == 1


def test_raced_upserts_are_tried_again_and_then_refused() -> None:
    """Others insert the key between our look and our write."""

    class Raced(FakeServer):
        races = 1

        def update(self, operations: Any, *, ordered: bool) -> Any:
            from sqlbulk.execute.target import Reply

            if self.races:
                self.races -= 1
                return Reply(failures=[{"index": 0, "code": 11000, "errmsg": "E11000", "keyPattern": {"k": 1}}])
            return super().update(operations, ordered=ordered)

    for conflict in (Conflict("update", K, SUM), Conflict("update", None, SUM)):
        for ordered in (False, True):
            options = WriteOptions(ordered=ordered, continue_on_error=True)
            server = Raced("k")
            summary, error = run_to_end(make_run(server, rows_of([1, 1][: 2 if conflict.keys is None else 1]), options,
                                                 conflict))
            assert (error, summary.rejected) == (None, 0)
            server = Raced("k")
            server.races = 100
            summary, error = run_to_end(make_run(server, rows_of([1, 1]), options, conflict))
            assert summary.rejected >= 1
            assert summary.errors[0].code == "E4007"


def test_what_is_written_but_not_confirmed_is_counted_apart() -> None:
    from sqlbulk.execute.target import Reply

    class Slow(FakeServer):
        def insert(self, documents: Any, *, ordered: bool) -> Any:
            reply = super().insert(documents, ordered=ordered)
            return Reply(inserted=reply.inserted, concerns=[{"code": 64, "errmsg": "waiting\nfor replication"}])

    run = make_run(Slow(), rows_of(range(5)))
    summary, error = run_to_end(run)
    assert (error, summary.inserted, summary.unconfirmed) == (None, 5, 5)
    assert run.notices == {"written, but not confirmed by the write concern: waiting for replication"}


@pytest.mark.parametrize(("summary", "kind", "code"), [
    (WriteSummary(read=5, skipped=5), ConnectionFailed, "E5001"),
    (WriteSummary(read=5, inserted=2, skipped=3), ConnectionLost, "E5004"),
    (WriteSummary(read=5, in_doubt=2, skipped=3), ConnectionLost, "E5004"),
])
def test_a_server_that_is_gone_for_one_worker_is_lost_if_others_sent_something(
    summary: WriteSummary, kind: type, code: str
) -> None:
    error = told(ConnectionFailed("E5001", "no MongoDB answers: h:1: refused"), summary)
    assert isinstance(error, ConnectionFailed | ConnectionLost)
    assert (type(error), error.code, error.exit_code, error.summary) == (kind, code, 2, summary)
