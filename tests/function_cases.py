"""Runs calls on the server over stored values, and the same in Python, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bson.codec_options import CodecOptions
from bson.decimal128 import Decimal128
from pymongo.database import Database

from sqlbulk.functions import constant, fold_call, lower_call, resolve
from sqlbulk.functions.calls import plain
from sqlbulk.functions.registry import UNKNOWN, Context, FunctionProblem, Operand
from sqlbulk.types import MISSING, Type, type_of

SHAPES_AT_ONCE = 50
NOW = datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=UTC)
CONTEXT = Context(NOW)


class Fixed:
    """An argument that is a constant of the statement, not a stored value. `type` for intervals and the like."""

    def __init__(self, value: Any, known: Type | None = None) -> None:
        self.value, self.known = value, known

    def __repr__(self) -> str:
        return f"Fixed({self.value!r})"


Case = tuple[str, tuple[Any, ...]]


def run_cases(
    database: Database[dict[str, Any]], cases: Sequence[Case], context: Context = CONTEXT, *, typed: bool = False
) -> list[str]:
    """What differs between the server's answers and Python's: a line for each case, nothing if all agree.

    `typed`: the calls are lowered as if the stored arguments' types were known.
    """
    collection = database.get_collection("cases", codec_options=CodecOptions(tz_aware=True))
    collection.drop()
    groups: dict[Any, list[int]] = {}
    pipelines: dict[Any, Any] = {}
    documents: list[dict[str, Any]] = []
    for number, (name, arguments) in enumerate(cases):
        stored = {f"a{i}": a for i, a in enumerate(arguments) if not isinstance(a, Fixed) and a is not MISSING}
        documents.append({"_id": number, **stored})
        shape = (name, *(repr(a) if isinstance(a, Fixed) else known_type(a, typed) for a in arguments))
        groups.setdefault(shape, []).append(number)
        if shape not in pipelines:
            pipelines[shape] = server_form(name, arguments, context, typed=typed)
    if documents:
        collection.insert_many(documents)
    problems = []
    for start in range(0, len(groups), SHAPES_AT_ONCE):
        shapes = list(groups)[start : start + SHAPES_AT_ONCE]
        answers = _answers(collection, [(repr(shape), groups[shape], pipelines[shape].mql) for shape in shapes], problems)
        for shape in shapes:
            for number in groups[shape]:
                if number in answers:
                    problems += _compared(cases[number], answers[number], pipelines[shape], context)
    return problems


def _answers(collection: Any, asked: Sequence[tuple[str, list[int], Any]], problems: list[str]) -> dict[int, Any]:
    """What the server makes of each document by its expression, all in one command; where it aborts, by halves."""
    numbers = [number for _, chosen, _ in asked for number in chosen]
    branches = [{"case": {"$in": ["$_id", chosen]}, "then": expression} for _, chosen, expression in asked]
    pipeline = [{"$match": {"_id": {"$in": numbers}}}, {"$replaceWith": {"_id": "$_id", "r": {"$switch": {"branches": branches}}}}]
    try:
        return {row["_id"]: row.get("r") for row in collection.aggregate(pipeline)}
    except Exception as error:
        if len(asked) == 1:
            problems.append(f"{asked[0][0]}: {error}")
            return {}
    middle = len(asked) // 2
    return _answers(collection, asked[:middle], problems) | _answers(collection, asked[middle:], problems)


def known_type(value: Any, typed: bool) -> Type:
    """What is said to be known of a stored argument."""
    return type_of(value) if typed and value is not MISSING else Type.ANY


def typed_cases(cases: Sequence[Case]) -> list[Case]:
    """The cases whose calls aren't refused for the types of their arguments."""
    found = []
    for name, arguments in cases:
        try:
            resolve(name, [(a.known or type_of(a.value)) if isinstance(a, Fixed) else known_type(a, True) for a in arguments])
            server_form(name, arguments, CONTEXT, typed=True)
        except FunctionProblem:
            continue
        found.append((name, arguments))
    return found


def server_form(name: str, arguments: Sequence[Any], context: Context, *, typed: bool = False) -> Operand:
    """The call over fields a0, a1, …, as it is sent to the server."""
    operands = [
        constant(a.value, a.known or type_of(a.value)) if isinstance(a, Fixed) else Operand(f"$a{i}", known_type(a, typed), a is None or a is MISSING or not typed)
        for i, a in enumerate(arguments)
    ]
    return lower_call(resolve(name, [o.type for o in operands]), operands, context)


def python_value(name: str, arguments: Sequence[Any], context: Context = CONTEXT) -> Any:
    """The call's value in Python."""
    values = [plain(a.value) if isinstance(a, Fixed) else None if a is MISSING else a for a in arguments]
    types = [(a.known or type_of(a.value)) if isinstance(a, Fixed) else Type.ANY for a in arguments]
    return fold_call(resolve(name, types), values, context)


def _compared(case: Case, answer: Any, lowered: Operand, context: Context) -> list[str]:
    name, arguments = case
    try:
        folded = python_value(name, arguments, context)
    except (FunctionProblem, ArithmeticError, ValueError, TypeError, LookupError) as problem:
        return [f"{case}: {type(problem).__name__} {problem}"]
    if folded is UNKNOWN:
        return []
    found = []
    if not same(folded, answer):
        found.append(f"{name}{arguments}: server {answer!r}, Python {folded!r}")
    if answer is None and not lowered.nullable:
        found.append(f"{name}{arguments}: NULL, but said not to be")
    if answer is not None and not fits_type(answer, lowered.type):
        found.append(f"{name}{arguments}: {answer!r} is not {lowered.type}")
    return found


def fits_type(value: Any, known: Type) -> bool:
    """Whether a value is of the type that a call promises."""
    if known in (Type.ANY, type_of(value)):
        return True
    if known in (Type.NUMBER, Type.DURATION):
        return type_of(value) in (Type.INTEGER, Type.DOUBLE, Type.DECIMAL)
    return known is Type.UUID and type_of(value) is Type.BINARY


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same in kind and content; NaN is NaN, and the last bit of a double may differ."""
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or left == right or math.isclose(left, right, rel_tol=4e-16)
    if isinstance(left, Decimal128) and isinstance(right, Decimal128):
        first, second = left.to_decimal(), right.to_decimal()
        return first == second or (first.is_nan() and second.is_nan())
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type_of(left) is type_of(right) and left == right
