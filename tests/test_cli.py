"""The command line: usage, parameters, output, exit codes, signals."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
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
        (["run", "-c", "SET ordered = true", "--param", 'x:={"$numberDecimal":"y"}'], "--param x: not JSON"),
        (["run", "-c", "SET ordered = true", "--param", "a=1", "--param", "a:=2"], "--param a is given twice"),
        (["run", "-c", "SET ordered = true", "--param", "a=1", "--param", "1=2"], "names, or the numbers from 1 on"),
        (["run", "-c", "SET ordered = true", "--param", "2=2"], "names, or the numbers from 1 on"),
        (["run", "-c", "SET ordered = true", "--uri", "localhost"], "E5010"),
        (["run", "-c", "SET ordered = true", "--database", "a b"], "can't be the name of a database"),
        (["run", "-c", "SET ordered = true", "--uri", "mongodb://h", "--data-dir", "x"], "are both given"),
        (["--uri", "localhost"], "E5010"),
        (["run", "-c", "SELECT a FROM t", "--uri", "mongodb://h:99999"], "E5010"),
        (["run", "-c", "SELECT a FROM t", "--uri", "mongodb://\udcff"], "E5010"),
        (["run", "-c", "SELECT '\udcff'"], "-c: the text is not UTF-8"),
        (["run", "-c", "SELECT :a", "--param", "a=\udcff"], "--param: the text is not UTF-8"),
        (["run", "-c", "SELECT 1", "-d", "\udcff"], "can't be the name of a database"),
        (["run", "-c", "SELECT 1", "--data-dir", "\udcff"], "E6008"),
        (["run", "--continue", "-c", "SELECT a FROM t", "-c", "SELECT 1", "--uri", "mongodb://h/?no=1"], "E5010"),
        (["explain", "-c", "SELECT a FROM t", "--uri", "mongodb://a:b:c@h"], "E5010"),
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
        "explain", "--uri", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", "-c",
        "INSERT INTO users (a, b) VALUES (1, 'x')", "-c", "BULK INSERT INTO other (a) VALUES (2)")
    assert done.code == 0
    assert all(line.startswith("notice: planned without the server: ") for line in done.err.splitlines())
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
    # How fast is measured by tests.bench; this finds what is slow even on a machine that does other work.
    assert best < (2 if arguments == ["--help"] else 5)


def test_no_server_ends_with_2_and_one_line(sqlbulk: Any) -> None:
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
    done = sqlbulk("run", "--uri", uri, "--continue", "-c", "INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES (2)")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR E5001: ")
    assert len(done.err.splitlines()) <= 2


# With a server


@pytest.fixture
def target(server_uri: str, database: Any) -> list[str]:
    """The options that lead to the test's database."""
    return ["--uri", server_uri, "--database", database.name]


@pytest.mark.server
def test_a_table_a_statement_and_a_closing_one(sqlbulk: Any, target: list[str], database: Any) -> None:
    done = sqlbulk("run", *target, "-c", "INSERT INTO a (x) VALUES (1), (2); SET batch_size = 5; UPSERT INTO b (_id) VALUES (3)")
    assert (done.code, done.err) == (0, "")
    assert database.a.count_documents({}) == 2
    tables = done.out.split("\n+")
    assert done.out.count("| statement ") == 3
    assert "| total " in done.out
    assert "| UPSERT " in done.out
    assert tables
    done = sqlbulk("run", *target, "-c", "INSERT INTO a (x) VALUES (1)")
    assert done.out.count("| statement ") == 1


@pytest.mark.server
def test_the_closing_table_adds_up_statements_of_a_kind(sqlbulk: Any, target: list[str]) -> None:
    sql = "INSERT INTO a (x) VALUES (1); INSERT INTO a (x) VALUES (2), (3); INSERT INTO b (x) VALUES (1)"
    done = sqlbulk("run", *target, "--format", "vertical", "-c", sql)
    closing = done.out[done.out.rindex("1. row") :]
    assert [line.split(": ")[1] for line in closing.splitlines() if "inserted: " in line] == ["3", "1", "4"]


@pytest.mark.server
@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv"])
def test_formats_for_programs_have_no_total(sqlbulk: Any, target: list[str], format: str) -> None:
    done = sqlbulk("run", *target, "--format", format, "-c", "INSERT INTO a (x) VALUES (1); INSERT INTO b (x) VALUES (1)")
    assert done.code == 0
    assert "total" not in done.out
    assert "INSERT" in done.out
    assert "| total " in done.err


@pytest.mark.server
@pytest.mark.parametrize("format", ["vertical", "markdown", "html", "TABLE"])
def test_formats_for_people_have_one(sqlbulk: Any, target: list[str], format: str) -> None:
    done = sqlbulk("run", *target, "--format", format, "-c", "INSERT INTO a (x) VALUES (1); INSERT INTO b (x) VALUES (1)")
    assert (done.code, done.err) == (0, "")
    assert "total" in done.out


