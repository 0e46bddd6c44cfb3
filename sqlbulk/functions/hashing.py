"""Hashes of texts: worked out here, for constants and for rows that are read; the server has none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sqlbulk.functions.entries import entry, integer
from sqlbulk.functions.registry import Function, FunctionProblem, Parameter
from sqlbulk.types import Type

_SIZES = {0: "sha256", 224: "sha224", 256: "sha256", 384: "sha384", 512: "sha512"}


def _hexadecimal(algorithm: str, value: Any) -> str | None:
    """The hash of a text in UTF-8, or of bytes; NULL for anything else."""
    if isinstance(value, str):
        return hashlib.new(algorithm, value.encode(), usedforsecurity=False).hexdigest()
    return hashlib.new(algorithm, value, usedforsecurity=False).hexdigest() if isinstance(value, bytes) else None


def _refusal(name: str) -> Callable[..., Any]:
    def lower(*arguments: Any) -> Any:
        message = f"{name} of stored values is not supported: the server has no expression for it"
        raise FunctionProblem("E3001", message, hint="of constants and of the rows of a file it is worked out here")

    return lower


def _entry(name: str, algorithm: str, example: str, *aliases: str) -> Function:
    return entry(name, f"The {name} hash of a text or of bytes, in hexadecimal; constants and rows of a file only.",
                 example, (Parameter("text"),), _refusal(name), lambda value: _hexadecimal(algorithm, value),
                 returns=Type.STRING, aliases=aliases)


def _of_size(value: Any, bits: int) -> str | None:
    return _hexadecimal(_SIZES[bits], value) if bits in _SIZES else None


ENTRIES: tuple[Function, ...] = (
    _entry("MD5", "md5", "MD5('a') = '0cc175b9c0f1b6a831c399e269772661'"),
    _entry("SHA1", "sha1", "SHA1('a') = '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'", "SHA"),
    _entry("SHA224", "sha224", "LENGTH(SHA224('a')) = 56"),
    _entry("SHA256", "sha256", "LENGTH(SHA256('a')) = 64"),
    _entry("SHA384", "sha384", "LENGTH(SHA384('a')) = 96"),
    _entry("SHA512", "sha512", "LENGTH(SHA512('a')) = 128"),
    entry("SHA2", "The SHA-2 hash of 224, 256, 384 or 512 bits, in hexadecimal; NULL for other sizes.",
          "SHA2('a', 256) = SHA256('a')", (Parameter("text"), integer("bits")), _refusal("SHA2"), _of_size,
          returns=Type.STRING),
)
