"""
Comparing stored tiles with the leaves that they are made of, all of them, in order.

    tiling = Tiling()
    for leaf in leaves:
        for id, made in tiling.add(stored_hash(leaf)):
            compare(id, made, stored[id])
    for id, made in tiling.rest():
        …

What is kept is one open tile of each level.
"""

from collections.abc import Iterator, Mapping

from gateway.ledger.encode import HASH_BYTES
from gateway.ledger.merkle import TILE_WIDTH, TileId, root_of, tile_path
from gateway.ledger.verify import LedgerInvalid


class Tiling:
    """The tiles of leaves that pass by."""

    def __init__(self) -> None:
        self._open: list[list[bytes]] = []
        self._full: list[int] = []
        """How many tiles of each level are full."""

    def add(self, digest: bytes) -> Iterator[tuple[TileId, bytes]]:
        """Append a leaf's hash; the tiles that became full by it, lowest first."""
        level = 0
        while True:
            if level == len(self._open):
                self._open.append([])
                self._full.append(0)
            tile = self._open[level]
            tile.append(digest)
            if len(tile) < TILE_WIDTH:
                return
            yield (level, self._full[level]), b"".join(tile)
            digest = root_of(tile)
            tile.clear()
            self._full[level] += 1
            level += 1

    def rest(self) -> Iterator[tuple[TileId, bytes]]:
        """The tiles that are not full, lowest first."""
        for level, tile in enumerate(self._open):
            if tile:
                yield (level, self._full[level]), b"".join(tile)


def compare(id: TileId, made: bytes, stored: bytes | None, above: Mapping[TileId, bytes]) -> None:
    """
    Raise `LedgerInvalid` where a stored tile does not hold what the leaves give.

    `above`: stored tiles of the next level, as far as the caller has them. A
    full tile whose root stands there was not changed, and so a leaf was.
    """
    level, number = id
    if stored is None or len(stored) < len(made):
        raise LedgerInvalid(None, f"{tile_path(*id)} is missing or too short")
    if stored[: len(made)] == made:
        return
    places = range(0, len(made), HASH_BYTES)
    first = next(at for at in places if stored[at : at + HASH_BYTES] != made[at : at + HASH_BYTES])
    index = number * TILE_WIDTH + first // HASH_BYTES
    if level:
        below = tile_path(level - 1, index)
        raise LedgerInvalid(None, f"{tile_path(*id)} does not hold the root of {below}")
    raise LedgerInvalid(
        index, f"its hash is not the one in {tile_path(*id)}: {_which(id, stored, above)}"
    )


def _which(id: TileId, stored: bytes, above: Mapping[TileId, bytes]) -> str:
    """What was changed: the leaf or the tile."""
    number, inside = divmod(id[1], TILE_WIDTH)
    at = inside * HASH_BYTES
    held = above.get((id[0] + 1, number), b"")[at : at + HASH_BYTES]
    if not held:
        return "one of the two was changed"
    parts = [stored[place : place + HASH_BYTES] for place in range(0, len(stored), HASH_BYTES)]
    return "the leaf was changed" if root_of(parts) == held else "the tile was changed"
