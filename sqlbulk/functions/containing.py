"""Whether a document or array holds another: JSON_CONTAINS as in MySQL, `@>` and `<@` as in PostgreSQL.

A document holds another if each of its fields holds the other's, an array another if some element holds each of the
other's. MySQL goes on into arrays for what is no array itself; PostgreSQL does so for a scalar, and at the top only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlbulk.functions.comparison import equal
from sqlbulk.functions.registry import UNKNOWN, Operand

LEVELS = 6
"""How far down a part is taken apart on the server; below, what stands there is compared whole."""


def contains(whole: Any, part: Operand, *, strict: bool) -> Any:
    """An expression: whether it holds the part, NULL where there is nothing to look into. `strict` is PostgreSQL's."""
    given = part.value
    if strict and isinstance(given, list) and not any(isinstance(i, list | Mapping) for i in given):
        test: Any = {"$and": [{"$isArray": ["$$asked"]}, {"$setIsSubset": [part.mql, {"$cond": [
            {"$isArray": ["$$asked"]}, "$$asked", []]}]}]}
    else:
        levels = min(_depth(given), LEVELS) if strict and given is not UNKNOWN else LEVELS
        test = _held("$$asked", part.mql, levels, strict=strict)
    return {"$let": {"vars": {"asked": whole}, "in": {"$cond": [{"$lte": ["$$asked", None]}, None, test]}}}


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return 1 + max(map(_depth, inner), default=0)


def _held(whole: Any, part: Any, levels: int, *, strict: bool, top: bool = True) -> Any:
    """Both as lists of {k, v}, elements without k: each pair of the part needs one that holds it."""
    if levels == 0:
        return {"$eq": [whole, part]}
    w, p = f"$$whole{levels}", f"$$part{levels}"
    cases = [
        {"case": {"$and": [{"$isArray": [w]}, {"$isArray": [p]}]}, "then": _items(p)},
        {"case": {"$and": [_is_document(w), _is_document(p)]}, "then": {"$objectToArray": p}},
    ]
    if top or not strict:
        fits: list[Any] = [{"$not": [_is_document(p)]}] if strict else []
        cases.append({"case": {"$and": [{"$isArray": [w]}, *fits]}, "then": [{"v": p}]})
    wanted, has = f"$$wanted{levels}", f"$$has{levels}"
    pair = {"$and": [{"$eq": [f"{wanted}.k", f"{has}.k"]},
                     _held(f"{has}.v", f"{wanted}.v", levels - 1, strict=strict, top=False)]}
    pairs = {"$cond": [{"$isArray": [w]}, _items(w), {"$objectToArray": w}]}
    some = {"$anyElementTrue": [{"$map": {"input": pairs, "as": has[2:], "in": pair}}]}
    each = {"$allElementsTrue": [{"$map": {"input": "$$parts", "as": wanted[2:], "in": some}}]}
    return {"$let": {"vars": {w[2:]: whole, p[2:]: part}, "in": {"$let": {
        "vars": {"parts": {"$switch": {"branches": cases, "default": None}}},
        "in": {"$cond": [{"$eq": ["$$parts", None]}, {"$eq": [w, p]}, each]}}}}}


def _items(array: Any) -> Any:
    return {"$map": {"input": array, "as": "item", "in": {"v": "$$item"}}}


def _is_document(value: Any) -> Any:
    return {"$eq": [{"$type": value}, "object"]}


def holds(whole: Any, part: Any, *, strict: bool, levels: int = LEVELS, top: bool = True) -> bool:
    """The same in Python, of a whole that isn't NULL."""
    def below(inner: Any, wanted: Any) -> bool:
        return holds(inner, wanted, strict=strict, levels=levels - 1, top=False)

    if levels == 0:
        return same(whole, part)
    if isinstance(whole, Mapping) and isinstance(part, Mapping):
        return all(k in whole and below(whole[k], v) for k, v in part.items())
    if isinstance(whole, list | tuple):
        alone = not strict or (top and not isinstance(part, Mapping))
        wanted = part if isinstance(part, list | tuple) else [part] if alone else None
        if wanted is not None:
            return all(any(below(h, w) for h in whole) for w in wanted)
    return same(whole, part)


def same(left: Any, right: Any) -> bool:
    """Whether two values, NULL among them, are equal."""
    return left is right if left is None or right is None else equal(left, right)
