"""The physical plan: what to ask of MongoDB, as plain data. Nothing here knows how to run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlbulk.errors import Span
from sqlbulk.options import WriteOptions
from sqlbulk.rowdata import RowSource

Path = tuple[str, ...]
"""A field's address: one name a level. Names may hold dots and dollars; they are never split again."""


# Where rows come from


@dataclass(frozen=True, slots=True)
class ValuesRows:
    """The value list of the statement, decoded as it is read. `open()` starts from the first row."""

    open: Callable[[], RowSource] = field(compare=False)


@dataclass(frozen=True, slots=True)
class CallerRows:
    """Rows that the caller hands in with the statement (`rows=`)."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A value of a file's row: its name (None: passed over), type word such as 'INT' or None, and default."""

    name: str | None
    type: str | None = None
    default: Any = None
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file, a glob of files or '-' (standard input), and how it is to be read.

    `format` is a name of `formats.FORMATS`, None: by extension. `compression` is 'gz', 'bz2', 'zst',
    'none', None: by extension. `columns` are the names and types given in the statement; None: the header's.
    Of the rest None means: find out (`delimiter`, `header`) or the format's usual.
    """

    path: str
    span: Span
    format: str | None = None
    compression: str | None = None
    columns: tuple[FileColumn, ...] | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    line_terminator: str | None = None
    line_prefix: str | None = None
    header: bool | None = None
    skip: int = 0
    null: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    date_format: str | None = None
    infer_types: bool = True


Rows = ValuesRows | CallerRows | FileRows


@dataclass(frozen=True, slots=True)
class Computed:
    """A value worked out a row at a time on the client: LOAD DATA … SET path = expression.

    `evaluate` gets the row's values by variable and column name and gives the value to store.
    """

    path: Path
    text: str
    evaluate: Callable[[Mapping[str, Any]], Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a row becomes a document.

    `targets` gives each value of a row its path, None: the value is only a variable for `computed`;
    `targets` None: the source names its columns (header, dicts), or its rows are documents already.
    `nest` splits the source's own dotted names into levels. `constants` are added to every document.
    """

    targets: tuple[Path | None, ...] | None
    variables: tuple[str | None, ...] | None = None
    computed: tuple[Computed, ...] = ()
    nest: bool = True
    constants: tuple[tuple[Path, Any], ...] = ()
    required: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """What happens to a row whose key is stored already.

    `keys` are the fields of the key; None: any unique index. `action` 'update' replaces the stored
    document by the value of `update`, an aggregation expression over the stored document (`$field`,
    `$$ROOT`) and the incoming one (`$$new`), after which the fields `unset` are removed.
    `condition`, likewise an expression, keeps the stored document where it isn't true.
    """

    action: Literal["nothing", "update", "replace"]
    keys: tuple[Path, ...] | None = None
    update: Any = None
    condition: Any = None
    unset: tuple[str, ...] = ()
    ensure_index: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """Write rows into a collection."""

    collection: str
    rows: Rows
    shape: Shape
    options: WriteOptions
    conflict: Conflict | None = None
    ensure_indexes: tuple[Mapping[str, Any], ...] = ()
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The text of EXPLAIN: made while planning, shown as a table of one column."""

    text: str


@dataclass(frozen=True, slots=True)
class UseDatabase:
    """Later statements run in this database."""

    database: str


@dataclass(frozen=True, slots=True)
class SetOption:
    """Later statements of the session have this default."""

    name: str
    value: Any


Command = Insert | Explained | UseDatabase | SetOption


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one statement asks for, in order, and what the user should know about it."""

    statement: str
    steps: tuple[Command, ...]
    notices: tuple[str, ...] = ()
    text: str = ""

    def __str__(self) -> str:
        return self.text
