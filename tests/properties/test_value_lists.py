"""However a list is read, learned or token by token, in large or tiny pieces, it gives the same rows and errors."""

from __future__ import annotations

import io
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlbulk.errors import PlanError, Span, SqlError
from sqlbulk.syntax.lexical import COMMENT, ROWS_MARK
from sqlbulk.syntax.patterns import compiled
from sqlbulk.syntax.rows import decode
from sqlbulk.syntax.rowscan import Evaluate
from sqlbulk.syntax.script import statements
from sqlbulk.syntax.textsource import MemoryStore, ValueText

Pair = tuple[str, Any]
TOKENS_ONLY = 10**9


def evaluate(text: str, *, first_parameter: int) -> Any:
    """Words and sums without comments; all else is wrong at its last character."""
    text = compiled(COMMENT).sub("", text).strip() or text
    if text == "?" or re.sub(r"[ _+?]|\(\)", "", text).isalnum():
        return ("=", text, first_parameter if "?" in text else None)
    raise PlanError("E2002", "no such thing", Span(len(text) - 1, len(text)))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    return "E'" + "".join(f"\\{c}" if c in "\\'" else c for c in text) + "'"


characters = st.sampled_from("'\"`\\();,$-#/*?eE \n\r\tabü漢😀\0\ue000") | st.characters()
texts = st.text(characters, max_size=12)
gaps = st.sampled_from(["", "", "", " ", "\n", "\t \r\n", "-- it's (\n", "# \" ;\n", "/* ') ; */", " /**/ "])
words = st.sampled_from(["CURRENT_TIMESTAMP", "NOW()", "current_date"])
leaves: st.SearchStrategy[Pair] = st.one_of(
    texts.map(lambda t: (quoted(t), t)),
    texts.map(lambda t: (escaped(t), t)),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: (str(n), n)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda f: (repr(f), f)),
    st.sampled_from([("NULL", None), ("true", True), ("False", False)]),
    st.binary(max_size=5).map(lambda b: (f"X'{b.hex()}'", b)),
    words.map(lambda w: (w, ("=", w, None))),
    st.just(("a + b", ("=", "a + b", None))),
)


names = st.sampled_from(["a", "_B$1", "größe", "values", "null_", "e", "x", "json_object"])
keys = texts | st.sampled_from(["$set", "a.b", "", "a", "a", "from", "{", "}", ":", "', k0: __import__('os')"])


def named(text: str, sign: str) -> str:
    return sign + text.replace(sign, sign * 2) + sign


@st.composite
def written_keys(draw: st.DrawFn) -> tuple[str, str]:
    """A key in braces as it is written, and the text that it is."""
    if draw(st.booleans()):
        name = draw(names)
        return name, name
    key = draw(keys)
    write = draw(st.sampled_from([quoted, escaped, *([named] if key and "\0" not in key else [])]))
    return (write(key, draw(st.sampled_from('"`'))) if write is named else write(key)), key  # type: ignore[operator]


@st.composite
def documents(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    """A document in one of its forms; keys may come twice."""
    form = draw(st.sampled_from(["{:}", "(:)", "(,)"]))
    written = written_keys() if form == "{:}" else keys.map(lambda k: (quoted(k), k))
    pairs = draw(st.lists(st.tuples(written, inner), max_size=3))
    parts = [f"{draw(gaps)}{k[0]}{draw(gaps)}{form[1]}{draw(gaps)}{v[0]}{draw(gaps)}" for k, v in pairs]
    text = ",".join(parts)
    if form == "{:}" and pairs and draw(st.booleans()):
        text += "," + draw(gaps)
    before = "" if form == "{:}" else draw(st.sampled_from(["JSON_OBJECT", "json_object"])) + draw(gaps)
    return f"{before}{form[0]}{text}{form[2]}", {k[1]: v[1] for k, v in pairs}


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    items = draw(st.lists(inner, max_size=3))
    parts = [f"{draw(gaps)}{text}{draw(gaps)}" for text, _ in items]
    opening, closing = draw(st.sampled_from([("JSON_ARRAY(", ")"), ("[", "]"), ("ARRAY [", "]"), ("array[", "]")]))
    return opening + ",".join(parts) + closing, [value for _, value in items]


cells = st.recursive(leaves, lambda inner: documents(inner) | arrays(inner), max_leaves=4)


@st.composite
def lists(draw: st.DrawFn) -> tuple[str, list[tuple[Any, ...]]]:
    """The text of some rows, many of them alike, and their values."""
    kinds = draw(st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=3))
    parts, values = [], []
    for index in draw(st.lists(st.integers(0, len(kinds) - 1), min_size=1, max_size=8)):
        row = kinds[index]
        plain = draw(st.booleans())
        gap = st.just(" ") if plain else gaps
        opening = "(" if plain else draw(st.sampled_from(["(", "ROW(", "row ("]))
        parts.append(opening + ",".join(f"{draw(gap)}{text}{draw(gap)}" for text, _ in row) + ")")
        values.append(tuple(value for _, value in row))
    separators = [f"{draw(gaps)},{draw(gaps)}" for _ in parts[1:]] + [""]
    return "".join(a + b for a, b in zip(parts, separators, strict=True)), values


