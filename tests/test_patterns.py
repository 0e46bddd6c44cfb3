"""Possessive repeats as atomic groups: the same matches, whatever Python's patch level."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sqlbulk.syntax import lexical
from sqlbulk.syntax.patterns import atomic, compiled


@pytest.mark.parametrize(("pattern", "expected"), [
    ("a*+", "(?>a*)"),
    ("(?:ab)*+c", "(?>(?:ab)*)c"),
    ("((a)?+b)++", "(?>((?>(a)?)b)+)"),
    (r"\(*+[)(]*+[]()]++", r"(?>\(*)(?>[)(]*)(?>[]()]+)"),
    (r"[^\]()]{1,20}+(x)*+a{2}b+", r"(?>[^\]()]{1,20})(?>(x)*)a{2}b+"),
])
def test_rewriting(pattern: str, expected: str) -> None:
    assert atomic(pattern) == expected
    assert compiled(pattern.encode(), faulty=True).pattern == expected.encode()
    assert compiled(pattern, faulty=True).pattern == expected
    assert compiled(pattern, faulty=False).pattern == pattern


@given(some.text("'\"`eE\\-/*# \nab$", max_size=30))
def test_both_forms_match_the_same(text: str) -> None:
    for pattern in (lexical.GAP, lexical.QUOTED, lexical.COMMENT, lexical.FLOAT):
        one, other = (re.compile(p).match(text) for p in (atomic(pattern), re.sub(r"(?<=[*+?])\+", "", pattern)))
        assert one is None or other is None or other[0].startswith(one[0]) or one[0].startswith(other[0])
        assert (compiled(pattern, faulty=True).match(text) or [None])[0] == (compiled(pattern).match(text) or [None])[0]
