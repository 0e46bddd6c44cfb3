"""Paths into documents: '$.a."b c"[0]', read from a constant, or walked when the statement runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlbulk.functions.registry import FunctionProblem

Step = str | int | None
"""A key, a position in an array (0 the first, -1 the last), or None: all elements of the array."""

_BLANKS = " \t\n\r\f\x0b"
_STEP = (
    r"""[ \t\n\r\f\x0b]*(?:\.[ \t\n\r\f\x0b]*([^ \t\n\r\f\x0b\x00."\[\]*]+)"""
    r"""|\.[ \t\n\r\f\x0b]*"((?:[^"\\\x00]|\\[^\x00])*)\""""
    r"""|\[[ \t\n\r\f\x0b]*(-?[0-9]{1,9})[ \t\n\r\f\x0b]*\]"""
    r"""|\[[ \t\n\r\f\x0b]*(last)[ \t\n\r\f\x0b]*(?:-[ \t\n\r\f\x0b]*([0-9]{1,9})[ \t\n\r\f\x0b]*)?\]"""
    r"""|\[[ \t\n\r\f\x0b]*(\*)[ \t\n\r\f\x0b]*\])"""
)
"""One step, which means the same to Python and to the server: Unicode widens a class such as \\s in one alone."""
_COMPILED = re.compile(_STEP)
_ONE_KEY = r"""^\$\.[^ \t\n\r\f\x0b\x00."\[\]*]+\z"""
"""The usual computed path, '$.key', which needs no list of steps. Only the server reads it."""


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path. FunctionProblem: it can't be read."""
    text = path.strip(_BLANKS)
    steps: list[Step] = []
    at = 1 if text.startswith("$") else 0
    if at == 0 and text[:1] not in (".", "["):
        text = "." + text
    while at < len(text):
        match = _COMPILED.match(text, at)
        if match is None:
            raise FunctionProblem("E2004", f"{path!r} is no path; it looks like '$.a.b[0]'", argument=1)
        key, quoted, index, last, before, _ = match.groups()
        if key is not None or quoted is not None:
            steps.append(key if key is not None else re.sub(r"(?s)\\(.)", r"\1", quoted))
        else:
            steps.append(int(index) if index else -1 - int(before or 0) if last else None)
        at = match.end()
    return tuple(steps)


def read_path(path: str) -> tuple[Step, ...] | None:
    """The steps of a path out of a row, None: it is no path."""
    try:
        return parse_path(path)
    except FunctionProblem:
        return None


def single_path(path: str) -> tuple[str | int, ...]:
    """The steps of a path that leads to one place. FunctionProblem: it can't be read, or has [*] in it."""
    steps = parse_path(path)
    places = tuple(step for step in steps if step is not None)
    if len(places) < len(steps):
        raise FunctionProblem("E3001", "[*] stands for many places; this path has to lead to one", argument=1)
    return places


# Reading


def get(value: Any, steps: Sequence[Step]) -> Any:
    """An expression for what stands at the path; NULL (or missing) if there is nothing."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step is None:
        every = {"$map": {"input": value, "as": "element", "in": _or_null(get("$$element", rest))}}
        found = every if not rest else {"$filter": {"input": every, "cond": {"$gt": ["$$this", None]}}}
        return {"$cond": [{"$isArray": [value]}, found, None]}
    if isinstance(step, str):
        return get({"$getField": {"field": {"$literal": step}, "input": value}}, rest)
    return get(element(value, step), rest)


def element(value: Any, index: Any) -> Any:
    """An element by its position from 0, from the end below 0; NULL if the value is no array."""
    if isinstance(value, str):
        return {"$cond": [{"$isArray": [value]}, {"$arrayElemAt": [value, index]}, None]}
    checked = {"$cond": [{"$isArray": ["$$array"]}, {"$arrayElemAt": ["$$array", index]}, None]}
    return {"$let": {"vars": {"array": value}, "in": checked}}


def _or_null(value: Any) -> Any:
    return {"$ifNull": [value, None]}


def find(value: Any, steps: Sequence[Step]) -> Any:
    """What stands at the path, in Python."""
    for number, step in enumerate(steps):
        if step is None:
            if not isinstance(value, list | tuple):
                return None
            rest = steps[number + 1 :]
            found = [find(v, rest) for v in value]
            return [f for f in found if f is not None] if rest else found
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        elif isinstance(value, list | tuple) and -len(value) <= step < len(value):
            value = value[step]
        else:
            value = None
    return value


# Paths that are known only when the statement runs


def let(body: Any, **variables: Any) -> Any:
    """The body with variables, which none of them sees."""
    return {"$let": {"vars": variables, "in": body}}


def _computed_step() -> Any:
    """What one match of a step means."""
    key, quoted, index, last, before = ({"$arrayElemAt": ["$$captures", n]} for n in range(5))
    pieces = {"$map": {"input": {"$split": [quoted, "\\\\"]}, "as": "piece", "in": {
        "$replaceAll": {"input": "$$piece", "find": "\\", "replacement": ""}}}}
    # Not joined with what stands in front of the first piece.
    unquoted = {"$reduce": {"input": pieces, "initialValue": None, "in": {
        "$ifNull": [{"$concat": ["$$value", "\\", "$$this"]}, "$$this"]}}}
    cases = [
        {"case": {"$gt": [key, None]}, "then": key},
        {"case": {"$gt": [quoted, None]}, "then": unquoted},
        {"case": {"$gt": [index, None]}, "then": {"$toInt": index}},
        {"case": {"$gt": [last, None]}, "then": {"$subtract": [-1, {"$toInt": {"$ifNull": [before, "0"]}}]}},
    ]
    return {"$switch": {"branches": cases, "default": None}}


def by_path(path: Any, *, one_key: Callable[[Any], Any], other: Callable[[Any], Any]) -> Any:
    """What is done at a computed path: with its key where it has just one, else with the path."""
    key = {"$substrCP": ["$$way", 2, {"$strLenCP": "$$way"}]}
    is_one_key = {"$regexMatch": {"input": "$$way", "regex": _ONE_KEY}}
    return let({"$cond": [is_one_key, let(one_key("$$step"), step=key), other("$$way")]}, way=path)


def computed_steps(path: Any) -> Any:
    """The steps of a computed path: an array of texts, whole numbers and null for [*]; null: it is no path."""
    trimmed = {"$trim": {"input": path, "chars": _BLANKS}}
    first = {"$substrCP": ["$$path", 0, 1]}
    dotted = {"$cond": [{"$in": [first, [".", "["]]}, "$$path", {"$concat": [".", "$$path"]}]}
    rest = {"$cond": [{"$eq": [first, {"$literal": "$"}]},
                      {"$substrCP": ["$$path", 1, {"$strLenCP": "$$path"}]}, dotted]}
    read = {"$sum": {"$map": {"input": "$$found", "in": {"$strLenCP": "$$this.match"}}}}
    steps = {"$map": {"input": "$$found.captures", "as": "captures", "in": _computed_step()}}
    whole = {"$cond": [{"$eq": [read, {"$strLenCP": "$$path"}]}, steps, None]}
    found = {"$regexFindAll": {"input": "$$path", "regex": _STEP}}
    return let(let(let(whole, found=found), path=rest), path=trimmed)


def child(value: Any, step: Any) -> Any:
    """What stands one computed step, a text or a whole number, further; missing or NULL if there is nothing."""
    fields = {"$filter": {"input": {"$objectToArray": value}, "as": "pair", "cond": {"$eq": ["$$pair.k", step]}}}
    field = {"$getField": {"field": "v", "input": {"$arrayElemAt": [fields, 0]}}}
    named = {"$and": [{"$eq": [{"$type": value}, "object"]}, {"$eq": [{"$type": step}, "string"]}]}
    cases = [
        {"case": named, "then": field},
        {"case": {"$and": [{"$isArray": [value]}, {"$isNumber": step}]}, "then": {"$arrayElemAt": [value, step]}},
    ]
    return {"$switch": {"branches": cases, "default": None}}


def get_computed(value: Any, path: Any) -> Any:
    """What stands at a computed path, which may have one [*]; NULL if it is no path."""
    return by_path(path, one_key=lambda key: child(value, key), other=lambda way: _walk(value, way))


def _walk(value: Any, path: Any) -> Any:
    every = {"$map": {"input": "$$value.v", "as": "element", "in": child("$$element", "$$this")}}
    onward = {"$cond": ["$$value.many", every, child("$$value.v", "$$this")]}
    opened = {"$cond": [{"$isArray": ["$$value.v"]}, "$$value.v", None]}
    is_star = {"$eq": ["$$this", None]}
    moved = {"many": {"$or": ["$$value.many", is_star]}, "v": {"$cond": [is_star, opened, onward]}}
    walked = {"$reduce": {"input": "$$steps", "initialValue": {"many": False, "v": "$$whole"}, "in": moved}}
    found = {"$filter": {"input": "$$walked.v", "cond": {"$gt": ["$$this", None]}}}
    last_is_star = {"$eq": [{"$arrayElemAt": ["$$steps", -1]}, None]}
    kept = {"$cond": [{"$and": ["$$walked.many", {"$not": [last_is_star]}]}, found, "$$walked.v"]}
    stars = {"$filter": {"input": {"$ifNull": ["$$steps", [None, None]]}, "cond": is_star}}
    body = {"$cond": [{"$lt": [{"$size": stars}, 2]}, let(kept, walked=walked), None]}
    return let(body, steps=computed_steps(path), whole=value)
