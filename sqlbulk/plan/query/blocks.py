"""SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW … [ORDER BY … LIMIT …] as algebra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlbulk.errors import PlanError, Span
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.binder import Binder
from sqlbulk.plan.binding.bound import BoundExpr, Column, SortKey, WindowCall
from sqlbulk.plan.binding.calls import make_constant
from sqlbulk.plan.query.grouping import Grouping, Windows, has_aggregate
from sqlbulk.plan.query.grouping_sets import bind_grouping_sets
from sqlbulk.plan.query.hooks import QueryHooks, sort_key
from sqlbulk.plan.query.limit import Bounds, in_order
from sqlbulk.plan.query.sources import bind_from, equalities
from sqlbulk.plan.query.stars import Item, expand, project
from sqlbulk.plan.query.state import Around, BoundQuery, From, Planning, fingerprint
from sqlbulk.syntax import ast
from sqlbulk.types import Type


@dataclass(slots=True)
class _Select:
    """A SELECT under way: what stands in FROM, and how its expressions are bound."""

    tree: ast.Select
    around: Around
    planning: Planning
    hooks: QueryHooks
    tables: From
    binder: Binder


def bind_select(
    tree: ast.Select, around: Around, planning: Planning, *, order_by: tuple[ast.OrderItem, ...], bounds: Bounds
) -> BoundQuery:
    """The query with its order and limit."""
    hooks = QueryHooks(planning, around.tables, {w.name.text: w.window for w in tree.windows})
    if tree.from_ is None:
        tables = From(algebra.Values(planning.relation("unit"), (), ((),)), ())
    else:
        with hooks.clause("in FROM"):
            tables = bind_from(tree.from_, around, planning, hooks)
    binder = Binder(tables.scope(around.scope), planning.environment, hooks)
    select = _Select(tree, around, planning, hooks, tables, binder)
    rows, equal = _where(select)
    items = _items(select)
    aliases = _aliases(select, items)
    having = _having(select, aliases)
    order = _order(select, items, aliases, order_by)
    distinct_on = _distinct_on(select, aliases)
    keys, sets = _keys(select, items, aliases)
    in_windows = _named_windows(select)
    expressions = [*(i.expression for i in items), *([having] if having else []), *(k.expression for k in order)]
    expressions += in_windows
    if keys or sets or tree.group_by or having is not None or any(map(has_aggregate, expressions)):
        groups = Grouping(planning, planning.relation("groups"), keys, algebra.visible(tables.relation), equal)
        if sets:
            rows = bind_grouping_sets(groups, sets, rows)
        items = [replace(i, expression=groups.translate(i.expression)) for i in items]
        order = [replace(k, expression=groups.translate(k.expression)) for k in order]
        distinct_on = [groups.translate(e) for e in distinct_on]
        having = groups.translate(having) if having is not None else None
        rows = groups.node(rows)
        for expression in in_windows:
            groups.translate(expression)
    if having is not None:
        rows = algebra.Filter(rows, having)
    windows = Windows(planning.relation("windows"))
    items = [replace(i, expression=windows.translate(i.expression)) for i in items]
    order = [replace(k, expression=windows.translate(k.expression)) for k in order]
    rows = windows.node(rows)
    return _finished(select, rows, items, order, distinct_on, bounds)


# The clauses


def _where(select: _Select) -> tuple[algebra.Relation, list[tuple[Column, Column]]]:
    rows, equal = select.tables.relation, list(select.tables.equal)
    if select.tree.where is None:
        return rows, equal
    with select.hooks.clause("in WHERE"):
        condition = select.binder.bind(select.tree.where)
    return algebra.Filter(rows, condition), [*equal, *equalities(condition)]


def _items(select: _Select) -> list[Item]:
    items: list[Item] = []
    with select.hooks.clause("in SELECT", aggregates=True, windows=True):
        for item in select.tree.items:
            if isinstance(item.expression, ast.Star):
                items += expand(item.expression, select.tables, select.binder)
            else:
                expression = select.binder.bind(item.expression)
                items.append(Item(expression, title_of(item), named=item.alias is not None))
    return items


def title_of(item: ast.SelectItem) -> str:
    """The column's name: its alias, the last name of a path, the function's name, else ?column?."""
    if item.alias is not None:
        return item.alias.text
    expression = item.expression
    while isinstance(expression, ast.Cast):
        expression = expression.operand
    match expression:
        case ast.Path(parts=parts):
            return parts[-1].text
        case ast.Member(name=name):
            return name.text
        case ast.Call(name=name):
            return name.lower()
        case ast.Case():
            return "case"
        case ast.Exists():
            return "exists"
    return "?column?"


def _aliases(select: _Select, items: list[Item]) -> dict[str, BoundExpr]:
    """The names of the select list that mean it in other clauses too.

    A name that the tables have as well means the tables': one of a made table or known field, or one that
    the item itself uses (UPPER(name) AS name). Fields that nobody knows give way to the alias.
    """
    aliases: dict[str, BoundExpr] = {}
    for item in items:
        if item.named and item.title not in aliases and not _is_field(select, item):
            aliases[item.title] = item.expression
    return aliases


def _is_field(select: _Select, item: Item) -> bool:
    for source in select.tables.sources:
        if item.title in {c.split(".")[0] for c in source.fields}:
            return True
    inside = (e for e in algebra.walk(item.expression, subqueries=False) if isinstance(e, Column))
    return any(c.path[:1] == (item.title,) for c in inside)


def _with_aliases(select: _Select, aliases: Mapping[str, BoundExpr]) -> Binder:
    scope = select.binder.scope
    return select.binder.within(replace(scope, bound={**aliases, **scope.bound}))


def _having(select: _Select, aliases: Mapping[str, BoundExpr]) -> BoundExpr | None:
    if select.tree.having is None:
        return None
    with select.hooks.clause("in HAVING", aggregates=True):
        return _with_aliases(select, aliases).bind(select.tree.having)


def _order(
    select: _Select, items: list[Item], aliases: Mapping[str, BoundExpr], order_by: tuple[ast.OrderItem, ...]
) -> list[SortKey]:
    keys = []
    binder = _with_aliases(select, aliases)
    outputs = {i.title: i.expression for i in reversed(items) if not i.document}
    with select.hooks.clause("in ORDER BY", aggregates=True, windows=True):
        for item in order_by:
            expression = _ordinal(item.expression, items, "ORDER BY") or _lone(item.expression, outputs)
            keys.append(sort_key(item, expression or binder.bind(item.expression)))
    return keys


def _ordinal(expression: ast.Expr, items: list[Item], clause: str) -> BoundExpr | None:
    """What a number means that stands alone in ORDER BY or GROUP BY."""
    if not isinstance(expression, ast.Literal) or not isinstance(expression.value, int) or expression.value is True:
        return None
    number = expression.value
    if not 1 <= number <= len(items) or any(i.document for i in items[:number]):
        raise PlanError("E2002", f"{clause} {number}: there is no column of that number", expression.span)
    return items[number - 1].expression


def _lone(expression: ast.Expr, outputs: Mapping[str, BoundExpr]) -> BoundExpr | None:
    """In ORDER BY a name alone is the output column's first of all."""
    if isinstance(expression, ast.Path) and len(expression.parts) == 1:
        return outputs.get(expression.parts[0].text)
    return None


