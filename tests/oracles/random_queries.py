"""Random queries over the oracle's tables: joins, conditions, groups and subqueries put together without taste."""

from __future__ import annotations

from random import Random

NUMBERS = {"emp": ("id", "dept", "boss"), "dept": ("id",), "sale": ("id", "emp", "qty")}
AGGREGATES = (
    "COUNT(*)", "COUNT({x})", "SUM({x})", "MIN({x})", "MAX({x})", "COUNT(DISTINCT {x})", "AVG({x})",
    "COUNT(*) FILTER (WHERE {p})", "SUM({x}) FILTER (WHERE {p})",
)
Table = tuple[str, str]
"""An alias and the table that it means."""


class RandomQueries:
    """Queries from a seed, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.aliases = 0

    def query(self) -> str:
        """The next query."""
        return self.random.choice((self.grouped, self.total, self.distinct, self.correlated, self.derived, self.plain))()

    def grouped(self) -> str:
        source, tables = self.tables()
        key = f"COALESCE({self.number(tables)}, 0)"
        value, having = self.aggregate(tables), self.aggregate(tables)
        tail = f" HAVING {having} > 1" if self.random.random() < 0.4 and "AVG" not in having else ""
        return f"SELECT {key} AS g, {value} AS v FROM {source}{self.where(tables)} GROUP BY {key}{tail}"

    def total(self) -> str:
        source, tables = self.tables()
        return f"SELECT {self.aggregate(tables)} AS v FROM {source}{self.where(tables)}"

    def distinct(self) -> str:
        source, tables = self.tables()
        return f"SELECT DISTINCT {self.number(tables)} AS x, ({self.condition(tables)}) AS p FROM {source}{self.where(tables)}"

    def correlated(self) -> str:
        source, tables = self.tables()
        alias, table = inner = self.table()
        outer = self.random.choice(tables)
        value = self.random.choice(AGGREGATES[:7]).format(x=self.column(inner))
        condition = f"{self.column(inner)} = {self.column(outer)} AND {self.condition([inner], 1)}"
        subquery = f"(SELECT {value} FROM {table} {alias} WHERE {condition})"
        return f"SELECT {self.number(tables)} AS x, {subquery} AS s FROM {source}{self.where(tables)}"

    def derived(self) -> str:
        source, tables = self.tables()
        limit = f"s.x {self.random.choice(('<', '>', '<>'))} {self.random.randrange(5)}"
        inside = self.random.choice((
            f"SELECT {self.number(tables)} AS x FROM {source}{self.where(tables)}",
            f"SELECT DISTINCT {self.number(tables)} AS x FROM {source}",
            f"SELECT {self.number(tables)} AS x FROM {source} UNION SELECT 2",
            f"SELECT {self.number(tables)} AS x FROM {source} EXCEPT SELECT id FROM dept",
        ))
        return f"SELECT s.x FROM ({inside}) s WHERE {limit}"

    def plain(self) -> str:
        source, tables = self.tables()
        case = f"CASE WHEN {self.condition(tables)} THEN 1 ELSE 2 END"
        return f"SELECT {self.number(tables)} AS x, {case} AS c FROM {source}{self.where(tables)}"

    # parts

    def table(self) -> Table:
        self.aliases += 1
        return f"q{self.aliases}", self.random.choice(tuple(NUMBERS))

    def tables(self) -> tuple[str, list[Table]]:
        """What stands in FROM: one to three tables."""
        tables = [self.table()]
        source = f"{tables[0][1]} {tables[0][0]}"
        for _ in range(self.random.randrange(3)):
            joined, other = self.table(), self.random.choice(tables)
            kind = self.random.choice(("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
            condition = f"{self.column(other)} = {self.column(joined)}"
            if kind != "FULL JOIN" and self.random.random() < 0.4:
                condition += f" AND {self.condition([other, joined], 0)}"
            source += f" {kind} {joined[1]} {joined[0]} ON {condition}"
            tables.append(joined)
        return source, tables

    def where(self, tables: list[Table]) -> str:
        return f" WHERE {self.condition(tables)}" if self.random.random() < 0.7 else ""

    def column(self, table: Table) -> str:
        return f"{table[0]}.{self.random.choice(NUMBERS[table[1]])}"

    def number(self, tables: list[Table]) -> str:
        column = self.column(self.random.choice(tables))
        constant = str(self.random.randrange(6))
        return self.random.choice((column, column, column, f"{column} + 1", f"COALESCE({column}, 0)", constant, f"-{column}"))

    def aggregate(self, tables: list[Table]) -> str:
        return self.random.choice(AGGREGATES).format(x=self.number(tables), p=self.condition(tables, 1))

    def condition(self, tables: list[Table], depth: int = 2) -> str:
        """A condition; with `depth` also AND, OR, NOT and subqueries."""
        a, b, c = (self.number(tables) for _ in range(3))
        no = self.random.choice(("", "NOT "))
        simple = (
            f"{a} {self.random.choice(('=', '<>', '<', '>=', '<=', '>'))} {b}", f"{a} IS {no}NULL", f"{a} = {b}",
            f"{a} {no}IN ({self.random.randrange(4)}, {self.random.choice(('NULL', '3', '1'))}, 2)",
            f"{a} IS {no}DISTINCT FROM {b}", f"{a} {no}BETWEEN {self.random.randrange(3)} AND {c}",
        )
        if not depth or self.random.random() < 0.5:
            return self.random.choice(simple)
        choice = self.random.randrange(5)
        if choice < 2:
            return f"({self.condition(tables, depth - 1)} {('AND', 'OR')[choice]} {self.condition(tables, depth - 1)})"
        if choice == 2:
            return f"NOT ({self.condition(tables, depth - 1)})"
        return self.subquery(tables, a, depth, exists=choice == 3)

    def subquery(self, tables: list[Table], operand: str, depth: int, *, exists: bool) -> str:
        """EXISTS or IN over a query that may use the tables around."""
        inner = self.table()
        seen = [inner, *([self.random.choice(tables)] if self.random.random() < 0.5 else [])]
        tie = f"{self.column(inner)} = {self.number(tables)} AND " if self.random.random() < 0.6 else ""
        no = self.random.choice(("", "NOT "))
        if exists:
            return f"{no}EXISTS (SELECT 1 FROM {inner[1]} {inner[0]} WHERE {tie}{self.condition(seen, depth - 1)})"
        query = f"SELECT {self.column(inner)} FROM {inner[1]} {inner[0]} WHERE {tie}{self.condition(seen, 0)}"
        return f"{operand} {no}IN ({query})"
