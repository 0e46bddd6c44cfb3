"""The nodes of statements: what a script is made of. Expressions and queries are in `ast`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlbulk.syntax.ast import (
    Alias,
    Call,
    Cte,
    Derived,
    Expr,
    FromItem,
    Identifier,
    Node,
    OrderItem,
    Query,
    SelectItem,
    Table,
    Target,
    TypeName,
)

# Option blocks


@dataclass(frozen=True, slots=True)
class Option(Node):
    """name = value of an option block; the value is any constant expression, a bare word is a Path."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class OptionBlock(Node):
    """WITH BULK_OPTIONS (…) and its like; `name` is upper case, '' for plain WITH (…)."""

    name: str
    options: tuple[Option, ...]


# Sources of rows


@dataclass(frozen=True, slots=True)
class ValueList(Node):
    """The VALUES of an INSERT: one mark in the text; the rows are decoded apart from the tree.

    `empty`: the statement names no columns with `()`, so no row may hold a value.
    """

    empty: bool = False


@dataclass(frozen=True, slots=True)
class DefaultValues(Node):
    """DEFAULT VALUES: one row that names no column."""


@dataclass(frozen=True, slots=True)
class RowsParameter(Node):
    """`?` instead of VALUES: rows that the caller hands in."""


@dataclass(frozen=True, slots=True)
class FileColumn(Node):
    """A column of a file: name or @variable, type, default."""

    name: Target | None
    variable: str | None = None
    type: TypeName | None = None
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class FileOption(Node):
    """FORMAT csv, DELIMITER ';', SKIP 2 …: the word in upper case and its value, True where none is needed."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class FileSource(Node):
    """FROM 'path' or FROM STDIN (path '-') with its options and columns."""

    path: str
    options: tuple[FileOption, ...] = ()
    columns: tuple[FileColumn, ...] | None = None


# Clauses of write statements


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """target = value; `operator` is '=' or the likes of '+='."""

    target: Target
    value: Expr
    loop: UpdateFor | None = None


@dataclass(frozen=True, slots=True)
class UpdateFor(Node):
    """FOR variable IN array WHEN condition END, behind an assignment."""

    variable: Identifier
    array: Target
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class OnDuplicateKey(Node):
    """ON DUPLICATE KEY UPDATE a = …, …"""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class OnConflict(Node):
    """ON CONFLICT (keys) DO NOTHING | UPDATE SET … [WHERE …] | REPLACE; keys empty when none are named."""

    keys: tuple[Target, ...]
    action: str
    assignments: tuple[Assignment, ...] = ()
    where: Expr | None = None


# Statements


@dataclass(frozen=True, slots=True)
class Insert(Node):
    """[BULK] INSERT | UPSERT | REPLACE [IGNORE] INTO table [(columns)] rows … in all its spellings."""

    verb: str
    ignore: bool
    table: Table
    columns: tuple[Target, ...]
    rows: ValueList | DefaultValues | RowsParameter | FileSource | Query
    conflict: OnDuplicateKey | OnConflict | None = None
    options: tuple[OptionBlock, ...] = ()
    returning: tuple[SelectItem, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadData(Node):
    """LOAD DATA [LOCAL] INFILE 'path' [REPLACE|IGNORE] INTO TABLE t … as MySQL spells it."""

    file: FileSource
    duplicates: str | None
    table: Table
    assignments: tuple[Assignment, ...] = ()
    options: tuple[OptionBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Update(Node):
    """[BULK] UPDATE table SET … [FROM …] [WHERE …] [ORDER BY …] [LIMIT …] [RETURNING …] [options]."""

    table: Table
    assignments: tuple[Assignment, ...]
    unset: tuple[Target, ...] = ()
    from_: FromItem | None = None
    where: Expr | None = None
    order_by: tuple[OrderItem, ...] = ()
    limit: Expr | None = None
    returning: tuple[SelectItem, ...] = ()
    options: tuple[OptionBlock, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Delete(Node):
    """[BULK] DELETE FROM table [USING …] [WHERE …] [ORDER BY …] [LIMIT …] [RETURNING …] [options]."""

    table: Table
    using: FromItem | None = None
    where: Expr | None = None
    order_by: tuple[OrderItem, ...] = ()
    limit: Expr | None = None
    returning: tuple[SelectItem, ...] = ()
    options: tuple[OptionBlock, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Move(Node):
    """BULK MOVE source TO target [WHERE …] [ORDER BY …] [LIMIT …] [options]."""

    table: Table
    to: Table
    where: Expr | None = None
    order_by: tuple[OrderItem, ...] = ()
    limit: Expr | None = None
    returning: tuple[SelectItem, ...] = ()
    options: tuple[OptionBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeArm(Node):
    """WHEN [NOT] MATCHED [BY SOURCE] [AND condition] THEN action; `action` UPDATE, DELETE, INSERT or DO NOTHING.

    An INSERT without values is INSERT DEFAULT VALUES.
    """

    matched: bool
    by_source: bool
    condition: Expr | None
    action: str
    assignments: tuple[Assignment, ...] = ()
    columns: tuple[Target, ...] = ()
    values: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded(Node):
    """'path' … AS name or ? AS name, behind USING: rows that come by the client; `alias` may name their columns."""

    rows: FileSource | RowsParameter
    alias: Alias


@dataclass(frozen=True, slots=True)
class Merge(Node):
    """MERGE INTO table USING source ON condition WHEN …"""

    table: Table
    source: Table | Derived | Loaded
    on: Expr
    arms: tuple[MergeArm, ...]
    options: tuple[OptionBlock, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False
    returning: tuple[SelectItem, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryWithOptions(Node):
    """A query WITH (options)."""

    query: Query
    options: tuple[OptionBlock, ...]


@dataclass(frozen=True, slots=True)
class Explain(Node):
    """EXPLAIN [ANALYZE] statement."""

    analyze: bool
    statement: Statement


@dataclass(frozen=True, slots=True)
class DryRun(Node):
    """DRY RUN statement."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class SetOption(Node):
    """SET option = value."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class UseDatabase(Node):
    """USE database."""

    database: Identifier


@dataclass(frozen=True, slots=True)
class Show(Node):
    """SHOW what [FROM table] [LIKE pattern]; what is TABLES, COLLECTIONS, INDEXES, FUNCTIONS, OPTIONS or DATABASES."""

    what: str
    table: Table | None = None
    like: str | None = None


@dataclass(frozen=True, slots=True)
class Describe(Node):
    """DESCRIBE table."""

    table: Table


# Definitions


@dataclass(frozen=True, slots=True)
class ColumnDefinition(Node):
    """name TYPE with its constraints: NOT NULL, PRIMARY KEY, UNIQUE, CHECK, DEFAULT."""

    name: Target
    type: TypeName
    not_null: bool = False
    primary_key: bool = False
    unique: bool = False
    check: Expr | None = None
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class TableConstraint(Node):
    """PRIMARY KEY (…), UNIQUE (…), INDEX name (…) or CHECK (…)."""

    kind: str
    name: Identifier | None = None
    columns: tuple[OrderItem, ...] = ()
    check: Expr | None = None


@dataclass(frozen=True, slots=True)
class CreateTable(Node):
    """CREATE TABLE|COLLECTION [IF NOT EXISTS] name (…) [options] [AS query]."""

    if_not_exists: bool
    table: Table
    elements: tuple[ColumnDefinition | TableConstraint, ...] = ()
    options: tuple[OptionBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateIndex(Node):
    """CREATE [UNIQUE] INDEX [IF NOT EXISTS] [name] ON table (…) [WHERE …] [options]."""

    unique: bool
    if_not_exists: bool
    name: Identifier | None
    table: Table
    columns: tuple[OrderItem, ...]
    where: Expr | None = None
    options: tuple[OptionBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateView(Node):
    """CREATE [OR REPLACE] VIEW name [(columns)] AS query."""

    replace: bool
    table: Table
    columns: tuple[Identifier, ...]
    query: Query


@dataclass(frozen=True, slots=True)
class Drop(Node):
    """DROP TABLE|COLLECTION|VIEW|INDEX [IF EXISTS] name [ON table]."""

    what: str
    if_exists: bool
    name: tuple[Identifier, ...]
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Truncate(Node):
    """TRUNCATE [TABLE | COLLECTION] name."""

    table: Table


Statement = (
    Query | QueryWithOptions | Insert | LoadData | Update | Delete | Move | Merge | Explain | DryRun | SetOption
    | UseDatabase | Show | Describe | CreateTable | CreateIndex | CreateView | Drop | Truncate
)
__all__ = ["Alias", "Call", "Statement"]
