"""MERGE: one query finds which arm is for which row, and the values that it needs; then documents are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlbulk import commands
from sqlbulk.commands import ACTION, PLACE, TARGET, LoadedRows, MergeArm, MergeRows, Query
from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.assign import bind_assignments, document_expression, maybe_missing
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.elements import with_whole_arrays
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.explain_query import describe_steps, wire_queries
from sqlbulk.plan.insert.defaults import Defaults, assigned_defaults, defaults_of
from sqlbulk.plan.insert.rowplan import names
from sqlbulk.plan.lowering.layout import ROOT, Layout
from sqlbulk.plan.options import Given, read_options
from sqlbulk.plan.returning import UNKNOWN
from sqlbulk.plan.select import ended, plan_query
from sqlbulk.plan.selection import Clauses, make_scope, own_filter, walk_nodes
from sqlbulk.plan.shown import indented, option_lines, plan_text, pretty
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.stored.merge_returning import plan_merge_returning
from sqlbulk.plan.stored.merge_source import source_lines, wanted, with_rows_in_place, without_place
from sqlbulk.plan.stored.update import VALUES, read_parts, with_values
from sqlbulk.plan.table import Table, read_table
from sqlbulk.plan.targets import check_distinct, dotted, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.types import Type

ID, ARM = "id", "arm"
"""The fields of the query's rows: the document's `_id`, missing where there is none, and the arm's number."""
_PRESENT = "sqlbulk present"
"""A column of the source that no row lacks."""
_WITHOUT_EFFECT = ("parallel_workers", "retry_attempts")
_ACTIONS: dict[str, Literal["update", "delete", "insert", "nothing"]] = {
    "UPDATE": "update", "DELETE": "delete", "INSERT": "insert", "DO NOTHING": "nothing"}


def plan_merge(statement: st.Merge, planning: Planning) -> commands.Plan:
    """The plan of MERGE; raises SqlError."""
    environment = planning.environment
    given = read_options(statement.options, "MERGE", base=planning.options, environment=environment)
    table = read_table(statement.table, environment)
    if statement.returning and given.options.continue_on_error:
        raise UnsupportedError("E3001", f"RETURNING can't be combined with {UNKNOWN}", statement.returning[0].span)
    if table.kind == "timeseries":
        raise UnsupportedError("E3001", f"{table.collection} is a time-series collection, whose rows can't be changed",
                               statement.table.span)
    defaults = defaults_of(table, environment, statement.table.span)
    source, placed = statement.source, None
    if isinstance(source, st.Loaded):
        placed = with_rows_in_place(statement, source, table, planning)
        source, environment = placed.table, placed.environment
    loaded = placed.rows if placed else None
    merge = _Merge(statement, table, source, _name_of(source), environment, defaults, loaded)
    command = merge.command(given)
    notices = (*given.notices, *(placed.notices if placed else ()), *_notices(given, command))
    return commands.Plan(
        "MERGE", (command,), notices, lambda: plan_text(_lines(command), notices), lambda: _wire(command))


def _notices(given: Given, command: MergeRows) -> Iterator[str]:
    for name in _WITHOUT_EFFECT:
        if given.place(name) and not (name == "retry_attempts" and command.returning):
            yield f"{name} has no effect: MERGE writes one batch after the other, each once"


def _name_of(source: ast.Table | ast.Derived) -> ast.Identifier:
    if source.alias is not None:
        return source.alias.name
    if isinstance(source, ast.Derived):
        raise PlanError("E2017", "the source needs a name", source.span, hint="USING (SELECT …) AS s")
    return source.name[-1]


