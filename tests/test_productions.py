"""Fail closed: every production of the grammar is planned, with nothing of it unread, or refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from golden import Case, planned, read_cases
from test_nothing_ignored import unread_fields

from sqlbulk.errors import Source, SqlbulkError, SqlError, UnsupportedError
from sqlbulk.syntax.parser import grammar, parse_expression

STATEMENTS = r"""
SELECT a <=> b, a REGEXP 'x', a RLIKE 'y', a ~ 'z', a & 1 | 2 << 3, a @> b FROM t
SELECT a ->> 'k', a -> ('k'), a -> :key, a / 2, a DIV 2, a MOD 2, a ^ 2 ^ 3, E'x\n', a XOR b XOR c FROM t
SELECT a + INTERVAL :n DAY, a + INTERVAL -1 DAY, a + INTERVAL +1 DAY, a + INTERVAL (b) DAY, a = %(key)s FROM t
SELECT CAST(a AS INT), TRY_CAST(a AS DECIMAL(10, 2)), EXTRACT(YEAR FROM a), EXTRACT('month', a) FROM t
SELECT TRIM(BOTH 'x' FROM a), TRIM(a, 'x'), TRIM(LEADING FROM a), TRIM(TRAILING FROM a) FROM t
SELECT SUBSTRING(a FROM 1 FOR 2), SUBSTRING(a, 1, 2), POSITION('x' IN a), POSITION('x', a) FROM t
SELECT JSON_OBJECT('a': b, 'c': d) AS o, {'x': 1, y: 2,} AS p FROM t
SELECT a IS FALSE, a IS UNKNOWN, a BETWEEN ASYMMETRIC 1 AND 2, a LIKE ANY (SELECT b FROM u) AS l FROM t
SELECT COUNT(ALL a), GROUP_CONCAT(a SEPARATOR ';') FROM t
SELECT ALL t.a FROM t INNER JOIN u ON u.k = t.k LEFT OUTER JOIN v ON v.k = t.k LIMIT ALL
SELECT a FROM t LIMIT 1, 2
SELECT a FROM t ORDER BY a ASC OFFSET 1 ROWS FETCH NEXT 1 ROW ONLY
SELECT SUM(a) OVER (PARTITION BY b, c) FROM t
SELECT a FROM t INTERSECT DISTINCT SELECT b FROM u
SELECT a FROM t UNION DISTINCT SELECT b FROM u
SELECT a FROM t WHERE a IN (SELECT b FROM u UNION DISTINCT SELECT c FROM v EXCEPT SELECT d FROM w)
SELECT a FROM t WHERE a IN (SELECT b FROM u INTERSECT ALL SELECT c FROM v)
SELECT a FROM t WHERE a IN (SELECT b FROM u INTERSECT DISTINCT SELECT c FROM v)
SELECT a FROM t WHERE ROW(a, b) = ROW(1, 2)
SELECT x.v FROM t, LATERAL UNNEST(t.a) AS x (v)
WITH x AS (MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE) SELECT 1
WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x WHERE a < 3) SEARCH BREADTH FIRST BY a, b SET o SELECT a FROM x
WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x WHERE a < 3) CYCLE a, b SET c TO 'y' DEFAULT 1 USING p SELECT a FROM x
WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x WHERE a < 3) CYCLE a SET c TO TRUE DEFAULT FALSE SELECT a FROM x
INSERT OR REPLACE INTO t (a) VALUES (1)
INSERT INTO t FROM 'x.csv' FORMAT = csv HEADER TRUE NULL E'\\N' DELIMITER :key
INSERT INTO t FROM 'x.csv' FORMAT csv DELIMITER ?
INSERT INTO t FROM 'x.csv' FORMAT csv DELIMITER %(key)s
LOAD DATA INFILE 'x' INTO TABLE t COLUMNS TERMINATED BY ',' ENCLOSED BY E'"' (a)
MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE RETURNING *
BULK MERGE INTO t USING u ON t.a = u.a WHEN NOT MATCHED BY TARGET THEN INSERT (a) VALUES (1)
UPDATE t SET a := 1 WHERE b = 1 WITH (batch_size: 5, ordered = TRUE,)
EXPLAIN ANALYZE SELECT a FROM t
DESC t
DROP COLLECTION t
SET batch_size TO 5
SHOW COLLECTIONS
SHOW FUNCTIONS
SHOW INDEX IN t
SHOW KEYS ON t
"""
"""What the golden cases leave out, a statement a line."""

Production = tuple[str, str]
"""A rule of the grammar and a symbol that stands in it."""


def case_of(text: str) -> Case:
    names = {name: 2 if name == "n" else "k" for found in re.findall(r":(\w+)|%\((\w+)\)", text) for name in found if name}
    parameters: Any = ["k"] * text.count("?") or names
    return Case([], text, {}, 1, {"parameters": json.dumps(parameters)} if parameters else {})


def productions(rules: Any) -> set[Production]:
    """The rules with each of their symbols; repetitions have rules of their own, which count for nothing."""
    return {(r.origin.name, s.name) for r in rules for s in r.expansion if not r.origin.name.startswith("__")}


@contextmanager
def recorded() -> Iterator[set[Any]]:
    """The rules by which texts are read within."""
    callbacks = grammar().parser.parser.parser.callbacks  # type: ignore[attr-defined]
    used: set[Any] = set()
    before = dict(callbacks)

    def noting(rule: Any, build: Any) -> Any:
        def build_and_note(children: Any) -> Any:
            used.add(rule)
            return build(children)

        return build_and_note

    try:
        callbacks.update({rule: noting(rule, build) for rule, build in before.items()})
        yield used
    finally:
        callbacks.update(before)


def attempt(case: Case) -> None:
    """Plan the case, or at least read it; goldens hold what comes of it."""
    try:
        if "expression" in case.settings:
            parse_expression(Source(case.sql))
        else:
            planned(case)
    except SqlbulkError:
        pass


def test_every_production_has_a_case() -> None:
    with recorded() as used:
        for path in sorted((Path(__file__).parent / "golden").glob("*.test")):
            for case in read_cases(path):
                attempt(case)
        for text in STATEMENTS.strip().splitlines():
            attempt(case_of(text))
    every = productions(grammar().parser.parser.parser.callbacks)  # type: ignore[attr-defined]
    assert sorted(every - productions(used)) == []


@pytest.mark.parametrize("text", STATEMENTS.strip().splitlines())
def test_planned_whole_or_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        assert unread_fields(case_of(text), monkeypatch) == []
    except SqlError as error:
        assert isinstance(error, UnsupportedError) or error.code == "E2007", "refused by name, or as an option"
