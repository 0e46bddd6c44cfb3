"""Words and clauses of other databases: refused by name where they can't be read, or would be read as a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlbulk.errors import Source, Span, UnsupportedError
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st
from sqlbulk.syntax.lexical import COMMENT, HINT, QUOTED
from sqlbulk.syntax.patterns import compiled

_LIMIT = "write LIMIT behind the query"
_RECURSIVE = "write WITH RECURSIVE"
_LEAVE = "leave it out"
_MEMBERS = "write WHERE EXISTS (SELECT …) or NOT EXISTS (SELECT …)"
_ROWS_INTO = "write INSERT INTO t (a, b) VALUES (…)"
_IS_NULL = "write IS NULL or IS NOT NULL"
_SELECT_INTO = "write INSERT INTO t SELECT …, which makes the collection"
_DISTINCT = "write SELECT DISTINCT"
_HINT = "the option hint names an index: SELECT … WITH (hint = 'name')"
_QUALIFY = "put the window function into a subquery in FROM, and test it in WHERE around that"
_FILTER = "write an aggregate for each column: SUM(n) FILTER (WHERE kind = 'a')"
_FILE = "INSERT INTO t FROM 'file' loads it, and MERGE INTO t USING 'file' AS s reads it"

# Words that would be read as names

_BEFORE_ITEMS = {
    **dict.fromkeys(("STRAIGHT_JOIN", "HIGH_PRIORITY", "SQL_CALC_FOUND_ROWS", "SQL_NO_CACHE", "SQL_CACHE",
                     "SQL_SMALL_RESULT", "SQL_BIG_RESULT", "SQL_BUFFER_RESULT"), _LEAVE),
    "DISTINCTROW": _DISTINCT, "UNIQUE": _DISTINCT, "TOP": _LIMIT, "PRIOR": _RECURSIVE, "CONNECT_BY_ROOT": _RECURSIVE,
    "BINARY": _LEAVE,
}
"""Words in front of a select list or item, and what to write: a column of that name would get an alias without AS."""
_BEHIND_ITEM = {"ISNULL": _IS_NULL, "NOTNULL": _IS_NULL}
_BEFORE_TABLE = dict.fromkeys(
    ("ONLY", "DELAYED", "OVERWRITE", "LOW_PRIORITY", "HIGH_PRIORITY", "IGNORE", "QUICK", "TABLE"), _LEAVE)
_BEHIND_TABLE = {
    **dict.fromkeys(("FINAL", "NOLOCK", "NOWAIT"), _LEAVE), "QUALIFY": _QUALIFY, "PIVOT": _FILTER,
    "UNPIVOT": "write UNNEST or UNION ALL",
    "TABLESAMPLE": "write WHERE RANDOM() < 0.1, or ORDER BY RANDOM() LIMIT 100", "MATCH_RECOGNIZE": _QUALIFY,
}
_BEFORE_JOIN = {
    "SEMI": _MEMBERS, "ANTI": _MEMBERS, "ASOF": "write a LATERAL join with ORDER BY and LIMIT 1", "ANY": _LEAVE,
    "GLOBAL": _LEAVE, "OUTER": "write LEFT, RIGHT or FULL OUTER JOIN",
    **dict.fromkeys(("POSITIONAL", "PASTE"), "number the rows with ROW_NUMBER()"),
}
_ALL = {**_BEFORE_ITEMS, **_BEHIND_ITEM, **_BEFORE_TABLE, **_BEHIND_TABLE, **_BEFORE_JOIN}
_SUSPECT = re.compile(rf"\b(?:{'|'.join(_ALL)}|CONCURRENTLY)\b", re.IGNORECASE)
_JOIN = re.compile(r"\s+JOIN\b", re.IGNORECASE)


def refuse_misread(tree: Any, source: Source) -> None:
    """Raise UnsupportedError E3001 where a word of another database was read as a name."""
    if _SUSPECT.search(source.text) is None:
        return
    used = {n.parts[0].text for n in _nodes(tree) if isinstance(n, ast.Path) and len(n.parts) > 1}
    used |= {n.table[0].text for n in _nodes(tree) if isinstance(n, ast.Star) and n.table}
    for node in _nodes(tree):
        match node:
            case ast.SelectItem():
                _check_item(node, source)
            case ast.Table(alias=alias) if alias is not None and not _says_as(node.name[-1], alias.name, source):
                if len(node.name) == 1:
                    _check(node.name[0], _BEFORE_TABLE, "in front of a collection's name", alias.name)
                _check_alias(alias, source, used)
            case ast.Derived(alias=alias) if alias is not None and alias.span.start == alias.name.span.start:
                _check_alias(alias, source, used)
            case st.CreateIndex(name=ast.Identifier(text=text, quoted=False, span=span)) if (
                    text.upper() == "CONCURRENTLY"):
                raise _refused("CREATE INDEX CONCURRENTLY", span, _BESIDE)


def _check_item(item: ast.SelectItem, source: Source) -> None:
    alias, value = item.alias, item.expression
    if alias is None or _says_as(value, alias, source):
        return
    if not alias.quoted:
        _check(alias, _BEHIND_ITEM, "behind a value")
    if isinstance(value, ast.Path) and len(value.parts) == 1:
        _check(value.parts[0], _BEFORE_ITEMS, "in a select list", alias)
    elif isinstance(value, ast.Call) and value.name == "TOP":
        raise _refused("TOP in a select list", value.span, _LIMIT)


def _check_alias(alias: ast.Alias, source: Source, used: set[str]) -> None:
    """`used` are the names that stand in front of a column's: they are meant as names."""
    if alias.name.text in used:
        return
    _check(alias.name, _BEHIND_TABLE, "behind a collection")
    if _JOIN.match(source.text, alias.name.span.end):
        _check(alias.name, _BEFORE_JOIN, "in front of JOIN")


