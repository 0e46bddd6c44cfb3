"""Stages that make documents, in their shortest form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Stage = Mapping[str, Any]


def made_at_once(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages; the last two as one where the last is a $replaceWith that takes fields of the other alone."""
    match stages:
        case [*rest, before, {"$replaceWith": document}]:
            try:
                return (*rest, {"$replaceWith": _of_fields(document, _fields(before))})
            except KeyError:
                pass
    return tuple(stages)


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
