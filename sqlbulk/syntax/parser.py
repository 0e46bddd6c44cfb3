"""Text to tree: the grammar, the words that are never names, and errors that say what could have stood there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.lexer import PatternRE, PatternStr, TerminalDef

from sqlbulk.errors import Source, Span, SqlError, SqlSyntaxError, UnsupportedError
from sqlbulk.syntax import ast
from sqlbulk.syntax.build import span_of
from sqlbulk.syntax.build_statement import StatementBuilder
from sqlbulk.syntax.expected import expectation
from sqlbulk.syntax.foreign import refuse_foreign, refuse_hints, refuse_misread
from sqlbulk.syntax.lexical import RESERVED
from sqlbulk.syntax.refusals import refuse_clause, refuse_path_operators, refuse_unsupported
from sqlbulk.syntax.statements import Statement
from sqlbulk.syntax.tables import cache_file


def parse(source: Source, *, parameters_in_rows: Callable[[], int] | None = None) -> Statement:
    """The tree of one statement; raises SqlSyntaxError or UnsupportedError with its place.

    `parameters_in_rows` counts the `?` in the value list that was cut out of the text; positional
    parameters behind the list are numbered after them.
    """
    builder = StatementBuilder(source.cut, parameters_in_rows)
    statement: Statement = _parse(source, "statement", builder)
    return statement


def parse_expression(source: Source, *, first_parameter: int = 0) -> ast.Expr:
    """The tree of a single expression, such as a cell of a value list. Its first `?` has the number given."""
    builder = StatementBuilder(None, None, first_parameter=first_parameter)
    expression: ast.Expr = _parse(source, "expression", builder)
    if builder.questions:
        # In a value list every `?` was counted as a parameter before this one was read.
        raise UnsupportedError("E3001", "the operator ? can't stand in a value list", span_of(builder.questions[0]),
                               hint="write JSONB_EXISTS(document, key)", source=source)
    return expression


def _parse(source: Source, start: str, builder: StatementBuilder) -> Any:
    try:
        if start == "statement":
            refuse_unsupported(source)
            refuse_hints(source)
        refuse_path_operators(source)
        built = builder.transform(grammar().parse(source.text, start=start))
        if start == "statement":
            refuse_misread(built, source)
        return built
    except UnexpectedInput as problem:
        _explain(problem, source)
    except VisitError as problem:
        cause = problem.orig_exc
        if isinstance(cause, SqlError):
            raise cause.with_source(source) from None
        if isinstance(cause, RecursionError):
            raise _too_deep(source) from None
        raise cause from None
    except RecursionError:
        raise _too_deep(source) from None
    except SqlError as problem:
        raise problem.with_source(source) from None


def _too_deep(source: Source) -> SqlSyntaxError:
    return SqlSyntaxError("E1007", "this is nested too deeply to be read", Span(0, len(source.text)), source=source)


@cache
def grammar() -> Lark:
    """The parser, built once; its tables are kept in the user's cache directory."""
    text = resources.files("sqlbulk.grammar").joinpath("sql.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        start=["statement", "expression"],
        propagate_positions=True,
        maybe_placeholders=True,
        edit_terminals=_whole_words,
        lexer_callbacks={"NAME": _mark_reserved},
        cache=cache_file(text),
    )


def _whole_words(terminal: TerminalDef) -> None:
    """A keyword ends where the word ends, and comes before NAME where both may stand."""
    pattern = terminal.pattern
    if isinstance(pattern, PatternStr) and re.fullmatch(r"\w+", pattern.value) and pattern.value != "\ue000":
        terminal.pattern = PatternRE(rf"{pattern.value}\b", pattern.flags)
        terminal.priority = max(terminal.priority, 1)


def _mark_reserved(token: Token) -> Token:
    return token.update(type="RESERVED") if token.upper() in RESERVED else token


def _explain(problem: UnexpectedInput, source: Source) -> NoReturn:
    """Raise our own error for Lark's."""
    text = source.text
    if isinstance(problem, UnexpectedToken):
        token, expected = problem.token, set(problem.accepts or problem.expected)
        if token.type == "$END":
            refuse_foreign(source, len(text.rstrip()) - 1)
            end = len(text.rstrip())
            message = "the statement ends too early" if text.strip() else "there is no statement here"
            raise SqlSyntaxError("E1001", f"{message}; {expectation(expected)}", Span(end, end), source=source)
        span = Span(token.start_pos or 0, (token.start_pos or 0) + len(token))
        if text[span.start - 1 : span.start + 1] == "/*":
            opening = Span(span.start - 1, span.end)
            raise SqlSyntaxError("E1002", "this comment is never closed", opening, source=source)
        refuse_clause(source, span.start)
        refuse_foreign(source, span.start)
        found, words = str(token), expected
    else:
        assert isinstance(problem, UnexpectedCharacters)
        start = problem.pos_in_stream or 0
        _unterminated(text, start, source)
        found = _word_at(text, start)
        span, words = Span(start, start + len(found)), set(problem.allowed or ())
    code = "E1003" if found.upper() in RESERVED and "NAME" in words else "E1001"
    hint = f'to use it as a name, quote it: "{found}"' if code == "E1003" else None
    raise SqlSyntaxError(code, f"unexpected {_shown(found)}; {expectation(words)}", span, source=source, hint=hint)


def _word_at(text: str, start: int) -> str:
    match = re.compile(r"\w+|.", re.DOTALL).match(text, start)
    return match[0] if match else ""


def _shown(found: str) -> str:
    if found == "\ue000":
        return "VALUES list"
    text = found if len(found) <= 40 else found[:37] + "…"
    return text if text.isprintable() else ascii(text)


def _unterminated(text: str, start: int, source: Source) -> None:
    what = {"'": "string", '"': "name", "`": "name"}.get(text[start])
    if what is not None:
        raise SqlSyntaxError("E1002", f"this {what} is never closed", Span(start, start + 1), source=source)


__all__ = ["RESERVED", "UnsupportedError", "grammar", "parse", "parse_expression"]
