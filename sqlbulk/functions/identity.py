"""Identifiers and constants of the session: UUIDs, ObjectIds, the server's and sqlbulk's own names."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from bson.binary import Binary
from bson.objectid import ObjectId

from sqlbulk.functions.cast import fold_moment, fold_objectid, fold_uuid
from sqlbulk.functions.entries import entry, text
from sqlbulk.functions.registry import Context, Function, FunctionProblem, Parameter
from sqlbulk.types import Type


def _objectid(digits: Any) -> Any:
    return {"$convert": {"input": digits, "to": "objectId", "onError": None, "onNull": None}}


def _new_objectid(*, context: Context) -> Any:
    """The statement's second, and 16 random digits."""
    digit = {"$substrBytes": ["0123456789abcdef", {"$toInt": {"$floor": {"$multiply": [{"$rand": {}}, 16]}}}, 1]}
    seconds = f"{max(int(context.now.timestamp()), 0) % 2**32:08x}"
    return {"$toObjectId": {"$concat": [seconds, *[digit] * 16]}}


def _no_uuid() -> Any:
    raise FunctionProblem("E3001", "the server can't make UUIDs; GENERATE_UUID() works in VALUES and in LOAD DATA",
                          hint="leave _id out, or use NEW_OBJECTID()")


def _new_uuid() -> Binary:
    return Binary.from_uuid(uuid4())


_HEX = (text("digits"),)

ENTRIES: tuple[Function, ...] = (
    entry("OBJECTID", "The ObjectId of 24 hexadecimal digits; NULL if it isn't one.",
          "OBJECTID('0123456789abcdef01234567') = OBJECTID '0123456789abcdef01234567'", _HEX, _objectid, fold_objectid,
          returns=Type.OBJECTID, aliases=("TO_OBJECTID",)),
    entry("NEW_OBJECTID", "A new ObjectId.", "NEW_OBJECTID() IS NOT NULL", (), _new_objectid,
          lambda context: ObjectId(), returns=Type.OBJECTID, nullable=False, volatile=True, contextual=True,
          aliases=("GENERATE_OBJECTID",)),
    entry("OBJECTID_DATE", "When an ObjectId was made.",
          "OBJECTID_DATE(OBJECTID '000000000123456789abcdef') = DATE '1970-01-01'",
          (Parameter("id", Type.OBJECTID),), lambda i: {"$toDate": i}, fold_moment, returns=Type.DATE, nullable=False),
    entry("UUID", "The UUID of a constant text.",
          "UUID('00112233-4455-6677-8899-aabbccddeeff') = UUID '00112233-4455-6677-8899-aabbccddeeff'",
          (text("digits", constant=True),), fold_uuid, fold_uuid, returns=Type.UUID),
    entry("GENERATE_UUID", "A new random UUID.", "GENERATE_UUID() IS NOT NULL", (), _no_uuid, _new_uuid,
          returns=Type.UUID, nullable=False, volatile=True,
          aliases=("GEN_RANDOM_UUID", "UUID", "UUID_GENERATE_V4", "NEWID")),
    entry("VERSION", "The name of this program.", "VERSION() = 'sqlbulk'", (), lambda: "sqlbulk", lambda: "sqlbulk",
          returns=Type.STRING, nullable=False),
)
