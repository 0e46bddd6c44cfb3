"""Casts: CAST, TRY_CAST and x::type. A value that can't be turned gives NULL; a constant one is an error with CAST."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.functions.arithmetic import milliseconds
from sqlbulk.functions.entries import anything, entry, integer
from sqlbulk.functions.fitting import FIRST_MOMENT, LAST_MOMENT, in_range, is_number
from sqlbulk.functions.number import lower_round, round_half_away
from sqlbulk.functions.numeric import decimal128, is_zero, to_decimal, to_double
from sqlbulk.functions.registry import UNKNOWN, Context, Function, FunctionProblem, Operand
from sqlbulk.functions.textform import as_text, text_form
from sqlbulk.functions.time import lower_date, midnight
from sqlbulk.functions.timeparts import EPOCH, local
from sqlbulk.types import Type


def _typed(x: Any, *branches: tuple[Any, Any]) -> Any:
    """What is done with each type of value; NULL for others. A branch is a name of $type, or a condition."""
    cases = [
        {"case": {"$eq": [{"$type": x}, kind]} if isinstance(kind, str) else kind, "then": then}
        for kind, then in branches
    ]
    return {"$switch": {"branches": cases, "default": None}}


def _converted(x: Any, to: str) -> Any:
    return {"$convert": {"input": x, "to": to, "onError": None, "onNull": None}}


def _trimmed(x: Any) -> Any:
    return {"$trim": {"input": x, "chars": " \t\n\r"}}


# Numbers


def _to_integer(x: Operand, width: Operand | None = None) -> Any:
    """`width` is MySQL's INT(11): how wide it is shown, which says nothing of its value."""
    rounded = _converted(lower_round(x), "long")
    return _typed(
        x.mql, ({"$isNumber": x.mql}, rounded), ("string", _converted(_trimmed(x.mql), "long")),
        ("bool", {"$cond": [x.mql, 1, 0]}), ("date", {"$toLong": x.mql}),
    )


_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[+-]?(?:inf(?:inity)?|nan)\Z", re.IGNORECASE)


def fold_integer(x: Any) -> int | None:
    """The value as a 64-bit integer."""
    if isinstance(x, bool):
        return int(x)
    if isinstance(x, str):
        return _fitting(int(x.strip(" \t\n\r"))) if _WHOLE.match(x.strip(" \t\n\r")) else None
    if isinstance(x, datetime):
        return milliseconds(x - EPOCH)
    if not is_number(x):
        return None
    rounded = to_decimal(x) if isinstance(x, int) else to_decimal(round_half_away(x))
    return _fitting(int(rounded)) if rounded.is_finite() else None


def _fitting(x: int) -> int | None:
    return x if -(2**63) <= x < 2**63 else None


def _to_real(kind: str) -> Callable[[Operand], Any]:
    def lower(x: Operand) -> Any:
        if x.type.numeric:
            return _converted(x.mql, kind)
        return _typed(
            x.mql, ({"$isNumber": x.mql}, _converted(x.mql, kind)), ("string", _converted(_trimmed(x.mql), kind)),
            ("bool", _converted(x.mql, kind)),
        )

    return lower


def fold_double(x: Any) -> float | None:
    """The value as a double."""
    if isinstance(x, bool) or is_number(x):
        value = to_double(x)
        too_large = isinstance(x, Decimal128) and abs(value) == float("inf") and x.to_decimal().is_finite()
        return None if too_large else value
    if not isinstance(x, str) or not (_REAL.match(x.strip(" \t\n\r")) or _SPECIAL.match(x.strip(" \t\n\r"))):
        return None
    value = float(x)
    return None if abs(value) == float("inf") and not _SPECIAL.match(x.strip(" \t\n\r")) else value


def fold_decimal(x: Any) -> Any:
    """The value as a decimal."""
    if isinstance(x, bool) or is_number(x):
        return decimal128(to_decimal(x))
    if not isinstance(x, str) or not (_REAL.match(x.strip(" \t\n\r")) or _SPECIAL.match(x.strip(" \t\n\r"))):
        return None
    number = Decimal(x.strip(" \t\n\r"))
    return UNKNOWN if len(number.as_tuple().digits) > 34 else decimal128(number)


