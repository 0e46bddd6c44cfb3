"""The aggregates over all elements of a group's arrays: what ARRAY_AGG (UNNEST (x)) and its like mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlbulk.functions.entries import text
from sqlbulk.functions.fitting import type_test
from sqlbulk.functions.gathering import kept
from sqlbulk.functions.registry import Accumulation, Aggregate, Operand, OrderKey, Parameter
from sqlbulk.functions.text import joined
from sqlbulk.functions.textform import as_text
from sqlbulk.types import Type

_CHUNK = 500
"""How many arrays are put together at once: the work would grow with the square of their number otherwise."""


def _filled(array: Any, result: Any) -> Any:
    return {"$cond": [{"$eq": [array, []]}, None, result]}


def _let(value: Any, result: Any) -> Any:
    return {"$let": {"vars": {"all": value}, "in": result}}


def _that(array: Any, condition: Any) -> Any:
    return {"$filter": {"input": array, "cond": condition}}


_PRESENT = {"$gt": ["$$this", None]}
_NUMBER = type_test(Type.NUMBER, "$$this")


# Of all elements together


def _gathered(finish: Callable[..., Any]) -> Callable[..., Accumulation]:
    """`finish` gets the elements that aren't NULL: as they come, or each once in ascending order."""

    def accumulate(
        array: Any, *constants: Any, distinct: bool = False, order: Sequence[OrderKey] = ()
    ) -> Accumulation:
        gather = kept("$addToSet" if distinct else "$push", type_test(Type.ARRAY, array), array)

        def finished(found: Any) -> Any:
            elements = _that(_flattened(found), _PRESENT)
            if distinct:
                elements = {"$sortArray": {"input": {"$setUnion": [elements]}, "sortBy": 1}}
            return _let(elements, finish("$$all", *constants))

        return Accumulation((gather,), finished)

    return accumulate


def _flattened(arrays: Any) -> Any:
    """The elements of the arrays of an array."""
    chunks = {"$range": [0, {"$size": "$$arrays"}, _CHUNK]}
    chunk = _concatenated({"$slice": ["$$arrays", "$$start", _CHUNK]})
    every = {"$map": {"input": chunks, "as": "start", "in": chunk}}
    return {"$let": {"vars": {"arrays": arrays}, "in": _concatenated(every)}}


def _concatenated(arrays: Any) -> Any:
    return {"$reduce": {"input": arrays, "initialValue": [], "in": {"$concatArrays": ["$$value", "$$this"]}}}


def _text_of(elements: Any, separator: str = ",") -> Any:
    forms = {"$map": {"input": elements, "in": as_text(Operand("$$this"))}}
    return _let(_that(forms, _PRESENT), _filled("$$all", joined("$$all", {"$literal": separator})))


def _over_numbers(accumulator: str) -> Callable[[Any], Any]:
    return lambda elements: _let(_that(elements, _NUMBER), _filled("$$all", {accumulator: "$$all"}))


# Of each array by itself, where no memory is needed


def _streamed(plain: Callable[[Any], Accumulation], finish: Callable[..., Any]) -> Callable[..., Accumulation]:
    """`plain` gets the array, empty where there is none; `finish` is for DISTINCT, which needs all elements."""
    gathered = _gathered(finish)

    def accumulate(array: Any, *, distinct: bool = False, order: Sequence[OrderKey] = ()) -> Accumulation:
        if distinct:
            return gathered(array, distinct=True)
        return plain({"$cond": [type_test(Type.ARRAY, array), array, []]})

    return accumulate


def _counted(array: Any, condition: Any) -> Any:
    return {"$sum": {"$size": _that(array, condition)}}


def _total(finish: Callable[[Any, Any], Any]) -> Callable[[Any], Accumulation]:
    def plain(array: Any) -> Accumulation:
        return Accumulation(
            ({"$sum": {"$sum": array}}, _counted(array, _NUMBER)),
            lambda total, count: {"$cond": [{"$gt": [count, 0]}, finish(total, count), None]})

    return plain


def _extreme(accumulator: str) -> Callable[..., Accumulation]:
    def accumulate(array: Any, *, distinct: bool = False, order: Sequence[OrderKey] = ()) -> Accumulation:
        present = _that({"$cond": [type_test(Type.ARRAY, array), array, []]}, _PRESENT)
        return Accumulation(({accumulator: {accumulator: present}},))

    return accumulate


_ARRAY = Parameter("array", Type.ARRAY)


def _entry(
    name: str, returns: Type, accumulate: Callable[..., Accumulation], *more: Parameter, empty: Any = None
) -> tuple[str, Aggregate]:
    return name, Aggregate(
        name=f"{name} of UNNEST", help=f"{name} of all elements of the arrays.", example="TRUE",
        parameters=(_ARRAY, *more), returns=returns, accumulate=accumulate, empty=empty)


OVER_ELEMENTS: dict[str, Aggregate] = dict((
    _entry("ARRAY_AGG", Type.ARRAY, _gathered(lambda elements: _filled(elements, elements))),
    _entry("STRING_AGG", Type.STRING, _gathered(_text_of), text("separator", optional=True, constant=True)),
    _entry("COUNT", Type.INTEGER, _streamed(
        lambda array: Accumulation((_counted(array, _PRESENT),)), lambda elements: {"$size": elements}), empty=0),
    _entry("SUM", Type.NUMBER, _streamed(_total(lambda total, count: total), _over_numbers("$sum"))),
    _entry("AVG", Type.NUMBER, _streamed(
        _total(lambda total, count: {"$divide": [total, count]}), _over_numbers("$avg"))),
    _entry("MIN", Type.ANY, _extreme("$min")),
    _entry("MAX", Type.ANY, _extreme("$max")),
))
"""By the aggregate's name: the aggregate whose argument is an array, over its elements that aren't NULL."""
