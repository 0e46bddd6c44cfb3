"""What could stand at a place in the text, in words."""

from __future__ import annotations

_NAMES = {
    "NAME": "a name", "QUOTED": "a name", "NUMBER": "a number", "STRING": "a string", "ESCAPED_STRING": "a string",
    "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}", "COMMA": "a comma", "DOT": ".",
    "COLON": ":", "QMARK": "?", "QUESTION": "?", "ASSIGN": ":=", "EQUAL": "=",
    "ROWS": "a list of rows", "VARIABLE": "@name",
    "$END": "the end",
    "OPTION_BLOCK": "BULK_OPTIONS", "ANY": "ANY", "ALL_OF": "ALL", "ROWS_WORD": "ROWS", "NULL_WORD": "NULL",
    "UNIT": "a unit of time", "FILE_OPTION": "a file option", "TYPE_WORDS": "a type", "DOUBLE_COLON": "::",
    "NULLS_INSIDE": "IGNORE NULLS", "NULLS_TREATMENT": "IGNORE NULLS", "FROM_END": "FROM LAST", "HAS_KEYS": "?|",
    "BRACKETS": "[]", "DOT_STAR": ".*", "OVERLAP": "&&", "AMPERSAND": "&", "BAR": "|", "CARET": "^", "CONTAINS": "@>",
    "CONCAT": "||", "SHIFT": "<<", "ARROW": "->", "LONG_ARROW": "->>", "MINUS": "-", "PLUS": "+", "STAR": "*",
    "SLASH": "/", "PERCENT": "%", "LESS": "<", "GREATER": ">", "LESS_EQUAL": "<=", "GREATER_EQUAL": ">=",
    "NOT_EQUAL": "<>", "NULL_SAFE_EQUAL": "<=>", "MATCH": "~", "TILDE": "~", "IS_JSON": "JSON", "STDIN_ROWS": "STDIN",
    "EXCEPT_COLUMNS": "EXCEPT", "VALUES_OF_ROWS": "VALUES", "NAMED_PARAMETER": ":name", "PYTHON_PARAMETER": "%(name)s",
    "LAMBDA_NAME": "a name", "LAMBDA_NAMES": "(", "TYPED_LITERAL": "a literal", "HEX": "a literal",
}
_EXPRESSION = {"NAME", "NUMBER", "STRING", "LPAR", "CASE"}
_OPERATORS = {
    "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "NULL_SAFE_EQUAL", "CONCAT", "MATCH",
    "AMPERSAND", "BAR", "SHIFT", "CONTAINS", "PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "DIV", "MOD", "CARET", "AND",
    "OR", "XOR", "NOT", "IS", "IN", "BETWEEN", "LIKE", "ILIKE", "SIMILAR_TO", "REGEXP", "RLIKE", "AT_TIME_ZONE",
    "ARROW",
    "LONG_ARROW", "LSQB", "DOT", "BRACKETS", "DOT_STAR", "FILTER", "OVER", "WITHIN_GROUP",
    "NULLS_TREATMENT", "NULLS_INSIDE", "FROM_END", "OVERLAPS", "OVERLAP", "HAS_KEYS", "QUESTION", "COLLATE", "IS_JSON",
    "DOUBLE_COLON", "ESCAPE",
}
_MOST = 8


def expectation(terminals: set[str]) -> str:
    """`expected WHERE, ORDER BY or the end`: the terminals that fit, in words, the common families by one name."""
    names: list[str] = []
    rest = set(terminals)
    if rest >= _EXPRESSION:
        names.append("an expression")
        rest = {t for t in rest if t in _CLAUSES}
    elif len(rest & _OPERATORS) > 3:
        rest -= _OPERATORS
        names.append("an operator")
    names.extend(sorted({_word(t) for t in rest}, key=lambda w: (not w.isalpha(), w)))
    if not names:
        return "nothing fits here"
    if len(names) > _MOST:
        names = [*names[:_MOST], "…"]
        return f"expected one of {', '.join(names)}"
    return f"expected {', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else f"expected {names[0]}"


_CLAUSES = {"FROM", "WHERE", "SET", "DISTINCT", "ALL", "SELECT", "WITH"}


def _word(terminal: str) -> str:
    return _NAMES.get(terminal, terminal.replace("_", " "))
