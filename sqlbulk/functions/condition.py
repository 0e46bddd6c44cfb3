"""Functions that choose among their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlbulk.functions.comparison import equal, is_true
from sqlbulk.functions.entries import anything, entry
from sqlbulk.functions.fitting import common_type
from sqlbulk.functions.ordering import ordered
from sqlbulk.functions.registry import Function, Operand, Parameter
from sqlbulk.types import Type

_VALUES = (anything(repeated=True),)
_CONDITION = Parameter("condition", Type.BOOLEAN)


def _coalesce(*values: Operand) -> Operand:
    needed: list[Operand] = []
    for value in values:
        # The server fails ("duplicate field") on a $group with a choice between equal paths.
        if not isinstance(value.mql, str) or all(value.mql != n.mql for n in needed):
            needed.append(value)
        if not value.nullable:
            break
    known = common_type([v.type for v in needed])
    if len(needed) == 1:
        return Operand(needed[0].mql, known, needed[0].nullable)
    return Operand({"$ifNull": [v.mql for v in needed]}, known, needed[-1].nullable)


def _fold_coalesce(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _extreme(operator: str) -> Callable[..., Any]:
    # One argument alone would be taken apart if it is an array.
    return lambda *values: {operator: list(values)} if len(values) > 1 else values[0]


def _fold_extreme(position: int) -> Callable[..., Any]:
    def fold(*values: Any) -> Any:
        known = ordered([v for v in values if v is not None])
        return known[position] if known else None

    return fold


def _branches(types: Sequence[Type]) -> Type:
    return common_type(types[1:])


def _choose(position: Any, *values: Any) -> Any:
    inside = {"$and": [{"$gte": [position, 1]}, {"$lte": [position, len(values)]}]}
    return {"$cond": [inside, {"$arrayElemAt": [list(values), {"$subtract": [position, 1]}]}, None]}


def _fold_choose(position: Any, *values: Any) -> Any:
    if position is None or not 1 <= position <= len(values):
        return None
    return values[position - 1]


def _either(condition: Any, value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, str) and value == otherwise else {"$cond": [condition, value, otherwise]}


def _free(name: str, help: str, example: str, parameters: Any, lower: Any, fold: Any, **fields: Any) -> Function:
    return entry(name, help, example, parameters, lower, fold, null_propagates=False, guarded=False, **fields)


ENTRIES: tuple[Function, ...] = (
    _free("COALESCE", "The first argument that isn't NULL.", "COALESCE(NULL, 1, 2) = 1", _VALUES, _coalesce,
          _fold_coalesce, returns=common_type, operands=True),
    _free("IFNULL", "The first argument, or the second if it is NULL.", "IFNULL(NULL, 2) = 2",
          (anything(), anything("otherwise")), _coalesce, _fold_coalesce, returns=common_type, operands=True,
          aliases=("NVL",)),
    _free("NVL2", "The second argument if the first isn't NULL, otherwise the third.", "NVL2(NULL, 1, 2) = 2",
          (anything(), anything("then"), anything("otherwise")),
          lambda x, a, b: _either({"$gt": [x, None]}, a, b), lambda x, a, b: b if x is None else a,
          returns=_branches),
    _free("NULLIF", "The first argument, or NULL if both are equal.", "NULLIF(1, 1) IS NULL",
          (anything("left"), anything("right")), lambda a, b: {"$cond": [{"$eq": [a, b]}, None, a]},
          lambda a, b: None if a is None or (b is not None and equal(a, b)) else a, returns=lambda types: types[0]),
    _free("IF", "The second argument if the condition is true, otherwise the third.", "IF(1 < 2, 'a', 'b') = 'a'",
          (_CONDITION, anything("then"), anything("otherwise")),
          lambda c, a, b: _either(is_true(c), a.mql, b.mql), lambda c, a, b: a if c is True else b,
          returns=_branches, aliases=("IIF",), operands=True),
    _free("GREATEST", "The largest of the arguments that aren't NULL.", "GREATEST(1, NULL, 3) = 3", _VALUES,
          _extreme("$max"), _fold_extreme(-1), returns=common_type),
    _free("LEAST", "The smallest of the arguments that aren't NULL.", "LEAST(1, NULL, 3) = 1", _VALUES,
          _extreme("$min"), _fold_extreme(0), returns=common_type),
    _free("ISNULL", "Whether the value is null or missing.", "ISNULL(NULL)", (anything(),),
          lambda x: {"$lte": [x, None]}, lambda x: x is None, returns=Type.BOOLEAN, nullable=False),
    entry("ELT", "The argument of that number, counted from 1 after the number.", "ELT(2, 'a', 'b') = 'b'",
          (Parameter("n", Type.INTEGER), anything(repeated=True)), _choose, _fold_choose,
          returns=_branches, aliases=("CHOOSE",), null_propagates=False),
)
