"""Functions of text: characters are code points, positions begin at 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlbulk.functions.entries import anything, entry, integer, text
from sqlbulk.functions.registry import Function, Operand
from sqlbulk.functions.textform import as_text, text_form
from sqlbulk.types import Type

LONGEST = 1_000_000
"""How many bytes a text that is repeated or padded may have; NULL beyond."""

_TEXT = (text(),)
_ASCII_UP = {i: i - 32 for i in range(ord("a"), ord("z") + 1)}
_ASCII_DOWN = {i: i + 32 for i in range(ord("A"), ord("Z") + 1)}


def _at_least_zero(x: Any) -> Any:
    return {"$max": [x, 0]}


# Joining


def concatenate(*values: Operand) -> Any:
    """The text forms one after the other."""
    return {"$concat": [as_text(v) for v in values]}


def fold_concatenate(*values: Any) -> str | None:
    """The same in Python."""
    parts = [text_form(v) for v in values]
    return None if None in parts else "".join(map(str, parts))


def _join(separator: Operand, *values: Operand) -> Any:
    parts = {"$filter": {"input": [as_text(v) for v in values], "cond": {"$gt": ["$$this", None]}}}
    return joined(parts, separator.mql)


def joined(parts: Any, separator: Any) -> Any:
    """The strings of an array with a separator between."""
    appended = {"$concat": ["$$value", separator, "$$this"]}
    started = {"$cond": [{"$eq": ["$$value", None]}, "$$this", appended]}
    return {"$ifNull": [{"$reduce": {"input": parts, "initialValue": None, "in": started}}, ""]}


def _fold_join(separator: str, *values: Any) -> str | None:
    if not isinstance(separator, str):
        return None
    return separator.join(p for p in map(text_form, values) if p is not None)


# Parts


def _substring(string: Any, start: Any, length: Any = None) -> Any:
    first = _at_least_zero({"$subtract": [start, 1]})
    if length is None:
        return {"$substrCP": [string, first, {"$strLenCP": string}]}
    end = {"$subtract": [{"$add": [start, length]}, 1]}
    count = {"$min": [_at_least_zero({"$subtract": [end, first]}), 2**31 - 1]}
    return {"$cond": [{"$gte": [length, 0]}, {"$substrCP": [string, first, count]}, None]}


def _fold_substring(string: str, start: int, length: int | None = None) -> str | None:
    first = max(start - 1, 0)
    if length is None:
        return string[first:]
    return string[first : max(start + length - 1, first)] if length >= 0 else None


def _left(string: Any, n: Any) -> Any:
    count = {"$cond": [{"$gte": [n, 0]}, n, _at_least_zero({"$add": [{"$strLenCP": string}, n]})]}
    return {"$substrCP": [string, 0, count]}


def _right(string: Any, n: Any) -> Any:
    size = {"$strLenCP": string}
    first = {"$cond": [{"$gte": [n, 0]}, _at_least_zero({"$subtract": [size, n]}), {"$min": [{"$abs": n}, 2**31 - 1]}]}
    return {"$substrCP": [string, first, size]}


def _fold_right(string: str, n: int) -> str:
    return string[max(len(string) - n, 0) :] if n >= 0 else string[-n:]


def _split_part(string: Any, separator: Any, n: Any) -> Any:
    parts = {"$split": [string, separator]}
    index = {"$cond": [{"$gt": [n, 0]}, {"$subtract": [n, 1]}, n]}
    part = {"$ifNull": [{"$arrayElemAt": [parts, index]}, ""]}
    whole = {"$cond": [{"$in": [n, [1, -1]]}, string, ""]}
    return {"$cond": [{"$eq": [n, 0]}, None, {"$cond": [{"$eq": [separator, ""]}, whole, part]}]}


def _fold_split_part(string: str, separator: str, n: int) -> str | None:
    if n == 0:
        return None
    parts = string.split(separator) if separator else [string]
    index = n - 1 if n > 0 else n + len(parts)
    return parts[index] if 0 <= index < len(parts) else ""


def _substring_index(string: Any, separator: Any, n: Any) -> Any:
    parts = {"$split": [string, separator]}
    taken = {"$cond": [{"$eq": [n, 0]}, [], {"$slice": [parts, {"$max": [n, -(2**31) + 1]}]}]}
    return {"$cond": [{"$eq": [separator, ""]}, "", joined(taken, separator)]}


def _fold_substring_index(string: str, separator: str, n: int) -> str:
    if not separator or n == 0:
        return ""
    parts = string.split(separator)
    return separator.join(parts[:n] if n > 0 else parts[n:])


# Trimming and filling


def _trim(operator: str) -> Callable[..., Any]:
    def lower(string: Any, characters: Any = " ") -> Any:
        return {operator: {"input": string, "chars": characters}}

    return lower


def _repeat(string: Any, n: Any) -> Any:
    """By doubling, because the server has no repetition."""
    odd = {"$eq": [{"$mod": ["$$value.left", 2]}, 1]}
    doubled = {
        "unit": {"$concat": ["$$value.unit", "$$value.unit"]},
        "left": {"$floor": {"$divide": ["$$value.left", 2]}},
        "text": {"$cond": [odd, {"$concat": ["$$value.text", "$$value.unit"]}, "$$value.text"]},
    }
    step = {"$cond": [{"$eq": ["$$value.left", 0]}, "$$value", doubled]}
    start = {"unit": string, "left": _at_least_zero(n), "text": ""}
    rounds = {"$range": [0, 20]}
    return {"$getField": {"field": "text", "input": {"$reduce": {"input": rounds, "initialValue": start, "in": step}}}}


def _guarded_repeat(string: Any, n: Any) -> Any:
    short = {"$and": [{"$lte": [n, LONGEST]}, {"$lte": [{"$multiply": [{"$strLenBytes": string}, n]}, LONGEST]}]}
    return {"$cond": [short, _repeat(string, n), None]}


def _fold_repeat(string: str, n: int) -> str | None:
    return string * n if n <= LONGEST and len(string.encode()) * n <= LONGEST else None


def _pad(*, left: bool) -> Callable[..., Any]:
    def lower(string: Any, n: Any, fill: Any = " ") -> Any:
        size = {"$strLenCP": string}
        missing = {"$subtract": [n, size]}
        times = {"$ceil": {"$divide": [missing, {"$max": [{"$strLenCP": fill}, 1]}]}}
        filling = {"$substrCP": [_repeat(fill, times), 0, missing]}
        padded = {"$concat": [filling, string] if left else [string, filling]}
        full = {"$or": [{"$lte": [missing, 0]}, {"$eq": [fill, ""]}]}
        cut = {"$cond": [full, {"$substrCP": [string, 0, _at_least_zero(n)]}, padded]}
        return {"$cond": [{"$lte": [n, LONGEST // 4]}, cut, None]}

    return lower


def _fold_pad(*, left: bool) -> Callable[..., str | None]:
    def fold(string: str, n: int, fill: str = " ") -> str | None:
        if n > LONGEST // 4:
            return None
        missing = n - len(string)
        if missing <= 0 or not fill:
            return string[: max(n, 0)]
        filling = (fill * (missing // len(fill) + 1))[:missing]
        return filling + string if left else string + filling

    return fold


# Searching


def _position(needle: Any, string: Any, start: Any = None) -> Any:
    if start is None:
        return {"$add": [{"$indexOfCP": [string, needle]}, 1]}
    found = {"$add": [{"$indexOfCP": [string, needle, {"$subtract": [start, 1]}]}, 1]}
    return {"$cond": [{"$gte": [start, 1]}, found, 0]}


def _fold_position(needle: str, string: str, start: int = 1) -> int:
    if start < 1 or start > max(len(string), 1):
        return 0
    return string.find(needle, start - 1) + 1


def _starts(string: Any, start: Any) -> Any:
    return {"$eq": [{"$indexOfBytes": [string, start, 0, {"$strLenBytes": start}]}, 0]}


def _ends(string: Any, end: Any) -> Any:
    first = {"$subtract": [{"$strLenBytes": string}, {"$strLenBytes": end}]}
    return {"$and": [{"$gte": [first, 0]}, {"$eq": [{"$indexOfBytes": [string, end, _at_least_zero(first)]}, first]}]}


def _replace(string: Any, old: Any, new: Any) -> Any:
    replaced = {"$replaceAll": {"input": string, "find": old, "replacement": new}}
    return {"$cond": [{"$eq": [old, ""]}, string, replaced]}


def _entry(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    return entry(name, help, example, parameters, lower, fold, **{"returns": Type.STRING, "nullable": False, **fields})


_COUNT = {"returns": Type.INTEGER}
_CHARACTERS = (text(), text("characters", optional=True))
_FILL = (text(), integer("length"), text("fill", optional=True))

ENTRIES: tuple[Function, ...] = (
    _entry("CONCAT", "The text forms one after the other; NULL if one is NULL.", "CONCAT('a', 1, TRUE) = 'a1true'",
           (anything(repeated=True),), concatenate, fold_concatenate, operands=True, nullable=True),
    _entry("CONCAT_WS", "The text forms that aren't NULL, with the first argument between.",
           "CONCAT_WS('-', 'a', NULL, 1) = 'a-1'", (text("separator"), anything(repeated=True)),
           lambda s, *v: {"$cond": [{"$gt": [s.mql, None]}, _join(s, *v), None]}, _fold_join, operands=True,
           null_propagates=False, nullable=True),
    _entry("UPPER", "The text in upper case; letters outside ASCII stay, as the server has it.", "UPPER('abc') = 'ABC'",
           _TEXT, lambda t: {"$toUpper": t}, lambda t: t.translate(_ASCII_UP), aliases=("UCASE",)),
    _entry("LOWER", "The text in lower case; letters outside ASCII stay, as the server has it.", "LOWER('ABC') = 'abc'",
           _TEXT, lambda t: {"$toLower": t}, lambda t: t.translate(_ASCII_DOWN), aliases=("LCASE",)),
    _entry("LENGTH", "How many characters the text has.", "LENGTH('abc') = 3", _TEXT, lambda t: {"$strLenCP": t}, len,
           aliases=("CHAR_LENGTH", "CHARACTER_LENGTH", "LEN"), **_COUNT),
    _entry("OCTET_LENGTH", "How many bytes the text has in UTF-8.", "OCTET_LENGTH('é') = 2", _TEXT,
           lambda t: {"$strLenBytes": t}, lambda t: len(t.encode()), **_COUNT),
    _entry("BIT_LENGTH", "How many bits the text has in UTF-8.", "BIT_LENGTH('é') = 16", _TEXT,
           lambda t: {"$multiply": [{"$strLenBytes": t}, 8]}, lambda t: len(t.encode()) * 8, **_COUNT),
    _entry("SUBSTRING", "The part from a position on, of a length if one is given (NULL for a negative one).",
           "SUBSTRING('abcdef', 2, 3) = 'bcd'", (text(), integer("start"), integer("length", optional=True)),
           _substring, _fold_substring, aliases=("SUBSTR", "MID"), nullable=True),
    _entry("LEFT", "The first n characters; with a negative n all but the last.", "LEFT('abc', 2) = 'ab'",
           (text(), integer()), _left, lambda t, n: t[:n]),
    _entry("RIGHT", "The last n characters; with a negative n all but the first.", "RIGHT('abc', 2) = 'bc'",
           (text(), integer()), _right, _fold_right),
    _entry("SPLIT_PART", "The n-th part between separators, from the end with a negative n; '' if there is none.",
           "SPLIT_PART('a,b,c', ',', 2) = 'b'", (text(), text("separator"), integer()), _split_part, _fold_split_part,
           nullable=True),
    _entry("SUBSTRING_INDEX", "What stands before the n-th separator; with a negative n after it, from the end.",
           "SUBSTRING_INDEX('a.b.c', '.', 2) = 'a.b'", (text(), text("separator"), integer()), _substring_index,
           _fold_substring_index),
    _entry("TRIM", "The text without blanks, or without any of the given characters, at both ends.",
           "TRIM('  a ') = 'a'", _CHARACTERS, _trim("$trim"), lambda t, c=" ": t.strip(c) if c else t,
           aliases=("BTRIM",)),
    _entry("LTRIM", "The text without blanks, or the given characters, at its start.", "LTRIM('  a') = 'a'",
           _CHARACTERS, _trim("$ltrim"), lambda t, c=" ": t.lstrip(c) if c else t),
    _entry("RTRIM", "The text without blanks, or the given characters, at its end.", "RTRIM('a  ') = 'a'",
           _CHARACTERS, _trim("$rtrim"), lambda t, c=" ": t.rstrip(c) if c else t),
    _entry("LPAD", "The text filled up at its start, or cut, to a length.", "LPAD('7', 3, '0') = '007'", _FILL,
           _pad(left=True), _fold_pad(left=True), nullable=True),
    _entry("RPAD", "The text filled up at its end, or cut, to a length.", "RPAD('a', 3, '.') = 'a..'", _FILL,
           _pad(left=False), _fold_pad(left=False), nullable=True),
    _entry("REPEAT", "The text n times; NULL beyond a million bytes.", "REPEAT('ab', 2) = 'abab'", (text(), integer()),
           _guarded_repeat, _fold_repeat, nullable=True, aliases=("REPLICATE",)),
    _entry("SPACE", "n blanks.", "SPACE(2) = '  '", (integer(),), lambda n: _guarded_repeat(" ", n),
           lambda n: _fold_repeat(" ", n), nullable=True),
    _entry("REPLACE", "The text with all occurrences of one text replaced by another.",
           "REPLACE('aba', 'a', 'x') = 'xbx'",
           (text(), text("old"), text("new")), _replace, lambda t, a, b: t.replace(a, b) if a else t),
    _entry("REVERSE", "The characters in reverse order.", "REVERSE('abc') = 'cba'", _TEXT,
           lambda t: {"$reduce": {"input": {"$range": [0, {"$strLenCP": t}]}, "initialValue": "", "in": {
               "$concat": [{"$substrCP": [t, "$$this", 1]}, "$$value"]}}}, lambda t: t[::-1]),
    _entry("POSITION", "Where the first text begins in the second, 0 if it doesn't occur.", "POSITION('c', 'abc') = 3",
           (text("needle"), text()), _position, _fold_position, **_COUNT),
    _entry("STRPOS", "Where the second text begins in the first, 0 if it doesn't occur.", "STRPOS('abc', 'c') = 3",
           (text(), text("needle")), lambda t, n: _position(n, t), lambda t, n: _fold_position(n, t),
           aliases=("INSTR",), **_COUNT),
    _entry("LOCATE", "Where the first text begins in the second, at or after a position; 0 if it doesn't occur.",
           "LOCATE('a', 'aba', 2) = 3", (text("needle"), text(), integer("start", optional=True)), _position,
           _fold_position, aliases=("CHARINDEX",), **_COUNT),
    _entry("STARTS_WITH", "Whether the text begins with another.", "STARTS_WITH('abc', 'ab')", (text(), text("start")),
           _starts, str.startswith, returns=Type.BOOLEAN, aliases=("STARTSWITH",)),
    _entry("ENDS_WITH", "Whether the text ends with another.", "ENDS_WITH('abc', 'bc')", (text(), text("end")),
           _ends, str.endswith, returns=Type.BOOLEAN, aliases=("ENDSWITH",)),
    _entry("CONTAINS", "Whether the text holds another.", "CONTAINS('abc', 'b')", (text(), text("needle")),
           lambda t, n: {"$gte": [{"$indexOfBytes": [t, n]}, 0]}, lambda t, n: n in t, returns=Type.BOOLEAN),
    _entry("STRCMP", "-1, 0 or 1 as the first text comes before, is equal to, or comes after the second.",
           "STRCMP('a', 'b') = -1", (text("left"), text("right")), lambda a, b: {"$cmp": [a, b]},
           lambda a, b: (a.encode() > b.encode()) - (a.encode() < b.encode()), **_COUNT),
)
