"""Dates as text and text as dates, by the patterns of TO_CHAR, DATE_FORMAT and their like."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlbulk.functions.arithmetic import zone
from sqlbulk.functions.entries import entry, moment, text, unit
from sqlbulk.functions.fitting import in_range
from sqlbulk.functions.registry import Context, Function, FunctionProblem
from sqlbulk.functions.timeparts import in_zone, local
from sqlbulk.types import Type

MONTH_NAMES = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
               "November", "December")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a date in a pattern: `sign` is the server's format sign or a name of our own; `change` its letters."""

    sign: str
    change: str = ""


Piece = str | Field
_SIGNS = set("YmdHMSLjuVGz")

_MYSQL = {
    "Y": "%Y", "y": "yy", "m": "%m", "c": "month", "d": "%d", "e": "day", "H": "%H", "k": "hour", "h": "hour12",
    "I": "hour12", "l": "hour12short", "i": "%M", "s": "%S", "S": "%S", "f": "micro", "p": "ampm", "j": "%j",
    "b": "mon", "M": "monthname", "a": "dy", "W": "dayname", "w": "dow", "u": "%V", "v": "%V", "x": "%G",
    "T": "%H:%M:%S", "L": "%L",
    "r": "hour12:%M:%S ampm",
}
_STRFTIME = {**_MYSQL, "M": "%M", "B": "monthname", "A": "dayname", "V": "%V", "G": "%G", "F": "%Y-%m-%d",
             "I": "hour12", "u": "isodow", "z": "%z", "D": "%m/%d/yy", "R": "%H:%M"}
_POSTGRES = (
    ("YYYY", "%Y"), ("IYYY", "%G"), ("YY", "yy"), ("MONTH", "monthname"), ("MON", "mon"), ("MM", "%m"), ("MI", "%M"),
    ("MS", "%L"), ("US", "micro"), ("DDD", "%j"), ("DD", "%d"), ("DAY", "dayname"), ("DY", "dy"), ("D", "dow1"),
    ("ID", "isodow"), ("IW", "%V"), ("HH24", "%H"), ("HH12", "hour12"), ("HH", "hour12"), ("SS", "%S"), ("AM", "ampm"),
    ("PM", "ampm"), ("Q", "quarter"), ("OF", "%z"),
)


# Patterns


def percent_pattern(pattern: str, signs: dict[str, str]) -> list[Piece]:
    """The pieces of a pattern such as %Y-%m-%d. FunctionProblem: a sign is unknown."""
    pieces: list[Piece] = []
    for found in re.finditer(r"%-?(.)|([^%]+)|%\Z", pattern, re.DOTALL):
        letter = found[1]
        if letter is None:
            pieces.append(found[2] or "%")
        elif letter == "%":
            pieces.append("%")
        elif letter in signs:
            pieces += _expanded(signs[letter])
        else:
            raise FunctionProblem("E2004", f"%{letter} is no part of a date pattern", argument=1)
    return pieces


def _expanded(form: str) -> list[Piece]:
    parts = re.findall(r"%[A-Za-z]|[a-z]+(?:\d+[a-z]*)?|[^%a-z]+", form)
    return [Field(p.lstrip("%")) if p[0] == "%" or p.isalnum() else p for p in parts]


def postgres_pattern(pattern: str) -> list[Piece]:
    """The pieces of a pattern such as YYYY-MM-DD; text in double quotes stands for itself."""
    pieces: list[Piece] = []
    at, filled = 0, True
    while at < len(pattern):
        rest = pattern[at:]
        if rest[0] == '"':
            end = rest.find('"', 1) if '"' in rest[1:] else len(rest)
            pieces.append(rest[1:end])
            at += end + 1
            continue
        if rest[:2].upper() == "FM":
            filled, at = False, at + 2
            continue
        found = next(((name, sign) for name, sign in _POSTGRES if rest[: len(name)].upper() == name), None)
        if found is None:
            if rest[0] in "09" or (rest[0].isalpha() and rest[0] not in "TZ"):
                raise FunctionProblem("E2004", f"{rest[0]!r} is no part of a date pattern here", argument=1,
                                      hint='text stands in double quotes: \'YYYY"W"IW\'')
            pieces.append(rest[0])
            at += 1
            continue
        name, sign = found
        pieces.append(_postgres_field(sign.lstrip("%"), rest[: len(name)], filled))
        at, filled = at + len(name), True
    return pieces


def _postgres_field(sign: str, written: str, filled: bool) -> Field:
    if sign in ("monthname", "mon", "dayname", "dy", "ampm"):
        change = "upper" if written.isupper() else "lower" if written.islower() else ""
        return Field(sign, change + ("9" if filled and sign in ("monthname", "dayname") else ""))
    unpadded = {"m": "month", "d": "day", "H": "hour", "hour12": "hour12short"}
    return Field(sign if filled else unpadded.get(sign, sign))