def _check(name: ast.Identifier, words: dict[str, str], where: str, alias: ast.Identifier | None = None) -> None:
    hint = None if name.quoted else words.get(name.text.upper())
    if hint is not None:
        meant = f"{name.text} AS {alias.text}" if alias is not None else f"AS {name.text}"
        raise _refused(f"{name.text} {where}", name.span, f"{hint}; a name is meant by {meant}")


def _says_as(before: ast.Node, name: ast.Identifier, source: Source) -> bool:
    """Whether AS stands between a node and the alias behind it."""
    between = re.sub(COMMENT, " ", source.text[before.span.end : name.span.start])
    return between.strip(" \t\r\n\f\v)").upper() == "AS"


def _nodes(tree: Any) -> Iterator[ast.Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, ast.Node):
            yield node
            waiting.extend(getattr(node, field.name) for field in fields(node))


def _refused(what: str, span: Span, hint: str, source: Source | None = None) -> UnsupportedError:
    return UnsupportedError("E3001", f"{what} isn't supported", span, hint=hint, source=source)


# Clauses that can't be read

_BESIDE = "leave it out: the server builds indexes beside writes"
_FORMAT = "choose the format of the output where it is shown"
_HERE: tuple[tuple[str, str, str], ...] = (
    (r"FOR\s+(?:NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)", "a row lock (FOR UPDATE, FOR SHARE)", _LEAVE),
    (r"FOR\s+SYSTEM_TIME", "reading older versions (AS OF)", "the server keeps none"),
    (r"FOR\s+(?:JSON|XML|BROWSE)", "an output format in the query", _FORMAT),
    (r"INTO\s+(?:OUTFILE|DUMPFILE)", "SELECT … INTO OUTFILE", "run the query with its output sent to a file"),
    (r"LOCK\s+IN\s+SHARE\s+MODE", "a row lock (LOCK IN SHARE MODE)", _LEAVE),
    (r"ON\s+UPDATE", "ON UPDATE", "set the column in each UPDATE"),
    (r"AS\s+\w+(?:\s*\([^()]*\))?\s+ON\s+DUPLICATE", "a name for the new row", "EXCLUDED.a is the new row's a"),
    (r"LATERAL\s+VIEW", "LATERAL VIEW", "write CROSS JOIN UNNEST(a) AS x (v)"),
    (r"PARTITION\s*\(", "a partition", "choose by WHERE"), (r"(?:CASCADE|RESTRICT)", "CASCADE or RESTRICT", _LEAVE),
    (r"(?:ISNULL|NOTNULL)", "ISNULL or NOTNULL", _IS_NULL), (r"FINAL", "FINAL", _LEAVE),
    (r"(?:TEMPORARY|TEMP)", "a temporary table", "use WITH, or a collection that is dropped later"),
    (r"UNLOGGED", "UNLOGGED", _LEAVE),
    (r"MATERIALIZED\s+VIEW", "a materialized view", "INSERT INTO t SELECT … keeps rows"),
    (r"PERCENT", "a percentage of rows", "write a number of rows"), (r"QUALIFY", "QUALIFY", _QUALIFY),
    (r"OPTION\s*\(", "a query hint (OPTION)", _HINT), (r"MEMBER\s+OF", "MEMBER OF", "write x = ANY (array)"),
    (r"(?:LOW_PRIORITY|CONCURRENT)", "MySQL's priority of a statement", _LEAVE),
    (r"'", "reading a file here", _FILE),
)
"""Patterns of what stands at the place that can't be read, what it is, and what to do."""
_AROUND: tuple[tuple[str, str, str], ...] = (
    (r"LOCK\s+IN\b", "a row lock (LOCK IN SHARE MODE)", _LEAVE),
    (r"(?:VERSION\s+AS\s+OF|TIMESTAMP\s+AS\s+OF|AS\s+OF\s+(?:SYSTEM|TIMESTAMP|DATE|SCN))\b",
     "reading older versions (AS OF)", "the server keeps none"),
    (r"FORMAT\s+\w+", "an output format in the query", _FORMAT),
    (r"(?:DELAYED|LOW_PRIORITY|HIGH_PRIORITY|QUICK)\s+(?:INTO|FROM)\b", "MySQL's priority of a statement", _LEAVE),
    (r"DELETE\s+(?:LOW_PRIORITY|QUICK)\b", "MySQL's priority of a statement", _LEAVE),
    (r"INSERT\s+OVERWRITE\s+INTO\b", "INSERT OVERWRITE", "TRUNCATE the collection first, or write REPLACE"),
    (r"INSERT\s+(?:ALL|FIRST)\b(?:\s+INTO\b)?", "INSERT into several collections", "write an INSERT for each"),
    (r"DELETE\s+IGNORE\b", "DELETE IGNORE", "the option continue_on_error goes on behind a refused document"),
    (r"(?:SELECT|DELETE|UPDATE)\s+TOP\b\s*", "TOP", _LIMIT),
    (r"DELETE\s+(?!FROM\b)[\w.*]+(?:\s*,\s*[\w.*]+)*\s+FROM\b", "DELETE of names in front of FROM",
     "write DELETE FROM t USING u WHERE …"),
    (r"UPDATE\s+OR\b", "UPDATE OR …", "the option continue_on_error goes on behind a refused document"),
    (r"UPDATE\s+[\w.]+(?:\s+(?:AS\s+)?\w+)?\s*(?:,|(?:(?:INNER|LEFT|RIGHT|CROSS)\s+)?(?:OUTER\s+)?JOIN\b)",
     "UPDATE of several collections", "write UPDATE t SET … FROM u WHERE …"),
    (r"QUALIFY\s+", "QUALIFY", _QUALIFY), (r"PREWHERE\s+", "PREWHERE", "write WHERE"),
    (r"LIMIT\s+\S+\s+BY\b", "LIMIT … BY", "number the rows with ROW_NUMBER() OVER (PARTITION BY …) in a subquery"),
    (r"WITH\s+TIES\b", "WITH TIES behind LIMIT", "write FETCH FIRST 5 ROWS WITH TIES"),
    (r"ORDER\s+BY\s+ALL\b", "ORDER BY ALL", "name the columns, or their places: ORDER BY 1, 2"),
    (r"ORDER\s+SIBLINGS\b", "ORDER SIBLINGS BY", _RECURSIVE),
    (r"WITH\s+(?:ROLLUP|CUBE|TOTALS)\b", "WITH ROLLUP, CUBE or TOTALS", "write GROUP BY ROLLUP (a, b)"),
    (r"WITH\s+FILL\b", "WITH FILL", "join with GENERATE_SERIES"),
    (r"(?<=[*] )(?:REPLACE|RENAME)\s*\(", "* with changed columns", "write SELECT * EXCEPT (a), a + 1 AS a"),
    (r"(?<=[*] )EXCLUDE\s+\w", "EXCLUDE without parentheses", "write SELECT * EXCEPT (a)"),
    (r"PIVOT\s*\(\s*\w+\s*", "PIVOT", _FILTER), (r"UNPIVOT\s*\(\s*\w+\s*", "UNPIVOT", "write UNNEST or UNION ALL"),
    (r"(?:USE|FORCE|IGNORE)\s+(?:INDEX|KEY)\b", "an index hint", _HINT),
    (r"WITH\s*\(\s*\w*LOCK\s*", "a table hint", _LEAVE), (r"OPTION\s*\(\s*\w+\s*", "a query hint (OPTION)", _HINT),
    (r"(?:TABLE)?SAMPLE\s+", "SAMPLE", _BEHIND_TABLE["TABLESAMPLE"]),
    (r"SETTINGS\s+", "SETTINGS", "options stand in WITH (name = value)"),
    (r"ALLOW\s+FILTERING\b", "ALLOW FILTERING", _LEAVE),
    (r"(?:CONNECT\s+BY|START\s+WITH)\b\s*", "CONNECT BY", _RECURSIVE),
    (r"(?:LEFT\s+|RIGHT\s+)(?:SEMI|ANTI)\s+JOIN\b", "a SEMI or ANTI JOIN", _MEMBERS),
    (r"(?:CROSS|OUTER)\s+APPLY\b", "APPLY", "write CROSS JOIN LATERAL or LEFT JOIN LATERAL"),
    (r"LATERAL\s+VIEW\b", "LATERAL VIEW", "write CROSS JOIN UNNEST(a) AS x (v)"),
    (r"MINUS\s+SELECT\b", "MINUS", "write EXCEPT"), (r"STRAIGHT_JOIN\s+", "STRAIGHT_JOIN", "write JOIN"),
    (r"UNION\s+(?:ALL\s+)?(?:BY\s+NAME|CORRESPONDING)\b", "UNION by names of columns",
     "name the columns in both queries"),
    (r"BINARY\s+", "BINARY in front of a value", _LEAVE), (r"MEMBER\s+OF\b", "MEMBER OF", "write x = ANY (array)"),
    (r"CURRENT\s+OF\b", "a cursor (CURRENT OF)", "say by WHERE which documents are meant"),
    (r"OVERRIDING\s+(?:SYSTEM|USER)\b", "OVERRIDING", _LEAVE), (r"CONCURRENTLY\s+", "CONCURRENTLY", _BESIDE),
    (r"(?:INSERT|REPLACE)\s+(?:INTO\s+)?[\w.]+\s+SET\b", "INSERT … SET", _ROWS_INTO),
    (r"(?:RESTART|CONTINUE)\s+IDENTITY\b", "RESTART IDENTITY", "there are no sequences; leave it out"),
)
"""The same of what begins there or up to three words before, and goes on up to there at least."""


