"""The physical plan of statements about the catalog: make, drop, empty, list and describe collections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlbulk.errors import Span

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateCollection:
    """Make a collection: `options` are fields of the `create` command, `indexes` as createIndexes takes them.

    If an index can't be made, the collection is dropped again. `if_not_exists`: one of that name is left as it is.
    """

    collection: str
    options: Document = field(default_factory=dict)
    indexes: tuple[Document, ...] = ()
    if_not_exists: bool = False
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """Make an index, `index` being as createIndexes takes it, on a collection that exists."""

    collection: str
    index: Document
    if_not_exists: bool = False
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CreateView:
    """Make a view of a collection through a pipeline; `replace` changes the view of that name, if there is one."""

    view: str
    source: str
    pipeline: tuple[Document, ...]
    replace: bool = False
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DropCollection:
    """Drop a collection or a view, and never the one for the other."""

    collection: str
    kind: Literal["collection", "view"] = "collection"
    if_exists: bool = False
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DropIndex:
    """Drop the index of that name."""

    collection: str
    index: str
    if_exists: bool = False
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Truncate:
    """Delete all documents of a collection; its indexes and rules stay. `write_concern` None: the server's."""

    collection: str
    write_concern: Document | None = None
    max_execution_time: float | None = None
    comment: str | None = None
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ShowCatalog:
    """List databases, collections (with views), or the indexes of a collection. `like` is a pattern of LIKE."""

    what: Literal["databases", "collections", "indexes"]
    collection: str | None = None
    like: str | None = None
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DescribeCollection:
    """The fields of a collection, from a random sample of so many documents."""

    collection: str
    sample: int
    database: str | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ShowTable:
    """A table that is known while planning."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


CatalogCommand = (
    CreateCollection | CreateIndex | CreateView | DropCollection | DropIndex | Truncate | ShowCatalog
    | DescribeCollection | ShowTable
)
