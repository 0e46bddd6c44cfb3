"""Queries over numbers of which some are NaN, in what PostgreSQL and sqlbulk agree: its equality, and where it isn't found."""

from __future__ import annotations

from itertools import product

_NAN = "CAST('NaN' AS DOUBLE PRECISION)"
_ROWS = (
    f"(SELECT e.id, CASE WHEN e.dept = 1 OR e.id = 9 THEN {_NAN} ELSE e.salary END AS x,"
    f" CASE WHEN e.id < 3 THEN {_NAN} WHEN e.id = 5 THEN CAST('Infinity' AS DOUBLE PRECISION) ELSE e.salary END AS y FROM emp e)")
_SAME = (
    f"x = {_NAN}", f"{_NAN} <> x", f"x IN (3000, {_NAN})", f"x NOT IN (3000, {_NAN})", f"x IS DISTINCT FROM {_NAN}",
    f"x IS NOT DISTINCT FROM {_NAN}", "x = y", "x <> y", "x IS NOT DISTINCT FROM y", f"NULLIF(x, {_NAN}) IS NULL",
    f"CASE x WHEN {_NAN} THEN TRUE ELSE FALSE END", f"(x, y) = ({_NAN}, {_NAN})", f"x IN (SELECT {_NAN} FROM dept)",
    "x IS NULL",
)
_LEFT_OUT = (
    "x < 3000", "x <= 3000", "3000 > x", "NOT x > 2500", "NOT x >= 3000", "x BETWEEN 1000 AND 3000", "x < 3000 AND y > 0",
    "x < 3000 OR x = 4500.5", "x + 1 < 3000", "NOT x + 1 >= 3000", "x < 3000 OR id = 4", "NOT (x > 2500 OR id = 5)",
    "x < ALL (SELECT d.id * 10000 FROM dept d)", "x < ANY (SELECT d.id * 1000 FROM dept d)",
)
"""FALSE in PostgreSQL and NULL here where NaN is compared: neither is kept."""
_KEPT = (
    "SELECT n.id FROM {rows} n WHERE {p}",
    "SELECT n.id, CASE WHEN {p} THEN 'y' ELSE 'n' END AS p FROM {rows} n",
    "SELECT COUNT(*) FILTER (WHERE {p}) AS k, SUM(CASE WHEN {p} THEN 1 ELSE 0 END) AS s FROM {rows} n",
    "SELECT id FROM (SELECT n.id, ({p}) AS p FROM {rows} n) q WHERE p",
)
_SHOWN = ("SELECT n.id, ({p}) AS p FROM {rows} n", "SELECT n.id FROM {rows} n WHERE NOT ({p})")
_WHOLE = (
    "SELECT COUNT(*) AS n, MIN(id) AS i FROM {rows} n GROUP BY x", "SELECT COUNT(DISTINCT x) AS n FROM {rows} n",
    "SELECT COUNT(*) AS n FROM (SELECT DISTINCT x FROM {rows} n) q",
    "SELECT a.id, b.id AS other FROM {rows} a JOIN {rows} b ON a.x = b.y",
    "SELECT a.id, b.id AS other FROM {rows} a LEFT JOIN {rows} b ON a.x = b.y AND b.id > 1",
    "SELECT a.id, b.id AS other FROM {rows} a JOIN {rows} b ON a.x < b.y AND b.y <= 3000",
    "SELECT a.id FROM {rows} a WHERE a.x IN (SELECT b.y FROM {rows} b WHERE b.id < 4)",
    "SELECT a.id FROM {rows} a WHERE EXISTS (SELECT 1 FROM {rows} b WHERE b.y = a.x AND b.id <> a.id)",
    "SELECT a.id FROM {rows} a WHERE a.x NOT IN (SELECT b.y FROM {rows} b WHERE b.y IS NOT NULL)",
    "SELECT id, COUNT(*) OVER (PARTITION BY x) AS n FROM {rows} n",
)
NAN_QUERIES = tuple(text.format(rows=_ROWS, p=p) for texts, conditions in (
    (_KEPT, (*_SAME, *_LEFT_OUT)), (_SHOWN, _SAME), (_WHOLE, ("",))) for text, p in product(texts, conditions))
