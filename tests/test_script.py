"""Scripts are split where a statement ends, and the value lists are taken out."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from sqlbulk.errors import SqlSyntaxError, UnsupportedError, UsageError
from sqlbulk.syntax.lexical import ROWS_MARK
from sqlbulk.syntax.script import ScriptStatement, statements
from sqlbulk.syntax.textsource import PathStore, SpoolStore

PIECES = [1, 2, 7, 64, 1 << 18]


def split(script: Any, piece: int = 1 << 18) -> list[tuple[str, str | None]]:
    return [shown(s) for s in statements(script, piece=piece)]


def shown(statement: ScriptStatement) -> tuple[str, str | None]:
    rows = None if statement.rows is None else "".join(statement.rows)
    return statement.source.text.replace(ROWS_MARK, "@"), rows


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("  ;; -- nothing\n/* ; */ # ;\n;", []),
        ("a; b ;c", ["a", "b", "c"]),
        ("a ';' ; b", ["a ';'", "b"]),
        ("a ''';' ; b", ["a ''';'", "b"]),
        ('a ";"";" ; b', ['a ";"";"', "b"]),
        ("a `;``;` ; b", ["a `;``;`", "b"]),
        (r"a E'\';' ; b", [r"a E'\';'", "b"]),
        (r"a '\' ; b", [r"a '\'", "b"]),
        (r"a DATE'\' ; b", [r"a DATE'\'", "b"]),
        ("a $$;$$ ; b", ["a $$;$$", "b"]),
        ("a $x$;$$;$x$ ; b", ["a $x$;$$;$x$", "b"]),
        ("a$x$;b$x$", ["a$x$", "b$x$"]),
        ("a -- ;\n b", ["a -- ;\n b"]),
        ("a # ;\n b; c", ["a # ;\n b", "c"]),
        ("a /* ; * / /* */ b; c -- end", ["a /* ; * / /* */ b", "c"]),
        ("DELIMITER //\na; b//\nc //\ndelimiter ;\nd;e", ["a; b", "c", "d", "e"]),
        ("DELIMITER $$\nBEGIN a; END$$\nDELIMITER ;", ["BEGIN a; END"]),
        ("x - 1 / 2; 'ü' é", ["x - 1 / 2", "'ü' é"]),
        ("-- dump\n/*!40101 SET a */;\n/*!40000 SET b */;c", ["/*!40101 SET a */", "/*!40000 SET b */", "c"]),
        ("-- /*! x\n/*!50000 */ /*M!*/ /*!999999 */ /*+-*/ a /*M!1 */;", ["a /*M!1 */"]),
        (" # b\n /* c */ /*+ d */ e; /*M!100100 f */; /*!5*/", ["/*+ d */ e", "/*M!100100 f */", "/*!5*/"]),
        ("DELIMITER /*!\na/*!/*! b/*!", ["a", "b"]),
    ],
)
def test_statements_end_at_the_delimiter(script: str, expected: list[str], piece: int) -> None:
    assert split(script, piece) == [(text, None) for text in expected]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    ("script", "text", "rows"),
    [
        ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES @", "(1)"),
        ("insert into t (a) values(1),(2)", "insert into t (a) values@", "(1),(2)"),
        ("BULK INSERT INTO t VALUES -- x\n(1), -- )\n(2) # y\n", "BULK INSERT INTO t VALUES -- x\n@", "(1), -- )\n(2)"),
        ("REPLACE INTO a.values VALUES (1)", "REPLACE INTO a.values VALUES @", "(1)"),
        ("INSERT INTO values VALUES (1)", "INSERT INTO values VALUES @", "(1)"),
        ("UPSERT INTO t VALUES ROW(1), ROW (2) ON y", "UPSERT INTO t VALUES @ ON y", "ROW(1), ROW (2)"),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", "EXPLAIN ANALYZE INSERT INTO t VALUES @", "(1)"),
        ("EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)", "EXPLAIN (ANALYZE) INSERT INTO t VALUES @", "(1)"),
        ("DRY RUN BULK UPSERT INTO t VALUES (1)", "DRY RUN BULK UPSERT INTO t VALUES @", "(1)"),
        ("WITH c AS (SELECT (1)) INSERT INTO t VALUES (1)", "WITH c AS (SELECT (1)) INSERT INTO t VALUES @", "(1)"),
        ("INSERT INTO t WITH (a = 1) VALUES (1)", "INSERT INTO t WITH (a = 1) VALUES @", "(1)"),
        ("INSERT INTO t VALUES (1), WITH (a = 2)", "INSERT INTO t VALUES @ WITH (a = 2)", "(1),"),
        ("INSERT INTO t VALUES (1) , ", "INSERT INTO t VALUES @", "(1) ,"),
        ("INSERT INTO t VALUES (1), on_(2)", "INSERT INTO t VALUES @", "(1), on_(2)"),
        ("INSERT INTO t VALUES (1) (2), 3", "INSERT INTO t VALUES @", "(1) (2), 3"),
        ("INSERT INTO t VALUES (1)), (2) AS n", "INSERT INTO t VALUES @ AS n", "(1)), (2)"),
        (
            "INSERT INTO t VALUES (f(1) + (2), ';)') ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES (b)",
            "INSERT INTO t VALUES @ ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES (b)",
            "(f(1) + (2), ';)')",
        ),
        (
            r"""INSERT INTO t VALUES (E'\') ON', "a) ON", `b) ON`, $$) ON$$, /* ) ON */ '#--/*"') RETURNING a""",
            "INSERT INTO t VALUES @ RETURNING a",
            r"""(E'\') ON', "a) ON", `b) ON`, $$) ON$$, /* ) ON */ '#--/*"')""",
        ),
    ],
)
def test_the_value_list_is_cut_out(script: str, text: str, rows: str, piece: int) -> None:
    assert split(script, piece) == [(text, rows)]
    assert split(script + "; x", piece) == [(text, rows), ("x", None)]
    assert split(f"DELIMITER |\n{script}| x", piece) == [(text, rows), ("x", None)]


ORDINARY = "(1, 'it''s', 'a -- b # c; /* \"d\" `e` $f$ ) ON g', JSON_OBJECT('h', (2))), "


@pytest.mark.parametrize("piece", [70, 100, 150, 1000, 1 << 18])
@pytest.mark.parametrize(
    "row",
    [
        "(1, 2, f(3), (4)), ",
        "('', ''), ROW ('x''a', 1), ",
        "(\"x'y\", 1), ",
        "(`x'y`, 1), ",
        "(1 -- '\n, 2), ",
        "(1 # '\n, 2), ",
        "(1 /* ' */, 2), ",
        "($x$ ' $x$, 2), ",
        r"('\', 1), ",
        r"('\', E'\'', ') ON', ' e', 1), ",
        "(CAST('1' AS INT), f(2) IS NULL, 'x'), ",
        "(f(2), on_, 'x'), ",
    ],
)
def test_long_lists_end_where_short_ones_do(row: str, piece: int) -> None:
    rows = (ORDINARY * 7 + row) * 5 + row * 20 + ORDINARY * 20 + "(E'\\'')"
    for tail in (" ON x = 'y'", "", ", WITH (a = 'b')"):
        (found,) = split(f"INSERT INTO t VALUES {rows}{tail}", piece)
        comma = "," if tail.startswith(",") else ""
        assert found == (f"INSERT INTO t VALUES @{tail.removeprefix(',')}", rows + comma)


@pytest.mark.parametrize(
    "script",
    [
        "SELECT * FROM (VALUES (1)) x",
        "INSERT INTO t SELECT * FROM (VALUES (1)) x ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "INSERT INTO t SELECT 1 ON DUPLICATE KEY UPDATE a = VALUES (a)",
        "INSERT INTO t FROM 'f' ON DUPLICATE KEY UPDATE a = VALUES (a)",
        "INSERT INTO t VALUES ?",
        "INSERT INTO t VALUES x (1)",
        "WITH c AS (INSERT INTO t VALUES (1)) SELECT REPLACE(a), b VALUES (1)",
        "MERGE INTO t USING s ON a WHEN NOT MATCHED THEN INSERT (a) VALUES (1)",
        "UPDATE t SET insert = 1, values (1)",
        "VALUES (1)",
        "(INSERT INTO t VALUES (1))",
    ],
)
def test_other_values_stay(script: str) -> None:
    assert split(script) == [(script, None)]


def test_places() -> None:
    script = "\ufeff-- ü\n ünï; INSERT INTO t VALUES\n  (1),\n('ü')  ON x\ny; z"
    found = list(statements(script, name="f.sql"))
    assert [(s.source.name, s.source.line, s.source.column) for s in found] == [
        ("f.sql", 2, 2), ("f.sql", 2, 7), ("f.sql", 5, 4),
    ]  # fmt: skip
    source, rows = found[1].source, found[1].rows
    assert rows is not None and (rows.line, rows.column, rows.size) == (3, 3, 11)
    places = [source.position(source.text.rindex(word)) for word in ("INS", "V", "ON", "x", "y")]
    assert places == [(2, 7), (2, 21), (4, 8), (4, 11), (5, 1)]


def test_a_mark_in_a_string_survives() -> None:
    (statement,) = statements("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = '\ue000'")
    assert statement.source.cut is not None and statement.source.cut.at == 21
    assert statement.source.text.endswith("'\ue000'")


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    ("script", "code", "place"),
    [
        ("a;\n 'x;", "E1002", (2, 2)),
        ("ü 'x''", "E1002", (1, 3)),
        ('a "x', "E1002", (1, 3)),
        ("a `x", "E1002", (1, 3)),
        ("a /* x", "E1002", (1, 3)),
        (r"a E'\'", "E1002", (1, 3)),
        ("a $b$ $$", "E1002", (1, 3)),
        ("a; b \0", "E1008", (1, 6)),
        ("a \ue000", "E1001", (1, 3)),
        ("a b\ue000", "E1001", (1, 4)),
        ("INSERT INTO t VALUES (1)\n ON \ue000", "E1001", (2, 5)),
        ("INSERT INTO t VALUES (1,\n 'x), (2)", "E1002", (2, 2)),
        ("INSERT INTO t VALUES (1), (2, /* x), (2)", "E1002", (1, 31)),
        ("INSERT INTO t VALUES (1),\n(2, (3)", "E1002", (2, 1)),
        ("INSERT INTO t VALUES (1), /* x", "E1002", (1, 27)),
        ("INSERT INTO t VALUES (1) ON 'x", "E1002", (1, 29)),
        ("DELIMITER\na", "E1001", (1, 10)),
        ("DELIMITER go\na", "E1001", (1, 10)),
        ("DELIMITER // a", "E1001", (1, 10)),
        ("DELIMITER ''", "E1001", (1, 10)),
    ],
)
def test_broken_text(script: str, code: str, place: tuple[int, int], piece: int) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        split(script, piece)
    error = caught.value
    assert error.source is not None
    assert (error.code, error.source.position(error.span.start)) == (code, place)
    assert "^" in str(error)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    ("rows", "comment", "place"),
    [
        ("(1 /*! + 1 */)", "/*! + 1 */", (1, 25)),
        ("(1),\n /*!50000 (2), */ (3)", "/*!50000 (2), */", (2, 2)),
        ("(1), (ABS(2 /*M!100100 , 'é' */))", "/*M!100100 , 'é' */", (1, 34)),
        ("('/*! a */', -- /*! b */\n 2 /*+ c */)", "/*+ c */", (2, 4)),
    ],
)
def test_comments_that_other_databases_read_are_refused_in_lists(
    rows: str, comment: str, place: tuple[int, int], piece: int
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        split(f"INSERT INTO t VALUES {rows}", piece)
    error = caught.value
    assert error.source is not None and error.source.text == comment
    assert (error.code, error.source.position(error.span.start)) == ("E3001", place)
    sign = comment[: error.span.end]
    assert error.message.endswith(f"({sign} … */) isn't supported") and "^" * len(sign) in str(error)


@pytest.mark.parametrize("piece", PIECES)
def test_comments_that_say_nothing_stay_in_lists(piece: int) -> None:
    rows = "(1 /*!50000 */, /*M!*/ /*+----+*/ '/*! x */' /* ! y */) -- /*! z"
    assert split(f"INSERT INTO t VALUES {rows}", piece) == [("INSERT INTO t VALUES @ -- /*! z", rows[:-9])]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    ("script", "place"),
    [
        (b"a;\n\xc3\xbc '\xff'", (2, 4)),
        (b"\xff\xfea\0", (1, 1)),
        (b"INSERT INTO t VALUES (1) ON '\xc3'", (1, 30)),
    ],
)
def test_bytes_that_are_no_text(script: bytes, place: tuple[int, int], piece: int) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        split(io.BytesIO(script), piece)
    error = caught.value
    assert error.source is not None
    assert (error.code, error.source.position(error.span.start)) == ("E1008", place)


@pytest.mark.parametrize("piece", [1, 3, 5, 1 << 18])
@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x82", b"\xc3("])
def test_bytes_in_a_list_that_are_no_text(bad: bytes, piece: int) -> None:
    (statement,) = statements(io.BytesIO(b"INSERT INTO t VALUES\n (1),\n('\xc3\xbc" + bad + b"')"))
    assert statement.rows is not None
    with pytest.raises(SqlSyntaxError) as caught:
        list(statement.rows.pieces(piece))
    error = caught.value
    assert error.source is not None
    assert (error.code, error.source.position(error.span.start)) == ("E1008", (3, 4))


LIST = ",\n".join(f"({i}, 'ü; it''s ({i}')" for i in range(400))
SCRIPT = f"SELECT 1; INSERT INTO t (a) VALUES\n{LIST}\n ON x; SELECT 2"


class Pipe(io.RawIOBase):
    """Binary input that can't seek and gives a little at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.data.readinto(memoryview(buffer)[:50])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "script.sql"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlbulk.syntax.listend.PIECE", 500)


