"""What planning a statement starts from: the environment, the session's options, the way to its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlbulk.options import WriteOptions
from sqlbulk.plan.environment import Environment
from sqlbulk.rowdata import RowSource
from sqlbulk.syntax import ast

Evaluate = Callable[[ast.Expr], Any]
"""The value of a constant expression in a value list; a `syntax.rowscan.Fresh` if it differs from time to time."""


class OpenRows(Protocol):
    """Opens the value list of a statement; the planner never sees its text."""

    def __call__(
        self, *, columns: tuple[str, ...] | None, evaluate: Evaluate, first_parameter: int
    ) -> RowSource:
        """The rows from the first on.

        `columns` are the names of a row's values, None: any number. `evaluate` is asked for the value of
        each expression that is no literal. `first_parameter` is how many `?` stand before the list.
        """


@dataclass(frozen=True, slots=True)
class Planning:
    """Everything that planning one statement reads besides its tree."""

    environment: Environment
    options: WriteOptions = field(default_factory=WriteOptions)
    open_rows: OpenRows | None = None
