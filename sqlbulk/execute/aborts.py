"""What a pipeline stops with on purpose, by the text that it makes the server complain of."""

from __future__ import annotations

from sqlbulk.errors import ServerError

_HINTS = {
    "a subquery used as a value gave more than one row": "add LIMIT 1, or an aggregate such as MAX",
    "two stars bring different values for one field":
        "name the columns that are needed, or leave out those of one side: u.* EXCEPT (name)",
}


def on_purpose(error: Exception) -> ServerError | None:
    """The error that a pipeline stopped with, None if the server failed by itself."""
    text = str(error)
    return next((ServerError("E5005", reason, hint=hint) for reason, hint in _HINTS.items() if reason in text), None)
