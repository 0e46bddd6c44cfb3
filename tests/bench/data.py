"""The documents that are loaded, and the files and scripts that hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlbulk.syntax.printer import print_literal

FLAT = ("id", "name", "email", "price", "quantity", "active", "city", "note")


def flat(i: int) -> dict[str, Any]:
    """A document of eight plain values."""
    return {
        "id": i, "name": f"Customer number {i}", "email": f"customer{i}@example.com", "price": i % 1000 + 0.25,
        "quantity": i % 17, "active": i % 3 == 0, "city": ("Berlin", "Paris", "São Paulo", "東京")[i % 4],
        "note": None if i % 5 else f"it's the {i}th",
    }


def nested(i: int) -> dict[str, Any]:
    """A document of eight mixed values, one of them nested."""
    document = flat(i)
    document["note"] = {
        "source": "import", "score": i % 100, "ratio": i % 7 + 0.5, "tags": ["a", "b", f"t{i % 9}"], "ok": True,
        "address": {"street": f"Main street {i % 300}", "zip": str(10_000 + i % 9000)}, "none": None,
    }
    return document


def write_csv(path: Path, rows: int) -> None:
    """A CSV file of flat documents; NULL is an empty cell."""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(FLAT) + "\n")
        for i in range(rows):
            values = flat(i).values()
            file.write(",".join("" if v is None else str(v).lower() if v in (True, False) and type(v) is bool else str(v)
                                for v in values) + "\n")


def write_ndjson(path: Path, rows: int) -> None:
    """A document a line."""
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            file.write(json.dumps(nested(i), ensure_ascii=False) + "\n")


def write_values(path: Path, rows: int, collection: str) -> None:
    """A script of one INSERT … VALUES."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"INSERT INTO {collection} ({', '.join(FLAT)}) VALUES\n")
        for i in range(rows):
            file.write(("  " if i == 0 else ",\n  ") + f"({', '.join(_literals(nested(i)))})")
        file.write(";\n")


def _literals(document: dict[str, Any]) -> Iterator[str]:
    for value in document.values():
        yield _literal(value)


def _literal(value: Any) -> str:
    match value:
        case dict():
            return "JSON_OBJECT(" + ", ".join(f"'{k}', {_literal(v)}" for k, v in value.items()) + ")"
        case list():
            return "JSON_ARRAY(" + ", ".join(map(_literal, value)) + ")"
        case float():
            return repr(value) + "E0"
        case _:
            return print_literal(value)
