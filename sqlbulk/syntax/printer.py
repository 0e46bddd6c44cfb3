"""Expressions and queries back to SQL, in one canonical spelling: parsing it again gives the same tree."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from sqlbulk.syntax import ast


def print_expression(node: ast.Expr | ast.Star | ast.Lambda | ast.Query) -> str:
    """The SQL of an expression. Every operator's operands stand in parentheses where they are operators themselves."""
    match node:
        case ast.Literal():
            return print_literal(node.value)
        case ast.Path():
            return ".".join(print_name(p) for p in node.parts)
        case ast.Call():
            return _call(node)
        case ast.Query():
            return print_query(node)
        case ast.Star():
            return _star(node)
        case ast.Unary() | ast.Binary() | ast.Is() | ast.IsDistinct() | ast.IsJson() | ast.Between() | ast.Like():
            return _operator(node)
        case ast.In() | ast.Quantified() | ast.Subquery() | ast.Exists():
            return _with_query(node)
        case ast.Parameter() | ast.Variable() | ast.Default() | ast.IntervalLiteral() | ast.Lambda():
            return _simple(node)
        case _:
            return _composed(node)


def _nested(node: ast.Expr) -> str:
    text = print_expression(node)
    return text if isinstance(node, _ATOMS) else f"({text})"


_ATOMS = (
    ast.Path, ast.Call, ast.Parameter, ast.Variable, ast.Default, ast.Cast, ast.Case, ast.Row, ast.Subquery, ast.Exists,
    ast.ArrayLiteral, ast.DocumentLiteral, ast.Subscript, ast.Slice, ast.Member, ast.IntervalLiteral,
)


def _list(nodes: Iterable[ast.Expr]) -> str:
    return ", ".join(print_expression(n) for n in nodes)


def print_name(name: ast.Identifier) -> str:
    """A name, quoted if it was."""
    return '"' + name.text.replace('"', '""') + '"' if name.quoted else name.text


