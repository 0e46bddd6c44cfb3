"""How a row becomes a document: a `commands.Shape`, compiled for the columns of a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from sqlbulk.commands import Path, Shape
from sqlbulk.defaults import Default, filled
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.types import MISSING

_T = TypeVar("_T")
Document = dict[str, Any]
Build = Callable[[Any], Document]
"""Makes a row's document, or takes the row itself; raises RowRefused. Fields whose value is MISSING are still in it."""

KNOWN_LAYOUTS = 10_000
"""How many different sets of field names are remembered."""


def compile_shape(shape: Shape, columns: tuple[str, ...] | None) -> Build:
    """The function that makes documents of the rows of a source with these columns (None: documents, or as they come).

    Raises UsageError: E2001 if columns and targets differ in number, E2010 if two fields get in each
    other's way, E4005 for a name that MongoDB can't take.
    """
    if shape.names is not None and columns is not None:
        shape = _found_by_name(shape, columns)
    targets = shape.targets
    if targets is not None and columns is not None and len(columns) != len(targets):
        raise UsageError("E2001", f"the source has {len(columns)} columns, but the statement names {len(targets)}")
    if targets is None and columns is not None:
        targets = tuple(split_name(name, nest=shape.nest) for name in columns)
    fixed = [*(t for t in targets or () if t is not None), *(c.path for c in shape.computed)]
    check_paths([*fixed, *(path for path, _ in shape.constants)])
    build = _Layouts(shape.nest) if targets is None else _by_position(targets)
    if columns is None and targets is not None:
        build = _ByName(targets, build, shape.names)
    if shape.computed:
        build = _with_computed(build, shape, _names(shape, columns), targets)
    if shape.constants:
        build = _with_constants(build, shape.constants)
    if shape.defaults:
        build = _with_defaults(build, shape.defaults)
    return _requiring(build, shape.required) if shape.required else build


def _found_by_name(shape: Shape, columns: tuple[str, ...]) -> Shape:
    """The shape with its targets and variables in the order of the source's columns, None for those not named."""
    names = shape.names or ()
    missing = [name for name in names if name not in columns]
    if missing:
        raise UsageError("E2002", f"the source has no column {missing[0]}; it has {', '.join(columns)}")
    return replace(
        shape, targets=_reordered(shape.targets, names, columns), variables=_reordered(shape.variables, names, columns))


def _reordered(
    values: tuple[_T, ...] | None, names: Sequence[str], wanted: Sequence[str]
) -> tuple[_T | None, ...] | None:
    if values is None:
        return None
    by_name = dict(zip(names, values, strict=True))
    return tuple(by_name.get(name) for name in wanted)


def split_name(name: str, *, nest: bool) -> Path:
    """A source's own field name as a path."""
    return tuple(name.split(".")) if nest else (name,)


def check_paths(paths: Sequence[Path]) -> None:
    """Raises UsageError: E4005 for a name that MongoDB can't take, E2010 for a path given twice or inside another."""
    seen: set[Path] = set()
    for path in paths:
        reason = _fault(path)
        if reason:
            raise UsageError("E4005", reason)
        if path in seen:
            raise UsageError("E2010", f"field {'.'.join(path)} is given twice")
        seen.add(path)
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in seen:
                raise UsageError("E2010", f"field {'.'.join(path[:length])} is given, and {'.'.join(path)} inside it")


def _fault(path: Path) -> str | None:
    if not all(path):
        return f"field name {'.'.join(path)!r} is empty, or has an empty part"
    if path[0][0] == "$":
        return f"field name {'.'.join(path)!r} starts with $"
    if any("\0" in part for part in path):
        return f"field name {'.'.join(path)!r} holds a NUL character"
    return None


# Rows of values


def _by_position(targets: Sequence[Path | None]) -> Build:
    if all(target is not None and len(target) == 1 for target in targets):
        names = tuple(target[0] for target in targets if target is not None)

        def flat(row: Any) -> Document:
            try:
                return dict(zip(names, row, strict=True))
            except ValueError:
                raise _ragged(row, len(names)) from None

        return flat
    plan = _tree({path: index for index, path in enumerate(targets) if path is not None})
    count = len(targets)

    def build(row: Any) -> Document:
        if len(row) != count:
            raise _ragged(row, count)
        return _grow(plan, row)

    return build


def _ragged(row: Any, count: int) -> RowRefused:
    found = "1 value" if len(row) == 1 else f"{len(row)} values"
    return RowRefused("E4003", f"{found} in the row, but {count} expected")


def _tree(places: Mapping[Path, int]) -> dict[str, Any]:
    """Nested dicts whose leaves are positions in the row."""
    root: dict[str, Any] = {}
    for path, index in places.items():
        level = root
        for name in path[:-1]:
            level = level.setdefault(name, {})
        level[path[-1]] = index
    return root


def _grow(plan: Mapping[str, Any], row: Any) -> Document:
    return {name: row[leaf] if type(leaf) is int else _grow(leaf, row) for name, leaf in plan.items()}


# Rows with names


