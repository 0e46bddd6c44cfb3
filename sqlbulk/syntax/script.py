"""Splits a script into statements, lazily, and cuts the value lists out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from sqlbulk.errors import Cut, Source, Span, SqlSyntaxError
from sqlbulk.syntax.foreign import HINT_SIGNS
from sqlbulk.syntax.lexical import COMMENT, HINT, OPENING, QUOTED, ROWS_MARK, SPACE
from sqlbulk.syntax.listend import ListReader
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.rows import check_structure
from sqlbulk.syntax.textsource import PIECE, ValueText, open_input
from sqlbulk.syntax.window import Window

_TOKEN = compiled(
    rf"((?:{SPACE}++|{COMMENT})++)|({QUOTED})|({OPENING})|([A-Za-z0-9_\x80-\xff]++)|(\x00)|[\s\S]".encode("latin-1")
)
_HINTED = compiled(rf"(?:{SPACE}++|(?!{HINT})(?:{COMMENT}))*+(?={HINT})".encode("latin-1"))
"""A gap up to a comment that other databases read: that is no gap, and the parser refuses it."""
_SIGN, _GAP, _QUOTED, _OPENING, _WORD, _NUL = 0, 1, 2, 4, 5, 6
_DELIMITER = compiled(rb"[ \t]*+([^\s\w'\"`\\(),#]*+)[ \t\r]*+(?:\n|\Z)")
_MARK = ROWS_MARK.encode()
_KINDS = {b"/": "comment", b'"': "quoted name", b"`": "quoted name"}


@dataclass(frozen=True, slots=True)
class ScriptStatement:
    """A statement of a script.

    In `source.text` the value list of an INSERT, UPSERT or REPLACE is replaced by `ROWS_MARK`, and `rows`
    is the list; None if there is none. `directory` is where the script's file lies, from which the
    files that it names are found; None: the working directory.
    """

    source: Source
    rows: ValueText | None = None
    directory: Path | None = None


def statements(
    script: str | Path | IO[bytes] | TextIO, *, name: str = "<sql>", piece: int = PIECE
) -> Iterator[ScriptStatement]:
    """The statements of a script one after another; empty ones and pure comments are left out.

    Comments that other databases read as SQL or hints are none: they are parts of statements, or statements.

    `script` is the text itself, a path, or an open file, binary or text; it is read `piece` bytes at a
    time as the statements are asked for. A long value list isn't kept in memory: its place in the file is
    read again, so a file must stay open and unchanged until its rows are read; of a stream it is put into
    a temporary file. `DELIMITER //` changes the delimiter as in MySQL.

    Raises SqlSyntaxError: E1002 a quote, comment or value list has no end, E1008 not UTF-8 or a NUL,
    E1001 a stray `ROWS_MARK` or bad delimiter; UnsupportedError E3001 such a comment in a value list; UsageError
    E6002 if the file can't be read.
    """
    splitter = _Splitter(Window(open_input(script, piece)), name)
    while (statement := splitter.next()) is not None:
        yield statement


class _Splitter:
    """A walk over the script, statement by statement."""

    def __init__(self, window: Window, name: str) -> None:
        self.window = window
        self.name = name
        self.delimiter = b";"
        self.parts = _Parts()
        if window.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self._error("E1008", "The script is UTF-16; save it as UTF-8")

    def next(self) -> ScriptStatement | None:
        """The next statement that isn't empty; None at the end."""
        while True:
            self.parts = _Parts(self.window.line, self.window.column)
            kind, token = self._token()
            if kind is None:
                return None
            if kind == _WORD and token.upper() == b"DELIMITER":
                self._read_delimiter()
            elif kind != _GAP and token != self.delimiter:
                return self._statement(kind, token)
            elif kind == _GAP and (hinted := _HINTED.match(token)):
                if not hinted.end():
                    return self._statement(kind, token)
                self.window.at -= len(token) - hinted.end()
            self.window.drop(self.window.at)

    def _token(self) -> tuple[int | None, bytes]:
        """The next token's kind and text, None at the end; the window is behind it then."""
        window = self.window
        while True:
            if window.data.startswith(self.delimiter, window.at):
                window.at += len(self.delimiter)
                return _SIGN, self.delimiter
            match = _TOKEN.match(window.data, window.at)
            open_end = match is None or match.end() == len(window.data) or match.lastindex == _OPENING
            if not (open_end and window.more()):
                break
        if match is None:
            return None, b""
        kind = match.lastindex or _SIGN
        self._check(kind, match[0])
        window.at = match.end()
        return kind, match[0]

    def _check(self, kind: int, token: bytes) -> None:
        """Refuse what can stand nowhere."""
        if kind == _OPENING:
            what = _KINDS.get(token[:1], "string")
            raise self._error("E1002", f"The {what} that begins here is never closed")
        if kind == _NUL:
            raise self._error("E1008", "A NUL character outside of a string")
        if kind == _WORD and _MARK in token:
            self.window.at += token.index(_MARK)
            raise self._error("E1001", "The character U+E000 can't stand outside of a string")

    def _statement(self, kind: int | None, token: bytes) -> ScriptStatement:
        """The statement whose first token was just read."""
        window, watch = self.window, _InsertWatch()
        rows: ValueText | None = None
        length = window.at - window.start
        while kind is not None and token != self.delimiter:
            if kind == _GAP and any(sign in token for sign in _NO_GAP):
                length = window.at - window.start  # the parser says that this is an operator or a hint elsewhere
            elif kind != _GAP:
                length = window.at - window.start
                if watch.at_rows(kind, token):
                    rows = self._read_rows(len(token))
                    length = 0
            kind, token = self._token()
        self.parts.end(window.data[window.start : window.start + length])
        window.drop(window.at)
        return ScriptStatement(self._source(), rows)

    def _read_rows(self, token: int) -> ValueText:
        """Cut out the value list whose first token was just read."""
        window = self.window
        window.at -= token
        self.parts.cut(window.drop(window.at))
        rows = ListReader(window, self.delimiter, self.name).read()
        if not rows.complete:
            check_structure(rows)
        self.parts.line_behind, self.parts.column_behind = window.line, window.column
        return rows

    def _read_delimiter(self) -> None:
        window = self.window
        while b"\n" not in window.data[window.at :] and window.more():
            pass
        match = _DELIMITER.match(window.data, window.at)
        if match is None or not match[1]:
            raise self._error("E1001", "DELIMITER takes one sign such as // and stands on a line of its own")
        self.delimiter = match[1]
        window.at = match.end()

    def _source(self) -> Source:
        """What was read of the statement. SqlSyntaxError E1008: it isn't UTF-8."""
        errors = self.window.source.errors
        try:
            return self.parts.source(self.name, errors)
        except UnicodeDecodeError as error:
            source = self.parts.source(self.name, "replace")
            at = len(error.object[: error.start].decode())
            span = Span(at, at + 1)
            raise SqlSyntaxError("E1008", "The script is not UTF-8 here", span, source=source) from error

    def _error(self, code: str, message: str) -> SqlSyntaxError:
        """An error at the place where the window is."""
        window = self.window
        newline = window.data.find(b"\n", window.at)
        end = newline if newline >= 0 else len(window.data)
        before = window.data[window.start : window.at]
        behind = window.data[window.at : end][:500]
        whole, part = _Parts(**vars(self.parts)), _Parts(**vars(self.parts))
        whole.end(before + behind)
        part.end(before)
        source = whole.source(self.name, "replace")
        at = len(part.source(self.name, "replace").text)
        return SqlSyntaxError(code, message, Span(at, at + 1), source=source)


