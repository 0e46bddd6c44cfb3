"""Expressions of rows that differ in their literals only are parsed once, and mean what each means by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sqlbulk.errors import RowRefused, Source, SqlError
from sqlbulk.functions.registry import Context
from sqlbulk.plan.environment import Environment, Parameters
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.syntax import ast, rowtrees
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.syntax.rowscan import Fresh

ENVIRONMENT = Environment(Context(datetime(2025, 9, 30, tzinfo=UTC)), Parameters({"p1": 5}))


class Counted(rowtrees.Expressions):
    """Notes what is parsed."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        super().__init__(self.tree, lambda tree: evaluate_cell(tree, ENVIRONMENT))

    def tree(self, text: str, first_parameter: int) -> ast.Expr:
        self.parsed.append(text)
        return parse_expression(Source(text), first_parameter=first_parameter)

    def value(self, text: str) -> Any:
        value = self(text, first_parameter=0)
        return value.value if isinstance(value, Fresh) else value


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("'{}'::int + 1", range(6)),
        ("CAST('{}.5' AS DECIMAL(10, 2))", range(6)),
        ("INTERVAL {} SECOND", range(6)),
        ("- {}", range(6)),
        ("1.{} * 2", range(6)),
        ("DATE '2025-01-0{}' + INTERVAL 1 DAY", range(1, 7)),
        ("CASE WHEN {} > 3 THEN E'it\\'s' ELSE NULL END", range(6)),
        ("JSON '{{\"a\": {}}}' -> 'a'", range(6)),
        ("[1, {}][1] -- 'x' 2\n", range(6)),
        ("{{a: {}, 'b2': :p1}}", range(6)),
    ],
)
def test_parsed_once(kind: str, cells: range) -> None:
    expressions = Counted()
    for n in cells:
        text = kind.format(n)
        expected = Counted().value(text)
        assert repr(expressions.value(text)) == repr(expected)
    # The first is the example, the second shows which literals may differ.
    assert expressions.parsed == [kind.format(n) for n in cells[:2]]


def test_without_literals() -> None:
    expressions = Counted()
    assert len({expressions.value("UUID()") for _ in range(5)}) == 5
    assert expressions.parsed == ["UUID()"]


def test_literals_that_are_no_values() -> None:
    expressions = Counted()
    texts = [f"'{n}.555'::numeric(10, {n % 3})" for n in range(12)]
    assert [str(expressions.value(text)) for text in texts] == [str(Counted().value(text)) for text in texts]
    assert expressions.parsed == texts[:6]
    keys = [f"{{'k{n}': 1}}" for n in range(12)]
    assert [expressions.value(text) for text in keys + keys] == [{f"k{n}": 1} for n in range(12)] * 2
    assert expressions.parsed[6:] == keys + keys[rowtrees.MAX_ALIKE :]


def test_errors_are_those_of_the_text_itself() -> None:
    expressions = Counted()
    assert [expressions.value(f"'{n}'::int") for n in range(3)] == [0, 1, 2]
    for text in ("'1234567x'::int", "'12345678901234567890'::int", "1::int + 'b'::int"):
        with pytest.raises(SqlError) as found:
            expressions.value(text)
        with pytest.raises(SqlError) as expected:
            Counted().value(text)
        assert (found.value.code, found.value.span) == (expected.value.code, expected.value.span)
    assert [expressions.value(f"{2**62} + {n}") for n in range(3)] == [2**62 + n for n in range(3)]


def test_refused_rows() -> None:
    def evaluate(tree: ast.Expr) -> Any:
        assert isinstance(tree, ast.Literal)
        if tree.value == 3:
            raise RowRefused("E4010", f"no {tree.value}")
        return tree.value

    expressions = rowtrees.Expressions(lambda text, first: parse_expression(Source(text)), evaluate)
    assert [expressions(f"({n})", first_parameter=0) for n in (1, 2, 4)] == [1, 2, 4]
    with pytest.raises(RowRefused, match="E4010"):
        expressions("(3)", first_parameter=0)


@pytest.mark.parametrize("text", ["DATE '2025-02-30' + 1", "E'\\UFFFFFFFF' || 'a'"])
def test_literals_without_value(text: str) -> None:
    with pytest.raises(SqlError, match="E1004"):
        Counted().value(text)


def test_what_is_parsed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    expressions = Counted()
    long = "'" + "x" * rowtrees.MAX_TEXT + "' || 'a'"
    for text in (long, "'?' || 'a'", long, "'?' || 'a'"):
        expressions.value(text)
    assert len(expressions.parsed) == 4
    monkeypatch.setattr(rowtrees, "MAX_KINDS", 1)
    for text in ("1 + 1", "(2)", "1 + 3", "(3)", "1 + 4", "(4)"):
        expressions.value(text)
    assert expressions.parsed[4:] == ["1 + 1", "(2)", "1 + 3", "(3)", "(4)"]
