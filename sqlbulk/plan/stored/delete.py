"""DELETE and MOVE: which documents, where they are archived, and what has to hold before anything is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlbulk import commands
from sqlbulk.commands import Archive, DeleteWhere, Obstacle
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.option_kinds import PartitionBy, Reference
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.layout import ROOT, field_reference
from sqlbulk.plan.options import Given, read_options
from sqlbulk.plan.returning import plan_returning
from sqlbulk.plan.selection import Clauses, choose, doubtful_names, make_scope
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.stored.explain import finished_stored
from sqlbulk.plan.table import Table, read_table
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st

MARKS = ("archived_at", "archive_reason", "original_collection")
OF_ARCHIVE = ("archive_reason", "partition_by", "retention_period", "compression")
_ROW_DELETES = (7, 0)
"""The first server that deletes single rows of a time series."""
_FORMATS = {
    "year": "%Y", "quarter": "%Y_Q", "month": "%Y_%m", "week": "%G_W%V", "day": "%Y_%m_%d", "hour": "%Y_%m_%d_%H",
}


def plan_removal(statement: st.Delete | st.Move, planning: Planning) -> commands.Plan:
    """The plan of DELETE or MOVE; raises SqlError."""
    environment = planning.environment
    verb = "DELETE" if isinstance(statement, st.Delete) else "MOVE"
    given = read_options(statement.options, verb, base=planning.options, environment=environment)
    table = read_table(statement.table, environment)
    clauses = _clauses(statement, given)
    if table.kind == "timeseries" and (verb == "MOVE" or given.options.archive_collection is not None):
        raise UnsupportedError(
            "E3001", f"{table.collection} is a time-series collection, whose rows can't be archived and deleted one by"
            " one", statement.table.span, hint="INSERT … SELECT copies them")
    server = environment.catalog.server or environment.context.server or _ROW_DELETES
    if table.kind == "timeseries" and server < _ROW_DELETES:
        raise UnsupportedError("E3001", f"{table.collection} is a time-series collection, whose rows servers before"
                               f" {_ROW_DELETES[0]}.{_ROW_DELETES[1]} can't delete one by one", statement.table.span,
                               hint=f"TRUNCATE {table.collection} deletes all of them")
    if isinstance(statement, st.Delete):
        archive = _archive(table, given, environment)
    else:
        archive = _target(statement, table, given, environment)
    scope = make_scope(clauses, table, environment)
    selection = choose(clauses, table, scope, given=given, environment=environment)
    command = DeleteWhere(
        table.collection, selection, given.options, archive,
        _mark_obstacles() if archive is not None and archive.marked else (), table.database,
        plan_returning(statement, clauses, given, environment, scope=scope, archived=archive is not None))
    doubtful = doubtful_names(scope, clauses.where, clauses.order_by)
    return finished_stored(verb, command, (*given.notices, *doubtful, *_without_effect(command, given)))


def _clauses(statement: st.Delete | st.Move, given: Given) -> Clauses:
    using: ast.FromItem | None = None
    ctes: tuple[ast.Cte, ...] = ()
    recursive = False
    if isinstance(statement, st.Delete):
        using, ctes, recursive = statement.using, statement.ctes, statement.recursive
    where = _with_references(statement, given)
    return Clauses(
        statement.span, statement.table, where, statement.order_by, statement.limit, using, ctes, recursive)


# Archives


def _archive(table: Table, given: Given, environment: Environment) -> Archive | None:
    options = given.options
    if options.archive_collection is None:
        for name in OF_ARCHIVE:
            option = given.place(name)
            if option is not None:
                raise PlanError("E2017", f"{name} needs an archive", option.span,
                                hint="name it: archive_collection = '…'")
        return None
    place = given.place("archive_collection")
    span = place.value.span if place is not None else Span(0, 0)
    named = ast.Table((ast.Identifier(options.archive_collection, quoted=True, span=span),), span=span)
    archive = read_table(named, environment)
    _check_other(table, archive, span)
    part = None if options.partition_by is None else _partition(options.partition_by, environment)
    return Archive(
        archive.collection, table.database, part, reason=options.archive_reason, compressor=options.compression,
        retention=options.retention_period)


def _target(statement: st.Move, table: Table, given: Given, environment: Environment) -> Archive:
    if statement.to.alias is not None:
        raise PlanError("E2004", "the target of MOVE takes no alias", statement.to.alias.span)
    target = read_table(statement.to, environment)
    _check_other(table, target, statement.to.span)
    return Archive(target.collection, target.database or table.database, marked=False,
                   compressor=given.options.compression)


def _check_other(table: Table, archive: Table, span: Span) -> None:
    same = (archive.collection, archive.database or table.database) == (table.collection, table.database)
    if same:
        raise PlanError("E2007", "the documents would go to where they are", span)


def _partition(wanted: PartitionBy, environment: Environment) -> Any:
    """The period of a document as a text; what has no date of four-digit years is undated."""
    field = field_reference(ROOT, tuple(wanted.field.split(".")))
    zone = environment.context.time_zone
    text: Any = {"$dateToString": {"date": field, "format": _FORMATS[wanted.unit], "timezone": zone}}
    if wanted.unit == "quarter":
        month = {"$month": {"date": field, "timezone": zone}}
        text = {"$concat": [text, {"$toString": {"$toInt": {"$ceil": {"$divide": [month, 3]}}}}]}
    year = {"$year": {"date": field, "timezone": zone}}
    usual = {"$and": [{"$gte": [year, 1]}, {"$lte": [year, 9998]}]}
    return {"$cond": [{"$eq": [{"$type": field}, "date"]}, {"$cond": [usual, text, "undated"]}, "undated"]}


def _mark_obstacles() -> tuple[Obstacle, ...]:
    """Documents that have one of the fields that the archive adds: it would be overwritten."""
    return tuple(
        Obstacle({name: {"$exists": True}}, f"there is a field {name} already, which the archive would overwrite",
                 f"${name}", ("missing",))
        for name in MARKS
    )


# References from elsewhere


def _with_references(statement: st.Delete | st.Move, given: Given) -> ast.Expr | None:
    """The condition, and that nothing refers to the document if that is to be verified."""
    options, option = given.options, given.place("verify_foreign_keys")
    if not options.verify_foreign_keys:
        return statement.where
    place = option or given.place("references")
    span = place.span if place is not None else statement.span
    if not options.references:
        raise PlanError("E2017", "verify_foreign_keys needs to know what refers to the documents", span,
                        hint="references = 'orders.user_id -> user_id'")
    if statement.where is None and not options.allow_full_collection:
        return None
    where = statement.where or ast.Literal(True, span=span)
    for reference in options.references:
        test = ast.Unary("NOT", _referred(reference, statement.table, span), span=span)
        where = ast.Binary("AND", where, test, span=span)
    return where


def _referred(reference: Reference, table: ast.Table, span: Span) -> ast.Expr:
    """EXISTS (SELECT 1 FROM other WHERE other.field = this.field)."""
    name = (table.alias.name if table.alias else table.name[-1]).text
    left, right = (
        ast.Path(tuple(ast.Identifier(part, quoted=True, span=span) for part in parts), span=span)
        for parts in (("referring", *reference.field.split(".")), (name, *reference.to.split(".")))
    )
    other = ast.Table(
        (ast.Identifier(reference.collection, quoted=True, span=span),),
        ast.Alias(ast.Identifier("referring", quoted=True, span=span), span=span), span=span)
    one = ast.SelectItem(ast.Literal(1, span=span), span=span)
    condition = ast.Binary("=", left, right, span=span)
    return ast.Exists(ast.Query(ast.Select((one,), from_=other, where=condition, span=span), span=span), span=span)


# Notices


def _without_effect(command: DeleteWhere, given: Given) -> Iterator[str]:
    if given.place("references") is not None and not given.options.verify_foreign_keys:
        yield "verify_foreign_keys = false: references has no effect"
    if command.archive is None:
        for name in ("bypass_validation", "continue_on_error", "max_errors"):
            if given.place(name) is not None:
                yield f"{name} has no effect: DELETE refuses no document"
    elif given.options.write_concern is not None:
        yield "write_concern has no effect: copies are always written with majority and journal"
