"""INSERT … SELECT and UPSERT … SELECT: the query's rows as documents, and whether they may stay on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk import commands
from sqlbulk.catalog import Collection
from sqlbulk.commands import Path, QueryRows
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan.documents import fields_set
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import ROOT, field_reference, is_plain
from sqlbulk.plan.options import Given
from sqlbulk.plan.query.bind import bind_query, new_planning
from sqlbulk.plan.query.stars import as_table
from sqlbulk.plan.query.state import Around, BoundQuery
from sqlbulk.plan.select import ended, lower_query
from sqlbulk.plan.selection import walk_nodes
from sqlbulk.plan.targets import check_distinct, checked_name
from sqlbulk.syntax import ast

_UNNAMED = frozenset({"?column?", "case", "exists"})
"""Titles of columns that nobody named."""

Tree = dict[str, "Any | Tree"]


def query_rows(
    query: ast.Query, paths: tuple[Path, ...], collection: str, environment: Environment
) -> QueryRows:
    """The rows of a query as documents: its columns go to `paths` in order, without paths to fields of their names.

    Raises PlanError E2001 for another number of columns, E2010 and E2011 for names that don't do,
    UnsupportedError for a star whose columns nobody knows where the paths name fields.
    """
    if not paths and isinstance(query.body, ast.ValuesQuery):
        raise PlanError("E2001", "rows with subqueries need the names of their columns", query.span,
                        hint="INSERT INTO t (a, b) VALUES …")
    planning = new_planning(environment)
    bound = bind_query(query, Around(), planning)
    if not paths:
        bound = as_table(bound, planning, query.span)
        paths = _paths_by_name(bound, query)
    elif bound.open or any(output.document for output in bound.outputs):
        raise UnsupportedError("E3001", "the columns of * over a collection aren't known, so they can't be matched with"
                               " the column list", _place(query), hint="name the columns, or leave out the column list")
    elif len(paths) != len(bound.outputs):
        reason = f"{len(paths)} columns are to be filled, but the query gives {len(bound.outputs)}"
        raise PlanError("E2001", reason, _place(query))
    command = lower_query(bound, environment, query, steps=True)
    settled = reads(query, collection, environment)
    if bound.open:
        return QueryRows(replace(command, columns=None), None, settled)
    whole = ended(command, lambda columns: ({"$replaceWith": _document(paths, [c.field for c in columns])},))
    return QueryRows(whole, paths, settled)


def _paths_by_name(bound: BoundQuery, query: ast.Query) -> tuple[Path, ...]:
    if bound.open:
        return ()
    span = _place(query)
    for output in bound.outputs:
        if output.title in _UNNAMED:
            raise PlanError("E2011", "a column of the query has no name", span, hint="write AS name behind it,"
                            " or name the fields: INSERT INTO t (a, b) SELECT …")
    paths = tuple((checked_name(output.title, span),) for output in bound.outputs)
    check_distinct((path, span) for path in paths)
    return paths


def _place(query: ast.Query) -> Span:
    """Where an error about the query's columns is shown."""
    body = query.body
    while not isinstance(body, ast.Select | ast.ValuesQuery):
        body = body.left if isinstance(body, ast.SetOperation) else body.body
    parts = body.items if isinstance(body, ast.Select) else body.rows[0]
    return Span(parts[0].span.start, parts[-1].span.end)


def reads(node: Any, collection: str, environment: Environment) -> bool:
    """Whether a query reads the collection, or a view that may do so."""
    names = {table.name[-1].text for table in walk_nodes(node) if isinstance(table, ast.Table)}
    known = (environment.catalog.get(name) for name in names)
    return collection in names or any(entry is not None and entry.kind == "view" for entry in known)


# The document of a row


def _document(paths: Sequence[Path], fields: Sequence[str]) -> Any:
    """The expression of a document: every path gets its field's value, null where that is missing."""
    root: Tree = {}
    for path, name in zip(paths, fields, strict=True):
        level = root
        for step in path[:-1]:
            level = level.setdefault(step, {})
        level[path[-1]] = {"$ifNull": [field_reference(ROOT, (name,)), None]}
    return _built(root, {path[:n] for path in paths for n in range(len(path))}, ())


