"""Targets of column lists and SET as paths: names checked, none given twice."""

from __future__ import annotations

from collections.abc import Iterable

from sqlbulk.commands import Path
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.syntax import ast


def target_path(target: ast.Target, tables: tuple[str, ...] = ()) -> Path:
    """The field that a target names; a table's name in front, one of `tables`, is left off.

    Raises PlanError E2011 for a name that MongoDB can't address, UnsupportedError for array elements.
    """
    names = []
    for part in target.parts:
        if isinstance(part, ast.Element):
            raise UnsupportedError("E3001", "elements of arrays can't be assigned here", part.span,
                                   hint="assign the whole array")
        names.append(checked_name(part.text, part.span))
    if len(names) > 1 and names[0] in tables:
        del names[0]
    return tuple(names)


def checked_name(name: str, span: Span) -> str:
    """The field's name; raises PlanError E2011."""
    reason = "is empty" if not name else "starts with $" if name[0] == "$" else None
    if "\0" in name:
        reason = "holds a NUL character"
    if reason:
        raise PlanError("E2011", f"the field name {name!r} {reason}", span)
    return name


def check_distinct(paths: Iterable[tuple[Path, Span]]) -> None:
    """Raise PlanError E2010 at a path that is given twice, or that is part of another."""
    seen: dict[Path, Span] = {}
    for path, span in paths:
        if path in seen:
            raise PlanError("E2010", f"{dotted(path)} is named twice", span)
        seen[path] = span
    for path, span in seen.items():
        for length in range(1, len(path)):
            if path[:length] in seen:
                whole = dotted(path[:length])
                raise PlanError("E2010", f"{dotted(path)} is part of {whole}, which is named as well", span)


def dotted(path: Path) -> str:
    """A path as it is shown; names that hold dots are quoted."""
    return ".".join(f'"{name}"' if "." in name else name for name in path)


def split_names(names: Iterable[str]) -> tuple[Path, ...]:
    """Dotted names of an option as paths."""
    return tuple(tuple(name.split(".")) for name in names)
