"""Assignments to the elements of an array, `items[*].q = 0` and `v.q = 0 FOR v IN items WHEN … END`, as ordinary ones.

They become an assignment of the whole array, each element worked out by a lambda. What isn't an array stays
as it is; so does an element that isn't a document where a field of it is assigned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlbulk.errors import PlanError, UnsupportedError
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st

ELEMENT = "element of the array"
"""The name of the lambda's parameter for [*]; nobody writes such a name."""

Names = tuple[ast.Identifier, ...]


@dataclass(slots=True)
class _Loop:
    """Everything that is assigned to the elements of one array: (field or None for the whole element, value) pairs."""

    array: Names
    variable: ast.Identifier
    condition: ast.Expr | None
    first: st.Assignment
    pairs: list[tuple[ast.Identifier | None, ast.Expr]] = field(default_factory=list)


def with_whole_arrays(assignments: Sequence[st.Assignment]) -> tuple[list[st.Assignment], set[int]]:
    """The assignments without elements, and the places of those that may leave their field missing.

    Raises UnsupportedError for forms that aren't supported, PlanError for a FOR whose variable isn't assigned.
    """
    made: list[st.Assignment | _Loop] = []
    for assignment in assignments:
        loop = _loop(assignment)
        if loop is None:
            made.append(assignment)
            continue
        same = next((m for m in made if isinstance(m, _Loop) and _alike(m, loop)), None)
        if same is not None:
            same.pairs += loop.pairs
        else:
            made.append(loop)
    places = {n for n, one in enumerate(made) if isinstance(one, _Loop)}
    return [_assignment(one) if isinstance(one, _Loop) else one for one in made], places


def _alike(one: _Loop, other: _Loop) -> bool:
    names = [[name.text for name in (*loop.array, loop.variable)] for loop in (one, other)]
    return names[0] == names[1] and one.condition == other.condition


def _loop(assignment: st.Assignment) -> _Loop | None:
    parts = assignment.target.parts
    place = next((n for n, part in enumerate(parts) if isinstance(part, ast.Element)), None)
    if assignment.loop is not None:
        return _for(assignment, assignment.loop)
    if place is None or not isinstance(element := parts[place], ast.Element) or element.index is not None:
        return None
    variable = ast.Identifier(ELEMENT, quoted=True, span=element.span)
    loop = _Loop(_names(parts[:place]), variable, None, assignment)
    loop.pairs.append((_field(assignment, _names(parts[place + 1 :])), assignment.value))
    return loop


def _for(assignment: st.Assignment, loop: st.UpdateFor) -> _Loop:
    names = _names(assignment.target.parts)
    if names[0].text != loop.variable.text:
        raise PlanError("E2002", f"FOR {loop.variable.text} assigns {loop.variable.text} or a field of it, not"
                        f" {names[0].text}", assignment.target.span)
    made = _Loop(_names(loop.array.parts), loop.variable, loop.condition, assignment)
    made.pairs.append((_field(assignment, names[1:]), assignment.value))
    return made


def _names(parts: Sequence[ast.Identifier | ast.Element]) -> Names:
    names = []
    for part in parts:
        if isinstance(part, ast.Element):
            raise UnsupportedError("E3001", "only the elements of one array can be assigned", part.span,
                                   hint="assign the whole array")
        names.append(part)
    return tuple(names)


def _field(assignment: st.Assignment, names: Names) -> ast.Identifier | None:
    if isinstance(assignment.value, ast.Default):
        raise UnsupportedError("E3001", "DEFAULT can't be assigned to the elements of an array", assignment.value.span,
                               hint="assign the whole array")
    if len(names) > 1 or (names and not names[0].text.isidentifier()):
        raise UnsupportedError("E3001", "of an element only a field of its own can be assigned", assignment.target.span,
                               hint="assign the whole array")
    return names[0] if names else None


def _assignment(loop: _Loop) -> st.Assignment:
    span = loop.first.span
    array, element = ast.Path(loop.array, span=span), ast.Path((loop.variable,), span=span)
    fields = [name for name, _ in loop.pairs]
    if len({name and name.text for name in fields}) < len(fields) or (None in fields and len(fields) > 1):
        raise PlanError("E2010", f"elements of {'.'.join(n.text for n in loop.array)} are assigned twice", span)
    body = loop.pairs[0][1]
    if fields[0] is not None:
        pairs = tuple(
            part for name, value in loop.pairs if name is not None
            for part in (ast.Literal(f"$.{name.text}", span=span), value))
        body = ast.Call("JSON_SET", (element, *pairs), span=span)
    if loop.condition is not None:
        body = ast.Case(None, (ast.When(loop.condition, body, span=span),), element, span=span)
    changed = ast.Call("TRANSFORM", (array, ast.Lambda((loop.variable,), body, span=span)), span=span)
    value = ast.Call("COALESCE", (changed, array), span=span)
    return st.Assignment(ast.Target(loop.array, span=loop.first.target.span), value, span=span)
