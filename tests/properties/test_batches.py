"""Batches put together again are the rows; each keeps its limits; none is cut without need; keys keep their lane."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from sqlbulk.execute.batches import Batch, Batcher, Limits, Partition, lane_of
from sqlbulk.execute.encode import Encoded, Origin
from sqlbulk.rowdata import Chunk

ORIGIN = Origin(Chunk([], []).locate, Chunk([], []).excerpt)

chunks = st.lists(st.lists(st.integers(1, 30), max_size=12), max_size=8)
limits = st.builds(Limits, rows=st.integers(1, 7), bytes=st.integers(1, 60), overhead=st.integers(0, 5))


def encoded(sizes: list[list[int]], keys: bool = False) -> list[Encoded]:
    parts, ordinal = [], 0
    for chunk in sizes:
        part = Encoded()
        for index, size in enumerate(chunk):
            ordinal += 1
            part.extend(Encoded([b"x" * size], [ordinal], [ORIGIN], [index], [(size,)] if keys else []))
        parts.append(part)
    return parts


def collected(batcher: Batcher | Partition, parts: list[Encoded]) -> list[Batch]:
    return [*(batch for part in parts for batch in batcher.add(part)), *batcher.flush()]


@given(chunks, limits)
def test_batches_are_the_rows_within_limits_and_not_smaller_than_need_be(sizes: list[list[int]], limit: Limits) -> None:
    parts = encoded(sizes)
    batches = collected(Batcher(limit), parts)
    assert [o for batch in batches for o in batch.rows.ordinals] == [o for part in parts for o in part.ordinals]
    assert [d for batch in batches for d in batch.rows.documents] == [d for part in parts for d in part.documents]
    assert [i for batch in batches for i in batch.rows.indexes] == [i for part in parts for i in part.indexes]
    for batch in batches:
        assert batch.size == sum(len(document) + limit.overhead for document in batch.rows.documents)
        assert 0 < len(batch.rows) <= limit.rows
        assert batch.size <= limit.bytes or len(batch.rows) == 1
    for batch, following in pairwise(batches):
        full = len(batch.rows) == limit.rows
        assert full or batch.size + len(following.rows.documents[0]) + limit.overhead > limit.bytes


@given(chunks, limits, st.integers(1, 4))
def test_rows_of_a_key_stay_in_their_lane_and_in_order(sizes: list[list[int]], limit: Limits, lanes: int) -> None:
    parts = encoded(sizes, keys=True)
    batches = collected(Partition(limit, lanes), parts)
    assert sorted(o for batch in batches for o in batch.rows.ordinals) == [o for part in parts for o in part.ordinals]
    seen: dict[Any, tuple[int, list[int]]] = {}
    for batch in batches:
        for key, ordinal in zip(batch.rows.keys, batch.rows.ordinals, strict=True):
            lane, ordinals = seen.setdefault(key, (batch.lane, []))
            assert lane == batch.lane
            ordinals.append(ordinal)
    assert all(ordinals == sorted(ordinals) for _, ordinals in seen.values())


values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5),
    st.binary(max_size=5), st.datetimes(), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), st.decimals(allow_nan=True, places=2),
    st.builds(ObjectId, st.binary(min_size=12, max_size=12)))


@given(values, st.integers(1, 8))
def test_every_value_has_a_lane(value: Any, lanes: int) -> None:
    assert 0 <= lane_of((value, 1), lanes) < lanes
    assert lane_of((value,), lanes) == lane_of((value,), lanes)


@given(st.integers(-(2**53), 2**53), st.integers(2, 9))
def test_equal_numbers_have_one_lane(number: int, lanes: int) -> None:
    kinds = [number, float(number), Decimal(number), Decimal128(str(number)), Decimal(f"{number}.0")]
    assert len({lane_of((kind,), lanes) for kind in kinds}) == 1


def test_batches_are_cut_by_rows_and_by_bytes() -> None:
    def sizes(limit: Limits, *chunks: list[int]) -> list[list[int]]:
        return [[len(d) for d in batch.rows.documents] for batch in collected(Batcher(limit), encoded(list(chunks)))]

    assert sizes(Limits(2), [5, 5, 5], [5]) == [[5, 5], [5, 5]]
    assert sizes(Limits(9, bytes=10), [4, 4, 4], [11, 3]) == [[4, 4], [4], [11], [3]]
    assert sizes(Limits(9, bytes=10, overhead=2), [4, 4]) == [[4], [4]]
    assert sizes(Limits(9, bytes=10), [11], [12]) == [[11], [12]]
    assert sizes(Limits(9), []) == []


def test_lanes_keep_their_rows() -> None:
    parts = encoded([[1, 2, 1], [2], []], keys=True)
    one = collected(Partition(Limits(2), 1), parts)
    assert [(batch.lane, batch.rows.ordinals) for batch in one] == [(0, [1, 2]), (0, [3, 4])]
    more = collected(Partition(Limits(9), 64), parts)
    assert {batch.lane: batch.rows.ordinals for batch in more} == {lane_of((1,), 64): [1, 3], lane_of((2,), 64): [2, 4]}


def test_what_is_no_number_and_no_text_shares_a_lane() -> None:
    assert lane_of((None,), 9) == lane_of(([1],), 9) == lane_of((b"x",), 9)
    assert {lane_of((flag,), 1000) for flag in (True, False)}.isdisjoint({lane_of((1,), 1000), lane_of((0,), 1000)})


def test_odd_numbers_have_a_lane() -> None:
    for odd in ("NaN", "-NaN", "sNaN", "Infinity", "-Infinity"):
        assert 0 <= lane_of((Decimal(odd),), 4) < 4
        assert 0 <= lane_of((Decimal128(odd),), 4) < 4
    assert 0 <= lane_of((float("nan"),), 4) < 4
