"""The text form of a value: what || and CAST AS TEXT give, on the server and in Python."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.functions.fitting import in_range
from sqlbulk.functions.numeric import to_decimal
from sqlbulk.functions.registry import UNKNOWN, Operand
from sqlbulk.types import Type


def double_text(value: float) -> str:
    """A double with 15 digits, without zeros at its end."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    mantissa, _, exponent = str(Decimal128(to_decimal(value))).partition("E")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{exponent}" if exponent else mantissa


def text_form(value: Any) -> str | None:
    """The text form in Python; None for documents, arrays and binaries, which have none."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return double_text(value)
        case int() | Decimal128() | ObjectId():
            return str(value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")
        case _:
            return None


def is_key(text: Any) -> Any:
    """An expression: the text can be a key; NULL can't, nor can what holds a zero byte, with which a key ends."""
    return {"$and": [{"$gt": [text, None]}, {"$lt": [{"$indexOfBytes": [text, "\0"]}, 0]}]}


def as_text(operand: Operand) -> Any:
    """An expression for the text form; NULL where there is none."""
    if operand.type is Type.STRING:
        return operand.mql
    if operand.value is not UNKNOWN:
        return text_form(operand.value)  # the server would work out a constant's every branch, and abort on some
    converted: Any = {"$convert": {"input": operand.mql, "to": "string", "onError": None, "onNull": None}}
    if operand.type is Type.DOUBLE:
        return {"$cond": [{"$isNumber": operand.mql}, _double(operand.mql), None]}
    if operand.type is Type.DATE:
        return {"$cond": [in_range(operand.mql), converted, None]}
    if operand.type in (Type.NUMBER, Type.DURATION):
        return {"$cond": [{"$eq": [{"$type": operand.mql}, "double"]}, _double(operand.mql), converted]}
    if operand.type is not Type.ANY:
        return converted
    late = {"$and": [{"$eq": [{"$type": operand.mql}, "date"]}, {"$not": [in_range(operand.mql)]}]}
    converted = {"$cond": [late, None, converted]}
    return {"$cond": [{"$eq": [{"$type": operand.mql}, "double"]}, _double(operand.mql), converted]}


def _double(number: Any) -> Any:
    """With 15 digits: $toString would cut a double off after 6."""
    whole = {"$and": [{"$gt": [number, -1e15]}, {"$lt": [number, 1e15]}, {"$eq": [number, {"$trunc": number}]}]}
    parts = {"$split": [{"$toString": {"$toDecimal": number}}, "E"]}
    mantissa = {"$arrayElemAt": [parts, 0]}
    trimmed = {
        "$cond": [
            {"$gte": [{"$indexOfBytes": [mantissa, "."]}, 0]},
            {"$rtrim": {"input": {"$rtrim": {"input": mantissa, "chars": "0"}}, "chars": "."}},
            mantissa,
        ]
    }
    exponent = {"$ifNull": [{"$concat": ["e", {"$arrayElemAt": [parts, 1]}]}, ""]}
    return {"$cond": [whole, {"$toString": {"$toLong": number}}, {"$concat": [trimmed, exponent]}]}
