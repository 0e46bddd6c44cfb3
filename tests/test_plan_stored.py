"""Planning UPDATE, DELETE and MOVE where the catalog matters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlbulk.catalog import Catalog, Collection
from sqlbulk.commands import DeleteWhere, Plan, UpdateWhere
from sqlbulk.errors import PlanError, Source, UnsupportedError
from sqlbulk.functions.registry import Context
from sqlbulk.plan import plan
from sqlbulk.syntax.parser import parse

NOW = datetime(2025, 9, 30, tzinfo=UTC)
CATALOG = Catalog(
    {"t": Collection("t"), "u": Collection("u"), "v": Collection("v", kind="view")}, (6, 0), complete=True)


def planned(sql: str) -> Plan:
    return plan(parse(Source(sql)), context=Context(NOW), catalog=CATALOG)


def is_settled(sql: str) -> bool:
    step = planned(sql).steps[0]
    assert isinstance(step, UpdateWhere | DeleteWhere)
    return step.selection.settled


@pytest.mark.parametrize("sql", [
    "UPDATE ts SET a = 1 WHERE TRUE", "DELETE FROM ts WHERE TRUE", "MOVE ts TO u WHERE TRUE", "DRY RUN DELETE FROM ts WHERE TRUE",
])
def test_a_collection_that_is_not_there(sql: str) -> None:
    with pytest.raises(PlanError, match="there is no collection ts") as caught:
        planned(sql)
    assert (caught.value.code, caught.value.hint) == ("E2020", "did you mean t?")
    with pytest.raises(PlanError, match="there is no collection zzzz") as caught:
        planned(sql.replace("ts", "zzzz"))
    assert caught.value.hint is None


def test_collections_of_other_databases_are_not_known() -> None:
    assert planned("DELETE FROM other.ts WHERE a = 1").steps
    assert planned("MOVE t TO fresh WHERE a = 1").steps


def test_views_are_not_written_to() -> None:
    for sql in ("UPDATE v SET a = 1 WHERE TRUE", "DELETE FROM t WHERE TRUE WITH (archive_collection = 'v')",
                "MOVE t TO v WHERE TRUE"):
        with pytest.raises(UnsupportedError, match="v is a view"):
            planned(sql)


def test_what_may_read_the_collection_itself_is_settled_first() -> None:
    assert not is_settled("DELETE FROM t WHERE a IN (SELECT a FROM u)")
    assert not is_settled("WITH c AS (SELECT a FROM u) DELETE FROM t WHERE a IN (SELECT a FROM c)")
    assert is_settled("DELETE FROM t WHERE a IN (SELECT a FROM t)")
    assert is_settled("DELETE FROM t WHERE a IN (SELECT a FROM v)")
    assert is_settled("WITH c AS (SELECT a FROM t) DELETE FROM t WHERE a IN (SELECT a FROM c)")
    assert is_settled("UPDATE t SET a = (SELECT MAX(a) FROM t) WHERE TRUE")


@pytest.mark.parametrize("sql", [
    "UPDATE t SET a[1] = b, a[n].c = 2, d['e'] = 3 WHERE TRUE",
    "UPDATE t SET i[*].q = 1, i[*].r = DEFAULT, i[*].s[2].u = x WHERE TRUE",
    "UPDATE t SET v.s.t = v.s FOR v IN i WHEN v.q IS NULL END, v.q[1] = v.r FOR v IN i WHEN v.q IS NULL END WHERE TRUE",
    "UPDATE t SET (a, b) = (SELECT x, y FROM u WHERE u.k = t.k) WHERE TRUE",
])
def test_elements_and_rows_are_assigned_at_once(sql: str) -> None:
    """What comes out of it is seen on a server, in tests/test_update.py."""
    step = planned(sql).steps[0]
    assert isinstance(step, UpdateWhere) and isinstance(step.update, tuple) and len(step.update) == 1
