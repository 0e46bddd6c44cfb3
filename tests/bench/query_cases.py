"""The typical queries: each in SQL, and as the pipeline that someone writes by hand who knows the data.

What is known of the data is what the tables declare: fields that are NOT NULL need no care; `coupon`, `score`,
`sensor` and `code` may be null or missing. `customers.id` and `orders.customer` have an index, the other collections none.
Between a $lookup and its $unwind stands a $match: without it the server can't hash, and takes up to twenty times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.bench.query_data import NOW

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A query, its pipeline by hand, and whether the order of the rows counts. `limit` is in times the hand's time.

    A join with groups may take longer: by hand all rows of a key go through one array, which not all data allows.
    Without `same_rows` the pipeline is a measure only: one plain $group with the same figures but those of subqueries.
    """

    name: str
    sql: str
    collection: str
    pipeline: tuple[Stage, ...]
    columns: tuple[str, ...]
    ordered: bool = False
    limit: float = 1.15
    seconds: float | None = None
    same_rows: bool = True


def _group_columns(*names: str) -> Stage:
    return {"$project": {"_id": 0, **{n: f"$_id.{n}" for n in names}}}


_BY_CUSTOMER = {"from": "customers", "localField": "customer", "foreignField": "id", "as": "c"}

DAILY = """
WITH days AS (
    SELECT visitor, DATE(moment) AS day, COUNT(*) AS actions, COUNT(DISTINCT visit) AS visits,
        COUNT(DISTINCT JSON_EXTRACT(machine, '$.id')) AS machines, SUM(COALESCE(JSON_EXTRACT(data, '$.price'), 0)) AS spent,
        AVG(COALESCE(JSON_EXTRACT(data, '$.price'), 0)) AS spent_each,
        SUM(COALESCE(JSON_EXTRACT(data, '$.seconds'), 0)) AS seconds,
        COUNT(*) FILTER (WHERE kind = 'buy') AS bought, COUNT(*) FILTER (WHERE kind = 'view') AS viewed,
        JSON_ARRAYAGG(DISTINCT JSON_EXTRACT(place, '$.land'))
            FILTER (WHERE JSON_EXTRACT(place, '$.land') IS NOT NULL) AS lands,
        JSON_OBJECT('desk', COUNT(*) FILTER (WHERE JSON_EXTRACT(machine, '$.form') = 'desk'),
            'phone', COUNT(*) FILTER (WHERE JSON_EXTRACT(machine, '$.form') = 'phone')) AS forms,
        JSON_OBJECT('early', COUNT(*) FILTER (WHERE EXTRACT(HOUR FROM moment) BETWEEN 0 AND 11),
            'late', COUNT(*) FILTER (WHERE EXTRACT(HOUR FROM moment) BETWEEN 12 AND 23)) AS hours,
        COUNT(*) * 1.0 + COUNT(*) FILTER (WHERE kind = 'buy') * 4.0 AS weight,
        AVG(lasting.seconds) AS visit_seconds, MAX(sizes.n) AS longest
    FROM activity a
    LEFT JOIN LATERAL (SELECT (MAX(moment) - MIN(moment)) / 1000.0 AS seconds FROM activity b
        WHERE b.visitor = a.visitor AND b.visit = a.visit) lasting ON TRUE
    LEFT JOIN LATERAL (SELECT COUNT(*) AS n FROM activity c
        WHERE c.visitor = a.visitor AND c.visit = a.visit) sizes ON TRUE
    WHERE moment >= CURRENT_DATE - INTERVAL '2 days'
    GROUP BY visitor, DATE(moment)
)
SELECT visitor, day,
    JSON_OBJECT('actions', actions, 'bought', bought, 'viewed', viewed, 'visits', visits, 'longest', longest,
        'seconds', visit_seconds, 'share', bought / actions::float, 'forms', forms, 'lands', lands,
        'land_count', JSON_LENGTH(lands), 'machines', machines) AS figures,
    JSON_OBJECT('kind', CASE WHEN weight >= 100 AND spent >= 100 THEN 'best' WHEN weight >= 50 THEN 'good' ELSE 'new' END,
        'habit', CASE WHEN JSON_EXTRACT(hours, '$.early') / actions::float > 0.5 THEN 'early' ELSE 'late' END,
        'chance', LEAST(1.0, bought / actions::float * 2 + spent / 1000.0)) AS judged,
    CURRENT_TIMESTAMP AS made
FROM days
"""
"""A summary of a day for each visitor, with figures of the visits from two correlated subqueries."""

HOURLY = """
SELECT s.number, DATE_TRUNC('hour', m.taken) AS hour, COUNT(*), MIN(m.heat), MAX(m.heat), AVG(m.heat)
FROM samples m JOIN stations s ON s.number = m.station
WHERE m.taken >= CURRENT_TIMESTAMP - INTERVAL '24 hours' AND m.done = FALSE
GROUP BY s.number, DATE_TRUNC('hour', m.taken)
"""
"""The hours of each station, which are few and have no index."""

