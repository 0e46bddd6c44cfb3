"""UPSERT … SELECT on a server: whichever way stored documents are looked at, counts and documents are what a model says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout

import sqlbulk
from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import ServerError
from sqlbulk.execute import merge_pipeline
from sqlbulk.execute.merge_marks import Marks
from sqlbulk.execute.merge_outlook import Lookout, Outlook
from sqlbulk.session import Session

pytestmark = pytest.mark.server
Base = Database[dict[str, Any]]
Row = tuple[Any, Any, Any]

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
EARLIER = datetime(2025, 1, 1, tzinfo=UTC)
ACTIONS = {
    "stamp": "DO UPDATE SET n = EXCLUDED.n, at = CURRENT_TIMESTAMP",
    "count": "DO UPDATE SET c = COALESCE(c, 0) + 1 WHERE n <> EXCLUDED.n",
    "replace": "DO REPLACE",
    "nothing": "DO NOTHING",
}


@pytest.fixture
def session(server_uri: str, database: Base) -> Iterator[Session]:
    with sqlbulk.connect(server_uri, database=database.name, now=NOW) as opened:
        yield opened


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How stored documents were looked at by rows that wait, a word a time."""
    taken: list[str] = []
    together, one_by_one = Marks.together, Marks.one_by_one

    def noted_together(self: Marks, near: Any = None) -> Any:
        taken.append("all" if near is None else "near")
        return together(self, near)

    def noted_one_by_one(self: Marks) -> Any:
        taken.append("one by one")
        return one_by_one(self)

    monkeypatch.setattr(Marks, "together", noted_together)
    monkeypatch.setattr(Marks, "one_by_one", noted_one_by_one)
    monkeypatch.setattr(merge_pipeline, "FEW_DOCUMENTS", 0)
    return taken


def statement(action: str) -> str:
    """An upsert of all rows of s."""
    return f"UPSERT INTO t (a, b, n) SELECT a, b, n FROM s ON CONFLICT (a, b) {ACTIONS[action]}"


def counted(summary: Any) -> dict[str, int]:
    names = ("read", "inserted", "matched", "modified", "rejected", "skipped", "in_doubt")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def shown(document: dict[str, Any]) -> str:
    """A document as text; dates of one moment look the same."""
    return repr({name: value.isoformat() if isinstance(value, datetime) else value for name, value in document.items()})


@dataclass
class Model:
    """What t holds, by key, and what a statement does to it."""

    documents: dict[tuple[Any, Any], dict[str, Any]]

    def upsert(self, rows: list[Row], action: str) -> dict[str, int]:
        """The counts of the statement, without the zeros."""
        found = dict.fromkeys(("read", "inserted", "matched", "modified", "skipped"), 0)
        for a, b, n in rows:
            old = self.documents.get((a, b))
            new = {"a": a, "b": b, "n": n}
            found["read"] += 1
            if old is None:
                found["inserted"] += 1
            elif action == "nothing":
                found["skipped"] += 1
                continue
            else:
                new = _updated(old, new, action)
                found["matched"] += 1
                found["modified"] += new != old
            self.documents[a, b] = new
        return {name: number for name, number in found.items() if number}


def _updated(old: dict[str, Any], new: dict[str, Any], action: str) -> dict[str, Any]:
    if action == "replace":
        return new
    if action == "stamp":
        return {**old, "n": new["n"], "at": NOW}
    return {**old, "c": old.get("c", 0) + 1} if old["n"] != new["n"] else old


def fill(database: Base, rows: list[Row], documents: dict[tuple[Any, Any], dict[str, Any]], odd: list[Any]) -> None:
    """Put rows into s, documents and odd ones into t, which gets its index."""
    database.s.drop()
    database.t.drop()
    database.create_collection("s")
    database.t.create_index([("a", 1), ("b", 1)], unique=True)
    if rows:
        database.s.insert_many([{"_id": number, "a": a, "b": b, "n": n} for number, (a, b, n) in enumerate(rows)])
    if stored := [*map(dict, documents.values()), *map(dict, odd)]:
        database.t.insert_many(stored)


