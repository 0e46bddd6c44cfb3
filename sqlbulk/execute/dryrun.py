"""DRY RUN: how many documents a statement would touch, and what some of them would become. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from sqlbulk.commands import DeleteWhere, DryRun, Insert, MergeRows, UpdateWhere
from sqlbulk.commands_catalog import Truncate
from sqlbulk.execute.delete import not_the_number
from sqlbulk.execute.dry_rows import dry_insert, dry_merge
from sqlbulk.execute.faults import statement_error
from sqlbulk.execute.indexes import read_unique
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.steps import selected
from sqlbulk.execute.stored import Site, clear_of, hindered, open_site
from sqlbulk.execute.upserts import touches
from sqlbulk.execute.windows import found_by, of_window
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

SAMPLES = 5


def run_dry(
    command: DryRun, connection: Connection, *, rows: Iterable[Any] | None = None, watcher: Watcher | None = None,
    stop: Stop | None = None, base_dir: Path | None = None,
) -> Result:
    """The counts, and some documents as they are and as they would be. Raises as running the statement does."""
    match command.of:
        case Insert():
            return dry_insert(command.of, connection, rows=rows, watcher=watcher, stop=stop, base_dir=base_dir)
        case MergeRows():
            return dry_merge(command.of, connection, rows=rows, watcher=watcher, stop=stop, base_dir=base_dir)
        case Truncate():
            return _dry_truncate(command.of, connection)
        case UpdateWhere() | DeleteWhere():
            with selected(command.of, connection) as of:
                return _dry_change(of, connection)


def _dry_truncate(of: Truncate, connection: Connection) -> Result:
    collection = connection.collection(of.collection, of.database)
    try:
        found = collection.count_documents({}, comment=of.comment)
    except PyMongoError as error:
        raise statement_error(error, begun=False) from None
    notice = f"DRY RUN: {found:,} documents of {of.collection} would be deleted; nothing was written"
    return Result("DRY RUN", ("documents",), [(found,)], notices=(notice,), target=of.collection)


def _dry_change(of: UpdateWhere | DeleteWhere, connection: Connection) -> Result:
    site = open_site(of, connection)
    found = site.count(of.selection)
    verb = "changed" if isinstance(of, UpdateWhere) else "moved" if _moves(of) else "deleted"
    notices = [f"DRY RUN: {found:,} documents of {of.collection} would be {verb}; nothing was written"]
    reason = None if isinstance(of, UpdateWhere) else not_the_number(of.options, found)
    if reason is not None:
        notices.append(f"the statement would stop before that: {reason}")
    rows, hinder = _samples(site, of)
    notices += [*_refused(site, of), *_unjudged(site, of), *hinder]
    if isinstance(of, UpdateWhere):
        return Result("DRY RUN", ("documents", "before", "after"), _numbered(found, rows), notices=tuple(notices),
                      target=of.collection)
    return Result("DRY RUN", ("documents", "document"), _numbered(found, [(before,) for before, _ in rows]),
                  notices=tuple(notices), target=of.collection)


def _refused(site: Site, of: UpdateWhere | DeleteWhere) -> Iterator[str]:
    """How many of the documents would be refused: what is in the way, and the collection's rules."""
    stages = [*found_by(of.selection), {"$match": clear_of(of.obstacles)}]
    if of.selection.stages:
        return
    limit = [] if of.selection.limit is None else [{"$sort": {"_id": 1}}, {"$limit": of.selection.limit}]
    if of.obstacles:
        in_way = {"$match": {"$or": [dict(o.filter) for o in of.obstacles]}}
        count = _count(site, [*found_by(of.selection), *limit, in_way])
        if count:
            yield f"{count:,} of them would be refused: something is in the way"
    rules = _validator(site) if isinstance(of, UpdateWhere) and not of.options.bypass_validation else None
    if rules and isinstance(of, UpdateWhere) and not of.values:
        count = _count(site, [*stages, *limit, *_change(of, {}), {"$match": {"$nor": [rules]}}])
        if count:
            yield f"{count:,} of them would be refused by the collection's rules"


def _unjudged(site: Site, of: UpdateWhere | DeleteWhere) -> Iterator[str]:
    if isinstance(of, UpdateWhere):
        for index in read_unique(site.collection):
            names = frozenset(name.split(".")[0] for name in index.keys)
            if touches(of.update, names):
                yield f"the unique index on ({', '.join(index.keys)}) is not asked whether it would refuse some of them"


def _count(site: Site, pipeline: list[Any]) -> int:
    rows = site.aggregate([*pipeline, {"$count": "documents"}])
    return int(rows[0]["documents"]) if rows else 0


def _validator(site: Site) -> Any:
    try:
        options = site.collection.options()
    except PyMongoError as error:
        raise statement_error(error, begun=False) from None
    usual = {"validationAction": "error", "validationLevel": "strict"}
    return options.get("validator") if all(options.get(k, word) == word for k, word in usual.items()) else None


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
