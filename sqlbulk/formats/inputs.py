"""The bytes of the files that a statement names: globs, decompression, encodings, whole lines."""

from __future__ import annotations

import bz2
import codecs
import glob
import gzip
import io
import os
import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from sqlbulk.commands import FileRows
from sqlbulk.errors import UsageError
from sqlbulk.rowdata import Chunk

BLOCK = 1 << 18
"""How many bytes are asked for at a time."""
LONGEST_LINE = 64 << 20
"""A line of more bytes than this stops the reading: its format is not what it is said to be."""
COMPRESSIONS = {
    "gz": "gz", "gzip": "gz", "bz2": "bz2", "bzip2": "bz2", "zst": "zst", "zstd": "zst", "none": "none",
}


class _Reads(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Input:
    """One file, or standard input: its name for messages, its path, how it is packed, its size in bytes."""

    name: str
    path: Path | None
    compression: str
    size: int | None = None
    stdin: BinaryIO | None = None

    def open(self) -> OpenInput:
        """The file, opened. Raises UsageError (E6002)."""
        if self.path is None:
            return OpenInput(self, self.stdin or sys.stdin.buffer, keep_open=True)
        try:
            return OpenInput(self, self.path.open("rb"), keep_open=False)
        except OSError as error:
            raise unreadable(self.name, error.strerror or str(error)) from None


class OpenInput:
    """An open file: unpacked blocks of bytes, and how many packed bytes were read for them."""

    def __init__(self, source: Input, raw: BinaryIO, *, keep_open: bool) -> None:
        self.name = source.name
        self._raw, self._keep_open = raw, keep_open
        self._counted = _Counted(raw)
        self._unpacked = _unpacked(self._counted, source.compression)

    @property
    def consumed(self) -> int:
        """How many bytes of the file itself were read so far."""
        return self._counted.count

    def read(self, size: int = BLOCK) -> bytes:
        """The next unpacked bytes, at least one while there are any. Raises UsageError (E6002) if damaged."""
        try:
            return self._unpacked.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(self.name, f"damaged or cut short ({error})") from None

    def blocks(self) -> Iterator[bytes]:
        """The unpacked bytes. Raises UsageError (E6002) if there are none."""
        block = self.read()
        if not block:
            raise unreadable(self.name, "empty")
        while block:
            yield block
            block = self.read()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if not self._keep_open:
            self._raw.close()


class _Counted:
    """A file that counts what is read of it."""

    def __init__(self, raw: _Reads) -> None:
        self._raw, self.count = raw, 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._raw.read(size)
        self.count += len(data)
        return data


class _Zstandard:
    """A zstandard file of one or more frames; unlike the library's own stream it notices a missing end."""

    def __init__(self, raw: _Reads) -> None:
        import zstandard

        self._raw, self._failure = raw, zstandard.ZstdError
        self._begin: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._packed = b""

    def read(self, size: int = -1, /) -> bytes:
        while True:
            packed = self._packed or self._raw.read(1 << 14)
            if not packed:
                if self._frame is not None:
                    raise EOFError("the last frame has no end")
                return b""
            data = self._step(packed)
            if data:
                return data

    def _step(self, packed: bytes) -> bytes:
        self._frame = self._frame or self._begin()
        try:
            data: bytes = self._frame.decompress(packed)
        except self._failure as error:
            raise OSError(str(error)) from None
        self._packed = b""
        if self._frame.eof:
            self._packed, self._frame = self._frame.unused_data, None
        return data


def _unpacked(raw: _Counted, compression: str) -> _Reads:
    match compression:
        case "gz":
            return gzip.GzipFile(fileobj=cast(BinaryIO, raw), mode="rb")
        case "bz2":
            return bz2.BZ2File(cast(BinaryIO, raw), mode="rb")
        case "zst":
            return _Zstandard(raw)
        case _:
            return raw


def unreadable(name: str, why: str) -> UsageError:
    """The error of a file that can't be read: E6002, one line."""
    return UsageError("E6002", f"{name}: {why}")


def find_inputs(spec: FileRows, *, base_dir: Path | None, stdin: BinaryIO | None) -> tuple[Input, ...]:
    """The files that a statement names, in the order of their names. Raises UsageError (E6002, E2007)."""
    if spec.compression is not None and spec.compression.lower() not in COMPRESSIONS:
        raise UsageError("E2007", f"compression {spec.compression!r} is not one of gz, bz2, zst and none")
    if spec.path == "-":
        return (Input("<stdin>", None, _compression(spec, ""), stdin=stdin),)
    return tuple(_input(spec, base_dir, name) for name in _names(spec.path, base_dir))


def _names(pattern: str, base_dir: Path | None) -> list[str]:
    path = os.path.expanduser(pattern)  # noqa: PTH111
    if not glob.has_magic(path) or (base_dir or Path()).joinpath(path).exists():
        return [path]
    found = sorted(n for n in glob.glob(path, root_dir=base_dir, recursive=True)  # noqa: PTH207
                   if (base_dir or Path()).joinpath(n).is_file())
    if not found:
        raise unreadable(pattern, "no file matches")
    return found


def _input(spec: FileRows, base_dir: Path | None, name: str) -> Input:
    path = (base_dir or Path()).joinpath(name)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise unreadable(name, "a directory, not a file")
        if path.is_file():
            # a pipe can't be opened twice
            path.open("rb").close()
    except (OSError, ValueError) as error:
        raise unreadable(name, getattr(error, "strerror", None) or str(error)) from None
    if size == 0 and path.is_file():
        raise unreadable(name, "empty")
    return Input(name, path, _compression(spec, name), size if path.is_file() else None)


def _compression(spec: FileRows, name: str) -> str:
    if spec.compression is not None:
        return COMPRESSIONS[spec.compression.lower()]
    return COMPRESSIONS.get(Path(name).suffix.lower().lstrip("."), "none")


def _mark_fault(error: UnicodeError) -> tuple[str, int]:
    """A decoding error handler: the fault becomes what is no UTF-8 either, and is found with its row."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error("sqlbulk-mark-fault", _mark_fault)

_PACKED = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"),
           *((b"BZh%d1AY&SY" % level, "bz2") for level in range(1, 10)))
"""How packed files begin."""
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def check_encoding(encoding: str) -> None:
    """Raises UsageError (E2007) for an encoding that is not known or not of text."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise UsageError("E2007", f"encoding {encoding!r} is not known") from None


def utf8_blocks(opened: OpenInput, encoding: str) -> Iterator[bytes]:
    """The file's text as UTF-8 without a byte order mark, whatever its encoding; faults stay invalid."""
    blocks = opened.blocks()
    first = next(blocks)
    packed = next((name for mark, name in _PACKED if first.startswith(mark)), None)
    if packed is not None:
        raise unreadable(opened.name, f"packed, not text; say COMPRESSION {packed} (or name the file .{packed})")
    while len(first) < 4 and (more := next(blocks, b"")):
        first += more
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        mark, encoding = next(((m, e) for m, e in _BOMS if first.startswith(m)), (b"", "utf-8"))
        if encoding == "utf-8":
            yield first[len(mark):]
            yield from blocks
            return
    decoder = codecs.getincrementaldecoder(encoding)("sqlbulk-mark-fault")
    try:
        yield decoder.decode(first).encode("utf-8", "surrogatepass")
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        # such as UTF-16 without the mark that tells the order of its bytes
        raise unreadable(opened.name, f"not {encoding} ({error})") from None


def whole_lines(blocks: Iterator[bytes], terminator: bytes, name: str) -> Iterator[bytes]:
    """The same bytes cut behind line ends; only the last block may lack one. Raises UsageError (E6002)."""
    rest = bytearray()
    for block in blocks:
        overlap = len(rest) - len(terminator) + 1
        rest += block
        at = rest.rfind(terminator, max(0, overlap))
        if at >= 0:
            at += len(terminator)
            yield bytes(memoryview(rest)[:at])
            del rest[:at]
        elif len(rest) > LONGEST_LINE:
            raise unreadable(name, f"a line is longer than {LONGEST_LINE >> 20} MiB")
    if rest:
        yield bytes(rest)


class FileSource(ABC):
    """What the readers of all formats share: their files, their size, and closing what is open."""

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self.inputs = inputs
        self.columns: tuple[str, ...] | None = None
        self._before = 0
        self._opened: OpenInput | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Chunk]:
        """The rows, chunk by chunk; once. Raises UsageError (E6002) for damage that ends the reading."""

    @property
    def size(self) -> int | None:
        """The files' sizes together in bytes, None if one is unknown."""
        sizes = [source.size for source in self.inputs]
        return None if None in sizes else sum(cast(list[int], sizes))

    @property
    def consumed(self) -> int:
        """How many bytes of the files were read so far."""
        return self._before + (self._opened.consumed if self._opened else 0)

    def opened(self) -> Iterator[OpenInput]:
        """The files one after the other; each is closed before the next is opened."""
        for source in self.inputs:
            self._opened = source.open()
            yield self._opened
            self.close()

    def close(self) -> None:
        """Close what is open. Harmless when nothing is."""
        if self._opened is not None:
            self._opened.close()
            self._before += self._opened.consumed
            self._opened = None

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def spooled(opened: OpenInput) -> BinaryIO:
    """The unpacked bytes in a temporary file (memory up to 32 MB), for formats that have to jump about."""
    import tempfile

    spool = tempfile.SpooledTemporaryFile(max_size=32 << 20)  # noqa: SIM115
    try:
        for block in opened.blocks():
            spool.write(block)
    except BaseException:
        spool.close()
        raise
    spool.seek(0, io.SEEK_SET)
    return cast(BinaryIO, spool)