KEYS = st.tuples(st.sampled_from([0, 1, 2, 5, "x", "$a", float("-inf")]), st.sampled_from([EARLIER, NOW, 1, 2.5]))
NUMBERS = st.integers(0, 2)
FAR = [{"a": 1_000 + number, "b": 1, "n": 0} for number in range(60)]
ARRAY = [{"a": [7_000, 7_001], "b": 1, "n": 0}]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(KEYS, NUMBERS, max_size=8), st.dictionaries(KEYS, st.tuples(NUMBERS, st.booleans()), max_size=8),
    st.sampled_from(sorted(ACTIONS)), st.sampled_from([[], FAR, ARRAY, [*FAR, *ARRAY]]),
)
def test_counts_and_documents_are_the_models(
    session: Session, database: Base, new: dict[Any, int], old: dict[Any, tuple[int, bool]], action: str, odd: list[Any]
) -> None:
    rows = [(a, b, n) for (a, b), n in new.items()]
    model = Model({(a, b): {"a": a, "b": b, "n": n, **({"at": NOW} if stamped else {})}
                   for (a, b), (n, stamped) in old.items()})
    fill(database, rows, model.documents, odd)
    for _ in range(2):  # the second time every `at` that is set is the same again
        expected = model.upsert(rows, action)
        result = session.execute(statement(action))
        assert counted(result.summary) == expected
        assert not any("client" in notice for notice in result.notices)
    stored = database.t.find({}, {"_id": 0})
    assert sorted(map(shown, stored)) == sorted(map(shown, [*model.documents.values(), *odd]))
    assert not [name for name in database.list_collection_names() if name.startswith(STAGED)]


@pytest.mark.parametrize(("odd", "rows", "taken"), [
    ([], [(1, 1, 1)], []),
    (FAR[:3], [(1, 1, 1)], ["all"]),
    (FAR, [(1, 1, 1), (1_000, 1, 1)], ["near"]),
    (FAR, [(1_000, 1, 1), (1_059, 1, 1)], ["one by one"]),
    (ARRAY, [(1, 1, 1)], ["all", "near"]),
    (ARRAY, [(6_999, 1, 1), (7_005, 1, 1)], ["all", "near", "one by one"]),
    ([*FAR, *ARRAY], [(6_999, 1, 1), (7_005, 1, 1)], ["near", "one by one"]),
    (FAR, [("x", "x", 1), (1, 1, 1)], ["one by one"]),
    (FAR, [(float("nan"), True, 1)], ["one by one"]),
    (FAR, [(Decimal128("NaN"), NOW, 1)], ["near"]),
])
def test_few_documents_are_read_all_and_others_looked_up(
    session: Session, database: Base, ways: list[str], odd: list[Any], rows: list[Row], taken: list[str]
) -> None:
    fill(database, rows, {}, odd)
    met = [(document["a"], document["b"]) for document in odd]
    summary: Any = session.execute(statement("stamp")).summary
    assert ways == taken
    assert (summary.read, summary.matched) == (len(rows), sum((a, b) in met for a, b, _ in rows))
    assert summary.inserted == summary.read - summary.matched == database.t.count_documents({}) - len(odd)
    assert summary.modified == summary.matched


def test_documents_that_take_long_to_count_are_looked_up(
    session: Session, database: Base, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [(1, 1, 1), (1_000, 1, 1)], {}, FAR)
    count, limits = Collection.count_documents, []

    def too_long(self: Collection[Any], filter: Any, *arguments: Any, **options: Any) -> int:
        if "maxTimeMS" not in options:
            return count(self, filter, *arguments, **options)
        limits.append(options["maxTimeMS"])
        raise ExecutionTimeout("operation exceeded time limit", 50)

    monkeypatch.setattr(Collection, "count_documents", too_long)
    found = counted(session.execute(statement("stamp")).summary)
    assert found == {"read": 2, "inserted": 1, "matched": 1, "modified": 1}
    assert ways == ["one by one"] and limits == [10]


def meddled(monkeypatch: pytest.MonkeyPatch, meddle: Any) -> None:
    """Let somebody else write between the look at the collection and the writing."""
    look = Lookout.look

    def looked(self: Lookout, known: Outlook) -> Outlook:
        found = look(self, known)
        meddle()
        return found

    monkeypatch.setattr(Lookout, "look", looked)


