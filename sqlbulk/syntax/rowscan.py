"""Reads one row of a value list token by token: the way for every row that has no learned shape."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlbulk import types
from sqlbulk.errors import PlanError, RowRefused, Span, SqlError, SqlSyntaxError
from sqlbulk.syntax import literals
from sqlbulk.syntax.lexical import (
    COMMENT,
    ESCAPED_STRING,
    FLOAT,
    INTEGER,
    NAME,
    OPENING,
    QUOTED,
    QUOTED_NAME,
    RESERVED,
    STRING,
    TYPED,
    VALUE_GAP,
    WORD,
)  # fmt: skip
from sqlbulk.syntax.patterns import compiled

MAX_DEPTH = 250
"""The most levels of documents and arrays that a server can be told to take."""
MEMO_SIZE = 4096
MEMO_TEXT = 200


class Evaluate(Protocol):
    """Works out a constant expression.

    `text` is the expression, `first_parameter` how many positional parameters stand before it in the
    statement. Raises SqlError, its span relative to `text`, if the expression is wrong, and RowRefused if
    it has no value here. A value that must be worked out anew each time (UUID()) is returned as `Fresh`.
    """

    def __call__(self, text: str, *, first_parameter: int) -> Any:
        """The value."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A value that the same text needn't give again."""

    value: Any


_ORDINARY = rf"{QUOTED}|{COMMENT}|(?!{OPENING})[\-/$eE]"
_STRUCTURE = compiled(rf"(?:[^()\[\]{{}},'\"`\-/#$eE]++|{_ORDINARY})*+", re.ASCII)
_NESTING = compiled(rf"(?:[^()'\"`\-/#$eE]++|{_ORDINARY})*+", re.ASCII)
_PARAMETER = compiled(rf"(?:[^?'\"`\-/#$eE]++|{_ORDINARY})*+", re.ASCII)
_GAP = compiled(VALUE_GAP)
_EMPTY = compiled(rf"{VALUE_GAP}[)\]}}]")
_FOLLOWING = compiled(rf"{VALUE_GAP}[,)\]}}]")
_CELL = compiled(
    rf"{VALUE_GAP}(?:({STRING}){VALUE_GAP}[,)\]}}]"
    rf"|((?i:JSON_OBJECT){VALUE_GAP}\(|\{{)|((?i:JSON_ARRAY){VALUE_GAP}\(|(?i:ARRAY){VALUE_GAP}\[|\[)"
    rf"|(?:({INTEGER})|({FLOAT})|({WORD})|({ESCAPED_STRING})|([xX]'[^']*+')|((?i:{TYPED}){VALUE_GAP}{STRING})){VALUE_GAP}[,)\]}}])",
    re.ASCII,
)
KEY = rf"(?:({STRING}|{ESCAPED_STRING})|({QUOTED_NAME})|({NAME}))"
"""The key of a document, for `read_key`."""
_KEY = compiled(rf"{VALUE_GAP}{KEY}{VALUE_GAP}:(?!:)", re.ASCII)
_SIGNS = {"(": ")", "[": "]", "{": "}"}
_STRING, _DOCUMENT, _ARRAY, _INTEGER, _FLOAT, _WORD, _ESCAPED, _HEX, _TYPED = range(1, 10)
_ROW = 0
_TYPED_PARTS = compiled(rf"(\w+){VALUE_GAP}({STRING})")
_CONSTANTS: dict[str, Any] = {"NULL": None, "TRUE": True, "FALSE": False}


def find_row_end(text: str, at: int) -> tuple[int, int]:
    """Where a row ends, behind its `)`, if it goes on at `at` behind its `(`; 0 if the text ends before.

    The second number is then where the quoted text or comment begins that has no end, or the text's length.
    """
    depth = 1
    while True:
        at = _NESTING.match(text, at).end()  # type: ignore[union-attr]
        sign = text[at : at + 1]
        if sign == ")":
            depth -= 1
            if not depth:
                return at + 1, at
        elif sign == "(":
            depth += 1
        else:
            return 0, at
        at += 1


def count_parameters(text: str) -> int:
    """How many positional parameters `?` stand in the text, outside quotes and comments."""
    count = at = 0
    while text.find("?", at) >= 0:
        at = _PARAMETER.match(text, at).end() + 1  # type: ignore[union-attr]
        count += text[at - 1 : at] == "?"
    return count


