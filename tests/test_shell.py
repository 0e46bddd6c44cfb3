"""The shell: when Enter ends a statement, what Tab offers, the backslash commands, the conversation."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import sqlbulk
from sqlbulk.reports import Report
from sqlbulk.shell import run_shell
from sqlbulk.shell.backslash import COMMANDS
from sqlbulk.shell.colours import StatementLexer
from sqlbulk.shell.completion import StatementCompleter
from sqlbulk.shell.loop import Conversation, history_file
from sqlbulk.shell.state import Shell
from sqlbulk.shell.words import is_complete, keywords, open_option_block


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SQLBULK_URI", "MONGODB_URI", "SQLBULK_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SQLBULK_HISTORY", str(tmp_path / "state" / "history"))


# Words


@pytest.mark.parametrize(
    "text",
    ["", "  ", "SELECT 1;", "SELECT 1; ", "SELECT 1; -- end", "SELECT ';';", "\\d", "\\d users", "help", "exit;", "QUIT", "?",
     "SELECT 1 \\g", "/* ; */ SELECT 1;", "INSERT INTO t VALUES (E'it\\'s;');", "SELECT $$;$$;", "SELECT 1; SELECT 2;", ";"],
)
def test_enter_runs_what_is_complete(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize(
    "text",
    ["SELECT 1", "SELECT ';'", "SELECT ';", 'SELECT ";', "SELECT 1 -- ;", "SELECT 1 /* ;", "SELECT 1; SELECT 2", "helpers",
     "SELECT `;", "SELECT E'\\';", "SELECT $$;", "SELECT $a$;$$;"],
)
def test_enter_goes_on_with_what_is_not(text: str) -> None:
    assert not is_complete(text)


def test_a_large_paste_is_judged_quickly() -> None:
    text = "INSERT INTO t VALUES " + ", ".join(f"({n}, 'it''s; {n}', E'x')" for n in range(50_000))
    began = time.perf_counter()
    assert not is_complete(text)
    assert is_complete(text + ";")
    assert time.perf_counter() - began < 10


def test_the_keywords_are_the_grammar_s() -> None:
    assert {"SELECT", "INSERT", "BULK_OPTIONS", "CONFLICT", "DUPLICATE", "INTERVAL", "TABLES"} <= {*keywords(), "BULK_OPTIONS"}
    assert all(word.isupper() for word in keywords())


@pytest.mark.parametrize(
    ("text", "inside"),
    [("INSERT INTO t ? WITH BULK_OPTIONS (", True), ("… WITH (batch_size = 5, ", True), ("… BULK_OPTIONS (x = ", False),
     ("… WITH BULK_OPTIONS (a = f(1), b", True), ("… WITH BULK_OPTIONS (a = 1) ", False), ("SELECT f(", False)],
)
def test_option_blocks_are_recognised(text: str, inside: bool) -> None:
    assert open_option_block(text) == inside


# Colours


def test_every_character_is_coloured_and_none_is_lost() -> None:
    text = "SELECT 'a''b', \"x\", 1.5e3, :p, ? FROM users -- end\n/* open"
    tokens = list(StatementLexer(stripnl=False, ensurenl=False).get_tokens(text))
    assert "".join(value for _, value in tokens) == text
    kinds = {value: str(kind) for kind, value in tokens}
    assert kinds["SELECT"] == "Token.Keyword"
    assert kinds["'a''b'"] == "Token.Literal.String"
    assert kinds["1.5e3"] == "Token.Literal.Number"
    assert kinds["-- end"] == "Token.Comment"
    assert kinds["/* open"] == "Token.Comment"
    assert kinds[":p"] == "Token.Name.Tag"


# Completion


def _offers(text: str, *, asked: bool = True) -> list[str]:
    completer = StatementCompleter(
        commands={name: c.help for c in COMMANDS for name in c.names},
        arguments=lambda name: {"\\d": ["users", "user_log"], "\\i": "path"}.get(name, []),
        collections=lambda: ["users", "user_log", "Orders"], functions=lambda: ["UPPER", "UUID"])
    event = CompleteEvent(completion_requested=asked)
    return [c.text for c in completer.get_completions(Document(text), event)]


def test_completion_follows_the_place() -> None:
    assert _offers("SELECT * FROM us") == ["users", "user_log"]
    assert _offers("INSERT INTO ") == ["users", "user_log", "Orders"]
    assert _offers("DELETE FROM or") == ["Orders"]
    assert _offers("… WITH BULK_OPTIONS (batch_si") == ["batch_size"]
    assert "UPPER" in _offers("SELECT UPP")
    assert "upper" in _offers("select upp")
    assert "users" in _offers("UPDATE x SET y = us")
    assert "SELECT" in _offers("SEL")
    assert _offers("SELECT 'us") == []
    assert _offers("SELECT ", asked=False) == []
    assert _offers("\\tim") == ["\\timing"]
    assert _offers("\\d us") == ["users", "user_log"]
    assert _offers("\\q x") == []
    assert _offers("\\d a b") == []


def test_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "script.sql").touch()
    assert _offers(f"\\i {tmp_path}/scr") == ["ipt.sql"]


# Commands


class Output:
    """A shell with what it writes."""

    def __init__(self, uri: str | None = None, **options: Any) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.session = sqlbulk.connect(uri or "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", **options)
        self.shell = Shell(self.session, Report(self.out, self.err), parameters=None)

    def type(self, *texts: str) -> tuple[str, str]:
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        for text in texts:
            Conversation(self.shell).handle(text)
        return self.out.getvalue(), self.err.getvalue()


@pytest.fixture
def output() -> Iterator[Output]:
    made = Output()
    yield made
    made.session.close()


def test_help_lists_every_command(output: Output) -> None:
    for text in ("\\?", "\\h", "help", "help;", "?"):
        out, err = output.type(text)
        assert err == ""
        for command in COMMANDS:
            assert command.names[0] in out
            assert command.help in out


@pytest.mark.parametrize("text", ["exit", "quit;", "\\q", "EXIT"])
def test_leaving(output: Output, text: str) -> None:
    output.type(text)
    assert output.shell.leaving


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\\nonsense", "there is no command \\nonsense"), ("\\timing on", "\\timing takes nothing behind it"),
        ("\\i", "\\i needs something behind it: \\i FILE"), ("\\g", "there is no statement yet"),
        ("\\watch", "there is no statement yet"), ("\\p", "nothing was planned yet"),
        ("\\format xml", "there is no format xml"), ("\\u a b", "can't be the name of a database"),
        ("\\i /no/such/file.sql", "E6002"), ("\\o /no/such/directory/file", "can't be written"),
        ("\\df nonsense", "there is no function nonsense"), ("\\do nonsense", "there is no option nonsense"),
        ("SELEKT 1;", "E1006"), ("SELECT 'a", "E1002"), ("\\d", "E5001"),
    ],
)
def test_an_error_is_told_and_doesn_t_end_the_shell(output: Output, text: str, words: str) -> None:
    out, err = output.type(text)
    assert out == ""
    assert words in err
    assert not output.shell.leaving


def test_nothing_is_nothing(output: Output) -> None:
    assert output.type("", "  ", ";", " ; ") == ("", "")


def test_functions_and_options(output: Output) -> None:
    out, _ = output.type("\\df coun")
    assert "COUNT" in out
    assert {"COUNT", "UPPER"} <= set(output.shell.functions)
    output.type("SET batch_size = 17;", "set ordered = true;")
    out, _ = output.type("\\do batch")
    assert out.startswith("batch_size = 17\n    How many rows")
    out, _ = output.type("\\do")
    assert "ordered = true\n" in out
    assert "comment = none\n" in out


def test_switches(output: Output) -> None:
    assert output.type("\\x") == ("", "format vertical\n")
    assert output.type("\\x") == ("", "format table\n")
    output.type("\\format CSV")
    assert output.shell.report.format == "csv"
    assert output.type("\\timing") == ("", "timing on\n")
    _, err = output.type("SET batch_size = 1;")
    assert err.startswith("SET\nTime: ")
    output.type("\\u other")
    assert output.session.database == "other"
    output.type("USE third;")
    assert output.session.database == "third"


def test_the_last_statement_again_and_its_plan(output: Output) -> None:
    assert "E2006" in output.type("SET nonsense = 1 \\g")[1]
    assert output.shell.last_text == "SET nonsense = 1"
    assert "E2006" in output.type("\\g")[1]
    output.type("EXPLAIN INSERT INTO users (a) VALUES (1);")
    out, err = output.type("\\p")
    assert "users" in out
    assert err == ""


def test_scripts_and_output_files(output: Output, tmp_path: Path) -> None:
    script, written = tmp_path / "a.sql", tmp_path / "out.txt"
    script.write_text("SET batch_size = 3;\nSET nonsense = 1;\n")
    _, err = output.type(f"\\i {script}")
    assert f"[at {script}:2:1]" in err
    output.type(f"\\o {written}", "\\do batch_size", "\\o")
    assert written.read_text().startswith("batch_size = 3\n")
    out, _ = output.type("\\do batch_size")
    assert out.startswith("batch_size = 3\n")


def test_the_editor_fills_the_next_prompt(output: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "-- edited" >> "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    output.type("SET batch_size = 3;", "\\e")
    assert output.shell.prefill == "SET batch_size = 3;\n-- edited"


def test_watching_repeats_until_ctrl_c(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    output.type("SET batch_size = 3;")
    monkeypatch.setattr("sqlbulk.shell.backslash.time.sleep", nap)
    out, err = output.type("\\watch 0.5")
    assert (naps, err) == ([0.5] * 3, "SET\n" * 3)
    assert out.count("every 0.5 s") == 3
    assert "not a number of seconds" in output.type("\\watch soon")[1]


def test_watching_ends_at_an_error(output: Output) -> None:
    output.type("SET nonsense = 3;")
    out, err = output.type("\\watch 0.01")
    assert out.count("every") == 1
    assert "E2006" in err


def test_the_history_is_the_user_s_own(tmp_path: Path) -> None:
    path = history_file()
    assert path == tmp_path / "state" / "history"
    assert path.stat().st_mode & 0o077 == 0


# The conversation


@pytest.mark.server
def test_a_conversation(server_uri: str, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Output(server_uri, database=database.name)
    with made.session, create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("insert into things (_id, a)\rvalues (1, 'x;\ry');\r")
        keys.send_text("drop this\x03")
        keys.send_text("\\d things\r")
        keys.send_text("\x04")
        assert Conversation(made.shell).run() == 0
    assert list(database.things.find()) == [{"_id": 1, "a": "x;\ny"}]
    out, err = made.out.getvalue(), made.err.getvalue()
    assert "inserted" in out
    assert "| a " in out
    assert "| _id_ " in out
    assert "Statements end with a semicolon" in err
    assert "drop" not in history_file().read_text()


@pytest.mark.server
def test_collections_databases_and_unknown_ones(server_uri: str, database: Any) -> None:
    database.things.insert_many([{"_id": 1, "a": {"b": "x"}}, {"_id": 2, "a": 5}])
    database.things.create_index([("a.b", -1)], unique=True, sparse=True)
    made = Output(server_uri, database=database.name)
    with made.session:
        out, err = made.type("\\d")
        assert "| things " in out
        assert err == ""
        out, _ = made.type("\\d things")
        assert "a.b DESC" in out
        assert "50%" in out
        assert "document" in out
        out, _ = made.type("\\l")
        assert database.name in out
        assert made.shell.collections() == ["things"]
        out, err = made.type("\\d nothing")
        assert out == ""
        assert err.startswith("ERROR E2020: there is no collection nothing")


def test_without_a_server_there_is_no_conversation(output: Output) -> None:
    with pytest.raises(sqlbulk.ConnectionFailed, match="E5001"):
        Conversation(output.shell).run()
    assert output.shell.collections() == []


def test_what_is_piped_in_is_a_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"SET batch_size = 7;\nSET nonsense = 1;")))
    with sqlbulk.connect("mongodb://127.0.0.1:1") as session:
        assert run_shell(session) == 1
        assert session.options.batch_size == 7
    assert "[at <stdin>:2:1]" in capsys.readouterr().err


