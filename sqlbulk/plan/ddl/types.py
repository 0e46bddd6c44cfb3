"""Column types of CREATE TABLE as rules of a $jsonSchema: what a column of the type may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson.decimal128 import Decimal128

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.syntax import ast
from sqlbulk.types import Type

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column's values may be, NULL apart: `rule` as in a $jsonSchema (empty: anything), and the static type."""

    rule: Rule
    type: Type
    notice: str | None = None

    def nullable(self) -> Rule:
        """The rule of a column that may be NULL."""
        kinds = self.rule.get("bsonType")
        return {} if kinds is None else {**self.rule, "bsonType": [*_listed(kinds), "null"]}

    def required(self) -> Rule:
        """The rule of a column that is NOT NULL."""
        return self.rule or {"not": {"bsonType": "null"}}


def column_type(written: ast.TypeName) -> ColumnType:
    """The type that a name means; raises PlanError E2012 for an unknown one, E2004 for unfit arguments."""
    if written.name in REFUSED:
        reason, hint = REFUSED[written.name]
        raise UnsupportedError("E3001", f"a column can't be {written.name}: {reason}", written.span, hint=hint)
    found = _scalar(written)
    if not written.array:
        return found
    items = {"items": found.nullable()} if found.rule else {}
    return ColumnType({"bsonType": "array", **items}, Type.ARRAY, found.notice)


def _scalar(written: ast.TypeName) -> ColumnType:
    name, arguments = written.name, written.arguments
    if name in _TEXTS:
        return ColumnType({"bsonType": "string", **_length(written)}, Type.STRING)
    if name in _INTEGERS:
        low, high = _INTEGERS[name]
        limits = {} if low is None else {"minimum": low, "maximum": high}
        notice = f"the width of {name}({arguments[0]}) has no effect" if arguments else None
        return ColumnType({"bsonType": ["int", "long"], **limits}, Type.INTEGER, notice)
    if name in _DECIMALS:
        return ColumnType({"bsonType": ["decimal", "int", "long"], **_precision(written)}, Type.NUMBER)
    if name in _MOMENTS:
        _check_milliseconds(written)
        return ColumnType({"bsonType": "date"}, Type.DATE)
    if name not in _PLAIN:
        raise PlanError("E2012", f"there is no type {name}", written.span, hint=f"there are {', '.join(NAMES)}")
    if arguments:
        raise PlanError("E2004", f"{name} takes nothing in parentheses", written.span)
    kinds, known = _PLAIN[name]
    return ColumnType({"bsonType": kinds} if kinds else {}, known)


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _length(written: ast.TypeName) -> Rule:
    if len(written.arguments) > 1 or 0 in written.arguments:
        raise PlanError("E2004", f"{written.name} takes one length, of 1 or more", written.span)
    if not written.arguments:
        return {"maxLength": 1} if written.name in ("CHAR", "CHARACTER") else {}
    return {"maxLength": written.arguments[0]}


def _precision(written: ast.TypeName) -> Rule:
    """Limits of NUMERIC(digits, decimals)."""
    if not written.arguments:
        return {}
    digits, decimals = (*written.arguments, 0)[:2]
    if len(written.arguments) > 2 or not 1 <= digits <= 34 or decimals > digits:
        raise PlanError("E2004", f"{written.name} takes up to 34 digits, and how many of them are decimals",
                        written.span)
    beyond = f"1E+{digits - decimals}"
    return {
        "multipleOf": Decimal128(f"1E-{decimals}"), "minimum": Decimal128(f"-{beyond}"), "exclusiveMinimum": True,
        "maximum": Decimal128(beyond), "exclusiveMaximum": True,
    }


def _check_milliseconds(written: ast.TypeName) -> None:
    if written.name == "DATE" and written.arguments:
        raise PlanError("E2004", "DATE takes nothing in parentheses", written.span)
    if written.arguments and written.arguments != (3,):
        raise UnsupportedError("E3001", f"{written.name}({written.arguments[0]}): dates are stored in milliseconds",
                               written.span, hint=f"write {written.name}, or {written.name}(3)")


_TEXTS = frozenset({
    "TEXT", "STRING", "VARCHAR", "CHAR", "CHARACTER", "CHARACTER VARYING", "CHAR VARYING", "NVARCHAR", "NCHAR",
    "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "CLOB",
})
_DECIMALS = frozenset({"DECIMAL", "NUMERIC", "DEC"})
_MOMENTS = frozenset({
    "DATE", "TIMESTAMP", "DATETIME", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE",
})
_SMALL, _MEDIUM, _USUAL = (-(2**15), 2**15 - 1), (-(2**23), 2**23 - 1), (-(2**31), 2**31 - 1)
_INTEGERS: dict[str, tuple[int | None, int | None]] = {
    "TINYINT": (-128, 127), "SMALLINT": _SMALL, "INT2": _SMALL, "MEDIUMINT": _MEDIUM,
    "INT": _USUAL, "INTEGER": _USUAL, "INT4": _USUAL,
    "BIGINT": (None, None), "INT8": (None, None), "LONG": (None, None),
}
_PLAIN: dict[str, tuple[str | list[str] | None, Type]] = {
    **dict.fromkeys(
        ("DOUBLE", "DOUBLE PRECISION", "FLOAT", "REAL", "FLOAT4", "FLOAT8", "NUMBER"), ("number", Type.NUMBER)),
    **dict.fromkeys(("BOOLEAN", "BOOL"), ("bool", Type.BOOLEAN)),
    **dict.fromkeys(("JSON", "JSONB", "ANY"), (None, Type.ANY)),
    **dict.fromkeys(("DOCUMENT", "OBJECT"), ("object", Type.DOCUMENT)),
    **dict.fromkeys(("BINARY", "VARBINARY", "BYTEA", "BLOB"), ("binData", Type.BINARY)),
    "ARRAY": ("array", Type.ARRAY), "OBJECTID": ("objectId", Type.OBJECTID), "UUID": ("binData", Type.UUID),
}
REFUSED = {
    **dict.fromkeys(("SERIAL", "BIGSERIAL", "SMALLSERIAL", "IDENTITY"), (
        "MongoDB doesn't count up", "every document has an _id; or give the numbers in INSERT")),
    **dict.fromkeys(("TIME", "TIMETZ", "TIME WITH TIME ZONE", "TIME WITHOUT TIME ZONE"), (
        "there is no time without a day", "TEXT holds '10:30:00', TIMESTAMP a moment")),
    "INTERVAL": ("it is stored as milliseconds", "BIGINT holds them"),
    **dict.fromkeys(("ENUM", "SET"), ("there are no enumerations", "TEXT CHECK (x IN ('a', 'b'))")),
}
NAMES = (
    "TEXT", "VARCHAR(n)", "INT", "BIGINT", "SMALLINT", "DOUBLE", "DECIMAL(p, s)", "BOOLEAN", "DATE", "TIMESTAMP",
    "JSON", "DOCUMENT", "ARRAY", "OBJECTID", "UUID", "BINARY", "ANY", "and TYPE[]",
)
"""The types as the manual and errors list them."""
