"""Names that are most likely misspelt, where a collection's definition tells its fields: documents may have others."""

from __future__ import annotations

import difflib

from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.syntax import ast

_LIKENESS, _LENGTH = 0.75, 4
"""How much alike two names are, and how long, for one to be taken for the other misspelt."""


def misspelt(path: ast.Path, scope: Scope) -> str | None:
    """The notice for a name that the defined collection doesn't know, if it is much like one that it does."""
    parts = [p.text for p in path.parts]
    if parts[0] in scope.bound or parts[0] in scope.variables or _is_known(parts[0], scope):
        return None
    source = _called(parts[0], scope) if len(parts) > 1 else None
    if source is not None:
        parts = parts[1:]
    else:
        source = next((s for s in scope.sources if s.open and not s.qualified), None)
    known = {field.split(".")[0] for field in source.fields} if source is not None else set()
    if source is None or not known or parts[0] in known or parts[0] == "_id" or not source.open:
        return None
    table, name = (source.names or ("the table",))[0], path.parts[-len(parts)].text
    near = [k for k in known if k.lower() == name.lower()]
    if not near and len(name) >= _LENGTH:
        near = difflib.get_close_matches(name, sorted(known), 1, _LIKENESS)
    if near:
        return f"{table} has no field {name} in its definition: did you mean {near[0]}?"
    if len(parts) > 1 and parts[1] in known:
        return f"{'.'.join(parts)} is taken for a field of {table}: no table here is called {name}"
    return None


def _is_known(name: str, scope: Scope) -> bool:
    level: Scope | None = scope
    while level is not None:
        if any(name in {f.split(".")[0] for f in s.fields} for s in level.sources if not s.qualified):
            return True
        level = level.parent
    return False


def _called(name: str, scope: Scope) -> Source | None:
    level: Scope | None = scope
    while level is not None:
        for source in level.sources:
            if name.lower() in {n.lower() for n in source.names}:
                return source
        level = level.parent
    return None
