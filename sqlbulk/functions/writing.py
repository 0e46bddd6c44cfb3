"""Documents with a part set, inserted, replaced, appended or removed: JSON_SET and its fellows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlbulk.functions.entries import anything, entry, text
from sqlbulk.functions.jsonpath import by_path, child, computed_steps, find, get, let, single_path
from sqlbulk.functions.registry import UNKNOWN, Function, FunctionProblem, Operand, Parameter


def _is_missing(value: Any) -> Any:
    return {"$eq": [{"$type": value}, "missing"]}


def _is_key_of_document() -> Any:
    return {"$and": [{"$eq": [{"$type": "$$owner"}, "object"]}, {"$eq": [{"$type": "$$step"}, "string"]}]}


def _put(new: str) -> Any:
    """$$owner with a field set, or an element that is there, at $$step."""
    field = {"$mergeObjects": ["$$owner", {"$arrayToObject": [[{"k": "$$step", "v": new}]]}]}
    at = {"$cond": [{"$lt": ["$$step", 0]}, {"$add": ["$$step", {"$size": "$$owner"}]}, "$$step"]}
    old = {"$arrayElemAt": ["$$owner", "$$place"]}
    elements = {"$map": {"input": {"$range": [0, {"$size": "$$owner"}]}, "as": "place", "in": {
        "$cond": [{"$eq": ["$$place", at]}, new, old]}}}
    return {"$cond": [_is_key_of_document(), field, elements]}


class Writer:
    """How one of the functions writes: `create` what isn't there, `replace` what is."""

    def __init__(self, *, create: bool, replace: bool) -> None:
        self.create, self.replace = create, replace

    def write(self, value: Any, steps: Sequence[str | int], new: Any, level: int = 0) -> Any:
        """The value with the place set; a step that finds nothing to go into changes nothing."""
        if not steps:
            return new if self.replace else value
        step, here = steps[0], f"$$at{level}"
        body = self._field(here, step, steps[1:], new, level) if isinstance(step, str) else (
            self._element(here, step, steps[1:], new, level))
        return {"$let": {"vars": {f"at{level}": value}, "in": body}}

    def _field(self, here: str, key: str, rest: Sequence[str | int], new: Any, level: int) -> Any:
        old = {"$getField": {"field": {"$literal": key}, "input": here}}
        if rest:
            wanted: Any = {"$gt": [old, None]}
            made = self.write(old, rest, new, level + 1)
        else:
            missing = _is_missing(old)
            wanted = {(True, True): True, (True, False): missing}.get((self.create, self.replace), {"$not": [missing]})
            made = new
        changed = {"$setField": {"field": {"$literal": key}, "input": here, "value": made}}
        is_document = {"$eq": [{"$type": here}, "object"]}
        return {"$cond": [is_document if wanted is True else {"$and": [is_document, wanted]}, changed, here]}

    def _element(self, here: str, index: int, rest: Sequence[str | int], new: Any, level: int) -> Any:
        size, place = {"$size": here}, f"place{level}"
        at = {"$add": [{"$size": here}, index]} if index < 0 else index
        old = {"$arrayElemAt": [here, index]}
        made = self.write(old, rest, new, level + 1) if rest else (new if self.replace else old)
        swapped = {"$map": {"input": {"$range": [0, size]}, "as": place, "in": {
            "$cond": [{"$eq": [f"$${place}", at]}, made, {"$arrayElemAt": [here, f"$${place}"]}]}}}
        beyond = {"$concatArrays": [here, [new]]} if self.create and not rest and index >= 0 else here
        inside = {"$and": [{"$gte": [at, 0]}, {"$lt": [at, size]}]}
        return {"$cond": [{"$isArray": [here]}, {"$cond": [inside, swapped, beyond]}, here]}

    def write_computed(self, value: Any, path: Any, new: Any) -> Any:
        """The same for a path that is known only when the statement runs; NULL if it is no path to one place."""
        def one_key(key: Any) -> Any:
            return let(self._last(), owner="$$whole", step=key)

        return let(by_path(path, one_key=one_key, other=self._write_along), whole=value, given=new)

    def _write_along(self, path: Any) -> Any:
        length, last = {"$size": "$$steps"}, {"$arrayElemAt": ["$$steps", -1]}
        inner = child({"$arrayElemAt": ["$$value", -1]}, {"$arrayElemAt": ["$$steps", "$$this"]})
        chain = {"$reduce": {"input": {"$range": [0, {"$subtract": [length, 1]}]}, "initialValue": ["$$whole"],
                             "in": {"$concatArrays": ["$$value", [inner]]}}}
        changed = {"$reduce": {
            "input": {"$range": [{"$subtract": [length, 2]}, -1, -1]},
            "initialValue": let(self._last(), owner={"$arrayElemAt": ["$$chain", -1]}, step=last),
            "in": let(_put("$$changed"), owner={"$arrayElemAt": ["$$chain", "$$this"]},
                      step={"$arrayElemAt": ["$$steps", "$$this"]}, changed="$$value"),
        }}
        written = let({"$cond": [{"$in": [None, "$$chain"]}, "$$whole", changed]}, chain=chain)
        branches = [
            {"case": {"$in": [None, {"$ifNull": ["$$steps", [None]]}]}, "then": None},
            {"case": {"$eq": ["$$steps", []]}, "then": "$$given" if self.replace else "$$whole"},
        ]
        body = {"$switch": {"branches": branches, "default": written}}
        return let(body, steps=computed_steps(path))

    def _last(self) -> Any:
        """What $$owner becomes with $$given at $$step."""
        pairs = {"$objectToArray": "$$owner"}
        found = {"$filter": {"input": pairs, "as": "pair", "cond": {"$eq": ["$$pair.k", "$$step"]}}}
        exists, beyond = {"$ne": [found, []]}, {"$gte": ["$$step", {"$size": "$$owner"}]}
        allowed = {(True, True): True, (True, False): {"$not": [exists]}}.get((self.create, self.replace), exists)
        wider = {"$concatArrays": ["$$owner", ["$$given"]]} if self.create else "$$owner"
        element = {"$cond": [beyond, wider, _put("$$given") if self.replace else "$$owner"]}
        cases = [
            {"case": {"$and": [_is_key_of_document(), allowed]}, "then": _put("$$given")},
            {"case": {"$and": [{"$isArray": ["$$owner"]}, {"$isNumber": "$$step"}]}, "then": element},
        ]
        return {"$switch": {"branches": cases, "default": "$$owner"}}

    # in Python

    def fold(self, value: Any, steps: Sequence[str | int], new: Any) -> Any:
        """The same in Python."""
        if not steps:
            return new if self.replace else value
        step, rest = steps[0], steps[1:]
        if isinstance(step, str):
            return self._fold_field(value, step, rest, new)
        if not isinstance(value, list | tuple):
            return value
        at = step + len(value) if step < 0 else step
        if 0 <= at < len(value):
            return [*value[:at], self.fold(value[at], rest, new), *value[at + 1 :]]
        return [*value, new] if self.create and not rest and step >= 0 else value

    def _fold_field(self, value: Any, key: str, rest: Sequence[str | int], new: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if rest:
            return {**value, key: self.fold(value[key], rest, new)} if value.get(key) is not None else value
        allowed = self.replace if key in value else self.create
        return {**value, key: new} if allowed else value


def _pairs(writer: Writer) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def lower(document: Operand, *pairs: Operand) -> Any:
        value = document.mql
        for path, new in zip(pairs[::2], pairs[1::2], strict=True):
            given = {"$ifNull": [new.mql, None]} if new.nullable else new.mql
            if path.value is UNKNOWN:
                changed = writer.write_computed(value, "$$text", given)
                value = let({"$cond": [{"$eq": [{"$type": "$$text"}, "string"]}, changed, None]}, text=path.mql)
            else:
                value = None if path.value is None else writer.write(value, single_path(path.value), given)
        return value

    def fold(document: Any, *pairs: Any) -> Any:
        for path, new in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(path, str) or document is None:
                return None
            try:
                document = writer.fold(document, single_path(path), new)
            except FunctionProblem:
                return None
        return document

    return lower, fold


# Removing and appending


def _inner_path(path: str) -> None:
    if not single_path(path):
        raise FunctionProblem("E2004", "'$' itself can't be removed", argument=1)


def _remove(document: Operand, *paths: Operand) -> Any:
    if any(p.value is None for p in paths):
        return None
    value = document.mql
    for path in paths:
        value = _without(value, single_path(path.value), 0)
    return value


def _without(value: Any, steps: Sequence[str | int], level: int) -> Any:
    step, rest, here = steps[0], steps[1:], f"$$at{level}"
    if isinstance(step, str):
        old = {"$getField": {"field": {"$literal": step}, "input": here}}
        left = _without(old, rest, level + 1) if rest else "$$REMOVE"
        changed = {"$setField": {"field": {"$literal": step}, "input": here, "value": left}}
        wanted = [{"$eq": [{"$type": here}, "object"]}, *([{"$gt": [old, None]}] if rest else [])]
        body: Any = {"$cond": [{"$and": wanted}, changed, here]}
    elif rest:
        body = Writer(create=False, replace=True).write(
            here, [step], _without({"$arrayElemAt": [here, step]}, rest, level + 1), 20 + level)
        body = {"$cond": [{"$isArray": [here]}, body, here]}
    else:
        at = {"$add": [{"$size": here}, step]} if step < 0 else step
        kept = {"$map": {"input": {"$filter": {
            "input": {"$range": [0, {"$size": here}]}, "as": "place", "cond": {"$ne": ["$$place", at]}}},
            "as": "place", "in": {"$arrayElemAt": [here, "$$place"]}}}
        body = {"$cond": [{"$isArray": [here]}, kept, here]}
    return {"$let": {"vars": {f"at{level}": value}, "in": body}}


def _fold_remove(document: Any, *paths: str | None) -> Any:
    for path in paths:
        if path is None:
            return None
        document = _fold_without(document, single_path(path))
    return document


def _fold_without(value: Any, steps: Sequence[str | int]) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if not isinstance(value, Mapping) or (rest and value.get(step) is None):
            return value
        if rest:
            return {**value, step: _fold_without(value[step], rest)}
        return {k: v for k, v in value.items() if k != step}
    if not isinstance(value, list | tuple):
        return value
    at = step + len(value) if step < 0 else step
    if not 0 <= at < len(value):
        return value
    middle = [_fold_without(value[at], rest)] if rest else []
    return [*value[:at], *middle, *value[at + 1 :]]


def appended(old: Any, new: Any) -> Any:
    """An array with one more element; a scalar becomes an array first."""
    array = {"$cond": [{"$isArray": [old]}, old, [old]]}
    return {"$concatArrays": [array, [new]]}


def _append(document: Operand, *pairs: Operand) -> Any:
    if any(path.value is None for path in pairs[::2]):
        return None
    value = document.mql
    for number, (path, new) in enumerate(zip(pairs[::2], pairs[1::2], strict=True)):
        steps = single_path(path.value)
        old = get(f"$$whole{number}", steps)
        given = {"$ifNull": [new.mql, None]}
        changed = Writer(create=False, replace=True).write(f"$$whole{number}", steps, appended(f"$$old{number}", given))
        found = {"$cond": [_is_missing(f"$$old{number}"), f"$$whole{number}", changed]}
        inner = {"$let": {"vars": {f"old{number}": old}, "in": found}}
        value = {"$let": {"vars": {f"whole{number}": value}, "in": inner}}
    return value


def _fold_append(document: Any, *pairs: Any) -> Any:
    if None in pairs[::2]:
        return None
    for path, new in zip(pairs[::2], pairs[1::2], strict=True):
        steps = single_path(path)
        old = find(document, steps)
        wider = [*old, new] if isinstance(old, list | tuple) else [old, new]
        document = Writer(create=False, replace=True).fold(document, steps, wider)
    return document


def _place_in_array(path: str) -> tuple[int, tuple[str | int, ...]]:
    *owner, place = single_path(path) or ("",)
    if not isinstance(place, int):
        raise FunctionProblem("E2004", "the path has to end with a position: '$.a[0]'", argument=1)
    return place, tuple(owner)


def _insert_element(document: Operand, path: Operand, new: Operand) -> Any:
    if path.value is None:
        return None
    place, owner = _place_in_array(path.value)
    old, size = "$$old", {"$size": "$$old"}
    at = {"$max": [{"$add": [size, place]}, 0]} if place < 0 else {"$min": [place, size]}
    before = {"$cond": [{"$gt": [at, 0]}, {"$slice": [old, {"$max": [at, 1]}]}, []]}
    after = {"$slice": [old, at, {"$max": [size, 1]}]}
    wider = {"$concatArrays": [before, [{"$ifNull": [new.mql, None]}], after]}
    changed = Writer(create=False, replace=True).write("$$whole", owner, wider)
    found = {"$cond": [{"$isArray": [old]}, changed, "$$whole"]}
    inner = {"$let": {"vars": {"old": get("$$whole", owner)}, "in": found}}
    return {"$let": {"vars": {"whole": document.mql}, "in": inner}}


def _fold_insert_element(document: Any, path: str | None, new: Any) -> Any:
    if path is None:
        return None
    place, owner = _place_in_array(path)
    old = find(document, owner)
    if not isinstance(old, list | tuple):
        return document
    at = max(len(old) + place, 0) if place < 0 else min(place, len(old))
    return Writer(create=False, replace=True).fold(document, owner, [*old[:at], new, *old[at:]])


def _path(**fields: Any) -> Parameter:
    return text("path", **{"repeated": True, "check": single_path, **fields})


_PATHS = (anything("document"), _path(), anything("value", repeated=True))
_CONSTANT_PATHS = (anything("document"), _path(constant=True), anything("value", repeated=True))
_ELEMENT = (anything("document"), _path(repeated=False, constant=True, check=_place_in_array), anything())
_KEYS = (anything("document"), _path(constant=True, check=_inner_path))


def _entry(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    def guarded(document: Operand, *others: Operand) -> Any:
        return {"$cond": [{"$gt": [document.mql, None]}, lower(document, *others), None]}

    def folded(document: Any, *others: Any) -> Any:
        return None if document is None else fold(document, *others)

    return entry(name, help, example, parameters, guarded, folded, operands=True, null_propagates=False, guarded=False,
                 **fields)


ENTRIES: tuple[Function, ...] = (
    _entry("JSON_SET", "The document with the places set; only the last step of a path is made if it isn't there.",
           "JSON_SET({a: 1}, '$.b', 2) = {a: 1, b: 2}", _PATHS, *_pairs(Writer(create=True, replace=True))),
    _entry("JSON_INSERT", "The document with the places set that aren't there yet.",
           "JSON_INSERT({a: 1}, '$.a', 2) = {a: 1}", _PATHS, *_pairs(Writer(create=True, replace=False))),
    _entry("JSON_REPLACE", "The document with the places set that are there.",
           "JSON_REPLACE({a: 1}, '$.b', 2) = {a: 1}",
           _PATHS, *_pairs(Writer(create=False, replace=True))),
    _entry("JSON_REMOVE", "The document without the places.", "JSON_REMOVE({a: 1, b: 2}, '$.a') = {b: 2}", _KEYS,
           _remove, _fold_remove),
    _entry("JSON_ARRAY_APPEND", "The document with a value appended to the arrays at the places; a scalar becomes one.",
           "JSON_ARRAY_APPEND({a: [1]}, '$.a', 2) = {a: [1, 2]}", _CONSTANT_PATHS, _append, _fold_append),
    _entry("JSON_ARRAY_INSERT", "The document with a value put in before a position of an array.",
           "JSON_ARRAY_INSERT({a: [1]}, '$.a[0]', 2) = {a: [2, 1]}",
           _ELEMENT, _insert_element, _fold_insert_element),
)
