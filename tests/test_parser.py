"""Statements to trees: precedence, spans, and every spelling of the language once."""

from __future__ import annotations

import pytest

from sqlbulk.errors import Cut, Source, SqlError, SqlSyntaxError
from sqlbulk.syntax import ast, remembered
from sqlbulk.syntax import statements as st
from sqlbulk.syntax.expected import expectation
from sqlbulk.syntax.parser import parse, parse_expression
from sqlbulk.syntax.printer import print_expression, print_query

EXPRESSIONS = {
    "1 + 2 * 3": "(1) + ((2) * (3))",
    "a - b - c": "(a - b) - c",
    "2 ^ -1": "(2) ^ (- (1))",
    "- a.b": "- a.b",
    "+ a": "+ a",
    "~ a": "~ a",
    "a || b + c": "a || (b + c)",
    "a | b & c << 1": "((a | b) & c) << (1)",
    "a @> b": "a @> b",
    "a ~ 'x'": "a ~ ('x')",
    "a DIV b MOD c": "(a DIV b) % c",
    "a % b": "a % b",
    "NOT a = b AND c OR d XOR e": "((NOT (a = b)) AND c) OR (d XOR e)",
    "a = b IS TRUE": "(a = b) IS TRUE",
    "a IS NOT NULL": "a IS NOT NULL",
    "a IS MISSING": "a IS MISSING",
    "a IS NOT DISTINCT FROM b": "a IS NOT DISTINCT FROM b",
    "a IS DISTINCT FROM 1": "a IS DISTINCT FROM (1)",
    "a <=> b": "a <=> b",
    "a != b": "a <> b",
    "a BETWEEN 1 AND 2 AND c": "(a BETWEEN (1) AND (2)) AND c",
    "a NOT BETWEEN SYMMETRIC 2 AND 1": "a NOT BETWEEN SYMMETRIC (2) AND (1)",
    "a BETWEEN ASYMMETRIC 1 AND 2": "a BETWEEN (1) AND (2)",
    "a NOT IN (1, 'x')": "a NOT IN (1, 'x')",
    "a IN (SELECT b FROM t)": "a IN (SELECT b FROM t)",
    "a LIKE 'x%' ESCAPE '!'": "a LIKE ('x%') ESCAPE ('!')",
    "a NOT ILIKE b": "a NOT ILIKE b",
    "a SIMILAR  TO b": "a SIMILAR TO b",
    "a RLIKE b": "a REGEXP b",
    "a = ANY (SELECT 1)": "a = ANY (SELECT 1)",
    "a > SOME (b)": "a > ANY (b)",
    "a <> ALL (ARRAY[1, 2])": "a <> ALL (ARRAY[1, 2])",
    "EXISTS (SELECT 1)": "EXISTS (SELECT 1)",
    "(SELECT 1) + 1": "(SELECT 1) + (1)",
    "a::int::text": "CAST(CAST(a AS INT) AS TEXT)",
    "x->'a'->>'b'::int": "CAST((x -> ('a')) ->> ('b') AS INT)",
    "a[1]": "a[1]",
    "a[1:2]": "a[(1) : (2)]",
    "a[:n]": "a[:n]",
    "a[ : 2]": "a[ : (2)]",
    "CAST(a AS DECIMAL(10, 2))": "CAST(a AS DECIMAL(10, 2))",
    "TRY_CAST(a AS double  precision)": "TRY_CAST(a AS DOUBLE PRECISION)",
    "SAFE_CAST(a AS int[])": "TRY_CAST(a AS INT[])",
    "a AT TIME ZONE 'UTC'": "a AT TIME ZONE ('UTC')",
    "(a).b": "a.b",
    "f(a).b": "(F(a)).b",
    '"a.b".`c``d`': '"a.b"."c`d"',
    "CASE WHEN a THEN 1 ELSE 2 END": "CASE WHEN a THEN 1 ELSE 2 END",
    "CASE a WHEN 1 THEN 'x' END": "CASE a WHEN 1 THEN 'x' END",
    "(1, a)": "ROW(1, a)",
    "ROW(1)": "ROW(1)",
    "[1, 2]": "ARRAY[1, 2]",
    "ARRAY[]": "ARRAY[]",
    "ARRAY(SELECT a FROM t)": "ARRAY(SELECT a FROM t)",
    "{a: 1, 'b c': {}, }": "{'a': 1, 'b c': {}}",
    "INTERVAL '7 days'": "INTERVAL '7 days'",
    "INTERVAL 7 DAYS": "INTERVAL 7 DAY",
    "INTERVAL -7 DAY": "INTERVAL (- (7)) DAY",
    "INTERVAL (a + 1) hour": "INTERVAL (a + (1)) HOUR",
    "INTERVAL ? DAY": "INTERVAL ? DAY",
    "DATE '2025-01-31'": "TIMESTAMP '2025-01-31T00:00:00.000+00:00'",
    "TIMESTAMPTZ '2025-01-31 10:00:00+02:00'": "TIMESTAMP '2025-01-31T08:00:00.000+00:00'",
    "DECIMAL '1.10'": "DECIMAL '1.10'",
    "OBJECTID '0123456789abcdef01234567'": "OBJECTID '0123456789abcdef01234567'",
    "UUID '00000000-0000-0000-0000-000000000001'": "UUID '00000000-0000-0000-0000-000000000001'",
    "JSON '{}'": "CAST('{}' AS JSON)",
    "X'00ff'": "X'00ff'",
    r"E'a\nb'": "'a\nb'",
    "'it''s'": "'it''s'",
    "1.5e3": "1500.0",
    ".5": "0.5",
    "TRUE AND FALSE": "(TRUE) AND (FALSE)",
    "NULL": "NULL",
    "DEFAULT": "DEFAULT",
    ":name": ":name",
    "%(name)s": ":name",
    "@v": "@v",
    "CURRENT_TIMESTAMP": "CURRENT_TIMESTAMP()",
    "now()": "NOW()",
    "COUNT(*)": "COUNT(*)",
    "count(DISTINCT a, b)": "COUNT(DISTINCT a, b)",
    "sum(ALL a)": "SUM(a)",
    "string_agg(a, ',' ORDER BY b DESC NULLS LAST)": "STRING_AGG(a, ',' ORDER BY b DESC NULLS LAST)",
    "group_concat(a SEPARATOR '; ')": "GROUP_CONCAT(a, '; ')",
    "json_object('a': 1, 'b': 2)": "JSON_OBJECT('a', 1, 'b', 2)",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY a)": "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a)",
    "count(*) FILTER (WHERE a > 1)": "COUNT(*) FILTER (WHERE a > (1))",
    "lag(a) IGNORE NULLS OVER w": "LAG(a) IGNORE NULLS OVER w",
    "lag(upper(a) IGNORE NULLS) OVER w": "LAG(UPPER(a)) IGNORE NULLS OVER w",
    "nth_value(a, 2) FROM LAST RESPECT NULLS OVER w": "NTH_VALUE(a, 2) FROM LAST RESPECT NULLS OVER w",
    "~a + b & ~ ~c": "(~ (a + b)) & (~ (~ c))",
    "a << 1 + 2 | b": "(a << ((1) + (2))) | b",
    "a && b = TRUE": "(a && b) = (TRUE)",
    "a ?| b ?& c": "(a ?| b) ?& c",
    "(a, b) OVERLAPS (c, d)": "ROW(a, b) OVERLAPS ROW(c, d)",
    "a NOT LIKE ALL (b)": "a NOT LIKE ALL (b)",
    "a SIMILAR TO SOME (b)": "a SIMILAR TO ANY (b)",
    "a !~ ANY (b)": "a !~ ANY (b)",
    "a COLLATE \"C\" || b": "(a COLLATE \"C\") || b",
    "a COLLATE pg_catalog.\"C\"": "a COLLATE pg_catalog.\"C\"",
    "a IS JSON": "a IS JSON VALUE",
    "a IS NOT json object WITH unique keys": "a IS NOT JSON OBJECT WITH UNIQUE KEYS",
    "a IS JSON SCALAR WITHOUT UNIQUE": "a IS JSON SCALAR",
    "transform(a, x -> x + 1)": "TRANSFORM(a, (x) -> x + (1))",
    "reduce(a, 0, (s, x) -> s + x)": "REDUCE(a, 0, (s, x) -> s + x)",
    "EXTRACT(epoch FROM a - b)": "EXTRACT('epoch', a - b)",
    "EXTRACT('year' FROM a)": "EXTRACT('year', a)",
    "TRIM(a)": "TRIM(a)",
    "TRIM('x' FROM a)": "TRIM(a, 'x')",
    "TRIM(LEADING 'x' FROM a)": "LTRIM(a, 'x')",
    "TRIM(TRAILING FROM a)": "RTRIM(a)",
    "TRIM(a, 'x')": "TRIM(a, 'x')",
    "SUBSTRING(a FROM 2 FOR 3)": "SUBSTRING(a, 2, 3)",
    "SUBSTRING(a, 2)": "SUBSTRING(a, 2)",
    "POSITION('x' IN a)": "POSITION('x', a)",
    "left(a, 1)": "LEFT(a, 1)",
    "VALUES(a)": "VALUES(a)",
    "row_number() OVER (PARTITION BY a, b ORDER BY c)": "ROW_NUMBER() OVER (PARTITION BY a, b ORDER BY c)",
    "sum(a) OVER (w ROWS 2 PRECEDING)": "SUM(a) OVER (w ROWS BETWEEN (2) PRECEDING AND CURRENT ROW)",
    "sum(a) OVER (RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES)":
        "SUM(a) OVER (RANGE BETWEEN UNBOUNDED PRECEDING AND (1) FOLLOWING EXCLUDE TIES)",
}


