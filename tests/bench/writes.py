"""Speed of UPDATE, UPSERT and DELETE with an archive, as ratios to the same work written by hand with the driver.

UPSERT is also held against what applications do who don't know $merge: fetch what was aggregated, and write it back.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient, UpdateOne, WriteConcern

from sqlbulk.session import Session, connect

NOW = datetime(2025, 12, 14, 12, 34, 56, tzinfo=UTC)
DATABASE = "sqlbulk_bench"
BOUNDS = {"UPDATE": 1.2, "UPSERT": 1.1, "DELETE with archive": 1.5}
TIMES_FASTER = 3
"""So much faster UPSERT is to be than fetching and writing back into a collection without an index on the key."""
BATCH = 10_000
DEVICES = ("desktop", "mobile", "tablet")
EVENTS = ("page_view", "button_click", "purchase")

Row = tuple[str, str, str, str, bool]

UPDATE = """
BULK UPDATE user_analytics
SET
    metrics.total_events = metrics.total_events + 1,
    metrics.total_value = metrics.total_value + JSON_EXTRACT(event_data, '$.amount'),
    metrics.last_activity = CURRENT_TIMESTAMP,
    engagement_level = CASE
        WHEN metrics.total_events + 1 >= 100 THEN 'high' WHEN metrics.total_events + 1 >= 50 THEN 'medium' ELSE 'low' END,
    event_history = JSON_ARRAY_APPEND(COALESCE(event_history, JSON_ARRAY()), '$', JSON_OBJECT(
        'event_type', event_type, 'timestamp', timestamp, 'value', JSON_EXTRACT(event_data, '$.amount'))),
    device_stats = JSON_SET(
        COALESCE(device_stats, JSON_OBJECT()), CONCAT('$.', JSON_EXTRACT(device_info, '$.type'), '_events'),
        COALESCE(JSON_EXTRACT(device_stats, CONCAT('$.', JSON_EXTRACT(device_info, '$.type'), '_events')), 0) + 1)
WHERE timestamp >= CURRENT_DATE - INTERVAL '7 days' AND event_type IN ('page_view', 'button_click', 'purchase')
    AND JSON_EXTRACT(device_info, '$.type') IS NOT NULL
WITH BATCH_CONFIG (batch_size = 2000, max_execution_time = 300, retry_attempts = 3, parallel_workers = 5,
                   memory_limit = '1GB')
"""

UPSERT = """
BULK UPSERT INTO user_daily_summaries (user_id, summary_date, metrics, last_updated)
WITH daily AS (
    SELECT user_id, DATE(timestamp) AS summary_date, COUNT(*) AS total_events,
        COUNT(DISTINCT session_id) AS unique_sessions,
        SUM(COALESCE(JSON_EXTRACT(event_data, '$.amount'), 0)) AS total_value,
        AVG(COALESCE(JSON_EXTRACT(event_data, '$.amount'), 0)) AS avg_value,
        COUNT(*) FILTER (WHERE event_type = 'purchase') AS purchases,
        JSON_OBJECT('desktop', COUNT(*) FILTER (WHERE JSON_EXTRACT(device_info, '$.type') = 'desktop'),
                    'mobile', COUNT(*) FILTER (WHERE JSON_EXTRACT(device_info, '$.type') = 'mobile')) AS devices
    FROM user_analytics WHERE timestamp >= CURRENT_DATE - INTERVAL '1 day' GROUP BY user_id, DATE(timestamp)
)
SELECT user_id, summary_date, JSON_OBJECT(
        'events', JSON_OBJECT('total', total_events, 'purchases', purchases),
        'sessions', unique_sessions,
        'financial', JSON_OBJECT('total_value', total_value, 'avg_value', avg_value,
                                 'purchase_rate', purchases / total_events::float),
        'devices', devices) AS metrics,
    CURRENT_TIMESTAMP AS last_updated
FROM daily
ON CONFLICT (user_id, summary_date) DO UPDATE SET
    metrics = EXCLUDED.metrics, last_updated = VALUES(last_updated), update_count = COALESCE(update_count, 0) + 1
