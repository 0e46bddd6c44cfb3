"""DRY RUN of statements that bring rows: INSERT, UPSERT, REPLACE, LOAD DATA and MERGE. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bson.objectid import ObjectId
from pymongo.errors import PyMongoError

from sqlbulk.commands import PLACE, Insert, MergeArm, MergeRows, QueryRows
from sqlbulk.errors import ServerError, TooManyErrors
from sqlbulk.execute.documents import put
from sqlbulk.execute.dry_keys import ON_ID, same
from sqlbulk.execute.dry_target import Document, DryTarget, Failure, Seen
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.faults import code_of_row, row_message
from sqlbulk.execute.indexes import has_key, read_unique
from sqlbulk.execute.insert import may_have_id, opened_rows, write_rows
from sqlbulk.execute.merge_operations import CHANGES
from sqlbulk.execute.merge_source import location_of, with_source
from sqlbulk.execute.pace import rows_a_batch
from sqlbulk.execute.query_rows import query_error, run_query_pipeline
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.steps import prepared, settings_of
from sqlbulk.execute.time_series import ensure_time_series
from sqlbulk.execute.windows import of_window
from sqlbulk.results import Result, WriteSummary
from sqlbulk.rowdata import RowError

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

COLUMNS = ("outcome", "rows", "before", "after")
_MOST_ERRORS = 20
_AT_ONCE = 200
"""How many rows are asked about in one question."""
Line = tuple[Any, ...]


def dry_insert(
    command: Insert, connection: Connection, *, rows: Iterable[Any] | None, watcher: Watcher | None, stop: Stop | None,
    base_dir: Path | None,
) -> Result:
    """What the rows would become. Raises as `run_insert` does, but not because rows are refused: these are listed."""
    collection = connection.collection(command.collection, command.database).with_options(codec_options=OPTIONS)
    notices: tuple[str, ...] = ()
    if command.time_series is not None:
        notices = ensure_time_series(collection, command.time_series, dry=True)
    target = open_dry(command, connection)
    target.keeps = command.conflict is not None
    dry = _without_effects(command)
    with opened_rows(dry, connection, rows, base_dir) as source:
        if may_have_id(dry, source.columns) and target.time_field is None:
            target.unique = (ON_ID, *target.unique)
        try:
            result = write_rows(dry, connection, source, watcher=watcher, stop=stop, notices=notices, target=target)
        except TooManyErrors as error:
            found = error.summary if isinstance(error.summary, WriteSummary) else None
            result = Result("DRY RUN", summary=found, notices=notices)
    summary = result.summary or WriteSummary()
    if command.conflict is not None and command.conflict.action == "nothing":
        # such rows count as left out
        target.unchanged = Seen()
    made = (*result.notices, *_index_notices(command, collection), *_stop_notice(command, summary))
    return told_rows(target, summary, made, command.collection)


def open_dry(command: Insert | MergeRows, connection: Connection) -> DryTarget:
    """The command's collection as a target that is only looked at. Raises ServerError, ConnectionFailed."""
    collection = connection.collection(command.collection, command.database).with_options(codec_options=OPTIONS)
    try:
        found = next(iter(collection.database.list_collections(filter={"name": collection.name})), {})
    except PyMongoError as error:
        raise query_error(error) from None
    options = found.get("options", {})
    strict = options.get("validationAction", "error") == "error" and options.get("validationLevel", "strict") != "off"
    series = options.get("timeseries", {}).get("timeField")
    if isinstance(command, Insert) and command.time_series is not None:
        series = command.time_series.time_field
    validator = options.get("validator") if strict and not command.options.bypass_validation else None
    return DryTarget(collection, () if series else read_unique(collection), validator, series)