# Dates as text


def _format(pieces: Callable[[str], list[Piece]]) -> Callable[..., Any]:
    def lower(date: Any, pattern: str, *, context: Context) -> Any:
        parts: list[Any] = []
        run = ""
        for piece in [*pieces(pattern), None]:
            if isinstance(piece, Field) and piece.sign in _SIGNS:
                run += f"%{piece.sign}"
                continue
            if isinstance(piece, str) and piece.isascii():
                run += piece.replace("%", "%%")
                continue
            if run:
                parts.append(_date_to_string(date, run, context))
                run = ""
            if isinstance(piece, Field):
                parts.append(_piece(piece, date, context))
            elif piece is not None:
                parts.append({"$literal": piece})
        return {"$cond": [in_range(date), {"$concat": parts} if len(parts) != 1 else parts[0], None]}

    return lower


def _date_to_string(date: Any, form: str, context: Context) -> Any:
    zoned = {} if context.time_zone == "UTC" else {"timezone": context.time_zone}
    return {"$dateToString": {"date": date, "format": {"$literal": form} if form.startswith("$") else form, **zoned}}


def _piece(field: Field, date: Any, context: Context) -> Any:
    hour = in_zone("$hour", date, context)
    twelve = {"$add": [{"$mod": [{"$add": [hour, 11]}, 12]}, 1]}
    match field.sign:
        case "monthname" | "mon":
            return _name(MONTH_NAMES, in_zone("$month", date, context), field)
        case "dayname" | "dy":
            return _name(DAY_NAMES, in_zone("$isoDayOfWeek", date, context), field)
        case "ampm":
            words = ["am", "pm"] if field.change == "lower" else ["AM", "PM"]
            return {"$cond": [{"$lt": [hour, 12]}, *words]}
        case "yy":
            return {"$substrBytes": [_date_to_string(date, "%Y", context), 2, 2]}
        case "micro":
            return _date_to_string(date, "%L000", context)
        case "hour12":
            return {"$cond": [{"$lt": [twelve, 10]}, {"$concat": ["0", {"$toString": twelve}]}, {"$toString": twelve}]}
    number = {
        "month": in_zone("$month", date, context), "day": in_zone("$dayOfMonth", date, context), "hour": hour,
        "hour12short": twelve, "isodow": in_zone("$isoDayOfWeek", date, context),
        "dow1": in_zone("$dayOfWeek", date, context),
        "dow": {"$subtract": [in_zone("$dayOfWeek", date, context), 1]},
        "quarter": {"$toInt": {"$ceil": {"$divide": [in_zone("$month", date, context), 3]}}},
    }[field.sign]
    return {"$toString": number}


def _named(names: Sequence[str], field: Field) -> list[str]:
    short = [n[:3] if field.sign in ("mon", "dy") else n for n in names]
    cased = [n.upper() if "upper" in field.change else n.lower() if "lower" in field.change else n for n in short]
    return [n.ljust(9) for n in cased] if field.change.endswith("9") else cased


def _name(names: Sequence[str], number: Any, field: Field) -> Any:
    return {"$arrayElemAt": [_named(names, field), {"$subtract": [number, 1]}]}


def _fold_format(pieces: Callable[[str], list[Piece]]) -> Callable[..., str]:
    def fold(date: datetime, pattern: str, *, context: Context) -> str:
        day = local(date, context)
        return "".join(p if isinstance(p, str) else _fold_piece(p, day) for p in pieces(pattern))

    return fold