EXPECTED = [
    ("SELECT 1", None),
    ("INSERT INTO t (a) VALUES\n@\n ON x", SCRIPT[SCRIPT.index("(0,") : SCRIPT.index("\n ON x")]),
    ("SELECT 2", None),
]


def test_every_kind_of_input(path: Path, small_pieces: None) -> None:
    data = SCRIPT.encode()
    assert split(SCRIPT, 100) == EXPECTED
    assert split(path, 100) == EXPECTED
    assert split(io.BytesIO(data), 100) == EXPECTED
    assert split(io.StringIO(SCRIPT), 100) == EXPECTED
    assert split(Pipe(data), 100) == EXPECTED
    assert split(io.BufferedReader(Pipe(data)), 100) == EXPECTED
    with path.open("rb") as binary, path.open(encoding="utf-8") as text, path.open(encoding="latin-1") as latin:
        assert split(binary, 100) == EXPECTED
        assert split(text, 100) == EXPECTED
        assert split(latin, 100)[2] == EXPECTED[2]
    with path.open(encoding="utf-8") as text:
        text.read(10)
        assert split(text, 100) == EXPECTED[1:]


def test_a_list_can_be_read_again_and_again(path: Path, small_pieces: None) -> None:
    for script in (SCRIPT, path, io.BytesIO(SCRIPT.encode()), Pipe(SCRIPT.encode())):
        rows = list(statements(script, piece=100))[1].rows
        assert rows is not None
        first, second = rows.pieces(7), rows.pieces(1000)
        mixed = [[], []]  # type: list[list[str]]
        for one, other in zip(first, second, strict=False):
            mixed[0].append(one[0])
            mixed[1].append(other[0])
        mixed[0] += [text for text, _ in first]
        mixed[1] += [text for text, _ in second]
        assert "".join(mixed[1]).startswith(EXPECTED[1][1][:3000] if EXPECTED[1][1] else "")
        assert "".join(rows) == EXPECTED[1][1]
        assert [count for _, count in rows.pieces(1000)][-1] == rows.size


