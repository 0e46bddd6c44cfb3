"""Runs commands on a server. Everything that imports the driver is loaded when it is needed, for it takes time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlbulk.commands import (
    Analyze,
    Command,
    DeleteWhere,
    DryRun,
    Explained,
    Insert,
    MergeRows,
    Query,
    QueryRows,
    Selection,
    SetOption,
    UpdateWhere,
    UseDatabase,
)
from sqlbulk.commands_catalog import (
    CreateCollection,
    CreateIndex,
    CreateView,
    DescribeCollection,
    DropCollection,
    DropIndex,
    ShowCatalog,
    ShowTable,
    Truncate,
)
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection
    from sqlbulk.execute.runner import Stop, Watcher


def execute(
    command: Command, connection: Connection, *, rows: Iterable[Any] | None = None, progress: Watcher | None = None,
    stop: Stop | None = None, base_dir: Path | None = None,
) -> Result:
    """Run one command.

    `rows` are those that the caller hands in, `base_dir` is what relative file names start from, `stop` is
    asked now and then whether to end, `progress` is told how far a bulk statement is.

    Raises ServerError (E5005, E5006), ConnectionLost, TooManyErrors or Interrupted, each with the counts so
    far in `summary`; ConnectionFailed (E5001 to E5003); UsageError for rows or files that don't fit.
    """
    match command:
        case UpdateWhere(selection=Selection(steps=(_, *_))) | DeleteWhere(selection=Selection(steps=(_, *_))):
            return _with_steps(command, connection, progress, stop)
        case Insert(rows=QueryRows(merge=merge)) if merge is not None:
            from sqlbulk.execute.merge_pipeline import run_merge

            return run_merge(command, connection, watcher=progress, stop=stop)
        case Insert():
            from sqlbulk.execute.insert import run_insert

            return run_insert(command, connection, rows=rows, watcher=progress, stop=stop, base_dir=base_dir)
        case Query():
            from sqlbulk.execute.query import run_query

            return run_query(command, connection)
        case Analyze():
            from sqlbulk.execute.analyze_write import run_analyzed

            return run_analyzed(command, connection, rows=rows, progress=progress, stop=stop, base_dir=base_dir)
        case DryRun():
            from sqlbulk.execute.dryrun import run_dry

            return run_dry(command, connection, rows=rows, watcher=progress, stop=stop, base_dir=base_dir)
        case UpdateWhere() | DeleteWhere():
            from sqlbulk.execute.changes import run_change

            return run_change(command, connection, watcher=progress, stop=stop)
        case MergeRows():
            from sqlbulk.execute.merge import run_merge_rows

            return run_merge_rows(command, connection, rows=rows, watcher=progress, stop=stop, base_dir=base_dir)
    return _execute_small(command, connection)


def _with_steps(
    command: UpdateWhere | DeleteWhere, connection: Connection, progress: Watcher | None, stop: Stop | None
) -> Result:
    """Run a command about documents that are only found once other rows are worked out."""
    from sqlbulk.execute.steps import selected

    with selected(command, connection) as ready:
        return execute(ready, connection, progress=progress, stop=stop)


def _execute_small(
    command: Explained | UseDatabase | SetOption | CreateCollection | CreateIndex | CreateView | DropCollection
    | DropIndex | Truncate | ShowCatalog | DescribeCollection | ShowTable, connection: Connection,
) -> Result:
    """Run a command that no caller has to watch."""
    match command:
        case Explained():
            return Result("EXPLAIN", ("plan",), [(line,) for line in command.text.splitlines()])
        case UseDatabase():
            connection.database = command.database
            return Result("USE", target=command.database)
        case SetOption():
            return Result("SET", target=command.name)
    from sqlbulk.execute.ddl import run_catalog

    return run_catalog(command, connection)
