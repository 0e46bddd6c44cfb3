"""Names: what a dotted path means where several rows, outer queries and lambdas are in scope."""

from __future__ import annotations

from typing import Any

import pytest

from sqlbulk.catalog import Collection
from sqlbulk.errors import PlanError, Source
from sqlbulk.plan.binding.bound import BoundExpr, Column, Constant, LambdaVariable
from sqlbulk.plan.binding.scope import Scope, collection_source, resolve_path
from sqlbulk.plan.binding.scope import Source as Rows
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.types import Type

READINGS = collection_source(
    "raw_sensor_data", relation="rsd", alias="rsd",
    known=Collection("raw_sensor_data", {"sensor_id": Type.STRING, "temperature": Type.DOUBLE, "meta.unit": Type.STRING}))
CONFIG = collection_source("sensor_config", relation="sc", alias="sc", known=Collection("sensor_config", {"sensor_id": Type.STRING}))
DERIVED = Rows("d", ("d",), {"Total": Type.INTEGER, "doc": Type.DOCUMENT}, open=False)


def resolve(text: str, scope: Scope) -> BoundExpr:
    path = parse_expression(Source(text))
    assert isinstance(path, ast.Path)
    return resolve_path(path, scope)


def column(text: str, scope: Scope) -> tuple[Any, ...]:
    found = resolve(text, scope)
    assert isinstance(found, Column)
    return found.relation, found.path, found.type


def code(text: str, scope: Scope) -> tuple[str, str | None]:
    with pytest.raises(PlanError) as caught:
        resolve(text, scope)
    return caught.value.code, caught.value.hint


def test_names_over_a_join() -> None:
    scope = Scope((READINGS, CONFIG))
    assert column("temperature", scope) == ("rsd", ("temperature",), Type.DOUBLE)
    assert column("timestamp", scope) == ("rsd", ("timestamp",), Type.ANY)
    assert column("sensor_config.sensor_id", scope) == ("sc", ("sensor_id",), Type.STRING)
    assert column("sc.anything.at.length", scope) == ("sc", ("anything", "at", "length"), Type.ANY)
    assert column("SC.sensor_id", scope)[0] == "sc"
    assert column("meta.unit", scope) == ("rsd", ("meta", "unit"), Type.STRING)
    assert column('"SC".x', scope) == ("rsd", ("SC", "x"), Type.ANY)
    assert code("sensor_id", scope) == ("E2014", "write rsd.sensor_id")


def test_columns_of_a_closed_source() -> None:
    scope = Scope((DERIVED,))
    assert column("total", scope) == ("d", ("Total",), Type.INTEGER)
    assert column("d.TOTAL", scope)[1] == ("Total",)
    assert column("doc.a.b", scope) == ("d", ("doc", "a", "b"), Type.ANY)
    assert column("d", scope) == ("d", (), Type.DOCUMENT)
    assert code('"total"', scope) == ("E2002", "did you mean Total?")
    assert code("d.totl", scope) == ("E2002", "did you mean Total?")
    assert code("nothing", scope) == ("E2002", None)


def test_columns_that_differ_in_case_only() -> None:
    scope = Scope((Rows("x", ("x",), {"A": Type.ANY, "a": Type.ANY}, open=False),))
    assert column("a", scope)[1] == ("a",)
    assert column("A", scope)[1] == ("A",)
    with pytest.raises(PlanError):
        resolve("x", Scope())
    assert code("x.B", scope)[0] == "E2002"


def test_inner_queries_come_first() -> None:
    inner = collection_source("u", relation="u2", alias="u2")
    scope = Scope((inner,), parent=Scope((READINGS,)))
    assert column("whatever", scope) == ("u2", ("whatever",), Type.ANY)
    assert column("temperature", scope) == ("u2", ("temperature",), Type.ANY)
    assert column("rsd.temperature", scope) == ("rsd", ("temperature",), Type.DOUBLE)


def test_a_name_that_may_be_inner_or_outer_is_refused() -> None:
    inner = collection_source("u", relation="u2", alias="u2")
    scope = Scope((inner,), parent=Scope((DERIVED,)))
    assert code("total", scope)[0] == "E2014"
    assert column("other", scope) == ("u2", ("other",), Type.ANY)
    assert column("total", Scope((Rows("y", ("y",), {"z": Type.ANY}, open=False),), parent=Scope((DERIVED,))))[0] == "d"


def test_a_table_name_given_twice() -> None:
    scope = Scope((collection_source("t", relation="t"), collection_source("t", relation="t#2")))
    assert code("t.a", scope) == ("E2014", "use the aliases")
    self_join = Scope((collection_source("t", relation="a", alias="a"), collection_source("t", relation="t")))
    assert column("t.x", self_join)[0] == "t"
    assert column("a.x", self_join)[0] == "a"


def test_bound_names_and_lambda_variables() -> None:
    scope = Scope((READINGS,), bound={"total": Constant(5, Type.INTEGER)}, variables=frozenset({"x"}))
    assert resolve("total", scope) == Constant(5, Type.INTEGER)
    assert column("total.a", scope)[1] == ("total", "a")
    assert resolve("x.a.b", scope) == LambdaVariable("x", ("a", "b"))


def test_sources_that_need_their_name() -> None:
    scope = Scope((collection_source("t"), Rows("new", ("EXCLUDED",), {"a": Type.ANY}, open=False, qualified=True)))
    assert column("a", scope) == ("", ("a",), Type.ANY)
    assert column("excluded.a", scope)[0] == "new"
    only = Scope((Rows("new", ("EXCLUDED",), qualified=True),))
    assert column("excluded", Scope((Rows("new", ("EXCLUDED",), {}, open=False, qualified=True),)))[0] == "new"
    assert code("a", only)[0] == "E2002"


def test_no_names_where_only_constants_stand() -> None:
    assert code("a.b", Scope()) == ("E2005", "a text is written 'a.b'")


def test_ids_are_never_null() -> None:
    found = resolve("_id", Scope((collection_source("t"),)))
    assert isinstance(found, Column) and not found.nullable


def test_an_outer_alias_comes_before_an_inner_column() -> None:
    outer = Scope((collection_source("r", relation="n", alias="n"),))
    inner = Scope((Rows("h", ("h",), {"i": Type.INTEGER, "n": Type.INTEGER}, open=False),), parent=outer)
    assert column("n.i", inner)[:2] == ("n", ("i",))
    assert column("n", inner)[:2] == ("h", ("n",))
