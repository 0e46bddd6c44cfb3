"""UPDATE of documents that aren't what a path expects: the tables of docs/language.md are what is tested here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from sqlbulk.errors import TooManyErrors
from sqlbulk.results import Result
from sqlbulk.session import Session, connect

pytestmark = pytest.mark.server

PAGE = Path(__file__).parent.parent / "docs" / "language.md"
TITLE = "### When a document is not what the path expects"
REFUSED, SAME = "refused", "as it was"
Document = dict[str, Any]
Cell = tuple[Document, Any]
"""A document without `_id` and x, and what it becomes, or REFUSED."""


def read_tables() -> dict[str, list[Cell]]:
    """The page's tables: for each assignment the documents with what becomes of them."""
    text = PAGE.read_text(encoding="utf-8").partition(TITLE)[2].partition("\n#")[0]
    found: dict[str, list[Cell]] = {}
    forms: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            forms = []
        elif not forms:
            forms = [re.sub("`", "", cell) for cell in cells[1:]]
        elif not cells[0].startswith("---"):
            before = json.loads(cells[0].strip("`"))
            for form, cell in zip(forms, cells[1:], strict=True):
                found.setdefault(form, []).append((before, _after(before, cell)))
    return found


def _after(before: Document, cell: str) -> Any:
    if cell in (REFUSED, SAME):
        return before if cell == SAME else REFUSED
    return json.loads(cell.strip("`"))


TABLES = read_tables()


def test_the_page_has_the_tables() -> None:
    """So that a table that isn't read can't pass."""
    assert len(TABLES) >= 12
    assert all(len(cells) >= 18 for cells in TABLES.values())
    found = [after for cells in TABLES.values() for _, after in cells]
    assert found.count(REFUSED) >= 50


@pytest.fixture
def session(server_uri: str, database: Database[Document]) -> Iterator[Session]:
    with connect(server_uri, database=database.name) as session:
        database.one.insert_one({"_id": 1, "x": 1})
        yield session


def fill(database: Database[Document], cells: list[Cell]) -> list[Document]:
    """The documents of a table, stored, each with an _id and x = 7."""
    documents = [{"_id": number, **before, "x": 7} for number, (before, _) in enumerate(cells)]
    database.t.insert_many(documents)
    return documents


def expected(cells: list[Cell], **more: Any) -> list[Document]:
    """What the page says becomes of them."""
    return [
        {"_id": number, **before, "x": 7} if after is REFUSED else {"_id": number, **after, "x": 7, **more}
        for number, (before, after) in enumerate(cells)
    ]


def stored(database: Database[Document]) -> list[Document]:
    """All documents."""
    return list(database.t.find().sort("_id", 1))


def check_counts(result: Result, cells: list[Cell]) -> None:
    """Every document counts as changed or refused, and the refused ones are named."""
    refused = [number for number, (_, after) in enumerate(cells) if after is REFUSED]
    summary = result.summary
    assert summary is not None
    assert (summary.read, summary.matched, summary.rejected) == (len(cells), len(cells) - len(refused), len(refused))
    assert summary.kept == summary.skipped == summary.in_doubt == 0
    assert sorted(error.document["_id"] for error in summary.errors if error.document) == refused
    assert all("is not a document" in error.message for error in summary.errors)


@pytest.mark.parametrize("options", ["", ", batch_size = 1", ", batch_size = 3, parallel_workers = 2"])
@pytest.mark.parametrize("form", TABLES)
def test_a_document_is_changed_or_refused(
    session: Session, database: Database[Document], form: str, options: str
) -> None:
    cells = TABLES[form]
    fill(database, cells)
    result = session.execute(f"UPDATE t SET {form} WHERE TRUE WITH (continue_on_error = true{options})")
    assert stored(database) == expected(cells)
    check_counts(result, cells)


@pytest.mark.parametrize("form", TABLES)
def test_one_in_the_way_stops_the_statement_before_it_begins(
    session: Session, database: Database[Document], form: str
) -> None:
    cells = TABLES[form]
    before = fill(database, cells)
    if any(after is REFUSED for _, after in cells):
        with pytest.raises(TooManyErrors, match="nothing was changed"):
            session.execute(f"UPDATE t SET {form} WHERE TRUE WITH (batch_size = 1)")
        assert stored(database) == before
    else:
        session.execute(f"UPDATE t SET {form} WHERE TRUE WITH (batch_size = 1)")
        assert stored(database) == expected(cells)


@pytest.mark.parametrize("form", TABLES)
def test_the_same_where_a_value_is_asked_for_before(
    session: Session, database: Database[Document], form: str
) -> None:
    """A subquery or a join sends every document an update of its own."""
    cells = TABLES[form]
    fill(database, cells)
    result = session.execute(
        f"UPDATE t SET {form}, y = (SELECT MAX(x) FROM one) WHERE TRUE WITH (continue_on_error = true)")
    assert stored(database) == expected(cells, y=1)
    check_counts(result, cells)
    session.execute(f"UPDATE t SET {form}, y = one.x + 1 FROM one WHERE one.x = 1 WITH (continue_on_error = true)")
    assert [d.get("y") for d in stored(database)] == [None if after is REFUSED else 2 for _, after in cells]


@pytest.mark.parametrize("form", TABLES)
def test_the_same_without_transactions(session: Session, database: Database[Document], form: str) -> None:
    from dataclasses import replace

    cells = TABLES[form]
    fill(database, cells)
    connection = session.connection()
    connection.server = replace(connection.server, transactions=False)
    result = session.execute(f"UPDATE t SET {form} WHERE TRUE WITH (continue_on_error = true)")
    assert stored(database) == expected(cells)
    check_counts(result, cells)


@pytest.mark.parametrize("form", TABLES)
def test_fields_keep_their_places(session: Session, database: Database[Document], form: str) -> None:
    """What isn't assigned stands where it stood; what is new stands at the end."""
    cells = TABLES[form]
    fill(database, cells)
    session.execute(f"UPDATE t SET {form} WHERE TRUE WITH (continue_on_error = true)")
    for (before, _), document in zip(cells, stored(database), strict=True):
        names = ["_id", *before, "x"]
        assert list(document)[: len(names)] == names


@pytest.mark.parametrize("form", TABLES)
def test_a_stored_row_that_a_new_one_meets(session: Session, database: Database[Document], form: str) -> None:
    """ON CONFLICT DO UPDATE and MERGE assign alike: a row that can't be written is rejected, and nothing else."""
    cells = TABLES[form]
    fill(database, cells)
    rows = ", ".join(f"({number})" for number in range(len(cells)))
    result = session.execute(f"INSERT INTO t (_id) VALUES {rows} ON CONFLICT (_id) DO UPDATE SET {form}"
                             " WITH (continue_on_error = true)")
    assert stored(database) == expected(cells)
    assert result.summary is not None
    assert result.summary.rejected == sum(after is REFUSED for _, after in cells)
