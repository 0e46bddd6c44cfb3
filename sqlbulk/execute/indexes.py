"""A collection's indexes: which keys are unique, and making those that a statement needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import Conflict, Insert, Path
from sqlbulk.errors import ConnectionFailed, ServerError
from sqlbulk.execute.faults import DUPLICATE_KEY, brief, statement_error
from sqlbulk.option_kinds import IndexSpec
from sqlbulk.uniqueness import Cover, cover_of, not_null_filter

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

    @property
    def cover(self) -> Cover:
        """Which documents it covers."""
        return cover_of(self.keys, self.partial)

    def is_on(self, names: Sequence[str]) -> bool:
        """Whether its keys are these dotted fields, in any order."""
        return set(self.keys) == set(names)


def read_unique(collection: Collection[dict[str, Any]]) -> tuple[UniqueIndex, ...]:
    """The unique indexes beside that on `_id`; none for a collection that doesn't exist."""
    return tuple(_unique(index) for index in _read(collection) if index.get("unique"))


def unindexed(collection: Collection[dict[str, Any]], paths: Sequence[Path]) -> bool:
    """Whether there is no index that documents could be found by, given the values of these fields."""
    names = {".".join(path) for path in paths}
    return not any(next(iter(index["key"])) in names and cover_of(names, partial_filter(index)) > Cover.PART
                   for index in _read(collection))


def _read(collection: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        return [dict(index) for index in collection.list_indexes()]
    except OperationFailure as error:
        if error.code in _VIEW_OR_MISSING:
            return []
        raise statement_error(error, begun=True) from None
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None


def _unique(index: Mapping[str, Any]) -> UniqueIndex:
    collation = {name: value for name, value in (index.get("collation") or {}).items() if name != "version"}
    return UniqueIndex(index["name"], tuple(index["key"]), partial_filter(index), collation or None)


def partial_filter(index: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The documents that an index covers, from its entry in the server's list; None: all."""
    partial: Mapping[str, Any] | None = index.get("partialFilterExpression")
    if partial is None and index.get("sparse"):
        return {"$or": [{name: {"$exists": True}} for name in index["key"]]}
    return partial


def find_colliding(indexes: Sequence[UniqueIndex], failure: Mapping[str, Any]) -> UniqueIndex | None:
    """The index that a duplicate-key error is about; None if it isn't known (any more)."""
    keys, message = tuple(failure["keyPattern"]), str(failure.get("errmsg", ""))
    same = [index for index in indexes if index.keys == keys]
    return next((index for index in same if f"index: {index.name} " in message), same[0] if same else None)


def ensure_indexes(
    collection: Collection[dict[str, Any]], command: Insert, *, version: tuple[int, ...] = (), over_null: bool = False
) -> tuple[str, ...]:
    """Make the indexes that the command asks for, where they are missing; what was made, in sentences.

    NULLs don't collide in an index on a conflict's key, unless it is to be one `over_null`. `version` is the
    server's. Raises ServerError (E5005) where the stored documents don't fit a unique index, or another index
    is in the way.
    """
    wanted = [*command.ensure_indexes] or [_wire(spec) for spec in command.options.ensure_indexes]
    made = [_make(collection, spec) for spec in wanted]
    if command.conflict is not None and command.conflict.ensure_index:
        made.append(_ensure_key(collection, command.conflict, version, over_null=over_null))
    return tuple(sentence for sentence in made if sentence)


def _ensure_key(
    collection: Collection[dict[str, Any]], conflict: Conflict, version: tuple[int, ...], *, over_null: bool
) -> str | None:
    names = [".".join(path) for path in conflict.keys or ()]
    if not names or names == ["_id"] or has_key(collection, names):
        return None
    spec: dict[str, Any] = {"key": dict.fromkeys(names, 1), "unique": True}
    if over_null:
        made = _make(collection, spec)
        return f"{made}; to it NULL is a value like others" if made else None
    spec["name"] = "_".join(f"{name}_1" for name in names) + "_unique"
    spec["partialFilterExpression"] = not_null_filter(names, alternatives=version >= (6,))
    try:
        return _make(collection, spec)
    except ConnectionFailed as error:
        if error.code == "E5003":
            error.hint = "ensure_key_index = false goes on without an index."
        raise


def has_key(collection: Collection[dict[str, Any]], names: Sequence[str]) -> bool:
    """Whether a unique index keeps whole keys on these dotted fields apart, as the collection compares values."""
    found = [index for index in read_unique(collection) if index.is_on(names) and index.cover > Cover.PART]
    if any(index.collation is None for index in found) or not found:
        return bool(found)
    try:
        usual = collection.options().get("collation") or {}
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None
    return any(index.collation == {k: v for k, v in usual.items() if k != "version"} for index in found)


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
    return None if name in before else f"made {'a' if spec.get('unique') else 'an'} {shown}"


def key_paths(index: UniqueIndex) -> tuple[Path, ...]:
    """The keys of an index as paths."""
    return tuple(tuple(name.split(".")) for name in index.keys)
