"""The command line: arguments become a session, results and errors become text and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from sqlbulk.errors import SqlbulkError, UsageError

if TYPE_CHECKING:
    from sqlbulk.session import Parameters, Script, Session

FORMATS = ("table", "vertical", "json", "jsonl", "csv", "tsv", "markdown", "html")
INTERRUPTED = 5
EXIT_CODES = """\b
Exit codes: 0 done, 1 usage or syntax, 2 connection or authorization,
3 done with rejected rows, 4 stopped at the error limit, 5 interrupted,
6 archive and delete differ."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; `arguments` None: the program's."""
    code = _run(arguments)
    if code == INTERRUPTED and threading.current_thread() is threading.main_thread():
        # Whoever goes on pressing Ctrl-C wants the end, not tracebacks out of it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def console() -> NoReturn:
    """The program: run the command line and leave with its exit code."""
    code = main()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed by now; an ordinary exit would wait half a second for the driver's threads.
    os._exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout, sys.stderr = sys.stdout or _nowhere("w"), sys.stderr or _nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        # What the terminal can't show is better spelt out than the end of a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(cli.main(args=arguments, prog_name="sqlbulk", standalone_mode=False) or 0)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as problem:
        problem.show()
        return 1
    except SqlbulkError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("ERROR E5008: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        from sqlbulk.runner import discard

        discard(sys.stdout)
        return 0
    except OSError as problem:
        # What is read is the layers' business and becomes an error of theirs; this is what is written.
        from sqlbulk.runner import discard

        discard(sys.stdout)
        click.echo(f"ERROR E6006: the output can't be written: {problem.strerror}", err=True)
        return 1


def _nowhere(mode: str) -> Any:
    """What stands for a standard stream that was closed before the program began."""
    return Path(os.devnull).open(mode, encoding="utf-8")


class _Commands(click.Group):
    """The subcommands; without one it is the shell."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or (arguments[0].startswith("-") and arguments[0] not in {"--help", "--version", "-h"}):
            arguments = ["shell", *arguments]
        return super().parse_args(context, arguments)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if arguments[0] not in self.commands and Path(arguments[0]).is_file():
            message = f"{arguments[0]!r} is no command. To run the file: sqlbulk run {arguments[0]}"
            raise click.UsageError(message, context)
        return super().resolve_command(context, arguments)


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"sqlbulk {version('sqlbulk')}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
              help="Show the version.")
def cli() -> None:
    """SQL bulk statements for MongoDB. Without a command: the shell."""


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_session_options = _options(
    click.option("--uri", help="The server's connection string; else $SQLBULK_URI, else $MONGODB_URI,"
                 " else a private server is started."),
    click.option("-d", "--database", help="The database; else $SQLBULK_DATABASE, the URI's, or test."),
    click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path),
                 help="Where the private server keeps its data."),
    click.option("--now", metavar="ISO8601", help="The time that CURRENT_TIMESTAMP gives, such as 2025-01-31T12:00Z."),
    click.option("--set", "settings", metavar="OPTION=VALUE", multiple=True,
                 help="A default for an option of statements, as SET; repeatable."),
    click.option("--param", "parameters", metavar="NAME=VALUE", multiple=True,
                 help="A text for :NAME, or for the first ? if NAME is 1; NAME:=JSON gives other types; repeatable."),
)
_commands_option = click.option("-c", "--command", "commands", metavar="SQL", multiple=True,
                                help="Statements to run, before any file; repeatable.")
_output_options = _options(
    click.option("--format", type=click.Choice(FORMATS, case_sensitive=False), default="table", show_default=True,
                 help="How results are written to stdout."),
    click.option("-q", "--quiet", is_flag=True,
                 help="Only the rows of queries, and errors: no summaries, notices or progress."),
    click.option("--no-progress", is_flag=True, help="No progress bar or lines."),
)


@cli.command(epilog=EXIT_CODES)
@click.argument("files", nargs=-1, metavar="[FILE… | -]", type=click.Path(path_type=Path, allow_dash=True))
@_commands_option
@_session_options
@_output_options
@click.option("--continue", "go_on", is_flag=True, help="Go on with the next statement when one fails.")
@click.option("--dry-run", is_flag=True, help="Write nothing: count and show what statements would write, as DRY RUN.")
def run(
    files: tuple[Path, ...], commands: tuple[str, ...], *, parameters: tuple[str, ...], go_on: bool, dry_run: bool,
    format: str, quiet: bool, no_progress: bool, **connection: Any,
) -> int:
    """Run scripts: files, - for standard input, or -c SQL."""
    from sqlbulk.reports import Report
    from sqlbulk.runner import run_scripts, tell_unused

    report = Report(sys.stdout, sys.stderr, format=format, quiet=quiet)
    values = _parameters(parameters)
    scripts = _scripts(files, commands)
    with _session(connection) as session:
        _choose_progress(session, silent=quiet or no_progress)
        session.dry_run = dry_run
        code = run_scripts(session, scripts, report, parameters=values, go_on=go_on)
        if code in (0, 3):
            tell_unused(session, report, values)
    return code


@cli.command()
@click.argument("files", nargs=-1, metavar="[FILE… | -]", type=click.Path(path_type=Path, allow_dash=True))
@_commands_option
@_session_options
def explain(
    files: tuple[Path, ...], commands: tuple[str, ...], *, parameters: tuple[str, ...], **connection: Any
) -> int:
    """Show what statements would ask of MongoDB, without running them."""
    values = _parameters(parameters)
    scripts = _scripts(files, commands)
    with _session(connection) as session:
        separator = ""
        for name, script in scripts:
            for plan in session.plans(script, values, name=name):
                text = str(plan).rstrip()
                click.echo(f"{separator}{text}")
                for notice in plan.notices:
                    if notice not in text:
                        click.echo(f"notice: {notice}", err=True)
                separator = "\n"
    return 0


@cli.command()
@_session_options
@_output_options
def shell(
    *, parameters: tuple[str, ...], format: str, quiet: bool, no_progress: bool, **connection: Any
) -> int:
    """Type statements at a prompt; \\? there lists the shell's commands. A script piped in is run."""
    from sqlbulk.shell import run_shell

    values = _parameters(parameters)
    with _session(connection) as session:
        _choose_progress(session, silent=quiet or no_progress)
        return run_shell(session, format=format.lower(), quiet=quiet, parameters=values)


def _session(connection: dict[str, Any]) -> Session:
    import logging

    from sqlbulk.session import connect

    # The driver complains of cursors that it can't close because the server is gone; the error says enough of that.
    logging.getLogger("pymongo").addHandler(logging.NullHandler())
    options = dict(_pair(text, "--set", "OPTION=VALUE") for text in connection.pop("settings"))
    return connect(
        connection["uri"], database=connection["database"], now=connection["now"], data_dir=connection["data_dir"],
        **options)


def _choose_progress(session: Session, *, silent: bool) -> None:
    from sqlbulk.progress import choose_progress

    session.progress = choose_progress(sys.stderr, quiet=silent, interval=session.options.progress_interval)


def _scripts(files: tuple[Path, ...], commands: tuple[str, ...]) -> list[tuple[str, Script]]:
    """The scripts and their names, the -c ones first; standard input if there is none and it is no terminal."""
    if not files and not commands:
        if _is_terminal(sys.stdin):
            raise UsageError("E6001", "nothing to run", hint="Give a FILE, - for standard input, or -c SQL.")
        files = (Path("-"),)
    if files.count(Path("-")) > 1:
        raise UsageError("E6001", "standard input can be read only once")
    named: list[tuple[str, Script]] = [
        ("-c" if len(commands) == 1 else f"-c {number}", _utf8(text, "-c")) for number, text in enumerate(commands, 1)
    ]
    for file in files:
        named.append(("<stdin>", sys.stdin.buffer) if file == Path("-") else (str(file), file))
    return named


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _parameters(texts: tuple[str, ...]) -> Parameters:
    """The values of --param: all with names, or all with the numbers from 1 on."""
    values: dict[str, Any] = {}
    for text in texts:
        name, value = _pair(text, "--param", "NAME=VALUE")
        if name.endswith(":"):
            name, value = name[:-1].rstrip(), _json(name[:-1], value)
        if name in values:
            raise UsageError("E6001", f"--param {name} is given twice")
        values[name] = value
    if not values or all(name.isidentifier() for name in values):
        return values or None
    numbers = [str(number) for number in range(1, len(values) + 1)]
    if set(values) != set(numbers):
        raise UsageError("E6001", f"--param takes names, or the numbers from 1 on, not {', '.join(values)}")
    return [values[number] for number in numbers]


def _json(name: str, text: str) -> Any:
    from bson import json_util

    try:
        return json_util.loads(text)
    except (ValueError, TypeError, ArithmeticError) as problem:
        raise UsageError("E6001", f"--param {name}: not JSON ({problem})", hint="NAME=VALUE gives a text.") from None


def _utf8(text: str, flag: str) -> str:
    """An argument of the command line, which is UTF-8 whatever the locale says of it."""
    try:
        return os.fsencode(text).decode() if any("\udc80" <= char <= "\udcff" for char in text) else text
    except UnicodeError:
        raise UsageError("E6001", f"{flag}: the text is not UTF-8") from None


def _pair(text: str, flag: str, form: str) -> tuple[str, str]:
    text = _utf8(text, flag)
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError("E6001", f"{flag} {text}: expected {form}")
    return name.strip(), value
