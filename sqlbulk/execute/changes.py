"""Runs the commands about stored documents: UPDATE, DELETE, MOVE and DRY RUN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlbulk.commands import DeleteWhere, DryRun, UpdateWhere
from sqlbulk.execute.delete import run_delete
from sqlbulk.execute.dryrun import run_dry
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.update import run_update
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection


def run_change(
    command: UpdateWhere | DeleteWhere | DryRun, connection: Connection, *, watcher: Watcher | None, stop: Stop | None
) -> Result:
    """Run the command. Raises what `run_update` and `run_delete` raise."""
    match command:
        case UpdateWhere():
            return run_update(command, connection, watcher=watcher, stop=stop)
        case DeleteWhere():
            return run_delete(command, connection, watcher=watcher, stop=stop)
        case DryRun():
            return run_dry(command, connection)
