"""Stages that make documents, in their shortest form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlbulk.functions.calls import substitute

Stage = Mapping[str, Any]


def made_at_once(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages; a $replaceWith at the end takes in the stage before it, if that makes just what it needs."""
    match stages:
        case [*rest, before, {"$replaceWith": document}]:
            try:
                return _with_added((*rest, {"$replaceWith": _of_fields(document, _fields(before))}))
            except KeyError:
                pass
    return tuple(stages)


def _with_added(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The stages; fields that are added right before the end, each for one place, are worked out there."""
    match stages:
        case [*rest, {"$addFields": Mapping() as added}, {"$replaceWith": document}] if _is_document(added):
            used = list(_references(document))
            values = {f"${name}": value for name, value in added.items()}
            inside = ("$$ROOT", "$$CURRENT", *(f"{name}." for name in values))
            if (
                all(used.count(name) <= 1 for name in values) and not any(u.startswith(inside) for u in used)
                and not any(_takes_other(name, value, values) for name, value in values.items())
            ):
                for name, value in values.items():
                    document = substitute(document, name, value)
                return (*rest, {"$replaceWith": document})
    return stages


def _takes_other(name: str, value: Any, values: Mapping[str, Any]) -> bool:
    """Whether an added field is made of what another one was before."""
    return any(used in values and used != name for used in _references(value))


def _references(expression: Any) -> Iterator[str]:
    """The fields and variables that an expression takes."""
    match expression:
        case str():
            yield expression
        case {"$literal": _}:
            pass
        case Mapping():
            for part in expression.values():
                yield from _references(part)
        case list():
            for part in expression:
                yield from _references(part)


def fields_set(document: Any) -> Stage:
    """The stage that puts a document, which is made of the old one, in its place: $set where it only sets fields."""
    match document:
        case {"$mergeObjects": ["$$ROOT", Mapping() as fields]} if (
            _is_document(fields) and all(map(_is_expression, fields.values()))
        ):
            return {"$set": fields}
        case _:
            return {"$replaceWith": document}


def _fields(stage: Stage) -> Mapping[str, Any]:
    """The expressions of all fields that a document has behind a stage. KeyError: not all are known."""
    if "$replaceWith" in stage and _is_document(stage["$replaceWith"]):
        return stage["$replaceWith"]  # type: ignore[no-any-return]
    kept = dict(stage.get("$project", {}))
    if kept.pop("_id", None) != 0 or not all(map(_is_expression, kept.values())):
        raise KeyError(stage)
    return kept


def _of_fields(expression: Any, fields: Mapping[str, Any]) -> Any:
    """The expression over what the fields are made of. KeyError: it takes something else."""
    match expression:
        case {"$ifNull": [str(reference), None]} if reference.startswith("$"):
            value = fields[reference[1:]]
            return value if _is_value(value) else {"$ifNull": [value, None]}
        case {"$literal": _}:
            return expression
        case {"$setField": {"field": field, "input": document, "value": value}}:
            made, part = _of_fields(document, fields), _of_fields(value, fields)
            return {"$setField": {"field": field, "input": made, "value": part}}
        case _ if _is_document(expression):
            return {name: _of_fields(value, fields) for name, value in expression.items()}
        case _:
            raise KeyError(expression)


def _is_expression(value: Any) -> bool:
    """Whether $project and $set take a value for an expression, not for fields of a document."""
    return isinstance(value, str) or (isinstance(value, Mapping) and any(name.startswith("$") for name in value))


def _is_document(expression: Any) -> bool:
    """Whether an expression makes a document of the fields that are its keys."""
    return isinstance(expression, Mapping) and bool(expression) and not any(name.startswith("$") for name in expression)


def _is_value(expression: Any) -> bool:
    """Whether an expression surely gives a value: neither NULL nor nothing, or NULL itself."""
    match expression:
        case {"$ifNull": [_, None]}:
            return True
        case str() | Mapping() | None:
            return _is_document(expression)
        case _:
            return not isinstance(expression, list)
