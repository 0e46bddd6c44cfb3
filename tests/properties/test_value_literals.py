"""A document or array in a value list is what the grammar makes of it, and so is what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlbulk.errors import Source
from sqlbulk.functions.registry import Context
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.syntax import rowscan
from sqlbulk.syntax.parser import parse_expression
from tests.properties.test_value_lists import TOKENS_ONLY, Pair, arrays, documents, leaves, outcome

NOW = datetime(2025, 9, 30, 12, 34, 56, tzinfo=UTC)
ENVIRONMENT = Environment(Context(NOW))
COUNT = 3


def worked_out(text: str, *, first_parameter: int) -> Any:
    return evaluate_cell(parse_expression(Source(text), first_parameter=first_parameter), ENVIRONMENT)


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
        assert slow == expected


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
