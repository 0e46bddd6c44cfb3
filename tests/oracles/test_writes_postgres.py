"""Writing against PostgreSQL: random sequences of statements leave the same rows and report the same counts.

`SQLBULK_TEST_SEQUENCES` is how many sequences are run, `SQLBULK_TEST_SEED` which. Both are part of the report of
a failure, with the shortest sequence that fails.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sqlbulk.errors import TooManyErrors
from sqlbulk.results import WriteSummary
from sqlbulk.session import Session, connect

from .write_statements import (
    COLUMNS,
    Statement,
    deletes,
    deletes_using,
    inserts,
    inserts_of_queries,
    merges,
    updates,
    updates_from,
    upserts,
    upserts_of_queries,
)

pytestmark = [pytest.mark.server, pytest.mark.slow]

SEQUENCES = int(os.environ.get("SQLBULK_TEST_SEQUENCES", "500"))
SEED = int(os.environ.get("SQLBULK_TEST_SEED", "4"))
STEPS = 7
Row = tuple[Any, ...]
DEFAULTS = {"n": "1 + 1", "s": "'d'", "b": "TRUE"}
ALL = ", ".join(COLUMNS)
MERGED = ", ".join(["merge_action()", *(f"t.{name}" for name in COLUMNS)])
NOTE = """
    CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN INSERT INTO written SELECT TG_OP, OLD.*;
        ELSE INSERT INTO written SELECT TG_OP, NEW.*;
        END IF;
        RETURN NULL;
    END $$"""
"""Notes what MERGE writes, as RETURNING tells it: PostgreSQL 16 has none for it."""


def _default(name: str) -> str:
    return f" DEFAULT {DEFAULTS[name]}" if name in DEFAULTS else ""


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[Any]:
    """PostgreSQL with the tables, which go with the connection; text has the order of its code points."""
    import psycopg

    columns = ", ".join(f"{n} {t}" + (' COLLATE "C"' if t == "text" else "") for n, t in COLUMNS.items())
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute(f"CREATE TEMPORARY TABLE t ({columns}, UNIQUE (id))")
        connection.execute(f"CREATE TEMPORARY TABLE u ({columns})")
        connection.execute(f"CREATE TEMPORARY TABLE written (action text, {columns})")
        connection.execute(NOTE)
        connection.execute(
            "CREATE TRIGGER written AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.note()")
        yield connection


@pytest.fixture(scope="module", params=["nothing-known", "defined"])
def session(
    server_uri: str, module_database: str, request: pytest.FixtureRequest, postgres: Any
) -> Iterator[Session]:
    """A session with the same tables: collections with an index, or defined with types and defaults of their columns."""
    with connect(server_uri, database=module_database) as session:
        session.connection().client.drop_database(module_database)
        for table, name in product("tu", DEFAULTS):
            change = f"SET{_default(name)}" if request.param == "defined" else "DROP DEFAULT"
            postgres.execute(f"ALTER TABLE {table} ALTER {name} {change}")
        if request.param == "defined":
            columns = ", ".join(f"{name} {type}{_default(name)}" for name, type in COLUMNS.items())
            session.execute(f"CREATE TABLE t ({columns}, UNIQUE (id))")
            session.execute(f"CREATE TABLE u ({columns})")
        else:
            session.execute("INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO NOTHING")
            session.execute("INSERT INTO u (id) VALUES (1)")
        yield session


class Writes(RuleBasedStateMachine):
    """Runs every statement on both, and compares what is stored then."""

    session: ClassVar[Session]
    postgres: ClassVar[Any]

    @initialize(rows=some.lists(
        some.tuples(some.sampled_from("tu"), *(some.sampled_from((0, 1, 2, None, "missing")) for _ in range(2)),
                    some.sampled_from(("a", "b", "", None, "missing")), some.sampled_from((True, False, None, "missing"))),
        max_size=8))
    def fill(self, rows: list[Row]) -> None:
        """Rows to begin with; NULLs are null or missing."""
        fill(self.session, self.postgres, rows)

    def collection(self, name: str) -> Any:
        """The driver's."""
        return collection_of(self.session, name)

    @rule(statement=inserts())
    def insert(self, statement: Statement) -> None:
        """Both insert, or both refuse; then one keeps a part and the other doesn't, so that ends in nothing."""
        import psycopg

        try:
            there = self.execute_there(statement)
        except psycopg.errors.UniqueViolation:
            with pytest.raises(TooManyErrors, match="E4007"):
                self.session.execute(statement.sql)
            self.collection(statement.table).delete_many({})
            self.postgres.execute(f"DELETE FROM {statement.table}")
        else:
            assert self.run(statement).inserted == there
            self.compare(statement.table)

    @rule(statement=inserts_of_queries())
    def insert_query(self, statement: Statement) -> None:
        """The rows of a query."""
        there = self.execute_there(statement)
        assert self.run(statement).inserted == there
        self.compare(statement.table)

    @rule(statement=upserts() | upserts_of_queries())
    def upsert(self, statement: Statement) -> None:
        """Rows whose key is stored already; those that the condition leaves alone count as matched here only."""
        found = self.postgres.execute(f"{statement.sql} RETURNING xmax = 0, {ALL}").fetchall()
        inserted = sum(1 for is_new, *_ in found if is_new)
        self.returned = [row for _, *row in found]
        summary = self.run(statement)
        assert summary.inserted + summary.upserted == inserted
        assert summary.read == inserted + summary.matched + summary.skipped
        assert summary.modified <= len(found) - inserted <= summary.matched
        if "DO UPDATE" in statement.sql and " WHERE " not in statement.sql.partition("DO UPDATE")[2]:
            assert summary.matched == len(found) - inserted
        self.compare("t")

    @rule(statement=updates() | updates_from())
    def update(self, statement: Statement) -> None:
        """Rows changed."""
        there = self.execute_there(statement)
        assert self.run(statement).matched == there
        self.compare(statement.table)

    @rule(statement=deletes() | deletes_using())
    def delete(self, statement: Statement) -> None:
        """Rows gone."""
        there = self.execute_there(statement)
        assert self.run(statement).deleted == there
        self.compare(statement.table)

    @rule(statement=merges())
    def merge(self, statement: Statement) -> None:
        """All of these at once."""
        self.postgres.execute("DELETE FROM written")
        there = self.postgres.execute(statement.sql).rowcount
        self.returned = self.postgres.execute(f"SELECT action, {ALL} FROM written").fetchall()
        summary = self.run(statement)
        assert summary.inserted + summary.matched + summary.deleted + summary.upserted == there
        self.compare("t")

    def execute_there(self, statement: Statement) -> int:
        """How many rows PostgreSQL wrote; what it gives of them is kept in `returned`."""
        done = self.postgres.execute(statement.sql + (f" RETURNING {ALL}" if statement.returning else ""))
        self.returned = [list(row) for row in done.fetchall()] if statement.returning else []
        return int(done.rowcount)

    def run(self, statement: Statement) -> WriteSummary:
        """What sqlbulk says it did; nothing is refused, left behind or in doubt."""
        told = self.session.execute(f"DRY RUN {statement.sql}") if statement.dry else None
        columns = MERGED if statement.verb == "MERGE" else ALL
        result = self.session.execute(statement.sql + (f" RETURNING {columns}" if statement.returning else ""))
        summary = result.summary
        assert summary is not None
        if statement.returning:
            assert sorted(map(list, result.rows), key=repr) == sorted(map(list, self.returned), key=repr)
        if told is not None:
            counts = {row[0]: row[1] for row in told.rows if row[1] is not None}
            assert counts.get("inserted", 0) == summary.inserted
            assert counts.get("changed", 0) == summary.modified and counts.get("deleted", 0) == summary.deleted
            assert counts.get("changed", 0) + counts.get("unchanged", 0) == summary.matched
        assert summary.kept == summary.rejected == summary.in_doubt == 0
        return summary

    def compare(self, table: str) -> None:
        """The same rows, as often."""
        compare(self.session, self.postgres, table)