def print_literal(value: object) -> str:
    """A value as a literal of its type."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case int():
            return str(value)
        case float():
            return repr(value)
        case datetime():
            return f"TIMESTAMP '{value.astimezone(UTC).isoformat(timespec='milliseconds')}'"
        case Decimal128():
            return f"DECIMAL '{value}'"
        case ObjectId():
            return f"OBJECTID '{value}'"
        case Binary():
            return f"UUID '{value.as_uuid()}'" if value.subtype == 4 else f"X'{value.hex()}'"
        case _:
            assert isinstance(value, bytes)
            return f"X'{value.hex()}'"


def _operator(
    node: ast.Unary | ast.Binary | ast.Is | ast.IsDistinct | ast.IsJson | ast.Between | ast.Like
) -> str:
    match node:
        case ast.Unary():
            return f"{node.operator} {_nested(node.operand)}"
        case ast.Binary():
            return f"{_nested(node.left)} {node.operator} {_nested(node.right)}"
        case ast.Is():
            return f"{_nested(node.operand)} IS {_not(node.negated)}{node.what}"
        case ast.IsJson():
            unique = " WITH UNIQUE KEYS" if node.unique else ""
            return f"{_nested(node.operand)} IS {_not(node.negated)}JSON {node.kind}{unique}"
        case ast.IsDistinct():
            return f"{_nested(node.left)} IS {_not(node.negated)}DISTINCT FROM {_nested(node.right)}"
        case ast.Between():
            symmetric = "SYMMETRIC " if node.symmetric else ""
            bounds = f"{symmetric}{_nested(node.low)} AND {_nested(node.high)}"
            return f"{_nested(node.operand)} {_not(node.negated)}BETWEEN {bounds}"
        case _:
            escape = f" ESCAPE {_nested(node.escape)}" if node.escape else ""
            return f"{_nested(node.operand)} {_not(node.negated)}{node.kind} {_nested(node.pattern)}{escape}"


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


def _with_query(node: ast.In | ast.Quantified | ast.Subquery | ast.Exists) -> str:
    match node:
        case ast.In():
            choices = print_query(node.choices) if isinstance(node.choices, ast.Query) else _list(node.choices)
            return f"{_nested(node.operand)} {_not(node.negated)}IN ({choices})"
        case ast.Quantified():
            return f"{_nested(node.left)} {node.operator} {node.quantifier} ({print_expression(node.right)})"
        case ast.Subquery():
            return f"({print_query(node.query)})"
        case _:
            return f"EXISTS ({print_query(node.query)})"


def _simple(node: ast.Parameter | ast.Variable | ast.Default | ast.IntervalLiteral | ast.Lambda) -> str:
    match node:
        case ast.Parameter():
            return "?" if isinstance(node.key, int) else f":{node.key}"
        case ast.Variable():
            return f"@{node.name}"
        case ast.Default():
            return "DEFAULT"
        case ast.IntervalLiteral():
            amount = print_expression(node.amount)
            plain = isinstance(node.amount, ast.Literal | ast.Parameter)
            return f"INTERVAL {amount if plain else f'({amount})'}" + (f" {node.unit}" if node.unit else "")
        case _:
            return f"({', '.join(n.text for n in node.parameters)}) -> {print_expression(node.body)}"


def _composed(
    node: ast.Case | ast.Cast | ast.AtTimeZone | ast.Member | ast.Subscript | ast.Slice | ast.ArrayLiteral
    | ast.DocumentLiteral | ast.Row | ast.Collate,
) -> str:
    match node:
        case ast.Case():
            return _case(node)
        case ast.Cast():
            word = "TRY_CAST" if node.safe else "CAST"
            return f"{word}({print_expression(node.operand)} AS {print_type(node.type)})"
        case ast.Collate():
            return f"{_nested(node.operand)} COLLATE {'.'.join(print_name(n) for n in node.name)}"
        case ast.AtTimeZone():
            return f"{_nested(node.operand)} AT TIME ZONE {_nested(node.zone)}"
        case ast.Member():
            return f"({print_expression(node.operand)}).{print_name(node.name)}"
        case ast.Subscript():
            return f"{_nested(node.operand)}[{print_expression(node.index)}]"
        case ast.Slice():
            low, high = (_nested(n) if n else "" for n in (node.low, node.high))
            return f"{_nested(node.operand)}[{low} : {high}]"
        case ast.ArrayLiteral():
            return f"ARRAY[{_list(node.items)}]"
        case ast.DocumentLiteral():
            return "{" + ", ".join(f"{print_literal(k)}: {print_expression(v)}" for k, v in node.entries) + "}"
        case _:
            return f"ROW({_list(node.items)})"


def _case(node: ast.Case) -> str:
    operand = f" {print_expression(node.operand)}" if node.operand else ""
    whens = "".join(f" WHEN {print_expression(w.condition)} THEN {print_expression(w.result)}" for w in node.whens)
    otherwise = f" ELSE {print_expression(node.otherwise)}" if node.otherwise else ""
    return f"CASE{operand}{whens}{otherwise} END"


def print_type(node: ast.TypeName) -> str:
    """A type's name with its arguments."""
    arguments = f"({', '.join(map(str, node.arguments))})" if node.arguments else ""
    return f"{node.name}{arguments}{'[]' if node.array else ''}"


def _call(node: ast.Call) -> str:
    order = f" {_order(node.order_by)}" if node.order_by else ""
    distinct = "DISTINCT " if node.distinct else ""
    parts = [f"{node.name}({distinct}{', '.join(print_expression(a) for a in node.arguments)}{order})"]
    if node.within_group:
        parts.append(f"WITHIN GROUP ({_order(node.within_group)})")
    if node.filter:
        parts.append(f"FILTER (WHERE {print_expression(node.filter)})")
    if node.from_end:
        parts.append(f"FROM {node.from_end}")
    if node.nulls:
        parts.append(f"{node.nulls} NULLS")
    if node.over:
        parts.append(f"OVER {print_name(node.over) if isinstance(node.over, ast.Identifier) else _window(node.over)}")
    return " ".join(parts)


def _window(node: ast.Window) -> str:
    parts = [print_name(node.base)] if node.base else []
    if node.partition_by:
        parts.append(f"PARTITION BY {_list(node.partition_by)}")
    if node.order_by:
        parts.append(_order(node.order_by))
    if node.frame:
        exclude = f" EXCLUDE {node.frame.exclude}" if node.frame.exclude else ""
        parts.append(f"{node.frame.unit} BETWEEN {_bound(node.frame.start)} AND {_bound(node.frame.end)}{exclude}")
    return f"({' '.join(parts)})"


def _bound(node: ast.Bound) -> str:
    return f"{_nested(node.offset)} {node.kind}" if node.offset else node.kind


def _order(items: Iterable[ast.OrderItem]) -> str:
    return "ORDER BY " + ", ".join(
        print_expression(i.expression) + (" DESC" if i.descending else "") + (f" NULLS {i.nulls}" if i.nulls else "")
        for i in items
    )


