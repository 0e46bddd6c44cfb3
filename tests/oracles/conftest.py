"""The judge: a PostgreSQL of this test session, and the same rows in it and in MongoDB."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .judge import Judge


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL that is thrown away at the end."""
    pytest.importorskip("psycopg")
    pgserver = pytest.importorskip("pgserver")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="module")
def judge(postgres_uri: str, module_database: str, server_uri: str) -> Iterator[Judge]:
    """Both with the rows of judge.py."""
    found = Judge(server_uri, module_database, postgres_uri)
    try:
        yield found
    finally:
        found.close()
