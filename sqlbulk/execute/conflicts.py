"""The ways a batch of rows is written: plainly, or with regard to rows whose key is stored already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from sqlbulk.commands import Conflict, Path
from sqlbulk.execute.batches import comparable_key
from sqlbulk.execute.encode import Encoded
from sqlbulk.execute.faults import DUPLICATE_KEY
from sqlbulk.execute.indexes import UniqueIndex, find_colliding
from sqlbulk.execute.target import Operation
from sqlbulk.execute.upserts import Upserts, collision_filter, key_filter
from sqlbulk.execute.writer import Outcome, Refused, Writer
from sqlbulk.types import MISSING

ROUNDS = 3
"""How often a row is tried that others keep getting in the way of."""
FEW = 10
"""A batch of fewer rows says nothing about the next one."""


class Strategy(Protocol):
    """A way to write a batch."""

    def write(self, rows: Encoded, outcome: Outcome) -> None:
        """Write the rows and count them; raises where the statement is to stop."""


@dataclass(slots=True)
class Plain:
    """Insert; a row whose key is taken is refused. `go_on`: past a refused row even if ordered."""

    writer: Writer
    ordered: bool = False
    go_on: bool = False

    def write(self, rows: Encoded, outcome: Outcome) -> None:
        """Write the rows and count them."""
        start, size = 0, len(rows)
        while start < len(rows):
            part = rows.slice(start, min(start + size, len(rows)))
            refused = self.writer.insert(part, outcome, ordered=self.ordered)
            for one in refused:
                outcome.reject(part, one)
            if refused and not (self.ordered and self.go_on):
                return
            done = refused[-1][0] + 1 if refused else len(part)
            start, size = start + done, next_size(done, refused)


@dataclass(slots=True)
class Keyed:
    """Upsert by key: one operation a row, in order. Rows whose key isn't whole go to `others`.

    `whole` tells whether a key is one. `tests` are what the key's index asks of a query that is to use it.
    """

    writer: Writer
    conflict: Conflict
    paths: tuple[Path, ...]
    others: Strategy
    whole: Callable[[tuple[Any, ...]], bool]
    ordered: bool = False
    go_on: bool = False
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    upserts: Upserts = field(init=False)

    def __post_init__(self) -> None:
        self.upserts = Upserts(self.conflict, self.writer.ids)

    def write(self, rows: Encoded, outcome: Outcome) -> None:
        """Write the rows and count them."""
        places = range(len(rows))
        by_kind = groupby(places if self.ordered else sorted(places, key=lambda i: self.whole(rows.keys[i])),
                          key=lambda i: self.whole(rows.keys[i]))
        for whole, group in by_kind:
            before = len(outcome.rejected)
            chosen = rows.select(list(group))
            if whole:
                self._upsert(chosen, outcome)
            else:
                self.others.write(chosen, outcome)
            if self.ordered and not self.go_on and len(outcome.rejected) > before:
                return

    def _upsert(self, rows: Encoded, outcome: Outcome, rounds: int = ROUNDS) -> None:
        # of rows with the same key none is sent before the one in front of it is settled
        ordered = self.ordered or len(set(map(comparable_key, rows.keys))) < len(rows)
        go_on = self.go_on or not self.ordered
        while len(rows):
            operations = [
                self.upserts.operation(rows, i, key_filter(self.paths, rows.keys[i], self.tests))
                for i in range(len(rows))
            ]
            refused = send(self.writer, self.conflict, rows, operations, outcome, ordered=ordered,
                           repeatable=self.upserts.repeatable)
            # somebody else made the same key in between: once more, and it is an update
            raced = [i for i, failure in refused if failure.get("code") == DUPLICATE_KEY and rounds > 1]
            for one in refused:
                if one[0] not in raced:
                    outcome.reject(rows, one)
            if raced:
                self._upsert(rows.select(raced), outcome, rounds - 1)
            if not (refused and ordered and (go_on or raced)):
                return
            rows = rows.slice(refused[-1][0] + 1, len(rows))


@dataclass(slots=True)
class InsertFirst:
    """Insert, and for each row that collides do what the conflict clause says to the document it collided with.

    `indexes` are the collection's unique ones. `careful`: a collision may change what later rows collide
    with, so each is settled before the rows behind it are sent. `by_key` takes over when most rows collide.
    """

    writer: Writer
    conflict: Conflict
    indexes: Sequence[UniqueIndex] = ()
    careful: Callable[[Encoded], bool] = lambda rows: False
    ordered: bool = False
    go_on: bool = False
    by_key: Keyed | None = None
    switched: bool = False
    upserts: Upserts = field(init=False)

    def __post_init__(self) -> None:
        self.upserts = Upserts(self.conflict, self.writer.ids)

    def write(self, rows: Encoded, outcome: Outcome) -> None:
        """Write the rows and count them."""
        if self.switched and self.by_key is not None:
            self.by_key.write(rows, outcome)
        else:
            self.insert(rows, outcome)

    def insert(self, rows: Encoded, outcome: Outcome) -> None:
        """The same, whatever was learned from earlier batches."""
        if self.ordered or self.careful(rows):
            self._one_by_one(rows, outcome)
            return
        refused = self.writer.insert(rows, outcome, ordered=False)
        self.resolve(rows, refused, outcome)
        self.switched = self.switched or len(refused) > max(FEW, len(rows)) / 2

    def _one_by_one(self, rows: Encoded, outcome: Outcome) -> None:
        size = len(rows)
        while len(rows):
            part = rows.slice(0, min(size, len(rows)))
            refused = self.writer.insert(part, outcome, ordered=True)
            before = len(outcome.rejected)
            self.resolve(part, refused, outcome)
            if self.ordered and not self.go_on and len(outcome.rejected) > before:
                return
            done = refused[-1][0] + 1 if refused else len(part)
            rows, size = rows.slice(done, len(rows)), next_size(done, refused)

    def resolve(self, rows: Encoded, refused: Sequence[Refused], outcome: Outcome, rounds: int = ROUNDS) -> None:
        """Do what the clause says for the rows that collided, and reject the others."""
        collided = [one for one in refused if self._is_collision(one)]
        for one in refused:
            if not self._is_collision(one):
                outcome.reject(rows, one)
        if self.conflict.action == "nothing":
            outcome.skipped += len(collided)
        elif collided:
            self._update(rows, collided, outcome, rounds)

    def _update(self, rows: Encoded, collided: Sequence[Refused], outcome: Outcome, rounds: int) -> None:
        operations = [self._operation(rows, one) for one in collided]
        chosen = rows.select([index for index, _ in collided])
        failed = send(self.writer, self.conflict, chosen, operations, outcome, ordered=False,
                      repeatable=self.upserts.repeatable)
        raced = [i for i, failure in failed if failure.get("code") == DUPLICATE_KEY and rounds > 1]
        for one in failed:
            if one[0] not in raced:
                outcome.reject(chosen, one)
        if raced:
            again = chosen.select(raced)
            self.resolve(again, self.writer.insert(again, outcome, ordered=False), outcome, rounds - 1)

    def _operation(self, rows: Encoded, refused: Refused) -> Operation:
        index, failure = refused
        found = find_colliding(self.indexes, failure)
        partial, collation = (found.partial, found.collation) if found is not None else (None, None)
        filter = collision_filter(rows.documents[index], failure, partial)
        return self.upserts.operation(rows, index, filter, collation)

    def _is_collision(self, refused: Refused) -> bool:
        failure = refused[1]
        if failure.get("code") != DUPLICATE_KEY or not failure.get("keyPattern"):
            return False
        # a clause that names its key is about that key only
        return self.conflict.keys is None or list(failure["keyPattern"]) == [".".join(p) for p in self.conflict.keys]


@dataclass(frozen=True, slots=True)
class Inserting:
    """An `InsertFirst` that inserts, whatever it learned."""

    strategy: InsertFirst

    def write(self, rows: Encoded, outcome: Outcome) -> None:
        """Write the rows and count them."""
        self.strategy.insert(rows, outcome)


def next_size(done: int, refused: Sequence[Refused]) -> int:
    """How many rows to send in order after `done` ones: those behind a refused one are sent in vain."""
    return done if refused else 2 * done


def send(
    writer: Writer, conflict: Conflict, rows: Encoded, operations: Sequence[Operation], outcome: Outcome, *,
    ordered: bool, repeatable: bool,
) -> list[Refused]:
    """Send the operations of a conflict clause; rows that are left alone because of it count as skipped."""
    refused, matched = writer.update(rows, operations, outcome, ordered=ordered, repeatable=repeatable)
    if conflict.action == "nothing":
        outcome.matched -= matched
        outcome.skipped += matched
    return refused


def has_no_null(key: tuple[Any, ...]) -> bool:
    """Whether a key identifies a row in SQL's sense: no part is NULL."""
    return not any(value is None or value is MISSING for value in key)


def has_neither(key: tuple[Any, ...]) -> bool:
    """Whether a key identifies a document in an index that leaves out NULLs."""
    return has_no_null(key) and has_no_array(key)


def has_no_array(key: tuple[Any, ...]) -> bool:
    """Whether a key identifies a document in an index's sense, where arrays stand for each of their items."""
    return not any(isinstance(value, list | tuple) or value is MISSING for value in key)
