"""Queries with WITH and WITH RECURSIVE that PostgreSQL and sqlbulk must answer alike."""

from __future__ import annotations

PLAIN = """
WITH t AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT a.dept, b.n FROM t a JOIN t b ON a.dept = b.dept
WITH t AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT a.dept, b.dept FROM t a LEFT JOIN t b ON a.n = b.n AND a.dept <> b.dept
WITH t AS (SELECT dept, AVG(salary) AS a FROM emp GROUP BY dept) SELECT e.id, (SELECT a FROM t WHERE t.dept = e.dept) AS a FROM emp e WHERE e.salary > (SELECT MIN(a) FROM t)
WITH t AS (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept) SELECT dept FROM t WHERE s = (SELECT MAX(s) FROM t)
WITH t AS (SELECT id, salary FROM emp ORDER BY salary DESC NULLS LAST, id LIMIT 3) SELECT e.id, t.id AS t FROM emp e LEFT JOIN t ON t.id = e.id WHERE e.id NOT IN (SELECT id FROM t) OR e.id = 1
WITH t AS (SELECT id, RANK() OVER (PARTITION BY dept ORDER BY salary DESC) AS r FROM emp) SELECT a.id, b.id FROM t a JOIN t b ON a.r = b.r AND a.id < b.id
WITH t AS (SELECT DISTINCT dept FROM emp) SELECT COUNT(*) FROM t a, t b
WITH t AS (SELECT e.id, d.title FROM emp e JOIN dept d ON d.id = e.dept) SELECT a.id FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE b.title = a.title AND b.id <> a.id)
WITH t AS (SELECT id FROM emp UNION SELECT id FROM dept) SELECT a.id, b.id FROM t a JOIN t b ON b.id = a.id + 1
WITH t AS (SELECT id FROM emp UNION ALL SELECT id FROM dept) SELECT id, COUNT(*) FROM t WHERE id IN (SELECT id FROM t WHERE id < 3) GROUP BY id
WITH t AS MATERIALIZED (SELECT id, dept FROM emp) SELECT dept, COUNT(*) FROM t GROUP BY dept
WITH t AS NOT MATERIALIZED (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT a.n, b.n FROM t a JOIN t b ON a.dept = b.dept
WITH t AS MATERIALIZED (SELECT dept, MAX(salary) AS m FROM emp GROUP BY dept) SELECT e.id FROM emp e JOIN t ON t.dept = e.dept AND t.m = e.salary
WITH a AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept), b AS (SELECT n, COUNT(*) AS m FROM a GROUP BY n) SELECT a.dept, b.m FROM a JOIN b ON a.n = b.n WHERE b.m = (SELECT MAX(m) FROM b)
WITH a AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept), b AS (SELECT * FROM a WHERE n > 1) SELECT x.dept, y.dept FROM b x, b y
WITH emp AS (SELECT id, title AS name FROM dept) SELECT e.id, e.name FROM emp e WHERE e.id > 1
WITH dept AS (SELECT id + 1 AS id, title FROM dept) SELECT e.id, d.title FROM emp e JOIN dept d ON d.id = e.dept
WITH t (a, b) AS (SELECT dept, COUNT(*) FROM emp GROUP BY dept) SELECT x.a, y.b FROM t x JOIN t y USING (a)
WITH t (a) AS (SELECT dept, salary FROM emp) SELECT a, SUM(salary) FROM t GROUP BY a
WITH t AS (VALUES (1, 'x'), (2, 'y'), (2, 'z')) SELECT a.column2, b.column2 FROM t a JOIN t b ON a.column1 = b.column1
WITH t AS (WITH u AS (SELECT dept FROM emp WHERE salary > 2000) SELECT dept, COUNT(*) AS n FROM u GROUP BY dept) SELECT * FROM t
WITH t AS (SELECT 1 AS a), u AS (WITH t AS (SELECT 2 AS a) SELECT a FROM t) SELECT t.a, u.a FROM t, u
SELECT * FROM (WITH t AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT a.dept, b.n FROM t a JOIN t b ON a.dept = b.dept) x WHERE x.n > 1
SELECT d.id, (WITH t AS (SELECT salary FROM emp e WHERE e.dept = d.id) SELECT MAX(salary) FROM t) AS m FROM dept d
SELECT e.id FROM emp e WHERE e.dept IN (WITH t AS (SELECT id FROM dept WHERE city = 'Rome') SELECT id FROM t)
WITH t AS (SELECT id FROM emp), unused AS (SELECT dept, COUNT(*) FROM emp GROUP BY dept) SELECT COUNT(*) FROM t
WITH t AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT dept, n FROM t UNION ALL SELECT NULL, SUM(n) FROM t ORDER BY n, dept
WITH t AS (SELECT boss, ARRAY_AGG(id ORDER BY id) AS ids FROM emp WHERE boss IS NOT NULL GROUP BY boss) SELECT a.boss, a.ids FROM t a JOIN t b ON a.boss = b.boss
WITH t AS (SELECT id, RANDOM() AS r FROM emp) SELECT COUNT(*) FROM t a JOIN t b ON a.id = b.id AND a.r = b.r
WITH t AS (SELECT RANDOM() AS r) SELECT COUNT(DISTINCT t.r) FROM emp e, t
WITH t AS (SELECT id, RANDOM() AS r FROM emp) SELECT (SELECT MAX(r) FROM t) = (SELECT MAX(r) FROM t) AS same
WITH t AS (SELECT dept AS "x.y", COUNT(*) AS "$n" FROM emp GROUP BY dept) SELECT a."x.y", b."$n" FROM t a JOIN t b ON a."x.y" = b."x.y"
WITH t AS (SELECT id, name, salary FROM emp WHERE active), u AS (SELECT MAX(salary) AS m, MIN(salary) AS l FROM t) SELECT t.name, t.salary / u.m AS f FROM t, u WHERE t.salary >= u.l
WITH t AS (SELECT day, SUM(qty) AS q FROM sale GROUP BY day) SELECT a.day, SUM(b.q) AS total FROM t a JOIN t b ON b.day <= a.day GROUP BY a.day ORDER BY a.day
"""

