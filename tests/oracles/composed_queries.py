"""Random queries over rows that other queries make: groups, windows, first rows and set operations, joined anew."""

from __future__ import annotations

from .random_queries import AGGREGATES, NUMBERS, RandomQueries, Table

EXACT = tuple(call for call in AGGREGATES if "AVG" not in call)
"""Aggregates whose values two servers can compare for equality."""
CALLS = (
    "RANK() OVER ({part}ORDER BY {x})", "DENSE_RANK() OVER ({part}ORDER BY {x} DESC)", "SUM({x}) OVER ({part}ORDER BY {y})",
    "ROW_NUMBER() OVER ({part}ORDER BY {all})", "LAG({x}) OVER ({part}ORDER BY {all})", "COUNT({x}) OVER ({part})",
    "MAX({x}) OVER ({part}ORDER BY {all} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    "COUNT({x}) OVER (ORDER BY {y} RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING)",
    "SUM({x}) OVER (ORDER BY {y} GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES)",
)


class ComposedQueries(RandomQueries):
    """Queries over WITH tables and derived ones, each with the columns x and y."""

    def query(self) -> str:
        """The next query."""
        self.columns = dict(NUMBERS)
        heads = []
        for number in range(self.random.randrange(3)):
            kept = self.random.choice(("", "", " MATERIALIZED"))
            heads.append(f"w{number} AS{kept} ({self.made()})")
            self.columns[f"w{number}"] = ("x", "y")
        for _ in range(self.random.randrange(1 if len(heads) == 2 else 3)):
            self.columns[f"({self.made()})"] = ("x", "y")
        query = super().query()
        return f"WITH {', '.join(heads)} {query}" if heads else query

    def made(self) -> str:
        """Rows of two numbers."""
        return self.random.choice((self.groups, self.sets, self.windows, self.first, self.combined, self.distinct_rows))()

    def groups(self) -> str:
        source, tables = self.tables()
        key, call = self.column(self.random.choice(tables)), self.random.choice(EXACT)
        value = call.format(x=self.number(tables), p=self.condition(tables, 1))
        tail = self.random.choice(("", "", " HAVING COUNT(*) > 1", f" HAVING {key} > 1 OR COUNT(*) < 3"))
        return f"SELECT {key} AS x, {value} AS y FROM {source}{self.where(tables)} GROUP BY {key}{tail}"

    def sets(self) -> str:
        source, tables = self.tables()
        first, second = (self.column(self.random.choice(tables)) for _ in range(2))
        form = self.random.choice((f"ROLLUP ({first}, {second})", f"CUBE ({first}, {second})", f"GROUPING SETS (({first}), ({second}), ())"))
        value = self.random.choice((second, "COUNT(*)", f"GROUPING({second})"))
        return f"SELECT {first} AS x, {value} AS y FROM {source}{self.where(tables)} GROUP BY {form}"

    def windows(self) -> str:
        source, tables = self.tables()
        everything = ", ".join(f"{alias}.{c}" for alias, name in tables for c in self.columns[name])
        part = f"PARTITION BY {self.column(self.random.choice(tables))} " if self.random.random() < 0.5 else ""
        x, y = (self.column(self.random.choice(tables)) for _ in range(2))
        call = self.random.choice(CALLS).format(part=part, x=x, y=y, all=everything)
        return f"SELECT {self.number(tables)} AS x, {call} AS y FROM {source}{self.where(tables)}"

    def first(self) -> str:
        order = self.random.choice(("1, 2", "2 DESC, 1", "2 NULLS FIRST, 1 DESC NULLS LAST"))
        tail = self.random.choice(("LIMIT 3", "LIMIT 1", "LIMIT 4 OFFSET 1", "OFFSET 2"))
        return f"{self.numbers()} ORDER BY {order} {tail}"

    def combined(self) -> str:
        word = self.random.choice(("UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"))
        return f"{self.numbers()} {word} {self.numbers()}"

    def distinct_rows(self) -> str:
        return self.numbers("DISTINCT ")

    def numbers(self, distinct: str = "") -> str:
        """Two numbers of some tables' rows."""
        source, tables = self.tables()
        return f"SELECT {distinct}{self.number(tables)} AS x, {self.number(tables)} AS y FROM {source}{self.where(tables)}"

    # parts

    def table(self) -> Table:
        self.aliases += 1
        return f"q{self.aliases}", self.random.choice(tuple(n for n, columns in self.columns.items() if columns != ("x",)))

    def column(self, table: Table) -> str:
        return f"{table[0]}.{self.random.choice(self.columns[table[1]])}"

    def tables(self) -> tuple[str, list[Table]]:
        """What stands in FROM; at times with a derived table that sees those before it."""
        source, tables = super().tables()
        if self.random.random() < 0.2 and len(tables) < 3:
            around, inner = self.random.choice(tables), self.table()
            tie = f"{self.column(inner)} = {self.column(around)}"
            value = self.random.choice(("MAX({x})", "COUNT({x})", "{x}")).format(x=self.column(inner))
            query = f"(SELECT {value} AS x FROM {inner[1]} {inner[0]} WHERE {tie} ORDER BY 1 LIMIT 2)"
            self.columns[query] = ("x",)
            self.aliases += 1
            alias = f"q{self.aliases}"
            source += self.random.choice((f" CROSS JOIN LATERAL {query} {alias}", f" LEFT JOIN LATERAL {query} {alias} ON TRUE"))
            tables.append((alias, query))
        return source, tables
