"""Writing results: every format parsed back, hostile text, long results, summaries."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from bson import json_util
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.objectid import ObjectId

from sqlbulk.errors import UsageError
from sqlbulk.formats import FORMATS, closing_table, rejected_table, summary_table, write_result
from sqlbulk.formats.cells import plain_text, visible
from sqlbulk.results import Result, WriteSummary
from sqlbulk.rowdata import Location, RowError
from sqlbulk.types import MISSING

OID = ObjectId("65a1b2c3d4e5f60718293a4b")
IDENTITY = UUID("12345678-1234-1234-1234-123456789abc")
MOMENT = datetime(2025, 1, 31, 12, tzinfo=UTC)


def written(columns: Iterable[str], rows: Iterable[tuple[Any, ...]], format: str, **options: Any) -> str:
    stream = io.StringIO(newline="")
    write_result(Result("SELECT", tuple(columns), rows), stream, format=format, **options)
    return stream.getvalue()


class Cells(HTMLParser):
    """The cells of an HTML table, row by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.classes: list[str | None] = []
        self._open = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("table", "thead", "tbody", "tr", "td", "th")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.classes.append(dict(attrs).get("class"))
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = False if tag in ("td", "th") else self._open

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data
        else:
            assert not data.strip()


@pytest.mark.parametrize(("value", "text"), [
    ("x", "x"), (True, "true"), (5, "5"), (Int64(5), "5"), (1.0, "1.0"),
    (float("nan"), "NaN"), (float("-inf"), "-Infinity"),
    (Decimal128("1.50"), "1.50"), (Decimal("2.0"), "2.0"), (MOMENT, "2025-01-31T12:00:00Z"),
    (MOMENT.replace(microsecond=250_000, tzinfo=None), "2025-01-31T12:00:00.250Z"),
    (MOMENT.astimezone(timezone(timedelta(hours=2))), "2025-01-31T12:00:00Z"), (date(2025, 1, 31), "2025-01-31"),
    (OID, str(OID)), (IDENTITY, str(IDENTITY)), (Binary.from_uuid(IDENTITY), str(IDENTITY)), (b"\0\xff", "00ff"),
    (Binary(b"\1", 5), "01"), (DatetimeMS(1 << 60), f"{1 << 60} ms"), ("", ""),
    ({"a": [1, None, 1.5], "b": {"t": MOMENT, "o": OID}, "gone": MISSING, "n": float("nan")},
     '{"a":[1,null,1.5],"b":{"t":"2025-01-31T12:00:00Z","o":"65a1b2c3d4e5f60718293a4b"},"n":"NaN"}'),
    ([1, "é", True], '[1,"é",true]'), ((1, MISSING), "[1,null]"), (["\ud800"], '["\\ud800"]'),
    (MaxKey(), '{"$maxKey":1}'), (1j, "1j"),
])
def test_the_text_of_values(value: Any, text: str) -> None:
    assert plain_text(value) == text


ROWS = [
    (1, "x", None), (2, "", MOMENT), (3, 'q"u,o|t\te\n\r\n', Decimal128("1.5")), (4, " s ", {"a": 1}),
    (5, "<b>&amp;\\*`", MISSING),
]
COLUMNS = ("n", "te|xt", "<any>")


def texts(rows: Iterable[tuple[Any, ...]]) -> list[list[str]]:
    return [["" if v is None or v is MISSING else plain_text(v) for v in row] for row in rows]


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_text(format: str, delimiter: str) -> None:
    text = written(COLUMNS, ROWS, format)
    parsed = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert parsed == [list(COLUMNS), *texts(ROWS)]
    assert written("a", [(None,), ("",)], format) == 'a\n""\n""\n'
    assert written("ab", [(None, ""), ("NA", 1)], format, null="NA", header=False) == (
        f'NA{delimiter}""\n"NA"{delimiter}1\n')


def test_json_keeps_types() -> None:
    rows = [(1, "é\n", MOMENT, OID, Decimal128("1.5"), b"\0", None, [1.5, {"x": IDENTITY}])]
    columns = tuple("abcdefgh")
    for text in (written(columns, rows, "json"), "[" + written(columns, rows, "ndjson") + "]"):
        options = json_util.JSONOptions(tz_aware=True)
        (document,) = json_util.loads(text, json_options=options)
        assert document == {**dict(zip(columns, rows[0], strict=True)), "h": [1.5, {"x": Binary.from_uuid(IDENTITY)}]}
    assert written("a", [(MISSING,), ("\ud800",)], "jsonl") == '{}\n{"a":"\\ud800"}\n'
    assert json.loads(written("a", [], "json")) == []
    assert json.loads(written("a", [(1,), (2,)], "json")) == [{"a": 1}, {"a": 2}]


def test_html() -> None:
    parsed = Cells(written(COLUMNS, ROWS, "html"))
    expected = [[c.replace("\r", "\\r") for c in row] for row in texts(ROWS)]
    assert parsed.rows == [list(COLUMNS), *expected]
    assert parsed.classes[3:9] == ["number", None, "null", "number", None, None]
    assert Cells(written("a", [(None,)], "html", null="<no>", header=False)).rows == [["<no>"]]


def test_markdown() -> None:
    assert written(COLUMNS, ROWS, "markdown").splitlines() == [
        "| n | te\\|xt | &lt;any&gt; |", "| --- | --- | --- |", "| 1 | x |  |", "| 2 |  | 2025-01-31T12:00:00Z |",
        '| 3 | q"u,o\\|t\te<br><br> | 1.5 |', '| 4 |  s  | {"a":1} |', "| 5 | &lt;b&gt;&amp;amp;\\\\\\*\\` |  |"]
    assert written("a", [(None,)], "md", null="n_n").endswith("| n\\_n |\n")


