"""Unique indexes that leave NULLs alone, as SQL has it: what such an index covers, and what one is good for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from bson import encode
from bson.binary import Binary
from bson.objectid import ObjectId
from bson.timestamp import Timestamp

Filter = Mapping[str, Any]

NOT_NULL_TYPES = (
    "double", "string", "object", "array", "binData", "objectId", "bool", "date", "regex", "dbPointer", "javascript",
    "symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey",
)
LOWEST: tuple[tuple[frozenset[str], Any], ...] = (
    (frozenset({"string"}), ""),
    (frozenset({"number", "int", "long", "double", "decimal"}), float("-inf")),
    (frozenset({"bool"}), False),
    # not the first date of BSON: clients can't read it, so they couldn't list the indexes
    (frozenset({"date"}), datetime(1, 1, 1, tzinfo=UTC)),
    (frozenset({"objectId"}), ObjectId(bytes(12))),
    (frozenset({"binData"}), Binary(b"")),
    (frozenset({"timestamp"}), Timestamp(0, 0)),
    (frozenset({"object"}), {}),
)
"""The lowest value of BSON types, within what clients can read."""
_NAN = float("nan")
_REST = ("array", "date", "regex", "dbPointer", "javascript", "symbol", "javascriptWithScope", "minKey", "maxKey")
_LOWEST_BYTES = frozenset(encode({"": lowest}) for _, lowest in LOWEST)


class Cover(IntEnum):
    """Which documents a unique index covers; each covers what those before it do."""

    PART = 0
    """Others than its keys decide it."""
    ONE_TYPE = 1
    """Those whose keys are not NULL, and of the type that the index is for."""
    NOT_NULL = 2
    """Those whose keys are all not NULL."""
    ALL = 3
    """Every document: NULL is a value like others."""


def not_null_filter(names: Sequence[str], *, alternatives: bool = True) -> dict[str, Any]:
    """The partial filter of a unique index in which NULLs don't collide.

    Reads can use an index with `alternatives`, which servers take from 6.0 on; else only those that test the type.
    """
    if not alternatives:
        return {name: {"$type": list(NOT_NULL_TYPES)} for name in names}
    tests = [_alternatives(name) for name in names]
    return tests[0] if len(tests) == 1 else {"$and": tests}


def _alternatives(name: str) -> dict[str, Any]:
    return {"$or": [*({name: {"$gte": lowest}} for _, lowest in LOWEST),
                    {name: {"$eq": _NAN}}, {name: {"$type": list(_REST)}}]}


def cover_of(names: Collection[str], partial: Filter | None) -> Cover:
    """Which documents a unique index on these dotted fields covers, from its partial filter."""
    return Cover.ALL if partial is None else min((_cover(test, names) for test in _tests(partial)), default=Cover.ALL)


def type_tests(partial: Filter | None) -> dict[str, Any]:
    """The tests of types in a partial filter, by field: a query that doesn't repeat them can't use the index."""
    found = {}
    for test in _tests(partial or {}):
        for name, condition in test.items():
            if isinstance(condition, Mapping) and "$type" in condition:
                found[name] = {"$type": condition["$type"]}
    return found


def _tests(partial: Filter) -> Iterator[Filter]:
    """What a filter demands, one by one."""
    for name, condition in partial.items():
        if name == "$and":
            for part in condition:
                yield from _tests(part)
        else:
            yield {name: condition}


def _cover(test: Filter, names: Collection[str]) -> Cover:
    (name, condition), = test.items()
    if name == "$or":
        # one of ours, or that of a sparse index
        ours = any(encode(test) == encode(_alternatives(field)) for field in names)
        whole = any(_cover(choice, names) is Cover.NOT_NULL for choice in condition if len(choice) == 1)
        return Cover.NOT_NULL if ours or whole else Cover.PART
    if name not in names or not isinstance(condition, Mapping) or len(condition) != 1:
        return Cover.PART
    (operator, value), = condition.items()
    if operator == "$exists" and value:
        return Cover.NOT_NULL
    if operator == "$type" and isinstance(value, list) and set(NOT_NULL_TYPES) <= set(value):
        return Cover.NOT_NULL
    if operator == "$gte" and encode({"": value}) in _LOWEST_BYTES:
        return Cover.ONE_TYPE
    return Cover.PART
