"""Value lists are decoded: values, faults, places."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.errors import PlanError, RowRefused, Span, SqlError, SqlSyntaxError
from sqlbulk.rowdata import RowError
from sqlbulk.syntax import literals, rowshape
from sqlbulk.syntax.rows import CHECKED_SIZE, count_list_parameters, decode
from sqlbulk.syntax.rowscan import Fresh
from sqlbulk.syntax.script import statements
from sqlbulk.syntax.textsource import MemoryStore, ValueText
from sqlbulk.types import MISSING


def evaluate(text: str, *, first_parameter: int) -> Any:
    """A stand-in for the grammar: a few expressions, and the text itself with its parameter for all others."""
    if text.upper() == "DEFAULT":
        return MISSING
    if "BAD" in text or text == "'k': 1":
        at = text.find("BAD")
        raise PlanError("E2002", "no such name", Span(at + 1, at + 3))
    if text.startswith("REFUSED"):
        raise RowRefused("E2019", "no value")
    if text.startswith("DEEP"):
        raise RecursionError
    if text.startswith("FRESH"):
        return Fresh(object())
    return (text, first_parameter) if "?" in text else ("=", text)


def value_text(text: str) -> ValueText:
    data = text.encode("utf-8", "surrogatepass")
    return ValueText(MemoryStore(data), 0, len(data), "f", 3, 5, errors="surrogatepass")


def rows_of(text: str, *, columns: tuple[str, ...] | None = None, **settings: Any) -> list[tuple[Any, ...]]:
    rows, refused = everything(text, columns=columns, **settings)
    assert refused == []
    return rows


def everything(
    text: str, *, columns: tuple[str, ...] | None = None, **settings: Any
) -> tuple[list[tuple[Any, ...]], list[RowError]]:
    chunks = list(decode(value_text(text), columns=columns, evaluate=evaluate, **settings))
    return [row for chunk in chunks for row in chunk.rows], [error for chunk in chunks for error in chunk.refused]


def failure(text: str, **settings: Any) -> SqlError:
    with pytest.raises(SqlError) as caught:
        everything(text, **settings)
    return caught.value


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


VALUES = [
    ("'a'", "a"),
    ("''", ""),
    ("'it''s'", "it's"),
    ("''''", "'"),
    (r"'a\n'", r"a\n"),
    ("'two\nlines'", "two\nlines"),
    ("'--#/*\"`$$'", "--#/*\"`$$"),
    (r"E'a\n\t\\\'''\u00fc\x41\101\U0001F600\q'", "a\n\t\\''üAA😀q"),
    (r"e''", ""),
    ("1", 1),
    ("-1", -1),
    ("+7", 7),
    ("007", 7),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("1.5", 1.5),
    ("-.5", -0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("2.5E-3", 0.0025),
    ("123456789012345678901234567890.5", 123456789012345678901234567890.5),
    ("NULL", None),
    ("null", None),
    ("True", True),
    ("FALSE", False),
    ("DEFAULT", MISSING),
    ("default", MISSING),
    ("X'00fF'", b"\x00\xff"),
    ("x''", b""),
    ("DATE '2025-02-28'", moment(2025, 2, 28)),
    ("date'2025-02-28'", moment(2025, 2, 28)),
    ("TIMESTAMP '2025-02-28 23:59:58'", moment(2025, 2, 28, 23, 59, 58)),
    ("TIMESTAMP '2025-02-28T23:59:58.1239Z'", moment(2025, 2, 28, 23, 59, 58, 123000)),
    ("TIMESTAMP '2025-02-28 23:59+02:30'", moment(2025, 2, 28, 21, 29)),
    ("TIMESTAMP '2025-02-28 23:59:00 -01'", moment(2025, 3, 1, 0, 59)),
    ("TIMESTAMP '2025-02-28'", moment(2025, 2, 28)),
    ("TIMESTAMPTZ '2025-02-28 23:59+02:30'", moment(2025, 2, 28, 21, 29)),
    ("datetime '2025-02-28 23:59'", moment(2025, 2, 28, 23, 59)),
    ("DECIMAL '1.10'", Decimal128("1.10")),
    ("NUMERIC'1.10'", Decimal128("1.10")),
    ("OBJECTID '0123456789abcdef01234567'", ObjectId("0123456789abcdef01234567")),
    ("UUID '12345678-1234-5678-1234-567812345678'", Binary.from_uuid(UUID("12345678-1234-5678-1234-567812345678"))),
    ("JSON_OBJECT()", {}),
    ("JSON_ARRAY( )", []),
    ("[]", []),
    ("ARRAY[1, 'b']", [1, "b"]),
    ("[1, [2, JSON_ARRAY(3)]]", [1, [2, [3]]]),
    ("JSON_OBJECT('a', 1, 'b', JSON_OBJECT('c''d', NULL), 'e', JSON_ARRAY(1, '2', TRUE))",
     {"a": 1, "b": {"c'd": None}, "e": [1, "2", True]}),
    ("JSON_OBJECT('a', 1, 'b', 2, 'a', 3)", {"a": 3, "b": 2}),
    ("json_object ( 'a' , -- x\n 1 )", {"a": 1}),
    ("JSON_OBJECT('$where', '{\"$gt\":\"\"}', '', 1)", {"$where": '{"$gt":""}', "": 1}),
    ("CURRENT_TIMESTAMP", ("=", "CURRENT_TIMESTAMP")),
    ("NOW()", ("=", "NOW()")),
    ("1 + 2", ("=", "1 + 2")),
    ("f(1, ')', (2)) -- x\n", ("=", "f(1, ')', (2)) -- x")),
    ("a[1, 2]", ("=", "a[1, 2]")),
    (":name", ("=", ":name")),
    ("JSON_OBJECT('a', 1) -> 'a'", ("=", "JSON_OBJECT('a', 1) -> 'a'")),
    ("JSON_OBJECT('a')", ("=", "JSON_OBJECT('a')")),
    ("JSON_OBJECT(1, 2)", ("=", "JSON_OBJECT(1, 2)")),
    ("JSON_OBJECT('a': 1)", {"a": 1}),
    ("JSON_ARRAY(JSON_OBJECT('k': 1))", [{"k": 1}]),
    ("JSON_OBJECT('a' : 1, -- x\n 'b':JSON_OBJECT('a', 2), E'c\\n': [])", {"a": 1, "b": {"a": 2}, "c\n": []}),
    ("'{}' #>> '{a}'\n", ("=", "'{}' #>> '{a}'")),
    ("'{}' #-'{a}'\n", ("=", "'{}' #-'{a}'")),
    ("'{}' #-- x\n", "{}"),
    ("{a: [1 #> 'x'\n]}", {"a": [("=", "1 #> 'x'")]}),
    ("{}", {}),
    ("{ }", {}),
    ("{a: 1}", {"a": 1}),
    ("{a:1,b:-2.5,}", {"a": 1, "b": -2.5}),
    ("{ a : 1 , /* x */ }", {"a": 1}),
    ("{a: 1, \"b\": 'x', c: [1, 2, {d: NULL}]}", {"a": 1, "b": "x", "c": [1, 2, {"d": None}]}),
    ("{'$set': {'a.b': 1, '': 2}, a$b: 3, größe: 4, `x``y`: 5, \"x\"\"y\": 6, E'\\n': 7}",
     {"$set": {"a.b": 1, "": 2}, "a$b": 3, "größe": 4, "x`y": 5, 'x"y': 6, "\n": 7}),
    ("{a: 1, b: 2, \"a\": 3}", {"a": 3, "b": 2}),
    ("{null_: NULL, e: E'\\'', x: X'00', json_array: json_array(), array: array []}",
     {"null_": None, "e": "'", "x": b"\0", "json_array": [], "array": []}),
    ("{a: '{', b: '}', c: ':', d: '''}) '}", {"a": "{", "b": "}", "c": ":", "d": "'}) "}),
    ("{a: DATE '2025-02-28', b: NOW()}", {"a": moment(2025, 2, 28), "b": ("=", "NOW()")}),
    ("{a: 1 + 1, b: (2)}", {"a": ("=", "1 + 1"), "b": ("=", "(2)")}),
    ("{a: x::date}", {"a": ("=", "x::date")}),
    ("{a::p}", ("=", "{a::p}")),
    ("{a: 1} -> 'a'", ("=", "{a: 1} -> 'a'")),
    ("{a}", ("=", "{a}")),
    ("{'a', 1}", ("=", "{'a', 1}")),
    ("{1: 1}", ("=", "{1: 1}")),
    ("{from: 1}", ("=", "{from: 1}")),
    ("{NULL: 1}", ("=", "{NULL: 1}")),
    ('{"": 1}', ("=", '{"": 1}')),
    ('{"\0": 1}', ("=", '{"\0": 1}')),
    (r"{E'\UFFFFFFFF': 1}", ("=", r"{E'\UFFFFFFFF': 1}")),
    ("{a: 1, , }", ("=", "{a: 1, , }")),
    ("{a: b: 1, 2}", ("=", "{a: b: 1, 2}")),
    ("{'a', b: 1, 2}", ("=", "{'a', b: 1, 2}")),
    ("{a: }", ("=", "{a: }")),
    ("{a: ,}", ("=", "{a: ,}")),
    ("JSON_OBJECT('a': 1, 'b', 2)", ("=", "JSON_OBJECT('a': 1, 'b', 2)")),
    ("JSON_OBJECT('a', 1, 'b': 2)", ("=", "JSON_OBJECT('a', 1, 'b': 2)")),
    ("JSON_OBJECT('a': 'b': 1, 2)", ("=", "JSON_OBJECT('a': 'b': 1, 2)")),
    ("JSON_OBJECT(a: 1)", ("=", "JSON_OBJECT(a: 1)")),
    ("JSON_OBJECT('a'::text, 1)", ("=", "JSON_OBJECT('a'::text, 1)")),
    ("JSON_OBJECT('a': 1, )", ("=", "JSON_OBJECT('a': 1, )")),
    ("JSON_OBJECT('a', 1 + 1, 'b', NULL)", {"a": ("=", "1 + 1"), "b": None}),
    ("JSON_ARRAY(DEFAULT)", ("=", "JSON_ARRAY(DEFAULT)")),
    ("{a: [default]}", ("=", "{a: [default]}")),
    ("'a' || 'b'", ("=", "'a' || 'b'")),
    ("INTERVAL '1 day'", ("=", "INTERVAL '1 day'")),
    ("'\ud800'", "\ud800"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values(text: str, value: Any) -> None:
    assert rows_of(f"(0,{text},0)") == [(0, value, 0)]
    assert rows_of(f"( /* , */ {text} )") == [(value,)]
    assert rows_of(", ".join([f"({text},0)"] * 9), patience=1) == [(value, 0)] * 9
    types = [type(rows_of(f"({text})", patience=n)[0][0]) for n in (1, 100)]
    assert types == [type(value)] * 2


def test_rows() -> None:
    assert rows_of("") == []
    assert rows_of(" (1) , -- x\n ROW (2),row(3)\n, /* ( */ (4),") == [(1,), (2,), (3,), (4,)]
    assert rows_of("(), ( )", columns=()) == [(), ()]


@pytest.mark.parametrize("patience", [1, 100])
@pytest.mark.parametrize(
    ("cell", "code", "message"),
    [
        ("9223372036854775808", "E4010", "64 bits"),
        ("-9223372036854775809", "E4010", "64 bits"),
        ("9" * 5000, "E4002", "4,000 digits"),
        ("1e999", "E4002", "too large"),
        ("X'0'", "E4002", "pairs"),
        ("X'0g'", "E4002", "pairs"),
        (r"E'\UFFFFFFFF'", "E4002", "no character"),
        ("DATE '2025-02-30'", "E4002", "day"),
        ("DATE '25-02-30'", "E4002", "YYYY-MM-DD"),
        ("TIMESTAMP 'now'", "E4002", "YYYY-MM-DD"),
        ("TIMESTAMP '2025-01-01 25:00'", "E4002", "hour"),
        ("TIMESTAMP '0001-01-01 00:00+01:00'", "E4002", "outside"),
        ("DECIMAL 'x'", "E4002", "decimal"),
        ("NUMERIC 'x'", "E4002", "decimal"),
        ("TIMESTAMPTZ 'now'", "E4002", "YYYY-MM-DD"),
        ("DECIMAL '1e9999'", "E4002", "34 digits"),
        ("DECIMAL '1.2345678901234567890123456789012345'", "E4002", "34 digits"),
        ("DECIMAL '1e-9999'", "E4002", "34 digits"),
        ("OBJECTID '12'", "E4002", "24"),
        ("UUID '12'", "E4002", "UUID"),
        ("REFUSED", "E2019", "no value"),
        ("REFUSED + ?", "E2019", "no value"),
        ("DEEP", "E1007", "deeply"),
        ("JSON_ARRAY(" * 10000 + ")" * 10000, "E1007", "250 levels"),
        ("[" * 10000 + "]" * 10000, "E1007", "250 levels"),
        ("{a: " * 10000 + "1" + "}" * 10000, "E1007", "250 levels"),
        ("{a: 1, 'b': [{c: DATE '2025-02-30'}]}", "E4002", "day"),
        ("{a: REFUSED + ?, b: ?}", "E2019", "no value"),
        ("JSON_OBJECT('a', JSON_ARRAY(1, REFUSED))", "E2019", "no value"),
    ],
)
def test_values_that_are_refused(cell: str, code: str, message: str, patience: int) -> None:
    text = "('x', 1),\n" * 5 + f"  ('y', {cell}),\n('z', ?)"
    rows, refused = everything(text, columns=("a", "b"), patience=patience)
    assert rows == [("x", 1)] * 5 + [("z", ("?", cell.count("?")))]
    (error,) = refused
    assert (error.row, error.code, error.column) == (6, code, "b")
    assert message in error.message
    assert str(error.location) == "f:8:3"
    assert error.text is not None and error.text == f"('y', {cell})"[:500]


def test_a_value_that_is_refused_among_many_alike() -> None:
    text = "(DATE '2025-01-01', NOW()), " * 50 + "(DATE '2025-02-30', NOW()), " + "(DATE '2025-01-01', NOW()), " * 50
    for patience in (1, 10):
        rows, refused = everything(text, columns=("a", "b"), patience=patience)
        assert (len(rows), [(e.row, e.column) for e in refused]) == (100, [(51, "a")])
        assert failure(text + "(DATE '2025-01-01', BAD)", patience=patience).code == "E2002"


def test_levels_that_can_be_stored() -> None:
    ((value,),) = rows_of("(" + "JSON_ARRAY(" * 250 + ")" * 250 + ")")
    for _ in range(249):
        (value,) = value
    assert value == []


@pytest.mark.parametrize("patience", [1, 100])
@pytest.mark.parametrize("depth", [6, 18, 21, 24, 102, 249])
def test_documents_in_documents(depth: int, patience: int) -> None:
    text = "{a: [{'b':" * (depth // 3) + "NULL" + "}]}" * (depth // 3)
    for (value,) in rows_of(f"({text}), " * 5, patience=patience):
        for _ in range(depth // 3):
            value = value["a"][0]["b"]
        assert value is None
    broken = text.replace("NULL", "BADx")
    error = failure(f"({text}), " * 5 + f"\n({broken})", patience=patience)
    assert (error.code, error.source and error.source.position(error.span.start)) == ("E2002", (4, broken.find("BAD") + 3))


@pytest.mark.parametrize("patience", [1, 100])
def test_rows_of_another_width(patience: int) -> None:
    text = "(1, 2), (3, 4), (5), (6, 7), (8, 9, 10), (), (11, 12), (13, 14)"
    rows, refused = everything(text, columns=("a", "b"), patience=patience)
    assert rows == [(1, 2), (3, 4), (6, 7), (11, 12), (13, 14)]
    assert [(e.row, e.code, e.column, str(e.location), e.text) for e in refused] == [
        (3, "E4003", None, "f:3:21", "(5)"),
        (5, "E4003", None, "f:3:34", "(8, 9, 10)"),
        (6, "E4003", None, "f:3:46", "()"),
    ]
    assert refused[0].message == "1 value in the row, but 2 expected"
    assert everything("(1), (2), (3), (4)", columns=("a", "b"), patience=1)[0] == []


BROKEN = [
    ("1", "E1001", (3, 5)),
    ("(1),\n 2, (3)", "E1001", (4, 2)),
    ("(1)\n(2)", "E1001", (4, 1)),
    ("(1),, (2)", "E1001", (3, 9)),
    (", (1)", "E1001", (3, 5)),
    ("(1,,2)", "E1001", (3, 8)),
    ("(1, )", "E1001", (3, 9)),
    ("(1, ], 2)", "E1001", (3, 9)),
    ("(1], 2)", "E1001", (3, 7)),
    ("(1) x", "E1001", (3, 9)),
    ("([1), (2])", "E1001", (3, 8)),
    ("([), (2)", "E1001", (3, 7)),
    ("(1, f(a[1)]), (2)", "E1001", (3, 14)),
    ("(JSON_ARRAY(1], 0), (2))", "E1001", (3, 18)),
    ("(1) /* x", "E1002", (3, 9)),
    ("(1), /* x", "E1002", (3, 10)),
    ("(1, 'x), (2, 3)", "E1002", (3, 9)),
    ('(1, "x), (2)', "E1002", (3, 9)),
    ("(1, /*), (2)", "E1002", (3, 9)),
    ("(1),\n (2, (3)", "E1002", (4, 2)),
    ("(1), RO (1)", "E1001", (3, 10)),
    ("(1), ROW 1", "E1001", (3, 10)),
    ("(1), (2, 1 + BAD), (3)", "E2002", (3, 19)),
    ("(1), (JSON_ARRAY(BAD)), (3)", "E2002", (3, 23)),
    ("(1),\n(2, BADx)", "E2002", (4, 6)),
    ("(1), JSON_OBJECT('a', BAD)", "E1001", (3, 10)),
    ("(JSON_OBJECT('a', BADy), 1)", "E2002", (3, 24)),
]


@pytest.mark.parametrize("piece", [1, 5, 1000])
@pytest.mark.parametrize("patience", [1, 100])
@pytest.mark.parametrize(("text", "code", "place"), BROKEN)
def test_broken_lists(text: str, code: str, place: tuple[int, int], patience: int, piece: int) -> None:
    before = "" if text.startswith(("1", ",")) else "(1),\n" * 3
    error = failure(before + text, patience=patience, piece=piece)
    assert error.source is not None
    line, column = place
    moved = (line + 3, column - 4 if line == 3 else column) if before else place
    assert (error.code, error.source.position(error.span.start)) == (code, moved)
    assert "^" in str(error) and "[at f:" in str(error)


def test_the_caret_is_under_the_fault() -> None:
    assert str(failure("(1, 'a'),\n  (2, BADLY)")) == (
        "ERROR E2002: no such name [at f:4:8]\n    (2, BADLY)\n         ^^"
    )
    long = "(1, '" + "x" * 10000 + "', BADLY)"
    assert str(failure(long)).splitlines()[1].count("BADLY") == 1


def test_long_lists_hand_out_the_rows_before_the_fault() -> None:
    row = "(1, 'x'), "
    count = CHECKED_SIZE // len(row) + 10
    chunks = iter(decode(value_text(row * count + "(1, 'x'"), columns=None, evaluate=evaluate))
    seen = 0
    with pytest.raises(SqlSyntaxError):
        for chunk in chunks:
            seen += len(chunk.rows)
    assert seen == count


def test_short_lists_hand_out_nothing_before_a_fault() -> None:
    source = decode(value_text("(1, 'x'), " * 5000 + "(1"), columns=None, evaluate=evaluate)
    with pytest.raises(SqlSyntaxError):
        iter(source)


def test_a_row_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlbulk.syntax.rows.MAX_ROW", 1000)
    chunks = iter(decode(value_text("(1), (2" + ", 1" * CHECKED_SIZE), columns=None, evaluate=evaluate, piece=100))
    assert next(chunks).rows == [(1,)]
    with pytest.raises(SqlSyntaxError) as caught:
        next(chunks)
    assert caught.value.code == "E1002"


@pytest.mark.parametrize("piece", [1, 3, 50, 1 << 18])
def test_places_of_rows(piece: int) -> None:
    text = "('ü', 1),\n ('x\ny', 2), (REFUSED, 0), -- c\n ROW ('z', 3)," + "\n('w', 4)," * 50
    found = []
    for chunk in decode(value_text(text), columns=("a", "b"), evaluate=evaluate, piece=piece, patience=1):
        assert len(chunk.rows) == len(chunk.ordinals)
        for i in range(len(chunk.rows)):
            found.append((chunk.ordinals[i], str(chunk.locate(i)), chunk.excerpt(i)))
    assert found[:4] == [
        (1, "f:3:5", "('ü', 1)"),
        (2, "f:4:2", "('x\ny', 2)"),
        (4, "f:6:2", "ROW ('z', 3)"),
        (5, "f:7:1", "('w', 4)"),
    ]
    assert found[-1] == (54, "f:56:1", "('w', 4)")


def test_chunks_and_progress() -> None:
    text = "('ü', 1)," * 3000
    source = decode(value_text(text), columns=("a", "b"), evaluate=evaluate)
    assert (source.size, source.columns) == (30000, ("a", "b"))
    chunks = list(source)
    assert max(len(chunk.rows) for chunk in chunks) == 1000
    assert [chunk.ordinals[0] for chunk in chunks] == [1, 1001, 2001]
    progress = [chunk.consumed for chunk in chunks]
    assert progress == sorted(progress) and progress[-1] == source.size


def test_an_excerpt_is_cut() -> None:
    (chunk,) = decode(value_text("('" + "x" * 1000 + "')"), columns=None, evaluate=evaluate)
    assert chunk.excerpt(0) == "('" + "x" * 498


# Expressions


def test_positional_parameters_are_numbered() -> None:
    text = "(?, 1 + ?, '?', \"?\"), (JSON_OBJECT('a', ?), JSON_OBJECT('a', ?) || ?, 1, /* ? */ ?)"
    assert rows_of(text, first_parameter=2) == [
        (("?", 2), ("1 + ?", 3), "?", ('"?"', 4)),
        ({"a": ("?", 4)}, ("JSON_OBJECT('a', ?) || ?", 5), 1, ("?", 7)),
    ]
    assert count_list_parameters(value_text(text)) == 6
    assert count_list_parameters(value_text("(1, 'a')")) == 0
    assert count_list_parameters(value_text("(1, 'a?')")) == 0


def test_parameters_of_refused_rows_count() -> None:
    rows, refused = everything("(1e999, ?, ?), (?, 1, 1)", columns=("a", "b", "c"))
    assert rows == [(("?", 2), 1, 1)]
    assert len(refused) == 1


class Counting:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str, *, first_parameter: int) -> Any:
        self.texts.append(text)
        if text == "UUID()":
            return Fresh(len(self.texts))
        return [text] if text == "LISTED" else text


@pytest.mark.parametrize("patience", [1, 100])
def test_expressions_are_worked_out_once(patience: int) -> None:
    counting = Counting()
    text = "(CURRENT_TIMESTAMP, 1 + 2, 'x'), " * 50
    list(decode(value_text(text), columns=None, evaluate=counting, patience=patience))
    assert sorted(counting.texts) == ["1 + 2", "CURRENT_TIMESTAMP"]


@pytest.mark.parametrize("patience", [1, 100])
def test_fresh_values_are_not_shared(patience: int) -> None:
    counting = Counting()
    chunks = decode(value_text("(UUID(), LISTED)," * 50), columns=None, evaluate=counting, patience=patience)
    rows = [row for chunk in chunks for row in chunk.rows]
    assert len({row[0] for row in rows}) == 50
    assert len({id(row[1]) for row in rows}) == 50


def test_the_memory_of_expressions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlbulk.syntax.rowscan.MEMO_SIZE", 3)
    counting = Counting()
    text = ", ".join(f"(1 + {i % 5})" for i in range(10)) + f", ({'1 + ' * 100} 1)" * 2
    rows = [row for chunk in decode(value_text(text), columns=None, evaluate=counting) for row in chunk.rows]
    assert rows[:10] == [(f"1 + {i % 5}",) for i in range(10)]
    assert len(counting.texts) == 12


# The learned shape


def varied(count: int) -> str:
    cells = ["'a'", "'b''c'", "NULL", "1", "2.5", "TRUE", "TIMESTAMP '2025-01-01'", "JSON_ARRAY()", "JSON_OBJECT()"]
    nested = ["JSON_OBJECT('k', 'v')", "JSON_OBJECT('k', 1, 'l', {0})", "JSON_ARRAY({0}, {0})"]
    rows = []
    for i in range(count):
        first, second = cells[i % len(cells)], nested[i % 3].format(cells[i % 7])
        rows.append(f"({first}, {second},{i})" if i % 4 else f"ROW ({first},{second} , {i} )")
    return ",\n".join(rows)


def test_shapes_widen() -> None:
    text = varied(500)
    assert rows_of(text, patience=1) == rows_of(text, patience=10**9)
    assert len(rows_of(text, patience=1)) == 500


def test_a_shape_of_many_kinds_is_given_up() -> None:
    text = ", ".join(f"(JSON_OBJECT('k{i}', {i}), {i})" for i in range(50))
    assert rows_of(text, patience=1) == [({f"k{i}": i}, i) for i in range(50)]


def test_rows_without_shape_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowshape, "MAX_FUTILE", 5)
    assert rows_of("(1 + 1), " * 20, patience=1) == [(("=", "1 + 1"),)] * 20
    learner = rowshape.Learner({}, {}, 1)
    for _ in range(6):
        learner.learn("(1 + 1)", 0)
    learner.learn("(1)", 0)
    assert learner.shape is None


@pytest.mark.parametrize(
    "row",
    [
        "1)", "(1 + 2)", "(1 x)", "(JSON_OBJECT('a' 1))", "(JSON_OBJECT(1, 2))", "(JSON_OBJECT('a', 1 + 1))",
        "(JSON_ARRAY(1 2))", "(" + "JSON_ARRAY(" * 50 + ")" * 50 + ")", "(" + "1, " * 1000 + "1)",
        "(JSON_OBJECT(" + "'a', 1, " * 1000 + "'a', 1))", "(f(1))", "(1 /* */)",
    ],
)  # fmt: skip
def test_what_has_no_shape(row: str) -> None:
    assert rowshape.learn(row, 0) is None


def test_shapes_of_another_width_are_not_mixed() -> None:
    shape, other = rowshape.learn("(1)", 0), rowshape.learn("(1, 2)", 0)
    assert shape is not None and other is not None
    assert not shape.merge(other)


def test_keys_are_never_code() -> None:
    key = "', __import__(''os'').abort(), k0: (?P<x>(])"
    text = f"(JSON_OBJECT('{key.replace(chr(39), chr(39) * 2)}', 1)), " * 5
    assert rows_of(text, patience=1) == [({key: 1},)] * 5


# Size


@pytest.mark.parametrize("piece", [1000, 1 << 18])
def test_long_strings(piece: int) -> None:
    long = "x''y\n" * 2_000_000
    rows = rows_of(f"('{long}', 1), ('{long}', 2)", piece=piece)
    assert [(len(a), b) for a, b in rows] == [(8_000_000, 1), (8_000_000, 2)]
    assert rows[0][0] == "x'y\n" * 2_000_000


@pytest.mark.slow
def test_memory_is_constant(tmp_path: Path) -> None:
    path = tmp_path / "large.sql"
    with path.open("w", encoding="utf-8") as file:
        file.write("INSERT INTO t (a, b, c, d) VALUES\n")
        for i in range(200_000):
            file.write(f"('user_{i}', {i}, 'it''s ü {i % 7}', JSON_OBJECT('a', {i}.5, 'b', NULL)),\n")
        file.write("ON DUPLICATE KEY UPDATE a = VALUES(a);")
    count = 0
    tracemalloc.start()
    try:
        for statement in statements(path):
            assert statement.rows is not None
            for chunk in decode(statement.rows, columns=("a", "b", "c", "d"), evaluate=evaluate):
                count += len(chunk.rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 200_000
    assert peak < 12e6 < path.stat().st_size


# Literals by themselves


def test_literals() -> None:
    assert literals.number_literal("99999999999999999999") == 99999999999999999999
    assert literals.typed_literal("date", "2025-01-31") == moment(2025, 1, 31)
    assert literals.typed_literal("DECIMAL", " -Infinity ") == Decimal128("-Infinity")
    for kind in literals.TYPED_LITERALS:
        with pytest.raises(ValueError, match=r"\w"):
            literals.typed_literal(kind, "\u0661")
