"""Results as a drawn table, and one value a line (vertical), for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TextIO

from tabulate import tabulate

from sqlbulk.formats.cells import Layout, is_null, is_number, plain_text, visible

PAGE = 1_000
"""How many rows are drawn at a time; each page repeats the header."""


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """A table with lines around it.

    Numbers stand to the right. Longer cells than `layout.max_width` end in …; control characters are
    spelled out. More than a thousand rows come in pages of the same widths, unless a page needs more.
    """
    source = iter(rows)
    page = list(islice(source, PAGE))
    numeric = [_is_numeric(row[i] for row in page) for i in range(len(columns))]
    header = [_cut(visible(column), layout) for column in columns]
    widths = [0] * len(columns)
    for values in chain([page], _pages(source)):
        cells = [[_cell(value, layout) for value in row] for row in values]
        drawn = tabulate(
            # the last row only holds the widths of the pages before, and is taken out again
            [*cells, ["x" * width for width in widths]], header if layout.header else (), tablefmt="psql",
            disable_numparse=True, colalign=["right" if n else "left" for n in numeric],
            preserve_whitespace=True,
        ).split("\n")
        del drawn[-2]
        widths = [len(dashes) - 2 for dashes in drawn[0][1:-1].split("+")]
        stream.write("\n".join(drawn) + "\n")


def _pages(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _is_numeric(values: Iterator[Any]) -> bool:
    filled = [value for value in values if not is_null(value)]
    return bool(filled) and all(map(is_number, filled))


def _cell(value: Any, layout: Layout) -> str:
    if is_null(value):
        return "NULL" if layout.null is None else layout.null
    return _cut(visible(plain_text(value)), layout)


def _cut(text: str, layout: Layout) -> str:
    if layout.max_width is None or len(text) <= layout.max_width:
        return text
    return text[: layout.max_width - 1] + "…"


def write_vertical(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout
) -> None:
    """Each value on a line of its own, whole, behind its column's name; control characters spelled out."""
    names = [visible(column) for column in columns]
    width = max(map(len, names), default=0)
    uncut = Layout(layout.null, None)
    for number, row in enumerate(rows, 1):
        stream.write(f"{'*' * 27} {number}. row {'*' * 27}\n")
        for name, value in zip(names, row, strict=True):
            stream.write(f"{name.rjust(width)}: {_cell(value, uncut)}\n")
