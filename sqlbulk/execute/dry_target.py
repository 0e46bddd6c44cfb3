"""A collection that is only looked at: what the server would answer to writes, with earlier ones of the run in mind.

Nothing is ever written. Unique keys and the validator are asked of the server by reading; documents that the run
would have made or changed before are kept here, so that a later row meets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from bson import encode
from pymongo.errors import DocumentTooLarge, OperationFailure

from sqlbulk.errors import ServerError
from sqlbulk.execute.dry_keys import Key, keys_of, same, stored_owners
from sqlbulk.execute.encode import OPTIONS, decoded
from sqlbulk.execute.faults import DUPLICATE_KEY, STATEMENT, Fault, brief, classify
from sqlbulk.execute.indexes import UniqueIndex
from sqlbulk.execute.target import Operation, Reply
from sqlbulk.execute.upserts import taken_apart

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]
Failure = Mapping[str, Any]
SAMPLES = 5
VALIDATION, BAD_VALUE = 121, 2
_AT_ONCE = 200
"""How many documents are worked out in one question."""


@dataclass(slots=True)
class Seen:
    """What became of rows: how many, and the first few documents as they were and as they would be."""

    count: int = 0
    samples: list[tuple[Document | None, Document | None]] = field(default_factory=list)

    def add(self, before: Document | None, after: Document | None) -> None:
        """Count one."""
        self.count += 1
        if len(self.samples) < SAMPLES:
            self.samples.append((before, after))


@dataclass(frozen=True, slots=True)
class _Met:
    """What some rows meet in a unique index: it covers those at these places, and stored documents own these keys."""

    index: UniqueIndex
    covered: frozenset[int]
    owners: Mapping[Key, Any]


@dataclass(slots=True)
class DryTarget:
    """The target of a dry run, `Target`'s methods without their effect.

    `unique` are the indexes whose keys may collide, `validator` is what documents must match (None: anything),
    `time_field` one that must hold a date. `keeps`: documents of the run are kept whole, as updates want to see them.
    """

    collection: Collection[dict[str, Any]]
    unique: Sequence[UniqueIndex] = ()
    validator: Mapping[str, Any] | None = None
    time_field: str | None = None
    keeps: bool = False
    inserted: Seen = field(default_factory=Seen)
    changed: Seen = field(default_factory=Seen)
    unchanged: Seen = field(default_factory=Seen)
    deleted: Seen = field(default_factory=Seen)
    _owners: dict[str, dict[Key, Any]] = field(default_factory=dict)
    _documents: dict[Any, Document | None] = field(default_factory=dict)
    _found_by: dict[tuple[str, ...], dict[Key, Any]] = field(default_factory=dict)

    # Target

    def insert(self, documents: Sequence[bytes], *, ordered: bool) -> Reply:
        """What inserting would answer; raises PyMongoError where a question to the server fails."""
        failures: list[Failure] = []
        inserted = 0
        for start in range(0, len(documents), _AT_ONCE):
            rows = [decoded(document) or {} for document in documents[start : start + _AT_ONCE]]
            for index, failure in enumerate(self.change([None] * len(rows), rows, ordered=ordered), start):
                if failure is None:
                    inserted += 1
                    continue
                failures.append({**failure, "index": index})
                if ordered:
                    return Reply(inserted, failures=failures)
        return Reply(inserted, failures=failures)

    def update(self, operations: Sequence[Operation], *, ordered: bool) -> Reply:
        """What the upserts of a conflict clause would answer. Raises PyMongoError."""
        matched = modified = 0
        upserted: set[int] = set()
        failures: list[Failure] = []
        for start, chunk in _apart(operations):
            befores = self._find(chunk)
            afters, refused = self._results(chunk, befores)
            for place, failure in enumerate(self.change(befores, afters, ordered=ordered, refused=refused)):
                before = befores[place]
                if failure is not None:
                    failures.append({**failure, "index": start + place})
                    if ordered:
                        return Reply(0, matched, modified, frozenset(upserted), failures)
                elif before is None:
                    upserted.add(start + place)
                else:
                    matched += 1
                    modified += differ(before, afters[place])
        return Reply(0, matched, modified, frozenset(upserted), failures)

    def stored(self, documents: Sequence[bytes], made: Sequence[bool]) -> list[bool]:
        """Nothing was written, so nothing is in."""
        return [False] * len(documents)

    # Documents

    def change(
        self, befores: Sequence[Document | None], afters: Sequence[Document | None], *, ordered: bool = False,
        refused: Mapping[int, Failure] | None = None,
    ) -> Iterator[Failure | None]:
        """Put documents in the place of others, None: of none. Gives the failure of each that would be refused.

        `ordered`: nothing is done behind the first failure. `refused` are failures known before, by their places.
        What would be is asked of the server for all of them at once.
        """
        refused = refused or {}
        rows = {place: after for place, after in enumerate(afters) if after is not None}
        unfit, stored = self._unfit(rows), self._stored(rows)
        for place, before in enumerate(befores):
            after, failure = rows.get(place), None
            if after is None:
                self._delete(before or {})
            elif place not in refused and before is not None and not differ(before, after):
                self.unchanged.add(before, after)
            else:
                failure = refused.get(place) or unfit.get(place) or self._collision(
                    place, after, stored, new=before is None)
                if failure is None:
                    self._take(after, before, [met.index for met in stored if place in met.covered])
                    (self.inserted if before is None else self.changed).add(before, after)
            yield failure
            if failure is not None and ordered:
                return

    def _delete(self, before: Document) -> None:
        self._forget(before)
        self._documents[same(before["_id"])] = None
        self.deleted.add(before, None)

    def evaluate(
        self, befores: Sequence[Document], name: str, values: Sequence[Any], expression: Any
    ) -> list[Document]:
        """What an expression makes of documents of different `_id`s; in it `$$name` is the value of each."""
        ids = [before["_id"] for before in befores]
        value = {"$arrayElemAt": [{"$literal": list(values)}, {"$indexOfArray": [{"$literal": ids}, "$_id"]}]}
        try:
            return self._asked(befores, [{"$replaceWith": {"$let": {"vars": {name: value}, "in": expression}}}])
        except DocumentTooLarge:
            half = len(befores) // 2
            if not half:
                raise ServerError("E5005", f"DRY RUN can't work out the document with _id {ids[0]!r}: with its new"
                                  " values it is too large for a question") from None
            return [*self.evaluate(befores[:half], name, values[:half], expression),
                    *self.evaluate(befores[half:], name, values[half:], expression)]

    def attempt(
        self, befores: Sequence[Document], name: str, values: Sequence[Any], expression: Any
    ) -> tuple[list[Document], dict[int, Failure]]:
        """The same; documents for which it ends in an error stay as they are, and the failures come by their places."""
        try:
            return self.evaluate(befores, name, values, expression), {}
        except OperationFailure as error:
            if error.code in STATEMENT or classify(error) not in (Fault.DOCUMENT, Fault.STATEMENT):
                raise
            if len(befores) == 1:
                return list(befores), {0: {"code": error.code or 0, "errmsg": brief(error)}}
        afters, refused = list(befores), dict[int, Failure]()
        for place, before in enumerate(befores):
            (afters[place],), failure = self.attempt([before], name, [values[place]], expression)
            refused.update({place: failure[0]} if failure else {})
        return afters, refused

    def _asked(
        self, documents: Sequence[Document], stages: Sequence[Mapping[str, Any]],
        collation: Mapping[str, Any] | None = None,
    ) -> list[Document]:
        pipeline = [{"$documents": [{"$literal": document} for document in documents]}, *stages]
        database = self.collection.database.with_options(codec_options=OPTIONS)
        try:
            return list(database.aggregate(pipeline, collation=collation))
        except DocumentTooLarge:
            half = len(documents) // 2
            if not half:
                raise
            halves = documents[:half], documents[half:]
            return [row for part in halves for row in self._asked(part, stages, collation)]

    # What would be refused

    def _unfit(self, rows: Mapping[int, Document]) -> dict[int, Failure]:
        """The rows that the collection's rules refuse."""
        refused: dict[int, Failure] = {}
        if self.time_field is not None:
            for place, row in rows.items():
                if not hasattr(row.get(self.time_field), "isoformat"):
                    reason = f"'{self.time_field}' must be present and contain a valid BSON UTC datetime value"
                    refused[place] = {"code": BAD_VALUE, "errmsg": reason}
        if self.validator:
            for place in self._outside(rows, self.validator):
                refused[place] = {"code": VALIDATION, "errmsg": "Document failed validation"}
        return refused

    def _outside(self, rows: Mapping[int, Document], condition: Mapping[str, Any]) -> Iterator[int]:
        """The places of rows that don't match, as the server says."""
        places = {same(row.get("_id")): place for place, row in rows.items()}
        if len(places) < len(rows):
            # the server's answer tells rows apart by their _id
            for place, row in rows.items():
                yield from self._outside({place: row}, condition)
            return
        if rows:
            stages: list[Document] = [{"$match": {"$nor": [condition]}}, {"$project": {"_id": 1}}]
            for found in self._asked(list(rows.values()), stages):
                yield places[same(found.get("_id"))]

    def _stored(self, rows: Mapping[int, Document]) -> list[_Met]:
        """What rows meet in each index."""
        found = []
        for index in self.unique:
            outside = set(self._outside(rows, index.partial)) if index.partial is not None else set[int]()
            covered = frozenset(rows.keys() - outside)
            keys = {key: values for place in covered for key, values in keys_of(index, rows[place]).items()}
            found.append(_Met(index, covered, stored_owners(self.collection, index, keys) if keys else {}))
        return found

    def _collision(self, place: int, row: Document, stored: Sequence[_Met], *, new: bool) -> Failure | None:
        own = same(row.get("_id"))
        for met in stored:
            index = met.index
            for key, values in keys_of(index, row).items() if place in met.covered else ():
                owner = self._owners.get(index.name, {}).get(key, _NOBODY)
                if owner is _NOBODY:
                    found = met.owners.get(key, _NOBODY)
                    # a document that the run has changed or deleted may have another key by now
                    owner = _NOBODY if found is _NOBODY or same(found) in self._documents else same(found)
                if owner is not _NOBODY and (new or owner != own):
                    named = dict(zip(index.keys, values, strict=True))
                    return {"code": DUPLICATE_KEY, "keyPattern": dict.fromkeys(index.keys, 1), "keyValue": named,
                            "errmsg": f"E11000 duplicate key error index: {index.name} dup key: {named}"}
        return None

    # What the run would have left

    def _take(self, after: Document, before: Document | None, indexes: Sequence[UniqueIndex]) -> None:
        """`indexes` are those that cover the new document."""
        if before is not None:
            self._forget(before)
        own = same(after.get("_id"))
        for index in indexes:
            self._owners.setdefault(index.name, {}).update(dict.fromkeys(keys_of(index, after), own))
        if self.keeps or before is not None:
            self._documents[own] = after
            for names, found in self._found_by.items():
                found.update(dict.fromkeys(keys_of(UniqueIndex("", names), after), own))

    def _forget(self, before: Document) -> None:
        own = same(before.get("_id"))
        for index, owners in [*((index, self._owners.get(index.name, {})) for index in self.unique),
                              *((UniqueIndex("", names), found) for names, found in self._found_by.items())]:
            for key in keys_of(index, before):
                if owners.get(key, _NOBODY) == own:
                    del owners[key]

    # Updates

    def _find(self, operations: Sequence[Operation]) -> list[Document | None]:
        """The documents that operations find: the run's own, or stored ones that the run hasn't touched."""
        first = equalities(operations[0].filter)
        if first is None or operations[0].collation is not None:
            return [self._find_one(operation) for operation in operations]
        index = UniqueIndex("", tuple(first))
        keys: list[Key] = []
        query = []
        for operation in operations:
            values = tuple((equalities(operation.filter) or {}).values())
            keys.append(tuple(map(same, values)))
            query.append(dict(operation.filter))
        stored: dict[Key, Document] = {}
        for row in self.collection.find({"$or": query}):
            if same(row["_id"]) not in self._documents:
                for key in keys_of(index, row):
                    stored.setdefault(key, row)
        mine = self._mine(index)
        return [self._documents[mine[key]] if key in mine else stored.get(key) for key in keys]

    def _mine(self, index: UniqueIndex) -> dict[Key, Any]:
        """The run's own documents by their keys."""
        if index.keys not in self._found_by:
            self._found_by[index.keys] = {
                key: own for own, document in self._documents.items() if document is not None
                for key in keys_of(index, document)}
        return self._found_by[index.keys]

    def _find_one(self, operation: Operation) -> Document | None:
        """The same for one whose texts only the server can compare."""
        collation = None if operation.collation is None else dict(operation.collation)
        stored = {same(row["_id"]): row for row in self.collection.find(dict(operation.filter), collation=collation)}
        for own, row in stored.items():
            if own not in self._documents:
                return row
        others = (own for own in self._documents if own not in stored)
        # one that was stored with the key most likely has it still
        for some in chain([list(stored)], iter(lambda: list(islice(others, _AT_ONCE)), [])):
            documents = [document for own in some if (document := self._documents[own]) is not None]
            found = self._asked(documents, [{"$match": dict(operation.filter)}], collation) if documents else []
            if found:
                return self._documents[same(found[0]["_id"])]
        return None

    def _results(
        self, operations: Sequence[Operation], befores: Sequence[Document | None]
    ) -> tuple[list[Document], dict[int, Failure]]:
        refused: dict[int, Failure] = {}
        parts = [taken_apart(operation) for operation in operations]
        afters = [made for made, _, _ in parts]
        for kind in (True, False):
            # there are two: rows with an _id of their own, and rows without
            places = [n for n, before in enumerate(befores)
                      if before is not None and (parts[n][2] == parts[0][2]) is kind]
            if places:
                found = [befores[n] or {} for n in places]
                made, failures = self.attempt(found, "new", [parts[n][1] for n in places], parts[places[0]][2])
                refused.update({places[place]: failure for place, failure in failures.items()})
                for place, after in zip(places, made, strict=True):
                    afters[place] = after
        return afters, refused


