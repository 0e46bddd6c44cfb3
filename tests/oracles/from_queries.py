"""Queries about FROM, projection, limits and subqueries in every place, for `select_queries`."""

FROM_QUERIES = r"""
SELECT x.id FROM (SELECT e.*, d.title FROM emp e JOIN dept d ON d.id = e.dept) x
SELECT x.name, x.title FROM (SELECT e.name, d.* FROM emp e JOIN dept d ON d.id = e.dept) x
SELECT x.name, x.title FROM (SELECT e.*, d.title, d.city FROM emp e JOIN dept d ON d.id = e.dept) x
SELECT x.qty, x.title FROM (SELECT s.qty, s.day, d.* FROM sale s CROSS JOIN dept d) x
SELECT x.name, x.qty FROM (SELECT * FROM emp e JOIN (SELECT emp, qty FROM sale) s ON s.emp = e.id) x
SELECT a FROM (SELECT id FROM emp UNION ALL SELECT id FROM dept) u (a) ORDER BY a
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = (SELECT MAX(x.dept) FROM emp x WHERE x.id <= e.id)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND e.id IN (SELECT s.emp FROM sale s)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND d.id IN (SELECT s.id FROM sale s)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND NOT EXISTS (SELECT 1 FROM sale s WHERE s.id = d.id)
SELECT e.id, d.id FROM emp e RIGHT JOIN dept d ON d.id = e.dept AND e.salary > (SELECT AVG(salary) FROM emp)
SELECT e.id, d.id FROM emp e RIGHT JOIN dept d ON d.id = e.dept AND EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id)
SELECT e.id, d.id FROM emp e FULL JOIN dept d ON d.id = e.dept AND e.id IN (SELECT s.emp FROM sale s)
SELECT e.id, d.id FROM emp e FULL JOIN dept d ON d.id = e.dept AND e.salary > (SELECT AVG(salary) FROM emp)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.id = d.id)
SELECT e.id, d.id FROM emp e JOIN dept d ON EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND s.id = d.id)
SELECT id FROM emp ORDER BY id LIMIT (SELECT COUNT(*) FROM dept)
SELECT id FROM emp ORDER BY id LIMIT (SELECT MAX(id) - 1 FROM dept) OFFSET (SELECT MIN(id) FROM dept)
SELECT id FROM emp ORDER BY id OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY
SELECT id FROM emp ORDER BY id LIMIT 1 + 2
SELECT id FROM emp ORDER BY (SELECT title FROM dept d WHERE d.id = emp.dept), id
SELECT id FROM emp ORDER BY (SELECT COUNT(*) FROM sale s WHERE s.emp = emp.id) DESC, id
SELECT (SELECT title FROM dept d WHERE d.id = emp.dept) AS t, COUNT(*) FROM emp GROUP BY (SELECT title FROM dept d WHERE d.id = emp.dept)
SELECT (SELECT title FROM dept d WHERE d.id = emp.dept) AS t, COUNT(*) FROM emp GROUP BY 1
SELECT (SELECT title FROM dept d WHERE d.id = emp.dept) AS t, COUNT(*) FROM emp GROUP BY t
SELECT EXISTS (SELECT 1 FROM sale s WHERE s.emp = emp.id) AS t, COUNT(*) FROM emp GROUP BY t
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING COUNT(*) > (SELECT MIN(id) FROM dept)
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING EXISTS (SELECT 1 FROM dept d WHERE d.id = emp.dept)
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING SUM(salary) > (SELECT AVG(x.salary) FROM emp x WHERE x.dept = emp.dept)
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING dept IN (SELECT id FROM dept)
SELECT dept, COUNT(*) FROM emp GROUP BY dept HAVING COUNT(*) IN (SELECT id FROM dept WHERE id > 1)
SELECT id, CASE WHEN EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) THEN (SELECT MAX(qty) FROM sale s WHERE s.emp = e.id) ELSE 0 END FROM emp e
SELECT id, CASE (SELECT MAX(qty) FROM sale s WHERE s.emp = e.id) WHEN 5 THEN 'five' WHEN 1 THEN 'one' END FROM emp e
SELECT id, COALESCE((SELECT MAX(qty) FROM sale s WHERE s.emp = e.id), -1) FROM emp e
SELECT id, UPPER((SELECT title FROM dept d WHERE d.id = e.dept)) || '!' FROM emp e
SELECT COUNT(*) FROM emp WHERE NOT (id IN (SELECT emp FROM sale) OR dept IN (SELECT id FROM dept))
SELECT id FROM emp e WHERE NOT EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) OR e.dept = ANY (SELECT id FROM dept)
SELECT id FROM emp e WHERE NOT (e.salary > ANY (SELECT x.salary FROM emp x WHERE x.dept = e.dept) OR e.id = 5)
SELECT id FROM emp e WHERE e.salary < ALL (SELECT x.salary FROM emp x WHERE x.dept = 1) OR NOT (e.id NOT IN (SELECT boss FROM emp))
SELECT SUM((SELECT MAX(qty) FROM sale s WHERE s.emp = e.id)) FROM emp e
SELECT dept, SUM(CASE WHEN EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) THEN 1 ELSE 0 END) FROM emp e GROUP BY dept
SELECT dept, COUNT(*) FILTER (WHERE id IN (SELECT emp FROM sale)) FROM emp e GROUP BY dept
SELECT id, ROW_NUMBER() OVER (ORDER BY (SELECT COUNT(*) FROM sale s WHERE s.emp = e.id) DESC, id) FROM emp e
SELECT id, SUM((SELECT COUNT(*) FROM sale s WHERE s.emp = e.id)) OVER (ORDER BY id) FROM emp e
SELECT id, RANK() OVER (PARTITION BY (SELECT city FROM dept d WHERE d.id = e.dept) ORDER BY id) FROM emp e
SELECT DISTINCT (SELECT city FROM dept d WHERE d.id = e.dept) FROM emp e
SELECT DISTINCT ON ((SELECT city FROM dept d WHERE d.id = e.dept)) id FROM emp e ORDER BY (SELECT city FROM dept d WHERE d.id = e.dept), id
SELECT e.id FROM emp e ORDER BY id LIMIT (SELECT NULL::int)
SELECT e.id FROM emp e ORDER BY id OFFSET (SELECT MAX(id) FROM dept)
SELECT e.id FROM emp e ORDER BY id LIMIT (SELECT MAX(id) FROM dept WHERE id > 77)
SELECT e.id FROM emp e UNION ALL SELECT id FROM dept ORDER BY id LIMIT (SELECT MAX(id) FROM dept)
SELECT DISTINCT e.dept FROM emp e ORDER BY dept LIMIT (SELECT MIN(id) + 1 FROM dept)
SELECT d.id, (SELECT COUNT(*) FROM (SELECT e.id FROM emp e LIMIT d.id) x) FROM dept d
SELECT COUNT(*) FROM (SELECT id FROM emp LIMIT (SELECT MAX(id) FROM dept)) x
SELECT d.id, ARRAY(SELECT e.salary FROM emp e WHERE e.dept = d.id ORDER BY e.id) FROM dept d
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) AND d.id NOT IN (SELECT s.id FROM sale s WHERE s.id > 1)
SELECT e.id, d.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND (EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id) OR d.id IN (SELECT s.id FROM sale s WHERE s.id > 1))
SELECT e.id, d.id, s.id FROM emp e LEFT JOIN dept d ON d.id = e.dept AND e.id NOT IN (SELECT s.emp FROM sale s WHERE s.emp IS NOT NULL) LEFT JOIN sale s ON s.emp = e.id AND s.qty > (SELECT AVG(qty) FROM sale)
SELECT d.id, COUNT(e.id) FROM dept d LEFT JOIN emp e ON e.dept = d.id AND e.salary >= ALL (SELECT x.salary FROM emp x WHERE x.dept = d.id AND x.salary IS NOT NULL) GROUP BY d.id
SELECT e.id, d.id FROM emp e FULL JOIN dept d ON d.id = e.dept AND d.id IN (SELECT s.id FROM sale s WHERE s.id > 1) AND e.id IN (SELECT boss FROM emp)
SELECT e.id, d.id FROM emp e RIGHT JOIN dept d ON d.id = e.dept AND d.id IN (SELECT s.id FROM sale s WHERE s.id > 1) AND e.salary = (SELECT MAX(x.salary) FROM emp x WHERE x.dept = d.id)
SELECT COUNT(*) FROM emp e LEFT JOIN dept d ON (SELECT COUNT(*) FROM sale s WHERE s.emp = e.id OR s.id = d.id) > 1
SELECT e.dept IN (SELECT id FROM dept) AS k, COUNT(*) FROM emp e GROUP BY e.dept IN (SELECT id FROM dept)
SELECT (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id) AS k, COUNT(*), SUM(e.salary) FROM emp e GROUP BY k HAVING (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id) IS NOT NULL
SELECT (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id) + 1 AS k, COUNT(*) FROM emp e GROUP BY (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id) ORDER BY (SELECT MAX(s.qty) FROM sale s WHERE s.emp = e.id)
SELECT d.id, x.id FROM dept d, LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.id DESC LIMIT 1) x
SELECT d.id, x.id FROM dept d LEFT JOIN LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.id DESC LIMIT 2) x ON TRUE
SELECT d.id, x.id FROM dept d LEFT JOIN LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.salary DESC NULLS LAST, e.id LIMIT 1 OFFSET 1) x ON TRUE
SELECT d.id, x.id FROM dept d LEFT JOIN LATERAL (SELECT e.id FROM emp e WHERE e.dept = d.id) x ON x.id > 2
SELECT d.id, x.n FROM dept d CROSS JOIN LATERAL (SELECT COUNT(*) AS n FROM emp e WHERE e.dept = d.id) x
SELECT d.id, x.n, y.m FROM dept d CROSS JOIN LATERAL (SELECT COUNT(*) AS n FROM emp e WHERE e.dept = d.id) x CROSS JOIN LATERAL (SELECT x.n * 2 AS m) y
SELECT d.id, x.b FROM dept d CROSS JOIN LATERAL (VALUES (d.id), (d.id * 10)) x (b)
SELECT d.id, x.g FROM dept d CROSS JOIN LATERAL GENERATE_SERIES(1, d.id) x (g)
SELECT d.id, g FROM dept d, GENERATE_SERIES(1, d.id) g
SELECT d.id, g FROM dept d LEFT JOIN GENERATE_SERIES(3, d.id) g ON TRUE
SELECT d.id, g FROM dept d LEFT JOIN GENERATE_SERIES(1, 6) g ON g = d.id
SELECT d.id, g FROM dept d RIGHT JOIN GENERATE_SERIES(3, 6) g ON g = d.id
SELECT d.id, g FROM dept d JOIN GENERATE_SERIES(3, 6) g ON g = d.id
SELECT d.id, g FROM GENERATE_SERIES(3, 6) g LEFT JOIN dept d ON g = d.id
SELECT d.id, g FROM dept d FULL JOIN GENERATE_SERIES(3, 6) g ON g = d.id
SELECT g FROM GENERATE_SERIES(5, 1, -2) g
SELECT g FROM GENERATE_SERIES(1, 10, 4) AS t (g) WHERE g > 1
SELECT g.day, s.qty FROM GENERATE_SERIES(TIMESTAMPTZ '2025-01-01', TIMESTAMPTZ '2025-01-04', INTERVAL '1 day') AS g (day) LEFT JOIN sale s ON s.day = g.day
SELECT g FROM GENERATE_SERIES(TIMESTAMPTZ '2025-01-31', TIMESTAMPTZ '2025-05-31', INTERVAL '1 month') AS g
SELECT g FROM GENERATE_SERIES(TIMESTAMPTZ '2025-01-03', TIMESTAMPTZ '2025-01-01', INTERVAL '-1 day') AS g
SELECT g FROM GENERATE_SERIES(1.5, 3.5, 0.5) AS g
SELECT MIN(g), MAX(g), COUNT(*) FROM GENERATE_SERIES((SELECT MIN(day) FROM sale), (SELECT MAX(day) FROM sale), INTERVAL '1 day') g
SELECT e.id, g FROM emp e, GENERATE_SERIES(e.hired, TIMESTAMPTZ '2022-12-01', INTERVAL '1 year') g
SELECT COUNT(*) FROM GENERATE_SERIES(1, (SELECT MAX(id) FROM emp)) g
SELECT t.id, x FROM tagged t, UNNEST(t.tags) x
SELECT t.id, x.v, x.n FROM tagged t, UNNEST(t.tags) WITH ORDINALITY AS x (v, n)
SELECT t.id, x.v, x.n FROM tagged t CROSS JOIN UNNEST(t.tags) WITH ORDINALITY x (v, n) WHERE x.n > 1
SELECT t.id, x, y FROM tagged t, UNNEST(t.tags) x, UNNEST(t.tags) y
SELECT t.id, x, y FROM tagged t CROSS JOIN UNNEST(t.tags) AS x CROSS JOIN LATERAL UNNEST(t.tags) AS y WHERE x < y
SELECT t.id, x.v FROM tagged t LEFT JOIN UNNEST(t.tags) x (v) ON TRUE
SELECT t.id, x.v FROM tagged t LEFT JOIN UNNEST(t.tags) x (v) ON x.v = 'b'
SELECT t.id, x.v FROM tagged t JOIN UNNEST(t.tags) x (v) ON x.v = 'b'
SELECT x.v, COUNT(*) FROM tagged t, UNNEST(t.tags) x (v) GROUP BY x.v
SELECT * FROM UNNEST(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS x (a, b)
SELECT x.a, x.b, x.n FROM UNNEST(ARRAY[1, 2], ARRAY['a', 'b', 'c']) WITH ORDINALITY AS x (a, b, n)
SELECT * FROM UNNEST(ARRAY[3, 4]) WITH ORDINALITY
SELECT v.a, d.title FROM (VALUES (1, 'x'), (2, 'y'), (9, 'z')) AS v (a, b) LEFT JOIN dept d ON d.id = v.a
SELECT v.a, d.title FROM dept d RIGHT JOIN (VALUES (1, 'x'), (2, 'y'), (9, 'z')) AS v (a, b) ON d.id = v.a
SELECT v.a, d.title FROM dept d FULL JOIN (VALUES (1, 'x'), (2, 'y'), (9, 'z')) AS v (a, b) ON d.id = v.a
SELECT v.a, d.title FROM dept d JOIN (VALUES (1), (2)) AS v (a) ON d.id >= v.a
SELECT column1, column2 FROM (VALUES (1, 'x'), (2, NULL)) AS v
VALUES (1, 'x'), (2, 'y') ORDER BY 1 DESC LIMIT 1
VALUES ((SELECT MAX(id) FROM emp)), (3)
SELECT id FROM dept WHERE id IN (VALUES (1), (3))
SELECT id FROM dept WHERE (id, title) IN (VALUES (1, 'Sales'), (3, 'x'))
SELECT id, salary FROM emp ORDER BY salary DESC NULLS LAST FETCH FIRST 2 ROWS WITH TIES
SELECT id, salary FROM emp ORDER BY salary DESC NULLS LAST OFFSET 1 FETCH FIRST 2 ROWS WITH TIES
SELECT id FROM emp ORDER BY id FETCH FIRST ROW ONLY
SELECT id FROM emp ORDER BY id OFFSET 3 ROWS
SELECT 1 + 1, 'a'
SELECT 1 WHERE FALSE
SELECT COUNT(*)
SELECT 1 AS a UNION SELECT 2 ORDER BY a DESC
SELECT DISTINCT ON (dept) dept, id FROM emp ORDER BY dept, salary DESC NULLS LAST, id
SELECT DISTINCT ON (dept, active) dept, active, id FROM emp ORDER BY active, dept, id
SELECT DISTINCT ON (dept) id FROM emp ORDER BY dept DESC, id LIMIT 2
SELECT x.id FROM (SELECT DISTINCT ON (dept) id, dept FROM emp ORDER BY dept, id) x ORDER BY 1
SELECT dept, active, COUNT(*) FROM emp GROUP BY 1, 2 ORDER BY 1, 2
SELECT dept AS k, COUNT(*) AS n FROM emp GROUP BY k ORDER BY n DESC, k
SELECT UPPER(name) AS u, COUNT(*) FROM emp GROUP BY u ORDER BY u
SELECT COALESCE(dept, 0) + 1 AS k, SUM(salary) FROM emp GROUP BY k ORDER BY k
SELECT id, name FROM emp UNION SELECT id, title FROM dept ORDER BY 2, 1
SELECT id, name AS n FROM emp UNION SELECT id, title FROM dept ORDER BY n, id LIMIT 3
SELECT id FROM emp UNION ALL SELECT id FROM dept ORDER BY id DESC OFFSET 2 LIMIT 4
(SELECT id FROM emp ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM dept ORDER BY id DESC LIMIT 2) ORDER BY 1
(SELECT id FROM emp ORDER BY id LIMIT 2) EXCEPT (SELECT id FROM dept ORDER BY id LIMIT 1)
SELECT id FROM emp INTERSECT SELECT id FROM dept UNION SELECT 100 ORDER BY 1
(((SELECT id FROM emp))) ORDER BY 1 LIMIT 2
SELECT id FROM (SELECT id FROM emp UNION SELECT id FROM dept) u WHERE id > 3 ORDER BY 1
SELECT id, dept FROM emp WHERE ROW(id, dept) = (SELECT 1, 1)
SELECT id FROM emp e WHERE (dept, active) IN (SELECT x.dept, x.active FROM emp x WHERE x.id <> e.id)
SELECT * FROM (SELECT id, name FROM emp) a JOIN (SELECT id, title FROM dept) b USING (id)
SELECT * FROM (SELECT id, name FROM emp) a LEFT JOIN (SELECT id, title FROM dept) b USING (id)
SELECT * FROM (SELECT id, name FROM emp) a FULL JOIN (SELECT id, title FROM dept) b USING (id)
SELECT * FROM (SELECT id, name FROM emp) a RIGHT JOIN (SELECT id, title FROM dept) b USING (id)
SELECT * FROM (SELECT id, name FROM emp) a NATURAL JOIN (SELECT id, title FROM dept) b
SELECT * FROM (SELECT id, name FROM emp) a NATURAL FULL JOIN (SELECT id, title FROM dept) b NATURAL LEFT JOIN (SELECT id, qty FROM sale) c
SELECT * FROM (SELECT id, name FROM emp) a NATURAL JOIN (SELECT title FROM dept) b
SELECT a.*, b.title FROM (SELECT id, name FROM emp) a JOIN (SELECT id, title FROM dept) b USING (id)
SELECT d.id, ARRAY(SELECT e.id FROM emp e WHERE e.dept = d.id ORDER BY e.id) FROM dept d
SELECT d.id, (SELECT COUNT(*) FROM (SELECT DISTINCT e.salary FROM emp e WHERE e.dept = d.id) x) FROM dept d
SELECT d.id, (SELECT MAX(x.s) FROM (SELECT SUM(e.salary) AS s FROM emp e WHERE e.dept = d.id GROUP BY e.active) x) FROM dept d
SELECT d.id, (SELECT e.name FROM emp e WHERE e.dept = d.id ORDER BY e.salary DESC NULLS LAST, e.id LIMIT 1) FROM dept d
SELECT d.id FROM dept d WHERE (SELECT COUNT(*) FROM emp e WHERE e.dept = d.id) > 1 AND (SELECT MAX(e.salary) FROM emp e WHERE e.dept = d.id) > 3000
SELECT e.id FROM emp e WHERE EXISTS (SELECT 1 FROM sale s WHERE s.emp = e.id AND EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept AND d.id = s.emp))
SELECT e.id, (SELECT d.title FROM dept d WHERE d.id = (SELECT MAX(x.dept) FROM emp x WHERE x.id <= e.id)) FROM emp e
SELECT d.id, g FROM dept d LEFT JOIN GENERATE_SERIES(1, d.id) g ON g > 1
SELECT d.id, g.id FROM dept d JOIN GENERATE_SERIES(1, 3) AS g (id) USING (id)
SELECT d.id, x.a, x.b FROM dept d CROSS JOIN UNNEST(ARRAY[d.id, 2], ARRAY[d.title]) AS x (a, b)
SELECT t.id, x.a, x.b FROM tagged t LEFT JOIN UNNEST(t.tags, ARRAY[t.id]) AS x (a, b) ON TRUE
SELECT t.id, x.a, x.b, x.o FROM tagged t, UNNEST(t.tags, t.tags) WITH ORDINALITY AS x (a, b, o) WHERE x.o = 2
SELECT g FROM GENERATE_SERIES(TIMESTAMPTZ '2024-01-31', TIMESTAMPTZ '2023-10-01', INTERVAL '-1 month') AS g
SELECT g FROM GENERATE_SERIES(TIMESTAMPTZ '2024-01-30', TIMESTAMPTZ '2024-06-01', INTERVAL '1 month 1 day') AS g
SELECT e.id, g FROM emp e, GENERATE_SERIES(e.hired, TIMESTAMPTZ '2020-06-20', INTERVAL '1 month') g
SELECT e.id, g FROM emp e, GENERATE_SERIES(e.hired, e.hired + INTERVAL '100 hours', INTERVAL '36 hours') g
SELECT e.id, g FROM emp e, GENERATE_SERIES(TIMESTAMPTZ '2022-09-30', e.hired, INTERVAL '-5 months') g
SELECT g FROM GENERATE_SERIES(1.1, 2.0, 0.1) AS g
SELECT g FROM GENERATE_SERIES(3, 1.5, -0.5) AS g
SELECT g FROM GENERATE_SERIES(1, 3, NULL) AS g
SELECT s.id, g FROM sale s, GENERATE_SERIES(s.qty, 6) g
SELECT COUNT(*) FROM sale s RIGHT JOIN GENERATE_SERIES(1, 10) g ON g = s.qty
SELECT COUNT(*) FROM sale s FULL JOIN GENERATE_SERIES(1, 10) g ON g = s.qty
SELECT g, COUNT(s.id), SUM(s.qty) FROM GENERATE_SERIES(TIMESTAMPTZ '2025-01-01', TIMESTAMPTZ '2025-01-08', INTERVAL '1 day') g LEFT JOIN sale s ON s.day >= g AND s.day < g + INTERVAL '1 day' GROUP BY g ORDER BY g
SELECT * FROM GENERATE_SERIES(1, 2) a, GENERATE_SERIES(a, 3) b
SELECT * FROM GENERATE_SERIES(1, 2) WITH ORDINALITY
SELECT x.n, d.title FROM UNNEST(ARRAY[2, 4]) WITH ORDINALITY AS x (v, n) JOIN dept d ON d.id = x.v
SELECT (SELECT COUNT(*) FROM UNNEST(t.tags) x WHERE x = 'b') FROM tagged t
SELECT t.id FROM tagged t WHERE EXISTS (SELECT 1 FROM UNNEST(t.tags) x WHERE x = 'b')
SELECT t.id FROM tagged t WHERE 'a' IN (SELECT x FROM UNNEST(t.tags) x)
SELECT t.id, ARRAY(SELECT UPPER(x) FROM UNNEST(t.tags) x) FROM tagged t WHERE t.id < 3
"""
