"""Files named in a statement: their options checked, their columns as the readers want them."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlbulk import commands
from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.plan.binding.binder import bind_constant
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.targets import check_distinct, target_path
from sqlbulk.syntax import statements as st

FORMATS = ("csv", "tsv", "jsonl", "ndjson", "json", "bson", "parquet")
COMPRESSIONS = ("gz", "gzip", "bz2", "bzip2", "zst", "zstd", "none")
_SIZED = {"DECIMAL", "NUMERIC", "TEXT", "VARCHAR", "CHAR", "STRING"}
"""The types whose size the readers check."""
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n", "\\\\": "\\", "\\0": "\0"}


def read_file_source(
    source: st.FileSource, environment: Environment, *, base: commands.FileRows | None = None
) -> commands.FileRows:
    """The file with its options over those of `base`; raises PlanError E2007 or E2018 at the option to blame."""
    found: dict[str, Any] = {}
    for option in source.options:
        name, check, _ = SETTINGS[option.name]
        if name in found and name != "null":
            raise PlanError("E2018", f"{option.name} is given twice", option.span)
        value = bind_constant(option.value, environment).value
        try:
            # NULL may be spelled in several ways
            found[name] = (*found.get(name, ()), *_nulls(value)) if name == "null" else check(value)
        except ValueError as problem:
            raise PlanError("E2007", f"{option.name}: {problem}", option.span) from None
    if not source.path:
        raise PlanError("E2007", "the file's path is empty", source.span)
    rows = base or commands.FileRows(source.path, source.span)
    return replace(rows, path=source.path, span=source.span, **found)


def _word(words: Sequence[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value.lower()

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return _ESCAPES.get(value, value)


def _mark(value: Any) -> str:
    text = _text(value)
    if len(text) > 1 or text in ("\n", "\r", "\0"):
        raise ValueError("one character at most, and no line end")
    return text


def _delimiter(value: Any) -> str:
    text = _text(value)
    if not text or set(text) & {"\n", "\r", "\0"}:
        raise ValueError("empty, or a line end")
    return text


def _flag(value: Any) -> bool:
    words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise ValueError("not true or false")
    return found


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError("not a whole number of 0 or more")
    return value


def _nulls(value: Any) -> tuple[str, ...]:
    return (_plain_text(value),)


def _plain_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _encoding(value: Any) -> str:
    text = _plain_text(value)
    text = {"utf8mb4": "utf-8", "utf8mb3": "utf-8"}.get(text.lower(), text)
    try:
        codecs.lookup(text)
    except (LookupError, ValueError):
        raise ValueError(f"there is no encoding {text!r}") from None
    return text


class FileSetting(NamedTuple):
    """An option of a file: the field of `FileRows` that it fills, what checks its value, and what it means."""

    field: str
    check: Callable[[Any], Any]
    help: str


SETTINGS: dict[str, FileSetting] = {
    "FORMAT": FileSetting("format", _word(FORMATS), "The format; else the file's extension tells it."),
    "COMPRESSION": FileSetting(
        "compression", _word(COMPRESSIONS), "`gz`, `bz2`, `zst` or `none`; else the file's extension tells it."),
    "DELIMITER": FileSetting(
        "delimiter", _delimiter,
        "What stands between values, of up to nine characters; else found out: `,` `;` `|` or a tab."),
    "QUOTE": FileSetting(
        "quote", _mark,
        "What surrounds values, `''` for nothing; else found out: `\"`, or `'` where most lines have it."),
    "ESCAPE": FileSetting(
        "escape", _mark,
        "What takes the meaning from the character behind it; else nothing does, and a quote in a value is"
        " written twice. With a backslash `\\N` is NULL, and an empty TEXT is empty text."),
    "HEADER": FileSetting(
        "header", _flag,
        "Whether the first row names the columns; else found out, and an error where it can't be told."),
    "SKIP": FileSetting("skip", _count, "How many lines to pass over at the beginning of each file."),
    "NULL": FileSetting(
        "null", _nulls, "The text that stands for NULL, given again for another spelling; else an empty value is NULL,"
        " quoted or not. It takes the column's default, if there is one."),
    "ENCODING": FileSetting(
        "encoding", _encoding, "The encoding, such as `latin1`; else UTF-8, or what a byte order mark says."),
    "DATE_FORMAT": FileSetting(
        "date_format", _plain_text, "How DATE and TIMESTAMP columns are written, as in `'%d.%m.%Y'`; else ISO 8601."),
    "INFER_TYPES": FileSetting(
        "infer_types", _flag, "`false`: columns without a type are text."),
    "LINE_TERMINATOR": FileSetting(
        "line_terminator", _text, "What ends a row; else any usual line end."),
    "LINE_PREFIX": FileSetting(
        "line_prefix", _plain_text, "What rows begin behind; lines without it are passed over. Only LOAD DATA has it:"
        " `LINES STARTING BY`."),
}
"""The options of files, by the word in the statement."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns listed for a file: for the reader, the field each goes to (None: a variable), and notices."""

    columns: tuple[commands.FileColumn, ...]
    paths: tuple[commands.Path | None, ...]
    notices: tuple[str, ...] = ()


def read_columns(listed: Sequence[st.FileColumn], environment: Environment) -> Columns:
    """The columns of COLUMNS (…) or LOAD DATA; raises PlanError."""
    columns, paths, notices = [], [], []
    for column in listed:
        path = None if column.name is None else target_path(column.name)
        name = ".".join(path) if path else f"@{column.variable}"
        kind = column.type
        if kind is not None and kind.array:
            raise UnsupportedError("E3001", f"a file's column can't be of type {kind.name}[]", kind.span)
        type_name = kind.name if kind else None
        if kind is not None and kind.arguments:
            sized = f"{kind.name}({', '.join(map(str, kind.arguments))})"
            if kind.name in _SIZED:
                type_name = sized
            else:
                notices.append(f"{name} {sized}: the size is not checked")
        default = None if column.default is None else bind_constant(column.default, environment).value
        columns.append(commands.FileColumn(name, type_name, default, column.default is not None))
        paths.append(path)
    check_distinct((p, c.span) for p, c in zip(paths, listed, strict=True) if p is not None)
    _check_names(columns, listed)
    return Columns(tuple(columns), tuple(paths), tuple(notices))


def _check_names(columns: Sequence[commands.FileColumn], listed: Sequence[st.FileColumn]) -> None:
    """Raise E2010 for a @variable that is given twice, or a name that a quoted one spells as well."""
    names = [column.name for column in columns]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise PlanError("E2010", f"{name} is named twice", listed[position].span)


__all__ = ["SETTINGS", "Columns", "read_columns", "read_file_source"]