def _fold_piece(field: Field, day: datetime) -> str:
    iso = day.isocalendar()
    twelve = (day.hour + 11) % 12 + 1
    plain = {
        "Y": f"{day.year:04d}", "m": f"{day.month:02d}", "d": f"{day.day:02d}", "H": f"{day.hour:02d}",
        "M": f"{day.minute:02d}", "S": f"{day.second:02d}", "L": f"{day.microsecond // 1000:03d}",
        "j": f"{day.timetuple().tm_yday:03d}", "u": str(day.isoweekday()), "V": f"{iso[1]:02d}", "G": f"{iso[0]:04d}",
        "z": day.strftime("%z")[:5], "yy": f"{day.year % 100:02d}", "micro": f"{day.microsecond // 1000:03d}000",
        "hour12": f"{twelve:02d}", "hour12short": str(twelve), "month": str(day.month), "day": str(day.day),
        "hour": str(day.hour), "isodow": str(day.isoweekday()), "dow1": str(day.isoweekday() % 7 + 1),
        "dow": str(day.isoweekday() % 7), "quarter": str((day.month + 2) // 3),
    }
    if field.sign in plain:
        return plain[field.sign]
    if field.sign == "ampm":
        word = "AM" if day.hour < 12 else "PM"
        return word.lower() if field.change == "lower" else word
    if field.sign in ("monthname", "mon"):
        return _named(MONTH_NAMES, field)[day.month - 1]
    return _named(DAY_NAMES, field)[day.weekday()]


# Text as dates


_READ = {
    "Y": ("year", "(?!0000)[0-9]{4}"), "yy": ("short", "[0-9]{2}"), "m": ("month", "0[1-9]|1[0-2]|[1-9]"),
    "month": ("month", "0[1-9]|1[0-2]|[1-9]"), "d": ("day", "0[1-9]|[12][0-9]|3[01]|[1-9]"),
    "day": ("day", "0[1-9]|[12][0-9]|3[01]|[1-9]"), "H": ("hour", "[01][0-9]|2[0-3]|[0-9]"),
    "hour": ("hour", "[01][0-9]|2[0-3]|[0-9]"), "hour12": ("half", "0[1-9]|1[0-2]|[1-9]"),
    "hour12short": ("half", "0[1-9]|1[0-2]|[1-9]"), "M": ("minute", "[0-5][0-9]|[0-9]"),
    "S": ("second", "[0-5][0-9]|[0-9]"), "L": ("fraction", "[0-9]{1,9}"), "micro": ("fraction", "[0-9]{1,9}"),
    "ampm": ("ampm", "[AaPp][Mm]"), "mon": ("name", "|".join(n[:3] for n in MONTH_NAMES)),
    "monthname": ("name", "|".join(MONTH_NAMES)),
}


def _reading(pieces: list[Piece], pattern: str) -> tuple[str, list[str]]:
    """The regular expression of a pattern, and what its groups mean."""
    regex, meanings = r"^\s*", []
    for piece in pieces:
        if isinstance(piece, str):
            regex += re.sub(r"[^0-9A-Za-z]", lambda m: "\\" + m[0] if m[0].isascii() else m[0], piece)
            continue
        if piece.sign not in _READ:
            raise FunctionProblem("E3001", f"the pattern {pattern!r} holds a part that can't be read back", argument=1)
        meaning, form = _READ[piece.sign]
        meanings.append(meaning)
        regex += f"({form})"
    if not {"year", "short"} & set(meanings):
        raise FunctionProblem("E2004", f"the pattern {pattern!r} has no year", argument=1)
    return regex + r"\s*\z", meanings


def _parse(pieces: Callable[[str], list[Piece]], *, day_only: bool = False) -> Callable[..., Any]:
    def lower(string: Any, pattern: str, *, context: Context) -> Any:
        regex, meanings = _reading(pieces(pattern), pattern)
        groups = {m: {"$arrayElemAt": ["$$found.captures", i]} for i, m in enumerate(meanings)}
        found = {"$regexFind": {"input": string, "regex": regex, "options": "i"}}
        made = _moment_of(groups, None if day_only else context.time_zone, day_only)
        return {"$let": {"vars": {"found": found}, "in": {"$cond": [{"$gt": ["$$found", None]}, made, None]}}}

    return lower


def _moment_of(groups: dict[str, Any], time_zone: str | None, day_only: bool) -> Any:
    number = {m: {"$toInt": g} for m, g in groups.items() if m not in ("ampm", "name", "fraction")}
    if "short" in number:
        short = number["short"]
        number["year"] = {"$add": [short, {"$cond": [{"$lt": [short, 70]}, 2000, 1900]}]}
    if "name" in groups:
        first = {"$toLower": {"$substrCP": [groups["name"], 0, 3]}}
        names = [n[:3].lower() for n in MONTH_NAMES]
        number["month"] = {"$add": [{"$indexOfArray": [names, first]}, 1]}
    if "half" in number:
        afternoon = {"$cond": [{"$eq": [{"$toLower": groups.get("ampm", "am")}, "pm"]}, 12, 0]}
        number["hour"] = {"$add": [{"$mod": [number["half"], 12]}, afternoon]}
    day: dict[str, Any] = {k: number.get(k, 1) for k in ("year", "month", "day")}
    clock: dict[str, Any] = {k: number[k] for k in ("hour", "minute", "second") if k in number}
    if "fraction" in groups:
        clock["millisecond"] = {"$toInt": {"$substrBytes": [{"$concat": [groups["fraction"], "00"]}, 0, 3]}}
    zoned = {"timezone": time_zone} if time_zone not in (None, "UTC") else {}
    whole = {"$dateFromParts": day if day_only else {**day, **clock, **zoned}}
    return {"$cond": [{"$eq": [{"$dayOfMonth": {"$dateFromParts": day}}, day["day"]]}, whole, None]}


def _fold_parse(pieces: Callable[[str], list[Piece]], *, day_only: bool = False) -> Callable[..., datetime | None]:
    def fold(string: str, pattern: str, *, context: Context) -> datetime | None:
        regex, meanings = _reading(pieces(pattern), pattern)
        flags = re.IGNORECASE | re.ASCII
        match = re.match(regex.replace(r"\z", r"\Z"), string, flags)
        if match is None:
            return None
        return _moment_from(dict(zip(meanings, match.groups(), strict=True)), day_only, context)

    return fold


def _moment_from(groups: dict[str, str], day_only: bool, context: Context) -> datetime | None:
    number = {m: int(g) for m, g in groups.items() if m not in ("ampm", "name", "fraction")}
    if "short" in number:
        number["year"] = number["short"] + (2000 if number["short"] < 70 else 1900)
    if "name" in groups:
        number["month"] = [n[:3].lower() for n in MONTH_NAMES].index(groups["name"][:3].lower()) + 1
    if "half" in number:
        number["hour"] = number["half"] % 12 + (12 if groups.get("ampm", "am").lower() == "pm" else 0)
    try:
        day = datetime(number["year"], number.get("month", 1), number.get("day", 1), tzinfo=UTC)
    except ValueError:
        return None
    if day_only:
        return day
    clock = timedelta(
        hours=number.get("hour", 0), minutes=number.get("minute", 0), seconds=number.get("second", 0),
        milliseconds=int((groups.get("fraction", "0") + "00")[:3]),
    )
    return (day + clock).replace(tzinfo=zone(context.time_zone)).astimezone(UTC)


def _mysql(pattern: str) -> list[Piece]:
    return percent_pattern(pattern, _MYSQL)


def _strftime(pattern: str) -> list[Piece]:
    return percent_pattern(pattern, _STRFTIME)


def _any_pattern(pattern: str) -> list[Piece]:
    return _mysql(pattern) if "%" in pattern else postgres_pattern(pattern)


def _writes(name: str, pieces: Callable[[str], list[Piece]], words: str, example: str) -> Function:
    return entry(name, words, example, (moment(), unit("pattern")), _format(pieces), _fold_format(pieces),
                 returns=Type.STRING, contextual=True)


def _reads(name: str, words: str, example: str, *, day_only: bool = False) -> Function:
    return entry(name, words, example, (text(), unit("pattern")), _parse(_any_pattern, day_only=day_only),
                 _fold_parse(_any_pattern, day_only=day_only), returns=Type.DATE, contextual=True)


def _names(name: str, form: str, words: str, example: str) -> Function:
    lower, fold = _format(_strftime), _fold_format(_strftime)
    return entry(name, words, example, (moment(),), lambda d, context: lower(d, form, context=context),
                 lambda d, context: fold(d, form, context=context), returns=Type.STRING, contextual=True)


_D = "DATE '2024-02-29'"

ENTRIES: tuple[Function, ...] = (
    _writes("TO_CHAR", postgres_pattern, "A date as text by a pattern such as YYYY-MM-DD HH24:MI:SS.MS.",
            f"TO_CHAR({_D}, 'DD.MM.YYYY') = '29.02.2024'"),
    _writes("DATE_FORMAT", _mysql, "A date as text by a pattern such as %Y-%m-%d %H:%i:%s.",
            f"DATE_FORMAT({_D}, '%d.%m.%Y') = '29.02.2024'"),
    _writes("STRFTIME", _strftime, "A date as text by a pattern such as %Y-%m-%d %H:%M:%S.",
            f"STRFTIME({_D}, '%d.%m.%Y') = '29.02.2024'"),
    _reads("STR_TO_DATE", "Text as a date by a pattern such as %Y-%m-%d; NULL if it doesn't fit.",
           f"STR_TO_DATE('29.02.2024', '%d.%m.%Y') = {_D}"),
    _reads("TO_TIMESTAMP", "Text as a date by a pattern such as YYYY-MM-DD HH24:MI:SS; NULL if it doesn't fit.",
           f"TO_TIMESTAMP('29.02.2024', 'DD.MM.YYYY') = {_D}"),
    _reads("TO_DATE", "Text as a day by a pattern such as YYYY-MM-DD; NULL if it doesn't fit.",
           f"TO_DATE('29.02.2024', 'DD.MM.YYYY') = {_D}", day_only=True),
    _names("DAYNAME", "%A", "The English name of the day.", f"DAYNAME({_D}) = 'Thursday'"),
    _names("MONTHNAME", "%B", "The English name of the month.", f"MONTHNAME({_D}) = 'February'"),
)
