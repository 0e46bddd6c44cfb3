"""The aggregates that a number, a count or one of the values comes out of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from sqlbulk.functions import numeric
from sqlbulk.functions.fitting import type_test
from sqlbulk.functions.gathering import gathered, kept, numbers_of, ordered_rows, unique, values_of
from sqlbulk.functions.ordering import ordered
from sqlbulk.functions.registry import Accumulation, Aggregate, Operand, OrderKey, Parameter
from sqlbulk.types import Type

Order = Sequence[OrderKey]
_VALUE = (Parameter("value"),)
_NUMBER = (Parameter("number", Type.NUMBER),)
_CONDITION = (Parameter("condition", Type.BOOLEAN),)


def same_type(types: Sequence[Type]) -> Type:
    """The type of the first argument."""
    return types[0]


def _sum_type(types: Sequence[Type]) -> Type:
    return types[0] if types[0] in (Type.INTEGER, Type.DOUBLE, Type.DECIMAL, Type.DURATION) else Type.NUMBER


def _average_type(types: Sequence[Type]) -> Type:
    return Type.DOUBLE if types[0] is Type.INTEGER else _sum_type(types)


def _filled(array: Any, result: Any) -> Any:
    return {"$cond": [{"$eq": [array, []]}, None, result]}


# Counting and adding up


def _count(*values: Any, distinct: bool = False, order: Order = ()) -> Accumulation:
    if not values:
        return Accumulation(({"$sum": 1},))
    present = {"$and": [{"$gt": [v, None]} for v in values]} if len(values) > 1 else {"$gt": [values[0], None]}
    if not distinct:
        return Accumulation(({"$sum": {"$cond": [present, 1, 0]}},))
    value = values[0] if len(values) == 1 else list(values)
    return Accumulation(({"$addToSet": {"$cond": [present, value, "$$REMOVE"]}},), lambda found: {"$size": found})


def _fold_count(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> int:
    present = [r for r in rows if None not in r]
    return len(unique(present) if distinct else present)


def _sum(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    number = type_test(Type.NUMBER, value)
    if distinct:
        return Accumulation((kept("$addToSet", number, value),), lambda found: _filled(found, {"$sum": found}))
    counted = {"$sum": {"$cond": [number, 1, 0]}}
    return Accumulation(
        ({"$sum": value}, counted), lambda total, count: {"$cond": [{"$gt": [count, 0]}, total, None]}
    )


def _narrow_count(operands: Sequence[Operand]) -> Accumulation | None:
    """Values that are never NULL are as many as rows."""
    return None if any(o.nullable for o in operands) else Accumulation(({"$sum": 1},))


def _narrow_sum(operands: Sequence[Operand]) -> Accumulation | None:
    """Numbers for certain need no counting: the greatest tells whether there is one."""
    (value,) = operands
    if not value.type.numeric:
        return None
    if not value.nullable:
        return Accumulation(({"$sum": value.mql},))
    return Accumulation(
        ({"$sum": value.mql}, {"$max": value.mql}), lambda total, most: {"$cond": [{"$gt": [most, None]}, total, None]})


def _fold_sum(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> Any:
    values = numbers_of(rows, distinct=distinct)
    return reduce(numeric.add, values) if values else None


def _over_numbers(accumulator: str) -> Callable[..., Accumulation]:
    """An accumulator that passes over what is no number, and exists as an expression over arrays as well."""

    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        if not distinct:
            return Accumulation(({accumulator: value},))
        gather = kept("$addToSet", type_test(Type.NUMBER, value), value)
        return Accumulation((gather,), lambda found: {accumulator: found})

    return accumulate


def _squared(accumulator: str) -> Callable[..., Accumulation]:
    plain = _over_numbers(accumulator)

    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        deviation = plain(value, distinct=distinct, order=order)
        return Accumulation(deviation.accumulators, lambda found: {"$pow": [deviation.finish(found), 2]})

    return accumulate


def _fold_average(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> Any:
    values = numbers_of(rows, distinct=distinct)
    return numeric.divide(reduce(numeric.add, values), len(values)) if values else None


def _fold_variance(sample: bool, root: bool) -> Callable[..., float | None]:
    def fold(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> float | None:
        values = [numeric.to_double(v) for v in numbers_of(rows, distinct=distinct)]
        divisor = len(values) - sample
        if divisor < 1:
            return None
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / divisor
        return float(variance**0.5) if root else float(variance)

    return fold


# One of the values


def _extreme(accumulator: str) -> Callable[..., Accumulation]:
    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        whole = {"$concatArrays": [value]} if isinstance(value, list | tuple) else value
        return Accumulation(({accumulator: whole},))

    return accumulate


def _fold_extreme(position: int) -> Callable[..., Any]:
    def fold(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> Any:
        values = ordered(values_of(rows))
        return values[position] if values else None

    return fold


def _of_conditions(accumulator: str) -> Callable[..., Accumulation]:
    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        return Accumulation((kept(accumulator, type_test(Type.BOOLEAN, value), value),))

    return accumulate


def _fold_conditions(combine: Callable[[Sequence[bool]], bool]) -> Callable[..., bool | None]:
    def fold(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> bool | None:
        values = [v for v in values_of(rows) if isinstance(v, bool)]
        return combine(values) if values else None

    return fold


def _end(operator: str) -> Callable[..., Accumulation]:
    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        gathering = gathered(value, distinct=distinct, order=order)
        return Accumulation(
            gathering.accumulators, lambda found: {"$ifNull": [{operator: gathering.finish(found)}, None]}
        )

    return accumulate


def _fold_end(position: int) -> Callable[..., Any]:
    def fold(rows: Sequence[tuple[Any, ...]], *, distinct: bool = False) -> Any:
        values = ordered_rows(rows, distinct=distinct)
        return values[position] if values else None

    return fold


def _entry(name: str, help: str, example: str, parameters: tuple[Parameter, ...], **fields: Any) -> Aggregate:
    return Aggregate(name=name, help=help, example=example, parameters=parameters, **fields)


def _deviation(name: str, words: str, accumulator: str, *, aliases: tuple[str, ...] = ()) -> Aggregate:
    root, sample = name.startswith("STDDEV"), accumulator.endswith("Samp")
    return _entry(
        name, words, f"{name}(1) IS NULL OR {name}(1) >= 0", _NUMBER, returns=Type.DOUBLE, aliases=aliases,
        accumulate=_over_numbers(accumulator) if root else _squared(accumulator), fold=_fold_variance(sample, root),
    )


ENTRIES: tuple[Aggregate, ...] = (
    _entry("COUNT", "How many rows, or how many of them have a value that isn't NULL.", "COUNT(*) >= 0",
           (Parameter("value", optional=True, repeated=True),), returns=Type.INTEGER, accumulate=_count,
           narrow=_narrow_count, fold=_fold_count, empty=0),
    _entry("SUM", "The sum of the numbers; NULL if there are none.", "SUM(1) >= 1", _NUMBER, returns=_sum_type,
           accumulate=_sum, narrow=_narrow_sum, fold=_fold_sum),
    _entry("AVG", "The mean of the numbers; NULL if there are none.", "AVG(1) = 1", _NUMBER, returns=_average_type,
           accumulate=_over_numbers("$avg"), fold=_fold_average, aliases=("MEAN",)),
    _entry("MIN", "The smallest value.", "MIN(1) = 1", _VALUE, returns=same_type, accumulate=_extreme("$min"),
           fold=_fold_extreme(0)),
    _entry("MAX", "The largest value.", "MAX(1) = 1", _VALUE, returns=same_type, accumulate=_extreme("$max"),
           fold=_fold_extreme(-1)),
    _entry("ANY_VALUE", "One of the values that aren't NULL (the smallest).", "ANY_VALUE(1) = 1", _VALUE,
           returns=same_type, accumulate=_extreme("$min"), fold=_fold_extreme(0)),
    _deviation("STDDEV_SAMP", "The standard deviation of a sample; NULL for fewer than two numbers.",
               "$stdDevSamp", aliases=("STDDEV",)),
    _deviation("STDDEV_POP", "The standard deviation of the whole.", "$stdDevPop", aliases=("STD",)),
    _deviation("VAR_SAMP", "The variance of a sample; NULL for fewer than two numbers.", "$stdDevSamp",
               aliases=("VARIANCE",)),
    _deviation("VAR_POP", "The variance of the whole.", "$stdDevPop"),
    _entry("BOOL_AND", "Whether all conditions that aren't NULL hold.", "BOOL_AND(TRUE)", _CONDITION,
           returns=Type.BOOLEAN, accumulate=_of_conditions("$min"), fold=_fold_conditions(all), aliases=("EVERY",)),
    _entry("BOOL_OR", "Whether one of the conditions holds.", "BOOL_OR(TRUE)", _CONDITION, returns=Type.BOOLEAN,
           accumulate=_of_conditions("$max"), fold=_fold_conditions(any), aliases=("SOME_TRUE",)),
    _entry("FIRST", "The first value that isn't NULL, by the order inside.", "FIRST(1 ORDER BY 1) = 1", _VALUE,
           returns=same_type, accumulate=_end("$first"), fold=_fold_end(0), ordered=True),
    _entry("LAST", "The last value that isn't NULL, by the order inside.", "LAST(1 ORDER BY 1) = 1", _VALUE,
           returns=same_type, accumulate=_end("$last"), fold=_fold_end(-1), ordered=True),
)
