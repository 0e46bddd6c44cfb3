"""Windows: $setWindowFields, one for each partition and order, and what SQL has beyond it worked out behind."""

from __future__ import annotations

from typing import Any

from sqlbulk.errors import UnsupportedError
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import Constant, WindowCall
from sqlbulk.plan.pipeline.group import accumulate
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Rows, place_values
from sqlbulk.plan.pipeline.window_frame import over_frame
from sqlbulk.plan.pipeline.window_range import has_offsets
from sqlbulk.plan.pipeline.window_work import WHOLE, Work
from sqlbulk.plan.query.state import fingerprint

_NUMBERED = frozenset({"ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE"})


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
        work = Work(rows, lowering, calls[0][1], lowering.names.new("_p"))
        work.prepare()
        for key, call in calls:
            finished[key] = _value(call, work)
        work.finish()
    for each in reversed(nodes):
        place_values(each.relation, {name: finished[each.relation, name] for name, _ in each.calls}, rows, lowering)
    return rows


def _uses(nodes: list[algebra.Window], below: algebra.Window) -> bool:
    return any(below.relation in algebra.relations_of(e) for n in nodes for e in algebra.own_expressions(n))


def _specification(call: WindowCall) -> tuple[str, ...]:
    """What calls must have in common to be worked out together."""
    ranged = f"{call.frame!r}" if has_offsets(call.frame) else ""
    order = [f"{fingerprint(k.expression)} {k.descending} {k.nulls_first}" for k in call.order_by]
    return (ranged, *map(fingerprint, call.partition_by), "ORDER", *order)


def _value(call: WindowCall, work: Work) -> Any:
    """The call's value as an expression over what the stages leave; they are noted down."""
    if call.aggregate is not None:
        accumulation = accumulate(call, work.rows, work.lowering)
        return accumulation.finish(*(over_frame(a, call, work) for a in accumulation.accumulators))
    if call.name in _NUMBERED:
        return _numbered(call, work)
    if call.name in ("LAG", "LEAD"):
        return _shifted(call, work)
    return _nth(call, work)


# Numbers


def _numbered(call: WindowCall, work: Work) -> Any:
    number = work.row_number()
    match call.name:
        case "ROW_NUMBER":
            return number
        case "NTILE":
            return _tile(call, number, work)
        case "CUME_DIST":
            return {"$divide": [work.last_peer(), work.row_count()]}
        case "RANK":
            return work.first_peer()
        case "DENSE_RANK":
            return work.dense_rank()
    rank, total = work.first_peer(), work.row_count()
    share = {"$divide": [{"$subtract": [rank, 1]}, {"$subtract": [total, 1]}]}
    return {"$cond": [{"$gt": [total, 1]}, share, 0.0]}


def _tile(call: WindowCall, number: str, work: Work) -> Any:
    parts = call.arguments[0].value if isinstance(call.arguments[0], Constant) else None
    if not isinstance(parts, int) or parts < 1:
        raise UnsupportedError("E3001", "NTILE takes a number of parts above 0", call.span)
    total = work.row_count()
    size = {"$floor": {"$divide": [total, parts]}}
    larger = {"$mod": [total, parts]}
    low = {"$ceil": {"$divide": [number, {"$add": ["$$q", 1]}]}}
    high = {"$add": ["$$r", {"$ceil": {"$divide": [{"$subtract": [number, "$$edge"]}, {"$max": ["$$q", 1]}]}}]}
    tile = {"$cond": [{"$lte": [number, "$$edge"]}, low, high]}
    edge = {"$let": {"vars": {"edge": {"$multiply": ["$$r", {"$add": ["$$q", 1]}]}}, "in": tile}}
    return {"$toInt": {"$let": {"vars": {"q": size, "r": larger}, "in": edge}}}


# LAG and LEAD


def _shifted(call: WindowCall, work: Work) -> Any:
    """The value of the row so many before or behind."""
    by = call.arguments[1] if len(call.arguments) > 1 else None
    if by is not None and not isinstance(by, Constant):
        return _shifted_by(call, work)
    rows: Any = 1 if by is None else by.value
    if rows is None:
        return None
    if isinstance(rows, bool) or not isinstance(rows, int):
        raise UnsupportedError("E3001", f"{call.name} takes a whole number of rows", call.span)
    rows = -rows if call.name == "LAG" else rows
    value = work.lowering.stored(call.arguments[0], work.rows)
    if call.ignore_nulls and rows:
        found = _next_value(value, rows, work)
    else:
        found = work.note(work.first, {"$shift": {"output": {"v": value}, "by": rows, "default": None}})
    return _or_default(found, call, work)


def _or_default(found: Any, call: WindowCall, work: Work) -> Any:
    if len(call.arguments) < 3:
        return _value_in(found)
    default = work.lowering.value(call.arguments[2], work.rows)
    return {"$cond": [{"$gt": [found, None]}, _value_in(found), default]}


