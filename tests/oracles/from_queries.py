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
"""
