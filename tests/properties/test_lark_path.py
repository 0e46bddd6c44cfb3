"""A value list read fast gives what the same cells give when the grammar reads them, in values and in refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import sqlbulk
from sqlbulk.errors import RowRefused, Source, SqlError
from sqlbulk.functions.registry import Context
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.insert.cells import evaluate_cell
from sqlbulk.syntax.parser import parse_expression

NOW = datetime(2025, 11, 22, 12, tzinfo=UTC)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ue000"), max_size=8)
leaves = st.one_of(
    texts.map(quoted),
    texts.map(lambda t: "E'" + t.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    st.integers(-(2**66), 2**66).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from([
        "NULL", "TRUE", "false", "DATE '2025-01-31'", "TIMESTAMP '2025-01-31T10:00:00.123Z'", "DATE '2025-02-30'",
        "DECIMAL '1.10'", "X'00ff'", "X'0'", "CURRENT_TIMESTAMP", "1 + 2", "CONCAT('a', 'b')", "- 5", "+5", "1e999", "foo",
        "OBJECTID '0123456789abcdef01234567'", "UUID '00000000-0000-0000-0000-000000000001'", "1 / 0", "(1)", "'a' || 'b'",
    ]),
)
cells = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"JSON_ARRAY({', '.join(items)})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(texts.filter(lambda t: t and t[0] != "$"), inner), max_size=3, unique_by=lambda p: p[0]).map(
            lambda pairs: f"JSON_OBJECT({', '.join(f'{quoted(k)}, {v}' for k, v in pairs)})"),
    ),
    max_leaves=5,
)


def by_the_grammar(cell: str) -> Any:
    environment = Environment(Context(NOW))
    return evaluate_cell(parse_expression(Source(cell)), environment)


def by_the_fast_path(cell: str) -> Any:
    plan = sqlbulk.translate(f"INSERT INTO t (a, b) VALUES (1, {cell})", now=NOW)
    documents = plan.commands[0]["documents"]
    return documents[0]["b"] if documents else LookupError


def outcome(read: Any, cell: str) -> Any:
    try:
        return read(cell)
    except (SqlError, RowRefused) as problem:
        return type(problem)


@given(cells)
@settings(max_examples=400, deadline=None)
def test_both_ways_give_the_same(cell: str) -> None:
    slow, fast = outcome(by_the_grammar, cell), outcome(by_the_fast_path, cell)
    if isinstance(slow, type) or isinstance(fast, type):
        assert isinstance(slow, type) and isinstance(fast, type), (cell, slow, fast)
    else:
        assert repr(slow) == repr(fast), cell
