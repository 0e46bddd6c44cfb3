"""The rows of a shop: customers, orders, events and whatever else analysts ask about, a tenth of the values NULL."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

TABLES = {
    "customers": {"id": "integer", "name": "text", "email": "text", "country": "text", "signup": "timestamp", "birth": "timestamp",
                  "plan": "text", "attrs": "jsonb", "tags": "text[]", "referrer": "integer", "vip": "boolean",
                  "score": "double precision"},
    "orders": {"id": "integer", "customer_id": "integer", "ordered_at": "timestamp", "shipped_at": "timestamp", "status": "text",
               "total": "double precision", "discount": "double precision", "channel": "text", "qty": "integer"},
    "items": {"id": "integer", "order_id": "integer", "sku": "text", "price": "double precision", "n": "integer"},
    "products": {"sku": "text", "title": "text", "category": "text", "price": "double precision", "parent": "integer", "dims": "jsonb"},
    "events": {"id": "integer", "user_id": "integer", "at": "timestamp", "kind": "text", "page": "text", "ms": "integer",
               "props": "jsonb"},
    "nodes": {"id": "integer", "parent": "integer", "label": "text", "weight": "double precision"},
    "odd": {"id": "integer", "select": "integer", "Weird Name": "text", "a.b": "integer", "$v": "text", "UPPER": "integer",
            "value": "integer", "date": "timestamp", "order": "text"},
}
Row = tuple[Any, ...]
_START = datetime(2024, 1, 1)
_chance = random.Random(42)


def _maybe(absent: float, make: Callable[[], Any]) -> Any:
    return None if _chance.random() < absent else make()


def _moment(days: int) -> datetime:
    return _START + timedelta(days=_chance.randrange(days), seconds=_chance.randrange(86_400))


def _of(*values: Any) -> Callable[[], Any]:
    return lambda: _chance.choice(values)


def _attributes() -> dict[str, Any]:
    geo = [_chance.randrange(5), _chance.randrange(5)]
    return {"lang": _of("en", "de", None)(), "n": _of(1, 2.5, 0)(), "addr": {"city": _of("Rome", "Oslo")(), "geo": geo},
            "flags": _chance.sample(["x", "y", "z"], _chance.randrange(4))}


def _customer(number: int) -> Row:
    def email() -> str:
        return f"{_of('ada', 'bo.x', 'c+y', 'D_o', 'e%e')()}{number}@{_of('ex.com', 'mail.org', 'EX.com')()}"

    return (
        number, _maybe(0.1, _of("Ada", "Bo", "Cy", "Dot", "Eve", "Gus", "ann", "O'Neil", "Zoë", "José", " Max ", "")),
        _maybe(0.15, email), _maybe(0.15, _of("DE", "FR", "US", "US", "BR")), _maybe(0.05, lambda: _moment(200)),
        _maybe(0.2, lambda: datetime(_of(1960, 1980, 1984, 2000, 2004)(), _of(1, 2, 2, 12)(), _of(1, 15, 28)())),
        _maybe(0.2, _of("free", "team", "business")), _maybe(0.15, _attributes),
        _maybe(0.2, lambda: _chance.sample(["a", "b", "c", "vip", "a"], _chance.randrange(4))),
        None if number < 4 else _maybe(0.3, lambda: _chance.randrange(1, number)), _maybe(0.2, _of(True, False, False)),
        _maybe(0.2, _of(-1.5, 0.0, 2.5, 3.0, 7.25, 10.0)))


def _order(number: int) -> Row:
    ordered = _maybe(0.05, lambda: _moment(250))
    shipped = None if ordered is None else _maybe(0.3, lambda: ordered + timedelta(hours=_chance.randrange(1, 200)))
    return (
        number, _maybe(0.05, lambda: _chance.randrange(1, 36)), ordered, shipped, _maybe(0.08, _of("paid", "paid", "open", "void")),
        _maybe(0.1, _of(10.0, 20.5, 20.5, 99.99, 0.0, -5.25, 150.0, 1000.125)), _maybe(0.5, _of(0.0, 1.5, 5.0)),
        _maybe(0.1, _of("web", "app", "Store")), _maybe(0.1, _of(1, 1, 2, 3, 7)))


def _item(number: int) -> Row:
    return (number, _maybe(0.05, lambda: _chance.randrange(1, 130)), _maybe(0.05, _of("S1", "S2", "S3", "S4", "S9")),
            _maybe(0.1, _of(1.0, 2.5, 9.75, 100.0)), _maybe(0.1, _of(1, 2, 3, 10)))


def _events() -> list[Row]:
    now, found = _START, []
    for number in range(1, 201):
        now += timedelta(minutes=_of(1, 2, 5, 10, 45, 300)())
        props = {"v": _of(1, 2, 3)(), "ab": _of("A", "B")(),
                 "l": [{"k": "q", "v": _chance.randrange(3)}, {"k": "w", "v": None}][:_chance.randrange(3)]}
        found.append((number, _maybe(0.04, lambda: _chance.randrange(1, 7)), _maybe(0.03, _of(now)),
                      _maybe(0.05, _of("view", "view", "cart", "buy")), _maybe(0.1, _of("/", "/a", "/a/b", "/a/b?x=1", "/C")),
                      _maybe(0.1, _of(5, 10, 10, 250, 1000)), _maybe(0.2, _of(props))))
    return found


ROWS: dict[str, list[Row]] = {
    "customers": [_customer(n) for n in range(1, 31)],
    "orders": [_order(n) for n in range(1, 121)],
    "items": [_item(n) for n in range(1, 201)],
    "products": [
        ("S1", "Mug", "kitchen", 2.5, None, {"w": 1, "h": 2}), ("S2", "Lamp", "light", 100.0, 1, None),
        ("S3", "Rug 100%", "floor", 9.75, 1, {"w": 5}), ("S4", None, "kitchen", 1.0, 2, {"w": None, "h": 9, "m": {"kg": 1.5}}),
        ("S5", "Void_x", None, None, None, {})],
    "events": _events(),
    "nodes": [
        (1, None, "root", 1.0), (2, 1, "a", 2.0), (3, 1, "b", None), (4, 2, "a1", 3.5), (5, 2, "a2", 1.0), (6, 4, None, 2.0),
        (7, 99, "lost", 1.0), (8, 9, "c1", 1.0), (9, 8, "c2", 1.0), (10, 3, "b1", 4.0), (11, None, "root2", 5.0), (12, 11, "r", 0.0)],
    "odd": [
        (1, 5, "x y", 7, "$id", 1, 10, datetime(2024, 2, 29), "z"), (2, None, "it's", None, "$$ROOT", 2, None, None, "a"),
        (3, 6, None, 8, None, None, 30, datetime(2024, 3, 31), None),
        (4, 5, '"q"', 7, "$id", 2, 10, datetime(2023, 12, 31, 23, 59, 59), "A")],
}
