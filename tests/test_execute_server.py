"""Bulk inserts on a real server: values, limits, conflicts against a model, and everything that can refuse a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from sqlbulk.commands import (
    CallerRows,
    Conflict,
    Explained,
    FileRows,
    Insert,
    SetOption,
    Shape,
    UseDatabase,
    ValuesRows,
)
from sqlbulk.errors import ServerError, Span, TooManyErrors, UsageError
from sqlbulk.execute import execute
from sqlbulk.execute.callerrows import caller_source
from sqlbulk.execute.catalog import read_catalog
from sqlbulk.execute.connection import Connection, open_connection
from sqlbulk.execute.runner import settled
from sqlbulk.option_kinds import IndexSpec
from sqlbulk.options import WriteOptions
from sqlbulk.results import Result, WriteSummary
from sqlbulk.types import Type

pytestmark = pytest.mark.server

ADD = {"$mergeObjects": ["$$ROOT", {"n": {"$add": ["$n", "$$new.n"]}}]}
MERGE = {"$mergeObjects": ["$$ROOT", "$$new"]}


@pytest.fixture
def connection(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[Connection]:
    with open_connection(server_uri, database=database.name) as opened:
        yield opened


def insert(
    connection: Connection, rows: Any, conflict: Conflict | None = None, *, into: str = "c",
    shape: Shape | None = None, **options: Any,
) -> Result:
    command = Insert(into, CallerRows(), shape or Shape(None), WriteOptions(**options), conflict)
    return execute(command, connection, rows=rows)


def summary_of(*args: Any, **more: Any) -> WriteSummary:
    summary = insert(*args, **more).summary
    assert summary is not None
    assert summary.read == settled(summary)
    return summary


def stored(database: Database[dict[str, Any]], name: str = "c") -> list[dict[str, Any]]:
    return list(database[name].find({}, {"_id": 0}).sort("$natural", 1))


HOSTILE = [
    "$where", "$$ROOT", "$name", '{"$gt":""}', "a\0b", "'", '"', "`", "\u2019", "\u202eabc", "\U0001f600", "", " ",
    "a.b", "\\", "\\N", "NULL", "\r\n", "\x7f", "\ufeff", "x" * 10_000_000,
]


def test_hostile_strings_come_back_byte_for_byte(connection: Connection, database: Database[Any]) -> None:
    rows = [{"i": i, "s": text, "inside": {"$set": text[:99], "": [text[:99]]}} for i, text in enumerate(HOSTILE)]
    for conflict in (None, Conflict("update", (("i",),), MERGE), Conflict("nothing", (("i",),)), Conflict("replace")):
        database.c.drop()
        database.c.create_index("i", unique=True)
        assert summary_of(connection, rows, conflict).inserted == len(rows)
        assert sorted(stored(database), key=lambda d: d["i"]) == rows
        if conflict is not None and conflict.action != "nothing":
            assert summary_of(connection, rows, conflict).matched == len(rows)
            assert sorted(stored(database), key=lambda d: d["i"]) == rows


def test_rows_of_every_source(connection: Connection, database: Database[Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name.first\n1,Ann\n2,Bob\n")
    command = Insert("files", FileRows("a.csv", Span(0, 1)), Shape(None), WriteOptions())
    assert execute(command, connection, base_dir=tmp_path).summary.inserted == 2  # type: ignore[union-attr]
    assert stored(database, "files") == [{"id": 1, "name": {"first": "Ann"}}, {"id": 2, "name": {"first": "Bob"}}]
    shape = Shape((("a",), ("b", "c")))
    command = Insert("values", ValuesRows(lambda: caller_source([(1, 2)])), shape, WriteOptions())
    assert execute(command, connection).summary.inserted == 1  # type: ignore[union-attr]
    assert stored(database, "values") == [{"a": 1, "b": {"c": 2}}]
    with pytest.raises(UsageError, match="none were handed in"):
        insert(connection, None)


def test_other_commands(connection: Connection) -> None:
    assert list(execute(Explained("a\nb"), connection).rows) == [("a",), ("b",)]
    assert execute(SetOption("ordered", True), connection).statement == "SET"
    execute(UseDatabase("elsewhere"), connection)
    assert connection.database == "elsewhere"


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"leaf": 1}
    for _ in range(depth):
        document = {"in": document}
    return document


@pytest.mark.parametrize("conflict", [None, Conflict("update", (("k",),), MERGE), Conflict("nothing")])
def test_rows_that_the_server_cannot_take(
    connection: Connection, database: Database[Any], conflict: Conflict | None
) -> None:
    limit = 16 * 1024 * 1024
    rows = [
        {"k": 1}, {"k": 2, "s": "x" * (limit + 1)}, {"k": 3, **nested(185)}, {"k": 4, **nested(300)}, {"k": 5},
        {"k": 6, "_id": [1]},
    ]
    summary = summary_of(connection, rows, conflict, continue_on_error=True)
    assert [(e.row, e.code) for e in summary.errors] == [(2, "E4004"), (3, "E4009"), (4, "E4009"), (6, "E4009")]
    assert summary.inserted == 2
    assert sorted(d["k"] for d in stored(database)) == [1, 5]


def test_the_largest_document_there_is(connection: Connection, database: Database[Any]) -> None:
    empty = 5 + 17 + 7 + 1
    row = {"s": "x" * (16 * 1024 * 1024 - empty)}
    assert summary_of(connection, [row, {"s": "y"}]).inserted == 2
    assert summary_of(connection, [{"s": row["s"] + "x"}], continue_on_error=True).errors[0].code == "E4004"
    summary = summary_of(connection, [row, {"s": "z"}], Conflict("update", (("s",),), MERGE), continue_on_error=True)
    assert summary.inserted + summary.matched + summary.rejected == 2
    assert summary.inserted == 1 or summary.rejected == 1


def test_validation(connection: Connection, database: Database[Any]) -> None:
    database.create_collection("c", validator={"$jsonSchema": {"required": ["x"]}})
    rows = [{"x": 1}, {"y": 2}]
    summary = summary_of(connection, rows, continue_on_error=True)
    assert [(e.row, e.code, e.server_code) for e in summary.errors] == [(2, "E4008", 121)]
    assert "missingProperties" in summary.errors[0].message
    assert summary_of(connection, rows, bypass_validation=True).inserted == 2


def test_the_default_stops_at_a_refused_row(connection: Connection, database: Database[Any]) -> None:
    database.c.create_index("k", unique=True)
    with pytest.raises(TooManyErrors, match=r"E4007.*@ row 2") as caught:
        insert(connection, [{"k": 1}, {"k": 1}, {"k": 2}])
    assert caught.value.summary.rejected == 1  # type: ignore[attr-defined]
    assert caught.value.hint is not None


@pytest.mark.parametrize("conflict", [None, Conflict("update", (("a",),), ADD)])
def test_views_and_time_series(connection: Connection, database: Database[Any], conflict: Conflict | None) -> None:
    database.command("create", "view", viewOn="base", pipeline=[])
    with pytest.raises(ServerError, match="view") as caught:
        insert(connection, [{"a": 1}], conflict, into="view", continue_on_error=True)
    assert "\n" not in str(caught.value)
    database.create_collection("series", timeseries={"timeField": "t"})
    rows = [{"t": datetime(2024, 1, 1, tzinfo=UTC), "a": 1}]
    if conflict is None:
        assert summary_of(connection, rows, into="series").inserted == 1
    else:
        with pytest.raises(ServerError, match="time-series"):
            insert(connection, rows, conflict, into="series", continue_on_error=True)


def test_names_that_are_none(connection: Connection) -> None:
    with pytest.raises(ServerError, match="E5005"):
        insert(connection, [{"a": 1}], into="")
    with pytest.raises(ServerError, match="system"):
        insert(connection, [{"a": 1}], into="system.foo")


def test_write_concerns_that_are_not_met(connection: Connection, database: Database[Any]) -> None:
    summary = summary_of(connection, [{"a": 1}, {"a": 2}], write_concern={"w": 1, "j": True})
    assert summary.unconfirmed == 0
    with pytest.raises(ServerError, match="write concern can't be met") as caught:
        insert(connection, [{"a": 1}], write_concern={"w": "nowhere"})
    assert caught.value.summary.unconfirmed == 1  # type: ignore[attr-defined]


def test_indexes_are_made_first(connection: Connection, database: Database[Any]) -> None:
    specs = (IndexSpec((("a", 1), ("b", -1)), unique=True, sparse=True), IndexSpec((("t", 1),), expire_after=60))
    result = insert(connection, [{"a": 1}], ensure_indexes=specs)
    assert len(result.notices) == 2
    info = database.c.index_information()
    assert info["a_1_b_-1"]["unique"]
    assert info["t_1"]["expireAfterSeconds"] == 60
    assert insert(connection, [{"a": 2}], ensure_indexes=specs).notices == ()
    with pytest.raises(ServerError, match="the server refused"):
        insert(connection, [{"a": 2}], ensure_indexes=(IndexSpec((("a", 1), ("b", -1))),))


def test_a_key_that_is_not_unique(connection: Connection, database: Database[Any]) -> None:
    database.c.insert_many([{"k": 1}, {"k": 1}])
    conflict = Conflict("update", (("k",),), ADD, ensure_index=True)
    with pytest.raises(ServerError, match="share a key") as caught:
        insert(connection, [{"k": 1, "n": 1}], conflict)
    assert caught.value.hint == "Remove the duplicates, or choose another key."
    result = insert(connection, [{"k": 1, "n": 1}], conflict, into="fresh")
    assert result.notices == ("made a unique index on (k) of fresh",)
    assert insert(connection, [{"k": 1, "n": 1}], conflict, into="fresh").notices == ()


def test_metadata_and_sorting(connection: Connection, database: Database[Any]) -> None:
    summary_of(connection, [{"a": 1}, {"a": 2}], add_metadata="_meta")
    metas = [d["_meta"] for d in stored(database)]
    assert [m["source"] for m in metas] == ["row 1", "row 2"]
    assert len({m["run_id"] for m in metas}) == 1
    assert abs((datetime.now(UTC) - metas[0]["ingested_at"]).total_seconds()) < 60


# Conflicts


def by_n(database: Database[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(stored(database), key=lambda document: document["n"])


@pytest.mark.parametrize("keys", [(("k",),), None])
@pytest.mark.parametrize("value", [1, "x", {"a": 1}, [5, 6], {"$gt": ""}, "$k", b"\0", True, None, 2.5,
                                   datetime(12, 1, 1, tzinfo=UTC)])
def test_keys_of_every_kind(connection: Connection, database: Database[Any], keys: Any, value: Any) -> None:
    if keys is not None and value is None:
        pytest.skip("a row without its key is a plain insert")
    database.c.create_index("k", unique=True)
    rows = [{"k": value, "n": 1}, {"k": "other", "n": 5}, {"k": value, "n": 10}]
    conflict = Conflict("update", keys, ADD)
    summary = summary_of(connection, rows, conflict)
    assert (summary.inserted, summary.matched, summary.modified) == (2, 1, 1)
    assert by_n(database) == [{"k": "other", "n": 5}, {"k": value, "n": 11}]
    summary = summary_of(connection, rows, conflict)
    assert (summary.inserted, summary.matched) == (0, 3)
    assert by_n(database) == [{"k": "other", "n": 10}, {"k": value, "n": 22}]


def test_rows_without_their_key_are_plain_inserts(connection: Connection, database: Database[Any]) -> None:
    conflict = Conflict("update", (("a",), ("b",)), ADD)
    rows = [{"a": 1, "n": 1}, {"a": 1, "b": None, "n": 1}, {"a": 1, "b": 2, "n": 1}, {"a": 1, "b": 2, "n": 1}]
    summary = summary_of(connection, rows, conflict)
    assert (summary.inserted, summary.matched) == (3, 1)


def test_condition_unset_and_nothing(connection: Connection, database: Database[Any]) -> None:
    key = (("k",),)
    summary_of(connection, [{"k": 1, "n": 5, "x": {"y": 1, "z": 2}}, {"k": 2, "n": 50, "x": 7}])
    conflict = Conflict("update", key, MERGE, condition={"$lt": ["$n", "$$new.n"]}, unset=("x.y",))
    summary = summary_of(connection, [{"k": 1, "n": 10}, {"k": 2, "n": 10}, {"k": 3, "n": 1, "x": {"y": 1}}], conflict)
    assert (summary.inserted, summary.matched, summary.modified) == (1, 2, 1)
    assert stored(database) == [
        {"k": 1, "n": 10, "x": {"z": 2}}, {"k": 2, "n": 50, "x": 7}, {"k": 3, "n": 1, "x": {"y": 1}}]
    conflict = Conflict("nothing", key)
    summary = summary_of(connection, [{"z": 0, "k": 1, "a.b": 1}, {"z": 1, "k": 4, "a": 2}], conflict)
    assert (summary.inserted, summary.skipped, summary.matched) == (1, 1, 0)
    assert list(stored(database)[-1]) == ["z", "k", "a"], "the fields keep their order"


def test_keys_in_ids(connection: Connection, database: Database[Any]) -> None:
    key = (("_id",),)
    for keys in (key, None):
        database.c.drop()
        rows = [{"_id": i % 3, "n": 1} for i in range(9)]
        conflict = Conflict("update", keys, ADD)
        assert summary_of(connection, rows, conflict, batch_size=4).inserted == 3
        assert list(database.c.find().sort("_id")) == [{"_id": i, "n": 3} for i in range(3)]
        summary = summary_of(connection, rows * 10, conflict, batch_size=30)
        assert (summary.inserted, summary.matched) == (0, 90)
    database.c.drop()
    database.c.create_index("u", unique=True)
    database.c.insert_one({"_id": "other", "u": 7})
    summary = summary_of(connection, [{"_id": "mine", "u": 7, "n": 1}, {"u": 7}], Conflict("nothing", key),
                         continue_on_error=True)
    assert [e.code for e in summary.errors] == ["E4007", "E4007"]


def test_replace(connection: Connection, database: Database[Any]) -> None:
    database.c.create_index("k", unique=True)
    database.c.insert_one({"_id": 1, "k": 1, "old": True})
    summary = summary_of(connection, [{"k": 1, "new": True}], Conflict("replace"))
    assert (summary.matched, summary.modified) == (1, 1)
    assert list(database.c.find()) == [{"_id": 1, "k": 1, "new": True}]
    summary = summary_of(connection, [{"_id": 2, "k": 1, "newer": True}], Conflict("replace"))
    assert (summary.matched, summary.modified) == (1, 1)
    assert list(database.c.find()) == [{"_id": 1, "k": 1, "newer": True}]


def test_partial_and_folding_indexes(connection: Connection, database: Database[Any]) -> None:
    conflict = Conflict("update", None, ADD)
    database.c.create_index("k", unique=True, partialFilterExpression={"on": True})
    database.c.insert_many([{"k": 1, "on": False, "n": 0}, {"k": 1, "on": True, "n": 0}])
    summary = summary_of(connection, [{"k": 1, "on": True, "n": 5}, {"k": 1, "on": False, "n": 7}], conflict)
    assert (summary.matched, summary.inserted) == (1, 1)
    assert [d["n"] for d in stored(database)] == [0, 5, 7]
    database.f.create_index("k", unique=True, collation={"locale": "en", "strength": 2})
    summary = summary_of(connection, [{"k": "a", "n": 1}, {"k": "A", "n": 2}, {"k": "b", "n": 3}], conflict, into="f")
    assert (summary.inserted, summary.matched) == (2, 1)
    assert stored(database, "f") == [{"k": "a", "n": 3}, {"k": "b", "n": 3}]
    database.s.create_index("k", unique=True, sparse=True)
    summary = summary_of(connection, [{"n": 1}, {"n": 2}, {"k": 1, "n": 1}, {"k": 1, "n": 1}], conflict, into="s")
    assert (summary.inserted, summary.matched) == (3, 1)


def test_overlapping_arrays(connection: Connection, database: Database[Any]) -> None:
    database.c.create_index("k", unique=True)
    database.c.insert_one({"k": [1, 2], "n": 1})
    summary = summary_of(connection, [{"k": [2, 3], "n": 10}], Conflict("update", None, ADD))
    assert summary.matched == 1
    assert stored(database) == [{"k": [1, 2], "n": 11}]


def test_an_update_that_breaks_another_key_is_refused(connection: Connection, database: Database[Any]) -> None:
    database.c.create_index("k", unique=True)
    database.c.create_index("u", unique=True)
    database.c.insert_many([{"k": 1, "u": 1}, {"k": 2, "u": 2}])
    summary = summary_of(connection, [{"k": 1, "u": 2}], Conflict("update", (("k",),), MERGE), continue_on_error=True)
    assert [e.code for e in summary.errors] == ["E4007"]
    summary = summary_of(connection, [{"k": 3, "u": 3}, {"k": 1, "u": 3}], Conflict("update", None, MERGE),
                         continue_on_error=True)
    assert (summary.inserted, [e.row for e in summary.errors]) == (1, [2])


class Model:
    """MySQL's INSERT … ON DUPLICATE KEY, a row at a time."""

    def __init__(self, unique: list[str], action: str, update: str) -> None:
        self.rows: list[dict[str, Any]] = []
        self.unique, self.action, self.update = unique, action, update

    def insert(self, row: dict[str, Any]) -> None:
        for field in self.unique:
            hit = next((r for r in self.rows if r.get(field) == row.get(field)), None)
            if hit is None:
                continue
            changed = {**hit, "n": hit["n"] + row["n"]}
            if self.update == "set b":
                changed["b"] = row["b"]
            if self.action == "replace":
                changed = dict(row)
            if self.action == "nothing" or self._taken(changed, hit):
                return
            hit.clear()
            hit.update(changed)
            return
        self.rows.append(dict(row))

    def _taken(self, row: dict[str, Any], but: dict[str, Any]) -> bool:
        return any(r is not but and r.get(f) == row.get(f) for r in self.rows for f in self.unique)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=14), st.sampled_from(["a", "ab"]),
    st.sampled_from(["update", "nothing", "replace"]), st.sampled_from(["add", "set b"]), st.integers(1, 5),
    st.integers(1, 3))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_unique_index_as_a_model_does_it(
    connection: Connection, database: Database[Any], pairs: Any, unique: str, action: Any, update: str, batch: int,
    workers: int,
) -> None:
    database.m.delete_many({})
    database.m.drop_indexes()
    for field in unique:
        database.m.create_index(field, unique=True)
    expression = {"$mergeObjects": [ADD, {"b": "$$new.b"}]} if update == "set b" else ADD
    model = Model(list(unique), action, update)
    rows = [{"a": a, "b": b, "n": 10**i} for i, (a, b) in enumerate(pairs)]
    for row in rows:
        model.insert(row)
    conflict = Conflict(action, None, expression if action == "update" else None)
    summary = summary_of(connection, rows, conflict, into="m", batch_size=batch, parallel_workers=workers,
                         continue_on_error=True)
    found = stored(database, "m")
    assert sorted(found, key=str) == sorted(model.rows, key=str)
    assert summary.inserted == len(model.rows)


