"""Comparisons and logic: three-valued, within the brackets of BSON's types.

NaN is equal to NaN and to nothing else. It is neither less nor greater than anything, so `<` and its like are NULL: the
match language has it so, and indexes serve that. In the aggregation language NaN comes before all other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson.binary import Binary
from bson.objectid import ObjectId

from sqlbulk.functions.calls import literal
from sqlbulk.functions.fitting import INFINITY, bracket, is_nan, is_number, order_bounds, type_test
from sqlbulk.functions.ordering import compare
from sqlbulk.functions.registry import UNKNOWN, Function, Operand, Parameter
from sqlbulk.types import Type

_PAIR = (Parameter("left"), Parameter("right"))
_CONDITION = Parameter("condition", Type.BOOLEAN)


def is_true(condition: Operand) -> Any:
    """An expression that is truthy for the server exactly where the condition is TRUE."""
    if condition.truth is not None:
        return condition.truth
    if condition.mql is None:
        return False
    if condition.type in (Type.BOOLEAN, Type.NULL):
        return condition.mql
    return {"$eq": [condition.mql, True]}


def _constant_result(value: bool | None) -> Operand:
    return Operand(value, Type.NULL if value is None else Type.BOOLEAN, value is None, value)


# Equality


def _equal(sign: str) -> Callable[..., Any]:
    def lower(left: Any, right: Any) -> Any:
        return {sign: [left, right]}

    return lower


def _truly_equal(left: Operand, right: Operand) -> Any:
    """Where one of them is never NULL, a NULL can't be equal to it; else one being there will do."""
    comparison = {"$eq": [left.mql, right.mql]}
    if not (left.nullable and right.nullable):
        return comparison
    is_variable = isinstance(left.mql, str) and left.mql.startswith("$$")
    return _where(comparison, [_present(right if is_variable else left)])


def _same(left: Any, right: Any) -> Any:
    return {"$eq": [{"$ifNull": [left, None]}, {"$ifNull": [right, None]}]}


def equal(left: Any, right: Any) -> bool:
    """Whether the server takes two values, neither NULL, as equal: numbers of any kind by their value."""
    return compare(left, right) == 0


# Order


def value_bracket(value: Any) -> str:
    """The group of types that a value is ordered within."""
    if is_number(value):
        return "number"
    for kinds, name in _BRACKETS:
        if isinstance(value, kinds):
            return name
    return type(value).__name__


_BRACKETS: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    (str, "string"),
    (datetime, "date"),
    (ObjectId, "objectId"),
    ((bytes, Binary), "binData"),
    (Mapping, "object"),
    ((list, tuple), "array"),
)


def _order(sign: str) -> Callable[[Operand, Operand], Any]:
    def lower(left: Operand, right: Operand) -> Any:
        brackets = bracket(left.type), bracket(right.type)
        apart = None not in brackets and brackets[0] != brackets[1]
        if apart or any(o.value is not UNKNOWN and is_nan(o.value) for o in (left, right)):
            return _constant_result(None)
        comparison = {sign: [left.mql, right.mql]}
        if None not in brackets:
            return _when([*_ordered(left), *_ordered(right)], comparison)
        if brackets != (None, None):
            known, other = (left, right) if brackets[0] else (right, left)
            if known.type.numeric and not _ordered(known):
                return _with_number(comparison, other.mql, is_lower=(sign in ("$lt", "$lte")) is (other is left))
            return _when([*_of_bracket(known.type, other.mql), *_ordered(known)], comparison)
        return _when([_above_nan(left), _above_nan(right), _alike(left, right)], comparison)

    return lower


def _with_number(comparison: Any, value: Any, *, is_lower: bool) -> Operand:
    """A value of any type compared with a number that is there: a result leaves one end open where it isn't one."""
    bounds = order_bounds(value)
    where_true, where_false = bounds if is_lower else bounds[::-1]
    mql = {"$cond": [comparison, {"$cond": [where_true, True, None]}, {"$cond": [where_false, False, None]}]}
    return Operand(mql, Type.BOOLEAN)


def _truly_ordered(sign: str) -> Callable[[Operand, Operand], Any]:
    """What must hold besides: what comes before all numbers can only be on the lower side, what comes behind above."""
    def truth(left: Operand, right: Operand) -> Any:
        low, high = (left, right) if sign in ("$lt", "$lte") else (right, left)
        comparison = {sign: [left.mql, right.mql]}
        if bracket(low.type) is None and bracket(high.type) is None:
            return _where(comparison, [_above_nan(low), _alike(left, right)])
        if bracket(low.type) is None:
            return _where(comparison, _of_bracket(high.type, low.mql)[:1])
        tests = _ordered(low)
        if bracket(high.type) is None:
            tests += _of_bracket(low.type, high.mql)[-1:]
        return _where(comparison, tests)

    return truth


def _ordered(operand: Operand) -> list[Any]:
    """What keeps out NULL and NaN where the operand of a known bracket may be one."""
    if operand.value is not UNKNOWN:
        return []
    if operand.type.numeric and operand.type is not Type.INTEGER:
        return [_above_nan(operand)]
    return [_present(operand)] if operand.nullable else []


