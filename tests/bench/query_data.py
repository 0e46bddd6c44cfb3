"""The collections that queries are measured on: typed by CREATE TABLE, filled with the same rows each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlbulk.session import Session

NOW = datetime(2026, 3, 2, tzinfo=UTC)

_TABLES = """
CREATE TABLE customers (id INTEGER NOT NULL, name VARCHAR(40) NOT NULL, tier VARCHAR(10) NOT NULL,
    region VARCHAR(10) NOT NULL, score DOUBLE);
CREATE INDEX customers_id ON customers (id);
CREATE TABLE orders (id INTEGER NOT NULL, customer INTEGER NOT NULL, status VARCHAR(10) NOT NULL,
    region VARCHAR(10) NOT NULL, amount DOUBLE NOT NULL, placed TIMESTAMP NOT NULL, coupon INTEGER);
CREATE INDEX orders_customer ON orders (customer);
CREATE TABLE readings (id INTEGER NOT NULL, sensor INTEGER);
CREATE TABLE sensors (id INTEGER NOT NULL, code INTEGER);
CREATE TABLE activity (visitor INTEGER NOT NULL, visit VARCHAR(20) NOT NULL, moment TIMESTAMP NOT NULL,
    kind VARCHAR(20) NOT NULL, machine JSON, data JSON, place JSON);
CREATE TABLE samples (station INTEGER NOT NULL, taken TIMESTAMP NOT NULL, done BOOLEAN NOT NULL, heat DOUBLE NOT NULL);
CREATE TABLE stations (number INTEGER NOT NULL, name VARCHAR(20) NOT NULL);
"""

_STATUS = ("new", "paid", "sent", "back")
_REGION = ("north", "south", "east", "west")
_STATIONS = 150
_KINDS = ("buy", "view", "click", "search")


def make(session: Session, database: Any, *, rows: int, pairs: int) -> None:
    """Fill the database: `rows` orders, events and samples, a fifth as many customers, 150 stations.

    Readings and sensors are `pairs` rows a side. Stations, readings and sensors have no index.
    """
    for _ in session.run(_TABLES):
        pass
    generator = random.Random(5)
    customers = rows // 5
    database.customers.insert_many(_customers(generator, customers))
    database.orders.insert_many(_orders(generator, rows, customers))
    database.readings.insert_many(
        {"id": i, "sensor": None if i % 97 == 0 else generator.randrange(pairs)} for i in range(pairs))
    database.sensors.insert_many(
        {"id": i, "code": None if i % 89 == 0 else generator.randrange(pairs)} for i in range(pairs))
    database.activity.insert_many(_activity(generator, rows))
    database.stations.insert_many({"number": i, "name": f"Station {i}"} for i in range(_STATIONS))
    database.samples.insert_many(_samples(generator, rows))


def _customers(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        yield {
            "id": i, "name": f"Customer {i}", "tier": "gold" if i % 20 == 0 else "plain", "region": _REGION[i % 4],
            "score": None if i % 9 == 0 else generator.random(),
        }


def _orders(generator: random.Random, count: int, customers: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        order = {
            "id": i, "customer": generator.randrange(customers + customers // 10), "status": generator.choice(_STATUS),
            "region": generator.choice(_REGION), "amount": generator.randrange(100_000) / 4,
            "placed": NOW - timedelta(seconds=generator.randrange(10_000_000)),
        }
        if i % 3:
            order["coupon"] = None if i % 2 else generator.randrange(50)
        yield order


def _activity(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        visitor = generator.randrange(max(1, count // 50))
        yield {
            "visitor": visitor, "visit": f"v{visitor}-{generator.randrange(6)}",
            "moment": NOW - timedelta(seconds=generator.randrange(86_400)), "kind": generator.choice(_KINDS),
            "machine": {"id": f"m{visitor}-{generator.randrange(3)}", "form": generator.choice(("phone", "desk", "tab"))},
            "data": {"price": generator.randrange(400) / 4, "seconds": generator.randrange(60)},
            "place": {"land": generator.choice(("de", "fr", "it", None))},
        }


def _samples(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        yield {
            "station": generator.randrange(_STATIONS + 10), "taken": NOW - timedelta(seconds=generator.randrange(100_000)),
            "done": i % 4 == 0, "heat": generator.randrange(4000) / 100,
        }
