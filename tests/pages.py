"""The generated pages of docs/: each a function from the tables in the code to Markdown."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = "<!-- Made from the code by `pytest tests/test_docs.py --update-golden`; edits here are overwritten. -->\n\n"


def options() -> str:
    from sqlbulk.options import settings

    lines = [
        HEAD + "# Options\n",
        "An option stands in a block behind the statement, `WITH BULK_OPTIONS (batch_size = 1000, ordered = true)`;"
        " `BATCH_CONFIG`, `INSERT_OPTIONS`, `UPDATE_OPTIONS`, `DELETE_OPTIONS` and plain `WITH (…)` are the same block."
        " `SET batch_size = 1000` gives the rest of a session a default, as does `--set batch_size=1000` on the command"
        " line and `connect(batch_size=1000)` in Python. An unknown option is an error that names the nearest one.\n",
    ]
    for setting in settings().values():
        aliases = f" Also written {', '.join(f'`{a}`' for a in setting.aliases)}." if setting.aliases else ""
        lines.append(f"## {setting.name}\n\n{setting.help}{aliases}\n")
        lines.append(f"Takes {setting.kind.takes}; default `{_default(setting.default)}`."
                     f" For {', '.join(sorted(setting.statements))}.\n")
    from sqlbulk.plan.insert.time_series import BLOCK, OPTIONS

    lines.append(f"## {BLOCK}\n\nA block of its own in INSERT, for the collection that the rows go to; these have no"
                 " default, and SET doesn't take them.\n")
    lines += [f"- `{name}`: {option.help} Takes {option.takes}." for name, option in OPTIONS.items()]
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def errors() -> str:
    from sqlbulk.codes import CODES

    groups = {
        "1": "The text can't be read", "2": "It can be read, but doesn't fit together", "3": "Refused by name",
        "4": "One row", "5": "The server", "6": "The command line, files, the embedded server",
    }
    lines = [HEAD + "# Errors\n", "Every error has a code. Errors in a statement show its line with a caret.\n"]
    group = ""
    for code, entry in sorted(CODES.items()):
        if code[1] != group:
            group = code[1]
            lines.append(f"## {groups[group]}\n")
        lines.append(f"### {code} {entry.title}\n\n{entry.cause} {entry.remedy}\n")
    lines.append(
        "## Exit codes\n\n| code | meaning |\n|---|---|\n| 0 | done |\n| 1 | usage (a malformed URI too) or syntax, or a"
        " statement that was refused as a whole (E5005, E5011) |\n| 2 | no connection, a lost one, a refused login, or not"
        " allowed |\n| 3 | done, but rows were rejected |\n| 4 | stopped at"
        " the error limit |\n| 5 | interrupted |\n| 6 | what was archived and what was to be deleted differ |\n")
    return "\n".join(lines)


def formats() -> str:
    from sqlbulk.formats import FORMATS

    lines = [
        HEAD + "# Formats\n",
        "`INSERT INTO t FROM 'file'` finds the format by the file's extension, or is told: `FORMAT csv`. Files may be"
        " compressed (`.gz`, `.bz2`, `.zst`), a pattern (`'in/*.csv'`), or standard input (`FROM STDIN`). Results are"
        " written with `--format`.\n",
        "| format | extensions | read | written | |\n|---|---|---|---|---|",
    ]
    for entry in FORMATS:
        extensions = ", ".join(f".{e}" for e in entry.extensions)
        read, written = ("yes" if side else "" for side in (entry.reader, entry.writer))
        lines.append(f"| {entry.name} | {extensions} | {read} | {written} | {entry.help} |")
    from sqlbulk.formats.celltypes import TYPE_NAMES
    from sqlbulk.plan.insert.files import SETTINGS

    lines.append("\n## Options of files\n\nThey stand behind the file, in any order: `FROM 'in.csv' DELIMITER ';' HEADER false`."
                 " One that a format has no use for is refused.\n\n| option | what it means | for |\n|---|---|---|")
    for word, setting in SETTINGS.items():
        takers = [e.name for e in FORMATS if e.reader and setting.field in e.options]
        help_text = setting.help.replace("|", "\\|")
        lines.append(f"| `{word}` | {help_text} | {', '.join(takers) or 'all'} |")
    lines.append(
        "\n## Columns of files\n\n`COLUMNS (name TYPE DEFAULT value, …)` gives names and types. Where the file has a header it goes"
        " by the names in it, and columns that it doesn't list are loaded as well; without a header it goes by position, and rows"
        " may lack columns at the end that have a default. Of documents it takes the fields that it lists, `a.b` from"
        f" within `a`, and leaves the others; a notice names the fields that no document has. The types are {', '.join(TYPE_NAMES)}; a value that doesn't fit is a refused row.\n\n"
        "A CSV column without a type is looked at in the first thousand rows: whole numbers, numbers, true and false, and timestamps with a"
        " zone (`2025-01-31T12:00:00Z`) are taken for that, all else is text: so are dates alone, and codes such as `00123`."
        " A later row that doesn't fit is refused and says which column to call TEXT.")
    lines.append(
        "\n## Rows that are refused\n\nEach with its file and line (or its number, where a format has no lines), and all others go on with"
        " `continue_on_error = true`: rows with too many or too few values, bytes that aren't of the file's encoding, NUL bytes in"
        " text files, JSON that can't be read, empty field names and ones that begin with `$`, numbers beyond 64 bits, documents of more"
        " than 16 MB, BSON documents that are damaged within, Parquet maps that hold a key twice. Of a name that stands twice in a JSON"
        " object the last one counts. A header with such names, or with one twice, stops the statement before anything is written; so"
        " do files of a pattern with different headers, and an empty file.")
    return "\n".join(lines) + "\n"


def functions() -> str:
    from sqlbulk.functions import AGGREGATES, FUNCTIONS, UNSUPPORTED, WINDOW_FUNCTIONS

    lines = [HEAD + "# Functions\n", "An example is a condition that holds; each is a test.\n"]
    for title, table in (("Functions", FUNCTIONS), ("Aggregates", AGGREGATES)):
        lines.append(f"## {title}\n")
        seen: set[int] = set()
        for name, found in sorted(table.items()):
            for entry in found if isinstance(found, tuple) else (found,):
                if id(entry) in seen or not re.match(r"[A-Z]\w*$", name):
                    continue
                seen.add(id(entry))
                names = ", ".join(f"`{n}`" for n in (entry.name, *entry.aliases))
                parameters = ", ".join(_parameter(p) for p in entry.parameters)
                lines.append(f"### {entry.name}({parameters})\n\n{names}: {entry.help}\n\n    {entry.example}\n")
    lines.append("## Window functions\n\nAggregates take OVER (…) as well. These examples are expressions, not conditions.\n")
    lines.extend(
        f"### {f.name}({', '.join(map(_parameter, f.parameters))})\n\n{f.help}\n\n    {f.example}\n"
        for f in WINDOW_FUNCTIONS.values())
    lines.append("## What SQL has and sqlbulk refuses\n")
    lines.extend(f"- `{name}`: {reason}" for name, reason in sorted(UNSUPPORTED.items()))
    return "\n".join(lines) + "\n"


def _parameter(parameter: object) -> str:
    name = getattr(parameter, "name", "")
    text = f"{name} …" if getattr(parameter, "repeated", False) else name
    return f"[{text}]" if getattr(parameter, "optional", False) else text


def commands() -> str:
    from click.testing import CliRunner

    from sqlbulk.cli import cli

    lines = [HEAD + "# The command line\n"]
    for name in ("", *sorted(cli.commands)):
        words = ["--help"] if not name else [name, "--help"]
        shown = CliRunner().invoke(cli, words, prog_name="sqlbulk", terminal_width=100).output
        lines.append(f"## sqlbulk {name}".rstrip() + f"\n\n```text\n{shown.rstrip()}\n```\n")
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {
    "options.md": options, "errors.md": errors, "formats.md": formats, "functions.md": functions, "commands.md": commands,
}


def code_map() -> str:
    """docs/architecture.md's list of modules: the first sentence of every docstring."""
    lines = []
    for path in sorted((ROOT / "sqlbulk").rglob("*.py"), key=lambda p: (len(p.parts) > 1 and p.parent.name, p)):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines.append(f"- `{path.relative_to(ROOT)}`: {docstring.splitlines()[0]}")
    return "\n".join(sorted(lines)) + "\n"
