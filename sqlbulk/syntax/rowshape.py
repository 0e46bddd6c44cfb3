"""The learned shape of rows: one regular expression and one generated builder for all rows that look alike.

A shape says for each value which kinds it was seen to have (`Cell`). It is written out as a pattern with
one group a literal, and as a function that makes values of the groups. Both are put together from the
pieces in this module only: keys of documents enter the pattern escaped and the function as constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlbulk.syntax.lexical import ESCAPED_STRING, SPACE, STRING, TYPED, WORD
from sqlbulk.syntax.literals import TYPED_LITERALS, hex_literal, string_literal
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.rowscan import KEY, read_key

MAX_GROUPS = 300
MAX_ALTERNATIVES = 12
MAX_DEPTH = 20
MAX_FUTILE = 1000

Build = Callable[[Iterable[tuple[str | None, ...]]], list[tuple[Any, ...]]]

_GAP = rf"{SPACE}*+"
_COMMA = rf"{_GAP},{_GAP}"
_LITERAL = compiled(
    rf"(?:(?P<string>{STRING})|(?P<integer>-?\d{{1,18}}+)|(?P<float>-?\d{{1,200}}+(?:\.\d{{0,200}}+(?:[eE][-+]?\d\d?+)?+"
    rf"|[eE][-+]?\d\d?+))|(?P<word>{WORD})|(?P<escaped>{ESCAPED_STRING})|(?P<hex>[xX]'[^']*+')|(?P<typed>(?i:{TYPED})(?={SPACE}*+')){_GAP}'[^']*+')"
    rf"(?={_GAP}[,)\]}}])",
    re.ASCII,
)
_ROW = compiled(rf"(?:(ROW){_GAP})?+\({_GAP}", re.IGNORECASE | re.ASCII)
_NEXT = compiled(rf"{_GAP}([,)\]}}]){_GAP}")
_STRING_CALL = compiled(r"string\((g\d+)\)")
_LEAVES = {
    "string": ("'([^']*+(?:''[^']*+)*+)'", "string({})"),
    "integer": (r"(-?\d{1,18}+)", "int({})"),
    "float": (r"(-?\d{1,200}+(?:\.\d{0,200}+(?:[eE][-+]?\d\d?+)?+|[eE][-+]?\d\d?+))", "float({})"),
    "word": (rf"({WORD})", "{words}[{}]"),
    "escaped": (rf"({ESCAPED_STRING})", "escaped({})"),
    "hex": ("([xX]'[^']*+')", "hex({})"),
    **{kind: (rf"(?i:{kind}){_GAP}'([^']*+)'", kind + "({})") for kind in TYPED_LITERALS},
}


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to write rows, documents or arrays: the pattern of the beginning, the closing sign, the one behind a key.

    `braces`: a key may be a name, and a comma may stand at the end.
    """

    opening: str
    closing: str
    behind_key: str = ""
    braces: bool = False


_ROW_FORM = _Form(r"\(", ")")
_FORMS = {
    "braces": _Form(r"\{", "}", ":", braces=True),
    "colons": _Form(rf"(?i:JSON_OBJECT){_GAP}\(", ")", ":"),
    "commas": _Form(rf"(?i:JSON_OBJECT){_GAP}\(", ")", ","),
    "brackets": _Form(rf"(?:(?i:ARRAY){_GAP})?+\[", "]"),
    "array": _Form(rf"(?i:JSON_ARRAY){_GAP}\(", ")"),
}
_OPENINGS = {name: compiled(form.opening + _GAP, re.ASCII) for name, form in _FORMS.items()}
_KEYS = {sign: compiled(rf"{KEY}{_GAP}{sign}(?!:){_GAP}", re.ASCII) for sign in ":,"}
_KEY = compiled(KEY, re.ASCII)

Composed = tuple[str, tuple[str, ...] | int]
"""The form of a document and its keys as they are written, or the form of an array and its length."""


@dataclass(slots=True)
class Cell:
    """The kinds that a value was seen to be: literals, and documents and arrays with the cells in them."""

    leaves: set[str] = field(default_factory=set)
    composed: dict[Composed, list[Cell]] = field(default_factory=dict)

    def merge(self, other: Cell) -> bool:
        """Take over the other's kinds; whether that brought anything new."""
        news = not other.leaves <= self.leaves
        self.leaves |= other.leaves
        for written, cells in other.composed.items():
            known = self.composed.get(written)
            if known is None:
                self.composed[written] = cells
            news |= known is None or merge_cells(known, cells)
        return news