def _read(table: tuple[tuple[str, str, str], ...], end: str) -> list[tuple[re.Pattern[str], str, str]]:
    return [(re.compile(pattern + end, re.IGNORECASE), what, hint) for pattern, what, hint in table]


_AT_PLACE, _NEAR_PLACE = _read(_HERE, r"(?!(?<=\w)\w)"), _read(_AROUND, "")
_FILE_PLACE = re.compile(r"\b(?:FROM|JOIN|USING)\s*$", re.IGNORECASE)
_INTO = re.compile(r"INTO\s+[\w@`\"]", re.IGNORECASE)
_READS = re.compile(r"\s*(?:EXPLAIN\s+|ANALYZE\s+)*(?:SELECT|WITH)\b", re.IGNORECASE)
_CREATED_AS = re.compile(r"\s*CREATE\s+(?:TABLE|COLLECTION)\b", re.IGNORECASE)
_BEFORE_SELECTED = re.compile(
    rf"\bSELECT\s+(?:(?:ALL|DISTINCT)\s+)?({'|'.join(_BEFORE_ITEMS)})\s+(?=[\w*`\"])"
    r"(?!(?:FROM|AS|AND|X?OR|IS|IN|NOT|I?LIKE|REGEXP|RLIKE|BETWEEN|DIV|MOD|COLLATE|UNION|INTO|WHERE|LIMIT)\b)",
    re.IGNORECASE)
