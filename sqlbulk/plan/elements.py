"""Assignments to elements of arrays, `items[*].q = 0`, `a[2] = x`, `v.q = 0 FOR v IN items … END`, as ordinary ones.

They become an assignment of the whole array. Everything that is assigned within one array is put into a tree, so that
every value is worked out from the row as it was. What isn't an array stays as it is, be it missing; so does an element
of `[*]` that isn't a document where a field of it is assigned. `a[2]` makes the array where it is NULL, as long as it
takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlbulk.errors import PlanError, Span, UnsupportedError
from sqlbulk.plan.targets import checked_name
from sqlbulk.syntax import ast
from sqlbulk.syntax import statements as st

ELEMENT = "element of the array"
"""What the names of lambdas' parameters for elements begin with; nobody writes such a name."""
LONGEST = 10_000
"""The highest position that is assigned: an array is filled with NULLs up to it."""

Names = tuple[ast.Identifier, ...]
Step = str | ast.Expr | None
"""A field's name, an element's position, None for all elements."""
Removal = ast.Default


@dataclass(slots=True)
class _Node:
    """What is assigned at a place: a value, or something below it, of one kind: fields, elements, or every element."""

    value: ast.Expr | None = None
    below: list[tuple[Step, _Node]] = field(default_factory=list)

    @property
    def kind(self) -> Literal["fields", "each", "positions"]:
        """What is below."""
        first = self.below[0][0]
        return "fields" if isinstance(first, str) else "each" if first is None else "positions"


@dataclass(slots=True)
class _Array:
    """An array some of whose elements are assigned; with a loop, the variable and its condition."""

    names: Names
    first: st.Assignment
    root: _Node = field(default_factory=_Node)
    variable: ast.Identifier | None = None
    condition: ast.Expr | None = None


def with_whole_arrays(assignments: Sequence[st.Assignment]) -> tuple[list[st.Assignment], set[int]]:
    """The assignments without elements, and the places of those that may leave their field missing.

    Raises UnsupportedError for forms that aren't supported, PlanError for a FOR whose variable isn't assigned, for
    what is assigned twice, and for positions that no array has.
    """
    made: list[st.Assignment | _Array] = []
    for assignment in map(_with_names, assignments):
        array, steps = _array(assignment)
        if array is None:
            made.append(assignment)
            continue
        same = next((m for m in made if isinstance(m, _Array) and _alike(m, array)), None)
        if same is None:
            made.append(array)
        _put((same or array).root, steps, assignment)
    places = {n for n, one in enumerate(made) if isinstance(one, _Array) and one.root.kind == "each"}
    return [_assignment(one) if isinstance(one, _Array) else one for one in made], places


def _with_names(assignment: st.Assignment) -> st.Assignment:
    """The assignment with `a['b']` as `a.b`."""
    parts: list[ast.Identifier | ast.Element] = []
    for part in assignment.target.parts:
        match part:
            case ast.Element(index=ast.Literal(value=str(name))):
                parts.append(ast.Identifier(name, quoted=True, span=part.span))
            case _:
                parts.append(part)
    target = ast.Target(tuple(parts), span=assignment.target.span)
    return st.Assignment(target, assignment.value, assignment.loop, span=assignment.span)


def _alike(one: _Array, other: _Array) -> bool:
    names = [[name.text for name in (*array.names, *([array.variable] if array.variable else []))]
             for array in (one, other)]
    return names[0] == names[1] and one.condition == other.condition


def _array(assignment: st.Assignment) -> tuple[_Array | None, list[Step]]:
    """The array that an assignment is about, None for an ordinary one, and the steps from it to the target."""
    parts, loop = assignment.target.parts, assignment.loop
    place = next((n for n, part in enumerate(parts) if isinstance(part, ast.Element)), None)
    if loop is not None:
        first = parts[0]
        assert isinstance(first, ast.Identifier)
        if first.text != loop.variable.text:
            raise PlanError("E2002", f"FOR {loop.variable.text} assigns {loop.variable.text} or a field of it, not"
                            f" {first.text}", assignment.target.span)
        names = [part for part in loop.array.parts if isinstance(part, ast.Identifier)]
        if len(names) < len(loop.array.parts):
            raise UnsupportedError("E3001", "FOR goes over a whole array", loop.array.span,
                                   hint="items[*].parts[*].q = … assigns to the elements of elements")
        array = _Array(tuple(names), assignment, variable=loop.variable, condition=loop.condition)
        return array, [None, *map(_step, parts[1:])]
    if place is None:
        return None, []
    names = [part for part in parts[:place] if isinstance(part, ast.Identifier)]
    return _Array(tuple(names), assignment), list(map(_step, parts[place:]))


def _step(part: ast.Identifier | ast.Element) -> Step:
    if isinstance(part, ast.Identifier):
        if '"' in checked_name(part.text, part.span):
            raise UnsupportedError("E3001", 'a field with a " in its name can\'t be assigned in an element', part.span,
                                   hint="assign the whole array")
        return part.text
    if isinstance(part.index, ast.Literal):
        value = part.index.value
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST:
            raise PlanError("E2012", f"an element's position is a whole number from 1 to {LONGEST:,}", part.span)
    return part.index


