"""Value lists with queries in them: no rows that could be decoded, so the list goes back into the statement's text."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlbulk.syntax.lexical import COMMENT, GAP, QUOTED
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.script import ScriptStatement

LONGEST = 1 << 20
"""The bytes of a list that is looked at. In a longer one a query is refused, as an expression that no row can have."""

_PARTS = compiled(rf"{QUOTED}|{COMMENT}|(?P<query>\({GAP}(?:SELECT|WITH)\b)", re.IGNORECASE)


def with_queries_in_place(statement: ScriptStatement) -> ScriptStatement:
    """The statement with its value list in the text if a query stands in the list, else as it is."""
    rows, cut = statement.rows, statement.source.cut
    if rows is None or cut is None or rows.size > LONGEST:
        return statement
    text = "".join(rows)
    if "select" not in text.lower() or not any(part["query"] for part in _PARTS.finditer(text)):
        return statement
    whole = statement.source.text
    source = replace(statement.source, text=whole[: cut.at] + text + whole[cut.at + 1 :], cut=None)
    return replace(statement, source=source, rows=None)
