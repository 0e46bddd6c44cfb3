"""What `import sqlbulk` offers: the names, and that nothing heavy is loaded before it is needed."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import sqlbulk


def test_every_name_is_there_sorted_and_documented() -> None:
    assert sorted(sqlbulk.__all__) == sqlbulk.__all__
    for name in sqlbulk.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(sqlbulk, name)), name
    assert set(sqlbulk.__all__) <= set(dir(sqlbulk))


def test_names_are_the_originals() -> None:
    from sqlbulk import errors, session

    assert sqlbulk.connect is session.connect
    assert sqlbulk.SqlbulkError is errors.SqlbulkError


def test_the_version_is_the_package_s() -> None:
    from importlib.metadata import version

    assert sqlbulk.__version__ == version("sqlbulk")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'conect'"):
        sqlbulk.conect  # noqa: B018


def test_the_signatures_of_the_contract() -> None:
    parameters = inspect.signature(sqlbulk.connect).parameters
    assert list(parameters)[:3] == ["uri", "database", "now"]
    assert [parameters[n].kind.name for n in ("uri", "database", "now", "options")] == [
        "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", "KEYWORD_ONLY", "VAR_KEYWORD"]
    assert list(inspect.signature(sqlbulk.translate).parameters) == ["sql", "parameters", "catalog", "now"]
    session = sqlbulk.Session
    assert list(inspect.signature(session.execute).parameters) == ["self", "sql", "parameters", "rows"]
    assert list(inspect.signature(session.run).parameters)[:2] == ["self", "script"]
    assert list(inspect.signature(session.explain).parameters) == ["self", "sql", "parameters"]


def _loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {module.partition(".")[0] for module in done.stdout.splitlines()[-1].split()}


def test_importing_loads_neither_driver_nor_grammar() -> None:
    assert not _loaded("import sqlbulk") & {"pymongo", "bson", "lark", "click", "rich", "prompt_toolkit"}


def test_help_loads_neither_driver_nor_grammar() -> None:
    loaded = _loaded("from sqlbulk.cli import main\nassert main(['run', '--help']) == 0")
    assert not loaded & {"pymongo", "bson", "lark", "rich", "prompt_toolkit"}


def test_planning_loads_no_driver() -> None:
    loaded = _loaded("import sqlbulk\nsqlbulk.translate('SET batch_size = 10')")
    assert not loaded & {"pymongo", "rich", "prompt_toolkit", "click"}
