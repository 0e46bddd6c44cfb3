"""What unique indexes cover, and filters that leave NULLs out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import decode, encode
from bson.codec_options import CodecOptions, DatetimeConversion

from sqlbulk.uniqueness import LOWEST, NOT_NULL_TYPES, Cover, cover_of, not_null_filter, type_tests

CLIENT: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
TYPED = {"$type": list(NOT_NULL_TYPES)}


@pytest.mark.parametrize("names", [["a"], ["a", "b.c"]])
@pytest.mark.parametrize("alternatives", [True, False])
def test_our_own_filters_are_known_again(names: list[str], alternatives: bool) -> None:
    made = not_null_filter(names, alternatives=alternatives)
    listed = decode(encode(made), CLIENT)
    assert cover_of(names, listed) is Cover.NOT_NULL
    assert cover_of(["z"], listed) is Cover.PART
    assert type_tests(listed) == ({} if alternatives else dict.fromkeys(names, TYPED))


@pytest.mark.parametrize(("partial", "cover"), [
    (None, Cover.ALL),
    ({}, Cover.ALL),
    ({"a": {"$exists": True}}, Cover.NOT_NULL),
    ({"a": {"$exists": False}}, Cover.PART),
    ({"a": TYPED, "b": {"$gte": ""}}, Cover.ONE_TYPE),
    ({"a": {"$gte": datetime(1, 1, 1, tzinfo=UTC)}}, Cover.ONE_TYPE),
    ({"a": {"$gte": 5}}, Cover.PART),
    ({"a": {"$gte": "", "$lt": "m"}}, Cover.PART),
    ({"a": {"$type": "string"}}, Cover.PART),
    ({"a": {"$type": ["string", "int"]}}, Cover.PART),
    ({"on": {"$exists": True}}, Cover.PART),
    ({"a": True}, Cover.PART),
    ({"$or": [{"a": {"$exists": True}}, {"b": {"$exists": True}}]}, Cover.NOT_NULL),
    ({"$or": [{"a": {"$gte": ""}}, {"b": 1, "a": 1}]}, Cover.PART),
])
def test_what_an_index_covers(partial: Any, cover: Cover) -> None:
    assert cover_of(["a", "b"], partial) is cover


def test_only_types_have_to_be_asked_for() -> None:
    assert type_tests(None) == {}
    assert type_tests({"$and": [{"a": TYPED}, {"b": {"$gte": ""}}], "c": 1}) == {"a": TYPED}


def test_clients_can_read_the_lowest_values() -> None:
    for _, lowest in LOWEST:
        assert decode(encode({"": lowest}), CodecOptions(tz_aware=True))