def _put(root: _Node, steps: Sequence[Step], assignment: st.Assignment) -> None:
    node, span = root, assignment.target.span
    for step in steps:
        found = next((below for known, below in node.below if known == step), None)
        if found is None:
            found = _Node()
            node.below.append((step, found))
            if len({_Node(below=[one]).kind for one in node.below}) > 1:
                raise PlanError("E2010", "elements of an array are assigned in two ways", span)
        elif found.value is not None:
            raise PlanError("E2010", "elements of an array are assigned twice", span)
        node = found
    if node.below or node.value is not None:
        raise PlanError("E2010", "elements of an array are assigned twice", span)
    if isinstance(assignment.value, Removal) and not isinstance(steps[-1], str):
        raise UnsupportedError("E3001", "DEFAULT can't be assigned to the elements of an array", assignment.value.span,
                               hint="assign the whole array: a = FILTER(a, x -> …)")
    node.value = assignment.value


def _assignment(array: _Array) -> st.Assignment:
    span = array.first.span
    value = _Maker(span, array.variable, array.condition).made(ast.Path(array.names, span=span), array.root)
    return st.Assignment(ast.Target(array.names, span=array.first.target.span), value, span=span)


# Trees to expressions


@dataclass(slots=True)
class _Maker:
    """Makes the expression of an array out of its tree; `variable` and `condition` are those of a FOR."""

    span: Span
    variable: ast.Identifier | None
    condition: ast.Expr | None
    count: int = 0

    def made(self, base: ast.Expr, node: _Node, *, absent: bool = False) -> ast.Expr:
        """What stands at a place, `base` being what stood there. `absent`: a document is made where there was NULL."""
        if node.value is not None:
            return node.value
        match node.kind:
            case "fields":
                return self._fields(self._call("COALESCE", base, ast.DocumentLiteral((), span=self.span))
                                    if absent else base, base, node)
            case "each":
                return self._each(base, node.below[0][1])
            case _:
                return self._positions(base, node)

    def _fields(self, document: ast.Expr, base: ast.Expr, node: _Node) -> ast.Expr:
        pairs: dict[str, list[ast.Expr]] = {"JSON_SET": [], "JSON_REPLACE": []}
        removed = []
        for name, below in node.below:
            path = self._literal(f'$."{name}"')
            if isinstance(below.value, Removal):
                removed.append(path)
            else:
                member = ast.Member(base, ast.Identifier(str(name), quoted=True, span=self.span), span=self.span)
                function = "JSON_SET" if _makes(below) else "JSON_REPLACE"
                pairs[function] += [path, self.made(member, below, absent=_makes(below))]
        changed = document if _makes(node) else base
        for function, given in pairs.items():
            changed = self._call(function, changed, *given) if given else changed
        return self._call("JSON_REMOVE", changed, *removed) if removed else changed

    def _each(self, base: ast.Expr, below: _Node) -> ast.Expr:
        variable, condition = self.variable, self.condition
        self.variable = self.condition = None
        variable = variable or self._fresh()
        element = ast.Path((variable,), span=self.span)
        body = self.made(element, below)
        if condition is not None:
            body = ast.Case(None, (ast.When(condition, body, span=self.span),), element, span=self.span)
        changed = self._call("TRANSFORM", base, ast.Lambda((variable,), body, span=self.span))
        return self._call("COALESCE", changed, base)

    def _positions(self, base: ast.Expr, node: _Node) -> ast.Expr:
        variable = self._fresh()
        here = ast.Path((variable,), span=self.span)
        element = ast.Subscript(base, here, span=self.span)
        # of two that turn out to be one position, the last one written counts
        whens = [ast.When(self._binary("=", here, index), self.made(element, below, absent=True), span=self.span)
                 for index, below in reversed(list(_positions_of(node)))]
        body = ast.Case(None, tuple(whens), element, span=self.span)
        length: ast.Expr = self._call("COALESCE", self._call("ARRAY_LENGTH", base), self._literal(0))
        fits: ast.Expr = self._binary(
            "OR", ast.Is(base, False, "NULL", span=self.span),
            self._binary("=", self._call("JSON_TYPE", base), self._literal("ARRAY")))
        for index, _ in _positions_of(node):
            length = self._call("GREATEST", length, index)
            if not isinstance(index, ast.Literal):
                between = ast.Between(index, False, False, self._literal(1), self._literal(LONGEST), span=self.span)
                fits = self._binary("AND", fits, between)
        places = self._call("SEQUENCE", self._literal(1), length)
        changed = self._call("TRANSFORM", places, ast.Lambda((variable,), body, span=self.span))
        return ast.Case(None, (ast.When(fits, changed, span=self.span),), base, span=self.span)

    def _fresh(self) -> ast.Identifier:
        self.count += 1
        return ast.Identifier(f"{ELEMENT} {self.count}", quoted=True, span=self.span)

    def _literal(self, value: object) -> ast.Literal:
        return ast.Literal(value, span=self.span)

    def _call(self, name: str, *arguments: ast.Expr | ast.Lambda) -> ast.Call:
        return ast.Call(name, arguments, span=self.span)

    def _binary(self, operator: str, left: ast.Expr, right: ast.Expr) -> ast.Binary:
        return ast.Binary(operator, left, right, span=self.span)


def _makes(node: _Node) -> bool:
    """Whether something is made where nothing was; `[*]` and DEFAULT only change what is there."""
    if not node.below:
        return not isinstance(node.value, Removal)
    return node.kind == "positions" or (node.kind == "fields" and any(_makes(below) for _, below in node.below))


def _positions_of(node: _Node) -> Iterator[tuple[ast.Expr, _Node]]:
    for step, below in node.below:
        assert isinstance(step, ast.Node)
        yield step, below