@dataclass(slots=True)
class _Merge:
    """A MERGE under way: its two sides and how the text calls them."""

    statement: st.Merge
    table: Table
    using: ast.Table | ast.Derived
    source: ast.Identifier
    environment: Environment
    defaults: Defaults
    loaded: LoadedRows | None = None

    def command(self, given: Given) -> MergeRows:
        """The query and what its rows mean."""
        statement = self.statement
        scope = make_scope(Clauses(statement.span, statement.table, None, from_=self.using, ctes=statement.ctes,
                                   recursive=statement.recursive),
                           self.table, self.environment)
        arms, whens = [], []
        items: list[tuple[str, ast.Expr | ast.Star]] = []
        checked = tuple(map(self._checked, statement.arms))
        for number, arm in enumerate(checked):
            whens.append(ast.When(self._test(arm), ast.Literal(number), span=arm.span))
            made, values = self._arm(arm, scope, f"a{number}v")
            arms.append(made)
            items += zip(made.values, values, strict=True)
        returning = plan_merge_returning(
            statement.returning, without_place(scope), self.source, collection=self.table.collection,
            environment=self.environment)
        items += returning.brought.items()
        if self.loaded is not None:
            items.append((PLACE, self._field(self.source, PLACE)))
        query = self._query(whens, items)
        return MergeRows(self.table.collection, query, tuple(arms), given.options, self.table.database, returning.query,
                         tuple(returning.brought), self._source(checked, query))

    def _source(self, arms: tuple[st.MergeArm, ...], query: Query) -> LoadedRows | None:
        """The rows that come by the client, and what the statement wants of them."""
        nodes = (self.statement.on, arms, self.statement.returning)
        return self.loaded and wanted(self.loaded, nodes, self.source, query, all_or_none=self._two_sided)

    # Which arm is for which row

    @property
    def target(self) -> ast.Identifier:
        """The name of the collection that is written to, as the text calls it."""
        table = self.statement.table
        return table.alias.name if table.alias else table.name[-1]

    def _checked(self, arm: st.MergeArm) -> st.MergeArm:
        """The arm with every name belonging to the side that it has; raises SqlError for an action without sense."""
        if arm.matched and arm.by_source:
            raise PlanError("E1001", "MATCHED stands without BY SOURCE", arm.span)
        has_target = arm.matched or arm.by_source
        if arm.action != "DO NOTHING" and has_target is (arm.action == "INSERT"):
            place = "where a document matched" if has_target else "where none did"
            raise PlanError("E2004", f"{arm.action} makes no sense {place}", arm.span)
        if arm.matched:
            return arm
        owner, other = (self.target, self.source) if arm.by_source else (self.source, self.target)
        change = _of_side(owner, other, "source" if arm.by_source else "target")
        none: frozenset[str] = frozenset()
        assignments = tuple(
            st.Assignment(a.target, change(a.value, none), a.loop, span=a.span) for a in arm.assignments)
        return st.MergeArm(arm.matched, arm.by_source, change(arm.condition, none), arm.action, assignments,
                           arm.columns, change(arm.values, none), span=arm.span)

    def _test(self, arm: st.MergeArm) -> ast.Expr:
        """Whether a row is for the arm, if it was for none before."""
        here = self._missing(self.target, "_id", negated=True)
        if not (arm.matched or arm.by_source):
            test: ast.Expr = self._missing(self.target, "_id")
        elif self._two_sided:
            known = self._missing(self.source, self._present, negated=arm.matched)
            test = ast.Binary("AND", here, known, span=arm.span)
        else:
            test = here
        return test if arm.condition is None else ast.Binary("AND", test, arm.condition, span=arm.span)

    @property
    def _two_sided(self) -> bool:
        """Whether documents that no row of the source matches count as well."""
        return any(arm.by_source for arm in self.statement.arms)

    @property
    def _present(self) -> str:
        if self.loaded is not None:
            return PLACE
        return "_id" if isinstance(self.using, ast.Table) and not self._is_cte else _PRESENT

    @property
    def _is_cte(self) -> bool:
        source = self.using
        return isinstance(source, ast.Table) and len(source.name) == 1 and any(
            cte.name.text == source.name[0].text for cte in self.statement.ctes)

    def _missing(self, table: ast.Identifier, name: str, *, negated: bool = False) -> ast.Expr:
        return ast.Is(self._field(table, name), negated, "MISSING", span=self.statement.on.span)

    def _field(self, table: ast.Identifier, name: str) -> ast.Path:
        parts = (replace(table, quoted=True), ast.Identifier(name, quoted=True))
        return ast.Path(parts, span=self.statement.on.span)

    # What the arm does

    def _arm(self, arm: st.MergeArm, scope: Scope, prefix: str) -> tuple[MergeArm, list[ast.Expr]]:
        """The arm, and the expressions of the values that its rows bring along, named by the prefix and a number."""
        action = _ACTIONS[arm.action]
        if action == "insert":
            paths, values = self._inserted(arm)
            return MergeArm(action, values=_names(prefix, values), targets=paths), values
        if action == "nothing":
            return MergeArm(action), []
        conditions = [*([self.statement.on] if arm.matched else []), *([arm.condition] if arm.condition else [])]
        where = conditions[0] if conditions else None
        for condition in conditions[1:]:
            assert where is not None
            where = ast.Binary("AND", where, condition, span=condition.span)
        made = MergeArm(action, filter=own_filter(where, scope, self.environment))
        if action == "delete":
            return made, []
        written, arrays = with_whole_arrays(assigned_defaults(arm.assignments, self.defaults, scope.sources[0].names))
        assignments, values = with_values(written, scope)
        known = Source(VALUES, (VALUES,), {f"v{n}": Type.ANY for n in range(len(values))}, open=False, qualified=True)
        assigned = bind_assignments(
            assignments, scope=Scope((*scope.sources, known)), layout=Layout({"": ROOT, VALUES: "$$values"}),
            environment=self.environment)
        assigned = [maybe_missing(one) if place in arrays else one for place, one in enumerate(assigned)]
        return replace(made, update=document_expression(assigned), values=_names(prefix, values)), values

    def _inserted(self, arm: st.MergeArm) -> tuple[tuple[commands.Path, ...], list[ast.Expr]]:
        if arm.values and not arm.columns:
            raise PlanError("E2001", "INSERT in a MERGE names its columns", arm.span, hint="INSERT (a, b) VALUES (…)")
        if len(arm.columns) != len(arm.values):
            raise PlanError("E2001", f"{len(arm.columns)} columns but {len(arm.values)} values", arm.span)
        paths = [target_path(column, (self.target.text, self.table.collection)) for column in arm.columns]
        check_distinct((path, column.span) for path, column in zip(paths, arm.columns, strict=True))
        given = {p: v for p, v in zip(paths, arm.values, strict=True) if not isinstance(v, ast.Default)}
        kept = given | {p: v for p, v in self.defaults.items() if not names(given, p)}
        return tuple(kept), list(kept.values())

    # The query

    def _query(self, whens: list[ast.When], items: list[tuple[str, ast.Expr | ast.Star]]) -> Query:
        """Rows of the source beside the documents they match, where there is one."""
        statement = self.statement
        span = statement.span
        arm: ast.Expr = ast.Case(None, tuple(whens), ast.Literal(-1, span=span), span=span)
        columns: list[tuple[str, ast.Expr | ast.Star]] = [(ID, self._field(self.target, "_id")), (ARM, arm), *items]
        selected = tuple(
            ast.SelectItem(value, ast.Identifier(name, quoted=True), span=value.span) for name, value in columns)
        kind = "FULL" if self._two_sided else "RIGHT"
        join = ast.Join(statement.table, kind, self._right(), on=statement.on, span=statement.on.span)
        body = ast.Select(selected, from_=join, span=span)
        whole = ast.Query(body, statement.ctes, statement.recursive, span=span)
        query = plan_query(whole, self.environment, steps=True)
        names = [name for name, _ in columns]
        return ended(query, lambda columns: (
            {"$replaceWith": {name: self._kept(column) for name, column in zip(names, columns, strict=True)}},
            {"$match": {ARM: {"$gte": 0}}}))

    def _kept(self, column: commands.OutputColumn) -> Any:
        """The column's value; a whole row of the source is without the column that was put to it."""
        value = f"${column.field}"
        added = PLACE if self.loaded is not None else _PRESENT if self._has_added else None
        if added is None or not column.whole:
            return value
        return {"$unsetField": {"field": {"$literal": added}, "input": value}}

    @property
    def _has_added(self) -> bool:
        """Whether the source gets a column that no row lacks."""
        return self._two_sided and self._present == _PRESENT

    def _right(self) -> ast.Table | ast.Derived:
        """The source, with a column that no row lacks where that is needed."""
        source, span = self.using, self.using.span
        if not self._has_added:
            return source
        items = (ast.SelectItem(ast.Star((), span=span), span=span),
                 ast.SelectItem(ast.Literal(True, span=span), ast.Identifier(_PRESENT, quoted=True), span=span))
        body = ast.Select(items, from_=source, span=span)
        return ast.Derived(ast.Query(body, span=span), ast.Alias(self.source, span=span), span=span)