class _Layouts:
    """Documents as they come: names are checked, and dots split, once for every set of names."""

    def __init__(self, nest: bool) -> None:
        self._nest = nest
        self._known: dict[tuple[Any, ...], Build | None] = {}

    def __call__(self, row: Any) -> Document:
        document: Any = row if type(row) is dict else named_values(row)
        if document is None:
            raise RowRefused("E4001", f"a row is a {type(row).__name__}, but the statement names no columns")
        names = tuple(document)
        try:
            build = self._known[names]
        except KeyError:
            if len(self._known) >= KNOWN_LAYOUTS:
                self._known.clear()
            build = self._known[names] = self._layout(names)
        return document if build is None else build(tuple(document.values()))

    def _layout(self, names: tuple[Any, ...]) -> Build | None:
        """What builds documents with these names; None: they are fine as they are."""
        for name in names:
            if not isinstance(name, str):
                raise RowRefused("E4005", f"the field name {name!r} is not text")
        paths = [split_name(name, nest=self._nest) for name in names]
        try:
            check_paths(paths)
        except UsageError as error:
            raise RowRefused("E4005", error.message) from None
        return _by_position(paths) if any(len(path) > 1 for path in paths) else None


class _ByName:
    """Rows that may name their values, for a statement with a column list.

    With `names` the values are found by them, at the top or inside, and other fields are passed over;
    without, the fields are those of the column list, and any other is an error.
    """

    def __init__(self, targets: Sequence[Path | None], by_position: Build, names: Sequence[str] | None) -> None:
        self._names: Sequence[str | None] = names or [".".join(target) if target else None for target in targets]
        self._known = None if names else frozenset(self._names)
        self._by_position = by_position

    def __call__(self, row: Any) -> Document:
        if type(row) is tuple or type(row) is list:
            return self._by_position(row)
        named = named_values(row)
        if named is None:
            if isinstance(row, str | bytes) or not isinstance(row, Sequence):
                raise RowRefused("E4001", f"a row is a {type(row).__name__}, not values or a document")
            return self._by_position(row)
        if self._known is not None and not named.keys() <= self._known:
            name = sorted(map(str, named.keys() - self._known))[0]
            raise RowRefused("E4003", f"the row has a field {name}, which the column list doesn't name", name)
        return self._by_position([find_value(named, name) for name in self._names])


def find_value(row: Mapping[Any, Any], name: str | None) -> Any:
    """A document's value by its name, at the top or else inside; MISSING if there is none."""
    if name is None or name in row:
        return row.get(name, MISSING)
    return value_at(row, tuple(name.split(".")))


def named_values(row: Any) -> Mapping[Any, Any] | None:
    """A row's values by name, where it has names: a mapping, a dataclass, a named tuple; else None."""
    if isinstance(row, Mapping):
        return row
    if is_dataclass(row) and not isinstance(row, type):
        return {f.name: getattr(row, f.name) for f in fields(row)}
    if isinstance(row, tuple) and hasattr(row, "_fields"):
        return dict(zip(row._fields, row, strict=True))
    return None


# What is added to the values of a row


def _names(shape: Shape, columns: tuple[str, ...] | None) -> tuple[tuple[str, ...], ...]:
    """All names that each value of a row goes by in computed expressions."""
    count = len(columns or shape.targets or shape.variables or ())
    variables, targets = shape.variables or (None,) * count, shape.targets or (None,) * count
    given = columns or (None,) * count
    return tuple(
        tuple({name for name in (variable, ".".join(target) if target else None, column) if name is not None})
        for variable, target, column in zip(variables, targets, given, strict=True)
    )


def _with_computed(
    build: Build, shape: Shape, names: tuple[tuple[str, ...], ...], targets: Sequence[Path | None] | None
) -> Build:
    def add(row: Any) -> Document:
        document = dict(build(row))
        by_name = dict(named_values(row) or {}) if targets is None else _values_by_name(names, row)
        for computed in shape.computed:
            put(document, computed.path, computed.evaluate(by_name))
        return document

    return add


def _values_by_name(names: tuple[tuple[str, ...], ...], row: Any) -> dict[str, Any]:
    named = named_values(row)
    if named is not None:
        return dict(named)
    return {name: value for known, value in zip(names, row, strict=True) for name in known}


def _with_constants(build: Build, constants: Sequence[tuple[Path, Any]]) -> Build:
    def add(row: Any) -> Document:
        document = dict(build(row))
        for path, value in constants:
            put(document, path, value)
        return document

    return add


def _with_defaults(build: Build, defaults: Sequence[Default]) -> Build:
    def add(row: Any) -> Document:
        return filled(build(row), defaults)

    return add


def _requiring(build: Build, required: Sequence[Path]) -> Build:
    def check(row: Any) -> Document:
        document = build(row)
        for path in required:
            if value_at(document, path) in (None, MISSING):
                name = ".".join(path)
                raise RowRefused("E4006", f"required field {name} is missing or NULL", name)
        return document

    return check


def put(document: Document, path: Path, value: Any) -> None:
    """Set a field and make the levels above it; MISSING leaves it out. RowRefused where a level is no document."""
    if value is MISSING:
        return
    for name in path[:-1]:
        below = document.get(name, MISSING)
        if below is not MISSING and not isinstance(below, Mapping):
            raise RowRefused("E4005", f"field {'.'.join(path)} is inside {name}, which is no document", name)
        # a copy, because the level may be part of the caller's own row
        document[name] = {} if below is MISSING else dict(below)
        document = document[name]
    document[path[-1]] = value


def value_at(document: Mapping[str, Any], path: Path) -> Any:
    """The value of a field, MISSING where there is none."""
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def without_missing(document: Document) -> Document:
    """The document without its MISSING fields, and without levels that held nothing else."""
    kept: Document = {}
    for name, value in document.items():
        if value is MISSING:
            continue
        if isinstance(value, dict) and value:
            value = without_missing(value)
            if not value:
                continue
        kept[name] = value
    return kept