def _named_windows(select: _Select) -> list[BoundExpr]:
    """What stands in WINDOW: it is checked there, whether it is used or not."""
    with select.hooks.clause("in WINDOW", aggregates=True):
        return [e for w in select.tree.windows for e in select.hooks.expressions_of(w.window, select.binder)]


def _distinct_on(select: _Select, aliases: Mapping[str, BoundExpr]) -> list[BoundExpr]:
    with select.hooks.clause("in DISTINCT ON", aggregates=True):
        binder = _with_aliases(select, aliases)
        return [binder.bind(e) for e in select.tree.distinct_on]


def _keys(
    select: _Select, items: list[Item], aliases: Mapping[str, BoundExpr]
) -> tuple[list[tuple[str, BoundExpr]], list[tuple[int, ...]]]:
    """The grouped expressions by name, and the sets of their numbers where GROUPING SETS, ROLLUP or CUBE stand."""
    keys: list[tuple[str, BoundExpr]] = []
    numbers: dict[str, int] = {}
    binder = _with_aliases(select, {n: e for n, e in aliases.items() if not has_aggregate(e)})

    def number_of(expression: ast.Expr) -> int:
        bound = _ordinal(expression, items, "GROUP BY") or binder.bind(expression)
        if has_aggregate(bound):
            raise PlanError("E2015", "an aggregate can't be grouped by", expression.span)
        return number_of_bound(bound)

    def number_of_bound(bound: BoundExpr) -> int:
        text = fingerprint(bound)
        if text not in numbers:
            numbers[text] = len(keys)
            keys.append((f"k{len(keys)}", bound))
        return numbers[text]

    sets: list[tuple[int, ...]] = [()]
    special = False
    with select.hooks.clause("in GROUP BY"):
        for item in select.tree.group_by:
            if isinstance(item, ast.GroupingSets):
                special = True
                choices = _sets(item, number_of)
            elif isinstance(item, ast.GroupAll):
                choices = [tuple(number_of_bound(i.expression) for i in items if not has_aggregate(i.expression))]
            else:
                choices = [tuple(number_of(e) for e in (item.items if isinstance(item, ast.Row) else (item,)))]
            sets = [tuple(dict.fromkeys((*a, *b))) for a in sets for b in choices]
    return keys, sets if special else []


