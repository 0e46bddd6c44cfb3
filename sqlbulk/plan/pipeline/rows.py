"""A pipeline under construction: its stages, and where in its documents the columns of each relation are.

A collection's document stays the root as long as it can (nothing is moved, so a `$match` in front uses indexes,
and the server itself reads only what is needed); other relations have top-level fields of their own beside it,
under names that no needed field has. Only where a statement needs whole documents, whose names nobody knows
(`open_root`), they are moved to a field first. `slotted`: fields may be put beside what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.catalog import Catalog
from sqlbulk.commands_steps import KeySet
from sqlbulk.errors import UnsupportedError
from sqlbulk.functions.comparison import is_true
from sqlbulk.functions.registry import Context, Operand
from sqlbulk.plan.algebra import Relation
from sqlbulk.plan.binding.bound import BoundExpr, Column
from sqlbulk.plan.lowering.expr import lower, lower_value
from sqlbulk.plan.lowering.filter import match
from sqlbulk.plan.lowering.layout import ROOT, Layout, field_reference, is_plain
from sqlbulk.plan.names import Names

Path = tuple[str, ...]
Stage = dict[str, Any]

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def safe_key(name: str, number: int, taken: Mapping[str, Any]) -> str:
    """The field that a column is kept in: its own name if nothing can misread it, else a made one."""
    return name if _SAFE.match(name) and name not in taken else f"_c{number}"


def column_keys(columns: tuple[str, ...]) -> dict[str, tuple[str]]:
    """The field that each column of a made relation is kept in."""
    keys: dict[str, tuple[str]] = {}
    taken: dict[str, Any] = {}
    for number, name in enumerate(columns):
        key = safe_key(name, number, taken)
        taken[key] = None
        keys[name] = (key,)
    return keys


@dataclass(frozen=True, slots=True)
class Place:
    """Where a relation's columns are: below `base`; a made relation's column by the path in `keys`, others by name."""

    base: Path = ()
    keys: Mapping[str, Path] | None = None

    def path(self, column: Path) -> Path | None:
        """The column's path in the documents; None: the whole of a made relation, which is nowhere as one."""
        if self.keys is None:
            return (*self.base, *column)
        if not column:
            return None
        return (*self.base, *self.keys[column[0]], *column[1:])

    def below(self, slot: str) -> Place:
        """The same place when its documents are put into a field."""
        return Place((slot, *self.base), self.keys)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A small collection that a $lookup at the beginning puts into the field `slot`, and how many bytes it has.

    `inner`: a row without a partner is dropped. `unique`: a row has one at most. `narrowed`: other conditions drop
    rows as well.
    """

    slot: str
    bytes: int
    inner: bool
    unique: bool
    narrowed: bool


@dataclass(slots=True)
class Rows:
    """Documents on their way: the collection (None: `$documents` comes first), stages, layout, and the outer variables.

    `outer` gives the columns of queries around their variables, such as '$$o1'. `slotted`: there is room for more
    relations; else one is the root, whose field names are a user's if `open_root`. `trimmed`: of a root that is
    a collection's document only what is needed is left. `looked_up`: what the $lookups behind the first filters find.
    """

    collection: str | None
    stages: list[Stage]
    layout: dict[str, Place]
    outer: Mapping[tuple[str, Path], str] = field(default_factory=dict)
    slotted: bool = False
    open_root: bool = False
    trimmed: bool = False
    looked_up: list[LookedUp] = field(default_factory=list)

    def add(self, *stages: Stage) -> Rows:
        """The same object with more stages."""
        self.stages.extend(stages)
        return self

    def path(self, column: Column) -> Path | None:
        """The column's path in the documents; None: it is an outer one, or the whole of a made relation."""
        place = self.layout.get(column.relation)
        return None if place is None else place.path(column.path)

    @property
    def columns(self) -> Columns:
        """The layout as expressions and filters see it."""
        return Columns(rows=self)