_NOBODY: Any = object()


def _apart(operations: Sequence[Operation]) -> Iterator[tuple[int, list[Operation]]]:
    """The operations, some at a time of which no two can find the same document; each with the first one's place."""
    start, chunk, seen = 0, list[Operation](), set[Key]()
    for operation in operations:
        wanted = equalities(operation.filter)
        key = None if wanted is None or operation.collation else tuple(map(same, wanted.values()))
        if chunk and (key is None or key in seen or len(chunk) == _AT_ONCE):
            yield start, chunk
            start, chunk, seen = start + len(chunk), [], set()
        chunk.append(operation)
        if key is None:
            yield start, chunk
            start, chunk = start + 1, []
        else:
            seen.add(key)
    if chunk:
        yield start, chunk


def equalities(filter: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values that a filter of a key asks for, None if it asks for something else."""
    if "$and" in filter:
        filter = filter["$and"][0]
    found = {}
    for name, test in filter.items():
        value = test.get("$eq", test.get("$gte", _NOBODY)) if isinstance(test, Mapping) else _NOBODY
        if name.startswith("$") or value is _NOBODY:
            return None
        found[name] = value
    return found


def differ(before: Document, after: Document) -> bool:
    """Whether the server would hold the document for modified."""
    return encode(before, False, OPTIONS) != encode(after, False, OPTIONS)
