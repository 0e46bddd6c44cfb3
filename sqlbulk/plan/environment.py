"""What holds for a whole statement while it is planned: the moment, the time zone, the catalog, the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import bson

from sqlbulk.catalog import Catalog
from sqlbulk.errors import PlanError, Span, UsageError
from sqlbulk.functions.registry import Context
from sqlbulk.syntax import ast
from sqlbulk.types import to_bson


class Parameters:
    """The values given for `?` and `:name`, and which of them were asked for.

    Raises UsageError E6001 if they are no values beside each other: a text would be taken apart, sets have no order.
    """

    def __init__(self, given: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        if isinstance(given, str | bytes | Set) or not isinstance(given, Iterable | None):
            kind = type(given).__name__
            raise UsageError("E6001", f"parameters are a list of values, or a dict by name, not a {kind}")
        self._positional = () if given is None or isinstance(given, Mapping) else tuple(given)
        self._named = dict(given) if isinstance(given, Mapping) else {}
        self._used: set[int | str] = set()

    def value(self, key: int | str, span: Span) -> Any:
        """The parameter's value in its BSON form; raises PlanError: E2008 it has none, E4010 it has no BSON form."""
        found: Any
        if isinstance(key, int) and key < len(self._positional):
            found = self._positional[key]
        elif isinstance(key, str) and key in self._named:
            found = self._named[key]
        else:
            raise PlanError("E2008", self._reason(key), span)
        stored = to_bson(found)
        if key not in self._used:
            _check_storable(stored, span)
            self._used.add(key)
        return stored

    def _reason(self, key: int | str) -> str:
        if isinstance(key, str):
            return f"parameter :{key} has no value"
        if self._named:
            return "the statement has a parameter ?, but the values have names"
        return f"parameter {key + 1} has no value: {len(self._positional)} given"

    @property
    def unused(self) -> tuple[int | str, ...]:
        """The parameters that were given and not asked for so far."""
        keys = (*range(len(self._positional)), *self._named)
        return tuple(k for k in keys if k not in self._used)

    def check_all_used(self) -> None:
        """Raise UsageError E2009 if a value was given for nothing."""
        unused = self.unused
        if unused:
            names = ", ".join(f":{k}" if isinstance(k, str) else str(k + 1) for k in unused)
            raise UsageError("E2009", f"the statement has no parameter {names}")


def _check_storable(value: Any, span: Span) -> None:
    """Raises PlanError E4010 for what no document can hold."""
    try:
        bson.encode({"value": value})
    except OverflowError:
        message = "an integer in the value of a parameter is beyond 64 bits; pass a Decimal"
        raise PlanError("E4010", message, span) from None
    except Exception as error:  # as each kind of value has its own
        reason = str(error).removeprefix("Invalid document: ")[:200]
        raise PlanError("E4010", f"the value of a parameter has no BSON form: {reason}", span) from None


@dataclass(frozen=True, slots=True)
class Environment:
    """What every part of a statement's planning reads. `read_expression` reads SQL that the catalog holds.

    `max_recursion` is how many rounds WITH RECURSIVE may go. `loaded` are the columns of rows that come by the client,
    None where they aren't known, by the name that stands for them in FROM.
    """

    context: Context
    parameters: Parameters = field(default_factory=Parameters)
    catalog: Catalog = field(default_factory=Catalog)
    read_expression: Callable[[str], ast.Expr] | None = None
    max_recursion: int = 1_000
    loaded: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
