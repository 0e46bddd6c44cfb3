"""From Lark's tree to the nodes of statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lark import Token, v_args
from lark.tree import Meta

from sqlbulk.errors import Cut, Span, SqlSyntaxError, UnsupportedError
from sqlbulk.syntax import ast, literals
from sqlbulk.syntax import statements as st
from sqlbulk.syntax.build import Children, Part, only, span_of, text_of, words
from sqlbulk.syntax.build_query import QueryBuilder, cross_join


def gather(parts: list[Any], node: type[ast.Node] | None = None) -> dict[str, Any]:
    """Clauses in any order as fields of a node; each may come once, but option blocks and what goes on behind them.

    SqlSyntaxError E1005 for one given twice, UnsupportedError E3001 for one that the node has no field for.
    """
    fields: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, st.OptionBlock):
            fields["options"] = (*fields.get("options", ()), part)
        elif not isinstance(part, Part):
            continue
        elif part.field == "more_where":
            block, condition = part.value
            fields["options"] = (*fields.get("options", ()), block)
            fields["where"] = _and(fields.get("where"), condition, part)
        elif part.field in fields:
            clause = part.field.rstrip("_").replace("_", " ").upper()
            raise SqlSyntaxError("E1005", f"{clause} is given twice", part.span)
        else:
            found = part.value if part.field == "several" else {part.field: part.value}
            if node is not None:
                found = _fitting(found, node, part.span)
            fields.update(found)
    return fields


def _fitting(found: dict[str, Any], node: type[ast.Node], span: Span) -> dict[str, Any]:
    """The fields that a node has. What it hasn't must say nothing."""
    for field, value in found.items():
        if field not in node.__dataclass_fields__ and value:
            clause = field.rstrip("_").replace("_", " ").upper()
            raise UnsupportedError("E3001", f"{clause} isn't supported in {_ARTICLE[node]}", span)
    return {field: value for field, value in found.items() if field in node.__dataclass_fields__}


_ARTICLE: dict[type[ast.Node], str] = {st.Update: "an UPDATE", st.Delete: "a DELETE", st.Move: "a MOVE"}


def _and(where: ast.Expr | None, more: ast.Expr, part: Part) -> ast.Expr:
    if where is None:
        raise SqlSyntaxError("E1001", "AND goes on with a WHERE, but there is none before it", part.span)
    return ast.Binary("AND", where, more, span=where.span)


_ROWS = st.ValueList | st.DefaultValues | st.RowsParameter | st.FileSource | ast.Query | ast.ValuesQuery


def _without_columns(rows: Any, columns: Part) -> st.ValueList:
    """The value list behind `()`; SqlSyntaxError E1001 for any other rows."""
    if not isinstance(rows, st.ValueList):
        raise SqlSyntaxError("E1001", "() names no columns, which only fits VALUES ()", columns.span)
    return replace(rows, empty=True)


