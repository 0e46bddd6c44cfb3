"""Patterns for strings, names, comments and gaps, shared by the splitter (bytes) and the row decoder (text).

All are possessive: however broken the input, no pattern goes back over what it has read.
"""

from __future__ import annotations

SPACE = r"[ \t\r\n\f\v]"
COMMENT = r"(?:--|\#)[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
HINT = rf"/\*(?:\+{SPACE}*+[A-Za-z]|M?!(?:\d{{5,6}})?+{SPACE}*+(?!{SPACE}|\*/))"
"""What begins a comment that other databases read: a hint, or SQL for MySQL or MariaDB, from a version on."""
GAP = rf"(?:{SPACE}++|{COMMENT})*+"
VALUE_GAP = rf"(?:{SPACE}++|(?!\#>|\#-\s*+'\{{)(?:{COMMENT}))*+"
"""A gap beside a value, where PostgreSQL's operators #>, #>> and #- are no comments: they are refused."""
STRING = r"'[^']*+(?:''[^']*+)*+'"
ESCAPED_STRING = r"(?<!\w)[eE]'[^'\\]*+(?:(?:''|\\[\s\S])[^'\\]*+)*+'"
QUOTED_NAME = r'"[^"]*+(?:""[^"]*+)*+"|`[^`]*+(?:``[^`]*+)*+`'
NAME = r"(?u:[^\W\d][\w$]*+)"
DOLLAR_STRING = r"(?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*+)?+)\$(?:[^$]++|\$(?!(?P=tag)\$))*+\$(?P=tag)\$"
QUOTED = rf"{STRING}|{ESCAPED_STRING}|{QUOTED_NAME}|{DOLLAR_STRING}"
OPENING = r"['\"`]|(?<!\w)[eE]'|/\*|(?<![\w$])\$(?:[A-Za-z_]\w*+)?+\$"
"""What begins a quoted text or comment: where it matches and they don't, the end is missing."""

INTEGER = r"[-+]?\d++"
FLOAT = r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+"
WORD = r"(?!(?i:JSON_(?:OBJECT|ARRAY))\b)[A-Za-z_]\w*+(?:\(\))?+"
"""A word that may stand for a value: NULL, TRUE, CURRENT_TIMESTAMP, NOW()."""
TYPED = r"DATE|TIMESTAMP|TIMESTAMPTZ|DATETIME|DECIMAL|NUMERIC|OBJECTID|UUID"
"""The types of which a literal can be written: DATE '2025-01-31'."""

RESERVED = frozenset(
    ("ALL AND AS BETWEEN BY CASE DEFAULT DISTINCT ELSE END EXCEPT EXISTS FALSE FROM GROUP HAVING IN INTERSECT INTO "
     "IS JOIN LIKE LIMIT NOT NULL ON OR ORDER RETURNING SELECT THEN TRUE UNION USING WHEN WHERE WITH").split()
)
"""Words that are a name only in quotes. All other keywords are names wherever the grammar has no place for them."""

ROWS_MARK = "\ue000"
"""The character that stands in a statement's text for the value list that was taken out of it."""
