"""Results as tables of Markdown and HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from sqlbulk.formats.cells import Layout, is_null, is_number, plain_text, visible

_MARKDOWN_SIGNS = re.compile(r"([\\|`*_\[\]~#$])")


def write_markdown(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout
) -> None:
    """A pipe table; signs that mean something to Markdown are escaped, line ends are <br>."""
    stream.write(_markdown_line(_markdown(column) for column in columns))
    stream.write(_markdown_line("---" for _ in columns))
    null = "" if layout.null is None else _markdown(layout.null)
    for row in rows:
        cells = (null if is_null(value) else _markdown(plain_text(value)) for value in row)
        stream.write(_markdown_line(cells))


def _markdown_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _markdown(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "<br>".join(_MARKDOWN_SIGNS.sub(r"\\\1", html.escape(_shown(line), quote=False)) for line in lines)


def write_html(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO, layout: Layout) -> None:
    """A <table> with <thead> and <tbody>; NULL has the class null, numbers the class number."""
    stream.write("<table>\n")
    if layout.header:
        titles = "".join(f"<th>{_html(column)}</th>" for column in columns)
        stream.write(f"<thead>\n<tr>{titles}</tr>\n</thead>\n")
    stream.write("<tbody>\n")
    null = "" if layout.null is None else _html(layout.null)
    for row in rows:
        stream.write("<tr>" + "".join(_html_cell(value, null) for value in row) + "</tr>\n")
    stream.write("</tbody>\n</table>\n")


def _html_cell(value: Any, null: str) -> str:
    if is_null(value):
        return f'<td class="null">{null}</td>'
    kind = ' class="number"' if is_number(value) else ""
    return f"<td{kind}>{_html(plain_text(value))}</td>"


def _html(text: str) -> str:
    return html.escape(_shown(text))


def _shown(text: str) -> str:
    """Control characters spelled out, other than line feeds and tabs."""
    return "".join(part if part in "\n\t" else visible(part) for part in re.split(r"([\n\t])", text))
