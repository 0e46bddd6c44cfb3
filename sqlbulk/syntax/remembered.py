"""The trees of statements that were parsed before: programs run the same few again and again, with other parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlbulk.errors import Source
from sqlbulk.syntax.parser import parse
from sqlbulk.syntax.statements import Statement

_LENGTH = 10_000
"""The trees of longer texts (characters) are not kept."""


def parsed(source: Source, *, parameters_in_rows: Callable[[], int] | None = None) -> Statement:
    """The tree of one statement, as `parse` gives it: a value that never changes. Raises as `parse` does."""
    if source.cut is None and len(source.text) <= _LENGTH:
        return _kept(source)
    return parse(source, parameters_in_rows=parameters_in_rows)


@lru_cache(maxsize=128)
def _kept(source: Source) -> Statement:
    return parse(source)
