"""Comparing every stored tile with the leaves that it is made of."""

import pytest

from gateway.ledger import merkle
from gateway.ledger.merkle import TileId
from gateway.ledger.tiling import Tiling, compare
from gateway.ledger.verify import LedgerInvalid
from tests.unit.ledger.builders import digests

ALL = digests(65_537)


def tiles_of(count: int) -> dict[TileId, bytes]:
    """The tiles that passing leaves give."""
    tiling = Tiling()
    made = [one for digest in ALL[:count] for one in tiling.add(digest)]
    return dict([*made, *tiling.rest()])


@pytest.mark.parametrize("count", [0, 1, 256, 257, 512, 65_537])
def test_passing_leaves_give_the_tiles_of_the_tree(count: int) -> None:
    """The same as those of a store that grew."""
    assert tiles_of(count) == merkle.extend({}, 0, ALL[:count])


def test_a_tile_that_does_not_fit_says_what_was_changed() -> None:
    """The root of a full tile stands above it, and so tells leaf and tile apart."""
    tiles = tiles_of(600)
    made = tiles[0, 0]
    other = made[:64] + bytes(32) + made[96:]
    compare((0, 0), made, made, tiles)
    compare((0, 2), tiles[0, 2], tiles[0, 2] + bytes(32), tiles)

    for stored, leaf, what in ((made, other, "the leaf was changed"), (other, made, "the tile")):
        with pytest.raises(LedgerInvalid, match=what) as raised:
            compare((0, 0), leaf, stored, tiles)
        assert raised.value.index == 2
    with pytest.raises(LedgerInvalid, match="one of the two was changed"):
        compare((0, 0), made, other, {})


def test_tiles_that_are_not_there_and_tiles_above() -> None:
    """What is missing is named, and so is the tile whose root does not stand where it should."""
    tiles = tiles_of(600)

    for stored in (None, tiles[0, 1][:-1]):
        with pytest.raises(LedgerInvalid, match="tile/0/001 is missing or too short"):
            compare((0, 1), tiles[0, 1], stored, tiles)
    with pytest.raises(LedgerInvalid, match="tile/1/000 does not hold the root of tile/0/001"):
        compare((1, 0), tiles[1, 0], tiles[1, 0][:32] + bytes(32), tiles)
