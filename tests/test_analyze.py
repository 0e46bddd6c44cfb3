"""EXPLAIN ANALYZE of statements that write: they write exactly once, and what is shown is what happened."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import OperationFailure

import sqlbulk
from sqlbulk.cli import main
from sqlbulk.commands import bare
from sqlbulk.errors import Interrupted, ServerError, SqlError, TooManyErrors, UsageError
from sqlbulk.execute import analyze_write
from sqlbulk.execute.analyze import asked
from sqlbulk.execute.analyze_sent import Sent, Watch, command_size, counted, kind_of, writes
from sqlbulk.execute.analyze_write import Account
from sqlbulk.formats import write_result
from sqlbulk.formats.summaries import closing_table
from sqlbulk.results import WriteSummary

STAGED = "sqlbulk.staged.1.a.0"

# Pure parts


def told(watch: Watch, name: str, command: dict[str, Any], reply: Any = None, *, database: str = "d") -> None:
    """A command that took two milliseconds; without a reply it failed."""
    event: Any = SimpleNamespace(
        command_name=name, command=command, database_name=database, request_id=7, reply=reply, duration_micros=2_000)
    watch.started(event)
    if reply is None:
        watch.failed(event)
    else:
        watch.succeeded(event)


def test_what_is_sent_is_counted_by_its_kind() -> None:
    watch, document = Watch("d"), {"a": 1}
    size = len(encode(document))
    told(watch, "insert", {"insert": "t", "documents": [document]}, {"n": 1})
    with watch.counting():
        told(watch, "insert", {"insert": "t", "documents": [document, document]}, {"writeErrors": [{"code": 1}]})
        told(watch, "insert", {"insert": "t", "documents": [RawBSONDocument(encode(document))]}, {"n": 1})
        with watch.counting(on=False):
            told(watch, "aggregate", {"aggregate": "t", "pipeline": []}, {})
        told(watch, "aggregate", {"aggregate": "u", "pipeline": []}, {"cursor": {"firstBatch": [document] * 3}})
        told(watch, "getMore", {"getMore": 1, "collection": "u"}, {"cursor": {"nextBatch": [encode(document) * 2]}})
        told(watch, "update", {"update": "t", "updates": [{"q": {}, "u": [], "multi": True}]}, database="e")
        told(watch, "commitTransaction", {"commitTransaction": 1}, {}, database="admin")
    assert len(watch.writers) == 1
    lines = [sent.line(kind) for kind, sent in watch.sent.items()]
    sizes = [len(encode({"insert": "t"})) * 2 + 3 * size, len(encode({"aggregate": "u", "pipeline": []})),
             len(encode({"getMore": 1, "collection": "u"})), len(encode({"update": "t"})) + len(encode(
                 {"q": {}, "u": [], "multi": True})), len(encode({"commitTransaction": 1}))]
    assert lines == [
        f"insert t: 2 commands, 3 documents, 1 refused, {sizes[0]} bytes, 4.0 ms",
        f"aggregate u: 1 command, 3 rows, {sizes[1]} bytes, 2.0 ms",
        f"getMore u: 1 command, 2 rows, {sizes[2]} bytes, 2.0 ms",
        f"update e.t: 1 command, 1 update, 1 failed, {sizes[3]} bytes, 2.0 ms",
        f"commitTransaction: 1 command, {sizes[4]} bytes, 2.0 ms"]


@pytest.mark.parametrize(("name", "command", "kind", "writing"), [
    ("aggregate", {"aggregate": STAGED, "pipeline": [{"$merge": {"into": "t"}}]}, "waiting rows into t by $merge", True),
    ("aggregate", {"aggregate": "t", "pipeline": [{"$merge": "u"}]}, "t into u by $merge", True),
    ("aggregate", {"aggregate": "t", "pipeline": [{"$merge": {"into": {"db": "e", "coll": "u"}}}]}, "t into u by $merge",
     True),
    ("aggregate", {"aggregate": 1, "pipeline": [{"$out": {"db": "d", "coll": STAGED}}]}, "into waiting rows by $out",
     False),
    ("aggregate", {"aggregate": "t", "pipeline": [{"$match": {}}]}, "t", False),
    ("aggregate", {"aggregate": "t", "pipeline": []}, "t", False),
    ("delete", {"delete": "t", "deletes": []}, "t", True), ("insert", {"insert": STAGED, "documents": []},
                                                           "waiting rows", False),
])
def test_kinds(name: str, command: dict[str, Any], kind: str, writing: bool) -> None:
    assert kind_of(name, command, "") == f"{name} {kind}"
    assert writes(name, command) is writing


def test_sizes_are_those_of_the_commands() -> None:
    command = {"delete": "t", "deletes": [{"q": {"a": 1}, "limit": 0}], "ordered": True}
    assert command_size("delete", command) == len(encode({"delete": "t", "ordered": True})) + len(encode(
        {"q": {"a": 1}, "limit": 0}))
    assert (counted(1, "row"), counted(2_000, "row"), counted(0, "retry", "retries")) == ("1 row", "2,000 rows", "0 retries")


def test_the_account_of_rows() -> None:
    summary = WriteSummary(read=1_200, inserted=1_100, rejected=98, in_doubt=2, batches=1, retries=1, bytes=1)
    sent = {"insert t": Sent(2, 1_300, 98, 0, 5_000, 1, 0.5, "document"), "listIndexes t": Sent(1, bytes=90, seconds=0.1)}
    assert list(Account(summary, sent, 1.25, 4, returned=1).lines()) == [
        "done:", "  rows: 1,200 read, 1,100 inserted, 98 rejected, 2 in doubt", "  1 row returned, which aren't shown",
        "  1 batch by 4 workers, 1 retry, 1 byte of documents", "  1,250.0 ms in all", "sent:",
        "  insert t: 2 commands, 1,300 documents, 98 refused, 1 failed, 5,000 bytes, 500.0 ms",
        "  listIndexes t: 1 command, 90 bytes, 100.0 ms", "  in all: 3 commands, 1 failed, 5,090 bytes, 600.0 ms"]


def test_the_account_of_documents() -> None:
    assert list(Account(WriteSummary(batches=2), {}, 0.0, 0, windows=True).lines()) == [
        "done:", "  documents: 0 found", "  2 windows by 0 workers, 0 retries", "  0.0 ms in all", "sent:",
        "  in all: 0 commands, 0 bytes, 0.0 ms"]


def test_what_is_carried_out_is_known() -> None:
    (step,) = sqlbulk.translate("EXPLAIN ANALYZE DELETE FROM t WHERE a = 1").steps
    (dry,) = sqlbulk.translate("DRY RUN DELETE FROM t WHERE a = 1").steps
    (plain,) = sqlbulk.translate("DELETE FROM t WHERE a = 1").steps
    assert bare(step) == bare(dry) == bare(plain) == plain


def test_tables_show_plans_whole() -> None:
    out, line = StringIO(), "x" * 200
    write_result(sqlbulk.Result("EXPLAIN ANALYZE DELETE", ("plan",), [(line,)], WriteSummary(deleted=1)), out)
    assert line in out.getvalue()
    out = StringIO()
    write_result(sqlbulk.Result("SELECT", ("plan",), [(line,)]), out)
    assert line not in out.getvalue()


def test_summaries_count_as_those_of_the_statement() -> None:
    plain, analyzed = (closing_table([sqlbulk.Result(f"{head}DELETE", (), (), WriteSummary())]).columns
                       for head in ("", "EXPLAIN ANALYZE "))
    assert plain == analyzed
    assert "deleted" in plain


# On a server


@pytest.fixture
def session(server_uri: str, database: Database[dict[str, Any]]) -> Iterator[sqlbulk.Session]:
    """A session over a collection with a key, and one without any."""
    with sqlbulk.connect(server_uri, database=database.name) as opened:
        opened.execute("CREATE TABLE t (k INT PRIMARY KEY, n INT, s TEXT)")
        database.t.insert_many([{"_id": k, "k": k, "n": k % 10, "s": str(k)} for k in range(100)])
        database.u.insert_many([{"_id": k, "k": k * 2, "n": -k} for k in range(100)])
        yield opened


def state(database: Database[dict[str, Any]]) -> Any:
    """All documents but for `_id`s that were made, and the times of an archive; no collection of waiting rows is left."""
    found = {}
    for name in database.list_collection_names():
        documents = [{f: v for f, v in d.items() if f not in ("_id", "archived_at")} for d in database[name].find()]
        found[name] = sorted(map(repr, documents))
    return found


def shown(result: sqlbulk.Result) -> list[str]:
    assert result.columns == ("plan",)
    return [row[0] for row in result.rows]


def part(lines: list[str], title: str) -> list[str]:
    """The indented lines below a title."""
    rest = lines[lines.index(title) + 1 :]
    end = next((i for i, line in enumerate(rest) if not line.startswith(" ")), len(rest))
    return [line[2:] for line in rest[:end]]


STATEMENTS = [
    "INSERT INTO t (k, n) VALUES (200, 1), (201, NULL)",
    "INSERT INTO t (k, n) VALUES (1, 1), (202, 2), (2, 3) WITH (continue_on_error = true)",
    "INSERT IGNORE INTO t (k, n) VALUES (1, 1), (202, 2)",
    "UPSERT INTO t (k, n) VALUES (1, 50), (203, 2) ON CONFLICT (k) DO UPDATE SET n = t.n + EXCLUDED.n",
    "REPLACE INTO t (k, n) VALUES (1, 50), (203, 2)",
    "INSERT INTO t (k) VALUES (204), (205) RETURNING k",
    "INSERT INTO fresh SELECT k, n FROM t WHERE k < 50",
    "INSERT INTO t (k, n) SELECT k + 150, n FROM t",
    "INSERT INTO t (k, n) SELECT k, n FROM u ON CONFLICT (k) DO UPDATE SET n = t.n + EXCLUDED.n",
    "INSERT INTO t (k, n) SELECT 500 - k % 2, n FROM u ON CONFLICT (k) DO UPDATE SET n = t.n + EXCLUDED.n",
    "UPDATE t SET n = n + 1 WHERE n = 3",
    "UPDATE t SET n = u.n FROM u WHERE t.k = u.k",
    "UPDATE t SET n = n * 2 WHERE n = 4 RETURNING k, n",
    "UPDATE t SET n = n + 1 WHERE TRUE ORDER BY k DESC LIMIT 7",
    "WITH w AS (SELECT n, COUNT(*) AS c FROM t GROUP BY n) UPDATE t SET n = n + 100 WHERE n IN (SELECT a.n FROM w a JOIN w b"
    " ON a.c = b.c WHERE a.n > 7)",
    "DELETE FROM t WHERE n = 3",
    "DELETE FROM t WHERE n > 5 WITH (batch_size = 5)",
    "MERGE INTO t USING u ON t.k = u.k WHEN MATCHED AND u.n > -10 THEN DELETE WHEN MATCHED THEN UPDATE SET n = t.n + u.n"
    " WHEN NOT MATCHED THEN INSERT (k, n) VALUES (u.k, 1)",
    "BULK MOVE t TO old WHERE n < 3",
]


@pytest.mark.server
@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_statement_is_carried_out_once(session: sqlbulk.Session, database: Database[dict[str, Any]], sql: str) -> None:
    before = {name: list(database[name].find()) for name in ("t", "u")}
    plain = session.execute(sql)
    rows, wanted = len(list(plain.rows)), state(database)
    for name in database.list_collection_names():
        database[name].delete_many({})
    for name, documents in before.items():
        database[name].insert_many(documents)
    if "fresh" in sql or "MOVE" in sql:
        database.fresh.drop()
        database.old.drop()
    analyzed = session.execute(f"EXPLAIN ANALYZE {sql}")
    assert state(database) == wanted
    assert analyzed.statement == f"EXPLAIN ANALYZE {plain.statement}"
    assert (analyzed.target, analyzed.notices) == (plain.target, plain.notices)
    one, other = plain.summary, analyzed.summary
    assert one is not None
    assert other is not None
    assert [e.row for e in one.errors] == [e.row for e in other.errors]
    for field in fields(WriteSummary):
        if field.name not in ("seconds", "errors"):
            assert getattr(one, field.name) == getattr(other, field.name), field.name
    lines = shown(analyzed)
    assert session.explain(sql).splitlines() == lines[: lines.index("done:")]
    assert any("returned" in line for line in lines) is ("RETURNING" in sql)
    assert f"{rows} rows returned, which aren't shown" in part(lines, "done:") or "RETURNING" not in sql
    # an account of the reading, only where something is read
    assert ("server:" in lines) is not sql.startswith(("INSERT INTO t (k, n) V", "INSERT INTO t (k) V", "UPSERT", "REPLACE",
                                                       "INSERT IGNORE"))


@pytest.mark.server
def test_what_was_sent(session: sqlbulk.Session, database: Database[dict[str, Any]]) -> None:
    lines = shown(session.execute(
        "EXPLAIN ANALYZE INSERT INTO t (k) VALUES (300), (301), (302), (1), (303) WITH (batch_size = 2,"
        " continue_on_error = true)"))
    assert part(lines, "done:")[0] == "rows: 5 read, 4 inserted, 1 rejected"
    assert re.fullmatch(r"3 batches by [12] workers?, 0 retries, \d+ bytes of documents", part(lines, "done:")[1])
    insert, total = part(lines, "sent:")
    found = re.fullmatch(r"insert t: 3 commands, 5 documents, 1 refused, ([\d,]+) bytes, [\d.,]+ ms", insert)
    assert found
    assert total.startswith(f"in all: 3 commands, {found[1]} bytes, ")
    lines = shown(session.execute("EXPLAIN ANALYZE DELETE FROM t WHERE k >= 300 WITH (batch_size = 3)"))
    assert part(lines, "done:")[:2] in (
        ["documents: 4 found, 4 deleted", f"2 windows by {n}, 0 retries"] for n in ("1 worker", "2 workers"))
    sent = [re.sub(r"[\d.,]+ (bytes|ms)", "", line) for line in part(lines, "sent:")]
    assert {line.rstrip(", ") for line in sent} >= {"delete t: 2 commands, 2 deletes", "commitTransaction: 2 commands"}
    assert database.t.count_documents({}) == 100


@pytest.mark.server
@pytest.mark.parametrize(("sql", "without", "with_index"), [
    ("UPDATE t SET s = 'x' WHERE n = 3", 100, 10),
    ("DELETE FROM t WHERE n = 3", 100, 10),
    ("BULK MOVE t TO old WHERE n = 3", 100, 10),
    ("INSERT INTO u SELECT k, n FROM t WHERE n = 3", 100, 10),
    ("MERGE INTO u USING (SELECT k, n FROM t WHERE n = 3) AS s ON u.n = s.k WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k)",
     None, None),
])
def test_an_index_shows(
    session: sqlbulk.Session, database: Database[dict[str, Any]], sql: str, without: int | None, with_index: int | None
) -> None:
    before = list(database.t.find())
    for examined, index in ((without, None), (with_index, "by_n")):
        if index:
            database.t.create_index("n", name=index)
        server = part(shown(session.execute(f"EXPLAIN ANALYZE {sql}")), "server:")
        assert server[0] == analyze_write.READ_AGAIN
        assert server[1].startswith("read t (")
        if examined is not None:
            assert f" {examined} documents examined" in server[1]
        assert ("index by_n" in server[1]) is (index is not None)
        database.t.delete_many({})
        database.t.insert_many(before)


@pytest.mark.server
def test_steps_are_done_once(session: sqlbulk.Session, database: Database[dict[str, Any]]) -> None:
    for sql in ("INSERT INTO f SELECT a.n FROM w a JOIN w b ON a.c = b.c",
                "UPDATE u SET n = 1 FROM w a JOIN w b ON a.c = b.c WHERE u.k = a.n",
                "MERGE INTO u USING (SELECT a.n FROM w a JOIN w b ON a.c = b.c GROUP BY a.n) AS s ON u.k = s.n WHEN MATCHED"
                " THEN DELETE"):
        lines = shown(session.execute(f"EXPLAIN ANALYZE WITH w AS (SELECT n, COUNT(*) AS c FROM t GROUP BY n) {sql}"))
        made = [line for line in part(lines, "sent:") if line.startswith("aggregate t into waiting rows by $out: ")]
        assert len(made) == 1, sql
        assert made[0].partition(": ")[2].startswith("1 command, "), sql
    assert not [name for name in database.list_collection_names() if name.startswith("sqlbulk.")]


@pytest.mark.server
def test_nothing_is_written_where_only_the_plan_is_asked_for(
    session: sqlbulk.Session, database: Database[dict[str, Any]]
) -> None:
    sql, before = "EXPLAIN ANALYZE DELETE FROM t WHERE TRUE", state(database)
    assert session.explain(sql).startswith("carried out, so it writes, and shown with its figures:\nDELETE t\n")
    assert [str(plan) for plan in session.plans(f"{sql}; {sql}")] == [session.explain(sql)] * 2
    assert shown(session.execute(f"EXPLAIN {sql}"))[1] == "DELETE t"
    for refused in (f"DRY RUN {sql}", "EXPLAIN ANALYZE DRY RUN DELETE FROM t WHERE TRUE", "EXPLAIN ANALYZE TRUNCATE t"):
        with pytest.raises(SqlError, match="E3001"):
            session.execute(refused)
    session.dry_run = True
    assert shown(session.execute(sql))[0] == "DELETE t"
    assert "server:" in shown(session.execute("EXPLAIN ANALYZE SELECT * FROM t"))
    assert state(database) == before


@pytest.mark.server
def test_a_failing_statement_fails_as_it_would(session: sqlbulk.Session, database: Database[dict[str, Any]]) -> None:
    with pytest.raises(TooManyErrors) as refused:
        session.execute("EXPLAIN ANALYZE INSERT INTO t (k) VALUES (400), (1), (401) WITH (ordered = true)")
    summary: Any = refused.value.summary
    assert (refused.value.code, summary.inserted, summary.rejected, summary.skipped) == ("E5007", 1, 1, 1)
    for sql in ("UPDATE t SET n = 1 / (k - k) WHERE k < 5", "INSERT INTO u SELECT CAST(s || 'x' AS INT) / 0 FROM t",
                "DELETE FROM t WHERE n = (SELECT n FROM u)"):
        outcome = []
        for prefix in ("", "EXPLAIN ANALYZE "):
            before = state(database)
            try:
                session.execute(prefix + sql)
                outcome.append("done")
            except (ServerError, SqlError) as error:
                outcome.append(f"{error.code} {error.message}")
                assert state(database) == before
        assert outcome[0] == outcome[1]


@pytest.mark.server
def test_rows_of_the_caller_and_an_interruption(session: sqlbulk.Session, database: Database[dict[str, Any]]) -> None:
    lines = shown(session.execute("EXPLAIN ANALYZE INSERT INTO t (k) ?", rows=((k,) for k in range(600, 603))))
    assert part(lines, "done:")[0] == "rows: 3 read, 3 inserted"

    def rows() -> Iterator[tuple[int]]:
        yield (700,)
        assert session.interrupt()
        yield from ((k,) for k in range(701, 20_000))

    with pytest.raises(Interrupted) as stopped:
        session.execute("EXPLAIN ANALYZE INSERT INTO t (k) ?", rows=rows())
    summary: Any = stopped.value.summary
    assert database.t.count_documents({"k": {"$gte": 700}}) == summary.inserted < 19_000
    with pytest.raises(UsageError, match="doesn't take any"):
        session.execute("EXPLAIN ANALYZE DELETE FROM t WHERE TRUE", rows=[(1,)])
    with pytest.raises(UsageError, match="E2009"):
        session.execute("EXPLAIN ANALYZE INSERT INTO t (k) VALUES (:a)", {"a": 800, "b": 1})
    assert session.execute("EXPLAIN ANALYZE INSERT INTO t (k) VALUES (:a)", {"a": 800}).summary


@pytest.mark.server
@pytest.mark.parametrize("refused", [("executionStats",), ("executionStats", "queryPlanner")])
def test_a_server_that_tells_less(
    session: sqlbulk.Session, database: Database[dict[str, Any]], refused: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def less(*given: Any, verbosity: str = "executionStats") -> Any:
        if verbosity in refused:
            raise OperationFailure(f"no {verbosity}", 303)
        return asked(*given, verbosity=verbosity)

    monkeypatch.setattr(analyze_write, "asked", less)
    lines = shown(session.execute("EXPLAIN ANALYZE DELETE FROM t WHERE k = 3"))
    server = part(lines, "server:")
    if len(refused) == 1:
        assert server[0].startswith(analyze_write.ONLY_PLANNED)
        assert server[1].startswith("read t (")
        assert "index k_1" in server[1]
        assert "examined" not in server[1]
    else:
        assert server == [f"{analyze_write.UNKNOWN}no queryPlanner"]
    assert database.t.count_documents({}) == 99


@pytest.mark.server
def test_by_the_command_line(
    session: sqlbulk.Session, database: Database[dict[str, Any]], server_uri: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*words: str) -> int:
        return main(["run", "--uri", server_uri, "--database", database.name, *words])

    file = tmp_path / "rows.csv"
    file.write_text("k,n\n900,1\n1,2\n901,3\n", encoding="utf-8")
    load = f"LOAD DATA INFILE '{file}' INTO TABLE t FIELDS TERMINATED BY ',' IGNORE 1 LINES (k, n)"
    assert run("-c", f"EXPLAIN ANALYZE {load} WITH (continue_on_error = true); EXPLAIN ANALYZE DELETE FROM t WHERE k = 900") == 3
    said = capsys.readouterr()
    assert "rows: 3 read, 2 inserted, 1 rejected" in said.out
    assert "documents: 1 found, 1 deleted" in said.out
    assert "EXPLAIN ANALYZE DELETE" in said.out
    assert "rejected: " in said.err
    assert all(line.rstrip(" |").endswith(" ms") for line in said.out.splitlines() if " in all: " in line)
    assert database.t.count_documents({}) == 101
    assert run("-c", "EXPLAIN ANALYZE INSERT INTO t (k) VALUES (1)") == run("-c", "INSERT INTO t (k) VALUES (1)") != 0
    assert "EXPLAIN ANALYZE INSERT" in capsys.readouterr().out
    assert run("--dry-run", "-c", "EXPLAIN ANALYZE DELETE FROM t WHERE TRUE") == 0
    script = f"EXPLAIN ANALYZE {load.replace(str(file), '-')};"
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(script.encode())))
    assert run("-") != 0
    assert "standard input holds the script" in capsys.readouterr().err
    assert database.t.count_documents({}) == 101
