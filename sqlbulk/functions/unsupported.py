"""What SQL has and sqlbulk refuses, with the reason."""

from __future__ import annotations

_NO_EXPRESSION = "the server has no expression for it"
_NO_STATE = "a sequence or session state has no meaning in MongoDB"
_NO_TEXT_SEARCH = "full text search needs a text index and $text"
_NO_REGRESSION = "the server has no such aggregate"
_NO_WAIT = "a statement doesn't wait"
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
    "ARRAY_FILL": "write ARRAY[…], or TRANSFORM over GENERATE_SERIES",
}
