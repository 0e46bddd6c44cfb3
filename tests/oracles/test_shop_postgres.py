"""What analysts ask of a shop, by sqlbulk's sessions and by PostgreSQL: collections with definitions and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import sqlbulk

from .judge import agree
from .shop_queries import QUERIES
from .shop_rows import ROWS, TABLES
from .test_select_postgres import is_ordered

pytestmark = [pytest.mark.server, pytest.mark.slow]

_TYPES = {"integer": "INT", "double precision": "DOUBLE", "text": "TEXT", "timestamp": "TIMESTAMP", "jsonb": "JSON", "text[]": "TEXT[]",
          "boolean": "BOOLEAN"}


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[Any]:
    """PostgreSQL with the tables, in a database whose texts are in the order of code points."""
    import psycopg
    from psycopg.types.json import Jsonb

    with psycopg.connect(postgres_uri, autocommit=True) as first:
        first.execute("CREATE DATABASE shop TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'")
    with psycopg.connect(postgres_uri, dbname="shop", autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        for name, columns in TABLES.items():
            written = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"CREATE TABLE {name} ({written})".encode())
            for row in ROWS[name]:
                marks = ", ".join(["%s"] * len(row))
                connection.execute(f"INSERT INTO {name} VALUES ({marks})".encode(),
                                   [Jsonb(v) if isinstance(v, dict) else v for v in row])
        yield connection


@pytest.fixture(scope="module", params=["defined", "nothing-known"])
def session(request: Any, server_uri: str, module_database: str) -> Iterator[sqlbulk.Session]:
    """A session whose database holds the rows; NULLs are null in half of the fields and missing in the others."""
    from pymongo import MongoClient

    database = f"{module_database}_{request.param.replace('-', '_')}"
    with MongoClient[Any](server_uri) as client, sqlbulk.connect(server_uri, database=database) as found:
        try:
            for name, columns in TABLES.items():
                if request.param == "defined":
                    defined = [f'"{c}" {_TYPES[kind]}' for c, kind in columns.items() if not set(c) & set(".$")]
                    found.execute(f"CREATE TABLE {name} ({', '.join(defined)})")
                client[database][name].insert_many([
                    {c: v for c, v in zip(columns, row, strict=True) if v is not None or (number + len(c)) % 2}
                    for number, row in enumerate(ROWS[name])
                ])
            yield found
        finally:
            client.drop_database(database)


@pytest.mark.parametrize("there, here", QUERIES)
def test_the_shop_is_told_the_same(there: str, here: str, session: sqlbulk.Session, postgres: Any) -> None:
    expected = postgres.execute(there.encode(), prepare=False).fetchall()
    assert agree(list(session.execute(here).rows), expected, ordered=is_ordered(there))


def test_there_are_enough_queries() -> None:
    assert len(QUERIES) >= 200