@pytest.mark.parametrize("stored", [{}, {(0, 0): {"a": 0, "b": 0, "n": 5}}])
@pytest.mark.parametrize("action", ["stamp", "nothing"])
def test_documents_that_somebody_makes_meanwhile_are_met(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch, stored: dict[Any, Any], action: str
) -> None:
    rows: list[Row] = [(number, 0, number) for number in range(20)]
    fill(database, rows, stored, [])
    meddled(monkeypatch, lambda: database.t.insert_one({"a": 10, "b": 0, "n": -1}))
    found = counted(session.execute(statement(action)).summary)
    met = len(stored) + 1
    others = {"skipped": met} if action == "nothing" else {"matched": met, "modified": met}
    assert found == {"read": 20, "inserted": 20 - met, **others}
    (document,) = database.t.find({"a": 10})
    assert document["n"] == (-1 if action == "nothing" else 10)
    assert database.t.count_documents({}) == 20
    assert database.t.count_documents({"at": NOW}) == (0 if action == "nothing" else met)


def test_documents_that_somebody_removes_meanwhile_are_made_again(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [(0, 0, 1), (1, 0, 1)], {(0, 0): {"a": 0, "b": 0, "n": 5}}, [])
    meddled(monkeypatch, lambda: database.t.delete_many({}))
    assert counted(session.execute(statement("stamp")).summary) == {"read": 2, "inserted": 2}
    assert database.t.count_documents({}) == 2


def test_two_statements_at_once_count_every_row_once(server_uri: str, database: Base) -> None:
    rows: list[Row] = [(number, 0, number) for number in range(2000)]
    fill(database, rows, {(0, 0): {"a": 0, "b": 0, "n": 5}}, [])
    summaries: list[Any] = []

    def run() -> None:
        with sqlbulk.connect(server_uri, database=database.name) as session:
            summaries.append(session.execute(statement("count").split(" WHERE")[0]).summary)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = summaries
    assert one.inserted + other.inserted == 1999 and one.matched + other.matched == 2001
    assert one.read == other.read == 2000
    assert sum(document.get("c", 0) for document in database.t.find()) == 2001


def test_an_error_while_new_rows_are_inserted_leaves_the_others_alone(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [(0, 0, 1), (1, 0, 2), (2, 0, 3)], {(0, 0): {"a": 0, "b": 0, "n": 5}}, [])
    meddled(monkeypatch, lambda: database.command(
        "collMod", "t", validator={"n": {"$ne": 3}}, validationLevel="strict"))
    with pytest.raises(ServerError) as caught:
        session.execute(statement("stamp"))
    made = database.t.count_documents({"a": {"$gt": 0}})
    expected = {"read": 3, "inserted": made, "skipped": 3 - made}
    assert counted(caught.value.summary) == {name: number for name, number in expected.items() if number}
    assert database.t.find_one({"a": 0}, {"_id": 0}) == {"a": 0, "b": 0, "n": 5}