def test_lanes_and_batches_keep_the_order_of_a_key(connection: Connection, database: Database[Any]) -> None:
    append = {"$mergeObjects": ["$$ROOT", {"r": {"$concatArrays": ["$r", "$$new.r"]}}]}
    rows = [{"k": i * 7 % 11, "r": [i]} for i in range(3000)]
    for keys in ((("k",),), None):
        database.c.drop()
        database.c.create_index("k", unique=True)
        summary = summary_of(connection, rows, Conflict("update", keys, append), batch_size=50, parallel_workers=4)
        assert (summary.inserted, summary.matched) == (11, 2989)
        for document in database.c.find():
            assert document["r"] == [i for i in range(3000) if i * 7 % 11 == document["k"]]


# Catalog


def test_the_catalog(connection: Connection, database: Database[Any]) -> None:
    schema = {"bsonType": "object", "properties": {
        "s": {"bsonType": "string"}, "n": {"bsonType": ["int", "double", "null"]}, "l": {"bsonType": ["int", "long"]},
        "d": {"bsonType": "object", "properties": {"t": {"bsonType": "date"}}}, "any": {}, "odd": {"bsonType": "regex"},
        "x": {"bsonType": ["int", "string"]}}}
    database.create_collection("typed", validator={"$jsonSchema": schema})
    database.create_collection("soft", validator={"$jsonSchema": schema}, validationAction="warn")
    database.typed.create_index([("s", 1), ("d.t", -1)], unique=True)
    database.typed.create_index("n", unique=True, sparse=True)
    database.command("create", "view", viewOn="typed", pipeline=[])
    catalog = read_catalog(connection, ["typed", "nowhere", "view"])
    assert (catalog.complete, catalog.server) == (True, connection.server.version[:2])
    typed = catalog.get("typed")
    assert typed is not None
    assert typed.fields == {
        "s": Type.STRING, "n": Type.NUMBER, "l": Type.INTEGER, "d": Type.DOCUMENT, "d.t": Type.DATE}
    assert typed.has_unique(("d.t", "s"))
    assert typed.has_unique(("n",)) and not typed.has_unique(("n",), over_null=True)
    assert catalog.collections["soft"].fields == {}
    assert catalog.collections["view"].kind == "view"
    assert catalog.get("nowhere") is None
    assert (typed.bytes, catalog.collections["soft"].bytes, catalog.collections["view"].bytes) == (0, None, None)
    assert read_catalog(connection, ["typed"]).collections["typed"].bytes is None
    connection.database = "no such"
    with pytest.raises(ServerError, match="E5005"):
        read_catalog(connection, [])


def test_ids_are_object_ids_in_the_order_of_the_rows(connection: Connection, database: Database[Any]) -> None:
    summary_of(connection, [{"i": i} for i in range(2500)], ordered=True, batch_size=700)
    found = list(database.c.find().sort("_id"))
    assert [d["i"] for d in found] == list(range(2500))
    assert all(type(d["_id"]) is ObjectId for d in found)
    assert abs((found[0]["_id"].generation_time - datetime.now(UTC)).total_seconds()) < 60