@pytest.mark.server
def test_quiet_leaves_only_errors(sqlbulk: Any, target: list[str]) -> None:
    done = sqlbulk("run", *target, "--quiet", "-c", "INSERT INTO a (_id) VALUES (1); INSERT INTO a (_id) VALUES (2)")
    assert (done.code, done.out, done.err) == (0, "", "")
    done = sqlbulk("run", *target, "--quiet", "--set", "continue_on_error=on", "-c", "INSERT INTO a (_id) VALUES (1)")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("rejected: E4007: ")


@pytest.mark.server
def test_rejected_rows_are_listed_and_end_with_3(sqlbulk: Any, target: list[str]) -> None:
    rows = ",\n".join("(7)" for _ in range(31))
    done = sqlbulk("run", *target, "--set", "continue_on_error=true", "-c", f"INSERT INTO a (_id) VALUES\n{rows}")
    assert done.code == 3
    assert "inserted |" in done.out
    lines = done.err.splitlines()
    assert len(lines) == 21
    assert "(-c:3:1)" in lines[0]
    assert lines[20] == "… and 10 more"


@pytest.mark.server
def test_the_error_limit_ends_with_4_and_the_counts(sqlbulk: Any, target: list[str], database: Any) -> None:
    database.a.insert_one({"_id": 1})
    done = sqlbulk("run", *target, "-c", "INSERT INTO a (_id) VALUES (1); INSERT INTO b (_id) VALUES (1)")
    assert done.code == 4
    assert "| a " in done.out
    assert "rejected: E4007" in done.err
    assert "ERROR E5007" in done.err
    assert database.b.count_documents({}) == 0
    done = sqlbulk("run", "--continue", *target, "-c", "INSERT INTO a (_id) VALUES (1); INSERT INTO b (_id) VALUES (1)")
    assert done.code == 4
    assert database.b.count_documents({}) == 1


@pytest.mark.server
def test_now_and_parameters_reach_the_documents(sqlbulk: Any, target: list[str], database: Any) -> None:
    done = sqlbulk(
        "run", *target, "--now", "2025-01-31T12:00Z", "--param", "t=$a", "--param", 'j:={"n": [1, 2.5, null]}',
        "-c", "INSERT INTO a (t, j, at) VALUES (:t, :j, CURRENT_TIMESTAMP)")
    assert (done.code, done.err) == (0, "")
    found = database.a.find_one({}, {"_id": 0})
    assert found.pop("at").isoformat() == "2025-01-31T12:00:00+00:00"
    assert found == {"t": "$a", "j": {"n": [1, 2.5, None]}}


@pytest.mark.server
def test_a_parameter_for_nothing_is_noticed(sqlbulk: Any, target: list[str]) -> None:
    done = sqlbulk("run", *target, "--param", "a=1", "--param", "b=1", "-c", "INSERT INTO t (a) VALUES (:a)")
    assert (done.code, done.err) == (0, "notice: no statement has a parameter b\n")


@pytest.mark.server
def test_rows_from_standard_input(sqlbulk: Any, target: list[str], database: Any) -> None:
    statement = "INSERT INTO t FROM STDIN FORMAT jsonl"
    done = command("run", *target, "-c", statement, input='{"_id": 1}\n{"_id": 2}\n')
    assert (done.returncode, done.stderr) == (0, "")
    assert database.t.count_documents({}) == 2
    done = command("run", *target, "-", input=statement)
    assert done.returncode == 1
    assert "standard input holds the script" in done.stderr


