"""The same rows in PostgreSQL and in MongoDB, and the answers of both to one text."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.catalog import Catalog, Collection
from sqlbulk.errors import Source
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.binder import bind_constant
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.select import plan_query
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse, parse_expression
from sqlbulk.types import Type

NOW = datetime(2025, 12, 14, 12, 34, 56, 789000, tzinfo=UTC)
COLUMNS = {
    "t": {"id": "integer", "i": "integer", "j": "integer", "k": "integer", "x": "double precision", "y": "double precision",
          "s": "text", "u": "text", "b": "boolean", "c": "boolean", "d": "timestamp", "e": "timestamp", "o": "jsonb",
          "a": "text[]"},
    "r": {"id": "integer", "i": "integer", "x": "double precision", "s": "text", "b": "boolean", "d": "timestamp"},
    "q": {"id": "integer", "i": "integer", "s": "text"},
}
COUNTS = {"t": 24, "r": 12, "q": 7}
_TYPES = {"integer": Type.INTEGER, "text": Type.STRING, "double precision": Type.DOUBLE, "timestamp": Type.DATE,
          "boolean": Type.BOOLEAN, "text[]": Type.ARRAY, "jsonb": Type.DOCUMENT}
KNOWN = Catalog({n: Collection(n, {c: _TYPES[t] for c, t in columns.items()}) for n, columns in COLUMNS.items()})
"""What a catalog may tell of the tables."""
FIELDS = Catalog({n: Collection(n, dict.fromkeys(columns, Type.ANY)) for n, columns in COLUMNS.items()})
"""Whose field is whose, and no type."""

_DAY = datetime(2024, 2, 29, tzinfo=UTC)
_POOLS: dict[str, Sequence[Any]] = {
    "integer": (-7, -3, -1, 0, 0, 1, 1, 2, 2, 3, 5, 8, 12, 100),
    "double precision": (-7.25, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.75, 10.0, 1000.125),
    "text": ("", "a", "a", "A", "ab", "abc", "Ann", "bob", "a%b", "a_b", "$x", "$$ROOT", "x.y", "é", "日本", " pad ", "12", "-3"),
    "boolean": (True, True, False, False),
    "timestamp": (
        _DAY, _DAY + timedelta(days=1), _DAY + timedelta(hours=13, minutes=5, seconds=9), datetime(1960, 7, 4, 23, 59, 59, 250000, UTC),
        datetime(2024, 12, 30, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999000, UTC),
        datetime(2020, 5, 31, 6, 30, tzinfo=UTC)),
    "jsonb": (
        {}, {"n": 1, "s": "a"}, {"n": 2.5, "s": "b", "o": {"n": 3}}, {"s": "a", "l": [1, 2, 3]}, {"n": 0, "o": {"n": 1, "s": "ab"}},
        {"n": -4, "f": True, "l": []}, {"n": 12, "s": "", "f": False, "l": [5]}),
    "text[]": ([], ["a"], ["a", "b"], ["b", None, "a"], ["abc", "", "$x", "a"]),
}


def _rows(seed: str = "rows") -> dict[str, list[tuple[Any, ...]]]:
    """The rows: values of the pools, a fifth of them NULL; small whole doubles and repeated values are on purpose."""
    chance = random.Random(seed)
    return {
        name: [
            (number, *(None if chance.random() < 0.2 else chance.choice(_POOLS[kind]) for kind in list(columns.values())[1:]))
            for number in range(1, COUNTS[name] + 1)
        ]
        for name, columns in COLUMNS.items()
    }


ROWS = _rows()


@dataclass
class Answer:
    """Rows, or the error in `failure`."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    failure: Exception | None = None


