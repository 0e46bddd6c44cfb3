"""`python -m tests.bench [ratios] [writes] [queries] [memory] [start]`: a table of what was measured; exit 1 if it isn't enough."""

from __future__ import annotations

import argparse
import sys

from tabulate import tabulate

from sqlbulk import embedded
from tests.bench import memory, queries, ratios, start, writes


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", choices=["ratios", "writes", "queries", "memory", "start", []])
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the ratios")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--values", type=int, default=1_000_000, help="rows of the large VALUES script")
    parser.add_argument("--lines", type=int, default=5_000_000, help="lines of the large NDJSON file")
    chosen = parser.parse_args()
    parts = chosen.parts or ["ratios", "writes", "queries", "memory", "start"]
    table = []
    with embedded.start(throw_away=True) as server:
        if "memory" in parts:  # first: a child's greatest memory counts what its parent had when it was forked
            table += memory.measure(server.uri, values=chosen.values, lines=chosen.lines)
        if "ratios" in parts:
            table += ratios.measure(server.uri, rows=chosen.rows, repeat=chosen.repeat)
        if "writes" in parts:
            table += writes.measure(server.uri, rows=chosen.rows, repeat=chosen.repeat)
        if "queries" in parts:
            table += queries.measure(server.uri, rows=chosen.rows, pairs=20_000, repeat=chosen.repeat)
    if "start" in parts:
        table += start.measure(repeat=chosen.repeat)
    rows = [(name, found, wanted, "yes" if enough else "NO", detail) for name, found, wanted, detail, enough in table]
    print(tabulate(rows, ("what", "found", "wanted", "enough", "detail"), disable_numparse=True))
    return 0 if all(enough for *_, enough in table) else 1


sys.exit(main())
