"""Short forms for writing entries: what most functions have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlbulk.functions.registry import Function, Parameter
from sqlbulk.types import Type


def entry(
    name: str,
    help: str,
    example: str,
    parameters: tuple[Parameter, ...],
    lower: Callable[..., Any],
    fold: Callable[..., Any] | None,
    **fields: Any,
) -> Function:
    """An entry with its six usual parts in order, and any others by name."""
    return Function(
        name=name, help=help, example=example, parameters=parameters, lower=lower, fold=fold, **fields
    )


def text(name: str = "text", **fields: Any) -> Parameter:
    """A parameter that takes a string."""
    return Parameter(name, Type.STRING, **fields)


def number(name: str = "number", **fields: Any) -> Parameter:
    """A parameter that takes a number of any kind."""
    return Parameter(name, Type.NUMBER, **fields)


def integer(name: str = "n", **fields: Any) -> Parameter:
    """A parameter that takes a whole number of 32 bits."""
    return Parameter(name, Type.INTEGER, **fields)


def moment(name: str = "date", **fields: Any) -> Parameter:
    """A parameter that takes a date."""
    return Parameter(name, Type.DATE, **fields)


def array(name: str = "array", **fields: Any) -> Parameter:
    """A parameter that takes an array."""
    return Parameter(name, Type.ARRAY, **fields)


def document(name: str = "document", **fields: Any) -> Parameter:
    """A parameter that takes a document."""
    return Parameter(name, Type.DOCUMENT, **fields)


def anything(name: str = "value", **fields: Any) -> Parameter:
    """A parameter that takes any value."""
    return Parameter(name, Type.ANY, **fields)


def unit(name: str = "unit") -> Parameter:
    """A parameter that takes a word which must be known before the statement runs."""
    return Parameter(name, Type.STRING, constant=True)