def outcome(text: str, *, patience: int, piece: int = 1 << 18, evaluate: Evaluate = evaluate) -> Any:
    """The rows with their places, and the refused; or the code and place of the error."""
    data = text.encode("utf-8", "surrogatepass")
    rows = ValueText(MemoryStore(data), 0, len(data), "f", 1, 1, errors="surrogatepass")
    found: list[Any] = []
    try:
        for chunk in decode(rows, columns=None, evaluate=evaluate, patience=patience, piece=piece):
            for i, row in enumerate(chunk.rows):
                found.append((chunk.ordinals[i], repr(row), str(chunk.locate(i)), chunk.excerpt(i)))
            found += [(error.row, str(error), error.text) for error in chunk.refused]
    except SqlError as error:
        assert error.source is not None
        return error.code, error.message, error.source.position(error.span.start)
    return sorted(found)


@given(lists(), st.integers(1, 40))
@settings(deadline=None, max_examples=300)
def test_every_way_of_reading_gives_the_values(made: tuple[str, list[tuple[Any, ...]]], piece: int) -> None:
    text, values = made
    learned = outcome(text, patience=1)
    assert [row[1] for row in learned] == [repr(value) for value in values]
    assert outcome(text, patience=TOKENS_ONLY) == learned
    assert outcome(text, patience=1, piece=piece) == learned


@given(lists(), st.data())
@settings(deadline=None, max_examples=300)
def test_every_way_of_reading_gives_the_error(made: tuple[str, list[tuple[Any, ...]]], data: st.DataObject) -> None:
    text = made[0]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    text = text[:at] + data.draw(st.text("'\"`\\(),;$-#/*?eE[]{}: 09.", max_size=3)) + text[at + cut :]
    expected = outcome(text, patience=TOKENS_ONLY)
    assert outcome(text, patience=1) == expected
    assert outcome(text, patience=1, piece=data.draw(st.integers(1, 40))) == expected


@given(st.text("'\"`\\(),;$-#/*?eE[]{}: 0aRrOoWw\n", max_size=60), st.integers(1, 9))
@settings(deadline=None, max_examples=500)
@example("(1), (2", 1)
def test_any_text_gives_rows_or_one_of_our_errors(text: str, piece: int) -> None:
    assert outcome(text, patience=1, piece=piece) == outcome(text, patience=TOKENS_ONLY)


def split(script: bytes, piece: int) -> list[tuple[str, str | None, tuple[int, int], Any]] | tuple[str, Any]:
    try:
        return [
            (s.source.text, None if s.rows is None else "".join(s.rows), (s.source.line, s.source.column), s.source.cut)
            for s in statements(io.BytesIO(script), piece=piece)
        ]
    except SqlError as error:
        assert error.source is not None
        return error.code, error.source.position(error.span.start)


@st.composite
def scripts(draw: st.DrawFn) -> tuple[str, list[tuple[str, str | None]]]:
    """A script, and its statements as they should come out of it."""
    expected: list[tuple[str, str | None]] = []
    script = draw(gaps)
    for _ in range(draw(st.integers(0, 4))):
        text = "SELECT " + draw(leaves.filter(lambda p: "\0" not in p[0]))[0]
        rows = None
        if draw(st.booleans()):
            tail = draw(st.sampled_from(["", " ON CONFLICT (a) DO UPDATE SET b = VALUES (b)", "\nWITH (a = ';)')"]))
            rows = draw(lists())[0].replace(ROWS_MARK, "x")
            text = f"INSERT INTO t VALUES {ROWS_MARK}{tail}"
        expected.append((text, rows))
        script += text if rows is None else text.replace(ROWS_MARK, rows)
        script += draw(gaps) + ";" + draw(gaps)
    return script, expected


def text_only(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@given(scripts(), st.integers(1, 200))
@settings(deadline=None, max_examples=300)
def test_splitting_loses_nothing(made: tuple[str, list[tuple[str, str | None]]], piece: int) -> None:
    script, expected = made
    data = script.encode("utf-8", "replace")
    expected = [(text_only(text), rows and text_only(rows)) for text, rows in expected]
    whole = split(data, 1 << 18)
    assert [(text, rows) for text, rows, *_ in whole] == expected
    assert split(data, piece) == whole


@given(scripts(), st.data())
@settings(deadline=None, max_examples=300)
def test_broken_scripts_split_the_same(made: tuple[str, list[Any]], data: st.DataObject) -> None:
    script = made[0].encode("utf-8", "replace")
    at = data.draw(st.integers(0, len(script)))
    noise = data.draw(st.text("'\"`\\(),;$-#/*?eE[]\0", max_size=3)).encode()
    script = script[:at] + noise + script[at + data.draw(st.integers(0, 3)) :]
    assert split(script, data.draw(st.integers(1, 200))) == split(script, 1 << 18)
