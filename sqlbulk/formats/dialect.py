"""How a delimited file is punctuated: what is given, what is found out, and what the csv module can't do."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlbulk.commands import FileRows
from sqlbulk.errors import UsageError
from sqlbulk.formats.celltypes import INFERRED, TEXT, inferred_kind
from sqlbulk.formats.columns import NULL_MARK

SNIFFED_LINES = 100
_DELIMITERS = ",;\t|"
# Halves of characters stand for what would confuse the csv module: no valid text holds them.
_DELIMITER_MARK, _LINE_FEED, _RETURN = "\ud802", "\ud803", "\ud804"
_FIRST_ESCAPE = 0xD810
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A file's punctuation. `terminator` None: line ends of any usual kind. `quote` '': no quoting."""

    delimiter: str
    quote: str
    escape: str
    terminator: str | None
    prefix: str

    @property
    def line_end(self) -> bytes:
        """The bytes at which a file may be cut."""
        return (self.terminator or "\n").encode()

    def reader_options(self) -> dict[str, object]:
        """What the csv module is told."""
        return {
            "delimiter": self.delimiter if len(self.delimiter) == 1 else _DELIMITER_MARK,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "doublequote": True,
            "strict": True,
        }


def make_dialect(spec: FileRows, sample: str, *, delimiter: str | None) -> Dialect:
    """What the statement says, and the rest from the beginning of the file. Raises UsageError (E2007)."""
    terminator = spec.line_terminator
    if terminator in ("\n", "\r\n"):
        terminator = None
    elif terminator is None and "\r" in sample and "\n" not in sample:
        terminator = "\r"
    lines = [line for line in sample.split(terminator or "\n")[:SNIFFED_LINES] if line.strip()]
    quote = _sniff_quote(lines) if spec.quote is None else spec.quote
    marks = (("quote", quote, 1), ("escape", spec.escape or "", 1), ("delimiter", spec.delimiter or "", 9))
    for what, mark, longest in marks:
        if len(mark) > longest or set(mark) & set("\0\r\n"):
            raise UsageError("E2007", f"{mark!r} can't be used as {what}")
    delimiter = spec.delimiter or delimiter or _sniff_delimiter(lines, quote)
    dialect = Dialect(delimiter, quote, spec.escape or "", terminator, spec.line_prefix or "")
    if spec.line_terminator == "" or quote == delimiter or (dialect.escape and dialect.escape == delimiter):
        raise UsageError("E2007", "delimiter, quote, escape and line terminator must differ and not be empty")
    return dialect


def _sniff_quote(lines: Sequence[str]) -> str:
    """The double quote, unless single quotes surround values in most lines and there are no double ones."""
    if any('"' in line for line in lines):
        return '"'
    surrounded = sum(1 for line in lines if re.search(r"(?:^|[,;\t|])'[^']*'(?:[,;\t|\r]|$)", line))
    return "'" if surrounded * 2 > len(lines) else '"'


