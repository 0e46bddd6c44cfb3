"""The documentation is true: generated pages are up to date, examples run, and everything is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, ROOT, code_map
from pymongo.database import Database

from sqlbulk.errors import UnsupportedError

DOCS = ROOT / "docs"
TEXTS = sorted([ROOT / "README.md", *DOCS.glob("*.md")])
SQL = [
    pytest.param(match[1], id=f"{path.name}:{path.read_text(encoding='utf-8')[: match.start()].count(chr(10)) + 2}")
    for path in TEXTS
    for match in re.finditer(r"```sql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
]
SESSIONS = [
    pytest.param(match[1], id=f"{path.name}:{path.read_text(encoding='utf-8')[: match.start()].count(chr(10)) + 2}")
    for path in TEXTS
    for match in re.finditer(r"```console\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("name", PAGES)
def test_generated_page(name: str, request: pytest.FixtureRequest) -> None:
    page, made = DOCS / name, PAGES[name]()
    if request.config.getoption("--update-golden"):
        page.write_text(made, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == made, f"{page} is stale: run pytest with --update-golden"


def test_code_map(request: pytest.FixtureRequest) -> None:
    page = DOCS / "architecture.md"
    text = page.read_text(encoding="utf-8")
    fresh = re.sub(r"(?s)(<!-- code map -->\n).*?(<!-- end -->)", lambda m: m[1] + code_map() + m[2], text)
    if request.config.getoption("--update-golden"):
        page.write_text(fresh, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == fresh, "the code map is stale: run pytest with --update-golden"


@pytest.mark.parametrize("text", SQL)
def test_statements_in_the_docs_parse_and_plan(text: str) -> None:
    """A statement that is shown as refused carries a comment that says so."""
    from sqlbulk import connect

    with connect("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1", now="2025-11-22T12:00:00Z") as session:
        parameters = dict.fromkeys(re.findall(r"(?<!:):([a-z]\w*)", text), 1)
        if "-- refused" in text:
            with pytest.raises(UnsupportedError):
                session.explain(text, parameters or None)
        else:
            for plan in session.plans(text, parameters or None):
                assert str(plan)


@pytest.mark.server
@pytest.mark.parametrize("text", SESSIONS)
def test_console_examples(text: str, server_uri: str, database: Database[Any], tmp_path: Path) -> None:
    """Lines that begin with `$ ` are run in docs/examples; what follows is what they print."""
    environment = os.environ | {"SQLBULK_URI": server_uri, "SQLBULK_DATABASE": database.name, "COLUMNS": "100"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for block in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = block.partition("\n")
        while command.endswith("\\"):
            line, _, expected = expected.partition("\n")
            command = f"{command[:-1]}{line}"
        done = subprocess.run(
            command, shell=True, cwd=DOCS / "examples", env=environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert _steady(done.stdout) == _steady(expected), done.stdout


def _steady(text: str) -> str:
    """The text without what changes from run to run: times, rates and the widths they give to columns."""
    lines = [re.sub(r"[-=+|]+", "-", re.sub(r"\s+", " ", line)).strip() for line in text.strip().splitlines()]
    return re.sub(r"\b\d[\d,]*\.\d+\b|\b\d[\d,]*(?= *-?$)|\b\d+,\d+\b", "N", "\n".join(lines), flags=re.MULTILINE)


def test_python_examples(server_uri: str, database: Database[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLBULK_URI", server_uri)
    monkeypatch.setenv("SQLBULK_DATABASE", database.name)
    for path in TEXTS:
        for block in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(block, path.name, "exec"), {})


def test_every_link_leads_somewhere() -> None:
    for path in TEXTS:
        for link in re.findall(r"\]\((?!http)([\w./-]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
