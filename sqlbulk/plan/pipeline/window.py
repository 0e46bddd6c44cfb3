"""Windows: $setWindowFields, one for each partition and order, and what SQL has beyond it worked out behind.

The server counts rows one by one. Where SQL takes rows of equal order (peers) together, as RANK and the usual
frame do, a second stage gives every row the value of the last, or first, of its peers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlbulk.errors import UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Column, Constant, Frame, SortKey, WindowCall
from sqlbulk.plan.pipeline.group import accumulate
from sqlbulk.plan.pipeline.order import Order
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Rows, place_values, with_fields
from sqlbulk.plan.query.state import fingerprint
from sqlbulk.types import Interval, Type

Stage = dict[str, Any]
_WHOLE = ["unbounded", "unbounded"]
_RUNNING = ["unbounded", "current"]
_RANKS = frozenset({"RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST"})
_NUMBERED = _RANKS | {"ROW_NUMBER", "NTILE"}


def lower_window(node: algebra.Window, lowering: Lowering, outer: Outer) -> Rows:
    """The rows with a field for the windows' values; windows right below that don't depend on each other join in."""
    nodes = [node]
    while isinstance(below := nodes[-1].input, algebra.Window) and not _uses(nodes, below):
        nodes.append(below)
    rows = lowering.lower(nodes[-1].input, outer)
    groups: dict[tuple[str, ...], list[tuple[tuple[str, str], WindowCall]]] = {}
    for each in reversed(nodes):
        for name, call in each.calls:
            groups.setdefault(_specification(call), []).append(((each.relation, name), call))
    finished: dict[tuple[str, str], Any] = {}
    for calls in groups.values():
        work = _Work(rows, lowering, calls[0][1], lowering.names.new("_p"))
        work.prepare()
        for key, call in calls:
            finished[key] = work.value(call)
        work.finish()
    for each in reversed(nodes):
        place_values(each.relation, {name: finished[each.relation, name] for name, _ in each.calls}, rows, lowering)
    return rows


def _uses(nodes: list[algebra.Window], below: algebra.Window) -> bool:
    return any(below.relation in algebra.relations_of(e) for n in nodes for e in algebra.own_expressions(n))


def _specification(call: WindowCall) -> tuple[str, ...]:
    """What calls must have in common to be worked out together."""
    ranged = f"{call.frame!r}" if _offset_range(call.frame) else ""
    order = [f"{fingerprint(k.expression)} {k.descending} {k.nulls_first}" for k in call.order_by]
    return (ranged, *map(fingerprint, call.partition_by), "ORDER", *order)


def _offset_range(frame: Frame | None) -> bool:
    if frame is None or frame.unit != "RANGE":
        return False
    return any(isinstance(e, Constant) for e in (frame.start, frame.end))


@dataclass(slots=True)
class _Work:
    """One partition and order: the stage's output, and what follows it."""

    rows: Rows
    lowering: Lowering
    call: WindowCall
    partition: str
    output: dict[str, Any] = field(default_factory=dict)
    peers: dict[str, Any] = field(default_factory=dict)
    behind: list[tuple[dict[str, Any], dict[str, int]]] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    by: Any = None
    number: str | None = None
    total: str | None = None

    def value(self, call: WindowCall) -> Any:
        """The call's value as an expression over what the stages leave; they are noted down."""
        if call.ignore_nulls:
            raise UnsupportedError("E3001", f"{call.name} IGNORE NULLS isn't supported", call.span)
        if call.name in _NUMBERED and call.aggregate is None:
            return self._numbered(call)
        if call.name in ("LAG", "LEAD"):
            return self._shifted(call)
        return self._framed(call)

    # numbers

    def _row_number(self) -> str:
        if self.number is None:
            self.number = self._output({"$sum": 1, "window": {"documents": _RUNNING}})
        return f"${self.number}"

    def _row_count(self) -> str:
        if self.total is None:
            self.total = self._output({"$sum": 1, "window": {"documents": _WHOLE}})
        return f"${self.total}"

    def _output(self, function: Any) -> str:
        name = self.lowering.names.new("_w")
        self.output[name] = function
        return name

    def _of_peers(self, function: Any) -> str:
        name = self.lowering.names.new("_w")
        self.peers[name] = function
        return f"${name}"

    def _numbered(self, call: WindowCall) -> Any:
        number = self._row_number()
        if call.name == "ROW_NUMBER":
            return number
        if call.name == "NTILE":
            return self._tile(call, number)
        if call.name == "CUME_DIST":
            return {"$divide": [self._of_peers({"$max": number}), self._row_count()]}
        rank = self._of_peers({"$min": number})
        if call.name == "RANK":
            return rank
        if call.name == "PERCENT_RANK":
            total = self._row_count()
            others = {"$subtract": [total, 1]}
            return {"$cond": [{"$gt": [total, 1]}, {"$divide": [{"$subtract": [rank, 1]}, others]}, 0.0]}
        return self._dense(number, rank)

    def _dense(self, number: str, rank: str) -> str:
        """The number of first peers up to the row."""
        name = self.lowering.names.new("_w")
        first = {"$cond": [{"$eq": [number, rank]}, 1, 0]}
        self.behind.append(({name: {"$sum": first, "window": {"documents": _RUNNING}}}, {number[1:]: 1}))
        return f"${name}"

    def _tile(self, call: WindowCall, number: str) -> Any:
        parts = call.arguments[0].value if isinstance(call.arguments[0], Constant) else None
        if not isinstance(parts, int) or parts < 1:
            raise UnsupportedError("E3001", "NTILE takes a number of parts above 0", call.span)
        total = self._row_count()
        size = {"$floor": {"$divide": [total, parts]}}
        larger = {"$mod": [total, parts]}
        low = {"$ceil": {"$divide": [number, {"$add": ["$$q", 1]}]}}
        high = {"$add": ["$$r", {"$ceil": {"$divide": [{"$subtract": [number, "$$edge"]}, {"$max": ["$$q", 1]}]}}]}
        tile = {"$cond": [{"$lte": [number, "$$edge"]}, low, high]}
        edge = {"$let": {"vars": {"edge": {"$multiply": ["$$r", {"$add": ["$$q", 1]}]}}, "in": tile}}
        return {"$toInt": {"$let": {"vars": {"q": size, "r": larger}, "in": edge}}}

    # other rows' values

    def _shifted(self, call: WindowCall) -> Any:
        value = self.lowering.stored(call.arguments[0], self.rows)
        by: Any = call.arguments[1].value if len(call.arguments) > 1 and isinstance(call.arguments[1], Constant) else 1
        if isinstance(by, bool) or not isinstance(by, int):
            raise UnsupportedError("E3001", f"{call.name} takes a whole number of rows", call.span)
        by = -by if call.name == "LAG" else by
        name = self._output({"$shift": {"output": {"v": value}, "by": by, "default": None}})
        if len(call.arguments) < 3:
            return f"${name}.v"
        default = self.lowering.value(call.arguments[2], self.rows)
        return {"$cond": [{"$gt": [f"${name}", None]}, f"${name}.v", default]}

    # frames

    def _framed(self, call: WindowCall) -> Any:
        """Aggregates, FIRST_VALUE, LAST_VALUE and NTH_VALUE over the frame."""
        if call.aggregate is not None:
            accumulation = accumulate(call, self.rows, self.lowering)
            values = [self._over_frame(a, call) for a in accumulation.accumulators]
            return accumulation.finish(*values)
        value = {"v": self.lowering.stored(call.arguments[0], self.rows)}
        if call.name == "FIRST_VALUE":
            return f"{self._over_frame({'$first': value}, call)}.v"
        if call.name == "LAST_VALUE":
            return f"{self._over_frame({'$last': value}, call)}.v"
        return self._nth(call, value)

    def _nth(self, call: WindowCall, value: Any) -> Any:
        n = call.arguments[1].value if isinstance(call.arguments[1], Constant) else None
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise UnsupportedError("E3001", "NTH_VALUE takes a whole number from 1", call.span)
        first = self._over_frame({"$firstN": {"input": value, "n": n}}, call)
        return {"$getField": {"field": "v", "input": {"$arrayElemAt": [first, n - 1]}}}

    def _over_frame(self, function: Any, call: WindowCall) -> str:
        """The field that holds the function's value over the call's frame."""
        frame = call.frame
        if frame is None:
            frame = Frame("RANGE", "unbounded", "current") if call.order_by else Frame("ROWS", "unbounded", "unbounded")
        if frame.unit == "ROWS":
            return "$" + self._output({**function, "window": {"documents": [frame.start, frame.end]}})
        if _offset_range(frame):
            return "$" + self._output({**function, "window": _range(frame)})
        ends = (frame.start, frame.end)
        if ends == ("unbounded", "unbounded") or not call.order_by:
            return "$" + self._output({**function, "window": {"documents": _WHOLE}})
        if ends == ("current", "current"):
            return self._of_peers(function)
        number = self._row_number()
        raw = "$" + self._output({**function, "window": {"documents": list(ends)}})
        pick = "$max" if ends == ("unbounded", "current") else "$min"
        return f"{self._of_peers({pick: {'n': number, 'v': raw}})}.v"

    # the stages

    def prepare(self) -> None:
        """Work out what the stages partition and sort by."""
        self.parts = {f"p{n}": self.lowering.stored(e, self.rows) for n, e in enumerate(self.call.partition_by)}
        if _offset_range(self.call.frame):
            computed = self._measured()
            self.order = {self.partition + "m": 1}
        else:
            order = Order(self._keys, self.rows, self.lowering)
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
    def _keys(self) -> tuple[SortKey, ...]:
        return tuple(k for k in self.call.order_by if not isinstance(k.expression, Constant))

    def finish(self) -> None:
        """Add the stages that were noted down."""
        if self.output:
            frames = [f.get("window", {}).get("documents", _WHOLE) for f in self.output.values()]
            in_order = any(f != _WHOLE for f in frames) or any("$shift" in f for f in self.output.values())
            order = self.order or ({self.partition + "x": 1} if in_order else {})
            self.rows.add(self._stage(self.output, order))
        if self.peers:
            self._add_peers()
        self.rows.add(*(self._stage(output, order) for output, order in self.behind))

    def _stage(self, output: dict[str, Any], order: dict[str, int]) -> Stage:
        stage: dict[str, Any] = {"partitionBy": self.by or f"${self.partition}"} if self.parts else {}
        if order:
            stage["sortBy"] = order
        return {"$setWindowFields": {**stage, "output": output}}

    def _add_peers(self) -> None:
        """The stage over the rows of equal partition and order."""
        name = self.partition + "q"
        values = {f"k{n}": self.lowering.stored(k.expression, self.rows) for n, k in enumerate(self._keys)}
        parts = self.parts if self.by else {p: f"${self.partition}.{p}" for p in self.parts}
        self.rows.add(
            {"$addFields": {name: {**parts, **values}}},
            {"$setWindowFields": {"partitionBy": f"${name}", "output": self.peers}})

    def _measured(self) -> dict[str, Any]:
        """The order of a RANGE with offsets: one number or date; NULLs and others are a partition of their own."""
        frame, keys = self.call.frame, self.call.order_by
        assert frame is not None
        if len(keys) != 1 or keys[0].descending:
            raise UnsupportedError("E3001", "RANGE with an offset takes one ascending ORDER BY", self.call.span)
        value = self.lowering.value(keys[0].expression, self.rows)
        dates = _in_time(frame)
        test = {"$eq": [{"$type": value}, "date"]} if dates else {"$isNumber": value}
        self.parts["other"] = {"$cond": [test, None, {"$ifNull": [value, "null"]}]}
        return {self.partition + "m": {"$cond": [test, value, _EPOCH if dates else 0]}}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _in_time(frame: Frame) -> bool:
    return any(isinstance(e, Constant) and isinstance(e.value, Interval) for e in (frame.start, frame.end))


def _range(frame: Frame) -> dict[str, Any]:
    """The frame in the server's words. Its "current" would be the row alone, not its peers."""
    ends = []
    for end in (frame.start, frame.end):
        value = end.value if isinstance(end, Constant) else end
        ends.append(value.milliseconds if isinstance(value, Interval) else 0 if value == "current" else value)
    return {"range": ends, "unit": "millisecond"} if _in_time(frame) else {"range": ends}
