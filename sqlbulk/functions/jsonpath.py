"""Paths into documents: '$.a."b c"[0]', read from a constant, or walked when the statement runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlbulk.functions.registry import FunctionProblem

Step = str | int | None
"""A key, a position in an array (0 the first, -1 the last), or None: all elements of the array."""

_STEP = re.compile(
    r"""\s*(?:\.\s*([^\s."\[\]*]+)|\.\s*"((?:[^"\\]|\\.)*)"|\[\s*(-?\d+)\s*\]|\[\s*(last)\s*(?:-\s*(\d+)\s*)?\]|\[\s*(\*)\s*\])"""
)


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path. FunctionProblem: it can't be read."""
    text = path.strip()
    steps: list[Step] = []
    at = 1 if text.startswith("$") else 0
    if at == 0 and text and text[0] not in ".[":
        text = "." + text
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise FunctionProblem("E2004", f"{path!r} is no path; it looks like '$.a.b[0]'", argument=1)
        key, quoted, index, last, before, _ = match.groups()
        if key is not None or quoted is not None:
            steps.append(key if key is not None else re.sub(r"\\(.)", r"\1", quoted))
        else:
            steps.append(int(index) if index else -1 - int(before or 0) if last else None)
        at = match.end()
    return tuple(steps)


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

LEVELS = 6
"""How deep a computed path may write."""


def computed_steps(path: Any) -> Any:
    """The keys and positions of a computed path as an array of texts; its quotes and blanks are part of keys."""
    dotted = {
        "$replaceAll": {
            "input": {"$replaceAll": {"input": path, "find": "[", "replacement": "."}}, "find": "]", "replacement": "",
        }
    }
    return {
        "$filter": {
            "input": {"$split": [{"$ltrim": {"input": dotted, "chars": {"$literal": "$"}}}, "."]},
            "cond": {"$ne": ["$$this", ""]},
        }
    }


def python_steps(path: str) -> list[str]:
    """The same in Python."""
    return [s for s in path.replace("[", ".").replace("]", "").lstrip("$").split(".") if s]


def get_computed(value: Any, path: Any) -> Any:
    """What stands at a computed path."""
    return {"$reduce": {"input": computed_steps(path), "initialValue": value, "in": child("$$value", "$$this")}}


def child(value: Any, key: Any) -> Any:
    """A field of a document or an element of an array, by the text of its key."""
    fields = {"$filter": {"input": {"$objectToArray": value}, "as": "pair", "cond": {"$eq": ["$$pair.k", key]}}}
    field = {"$getField": {"field": "v", "input": {"$arrayElemAt": [fields, 0]}}}
    index = {"$convert": {"input": key, "to": "int", "onError": None, "onNull": None}}
    at = {"$arrayElemAt": [value, "$$index"]}
    item = {"$let": {"vars": {"index": index}, "in": {"$cond": [{"$gt": ["$$index", None]}, at, None]}}}
    cases = [
        {"case": {"$eq": [{"$type": value}, "object"]}, "then": field},
        {"case": {"$isArray": [value]}, "then": item},
    ]
    return {"$switch": {"branches": cases, "default": None}}


def find_computed(value: Any, path: str) -> Any:
    """The same in Python."""
    for step in python_steps(path):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and re.fullmatch(r"[+-]?\d+", step):
            index = int(step)
            value = value[index] if -len(value) <= index < len(value) else None
        else:
            return None
    return value
