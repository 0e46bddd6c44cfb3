"""Options: every kind of value, the right and the wrong ones, names and aliases."""

from __future__ import annotations

from typing import Any

import pytest

from sqlbulk.option_kinds import ErrorLimit, IndexSpec, PartitionBy, RateLimit, Reference, SortKey
from sqlbulk.options import OptionProblem, WriteOptions, find_setting, merge, parse_option, settings

GOOD: list[tuple[str, object, Any]] = [
    ("batch_size", 10, 10),
    ("batch_size", "10", 10),
    ("batch_size", 10.0, 10),
    ("BATCH_SIZE", 10, 10),
    ("ordered", True, True),
    ("ordered", "off", False),
    ("ordered", 1, True),
    ("write_concern", "majority", {"w": "majority"}),
    ("write_concern", 2, {"w": 2}),
    ("write_concern", "2", {"w": 2}),
    ("write_concern", {"w": "majority", "j": True, "wtimeout": 500}, {"w": "majority", "j": True, "wtimeout": 500}),
    ("write_concern", '{"w": 1}', {"w": 1}),
    ("max_errors", 5, ErrorLimit(count=5)),
    ("max_errors", 0, ErrorLimit(count=0)),
    ("max_errors", "5%", ErrorLimit(ratio=0.05)),
    ("match_fields", ["a", "b.c"], ("a", "b.c")),
    ("match_fields", "a, b", ("a", "b")),
    ("max_execution_time", 300, 300.0),
    ("max_execution_time", "5 minutes", 300.0),
    ("max_execution_time", "250 ms", 0.25),
    ("max_execution_time", "2h", 7200.0),
    ("max_execution_time", "7", 7.0),
    ("retry_attempts", 0, 0),
    ("memory_limit", "1GB", 1024**3),
    ("memory_limit", 1000, 1000),
    ("memory_limit", "1.5 KiB", 1536),
    ("sort_by", "a, b DESC", (SortKey("a"), SortKey("b", descending=True))),
    ("sort_by", ["a asc"], (SortKey("a"),)),
    ("rate_limit", 1000, RateLimit(rows=1000)),
    ("rate_limit", "1000 rows/s", RateLimit(rows=1000)),
    ("rate_limit", "10MB/second", RateLimit(bytes=10 * 1024**2)),
    ("add_metadata", True, "_metadata"),
    ("add_metadata", "false", None),
    ("add_metadata", "loaded", "loaded"),
    ("ensure_indexes", ["a, b DESC UNIQUE", "c sparse"], (
        IndexSpec((("a", 1), ("b", -1)), unique=True), IndexSpec((("c", 1),), sparse=True))),
    ("ensure_indexes", "a", (IndexSpec((("a", 1),)),)),
    ("comment", "nightly", "nightly"),
    ("unknown_options", "WARN", "warn"),
    ("time_zone", " Europe/Sofia ", "Europe/Sofia"),
    ("time_zone", "-05:30", "-05:30"),
    ("partition_by", "DATE_TRUNC(month, a.ts)", PartitionBy("month", "a.ts")),
    ("partition_by", " date_trunc ( 'DAY' , ts ) ", PartitionBy("day", "ts")),
    ("retention_period", "2 years", 2 * 365 * 86_400),
    ("retention_period", "6 months", 180 * 86_400),
    ("retention_period", 60, 60),
    ("references", "u.a -> b, v.c.d->e.f", (Reference("u", "a", "b"), Reference("v", "c.d", "e.f"))),
    ("references", ["u.a -> b"], (Reference("u", "a", "b"),)),
    ("delay", "50 ms", 0.05),
    ("confirm_deletion_count", 0, 0),
    ("compression", "ZSTD", "zstd"),
]


@pytest.mark.parametrize(("name", "written", "meant"), GOOD)
def test_value(name: str, written: object, meant: object) -> None:
    assert parse_option(name, written) == (name.lower(), meant)


