"""
The bundle: a ledger in one text file that only grows at its end, for whoever wants to check it.

    {"format":"sharing-ledger/2","origin":"…"}
    {"at":"…","id":"…","kind":"intent",…}
    {"at":"…","id":"…","kind":"outcome",…}
    {"checkpoint":"…","exported_at":"…"}
    {"at":"…","id":"…","kind":"intent",…}
    {"checkpoint":"…","exported_at":"…"}

A header, every leaf exactly as it was hashed, and after each export the signed
checkpoint of all leaves so far; one line each, ended by a line feed. The last
line is a checkpoint, so a file whose export was cut short cannot be taken for a
whole one. A leaf that was pruned is replaced by its hash. Nothing in the header
is authenticated: the last checkpoint must agree.

A bundle may begin at a later leaf: then the header holds the roots of the
perfect subtrees before it (`start`, `peaks`), from which the same tree grows.

`sharing-ledger/1` is read as well: its header has the number of leaves, and it
has one checkpoint. Reading is a stream: one line at a time, none longer than
`MAX_LINE`.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import BadGzipFile
from typing import Any, BinaryIO, Final, NoReturn

from gateway.ledger.bundle_lines import (
    FORMAT,
    FORMAT_1,
    MAX_LINE,
    BundleInvalid,
    Header,
    checkpoint_line,
    exactly,
    header_line,
    is_checkpoint,
    leaf_line,
    lines,
    pruned_hash,
    pruned_leaf,
    read_header,
)

__all__ = [
    "FORMAT",
    "FORMAT_1",
    "MAX_LINE",
    "BundleInvalid",
    "BundleReader",
    "Header",
    "Mark",
    "checkpoint_line",
    "header_line",
    "is_checkpoint",
    "leaf_line",
    "lines",
    "pruned_hash",
    "pruned_leaf",
    "read_header",
]

_UNFINISHED: Final = "the bundle is not finished: its export was interrupted, run it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A checkpoint's line, and how many leaves of the ledger stand before it."""

    size: int
    note: str


class BundleReader:
    """
    A bundle being read from a binary stream, front to back and once.

    The header is read at once; then iterate `leaves`, or `items` for the
    checkpoints between them too; then `checkpoint` is the signed note of all.
    Everything raises `BundleInvalid` with the number of the line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0
        self._checkpoint: str | None = None
        self.header = self._read_header()

    def leaves(self) -> Iterator[bytes]:
        """Yield the bytes of each leaf from `header.start` on, then read to the very end."""
        return (item for item in self.items() if isinstance(item, bytes))

    def items(self) -> Iterator[bytes | Mark]:
        """Yield leaves and the checkpoints between them and behind them."""
        return self._counted() if self.header.size is not None else self._grown()

    @property
    def checkpoint(self) -> str:
        """The signed note of all leaves. There is none before all of them were read."""
        if self._checkpoint is None:
            self._refuse("the bundle was not read to its end")
        return self._checkpoint

    def _grown(self) -> Iterator[bytes | Mark]:
        """The lines of `sharing-ledger/2`: leaves, and a checkpoint at the end of each export."""
        count, marked = self.header.start, -1
        last: str | None = None
        while line := self._next():
            last = None
            if not is_checkpoint(line):
                yield line
                count += 1
                continue
            last = self._note(line, {"checkpoint", "exported_at"})
            if marked == count:
                self._refuse("two checkpoints stand one behind the other")
            marked = count
            yield Mark(size=count, note=last)
        if last is None:
            self._refuse(f"{_UNFINISHED} (there is no checkpoint after leaf {count - 1})")
        self._checkpoint = last

    def _counted(self) -> Iterator[bytes | Mark]:
        """The lines of `sharing-ledger/1`: so many leaves, then one checkpoint."""
        size = self.header.size or 0
        for count in range(size):
            line = self._next()
            if not line or is_checkpoint(line):
                self._refuse(f"the bundle has {count} leaves and says {size}")
            yield line
        note = self._note(self._next(), {"checkpoint"})
        if self._stream.read(1):
            self._number += 1
            self._refuse("something follows the checkpoint")
        self._checkpoint = note
        yield Mark(size=size, note=note)

    def _note(self, line: bytes, members: set[str]) -> str:
        note = self._object(line, members)["checkpoint"]
        if not isinstance(note, str):
            self._refuse("the checkpoint is a text")
        return note

    def _read_header(self) -> Header:
        line = self._next()
        if not line:
            self._refuse("the bundle ends here")
        try:
            return read_header(line)
        except ValueError as error:
            raise BundleInvalid(self._number, str(error)) from error

    def _next(self) -> bytes:
        """The next line without its line feed; empty at the end."""
        self._number += 1
        try:
            line = self._stream.readline(MAX_LINE)
        except (EOFError, zlib.error, BadGzipFile) as error:
            what = "the compressed file is cut or damaged; if its export was interrupted, run it"
            raise BundleInvalid(self._number, f"{what} again") from error
        if line and not line.endswith(b"\n"):
            self._refuse("the line is cut, or longer than 1 MiB; an interrupted export goes on")
        if line == b"\n":
            self._refuse("the line is empty")
        return line[:-1]

    def _object(self, line: bytes, members: set[str]) -> dict[str, Any]:
        if not line:
            self._refuse("the bundle ends here")
        try:
            return exactly(line, members)
        except ValueError as error:
            raise BundleInvalid(self._number, str(error)) from error

    def _refuse(self, what: str) -> NoReturn:
        raise BundleInvalid(self._number, what)