@pytest.mark.parametrize(("written", "printed"), EXPRESSIONS.items())
def test_expression(written: str, printed: str) -> None:
    tree = parse_expression(Source(written))
    assert print_expression(tree) == printed
    assert parse_expression(Source(printed)) == tree


QUERIES = [
    "SELECT a AS b, t.*, * EXCEPT (c, d) FROM t",
    "SELECT DISTINCT a FROM d.t AS x",
    "SELECT DISTINCT ON (a, b) a FROM t",
    "SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 3 EXCEPT (SELECT 4)",
    "(SELECT 1) UNION ALL VALUES (1), (2)",
    "SELECT 1 INTERSECT SELECT 2",
    "WITH RECURSIVE a (x) AS (SELECT 1), b AS (SELECT 2) SELECT x FROM a ORDER BY x DESC OFFSET (1) LIMIT (2)",
    "SELECT a FROM t FETCH FIRST (3) ROWS WITH TIES",
    "SELECT a FROM t INNER JOIN u ON t.a = u.a LEFT JOIN v USING (a, b) NATURAL INNER JOIN w CROSS JOIN x",
    "SELECT a FROM t INNER JOIN (u RIGHT JOIN v ON TRUE FULL JOIN w ON FALSE) ON TRUE",
    "SELECT a FROM (SELECT 1) AS t (a) LEFT JOIN LATERAL (SELECT 2) AS u ON TRUE",
    "SELECT a FROM (VALUES (1), (2)) AS v (a)",
    "SELECT a FROM UNNEST(b) WITH ORDINALITY AS t (a, n) CROSS JOIN LATERAL GENERATE_SERIES(1, 3) AS g",
    "SELECT a FROM t WHERE b GROUP BY a, ROLLUP (a, (b, c)), GROUPING SETS (a, (), CUBE (b)) HAVING c WINDOW w AS (ORDER BY a)",
    "SELECT a IN (SELECT 1 UNION SELECT 2 INTERSECT SELECT 3), ARRAY(SELECT 1 UNION ALL (SELECT 2)) FROM t",
    "SELECT a, COUNT(*) FROM t GROUP BY ALL",
    "SELECT NTH_VALUE(a, 2) FROM LAST IGNORE NULLS OVER (ORDER BY b) FROM t",
]


