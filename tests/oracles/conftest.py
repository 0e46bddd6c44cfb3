"""The judge: a PostgreSQL of this test session, and the same rows in it and in MongoDB."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .judge import Judge


def started(directory: Path, attempts: int = 6) -> Any:
    """A running PostgreSQL; pgserver itself waits ten seconds only, and finds one that has come up since."""
    import pgserver

    try:
        return pgserver.get_server(directory, cleanup_mode="delete")
    except (subprocess.TimeoutExpired, AssertionError):
        if attempts == 1:
            raise
    time.sleep(5)
    return started(directory, attempts - 1)


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL that is thrown away at the end."""
    pytest.importorskip("psycopg")
    pytest.importorskip("pgserver")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = started(tmp_path_factory.mktemp("postgres"))
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="module")
def judge(postgres_uri: str, module_database: str, server_uri: str) -> Iterator[Judge]:
    """Both with the rows of judge.py."""
    found = Judge(server_uri, postgres_uri, module_database)
    try:
        yield found
    finally:
        found.close()
