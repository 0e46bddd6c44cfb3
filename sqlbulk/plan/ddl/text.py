"""Statements about the catalog as wire commands and as the text of EXPLAIN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from sqlbulk import commands_catalog as cc
from sqlbulk.commands import Plan
from sqlbulk.plan.shown import pretty


def catalog_plan(verb: str, command: cc.CatalogCommand, notices: Sequence[str] = ()) -> Plan:
    """The plan of a statement that is one command about the catalog."""
    return Plan(verb, (command,), tuple(notices), lambda: _text(verb, command, notices), lambda: catalog_wire(command))


def _text(verb: str, command: cc.CatalogCommand, notices: Sequence[str]) -> str:
    name = getattr(command, "collection", None) or getattr(command, "view", None)
    database = getattr(command, "database", None)
    lines = [" ".join(filter(None, [verb, f"{database}.{name}" if name and database else name]))]
    lines += [f"  {pretty(wire, 2)}" for wire in catalog_wire(command)]
    return "\n".join([*lines, *(f"notice: {notice}" for notice in notices)])


def catalog_wire(command: cc.CatalogCommand) -> list[dict[str, Any]]:
    """The wire commands that a command about the catalog comes down to, without those that only look."""
    match command:
        case cc.CreateCollection(collection=name, options=options, indexes=indexes):
            create: dict[str, Any] = {"create": name, **options}
            return [create, {"createIndexes": name, "indexes": [*map(dict, indexes)]}] if indexes else [create]
        case cc.CreateIndex(collection=name, index=index):
            return [{"createIndexes": name, "indexes": [dict(index)]}]
        case cc.CreateView(view=name, source=source, pipeline=pipeline):
            return [{"create": name, "viewOn": source, "pipeline": [*map(dict, pipeline)]}]
        case cc.DropCollection(collection=name):
            return [{"drop": name}]
        case cc.DropIndex(collection=name, index=index_name):
            return [{"dropIndexes": name, "index": index_name}]
        case cc.Truncate(collection=name, write_concern=concern):
            wish = {"writeConcern": dict(concern)} if concern is not None else {}
            return [{"delete": name, "deletes": [{"q": {}, "limit": 0}], **wish}]
        case cc.DescribeCollection(collection=name, sample=size):
            return [{"aggregate": name, "pipeline": [{"$sample": {"size": size}}], "cursor": {}}]
        case cc.ShowCatalog():
            return _listing(command)
        case cc.ShowTable():
            return []
        case _:
            assert_never(command)


def _listing(command: cc.ShowCatalog) -> list[dict[str, Any]]:
    if command.what == "indexes":
        return [{"listIndexes": command.collection}]
    return [{"listDatabases": 1}] if command.what == "databases" else [{"listCollections": 1}]
