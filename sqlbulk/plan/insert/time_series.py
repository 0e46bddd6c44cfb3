"""TIME_SERIES_OPTIMIZATION: the time-series collection that a statement wants to write into."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlbulk.commands import Path, TimeSeries
from sqlbulk.errors import PlanError, Span
from sqlbulk.option_kinds import COUNT, DURATION, TEXT
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.options import option_value
from sqlbulk.plan.targets import checked_name, dotted
from sqlbulk.syntax import statements as st

BLOCK = "TIME_SERIES_OPTIMIZATION"
SPANS = {"seconds": 3_600, "minutes": 86_400, "hours": 2_592_000}
"""The granularities, and how many seconds a bucket of theirs spans at most."""
_LONGEST_SPAN = 31_536_000
_SPANS_SINCE = (6, 3)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The collection that a block asks for, where its fields are named, and what the user should know."""

    series: TimeSeries
    span: Span
    time_place: Span
    notices: tuple[str, ...] = ()


def take_time_series(
    blocks: Sequence[st.OptionBlock], environment: Environment
) -> tuple[Wanted | None, tuple[st.OptionBlock, ...]]:
    """What TIME_SERIES_OPTIMIZATION asks for, None without it, and the other blocks; raises PlanError."""
    others = tuple(block for block in blocks if block.name != BLOCK)
    found = [block for block in blocks if block.name == BLOCK]
    if len(found) > 1:
        raise PlanError("E2018", f"{BLOCK} is given twice", found[1].span)
    return (_read(found[0], environment) if found else None), others


def check_time_series(wanted: Wanted, fields: tuple[Path, ...] | None, kind: str | None) -> tuple[str, ...]:
    """Notices about the block; raises PlanError if the rows lack the time, E2021 if a plain collection is in the way.

    `kind` is that of the collection as the catalog knows it, None: nothing is known of it.
    """
    name = wanted.series.time_field
    if fields is not None and (name,) not in fields:
        raise PlanError("E2002", f"the time field {dotted((name,))} is not among the columns", wanted.time_place)
    if kind not in (None, "timeseries"):
        raise PlanError("E2021", "the collection exists already, and is not one of time series", wanted.span,
                        hint="write into a new one, or leave the block out")
    return wanted.notices


# The options of the block


def _read(block: st.OptionBlock, environment: Environment) -> Wanted:
    values: dict[str, Any] = {}
    places: dict[str, st.Option] = {}
    for option in block.options:
        name = option.name.lower()
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            raise PlanError("E2006", f"{BLOCK} has no option {option.name}", option.span,
                            hint=f"did you mean {near[0]}?" if near else f"it takes {', '.join(OPTIONS)}")
        if name in values:
            raise PlanError("E2018", f"option {name} is given twice", option.span)
        values[name] = _parsed(name, option, environment)
        places[name] = option
    if "time_field" not in values:
        raise PlanError("E2007", f"{BLOCK} needs time_field, the field that holds each row's date", block.span)
    _check_names(values, places)
    return _wanted(values, block, places["time_field"].value.span, environment)


def _parsed(name: str, option: st.Option, environment: Environment) -> Any:
    try:
        return OPTIONS[name].parse(option_value(option.value, environment))
    except ValueError as problem:
        raise PlanError("E2007", f"{option.name}: {problem}", option.value.span) from None


def _check_names(values: dict[str, Any], places: dict[str, st.Option]) -> None:
    for name in ("time_field", "meta_field"):
        if name not in values:
            continue
        span = places[name].value.span
        checked_name(values[name], span)
        if "." in values[name]:
            raise PlanError("E2011", f"{name} must be a field at the top of a document, without a dot", span)
    if "meta_field" in values and values["meta_field"] in (values["time_field"], "_id"):
        raise PlanError("E2011", f"meta_field can't be {values['meta_field']}", places["meta_field"].value.span)


def _granularity(value: object) -> str:
    word = str(value).lower()
    word = word if word.endswith("s") else word + "s"
    if word not in SPANS:
        raise ValueError("must be 'seconds', 'minutes' or 'hours'")
    return word


def _span(value: object) -> int:
    seconds = DURATION.parse(value) if isinstance(value, str) and not value.strip().isdigit() else COUNT.parse(value)
    if seconds != int(seconds) or not 1 <= seconds <= _LONGEST_SPAN:
        raise ValueError(f"must be whole seconds, 1 to {_LONGEST_SPAN:,}")
    return int(seconds)


def _compression(value: object) -> str:
    if str(value).lower() != "delta":
        raise ValueError("must be 'delta', the compression that the server has for time series")
    return "delta"


@dataclass(frozen=True, slots=True)
class SeriesOption:
    """An option of the block: how its value is read, and what the manual says of it."""

    parse: Callable[[object], Any]
    takes: str
    help: str


OPTIONS = {
    "time_field": SeriesOption(TEXT.parse, TEXT.takes, "The field that holds each row's date; it can't be left out."),
    "meta_field": SeriesOption(TEXT.parse, TEXT.takes, "The field that says where a row is from, such as a sensor."),
    "granularity": SeriesOption(_granularity, "'seconds', 'minutes' or 'hours'",
                                "How closely rows of one source follow each other."),
    "bucket_span": SeriesOption(_span, "whole seconds, or a time such as '2 hours'", "How much time the server keeps"
                                " together; before 6.3 the granularity that comes nearest is taken."),
    "compression": SeriesOption(_compression, "'delta'",
                                "Has no effect: the server packs time series that way anyway."),
}
"""The options of the block, in the order of the manual."""


# What this server makes of them


def _wanted(values: dict[str, Any], block: st.OptionBlock, time_place: Span, environment: Environment) -> Wanted:
    granularity, span = values.get("granularity"), values.get("bucket_span")
    notices = []
    if span is not None:
        if granularity is not None:
            notices.append(f"granularity has no effect: bucket_span = {span} is used instead")
        granularity = None
        server = environment.catalog.server or environment.context.server
        if server is not None and server < _SPANS_SINCE:
            granularity, span = nearest_granularity(span), None
            notices.append(f"bucket_span needs server 6.3 or later, this is {server[0]}.{server[1]}: granularity ="
                           f" '{granularity}' is used, whose buckets span {SPANS[granularity]:,} seconds")
    if "compression" in values:
        notices.append("compression = 'delta' has no effect: the server packs time series that way anyway")
    series = TimeSeries(values["time_field"], values.get("meta_field"), granularity, span)
    return Wanted(series, block.span, time_place, tuple(notices))


def nearest_granularity(span: int) -> str:
    """The granularity whose buckets span the most nearly so many seconds, as a ratio."""
    return min(SPANS, key=lambda word: abs(math.log(SPANS[word] / span)))
