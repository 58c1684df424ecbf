"""Whether a stored ledger is the one that was signed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.errors import LedgerContradiction
from gateway.ledger import merkle
from gateway.ledger.bundle import pruned_leaf
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.ledger.continuity import (
    Edge,
    Place,
    check_edge,
    check_kept,
    check_row,
    check_tail,
    edge_tiles,
    read_note,
    root_at,
    stored_hash,
    tail_start,
)
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.merkle import root_of
from tests.unit.ledger.builders import KEY, ORIGIN, OTHER_KEY, VERIFIER, digests

PLACE = Place(database="data/gateway.db", kept="keys/head.note")
SIZES = (1, 2, 255, 256, 257, 511, 512, 513, 65_537)
ALL = digests(max(SIZES))


def an_edge(size: int) -> Edge:
    """The right edge of a tree of so many leaves, as a store would have it."""
    tiles = merkle.extend({}, 0, ALL[:size])
    return Edge(
        size=size,
        root=merkle.root(tiles, size),
        tiles={id: tiles[id] for id in edge_tiles(size)},
        hashes=ALL[tail_start(size) : size],
    )


def spoilt(edge: Edge, id: merkle.TileId) -> Edge:
    """The same with another last hash in one tile."""
    return replace(edge, tiles={**edge.tiles, id: edge.tiles[id][:-32] + bytes(32)})


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_edge_is_let_pass(size: int) -> None:
    """At every size at which a tile or a level begins or ends."""
    check_edge(an_edge(size), PLACE)

    assert 0 < size - tail_start(size) <= 512


@pytest.mark.parametrize("size", [2, 513, 65_537])
def test_every_tile_at_the_edge_counts(size: int) -> None:
    """Whichever of them was changed, it is noticed, and its name is in the message."""
    edge = an_edge(size)
    for id in edge_tiles(size):
        with pytest.raises(LedgerContradiction) as raised:
            check_edge(spoilt(edge, id), PLACE)
        assert merkle.tile_path(*id) in str(raised.value)


def test_a_leaf_that_was_changed_is_named() -> None:
    """Where the tiles have the signed root, it was the leaf."""
    edge = an_edge(600)
    hashes = [*edge.hashes[:100], leaf_hash(b"another"), *edge.hashes[101:]]

    with pytest.raises(LedgerContradiction, match=f"leaf {tail_start(600) + 100} was changed"):
        check_edge(replace(edge, hashes=hashes), PLACE)


def test_leaves_that_are_missing_are_counted() -> None:
    """Fewer than the checkpoint covers are a contradiction, and so is a tile that is gone."""
    edge = an_edge(300)

    with pytest.raises(LedgerContradiction, match="of those from 0 on there are 299"):
        check_edge(replace(edge, hashes=edge.hashes[:-1]), PLACE)
    with pytest.raises(LedgerContradiction, match="tile/0/001 is missing or too short"):
        check_edge(replace(edge, tiles={(0, 0): edge.tiles[0, 0]}), PLACE)


def test_another_root_than_the_signed_one() -> None:
    """Leaves and tiles that agree with each other, and not with what was signed."""
    with pytest.raises(LedgerContradiction, match="does not have the root that was signed"):
        check_edge(replace(an_edge(300), root=bytes(32)), PLACE)


def test_a_tail_that_no_checkpoint_covers_is_readable() -> None:
    """Leaves on their way into the tree are at least what a leaf looks like."""
    good = canonical({"id": "a"})
    check_tail([good, good], 7, PLACE)

    for bad in (good + b" ", b"\xff", b'{"id":"a', b'{"b":1,"a":2}'):
        with pytest.raises(LedgerContradiction, match="leaf 8, after the newest checkpoint"):
            check_tail([good, bad], 7, PLACE)


def a_note(size: int = 3, key: object = KEY) -> str:
    """A signed checkpoint."""
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root_of(ALL[:size]))
    return sign(checkpoint, ORIGIN, key)  # type: ignore[arg-type]


def test_a_note_is_read_and_its_signature_counts() -> None:
    """Also one whose key is gone is read; one that a known key did not sign so is none."""
    assert read_note(a_note(), [VERIFIER], "x").size == 3
    assert read_note(a_note(key=OTHER_KEY), [VERIFIER], "x").size == 3
    for wrong in (a_note().replace("\n3\n", "\n2\n"), "", "x", a_note()[:-9]):
        with pytest.raises(LedgerContradiction, match=r"where: keys/head\.note"):
            read_note(wrong, [VERIFIER], "keys/head.note")


def test_a_row_is_what_its_note_says() -> None:
    """Size and root, both."""
    signed = read_note(a_note(), [VERIFIER], "x")
    check_row(3, signed.root, signed, PLACE)

    for size, root in ((2, signed.root), (3, bytes(32))):
        with pytest.raises(LedgerContradiction, match="table checkpoint"):
            check_row(size, root, signed, PLACE)


def test_the_kept_head_is_in_the_tree() -> None:
    """Too few leaves and other leaves are told apart; both say how to bring a copy up to date."""
    kept = Checkpoint(origin=ORIGIN, size=3, root=root_of(ALL[:3]))
    check_kept(kept, 5, root_of(ALL[:3]), PLACE)

    for leaves, root, what in ((2, None, "holds 2 leaves"), (5, bytes(32), "another root")):
        with pytest.raises(LedgerContradiction, match=what) as raised:
            check_kept(kept, leaves, root, PLACE)
        assert "gateway ledger replay-erasures" in str(raised.value)


def test_the_root_of_an_earlier_size() -> None:
    """It is read from the tiles of today; one that is missing is said to be."""
    tiles = merkle.extend({}, 0, ALL[:700])

    assert root_at(tiles, 300, PLACE) == root_of(ALL[:300])
    with pytest.raises(LedgerContradiction, match=r"where: data/gateway\.db, table tile"):
        root_at({}, 300, PLACE)


@pytest.mark.parametrize("spaced", [lambda leaf: leaf, lambda leaf: leaf + b"   "])
def test_a_pruned_leaf_has_the_hash_that_it_had(spaced: Callable[[bytes], bytes]) -> None:
    """What stands in its place is not hashed; a leaf that only looks like it is."""
    leaf = canonical({"id": "a", "kind": "read"})
    looks = canonical({"id": "a", "pruned": "yes"})

    assert stored_hash(spaced(pruned_leaf(leaf_hash(leaf)))) == stored_hash(leaf)
    assert stored_hash(looks) == leaf_hash(looks)
    assert stored_hash(b'"pruned"\xff') == leaf_hash(b'"pruned"\xff')
