"""
Proofs of trees that are kept nowhere: their leaves pass by once, in order.

The tree is the ledger's own (`merkle`). What is kept is a hash for each bit of the size,
twice over, whatever the size is.
"""

from collections.abc import Iterable

from gateway.ledger.encode import HASH_BYTES, leaf_hash
from gateway.ledger.merkle import Peaks, inclusion_ranges


def listed_hash(id: str) -> bytes:
    """The hash of an id as the leaf of a list: SHA-256(0x00 ‖ its UTF-8)."""
    return leaf_hash(id.encode())


class Passing:
    """
    Proves that one leaf is in a tree of so many leaves (RFC 6962 §2.1.1).

    Raises `ValueError` where `index` is not below `size`.
    """

    __slots__ = ("_beside", "_passed", "_size")

    def __init__(self, index: int, size: int) -> None:
        self._beside = [(part, Peaks()) for part in inclusion_ranges(index, size)]
        self._passed, self._size = 0, size

    def add(self, leaf_hashes: Iterable[bytes]) -> None:
        """The next leaves, by their hashes."""
        fresh = list(leaf_hashes)
        if any(len(digest) != HASH_BYTES for digest in fresh):
            raise ValueError("a leaf hash is 32 bytes")
        first = self._passed
        self._passed += len(fresh)
        for (start, end), peaks in self._beside:
            for digest in fresh[max(start - first, 0) : max(end - first, 0)]:
                peaks.add(digest)

    def hashes(self) -> list[bytes]:
        """The proof, from the leaf upwards. Raises `ValueError` before all have passed."""
        if self._passed != self._size:
            raise ValueError(f"{self._passed} leaves have passed, and not {self._size}")
        return [peaks.root() for _, peaks in self._beside]
