"""The collection that a statement writes to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax import ast


@dataclass(frozen=True, slots=True)
class Table:
    """The collection that is written to."""

    collection: str
    database: str | None = None
    alias: str | None = None
    kind: str = "collection"
    known: bool = False


def read_table(table: ast.Table, environment: Environment) -> Table:
    """The collection that a statement writes to; raises PlanError E2011 or UnsupportedError."""
    names = [part.text for part in table.name]
    database = names[0] if len(names) > 1 and names[0] != "system" else None
    collection = ".".join(names[1:] if database else names)
    reason = None
    if "$" in collection or "\0" in collection:
        reason = "holds $ or NUL"
    elif collection.startswith("system."):
        reason = "belongs to the server"
    elif collection[0] == "." or collection[-1] == ".":
        reason = "begins or ends with a dot"
    if reason:
        raise PlanError("E2011", f"{collection!r} can't be the name of a collection: it {reason}", table.span)
    known = environment.catalog.get(collection) if database is None else None
    if known is not None and known.kind == "view":
        raise UnsupportedError("E3001", f"{collection} is a view; only collections can be written to", table.span)
    alias = table.alias.name.text if table.alias else None
    return Table(collection, database, alias, known.kind if known else "collection", known is not None)