def _value_in(found: Any) -> Any:
    """The `v` of a document."""
    return f"{found}.v" if isinstance(found, str) else {"$getField": {"field": "v", "input": found}}


def _next_value(value: Any, rows: int, work: Work) -> Any:
    """The so-manieth value before (negative) or behind that isn't NULL, with its row's number."""
    numbered = _present(value, work)
    frame: list[Any] = ["unbounded", -1] if rows < 0 else [1, "unbounded"]
    nearest = "$max" if rows < 0 else "$min"
    if abs(rows) == 1:
        return work.note(work.numbered, {nearest: numbered, "window": {"documents": frame}})
    several = {f"{nearest}N": {"input": numbered, "n": abs(rows)}, "window": {"documents": frame}}
    return {"$arrayElemAt": [work.note(work.numbered, several), abs(rows) - 1]}


def _present(value: Any, work: Work) -> Any:
    """A value that isn't NULL with its row's number."""
    return {"$cond": [{"$gt": [value, None]}, {"n": work.row_number(), "v": value}, "$$REMOVE"]}


def _whole(value: str) -> Any:
    return {"$convert": {"input": value, "to": "int", "onError": None, "onNull": None}}


def _shifted_by(call: WindowCall, work: Work) -> Any:
    """A number of rows that is worked out for each row: all values of the partition are looked up in."""
    if call.ignore_nulls:
        raise UnsupportedError("E3001", f"{call.name} IGNORE NULLS takes a constant number of rows", call.span)
    value, by = work.lowering.stored(call.arguments[0], work.rows), work.lowering.value(call.arguments[1], work.rows)
    everything = work.note(work.first, {"$push": {"v": value}, "window": {"documents": WHOLE}})
    sign = "$subtract" if call.name == "LAG" else "$add"
    place = {sign: [{"$subtract": [work.row_number(), 1]}, _whole("$$by")]}
    inside = {"$and": [{"$gte": ["$$at", 0]}, {"$lt": ["$$at", {"$size": everything}]}]}
    found = {"$let": {"vars": {"at": place}, "in": {"$cond": [inside, {"$arrayElemAt": [everything, "$$at"]}, None]}}}
    return {"$let": {"vars": {"by": by}, "in": {
        "$cond": [{"$isNumber": "$$by"}, _or_default(found, call, work), None]}}}


# The value of one row of the frame


def _nth(call: WindowCall, work: Work) -> Any:
    """FIRST_VALUE, LAST_VALUE and NTH_VALUE, with or without NULLs."""
    value = work.lowering.stored(call.arguments[0], work.rows)
    n: Any = 1
    if call.name == "NTH_VALUE":
        if not isinstance(call.arguments[1], Constant):
            return _computed_nth(call, value, work)
        n = call.arguments[1].value
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise UnsupportedError("E3001", "NTH_VALUE takes a whole number from 1", call.span)
    from_last = call.from_last or call.name == "LAST_VALUE"
    if call.ignore_nulls:
        return _nth_present(call, value, n, work, from_last=from_last)
    if call.name != "NTH_VALUE":
        return _value_in(over_frame({"$last" if from_last else "$first": {"v": value}}, call, work))
    if not from_last:
        first = over_frame({"$firstN": {"input": {"v": value}, "n": n}}, call, work)
        return _value_in({"$arrayElemAt": [first, n - 1]})
    last = over_frame({"$lastN": {"input": {"v": value}, "n": n}}, call, work)
    return {"$cond": [{"$eq": [{"$size": last}, n]}, _value_in({"$arrayElemAt": [last, 0]}), None]}


def _nth_present(call: WindowCall, value: Any, n: int, work: Work, *, from_last: bool) -> Any:
    """The n-th value that isn't NULL: that of the n-th least or greatest row number."""
    end, numbered = "$max" if from_last else "$min", _present(value, work)
    if n == 1:
        return _value_in(over_frame({end: numbered}, call, work, numbered=True))
    several = over_frame({f"{end}N": {"input": numbered, "n": n}}, call, work, numbered=True)
    return _value_in({"$arrayElemAt": [several, n - 1]})


def _computed_nth(call: WindowCall, value: Any, work: Work) -> Any:
    """NTH_VALUE with a number that is worked out for each row."""
    if call.ignore_nulls or call.from_last:
        raise UnsupportedError("E3001", "NTH_VALUE takes a constant number with IGNORE NULLS or FROM LAST", call.span)
    n = work.lowering.value(call.arguments[1], work.rows)
    rows = over_frame({"$push": {"v": value}}, call, work)
    found = _value_in({"$arrayElemAt": [rows, {"$subtract": [_whole("$$n"), 1]}]})
    above = {"$and": [{"$isNumber": "$$n"}, {"$gte": ["$$n", 1]}]}
    return {"$let": {"vars": {"n": n}, "in": {"$cond": [above, found, None]}}}
