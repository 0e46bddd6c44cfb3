"""Windows that PostgreSQL doesn't know, such as IGNORE NULLS and DISTINCT inside, against DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from sqlbulk.catalog import Catalog

from .test_select_postgres import CATALOG, COLUMNS, ROWS, answer, comparable, mongo

pytestmark = [pytest.mark.server, pytest.mark.slow]

__all__ = ["mongo"]

SHIFTS = (
    "LAG(salary IGNORE NULLS)", "LAG(salary, 2 IGNORE NULLS)", "LEAD(salary, 1, -1.0 IGNORE NULLS)",
    "LEAD(dept, 2, 0 IGNORE NULLS)",
)
FRAMED = (
    "FIRST_VALUE(salary IGNORE NULLS)", "LAST_VALUE(salary IGNORE NULLS)", "NTH_VALUE(salary, 2 IGNORE NULLS)",
    "LAST_VALUE(dept RESPECT NULLS)", "SUM(DISTINCT dept)", "COUNT(DISTINCT salary)",
    "STRING_AGG(DISTINCT name, ',' ORDER BY name)", "STRING_AGG(name, ',' ORDER BY salary DESC, id)",
    "ARRAY_AGG(id ORDER BY salary DESC, id)", "MEDIAN(salary)",
    "PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY salary)",
)
WINDOWS = ("ORDER BY id", "PARTITION BY active ORDER BY id DESC", "ORDER BY salary, id")
FRAMES = (
    "", "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
)


@pytest.fixture(scope="module")
def duck() -> Iterator[Any]:
    """A DuckDB in memory with the tables."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET default_null_order = 'nulls_last_on_asc_first_on_desc'")
        for name in ("emp", "dept"):
            columns = COLUMNS[name]
            connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            for row in ROWS[name]:
                connection.execute(f"INSERT INTO {name} VALUES ({', '.join(['?'] * len(columns))})", row)
        yield connection


def _calls() -> Iterator[str]:
    for call, window in product(SHIFTS, WINDOWS):
        yield f"{call} OVER ({window})"
    for call, window, frame in product(FRAMED, WINDOWS, FRAMES):
        yield f"{call} OVER ({window} {frame})"
    for call, frame in product(FRAMED[:3], FRAMES[1:]):
        yield f"{call} OVER (ORDER BY id {frame.replace('ROWS', 'RANGE')})"


@pytest.mark.parametrize("known", [True, False], ids=["catalog", "nothing-known"])
@pytest.mark.parametrize("call", list(_calls()))
def test_same_answer_as_duckdb(call: str, known: bool, mongo: Any, duck: Any) -> None:
    sql = f"SELECT id, {call} AS v FROM emp"
    asked = sql.replace("PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY salary)", "QUANTILE_CONT(salary, 0.25)")
    expected = comparable(duck.execute(asked).fetchall(), ordered=False)
    assert comparable(answer(mongo, sql, CATALOG if known else Catalog()), ordered=False) == expected


def test_values_are_counted_from_the_end(mongo: Any) -> None:
    sql = "SELECT id, NTH_VALUE(id, 2) FROM LAST OVER (ORDER BY id ROWS 2 PRECEDING) AS v FROM emp"
    assert sorted(answer(mongo, sql, CATALOG)) == [(1, None), *((n, n - 1) for n in range(2, 10))]
