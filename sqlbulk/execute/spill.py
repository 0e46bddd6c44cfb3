"""Rows that wait to be read once, in their order: in memory, and beyond a limit in a temporary file."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bson import decode, encode

from sqlbulk.errors import UsageError
from sqlbulk.execute.encode import OPTIONS

_HEAD = 4
"""How many bytes in front of a BSON document say its length."""


class Spill:
    """Chunks of rows, kept as BSON: `limit` bytes in memory, more in a file. Raises UsageError where that can't be.

    It is closed once all chunks are read; until then by `close`.
    """

    def __init__(self, limit: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=limit, prefix="sqlbulk-rows-")  # noqa: SIM115

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep a chunk."""
        try:
            self._file.write(encode({"rows": rows}, False, OPTIONS))
        except OSError as error:
            self.close()
            raise no_file(error, "the rows that are found first") from None

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """The chunks, each once."""
        try:
            self._file.seek(0)
        except OSError as error:
            self.close()
            raise no_file(error, "the rows that are found first") from None
        while head := self._file.read(_HEAD):
            rest = self._file.read(int.from_bytes(head, "little") - _HEAD)
            yield decode(head + rest, OPTIONS)["rows"]
        self.close()

    def close(self) -> None:
        """Remove the file."""
        # on a full disk what is buffered can't be written at the end either
        with suppress(OSError):
            self._file.close()


def no_file(error: OSError, purpose: str) -> UsageError:
    """What is said where a temporary file can't be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = f"no space is left for the temporary files of {purpose}" if full else (
        f"no temporary file for {purpose}: {error.strerror or error}")
    return UsageError("E6006", reason, hint="Raise memory_limit, or set TMPDIR to a larger disk.")
