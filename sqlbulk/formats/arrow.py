"""What becomes of the values of Arrow columns: their form in BSON, and which of them have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from bson.datetime_ms import DatetimeMS

from sqlbulk.errors import RowRefused
from sqlbulk.formats.columns import check_names
from sqlbulk.types import to_bson

_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Make = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the values of one type are read: as those of the type `plain`, to which `make` is applied (None: nothing).

    Moments and lengths of time are read as numbers, because Python's own reach neither as far nor as fine.
    """

    plain: Any
    make: _Make | None = None

    def values(self, column: Any, *, refuse: Callable[[int, RowRefused], None]) -> list[Any]:
        """An Arrow array's values; None, after a call of `refuse`, where one has no form in BSON."""
        if column.type != self.plain:
            column = column.cast(self.plain)
        try:
            values: list[Any] = column.to_pylist()
            return values if self.make is None else [None if v is None else self.make(v) for v in values]
        except (RowRefused, UnicodeDecodeError):
            return [self._value(scalar, index, refuse) for index, scalar in enumerate(column)]

    def _value(self, scalar: Any, index: int, refuse: Callable[[int, RowRefused], None]) -> Any:
        try:
            value = scalar.as_py()
            return value if value is None or self.make is None else self.make(value)
        except UnicodeDecodeError:
            refuse(index, RowRefused("E4011", "text that is not UTF-8"))
        except RowRefused as error:
            refuse(index, error)
        return None


def conversion(kind: Any, arrow: ModuleType, *, where: str) -> Conversion:
    """How values of an Arrow type are read. Raises UsageError (E6002, E4005) for bad names in a struct."""
    types = arrow.types
    if types.is_dictionary(kind):
        found = conversion(kind.value_type, arrow, where=where)
        return Conversion(kind if found.plain == kind.value_type else found.plain, found.make)
    if types.is_nested(kind):
        return _nested(kind, arrow, where)
    if types.is_temporal(kind) and not types.is_interval(kind):
        return _temporal(kind, arrow)
    if types.is_uint64(kind):
        return Conversion(kind, _within_64_bits)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_string(kind):
        return Conversion(kind)
    return Conversion(kind, to_bson)


def _nested(kind: Any, arrow: ModuleType, where: str) -> Conversion:
    types = arrow.types
    if types.is_map(kind):
        item = conversion(kind.item_type, arrow, where=where)
        return Conversion(arrow.map_(kind.key_type, item.plain), _map(item.make or _same))
    if types.is_struct(kind):
        check_names([field.name for field in kind], f"{where}: a struct")
        parts = {field.name: conversion(field.type, arrow, where=where) for field in kind}
        made = {name: part.make or _same for name, part in parts.items()}
        return Conversion(
            arrow.struct([arrow.field(name, part.plain) for name, part in parts.items()]),
            lambda value: {n: None if value[n] is None else make(value[n]) for n, make in made.items()})
    element = conversion(kind.value_type, arrow, where=where)
    make = element.make
    plain = kind if element.plain == kind.value_type else _list_like(kind, element.plain, arrow)
    return Conversion(plain, None if make is None else lambda values: [None if v is None else make(v) for v in values])


def _list_like(kind: Any, element: Any, arrow: ModuleType) -> Any:
    if arrow.types.is_fixed_size_list(kind):
        return arrow.list_(element, kind.list_size)
    return arrow.large_list(element) if arrow.types.is_large_list(kind) else arrow.list_(element)


def _map(make: _Make) -> _Make:
    def value(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for given, item in pairs:
            key = str(given)
            if not key or key[0] == "$" or "\0" in key:
                raise RowRefused("E4005", f"field name {key!r} is empty, starts with $, or holds a NUL character")
            if key in result:
                raise RowRefused("E4005", f"a map has the key {key!r} twice")
            result[key] = None if item is None else make(item)
        return result

    return value


def _temporal(kind: Any, arrow: ModuleType) -> Conversion:
    types = arrow.types
    if types.is_date32(kind):
        return Conversion(arrow.int32(), lambda days: _moment(days * _DAY))
    second = _SECOND["ms" if types.is_date64(kind) else kind.unit]
    if types.is_timestamp(kind) or types.is_date64(kind):
        return Conversion(arrow.int64(), lambda count: _moment(count * 1_000 // second))
    if types.is_duration(kind):
        return Conversion(arrow.int64(), lambda count: count * 1_000 / second)
    plain = arrow.int32() if types.is_time32(kind) else arrow.int64()
    return Conversion(
        plain, lambda count: (_EPOCH + timedelta(microseconds=count * 1_000_000 // second)).time().isoformat())


def _moment(milliseconds: int) -> datetime | DatetimeMS:
    """A date; one beyond the years 1 to 9999, which BSON has and Python hasn't, as its milliseconds."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return DatetimeMS(milliseconds)


def _within_64_bits(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise RowRefused("E4010", f"the number {value} is beyond 64 bits")
    return value


def _same(value: Any) -> Any:
    return value
