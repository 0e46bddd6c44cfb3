"""DRY RUN: how many documents a statement would touch, and what some of them would become. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlbulk.commands import DeleteWhere, DryRun, UpdateWhere
from sqlbulk.execute.stored import Site, clear_of, hindered, open_site
from sqlbulk.execute.windows import of_window
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

SAMPLES = 5


def run_dry(command: DryRun, connection: Connection) -> Result:
    """The count, and rows of a document as it is and as it would be. Raises as `run_update` does."""
    of = command.of
    site = open_site(of, connection)
    found = site.count(of.selection)
    verb = "changed" if isinstance(of, UpdateWhere) else "moved" if _moves(of) else "deleted"
    notices = [f"DRY RUN: {found:,} documents of {of.collection} would be {verb}; nothing was written"]
    rows, hinder = _samples(site, of)
    notices += hinder
    if isinstance(of, UpdateWhere):
        return Result("DRY RUN", ("documents", "before", "after"), _numbered(found, rows), notices=tuple(notices),
                      target=of.collection)
    return Result("DRY RUN", ("documents", "document"), _numbered(found, [(before,) for before, _ in rows]),
                  notices=tuple(notices), target=of.collection)


def _moves(command: DeleteWhere) -> bool:
    return command.archive is not None and not command.archive.marked


def _numbered(found: int, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with the count in front of the first; without rows the count alone."""
    width = len(rows[0]) if rows else 1
    return [(found if n == 0 else None, *row) for n, row in enumerate(rows)] or [(found, *[None] * width)]


def _samples(site: Site, command: UpdateWhere | DeleteWhere) -> tuple[list[tuple[Any, ...]], list[str]]:
    values = command.values if isinstance(command, UpdateWhere) else ()
    finder = site.windows(command.selection, values)
    finder.size = SAMPLES
    window = next(iter(finder), None)
    if window is None:
        return [], []
    hinder = [f"_id {identity!r} would be refused: {reason}"
              for identity, reason in hindered(site, of_window(window.ids), command.obstacles)]
    rows = []
    for number, identity in enumerate(window.ids):
        before = site.aggregate([{"$match": {"_id": {"$eq": identity}}}])
        if not before:
            continue
        after: list[dict[str, Any]] = []
        if isinstance(command, UpdateWhere):
            row = window.rows[number] if window.rows else {}
            stages = [{"$match": {"$and": [{"_id": {"$eq": identity}}, clear_of(command.obstacles)]}}]
            after = site.aggregate([*stages, *_change(command, row)])
        rows.append((before[0], after[0] if after else None))
    return rows, hinder


def _change(command: UpdateWhere, row: dict[str, Any]) -> list[Any]:
    """The update as stages of a query."""
    if command.values:
        assert isinstance(command.update, tuple)
        values = {"values": {"$literal": {name: row.get(name) for name in command.values}}}
        return [{"$replaceWith": {"$let": {"vars": values, "in": command.update[0]["$replaceWith"]}}}]
    if isinstance(command.update, tuple):
        return list(command.update)
    stages: list[Any] = []
    if "$set" in command.update:
        stages.append({"$set": {name: {"$literal": value} for name, value in command.update["$set"].items()}})
    if "$unset" in command.update:
        stages.append({"$unset": list(command.update["$unset"])})
    return stages
