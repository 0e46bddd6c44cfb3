"""Rows in, results out: the table of formats, opening files by it, and writing results by it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import Any, BinaryIO, TextIO

from sqlbulk.commands import FileRows
from sqlbulk.errors import UsageError
from sqlbulk.formats.cells import Layout
from sqlbulk.formats.inputs import COMPRESSIONS, FileSource, check_encoding, find_inputs
from sqlbulk.formats.summaries import closing_table, rejected_table, summary_table
from sqlbulk.results import Result

__all__ = [
    "FORMATS", "Format", "closing_table", "open_rows", "rejected_table", "summary_table", "write_result",
]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its names, file extensions, and `module:function` of what reads and writes it.

    `options` are the fields of `FileRows` that its reader heeds, besides those that all do.
    """

    name: str
    help: str
    extensions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    reader: str | None = None
    writer: str | None = None
    options: frozenset[str] = frozenset()


_ALL = frozenset({"path", "span", "format", "compression", "columns", "date_format"})
_DELIMITED = frozenset({"delimiter", "quote", "escape", "line_terminator", "line_prefix", "header", "skip", "null",
                        "encoding", "infer_types"})

FORMATS: tuple[Format, ...] = (
    Format("csv", "Values with commas, semicolons or bars between them; a header; quotes as in RFC 4180.",
           ("csv",), reader="csv:read", writer="csv:write", options=_DELIMITED),
    Format("tsv", "The same with tabs.", ("tsv", "tab"), reader="csv:read_tsv", writer="csv:write_tsv",
           options=_DELIMITED),
    Format("jsonl", "A JSON document a line, plain or MongoDB extended JSON.",
           ("jsonl", "ndjson"), ("ndjson",), reader="jsonl:read", writer="jsonl:write",
           options=frozenset({"skip", "encoding"})),
    Format("json", "An array of JSON documents, or documents one after the other; plain or extended.",
           ("json",), reader="json:read", writer="json:write", options=frozenset({"encoding"})),
    Format("bson", "A dump as mongodump writes it.", ("bson",), reader="bson:read"),
    Format("parquet", "Parquet; needs pyarrow (pip install 'sqlbulk[parquet]').",
           ("parquet", "pq"), reader="parquet:read"),
    Format("table", "A drawn table, for people.", writer="table:write"),
    Format("vertical", "A value a line, for people and wide rows.", writer="table:write_vertical"),
    Format("markdown", "A Markdown table.", aliases=("md",), writer="markup:write_markdown"),
    Format("html", "An HTML table.", writer="markup:write_html"),
)
"""Every format, once."""


def open_rows(spec: FileRows, *, base_dir: Path | None, stdin: BinaryIO | None = None) -> FileSource:
    """The rows of the files that a statement names, as a `rowdata.RowSource` that is also a context manager.

    `base_dir` is what relative paths start from, None: the working directory. `stdin` stands in for the
    program's standard input. Raises UsageError (E6002 for a file that can't be read, E6005 without a
    library, E4005 for a header MongoDB can't take, E2007 for a bad option) and PlanError (E2007) for an
    unknown type.
    """
    check_encoding(spec.encoding)
    inputs = find_inputs(spec, base_dir=base_dir, stdin=stdin)
    chosen = _by_extension(spec.path, inputs[0].name) if spec.format is None else _named(spec.format, "reader")
    for field in fields(spec):
        if field.name not in _ALL | chosen.options and getattr(spec, field.name) != field.default:
            raise UsageError("E6001", f"{field.name.upper()} has no meaning for the format {chosen.name}")
    source: FileSource = _load(chosen.reader)(spec, inputs)
    return source


def write_result(
    result: Result, stream: TextIO, *, format: str = "table", null: str | None = None,
    max_width: int | None = 60, header: bool = True,
) -> None:
    """Write a result's rows, or the table of its summary if it has no columns, as they come from the server.

    `null` is the text for NULL in formats without one of their own, `max_width` how many characters of a
    cell a table shows (None: all; plans are always shown whole), `header` False leaves the column names out of
    table, CSV, TSV and HTML.
    Raises UsageError (E2007) for an unknown format.
    """
    chosen = _named(format, "writer")
    if not result.columns:
        if result.summary is None:
            return
        result = summary_table(result)
    layout = Layout(null, None if result.statement.startswith("EXPLAIN") else max_width, header)
    _load(chosen.writer)(result.columns, result.rows, stream, layout)


def _named(name: str, side: str) -> Format:
    for entry in FORMATS:
        if name.lower() in (entry.name, *entry.aliases) and getattr(entry, side) is not None:
            return entry
    able = ", ".join(entry.name for entry in FORMATS if getattr(entry, side) is not None)
    done = "read" if side == "reader" else "written"
    raise UsageError("E2007", f"format {name!r} is not one that can be {done}", hint=f"There are {able}.")


def _by_extension(pattern: str, name: str) -> Format:
    suffixes = [suffix.lower().lstrip(".") for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    for entry in FORMATS:
        if suffixes and suffixes[-1] in entry.extensions:
            return entry
    shown = "standard input" if pattern == "-" else name
    able = ", ".join(entry.name for entry in FORMATS if entry.reader is not None)
    raise UsageError("E6002", f"{shown}: the name doesn't tell the format",
                     hint=f"Say FORMAT; there are {able}.")


def _load(place: str | None) -> Any:
    module, _, function = (place or "").partition(":")
    return getattr(importlib.import_module(f"sqlbulk.formats.{module}"), function)