@pytest.mark.server
def test_a_closed_pipe_ends_it_without_a_word(target: list[str], database: Any) -> None:
    sql = "EXPLAIN INSERT INTO t (a) VALUES (1);" * 300
    pipe = subprocess.Popen(
        [sys.executable, "-m", "sqlbulk", "run", *target, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert pipe.stdin and pipe.stdout and pipe.stderr
    with pipe:
        pipe.stdin.write(sql.encode() + b"INSERT INTO t (a) VALUES (1)")
        pipe.stdin.close()
        pipe.stdout.readline()
        pipe.stdout.close()
        assert pipe.stderr.read() == b""
    assert pipe.returncode == 5
    assert database.t.count_documents({}) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize(("arguments", "redirected", "code", "err"), [
    (["explain", "-c", "INSERT INTO t (a) VALUES (1)"], ">/dev/full", 1, "E6006: the output can't be written: No space"),
    (["--help"], ">/dev/full", 1, "E6006: the output can't be written: No space"),
    (["explain", "-c", "INSERT INTO t (a) VALUES (1)"], ">&-", 0, ""),
    (["explain", "-c", "INSERT INTO"], "2>&-", 1, ""),
    (["explain"], "<&-", 0, ""),
    (["explain", "-c", "INSERT INTO"], "<&- >&- 2>&-", 1, ""),
])
def test_standard_streams_that_are_full_or_closed(
    arguments: list[str], redirected: str, code: int, err: str
) -> None:
    shell = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "sqlbulk", *arguments]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert err in done.stderr
    assert "Traceback" not in done.stderr


HEEDING_SIGNALS = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "sqlbulk", *sys.argv[1:]])
"""
"""Runs the command as at a prompt, also if the tests themselves run behind an & or under nohup."""


class Running:
    """The command reading rows from a pipe that stays open, until it has written some."""

    def __init__(self, target: list[str], database: Any, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEEDING_SIGNALS, "run", *target, *arguments, "-c",
             "INSERT INTO t FROM STDIN FORMAT jsonl WITH BULK_OPTIONS (batch_size = 100, rate_limit = 5000);"
             "INSERT INTO u (a) VALUES (1)"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdin
        self.feeder = threading.Thread(target=self._feed, daemon=True)
        self.feeder.start()
        deadline = time.monotonic() + 30
        while not database.t.estimated_document_count():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _feed(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError, ValueError):
            for number in range(200_000):
                self.process.stdin.write(f'{{"_id": {number}}}\n')

    def end(self) -> Outcome:
        assert self.process.stdout and self.process.stderr
        late = threading.Timer(60, self.process.kill)
        late.start()
        out, err = self.process.stdout.read(), self.process.stderr.read()
        code = self.process.wait(30)
        late.cancel()
        self.feeder.join(30)
        with contextlib.suppress(BrokenPipeError):
            assert self.process.stdin
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return Outcome(code, out, err)


@pytest.mark.server
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_batches_in_flight(target: list[str], database: Any, number: int) -> None:
    running = Running(target, database, "--format", "jsonl")
    running.process.send_signal(number)
    done = running.end()
    assert done.code == 5, done.err
    summary = json.loads(done.out)
    assert summary["inserted"] == database.t.count_documents({}) > 0
    assert "ERROR E5008" in done.err
    assert "Traceback" not in done.err
    assert database.u.count_documents({}) == 0


@pytest.mark.server
def test_three_signals_kill(target: list[str], database: Any) -> None:
    running = Running(target, database)
    for _ in range(20):
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    done = running.end()
    assert done.code in (5, -signal.SIGINT)
    assert "Traceback" not in done.err


@pytest.mark.server
def test_progress_is_a_line_now_and_then_on_stderr(target: list[str], database: Any) -> None:
    arguments = ["run", *target, "--set", "progress_interval=0.2", "--set", "rate_limit=1000", "-c",
                 "INSERT INTO t FROM STDIN FORMAT jsonl"]
    rows = "".join(f'{{"_id": {n}}}\n' for n in range(1500))
    done = command(*arguments, input=rows)
    assert done.returncode == 0
    assert "INSERT t: " in done.stderr
    assert "rows/s" in done.stderr
    assert "rows/s" in done.stdout
    for switch in ("--quiet", "--no-progress"):
        database.t.drop()
        assert command(*arguments, switch, input=rows).stderr == ""


@pytest.mark.server
def test_queries_print_their_rows(sqlbulk: Any, target: list[str], database: Any) -> None:
    database.t.insert_many([{"_id": n, "x": f"é{n}", "d": {"a": [n]}} for n in range(3)])
    done = sqlbulk("run", *target, "--format", "csv", "-c", "SELECT _id, x FROM t WHERE _id > 0 ORDER BY _id")
    assert (done.code, done.out.splitlines(), done.err) == (0, ["_id,x", "1,é1", "2,é2"], "")
    done = sqlbulk("run", *target, "--quiet", "--format", "jsonl", "-c", "SELECT d FROM t WHERE _id = 2")
    assert (done.code, json.loads(done.out)) == (0, {"d": {"a": [2]}})
    done = sqlbulk("run", *target, "-c", "SELECT _id FROM t WHERE _id = 1")
    assert "|   _id |" in done.out
    done = sqlbulk("run", *target, "-c", "SELECT x FROM tt")
    assert (done.code, done.out) == (1, "")
    assert "E2020" in done.err


@pytest.mark.server
def test_a_query_s_reader_may_leave(target: list[str], database: Any) -> None:
    database.t.insert_many([{"n": n, "text": "x" * 100} for n in range(20_000)])
    pipe = subprocess.Popen(
        [sys.executable, "-m", "sqlbulk", "run", *target, "--format", "csv", "-c", "SELECT n, text FROM t"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pipe.stdout and pipe.stderr
    with pipe:
        assert pipe.stdout.readline().strip() == b"n,text"
        pipe.stdout.close()
        assert pipe.stderr.read() == b""
    assert pipe.returncode == 0


@pytest.mark.server
def test_text_that_the_terminal_can_t_show_is_spelt_out(target: list[str], database: Any) -> None:
    database.t.insert_one({"_id": 1, "x": "é"})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = command("run", *target, "-c", "SELECT x FROM t", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xe9" in done.stdout


@pytest.mark.server
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_one_line(target: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sqlbulk", "run", *target, "-c", "SELECT 1 AS x; SET batch_size = 1"], stdout=full,
            stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR E6006: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.server
def test_arguments_are_utf8_whatever_the_locale_says(sqlbulk: Any, target: list[str]) -> None:
    """In a locale without UTF-8 Python hands them over in pieces."""
    pieces = "'é'".encode().decode("ascii", "surrogateescape")
    done = sqlbulk("run", *target, "--format", "json", "-c", f"SELECT {pieces} AS x, :p AS p", "--param", f"p={pieces}")
    assert done.code == 0, done.err
    assert json.loads(done.out) == [{"x": "é", "p": "'é'"}]