def merge_cells(cells: list[Cell], others: list[Cell]) -> bool:
    """Merge cell by cell; whether that brought anything new."""
    return sum([cell.merge(other) for cell, other in zip(cells, others, strict=True)]) > 0


@dataclass(slots=True)
class RowShape:
    """What the rows of a list look like so far: a cell for each value, and whether ROW stands in front."""

    cells: list[Cell]
    keyword: bool = False

    def merge(self, other: RowShape) -> bool:
        """Take over another row's kinds; whether that brought anything new. Of another width: nothing."""
        if len(other.cells) != len(self.cells):
            return False
        keyword, self.keyword = self.keyword, self.keyword or other.keyword
        return merge_cells(self.cells, other.cells) or keyword != self.keyword


def learn(text: str, start: int) -> RowShape | None:
    """The shape of the row that begins at `start`; None if it holds more than plain literals and gaps."""
    opening = _ROW.match(text, start)
    if opening is None:
        return None
    found = _learn_items(text, opening.end(), _ROW_FORM, 0)
    return RowShape(found[1], opening[1] is not None) if found else None


def _learn_items(text: str, at: int, form: _Form, depth: int) -> tuple[list[str], list[Cell], int] | None:
    """The keys as written, the cells, and where the closing sign ends."""
    keys: list[str] = []
    cells: list[Cell] = []
    while True:
        if form.behind_key:
            key = _KEYS[form.behind_key].match(text, at)
            if key is None or read_key(key, named=form.braces) is None:
                return None
            keys.append(key[key.lastindex or 0])
            at = key.end()
        cell = Cell()
        end = _learn_value(text, at, cell, depth)
        following = _NEXT.match(text, end) if end else None
        if following is None or len(cells) > MAX_GROUPS:
            return None
        cells.append(cell)
        if following[1] != ",":
            return (keys, cells, following.end(1)) if following[1] == form.closing else None
        at = following.end()
        if form.braces and text.startswith(form.closing, at):
            return keys, cells, at + 1


def _learn_value(text: str, at: int, cell: Cell, depth: int) -> int:
    """Note the value at `at` in the cell; where it ends, 0 if it has no shape."""
    literal = _LITERAL.match(text, at)
    if literal is not None:
        kind = literal.lastgroup or ""
        cell.leaves.add(literal[kind].upper() if kind == "typed" else kind)
        return literal.end()
    if depth >= MAX_DEPTH:
        return 0
    for name, form in _FORMS.items():
        opening = _OPENINGS[name].match(text, at)
        if opening is not None:
            if text.startswith(form.closing, opening.end()):
                cell.composed[name, 0] = []
                return opening.end() + 1
            found = _learn_items(text, opening.end(), form, depth + 1)
            if found is not None:
                keys, cells, end = found
                cell.composed[name, tuple(keys) or len(cells)] = cells
                return end
    return 0


