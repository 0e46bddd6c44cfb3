"""A join with rows that are grouped by what they are joined on: the group is worked out once, and its rows attached."""

from __future__ import annotations

from dataclasses import replace

from sqlbulk.catalog import Catalog
from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column
from sqlbulk.plan.binding.calls import make_call
from sqlbulk.plan.environment import Environment
from sqlbulk.plan.rewrites.correlation import Key, with_conditions


def with_attached_groups(node: algebra.Relation, environment: Environment) -> algebra.Relation:
    """The relation with joins replaced that give each row one partner at most, because its keys are those of groups."""
    node = algebra.with_inputs(node, lambda n: with_attached_groups(n, environment))
    if not isinstance(node, algebra.Join) or node.kind not in ("INNER", "LEFT"):
        return node
    found = _attached(node, environment)
    if found is None and node.kind == "INNER":
        found = _attached(replace(node, left=node.right, right=node.left), environment, unless_indexed=True)
    return node if found is None else found


def _attached(
    node: algebra.Join, environment: Environment, *, unless_indexed: bool = False
) -> algebra.Relation | None:
    unique = _unique(node.right)
    if not unique or algebra.outer_columns(node.right):
        return None
    (relation,) = algebra.visible(node.right)
    keys: list[tuple[BoundExpr, Column]] = []
    rest: list[BoundExpr] = []
    for condition in algebra.conjuncts(node.condition):
        key = _key(condition, relation)
        if key is None or any(key[1].path == other.path for _, other in keys):
            rest.append(condition)
        else:
            keys.append(key)
    if {c.path[0] for _, c in keys} != unique or (node.kind == "LEFT" and rest):
        return None
    if unless_indexed and any(_is_indexed(a, node.left, environment.catalog) for a, _ in keys):
        return None
    attach = algebra.Attach(node.left, node.right, tuple(keys))
    if node.kind == "LEFT":
        return attach
    column = keys[0][1]
    absent = make_call("IS NULL", (replace(column, nullable=True),), column.span, environment.context)
    return with_conditions(attach, [make_call("NOT", (absent,), column.span, environment.context), *rest])


def _unique(node: algebra.Relation) -> set[str]:
    """The columns of a made relation of which no two of its rows have the same values; none: that isn't known."""
    while isinstance(node, algebra.Filter | algebra.Sort):
        node = node.input
    if isinstance(node, algebra.Distinct):
        return set() if node.open else set(node.columns)
    if not isinstance(node, algebra.Project) or node.merged is not None:
        return set()
    groups = node.input
    while isinstance(groups, algebra.Filter | algebra.Sort):
        groups = groups.input
    if not isinstance(groups, algebra.Aggregate):
        return set()
    columns = [(e, name) for name, e in node.columns if isinstance(e, Column) and e.relation == groups.relation]
    shown = {".".join(column.path): name for column, name in columns}
    names = [name for name, _ in groups.keys]
    return {shown[name] for name in names} if all(name in shown for name in names) else set()


def _key(condition: BoundExpr, relation: str) -> tuple[BoundExpr, Column] | None:
    """The two sides of an equality of an expression over the left rows and a column of the grouped ones."""
    if not isinstance(condition, Call) or condition.function.name != "=":
        return None
    sides: tuple[Key, Key] = (condition.arguments[:2], condition.arguments[1::-1])  # type: ignore[assignment]
    for other, column in sides:
        used = algebra.relations_of(other)
        if isinstance(column, Column) and (column.relation, len(column.path)) == (relation, 1) and relation not in used:
            return other, column
    return None


def _is_indexed(key: BoundExpr, node: algebra.Relation, catalog: Catalog) -> bool:
    """Whether rows with the key are found by an index."""
    while isinstance(node, algebra.Filter):
        node = node.input
    if not isinstance(node, algebra.Scan) or not isinstance(key, Column):
        return False
    known = catalog.get(node.collection)
    leading = {i.keys[0][0] for i in known.indexes if not i.partial} if known else set()
    return ".".join(key.path) in leading | {"_id"}
