"""Random statements that write: text that sqlbulk and PostgreSQL both read, over the tables t and u.

Both have the columns id, n and m (whole numbers), s (text) and b (boolean); t.id is unique. What may be
answered in more than one way is left out: every row finds at most one row to take values from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as some

COLUMNS = {"id": "bigint", "n": "bigint", "m": "bigint", "s": "text", "b": "boolean"}
INTEGERS = ("n", "m")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and the table that it writes to; `returning`: whether its rows are compared, `dry`: its DRY RUN is."""

    verb: str
    table: str
    sql: str
    returning: bool = False
    dry: bool = False


@dataclass(slots=True)
class Maker:
    """Makes parts of statements out of hypothesis' choices. `names` are what columns are qualified with."""

    draw: Callable[[Any], Any]
    names: tuple[str, ...] = ("",)
    subqueries: int = 1
    """How deep queries may stand within each other."""
    incoming: tuple[str, ...] = tuple(COLUMNS)
    """The columns that EXCLUDED has."""

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of them; the first is the simplest."""
        return self.draw(some.sampled_from(choices))

    def with_names(self, *names: str, subqueries: int | None = None) -> Maker:
        """The same with other tables in scope."""
        return Maker(self.draw, names, self.subqueries if subqueries is None else subqueries, self.incoming)

    def column(self, names: Sequence[str]) -> str:
        """A column of one of the tables in scope."""
        table = self.pick(self.names)
        known = [n for n in names if table != "EXCLUDED." or n in self.incoming]
        return f"{table}{self.pick(known)}" if known else f"{self.names[0]}{self.pick(names)}"

    # Values

    def integer(self, depth: int = 2) -> str:
        """A whole number or NULL; never one that grows out of its type within a few statements."""
        kind = self.pick(("constant", "column", "column", "null") + (
            ("+", "-", "*", "%", "ABS", "COALESCE", "NULLIF", "CASE", "SIMPLE", "GREATEST", "LENGTH") if depth else ()))
        inner = lambda: self.integer(depth - 1)  # noqa: E731
        match kind:
            case "constant":
                return str(self.pick((0, 1, 2, 3, -1)))
            case "column":
                return self.column(("n", "m", "id"))
            case "null":
                return "NULL::bigint"
            case "+" | "-":
                return f"({inner()} {kind} {inner()})"
            case "*":
                return f"({inner()} * {self.pick((2, -1, 0))})"
            case "%":
                return f"({inner()} % {self.pick((2, 3, -3))})"
            case "ABS":
                return f"ABS({inner()})"
            case "CASE":
                return f"CASE WHEN {self.condition(depth - 1)} THEN {inner()} ELSE {inner()} END"
            case "SIMPLE":
                return f"CASE {inner()} WHEN {inner()} THEN {inner()} END"
            case "GREATEST":
                return f"{self.pick(('GREATEST', 'LEAST'))}({inner()}, {inner()})"
            case "LENGTH":
                return f"LENGTH({self.text(depth - 1)})"
            case _:
                return f"{kind}({inner()}, {inner()})"

    def text(self, depth: int = 2) -> str:
        """A text or NULL."""
        kind = self.pick(("constant", "column", "null") + (
            ("||", "UPPER", "COALESCE", "NULLIF", "CASE", "SUBSTRING", "::", "REPLACE", "TRIM") if depth else ()))
        inner = lambda: self.text(depth - 1)  # noqa: E731
        match kind:
            case "constant":
                return repr(self.pick(("a", "b", "", "ab", "B", " a", "$n", "1")))
            case "column":
                return self.column(("s",))
            case "null":
                return "NULL::text"
            case "||":
                return f"({inner()} || {inner()})"
            case "CASE":
                return f"CASE WHEN {self.condition(depth - 1)} THEN {inner()} WHEN {self.condition(0)} THEN {inner()} END"
            case "SUBSTRING":
                return f"SUBSTRING({inner()}, {self.pick((1, 2, 0))}, {self.pick((1, 2, 0))})"
            case "::":
                return f"({self.integer(depth - 1)})::text"
            case "REPLACE":
                return f"REPLACE({inner()}, 'a', 'b')"
            case "UPPER" | "TRIM":
                return f"{kind}({inner()})"
            case _:
                return f"{kind}({inner()}, {inner()})"

    def value(self, column: str, depth: int = 2) -> str:
        """A value for a column."""
        if column == "b":
            return self.pick(("TRUE", "FALSE", "NULL")) if self.draw(some.booleans()) else f"({self.condition(depth - 1)})"
        return self.text(depth) if column == "s" else self.integer(depth)

    # Conditions

    def condition(self, depth: int = 2) -> str:
        """A condition, which may be NULL."""
        simple = ("compare", "compare", "IS NULL", "b", "IN", "LIKE", "DISTINCT", "texts")
        nested = ("AND", "OR", "NOT", "BETWEEN", "IS TRUE") + (("IN SELECT", "EXISTS", "SCALAR") if self.subqueries else ())
        kind = self.pick(simple + nested if depth > 0 else simple)
        inner = lambda: self.condition(depth - 1)  # noqa: E731
        number = lambda: self.integer(min(depth, 1))  # noqa: E731
        match kind:
            case "compare":
                return f"{number()} {self.pick(COMPARISONS)} {number()}"
            case "texts":
                return f"{self.text(min(depth, 1))} {self.pick(COMPARISONS)} {self.text(0)}"
            case "IS NULL":
                return f"{self.column(tuple(COLUMNS))} IS {self.pick(('', 'NOT '))}NULL"
            case "b":
                return self.column(("b",))
            case "IN":
                items = ", ".join(self.pick(("0", "1", "2", "NULL")) for _ in range(self.pick((1, 2, 3))))
                return f"{number()} {self.pick(('', 'NOT '))}IN ({items})"
            case "LIKE":
                return f"{self.text(0)} {self.pick(('', 'NOT '))}LIKE '{self.pick(('a%', '%b', '_', '', '%'))}'"
            case "DISTINCT":
                return f"{number()} IS {self.pick(('', 'NOT '))}DISTINCT FROM {number()}"
            case "NOT":
                return f"NOT ({inner()})"
            case "BETWEEN":
                return f"{number()} {self.pick(('', 'NOT '))}BETWEEN {number()} AND {number()}"
            case "IS TRUE":
                return f"({inner()}) IS {self.pick(('', 'NOT '))}{self.pick(('TRUE', 'FALSE'))}"
            case "AND" | "OR":
                return f"({inner()} {kind} {inner()})"
            case _:
                return self.with_query(kind)

    def with_query(self, kind: str) -> str:
        """A condition about other rows, those of the table that is written among them."""
        table = self.pick(("u", "u", "t"))
        inside = self.with_names("x.", subqueries=self.subqueries - 1)
        around = self.with_names("x.", *(n for n in self.names if n), subqueries=0)
        match kind:
            case "IN SELECT":
                where = f" WHERE {inside.condition(1)}" if self.draw(some.booleans()) else ""
                negated = self.pick(("", "NOT "))
                return f"{self.integer(1)} {negated}IN (SELECT {inside.integer(1)} FROM {table} x{where})"
            case "EXISTS":
                where = f" AND {inside.condition(1)}" if self.draw(some.booleans()) else ""
                key = f"x.{self.pick(INTEGERS)} = {self.column(INTEGERS)}" if self.names != ("",) else around.condition(1)
                return f"{self.pick(('', 'NOT '))}EXISTS (SELECT 1 FROM {table} x WHERE {key}{where})"
            case _:
                return f"{self.integer(0)} {self.pick(COMPARISONS)} ({self.scalar(table)})"

    def scalar(self, table: str) -> str:
        """A query of one value."""
        around = self.with_names("x.", *(n for n in self.names if n), subqueries=0)
        where = f" WHERE {around.condition(1)}" if self.draw(some.booleans()) else ""
        return f"SELECT {self.pick(('MAX(x.n)', 'COUNT(*)', 'MIN(x.m)', 'SUM(x.n)', 'COUNT(x.m)'))} FROM {table} x{where}"

    # Clauses

    def where(self) -> str:
        """WHERE, which some statements can't be without."""
        return f"WHERE {self.pick(('TRUE', 'n IS NULL')) if self.names == ('',) and self.pick((0, 1, 2, 3)) == 3 else self.condition()}"

    def columns(self, names: Sequence[str] = ("n", "m", "s", "b")) -> list[str]:
        """Some columns, each once."""
        found: list[str] = self.draw(some.lists(some.sampled_from(names), min_size=1, max_size=3, unique=True))
        return found

    def assignments(self) -> str:
        """SET's."""
        kind = self.pick((0,) * 7 + (1, 2, 3))
        if kind == 1:
            return "n = m, m = n" if self.names == ("",) else f"n = {self.names[0]}m, m = {self.names[0]}n"
        if kind == 2:
            return f"(n, s) = ({self.integer(1)}, {self.pick((self.text(1), 'DEFAULT'))})"
        if kind == 3:
            return f"{self.pick(('n', 'b'))} = DEFAULT, m = {self.integer(1)}"
        return ", ".join(f"{c} = {self.value(c)}" for c in self.columns())

    def distinct_source(self, *, key: str) -> str:
        """A query with the columns k (each value once), n, m, s and b."""
        table = self.pick(("u", "t"))
        where = f" WHERE {self.with_names('', subqueries=0).condition(1)}" if self.draw(some.booleans()) else ""
        return (f"SELECT {key} AS k, MAX(n) AS n, MIN(m) AS m, MAX(s) AS s, COUNT(*) > 1 AS b, COUNT(*) AS id"
                f" FROM {table}{where} GROUP BY {key}")