def collection_of(session: Session, name: str) -> Any:
    """The driver's collection."""
    return session.connection().client[session.database][name]


def fill(session: Session, postgres: Any, rows: list[Row]) -> None:
    """Have these rows in both, each with its table in front; some have no id."""
    for table in ("t", "u"):
        collection_of(session, table).delete_many({})
        postgres.execute(f"DELETE FROM {table}")
        found = [(number if number % 4 else None, *row[1:]) for number, row in enumerate(rows, 1) if row[0] == table]
        for row in found:
            postgres.execute(f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s)",
                             [None if v == "missing" else v for v in row])
        if found:
            collection_of(session, table).insert_many(
                [{k: v for k, v in zip(COLUMNS, row, strict=True) if v != "missing"} for row in found])


def compare(session: Session, postgres: Any, table: str) -> None:
    """The same rows in both, as often."""
    there = postgres.execute(f"SELECT {ALL} FROM {table}").fetchall()
    here = [tuple(d.get(name) for name in COLUMNS) for d in collection_of(session, table).find()]
    assert sorted(here, key=repr) == sorted(there, key=repr)


def test_both_leave_the_same_rows(session: Session, postgres: Any) -> None:
    Writes.session, Writes.postgres = session, postgres
    machine = hypothesis.seed(SEED)(type("Sequence", (Writes,), {}))
    run_state_machine_as_test(machine, settings=settings(
        max_examples=SEQUENCES // 2, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck)))


FULL = some.lists(
    some.tuples(some.sampled_from("tu"), *(some.sampled_from((3, 2, 1, 0, None)) for _ in range(2)),
                some.sampled_from(("a", "b", None)), some.sampled_from((True, False, None, "missing"))),
    min_size=4, max_size=10)


def test_merge_gives_back_what_it_wrote(session: Session, postgres: Any) -> None:
    """The target's columns are those that a trigger notes there; the source's are a row of it, which matched."""
    seen: Counter[str] = Counter()

    def check(rows: list[Row], statement: Statement) -> None:
        fill(session, postgres, rows)
        postgres.execute("DELETE FROM written")
        found = re.search(r"USING \((.*)\) q ON t\.(\w+) = q\.k ", statement.sql)
        assert found is not None
        source = postgres.execute(f"SELECT k, n, m, s, b FROM ({found[1]}) q").fetchall()
        postgres.execute(statement.sql)
        there = postgres.execute(f"SELECT action, {ALL} FROM written").fetchall()
        result = session.execute(f"{statement.sql} RETURNING {MERGED}, q.k, q.n, q.m, q.s, q.b WITH (batch_size = 3)")
        here = list(result.rows)
        width = len(COLUMNS) + 1
        assert sorted((row[:width] for row in here), key=repr) == sorted(there, key=repr)
        for row in here:
            assert row[width:] in source
            assert row[0] != "DELETE" or dict(zip(COLUMNS, row[1:], strict=False))[found[2]] == row[width]
        compare(session, postgres, "t")
        seen.update(row[0] for row in here)

    run = settings(max_examples=SEQUENCES // 2, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
                   suppress_health_check=list(HealthCheck))(hypothesis.given(FULL, merges())(check))
    hypothesis.seed(SEED)(run)()
    assert all(seen[action] > SEQUENCES // 20 for action in ("INSERT", "UPDATE", "DELETE")), seen
