"""Generated expressions, predicates and queries: PostgreSQL is the judge.

The seed is SQLBULK_SEED's, or a fixed one, and is part of a failure's message: a run can be had again.
"""

from __future__ import annotations

import os
import random

import pytest

from .generate import Expressions, Queries, Query
from .judge import FIELDS, KNOWN, ROWS, Judge, agree, folded, literal_row, plain, same

pytestmark = [pytest.mark.server, pytest.mark.slow]

SEED = os.environ.get("SQLBULK_SEED", "sqlbulk")
SIZE = float(os.environ.get("SQLBULK_GENERATED", "1"))
"""How much is generated: 1 is 5,000 expressions, predicates and queries."""
PART = 250
REFUSED_AT_MOST = 0.01
"""The share that PostgreSQL may end with an error (a sum out of range); no more, or the generator is at fault."""

ONCE_WRONG = """
SELECT MAX(COALESCE(m.s, m.s)) AS v FROM t m
SELECT MIN(CASE WHEN m.b THEN m.u WHEN m.c THEN m.s ELSE m.u END) AS v FROM t m
SELECT MIN(CASE WHEN m.b THEN m.u ELSE m.u END) AS v, MAX(CASE WHEN m.b THEN m.i WHEN m.c THEN m.i END) AS w FROM t m
SELECT DISTINCT CASE m.u WHEN m.u THEN m.d WHEN m.s THEN m.e ELSE m.e END AS v FROM t m
SELECT m.x, COUNT(*) FILTER (WHERE CASE m.d WHEN m.d THEN TRUE WHEN m.e THEN m.b ELSE m.b END) AS n FROM t m GROUP BY m.x
SELECT STRING_AGG('abc', ',' ORDER BY m.id) AS v, STRING_AGG('x', '') FILTER (WHERE m.b) AS w FROM t m
SELECT (n.d - INTERVAL '1 day') - INTERVAL '-1 month' AS v FROM (SELECT m.id, CAST(NULL AS TIMESTAMP) AS d FROM t m) n
SELECT n.id, (SELECT MAX(h.n) FROM (SELECT g.i, COUNT(*) AS n FROM t g GROUP BY g.i) h WHERE h.i = n.i) AS v FROM r n
SELECT n.id FROM r n WHERE EXISTS (SELECT 1 FROM (SELECT g.i, g.s AS n FROM t g) h WHERE h.i = n.i AND n.b)
SELECT m.x AS k, m.i AS l, GROUPING(m.x) AS g, COUNT(*) AS n FROM t m WHERE m.i = m.x GROUP BY CUBE (m.x, m.i)
SELECT x.n FROM (SELECT ROW_NUMBER() OVER (ORDER BY STRING_TO_ARRAY(m.s, 'a'), m.id) * 100 + m.id AS n FROM t m) x
SELECT x.n FROM (SELECT ROW_NUMBER() OVER (ORDER BY STRING_TO_ARRAY(m.u, '') DESC NULLS LAST, m.id) * 100 + m.id AS n FROM t m) x
SELECT m.id FROM t m WHERE TO_CHAR(NULLIF(CAST(NULL AS TIMESTAMP), m.e) - INTERVAL '-2 days', 'YYYY') <> 'a'
""".strip().splitlines()


def expressions(chance: random.Random) -> Query:
    make = Expressions(chance, [("m", "t")])
    return Query(f"SELECT m.id, {make.real(2) if chance.random() < 0.1 else make.any(3)} AS v FROM t m")


def predicates(chance: random.Random) -> Query:
    return Query(f"SELECT m.id FROM t m WHERE {Expressions(chance, [('m', 't')]).of('bool', 4)}")


def queries(chance: random.Random) -> Query:
    return Queries(chance).make()


KINDS = {"expressions": (expressions, 6), "predicates": (predicates, 6), "queries": (queries, 8)}
PARTS = [(name, n) for name, (_, parts) in KINDS.items() for n in range(max(1, round(parts * SIZE)))]


@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_generated(kind: str, part: int, judge: Judge) -> None:
    seed = f"{SEED} {kind} {part}"
    chance = random.Random(seed)
    wrong, refused = [], []
    for number in range(PART):
        query = KINDS[kind][0](chance)
        expected = judge.expected(query.sql)
        if expected.failure is not None:
            refused.append(f"{query.sql}\n  {expected.failure}")
            continue
        found = judge.found(query.sql, KNOWN if number % 2 else FIELDS)
        if found.failure is not None or not agree(found.rows, expected.rows, ordered=query.ordered):
            wrong.append(f"{query.sql}\n  found    {found.failure or found.rows}\n  expected {expected.rows}")
    print(f"seed {seed!r}: {PART - len(refused)} judged, {len(refused)} ended with an error in PostgreSQL")
    assert not wrong, f"{len(wrong)} of {PART} differ, seed {seed!r}:\n" + "\n".join(wrong[:5])
    assert len(refused) <= PART * REFUSED_AT_MOST, "\n".join(refused)


@pytest.mark.parametrize("sql", ONCE_WRONG)
def test_once_wrong(sql: str, judge: Judge) -> None:
    expected = judge.expected(sql).rows
    for catalog in (KNOWN, FIELDS):
        found = judge.found(sql, catalog)
        assert found.failure is None
        assert agree(found.rows, expected, ordered=False)


@pytest.mark.parametrize("part", range(max(1, round(2 * SIZE))))
def test_constants_are_worked_out_alike(part: int, judge: Judge) -> None:
    """The values of a row in place of its columns: planning works the expression out, the server isn't asked."""
    seed = f"{SEED} constants {part}"
    chance = random.Random(seed)
    make = Expressions(chance, [("m", "t")])
    wrong, judged = [], 0
    for _ in range(PART):
        expression = make.any(3)
        expected = judge.expected(f"SELECT {expression} FROM t m ORDER BY m.id")
        if expected.failure is not None:
            continue
        for row in chance.sample(range(len(ROWS["t"])), 4):
            text = literal_row(expression, ROWS["t"][row])
            found = folded(text)
            judged += 1
            if not same(plain(found), plain(expected.rows[row][0])):
                wrong.append(f"{text}\n  found    {found!r}\n  expected {expected.rows[row][0]!r}")
    assert not wrong, f"{len(wrong)} of {judged} differ, seed {seed!r}:\n" + "\n".join(wrong[:5])
    assert judged > PART * 3