"""

DELETE = """
BULK DELETE FROM user_analytics WHERE timestamp >= DATE '2025-01-01' AND event_type <> 'payment'
WITH ARCHIVAL_STRATEGY (archive_collection = 'archived')
WITH DELETE_OPTIONS (batch_size = 10000, max_execution_time = 1800, parallel_deletion = true)
"""


def measure(uri: str, *, rows: int, repeat: int) -> list[Row]:
    """What was measured: name, found, wanted, detail, whether it is enough."""
    client: MongoClient[dict[str, Any]] = MongoClient(uri, tz_aware=True)
    database = client[DATABASE]
    by_hand: dict[str, Callable[[Any], None]] = {
        "UPDATE": update_by_hand, "UPSERT": upsert_by_hand, "DELETE with archive": delete_by_hand}
    statements = {"UPDATE": UPDATE, "UPSERT": UPSERT, "DELETE with archive": DELETE}
    raw: dict[str, list[float]] = {name: [] for name in BOUNDS}
    ours: dict[str, list[float]] = {name: [] for name in BOUNDS}
    fetched: dict[bool, list[float]] = {True: [], False: []}
    with connect(uri, database=DATABASE, now=NOW) as session:
        for _ in range(repeat):
            for name, work in by_hand.items():
                raw[name].append(_timed(database, rows, lambda work=work: work(database)))
                wanted = _left(database)
                ours[name].append(_timed(database, rows, lambda name=name: _run(session, statements[name])))
                assert _left(database) == wanted, f"{name} left {_left(database)}, by hand {wanted}"
            for indexed, times in fetched.items():
                times.append(_timed(database, rows, lambda: upsert_fetched(database), indexed=indexed))
    client.drop_database(DATABASE)
    client.close()
    return [*(_row(name, statistics.median(raw[name]), statistics.median(ours[name]), rows) for name in BOUNDS),
            _row_fetched(ours["UPSERT"], fetched)]


def _event(number: int) -> dict[str, Any]:
    return {
        "_id": number, "user_id": f"user_{number % 5000:04d}", "session_id": f"session_{number % 15000}",
        "event_type": EVENTS[number % 3], "timestamp": NOW - timedelta(seconds=number % 40_000),
        "event_data": {"amount": number % 250 + 0.5, "duration": number % 500},
        "device_info": {"type": DEVICES[number % 7 % 3], "device_id": f"device_{number % 9000}"},
        "location_data": {"country": "US", "city": "A"}, "device_stats": {"mobile_events": number % 5, "other": 1},
        "metrics": {"total_events": number % 120, "total_value": number % 900 + 0.25},
        "event_history": [{"event_type": "page_view", "timestamp": NOW, "value": None}],
    }


def _run(session: Session, statement: str) -> None:
    summary = session.execute(statement).summary
    assert summary is not None and summary.rejected == summary.kept == 0


def _left(database: Any) -> tuple[Any, ...]:
    """A digest of what is stored: counts, and sums that every row counts in."""
    sums = database.user_analytics.aggregate([{"$group": {
        "_id": None, "n": {"$sum": 1}, "events": {"$sum": "$metrics.total_events"}, "value": {"$sum": "$metrics.total_value"},
        "history": {"$sum": {"$size": "$event_history"}}, "mobile": {"$sum": "$device_stats.mobile_events"}}}])
    summaries = database.user_daily_summaries.aggregate([{"$group": {
        "_id": None, "n": {"$sum": 1}, "events": {"$sum": "$metrics.events.total"}, "again": {"$sum": "$update_count"},
        "value": {"$sum": "$metrics.financial.total_value"}, "mobile": {"$sum": "$metrics.devices.mobile"}}}])
    return list(sums), list(summaries), database.archived.count_documents({})


def _timed(database: Any, rows: int, run: Callable[[], Any], *, indexed: bool = True) -> float:
    for name in ("user_analytics", "user_daily_summaries", "archived"):
        database.drop_collection(name)
    database.user_analytics.insert_many([_event(number) for number in range(rows)], ordered=False)
    # half of the summaries are there already
    keys = [{"user_id": f"user_{n:04d}", "summary_date": NOW.replace(hour=0, minute=0, second=0)} for n in range(2500)]
    database.user_daily_summaries.insert_many([{**key, "update_count": 1} for key in keys])
    if indexed:
        database.user_daily_summaries.create_index([("user_id", 1), ("summary_date", 1)], unique=True)
    gc.collect()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def update_by_hand(database: Any) -> None:
    """UPDATE as one update_many."""
    kind: Any = {"$concat": ["$device_info.type", "_events"]}
    old = {"$first": {"$filter": {
        "input": {"$objectToArray": {"$ifNull": ["$device_stats", {}]}}, "cond": {"$eq": ["$$this.k", kind]}}}}
    events = {"$add": ["$metrics.total_events", 1]}
    item = {"event_type": "$event_type", "timestamp": "$timestamp", "value": "$event_data.amount"}
    database.user_analytics.update_many(
        {"timestamp": {"$gte": NOW.replace(hour=0, minute=0, second=0) - timedelta(days=7)},
         "event_type": {"$in": list(EVENTS)}, "device_info.type": {"$ne": None}},
        [{"$set": {
            "metrics.total_events": events,
            "metrics.total_value": {"$add": ["$metrics.total_value", "$event_data.amount"]},
            "metrics.last_activity": NOW,
            "engagement_level": {"$switch": {"branches": [
                {"case": {"$gte": [events, 100]}, "then": "high"}, {"case": {"$gte": [events, 50]}, "then": "medium"}],
                "default": "low"}},
            "event_history": {"$concatArrays": [{"$ifNull": ["$event_history", []]}, [item]]},
            "device_stats": {"$mergeObjects": ["$device_stats", {"$arrayToObject": [[{
                "k": kind, "v": {"$add": [{"$ifNull": [{"$getField": {"field": "v", "input": old}}, 0]}, 1]}}]]}]},
        }}])


def upsert_by_hand(database: Any) -> None:
    """UPSERT as one pipeline that ends in $merge."""
    database.user_analytics.aggregate([
        *_summaries(),
        {"$merge": {"into": "user_daily_summaries", "on": ["user_id", "summary_date"], "whenNotMatched": "insert",
                    "whenMatched": [{"$set": {
                        "metrics": "$$new.metrics", "last_updated": "$$new.last_updated",
                        "update_count": {"$add": [{"$ifNull": ["$update_count", 0]}, 1]}}}]}},
    ])


def upsert_fetched(database: Any) -> None:
    """UPSERT as applications often have it: all summaries are fetched, and each is written back by its key."""
    changes = []
    for summary in list(database.user_analytics.aggregate(_summaries())):
        key = {name: summary[name] for name in ("user_id", "summary_date")}
        changes.append(UpdateOne(key, {"$set": summary, "$inc": {"update_count": 1}}, upsert=True))
    target = database.user_daily_summaries.with_options(write_concern=WriteConcern(w=1, j=True))
    for start in range(0, len(changes), BATCH):
        target.bulk_write(changes[start:start + BATCH], ordered=False)
    assert target.count_documents({"metrics.events.total": {"$gt": 0}}) == len(changes)


def _summaries() -> list[dict[str, Any]]:
    """The rows of UPSERT by hand."""
    def counted(condition: Any) -> Any:
        return {"$sum": {"$cond": [condition, 1, 0]}}

    amount = {"$ifNull": ["$event_data.amount", 0]}
    return [
        {"$match": {"timestamp": {"$gte": NOW.replace(hour=0, minute=0, second=0) - timedelta(days=1)}}},
        {"$group": {
            "_id": {"user": "$user_id", "day": {"$dateTrunc": {"date": "$timestamp", "unit": "day"}}},
            "total": {"$sum": 1}, "sessions": {"$addToSet": "$session_id"}, "value": {"$sum": amount},
            "average": {"$avg": amount}, "purchases": counted({"$eq": ["$event_type", "purchase"]}),
            "desktop": counted({"$eq": ["$device_info.type", "desktop"]}),
            "mobile": counted({"$eq": ["$device_info.type", "mobile"]})}},
        {"$project": {
            "_id": 0, "user_id": "$_id.user", "summary_date": "$_id.day", "last_updated": NOW, "metrics": {
                "events": {"total": "$total", "purchases": "$purchases"}, "sessions": {"$size": "$sessions"},
                "financial": {"total_value": "$value", "avg_value": "$average",
                              "purchase_rate": {"$divide": ["$purchases", "$total"]}},
                "devices": {"desktop": "$desktop", "mobile": "$mobile"}}}},
    ]


def delete_by_hand(database: Any) -> None:
    """What is to be deleted read, inserted elsewhere and deleted; nothing is proved."""
    selected = {"timestamp": {"$gte": datetime(2025, 1, 1, tzinfo=UTC)}, "event_type": {"$ne": "payment"}}
    marks = {"archived_at": NOW, "archive_reason": None, "original_collection": "user_analytics"}
    database.archived.insert_many([{**document, **marks} for document in database.user_analytics.find(selected)])
    database.user_analytics.delete_many(selected)


def _row(name: str, raw: float, ours: float, rows: int) -> Row:
    ratio = ours / raw
    detail = f"{ours:.2f} s; by hand {raw:.2f} s for {rows:,} documents"
    return f"{name}, time", f"{ratio:.2f} ×", f"≤ {BOUNDS[name]} ×", detail, ratio <= BOUNDS[name]


def _row_fetched(ours: list[float], fetched: dict[bool, list[float]]) -> Row:
    own, indexed, bare = (statistics.median(times) for times in (ours, fetched[True], fetched[False]))
    detail = f"{own:.2f} s; fetched and written back {bare:.2f} s, with an index on the key {indexed:.2f} s"
    return ("UPSERT, faster than fetching and writing back", f"{bare / own:.1f} ×", f"≥ {TIMES_FASTER} ×", detail,
            bare / own >= TIMES_FASTER)
