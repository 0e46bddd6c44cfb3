"""Stages that put rows and stored documents together, and mark each row with what it will meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlbulk.commands import HALF, MET, ROW, Conflict, Path
from sqlbulk.execute.upserts import stored_expression

_NO_KEY = ("null", "missing", "undefined", "array")
"""Types that $merge refuses in a key."""
_ARRAYS = "arrays"
"""Stands for the key of stored documents that have an array in it."""
_HALF = {HALF: {"$lt": [{"$rand": {}}, 0.5]}}

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows, each in the field `ROW`, that go into `collection`."""

    collection: str
    conflict: Conflict | None

    @property
    def keys(self) -> tuple[Path, ...]:
        """The parts of the key; none: the rows are all new."""
        return () if self.conflict is None else self.conflict.keys or ()

    @property
    def _writes(self) -> bool:
        """Whether a stored document may be changed."""
        return self.conflict is not None and self.conflict.action != "nothing"

    def together(self, near: Mapping[str, Any] | None = None, *, waiting: bool = True) -> list[Stage]:
        """Rows and documents grouped by their keys, in no order; only documents that match `near`, if it is given.

        `waiting` rows have an `_id` already, which they keep.
        """
        keys = {f"k{n}": f"${'.'.join(key)}" for n, key in enumerate(self.keys)}
        arrays = {"$or": [{"$isArray": [value]} for value in keys.values()]}
        old = "$$ROOT" if self._writes else {"$literal": 1}
        stored = {"_id": 0, "key": {"$cond": [arrays, _ARRAYS, keys]}, "old": old}
        is_row, met = {"$gt": [f"${ROW}", None]}, {"$gt": ["$old", None]}
        return [
            {"$unionWith": {"coll": self.collection, "pipeline": [{"$match": near or {}}, {"$project": stored}]}},
            # there is one row and one document of a key, or all that will be asked is how many
            {"$group": {"_id": {"$cond": [is_row, self.staged_key(), "$key"]}, "n": {"$sum": {"$cond": [is_row, 1, 0]}},
                        **({"id": {"$min": "$_id"}} if waiting else {}), ROW: {"$max": f"${ROW}"},
                        "old": {"$max": "$old"}}},
            {"$match": {"$or": [{"n": {"$gt": 0}}, {"_id": _ARRAYS}]}},
            {"$project": {"_id": "$id" if waiting else 0, ROW: 1, "n": 1, "key": {"$type": "$_id"}, MET: met, **_HALF,
                          **self._fate(met, "$old")}},
        ]

    def staged_key(self) -> Stage:
        """The key of a staged row as a document, null for one that $merge refuses."""
        values = [f"${ROW}.{'.'.join(key)}" for key in self.keys]
        unfit = {"$or": [{"$in": [{"$type": value}, list(_NO_KEY)]} for value in values]}
        return {"$cond": [unfit, None, {f"k{n}": value for n, value in enumerate(values)}]}

    def one_by_one(self) -> list[Stage]:
        """Each row's document, looked up."""
        first, *others = (".".join(key) for key in self.keys)
        lookup: Stage = {
            "from": self.collection, "localField": f"{ROW}.{first}", "foreignField": first, "as": "old"}
        if others:
            lookup["let"] = {f"k{n}": f"${ROW}.{key}" for n, key in enumerate(others)}
            same = [{"$eq": [f"${key}", f"$$k{n}"]} for n, key in enumerate(others)]
            lookup["pipeline"] = [{"$match": {"$expr": {"$and": same}}}]
        met = {"$ne": ["$old", []]}
        return [{"$lookup": lookup}, {"$project": {
            ROW: 1, "n": {"$literal": 1}, "key": {"$literal": "object"}, MET: met, **_HALF,
            **self._fate(met, {"$first": "$old"})}}]

    def _fate(self, met: Any, old: Any) -> Stage:
        """Whether the stored document, the value of `old`, will be changed, and whether it can't be."""
        changed = {"$and": [met, self._changes(old)]}
        if self.conflict is None or self.conflict.hindered is None:
            return {"changed": changed}
        hindered = {"$let": {"vars": {"old": old}, "in": _of_old(self.conflict.hindered)}}
        in_the_way = {"$and": [met, hindered]}
        # what such a document would become can't be asked
        return {"changed": {"$cond": [in_the_way, False, changed]}, "hindered": in_the_way}

    def _changes(self, old: Any) -> Any:
        """Whether the stored document, the value of `old`, will be another one."""
        conflict = self.conflict
        if conflict is None or not self._writes:
            return False
        changes = conflict.changes
        if changes is None:
            changes = {"$ne": [stored_expression(conflict, {"$mergeObjects": [{"_id": "$_id"}, "$$new"]}), "$$ROOT"]}
        elif conflict.condition is not None:
            changes = {"$and": [conflict.condition, changes]}
        return {"$let": {"vars": {"old": old, "new": f"${ROW}"}, "in": _of_old(changes)}}


def _of_old(expression: Any) -> Any:
    """An expression over a document as one over the document in `$$old`."""
    if isinstance(expression, str):
        for root in ("$$ROOT", "$$CURRENT"):
            if expression == root or expression.startswith(f"{root}."):
                return "$$old" + expression.removeprefix(root)
        is_field = expression.startswith("$") and not expression.startswith("$$")
        return f"$$old.{expression[1:]}" if is_field else expression
    if isinstance(expression, Mapping):
        return expression if "$literal" in expression else {name: _of_old(part) for name, part in expression.items()}
    return [_of_old(part) for part in expression] if isinstance(expression, list | tuple) else expression