def test_a_table() -> None:
    assert written(["n", "text"], [(1, "x"), (None, " \x1b[31m日本\n"), (-20.5, "y" * 70)], "table").splitlines() == [
        "+-------+--------------------------------------------------------------+",
        "|     n | text                                                         |",
        "|-------+--------------------------------------------------------------|",
        "|     1 | x                                                            |",
        "|  NULL |  \\x1b[31m日本\\n                                              |",
        f"| -20.5 | {'y' * 59}… |",
        "+-------+--------------------------------------------------------------+"]
    assert "y" * 70 in written("a", [("y" * 70,)], "table", max_width=None)
    assert written("a", [(None,)], "table", null="-", header=False) == "+---+\n| - |\n+---+\n"
    assert written("a", [], "table") == "+-----+\n| a   |\n|-----|\n+-----+\n"


def test_a_long_table_comes_in_pages() -> None:
    taken = 0

    def rows() -> Iterable[tuple[Any, ...]]:
        nonlocal taken
        for taken in range(1, 2_501):
            yield (taken, "long text" if taken == 1 else "x")

    pages: list[int] = []

    class Watching(io.StringIO):
        def write(self, text: str) -> int:
            pages.append(taken)
            return super().write(text)

    stream = Watching()
    write_result(Result("SELECT", ("n", "t"), rows()), stream)
    lines = stream.getvalue().splitlines()
    assert pages == [1000, 2000, 2500]
    assert [line.split("|")[1].strip() for line in lines if line[:2] == "| " and "n" not in line.split("|")[1]] == [
        str(n) for n in range(1, 2501)]
    assert len({len(line) for line in lines}) == 1
    assert sum(line.startswith("|    n |") for line in lines) == 3


def test_vertical() -> None:
    assert written(["a", "long\x07"], [(1, None), ("\x1b", "y" * 99)], "vertical").splitlines() == [
        "*************************** 1. row ***************************", "       a: 1", "long\\x07: NULL",
        "*************************** 2. row ***************************", "       a: \\x1b", "long\\x07: " + "y" * 99]


@pytest.mark.parametrize("format", [f.name for f in FORMATS if f.writer])
def test_no_format_passes_terminal_escapes_to_people(format: str) -> None:
    text = written("a", [("\x1b]0;x\x07\u202e\x9b31m",)], format)
    if format in ("table", "vertical", "markdown", "html"):
        assert visible("\x1b]0;x\x07\u202e\x9b31m").replace("\\", "") in text.replace("\\", "")
        assert not set(text) & set("\x1b\x07\u202e\x9b")
    elif format in ("json", "jsonl"):
        assert "\x1b" not in text


def test_formats_that_there_are_not() -> None:
    for name in ("bson", "xml"):
        with pytest.raises(UsageError, match="can be written") as error:
            written("a", [], name)
        assert error.value.code == "E2007"
        assert "jsonl" in str(error.value.hint)


# Summaries


def test_summaries() -> None:
    summary = WriteSummary(read=3, inserted=2, rejected=1, batches=1, bytes=1_234_567, seconds=0.5)
    result = Result("INSERT", summary=summary, target="items")
    table = summary_table(result)
    assert table.columns == ("statement", "target", "inserted", "rejected", "batches", "MB", "seconds", "rows/s")
    assert list(table.rows) == [("INSERT", "items", 2, 1, 1, 1.23, 0.5, 6)]
    stream = io.StringIO()
    write_result(result, stream, format="json")
    assert json.loads(stream.getvalue())[0]["inserted"] == 2
    empty = summary_table(Result("INSERT", summary=WriteSummary()))
    assert dict(zip(empty.columns, next(iter(empty.rows)), strict=True)) == {
        "statement": "INSERT", "target": None, "inserted": 0, "MB": 0.0, "seconds": 0.0, "rows/s": None}
    assert list(summary_table(Result("USE")).rows) == []
    stream = io.StringIO()
    write_result(Result("USE"), stream)
    assert stream.getvalue() == ""


def test_the_closing_table() -> None:
    results = [
        Result("INSERT", summary=WriteSummary(read=4, inserted=4, seconds=1), target="a"), Result("USE"),
        Result("UPDATE", summary=WriteSummary(matched=6, modified=5, seconds=2), target="b"),
    ]
    table = closing_table(iter(results))
    assert table.columns == ("statement", "target", "inserted", "matched", "modified", "MB", "seconds", "rows/s")
    assert list(table.rows) == [
        ("INSERT", "a", 4, 0, 0, 0.0, 1, 4), ("UPDATE", "b", 0, 6, 5, 0.0, 2, 3), ("total", None, 4, 6, 5, 0.0, 3.0, 1)]
    assert len(list(closing_table(results[:1]).rows)) == 1


def test_rejected_rows() -> None:
    summary = WriteSummary(rejected=3)
    summary.errors = [RowError(2, "E4002", "bad", Location("x.csv", 3), "price"), RowError(5, "E4007", "twice")]
    table = rejected_table(Result("INSERT", summary=summary))
    assert list(table.rows) == [
        (2, "x.csv:3", "E4002", "price: bad"), (5, None, "E4007", "twice"), (None, None, None, "and 1 more")]
    summary.rejected = 2
    assert len(list(rejected_table(Result("INSERT", summary=summary)).rows)) == 2
    assert list(rejected_table(Result("USE")).rows) == []