def _without_effects(command: Insert) -> Insert:
    """The command with the rows of its query read as they are found, and no end at a refused row."""
    rows, conflict = command.rows, command.conflict
    if isinstance(rows, QueryRows):
        # nothing is written, so the query may go on reading what it would write to
        rows = replace(rows, merge=None, settled=False, by_client="DRY RUN")
    options = replace(command.options, continue_on_error=True, max_errors=None, parallel_workers=1, rate_limit=None)
    return replace(command, rows=rows, options=options, ensure_indexes=(),
                   conflict=None if conflict is None else replace(conflict, ensure_index=False))


def _index_notices(command: Insert, collection: Any) -> Iterator[str]:
    conflict = command.conflict
    names = [".".join(path) for path in (conflict.keys or ()) if conflict] if conflict is not None else []
    if conflict is not None and conflict.ensure_index and names and names != ["_id"] and not has_key(collection, names):
        yield f"a unique index on ({', '.join(names)}) would be made, if no stored documents share a key"
    for index in command.ensure_indexes:
        yield f"an index on ({', '.join(index['key'])}) would be made, if it is missing"


def _stop_notice(command: Insert | MergeRows, summary: WriteSummary) -> Iterator[str]:
    if summary.rejected and not command.options.continue_on_error:
        yield (f"the statement would stop at row {summary.errors[0].row}, which is refused; continue_on_error = true"
               " goes on")


def told_rows(target: DryTarget, summary: WriteSummary, notices: Iterable[str], collection: str) -> Result:
    """The counts and samples, an outcome after the other."""
    seen = [("inserted", target.inserted), ("changed", target.changed), ("unchanged", target.unchanged),
            ("deleted", target.deleted)]
    lines: list[Line] = []
    for outcome, found in seen:
        lines += _numbered(outcome, found.count, list(found.samples))
    if summary.skipped:
        lines.append(("left out", summary.skipped, None, None))
    refused = [(error.document, f"{error}") for error in summary.errors[:_MOST_ERRORS]]
    lines += _numbered("refused", summary.rejected, refused)
    counts = ", ".join(f"{line[1]:,} {line[0]}" for line in lines if line[1] is not None) or "none"
    said = f"DRY RUN: of {summary.read:,} rows {counts}; nothing was written"
    return Result("DRY RUN", COLUMNS, lines, notices=(said, *notices), target=collection)


def _numbered(outcome: str, count: int, samples: list[tuple[Any, Any]]) -> list[Line]:
    if not count:
        return []
    shown = samples or [(None, None)]
    return [(outcome, count if n == 0 else None, before, after) for n, (before, after) in enumerate(shown)]


# MERGE


def dry_merge(
    command: MergeRows, connection: Connection, *, rows: Iterable[Any] | None = None, watcher: Watcher | None = None,
    stop: Stop | None = None, base_dir: Path | None = None,
) -> Result:
    """What the arms would do; raises ServerError (E5021 where two rows would change one document), ConnectionFailed."""
    with with_source(command, connection, rows=rows, watcher=watcher, stop=stop, base_dir=base_dir,
                     dry=True) as (ready, refused):
        return _dry_merge(ready, connection, refused)


