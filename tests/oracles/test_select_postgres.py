"""SELECT against PostgreSQL: the same rows loaded into both, the same queries asked, the answers compared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sqlbulk.catalog import Catalog, Collection
from sqlbulk.commands import Query
from sqlbulk.errors import Source
from sqlbulk.execute.connection import Connection
from sqlbulk.execute.query_keys import with_few_keys
from sqlbulk.execute.steps import prepared
from sqlbulk.functions.registry import Context
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.select import plan_query
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse
from sqlbulk.types import Type

from .composed_queries import ComposedQueries
from .random_queries import RandomQueries
from .select_queries import NEED_CATALOG, queries

pytestmark = [pytest.mark.server, pytest.mark.slow]

NOW = datetime(2025, 12, 14, 12, 34, 56, 789000, tzinfo=UTC)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


COLUMNS = {
    "emp": {"id": "integer", "name": "text", "dept": "integer", "salary": "double precision", "boss": "integer",
            "hired": "timestamptz", "active": "boolean"},
    "dept": {"id": "integer", "title": "text", "city": "text"},
    "sale": {"id": "integer", "emp": "integer", "qty": "integer", "day": "timestamptz"},
    "tagged": {"id": "integer", "tags": "text[]"},
}
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "emp": [
        (1, "Ann", 1, 5000.0, None, _day("2020-01-15"), True), (2, "Bob", 1, 3000.0, 1, _day("2020-01-20"), True),
        (3, "Cid", 2, 3000.0, 1, _day("2021-03-01"), False), (4, "Dee", 2, None, 3, _day("2021-03-01"), None),
        (5, "Eve", None, 2500.0, 3, _day("2022-07-09"), True), (6, "Ann", 3, 2000.0, 2, None, False),
        (7, None, 3, 4500.5, 1, _day("2022-11-30"), True), (8, "Hal", 9, 1000.0, 99, _day("2019-05-05"), None),
        (9, "Ida", 2, 2500.0, 3, _day("2022-07-09"), True),
    ],
    "dept": [(1, "Sales", "Rome"), (2, "Labs", "Oslo"), (3, "Ops", None), (4, "Void", "Rome")],
    "sale": [
        (1, 1, 5, _day("2025-01-01")), (2, 1, 3, _day("2025-01-02")), (3, 2, 1, _day("2025-01-02")),
        (4, 3, 4, _day("2025-01-04")), (5, None, 7, _day("2025-01-08")), (12, 77, 2, None),
    ],
    "tagged": [(1, ["a", "b"]), (2, ["b", None]), (3, []), (4, None)],
}
_TYPES = {"integer": Type.INTEGER, "text": Type.STRING, "double precision": Type.DOUBLE, "timestamptz": Type.DATE,
          "boolean": Type.BOOLEAN, "text[]": Type.ARRAY}
CATALOG = Catalog({
    name: Collection(
        name, {c: _TYPES[t] for c, t in columns.items()},
        required=frozenset(c for i, c in enumerate(columns) if all(row[i] is not None for row in ROWS[name])))
    for name, columns in COLUMNS.items()
})


def _of_size(catalog: Catalog, documents: int, server: tuple[int, int] | None = None) -> Catalog:
    """The catalog with what says how a join is done; so large are the collections only for the planner."""
    known = {n: replace(c, bytes=1000, documents=documents) for n, c in catalog.collections.items()}
    return Catalog(known, server)


_UNTYPED = Catalog({
    name: Collection(name, {c: Type.ARRAY if t == "text[]" else Type.ANY for c, t in columns.items()})
    for name, columns in COLUMNS.items()
})
SIZES = {
    "hashed": _of_size(CATALOG, 10, (6, 0)), "merged": _of_size(CATALOG, 20_000),
    "hashed-untyped": _of_size(_UNTYPED, 10, (6, 0)), "merged-untyped": _of_size(_UNTYPED, 20_000),
}
"""Small collections, which the server hashes, and larger ones without an index."""


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[Any]:
    """PostgreSQL with the tables, which go with the connection."""
    import psycopg

    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        for name, columns in COLUMNS.items():
            connection.execute(f"CREATE TEMPORARY TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            marks = ", ".join(["%s"] * len(columns))
            for row in ROWS[name]:
                connection.execute(f"INSERT INTO {name} VALUES ({marks})", row)
        yield connection


@pytest.fixture(scope="module")
def mongo(server_uri: str, module_database: str) -> Iterator[Any]:
    """A database with the same rows; NULLs are null in half of the documents and missing in the others."""
    from pymongo import MongoClient

    with MongoClient[Any](server_uri, tz_aware=True) as client:
        database = client[module_database]
        for name, columns in COLUMNS.items():
            database[name].insert_many([
                {c: v for c, v in zip(columns, row, strict=True) if v is not None or number % 2}
                for number, row in enumerate(ROWS[name])
            ])
        yield database


def answer(database: Any, sql: str, catalog: Catalog) -> list[tuple[Any, ...]]:
    """The rows of a query as sqlbulk plans it."""
    statement = parse(Source(sql))
    assert isinstance(statement, ast.Query)
    query = plan_query(statement, Environment(Context(NOW, server=catalog.server), catalog=catalog), few=True, steps=True)
    place = Connection(database.client, database.name)
    with prepared(query, place) as ready:
        rows = run(database, ready)
        if query.alone is not None:
            assert comparable(run(database, query.alone), ordered=False) == comparable(rows, ordered=False)
        if ready.few is None:
            return rows
        few = with_few_keys(ready, place)
        assert few.pipeline != ready.pipeline
        assert comparable(run(database, few), ordered=False) == comparable(rows, ordered=False)
        return run(database, few) if is_ordered(sql) else rows


def run(database: Any, query: Query) -> list[tuple[Any, ...]]:
    """The rows that a query's pipeline gives."""
    assert query.columns is not None
    target = database if query.collection is None else database[query.collection]
    return [tuple(d.get(c.field) for c in query.columns) for d in target.aggregate(list(query.pipeline), allowDiskUse=True)]


