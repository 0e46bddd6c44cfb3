"""Rows into documents: by place, by name, nested, with constants, computed and required fields."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sqlbulk.commands import Computed, Shape
from sqlbulk.errors import RowRefused, UsageError
from sqlbulk.execute.absent import Looked
from sqlbulk.execute.documents import KNOWN_LAYOUTS, compile_shape, put, value_at, without_missing
from sqlbulk.rowdata import Chunk
from sqlbulk.types import MISSING


def path(*names: str) -> tuple[str, ...]:
    return names


def build(row: Any, targets: Any = None, columns: Any = None, **more: Any) -> Any:
    return compile_shape(Shape(targets, **more), columns)(row)


def refused(row: Any, *args: Any, **more: Any) -> RowRefused:
    with pytest.raises(RowRefused) as caught:
        build(row, *args, **more)
    return caught.value


def test_values_by_place() -> None:
    assert build((1, 2), (path("a"), path("b"))) == {"a": 1, "b": 2}
    assert build([1, 2], (path("a"), path("b"))) == {"a": 1, "b": 2}
    assert build((1, 2, 3), (path("a", "x"), path("b"), path("a", "y"))) == {"a": {"x": 1, "y": 3}, "b": 2}
    assert build((1, 2), (path("a"), None)) == {"a": 1}
    assert build((1, 2), (path("a.b"), path("$x"[1:]))) == {"a.b": 1, "x": 2}


@pytest.mark.parametrize("targets", [(path("a"), path("b")), (path("a", "x"), path("b"))])
@pytest.mark.parametrize("row", [(1,), (1, 2, 3), ()])
def test_ragged_rows(targets: Any, row: Any) -> None:
    error = refused(row, targets)
    assert error.code == "E4003"
    assert error.message.startswith(("1 value in", f"{len(row)} values in"))


def test_columns_of_the_source() -> None:
    assert build((1, 2), None, ("a", "b.c")) == {"a": 1, "b": {"c": 2}}
    assert build((1, 2), None, ("a", "b.c"), nest=False) == {"a": 1, "b.c": 2}
    assert build((1, 2, 3), (path("x"), None, path("z")), ("a", "b", "c")) == {"x": 1, "z": 3}


def test_columns_found_by_name() -> None:
    shape = Shape((path("x"), path("y")), names=("c", "a"))
    assert compile_shape(shape, ("a", "b", "c"))((1, 2, 3)) == {"y": 1, "x": 3}
    with pytest.raises(UsageError, match="no column c"):
        compile_shape(shape, ("a", "b"))
    assert compile_shape(shape, None)({"c": 1, "a": 2, "rest": 3}) == {"x": 1, "y": 2}
    nested = Shape((path("x"),), names=("p.q",))
    assert compile_shape(nested, None)({"p": {"q": 5}}) == {"x": 5}


@pytest.mark.parametrize(("targets", "columns", "code"), [
    ((path("a"),), ("a", "b"), "E2001"),
    (None, ("a", "a"), "E2010"),
    (None, ("a.b", "a"), "E2010"),
    (None, ("a", "$b"), "E4005"),
    (None, ("a", ""), "E4005"),
    (None, ("a", "b..c"), "E4005"),
    (None, ("a", "b\0"), "E4005"),
])
def test_columns_that_do_not_fit(targets: Any, columns: Any, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_shape(Shape(targets), columns)
    assert caught.value.code == code


@dataclass
class Point:
    x: int
    y: int


Pair = namedtuple("Pair", "x y")


def test_documents_as_rows() -> None:
    assert build({"a": 1, "b": {"c.d": 2}}) == {"a": 1, "b": {"c.d": 2}}
    assert build({"a.b": 1, "a.c": 2, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}
    assert build({"a.b": 1}, nest=False) == {"a.b": 1}
    assert build(OrderedDict(a=1)) == {"a": 1}
    assert build(Point(1, 2)) == {"x": 1, "y": 2}
    assert build(Pair(1, 2)) == {"x": 1, "y": 2}


@pytest.mark.parametrize(("row", "code"), [
    ({"$a": 1}, "E4005"), ({"": 1}, "E4005"), ({"a\0": 1}, "E4005"), ({1: 1}, "E4005"), ({"a": 1, "a.b": 2}, "E4005"),
    ((1, 2), "E4001"), ("text", "E4001"), (5, "E4001"), (None, "E4001"), (Point, "E4001"),
])
def test_documents_that_do_not_fit(row: Any, code: str) -> None:
    assert refused(row).code == code


def test_many_layouts_do_not_fill_the_memory() -> None:
    make = compile_shape(Shape(None), None)
    for i in range(KNOWN_LAYOUTS + 5):
        make({f"f{i}": i})
    assert len(make._known) <= KNOWN_LAYOUTS  # type: ignore[attr-defined]


def test_named_rows_with_a_column_list() -> None:
    targets = (path("a"), path("b", "c"), None)
    assert build({"b.c": 2, "a": 1}, targets) == {"a": 1, "b": {"c": 2}}
    assert build({"a": 1}, (path("a"), path("b"))) == {"a": 1, "b": MISSING}
    assert build(Pair(1, 2), (path("x"), path("y"))) == {"x": 1, "y": 2}
    assert build(range(2), (path("x"), path("y"))) == {"x": 0, "y": 1}
    error = refused({"a": 1, "z": 2}, (path("a"), path("b")))
    assert (error.code, error.column) == ("E4003", "z")
    assert refused("ab", (path("a"), path("b"))).code == "E4001"
    assert refused(5, (path("a"),)).code == "E4001"


def test_computed_fields_see_values_by_variable_column_and_target() -> None:
    seen: list[Any] = []

    def evaluate(values: Any) -> Any:
        seen.append(dict(values))
        return values["b"] + 1

    computed = (Computed(("sum", "x"), "@b + 1", evaluate),)
    shape = Shape((path("a"), None), (None, "b"), computed)
    assert compile_shape(shape, None)((1, 2)) == {"a": 1, "sum": {"x": 3}}
    assert compile_shape(shape, ("p", "q"))((1, 2)) == {"a": 1, "sum": {"x": 3}}
    assert seen == [{"a": 1, "b": 2}, {"a": 1, "p": 1, "b": 2, "q": 2}]
    assert compile_shape(Shape(None, computed=computed), None)({"b": 5}) == {"b": 5, "sum": {"x": 6}}
    assert compile_shape(Shape(None, computed=computed), ("b",))((5,)) == {"b": 5, "sum": {"x": 6}}
    named = compile_shape(Shape((path("b"),), computed=computed), None)
    assert named({"b": 5}) == {"b": 5, "sum": {"x": 6}}


def test_constants_do_not_touch_the_callers_row() -> None:
    row = {"a": {"b": 1}}
    assert build(row, constants=((("a", "c"), 2), (("d",), MISSING))) == {"a": {"b": 1, "c": 2}}
    assert row == {"a": {"b": 1}}
    assert refused({"a": 1}, constants=((("a", "c"), 2),)).code == "E4005"


def test_required_fields() -> None:
    required = (("a", "b"),)
    assert build({"a": {"b": 0}}, required=required) == {"a": {"b": 0}}
    for row in ({"a": {"b": None}}, {"a": {}}, {"a": 1}, {}, {"a": {"b": MISSING}}):
        error = refused(row, required=required)
        assert (error.code, error.column) == ("E4006", "a.b")


def test_small_tools() -> None:
    assert value_at({"a": {"b": 1}}, ("a", "b")) == 1
    assert value_at({"a": 1}, ("a", "b")) is MISSING
    assert without_missing({"a": MISSING, "b": {"c": MISSING}, "d": {}, "e": {"f": 1, "g": MISSING}}) == {
        "d": {}, "e": {"f": 1}}
    document: dict[str, Any] = {}
    put(document, ("a", "b", "c"), 1)
    assert document == {"a": {"b": {"c": 1}}}


@dataclass
class Documents:
    chunks: list[list[Any]]
    columns: tuple[str, ...] | None = None
    size: int | None = 7

    def __iter__(self) -> Iterator[Chunk]:
        return iter([Chunk(rows, range(1, len(rows) + 1)) for rows in self.chunks])


@pytest.mark.parametrize(("chunks", "columns", "names", "notices"), [
    ([[{"a": 1}, {"b": {"c": None}}], [{}]], None, ("a", "b.c"), ()),
    ([[{"a": 1}], [], [{"b": 1}]], None, ("a", "x", "b"), ("no row of the file has the field x",)),
    ([[{"a": 1}]], None, ("x", "y"), ("no row of the file has the fields x, y",)),
    ([[(MISSING, 1)], [(MISSING, 2)]], ("a", "b"), ("a", "b"), ("no row of the file has the field a",)),
    ([[]], None, ("a",), ()), ([[{"a": 1}]], None, (), ()),
])
def test_fields_that_no_row_has_are_named(
    chunks: list[list[Any]], columns: tuple[str, ...] | None, names: tuple[str, ...], notices: tuple[str, ...]
) -> None:
    source = Looked(Documents(chunks, columns), names)
    assert (source.columns, source.size) == (columns, 7)
    assert [chunk.rows for chunk in source] == chunks
    assert source.notices() == notices
