"""CREATE TABLE: columns and constraints as a collection's validator and indexes.

The validator is a $jsonSchema for what columns may hold, and one $expr a CHECK. A CHECK refuses what is FALSE;
like in SQL, it lets NULL pass. Columns that aren't listed stay allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlbulk import commands_catalog as cc
from sqlbulk.catalog import DEFAULT_MARK
from sqlbulk.commands import Path, Plan
from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.calls import type_of_bound
from sqlbulk.plan.binding.scope import Scope, Source
from sqlbulk.plan.ddl.conditions import check_steady, check_timeless
from sqlbulk.plan.ddl.defaults import default_text
from sqlbulk.plan.ddl.indexes import Keys, index_keys, index_name, not_null_filter, plain_name
from sqlbulk.plan.ddl.options import refuse_options
from sqlbulk.plan.ddl.text import catalog_plan
from sqlbulk.plan.ddl.types import ColumnType, Rule, column_type
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.plan.statement import Planning
from sqlbulk.plan.table import read_table
from sqlbulk.plan.targets import check_distinct, target_path
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.types import Type


@dataclass(slots=True)
class _Column:
    definition: st.ColumnDefinition
    path: Path
    type: ColumnType
    required: bool
    default: str | None = None

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def rule(self) -> Rule:
        """What the schema says of the column."""
        rule = self.type.required() if self.required else self.type.nullable()
        return rule if self.default is None else {**rule, "description": DEFAULT_MARK + self.default}


@dataclass(slots=True)
class _Index:
    keys: Keys
    name: str
    span: Span
    unique: bool = False
    partial: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = {"key": self.keys, "name": self.name}
        if self.unique:
            made["unique"] = True
        return made | ({"partialFilterExpression": dict(self.partial)} if self.partial else {})


def plan_create_table(statement: st.CreateTable, planning: Planning) -> Plan:
    """CREATE TABLE or COLLECTION; raises SqlError."""
    refuse_options(statement.options, "CREATE TABLE")
    table = read_table(statement.table, planning.environment)
    if table.alias is not None:
        raise UnsupportedError("E3001", "a new collection has no alias", statement.table.span)
    constraints = [e for e in statement.elements if isinstance(e, st.TableConstraint)]
    columns = _columns([e for e in statement.elements if isinstance(e, st.ColumnDefinition)], planning.environment)
    primary = _primary_key(columns, constraints)
    known = {c.name: c for c in columns}
    for name in primary[0] if primary else ():
        if name in known:
            known[name].required = True
    required = {c.name for c in columns if c.required} | set(primary[0] if primary else ())
    indexes, notices = _distinct(_indexes(columns, constraints, primary, known, required))
    validator = _validator(columns, constraints, primary, table.collection, planning.environment)
    command = cc.CreateCollection(
        table.collection, {"validator": validator} if validator else {}, tuple(i.document() for i in indexes),
        statement.if_not_exists, table.database, statement.table.span)
    notices = [*(c.type.notice for c in columns if c.type.notice), *notices]
    return catalog_plan("CREATE TABLE", command, notices)


# Columns


def _columns(definitions: Sequence[st.ColumnDefinition], environment: Environment) -> list[_Column]:
    columns = []
    for definition in definitions:
        path = target_path(definition.name)
        plain_name([part for part in definition.name.parts if isinstance(part, ast.Identifier)], "a column here")
        kind = column_type(definition.type)
        default = None if definition.default is None else default_text(
            path, definition.default, definition.type, column=kind, environment=environment)
        columns.append(_Column(definition, path, kind, definition.not_null or path == ("_id",), default))
    check_distinct((c.path, c.definition.name.span) for c in columns)
    return columns


def _primary_key(
    columns: Sequence[_Column], constraints: Sequence[st.TableConstraint]
) -> tuple[Keys, st.ColumnDefinition | st.TableConstraint] | None:
    """The keys of PRIMARY KEY and where it stands; raises PlanError E1005 if there are two."""
    found: list[tuple[Keys, st.ColumnDefinition | st.TableConstraint]] = [
        ({c.name: 1}, c.definition) for c in columns if c.definition.primary_key]
    found += [(index_keys(c.columns), c) for c in constraints if c.kind == "PRIMARY KEY"]
    if len(found) > 1:
        raise PlanError("E1005", "PRIMARY KEY is given twice", found[1][1].span)
    return found[0] if found else None


# Indexes


def _indexes(
    columns: Sequence[_Column], constraints: Sequence[st.TableConstraint],
    primary: tuple[Keys, st.ColumnDefinition | st.TableConstraint] | None, known: Mapping[str, _Column],
    required: set[str],
) -> list[_Index]:
    made = []
    if primary is not None:
        keys, place = primary
        name = place.name.text if isinstance(place, st.TableConstraint) and place.name else index_name(keys)
        made.append(_Index(keys, name, place.span, unique=True))
    made += [_unique({c.name: 1}, None, c.definition.span, known, required) for c in columns if c.definition.unique]
    for constraint in constraints:
        if constraint.kind == "UNIQUE":
            keys = index_keys(constraint.columns)
            made.append(_unique(keys, constraint.name, constraint.span, known, required))
        elif constraint.kind == "INDEX":
            keys = index_keys(constraint.columns)
            name = constraint.name.text if constraint.name else index_name(keys)
            made.append(_Index(keys, name, constraint.span))
    return made


def _unique(
    keys: Keys, name: ast.Identifier | None, span: Span, known: Mapping[str, _Column], required: set[str]
) -> _Index:
    """A unique index over the documents in which no key is NULL, as SQL has it."""
    nullable = [field for field in keys if field not in required and field != "_id"]
    partial = {f: not_null_filter(known[f].type.rule.get("bsonType") if f in known else None) for f in nullable}
    usual = index_name(keys) + ("_unique" if partial else "")
    return _Index(keys, name.text if name else usual, span, unique=True, partial=partial)


def _distinct(indexes: Sequence[_Index]) -> tuple[list[_Index], list[str]]:
    """The indexes without those that others make needless, and sentences about these; raises PlanError E2010."""
    kept: list[_Index] = []
    notices = []
    for index in sorted(indexes, key=lambda i: not i.unique):
        if list(index.keys) == ["_id"]:
            continue
        shown = f"{'UNIQUE' if index.unique else 'INDEX'} ({', '.join(index.keys)})"
        same = [k for k in kept if list(k.keys.items()) == list(index.keys.items())]
        if any(not k.partial or index.unique for k in same):
            notices.append(f"{shown} isn't made: another index on the same fields does its work")
        elif any(k.name == index.name for k in kept):
            raise PlanError("E2010", f"two indexes have the name {index.name}", index.span)
        else:
            kept.append(index)
    return [i for i in indexes if i in kept], notices


# The validator


def _validator(
    columns: Sequence[_Column], constraints: Sequence[st.TableConstraint],
    primary: tuple[Keys, st.ColumnDefinition | st.TableConstraint] | None, collection: str, environment: Environment,
) -> dict[str, Any]:
    schema = _schema(columns, tuple(primary[0]) if primary else ())
    fields = {c.name: c.type.type for c in columns}
    scope = Scope((Source("", (collection,), fields),))
    checks = [(c.definition.check, None) for c in columns] + [(c.check, c.name) for c in constraints]
    tests = [_check(check, name, scope, environment) for check, name in checks if check is not None]
    rules: dict[str, Any] = {"$jsonSchema": schema} if schema else {}
    if len(tests) > 1:
        return {**rules, "$and": tests}
    return {**rules, **(tests[0] if tests else {})}


def _schema(columns: Sequence[_Column], primary: Sequence[str]) -> Rule:
    """The $jsonSchema of the columns; fields of the primary key that aren't columns are required as well."""
    root: Rule = {"bsonType": "object"}
    for column in columns:
        _place(root, column.path, column.rule, required=column.required)
    for name in primary:
        if name not in {c.name for c in columns} and name != "_id":
            _place(root, tuple(name.split(".")), {"not": {"bsonType": "null"}}, required=True)
    return root if len(root) > 1 else {}