NESTED = """
WITH a AS (SELECT id, boss FROM emp), b AS (SELECT x.id, y.boss FROM a x JOIN a y ON x.boss = y.id), c AS (SELECT DISTINCT id FROM b UNION SELECT id FROM a), d AS (SELECT x.id FROM c x JOIN b y ON x.id = y.id) SELECT (SELECT COUNT(*) FROM d) AS n, c.id FROM c WHERE EXISTS (SELECT 1 FROM d WHERE d.id = c.id) OR c.id IN (SELECT a.id FROM a WHERE a.boss IS NULL)
WITH a AS (SELECT dept FROM emp), b AS (SELECT dept FROM a UNION ALL SELECT dept FROM a), c AS (SELECT dept FROM b UNION ALL SELECT dept FROM b), d AS (SELECT dept FROM c UNION ALL SELECT dept FROM c), e AS (SELECT dept FROM d UNION ALL SELECT dept FROM d) SELECT dept, COUNT(*) FROM e GROUP BY dept
WITH a AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept), b AS (SELECT x.dept, y.n FROM a x JOIN a y ON x.dept = y.dept), c AS (SELECT x.dept, y.n FROM b x JOIN b y ON x.dept = y.dept), d AS (SELECT x.dept, y.n + 1 AS n FROM c x LEFT JOIN c y ON x.n = y.n - 1) SELECT d.dept, d.n, a.n AS m FROM d LEFT JOIN a ON a.dept = d.dept
WITH a AS (SELECT e.id, e.dept, d.title FROM emp e LEFT JOIN dept d ON d.id = e.dept), b AS (SELECT a.* FROM a WHERE a.title IS NOT NULL) SELECT x.id, y.id AS y FROM b x JOIN b y ON x.title = y.title WHERE x.id IN (SELECT id FROM a WHERE dept = 1) AND y.id NOT IN (SELECT id FROM b WHERE id = 2)
WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3), t (n) AS (SELECT x.n FROM a x JOIN a y ON x.n = y.n UNION ALL SELECT n + 10 FROM t WHERE n < 20) SELECT t.n, a.n AS m FROM t LEFT JOIN a ON a.n = t.n - 10
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE boss IS NULL UNION SELECT e.id, e.boss FROM emp e JOIN t ON e.boss = t.id), u AS (SELECT x.id, y.id AS y FROM t x JOIN t y ON x.boss = y.boss) SELECT u.id, u.y, (SELECT COUNT(*) FROM t) AS n FROM u JOIN t ON t.id = u.y
"""