def test_where_a_long_list_is_kept(path: Path, small_pieces: None) -> None:
    def store(script: Any) -> object:
        rows = list(statements(script, piece=100))[1].rows
        assert rows is not None
        return rows.store

    assert isinstance(store(path), PathStore)
    assert isinstance(store(Pipe(SCRIPT.encode())), SpoolStore)


def test_a_file_that_changes_is_noticed(path: Path, small_pieces: None) -> None:
    rows = list(statements(path))[1].rows
    path.write_text("x")
    assert rows is not None
    with pytest.raises(UsageError, match="was changed while"):
        list(rows)


def test_a_file_that_is_cut_short_is_noticed(small_pieces: None) -> None:
    file = io.BytesIO(SCRIPT.encode())
    rows = list(statements(file, piece=100))[1].rows
    file.truncate(1000)
    assert rows is not None
    with pytest.raises(UsageError, match="cut short"):
        list(rows)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.sql", tmp_path):
        with pytest.raises(UsageError) as caught:
            split(path)
        assert caught.value.code == "E6002"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe(tmp_path: Path, small_pieces: None) -> None:
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(SCRIPT.encode(),))
    writer.start()
    assert split(pipe, 100) == EXPECTED
    writer.join()


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, small_pieces: None) -> None:
    def full(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    class Full(io.BytesIO):
        write = full  # type: ignore[assignment]

    monkeypatch.setattr("sqlbulk.syntax.textsource.tempfile.TemporaryFile", Full)
    with pytest.raises(UsageError) as caught:
        split(Pipe(SCRIPT.encode()), 100)
    assert caught.value.code == "E6006"


def test_statements_of_a_pipe_come_as_they_arrive() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as file, os.fdopen(write, "wb", buffering=0) as other:
        found = statements(file)
        other.write(b"SELECT 1; SELECT")
        assert next(found).source.text == "SELECT 1"
        other.close()
        assert next(found).source.text == "SELECT"


def test_lone_surrogates_of_a_python_text_survive() -> None:
    (statement,) = statements("INSERT INTO t VALUES ('\ud800') ON '\udfff'")
    assert shown(statement) == ("INSERT INTO t VALUES @ ON '\udfff'", "('\ud800')")
