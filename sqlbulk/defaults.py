"""Default values of columns: what a row gets for a field that it leaves out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.types import MISSING


@dataclass(frozen=True, slots=True)
class Default:
    """The value of a field in rows that leave it out; `text` is its SQL, `evaluate` gives the value, row by row."""

    path: tuple[str, ...]
    text: str
    evaluate: Callable[[], Any] = field(compare=False)


def filled(document: Mapping[str, Any], defaults: Sequence[Default]) -> dict[str, Any]:
    """The document with default values for fields that it lacks. A level that is NULL or no document stays as it is."""
    made = dict(document)
    for default in defaults:
        level = made
        for name in default.path[:-1]:
            below = level.get(name, MISSING)
            if below is not MISSING and not isinstance(below, Mapping):
                break
            level[name] = level = {} if below is MISSING else dict(below)
        else:
            if level.get(default.path[-1], MISSING) is MISSING:
                level[default.path[-1]] = default.evaluate()
    return made
