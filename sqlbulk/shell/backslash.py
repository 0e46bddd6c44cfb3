"""The shell's own commands: one entry each, with its help and what may stand behind it."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlbulk.errors import UsageError
from sqlbulk.formats import FORMATS
from sqlbulk.options import settings
from sqlbulk.plan.show import function_rows, option_rows
from sqlbulk.shell.state import Shell


@dataclass(frozen=True, slots=True)
class Command:
    """A backslash command: names, the form of its argument, help, and what it does.

    `choices` gives what may stand behind it, or 'path' for a file.
    """

    names: tuple[str, ...]
    argument: str
    help: str
    run: Callable[[Shell, str], None]
    choices: Callable[[Shell], Iterable[str] | str] = lambda shell: ()


def run_command(shell: Shell, text: str) -> None:
    """Run what was typed behind the prompt, such as `\\d users`; SqlbulkError if it can't be."""
    name, _, argument = text.strip().rstrip(";").strip().partition(" ")
    command = BY_NAME.get(name)
    if command is None:
        raise UsageError("E6001", f"there is no command {name}", hint="\\? lists them.")
    argument = argument.strip()
    if not command.argument and argument:
        raise UsageError("E6001", f"{name} takes nothing behind it")
    if command.argument and not command.argument.startswith("[") and not argument:
        raise UsageError("E6001", f"{name} needs something behind it: {name} {command.argument}")
    command.run(shell, argument)


def show_help(shell: Shell, _: str = "") -> None:
    """The commands, and how a statement is ended."""
    width = max(len(_usage(command)) for command in COMMANDS)
    for command in COMMANDS:
        shell.report.out.write(f"  {_usage(command):<{width}}  {command.help}\n")
    shell.report.out.write(
        "\nA statement ends with a semicolon. Ctrl-C stops it, or drops what was typed; Ctrl-D leaves.\n")


def _usage(command: Command) -> str:
    return f"{', '.join(command.names)} {command.argument}".rstrip()


def _quit(shell: Shell, _: str) -> None:
    shell.leaving = True


def _describe(shell: Shell, name: str) -> None:
    if not name:
        shell.look("SHOW COLLECTIONS")
        return
    collection = name if name[0] in "\"`" else '"' + name.replace('"', '""') + '"'
    if shell.look(f"DESCRIBE {collection}"):
        shell.look(f"SHOW INDEXES FROM {collection}")


def _databases(shell: Shell, _: str) -> None:
    shell.look("SHOW DATABASES")


def _functions(shell: Shell, name: str) -> None:
    rows = [row for row in function_rows() if row[0].startswith(name.upper())]
    if name and not rows:
        raise UsageError("E2003", f"there is no function {name}")
    _list(shell, [(called, f"{help_text} Example: {example}") for called, help_text, example in rows])


def _options(shell: Shell, name: str) -> None:
    rows = [row for row in option_rows(shell.session.options) if row[0].startswith(name.lower())]
    if not rows:
        raise UsageError("E2006", f"there is no option {name}")
    _list(shell, [
        (f"{option} = {value or 'none'}", f"{help_text} Takes {takes}.") for option, value, takes, help_text in rows])


def _list(shell: Shell, entries: Iterable[tuple[str, str]]) -> None:
    """A line for each entry, and its text below, folded to the terminal's width."""
    width = min(shutil.get_terminal_size().columns, 100)
    for title, text in entries:
        folded = textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
        shell.report.out.write(f"{title}\n{folded}\n")


def _use(shell: Shell, name: str) -> None:
    shell.session.database = name
    shell.forget_names()


def _vertical(shell: Shell, _: str) -> None:
    shell.report.format = "table" if shell.report.format == "vertical" else "vertical"
    shell.tell(f"format {shell.report.format}")


def _timing(shell: Shell, _: str) -> None:
    shell.timing = not shell.timing
    shell.tell(f"timing {'on' if shell.timing else 'off'}")


