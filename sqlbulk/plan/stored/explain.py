"""EXPLAIN and wire commands of statements about stored documents: UPDATE, DELETE and MOVE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Archive, DeleteWhere, Obstacle, Query, Selection, UpdateWhere
from sqlbulk.plan.explain_query import describe_steps, wire_queries
from sqlbulk.plan.shown import indented, option_lines, plan_text, pretty

Document = dict[str, Any]
IDS = "<the _ids of a window>"


def finished_stored(verb: str, command: UpdateWhere | DeleteWhere, notices: Sequence[str]) -> commands.Plan:
    """The plan of a statement that changes stored documents."""
    return commands.Plan(
        verb, (command,), tuple(notices), lambda: plan_text(stored_lines(verb, command), notices),
        lambda: stored_commands(command))


# Wire commands


def stored_commands(command: UpdateWhere | DeleteWhere) -> list[Document]:
    """The commands: one that finds the documents, and the one that each window is written with."""
    shared: Document = {}
    if command.options.write_concern is not None:
        shared["writeConcern"] = dict(command.options.write_concern)
    if command.options.comment is not None:
        shared["comment"] = command.options.comment
    filters = [{"_id": {"$in": IDS}}, *([command.selection.filter] if command.selection.filter else [])]
    if command.obstacles:
        filters.append({"$nor": [o.filter for o in command.obstacles]})
    query: Any = filters[0] if len(filters) == 1 else {"$and": filters}
    if isinstance(command, UpdateWhere):
        update = list(command.update) if isinstance(command.update, tuple) else command.update
        if command.options.bypass_validation:
            shared["bypassDocumentValidation"] = True
        return [*_steps(command), search_command(command), {"update": command.collection, "updates": [
            {"q": query, "u": update, "multi": not command.values}], **shared}]
    archive = [] if command.archive is None else [{"insert": command.archive.collection, "documents": []}]
    return [*_steps(command), search_command(command), *archive,
            {"delete": command.collection, "deletes": [{"q": query, "limit": 0}], **shared}]


def _steps(command: UpdateWhere | DeleteWhere) -> list[Document]:
    selection = command.selection
    return wire_queries(Query(selection.source, (), None, command.database, steps=selection.steps))[:-1]


def search_command(command: UpdateWhere | DeleteWhere) -> Document:
    """The command that finds the documents."""
    selection = command.selection
    stages = list(selection.stages) or [{"$match": selection.filter}]
    if not selection.ordered:
        stages.append({"$sort": {"_id": 1}})
    if selection.limit is not None:
        stages.append({"$limit": selection.limit})
    fields = ("_id", *(command.values if isinstance(command, UpdateWhere) else ()))
    source = selection.source if selection.stages else command.collection
    return {"aggregate": source, "pipeline": [*stages, {"$project": dict.fromkeys(fields, 1)}],
            "cursor": {}, "allowDiskUse": True}


# Text


def stored_lines(verb: str, command: UpdateWhere | DeleteWhere) -> Iterator[str]:
    """The lines of EXPLAIN."""
    name = f"{command.database}.{command.collection}" if command.database else command.collection
    yield f"{verb} {name}"
    yield from indented("documents", _selection(command.selection))
    if isinstance(command, UpdateWhere):
        yield from indented("change", _change(command))
        yield from indented("left alone", _obstacles(command.obstacles))
    else:
        yield from indented("archive", _archive(command.archive))
        yield from indented("left alone", _obstacles(command.obstacles))
    yield from indented("returning", _returning(command))
    yield from indented("windows", _windows(command))
    yield from indented("options", option_lines(command.options))


def _selection(selection: Selection) -> Iterator[str]:
    if selection.stages:
        yield from (line.removeprefix("  ") for line in describe_steps(selection.steps))
        yield f"found by aggregate {selection.source} {pretty(list(selection.stages))}"
        yield f"tested again when written: {pretty(selection.filter)}" if selection.filter else "not tested again"
    elif selection.filter:
        yield f"filter {pretty(selection.filter)}"
    else:
        yield "all"
    if selection.limit is not None:
        yield f"the first {selection.limit:,}" + ("" if selection.ordered else " by _id")
    if selection.settled:
        yield "all are found before the first is changed, because the statement may read what it changes"


def _change(command: UpdateWhere) -> Iterator[str]:
    update = list(command.update) if isinstance(command.update, tuple) else command.update
    yield f"{'pipeline' if isinstance(command.update, tuple) else 'operators'} {pretty(update)}"
    if command.values:
        yield f"one update a document, with values found before: {', '.join(command.values)}"
    if command.repeatable:
        yield "repeatable: a window may be sent again"
    elif _alone(command):
        yield "not repeatable: a replica set knows an update that is sent once more; without a reply it is in doubt"
    else:
        yield "not repeatable: exactly once by transactions; a server without them is sent one update a document"


def _alone(command: UpdateWhere | DeleteWhere) -> bool:
    """Whether each document is changed by itself, and not its window in a transaction."""
    return isinstance(command, UpdateWhere) and bool(command.values) and command.returning is None


def _returning(command: UpdateWhere | DeleteWhere) -> Iterator[str]:
    if command.returning is not None:
        yield f"rows by {pretty(list(command.returning.pipeline))}"
        archived = isinstance(command, DeleteWhere) and command.archive is not None
        yield "for the documents as they were copied, if they were deleted" if archived else (
            "in the same transaction; needs a replica set")


def _obstacles(obstacles: Sequence[Obstacle]) -> Iterator[str]:
    for obstacle in obstacles:
        yield f"documents where {obstacle.reason}"


def _archive(archive: Archive | None) -> Iterator[str]:
    if archive is None:
        return
    yield f"{archive.collection}: copied, read back and compared before anything is deleted"
    if archive.partition is not None:
        yield f"a collection for each {archive.collection}_{pretty(archive.partition)}"
    if archive.marked:
        yield f"with archived_at, archive_reason ({archive.reason or 'null'}) and original_collection"
    if archive.compressor is not None:
        yield f"compressed by {archive.compressor}"
    if archive.retention is not None:
        yield f"removed by the server {archive.retention:,} seconds after archived_at"


def _windows(command: UpdateWhere | DeleteWhere) -> Iterator[str]:
    options = command.options
    size = min(options.batch_size, options.checkpoint_interval or options.batch_size)
    workers = 1 if options.ordered or not options.parallel_deletion else options.parallel_workers
    safe = "" if _alone(command) else ", each in a transaction where the server has them"
    yield f"{size:,} documents by _id, {workers} at a time{safe}"
