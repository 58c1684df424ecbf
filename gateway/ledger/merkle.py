"""
The tree over the leaves, kept in tiles.

A tile is up to 256 hashes of 32 bytes, side by side. The tile `(level, n)`
holds the hashes of the perfect subtrees of 256**level leaves, from number
`256 * n` on (C2SP tlog-tiles, height 8). A tile only ever grows to the right,
and a full one never changes. So a store of ten million leaves reads at most
four tiles to extend the tree and a handful to prove anything.

    level 1   [ root of tile (0, 0) | root of tile (0, 1) | … ]
    level 0   [ leaf 0 … leaf 255 ] [ leaf 256 … leaf 511 ] [ leaf 512 …

Every node whose height is no multiple of eight is computed from the tile
below it. What is asked of the tree is first turned into ranges of leaves
(`inclusion_ranges`, `_consistency_ranges`); a range becomes perfect subtrees
(`_nodes`), and each of those lies in one tile (`_place`). The tiles that a
proof needs and the proof itself come from the same ranges.

A tile may be wider than the tree of the size asked about: it is read as wide
as that size makes it. One that is missing or too short raises
`LedgerContradiction`. Sizes and indexes out of range raise `ValueError`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from gateway.errors import LedgerContradiction
from gateway.ledger.encode import EMPTY_ROOT, HASH_BYTES, node_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES

TileId: TypeAlias = tuple[int, int]
"""`(level, n)`, both from 0."""
Tiles: TypeAlias = Mapping[TileId, bytes]
_Range: TypeAlias = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""


def extend(tiles: Tiles, size: int, leaf_hashes: Sequence[bytes]) -> dict[TileId, bytes]:
    """
    Append leaf hashes to a tree of `size` leaves and return the tiles that changed.

    `tiles` holds at least those of `edge(size)`. The work is linear in the
    number of hashes. Raises `ValueError` for a hash that is not 32 bytes.
    """
    _check_size(size)
    if any(len(digest) != HASH_BYTES for digest in leaf_hashes):
        raise ValueError("a leaf hash is 32 bytes")
    changed: dict[TileId, bytes] = {}
    level, count, fresh = 0, size, b"".join(leaf_hashes)
    while fresh:
        fresh = _append(tiles, changed, level, count, fresh)
        level, count = level + 1, count >> TILE_HEIGHT
    return changed


def _append(
    tiles: Tiles, changed: dict[TileId, bytes], level: int, count: int, fresh: bytes
) -> bytes:
    """Append hashes to one level; return the roots of the tiles that became full."""
    number, width = divmod(count, TILE_WIDTH)
    data = _read(tiles, (level, number), 0, width) + fresh if width else fresh
    roots = []
    for start in range(0, len(data), _TILE_BYTES):
        tile = data[start : start + _TILE_BYTES]
        changed[level, number] = tile
        if len(tile) == _TILE_BYTES:
            roots.append(_fold(tile))
        number += 1
    return b"".join(roots)


def edge(size: int) -> list[TileId]:
    """Return the partial tiles at the right edge: what `extend` and `root` read, lowest first."""
    _check_size(size)
    partial, level = [], 0
    while size:
        if size % TILE_WIDTH:
            partial.append((level, size // TILE_WIDTH))
        size, level = size >> TILE_HEIGHT, level + 1
    return partial


def root(tiles: Tiles, size: int) -> bytes:
    """Return the root of the first `size` leaves, from the tiles of `edge(size)`."""
    _check_size(size)
    return _range_hash(tiles, (0, size)) if size else EMPTY_ROOT


def peaks(tiles: Tiles, size: int) -> tuple[bytes, ...]:
    """Return what `Peaks` of the first `size` leaves go on from, from the tiles of `edge(size)`."""
    return tuple(_fold(_read(tiles, *_place(*node))) for node in _nodes((0, size)))


def inclusion_tiles(index: int, size: int) -> list[TileId]:
    """Return the tiles that `inclusion(tiles, index, size)` reads, without repetition."""
    return _tiles_of(inclusion_ranges(index, size))


def inclusion(tiles: Tiles, index: int, size: int) -> list[bytes]:
    """
    Prove that leaf `index` is in the tree of the first `size` leaves.

    Returns the hashes of RFC 6962 §2.1.1, from the leaf upwards; empty for the
    only leaf of a tree.
    """
    return [_range_hash(tiles, part) for part in inclusion_ranges(index, size)]


def consistency_tiles(old: int, new: int) -> list[TileId]:
    """Return the tiles that `consistency(tiles, old, new)` reads, without repetition."""
    return _tiles_of(_consistency_ranges(old, new))


def consistency(tiles: Tiles, old: int, new: int) -> list[bytes]:
    """
    Prove that the tree of `old` leaves is the beginning of the tree of `new`.

    Returns the hashes of RFC 6962 §2.1.2; empty for equal sizes. From the
    empty tree there is nothing to prove: `old` is at least 1.
    """
    return [_range_hash(tiles, part) for part in _consistency_ranges(old, new)]


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root by the very definition of RFC 6962 §2.1: for tests and small trees."""
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    middle = _split(0, len(leaf_hashes))
    return node_hash(root_of(leaf_hashes[:middle]), root_of(leaf_hashes[middle:]))