@pytest.mark.parametrize("text", QUERIES)
def test_query_prints_and_parses_again(text: str) -> None:
    tree = parse(Source(text))
    assert isinstance(tree, ast.Query)
    assert print_query(tree) == text


SAME = [
    ("SELECT a b FROM t u, v LIMIT 2, 1", "SELECT a AS b FROM t AS u CROSS JOIN v LIMIT 1 OFFSET 2"),
    ("SELECT a FROM t LIMIT ALL OFFSET 3 ROWS", "SELECT a FROM t OFFSET 3"),
    ("SELECT a FROM t FETCH NEXT ROW ONLY", "SELECT a FROM t LIMIT 1"),
    ("SELECT ALL a FROM t -- x\n # y\n /* z */", "SELECT a FROM t"),
    ("SELECT a FROM t LEFT OUTER JOIN u ON TRUE", "SELECT a FROM t LEFT JOIN u ON TRUE"),
    ("SELECT * EXCLUDE (a) FROM t", "SELECT * EXCEPT (a) FROM t"),
    ("SELECT a . * FROM t", "SELECT a.* FROM t"),
    ("SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS) FROM t",
     "SELECT sum(a) OVER (ROWS BETWEEN current row AND unbounded following EXCLUDE no others) FROM t"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_the_same(one: str, other: str) -> None:
    assert parse(Source(one)) == parse(Source(other))


def name(text: str) -> ast.Identifier:
    return ast.Identifier(text)


def path(text: str) -> ast.Path:
    return ast.Path(tuple(map(name, text.split("."))))


def target(text: str) -> ast.Target:
    return ast.Target(tuple(map(name, text.split("."))))


def table(text: str, alias: str | None = None) -> ast.Table:
    return ast.Table(tuple(map(name, text.split("."))), ast.Alias(name(alias)) if alias else None)


ROWS = st.ValueList()
ONE = ast.Literal(1)
T = table("t")
STATEMENTS: dict[str, st.Statement] = {
    "INSERT INTO t VALUES \ue000": st.Insert("INSERT", False, T, (), ROWS),
    "BULK INSERT t (a.b) VALUES \ue000 RETURNING a":
        st.Insert("INSERT", False, T, (target("a.b"),), ROWS, returning=(ast.SelectItem(path("a")),)),
    "INSERT IGNORE INTO d.t ?": st.Insert("INSERT", True, table("d.t"), (), st.RowsParameter()),
    "INSERT OR REPLACE INTO t VALUES ?": st.Insert("REPLACE", False, T, (), st.RowsParameter()),
    "INSERT OR IGNORE INTO t VALUES ?": st.Insert("INSERT", True, T, (), st.RowsParameter()),
    "REPLACE INTO t AS x VALUES \ue000": st.Insert("REPLACE", False, table("t", "x"), (), ROWS),
    "UPSERT INTO t VALUES \ue000 ON CONFLICT (a, b.c) DO NOTHING": st.Insert(
        "UPSERT", False, T, (), ROWS, st.OnConflict((target("a"), target("b.c")), "NOTHING")),
    "INSERT INTO t VALUES \ue000 ON CONFLICT DO REPLACE": st.Insert(
        "INSERT", False, T, (), ROWS, st.OnConflict((), "REPLACE")),
    "INSERT INTO t VALUES \ue000 ON /* x */ CONFLICT (a) DO UPDATE SET b := 1 WHERE c": st.Insert(
        "INSERT", False, T, (), ROWS,
        st.OnConflict((target("a"),), "UPDATE", (st.Assignment(target("b"), ONE),), path("c"))),
    "INSERT INTO t VALUES \ue000 BULK_OPTIONS (a = 1) ON DUPLICATE KEY UPDATE (a, b) = (1, c) WITH (b: 1,)": st.Insert(
        "INSERT", False, T, (), ROWS,
        st.OnDuplicateKey((st.Assignment(target("a"), ONE), st.Assignment(target("b"), path("c")))),
        (st.OptionBlock("BULK_OPTIONS", (st.Option("a", ONE),)), st.OptionBlock("", (st.Option("b", ONE),)))),
    "INSERT INTO t WITH TIME_SERIES_OPTIMIZATION () SELECT 1": st.Insert(
        "INSERT", False, T, (), ast.Query(ast.Select((ast.SelectItem(ONE),))),
        options=(st.OptionBlock("TIME_SERIES_OPTIMIZATION", ()),)),
    "WITH x AS (SELECT 1) BULK INSERT INTO t SELECT 1": st.Insert(
        "INSERT", False, T, (), ast.Query(
            ast.Select((ast.SelectItem(ONE),)),
            (ast.Cte(name("x"), (), ast.Query(ast.Select((ast.SelectItem(ONE),)))),))),
    "INSERT INTO t FROM 'x' FORMAT csv HEADER DELIMITER = ';' SKIP 2 NULL 'n' ENCODING :e COLUMNS (a.b INT DEFAULT 1, @v)":
        st.Insert("INSERT", False, T, (), st.FileSource("x", (
            st.FileOption("FORMAT", ast.Literal("csv")), st.FileOption("HEADER", ast.Literal(True)),
            st.FileOption("DELIMITER", ast.Literal(";")), st.FileOption("SKIP", ast.Literal(2)),
            st.FileOption("NULL", ast.Literal("n")), st.FileOption("ENCODING", ast.Parameter("e"))),
            (st.FileColumn(target("a.b"), None, ast.TypeName("INT"), ONE), st.FileColumn(None, "v")))),
    "INSERT INTO t FROM STDIN": st.Insert("INSERT", False, T, (), st.FileSource("-")),
    r"LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE t CHARACTER SET utf8 FIELDS TERMINATED BY '\t' OPTIONALLY ENCLOSED"
    r""" BY '"' ESCAPED BY E'\\' LINES STARTING BY '>' TERMINATED BY '\r\n' IGNORE 1 LINES (a, @b) SET c = @b WITH ()""":
        st.LoadData(st.FileSource("f", (
            st.FileOption("ENCODING", ast.Literal("utf8")), st.FileOption("DELIMITER", ast.Literal("\t")),
            st.FileOption("QUOTE", ast.Literal('"')), st.FileOption("ESCAPE", ast.Literal("\\")),
            st.FileOption("LINE_PREFIX", ast.Literal(">")), st.FileOption("LINE_TERMINATOR", ast.Literal("\r\n")),
            st.FileOption("SKIP", ONE)), (st.FileColumn(target("a")), st.FileColumn(None, "b"))),
            "REPLACE", T, (st.Assignment(target("c"), ast.Variable("b")),), (st.OptionBlock("", ()),)),
    "LOAD DATA INFILE 'f' INTO TABLE t": st.LoadData(st.FileSource("f"), None, T),
    "BULK UPDATE t x SET a = 1 FROM u WHERE c UNSET d, e ORDER BY a LIMIT 1 RETURNING * WITH BATCH_CONFIG ()": st.Update(
        table("t", "x"), (st.Assignment(target("a"), ONE),), (target("d"), target("e")), table("u"), path("c"),
        (ast.OrderItem(path("a")),), ONE, (ast.SelectItem(ast.Star(())),), (st.OptionBlock("BATCH_CONFIG", ()),)),
    "UPDATE t SET a[*].b[1] = 1 FOR v IN c WHEN d END": st.Update(T, (st.Assignment(
        ast.Target((name("a"), ast.Element(None), name("b"), ast.Element(ONE))), ONE,
        st.UpdateFor(name("v"), target("c"), path("d"))),)),
    "UPDATE t UNSET a": st.Update(T, (), (target("a"),)),
    "WITH x AS (SELECT 1) UPDATE t SET a = 1": st.Update(
        T, (st.Assignment(target("a"), ONE),),
        ctes=(ast.Cte(name("x"), (), ast.Query(ast.Select((ast.SelectItem(ONE),)))),)),
    "DELETE FROM t USING u, v WHERE a WITH ARCHIVAL_STRATEGY () AND b WITH DELETE_OPTIONS ()": st.Delete(
        T, ast.Join(table("u"), "CROSS", table("v")), ast.Binary("AND", path("a"), path("b")),
        options=(st.OptionBlock("ARCHIVAL_STRATEGY", ()), st.OptionBlock("DELETE_OPTIONS", ()))),
    "WITH x AS (SELECT 1) DELETE FROM t": st.Delete(
        T, ctes=(ast.Cte(name("x"), (), ast.Query(ast.Select((ast.SelectItem(ONE),)))),)),
    "BULK MOVE t TO u WHERE a": st.Move(T, table("u"), path("a")),
    "WITH x AS (SELECT 1) MERGE INTO t USING x ON a WHEN MATCHED AND b THEN UPDATE SET c = 1 WHEN NOT MATCHED BY TARGET"
    " THEN INSERT (a) VALUES (1) WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN MATCHED THEN DO NOTHING WITH ()": st.Merge(
        T, table("x"), path("a"), (
            st.MergeArm(True, False, path("b"), "UPDATE", (st.Assignment(target("c"), ONE),)),
            st.MergeArm(False, False, None, "INSERT", columns=(target("a"),), values=(ONE,)),
            st.MergeArm(False, True, None, "DELETE"),
            st.MergeArm(True, False, None, "DO NOTHING")),
        (st.OptionBlock("", ()),), (ast.Cte(name("x"), (), ast.Query(ast.Select((ast.SelectItem(ONE),)))),)),
    "EXPLAIN ANALYZE DRY RUN DELETE FROM t": st.Explain(True, st.DryRun(st.Delete(T))),
    "EXPLAIN (ANALYZE) DELETE FROM t": st.Explain(True, st.Delete(T)),
    "SET batch_size TO 1": st.SetOption("batch_size", ONE),
    "USE d": st.UseDatabase(name("d")),
    "SHOW TABLES LIKE 'a%'": st.Show("TABLES", None, "a%"),
    "SHOW FUNCTIONS": st.Show("FUNCTIONS"),
    "SHOW KEYS FROM t": st.Show("INDEXES", T),
    "DESC t": st.Describe(T),
    "CREATE TABLE IF NOT EXISTS t (a INT NOT NULL PRIMARY KEY DEFAULT 1, b.c TEXT NULL UNIQUE CHECK (b), PRIMARY KEY (a),"
    " UNIQUE KEY u (a DESC), CONSTRAINT k CHECK (a), INDEX (a)) WITH ()": st.CreateTable(True, T, (
        st.ColumnDefinition(target("a"), ast.TypeName("INT"), not_null=True, primary_key=True, default=ONE),
        st.ColumnDefinition(target("b.c"), ast.TypeName("TEXT"), unique=True, check=path("b")),
        st.TableConstraint("PRIMARY KEY", None, (ast.OrderItem(path("a")),)),
        st.TableConstraint("UNIQUE", name("u"), (ast.OrderItem(path("a"), descending=True),)),
        st.TableConstraint("CHECK", name("k"), (), path("a")),
        st.TableConstraint("INDEX", None, (ast.OrderItem(path("a")),))), (st.OptionBlock("", ()),)),
    "CREATE COLLECTION t": st.CreateTable(False, T),
    "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a) WHERE b WITH ()": st.CreateIndex(
        True, True, name("i"), T, (ast.OrderItem(path("a")),), path("b"), (st.OptionBlock("", ()),)),
    "CREATE OR REPLACE VIEW t (a) AS SELECT 1": st.CreateView(
        True, T, (name("a"),), ast.Query(ast.Select((ast.SelectItem(ONE),)))),
    "DROP VIEW IF EXISTS d.t": st.Drop("VIEW", True, (name("d"), name("t"))),
    "DROP INDEX i ON t": st.Drop("INDEX", False, (name("i"),), T),
    "TRUNCATE TABLE t": st.Truncate(T),
}


@pytest.mark.parametrize(("text", "tree"), STATEMENTS.items())
def test_statement(text: str, tree: st.Statement) -> None:
    assert parse(Source(text)) == tree


def test_spans() -> None:
    tree = parse(Source("SELECT a, b + 'x' FROM t"))
    assert isinstance(tree, ast.Query) and isinstance(tree.body, ast.Select)
    span = tree.body.items[1].expression.span
    assert (span.start, span.end) == (10, 17)


def test_positional_parameters_are_numbered_in_the_order_of_the_text() -> None:
    text = "INSERT INTO t VALUES \ue000 ON CONFLICT (a) DO UPDATE SET b = ?, c = ?"
    tree = parse(Source(text, cut=Cut(21, 3, 1)), parameters_in_rows=lambda: 5)
    assert isinstance(tree, st.Insert) and isinstance(tree.conflict, st.OnConflict)
    assert [a.value for a in tree.conflict.assignments] == [ast.Parameter(5), ast.Parameter(6)]
    assert parse_expression(Source("? + ?"), first_parameter=3) == ast.Binary("+", ast.Parameter(3), ast.Parameter(4))


ERRORS = {
    "SELECT a, FROM t": ("E1003", 10, "unexpected FROM; expected an expression"),
    "SELECT a FROM t WHERE": ("E1001", 21, "the statement ends too early; expected an expression"),
    "": ("E1001", 0, "there is no statement here"),
    "SELEC 1": ("E1006", 0, "SELEC is not a statement"),
    "SELECT 'abc": ("E1002", 7, "this string is never closed"),
    "SELECT E'abc": ("E1002", 8, "this string is never closed"),
    'SELECT "abc': ("E1002", 7, "this name is never closed"),
    "SELECT 1 /* abc": ("E1002", 9, "this comment is never closed"),
    "SELECT 1 $ 2": ("E1001", 9, "unexpected $"),
    "SELECT 1 \x00": ("E1001", 9, "unexpected '\\x00'"),
    "SELECT \ue000": ("E1001", 7, "unexpected VALUES list"),
    f"SELECT 1 {'x' * 50} y": ("E1001", 60, "unexpected y"),
    f"SELECT 1 x {'y' * 50}": ("E1001", 11, "yyy…"),
    "CREATE /* */ FUNCTION f": ("E3001", 0, "CREATE FUNCTION is not supported"),
    "SELECT DATE '2025-13-01'": ("E1004", 12, "this DATE can't be read"),
    r"SELECT E'\UFFFFFFFF'": ("E1004", 7, "this literal can't be read"),
    "SELECT X'0'": ("E1004", 7, "pairs of hexadecimal digits"),
    'SELECT ""': ("E2011", 7, "a name can't be empty"),
    'SELECT "a\0"': ("E2011", 7, "NUL"),
    "SELECT f(a) OVER w OVER w": ("E1005", 19, "OVER is given twice"),
    "SELECT a FROM t LIMIT 1 LIMIT 2": ("E1005", 24, "LIMIT is given twice"),
    "SELECT f(a).* FROM t": ("E1001", 7, "only a table's name"),
    "SELECT a FROM t JOIN u": ("E1001", 14, "a JOIN needs ON, USING or NATURAL"),
    "SELECT a FROM t CROSS JOIN u ON TRUE": ("E1001", 29, "this JOIN takes neither ON nor USING"),
    "DELETE FROM t WITH () AND a": ("E1001", 14, "there is none before it"),
    "DELETE FROM t WHERE a WHERE b": ("E1005", 22, "WHERE is given twice"),
    "UPDATE t WHERE a": ("E1001", 0, "an UPDATE needs SET or UNSET"),
    "UPDATE t SET (a, b) = (1, 2, 3)": ("E2001", 13, "2 targets but 3 values"),
    "WITH x AS (SELECT 1) INSERT INTO t VALUES \ue000": ("E1001", 0, "belongs to its SELECT"),
    "INSERT INTO t FROM 'x' COLUMNS (a) COLUMNS (b)": ("E1005", 14, "COLUMNS is given twice"),
    "LOAD DATA INFILE 'x' INTO TABLE t IGNORE 1 ROWS IGNORE 2 ROWS": ("E1005", 0, "a format clause is given twice"),
    "LOAD DATA INFILE 'x' INTO TABLE t LINES ENCLOSED BY 'x'": ("E1001", 40, "LINES can't be ENCLOSED"),
    "CREATE TABLE t (a INT UNIQUE UNIQUE)": ("E1005", 29, "UNIQUE is given twice"),
    "SELECT" + " NOT" * 5000 + " a": ("E1007", 0, "nested too deeply"),
}


@pytest.mark.parametrize("text", ERRORS)
def test_error(text: str) -> None:
    code, start, message = ERRORS[text]
    with pytest.raises(SqlError) as caught:
        parse(Source(text))
    assert (caught.value.code, caught.value.span.start) == (code, start)
    assert message in str(caught.value)


def test_an_error_in_an_expression_knows_its_source() -> None:
    with pytest.raises(SqlSyntaxError, match=r"\[at cell:3:9\]"):
        parse_expression(Source("1 +", name="cell", line=3, column=6))


def test_a_bug_in_the_builder_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlbulk.syntax import build

    monkeypatch.setattr(build.literals, "number_literal", lambda text: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        parse(Source("SELECT 1"))


def test_nesting_too_deep_for_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlbulk.syntax import build

    def deep(text: str) -> int:
        raise RecursionError

    monkeypatch.setattr(build.literals, "number_literal", deep)
    with pytest.raises(SqlSyntaxError, match="E1007"):
        parse(Source("SELECT 1"))


def test_trees_are_remembered_by_text_and_place() -> None:
    source = Source("SELECT a FROM remembered")
    tree = remembered.parsed(source)
    assert remembered.parsed(Source("SELECT a FROM remembered")) is tree == parse(source)
    long = Source("SELECT a FROM remembered" + " " * 10_000)
    assert remembered.parsed(long) is not remembered.parsed(long)
    for line in (1, 7):
        with pytest.raises(SqlSyntaxError, match=f":{line}:7"):
            remembered.parsed(Source("SELECT", name="t.sql", line=line))


def test_expectations_in_words() -> None:
    assert expectation(set()) == "nothing fits here"
    assert expectation({"WHERE"}) == "expected WHERE"
    assert expectation({"WHERE", "$END", "COMMA"}) == "expected WHERE, a comma or the end"
    assert expectation({"NULLS_INSIDE", "DOT"}) == "expected . or IGNORE NULLS"
    assert expectation({f"W{n}" for n in range(9)}).startswith("expected one of W0, W1")
