"""How statements are coloured while they are typed."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text

from sqlbulk.shell.words import keywords
from sqlbulk.syntax.lexical import COMMENT

_CONSTANTS = ("NULL", "TRUE", "FALSE", "MISSING", "UNKNOWN", "DEFAULT")


class StatementLexer(RegexLexer):
    """The statements of sqlbulk, and the shell's backslash commands. Unclosed quotes run to the end."""

    name = "sqlbulk"
    tokens: ClassVar = {
        "root": [
            (r"\A\s*\\\S*", Name.Decorator),
            (r"\s+", Text),
            (COMMENT, Comment),
            (r"/\*[\s\S]*\Z", Comment),
            (r"[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|\Z)", String),
            (r"[xX]'[^']*(?:'|\Z)", String),
            (r"'(?:[^']|'')*(?:'|\Z)", String),
            (r'"(?:[^"]|"")*(?:"|\Z)', Name.Variable),
            (r"`[^`]*(?:`|\Z)", Name.Variable),
            (r"\?|[:@][A-Za-z_]\w*|%\([^)]*\)s", Name.Tag),
            (r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", Number),
            (words(_CONSTANTS, prefix=r"(?i)\b", suffix=r"\b"), Keyword.Constant),
            (words(keywords(), prefix=r"(?i)\b", suffix=r"\b"), Keyword),
            (r"[^\W\d]\w*(?=\s*\()", Name.Function),
            (r"[^\W\d]\w*", Name),
            (r"[-+*/%<>=!|&^~]+", Operator),
            (r"[\s\S]", Punctuation),
        ],
    }
