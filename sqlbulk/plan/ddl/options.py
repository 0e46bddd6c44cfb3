"""The options of CREATE INDEX: a small table beside the options of bulk statements."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from sqlbulk import option_kinds as kinds
from sqlbulk.errors import PlanError
from sqlbulk.plan.ddl.indexes import KINDS
from sqlbulk.plan.options import option_value
from sqlbulk.plan.statement import Planning
from sqlbulk.syntax import statements as st

INDEX_OPTIONS = {
    "kind": kinds.choice(*KINDS),
    "sparse": kinds.FLAG,
    "expire_after": kinds.DURATION,
}
ALIASES = {"expire_after_seconds": "expire_after", "expireafterseconds": "expire_after", "ttl": "expire_after",
           "using": "kind", "type": "kind"}


def read_index_options(blocks: Sequence[st.OptionBlock], planning: Planning) -> dict[str, Any]:
    """The options given, checked, by their own names; raises PlanError E2006, E2007 or E2018."""
    values: dict[str, Any] = {}
    for block in blocks:
        if block.name in ("ARCHIVAL_STRATEGY", "TIME_SERIES_OPTIMIZATION"):
            raise PlanError("E2006", f"CREATE INDEX has no {block.name}", block.span)
        for option in block.options:
            written = option.name.lower()
            name = ALIASES.get(written, written)
            if name not in INDEX_OPTIONS:
                near = difflib.get_close_matches(written, (*INDEX_OPTIONS, *ALIASES), n=1)
                raise PlanError("E2006", f"CREATE INDEX has no option {option.name}", option.span,
                                hint=f"did you mean {near[0]}?" if near else f"it has {', '.join(INDEX_OPTIONS)}")
            if name in values:
                raise PlanError("E2018", f"option {name} is given twice", option.span)
            try:
                values[name] = INDEX_OPTIONS[name].parse(option_value(option.value, planning.environment))
            except ValueError as problem:
                raise PlanError("E2007", f"{option.name}: {problem}", option.value.span,
                                hint=f"{name} takes {INDEX_OPTIONS[name].takes}") from None
            if name == "expire_after" and not values[name].is_integer():
                raise PlanError("E2007", "expire_after is in whole seconds", option.value.span)
    return values


def refuse_options(blocks: Sequence[st.OptionBlock], statement: str) -> None:
    """Raise PlanError E2006 at the first option of a statement that has none."""
    for block in blocks:
        place = block.options[0] if block.options else block
        what = f"option {block.options[0].name}" if block.options else "options"
        raise PlanError("E2006", f"{statement} has no {what}", place.span)
