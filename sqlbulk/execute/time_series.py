"""Makes the time-series collection that a statement wants, or holds the one there is against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure, PyMongoError

from sqlbulk.commands import TimeSeries
from sqlbulk.errors import UsageError
from sqlbulk.execute.faults import statement_error

if TYPE_CHECKING:
    from pymongo.collection import Collection

_EXISTS = 48


def ensure_time_series(
    collection: Collection[dict[str, Any]], wanted: TimeSeries, *, dry: bool = False
) -> tuple[str, ...]:
    """Make the collection if it is missing, unless this is only a `dry` run; what was done or differs, in sentences.

    Raises UsageError E2021 for a collection of another kind or with other fields; ServerError, ConnectionFailed.
    """
    try:
        options = _options(collection)
        if options is None and dry:
            return (f"the time-series collection {collection.name} would be made",)
        if options is None:
            try:
                collection.database.create_collection(collection.name, timeseries=_wire(wanted))
                return (f"made the time-series collection {collection.name}",)
            except OperationFailure as error:
                if error.code != _EXISTS:
                    raise
                # somebody else made it in between
                options = _options(collection) or {}
    except PyMongoError as error:
        raise statement_error(error, begun=True) from None
    return _compared(collection.name, options.get("timeseries"), wanted)


def _options(collection: Collection[dict[str, Any]]) -> Mapping[str, Any] | None:
    """The options of the collection, None if there is none of that name."""
    found = next(iter(collection.database.list_collections(filter={"name": collection.name})), None)
    return None if found is None else found.get("options", {})


def _wire(wanted: TimeSeries) -> dict[str, Any]:
    options: dict[str, Any] = {"timeField": wanted.time_field}
    if wanted.meta_field is not None:
        options["metaField"] = wanted.meta_field
    if wanted.granularity is not None:
        options["granularity"] = wanted.granularity
    if wanted.span is not None:
        options |= {"bucketMaxSpanSeconds": wanted.span, "bucketRoundingSeconds": wanted.span}
    return options


def _compared(name: str, stored: Mapping[str, Any] | None, wanted: TimeSeries) -> tuple[str, ...]:
    if stored is None:
        raise UsageError("E2021", f"{name} exists already, and is not a time-series collection",
                         hint="Write into a new one, or leave TIME_SERIES_OPTIMIZATION out.")
    for title, key, value in (("time_field", "timeField", wanted.time_field),
                              ("meta_field", "metaField", wanted.meta_field)):
        if stored.get(key) != value:
            has = f"{title} = {stored[key]!r}" if key in stored else f"no {title}"
            asked = f"not {value!r}" if value is not None else "and the statement names none"
            raise UsageError("E2021", f"{name} exists already with {has}, {asked}",
                             hint=f"Write into another collection, or say {has}.")
    differing = [
        f"{key} is {stored.get(key)}, not {value}" for key, value in _wire(wanted).items()
        if key not in ("timeField", "metaField") and stored.get(key) != value
    ]
    return tuple(f"{name} exists already and stays as it is: {one}" for one in differing)
