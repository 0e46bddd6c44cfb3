"""DELETE and MOVE on a server: archives that are proved, counts beforehand, faults in between, nothing in neither place."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId, encode
from bson.decimal128 import Decimal128
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as some
from pymongo.database import Database
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError
from test_update import Flaky, counts, rows

from sqlbulk.commands import Archive, DeleteWhere, Query, Selection
from sqlbulk.errors import ArchiveDiffers, ConnectionLost, ServerError, TooManyErrors
from sqlbulk.execute.archive import Archiver
from sqlbulk.execute.connection import Connection, open_connection
from sqlbulk.execute.delete import Deleter, run_delete
from sqlbulk.execute.rawdocs import id_document, id_of, split_batches, with_fields
from sqlbulk.execute.stored import Site, open_site
from sqlbulk.execute.sweep import Outcome
from sqlbulk.execute.transactions import InDoubtError, Transactions
from sqlbulk.execute.windows import Window
from sqlbulk.options import WriteOptions, merge
from sqlbulk.results import WriteSummary
from sqlbulk.session import Session, connect

server = pytest.mark.server
MARKS = {"archived_at", "archive_reason", "original_collection"}


@pytest.fixture(params=["transactions", "standalone"])
def connection(
    request: pytest.FixtureRequest, server_uri: str, database: Database[dict[str, Any]]
) -> Iterator[Connection]:
    with open_connection(server_uri, database=database.name) as connection:
        if request.param == "standalone":
            connection.server = replace(connection.server, transactions=False)
        yield connection


def fill(database: Database[dict[str, Any]], count: int = 40) -> None:
    database.t.insert_many([
        {"_id": n, "n": n, "ts": datetime(2025, 1 + n % 3, 5, tzinfo=UTC) if n % 10 else None, "d": {"$x": n, "a.b": 1}}
        for n in range(count)])


def unmarked(document: dict[str, Any]) -> dict[str, Any]:
    assert document.keys() >= MARKS
    return {k: v for k, v in document.items() if k not in MARKS}


# Bytes

_identities: some.SearchStrategy[Any] = some.one_of(
    some.none(), some.booleans(), some.integers(-(2**63), 2**63 - 1), some.floats(allow_nan=False), some.text(),
    some.binary(), some.builds(ObjectId), some.just(Decimal128("1.50")), some.dictionaries(some.text("abc"), some.integers(0, 9)),
    some.just(datetime(2025, 1, 1, tzinfo=UTC)))


@given(identity=_identities, other=some.dictionaries(some.text("xyz", min_size=1), some.integers(0, 9)))
def test_ids_are_cut_out_of_the_bytes(identity: Any, other: dict[str, Any]) -> None:
    document = encode({"_id": identity, **other})
    assert id_document(document) == encode({"_id": identity})
    assert id_of(document) == identity
    longer = with_fields(document, encode({"k": 1})[4:-1])
    assert longer == encode({"_id": identity, **other, "k": 1})
    assert list(split_batches([document + longer, document])) == [document, longer, document]


def test_an_id_that_is_not_in_front() -> None:
    assert id_document(encode({"a": 1, "_id": 2})) == encode({"_id": 2})


# Plain deletes


@server
@pytest.mark.parametrize("options", ["batch_size = 7", "parallel_deletion = false", "checkpoint_interval = 3, delay_ms = 1"])
def test_delete(session: Session, database: Database[dict[str, Any]], options: str) -> None:
    fill(database)
    result = session.execute(f"DELETE FROM t WHERE n >= 10 WITH DELETE_OPTIONS ({options})")
    assert counts(result) == {"read": 30, "deleted": 30}
    assert [r["_id"] for r in rows(database)] == list(range(10))


@server
def test_delete_some(session: Session, database: Database[dict[str, Any]]) -> None:
    fill(database)
    session.execute("DELETE FROM t WHERE n > 3 ORDER BY n DESC LIMIT 2")
    assert database.t.count_documents({}) == 38
    session.execute("DELETE FROM t AS x WHERE x.n > (SELECT AVG(n) FROM t) WITH (batch_size = 1)")
    assert max(r["n"] for r in rows(database)) == 18
    session.execute("DELETE FROM t WHERE n IN (SELECT n FROM t WHERE n < 5)")
    assert min(r["n"] for r in rows(database)) == 5


@server
def test_only_the_count_that_was_expected(session: Session, database: Database[dict[str, Any]]) -> None:
    fill(database)
    for options in ("confirm_deletion_count = 9", "max_delete_limit = 9"):
        with pytest.raises(ServerError, match=r"10 documents match.*nothing was deleted"):
            session.execute(f"DELETE FROM t WHERE n < 10 WITH ({options})")
        with pytest.raises(ServerError, match="E5011"):
            session.execute(f"DELETE FROM t WHERE n IN (SELECT n FROM t WHERE n < 10) WITH ({options})")
    assert database.t.count_documents({}) == 40
    session.execute("DELETE FROM t WHERE n < 10 WITH (confirm_deletion_count = 10, max_delete_limit = 10)")
    assert database.t.count_documents({}) == 30
    assert counts(session.execute("DELETE FROM t WHERE n < 35 LIMIT 5 WITH (confirm_deletion_count = 5)")) == {
        "read": 5, "deleted": 5}


@server
def test_references(session: Session, database: Database[dict[str, Any]]) -> None:
    fill(database, 6)
    database.u.insert_many([{"t": 1}, {"t": 3}, {"t": None}, {}])
    session.execute("DELETE FROM t WHERE n < 5 WITH (verify_foreign_keys = true, references = 'u.t -> n')")
    assert [r["n"] for r in rows(database)] == [1, 3, 5]


# Archives


@server
def test_archive(connection: Connection, database: Database[dict[str, Any]]) -> None:
    fill(database)
    before = {r["_id"]: r for r in rows(database)}
    command = DeleteWhere(
        "t", Selection({"n": {"$gte": 10}}), merge(WriteOptions(), [("batch_size", 7)]),
        Archive("old", reason="age", compressor="zstd", retention=86_400))
    result = run_delete(command, connection)
    assert counts(result) == {"read": 30, "deleted": 30, "archived": 30}
    archived = rows(database, "old")
    assert {r["_id"]: unmarked(r) for r in archived} == {n: before[n] for n in range(10, 40)}
    assert {(r["archive_reason"], r["original_collection"]) for r in archived} == {("age", "t")}
    assert abs((archived[0]["archived_at"] - datetime.now(UTC)).total_seconds()) < 60
    assert database.old.index_information()["archived_at_1"]["expireAfterSeconds"] == 86_400
    assert "zstd" in str(database.old.options())
    assert [r["_id"] for r in rows(database)] == list(range(10))


@server
def test_an_archive_in_parts(session: Session, database: Database[dict[str, Any]]) -> None:
    fill(database)
    result = session.execute(
        "DELETE FROM t WHERE n < 30 WITH ARCHIVAL_STRATEGY (archive_collection = 'old', batch_size = 4,"
        " partition_by = 'DATE_TRUNC(month, ts)', retention_period = '2 years')")
    assert counts(result) == {"read": 30, "deleted": 30, "archived": 30}
    names = sorted(n for n in database.list_collection_names() if n.startswith("old"))
    assert names == ["old_2025_01", "old_2025_02", "old_2025_03", "old_undated"]
    assert [database[n].count_documents({}) for n in names] == [9, 9, 9, 3]
    assert all("archived_at_1" in database[n].index_information() for n in names)


@server
@pytest.mark.parametrize(("unit", "name"), [
    ("year", "2025"), ("quarter", "2025_Q4"), ("week", "2026_W01"), ("day", "2025_12_29"), ("hour", "2025_12_29_23")])
def test_periods(session: Session, database: Database[dict[str, Any]], unit: str, name: str) -> None:
    database.t.insert_one({"_id": 1, "ts": datetime(2025, 12, 29, 23, 59, tzinfo=UTC)})
    session.execute(f"DELETE FROM t WHERE TRUE WITH (archive_collection = 'o', partition_by = 'DATE_TRUNC({unit}, ts)')")
    assert database[f"o_{name}"].count_documents({}) == 1


@server
def test_what_the_archive_would_overwrite(connection: Connection, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": 1}, {"_id": 2, "archived_at": 1}])
    with connect_to(connection) as session:
        with pytest.raises(TooManyErrors, match=r"nothing was changed.*_id 2: there is a field archived_at already"):
            session.execute("DELETE FROM t WHERE TRUE WITH (archive_collection = 'old')")
        assert len(rows(database)) == 2
        result = session.execute("DELETE FROM t WHERE TRUE WITH (archive_collection = 'old', continue_on_error = true)")
        assert counts(result) == {"read": 2, "deleted": 1, "archived": 1, "rejected": 1}
        assert rows(database) == [{"_id": 2, "archived_at": 1}]


def connect_to(connection: Connection) -> Session:
    session = connect("mongodb://unused", database=connection.database)
    session._link.now = connection
    return session


@server
def test_documents_that_the_archive_has(connection: Connection, database: Database[dict[str, Any]]) -> None:
    """A copy of an earlier run is good; another document with the same _id stays, and so does the one at hand."""
    database.t.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3}])
    database.old.insert_many([
        {"_id": 1, "a": 1, "archived_at": 5, "archive_reason": None, "original_collection": "t"},
        {"_id": 2, "a": 0, "archived_at": 5}])
    command = DeleteWhere("t", Selection({}), merge(WriteOptions(), [("continue_on_error", True)]), Archive("old"))
    result = run_delete(command, connection)
    assert counts(result) == {"read": 3, "deleted": 2, "archived": 2, "rejected": 1}
    assert rows(database) == [{"_id": 2, "a": 2}]
    assert rows(database, "old")[0]["archived_at"] == 5
    assert [r["a"] for r in rows(database, "old")] == [1, 0, 3]


@server
def test_an_archive_that_refuses(connection: Connection, database: Database[dict[str, Any]]) -> None:
    database.create_collection("old", validator={"n": {"$ne": 3}})
    fill(database, 6)
    options = merge(WriteOptions(), [("continue_on_error", True), ("batch_size", 3)])
    result = run_delete(DeleteWhere("t", Selection({}), options, Archive("old", compressor="zlib")), connection)
    assert counts(result) == {"read": 6, "deleted": 5, "archived": 5, "rejected": 1}
    assert result.notices == ("old exists already: compression has no effect on it",)
    assert result.summary is not None
    assert (result.summary.errors[0].code, result.summary.errors[0].row) == ("E4008", 4)
    assert [r["n"] for r in rows(database)] == [3]


@server
def test_a_view_is_no_archive(connection: Connection, database: Database[dict[str, Any]]) -> None:
    fill(database, 3)
    database.command({"create": "v", "viewOn": "t", "pipeline": []})
    database.create_collection("few", capped=True, size=4096, max=1)
    partition = {"$literal": "few"}
    for archive in (Archive("v"), Archive("few"), Archive("v", marked=False), Archive("a", partition=partition)):
        database.create_collection("a_few", capped=True, size=4096, max=1, check_exists=False)
        with pytest.raises(ServerError, match=r"E5005.*can't be kept there"):
            run_delete(DeleteWhere("t", Selection({}), WriteOptions(), archive), connection)
        database.drop_collection("a_few")
        assert len(rows(database)) == 3


@server
def test_large_documents_go_in_smaller_parts(connection: Connection, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": n, "a": "x" * 1_000_000} for n in range(9)])
    options = merge(WriteOptions(), [("memory_limit", 20_000_000), ("parallel_workers", 1)])
    result = run_delete(DeleteWhere("t", Selection({}), options, Archive("old")), connection)
    assert counts(result) == {"read": 9, "deleted": 9, "archived": 9}


@server
def test_a_document_that_would_be_too_large(connection: Connection, database: Database[dict[str, Any]]) -> None:
    database.t.insert_many([{"_id": 1}, {"_id": 2, "a": "x" * (16 * 1024 * 1024 - 60)}])
    options = merge(WriteOptions(), [("continue_on_error", True)])
    result = run_delete(DeleteWhere("t", Selection({}), options, Archive("old")), connection)
    assert counts(result) == {"read": 2, "deleted": 1, "archived": 1, "rejected": 1}


@server
def test_move(session: Session, database: Database[dict[str, Any]]) -> None:
    fill(database)
    before = rows(database)
    result = session.execute("BULK MOVE t TO u WHERE n < 30 WITH (batch_size = 8)")
    assert (result.statement, counts(result)) == ("MOVE", {"read": 30, "deleted": 30, "archived": 30})
    assert rows(database, "u") == before[:30]
    assert rows(database) == before[30:]
    database.t.insert_one({"_id": 5, "n": 5})
    with pytest.raises(TooManyErrors, match="another document with this _id"):
        session.execute("MOVE t TO u WHERE n = 5")
    assert database.t.count_documents({"_id": 5}) == 1
    assert list(session.execute("DRY RUN MOVE t TO u WHERE n = 5").rows) == [(1, {"_id": 5, "n": 5})]
    assert list(session.execute("DRY RUN DELETE FROM t WHERE n = 55").rows) == [(0, None)]


# RETURNING of what is copied first


@server
def test_what_was_moved_comes_back(connection: Connection, database: Database[dict[str, Any]]) -> None:
    fill(database, 30)
    before = rows(database)
    session = connect_to(connection)
    result = session.execute("MOVE t AS x TO u WHERE n < 20 RETURNING x._id, n + 1 AS m, x.d WITH (batch_size = 8)")
    assert (result.statement, result.columns) == ("MOVE", ("_id", "m", "d"))
    assert list(result.rows) == [(n, n + 1, {"$x": n, "a.b": 1}) for n in range(20)]
    assert counts(result) == {"read": 20, "deleted": 20, "archived": 20}
    result = session.execute("MOVE t TO u WHERE TRUE ORDER BY n DESC LIMIT 5 RETURNING n")
    assert list(result.rows) == [(n,) for n in range(29, 24, -1)]
    result = session.execute("DELETE FROM t WHERE TRUE RETURNING * WITH (archive_collection = 'old', batch_size = 2)")
    assert result.columns == tuple(before[0])
    assert [dict(zip(result.columns, row, strict=True)) for row in result.rows] == before[20:25]
    assert list(session.execute("MOVE t TO u WHERE TRUE RETURNING n").rows) == []


@server
def test_what_could_not_be_moved_does_not_come_back(
    connection: Connection, database: Database[dict[str, Any]]
) -> None:
    database.create_collection("u", validator={"n": {"$ne": 3}})
    fill(database, 6)
    result = connect_to(connection).execute(
        "MOVE t TO u WHERE TRUE RETURNING n WITH (continue_on_error = true, batch_size = 3)")
    assert [n for n, in result.rows] == [0, 1, 2, 4, 5]
    assert counts(result) == {"read": 6, "deleted": 5, "archived": 5, "rejected": 1}


@server
def test_texts_compare_in_what_comes_back_as_in_the_collection(
    connection: Connection, database: Database[dict[str, Any]]
) -> None:
    database.create_collection("t", collation={"locale": "en", "strength": 2})
    database.t.insert_one({"_id": 1, "a": "Ada"})
    session = connect_to(connection)
    assert list(session.execute("INSERT INTO t (_id, a) VALUES (2, 'ADA') RETURNING a = 'ada' AS x").rows) == [(True,)]
    assert list(session.execute("MOVE t TO u WHERE a = 'ada' RETURNING a = 'ada'").rows) == [(True,), (True,)]


@server
def test_nothing_is_moved_if_its_rows_cannot_be_made(
    connection: Connection, database: Database[dict[str, Any]]
) -> None:
    fill(database, 4)
    command = DeleteWhere("t", Selection({}), WriteOptions(), Archive("u", marked=False),
                          returning=Query("t", ({"$set": {"x": {"$add": ["$d", 1]}}},), None))
    with pytest.raises(ServerError, match="E5005"):
        run_delete(command, connection)
    assert len(rows(database)) == 4


# Changes and faults in between


def make(
    connection: Connection, faults: list[tuple[Exception, bool] | None], archive: Archive | None = None, **options: Any
) -> tuple[Any, Site]:
    returning = None if archive is None else Query("t", ({"$project": {"_id": 1}},), None)
    command = DeleteWhere(
        "t", Selection({"n": {"$gte": 0}}), merge(WriteOptions(), options.items()), archive, returning=returning)
    site = open_site(command, connection)
    site.collection = Flaky(site.collection, faults)  # type: ignore[assignment]
    if archive is None:
        return Deleter(command, site), site
    archiver = Archiver(command, site, archive)
    archiver.prepare()
    return archiver, site


def lost(*labels: str) -> Exception:
    error = AutoReconnect("connection closed")
    for label in labels:
        error._add_error_label(label)  # type: ignore[attr-defined]
    return error


WINDOW = Window(1, [0, 1, 2, 3])


@server
@pytest.mark.parametrize("archive", [None, Archive("old")])
def test_documents_that_changed_in_between_are_kept(
    connection: Connection, database: Database[dict[str, Any]], archive: Archive | None
) -> None:
    fill(database, 4)
    database.t.update_one({"_id": 1}, {"$set": {"n": -1}})
    database.t.delete_one({"_id": 2})
    change, _ = make(connection, [], archive)
    outcome = Outcome()
    change(WINDOW, outcome)
    assert (outcome.deleted, outcome.kept) == (2, 2)
    assert [r["_id"] for r in rows(database)] == [1]
    if archive is not None:
        assert [r["_id"] for r in rows(database, "old")] == [r["_id"] for r in outcome.rows] == [0, 3]


@server
def test_a_change_between_copy_and_delete(
    connection: Connection, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that still matches, but isn't what was copied any more, stays, and its stale copy goes."""
    fill(database, 4)
    archiver, site = make(connection, [], Archive("old"))
    compare = Archiver._compare
    pending = [True]

    def compare_and_disturb(self: Archiver, *arguments: Any) -> None:
        compare(self, *arguments)
        if pending and site.transactions is None:
            pending.clear()
            database.t.update_one({"_id": 1}, {"$set": {"late": True}})
            database.t.delete_one({"_id": 2})

    monkeypatch.setattr(Archiver, "_compare", compare_and_disturb)
    if site.transactions is not None:
        disturb_first_transaction(archiver, database, monkeypatch)
    outcome = Outcome()
    archiver(WINDOW, outcome)
    left, archived = {r["_id"] for r in rows(database)}, {r["_id"] for r in rows(database, "old")}
    assert left | archived | {2} == {0, 1, 2, 3}
    assert not left & archived
    assert outcome.deleted == outcome.archived == len(archived)
    assert {r["_id"] for r in outcome.rows} == archived
    assert outcome.deleted + outcome.kept == 4


