"""Construct × position: every construct in every clause where SQL allows it, judged by PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from .judge import FIELDS, KNOWN, Judge, agree

pytestmark = [pytest.mark.server, pytest.mark.slow]

NUMBERS = (
    "m.i", "m.i + m.j * 2 - 1", "m.x * 2.5", "CAST(m.i AS DOUBLE PRECISION) / NULLIF(m.j, 0)", "m.i % NULLIF(m.k, 0)", "-m.i", "ABS(m.x)",
    "FLOOR(m.x)", "COALESCE(m.i, m.j, 0)", "NULLIF(m.i, m.j)", "GREATEST(m.i, m.j, m.k)", "LEAST(m.x, m.y)",
    "CASE WHEN m.b THEN m.i WHEN m.c THEN m.j ELSE m.i END", "CASE m.i WHEN 1 THEN m.j WHEN m.k THEN 2 END", "LENGTH(m.s)",
    "POSITION('a' IN m.s)", "CARDINALITY(m.a)", "EXTRACT(YEAR FROM m.d)", "EXTRACT(EPOCH FROM (m.d - m.e))", "CAST(m.b AS INT)",
    "(m.o ->> 'n')::double precision", "(m.o -> 'l' ->> 0)::int", "(SELECT MAX(z.i) FROM q z)", "(SELECT COUNT(*) FROM r z WHERE z.i = m.i)",
    "(SELECT SUM(z.i) FROM r z WHERE z.s = m.s AND z.i > m.j)", "SIGN(m.x)", "STRPOS(m.s, 'b')", "JSONB_ARRAY_LENGTH(m.o -> 'l')",
)
TEXTS = (
    "m.s", "m.s || m.u", "UPPER(m.s)", "SUBSTRING(m.s, 2, 2)", "SUBSTRING(m.s FROM 2)", "LEFT(m.s, 1)", "RIGHT(m.s, -1)", "TRIM(m.s)",
    "REPLACE(m.s, 'a', '$')", "m.o ->> 's'", "m.o -> 'o' ->> 's'", "m.a[1]", "ARRAY_TO_STRING(m.a, '|')", "CAST(m.i AS TEXT)",
    "CONCAT_WS('-', m.s, m.u)", "TO_CHAR(m.d, 'YYYY-MM')", "COALESCE(m.s, '$x')", "CASE WHEN m.s = '$x' THEN '$$ROOT' ELSE m.u END",
    "SPLIT_PART(m.s, '.', 1)", "LPAD(m.s, 3, '$')", "(SELECT MIN(z.s) FROM r z WHERE z.i = m.i)", "m.i::text || m.s", "REVERSE(m.s)",
)
DATES = (
    "m.d", "DATE_TRUNC('month', m.d)", "m.d + INTERVAL '1 month'", "m.d - INTERVAL '36 hours'", "COALESCE(m.d, m.e)",
    "GREATEST(m.d, TIMESTAMP '2024-01-01')", "CASE WHEN m.b THEN m.d ELSE m.e END",
)
CONDITIONS = (
    "m.b", "NOT m.b", "m.i = m.j", "m.i <> m.j", "m.i < 2", "m.i >= m.x", "m.s > 'a'", "m.d < m.e", "m.b AND m.c", "m.b OR m.i IS NULL",
    "NOT (m.b AND m.i > 0)", "m.i IS NULL", "m.s IS NOT NULL", "m.i IN (1, 2, 3)", "m.i NOT IN (1, 2)", "m.i NOT IN (1, NULL)",
    "m.s IN ('a', m.u)", "m.i BETWEEN 0 AND m.j", "m.x NOT BETWEEN 0 AND 2", "m.s LIKE 'a%'", "m.s NOT LIKE '%b'", "m.s ILIKE 'A_'",
    "m.s LIKE 'a!%b' ESCAPE '!'", "m.s ~ '^[a-z]+$'", "m.i IS DISTINCT FROM m.j", "m.s IS NOT DISTINCT FROM m.u", "m.b IS TRUE",
    "m.b IS NOT FALSE", "m.b IS UNKNOWN", "(m.i, m.s) = (m.j, m.u)", "(m.i, m.x) < (m.j, m.y)", "m.s = ANY(m.a)", "m.s <> ALL(ARRAY['a', 'b'])",
    "m.o @> '{\"s\": \"a\"}'::jsonb", "CASE WHEN m.i > 1 THEN m.b ELSE m.c END", "COALESCE(m.b, m.c, FALSE)", "STARTS_WITH(m.s, 'a')",
    "EXISTS (SELECT 1 FROM r z WHERE z.i = m.i)", "NOT EXISTS (SELECT 1 FROM r z WHERE z.i = m.i AND z.b)",
    "m.i IN (SELECT z.i FROM r z)", "m.i NOT IN (SELECT z.i FROM r z)", "m.i NOT IN (SELECT z.i FROM r z WHERE z.i IS NOT NULL)",
    "m.i IN (SELECT z.i FROM r z WHERE z.s = m.s)", "m.i > ALL (SELECT z.i FROM q z WHERE z.s = m.s)", "m.i = ANY (SELECT z.i FROM q z)",
    "m.x > (SELECT AVG(z.x) FROM r z)", "(m.i, m.s) IN (SELECT z.i, z.s FROM r z)",
)
AGGREGATES = (
    "COUNT(*)", "COUNT(m.i)", "COUNT(DISTINCT m.i)", "SUM(m.i)", "SUM(m.x) FILTER (WHERE m.b)", "AVG(m.i)", "MIN(m.s)", "MAX(m.d)",
    "SUM(DISTINCT m.i)", "BOOL_AND(m.b)", "BOOL_OR(m.c)", "MAX(m.i) - MIN(m.j)", "COALESCE(SUM(m.j), 0)", "STDDEV_POP(m.i)",
    "SUM(CASE WHEN m.s LIKE 'a%' THEN 1 ELSE 0 END)", "STRING_AGG(m.s, ',' ORDER BY m.id)", "COUNT(*) FILTER (WHERE m.i NOT IN (1, 2))",
    "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY m.x)", "CASE WHEN COUNT(*) > 3 THEN 'many' ELSE 'few' END", "MIN(m.i) + COUNT(*)",
    "ARRAY_AGG(m.i ORDER BY m.i DESC, m.id) FILTER (WHERE m.i IS NOT NULL)", "COUNT(m.s) * 1.5",
)

VALUE_POSITIONS = {
    "select": "SELECT m.id, {v} AS v FROM t m",
    "where": "SELECT m.id FROM t m WHERE {p}",
    "where not": "SELECT m.id FROM t m WHERE NOT ({p})",
    "order": "SELECT m.id FROM t m ORDER BY {v} DESC NULLS LAST, m.id",
    "order by alias": "SELECT m.id, {v} AS v FROM t m ORDER BY v, m.id LIMIT 10",
    "group": "SELECT {v} AS v, COUNT(*) AS n FROM t m GROUP BY {v}",
    "group by alias, having": "SELECT {v} AS v, MIN(m.id) AS n FROM t m GROUP BY 1 HAVING COUNT(*) > 1",
    "having": "SELECT m.b, COUNT(*) AS n FROM t m GROUP BY m.b HAVING BOOL_OR({p})",
    "aggregate": "SELECT m.c, COUNT({v}) AS n, COUNT(DISTINCT {v}) AS d FROM t m GROUP BY m.c",
    "filter": "SELECT m.c, SUM(m.id) FILTER (WHERE {p}) AS n FROM t m GROUP BY m.c",
    "distinct": "SELECT DISTINCT {v} AS v FROM t m",
    "case": "SELECT m.id, CASE WHEN {p} THEN 'y' WHEN m.b THEN 'n' END AS v FROM t m",
    "join": "SELECT m.id, n.id AS n FROM t m JOIN r n ON n.i = m.i AND ({p})",
    "left join": "SELECT m.id, n.id AS n FROM t m LEFT JOIN r n ON n.i = m.i AND ({p})",
    "after a join": "SELECT m.id, n.id AS n, {v} AS v FROM t m LEFT JOIN r n ON n.s = m.s WHERE {p}",
    "nullable side": "SELECT n.id, m.id AS m, {v} AS v FROM r n LEFT JOIN t m ON m.i = n.i",
    "derived": "SELECT d.id, d.v FROM (SELECT m.id, {v} AS v FROM t m) d WHERE d.v IS NOT NULL",
    "union": "SELECT {v} AS v FROM t m WHERE m.b UNION SELECT {v} FROM t m WHERE {p}",
    "exists": "SELECT n.id FROM r n WHERE EXISTS (SELECT 1 FROM t m WHERE m.i = n.i AND ({p}))",
    "partition": "SELECT m.id, ROW_NUMBER() OVER (PARTITION BY {v} ORDER BY m.id) AS v FROM t m",
    "window order": "SELECT m.id, RANK() OVER (ORDER BY {v}) AS v FROM t m",
    "right join": "SELECT n.id, m.id AS m FROM r n RIGHT JOIN t m ON n.i = m.i AND ({p})",
    "left join on the optional side": "SELECT n.id, m.id AS m FROM r n LEFT JOIN t m ON n.i = m.i AND ({p})",
    "lateral": "SELECT m.id, x.v FROM t m CROSS JOIN LATERAL (SELECT {v} AS v) x",
    "lateral values": "SELECT m.id, x.v FROM t m CROSS JOIN LATERAL (VALUES (1, {v}), (2, NULL)) x (n, v) WHERE x.n = 1",
    "unnest": "SELECT m.id, x.v FROM t m, UNNEST(ARRAY[{v}]) AS x (v)",
    "distinct on": "SELECT DISTINCT ON ({v}) m.id FROM t m ORDER BY {v} NULLS FIRST, m.id",
    "rollup": "SELECT {v} AS v, COUNT(*) AS n FROM t m GROUP BY ROLLUP ({v})",
    "limit": "SELECT COUNT(*) AS n FROM (SELECT 1 AS o FROM r LIMIT (SELECT COUNT(*) FROM t m WHERE {p})) z",
    "not or": "SELECT m.id FROM t m WHERE NOT (({p}) OR m.i = 2)",
    "or null": "SELECT m.id FROM t m WHERE ({p}) OR m.s IS NULL",
    "over": "SELECT m.id, COUNT({v}) OVER (PARTITION BY m.b) AS v FROM t m",
    "compared with a subquery": "SELECT m.id FROM t m WHERE ({v}) IN (SELECT {w} FROM t y)",
}
AGGREGATE_POSITIONS = {
    "select": "SELECT {v} AS v FROM t m",
    "of nothing": "SELECT {v} AS v FROM t m WHERE m.id < 0",
    "group": "SELECT m.b, {v} AS v FROM t m GROUP BY m.b",
    "having": "SELECT m.b FROM t m GROUP BY m.b HAVING {v} IS NOT NULL",
    "order": "SELECT m.b FROM t m GROUP BY m.b ORDER BY {v}, m.b",
    "rollup": "SELECT m.b, m.c, {v} AS v FROM t m GROUP BY ROLLUP (m.b, m.c)",
    "scalar subquery": "SELECT n.id, (SELECT {v} FROM t m WHERE m.i = n.i) AS v FROM r n",
    "in subquery": "SELECT n.id FROM r n WHERE n.i IN (SELECT m.i FROM t m GROUP BY m.i HAVING {v} IS NOT NULL)",
    "lateral": "SELECT n.id, x.v FROM r n LEFT JOIN LATERAL (SELECT {v} AS v FROM t m WHERE m.s = n.s) x ON TRUE",
    "derived": "SELECT x.b, x.v FROM (SELECT m.b, {v} AS v FROM t m GROUP BY m.b) x WHERE x.v IS NOT NULL",
    "after a join": "SELECT n.b, {v} AS v FROM r n LEFT JOIN t m ON m.i = n.i GROUP BY n.b",
    "distinct": "SELECT DISTINCT {v} AS v FROM t m GROUP BY m.i",
}


def combinations() -> Iterator[tuple[str, str]]:
    """(position, query), every construct in every position."""
    of_kinds = [(v, f"({v}) > 1") for v in NUMBERS] + [(v, f"({v}) <= 'ab'") for v in TEXTS]
    of_kinds += [(v, f"({v}) >= TIMESTAMP '2020-05-31'") for v in DATES] + [(f"({p})", p) for p in CONDITIONS]
    for (position, template), (value, condition) in product(VALUE_POSITIONS.items(), of_kinds):
        yield position, template.format(v=value, p=condition, w=value.replace("m.", "y."))
    for (position, template), call in product(AGGREGATE_POSITIONS.items(), AGGREGATES):
        yield f"aggregate: {position}", template.format(v=call)


COMBINATIONS = list(combinations())
BY_POSITION = {p: [sql for position, sql in COMBINATIONS if position == p] for p, _ in COMBINATIONS}


@pytest.mark.parametrize("position", BY_POSITION)
def test_position(position: str, judge: Judge) -> None:
    wrong = []
    for number, sql in enumerate(BY_POSITION[position]):
        expected = judge.expected(sql)
        assert expected.failure is None, f"{sql}\n{expected.failure}"
        found = judge.found(sql, KNOWN if number % 2 else FIELDS)
        ordered = "order" in position and position != "window order"
        if found.failure is not None or not agree(found.rows, expected.rows, ordered=ordered):
            wrong.append(f"{sql}\n  found    {found.failure or found.rows}\n  expected {expected.rows}")
    assert not wrong, f"{len(wrong)} of {len(BY_POSITION[position])} differ:\n" + "\n".join(wrong[:5])


def test_there_are_enough_combinations() -> None:
    assert len(set(COMBINATIONS)) == len(COMBINATIONS) >= 300
