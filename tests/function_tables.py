"""The arguments that functions are tried with, a table a kind: NULL, missing, wrong types, odd and huge values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from function_cases import Case, Fixed

from sqlbulk.functions.timeparts import _DURATIONS, PARTS
from sqlbulk.types import MISSING, Interval, Type

D = Decimal128
NUMBERS = [
    0, 1, -1, 7, -7, 2.5, -2.5, 0.5, 0.1, 1e300, -1e300, float("nan"), float("inf"), float("-inf"), 2**31 - 1, 2**31,
    2**53 + 1, 2**63 - 1, -(2**63), D("1.10"), D("-2.5"), D("NaN"), -0.0, 2.675, 1.005, 123456.789,
]
MIXED = [
    None, MISSING, True, False, "", "abc", "$x", {"a": 1}, [1, 2], [], ObjectId("0123456789abcdef01234567"),
    datetime(2024, 1, 31, 10, 20, 30, 456000, tzinfo=UTC), datetime(1960, 2, 29, tzinfo=UTC), b"x",
]
TEXTS = [
    "", "a", "abc", "aéßÑ日本", "  x ", "a,b,,c", "%_\\", "$x", "a.b", "x\ny", "Hello wORLD foo-bar", "ABCabc", "\0z", "👍k",
]
COUNTS = [0, 1, 2, 3, -1, -2, 100, 2**31 - 1, -(2**31), 1.0, 1.5, None, "x"]
DATES = [
    datetime(2024, 1, 31, 10, 20, 30, 456000, tzinfo=UTC), datetime(1960, 2, 29, tzinfo=UTC),
    datetime(2024, 12, 30, 23, 59, 59, 999000, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC),
    datetime(1923, 3, 4, 5, 6, 7, tzinfo=UTC), datetime(2023, 3, 26, 1, 30, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 1000, tzinfo=UTC),
]
NOT_DATES = [None, MISSING, "x", 5, 2.5, True]
SPANS = [Interval(1, 0), Interval(-13, 0), Interval(1, 1000), Interval(0, 86400000), Interval(0, -1)]
DOCUMENTS = [
    {"a": 1}, {"a": {"b": 2, "c": [1, {"d": 3}]}}, {"a": None}, {}, [1, 2, [3]], [], "x", 5, None, MISSING,
    {"a.b": 1, "$x": 2}, {"a": [1, 2, 3], "b": {"x": 1}},
]
PATHS = [
    "$", "$.a", "$.a.b", "$.a.c[1].d", "$[0]", "$[last]", "$.a[*]", "$.b", '$."a.b"', '$."$x"', "$.a[1]", "$.a[7]",
    "$[-1]", "a", "$.zz.y", "$.a.c[*].d",
]
NO_PATHS = ["", " ", "$ ", "$.", "a..b", "$[", "$a", "$[x]", "$[99999999999]", "a\0", '$."a', "$[*][*]", "{a}"]
ARRAYS = [
    [1, 2, 3], [], [1, None, "a", 2.0, 1], [[1], [2, [3]], 4], [{"a": 1}, {"a": 1}], "x", 5, None, MISSING, {"a": 1},
    ["b", "a"],
]
CASTABLE = [
    "12", " 12 ", "12.7", "1e5", "0x1A", "inf", "NaN", "-5", "+5", "9223372036854775808", "1_000", "", ".5", "5.", "1e400",
    "Infinity", "-nan", "true", "T", "yes", "0", "off", "é", "2024-01-31", "2024-01-31T10:20:30.456Z", "2024-01-31 10:20:30",
    "2024-01-31 10:20:30.456789+02:00", "2024-1-3", "2024-01-31 10:20", "2024-02-30", "10000-01-01", "0000-01-01",
    "2024-01-31 25:00", "2024-01-31 10:20:30 +02", "2024-01-31 10:20:30.5", "0001-01-01 00:00+05:00",
    "0123456789abcdef01234567", "123456789012345678901234567890123456",
]


def number_cases() -> Iterator[Case]:
    """Arithmetic, rounding, powers, angles."""
    for name in ("+", "-", "*", "/", "DIV", "%", "POWER", "ATAN2", "LOG"):
        yield from ((name, pair) for pair in product(NUMBERS, NUMBERS))
        yield from ((name, pair) for a, b in product(MIXED, (1, None, "x")) for pair in ((a, b), (b, a)))
        if name not in ("POWER", "ATAN2", "LOG", "DIV"):
            yield from ((name, (x, Fixed(2))) for x in NUMBERS)
    for name in ("/", "%", "DIV"):
        yield from ((name, (x, Fixed(0))) for x in (1, 2.5, None))
    for name in (
        "ABS", "CEIL", "FLOOR", "ROUND", "TRUNC", "SIGN", "SQRT", "CBRT", "EXP", "LN", "LOG10", "LOG2", "SIN", "COS", "TAN",
        "COT", "ASIN", "ACOS", "ATAN", "DEGREES", "RADIANS", "NEGATE", "TO_HEX", "BIN", "CHR", "SPACE", "FROM_UNIXTIME",
    ):
        yield from ((name, (x,)) for x in NUMBERS + MIXED)
    for name, x, n in product(("ROUND", "TRUNC", "<<", ">>"), NUMBERS, (0, 1, 2, -1, -3, 10, 40, -40)):
        yield name, (x, n)
        if name == "ROUND":
            yield name, (x, Fixed(n))


def bit_cases() -> Iterator[Case]:
    """Bits of whole numbers of 64 bits, and of what is none."""
    edges = [0, 1, -1, 5, -6, 2**31, 2**53 + 1, 2**62, -(2**62), 2**62 - 1, -(2**62) - 1, 2**63 - 1, -(2**63)]
    odd = [5.0, 2.5, float("nan"), float("inf"), 2.0**63, -(2.0**63), D("12"), D("1.5"), D("9223372036854775808"), None, "x"]
    for name, x, y in product("&|#", edges + odd, edges + odd):
        yield name, (x, y)
    for name, x, y in product("&|#", edges + odd, (0, 5, -6, 2**62, -(2**63), 2.5, D("12"))):
        yield from ((name, (x, Fixed(y))), (name, (Fixed(y), x)))
    yield from (("~", (x,)) for x in [*edges, *odd, MISSING])
    for name, x, n in product(("<<", ">>"), edges + odd, (0, 1, 31, 32, 62, 63, 64, -1, None)):
        yield from ((name, (x, n)), (name, (x, Fixed(n))))


def condition_cases() -> Iterator[Case]:
    """Comparisons, logic, choices."""
    values = MIXED + NUMBERS[:12] + [D("1.10")]
    for name in ("=", "<>", "<", "<=", ">", ">=", "<=>", "IN", "NULLIF", "GREATEST", "LEAST", "COALESCE", "IFNULL"):
        yield from ((name, pair) for pair in product(values, values))
        yield from ((name, (a, Fixed(b))) for a, b in product(values, values) if b is not MISSING)
    for items in ((1, None), (1, "abc"), (None,), ()):
        yield from (("IN", (x, *map(Fixed, items))) for x in values)
        yield from (("IN", (x, *items, Fixed(True))) for x in values)
    conditions = [True, False, None, MISSING, 1, "x"]
    for name, a, b in product(("AND", "OR", "XOR"), conditions, conditions):
        yield name, (a, b)
        if isinstance(b, bool):
            yield name, (a, Fixed(b))
    for a in conditions:
        yield from ((n, (a,)) for n in ("NOT", "IS NULL", "IS TRUE", "IS FALSE", "ISNULL"))
        yield from (("IF", (a, 1, 2)), ("NVL2", (a, 1, 2)), ("GREATEST", (a,)), ("COALESCE", (a,)))
    yield from (("ELT", (n, "a", "b")) for n in (0, 1, 2, 3, -1, None, "x", 1.0, 1.5))
    for day in DATES[:3] + NOT_DATES:
        for name, span in product("+-", SPANS):
            yield name, (day, Fixed(span))
        yield from (("+", (Fixed(span), day)) for span in SPANS)
        yield from (("-", (day, other)) for other in DATES[:3] + NOT_DATES)


def text_cases() -> Iterator[Case]:
    """Parts, positions, padding."""
    for name in (
        "UPPER", "LOWER", "LENGTH", "OCTET_LENGTH", "BIT_LENGTH", "TRIM", "LTRIM", "RTRIM", "REVERSE", "INITCAP", "ASCII",
    ):
        yield from ((name, (t,)) for t in [*TEXTS, *MIXED, 1, 2.5])
    for name in ("SUBSTRING", "LEFT", "RIGHT", "LPAD", "RPAD", "REPEAT"):
        yield from ((name, (t, n)) for t in [*TEXTS[:8], None, 5] for n in COUNTS)
    for t, s in product(TEXTS[:5], COUNTS[:9]):
        yield from (("SUBSTRING", (t, s, n)) for n in COUNTS[:9])
        yield from (("LPAD", (t, s, "xy")), ("RPAD", (t, s, "")))
    for t, s, n in product(TEXTS[:5], ("", ",", "a", "b"), COUNTS):
        yield from (("SPLIT_PART", (t, s, n)), ("SUBSTRING_INDEX", (t, s, n)), ("LOCATE", (s, t, n)))
    for t, s in product([*TEXTS, None, 5], [*TEXTS, None]):
        for name in ("POSITION", "STRPOS", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "STRCMP", "TRIM", "FIND_IN_SET"):
            yield name, (t, s)
        yield from (("REPLACE", (t, s, "-")), ("TRANSLATE", (t, s, "12")), ("CONCAT_WS", (s, t, 1, None, "z")))
    for v in MIXED + NUMBERS:
        yield from (("||", (v, "x")), ("||", (v, Fixed("x"))), ("CONCAT", ("x", v)), ("FIELD", (v, 1, "abc", None)))


def pattern_cases() -> Iterator[Case]:
    """LIKE and its kin, regular expressions."""
    patterns = ["", "a%", "%", "_", "a_c", "%\\%%", "abc", "A%", "%b%", "a.c", "$%", "%日%", "x%y", "\\", "%\\", "%\0%"]
    for t in [*TEXTS, None, 5]:
        for p in patterns:
            yield from (("LIKE", (t, p)), ("ILIKE", (t, p)), ("LIKE", (t, p, Fixed("!"))), ("LIKE", (t, p, Fixed(""))))
            if not p.endswith("\\"):
                yield from ((n, (t, Fixed(p))) for n in ("LIKE", "ILIKE", "SIMILAR TO"))
        yield from (("SIMILAR TO", (t, Fixed(p))) for p in ("(a|b)%", "[a-c]+", "a{1,3}%", "x?", "\\%\\_%"))
        for p in ("a", "^a", "c$", "[0-9a-c]+", "(b)(c)?", "\\w+", "", ".", " ", "[[:alpha:]]+", "\0"):
            for name in ("REGEXP", "~*", "REGEXP_SUBSTR", "SUBSTRING", "REGEXP_MATCH", "REGEXP_COUNT", "REGEXP_INSTR"):
                yield name, (t, Fixed(p))
            yield "REGEXP_REPLACE", (t, Fixed(p), Fixed("<\\1\\&$x\\\\>"))
            yield "REGEXP_REPLACE", (t, Fixed(p), Fixed("-"), Fixed("g"))
            yield "REGEXP_REPLACE", (t, Fixed(p), Fixed("-"), Fixed("gi"))


def time_cases() -> Iterator[Case]:
    """Parts, cutting, shifting, differences."""
    for d in DATES + NOT_DATES:
        yield from (("EXTRACT", (Fixed(p.lower()), d)) for p in PARTS)
        for u in ("second", "minute", "hour", "day", "week", "month", "quarter", "years", "decade", "century", "millennium"):
            yield "DATE_TRUNC", (Fixed(u), d)
        for name in (
            "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFYEAR", "DAYOFWEEK", "WEEKDAY", "HOUR", "MINUTE", "SECOND", "DATE",
            "LAST_DAY", "AGE", "UNIX_TIMESTAMP", "DAYNAME", "MONTHNAME",
        ):
            yield name, (d,)
        for e in DATES + NOT_DATES:
            yield from (("DATEDIFF", (d, e)), ("AGE", (d, e)))
            yield from (("TIME_BUCKET", (Fixed(Interval(0, n)), d, e)) for n in (7 * 86400000, 0))
            for u in ("day", "week", "month", "quarter", "year", "hour", "second"):
                yield from (("DATEDIFF", (Fixed(u), d, e)), ("TIMESTAMPDIFF", (Fixed(u), d, e)))
        for span in SPANS:
            yield from (("DATE_ADD", (d, Fixed(span))), ("DATE_SUB", (d, Fixed(span))))
        for n, u in product((0, 1, -1, 14, None, "x", 2.0), ("day", "week", "month", "quarter", "year", "hour")):
            yield "TIMESTAMPADD", (Fixed(u), n, d)
        yield from (("TIMESTAMPADD", (Fixed(u), 2**31 - 1, d)) for u in ("month", "week", "year"))
        for z in ("UTC", "Europe/Paris", "-03:00"):
            yield from (("AT TIME ZONE", (d, Fixed(z))), ("TIMEZONE", (Fixed(z), d)))
            yield "CONVERT_TZ", (d, Fixed("America/New_York"), Fixed(z))


def making_cases() -> Iterator[Case]:
    """Dates from parts, parts of lengths of time, casts."""
    for y, m, d in product((2024, 2023, 0, 10000, 1, None, 2.0, 1.5), (1, 2, 0, 13, 12, -1), (1, 29, 30, 31, 32, 0)):
        yield from (("MAKE_DATE", (y, m, d)), ("MAKE_TIMESTAMP", (y, m, d, 10, 20, 30.456)))
    for h, mi, s in product((0, 23, 24, -1), (0, 59, 60), (0, 59.999, 60, 1.0005, D("1.5"), float("nan"))):
        yield "MAKE_TIMESTAMP", (2024, 1, 2, h, mi, s)
    for x in (0, 1, 1500, -1500, 86400000 * 3 + 3600000 * 5 + 60000 * 7 + 8901, 2.5, -86400001.5, D("1500"), float("nan")):
        yield from (("EXTRACT", (Fixed(p), Fixed(x, Type.DURATION))) for p in _DURATIONS)
    for kind in ("INTEGER", "DOUBLE", "DECIMAL", "TEXT", "BOOLEAN", "TIMESTAMP", "DATE", "OBJECTID", "BINARY", "ARRAY", "JSON"):
        for v in CASTABLE + NUMBERS + MIXED:
            if not (kind in ("BINARY", "JSON") and isinstance(v, str)):
                yield f"TRY_CAST:{kind}", (v,)
    for v in CASTABLE + NUMBERS + MIXED:
        yield from (("CAST:DECIMAL", (v, Fixed(5), Fixed(2))), ("CAST:DECIMAL", (v, Fixed(5))), ("CAST:VARCHAR", (v, Fixed(3))))
        yield from (("CAST:TIMESTAMP", (v, Fixed(n))) for n in (0, 1, 2, 3, 6))
        yield from (("CAST:INTEGER", (v, Fixed(11))), ("CAST:DECIMAL", (v, Fixed(2), Fixed(3))))
    yield from ((name, (v,)) for name in ("OBJECTID", "OBJECTID_DATE") for v in [*MIXED, "0123456789abcdef01234567"])


def format_cases() -> Iterator[Case]:
    """Dates as text, and text as dates."""
    for d in [*DATES[:3], datetime(3, 1, 1, tzinfo=UTC), None, "x"]:
        for p in (
            "YYYY-MM-DD HH24:MI:SS.MS", "Day, DD Mon YYYY", "FMDay FMMonth DAY month dy", "HH12:MI AM Q D ID IW IYYY DDD",
            "YY US", 'YYYY"é"Q', 'YYYY-MM-DD"T"HH24:MI:SS"Z"', "pm FMHH12 FMMM/FMDD",
        ):
            yield "TO_CHAR", (d, Fixed(p))
        for p in ("%Y-%m-%d %H:%i:%s", "%e/%c/%y %l:%i %p %W %b %M %a %j %k %f %w %v %x", "%r", "%%Y é %T", "%"):
            yield "DATE_FORMAT", (d, Fixed(p))
        yield from (("STRFTIME", (d, Fixed(p))) for p in ("%Y-%m-%d %H:%M:%S", "%A %B %F %u %z"))
    written = (
        "2024-1-3", "2024-02-30", "24-01-02", " 03/01/2024", "2024-01-02 03:04:05.5", "20240102", "03 Jan 2024",
        "3 january 2024", "2024-01-02 12:05 am", "2024-01-02 12:05 PM", "0000-01-01", "", None, 5, "2024-01-02x",
        "2024-01-02 3:4:5",
    )
    for s in written:
        for p in ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%i:%s.%f", "%Y%m%d", "%d %b %Y", "%e %M %Y", "%Y-%m-%d %h:%i %p", "%y-%m-%d"):
            yield "STR_TO_DATE", (s, Fixed(p))
        for p in ("YYYY-MM-DD", "DD/MM/YYYY", "YYYYMMDD", "DD Mon YYYY", "YY-MM-DD"):
            yield from (("TO_DATE", (s, Fixed(p))), ("TO_TIMESTAMP", (s, Fixed(p))))


def document_cases() -> Iterator[Case]:
    """Paths, parts written, merges, tests."""
    for d, p in product(DOCUMENTS, (*PATHS, *NO_PATHS)):
        for name in ("JSON_EXTRACT", "JSON_VALUE", "JSON_QUERY", "JSON_LENGTH", "JSON_KEYS", "->", "JSON_CONTAINS"):
            yield name, (d, p) if name != "JSON_CONTAINS" else (d, 1, p)
        yield from ((name, (d, p, 9)) for name in ("JSON_SET", "JSON_INSERT", "JSON_REPLACE"))
        yield "JSON_SET", (d, p, {"b": None}, "$.q", 2)
    for d, p in product(DOCUMENTS, PATHS):
        for name in ("JSON_EXTRACT", "JSON_VALUE", "JSON_QUERY", "JSON_LENGTH", "JSON_KEYS"):
            yield name, (d, Fixed(p))
        yield from (("JSON_EXTRACT", (d, Fixed("$.a"), Fixed(p))), ("JSON_CONTAINS", (d, 1, Fixed(p))))
        if "*" in p:
            continue
        yield "JSON_CONTAINS_PATH", (d, Fixed("one"), Fixed(p), Fixed("$.b"))
        yield "JSON_CONTAINS_PATH", (d, Fixed("all"), Fixed(p))
        for name in ("JSON_SET", "JSON_INSERT", "JSON_REPLACE"):
            yield from ((name, (d, Fixed(p), v)) for v in (9, {"z": 1}, None, "$x", MISSING))
        yield "JSON_SET", (d, Fixed(p), 1, Fixed("$.q"), 2)
        yield "JSON_ARRAY_APPEND", (d, Fixed(p), 9)
        if p != "$":
            yield "JSON_REMOVE", (d, Fixed(p))


def whole_document_cases() -> Iterator[Case]:
    """Documents as a whole: merged, made, asked for their kind."""
    for d in DOCUMENTS:
        for name, k in product(("->", "->>", "[]"), ("a", 0, 1, -1, 5, "$x", "a.b", None, "$.a")):
            yield name, (d, Fixed(k))
            yield name, (d, k)
        for name in ("JSON_TYPE", "TYPEOF", "JSON_VALID", "OBJECT_TO_ARRAY", "JSON_ARRAY_LENGTH", "JSON_UNQUOTE", "JSON_ARRAY"):
            yield name, (d,)
        for e in DOCUMENTS:
            yield from ((n, (d, e)) for n in ("JSON_MERGE_PATCH", "JSON_MERGE_PRESERVE", "JSON_CONTAINS", "<@"))
            if e is not MISSING:
                yield "JSON_MERGE_PATCH", (d, Fixed(e))
        patch = {"a": {"b": None, "n": {"m": {"k": 1}}}, "zz": None}
        yield from (("JSON_MERGE_PATCH", (d, patch)), ("JSON_MERGE_PATCH", (d, Fixed(patch))))
        yield from (("JSON_OBJECT", (Fixed("a"), d)), ("JSON_OBJECT", ("k", d, Fixed("$y.z"), 1)), ("JSON_OBJECT", ()))
        yield from (("JSON_OBJECT", (Fixed("$y.z"), d)), ("JSONB_SET", (d, Fixed("{a,b}"), 7)))
        yield from (("JSONB_SET", (d, Fixed("{q}"), 7, Fixed(False))), ("JSONB_SET", (d, Fixed(["a", "0"]), 7)))
    for d, p in product(({"a": [1, 2], "b": {"c": [3]}}, {"a": 1}, [1, 2], None),
                        ("$.a[0]", "$.a[9]", "$.a[-1]", "$.b.c[0]", "$[1]", "$.zz[0]")):
        yield from (("JSON_ARRAY_INSERT", (d, Fixed(p), "n")), ("JSON_REMOVE", (d, Fixed(p))))
    yield from ((name, (v,)) for name in ("JSON_TYPE", "TYPEOF") for v in MIXED + NUMBERS)
    yield from (("JSON_OBJECT", (v, 1)) for v in MIXED + NUMBERS)


def array_cases() -> Iterator[Case]:
    """Parts, sets, order."""
    for a in ARRAYS:
        for name in (
            "ARRAY_LENGTH", "ARRAY_DISTINCT", "ARRAY_REVERSE", "ARRAY_SORT", "FLATTEN", "ARRAY_COMPACT", "ARRAY_FIRST",
            "ARRAY_LAST", "ARRAY_MIN", "ARRAY_MAX",
        ):
            yield name, (a,)
        for b in [*ARRAYS, 1, 2.0, "a"]:
            for name in (
                "ARRAY_APPEND", "ARRAY_PREPEND", "ARRAY_CAT", "ARRAY_REMOVE", "ARRAY_POSITION", "ARRAY_CONTAINS",
                "ARRAYS_OVERLAP", "ARRAY_INTERSECT", "ARRAY_EXCEPT", "ARRAY_UNION", "||", "[]", "ARRAY_TO_STRING",
            ):
                yield name, (a, b)
            yield "ARRAY_REPLACE", (a, b, 9)
            if b is not MISSING:
                yield "[]", (a, Fixed(b))
        yield from (("||", (a, Fixed([5]))), ("||", (Fixed([5]), a))) if isinstance(a, list) else ()
        for i in (0, 1, 2, 3, -1, None, "x", 1.0, 1.5):
            yield from (("[]", (a, i)), ("[:]", (a, i, 2)), ("[:]", (a, 2, i)), ("[:]", (a, i, i)), ("[:]", (a, Fixed(None), i)))
        yield from (("ARRAY_TO_STRING", (a, ", ")), ("ARRAY_TO_STRING", (a, ",", "*")), ("ARRAY_SORT", (a, Fixed("desc"))))
    yield from (("STRING_TO_ARRAY", pair) for pair in product(("", "a,b,,c", "x", None, 5), (",", "", "$", None)))
    yield from (("GENERATE_ARRAY", case) for case in product((1, 5, -3, None), (3, 1, 2**31 - 1, 0), (1, -1, 2, 0)))


TABLES = {
    "numbers": number_cases, "bits": bit_cases, "conditions": condition_cases, "text": text_cases, "patterns": pattern_cases,
    "time": time_cases, "making": making_cases, "formats": format_cases, "documents": document_cases,
    "whole documents": whole_document_cases,
    "arrays": array_cases,
}