def disturb_first_transaction(
    archiver: Archiver, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, pending = Archiver._insert, [True]

    def insert_and_disturb(self: Archiver, *arguments: Any) -> None:
        insert(self, *arguments)
        if pending:
            pending.clear()
            database.t.update_one({"_id": 1}, {"$set": {"late": True}})

    monkeypatch.setattr(Archiver, "_insert", insert_and_disturb)


@server
def test_an_archive_that_differs_stops_everything(
    connection: Connection, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, 4)
    stored = Archiver._stored

    def without_the_last(self: Archiver, *arguments: Any) -> Any:
        return iter(list(stored(self, *arguments))[:-1])

    monkeypatch.setattr(Archiver, "_stored", without_the_last)
    command = DeleteWhere("t", Selection({}), WriteOptions(), Archive("old"))
    with pytest.raises(ArchiveDiffers, match=r"1 of 4 documents read back from old differ") as caught:
        run_delete(command, connection)
    assert caught.value.exit_code == 6
    assert counts(caught.value) == {"read": 4}
    assert len(rows(database)) == 4


@server
@pytest.mark.parametrize("took_effect", [True, False])
@pytest.mark.parametrize("archive", [None, Archive("old")])
def test_a_lost_reply(
    connection: Connection, database: Database[dict[str, Any]], archive: Archive | None, took_effect: bool
) -> None:
    fill(database, 4)
    labels = ("TransientTransactionError",) if connection.server.transactions else ()
    change, _ = make(connection, [(lost(*labels), took_effect), None], archive)
    outcome = Outcome()
    change(WINDOW, outcome)
    assert (outcome.deleted, outcome.kept, outcome.in_doubt, outcome.retries) == (4, 0, 0, 1)
    assert rows(database) == []
    if archive is not None:
        assert [r["_id"] for r in rows(database, "old")] == [r["_id"] for r in outcome.rows] == [0, 1, 2, 3]
        assert outcome.archived == 4


@server
@pytest.mark.parametrize("archive", [None, Archive("old")])
def test_a_commit_without_an_answer(
    connection: Connection, database: Database[dict[str, Any]], archive: Archive | None
) -> None:
    if not connection.server.transactions:
        pytest.skip("there is no commit")
    fill(database, 4)
    change, site = make(connection, [], archive)
    assert site.transactions is not None
    run, pending = type(site.transactions).run, [True]

    def run_and_lose(self: Any, *arguments: Any) -> Any:
        result = run(self, *arguments)
        if pending:
            pending.clear()
            raise InDoubtError(lost())  # type: ignore[arg-type]
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(site.transactions), "run", run_and_lose)
        outcome = Outcome()
        change(WINDOW, outcome)
    assert (outcome.deleted, outcome.kept, outcome.in_doubt) == (4, 0, 0)
    assert rows(database) == []
    assert [r["_id"] for r in outcome.rows] == ([] if archive is None else [0, 1, 2, 3])