BAD: list[tuple[str, object, str]] = [
    ("batch_size", 0, "must be 1 or more"),
    ("batch_size", 2**40, "too large"),
    ("batch_size", "many", "not a whole number"),
    ("batch_size", True, "not a whole number"),
    ("batch_size", 1.5, "not a whole number"),
    ("ordered", "perhaps", "not true or false"),
    ("comment", 1, "not a text"),
    ("partition_by", "month", "not DATE_TRUNC"),
    ("partition_by", "DATE_TRUNC(month, a..b)", "not DATE_TRUNC"),
    ("partition_by", "DATE_TRUNC(second, a)", "the unit must be year"),
    ("retention_period", "100 years", "between a second and 68 years"),
    ("retention_period", "soon", "not a time"),
    ("references", 5, "not a list of references"),
    ("references", [], "not a list of references"),
    ("references", "a -> b", "'a -> b' is not collection.field -> field"),
    ("references", [5], "5 is not"),
    ("compression", "gzip", "must be zstd"),
    ("write_concern", 0, "would leave nothing known"),
    ("write_concern", -1, "isn't negative"),
    ("archive_collection", "", "not a name"),
    ("archive_collection", "a\0", "not a name"),
    ("max_execution_time", "25 days", "at most 24 days"),
    ("max_execution_time", 1e308, "at most 68 years"),
    ("ensure_indexes", "a\0b", "NUL"),
    ("write_concern", {"w": -2}, "isn't negative"),
    ("write_concern", True, "neither a name, a number nor"),
    ("write_concern", "{", "not JSON"),
    ("write_concern", {}, "empty"),
    ("write_concern", {"x": 1}, "unknown part x"),
    ("write_concern", {"w": ""}, "w is a number of members or a name"),
    ("write_concern", {"w": 1, "j": 1}, "j is true or false"),
    ("write_concern", {"w": 1, "wtimeout": -1}, "must be 0 or more"),
    ("max_errors", "x%", "not a percentage"),
    ("max_errors", "101%", "between 0% and 100%"),
    ("max_errors", -1, "must be 0 or more"),
    ("match_fields", 1, "not a list of names"),
    ("match_fields", [1], "not a list of names"),
    ("match_fields", "a,,b", "an empty name"),
    ("match_fields", [], "an empty name"),
    ("match_fields", "a, a", "a name is given twice"),
    ("max_execution_time", "soon", "not a time"),
    ("max_execution_time", "5 parsecs", "not a time"),
    ("max_execution_time", 0, "must be more than 0"),
    ("memory_limit", "1 elephant", "not a size"),
    ("rate_limit", True, "not a rate"),
    ("sort_by", "a b c", "is not a field with ASC or DESC"),
    ("add_metadata", "a.b", "not the name of a top-level field"),
    ("add_metadata", "$a", "not the name of a top-level field"),
    ("ensure_indexes", 1, "not a list of indexes"),
    ("ensure_indexes", [], "not a list of indexes"),
    ("time_zone", 1, "not a text"),
    ("time_zone", "Mars/Base", "there is no time zone"),
    ("time_zone", "../etc", "there is no time zone"),
    ("unknown_options", "ignore", "must be error or warn"),
]


@pytest.mark.parametrize(("name", "written", "reason"), BAD)
def test_bad_value(name: str, written: object, reason: str) -> None:
    with pytest.raises(OptionProblem) as caught:
        parse_option(name, written)
    assert caught.value.code == "E2007"
    assert reason in caught.value.message
    assert caught.value.hint and caught.value.hint.startswith(f"{name} takes ")


def test_aliases_and_units() -> None:
    assert parse_option("max_time_ms", 1500) == ("max_execution_time", 1.5)
    assert parse_option("max_time_ms", "1500") == ("max_execution_time", 1.5)
    assert parse_option("max_time_ms", "2 s") == ("max_execution_time", 2.0)
    assert parse_option("parallel_batches", 3) == ("parallel_workers", 3)
    names = [n for s in settings().values() for n in (s.name, *s.aliases)]
    assert len(names) == len(set(names))


def test_unknown_names() -> None:
    with pytest.raises(OptionProblem, match="there is no option batchsize") as caught:
        find_setting("batchsize")
    assert caught.value.hint == "did you mean batch_size?"
    with pytest.raises(OptionProblem) as caught:
        find_setting("zzzzzz")
    assert caught.value.hint == "SHOW OPTIONS lists them all"
    with pytest.raises(OptionProblem, match="DELETE has no option upsert_mode"):
        find_setting("upsert_mode", "DELETE")
    assert find_setting("upsert_mode", "INSERT").name == "upsert_mode"


def test_merging() -> None:
    options = merge(WriteOptions(), [("max_errors", ErrorLimit(count=3)), ("batch_size", 7)])
    assert (options.continue_on_error, options.batch_size) == (True, 7)
    assert not merge(WriteOptions(), [("max_errors", ErrorLimit(count=3)), ("continue_on_error", False)]).continue_on_error


def test_error_limits() -> None:
    assert ErrorLimit(count=2).exceeded(3, 3)
    assert not ErrorLimit(count=2).exceeded(2, 2)
    assert not ErrorLimit(ratio=0.1).exceeded(50, 100)
    assert ErrorLimit(ratio=0.1).exceeded(50, 100, sample=0)
    assert ErrorLimit(ratio=0.1).exceeded(200, 1000)
    assert not ErrorLimit().exceeded(1000, 1000)


def test_every_option_has_a_help_that_is_a_sentence() -> None:
    for setting in settings().values():
        assert setting.help[0].isupper() and setting.help.rstrip().endswith((".", "'.", "].", ")."))
