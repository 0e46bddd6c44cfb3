"""The conversation: read a statement, run it, show what comes, again."""

from __future__ import annotations

import os
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlbulk.errors import SqlbulkError
from sqlbulk.execute import inspection
from sqlbulk.plan.show import function_rows
from sqlbulk.reports import Report
from sqlbulk.runner import run_scripts
from sqlbulk.session import Parameters, Session
from sqlbulk.shell.backslash import BY_NAME, COMMANDS, run_command, show_help
from sqlbulk.shell.words import is_complete

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import Output

_NAMES_FOR = 10.0
"""Seconds for which the names of the collections are good."""


class Shell:
    """A conversation with one session.

    `last_text` is the last statement, `prefill` what stands behind the next prompt at first.
    """

    def __init__(self, session: Session, report: Report, *, parameters: Parameters) -> None:
        self.session, self.report, self.parameters = session, report, parameters
        self.leaving = self.timing = False
        self.last_text: str | None = None
        self.prefill = ""
        self._terminal = report.out
        self._names: tuple[float, list[str]] = (0.0, [])

    def run(self) -> int:
        """Talk until the user leaves; 0. SqlbulkError if there is no server to talk to."""
        self._greet()
        try:
            while not self.leaving:
                text = self._read()
                if text is None:
                    break
                self.handle(text)
        finally:
            self.send_output(None)
        return 0

    def handle(self, text: str) -> None:
        """Do what was typed: a command of the shell, or statements."""
        stripped = text.strip()
        word = stripped.rstrip(";").strip().lower()
        try:
            if not word:
                return
            if word in ("exit", "quit"):
                self.leaving = True
            elif word in ("help", "?"):
                show_help(self)
            elif stripped.startswith("\\"):
                run_command(self, stripped)
            else:
                self.last_text = stripped.removesuffix("\\g").rstrip() if stripped.endswith("\\g") else stripped
                self.run_text(self.last_text)
        except SqlbulkError as error:
            self.report.failure(error)
        except KeyboardInterrupt:
            self.tell("interrupted")

    def run_text(self, text: str) -> bool:
        """Run statements and show what comes; whether all went well."""
        began = time.perf_counter()
        code = self._run_script("<shell>", text)
        if self.timing:
            self.report.err.write(f"Time: {_duration(time.perf_counter() - began)}\n")
        return code in (0, 3)

    def run_file(self, path: Path) -> None:
        """Run a script file."""
        self._run_script(str(path), path)

    def _run_script(self, name: str, script: str | Path) -> int:
        # Each has its own report: a closing summary is about what was just run.
        report = Report(self.report.out, self.report.err, format=self.report.format, quiet=self.report.quiet)
        return run_scripts(self.session, [(name, script)], report, parameters=self.parameters)

    def look(self, text: str) -> bool:
        """Run a statement on the user's behalf, which isn't the last one; whether it went well."""
        plan = self.session.last_plan
        try:
            return self._run_script("<shell>", text) == 0
        finally:
            self.session.last_plan = plan

    def tell(self, text: str) -> None:
        """Write a line about the shell itself."""
        self.report.err.write(f"{text}\n")
        self.report.err.flush()

    def send_output(self, path: Path | None) -> None:
        """Write results to a file, None: to the terminal. OSError if it can't be opened."""
        if path is not None:
            opened = path.open("w", encoding="utf-8")
        if self.report.out is not self._terminal:
            self.report.out.close()
        self.report.out = self._terminal if path is None else opened

    def collections(self) -> list[str]:
        """The collections of the database, asked for now and then; none if the server doesn't answer."""
        told, names = self._names
        if not told or time.monotonic() - told > _NAMES_FOR:
            try:
                names = inspection.collection_names(self.session.connection())
            except SqlbulkError:
                names = []
            self._names = (time.monotonic(), names)
        return names

    def forget_names(self) -> None:
        """Ask for the collections anew when they are needed."""
        self._names = (0.0, [])

    @cached_property
    def functions(self) -> list[str]:
        """The names of all functions that are words."""
        return [row[0] for row in function_rows()]

    def _greet(self) -> None:
        if self.session.private:
            self.tell(f"No --uri: using the private server in {self.session.data_dir}")
        server = ".".join(str(part) for part in self.session.connection().server.version)
        if not self.report.quiet:
            self.tell(f"sqlbulk, MongoDB {server}. Statements end with a semicolon; \\? shows the commands.")

    def _read(self) -> str | None:
        """What the user typed; None at Ctrl-D."""
        while True:
            prefill, self.prefill = self.prefill, ""
            try:
                return self._prompt.prompt(
                    f"{self.session.database}> ", default=prefill,
                    prompt_continuation=lambda width, *_: "… ".rjust(width))
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    @cached_property
    def _prompt(self) -> PromptSession[str]:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
        from prompt_toolkit.history import FileHistory
        from prompt_toolkit.lexers import PygmentsLexer

        from sqlbulk.shell.colours import StatementLexer
        from sqlbulk.shell.completion import StatementCompleter
        from sqlbulk.shell.keys import bindings

        completer = StatementCompleter(
            commands={name: command.help for command in COMMANDS for name in command.names},
            arguments=self._arguments, collections=self.collections, functions=lambda: self.functions)
        return PromptSession(
            multiline=True, key_bindings=bindings(is_complete), lexer=PygmentsLexer(StatementLexer),
            completer=completer, complete_in_thread=True, complete_while_typing=True,
            history=FileHistory(str(history_file())), auto_suggest=AutoSuggestFromHistory(),
            enable_open_in_editor=True, tempfile_suffix=".sql", output=_prompt_output())

    def _arguments(self, name: str) -> list[str] | str:
        command = BY_NAME.get(name)
        choices = command.choices(self) if command else ()
        return choices if isinstance(choices, str) else list(choices)


def history_file() -> Path:
    """Where what was typed is kept: $SQLBULK_HISTORY, or a file for the user alone in the user's data directory."""
    given = os.environ.get("SQLBULK_HISTORY")
    if given:
        path = Path(given)
    else:
        import platformdirs

        path = Path(platformdirs.user_data_dir("sqlbulk", appauthor=False)) / "history"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return path


def _prompt_output() -> Output | None:
    """Where the prompt is drawn: on stderr if only that is a terminal, so that results alone go to a pipe."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        return None
    from prompt_toolkit.output import create_output

    return create_output(sys.stderr)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
