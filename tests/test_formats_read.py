"""Reading files: every format, its faults, and where they are."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import re
import struct
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import pytest
import zstandard
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.regex import Regex

from sqlbulk.commands import FileColumn, FileRows
from sqlbulk.errors import PlanError, Span, SqlbulkError, UsageError
from sqlbulk.formats import FORMATS, inputs, open_rows
from sqlbulk.types import MISSING

SPAN = Span(0, 1)


def columns(*given: str | FileColumn) -> tuple[FileColumn, ...]:
    """`name TYPE` or `name` as columns."""
    return tuple(
        c if isinstance(c, FileColumn) else FileColumn(*(p or None for p in [*c.split(" ", 1), ""][:2])) for c in given)


class Got:
    def __init__(self, source: Any) -> None:
        with source:
            self.columns, self.size = source.columns, source.size
            self.chunks = list(source)
        self.rows = [row for chunk in self.chunks for row in chunk.rows]
        self.ordinals = [n for chunk in self.chunks for n in chunk.ordinals]
        self.errors = [error for chunk in self.chunks for error in chunk.refused]
        self.places = [str(chunk.locate(i)) for chunk in self.chunks for i in range(len(chunk.rows))]
        self.texts = [chunk.excerpt(i) for chunk in self.chunks for i in range(len(chunk.rows))]

    @property
    def faults(self) -> list[tuple[int, str, str]]:
        return [(e.row, e.code, str(e.location)) for e in self.errors]

    @property
    def codes(self) -> list[str]:
        return [e.code for e in self.errors]


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(content: bytes | str, name: str = "x.csv", **options: Any) -> Got:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return Got(open_rows(FileRows(name, SPAN, **options), base_dir=tmp_path))

    return load


# Finding and unpacking


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_opened_once_and_has_no_size(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.csv"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(b"a,b\n1,x\n2,y\n",), daemon=True).start()
    got = Got(open_rows(FileRows("rows.csv", SPAN), base_dir=tmp_path))
    assert (got.size, got.errors) == (None, [])
    assert got.rows == [(1, "x"), (2, "y")]


PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("kind", ["csv", "tsv", "ndjson", "json", "bson", "parquet"])
def test_every_format_and_compression(load: Any, kind: str, suffix: str) -> None:
    documents = [{"a": i, "b": f"text {i}"} for i in range(2_500)]
    data = PACKERS[suffix](encode(kind, documents))
    got = load(data, f"x.{kind}{suffix}")
    rows = got.rows if got.columns is None else [dict(zip(got.columns, row, strict=True)) for row in got.rows]
    assert [dict(row) for row in rows] == documents
    assert got.ordinals == list(range(1, 2_501))
    assert got.chunks[-1].consumed <= len(data) == got.size
    assert [c.consumed for c in got.chunks] == sorted(c.consumed for c in got.chunks)
    assert all(place.startswith(f"x.{kind}") for place in got.places)


def encode(kind: str, documents: list[dict[str, Any]]) -> bytes:
    match kind:
        case "csv" | "tsv":
            mark = "," if kind == "csv" else "\t"
            lines = [mark.join(documents[0]), *(mark.join(map(str, d.values())) for d in documents)]
            return ("\n".join(lines) + "\n").encode()
        case "ndjson":
            return b"".join(json.dumps(d).encode() + b"\n" for d in documents)
        case "json":
            return json.dumps(documents, indent=1).encode()
        case "bson":
            return b"".join(map(bson.encode, documents))
    import pyarrow as arrow
    import pyarrow.parquet

    stream = io.BytesIO()
    pyarrow.parquet.write_table(arrow.Table.from_pylist(documents), stream)
    return stream.getvalue()


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".zst"])
def test_packed_files_are_not_taken_for_text(load: Any, packing: str) -> None:
    with pytest.raises(UsageError, match=f"packed, not text; say COMPRESSION {packing[1:]}") as error:
        load(PACKERS[packing](b"a,b\n1,2\n"), "x.csv")
    assert error.value.code == "E6002"


def test_compression_can_be_named(load: Any) -> None:
    assert load(gzip.compress(b"a\n1\n"), compression="GZIP").rows == [(1,)]
    assert load("a\n1\n", "x.gz", compression="none", format="csv").rows == [(1,)]
    two_frames = PACKERS[".zst"](b"a\n1\n") + PACKERS[".zst"](b"2\n")
    assert load(two_frames, "x.csv.zst").rows == [(1,), (2,)]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_damaged_archives_are_noticed(load: Any, suffix: str) -> None:
    text = b"a\n" + b"".join(b"%d\n" % (i * 7919 % 100_003) for i in range(200_000))
    for damaged in (PACKERS[suffix](text)[:-9], b"\x28\xb5\x2f\xfdnothing like it", b"nothing like it"):
        with pytest.raises(UsageError, match=r"x\.csv.*damaged or cut short") as error:
            load(damaged, f"x.csv{suffix}")
        assert error.value.code == "E6002"


def test_globs_are_sorted_and_counted_through(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{name},1\n{name},2\n")
    (tmp_path / "d.csv").mkdir()
    got = Got(open_rows(FileRows("*.csv", SPAN), base_dir=tmp_path))
    assert got.rows == [(n, i) for n in "abc" for i in (1, 2)]
    assert got.ordinals == [1, 2, 3, 4, 5, 6]
    assert got.places[3] == "b.csv:3"
    assert got.size == got.chunks[-1].consumed == 36
    got = Got(open_rows(FileRows("*.csv", SPAN, header=False), base_dir=tmp_path))
    assert len(got.rows) == 9
    (tmp_path / "b.csv").write_text("x,z\n1,1\n")
    with pytest.raises(UsageError, match=r"b\.csv has another header than a\.csv"):
        open_rows(FileRows("*.csv", SPAN), base_dir=tmp_path)


def test_blank_lines_anywhere(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("\n" * 1_500 + "x\n" + "\n" * 2_500 + "1\n" + "\n" * 1_500)
    got = Got(open_rows(FileRows("?.csv", SPAN), base_dir=tmp_path))
    assert (got.columns, got.rows) == (("x",), [(1,), (1,)])
    assert got.places == ["a.csv:4002", "b.csv:4002"]


def test_a_file_with_a_glob_s_signs_in_its_name(load: Any) -> None:
    assert load("a\n1\n", "x[1].csv").rows == [(1,)]


def test_standard_input() -> None:
    source = open_rows(FileRows("-", SPAN, format="ndjson"), base_dir=None, stdin=io.BytesIO(b'{"a":1}\n'))
    assert source.size is None
    got = Got(source)
    assert got.rows == [{"a": 1}]
    assert got.places == ["<stdin>:1"]
    packed = io.BytesIO(gzip.compress(b"a\n1\n"))
    spec = FileRows("-", SPAN, format="csv", compression="gz")
    assert Got(open_rows(spec, base_dir=None, stdin=packed)).rows == [(1,)]
    assert not packed.closed


def test_the_program_s_own_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\n1\n")))
    assert Got(open_rows(FileRows("-", SPAN, format="csv"), base_dir=None)).rows == [(1,)]


@pytest.mark.parametrize(("path", "options", "code", "message"), [
    ("none.csv", {}, "E6002", "none.csv: No such file"),
    ("none*.csv", {}, "E6002", "no file matches"),
    ("empty.csv", {}, "E6002", "empty.csv: empty"),
    ("folder.csv", {}, "E6002", "a directory"),
    ("nul\0.csv", {}, "E6002", "null byte"),
    ("-", {}, "E6002", "standard input: the name doesn't tell the format"),
    ("x.dat", {}, "E6002", "x.dat: the name doesn't tell the format"),
    ("noname", {}, "E6002", "noname: the name doesn't tell the format"),
    ("x.dat", {"format": "table"}, "E2007", "can be read"),
    ("x.dat", {"format": "csv", "encoding": "klingon"}, "E2007", "klingon"),
    ("x.dat", {"format": "csv", "encoding": "rot13"}, "E2007", "rot13"),
    ("x.dat", {"format": "csv", "compression": "rar"}, "E2007", "rar"),
    ("blank.csv", {}, "E6002", "no rows"),
    ("x.dat", {"format": "json", "skip": 1}, "E6001", "SKIP"),
    ("x.dat", {"format": "bson", "skip": 1}, "E6001", "SKIP"),
    ("x.dat", {"format": "parquet", "skip": 1}, "E6001", "SKIP"),
    ("x.dat", {"format": "jsonl", "delimiter": ","}, "E6001", "DELIMITER has no meaning for the format jsonl"),
    ("x.dat", {"format": "parquet", "infer_types": False}, "E6001", "INFER_TYPES"),
    ("blank.csv", {"format": "json"}, "E6002", "empty"),
])
def test_files_that_can_not_be_read(tmp_path: Path, path: str, options: Any, code: str, message: str) -> None:
    for name, text in (("empty.csv", ""), ("x.dat", "a\n1\n"), ("blank.csv", "\n\n"), ("noname", "a\n")):
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match=message) as error:
        Got(open_rows(FileRows(path, SPAN, **options), base_dir=tmp_path))
    assert error.value.code == code
    assert "\n" not in error.value.message


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.ndjson").write_text('{"a": 1}\n')
    source = open_rows(FileRows("*.ndjson", SPAN), base_dir=tmp_path)
    (tmp_path / "b.ndjson").unlink()
    with pytest.raises(UsageError, match=r"b\.ndjson: No such file"):
        list(source)


def test_an_empty_archive(load: Any) -> None:
    for kind in ("csv", "ndjson", "json", "bson", "parquet"):
        with pytest.raises(UsageError, match="empty"):
            load(gzip.compress(b""), f"x.{kind}.gz")


def test_a_line_without_end(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "LONGEST_LINE", 1 << 18)
    with pytest.raises(UsageError, match="a line is longer than"):
        load(b'{"a": "' + b"x" * (1 << 20), "x.ndjson")


def test_each_format_of_the_table_has_its_module() -> None:
    modules = {place.split(":")[0] for f in FORMATS for place in (f.reader, f.writer) if place}
    import importlib
    for f in FORMATS:
        for place in (f.reader, f.writer):
            if place:
                module, _, function = place.partition(":")
                assert callable(getattr(importlib.import_module(f"sqlbulk.formats.{module}"), function))
    assert modules <= {path.stem for path in Path(inputs.__file__).parent.glob("*.py")}


# CSV: dialect, header, encoding


@pytest.mark.parametrize(("text", "rows"), [
    ("a,b\n1,2\n", [(1, 2)]),
    ("a;b\n1;2\n", [(1, 2)]),
    ("a|b\n1|2\n", [(1, 2)]),
    ("a\tb\n1\t2\n", [(1, 2)]),
    ("a;b\n1,5;2,5\n3;4\n", [("1,5", "2,5"), ("3", "4")]),
    ("a,b\r\n1,2\r\n", [(1, 2)]),
    ("a,b\r1,2\r3,4", [(1, 2), (3, 4)]),
    ("a,b\n'x, y',2\n'z','w'\n'u','v'\n", [("x, y", "2"), ("z", "w"), ("u", "v")]),
    ('a,b\n"x ""y"", z",2\n', [('x "y", z', 2)]),
    ('"a","b"\n"1","2"\n', [(1, 2)]),
    ("a,b\n\n1,2\n\n\n3,4\n\n", [(1, 2), (3, 4)]),
    (" a , b \n1,2\n", [(1, 2)]),
])
def test_sniffed_dialects(load: Any, text: str, rows: list[Any]) -> None:
    got = load(text)
    assert (got.columns, got.rows) == (("a", "b"), rows)


def test_sniffing_passes_over_what_can_not_be_split(load: Any) -> None:
    assert load("a\n1,5\n").codes == ["E4003"]
    assert load('a;b\n"x";1\n"y" z;2\n"w";3\n').codes == ["E4001"]
    assert load("a\n" + "x" * 140_000 + "\ny\n").rows[1] == ("y",)
    assert load("a,b\n1,2\n", quote="").rows == [(1, 2)]


@pytest.mark.parametrize(("encoding", "data"), [
    ("utf-8", "\ufeffé,b\nü,1\n".encode()),
    ("utf-8", "é,b\nü,1\n".encode("utf-16")),
    ("utf-8", "é,b\nü,1\n".encode("utf-32")),
    ("utf-16", "é,b\nü,1\n".encode("utf-16")),
    ("utf-16-le", "é,b\nü,1\n".encode("utf-16-le")),
    ("latin-1", "é,b\nü,1\n".encode("latin-1")),
    ("utf-8-sig", "\ufeffé,b\nü,1\n".encode()),
])
def test_encodings(load: Any, encoding: str, data: bytes) -> None:
    got = load(data, encoding=encoding)
    assert (got.columns, got.rows) == (("é", "b"), [("ü", 1)])


def test_large_files_in_other_encodings(load: Any) -> None:
    text = "a,b\n" + "".join(f"ü{i},{i}\n" for i in range(60_000))
    got = load(text.encode("utf-16"), encoding="utf-16")
    assert got.rows == [(f"ü{i}", i) for i in range(60_000)]


def test_bytes_that_are_not_text(load: Any) -> None:
    got = load(b"a,b\nx,1\n\xff,2\nx\0y,3\nz,4\n")
    assert got.rows == [("x", 1), ("z", 4)]
    assert got.faults == [(2, "E4011", "x.csv:3"), (3, "E4011", "x.csv:4")]
    assert got.ordinals == [1, 4]
    assert got.places == ["x.csv:2", "x.csv:5"]
    got = load(b"a,b\nx,1\n\x81,2\nz,4\n", encoding="cp1252")
    assert got.faults == [(2, "E4011", "x.csv:3")]


@pytest.mark.parametrize(("text", "code", "message"), [
    ("a,a\n1,2\n", "E6002", "names a twice"),
    ("a,\n1,2\n", "E6002", "no name for column 2"),
    ("a,$b\n1,2\n", "E4005", r"\$b"),
    ("a,b\0c\n1,2\n", "E4005", "x00"),
    (b"a,\xff\n1,2\n", "E4005", "MongoDB can't take"),
    ("1,a\n2,b\n", "E6002", "1 is a whole number"),
    ('"a\n1,2\n', "E6002", "first row can't be read"),
])
def test_headers_that_are_refused(load: Any, text: bytes | str, code: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        load(text)
    assert error.value.code == code


def test_header_or_not(load: Any) -> None:
    assert load("1,a\n2,b\n", header=False).columns == ("column1", "column2")
    assert load("1,a\n2,b\n", header=False).rows == [(1, "a"), (2, "b")]
    assert load("1,a\n2,b\n", header=True).columns == ("1", "a")
    assert load("x,2019\n2,3\n", header=True).rows == [(2, 3)]
    assert load("a,b\n").rows == []
    assert load("a,b\n").columns == ("a", "b")
    assert load("# note\n\na,b\n1,2\n", skip=1).places == ["x.csv:4"]
    assert load("a,b\n", columns=columns("a", "b"), header=False).rows == [("a", "b")]


def test_columns_by_place_and_by_name(load: Any) -> None:
    assert load("1,2\n", columns=columns("x INT", "y TEXT")).rows == [(1, "2")]
    assert load("1,2,3\n", columns=columns("x", FileColumn(None), "z")).rows == [(1, 3)]
    assert load("1,2,3\n", columns=columns("x", FileColumn(None), "z")).columns == ("x", "z")
    got = load("a,b\n1,2\n", columns=columns("b TEXT"))
    assert (got.columns, got.rows) == (("a", "b"), [(1, "2")])
    got = load("a,b\n1,2\n", columns=columns("b TEXT", "a INT"), header=True)
    assert (got.columns, got.rows) == (("a", "b"), [(1, "2")])
    for missing, hint in (("bb", "is it b"), ("zzz", "it has a, b")):
        with pytest.raises(UsageError, match=hint):
            load("a,b\n1,2\n", columns=columns(missing), header=True)
    with pytest.raises(UsageError, match="the column list names x twice"):
        load("1,2\n", columns=columns("x", "x"))
    assert load("1\n", columns=columns(FileColumn(None)), header=False).rows == [()]


@pytest.mark.parametrize(("text", "names", "message"), [
    ("a,b\n1,2\n", ["a", "c"], "reads a, b: it names a, but has no column c, so is it a header?"),
    ("Name,City\nAda,Rome\n", ["name", "city"], "it names name, but has no column name"),
    ("person,years\nAda,36\nBo,\n", ["n", "age INT"], "years is above values such as 36"),
    ("person,when\n,\nAda,2024-01-01T00:00:00Z\n", ["n", "at"], "when is above values"),
])
def test_a_first_row_that_may_be_a_header_is_asked_about(
    load: Any, text: str, names: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        load(text, columns=columns(*names))
    assert (error.value.code, error.value.hint) == ("E6002", "Say header = true, or header = false.")
    assert len(load(text, columns=columns(*(name.split()[0] for name in names)), header=False).rows) == text.count("\n")


def test_first_rows_that_are_data(load: Any) -> None:
    assert load("Ada,Rome\nBo,Oslo\n", columns=columns("n", "c")).rows == [("Ada", "Rome"), ("Bo", "Oslo")]
    assert load("Ada,1\nBo,2\n", columns=columns("n", "c")).rows == [("Ada", 1), ("Bo", 2)]
    assert load("Ada,Rome\nBo\n", columns=columns("n", "c")).rows == [("Ada", "Rome")]


# CSV: values


def test_types_are_found_out_cautiously(load: Any) -> None:
    header = "whole,real,truth,moment,code,plus,long,mixed,gone,word,big\n"
    row = "1,1.50,true,2025-01-31T12:00:00Z,007,+5,0.12345678901234567,1,,x,9223372036854775808\n"
    other = "-20,2,FALSE,2025-01-31T12:00:00.250+01:00,1,6,1.5,x,,y,1\n"
    got = load(header + row + other, null=("",))
    assert got.rows == [
        (1, 1.5, True, datetime(2025, 1, 31, 12, tzinfo=UTC), "007", "+5", "0.12345678901234567", "1", None, "x",
         "9223372036854775808"),
        (-20, 2.0, False, datetime(2025, 1, 31, 11, 0, 0, 250_000, UTC), "1", "6", "1.5", "x", None, "y", "1"),
    ]
    assert load("a\n0.30000000000000004\n").rows == [(0.30000000000000004,)]
    assert load("a,b\n1,true\n", infer_types=False).rows == [("1", "true")]


@pytest.mark.parametrize(("first", "later"), [
    ("1", "1.5"), ("1", "007"), ("1", "x"), ("1", "1_0"), ("1", "9223372036854775808"), ("1.5", "x"),
    ("true", "yes"), ("2025-01-31T12:00:00Z", "2025-01-31"), ("1.5", "0.123456789012345678"), ("1", " 1"), ("1", "-0"),
])
def test_a_later_cell_that_does_not_fit(load: Any, first: str, later: str) -> None:
    got = load("a,b\n" + f"{first},x\n" * 1_200 + f"{later},y\n{first},z\n")
    (error,) = got.errors
    assert (error.row, error.code, error.column) == (1201, "E4002", "a")
    assert str(error.location) == "x.csv:1202"
    assert error.text == f"{later},y"
    assert "say COLUMNS (a TEXT)" in error.message
    assert got.rows[-1][1] == "z"
    assert got.ordinals[-1] == 1202


OID = "65a1b2c3d4e5f60718293a4b"
IDENTITY = "12345678-1234-1234-1234-123456789abc"


@pytest.mark.parametrize(("kind", "cell", "value"), [
    ("INT", "12", 12), ("INTEGER", " -5 ", -5), ("BIGINT", "+007", 7),
    ("DOUBLE", "1.50", 1.5), ("FLOAT", "1e3", 1000.0), ("REAL", "5", 5.0), ("DOUBLE PRECISION", "inf", float("inf")),
    ("DECIMAL", "1.50", Decimal128("1.50")), ("NUMERIC(5,2)", "123.40", Decimal128("123.40")),
    ("decimal(3)", "999", Decimal128("999")), ("DECIMAL(3, 1)", "NaN", Decimal128("NaN")),
    ("BOOLEAN", "Yes", True), ("BOOL", "0", False),
    ("TEXT", "007", "007"), ("VARCHAR(3)", "abc", "abc"), ("STRING", "x", "x"),
    ("DATE", "2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
    ("TIMESTAMP", "2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
    ("DATETIME", "2025-01-31 12:30", datetime(2025, 1, 31, 12, 30, tzinfo=UTC)),
    ("TIMESTAMP", "2025-01-31T12:30:15.5 Z", datetime(2025, 1, 31, 12, 30, 15, 500_000, UTC)),
    ("TIMESTAMP", "2025-01-31T12:30:15+02:00", datetime(2025, 1, 31, 10, 30, 15, tzinfo=UTC)),
    ("OBJECTID", OID, ObjectId(OID)),
    ("UUID", IDENTITY, Binary.from_uuid(UUID(IDENTITY))),
    ("JSON", '{"a": [1, null]}', {"a": [1, None]}), ("JSON", "5", 5),
    ("JSON", '{"$oid": "' + OID + '"}', ObjectId(OID)), ("DOCUMENT", '"x"', "x"),
    ("BINARY", "00ff", b"\x00\xff"), ("BLOB", "0x00ff", b"\x00\xff"), ("BYTES", "\\x00ff", b"\x00\xff"),
    ("BINARY(base64)", "AP8=", b"\x00\xff"),
])
def test_declared_types(load: Any, kind: str, cell: str, value: Any) -> None:
    got = load(f"{cell}\t1\n\t2\n", "x.tsv", quote="", columns=columns(f"a {kind}", "b"))
    assert got.errors == []
    assert got.rows[1][0] is None
    assert (type(got.rows[0][0]), str(got.rows[0][0])) == (type(value), str(value))


@pytest.mark.parametrize(("kind", "cell"), [
    ("INT", "1.5"), ("INT", "1_0"), ("INT", "1__0"), ("INT", "٣"), ("INT", "x"), ("INT", "9223372036854775808"),
    ("DOUBLE", "x"), ("DOUBLE", "1_0"), ("DOUBLE", "1e999"),
    ("DECIMAL", "x"), ("DECIMAL", "1" * 35), ("DECIMAL(5,2)", "1.234"), ("DECIMAL(5,2)", "1234.5"),
    ("BOOLEAN", "maybe"), ("VARCHAR(3)", "abcd"),
    ("DATE", "31.1.2025"), ("DATE", "2025-02-30"), ("DATE", "20250131"), ("TIMESTAMP", "2025-W05"),
    ("TIMESTAMP", "2025-01-31T25:00"), ("OBJECTID", "xyz"), ("UUID", "123"), ("UUID", "{" + IDENTITY + "}"),
    ("JSON", "{a"), ("JSON", '1,"b":2'), ("JSON", '{"$set": 1}'), ("BINARY", "xyz"), ("BINARY(BASE64)", "!!!!"),
])
def test_values_that_do_not_fit_their_type(load: Any, kind: str, cell: str) -> None:
    got = load(f"1\t2\tx\n3\t{cell}\tz\n", "x.tsv", quote="", header=False, columns=columns("a", "b TEXT", f"c {kind}"))
    bad = load(f"{cell}\t1\n", "x.tsv", quote="", header=False, columns=columns(f"a {kind}", "b"))
    assert bad.faults == [(1, "E4002", "x.tsv:1")]
    assert bad.errors[0].column == "a"
    assert len(bad.errors[0].message) < 160
    assert len(got.rows) + len(got.errors) == 2


@pytest.mark.parametrize("kind", ["MONEY", "INT(3,2)", "DATE(3)", "TIMESTAMP(3)", "TEXT(x)", "TEXT(3,2)", "DECIMAL(x)",
                                  "BINARY(16)", "BINARY(HEX,2)", "INT(", "UUID(4)"])
def test_types_that_there_are_not(load: Any, kind: str) -> None:
    with pytest.raises(PlanError) as error:
        load("1\n", columns=columns(f"a {kind}"), header=False)
    assert (error.value.code, error.value.span) == ("E2007", SPAN)
    assert "OBJECTID" in str(error.value.hint)


def test_a_row_with_two_faults_is_refused_once(load: Any) -> None:
    got = load("x,y\n1,2\n", header=False, columns=columns("a INT", "b DATE"))
    assert [(e.row, e.column) for e in got.errors] == [(1, "a"), (2, "b")]
    got = load("x,2025-01-31\n,2025-01-31\n", header=False, columns=columns("a INT", "b DATE"))
    assert got.rows == [(None, datetime(2025, 1, 31, tzinfo=UTC))]
    got = load("x,y\n", header=False, columns=columns("a INT", "b DATE"))
    assert [(e.row, e.column) for e in got.errors] == [(1, "a")]


def test_date_formats(load: Any) -> None:
    got = load("a\n31.01.2025\n1/2/3\n", columns=columns("a DATE"), date_format="%d.%m.%Y")
    assert got.rows == [(datetime(2025, 1, 31, tzinfo=UTC),)]
    assert "a date like %d.%m.%Y" in got.errors[0].message


def test_null_and_defaults(load: Any) -> None:
    assert load('a,b,c\n,"",x\n').rows == [(None, None, "x")]
    assert load("a,b\nNA,\nx,y\n", null=("NA", "-")).rows == [(None, ""), ("x", "y")]
    assert load("a,b\nNULL,\n", null=("NULL",), columns=columns("a INT", "b INT")).codes == ["E4002"]
    default = columns("a", FileColumn("b", "INT", 7, True))
    got = load("1,2\n3,\n5\n", columns=default)
    assert got.rows == [(1, 2), (3, 7), (5, 7)]
    assert load("1,2\n3\n", columns=columns("a", "b")).codes == ["E4003"]


def test_ragged_rows_and_positions(load: Any) -> None:
    got = load('a,b\n1,"x\ny"\n2\n3,4,5\n6,"p\r\nq\n"\n\n7,z\n')
    assert got.rows == [(1, "x\ny"), (6, "p\r\nq\n"), (7, "z")]
    assert got.faults == [(2, "E4003", "x.csv:4"), (3, "E4003", "x.csv:5")]
    assert got.places == ["x.csv:2", "x.csv:6", "x.csv:10"]
    assert "1 value for 2 columns" in got.errors[0].message
    assert got.texts[0] == "1,x\ny"


def test_rows_that_can_not_be_split(load: Any) -> None:
    got = load('a,b\n1,"x"y\n2,z\n3,"p\nq"r\n4,w\n5,u\rv\n6,"open\n7,end\n')
    assert got.rows == [(2, "z"), (4, "w")]
    assert got.faults == [
        (1, "E4001", "x.csv:2"), (3, "E4001", "x.csv:4"), (5, "E4001", "x.csv:7"), (6, "E4001", "x.csv:8")]
    assert "never closed (2 lines" in got.errors[-1].message
    assert got.places == ["x.csv:3", "x.csv:6"]
    assert got.errors[0].text is None


def test_a_value_that_is_too_long(load: Any) -> None:
    got = load(b"a,b\n1," + b"x" * (18 << 20) + b"\n2,y\n", columns=columns("a INT", "b TEXT"), header=True)
    assert got.codes == ["E4004"]
    assert got.rows == [(2, "y")]


# LOAD DATA's punctuation


def test_backslash_escapes_as_mysql_writes_them(load: Any) -> None:
    text = "1\t\\N\tx\\ty\\\\\n2\tone\\\ntwo\tN\\N\n3\t\té\\q\\0\\Z\n4\tNULL\tend\\n\n"
    got = load(text, "x.tsv", quote="", escape="\\", header=False, columns=columns("a INT", "b TEXT", "c TEXT"))
    assert got.rows == [(1, None, "x\ty\\"), (2, "one\ntwo", "NN"), (3, "", "éq\0\x1a"), (4, "NULL", "end\n")]
    assert got.places == ["x.tsv:1", "x.tsv:2", "x.tsv:4", "x.tsv:5"]
    numbers = load("\\N,\n1,2\n", escape="\\", null=("\\N",), header=False, columns=columns("a INT", "b"))
    assert numbers.rows == [(None, ""), (1, "2")]
    assert load("a,b\n,1\n2,3\n", escape="\\").rows == [(None, 1), (2, 3)]
    assert load("a,b\n,1\nx,3\n", escape="\\").rows == [("", 1), ("x", 3)]


def test_escaped_quotes_and_delimiters(load: Any) -> None:
    got = load('"a \\" b",c\\,d\n', quote='"', escape="\\", header=False, columns=columns("x", "y"))
    assert got.rows == [('a " b', "c,d")]
    assert load('"a "" b",1\n', escape='"', header=False).rows == [('a " b', 1)]
    assert load("a^,b,1\n", escape="^", header=False).rows == [("a,b", 1)]


def test_many_rows_that_can_not_be_split(load: Any) -> None:
    got = load("a,b\n" + '1,"x"y\n' * 1_500 + "2,z\n", columns=columns("a INT", "b TEXT"), header=True)
    assert got.rows == [(2, "z")]
    assert [e.location.line for e in got.errors] == list(range(2, 1_502))


def test_line_ends_prefixes_and_long_delimiters(load: Any) -> None:
    assert load("a||b|\n1||x\ny|\n", delimiter="||", line_terminator="|\n").rows == [(1, "x\ny")]
    assert load("a;b;;1;2;;3;4", delimiter=";", line_terminator=";;").rows == [(1, 2), (3, 4)]
    assert load('a,b!!1,"x!!y"!!2,z\r!!', delimiter=",", line_terminator="!!").rows == [(1, "x!!y"), (2, "z\r")]
    assert load('a::b\n1::"x::y"\n', delimiter="::").rows == [(1, "x::y")]
    assert load("a,b\r\n1,2\r\n", line_terminator="\r\n").rows == [(1, 2)]
    assert load("a,b\n1,2\n", line_terminator="\n").rows == [(1, 2)]
    got = load("junk\nno>>a,b\n>>1,2\nnothing\nx>>3,4\n", line_prefix=">>", delimiter=",")
    assert (got.rows, got.places) == ([(1, 2), (3, 4)], ["x.csv:3", "x.csv:5"])


def test_a_long_terminator_across_blocks(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs.OpenInput, "read", lambda self, size=3: self._unpacked.read(3))
    text = "a,b" + "".join(f"<end>{i},x{i}" for i in range(300))
    assert load(text, delimiter=",", line_terminator="<end>").rows == [(i, f"x{i}") for i in range(300)]


@pytest.mark.parametrize("options", [
    {"quote": "''"}, {"escape": "ab"}, {"delimiter": "\n"}, {"delimiter": "1234567890"}, {"line_terminator": ""},
    {"quote": ",", "delimiter": ","}, {"escape": ",", "delimiter": ","},
])
def test_punctuation_that_can_not_be(load: Any, options: Any) -> None:
    with pytest.raises(UsageError) as error:
        load("a,b\n1,2\n", **options)
    assert error.value.code == "E2007"


# NDJSON


def test_lines_of_documents(load: Any) -> None:
    got = load('{"a": 1, "x.y": "é"}\r\n\n  \n{"a": {"b": [1.5, null, true]}, "n": 9223372036854775807}', "x.ndjson")
    assert got.columns is None
    assert got.rows == [{"a": 1, "x.y": "é"}, {"a": {"b": [1.5, None, True]}, "n": 9223372036854775807}]
    assert got.places == ["x.ndjson:1", "x.ndjson:4"]
    assert got.texts[0] == '{"a": 1, "x.y": "é"}'
    assert load('junk\n{"a": 1, "a": 2}\n', "x.ndjson", skip=1).rows == [{"a": 2}]
    got = load("\n" * 3_000 + "{}\n", "x.ndjson")
    assert (got.rows, got.places) == ([{}], ["x.ndjson:3001"])


@pytest.mark.parametrize(("line", "code", "column"), [
    (b'{"a": 1', "E4001", 8), (b"[1]", "E4001", None), (b"5", "E4001", None), (b"null", "E4001", None),
    (b'{"a": NaN}', "E4001", 7), (b'{"a": 1}, {"b": 2}', "E4001", 9), (b'{"a": Infinity}', "E4001", 7),
    (b'{"a": 1e999}', "E4001", 7),
    (b'{"$set": 1}', "E4005", None), (b'{"a": {"$where": "x"}}', "E4005", None), (b'{"\\u0024a": 1}', "E4005", None),
    (b'{"": 1}', "E4005", None), (b'{"a\\u0000b": 1}', "E4005", None), (b'{"a": [{"" : 1}]}', "E4005", None),
    (b'{"a": 9223372036854775808}', "E4010", None), (b'{"a": 123456789012345678901234567890}', "E4010", None),
    (b'{"a": "\\ud800"}', "E4010", 8), (b'{"a": "\xff"}', "E4011", 8), (b'{"a": "\0"}', "E4011", 8),
    (b'{"a": {"$oid": "xyz"}}', "E4001", None), (b'{"a": {"$oid": 1}}', "E4001", None),
    (b'{"$oid": "65a1b2c3d4e5f60718293a4b"}', "E4001", None),
    (b'{"a": {"$numberLong": "9223372036854775808"}}', "E4010", None),
    (b'{"a": {"$numberDecimal": "x"}}', "E4001", None), (b'{"a": {"$date": "when"}}', "E4001", None),
    (b'{"$a":' + b"[" * 1100 + b"]" * 1100 + b"}", "E4001", None),
    (b'{"$a":' + b"[" * 600 + b"]" * 600 + b"}", "E4001", None),
    (b'{"$a":' + b"[" * 990 + b"]" * 990 + b"}", "E4001", None),
])
def test_lines_that_are_refused(load: Any, line: bytes, code: str, column: int | None) -> None:
    got = load(b'{"ok": 1}\n' + line + b'\n{"ok": 2}\n', "x.jsonl")
    assert got.rows == [{"ok": 1}, {"ok": 2}]
    assert got.ordinals == [1, 3]
    assert got.places == ["x.jsonl:1", "x.jsonl:3"]
    (error,) = got.errors
    assert (error.row, error.code, error.location.line) == (2, code, 2)
    if not line.startswith(b'{"$a":'):
        assert error.location.column == column
    assert error.text is not None and len(error.text) <= 200


def test_extended_json(load: Any) -> None:
    document = {
        "_id": {"$oid": OID},
        "when": {"$date": {"$numberLong": "1738324800000"}}, "then": {"$date": "2025-01-31T12:00:00Z"},
        "long": {"$numberLong": "5"}, "dec": {"$numberDecimal": "1.50"}, "real": {"$numberDouble": "NaN"},
        "id": {"$uuid": IDENTITY}, "bin": {"$binary": {"base64": "AP8=", "subType": "00"}},
        "price": "$5", "u": "\u00e9\\",
        "long text": "1234567890123456789012345", "deep": [{"x": {"$numberInt": "1"}}],
    }
    (got,) = load(json.dumps(document) + "\n", "x.ndjson").rows
    assert got.pop("real") != got.get("real")
    moment = datetime(2025, 1, 31, 12, tzinfo=UTC)
    assert got == {
        "_id": ObjectId(OID), "when": moment, "then": moment, "long": 5, "dec": Decimal128("1.50"),
        "id": Binary.from_uuid(UUID(IDENTITY)), "bin": b"\x00\xff", "price": "$5", "u": "é\\",
        "long text": "1234567890123456789012345", "deep": [{"x": 1}],
    }
    assert load(json.dumps([document]), "x.json").rows[0]["_id"] == ObjectId(OID)


def test_columns_of_documents(load: Any) -> None:
    text = ('{"a": "5", "b": 1, "c": null, "d": 1}\n{"b": 2.0, "d": "x"}\n{"a": "x", "b": 3}\n{"a": 5, "b": 1.5}\n')
    wanted = columns("b INT", "a INT", "c", FileColumn(None), FileColumn("e", "TEXT", "none", True))
    got = load(text, "x.ndjson", columns=wanted)
    assert got.columns == ("b", "a", "c", "e")
    assert got.rows == [(1, 5, None, "none"), (2, MISSING, MISSING, "none")]
    assert [(e.row, e.code, e.column, str(e.location)) for e in got.errors] == [
        (3, "E4002", "a", "x.ndjson:3"), (4, "E4002", "b", "x.ndjson:4")]
    assert got.places == ["x.ndjson:1", "x.ndjson:2"]
    assert got.texts[1].startswith('{"b": 2.0')


@pytest.mark.parametrize(("kind", "value", "stored"), [
    ("INT", 5, 5), ("INT", 5.0, 5), ("INT", True, None), ("INT", 1e300, None), ("INT", [1], None),
    ("DOUBLE", 5, 5.0), ("DOUBLE", False, None), ("DECIMAL", 1.5, Decimal128("1.5")), ("DECIMAL", True, None),
    ("TEXT", 5, "5"), ("TEXT", True, "true"), ("TEXT", False, "false"), ("TEXT", [], None),
    ("BOOLEAN", 1, True), ("BOOLEAN", 2, None),
    ("DATE", {"$date": "2025-01-31T12:00:00Z"}, datetime(2025, 1, 31, 12, tzinfo=UTC)), ("TIMESTAMP", 5, None),
    ("OBJECTID", {"$oid": OID}, ObjectId(OID)), ("OBJECTID", 5, None),
    ("UUID", {"$uuid": IDENTITY}, Binary.from_uuid(UUID(IDENTITY))), ("UUID", 5, None),
    ("JSON", [1], [1]), ("BINARY", {"$binary": {"base64": "AA==", "subType": "00"}}, b"\0"), ("BINARY", 5, None),
])
def test_types_of_values_in_documents(load: Any, kind: str, value: Any, stored: Any) -> None:
    got = load(json.dumps({"a": value}) + "\n", "x.ndjson", columns=columns(f"a {kind}"))
    if stored is None:
        assert got.codes == ["E4002"]
    else:
        assert got.rows == [(stored,)]
        assert type(got.rows[0][0]) is type(stored)


# JSON


@pytest.mark.parametrize("text", [
    '[{"a": 1}, {"a": 2}]', '{"a": 1}\n{"a": 2}\n', '{"a":1}{"a":2}', ' \n[ {"a":1}\n,\n{"a":2} ] \n',
    '\ufeff[{"a":1},{"a":2}]',
])
def test_arrays_and_sequences(load: Any, text: str) -> None:
    assert load(text, "x.json").rows == [{"a": 1}, {"a": 2}]


def test_a_large_array_is_read_in_small_pieces(load: Any) -> None:
    source: Any = io.BytesIO(b"[" + b",".join(b'{"a":%d}' % i for i in range(200_000)) + b"]")
    seen: list[int] = []
    with open_rows(FileRows("-", SPAN, format="json"), base_dir=None, stdin=source) as rows:
        seen.extend(chunk.consumed for chunk in rows)
    assert len(seen) >= 200
    assert seen[20] < 800_000


def test_an_empty_array_and_one_document(load: Any) -> None:
    assert load(" [ ] ", "x.json").rows == []
    got = load('\n\n {\n "a": "x"\n}', "x.json")
    assert (got.rows, got.places) == ([{"a": "x"}], ["x.json:3:2"])


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": 1},', "[", '[{"a": 1} {"a": 2}]', '[{"a": 1}, ]', '[{"a": 1}] x',
                                  '[{"a": NaN}]', '{"a": 1', '{"a" 1}' + " " * 99, "[" * 100_000, '["abc',
                                  '[{"a": ' + "1" * 5_000 + "}]"])
def test_broken_json(load: Any, text: str) -> None:
    with pytest.raises(UsageError, match=r"x\.json:1:\d+: not JSON") as error:
        load(text, "x.json")
    assert error.value.code == "E6002"


def test_elements_that_are_refused(load: Any) -> None:
    for number in ("1e999", "-1E+999", "1" * 400 + ".5", "1" * 400):
        assert load(f'[{{"a": {number}}}, {{"a": 1e3}}]', "x.json").rows == [{"a": 1000.0}]
        assert load(f'{{"a": {number}}}\n{{"a": 1e3}}\n', "x.ndjson").rows == [{"a": 1000.0}]
    text = (b'[{"ok": 1},\n {"$bad": 1},\n 5, [1],\n {"a": "\\ud800"}, {"a": "\xff"},\n'
            b' {"a": 18446744073709551616}, {"ok": 2}]')
    got = load(text, "x.json")
    assert got.rows == [{"ok": 1}, {"ok": 2}]
    assert got.faults == [
        (2, "E4005", "x.json:2:2"), (3, "E4001", "x.json:3:2"), (4, "E4001", "x.json:3:5"), (5, "E4010", "x.json:4:2"),
        (6, "E4011", "x.json:4:19"), (7, "E4010", "x.json:5:2")]
    assert got.texts[1] == '{"ok": 2}'
    assert got.places[1] == "x.json:5:31"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_values_across_blocks(load: Any, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(inputs.OpenInput, "read", lambda self, size=0: self._unpacked.read(step))
    documents = [
        {"n": i, "é": "x" * (i % 40), "id": {"$numberLong": str(i)}, "l": [True, None, -1.5e3]} for i in range(60)]
    expected = [{**d, "id": d["n"]} for d in documents]
    lines = "\n".join(map(json.dumps, documents))
    for text in (json.dumps(documents, indent=2), lines, json.dumps(documents, ensure_ascii=False)):
        assert load(text, "x.json").rows == expected
    assert load(lines, "x.ndjson").rows == expected
    assert load((" " * 50).join(map(json.dumps, documents)), "x.json").rows == expected
    assert [bson.decode(d.raw) for d in load(b"".join(map(bson.encode, documents)), "x.bson").rows] == documents


@pytest.mark.parametrize("where", ["before", "between", "behind"])
def test_a_long_value_is_examined_wherever_it_needs_it(load: Any, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(inputs.OpenInput, "read", lambda self, size=0: self._unpacked.read(7))
    number, word = '"n": {"$numberLong": "5"}', f'"x": "{"x" * 3000}"'
    between = f'"x": "{"x" * 3000}", {number}, "y": 1'
    text = {"before": f"{number}, {word}", "between": between, "behind": f"{word}, {number}"}[where]
    assert [row["n"] for row in load(f"[{{{text}}}, {{{text}}}]", "x.json").rows] == [5, 5]


def test_a_value_without_end(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlbulk.formats.json.LONGEST_LINE", 1 << 18)
    with pytest.raises(UsageError, match="a value is longer"):
        load(b'[{"a": "' + b"x" * (1 << 20), "x.json")


# BSON, Parquet


def test_bson_dumps(load: Any) -> None:
    document = {"_id": ObjectId(OID), "n": 1}
    got = load(bson.encode(document) * 3, "x.bson", columns=columns("n INT"))
    assert got.rows == [(1,)] * 3
    assert got.places == ["x.bson"] * 3
    assert len(load(bson.encode(document) * 1_000, "x.bson").chunks) == 1
    for damaged, message in (
        (bson.encode(document)[:-4], "in the middle"), (b"\xff\xff\xff\xff\xff", "no BSON document at byte 0"),
        (bson.encode(document) + b"\x05\0\0\0\1", "no BSON document at byte 29"), (b"\x05\0", "in the middle"),
    ):
        with pytest.raises(UsageError, match=message):
            load(damaged, "x.bson")


def test_bson_documents_that_are_damaged_inside(load: Any) -> None:
    def document(body: bytes) -> bytes:
        return struct.pack("<i", len(body) + 5) + body + b"\0"

    good, text = bson.encode({"a": 1}), b"\x02y\0" + struct.pack("<i", 3) + b"\xff\xfe\0"
    for damaged, code in (
        (document(text), "E4011"), (document(b"\x03x\0" + document(text)), "E4011"),
        (document(b"\x03x\0" + struct.pack("<i", -5) + b"\0"), "E4001"),
        (document(b"\x03x\0" + document(b"\x02y\0" + struct.pack("<i", 100) + b"a\0")), "E4001"),
        (document(b"\x20x\0"), "E4001"),
    ):
        got = load(good + damaged + good, "x.bson", columns=columns("a"))
        assert (got.rows, got.ordinals, got.faults) == ([(1,), (1,)], [1, 3], [(2, code, "x.bson")])
        assert "the document at byte 12 is damaged" in got.errors[0].message
    far = bson.encode({"d": {"at": DatetimeMS(1 << 60)}})
    assert load(far, "x.bson").rows[0].raw == far


@pytest.mark.parametrize("value", [
    '{"$binary": {"base64": "AA==!", "subType": "00"}}', '{"$binary": "%", "$type": "00"}', '{"$regex": "a", "$options": "z"}',
    '{"$regularExpression": {"pattern": "a", "options": "iz"}}', '{"$binary": {"base64": 5, "subType": "00"}}',
])
def test_extended_json_that_would_lose_something(load: Any, value: str) -> None:
    good = '{"a": {"$binary": {"base64": "AA==", "subType": "00"}}, "b": {"$regularExpression": {"pattern": "a", "options": "i"}}}'
    got = load(f'{{"a": {value}}}\n{good}\n', "x.ndjson")
    assert (got.codes, got.rows) == (["E4001"], [{"a": b"\0", "b": Regex("a", "i")}])


def test_parquet_types(load: Any) -> None:
    from datetime import date, time, timedelta
    from decimal import Decimal

    import pyarrow as arrow
    import pyarrow.parquet

    fields: dict[str, tuple[Any, Any, Any]] = {
        "dec": (arrow.decimal128(10, 2), Decimal("1.50"), Decimal128("1.50")),
        "day": (arrow.date32(), date(2025, 1, 31), datetime(2025, 1, 31, tzinfo=UTC)),
        "ns": (arrow.timestamp("ns"), 1738324800000000123, datetime(2025, 1, 31, 12, tzinfo=UTC)),
        "ms": (arrow.timestamp("ms", "UTC"), 1738324800000, datetime(2025, 1, 31, 12, tzinfo=UTC)),
        "clock": (arrow.time64("us"), time(12, 30), "12:30:00"),
        "length": (arrow.duration("ms"), timedelta(seconds=1), 1000.0),
        "bytes": (arrow.binary(), b"\0", b"\0"),
        "list": (arrow.list_(arrow.date32()), [date(2025, 1, 31), None], [datetime(2025, 1, 31, tzinfo=UTC), None]),
        "ints": (arrow.list_(arrow.int32()), [1, None], [1, None]),
        "map": (arrow.map_(arrow.string(), arrow.int32()), [("k", 1), ("l", None)], {"k": 1, "l": None}),
        "struct": (arrow.struct([("x", arrow.date32()), ("y", arrow.int32())]), {"x": None, "y": 2},
                   {"x": None, "y": 2}),
        "word": (arrow.dictionary(arrow.int32(), arrow.string()), "w", "w"),
        "gone": (arrow.int32(), None, None),
    }
    table = arrow.table({n: arrow.array([v], t) for n, (t, v, _) in fields.items()})
    stream = io.BytesIO()
    pyarrow.parquet.write_table(table, stream)
    assert load(stream.getvalue(), "x.parquet").rows == [{n: v for n, (_, _, v) in fields.items()}]
    stream = io.BytesIO()
    pyarrow.parquet.write_table(arrow.table({"u": arrow.array([1, 1 << 63], arrow.uint64())}), stream)
    got = load(stream.getvalue(), "x.parquet", columns=columns("u"))
    assert (got.rows, got.faults) == ([(1,)], [(2, "E4010", "x.parquet")])


def parquet_of(**columns_of_table: Any) -> bytes:
    import pyarrow as arrow
    import pyarrow.parquet

    stream = io.BytesIO()
    arrays = {n: arrow.array(v, t) if isinstance(v, list) else v for n, (t, v) in columns_of_table.items()}
    pyarrow.parquet.write_table(arrow.table(arrays), stream)
    return stream.getvalue()


def test_parquet_moments_that_python_has_not(load: Any) -> None:
    import pyarrow as arrow

    ns, far = arrow.timestamp("ns"), 253402300800000
    one = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)
    fields: dict[str, tuple[Any, Any, Any]] = {
        "far": (arrow.timestamp("ms"), far, DatetimeMS(far)),
        "before": (arrow.timestamp("us"), -1, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        "days": (arrow.date32(), 2932897, DatetimeMS(far)),
        "day64": (arrow.date64(), 86_400_000, datetime(1970, 1, 2, tzinfo=UTC)),
        "list": (arrow.list_(ns), [1_999_999, None], [one, None]),
        "large": (arrow.large_list(ns), [1_999_999], [one]),
        "two": (arrow.list_(ns, 2), [1_999_999, 0], [one, datetime(1970, 1, 1, tzinfo=UTC)]),
        "struct": (arrow.struct([("t", ns)]), {"t": 1_999_999}, {"t": one}),
        "map": (arrow.map_(arrow.string(), ns), [("k", 1_999_999)], {"k": one}),
        "clock": (arrow.time64("ns"), 1_999, "00:00:00.000001"),
        "short": (arrow.time32("s"), 61, "00:01:01"),
        "length": (arrow.duration("ns"), 1, 1e-6),
        "numbers": (arrow.list_(arrow.float64()), [float("inf")], [float("inf")]),
    }
    words = arrow.array([1_999_999], ns).dictionary_encode()
    data = parquet_of(word=(None, words), **{n: (t, [v]) for n, (t, v, _) in fields.items()})
    assert load(data, "x.parquet").rows == [{"word": one, **{n: v for n, (_, _, v) in fields.items()}}]
    assert load(data, "x.parquet", columns=columns("far DATE", "before TIMESTAMP")).rows == [
        (fields["far"][2], fields["before"][2])]


def test_parquet_values_without_a_form_in_bson(load: Any) -> None:
    import pyarrow as arrow

    strings = arrow.Array.from_buffers(
        arrow.string(), 3, [None, arrow.py_buffer(struct.pack("<4i", 0, 2, 4, 4)), arrow.py_buffer(b"\xff\xfeok")])
    integers = arrow.map_(arrow.int32(), arrow.int32())
    for kind, values, good, code in (
        (arrow.string(), strings, "ok", "E4011"),
        (arrow.list_(arrow.uint64()), [[1 << 63], [1], None], [1], "E4010"),
        (integers, [[(1, 1), (1, 2)], [(1, 1)], None], {"1": 1}, "E4005"),
        (arrow.map_(arrow.string(), arrow.int32()), [[("$a", 1)], [("b", 1)], None], {"b": 1}, "E4005"),
    ):
        got = load(parquet_of(x=(kind, values), n=(arrow.int32(), [1, 2, 3])), "x.parquet")
        assert got.faults == [(1, code, "x.parquet")]
        if kind != arrow.string():
            assert got.rows == [{"x": good, "n": 2}, {"x": None, "n": 3}]
    with pytest.raises(UsageError, match=r"x.parquet: a struct has the name '\$a'") as error:
        load(parquet_of(x=(arrow.list_(arrow.struct([("$a", arrow.int32())])), [[]])), "x.parquet")
    assert error.value.code == "E4005"


def test_parquet_columns_that_are_not_asked_for_are_not_read(load: Any) -> None:
    import pyarrow as arrow

    part = arrow.struct([("x", arrow.int32()), ("$y", arrow.int32())])
    good, number = arrow.struct([("x", arrow.int32())]), arrow.int32()
    data = parquet_of(a=(number, [1, 2]), bad=(part, [None, None]), s=(good, [{"x": 3}, None]), b=(number, [5, 6]))
    assert load(data, "x.parquet", columns=columns("b", "s.x", "gone")).rows == [(5, 3, MISSING), (6, MISSING, MISSING)]
    for wanted in (None, columns("gone"), columns("bad.x")):
        with pytest.raises(UsageError, match="a struct has the name"):
            load(data, "x.parquet", columns=wanted)
    dotted = parquet_of(**{"s.x": (number, [1]), "s": (good, [{"x": 2}])})
    assert load(dotted, "x.parquet", columns=columns("s.x")).rows == [(1,)]
    assert load(parquet_of(a=(number, [1, 2])), "x.parquet", columns=columns("gone")).rows == [(MISSING,)] * 2


def test_parquet_that_is_none(load: Any) -> None:
    with pytest.raises(UsageError) as error:
        load(b"not parquet at all", "x.parquet")
    assert error.value.code == "E6002"
    with pytest.raises(UsageError, match="damaged"):
        load(b"not gzip", "x.parquet.gz")


def test_parquet_without_its_library(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match="pyarrow") as error:
        load(b"PAR1", "x.parquet")
    assert (error.value.code, error.value.hint) == ("E6005", "pip install 'sqlbulk[parquet]'")


def test_errors_of_every_kind_are_ours(load: Any) -> None:
    for kind in ("csv", "tsv", "ndjson", "json", "bson", "parquet"):
        for data in (b"\xff\xfe", b"\0\0\0\0", b'"', b"{", b"[", b"a\nb", b"\xff\xfe\0\0"):
            try:
                load(data, f"x.{kind}")
            except SqlbulkError as error:
                assert error.code in ("E6002", "E4005")


def test_files_of_a_pattern_are_read_by_the_first_ones_dialect(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n1;2\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match=r"b\.csv has another header than a\.csv"):
        open_rows(FileRows("*.csv", SPAN), base_dir=tmp_path)


@pytest.mark.parametrize("name", ["x.csv", "x.ndjson", "x.json"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_without_its_mark(load: Any, name: str, encoding: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: not {encoding} ") as error:
        load('{"a": 1}\n{"a": 2}\n', name, encoding=encoding)
    assert error.value.code == "E6002"


def test_numbers_beyond_floating_point_stay_text(load: Any) -> None:
    got = load("big,small,zero,near\n1e400,1e-400,0.0,1e308\n")
    assert got.rows == [("1e400", "1e-400", 0.0, 1e308)]


def test_columns_with_dots_reach_into_documents(load: Any) -> None:
    lines = '{"a": {"b": {"c": "1"}}}\n{"a.b.c": "2"}\n{"a": {"b": 3}}\n{"a": []}\n{}\n{"a": {"b": {"c": null}}}\n'
    rows = [(1,), (2,), (7,), (7,), (7,), (None,)]
    assert load(lines, "x.ndjson", columns=(FileColumn("a.b.c", "INT", default=7, has_default=True),)).rows == rows
    assert load(lines, "x.ndjson", columns=columns("a.b.c INT")).rows[2:5] == [(MISSING,)] * 3


def test_a_bson_document_of_no_known_type(load: Any) -> None:
    damaged = bytearray(bson.encode({"a": 1}))
    damaged[4] = 0x99
    got = load(bson.encode({"a": 1}) + bytes(damaged), "x.bson")
    assert got.faults == [(2, "E4001", "x.bson")]
    assert re.search(r"at byte 12 .*unknown BSON type", got.errors[0].message)
