"""What is known of the database before planning: collections, their fields and unique keys. A value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlbulk.types import Type


@dataclass(frozen=True, slots=True)
class Index:
    """An index: (dotted field, direction or kind) pairs, whether it is unique, and whether over a part only.

    `null_free`: what a partial one leaves out are documents in which a part of the key is NULL.
    """

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    partial: bool = False
    null_free: bool = False


DEFAULT_MARK = "sqlbulk: DEFAULT "
"""What the description of a field in a collection's $jsonSchema begins with, if SQL of its default value follows."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as planning sees it.

    `fields` are the top-level or dotted fields whose type is known for certain; others may exist. `required` are
    those of them that are never NULL. `defaults` are the default values of dotted fields, as SQL.
    `kind` is 'collection', 'view' or 'timeseries'. `bytes` is how much all documents take up, and
    `documents` how many there are, None: that isn't known.
    """

    name: str
    fields: Mapping[str, Type] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    kind: str = "collection"
    required: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    bytes: int | None = None
    documents: int | None = None

    def has_unique(self, fields: tuple[str, ...], *, over_null: bool = False) -> bool:
        """Whether a unique index on exactly these fields, in any order, exists.

        `over_null`: only one to which NULL is a value like others.
        """
        wanted = set(fields)
        return wanted == {"_id"} or any(
            i.unique and (not i.partial or (i.null_free and not over_null)) and {k for k, _ in i.keys} == wanted
            for i in self.indexes
        )


@dataclass(frozen=True, slots=True)
class Catalog:
    """The collections that are known, and the server's version. `complete`: what isn't listed doesn't exist.

    `others` are collections of other databases, by (database, name).
    """

    collections: Mapping[str, Collection] = field(default_factory=dict)
    server: tuple[int, int] | None = None
    complete: bool = False
    others: Mapping[tuple[str, str], Collection] = field(default_factory=dict)

    def get(self, name: str) -> Collection | None:
        """The collection of that name, None if nothing is known of it."""
        return self.collections.get(name)

    def without_sizes(self) -> Catalog:
        """The same for what is written down now, and holds when the collections have grown."""
        return replace(self, collections={
            name: replace(known, bytes=None, documents=None) for name, known in self.collections.items()})

    def find(self, database: str | None, name: str) -> Collection | None:
        """The collection of that name in a database, None: the connection's own."""
        return self.get(name) if database is None else self.others.get((database, name))