# Statements


def _row(make: Maker, columns: Sequence[str], identity: Any = None) -> str:
    outside = make.with_names(subqueries=0)
    values = []
    for column in columns:
        if column == "id":
            values.append("NULL" if identity is None else str(identity))
        elif column == "s":
            values.append(outside.pick(("'a'", "'b'", "''", "NULL", "'AB'", "UPPER('a')", "'$n'", "DEFAULT")))
        elif column == "b":
            values.append(outside.pick(("TRUE", "FALSE", "NULL", "DEFAULT")))
        else:
            values.append(outside.pick(("0", "1", "2", "3", "NULL", "-1", "1 + 1", "DEFAULT")))
    return f"({', '.join(values)})"


@some.composite
def inserts(draw: Any) -> Statement:
    """INSERT … VALUES, where nothing collides unless a key is drawn twice, which both must refuse."""
    make = Maker(draw)
    table = make.pick(("t", "u"))
    identities = draw(some.lists(some.sampled_from((None, None, None, 7, 8)), min_size=1, max_size=4))
    columns = ["id", *make.columns()]
    rows = ", ".join(_row(make, columns, i) for i in identities)
    return Statement("INSERT", table, f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}", *_flags(draw))


def _flags(draw: Any) -> tuple[bool, bool]:
    """Whether RETURNING is compared, and DRY RUN."""
    returning = draw(some.booleans())
    return returning, not returning and draw(some.booleans())


