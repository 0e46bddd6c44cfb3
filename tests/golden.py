"""Golden tests: cases in *.test files, SQL in, text out, and writing the text anew with --update-golden.

A case is a comment, SQL, and sections; cases are parted by ===. The comment's lines say what the case shows,
and may set the stage:

    # catalog: t(a int, b.c string), u(unique k, e, small), c(crowded), v(a int default 1 + 2)
    # set: ordered = true
    # parameters: [1, "x"]
    # expression                    the SQL is an expression over the rows of a collection t
    # server: 6.0

Sections: `tree` (what was read), `explain`, `commands`, `error`; for an expression `mql` and `match`.
A case without sections gets those that fit.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from sqlbulk.catalog import Catalog, Collection, Index
from sqlbulk.commands import Plan
from sqlbulk.errors import Source, SqlbulkError, SqlError
from sqlbulk.functions.registry import Context
from sqlbulk.options import WriteOptions, merge, parse_option
from sqlbulk.plan import plan
from sqlbulk.plan.binding.binder import bind
from sqlbulk.plan.binding.bound import BoundExpr
from sqlbulk.plan.binding.scope import Scope, collection_source
from sqlbulk.plan.environment import Environment, Parameters
from sqlbulk.plan.lowering.expr import lower
from sqlbulk.plan.lowering.filter import match
from sqlbulk.plan.lowering.layout import Layout
from sqlbulk.plan.shown import pretty
from sqlbulk.syntax import ast
from sqlbulk.syntax.inlined import with_queries_in_place
from sqlbulk.syntax.parser import parse, parse_expression
from sqlbulk.syntax.rows import count_list_parameters, decode
from sqlbulk.syntax.script import statements
from sqlbulk.types import Type

NOW = datetime(2025, 9, 30, 12, 34, 56, 789000, tzinfo=UTC)
SEPARATOR = "===\n"


@dataclass
class Case:
    """One case of a file: its comment, its SQL, its sections in order, the line where it begins."""

    comment: list[str]
    sql: str
    sections: dict[str, str]
    line: int
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the case shows, in words; its SQL if it doesn't say."""
        words = [c.lstrip("# ").rstrip() for c in self.comment if _setting(c) is None]
        return " ".join(words) or self.sql[:60]

    def render(self) -> str:
        """The case as it stands in the file."""
        sections = "".join(f"--- {name}\n{text}" for name, text in self.sections.items())
        return "".join(f"{line}\n" for line in self.comment) + self.sql + "\n" + sections


_SETTINGS = ("catalog", "set", "parameters", "expression", "server")


def _setting(line: str) -> tuple[str, str] | None:
    found = re.match(r"#\s*(\w+)(?::\s*(.*))?$", line)
    return (found[1], found[2] or "") if found and found[1] in _SETTINGS else None


def read_cases(path: Path) -> list[Case]:
    """The cases of a file."""
    cases, line = [], 1
    for text in path.read_text(encoding="utf-8").split(SEPARATOR):
        cases.append(_case(text, line))
        line += text.count("\n") + 1
    return cases


def _case(text: str, line: int) -> Case:
    body, *sections = re.split(r"^--- (\w+)\n", text.strip("\n") + "\n", flags=re.MULTILINE)
    lines = body.strip("\n").split("\n")
    count = next((i for i, each in enumerate(lines) if not each.startswith("#")), len(lines))
    settings = dict(s for each in lines[:count] if (s := _setting(each)) is not None)
    found = {name: content.rstrip("\n") + "\n" for name, content in zip(sections[::2], sections[1::2], strict=True)}
    return Case(lines[:count], "\n".join(lines[count:]), found, line, settings)


# What a case gives


def outcome(case: Case, section: str) -> str:
    """The text of a section as it is now."""
    maker = (_EXPRESSION if "expression" in case.settings else _STATEMENT).get(section)
    if maker is None:
        raise ValueError(f"there is no section {section} here")
    try:
        text = maker(case)
    except SqlbulkError as error:
        if section != "error":
            raise
        return f"{error}\n"
    return text.rstrip("\n") + "\n"


def fitting_sections(case: Case) -> tuple[str, ...]:
    """The sections of a case that has none yet."""
    wanted = ("mql", "match") if "expression" in case.settings else ("explain", "commands")
    try:
        outcome(case, wanted[0])
    except SqlbulkError:
        return ("error",)
    return wanted


def updated_sections(case: Case) -> dict[str, str]:
    """The sections of a case as they are now; others where it fails now and didn't before, or the other way round."""
    try:
        found = {name: outcome(case, name) for name in case.sections or fitting_sections(case)}
    except SqlbulkError:
        return {"error": outcome(case, "error")}
    if found.get("error") == "no error\n":
        return {name: outcome(case, name) for name in fitting_sections(case)}
    return found


def _no_error(case: Case) -> str:
    planned(case).commands  # noqa: B018
    return "no error"


def planned(case: Case) -> Plan:
    """The plan of a case's statement."""
    statement = with_queries_in_place(next(statements(case.sql)))
    rows = statement.rows

    def count() -> int:
        return 0 if rows is None else count_list_parameters(rows)

    def open_rows(*, columns: tuple[str, ...] | None, evaluate: Callable[[ast.Expr], Any], first_parameter: int) -> Any:
        assert rows is not None

        def value(text: str, *, first_parameter: int) -> Any:
            return evaluate(parse_expression(Source(text), first_parameter=first_parameter))

        return decode(rows, columns=columns, evaluate=value, first_parameter=first_parameter)

    try:
        return plan(
            parse(statement.source, parameters_in_rows=count), context=_context(case), catalog=_catalog(case),
            parameters=_parameters(case), options=_options(case), open_rows=open_rows,
            read_expression=lambda text: parse_expression(Source(text)))
    except SqlError as error:
        raise error.with_source(statement.source) from None


