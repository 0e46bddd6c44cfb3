"""Keys of unique indexes as a dry run sees them: those of a document, and which stored documents have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

from bson import encode
from bson.decimal128 import Decimal128

from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.indexes import UniqueIndex
from sqlbulk.execute.windows import both

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = Mapping[str, Any]
Key = tuple[Any, ...]
"""A key's values in a form that is equal, and hashes alike, where MongoDB holds them equal."""

ON_ID = UniqueIndex("_id_", ("_id",))
_AT_ONCE = 500
"""How many keys are asked for at once."""


def keys_of(index: UniqueIndex, document: Document) -> dict[Key, tuple[Any, ...]]:
    """The document's keys in an index, with the values that they are made of: of an array each item is one."""
    values = [list(_reached(document, name.split("."))) or [None] for name in index.keys]
    return {tuple(map(same, key)): key for key in product(*values)}


def _reached(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield from value if isinstance(value, list) else [value]
    elif isinstance(value, Mapping):
        if path[0] in value:
            yield from _reached(value[path[0]], path[1:])
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield from _reached(item, path)


def same(value: Any) -> Any:
    """A form of the value that is equal, and hashes alike, for values that MongoDB holds equal."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float | Decimal):
        return value if value == value else "NaN"
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, Mapping):
        return ("document", tuple((name, same(part)) for name, part in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(same, value)))
    return ("value", encode({"": value}, False, OPTIONS))


def stored_owners(
    collection: Collection[dict[str, Any]], index: UniqueIndex, keys: Mapping[Key, tuple[Any, ...]]
) -> dict[Key, Any]:
    """The `_id` of the stored document that has each key, for keys that one has. Raises PyMongoError."""
    found: dict[Key, Any] = {}
    if index.collation is not None:
        # only the server can tell which texts are equal
        for key, values in keys.items():
            row = collection.find_one(both(_equal(index, values), index.partial or {}), {"_id": 1},
                                      collation=dict(index.collation))
            if row is not None:
                found[key] = row["_id"]
        return found
    waiting = list(keys.values())
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        query = both(_any_of(index, some), index.partial or {})
        for row in collection.find(query, dict.fromkeys(("_id", *index.keys), 1)):
            found.update((key, row["_id"]) for key in keys_of(index, row) if key in keys)
    return found


def _equal(index: UniqueIndex, values: Iterable[Any]) -> dict[str, Any]:
    return {name: {"$eq": value} for name, value in zip(index.keys, values, strict=True)}


def _any_of(index: UniqueIndex, keys: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    if len(index.keys) == 1 and not any(hasattr(key[0], "pattern") for key in keys):
        return {index.keys[0]: {"$in": [key[0] for key in keys]}}
    return {"$or": [_equal(index, key) for key in keys]}