@dataclass(frozen=True, slots=True)
class Columns(Layout):
    """Where the columns are, for the lowering of expressions."""

    rows: Rows | None = None

    def reference(self, column: Column) -> Any:
        """The column as an aggregation expression."""
        assert self.rows is not None
        place = self.rows.layout.get(column.relation)
        if place is None:
            return self._outer(column, self.rows.outer)
        path = place.path(column.path)
        if path is not None:
            return field_reference(ROOT, path)
        assert place.keys is not None
        return {name: field_reference(ROOT, (*place.base, *key)) for name, key in place.keys.items()}

    def match_path(self, column: Column) -> str | None:
        """The column as a path of the match language; None where that can't name it."""
        assert self.rows is not None
        path = self.rows.path(column)
        return ".".join(path) if path and all(map(is_plain, path)) else None

    def _outer(self, column: Column, outer: Mapping[tuple[str, Path], str]) -> Any:
        for length in range(len(column.path), -1, -1):
            variable = outer.get((column.relation, column.path[:length]))
            if variable is not None:
                return field_reference(variable, column.path[length:])
        raise UnsupportedError("E3001", f"{'.'.join(column.path) or 'the row'} of an outer query can't be used here",
                               column.span)


Outer = Mapping[tuple[str, Path], str]


@dataclass(slots=True)
class Lowering:
    """What the lowering of a statement's relations shares.

    `needs` says which paths of a relation are used anywhere; None: the whole. `lower` lowers a relation, given
    the variables of the queries around. `key_sets`: keys that are read first, None: nothing is.
    `joined`: by which fields rows of steps are looked up.
    """

    context: Context
    catalog: Catalog
    needs: Mapping[str, frozenset[Path] | None]
    lower: Callable[[Relation, Outer], Rows]
    names: Names = field(default_factory=Names)
    choices: list[str] = field(default_factory=list)
    key_sets: list[KeySet] | None = None
    joined: dict[str, set[str]] = field(default_factory=dict)

    def value(self, expression: BoundExpr, rows: Rows) -> Any:
        """The expression over the rows, in the aggregation language; it may be missing for NULL."""
        return self.operand(expression, rows).mql

    def operand(self, expression: BoundExpr, rows: Rows) -> Operand:
        """The same with what is known of its type."""
        return lower(expression, rows.columns, self.context)

    def stored(self, expression: BoundExpr, rows: Rows) -> Any:
        """The same, never missing."""
        return lower_value(expression, rows.columns, self.context)

    def filter(self, condition: BoundExpr, rows: Rows) -> Stage:
        """The stage that keeps the rows for which the condition is true."""
        return {"$match": match(condition, rows.columns, self.context)}

    def is_true(self, condition: BoundExpr, rows: Rows) -> Any:
        """An expression that is true exactly where the condition is."""
        return is_true(lower(condition, rows.columns, self.context))


def slotted(rows: Rows, lowering: Lowering) -> Rows:
    """The rows in a form that takes fields beside every relation's own."""
    return with_fields(rows, lowering, {}) if not rows.slotted else rows


def with_fields(rows: Rows, lowering: Lowering, fields: dict[str, Any], *, slots: bool = True) -> Rows:
    """The rows with more fields, worked out from the rows as they are, in one stage.

    Where the fields that a statement needs of the root are known, others stand right beside them: the names that
    are given avoid those. Else the one relation moves to a field of its own, if there is none yet and `slots`
    or the user's field names leave no room.
    """
    if not rows.slotted and (not rows.open_root or _is_known(rows, lowering)):
        rows.slotted, rows.open_root = slots or rows.open_root, False
    if not rows.open_root:
        return rows.add({"$addFields": fields}) if fields else rows
    (relation, place), = rows.layout.items()
    slot = slot_name(relation, lowering)
    rows.add({"$replaceWith": {slot: ROOT, **fields}})
    rows.layout = {relation: Place((slot,), place.keys)}
    rows.slotted, rows.open_root = True, False
    return rows


