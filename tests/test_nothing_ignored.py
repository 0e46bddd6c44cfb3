"""Nothing is ignored in silence: planning a golden case reads every field of its tree that says anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from golden import Case, planned, read_cases

import sqlbulk.plan as planning
from sqlbulk.errors import UnsupportedError
from sqlbulk.syntax import ast, statements

MAY_GO_UNREAD = {
    ("TableFunction", "lateral"): "a function in FROM sees what stands before it with or without the word",
    ("Identifier", "quoted"): "it says how a name was read; the name itself is what counts",
}
OVERLOOKED_READERS = {"_positional", "replace", "__eq__", "__repr__", "__hash__", "parameter_keys",
                      "walk_nodes", "_columns_used"}
"""Functions that read every field of whatever they get; they don't count."""

CASES = [
    pytest.param(case, id=f"{path.stem}: {case.name}"[:90])
    for path in sorted((Path(__file__).parent / "golden").glob("*.test"))
    for case in read_cases(path)
    if "expression" not in case.settings and "error" not in case.sections
]

Read = set[tuple[int, str]]


@contextmanager
def traced(read: Read) -> Iterator[None]:
    """Within, every field of a node that is read is noted."""

    def note(self: Any, name: str) -> Any:
        if sys._getframe(1).f_code.co_name not in OVERLOOKED_READERS:
            read.add((id(self), name))
        return object.__getattribute__(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ast.Node, "__getattribute__", note)
        yield


def nodes_of(value: Any) -> Iterator[ast.Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from nodes_of(item)
    elif isinstance(value, ast.Node):
        yield value
        for field in fields(value):
            yield from nodes_of(getattr(value, field.name))


def unread_fields(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fields that planning the case never looked at, though they say something."""
    read: Read = set()
    trees: list[Any] = []
    plan = planning._plan

    def planned_with_trace(statement: Any, *rest: Any) -> Any:
        trees.append(statement)
        with traced(read):
            return plan(statement, *rest)

    monkeypatch.setattr(planning, "_plan", planned_with_trace)
    planned(case)
    return [
        f"{type(node).__name__}.{field.name} = {getattr(node, field.name)!r}"
        for node in nodes_of(tuple(trees)) for field in fields(node)
        if field.name != "span" and getattr(node, field.name) not in (None, (), False)
        and (id(node), field.name) not in read and (type(node).__name__, field.name) not in MAY_GO_UNREAD
    ]


@pytest.mark.parametrize("case", CASES)
def test_every_field_is_read(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unread_fields(case, monkeypatch) == []


def test_a_clause_that_is_not_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlbulk.plan.insert.statements as insert

    keep = insert.conflict.decide

    def careless(statement: Any, *rest: Any) -> Any:
        return keep(statements.Insert(statement.verb, False, statement.table, (), statement.rows), *rest)

    monkeypatch.setattr(insert.conflict, "decide", careless)
    case = Case([], "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2", {}, 1)
    assert any(text.startswith("Insert.conflict") for text in unread_fields(case, monkeypatch))


@pytest.mark.parametrize("sql", [
    "UPDATE t SET a = 1 WHERE b = 2", "DELETE FROM t WHERE a = 1", "BULK MOVE a TO b WHERE c = 1",
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "DRY RUN DELETE FROM t WHERE a = 1", "DESCRIBE t",
    "CREATE TABLE t (a INT)", "CREATE INDEX ON t (a)", "CREATE VIEW v AS SELECT a FROM t", "TRUNCATE t", "DROP TABLE t",
    "SHOW TABLES", "SELECT 1", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE DELETE FROM t WHERE a = 1",
])
def test_every_statement_is_planned(sql: str) -> None:
    assert planned(Case([], sql, {}, 1)).steps


def test_what_defines_something_is_not_run_for_its_figures() -> None:
    with pytest.raises(UnsupportedError, match=r"E3001.*EXPLAIN ANALYZE .* not for DROP TABLE"):
        planned(Case([], "EXPLAIN ANALYZE DROP TABLE t", {}, 1))