def _tree(case: Case) -> str:
    return "\n".join(dump(parse(next(statements(case.sql)).source)))


def _commands(case: Case) -> str:
    return "\n".join(pretty(command) for command in planned(case).commands)


def _bound(case: Case) -> tuple[BoundExpr, Context]:
    context, source = _context(case), Source(case.sql)
    environment = Environment(context, Parameters(_parameters(case)), _catalog(case))
    scope = Scope((collection_source("t", known=environment.catalog.get("t")),))
    try:
        return bind(parse_expression(source), scope, environment), context
    except SqlError as error:
        raise error.with_source(source) from None


def _mql(case: Case) -> str:
    bound, context = _bound(case)
    return pretty(lower(bound, Layout(), context).mql)


def _no_mql_error(case: Case) -> str:
    _mql(case)
    return "no error"


def _match(case: Case) -> str:
    bound, context = _bound(case)
    return pretty(match(bound, Layout(), context))


_STATEMENT: dict[str, Callable[[Case], str]] = {
    "tree": _tree, "explain": lambda case: str(planned(case)), "commands": _commands, "error": _no_error,
}
_EXPRESSION: dict[str, Callable[[Case], str]] = {"mql": _mql, "match": _match, "error": _no_mql_error}


def dump(node: Any, title: str = "", depth: int = 0) -> Iterator[str]:
    """A tree, a line a node; fields that are empty are left out."""
    head = "  " * depth + (f"{title}: " if title else "")
    if isinstance(node, ast.Node):
        parts = [(f.name, getattr(node, f.name)) for f in fields(node) if f.name != "span"]
        plain = [(n, v) for n, v in parts if not isinstance(v, ast.Node | tuple) and v not in (None, False)]
        yield head + type(node).__name__ + "".join(f" {n}={v!r}" for n, v in plain)
        for name, value in parts:
            if isinstance(value, ast.Node | tuple) and value != ():
                yield from dump(value, name, depth + 1)
    elif isinstance(node, tuple):
        for position, item in enumerate(node):
            yield from dump(item, f"{title}[{position}]", depth)
    else:
        yield f"{head}{node.value if isinstance(node, Enum) else node!r}"


# The stage


def _context(case: Case) -> Context:
    server = case.settings.get("server")
    return Context(NOW, server=tuple(map(int, server.split("."))) if server else None)  # type: ignore[arg-type]


def _parameters(case: Case) -> Any:
    given = case.settings.get("parameters")
    return json.loads(given) if given else None


def _options(case: Case) -> WriteOptions:
    given = case.settings.get("set")
    pairs = [part.split("=", 1) for part in given.split(";")] if given else []
    return merge(WriteOptions(), [parse_option(name.strip(), value.strip()) for name, value in pairs])


def _catalog(case: Case) -> Catalog:
    given = case.settings.get("catalog")
    if not given:
        return Catalog()
    found = re.findall(r"(\w+)\s*\(([^)]*)\)(?:\s+is\s+(\w+))?", given)
    return Catalog({name: _collection(name, content, kind) for name, content, kind in found}, complete=True)


def _collection(name: str, content: str, kind: str) -> Collection:
    parts = [part.partition(" default ") for part in content.split(",") if part.strip()]
    words = [part.split() for part, _, _ in parts]
    defaults = {part.split()[0]: text.strip() for part, _, text in parts if text}
    types: Mapping[str, Type] = {
        w[0]: Type({"int": "integer"}.get(w[1], w[1])) for w in words if len(w) == 2 and w[0] != "unique"}
    keys = [w[1:] for w in words if w[0] == "unique"]
    indexes = tuple(Index(tuple((k, 1) for k in key), unique=True) for key in keys)
    size, documents = (1000, 100) if ["small"] in words else (1_000_000, 20_000) if ["crowded"] in words else (None, None)
    return Collection(name, types, indexes, kind or "collection", defaults=defaults, bytes=size, documents=documents)


# For pytest


class GoldenFile(pytest.File):
    """A file of cases."""

    def collect(self) -> Iterator[GoldenItem]:
        """An item a case, named by what it shows."""
        cases = read_cases(self.path)
        for position, case in enumerate(cases):
            yield GoldenItem.from_parent(self, name=case.name, cases=cases, position=position)


class GoldenItem(pytest.Item):
    """A case; with --update-golden it writes its sections anew."""

    def __init__(self, *, cases: list[Case], position: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.cases, self.case = cases, cases[position]

    def runtest(self) -> None:
        """Compare the sections with what they are now."""
        case = self.case
        update = self.config.getoption("--update-golden")
        if update:
            case.sections = updated_sections(case)
            self.path.write_text(SEPARATOR.join(f"{c.render()}\n" for c in self.cases)[:-1], encoding="utf-8")
            return
        if not case.sections:
            raise GoldenDifferenceError("the case has no sections; pytest --update-golden writes them")
        for section, expected in case.sections.items():
            actual = outcome(case, section)
            if actual != expected:
                lines = difflib.unified_diff(
                    expected.splitlines(), actual.splitlines(), f"{section}, expected", f"{section}, now", lineterm="")
                raise GoldenDifferenceError("\n".join(lines))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The difference alone; other exceptions as usual."""
        return str(excinfo.value) if isinstance(excinfo.value, GoldenDifferenceError) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, self.case.line, self.name


class GoldenDifferenceError(AssertionError):
    """A section differs from what it is now."""