def _on_conflict(draw: Any, columns: Sequence[str]) -> str:
    make = Maker(draw, incoming=("id", *columns))
    kind = make.pick(("UPDATE", "UPDATE WHERE", "NOTHING"))
    if kind == "NOTHING":
        return make.pick(("ON CONFLICT (id) DO NOTHING", "ON CONFLICT DO NOTHING"))
    both = make.with_names("t.", "EXCLUDED.", subqueries=0)
    where = f" WHERE {both.condition()}" if kind == "UPDATE WHERE" else ""
    return f"ON CONFLICT (id) DO UPDATE SET {both.assignments()}{where}"


@some.composite
def upserts(draw: Any) -> Statement:
    """INSERT … VALUES … ON CONFLICT; the rows of one statement don't collide with each other."""
    make = Maker(draw)
    identities = draw(some.lists(some.sampled_from((1, 2, 3, 4, None)), min_size=1, max_size=4, unique=True))
    columns = ["id", *make.columns()]
    rows = ", ".join(_row(make, columns, i) for i in identities)
    return Statement("UPSERT", "t", f"INSERT INTO t ({', '.join(columns)}) VALUES {rows} {_on_conflict(draw, columns)}",
                     *_flags(draw))


@some.composite
def inserts_of_queries(draw: Any) -> Statement:
    """INSERT … SELECT, of the same table too."""
    make = Maker(draw)
    table, source = make.pick(("u", "t")), make.pick(("u", "t"))
    columns = make.columns()
    inner = make.with_names("", subqueries=1) if draw(some.booleans()) else make.with_names("x.", subqueries=1)
    alias = " x" if inner.names == ("x.",) else ""
    values = ", ".join(inner.value(c) for c in columns)
    where = f" WHERE {inner.condition()}" if draw(some.booleans()) else ""
    return Statement("INSERT", table, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source}{alias}{where}",
                     *_flags(draw))


@some.composite
def upserts_of_queries(draw: Any) -> Statement:
    """INSERT … SELECT … ON CONFLICT."""
    make = Maker(draw)
    query = make.distinct_source(key=make.pick(("n", "m", "id")))
    columns = make.columns()
    query = f"SELECT k, {', '.join(columns)} FROM ({query}) q" + make.pick(("", " WHERE q.n > 0", " WHERE q.k IS NOT NULL"))
    if " WHERE" not in query.rpartition(")")[2]:
        query += " WHERE TRUE"
    return Statement("UPSERT", "t", f"INSERT INTO t (id, {', '.join(columns)}) {query} {_on_conflict(draw, columns)}",
                     *_flags(draw))


