"""The values of literals: the same conversions for the grammar's tokens and for the fast path over rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.decimal128 import create_decimal128_context as decimal128_context
from bson.objectid import ObjectId

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\s\S]))|''"
)
_SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?\s?(Z|UTC|[-+]\d{2}(?::?\d{2})?)?)?\Z",
    re.ASCII | re.IGNORECASE,
)
_DECIMAL = re.compile(
    r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,6})?|[-+]?inf(?:inity)?|nan)\s*\Z", re.ASCII | re.IGNORECASE
)


def string_literal(token: str) -> str:
    """The value of a `'…'` or `E'…'` token. ValueError: an escape names no character."""
    if token[0] in "eE":
        return _ESCAPE.sub(_unescape, token[2:-1])
    return token[1:-1].replace("''", "'")


def _unescape(match: re.Match[str]) -> str:
    short, long, hexadecimal, octal, other = match.groups()
    code = short or long or hexadecimal
    if code:
        if int(code, 16) > 0x10FFFF:
            raise ValueError(f"\\U{code} is no character")
        return chr(int(code, 16))
    if octal:
        return chr(int(octal, 8))
    return _SIMPLE_ESCAPES.get(other, other) if other else "'"


def number_literal(text: str) -> int | float:
    """An integer of any size, or a double. ValueError: too large for a double."""
    if text.lstrip("+-").isdecimal():
        return _integer(text)
    value = float(text)
    if math.isinf(value):
        raise ValueError("it is too large for a double; write DECIMAL '…'")
    return value


def _integer(text: str) -> int:
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 4000:
        raise ValueError("it has more than 4,000 digits")
    return -int(digits) if text[0] == "-" else int(digits)


def hex_literal(token: str) -> bytes:
    """The value of `X'…'`. ValueError: not an even number of hexadecimal digits."""
    digits = token[2:-1]
    if len(digits) % 2 or re.search(r"[^0-9a-fA-F]", digits):
        raise ValueError("a hex literal holds pairs of hexadecimal digits")
    return bytes.fromhex(digits)


def typed_literal(kind: str, text: str) -> Any:
    """The value of `DATE '…'`, TIMESTAMP, DECIMAL, OBJECTID, UUID and the like, in its BSON form.

    `kind` is the word in any case, `text` what stands between the quotes. Moments are datetimes in UTC, in
    whole milliseconds; a UUID is a Binary of subtype 4. ValueError: the reason why the text can't be read.
    """
    return TYPED_LITERALS[kind.upper()](text)


def date_literal(text: str) -> datetime:
    """`2025-01-31`: midnight in UTC of that day."""
    if not _DATE.match(text):
        raise ValueError("a date is written 'YYYY-MM-DD'")
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def timestamp_literal(text: str) -> datetime:
    """`2025-01-31 23:59:59.123+02:00`, T or a blank between, UTC by default; cut off to milliseconds."""
    match = _TIMESTAMP.match(text)
    if not match:
        raise ValueError("a timestamp is written 'YYYY-MM-DD HH:MM:SS[.mmm][+HH:MM]'")
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}+00:00" if clock else f"{day}T00:00+00:00")
    if fraction:
        moment = moment.replace(microsecond=int(fraction[:3].ljust(3, "0")) * 1000)
    if zone and zone.upper() not in ("Z", "UTC"):
        offset = datetime.strptime(zone if len(zone) > 3 else zone + "00", "%z").tzinfo
        try:
            moment = moment.replace(tzinfo=offset).astimezone(UTC)
        except OverflowError:
            raise ValueError("in UTC the year is outside 1 to 9999") from None
    return moment


def decimal_literal(text: str) -> Decimal128:
    """A decimal number of at most 34 digits. ValueError: it has more, or isn't one."""
    if not _DECIMAL.match(text):
        raise ValueError("a decimal is written '-123.45' or '1.5e10'")
    value = decimal128_context().create_decimal(text.strip())
    if (value.is_finite() and value != Decimal(text.strip())) or (value.is_infinite() and "n" not in text.lower()):
        raise ValueError("a decimal holds at most 34 digits and an exponent of 6144")
    return Decimal128(value)


def objectid_literal(text: str) -> ObjectId:
    """24 hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-fA-F]{24}", text):
        raise ValueError("an ObjectId has 24 hexadecimal digits")
    return ObjectId(text)


def uuid_literal(text: str) -> Binary:
    """32 hexadecimal digits, with or without hyphens; a Binary of subtype 4."""
    if not re.fullmatch(r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?", text):
        raise ValueError("a UUID is written 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'")
    return Binary.from_uuid(UUID(text))


TYPED_LITERALS: dict[str, Callable[[str], Any]] = {
    "DATE": date_literal,
    "TIMESTAMP": timestamp_literal,
    "TIMESTAMPTZ": timestamp_literal,
    "DATETIME": timestamp_literal,
    "DECIMAL": decimal_literal,
    "NUMERIC": decimal_literal,
    "OBJECTID": objectid_literal,
    "UUID": uuid_literal,
}
