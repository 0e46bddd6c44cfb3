"""Rows into BSON: ids, sizes, values of every kind, and what can't be encoded."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from sqlbulk.commands import Shape
from sqlbulk.execute.documents import compile_shape
from sqlbulk.execute.encode import OPTIONS, Encoded, Encoder, Ids, decoded, without_id
from sqlbulk.rowdata import Chunk, Location
from sqlbulk.types import MISSING, Interval


def encoder(shape: Shape | None = None, **more: Any) -> Encoder:
    return Encoder(compile_shape(shape or Shape(None), None), more.pop("ids", Ids()), **more)


def encode(*rows: Any, **more: Any) -> tuple[Encoded, list[Any]]:
    chunk = Chunk(rows, range(1, len(rows) + 1), locate=lambda i: Location("f", i + 1), excerpt=lambda i: f"text {i}")
    return encoder(**more).encode(chunk)


def one(row: Any, **more: Any) -> dict[str, Any]:
    rows, errors = encode(row, **more)
    assert not errors, errors
    return bson.decode(rows.documents[0], OPTIONS)


def test_an_id_is_made_and_stands_in_front() -> None:
    ids = Ids()
    rows, _ = encode({"a": 1}, {"a": 2, "_id": 7}, {"_id": None}, ids=ids)
    first, second, third = [bson.decode(document) for document in rows.documents]
    assert list(first) == ["_id", "a"]
    assert first["_id"] == ObjectId(ids.of(1))
    assert list(second.items()) == [("_id", 7), ("a", 2)]
    assert third == {"_id": None}
    assert [ids.made(d, o) for d, o in zip(rows.documents, rows.ordinals, strict=True)] == [True, False, False]
    assert bson.decode(without_id(rows.documents[0])) == {"a": 1}


def test_ids_grow_and_can_be_found_again() -> None:
    ids = Ids(1_700_000_000.0, 41)
    assert ids.of(1) == bytes.fromhex("6553f100000000000000002a")
    assert Ids(1_700_000_000.5, 41).of(1) == bytes.fromhex("6553f1007a1200000000002a")
    assert Ids(1_700_000_000.5, 41).of(1) > ids.of(10**9)
    assert ids.of(1) < ids.of(2) < ids.of(10**9)
    assert Ids().of(1) != Ids().of(1)


def test_values_that_callers_hand_in() -> None:
    key = uuid.uuid4()
    row = {
        "decimal": Decimal("1.50"), "date": date(2024, 2, 29), "naive": datetime(2024, 1, 1), "uuid": key,
        "tuple": (1, Decimal("2")), "interval": Interval(0, 1500), "bytes": b"\0", "nul": "a\0b", "hostile": "$where",
        "inside": {"$gt": "", "": 1},
    }
    stored = one({**row, "_id": 1})
    assert stored["decimal"] == Decimal128("1.50")
    assert stored["uuid"] in (key, Binary.from_uuid(key))
    assert stored["tuple"] == [1, Decimal128("2")]
    assert stored["interval"] == 1500
    assert stored["inside"] == {"$gt": "", "": 1}
    assert (stored["nul"], stored["date"]) == ("a\0b", datetime(2024, 2, 29, tzinfo=UTC))


def test_missing_values_are_left_out() -> None:
    assert one({"_id": 1, "a": MISSING, "b": {"c": MISSING}}) == {"_id": 1}
    assert list(one({"_id": MISSING, "a": 1})) == ["_id", "a"]


def endless() -> dict[str, Any]:
    document: dict[str, Any] = {}
    document["self"] = document
    return document


@pytest.mark.parametrize(("value", "code", "words"), [
    (2**63, "E4010", "64 bits"), ("\ud800", "E4010", "lone surrogate"), (object(), "E4010", "of type object"),
    ({1, 2}, "E4010", "of type set"), (Interval(1, 0), "E4010", "months"), ([MISSING], "E4010", "DEFAULT"),
    ({"a\0": 1}, "E4005", "NUL"), ({1: 1}, "E4005", "not text"), (Decimal("1e9999"), "E4010", "of type Decimal"),
    ([object()], "E4010", "has no BSON form"), (endless(), "E4010", "nested too deeply"),
])
def test_values_without_a_form(value: Any, code: str, words: str) -> None:
    rows, (error,) = encode({"fine": 1, "bad": value}, {"fine": 2})
    assert len(rows) == 1
    assert rows.ordinals == [2]
    assert (error.code, error.row, error.column, str(error.location), error.text) == (code, 1, "bad", "f:1", "text 0")
    assert words in error.message


def test_documents_over_the_limit() -> None:
    size = len(bson.encode({"_id": ObjectId(), "s": ""}))
    rows, (error,) = encode({"s": "x" * 10}, {"s": "x" * 11}, max_size=size + 10)
    assert rows.ordinals == [1]
    assert (error.code, error.row) == ("E4004", 2)


def test_keys_are_the_values_of_the_key_fields() -> None:
    rows, _ = encode({"a": 1, "b": {"c": [2]}}, {"a": None}, key=(("a",), ("b", "c")))
    assert rows.keys == [(1, [2]), (None, MISSING)]


def test_metadata() -> None:
    def describe(chunk: Chunk, index: int) -> Any:
        return str(chunk.locate(index))

    rows, (error,) = encode({"a": 1}, {"m": 1}, metadata="m", describe=describe)
    assert bson.decode(rows.documents[0])["m"] == "f:1"
    assert (error.code, error.column) == ("E4005", "m")


def test_selections_keep_rows_together() -> None:
    rows, _ = encode(*({"a": i} for i in range(5)), key=(("a",),))
    some = rows.select([3, 1])
    assert (some.ordinals, some.indexes, some.keys) == ([4, 2], [3, 1], [(3,), (1,)])
    assert some.documents == [rows.documents[3], rows.documents[1]]
    assert rows.slice(1, 3).ordinals == [2, 3]
    assert encode({"a": 1})[0].select([0]).keys == []


def test_decoded_gives_none_for_what_python_cannot_hold() -> None:
    assert decoded(bson.encode({"a": 1})) == {"a": 1}
    assert decoded(b"\x05\0\0\0") is None


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=4), inner, max_size=3),
    max_leaves=12)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), plain, max_size=5))
def test_documents_come_back_as_they_were(document: dict[str, Any]) -> None:
    stored = one(document)
    del stored["_id"]
    assert stored == document
    assert list(stored) == list(document)
