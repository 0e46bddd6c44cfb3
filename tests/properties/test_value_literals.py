"""A document or array in a value list is what the grammar makes of it, and so is what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlbulk.errors import Source
from sqlbulk.functions.registry import Context
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.syntax import ast, rowscan
from sqlbulk.syntax.parser import parse_expression
from sqlbulk.syntax.rowtrees import Expressions
from tests.properties.test_value_lists import TOKENS_ONLY, Pair, arrays, documents, leaves, outcome, quoted, texts

NOW = datetime(2025, 9, 30, 12, 34, 56, tzinfo=UTC)
ENVIRONMENT = Environment(Context(NOW))
COUNT = 3


def worked_out(text: str, *, first_parameter: int) -> Any:
    return value_of(parse_expression(Source(text), first_parameter=first_parameter))


def value_of(tree: ast.Expr) -> Any:
    return evaluate_cell(tree, ENVIRONMENT)


def read(value: str, *, patience: int) -> Any:
    """What rows of this value give: the values and refusals, or the code and place of the error."""
    found = outcome(f"(0, {value}\n), " * COUNT + "(0, 1)", patience=patience, evaluate=worked_out)
    return (found[0], found[2]) if isinstance(found, tuple) else [entry[1] for entry in found]


class PlainCell:
    """Finds literals only, so that documents and arrays are left to the grammar."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    def match(self, text: str, at: int) -> re.Match[str] | None:
        match = self.pattern.match(text, at)
        return None if match is not None and match[0].endswith(("(", "[", "{")) else match


def check(value: str) -> None:
    slow = read(value, patience=TOKENS_ONLY)
    assert read(value, patience=1) == slow
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowscan, "_CELL", PlainCell(rowscan._CELL))
        expected = read(value, patience=TOKENS_ONLY)
    if isinstance(slow, list) and "E4" in slow[0]:
        # A literal that has no value refuses its row, the grammar ends the statement.
        assert expected == slow or isinstance(expected, tuple)
    else:
        # Of a row that is refused for such a literal nothing is read behind it but its end.
        assert slow == expected or (isinstance(slow, tuple) and isinstance(expected, tuple) and has_none(value))


def has_none(value: str) -> bool:
    """Whether some literal may have no value: a date that is none, or a number of many digits."""
    dates = re.findall(r"(?i)date\s*'([^']*)'", value)
    return bool(re.search(r"\d{19}", value)) or not all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)


constants: st.SearchStrategy[Pair] = leaves.filter(lambda pair: not isinstance(pair[1], tuple)) | st.sampled_from(
    [(text, None) for text in ("1 + 1", "DATE '2025-09-30'", "now()", "'2025-09-30'::date", "'a' || 'b'", "- 1")])
composed = st.recursive(constants, lambda inner: documents(inner) | arrays(inner), max_leaves=6)
written = (documents(composed) | arrays(composed)).map(lambda pair: pair[0]).filter(lambda text: "\0" not in text)


@given(written)
@settings(deadline=None, max_examples=200)
def test_values_are_those_of_the_grammar(value: str) -> None:
    check(value)


@given(written, st.data())
@settings(deadline=None, max_examples=300)
def test_errors_are_those_of_the_grammar(value: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value)))
    cut = data.draw(st.integers(0, 3))
    sign = data.draw(st.sampled_from([*"{}[]:,;=.?@ 0aE'\"`", "", "::", ", ,", "NULL"]))
    check(value[:at] + sign + value[at + cut :])


EXAMPLE = """{a: 1, "b": 'x', c: [1, {'d': NULL, `e`: TRUE},[]], f: JSON_OBJECT('g': -2.5, 'h': ARRAY['''']), }"""


@pytest.mark.parametrize("sign", ["", "x", "'", '"', "{", "}", "[", "]", ":", ",", " ", "1", ".", "::", "DEFAULT", "-"])
def test_errors_at_every_place(sign: str) -> None:
    for at in range(len(EXAMPLE) + 1):
        for cut in (0, 1):
            check(EXAMPLE[:at] + sign + EXAMPLE[at + cut :])


# Expressions that differ in their literals

KINDS = [
    "{d}::date", "{s}::text", "CAST({n} AS DECIMAL({i}, {i}))", "{s} || {s}", "- {i}", "-{n}", "UPPER({s})", "({s})",
    "DATE_ADD(NOW(), INTERVAL {i} DAY)", "INTERVAL {d}", "INTERVAL {i} SECOND", "JSON {d}", "DATE {d} + INTERVAL {i} DAY",
    "{i} + {n} * {i}", "{{{s}: {i}}} -> {s}", "{{'a{i}': {i}}} -> 'a{i}'", "[{i}, {n}][{i}]", "{i}::numeric({i}, {i})",
    "CASE WHEN {i} > {i} THEN {s} ELSE {n} END", "EXTRACT({d} FROM DATE {d})", "{i} IN ({i}, {i})", "x{i} + {i}",
    "{i} BETWEEN {i} AND {i}", "TRANSFORM([{i}, {i}], x1 -> x1 + {n})", "X{s} || {s}", "{s} LIKE {s}", "{i} -- {s}\n + {i}",
    "{i} + \"{i}\"", "{s} ? {s}", "{i}.{i}", "DECIMAL {d} * {i}", "CONCAT_WS({s}, {i}, {n})", "TRIM({s} FROM {s})",
    "{i}::varchar({i})", "({i}, {i})", "{s}{s}", "DATE {d} - DATE {d}", "NULLIF({s}, {s})",
]  # fmt: skip
TYPES = {
    "i": st.integers(0, 12).map(str),
    "n": st.sampled_from(["1.5", "2.25", "0.1"]),
    "d": st.sampled_from(["'1'", "'2'", "'1 day'", "'2 days'", "'2025-09-30'", "'2025-10-01'", "'day'", "'{\"a\": 1}'"]),
    "s": texts.map(quoted) | st.sampled_from(["'a'", "'b'"]),
    "other": st.sampled_from(["'', '", "1e3", ".5", "5.", "12345678901234567890", "1x", "E'\\UFFFFFFFF'", "E'\\n'", "NULL",
                              "DATE '2025-01-01'", "DATE '2025-02-30'"]),
}  # fmt: skip


@st.composite
def alike(draw: st.DrawFn) -> list[str]:
    """Expressions of one kind; now and then a literal is of another type than in the others."""
    kind = draw(st.sampled_from(KINDS))
    cells = []
    for _ in range(draw(st.integers(2, 8))):
        odd = draw(st.integers(0, 9)) == 0
        cells.append(re.sub(r"\{([inds])\}", lambda m, o=odd: draw(st.one_of(*TYPES.values()) if o else TYPES[m[1]]), kind))
    return [cell.replace("{{", "{").replace("}}", "}") for cell in cells]


@given(st.lists(alike(), min_size=1, max_size=2), st.randoms())
@settings(deadline=None, max_examples=300)
def test_expressions_that_are_alike(found: list[list[str]], random: Random) -> None:
    """What is parsed once for many has the values and errors that each has by itself."""
    cells = [cell for kind in found for cell in kind if "\0" not in cell]
    random.shuffle(cells)
    expressions = Expressions(lambda text, first: parse_expression(Source(text), first_parameter=first), value_of)
    for text in [f"({cell}\n)" for cell in cells]:
        assert outcome(text, patience=1, evaluate=expressions) == outcome(text, patience=1, evaluate=worked_out)
