"""MERGE with rows of a file or of the caller: where they wait, what is refused, and that nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sqlbulk
from sqlbulk.errors import Interrupted, PlanError, ServerError, TooManyErrors, UsageError
from sqlbulk.rowdata import Location

pytestmark = pytest.mark.server

ARMS = """
WHEN MATCHED AND s.v = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v
WHEN NOT MATCHED THEN INSERT (_id, v) VALUES (s.k, s.v)
"""
BY_SOURCE = "WHEN NOT MATCHED BY SOURCE THEN DELETE"


@pytest.fixture(autouse=True)
def stored(session: sqlbulk.Session, database: Any) -> Iterator[None]:
    database.t.insert_many([{"_id": 1, "v": "a"}, {"_id": 2, "v": "b"}, {"_id": 10, "v": "z"}])
    yield
    assert [name for name in database.list_collection_names() if name.startswith("sqlbulk.")] == []


def documents(database: Any) -> dict[Any, Any]:
    return {row["_id"]: row["v"] for row in database.t.find().sort("_id")}


def csv(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(("k,v", *lines)) + "\n")
    return f"'{path}'"


def test_rows_of_a_file(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    file = csv(tmp_path, "1,one", "2,gone", "3,three")
    found = session.execute(f"DRY RUN MERGE INTO t USING {file} AS s ON t._id = s.k {ARMS}")
    assert sorted((row[0], row[1]) for row in found.rows) == [("changed", 1), ("deleted", 1), ("inserted", 1)]
    assert documents(database) == {1: "a", 2: "b", 10: "z"}
    done = session.execute(f"MERGE INTO t USING {file} AS s ON t._id = s.k {ARMS}").summary
    assert done is not None
    assert (done.read, done.matched, done.deleted, done.inserted) == (3, 1, 1, 1)
    assert documents(database) == {1: "one", 3: "three", 10: "z"}


def test_documents_without_a_row(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    file = csv(tmp_path, "1,one", "3,three")
    session.execute(f"MERGE INTO t USING {file} COLUMNS (k INT, v TEXT) AS s ON t._id = s.k {ARMS} {BY_SOURCE}")
    assert documents(database) == {1: "one", 3: "three"}


def test_rows_with_an_id_of_their_own_may_repeat_it(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"_id": 5, "k": 1, "v": {"a": 1}}\n{"_id": 5, "k": 7}\n')
    session.execute(f"MERGE INTO t USING '{path}' AS s ON t._id = s.k {ARMS}")
    assert documents(database) == {1: {"a": 1}, 2: "b", 7: None, 10: "z"}
    session.execute(f"MERGE INTO t USING '{path}' AS s ON t._id = s._id WHEN NOT MATCHED AND s.k = 7 THEN"
                    " INSERT (_id, v) VALUES (s._id, s.k)")
    assert documents(database)[5] == 7


def test_rows_of_the_caller(session: sqlbulk.Session, database: Any) -> None:
    session.execute(f"MERGE INTO t USING ? AS s (k, v) ON t._id = s.k {ARMS}", rows=((k, f"n{k}") for k in (1, 3)))
    session.execute(f"MERGE INTO t USING ? AS s ON t._id = s.k {ARMS}", rows=[{"k": 2, "v": "gone"}])
    assert documents(database) == {1: "n1", 3: "n3", 10: "z"}
    with pytest.raises(UsageError, match="none were handed in"):
        session.execute(f"MERGE INTO t USING ? AS s ON t._id = s.k {ARMS}")
    with pytest.raises(UsageError, match="the statement doesn't take any"):
        session.execute("MERGE INTO t USING t AS s ON t._id = s._id WHEN MATCHED THEN DELETE", rows=[(1,)])


def test_names_behind_the_alias_choose_columns_of_a_header(
    session: sqlbulk.Session, database: Any, tmp_path: Path
) -> None:
    session.execute(f"MERGE INTO t USING {csv(tmp_path, '1,one')} AS s (v, k) ON t._id = s.k {ARMS}")
    assert documents(database)[1] == "one"


def test_returning_tells_of_the_row_what_the_file_has(session: sqlbulk.Session, tmp_path: Path) -> None:
    file = csv(tmp_path, "1,one")
    done = session.execute(f"MERGE INTO t USING {file} AS s ON t._id = s.k {ARMS} RETURNING s.*")
    assert (done.columns, list(done.rows)) == (("k", "v"), [(1, "one")])
    done = session.execute(f"MERGE INTO t USING {file} AS s (k, v) ON t._id = s.k {ARMS} RETURNING s.*, t.v AS now")
    assert (done.columns, list(done.rows)) == (("k", "v", "now"), [(1, "one", "one")])


def test_in_another_database(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    name = f"{database.name}_2"
    try:
        session.execute(f"MERGE INTO {name}.t USING {csv(tmp_path, '1,one')} AS s ON t._id = s.k {ARMS}")
        assert list(database.client[name].t.find()) == [{"_id": 1, "v": "one"}]
        assert database.client[name].list_collection_names() == ["t"]
    finally:
        database.client.drop_database(name)


def test_beside_rows_that_are_kept(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    file = csv(tmp_path, "1,one", "2,two", "3,three")
    session.execute("WITH c AS MATERIALIZED (SELECT _id AS id, v AS old FROM t WHERE _id < 5)"
                    f" MERGE INTO t USING {file} AS s ON t._id = s.k AND EXISTS (SELECT 1 FROM c WHERE c.id = s.k)"
                    " WHEN MATCHED THEN UPDATE SET v = s.v || '!'"
                    " WHEN NOT MATCHED THEN INSERT (_id, v) VALUES (s.k, (SELECT MAX(old) FROM c))")
    assert documents(database) == {1: "one!", 2: "two!", 3: "b", 10: "z"}
    session.execute("WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c JOIN t ON t._id = c.n WHERE n < 3)"
                    f" MERGE INTO t USING {file} AS s ON t._id = s.k WHEN MATCHED AND s.k IN (SELECT n FROM c) THEN DELETE")
    assert documents(database) == {10: "z"}


# What is refused


def test_a_refused_row_stops_before_anything_is_written(
    session: sqlbulk.Session, database: Any, tmp_path: Path
) -> None:
    file = csv(tmp_path, "1,one", "x,two", "3,three")
    with pytest.raises(TooManyErrors, match=r"x\.csv:3\)") as caught:
        session.execute(f"MERGE INTO t USING {file} COLUMNS (k INT, v TEXT) AS s ON t._id = s.k {ARMS}")
    done = caught.value.summary
    assert isinstance(done, sqlbulk.WriteSummary)
    assert (done.read, done.inserted, done.rejected, done.skipped) == (3, 0, 1, 2)
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


def test_refused_rows_are_counted_with_those_that_are_done(
    session: sqlbulk.Session, database: Any, tmp_path: Path
) -> None:
    database.t.create_index("v", unique=True)
    file = csv(tmp_path, "1,one", "x,two", "3,b", "4,four")
    merge = f"MERGE INTO t USING {file} COLUMNS (k INT, v TEXT) AS s ON t._id = s.k {ARMS} WITH (continue_on_error = true)"
    dry = session.execute(f"DRY RUN {merge}")
    assert [row[1] for row in dry.rows if row[0] == "refused"] == [2, None]
    done = session.execute(merge).summary
    assert done is not None
    assert (done.read, done.matched, done.inserted, done.rejected) == (4, 1, 1, 2)
    where = [(error.row, error.code, error.location) for error in done.errors]
    path = file.strip("'")
    assert where == [(2, "E4002", Location(path, 3)), (3, "E4007", Location(path, 4))]
    assert documents(database) == {1: "one", 2: "b", 4: "four", 10: "z"}


def test_rows_of_the_caller_are_refused_by_their_number(session: sqlbulk.Session, database: Any) -> None:
    database.t.create_index("v", unique=True)
    merge = f"MERGE INTO t USING ? AS s (k, v) ON t._id = s.k {ARMS} WITH (continue_on_error = true)"
    done = session.execute(merge, rows=[(1,), (3, "a"), (4, "d")]).summary
    assert done is not None
    assert [(error.row, error.code, error.location) for error in done.errors] == [(1, "E4003", None), (2, "E4007", None)]


@pytest.mark.parametrize("verb", ["", "DRY RUN "])
def test_no_row_may_be_refused_where_documents_without_one_are_changed(
    session: sqlbulk.Session, database: Any, tmp_path: Path, verb: str
) -> None:
    file = csv(tmp_path, "1,one", "x,two")
    with pytest.raises(TooManyErrors, match="1 of 2 rows refused") as caught:
        session.execute(f"{verb}MERGE INTO t USING {file} COLUMNS (k INT, v TEXT) AS s ON t._id = s.k {ARMS} {BY_SOURCE}"
                        " WITH (continue_on_error = true)")
    assert "no row of it may be left out" in (caught.value.hint or "")
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


@pytest.mark.parametrize("verb", ["", "DRY RUN "])
def test_two_rows_for_one_document_are_told_with_their_lines(
    session: sqlbulk.Session, database: Any, tmp_path: Path, verb: str
) -> None:
    file = csv(tmp_path, "1,one", "2,two", "1,uno")
    with pytest.raises(ServerError, match=r"more than once.*x\.csv:4\)") as caught:
        session.execute(f"{verb}MERGE INTO t USING {file} AS s ON t._id = s.k {ARMS}")
    assert caught.value.code == "E5021"
    with pytest.raises(ServerError, match=r"rows? (1 and )?2\b"):
        session.execute(f"{verb}MERGE INTO t USING ? AS s (k, v) ON t._id = s.k {ARMS}", rows=[(1, 1), (1, 2)])
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


def test_a_column_that_the_file_lacks(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    file = csv(tmp_path, "1,one")
    with pytest.raises(UsageError, match="the source has no column key; it has k, v"):
        session.execute(f"MERGE INTO t USING {file} AS s ON t._id = s.key {ARMS}")
    with pytest.raises(UsageError, match="the source has no column w"):
        session.execute(f"MERGE INTO t USING {file} AS s ON t._id = s.k WHEN MATCHED THEN DELETE"
                        " WHEN NOT MATCHED THEN INSERT (_id, v) VALUES (k, w)")
    with pytest.raises(PlanError, match="s has no column w"):
        session.execute(f"MERGE INTO t USING {file} COLUMNS (k INT, v TEXT) AS s ON t._id = s.w {ARMS}")
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


def test_a_fault_of_the_source_says_nothing_of_written_rows(session: sqlbulk.Session, database: Any) -> None:
    def rows() -> Iterator[tuple[int, str]]:
        yield from ((k, "x") for k in range(3000))
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken") as caught:
        session.execute(f"MERGE INTO t USING ? AS s (k, v) ON t._id = s.k {ARMS} WITH (batch_size = 100)", rows=rows())
    assert getattr(caught.value, "__notes__", []) == []
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


def test_stopped_while_the_rows_come(session: sqlbulk.Session, database: Any) -> None:
    begun = threading.Event()

    def rows() -> Iterator[tuple[int, str]]:
        for number in range(200_000):
            if number == 5_000:
                begun.set()
            yield number, "x"

    def stop() -> None:
        begun.wait(30)
        session.interrupt()

    helper = threading.Thread(target=stop)
    helper.start()
    with pytest.raises(Interrupted) as caught:
        session.execute(f"MERGE INTO t USING ? AS s (k, v) ON t._id = s.k {ARMS}", rows=rows())
    helper.join()
    done = caught.value.summary
    assert isinstance(done, sqlbulk.WriteSummary)
    assert done.inserted == done.matched == 0
    assert documents(database) == {1: "a", 2: "b", 10: "z"}


def test_explain_analyze(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    merge = f"MERGE INTO t USING {csv(tmp_path, '1,one')} AS s ON t._id = s.k {ARMS}"
    plan = "\n".join(row[0] for row in session.execute(f"EXPLAIN ANALYZE {merge}").rows)
    assert "first the rows {rows of s}" in plan
    assert documents(database)[1] == "one"