HINT_SIGNS = ("/*+", "/*!", "/*M!")
"""What comments begin with that other databases read."""
_PIECE = compiled(rf"{QUOTED}|{COMMENT}")
_HINT_COMMENT = compiled(HINT)


def refuse_foreign(source: Source, start: int) -> None:
    """Raise UnsupportedError E3001 where what can't be read at this place is a clause of another database."""
    text = _PIECE.sub(_masked, source.text)
    found = _BEFORE_SELECTED.search(text[: start + 1])
    if found is not None:
        word = found[1]
        raise _refused(f"{word} in a select list", Span(*found.span(1)), _BEFORE_ITEMS[word.upper()], source)
    creates = _CREATED_AS.match(text) is not None
    if creates and re.match(r"(?:AS|LIKE|SELECT)\b", text[start:], re.IGNORECASE):
        raise _refused("CREATE TABLE … AS, or LIKE another", _word_at(text, start), _SELECT_INTO, source)
    for pattern, what, hint in _AT_PLACE:
        if pattern.match(text, start) and (text[start] != "'" or _FILE_PLACE.search(text[:start])):
            raise _refused(what, _word_at(text, start), hint, source)
    for pattern, what, hint in _NEAR_PLACE:
        for place in (start, *_words_before(text, start)):
            match = pattern.match(text, place)
            if match is not None and match.end() >= start:
                raise _refused(what, _word_at(text, place), hint, source)
    if _INTO.match(text, start) and _READS.match(text):
        raise _refused("SELECT … INTO", Span(start, start + 4), _SELECT_INTO, source)


