"""Every option of a statement, once: type, default, help, other names, and the statements that take it.

`WITH BULK_OPTIONS (…)`, `SET`, `--set`, keyword arguments and docs/options.md are all read from the fields
of `WriteOptions`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from sqlbulk import option_kinds as kinds
from sqlbulk import reading_kinds as reading
from sqlbulk.option_kinds import ErrorLimit, IndexSpec, Kind, PartitionBy, RateLimit, Reference, SortKey

WRITES = frozenset({"INSERT", "UPSERT", "REPLACE", "LOAD DATA", "UPDATE", "DELETE", "MERGE", "MOVE"})
QUERIES = frozenset({"SELECT"})
ROWS = frozenset({"INSERT", "UPSERT", "REPLACE", "LOAD DATA"})
KEYED = frozenset({"INSERT", "UPSERT"})
STORED = frozenset({"UPDATE", "DELETE", "MOVE"})
REMOVES = frozenset({"DELETE", "MOVE"})
DELETES = frozenset({"DELETE"})


def _option(
    default: Any, kind: Kind, help: str, *, aliases: tuple[str, ...] = (), statements: frozenset[str] = WRITES
) -> Any:
    return field(default=default, metadata={"kind": kind, "help": help, "aliases": aliases, "in": statements})


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a bulk statement runs. Durations are seconds, sizes are bytes."""

    batch_size: int = _option(
        5_000, kinds.COUNT, "How many rows are sent in one command; a batch is cut earlier at 16 MB. In a SELECT, how"
        " many the server sends at a time.", aliases=("chunk_size", "bulk_size"), statements=WRITES | QUERIES)
    ordered: bool = _option(
        False, kinds.FLAG, "Write the rows in order, one batch after the other; the first error skips the rest.",
        aliases=("ordered_operations",))
    write_concern: Mapping[str, Any] | None = _option(
        None, kinds.WRITE_CONCERN, "What counts as written: 'majority', a number of members, or {w, j, wtimeout}.",
        aliases=("writeconcern", "w"))
    bypass_validation: bool = _option(
        False, kinds.FLAG, "Store documents that the collection's validator would refuse.",
        aliases=("bypass_document_validation", "validation_bypass"))
    continue_on_error: bool = _option(
        False, kinds.FLAG, "Go on when rows are refused; they are listed at the end.",
        aliases=("continue_on_errors", "ignore_errors"))
    max_errors: ErrorLimit | None = _option(
        None, kinds.ERROR_LIMIT, "Stop after so many refused rows, or so large a share of the rows: 100 or '5%'."
        " Setting it implies continue_on_error.", aliases=("error_limit", "max_error_count", "error_threshold"))
    upsert_mode: bool = _option(
        False, kinds.FLAG, "Rows whose key is stored already replace the stored fields; key: match_fields, else _id.",
        aliases=("upsert",), statements=frozenset({"INSERT"}))
    match_fields: tuple[str, ...] = _option(
        (), kinds.NAMES, "The fields that identify a row for upsert_mode and UPSERT; _id where it isn't given.",
        aliases=("match_on", "upsert_fields", "key_fields"), statements=KEYED)
    ensure_key_index: bool = _option(
        True, kinds.FLAG, "Make a unique index on the key of ON CONFLICT or match_fields when there is none.",
        statements=KEYED)
    parallel_workers: int = _option(
        2, kinds.COUNT, "How many batches are in flight at the same time; 1 when ordered.",
        aliases=("parallel_batches", "max_concurrent_batches", "concurrent_batches", "workers", "parallelism"))
    max_execution_time: float | None = _option(
        None, kinds.WAIT, "Stop the statement after this time (seconds, or '5 minutes').",
        aliases=("max_time_ms", "operation_timeout_ms", "timeout_ms", "timeout_seconds", "timeout"),
        statements=WRITES | QUERIES)
    retry_attempts: int = _option(
        3, kinds.COUNT_OR_ZERO, "How often a batch is sent again after a passing fault (network, failover, overload).",
        aliases=("max_retries", "retries", "retry_count"))
    memory_limit: int = _option(
        256 * 1024 * 1024, kinds.SIZE, "How much memory the rows on their way may take: '256MB'.",
        aliases=("max_memory",))
    sort_by: tuple[SortKey, ...] = _option(
        (), kinds.SORT, "Order the rows by these fields before they are sent: 'user_id, created_at DESC'.",
        aliases=("order_rows_by",), statements=ROWS)
    required_fields: tuple[str, ...] = _option(
        (), kinds.NAMES, "Refuse rows in which one of these fields is missing or NULL.", statements=ROWS)
    rate_limit: RateLimit | None = _option(
        None, kinds.RATE, "At most so many rows, or bytes ('10MB'), a second.",
        aliases=("max_rate", "throttle"))
    add_metadata: str | None = _option(
        None, kinds.METADATA, "Add a field with the run's id, the ingestion time and the row's source to every"
        " document: true for the name _metadata, or a name.", statements=ROWS)
    ensure_indexes: tuple[IndexSpec, ...] = _option(
        (), kinds.INDEXES, "Make these indexes first, if missing: ['user_id', 'email UNIQUE', 'a, b DESC'].",
        statements=ROWS)
    nest: bool = _option(
        True, kinds.FLAG, "Split the dots in a file's or dict's field names into nested documents.", statements=ROWS)
    comment: str | None = _option(
        None, kinds.TEXT, "A text that the server's log and profiler show with the commands.",
        statements=WRITES | QUERIES)
    progress_interval: float = _option(
        5.0, kinds.WAIT, "Seconds between two progress lines where there is no terminal.")
    time_zone: str = _option(
        "UTC", kinds.TIME_ZONE, "The zone of dates and times that are taken apart or cut: 'Europe/Berlin', '+02:00'.",
        aliases=("timezone",), statements=frozenset({"SET"}))
    max_recursion: int = _option(
        1_000, kinds.COUNT, "How many rounds WITH RECURSIVE may go before it is an error.",
        statements=frozenset({"SET"}))
    allow_full_collection: bool = _option(
        False, kinds.FLAG, "Let UPDATE, DELETE and MOVE without WHERE touch every document.",
        aliases=("allow_full_table", "allow_full_scan"), statements=STORED)
    checkpoint_interval: int | None = _option(
        None, kinds.COUNT, "At most so many documents between two points that a stopped statement has surely done:"
        " batches are no larger than that.", aliases=("checkpoint_every",), statements=STORED)
    delay: float | None = _option(
        None, kinds.WAIT, "Wait so long between two batches of a worker, to leave the server to others.",
        aliases=("delay_ms", "batch_delay", "batch_delay_ms", "delay_between_batches", "delay_between_batches_ms"),
        statements=STORED)
    parallel_deletion: bool = _option(
        True, kinds.FLAG, "Delete with several workers (parallel_workers); false: one batch after the other.",
        aliases=("parallel_delete",), statements=REMOVES)
    confirm_deletion_count: int | None = _option(
        None, kinds.COUNT_OR_ZERO, "Delete only if it is exactly so many documents; they are counted first.",
        aliases=("expected_count",), statements=REMOVES)
    max_delete_limit: int | None = _option(
        None, kinds.COUNT_OR_ZERO, "Delete nothing if it would be more documents than this; they are counted first.",
        aliases=("max_delete_count", "max_deletions", "delete_limit"), statements=REMOVES)
    archive_collection: str | None = _option(
        None, kinds.NAME, "Copy the documents into this collection, read them back, and only then delete them.",
        aliases=("archive_to", "archive_table"), statements=DELETES)
    archive_reason: str | None = _option(
        None, kinds.TEXT, "The text of the field archive_reason of archived documents.", statements=DELETES)
    partition_by: PartitionBy | None = _option(
        None, kinds.PARTITION, "Split the archive into a collection for each period of a date field:"
        " 'DATE_TRUNC(month, timestamp)' makes archive_2025_09; documents without a date go to archive_undated.",
        statements=DELETES)
    retention_period: int | None = _option(
        None, kinds.RETENTION, "How long the server keeps archived documents, from archived_at on: a TTL index.",
        aliases=("retention",), statements=DELETES)
    compression: str | None = _option(
        None, kinds.choice("zstd", "zlib", "snappy", "none"), "The block compressor of an archive collection that is"
        " made.", statements=REMOVES)
    verify_foreign_keys: bool = _option(
        False, kinds.FLAG, "Leave out documents that others still refer to; needs references.",
        aliases=("check_foreign_keys",), statements=REMOVES)
    references: tuple[Reference, ...] = _option(
        (), kinds.REFERENCES, "Which fields of other collections refer to this one: 'orders.user_id -> user_id'.",
        statements=REMOVES)
    collation: Mapping[str, Any] | None = _option(
        None, reading.COLLATION, "The language by whose rules texts are compared, sorted and grouped. Patterns and"
        " searches in texts don't go by it, and are refused beside it.", statements=QUERIES)
    case_insensitive: bool = _option(
        False, kinds.FLAG, "Compare texts without regard to case: a collation of strength 2, of English if none is"
        " given.", statements=QUERIES)
    hint: str | Mapping[str, Any] | None = _option(
        None, reading.HINT, "The index by which the query's first collection is read.", statements=QUERIES)
    allow_disk_use: bool = _option(
        True, kinds.FLAG, "Let the server sort and group on disk what doesn't fit in its memory.", statements=QUERIES)
    read_concern: str | None = _option(
        None, reading.READ_CONCERN, "How sure it must be that what is read stays.", statements=QUERIES)
    read_preference: str | None = _option(
        None, reading.READ_PREFERENCE, "Which members of a replica set are read from.", statements=QUERIES)
    unknown_options: str = _option(
        "error", kinds.choice("error", "warn"), "Whether an unknown option is an error or a notice.",
        statements=WRITES | QUERIES)


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as tables, manuals and completion see it."""

    name: str
    kind: Kind
    default: Any
    help: str
    aliases: tuple[str, ...]
    statements: frozenset[str]


@cache
def settings() -> dict[str, Setting]:
    """All options by name, in the order of the manual."""
    return {
        f.name: Setting(
            f.name, f.metadata["kind"], f.default, f.metadata["help"], f.metadata["aliases"], f.metadata["in"])
        for f in fields(WriteOptions)
    }


@cache
def _by_any_name() -> dict[str, Setting]:
    return {name: s for s in settings().values() for name in (s.name, *s.aliases)}


class OptionProblem(Exception):  # noqa: N818
    """An option can't be taken: a code of `codes.CODES`, the reason, a hint. `name` is as it was written."""

    def __init__(self, code: str, name: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.name, self.message, self.hint = code, name, message, hint


def find_setting(name: str, statement: str | None = None) -> Setting:
    """The option of that name or alias, in any case; raises OptionProblem naming the nearest one."""
    setting = _by_any_name().get(name.lower())
    if setting is None:
        near = difflib.get_close_matches(name.lower(), _by_any_name(), n=1)
        hint = f"did you mean {near[0]}?" if near else "SHOW OPTIONS lists them all"
        raise OptionProblem("E2006", name, f"there is no option {name}", hint)
    if statement is not None and statement not in setting.statements:
        raise OptionProblem(
            "E2006", name, f"{statement} has no option {name}",
            f"{setting.name} belongs to {', '.join(sorted(setting.statements))}")
    return setting


def parse_option(name: str, value: object, statement: str | None = None) -> tuple[str, Any]:
    """The option's own name and its value, checked; `value` is a Python value or the text of a flag.

    A name that ends in `_ms` gives its number in milliseconds.
    """
    setting = find_setting(name, statement)
    if name.lower().endswith("_ms"):
        value = _seconds(value)
    try:
        return setting.name, setting.kind.parse(value)
    except ValueError as problem:
        raise OptionProblem("E2007", name, f"{name}: {problem}", f"{setting.name} takes {setting.kind.takes}") from None


def _seconds(milliseconds: object) -> object:
    if isinstance(milliseconds, str) and milliseconds.strip().isdecimal():
        milliseconds = int(milliseconds)
    if isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool):
        return milliseconds / 1000
    return milliseconds


def merge(base: WriteOptions, given: Iterable[tuple[str, Any]]) -> WriteOptions:
    """The options with parsed values put over them, and what follows from one for another."""
    values = dict(given)
    if "max_errors" in values and "continue_on_error" not in values:
        values["continue_on_error"] = True
    return replace(base, **values)
