"""What a projection or group is worked out from becomes part of it: WITH and derived tables, columns beside rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sqlbulk.plan import algebra
from sqlbulk.plan.binding.bound import BoundExpr, Call, Column, Constant


def with_merged_projections(node: algebra.Relation) -> algebra.Relation:
    """The relation with projections and added columns right below projections and groups put into these."""
    node = algebra.with_inputs(node, with_merged_projections)
    if not isinstance(node, algebra.Project | algebra.Aggregate):
        return node
    inner = node.input
    if not isinstance(inner, algebra.Project | algebra.Extend) or getattr(inner, "merged", None) is not None:
        return node
    columns = dict(inner.columns)
    if not _fits(node, inner.relation, columns):
        return node
    changed = algebra.with_expressions(node, lambda e: algebra.rewrite(e, lambda p: _value(p, inner.relation, columns)))
    return with_merged_projections(replace(changed, input=inner.input))  # type: ignore[arg-type]


def _fits(node: algebra.Relation, relation: str, columns: dict[str, BoundExpr]) -> bool:
    """Whether no expression would be worked out more often than now, or the path into one can't be written."""
    uses: Counter[str] = Counter()
    for expression in algebra.own_expressions(node):
        for part in algebra.walk(expression):
            if isinstance(part, Column) and part.relation == relation:
                if not part.path or (len(part.path) > 1 and not isinstance(columns[part.path[0]], Column)):
                    return False
                uses[part.path[0]] += 1
    return all(isinstance(e, Column | Constant) or uses[name] < 2 for name, e in columns.items()) and not any(
        isinstance(p, Call) and p.function.volatile for e in columns.values() for p in algebra.walk(e))


def _value(part: BoundExpr, relation: str, columns: dict[str, BoundExpr]) -> BoundExpr | None:
    if not isinstance(part, Column) or part.relation != relation:
        return None
    value = columns[part.path[0]]
    if len(part.path) > 1 and isinstance(value, Column):
        return Column(value.relation, (*value.path, *part.path[1:]), part.type, span=part.span)
    return value
