"""The physical plan: what to ask of MongoDB, as plain data. Nothing here knows how to run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlbulk.commands_catalog import CatalogCommand, Truncate
from sqlbulk.commands_read import Reading
from sqlbulk.commands_steps import FewKeys, Step
from sqlbulk.defaults import Default
from sqlbulk.errors import Span
from sqlbulk.options import WriteOptions
from sqlbulk.rowdata import RowSource

Path = tuple[str, ...]
"""A field's address: one name a level. Names may hold dots and dollars; they are never split again."""


# Where rows come from


@dataclass(frozen=True, slots=True)
class ValuesRows:
    """The rows in the statement, decoded as they are read. `open()` starts from the first; `described`: in words."""

    open: Callable[[], RowSource] = field(compare=False)
    described: str = "the VALUES list of the statement"


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


ROW = "row"
MET = "met"
HALF = "half"
HALVED = 1_000
"""So many rows that have a document are written in two halves at the same time."""
FEW_STORED = 4
"""So many stored documents a row are read in one pass sooner than each row's is looked up."""
FEW_DOCUMENTS = 20_000
"""So many stored documents are read whatever the number of rows."""


def in_row_field(pipeline: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The pipeline with its documents in the field `ROW`, in which they wait."""
    *rest, last = pipeline or [{}]
    if set(last) == {"$replaceWith"}:
        return [*rest, {"$replaceWith": {ROW: last["$replaceWith"]}}]
    return [*pipeline, {"$replaceWith": {ROW: "$$ROOT"}}]


@dataclass(frozen=True, slots=True)
class QueryRows:
    """The rows of a query, whose pipeline ends in documents as they are to be stored.

    `fields` are the fields that each document has, None: not known before. With `settled` all rows are found
    before the first is written, because the query reads the collection that is written to. `merge` is the
    $merge stage by which the rows stay on the server, None: they come by the client, and `by_client` says why.
    Rows that wait do so in a collection whose name begins with `commands_steps.STAGED`, each in the field `ROW`;
    in another one, named after it, they are marked by the field `MET`: whether there is a document with their key,
    and by `HALF`, at random.
    """

    query: Query
    fields: tuple[Path, ...] | None = None
    settled: bool = False
    merge: Mapping[str, Any] | None = None
    by_client: str | None = None

    @property
    def own_ids(self) -> bool:
        """Whether rows may bring an `_id`."""
        return self.fields is None or any(path[0] == "_id" for path in self.fields)


Rows = ValuesRows | CallerRows | FileRows | QueryRows


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
    `names` are the names in the source of the values for `targets`: where the source has names, the values
    are found by them and its other columns passed over; None: by their place. `variables` are the names of
    the values for `computed`. `nest` splits the source's own dotted names into levels. `constants` are
    added to every document, `defaults` to those that lack the field.
    """

    targets: tuple[Path | None, ...] | None
    variables: tuple[str | None, ...] | None = None
    computed: tuple[Computed, ...] = ()
    nest: bool = True
    constants: tuple[tuple[Path, Any], ...] = ()
    required: tuple[Path, ...] = ()
    names: tuple[str, ...] | None = None
    defaults: tuple[Default, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """What happens to a row whose key is stored already.

    `keys` are the fields of the key; None: any unique index. `action` 'update' replaces the stored
    document by the value of `update`, an aggregation expression over the stored document (`$field`,
    `$$ROOT`) and the incoming one (`$$new`), after which the fields `unset` are removed (the planner
    leaves that empty: its `update` removes them itself). `condition`, likewise an expression, keeps the
    stored document where it isn't true; it gives true, false or null. `changes`, where it is given, is true
    where `update` gives another document than the stored one, and cheaper to work out. `hindered`, where it is
    given, is true where `update` ends in an error, because what is above a field of the stored document is no document.
    """

    action: Literal["nothing", "update", "replace"]
    keys: tuple[Path, ...] | None = None
    update: Any = None
    condition: Any = None
    unset: tuple[str, ...] = ()
    ensure_index: bool = False
    changes: Any = None
    hindered: Any = None


@dataclass(frozen=True, slots=True)
class Insert:
    """Write rows into a collection. `returning` is a query whose rows for the documents written are the result."""

    collection: str
    rows: Rows
    shape: Shape
    options: WriteOptions
    conflict: Conflict | None = None
    ensure_indexes: tuple[Mapping[str, Any], ...] = ()
    database: str | None = None
    time_series: TimeSeries | None = None
    returning: Query | None = None


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """A time-series collection that is made where it is missing, and whose fields an existing one must have.

    `granularity` is the server's word, 'seconds', 'minutes' or 'hours'; `span`, in seconds, is said instead of it.
    """

    time_field: str
    meta_field: str | None = None
    granularity: str | None = None
    span: int | None = None


# Documents that are stored already


@dataclass(frozen=True, slots=True)
class Selection:
    """The stored documents that a statement is about.

    `filter` is a match document; it is tested again when a document is written, so that one that was changed
    in between is left alone. Where it doesn't say everything (subqueries, joins, ORDER BY) `stages` find the
    documents, all by themselves: a pipeline over the collection `source`, in the same database, that gives
    rows with the document's `_id`, the same one perhaps several times. `ordered`: their order counts.
    `limit`: at most so many. With `settled` all documents are found before the first one is changed, because
    the stages read the collection itself. `steps` and `alone` are those of the stages, as in a `Query`.
    """

    filter: Mapping[str, Any]
    stages: tuple[Mapping[str, Any], ...] = ()
    source: str | None = None
    ordered: bool = False
    limit: int | None = None
    settled: bool = False
    steps: tuple[Step, ...] = ()
    alone: Selection | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a document from being written: a match document, and the reason in words.

    `level` is the field that is in the way, as an expression, if its type isn't one of `allowed`.
    """

    filter: Mapping[str, Any]
    reason: str
    level: Any
    allowed: tuple[str, ...] = ("object", "null", "missing", "undefined")


@dataclass(frozen=True, slots=True)
class UpdateWhere:
    """Change stored documents. `update` is a document of update operators, or a pipeline (a tuple of stages).

    Documents with an obstacle are left as they are, and reported. `repeatable`: doing it twice is the same
    as once. `values` are the fields of the selection's rows that `update`, a $replaceWith then, reads as
    `$$values.name`: every document gets an update of its own. `returning` is a query over the collection
    whose rows for the changed documents are the result.
    """

    collection: str
    selection: Selection
    update: Mapping[str, Any] | tuple[Mapping[str, Any], ...]
    options: WriteOptions
    obstacles: tuple[Obstacle, ...] = ()
    repeatable: bool = False
    values: tuple[str, ...] = ()
    database: str | None = None
    returning: Query | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """Where documents go before they are deleted.

    `partition` is an expression whose text, behind a `_`, ends the collection's name; None: one collection.
    With `marked` the copies get archived_at, archive_reason and original_collection. `compressor` is the
    storage engine's, `retention` the seconds after archived_at that the server keeps a copy.
    """

    collection: str
    database: str | None = None
    partition: Any = None
    marked: bool = True
    reason: str | None = None
    compressor: str | None = None
    retention: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteWhere:
    """Delete stored documents, with an archive after they were copied and the copies read back."""

    collection: str
    selection: Selection
    options: WriteOptions
    archive: Archive | None = None
    obstacles: tuple[Obstacle, ...] = ()
    database: str | None = None
    returning: Query | None = None


@dataclass(frozen=True, slots=True)
class MergeArm:
    """What is done with rows of a MERGE. `values` are the fields of the rows that it needs.

    'insert' puts them into a new document at the paths `targets`. 'update' replaces the document by the value
    of `update`, an aggregation expression over it and over `$$values`, where they are called v0, v1, …; it and
    'delete' leave a document alone that `filter` doesn't match (any more).
    """

    action: Literal["update", "delete", "insert", "nothing"]
    filter: Mapping[str, Any] = field(default_factory=dict)
    update: Any = None
    values: tuple[str, ...] = ()
    targets: tuple[Path, ...] = ()


LOADED = "sqlbulk row"
"""The field in which a loaded row waits."""
PLACE = "sqlbulk place"
"""The field of a loaded row that tells where it comes from: its number, `row`, and `source` and `line` where known."""


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """Rows that come by the client and wait for a query to read them, each in the field `LOADED`, with its `PLACE`.

    `marker` stands for their collection's name in the query. A source that names its columns must have those in
    `needed`. With `all_or_none` no row may be refused, because what has no row is changed as well. `indexes` are the
    fields by which they are looked up.
    """

    marker: str
    rows: FileRows | CallerRows
    shape: Shape
    needed: tuple[str, ...] = ()
    all_or_none: bool = False
    indexes: tuple[str, ...] = ()


TARGET, ACTION = "target", "action"
"""The fields of a row of RETURNING of a MERGE, beside what it brought along."""


@dataclass(frozen=True, slots=True)
class MergeRows:
    """Do with each row of a query what its arm says: the row has the arm's number, `arm`, and the document's `id`.

    `returning` is a query whose rows are the result, over a row for each document written: it is the field TARGET, as
    it is then, or was before it was deleted; ACTION is 'INSERT', 'UPDATE' or 'DELETE'; the others are the fields
    `brought` of the row that it was done for. `source` are rows that have to be there before the query is run; then
    each row of that has their `PLACE` as well.
    """

    collection: str
    query: Query
    arms: tuple[MergeArm, ...]
    options: WriteOptions
    database: str | None = None
    returning: Query | None = None
    brought: tuple[str, ...] = ()
    source: LoadedRows | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """Count what a write would touch, show some of the documents, and write nothing."""

    of: UpdateWhere | DeleteWhere | Insert | MergeRows | Truncate


@dataclass(frozen=True, slots=True)
class Explained:
    """The text of EXPLAIN: made while planning, shown as a table of one column; and the plan that it is about."""

    text: str
    plan: Plan | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UseDatabase:
    """Later statements run in this database."""

    database: str


@dataclass(frozen=True, slots=True)
class SetOption:
    """Later statements of the session have this default."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of a query's result: its title, and the field of the documents that holds it.

    `whole`: the field holds a document whose fields, except `excluded`, are the columns (SELECT t.*, …).
    """

    title: str
    field: str
    whole: bool = False
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """Read rows: a pipeline over a collection, None where it begins with $documents.

    `columns` are in the order written; None: every field of the documents is a column (SELECT *), in the
    order in which they come. `choices` says how joins and subqueries are done, a sentence each. `few` is
    another way that may be faster. `steps` come first, in order: their markers stand for collections in the
    pipeline. `alone` is the way without steps, for those who may not write; None: there is none. `reading` is what
    else the command says.
    """

    collection: str | None
    pipeline: tuple[Mapping[str, Any], ...]
    columns: tuple[OutputColumn, ...] | None
    database: str | None = None
    allow_disk_use: bool = True
    collation: Mapping[str, Any] | None = None
    choices: tuple[str, ...] = ()
    few: FewKeys | None = None
    reading: Reading = field(default_factory=Reading)
    steps: tuple[Step, ...] = ()
    alone: Query | None = None


@dataclass(frozen=True, slots=True)
class Analyze:
    """Run a query, or carry out a write, for the figures; they are shown below `text`, the plan."""

    of: Query | Insert | UpdateWhere | DeleteWhere | MergeRows
    text: str


Command = (
    Analyze | Insert | UpdateWhere | DeleteWhere | MergeRows | DryRun | Query | Explained | UseDatabase | SetOption
    | CatalogCommand
)


def bare(command: Command) -> Command:
    """The command itself: what EXPLAIN ANALYZE carries out, or DRY RUN counts."""
    return command.of if isinstance(command, Analyze | DryRun) else command


def takes_rows(command: Command) -> bool:
    """Whether a command takes rows from the caller."""
    source = command.source if isinstance(command, MergeRows) else command
    return isinstance(source, Insert | LoadedRows) and isinstance(source.rows, CallerRows)


def _no_text() -> str:
    return ""


def _no_commands() -> list[dict[str, Any]]:
    return []


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one statement asks for, in order, and what the user should know about it.

    `describe` writes the text of EXPLAIN, `encode` the wire commands; both work only when asked.
    """

    statement: str
    steps: tuple[Command, ...]
    notices: tuple[str, ...] = ()
    describe: Callable[[], str] = field(default=_no_text, compare=False, repr=False)
    encode: Callable[[], list[dict[str, Any]]] = field(default=_no_commands, compare=False, repr=False)

    @property
    def text(self) -> str:
        """What the plan does, as indented text."""
        return self.describe()

    @property
    def commands(self) -> list[dict[str, Any]]:
        """The commands as they go over the wire; rows that aren't in the statement itself are left out."""
        return self.encode()

    def __str__(self) -> str:
        return self.text