@server
@pytest.mark.parametrize("archive", [None, Archive("old")])
def test_a_server_that_stays_away(
    connection: Connection, database: Database[dict[str, Any]], archive: Archive | None
) -> None:
    fill(database, 4)
    labels = ("TransientTransactionError",) if connection.server.transactions else ()
    change, site = make(connection, [(lost(*labels), False)] * 9, archive, retry_attempts=0)
    outcome = Outcome()
    with pytest.raises(ConnectionLost):
        change(WINDOW, outcome)
    assert outcome.in_doubt == (0 if site.transactions is not None else 4)
    assert len(rows(database)) == 4
    # what was copied already is found by the next run
    change, _ = make(connection, [], archive)
    outcome = Outcome()
    change(WINDOW, outcome)
    assert outcome.deleted == 4


# Kills and other writers

KILLED = """
import sys
from sqlbulk.session import connect
with connect(sys.argv[1], database=sys.argv[2]) as session:
    print("ready", flush=True)
    session.execute("DELETE FROM t WHERE TRUE WITH (archive_collection = 'old', batch_size = 20, delay_ms = 5)")
"""


@pytest.fixture
def short_transactions(database: Database[dict[str, Any]]) -> Iterator[None]:
    """The server ends what a killed client left open after a second, not a minute."""
    name = "transactionLifetimeLimitSeconds"
    before = database.client.admin.command({"getParameter": 1, name: 1})[name]
    database.client.admin.command({"setParameter": 1, name: 1})
    yield
    database.client.admin.command({"setParameter": 1, name: before})