def _dry_merge(command: MergeRows, connection: Connection, refused: WriteSummary) -> Result:
    target = open_dry(command, connection)
    target.unique = (ON_ID, *target.unique)
    target.keeps = True
    merge = _DryMerge(command, target, refused)
    with prepared(command.query, connection, settings_of(command.options)) as query:
        cursor = run_query_pipeline(query, query.pipeline, connection, command.options)
        try:
            with cursor:
                rows = iter(cursor)
                while batch := list(islice(rows, rows_a_batch(command.options.rate_limit, command.options.batch_size))):
                    merge.take(batch)
        except PyMongoError as error:
            raise query_error(error) from None
    notices = _stop_notice(command, merge.summary)
    return told_rows(target, merge.summary, tuple(notices), command.collection)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a row of a MERGE, the one of this number, would do: `before` None is a new document, `after` None no more.

    `refused` says why it is known to fail.
    """

    number: int
    row: Mapping[str, Any]
    before: Document | None
    after: Document | None = None
    refused: Failure | None = None

    @property
    def kind(self) -> int:
        """Where its kind stands in an unordered batch: inserts come first, then updates, then deletes."""
        return 0 if self.before is None else 2 if self.after is None else 1


@dataclass(slots=True)
class _DryMerge:
    command: MergeRows
    target: DryTarget
    summary: WriteSummary = field(default_factory=WriteSummary)
    met: set[Any] = field(default_factory=set)

    def take(self, batch: Sequence[dict[str, Any]]) -> None:
        """Look at what a batch of rows would do: an arm after the other is asked about, then all are done.

        That is in the order in which the driver sends them: in an unordered batch those of one kind together.
        """
        first, changes = self.summary.read + 1, list[_Change]()
        self.summary.read += len(batch)
        of_arms: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        for number, row in enumerate(batch, first):
            of_arms.setdefault(int(row["arm"]), []).append((number, row))
            self._meet(row)
        for arm_number, rows in of_arms.items():
            arm = self.command.arms[arm_number]
            if arm.action == "insert":
                changes += [_Change(number, row, None, _new_document(arm, row)) for number, row in rows]
            elif arm.action in CHANGES:
                for start in range(0, len(rows), _AT_ONCE):
                    changes += self._changes(arm, rows[start : start + _AT_ONCE])
        self.summary.skipped += len(batch) - len(changes)
        changes.sort(key=lambda change: (0 if self.command.options.ordered else change.kind, change.number))
        refused: list[tuple[_Change, Failure]] = []
        for start in range(0, len(changes), _AT_ONCE):
            some = changes[start : start + _AT_ONCE]
            known = {place: change.refused for place, change in enumerate(some) if change.refused is not None}
            failures = self.target.change([c.before for c in some], [c.after for c in some], refused=known)
            refused += [(c, failure) for c, failure in zip(some, failures, strict=True) if failure is not None]
        for change, failure in sorted(refused, key=lambda pair: pair[0].number):
            self._refuse(change, failure)

    def _meet(self, row: dict[str, Any]) -> None:
        if self.command.arms[int(row["arm"])].action in CHANGES:
            key = same(row["id"])
            if key in self.met:
                raise ServerError(
                    "E5021", f"several rows of the source match the document with _id {row['id']!r}: it would be"
                    f" changed more than once{_at(row)}", hint="Make the source's rows unique, or narrow ON.")
            self.met.add(key)

    def _changes(self, arm: MergeArm, rows: Sequence[tuple[int, dict[str, Any]]]) -> list[_Change]:
        """What an arm does to stored documents, those that are still there."""
        found = self.target.collection.find(of_window([row["id"] for _, row in rows], arm.filter))
        before = {same(document["_id"]): document for document in found}
        left = [_Change(number, row, before[same(row["id"])]) for number, row in rows if same(row["id"]) in before]
        if arm.action == "update" and left:
            values = [{f"v{n}": change.row.get(name) for n, name in enumerate(arm.values)} for change in left]
            afters, refused = self.target.attempt([c.before or {} for c in left], "values", values, arm.update)
            return [replace(change, after=afters[n], refused=refused.get(n)) for n, change in enumerate(left)]
        return left

    def _refuse(self, change: _Change, failure: Failure) -> None:
        code, message = int(failure["code"]), row_message(dict(failure))
        place = change.row.get(PLACE)
        self.summary.reject(RowError(
            place["row"] if place else change.number, code_of_row(code, message), message, location_of(place),
            server_code=code, document=change.after))


def _at(row: Mapping[str, Any]) -> str:
    """Where a row stands, if that is known."""
    place = row.get(PLACE)
    location = location_of(place)
    return "" if not place else f" by row {place['row']:,}" + ("" if location is None else f" ({location})")


def _new_document(arm: MergeArm, row: dict[str, Any]) -> Document:
    document: Document = {"_id": ObjectId()}
    for path, name in zip(arm.targets, arm.values, strict=True):
        put(document, path, row.get(name))
    return document
