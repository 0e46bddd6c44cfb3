"""ORDER BY: which fields to sort by, and what has to be worked out for that."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sqlbulk.errors import UnsupportedError
from sqlbulk.functions import resolve
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Call, Column, SortKey
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Rows, with_fields
from sqlbulk.types import Type


def sorted_by(keys: tuple[SortKey, ...], rows: Rows, lowering: Lowering) -> Rows:
    """The rows in order. A key that an index could give stays a field; others are worked out beside the rows."""
    order = Order(keys, rows, lowering)
    if order.computed:
        rows = with_fields(rows, lowering, order.computed, slots=False)
    return rows.add({"$sort": order.directions(rows)})


_MOST = 31
"""How many fields the server sorts by, 32, but for one that stands before them in a window."""


class Order:
    """What ORDER BY takes: the fields to work out (`computed`), then `directions`.

    The server puts NULLs lowest, SQL highest, so most keys have a field before them that tells NULLs apart. It
    takes an array for its least or greatest item, unless the array is inside a document. Of more keys than the
    server takes, those of one direction that follow each other stand in a document, which is sorted field by field.
    """

    def __init__(self, keys: tuple[SortKey, ...], rows: Rows, lowering: Lowering) -> None:
        self.computed: dict[str, Any] = {}
        self._steps: list[tuple[str | Column, int]] = []
        for key in keys:
            direction = -1 if key.descending else 1
            value = lowering.value(key.expression, rows)
            if _nulls_highest(key):
                flag = lowering.names.new("_f")
                self.computed[flag] = {"$lte": [value, None]}
                self._steps.append((flag, direction))
            if _is_path(key, rows) and isinstance(key.expression, Column):
                self._steps.append((key.expression, direction))
            else:
                name = lowering.names.new("_s")
                self.computed[name] = {"whole": value} if type_of_bound(key.expression) is Type.ARRAY else value
                self._steps.append((name, direction))
        if len(self._steps) > _MOST:
            self._steps = self._together(rows, lowering)
            if len(self._steps) > _MOST:
                span = keys[-1].expression.span
                raise UnsupportedError("E3001", f"ORDER BY changes its direction more than {_MOST} times", span)

    def _together(self, rows: Rows, lowering: Lowering) -> list[tuple[str | Column, int]]:
        """The steps, each run of one direction in a document."""
        found: list[tuple[str | Column, int]] = []
        for direction, steps in groupby(self._steps, key=lambda step: step[1]):
            name = lowering.names.new("_s")
            values = [self.computed.pop(s) if isinstance(s, str) else lowering.value(s, rows) for s, _ in steps]
            self.computed[name] = {f"k{n}": {"$ifNull": [v, None]} for n, v in enumerate(values)}
            found.append((name, direction))
        return found

    def directions(self, rows: Rows) -> dict[str, int]:
        """The fields to sort by, once the computed ones are there."""
        order: dict[str, int] = {}
        for step, direction in self._steps:
            path = step if isinstance(step, str) else rows.columns.match_path(step)
            assert path is not None
            order.setdefault(path, direction)
        return order


def _nulls_highest(key: SortKey) -> bool:
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    return nulls_first is key.descending and _nullable(key)


def _nullable(key: SortKey) -> bool:
    return getattr(key.expression, "nullable", True) is not False


def _is_path(key: SortKey, rows: Rows) -> bool:
    """Whether the key is a field that can be sorted by; arrays are not: the server goes by their items."""
    if not isinstance(key.expression, Column) or key.expression.type is Type.ARRAY:
        return False
    return rows.columns.match_path(key.expression) is not None


# The first rows, by an index

_FEW = 10_000


def top_by_index(node: algebra.Limit, lowering: Lowering, outer: Outer) -> Rows | None:
    """The first rows in an order that an index has but for its NULLs: those with a value, and those without.

    The rows come unordered among the two; no more than are wanted of each. None where that doesn't apply.
    """
    below, wanted = node.input, (node.count or 0) + node.offset
    if not isinstance(below, algebra.Sort) or len(below.keys) != 1 or not 0 < wanted <= _FEW or node.count is None:
        return None
    key, scan = below.keys[0], below.input
    while isinstance(scan, algebra.Filter):
        scan = scan.input
    column = key.expression
    if not isinstance(scan, algebra.Scan) or not isinstance(column, Column) or column.relation != scan.relation:
        return None
    if not _nulls_highest(key) or ".".join(column.path) not in leading_fields(scan.collection, lowering):
        return None
    absent = Call(resolve("IS NULL", [column.type]), (column,), Type.BOOLEAN, span=column.span)
    present = Call(resolve("NOT", [Type.BOOLEAN]), (absent,), Type.BOOLEAN, span=column.span)
    first = lowering.lower(algebra.Filter(below.input, present), outer)
    rest = lowering.lower(algebra.Filter(below.input, absent), outer)
    path = first.columns.match_path(column)
    if path is None:
        return None
    first.add({"$sort": {path: -1 if key.descending else 1}}, {"$limit": wanted})
    first.add({"$unionWith": {"coll": rest.collection, "pipeline": [*rest.stages, {"$limit": wanted}]}})
    lowering.choices.append(f"order: by the index on {path}, NULLs apart")
    return sorted_by(below.keys, first, lowering)


def leading_fields(collection: str, lowering: Lowering) -> set[str]:
    """The fields that an index of the collection begins with."""
    known = lowering.catalog.get(collection)
    return {"_id"} | ({i.keys[0][0] for i in known.indexes if i.keys and not i.partial} if known else set())
