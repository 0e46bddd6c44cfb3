"""Where the rows in scope stand in the documents of a pipeline, and how their fields are addressed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.plan.binding.bound import Column
from sqlbulk.plan.binding.scope import NEW

ROOT = "$$ROOT"


@dataclass(frozen=True, slots=True)
class Layout:
    """The place of each relation's row: `$$ROOT`, a variable such as `$$new`, or a field such as `$joined`."""

    bases: Mapping[str, str] = field(default_factory=lambda: {"": ROOT, NEW: "$$new"})

    def reference(self, column: Column) -> Any:
        """The column as an aggregation expression."""
        return field_reference(self.bases[column.relation], column.path)

    def match_path(self, column: Column) -> str | None:
        """The column as a path of the match language; None where that can't name it."""
        base = self.bases[column.relation]
        path = column.path if base == ROOT else (base[1:], *column.path)
        if base.startswith("$$") and base != ROOT:
            return None
        return ".".join(path) if column.path and all(is_plain(p) for p in column.path) else None


def is_plain(name: str) -> bool:
    """Whether a field's name can stand in a dotted path."""
    return bool(name) and "." not in name and not name.startswith("$") and "\0" not in name


def field_reference(base: str, path: tuple[str, ...]) -> Any:
    """A field of a base as an expression: "$a.b", "$$new.a", or $getField for names that can't stand in a path.

    A path through an array gives the array of what its items have there, as the server does it.
    """
    plain = 0
    while plain < len(path) and is_plain(path[plain]):
        plain += 1
    head = ".".join(path[:plain])
    reference: Any = base
    if head:
        reference = f"${head}" if base == ROOT else f"{base}.{head}"
    for name in path[plain:]:
        reference = {"$getField": {"field": {"$literal": name}, "input": reference}}
    return reference
