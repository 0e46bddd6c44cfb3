"""Which functions compare texts, which go by a collation on the server, and which search in them, which don't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COMPARES = frozenset({
    "=", "<>", "<=>", "<", "<=", ">", ">=", "IN", "NULLIF", "GREATEST", "LEAST", "STRCMP", "ARRAY_CONTAINS",
    "ARRAY_POSITION", "ARRAY_REMOVE", "ARRAY_REPLACE", "ARRAYS_OVERLAP", "ARRAY_INTERSECT", "ARRAY_EXCEPT",
    "ARRAY_UNION", "ARRAY_DISTINCT", "ARRAY_SORT", "ARRAY_MIN", "ARRAY_MAX", "@>", "<@", "JSON_CONTAINS",
})
SEARCHES = frozenset({
    "LIKE", "ILIKE", "SIMILAR TO", "REGEXP", "~*", "REGEXP_SUBSTR", "REGEXP_MATCH", "REGEXP_COUNT", "REGEXP_INSTR",
    "REGEXP_REPLACE", "POSITION", "STRPOS", "LOCATE", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REPLACE", "SPLIT_PART",
    "SUBSTRING_INDEX", "STRING_TO_ARRAY", "TRANSLATE",
})


def depends_on_collation(name: str, values: Sequence[Any]) -> bool:
    """Whether a collation may change what the function gives for these values."""
    return name in COMPARES | SEARCHES and any(isinstance(v, str | list | dict) for v in values)