def _sets(item: ast.GroupingSets, number_of: object) -> list[tuple[int, ...]]:
    assert callable(number_of)
    groups = [
        _sets(s, number_of) if isinstance(s, ast.GroupingSets) else [tuple(number_of(e) for e in s)] for s in item.sets
    ]
    if item.kind == "GROUPING SETS":
        return [s for each in groups for s in each]
    parts = [each[0] for each in groups]
    if item.kind == "ROLLUP":
        return [tuple(n for part in parts[:length] for n in part) for length in range(len(parts), -1, -1)]
    masks = range(2 ** len(parts) - 1, -1, -1)
    chosen = [[p for i, p in enumerate(parts) if mask >> (len(parts) - 1 - i) & 1] for mask in masks]
    return [tuple(n for part in each for n in part) for each in chosen]


# The end: DISTINCT, ORDER BY, LIMIT, and the columns


def _finished(
    select: _Select, rows: algebra.Relation, items: list[Item], order: list[SortKey],
    distinct_on: list[BoundExpr], bounds: Bounds,
) -> BoundQuery:
    planning = select.planning
    if select.tree.distinct and not distinct_on:
        return _distinct(select, rows, items, order, bounds)
    if distinct_on:
        rows, order = _first_of_each(select, rows, order, distinct_on)
    return project(in_order(rows, order, bounds, planning), items, select.tables, planning)


def _distinct(
    select: _Select, rows: algebra.Relation, items: list[Item], order: list[SortKey], bounds: Bounds
) -> BoundQuery:
    query = project(rows, items, select.tables, select.planning)
    relation = select.planning.relation("distinct")
    keys = tuple(o.key for o in query.outputs)
    pairs = zip(items, query.outputs, strict=False)
    texts = {fingerprint(i.expression): Column(relation, (o.key,), o.type) for i, o in pairs}
    outer = []
    for key in order:
        column = texts.get(fingerprint(key.expression)) or _of_star(key.expression, items, relation)
        if column is None:
            raise PlanError("E2015", "with SELECT DISTINCT, ORDER BY takes expressions of the select list only",
                            key.expression.span)
        outer.append(replace(key, expression=column))
    made: algebra.Relation = algebra.Distinct(query.relation, relation, keys, query.name, query.open)
    return BoundQuery(in_order(made, outer, bounds, select.planning), relation, query.outputs, query.open)


def _of_star(expression: BoundExpr, items: list[Item], relation: str) -> Column | None:
    """A field of the documents that SELECT DISTINCT * takes."""
    star = items[0]
    if len(items) > 1 or not star.document or not isinstance(expression, Column):
        return None
    inside = isinstance(star.expression, Column) and star.expression.relation == expression.relation
    if not inside or not expression.path or expression.path[0] in star.excluded:
        return None
    return replace(expression, relation=relation)


def _first_of_each(
    select: _Select, rows: algebra.Relation, order: list[SortKey], distinct_on: list[BoundExpr]
) -> tuple[algebra.Relation, list[SortKey]]:
    """DISTINCT ON: the first row, in order, of each combination."""
    wanted = {fingerprint(e) for e in distinct_on}
    first = [fingerprint(k.expression) for k in order[: len(wanted)]]
    if order and not set(first) <= wanted:
        raise PlanError("E2015", "the expressions of DISTINCT ON must come first in ORDER BY", select.tree.span)
    relation = select.planning.relation("first")
    keys = tuple(order) or tuple(SortKey(e) for e in distinct_on)
    call = WindowCall("ROW_NUMBER", None, (), Type.INTEGER, tuple(distinct_on), keys)
    numbered = algebra.Window(rows, relation, (("n", call),))
    one = select.planning.call("=", Column(relation, ("n",), Type.INTEGER), make_constant(1, Span(0, 0)))
    return algebra.Filter(numbered, one), order