class Words(dict[str, Any]):
    """The values of words and other texts that always mean the same, filled as they are met."""

    def __init__(self, scanner: RowScanner, constants: dict[str, Any], *, inner: bool = False) -> None:
        super().__init__()
        self.scanner = scanner
        self.constants = constants
        self.inner = inner

    def __missing__(self, text: str) -> Any:
        constant = text.upper()
        if constant in self.constants:
            value = self[text] = self.constants[constant]
            return value
        value = self.scanner.evaluate(text, first_parameter=self.scanner.parameters)
        if isinstance(value, Fresh):
            return value.value
        if value is types.MISSING and self.inner:
            raise PlanError("E2004", "DEFAULT stands alone, as a value of VALUES", Span(0, len(text)))
        if len(text) <= MEMO_TEXT and not isinstance(value, dict | list):
            if len(self) >= MEMO_SIZE:
                self.clear()
            self[text] = value
        return value


@dataclass(slots=True)
class _Frame:
    """A row, document or array that is being read: where it begins, and the parameters before it.

    `items` of a document are its keys and values in turn; `keys` of them had a colon behind them.
    """

    kind: int
    begin: int
    parameters: int
    closing: str = ")"
    items: list[Any] = field(default_factory=list)
    keys: int = 0


class RowScanner:
    """Reads rows one after another and counts their positional parameters.

    `parameters` is how many stand before the next value. `words` and `inner_words` give the values of
    words such as NULL and CURRENT_TIMESTAMP, as a row's value and inside of documents and arrays.
    """

    def __init__(self, evaluate: Evaluate, parameters: int = 0) -> None:
        self.evaluate = evaluate
        self.parameters = parameters
        self.words = Words(self, _CONSTANTS | {"DEFAULT": types.MISSING})
        self.inner_words = Words(self, _CONSTANTS, inner=True)
        self._frames: list[_Frame] = []

    def scan(self, text: str, at: int) -> list[Any]:
        """The values of a row, from behind its opening parenthesis; its end must be in the text.

        SqlError: what stands there is wrong, the span in `text`. RowRefused: a value can't be stored;
        `offset` is where it stands in `text`, and `column` the number of the row's value (from 0).
        """
        self._frames = [_Frame(_ROW, at, self.parameters)]
        if _EMPTY.match(text, at) is not None:
            return []
        try:
            while True:
                match = _CELL.match(text, at)
                if match is not None and match.lastindex in (_DOCUMENT, _ARRAY):
                    self._open(match)
                    at = match.end()
                    empty = _EMPTY.match(text, at)
                    if empty is None:
                        continue
                    at = empty.end() - 1
                elif match is None and (behind := self._key(text, at)):
                    at = behind
                    continue
                else:
                    at = self._value(text, at, match)
                while text[at] != ",":
                    if len(self._frames) == 1:
                        return self._row(text, at)
                    at = self._close(text, at)
                at += 1
        except RowRefused as refused:
            column = str(len(self._frames[0].items))
            raise RowRefused(refused.code, refused.message, column, _after_gap(text, at)) from None

    def _open(self, match: re.Match[str]) -> None:
        kind = match.lastindex or 0
        self._frames.append(_Frame(kind, match.start(kind), self.parameters, _SIGNS[match[0][-1]]))
        if len(self._frames) > MAX_DEPTH + 1:
            raise RowRefused("E1007", f"Values are nested more than {MAX_DEPTH} levels deep")

    def _key(self, text: str, at: int) -> int:
        """Read a key with its colon; where that ends, 0 if there is none to be read here."""
        frame = self._frames[-1]
        if frame.kind != _DOCUMENT or len(frame.items) != 2 * frame.keys:
            return 0
        match = _KEY.match(text, at)
        key = read_key(match, named=frame.closing == "}")
        if match is None or key is None:
            return 0
        frame.items.append(key)
        frame.keys += 1
        return match.end()

    def _close(self, text: str, at: int) -> int:
        """End a document or array; where the value ends, at a comma or closing sign."""
        frame = self._frames.pop()
        following = _FOLLOWING.match(text, at + 1)
        items = frame.items
        if following is None or text[at] != frame.closing or not _paired(frame):
            self.parameters = frame.parameters
            return self._expression(text, frame.begin)
        value: Any = items
        if frame.kind == _DOCUMENT:
            value = dict(zip(items[::2], items[1::2], strict=True))
        self._frames[-1].items.append(value)
        return following.end() - 1

    def _row(self, text: str, at: int) -> list[Any]:
        if text[at] != ")":
            raise _unexpected(text, at)
        return self._frames[0].items

    def _value(self, text: str, at: int, match: re.Match[str] | None) -> int:
        """Read a literal or an expression; where it ends, at a comma or closing sign."""
        if match is None:
            frame = self._frames[-1]
            end = _EMPTY.match(text, at) if frame.items and frame.closing == "}" else None
            return end.end() - 1 if end is not None else self._expression(text, at)
        code = match.lastindex or 0
        literal = match[code]
        items = self._frames[-1].items
        if code == _STRING:
            items.append(literal[1:-1].replace("''", "'"))
        elif code == _WORD:
            words = self.words if len(self._frames) == 1 else self.inner_words
            try:
                items.append(self._evaluate(literal, match.start(code), words))
            except SqlError as error:
                return self._whole(text, error)
        else:
            try:
                items.append(_literal(code, literal))
            except ValueError as error:
                raise RowRefused("E4002", f"{_shortened(literal)} can't be read: {error}") from error
        return match.end() - 1

    def _expression(self, text: str, at: int) -> int:
        """Evaluate what stands there; where it ends, at a comma or closing sign."""
        try:
            return self._evaluate_up_to_end(text, at)
        except SqlError as error:
            return self._whole(text, error)

    def _whole(self, text: str, error: SqlError) -> int:
        """Evaluate all of the document or array whose part is wrong by itself: JSON_OBJECT('a': 1) may be right."""
        if len(self._frames) == 1:
            raise error
        outermost = self._frames[1]
        del self._frames[1:]
        self.parameters = outermost.parameters
        return self._evaluate_up_to_end(text, outermost.begin)

    def _evaluate_up_to_end(self, text: str, at: int) -> int:
        begin = end = _after_gap(text, at)
        closing: list[str] = []
        while True:
            end = _STRUCTURE.match(text, end).end()  # type: ignore[union-attr]
            sign = text[end]
            if sign in "([{":
                closing.append(_SIGNS[sign])
            elif not closing:
                break
            elif sign != "," and sign != closing.pop():
                raise _unexpected(text, end)
            end += 1
        expression = text[begin:end].rstrip()
        if not expression:
            raise SqlSyntaxError("E1001", f"A value is missing before '{text[end]}'", Span(end, end + 1))
        words = self.words if len(self._frames) == 1 else self.inner_words
        self._frames[-1].items.append(self._evaluate(expression, begin, words))
        return end

    def _evaluate(self, expression: str, at: int, words: Words) -> Any:
        count = count_parameters(expression)
        try:
            if not count:
                return words[expression]
            value = self.evaluate(expression, first_parameter=self.parameters)
        except SqlError as error:
            error.source, error.span = None, Span(at + error.span.start, at + error.span.end)
            raise
        except RecursionError:
            raise RowRefused("E1007", "The expression is nested too deeply") from None
        self.parameters += count
        return value.value if isinstance(value, Fresh) else value


