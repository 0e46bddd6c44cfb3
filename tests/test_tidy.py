"""Style, types, layers and size: what is checked here is checked nowhere else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "sqlbulk").rglob("*.py"))
LONGEST_MODULE = 400
"""Lines that are not blank."""
LONGEST_FUNCTION = 45


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_style() -> None:
    run("ruff", "check", ".")


@pytest.mark.slow
def test_types() -> None:
    run("mypy")


def test_layers() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert sum(1 for line in text.splitlines() if line.strip()) <= LONGEST_MODULE
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_nothing_is_left_for_later() -> None:
    for path in [*MODULES, *(ROOT / "grammar").glob("*.lark")]:
        text = path.read_text(encoding="utf-8")
        for mark in ("TODO", "FIXME", "XXX", "NotImplemented"):
            assert mark not in text, f"{mark} in {path}"