def plain(value: Any) -> Any:
    """A value in a form that both databases share; numbers are rounded to nine digits."""
    if isinstance(value, list):
        return tuple(plain(v) for v in value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        value = float(f"{value:.9g}")
    return value


def comparable(rows: list[tuple[Any, ...]], *, ordered: bool) -> list[tuple[Any, ...]]:
    """The rows; those without an order in one that doesn't depend on how they came."""
    found = [tuple(plain(v) for v in row) for row in rows]
    return found if ordered else sorted(found, key=lambda row: [(v is None, type(v).__name__ == "str", str(v)
                                        if not isinstance(v, int | float) else f"{float(v):+030.9f}") for v in row])


def is_ordered(sql: str) -> bool:
    """Whether the whole query has an order that leaves no choice (the queries here are written so)."""
    depth, tail = 0, ""
    for character in sql:
        depth += (character == "(") - (character == ")")
        tail += character if depth == 0 else " "
    return " ORDER BY " in tail


@pytest.mark.parametrize("known", [True, False], ids=["catalog", "nothing-known"])
@pytest.mark.parametrize("sql", list(queries()))
def test_same_answer_as_postgresql(sql: str, known: bool, mongo: Any, postgres: Any) -> None:
    if not known and sql in NEED_CATALOG:
        pytest.skip("only a catalog tells whose field it is")
    expected = postgres.execute(sql).fetchall()
    ordered = is_ordered(sql) and "TIES" not in sql
    found = answer(mongo, sql, CATALOG if known else Catalog())
    assert comparable(found, ordered=ordered) == comparable(expected, ordered=ordered)


@pytest.mark.parametrize("catalog", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("sql", [q for q in queries() if " JOIN " in q or q.count("SELECT") > 1])
def test_same_answer_however_it_is_joined(sql: str, catalog: Catalog, mongo: Any, postgres: Any) -> None:
    expected = postgres.execute(sql).fetchall()
    ordered = is_ordered(sql) and "TIES" not in sql
    assert comparable(answer(mongo, sql, catalog), ordered=ordered) == comparable(expected, ordered=ordered)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SQLBULK_RANDOM_SEEDS", "10"))))
def test_same_answer_to_random_queries(seed: int, mongo: Any, postgres: Any) -> None:
    """100 queries a seed and 15 over what others make; SQLBULK_RANDOM_SEEDS asks for more seeds than 10."""
    plain, composed = RandomQueries(seed), ComposedQueries(seed)
    catalogs = [CATALOG, Catalog(), *SIZES.values()]
    for number in range(115):
        sql = plain.query() if number < 100 else composed.query()
        expected = comparable(postgres.execute(sql).fetchall(), ordered=False)
        assert comparable(answer(mongo, sql, catalogs[number % len(catalogs)]), ordered=False) == expected, sql
