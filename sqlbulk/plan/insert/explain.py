"""The text of EXPLAIN of INSERT, UPSERT, REPLACE and LOAD DATA: one fact a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import islice

from sqlbulk import commands
from sqlbulk.commands import (
    FEW_DOCUMENTS,
    FEW_STORED,
    HALVED,
    CallerRows,
    Conflict,
    FileRows,
    Insert,
    QueryRows,
    TimeSeries,
    ValuesRows,
)
from sqlbulk.plan.explain_query import describe_steps
from sqlbulk.plan.insert.wire import by_key, documents, update_stage, wire_commands
from sqlbulk.plan.shown import indented, option_lines, plan_text, pretty, shown
from sqlbulk.plan.targets import dotted

SHOWN_DOCUMENTS = 3


def finished(verb: str, command: Insert, notices: Sequence[str]) -> commands.Plan:
    """The plan of a statement that is one bulk write."""
    return commands.Plan(
        verb, (command,), tuple(notices), lambda: plan_text(insert_lines(verb, command), notices),
        lambda: wire_commands(command))


def insert_lines(verb: str, command: Insert) -> Iterator[str]:
    """The lines of EXPLAIN."""
    database = f"{command.database}." if command.database else ""
    yield f"{verb} into {database}{command.collection}"
    yield from indented("time series", _time_series(command.time_series))
    yield from indented("rows", _rows(command.rows, command.conflict))
    yield from indented("columns", _columns(command))
    yield from indented("on conflict", _conflict(command.conflict, command.rows))
    yield from indented("returning", _returning(command))
    yield from indented("options", option_lines(command.options))
    if isinstance(command.rows, ValuesRows):
        yield from indented("documents", _documents(command))
        yield from indented("refused", _refused(command.rows))
    yield from indented("commands", _commands(command))


# Facts


def _time_series(series: TimeSeries | None) -> Iterator[str]:
    if series is not None:
        yield "made if missing; one that exists must have the same fields"
        yield from (f"{field.name} = {shown(value)}" for field in fields(TimeSeries)
                    if (value := getattr(series, field.name)) is not None)


def _rows(rows: commands.Rows, conflict: Conflict | None) -> Iterator[str]:
    match rows:
        case ValuesRows(described=described):
            yield described
        case CallerRows():
            yield "given by the caller"
        case QueryRows():
            yield from _query(rows, conflict)
        case _:
            yield from file_lines(rows)


def _query(rows: QueryRows, conflict: Conflict | None) -> Iterator[str]:
    query = rows.query
    yield f"found by aggregate {query.collection or 'without a collection'} {pretty(list(query.pipeline))}"
    yield from query.choices
    yield from (line.removeprefix("  ") for line in describe_steps(query.steps))
    if rows.merge is not None:
        yield "they stay on the server: they wait in a collection of their own, are counted, and go on by $merge"
        if conflict is not None:
            yield from _outlook(rows, conflict)
        yield "by the client, if keys are repeated or NULL, or single rows may be refused after all: that is said"
        return
    yield f"they come by the client: {rows.by_client}"
    if rows.settled:
        yield "all are found before the first is written, because the query may read the collection it writes to"


def _outlook(rows: QueryRows, conflict: Conflict) -> Iterator[str]:
    """How it is found out what rows will meet, which is decided when they are there."""
    if not rows.own_ids:
        yield (f"what each will meet is found on their way there if the collection holds up to {FEW_DOCUMENTS:,}"
               " documents and they are in no order; else:")
    yield (f"what each will meet is found in one pass over the collection if that holds up to {FEW_STORED} documents"
           " a row, or over those between the least and greatest key if these are so few; else each row's is looked up")
    if rows.own_ids:
        yield "$merge takes them one by one, because they bring their own _id"
    elif conflict.action == "nothing":
        yield "those whose key is new are inserted, many at once; the others are left out"
    else:
        yield ("those whose key is new are inserted, many at once; $merge takes only the others, one by one"
               f" (from {HALVED:,} on in two halves at the same time, unless parallel_workers = 1)")


def file_lines(rows: FileRows) -> Iterator[str]:
    """A file, and how it is read."""
    yield "standard input" if rows.path == "-" else f"file {rows.path}"
    yield f"format = {rows.format or 'by the name'}"
    for field in fields(FileRows):
        value = getattr(rows, field.name)
        if field.name not in ("path", "span", "format", "columns") and value != field.default:
            yield f"{field.name} = {shown(value)}"
    for column in rows.columns or ():
        default = f" DEFAULT {shown(column.default)}" if column.has_default else ""
        yield f"column {column.name}{' ' + column.type if column.type else ''}{default}"


def _columns(command: Insert) -> Iterator[str]:
    shape, rows = command.shape, command.rows
    if isinstance(rows, QueryRows) and rows.fields is not None:
        yield ", ".join(map(dotted, rows.fields))
    elif shape.targets is None:
        yield "as the source names them" + (", dots nest" if shape.nest else "")
    else:
        names = shape.names or shape.variables or (None,) * len(shape.targets)
        for position, (name, path) in enumerate(zip(names, shape.targets, strict=True), 1):
            origin = name if name is not None else f"value {position}"
            yield f"{origin} → {'(variable)' if path is None else dotted(path)}"
    for computed in shape.computed:
        yield f"{dotted(computed.path)} is worked out row by row"
    for path, value in shape.constants:
        yield f"{dotted(path)} = {shown(value)} in every row"
    for default in shape.defaults:
        yield f"{dotted(default.path)} is {default.text} in rows that leave it out"
    for path in shape.required:
        yield f"{dotted(path)} is required: rows without it are rejected"


def _returning(command: Insert) -> Iterator[str]:
    if command.returning is not None:
        yield f"rows by {pretty(list(command.returning.pipeline))}"
        if command.conflict is not None:
            yield "a row that meets a stored document is a command of its own, which tells the document as it was"


_DONE = {
    "nothing": "stays as it is", "update": "is changed by the expression", "replace": "is replaced, but for its _id",
}


def _conflict(conflict: Conflict | None, rows: commands.Rows) -> Iterator[str]:
    if conflict is None:
        yield "the row is rejected"
        return
    key = "any unique index" if conflict.keys is None else f"key ({', '.join(dotted(k) for k in conflict.keys)})"
    if isinstance(rows, QueryRows) and rows.merge is not None:
        yield f"{key}; $merge writes the rows, and a stored document {_DONE[conflict.action]}"
    elif by_key(conflict):
        yield f"{key}; each row is one atomic upsert by its key, rows whose key is NULL are inserted"
        yield f"a stored document {_DONE[conflict.action]}"
    else:
        yield f"{key}; rows are inserted first, those that collide are " + {
            "nothing": "left out", "update": "turned into one atomic update of the stored document each",
            "replace": "put in the place of the stored document, one atomic update each, its _id stays",
        }[conflict.action]
    if conflict.ensure_index:
        yield "a unique index on the key is made if there is none"
    if conflict.condition is not None:
        yield f"only where {shown(conflict.condition)}"


def _documents(command: Insert) -> Iterator[str]:
    found = list(islice(documents(command), SHOWN_DOCUMENTS + 1))
    yield from (shown(document) for document in found[:SHOWN_DOCUMENTS])
    if len(found) > SHOWN_DOCUMENTS:
        yield "…"


def _refused(rows: ValuesRows) -> Iterator[str]:
    """Rows that can be seen to be wrong, among the first ones: a script may hold millions."""
    refused = [str(error) for chunk in islice(rows.open(), 1) for error in chunk.refused]
    yield from refused[:SHOWN_DOCUMENTS]
    if len(refused) > SHOWN_DOCUMENTS:
        yield "…"


def _commands(command: Insert) -> Iterator[str]:
    options = command.options
    if command.ensure_indexes:
        yield f"createIndexes {shown([dict(index) for index in command.ensure_indexes])}"
    if isinstance(command.rows, QueryRows) and command.rows.merge is not None:
        yield f"aggregate, ending in {pretty(dict(command.rows.merge))}"
        return
    concern = f", writeConcern {shown(options.write_concern)}" if options.write_concern else ""
    order = "in order" if options.ordered else "unordered"
    conflict = command.conflict
    if conflict is None or not by_key(conflict):
        yield f"insert, up to {options.batch_size:,} documents each, {order}{concern}"
    else:
        yield f"update with upsert, up to {options.batch_size:,} rows each, {order}{concern}"
    if conflict is not None and (conflict.action != "nothing" or by_key(conflict)):
        yield f"update {pretty(update_stage(conflict, '<the row>'))}"
