"""The command line: usage, parameters, output, exit codes, signals."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sqlbulk import cli
from sqlbulk.formats import FORMATS


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SQLBULK_URI", "MONGODB_URI", "SQLBULK_DATABASE", "SQLBULK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def sqlbulk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command in this process; `stdin` is what is piped in."""

    def run(*arguments: str, stdin: bytes | None = None) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin or b"")))
        code = cli.main(arguments)
        return Outcome(code, *capsys.readouterr())

    return run


def command(*arguments: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sqlbulk", *arguments], capture_output=True, text=True, timeout=60, check=False,
        **keywords)


# Usage


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["explain", "-h"], ["shell", "--help"]])
def test_help_is_on_stdout(sqlbulk: Any, arguments: list[str]) -> None:
    done = sqlbulk(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: sqlbulk")


def test_the_version(sqlbulk: Any) -> None:
    done = sqlbulk("--version")
    assert done.code == 0
    assert done.out.startswith("sqlbulk 0.")


def test_the_formats_are_those_that_can_be_written() -> None:
    assert sorted(cli.FORMATS) == sorted(f.name for f in FORMATS if f.writer is not None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run", "--nonsense"], "No such option"),
        (["run", "--format", "xml"], "'xml' is not one of"),
        (["run", "-c"], "requires an argument"),
        (["run", "no-such-file.sql"], "E6002"),
        (["run", "-", "-"], "standard input can be read only once"),
        (["run", "-c", "SET ordered = true", "--now", "yesterday"], "'yesterday' is not a time"),
        (["run", "-c", "SET ordered = true", "--set", "batch_sise=5"], "did you mean batch_size?"),
        (["run", "-c", "SET ordered = true", "--set", "batch_size=many"], "not a whole number"),
        (["run", "-c", "SET ordered = true", "--set", "batch_size"], "--set batch_size: expected OPTION=VALUE"),
        (["run", "-c", "SET ordered = true", "--param", "x"], "--param x: expected NAME=VALUE"),
        (["run", "-c", "SET ordered = true", "--param", "=x"], "--param =x: expected NAME=VALUE"),
        (["run", "-c", "SET ordered = true", "--param", "x:={"], "--param x: not JSON"),
        (["run", "-c", "SET ordered = true", "--param", "a=1", "--param", "a:=2"], "--param a is given twice"),
        (["run", "-c", "SET ordered = true", "--param", "a=1", "--param", "1=2"], "names, or the numbers from 1 on"),
        (["run", "-c", "SET ordered = true", "--param", "2=2"], "names, or the numbers from 1 on"),
        (["run", "-c", "SET ordered = true", "--uri", "localhost"], "E5010"),
        (["run", "-c", "SET ordered = true", "--database", "a b"], "can't be the name of a database"),
        (["run", "-c", "SET ordered = true", "--uri", "mongodb://h", "--data-dir", "x"], "are both given"),
        (["--uri", "localhost"], "E5010"),
    ],
)
def test_wrong_use_ends_with_1_and_a_reason_on_stderr(sqlbulk: Any, arguments: list[str], words: str) -> None:
    done = sqlbulk(*arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_file_without_a_command_is_told_how(sqlbulk: Any, tmp_path: Path) -> None:
    script = tmp_path / "load.sql"
    script.write_text("SET ordered = true")
    done = sqlbulk(str(script))
    assert done.code == 1
    assert f"sqlbulk run {script}" in done.err


def test_nothing_to_run_at_a_terminal(sqlbulk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_is_terminal", lambda stream: True)
    done = sqlbulk("run")
    assert done.code == 1
    assert "nothing to run" in done.err


# Scripts that need no server


def test_scripts_come_from_commands_files_and_standard_input(sqlbulk: Any, tmp_path: Path) -> None:
    script = tmp_path / "second.sql"
    script.write_text("EXPLAIN SET batch_size = 2")
    for arguments in (["-"], []):
        done = sqlbulk("run", *arguments, stdin=b"SET batch_size = 0")
        assert done.code == 1
        assert "[at <stdin>:1:18]" in done.err
    done = sqlbulk("run", str(script), "-c", "SET batch_size = 0")
    assert "[at -c:1:18]" in done.err
    done = sqlbulk("run", "-c", "SET batch_size = 1", "-c", "SET batch_size = 0")
    assert "[at -c 2:1:18]" in done.err
    script.write_text("SET batch_size = 1;\n  SET batch_size = 0")
    done = sqlbulk("run", str(script))
    assert f"[at {script}:2:20]" in done.err


def test_an_error_stops_the_script_and_shows_the_place(sqlbulk: Any) -> None:
    done = sqlbulk("run", "-c", "SET batch_size = 10;\nSELEKT 1;\nSET nonsense = 1")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "ERROR E1006: SELEKT is not a statement [at -c:2:1]\n"
        "  SELEKT 1\n"
        "  ^^^^^^\n"
    )


def test_continue_goes_on_and_ends_with_the_first_failure_s_code(sqlbulk: Any) -> None:
    done = sqlbulk("run", "--continue", "-c", "SELEKT 1; SET batch_size = 3; SET nonsense = 1")
    assert done.code == 1
    assert "E1006" in done.err
    assert "E2006" in done.err


def test_a_script_that_can_t_be_split_ends_there(sqlbulk: Any) -> None:
    done = sqlbulk("run", "--continue", "-c", "SET batch_size = 3; SET comment = 'abc")
    assert done.code == 1
    assert "E1002" in done.err


def test_piped_into_the_shell_it_is_a_script(sqlbulk: Any) -> None:
    done = sqlbulk(stdin=b"SET batch_size = 3;\nSET nonsense = 1;\n")
    assert done.code == 1
    assert "[at <stdin>:2:" in done.err


def test_explain_needs_no_server(sqlbulk: Any) -> None:
    done = sqlbulk(
        "explain", "--uri", "mongodb://127.0.0.1:1", "-c", "INSERT INTO users (a, b) VALUES (1, 'x')", "-c",
        "BULK INSERT INTO other (a) VALUES (2)")
    assert (done.code, done.err) == (0, "")
    assert "users" in done.out
    assert "\n\n" in done.out
    assert "other" in done.out


def test_explain_follows_set_and_use(sqlbulk: Any) -> None:
    done = sqlbulk("explain", "-c", "SET batch_size = 17; INSERT INTO users (a) VALUES (1)")
    assert done.code == 0
    assert "17" in done.out


def test_parameters_are_texts_or_typed(sqlbulk: Any) -> None:
    sql = "INSERT INTO users (a, b) VALUES (:a, :b)"
    done = sqlbulk("explain", "-c", sql, "--param", "a=1=2", "--param", 'b:={"x": [1, null]}')
    assert done.code == 0, done.err
    done = sqlbulk("explain", "-c", "INSERT INTO users (a, b) VALUES (?, ?)", "--param", "2=b", "--param", "1=a")
    assert done.code == 0, done.err
    done = sqlbulk("explain", "-c", sql, "--param", "a=1")
    assert done.code == 1
    assert "E2008" in done.err


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "-c", "INSERT INTO users (a) VALUES (1)"]])
def test_it_starts_fast(arguments: list[str]) -> None:
    best = 9.0
    for _ in range(3):
        began = time.perf_counter()
        assert command(*arguments).returncode == 0
        best = min(best, time.perf_counter() - began)
    assert best < (0.5 if arguments == ["--help"] else 1.5)


def test_no_server_ends_with_2_and_one_line(sqlbulk: Any) -> None:
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
    done = sqlbulk("run", "--uri", uri, "--continue", "-c", "INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES (2)")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR E5001: ")
    assert len(done.err.splitlines()) <= 2
