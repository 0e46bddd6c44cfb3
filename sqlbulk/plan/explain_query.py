"""What EXPLAIN shows of a query: its columns, how joins and subqueries are done, and the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import json_util

from sqlbulk.commands import Query
from sqlbulk.commands_steps import STAGED, FewKeys, Step

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=4, tz_aware=True)


def describe_query(command: Query) -> str:
    """The text of a query's plan."""
    source = command.collection or "no collection"
    database = f"{command.database}." if command.database else ""
    lines = [f"SELECT from {database}{source}", f"  columns: {_columns(command)}"]
    lines += [f"  {choice}" for choice in command.choices]
    lines += describe_steps(command.steps)
    lines += _options(command)
    lines.append("  pipeline:")
    lines += _stages(command.pipeline)
    if command.few is not None:
        lines += _few(command.few)
    return "\n".join(lines)


def _stages(pipeline: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"    {json_util.dumps(dict(s), json_options=_JSON, ensure_ascii=False)}" for s in pipeline]


def _few(few: FewKeys) -> list[str]:
    lines = []
    for keys in few.key_sets:
        lines += [f"  read first, {keys.marker} of {keys.collection}:", *_stages(keys.pipeline)]
    return [*lines, "  pipeline if they are few:", *_stages(few.pipeline)]


def describe_steps(steps: Sequence[Step]) -> list[str]:
    """The rows that are worked out first, a line for each fact."""
    lines = []
    for step in steps:
        source = f" of {step.collection}" if step.collection else ""
        lines += [f"  first the rows {step.marker}{source} ({step.reason}):", *_stages(step.pipeline)]
        if step.rounds is not None:
            again = f" of {step.rounds.collection}" if step.rounds.collection else ""
            once = ", those that are new" if step.rounds.distinct else ""
            most = f"{step.rounds.most:,} rounds" if step.rounds.limit is None else f"{step.rounds.limit:,} rows"
            lines += [f"  and in each round{again}{once}, until there are none (at most {most}):",
                      *_stages(step.rounds.pipeline)]
            lines += [] if step.rounds.few is None else _few(step.rounds.few)
        lines += [f"    with an index on {field}" for field in step.indexes]
    return lines


def _options(command: Query) -> list[str]:
    """What the command says besides the pipeline, where it says anything."""
    fields = command.reading.wire()
    if command.collation is not None:
        fields["collation"] = command.collation
    if not command.allow_disk_use:
        fields["allowDiskUse"] = False
    return [f"  with {json_util.dumps(fields, json_options=_JSON, ensure_ascii=False)}"] if fields else []


def _columns(command: Query) -> str:
    if command.columns is None:
        return "every field"
    return ", ".join(f"{c.title}.*" if c.whole else c.title for c in command.columns)


def wire_queries(command: Query) -> list[dict[str, Any]]:
    """The commands as they go over the wire, those of the steps before; of a recursion the first round."""
    made = []
    for step in command.steps:
        into = {"$out": f"{STAGED}<run>.{step.marker}"}
        made.append(wire_query(Query(step.collection, (*step.pipeline, into), None, command.database)))
        if step.rounds is not None:
            again = (*step.rounds.pipeline, {"$merge": {"into": f"{STAGED}<run>.{step.marker}"}})
            made.append(wire_query(Query(step.rounds.collection, again, None, command.database)))
    return [*made, wire_query(command)]


def wire_query(command: Query) -> dict[str, Any]:
    """The command as it goes over the wire."""
    wire: dict[str, Any] = {
        "aggregate": 1 if command.collection is None else command.collection,
        "pipeline": [dict(s) for s in command.pipeline], "cursor": {}, "allowDiskUse": command.allow_disk_use,
        **command.reading.wire(),
    }
    if command.database is not None:
        wire["$db"] = command.database
    if command.collation is not None:
        wire["collation"] = dict(command.collation)
    return wire
