"""Functions that look at a text character by character."""

from __future__ import annotations

from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.functions.comparison import equal
from sqlbulk.functions.entries import anything, entry, integer, number, text
from sqlbulk.functions.registry import Function
from sqlbulk.types import Type

_TABLE = "".join(map(chr, range(1, 256)))
_DIGITS = "0123456789abcdef"


def each_character(string: Any) -> Any:
    """An array of the text's characters."""
    return {
        "$map": {"input": {"$range": [0, {"$strLenCP": string}]}, "as": "at", "in": {"$substrCP": [string, "$$at", 1]}}
    }


def _joined(string: Any, character: Any) -> Any:
    """The characters' replacements, in which $$this is the character, as one text."""
    return {
        "$reduce": {"input": each_character(string), "initialValue": "", "in": {"$concat": ["$$value", character]}}
    }


def _translate(string: Any, old: Any, new: Any) -> Any:
    index = {"$indexOfCP": [old, "$$this"]}
    return _joined(string, {"$cond": [{"$eq": [index, -1]}, "$$this", {"$substrCP": [new, index, 1]}]})


def _fold_translate(string: str, old: str, new: str) -> str:
    table = {c: new[i : i + 1] for i, c in reversed(list(enumerate(old)))}
    return "".join(table.get(c, c) for c in string)


_WORD = {"$regexMatch": {"input": "$$this", "regex": "[A-Za-z0-9\\x{80}-\\x{10ffff}]"}}


def _capitals(string: Any) -> Any:
    lowered = {"$toLower": "$$this"}
    step = {
        "text": {"$concat": ["$$value.text", {"$cond": ["$$value.inside", lowered, {"$toUpper": "$$this"}]}]},
        "inside": _WORD,
    }
    start = {"text": "", "inside": False}
    reduced = {"$reduce": {"input": each_character(string), "initialValue": start, "in": step}}
    return {"$getField": {"field": "text", "input": reduced}}


def _fold_capitals(string: str) -> str:
    found, inside = [], False
    for character in string:
        if character.isascii():
            found.append(character.lower() if inside else character.upper())
        else:
            found.append(character)
        inside = character.isalnum() if character.isascii() else True
    return "".join(found)


def _code(string: Any) -> Any:
    index = {"$indexOfCP": [_TABLE, {"$substrCP": [string, 0, 1]}]}
    known = {"$cond": [{"$eq": [index, -1]}, None, {"$add": [index, 1]}]}
    return {"$cond": [{"$eq": [string, ""]}, 0, known]}


def _fold_code(string: str) -> int | None:
    return 0 if not string else ord(string[0]) if 1 <= ord(string[0]) <= 255 else None


def _character(n: Any) -> Any:
    known = {"$and": [{"$gte": [n, 1]}, {"$lte": [n, 255]}]}
    return {"$cond": [known, {"$substrCP": [_TABLE, {"$subtract": [n, 1]}, 1]}, None]}


def _digits(base: int, x: Any) -> Any:
    """The digits of a whole number of 0 to 2^53."""
    places = 14 if base == 16 else 53
    digit = {"$mod": [{"$floor": {"$divide": [x, {"$pow": [base, "$$this"]}]}}, base]}
    written = {
        "$reduce": {
            "input": {"$range": [places - 1, -1, -1]},
            "initialValue": "",
            "in": {"$concat": ["$$value", {"$substrCP": [_DIGITS, digit, 1]}]},
        }
    }
    short = {"$ltrim": {"input": written, "chars": "0"}}
    possible = {"$and": [{"$gte": [x, 0]}, {"$lt": [x, 2**53]}, {"$eq": [x, {"$trunc": x}]}]}
    return {"$cond": [possible, {"$cond": [{"$eq": [x, 0]}, "0", short]}, None]}


def _fold_digits(base: int, x: Any) -> str | None:
    value = x.to_decimal() if isinstance(x, Decimal128) else x
    if value != value or not 0 <= value < 2**53 or value != int(value):
        return None
    return format(int(value), "x" if base == 16 else "b")


def _field(value: Any, *values: Any) -> Any:
    index = {"$indexOfArray": [list(values), value]}
    return {"$cond": [{"$gt": [value, None]}, {"$add": [index, 1]}, 0]}


def _fold_field(value: Any, *values: Any) -> int:
    found = (i for i, v in enumerate(values, 1) if value is not None and v is not None and equal(value, v))
    return next(found, 0)


ENTRIES: tuple[Function, ...] = (
    entry("TRANSLATE", "The text with each character of the second argument replaced by its fellow in the third.",
          "TRANSLATE('abc', 'ab', 'x') = 'xc'", (text(), text("from"), text("to")), _translate, _fold_translate,
          returns=Type.STRING, nullable=False),
    entry("INITCAP", "The text with the first letter of each word in upper case, the others in lower (ASCII).",
          "INITCAP('the END') = 'The End'", (text(),), _capitals, _fold_capitals, returns=Type.STRING, nullable=False),
    entry("ASCII", "The code of the first character, 0 for ''; NULL beyond 255.", "ASCII('A') = 65", (text(),), _code,
          _fold_code, returns=Type.INTEGER, aliases=("ORD", "UNICODE")),
    entry("CHR", "The character of a code of 1 to 255, otherwise NULL.", "CHR(65) = 'A'", (integer("code"),),
          _character,
          lambda n: chr(n) if 1 <= n <= 255 else None, returns=Type.STRING, aliases=("CHAR",)),
    entry("TO_HEX", "A whole number of 0 to 2^53 in hexadecimal digits, otherwise NULL.", "TO_HEX(255) = 'ff'",
          (number(),), lambda x: _digits(16, x), lambda x: _fold_digits(16, x), returns=Type.STRING),
    entry("BIN", "A whole number of 0 to 2^53 in binary digits, otherwise NULL.", "BIN(5) = '101'", (number(),),
          lambda x: _digits(2, x), lambda x: _fold_digits(2, x), returns=Type.STRING, aliases=("TO_BIN",)),
    entry("FIELD", "The number of the first argument among the others, 0 if it isn't there.",
          "FIELD('b', 'a', 'b') = 2",
          (anything(), anything("choice", repeated=True)), _field, _fold_field, returns=Type.INTEGER,
          null_propagates=False, nullable=False, guarded=False),
    entry("FIND_IN_SET", "The number of a text in a list with commas, 0 if it isn't there.",
          "FIND_IN_SET('b', 'a,b') = 2", (text(), text("list")),
          lambda t, s: {"$add": [{"$indexOfArray": [{"$split": [s, ","]}, t]}, 1]},
          lambda t, s: s.split(",").index(t) + 1 if t in s.split(",") else 0, returns=Type.INTEGER, nullable=False),
)
