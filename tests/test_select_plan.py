"""SELECT without a server: that nothing in a query is dropped in silence, and what the rewrites may and may not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sqlbulk.catalog import Catalog, Collection, Index
from sqlbulk.commands import Query
from sqlbulk.errors import PlanError, Source, UnsupportedError
from sqlbulk.functions.registry import Context
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Column
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.explain_query import wire_query
from sqlbulk.plan.pipeline.rows import Columns, Place, Rows, safe_key
from sqlbulk.plan.query.bind import bind_query, new_planning
from sqlbulk.plan.query.state import Around, BoundQuery, Output
from sqlbulk.plan.rewrites import rewritten
from sqlbulk.plan.select import _flatten, plan_query
from sqlbulk.session import asks_of_indexes
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse
from sqlbulk.types import Type

ENVIRONMENT = Environment(Context(datetime(2025, 1, 1, tzinfo=UTC)))


def query(sql: str, catalog: Catalog | None = None) -> Query:
    statement = parse(Source(sql))
    assert isinstance(statement, ast.Query)
    return plan_query(statement, replace(ENVIRONMENT, catalog=catalog or Catalog()))


def relation(sql: str) -> algebra.Relation:
    """The rewritten algebra of a query."""
    statement = parse(Source(sql))
    assert isinstance(statement, ast.Query)
    bound = bind_query(statement, Around(), new_planning(ENVIRONMENT))
    return rewritten(bound.relation, ENVIRONMENT)


def nodes(node: algebra.Relation) -> list[str]:
    """The kinds of nodes from the top down, left to right."""
    return [type(node).__name__, *(n for child in algebra.inputs(node) for n in nodes(child))]


def stages(sql: str, catalog: Catalog | None = None) -> list[str]:
    return [next(iter(s)) for s in query(sql, catalog).pipeline]


WHOLE = (
    "SELECT {distinct} a AS x FROM t {join} WHERE {where} GROUP BY {group} HAVING {having} ORDER BY {order}"
    " LIMIT {limit} OFFSET {offset}"
)
PLAIN = {"distinct": "", "join": "", "where": "TRUE", "group": "a", "having": "TRUE", "order": "a", "limit": "9",
         "offset": "0"}


@pytest.mark.parametrize(("clause", "text"), [
    ("distinct", "DISTINCT"), ("join", "JOIN u ON u.k = t.k"), ("where", "t.b = 1"), ("group", "a, b"),
    ("having", "COUNT(*) > 1"), ("order", "a DESC"), ("limit", "3"), ("offset", "2"),
])
def test_every_clause_changes_the_plan(clause: str, text: str) -> None:
    plain = query(WHOLE.format(**PLAIN)).pipeline
    assert query(WHOLE.format(**{**PLAIN, clause: text})).pipeline != plain


@pytest.mark.parametrize(("sql", "kept"), [
    ("SELECT a FROM (SELECT a, b FROM t) d WHERE a = 1", ["Project", "Filter", "Scan"]),
    ("SELECT a FROM (SELECT a FROM t LIMIT 3) d WHERE a = 1", ["Project", "Filter", "Limit", "Scan"]),
    ("SELECT a FROM (SELECT a FROM t ORDER BY b) d WHERE a = 1", ["Project", "Sort", "Filter", "Scan"]),
    ("SELECT n FROM (SELECT a, COUNT(*) AS n FROM t GROUP BY a) d WHERE a = 1 AND n > 2",
     ["Project", "Filter", "Aggregate", "Filter", "Scan"]),
    ("SELECT a FROM (SELECT DISTINCT a FROM t) d WHERE a = 1", ["Project", "Distinct", "Project", "Filter", "Scan"]),
    ("SELECT a FROM (SELECT a FROM t UNION SELECT b FROM u) d WHERE a = 1",
     ["Project", "SetOperation", "Project", "Filter", "Scan", "Project", "Filter", "Scan"]),
    ("SELECT t.a FROM t JOIN u ON u.k = t.k WHERE t.a = 1 AND u.b = 2",
     ["Project", "Join", "Filter", "Scan", "Filter", "Scan"]),
    ("SELECT t.a FROM t LEFT JOIN u ON u.k = t.k WHERE t.a = 1 AND u.b = 2",
     ["Project", "Filter", "Join", "Filter", "Scan", "Scan"]),
    ("SELECT t.a FROM t LEFT JOIN u ON u.k = t.k AND u.b = 2 AND t.a = 1",
     ["Project", "Join", "Scan", "Filter", "Scan"]),
    ("SELECT t.a FROM t FULL JOIN u ON u.k = t.k WHERE t.a = 1", ["Project", "Filter", "Join", "Scan", "Scan"]),
])
def test_conditions_go_as_far_down_as_they_may(sql: str, kept: list[str]) -> None:
    assert nodes(relation(sql)) == kept


@pytest.mark.parametrize(("sql", "how"), [
    ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)", "Attach"),
    ("SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.x > 2)", "Attach"),
    ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k > t.k)", "Apply"),
    ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u)", "Apply"),
    ("SELECT a FROM t WHERE k IN (SELECT k FROM u)", "Attach"),
    ("SELECT a, (SELECT COUNT(*) FROM u WHERE u.k = t.k) FROM t", "Attach"),
    ("SELECT a, (SELECT x FROM u WHERE u.k = t.k) FROM t", "Apply"),
    ("SELECT a, (SELECT COUNT(*) FROM t s WHERE s.k = t.k) FROM t", "Window"),
    ("SELECT a, (SELECT COUNT(*) FROM t s WHERE s.k = t.k) FROM t WHERE a = 1", "Attach"),
    ("SELECT a, (SELECT COUNT(*) FROM t s WHERE s.k = t.j) FROM t", "Attach"),
])
def test_subqueries_are_decorrelated_where_that_keeps_their_meaning(sql: str, how: str) -> None:
    found = set(nodes(relation(sql))) & {"Attach", "Apply", "Window"}
    assert found == {how}


def test_two_correlated_aggregates_share_one_pass() -> None:
    sql = "SELECT (SELECT COUNT(*) FROM u WHERE u.k = t.k) AS n, (SELECT MIN(v.x) FROM u v WHERE v.k = t.k) AS m FROM t"
    assert nodes(relation(sql)).count("Attach") == 1
    other = sql.replace("u v WHERE v.k", "w v WHERE v.k")
    assert nodes(relation(other)).count("Attach") == 2


def test_a_filter_comes_first_so_that_indexes_serve() -> None:
    assert stages("SELECT a, COUNT(*) FROM t WHERE a > 1 GROUP BY a ORDER BY a")[0] == "$match"
    assert stages("SELECT t.a FROM t JOIN u ON u.k = t.k WHERE t.a > 1 ORDER BY u.b")[0] == "$match"


def test_an_index_of_another_order_or_a_partial_one_is_not_gone_by() -> None:
    def known(**fields: Any) -> Catalog:
        return Catalog({"t": Collection("t", {}, (Index(**fields),))})

    sql = "SELECT a FROM t ORDER BY a LIMIT 5"
    assert query(sql, known(keys=(("a", 1),))).choices
    assert not query(sql, known(keys=(("b", 1), ("a", 1)))).choices
    assert not query(sql, known(keys=(("a", 1),), partial=True)).choices
    assert not query("SELECT a FROM t ORDER BY a LIMIT 50000", known(keys=(("a", 1),))).choices


def test_only_fields_that_are_used_are_carried_along() -> None:
    outer = "t.a, t.b.c, t.b FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k + 1 = t.d.e AND u.l = t.a)"
    (first, *_) = query(f"SELECT {outer}").pipeline
    assert first["$project"] == {"_id": 0, "a": 1, "b": 1, "d.e": 1}
    (first, *_) = query('SELECT t."x.y" FROM t ORDER BY t.a').pipeline
    assert first["$replaceWith"]["t"] == "$$ROOT"


def test_new_fields_stand_beside_needed_ones_under_other_names() -> None:
    (lookup, unwind, last) = query("SELECT t.u, u.x FROM t LEFT JOIN u ON u._id = t._id").pipeline[:3]
    assert (lookup["$lookup"]["as"], unwind["$unwind"]["path"]) == ("_r1", "$_r1")
    assert last["$project"] == {"_id": 0, "u": "$u", "x": "$_r1.x"}
    (computed, order, *_) = query("SELECT t._f1 FROM t ORDER BY t.a").pipeline
    assert list(computed["$addFields"]) == ["_f2"]
    assert list(order["$sort"]) == ["_f2", "a"]


def test_wire_form() -> None:
    command = replace(query("SELECT a FROM other.t"), collation={"locale": "de"})
    assert wire_query(command) == {
        "aggregate": "t", "pipeline": [{"$project": {"_id": 0, "a": "$a"}}], "cursor": {}, "allowDiskUse": True,
        "$db": "other", "collation": {"locale": "de"}}
    assert wire_query(query("SELECT 1"))["aggregate"] == 1


@pytest.mark.parametrize(("name", "key"), [
    ("a", "a"), ("A_1", "A_1"), ("_a", "_c3"), ("a.b", "_c3"), ("$a", "_c3"), ("", "_c3"), ("é", "_c3"), ("taken", "_c3"),
    ("a\n", "_c3"),
])
def test_keys_can_not_be_misread(name: str, key: str) -> None:
    assert safe_key(name, 3, {"taken": None}) == key


def test_an_outer_column_without_a_variable_is_refused() -> None:
    rows = Rows("t", [], {"t": Place()}, {("u", ("a",)): "$$o1"})
    columns = Columns(rows=rows)
    assert columns.reference(Column("u", ("a", "b"))) == "$$o1.b"
    with pytest.raises(UnsupportedError):
        columns.reference(Column("u", ("c",)))


def test_a_with_table_of_a_collections_name_reads_the_collection() -> None:
    assert query("WITH t AS (SELECT a FROM t WHERE b = 1) SELECT a FROM t").collection == "t"
    assert query("WITH RECURSIVE r AS (SELECT a FROM t) SELECT a FROM r").collection == "t"


@pytest.mark.parametrize("sql", [
    "SELECT SUM(a) WITHIN GROUP (ORDER BY b) FROM t", "SELECT COUNT(*) FROM t WHERE EXISTS (SELECT SUM(1) OVER nowhere)",
])
def test_what_has_no_meaning_is_refused(sql: str) -> None:
    with pytest.raises(PlanError):
        query(sql)


def test_keys_that_are_never_null_are_not_tested_for_it() -> None:
    def stages(required: frozenset[str]) -> list[str]:
        known = Collection("u", {"k": Type.INTEGER}, required=required)
        sql = "SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.a)"
        (union,) = [s["$unionWith"] for s in query(sql, Catalog({"u": known})).pipeline if "$unionWith" in s]
        return [name for stage in union["pipeline"] for name in stage]

    assert stages(frozenset()) == ["$group", "$replaceWith", "$match"]
    assert stages(frozenset({"k"})) == ["$group", "$replaceWith"]


def test_columns_that_are_kept_in_a_field_come_to_the_root() -> None:
    rows = Rows("t", [], {"q": Place(("x",), {"a": ("a",), "b": ("c", "d")})})
    _flatten(rows, BoundQuery(algebra.Scan("t", "q"), "q", (Output("a", "a"), Output("b", "b"))))
    assert rows.stages == [{"$replaceWith": {"a": "$x.a", "b": "$x.c.d"}}]
    assert rows.layout["q"] == Place((), {"a": ("a",), "b": ("b",)})


@pytest.mark.parametrize(("sql", "asked"), [
    ("SELECT a FROM t WHERE a > 5", False),
    ("SELECT a, COUNT(*), MEDIAN(b) FROM t WHERE a IN (1, 2) GROUP BY a HAVING COUNT(*) > 1 LIMIT 3", False),
    ("SELECT DISTINCT a FROM (SELECT a FROM t LIMIT 5) x", False),
    ("SELECT a FROM t ORDER BY a LIMIT 3", True),
    ("SELECT x.a FROM t x JOIN (SELECT a, COUNT(*) AS n FROM t GROUP BY a) y ON y.a = x.a", True),
])
def test_indexes_are_asked_for_where_they_change_the_plan(sql: str, asked: bool) -> None:
    """Where they aren't, the plan is the same with any."""
    assert asks_of_indexes(parse(Source(sql))) == asked
    indexed = Catalog({"t": Collection("t", indexes=(Index((("a", 1),)), Index((("b", 1),), unique=True)))})
    assert asked or query(sql, indexed) == query(sql, Catalog({"t": Collection("t")}))
