"""Functions against PostgreSQL: the same call folded by sqlbulk and asked there, the answers compared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128

from sqlbulk.errors import Source
from sqlbulk.functions.registry import Context
from sqlbulk.plan.binding.binder import bind_constant
from sqlbulk.plan.environment import Environment
from sqlbulk.syntax.parser import parse_expression

pytestmark = pytest.mark.slow

CONTEXT = Context(datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=UTC))
T = "TIMESTAMP '2024-12-30 23:59:59.250'"
U = "TIMESTAMP '1960-02-29 05:06:07'"

CALLS = [
    # conditions
    "COALESCE(NULL, 2, 3)", "NULLIF(1, 1)", "NULLIF(1, 2)", "GREATEST(1, NULL, 3)", "LEAST(2, NULL, 1)",
    "NULL AND FALSE", "NULL OR TRUE", "NOT NULL::boolean", "1 IN (2, NULL)", "1 IN (1, NULL)", "NULL IS DISTINCT FROM 1",
    "CASE WHEN NULL THEN 1 ELSE 2 END", "2 BETWEEN 1 AND 3",
    # numbers
    "ABS(-2.5)", "CEIL(-1.5)", "CEILING(1.2)", "FLOOR(-1.5)", "ROUND(2.5)", "ROUND(-2.5)", "ROUND(2.675, 2)", "ROUND(1234, -2)",
    "ROUND(1250, -2)", "TRUNC(-2.7)", "TRUNC(2.789, 2)", "SIGN(-3)", "POWER(2, 10)", "POWER(2, -1)", "2 ^ 0.5", "SQRT(2)",
    "CBRT(27)", "EXP(1)", "LN(2)", "LOG(100)", "LOG(2, 8)", "MOD(-7, 3)", "-7 % 3", "7 % -3", "DEGREES(1)", "RADIANS(90)",
    "SIN(1)", "COS(1)", "TAN(1)", "COT(1)", "ASIN(0.5)", "ACOS(0.5)", "ATAN(2)", "ATAN2(1, -1)", "PI()", "TO_HEX(3735928559)",
    "1 << 4", "256 >> 3", "7.0 / 2", "2 + 3 * 4 - 1",
    # text
    "UPPER('abc')", "LOWER('ABC')", "LENGTH('日本')", "CHAR_LENGTH('abc')", "OCTET_LENGTH('é')", "BIT_LENGTH('é')", "'a' || 'b'",
    "'a' || 1", "CONCAT_WS('-', 'a', NULL, 'b')", "SUBSTRING('abcdef', 2, 3)", "SUBSTRING('abcdef', -1, 4)", "SUBSTR('abc', 2)",
    "SUBSTRING('abcdef' FROM 3 FOR 2)", "LEFT('abc', 2)", "LEFT('abc', -1)", "RIGHT('abc', 2)", "RIGHT('abc', -1)",
    "TRIM('  a ')", "TRIM(BOTH 'x' FROM 'xaxx')", "LTRIM('xxa', 'x')", "RTRIM('axx', 'x')", "BTRIM('yxay', 'xy')",
    "LPAD('7', 3, '0')", "LPAD('abcd', 2)", "RPAD('a', 4, 'xy')", "REPEAT('ab', 3)", "REPLACE('abab', 'b', 'x')",
    "REVERSE('abc')", "POSITION('b' IN 'abc')", "POSITION('z' IN 'abc')", "STRPOS('abc', 'c')", "SPLIT_PART('a,b,c', ',', 2)",
    "SPLIT_PART('a,b,c', ',', -1)", "SPLIT_PART('a,b', ',', 5)", "INITCAP('hello wORLD foo-bar')", "STARTS_WITH('abc', 'ab')",
    "ASCII('A')", "CHR(66)", "TRANSLATE('12345', '143', 'ax')", "'abc' LIKE 'a%'", "'a.c' LIKE 'a_c'", "'abc' LIKE 'A%'",
    "'ABC' ILIKE 'a%'", "'a%c' LIKE 'a!%c' ESCAPE '!'", "'abc' SIMILAR TO '(a|b)%'", "'abc' SIMILAR TO 'b%'", "'abc' ~ 'b.'",
    "'ABC' ~* 'b'", "'abc' !~ 'z'", "REGEXP_REPLACE('a1b2', '[0-9]', 'x')", "REGEXP_REPLACE('a1b2', '[0-9]', 'x', 'g')",
    "REGEXP_REPLACE('ab', '(a)(b)', '\\2\\1')", "REGEXP_MATCH('a1', '([a-z])([0-9])')", "SUBSTRING('ab12' FROM '[0-9]+')",
    # dates
    *(f"DATE_TRUNC('{u}', {t})" for t in (T, U) for u in (
        "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium")),
    *(f"EXTRACT({p} FROM {t})" for t in (T, U) for p in (
        "EPOCH", "SECOND", "MINUTE", "HOUR", "DAY", "DOW", "ISODOW", "DOY", "WEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR",
        "DECADE", "CENTURY", "MILLENNIUM", "MILLISECONDS", "MICROSECONDS")),
    "DATE_PART('year', DATE '2024-02-29')", "DATE '2024-01-31' + INTERVAL '1 month'", "DATE '2024-03-31' - INTERVAL '1 month'",
    "DATE '2024-02-29' + INTERVAL '1 year'", f"{T} + INTERVAL '36 hours'", "EXTRACT(EPOCH FROM INTERVAL '2 hours')",
    "MAKE_DATE(2024, 2, 29)", "MAKE_TIMESTAMP(2024, 2, 29, 1, 2, 3.5)", f"TO_CHAR({T}, 'YYYY-MM-DD HH24:MI:SS.MS')",
    f"TO_CHAR({T}, 'Day, DD Month YYYY')", f"TO_CHAR({T}, 'FMDay Dy DY Mon MON FMMonth')", f"TO_CHAR({U}, 'HH12:MI AM Q ID IW IYYY DDD')",
    f"TO_CHAR({T}, 'YY \"Q\"Q FMHH12 pm')", "TO_DATE('29.02.2024', 'DD.MM.YYYY')", f"DATE_BIN(INTERVAL '15 minutes', {T}, TIMESTAMP '2000-01-03 00:00:00')",
    # casts
    "CAST('12' AS INT)", "CAST(' 12 ' AS INT)", "CAST(2.5 AS NUMERIC)::int", "'1.5'::double precision", "CAST('1.255' AS DECIMAL(5, 2))",
    "'yes'::boolean", "'off'::boolean", "1::boolean", "TRUE::int", "CAST('abcdef' AS VARCHAR(3))", "12::text", "TRUE::text",
    "'2024-02-29'::date", "'2024-02-29 10:20:30.5'::timestamp",
    # arrays
    "CARDINALITY(ARRAY[1, 2])", "ARRAY_APPEND(ARRAY[1], 2)", "ARRAY_PREPEND(1, ARRAY[2])", "ARRAY_CAT(ARRAY[1], ARRAY[2])",
    "ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "ARRAY_REPLACE(ARRAY[1, 2], 1, 3)", "ARRAY_POSITION(ARRAY[5, 6], 6)",
    "ARRAY_POSITION(ARRAY[5, 6], 7)", "ARRAY_TO_STRING(ARRAY[1, NULL, 2], ',')", "ARRAY_TO_STRING(ARRAY[1, NULL, 2], ',', '*')",
    "STRING_TO_ARRAY('a,b,,c', ',')", "(ARRAY[1, 2, 3])[2]", "(ARRAY[1, 2, 3])[9]", "(ARRAY[1, 2, 3])[2:3]", "ARRAY[1] || ARRAY[2]",
    "JSON_BUILD_OBJECT('a', 1, 'b', 'x')", "JSON_BUILD_ARRAY(1, 'a', NULL)", "JSON_ARRAY_LENGTH('[1, 2]'::json)",
    "'{\"a\": {\"b\": 2}}'::jsonb -> 'a'", "'{\"a\": 1}'::jsonb ->> 'a'", "'[5, 6]'::jsonb -> 1", "'{\"a\": 1, \"b\": 2}'::jsonb @> '{\"a\": 1}'::jsonb",
    "'{\"a\": {\"b\": [1, {\"c\": 2, \"d\": 3}]}}'::jsonb @> '{\"a\": {\"b\": [{\"c\": 2}]}}'", "'[1, [2, 3]]'::jsonb @> '[[3]]'",
    "'[1, [2, 3]]'::jsonb @> '[3]'", "'[1, 2]'::jsonb @> '2'", "'[{\"a\": 1}]'::jsonb @> '{\"a\": 1}'", "'{\"a\": [1]}'::jsonb @> '{\"a\": 1}'",
    "'{\"a\": null}'::jsonb @> '{\"a\": null}'", "'{}'::jsonb @> '{\"a\": null}'", "'\"x\"' <@ '[\"x\", \"y\"]'::jsonb",
    "'{1,2,NULL}'::int[]", "'{}'::text[]", "'{a, \"b c\"}'::text[]", "ARRAY[]::text[]", "ARRAY['1', NULL, '2']::int[]",
    "JSONB_SET('{\"a\": 1}'::jsonb, '{a}', '\"x\"')", "'{\"a\": 1, \"b\": 2, \"c\": 3}'::jsonb - 'a' - 'c'",
    "JSONB_SET('{\"a\": 1}'::jsonb, '{b}', '2'::jsonb)", "JSONB_TYPEOF('[1]'::jsonb)", "'{\"a\": 1}'::jsonb || '{\"b\": 2}'::jsonb",
]


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection


def plain(value: Any) -> Any:
    """A value in a form that both sides share: numbers as floats, days as their midnight."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if hasattr(value, "isoformat"):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("call", CALLS)
def test_postgresql_says_the_same(call: str, postgres: Any) -> None:
    there = plain(postgres.execute(f"SELECT {call}").fetchone()[0])
    here = plain(bind_constant(parse_expression(Source(call)), Environment(CONTEXT)).value)
    assert here == (pytest.approx(there, rel=1e-12, abs=1e-12) if isinstance(there, float) else there)


def test_there_are_enough_calls() -> None:
    assert len(CALLS) >= 200
