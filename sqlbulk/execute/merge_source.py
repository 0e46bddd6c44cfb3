"""The rows of a MERGE that come by the client: they wait in a collection of their own, where its query reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlbulk.commands import LOADED, PLACE, Insert, LoadedRows, MergeRows
from sqlbulk.errors import ConnectionFailed, ServerError, TooManyErrors, UsageError
from sqlbulk.execute.insert import Waiting, opened_rows, write_rows
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.steps import Shelf, settings_of, with_names
from sqlbulk.results import WriteSummary
from sqlbulk.rowdata import Chunk, Location, RowSource

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection


@contextmanager
def with_source(
    command: MergeRows, connection: Connection, *, rows: Iterable[Any] | None, watcher: Watcher | None,
    stop: Stop | None, base_dir: Path | None, dry: bool = False,
) -> Iterator[tuple[MergeRows, WriteSummary]]:
    """The command while the rows of its source are there, and the counts of those that were refused on the way.

    `dry`: refused rows are only counted. Raises as `run_insert` does, with counts by which no row was written.
    """
    if command.source is None:
        yield command, WriteSummary()
        return
    with Shelf(connection, command.database, settings_of(command.options)) as shelf:
        name = shelf.place(command.source.marker)
        refused = _load(command, command.source, name, connection, rows=rows, watcher=watcher, stop=stop,
                        base_dir=base_dir, dry=dry)
        shelf.index(name, command.source.indexes)
        yield replace(command, query=with_names(command.query, shelf.names), source=None), refused


def _load(
    command: MergeRows, loaded: LoadedRows, name: str, connection: Connection, *, rows: Iterable[Any] | None,
    watcher: Watcher | None, stop: Stop | None, base_dir: Path | None, dry: bool,
) -> WriteSummary:
    options = replace(command.options, parallel_workers=1, write_concern=None, add_metadata=PLACE, sort_by=(),
                      required_fields=(), ensure_indexes=())
    if dry:
        options = replace(options, continue_on_error=True, max_errors=None, rate_limit=None)
    insert = Insert(name, loaded.rows, loaded.shape, options, database=command.database)
    with opened_rows(insert, connection, rows, base_dir) as source:
        _check_columns(loaded, source)
        waiting = Waiting(_place, LOADED, f"MERGE {command.collection}")
        try:
            result = write_rows(insert, connection, source, watcher=watcher, stop=stop, waiting=waiting)
        except (ServerError, ConnectionFailed) as error:
            if isinstance(error.summary, WriteSummary):
                error.summary = _without_effect(error.summary)
            raise
    done = result.summary or WriteSummary()
    if done.rejected and loaded.all_or_none:
        raise TooManyErrors(
            "E5007", f"{done.rejected:,} of {done.read:,} rows refused; the first: {done.errors[0]}",
            hint="Documents without a row in the source are changed as well, so no row of it may be left out.",
            summary=_without_effect(done))
    return WriteSummary(read=done.rejected, rejected=done.rejected, retries=done.retries, errors=done.errors)


def _check_columns(loaded: LoadedRows, source: RowSource) -> None:
    """Raise UsageError E2002 if the statement names a column that a source with a header doesn't have."""
    if source.columns is None or loaded.shape.names is not None:
        return
    known = {name.split(".")[0] if loaded.shape.nest else name for name in source.columns}
    for name in loaded.needed:
        if name not in known:
            raise UsageError("E2002", f"the source has no column {name}; it has {', '.join(source.columns)}")


def _place(chunk: Chunk, index: int) -> dict[str, Any]:
    found = chunk.locate(index)
    place: dict[str, Any] = {"row": chunk.ordinals[index]}
    if found is not None:
        place |= {"source": found.source, "line": found.line}
    return place


def _without_effect(summary: WriteSummary) -> WriteSummary:
    """The counts where rows came no further than to where they wait."""
    written = summary.inserted + summary.in_doubt
    return replace(summary, inserted=0, in_doubt=0, unconfirmed=0, batches=0, skipped=summary.skipped + written)


def location_of(place: Mapping[str, Any] | None) -> Location | None:
    """Where a loaded row stands; None where that isn't known."""
    if not place or "source" not in place:
        return None
    return Location(place["source"], place["line"])


__all__ = ["location_of", "with_source"]