@v_args(meta=True)
class StatementBuilder(QueryBuilder):
    """Builds statements."""

    def __init__(self, cut: Cut | None, in_rows: Callable[[], int] | None, *, first_parameter: int = 0) -> None:
        super().__init__()
        self._cut, self._in_rows, self._first = cut, in_rows, first_parameter

    def parameter(self, meta: Meta, children: Children) -> ast.Parameter:
        found = super().parameter(meta, children)
        if not isinstance(found.key, int):
            return found
        behind = self._cut is not None and self._in_rows is not None and found.span.start > self._cut.at
        shift = self._first + (self._in_rows() if behind and self._in_rows else 0)
        return replace(found, key=found.key + shift)

    # INSERT

    def insert(self, meta: Meta, children: Children) -> st.Insert:
        ctes, (verb, ignore), table, columns, *rest = children
        rows = next(c for c in rest if isinstance(c, _ROWS))
        if isinstance(rows, ast.ValuesQuery):
            rows = ast.Query(rows, span=rows.span)
        fields = gather(rest)
        if ctes is not None:
            if not isinstance(rows, ast.Query) or rows.ctes:
                raise SqlSyntaxError("E1001", "WITH in front of an INSERT belongs to its SELECT", ctes.span)
            rows = replace(rows, **ctes.value)
        if isinstance(columns, Part):
            rows, columns = _without_columns(rows, columns), ()
        elif columns and isinstance(rows, st.DefaultValues):
            raise SqlSyntaxError("E1001", "DEFAULT VALUES is for all columns; no list of columns fits it", rows.span)
        return st.Insert(verb, ignore, table, columns or (), rows, **fields, span=span_of(meta))

    def insert_verb(self, meta: Meta, children: Children) -> tuple[str, bool]:
        types = words(children)
        return ("REPLACE" if "REPLACE" in types else children[0].type), "IGNORE" in types

    def no_targets(self, meta: Meta, children: Children) -> Part:
        return Part("columns", (), span_of(meta))

    def value_list(self, meta: Meta, children: Children) -> st.ValueList:
        return st.ValueList(span=span_of(meta))

    def default_values(self, meta: Meta, children: Children) -> st.DefaultValues:
        return st.DefaultValues(span=span_of(meta))

    def rows_parameter(self, meta: Meta, children: Children) -> st.RowsParameter:
        return st.RowsParameter(span=span_of(meta))

    def on_duplicate(self, meta: Meta, children: Children) -> Part:
        node = st.OnDuplicateKey(tuple(only(st.Assignment, _flat(children))), span=span_of(meta))
        return Part("conflict", node, node.span)

    def on_conflict(self, meta: Meta, children: Children) -> Part:
        keys = children[1] or ()
        action = next(c.type for c in children[2:] if isinstance(c, Token))
        assignments = next((c for c in children[2:] if isinstance(c, tuple)), ())
        where = next((p.value for p in only(Part, children)), None)
        node = st.OnConflict(keys, action, assignments, where, span=span_of(meta))
        return Part("conflict", node, node.span)

    def returning(self, meta: Meta, children: Children) -> Part:
        return Part("returning", tuple(children), span_of(meta))

    # files

    def file_source(self, meta: Meta, children: Children) -> st.FileSource:
        path = "-" if children[0].type in ("STDIN", "STDIN_ROWS") else text_of(children[0])
        columns = [c for c in children[1:] if isinstance(c, tuple)]
        if len(columns) > 1:
            raise SqlSyntaxError("E1005", "COLUMNS is given twice", span_of(meta))
        options = tuple(only(st.FileOption, children))
        return st.FileSource(path, options, columns[0] if columns else None, span=span_of(meta))

    merge_file = file_source

    def loaded(self, meta: Meta, children: Children) -> st.Loaded:
        rows, name, columns = children
        return st.Loaded(rows, ast.Alias(name, columns or (), span=name.span), span=span_of(meta))

    def file_parameter(self, meta: Meta, children: Children) -> ast.Parameter:
        return self.parameter(meta, children)

    def file_option(self, meta: Meta, children: Children) -> st.FileOption:
        value = children[1] if len(children) > 1 else ast.Literal(True, span=span_of(meta))
        return st.FileOption(children[0].upper(), value, span=span_of(meta))

    def word(self, meta: Meta, children: Children) -> ast.Literal:
        return ast.Literal(str(children[0]), span=span_of(meta))

    def file_columns(self, meta: Meta, children: Children) -> tuple[st.FileColumn, ...]:
        return tuple(only(st.FileColumn, children))

    load_columns = file_columns

    def file_column(self, meta: Meta, children: Children) -> st.FileColumn:
        name, type_name, default = children
        if isinstance(name, Token):
            return st.FileColumn(None, name[1:], type_name, default, span=span_of(meta))
        return st.FileColumn(name, None, type_name, default, span=span_of(meta))

    def load_data(self, meta: Meta, children: Children) -> st.LoadData:
        path, duplicates, table = children[0], children[1], next(iter(only(ast.Table, children)))
        options = [o for c in children if isinstance(c, list) for o in c]
        given = [o.name for o in options]
        if len(set(given)) < len(given):
            raise SqlSyntaxError("E1005", "a format clause is given twice", span_of(meta))
        columns = next((c for c in children if isinstance(c, tuple)), None)
        file = st.FileSource(text_of(path), tuple(options), columns, span=span_of(path))
        fields = gather(children)
        return st.LoadData(file, duplicates.type if duplicates else None, table, **fields, span=span_of(meta))

    def load_charset(self, meta: Meta, children: Children) -> list[st.FileOption]:
        value = ast.Literal(str(children[-1]), span=span_of(meta))
        return [st.FileOption("ENCODING", value, span=span_of(meta))]

    def load_format(self, meta: Meta, children: Children) -> list[st.FileOption]:
        kind, *marks = children
        lines = kind.type == "LINES"
        found = []
        for mark in marks:
            name = (_LINE_MARKS if lines else _FIELD_MARKS).get(mark.field)
            if name is None:
                raise SqlSyntaxError("E1001", f"{kind} can't be {mark.field}", mark.span)
            found.append(st.FileOption(name, ast.Literal(mark.value, span=mark.span), span=mark.span))
        return found

    def load_mark(self, meta: Meta, children: Children) -> Part:
        return Part(children[0].type, text_of_mysql(children[1]), span_of(meta))

    def load_ignore(self, meta: Meta, children: Children) -> list[st.FileOption]:
        number = next(c for c in children if isinstance(c, Token) and c.type == "NUMBER")
        count = ast.Literal(int(literals.number_literal(number)), span=span_of(number))
        return [st.FileOption("SKIP", count, span=span_of(meta))]

    def load_set(self, meta: Meta, children: Children) -> Part:
        return Part("assignments", children[0], span_of(meta))

    # UPDATE, DELETE, MOVE, MERGE

    def update(self, meta: Meta, children: Children) -> st.Update:
        ctes, table, assignments, *rest = children
        fields = gather(rest, st.Update) | (ctes.value if ctes else {})
        if not assignments and "unset" not in fields:
            raise SqlSyntaxError("E1001", "an UPDATE needs SET or UNSET", span_of(meta))
        return st.Update(table, assignments or (), **fields, span=span_of(meta))

    def delete(self, meta: Meta, children: Children) -> st.Delete:
        ctes, table, *rest = children
        fields = gather(rest, st.Delete) | (ctes.value if ctes else {})
        return st.Delete(table, **fields, span=span_of(meta))

    def move(self, meta: Meta, children: Children) -> st.Move:
        source, target, *rest = children
        return st.Move(source, target, **gather(rest, st.Move), span=span_of(meta))

    def more_where(self, meta: Meta, children: Children) -> Part:
        return Part("more_where", (children[0], children[-1]), span_of(meta))

    def using(self, meta: Meta, children: Children) -> Part:
        return Part("using", cross_join(children), span_of(meta))

    def unset(self, meta: Meta, children: Children) -> Part:
        return Part("unset", tuple(children), span_of(meta))

    def merge(self, meta: Meta, children: Children) -> st.Merge:
        ctes, target, source, on, *rest = children
        fields = gather(rest) | (ctes.value if ctes else {})
        return st.Merge(target, source, on, tuple(only(st.MergeArm, rest)), **fields, span=span_of(meta))

    def merge_arm(self, meta: Meta, children: Children) -> st.MergeArm:
        negated, side, condition, action, *rest = children
        by_source = side is not None and side.type == "BY_SOURCE"
        fields: dict[str, Any] = {}
        if action.type == "UPDATE":
            fields["assignments"] = rest[0]
        elif action.type == "INSERT" and not isinstance(rest[0], st.DefaultValues):
            columns, values = rest
            fields.update(columns=columns or (), values=values)
        word = action.type.replace("_", " ")
        return st.MergeArm(negated is None, by_source, condition, word, **fields, span=span_of(meta))

    def assignments(self, meta: Meta, children: Children) -> tuple[st.Assignment, ...]:
        return tuple(_flat(children))

    def assignment(self, meta: Meta, children: Children) -> st.Assignment:
        target, _, value, loop = children
        return st.Assignment(target, value, loop, span=span_of(meta))

    def row_assignment(self, meta: Meta, children: Children) -> list[st.Assignment]:
        targets, _, value = children
        items = value.items if isinstance(value, ast.Row) else (value,)
        if isinstance(value, ast.Subquery) and len(targets) > 1:
            items = _columns_of(value, len(targets))
        if len(items) != len(targets):
            raise SqlSyntaxError("E2001", f"{len(targets)} targets but {len(items)} values", span_of(meta))
        return [st.Assignment(t, v, span=t.span) for t, v in zip(targets, items, strict=True)]

    def update_for(self, meta: Meta, children: Children) -> st.UpdateFor:
        variable, array, condition = children
        return st.UpdateFor(variable, array, condition, span=span_of(meta))

    def target_list(self, meta: Meta, children: Children) -> tuple[ast.Target, ...]:
        return tuple(children)

    # option blocks

    def option_block(self, meta: Meta, children: Children) -> st.OptionBlock:
        name = children[0]
        options = tuple(only(st.Option, children))
        return st.OptionBlock(name.upper() if isinstance(name, Token) else "", options, span=span_of(meta))

    def option(self, meta: Meta, children: Children) -> st.Option:
        return st.Option(children[0].text, children[-1], span=span_of(meta))

    # statements around

    def query_options(self, meta: Meta, children: Children) -> st.QueryWithOptions:
        return st.QueryWithOptions(children[0], tuple(only(st.OptionBlock, children)), span=span_of(meta))

    def explain(self, meta: Meta, children: Children) -> st.Explain:
        return st.Explain(children[0] is not None, children[1], span=span_of(meta))

    def dry_run(self, meta: Meta, children: Children) -> st.DryRun:
        return st.DryRun(children[0], span=span_of(meta))

    def set_option(self, meta: Meta, children: Children) -> st.SetOption:
        return st.SetOption(children[0].text, children[-1], span=span_of(meta))

    def use_database(self, meta: Meta, children: Children) -> st.UseDatabase:
        return st.UseDatabase(children[0], span=span_of(meta))

    def show(self, meta: Meta, children: Children) -> st.Show:
        what = {"INDEX": "INDEXES", "KEYS": "INDEXES"}.get(children[0].type, children[0].type)
        rest = children[1] if len(children) > 1 else None
        if isinstance(rest, ast.Table):
            return st.Show(what, rest, span=span_of(meta))
        return st.Show(what, None, text_of(rest) if rest else None, span=span_of(meta))

    def describe(self, meta: Meta, children: Children) -> st.Describe:
        return st.Describe(children[0], span=span_of(meta))

    # definitions

    def create_table(self, meta: Meta, children: Children) -> st.CreateTable:
        elements = tuple(c for c in children if isinstance(c, st.ColumnDefinition | st.TableConstraint))
        present = any(isinstance(c, Token) and c.type == "IF_NOT_EXISTS" for c in children)
        table = only(ast.Table, children)[0]
        return st.CreateTable(present, table, elements, tuple(only(st.OptionBlock, children)), span=span_of(meta))

    def column_definition(self, meta: Meta, children: Children) -> st.ColumnDefinition:
        name, type_name, *constraints = children
        fields: dict[str, Any] = {}
        for part in constraints:
            if part.field in fields:
                raise SqlSyntaxError("E1005", f"{part.field.replace('_', ' ').upper()} is given twice", part.span)
            fields[part.field] = part.value
        fields.pop("null", None)
        return st.ColumnDefinition(name, type_name, **fields, span=span_of(meta))

    def column_constraint(self, meta: Meta, children: Children) -> Part:
        field, value = {
            "NOT": ("not_null", True), "NULL_WORD": ("null", True), "PRIMARY": ("primary_key", True),
            "UNIQUE": ("unique", True), "CHECK": ("check", children[-1]), "DEFAULT": ("default", children[-1]),
        }[children[0].type]
        return Part(field, value, span_of(meta))

    def table_constraint(self, meta: Meta, children: Children) -> st.TableConstraint:
        kind = next(c.type for c in children if isinstance(c, Token))
        names = only(ast.Identifier, children)
        word = {"PRIMARY": "PRIMARY KEY", "KEY": "INDEX"}.get(kind, kind)
        return st.TableConstraint(word, names[-1] if names else None, children[-1], span=span_of(meta))

    def check_constraint(self, meta: Meta, children: Children) -> st.TableConstraint:
        return st.TableConstraint("CHECK", children[0], (), children[-1], span=span_of(meta))

    def index_columns(self, meta: Meta, children: Children) -> tuple[ast.OrderItem, ...]:
        return tuple(children)

    def create_index(self, meta: Meta, children: Children) -> st.CreateIndex:
        unique, _, present, name, table, columns, where, *options = children
        return st.CreateIndex(
            unique is not None, present is not None, name, table, columns, where.value if where else None,
            tuple(options), span=span_of(meta))

    def create_view(self, meta: Meta, children: Children) -> st.CreateView:
        replaced, _, name, columns, query = children
        return st.CreateView(replaced is not None, ast.Table(name), columns or (), query, span=span_of(meta))

    def drop(self, meta: Meta, children: Children) -> st.Drop:
        what, present, name = children
        return st.Drop(what.type, present is not None, name, span=span_of(meta))

    def drop_index(self, meta: Meta, children: Children) -> st.Drop:
        what, present, name, table = children
        return st.Drop(what.type, present is not None, (name,), table, span=span_of(meta))

    def truncate(self, meta: Meta, children: Children) -> st.Truncate:
        return st.Truncate(only(ast.Table, children)[0], span=span_of(meta))


