"""The text of EXPLAIN: a plan as indented lines, one fact a line, the same for the same statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

from bson import json_util

from sqlbulk import commands
from sqlbulk.commands import CallerRows, Command, Conflict, FileRows, Insert, Shape, ValuesRows
from sqlbulk.options import WriteOptions
from sqlbulk.plan.targets import dotted
from sqlbulk.plan.wire import documents, update_stage, wire_commands

SHOWN_DOCUMENTS = 3
WIDTH = 110

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=4, tz_aware=True)


def finished(verb: str, command: Insert, notices: Sequence[str]) -> commands.Plan:
    """The plan of a statement that is one bulk write."""
    return commands.Plan(
        verb, (command,), tuple(notices), lambda: describe(verb, (command,), notices), lambda: wire_commands(command))


def described(verb: str, step: Command) -> commands.Plan:
    """The plan of a statement that asks nothing of the server."""
    return commands.Plan(verb, (step,), (), lambda: describe(verb, (step,), ()))


def explained(plan: commands.Plan) -> commands.Plan:
    """EXPLAIN of a plan: its text as a table."""
    text = plan.text
    return commands.Plan("EXPLAIN", (commands.Explained(text, plan),), (), lambda: text, lambda: plan.commands)


def describe(verb: str, steps: Sequence[Command], notices: Sequence[str]) -> str:
    """The text of a plan."""
    lines = [line for step in steps for line in _step(verb, step)]
    return "\n".join([*lines, *(f"notice: {notice}" for notice in notices)])


def _step(verb: str, step: Command) -> Iterator[str]:
    match step:
        case Insert():
            yield from _insert(verb, step)
        case commands.SetOption(name=name, value=value):
            yield f"SET {name} = {shown(value)}"
        case commands.UseDatabase(database=database):
            yield f"USE {database}"
        case commands.UpdateWhere() | commands.DeleteWhere() | commands.DryRun():
            from sqlbulk.plan.explain_stored import stored_lines

            yield from stored_lines(verb, step)


def _insert(verb: str, command: Insert) -> Iterator[str]:
    database = f"{command.database}." if command.database else ""
    yield f"{verb} into {database}{command.collection}"
    yield from _indented("rows", _rows(command.rows))
    yield from _indented("columns", _columns(command.shape))
    yield from _indented("on conflict", _conflict(command.conflict))
    yield from _indented("options", _options(command.options))
    if command.rows.__class__ is ValuesRows:
        yield from _indented("documents", _documents(command))
    yield from _indented("commands", _commands(command))


def _indented(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if len(found) == 1 and "\n" not in found[0]:
        yield f"  {title}: {found[0]}"
    elif found:
        yield f"  {title}:"
        yield from (f"    {line}" for text in found for line in text.splitlines())


# Facts


def _rows(rows: commands.Rows) -> Iterator[str]:
    match rows:
        case ValuesRows():
            yield "the VALUES list of the statement"
        case CallerRows():
            yield "given by the caller"
        case _:
            yield from _file(rows)


def _file(rows: FileRows) -> Iterator[str]:
    yield "standard input" if rows.path == "-" else f"file {rows.path}"
    yield f"format = {rows.format or 'by the name'}"
    for field in fields(FileRows):
        value = getattr(rows, field.name)
        if field.name not in ("path", "span", "format", "columns") and value != field.default:
            yield f"{field.name} = {shown(value)}"
    for column in rows.columns or ():
        default = f" DEFAULT {shown(column.default)}" if column.has_default else ""
        yield f"column {column.name}{' ' + column.type if column.type else ''}{default}"


def _columns(shape: Shape) -> Iterator[str]:
    if shape.targets is None:
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
    for path in shape.required:
        yield f"{dotted(path)} is required: rows without it are rejected"


def _conflict(conflict: Conflict | None) -> Iterator[str]:
    if conflict is None:
        yield "the row is rejected"
        return
    key = "any unique index" if conflict.keys is None else f"key ({', '.join(dotted(k) for k in conflict.keys)})"
    yield f"{key}; rows are inserted first, those that collide are " + {
        "nothing": "left out", "update": "turned into an update of the stored document, one atomic operation each",
        "replace": "put in the place of the stored document, one atomic operation each, its _id stays",
    }[conflict.action]
    if conflict.ensure_index:
        yield "a unique index on the key is made if there is none"
    if conflict.condition is not None:
        yield f"only where {shown(conflict.condition)}"


def _options(options: WriteOptions) -> Iterator[str]:
    for field in fields(WriteOptions):
        value = getattr(options, field.name)
        if value != field.default:
            yield f"{field.name} = {shown(value)}"


def _documents(command: Insert) -> Iterator[str]:
    found = list(islice(documents(command), SHOWN_DOCUMENTS + 1))
    yield from (shown(document) for document in found[:SHOWN_DOCUMENTS])
    if len(found) > SHOWN_DOCUMENTS:
        yield "…"


def _commands(command: Insert) -> Iterator[str]:
    options = command.options
    if command.ensure_indexes:
        yield f"createIndexes {shown([dict(index) for index in command.ensure_indexes])}"
    concern = f", writeConcern {shown(options.write_concern)}" if options.write_concern else ""
    order = "in order" if options.ordered else "unordered"
    yield f"insert, up to {options.batch_size:,} documents each, {order}{concern}"
    if command.conflict is not None and command.conflict.action != "nothing":
        yield f"update {pretty(update_stage(command.conflict, '<the row>'))}"


# Values


def shown(value: Any) -> str:
    """A value on one line, as relaxed extended JSON."""
    if hasattr(value, "__dataclass_fields__"):
        value = {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return json_util.dumps(value, json_options=_JSON, ensure_ascii=False)


def pretty(value: Any, indent: int = 0) -> str:
    """A value as relaxed extended JSON: on one line where that is short enough, else a part a line."""
    flat = shown(value)
    if len(flat) + indent <= WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(k, ensure_ascii=False)}: {pretty(v, indent + 2)}" for k, v in value.items()]
    else:
        parts = [pretty(v, indent + 2) for v in value]
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{' ' * indent}{closing}"
