"""INTERVAL literals: '7 days', '1 month 2 days', '02:30:00', an amount with a unit."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from sqlbulk.types import Interval

_MILLISECONDS = {
    "MILLISECOND": 1, "SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000, "WEEK": 604_800_000,
}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120, "CENTURY": 1200}
_SHORT = {
    "MS": "MILLISECOND", "MSEC": "MILLISECOND", "S": "SECOND", "SEC": "SECOND", "M": "MINUTE", "MIN": "MINUTE",
    "H": "HOUR", "HR": "HOUR", "D": "DAY", "W": "WEEK", "MON": "MONTH", "Y": "YEAR", "YR": "YEAR",
    "CENTURIE": "CENTURY", "US": "MICROSECOND", "USEC": "MICROSECOND", "DEC": "DECADE",
}
_PART = re.compile(
    r"\s*(?:([-+]?)(\d+):(\d{2})(?::(\d{2}(?:\.\d+)?))?|([-+]?\s*(?:\d+\.?\d*|\.\d+))\s*([A-Za-z]+))\s*,?", re.ASCII)
_AGO = re.compile(r"\s+ago\s*\Z", re.IGNORECASE)


def unit_length(unit: str) -> Interval:
    """One of a unit, in any case, singular or plural. ValueError: there is no such unit."""
    word = unit.upper()
    word = _SHORT.get(word, word)
    if word.endswith("S") and len(word) > 1:
        word = _SHORT.get(word[:-1], word[:-1])
    if word in _MONTHS:
        return Interval(months=_MONTHS[word])
    if word == "MICROSECOND":
        raise ValueError("moments are stored in whole milliseconds; there are no microseconds")
    if word not in _MILLISECONDS:
        raise ValueError(f"{unit} is no unit of time")
    return Interval(milliseconds=_MILLISECONDS[word])


def multiply_interval(amount: int | float | Decimal | str, unit: str) -> Interval:
    """So many of a unit. ValueError: part of a month, or not a number."""
    length = unit_length(unit)
    try:
        number = Decimal(str(amount).strip())
        months, milliseconds = number * length.months, number * length.milliseconds
        whole = months == int(months)
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"{amount!r} is no number") from None
    if not whole:
        raise ValueError("months and years are whole; write the rest in days")
    return checked(int(months), int(milliseconds.to_integral_value()))


def parse_interval(text: str) -> Interval:
    """'1 month 2 days', '55 minutes', '-02:30', '3 days ago', ISO 'P1DT2H'. ValueError: it can't be read."""
    body, ago = _AGO.subn("", text)
    if re.match(r"\s*[-+]?P", body, re.IGNORECASE):
        body = _from_iso(body.strip())
    at, months, milliseconds = 0, 0, 0
    while body[at:].strip():
        match = _PART.match(body, at)
        if match is None:
            raise ValueError("an interval is written '7 days', '1 month 2 days' or '02:30:00'")
        part = _clock(match) if match[3] else multiply_interval(match[5].replace(" ", ""), match[6])
        months, milliseconds, at = months + part.months, milliseconds + part.milliseconds, match.end()
    if at == 0:
        raise ValueError("the interval is empty")
    sign = -1 if ago else 1
    return checked(sign * months, sign * milliseconds)


def checked(months: int, milliseconds: int) -> Interval:
    """The interval. ValueError: it is longer than time is."""
    if abs(months) > 12 * 10_000 or abs(milliseconds) > 86_400_000 * 366 * 10_000:
        raise ValueError("the interval is longer than 10,000 years")
    return Interval(months, milliseconds)


def _clock(match: re.Match[str]) -> Interval:
    sign, hours, minutes, seconds = match[1], int(match[2]), int(match[3]), Decimal(match[4] or 0)
    total = int((Decimal(hours * 3600 + minutes * 60) + seconds) * 1000)
    return checked(0, -total if sign == "-" else total)


_ISO = re.compile(r"([-+]?)P((?:[-+]?[\d.]+[YMWD])*)(?:T((?:[-+]?[\d.]+[HMS])+))?\Z", re.IGNORECASE)
_ISO_UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_ISO_TIME_UNITS = {"H": "hour", "M": "minute", "S": "second"}


def _from_iso(text: str) -> str:
    match = _ISO.match(text)
    if match is None:
        return text
    parts = []
    for group, units in ((match[2], _ISO_UNITS), (match[3] or "", _ISO_TIME_UNITS)):
        for number, unit in re.findall(r"([-+]?[\d.]+)([A-Z])", group.upper()):
            sign = "-" if match[1] == "-" and number[0] != "-" else ""
            parts.append(f"{sign}{number.lstrip('-') if match[1] == '-' else number} {units[unit]}")
    return " ".join(parts)
