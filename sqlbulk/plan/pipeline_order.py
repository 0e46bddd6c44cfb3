"""ORDER BY: which fields to sort by, and what has to be worked out for that."""

from __future__ import annotations

from typing import Any

from sqlbulk.plan.bound import Column, SortKey
from sqlbulk.plan.pipeline_rows import Lowering, Rows, with_room
from sqlbulk.types import Type


def sorted_by(keys: tuple[SortKey, ...], rows: Rows, lowering: Lowering) -> Rows:
    """The rows in order. A key that an index could give stays a field; others are worked out beside the rows."""
    if not all(_is_native(k, rows) for k in keys):
        rows = with_room(rows, lowering)
    computed, order = order_fields(keys, rows, lowering)
    return rows.add(*([{"$addFields": computed}] if computed else []), {"$sort": order})


def order_fields(
    keys: tuple[SortKey, ...], rows: Rows, lowering: Lowering
) -> tuple[dict[str, Any], dict[str, int]]:
    """The fields to work out, and all fields to sort by with their directions.

    The server puts NULLs lowest, SQL highest, so most keys have a field before them that tells NULLs apart.
    """
    computed: dict[str, Any] = {}
    order: dict[str, int] = {}
    for key in keys:
        direction = -1 if key.descending else 1
        path = _native_path(key, rows)
        value = lowering.value(key.expression, rows)
        if not _is_native(key, rows) and _nulls_highest(key):
            flag = lowering.names.new("_f")
            computed[flag] = {"$lte": [value, None]}
            order[flag] = direction
        if path is None:
            path = lowering.names.new("_s")
            computed[path] = value
        order.setdefault(path, direction)
    return computed, order


def _nulls_highest(key: SortKey) -> bool:
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    return nulls_first is key.descending and _nullable(key)


def _is_native(key: SortKey, rows: Rows) -> bool:
    """Whether the server's order of the field is the wanted one: NULLs lowest, or none."""
    return _native_path(key, rows) is not None and not _nulls_highest(key)


def _nullable(key: SortKey) -> bool:
    return getattr(key.expression, "nullable", True) is not False


def _native_path(key: SortKey, rows: Rows) -> str | None:
    if not isinstance(key.expression, Column) or key.expression.type is Type.ARRAY:
        return None
    return rows.columns.match_path(key.expression)
