"""The rows of an INSERT as they are planned, and the default values that they get for fields they leave out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Path, QueryRows, Shape
from sqlbulk.errors import UnsupportedError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.defaults import Defaults, row_defaults
from sqlbulk.plan.lowering.expr import lower_value
from sqlbulk.plan.lowering.layout import ROOT, Layout, field_reference
from sqlbulk.plan.targets import dotted


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Where rows come from, how they become documents, the fields that each has (None: not known), and notices."""

    rows: commands.Rows
    shape: Shape
    fields: tuple[Path, ...] | None
    notices: tuple[str, ...] = ()


def with_defaults(plan: RowPlan, defaults: Defaults, environment: Environment) -> RowPlan:
    """The rows with default values. `fields` stays what the statement names."""
    if not defaults:
        return plan
    if not isinstance(plan.rows, QueryRows):
        # a named column may still be given the word DEFAULT
        return replace(plan, shape=replace(plan.shape, defaults=row_defaults(defaults, environment)))
    stages, by_client = [], {}
    for path, value in defaults.items():
        if not names(plan.fields, path):
            try:
                stages.append(_filling(path, bind(value, Scope(), environment), environment))
            except UnsupportedError:
                by_client[path] = value
    rows = replace(plan.rows, query=replace(plan.rows.query, pipeline=(*plan.rows.query.pipeline, *stages)))
    if by_client:
        first = next(iter(by_client))
        rows = replace(rows, by_client=f"the server can't work out the DEFAULT of {dotted(first)} row by row")
    return replace(plan, rows=rows, shape=replace(plan.shape, defaults=row_defaults(by_client, environment)))


def left_out(fields: tuple[Path, ...] | None, defaults: Iterable[Path]) -> tuple[Path, ...]:
    """What is in a row for its defaults alone: for each the outermost document that nothing else of the row is in."""
    found = []
    for path in defaults:
        if not names(fields, path):
            shared = max((_common(path, field) for field in fields or ()), default=0)
            found.append(path[: shared + 1])
    return tuple(dict.fromkeys(found))


def _common(one: Path, other: Path) -> int:
    """How many levels two paths share from the top."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def names(fields: Iterable[Path] | None, path: Path) -> bool:
    """Whether one of the fields is the path or a document around it."""
    return any(path[: len(field)] == field for field in fields or ())


def _filling(path: Path, bound: Any, environment: Environment) -> dict[str, Any]:
    """A stage that sets a field of documents that lack it, unless a level above it is NULL or no document."""
    value = lower_value(bound, Layout(), environment.context)
    document: Any = None
    for length in range(len(path), 0, -1):
        here = field_reference(ROOT, path[:length])
        missing = {"$eq": [{"$type": here}, "missing"]}
        if document is None:
            document = {"$cond": [missing, value, here]}
        else:
            inside = {"$mergeObjects": [here, {path[length]: document}]}
            document = {"$cond": [{"$in": [{"$type": here}, ["missing", "object"]]}, inside, here]}
    return {"$replaceWith": {"$mergeObjects": [ROOT, {path[0]: document}]}}


__all__ = ["RowPlan", "left_out", "names", "with_defaults"]