def _unexpected(text: str, at: int) -> SqlSyntaxError:
    return SqlSyntaxError("E1001", f"Unexpected '{text[at]}' in a row", Span(at, at + 1))


def _paired(frame: _Frame) -> bool:
    """Whether a document's items are pairs: all with a colon, or in parentheses all with a comma behind a text."""
    if frame.kind != _DOCUMENT:
        return True
    if frame.keys or frame.closing == "}":
        return len(frame.items) == 2 * frame.keys
    return len(frame.items) % 2 == 0 and all(isinstance(key, str) for key in frame.items[::2])


def read_key(match: re.Match[str] | None, *, named: bool) -> str | None:
    """The key that `KEY` found. None: there is none, it can't be read, or is a name and must not be (`named`)."""
    if match is None:
        return None
    string, quoted, name = match.groups()
    if string is not None:
        try:
            return literals.string_literal(string)
        except ValueError:
            return None
    if quoted is not None:
        name = quoted[1:-1].replace(quoted[0] * 2, quoted[0])
        return name if named and name and "\0" not in name else None
    return name if named and name.upper() not in RESERVED else None


def _literal(code: int, literal: str) -> Any:
    """The value of a literal that is neither a plain string nor a word. ValueError: it has none."""
    if code in (_INTEGER, _FLOAT):
        value = literals.number_literal(literal)
        if isinstance(value, int) and not literals.INT64_MIN <= value <= literals.INT64_MAX:
            raise RowRefused("E4010", f"{_shortened(literal)} doesn't fit in 64 bits; write DECIMAL '…'")
        return value
    if code == _ESCAPED:
        return literals.string_literal(literal)
    if code == _HEX:
        return literals.hex_literal(literal)
    parts = _TYPED_PARTS.match(literal)
    assert parts is not None
    return literals.typed_literal(parts[1], literals.string_literal(parts[2]))


def _after_gap(text: str, at: int) -> int:
    return _GAP.match(text, at).end()  # type: ignore[union-attr]


def _shortened(literal: str) -> str:
    return literal if len(literal) <= 60 else literal[:59] + "…"
