"""The parser's tables: built without a cache, kept where only the user can write, done without where nothing can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lark.lexer import Pattern, PatternRE, PatternStr, TerminalDef

from sqlbulk.errors import Source
from sqlbulk.syntax import parser, tables


@pytest.fixture
def fresh_parser() -> Iterator[None]:
    parser.grammar.cache_clear()
    yield
    parser.grammar.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_parser")
def test_kept_between_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLBULK_CACHE_DIR", str(tmp_path / "cache"))
    first = parser.parse(Source("SELECT a FROM t"))
    assert len(list((tmp_path / "cache").glob("grammar-*"))) == 1
    parser.grammar.cache_clear()
    assert parser.parse(Source("SELECT a FROM t")) == first


def test_a_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SQLBULK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert tables.cache_file("x") is False


def test_a_directory_that_others_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv("SQLBULK_CACHE_DIR", str(tmp_path))
    assert tables.cache_file("x") is False


@pytest.mark.parametrize(("terminal", "pattern", "priority"), [
    (TerminalDef("SELECT", PatternStr("select", ("i",))), PatternRE(r"select\b", ("i",)), 1),
    (TerminalDef("ROWS", PatternStr("rows"), 5), PatternRE(r"rows\b"), 5),
    (TerminalDef("PLUS", PatternStr("+")), PatternStr("+"), 0),
    (TerminalDef("NAME", PatternRE("[a-z]+")), PatternRE("[a-z]+"), 0),
])
def test_keywords_end_where_the_word_ends(terminal: TerminalDef, pattern: Pattern, priority: int) -> None:
    parser._whole_words(terminal)
    assert (type(terminal.pattern), terminal.pattern, terminal.priority) == (type(pattern), pattern, priority)