@some.composite
def updates(draw: Any) -> Statement:
    """UPDATE with values of the row itself or of subqueries."""
    table = draw(some.sampled_from(("t", "u")))
    make = Maker(draw, (f"{table}.",) if draw(some.booleans()) else ("",))
    assignments = make.assignments()
    kind = draw(some.integers(0, 7))
    if kind == 5:
        assignments = f"n = ({make.scalar(make.pick(('u', 't')))})"
    elif kind == 6:
        around = make.with_names("x.", *(n for n in make.names if n), subqueries=0)
        where = f" WHERE {around.condition(1)}" if draw(some.booleans()) else ""
        assignments = f"(n, s) = (SELECT MAX(x.m), MIN(x.s) FROM {make.pick(('u', 't'))} x{where})"
    return Statement("UPDATE", table, f"UPDATE {table} SET {assignments} {make.where()}", _flags(draw)[0])


@some.composite
def updates_from(draw: Any) -> Statement:
    """UPDATE … FROM: a query with each key once, or a table of which no value is taken."""
    make = Maker(draw)
    if draw(some.booleans()):
        joined = make.with_names("t.", "q.", subqueries=0)
        condition = f" AND {joined.condition(1)}" if draw(some.booleans()) else ""
        key = make.pick(("n", "m", "id"))
        return Statement("UPDATE", "t", f"UPDATE t SET {joined.assignments()} FROM ({make.distinct_source(key=key)}) q"
                                        f" WHERE q.k = t.{make.pick(('n', 'm', 'id'))}{condition}")
    own = make.with_names("t.", subqueries=0)
    joined = make.with_names("t.", "y.", subqueries=0)
    return Statement("UPDATE", "t", f"UPDATE t SET {own.assignments()} FROM u y WHERE {joined.condition(2)}")


@some.composite
def deletes(draw: Any) -> Statement:
    """DELETE by a condition."""
    table = draw(some.sampled_from(("t", "u")))
    make = Maker(draw, (f"{table}.",) if draw(some.booleans()) else ("",))
    return Statement("DELETE", table, f"DELETE FROM {table} {make.where()}", _flags(draw)[0])


@some.composite
def deletes_using(draw: Any) -> Statement:
    """DELETE … USING a table or a query."""
    make = Maker(draw)
    joined = make.with_names("t.", "y.", subqueries=0)
    other = make.pick(("u y", "t y", f"({make.distinct_source(key='n')}) y"))
    condition = joined.condition()
    if draw(some.booleans()):
        condition = f"t.{make.pick(INTEGERS)} = y.{make.pick(INTEGERS)} AND {condition}"
    return Statement("DELETE", "t", f"DELETE FROM t USING {other} WHERE {condition}")


@some.composite
def merges(draw: Any) -> Statement:
    """MERGE with several arms; the source has each key once."""
    make = Maker(draw, subqueries=0)
    key = make.pick(("id", "n", "m"))
    query = make.distinct_source(key=make.pick(("id", "n", "m")))
    kinds = [make.pick(tuple(_ARMS)) for _ in range(make.pick((1, 2, 3)))]
    # one behind an arm that takes every row is an error there
    arms = [_arm(make, kind, free=not any(_ARMS[k] == _ARMS[kind] for k in kinds[place:]))
            for place, kind in enumerate(kinds, 1)]
    return Statement("MERGE", "t", f"MERGE INTO t USING ({query}) q ON t.{key} = q.k {' '.join(arms)}", *_flags(draw))


_ARMS = {"UPDATE": "MATCHED", "INSERT": "NOT MATCHED", "DELETE": "MATCHED", "NOTHING": "MATCHED", "NO INSERT": "NOT MATCHED"}


def _arm(make: Maker, kind: str, *, free: bool) -> str:
    both, source = make.with_names("t.", "q.", subqueries=1), make.with_names("q.", subqueries=1)
    condition = ""
    if not free or make.draw(some.booleans()):
        condition = f" AND {(both if _ARMS[kind] == 'MATCHED' else source).condition(1)}"
    match kind:
        case "UPDATE":
            action = f"UPDATE SET {both.assignments()}"
        case "DELETE":
            action = "DELETE"
        case "INSERT":
            columns = make.columns()
            action = f"INSERT ({', '.join(columns)}) VALUES ({', '.join(source.value(c, 1) for c in columns)})"
        case _:
            action = "DO NOTHING"
    return f"WHEN {_ARMS[kind]}{condition} THEN {action}"
