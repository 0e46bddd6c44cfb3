"""From Lark's tree to expression nodes: one method a rule, named after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from lark import Token, Transformer, v_args
from lark.tree import Meta

from sqlbulk.errors import Span, SqlSyntaxError, UnsupportedError
from sqlbulk.syntax import ast, literals

T = TypeVar("T")
Children = list[Any]

MOMENTS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "LOCALTIME"})
"""Functions that SQL writes without parentheses."""

SESSION_WORDS = frozenset({
    "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "CURRENT_ROLE", "CURRENT_CATALOG", "CURRENT_SCHEMA"})
"""Functions of the same kind that would be read as columns if they weren't refused."""

TYPED_KINDS = {"TIMESTAMPTZ": "TIMESTAMP", "DATETIME": "TIMESTAMP", "NUMERIC": "DECIMAL"}

OPERATORS = {"!=": "<>", "MOD": "%"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a statement on its way to a field of the node: the field's name and its value."""

    field: str
    value: Any
    span: Span


def span_of(meta: Meta | Token) -> Span:
    """Where a rule or token stands in the text."""
    start, end = getattr(meta, "start_pos", None), getattr(meta, "end_pos", None)
    return Span(start or 0, end or start or 0)


def only(kind: type[T], children: Iterable[Any]) -> list[T]:
    """The children of a kind, in order."""
    return [c for c in children if isinstance(c, kind)]


def words(children: Iterable[Any]) -> set[str]:
    """The types of the keyword tokens among the children."""
    return {c.type for c in children if isinstance(c, Token)}


def _value(token: Token, convert: Callable[[str], T]) -> T:
    try:
        return convert(str(token))
    except ValueError as problem:
        raise SqlSyntaxError("E1004", f"this literal can't be read: {problem}", span_of(token)) from None


def _is_and(child: Any) -> bool:
    return isinstance(child, Token) and child.type == "AND"


def text_of(token: Token) -> str:
    """The value of a string token."""
    return _value(token, literals.string_literal)


@v_args(meta=True)
class ExpressionBuilder(Transformer[Token, Any]):
    """Builds expressions. Positional parameters are numbered as they come, from 0; `questions` are operators `?`."""

    def __init__(self) -> None:
        super().__init__()
        self.positional: list[Token] = []
        self.questions: list[Token] = []

    # names

    def name(self, meta: Meta, children: Children) -> ast.Identifier:
        token = children[0]
        if token.type == "QUOTED":
            quote = token[0]
            text = token[1:-1].replace(quote * 2, quote)
            if not text:
                raise SqlSyntaxError("E2011", "a name can't be empty", span_of(meta))
            if "\0" in text:
                raise SqlSyntaxError("E2011", "a name can't hold a NUL character", span_of(meta))
            return ast.Identifier(text, quoted=True, span=span_of(meta))
        return ast.Identifier(str(token), span=span_of(meta))

    def path(self, meta: Meta, children: Children) -> ast.Expr:
        name: ast.Identifier = children[0]
        if not name.quoted and name.text.upper() in MOMENTS:
            return ast.Call(name.text.upper(), (), span=name.span)
        if not name.quoted and name.text.upper() in SESSION_WORDS:
            raise UnsupportedError("E3001", f"{name.text} isn't supported: a session has no such state", name.span,
                                   hint=f'a column of that name is written in quotes: "{name.text}"')
        return ast.Path((name,), span=name.span)

    def member(self, meta: Meta, children: Children) -> ast.Expr:
        operand, name = children
        if isinstance(operand, ast.Path):
            return ast.Path((*operand.parts, name), span=span_of(meta))
        return ast.Member(operand, name, span=span_of(meta))

    def qualified(self, meta: Meta, children: Children) -> tuple[ast.Identifier, ...]:
        return tuple(children)

    def name_list(self, meta: Meta, children: Children) -> tuple[ast.Identifier, ...]:
        return tuple(children)

    def target(self, meta: Meta, children: Children) -> ast.Target:
        return ast.Target(tuple(children), span=span_of(meta))

    def element(self, meta: Meta, children: Children) -> ast.Element:
        index = children[0] if children else None
        return ast.Element(None if isinstance(index, Token) else index, span=span_of(meta))

    def type_name(self, meta: Meta, children: Children) -> ast.TypeName:
        head, *rest = (c for c in children if c is not None)
        arguments = tuple(int(_value(t, literals.number_literal)) for t in rest if t.type == "NUMBER")
        array = any(t.type == "BRACKETS" for t in rest)
        return ast.TypeName(" ".join(head.upper().split()), arguments, array, span=span_of(meta))

    # values

    def literal(self, meta: Meta, children: Children) -> ast.Expr:
        token = children[0]
        if not isinstance(token, Token):
            return token  # type: ignore[no-any-return]
        return ast.Literal(_LITERALS[token.type](token), span=span_of(meta))

    file_value = literal

    def typed_literal(self, meta: Meta, children: Children) -> ast.Expr:
        kind, token = children[0].upper(), children[1]
        text = text_of(token)
        if kind in {"JSON", "JSONB"}:
            return ast.Cast(ast.Literal(text, span=span_of(token)), ast.TypeName(kind), span=span_of(meta))
        kind = TYPED_KINDS.get(kind, kind)
        try:
            return ast.Literal(literals.typed_literal(kind, text), span=span_of(meta))
        except ValueError as problem:
            raise SqlSyntaxError("E1004", f"this {kind} can't be read: {problem}", span_of(token)) from None

    def parameter(self, meta: Meta, children: Children) -> ast.Parameter:
        if not children:
            self.positional.append(Token("QMARK", "?", start_pos=meta.start_pos))
            return ast.Parameter(len(self.positional) - 1, span=span_of(meta))
        text = str(children[0])
        return ast.Parameter(text[2:-2] if text[0] == "%" else text[1:], span=span_of(meta))

    def variable(self, meta: Meta, children: Children) -> ast.Variable:
        return ast.Variable(children[0][1:], span=span_of(meta))

    def default(self, meta: Meta, children: Children) -> ast.Default:
        return ast.Default(span=span_of(meta))

    def interval(self, meta: Meta, children: Children) -> ast.IntervalLiteral:
        _, amount, unit = children
        if isinstance(amount, Token):
            amount = ast.Literal(_LITERALS[amount.type](amount), span=span_of(amount))
        return ast.IntervalLiteral(amount, unit.upper().rstrip("S") if unit else None, span=span_of(meta))

    def signed_number(self, meta: Meta, children: Children) -> ast.Unary:
        number = ast.Literal(_LITERALS["NUMBER"](children[1]), span=span_of(children[1]))
        return ast.Unary(str(children[0]), number, span=span_of(meta))

    def array(self, meta: Meta, children: Children) -> ast.ArrayLiteral:
        items = tuple(c for c in children if c is not None and not isinstance(c, Token))
        return ast.ArrayLiteral(items, span=span_of(meta))

    def array_query(self, meta: Meta, children: Children) -> ast.Call:
        return ast.Call("ARRAY", (children[1],), span=span_of(meta))

    def document(self, meta: Meta, children: Children) -> ast.DocumentLiteral:
        return ast.DocumentLiteral(tuple(c for c in children if c is not None), span=span_of(meta))

    def document_entry(self, meta: Meta, children: Children) -> tuple[str, ast.Expr]:
        key, value = children
        return key.text if isinstance(key, ast.Identifier) else text_of(key), value

    def parenthesized(self, meta: Meta, children: Children) -> ast.Expr:
        inner: ast.Expr = children[0]
        return inner

    def row(self, meta: Meta, children: Children) -> ast.Row:
        return ast.Row(tuple(children), span=span_of(meta))

    def explicit_row(self, meta: Meta, children: Children) -> ast.Row:
        return ast.Row(tuple(children[1:]), span=span_of(meta))

    def row_items(self, meta: Meta, children: Children) -> tuple[ast.Expr, ...]:
        return tuple(children)

    # operators

    def unary(self, meta: Meta, children: Children) -> ast.Unary:
        return ast.Unary(children[0].upper(), children[1], span=span_of(meta))

    complement = unary

    def binary(self, meta: Meta, children: Children) -> ast.Binary:
        left, operator, right = children
        word = operator.upper()
        if operator.type == "QUESTION":
            self.questions.append(operator)
        return ast.Binary(OPERATORS.get(word, word), left, right, span=span_of(meta))

    def quantified(self, meta: Meta, children: Children) -> ast.Quantified:
        left, operator, quantifier, right = children
        word = "ALL" if quantifier.type == "ALL_OF" else "ANY"
        return ast.Quantified(OPERATORS.get(operator, str(operator)), left, word, right, span=span_of(meta))

    def is_(self, meta: Meta, children: Children) -> ast.Is:
        operand, negated, what = children
        return ast.Is(operand, negated is not None, what.upper(), span=span_of(meta))

    def is_distinct(self, meta: Meta, children: Children) -> ast.IsDistinct:
        left, negated, _, right = children
        return ast.IsDistinct(left, negated is not None, right, span=span_of(meta))

    def is_json(self, meta: Meta, children: Children) -> ast.IsJson:
        operand, negated, what = children
        words = what.upper().split()
        kind = words[1] if len(words) > 1 and words[1] in ("VALUE", "ARRAY", "OBJECT", "SCALAR") else "VALUE"
        return ast.IsJson(operand, negated is not None, kind, "WITH" in words, span=span_of(meta))

    def collate(self, meta: Meta, children: Children) -> ast.Collate:
        return ast.Collate(children[0], children[1], span=span_of(meta))

    def in_(self, meta: Meta, children: Children) -> ast.In:
        operand, negated, *items = children
        query = isinstance(items[0], ast.Query)
        return ast.In(operand, negated is not None, items[0] if query else tuple(items), span=span_of(meta))

    def between(self, meta: Meta, children: Children) -> ast.Between:
        operand, negated, symmetry, low, high = (c for c in children if not _is_and(c))
        symmetric = symmetry is not None and symmetry.type == "SYMMETRIC"
        return ast.Between(operand, negated is not None, symmetric, low, high, span=span_of(meta))

    def like(self, meta: Meta, children: Children) -> ast.Like:
        operand, negated, kind, pattern, escape = children
        word = {"SIMILAR_TO": "SIMILAR TO", "RLIKE": "REGEXP"}.get(kind.type, kind.type)
        return ast.Like(operand, negated is not None, word, pattern, escape, span=span_of(meta))

    def like_quantified(self, meta: Meta, children: Children) -> ast.Quantified:
        left, negated, kind, quantifier, right = children
        word = {"SIMILAR_TO": "SIMILAR TO", "RLIKE": "REGEXP"}.get(kind.type, kind.type)
        operator = f"NOT {word}" if negated is not None else word
        quantity = "ALL" if quantifier.type == "ALL_OF" else "ANY"
        return ast.Quantified(operator, left, quantity, right, span=span_of(meta))

    def at_time_zone(self, meta: Meta, children: Children) -> ast.AtTimeZone:
        return ast.AtTimeZone(children[0], children[2], span=span_of(meta))

    def typed(self, meta: Meta, children: Children) -> ast.Cast:
        return ast.Cast(children[0], children[1], span=span_of(meta))

    def cast(self, meta: Meta, children: Children) -> ast.Cast:
        word, operand, type_name = children
        return ast.Cast(operand, type_name, safe=word.upper() != "CAST", span=span_of(meta))

    def subscript(self, meta: Meta, children: Children) -> ast.Subscript:
        return ast.Subscript(children[0], children[1], span=span_of(meta))

    def slice(self, meta: Meta, children: Children) -> ast.Slice:
        return ast.Slice(children[0], children[1], children[2], span=span_of(meta))

    def case(self, meta: Meta, children: Children) -> ast.Case:
        operand, otherwise = children[0], children[-1]
        return ast.Case(operand, tuple(only(ast.When, children)), otherwise, span=span_of(meta))

    def when(self, meta: Meta, children: Children) -> ast.When:
        return ast.When(children[0], children[1], span=span_of(meta))

    def scalar_subquery(self, meta: Meta, children: Children) -> ast.Subquery:
        return ast.Subquery(children[0], span=span_of(meta))

    def exists(self, meta: Meta, children: Children) -> ast.Exists:
        return ast.Exists(children[0], span=span_of(meta))

    # calls

    def call(self, meta: Meta, children: Children) -> ast.Call:
        name, arguments, *tails = children
        fields: dict[str, Any] = {}
        for part in [*(arguments or []), *tails]:
            if isinstance(part, Token):
                part = _word_part(part)
            if part.field in fields:
                raise SqlSyntaxError("E1005", f"{part.field.replace('_', ' ').upper()} is given twice", part.span)
            fields[part.field] = part.value
        fields.setdefault("arguments", ())
        return ast.Call(name.upper(), **fields, span=span_of(meta))

    def call_arguments(self, meta: Meta, children: Children) -> list[Part]:
        quantifier, rest = children[0], [_word_part(c) if _is_nulls(c) else c for c in children[1:]]
        items: list[Any] = []
        parts = [c for c in rest if isinstance(c, Part)]
        for child in rest:
            if isinstance(child, tuple):
                items.extend(child)
            elif child is not None and not isinstance(child, Part):
                items.append(child)
        separators = [p for p in parts if p.field == "separator"]
        items.extend(ast.Literal(p.value, span=p.span) for p in separators)
        span = span_of(meta)
        return [
            Part("arguments", tuple(items), span),
            Part("distinct", quantifier is not None and quantifier.type == "DISTINCT", span),
            *(p for p in parts if p.field != "separator"),
        ]

    def argument_star(self, meta: Meta, children: Children) -> ast.Star:
        return ast.Star((), span=span_of(meta))

    def json_pair(self, meta: Meta, children: Children) -> tuple[ast.Expr, ast.Expr]:
        return children[0], children[1]

    def separator(self, meta: Meta, children: Children) -> Part:
        return Part("separator", text_of(children[0]), span_of(meta))

    def filter(self, meta: Meta, children: Children) -> Part:
        return Part("filter", children[1], span_of(meta))

    def within_group(self, meta: Meta, children: Children) -> Part:
        return Part("within_group", children[1].value, span_of(meta))

    def over(self, meta: Meta, children: Children) -> Part:
        return Part("over", children[1], span_of(meta))

    def lambda_(self, meta: Meta, children: Children) -> ast.Lambda:
        start = span_of(meta).start
        names = str(children[0]).strip("() \t\r\n").split(",")
        parameters = tuple(ast.Identifier(n.strip(), span=Span(start, start + len(children[0]))) for n in names)
        return ast.Lambda(parameters, children[1], span=span_of(meta))

    # SQL's own spellings of some functions

    def extract(self, meta: Meta, children: Children) -> ast.Call:
        _, unit, operand = children
        text = text_of(unit) if unit.type == "STRING" else str(unit)
        return ast.Call("EXTRACT", (ast.Literal(text, span=span_of(unit)), operand), span=span_of(meta))

    def trim(self, meta: Meta, children: Children) -> ast.Call:
        _, side, first, second = children
        name = _TRIMS[side.type if side else "BOTH"]
        if second is None:
            return ast.Call(name, (first,), span=span_of(meta))
        return ast.Call(name, (second, first), span=span_of(meta))

    def trim_comma(self, meta: Meta, children: Children) -> ast.Call:
        return ast.Call("TRIM", (children[1], children[2]), span=span_of(meta))

    def trim_spaces(self, meta: Meta, children: Children) -> ast.Call:
        return ast.Call(_TRIMS[children[1].type], (children[2],), span=span_of(meta))

    def substring(self, meta: Meta, children: Children) -> ast.Call:
        arguments = tuple(c for c in children[1:] if c is not None)
        return ast.Call("SUBSTRING", arguments, span=span_of(meta))

    def position(self, meta: Meta, children: Children) -> ast.Call:
        return ast.Call("POSITION", (children[1], children[2]), span=span_of(meta))


setattr(ExpressionBuilder, "lambda", ExpressionBuilder.lambda_)

def _is_nulls(child: Any) -> bool:
    return isinstance(child, Token) and child.type == "NULLS_INSIDE"


def _word_part(token: Token) -> Part:
    """IGNORE NULLS, RESPECT NULLS, FROM FIRST or FROM LAST."""
    words = token.upper().split()
    if token.type == "FROM_END":
        return Part("from_end", words[-1], span_of(token))
    return Part("nulls", words[0], span_of(token))


_TRIMS = {"BOTH": "TRIM", "LEADING": "LTRIM", "TRAILING": "RTRIM"}
_LITERALS: dict[str, Callable[[Token], Any]] = {
    "NUMBER": lambda token: _value(token, literals.number_literal),
    "STRING": text_of,
    "ESCAPED_STRING": text_of,
    "HEX": lambda token: _value(token, literals.hex_literal),
    "TRUE": lambda token: True,
    "FALSE": lambda token: False,
    "NULL": lambda token: None,
}