def _place(level: Rule, path: Path, rule: Rule, *, required: bool) -> None:
    """Put a column's rule into the schema. The documents around a required field are required too."""
    name, *rest = path
    if required and name != "_id" and name not in level.setdefault("required", []):
        level["required"].append(name)
    if not rest:
        if rule:
            level.setdefault("properties", {})[name] = rule
        return
    inner = level.setdefault("properties", {}).setdefault(name, {"bsonType": ["object", "null"]})
    if required:
        inner["bsonType"] = "object"
    _place(inner, tuple(rest), rule, required=required)


def _check(condition: ast.Expr, name: ast.Identifier | None, scope: Scope, environment: Environment) -> dict[str, Any]:
    bound = bind(condition, scope, environment)
    if type_of_bound(bound) not in (Type.BOOLEAN, Type.ANY, Type.NULL):
        raise PlanError("E2012", "CHECK takes a condition", condition.span)
    lowered = lower(bound, Layout(), environment.context).mql
    if lowered is None:
        raise PlanError("E2012", "this CHECK is NULL for every row, so it would refuse nothing", condition.span,
                        hint="compare columns with values of their type")
    check_timeless(condition, scope, environment, "CHECK")
    check_steady(bound, "CHECK")
    test = {"$expr": {"$ne": [lowered, False]}}
    return {**test, "$comment": f"CHECK {name.text}"} if name is not None else test
