"""Finds the end of a value list without decoding it, at the speed of memory where the text is ordinary.

In ordinary text a place is outside of strings where an even number of quotes stands before it. So a window
of text needs no tokens if everything that could upset that count (comments, other quotes, delimiters), and
everything that could end the list, is found to stand inside of strings.
"""

from __future__ import annotations

import re

from sqlbulk.errors import Source
from sqlbulk.syntax.foreign import refused_hint
from sqlbulk.syntax.lexical import COMMENT, GAP, HINT, OPENING, QUOTED
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.textsource import PIECE, MemoryStore, SpoolStore, ValueText
from sqlbulk.syntax.window import Window

_CLAUSE = r"(?i:ON|WITH|RETURNING|AS)\b"
_END = compiled(rf"\)\s*+(?:[A-Za-z_]|,\s*+{_CLAUSE})".encode())
_ESCAPED = compiled(rb"(?<!\w)[eE]'")
_GAP = compiled(GAP.encode())
_HINTED = compiled(rf"(?={HINT})(?:{COMMENT})".encode())
_WORD = compiled(rb"(ROW\b)|[A-Za-z_]", re.IGNORECASE)
_CLAUSE_WORD = compiled(_CLAUSE.encode())
_NOT_STRUCTURE = bytes(set(range(256)) - set(b"'()"))
_LEAST_LEAP = 64
_LOOK_AHEAD = 16
_GO_ON, _UNKNOWN = 0, -1


