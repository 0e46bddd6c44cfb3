"""Compiles patterns, around a fault of Python's possessive repeats before 3.11.5."""

from __future__ import annotations

import re
import sys
from typing import AnyStr

FAULTY = sys.version_info < (3, 11, 5)
"""Until Python 3.11.5 a possessive repeat may lose its place when a part of it fails (gh-106052)."""

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()]|.", re.DOTALL)
_POSSESSIVE = re.compile(r"([*+?]|\{[\d,]+\})\+")


def compiled(pattern: AnyStr, flags: int = 0, *, faulty: bool = FAULTY) -> re.Pattern[AnyStr]:
    """As re.compile; where possessive repeats are `faulty`, they are written as atomic groups."""
    if not faulty:
        return re.compile(pattern, flags)
    if isinstance(pattern, bytes):
        return re.compile(atomic(pattern.decode("latin-1")).encode("latin-1"), flags)
    return re.compile(atomic(pattern), flags)


def atomic(pattern: str) -> str:
    """The pattern with every `x*+` as `(?>x*)`, which means the same."""
    out: list[str] = []
    openings: list[int] = []
    at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        assert piece is not None
        at = piece.end()
        out.append(piece[0])
        if piece[0] == "(":
            openings.append(len(out) - 1)
            continue
        start = openings.pop() if piece[0] == ")" else len(out) - 1
        quantifier = _POSSESSIVE.match(pattern, at)
        if quantifier is not None:
            out[start] = "(?>" + out[start]
            out.append(f"{quantifier[1]})")
            at = quantifier.end()
    return "".join(out)
