"""Functions of arrays: positions begin at 1."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlbulk.functions.comparison import equal
from sqlbulk.functions.entries import anything, array, entry, integer, text
from sqlbulk.functions.fitting import Fit, fit, is_number, type_test
from sqlbulk.functions.jsonpath import child, element
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.ordering import ordered
from sqlbulk.functions.registry import UNKNOWN, Function, FunctionProblem, Operand
from sqlbulk.functions.text import concatenate, fold_concatenate, joined
from sqlbulk.functions.textform import as_text, text_form
from sqlbulk.types import Type

_ARRAY = (array(),)
_PAIR = (array("left"), array("right"))


# Parts


def _subscript_of(index: Any) -> int:
    """A subscript without its fraction, 0 where it is none."""
    number = to_decimal(index) if is_number(index) else Decimal(0)
    return int(number) if abs(number) < 2**31 else 0


def _subscript(value: Operand, index: Operand) -> Any:
    if isinstance(index.value, str):
        return {"$getField": {"field": {"$literal": index.value}, "input": value.mql}}
    if index.value is not UNKNOWN:
        number = _subscript_of(index.value)
        return element(value.mql, number - 1) if number >= 1 else None
    place = {"$convert": {"input": index.mql, "to": "int", "onError": 0, "onNull": 0}}
    wanted = {"$and": [{"$isArray": [value.mql]}, {"$isNumber": index.mql}, {"$gte": [index.mql, 1]}]}
    item = {"$arrayElemAt": [value.mql, {"$subtract": [place, 1]}]}
    named = {"$and": [{"$eq": [{"$type": value.mql}, "object"]}, {"$eq": [{"$type": index.mql}, "string"]}]}
    return {"$cond": [wanted, item, {"$cond": [named, child(value.mql, index.mql), None]}]}


def _fold_subscript(value: Any, index: Any) -> Any:
    if isinstance(index, str):
        return value.get(index) if isinstance(value, Mapping) else None
    position = _subscript_of(index)
    return value[position - 1] if isinstance(value, list | tuple) and 1 <= position <= len(value) else None


def _slice(value: Any, low: Any = None, high: Any = None) -> Any:
    if value is None:
        return None
    first = {"$max": [{"$subtract": [{"$ifNull": [low, 1]}, 1]}, 0]}
    count = {"$subtract": [{"$ifNull": [high, {"$size": value}]}, first]}
    part = {"$cond": [{"$gt": [count, 0]}, {"$slice": [value, first, {"$max": [count, 1]}]}, []]}
    return {"$cond": [{"$isArray": [value]}, part, None]}


def _fold_slice(value: Any, low: int | None = None, high: int | None = None) -> Any:
    if value is None:
        return None
    first = max((1 if low is None else low) - 1, 0)
    return list(value[first : max(len(value) if high is None else high, first)])


# Joining


def _concatenated(left: Operand, right: Operand) -> Any:
    """Two arrays are joined, two documents merged, anything else is put together as text."""
    kinds = {left.type, right.type}
    for known, operator in ((Type.ARRAY, "$concatArrays"), (Type.DOCUMENT, "$mergeObjects")):
        if known in kinds:
            return _both(left, right, known, operator)
    written = concatenate(left, right)
    if kinds != {Type.ANY}:
        return Operand(written, Type.STRING)
    arrays = _both(left, right, Type.ARRAY, "$concatArrays", written).mql
    return Operand(_both(left, right, Type.DOCUMENT, "$mergeObjects", arrays).mql)


def _both(left: Operand, right: Operand, known: Type, operator: str, otherwise: Any = None) -> Operand:
    """What the operator makes of both where they are of a type."""
    for number, operand in enumerate((left, right)):
        if fit(operand.type, known) is Fit.NO:
            raise FunctionProblem("E2012", f"|| can't join {left.type.value} and {right.type.value}", argument=number,
                                  hint="ARRAY_APPEND and ARRAY_PREPEND add an element to an array")
    tests = [type_test(known, o.mql) for o in (left, right) if o.type is not known]
    joined_both = {operator: [left.mql, right.mql]}
    return Operand({"$cond": [{"$and": tests}, joined_both, otherwise]} if tests else joined_both, known)


def _fold_concatenated(left: Any, right: Any) -> Any:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {**left, **right}
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*left, *right]
    return fold_concatenate(left, right)


def _concatenated_type(types: Any) -> Type:
    for known in (Type.ARRAY, Type.DOCUMENT):
        if known in types:
            return known
    return Type.ANY if set(types) == {Type.ANY} else Type.STRING


def _added(*, first: bool) -> Any:
    def lower(items: Any, value: Any) -> Any:
        new = [{"$ifNull": [value, None]}]
        added = {"$concatArrays": [new, items] if first else [items, new]}
        return {"$cond": [{"$isArray": [items]}, added, new]}

    return lower


def _fold_added(items: Any, value: Any) -> Any:
    return [value] if items is None else [*items, value]


def _to_text(items: Operand, separator: Operand, null: Operand | None = None) -> Any:
    form = as_text(Operand("$$item"))
    absent = None if null is None else null.mql
    forms = {"$map": {"input": items.mql, "as": "item", "in": {"$ifNull": [form, absent]}}}
    return joined({"$filter": {"input": forms, "cond": {"$gt": ["$$this", None]}}}, separator.mql)


def _fold_to_text(items: Any, separator: str, null: str | None = None) -> str:
    forms = [f if (f := text_form(i)) is not None else null for i in items]
    return separator.join(f for f in forms if f is not None)


def _from_text(string: Any, separator: Any) -> Any:
    parts = {"$cond": [{"$eq": [separator, ""]}, [string], {"$split": [string, separator]}]}
    return {"$cond": [{"$eq": [string, ""]}, [], parts]}


def _fold_from_text(string: str, separator: str) -> list[str]:
    if not string:
        return []
    return string.split(separator) if separator else [string]


# Searching


def _same(left: Any, right: Any) -> bool:
    return left is right if left is None or right is None else equal(left, right)


def _kept(items: Any, condition: Any) -> Any:
    return {"$filter": {"input": items, "as": "item", "cond": condition}}


def _without(items: Any, value: Any) -> Any:
    kept = _kept(items, {"$ne": ["$$item", {"$ifNull": [value, None]}]})
    return {"$cond": [{"$isArray": [items]}, kept, None]}


def _replaced(items: Any, old: Any, new: Any) -> Any:
    chosen = {"$cond": [{"$eq": ["$$item", {"$ifNull": [old, None]}]}, {"$ifNull": [new, None]}, "$$item"]}
    return {"$cond": [{"$isArray": [items]}, {"$map": {"input": items, "as": "item", "in": chosen}}, None]}


def _position(items: Any, value: Any) -> Any:
    index = {"$indexOfArray": [items, value]}
    return {"$cond": [{"$gte": [index, 0]}, {"$add": [index, 1]}, None]}


def _fold_position(items: Any, value: Any) -> int | None:
    return next((n for n, i in enumerate(items, 1) if _same(i, value)), None)


def _distinct(items: Any) -> Any:
    step = {"$cond": [{"$in": ["$$this", "$$value"]}, "$$value", {"$concatArrays": ["$$value", ["$$this"]]}]}
    return {"$reduce": {"input": items, "initialValue": [], "in": step}}


def _fold_distinct(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not any(_same(item, f) for f in found):
            found.append(item)
    return found


def _sorted(items: Any, order: str = "asc") -> Any:
    return {"$sortArray": {"input": items, "sortBy": -1 if order.lower() == "desc" else 1}}


def _fold_sorted(items: Any, order: str = "asc") -> list[Any]:
    return ordered(items)[:: -1 if order.lower() == "desc" else 1]


def _flat(items: Any) -> Any:
    each = {"$cond": [{"$isArray": ["$$this"]}, "$$this", ["$$this"]]}
    return {"$reduce": {"input": items, "initialValue": [], "in": {"$concatArrays": ["$$value", each]}}}


def _series(start: Any, stop: Any, step: Any = 1) -> Any:
    past = {"$add": [stop, {"$cond": [{"$gt": [step, 0]}, 1, -1]}]}
    count = {"$abs": {"$divide": [{"$subtract": [stop, start]}, step]}}
    whole = {"$and": [{"$gt": [{"$abs": step}, 0]}, {"$lt": [{"$abs": stop}, 2**31 - 1]}]}
    short = {"$cond": [{"$lte": [count, 1_000_000]}, {"$range": [start, past, step]}, None]}
    return {"$cond": [whole, short, None]}


def _fold_series(start: int, stop: int, step: int = 1) -> list[int] | None:
    if step == 0 or abs(stop) >= 2**31 - 1 or abs((stop - start) / step) > 1_000_000:
        return None
    return list(range(start, stop + (1 if step > 0 else -1), step))


def _entry(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    return entry(name, help, example, parameters, lower, fold, **{"returns": Type.ARRAY, "nullable": False, **fields})


def _size(value: Any, *_: Any) -> Any:
    return {"$size": value}


_LOOSE = {"null_propagates": False, "nullable": True}

ENTRIES: tuple[Function, ...] = (
    _entry("[]", "The n-th element of an array, from 1, or the field of a document; NULL if there is none.",
           "ARRAY[5, 6][2] = 6", (anything("array"), anything("index")), _subscript, _fold_subscript, operands=True,
           returns=Type.ANY, nullable=True),
    _entry("[:]", "The elements from a position to another, both included.", "(ARRAY[1, 2, 3])[2:3] = ARRAY[2, 3]",
           (array(), integer("low", optional=True), integer("high", optional=True)), _slice, _fold_slice,
           aliases=("ARRAY_SLICE",), **_LOOSE),
    _entry("||", "Text put together, arrays joined, documents merged; NULL if one is NULL.", "'a' || 1 = 'a1'",
           (anything("left"), anything("right")), _concatenated, _fold_concatenated, operands=True,
           returns=_concatenated_type, nullable=True),
    _entry("ARRAY_LENGTH", "How many elements the array has, 0 for an empty one.", "ARRAY_LENGTH([1, 2]) = 2",
           (array(), integer("dimension", optional=True, constant=True)), _size, lambda a, *_: len(a),
           returns=Type.INTEGER, aliases=("CARDINALITY", "ARRAY_SIZE", "ARRAY_UPPER")),
    _entry("ARRAY_APPEND", "The array with a value at its end.", "ARRAY_APPEND([1], 2) = [1, 2]", (array(), anything()),
           _added(first=False), _fold_added, null_propagates=False),
    _entry("ARRAY_PREPEND", "The array with a value at its start.", "ARRAY_PREPEND(1, [2]) = [1, 2]",
           (anything(), array()), lambda v, a: _added(first=True)(a, v), lambda v, a: [v] if a is None else [v, *a],
           null_propagates=False),
    _entry("ARRAY_CAT", "Two arrays one after the other.", "ARRAY_CAT([1], [2]) = [1, 2]", _PAIR,
           lambda a, b: {"$concatArrays": [a, b]}, lambda a, b: [*a, *b], aliases=("ARRAY_CONCAT",)),
    _entry("ARRAY_REMOVE", "The array without a value.", "ARRAY_REMOVE([1, 2, 1], 1) = [2]", (array(), anything()),
           _without, lambda a, v: None if a is None else [i for i in a if not _same(i, v)], **_LOOSE),
    _entry("ARRAY_REPLACE", "The array with one value replaced by another.", "ARRAY_REPLACE([1, 2], 1, 3) = [3, 2]",
           (array(), anything("old"), anything("new")), _replaced,
           lambda a, o, n: None if a is None else [n if _same(i, o) else i for i in a], **_LOOSE),
    _entry("ARRAY_POSITION", "Where the value is first, from 1; NULL if it isn't there.",
           "ARRAY_POSITION([5, 6], 6) = 2",
           (array(), anything()), _position, _fold_position, returns=Type.INTEGER, nullable=True),
    _entry("ARRAY_CONTAINS", "Whether the array holds the value.", "ARRAY_CONTAINS([1, 2], 2)", (array(), anything()),
           lambda a, v: {"$in": [v, a]}, lambda a, v: any(_same(i, v) for i in a), returns=Type.BOOLEAN,
           aliases=("ARRAY_HAS", "LIST_CONTAINS")),
    _entry("ARRAYS_OVERLAP", "Whether two arrays share an element.", "ARRAYS_OVERLAP([1, 2], [2, 3])", _PAIR,
           lambda a, b: {"$gt": [{"$size": {"$setIntersection": [a, b]}}, 0]},
           lambda a, b: any(_same(i, j) for i in a for j in b), returns=Type.BOOLEAN, aliases=("&&", "ARRAY_OVERLAP")),
    _entry("ARRAY_INTERSECT", "The elements of the first array that the second holds, each once.",
           "ARRAY_INTERSECT([1, 2], [2, 3]) = [2]", _PAIR, lambda a, b: _distinct(_kept(a, {"$in": ["$$item", b]})),
           lambda a, b: _fold_distinct([i for i in a if any(_same(i, j) for j in b)]), aliases=("ARRAY_INTERSECTION",)),
    _entry("ARRAY_EXCEPT", "The elements of the first array that the second doesn't hold, each once.",
           "ARRAY_EXCEPT([1, 2], [2, 3]) = [1]", _PAIR,
           lambda a, b: _distinct(_kept(a, {"$not": [{"$in": ["$$item", b]}]})),
           lambda a, b: _fold_distinct([i for i in a if not any(_same(i, j) for j in b)])),
    _entry("ARRAY_UNION", "The elements of both arrays, each once.", "ARRAY_UNION([1, 2], [2, 3]) = [1, 2, 3]", _PAIR,
           lambda a, b: _distinct({"$concatArrays": [a, b]}), lambda a, b: _fold_distinct([*a, *b])),
    _entry("ARRAY_DISTINCT", "The elements, each once, in their order.", "ARRAY_DISTINCT([1, 2, 1]) = [1, 2]", _ARRAY,
           _distinct, _fold_distinct, aliases=("ARRAY_UNIQUE",)),
    _entry("ARRAY_REVERSE", "The elements in reverse order.", "ARRAY_REVERSE([1, 2]) = [2, 1]", _ARRAY,
           lambda a: {"$reverseArray": a}, lambda a: list(a)[::-1]),
    _entry("ARRAY_SORT", "The elements in order, 'asc' or 'desc'; NULLs are the smallest.",
           "ARRAY_SORT([2, 1]) = [1, 2]", (array(), text("order", optional=True, constant=True)), _sorted, _fold_sorted,
           since=(5, 2), aliases=("SORT_ARRAY", "LIST_SORT")),
    _entry("FLATTEN", "The elements, those that are arrays replaced by theirs.", "FLATTEN([[1], [2]]) = [1, 2]", _ARRAY,
           _flat, lambda a: [e for i in a for e in (i if isinstance(i, list | tuple) else [i])],
           aliases=("ARRAY_FLATTEN",)),
    _entry("ARRAY_COMPACT", "The elements that aren't NULL.", "ARRAY_COMPACT([1, NULL]) = [1]", _ARRAY,
           lambda a: _kept(a, {"$gt": ["$$item", None]}), lambda a: [i for i in a if i is not None]),
    _entry("ARRAY_TO_STRING", "The text forms with a separator between; NULLs are left out, or written as given.",
           "ARRAY_TO_STRING([1, NULL, 2], ',') = '1,2'", (array(), text("separator"), text("null", optional=True)),
           _to_text, _fold_to_text, operands=True, returns=Type.STRING, aliases=("ARRAY_JOIN",)),
    _entry("STRING_TO_ARRAY", "The parts of a text between separators.", "STRING_TO_ARRAY('a,b', ',') = ['a', 'b']",
           (text(), text("separator")), _from_text, _fold_from_text, aliases=("SPLIT", "STRING_SPLIT")),
    _entry("GENERATE_ARRAY", "The whole numbers from the first to the second, by steps; NULL beyond a million.",
           "GENERATE_ARRAY(1, 3) = [1, 2, 3]", (integer("start"), integer("stop"), integer("step", optional=True)),
           _series, _fold_series, nullable=True, aliases=("SEQUENCE",)),
    _entry("ARRAY_FIRST", "The first element.", "ARRAY_FIRST([1, 2]) = 1", _ARRAY, lambda a: {"$arrayElemAt": [a, 0]},
           lambda a: a[0] if a else None, returns=Type.ANY, nullable=True),
    _entry("ARRAY_LAST", "The last element.", "ARRAY_LAST([1, 2]) = 2", _ARRAY, lambda a: {"$arrayElemAt": [a, -1]},
           lambda a: a[-1] if a else None, returns=Type.ANY, nullable=True),
    _entry("ARRAY_MIN", "The smallest element that isn't NULL.", "ARRAY_MIN([2, 1]) = 1", _ARRAY,
           lambda a: {"$min": a}, lambda a: next(iter(ordered(i for i in a if i is not None)), None), returns=Type.ANY,
           nullable=True),
    _entry("ARRAY_MAX", "The largest element.", "ARRAY_MAX([2, 1]) = 2", _ARRAY, lambda a: {"$max": a},
           lambda a: ordered(i for i in a if i is not None)[-1] if any(i is not None for i in a) else None,
           returns=Type.ANY, nullable=True),
)
