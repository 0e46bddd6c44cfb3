"""Asks the server what planning wants to know: collections, their certain fields, their indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pymongo.errors import InvalidName, OperationFailure, PyMongoError

from sqlbulk.catalog import DEFAULT_MARK, Catalog, Collection, Index
from sqlbulk.commands_steps import STAGED
from sqlbulk.errors import ServerError
from sqlbulk.execute.faults import SECURITY, statement_error
from sqlbulk.execute.indexes import partial_filter
from sqlbulk.types import Type
from sqlbulk.uniqueness import Cover, cover_of

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

_TYPES = {
    "string": Type.STRING, "int": Type.INTEGER, "long": Type.INTEGER, "double": Type.DOUBLE, "decimal": Type.DECIMAL,
    "number": Type.NUMBER, "bool": Type.BOOLEAN, "date": Type.DATE, "objectId": Type.OBJECTID,
    "binData": Type.BINARY, "object": Type.DOCUMENT, "array": Type.ARRAY,
}


def read_catalog(
    connection: Connection, names: Iterable[str], others: Iterable[tuple[str, str]] = ()
) -> Catalog:
    """All collections of the connection's database, those of these names with their indexes, several also with sizes.

    `others` are collections of other databases, of which kind and defaults are asked.

    Where the user may not list them the catalog knows only the server, and says that it isn't complete.
    Raises ConnectionLost, ConnectionFailed, or ServerError.
    """
    version = connection.server.version
    server = (version[0], version[1])
    try:
        database = connection.client[connection.database]
        found = list(database.list_collections(authorizedCollections=True))
    except InvalidName as error:
        raise ServerError("E5005", f"{connection.database}: {error}") from None
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in SECURITY:
            return Catalog(server=server)
        raise statement_error(error, begun=True) from None
    wanted = set(names)
    collections = {}
    for entry in found:
        name, kind = entry["name"], entry.get("type", "collection")
        if name.startswith(("system.", STAGED)):
            continue
        asked = name in wanted and kind == "collection"
        indexes = _indexes(connection, name) if asked else ()
        size, documents = _size(connection, name) if asked and len(wanted) > 1 else (None, None)
        known = list(_fields(entry.get("options", {})))
        required = frozenset(path for path, _, never_null in known if never_null)
        collections[name] = Collection(
            name, {p: t for p, t, _ in known}, indexes, kind, required, read_defaults(entry.get("options", {})), size,
            documents)
    elsewhere = {key: rules for key in others if (rules := read_rules(connection, *key)) is not None}
    return Catalog(collections, server, complete=True, others=elsewhere)


def read_rules(connection: Connection, database: str | None, name: str) -> Collection | None:
    """A collection with its kind and its defaults alone: one question, as a plain INSERT asks it. Raises as above."""
    try:
        listed = connection.client[database or connection.database].list_collections(filter={"name": name})
        entry = next(iter(listed), None)
    except InvalidName as error:
        raise ServerError("E5005", f"{database}: {error}") from None
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in SECURITY:
            return None
        raise statement_error(error, begun=True) from None
    if entry is None:
        return None
    return Collection(name, kind=entry.get("type", "collection"), defaults=read_defaults(entry.get("options", {})))


def read_defaults(options: Mapping[str, Any]) -> dict[str, str]:
    """The SQL of the default values that the schema keeps, by dotted field."""
    schema = options.get("validator", {}).get("$jsonSchema")
    return dict(_described(schema, "")) if isinstance(schema, Mapping) else {}


def _described(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, rule in schema.get("properties", {}).items():
        description = rule.get("description", "")
        if "." not in name:
            if description.startswith(DEFAULT_MARK):
                yield prefix + name, description.removeprefix(DEFAULT_MARK)
            yield from _described(rule, f"{prefix}{name}.")


def _indexes(connection: Connection, name: str) -> tuple[Index, ...]:
    try:
        found = [dict(index) for index in connection.client[connection.database][name].list_indexes()]
    except OperationFailure:
        # not allowed, or dropped in between: nothing is known of its indexes
        return ()
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None
    return tuple(map(_index, found))


def _size(connection: Connection, name: str) -> tuple[int | None, int | None]:
    """How many bytes and how many documents."""
    try:
        found = connection.client[connection.database].command("collStats", name)
        return int(found["size"]), int(found["count"])
    except OperationFailure:
        # not allowed, or dropped in between
        return None, None
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None


def _index(index: Mapping[str, Any]) -> Index:
    names, partial = list(index["key"]), partial_filter(index)
    return Index(tuple(index["key"].items()), unique=bool(index.get("unique")) or names == ["_id"],
                 partial=partial is not None, null_free=cover_of(names, partial) is not Cover.PART)


def _fields(options: Mapping[str, Any]) -> Iterator[tuple[str, Type, bool]]:
    """The fields whose type the validator enforces on every write, and whether they are never NULL."""
    refused = options.get("validationAction", "error") == "error"
    always = options.get("validationLevel", "strict") == "strict"
    schema = options.get("validator", {}).get("$jsonSchema")
    if refused and always and isinstance(schema, Mapping):
        yield from _properties(schema, "", present=True)


def _properties(schema: Mapping[str, Any], prefix: str, *, present: bool) -> Iterator[tuple[str, Type, bool]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        declared = field.get("bsonType")
        kind = _type(declared)
        if kind is None or "." in name:
            continue
        words = [declared] if isinstance(declared, str) else declared
        never_null = present and name in required and "null" not in words
        yield prefix + name, kind, never_null
        if kind is Type.DOCUMENT:
            yield from _properties(field, f"{prefix}{name}.", present=never_null)


def _type(declared: object) -> Type | None:
    """The type of a `bsonType`: a word or a list of them, in which null says nothing."""
    words = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    kinds = {_TYPES.get(word) for word in words if word != "null"}
    if len(kinds) == 1:
        return kinds.pop()
    numeric = bool(kinds) and all(kind is not None and kind.numeric for kind in kinds)
    return Type.NUMBER if numeric else None
