"""Documents in batches that are bounded by number and by bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

BATCH_BYTES = 16 * 1024 * 1024

Document = TypeVar("Document", bound=Mapping[str, Any])


def batched(
    documents: Iterable[Document], *, size_of: Callable[[Document], int], most: int | None = None,
    room: int = BATCH_BYTES,
) -> Iterator[list[Document]]:
    """The documents in their order: at most `most` a batch (None: any number), and no more bytes than `room`.

    A document that is larger by itself is a batch of its own.
    """
    batch: list[Document] = []
    size = 0
    for document in documents:
        length = size_of(document)
        if batch and (len(batch) == most or size + length > room):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch
