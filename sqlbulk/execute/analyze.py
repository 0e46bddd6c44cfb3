"""EXPLAIN ANALYZE: runs a query and shows what the server says of it: indexes, documents examined, rows and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from sqlbulk.commands import Query
from sqlbulk.execute.encode import OPTIONS
from sqlbulk.execute.query import query_error
from sqlbulk.execute.query_keys import with_few_keys
from sqlbulk.execute.reading import database_of, limits
from sqlbulk.execute.steps import prepared
from sqlbulk.results import Result

if TYPE_CHECKING:
    from sqlbulk.execute.connection import Connection

Figures = Mapping[str, Any]


def run_analyze(asked_for: Query, text: str, connection: Connection) -> Result:
    """The plan, `text`, and the server's figures, a line a row.

    Raises ServerError, ConnectionLost or ConnectionFailed.
    """
    with prepared(asked_for, connection) as ready:
        query = with_few_keys(ready, connection)
        lines = text.splitlines()
        if ready.few is not None:
            few = query.few is None
            found = "few: they stand in the filter" if few else "many: the pipeline above runs without them"
            lines.append(f"  the keys are {found}")
        try:
            explained = asked(query, connection, limits(query.reading))
        except PyMongoError as error:
            raise query_error(error) from None
        lines += ["server:", *(f"  {line}" for line in figures(explained))]
    return Result("EXPLAIN", ("plan",), [(line,) for line in lines])


def asked(
    query: Query, connection: Connection, settings: Mapping[str, Any], *, verbosity: str = "executionStats"
) -> Figures:
    """The server's own account of the query, which it runs for that, unless `verbosity` is 'queryPlanner'.

    `settings` are the command's maxTimeMS and comment. Raises PyMongoError.
    """
    database = database_of(query, connection)
    aggregate: dict[str, Any] = {
        "aggregate": 1 if query.collection is None else query.collection, "pipeline": list(query.pipeline),
        "cursor": {}, "allowDiskUse": query.allow_disk_use}
    if query.reading.hint is not None:
        aggregate["hint"] = query.reading.hint
    if query.collation is not None:
        aggregate["collation"] = query.collation
    return database.command(
        {"explain": aggregate, "verbosity": verbosity, **settings}, codec_options=OPTIONS,
        read_preference=database.read_preference)


def figures(explained: Figures) -> Iterator[str]:
    """The server's account as text, a line a stage; of each shard where there are several."""
    shards = explained.get("shards")
    if shards is None:
        yield from _account(explained)
        return
    for name, account in shards.items():
        yield f"shard {name}:"
        yield from (f"  {line}" for line in _account(account))


def _account(explained: Figures) -> Iterator[str]:
    stages = explained.get("stages")
    if stages is not None:
        yield from _stages(stages)
    elif "queryPlanner" in explained:
        yield _read(explained)


def _stages(stages: Sequence[Figures]) -> Iterator[str]:
    for stage in stages:
        name = next(iter(stage))
        if name == "$cursor":
            yield _read(stage[name])
            continue
        yield f"{_title(name, stage[name])}: {', '.join(_of_stage(stage))}"
        if name == "$unionWith":
            yield from (f"  {line}" for line in _stages(stage[name].get("pipeline", ())))


def _title(name: str, specification: Any) -> str:
    source = specification.get("from") or specification.get("coll") if isinstance(specification, Mapping) else None
    return f"{name} {source}" if isinstance(source, str) else name


def _of_stage(stage: Figures) -> Iterator[str]:
    if "nReturned" in stage:
        yield f"{stage['nReturned']:,} rows"
    if stage.get("indexesUsed"):
        yield f"index {', '.join(stage['indexesUsed'])}"
    if stage.get("collectionScans"):
        yield f"{stage['collectionScans']:,} collection scans"
    yield from _examined(stage)
    if stage.get("usedDisk"):
        yield "on disk"
    if "executionTimeMillisEstimate" in stage:
        yield f"{stage['executionTimeMillisEstimate']:,} ms since the start"


def _examined(account: Figures) -> Iterator[str]:
    for key, what in (("totalDocsExamined", "documents"), ("totalKeysExamined", "keys")):
        if key in account:
            yield f"{account[key]:,} {what} examined"


def _read(account: Figures) -> str:
    """What the server's find layer did: the stages that it merged into the reading of the collection."""
    found = account.get("executionStats", {})
    names, indexes = [], []
    for node in _nodes(account.get("queryPlanner", {}).get("winningPlan", {})):
        names.append(_named(node))
        indexes += [str(node["indexName"])] if "indexName" in node else []
    collection = str(account.get("queryPlanner", {}).get("namespace", "")).partition(".")[2]
    parts = [f"{found['nReturned']:,} rows"] if "nReturned" in found else []
    parts += [f"index {', '.join(dict.fromkeys(indexes))}"] if indexes else []
    parts += _examined(found)
    parts += [f"{found['executionTimeMillis']:,} ms"] if "executionTimeMillis" in found else []
    return f"read {collection} ({' < '.join(names)}): {', '.join(parts)}"


def _named(node: Figures) -> str:
    """A stage's name; of a join also with what, and how."""
    name = str(node["stage"]).lower().replace("_", " ")
    foreign = str(node.get("foreignCollection", "")).partition(".")[2]
    return f"{name} with {foreign}, {node.get('strategy', '')}" if foreign else name


def _nodes(plan: Any) -> Iterator[Figures]:
    """The stages of a winning plan, from the top; the text of the slot-based one says no more."""
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield plan
        for key, value in plan.items():
            if key != "slotBasedPlan":
                yield from _nodes(value)
    elif isinstance(plan, list):
        for item in plan:
            yield from _nodes(item)
