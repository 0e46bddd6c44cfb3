"""What can go wrong: the error classes, the place in the text, and how it is drawn.

    SqlbulkError
    ├── SqlError            a statement is wrong; has a span, and is drawn with a caret
    │   ├── SqlSyntaxError      it can't be read
    │   ├── PlanError           it can be read, but names or types don't fit
    │   └── UnsupportedError    it means something that sqlbulk doesn't do
    ├── UsageError          the command line, a call or a file is wrong
    ├── ConnectionFailed    no server, wrong password, not allowed
    ├── ServerError         the server refused or lost a whole statement
    ├── TooManyErrors       stopped at the error limit
    ├── ArchiveDiffers      an archive doesn't hold what it should; nothing is lost
    ├── Interrupted         stopped by the user; what was done is in `summary`
    └── RowRefused          one row can't be written; becomes a `rowdata.RowError`
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import ClassVar

from sqlbulk.codes import CODES


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source's text: offsets in characters, `end` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a value list was taken out of a source's text, and where in the file the text goes on behind it.

    `at` is the offset in the text of the character that stands for the list; `line` and `column`
    (1-based) are the file's position of the first character after the list.
    """

    at: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """One statement's text, the name of what it came from, and the place there where it begins (1-based)."""

    text: str
    name: str = "<sql>"
    line: int = 1
    column: int = 1
    cut: Cut | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column (1-based) in the file of an offset in the text."""
        if self.cut is not None and offset > self.cut.at:
            return _advance(self.text[self.cut.at + 1 : offset], self.cut.line, self.cut.column)
        return _advance(self.text[:offset], self.line, self.column)

    def line_at(self, offset: int) -> tuple[str, int]:
        """The text's line that holds the offset, and the offset within that line."""
        starts = [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]
        start = starts[bisect_right(starts, offset) - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)], offset - start


def _advance(text: str, line: int, column: int) -> tuple[int, int]:
    newlines = text.count("\n")
    if newlines:
        return line + newlines, len(text) - text.rfind("\n")
    return line, column + len(text)


class SqlbulkError(Exception):
    """The base of every error that sqlbulk raises on purpose.

    `code` is one of `codes.CODES`, `message` one sentence, `hint` what to do about it or None.
    `exit_code` is what the command line ends with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        assert code in CODES, code
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    def __str__(self) -> str:
        return _drawn(self.code, self.message, self.hint)


class SqlError(SqlbulkError):
    """A statement is wrong. `source` is filled in by whoever knows the text (`with_source`)."""

    def __init__(
        self, code: str, message: str, span: Span, *, source: Source | None = None, hint: str | None = None
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.span, self.source = span, source

    def with_source(self, source: Source) -> SqlError:
        """The same error, knowing the text it is about (the first source given stays)."""
        self.source = self.source or source
        return self

    def __str__(self) -> str:
        return _drawn(self.code, self.message, self.hint, caret(self.source, self.span))


class SqlSyntaxError(SqlError):
    """The text can't be read."""


class PlanError(SqlError):
    """The text can be read, but its names, types or clauses don't fit together."""


class UnsupportedError(SqlError):
    """The text means something that sqlbulk doesn't do."""


class UsageError(SqlbulkError):
    """The command line, a call or a file is wrong."""


class ConnectionFailed(SqlbulkError):  # noqa: N818
    """No server, a wrong password, or not allowed. `summary` holds what was done before, where anything was."""

    exit_code = 2

    def __init__(self, code: str, message: str, *, hint: str | None = None, summary: object = None) -> None:
        super().__init__(code, message, hint=hint)
        self.summary = summary


class ServerError(SqlbulkError):
    """The server refused a whole statement, or was lost on the way. `summary` holds what was done before."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, summary: object = None) -> None:
        super().__init__(code, message, hint=hint)
        self.summary = summary


class ConnectionLost(ServerError):  # noqa: N818
    """The server went away in the middle of a statement; `summary` holds what is known to be done."""

    exit_code = 2


class TooManyErrors(ServerError):  # noqa: N818
    """More rows were refused than `max_errors` allows, or one with `continue_on_error = false`."""

    exit_code = 4


class Interrupted(ServerError):  # noqa: N818
    """Stopped by the user after the batches in flight; `summary` holds what was done."""

    exit_code = 5


class ArchiveDiffers(ServerError):  # noqa: N818
    """What was archived is not what was to be deleted; the documents in question were not deleted."""

    exit_code = 6


@dataclass(slots=True)
class RowRefused(Exception):  # noqa: N818
    """One row can't be written: a code of `codes.CODES`, the reason, and the column if one is to blame.

    `offset` is the place of the fault within the row's text, in characters, where that is known.
    """

    code: str
    message: str
    column: str | None = None
    offset: int | None = field(default=None)


def caret(source: Source | None, span: Span) -> str:
    """`[at file:line:column]`, the line of text and a caret under the span; nothing without a source."""
    if source is None:
        return ""
    line, column = source.position(span.start)
    text, offset = source.line_at(span.start)
    width = max(1, min(span.end - span.start, len(text) - offset))
    shown, shift = _window(text.replace("\ue000", "…"), offset)
    marker = "".join("\t" if c == "\t" else " " for c in shown[: offset - shift])
    where = f" [at {source.name}:{line}:{column}]"
    return f"{where}\n  {shown}\n  {marker}{'^' * min(width, max(1, len(shown) - (offset - shift)))}"


def _window(text: str, offset: int, width: int = 160) -> tuple[str, int]:
    """At most `width` characters of a long line around the offset, and how many were cut off in front."""
    if len(text) <= width:
        return text, 0
    start = max(0, min(offset - width // 2, len(text) - width))
    return text[start : start + width], start


def _drawn(code: str, message: str, hint: str | None, place: str = "") -> str:
    return f"ERROR {code}: {message}{place}" + (f"\nhint: {hint}" if hint else "")
