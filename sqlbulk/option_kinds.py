"""The kinds of option values: how each is read from SQL, a flag or Python, and how the manual calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `parse` takes a Python value or text and raises ValueError with a reason."""

    name: str
    takes: str
    parse: Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class ErrorLimit:
    """How many rows may be refused: a count, or a share of the rows read so far (0 to 1)."""

    count: int | None = None
    ratio: float | None = None

    def exceeded(self, refused: int, read: int, *, sample: int = 1_000) -> bool:
        """Whether to stop. A share is judged from `sample` rows on, and at the end by the caller with sample=0."""
        if self.count is not None:
            return refused > self.count
        return self.ratio is not None and read >= sample and refused > self.ratio * read


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many rows or bytes a second; None: no limit of that kind."""

    rows: float | None = None
    bytes: float | None = None


@dataclass(frozen=True, slots=True)
class SortKey:
    """A dotted field and its direction."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index to be made: (field, 1 or -1 or a kind such as 'text'), unique or not."""

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    sparse: bool = False
    expire_after: float | None = None


@dataclass(frozen=True, slots=True)
class PartitionBy:
    """A part of an archive for each year, quarter, month, week, day or hour of a date field (a dotted path)."""

    unit: str
    field: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of another collection that refers to a field of the one at hand; all dotted."""

    collection: str
    field: str
    to: str


def _count(value: object, *, least: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not a whole number")
    if not least <= value <= 2**31 - 1:
        raise ValueError(f"must be {least} or more" if value < least else "too large")
    return value


def _flag(value: object) -> bool:
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    if isinstance(value, bool):
        return value
    found = words.get(str(value).strip().lower())
    if found is None:
        raise ValueError("not true or false")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _name(value: object) -> str:
    if not _text(value) or "\0" in _text(value):
        raise ValueError("not a name")
    return _text(value)


_SECONDS = {
    "ms": 0.001, "millisecond": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400, "week": 604_800,
}
_BYTES = {
    "": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2,
    "g": 1024**3, "gb": 1024**3, "gib": 1024**3,
}


def _amount(value: object, units: Mapping[str, float], default: str, what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        amount = float(value) * units[default]
    else:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*?)(s?)\s*", str(value))
        unit = None if match is None else _unit(match[2].lower(), match[3].lower(), units, default)
        if match is None or unit is None:
            raise ValueError(f"not {what}")
        amount = float(match[1]) * unit
    if not 0 < amount < float("inf"):
        raise ValueError("must be more than 0")
    return amount


def _unit(word: str, plural: str, units: Mapping[str, float], default: str) -> float | None:
    return units.get(word + plural) or units.get(word or (default if not plural else ""))


def _duration(value: object) -> float:
    seconds = _amount(value, _SECONDS, "s", "a time")
    if seconds > 2**31 - 1:
        raise ValueError("must be at most 68 years")
    return seconds


def _wait(value: object) -> float:
    seconds = _duration(value)
    # the server counts the milliseconds of maxTimeMS in 31 bits
    if seconds > 24 * 86_400:
        raise ValueError("must be at most 24 days")
    return seconds


def _size(value: object) -> int:
    return int(_amount(value, _BYTES, "b", "a size"))


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(p, str) for p in parts):
        raise ValueError("not a list of names")
    names = tuple(p.strip() for p in parts)
    if not names or not all(names):
        raise ValueError("an empty name")
    if any("\0" in name for name in names):
        raise ValueError("a name with a NUL character")
    if len(set(names)) < len(names):
        raise ValueError("a name is given twice")
    return names


def _write_concern(value: object) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as problem:
            raise ValueError(f"not JSON ({problem.msg})") from None
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = {"w": int(value) if str(value).isdigit() else value}
    if not isinstance(value, Mapping):
        raise ValueError("neither a name, a number nor {w, j, wtimeout}")
    unknown = set(value) - {"w", "j", "wtimeout"}
    if unknown or not value:
        raise ValueError(f"unknown part {sorted(unknown)[0]}" if unknown else "empty")
    if "w" in value and (isinstance(value["w"], bool) or not isinstance(value["w"], int | str) or value["w"] == ""):
        raise ValueError("w is a number of members or a name")
    if isinstance(value.get("w"), int) and value["w"] < 0:
        raise ValueError("w: a number of members isn't negative")
    if value.get("w") == 0:
        raise ValueError("w: 0 would leave nothing known of what was written")
    if "j" in value and not isinstance(value["j"], bool):
        raise ValueError("j is true or false")
    return dict(value) | ({"wtimeout": _count(value["wtimeout"], least=0)} if "wtimeout" in value else {})


def _error_limit(value: object) -> ErrorLimit:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError("not a percentage") from None
        if not 0 <= share <= 1:
            raise ValueError("a percentage is between 0% and 100%")
        return ErrorLimit(ratio=share)
    return ErrorLimit(count=_count(value, least=0))


def _rate(value: object) -> RateLimit:
    text = re.sub(r"\s*/\s*s(ec(ond)?)?$", "", value.strip()) if isinstance(value, str) else value
    if isinstance(text, int | float) and not isinstance(text, bool):
        return RateLimit(rows=_amount(text, {"": 1}, "", "a rate"))
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:rows|docs|documents)?", str(text))
    if match is not None:
        return RateLimit(rows=_amount(float(match[1]), {"": 1}, "", "a rate"))
    return RateLimit(bytes=_amount(text, _BYTES, "b", "a rate"))


def _sort(value: object) -> tuple[SortKey, ...]:
    parts = _names(value)
    keys = []
    for part in parts:
        match = re.fullmatch(r"(\S+)(?:\s+(ASC|DESC))?", part, re.IGNORECASE)
        if match is None:
            raise ValueError(f"{part!r} is not a field with ASC or DESC")
        keys.append(SortKey(match[1], (match[2] or "").upper() == "DESC"))
    return tuple(keys)


def _metadata(value: object) -> str | None:
    if isinstance(value, str) and value.lower() not in {"true", "on", "yes", "false", "off", "no"}:
        if not value or value.startswith("$") or "." in value or "\0" in value:
            raise ValueError("not the name of a top-level field")
        return value
    return "_metadata" if _flag(value) else None


def _indexes(value: object) -> tuple[IndexSpec, ...]:
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts or not all(isinstance(p, str) for p in parts):
        raise ValueError("not a list of indexes")
    return tuple(_index(p) for p in parts)


def _index(text: str) -> IndexSpec:
    match = re.fullmatch(r"\s*(.*?)((?:\s+(?:UNIQUE|SPARSE))*)\s*", text, re.IGNORECASE)
    assert match is not None
    words = match[2].upper().split()
    return IndexSpec(
        tuple((k.field, -1 if k.descending else 1) for k in _sort(match[1])),
        unique="UNIQUE" in words, sparse="SPARSE" in words)


_PERIODS = ("year", "quarter", "month", "week", "day", "hour")


def _partition(value: object) -> PartitionBy:
    text = _text(value)
    match = re.fullmatch(r"\s*DATE_TRUNC\s*\(\s*(['\"]?)(\w+)\1\s*,\s*([^\s,()'\"]+)\s*\)\s*", text, re.IGNORECASE)
    if match is None or not all(match[3].split(".")):
        raise ValueError("not DATE_TRUNC(unit, field)")
    unit = match[2].lower()
    if unit not in _PERIODS:
        raise ValueError(f"the unit must be {', '.join(_PERIODS[:-1])} or {_PERIODS[-1]}")
    return PartitionBy(unit, match[3])


_RETENTION = {**_SECONDS, "month": 30 * 86_400, "mon": 30 * 86_400, "y": 365 * 86_400, "year": 365 * 86_400}


def _retention(value: object) -> int:
    seconds = round(_amount(value, _RETENTION, "s", "a time"))
    if not 1 <= seconds <= 2**31 - 1:
        raise ValueError("must be between a second and 68 years")
    return seconds


def _references(value: object) -> tuple[Reference, ...]:
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts:
        raise ValueError("not a list of references")
    return tuple(_reference(p) for part in parts for p in (part.split(",") if isinstance(part, str) else [part]))


def _reference(value: object) -> Reference:
    match = re.fullmatch(r"\s*(\w+)\.([\w.]*\w)\s*->\s*(\w[\w.]*)\s*", str(value))
    if match is None:
        raise ValueError(f"{value!r} is not collection.field -> field")
    return Reference(match[1], match[2], match[3])


def _time_zone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    zone = value.strip()
    if re.fullmatch(r"[+-](?:0\d|1[0-4]):[0-5]\d", zone):
        return zone
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(zone).key
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone {value!r}") from None


def choice(*words: str) -> Kind:
    """One of some words."""

    def parse(value: object) -> str:
        if str(value).lower() not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return str(value).lower()

    return Kind("choice", " or ".join(f"'{w}'" for w in words), parse)


COUNT = Kind("count", "a whole number of 1 or more", lambda v: _count(v, least=1))
COUNT_OR_ZERO = Kind("count", "a whole number of 0 or more", lambda v: _count(v, least=0))
FLAG = Kind("flag", "true or false", _flag)
TEXT = Kind("text", "a text", _text)
NAME = Kind("name", "the name of a collection", _name)
DURATION = Kind("duration", "seconds, or a text such as '5 minutes' or '250 ms'", _duration)
WAIT = Kind("duration", DURATION.takes, _wait)
SIZE = Kind("size", "bytes, or a text such as '256MB'", _size)
NAMES = Kind("names", "a list of field names, or a text with commas", _names)
WRITE_CONCERN = Kind("write concern", "'majority', a number, or {w: …, j: …, wtimeout: …}", _write_concern)
ERROR_LIMIT = Kind("limit", "a count such as 100, or a share such as '5%'", _error_limit)
RATE = Kind("rate", "rows a second, or a size such as '10MB'", _rate)
SORT = Kind("sort keys", "fields with ASC or DESC, as a list or a text with commas", _sort)
METADATA = Kind("flag or name", "true, false, or the name of the field", _metadata)
INDEXES = Kind("indexes", "a list such as ['user_id', 'email UNIQUE', 'a, b DESC']", _indexes)
TIME_ZONE = Kind("time zone", "a name such as 'Europe/Berlin', or an offset such as '+02:00'", _time_zone)
PARTITION = Kind("partition", "DATE_TRUNC(month, field) as a text, or another unit", _partition)
RETENTION = Kind("time", "seconds, or a text such as '90 days' or '2 years' (of 365 days)", _retention)
REFERENCES = Kind("references", "'orders.user_id -> user_id', or a list of such texts", _references)
