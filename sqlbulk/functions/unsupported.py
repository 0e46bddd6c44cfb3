"""What SQL has and sqlbulk refuses, with the reason."""

from __future__ import annotations

_NO_EXPRESSION = "the server has no expression for it"
_NO_STATE = "a sequence or session state has no meaning in MongoDB"
_NO_TEXT_SEARCH = "full text search needs a text index and $text"
_NO_REGRESSION = "the server has no such aggregate"
_NO_WAIT = "a statement doesn't wait"
_NO_BYTES = "the server has no expression for the bytes of a text"
_NO_PRINTED_JSON = "documents are values, not text; an output format prints them"
_NO_SEARCH = "documents can't be searched at every depth"
_NO_INTERVALS = "documents hold no intervals; write INTERVAL '…' where one is needed"
_NO_XML = "there is no XML type"

UNSUPPORTED: dict[str, str] = {
    "CRC32": _NO_EXPRESSION, "DIGEST": _NO_EXPRESSION, "HMAC": _NO_EXPRESSION,
    "ENCRYPT": _NO_EXPRESSION, "DECRYPT": _NO_EXPRESSION, "CRYPT": _NO_EXPRESSION, "NEXTVAL": _NO_STATE,
    "CURRVAL": _NO_STATE, "SETVAL": _NO_STATE, "LASTVAL": _NO_STATE, "LAST_INSERT_ID": _NO_STATE,
    "ROW_COUNT": _NO_STATE, "FOUND_ROWS": _NO_STATE, "CONNECTION_ID": _NO_STATE, "GET_LOCK": _NO_STATE,
    "RELEASE_LOCK": _NO_STATE, "PG_SLEEP": _NO_WAIT, "SLEEP": _NO_WAIT, "SOUNDEX": _NO_EXPRESSION,
    "LEVENSHTEIN": _NO_EXPRESSION, "TO_TSVECTOR": _NO_TEXT_SEARCH, "TO_TSQUERY": _NO_TEXT_SEARCH,
    "MATCH": _NO_TEXT_SEARCH, "REGR_SLOPE": _NO_REGRESSION, "REGR_INTERCEPT": _NO_REGRESSION,
    "CORR": _NO_REGRESSION, "XMLELEMENT": _NO_XML, "XMLAGG": _NO_XML, "EXTRACTVALUE": _NO_XML,
    "LOAD_FILE": "statements don't read the server's files; use LOAD DATA",
    "NORMALIZE": "the server has no expression for Unicode normalization",
    "ARRAY_LOWER": "arrays always begin at 1",
    "HEX": _NO_BYTES, "UNHEX": _NO_BYTES, "TO_BASE64": _NO_BYTES, "FROM_BASE64": _NO_BYTES, "ENCODE": _NO_BYTES,
    "COMPRESS": _NO_BYTES, "JSON_PRETTY": _NO_PRINTED_JSON, "JSONB_PRETTY": _NO_PRINTED_JSON,
    "JSON_QUOTE": _NO_PRINTED_JSON, "QUOTE_LITERAL": _NO_PRINTED_JSON, "JSON_SEARCH": _NO_SEARCH,
    "JSON_DEPTH": _NO_SEARCH, "JSON_STRIP_NULLS": _NO_SEARCH, "JSONB_STRIP_NULLS": _NO_SEARCH,
    "MAKE_INTERVAL": _NO_INTERVALS, "JUSTIFY_DAYS": _NO_INTERVALS, "JUSTIFY_HOURS": _NO_INTERVALS,
    "JUSTIFY_INTERVAL": _NO_INTERVALS, "DATABASE": _NO_STATE, "CURRENT_DATABASE": _NO_STATE, "USER": _NO_STATE,
    "CURRENT_USER": _NO_STATE, "SESSION_USER": _NO_STATE, "CURRENT_SCHEMA": _NO_STATE,
    "DECODE": "PostgreSQL and Oracle mean different things by it; write CASE x WHEN … THEN …",
    "FORMAT": "it is text for people to read, which MySQL and PostgreSQL make differently",
    "OVERLAY": "write LEFT(…) || new || SUBSTRING(…)", "INSERT": "write LEFT(…) || new || SUBSTRING(…)",
    "JSON_EXISTS": "write JSON_CONTAINS_PATH(document, 'one', path)",
    "JSON_EXTRACT_PATH": "write document -> 'a' -> 'b'", "JSON_EXTRACT_PATH_TEXT": "write document -> 'a' ->> 'b'",
    "JSON_OVERLAPS": "write ARRAYS_OVERLAP for arrays", "YEARWEEK": "write EXTRACT(ISOYEAR …) and EXTRACT(WEEK …)",
    "ARRAY_POSITIONS": "write FILTER over GENERATE_ARRAY(1, CARDINALITY(a))",
    "ARRAY_NDIMS": "an array's items may be of any shape", "TRIM_ARRAY": "write a slice: a[:n]",
    "WIDTH_BUCKET": "write FLOOR((x - low) / width) + 1", "TO_NUMBER": "write CAST(text AS DECIMAL)",
    "MERGE_ACTION": "it stands in RETURNING of a MERGE alone",
    "ARRAY_FILL": "write ARRAY[…], or TRANSFORM over GENERATE_SERIES",
}
