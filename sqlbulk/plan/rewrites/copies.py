"""Copies of relations under names that nothing else in the statement has, so that one can stand in several places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlbulk.functions.registry import Aggregate, Function
from sqlbulk.plan import algebra

_NAMES = frozenset({
    "relation", "source", "left_relation", "right_relation", "base_relation", "term_relation", "working"})


class Copies:
    """Makes copies; `known` are the names of all relations that there are, `used` those that stand somewhere."""

    def __init__(self, known: set[str], used: set[str]) -> None:
        self._known, self._used = known, used

    def of(self, table: algebra.Common) -> algebra.Relation:
        """The rows of a WITH table for one of its uses."""
        rows = table.body.rows
        names = {name: self._new(name) for name in sorted(algebra.made_inside(rows) - {table.source})}
        copy: algebra.Relation = _renamed(rows, {**names, table.source: table.relation})
        return copy

    def _new(self, name: str) -> str:
        """The name itself once, then others that nothing has."""
        found, number = name, 1
        while found in self._used or (found in self._known and found != name):
            number += 1
            found = f"{name}_{number}"
        self._used.add(found)
        return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_renamed(v, names) for v in value)
    if not is_dataclass(value) or isinstance(value, type | Function | Aggregate | algebra.Body):
        return value
    if isinstance(value, algebra.Common):
        # its source is a name within its body, which is copied on its own
        return replace(value, relation=names[value.relation])
    changed: dict[str, Any] = {}
    for f in fields(value):
        part = getattr(value, f.name)
        if f.name in _NAMES and isinstance(part, str):
            changed[f.name] = names.get(part, part)
        elif isinstance(part, tuple) or is_dataclass(part):
            changed[f.name] = _renamed(part, names)
    return replace(value, **changed)
