"""SELECTs against pipelines written by hand: the same rows, and the time as a ratio, alternating within one run."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from pymongo import MongoClient

from sqlbulk.session import Session, connect
from tests.bench.query_cases import CASES, Case
from tests.bench.query_data import NOW, make

Row = tuple[str, str, str, str, bool]
Table = list[tuple[Any, ...]]


def measure(uri: str, *, rows: int, pairs: int, repeat: int, only: str | None = None) -> list[Row]:
    """What was measured: name, found, wanted, detail, whether it is enough."""
    name = "sqlbulk_bench_queries"
    client: MongoClient[dict[str, Any]] = MongoClient(uri, tz_aware=True)
    client.drop_database(name)
    try:
        with connect(uri, database=name, now=NOW) as session:
            make(session, client[name], rows=rows, pairs=pairs)
            cases = [c for c in CASES if only in (None, c.name)]
            return [_measured(case, session, client[name], repeat) for case in cases]
    finally:
        client.drop_database(name)
        client.close()


def _measured(case: Case, session: Session, database: Any, repeat: int) -> Row:
    def ours() -> Table:
        return list(session.execute(case.sql).rows)

    def by_hand() -> list[dict[str, Any]]:
        return list(database[case.collection].aggregate(list(case.pipeline), allowDiskUse=True))

    problem = _difference(case, ours(), by_hand())
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for taken, run in zip(times, (ours, by_hand), strict=True):
            taken.append(_timed(run))
    mine, hand = map(statistics.median, times)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    enough = not problem and ratio <= case.limit and (case.seconds is None or mine <= case.seconds)
    wanted = f"≤ {case.limit}" + (f", ≤ {case.seconds} s" if case.seconds is not None else "")
    return case.name, f"{ratio:.2f}", wanted, problem or f"{mine * 1000:.0f} ms; by hand {hand * 1000:.0f} ms", enough


def _timed(run: Callable[[], Any]) -> float:
    gc.collect()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _difference(case: Case, ours: Table, documents: list[dict[str, Any]]) -> str:
    """What is different about the rows; empty: nothing."""
    if not case.same_rows:
        return ""
    hand = [tuple(_field(d, path) for path in case.columns) for d in documents]
    if len(ours) != len(hand):
        return f"{len(ours)} rows, by hand {len(hand)}"
    pairs: Iterable[tuple[Any, Any]]
    pairs = zip(ours, hand, strict=True) if case.ordered else zip(_sorted(ours), _sorted(hand), strict=True)
    return next((f"{a} is {b} by hand" for a, b in pairs if not _same(a, b)), "")


def _field(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name)
    return document


def _sorted(rows: Table) -> Table:
    return sorted(rows, key=lambda row: [(v is None, str(type(v)), 0 if v is None else v) for v in row])


def _same(ours: tuple[Any, ...], hand: tuple[Any, ...]) -> bool:
    return all(
        math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in zip(ours, hand, strict=True))
