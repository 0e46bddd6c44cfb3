"""What EXPLAIN shows of a query: its columns, how joins and subqueries are done, and the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import json_util

from sqlbulk.commands import FewKeys, Query

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=4, tz_aware=True)


def describe_query(command: Query) -> str:
    """The text of a query's plan."""
    source = command.collection or "no collection"
    database = f"{command.database}." if command.database else ""
    lines = [f"SELECT from {database}{source}", f"  columns: {_columns(command)}"]
    lines += [f"  {choice}" for choice in command.choices]
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


def _columns(command: Query) -> str:
    if command.columns is None:
        return "every field"
    return ", ".join(f"{c.title}.*" if c.whole else c.title for c in command.columns)


def wire_query(command: Query) -> dict[str, Any]:
    """The command as it goes over the wire."""
    wire: dict[str, Any] = {
        "aggregate": 1 if command.collection is None else command.collection,
        "pipeline": [dict(s) for s in command.pipeline], "cursor": {}, "allowDiskUse": command.allow_disk_use,
    }
    if command.database is not None:
        wire["$db"] = command.database
    if command.collation is not None:
        wire["collation"] = dict(command.collation)
    return wire
