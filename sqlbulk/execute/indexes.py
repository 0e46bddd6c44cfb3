"""A collection's indexes: which keys are unique, and making those that a statement needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import Insert, Path
from sqlbulk.errors import ServerError
from sqlbulk.execute.faults import DUPLICATE_KEY, brief, statement_error
from sqlbulk.option_kinds import IndexSpec

if TYPE_CHECKING:
    from pymongo.collection import Collection

_VIEW_OR_MISSING = frozenset({26, 166})


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index: its name, dotted keys, the part of the collection it covers (None: all), its collation."""

    name: str
    keys: tuple[str, ...]
    partial: Mapping[str, Any] | None = None
    collation: Mapping[str, Any] | None = None

    @property
    def plain(self) -> bool:
        """Whether it covers every document and compares values as they are."""
        return self.partial is None and self.collation is None


def read_unique(collection: Collection[dict[str, Any]]) -> tuple[UniqueIndex, ...]:
    """The unique indexes beside that on `_id`; none for a collection that doesn't exist."""
    try:
        found = [dict(index) for index in collection.list_indexes()]
    except OperationFailure as error:
        if error.code in _VIEW_OR_MISSING:
            return ()
        raise statement_error(error, begun=True) from None
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None
    return tuple(_unique(index) for index in found if index.get("unique"))


def _unique(index: Mapping[str, Any]) -> UniqueIndex:
    collation = {name: value for name, value in (index.get("collation") or {}).items() if name != "version"}
    partial = index.get("partialFilterExpression")
    if partial is None and index.get("sparse"):
        partial = {"$or": [{name: {"$exists": True}} for name in index["key"]]}
    return UniqueIndex(index["name"], tuple(index["key"]), partial, collation or None)


def find_colliding(indexes: Sequence[UniqueIndex], failure: Mapping[str, Any]) -> UniqueIndex | None:
    """The index that a duplicate-key error is about; None if it isn't known (any more)."""
    keys, message = tuple(failure["keyPattern"]), str(failure.get("errmsg", ""))
    same = [index for index in indexes if index.keys == keys]
    return next((index for index in same if f"index: {index.name} " in message), same[0] if same else None)


def ensure_indexes(collection: Collection[dict[str, Any]], command: Insert) -> tuple[str, ...]:
    """Make the indexes that the command asks for, where they are missing; what was made, in sentences.

    Raises ServerError (E5005) where the stored documents don't fit a unique index, or another index is in the way.
    """
    wanted = [*command.ensure_indexes] or [_wire(spec) for spec in command.options.ensure_indexes]
    made = [_make(collection, spec) for spec in wanted]
    conflict = command.conflict
    if conflict is not None and conflict.ensure_index and conflict.keys and conflict.keys != (("_id",),):
        names = [".".join(path) for path in conflict.keys]
        if not any(index.plain and set(index.keys) == set(names) for index in read_unique(collection)):
            made.append(_make(collection, {"key": dict.fromkeys(names, 1), "unique": True}))
    return tuple(sentence for sentence in made if sentence)


def _wire(spec: IndexSpec) -> dict[str, Any]:
    index: dict[str, Any] = {"key": dict(spec.keys)}
    if spec.unique:
        index["unique"] = True
    if spec.sparse:
        index["sparse"] = True
    if spec.expire_after is not None:
        index["expireAfterSeconds"] = spec.expire_after
    return index


def _make(collection: Collection[dict[str, Any]], spec: Mapping[str, Any]) -> str | None:
    options = {name: value for name, value in spec.items() if name != "key"}
    shown = f"{'unique ' if spec.get('unique') else ''}index on ({', '.join(spec['key'])}) of {collection.name}"
    try:
        before = set(collection.index_information())
        name = collection.create_indexes([IndexModel(list(spec["key"].items()), **options)])[0]
    except OperationFailure as error:
        if error.code == DUPLICATE_KEY:
            raise ServerError(
                "E5005", f"no {shown} can be made, because stored documents share a key: {brief(error)}",
                hint="Remove the duplicates, or choose another key.") from None
        raise statement_error(error, begun=True) from None
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None
    return None if name in before else f"made a {shown}"


def key_paths(index: UniqueIndex) -> tuple[Path, ...]:
    """The keys of an index as paths."""
    return tuple(tuple(name.split(".")) for name in index.keys)
