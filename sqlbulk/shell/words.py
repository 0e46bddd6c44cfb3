"""The words of the language, for completion and colours; and when a text that is being typed is complete."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from sqlbulk.syntax.lexical import COMMENT, OPENING, QUOTED
from sqlbulk.syntax.patterns import compiled

_TERMINAL = re.compile(r'"(?:[^"\\\n]|\\.)+"i?|/(?:[^/\\\n]|\\.)+/[is]*')
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Z][A-Z_]+")
_PIECE = compiled(rf"(\s++|{COMMENT})|({QUOTED})|({OPENING})|(;)|[^\s;'\"`\-/#$eE]++|[\s\S]", re.ASCII)
_GAP, _QUOTED, _OPEN, _END = 1, 2, 4, 5

_OPTIONS = re.compile(
    r"(?:\b\w+_OPTIONS|\bBATCH_CONFIG|\bWITH)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\Z", re.IGNORECASE)

ONE_WORD = frozenset({"help", "exit", "quit", "?"})
"""What is understood without a semicolon and without a backslash."""


@cache
def keywords() -> tuple[str, ...]:
    """The keywords of the grammar, upper case, in order of the alphabet."""
    found: set[str] = set()
    grammar = resources.files("sqlbulk.grammar").joinpath("sql.lark").read_text(encoding="utf-8")
    for line in grammar.splitlines():
        if not line.startswith("//"):
            for text in _TERMINAL.findall(line):
                found.update(_WORD.findall(text))
    return tuple(sorted(found))


def is_complete(text: str) -> bool:
    r"""Whether Enter should run what was typed: it ends with `;` or `\g`, is a command, or is nothing."""
    stripped = text.strip()
    if not stripped or stripped.startswith("\\") or stripped.rstrip(";").lower() in ONE_WORD:
        return True
    if stripped.endswith("\\g"):
        return True
    ended = False
    for piece in _PIECE.finditer(text):
        kind = piece.lastindex
        if kind == _OPEN:
            return False
        if kind != _GAP:
            ended = kind == _END
    return ended


def open_option_block(text: str) -> bool:
    """Whether the text ends inside the parentheses of an option block."""
    opened = _OPTIONS.search(text)
    return opened is not None and not opened[1].rstrip().endswith("=")
