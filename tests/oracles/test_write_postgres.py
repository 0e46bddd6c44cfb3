"""INSERT, UPDATE and DELETE against PostgreSQL: the same random statements leave the same rows, NULLs included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sqlbulk.session import Session, connect

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXAMPLES = int(os.environ.get("SQLBULK_SEQUENCES", "60"))
TABLES = {"t": {"id": "bigint", "a": "bigint", "b": "bigint", "s": "text"}, "u": {"id": "bigint", "k": "bigint", "v": "bigint"}}
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "t": [(1, 1, 10, "x"), (2, 2, None, "y"), (3, None, 3, None), (4, 1, -4, "xy"), (5, 0, 0, ""), (6, 3, 7, "y")],
    "u": [(1, 1, 100), (2, 2, 200), (3, 7, None), (4, None, 5), (5, 0, 0)],
}


# Statements

_int_columns, _ints = some.sampled_from(["a", "b", "id"]), some.integers(-3, 5).map(str)
_texts = some.sampled_from(["'x'", "'y'", "''", "'xy'"])
_int_leaf = some.one_of(_int_columns, _ints, _int_columns, some.just("NULL::bigint"))


def _int_more(inner: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    return some.one_of(
        some.builds("({} {} {})".format, inner, some.sampled_from(["+", "-"]), inner),
        some.builds("({} * {})".format, inner, some.sampled_from(["2", "-1", "0"])),
        some.builds("COALESCE({}, {})".format, inner, inner),
        some.builds("(CASE WHEN {} > {} THEN {} ELSE {} END)".format, inner, inner, inner, inner),
        some.builds("NULLIF({}, {})".format, inner, inner),
        some.builds("(- {})".format, inner),
        some.builds("ABS({})".format, inner),
    )


_int = some.recursive(_int_leaf, _int_more, max_leaves=4)
_text = some.one_of(
    some.just("s"), _texts, some.builds("(s || {})".format, _texts), some.just("UPPER(s)"), some.just("NULL::text"),
    some.builds("COALESCE(s, {})".format, _texts))
_simple = some.one_of(
    some.builds("{} {} {}".format, _int, some.sampled_from(["=", "<>", "<", "<=", ">", ">="]), _int),
    some.builds("{} {}IN ({}, {})".format, _int, some.sampled_from(["", "NOT "]), _int_leaf, _int_leaf),
    some.builds("{} {}BETWEEN {} AND {}".format, _int, some.sampled_from(["", "NOT "]), _ints, _ints),
    some.builds("{} IS {}NULL".format, some.one_of(_int, _text), some.sampled_from(["", "NOT "])),
    some.builds("{} IS {}DISTINCT FROM {}".format, _int, some.sampled_from(["", "NOT "]), _int),
    some.builds("{} {} {}".format, _text, some.sampled_from(["=", "<>"]), _text),
    some.builds("s {}LIKE {}".format, some.sampled_from(["", "NOT "]), some.sampled_from(["'x%'", "'%y'", "'_'"])),
    some.builds("{}EXISTS (SELECT 1 FROM u WHERE u.k = t.{} AND u.v > {})".format, some.sampled_from(["", "NOT "]),
                some.sampled_from("ab"), _ints),
    some.builds("{} {}IN (SELECT k FROM u WHERE {})".format, some.sampled_from(["a", "b"]),
                some.sampled_from(["", "NOT "]), some.sampled_from(["k IS NOT NULL", "v > 50", "TRUE", "FALSE"])),
    some.builds("a {} (SELECT {}(b) FROM t)".format, some.sampled_from(["<", ">"]), some.sampled_from(["MIN", "MAX"])),
)
_condition = some.recursive(_simple, lambda inner: some.one_of(
    some.builds("({} {} {})".format, inner, some.sampled_from(["AND", "OR"]), inner),
    some.builds("NOT ({})".format, inner)), max_leaves=3)

_assignments = some.one_of(
    some.builds("a = {}".format, _int), some.builds("b = {}".format, _int), some.builds("s = {}".format, _text),
    some.builds("a = {}, b = {}".format, _int, _int), some.builds("b = a, a = b".format),
    some.builds("s = {}, a = {}".format, _text, _int),
    some.builds("b = (SELECT {}(v) FROM u WHERE u.k = t.a)".format, some.sampled_from(["MAX", "SUM"])),
    some.builds("a = a + (SELECT COUNT(*) FROM u WHERE v > {})".format, _ints),
)
_update = some.builds("UPDATE t SET {} WHERE {}".format, _assignments, _condition)
_joined = some.builds(
    "UPDATE t SET b = {} FROM u WHERE u.k = t.a AND {}".format,
    some.sampled_from(["u.v", "t.b + u.v", "COALESCE(u.v, t.id)", "u.id"]),
    some.sampled_from(["u.v > 0", "t.b < 5", "TRUE", "t.s = 'x'"]))
_delete = some.builds("DELETE FROM t WHERE {}".format, _condition)
_using = some.builds("DELETE FROM t USING u WHERE u.k = t.a AND {}".format, some.sampled_from(["u.v > 50", "t.b IS NULL"]))
_insert = some.builds(
    "INSERT INTO t (id, a, b, s) VALUES ({}, {}, {}, {})".format, some.integers(10, 20), _ints,
    some.one_of(_ints, some.just("NULL")), some.one_of(_texts, some.just("NULL")))
SEQUENCES = some.lists(some.one_of(_update, _update, _update, _joined, _delete, _using, _insert), min_size=1, max_size=5)


# Both sides


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    psycopg = pytest.importorskip("psycopg")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    pgserver = pytest.importorskip("pgserver")
    server = pgserver.get_server(Path(tmp_path_factory.mktemp("postgres")), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, columns in TABLES.items():
                connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            yield connection
    finally:
        server.cleanup()


@pytest.fixture(scope="module")
def session(server_uri: str) -> Iterator[Session]:
    with connect(server_uri, database="sqlbulk_test_writes") as session:
        yield session
        session.connection().client.drop_database("sqlbulk_test_writes")


def fill(postgres: Any, session: Session, *, missing: bool) -> None:
    """The same rows on both sides; a NULL is a null or a missing field."""
    database = session.connection().client["sqlbulk_test_writes"]
    for name, columns in TABLES.items():
        postgres.execute(f"TRUNCATE {name}")
        database[name].delete_many({})
        for row in ROWS[name]:
            postgres.execute(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row)
        documents = [dict(zip(columns, row, strict=True)) for row in ROWS[name]]
        database[name].insert_many(
            [{k: v for k, v in d.items() if v is not None or not missing} for d in documents])


def rows_of_postgres(postgres: Any) -> list[tuple[Any, ...]]:
    return sorted(postgres.execute("SELECT id, a, b, s FROM t").fetchall(), key=repr)


def rows_of_mongo(session: Session) -> list[tuple[Any, ...]]:
    documents = session.connection().client["sqlbulk_test_writes"].t.find()
    return sorted([tuple(d.get(c) for c in TABLES["t"]) for d in documents], key=repr)


@settings(max_examples=EXAMPLES, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sequence=SEQUENCES, missing=some.booleans(), size=some.sampled_from([1, 2, 1000]))
def test_the_same_statements_leave_the_same_rows(
    postgres: Any, session: Session, sequence: list[str], missing: bool, size: int
) -> None:
    fill(postgres, session, missing=missing)
    for statement in sequence:
        count = postgres.execute(statement).rowcount
        result = session.execute(f"{statement} WITH (batch_size = {size})")
        assert rows_of_mongo(session) == rows_of_postgres(postgres), statement
        summary = result.summary
        assert summary is not None
        assert summary.inserted + summary.matched + summary.deleted == count, statement
        assert summary.rejected == summary.kept == summary.in_doubt == 0