def _to_decimal_of(x: Operand, precision: Operand | None = None, scale: Operand | None = None) -> Any:
    value = _to_real("decimal")(x)
    if precision is None:
        return value
    places = scale or Operand(0, Type.INTEGER, False, 0)
    rounded = lower_round(Operand("$$decimal"), places)
    limit = Decimal128(Decimal(1).scaleb(int(precision.value) - int(places.value)))
    small = {"$lt": [{"$abs": "$$rounded"}, limit]}
    inside = {"$let": {"vars": {"rounded": rounded}, "in": {"$cond": [small, "$$rounded", None]}}}
    checked = {"$cond": [{"$gt": ["$$decimal", None]}, inside, None]}
    return {"$let": {"vars": {"decimal": value}, "in": checked}}


def _fold_decimal_of(x: Any, precision: int | None = None, scale: int = 0) -> Any:
    value = fold_decimal(x)
    if value is None or value is UNKNOWN or precision is None:
        return value
    rounded = round_half_away(value, scale)
    number = rounded.to_decimal()
    return rounded if number.is_nan() or abs(number) < Decimal(1).scaleb(precision - scale) else None


# Text, truth and moments


def _to_text(x: Operand, length: Operand | None = None) -> Any:
    return as_text(x) if length is None else {"$cond": [
        {"$gt": [as_text(x), None]}, {"$substrCP": [as_text(x), 0, length.mql]}, None]}


def _fold_text(x: Any, length: int | None = None) -> str | None:
    text = text_form(x)
    return text if text is None or length is None else text[:length]


_TRUE, _FALSE = ["true", "t", "yes", "y", "on", "1"], ["false", "f", "no", "n", "off", "0"]


def _to_boolean(x: Operand) -> Any:
    word = {"$toLower": _trimmed(x.mql)}
    said = {"$cond": [{"$in": [word, _TRUE]}, True, {"$cond": [{"$in": [word, _FALSE]}, False, None]}]}
    return _typed(x.mql, ("bool", x.mql), ({"$isNumber": x.mql}, {"$ne": [x.mql, 0]}), ("string", said))


def fold_boolean(x: Any) -> bool | None:
    """The value as true or false."""
    if isinstance(x, bool):
        return x
    if is_number(x):
        return not is_zero(x)
    word = x.strip(" \t\n\r").lower() if isinstance(x, str) and x.isascii() else ""
    return True if word in _TRUE else False if word in _FALSE else None


_MOMENT = (
    r"^\s*(?!0000)([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?)(?:\.([0-9]{1,9}))?"
    r"\s?(Z|UTC|[-+][01][0-9](?::?[0-5][0-9])?)?)?\s*"
)


def _to_moment(x: Operand) -> Any:
    found = {"$regexFind": {"input": x.mql, "regex": _MOMENT + r"\z", "options": "i"}}
    pieces = [{"$ifNull": [{"$arrayElemAt": ["$$found.captures", i]}, default]} for i, default in (
        (1, "00:00"), (2, "0"), (3, "Z"))]
    clock = {"$cond": [{"$eq": [{"$strLenBytes": pieces[0]}, 5]}, {"$concat": [pieces[0], ":00"]}, pieces[0]]}
    fraction = {"$substrBytes": [{"$concat": [pieces[1], "00"]}, 0, 3]}
    zone = {"$cond": [{"$in": [{"$toUpper": pieces[2]}, ["Z", "UTC"]]}, "Z", pieces[2]]}
    text = {"$concat": [{"$arrayElemAt": ["$$found.captures", 0]}, "T", clock, ".", fraction, zone]}
    parsed = {"$dateFromString": {"dateString": text, "onError": None}}
    read = {"$let": {"vars": {"found": found}, "in": {"$cond": [{"$gt": ["$$found", None]}, _ranged(parsed), None]}}}
    in_years = {"$and": [{"$isNumber": x.mql}, {"$gte": [x.mql, _FROM]}, {"$lte": [x.mql, _TO]}]}
    return _typed(
        x.mql, ("date", {"$cond": [in_range(x.mql), x.mql, None]}), ("string", read),
        (in_years, {"$toDate": {"$toLong": x.mql}}), ("objectId", {"$toDate": x.mql}),
    )


def _ranged(date: Any) -> Any:
    return {"$let": {"vars": {"moment": date}, "in": {"$cond": [in_range("$$moment"), "$$moment", None]}}}