@server
@pytest.mark.slow
@pytest.mark.usefixtures("short_transactions")
def test_a_killed_run_leaves_every_document_in_one_place(
    server_uri: str, session: Session, database: Database[dict[str, Any]]
) -> None:
    fill(database, 3000)
    for seconds in (0.05, 0.3, 0.15):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, server_uri, database.name], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        before = database.old.count_documents({})
        while database.old.count_documents({}) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        # the server may be about to end what was on its way
        time.sleep(0.2)
        left, archived = ({d["_id"] for d in database[name].find({}, {"_id": 1})} for name in ("t", "old"))
        assert left | archived == set(range(3000))
        assert not left & archived
    assert left and archived
    result = session.execute("DELETE FROM t WHERE TRUE WITH (archive_collection = 'old')")
    assert counts(result)["deleted"] == len(left)
    assert database.old.count_documents({}) == 3000


@server
@pytest.mark.slow
def test_other_writers_lose_nothing(session: Session, database: Database[dict[str, Any]]) -> None:
    """Documents that others change meanwhile are changed by both, or archived as they last were."""
    database.t.insert_many([{"_id": n, "n": 0, "m": 0} for n in range(2000)])
    done, written = threading.Event(), [0]

    def disturb() -> None:
        number = 0
        while not done.is_set():
            number += 1
            if database.t.update_one({"_id": number * 7 % 2000}, {"$inc": {"m": 1}}).matched_count:
                written[0] += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        result = session.execute("UPDATE t SET n = n + 1 WHERE TRUE WITH (batch_size = 100, retry_attempts = 20)")
        assert counts(result) == {"read": 2000, "matched": 2000, "modified": 2000}
        moved = session.execute("MOVE t TO u WHERE TRUE WITH (batch_size = 100, retry_attempts = 20)")
    finally:
        done.set()
        thread.join()
    assert counts(moved)["deleted"] == 2000
    assert database.t.count_documents({}) == 0
    found = rows(database, "u")
    assert {d["n"] for d in found} == {1}
    assert sum(d["m"] for d in found) == written[0]


def test_raw_documents_keep_their_types() -> None:
    document = encode({"_id": 1, "a": 1.0, "b": Decimal128("1.0")})
    assert encode({"x": RawBSONDocument(document)})[7:-1] == document


@server
@pytest.mark.parametrize("sql", [
    "DELETE FROM t WHERE TRUE", "DELETE FROM t WHERE TRUE WITH (archive_collection = 'old')",
    "UPDATE t SET a = a + 1 WHERE TRUE", "DELETE FROM t WHERE TRUE RETURNING *",
])
def test_a_server_that_is_gone_is_looked_for_by_the_transaction_alone(
    session: Session, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    database.t.insert_many([{"_id": n, "a": 1} for n in range(3)])
    tried: list[int] = []

    def gone(self: Transactions, work: Any, retried: Any) -> Any:
        tried.append(1)
        raise ServerSelectionTimeoutError("nobody there")

    monkeypatch.setattr(Transactions, "run", gone)
    with pytest.raises(ConnectionLost, match="nobody there") as caught:
        session.execute(sql)
    assert tried == [1]
    assert isinstance(caught.value.summary, WriteSummary)
    assert caught.value.summary.in_doubt == 0
    assert database.t.count_documents({"a": 1}) == 3