def _names(prefix: str, values: Sequence[ast.Expr]) -> tuple[str, ...]:
    return tuple(f"{prefix}{n}" for n in range(len(values)))


def _of_side(owner: ast.Identifier, other: ast.Identifier, absent: str) -> Callable[[Any, frozenset[str]], Any]:
    """Puts the owner's name in front of every name without one; raises PlanError for names of the other side."""

    def change(node: Any, variables: frozenset[str]) -> Any:
        if isinstance(node, tuple):
            return tuple(change(part, variables) for part in node)
        if isinstance(node, ast.Query):
            # a bare name in it is its own tables', as anywhere
            _check_side(node, other, absent)
            return node
        if not isinstance(node, ast.Node) or isinstance(node, ast.Identifier | ast.TypeName):
            return node
        if isinstance(node, ast.Path):
            return _owned(node, variables)
        inside = variables
        if isinstance(node, ast.Lambda):
            inside = variables | {parameter.text for parameter in node.parameters}
        return replace(node, **{name: change(part, inside) for name, part in read_parts(node).items()})

    def _owned(path: ast.Path, variables: frozenset[str]) -> ast.Path:
        first = path.parts[0].text
        if first in variables or (first == owner.text and len(path.parts) > 1):
            return path
        _check_side(path, other, absent)
        return replace(path, parts=(replace(owner, quoted=True, span=path.span), *path.parts))

    return change


