"""Expressions in rows, worked out: those that differ in their literals only are parsed once.

Of the next ones the tree is made by putting their literals into the first one's. It has the first one's spans:
where it turns out wrong, the text itself is parsed, and what is wrong with it found there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

from sqlbulk.errors import RowRefused, Span, SqlError
from sqlbulk.syntax import ast, literals
from sqlbulk.syntax.lexical import COMMENT, ESCAPED_STRING, QUOTED_NAME, SPACE, STRING, TYPED
from sqlbulk.syntax.patterns import compiled

MAX_TEXT = 2000
MAX_KINDS = 500
MAX_ALIKE = 8

_END = r"(?![\w$.])"
_TOKEN = compiled(
    rf"({STRING}|{ESCAPED_STRING})|([0-9]{{1,18}}+{_END})|([0-9]{{1,200}}+\.[0-9]{{1,200}}+{_END})"
    rf"|((?i:{TYPED}){SPACE}*+'[^']*+')|{QUOTED_NAME}|{COMMENT}|[\w$.]++"
)
_CONVERSIONS: dict[int, Callable[[str], Any]] = {
    1: literals.string_literal, 2: int, 3: float,
    4: lambda token: literals.typed_literal(token[: token.index("'")].strip(), token[token.index("'") + 1 : -1]),
}  # fmt: skip
"""By the group that matched."""

Parts = tuple[str | int, ...]
"""A text without its literals: what is between them, and of each the group that it matched."""
Fill = Callable[[list[Any]], Any]
"""Makes a part of a tree of the values of a text's literals."""


@dataclass(slots=True)
class _Example:
    """An expression whose tree is known, ready to be made again with other values.

    `free` are the literals (by number) that were seen to differ and to change nothing else in the tree.
    """

    texts: list[str]
    fill: Fill
    free: set[int] = field(default_factory=set)

    def different(self, texts: list[str]) -> set[int]:
        """The literals that are not those of the example."""
        return {i for i, text in enumerate(texts) if text != self.texts[i]}


class Expressions:
    """The `rowscan.Evaluate` of a value list.

    `parse` makes the tree of a text that stands behind so many positional parameters, `evaluate` its value.
    """

    def __init__(self, parse: Callable[[str, int], ast.Expr], evaluate: Callable[[ast.Expr], Any]) -> None:
        self._parse, self._evaluate = parse, evaluate
        self._examples: dict[Parts, list[_Example]] = {}

    def __call__(self, text: str, *, first_parameter: int) -> Any:
        """The value; raises what `parse` and `evaluate` raise."""
        taken = _take_apart(text) if len(text) <= MAX_TEXT and "?" not in text else None
        if taken is None:
            return self._evaluate(self._parse(text, first_parameter))
        parts, texts, values, spans = taken
        for example in self._examples.get(parts, ()):
            if example.different(texts) <= example.free:
                with suppress(SqlError, RowRefused):
                    return self._evaluate(example.fill(values))
        tree = self._parse(text, first_parameter)
        self._learn(parts, texts, values, spans, tree)
        return self._evaluate(tree)

    def _learn(self, parts: Parts, texts: list[str], values: list[Any], spans: list[Span], tree: ast.Expr) -> None:
        if len(self._examples) >= MAX_KINDS and parts not in self._examples:
            return
        alike = self._examples.setdefault(parts, [])
        for example in alike:
            if example.fill(values) == tree:
                example.free |= example.different(texts)
                return
        if len(alike) < MAX_ALIKE:
            places = {(span.start, span.end): i for i, span in enumerate(spans)}
            alike.append(_Example(texts, _filling(tree, places) or (lambda _: tree)))


def _take_apart(text: str) -> tuple[Parts, list[str], list[Any], list[Span]] | None:
    """The parts, and the literals as written, their values and places; None if one has no value."""
    parts: list[str | int] = []
    texts: list[str] = []
    values: list[Any] = []
    spans: list[Span] = []
    at = 0
    for token in _TOKEN.finditer(text):
        group = token.lastindex
        if group is None:
            continue
        parts += text[at : token.start()], group
        at = token.end()
        texts.append(token[0])
        spans.append(Span(token.start(), at))
        try:
            values.append(_CONVERSIONS[group](token[0]))
        except ValueError:
            return None
    parts.append(text[at:])
    return tuple(parts), texts, values, spans


def _filling(node: Any, places: Mapping[tuple[int, int], int]) -> Fill | None:
    """What makes the node anew of other values of the literals that stand at these places; None: it has none."""
    if isinstance(node, ast.Literal):
        index, span = places.get((node.span.start, node.span.end)), node.span
        return None if index is None else lambda values: ast.Literal(values[index], span=span)
    if isinstance(node, tuple):
        items = [(item, _filling(item, places)) for item in node]
        if not any(fill for _, fill in items):
            return None
        return lambda values: tuple(fill(values) if fill else item for item, fill in items)
    if not isinstance(node, ast.Node):
        return None
    kept = {f.name: getattr(node, f.name) for f in fields(node)}
    fills = {name: fill for name, value in kept.items() if (fill := _filling(value, places))}
    if not fills:
        return None
    make = type(node)
    return lambda values: make(**(kept | {name: fill(values) for name, fill in fills.items()}))