def _format(shell: Shell, name: str) -> None:
    known = _writable(shell)
    if name.lower() not in known:
        raise UsageError("E6001", f"there is no format {name}", hint=f"There are {', '.join(known)}.")
    shell.report.format = name.lower()


def _writable(_: Shell) -> list[str]:
    return [entry.name for entry in FORMATS if entry.writer is not None]


def _output(shell: Shell, path: str) -> None:
    try:
        shell.send_output(Path(path).expanduser() if path else None)
    except OSError as error:
        raise UsageError("E6002", f"{path} can't be written: {error.strerror}") from None


def _include(shell: Shell, path: str) -> None:
    shell.run_file(Path(path.strip("'\"")).expanduser())


def _edit(shell: Shell, _: str) -> None:
    import click

    try:
        text = click.edit(shell.last_text or "", extension=".sql")
    except click.ClickException as error:
        raise UsageError("E6001", error.message, hint="Set $EDITOR.") from None
    if text is not None:
        shell.prefill = text.strip()


def _again(shell: Shell, _: str) -> None:
    shell.run_text(_last(shell))


def _last(shell: Shell) -> str:
    if shell.last_text is None:
        raise UsageError("E6001", "there is no statement yet")
    return shell.last_text


def _watch(shell: Shell, text: str) -> None:
    statement = _last(shell)
    try:
        seconds = float(text or 2)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise UsageError("E6001", f"\\watch {text}: not a number of seconds")
    try:
        while True:
            shell.report.out.write(f"-- {time.strftime('%H:%M:%S')}, every {seconds:g} s, until Ctrl-C\n")
            shell.report.out.flush()
            if not shell.run_text(statement):
                return
            time.sleep(seconds)
    except KeyboardInterrupt:
        shell.report.out.write("\n")


def _plan(shell: Shell, _: str) -> None:
    plan = shell.session.last_plan
    if plan is None:
        raise UsageError("E6001", "nothing was planned yet")
    shell.report.out.write(f"{str(plan).rstrip()}\n")


def _collections(shell: Shell) -> Iterable[str]:
    return shell.collections()


def _path(_: Shell) -> str:
    return "path"


COMMANDS: tuple[Command, ...] = (
    Command(("\\?", "\\h"), "", "Show this help.", show_help),
    Command(("\\q",), "", "Leave.", _quit),
    Command(("\\d",), "[COLLECTION]", "Show a collection's fields and indexes, or all collections.", _describe,
            _collections),
    Command(("\\dt",), "", "Show the collections.", _describe),
    Command(("\\df",), "[NAME]", "Show the functions.", _functions, lambda shell: shell.functions),
    Command(("\\do",), "[NAME]", "Show the options of statements and their present defaults.", _options,
            lambda shell: settings()),
    Command(("\\l",), "", "Show the databases.", _databases),
    Command(("\\u", "\\c"), "DATABASE", "Use another database.", _use),
    Command(("\\x",), "", "Results a value a line, or as tables again.", _vertical),
    Command(("\\format",), "FORMAT", "How results are written.", _format, _writable),
    Command(("\\timing",), "", "Show how long statements take, or not.", _timing),
    Command(("\\o",), "[FILE]", "Write results to a file, or to the terminal again.", _output, _path),
    Command(("\\i",), "FILE", "Run a script.", _include, _path),
    Command(("\\e",), "", "Edit the last statement with $EDITOR.", _edit),
    Command(("\\g",), "", "Run the last statement again.", _again),
    Command(("\\watch",), "[SECONDS]", "Run the last statement again and again.", _watch),
    Command(("\\p",), "", "Show the plan of the last statement.", _plan),
)
"""Every command, once, in the order of the help."""

BY_NAME = {name: command for command in COMMANDS for name in command.names}

__all__ = ["BY_NAME", "COMMANDS", "Command", "run_command", "show_help"]