_FIELD_MARKS = {
    "TERMINATED": "DELIMITER", "ENCLOSED": "QUOTE", "OPTIONALLY_ENCLOSED": "QUOTE", "ESCAPED": "ESCAPE",
}
_LINE_MARKS = {"TERMINATED": "LINE_TERMINATOR", "STARTING": "LINE_PREFIX"}


def _columns_of(subquery: ast.Subquery, count: int) -> tuple[ast.Expr, ...]:
    """The columns of a query's one row: of one document, so that all are of the same row."""
    span = subquery.span
    names = [ast.Identifier(f"column {number}", quoted=True, span=span) for number in range(1, count + 1)]
    table = ast.Identifier("row of values", quoted=True, span=span)
    entries = tuple((name.text, ast.Path((table, name), span=span)) for name in names)
    item = ast.SelectItem(ast.DocumentLiteral(entries, span=span), span=span)
    derived = ast.Derived(subquery.query, ast.Alias(table, tuple(names), span=span), span=span)
    one = ast.Subquery(ast.Query(ast.Select((item,), from_=derived, span=span), span=span), span=span)
    return tuple(ast.Member(one, name, span=span) for name in names)


def text_of_mysql(token: Token) -> str:
    r"""A delimiter as MySQL reads it: '\n', '\t' and '\\' are escapes also without the E."""
    text = text_of(token)
    if token.type == "STRING" and "\\" in text:
        for written, meant in (("\\\\", "\\"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\0", "\0")):
            text = text.replace(written, meant)
    return text


def _flat(children: Children) -> list[Any]:
    return [c for child in children for c in (child if isinstance(child, list) else [child]) if c is not None]
