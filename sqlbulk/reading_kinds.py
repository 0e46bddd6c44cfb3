"""The kinds of the options that say how a query is read: collation, hint, read concern and read preference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlbulk.option_kinds import Kind, choice

_COLLATION: Mapping[str, type | tuple[Any, ...]] = {
    "locale": str, "strength": (1, 2, 3, 4, 5), "caseLevel": bool, "caseFirst": ("upper", "lower", "off"),
    "numericOrdering": bool, "alternate": ("non-ignorable", "shifted"), "maxVariable": ("punct", "space"),
    "backwards": bool, "normalization": bool,
}


def _document(value: object) -> object:
    """The value; a text that is a JSON document as one."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError as problem:
            raise ValueError(f"not JSON ({problem.msg})") from None
    return value


def _collation(value: object) -> Mapping[str, Any]:
    value = _document(value)
    if isinstance(value, str):
        value = {"locale": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("locale"), str):
        raise ValueError("neither a locale nor {locale, strength, …}")
    parts = {_camel(str(name)): part for name, part in value.items()}
    for name, part in parts.items():
        allowed = _COLLATION.get(name)
        if allowed is None:
            raise ValueError(f"unknown part {name}")
        fits = part in allowed if isinstance(allowed, tuple) else isinstance(part, allowed)
        if not fits or (isinstance(part, bool) and allowed is not bool):
            raise ValueError(f"{part!r} is no value of {name}")
    if not re.fullmatch(r"[a-z]{2,4}(?:[_-]\w+)*(?:@[\w=]+)?|simple", parts["locale"]):
        raise ValueError(f"{parts['locale']!r} is no locale")
    return parts


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _hint(value: object) -> str | Mapping[str, Any]:
    value = _document(value)
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, Mapping) or not value:
        raise ValueError("neither an index's name nor its keys")
    for name, direction in value.items():
        if isinstance(direction, bool) or not isinstance(direction, int | str):
            raise ValueError(f"{direction!r} is no direction of {name}")
    return dict(value)


_CONCERNS = ("local", "available", "majority", "linearizable", "snapshot")
_PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")


def _preference(value: object) -> str:
    found = {p.lower(): p for p in _PREFERENCES}.get(str(value).lower().replace("_", ""))
    if found is None:
        raise ValueError(f"must be {', '.join(_PREFERENCES[:-1])} or {_PREFERENCES[-1]}")
    return found


COLLATION = Kind(
    "collation", "a locale such as 'de', or {locale: 'de', strength: 2, numericOrdering: true}", _collation)
HINT = Kind("index", "an index's name, or its keys such as {a: 1, b: -1}", _hint)
READ_CONCERN = choice(*_CONCERNS)
READ_PREFERENCE = Kind(
    "choice", "'primary', 'primaryPreferred', 'secondary', 'secondaryPreferred' or 'nearest'", _preference)
