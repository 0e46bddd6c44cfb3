"""Speed, as ratios to the driver's own insert_many of ready-made dicts: same documents, server and run."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from sqlbulk.session import Session, connect
from tests.bench.data import FLAT, flat, nested, write_csv, write_ndjson, write_values

BOUNDS = {"VALUES": 0.6, "CSV": 0.85, "NDJSON": 0.85, "iterator of tuples": 0.9, "iterator of dicts": 0.9}

Row = tuple[str, str, str, str, bool]


def measure(uri: str, *, rows: int, repeat: int) -> list[Row]:
    """What was measured: name, found, wanted, detail, whether it is enough."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_csv(place / "rows.csv", rows)
        write_ndjson(place / "rows.ndjson", rows)
        write_values(place / "rows.sql", rows, "target")
        return _measure(uri, place, rows, repeat)


def _measure(uri: str, place: Path, rows: int, repeat: int) -> list[Row]:
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    database = client["sqlbulk_bench"]
    times: dict[str, list[float]] = {name: [] for name in BOUNDS}
    raw: dict[str, list[float]] = {name: [] for name in BOUNDS}
    with connect(uri, database="sqlbulk_bench") as session:
        for _ in range(repeat):
            for name in BOUNDS:
                make = flat if name == "CSV" else nested
                documents = [make(i) for i in range(rows)]
                raw[name].append(_timed(database, rows, partial(database.target.insert_many, documents, ordered=False)))
                del documents
                times[name].append(_timed(database, rows, _work(session, place, name, rows)))
    client.drop_database("sqlbulk_bench")
    client.close()
    return [_row(name, statistics.median(raw[name]), statistics.median(times[name]), rows) for name in BOUNDS]


def _work(session: Session, place: Path, name: str, rows: int) -> Callable[[], Any]:
    """What is timed; whatever it needs is made before."""
    match name:
        case "VALUES":
            return lambda: list(session.run(place / "rows.sql"))
        case "CSV" | "NDJSON":
            return partial(session.execute, f"INSERT INTO target FROM '{place}/rows.{name.lower()}'")
        case "iterator of tuples":
            tuples = [tuple(nested(i).values()) for i in range(rows)]
            return partial(session.execute, f"INSERT INTO target ({', '.join(FLAT)}) ?", rows=iter(tuples))
        case _:
            documents = [nested(i) for i in range(rows)]
            return partial(session.execute, "INSERT INTO target ?", rows=iter(documents))


def _timed(database: Any, rows: int, run: Callable[[], Any]) -> float:
    database.drop_collection("target")
    database.create_collection("target")
    gc.collect()
    began = time.perf_counter()
    run()
    seconds = time.perf_counter() - began
    stored = database.target.estimated_document_count()
    assert stored == rows, f"{stored} documents instead of {rows}"
    return seconds


def _row(name: str, raw: float, ours: float, rows: int) -> Row:
    ratio = raw / ours
    detail = f"{rows / ours:,.0f} rows/s; driver {rows / raw:,.0f}"
    return name, f"{ratio:.2f}", f"≥ {BOUNDS[name]}", detail, ratio >= BOUNDS[name]