class Judge:
    """Both servers with the rows in a database of that name; MongoDB's is the caller's to drop. `close` hangs up."""

    def __init__(self, mongo_uri: str, postgres_uri: str, database: str) -> None:
        import psycopg
        from pymongo import MongoClient

        self._client: Any = MongoClient(mongo_uri, tz_aware=True)
        self._mongo: Any = self._client[database]
        with psycopg.connect(postgres_uri, autocommit=True) as first:
            first.execute(f"CREATE DATABASE {database} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'")
        self._postgres = psycopg.connect(postgres_uri, dbname=database, autocommit=True)
        self._postgres.execute("SET TIME ZONE 'UTC'; SET statement_timeout = '20s'")
        self._load()

    def _load(self) -> None:
        from psycopg.types.json import Jsonb

        for name, columns in COLUMNS.items():
            self._postgres.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            marks = ", ".join(["%s"] * len(columns))
            for row in ROWS[name]:
                self._postgres.execute(f"INSERT INTO {name} VALUES ({marks})", [
                    v.replace(tzinfo=None) if isinstance(v, datetime) else Jsonb(v) if isinstance(v, dict) else v for v in row])
            self._mongo[name].insert_many([
                {c: v for c, v in zip(columns, row, strict=True) if v is not None or (number + at) % 2}
                for number, row in enumerate(ROWS[name])
                for at in [number // 3]
            ])

    def close(self) -> None:
        """Hang up."""
        self._client.close()
        self._postgres.close()

    def expected(self, sql: str) -> Answer:
        """What PostgreSQL says."""
        import psycopg

        try:
            return Answer(self._postgres.execute(sql.encode(), prepare=False).fetchall())
        except psycopg.Error as problem:
            return Answer(failure=problem)

    def found(self, sql: str, catalog: Catalog = KNOWN) -> Answer:
        """What sqlbulk says."""
        try:
            statement = parse(Source(sql))
            assert isinstance(statement, ast.Query)
            query = plan_query(statement, Environment(Context(NOW), catalog=catalog))
            assert query.columns is not None
            target = self._mongo if query.collection is None else self._mongo[query.collection]
            documents = list(target.aggregate(list(query.pipeline)))
        except Exception as problem:
            return Answer(failure=problem)
        return Answer([tuple(d.get(c.field) for c in query.columns) for d in documents])


# Comparing


def plain(value: Any) -> Any:
    """A value in a form that both sides share: numbers as floats, booleans as words, dates with their zone."""
    if isinstance(value, bool):
        return f"\0{value}"
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, int | float | Decimal):
        return float(value) + 0.0
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, list | tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted((k, plain(v)) for k, v in value.items()))
    return value


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are equal, numbers to eleven digits."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-11, abs_tol=1e-12)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def _key(value: Any) -> Any:
    if isinstance(value, float):
        return (1, f"{float(f'{value:.9g}') + 0.0:+040.9f}")
    if isinstance(value, tuple):
        return (2, str([_key(v) for v in value]))
    return (0, "") if value is None else (3, str(value))


def agree(found: Sequence[Any], expected: Sequence[Any], *, ordered: bool) -> bool:
    """Whether two lists of rows are the same, as multisets unless `ordered`."""
    left, right = plain(found), plain(expected)
    if not ordered:
        left, right = (tuple(sorted(rows, key=lambda row: [_key(v) for v in row])) for rows in (left, right))
    return same(left, right)


# Constants


def literal(value: Any, kind: str) -> str:
    """A value of a PostgreSQL type as SQL."""
    if value is None:
        return "NULL" if kind in ("jsonb", "text[]") else f"CAST(NULL AS {kind.upper()})"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(literal(v, 'text') for v in value)}]"
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'::jsonb"
    return f"({value})" if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def literal_row(expression: str, row: tuple[Any, ...], name: str = "m", table: str = "t") -> str:
    """The expression with a row's values in place of its columns."""
    columns = dict(zip(COLUMNS[table], row, strict=True))
    return re.sub(
        rf"\b{name}\.(\w+)\b", lambda m: literal(columns[m[1]], COLUMNS[table][m[1]]), expression)


def folded(expression: str) -> Any:
    """What planning alone makes of an expression of constants; the error if it fails."""
    try:
        return bind_constant(parse_expression(Source(expression)), Environment(Context(NOW))).value
    except Exception as problem:
        return problem
