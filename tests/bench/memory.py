"""The greatest memory of a client that loads a large file, or reads a large collection, as the system counts it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.data import write_ndjson, write_values

LIMIT = 150

Row = tuple[str, str, str, str, bool]


def measure(uri: str, *, values: int, lines: int) -> list[Row]:
    """What was measured: name, found, wanted, detail, whether it is enough."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_values(place / "rows.sql", values, "target")
        found = [_row(f"VALUES, {values:,} rows", uri, str(place / "rows.sql"))]
        (place / "rows.sql").unlink()
        write_ndjson(place / "rows.ndjson", lines)
        statement = f"INSERT INTO target FROM '{place}/rows.ndjson'"
        found.append(_row(f"NDJSON, {lines:,} lines", uri, "-c", statement))
    rows = f"SELECT of {values + lines:,} rows"
    return [
        *found, _row(f"{rows} as CSV", uri, "--format", "csv", "-c", "SELECT * FROM target"),
        _row(f"{rows} in order, as JSON lines", uri, "--format", "jsonl", "-c", "SELECT * FROM target ORDER BY _id"),
    ]


def _row(name: str, uri: str, *arguments: str) -> Row:
    command = [sys.executable, "-m", "sqlbulk", "run", *arguments, "--uri", uri, "--database", "sqlbulk_bench", "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    megabytes = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    enough = process.returncode == 0 and megabytes < LIMIT
    return name, f"{megabytes:.0f} MB", f"< {LIMIT} MB", f"{seconds:.1f} s, exit {process.returncode}", enough
