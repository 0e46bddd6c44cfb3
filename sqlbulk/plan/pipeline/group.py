"""Groups, distinct rows and set operations as stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sqlbulk.functions.registry import Accumulation, OrderKey, Parameter
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import AggregateCall, BoundExpr, Column, Constant, Frame, SortKey, WindowCall
from sqlbulk.plan.lowering.layout import ROOT
from sqlbulk.plan.pipeline.rows import Lowering, Outer, Place, Rows, column_keys, projection

Stage = dict[str, Any]


def lower_aggregate(node: algebra.Aggregate, lowering: Lowering, outer: Outer) -> Rows:
    """One $group; what the aggregates need afterwards follows in one stage."""
    rows = lowering.lower(node.input, outer)
    group: dict[str, Any] = {"_id": _key(node, rows, lowering)}
    finished: dict[str, Any] = {}
    for name, accumulation in _shared({name: accumulate(call, rows, lowering) for name, call in node.calls}):
        slots = accumulator_slots(name, len(accumulation.accumulators))
        group.update(zip(slots, accumulation.accumulators, strict=True))
        value = accumulation.finish(*(f"${s}" for s in slots))
        if value != f"${name}":
            finished[name] = value
    rows.add({"$group": group}, *([{"$addFields": finished}] if finished else []))
    keys: dict[str, tuple[str, ...]] = {name: ("_id", name) for name, _ in node.keys}
    if _is_single(node):
        keys = {node.keys[0][0]: ("_id",)}
    keys |= {name: (name,) for name, _ in node.calls}
    _always(node, rows)
    return Rows(rows.collection, rows.stages, {node.relation: Place((), keys)}, outer)


def _shared(accumulations: Mapping[str, Accumulation]) -> Iterator[tuple[str, Accumulation]]:
    """The accumulations by their names; a sum needs nothing to tell if there is one, where its mean tells it."""
    means = [(a.accumulators[0]["$avg"], name) for name, a in accumulations.items() if _is_one(a, "$avg")]
    for name, accumulation in accumulations.items():
        first, *others = accumulation.accumulators or ({},)
        mean = next((slot for value, slot in means if first == {"$sum": value}), None)
        if mean is None or not others:
            yield name, accumulation
        else:
            yield name, Accumulation((first,), partial(_where_mean, mean))


def _is_one(accumulation: Accumulation, operator: str) -> bool:
    return len(accumulation.accumulators) == 1 and operator in accumulation.accumulators[0]


def _where_mean(mean: str, total: Any) -> Any:
    return {"$cond": [{"$gt": [f"${mean}", None]}, total, None]}


def _is_single(node: algebra.Aggregate) -> bool:
    """Whether the one key can be _id itself; the server takes missing for null there."""
    return len(node.keys) == 1 and not node.always


def accumulator_slots(name: str, count: int) -> list[str]:
    """The fields of a call's accumulators: its own name if one will do."""
    return [name] if count == 1 else [f"{name}_{n}" for n in range(count)]


def _key(node: algebra.Aggregate, rows: Rows, lowering: Lowering) -> Any:
    if not node.keys:
        return None
    if _is_single(node):
        return _as_key(lowering.value(node.keys[0][1], rows))
    return {name: _as_key(lowering.stored(expression, rows)) for name, expression in node.keys}


def _as_key(value: Any) -> Any:
    """An expression as _id or a field of it, where a plain number or document means something else."""
    if isinstance(value, Mapping) and not (len(value) == 1 and next(iter(value)).startswith("$")):
        return {"$mergeObjects": [value]}
    return value if isinstance(value, str | Mapping | list) or value is None else {"$literal": value}


def _always(node: algebra.Aggregate, rows: Rows) -> None:
    """The rows that there are even over nothing."""
    empty = {name: call.aggregate.empty for name, call in node.calls if call.aggregate.empty is not None}
    if not node.keys:
        rows.add({"$unionWith": {"pipeline": [{"$documents": [{"_id": None, **empty}]}]}}, {"$limit": 1})
    elif node.always:
        first = node.keys[0][0]
        nothing = {name: None for name, _ in node.keys[1:]}
        documents = [{"_id": {first: number, **nothing}, **empty} for number in node.always]
        rows.add(
            {"$unionWith": {"pipeline": [{"$documents": documents}]}},
            {"$group": {"_id": "$_id", "row": {"$first": "$$ROOT"}}}, {"$replaceWith": "$row"})


