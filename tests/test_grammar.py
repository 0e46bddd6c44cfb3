"""The grammar has no ambiguity, every rule builds a node, and every node comes from a rule."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import re
from importlib import resources

import lark
import pytest

from sqlbulk.syntax import ast, parser, statements
from sqlbulk.syntax.build import ExpressionBuilder
from sqlbulk.syntax.build_statement import StatementBuilder

TEXT = resources.files("sqlbulk.grammar").joinpath("sql.lark").read_text(encoding="utf-8")
RULE = re.compile(r"^([?]?)([a-z]\w*)\s*:", re.MULTILINE)


def rules_that_build() -> set[str]:
    built = {name for mark, name in RULE.findall(TEXT) if not mark}
    return (built | set(re.findall(r"->\s*(\w+)\s*$", TEXT, re.MULTILINE))) - {"special_call", "subquery"}


def test_every_rule_has_a_builder() -> None:
    missing = {name for name in rules_that_build() if not hasattr(StatementBuilder, name)}
    inline = {"sub_operation", "sub_intersection", "intersection"}
    assert missing - inline == set()


def test_every_builder_has_a_rule() -> None:
    own = {
        name
        for cls in StatementBuilder.__mro__
        if issubclass(cls, ExpressionBuilder)
        for name, member in vars(cls).items()
        if not name.startswith("_") and callable(member) and name != "lambda_"
    }
    assert own - {*rules_that_build(), "is_", "in_", "unary"} == set()


@pytest.mark.slow
def test_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    lark.logger.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG, logger=lark.logger.name):
        lark.Lark(TEXT, parser="lalr", start=["statement", "expression"], debug=True, maybe_placeholders=True)
    assert [r.message for r in caplog.records if "onflict" in r.getMessage()] == []


def test_every_node_is_built() -> None:
    source = "".join(
        inspect.getsource(module)
        for module in map(inspect.getmodule, StatementBuilder.__mro__)
        if module is not None and module.__name__.startswith("sqlbulk")
    )
    nodes = {
        name
        for module in (ast, statements)
        for name, value in vars(module).items()
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    }
    unbuilt = {n for n in nodes - {"Node"} if not re.search(rf"\b(?:ast|st)\.{n}\(", source)}
    assert unbuilt == set()


@pytest.mark.parametrize("word", sorted(parser.RESERVED))
def test_reserved_words_are_refused_as_names_but_not_in_quotes(word: str) -> None:
    from sqlbulk.errors import Source, SqlSyntaxError

    with pytest.raises(SqlSyntaxError):
        parser.parse(Source(f"SELECT a FROM t AS {word}"))
    parser.parse(Source(f'SELECT "{word}" FROM t AS "{word}"'))


def keywords() -> list[str]:
    words = re.findall(r'"([A-Z]+)"i', TEXT)
    return sorted(set(words) - parser.RESERVED)


@pytest.mark.parametrize("word", keywords())
def test_other_keywords_are_names(word: str) -> None:
    from sqlbulk.errors import Source

    parser.parse(Source(f"SELECT {word}, t.{word} AS {word} FROM t WHERE {word} = 1 GROUP BY {word}"))
    parser.parse(Source(f"UPDATE t SET {word} = {word} + 1, a.{word} = 2 WHERE {word} > 1"))
    parser.parse(Source(f"INSERT INTO {word} (a, {word}, {word}.b) VALUES \ue000"))
