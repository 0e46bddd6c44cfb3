"""Whether documents have keys and arrays have texts: what PostgreSQL writes as ?, ?| and ?&."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlbulk.functions.entries import anything, array, entry, text
from sqlbulk.functions.registry import Function
from sqlbulk.types import Type


def _asked(value: Any, test: Any) -> Any:
    """The test over $$keys: a document's keys, an array's elements, a text as the only one."""
    pairs = {"$map": {"input": {"$objectToArray": "$$value"}, "in": "$$this.k"}}
    kinds = [
        {"case": {"$eq": [{"$type": "$$value"}, kind]}, "then": keys}
        for kind, keys in (("object", pairs), ("array", "$$value"), ("string", ["$$value"]))
    ]
    keys = {"$switch": {"branches": kinds, "default": []}}
    return {"$let": {"vars": {"value": value}, "in": {"$let": {"vars": {"keys": keys}, "in": test}}}}


def _fold_keys(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value)
    return value if isinstance(value, list) else [value]


def _texts(keys: list[Any]) -> set[str]:
    return {k for k in keys if isinstance(k, str)}


ENTRIES: tuple[Function, ...] = (
    entry("JSONB_EXISTS", "Whether the text is a key of the document, an element of the array, or the text itself.",
          "JSONB_EXISTS({a: 1}, 'a')", (anything("document"), text("key")),
          lambda value, key: _asked(value, {"$in": [key, "$$keys"]}),
          lambda value, key: key in _texts(_fold_keys(value)), returns=Type.BOOLEAN, aliases=("?",)),
    entry("JSONB_EXISTS_ANY", "Whether one of the texts is such a key or element.",
          "JSONB_EXISTS_ANY({a: 1}, ['a', 'b'])", (anything("document"), array("keys")),
          lambda value, keys: _asked(value, {"$gt": [{"$size": {"$setIntersection": ["$$keys", keys]}}, 0]}),
          lambda value, keys: bool(_texts(_fold_keys(value)) & _texts(keys)), returns=Type.BOOLEAN, aliases=("?|",)),
    entry("JSONB_EXISTS_ALL", "Whether all of the texts are such keys or elements.",
          "JSONB_EXISTS_ALL({a: 1, b: 2}, ['a', 'b'])", (anything("document"), array("keys")),
          lambda value, keys: _asked(value, {"$setIsSubset": [keys, "$$keys"]}),
          lambda value, keys: _texts(keys) <= _texts(_fold_keys(value)), returns=Type.BOOLEAN, aliases=("?&",)),
)