class ListReader:
    """Reads over the value list that begins where the window is, and notes where it can be had again.

    A list of up to `PIECE` bytes is kept in memory. A longer one is read again from the script's store; if
    that is a stream, from a temporary file.
    """

    def __init__(self, window: Window, delimiter: bytes, name: str) -> None:
        self.window, self.delimiter, self.name = window, delimiter, name
        self.line, self.column = window.line, window.column
        self.begin = window.base + window.start
        self.kept: list[bytes] = []
        self.spool: SpoolStore | None = None
        self.size = self.depth = 0
        sign = re.escape(delimiter.decode("latin-1"))
        first = sign[:2] if sign[0] == "\\" else sign[0]
        self.signs = (b'"', b"`", b"#", b"--", b"/*", b"$", delimiter)
        ordinary = rf"{QUOTED}|(?!{HINT})(?:{COMMENT})|(?!{OPENING})[\-/$eE{first}]"
        run = rf"(?:[^()'\"`\-/#$eE{first}]++|(?!{sign})(?:{ordinary}))*+"
        self.run = compiled(run.encode("latin-1"))

    def read(self) -> ValueText:
        """Go behind the list; it is not `complete` if the script ends inside of it.

        UnsupportedError E3001: other databases would read a comment in it.
        """
        while True:
            if not self._leap():
                complete = self._walk(final=False)
                if complete is not None:
                    return self._text(complete)
            if not self.window.more():
                return self._text(bool(self._walk(final=True)))

    def _leap(self) -> bool:
        """Take what is certain to be ordinary rows, up to the beginning of a string; False: use `_walk`."""
        data, at = self.window.data, self.window.at
        quotes = data.count(b"'", at)
        cut = data.rfind(b"'" if quotes else b"(", at)
        if quotes and quotes % 2 == 0:
            cut = data.rfind(b"'", at, cut)
        if cut - at < _LEAST_LEAP or _ESCAPED.match(data, cut - 1):
            return False
        if not all(self._quoted(sign, cut) for sign in self.signs):
            return False
        if data.find(b"\\", at, cut) >= 0 and not self._inside(_ESCAPED, cut):
            return False
        if not self._inside(_END, cut):
            return False
        strings = data[at:cut].translate(None, _NOT_STRUCTURE).replace(b"''", b"")
        structure = b"".join(strings.split(b"'")[::2])
        self.depth += structure.count(b"(") - structure.count(b")")
        self._take(cut)
        return True

    def _quoted(self, sign: bytes, cut: int) -> bool:
        """Whether the sign stands nowhere but inside of strings, up to `cut`."""
        data, at, quotes = self.window.data, self.window.at, 0
        place = data.find(sign, at, cut)
        while place >= 0:
            quotes += data.count(b"'", at, place)
            if quotes % 2 == 0:
                return False
            at = data.find(b"'", place)
            place = data.find(sign, at, cut)
        return True

    def _inside(self, pattern: re.Pattern[bytes], cut: int) -> bool:
        """Whether all the pattern's matches up to `cut` stand inside of strings."""
        data, at, quotes = self.window.data, self.window.at, 0
        for match in pattern.finditer(data, at, cut):
            quotes += data.count(b"'", at, match.start())
            at = match.start()
            if quotes % 2 == 0:
                return False
        return True

    def _walk(self, *, final: bool) -> bool | None:
        """Go token by token to the list's end: is it complete? None: the rest of it is not there yet."""
        data, at = self.window.data, self.window.at
        while True:
            stop = self.run.match(data, at).end()  # type: ignore[union-attr]
            sign = data[stop : stop + 1]
            if data.startswith(self.delimiter, stop):
                return self._take(stop, complete=True)
            if sign == b"(":
                self.depth += 1
            elif sign == b")":
                depth, self.depth = self.depth, max(self.depth - 1, 0)
                end = self._end(stop + 1, final=final) if not self.depth else _GO_ON
                if end == _UNKNOWN:
                    self.depth = depth
                    return self._take(at)
                if end != _GO_ON:
                    return self._take(end, complete=True)
            elif hint := _HINTED.match(data, stop):
                self._take(stop)
                comment = hint[0].decode("utf-8", "replace")
                raise refused_hint(Source(comment, self.name, self.window.line, self.window.column), 0)
            elif final:
                return self._take(len(data), complete=not sign and not self.depth)
            else:
                return self._take(at)
            at = stop + 1

    def _end(self, at: int, *, final: bool) -> int:
        """Where the list ends if it may behind the parenthesis that ends at `at`; or _GO_ON, or _UNKNOWN."""
        data = self.window.data
        end, next_at = at, _GAP.match(data, at).end()  # type: ignore[union-attr]
        comma = data.startswith(b",", next_at)
        if comma:
            end, next_at = next_at + 1, _GAP.match(data, next_at + 1).end()  # type: ignore[union-attr]
        if not final and (len(data) - next_at < _LOOK_AHEAD or data.startswith(b"/*", next_at)):
            return _UNKNOWN
        if next_at == len(data) or data.startswith(self.delimiter, next_at):
            return end
        if comma:
            return end if _CLAUSE_WORD.match(data, next_at) else _GO_ON
        word = _WORD.match(data, next_at)
        return end if word and not word[1] else _GO_ON

    def _take(self, to: int, complete: bool | None = None) -> bool | None:
        """Put what is before `to` behind us; gives `complete` back."""
        part = self.window.drop(to)
        self.size += len(part)
        if self.spool is not None:
            self.spool.write(part)
        elif self.size <= PIECE or self.window.source.store is None:
            self.kept.append(part)
        else:
            self.kept.clear()
        if self.size > PIECE and self.window.source.store is None and self.spool is None:
            self.spool = SpoolStore()
            self.spool.write(b"".join(self.kept))
            self.kept.clear()
        return complete

    def _text(self, complete: bool) -> ValueText:
        errors = self.window.source.errors
        place = (self.name, self.line, self.column, errors, complete)
        if self.spool is not None:
            return ValueText(self.spool, 0, self.size, *place)
        if self.size <= PIECE or self.window.source.store is None:
            return ValueText(MemoryStore(b"".join(self.kept)), 0, self.size, *place)
        return ValueText(self.window.source.store, self.begin, self.begin + self.size, *place)
