"""The typical queries: each in SQL, and as the pipeline that someone writes by hand who knows the data.

What is known of the data is what the tables declare: fields that are NOT NULL need no care; `coupon`, `score`,
`sensor` and `code` may be null or missing. `customers.id` and `orders.customer` have an index, the other collections none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A query, its pipeline by hand, and whether the order of the rows counts. `limit` is in times the hand's time."""

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
        ({"$match": {"status": "paid"}}, {"$lookup": _BY_CUSTOMER}, {"$unwind": "$c"},
         {"$project": {"_id": 0, "id": 1, "amount": 1, "name": "$c.name"}}),
        ("id", "amount", "name")),
    Case(
        "left join",
        "SELECT o.id, o.amount, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer WHERE o.status = 'paid'",
        "orders",
        ({"$match": {"status": "paid"}}, {"$lookup": _BY_CUSTOMER},
         {"$unwind": {"path": "$c", "preserveNullAndEmptyArrays": True}},
         {"$project": {"_id": 0, "id": 1, "amount": 1, "name": "$c.name"}}),
        ("id", "amount", "name")),
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
)
