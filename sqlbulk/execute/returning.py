"""RETURNING: the documents that a statement changed, as the rows of its result. They are held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson import encode

from sqlbulk.batching import batched
from sqlbulk.commands import OutputColumn, Query
from sqlbulk.errors import ServerError
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.stored import Site
from sqlbulk.execute.windows import Filter, of_window

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = Mapping[str, Any]
_ROOM = 8 * 1024 * 1024
"""How many bytes of documents go into one question."""


def check_transactions(site: Site, query: Query | None) -> None:
    """Raise ServerError E5009 where it can't be known which documents were changed."""
    if query is not None and site.transactions is None:
        raise ServerError("E5009", "RETURNING needs a server with transactions: a replica set",
                          hint="leave RETURNING out, and SELECT the documents")


def matching_ids(site: Site, ids: Sequence[Any], selected: Filter, session: ClientSession | None) -> list[Any]:
    """Which of the documents match now."""
    found = site.collection.find(of_window(ids, selected), {"_id": 1}, session=session, **site.shared)
    return [row["_id"] for row in found]


def read_rows(site: Site, query: Query, ids: Sequence[Any], session: ClientSession | None) -> list[Document]:
    """The rows of RETURNING for these documents, as they are now."""
    pipeline: list[Filter] = [{"$match": of_window(ids)}, {"$sort": {"_id": 1}}, *query.pipeline]
    return list(site.collection.aggregate(pipeline, session=session, **site.shared))


def rows_of(
    query: Query, documents: Sequence[Document], collection: Collection[dict[str, Any]],
) -> list[Document]:
    """The rows of RETURNING for documents at hand, compared as the collection compares texts; raises PyMongoError."""
    if not documents:
        return []
    collation = collection.options().get("collation")
    database = collection.database.with_options(codec_options=OPTIONS)
    rows: list[Document] = []
    for chunk in batched(documents, size_of=lambda document: len(encode(document, False, OPTIONS)), room=_ROOM):
        stages = [{"$documents": [{"$literal": document} for document in chunk]}, *query.pipeline]
        rows += database.aggregate(stages, collation=collation)
    return rows


def as_table(query: Query, documents: Sequence[Document]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The titles and the rows; a star stands for all fields that any of the documents has."""
    if query.columns is None:
        names = _names(documents)
        return names, [tuple(d.get(n) for n in names) for d in documents]
    spread = [(c, _inner_names(c, documents)) for c in query.columns]
    titles = tuple(title for c, names in spread for title in (names if c.whole else (c.title,)))
    return titles, [tuple(v for c, names in spread for v in _values(c, names, d)) for d in documents]


def _names(documents: Iterable[Document]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for document in documents for name in document))


def _inner_names(column: OutputColumn, documents: Sequence[Document]) -> tuple[str, ...]:
    if not column.whole:
        return ()
    return tuple(n for n in _names(d.get(column.field) or {} for d in documents) if n not in column.excluded)


def _values(column: OutputColumn, names: tuple[str, ...], document: Document) -> list[Any]:
    value = document.get(column.field)
    return [(value or {}).get(n) for n in names] if column.whole else [value]