def _star(node: ast.Star) -> str:
    table = "".join(f"{print_name(p)}." for p in node.table)
    excluded = f" EXCEPT ({', '.join(map(print_name, node.excluded))})" if node.excluded else ""
    return f"{table}*{excluded}"


def print_query(node: ast.Query) -> str:
    """A query on one line."""
    parts = []
    if node.ctes:
        ctes = ", ".join(map(_cte, node.ctes))
        parts.append(f"WITH {'RECURSIVE ' if node.recursive else ''}{ctes}")
    parts.append(_body(node.body))
    if node.order_by:
        parts.append(_order(node.order_by))
    if node.offset:
        parts.append(f"OFFSET {_nested(node.offset)}")
    if node.limit and node.with_ties:
        parts.append(f"FETCH FIRST {_nested(node.limit)} ROWS WITH TIES")
    elif node.limit:
        parts.append(f"LIMIT {_nested(node.limit)}")
    return " ".join(parts)


def _cte(node: ast.Cte) -> str:
    kept = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[node.materialized]
    return f"{print_name(node.name)}{_names(node.columns)} AS {kept}({print_query(node.query)})"


def _names(names: tuple[ast.Identifier, ...]) -> str:
    return f" ({', '.join(map(print_name, names))})" if names else ""


def _body(node: ast.QueryBody) -> str:
    match node:
        case ast.Select():
            return _select(node)
        case ast.ValuesQuery():
            return "VALUES " + ", ".join(f"({_list(row)})" for row in node.rows)
        case ast.SetOperation():
            return f"{_body(node.left)} {node.operator}{' ALL' if node.all else ''} {_body(node.right)}"
        case _:
            return f"({print_query(node)})"


def _select(node: ast.Select) -> str:
    distinct = "DISTINCT " if node.distinct else ""
    if node.distinct_on:
        distinct = f"DISTINCT ON ({_list(node.distinct_on)}) "
    parts = [f"SELECT {distinct}{', '.join(map(_item, node.items))}"]
    if node.from_:
        parts.append(f"FROM {_from(node.from_)}")
    if node.where:
        parts.append(f"WHERE {print_expression(node.where)}")
    if node.group_by:
        parts.append(f"GROUP BY {', '.join(map(_grouping, node.group_by))}")
    if node.having:
        parts.append(f"HAVING {print_expression(node.having)}")
    if node.windows:
        windows = ", ".join(f"{print_name(w.name)} AS {_window(w.window)}" for w in node.windows)
        parts.append(f"WINDOW {windows}")
    return " ".join(parts)


def _item(node: ast.SelectItem) -> str:
    return print_expression(node.expression) + (f" AS {print_name(node.alias)}" if node.alias else "")


def _grouping(node: ast.Expr | ast.GroupingSets | ast.GroupAll) -> str:
    if isinstance(node, ast.GroupAll):
        return "ALL"
    if not isinstance(node, ast.GroupingSets):
        return print_expression(node)
    sets = ", ".join(_grouping(s) if isinstance(s, ast.GroupingSets) else _set(s) for s in node.sets)
    return f"{node.kind} ({sets})"


def _set(items: tuple[ast.Expr, ...]) -> str:
    return print_expression(items[0]) if len(items) == 1 else f"({_list(items)})"


def _alias(node: ast.Alias | None) -> str:
    return f" AS {print_name(node.name)}{_names(node.columns)}" if node else ""


def _from(node: ast.FromItem) -> str:
    match node:
        case ast.Table():
            return ".".join(map(print_name, node.name)) + _alias(node.alias)
        case ast.Derived():
            return f"{'LATERAL ' if node.lateral else ''}({print_query(node.query)}){_alias(node.alias)}"
        case ast.TableFunction():
            ordinality = " WITH ORDINALITY" if node.ordinality else ""
            return f"{'LATERAL ' if node.lateral else ''}{_call(node.call)}{ordinality}{_alias(node.alias)}"
        case _:
            right = f"({_from(node.right)})" if isinstance(node.right, ast.Join) else _from(node.right)
            condition = f" ON {print_expression(node.on)}" if node.on else ""
            using = f" USING{_names(node.using)}" if node.using else ""
            return f"{_from(node.left)} {'NATURAL ' if node.natural else ''}{node.kind} JOIN {right}{condition}{using}"
