"""From Lark's tree to the nodes of queries."""

from __future__ import annotations

from typing import Any

from lark import Token, v_args
from lark.tree import Meta

from sqlbulk.errors import SqlSyntaxError, UnsupportedError
from sqlbulk.syntax import ast
from sqlbulk.syntax.build import Children, ExpressionBuilder, Part, only, span_of, words


@v_args(meta=True)
class QueryBuilder(ExpressionBuilder):
    """Builds queries."""

    def query(self, meta: Meta, children: Children) -> ast.Query:
        body, *rest = [c for c in children if c is not None and not isinstance(c, Part)]
        assert not rest, rest
        fields: dict[str, Any] = {}
        for part in only(Part, children):
            for name, value in part.value.items() if part.field == "several" else [(part.field, part.value)]:
                if name in fields:
                    raise SqlSyntaxError("E1005", f"{name.upper()} is given twice", part.span)
                fields[name] = value
        return ast.Query(body, **fields, span=span_of(meta))

    def set_operation(self, meta: Meta, children: Children) -> ast.SetOperation:
        left, operator, quantifier, right = children
        every = quantifier is not None and quantifier.type == "ALL"
        return ast.SetOperation(left, operator.upper(), every, right, span=span_of(meta))

    def ctes(self, meta: Meta, children: Children) -> Part:
        recursive = children[0] is not None
        return Part("several", {"ctes": tuple(only(ast.Cte, children)), "recursive": recursive}, span_of(meta))

    def cte(self, meta: Meta, children: Children) -> ast.Cte:
        name, columns, negated, materialized, query, order = children
        if not isinstance(query, ast.Query):
            raise UnsupportedError("E3001", f"WITH {name.text} holds a statement that writes; only queries can stand"
                                   " there", query.span, hint="run the statements one after the other")
        if order is not None:
            raise UnsupportedError("E3001", f"{order.value} behind a recursive query isn't supported", order.span,
                                   hint="keep the path of a row in a column of its own")
        wanted = None if materialized is None else negated is None
        return ast.Cte(name, columns or (), query, wanted, span=span_of(meta))

    def cte_order(self, meta: Meta, children: Children) -> Part:
        return Part("order", children[0].upper(), span_of(meta))

    def select(self, meta: Meta, children: Children) -> ast.Select:
        fields: dict[str, Any] = {}
        for part in only(Part, children):
            fields.update(part.value if part.field == "several" else {part.field: part.value})
        return ast.Select(tuple(only(ast.SelectItem, children)), **fields, span=span_of(meta))

    def select_quantifier(self, meta: Meta, children: Children) -> Part:
        distinct = children[0].type == "DISTINCT"
        columns = children[1] if len(children) > 1 else None
        return Part("several", {"distinct": distinct, "distinct_on": columns or ()}, span_of(meta))

    def select_item(self, meta: Meta, children: Children) -> ast.SelectItem:
        alias = children[1] if len(children) > 1 else None
        return ast.SelectItem(children[0], alias, span=span_of(meta))

    def star(self, meta: Meta, children: Children) -> ast.Star:
        return ast.Star((), _excluded(children), span=span_of(meta))

    def qualified_star(self, meta: Meta, children: Children) -> ast.Star:
        table = children[0]
        if not isinstance(table, ast.Path):
            raise SqlSyntaxError("E1001", "only a table's name or a field can stand before .*", table.span)
        return ast.Star(table.parts, _excluded(children), span=span_of(meta))

    def excluded(self, meta: Meta, children: Children) -> tuple[ast.Identifier, ...]:
        return tuple(only(ast.Identifier, children))

    def whole_table(self, meta: Meta, children: Children) -> ast.Select:
        """TABLE t is SELECT * FROM t."""
        span = span_of(meta)
        star = ast.SelectItem(ast.Star((), (), span=span), None, span=span)
        return ast.Select((star,), from_=ast.Table(children[-1], None, span=span), span=span)

    def values_query(self, meta: Meta, children: Children) -> ast.ValuesQuery:
        return ast.ValuesQuery(tuple(children), span=span_of(meta))

    def values_subquery(self, meta: Meta, children: Children) -> ast.Query:
        body = ast.ValuesQuery(tuple(only(tuple, children)), span=span_of(meta))
        return ast.Query(body, span=span_of(meta))

    # FROM

    def from_clause(self, meta: Meta, children: Children) -> Part:
        return Part("from_", cross_join(children), span_of(meta))

    def join(self, meta: Meta, children: Children) -> ast.Join:
        left, natural, kind, right, condition = children
        fields: dict[str, Any] = {} if condition is None else {condition.field: condition.value}
        if condition is None and natural is None and kind != "CROSS":
            raise SqlSyntaxError("E1001", "a JOIN needs ON, USING or NATURAL", span_of(meta))
        if condition is not None and (natural is not None or kind == "CROSS"):
            raise SqlSyntaxError("E1001", "this JOIN takes neither ON nor USING", condition.span)
        return ast.Join(left, kind or "INNER", right, natural=natural is not None, **fields, span=span_of(meta))

    def join_kind(self, meta: Meta, children: Children) -> str:
        return str(children[0].type)

    def join_condition(self, meta: Meta, children: Children) -> Part:
        return Part("on", children[0], span_of(meta))

    def join_using(self, meta: Meta, children: Children) -> Part:
        return Part("using", children[0], span_of(meta))

    def sample(self, meta: Meta, children: Children) -> None:
        raise UnsupportedError("E3001", "TABLESAMPLE isn't supported", span_of(meta),
                               hint="write FROM (SELECT * FROM t WHERE RANDOM() < 0.1) AS t")

    def table(self, meta: Meta, children: Children) -> ast.Table:
        return ast.Table(children[0], children[1], span=span_of(meta))

    def table_target(self, meta: Meta, children: Children) -> ast.Table:
        name, alias = children
        return ast.Table(name, ast.Alias(alias, span=alias.span) if alias else None, span=span_of(meta))

    def derived(self, meta: Meta, children: Children) -> ast.Derived:
        lateral, query, alias = children
        if isinstance(query, ast.ValuesQuery):
            query = ast.Query(query, span=query.span)
        return ast.Derived(query, alias, lateral=lateral is not None, span=span_of(meta))

    def table_function(self, meta: Meta, children: Children) -> ast.TableFunction:
        lateral, call, ordinality, alias = children
        return ast.TableFunction(call, alias, lateral is not None, ordinality is not None, span=span_of(meta))

    def alias(self, meta: Meta, children: Children) -> ast.Alias:
        return ast.Alias(children[0], children[1] or (), span=span_of(meta))

    # the other clauses

    def where(self, meta: Meta, children: Children) -> Part:
        return Part("where", children[0], span_of(meta))

    def having(self, meta: Meta, children: Children) -> Part:
        return Part("having", children[0], span_of(meta))

    def group_by(self, meta: Meta, children: Children) -> Part:
        span = span_of(meta)
        items = tuple(ast.GroupAll(span=span) if isinstance(c, Token) else c for c in children if c is not None)
        return Part("group_by", items, span)

    def grouping_sets(self, meta: Meta, children: Children) -> ast.GroupingSets:
        kind, *sets = children
        word = " ".join(kind.upper().split())
        return ast.GroupingSets(word, tuple(_grouping_set(s) for s in sets), span=span_of(meta))

    def empty_set(self, meta: Meta, children: Children) -> tuple[()]:
        return ()

    def windows(self, meta: Meta, children: Children) -> Part:
        return Part("windows", tuple(children), span_of(meta))

    def named_window(self, meta: Meta, children: Children) -> ast.NamedWindow:
        return ast.NamedWindow(children[0], children[1], span=span_of(meta))

    def window(self, meta: Meta, children: Children) -> ast.Window:
        base, *rest = children
        fields = {p.field: p.value for p in only(Part, rest)}
        frames = only(ast.Frame, rest)
        return ast.Window(base, frame=frames[0] if frames else None, **fields, span=span_of(meta))

    def partition_by(self, meta: Meta, children: Children) -> Part:
        return Part("partition_by", tuple(children), span_of(meta))

    def frame(self, meta: Meta, children: Children) -> ast.Frame:
        unit, bounds = children[0], only(ast.Bound, children)
        end = bounds[1] if len(bounds) > 1 else ast.Bound("CURRENT ROW")
        exclude = [c for c in children[1:] if isinstance(c, str) and not isinstance(c, Token)]
        return ast.Frame(str(unit.upper()), bounds[0], end, exclude[0] if exclude else None, span=span_of(meta))

    def bound(self, meta: Meta, children: Children) -> ast.Bound:
        if isinstance(children[0], Token):
            return ast.Bound(" ".join(" ".join(children).upper().split()), span=span_of(meta))
        return ast.Bound(children[1].upper(), children[0], span=span_of(meta))

    def exclude(self, meta: Meta, children: Children) -> str:
        return " ".join(str(children[0]).upper().split())

    def order_by(self, meta: Meta, children: Children) -> Part:
        return Part("order_by", tuple(children), span_of(meta))

    def order_item(self, meta: Meta, children: Children) -> ast.OrderItem:
        expression, direction, nulls = children
        descending = direction is not None and direction.type == "DESC"
        return ast.OrderItem(expression, descending, nulls.type[6:] if nulls else None, span=span_of(meta))

    def limit(self, meta: Meta, children: Children) -> Part:
        value = None if isinstance(children[0], Token) else children[0]
        return Part("limit", value, span_of(meta))

    def limit_comma(self, meta: Meta, children: Children) -> Part:
        return Part("several", {"offset": children[0], "limit": children[1]}, span_of(meta))

    def offset(self, meta: Meta, children: Children) -> Part:
        return Part("offset", children[0], span_of(meta))

    def fetch(self, meta: Meta, children: Children) -> Part:
        ties = "WITH_TIES" in words(children)
        amount = children[0] if children[0] is not None else ast.Literal(1, span=span_of(meta))
        return Part("several", {"limit": amount, "with_ties": ties}, span_of(meta))


def _excluded(children: Children) -> tuple[ast.Identifier, ...]:
    last = children[-1] if children else None
    return last if isinstance(last, tuple) else ()


def _grouping_set(item: Any) -> tuple[ast.Expr, ...] | ast.GroupingSets:
    if isinstance(item, ast.Row):
        return item.items
    return item if isinstance(item, tuple | ast.GroupingSets) else (item,)


def cross_join(items: list[ast.FromItem]) -> ast.FromItem:
    """`a, b, c` as joins."""
    joined = items[0]
    for item in items[1:]:
        joined = ast.Join(joined, "CROSS", item, span=item.span)
    return joined
