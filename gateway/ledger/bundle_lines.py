"""
The lines of a bundle, written and read one by one: header, leaves, checkpoints.

`bundle` says what a whole one is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.errors import GatewayError
from gateway.ledger.checkpoint import MAX_SIZE
from gateway.ledger.encode import HASH_BYTES, LedgerEncodeError, canonical
from gateway.ledger.leaf import timestamp

FORMAT: Final = "sharing-ledger/2"
FORMAT_1: Final = "sharing-ledger/1"
MAX_LINE: Final = 1 << 20
"""Bytes of a line, its line feed included."""

# No leaf begins so: its `at` sorts before.
_CHECKPOINT: Final = b'{"checkpoint"'


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
    format: str = FORMAT
    size: int | None = None
    """How many leaves; None: the last checkpoint says it (`sharing-ledger/2`)."""
    exported_at: str | None = None
    """`sharing-ledger/1` only; later each checkpoint has its own."""
    start: int = 0
    """The index of the first leaf."""
    peaks: tuple[bytes, ...] = ()
    """Roots of the perfect subtrees of the leaves before `start`, the largest first."""
    since: str | None = None
    """The signed checkpoint of the leaves before `start`, if somebody kept one."""


def header_line(
    *, origin: str, start: int = 0, peaks: Sequence[bytes] = (), since: str | None = None
) -> bytes:
    """Return the first line, with its line feed. `peaks` are those of `start` leaves."""
    header: dict[str, Any] = {"format": FORMAT, "origin": origin}
    if start:
        header |= {"start": start, "peaks": [one.hex() for one in peaks]}
        header |= {} if since is None else {"since": since}
    return _line(header)


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
    if leaf["pruned"] is not True:
        return None
    return _digest(leaf["leaf_hash"])


def checkpoint_line(checkpoint_note: str, exported_at: datetime) -> bytes:
    """Return the line that ends an export, with its line feed."""
    return _line({"checkpoint": checkpoint_note, "exported_at": timestamp(exported_at)})


def is_checkpoint(line: bytes) -> bool:
    """Whether a line of a bundle is a checkpoint's and no leaf's."""
    return line.startswith(_CHECKPOINT)


def lines(
    *, origin: str, exported_at: datetime, leaves: Iterable[bytes], checkpoint_note: str
) -> Iterator[bytes]:
    """
    Write a bundle of all leaves, line by line; they are canonical bytes, or `pruned_leaf`.

    What was written before the last line is no whole bundle.
    """
    yield header_line(origin=origin)
    yield from map(leaf_line, leaves)
    yield checkpoint_line(checkpoint_note, exported_at)


def read_header(line: bytes) -> Header:
    """Read a bundle's first line, without its line feed. Raises `ValueError`, saying why."""
    said = _object(line)
    match said.get("format"):
        case "sharing-ledger/2":
            return _header_2(said)
        case "sharing-ledger/1":
            return _header_1(exactly(line, {"format", "origin", "size", "exported_at"}))
    raise ValueError(f"the format is neither {FORMAT} nor {FORMAT_1}")


def _header_1(said: dict[str, Any]) -> Header:
    origin, size, exported_at = said["origin"], said["size"], said["exported_at"]
    if not isinstance(origin, str) or not isinstance(exported_at, str):
        raise ValueError("origin and exported_at are texts")
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise ValueError("size is a number of leaves")
    return Header(origin=origin, format=FORMAT_1, size=size, exported_at=exported_at)


def _header_2(said: dict[str, Any]) -> Header:
    later = {"start", "peaks"} if "start" in said else set()
    allowed = {"format", "origin"} | later | ({"since"} & said.keys() if later else set())
    if said.keys() != allowed:
        raise ValueError("the line is an object of format, origin; or of start, peaks, since too")
    origin, start, since = said["origin"], said.get("start", 0), said.get("since")
    if not isinstance(origin, str) or not isinstance(since, str | None):
        raise ValueError("origin and since are texts")
    if type(start) is not int or not bool(later) <= start <= MAX_SIZE:
        raise ValueError("start is the index of a leaf, 1 or more")
    peaks = _peaks(said.get("peaks", []), start)
    return Header(origin=origin, start=start, peaks=peaks, since=since)


def _peaks(value: Any, start: int) -> tuple[bytes, ...]:
    found = [_digest(one) for one in value] if isinstance(value, list) else []
    peaks = tuple(one for one in found if one is not None)
    if not isinstance(value, list) or len(peaks) != len(value) or len(peaks) != start.bit_count():
        raise ValueError("peaks are hashes, one for each bit that is set in start")
    return peaks


def exactly(line: bytes, members: set[str]) -> dict[str, Any]:
    value = _object(line)
    if value.keys() != members:
        raise ValueError(f"the line is an object with exactly: {', '.join(sorted(members))}")
    return value


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError("the line is no JSON object") from error
    if not isinstance(value, dict) or line != line.strip():
        raise ValueError("the line is an object without white space around it")
    return value


def _digest(text: Any) -> bytes | None:
    """The bytes of 64 lower case hex digits, else None."""
    if not isinstance(text, str) or len(text) != 2 * HASH_BYTES:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    return digest if digest.hex() == text else None


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members
