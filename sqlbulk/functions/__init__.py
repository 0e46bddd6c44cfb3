"""What SQL can call: one entry a function, and the list of what SQL has and sqlbulk refuses."""

from __future__ import annotations

from sqlbulk.functions.calls import constant, fold_call, literal, lower_call, parameter_at
from sqlbulk.functions.resolution import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS, resolve, resolve_aggregate
from sqlbulk.functions.unsupported import UNSUPPORTED

__all__ = [
    "AGGREGATES",
    "FUNCTIONS",
    "UNSUPPORTED",
    "WINDOW_FUNCTIONS",
    "constant",
    "fold_call",
    "literal",
    "lower_call",
    "parameter_at",
    "resolve",
    "resolve_aggregate",
]
