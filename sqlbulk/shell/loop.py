"""The conversation: read a statement, run it, show what comes, again."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlbulk.errors import SqlbulkError
from sqlbulk.shell.backslash import BY_NAME, COMMANDS, run_command, show_help
from sqlbulk.shell.state import Shell
from sqlbulk.shell.words import is_complete

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import History
    from prompt_toolkit.output import Output


class Conversation:
    """What is typed at a prompt, and what is done about it."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def run(self) -> int:
        """Talk until the user leaves; 0. SqlbulkError if there is no server to talk to."""
        self._greet()
        try:
            while not self.shell.leaving:
                text = self._read()
                if text is None:
                    break
                self.handle(text)
        finally:
            self.shell.send_output(None)
        return 0

    def handle(self, text: str) -> None:
        """Do what was typed: a command of the shell, or statements."""
        stripped = text.strip()
        word = stripped.rstrip(";").strip().lower()
        try:
            if not word:
                return
            if word in ("exit", "quit"):
                self.shell.leaving = True
            elif word in ("help", "?"):
                show_help(self.shell)
            elif stripped.startswith("\\"):
                run_command(self.shell, stripped)
            else:
                self.shell.last_text = stripped.removesuffix("\\g").rstrip()
                self.shell.run_text(self.shell.last_text)
        except SqlbulkError as error:
            self.shell.report.failure(error)
        except KeyboardInterrupt:
            self.shell.tell("interrupted")

    def _greet(self) -> None:
        if self.shell.session.private and not self.shell.report.quiet:
            self.shell.tell(f"No --uri: using the private server in {self.shell.session.data_dir}")
        server = ".".join(str(part) for part in self.shell.session.connection().server.version)
        if not self.shell.report.quiet:
            self.shell.tell(f"sqlbulk, MongoDB {server}. Statements end with a semicolon; \\? shows the commands.")

    def _read(self) -> str | None:
        """What the user typed; None at Ctrl-D."""
        while True:
            prefill, self.shell.prefill = self.shell.prefill, ""
            try:
                return self._prompt.prompt(
                    f"{self.shell.session.database}> ", default=prefill,
                    prompt_continuation=lambda width, *_: "… ".rjust(width))
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    @cached_property
    def _prompt(self) -> PromptSession[str]:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
        from prompt_toolkit.lexers import PygmentsLexer

        from sqlbulk.shell.colours import StatementLexer
        from sqlbulk.shell.completion import StatementCompleter
        from sqlbulk.shell.keys import bindings

        completer = StatementCompleter(
            commands={name: command.help for command in COMMANDS for name in command.names},
            arguments=self._arguments, collections=self.shell.collections, functions=lambda: self.shell.functions)
        return PromptSession(
            multiline=True, key_bindings=bindings(is_complete), lexer=PygmentsLexer(StatementLexer),
            completer=completer, complete_in_thread=True, complete_while_typing=True,
            history=_history(), auto_suggest=AutoSuggestFromHistory(),
            enable_open_in_editor=True, tempfile_suffix=".sql", output=_prompt_output())

    def _arguments(self, name: str) -> list[str] | str:
        command = BY_NAME.get(name)
        choices = command.choices(self.shell) if command else ()
        return choices if isinstance(choices, str) else list(choices)


def _history() -> History:
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        return FileHistory(str(history_file()))
    except OSError:
        # A home that can't be written to is no reason to have no shell.
        return InMemoryHistory()


def history_file() -> Path:
    """Where what was typed is kept: $SQLBULK_HISTORY, or a file for the user alone in the user's data directory.

    Raises OSError if it can't be made.
    """
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