class Peaks:
    """
    The root of leaves that pass by one after the other.

    Keeps one hash for each bit of the size, whatever the size is: the roots of
    the perfect subtrees, the largest first.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError("one hash for each bit that is set in the size")
        self.size, self._hashes = size, list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest first: from them the tree goes on."""
        return tuple(self._hashes)

    def add(self, leaf_hash: bytes) -> None:
        """Append one leaf, by its hash."""
        joined, size = leaf_hash, self.size
        while size & 1:
            joined, size = node_hash(self._hashes.pop(), joined), size >> 1
        self._hashes.append(joined)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of all leaves added so far."""
        return _join(self._hashes) if self._hashes else EMPTY_ROOT


def tile_width(level: int, number: int, size: int) -> int:
    """Return how many hashes the tile has in a tree of `size` leaves: 0 to 256."""
    return min(TILE_WIDTH, max(0, (size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH))


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """
    Return where a tile is published, for example `tile/0/x001/x234/067.p/112` (C2SP tlog-tiles).

    `width` is the number of hashes, 1 to 256; the last part stands only for
    partial tiles.
    """
    if not (level >= 0 and number >= 0 and 1 <= width <= TILE_WIDTH):
        raise ValueError(f"no tile has level {level}, number {number} and width {width}")
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return f"tile/{level}/{index_path(number)}{partial}"


def index_path(number: int) -> str:
    """Return a tile's number in groups of three digits, for example `x001/x234/067`."""
    number, last = divmod(number, 1000)
    path = f"{last:03d}"
    while number:
        number, group = divmod(number, 1000)
        path = f"x{group:03d}/{path}"
    return path


def _check_size(size: int) -> None:
    if size < 0:
        raise ValueError("the size of a tree is not negative")


def _split(start: int, end: int) -> int:
    """Where RFC 6962 splits: at the largest power of two smaller than the number of leaves."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion_ranges(index: int, size: int) -> list[_Range]:
    """
    The subtrees beside the path from the leaf to the root, from the leaf upwards, each as
    the leaves from the first number up to, not including, the second.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    start, end = 0, size
    beside = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((start, middle))
            start = middle
    return beside[::-1]


def _consistency_ranges(old: int, new: int) -> list[_Range]:
    """The subtrees of a consistency proof: SUBPROOF of RFC 6962 §2.1.2, without the recursion."""
    if not 1 <= old <= new:
        raise ValueError(f"a tree of {old} cannot be shown to begin a tree of {new}")
    start, end = 0, new
    parts = []
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start = middle
    # As long as the walk only went left, what is left is the old tree itself,
    # whose root the verifier has.
    if start:
        parts.append((start, end))
    return parts[::-1]


def _nodes(part: _Range) -> Iterator[tuple[int, int]]:
    """
    Take a range apart into perfect subtrees, left to right: (height, number at that height).

    Ranges of proofs begin at a multiple of their own width, rounded up to a
    power of two, so each next subtree is the largest that still fits.
    """
    start, end = part
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def _place(height: int, number: int) -> tuple[TileId, int, int]:
    """Where a perfect subtree lies: its tile, the first hash in it, and how many hashes."""
    level, above = divmod(height, TILE_HEIGHT)
    tile, first = divmod(number << above, TILE_WIDTH)
    return (level, tile), first, 1 << above


def _tiles_of(parts: Iterable[_Range]) -> list[TileId]:
    places = (_place(*node)[0] for part in parts for node in _nodes(part))
    return list(dict.fromkeys(places))


def _range_hash(tiles: Tiles, part: _Range) -> bytes:
    """The root over a range."""
    return _join([_fold(_read(tiles, *_place(*node))) for node in _nodes(part)])


def _join(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand side by side, the largest first."""
    *others, joined = hashes
    for digest in reversed(others):
        joined = node_hash(digest, joined)
    return joined


def _read(tiles: Tiles, tile: TileId, first: int, count: int) -> bytes:
    data = tiles.get(tile, b"")[first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(data) != count * HASH_BYTES:
        raise LedgerContradiction(f"{tile_path(*tile)} is missing or too short")
    return data


def _fold(data: bytes) -> bytes:
    """The root over a power of two of hashes, side by side."""
    while len(data) > HASH_BYTES:
        data = b"".join(
            [
                sha256(b"\x01" + data[at : at + 2 * HASH_BYTES]).digest()
                for at in range(0, len(data), 2 * HASH_BYTES)
            ]
        )
    return data
