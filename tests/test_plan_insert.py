"""INSERT and its like: assignments on a real server, files and options in detail, plans as values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from golden import Case, planned
from pymongo.database import Database

from sqlbulk.commands import Conflict, FileRows, Insert, Plan
from sqlbulk.errors import PlanError, RowRefused, SqlError
from sqlbulk.execute.documents import compile_shape, without_missing
from sqlbulk.execute.upserts import Upserts
from sqlbulk.formats import FORMATS
from sqlbulk.functions.registry import Context
from sqlbulk.plan import plan
from sqlbulk.plan.insert import files, wire
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def planned_insert(sql: str, **settings: str) -> Insert:
    step = planned(Case([], sql, {}, 1, settings)).steps[0]
    assert isinstance(step, Insert)
    return step


def code(sql: str, **settings: str) -> str:
    with pytest.raises(SqlError) as caught:
        planned_insert(sql, **settings)
    return caught.value.code


# Assignments, on the server


def conflict(clause: str, columns: str = "k, n, x.y") -> Conflict:
    values = ", ".join("1" for _ in columns.split(","))
    found = planned_insert(f"INSERT INTO t ({columns}) VALUES ({values}) {clause}").conflict
    assert found is not None
    return found


def updated(database: Database[dict[str, Any]], stored: dict[str, Any], found: Conflict, new: dict[str, Any]) -> Any:
    """What the stored document becomes when the row collides with it."""
    collection = database["t"]
    collection.delete_many({})
    collection.insert_one({"_id": 1, **stored})
    collection.update_one({"_id": 1}, [wire.update_stage(found, new)])
    document = collection.find_one({})
    assert document is not None
    assert document.pop("_id") == 1
    return document


@pytest.mark.server
@pytest.mark.parametrize("assignments, stored, new, expected", [
    ("n = n + 1", {"n": 5}, {}, {"n": 6}),
    ("n = n + 1", {}, {}, {"n": None}),
    ("n = EXCLUDED.n", {"n": 5}, {}, {"n": None}),
    ("n = VALUES(n), m = n", {"n": 5}, {"n": 7}, {"n": 7, "m": 5}),
    ("n = m, m = n", {"n": 1, "m": 2}, {}, {"n": 2, "m": 1}),
    ("d = {a: 1}", {"d": {"b": 2}}, {}, {"d": {"a": 1}}),
    ("d = EXCLUDED.n", {"d": {"b": 2}}, {"n": {"c": "$x"}}, {"d": {"c": "$x"}}),
    ("d.a = 1", {"d": {"b": 2}}, {}, {"d": {"b": 2, "a": 1}}),
    ("d.a.z = 1, d.c = 2", {}, {}, {"d": {"a": {"z": 1}, "c": 2}}),
    ("d.a.z = 1", {"d": None}, {}, {"d": {"a": {"z": 1}}}),
    ("n = DEFAULT", {"n": 1, "m": 2}, {}, {"m": 2}),
    ("d.a = DEFAULT", {"d": {"a": 1, "b": 2}}, {}, {"d": {"b": 2}}),
    ("d.a = DEFAULT", {"d": 5}, {}, {"d": 5}),
    ("d.a = DEFAULT", {"m": 2}, {}, {"m": 2}),
    ("d.a.z = DEFAULT, d.b = DEFAULT", {"d": {"a": {"z": 1, "y": 2}, "b": 3}}, {}, {"d": {"a": {"y": 2}}}),
    ("d.a = DEFAULT, d.b = 4", {"d": {"a": 1}}, {}, {"d": {"b": 4}}),
    ('"a.b" = 1', {"a": {"b": 2}}, {}, {"a": {"b": 2}, "a.b": 1}),
    ('d."x.y" = n', {"n": 3}, {}, {"n": 3, "d": {"x.y": 3}}),
    ('d."x.y" = DEFAULT', {"d": {"x.y": 1, "z": 2}}, {}, {"d": {"z": 2}}),
    ("t.n = t.n + 1", {"n": 1}, {}, {"n": 2}),
    ("n = '$m', m = '$$ROOT'", {"m": 1}, {}, {"m": "$$ROOT", "n": "$m"}),
])
def test_assignments(
    database: Database[dict[str, Any]], assignments: str, stored: dict[str, Any], new: dict[str, Any], expected: Any
) -> None:
    found = conflict(f"ON CONFLICT (k) DO UPDATE SET {assignments}")
    assert updated(database, stored, found, new) == expected


@pytest.mark.server
def test_what_is_in_the_way_refuses_the_row(database: Database[dict[str, Any]]) -> None:
    found = conflict("ON CONFLICT (k) DO UPDATE SET d.a = 1")
    for obstacle in (5, "x", [1], [{"a": 2}]):
        with pytest.raises(Exception, match="mergeObjects"):
            updated(database, {"d": obstacle}, found, {})
        assert database["t"].find_one({}) == {"_id": 1, "d": obstacle}


@pytest.mark.server
def test_a_condition_keeps_the_stored_row_unless_true(database: Database[dict[str, Any]]) -> None:
    found = conflict("ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n WHERE n < EXCLUDED.n")
    assert updated(database, {"n": 1}, found, {"n": 2}) == {"n": 2}
    assert updated(database, {"n": 3}, found, {"n": 2}) == {"n": 3}
    assert updated(database, {}, found, {"n": 2}) == {}
    for never in ("NULL", "NULL::bigint NOT IN (0, 1)", "1 > NULL", "FALSE"):
        found = conflict(f"ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n WHERE {never}")
        assert updated(database, {"n": 1}, found, {"n": 2}) == {"n": 1}


@pytest.mark.server
def test_upsert_puts_the_row_over_the_stored_fields(database: Database[dict[str, Any]]) -> None:
    found = conflict("WITH (upsert_mode = true, match_fields = k)", "k, a.b, a.c.d, e")
    assert updated(database, {"k": 1, "a": {"b": 1, "z": 2, "c": {"y": 3}}, "o": 4}, found,
                   {"_id": 9, "k": 1, "a": {"b": 5, "c": {"d": 6}}, "e": {"f": 7}}) == {
        "k": 1, "a": {"b": 5, "z": 2, "c": {"y": 3, "d": 6}}, "o": 4, "e": {"f": 7}}
    assert updated(database, {"k": 1, "a": 3}, found, {"k": 1, "e": None}) == {"k": 1, "a": 3, "e": None}
    unknown = planned_insert("UPSERT INTO t ? WITH (match_fields = k)").conflict
    assert unknown is not None
    assert updated(database, {"a": {"b": 1}}, unknown, {"a": {"c": 2}}) == {"a": {"c": 2}}


def test_explain_shows_the_operation_that_is_sent() -> None:
    class NoIds:
        def made(self, document: bytes, ordinal: int) -> bool:
            return False

    class Rows:
        documents: Sequence[bytes] = [bson.encode({"k": 1})]
        ordinals: Sequence[int] = [1]

    for clause in ("DO UPDATE SET n = n + 1 WHERE n < 5", "DO NOTHING", "DO REPLACE"):
        found = conflict(f"ON CONFLICT (k) {clause}")
        sent = Upserts(found, NoIds()).operation(Rows(), 0, {}).pipeline  # type: ignore[arg-type]
        shown = wire.update_stage(found, {"k": 1})
        if "REPLACE" not in clause:
            assert bson.encode({"": sent}) == bson.encode({"": [shown]})
        else:
            assert shown["$replaceWith"]["$let"]["in"]["$cond"][2] == {"$mergeObjects": [{"_id": "$_id"}, "$$new"]}


# Documents


def test_explained_documents_are_those_that_are_stored() -> None:
    sql = ("INSERT INTO t (a, b.c, b.d, \"e.f\") VALUES (1, DEFAULT, NULL, {x: [1]}), (DEFAULT, DEFAULT, DEFAULT, 5),"
           " (DATE '2025-01-01', X'00', UUID '12345678-1234-5678-1234-567812345678', DECIMAL '1.10')")
    command = planned_insert(sql)
    build = compile_shape(command.shape, ("a", "b.c", "b.d", "e.f"))
    stored = [without_missing(build(row)) for chunk in command.rows.open() for row in chunk.rows]  # type: ignore[union-attr]
    assert stored == list(wire.documents(command))


def test_batches_are_cut_by_count_and_size() -> None:
    text = "x" * (6 << 20)
    case = Case([], f"INSERT INTO t (a) VALUES ('{text}'), ('{text}'), ('{text}'), (1), (2), (3)"
                " WITH (batch_size = 3, sort_by = 'a DESC')", {}, 1)
    sizes = [len(command["documents"]) for command in planned(case).commands]
    assert sizes == [2, 3, 1]


def test_rows_that_are_refused_are_not_shown() -> None:
    command = planned_insert("INSERT INTO t (a, b) VALUES (1, 2), (3), (NULL, 4) WITH (required_fields = a)")
    assert list(wire.documents(command)) == [{"a": 1, "b": 2}]
    whole = planned_insert("INSERT INTO t VALUES ({a: 1}), (5), ({b: 2})")
    assert list(wire.documents(whole)) == [{"a": 1}, {"b": 2}]
    source = whole.rows.open()  # type: ignore[union-attr]
    assert source.columns is None and source.size
    chunk = next(iter(source))
    assert [error.row for error in chunk.refused] == [2]
    assert str(chunk.locate(1)).endswith(":1:37") and chunk.excerpt(1) == "({b: 2})"


def test_a_tiny_plan() -> None:
    assert Plan("X", ()).commands == [] and str(Plan("X", ())) == ""


def test_values_need_their_text() -> None:
    context = Context(datetime(2025, 1, 1, tzinfo=UTC))
    insert = st.Insert("INSERT", False, ast.Table((ast.Identifier("t"),)), (), st.ValueList())
    with pytest.raises(PlanError):
        plan(insert, context=context)


def test_recursion_is_an_error_with_a_code() -> None:
    node: ast.Expr = ast.Literal(1)
    for _ in range(5_000):
        node = ast.Unary("-", node)
    with pytest.raises(PlanError) as caught:
        plan(st.SetOption("batch_size", node), context=Context(datetime(2025, 1, 1, tzinfo=UTC)))
    assert caught.value.code == "E1007"


# Parameters


def test_unused_parameters_are_only_counted_where_wanted() -> None:
    assert planned(Case([], "EXPLAIN INSERT INTO t (a) VALUES (1), (:x)", {}, 1, {"parameters": '{"x": 1}'})).steps
    context = Context(datetime(2025, 1, 1, tzinfo=UTC))
    assert plan(st.UseDatabase(ast.Identifier("a")), context=context, parameters=[1], all_used=False).steps


# Refusals


@pytest.mark.parametrize("sql, expected", [
    ("INSERT IGNORE INTO t (a) VALUES (1) ON CONFLICT DO NOTHING", "E2004"),
    ("REPLACE INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 1", "E2004"),
    ('INSERT INTO t (a) VALUES (1) ON CONFLICT ("a.b") DO NOTHING', "E2011"),
    ("INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a) DO NOTHING WITH (match_fields = b)", "E2007"),
    ("INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a, a) DO NOTHING", "E2010"),
    ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1, b.c = 2", "E2010"),
    ("INSERT INTO t (a) VALUES (1) WITH ARCHIVAL_STRATEGY (a = 1)", "E3001"),
    ("INSERT INTO t (a) VALUES (1) WITH (batch_size = DEFAULT)", "E2007"),
    ("INSERT INTO t (a) VALUES (1) WITH (max_execution_time = INTERVAL '1 month')", "E2007"),
    ("INSERT INTO t (a) VALUES (1) WITH (comment = UPPER(a))", "E2005"),
    ('INSERT INTO "a$b" (a) VALUES (1)', "E2011"), ('INSERT INTO ".a" (a) VALUES (1)', "E2011"),
    ('INSERT INTO t ("a.b") FROM \'x.csv\'', "E2011"),
    ("INSERT INTO t FROM 'x.csv' COLUMNS (\"a.b\" INT)", "E2011"),
    ("INSERT INTO t FROM 'x.csv' COLUMNS (@a)", "E2004"),
    ("INSERT INTO t (a, b) FROM 'x.csv' COLUMNS (a)", "E2001"),
    ("INSERT INTO t FROM 'x.csv' COLUMNS (a INT[])", "E3001"),
    ("INSERT INTO t FROM 'x.csv' COLUMNS (a, \"a\")", "E2010"),
    ("INSERT INTO t FROM 'x.csv' COLUMNS (a.b, \"a.b\")", "E2010"),
    ("INSERT INTO t FROM ''", "E2007"),
    ("INSERT INTO t FROM 'x.csv' HEADER maybe", "E2007"), ("INSERT INTO t FROM 'x.csv' SKIP 1.5", "E2007"),
    ("INSERT INTO t FROM 'x.csv' SKIP -1", "E1001"), ("INSERT INTO t FROM 'x.csv' QUOTE 'ab'", "E2007"),
    ("INSERT INTO t FROM 'x.csv' ENCODING klingon", "E2007"), ("INSERT INTO t FROM 'x.csv' NULL 5", "E2007"),
    ("INSERT INTO t FROM 'x.csv' DELIMITER 5", "E2007"), ("INSERT INTO t FROM 'x.csv' FORMAT", "E2007"),
    ("LOAD DATA INFILE 'x' INTO TABLE t (a) SET b = c.d FOR x IN b END", "E2004"),
])
def test_refusals(sql: str, expected: str) -> None:
    assert code(sql) == expected


# Files


def test_file_options() -> None:
    rows = planned_insert("INSERT INTO t FROM 'x.csv' DELIMITER '\\t' HEADER off ESCAPE '\\\\' COMPRESSION gz"
                          " DATE_FORMAT '%d.%m.%Y' INFER_TYPES false ENCODING utf8mb4").rows
    assert isinstance(rows, FileRows)
    assert (rows.delimiter, rows.header, rows.escape, rows.compression) == ("\t", False, "\\", "gz")
    assert (rows.date_format, rows.infer_types, rows.encoding) == ("%d.%m.%Y", False, "utf-8")


def test_the_formats_are_those_that_can_be_read() -> None:
    readable = {name for entry in FORMATS if entry.reader for name in (entry.name, *entry.aliases)}
    assert set(files.FORMATS) == readable


def test_columns_are_found_by_name() -> None:
    command = planned_insert("INSERT INTO t (x, y.z) FROM 'f.csv' COLUMNS (b, a)")
    build = compile_shape(command.shape, ("a", "c", "b"))
    assert build((1, 2, 3)) == {"y": {"z": 1}, "x": 3}


# LOAD DATA


def loaded(sql: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> Any:
    return without_missing(compile_shape(planned_insert(sql).shape, columns)(row))


def test_load_data_computes_on_the_client() -> None:
    sql = "LOAD DATA INFILE 'x' INTO TABLE t (a, @b, c.d) SET e = UPPER(@b), f = c.d * 2, g.h = 'x', a = a + 1"
    assert loaded(sql, ("a", "@b", "c.d"), (1, "q", 4)) == {"c": {"d": 4}, "e": "Q", "f": 8, "g": {"h": "x"}, "a": 2}
    header = "LOAD DATA INFILE 'x' INTO TABLE t IGNORE 1 LINES SET e = a.b + z"
    assert loaded(header, ("a", "z"), ({"b": 1}, 2)) == {"a": {"b": 1}, "z": 2, "e": 3}
    assert loaded(header, ("y",), (1,)) == {"y": 1, "e": None}


def test_load_data_refuses_rows_without_a_value() -> None:
    sql = "LOAD DATA INFILE 'x' INTO TABLE t (a) SET b = CASE WHEN a = 1 THEN INTERVAL '1 month' END"
    assert loaded(sql, ("a",), (2,)) == {"a": 2, "b": None}
    with pytest.raises(RowRefused):
        loaded(sql, ("a",), (1,))


# The session's defaults and the reference


def test_reference_statement_01(tmp_path: Path) -> None:
    sql = """BULK INSERT INTO user_analytics (user_id, event_data, timestamp) VALUES
        ('u', JSON_OBJECT('page', '/', 'n', 1), CURRENT_TIMESTAMP)
        WITH BULK_OPTIONS (batch_size = 5000, ordered = false, write_concern = 'majority', bypass_validation = true)
        ON DUPLICATE KEY UPDATE event_data = VALUES(event_data), update_count = update_count + 1"""
    command = planned_insert(sql)
    assert command.conflict is not None and command.conflict.keys is None
    insert, update = wire.wire_commands(command)
    assert insert["documents"][0]["event_data"] == {"page": "/", "n": 1}
    assert insert["writeConcern"] == {"w": "majority"} and insert["bypassDocumentValidation"]
    assert update["update"] == "user_analytics"


def test_other_databases() -> None:
    command = planned_insert("INSERT INTO other.t (a) VALUES (1) WITH (ensure_indexes = ['a'])")
    assert [c["$db"] for c in wire.wire_commands(command)] == ["other", "other"]


def test_indexes_that_expire() -> None:
    from sqlbulk.option_kinds import IndexSpec
    from sqlbulk.plan.insert.statements import index_document

    spec = IndexSpec((("a", 1),), sparse=True, expire_after=60.5)
    assert index_document(spec) == {"key": {"a": 1}, "name": "a_1", "sparse": True, "expireAfterSeconds": 60}


@pytest.mark.parametrize("sql, word", [
    ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING WITH (ensure_key_index = false)", "stored twice"),
    ("INSERT INTO t (_id) VALUES (1) ON CONFLICT (_id) DO NOTHING WITH (ensure_key_index = true)", "key is _id"),
    ("INSERT IGNORE INTO t (a) VALUES (1) WITH (ensure_key_index = true)", "any unique index"),
    ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING WITH (upsert_mode = true)", "upsert_mode has no effect"),
    ("INSERT INTO t VALUES ({a: 1}) WITH (nest = false)", "stored as they are"),
])
def test_notices(sql: str, word: str) -> None:
    assert any(word in notice for notice in planned(Case([], sql, {}, 1)).notices)
