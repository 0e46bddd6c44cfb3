"""Queries that PostgreSQL and sqlbulk must answer alike: constructs in every position, and hand-written ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from .common_queries import QUERIES
from .from_queries import FROM_QUERIES
from .join_queries import JOIN_QUERIES
from .nan_queries import NAN_QUERIES

PREDICATES = (
    "e.salary > 3000", "e.salary <> 3000", "NOT (e.salary > 3000)", "e.dept IS NULL", "e.dept IS NOT NULL",
    "e.dept = 2 OR e.name LIKE 'A%'", "e.dept IN (1, 3)", "e.dept NOT IN (1, 3)", "e.dept NOT IN (1, NULL)",
    "e.salary BETWEEN 2000 AND 4000", "e.name IS DISTINCT FROM 'Ann'", "e.active", "NOT e.active", "e.active IS TRUE",
    "e.active IS NOT FALSE", "e.boss = e.id - 1", "COALESCE(e.dept, 0) < 2", "e.dept > 1 AND e.salary < 5000",
    "(e.dept, e.active) = (1, TRUE)", "NOT (e.dept = 1 OR e.salary IS NULL)",
    "CASE WHEN e.dept = 1 THEN e.salary > 2500 ELSE e.active END",
    "EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept)", "NOT EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept)",
    "e.dept IN (SELECT d.id FROM dept d)", "e.dept NOT IN (SELECT d.id FROM dept d)",
    "e.dept NOT IN (SELECT x.dept FROM emp x WHERE x.dept IS NOT NULL AND x.dept > 2)",
    "e.salary = (SELECT MAX(x.salary) FROM emp x WHERE x.dept = e.dept)",
    "e.salary > ALL (SELECT x.salary FROM emp x WHERE x.dept = 3)", "e.salary >= ANY (SELECT x.salary FROM emp x WHERE x.dept = 2)",
    "e.id IN (SELECT x.boss FROM emp x WHERE x.dept = e.dept)",
)
POSITIONS = (
    "SELECT e.id FROM emp e WHERE {p}",
    "SELECT e.id, ({p}) AS p FROM emp e",
    "SELECT e.id, CASE WHEN {p} THEN 'y' ELSE 'n' END AS p FROM emp e",
    "SELECT e.dept, COUNT(*) FILTER (WHERE {p}) AS n FROM emp e GROUP BY e.dept",
    "SELECT e.id FROM emp e ORDER BY {p}, e.id",
    "SELECT e.id, d.title FROM emp e JOIN dept d ON d.id = e.dept WHERE {p}",
    "SELECT s.id FROM (SELECT * FROM emp) AS s WHERE EXISTS (SELECT 1 FROM emp e WHERE e.id = s.id AND ({p}))",
)
WITHOUT_SUBQUERY = (
    "SELECT d.id, e.id FROM dept d LEFT JOIN emp e ON e.dept = d.id AND ({p})",
    "SELECT SUM(CASE WHEN {p} THEN 1 ELSE 0 END) AS n FROM emp e",
    "SELECT DISTINCT ({p}) AS p FROM emp e",
)
KINDS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
CONDITIONS = (
    "e.dept = d.id", "e.dept = d.id AND e.salary > 2000", "e.dept = d.id AND d.city = 'Rome'", "e.dept < d.id",
    "e.dept = d.id OR e.dept IS NULL",
)
WHERES = ("", " WHERE e.salary > 2000", " WHERE d.city IS NULL", " WHERE e.id IS NULL OR d.id > 1")
AGGREGATES = (
    "COUNT(*)", "COUNT(e.salary)", "COUNT(DISTINCT e.salary)", "SUM(e.salary)", "SUM(DISTINCT e.salary)", "AVG(e.salary)",
    "MIN(e.name)", "MAX(e.salary)", "MIN(e.hired)", "BOOL_AND(e.active)", "BOOL_OR(e.active)", "STDDEV_POP(e.salary)",
    "VAR_SAMP(e.salary)", "SUM(e.salary) FILTER (WHERE e.active)", "COUNT(*) FILTER (WHERE e.salary > 2500)",
    "MAX(e.salary) - MIN(e.salary)", "COALESCE(SUM(e.salary), 0) + COUNT(*)", "COUNT(DISTINCT e.dept) FILTER (WHERE e.active)",
)
GROUPINGS = (
    "SELECT {a} AS v FROM emp e", "SELECT e.dept, {a} AS v FROM emp e GROUP BY e.dept",
    "SELECT {a} AS v FROM emp e WHERE e.id > 1000", "SELECT e.dept AS k, e.active, {a} AS v FROM emp e GROUP BY 1, 2",
    "SELECT e.dept FROM emp e GROUP BY e.dept HAVING {a} IS NOT NULL",
    "SELECT d.title, {a} AS v FROM dept d LEFT JOIN emp e ON e.dept = d.id GROUP BY d.title",
    "SELECT d.id, (SELECT {a} FROM emp e WHERE e.dept = d.id) AS v FROM dept d",
    "SELECT d.id, x.v FROM dept d LEFT JOIN LATERAL (SELECT {a} AS v FROM emp e WHERE e.dept = d.id) x ON TRUE",
)
WINDOW_CALLS = (
    "ROW_NUMBER()", "RANK()", "DENSE_RANK()", "PERCENT_RANK()", "CUME_DIST()", "NTILE(3)", "LAG(e.salary)", "LEAD(e.salary, 2)",
    "LAG(e.salary, 1, -1)", "SUM(e.salary)", "COUNT(e.salary)", "AVG(e.salary)", "MIN(e.salary)", "FIRST_VALUE(e.salary)",
    "LAST_VALUE(e.salary)", "NTH_VALUE(e.salary, 2)", "COUNT(*) FILTER (WHERE e.active)",
)
FRAMELESS = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT", "CUME", "NTILE", "LAG", "LEAD")
WINDOWS = (
    "ORDER BY e.id", "PARTITION BY e.dept ORDER BY e.id", "PARTITION BY e.dept ORDER BY e.hired DESC, e.id",
    "PARTITION BY e.active ORDER BY e.salary NULLS FIRST, e.id",
)
PEERS = ("ORDER BY e.dept", "PARTITION BY e.active ORDER BY e.dept DESC")
FRAMES = (
    "ORDER BY e.id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ORDER BY e.id ROWS UNBOUNDED PRECEDING",
    "ORDER BY e.dept RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "ORDER BY e.dept RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ORDER BY e.dept RANGE BETWEEN 1 PRECEDING AND CURRENT ROW", "PARTITION BY e.dept",
)
RANGES = (
    "RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING", "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
    "RANGE BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING", "RANGE BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
    "GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING", "GROUPS CURRENT ROW", "RANGE UNBOUNDED PRECEDING",
)
EXCLUDED = ("EXCLUDE CURRENT ROW", "EXCLUDE GROUP", "EXCLUDE TIES", "EXCLUDE NO OTHERS")
RANGED_BY = ("ORDER BY e.dept", "ORDER BY e.dept DESC", "PARTITION BY e.active ORDER BY e.dept NULLS FIRST")
EXCLUDING = (
    "SUM(e.salary)", "COUNT(*)", "AVG(e.salary)", "MIN(e.name)", "BOOL_OR(e.active)", "STDDEV_POP(e.salary)",
    "SUM(e.id) FILTER (WHERE e.active)", "ARRAY_AGG(e.id)", "STRING_AGG(e.name, '-')", "FIRST_VALUE(e.name)",
    "LAST_VALUE(e.name)", "NTH_VALUE(e.id, 2)",
)
INSIDE = {
    "COUNT": "id", "SUM": "salary", "AVG": "salary", "MIN": "name", "MAX": "salary", "STDDEV_SAMP": "salary",
    "STDDEV_POP": "salary", "VAR_SAMP": "id", "VAR_POP": "id", "STDDEV": "salary", "VARIANCE": "id", "ARRAY_AGG": "dept",
    "JSON_AGG": "dept", "JSONB_AGG": "dept", "STRING_AGG": "name", "BOOL_AND": "active", "BOOL_OR": "active",
    "EVERY": "active", "BIT_AND": "dept", "BIT_OR": "dept", "BIT_XOR": "dept",
}
"""Aggregates with a column that each can take."""
ORDERED_SETS = ("PERCENTILE_CONT(0.25)", "PERCENTILE_DISC(0.75)", "PERCENTILE_CONT(ARRAY[0, 0.5])", "MODE()")

WRITTEN = """
SELECT 1
SELECT 1 + 1 AS two, 'x' AS x, NULL AS n
SELECT id FROM emp ORDER BY salary, id
SELECT id FROM emp ORDER BY salary DESC, id DESC
SELECT id FROM emp ORDER BY salary NULLS FIRST, id
SELECT id FROM emp ORDER BY salary DESC NULLS LAST, id
SELECT id, salary * 2 AS twice FROM emp ORDER BY twice, id
SELECT id, salary FROM emp ORDER BY 2 DESC, 1 LIMIT 3
SELECT id FROM emp ORDER BY id LIMIT 2 OFFSET 3
SELECT id FROM emp ORDER BY id OFFSET 8
SELECT id FROM emp ORDER BY id FETCH FIRST 3 ROWS ONLY
SELECT id FROM emp ORDER BY id LIMIT 0
SELECT id, dept FROM emp ORDER BY dept FETCH FIRST 2 ROWS WITH TIES
SELECT dept, salary FROM emp ORDER BY salary DESC FETCH FIRST 3 ROWS WITH TIES
SELECT DISTINCT dept FROM emp ORDER BY dept
SELECT DISTINCT dept, active FROM emp
SELECT DISTINCT dept FROM emp ORDER BY dept DESC LIMIT 2
SELECT DISTINCT dept FROM emp ORDER BY dept FETCH FIRST 2 ROWS WITH TIES
SELECT x.a, x.b, x.a + x.b AS c FROM (SELECT id AS a, id * 2 AS b FROM emp) x
SELECT COUNT(x.v), SUM(x.v) FROM (SELECT salary AS v FROM emp) x
SELECT y.v FROM (SELECT x.v AS v FROM (SELECT salary + 1 AS v FROM emp) x) y WHERE y.v > 2600
SELECT SUM(x.n) FROM (SELECT COUNT(*) AS n FROM emp GROUP BY dept) x
SELECT DISTINCT ON (dept) dept, id FROM emp ORDER BY dept, salary DESC, id
SELECT DISTINCT ON (dept, active) dept, active, id FROM emp ORDER BY dept, active, id DESC
SELECT COUNT(*) FROM emp
SELECT COUNT(*) FROM emp WHERE FALSE
SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept ORDER BY n DESC, dept
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING COUNT(*) > 1 ORDER BY 1
SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept ORDER BY SUM(salary) DESC
SELECT dept + 1 AS d, COUNT(*) FROM emp GROUP BY dept + 1
SELECT UPPER(name) AS name, COUNT(*) FROM emp GROUP BY name
SELECT UPPER(name) AS up, COUNT(*) FROM emp GROUP BY up
SELECT COUNT(*) AS n FROM emp GROUP BY dept ORDER BY dept
SELECT dept FROM emp GROUP BY dept
SELECT dept * 2 + COUNT(*) AS v FROM emp GROUP BY dept
SELECT COUNT(*) FILTER (WHERE NULL) AS n, SUM(id) FILTER (WHERE 3 NOT IN (1, NULL)) AS s FROM emp
SELECT DISTINCT 5 AS x, dept, TRUE AS t FROM emp
SELECT dept, COUNT(*) FROM emp GROUP BY dept, 1 + 1, dept > 1
SELECT 1 AS one FROM emp HAVING COUNT(*) > 3
SELECT 1 AS one FROM emp HAVING COUNT(*) > 300
SELECT dept, active, COUNT(*) FROM emp GROUP BY ROLLUP (dept, active)
SELECT dept, active, COUNT(*), SUM(salary) FROM emp GROUP BY CUBE (dept, active)
SELECT dept, active, COUNT(*) FROM emp GROUP BY GROUPING SETS ((dept), (active), ())
SELECT dept, COUNT(*) FROM emp WHERE id > 1000 GROUP BY GROUPING SETS ((dept), ())
SELECT active, dept, COUNT(*) FROM emp GROUP BY active, ROLLUP (dept)
SELECT dept, active, GROUPING(dept) AS g, GROUPING(dept, active) AS h, COUNT(*) FROM emp GROUP BY CUBE (dept, active)
SELECT dept, GROUPING(dept) AS g FROM emp GROUP BY dept
SELECT dept, COUNT(*) FROM emp GROUP BY ROLLUP (dept) HAVING GROUPING(dept) = 0 ORDER BY GROUPING(dept), dept
SELECT e.name, d.title FROM emp e, dept d WHERE e.dept = d.id AND d.city = 'Rome'
SELECT e.name, b.name AS boss FROM emp e LEFT JOIN emp b ON b.id = e.boss
SELECT e.name, b.name AS boss, d.title FROM emp e JOIN emp b ON b.id = e.boss LEFT JOIN dept d ON d.id = b.dept
SELECT d.title, COUNT(e.id) AS n FROM dept d LEFT JOIN emp e ON e.dept = d.id GROUP BY d.title ORDER BY n, d.title
SELECT e.dept, d.id, COUNT(*) FROM emp e JOIN dept d ON d.id = e.dept GROUP BY e.dept, d.id
SELECT a.id, b.id FROM dept a CROSS JOIN dept b WHERE a.id < b.id
SELECT id, name, qty FROM emp JOIN sale USING (id)
SELECT id, s.qty FROM emp e FULL JOIN sale s USING (id)
SELECT COUNT(*) FROM emp e JOIN sale s ON s.emp = e.id JOIN dept d ON d.id = e.dept
SELECT d.title, SUM(s.qty) AS q FROM sale s JOIN emp e ON e.id = s.emp JOIN dept d ON d.id = e.dept GROUP BY d.title HAVING SUM(s.qty) > 3
SELECT x.dept, x.n FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) x WHERE x.n > 1
SELECT x.d, d.title FROM (SELECT DISTINCT dept AS d FROM emp) x LEFT JOIN dept d ON d.id = x.d
SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, NULL)) AS v (a, b) ORDER BY v.a DESC
SELECT e.id, v.b FROM emp e JOIN (VALUES (1, 'one'), (2, 'two')) AS v (a, b) ON v.a = e.dept
VALUES (1, 'a'), (2, 'b'), (3, NULL)
WITH t AS (SELECT dept, AVG(salary) AS a FROM emp GROUP BY dept) SELECT e.id FROM emp e JOIN t ON t.dept = e.dept AND e.salary > t.a
WITH a AS (SELECT id, dept FROM emp), b AS (SELECT dept, COUNT(*) AS n FROM a GROUP BY dept) SELECT a.id, b.n FROM a JOIN b ON b.dept = a.dept
WITH t (x, y) AS (SELECT id, salary FROM emp) SELECT x FROM t WHERE y > 2000
WITH t AS (SELECT dept FROM emp) SELECT l.dept, COUNT(*) FROM t l JOIN t r ON l.dept = r.dept GROUP BY l.dept
SELECT id FROM emp UNION SELECT id FROM dept
SELECT dept FROM emp UNION ALL SELECT id FROM dept ORDER BY 1
SELECT dept FROM emp INTERSECT SELECT id FROM dept
SELECT dept FROM emp INTERSECT ALL SELECT id FROM dept
SELECT dept FROM emp EXCEPT SELECT id FROM dept
SELECT dept FROM emp EXCEPT ALL SELECT id FROM dept
SELECT dept, active FROM emp EXCEPT SELECT 1, TRUE
SELECT dept FROM emp UNION SELECT id FROM dept EXCEPT SELECT 3
(SELECT id FROM emp ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM dept ORDER BY id DESC LIMIT 1)
SELECT x FROM (SELECT dept AS x FROM emp UNION SELECT id FROM dept) u WHERE x > 1 ORDER BY x
SELECT dept AS k, COUNT(*) AS n FROM emp GROUP BY dept UNION ALL SELECT NULL, COUNT(*) FROM emp ORDER BY n, k
SELECT e.id, (SELECT d.title FROM dept d WHERE d.id = e.dept) AS title FROM emp e
SELECT e.id, (SELECT COUNT(*) FROM emp x WHERE x.dept = e.dept) AS n FROM emp e ORDER BY e.salary DESC, e.id
SELECT e.id, e.dept IN (SELECT d.id FROM dept d) AS i FROM emp e ORDER BY e.name, e.id LIMIT 5
SELECT e.id, EXISTS (SELECT 1 FROM emp x WHERE x.boss = e.id) AS b FROM emp e ORDER BY e.hired, e.id OFFSET 2
SELECT DISTINCT ON (e.dept) e.dept, (SELECT COUNT(*) FROM emp x WHERE x.dept = e.dept) AS n FROM emp e ORDER BY e.dept DESC, e.id
SELECT x.id, x.n FROM (SELECT e.id, (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id) AS n FROM emp e) x ORDER BY x.n, x.id
SELECT e.id, (SELECT COUNT(*) FROM emp) AS n, (SELECT MAX(id) FROM dept) AS m FROM emp e
SELECT d.id, (SELECT COUNT(*) FROM emp e WHERE e.dept = d.id AND e.active) AS n FROM dept d
SELECT d.id, (SELECT COUNT(*) FROM emp e WHERE e.dept > d.id) AS n FROM dept d
SELECT d.id, (SELECT SUM(s.qty) FROM emp e JOIN sale s ON s.emp = e.id WHERE e.dept = d.id) AS q FROM dept d
SELECT d.id, (SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.salary DESC NULLS LAST, e.id LIMIT 1) AS best FROM dept d
SELECT d.title FROM dept d WHERE (SELECT COUNT(*) FROM emp e WHERE e.dept = d.id) > 2
SELECT d.title FROM dept d ORDER BY (SELECT COUNT(*) FROM emp e WHERE e.dept = d.id) DESC, d.title
SELECT dept FROM emp e GROUP BY dept HAVING COUNT(*) > (SELECT COUNT(*) FROM dept d WHERE d.id = e.dept)
SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.qty > 2 AND EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept))
SELECT e.id FROM emp e WHERE NOT EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.qty > e.dept)
SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s WHERE s.qty > 100)
SELECT e.id FROM emp e WHERE NOT EXISTS (SELECT 1 FROM sale s WHERE s.qty > 100)
SELECT e.id FROM emp e WHERE e.id IN (SELECT s.emp FROM sale s GROUP BY s.emp HAVING SUM(s.qty) > 3)
SELECT e.id FROM emp e WHERE (e.dept, e.active) IN (SELECT x.dept, x.active FROM emp x WHERE x.id <> e.id)
SELECT e.id FROM emp e WHERE (e.id, e.dept) NOT IN (SELECT s.emp, 1 FROM sale s WHERE s.emp IS NOT NULL)
SELECT e.id FROM emp e WHERE e.dept IN (SELECT d.id FROM dept d UNION SELECT 7)
SELECT e.id FROM emp e WHERE e.salary < ALL (SELECT x.salary FROM emp x WHERE x.dept = e.dept AND x.id <> e.id)
SELECT e.id FROM emp e WHERE e.salary > ANY (SELECT x.salary FROM emp x WHERE x.boss = e.id)
SELECT e.id FROM emp e WHERE e.dept = ANY (SELECT d.id FROM dept d) OR e.active
SELECT e.id FROM emp e WHERE e.dept <> ALL (SELECT d.id FROM dept d)
SELECT e.id FROM emp e WHERE e.dept NOT IN (SELECT d.id FROM dept d WHERE d.id > 100)
SELECT emp.id, x.n FROM emp, LATERAL (SELECT COUNT(*) AS n FROM emp y WHERE y.dept = emp.dept) x
SELECT emp.id FROM emp WHERE EXISTS (SELECT 1 FROM emp y WHERE y.boss = emp.id)
SELECT emp.id, x.n, y.m FROM emp, LATERAL (SELECT COUNT(*) AS n FROM emp s WHERE s.dept = emp.dept AND s.active) x, LATERAL (SELECT MIN(r.salary) AS m FROM emp r WHERE r.dept = emp.dept) y
SELECT e.id, x.n FROM emp e, LATERAL (SELECT COUNT(*) AS n FROM emp y WHERE y.dept = e.dept) x
SELECT e.id, x.lo, x.hi FROM emp e LEFT JOIN LATERAL (SELECT MIN(y.salary) AS lo, MAX(y.salary) AS hi FROM emp y WHERE y.dept = e.dept AND y.active) x ON TRUE
SELECT d.id, x.id FROM dept d CROSS JOIN LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.id LIMIT 2) x
SELECT d.id, x.id FROM dept d LEFT JOIN LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id AND e.salary > 3000) x ON x.id > 3
SELECT d.id, x.a, y.b FROM dept d, LATERAL (SELECT MAX(e.salary) AS a FROM emp e WHERE e.dept = d.id) x, LATERAL (SELECT COUNT(*) AS b FROM emp e WHERE e.salary = x.a) y
SELECT e.id, COUNT(*) OVER (PARTITION BY e.dept) AS n FROM emp e WHERE e.active
SELECT dept, SUM(COUNT(*)) OVER () AS total, COUNT(*) AS n FROM emp GROUP BY dept
SELECT dept, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM emp GROUP BY dept
SELECT x.id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY dept ORDER BY salary DESC NULLS LAST, id) AS n FROM emp) x WHERE x.n = 1
SELECT id, SUM(salary) OVER w AS s, COUNT(*) OVER w AS n FROM emp WINDOW w AS (PARTITION BY dept ORDER BY id)
SELECT id, salary - LAG(salary) OVER (ORDER BY id) AS d FROM emp ORDER BY id
SELECT id FROM emp ORDER BY ROW_NUMBER() OVER (ORDER BY salary DESC, id) LIMIT 3
SELECT id, SUM(qty) OVER (ORDER BY day RANGE BETWEEN INTERVAL '2 days' PRECEDING AND CURRENT ROW) AS s FROM sale
SELECT g FROM GENERATE_SERIES(1, 5) AS g
SELECT g.n, e.id FROM GENERATE_SERIES(1, 3) AS g (n) LEFT JOIN emp e ON e.dept = g.n
SELECT g FROM GENERATE_SERIES(5, 1, -2) AS g
SELECT g FROM GENERATE_SERIES(5, 1) AS g
SELECT d.id, g.n FROM dept d, GENERATE_SERIES(1, d.id) AS g (n)
SELECT g FROM GENERATE_SERIES(TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-03', INTERVAL '12 hours') AS g
SELECT u.x FROM UNNEST(ARRAY[3, 1, 2]) AS u (x) ORDER BY u.x
SELECT u.x, u.n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS u (x, n)
SELECT t.id, u.tag FROM tagged t, UNNEST(t.tags) AS u (tag)
SELECT t.id, u.tag FROM tagged t LEFT JOIN UNNEST(t.tags) AS u (tag) ON TRUE
SELECT u.tag, COUNT(*) AS n FROM tagged t CROSS JOIN UNNEST(t.tags) AS u (tag) GROUP BY u.tag ORDER BY n DESC, u.tag
SELECT e.dept AS a, e.dept AS a FROM emp e
SELECT COUNT(*) FROM emp GROUP BY GROUPING SETS (())
SELECT COUNT(*) FROM emp WHERE id > 99 GROUP BY GROUPING SETS ((), ())
SELECT e.id, d.id AS d, s.id AS s FROM emp e FULL JOIN (dept d JOIN sale s ON s.qty > d.id) ON e.dept = d.id AND s.emp = e.id
SELECT e.id, d.id AS d, s.id AS s FROM (emp e JOIN sale s ON s.emp = e.id) FULL JOIN dept d ON e.dept = d.id
SELECT a.id, b.id AS b, c.id AS c FROM dept a FULL JOIN emp b ON b.dept = a.id FULL JOIN sale c ON c.emp = b.id
SELECT d.id, y.qty FROM dept d, LATERAL (SELECT x.qty FROM emp e, LATERAL (SELECT s.qty FROM sale s WHERE s.emp = e.id AND s.qty > d.id ORDER BY s.qty LIMIT 1) x WHERE e.dept = d.id) y
SELECT d.id FROM dept d WHERE EXISTS (SELECT 1 FROM emp e JOIN sale s ON s.emp = e.id AND e.dept = d.id LEFT JOIN emp b ON b.id = e.boss)
SELECT d.id FROM dept d WHERE EXISTS (SELECT 1 FROM (SELECT e.id FROM emp e WHERE e.dept = d.id LIMIT 1) x)
SELECT d.id, (SELECT COUNT(*) FROM emp e WHERE e.dept = d.id HAVING COUNT(*) > 1) AS n FROM dept d
SELECT d.id, (SELECT SUM(e.salary + d.id) FROM emp e WHERE e.dept = d.id) AS n FROM dept d
SELECT d.id FROM dept d WHERE d.id IN (SELECT e.dept FROM emp e WHERE e.salary = (SELECT MAX(x.salary) FROM emp x WHERE x.dept = e.dept))
SELECT d.id FROM dept d WHERE d.id NOT IN (SELECT e.dept + d.id FROM emp e WHERE e.dept IS NOT NULL)
SELECT d.id, (SELECT COUNT(DISTINCT e.salary) FROM emp e WHERE e.dept = d.id) AS n FROM dept d
SELECT e.id, x.n FROM emp e, LATERAL (SELECT COUNT(DISTINCT s.salary) AS n FROM emp s WHERE s.dept = e.dept) x
SELECT e.id, x.n FROM emp e, LATERAL (SELECT COUNT(*) AS n FROM emp s WHERE s.boss = e.id) x
SELECT d.n FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n, COUNT(*) OVER () AS c FROM emp) d WHERE d.n = 2 AND d.id = 2
SELECT g.k, r.k AS r FROM (SELECT dept AS k, COUNT(*) AS n FROM emp GROUP BY dept) g JOIN (SELECT dept AS k FROM emp GROUP BY ROLLUP (dept)) r ON r.k = g.k WHERE g.k = 2 AND g.n > 2
SELECT e.id FROM emp e FULL JOIN dept d ON TRUE WHERE e.id = 1
SELECT e.id FROM emp e LEFT JOIN dept d ON FALSE WHERE 1 = 2
SELECT d.n, SUM(d.n) OVER (ORDER BY d.n) AS s FROM (SELECT ROW_NUMBER() OVER (ORDER BY dept DESC, id) AS n FROM emp) d
SELECT dept, active, name, COUNT(*) FROM emp GROUP BY GROUPING SETS (ROLLUP (dept, active), name), dept
SELECT e.id FROM emp e JOIN dept d ON d.id = e.dept AND e.salary = (SELECT MAX(x.salary) FROM emp x WHERE x.dept = d.id)
SELECT d.id, e.id AS e FROM dept d LEFT JOIN emp e ON e.dept = d.id AND e.id IN (SELECT s.emp FROM sale s)
SELECT x.dept, x.s FROM (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept ORDER BY s LIMIT 3) x WHERE x.s > 3000
SELECT COUNT(*) FROM (SELECT DISTINCT dept, active FROM emp) x
SELECT COUNT(*) FROM (SELECT id FROM emp ORDER BY id LIMIT 4) x
SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM emp GROUP BY dept) x
SELECT e.dept, COUNT(*) FROM emp e WHERE e.dept IN (SELECT d.id FROM dept d) GROUP BY e.dept HAVING SUM(e.salary) > (SELECT AVG(x.salary) FROM emp x)
SELECT DISTINCT e.dept, (SELECT COUNT(*) FROM sale s WHERE s.emp = e.id) AS n FROM emp e
SELECT id FROM emp WHERE dept = 1 UNION ALL SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) ORDER BY 1
SELECT u.id, (SELECT COUNT(*) FROM emp e WHERE e.dept = u.id) AS n FROM (SELECT id FROM dept UNION SELECT 9) u ORDER BY u.id
SELECT COUNT(*), COUNT(*) FROM emp
SELECT MAX(salary) FROM emp WHERE dept = (SELECT MIN(id) FROM dept WHERE city = 'Rome')
SELECT d.city, COUNT(DISTINCT e.name) FROM dept d JOIN emp e ON e.dept = d.id GROUP BY d.city
SELECT CASE WHEN salary > 3000 THEN 'high' WHEN salary > 2000 THEN 'mid' ELSE 'low' END AS band, COUNT(*) FROM emp GROUP BY band
SELECT CASE WHEN salary > 3000 THEN 'high' ELSE 'low' END AS band, AVG(salary) FROM emp GROUP BY 1 ORDER BY 1
SELECT DATE_TRUNC('month', hired) AS m, COUNT(*) FROM emp GROUP BY DATE_TRUNC('month', hired) ORDER BY m
SELECT EXTRACT(YEAR FROM hired) AS y, COUNT(*) AS n FROM emp GROUP BY y HAVING COUNT(*) > 1 ORDER BY y
SELECT STRING_AGG(name, ',' ORDER BY name) FROM emp
SELECT dept, STRING_AGG(name, '-' ORDER BY id DESC) FROM emp GROUP BY dept
SELECT dept, ARRAY_AGG(id ORDER BY id) FROM emp GROUP BY dept
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY salary) FROM emp
SELECT dept, PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY salary) FROM emp GROUP BY dept
SELECT ARRAY(SELECT id FROM dept ORDER BY id) AS a
SELECT MODE() WITHIN GROUP (ORDER BY dept) FROM emp WHERE dept IS NOT NULL AND dept <> 2
SELECT id, SUM(salary) OVER (ORDER BY dept GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY dept GROUPS 1 PRECEDING) AS s FROM emp
SELECT id, SUM(salary) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS s FROM emp
SELECT id, SUM(salary) OVER (ORDER BY dept DESC RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM emp
SELECT id, SUM(qty) OVER (ORDER BY day DESC RANGE BETWEEN INTERVAL '2 days' PRECEDING AND CURRENT ROW) AS s FROM sale
SELECT id, SUM(qty) OVER (ORDER BY day RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW) AS s FROM sale
SELECT id, LAG(salary, dept) OVER (ORDER BY id) FROM emp
SELECT id, LAG(salary, dept, -1) OVER (ORDER BY id), LEAD(name, dept) OVER (PARTITION BY active ORDER BY id) FROM emp
SELECT id, NTH_VALUE(salary, dept) OVER (ORDER BY id) FROM emp
SELECT id, STRING_AGG(name, ',') OVER (ORDER BY id ROWS 2 PRECEDING) AS a FROM emp
SELECT COUNT(DISTINCT (dept, active)), COUNT((dept, active)) FROM emp
SELECT PERCENTILE_CONT(ARRAY[0.25,0.5]) WITHIN GROUP (ORDER BY salary) FROM emp
SELECT PERCENTILE_DISC(ARRAY[0.25,0.5,1]) WITHIN GROUP (ORDER BY salary DESC) FROM emp
SELECT PERCENTILE_DISC(ARRAY[0.25,0.5,1]) WITHIN GROUP (ORDER BY salary DESC) FROM emp WHERE FALSE
SELECT id, SUM(qty) OVER (ORDER BY day RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW) AS s FROM sale
SELECT id, COUNT(*) OVER (ORDER BY hired RANGE BETWEEN INTERVAL '14 months' PRECEDING AND INTERVAL '1 year' FOLLOWING) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY hired RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 year' FOLLOWING) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY hired RANGE BETWEEN INTERVAL '1 year' PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY hired NULLS FIRST RANGE BETWEEN INTERVAL '1 year' PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY hired NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 year' FOLLOWING) AS s FROM emp
SELECT id, COUNT(*) OVER (ORDER BY hired DESC RANGE BETWEEN INTERVAL '400 days' PRECEDING AND UNBOUNDED FOLLOWING) AS s FROM emp
SELECT id, COUNT(*) OVER (PARTITION BY active ORDER BY hired DESC RANGE BETWEEN INTERVAL '400 days' PRECEDING AND INTERVAL '3 hours' FOLLOWING) AS s FROM emp
SELECT dept, COUNT(*) AS n, SUM(COUNT(*)) OVER (ORDER BY dept GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS s, SUM(SUM(salary)) OVER (ORDER BY COUNT(*) RANGE 1 PRECEDING) AS r FROM emp GROUP BY dept
SELECT id, ROW_NUMBER() OVER (ORDER BY salary, id) a, RANK() OVER (PARTITION BY dept ORDER BY hired) b, SUM(id) OVER (ORDER BY dept DESC GROUPS 1 PRECEDING) c, DENSE_RANK() OVER (ORDER BY dept DESC) d, SUM(id) OVER (ORDER BY dept DESC RANGE 1 PRECEDING EXCLUDE TIES) e FROM emp
SELECT id, SUM(id) OVER (w GROUPS 1 PRECEDING), SUM(id) OVER (w RANGE 1 PRECEDING), AVG(id) OVER w FROM emp WINDOW w AS (PARTITION BY active ORDER BY dept)
SELECT id, SUM(id) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW), COUNT(*) OVER (PARTITION BY dept ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP), COUNT(*) OVER (PARTITION BY dept RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM emp
SELECT x.id FROM (SELECT id, AVG(salary) OVER (PARTITION BY dept ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) AS a, salary FROM emp) x WHERE x.salary > x.a
SELECT id, CUME_DIST() OVER (PARTITION BY dept ORDER BY salary DESC), PERCENT_RANK() OVER (ORDER BY active, dept) FROM emp
SELECT e.id, d.title, COUNT(*) OVER (PARTITION BY d.city ORDER BY e.salary GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp e LEFT JOIN dept d ON d.id = e.dept
SELECT id, MODE() WITHIN GROUP (ORDER BY dept) FROM emp GROUP BY id
SELECT id, LAG(id, -1) OVER (ORDER BY id), LEAD(id, 0) OVER (ORDER BY id), LAG(id, NULL) OVER (ORDER BY id) FROM emp
SELECT id, NTILE(3) OVER (ORDER BY id DESC), NTH_VALUE(id, 3) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW) FROM emp
SELECT id & 3, id | 4, ~id, id << 2, id >> 1 FROM emp
SELECT id FROM emp WHERE (dept, active) IS DISTINCT FROM (1, TRUE)
SELECT id FROM emp WHERE (hired, INTERVAL '400 days') OVERLAPS (TIMESTAMPTZ '2021-01-01', TIMESTAMPTZ '2022-01-01')
SELECT id, (hired, hired + INTERVAL '1 year') OVERLAPS (TIMESTAMPTZ '2020-06-01', INTERVAL '1 month') FROM emp
SELECT e.id, s.id, (e.hired, s.day) OVERLAPS (s.day, e.hired), (e.hired, NULL) OVERLAPS (TIMESTAMPTZ '2020-06-01', s.day) FROM emp e CROSS JOIN sale s
SELECT (DATE '2024-01-01', DATE '2024-01-05') OVERLAPS (DATE '2024-01-05', DATE '2024-01-09'), (DATE '2024-01-05', DATE '2024-01-01') OVERLAPS (DATE '2024-01-03', DATE '2024-01-03'), (DATE '2024-01-03', DATE '2024-01-03') OVERLAPS (DATE '2024-01-03', DATE '2024-01-03')
SELECT id FROM emp WHERE name LIKE ANY (ARRAY['A%', 'B%'])
SELECT id FROM emp WHERE name NOT LIKE ALL (ARRAY['A%', 'B%'])
SELECT id, name NOT LIKE ANY (ARRAY['A%', NULL]) FROM emp
SELECT id, name LIKE ALL (ARRAY['A%', '%n']), name !~ ANY (ARRAY['^A', '^B']) FROM emp
SELECT id FROM emp WHERE name ILIKE ANY (ARRAY['a%', 'b%'])
SELECT id FROM emp WHERE name ~ ANY (ARRAY['^A', 'b$'])
SELECT id FROM emp WHERE name !~* ALL (ARRAY['^a', 'B$'])
SELECT id FROM emp e WHERE name LIKE ANY (SELECT LEFT(x.name, 1) || '%' FROM emp x WHERE x.id < e.id)
SELECT id, name NOT LIKE ANY (SELECT LEFT(x.name, 1) || '%' FROM emp x) FROM emp e
SELECT id, 'a' LIKE ANY (tags), 'b' NOT LIKE ALL (tags) FROM tagged
SELECT id FROM emp ORDER BY name COLLATE "C", id
SELECT id, name COLLATE "C" < 'B' FROM emp
SELECT MAX(name COLLATE "POSIX") FROM emp WHERE name COLLATE "C" > 'A' COLLATE "C"
SELECT '{"a":1}' IS JSON, '[1]' IS JSON ARRAY, '1' IS JSON SCALAR, '{}' IS JSON OBJECT, 'x' IS NOT JSON, '{"a":1,"a":2}' IS JSON WITH UNIQUE KEYS, '{"a":1}' IS JSON WITH UNIQUE, NULL IS JSON, '[1' IS JSON VALUE, 'NaN' IS JSON
SELECT id FROM emp WHERE dept BETWEEN SYMMETRIC 3 AND 1
SELECT id, tags || 'z'::text FROM tagged
SELECT id, 'z'::text || tags FROM tagged
SELECT id FROM tagged WHERE tags && ARRAY['a','c']
SELECT id, NOT tags && ARRAY['a','c'] FROM tagged
SELECT '{"a":1,"b":2}'::jsonb ? 'a', '{"a":1}'::jsonb ?| ARRAY['a','c'], '{"a":1}'::jsonb ?& ARRAY['a','c'], '["a"]'::jsonb ? 'a', '[1]'::jsonb ? '1', '{"a":null}'::jsonb ? 'a'
SELECT id, JSONB_BUILD_OBJECT('a', id, name, 1) ? 'Ann', JSONB_BUILD_OBJECT('a', id) ?| ARRAY['b', name], JSONB_BUILD_ARRAY(name, id) ?& ARRAY['Ann'] FROM emp WHERE name IS NOT NULL
SELECT ('{"a":1,"b":2}'::jsonb - 'a')
SELECT id, JSONB_BUILD_OBJECT('a', id, 'b', 1) - 'a' FROM emp
SELECT id, ROW(dept, name) IS NULL, ROW(dept, name) IS NOT NULL, NOT ROW(dept, name) IS NULL FROM emp
SELECT 2 + 3 << 1, 1 << 2 + 1, 5 & 3 | 8, ~1 + 2, ~ ~ 7, 1 | ~2 + 3, 6 & ~2 + 1, -3 >> 1, 2 * 3 & 5, 7 & 3 << 1
SELECT id, id & 3 = 1, id | 1 > 3, NOT id & 1 = 1, (id & dept) IS NULL FROM emp
SELECT id FROM emp WHERE id & 1 = 1 AND dept | 2 = 3
SELECT id, dept & id, -dept | id, ~dept, dept << id, -id >> 1 FROM emp
SELECT BIT_AND(id | 8), BIT_OR(id & 6) FROM emp
SELECT id, dept & NULL, NULL | id FROM emp
SELECT id, (name || 'x') COLLATE "C" = 'Annx', hired AT TIME ZONE 'UTC' FROM emp
SELECT id FROM emp WHERE NOT (name ILIKE ANY (ARRAY['a%', NULL]))
SELECT (1, 2) IN (SELECT id, dept FROM emp), (1, NULL) IN (SELECT id, dept FROM emp), (1, 1) NOT IN (SELECT id, dept FROM emp)
SELECT id, 'a' = ANY(tags), 'a' <> ALL(tags), 'z' < ANY(tags), 'a' <= ALL(tags) FROM tagged
SELECT id, tags[1:1], tags[2:], tags[:1], tags[1:2] = ARRAY['a', 'b'], CARDINALITY(tags[5:9]) FROM tagged
SELECT id, (dept, salary) IS NOT DISTINCT FROM (3, NULL), (dept, name) < (2, 'C'), (dept, name) >= (2, 'C') FROM emp
SELECT dept, active, COUNT(*) FROM emp GROUP BY (dept, active)
SELECT dept, active, GROUPING(dept, active), SUM(salary) FILTER (WHERE id > 2) FROM emp GROUP BY GROUPING SETS ((dept, active), (dept), ())
SELECT GROUPING(dept) + 1 AS g, COUNT(*) FROM emp GROUP BY ROLLUP (dept) ORDER BY GROUPING(dept), COUNT(*), dept
SELECT dept, RANK() OVER (PARTITION BY GROUPING(dept) ORDER BY COUNT(*)) FROM emp GROUP BY ROLLUP (dept)
SELECT COUNT(DISTINCT (dept, active)) FILTER (WHERE id > 3), COUNT(DISTINCT ROW(dept)) FROM emp
SELECT MAX(COUNT(*)) OVER (), SUM(SUM(salary)) OVER (ORDER BY dept ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM emp GROUP BY dept
SELECT id FROM emp WHERE (SELECT COUNT(*) OVER () FROM dept d LIMIT 1) > 3
SELECT id, (SELECT SUM(x.salary) FILTER (WHERE x.active) FROM emp x WHERE x.dept = e.dept) FROM emp e
SELECT id FROM emp ORDER BY SUM(salary) OVER (ORDER BY dept GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) DESC, id
SELECT DISTINCT DENSE_RANK() OVER (ORDER BY dept) AS r FROM emp
SELECT id, COUNT(*) OVER (PARTITION BY dept, active ORDER BY hired DESC NULLS LAST RANGE BETWEEN INTERVAL '1 day' PRECEDING AND INTERVAL '2 days' FOLLOWING) FROM emp
SELECT id, SUM(salary) OVER (PARTITION BY (SELECT MAX(d.id) FROM dept d WHERE d.id = e.dept) ORDER BY id ROWS 1 PRECEDING) FROM emp e
SELECT x.id, SUM(x.r) OVER (ORDER BY x.r GROUPS 1 PRECEDING) FROM (SELECT id, RANK() OVER (ORDER BY salary) AS r FROM emp) x
SELECT id, SUM(dept) OVER (ORDER BY salary RANGE BETWEEN 500 PRECEDING AND 500 FOLLOWING EXCLUDE GROUP), SUM(dept) OVER (ORDER BY salary RANGE BETWEEN 500.5 PRECEDING AND CURRENT ROW) FROM emp
SELECT id, SUM(id) OVER (ORDER BY dept RANGE BETWEEN 0 PRECEDING AND 0 FOLLOWING), SUM(id) OVER (ORDER BY dept GROUPS BETWEEN 0 PRECEDING AND 0 FOLLOWING) FROM emp
SELECT id, SUM(id) OVER (ORDER BY dept + 1 DESC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING), COUNT(*) OVER (ORDER BY -dept RANGE BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) FROM emp
SELECT id, FIRST_VALUE(id) OVER (ORDER BY dept DESC, id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW), LAST_VALUE(id) OVER (PARTITION BY active ORDER BY id DESC RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING) FROM emp
SELECT id, ARRAY_AGG(id) FILTER (WHERE active) OVER (ORDER BY id ROWS 2 PRECEDING), COUNT(name) FILTER (WHERE active) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM emp
SELECT d.id, (SELECT SUM(e.salary) OVER (ORDER BY e.id ROWS 1 PRECEDING) FROM emp e WHERE e.dept = d.id ORDER BY e.id DESC LIMIT 1) AS s FROM dept d
SELECT id, AVG(salary) OVER (PARTITION BY dept ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW), AVG(salary) OVER (ORDER BY id ROWS 2 PRECEDING EXCLUDE CURRENT ROW), MAX(name) OVER (PARTITION BY active RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM emp
SELECT id, AVG(salary) FILTER (WHERE active) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW), ARRAY_AGG(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW), COUNT(name) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING EXCLUDE CURRENT ROW) FROM emp
SELECT id, RANK() OVER () AS r, DENSE_RANK() OVER () AS n, PERCENT_RANK() OVER () AS p, CUME_DIST() OVER () AS c FROM emp
SELECT id, RANK() OVER (ORDER BY 1) AS r, DENSE_RANK() OVER (PARTITION BY dept ORDER BY NULL) AS n, SUM(id) OVER (ORDER BY 'x') AS s FROM emp
SELECT dept, 1 AS one FROM emp ORDER BY 2 FETCH FIRST 2 ROWS WITH TIES
SELECT id, SUM(id) OVER (ORDER BY 1 GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS a, COUNT(*) OVER (ORDER BY NULL GROUPS 1 PRECEDING) AS b, MIN(id) OVER (ORDER BY 1 GROUPS CURRENT ROW EXCLUDE CURRENT ROW) AS c FROM emp
SELECT a.id, b.id AS other FROM tagged a JOIN tagged b ON a.tags = b.tags
SELECT a.id, b.id AS other FROM tagged a FULL JOIN tagged b ON a.tags = b.tags
SELECT a.id FROM tagged a WHERE EXISTS (SELECT 1 FROM tagged b WHERE a.tags = b.tags AND b.id >= a.id)
SELECT id, COUNT(id) OVER (ORDER BY dept RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING) AS a, SUM(id) OVER (ORDER BY salary DESC RANGE BETWEEN 500 FOLLOWING AND 2000 FOLLOWING) AS b, COUNT(*) OVER (ORDER BY hired NULLS FIRST RANGE BETWEEN INTERVAL '900 days' PRECEDING AND INTERVAL '1 day' PRECEDING) AS c FROM emp
SELECT e.id, d.id AS d FROM emp e CROSS JOIN dept d ORDER BY e.name DESC, e.dept DESC, e.salary DESC, e.boss DESC, e.hired DESC, e.active DESC, d.title DESC, d.city DESC, e.dept + 1, e.boss - 1, e.salary + d.id, d.title || 'x', e.id + e.dept, e.id + e.boss, d.id + e.boss, e.salary - 1, e.id, d.id
SELECT e.id, d.id AS d, ROW_NUMBER() OVER (PARTITION BY e.active ORDER BY e.name DESC, e.dept DESC, e.salary DESC, e.boss DESC, e.hired DESC, e.active DESC, d.title DESC, d.city DESC, e.dept + 1, e.boss - 1, e.salary + d.id, d.title || 'x', e.id + e.dept, e.id + e.boss, d.id + e.boss, e.salary - 1, e.id, d.id) AS n FROM emp e CROSS JOIN dept d
"""


NEED_CATALOG = frozenset({
    "SELECT id, name, qty FROM emp JOIN sale USING (id)", "SELECT id, tags || 'z'::text FROM tagged",
    "SELECT id, 'z'::text || tags FROM tagged",
    "SELECT a.id, b.id AS other FROM tagged a JOIN tagged b ON a.tags = b.tags",
    "SELECT a.id, b.id AS other FROM tagged a FULL JOIN tagged b ON a.tags = b.tags",
    "SELECT a.id FROM tagged a WHERE EXISTS (SELECT 1 FROM tagged b WHERE a.tags = b.tags AND b.id >= a.id)",
})
"""Queries with a field of a joined table and no table's name in front, of which only a catalog tells whose it is, or
with a field of which only a catalog tells that it is an array."""


def queries() -> Iterator[str]:
    """Every query once."""
    seen: dict[str, None] = {}
    for text in (*WRITTEN.strip().splitlines(), *FROM_QUERIES.strip().splitlines(), *JOIN_QUERIES.strip().splitlines()):
        seen[text] = None
    seen |= dict.fromkeys((*QUERIES, *NAN_QUERIES))
    for position, predicate in product(POSITIONS, PREDICATES):
        seen[position.format(p=predicate)] = None
    for position, predicate in product(WITHOUT_SUBQUERY, (p for p in PREDICATES if "SELECT" not in p)):
        seen[position.format(p=predicate)] = None
    for kind, condition, where in product(KINDS, CONDITIONS, WHERES):
        if kind == "FULL JOIN" and (" OR " in condition or "<" in condition):
            continue  # PostgreSQL can't
        seen[f"SELECT e.id, d.id AS d FROM emp e {kind} dept d ON {condition}{where}"] = None
    for grouping, aggregate in product(GROUPINGS, AGGREGATES):
        seen[grouping.format(a=aggregate)] = None
    seen |= dict.fromkeys(_inside())
    seen |= dict.fromkeys(_windows())
    yield from seen


def _inside() -> Iterator[str]:
    """Aggregates with DISTINCT, ORDER BY and FILTER inside, in all combinations that mean one thing."""
    present = " WHERE dept IS NOT NULL AND name IS NOT NULL AND active IS NOT NULL"
    for (name, column), distinct, order, only in product(
        INSIDE.items(), ("", "DISTINCT "), ("", "{}", "{} DESC", "salary DESC, id"), ("", " FILTER (WHERE id > 2)")
    ):
        if (distinct and "id" in order) or (name.endswith("AGG") and not order and not distinct):
            continue  # PostgreSQL can't, or no order is given
        key = f" ORDER BY {order.format(column)}" if order else ""
        call = f"{name}({distinct}{column}{', $$-$$' if name == 'STRING_AGG' else ''}{key}){only}"
        yield f"SELECT {call} AS v FROM emp{present}".replace("$$", "'")
        yield f"SELECT active, {call} AS v FROM emp{present} GROUP BY active".replace("$$", "'")
    for call, order, only in product(ORDERED_SETS, ("salary", "salary DESC"), ("", " FILTER (WHERE id > 2)")):
        yield f"SELECT {call} WITHIN GROUP (ORDER BY {order}){only} AS v FROM emp"
        yield f"SELECT active, {call} WITHIN GROUP (ORDER BY {order}){only} AS v FROM emp GROUP BY active"


def _windows() -> Iterator[str]:
    """Calls over every kind of window."""
    for call, window in product(WINDOW_CALLS, WINDOWS):
        yield _over(call, window)
    for call, window in product(("RANK()", "DENSE_RANK()", "CUME_DIST()", "SUM(e.salary)", "COUNT(*)", "MAX(e.salary)"), PEERS):
        yield _over(call, window)
    for call, frame in product((c for c in WINDOW_CALLS if not c.startswith(FRAMELESS) and "VALUE" not in c), FRAMES):
        yield _over(call, frame)
    for call, order, frame in product(("SUM(e.salary)", "COUNT(*)"), RANGED_BY, RANGES):
        yield _over(call, f"{order} {frame}")
    for order, frame, excluded in product(RANGED_BY, RANGES, EXCLUDED):
        yield _over("SUM(e.id)", f"{order} {frame} {excluded}")
    for call, excluded in product(EXCLUDING, ("", *EXCLUDED)):
        yield _over(call, f"PARTITION BY e.active ORDER BY e.id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING {excluded}")


def _over(call: str, window: str) -> str:
    return f"SELECT e.id, {call} OVER ({window}) AS w FROM emp e"
