"""Queries of a shop's analysts that PostgreSQL and sqlbulk must answer alike; behind @@ stands sqlbulk's own spelling."""

from __future__ import annotations

_TEXT = r"""
SELECT DATE_TRUNC('month', ordered_at) AS m, COUNT(*), SUM(total), COUNT(DISTINCT customer_id) FROM orders GROUP BY 1 ORDER BY 1
WITH first AS (SELECT customer_id, MIN(DATE_TRUNC('month', ordered_at)) AS cohort FROM orders WHERE customer_id IS NOT NULL GROUP BY customer_id), act AS (SELECT DISTINCT customer_id, DATE_TRUNC('month', ordered_at) AS m FROM orders) SELECT f.cohort, (EXTRACT(YEAR FROM a.m) - EXTRACT(YEAR FROM f.cohort)) * 12 + EXTRACT(MONTH FROM a.m) - EXTRACT(MONTH FROM f.cohort) AS age, COUNT(DISTINCT a.customer_id) AS n FROM first f JOIN act a ON a.customer_id = f.customer_id GROUP BY 1, 2 ORDER BY 1, 2
SELECT COUNT(DISTINCT user_id) FILTER (WHERE kind='view') AS v, COUNT(DISTINCT user_id) FILTER (WHERE kind='cart') AS c, COUNT(DISTINCT user_id) FILTER (WHERE kind='buy') AS b, ROUND(100.0 * COUNT(*) FILTER (WHERE kind='buy') / NULLIF(COUNT(*) FILTER (WHERE kind='view'), 0), 2) AS pct FROM events
WITH v AS (SELECT user_id, MIN(at) AS t FROM events WHERE kind='view' GROUP BY user_id), c AS (SELECT e.user_id, MIN(e.at) AS t FROM events e JOIN v ON v.user_id=e.user_id AND e.at > v.t WHERE e.kind='cart' GROUP BY e.user_id), b AS (SELECT e.user_id, MIN(e.at) AS t FROM events e JOIN c ON c.user_id=e.user_id AND e.at > c.t WHERE e.kind='buy' GROUP BY e.user_id) SELECT (SELECT COUNT(*) FROM v) AS v, (SELECT COUNT(*) FROM c) AS c, (SELECT COUNT(*) FROM b) AS b
WITH marked AS (SELECT id, user_id, at, CASE WHEN at - LAG(at) OVER (PARTITION BY user_id ORDER BY at, id) > INTERVAL '30 minutes' OR LAG(at) OVER (PARTITION BY user_id ORDER BY at, id) IS NULL THEN 1 ELSE 0 END AS new FROM events WHERE at IS NOT NULL), s AS (SELECT *, SUM(new) OVER (PARTITION BY user_id ORDER BY at, id ROWS UNBOUNDED PRECEDING) AS session FROM marked) SELECT user_id, session, COUNT(*) AS n, MIN(at), MAX(at), EXTRACT(EPOCH FROM MAX(at) - MIN(at)) AS secs FROM s GROUP BY user_id, session ORDER BY user_id, session
WITH d AS (SELECT DISTINCT customer_id, CAST(ordered_at AS DATE) AS day FROM orders WHERE customer_id IS NOT NULL AND ordered_at IS NOT NULL), g AS (SELECT customer_id, day, day - CAST(ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY day) AS INT) * INTERVAL '1 day' AS island FROM d) SELECT customer_id, MIN(day), MAX(day), COUNT(*) AS len FROM g GROUP BY customer_id, island ORDER BY len DESC, customer_id, 2 LIMIT 10
SELECT customer_id, ordered_at, total, SUM(total) OVER (PARTITION BY customer_id ORDER BY ordered_at, id) AS running, AVG(total) OVER (PARTITION BY customer_id ORDER BY ordered_at, id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS ma3 FROM orders ORDER BY customer_id, ordered_at, id
SELECT c.id, t.id AS oid, t.total FROM customers c CROSS JOIN LATERAL (SELECT o.id, o.total FROM orders o WHERE o.customer_id = c.id AND o.total IS NOT NULL ORDER BY o.total DESC, o.id LIMIT 2) t ORDER BY c.id, t.total DESC, t.id
SELECT c.id, t.id AS oid, t.rn FROM customers c LEFT JOIN LATERAL (SELECT o.id, ROW_NUMBER() OVER (ORDER BY o.total DESC NULLS LAST, o.id) AS rn FROM orders o WHERE o.customer_id = c.id) t ON t.rn <= 2 ORDER BY c.id, t.rn
SELECT * FROM (SELECT o.id, o.customer_id, ROW_NUMBER() OVER (PARTITION BY o.customer_id ORDER BY o.ordered_at DESC NULLS LAST, o.id) AS rn FROM orders o) x WHERE x.rn = 1 ORDER BY x.id
SELECT channel, SUM(CASE WHEN status='paid' THEN total ELSE 0 END) AS paid, SUM(CASE WHEN status='open' THEN total END) AS open, COUNT(CASE WHEN status IS NULL THEN 1 END) AS unknown FROM orders GROUP BY channel ORDER BY channel NULLS FIRST
SELECT channel, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) AS med, PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY total) AS p90, PERCENTILE_CONT(ARRAY[0.25,0.75]) WITHIN GROUP (ORDER BY total) AS q, MODE() WITHIN GROUP (ORDER BY qty) AS mo FROM orders GROUP BY channel ORDER BY 1
SELECT channel, status, GROUPING(channel, status) AS g, GROUPING(channel) AS gc, SUM(total) AS s, COUNT(*) FROM orders GROUP BY ROLLUP (channel, status) ORDER BY g, channel, status
SELECT COALESCE(channel, CASE WHEN GROUPING(channel)=1 THEN 'ALL' ELSE '?' END) AS ch, SUM(qty) FROM orders GROUP BY CUBE (channel) ORDER BY 1, 2
SELECT channel, status, COUNT(*) FROM orders GROUP BY GROUPING SETS ((channel), (status), ()) HAVING COUNT(*) > 5 ORDER BY 3 DESC, 1, 2
SELECT EXTRACT(YEAR FROM ordered_at) AS y, EXTRACT(QUARTER FROM ordered_at) AS q, channel, COUNT(*) FROM orders GROUP BY ROLLUP ((EXTRACT(YEAR FROM ordered_at), EXTRACT(QUARTER FROM ordered_at)), channel) ORDER BY 1, 2, 3, 4
WITH RECURSIVE tree AS (SELECT id, parent, label, 0 AS depth, CAST(id AS TEXT) AS path, ARRAY[id] AS ids FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, n.parent, n.label, t.depth + 1, t.path || '>' || CAST(n.id AS TEXT), t.ids || n.id FROM nodes n JOIN tree t ON n.parent = t.id) SELECT * FROM tree ORDER BY path
WITH RECURSIVE up AS (SELECT id AS start, id, parent, weight FROM nodes UNION SELECT u.start, n.id, n.parent, n.weight FROM up u JOIN nodes n ON n.id = u.parent) SELECT start, COUNT(*), SUM(weight) FROM up GROUP BY start ORDER BY start
WITH RECURSIVE walk (id, parent, ids, looped) AS (SELECT id, parent, ARRAY[id], FALSE FROM nodes WHERE id = 8 UNION ALL SELECT n.id, n.parent, w.ids || n.id, n.id = ANY (w.ids) FROM nodes n JOIN walk w ON n.parent = w.id WHERE NOT w.looped) SELECT * FROM walk
SELECT g::DATE AS day, COUNT(o.id) AS n, COALESCE(SUM(o.total), 0) AS s FROM GENERATE_SERIES(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-31', INTERVAL '1 day') AS g LEFT JOIN orders o ON DATE_TRUNC('day', o.ordered_at) = g GROUP BY g ORDER BY g
SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.status = 'paid') ORDER BY c.id
SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL ORDER BY 1
SELECT c.id FROM customers c WHERE c.id NOT IN (SELECT customer_id FROM orders)
SELECT c.id FROM customers c WHERE c.id NOT IN (SELECT customer_id FROM orders WHERE customer_id IS NOT NULL) ORDER BY c.id
SELECT c.id, c.referrer FROM customers c WHERE c.referrer NOT IN (SELECT x.id FROM customers x WHERE x.country = 'DE') ORDER BY 1
SELECT c.id AS cid, o.id AS oid FROM customers c FULL JOIN orders o ON o.customer_id = c.id AND o.status = 'open' ORDER BY c.id NULLS FIRST, o.id NULLS FIRST
SELECT COALESCE(a.m, b.m) AS m, a.n AS orders, b.n AS signups FROM (SELECT DATE_TRUNC('month', ordered_at) AS m, COUNT(*) AS n FROM orders GROUP BY 1) a FULL OUTER JOIN (SELECT DATE_TRUNC('month', signup) AS m, COUNT(*) AS n FROM customers GROUP BY 1) b ON a.m = b.m ORDER BY 1, 2, 3
SELECT c.id, (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id) AS n, (SELECT MAX(o.ordered_at) FROM orders o WHERE o.customer_id = c.id) AS last FROM customers c ORDER BY (SELECT SUM(o.total) FROM orders o WHERE o.customer_id = c.id) DESC NULLS LAST, c.id
SELECT c.country, COUNT(*) FROM customers c GROUP BY c.country HAVING COUNT(*) > (SELECT COUNT(*) FROM customers x WHERE x.country IS NULL) ORDER BY 1
SELECT c.id, CASE WHEN (SELECT SUM(o.total) FROM orders o WHERE o.customer_id = c.id) > 200 THEN 'big' WHEN EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id) THEN 'small' ELSE 'none' END AS size FROM customers c ORDER BY c.id
SELECT o.id FROM orders o WHERE o.total > ALL (SELECT x.total FROM orders x WHERE x.channel = 'app' AND x.total IS NOT NULL AND x.status = o.status) ORDER BY o.id
SELECT o.id FROM orders o WHERE o.total = ANY (SELECT p.price FROM products p) ORDER BY o.id
SELECT o.id FROM orders o WHERE o.total <> ALL (SELECT p.price FROM products p WHERE p.price IS NOT NULL) ORDER BY o.id LIMIT 20
SELECT DISTINCT ON (customer_id) customer_id, id, total FROM orders WHERE customer_id IS NOT NULL ORDER BY customer_id, total DESC NULLS LAST, id
SELECT DISTINCT ON (COALESCE(country,'?'), plan) id, country, plan FROM customers ORDER BY COALESCE(country,'?'), plan, id DESC
(SELECT id, 'c' AS src FROM customers ORDER BY id DESC LIMIT 3) UNION ALL (SELECT id, 'o' FROM orders ORDER BY id LIMIT 2) ORDER BY src, id
SELECT country FROM customers UNION SELECT channel FROM orders ORDER BY 1 NULLS FIRST LIMIT 4 OFFSET 1
SELECT customer_id FROM orders EXCEPT SELECT id FROM customers ORDER BY 1
SELECT customer_id FROM orders INTERSECT ALL SELECT referrer FROM customers ORDER BY 1
SELECT status FROM orders EXCEPT ALL SELECT 'paid' ORDER BY 1
SELECT id FROM customers WHERE id < 3 UNION SELECT id FROM orders WHERE id < 5 INTERSECT SELECT id FROM items WHERE id > 2 ORDER BY id
SELECT id, attrs->'addr'->>'city' AS city, attrs->>'lang' AS lang, (attrs->>'n')::FLOAT AS n FROM customers WHERE attrs->'addr'->>'city' = 'Rome' ORDER BY id
SELECT id, attrs->'addr'->'geo'->>1 AS g FROM customers WHERE attrs->'addr'->'geo'->0 = '1' ORDER BY id @@ SELECT id, CAST(attrs->'addr'->'geo'->>1 AS TEXT) AS g FROM customers WHERE attrs->'addr'->'geo'->0 = 1 ORDER BY id
SELECT id FROM customers WHERE attrs @> '{"lang": "en"}' ORDER BY id
SELECT id FROM customers WHERE attrs ? 'lang' AND attrs->'flags' @> '["x"]' ORDER BY id
SELECT id, jsonb_array_length(attrs->'flags') AS n FROM customers ORDER BY n DESC NULLS LAST, id
SELECT c.id, f.v FROM customers c CROSS JOIN LATERAL jsonb_array_elements_text(c.attrs->'flags') AS f(v) ORDER BY c.id, f.v @@ SELECT c.id, f.v FROM customers c CROSS JOIN UNNEST(c.attrs->'flags') AS f(v) ORDER BY c.id, f.v
SELECT tag, COUNT(*) AS n FROM customers c, UNNEST(c.tags) AS tag GROUP BY tag ORDER BY n DESC, tag
SELECT c.id, t.tag, t.ord FROM customers c LEFT JOIN LATERAL UNNEST(c.tags) WITH ORDINALITY AS t(tag, ord) ON TRUE ORDER BY c.id, t.ord
SELECT id FROM customers WHERE 'vip' = ANY(tags) ORDER BY id
SELECT id FROM customers WHERE NOT ('a' = ANY(tags)) ORDER BY id
SELECT id FROM customers WHERE tags && ARRAY['b','c'] AND NOT tags @> ARRAY['a'] ORDER BY id
SELECT id, tags[1], tags[2:3], CARDINALITY(tags), ARRAY_POSITION(tags,'a'), ARRAY_REMOVE(tags,'a'), ARRAY_TO_STRING(tags,'|') FROM customers ORDER BY id
SELECT country, ARRAY_AGG(DISTINCT plan ORDER BY plan) FILTER (WHERE plan IS NOT NULL) AS plans, STRING_AGG(name, ',' ORDER BY id DESC) AS names FROM customers GROUP BY country ORDER BY country
SELECT country, STRING_AGG(DISTINCT plan, '/' ORDER BY plan DESC) AS p FROM customers GROUP BY country ORDER BY country
SELECT id, ordered_at + INTERVAL '1 month' AS a, ordered_at - INTERVAL '1 year 2 months 3 days' AS b FROM orders ORDER BY id LIMIT 30
SELECT DATE '2024-01-31' + INTERVAL '1 month' AS a, DATE '2024-02-29' - INTERVAL '1 year' AS b, DATE '2024-02-29' + INTERVAL '4 years' AS c, DATE '2023-12-31' + INTERVAL '2 months' AS d
SELECT id, birth, DATE_PART('year', AGE(DATE '2024-02-28', birth)) AS age FROM customers ORDER BY id @@ SELECT id, birth, TIMESTAMPDIFF(YEAR, birth, DATE '2024-02-28') AS age FROM customers ORDER BY id
SELECT id, EXTRACT(DOW FROM ordered_at) AS dow, EXTRACT(ISODOW FROM ordered_at) AS idow, EXTRACT(WEEK FROM ordered_at) AS w, EXTRACT(DOY FROM ordered_at) AS doy, EXTRACT(ISOYEAR FROM ordered_at) AS iy, EXTRACT(EPOCH FROM ordered_at) AS ep FROM orders ORDER BY id
SELECT id, ordered_at AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York' AS ny FROM orders ORDER BY id LIMIT 20
SELECT DATE_TRUNC('day', ordered_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Sofia') AS d, COUNT(*) FROM orders GROUP BY 1 ORDER BY 1 LIMIT 20
SELECT DATE_TRUNC('week', ordered_at) AS w, DATE_TRUNC('quarter', ordered_at) AS q, DATE_TRUNC('hour', ordered_at) AS h FROM orders ORDER BY id LIMIT 10
SELECT id FROM orders WHERE ordered_at >= DATE '2024-02-01' AND ordered_at < DATE '2024-02-01' + INTERVAL '1 month' ORDER BY id
SELECT id FROM orders WHERE ordered_at BETWEEN '2024-02-01' AND '2024-02-29 23:59:59' ORDER BY id @@ SELECT id FROM orders WHERE ordered_at BETWEEN TIMESTAMP '2024-02-01' AND TIMESTAMP '2024-02-29 23:59:59' ORDER BY id
SELECT id, SPLIT_PART(email,'@',2) AS dom, UPPER(LEFT(name,2)) AS l, RIGHT(name,2) AS r, LENGTH(name) AS n, REVERSE(name) AS rv, POSITION('@' IN email) AS p, SUBSTRING(email FROM 2 FOR 3) AS s FROM customers WHERE COALESCE(name,'') NOT IN ('Zoë','José') ORDER BY id
SELECT id, TRIM(name), LTRIM(name), LPAD(name,6,'*'), RPAD(name,3), REPLACE(email,'.','_'), INITCAP(LOWER(country)), STRPOS(email,'m'), REPEAT(country,2), TRANSLATE(email,'aeo','AE') FROM customers ORDER BY id
SELECT id FROM customers WHERE email LIKE '%\_%' OR email LIKE 'e\%%' OR email ILIKE '%@ex.com' ORDER BY id
SELECT id FROM customers WHERE email LIKE 'D!_o%' ESCAPE '!' ORDER BY id
SELECT id, REGEXP_REPLACE(email, '[0-9]+', '#') AS r, REGEXP_REPLACE(email,'([a-z])\.([a-z])','\2.\1','g') AS s, email ~ '^[a-d]' AS m, email ~* '^[A-D]' AS mi, (REGEXP_MATCH(email,'@(.*)\.'))[1] AS d FROM customers ORDER BY id
SELECT id FROM customers WHERE email SIMILAR TO '(ada|bo.x)[0-9]+@%' ORDER BY id
SELECT id, CASE country WHEN 'DE' THEN 1 WHEN 'FR' THEN 2 END AS a, CASE WHEN country IN ('US','BR') THEN 'am' WHEN country IS NULL THEN NULL ELSE 'eu' END AS b FROM customers ORDER BY b NULLS FIRST, a DESC, id
SELECT CAST('12' AS INT), '1.5'::DOUBLE PRECISION, CAST(TRUE AS INT), CAST(0 AS BOOLEAN), 'yes'::BOOLEAN, CAST(12 AS TEXT), CAST(DATE '2024-02-29' AS TIMESTAMP), '2024-02-29'::DATE
SELECT id FROM orders WHERE (customer_id, status) = (5, 'paid') OR (customer_id, qty) IN ((3, 1), (4, 2)) ORDER BY id
SELECT id FROM orders WHERE (customer_id, total) > (20, 50) ORDER BY id
SELECT id FROM orders WHERE (customer_id, status) NOT IN (SELECT id, plan FROM customers WHERE plan IS NOT NULL) ORDER BY id
SELECT id FROM orders WHERE (customer_id, channel) IN (SELECT id, 'web' FROM customers WHERE vip) ORDER BY id
SELECT "Weird Name", "a.b", "$v" AS "x$", "UPPER" AS "upper", "select", "order" FROM odd ORDER BY id
SELECT o."select" + o."UPPER" AS "sum of it", o.value, o.date FROM odd o WHERE o."$v" = '$id' ORDER BY o."UPPER" DESC
SELECT "$v", COUNT(*) AS "$count", MAX("a.b") AS "max.a.b" FROM odd GROUP BY "$v" ORDER BY 1
SELECT id AS total, total AS id FROM orders ORDER BY id, total LIMIT 12
SELECT total AS id FROM orders WHERE id < 10 ORDER BY id
SELECT -total AS total FROM orders WHERE total > 20 ORDER BY total, id
SELECT UPPER(channel) AS channel, COUNT(*) FROM orders GROUP BY channel ORDER BY channel
SELECT COUNT(*) AS n, SUM(total) FROM orders HAVING COUNT(*) > 1000
SELECT COUNT(*) AS n FROM orders HAVING SUM(total) > 10
SELECT 1 AS one FROM orders HAVING COUNT(*) > 3
SELECT id FROM orders ORDER BY total * COALESCE(qty,1) DESC NULLS LAST, id LIMIT 5
SELECT channel FROM orders GROUP BY channel ORDER BY SUM(total) DESC NULLS LAST, COUNT(*)
SELECT id, total FROM orders ORDER BY 2 DESC NULLS LAST, 1 LIMIT 0
SELECT id, total FROM orders ORDER BY 2 DESC, 1 OFFSET 1000
SELECT id FROM orders ORDER BY id OFFSET 118 ROWS FETCH FIRST 5 ROWS ONLY
SELECT COUNT(*), COUNT(total), SUM(total), AVG(total), MIN(total), MAX(channel), ARRAY_AGG(id), STRING_AGG(channel,','), BOOL_AND(total>0), STDDEV(total), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) FROM orders WHERE id > 9999
SELECT channel, COUNT(*) FROM orders WHERE FALSE GROUP BY channel
SELECT COUNT(*) FROM orders WHERE NULL
SELECT id FROM orders WHERE total NOT IN (10, 20.5, NULL) ORDER BY id
SELECT id FROM orders WHERE NOT (total > 20 AND status = 'paid') ORDER BY id
SELECT id FROM orders WHERE (total > 20) IS NOT TRUE ORDER BY id
SELECT id FROM orders WHERE (discount = 0) IS UNKNOWN AND (status <> 'paid' OR status IS NULL) ORDER BY id
SELECT id FROM orders WHERE shipped_at - ordered_at > INTERVAL '2 days' ORDER BY id
SELECT id, EXTRACT(EPOCH FROM shipped_at - ordered_at) / 3600 AS hours FROM orders ORDER BY 2 DESC NULLS LAST, 1 LIMIT 15
SELECT o.channel, AVG(EXTRACT(EPOCH FROM (o.shipped_at - o.ordered_at))) AS lead FROM orders o GROUP BY o.channel ORDER BY lead
SELECT a.id, b.id FROM customers a JOIN customers b ON a.email <> b.email AND SPLIT_PART(a.email,'@',2) = SPLIT_PART(b.email,'@',2) AND a.id < b.id ORDER BY 1, 2 LIMIT 25
SELECT o.id, i.sku, p.title, c.name FROM orders o JOIN items i ON i.order_id = o.id LEFT JOIN products p ON p.sku = i.sku LEFT JOIN customers c ON c.id = o.customer_id WHERE o.status = 'paid' ORDER BY o.id, i.id
SELECT p.category, SUM(i.n * i.price) AS rev, COUNT(DISTINCT o.customer_id) AS buyers FROM products p LEFT JOIN items i USING (sku) LEFT JOIN orders o ON o.id = i.order_id AND o.status <> 'void' GROUP BY p.category ORDER BY rev DESC NULLS LAST, 1
SELECT p.sku, SUM(i.n * i.price) AS rev, ROUND((100.0 * SUM(i.n * i.price) / SUM(SUM(i.n * i.price)) OVER ())::NUMERIC, 4) AS share, RANK() OVER (ORDER BY SUM(i.n * i.price) DESC NULLS LAST) AS r FROM products p LEFT JOIN items i ON i.sku = p.sku GROUP BY p.sku ORDER BY r, p.sku
WITH rev AS (SELECT sku, SUM(n*price) AS r FROM items GROUP BY sku) SELECT a.sku, a.r, SUM(b.r) AS cum FROM rev a JOIN rev b ON b.r >= a.r GROUP BY a.sku, a.r ORDER BY a.r DESC
WITH m AS (SELECT DATE_TRUNC('month', ordered_at) AS m, SUM(total) AS s FROM orders WHERE ordered_at IS NOT NULL GROUP BY 1) SELECT m, s, LAG(s) OVER (ORDER BY m) AS prev, ROUND(((s - LAG(s) OVER (ORDER BY m)) / NULLIF(LAG(s) OVER (ORDER BY m),0))::NUMERIC, 3) AS growth, SUM(s) OVER (ORDER BY m) AS ytd, FIRST_VALUE(s) OVER (ORDER BY m) AS f, LAST_VALUE(s) OVER (ORDER BY m ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l, NTILE(3) OVER (ORDER BY s DESC) AS t FROM m ORDER BY m
SELECT id, total, CUME_DIST() OVER w AS cd, PERCENT_RANK() OVER w AS pr, DENSE_RANK() OVER w AS dr, COUNT(*) OVER w AS c FROM orders WINDOW w AS (PARTITION BY channel ORDER BY total) ORDER BY channel, total, id
SELECT at, COUNT(*) OVER (ORDER BY at RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW) AS n FROM events WHERE at IS NOT NULL ORDER BY at
SELECT id, MAX(total) OVER (PARTITION BY customer_id) - total AS gap, total / NULLIF(SUM(total) OVER (PARTITION BY customer_id), 0) AS sh FROM orders WHERE customer_id IN (1,2,3,5,8) ORDER BY id
SELECT COUNT(*) FROM (SELECT 1 FROM orders GROUP BY customer_id, status) x
SELECT x.* FROM (VALUES (1,'a',NULL),(2,NULL,3.5)) AS x (id, s, f) ORDER BY x.id DESC
SELECT v.k, COUNT(o.id) FROM (VALUES ('paid'),('open'),('refunded')) AS v(k) LEFT JOIN orders o ON o.status = v.k GROUP BY v.k ORDER BY v.k
SELECT GREATEST(total, discount, 3), LEAST(total, discount), NULLIF(total, 20.5), COALESCE(discount, total, -1) FROM orders ORDER BY id LIMIT 40
SELECT id, ABS(total), SIGN(total), FLOOR(total), CEIL(total), ROUND(total::NUMERIC,1), TRUNC(total), MOD(id,7), POWER(qty,2), SQRT(ABS(total)), id % 3, -id / 2.0 FROM orders ORDER BY id LIMIT 50
SELECT id, attrs FROM customers WHERE attrs->>'lang' IS NULL AND attrs IS NOT NULL ORDER BY id
SELECT id FROM customers WHERE attrs #>> '{addr,city}' = 'Rome' ORDER BY id @@ SELECT id FROM customers WHERE attrs.addr.city = 'Rome' ORDER BY id
SELECT id, jsonb_build_object('id', id, 'n', name, 'tags', tags) AS j FROM customers ORDER BY id
SELECT country, jsonb_object_agg(id::TEXT, plan ORDER BY id) FILTER (WHERE plan IS NOT NULL) AS m FROM customers GROUP BY country ORDER BY 1 @@ SELECT country, JSON_OBJECTAGG(id::TEXT, plan) FILTER (WHERE plan IS NOT NULL) AS m FROM customers GROUP BY country ORDER BY 1
SELECT o.id, (SELECT jsonb_agg(jsonb_build_object('sku', i.sku, 'n', i.n) ORDER BY i.id) FROM items i WHERE i.order_id = o.id) AS items FROM orders o ORDER BY o.id
SELECT id, jsonb_set(attrs, '{addr,city}', '"X"') FROM customers WHERE attrs IS NOT NULL ORDER BY id @@ SELECT id, JSON_SET(attrs, '$.addr.city', 'X') FROM customers WHERE attrs IS NOT NULL ORDER BY id
SELECT id, attrs - 'addr' - 'flags' FROM customers ORDER BY id
SELECT id, attrs || '{"z": 1}'::jsonb FROM customers ORDER BY id @@ SELECT id, JSON_MERGE_PATCH(attrs, '{"z": 1}'::jsonb) FROM customers ORDER BY id
SELECT id, attrs || jsonb_build_object('z', id) AS j FROM customers ORDER BY id
SELECT c.id, k FROM customers c, jsonb_object_keys(c.attrs) AS k ORDER BY 1, 2 @@ SELECT c.id, k FROM customers c, UNNEST(JSON_KEYS(c.attrs)) AS k ORDER BY 1, 2
SELECT id, props->'l'->0->>'k' AS k FROM events WHERE props->'l'->0->>'k' = 'q' ORDER BY id
SELECT e.id, x->>'k' AS k, (x->>'v')::INT AS v FROM events e CROSS JOIN LATERAL jsonb_array_elements(e.props->'l') AS x ORDER BY 1, 2 @@ SELECT e.id, x->>'k' AS k, (x->>'v')::INT AS v FROM events e CROSS JOIN LATERAL UNNEST(e.props->'l') AS x ORDER BY 1, 2
SELECT (props->>'v')::INT AS v, props->>'ab' AS ab, COUNT(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2
SELECT id, CARDINALITY(ARRAY(SELECT i.sku FROM items i WHERE i.order_id = o.id)) AS n, ARRAY(SELECT DISTINCT i.sku FROM items i WHERE i.order_id = o.id AND i.sku IS NOT NULL ORDER BY 1) AS s FROM orders o ORDER BY id
SELECT id FROM orders o WHERE (SELECT COUNT(*) FROM items i WHERE i.order_id = o.id) BETWEEN 2 AND 3 AND total > (SELECT AVG(total) FROM orders x WHERE x.channel = o.channel) ORDER BY id
SELECT o.id, o.total - (SELECT AVG(x.total) FROM orders x WHERE x.channel = o.channel AND x.id <> o.id) AS d FROM orders o ORDER BY 1
SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM items i JOIN products p ON p.sku = i.sku WHERE i.order_id = o.id AND p.category = 'kitchen' AND i.price < COALESCE(o.total, 0)) ORDER BY 1
SELECT c.id FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND NOT EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id)) ORDER BY 1
SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT p.sku FROM products p WHERE p.category = 'kitchen' AND NOT EXISTS (SELECT 1 FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id = c.id AND i.sku = p.sku)) ORDER BY 1
SELECT c.id, (SELECT o.status FROM orders o WHERE o.customer_id = c.id ORDER BY o.ordered_at DESC NULLS LAST, o.id LIMIT 1) AS last_status FROM customers c ORDER BY 1
SELECT c.id, (SELECT o.status FROM orders o WHERE o.customer_id = c.id ORDER BY o.id OFFSET 1 LIMIT 1) AS second FROM customers c ORDER BY 1
SELECT c.country, SUM((SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id)) AS n FROM customers c GROUP BY c.country ORDER BY 1
SELECT c.country, MAX(c.score) FROM customers c GROUP BY c.country HAVING MAX(c.score) >= ALL (SELECT AVG(x.score) FROM customers x WHERE x.score IS NOT NULL GROUP BY x.country) ORDER BY 1
SELECT n.id, p.label, g.label FROM nodes n LEFT JOIN nodes p ON p.id = n.parent LEFT JOIN nodes g ON g.id = p.parent ORDER BY n.id
WITH RECURSIVE t AS (SELECT id, parent, 1 AS lvl, CAST(label AS TEXT) AS path FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, n.parent, t.lvl + 1, CONCAT(t.path, '/', n.label) FROM nodes n INNER JOIN t ON t.id = n.parent WHERE t.lvl < 3 AND n.label IS NOT NULL) SELECT t.lvl, COUNT(*), STRING_AGG(path, ';' ORDER BY path) FROM t GROUP BY t.lvl ORDER BY 1
WITH RECURSIVE sub AS (SELECT id AS root, id, weight FROM nodes UNION ALL SELECT s.root, n.id, n.weight FROM nodes n JOIN sub s ON n.parent = s.id WHERE n.id <> s.root AND n.id NOT IN (8, 9)) SELECT root, SUM(weight) AS w, COUNT(*) AS n FROM sub GROUP BY root HAVING COUNT(*) > 1 ORDER BY 1
WITH RECURSIVE cnt (n, f) AS (SELECT 1, 1 UNION ALL SELECT n + 1, f * (n + 1) FROM cnt WHERE n < 10) SELECT n, f FROM cnt ORDER BY n DESC LIMIT 3
WITH a AS (SELECT channel, SUM(total) AS s FROM orders GROUP BY channel), b AS (SELECT AVG(s) AS m FROM a), c AS (SELECT a.channel, a.s - b.m AS d FROM a CROSS JOIN b) SELECT x.channel, x.d, y.d AS other, (SELECT MAX(s) FROM a) AS mx FROM c x LEFT JOIN c y ON y.d > x.d ORDER BY 1, 3
WITH big AS (SELECT id, customer_id FROM orders WHERE total > 90) SELECT (SELECT COUNT(*) FROM big), (SELECT COUNT(DISTINCT customer_id) FROM big), COUNT(*) FROM customers WHERE id IN (SELECT customer_id FROM big)
SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT id, total t FROM orders WHERE id < 40) a WHERE t > 5) b WHERE id % 2 = 0) c WHERE t < 100 ORDER BY t DESC, id
SELECT s.ch, s.n, s.n * 100.0 / t.n AS pct FROM (SELECT channel AS ch, COUNT(*) AS n FROM orders GROUP BY channel) s, (SELECT COUNT(*) AS n FROM orders) t ORDER BY 1
SELECT user_id, kind, LEAD(kind) OVER w AS nxt, EXTRACT(EPOCH FROM LEAD(at) OVER w - at) AS gap, NTH_VALUE(kind, 2) OVER w AS second FROM events WHERE user_id IS NOT NULL AND at IS NOT NULL WINDOW w AS (PARTITION BY user_id ORDER BY at, id) ORDER BY user_id, at, id
WITH x AS (SELECT user_id, kind, at, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY at, id) - ROW_NUMBER() OVER (PARTITION BY user_id, kind ORDER BY at, id) AS grp FROM events) SELECT user_id, kind, grp, COUNT(*) AS n FROM x GROUP BY 1, 2, 3 HAVING COUNT(*) > 1 ORDER BY n DESC, 1, 2, 3
SELECT user_id, COUNT(*) FILTER (WHERE ms > 100) * 1.0 / COUNT(*) AS slow, SUM(ms) FILTER (WHERE kind = 'view') AS v, MAX(at) FILTER (WHERE kind = 'buy') AS lastbuy FROM events GROUP BY user_id ORDER BY slow DESC, user_id
SELECT at::DATE AS day, kind, COUNT(*) AS n, SUM(COUNT(*)) OVER (PARTITION BY kind ORDER BY at::DATE) AS cum FROM events WHERE at IS NOT NULL AND kind IS NOT NULL GROUP BY at::DATE, kind ORDER BY kind, day
SELECT day, n, AVG(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS ma7, n - LAG(n, 7) OVER (ORDER BY day) AS wow FROM (SELECT DATE_TRUNC('day', at) AS day, COUNT(*) AS n FROM events WHERE at IS NOT NULL GROUP BY 1) d ORDER BY day
SELECT FLOOR(total / 50) * 50 AS bucket, COUNT(*) FROM orders WHERE total IS NOT NULL GROUP BY FLOOR(total / 50) * 50 ORDER BY bucket
SELECT VAR_POP(total), VAR_SAMP(total), STDDEV_POP(total), STDDEV_SAMP(total), VARIANCE(total) FROM orders WHERE channel = 'web'
SELECT BIT_AND(qty), BIT_OR(qty), BOOL_OR(qty > 5), EVERY(qty > 0) FROM orders
SELECT c.id FROM customers c WHERE (c.country = 'US' OR c.vip) AND NOT (c.plan = 'free' AND c.score > 2) ORDER BY c.id
SELECT id, vip IS TRUE, vip IS NOT FALSE, NOT vip, vip AND score > 1, vip OR score > 1 FROM customers ORDER BY id
SELECT id, country = 'US' AS us, country IN ('US', NULL) AS a, country NOT IN ('US', NULL) AS b, NULL IN (SELECT id FROM customers WHERE id > 100) AS e FROM customers ORDER BY id
SELECT id, name FROM customers WHERE name > 'H' ORDER BY name DESC, id
SELECT id, plan IS DISTINCT FROM country, country IS NOT DISTINCT FROM 'US' FROM customers ORDER BY id
SELECT id FROM customers WHERE country BETWEEN 'A' AND 'F' AND score NOT BETWEEN 0 AND 3 ORDER BY id
SELECT id FROM customers WHERE score BETWEEN SYMMETRIC 5 AND 0 ORDER BY id
SELECT MIN(birth), MAX(birth), COUNT(DISTINCT EXTRACT(MONTH FROM birth)) FROM customers
SELECT id, birth + INTERVAL '1 year' AS next, MAKE_DATE(2025, EXTRACT(MONTH FROM birth)::INT, 1) AS bm FROM customers WHERE birth IS NOT NULL ORDER BY id
SELECT DATE '2024-03-31' - INTERVAL '1 month' AS a, TIMESTAMP '2024-01-31 10:00' + INTERVAL '1 month 1 day 2 hours' AS b, DATE_TRUNC('month', DATE '2024-02-15') + INTERVAL '1 month' - INTERVAL '1 day' AS eom
SELECT EXTRACT(EPOCH FROM INTERVAL '2 days 3 hours') AS a, EXTRACT(HOUR FROM TIMESTAMP '2024-02-29 23:59:59') AS b, EXTRACT(DECADE FROM DATE '1999-01-01') AS c, EXTRACT(CENTURY FROM DATE '2000-12-31') AS d, EXTRACT(MILLISECONDS FROM TIMESTAMP '2024-01-01 00:00:01.5') AS e
SELECT DATE '2024-03-01' - DATE '2024-02-01' AS d @@ SELECT DATEDIFF(DATE '2024-03-01', DATE '2024-02-01') AS d
SELECT id FROM orders WHERE EXTRACT(MONTH FROM ordered_at) = 2 AND EXTRACT(DAY FROM ordered_at) >= 28 ORDER BY id
SELECT id FROM orders WHERE ordered_at::DATE = DATE '2024-02-29' OR TO_CHAR(ordered_at, 'YYYY-MM') = '2024-07' ORDER BY id
SELECT id FROM orders WHERE ordered_at > TIMESTAMP '2024-06-01' AND ordered_at <= TIMESTAMP '2024-06-01' + INTERVAL '30 days' AND shipped_at IS NULL ORDER BY id
SELECT id, COALESCE(EXTRACT(DAY FROM shipped_at - ordered_at), -1) AS days FROM orders ORDER BY id
SELECT channel || ':' || status AS k, COUNT(*) FROM orders GROUP BY channel || ':' || status ORDER BY k
SELECT CONCAT_WS('-', channel, status, qty::TEXT) AS k FROM orders ORDER BY id
SELECT id, name || NULL, COALESCE(name, '') || '!' FROM customers ORDER BY id
SELECT LENGTH('Zoë'), CHAR_LENGTH('日本'), OCTET_LENGTH('日本'), SUBSTR('Zoë日本', 3, 2), POSITION('本' IN '日本'), LEFT('abc', -1), RIGHT('abc', -2), REVERSE('Zoë'), MD5('x') IS NOT NULL @@ SELECT LENGTH('Zoë'), CHAR_LENGTH('日本'), OCTET_LENGTH('日本'), SUBSTR('Zoë日本', 3, 2), POSITION('本' IN '日本'), LEFT('abc', -1), RIGHT('abc', -2), REVERSE('Zoë'), TRUE
SELECT 5 = ANY (ARRAY[1,5]), 5 > ALL (ARRAY[1,NULL]), 1 = ALL (ARRAY[]::INT[]), ARRAY[1,2] @> ARRAY[2], ARRAY[2] <@ ARRAY[1,2], ARRAY[1] && ARRAY[2], ARRAY[1,2] < ARRAY[1,3], ARRAY[1] = ARRAY[1.0]::INT[]
SELECT 7 % 3, -7 % 3, 2 ^ 10, 5 & 3, 5 | 3, ~5, 1 << 4, |/ 25.0, @ -5.0, 5 / 2.0 @@ SELECT 7 % 3, -7 % 3, 2 ^ 10, 5 & 3, 5 | 3, ~5, 1 << 4, SQRT(25.0), ABS(-5.0), 5 / 2.0
SELECT ROUND(2.567::NUMERIC, 2), ROUND(-2.5::NUMERIC), TRUNC(2.999::NUMERIC, 1), CEIL(-1.5), LN(1), LOG(100), LOG(2, 8), EXP(0), PI(), MOD(10, 4), GCD(12, 18), LCM(4, 6), FACTORIAL(5), DIV(7, 2) @@ SELECT ROUND(2.567::NUMERIC, 2), ROUND(-2.5::NUMERIC), TRUNC(2.999::NUMERIC, 1), CEIL(-1.5), LN(1), LOG(100), LOG(2, 8), EXP(0), PI(), MOD(10, 4), 6, 12, 120, DIV(7, 2)
SELECT DISTINCT channel, status FROM orders ORDER BY channel NULLS FIRST, status DESC
SELECT DISTINCT channel FROM orders ORDER BY channel DESC LIMIT 2
SELECT COUNT(DISTINCT (channel, status)) FROM orders
SELECT SUM(DISTINCT qty), AVG(DISTINCT total), ARRAY_AGG(DISTINCT qty ORDER BY qty DESC) FILTER (WHERE qty IS NOT NULL) FROM orders
SELECT channel, (ARRAY_AGG(id ORDER BY total DESC NULLS LAST, id))[1:3] AS top FROM orders GROUP BY channel ORDER BY 1
SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id HAVING COUNT(*) FILTER (WHERE status = 'paid') >= 3 AND MIN(total) < 20 ORDER BY n DESC, 1
SELECT c.id, o.n FROM customers c JOIN (SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id HAVING COUNT(*) > 3) o ON o.customer_id = c.id ORDER BY o.n DESC, c.id
SELECT a.id, b.id AS b FROM orders a JOIN orders b ON b.customer_id = a.customer_id AND b.ordered_at > a.ordered_at AND NOT EXISTS (SELECT 1 FROM orders m WHERE m.customer_id = a.customer_id AND m.ordered_at > a.ordered_at AND m.ordered_at < b.ordered_at) ORDER BY 1, 2
SELECT c.id, o.id FROM customers c RIGHT JOIN orders o ON o.customer_id = c.id AND c.country = 'US' WHERE o.id < 20 ORDER BY 2
SELECT c.id, o.id, i.id FROM customers c LEFT JOIN (orders o JOIN items i ON i.order_id = o.id AND i.n > 2) ON o.customer_id = c.id ORDER BY 1, 2, 3
SELECT * FROM products p NATURAL JOIN (SELECT sku, COUNT(*) AS n FROM items GROUP BY sku) x ORDER BY p.sku @@ SELECT p.sku, p.title, p.category, p.price, p.parent, p.dims, x.n FROM products p JOIN (SELECT sku, COUNT(*) AS n FROM items GROUP BY sku) x USING (sku) ORDER BY p.sku
SELECT sku, p.price, i.price FROM products p FULL JOIN items i USING (sku) ORDER BY sku, 3, 2
SELECT p.sku, i.id FROM products p, items i WHERE i.sku = p.sku AND i.price = p.price ORDER BY 2
SELECT a.label, b.label FROM nodes a CROSS JOIN nodes b WHERE a.weight + b.weight = 6 ORDER BY 1, 2
SELECT c.id, l.m, l.n FROM customers c, LATERAL (SELECT MAX(total) AS m, COUNT(*) AS n FROM orders o WHERE o.customer_id = c.id) l WHERE l.n > 2 ORDER BY l.m DESC NULLS LAST, c.id
SELECT c.id, x.k, x.v FROM customers c CROSS JOIN LATERAL (VALUES ('plan', c.plan), ('country', c.country)) AS x(k, v) ORDER BY 1, 2
SELECT c.id, l1.id, l2.n FROM customers c LEFT JOIN LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.id LIMIT 1) l1 ON TRUE LEFT JOIN LATERAL (SELECT COUNT(*) AS n FROM items i WHERE i.order_id = l1.id) l2 ON TRUE ORDER BY c.id
SELECT id FROM orders WHERE status = 'paid' UNION ALL SELECT id FROM orders WHERE channel = 'web' ORDER BY id DESC LIMIT 7
SELECT 'x' AS a, NULL AS b UNION ALL SELECT 'y', '2' UNION SELECT 'x', NULL ORDER BY a
(SELECT id FROM orders ORDER BY total DESC NULLS LAST, id LIMIT 3) EXCEPT (SELECT id FROM orders WHERE channel = 'web') ORDER BY 1
SELECT m, SUM(n) FROM (SELECT DATE_TRUNC('month', ordered_at) AS m, 1 AS n FROM orders UNION ALL SELECT DATE_TRUNC('month', signup), -1 FROM customers) u GROUP BY m ORDER BY m
SELECT id, CASE WHEN total IS NULL THEN 'n' WHEN total < 0 THEN 'neg' WHEN total BETWEEN 0 AND 50 THEN 'low' ELSE CASE WHEN qty > 2 THEN 'hi+' ELSE 'hi' END END AS band FROM orders ORDER BY band, id
SELECT COUNT(*) FILTER (WHERE total IS NULL) AS nulls, COUNT(*) - COUNT(discount) AS nd, AVG(COALESCE(discount, 0)) AS d, SUM(total * (1 - COALESCE(discount, 0) / 100)) AS net FROM orders
SELECT id, ROW_NUMBER() OVER () > 0, COUNT(*) OVER () FROM customers WHERE id < 5 ORDER BY id
SELECT id, SUM(SUM(total)) OVER (ORDER BY id) FROM orders WHERE id < 6 GROUP BY id ORDER BY id
SELECT o.*, c.name AS cname FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id IN (1, 2, 3) ORDER BY o.id @@ SELECT o.id, o.customer_id, o.ordered_at, o.shipped_at, o.status, o.total, o.discount, o.channel, o.qty, c.name AS cname FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id IN (1, 2, 3) ORDER BY o.id
SELECT DISTINCT ON (channel) channel, id, COUNT(*) OVER (PARTITION BY channel) AS n FROM orders ORDER BY channel, total DESC NULLS LAST, id
SELECT x.channel, x.share FROM (SELECT channel, total / SUM(total) OVER (PARTITION BY channel) AS share, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY total DESC NULLS LAST, id) AS r FROM orders) x WHERE r <= 1 ORDER BY 1
SELECT LAST_VALUE(id) OVER (PARTITION BY channel ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l, id FROM orders ORDER BY id LIMIT 10
SELECT id, SUM(total) OVER (ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS g, SUM(total) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS e FROM orders ORDER BY id
SELECT TRUE AS t WHERE 1 = 1 AND NOT EXISTS (SELECT 1 FROM orders WHERE id < 0)
SELECT (SELECT id FROM orders WHERE id = -1) IS NULL AS n, EXISTS (SELECT 1 FROM orders) AS e, (SELECT COUNT(*) FROM orders WHERE FALSE) AS z
SELECT id FROM orders WHERE total = (SELECT MAX(total) FROM orders) AND qty IN (SELECT DISTINCT qty FROM orders WHERE total < 20) ORDER BY id LIMIT (SELECT COUNT(*) FROM nodes WHERE parent IS NULL)
SELECT value, date, "order", "Weird Name" AS "weird name" FROM odd WHERE value IS NOT NULL ORDER BY "order" NULLS FIRST, date DESC
SELECT "odd"."a.b" AS n, count(*) FROM "odd" GROUP BY "odd"."a.b" HAVING count(*) >= 1 ORDER BY n
SELECT "Weird Name" || '$' || "$v" AS x FROM odd WHERE "$v" LIKE '$%' ORDER BY 1
SELECT t.date::DATE AS date, t.value AS value FROM (SELECT date, value FROM odd) t ORDER BY date NULLS FIRST
SELECT id FROM customers WHERE plan = 'team' OR plan = 'free' AND country = 'US' OR NOT vip ORDER BY id
SELECT id FROM orders WHERE total::INT % 2 = 0 AND total::TEXT LIKE '1%' ORDER BY id
SELECT COALESCE(c.country, 'none') AS country, COALESCE(c.plan, 'none') AS plan, COUNT(DISTINCT c.id) AS n, COUNT(o.id) AS orders, COALESCE(SUM(o.total), 0) AS rev FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status = 'paid' GROUP BY 1, 2 ORDER BY rev DESC, 1, 2
SELECT c.id, COUNT(o.id) AS freq, MAX(o.ordered_at) AS recency, NTILE(4) OVER (ORDER BY COALESCE(SUM(o.total), 0) DESC, c.id) AS m FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id
SELECT x.id, x.u FROM (SELECT id, user_id AS u, kind, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY at DESC NULLS LAST, id) AS r, COUNT(*) OVER (PARTITION BY user_id, kind) AS n FROM events) x WHERE x.u IN (2, 3) AND x.r <= 2 ORDER BY x.u, x.r
SELECT x.id FROM (SELECT id, user_id AS u, SUM(ms) OVER (PARTITION BY user_id ORDER BY id) AS s FROM events) x WHERE x.u IS NULL OR x.u > 5 ORDER BY x.id
SELECT x.id, x.n FROM (SELECT id, user_id, kind, COUNT(*) OVER (PARTITION BY kind) AS n FROM events) x WHERE x.user_id = 3 AND x.kind <> 'view' ORDER BY x.id
SELECT id FROM customers WHERE attrs @> '{"addr": {"city": "Rome"}, "flags": ["x"]}' ORDER BY id
SELECT id FROM customers WHERE NOT attrs @> '{"lang": "en", "addr": {"geo": [1]}}' ORDER BY id
SELECT id, attrs @> '{"lang": "en"}' AS a, attrs @> '{"lang": null}' AS b, attrs->'flags' @> '"x"' AS c, '["x"]' <@ (attrs->'flags') AS d, attrs @> '{}' AS e FROM customers ORDER BY id
SELECT id FROM events WHERE props @> '{"l": [{"k": "q"}]}' ORDER BY id
SELECT a.id, b.id FROM customers a JOIN customers b ON a.attrs @> b.attrs AND a.id <> b.id ORDER BY 1, 2
SELECT id, attrs || '{"z": {"y": 1}}' AS j, '{"lang": "q"}' || attrs AS k FROM customers ORDER BY id
SELECT id, jsonb_set(attrs, '{addr,city}', '"X"') AS j, jsonb_set(attrs, '{n}', '7') AS k FROM customers ORDER BY id
SELECT id, tags || ARRAY['z'] AS a, ARRAY['z'] || tags AS b, ARRAY['z'] || name AS c FROM customers WHERE tags IS NOT NULL AND name IS NOT NULL ORDER BY id
SELECT o.id, ARRAY[]::INT[] || o.qty AS a, ARRAY[o.id]::TEXT[] AS b FROM orders o WHERE o.qty IS NOT NULL ORDER BY o.id LIMIT 10
SELECT id FROM customers WHERE country = ANY ('{US,BR}'::TEXT[]) ORDER BY id
SELECT id FROM customers WHERE tags @> '{a}'::TEXT[] ORDER BY id
SELECT id, attrs - 'addr' - 'flags' AS j FROM customers ORDER BY id
SELECT id FROM customers WHERE STARTS_WITH(email, 'bo.x') OR STARTS_WITH(name, '') AND vip ORDER BY id
SELECT id FROM customers WHERE NOT STARTS_WITH(email, 'D_o') ORDER BY id
"""

QUERIES = tuple((line.split(" @@ ")[0], line.split(" @@ ")[-1]) for line in _TEXT.strip().splitlines())
