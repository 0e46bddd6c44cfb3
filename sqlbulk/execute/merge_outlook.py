"""What staged rows are like, and what each will meet in the collection: $merge, which writes them, tells nothing.

Rows and stored documents are put together by their keys in one pass, which is much quicker than looking up each
row's document. That is done where there are far more documents than rows, also between the least and the greatest
keys of the rows. Either way every row is marked, in a second collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from pymongo.errors import ExecutionTimeout, PyMongoError

from sqlbulk.commands import FEW_STORED, MET, Conflict
from sqlbulk.execute.merge_marks import Marks
from sqlbulk.execute.query_rows import aggregated, query_error
from sqlbulk.options import WriteOptions

if TYPE_CHECKING:
    from pymongo.collection import Collection

_SECONDS_A_ROW = 20e-6
"""What finding out how many there are may take: a part of what looking up takes."""
_ORDERED = ((str,), (int, float, Decimal128), (datetime,), (ObjectId,))
"""Classes of values of one BSON type, or of several that compare with each other: a range holds no others."""
_IS_KEY = {"$eq": ["$key", "object"]}

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many rows there are, how many of them lack a part of the key or share it, and the range of their `_id`s.

    `absent` rows have no document yet (None: nobody has looked), `changed` ones will change theirs, and `hindered` ones
    couldn't, because something in the document is in the way. `ranges` are the
    least and the greatest value of each part of the key. The rows are in `marked`, each with the field `MET`; None:
    they are all absent.
    """

    rows: int = 0
    unfit: int = 0
    repeated: int = 0
    first: Any = None
    last: Any = None
    absent: int | None = None
    changed: int = 0
    hindered: int = 0
    ranges: tuple[tuple[Any, Any], ...] = ()
    marked: Collection[dict[str, Any]] | None = None


@contextmanager
def lookout(
    stage: Collection[dict[str, Any]], collection: Collection[dict[str, Any]], conflict: Conflict | None,
    options: WriteOptions,
) -> Iterator[Lookout]:
    """A look from the staged rows at the collection; what it keeps on the server is dropped in the end."""
    kept = Lookout(stage, collection, conflict, options, stage.database[f"{stage.name}.marked"])
    try:
        yield kept
    finally:
        if kept.has_marked:
            with suppress(PyMongoError):
                kept.marked.drop()


