"""What happens to rows whose key is stored already: ON CONFLICT, ON DUPLICATE KEY UPDATE, REPLACE, UPSERT, IGNORE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlbulk.commands import Conflict, Path
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.functions.comparison import is_true
from sqlbulk.plan.assign import (
    Assigned,
    bind_assignments,
    changed_expression,
    document_expression,
    hindered_expression,
    made_paths,
    maybe_missing,
    merged_expression,
)
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.scope import NEW, Scope, Source, collection_source
from sqlbulk.plan.elements import with_whole_arrays
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.defaults import Defaults, assigned_defaults
from sqlbulk.plan.insert.rowplan import left_out
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.layout import Layout, is_plain
from sqlbulk.plan.options import Given
from sqlbulk.plan.targets import check_distinct, dotted, split_names, target_path
from sqlbulk.syntax import statements as st
from sqlbulk.types import Type

ID: tuple[Path, ...] = (("_id",),)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows on their way in: the collection, its alias, the fields that each names (None: not known), defaults."""

    collection: str
    alias: str | None
    fields: tuple[Path, ...] | None
    span: Span
    defaults: Defaults = field(default_factory=dict)

    @property
    def filled(self) -> tuple[Path, ...] | None:
        """The fields that each row has, those with a default among them."""
        return None if self.fields is None else (*self.fields, *self.defaults)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do on conflict (None: it is an error), and what the user should know about it."""

    conflict: Conflict | None
    notices: tuple[str, ...] = ()


def decide(statement: st.Insert, rows: Rows, given: Given, environment: Environment) -> Decision:
    """What an INSERT, UPSERT or REPLACE does with a row whose key is stored already; raises PlanError."""
    clause = statement.conflict
    if clause is not None and (statement.ignore or statement.verb == "REPLACE"):
        word = "IGNORE" if statement.ignore else "REPLACE"
        raise PlanError("E2004", f"{word} says already what happens on conflict", clause.span)
    planner = _Planner(statement, rows, given, environment)
    if isinstance(clause, st.OnDuplicateKey):
        conflict = planner.updated(planner.match_fields(), clause.assignments, None)
    elif isinstance(clause, st.OnConflict):
        conflict = planner.on_conflict(clause)
    elif statement.ignore:
        conflict = planner.conflict("nothing", planner.match_fields())
    elif statement.verb == "REPLACE":
        conflict = planner.conflict("replace", None)
    elif statement.verb == "UPSERT" or given.options.upsert_mode:
        keys = planner.match_fields() or ID
        conflict = planner.conflict(
            "update", keys, planner.merged(), hindered=hindered_expression(rows.fields or ()))
    else:
        return Decision(None, planner.without_effect())
    planner.check_keys(conflict.keys)
    return Decision(conflict, planner.notices(conflict))


class _Planner:
    def __init__(self, statement: st.Insert, rows: Rows, given: Given, environment: Environment) -> None:
        self.statement, self.rows, self.given, self.environment = statement, rows, given, environment

    def match_fields(self) -> tuple[Path, ...] | None:
        """The key that match_fields names, None without it."""
        return split_names(self.given.options.match_fields) or None

    def conflict(
        self, action: Literal["nothing", "update", "replace"], keys: tuple[Path, ...] | None,
        update: object = None, condition: object = None, changes: object = None, hindered: object = None,
    ) -> Conflict:
        """The conflict; an index is made if its key has none."""
        keys = keys or None
        known = self.environment.catalog.get(self.rows.collection)
        indexed = keys is None or (known or _NOTHING).has_unique(tuple(".".join(k) for k in keys))
        return Conflict(action, keys, update, condition,
                        ensure_index=not indexed and self.given.options.ensure_key_index, changes=changes,
                        hindered=hindered)

    def merged(self) -> object:
        """The stored document with the fields over it that the row names; a default is for new documents only."""
        fields = self.rows.fields
        if self.rows.defaults and fields is None:
            raise UnsupportedError(
                "E3001", f"{self.rows.collection} has DEFAULTs, which must not overwrite what is stored, so UPSERT has"
                " to know which fields its rows name", self.rows.span,
                hint="name the columns, or write ON CONFLICT (key) DO UPDATE SET …")
        removed = [Assigned(path, removed=True) for path in left_out(fields, self.rows.defaults)]
        if not removed:
            return merged_expression(fields)
        incoming = document_expression(removed, "$$new")
        return {"$let": {"vars": {"new": incoming}, "in": merged_expression(fields)}}

    def on_conflict(self, clause: st.OnConflict) -> Conflict:
        """ON CONFLICT (keys) DO …"""
        keys = tuple(target_path(t, self._tables()) for t in clause.keys)
        check_distinct((k, t.span) for k, t in zip(keys, clause.keys, strict=True))
        for key, target in zip(keys, clause.keys, strict=True):
            if not all(is_plain(name) for name in key):
                raise PlanError("E2011", f"{dotted(key)} can't be a key: its name holds a dot", target.span)
        option = self.given.place("match_fields")
        if option is not None and keys and set(keys) != set(self.match_fields() or ()):
            raise PlanError("E2007", "match_fields names another key than ON CONFLICT", option.span)
        keys = keys or self.match_fields() or ()
        if clause.action == "NOTHING":
            return self.conflict("nothing", keys)
        if not keys:
            raise PlanError("E2017", f"ON CONFLICT DO {clause.action} needs the key", clause.span,
                            hint=f"write ON CONFLICT (a, b) DO {clause.action}")
        if clause.action == "REPLACE":
            return self.conflict("replace", keys)
        return self.updated(keys, clause.assignments, clause)

    def updated(
        self, keys: tuple[Path, ...] | None, assignments: Sequence[st.Assignment], clause: st.OnConflict | None
    ) -> Conflict:
        """The stored document with assignments made, where the clause's condition holds."""
        known = self.environment.catalog.get(self.rows.collection)
        stored = collection_source(self.rows.collection, alias=self.rows.alias, known=known)
        fields = {path[0]: Type.ANY for path in self.rows.filled or ()}
        incoming = Source(NEW, ("EXCLUDED",), fields, open=self.rows.fields is None, qualified=True)
        scope, layout = Scope((stored, incoming)), Layout()
        written, arrays = with_whole_arrays(assigned_defaults(assignments, self.rows.defaults, self._tables()))
        assigned = bind_assignments(written, scope=scope, layout=layout, environment=self.environment)
        assigned = [maybe_missing(one) if place in arrays else one for place, one in enumerate(assigned)]
        condition = None
        if clause is not None and clause.where is not None:
            bound = bind(clause.where, scope, self.environment)
            condition = is_true(lower(bound, layout, self.environment.context))
        return self.conflict("update", keys, document_expression(assigned), condition, changed_expression(assigned),
                             hindered_expression(made_paths(assigned)))

    def _tables(self) -> tuple[str, ...]:
        return (self.rows.collection, *([self.rows.alias] if self.rows.alias else []))

    def check_keys(self, keys: tuple[Path, ...] | None) -> None:
        """Raise E2017 if rows are known not to have a key."""
        for key in keys or ():
            fields = self.rows.filled
            if fields is None or any(f == key[: len(f)] or key == f[: len(key)] for f in fields):
                continue
            option = self.given.place("match_fields") or self.given.place("upsert_mode")
            place = option or self.statement.conflict or self.rows
            hint = "name the key: ON CONFLICT (a, b), or match_fields = ['a', 'b']" if key == ("_id",) else None
            raise PlanError("E2017", f"the key {dotted(key)} is not among the columns", place.span, hint=hint)

    def notices(self, conflict: Conflict) -> tuple[str, ...]:
        """What to know about the key and about options without effect."""
        notices = []
        options, given = self.given.options, self.given
        if conflict.keys is not None and not options.ensure_key_index and not self._indexed(conflict.keys):
            names = ", ".join(dotted(k) for k in conflict.keys)
            notices.append(f"ensure_key_index = false: without a unique index on ({names}), rows written by others at"
                           " the same time may be stored twice")
        if given.place("ensure_key_index") and conflict.keys in (None, ID):
            notices.append("ensure_key_index has no effect: the key is _id" if conflict.keys else
                           "ensure_key_index has no effect: any unique index counts")
        if given.place("upsert_mode") and options.upsert_mode and self.statement.conflict is not None:
            notices.append("upsert_mode has no effect: the statement says what happens on conflict")
        return tuple(notices)

    def _indexed(self, keys: tuple[Path, ...]) -> bool:
        known = self.environment.catalog.get(self.rows.collection) or _NOTHING
        return known.has_unique(tuple(".".join(k) for k in keys))

    def without_effect(self) -> tuple[str, ...]:
        """Notices about options that need a key."""
        names = [n for n in ("match_fields", "ensure_key_index") if self.given.place(n)]
        return tuple(f"{name} has no effect: the statement doesn't say what happens on conflict" for name in names)


class _Unknown:
    """Stands for a collection of which nothing is known."""

    def has_unique(self, fields: tuple[str, ...]) -> bool:
        """Only _id is unique everywhere."""
        return fields == ("_id",)


_NOTHING = _Unknown()
