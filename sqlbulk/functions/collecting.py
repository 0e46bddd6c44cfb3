"""The aggregates that need all values of a group: arrays, texts, documents, percentiles, bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_, xor
from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.functions import numeric
from sqlbulk.functions.aggregate import Order, same_type
from sqlbulk.functions.entries import anything, number, text
from sqlbulk.functions.fitting import is_number, type_test
from sqlbulk.functions.gathering import gathered, kept, numbers_of, ordered_rows
from sqlbulk.functions.ordering import compare, ordered
from sqlbulk.functions.registry import Accumulation, Aggregate, Operand, Parameter
from sqlbulk.functions.text import joined
from sqlbulk.functions.textform import as_text, is_key, text_form
from sqlbulk.types import Type

Rows = Sequence[tuple[Any, ...]]


def _filled(array: Any, result: Any) -> Any:
    return {"$cond": [{"$eq": [array, []]}, None, result]}


def _let(value: Any, name: str, result: Any) -> Any:
    return {"$let": {"vars": {name: value}, "in": result}}


# Arrays, texts, documents


def _array(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    gathering = gathered(value, distinct=distinct, order=order)
    return Accumulation(
        gathering.accumulators, lambda found: _let(gathering.finish(found), "all", _filled("$$all", "$$all"))
    )


def _fold_array(rows: Rows, *, distinct: bool = False) -> list[Any] | None:
    return ordered_rows(rows, distinct=distinct) or None


def _text(value: Any, separator: str = ",", *, distinct: bool = False, order: Order = ()) -> Accumulation:
    form = _form(value)
    # Distinct values keep their type until they are in order: 10 comes after 9, '10' before '9'.
    gathering = gathered(value if distinct else form, distinct=distinct, order=order, condition={"$gt": [form, None]})
    result = _filled("$$all", joined("$$all", {"$literal": separator}))

    def finish(found: Any) -> Any:
        values = gathering.finish(found)
        return _let({"$map": {"input": values, "in": _form("$$this")}} if distinct else values, "all", result)

    return Accumulation(gathering.accumulators, finish)


def _form(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return as_text(Operand(value))
    # A variable: the server would work the branches out for a constant in its place, and fail in those of other types.
    return _let(value, "value", as_text(Operand("$$value")))


def _fold_text(rows: Rows, *, distinct: bool = False) -> str | None:
    found = [form for v in ordered_rows(rows, distinct=distinct) if (form := text_form(v)) is not None]
    separator = rows[0][1] if rows and len(rows[0]) > 1 else ","
    return separator.join(found) if found else None


def _document(key: Any, value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    name = _form(key)
    pair = {"k": name, "v": {"$ifNull": [value, None]}}
    gathering = gathered(pair, order=order, condition=is_key(name))
    return Accumulation(gathering.accumulators, lambda found: _let(
        gathering.finish(found), "all", _filled("$$all", {"$arrayToObject": "$$all"})))


def _fold_document(rows: Rows, *, distinct: bool = False) -> dict[str, Any] | None:
    return {str(k): r[1] for r in rows if (k := text_form(r[0])) is not None} or None


# Frequent and middle values


def _mode(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    gather = kept("$push", {"$gt": [value, None]}, value)
    again = {"$eq": ["$$this", "$$value.current"]}
    count = {"$cond": [again, {"$add": ["$$value.count", 1]}, 1]}
    better = {"$gt": [count, "$$value.most"]}
    step = {
        "current": "$$this", "count": count,
        "most": {"$cond": [better, count, "$$value.most"]}, "best": {"$cond": [better, "$$this", "$$value.best"]},
    }
    start = {"current": None, "count": 0, "most": 0, "best": None}

    def finish(found: Any) -> Any:
        sorted_values = _sorted(found, order)
        counted = {"$reduce": {"input": sorted_values, "initialValue": start, "in": step}}
        return {"$getField": {"field": "best", "input": counted}}

    return Accumulation((gather,), finish)


def _fold_mode(rows: Rows, *, distinct: bool = False) -> Any:
    values = ordered([r[0] for r in rows if r[0] is not None])
    best, most = None, 0
    for value in values:
        count = sum(compare(value, v) == 0 for v in values)
        if count > most:
            best, most = value, count
    return best


def _sorted(found: Any, order: Order) -> Any:
    """The values in ascending order, or descending if WITHIN GROUP says so."""
    return {"$sortArray": {"input": found, "sortBy": -1 if order and order[0].descending else 1}}


def _fractions(pick: Callable[[float], Any], fraction: Any) -> Any:
    """What one fraction picks of the sorted values $$all, or an array of what several pick; NULL over no values."""
    if isinstance(fraction, list):
        return _filled("$$all", [pick(numeric.to_double(f)) for f in fraction])
    return _filled("$$all", pick(numeric.to_double(fraction)))


def _fold_fractions(pick: Callable[[float], Any], fraction: Any) -> Any:
    if not isinstance(fraction, list):
        return pick(numeric.to_double(fraction))
    found = [pick(numeric.to_double(f)) for f in fraction]
    return None if None in found else found


def _continuous(fraction: Any, value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    gather = kept("$addToSet" if distinct else "$push", type_test(Type.NUMBER, value), value)
    result = _fractions(_between, fraction)
    return Accumulation((gather,), lambda found: _let(_sorted(found, order), "all", result))


def _between(fraction: float) -> Any:
    """The number at a fraction of $$all, between two of them if need be."""
    low, high = ({"$arrayElemAt": ["$$all", {"$toInt": {f"${f}": "$$place"}}]} for f in ("floor", "ceil"))
    part = {"$subtract": ["$$place", {"$floor": "$$place"}]}
    between = {"$add": [low, {"$multiply": [{"$subtract": [high, low]}, part]}]}
    exact = {"$cond": [{"$eq": [part, 0]}, {"$add": [low, 0.0]}, between]}
    place = {"$multiply": [fraction, {"$subtract": [{"$size": "$$all"}, 1]}]}
    return _let(place, "place", exact)


def _fold_continuous(rows: Rows, *, distinct: bool = False) -> Any:
    return _fold_fractions(lambda f: interpolated([r[1:] for r in rows], f), rows[0][0]) if rows else None


def interpolated(rows: Rows, fraction: float, *, distinct: bool = False) -> Any:
    """The value at a fraction of the sorted numbers, between two of them where it falls between."""
    values = ordered(numbers_of(rows, distinct=distinct))
    if not values:
        return None
    place = fraction * (len(values) - 1)
    low, part = values[int(place)], place - int(place)
    if part == 0:
        return numeric.add(low, 0.0)
    return numeric.add(low, numeric.multiply(numeric.subtract(values[int(place) + 1], low), part))


def _discrete(fraction: Any, value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    gather = gathered(value)
    result = _fractions(_reached, fraction)
    return Accumulation(gather.accumulators, lambda found: _let(_sorted(found, order), "all", result))


def _fold_discrete(rows: Rows, *, distinct: bool = False) -> Any:
    values = ordered([r[1] for r in rows if r[1] is not None])
    return _fold_fractions(lambda f: values[max(-int(-(f * len(values)) // 1) - 1, 0)], rows[0][0]) if values else None


def _reached(fraction: float) -> Any:
    """The first of $$all that reaches a fraction of them."""
    reached = {"$ceil": {"$multiply": [fraction, {"$size": "$$all"}]}}
    return {"$arrayElemAt": ["$$all", {"$toInt": {"$max": [{"$subtract": [reached, 1]}, 0]}}]}


def _median(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
    return _continuous(0.5, value, distinct=distinct)


def _fold_median(rows: Rows, *, distinct: bool = False) -> Any:
    return interpolated(rows, 0.5, distinct=distinct)


# Bits


def _bits(combine: str) -> Callable[..., Accumulation]:
    """Bit by bit with exact decimals, because the server has no operators of bits before 6.3."""

    def accumulate(value: Any, *, distinct: bool = False, order: Order = ()) -> Accumulation:
        whole = {"$in": [{"$type": value}, ["int", "long"]]}
        gather = kept("$addToSet" if distinct else "$push", whole, {"$toDecimal": value})
        power = {"$arrayElemAt": [[Decimal128(str(2**n)) for n in range(64)], "$$bit"]}
        part = {"$floor": {"$divide": ["$$item", power]}}
        of_item = {"$subtract": [part, {"$multiply": [2, {"$floor": {"$divide": [part, 2]}}]}]}
        each = {"$map": {"input": "$$all", "as": "item", "in": of_item}}
        one = {"$mod": [{"$sum": each}, 2]} if combine == "xor" else {f"${combine}": each}
        weight = {"$cond": [{"$eq": ["$$bit", 63]}, {"$multiply": [power, -1]}, power]}
        total = {"$sum": {"$map": {"input": {"$range": [0, 64]}, "as": "bit", "in": {"$multiply": [weight, one]}}}}
        return Accumulation((gather,), lambda found: _let(found, "all", _filled("$$all", {"$toLong": total})))

    return accumulate


def _fold_bits(combine: Callable[[int, int], int]) -> Callable[..., int | None]:
    def fold(rows: Rows, *, distinct: bool = False) -> int | None:
        whole = [r for r in rows if isinstance(r[0], int) and is_number(r[0])]
        values = ordered_rows(whole, distinct=distinct)
        return reduce(combine, values) if values else None

    return fold


_VALUE = (anything(),)
_FRACTION = anything("fraction", constant=True)
_SEPARATED = (anything("text"), text("separator", optional=True, constant=True))


def _entry(name: str, help: str, example: str, parameters: tuple[Parameter, ...], **fields: Any) -> Aggregate:
    return Aggregate(name=name, help=help, example=example, parameters=parameters, **fields)


def _of_bits(name: str, words: str, combine: str, operation: Callable[[int, int], int]) -> Aggregate:
    return _entry(name, words, f"{name}(1) = 1", (number(),), returns=Type.INTEGER, accumulate=_bits(combine),
                  fold=_fold_bits(operation))


ENTRIES: tuple[Aggregate, ...] = (
    _entry("ARRAY_AGG", "The values that aren't NULL as an array; NULL if there are none.", "ARRAY_AGG(1) = [1]",
           _VALUE, returns=Type.ARRAY, accumulate=_array, fold=_fold_array, ordered=True,
           aliases=("JSON_ARRAYAGG", "JSON_AGG", "JSONB_AGG", "COLLECT_LIST", "LIST")),
    _entry("STRING_AGG", "The text forms with a separator (',') between; NULLs are passed over.",
           "STRING_AGG('a') = 'a'",
           _SEPARATED, returns=Type.STRING, accumulate=_text, fold=_fold_text, ordered=True,
           aliases=("GROUP_CONCAT", "LISTAGG")),
    _entry("JSON_OBJECTAGG", "A document of keys and values; rows with a NULL key are passed over, the last one wins.",
           "JSON_OBJECTAGG('a', 1) = {a: 1}", (anything("key"), anything()), returns=Type.DOCUMENT,
           accumulate=_document, fold=_fold_document, ordered=True, distinct=False,
           aliases=("JSON_OBJECT_AGG", "JSONB_OBJECT_AGG")),
    _entry("MODE", "The most frequent value; the smallest of several.", "MODE(1) = 1", _VALUE, returns=same_type,
           accumulate=_mode, fold=_fold_mode, distinct=False),
    _entry("PERCENTILE_CONT", "The value at a fraction of the sorted numbers, between two of them if need be.",
           "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY 1) = 1", (_FRACTION, number()),
           returns=lambda types: Type.ARRAY if types[0] is Type.ARRAY else Type.NUMBER,
           accumulate=_continuous, fold=_fold_continuous, distinct=False),
    _entry("PERCENTILE_DISC", "The first of the sorted values that reaches a fraction of them.",
           "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY 1) = 1", (_FRACTION, anything()),
           returns=lambda types: Type.ARRAY if types[0] is Type.ARRAY else types[-1],
           accumulate=_discrete, fold=_fold_discrete, distinct=False),
    _entry("MEDIAN", "The middle of the sorted numbers, exactly.", "MEDIAN(1) = 1", (number(),), returns=Type.NUMBER,
           accumulate=_median, fold=_fold_median),
    _of_bits("BIT_AND", "The bits that all whole numbers have.", "min", and_),
    _of_bits("BIT_OR", "The bits that one of the whole numbers has.", "max", or_),
    _of_bits("BIT_XOR", "The bits that an odd number of the whole numbers has.", "xor", xor),
)