_COUNTED: dict[str, Any] = {
    "bought": {"$eq": ["$kind", "buy"]}, "viewed": {"$eq": ["$kind", "view"]},
    "desk": {"$eq": ["$machine.form", "desk"]}, "phone": {"$eq": ["$machine.form", "phone"]},
    "early": {"$lt": [{"$hour": "$moment"}, 12]}, "late": {"$gte": [{"$hour": "$moment"}, 12]},
}

CASES: tuple[Case, ...] = (
    Case(
        "filter",
        "SELECT id, amount, coupon FROM orders WHERE status = 'paid' AND amount >= 5000 AND coupon IS NOT NULL",
        "orders",
        ({"$match": {"status": "paid", "amount": {"$gte": 5000}, "coupon": {"$ne": None}}},
         {"$project": {"_id": 0, "id": 1, "amount": 1, "coupon": 1}}),
        ("id", "amount", "coupon")),
    Case(
        "join",
        "SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE o.status = 'paid'",
        "orders",
        ({"$match": {"status": "paid"}}, {"$lookup": _BY_CUSTOMER}, {"$match": {"c": {"$ne": []}}}, {"$unwind": "$c"},
         {"$project": {"_id": 0, "id": 1, "amount": 1, "name": "$c.name"}}),
        ("id", "amount", "name")),
    Case(
        "left join",
        "SELECT o.id, o.amount, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer WHERE o.status = 'paid'",
        "orders",
        ({"$match": {"status": "paid"}}, {"$lookup": _BY_CUSTOMER}, {"$match": {"c": {"$exists": True}}},
         {"$unwind": {"path": "$c", "preserveNullAndEmptyArrays": True}},
         {"$project": {"_id": 0, "id": 1, "amount": 1, "name": "$c.name"}}),
        ("id", "amount", "name")),
    Case(
        "join by hashing", HOURLY, "samples",
        ({"$match": {"taken": {"$gte": NOW - timedelta(days=1)}, "done": False}},
         {"$lookup": {"from": "stations", "localField": "station", "foreignField": "number", "as": "s"}},
         {"$match": {"s": {"$ne": []}}}, {"$unwind": "$s"},
         {"$group": {"_id": {"number": "$s.number", "hour": {"$dateTrunc": {"date": "$taken", "unit": "hour"}}},
                     "n": {"$sum": 1}, "low": {"$min": "$heat"}, "high": {"$max": "$heat"}, "mean": {"$avg": "$heat"}}}),
        ("_id.number", "_id.hour", "n", "low", "high", "mean")),
    Case(
        "join with groups",
        "SELECT r.id, g.n FROM readings r LEFT JOIN (SELECT code, COUNT(*) AS n FROM sensors GROUP BY code) g"
        " ON g.code = r.sensor",
        "readings",
        ({"$project": {"_id": 0, "id": 1, "k": "$sensor"}},
         {"$unionWith": {"coll": "sensors", "pipeline": [
             {"$match": {"code": {"$ne": None}}}, {"$group": {"_id": "$code", "n": {"$sum": 1}}},
             {"$project": {"_id": 0, "k": "$_id", "n": 1}}]}},
         {"$group": {"_id": "$k", "n": {"$max": "$n"}, "ids": {"$push": "$id"}}}, {"$unwind": "$ids"},
         {"$project": {"_id": 0, "id": "$ids", "n": 1}}),
        ("id", "n"), limit=2.5, seconds=1.5),
    Case(
        "group",
        "SELECT region, status, COUNT(*) AS n, SUM(amount) AS total, AVG(amount) AS mean FROM orders"
        " GROUP BY region, status",
        "orders",
        ({"$group": {"_id": {"region": "$region", "status": "$status"}, "n": {"$sum": 1},
                     "total": {"$sum": "$amount"}, "mean": {"$avg": "$amount"}}},),
        ("_id.region", "_id.status", "n", "total", "mean")),
    Case(
        "row number",
        "SELECT id, customer, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY placed DESC, id) AS n FROM orders",
        "orders",
        ({"$setWindowFields": {"partitionBy": "$customer", "sortBy": {"placed": -1, "id": 1},
                               "output": {
            "n": {"$sum": 1, "window": {"documents": ["unbounded", "current"]}}}}},
         {"$project": {"_id": 0, "id": 1, "customer": 1, "n": 1}}),
        ("id", "customer", "n")),
    Case(
        "running sum",
        "SELECT id, customer, SUM(amount) OVER (PARTITION BY customer ORDER BY id ROWS UNBOUNDED PRECEDING) AS total"
        " FROM orders",
        "orders",
        ({"$setWindowFields": {"partitionBy": "$customer", "sortBy": {"id": 1}, "output": {
            "total": {"$sum": "$amount", "window": {"documents": ["unbounded", "current"]}}}}},
         {"$project": {"_id": 0, "id": 1, "customer": 1, "total": 1}}),
        ("id", "customer", "total")),
    Case(
        "lateral",
        "SELECT c.id, l.n, l.total FROM customers c LEFT JOIN LATERAL ("
        "SELECT COUNT(*) AS n, SUM(o.amount) AS total FROM orders o WHERE o.customer = c.id AND o.status = 'paid'"
        ") l ON TRUE WHERE c.region = 'north'",
        "customers",
        ({"$match": {"region": "north"}},
         {"$lookup": {"from": "orders", "localField": "id", "foreignField": "customer", "as": "l", "pipeline": [
             {"$match": {"status": "paid"}},
             {"$group": {"_id": None, "n": {"$sum": 1}, "total": {"$sum": "$amount"}}}]}},
         {"$project": {"_id": 0, "id": 1, "n": {"$ifNull": [{"$first": "$l.n"}, 0]}, "total": {"$first": "$l.total"}}}),
        ("id", "n", "total")),
    Case(
        "not exists",
        "SELECT r.id FROM readings r WHERE NOT EXISTS (SELECT 1 FROM sensors s WHERE s.code = r.sensor)",
        "readings",
        ({"$project": {"_id": 0, "id": 1, "k": "$sensor"}},
         {"$unionWith": {"coll": "sensors", "pipeline": [
             {"$match": {"code": {"$ne": None}}}, {"$project": {"_id": 0, "k": "$code"}}]}},
         {"$group": {"_id": "$k", "ids": {"$push": "$id"}, "all": {"$sum": 1}}},
         {"$match": {"$expr": {"$eq": ["$all", {"$size": "$ids"}]}}}, {"$unwind": "$ids"},
         {"$project": {"_id": 0, "id": "$ids"}}),
        ("id",), seconds=1.5),
    Case(
        "top-n",
        "SELECT id, amount FROM orders ORDER BY amount DESC, id LIMIT 20",
        "orders",
        ({"$sort": {"amount": -1, "id": 1}}, {"$limit": 20}, {"$project": {"_id": 0, "id": 1, "amount": 1}}),
        ("id", "amount"), ordered=True),
    Case(
        "distinct", "SELECT DISTINCT region, status, coupon FROM orders", "orders",
        ({"$group": {"_id": {"region": "$region", "status": "$status",
                            "coupon": {"$ifNull": ["$coupon", None]}}}},
         _group_columns("region", "status", "coupon")),
        ("region", "status", "coupon")),
    Case(
        "union", "SELECT customer, region FROM orders UNION SELECT id, region FROM customers", "orders",
        ({"$project": {"_id": 0, "customer": 1, "region": 1}},
         {"$unionWith": {"coll": "customers", "pipeline": [{"$project": {"_id": 0, "customer": "$id", "region": 1}}]}},
         {"$group": {"_id": {"customer": "$customer", "region": "$region"}}}, _group_columns("customer", "region")),
        ("customer", "region")),
    Case(
        "in", "SELECT id, amount FROM orders WHERE customer IN (SELECT id FROM customers WHERE tier = 'gold')", "customers",
        ({"$match": {"tier": "gold"}}, {"$group": {"_id": "$id"}},
         {"$lookup": {"from": "orders", "localField": "_id", "foreignField": "customer", "as": "o"}}, {"$unwind": "$o"},
         {"$project": {"_id": 0, "id": "$o.id", "amount": "$o.amount"}}),
        ("id", "amount")),
    Case(
        "two levels",
        "SELECT region, COUNT(*) AS customers, AVG(n) AS mean, MAX(total) AS most FROM ("
        "SELECT region, customer, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY region, customer) t"
        " GROUP BY region",
        "orders",
        ({"$group": {"_id": {"region": "$region", "customer": "$customer"}, "n": {"$sum": 1},
                     "total": {"$sum": "$amount"}}},
         {"$group": {"_id": "$_id.region", "customers": {"$sum": 1}, "mean": {"$avg": "$n"}, "most": {"$max": "$total"}}}),
        ("_id", "customers", "mean", "most")),
    Case(
        "daily summary", DAILY, "activity", ({"$group": {
            "_id": {"visitor": "$visitor", "day": {"$dateTrunc": {"date": "$moment", "unit": "day"}}},
            "actions": {"$sum": 1}, "visits": {"$addToSet": "$visit"}, "machines": {"$addToSet": "$machine.id"},
            "spent": {"$sum": "$data.price"}, "spent_each": {"$avg": "$data.price"}, "seconds": {"$sum": "$data.seconds"},
            "lands": {"$addToSet": "$place.land"},
            **{name: {"$sum": {"$cond": [test, 1, 0]}} for name, test in _COUNTED.items()}}},),
        (), limit=3, same_rows=False),
)
