"""SELECT as a command: the query bound, rewritten and lowered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from sqlbulk import commands
from sqlbulk.commands_steps import FewKeys, KeySet
from sqlbulk.errors import UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.documents import made_at_once
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.explain_query import describe_query, wire_queries
from sqlbulk.plan.lowering.layout import ROOT, field_reference
from sqlbulk.plan.pipeline.recursive import fitted
from sqlbulk.plan.pipeline.rows import Place, Rows, column_keys
from sqlbulk.plan.pipeline.stages import to_pipeline
from sqlbulk.plan.pipeline.steps import StepMaker
from sqlbulk.plan.query.bind import bind_query, new_planning
from sqlbulk.plan.query.state import Around, BoundQuery
from sqlbulk.plan.reading import check_searches, query_options
from sqlbulk.plan.rewrites import rewritten
from sqlbulk.plan.rewrites.common_tables import inlined, settled
from sqlbulk.plan.statement import Planning as Statement
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st


def plan_select(statement: ast.Query | st.QueryWithOptions, planning: Statement) -> commands.Plan:
    """The plan of a SELECT; raises SqlError."""
    query, blocks = (statement, ()) if isinstance(statement, ast.Query) else (statement.query, statement.options)
    options = query_options(blocks, planning.options, planning.environment)
    environment = options.environment(planning.environment)
    shared = new_planning(environment)
    bound = bind_query(query, Around(), shared)
    if options.collation is not None:
        check_searches(bound.relation)
    made = lower_query(bound, environment, query, few=not options.plainly, steps=not options.plainly)
    command = _with_plain_fields(options.put(made))
    notices = (*options.notices, *shared.notices)

    def describe() -> str:
        return "\n".join([describe_query(command), *(f"notice: {n}" for n in notices)])

    return commands.Plan("SELECT", (command,), notices, describe, lambda: wire_queries(command))


def _with_plain_fields(command: commands.Query) -> commands.Query:
    """The query with fields that only keep their name merely included in the end, which is faster.

    They come in the order that the documents have them in; the columns are taken out by name.
    """
    few, alone = command.few, command.alone
    return replace(
        command, pipeline=_included(command.pipeline), alone=alone and _with_plain_fields(alone),
        few=few and replace(few, pipeline=_included(few.pipeline)))


def _included(pipeline: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    fields = pipeline[-1].get("$project") if pipeline else None
    if fields is None:
        return pipeline
    return (*pipeline[:-1], {"$project": {name: 1 if value == f"${name}" else value for name, value in fields.items()}})


def plan_query(
    query: ast.Query, environment: Environment, *, few: bool = False, steps: bool = False
) -> commands.Query:
    """What to ask of the server for a query's rows; raises SqlError at the part that is wrong or isn't supported.

    `few`: also another way, for few keys, if there is one. `steps`: rows may be kept before.
    """
    bound = bind_query(query, Around(), new_planning(environment))
    return lower_query(bound, environment, query, few=few, steps=steps)


def lower_query(
    bound: BoundQuery, environment: Environment, query: ast.Query, *, few: bool = False, steps: bool = False
) -> commands.Query:
    """The command of a bound query."""
    if not any(isinstance(n, algebra.Common) for n in algebra.relations_in(bound.relation)):
        return _lowered(bound, StepMaker(environment), query, few=few)
    if not steps:
        whole = inlined(bound.relation, partial(fitted, environment=environment, alone=True), query.span)
        return _lowered(replace(bound, relation=whole), StepMaker(environment), query, few=few)
    relation, kept = settled(bound.relation, partial(fitted, environment=environment, alone=False))
    maker = StepMaker(environment)
    made = maker.steps(kept)
    command = _lowered(replace(bound, relation=relation), maker, query, few=few)
    if not kept:
        return command
    alone = None
    with suppress(UnsupportedError):
        alone = lower_query(bound, environment, query, few=few)
    return replace(command, steps=maker.indexed(made), alone=alone)


def _lowered(bound: BoundQuery, maker: StepMaker, query: ast.Query, *, few: bool) -> commands.Query:
    """The command of a query in which nothing is left to be decided; `maker` has made the steps before."""
    environment = maker.environment
    relation = rewritten(bound.relation, environment)
    whole = bound.name if bound.open else None
    rows, choices = to_pipeline(relation, environment.context, environment.catalog, whole=whole, joined=maker.joined)
    _flatten(rows, bound)
    database = _database([relation, *maker.read], query)
    return commands.Query(
        rows.collection, tuple(rows.stages), _columns(bound, rows), database, choices=(*maker.choices, *choices),
        few=_with_few_keys(relation, bound, maker, rows.collection) if few else None)


def _with_few_keys(
    relation: algebra.Relation, bound: BoundQuery, maker: StepMaker, collection: str | None
) -> FewKeys | None:
    """The other way: with the keys of EXISTS and IN read first."""
    key_sets: list[KeySet] = []
    whole, environment = bound.name if bound.open else None, maker.environment
    rows, _ = to_pipeline(
        relation, environment.context, environment.catalog, whole=whole, key_sets=key_sets, joined=maker.joined)
    _flatten(rows, bound)
    if not key_sets or rows.collection != collection:
        return None
    return FewKeys(tuple(key_sets), tuple(rows.stages))


def ended(
    command: commands.Query, stages: Callable[[Sequence[commands.OutputColumn]], Sequence[Mapping[str, Any]]]
) -> commands.Query:
    """The query with more stages, which make whole documents of its columns; so in every way that it has."""
    assert command.columns is not None
    more = stages(command.columns)
    return replace(command, pipeline=made_at_once((*command.pipeline, *more)), columns=None,
                   alone=command.alone and ended(command.alone, stages))


def _flatten(rows: Rows, bound: BoundQuery) -> None:
    """Bring the columns, or the whole document, to the root if they aren't there."""
    place = rows.layout[bound.name]
    if place.keys is None:
        if place.base:
            rows.add({"$replaceWith": field_reference(ROOT, place.base)})
    elif place.base or any(len(path) > 1 for path in place.keys.values()):
        keys = column_keys(tuple(place.keys))
        fields = {keys[n][0]: field_reference(ROOT, (*place.base, *path)) for n, path in place.keys.items()}
        rows.add({"$replaceWith": fields})
        rows.layout[bound.name] = Place((), keys)


def _columns(bound: BoundQuery, rows: Rows) -> tuple[commands.OutputColumn, ...] | None:
    if bound.open:
        return None
    place = rows.layout[bound.name]
    assert place.keys is not None
    keys = place.keys
    return tuple(
        commands.OutputColumn(o.title, keys[o.key][0], whole=o.document, excluded=o.excluded) for o in bound.outputs)


def _database(relations: Sequence[algebra.Relation], query: ast.Query) -> str | None:
    names = {s.database for relation in relations for s in _scans(relation)}
    if len(names) > 1:
        raise UnsupportedError("E3001", "a query can't read from several databases", query.span)
    return names.pop() if names else None


def _scans(node: Any) -> list[algebra.Scan]:
    if isinstance(node, algebra.Scan):
        return [node]
    return [s for child in algebra.inputs(node) for s in _scans(child)]
