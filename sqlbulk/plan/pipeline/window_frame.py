"""A function over the frame of each row: in the server's frames where it has them, else by what is pushed of them."""

from __future__ import annotations

from typing import Any

from sqlbulk.plan.binding.bound import Frame, WindowCall
from sqlbulk.plan.pipeline.window_work import WHOLE, Work

_IN_ORDER = frozenset({"$push", "$first", "$last", "$firstN", "$lastN"})


def frame_of(call: WindowCall) -> Frame:
    """The call's frame, or the one that SQL takes where none is given."""
    if call.frame is not None:
        return call.frame
    return Frame("RANGE", "unbounded", "current") if call.order_by else Frame("ROWS", "unbounded", "unbounded")


def over_frame(function: dict[str, Any], call: WindowCall, work: Work, *, numbered: bool = False) -> Any:
    """An expression for the function's value over the call's frame. `numbered`: it uses the rows' numbers."""
    frame = frame_of(call)
    if frame.exclude is not None:
        return _around_row(function, frame, work, numbered=numbered) or _over_what_is_left(function, frame, work)
    return _over_kept(function, frame, work, numbered=numbered)


def _over_kept(function: dict[str, Any], frame: Frame, work: Work, *, numbered: bool = False) -> Any:
    found = _over_whole_frame(function, frame, work, numbered=numbered)
    (name, value), = function.items()
    if frame.start != "unbounded" and name in ("$push", "$addToSet") and "$$REMOVE" in repr(value):
        # Where a frame's start moves the server keeps what $$REMOVE stands for as an element that is missing.
        return {"$filter": {"input": found, "cond": {"$ne": [{"$type": "$$this"}, "missing"]}}}
    return found


def _over_whole_frame(function: dict[str, Any], frame: Frame, work: Work, *, numbered: bool) -> str:
    outputs = work.numbered if numbered else work.first
    ends = [frame.start, frame.end]
    if work.measure is not None:
        return work.note(outputs, {**function, "window": work.measure.window})
    if frame.unit == "ROWS" or ends == WHOLE or (frame.unit == "RANGE" and not work.keys):
        return work.note(outputs, {**function, "window": {"documents": ends if frame.unit == "ROWS" else WHOLE}})
    if frame.unit == "GROUPS":
        work.dense_rank()
        return work.note(work.grouped, {**function, "window": {"range": [0 if e == "current" else e for e in ends]}})
    if ends == ["current", "current"]:
        return work.note(work.peers, function)
    number = work.row_number()
    raw = work.note(outputs, {**function, "window": {"documents": ends}})
    pick = "$max" if ends == ["unbounded", "current"] else "$min"
    return f"{work.note(work.peers, {pick: {'n': number, 'v': raw}})}.v"


# EXCLUDE

_COMBINED = {"$sum": "$add", "$min": "$min", "$max": "$max", "$push": "$concatArrays", "$addToSet": "$setUnion"}


def _around_row(function: dict[str, Any], frame: Frame, work: Work, *, numbered: bool = False) -> Any:
    """EXCLUDE CURRENT ROW where that is what the rows before it and those behind it give; None elsewhere."""
    (name, value), = function.items()
    whole = [frame.start, frame.end] == WHOLE
    if frame.exclude != "CURRENT ROW" or not (whole or frame.unit == "ROWS"):
        return None
    if name == "$avg":
        total = _around_row({"$sum": value}, frame, work)
        count = _around_row({"$sum": {"$cond": [{"$isNumber": value}, 1, 0]}}, frame, work)
        return total and {"$cond": [{"$gt": [count, 0]}, {"$divide": [total, count]}, None]}
    if name not in _COMBINED or not _reaches(frame.start, -1) or not _reaches(frame.end, 1):
        return None
    parts = (Frame("ROWS", frame.start, -1), Frame("ROWS", 1, frame.end))
    return {_COMBINED[name]: [_over_kept(function, part, work, numbered=numbered) for part in parts]}


def _reaches(end: Any, sign: int) -> bool:
    """Whether the end of a frame is beyond its row, on the side that the sign says."""
    return end == "unbounded" or (isinstance(end, int) and end * sign > 0)


def _over_what_is_left(function: dict[str, Any], frame: Frame, work: Work) -> Any:
    """The function over an array: the rows of the frame are pushed with their numbers, and some left out."""
    (name, value), = function.items()
    few = isinstance(value, dict) and "input" in value
    pushed, number = value["input"] if few else value, work.row_number()
    rows = _over_whole_frame({"$push": {"n": number, "v": pushed}}, frame, work, numbered=True)
    kept: list[Any] = [_stays(frame.exclude, number, work)]
    if "$$REMOVE" in repr(pushed):
        kept.append({"$ne": [{"$type": "$$this.v"}, "missing"]})
    left: Any = {"$filter": {"input": rows, "cond": {"$and": kept} if len(kept) > 1 else kept[0]}}
    if name in _IN_ORDER:
        left = {"$sortArray": {"input": left, "sortBy": {"n": 1}}}
    values = {"$map": {"input": left, "in": "$$this.v"}}
    if name == "$push":
        return values
    if few:
        return {name: {**value, "input": values}}
    return {"$setUnion": [values]} if name == "$addToSet" else {name: values}


def _stays(exclude: str | None, number: str, work: Work) -> Any:
    """Whether a row of the frame is not among those left out."""
    other = {"$ne": ["$$this.n", number]}
    if exclude == "CURRENT ROW":
        return other
    if not work.keys:
        return False if exclude == "GROUP" else {"$eq": ["$$this.n", number]}
    apart = [{"$lt": ["$$this.n", work.first_peer()]}, {"$gt": ["$$this.n", work.last_peer()]}]
    if exclude == "TIES":
        apart.append({"$eq": ["$$this.n", number]})
    return {"$or": apart}
