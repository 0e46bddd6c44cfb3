"""Assignments as one expression for the whole new document: every right-hand side sees the row as it was.

An assigned document replaces the old one, it isn't merged into it. A dotted target makes the levels above it
where they are missing or NULL. Where something else is in the way (a number, an array) the server refuses
the row: nothing is overwritten that the statement doesn't name. DEFAULT removes the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlbulk.commands import Path
from sqlbulk.errors import PlanError
from sqlbulk.plan.binding.binder import Hooks, bind
from sqlbulk.plan.binding.operators import added_to
from sqlbulk.plan.binding.scope import Scope
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.expr import lower_value
from sqlbulk.plan.lowering.layout import ROOT, Layout, field_reference, is_plain
from sqlbulk.plan.targets import check_distinct, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


@dataclass(frozen=True, slots=True)
class Assigned:
    """A field and the expression of its new value; `value` None removes it.

    An `optional` value may be missing: then the levels above the field are not made for it.
    """

    path: Path
    value: Any = None
    removed: bool = False
    optional: bool = False


Tree = dict[str, "Assigned | Tree"]
DOCUMENTS = ("object", "null", "missing", "undefined")
"""Types of what may stand above a field that is assigned."""


def bind_assignments(
    assignments: Sequence[st.Assignment], *, scope: Scope, layout: Layout, environment: Environment,
    hooks: Hooks | None = None,
) -> list[Assigned]:
    """The assignments in the aggregation language; raises SqlError."""
    tables = tuple(name for source in scope.sources if not source.qualified for name in source.names)
    made = []
    for assignment in assignments:
        assert assignment.loop is None, "plan.elements has made it an ordinary one"
        path = target_path(assignment.target, tables)
        if path[0] == "_id":
            raise PlanError("E2011", "the _id of a stored document can't be changed", assignment.target.span)
        if isinstance(assignment.value, ast.Default):
            made.append(Assigned(path, removed=True))
        else:
            bound = bind(assignment.value, scope, environment, hooks=hooks)
            value = added_to(path, bound, environment.context)
            made.append(Assigned(path, lower_value(value, layout, environment.context)))
    check_distinct((a.path, written.target.span) for a, written in zip(made, assignments, strict=True))
    return made


def maybe_missing(one: Assigned) -> Assigned:
    """The same, but a field that is missing stays so."""
    value, null = one.value["$ifNull"]
    assert null is None
    return replace(one, value=value, optional=True)


def document_expression(assigned: Sequence[Assigned], base: str = ROOT) -> Any:
    """The base document with the assignments made, as one expression."""
    return _built(base, base, (), _tree(assigned))


def changed_expression(assigned: Sequence[Assigned]) -> Any:
    """Whether an assignment gives its field another value than it has; the short ones are tried first."""
    tests = []
    for one in sorted(assigned, key=lambda one: len(repr(one.value))):
        stored = field_reference(ROOT, one.path)
        tests.append({"$ne": [{"$type": stored}, "missing"]} if one.removed else {"$ne": [one.value, stored]})
    return tests[0] if len(tests) == 1 else {"$or": tests}


def levels_above(paths: Iterable[Path]) -> list[Path]:
    """The fields in which other fields are assigned, the outermost first."""
    return sorted({path[:n]: None for path in paths for n in range(1, len(path))}, key=len)


def made_paths(assigned: Iterable[Assigned]) -> list[Path]:
    """The fields for which the levels above them are made."""
    return [one.path for one in assigned if not (one.removed or one.optional)]


def hindered_expression(paths: Iterable[Path]) -> Any:
    """Whether a stored document has something else than a document above one of the fields; None: it can't have."""
    tests = [{"$not": [{"$in": [{"$type": field_reference(ROOT, level)}, list(DOCUMENTS)]}]}
             for level in levels_above(paths)]
    return {"$or": tests} if tests else None


def merged_expression(targets: Sequence[Path] | None) -> Any:
    """The stored document with the incoming row's fields over it. Its _id stays.

    `targets` are the fields that rows have, None: not known. Of a nested one only the part that is named
    is replaced.
    """
    nested = sorted({t[0] for t in targets or () if len(t) > 1})
    fields = {name: _merged_level((name,), [t[1:] for t in targets or () if t[0] == name]) for name in nested}
    return _with_fields({"$mergeObjects": [ROOT, "$$new"]}, {**fields, "_id": "$_id"})


def _merged_level(path: Path, below: list[Path]) -> Any:
    stored, incoming = field_reference(ROOT, path), field_reference("$$new", path)
    deeper = sorted({b[0] for b in below if len(b) > 1})
    fields = {name: _merged_level((*path, name), [b[1:] for b in below if b[0] == name]) for name in deeper}
    merged = _with_fields({"$mergeObjects": [stored, incoming]}, fields)
    return {"$cond": [{"$eq": [{"$type": incoming}, "missing"]}, stored, merged]}


def _tree(assigned: Sequence[Assigned]) -> Tree:
    root: Tree = {}
    for one in assigned:
        level = root
        for name in one.path[:-1]:
            below = level.setdefault(name, {})
            assert isinstance(below, dict)
            level = below
        level[one.path[-1]] = one
    return root


def _built(document: Any, base: str, path: Path, tree: Tree) -> Any:
    """The document that stands at the path, with the tree's assignments made in it."""
    values: dict[str, Any] = {}
    removed = []
    for name, node in tree.items():
        if isinstance(node, Assigned):
            if node.removed:
                removed.append(name)
            else:
                values[name] = node.value
            continue
        place = field_reference(base, (*path, name))
        inner = _built({"$mergeObjects": [place]}, base, (*path, name), node)
        if _makes_nothing(node):
            inner = {"$cond": [{"$eq": [{"$type": place}, "object"]}, inner, place]}
        values[name] = inner
    document = _with_fields(document, values)
    for name in removed:
        document = {"$unsetField": {"field": {"$literal": name}, "input": document}}
    return document


def _with_fields(document: Any, values: dict[str, Any]) -> Any:
    plain = {name: value for name, value in values.items() if is_plain(name)}
    if plain:
        inner = document.get("$mergeObjects") if isinstance(document, dict) else None
        document = {"$mergeObjects": [*(inner or [document]), plain]}
    for name in [n for n in values if n not in plain]:
        document = {"$setField": {"field": {"$literal": name}, "input": document, "value": values[name]}}
    return document


def _makes_nothing(tree: Tree) -> bool:
    return all(node.removed or node.optional if isinstance(node, Assigned) else _makes_nothing(node)
               for node in tree.values())


__all__ = [
    "Assigned", "bind_assignments", "changed_expression", "document_expression", "maybe_missing", "merged_expression",
]
