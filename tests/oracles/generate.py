"""Random expressions, predicates and queries in the SQL that PostgreSQL and sqlbulk share.

Forms that PostgreSQL would end with an error are generated guarded (a divisor goes through NULLIF), and those that
mean something else here by design are left out: docs/differences.md lists them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KINDS = ("int", "num", "text", "bool", "date")
COLUMNS = {
    "t": {"int": ("id", "i", "j", "k"), "num": ("x", "y"), "text": ("s", "u"), "bool": ("b", "c"), "date": ("d", "e"),
          "json": ("o",), "array": ("a",)},
    "r": {"int": ("id", "i"), "num": ("x",), "text": ("s",), "bool": ("b",), "date": ("d",)},
    "q": {"int": ("id", "i"), "text": ("s",)},
}
TYPE_NAMES = {"int": "INTEGER", "num": "DOUBLE PRECISION", "text": "TEXT", "bool": "BOOLEAN", "date": "TIMESTAMP"}
PATTERNS = ("a%", "%b", "%a%", "_", "__", "A_n", "", "%", "a\\%b", "%$%", "a_b", "%.%", "[a]%", "%本", "a%b%")
REGEXES = ("^a", "b$", "[0-9]+", "a.b", "^$", "^[a-z]+$", "x\\.y", "(a|b)b")
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
PARTS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "DOW", "ISODOW", "DOY", "WEEK", "QUARTER")
INTERVALS = ("1 day", "36 hours", "1 month", "-2 days", "1 year", "90 minutes", "3 weeks", "-1 month")
FORMATS = ("YYYY-MM-DD", "DD.MM.YYYY HH24:MI:SS", "Mon DD", "HH12:MI AM", "FMMonth YYYY", "YY Q ID IW")
MOMENTS = ("2024-02-29", "2024-02-29 13:05:09", "1960-07-04 23:59:59.25", "2024-12-30 01:00:00", "2023-01-01", "1999-06-15 12:00:00")
TEXTS = ("a", "A", "ab", "", "abc", "b", "a%b", "$x", "é", "12", "x", " ")


@dataclass(frozen=True)
class Query:
    """A query, and whether its order leaves no choice."""

    sql: str
    ordered: bool = False


class Expressions:
    """Makes expressions over the columns of named tables; `tables` are (name in the query, table)."""

    def __init__(self, chance: random.Random, tables: Sequence[tuple[str, str]], *, subqueries: bool = False) -> None:
        self.chance, self.tables, self.subqueries = chance, tuple(tables), subqueries
        self._depth = 0

    def of(self, kind: str, depth: int) -> str:
        """An expression of a kind, of at most that depth."""
        if depth <= 0 or self.chance.random() < 0.12:
            return self.leaf(kind)
        return str(getattr(self, f"_{kind}")(depth - 1))

    def any(self, depth: int) -> str:
        return self.of(self.kind(), depth)

    def key(self, depth: int) -> str:
        """An expression to order or group by: a constant alone would be a column's position, or an error."""
        for _ in range(9):
            found = self.any(depth)
            if any(f"{name}." in found for name, _ in self.tables):
                return found
        return f"{self.tables[0][0]}.id"

    def kind(self) -> str:
        return self.chance.choice(("int", "int", "num", "num", "text", "text", "bool", "bool", "bool", "date"))

    def column(self, kind: str) -> str | None:
        found = [f"{name}.{c}" for name, table in self.tables for c in COLUMNS[table].get(kind, ())]
        return self.chance.choice(found) if found else None

    def leaf(self, kind: str) -> str:
        column = self.column(kind)
        if column and self.chance.random() < 0.72:
            return column
        return self.constant(kind)

    def constant(self, kind: str) -> str:
        chance = self.chance
        if chance.random() < 0.08:
            return f"CAST(NULL AS {TYPE_NAMES[kind]})"
        if kind == "int":
            return str(chance.choice((0, 1, 1, 2, 3, 5, 12, 100)))
        if kind == "num":
            return chance.choice(("0.5", "1.5", "2.0", "10.25", "0.0", "3.75"))
        if kind == "text":
            return "'" + chance.choice(TEXTS) + "'"
        if kind == "bool":
            return chance.choice(("TRUE", "FALSE"))
        return f"TIMESTAMP '{chance.choice(MOMENTS)}'"

    def _pick(self, *options: Callable[[], str]) -> str:
        return self.chance.choice(options)()

    def _choice(self, kind: str, n: int) -> str:
        """The forms that every kind has: COALESCE, NULLIF, both CASEs, GREATEST and LEAST."""
        c = self.chance
        form = c.randrange(6)
        if form == 0:
            return f"COALESCE({', '.join(self.of(kind, n) for _ in range(c.choice((2, 2, 3))))})"
        if form == 1:
            return f"NULLIF({self.of(kind, n)}, {self.of(kind, n)})"
        if form == 2:
            otherwise = "" if c.random() < 0.3 else f" ELSE {self.of(kind, n)}"
            more = f" WHEN {self.of('bool', n)} THEN {self.of(kind, n)}" if c.random() < 0.3 else ""
            return f"CASE WHEN {self.of('bool', n)} THEN {self.of(kind, n)}{more}{otherwise} END"
        if form == 3:
            other = c.choice(KINDS)
            return (f"CASE {self.of(other, n)} WHEN {self.of(other, n)} THEN {self.of(kind, n)} "
                    f"WHEN {self.of(other, n)} THEN {self.of(kind, n)} ELSE {self.of(kind, n)} END")
        return f"{'GREATEST' if form == 4 else 'LEAST'}({', '.join(self.of(kind, n) for _ in range(c.choice((2, 3))))})"

    # Numbers

    def _int(self, n: int) -> str:
        def two() -> tuple[str, str]:
            return self.of("int", n), self.of("int", n)

        c = self.chance
        return self._pick(
            lambda: "({} {} {})".format(two()[0], c.choice("+-"), two()[1]),
            lambda: f"({self.of('int', min(n, 1))} * {self.of('int', min(n, 1))})",
            lambda: "({} % NULLIF({}, 0))".format(*two()),
            lambda: "MOD({}, NULLIF({}, 0))".format(*two()),
            lambda: f"(-({self.of('int', n)}))",
            lambda: f"ABS({self.of('int', n)})",
            lambda: f"CAST(SIGN({self.of('int', n)}) AS INT)",
            lambda: f"LENGTH({self.of('text', n)})",
            lambda: f"POSITION({self.of('text', 0)} IN {self.of('text', n)})",
            lambda: f"STRPOS({self.of('text', n)}, {self.of('text', 0)})",
            lambda: f"OCTET_LENGTH({self.of('text', n)})",
            lambda: f"CAST(EXTRACT({c.choice(PARTS)} FROM {self.of('date', n)}) AS INT)",
            lambda: f"CAST({self.of('bool', n)} AS INT)",
            lambda: f"CAST(FLOOR({self.of('num', 0)}) AS INT)",
            lambda: f"CARDINALITY({self.column('array')})" if self.column("array") else self.leaf("int"),
            lambda: self._choice("int", n),
            lambda: self._choice("int", n),
            lambda: self._scalar_subquery("int", n),
        )

    def _num(self, n: int) -> str:
        def one() -> str:
            return self.of(self.chance.choice(("int", "num", "num")), n)

        def real() -> str:
            return f"CAST({one()} AS DOUBLE PRECISION)"

        return self._pick(
            lambda: f"({one()} {self.chance.choice('+-')} {one()})",
            lambda: f"({self.of('num', min(n, 1))} * {self.of('int', min(n, 1))})",
            lambda: f"({real()} / NULLIF({self.chance.choice(('2', '4', '0.5', '8'))}, 0))",
            lambda: f"({self.of('num', 0)} / NULLIF(CAST({self.of('int', 0)} AS DOUBLE PRECISION), 0))",
            lambda: f"FLOOR({one()})", lambda: f"CEIL({one()})", lambda: f"TRUNC({one()})",
            lambda: f"ABS({one()})", lambda: f"(-({one()}))", lambda: f"SIGN({one()})",
            lambda: f"EXTRACT(EPOCH FROM {self.of('date', n)})",
            lambda: f"EXTRACT(EPOCH FROM ({self.of('date', n)} - {self.of('date', n)}))",
            lambda: f"({self.column('json')} ->> 'n')::double precision" if self.column("json") else self.leaf("num"),
            lambda: self._choice("num", n), lambda: self._choice("num", n), lambda: self.of("int", n),
        )

    def real(self, depth: int) -> str:
        """A number that two libraries may round differently: fit to be shown, not to be compared."""
        one = self.of(self.chance.choice(("int", "num")), depth)
        return self._pick(
            lambda: f"SQRT(ABS({one}))", lambda: f"LN(ABS({one}) + 1)", lambda: f"EXP(GREATEST(-20, LEAST({one}, 20)))",
            lambda: f"POWER(ABS({one}), 2)", lambda: f"ATAN({one})", lambda: f"SIN({one})", lambda: f"DEGREES({one})",
            lambda: f"({self.of('num', depth)} / NULLIF(CAST({one} AS DOUBLE PRECISION), 0))", lambda: f"CBRT({one})",
            lambda: f"POWER({self.of('int', 0)} + 0.0, 3)",
        )

    # Text

    def _text(self, n: int) -> str:
        c = self.chance

        def one() -> str:
            return self.of("text", n)

        def count() -> str:
            return c.choice((str(c.randrange(5)), f"(ABS({self.of('int', 0)}) % 7)"))

        return self._pick(
            lambda: f"({one()} || {one()})", lambda: f"UPPER({one()})", lambda: f"LOWER({one()})",
            lambda: f"SUBSTRING({one()}, {c.choice(('1', '2', '0', self.of('int', 0)))}, {count()})",
            lambda: f"SUBSTRING({one()} FROM {count()})",
            lambda: f"{c.choice(('LEFT', 'RIGHT'))}({one()}, {c.choice((count(), '-1', '-2'))})",
            lambda: f"{c.choice(('TRIM', 'LTRIM', 'RTRIM'))}({one()})", lambda: f"BTRIM({one()}, 'a b')",
            lambda: f"REPLACE({one()}, {self.of('text', 0)}, {self.of('text', 0)})", lambda: f"REVERSE({one()})",
            lambda: f"{c.choice(('LPAD', 'RPAD'))}({one()}, {count()}, {c.choice((repr('*'), repr('xy')))})",
            lambda: f"REPEAT({one()}, {c.choice('012')})", lambda: f"CONCAT_WS('-', {one()}, {one()})",
            lambda: f"SPLIT_PART({one()}, {c.choice((repr('a'), repr('%'), repr('.')))}, {c.choice(('1', '2', '-1'))})",
            lambda: f"CAST({self.of('int', 0)} AS TEXT)", lambda: f"CAST({self.of('bool', n)} AS TEXT)",
            lambda: f"TRANSLATE({one()}, 'ab$', 'x')", lambda: f"INITCAP({self.of('text', 0)})",
            lambda: f"TO_CHAR({self.of('date', n)}, '{c.choice(FORMATS)}')",
            lambda: f"({self.column('json')} ->> {c.choice((repr('s'), repr('s'), repr('f'), repr('n')))})" if self.column("json") else one(),
            lambda: f"({self.column('json')} -> 'o' ->> 's')" if self.column("json") else one(),
            lambda: f"{self.column('array')}[{c.choice(('1', '2', '9'))}]" if self.column("array") else one(),
            lambda: f"ARRAY_TO_STRING({self.column('array')}, ',')" if self.column("array") else one(),
            lambda: self._choice("text", n), lambda: self._choice("text", n), lambda: self._scalar_subquery("text", n),
        )

    # Dates

    def _date(self, n: int) -> str:
        c = self.chance
        return self._pick(
            lambda: f"DATE_TRUNC('{c.choice(UNITS)}', {self.of('date', n)})",
            lambda: f"({self.of('date', n)} {c.choice('+-')} INTERVAL '{c.choice(INTERVALS)}')",
            lambda: self._choice("date", n),
        )

    # Conditions

    def _bool(self, n: int) -> str:
        return self.chance.choice((
            self._comparison, self._comparison, self._comparison, self._connected, self._connected, self._negated, self._null_test,
            self._membership, self._range, self._pattern, self._distinct, self._truth, self._row, self._of_array,
            lambda m: self._choice("bool", m), self._subquery,
        ))(n)

    def _pair(self, n: int) -> tuple[str, str]:
        kind = self.chance.choice(("int", "num", "text", "date", "int", "bool"))
        other = self.chance.choice(("int", "num")) if kind in ("int", "num") else kind
        return self.of(kind, n), self.of(other, n if self.chance.random() < 0.5 else 0)

    def _comparison(self, n: int) -> str:
        left, right = self._pair(n)
        return f"({left} {self.chance.choice(('=', '=', '<>', '<', '<=', '>', '>='))} {right})"

    def _connected(self, n: int) -> str:
        word = self.chance.choice((" AND ", " OR "))
        return "(" + word.join(self.of("bool", n) for _ in range(self.chance.choice((2, 2, 3)))) + ")"

    def _negated(self, n: int) -> str:
        return f"(NOT {self.of('bool', n)})"

    def _null_test(self, n: int) -> str:
        return f"({self.any(n)} IS {self.chance.choice(('', 'NOT '))}NULL)"

    def _membership(self, n: int) -> str:
        kind = self.chance.choice(("int", "num", "text", "date"))
        items = [self.of(kind, self.chance.choice((0, 0, n))) for _ in range(self.chance.choice((1, 2, 3)))]
        if self.chance.random() < 0.15:
            items.append("NULL")
        return f"({self.of(kind, n)} {self.chance.choice(('', 'NOT '))}IN ({', '.join(items)}))"

    def _range(self, n: int) -> str:
        kind = self.chance.choice(("int", "num", "text", "date"))
        return f"({self.of(kind, n)} {self.chance.choice(('', 'NOT '))}BETWEEN {self.of(kind, 0)} AND {self.of(kind, min(n, 1))})"

    def _pattern(self, n: int) -> str:
        text, negated = self.of("text", n), self.chance.choice(("", "", "NOT "))
        form = self.chance.randrange(4)
        if form == 3:
            return f"({text} {self.chance.choice(('~', '~*', '!~'))} '{self.chance.choice(REGEXES)}')"
        if form == 2 and self.chance.random() < 0.4:
            return f"STARTS_WITH({text}, {self.of('text', 0)})"
        pattern = self.of("text", 0) if self.chance.random() < 0.15 else "'" + self.chance.choice(PATTERNS) + "'"
        return f"({text} {negated}{self.chance.choice(('LIKE', 'LIKE', 'ILIKE'))} {pattern})"

    def _distinct(self, n: int) -> str:
        left, right = self._pair(n)
        return f"({left} IS {self.chance.choice(('', 'NOT '))}DISTINCT FROM {right})"

    def _truth(self, n: int) -> str:
        return f"({self.of('bool', n)} IS {self.chance.choice(('', 'NOT '))}{self.chance.choice(('TRUE', 'FALSE', 'UNKNOWN'))})"

    def _row(self, n: int) -> str:
        first, second = self._pair(0), self._pair(0)
        return f"(({first[0]}, {second[0]}) {self.chance.choice(('=', '<>', '<', '>='))} ({first[1]}, {second[1]}))"

    def _of_array(self, n: int) -> str:
        kind, column = self.chance.choice(("int", "text")), self.column("array")
        if column and self.chance.random() < 0.4:
            # In front of an outer join's condition PostgreSQL takes NULL = ANY('{}') for NULL, which is false.
            text = self.of("text", 0) if len(self.tables) == 1 else f"COALESCE({self.of('text', 0)}, 'a')"
            return f"({text} = ANY({column}))"
        items = ", ".join(self.of(kind, 0) for _ in range(2))
        return f"({self.of(kind, n)} {self.chance.choice(('= ANY', '<> ALL', '> ANY', '<= ALL'))}(ARRAY[{items}]))"

    # Subqueries

    def _inner(self) -> tuple[str, str, Expressions]:
        self._depth += 1
        name, table = f"z{len(self.tables)}", self.chance.choice(("r", "q", "r"))
        both = Expressions(self.chance, [(name, table), *self.tables]) if self.chance.random() < 0.6 else Expressions(
            self.chance, [(name, table)])
        return name, table, both

    def _condition(self, inner: Expressions, name: str) -> str:
        outer = self.chance.choice(self.tables)[0]
        if len(inner.tables) > 1 and self.chance.random() < 0.7:
            more = f" AND {inner.of('bool', 1)}" if self.chance.random() < 0.4 else ""
            return f"{name}.i = {outer}.i{more}"
        return inner.of("bool", 2)

    def _subquery(self, n: int) -> str:
        if not self.subqueries or n < 1:
            return self._comparison(n)
        name, table, inner = self._inner()
        where = f" WHERE {self._condition(inner, name)}" if self.chance.random() < 0.8 else ""
        form = self.chance.randrange(4)
        if form == 0:
            return f"({self.chance.choice(('', 'NOT '))}EXISTS (SELECT 1 FROM {table} {name}{where}))"
        kind = self.chance.choice(("int", "text"))
        item = Expressions(self.chance, [(name, table)]).of(kind, self.chance.choice((0, 0, 1)))
        query = f"(SELECT {item} FROM {table} {name}{where})"
        if form == 3:
            return f"({self.of(kind, 1)} {self.chance.choice(('= ANY', '<> ALL', '> ALL', '<= ANY'))} {query})"
        return f"({self.of(kind, 1)} {self.chance.choice(('', 'NOT '))}IN {query})"

    def _scalar_subquery(self, kind: str, n: int) -> str:
        if not self.subqueries or n < 1:
            return self.of(kind, n)
        name, table, inner = self._inner()
        call = self.chance.choice(("MIN", "MAX") if kind == "text" else ("MIN", "MAX", "SUM", "COUNT"))
        item = Expressions(self.chance, [(name, table)]).of(kind, 0)
        return f"(SELECT {call}({item}) FROM {table} {name} WHERE {self._condition(inner, name)})"

    # Aggregates

    def aggregate(self, depth: int = 1) -> tuple[str, str]:
        """An aggregate call and the kind of its value; 'real' is fit to be shown only."""
        c = self.chance
        where = f" FILTER (WHERE {self.of('bool', depth)})" if c.random() < 0.3 else ""
        distinct = "DISTINCT " if c.random() < 0.2 else ""
        form = c.randrange(9)
        if form == 0:
            return f"COUNT(*){where}", "int"
        if form == 1:
            return f"COUNT({distinct}{self.any(depth)}){where}", "int"
        if form in (2, 3):
            return f"SUM({distinct}{self.of(c.choice(('int', 'num')), depth)}){where}", "num"
        if form == 4:
            return f"AVG({distinct}{self.of(c.choice(('int', 'num')), depth)}){where}", "real"
        if form == 5:
            return f"{c.choice(('BOOL_AND', 'BOOL_OR', 'EVERY'))}({self.of('bool', depth)}){where}", "bool"
        if form == 6 and c.random() < 0.4:
            name = c.choice(("STDDEV_POP", "VAR_SAMP", "STDDEV", "VAR_POP"))
            return f"{name}({self.of('int', 0)}){where}", "real"
        if form == 7 and c.random() < 0.5:
            first = self.tables[0][0]
            order = f"{first}.id" if len(self.tables) == 1 else ", ".join(f"{name}.id" for name, _ in self.tables)
            return f"STRING_AGG({self.of('text', depth)}, ',' ORDER BY {order}){where}", "text"
        kind = c.choice(("int", "num", "text", "date"))
        return f"{c.choice(('MIN', 'MAX'))}({self.of(kind, depth)}){where}", kind


