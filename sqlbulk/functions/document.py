"""Documents: made, taken apart, merged and asked, in MySQL's and PostgreSQL's spelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlbulk.functions.containing import contains, holds
from sqlbulk.functions.entries import anything, array, document, entry, text
from sqlbulk.functions.fitting import BSON_NAMES, fits_value, is_number, type_test
from sqlbulk.functions.jsonpath import (
    child,
    element,
    find,
    get,
    get_computed,
    parse_path,
    read_path,
    single_path,
)
from sqlbulk.functions.numeric import to_double
from sqlbulk.functions.registry import UNKNOWN, Function, FunctionProblem, Operand, Parameter
from sqlbulk.functions.textform import as_text, is_key, text_form
from sqlbulk.functions.writing import Writer
from sqlbulk.types import Type, type_of

# Making


def _name(key: Any) -> str | None:
    name = text_form(key)
    if name is not None and "\0" in name:
        raise FunctionProblem("E2012", "a document's key can't hold a zero byte")
    return name


def _made(*pairs: Operand) -> Any:
    keys, values = pairs[::2], pairs[1::2]
    if any(k.value is UNKNOWN for k in keys):
        fields = [{"k": as_text(k), "v": _or_null(v)} for k, v in zip(keys, values, strict=True)]
        known = {"$filter": {"input": fields, "as": "pair", "cond": is_key("$$pair.k")}}
        return Operand({"$arrayToObject": [known]}, Type.DOCUMENT, False)
    named = [(_name(k.value), v) for k, v in zip(keys, values, strict=True)]
    shape = {name: v for name, v in named if name is not None}
    if any(k.startswith("$") or "." in k or not k for k in shape):
        fields = [{"k": {"$literal": k}, "v": _or_null(v)} for k, v in shape.items()]
        return Operand({"$arrayToObject": [fields]}, Type.DOCUMENT, False, shape=shape)
    made = {k: _or_null(v) for k, v in shape.items()} or {"$literal": {}}
    return Operand(made, Type.DOCUMENT, False, shape=shape)


def _or_null(operand: Operand) -> Any:
    """A key whose value is missing is there all the same."""
    return {"$ifNull": [operand.mql, None]} if operand.nullable and operand.value is UNKNOWN else operand.mql


def _fold_made(*pairs: Any) -> dict[str, Any]:
    keys = [_name(k) for k in pairs[::2]]
    return {k: v for k, v in zip(keys, pairs[1::2], strict=True) if k is not None}


def _array_of(*values: Operand) -> Operand:
    return Operand([_or_null(v) for v in values], Type.ARRAY, False)


# Reading


def _extract(value: Operand, *paths: Operand) -> Any:
    found = [_at(value.mql, p) for p in paths]
    return found[0] if len(found) == 1 else [{"$ifNull": [f, None]} for f in found]


def _at(value: Any, path: Operand) -> Any:
    return get_computed(value, path.mql) if path.value is UNKNOWN else get(value, parse_path(path.value))


def _fold_extract(value: Any, *paths: str) -> Any:
    found = [_fold_at(value, p) for p in paths]
    return found[0] if len(found) == 1 else found


class _ServerOnly(Exception):  # noqa: N818
    """What the server does depends on whether it knew the path before."""


def _fold_at(value: Any, path: str) -> Any:
    steps = read_path(path)
    if steps is None:
        return None
    if steps.count(None) > 1:
        raise _ServerOnly
    return find(value, steps)


def _scalar(value: Operand, path: Operand) -> Any:
    found = _at(value.mql, path)
    composed = {"$in": [{"$type": "$$found"}, ["object", "array"]]}
    return {"$let": {"vars": {"found": found}, "in": {"$cond": [composed, None, "$$found"]}}}


def _composed(value: Operand, path: Operand) -> Any:
    composed = {"$in": [{"$type": "$$found"}, ["object", "array"]]}
    return {"$let": {"vars": {"found": _at(value.mql, path)}, "in": {"$cond": [composed, "$$found", None]}}}


def _is_composed(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _member(value: Operand, key: Operand) -> Any:
    """PostgreSQL's ->: a text is a key, a number a position from 0. MySQL's: a text that begins as a path is one."""
    if isinstance(key.value, str):
        if key.value.startswith(_PATH_STARTS):
            return get(value.mql, parse_path(key.value))
        return {"$getField": {"field": {"$literal": key.value}, "input": value.mql}}
    if key.value is not UNKNOWN:
        return element(value.mql, int(to_double(key.value))) if fits_value(Type.INTEGER, key.value) else None
    is_text = {"$eq": [{"$type": key.mql}, "string"]}
    is_path = {"$in": [{"$substrCP": [key.mql, 0, 2]}, [{"$literal": start} for start in _PATH_STARTS]]}
    counted = {"$and": [{"$isArray": [value.mql]}, type_test(Type.INTEGER, key.mql)]}
    branches = [
        {"case": {"$and": [is_text, is_path]}, "then": get_computed(value.mql, key.mql)},
        {"case": is_text, "then": child(value.mql, key.mql)},
        {"case": counted, "then": {"$arrayElemAt": [value.mql, {"$toInt": key.mql}]}},
    ]
    return {"$switch": {"branches": branches, "default": None}}


_PATH_STARTS = ("$.", "$[")


def _check_key(key: Any) -> None:
    if isinstance(key, str) and key.startswith(_PATH_STARTS):
        parse_path(key)


def _fold_member(value: Any, key: Any) -> Any:
    if isinstance(key, str):
        if key.startswith(_PATH_STARTS):
            return _fold_at(value, key)
        if isinstance(value, Mapping):
            return value.get(key)
        return None
    return _fold_at_position(value, key) if is_number(key) else None


def _fold_at_position(value: Any, position: Any) -> Any:
    if not isinstance(value, list | tuple) or not fits_value(Type.INTEGER, position):
        return None
    index = int(to_double(position))
    return value[index] if -len(value) <= index < len(value) else None


def _member_text(value: Operand, key: Operand) -> Any:
    found = Operand("$$member")
    return {"$let": {"vars": {"member": _member(value, key)}, "in": as_text(found)}}


# Asking


def _length(value: Operand, path: Operand | None = None) -> Any:
    found = value.mql if path is None else _at(value.mql, path)
    cases = [
        {"case": {"$isArray": ["$$found"]}, "then": {"$size": "$$found"}},
        {"case": {"$eq": [{"$type": "$$found"}, "object"]}, "then": {"$size": {"$objectToArray": "$$found"}}},
        {"case": {"$lte": ["$$found", None]}, "then": None},
    ]
    return {"$let": {"vars": {"found": found}, "in": {"$switch": {"branches": cases, "default": 1}}}}


def _fold_length(value: Any, path: str | None = None) -> int | None:
    found = value if path is None else _fold_at(value, path)
    return None if found is None else len(found) if _is_composed(found) else 1


def _keys(value: Operand, path: Operand | None = None) -> Any:
    found = value.mql if path is None else _at(value.mql, path)
    names = {"$map": {"input": {"$objectToArray": "$$found"}, "as": "pair", "in": "$$pair.k"}}
    named = {"$cond": [{"$eq": [{"$type": "$$found"}, "object"]}, names, None]}
    return {"$let": {"vars": {"found": found}, "in": named}}


def _fold_keys(value: Any, path: str | None = None) -> list[str] | None:
    found = value if path is None else _fold_at(value, path)
    return list(found) if isinstance(found, Mapping) else None


def _has_path(value: Operand, how: Operand, *paths: Operand) -> Any:
    tests = [_present(value.mql, single_path(p.value)) for p in paths]
    return {"$and" if how.value.lower() == "all" else "$or": tests}


def _present(value: Any, steps: Sequence[str | int]) -> Any:
    if not steps:
        return True
    last = steps[-1]
    if isinstance(last, str):
        there = {"$ne": [{"$type": {"$getField": {"field": {"$literal": last}, "input": "$$owner"}}}, "missing"]}
        test = {"$and": [{"$eq": [{"$type": "$$owner"}, "object"]}, there]}
    else:
        size = {"$size": "$$owner"}
        inside: Any = {"$gte": [size, -last]} if last < 0 else {"$gt": [size, last]}
        test = {"$and": [{"$isArray": ["$$owner"]}, inside]}
    return {"$let": {"vars": {"owner": get(value, steps[:-1])}, "in": test}}


def _fold_has_path(value: Any, how: str, *paths: str) -> bool:
    found = [_is_there(value, single_path(path)) for path in paths]
    return all(found) if how.lower() == "all" else any(found)


def _is_there(value: Any, steps: Sequence[str | int]) -> bool:
    if not steps:
        return True
    owner, last = find(value, steps[:-1]), steps[-1]
    if isinstance(last, int):
        return isinstance(owner, list | tuple) and -len(owner) <= last < len(owner)
    return isinstance(owner, Mapping) and last in owner


def _check_how(how: str) -> None:
    if how.lower() not in ("one", "all"):
        raise FunctionProblem("E2004", f"it is 'one' or 'all', not {how!r}", argument=1)


def _contains(value: Operand, part: Operand, path: Operand | None = None) -> Any:
    return contains(value.mql if path is None else _at(value.mql, path), part, strict=False)


def _fold_contains(value: Any, part: Any, path: str | None = None) -> bool | None:
    found = value if path is None else _fold_at(value, path)
    return None if found is None else holds(found, part, strict=False)


_TYPE_NAMES = {
    "object": "OBJECT", "array": "ARRAY", "string": "STRING", "bool": "BOOLEAN", "int": "INTEGER", "long": "INTEGER",
    "double": "DOUBLE", "decimal": "DECIMAL", "date": "DATETIME", "objectId": "OBJECTID", "binData": "BLOB",
    "null": "NULL",
}


def _type_name(change: Callable[[str], str]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    names = {kind: change(name) for kind, name in _TYPE_NAMES.items()}

    def lower(value: Any) -> Any:
        branches = [{"case": {"$eq": ["$$kind", kind]}, "then": name} for kind, name in names.items()]
        chosen = {"$switch": {"branches": branches, "default": "$$kind"}}
        return {"$let": {"vars": {"kind": {"$type": value}}, "in": chosen}}

    def fold(value: Any) -> Any:
        kind = {Type.INTEGER: "int", Type.DOUBLE: "double", Type.DECIMAL: "decimal", **BSON_NAMES}[type_of(value)]
        return names[kind]

    return lower, fold


def _postgres_name(name: str) -> str:
    return {"INTEGER": "number", "DOUBLE": "number", "DECIMAL": "number", "DATETIME": "date", "BLOB": "binary"}.get(
        name, name.lower())


def _valid(value: Any) -> Any:
    return {"$ne": [{"$type": value}, "string"]}


def _set_path(value: Operand, path: Operand, new: Operand, create: Operand | None = None) -> Any:
    """JSONB_SET: the path is an array of texts, or '{a,b}'."""
    writer = Writer(create=create is None or create.value is not False, replace=True)
    return writer.write(value.mql, _postgres_path(path.value), new.mql)


def _postgres_path(path: Any) -> list[Any]:
    keys = path if isinstance(path, list | tuple) else str(path).strip().removeprefix("{").removesuffix("}").split(",")
    return [int(k) if str(k).strip().lstrip("-").isdecimal() else str(k).strip().strip('"') for k in keys]


def _fold_set_path(value: Any, path: Any, new: Any, create: bool = True) -> Any:
    return Writer(create=create, replace=True).fold(value, _postgres_path(path), new)


def _entry(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    def folded(*values: Any) -> Any:
        try:
            return fold(*values)
        except _ServerOnly:
            return UNKNOWN

    return entry(name, help, example, parameters, lower, folded, **{"operands": True, **fields})


_PATH = (anything("document"), text("path", check=parse_path))
_MAYBE_PATH = (anything("document"), text("path", optional=True, check=parse_path))
_PATHS = (anything("document"), text("path", repeated=True, check=parse_path))
_MEMBER = (anything("document"), anything("key", check=_check_key))

ENTRIES: tuple[Function, ...] = (
    _entry("JSON_OBJECT", "A document of keys and values; a pair whose key is NULL is left out.",
           "JSON_OBJECT('a', 1) = {a: 1}",
           (anything("key", optional=True, repeated=True), anything("value", optional=True, repeated=True)), _made,
           _fold_made, returns=Type.DOCUMENT, null_propagates=False, nullable=False,
           aliases=("JSON_BUILD_OBJECT", "JSONB_BUILD_OBJECT", "OBJECT_CONSTRUCT")),
    _entry("JSON_ARRAY", "An array of the arguments.", "JSON_ARRAY(1, 'a') = [1, 'a']",
           (anything(optional=True, repeated=True),), _array_of, lambda *values: list(values), returns=Type.ARRAY,
           null_propagates=False, nullable=False, aliases=("JSON_BUILD_ARRAY", "JSONB_BUILD_ARRAY", "ARRAY")),
    _entry("JSON_EXTRACT", "What stands at a path such as '$.a.b[0]'; with several paths an array.",
           "JSON_EXTRACT({a: [1, 2]}, '$.a[1]') = 2", _PATHS, _extract, _fold_extract),
    _entry("JSON_VALUE", "The scalar that stands at a path, NULL for documents and arrays.",
           "JSON_VALUE({a: 1}, '$.a') = 1", _PATH, _scalar,
           lambda v, p: None if _is_composed(f := _fold_at(v, p)) else f),
    _entry("JSON_QUERY", "The document or array that stands at a path, NULL for scalars.",
           "JSON_QUERY({a: [1]}, '$.a') = [1]", _PATH, _composed,
           lambda v, p: f if _is_composed(f := _fold_at(v, p)) else None),
    _entry("->", "A field by its key, or an element by its position from 0.", "({a: 1} -> 'a') = 1", _MEMBER, _member,
           _fold_member),
    _entry("->>", "A field or element as text.", "({a: 1} ->> 'a') = '1'", _MEMBER, _member_text,
           lambda v, k: text_form(_fold_member(v, k)), returns=Type.STRING),
    entry("JSON_UNQUOTE", "The value itself: documents hold no quoted text.", "JSON_UNQUOTE('a') = 'a'", (anything(),),
          lambda v: v, lambda v: v, returns=lambda types: types[0], aliases=("TO_JSON", "TO_JSONB"), nullable=False),
    _entry("JSON_LENGTH", "How many keys or elements there are, 1 for a scalar.", "JSON_LENGTH([1, 2]) = 2",
           _MAYBE_PATH, _length, _fold_length, returns=Type.INTEGER),
    _entry("JSON_KEYS", "The keys as an array; NULL unless it is a document.", "JSON_KEYS({a: 1}) = ['a']", _MAYBE_PATH,
           _keys, _fold_keys, returns=Type.ARRAY, aliases=("OBJECT_KEYS", "JSONB_OBJECT_KEYS", "JSON_OBJECT_KEYS")),
    _entry("JSON_CONTAINS", "Whether the fields or elements of the second argument are among those of the first.",
           "JSON_CONTAINS([1, 2], 1)", (anything("document"), anything("part"), *_MAYBE_PATH[1:]), _contains,
           _fold_contains, returns=Type.BOOLEAN),
    _entry("@>", "Whether the fields or elements of the second argument are among those of the first.",
           "[1, 2] @> [1]", (anything("document"), anything("part")), lambda d, p: contains(d.mql, p, strict=True),
           lambda d, p: holds(d, p, strict=True), returns=Type.BOOLEAN),
    _entry("<@", "Whether the fields or elements of the first argument are among those of the second.",
           "[1] <@ [1, 2]", (anything("part"), anything("document")), lambda p, d: contains(d.mql, p, strict=True),
           lambda p, d: holds(d, p, strict=True), returns=Type.BOOLEAN),
    _entry("JSON_CONTAINS_PATH", "Whether one ('one') or all ('all') of the paths are there.",
           "JSON_CONTAINS_PATH({a: 1}, 'one', '$.a', '$.b')",
           (anything("document"), text("how", constant=True, check=_check_how),
            text("path", repeated=True, constant=True, check=single_path)), _has_path, _fold_has_path,
           returns=Type.BOOLEAN, nullable=False),
    entry("JSON_TYPE", "The kind of the value: OBJECT, ARRAY, STRING, INTEGER, DOUBLE, DECIMAL, BOOLEAN, DATETIME, …",
          "JSON_TYPE([1]) = 'ARRAY'", (anything(),), *_type_name(str), returns=Type.STRING, nullable=False),
    entry("TYPEOF", "The kind of the value: object, array, string, number, boolean, date, …", "TYPEOF([1]) = 'array'",
          (anything(),), *_type_name(_postgres_name), returns=Type.STRING, nullable=False,
          aliases=("JSONB_TYPEOF", "JSON_TYPEOF")),
    entry("JSON_VALID", "Whether it is a native value other than text.", "JSON_VALID({a: 1})", (anything(),), _valid,
          lambda v: not isinstance(v, str), returns=Type.BOOLEAN, nullable=False),
    _entry("JSONB_SET", "The document with a place set; the path is '{a,b}', the last argument whether to make it.",
           "JSONB_SET({a: 1}, '{b}', 2) = {a: 1, b: 2}",
           (anything("document"), Parameter("path", Type.ANY, constant=True), anything(),
            Parameter("create", Type.BOOLEAN, optional=True, constant=True)), _set_path, _fold_set_path,
           aliases=("JSON_SET_PATH",)),
    entry("OBJECT_TO_ARRAY", "The fields as an array of documents {k, v}.",
          "OBJECT_TO_ARRAY({a: 1}) = [{k: 'a', v: 1}]",
          (document(),), lambda d: {"$objectToArray": d}, lambda d: [{"k": k, "v": v} for k, v in d.items()],
          returns=Type.ARRAY, nullable=False),
    entry("JSON_ARRAY_LENGTH", "How many elements the array has.", "JSON_ARRAY_LENGTH([1, 2]) = 2", (array(),),
          lambda a: {"$size": a}, len, returns=Type.INTEGER, nullable=False, aliases=("JSONB_ARRAY_LENGTH",)),
)