class Learner:
    """Learns from the rows that its reader didn't match, and makes a better reader of them now and then.

    Compiling costs as much as reading some hundred rows, so it waits for `patience` rows, then for
    twice as many each time; rows that can't be learned end it.
    """

    def __init__(self, words: Mapping[str, Any], inner_words: Mapping[str, Any], patience: int = 100) -> None:
        self.words, self.inner_words = words, inner_words
        self.reader: Reader | None = None
        self.shape: RowShape | None = None
        self.patience = patience
        self._misses = self._futile = 0
        self._news = False

    def learn(self, text: str, start: int) -> None:
        """Take the row that begins at `start` as an example."""
        if self._futile >= MAX_FUTILE:
            return
        learned = learn(text, start)
        if learned is None:
            self._futile += 1
            return
        if self.shape is None:
            self.shape, self._news = learned, True
        else:
            news = self.shape.merge(learned)
            self._futile += not news
            self._news |= news
        self._misses += 1
        if self._news and self._misses >= self.patience:
            self._compile(self.shape)

    def _compile(self, shape: RowShape) -> None:
        reader = compile_shape(shape, self.words, self.inner_words)
        if reader is None:
            self._futile = MAX_FUTILE
            return
        self.reader = reader
        self.patience *= 2
        self._misses = self._futile = 0
        self._news = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A shape made ready: `pattern` matches a row and the comma behind it, `build` makes its values.

    `build_plain` is for text in which no quote is doubled.
    """

    pattern: re.Pattern[str]
    build: Build
    build_plain: Build


def compile_shape(shape: RowShape, words: Mapping[str, Any], inner_words: Mapping[str, Any]) -> Reader | None:
    """The reader of a shape; None: the rows are too varied.

    The two mappings give the values of NULL, TRUE, CURRENT_TIMESTAMP and the like as a row's value, and
    inside of documents and arrays.
    """
    writer = _Writer()
    written = writer.values(shape.cells, _ROW_FORM)
    if writer.groups > MAX_GROUPS or writer.refused:
        return None
    keyword = rf"(?:(?i:ROW){_GAP})?+" if shape.keyword else ""
    pattern = keyword + rf"\({_GAP}" + "".join(p for p, _ in written) + rf"{_GAP},{_GAP}"
    names = "".join(f"g{i}, " for i in range(writer.groups))
    values = "".join(f"{expression}, " for _, expression in written)
    builders = []
    for string in ("{0}.replace(doubled, quote) if doubled in {0} else {0}", "{0}"):
        code = f"lambda rows: [({values}) for ({names}) in rows]"
        code = _STRING_CALL.sub(lambda m, s=string: "(" + s.format(m[1]) + ")", code)  # type: ignore[misc]
        namespace = {"__builtins__": {}, "int": int, "float": float, "doubled": "''", "quote": "'"}
        namespace |= {"escaped": string_literal, "hex": hex_literal}
        namespace |= {"words": words, "inner_words": inner_words}
        builders.append(eval(code, namespace | TYPED_LITERALS | writer.keys))
    return Reader(compiled(pattern, re.ASCII), *builders)


class _Writer:
    """Writes cells as pieces of pattern and of code, counting groups and collecting keys on the way."""

    def __init__(self) -> None:
        self.groups = 0
        self.keys: dict[str, str | None] = {}
        self.refused = False
        self.depth = 0

    def values(self, cells: list[Cell], form: _Form) -> list[tuple[str, str]]:
        """The pattern of each cell with what separates it from the next, and the expression of its value."""
        closing = (rf"(?:{_GAP},)?+" if form.braces else "") + rf"{_GAP}\{form.closing}"
        ends = [_COMMA] * (len(cells) - 1) + [closing]
        return [self._cell(cell, end) for cell, end in zip(cells, ends, strict=True)]

    def _cell(self, cell: Cell, end: str) -> tuple[str, str]:
        count = len(cell.leaves) + len(cell.composed)
        self.refused |= count > MAX_ALTERNATIVES
        self.depth += 1
        written = [self._leaf(kind) for kind in sorted(cell.leaves)]
        written += [self._composed(*item, marked=count > 1) for item in cell.composed.items()]
        self.depth -= 1
        if count == 1:
            return written[0][1] + end, written[0][2]
        pattern = "|".join(p for _, p, _ in written)
        choice = " else ".join([f"{e} if {g} is not None" for g, _, e in written[:-1]] + [written[-1][2]])
        return f"(?>(?:{pattern}){end})", f"({choice})"

    def _group(self) -> str:
        self.groups += 1
        return f"g{self.groups - 1}"

    def _leaf(self, kind: str) -> tuple[str, str, str]:
        group = self._group()
        pattern, expression = _LEAVES[kind]
        return group, pattern, expression.format(group, words="words" if self.depth == 1 else "inner_words")

    def _composed(self, written: Composed, cells: list[Cell], *, marked: bool) -> tuple[str, str, str]:
        """A document or array; if it is `marked`, an empty group says that it is what stands there."""
        form, keys = _FORMS[written[0]], written[1]
        mark = self._group() if marked else ""
        pattern = ("()" if marked else "") + form.opening + _GAP
        if not cells:
            return mark, pattern + rf"\{form.closing}", "{}" if form.behind_key else "[]"
        values = self.values(cells, form)
        if isinstance(keys, int):
            return mark, pattern + "".join(p for p, _ in values), "[" + ", ".join(e for _, e in values) + "]"
        pairs = []
        for key, (piece, expression) in zip(keys, values, strict=True):
            name = f"k{len(self.keys)}"
            self.keys[name] = read_key(_KEY.match(key), named=form.braces)
            pattern += re.escape(key) + _GAP + form.behind_key + _GAP + piece
            pairs.append(f"{name}: {expression}")
        return mark, pattern, "{" + ", ".join(pairs) + "}"