@dataclass
class _Parts:
    """The bytes of a statement: all of it, or what stands before and behind the value list, and their places."""

    line: int = 1
    column: int = 1
    before: bytes | None = None
    behind: bytes = b""
    line_behind: int = 1
    column_behind: int = 1

    def cut(self, before: bytes) -> None:
        """The value list begins behind these bytes."""
        self.before = before

    def end(self, rest: bytes) -> None:
        """The statement, or what is behind the list, is this."""
        self.behind = rest

    def source(self, name: str, errors: str) -> Source:
        """The text, the list replaced by the mark. UnicodeDecodeError: it is not UTF-8."""
        if self.before is None:
            return Source(self.behind.decode("utf-8", errors), name, self.line, self.column)
        text = (self.before + _MARK + self.behind).decode("utf-8", errors)
        at = len(self.before.decode("utf-8", errors))
        return Source(text, name, self.line, self.column, Cut(at, self.line_behind, self.column_behind))


class _InsertWatch:
    """Follows a statement's tokens to see where its own value list begins."""

    def __init__(self) -> None:
        self.depth = 0
        self.follow: Callable[[bytes], None] | None = self._first
        self.previous = b""

    def at_rows(self, kind: int, token: bytes) -> bool:
        """Whether the value list begins with this token."""
        if self.follow is None:
            return False
        if self.follow == self._rows:
            self.follow = None
            return token == b"(" or token.upper() == b"ROW"
        if token in b"()":
            self.depth += 1 if token == b"(" else -1
        elif not self.depth and kind == _WORD:
            self.follow(token.upper())
        self.previous = token.upper()
        return False

    def _first(self, word: bytes) -> None:
        self.follow = self._verb if word in _PREFIXES else self._values if word in _VERBS else None

    def _verb(self, word: bytes) -> None:
        if word in _VERBS:
            self.follow = self._values
        elif word in _OTHER_BODIES:
            self.follow = None

    def _values(self, word: bytes) -> None:
        if word == b"VALUES" and self.previous not in _BEFORE_TABLE:
            self.follow = self._rows
        elif word in _OTHER_BODIES:
            self.follow = None

    def _rows(self, word: bytes) -> None:
        """Behind VALUES; `at_rows` decides."""


_NO_GAP = (b"#>", b"#-", *(sign.encode() for sign in HINT_SIGNS))
_PREFIXES = {b"EXPLAIN", b"DRY", b"WITH", b"BULK"}
_VERBS = {b"INSERT", b"UPSERT", b"REPLACE"}
_BEFORE_TABLE = _VERBS | {b"INTO", b"IGNORE", b"."}
_OTHER_BODIES = {b"SELECT", b"FROM", b"UPDATE", b"DELETE", b"MERGE", b"LOAD", b"SET", b"TABLE"}
