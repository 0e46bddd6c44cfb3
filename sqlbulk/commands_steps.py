"""Steps of a plan: rows that are worked out before a query and wait in a collection of their own. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STAGED = "sqlbulk.staged."
"""How the names of collections begin in which rows wait while a statement runs."""
WHOLE = "row"
"""The field that holds a row which is a whole document."""
ROUND = "_round"
"""The field of a recursion's rows that tells in which round they were found, from 0 on."""
ENDLESS = "endless recursion: "
"""How the messages begin by which the pipelines of recursions end themselves; up to the next quote."""
THIS_ROUND = "{this round}"
"""Stands for the number of the last round in the pipeline of the next one."""

Stages = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class KeySet:
    """Values that are read before a query, the `_id`s of a pipeline's documents. They take the place of `marker`.

    The pipeline may have the markers of the sets before in it.
    """

    marker: str
    collection: str
    pipeline: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class FewKeys:
    """Another pipeline with the same rows, for when there are few keys: these are read first and put into it."""

    key_sets: tuple[KeySet, ...]
    pipeline: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How a recursion goes on: what the next rows are made of, with `THIS_ROUND` in it, until there are none.

    With `distinct` a row counts once. More than `most` rounds are an error, more than `limit` rows aren't wanted.
    `few` is another way for rounds in which the rows found last have few keys.
    """

    collection: str | None
    pipeline: Stages
    distinct: bool
    most: int
    limit: int | None = None
    few: FewKeys | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Rows that are worked out first. `marker` stands for their collection's name in all that comes after.

    Each row is a document of the `fields`, or is whole, in the field `WHOLE`, where `fields` is None. `indexes` are
    the fields by which rows are looked up. With `rounds` these are the rows that a recursion begins with. `reason`
    says why it is a step.
    """

    marker: str
    collection: str | None
    pipeline: Stages
    fields: tuple[str, ...] | None
    reason: str
    indexes: tuple[str, ...] = ()
    rounds: Rounds | None = None
