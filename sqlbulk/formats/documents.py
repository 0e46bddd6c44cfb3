"""Checks a document out of JSON text and gives extended JSON its meaning."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from datetime import UTC
from decimal import DecimalException
from typing import Any, NoReturn

import orjson
from bson import json_util
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError

from sqlbulk.errors import RowRefused

EXCERPT = 200
"""How many characters of a faulty row are shown."""

_OPTIONS = json_util.JSONOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_EMPTY_KEY = re.compile(rb'""\s*:')


def needs_examination(text: bytes) -> bool:
    """Whether JSON text may hold what plain decoding gets wrong or lets pass.

    That is: keys with $ or none at all, escapes (which may hide $, NUL or half a character), and
    numbers beyond 64 bits. Rarely true for plain data, and fast, so that it is asked of large blocks.
    """
    return (
        b'"$' in text
        or b"\\u" in text
        or (b'""' in text and _EMPTY_KEY.search(text) is not None)
        or _LONG_NUMBER in text.translate(_DIGITS)
    )


def may_overflow(text: bytes) -> bool:
    """Whether JSON text may hold numbers beyond floating point, which the standard library takes for infinity."""
    shape = text.translate(_DIGITS)
    return any(exponent in shape for exponent in (b"0e000", b"0e+000", b"0E000", b"0E+000"))


def decode_plain(line: bytes) -> dict[str, Any]:
    """A line's document, where `needs_examination` is false. Raises RowRefused."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        _refuse_text(line, error)
    if type(value) is not dict:
        raise RowRefused("E4001", f"{_kind_of(value)} where a document is needed")
    return value


def decode_examined(line: bytes) -> dict[str, Any]:
    """A line's document, everything checked, extended JSON understood. Raises RowRefused."""
    decode_plain(line)
    # orjson makes floating point of integers beyond 64 bits, so the numbers are read once more
    try:
        value = json.loads(line)
    except RecursionError:
        raise _too_deep() from None
    return examined(value)


def examined(value: Any) -> dict[str, Any]:
    """A decoded document, names, numbers and text checked, extended JSON understood. Raises RowRefused."""
    if type(value) is not dict:
        raise RowRefused("E4001", f"{_kind_of(value)} where a document is needed")
    document = examined_value(value)
    if type(document) is not dict:
        raise RowRefused("E4001", f"{type(document).__name__} in extended JSON where a document is needed")
    return document


def examined_value(value: Any) -> Any:
    """The same for any value."""
    try:
        return _examined(value)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> RowRefused:
    return RowRefused("E4001", "values are nested too deeply")


def _examined(value: Any) -> Any:
    check = _CHECKS.get(type(value))
    return value if check is None else check(value)


def _document(value: dict[str, Any]) -> Any:
    result = {_text(key): _examined(item) for key, item in value.items()}
    for key in result:
        if not key or "\0" in key:
            what = f"field name {key!r} holds a NUL character" if key else "a field name is empty"
            raise RowRefused("E4005", what)
        if key[0] == "$":
            return _extended(result)
    return result


def _extended(value: dict[str, Any]) -> Any:
    key = next(k for k in value if k[:1] == "$")
    try:
        _check_extended(value)
        converted = json_util.object_hook(dict(value), _OPTIONS)
    except (ValueError, TypeError, LookupError, ArithmeticError, DecimalException, BSONError) as error:
        raise RowRefused("E4001", f"bad extended JSON: {excerpt_of(str(error) or key)}", key) from None
    if isinstance(converted, dict):
        raise RowRefused("E4005", f"field name {key!r} starts with $", key)
    if isinstance(converted, int):
        _integer(converted)
    return converted


def _check_extended(value: dict[str, Any]) -> None:
    """Raises ValueError for what pymongo would pass over without a word: signs that aren't base64, unknown flags."""
    packed = value.get("$binary")
    text = packed.get("base64") if isinstance(packed, dict) else packed
    if isinstance(text, str):
        base64.b64decode(text, validate=True)
    pattern = value.get("$regularExpression")
    flags = (pattern if isinstance(pattern, dict) else {"options": value.get("$options")}).get("options")
    if isinstance(flags, str) and set(flags) - set("ilmsux"):
        raise ValueError(f"unknown flags in {flags!r}")


def _integer(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise RowRefused("E4010", f"the integer {str(value)[:40]} is beyond 64 bits")
    return value


def _double(value: float) -> float:
    if not math.isfinite(value):
        raise RowRefused("E4001", "a number is too large for floating point")
    return value


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            half = f"U+{ord(value[error.start]):04X}"
            raise RowRefused("E4010", f"text with half a character ({half})") from None
    return value


_CHECKS: dict[type, Callable[[Any], Any]] = {
    dict: _document,
    list: lambda value: [_examined(item) for item in value],
    int: _integer,
    float: _double,
    str: _text,
}

_KINDS = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def _kind_of(value: object) -> str:
    return _KINDS.get(type(value), "a number")


def _refuse_text(line: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    """Say what is wrong with a line that is not JSON."""
    try:
        line.decode()
    except UnicodeDecodeError as fault:
        raise RowRefused("E4011", f"byte 0x{line[fault.start]:02x} is not UTF-8", None, fault.start) from None
    if b"\0" in line:
        raise RowRefused("E4011", "a NUL byte", None, line.index(b"\0")) from None
    if "surrogate" in error.msg:
        raise RowRefused("E4010", "text with half a character", None, error.pos) from None
    raise RowRefused("E4001", f"not JSON: {error.msg}", None, error.pos) from None


def excerpt_of(text: bytes | str) -> str:
    """The beginning of a row's text, for messages."""
    if isinstance(text, bytes):
        text = text[: EXCERPT * 4].decode("utf-8", "replace")
    text = text.rstrip("\r\n")
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