@dataclass(slots=True)
class Lookout:
    """Asks about rows in `stage` that go into `collection`."""

    stage: Collection[dict[str, Any]]
    collection: Collection[dict[str, Any]]
    conflict: Conflict | None
    options: WriteOptions
    marked: Collection[dict[str, Any]]
    has_marked: bool = False
    known: Outlook | None = None

    @property
    def marks(self) -> Marks:
        """The stages that mark rows."""
        return Marks(self.collection.name, self.conflict)

    def recall(self) -> bool:
        """Whether rows that were marked on their way here can be written; then that is their outlook."""
        found = self._one(self.marked, _counted())
        if found and (found.pop("arrays") or found["unfit"] or found["repeated"]):
            return False
        self.known = Outlook(**found, marked=self.marked)
        return True

    def survey(self) -> Outlook:
        """What the rows are like, and what they will meet where that takes no index; raises what queries do."""
        if self.known is not None:
            return self.known
        if not self.marks.keys:
            found = self._one(self.stage, [{"$group": {
                "_id": None, "rows": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"}}}])
            return Outlook(**found, absent=found.get("rows", 0))
        try:
            empty = self.collection.find_one({}, {"_id": 1}) is None
            few = self.collection.estimated_document_count() <= FEW_STORED * self.stage.estimated_document_count()
        except PyMongoError as error:
            raise query_error(error) from None
        together = None if empty or not few else self._marked(self.marks.together())
        if together is not None:
            return together
        found = self._one(self.stage, _by_key(self.marks.staged_key(), len(self.marks.keys)))
        ranges = tuple((found.pop(f"low{n}", None), found.pop(f"high{n}", None)) for n in range(len(self.marks.keys)))
        return Outlook(**found, absent=found.get("rows", 0) if empty else None, ranges=ranges)

    def look(self, known: Outlook) -> Outlook:
        """The outlook with what the rows will meet, for which there is an index now; raises what queries do."""
        if known.absent is not None:
            return known
        near = self._near(known)
        together = None if near is None else self._marked(self.marks.together(near))
        return together or self._marked(self.marks.one_by_one()) or known

    def _marked(self, pipeline: list[Stage]) -> Outlook | None:
        """Marks the rows; None if stored documents have arrays in their keys, which only looking up can compare."""
        self.has_marked = True
        out = {"$out": {"db": self.marked.database.name, "coll": self.marked.name}}
        aggregated(self.stage, [*pipeline, out], {"allowDiskUse": True}, self.options).close()
        found = self._one(self.marked, _counted())
        return None if found.pop("arrays") else Outlook(**found, marked=self.marked)

    def _near(self, known: Outlook) -> Stage | None:
        """What finds the documents between the rows' keys, None if those are too many, or not quickly counted."""
        near = {".".join(key): {"$gte": low, "$lte": high}
                for key, (low, high) in zip(self.marks.keys, known.ranges, strict=True) if _holds_all(low, high)}
        most = FEW_STORED * known.rows
        try:
            found = self.collection.count_documents(
                near, limit=most + 1, maxTimeMS=10 + round(1000 * _SECONDS_A_ROW * known.rows)) if near else most + 1
        except ExecutionTimeout:
            return None
        except PyMongoError as error:
            raise query_error(error) from None
        return near if found <= most else None

    def _one(self, collection: Collection[dict[str, Any]], pipeline: list[Stage]) -> dict[str, Any]:
        """The only document of a pipeline, but for its `_id`; an empty one if there is none."""
        with aggregated(collection, pipeline, {"allowDiskUse": True}, self.options) as cursor:
            try:
                found: dict[str, Any] = next(iter(cursor), {})
            except PyMongoError as error:
                raise query_error(error) from None
        found.pop("_id", None)
        return found


def _holds_all(low: Any, high: Any) -> bool:
    """Whether a filter from `low` to `high` finds every value that BSON orders between them."""
    if bool in (type(low), type(high)) or str(low).lower() == "nan":
        return False
    return any(isinstance(low, kind) and isinstance(high, kind) for kind in _ORDERED)


def _by_key(key: Stage, parts: int) -> list[Stage]:
    """Counts staged rows by their key, and then those; finds the range of the key's parts."""
    ranges = {name: value for n in range(parts) for name, value in (
        (f"low{n}", {"$min": f"$_id.k{n}"}), (f"high{n}", {"$max": f"$_id.k{n}"}))}
    n = {"$cond": [{"$eq": ["$_id", None]}, {"unfit": "$n"}, {"repeated": {"$subtract": ["$n", 1]}}]}
    return [
        {"$group": {"_id": key, "n": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"}}},
        {"$set": {"of": n}},
        {"$group": {
            "_id": None, "rows": {"$sum": "$n"}, "first": {"$min": "$first"}, "last": {"$max": "$last"},
            "unfit": {"$sum": "$of.unfit"}, "repeated": {"$sum": "$of.repeated"}, **ranges}},
    ]


def _counted() -> list[Stage]:
    """Counts marked rows."""
    def number(condition: Mapping[str, Any], of: Any = 1) -> Stage:
        return {"$sum": {"$cond": [condition, of, 0]}}

    return [{"$group": {
        "_id": None, "rows": {"$sum": "$n"}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"},
        "unfit": number({"$eq": ["$key", "null"]}, "$n"), "arrays": number({"$eq": ["$key", "string"]}),
        "repeated": number(_IS_KEY, {"$subtract": ["$n", 1]}),
        "absent": number({"$and": [_IS_KEY, {"$not": [f"${MET}"]}]}),
        "changed": number({"$and": [_IS_KEY, "$changed"]}),
        "hindered": number({"$and": [_IS_KEY, "$hindered"]})}}]
