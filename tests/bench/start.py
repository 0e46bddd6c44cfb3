"""How long it takes until the command line answers, with a private server too, and a warm parse."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

Row = tuple[str, str, str, str, bool]

STATEMENT = "INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b"


def measure(*, repeat: int) -> list[Row]:
    """What was measured: name, found, wanted, detail, whether it is enough."""
    with tempfile.TemporaryDirectory() as directory:
        numbers, warm = count(), Path(directory, "warm")
        private = [
            _row("first start of the private server", 5, repeat, lambda: _run_here(Path(directory, str(next(numbers))))),
            _row("sqlbulk run -c, private server, warm", 2, repeat, lambda: _run_here(warm)),
        ]
    return [
        *private,
        _row("sqlbulk --help", 0.25, repeat, lambda: _run("--help")),
        _row("sqlbulk explain -c", 0.6, repeat, lambda: _run("explain", "-c", STATEMENT)),
        _row("warm parse", 0.003, 20 * repeat, _parser()),
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sqlbulk", *arguments], check=True, stdout=subprocess.DEVNULL)


def _run_here(data_dir: Path) -> None:
    _run("run", "--data-dir", str(data_dir), "-c", "INSERT INTO t (a) VALUES (1)")


def _parser() -> Callable[[], Any]:
    from sqlbulk.errors import Source
    from sqlbulk.syntax.parser import parse

    statement = "SELECT a, COUNT(*) AS n FROM t WHERE b > 5 AND c LIKE 'x%' GROUP BY a ORDER BY n DESC LIMIT 10"
    parse(Source(statement))
    return lambda: parse(Source(statement))


def _row(name: str, bound: float, repeat: int, run: Callable[[], Any]) -> Row:
    run()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    median = statistics.median(times)
    return name, f"{median * 1000:.1f} ms", f"≤ {bound * 1000:g} ms", f"median of {repeat}", median <= bound
