"""Hostile values come back from the server byte for byte, whichever way they went in, and are never operators."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pymongo.database import Database

import sqlbulk

pytestmark = pytest.mark.server

HOSTILE = [
    "$where", "$$ROOT", "$$REMOVE", "$a.b", '{"$gt": ""}', "'; DROP TABLE t; --", "it's", 'a "quoted" word', "`ticks`",
    "back\\slash", "\\'", "''", "E'x'", "-- no comment", "/* nor this */", "# nor this", "?", ":name", "%(name)s", "@v",
    "line\nbreak\r\n\ttab", "\u202eright to left", "\u0000", "a\u0000b", "\ue000", "\ufeff", "\ud7ff\U0001f600", "é é",
    "", " ", "NULL", "DEFAULT", "x" * 5_000_000,
]
SHORT = [text for text in HOSTILE if len(text) < 100]


@pytest.fixture(scope="module")
def session(server_uri: str, module_database: str) -> Any:
    with sqlbulk.connect(server_uri, database=module_database) as session:
        yield session


@pytest.fixture
def connected(server_uri: str, database: Database[Any]) -> Any:
    with sqlbulk.connect(server_uri, database=database.name) as session:
        yield session


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_as_literals(connected: Any, database: Database[Any]) -> None:
    texts = [t for t in HOSTILE if "\0" not in t]
    rows = ", ".join(f"({n}, {quoted(t)}, JSON_OBJECT('k', {quoted(t)}), JSON_ARRAY({quoted(t)}))" for n, t in enumerate(texts))
    connected.execute(f"INSERT INTO t (_id, a, b, c) VALUES {rows}")
    assert [(d["a"], d["b"], d["c"]) for d in database.t.find().sort("_id")] == [(t, {"k": t}, [t]) for t in texts]


def test_as_parameters_and_rows(connected: Any, database: Database[Any]) -> None:
    connected.execute("INSERT INTO t (_id, a) ?", rows=enumerate(HOSTILE))
    connected.execute("INSERT INTO u (a, b) VALUES (?, CONCAT(:p, ''))" .replace("?", ":q"), {"p": "$x", "q": "$$ROOT"})
    assert [d["a"] for d in database.t.find().sort("_id")] == HOSTILE
    assert database.u.find_one({}, {"_id": 0}) == {"a": "$$ROOT", "b": "$x"}


@pytest.mark.parametrize("value", [{"$gt": ""}, {"a.b": 1}, {"": 1}, ["$x", {"$set": {"a": 1}}], "$$new", "$a"])
def test_as_keys_and_updates(connected: Any, database: Database[Any], value: Any) -> None:
    """An operator in a row is a value: as a key of a conflict, as what is assigned, and as what is compared."""
    database.t.insert_many([{"_id": 1, "k": "other", "v": 0}, {"_id": 2, "k": "another", "v": 0}])
    for number in (1, 2):
        connected.execute(
            "INSERT INTO t (k, v) ? ON CONFLICT (k) DO UPDATE SET v = EXCLUDED.v, n = COALESCE(n, 1) + 1",
            rows=[(value, {"n": number, "w": value})])
    stored = list(database.t.find({"_id": {"$nin": [1, 2]}}, {"_id": 0}))
    assert stored == [{"k": value, "v": {"n": 2, "w": value}, "n": 2}]
    assert database.t.count_documents({"v": 0}) == 2


def test_as_names(connected: Any, database: Database[Any]) -> None:
    connected.execute('INSERT INTO t ("a.b", "c d", "é.$x", `back``tick`) VALUES (1, 2, 3, 4)')
    assert database.t.find_one({}, {"_id": 0}) == {"a.b": 1, "c d": 2, "é.$x": 3, "back`tick": 4}
    with pytest.raises(sqlbulk.SqlError, match="E2011"):
        connected.execute('INSERT INTO t ("$a") VALUES (1)')


def test_from_files(connected: Any, database: Database[Any], tmp_path: Path) -> None:
    texts = [t for t in HOSTILE if "\0" not in t and t not in {"", "NULL"}]
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["n", "a"], *enumerate(texts)])
    with (tmp_path / "t.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"n": n, "a": t}, ensure_ascii=n % 2 == 0) + "\n" for n, t in enumerate(HOSTILE))
    connected.execute(f"INSERT INTO c FROM {quoted(str(tmp_path / 't.csv'))} COLUMNS (n INT, a TEXT)")
    connected.execute(f"INSERT INTO j FROM {quoted(str(tmp_path / 't.jsonl'))}")
    assert [d["a"] for d in database.c.find().sort("n")] == texts
    assert [d["a"] for d in database.j.find().sort("n")] == HOSTILE


def test_lone_surrogates_are_refused_one_by_one(connected: Any, database: Database[Any]) -> None:
    result = connected.execute(
        "INSERT INTO t (a) ? WITH (continue_on_error = true)", rows=[("good",), ("\ud800",), ({"k": "\udfff"},), ("fine",)])
    assert (result.summary.inserted, result.summary.rejected) == (2, 2)
    assert {e.code for e in result.summary.errors} == {"E4010"}
    assert sorted(d["a"] for d in database.t.find()) == ["fine", "good"]


texts = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = some.recursive(
    texts | some.sampled_from(SHORT).filter(lambda t: "\0" not in t) | some.integers(-(2**63), 2**63 - 1) | some.booleans()
    | some.none(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3), max_leaves=6)


def literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value)
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return f"JSON_ARRAY({', '.join(map(literal, value))})"
        case _:
            return f"JSON_OBJECT({', '.join(f'{quoted(k)}, {literal(v)}' for k, v in value.items())})"


@given(some.lists(values, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_written_as_sql_comes_back(session: Any, given_values: list[Any]) -> None:
    collection = session.connection().client[session.database]["any"]
    collection.delete_many({})
    session.execute("INSERT INTO any (_id, v) VALUES " + ", ".join(f"({n}, {literal(v)})" for n, v in enumerate(given_values)))
    session.execute("INSERT INTO any (_id, v) ?", rows=[(n + 100, v) for n, v in enumerate(given_values)])
    stored = [d["v"] for d in collection.find().sort("_id")]
    assert stored == given_values * 2