def _word_at(text: str, place: int) -> Span:
    match = re.compile(r"\w+|'[^']*'?|.").match(text, place)
    assert match is not None, "something stands there that can't be read"
    return Span(*match.span())


def _words_before(text: str, start: int) -> list[int]:
    """Where the last words in front of a place begin, the nearest first."""
    return [word.start() for word in re.finditer(r"\w+", text[:start])][:-4:-1]


def _masked(piece: re.Match[str]) -> str:
    """A quoted text or comment as one of the same length in which nothing can be found."""
    text = piece[0]
    if text[0] in "'\"`":
        return f"{text[0]}{'_' * (len(text) - 2)}{text[0]}"
    return ("_" if text[0] in "eE$" else " ") * len(text)


def refuse_hints(source: Source) -> None:
    """Raise UnsupportedError E3001 for a comment that other databases read: a hint, or MySQL's own SQL."""
    if not any(sign in source.text for sign in HINT_SIGNS):
        return
    for piece in _PIECE.finditer(source.text):
        if _HINT_COMMENT.match(piece[0]):
            raise refused_hint(source, piece.start())


def refused_hint(source: Source, start: int) -> UnsupportedError:
    """The error for such a comment, which begins there."""
    sign = next(sign for sign in HINT_SIGNS if source.text.startswith(sign, start))
    span = Span(start, start + len(sign))
    if sign == "/*+":
        return _refused("a hint in a comment (/*+ … */)", span, f"{_HINT}; /* + is a comment", source)
    return _refused(f"SQL in a comment ({sign} … */)", span,
                    "write it without the comment, or leave it out; with a space before the ! it is a comment", source)
