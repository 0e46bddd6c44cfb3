"""SQL bulk statements for MongoDB: `connect` gives a session, `translate` only the plan of a statement."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlbulk.catalog import Catalog, Collection, Index
    from sqlbulk.commands import Plan
    from sqlbulk.errors import (
        ConnectionFailed,
        ConnectionLost,
        Interrupted,
        PlanError,
        ServerError,
        SqlbulkError,
        SqlError,
        SqlSyntaxError,
        TooManyErrors,
        UnsupportedError,
        UsageError,
    )
    from sqlbulk.results import Result, WriteSummary
    from sqlbulk.rowdata import Location, RowError
    from sqlbulk.session import Session, connect, translate

    __version__: str

__all__ = [
    "Catalog", "Collection", "ConnectionFailed", "ConnectionLost", "Index", "Interrupted", "Location", "Plan",
    "PlanError", "Result", "RowError", "ServerError", "Session", "SqlError", "SqlSyntaxError", "SqlbulkError",
    "TooManyErrors", "UnsupportedError", "UsageError", "WriteSummary", "__version__", "connect", "translate",
]

_HOMES = {
    "sqlbulk.catalog": ("Catalog", "Collection", "Index"),
    "sqlbulk.commands": ("Plan",),
    "sqlbulk.errors": (
        "ConnectionFailed", "ConnectionLost", "Interrupted", "PlanError", "ServerError", "SqlError", "SqlSyntaxError",
        "SqlbulkError", "TooManyErrors", "UnsupportedError", "UsageError",
    ),
    "sqlbulk.results": ("Result", "WriteSummary"),
    "sqlbulk.rowdata": ("Location", "RowError"),
    "sqlbulk.session": ("Session", "connect", "translate"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for: importing sqlbulk alone takes neither the driver nor the grammar."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("sqlbulk")
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'sqlbulk' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
