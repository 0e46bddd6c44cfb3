"""Stages that make documents, put together where that means the same."""

from __future__ import annotations

from typing import Any

import pytest

from sqlbulk.plan.documents import fields_set, made_at_once


def taken(field: str) -> dict[str, Any]:
    """A field as the documents of INSERT take it."""
    return {"$ifNull": [field, None]}


@pytest.mark.parametrize("before, document, together", [
    ({"$project": {"_id": 0, "x": "$a"}}, {"k": taken("$x")}, {"k": taken("$a")}),
    ({"$replaceWith": {"x": 5}}, {"k": {"n": taken("$x")}}, {"k": {"n": 5}}),
    ({"$replaceWith": {"x": taken("$a")}}, {"k": taken("$x")}, {"k": taken("$a")}),
    ({"$replaceWith": {"x": {"y": "$a"}}}, {"k": taken("$x")}, {"k": {"y": "$a"}}),
    ({"$replaceWith": {"x": [1]}}, {"k": taken("$x")}, {"k": taken([1])}),
    ({"$replaceWith": {"x": 1}}, {"k": {"$literal": {}}}, {"k": {"$literal": {}}}),
    ({"$project": {"_id": 0, "x": "$a"}}, {"$setField": {"field": "p.q", "input": {"$literal": {}}, "value": taken("$x")}},
     {"$setField": {"field": "p.q", "input": {"$literal": {}}, "value": taken("$a")}}),
])
def test_a_stage_is_taken_in(before: Any, document: Any, together: Any) -> None:
    assert made_at_once([{"$limit": 1}, before, {"$replaceWith": document}]) == ({"$limit": 1}, {"$replaceWith": together})


@pytest.mark.parametrize("stages", [
    [{"$replaceWith": {"k": 1}}],
    [{"$project": {"_id": 0, "x": 1}}, {"$replaceWith": {"k": taken("$x")}}],
    [{"$project": {"x": "$a"}}, {"$replaceWith": {"k": taken("$x")}}],
    [{"$replaceWith": "$a"}, {"$replaceWith": {"k": taken("$x")}}],
    [{"$project": {"_id": 0, "x": "$a"}}, {"$replaceWith": {"k": taken("$x.y")}}],
    [{"$project": {"_id": 0, "x": "$a"}}, {"$replaceWith": {"$mergeObjects": ["$$ROOT", {"k": 1}]}}],
    [{"$project": {"_id": 0, "x": "$a"}}, {"$limit": 1}],
])
def test_stages_that_stay(stages: list[Any]) -> None:
    assert made_at_once(stages) == tuple(stages)


ADDED = {"s": {"$size": "$s"}}


@pytest.mark.parametrize("made, together", [
    ({"x": "$s", "y": "$g"}, {"k": taken({"$size": "$s"})}),
    ({"x": {"$let": {"vars": {"v": {"$literal": "$s"}}, "in": ["$s", 1]}}},
     {"k": taken({"$let": {"vars": {"v": {"$literal": "$s"}}, "in": [{"$size": "$s"}, 1]}})}),
])
def test_added_fields_are_worked_out_where_they_are_used(made: Any, together: Any) -> None:
    stages = [{"$group": {"_id": "$g"}}, {"$addFields": ADDED}, {"$replaceWith": made}, {"$replaceWith": {"k": taken("$x")}}]
    assert made_at_once(stages) == ({"$group": {"_id": "$g"}}, {"$replaceWith": together})


@pytest.mark.parametrize("value", [{"$add": ["$s", "$s"]}, "$s.n", "$$ROOT"])
def test_added_fields_that_are_used_otherwise_stay(value: Any) -> None:
    stages = [{"$addFields": ADDED}, {"$replaceWith": {"x": value}}, {"$replaceWith": {"k": taken("$x")}}]
    assert made_at_once(stages) == ({"$addFields": ADDED}, {"$replaceWith": {"k": taken(value)}})


def test_an_added_array_is_one_argument() -> None:
    stages = [{"$addFields": {"s": ["$a", "$b"]}}, {"$replaceWith": {"x": {"$size": "$s"}}}, {"$replaceWith": {"k": taken("$x")}}]
    assert made_at_once(stages) == ({"$replaceWith": {"k": taken({"$size": [["$a", "$b"]]})}},)


def test_added_fields_that_are_made_of_each_other_stay() -> None:
    added = {"s": {"$add": ["$s", "$t"]}, "t": {"$add": ["$t", 1]}}
    stages = [{"$addFields": added}, {"$replaceWith": {"x": "$s", "y": "$t"}}, {"$replaceWith": {"k": taken("$x"), "l": taken("$y")}}]
    assert made_at_once(stages) == ({"$addFields": added}, {"$replaceWith": {"k": taken("$s"), "l": taken("$t")}})


def test_what_only_sets_fields() -> None:
    assert fields_set({"$mergeObjects": ["$$ROOT", {"a": "$b"}]}) == {"$set": {"a": "$b"}}
    for document in ({"$mergeObjects": ["$$ROOT", {"a": {"b": 1}}]}, {"$mergeObjects": ["$a", {"a": "$b"}]}, "$$new"):
        assert fields_set(document) == {"$replaceWith": document}
