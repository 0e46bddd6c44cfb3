"""Joins with groups and distinct rows, on either side and by all or some of their keys, for `select_queries`."""

JOIN_QUERIES = r"""
SELECT e.id, g.n FROM emp e JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id
SELECT e.id, g.n FROM emp e LEFT JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id
SELECT e.id, g.n FROM emp e RIGHT JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id
SELECT e.id, g.n FROM emp e FULL JOIN (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g ON g.dept = e.dept
SELECT e.id, g.n FROM emp e LEFT JOIN (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g ON g.dept = e.dept
SELECT e.id, g.n FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g JOIN emp e ON g.dept = e.dept
SELECT g.dept, d.title FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g JOIN dept d ON d.id = g.dept
SELECT g.dept, d.title FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g LEFT JOIN dept d ON d.id = g.dept
SELECT e.id, g.s FROM emp e LEFT JOIN (SELECT dept, active, SUM(salary) AS s FROM emp GROUP BY dept, active) g ON g.active = e.active AND e.dept = g.dept
SELECT e.id, g.s FROM emp e JOIN (SELECT dept, active, SUM(salary) AS s FROM emp GROUP BY dept, active) g ON g.dept = e.dept
SELECT e.id, g.s FROM emp e JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept, active) g ON g.dept = e.dept
SELECT e.id, g.s FROM emp e JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept) g ON g.dept = e.dept AND g.s > e.salary * 2
SELECT e.id, g.s FROM emp e LEFT JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept) g ON g.dept = e.dept AND g.s > e.salary * 2
SELECT e.id, g.s FROM emp e LEFT JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept HAVING COUNT(*) > 1) g ON g.dept = e.dept AND g.s > 4000
SELECT e.id, g.s FROM emp e LEFT JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept) g ON g.dept = e.dept WHERE g.s IS NULL OR g.s < 9000
SELECT e.id, g.n FROM emp e JOIN (SELECT dept + 1 AS next, COUNT(*) AS n FROM emp GROUP BY dept + 1) g ON g.next = e.dept
SELECT e.id, d.dept FROM emp e LEFT JOIN (SELECT DISTINCT dept FROM emp WHERE active) d ON d.dept = e.dept
SELECT e.id, d.boss FROM emp e JOIN (SELECT DISTINCT boss, dept FROM emp) d ON d.dept = e.dept AND d.boss = e.boss
SELECT e.id, d.boss FROM emp e JOIN (SELECT DISTINCT boss, dept FROM emp) d ON d.dept = e.dept
WITH g AS (SELECT dept, AVG(salary) AS mean FROM emp GROUP BY dept) SELECT e.id, e.salary - g.mean FROM emp e JOIN g ON g.dept = e.dept ORDER BY e.id
WITH g AS (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) SELECT a.id, b.n, c.n FROM emp a LEFT JOIN g b ON b.dept = a.dept LEFT JOIN g c ON c.dept = a.boss
WITH g AS (SELECT emp, SUM(qty) AS q FROM sale GROUP BY emp) SELECT d.title, SUM(g.q) FROM emp e JOIN g ON g.emp = e.id JOIN dept d ON d.id = e.dept GROUP BY d.title
SELECT x.id, x.n, h.n FROM (SELECT e.id, e.dept, g.n FROM emp e LEFT JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id) x LEFT JOIN (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) h ON h.dept = x.dept
SELECT a.dept, a.n, b.s FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) a JOIN (SELECT dept, SUM(salary) AS s FROM emp GROUP BY dept) b ON b.dept = a.dept
SELECT e.id, g.n FROM emp e JOIN (SELECT dept AS d, COUNT(*) AS n FROM emp GROUP BY dept) g ON g.d = e.dept AND g.d = e.boss
SELECT v.a, g.n FROM (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g JOIN (VALUES (1), (2), (9)) v (a) ON v.a = g.dept
SELECT d.id, (SELECT MAX(g.n) FROM emp e JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id WHERE e.dept = d.id) FROM dept d
SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s JOIN (SELECT dept, MAX(id) AS m FROM emp GROUP BY dept) g ON g.m = s.emp AND g.dept = e.dept)
SELECT e.id, g.n FROM (SELECT id, dept FROM emp ORDER BY id LIMIT 3) e LEFT JOIN (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g ON g.dept = e.dept ORDER BY e.id DESC
SELECT e.id, (SELECT COUNT(*) FROM sale s WHERE s.emp = e.id), g.n FROM emp e LEFT JOIN (SELECT emp, COUNT(*) AS n FROM sale GROUP BY emp) g ON g.emp = e.id
SELECT e.id, b.name, d.title FROM emp e LEFT JOIN emp b ON b.id = e.boss AND b.active LEFT JOIN dept d ON d.id = b.dept AND d.id > e.dept
SELECT e.id, b.id, c.id, d.title FROM emp e JOIN emp b ON b.id = e.boss LEFT JOIN emp c ON c.boss = b.id AND c.salary > e.salary JOIN dept d ON d.id = e.dept WHERE b.active OR c.id IS NULL
SELECT d.title, b.active, COUNT(*), SUM(e.salary) FROM emp e JOIN dept d ON d.id = e.dept LEFT JOIN emp b ON b.id = e.boss GROUP BY d.title, b.active
SELECT e.id, s.qty, d.title FROM emp e LEFT JOIN sale s ON s.emp = e.id + 1 LEFT JOIN dept d ON d.id = e.dept WHERE s.qty IS NULL OR d.title IS NOT NULL
SELECT e.id, (SELECT b.name FROM emp b WHERE b.id = e.boss) AS boss, (SELECT b.salary + e.salary FROM emp b WHERE b.id = e.boss AND b.salary > e.salary) AS both FROM emp e ORDER BY e.name, e.id
SELECT e.id, EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.qty > e.dept), NOT EXISTS (SELECT 1 FROM emp b WHERE b.dept = e.dept AND b.salary > e.salary) FROM emp e
SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.qty <> e.dept) AND NOT EXISTS (SELECT 1 FROM emp b WHERE b.dept = e.dept AND b.salary > e.salary)
SELECT e.id, x.id, x.one FROM emp e LEFT JOIN LATERAL (SELECT b.id, 1 AS one FROM emp b WHERE b.dept = e.dept AND b.salary < e.salary ORDER BY b.salary DESC, b.id LIMIT 2) x ON TRUE
SELECT e.id, x.id, x.name FROM emp e CROSS JOIN LATERAL (SELECT b.id, COALESCE(b.name, e.name) AS name FROM emp b WHERE b.boss = e.id AND b.dept = e.dept) x
SELECT e.id, s.qty FROM emp e FULL JOIN sale s ON s.emp = e.id AND s.qty > e.dept
SELECT e.id, d.id, s.qty FROM emp e FULL JOIN dept d ON d.id = e.dept LEFT JOIN sale s ON s.emp = d.id
SELECT e.id, b.id, g.n FROM emp e JOIN (SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept) g ON g.dept = e.dept LEFT JOIN emp b ON b.boss = e.id AND b.dept = g.dept
"""