RECURSIVE = """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t
WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT SUM(n) FROM t
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t LIMIT 7
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n * 2 FROM t) SELECT n FROM t LIMIT 3 OFFSET 4
WITH RECURSIVE t (n) AS (VALUES (1), (10) UNION ALL SELECT n + 1 FROM t WHERE n % 10 < 4) SELECT n FROM t
WITH RECURSIVE t (n) AS (SELECT 1 UNION SELECT (n * 3) % 11 FROM t) SELECT n FROM t ORDER BY n
WITH RECURSIVE t (n, s) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, s || 'b' FROM t WHERE n < 4) SELECT n, s FROM t
WITH RECURSIVE t (n) AS (SELECT NULL::INT UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t
WITH RECURSIVE fib (a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib WHERE b < 100) SELECT a FROM fib
WITH RECURSIVE t (d) AS (SELECT TIMESTAMPTZ '2024-02-27' UNION ALL SELECT d + INTERVAL '1 day' FROM t WHERE d < TIMESTAMPTZ '2024-03-02') SELECT d FROM t
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT a.n, b.n FROM t a JOIN t b ON b.n = a.n * 2
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT t.n, e.name FROM t LEFT JOIN emp e ON e.id = t.n AND e.active
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT n, (SELECT COUNT(*) FROM emp e WHERE e.dept = t.n) AS c FROM t
WITH RECURSIVE t AS (SELECT id, qty FROM sale UNION ALL SELECT id, qty - 1 FROM t WHERE qty > 1) SELECT id, COUNT(*) FROM t GROUP BY id
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.boss FROM emp e JOIN t ON e.boss = t.id) SELECT id, boss FROM t
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.boss FROM t JOIN emp e ON e.boss = t.id) SELECT id, boss FROM t
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.boss FROM emp e, t WHERE e.boss = t.id AND e.active) SELECT id, boss FROM t
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE id = 6 UNION ALL SELECT e.id, e.boss FROM emp e JOIN t ON e.id = t.boss) SELECT id FROM t
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE id = 6 UNION SELECT e.id, e.boss FROM emp e JOIN t ON e.id = t.boss) SELECT id FROM t
WITH RECURSIVE t AS (SELECT id, 1 AS depth FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, t.depth + 1 FROM emp e JOIN t ON e.boss = t.id) SELECT id, depth FROM t
WITH RECURSIVE t AS (SELECT id, 0 AS depth FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, depth + 1 FROM emp e JOIN t ON e.boss = t.id WHERE depth < 1) SELECT id, depth FROM t
WITH RECURSIVE t AS (SELECT id, name AS path FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, t.path || '/' || COALESCE(e.name, '?') FROM emp e JOIN t ON e.boss = t.id) SELECT id, path FROM t ORDER BY path, id
WITH RECURSIVE t AS (SELECT id, ARRAY[id] AS way FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, ARRAY_APPEND(t.way, e.id) FROM emp e JOIN t ON e.boss = t.id) SELECT id, way FROM t
WITH RECURSIVE t AS (SELECT id AS root, id FROM emp UNION ALL SELECT t.root, e.id FROM emp e JOIN t ON e.boss = t.id) SELECT root, COUNT(*) - 1 AS n FROM t GROUP BY root
WITH RECURSIVE t AS (SELECT id AS root, id FROM emp UNION SELECT t.root, e.id FROM emp e JOIN t ON e.boss = t.id) SELECT root, COUNT(*) - 1 AS n FROM t GROUP BY root
WITH RECURSIVE t AS (SELECT id, salary AS total FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, t.total + COALESCE(e.salary, 0) FROM emp e JOIN t ON e.boss = t.id) SELECT id, total FROM t
WITH RECURSIVE g (a, b) AS (VALUES (1, 2), (2, 3), (3, 1), (3, 4)), t AS (SELECT 1 AS n UNION SELECT g.b FROM g JOIN t ON g.a = t.n) SELECT n FROM t
WITH RECURSIVE g (a, b) AS (VALUES (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)), t AS (SELECT 1 AS n UNION ALL SELECT g.b FROM g JOIN t ON g.a = t.n) SELECT n FROM t
WITH RECURSIVE g (a, b) AS (VALUES (1, 2), (2, 1), (2, 3)), t AS (SELECT 1 AS n, ARRAY[1] AS way UNION ALL SELECT g.b, ARRAY_APPEND(t.way, g.b) FROM g JOIN t ON g.a = t.n WHERE NOT g.b = ANY (t.way)) SELECT n, way FROM t
WITH RECURSIVE t AS (SELECT dept AS x FROM emp UNION SELECT x + 1 FROM t WHERE x < 12) SELECT x FROM t
WITH RECURSIVE t AS (SELECT id, dept FROM emp WHERE id = 1 UNION SELECT e.id, e.dept FROM emp e JOIN t ON e.dept = t.dept) SELECT * FROM t
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id) SELECT e.id FROM emp e WHERE e.id IN (SELECT id FROM t)
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id) SELECT e.id FROM emp e WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.id = e.id)
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id) SELECT e.id, d.title FROM t JOIN emp e ON e.id = t.id LEFT JOIN dept d ON d.id = e.dept
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id), u AS (SELECT 10 AS n UNION ALL SELECT n + 1 FROM u WHERE n < 12) SELECT t.id, u.n FROM t, u
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id), u AS (SELECT id FROM t UNION ALL SELECT id + 100 FROM u WHERE id < 150) SELECT id FROM u
WITH RECURSIVE late (x) AS (SELECT n FROM t), t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT x FROM late
WITH RECURSIVE t AS (SELECT id FROM emp) SELECT COUNT(*) FROM t
WITH RECURSIVE t AS (SELECT id, boss FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.boss FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept) AND e.boss IN (SELECT 1) UNION ALL SELECT 100, 100) SELECT * FROM t
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 1 UNION ALL SELECT e.id FROM emp e JOIN t ON e.boss = t.id LEFT JOIN dept d ON d.id = e.dept WHERE d.city IS NULL) SELECT id FROM t
WITH RECURSIVE t AS (SELECT id, 0 AS d FROM emp WHERE id = 1 UNION ALL SELECT s.id, s.d FROM (SELECT e.id, t.d + 1 AS d FROM emp e JOIN t ON e.boss = t.id) s) SELECT id, d FROM t
WITH RECURSIVE t AS (SELECT id, 0 AS d FROM emp WHERE id = 1 UNION ALL SELECT DISTINCT e.id, t.d + 1 FROM emp e JOIN t ON e.boss = t.id) SELECT id, d FROM t
WITH RECURSIVE t AS (SELECT id, 1::BIGINT AS n FROM emp WHERE id = 1 UNION ALL SELECT e.id, ROW_NUMBER() OVER (ORDER BY e.id) FROM emp e JOIN t ON e.boss = t.id) SELECT id, n FROM t
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 1 UNION ALL SELECT e.id FROM t LEFT JOIN emp e ON e.boss = t.id WHERE t.id IS NOT NULL) SELECT id FROM t
WITH RECURSIVE t AS (SELECT id FROM emp WHERE id = 2 UNION ALL (SELECT e.id FROM emp e JOIN t ON e.boss = t.id EXCEPT SELECT 5)) SELECT id FROM t
WITH RECURSIVE t AS (SELECT id, salary FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.salary FROM emp e JOIN t ON e.boss = t.id WHERE e.salary < (SELECT MAX(x.salary) FROM emp x)) SELECT COUNT(*), SUM(salary) FROM t
WITH RECURSIVE big AS (SELECT boss, COUNT(*) AS n FROM emp GROUP BY boss), t AS (SELECT id, 0::BIGINT AS n FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, b.n FROM emp e JOIN t ON e.boss = t.id JOIN big b ON b.boss = e.boss) SELECT id, n FROM t
SELECT d.id, (WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT SUM(n) FROM t) AS s FROM dept d
SELECT x.n FROM (WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT n FROM t) x WHERE x.n > 2
WITH RECURSIVE t (id, boss, name) AS (SELECT id, boss, name FROM emp WHERE name = 'Cid' UNION ALL SELECT e.id, e.boss, e.name FROM emp e, t WHERE e.id = t.boss) SELECT t.name, d.title FROM t LEFT JOIN emp e ON e.id = t.id LEFT JOIN dept d ON d.id = e.dept ORDER BY t.id
WITH RECURSIVE t AS MATERIALIZED (SELECT id FROM emp WHERE id = 3 UNION SELECT e.id FROM emp e JOIN t ON e.boss = t.id) SELECT id FROM t
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3), u AS (SELECT n FROM t UNION ALL SELECT n + 10 FROM t) SELECT n FROM u WHERE n NOT IN (SELECT n FROM t)
"""

QUERIES = tuple(line for part in (PLAIN, NESTED, RECURSIVE) for line in part.strip().splitlines())