def _present(operand: Operand) -> Any:
    return {"$gt": [operand.mql, None]}


def _above_nan(operand: Operand) -> Any:
    return order_bounds(operand.mql)[0]


def _of_bracket(known: Type, mql: Any) -> list[Any]:
    """Tests for the bracket of a type: a lower bound and an upper one, or a single one."""
    if known.numeric:
        return [*order_bounds(mql)]
    return [{"$eq": [{"$type": mql}, "date"]} if known is Type.DATE else type_test(known, mql)]


def _alike(left: Operand, right: Operand) -> Any:
    return {"$eq": [_run_time_bracket(left.mql), _run_time_bracket(right.mql)]}


def _run_time_bracket(mql: Any) -> Any:
    return {"$cond": [{"$isNumber": mql}, "number", {"$type": mql}]}


def _when(tests: list[Any], result: Any) -> Operand:
    if not tests:
        return Operand(result, Type.BOOLEAN, False)
    return Operand({"$cond": [_all(tests), result, None]}, Type.BOOLEAN)


def _where(comparison: Any, tests: list[Any]) -> Any:
    """Both hold. An $and would do, but have the server go through an index of all that the tests let pass."""
    return {"$cond": [comparison, _all(tests), False]} if tests else comparison


def _all(tests: list[Any]) -> Any:
    return tests[0] if len(tests) == 1 else {"$and": tests}


def _fold_order(holds: Callable[[int], bool]) -> Callable[[Any, Any], bool | None]:
    def fold(left: Any, right: Any) -> bool | None:
        if left is None or right is None or value_bracket(left) != value_bracket(right):
            return None
        if is_nan(left) or is_nan(right):
            return None
        return holds(compare(left, right))

    return fold


def _comparison(name: str, sign: str, holds: Callable[[int], bool], *, example: str) -> Function:
    return Function(
        name=name,
        help=f"Whether left {name} right; NULL if one is NULL or NaN, or if they are of kinds without a common order.",
        example=example,
        parameters=_PAIR,
        returns=Type.BOOLEAN,
        lower=_order(sign),
        truth=_truly_ordered(sign),
        fold=_fold_order(holds),
        operands=True,
        guarded=False,
        null_propagates=False,
    )


# Membership


def _in(value: Operand, *items: Operand) -> Operand:
    if not items:
        return _constant_result(False)
    known = [i.value for i in items if i.value is not UNKNOWN and i.value is not None]
    computed = [i.mql for i in items if i.value is UNKNOWN]
    choices = [*map(literal, known), *computed] if computed else {"$literal": known}
    found = {"$in": [value.mql, choices]}
    if any(i.value is None for i in items):
        missed: Any = None
    elif any(i.nullable for i in items):
        missed = {"$cond": [{"$in": [None, computed]}, None, False]}
    else:
        missed = False
    result = found if missed is False else {"$cond": [found, True, missed]}
    if value.nullable:
        return Operand({"$cond": [_present(value), result, None]}, Type.BOOLEAN)
    return Operand(result, Type.BOOLEAN, missed is not False)


def _fold_in(value: Any, *items: Any) -> bool | None:
    if not items:
        return False
    if value is None:
        return None
    if any(i is not None and equal(value, i) for i in items):
        return True
    return None if None in items else False


# Logic


def _and(*conditions: Operand) -> Operand:
    return _connected(conditions, "$and", "$or", decisive=False)


def _or(*conditions: Operand) -> Operand:
    return _connected(conditions, "$or", "$and", decisive=True)


def _connected(conditions: Sequence[Operand], every: str, some: str, *, decisive: bool) -> Operand:
    if any(o.value is decisive for o in conditions):
        return _constant_result(decisive)
    open_ones = [o for o in conditions if o.value is not (not decisive)]
    if not any(o.nullable or o.type is not Type.BOOLEAN for o in open_ones):
        return Operand({every: [o.mql for o in open_ones]}, Type.BOOLEAN, False)
    decided = [{"$eq": [o.mql, decisive]} for o in open_ones]
    agreed = [{"$eq": [o.mql, not decisive]} for o in open_ones]
    any_decided = decided[0] if len(decided) == 1 else {"$or": decided}
    all_agreed = agreed[0] if len(agreed) == 1 else {"$and": agreed}
    mql = {"$cond": [any_decided, decisive, {"$cond": [all_agreed, not decisive, None]}]}
    return Operand(mql, Type.BOOLEAN)


def _truly_all(*conditions: Operand) -> Any:
    tests = [is_true(c) for c in conditions if c.value is not True]
    return _all([_without_bound(test, tests) for test in tests])


def _without_bound(test: Any, tests: list[Any]) -> Any:
    """A comparison without its bound at the other end, where that end has one already: x BETWEEN 1 AND 2."""
    match test:
        case {"$cond": [comparison, {"$gte": [value, bound]}, False]} if bound == -INFINITY:
            signs = ("$gt", "$gte")
        case {"$cond": [comparison, {"$lte": [value, bound]}, False]} if bound == INFINITY:
            signs = ("$lt", "$lte")
        case _:
            return test
    return comparison if any(_limits(other, value, signs) for other in tests) else test