def accumulate(call: AggregateCall | WindowCall, rows: Rows, lowering: Lowering) -> Accumulation:
    """The accumulators of an aggregate, FILTER included."""
    assert call.aggregate is not None
    entry = call.aggregate
    narrow = _narrow(call, rows, lowering)
    if narrow is not None:
        return narrow
    waiting = call.filter is not None
    condition = lowering.is_true(call.filter, rows) if call.filter is not None else None
    arguments: list[Any] = []
    for position, argument in enumerate(call.arguments):
        parameter = _parameter(entry.parameters, position)
        if parameter.constant and isinstance(argument, Constant):
            arguments.append(argument.value)
            continue
        value = lowering.value(argument, rows)
        if waiting:
            value = {"$cond": [condition, value, "$$REMOVE"]}
            waiting = False
        arguments.append(value)
    keys = call.inside if isinstance(call, WindowCall) else call.order_by
    accumulation = entry.accumulate(*arguments, distinct=call.distinct, order=_order(keys, rows, lowering))
    if waiting and entry.name == "COUNT":
        return Accumulation(({"$sum": {"$cond": [condition, 1, 0]}},), accumulation.finish)
    return accumulation


def _narrow(call: AggregateCall | WindowCall, rows: Rows, lowering: Lowering) -> Accumulation | None:
    """What is enough for arguments of known types, where each row counts and there is one."""
    assert call.aggregate is not None
    narrow = call.aggregate.narrow
    if narrow is None or call.filter is not None or call.distinct:
        return None
    if isinstance(call, AggregateCall):
        return narrow([lowering.operand(a, rows) for a in call.arguments])
    operands = [lowering.operand(a, rows) for a in call.arguments]
    sure = _has_own_row(call.frame) and not any(o.nullable for o in operands)
    return narrow(operands) if sure else None


def _has_own_row(frame: Frame | None) -> bool:
    """Whether the frame always holds the row that it belongs to."""
    if frame is None:
        return True
    if frame.exclude is not None:
        return False
    starts = isinstance(frame.start, str) or (isinstance(frame.start, int) and frame.start <= 0)
    return starts and (isinstance(frame.end, str) or (isinstance(frame.end, int) and frame.end >= 0))


def _parameter(parameters: tuple[Parameter, ...], position: int) -> Parameter:
    return parameters[min(position, len(parameters) - 1)]


def _order(keys: tuple[SortKey, ...], rows: Rows, lowering: Lowering) -> tuple[OrderKey, ...]:
    return tuple(
        OrderKey(lowering.value(k.expression, rows), k.descending,
                 k.descending if k.nulls_first is None else k.nulls_first)
        for k in keys)


# Distinct rows and set operations


def lower_distinct(node: algebra.Distinct, lowering: Lowering, outer: Outer) -> Rows:
    """Each row once; a projection right below is worked out by the $group itself."""
    expressions: dict[str, BoundExpr] = {name: Column(node.source, (name,)) for name in node.columns}
    below = node.input
    if isinstance(below, algebra.Project) and not node.open and below.relation == node.source:
        expressions, below = dict(below.columns), below.input
    rows = lowering.lower(below, outer)
    if node.open:
        whole = _canonical(lowering.value(Column(node.source, ()), rows))
        rows.add({"$group": {"_id": whole, "row": {"$first": "$$ROOT"}}}, {"$replaceWith": "$row"})
        return Rows(rows.collection, rows.stages, {node.relation: Place()}, outer, open_root=True)
    keys = column_keys(node.columns)
    fields = {keys[name][0]: _as_key(lowering.stored(e, rows)) for name, e in expressions.items()}
    if len(fields) == 1:
        (key, value), = fields.items()
        rows.add({"$group": {"_id": value}}, {"$replaceWith": {key: "$_id"}})
    else:
        rows.add({"$group": {"_id": fields}}, {"$replaceWith": "$_id"})
    return Rows(rows.collection, rows.stages, {node.relation: Place((), keys)}, outer)


def _canonical(document: Any) -> Any:
    """A document as a value that is the same for equal rows: without NULLs, in the order of the names."""
    fields = {"$filter": {"input": {"$objectToArray": document}, "cond": {"$gt": ["$$this.v", None]}}}
    return {"$sortArray": {"input": fields, "sortBy": {"k": 1}}}


