"""Patterns: LIKE, ILIKE, SIMILAR TO and regular expressions."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

from sqlbulk.functions.characters import each_character
from sqlbulk.functions.entries import entry, text, unit
from sqlbulk.functions.registry import UNKNOWN, Function, FunctionProblem, Operand
from sqlbulk.types import Type

_SPECIAL = r"\^$.|?*+()[]{}-#/ &~" + "\t\n\r\v\f"


def like_regex(pattern: str, escape: str = "\\") -> str:
    r"""A LIKE pattern as a regular expression anchored at both ends, with ^ and \z, to be used with option s.

    FunctionProblem: the escape character ends the pattern.
    """
    parts, index = [], 0
    while index < len(pattern):
        character = pattern[index]
        if escape and character == escape:
            index += 1
            parts.append(_escaped(pattern, index))
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or _quoted(character))
        index += 1
    return "^" + "".join(parts) + r"\z"


def _escaped(pattern: str, index: int) -> str:
    """The character behind an escape character, as it stands."""
    if index == len(pattern):
        raise FunctionProblem("E2004", "the pattern ends with its escape character", argument=1)
    return _quoted(pattern[index])


def _quoted(character: str) -> str:
    return "\\x00" if character == "\0" else "\\" + character if character in _SPECIAL else character


def similar_regex(pattern: str, escape: str = "\\") -> str:
    """A SIMILAR TO pattern as a regular expression: % and _ as in LIKE, and | * + ? {} () [] as in expressions."""
    parts, index, inside = [], 0, False
    while index < len(pattern):
        character = pattern[index]
        if escape and character == escape:
            index += 1
            parts.append(_escaped(pattern, index))
        elif inside:
            inside = character != "]"
            parts.append("\\\\" if character == "\\" else character)
        elif character in "|*+?{}()":
            parts.append("(?:" if character == "(" else character)
        else:
            inside = character == "["
            parts.append({"%": ".*", "_": ".", "[": "["}.get(character) or _quoted(character))
        index += 1
    if inside or parts.count("(?:") != parts.count(")"):
        raise FunctionProblem("E2004", f"{pattern!r} has a bracket that isn't closed", argument=1)
    return "^(?:" + "".join(parts) + r")\z"


_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}


def compiled(regex: str, options: str = "") -> re.Pattern[str] | None:
    """The regular expression in Python, None: it means something else there, or nothing."""
    if "[:" in regex or "[[" in regex or r"\Z" in regex or "(?" in regex.replace("(?:", "").replace("(?i)", ""):
        return None
    if "i" in options and re.search(r"\\[wWdDsSbB]", regex):
        return None
    # Without case, letters of all scripts have two; with it, \w and its like mean ASCII only.
    flags = sum((_FLAGS[o] for o in options), re.NOFLAG if "i" in options else re.ASCII)
    # Python has neither \z nor a $ that matches only at the end or before a last line break.
    translated = re.sub(r"\\(.)", lambda m: r"\Z" if m[1] == "z" else m[0], regex, flags=re.DOTALL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(translated, flags)
    except (re.error, FutureWarning, DeprecationWarning):
        return None


def matches(string: Any, regex: Any, options: str = "") -> Any:
    """An expression: the text matches."""
    fields = {"input": string, "regex": regex}
    return {"$regexMatch": {**fields, "options": options} if options else fields}


# LIKE


def _like(options: str, translate: Callable[..., str]) -> Callable[..., Any]:
    def lower(string: Operand, pattern: Operand, escape: Operand | None = None) -> Any:
        sign = "\\" if escape is None else escape.value
        if pattern.value is not UNKNOWN:
            return matches(string.mql, translate(pattern.value, sign), options)
        found = matches(string.mql, _computed(pattern.mql, sign), options)
        return {"$cond": [{"$lte": [{"$strLenBytes": pattern.mql}, _LONGEST]}, found, None]}

    return lower


_LONGEST = 7500
"""Bytes of a pattern that is known only when the statement runs; the server aborts on much longer expressions."""


def _computed(pattern: Any, escape: str) -> Any:
    """A LIKE pattern that is known only when the statement runs. One that ends with its escape matches nothing."""
    quoted = {
        "$cond": [
            {"$gte": [{"$indexOfCP": [_SPECIAL, "$$this"]}, 0]},
            {"$concat": ["\\", "$$this"]},
            {"$cond": [{"$eq": ["$$this", "\0"]}, "\\x00", "$$this"]},
        ]
    }
    plain = {
        "$switch": {
            "branches": [
                {"case": {"$eq": ["$$this", "%"]}, "then": ".*"},
                {"case": {"$eq": ["$$this", "_"]}, "then": "."},
            ],
            "default": quoted,
        }
    }
    escaping: Any = False
    piece: Any = plain
    if escape:
        escaping = {"$and": [{"$not": ["$$value.escaped"]}, {"$eq": ["$$this", {"$literal": escape}]}]}
        piece = {"$cond": [escaping, "", {"$cond": ["$$value.escaped", quoted, plain]}]}
    step = {"text": {"$concat": ["$$value.text", piece]}, "escaped": escaping}
    start = {"text": "^", "escaped": False}
    reduced = {"$reduce": {"input": each_character(pattern), "initialValue": start, "in": step}}
    end = {"$cond": ["$$made.escaped", "(?!)", "\\z"]}
    return {"$let": {"vars": {"made": reduced}, "in": {"$concat": ["$$made.text", end]}}}


def _fold_like(options: str, translate: Callable[..., str]) -> Callable[..., Any]:
    def fold(string: str, pattern: str, escape: str = "\\") -> Any:
        try:
            found = compiled(translate(pattern, escape), options)
        except FunctionProblem:
            return False
        return UNKNOWN if found is None else found.search(string) is not None

    return fold


# Regular expressions


def _flags(given: Operand | None) -> str:
    flags = given.value if given is not None else ""
    unknown = set(flags) - set("gcimsnx")
    if unknown:
        raise FunctionProblem("E2004", f"there is no flag {min(unknown)!r}; i, m, s, x and g are known")
    options = {"i": "i", "m": "m", "n": "m", "s": "s", "x": "x"}
    return "".join(sorted({options[f] for f in flags if f in options}))


def _checked(pattern: Operand) -> Any:
    """The pattern's expression. A computed one isn't taken: a bad one would end the statement half way."""
    regex = str(pattern.value)
    if "\0" in regex:
        regex = regex.replace("\0", "\\x00")
    balance = re.sub(r"\\.|\[\^?\]?[^]]*\]", "x", regex, flags=re.DOTALL)
    dangling = re.search(r"(^|[(|])[*+?]", balance.replace("(?", ""))
    if balance.count("(") != balance.count(")") or "[" in balance or balance.endswith("\\") or dangling:
        raise FunctionProblem("E2004", f"{pattern.value!r} is no regular expression", argument=1)
    return {"$literal": regex}


def _regexp(options: str = "") -> Callable[..., Any]:
    def lower(string: Operand, pattern: Operand, flags: Operand | None = None) -> Any:
        return matches(string.mql, _checked(pattern), "".join(sorted(set(options + _flags(flags)))))

    return lower


def _fold_found(options: str, found: Callable[[re.Pattern[str], str], Any]) -> Callable[..., Any]:
    def fold(string: str, pattern: str, flags: str = "") -> Any:
        operand = Operand(None, value=flags)
        regex = compiled(pattern, "".join(sorted(set(options + _flags(operand)))))
        return UNKNOWN if regex is None else found(regex, string)

    return fold


def _find(pattern: Operand, string: Operand, flags: Operand | None, *, every: bool = False) -> Any:
    fields = {"input": string.mql, "regex": _checked(pattern), "options": _flags(flags)}
    return {"$regexFindAll" if every else "$regexFind": fields}


def _part(string: Operand, pattern: Operand, flags: Operand | None = None) -> Any:
    return {"$getField": {"field": "match", "input": _find(pattern, string, flags)}}


def _groups(string: Operand, pattern: Operand, flags: Operand | None = None) -> Any:
    found = _find(pattern, string, flags)
    captures = {"$cond": [{"$eq": ["$$found.captures", []]}, ["$$found.match"], "$$found.captures"]}
    return {"$let": {"vars": {"found": found}, "in": {"$cond": [{"$gt": ["$$found", None]}, captures, None]}}}


def _fold_groups(regex: re.Pattern[str], string: str) -> list[str | None] | None:
    match = regex.search(string)
    return None if match is None else list(match.groups()) or [match[0]]


def _count(string: Operand, pattern: Operand, flags: Operand | None = None) -> Any:
    return {"$size": _find(pattern, string, flags, every=True)}


def _place(string: Operand, pattern: Operand, flags: Operand | None = None) -> Any:
    return {"$add": [{"$ifNull": [{"$getField": {"field": "idx", "input": _find(pattern, string, flags)}}, -1]}, 1]}


_GROUP = re.compile(r"\\(\d|&|\\)")


def _replace(string: Operand, pattern: Operand, replacement: Operand, flags: Operand | None = None) -> Any:
    every = flags is not None and "g" in flags.value
    found: Any = _find(pattern, string, flags, every=every)
    if not every:
        found = {"$filter": {"input": [found], "cond": {"$gt": ["$$this", None]}}}
    between = {"$substrCP": [string.mql, "$$value.end", {"$subtract": ["$$this.idx", "$$value.end"]}]}
    step = {
        "text": {"$concat": ["$$value.text", between, *_pieces(replacement)]},
        "end": {"$add": ["$$this.idx", {"$strLenCP": "$$this.match"}]},
    }
    reduced = {"$reduce": {"input": found, "initialValue": {"text": "", "end": 0}, "in": step}}
    rest = {"$substrCP": [string.mql, "$$made.end", {"$strLenCP": string.mql}]}
    return {"$let": {"vars": {"made": reduced}, "in": {"$concat": ["$$made.text", rest]}}}


def _pieces(replacement: Operand) -> list[Any]:
    parts: list[Any] = []
    for index, part in enumerate(_GROUP.split(replacement.value)):
        if index % 2 == 0 or part == "\\":
            parts.append({"$literal": part})
        elif part in "&0":
            parts.append("$$this.match")
        else:
            parts.append({"$ifNull": [{"$arrayElemAt": ["$$this.captures", int(part) - 1]}, ""]})
    return parts


def _fold_replace(string: str, pattern: str, replacement: str, flags: str = "") -> Any:
    regex = compiled(pattern, _flags(Operand(None, value=flags)))
    if regex is None or (regex.match("") and "g" in flags):
        return UNKNOWN

    def replaced(match: re.Match[str]) -> str:
        def group(found: re.Match[str]) -> str:
            if found[1] == "\\":
                return "\\"
            number = 0 if found[1] == "&" else int(found[1])
            return (match[number] or "") if number <= regex.groups else ""

        return _GROUP.sub(group, replacement)

    return regex.sub(replaced, string, count=0 if "g" in flags else 1)


_PATTERN = (text(), text("pattern"), text("escape", optional=True, constant=True))
_SIMILAR = (text(), unit("pattern"), text("escape", optional=True, constant=True))
_REGEX = (text(), unit("pattern"), text("flags", optional=True, constant=True))


def _entry(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    given = {"returns": Type.BOOLEAN, "nullable": False, "operands": True, **fields}
    return entry(name, help, example, parameters, lower, fold, **given)


ENTRIES: tuple[Function, ...] = (
    _entry("LIKE", "Whether the whole text fits the pattern: % any text, _ any character.", "'abc' LIKE 'a%'", _PATTERN,
           _like("s", like_regex), _fold_like("s", like_regex)),
    _entry("ILIKE", "LIKE without regard to upper and lower case.", "'ABC' ILIKE 'a%'", _PATTERN,
           _like("is", like_regex), _fold_like("is", like_regex)),
    _entry("SIMILAR TO", "Whether the whole text fits the pattern: % and _ with | * + ? {} () [].",
           "'abc' SIMILAR TO '(a|b)%'", _SIMILAR, _like("s", similar_regex), _fold_like("s", similar_regex)),
    _entry("REGEXP", "Whether the text holds a match of the regular expression (PCRE, a constant).",
           "'abc' REGEXP 'b'", _REGEX, _regexp(), _fold_found("", lambda r, s: r.search(s) is not None),
           aliases=("~", "RLIKE", "REGEXP_LIKE", "REGEXP_MATCHES")),
    _entry("~*", "REGEXP without regard to upper and lower case.", "REGEXP_LIKE('ABC', 'b', 'i')", _REGEX, _regexp("i"),
           _fold_found("i", lambda r, s: r.search(s) is not None)),
    _entry("REGEXP_SUBSTR", "The first match of the regular expression, NULL if there is none.",
           "REGEXP_SUBSTR('ab12', '[0-9]+') = '12'", _REGEX, _part,
           _fold_found("", lambda r, s: m[0] if (m := r.search(s)) else None), returns=Type.STRING, nullable=True),
    _entry("SUBSTRING", "The first match of the regular expression, NULL if there is none.",
           "SUBSTRING('ab12', '[0-9]+') = '12'", (text(), unit("pattern")), _part,
           _fold_found("", lambda r, s: m[0] if (m := r.search(s)) else None), returns=Type.STRING, nullable=True),
    _entry("REGEXP_MATCH", "The groups of the first match as an array (the match if there are no groups), or NULL.",
           "REGEXP_MATCH('a1', '([a-z])([0-9])') = ARRAY['a', '1']", _REGEX, _groups, _fold_found("", _fold_groups),
           returns=Type.ARRAY, nullable=True),
    _entry("REGEXP_COUNT", "How many matches there are.", "REGEXP_COUNT('a1b2', '[0-9]') = 2", _REGEX, _count,
           _fold_found("", lambda r, s: UNKNOWN if r.match("") else len(r.findall(s))), returns=Type.INTEGER),
    _entry("REGEXP_INSTR", "Where the first match begins, 0 if there is none.", "REGEXP_INSTR('ab1', '[0-9]') = 3",
           _REGEX, _place, _fold_found("", lambda r, s: m.start() + 1 if (m := r.search(s)) else 0),
           returns=Type.INTEGER),
    _entry("REGEXP_REPLACE", "The text with the first match replaced, all of them with flag g; \\1 is the first group.",
           "REGEXP_REPLACE('a1b2', '[0-9]', '', 'g') = 'ab'",
           (text(), unit("pattern"), unit("replacement"), text("flags", optional=True, constant=True)), _replace,
           _fold_replace, returns=Type.STRING),
)
