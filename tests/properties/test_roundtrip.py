"""print ∘ parse is the identity on trees, and any text at all gives a tree or an error with a place."""

from __future__ import annotations

import string
from datetime import UTC, datetime

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as some

from sqlbulk.errors import Source, SqlError
from sqlbulk.syntax import ast
from sqlbulk.syntax.parser import parse, parse_expression
from sqlbulk.syntax.printer import print_expression

texts = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
names = some.one_of(
    some.text(string.ascii_lowercase, min_size=1, max_size=4).map(lambda t: ast.Identifier(t + "_")),
    texts.filter(bool).map(lambda t: ast.Identifier(t, quoted=True)),
)
values = some.one_of(
    some.none(), some.booleans(), some.integers(0, 10**20), texts, some.binary(max_size=4),
    some.floats(0, 1e300, allow_nan=False).map(abs),
    some.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
        lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000, tzinfo=UTC)),
    some.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=0, max_value=10**9).map(Decimal128),
    some.binary(min_size=12, max_size=12).map(ObjectId),
)
paths = some.lists(names, min_size=1, max_size=3).map(lambda p: ast.Path(tuple(p)))
leaves = some.one_of(
    values.map(ast.Literal), paths, some.just(ast.Default()), some.just(ast.Parameter("p")), some.just(ast.Variable("v"))
)
BINARY = ["+", "-", "*", "/", "DIV", "%", "^", "||", "=", "<>", "<", "<=", ">", ">=", "<=>", "AND", "OR", "XOR", "&", "|", "~", "@>", "<<",
          "&&", "?|", "?&", "OVERLAPS"]
TYPES = [ast.TypeName("INT"), ast.TypeName("DECIMAL", (10, 2)), ast.TypeName("DOUBLE PRECISION"), ast.TypeName("TEXT", (), True)]


def branches(inner: some.SearchStrategy[ast.Expr]) -> some.SearchStrategy[ast.Expr]:
    several = some.lists(inner, min_size=1, max_size=3).map(tuple)
    flag = some.booleans()
    maybe = some.none() | inner
    order = some.lists(
        some.builds(ast.OrderItem, inner, flag, some.sampled_from([None, "FIRST", "LAST"])), min_size=1, max_size=2).map(tuple)
    return some.one_of(
        some.builds(ast.Unary, some.sampled_from(["-", "+", "~", "NOT"]), inner),
        some.builds(ast.Binary, some.sampled_from(BINARY), inner, inner),
        some.builds(ast.Is, inner, flag, some.sampled_from(["NULL", "TRUE", "FALSE", "UNKNOWN", "MISSING"])),
        some.builds(ast.IsDistinct, inner, flag, inner),
        some.builds(ast.In, inner, flag, several),
        some.builds(ast.Between, inner, flag, flag, inner, inner),
        some.builds(ast.Like, inner, flag, some.sampled_from(["LIKE", "ILIKE", "SIMILAR TO", "REGEXP"]), inner, maybe),
        some.builds(ast.Case, maybe, some.lists(some.builds(ast.When, inner, inner), min_size=1, max_size=2).map(tuple), maybe),
        some.builds(ast.Cast, inner, some.sampled_from(TYPES), flag),
        some.builds(ast.AtTimeZone, inner, inner),
        some.builds(ast.IsJson, inner, flag, some.sampled_from(["VALUE", "ARRAY", "OBJECT", "SCALAR"]), flag),
        some.builds(ast.Collate, inner, some.lists(names, min_size=1, max_size=2).map(tuple)),
        some.builds(ast.Quantified, some.sampled_from(["=", "<", "LIKE", "NOT ILIKE", "SIMILAR TO", "~", "!~*"]), inner,
                    some.sampled_from(["ANY", "ALL"]), inner),
        some.builds(ast.Subscript, inner, inner),
        some.builds(ast.ArrayLiteral, several),
        some.builds(ast.Row, several),
        some.builds(lambda items: ast.DocumentLiteral(tuple(items)), some.lists(some.tuples(texts, inner), max_size=2)),
        some.builds(ast.Call, some.sampled_from(["F", "COUNT", "LEFT"]), several, flag, order | some.just(())),
        some.builds(ast.Call, some.just("G"), several, filter=maybe, over=some.none() | some.builds(
            ast.Window, some.none(), several, order)),
    )


@given(some.recursive(leaves, branches, max_leaves=12))
@settings(max_examples=300, deadline=None)
def test_expressions(tree: ast.Expr) -> None:
    text = print_expression(tree)
    assert parse_expression(Source(text)) == tree, text


FRAGMENTS = [
    "SELECT", "INSERT INTO t", "FROM", "WHERE", "a", "(", ")", ",", "'x'", "1", "=", "AND", "\ue000", "WITH", "AS", "ON",
    "CONFLICT", "CASE", "END", "*", ".", "::", "[", "]", "{", "}", ":", "?", "@v", "--", "/*", "'", '"', "`", "\n", "E'\\", "$$", "UPDATE t SET",
    "DELETE FROM", "VALUES", "BULK", "NOT", "IN", "INTERVAL", "DATE '2025-01-01'", "->", "%(x)s",
]


@given(some.lists(some.sampled_from(FRAGMENTS) | some.text(max_size=5), max_size=25).map(" ".join))
@settings(max_examples=1000, deadline=None)
def test_any_text_gives_a_tree_or_an_error_with_a_place(text: str) -> None:
    try:
        parse(Source(text))
    except SqlError as problem:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert problem.source is not None
        assert str(problem).startswith(f"ERROR {problem.code}: ")
