"""Names for what needs one of its own in the pipelines of a statement."""

from __future__ import annotations


class Names:
    """Numbers for what needs a name of its own in a statement's pipelines; `taken` are names of fields in them."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self.taken = taken
        self._last = 0

    def new(self, prefix: str) -> str:
        """A name that nothing else has."""
        self._last += 1
        while f"{prefix}{self._last}" in self.taken:
            self._last += 1
        return f"{prefix}{self._last}"
