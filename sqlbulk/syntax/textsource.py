"""Where a script's bytes come from, and stretches that can be read again without being kept in memory."""

from __future__ import annotations

import codecs
import io
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TextIO

from sqlbulk.errors import Source, Span, SqlSyntaxError, UsageError

PIECE = 1 << 18


class Store(Protocol):
    """Bytes that can be read at any place, any number of times."""

    def pieces(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` in pieces of at most `size`."""


class MemoryStore:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def pieces(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` in pieces of at most `size`."""
        for at in range(start, end, size):
            yield self.data[at : min(at + size, end)]


class PathStore:
    """A file by its path, opened anew for each pass; an error if it was changed meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version: tuple[int, ...] | None = None

    def open(self) -> IO[bytes]:
        """The file, the same as the first time. UsageError E6002 if it isn't, or can't be read."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise UsageError("E6002", f"{self.path} can't be read: {error.strerror}") from error
        status = os.fstat(file.fileno())
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        self.version = self.version or version
        if version != self.version:
            file.close()
            raise UsageError("E6002", f"{self.path} was changed while it was read")
        return file

    def pieces(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` in pieces of at most `size`."""
        with self.open() as file:
            file.seek(start)
            while start < end and (data := file.read(min(size, end - start))):
                start += len(data)
                yield data


class FileStore:
    """An open binary file that can seek; passes may be mixed, each read finds its place again."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.lock = threading.Lock()

    def pieces(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` in pieces of at most `size`."""
        while start < end:
            with self.lock:
                self.file.seek(start)
                data = self.file.read(min(size, end - start))
            if not data:
                return
            start += len(data)
            yield data


class SpoolStore(FileStore):
    """A temporary file that takes what can't be read twice; it goes away with the store."""

    def __init__(self) -> None:
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the finalizer)
        super().__init__(file)
        self.size = 0
        weakref.finalize(self, file.close)

    def write(self, data: bytes) -> None:
        """Append. UsageError E6006 if the disk is full."""
        try:
            self.file.write(data)
        except OSError as error:
            raise UsageError("E6006", f"No temporary file for a value list: {error.strerror}") from error
        self.size += len(data)


@dataclass(frozen=True, slots=True)
class Input:
    """A script being read: its bytes in order, and the store that has them again later, None for a stream.

    `origin` is the place of the first byte in the store. `errors` is how bytes are decoded: text that was
    handed in as str may hold lone surrogates, a file may not.
    """

    chunks: Iterator[bytes]
    store: Store | None
    origin: int = 0
    errors: str = "strict"


def open_input(script: str | Path | IO[bytes] | TextIO, piece: int = PIECE) -> Input:
    """A script's text (str), path or open file as an `Input`. UsageError E6002: not readable."""
    if isinstance(script, str):
        data = script.encode("utf-8", "surrogatepass")
        memory = MemoryStore(data)
        return Input(memory.pieces(0, len(data), piece), memory, errors="surrogatepass")
    if isinstance(script, Path):
        return _open_path(script, piece)
    binary = _binary(script)
    if binary is None:
        return Input(_text_stream(script, piece), None, errors="surrogatepass")
    if _seekable(binary):
        origin = binary.tell()
        end = binary.seek(0, io.SEEK_END)
        opened = FileStore(binary)
        return Input(opened.pieces(origin, end, piece), opened, origin)
    return Input(_stream(binary, piece), None)


def _open_path(path: Path, piece: int) -> Input:
    store = PathStore(path)
    file = store.open()
    if path.is_file():
        with file:
            size = os.fstat(file.fileno()).st_size
        return Input(store.pieces(0, size, piece), store)
    return Input(_closing_stream(file, piece), None)


def _binary(script: Any) -> IO[bytes] | None:
    """The binary file, also that below a text file in UTF-8 of which nothing was read; else None."""
    if not isinstance(script, io.TextIOBase):
        return script  # type: ignore[no-any-return]
    buffer = getattr(script, "buffer", None)
    if buffer is None or codecs.lookup(script.encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
        return None
    if _seekable(buffer) and script.tell() != buffer.tell():
        return None
    return buffer  # type: ignore[no-any-return]


def _seekable(file: IO[bytes]) -> bool:
    return bool(getattr(file, "seekable", lambda: False)())


def _closing_stream(file: IO[bytes], piece: int) -> Iterator[bytes]:
    with file:
        yield from _stream(file, piece)


def _stream(file: Any, piece: int) -> Iterator[bytes]:
    """What has arrived, up to a piece at a time: a statement from a pipe runs before the next is there."""
    read = getattr(file, "read1", file.read)
    while data := read(piece):
        yield data


def _text_stream(file: Any, piece: int) -> Iterator[bytes]:
    while text := file.read(piece):
        yield text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class ValueText:
    """The value list of a statement: text that can be read any number of times, in pieces.

    `start` and `end` are bytes in the store, `line` and `column` (1-based) the place of the first character
    in the script called `name`. `complete` is False if the script ended before the list did.
    """

    store: Store
    start: int
    end: int
    name: str
    line: int
    column: int
    errors: str = "strict"
    complete: bool = True

    @property
    def size(self) -> int:
        """The length in bytes."""
        return self.end - self.start

    def __iter__(self) -> Iterator[str]:
        return (text for text, _ in self.pieces())

    def pieces(self, size: int = PIECE) -> Iterator[tuple[str, int]]:
        """The text in order, in pieces of about `size` bytes, each with the count of bytes behind it.

        SqlSyntaxError E1008: bytes that are not UTF-8. UsageError E6002: the file was cut short.
        """
        decoder = codecs.getincrementaldecoder("utf-8")(self.errors)
        at = self.start
        for data in self.store.pieces(self.start, self.end, size):
            held = len(decoder.getstate()[0])
            at += len(data)
            try:
                text = decoder.decode(data, final=at == self.end)
            except UnicodeDecodeError as error:
                raise self._not_text(at - len(data) - held + error.start) from error
            if text:
                yield text, at - self.start
        if at != self.end:
            raise UsageError("E6002", f"{self.name} was cut short while it was read")

    def _not_text(self, at: int) -> SqlSyntaxError:
        line, column, tail = self.line, self.column, b""
        for data in self.store.pieces(self.start, at, PIECE):
            newlines = data.count(b"\n")
            line += newlines
            tail = data[data.rfind(b"\n") + 1 :] if newlines else tail + data
            column = 1 if newlines else column
        return not_utf8(tail, self.name, line, column)


def not_utf8(before: bytes, name: str, line: int, column: int) -> SqlSyntaxError:
    """E1008 for the byte behind `before`: the good part of its line, which begins at line and column."""
    text = before.decode("utf-8", "replace")
    source = Source(text + "\N{REPLACEMENT CHARACTER}", name, line, column)
    span = Span(len(text), len(text) + 1)
    return SqlSyntaxError("E1008", "The script is not UTF-8 here", span, source=source)
