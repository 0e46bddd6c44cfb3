"""One partition and order of windows: the stages that calls over it need, noted down and then added in their order.

The server counts rows one by one. Where SQL takes rows of equal order (peers) together, as RANK and the usual
frame do, a stage over the peers gives every row the value of the last, or first, of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlbulk.plan.binding.bound import Column, Constant, SortKey, WindowCall
from sqlbulk.plan.pipeline.order import Order
from sqlbulk.plan.pipeline.rows import Lowering, Rows, with_fields
from sqlbulk.plan.pipeline.window_range import Measure, has_offsets, measure
from sqlbulk.types import Type

Stage = dict[str, Any]
WHOLE = ["unbounded", "unbounded"]
RUNNING = ["unbounded", "current"]


@dataclass(slots=True)
class Work:
    """The outputs of the stages: `first` over the rows in order; `numbered`, which may use their numbers; `peers`
    over rows of equal order; `behind`, which may use all those, each with its order; `grouped`, by peer groups.
    """

    rows: Rows
    lowering: Lowering
    call: WindowCall
    partition: str
    first: dict[str, Any] = field(default_factory=dict)
    numbered: dict[str, Any] = field(default_factory=dict)
    peers: dict[str, Any] = field(default_factory=dict)
    behind: list[tuple[dict[str, Any], dict[str, int]]] = field(default_factory=list)
    grouped: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    by: Any = None
    measure: Measure | None = None
    made: dict[str, str] = field(default_factory=dict)

    def row_number(self) -> str:
        """The row's number in its partition, from 1."""
        return self._once("number", self.first, {"$sum": 1, "window": {"documents": RUNNING}})

    def row_count(self) -> str:
        """How many rows the partition has."""
        return self._once("count", self.first, {"$sum": 1, "window": {"documents": WHOLE}})

    def first_peer(self) -> str:
        """The number of the first row of equal order: its rank."""
        return self._once("rank", self.peers, {"$min": self.row_number()})

    def last_peer(self) -> str:
        """The number of the last row of equal order."""
        return self._once("last", self.peers, {"$max": self.row_number()})

    def dense_rank(self) -> str:
        """The number of first peers up to the row."""
        if "dense" not in self.made:
            number, rank = self.row_number(), self.first_peer()
            first = {"$cond": [{"$eq": [number, rank]}, 1, 0]}
            self.made["dense"] = self.lowering.names.new("_w")
            stage = {self.made["dense"]: {"$sum": first, "window": {"documents": RUNNING}}}
            self.behind.append((stage, {number[1:]: 1}))
        return f"${self.made['dense']}"

    def note(self, outputs: dict[str, Any], function: Any) -> str:
        """A new output of a stage, as an expression."""
        name = self.lowering.names.new("_w")
        outputs[name] = function
        return f"${name}"

    def _once(self, key: str, outputs: dict[str, Any], function: Any) -> str:
        if key not in self.made:
            self.made[key] = self.note(outputs, function)[1:]
        return f"${self.made[key]}"

    # the stages

    def prepare(self) -> None:
        """Work out what the stages partition and sort by."""
        self.parts = {f"p{n}": self.lowering.stored(e, self.rows) for n, e in enumerate(self.call.partition_by)}
        if has_offsets(self.call.frame):
            self.measure = measure(self.call, self.rows, self.lowering)
            self.parts |= self.measure.parts
            computed = {self.partition + "m": self.measure.value}
            self.order = {self.partition + "m": 1}
        else:
            order = Order(self.keys, self.rows, self.lowering)
            computed = order.computed
        plain = self._is_plain()
        with_fields(self.rows, self.lowering, {**computed, **({self.partition: self.parts} if not plain else {})})
        if plain and self.parts:
            self.parts = {"p0": self.lowering.stored(self.call.partition_by[0], self.rows)}
            self.by = self.lowering.value(self.call.partition_by[0], self.rows)
        if not self.order:
            self.order = order.directions(self.rows)

    def _is_plain(self) -> bool:
        """Whether there is no partition, or it is one field that is no array for certain: the server refuses those."""
        if set(self.parts) != {"p0"}:
            return not self.parts
        (key,) = self.call.partition_by
        return isinstance(key, Column) and key.type not in (Type.ANY, Type.ARRAY)

    @property
    def keys(self) -> tuple[SortKey, ...]:
        """What the rows are in order by; constants leave them as they are."""
        return tuple(k for k in self.call.order_by if not isinstance(k.expression, Constant))

    def finish(self) -> None:
        """Add the stages that were noted down."""
        if self.first:
            self.rows.add(self._stage(self.first, self._order_of(self.first)))
        if self.numbered:
            by_number = {self.made["number"]: 1} if "number" in self.made and self.measure is None else self.order
            self.rows.add(self._stage(self.numbered, by_number))
        if self.peers:
            self._add_peers()
        self.rows.add(*(self._stage(output, order) for output, order in self.behind))
        if self.grouped:
            self.rows.add(self._stage(self.grouped, {self.made["dense"]: 1}))

    def _order_of(self, outputs: dict[str, Any]) -> dict[str, int]:
        frames = [f.get("window", {}).get("documents", WHOLE) for f in outputs.values()]
        in_order = any(f != WHOLE for f in frames) or any("$shift" in f for f in outputs.values())
        return self.order or ({self.partition + "x": 1} if in_order else {})

    def _stage(self, output: dict[str, Any], order: dict[str, int]) -> Stage:
        stage: dict[str, Any] = {"partitionBy": self.by or f"${self.partition}"} if self.parts else {}
        if order:
            stage["sortBy"] = order
        return {"$setWindowFields": {**stage, "output": output}}

    def _add_peers(self) -> None:
        """The stage over the rows of equal partition and order."""
        name = self.partition + "q"
        values = {f"k{n}": self.lowering.stored(k.expression, self.rows) for n, k in enumerate(self.keys)}
        parts = self.parts if self.by else {p: f"${self.partition}.{p}" for p in self.parts}
        together: Stage = {}
        if same := {**parts, **values}:
            self.rows.add({"$addFields": {name: same}})
            together = {"partitionBy": f"${name}"}
        self.rows.add({"$setWindowFields": {**together, "output": self.peers}})