def test_an_error_while_others_are_changed_tells_what_was_made(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = {(number, 0): {"a": number, "b": 0, "n": 5} for number in range(2)}
    fill(database, [(0, 0, 1), (1, 0, 3), (2, 0, 2)], stored, [])
    meddled(monkeypatch, lambda: database.command(
        "collMod", "t", validator={"n": {"$ne": 3}}, validationLevel="strict"))
    with pytest.raises(ServerError) as caught:
        session.execute(statement("stamp"))
    assert counted(caught.value.summary) == {"read": 3, "inserted": 1, "in_doubt": 2}
    assert database.t.find_one({"a": 1})["n"] == 5  # type: ignore[index]


def test_rows_that_bring_their_own_id_are_met_as_well(session: Session, database: Base) -> None:
    database.s.insert_many([{"_id": number, "n": 1} for number in range(4)])
    database.t.insert_many([{"_id": 0, "n": 1}, {"_id": 1, "n": 5}, {"_id": 9, "n": 9}])
    assert counted(session.execute("UPSERT INTO t SELECT * FROM s").summary) == {
        "read": 4, "inserted": 2, "matched": 2, "modified": 1}
    assert counted(session.execute("UPSERT INTO t SELECT * FROM s ON CONFLICT (_id) DO NOTHING").summary) == {
        "read": 4, "skipped": 4}
    assert sorted((document["_id"], document["n"]) for document in database.t.find()) == [
        (0, 1), (1, 1), (2, 1), (3, 1), (9, 9)]


def test_rows_with_ids_of_their_own_are_all_in_doubt_when_the_server_stops(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.s.insert_many([{"_id": number, "n": 3} for number in range(2)])
    database.t.insert_one({"_id": 0, "n": 1})
    meddled(monkeypatch, lambda: database.command(
        "collMod", "t", validator={"n": {"$ne": 3}}, validationLevel="strict"))
    with pytest.raises(ServerError) as caught:
        session.execute("UPSERT INTO t SELECT * FROM s")
    assert counted(caught.value.summary) == {"read": 2, "in_doubt": 2}


def test_rows_that_are_not_confirmed_are_all_written_and_said_to_be_so(session: Session, database: Base) -> None:
    fill(database, [(0, 0, 1), (1, 0, 1)], {(0, 0): {"a": 0, "b": 0, "n": 5}}, [])
    sql = statement("stamp") + " WITH (write_concern = 5)"
    with pytest.raises(ServerError, match="not confirmed") as caught:
        session.execute(sql)
    summary: Any = caught.value.summary
    assert counted(summary) == {"read": 2, "inserted": 1, "matched": 1, "modified": 1} and summary.unconfirmed == 2
    assert database.t.count_documents({"n": 1}) == 2


def test_rows_without_a_whole_key_come_by_the_client_whatever_is_stored(session: Session, database: Base) -> None:
    database.s.insert_many([{"a": None, "b": 1, "n": 1}, {"a": 1, "n": 1}, {"a": 1, "b": [1], "n": 1}])
    database.t.insert_one({"a": 1, "b": 2, "n": 3})
    result = session.execute(statement("stamp"))
    assert counted(result.summary) == {"read": 3, "inserted": 3}
    assert any("3 rows without a whole key" in notice for notice in result.notices)


def test_a_capped_collection_is_written_in_the_order_of_the_query(session: Session, database: Base) -> None:
    database.create_collection("t", capped=True, size=100_000)
    database.t.create_index([("a", 1), ("b", 1)], unique=True)
    database.t.insert_one({"a": -1, "b": 0, "n": 0})
    database.s.insert_many([{"a": number * 7 % 50, "b": 0, "n": 1} for number in range(50)])
    sql = statement("nothing").replace("FROM s", "FROM s ORDER BY a DESC")
    assert counted(session.execute(sql).summary) == {"read": 50, "inserted": 50}
    assert [document["a"] for document in database.t.find()] == [-1, *range(49, -1, -1)]


def test_a_view_is_refused(session: Session, database: Base) -> None:
    database.s.insert_one({"a": 1, "b": 1, "n": 1})
    database.command("create", "t", viewOn="s", pipeline=[])
    with pytest.raises(sqlbulk.errors.SqlbulkError, match="view"):
        session.execute(statement("stamp"))


@pytest.mark.parametrize(("options", "batches"), [("", 3), ("WITH (parallel_workers = 1)", 2)])
def test_many_rows_that_have_a_document_are_written_in_halves(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch, options: str, batches: int
) -> None:
    monkeypatch.setattr(merge_pipeline, "HALVED", 40)
    fill(database, [(number, 0, 1) for number in range(50)],
         {(number, 0): {"a": number, "b": 0, "n": 5} for number in range(40)}, [])
    summary: Any = session.execute(f"{statement('stamp')} {options}").summary
    assert counted(summary) == {"read": 50, "inserted": 10, "matched": 40, "modified": 40}
    assert summary.batches == batches
    assert database.t.count_documents({"n": 1}) == 50 and database.t.count_documents({"at": NOW}) == 40


def test_an_error_in_one_half_leaves_rows_in_doubt(
    session: Session, database: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_pipeline, "HALVED", 2)
    fill(database, [(number, 0, number) for number in range(20)],
         {(number, 0): {"a": number, "b": 0, "n": -1} for number in range(19)}, [])
    meddled(monkeypatch, lambda: database.command(
        "collMod", "t", validator={"n": {"$ne": 3}}, validationLevel="strict"))
    with pytest.raises(ServerError) as caught:
        session.execute(statement("stamp"))
    assert counted(caught.value.summary) == {"read": 20, "inserted": 1, "in_doubt": 19}
    assert database.t.find_one({"a": 3})["n"] == -1  # type: ignore[index]