class Queries:
    """Makes whole queries."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def make(self) -> Query:
        return self.chance.choice((self._plain, self._plain, self._grouped, self._grouped, self._joined, self._joined, self._grouped_join,
                                   self._distinct, self._combined, self._derived, self._windowed, self._lateral, self._sets,
                                   self._latest, self._common, self._nested))()

    def _maybe(self, share: float, text: Callable[[], str]) -> str:
        return text() if self.chance.random() < share else ""

    def _where(self, make: Expressions, share: float = 0.7) -> str:
        return self._maybe(share, lambda: f" WHERE {make.of('bool', 3)}")

    def _direction(self) -> str:
        return self.chance.choice(("", " ASC", " DESC")) + self.chance.choice(("", "", " NULLS FIRST", " NULLS LAST"))

    def _limit(self) -> str:
        return self._maybe(0.5, lambda: f" LIMIT {self.chance.choice((0, 1, 3, 10))}") + self._maybe(
            0.3, lambda: f" OFFSET {self.chance.choice((0, 1, 2, 5))}")

    def _items(self, make: Expressions, count: int) -> list[str]:
        return [f"{make.real(1) if self.chance.random() < 0.1 else make.any(2)} AS c{n}" for n in range(count)]

    def _plain(self) -> Query:
        table = self.chance.choice(("t", "t", "r"))
        make = Expressions(self.chance, [("m", table)], subqueries=True)
        items = ", ".join(self._items(make, self.chance.choice((1, 2, 3))))
        sql = f"SELECT m.id, {items} FROM {table} m{self._where(make)}"
        if self.chance.random() < 0.5:
            return Query(sql)
        keys = "".join(f"{make.key(1)}{self._direction()}, " for _ in range(self.chance.choice((1, 2))))
        return Query(f"{sql} ORDER BY {keys}m.id{self._direction()}{self._limit()}", ordered=True)

    def _grouped(self) -> Query:
        table = self.chance.choice(("t", "t", "r"))
        make = Expressions(self.chance, [("m", table)])
        return self._group(make, f"{table} m", self._where(make, 0.5))

    def _group(self, make: Expressions, tables: str, where: str) -> Query:
        c = self.chance
        keys = [make.key(c.choice((0, 0, 1))) for _ in range(c.choice((0, 1, 1, 2)))]
        calls = [make.aggregate() for _ in range(c.choice((1, 2, 3)))]
        shown = [f"{k} AS k{n}" for n, k in enumerate(keys)] + [f"{a} AS a{n}" for n, (a, _) in enumerate(calls)]
        sql = f"SELECT {', '.join(shown)} FROM {tables}{where}"
        if keys:
            sql += f" GROUP BY {', '.join(str(n + 1) if c.random() < 0.2 else k for n, k in enumerate(keys))}"
        sql += self._maybe(0.35, lambda: f" HAVING {self._having(make)}")
        if not keys or c.random() < 0.5:
            return Query(sql)
        order = ", ".join(f"{c.choice((k, f'k{n}'))}{self._direction()}" for n, k in enumerate(keys))
        return Query(f"{sql} ORDER BY {order}{self._limit()}", ordered=True)

    def _having(self, make: Expressions) -> str:
        call, kind = make.aggregate(1)
        if kind == "real":
            return f"{call} IS NOT NULL"
        if kind == "bool":
            return f"{call} IS {self.chance.choice(('', 'NOT '))}TRUE"
        test = f"{call} {self.chance.choice(('>', '<=', '<>', '='))} {make.constant(kind)}"
        return self.chance.choice((test, f"NOT ({test})", f"({test}) OR COUNT(*) > 3", f"{test} AND COUNT(*) < 9"))

    def _join(self) -> tuple[str, Expressions]:
        c = self.chance
        make = Expressions(c, [("m", "t"), ("n", "r")], subqueries=c.random() < 0.3)
        kind = c.choice(("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"))
        if kind == "CROSS JOIN":
            return "t m CROSS JOIN r n", make
        only = Expressions(c, make.tables)
        key = c.choice(("m.i = n.i", "m.j = n.i", "m.s = n.s", "m.b = n.b", "m.id = n.id", "m.i + 1 = n.i", "m.x = n.x", "m.d = n.d"))
        more = self._maybe(0.4 if kind != "FULL JOIN" else 0.0, lambda: f" AND {only.of('bool', 2)}")
        condition = only.of("bool", 2) if c.random() < 0.2 and kind != "FULL JOIN" else key + more
        text = f"t m {kind} r n ON {condition}"
        if c.random() < 0.25:
            make = Expressions(c, [*make.tables, ("p", "q")])
            text += f" {c.choice(('JOIN', 'LEFT JOIN'))} q p ON p.i = {c.choice(('m.i', 'n.i', 'n.id'))}"
        return text, make

    def _joined(self) -> Query:
        tables, make = self._join()
        ids = ", ".join(f"{name}.id AS {name}_id" for name, _ in make.tables)
        items = ", ".join(self._items(make, self.chance.choice((1, 2))))
        sql = f"SELECT {ids}, {items} FROM {tables}{self._where(make, 0.6)}"
        if self.chance.random() < 0.6:
            return Query(sql)
        keys = ", ".join(f"{name}.id{self._direction()}" for name, _ in make.tables)
        return Query(f"{sql} ORDER BY {make.key(1)}{self._direction()}, {keys}{self._limit()}", ordered=True)

    def _grouped_join(self) -> Query:
        tables, make = self._join()
        plain = Expressions(self.chance, make.tables)
        return self._group(plain, tables, self._where(plain, 0.4))

    def _distinct(self) -> Query:
        make = Expressions(self.chance, [("m", "t")])
        kinds = [self.chance.choice(KINDS) for _ in range(self.chance.choice((1, 2)))]
        items = [f"{make.of(kind, self.chance.choice((0, 1, 1)))} AS c{n}" for n, kind in enumerate(kinds)]
        sql = f"SELECT DISTINCT {', '.join(items)} FROM t m{self._where(make, 0.5)}"
        if self.chance.random() < 0.5:
            return Query(sql)
        order = ", ".join(f"{n + 1}{self._direction()}" for n in range(len(kinds)))
        return Query(f"{sql} ORDER BY {order}{self._limit()}", ordered=True)

    def _combined(self) -> Query:
        kinds = [self.chance.choice(KINDS) for _ in range(self.chance.choice((1, 2)))]
        parts = []
        for table in (self.chance.choice("tr"), self.chance.choice("tr")):
            make = Expressions(self.chance, [("m", table)])
            items = ", ".join(f"{make.of(kind, self.chance.choice((0, 1)))} AS c{n}" for n, kind in enumerate(kinds))
            parts.append(f"SELECT {items} FROM {table} m{self._where(make, 0.5)}")
        word = self.chance.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
        return Query(f" {word} ".join(parts))

    def _derived(self) -> Query:
        make = Expressions(self.chance, [("m", "t")])
        items = (f"m.id AS id, {make.of('int', 2)} AS i, {make.of('num', 1)} AS x, {make.of('text', 2)} AS s, "
                 f"{make.of('bool', 2)} AS b, {make.of('date', 1)} AS d")
        order = self._maybe(0.3, lambda: f" ORDER BY m.id{self._direction()}{self._limit()}")
        inner = f"SELECT {items} FROM t m{self._where(make, 0.5)}{order}"
        outer = Expressions(self.chance, [("n", "r")])
        shown = ", ".join(self._items(outer, 2))
        if self.chance.random() < 0.5:
            return Query(f"WITH v AS ({inner}) SELECT n.id, {shown} FROM v n{self._where(outer)}")
        return Query(f"SELECT n.id, {shown} FROM ({inner}) n{self._where(outer)}")

    def _windowed(self) -> Query:
        c = self.chance
        make = Expressions(c, [("m", "t")])
        part = self._maybe(0.6, lambda: f"PARTITION BY {make.any(1)} ")
        order = f"ORDER BY {make.any(1)}{self._direction()}, m.id"
        ranking = ("ROW_NUMBER()", "RANK()", "NTILE(3)", f"LAG({make.any(1)})", f"LEAD({make.any(1)}, 2)", f"FIRST_VALUE({make.any(1)})")
        frame = c.choice(("", " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"))
        if c.random() < 0.5:
            call, frame = c.choice(ranking), ""
        else:
            call = c.choice((f"SUM({make.of('int', 1)})", f"COUNT({make.any(1)})", f"MIN({make.of('num', 1)})", f"MAX({make.of('int', 1)})"))
        return Query(f"SELECT m.id, {call} OVER ({part}{order}{frame}) AS w FROM t m{self._where(make, 0.4)}")

    # Shapes of several queries

    def _aggregate_of(self, name: str, table: str, condition: str) -> str:
        make = Expressions(self.chance, [(name, table)])
        call, _ = make.aggregate()
        return f"SELECT {call} AS v FROM {table} {name} WHERE {condition}"

    def _lateral(self) -> Query:
        c = self.chance
        both = Expressions(c, [("n", "r"), ("m", "t")])
        link = c.choice(("m.i = n.i", "m.s = n.s", "m.i < n.i", "m.id = n.id")) + self._maybe(0.4, lambda: f" AND {both.of('bool', 1)}")
        outer = Expressions(c, [("n", "r")])
        if c.random() < 0.4:
            inner, shown = self._aggregate_of("m", "t", link), "x.v"
        else:
            order = f"{Expressions(c, [('m', 't')]).key(1)}{self._direction()}, m.id"
            inner = f"SELECT m.id, {both.any(1)} AS v FROM t m WHERE {link} ORDER BY {order}" + self._maybe(0.7, lambda: f" LIMIT {c.choice('123')}")
            shown = "x.id AS x_id, x.v"
        kind = c.choice(("LEFT JOIN LATERAL ({}) x ON TRUE", "CROSS JOIN LATERAL ({}) x", ", LATERAL ({}) x"))
        joint = kind.format(inner)
        return Query(f"SELECT n.id, {shown} FROM r n{'' if joint[0] == ',' else ' '}{joint}{self._where(outer, 0.4)}")

    def _sets(self) -> Query:
        c = self.chance
        make = Expressions(c, [("m", "t")])
        one, two = c.sample(("m.b", "m.c", "m.s", "m.i", "m.x", "m.d"), 2)
        form = c.choice((f"ROLLUP ({one}, {two})", f"CUBE ({one}, {two})", f"GROUPING SETS (({one}), ({two}), ())",
                         f"GROUPING SETS (({one}, {two}), ({one}))", f"{one}, ROLLUP ({two})"))
        calls = ", ".join(f"{make.aggregate()[0]} AS a{n}" for n in range(2))
        having = self._maybe(0.3, lambda: f" HAVING {self._having(make)}")
        return Query(f"SELECT {one} AS k, {two} AS l, GROUPING({one}) AS g, {calls} FROM t m{self._where(make, 0.5)} GROUP BY {form}{having}")

    def _latest(self) -> Query:
        c = self.chance
        make = Expressions(c, [("m", "t")])
        key = make.key(c.choice((0, 1)))
        order = f"{key}{self._direction()}, {make.key(1)}{self._direction()}, m.id"
        return Query(f"SELECT DISTINCT ON ({key}) {key} AS k, m.id, {make.any(1)} AS v FROM t m{self._where(make, 0.4)} ORDER BY {order}")

    def _common(self) -> Query:
        c = self.chance
        make = Expressions(c, [("m", "t")])
        first = f"SELECT m.i AS i, {make.aggregate()[0]} AS v, COUNT(*) AS n FROM t m{self._where(make, 0.5)} GROUP BY m.i"
        second = f"SELECT g.i AS i, g.n FROM g WHERE g.n > {c.choice('012')}"
        kind = c.choice(("JOIN", "LEFT JOIN", "FULL JOIN"))
        outer = Expressions(c, [("n", "r")])
        tail = c.choice((
            f"SELECT g.i, g.v, h.n FROM g {kind} h ON h.i = g.i",
            f"SELECT n.id, g.v, {outer.any(1)} AS w FROM r n {kind} g ON g.i = n.i{self._where(outer, 0.5)}",
            "SELECT n.id, (SELECT MAX(h.n) FROM h WHERE h.i = n.i) AS w, (SELECT COUNT(*) FROM g) AS v FROM r n",
            f"SELECT n.id FROM r n WHERE n.i {c.choice(('', 'NOT '))}IN (SELECT h.i FROM h) AND {outer.of('bool', 1)}",
            "SELECT x.i, SUM(x.n) AS n FROM (SELECT g.i, g.n FROM g UNION ALL SELECT h.i, h.n FROM h) x GROUP BY x.i",
        ))
        return Query(f"WITH g AS ({first}), h AS ({second}) {tail}")

    def _nested(self) -> Query:
        c = self.chance
        make = Expressions(c, [("m", "t")])
        inner = Expressions(c, [("z", "r"), ("m", "t")])
        deep = Expressions(c, [("y", "q"), ("z", "r"), ("m", "t")])
        link = c.choice(("y.i = z.i", "y.s = m.s", "y.i = m.i AND y.s = z.s"))
        no, non = c.choice(("", "NOT ")), c.choice(("", "NOT "))
        deepest = f"SELECT {c.choice(('1', 'y.i'))} FROM q y WHERE {link}" + self._maybe(0.4, lambda: f" AND {deep.of('bool', 1)}")
        test = c.choice((f"{no}EXISTS ({deepest})", f"z.i {no}IN (SELECT y.i FROM q y WHERE {link})",
                         f"z.i = (SELECT MAX(y.i) FROM q y WHERE {link})"))
        more = self._maybe(0.3, lambda: f" {c.choice(('AND', 'OR'))} {inner.of('bool', 1)}")
        middle = f"SELECT z.i FROM r z WHERE {c.choice(('z.i = m.i', 'z.s = m.s', 'TRUE'))} AND ({test}{more})"
        rows = f"SELECT z.i, z.s FROM r z WHERE {c.choice(('', 'NOT '))}EXISTS (SELECT 1 FROM q y WHERE y.i = z.i)"
        condition = c.choice((f"{non}EXISTS ({middle})", f"m.j {non}IN ({middle})", f"(m.i, m.s) {non}IN ({rows})",
                              f"m.x > ALL ({middle})", f"(SELECT COUNT(*) FROM r z WHERE {test}) > {c.choice('012')}"))
        return Query(f"SELECT m.id FROM t m WHERE {condition} {c.choice(('AND', 'OR'))} {make.of('bool', 1)}")