def _limits(test: Any, value: Any, signs: tuple[str, str]) -> bool:
    """Whether the test holds only where the value is, by one of the signs, above or below a number."""
    match test:
        case {"$cond": [compared, _, False]}:
            return _limits(compared, value, signs)
        case dict():
            return any(test[sign][0] == value and is_number(test[sign][1]) for sign in signs if sign in test)
    return False


def _truly_some(*conditions: Operand) -> Any:
    tests = [is_true(c) for c in conditions if c.value is UNKNOWN]
    return tests[0] if len(tests) == 1 else {"$or": tests}


def _fold_connected(decisive: bool) -> Callable[..., bool | None]:
    def fold(*conditions: Any) -> bool | None:
        if any(c is decisive for c in conditions):
            return decisive
        return not decisive if all(c is (not decisive) for c in conditions) else None

    return fold


def _logic(name: str, **fields: Any) -> Function:
    return Function(name=name, parameters=(_CONDITION,), returns=Type.BOOLEAN, nullable=False, **fields)


def _test(name: str, help: str, example: str, lower: Callable[..., Any], fold: Callable[..., Any]) -> Function:
    return Function(
        name=name, help=help, example=example, parameters=(Parameter("value"),), returns=Type.BOOLEAN,
        lower=lower, fold=fold, null_propagates=False, nullable=False,
    )


_MANY = (Parameter("condition", Type.BOOLEAN, repeated=True),)

ENTRIES: tuple[Function, ...] = (
    Function(
        name="=", help="Whether two values are equal; values of different kinds are not.", example="1 = 1.0",
        parameters=_PAIR, returns=Type.BOOLEAN, lower=_equal("$eq"), fold=equal, nullable=False,
        truth=_truly_equal,
    ),
    Function(
        name="<>", aliases=("!=",), help="Whether two values differ; values of different kinds do.",
        example="'a' <> 'A'",
        parameters=_PAIR, returns=Type.BOOLEAN, lower=_equal("$ne"), fold=lambda a, b: not equal(a, b),
        nullable=False,
    ),
    Function(
        name="<=>", help="Whether two values are equal, NULL being equal to NULL.", example="NULL <=> NULL",
        parameters=_PAIR, returns=Type.BOOLEAN, lower=_same, null_propagates=False, nullable=False,
        fold=lambda a, b: a is b is None or (a is not None and b is not None and equal(a, b)),
    ),
    _comparison("<", "$lt", lambda c: c < 0, example="1 < 2"),
    _comparison("<=", "$lte", lambda c: c <= 0, example="2 <= 2"),
    _comparison(">", "$gt", lambda c: c > 0, example="'b' > 'a'"),
    _comparison(">=", "$gte", lambda c: c >= 0, example="2.5 >= 2"),
    Function(
        name="IN", help="Whether the value equals one of the items; NULL if none does and one is NULL.",
        example="2 IN (1, 2, NULL)", parameters=(Parameter("value"), Parameter("item", optional=True, repeated=True)),
        returns=Type.BOOLEAN, lower=_in, fold=_fold_in, operands=True, null_propagates=False,
    ),
    Function(
        name="AND", help="True if all conditions are, false if one is false, otherwise NULL.",
        example="(NULL AND FALSE) = FALSE", parameters=_MANY, returns=Type.BOOLEAN, lower=_and,
        fold=_fold_connected(False), operands=True, guarded=False, null_propagates=False, truth=_truly_all,
    ),
    Function(
        name="OR", help="True if one condition is, false if all are false, otherwise NULL.", example="NULL OR TRUE",
        parameters=_MANY, returns=Type.BOOLEAN, lower=_or, fold=_fold_connected(True), operands=True,
        guarded=False, null_propagates=False, truth=_truly_some,
    ),
    Function(
        name="XOR", help="Whether exactly one of two conditions is true.", example="TRUE XOR FALSE",
        parameters=(_CONDITION, _CONDITION), returns=Type.BOOLEAN, lower=_equal("$ne"),
        fold=lambda a, b: a is not b, nullable=False,
    ),
    _logic(
        "NOT", help="True for false, false for true.", example="NOT FALSE", lower=lambda x: {"$not": [x]},
        fold=lambda x: not x,
    ),
    _test("IS NULL", "Whether the value is null or missing.", "NULL IS NULL", lambda x: {"$lte": [x, None]},
          lambda x: x is None),
    _test("IS TRUE", "Whether the value is true; not NULL.", "(NULL IS TRUE) = FALSE", lambda x: {"$eq": [x, True]},
          lambda x: x is True),
    _test("IS FALSE", "Whether the value is false; not NULL.", "FALSE IS FALSE", lambda x: {"$eq": [x, False]},
          lambda x: x is False),
    Function(
        name="IS MISSING", help="Whether the field is left out, as opposed to null.", example="(1 IS MISSING) = FALSE",
        parameters=(Parameter("value"),), returns=Type.BOOLEAN, lower=lambda x: {"$eq": [{"$type": x}, "missing"]},
        fold=lambda x: False, null_propagates=False, nullable=False,
    ),
)