def _sniff_delimiter(lines: Sequence[str], quote: str) -> str:
    """The sign that splits most lines into equally many values, the more the better; a comma if none does."""
    best = (0.0, 0, ",")
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(lines, delimiter=delimiter, quotechar=quote or None,
                                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)
            widths = Counter(len(row) for row in reader if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        share = count / max(1, widths.total())
        if width > 1 and (round(share, 1), width) > best[:2]:
            best = (round(share, 1), width, delimiter)
    return best[2]


def has_header(
    spec: FileRows, first: Sequence[str], name: str, *, following: Sequence[Sequence[str]] = ()
) -> bool:
    """Whether the first row names the columns, judged by some rows behind it as well.

    Raises UsageError (E6002) where that can't be told.
    """
    if spec.header is not None:
        return spec.header
    titles = [title.strip() for title in first]
    if spec.columns is not None:
        wanted = [column.name for column in spec.columns if column.name is not None]
        return _names_columns(wanted, titles, name) or _begins_with_data(titles, following, name)
    for title in titles:
        if title and inferred_kind([title]) is not TEXT:
            what = next(kind.what for kind in INFERRED if kind is inferred_kind([title]))
            raise UsageError("E6002", f"{name}: {title} is {what}, so is the first row a header?",
                             hint="Say header = true, or header = false.")
    return True


def _names_columns(wanted: Sequence[str], titles: Sequence[str], name: str) -> bool:
    """Whether a first row has all of these names. Raises UsageError (E6002) if it has only some, or in other cases."""
    missing = [column for column in wanted if column not in titles]
    folded = {title.casefold() for title in titles}
    alike = [column for column in wanted if column.casefold() in folded]
    if missing and alike:
        raise _unclear(titles, name, f"it names {alike[0]}, but has no column {missing[0]}")
    return not missing


def _begins_with_data(titles: Sequence[str], following: Sequence[Sequence[str]], name: str) -> bool:
    """Always False. Raises UsageError (E6002) if the first row is text above a column of something else."""
    if any(inferred_kind([title]) is not TEXT for title in titles):
        return False
    rows = [row for row in following if len(row) == len(titles)]
    for number, title in enumerate(titles):
        cells = [row[number] for row in rows if row[number]]
        if inferred_kind(cells) is not TEXT:
            raise _unclear(titles, name, f"{title or 'nothing'} is above values such as {cells[0]}")
    return False


def _unclear(titles: Sequence[str], name: str, why: str) -> UsageError:
    return UsageError(
        "E6002", f"{name}: the first row reads {', '.join(titles)[:200]}: {why}, so is it a header?",
        hint="Say header = true, or header = false.")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Puts marks in place of what the csv module can't read: escapes, long delimiters, own line ends.

    `before` works on text before it is split, `after` on each cell.
    """

    before: Callable[[str], str]
    after: Callable[[str], str]


def make_rewriting(dialect: Dialect) -> Rewriting | None:
    """What a dialect needs besides the csv module, None: nothing."""
    escape = None
    if dialect.escape not in ("", dialect.quote):
        escape = re.compile(re.escape(dialect.escape) + "(.)", re.DOTALL)
    if escape is None and dialect.terminator is None and len(dialect.delimiter) == 1:
        return None
    escapable = [*_ESCAPES, *dict.fromkeys(["\\", '"', "'", "\n", "\r", dialect.escape, dialect.delimiter[0],
                                            *dialect.quote, *(dialect.terminator or "")])]
    marks = {sign: chr(_FIRST_ESCAPE + i) for i, sign in enumerate(escapable)}
    marks |= {"N": NULL_MARK, "\n": _LINE_FEED}
    back = {ord(mark): _ESCAPES.get(sign, sign) for sign, mark in marks.items()}
    back |= {ord(_DELIMITER_MARK): dialect.delimiter, ord(_RETURN): "\r"}
    if dialect.terminator is not None:
        back[ord("\n")] = dialect.terminator

    def before(text: str) -> str:
        if escape is not None and dialect.escape in text:
            text = escape.sub(lambda match: marks.get(match[1], match[1]), text)
        if dialect.terminator is not None:
            text = text.replace(dialect.terminator, "\udfff").replace("\n", _LINE_FEED).replace("\r", _RETURN)
            text = text.replace("\udfff", "\n")
        return text.replace(dialect.delimiter, _DELIMITER_MARK) if len(dialect.delimiter) > 1 else text

    def after(cell: str) -> str:
        plain = cell.isascii() and dialect.terminator is None
        return cell if plain or cell == NULL_MARK else cell.translate(back)

    return Rewriting(before, after)


def line_feeds(cell: str) -> int:
    """How many line ends of the file a cell holds, as it was split (before `Rewriting.after`)."""
    return cell.count("\n") + cell.count(_LINE_FEED)
