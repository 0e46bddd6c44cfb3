"""Runs the commands about stored documents: UPDATE, DELETE and MOVE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlbulk.commands import DeleteWhere, UpdateWhere
from sqlbulk.execute.delete import run_delete
from sqlbulk.execute.runner import Stop, Watcher
from sqlbulk.execute.update import run_update
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection


def run_change(
    command: UpdateWhere | DeleteWhere, connection: Connection, *, watcher: Watcher | None, stop: Stop | None
) -> Result:
    """Run the command. Raises what `run_update` and `run_delete` raise."""
    if isinstance(command, UpdateWhere):
        return run_update(command, connection, watcher=watcher, stop=stop)
    return run_delete(command, connection, watcher=watcher, stop=stop)
