"""What is written is read back; what is cut into blocks anywhere is read the same; nothing but our errors comes out."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sqlbulk.commands import FileColumn, FileRows
from sqlbulk.errors import Span, SqlbulkError
from sqlbulk.formats import open_rows, write_result
from sqlbulk.formats.cells import visible
from sqlbulk.results import Result
from tests.test_formats_write import Cells

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["$where", "$$ROOT", '{"$gt":""}', "\u202e", '"', "''", "\\N", "\\", "a\nb", "\r", "\r\n", ",", "\t", "|", "NULL",
     " x ", "007", "1e5", "true", "2025-01-31T12:00:00Z", "=cmd()", "\x1b[31m", "<script>", "&lt;", "`", "\x85",
     "\u2028", "😀"])
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=8)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
KEYS = TEXT.filter(lambda key: key and key[0] != "$" and "\0" not in key)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=3), max_leaves=8)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)
COLUMNS = ("a", "b", "c")


def written(rows: Any, format: str) -> str:
    stream = io.StringIO(newline="")
    write_result(Result("SELECT", COLUMNS, rows), stream, format=format, max_width=None)
    return stream.getvalue()


def read(data: bytes, format: str, **options: Any) -> tuple[list[Any], list[str], list[int]]:
    source = open_rows(FileRows("-", Span(0, 0), format=format, **options), base_dir=None, stdin=io.BytesIO(data))
    with source:
        chunks = list(source)
    numbers = sorted([n for c in chunks for n in c.ordinals] + [e.row for c in chunks for e in c.refused])
    return [r for c in chunks for r in c.rows], [e.code for c in chunks for e in c.refused], numbers


@given(ROWS)
def test_delimited_text_comes_back(rows: list[tuple[str, str, str]]) -> None:
    for format, delimiter in (("csv", ","), ("tsv", "\t")):
        text = written(rows, format)
        assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)) == [
            list(COLUMNS), *map(list, rows)]
        stored, codes, numbers = read(
            text.encode(), format, delimiter=delimiter, quote='"', header=True, infer_types=False, null=())
        sound = [row for row in rows if not any("\0" in cell for cell in row)]
        assert stored == sound
        assert codes == ["E4011"] * (len(rows) - len(sound))
        assert numbers == list(range(1, len(rows) + 1))


@given(ROWS)
def test_html_comes_back(rows: list[tuple[str, str, str]]) -> None:
    shown = [["".join(c if c in "\n\t" else visible(c) for c in cell) for cell in row] for row in rows]
    assert Cells(written(rows, "html")).rows == [list(COLUMNS), *shown]


@given(ROWS)
def test_nothing_hidden_reaches_a_terminal(rows: list[tuple[str, str, str]]) -> None:
    for format in ("table", "vertical", "markdown"):
        lines = written(rows, format).split("\n")
        assert all(visible(line.replace("\t", "")) == line.replace("\t", "") for line in lines)
        around, each = {"table": (5, 1), "vertical": (1, 4), "markdown": (3, 1)}[format]
        assert len(lines) == around + each * len(rows)


@given(st.lists(DOCUMENTS, max_size=5))
def test_documents_come_back(documents: list[dict[str, Any]]) -> None:
    for ascii_only in (True, False):
        lines = "\n".join(json.dumps(d, ensure_ascii=ascii_only) for d in documents)
        array = json.dumps(documents, ensure_ascii=ascii_only, indent=1)
        if lines:
            assert read(lines.encode(), "jsonl")[:2] == (documents, [])
            assert read(lines.encode(), "json")[:2] == (documents, [])
        assert read(array.encode(), "json")[:2] == (documents, [])


@given(st.lists(st.tuples(SCALARS, SCALARS, SCALARS), min_size=1, max_size=5))
def test_json_results_come_back(rows: list[tuple[Any, Any, Any]]) -> None:
    expected = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    for format in ("json", "jsonl"):
        assert read(written(rows, format).encode(), format)[:2] == (expected, [])


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_mysql_escapes_come_back(rows: list[tuple[str, str]]) -> None:
    def escaped(cell: str) -> str:
        for raw, mark in (("\\", "\\\\"), ("\t", "\\\t"), ("\n", "\\\n"), ("\0", "\\0"), ("\r", "\\r")):
            cell = cell.replace(raw, mark)
        return cell

    data = "".join("\t".join(map(escaped, row)) + "\n" for row in rows).encode()
    columns = (FileColumn("a", "TEXT"), FileColumn("b", "TEXT"))
    stored, codes, _ = read(data, "tsv", quote="", escape="\\", header=False, columns=columns)
    assert (stored, codes) == (rows, [])


@given(st.binary(max_size=60), st.sampled_from(["csv", "tsv", "jsonl", "json", "bson"]), st.booleans())
def test_any_bytes_give_rows_or_our_errors(data: bytes, format: str, packed: bool) -> None:
    try:
        rows, codes, numbers = read(data, format, compression="zst" if packed else None)
    except SqlbulkError as error:
        assert "\n" not in error.message
    else:
        assert numbers == list(range(1, len(rows) + len(codes) + 1))


@given(st.text(st.sampled_from('ab1,;"\'\n\r\\\t.{}[]:$ '), max_size=60),
       st.sampled_from(["csv", "tsv", "jsonl", "json"]), st.sampled_from([None, "\\"]))
def test_any_punctuation_gives_rows_or_our_errors(text: str, format: str, escape: str | None) -> None:
    try:
        rows, codes, numbers = read(text.encode(), format, escape=escape)
    except SqlbulkError as error:
        assert "\n" not in error.message
    else:
        assert numbers == list(range(1, len(rows) + len(codes) + 1))


@given(st.lists(st.tuples(TEXT.filter(lambda text: "\0" not in text), st.integers(-9, 9)), min_size=1, max_size=6))
def test_lines_of_rows_are_right(rows: list[tuple[str, int]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows([("t", "n"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        path.write_bytes(stream.getvalue().encode())
        with open_rows(FileRows(str(path), Span(0, 0), delimiter=",", quote='"', header=True), base_dir=None) as source:
            (chunk,) = source
    line = 2
    for index, (text, _) in enumerate(rows):
        place = chunk.locate(index)
        assert place is not None
        assert place.line == line
        line += 1 + text.count("\n")
