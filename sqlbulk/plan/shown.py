"""How plans are written: values as relaxed extended JSON, facts as indented lines, the same for the same plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from bson import json_util

from sqlbulk.options import WriteOptions

WIDTH = 110

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=4, tz_aware=True)


def plan_text(lines: Iterable[str], notices: Sequence[str]) -> str:
    """The text of a plan: its lines, then what the user should know."""
    return "\n".join([*lines, *(f"notice: {notice}" for notice in notices)])


def indented(title: str, lines: Iterator[str]) -> Iterator[str]:
    """Facts under a title; a single one stands beside it, none leaves the title out."""
    found = list(lines)
    if len(found) == 1 and "\n" not in found[0]:
        yield f"  {title}: {found[0]}"
    elif found:
        yield f"  {title}:"
        yield from (f"    {line}" for text in found for line in text.splitlines())


def option_lines(options: WriteOptions) -> Iterator[str]:
    """The options that differ from their defaults."""
    for field in fields(WriteOptions):
        value = getattr(options, field.name)
        if value != field.default:
            yield f"{field.name} = {shown(value)}"


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
