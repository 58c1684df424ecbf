"""Proofs of leaves that pass by once, against the tiled tree and its verifier."""

import pytest

from gateway.ledger import merkle
from gateway.ledger.passing import Passing, listed_hash
from gateway.ledger.proofs import verify_inclusion

HASHES = [listed_hash(f"case_{number:032x}") for number in range(40)]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13, 40])
def test_each_leaf_of_a_list_can_be_shown(size: int) -> None:
    """However the leaves are cut into pages, each one's proof is the tree's own, and leads to it."""
    tiles = merkle.extend({}, 0, HASHES[:size])
    root = merkle.root(tiles, size)
    for index in range(size):
        passing = Passing(index, size)
        for start in range(0, size, 1 + index % 5):
            passing.add(HASHES[start : min(size, start + 1 + index % 5)])
        assert passing.hashes() == merkle.inclusion(tiles, index, size)
        verify_inclusion(HASHES[index], index, size, passing.hashes(), root)


def test_no_proof_before_all_have_passed() -> None:
    """With a leaf fewer or more than were said there is no proof, and of a leaf beyond none at all."""
    for passed in (2, 4):
        passing = Passing(1, 3)
        passing.add(HASHES[:passed])
        with pytest.raises(ValueError, match="leaves have passed"):
            passing.hashes()
    with pytest.raises(ValueError, match="no leaf 3"):
        Passing(3, 3)
    with pytest.raises(ValueError, match="32 bytes"):
        Passing(0, 1).add([b"short"])
