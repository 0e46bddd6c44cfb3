"""Windows: $setWindowFields, one for each partition and order."""

from __future__ import annotations

from typing import Any

from sqlbulk.plan import algebra
from sqlbulk.plan.pipeline_rows import Lowering, Outer, Rows


def lower_window(node: algebra.Window, lowering: Lowering, outer: Outer) -> Rows:
    raise NotImplementedError