_FROM, _TO = milliseconds(FIRST_MOMENT - EPOCH), milliseconds(LAST_MOMENT - EPOCH)


def fold_moment(x: Any) -> datetime | None:
    """The value as a moment: text in ISO 8601, a number of milliseconds, the time of an ObjectId."""
    if isinstance(x, datetime):
        return x
    if isinstance(x, ObjectId):
        return x.generation_time
    if is_number(x):
        value = to_decimal(x)
        known = value.is_finite() and _FROM <= value <= _TO
        return EPOCH + timedelta(milliseconds=int(value)) if known else None
    match = re.match(_MOMENT + r"\Z", x, re.IGNORECASE | re.ASCII) if isinstance(x, str) else None
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone is None or zone.upper() in ("Z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment + timedelta(milliseconds=int(((fraction or "0") + "00")[:3]))


def _to_day(x: Operand, *, context: Context) -> Any:
    day = lower_date("$$day", context=context)
    return {"$let": {"vars": {"day": _to_moment(x)}, "in": {"$cond": [{"$gt": ["$$day", None]}, day, None]}}}


def _fold_day(x: Any, *, context: Context) -> datetime | None:
    moment = fold_moment(x)
    return None if moment is None else midnight(local(moment, context))


# Identifiers, binaries, documents


def _to_objectid(x: Operand) -> Any:
    return _typed(x.mql, ("objectId", x.mql), ("string", _converted(_trimmed(x.mql), "objectId")))


def fold_objectid(x: Any) -> ObjectId | None:
    """The value as an ObjectId."""
    if isinstance(x, ObjectId):
        return x
    text = x.strip(" \t\n\r") if isinstance(x, str) else ""
    return ObjectId(text) if re.fullmatch("[0-9a-fA-F]{24}", text) else None


def fold_uuid(x: Any) -> bytes | Binary | None:
    """The value as a UUID."""
    if isinstance(x, bytes | Binary):
        return x
    text = x.strip() if isinstance(x, str) else ""
    if re.fullmatch(r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?", text):
        return Binary.from_uuid(UUID(text))
    return None


def _to_binary(x: Operand) -> Any:
    return _typed(x.mql, ("binData", x.mql))


def _to_rounded(x: Operand, digits: Operand | None = None) -> Any:
    moment = _to_moment(x)
    if digits is None or digits.value >= _MILLISECONDS:
        return moment
    step = 10 ** (_MILLISECONDS - int(digits.value))
    later = {"$add": ["$$moment", step // 2]}
    beyond = {"$mod": [{"$add": [{"$mod": [{"$toLong": later}, step]}, step]}, step]}
    return {"$let": {"vars": {"moment": moment}, "in": {
        "$cond": [{"$gt": ["$$moment", None]}, {"$subtract": [later, beyond]}, None]}}}


_MILLISECONDS = 3


def _fold_rounded(x: Any, digits: int = _MILLISECONDS) -> Any:
    moment = fold_moment(x)
    if moment is None or digits >= _MILLISECONDS:
        return moment
    step = 10 ** (_MILLISECONDS - digits)
    since = milliseconds(moment - EPOCH) + step // 2
    return EPOCH + timedelta(milliseconds=since - since % step)


def _fold_binary(x: Any) -> Any:
    return x.encode() if isinstance(x, str) else x if isinstance(x, bytes | Binary) else None


def _fold_json(x: Any) -> Any:
    """A text is read as JSON; other values are what they are."""
    if not isinstance(x, str):
        return x
    try:
        return json.loads(x)
    except ValueError:
        return None


def _fold_array(x: Any) -> Any:
    value = _fold_json(x)
    return value if isinstance(value, list | tuple) else None


def _between(low: int, high: int, what: str) -> Callable[[Any], None]:
    def check(number: Any) -> None:
        if not low <= to_decimal(number) <= high:
            raise FunctionProblem("E2004", f"{what} is {low} to {high}, not {number}")

    return check


_check_length = _between(0, 2**31 - 1, "the length of a text")
_check_digits = _between(0, 6, "the number of digits of a second")
_check_precision = _between(1, 34, "the precision of a decimal")
_ONE = (anything(),)
_WIDE = (anything(), integer("width", optional=True, constant=True))
_SIZED = (anything(), integer("length", optional=True, constant=True, check=_check_length))
_SCALED = (
    anything(), integer("precision", optional=True, constant=True, check=_check_precision),
    integer("scale", optional=True, constant=True),
)


def _cast(names: str, returns: Type, words: str, example: str, lower: Any, fold: Any, **fields: Any) -> Function:
    first, *others = [f"{kind}CAST:{name}" for name in names.split("|") for kind in ("", "TRY_")]
    given = {"operands": True, "parameters": _ONE, **fields}
    parameters = given.pop("parameters")
    return entry(first, words, example, parameters, lower, fold, returns=returns, aliases=tuple(others), **given)


ENTRIES: tuple[Function, ...] = (
    _cast("INTEGER|INT|INT2|INT4|INT8|BIGINT|SMALLINT|TINYINT|MEDIUMINT|SIGNED|SIGNED INTEGER|UNSIGNED|LONG|INT32"
          "|INT64", Type.INTEGER, "A whole number, halves rounded away from zero; of a date its milliseconds.",
          "CAST('12' AS INT) = 12", _to_integer,
          lambda x, width=None: fold_integer(x), parameters=_WIDE),
    _cast("DOUBLE|DOUBLE PRECISION|FLOAT|FLOAT4|FLOAT8|REAL", Type.DOUBLE, "A double.", "CAST('1.5' AS DOUBLE) = 1.5",
          _to_real("double"), fold_double),
    _cast("DECIMAL|NUMERIC|DECIMAL128|DEC", Type.DECIMAL, "A decimal, with (p, s) rounded to s digits after the point.",
          "CAST('1.25' AS DECIMAL(3, 1)) = DECIMAL '1.3'", _to_decimal_of, _fold_decimal_of, parameters=_SCALED),
    _cast("STRING|TEXT|VARCHAR|CHAR|CHARACTER|CHARACTER VARYING|NVARCHAR|NCHAR|BPCHAR|CLOB", Type.STRING,
          "The text form, with (n) cut to n characters; NULL for documents, arrays and binaries.",
          "CAST(12 AS TEXT) = '12'", _to_text, _fold_text, parameters=_SIZED),
    _cast("BOOLEAN|BOOL", Type.BOOLEAN, "True for numbers that aren't 0 and the words true, t, yes, y, on, 1.",
          "CAST('yes' AS BOOLEAN)", _to_boolean, fold_boolean),
    _cast("TIMESTAMP|TIMESTAMPTZ|DATETIME|TIMESTAMP WITH TIME ZONE|TIMESTAMP WITHOUT TIME ZONE", Type.DATE,
          "A moment: from text in ISO 8601, milliseconds since 1970, or an ObjectId; (0) to (2) round the seconds.",
          "CAST('2024-01-01T00:00:00Z' AS TIMESTAMP) = DATE '2024-01-01'", _to_rounded, _fold_rounded,
          parameters=(anything(), integer("digits", optional=True, constant=True, check=_check_digits))),
    _cast("DATE", Type.DATE, "The day of a moment, 00:00 UTC.", "CAST('2024-01-01 12:00' AS DATE) = DATE '2024-01-01'",
          _to_day, _fold_day, contextual=True),
    _cast("OBJECTID|OID", Type.OBJECTID, "An ObjectId from 24 hexadecimal digits.",
          "CAST('0123456789abcdef01234567' AS OBJECTID) = OBJECTID '0123456789abcdef01234567'", _to_objectid,
          fold_objectid),
    _cast("UUID", Type.UUID, "A UUID; text only where it is constant.",
          "CAST('00112233-4455-6677-8899-aabbccddeeff' AS UUID) = UUID '00112233-4455-6677-8899-aabbccddeeff'",
          _to_binary, fold_uuid),
    _cast("BINARY|BYTEA|VARBINARY|BLOB", Type.BINARY, "Bytes; text (as UTF-8) only where it is constant.",
          "CAST('a' AS BINARY) = X'61'", _to_binary, _fold_binary),
    _cast("JSON|JSONB|DOCUMENT|OBJECT", Type.ANY, "Constant text read as JSON; other values stay as they are.",
          "CAST('[1]' AS JSON) = ARRAY[1]", lambda x: x.mql, _fold_json),
    _cast("ARRAY", Type.ARRAY, "An array as it is; constant text is read as JSON.", "CAST('[1]' AS ARRAY) = ARRAY[1]",
          lambda x: _typed(x.mql, ("array", x.mql)), _fold_array),
)
