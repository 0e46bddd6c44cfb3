"""How an aggregate takes in its rows: what it keeps, in which order, each once or as often as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlbulk.functions.fitting import is_number
from sqlbulk.functions.ordering import compare, ordered
from sqlbulk.functions.registry import Accumulation, OrderKey


def kept(accumulator: str, condition: Any, value: Any) -> Any:
    """An accumulator that takes in the value only where the condition holds."""
    return {accumulator: {"$cond": [condition, value, "$$REMOVE"]}}


def gathered(
    value: Any, *, distinct: bool = False, order: Sequence[OrderKey] = (), condition: Any = None
) -> Accumulation:
    """All values that aren't NULL (or those for which the condition holds) as an array, in order.

    Distinct values come in ascending order, or descending if the first key is: a query that has DISTINCT may
    order by the value alone.
    """
    condition = {"$gt": [value, None]} if condition is None else condition
    if distinct:
        down = bool(order) and order[0].descending
        accumulator = kept("$addToSet", condition, value)
        return Accumulation(
            (accumulator,), lambda found: {"$sortArray": {"input": found, "sortBy": -1 if down else 1}}
        )
    if not order:
        return Accumulation((kept("$push", condition, value),))
    row = {"value": value}
    directions: dict[str, int] = {}
    for number, key in enumerate(order):
        row[f"null{number}"] = {"$lte": [key.mql, None]}
        row[f"key{number}"] = key.mql
        directions[f"null{number}"] = -1 if key.nulls_first else 1
        directions[f"key{number}"] = -1 if key.descending else 1

    def finish(found: Any) -> Any:
        return {"$map": {"input": {"$sortArray": {"input": found, "sortBy": directions}}, "in": "$$this.value"}}

    return Accumulation((kept("$push", condition, row),), finish)


# In Python


def values_of(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The first arguments that aren't NULL."""
    return [r[0] for r in rows if r[0] is not None]


def numbers_of(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> list[Any]:
    """The first arguments that are numbers."""
    return [v for v in ordered_rows(rows, distinct=distinct) if is_number(v)]


def ordered_rows(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> list[Any]:
    """The first arguments that aren't NULL, as they come, or each once in ascending order."""
    values = values_of(rows)
    return unique(values) if distinct else values


def unique(values: Sequence[Any]) -> list[Any]:
    """The values in ascending order, each once."""
    found: list[Any] = []
    for value in ordered(values):
        if not found or compare(found[-1], value):
            found.append(value)
    return found
