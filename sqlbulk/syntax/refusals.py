"""Statements that other databases have and sqlbulk refuses by name, with what to do instead."""

from __future__ import annotations

import re

from sqlbulk.errors import Source, Span, SqlSyntaxError, UnsupportedError
from sqlbulk.syntax.lexical import COMMENT, QUOTED
from sqlbulk.syntax.patterns import compiled

_TRANSACTION = "a bulk statement is its own unit of work; sqlbulk has no transactions over several statements"
_BLOCK = (
    "PL/pgSQL and other procedural blocks are not run; write the statements themselves: a loop over rows is one UPDATE,"
    " MERGE or INSERT … SELECT")
_RIGHTS = "users and rights are the server's business; use its own tools"

UNSUPPORTED: dict[str, str] = {
    "BEGIN": f"{_TRANSACTION}, and runs no procedural blocks", "START": _TRANSACTION, "COMMIT": _TRANSACTION,
    "ROLLBACK": _TRANSACTION, "SAVEPOINT": _TRANSACTION,
    "DO": _BLOCK, "DECLARE": _BLOCK, "CALL": _BLOCK, "LOOP": _BLOCK, "WHILE": _BLOCK,
    "FOR": _BLOCK, "FOREACH": _BLOCK, "IF": _BLOCK, "RAISE": _BLOCK, "PERFORM": _BLOCK, "RETURN": _BLOCK, "END": _BLOCK,
    "EXCEPTION": _BLOCK, "CREATE FUNCTION": _BLOCK, "CREATE PROCEDURE": _BLOCK,
    "CREATE OR REPLACE FUNCTION": _BLOCK, "CREATE OR REPLACE PROCEDURE": _BLOCK,
    "CREATE TRIGGER": "triggers are not run; use a change stream",
    "CREATE BULK_MONITOR": "monitors are not there yet",
    "CREATE SEQUENCE": "there are no sequences; _id is made for every row",
    "CREATE DATABASE": "a database is made with its first collection; write USE name",
    "CREATE SCHEMA": "there are no schemas; a name before the dot is a database",
    "ALTER": "collections have no fixed columns to alter; UPDATE … UNSET field removes a field",
    "GRANT": _RIGHTS, "REVOKE": _RIGHTS, "CREATE USER": _RIGHTS, "CREATE ROLE": _RIGHTS,
    "COPY": "write INSERT INTO t FROM 'file' to load",
    "VACUUM": "the server does this by itself", "ANALYZE": "the server does this by itself",
    "PREPARE": "use parameters: ? or :name", "EXECUTE": "use parameters: ? or :name",
    "LOCK": _TRANSACTION, "CONFIGURE": "write SET option = value", "REFRESH": "there are no materialized views",
}
CLAUSES: tuple[tuple[str, str, str], ...] = (
    (r"(?:REFERENCES|(?<=FOREIGN )KEY)", "foreign keys", "the server checks no other collection;"
     " DELETE … WITH (verify_foreign_keys = true, references = 'orders.user_id -> user_id') does when rows go"),
    (r"(?:GENERATED|IDENTITY|AUTO_INCREMENT|AUTOINCREMENT)", "generated columns", "MongoDB doesn't count up or work out"
     " fields; every document has an _id, DEFAULT gives a value, SELECT or a view works one out"),
    (r"(?:ENGINE|CHARSET|TABLESPACE|INHERITS|PARTITION)", "storage clauses of a table", "the server"
     " stores all collections alike"),
    (r"COMMENT", "comments on columns", "write -- in the script"),
    (r"COLLATE", "collations of columns", "strings are compared by code points"),
)
"""Clauses of CREATE TABLE that are refused: a pattern, what it is, and why."""
KNOWN = frozenset(
    ("SELECT WITH VALUES TABLE INSERT UPSERT REPLACE LOAD UPDATE DELETE MOVE MERGE BULK EXPLAIN DRY SET USE SHOW"
     " DESCRIBE DESC CREATE DROP TRUNCATE").split()
)
_GAP = re.compile(r"(?:\s|--[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"\w+")
_PIECE = compiled(rf"{QUOTED}|{COMMENT}")
_PATH_OPERATOR = re.compile(r"(#>>?|#-(?=\s*'\{))")


def refuse_unsupported(source: Source) -> None:
    """Raise where the statement's first words name something that is refused, or nothing known."""
    words: list[str] = []
    at = start = _skip(source.text, 0)
    while len(words) < 4 and (match := _WORD.match(source.text, at)):
        words.append(match[0].upper())
        for_span = Span(start, match.end())
        reason = UNSUPPORTED.get(" ".join(words))
        if reason is not None:
            raise UnsupportedError("E3001", f"{' '.join(words)} is not supported: {reason}", for_span, source=source)
        at = _skip(source.text, match.end())
    if words and words[0] not in KNOWN:
        span = Span(start, start + len(words[0]))
        raise SqlSyntaxError("E1006", f"{source.text[span.start : span.end]} is not a statement", span, source=source)


def refuse_path_operators(source: Source) -> None:
    """Raise where PostgreSQL's #>, #>> or #- stands, which would be a comment here and the rest of its line be lost."""
    if "#" not in source.text:
        return
    for match in _PIECE.finditer(source.text):
        operator = _PATH_OPERATOR.match(match[0])
        if operator is not None:
            span = Span(match.start(), match.start() + len(operator[1]))
            raise UnsupportedError("E3001", f"the operator {operator[1]} isn't supported: # begins a comment", span,
                                   hint="write JSON_EXTRACT, JSON_VALUE or JSON_REMOVE (x, '$.a.b');"
                                   " a space behind # makes a comment of it", source=source)


def refuse_clause(source: Source, start: int) -> None:
    """Raise where the clause of a CREATE TABLE at this place is one that is refused."""
    at = _skip(source.text, 0)
    if not re.match(r"CREATE\s+(?:TABLE|COLLECTION)\b", source.text[at:], re.IGNORECASE):
        return
    for pattern, what, reason in CLAUSES:
        found = re.compile(rf"{pattern}\b", re.IGNORECASE).match(source.text, start)
        if found is not None:
            raise UnsupportedError("E3001", f"{what} are not supported: {reason}", Span(*found.span()), source=source)


def _skip(text: str, at: int) -> int:
    match = _GAP.match(text, at)
    return match.end() if match else at
