"""Documents merged: RFC 7396's patch, and the merge that keeps everything.

A null in a patch removes the key, as the RFC says, but where the key is null already: that NULL stays as it is,
so that a document patched with itself is the same document.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sqlbulk.functions.entries import anything, entry
from sqlbulk.functions.registry import UNKNOWN, Function, Operand
from sqlbulk.types import Type, type_of


def _patched(*documents: Operand) -> Any:
    result = documents[0]
    for patch in documents[1:]:
        result = _patch(result, patch)
    return result


def _patch(target: Operand, patch: Operand, level: int = 0) -> Operand:
    """RFC 7396, key by key where the patch's keys are known; at run time six levels deep otherwise."""
    if patch.shape is None and isinstance(patch.value, Mapping):
        patch = _shaped(patch)
    if patch.shape is None:
        return Operand(_patch_computed(target.mql, patch.mql, 0), Type.ANY)
    base = f"$$base{level}"
    value: Any = base
    for key, new in patch.shape.items():
        made = _patch_field(base, key, new, level)
        value = {"$setField": {"field": {"$literal": key}, "input": value, "value": made}}
    document = {"$cond": [{"$eq": [{"$type": target.mql}, "object"]}, target.mql, {"$literal": {}}]}
    return Operand({"$let": {"vars": {f"base{level}": document}, "in": value}}, Type.DOCUMENT, False)


def _shaped(operand: Operand) -> Operand:
    shape = {k: Operand(_constant(v), type_of(v), v is None, v) for k, v in operand.value.items()}
    return Operand(operand.mql, Type.DOCUMENT, False, operand.value, shape)


def _constant(value: Any) -> Any:
    return {"$literal": value} if isinstance(value, str | Mapping | list) else value


def _patch_field(base: str, key: str, new: Operand, level: int) -> Any:
    old_mql = {"$getField": {"field": {"$literal": key}, "input": base}}
    gone = {"$cond": [{"$eq": [{"$type": old_mql}, "null"]}, None, "$$REMOVE"]}
    if new.value is None:
        return gone
    if new.shape is not None or isinstance(new.value, Mapping):
        old = Operand({"$getField": {"field": {"$literal": key}, "input": base}})
        return _patch(old, new, level + 1).mql
    if new.value is not UNKNOWN or new.type not in (Type.ANY, Type.DOCUMENT):
        return {"$ifNull": [new.mql, gone]} if new.nullable else new.mql
    merged = _patch_computed(old_mql, new.mql, 10 + level)
    return {"$cond": [{"$gt": [new.mql, None]}, merged, gone]}


_DEPTH = 4
"""How many levels of documents whose keys aren't known are merged; below, a patch's documents replace."""


def _patch_computed(target: Any, patch: Any, level: int, depth: int = _DEPTH) -> Any:
    if depth == 0:
        return patch
    t, p = f"$$target{level}", f"$$patch{level}"
    pair = f"pair{level}"
    old = {"$getField": {"field": "v", "input": {"$arrayElemAt": [{"$filter": {
        "input": {"$objectToArray": t}, "as": "own", "cond": {"$eq": ["$$own.k", f"$${pair}.k"]}}}, 0]}}}
    merged = {"$cond": [{"$eq": [{"$type": f"$${pair}.v"}, "object"]},
                        _patch_computed(old, f"$${pair}.v", level + 1, depth - 1), f"$${pair}.v"]}
    pairs = {"$objectToArray": p}
    new = {"$map": {"input": {"$filter": {"input": pairs, "as": pair, "cond": {"$gt": [f"$${pair}.v", None]}}},
                    "as": pair, "in": {"k": f"$${pair}.k", "v": merged}}}
    dropped = {"$map": {"input": {"$filter": {"input": pairs, "as": pair, "cond": {"$lte": [f"$${pair}.v", None]}}},
                        "as": pair, "in": f"$${pair}.k"}}
    kept = {"$filter": {"input": {"$objectToArray": t}, "as": "own", "cond": {
        "$or": [{"$lte": ["$$own.v", None]}, {"$not": [{"$in": ["$$own.k", dropped]}]}]}}}
    result = {"$mergeObjects": [{"$arrayToObject": [kept]}, {"$arrayToObject": [new]}]}
    document = {"$cond": [{"$eq": [{"$type": target}, "object"]}, target, {"$literal": {}}]}
    inside = {"$cond": [{"$eq": [{"$type": p}, "object"]}, result, p]}
    return {"$let": {"vars": {f"target{level}": document, f"patch{level}": patch}, "in": inside}}


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 in Python."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            if result.get(key) is not None:
                del result[key]
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def _fold_patched(*documents: Any) -> Any:
    result = documents[0]
    for patch in documents[1:]:
        result = merge_patch(result, patch)
    return result


