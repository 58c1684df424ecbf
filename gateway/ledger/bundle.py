"""
The bundle: a whole ledger in one text file, for whoever wants to check it.

    {"format":"sharing-ledger/1","origin":"…","size":2,"exported_at":"…"}
    {"at":"…","id":"…","kind":"intent",…}
    {"at":"…","id":"…","kind":"outcome",…}
    {"checkpoint":"…"}

A header, every leaf exactly as it was hashed, and the signed checkpoint; one
line each, ended by a line feed. A leaf that was pruned is replaced by its
hash. Nothing in the header is authenticated: it says what the reader should
expect, and the checkpoint must agree.

Reading is a stream: one line at a time, none longer than `MAX_LINE`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from gateway.errors import GatewayError
from gateway.ledger.checkpoint import MAX_SIZE
from gateway.ledger.encode import HASH_BYTES, LedgerEncodeError, canonical
from gateway.ledger.leaf import timestamp

FORMAT: Final = "sharing-ledger/1"
MAX_LINE: Final = 1 << 20
"""Bytes of a line, its line feed included."""


class BundleInvalid(GatewayError):
    """A bundle does not have its form. `line` counts from 1."""

    code = "bundle-invalid"

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a bundle."""

    origin: str
    size: int
    exported_at: str


def header_line(*, origin: str, size: int, exported_at: datetime) -> bytes:
    """Return the first line, with its line feed."""
    at = timestamp(exported_at)
    return _line({"format": FORMAT, "origin": origin, "size": size, "exported_at": at})


def leaf_line(leaf: bytes) -> bytes:
    """
    Return a leaf's line, with its line feed: the leaf's canonical bytes, or `pruned_leaf`.

    Raises `LedgerEncodeError` for a leaf that no reader would take.
    """
    if len(leaf) >= MAX_LINE or b"\n" in leaf:
        raise LedgerEncodeError("a leaf is one line of a bundle, shorter than 1 MiB")
    return leaf + b"\n"


def pruned_leaf(leaf_hash: bytes) -> bytes:
    """Return what stands in place of a leaf that was pruned."""
    return canonical({"pruned": True, "leaf_hash": leaf_hash.hex()})


def pruned_hash(leaf: Any) -> bytes | None:
    """Return the leaf hash if `leaf`, parsed, stands in place of a pruned one, else None."""
    if not isinstance(leaf, dict) or leaf.keys() != {"pruned", "leaf_hash"}:
        return None
    text = leaf["leaf_hash"]
    if leaf["pruned"] is not True or not isinstance(text, str) or len(text) != 2 * HASH_BYTES:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    return digest if digest.hex() == text else None


def footer_line(checkpoint_note: str) -> bytes:
    """Return the last line, with its line feed."""
    return _line({"checkpoint": checkpoint_note})


def lines(
    *, origin: str, size: int, exported_at: datetime, leaves: Iterable[bytes], checkpoint_note: str
) -> Iterator[bytes]:
    """
    Write a bundle, line by line.

    `leaves` are canonical bytes, or `pruned_leaf`. Raises `LedgerEncodeError`
    where they are not `size` in number; what was written until then is no
    bundle, because its last line is missing.
    """
    yield header_line(origin=origin, size=size, exported_at=exported_at)
    count = 0
    for leaf in leaves:
        yield leaf_line(leaf)
        count += 1
    if count != size:
        raise LedgerEncodeError(f"the bundle is of {size} leaves, and {count} were given")
    yield footer_line(checkpoint_note)


class BundleReader:
    """
    A bundle being read from a binary stream, front to back and once.

    The header is read at once; then iterate `leaves`; then `checkpoint` is the
    signed note. Everything raises `BundleInvalid` with the number of the line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0
        self._checkpoint: str | None = None
        self.header = self._read_header()

    def leaves(self) -> Iterator[bytes]:
        """Yield the bytes of each leaf, then read what follows to the very end."""
        for count in range(self.header.size):
            line = self._next()
            # No leaf begins so: `at` sorts before.
            if not line or line.startswith(b'{"checkpoint"'):
                raise self._wrong(f"the bundle has {count} leaves and says {self.header.size}")
            yield line
        footer = self._object({"checkpoint"})
        if not isinstance(footer["checkpoint"], str):
            raise self._wrong("the checkpoint is a text")
        if self._stream.read(1):
            self._number += 1
            raise self._wrong("something follows the checkpoint")
        self._checkpoint = footer["checkpoint"]

    @property
    def checkpoint(self) -> str:
        """The signed note. There is none before all leaves were read."""
        if self._checkpoint is None:
            raise self._wrong("the bundle was not read to its end")
        return self._checkpoint

    def _read_header(self) -> Header:
        header = self._object({"format", "origin", "size", "exported_at"})
        if header["format"] != FORMAT:
            raise self._wrong(f"the format is not {FORMAT}")
        origin, size, exported_at = header["origin"], header["size"], header["exported_at"]
        if not isinstance(origin, str) or not isinstance(exported_at, str):
            raise self._wrong("origin and exported_at are texts")
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise self._wrong("size is a number of leaves")
        return Header(origin=origin, size=size, exported_at=exported_at)

    def _next(self) -> bytes:
        """The next line without its line feed; empty at the end."""
        line = self._stream.readline(MAX_LINE)
        self._number += 1
        if line and not line.endswith(b"\n"):
            raise self._wrong("the line is cut, or longer than 1 MiB")
        if line == b"\n":
            raise self._wrong("the line is empty")
        return line[:-1]

    def _object(self, members: set[str]) -> dict[str, Any]:
        """The next line, an object with exactly these members."""
        line = self._next()
        if not line:
            raise self._wrong("the bundle ends here")
        try:
            value = json.loads(line.decode(), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise self._wrong("the line is no JSON object") from error
        if not isinstance(value, dict) or value.keys() != members or line != line.strip():
            raise self._wrong(f"the line is an object with exactly: {', '.join(sorted(members))}")
        return value

    def _wrong(self, what: str) -> BundleInvalid:
        return BundleInvalid(self._number, what)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members
