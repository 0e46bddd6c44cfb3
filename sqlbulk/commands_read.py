"""What a query's command says besides its pipeline. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """Options of an aggregate command; None: the server's or the driver's own.

    `hint` is an index's name or its keys, `max_time` seconds, `batch_size` how many rows the server sends at a time.
    """

    hint: str | Mapping[str, Any] | None = None
    batch_size: int | None = None
    max_time: float | None = None
    read_concern: str | None = None
    read_preference: str | None = None
    comment: str | None = None

    @property
    def milliseconds(self) -> int | None:
        """`max_time` as the server takes it."""
        return None if self.max_time is None else max(1, round(self.max_time * 1000))

    def wire(self) -> dict[str, Any]:
        """The fields of the command."""
        fields: dict[str, Any] = {} if self.batch_size is None else {"cursor": {"batchSize": self.batch_size}}
        values = {"hint": self.hint, "maxTimeMS": self.milliseconds, "comment": self.comment}
        fields |= {name: value for name, value in values.items() if value is not None}
        if self.read_concern is not None:
            fields["readConcern"] = {"level": self.read_concern}
        if self.read_preference is not None:
            fields["$readPreference"] = {"mode": self.read_preference}
        return fields
