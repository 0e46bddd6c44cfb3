"""The session: targets, moments, options, planning without a server, running with one, errors with their place."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import sqlbulk
from sqlbulk.errors import (
    ConnectionFailed,
    Interrupted,
    PlanError,
    SqlSyntaxError,
    TooManyErrors,
    UnsupportedError,
    UsageError,
)
from sqlbulk.targets import check_database, choose_target, moment

NOWHERE = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
NOW = datetime(2025, 1, 31, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SQLBULK_URI", "MONGODB_URI", "SQLBULK_DATABASE", "SQLBULK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


# Targets and moments


@pytest.mark.parametrize(
    ("uri", "database", "chosen"),
    [
        ("mongodb://h", None, "test"), ("mongodb://h/", None, "test"), ("mongodb://h/sales", None, "sales"),
        ("mongodb://u:p%40@h:1,g:2/sales?replicaSet=r", None, "sales"), ("mongodb+srv://h/sales.users", None, "sales"),
        ("mongodb://h/?w=1", None, "test"), ("mongodb://h?w=1", None, "test"), ("mongodb://h/sales", "other", "other"),
        (None, None, "test"), (None, "other", "other"),
    ],
)
def test_the_database(uri: str | None, database: str | None, chosen: str) -> None:
    assert choose_target(uri, database, None).database == chosen


def test_the_environment_names_server_and_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URI", "mongodb://second/b")
    assert choose_target(None, None, None).uri == "mongodb://second/b"
    monkeypatch.setenv("SQLBULK_URI", "mongodb://first")
    monkeypatch.setenv("SQLBULK_DATABASE", "c")
    target = choose_target(None, None, None)
    assert (target.uri, target.database) == ("mongodb://first", "c")
    monkeypatch.setenv("SQLBULK_URI", "mongodb://first/e")
    assert choose_target(None, None, None).database == "c"
    monkeypatch.delenv("SQLBULK_DATABASE")
    assert choose_target(None, None, None).database == "e"
    assert choose_target("mongodb://third/d", None, None).database == "d"
    private = choose_target(None, None, Path("/data"))
    assert (private.uri, private.data_dir) == (None, Path("/data"))


def test_an_empty_name_is_not_no_name() -> None:
    with pytest.raises(UsageError, match="E6001"):
        choose_target("mongodb://h", "", None)


@pytest.mark.parametrize("uri", ["", "localhost", "http://h", "mongodb:/h"])
def test_what_is_no_uri(uri: str) -> None:
    with pytest.raises(UsageError, match="E5010"):
        choose_target(uri, None, None)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "$a", "a\0", "ä" * 32, 'a"b'])
def test_what_is_no_database(name: str) -> None:
    with pytest.raises(UsageError, match="E6001"):
        check_database(name)


def test_a_uri_and_a_directory_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="E6001"):
        choose_target("mongodb://h", None, "x")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        ("2025-01-31T12:30:00Z", NOW), ("2025-01-31T12:30", NOW), (" 2025-01-31T14:30:00+02:00 ", NOW),
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        (NOW, NOW), (datetime(2025, 1, 31, 12, 30), NOW),
        (datetime(2025, 1, 31, 13, 30, tzinfo=timezone(timedelta(hours=1))), NOW),
        ("2025-01-31T12:30:00.123999Z", NOW.replace(microsecond=123_000)),
    ],
)
def test_moments(given: datetime | str | None, meant: datetime | None) -> None:
    assert moment(given) == meant


@pytest.mark.parametrize("given", ["yesterday", "", "2025-13-01", 5, date(2025, 1, 1), "0001-01-01T00:00+10:00"])
def test_what_is_no_moment(given: Any) -> None:
    with pytest.raises(UsageError, match="E6001"):
        moment(given)


# Without a server


def test_options_of_the_session() -> None:
    with sqlbulk.connect(NOWHERE, batch_size=17, timezone="Europe/Berlin", timeout_ms=500) as session:
        assert session.options.batch_size == 17
        assert session.options.time_zone == "Europe/Berlin"
        assert session.options.max_execution_time == 0.5
        session.execute("SET ordered = true")
        assert session.options.ordered
        assert session.options.batch_size == 17


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [({"batch_sise": 1}, "E2006", "did you mean batch_size"), ({"batch_size": 0}, "E2007", "1 or more"),
     ({"time_zone": "Mars/Olympus"}, "E2007", "no time zone")],
)
def test_bad_options(options: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        sqlbulk.connect(NOWHERE, **options)
    assert raised.value.code == code


def test_a_bad_option_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlbulk.connect(NOWHERE) as session:
        with pytest.raises(PlanError, match="E2007"):
            session.execute("SET batch_size = 0")
        assert session.options.batch_size == sqlbulk.connect(NOWHERE).options.batch_size


def test_explain_and_translate_need_no_server() -> None:
    sql = "INSERT INTO users (a, b.c) VALUES (:a, CURRENT_TIMESTAMP)"
    plan = sqlbulk.translate(sql, {"a": 1}, now=NOW)
    assert str(plan)
    with sqlbulk.connect(NOWHERE, now=NOW) as session:
        assert session.explain(sql, {"a": 1}) == str(plan)
        result = session.execute(f"EXPLAIN {sql}", {"a": 1})
        assert result.columns == ("plan",)
        assert "\n".join(row[0] for row in result).rstrip() == str(plan).rstrip()
    command = plan.commands[0]
    assert command["insert"] == "users"
    assert command["documents"][0] == {"a": 1, "b": {"c": NOW}}


def test_use_changes_the_database() -> None:
    with sqlbulk.connect(NOWHERE) as session:
        session.execute("USE sales")
        assert session.database == "sales"
        with pytest.raises(UsageError):
            session.database = "no.such"
        assert session.database == "sales"


@pytest.mark.parametrize(
    ("sql", "kind", "code", "place"),
    [
        ("SELEKT 1", SqlSyntaxError, "E1006", "<sql>:1:1"),
        ("SET batch_size = ", SqlSyntaxError, "E1001", "<sql>:1:17"),
        ("\n INSERT INTO t (a) VALUES ('x", SqlSyntaxError, "E1002", "<sql>:2:28"),
        ("INSERT INTO t (a, b) VALUES (1, 2),\n (1, nonsense(2))", PlanError, "E2003", "<sql>:2:6"),
        ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = nonsense(1)", PlanError, "E2003", "<sql>:1:64"),
        ("INSERT INTO t (a) VALUES (:nothing)", PlanError, "E2008", "<sql>:1:27"),
        ("GRANT ALL ON t TO u", UnsupportedError, "E3001", "<sql>:1:1"),
    ],
)
def test_errors_know_their_place(sql: str, kind: type[sqlbulk.SqlError], code: str, place: str) -> None:
    with pytest.raises(kind) as raised:
        str(sqlbulk.translate(sql))
    assert raised.value.code == code
    assert f"[at {place}]" in str(raised.value)
    assert "^" in str(raised.value)


@pytest.mark.parametrize("sql", ["", "  -- nothing", ";"])
def test_no_statement(sql: str) -> None:
    with pytest.raises(SqlSyntaxError, match="there is no statement here"):
        sqlbulk.translate(sql)


def test_two_statements_are_one_too_many() -> None:
    with sqlbulk.connect(NOWHERE) as session, pytest.raises(UsageError, match="the second begins at 2:2") as raised:
        session.execute("SET ordered = true;\n SET ordered = false")
    assert raised.value.code == "E6001"
    assert not session.options.ordered


def test_parameters_must_be_used() -> None:
    for given in ({"a": 1, "b": 2}, [1, 2]):
        with pytest.raises(UsageError, match="E2009"):
            sqlbulk.translate("INSERT INTO t (a) VALUES " + ("(:a)" if isinstance(given, dict) else "(?)"), given)
    with sqlbulk.connect(NOWHERE) as session:
        for _ in session.run("SET comment = :a; SET batch_size = :b", {"a": "x", "b": 2}):
            pass
        assert (session.options.comment, session.options.batch_size) == ("x", 2)
        assert session.parameters_seen == {"a", "b"}


def test_rows_for_a_statement_that_takes_none() -> None:
    with sqlbulk.connect(NOWHERE) as session, pytest.raises(UsageError, match="doesn't take any"):
        session.execute("SET ordered = true", rows=[])


@pytest.mark.parametrize("depth", [500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_too_deep_is_an_error_of_ours(depth: int) -> None:
    for sql in (
        f"SET batch_size = {'(' * depth}1{')' * depth}",
        f"INSERT INTO t (a) VALUES ({'(' * depth}1{')' * depth})",
        f"INSERT INTO t (a) VALUES ({'-' * 1 + ' - ' * depth}1)",
        f"SET comment = {' || '.join(['1'] * depth)}",
    ):
        try:
            str(sqlbulk.translate(sql))
        except sqlbulk.SqlbulkError as error:
            assert error.code in ("E1007", "E2007", "E2012", "E4001", "E3001"), error


def test_scripts_run_lazily_from_text_path_and_file(tmp_path: Path) -> None:
    text = "SET batch_size = 1; SET batch_size = 2;\nSET batch_size = 0"
    path = tmp_path / "a.sql"
    path.write_text(text)
    with sqlbulk.connect(NOWHERE) as session, path.open("rb") as binary, path.open() as opened:
        for script, name in ((text, "<sql>"), (path, str(path)), (binary, str(path)), (opened, str(path)),
                             (io.StringIO(text), "<script>"), (io.BytesIO(text.encode()), "<script>")):
            results = session.run(script)
            assert next(results).statement == "SET"
            assert session.options.batch_size == 1
            assert next(results).summary is None
            assert session.options.batch_size == 2
            with pytest.raises(PlanError) as raised:
                next(results)
            assert f"[at {name}:2:" in str(raised.value)
        with pytest.raises(PlanError, match=r"\[at load:2:"):
            list(session.run(text, name="load"))


def test_plans_of_a_script_follow_set_and_use() -> None:
    with sqlbulk.connect(NOWHERE) as session:
        plans = list(session.plans("SET batch_size = 17; USE sales; INSERT INTO t (a) VALUES (1)"))
        assert [p.statement for p in plans] == ["SET", "USE", "INSERT"]
        assert "17" in str(plans[2])


def test_no_server() -> None:
    with sqlbulk.connect(NOWHERE) as session, pytest.raises(ConnectionFailed, match="E5001"):
        session.execute("INSERT INTO t (a) VALUES (1)")


def test_interrupting_nothing() -> None:
    with sqlbulk.connect(NOWHERE) as session:
        assert not session.interrupt()


def test_the_private_server_is_lazy(tmp_path: Path) -> None:
    with sqlbulk.connect(data_dir=tmp_path / "db") as session:
        assert session.private
        assert session.data_dir == tmp_path / "db"
        session.explain("INSERT INTO t (a) VALUES (1)")
    assert not (tmp_path / "db").exists()


# With a server


@pytest.fixture
def session(server_uri: str, database: Any) -> Iterator[sqlbulk.Session]:
    with sqlbulk.connect(server_uri, database=database.name, now=NOW) as made:
        yield made


@pytest.mark.server
def test_values_and_a_summary(session: sqlbulk.Session, database: Any) -> None:
    result = session.execute(
        "INSERT INTO users (_id, name, at, tags) VALUES (1, :name, CURRENT_TIMESTAMP, JSON_ARRAY(1, 'x')), (2, 'b', NULL, DEFAULT)",
        {"name": "$where"})
    assert (result.statement, result.target) == ("INSERT", "users")
    assert result.summary is not None
    assert (result.summary.read, result.summary.inserted, result.summary.rejected) == (2, 2, 0)
    assert list(database.users.find().sort("_id")) == [
        {"_id": 1, "name": "$where", "at": NOW, "tags": [1, "x"]}, {"_id": 2, "name": "b", "at": None}]


@pytest.mark.server
def test_rows_of_the_caller_are_read_lazily(session: sqlbulk.Session, database: Any) -> None:
    asked = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal asked
        for number in range(3_000):
            asked += 1
            yield number, {"x": [ObjectId(), date(2025, 1, 1)]}

    result = session.execute("INSERT INTO t (_id, a) ?", rows=rows())
    assert asked == 3_000
    assert result.summary is not None
    assert result.summary.inserted == 3_000
    assert database.t.find_one({"_id": 7})["a"]["x"][1] == datetime(2025, 1, 1, tzinfo=UTC)
    session.execute("INSERT INTO dicts ?", rows=[{"_id": 1, "a": {"b": 2}}, {"_id": 2}])
    assert list(database.dicts.find()) == [{"_id": 1, "a": {"b": 2}}, {"_id": 2}]
    with pytest.raises(UsageError, match="E6001"):
        session.execute("INSERT INTO t (_id) ?")


@pytest.mark.server
def test_files(session: sqlbulk.Session, database: Any, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("_id,name,age\n1,Ann,30\n2,Bob,\n")
    session.execute(f"INSERT INTO users FROM '{path}'")
    assert database.users.find_one({"_id": 1}) == {"_id": 1, "name": "Ann", "age": 30}
    with pytest.raises(UsageError, match="E6002"):
        session.execute(f"INSERT INTO users FROM '{tmp_path}/nothing.csv'")


@pytest.mark.server
def test_use_reaches_the_server(session: sqlbulk.Session, database: Any) -> None:
    session.execute("INSERT INTO t (_id) VALUES (1)")
    other = f"{database.name}_b"
    try:
        session.execute(f"USE {other}")
        session.execute("INSERT INTO t (_id) VALUES (2)")
        assert database.client[other].t.find_one() == {"_id": 2}
    finally:
        database.client.drop_database(other)


@pytest.mark.server
def test_refused_rows(session: sqlbulk.Session, database: Any) -> None:
    database.t.insert_one({"_id": 2})
    sql = "INSERT INTO t (_id) VALUES (1),\n (2), (3)"
    with pytest.raises(TooManyErrors) as raised:
        session.execute(sql)
    assert raised.value.exit_code == 4
    summary: Any = raised.value.summary
    assert summary.rejected == 1
    result = session.execute(
        "INSERT INTO t (_id) VALUES (11),\n (2), (13) WITH BULK_OPTIONS (continue_on_error = true)")
    assert result.summary is not None
    assert (result.summary.inserted, result.summary.rejected) == (2, 1)
    error = result.summary.errors[0]
    assert (error.row, error.code, str(error.location)) == (2, "E4007", "<sql>:2:2")


@pytest.mark.server
def test_interrupt_finishes_what_is_in_flight(session: sqlbulk.Session, database: Any) -> None:
    def rows() -> Iterator[tuple[int]]:
        for number in range(1_000_000):
            if number == 20_000:
                assert session.interrupt()
                assert not session.interrupt()
            yield (number,)

    with pytest.raises(Interrupted) as raised:
        session.execute("INSERT INTO t (_id) ? WITH BULK_OPTIONS (batch_size = 1000)", rows=rows())
    summary: Any = raised.value.summary
    assert 0 < summary.inserted < 1_000_000
    assert database.t.count_documents({}) == summary.inserted
    assert not session.interrupt()
    assert session.execute("INSERT INTO u (a) VALUES (1)").summary.inserted == 1  # type: ignore[union-attr]


@pytest.mark.server
def test_progress_is_told(session: sqlbulk.Session) -> None:
    told: list[tuple[Any, ...]] = []

    class Recorder:
        def begin(self, title: str, size: int | None) -> None:
            told.append(("begin", title, size))

        def update(self, *, consumed: int, rows: int, rejected: int) -> None:
            told.append(("update", consumed, rows, rejected))

        def end(self) -> None:
            told.append(("end",))

    session.progress = Recorder()
    sql = "INSERT INTO t (a) VALUES " + ", ".join(f"({n})" for n in range(5_000)) + " WITH BULK_OPTIONS (batch_size = 1000)"
    session.execute(sql)
    assert told[0][:2] == ("begin", "INSERT t")
    assert told[0][2] > 10_000
    assert told[-1] == ("end",)
    updates = [t for t in told if t[0] == "update"]
    assert updates
    assert all(rejected == 0 and rows <= 5_000 for _, _, rows, rejected in updates)
    assert [u[2] for u in updates] == sorted(u[2] for u in updates)


@pytest.mark.server
def test_closing_twice_and_using_again(server_uri: str, database: Any) -> None:
    session = sqlbulk.connect(server_uri, database=database.name)
    session.execute("INSERT INTO t (a) VALUES (1)")
    session.close()
    session.close()


@pytest.mark.server
def test_now_is_fixed_for_a_statement_not_a_session(server_uri: str, database: Any) -> None:
    with sqlbulk.connect(server_uri, database=database.name) as session:
        session.execute("INSERT INTO t (a, b) VALUES (CURRENT_TIMESTAMP, NOW())")
        time.sleep(0.01)
        session.execute("INSERT INTO t (a, b) VALUES (CURRENT_TIMESTAMP, NOW())")
    rows = list(database.t.find())
    assert all(row["a"] == row["b"] for row in rows)
    assert rows[0]["a"] < rows[1]["a"]


def test_threads_do_not_matter_to_interrupt() -> None:
    with sqlbulk.connect(NOWHERE) as session:
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(session.interrupt()))
        thread.start()
        thread.join()
        assert answers == [False]


def test_queries_are_planned_without_a_server_and_say_so() -> None:
    with sqlbulk.connect(NOWHERE) as session:
        plans = list(session.plans("SELECT a FROM t"))
        assert plans[0].notices[-1].startswith("planned without the server: ")
        assert session.execute("EXPLAIN SELECT a FROM t").columns == ("plan",)
        with pytest.raises(ConnectionFailed):
            session.execute("SELECT a FROM t")


def test_a_server_that_does_not_answer_is_asked_once_for_the_plans_of_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlbulk.connect(NOWHERE) as session:
        asked: list[object] = []
        read = session._read_catalog
        monkeypatch.setattr(session, "_read_catalog", lambda tables: (asked.append(tables), read(tables))[1])
        plans = list(session.plans("SELECT a FROM t; SELECT b FROM t"))
        assert [p.notices[-1][:26] for p in plans] == ["planned without the server"] * 2
        assert len(asked) == 1


def test_no_private_server_is_started_for_a_plan(tmp_path: Path) -> None:
    with sqlbulk.connect(data_dir=tmp_path / "db") as session:
        assert "t" in session.explain("SELECT a FROM t")
    assert not (tmp_path / "db").exists()


@pytest.mark.server
def test_queries_are_planned_by_what_the_server_knows(session: sqlbulk.Session, database: Any) -> None:
    database.things.insert_many([{"_id": n, "a": str(n)} for n in range(3)])
    result = session.execute("SELECT _id, a FROM things ORDER BY _id DESC")
    assert (result.statement, result.columns, result.summary) == ("SELECT", ("_id", "a"), None)
    assert list(result) == [(2, "2"), (1, "1"), (0, "0")]
    for text in ("SELECT a FROM thing", "EXPLAIN SELECT a FROM thing"):
        with pytest.raises(PlanError, match="E2020"):
            session.execute(text)
    with pytest.raises(PlanError, match="E2020"):
        session.explain("SELECT a FROM thing")


@pytest.mark.server
def test_an_upsert_knows_the_index_of_its_key(session: sqlbulk.Session, database: Any) -> None:
    sql = "INSERT INTO t (k, a) VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET a = EXCLUDED.a"
    session.execute(sql)
    before = session.explain(sql)
    session.execute(sql)
    assert list(database.t.find({}, {"_id": 0})) == [{"k": 1, "a": 2}]
    assert "k_1_unique" in database.t.index_information()
    database.t.drop()
    assert session.explain(sql) != before


def test_the_script_can_t_be_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    script = io.TextIOWrapper(io.BytesIO(b"INSERT INTO t FROM STDIN FORMAT csv"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", script)
    for given in (script, script.buffer):
        script.buffer.seek(0)
        with sqlbulk.connect(NOWHERE) as session, pytest.raises(PlanError, match="standard input holds the script"):
            list(session.run(given))


@pytest.mark.parametrize("text", [None, 5, b"SELECT 1", ["SELECT 1"]])
def test_what_is_no_text(text: Any) -> None:
    with sqlbulk.connect("mongodb://127.0.0.1:1") as session:
        for call in (session.execute, session.explain, sqlbulk.translate):
            with pytest.raises(UsageError, match="a statement is a text, not a"):
                call(text)
        with pytest.raises(UsageError, match="a script is a text, a Path or an open file, not a"):
            list(session.run(text))


# The end of a session


def closed_session(uri: str | None = None) -> sqlbulk.Session:
    session = sqlbulk.connect(uri)
    session.close()
    return session


@pytest.mark.parametrize("use", [
    lambda session: session.execute("SELECT 1"),
    lambda session: session.execute("INSERT INTO t (a) ?", rows=[(1,)]),
    lambda session: session.execute("SET ordered = true"),
    lambda session: session.explain("INSERT INTO t (a) VALUES (1)"),
    lambda session: next(session.run("SELECT 1")),
    lambda session: next(session.plans("SELECT 1")),
    lambda session: session.connection(),
], ids=["query", "rows", "set", "explain", "run", "plans", "connection"])
def test_a_closed_session_does_nothing_any_more(use: Any) -> None:
    session = closed_session()
    session.close()
    with pytest.raises(UsageError, match="E6001: the session is closed"):
        use(session)


@pytest.mark.server
def test_a_session_ends_with_the_innermost_with(server_uri: str) -> None:
    with sqlbulk.connect(server_uri) as session:
        with session as same:
            assert same is session
            assert [*same.execute("SELECT 1").rows] == [(1,)]
        with pytest.raises(UsageError, match="the session is closed"):
            session.execute("SELECT 1")


@pytest.mark.server
def test_rows_that_are_read_after_the_end(server_uri: str, database: Any) -> None:
    database.t.insert_many([{"_id": n} for n in range(5_000)])
    session = sqlbulk.connect(server_uri, database=database.name)
    few, many, kept = (session.execute(sql) for sql in (
        "SELECT _id FROM t LIMIT 3", "SELECT _id FROM t", "WITH x AS MATERIALIZED (SELECT _id FROM t) SELECT * FROM x"))
    rows = iter(many.rows)
    assert next(rows) == (0,)
    session.close()
    assert [*few.rows] == [(0,), (1,), (2,)]
    for unread in (rows, iter(kept.rows)):
        with pytest.raises(UsageError, match="the session is closed, and not all rows were read before") as caught:
            list(unread)
        assert caught.value.hint == "read them before, or keep them: list(result.rows)"


@pytest.mark.server
def test_a_statement_with_half_a_character(server_uri: str, database: Any) -> None:
    with sqlbulk.connect(server_uri, database=database.name) as session:
        with pytest.raises(UsageError, match="E6001: a text in the statement holds a lone surrogate"):
            session.execute("SELECT '\udcff' AS x")
        assert [*session.execute("SELECT 'é' AS x").rows] == [("é",)]
