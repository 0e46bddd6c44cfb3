"""What names mean at a place of a statement: the rows in scope, their fields, lambda variables, outer queries."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlbulk.catalog import Collection
from sqlbulk.errors import PlanError, Span
from sqlbulk.plan.binding.bound import BoundExpr, Column, LambdaVariable
from sqlbulk.syntax import ast
from sqlbulk.types import Type

NEW = "new"
"""The relation of the incoming row of an upsert."""
VARIABLES = "@"
"""The relation of the @variables of LOAD DATA."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that names may refer to.

    `relation` is what `Column.relation` is to say, unique within the statement; `names` are what the text
    may call it (alias, collection). `fields` are the columns known for certain, dotted for fields of
    fields, `required` those that are never NULL; an `open` source may have others, as every collection has.
    A `qualified` one is only found by its name in front, as EXCLUDED is.
    """

    relation: str
    names: tuple[str, ...] = ()
    fields: Mapping[str, Type] = field(default_factory=dict)
    open: bool = True
    qualified: bool = False
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows in scope, those of the queries around, and names that mean something else first.

    `bound` are names that stand for an expression: merged columns of USING, aliases of the select list.
    `variables` are the parameters of the lambdas around.
    """

    sources: tuple[Source, ...] = ()
    parent: Scope | None = None
    bound: Mapping[str, BoundExpr] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()

    def with_variables(self, names: tuple[str, ...]) -> Scope:
        """The same scope inside a lambda with these parameters."""
        return replace(self, variables=self.variables | set(names))


def collection_source(
    name: str, *, relation: str = "", alias: str | None = None, known: Collection | None = None
) -> Source:
    """The rows of a collection. Its own name goes on to mean it beside an alias."""
    names = (name,) if alias is None else (alias, name)
    required = known.required | {"_id"} if known else frozenset({"_id"})
    return Source(relation, names, known.fields if known else {}, required=required)


def resolve_path(path: ast.Path, scope: Scope) -> BoundExpr:
    """What a dotted name means; raises PlanError E2002 or E2014.

    The first part is a lambda's parameter; or a name of `bound`; or, with more parts behind it, a table's
    name; else a field of a row in scope. A field that is known belongs to the row that has it. Else it
    belongs to the first open source of the innermost query that has one: a field of a collection need not
    be known. A lone name of a table, where it can be no field, is the whole row.
    """
    first, rest = path.parts[0], tuple(p.text for p in path.parts[1:])
    if first.text in scope.variables:
        return LambdaVariable(first.text, rest, span=path.span)
    level: Scope | None = scope
    inner_open: Column | None = None
    while level is not None:
        found = _at_level(path, level, inner_open)
        if found is not None:
            return found
        inner_open = inner_open or _first_open(path, level)
        level = level.parent
    if inner_open is not None:
        return inner_open
    raise _unknown(path, scope)


def _at_level(path: ast.Path, scope: Scope, inner_open: Column | None) -> BoundExpr | None:
    """What the name certainly means in one query, None if nothing there is known by it."""
    first, rest = path.parts[0], tuple(p.text for p in path.parts[1:])
    if not rest and first.text in scope.bound:
        return scope.bound[first.text]
    if rest:
        source = _called(first, scope)
        if source is not None:
            return _field_of(source, path, path.parts[1:])
        if _is_alias_around(first.text, scope):
            return None
    known = [(s, name) for s in scope.sources if not s.qualified and (name := _known_name(first, s)) is not None]
    if len(known) > 1:
        tables = " and ".join(_title(s) for s, _ in known)
        raise PlanError("E2014", f"{first.text} is a column of {tables}", path.span,
                        hint=f"write {_title(known[0][0])}.{first.text}")
    if known:
        source, name = known[0]
        if inner_open is not None and not source.open:
            raise PlanError(
                "E2014", f"{first.text} may be a field of the inner query's table or the column of {_title(source)}",
                path.span, hint=f"write {source.names[0]}.{first.text}, or put the inner table's name in front"
                if source.names else "put the inner table's name in front, or take the outer query as a table with one")
        return None if inner_open is not None else _column(source, (name, *rest), path.span)
    if not rest and not any(s.open and not s.qualified for s in scope.sources) and inner_open is None:
        whole = _called(first, scope)
        return Column(whole.relation, (), Type.DOCUMENT, span=path.span) if whole else None
    return None


def _first_open(path: ast.Path, scope: Scope) -> Column | None:
    for source in scope.sources:
        if source.open and not source.qualified:
            return _column(source, tuple(p.text for p in path.parts), path.span)
    return None


def _called(name: ast.Identifier, scope: Scope) -> Source | None:
    """The source that the text calls so: exactly, else in any case if the name isn't quoted."""
    exact = [s for s in scope.sources if name.text in s.names]
    if not exact and not name.quoted:
        exact = [s for s in scope.sources if name.text.lower() in {n.lower() for n in s.names}]
    first_names = [s for s in exact if s.names and s.names[0] == name.text]
    if not first_names and _is_alias_around(name.text, scope):
        return None
    found = first_names or exact
    if len(found) > 1:
        raise PlanError("E2014", f"{name.text} is the name of more than one table here", name.span,
                        hint="use the aliases")
    return found[0] if found else None


def _is_alias_around(name: str, scope: Scope) -> bool:
    """Whether a query around calls a table so, which is nearer than what a collection here is called besides."""
    level = scope.parent
    while level is not None:
        if any(s.names[:1] == (name,) for s in level.sources):
            return True
        level = level.parent
    return False


def _known_name(name: ast.Identifier, source: Source) -> str | None:
    """The column's own spelling if the source certainly has it."""
    columns = {c.split(".")[0] for c in source.fields} if source.open else source.fields
    if name.text in columns:
        return name.text
    if not name.quoted and not source.open:
        near = [c for c in columns if c.lower() == name.text.lower()]
        return near[0] if len(near) == 1 else None
    return None


def _field_of(source: Source, path: ast.Path, parts: tuple[ast.Identifier, ...]) -> Column:
    name = _known_name(parts[0], source)
    if name is None and not source.open:
        raise _no_column(parts[0].text, source.fields, path.span, f"{_title(source)} has")
    return _column(source, (name or parts[0].text, *(p.text for p in parts[1:])), path.span)


def _column(source: Source, path: tuple[str, ...], span: Span) -> Column:
    key = path[0] if len(path) == 1 else ".".join(path)
    known = source.fields.get(key, Type.ANY) if source.open or len(path) == 1 else Type.ANY
    return Column(source.relation, path, known, nullable=key not in source.required, span=span)


def _title(source: Source) -> str:
    return source.names[0] if source.names else "the row"


def _unknown(path: ast.Path, scope: Scope) -> PlanError:
    names = [c for s in scope.sources for c in (*s.fields, *s.names)]
    what = ".".join(p.text for p in path.parts)
    if not scope.sources:
        return PlanError("E2005", f"{what} is a column's name, but only a constant can stand here", path.span,
                         hint=f"a text is written '{what}'")
    return _no_column(what, names, path.span, "there is")


def _no_column(name: str, names: Mapping[str, Type] | list[str], span: Span, there: str) -> PlanError:
    near = difflib.get_close_matches(name, list(names), n=1)
    return PlanError("E2002", f"{there} no column {name}", span, hint=f"did you mean {near[0]}?" if near else None)