def apart(rows: Rows, lowering: Lowering) -> Rows:
    """The rows with every relation in a field of its own and nothing else at the root."""
    if all(place.base for place in rows.layout.values()):
        return rows
    fields: dict[str, Any] = {}
    layout: dict[str, Place] = {}
    for relation, place in rows.layout.items():
        if place.base:
            fields[place.base[0]], layout[relation] = field_reference(ROOT, place.base[:1]), place
            continue
        slot = slot_name(relation, lowering)
        if place.keys is None:
            fields[slot], layout[relation] = _root(relation, lowering), Place((slot,))
        else:
            keys = column_keys(tuple(place.keys))
            fields[slot] = {keys[name][0]: field_reference(ROOT, path) for name, path in place.keys.items()}
            layout[relation] = Place((slot,), keys)
    rows.add({"$replaceWith": fields})
    rows.layout, rows.slotted, rows.open_root = layout, True, False
    return rows


def projection(fields: dict[str, Any]) -> dict[str, Any]:
    """$project where every field is plainly an expression, for it is faster; $replaceWith is never misread."""
    if all(_is_expression(value) for value in fields.values()):
        return {"$project": {"_id": 0, **fields}}
    return {"$replaceWith": fields}


def _is_expression(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith("$")
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$")


def place_values(relation: str, values: dict[str, Any], rows: Rows, lowering: Lowering) -> Rows:
    """The rows with a relation of such values: fields that are there already, or worked out in one stage."""
    slot = slot_name(relation, lowering)
    plain = {n: v for n, v in values.items() if isinstance(v, str) and v.startswith("$") and not v.startswith("$$")}
    there: dict[str, Path] = {n: tuple(v[1:].split(".")) for n, v in plain.items()}
    keys = column_keys(tuple(n for n in values if n not in there))
    if keys:
        rows.add({"$addFields": {slot: {key: values[name] for name, (key,) in keys.items()}}})
    rows.layout[relation] = Place((), there | {name: (slot, *key) for name, key in keys.items()})
    return rows


def trimmed(rows: Rows, lowering: Lowering) -> Rows:
    """The rows without the fields of a collection's document at the root that nobody needs; `slotted` came before."""
    root = next((r for r, p in rows.layout.items() if not p.base and p.keys is None), None)
    if root is None or rows.trimmed:
        return rows
    paths = _without_parts((lowering.needs.get(root) or frozenset()) | _beside(rows)) or [("_id",)]
    fields = {} if any(path[0] == "_id" for path in paths) else {"_id": 0}
    rows.trimmed = True
    return rows.add({"$project": fields | {".".join(path): 1 for path in paths}})


def _root(relation: str, lowering: Lowering) -> Any:
    needed = lowering.needs.get(relation, frozenset())
    return ROOT if needed is None or not _trimmable(needed) else _trimmed(needed)


def _beside(rows: Rows) -> frozenset[Path]:
    """The fields of the other relations than the one whose document is the root."""
    bases = {place.base[:1] for place in rows.layout.values() if place.base}
    inside = {path[:1] for p in rows.layout.values() if not p.base and p.keys is not None for path in p.keys.values()}
    return frozenset(bases | inside)


def _is_known(rows: Rows, lowering: Lowering) -> bool:
    """Whether the fields that are needed of the root's document are known, as ones that have plain names."""
    (relation, _), = rows.layout.items()
    needed = lowering.needs.get(relation, frozenset())
    return needed is not None and _trimmable(needed)


def slot_name(relation: str, lowering: Lowering) -> str:
    """The field for a relation's rows: its name, unless that could be misread or is a needed field's."""
    return relation if _SAFE.match(relation) and relation not in lowering.names.taken else lowering.names.new("_r")


def _trimmable(needed: frozenset[Path]) -> bool:
    return all(path and all(map(is_plain, path)) for path in needed)


def _without_parts(needed: frozenset[Path]) -> list[Path]:
    """The paths that aren't within another one of them."""
    return [path for path in sorted(needed) if not any(path[:n] in needed for n in range(1, len(path)))]


def _trimmed(needed: frozenset[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in _without_parts(needed):
        node = tree
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = field_reference(ROOT, path)
    return tree
