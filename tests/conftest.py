"""Fixtures of the whole suite: a server to test against, and a fresh database on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database

import sqlbulk
from sqlbulk import embedded

# A submission is judged by the same examples every time; by hand they are new ones. How busy the machine is tells nothing.
settings.register_profile(
    "sqlbulk", derandomize=bool(os.environ.get("CI")), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sqlbulk")


def pytest_collection_finish() -> None:
    """With --cov, load every module now, so that no test that isn't measured is the one to do it."""
    if Coverage.current() is not None:
        for module in walk_packages(sqlbulk.__path__, "sqlbulk."):
            if module.name != "sqlbulk.__main__":
                import_module(module.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """With --cov, measure what tests run that need no server, aren't slow, and do the same every time."""
    measured = Coverage.current()
    by_chance = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if measured is None or not (by_chance or item.get_closest_marker("server") or item.get_closest_marker("slow")):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """The URI of a replica set: SQLBULK_TEST_URI's, or a throw-away server of this test session."""
    given = os.environ.get("SQLBULK_TEST_URI")
    if given:
        yield given
        return
    with embedded.start(throw_away=True) as server:
        yield server.uri


@contextmanager
def fresh_database(uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database of a name of its own, dropped afterwards; dates come back with their time zone, UTC."""
    name = f"sqlbulk_test_{secrets.token_hex(6)}"
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        try:
            yield client[name]
        finally:
            client.drop_database(name)


@pytest.fixture
def database(server_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database for one test."""
    with fresh_database(server_uri) as database:
        yield database


@pytest.fixture
def session(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[sqlbulk.Session]:
    """A session on the test's database."""
    with sqlbulk.connect(server_uri, database=database.name) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_database(server_uri: str) -> Iterator[str]:
    """The name of a database that the tests of a file share."""
    with fresh_database(server_uri) as database:
        yield database.name


# Golden tests: see golden.py


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the sections of golden cases anew")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--update-golden writes whole files, so it goes without -n")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".test":
        return None
    from golden import GoldenFile

    return GoldenFile.from_parent(parent, path=file_path)
