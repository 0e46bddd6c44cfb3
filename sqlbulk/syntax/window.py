"""A window that moves over a script's bytes, and knows the line and column where it begins."""

from __future__ import annotations

from sqlbulk.syntax.textsource import Input

_CONTINUATION = bytes(range(0x80, 0xC0))
_BOM = b"\xef\xbb\xbf"


class Window:
    """The bytes of a script that are looked at: from `start`, which is kept, over `at`, to the end of `data`.

    `line` and `column` (1-based) are the place of `start` in the script, `base` that of `data[0]` in bytes.
    """

    def __init__(self, source: Input) -> None:
        self.source = source
        self.data = b""
        self.base = source.origin
        self.start = self.at = 0
        self.line = self.column = 1
        while len(self.data) < len(_BOM) and self.more():
            pass
        if self.data.startswith(_BOM):
            self.start = self.at = len(_BOM)

    def more(self) -> bool:
        """Read on, at least as much again as is kept; False at the end. Offsets in `data` move with `start`."""
        kept = self.data[self.start :]
        parts, length = [kept], 0
        while length <= len(kept) and (piece := next(self.source.chunks, b"")):
            parts.append(piece)
            length += len(piece)
        if length:
            self.data = b"".join(parts)
            self.base += self.start
            self.at -= self.start
            self.start = 0
        return length > 0

    def drop(self, to: int) -> bytes:
        """Keep nothing before the offset `to`, and go there if we aren't yet; what was dropped."""
        dropped = self.data[self.start : to]
        newlines = dropped.count(b"\n")
        if newlines:
            self.line += newlines
            self.column = 1
        self.column += len(dropped[dropped.rfind(b"\n") + 1 :].translate(None, _CONTINUATION))
        self.start = to
        self.at = max(self.at, to)
        return dropped
