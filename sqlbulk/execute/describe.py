"""The fields of a collection as they are stored: types and how often, from a random sample of its documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.int64 import Int64

from sqlbulk.types import Type, type_of

COLUMNS = ("field", "types", "present")


@dataclass(slots=True)
class _Field:
    """In how many documents a field stands, and how often with which type of value."""

    documents: int = 0
    types: Counter[str] = field(default_factory=Counter)
    last: int = 0


def field_rows(documents: Iterable[Mapping[str, Any]]) -> tuple[list[tuple[str, str, str]], int]:
    """Rows of COLUMNS, in the order in which fields were met within their document, and how many documents there were.

    A field of a document is `a.b`, the items of an array `a[]`, their fields `a[].b`. `present` is the share of
    all documents that have the field at least once; the shares of types are of its values.
    """
    fields: dict[str, _Field] = {}
    count = 0
    for document in documents:
        count += 1
        _count_fields(document, "", count, fields)
    rows = [(name, _types(found), _share(found.documents, count)) for name, found in _ordered(fields)]
    return rows, count


def with_defaults(
    rows: Sequence[tuple[str, ...]], defaults: Mapping[str, str]
) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    """The columns and rows with the fields' defaults behind them, where there are any, also of fields not met."""
    if not defaults:
        return COLUMNS, list(rows)
    known = {row[0] for row in rows}
    named = {".".join(map(shown_name, name.split("."))): text for name, text in defaults.items()}
    absent = [(name, None, "0%", text) for name, text in named.items() if name not in known]
    return (*COLUMNS, "default"), [*((*row, named.get(row[0])) for row in rows), *absent]


def _count_fields(document: Mapping[str, Any], prefix: str, number: int, fields: dict[str, _Field]) -> None:
    for name, value in document.items():
        _count_value(f"{prefix}{shown_name(name)}", value, number, fields)


def shown_name(name: str) -> str:
    """A field's name as SQL would write it: quoted where it holds what a path would take apart."""
    if re.fullmatch(r"[^\W\d][\w$]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _count_value(name: str, value: Any, number: int, fields: dict[str, _Field]) -> None:
    found = fields.setdefault(name, _Field())
    found.types[type_name(value)] += 1
    found.documents += found.last != number
    found.last = number
    if isinstance(value, Mapping):
        _count_fields(value, f"{name}.", number, fields)
    elif isinstance(value, list):
        for item in value:
            _count_value(f"{name}[]", item, number, fields)


def type_name(value: object) -> str:
    """The type of a stored value, whole numbers told apart by their size."""
    kind = type_of(value)
    if kind is Type.INTEGER:
        return "long" if isinstance(value, Int64) else "int"
    if kind is Type.ANY:
        return type(value).__name__.lower()
    if kind is Type.BINARY and getattr(value, "subtype", 0) == 4:
        return Type.UUID.value
    return str(kind.value)


def _ordered(fields: Mapping[str, _Field]) -> list[tuple[str, _Field]]:
    """The fields, what belongs to another one behind it, else as they were met."""
    met = {name: position for position, name in enumerate(fields)}

    def place(name: str) -> tuple[int, ...]:
        parents = [met[parent] for parent in fields if name.startswith((f"{parent}.", f"{parent}[]"))]
        return (*sorted(parents), met[name])

    return sorted(fields.items(), key=lambda item: place(item[0]))


def _types(found: _Field) -> str:
    total = sum(found.types.values())
    if len(found.types) == 1:
        return next(iter(found.types))
    return ", ".join(f"{kind} {_share(times, total)}" for kind, times in found.types.most_common())


def _share(part: int, whole: int) -> str:
    """A percentage that is 100% and 0% only for all and none."""
    percent = 100 * part / whole
    if 0 < percent < 1 or 99 < percent < 100:
        return "<1%" if percent < 1 else ">99%"
    return f"{percent:.0f}%"