def lower_set_operation(node: algebra.SetOperation, lowering: Lowering, outer: Outer) -> Rows:
    """$unionWith, and a $group where rows are counted."""
    if node.open:
        return _of_documents(node, lowering, outer)
    keys = column_keys(node.columns)
    left, right = (
        _side(side, name, node.columns, keys, lowering, outer)
        for side, name in ((node.left, node.left_relation), (node.right, node.right_relation)))
    if node.operator == "UNION" and node.all:
        rows = left.add(union_with(right))
    elif node.operator == "UNION":
        rows = left.add(union_with(right), {"$group": {"_id": _whole(keys)}}, {"$replaceWith": "$_id"})
    else:
        rows = _counted(node, left, right, _whole(keys)).add({"$replaceWith": "$_id"})
    return Rows(rows.collection, rows.stages, {node.relation: Place((), keys)}, outer)


def union_with(right: Rows) -> Stage:
    """The stage that adds another pipeline's documents."""
    if right.collection is None:
        return {"$unionWith": {"pipeline": right.stages}}
    return {"$unionWith": {"coll": right.collection, "pipeline": right.stages}}


def _side(
    node: algebra.Relation, name: str, columns: tuple[str, ...], keys: dict[str, tuple[str]],
    lowering: Lowering, outer: Outer,
) -> Rows:
    """One side with the columns in the fields that the operation has them in, none of them missing."""
    if isinstance(node, algebra.Project) and node.merged is None and node.relation == name:
        rows = lowering.lower(node.input, outer)
        made = zip(columns, node.columns, strict=True)
        return rows.add(projection({keys[c][0]: lowering.stored(e, rows) for c, (_, e) in made}))
    rows = lowering.lower(node, outer)
    return rows.add(projection({keys[c][0]: lowering.stored(Column(name, (c,)), rows) for c in columns}))


def _whole(keys: dict[str, tuple[str]]) -> Any:
    """The row as a value that is equal for equal rows, whatever the order of the fields."""
    fields = {key: f"${key}" for (key,) in keys.values()}
    return fields if fields else "$$ROOT"


def _counted(node: algebra.SetOperation, left: Rows, right: Rows, whole: Any, *, documents: bool = False) -> Rows:
    """INTERSECT and EXCEPT: how often each row comes on either side decides how often it stays."""
    left.add({"$replaceWith": {"row": whole, "side": {"$literal": 0}}})
    right.add({"$replaceWith": {"row": whole, "side": {"$literal": 1}}})
    rows = left.add(union_with(right), {"$group": {
        "_id": _canonical("$row") if documents else "$row", "l": {"$sum": {"$subtract": [1, "$side"]}},
        "r": {"$sum": "$side"}, **({"row": {"$first": "$row"}} if documents else {})}})
    if node.operator == "INTERSECT":
        times: Any = {"$min": ["$l", "$r"]}
        kept: Stage = {"$match": {"l": {"$gt": 0}, "r": {"$gt": 0}}}
    else:
        times = {"$subtract": ["$l", "$r"]}
        kept = {"$match": {"$expr": {"$gt": ["$l", "$r"]}}} if node.all else {"$match": {"l": {"$gt": 0}, "r": 0}}
    rows.add(kept)
    if node.all:
        rows.add({"$addFields": {"times": {"$range": [0, times]}}}, {"$unwind": "$times"})
    return rows


def _of_documents(node: algebra.SetOperation, lowering: Lowering, outer: Outer) -> Rows:
    """The same of whole documents."""
    sides = []
    for side, name in ((node.left, node.left_relation), (node.right, node.right_relation)):
        rows = lowering.lower(side, outer)
        whole = lowering.value(Column(name, ()), rows)
        sides.append(rows if whole == ROOT else rows.add({"$replaceWith": whole}))
    left, right = sides
    if node.operator == "UNION":
        rows = left.add(union_with(right))
        if not node.all:
            rows.add({"$group": {"_id": _canonical(ROOT), "row": {"$first": ROOT}}}, {"$replaceWith": "$row"})
    else:
        rows = _counted(node, left, right, ROOT, documents=True).add({"$replaceWith": "$row"})
    return Rows(rows.collection, rows.stages, {node.relation: Place()}, outer, open_root=True)