def _preserved(*values: Any) -> Any:
    """All keys and elements kept: documents are joined key by key, anything else into one array."""
    return reduce(lambda left, right: _joined(left, right, 0), values)


def _joined(left: Any, right: Any, level: int) -> Any:
    """Two values as one; below the last level that is looked into, documents stand side by side in an array."""
    old, new = f"$$left{level}", f"$$right{level}"
    both: Any = {"$concatArrays": [{"$cond": [{"$isArray": [v]}, v, [v]]} for v in (old, new)]}
    if level < _DEPTH:
        documents = {"$and": [{"$eq": [{"$type": v}, "object"]} for v in (old, new)]}
        both = {"$cond": [documents, _joined_documents(old, new, level), both]}
    return {"$let": {"vars": {old[2:]: left, new[2:]: right}, "in": both}}


def _joined_documents(old: str, new: str, level: int) -> Any:
    pair = f"pair{level}"
    same = {"$arrayElemAt": [{"$filter": {
        "input": {"$objectToArray": new}, "as": "other", "cond": {"$eq": ["$$other.k", f"$${pair}.k"]}}}, 0]}
    value = {"$cond": [{"$eq": [{"$type": "$$same.k"}, "missing"]}, f"$${pair}.v",
                       _joined(f"$${pair}.v", "$$same.v", level + 1)]}
    kept = {"$map": {"input": {"$objectToArray": old}, "as": pair, "in": {
        "k": f"$${pair}.k", "v": {"$let": {"vars": {"same": same}, "in": value}}}}}
    names = {"$map": {"input": {"$objectToArray": old}, "in": "$$this.k"}}
    added = {"$filter": {"input": {"$objectToArray": new}, "as": "other", "cond": {
        "$not": [{"$in": ["$$other.k", names]}]}}}
    return {"$arrayToObject": [{"$concatArrays": [kept, added]}]}


def merge_preserve(left: Any, right: Any, level: int = 0) -> Any:
    """The same in Python."""
    if level < _DEPTH and isinstance(left, Mapping) and isinstance(right, Mapping):
        kept = {k: merge_preserve(v, right[k], level + 1) if k in right else v for k, v in left.items()}
        return kept | {k: v for k, v in right.items() if k not in left}
    return [e for v in (left, right) for e in (v if isinstance(v, list | tuple) else [v])]


def _fold_preserved(*values: Any) -> Any:
    return reduce(merge_preserve, values)


ENTRIES: tuple[Function, ...] = (
    entry("JSON_MERGE_PATCH", "The documents merged by RFC 7396: later keys win, NULLs remove what is not NULL.",
          "JSON_MERGE_PATCH({a: 1, b: 2}, {b: 3}) = {a: 1, b: 3}",
          (anything("document", repeated=True),), _patched, _fold_patched, operands=True),
    entry("JSON_MERGE_PRESERVE", "Documents joined key by key, four levels deep; all else put into one array.",
          "JSON_MERGE_PRESERVE({a: 1}, {a: 2, b: 3}) = {a: [1, 2], b: 3}", (anything("value", repeated=True),),
          _preserved, _fold_preserved, nullable=False, aliases=("JSON_MERGE",)),
)
