"""What a function of SQL is: names, types, its form in the aggregation language and in Python, its manual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlbulk.types import Type


class _Unknown(Enum):
    UNKNOWN = "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""The value of an operand that isn't known before the statement runs."""


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for a whole statement: when it began (UTC, whole milliseconds), the time zone (IANA or +HH:MM).

    `collated`: texts are compared by a collation that only the server knows.
    """

    now: datetime
    time_zone: str = "UTC"
    server: tuple[int, int] | None = None
    collated: bool = False


@dataclass(frozen=True, slots=True)
class Operand:
    """An argument in the aggregation language.

    `mql` is an aggregation expression (a constant is wrapped in $literal where it needs it). `type` is
    what is known of its value, `nullable` whether it may be null or missing, `value` its Python value if
    it is known now. `shape` maps the keys of a document that is built in place to their operands, None
    where the document's keys aren't known. `truth` is another expression for a condition, truthy exactly where
    that is TRUE: for where FALSE and NULL are one.
    """

    mql: Any
    type: Type = Type.ANY
    nullable: bool = True
    value: Any = UNKNOWN
    shape: dict[str, Operand] | None = None
    truth: Any = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a function. `constant`: it must be known before the statement runs (a unit, a format).

    `check` raises FunctionProblem for a value of the type that no call can take; it sees constants only.
    """

    name: str
    type: Type = Type.ANY
    optional: bool = False
    repeated: bool = False
    constant: bool = False
    check: Callable[[Any], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One entry of the function table: everything that is known of a function, in one place.

    `lower(*operands)` gives the aggregation expression, called with operands whose types fit the
    parameters; `fold(*values)` computes the same in Python, None: only the server can. With
    `null_propagates` neither sees a NULL. Both get `context=` when `contextual`. `returns` is a type, or
    worked out from the arguments' types. `since` is the server version that can run it. `volatile`
    functions are never folded. `example` is a condition in SQL that holds.

    With `operands`, `lower` gets Operands in place of expressions (and may return one). Without `guarded`, it
    also gets values that don't fit the parameters' types, and so does `fold`. A `fold` that returns UNKNOWN
    leaves these values to the server.

    `truth` is for conditions: it gets Operands, and gives an expression that is truthy exactly where the call is
    TRUE, without the guards that make the difference between FALSE and NULL.
    """

    name: str
    help: str
    example: str
    parameters: tuple[Parameter, ...] = ()
    returns: Type | Callable[[Sequence[Type]], Type] = Type.ANY
    lower: Callable[..., Any]
    fold: Callable[..., Any] | None = None
    aliases: tuple[str, ...] = ()
    null_propagates: bool = True
    nullable: bool = True
    contextual: bool = False
    volatile: bool = False
    operands: bool = False
    guarded: bool = True
    since: tuple[int, int] | None = None
    truth: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Accumulation:
    """How an aggregate runs inside $group or $setWindowFields.

    `accumulators` are the accumulator expressions, such as {"$sum": …}; `finish` gets as many references to
    their results and gives the value.
    """

    accumulators: tuple[Any, ...]
    finish: Callable[..., Any] = field(default=lambda value: value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One entry of the aggregate table.

    `accumulate(*arguments, distinct=…, order=…)` gives the accumulation: `arguments` are expressions, or values
    where a parameter is constant; `order` is a sequence of OrderKey. NULL arguments are passed over by it, and
    FILTER reaches it as a first argument that isn't constant being missing ($$REMOVE) where the filter isn't
    true. `fold(rows, *, distinct=False)` is the same in Python, a row being the tuple of its arguments.
    `narrow` gives a cheaper accumulation where the operands' types allow one, over one row at least, of all rows and
    without DISTINCT. `empty` is its value over no rows. What stands in WITHIN GROUP (ORDER BY x) is the last argument.
    `distinct`: DISTINCT has a meaning for it.
    """

    name: str
    help: str
    example: str
    parameters: tuple[Parameter, ...] = ()
    returns: Type | Callable[[Sequence[Type]], Type] = Type.ANY
    accumulate: Callable[..., Accumulation]
    narrow: Callable[[Sequence[Operand]], Accumulation | None] | None = None
    fold: Callable[..., Any] | None = None
    aliases: tuple[str, ...] = ()
    empty: Any = None
    ordered: bool = False
    distinct: bool = True


@dataclass(frozen=True, slots=True)
class OrderKey:
    """A key of the order inside an aggregate: an expression, its direction, and where its NULLs go."""

    mql: Any
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFunction:
    """A function that has a meaning in a window only. `returns` None: the type of its first argument."""

    name: str
    help: str
    example: str
    parameters: tuple[Parameter, ...] = ()
    returns: Type | None = Type.INTEGER


class FunctionProblem(Exception):  # noqa: N818
    """A call can't be taken: a code of `codes.CODES`, the reason, a hint, and which argument is to blame (0-based)."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, argument: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.argument = code, message, hint, argument