def _check_side(node: ast.Query | ast.Path, other: ast.Identifier, absent: str) -> None:
    """Raise PlanError E2002 for a column of the side of which the arm has no row."""
    parts = list(walk_nodes(node))
    if any(isinstance(part, ast.Alias) and part.name.text == other.text for part in parts):
        return
    for part in parts:
        if isinstance(part, ast.Path) and len(part.parts) > 1 and part.parts[0].text == other.text:
            reason = f"there is no row of the {absent} in this arm, so {other.text} has no columns"
            raise PlanError("E2002", reason, part.span)


# EXPLAIN


def _wire(command: MergeRows) -> list[dict[str, Any]]:
    writes: list[dict[str, Any]] = []
    database = {} if command.database is None else {"$db": command.database}
    for arm in command.arms:
        one = {"$and": [{"_id": {"$eq": "<the document's>"}}, arm.filter]} if arm.filter else {
            "_id": {"$eq": "<the document's>"}}
        if arm.action == "update":
            writes.append({"update": command.collection, "updates": [{"q": one, "u": [arm_stage(arm)]}], **database})
        elif arm.action == "delete":
            writes.append({"delete": command.collection, "deletes": [{"q": one, "limit": 1}], **database})
        elif arm.action == "insert":
            writes.append({"insert": command.collection, "documents": [], **database})
    return [*_wire_source(command), *wire_queries(command.query), *writes]


def _wire_source(command: MergeRows) -> Iterator[dict[str, Any]]:
    """The rows that wait for the query; what they are isn't in the statement."""
    if command.source is not None:
        database = {} if command.database is None else {"$db": command.database}
        yield {"insert": f"{STAGED}<run>.{command.source.marker}", "documents": [], "ordered": False, **database}


def arm_stage(arm: MergeArm) -> dict[str, Any]:
    """The stage that an arm's documents are changed by."""
    return {"$replaceWith": {"$let": {"vars": {"values": "<the row's values>"}, "in": arm.update}}}


def _lines(command: MergeRows) -> Iterator[str]:
    name = f"{command.database}.{command.collection}" if command.database else command.collection
    yield f"MERGE into {name}"
    yield from indented("rows", _row_lines(command))
    yield from (line for number, arm in enumerate(command.arms) for line in indented(f"arm {number}", _arm_lines(arm)))
    yield from indented("returning", _returning_lines(command))
    yield from indented("options", option_lines(command.options))


def _row_lines(command: MergeRows) -> Iterator[str]:
    if command.source is not None:
        yield from source_lines(command.source)
    yield f"found by aggregate {command.query.collection} {pretty(list(command.query.pipeline))}"
    yield from command.query.choices
    yield from (line.removeprefix("  ") for line in describe_steps(command.query.steps))
    yield "all are found, and wait on the server, before the first document is written"
    yield "a document that two rows would change is an error, before anything is written"


def _returning_lines(command: MergeRows) -> Iterator[str]:
    if command.returning is not None:
        yield f"rows by {pretty(list(command.returning.pipeline))}"
        fields = ", ".join((f"{TARGET}, the document as it is then, or was before DELETE", ACTION, *command.brought))
        yield f"over {fields}"
        yield "each batch in a transaction, in which the documents are read; needs a replica set"


def _arm_lines(arm: MergeArm) -> Iterator[str]:
    match arm.action:
        case "insert":
            yield f"insert {', '.join(map(dotted, arm.targets)) or 'nothing but _id'}"
        case "update":
            yield f"update {pretty(arm_stage(arm))}"
        case "delete":
            yield "delete"
        case _:
            yield "nothing; the rows count as skipped"
    if arm.filter:
        yield f"tested again when written: {pretty(arm.filter)}"


__all__ = ["arm_stage", "plan_merge"]