def _built(tree: Tree, levels: set[Path], path: Path) -> Any:
    values = {
        name: _built(value, levels, (*path, name)) if (*path, name) in levels else value for name, value in tree.items()
    }
    document: Any = {name: value for name, value in values.items() if is_plain(name)} or {"$literal": {}}
    for name in [n for n in values if not is_plain(n)]:
        document = {"$setField": {"field": {"$literal": name}, "input": document, "value": values[name]}}
    return document


# By the client, or on the server


@dataclass(frozen=True, slots=True)
class _Hindrance:
    option: str
    reason: str


_BY_CLIENT = (
    _Hindrance("continue_on_error", "continue_on_error wants to know of every row that is refused"),
    _Hindrance("add_metadata", "add_metadata numbers the rows"),
    _Hindrance("required_fields", "required_fields are looked for in every row"),
    _Hindrance("rate_limit", "rate_limit counts rows as they pass"),
    _Hindrance("sort_by", "sort_by orders rows as they pass"),
)
"""Options that are about single rows."""
_OF_BATCHES = ("batch_size", "memory_limit", "retry_attempts")


def placed(command: commands.Insert, given: Given, environment: Environment) -> tuple[commands.Insert, tuple[str, ...]]:
    """The command with its rows kept on the server where that is possible, and notices about options without effect."""
    rows = command.rows
    assert isinstance(rows, QueryRows)
    reason = _by_client(command, environment)
    if reason is not None:
        return replace(command, rows=replace(rows, by_client=reason)), ()
    notices = tuple(f"{name} has no effect: the rows stay on the server" for name in _OF_BATCHES if given.place(name))
    return replace(command, rows=replace(rows, merge=_merge_stage(command, rows))), notices


def _by_client(command: commands.Insert, environment: Environment) -> str | None:
    """Why the rows have to come by the client, None if they needn't."""
    options, conflict, rows = command.options, command.conflict, command.rows
    assert isinstance(rows, QueryRows)
    known = environment.catalog.get(command.collection) if command.database is None else None
    if command.time_series is not None or (known is not None and known.kind == "timeseries"):
        return "$merge can't write to a time-series collection"
    if conflict is not None and conflict.keys is None:
        return "any unique index counts as the key, while $merge takes one"
    for hindrance in _BY_CLIENT:
        if getattr(options, hindrance.option):
            return hindrance.reason
    if any(index.get("unique") for index in command.ensure_indexes):
        return "ensure_indexes makes a unique index, in which single rows may collide"
    return _by_client_for_keys(rows, conflict, known)


def _by_client_for_keys(
    rows: QueryRows, conflict: commands.Conflict | None, known: Collection | None
) -> str | None:
    keys = () if conflict is None else conflict.keys or ()
    names = tuple(".".join(key) for key in keys)
    if rows.own_ids and names != ("_id",):
        return "rows may bring an _id of their own, which may collide as well"
    if known is not None and any(index.unique and {k for k, _ in index.keys} not in ({"_id"}, set(names))
                                 for index in known.indexes):
        return "the collection has another unique index, in which single rows may collide"
    if conflict is not None and not conflict.ensure_index and names != ("_id",) and not (
            known is not None and known.has_unique(names, over_null=True)):
        return "$merge needs a unique index on the key, to which NULL is a value like others"
    return None


# $merge


def _merge_stage(command: commands.Insert, rows: QueryRows) -> dict[str, Any]:
    """The stage that puts rows into the command's collection, by their key if they have one."""
    conflict = command.conflict
    into: Any = command.collection
    if command.database is not None:
        into = {"db": command.database, "coll": command.collection}
    if conflict is None:
        return {"$merge": {"into": into, "on": "_id", "whenMatched": "fail", "whenNotMatched": "insert"}}
    matched: Any = "keepExisting"
    if conflict.action != "nothing":
        replacement = "$$new" if rows.own_ids else {"$mergeObjects": ["$$new", {"_id": "$_id"}]}
        value = conflict.update if conflict.action == "update" else replacement
        if conflict.condition is not None:
            value = {"$cond": [conflict.condition, value, "$$ROOT"]}
        matched = [fields_set(value)]
    on = [".".join(key) for key in conflict.keys or ()]
    return {"$merge": {"into": into, "on": on, "whenMatched": matched, "whenNotMatched": "insert"}}
