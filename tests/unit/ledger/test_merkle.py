"""The tiled tree: growing it, its root, its proofs."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import LedgerContradiction
from gateway.ledger import merkle
from gateway.ledger.encode import EMPTY_ROOT, leaf_hash, node_hash
from gateway.ledger.merkle import TileId, Tiles
from gateway.ledger.proofs import verify_consistency, verify_inclusion
from tests.unit.ledger.builders import digests, vectors

HASHES = digests(66_000)
# Around the sizes at which a tile of the first and of the second level fills.
LARGE = [255, 256, 257, 511, 513, 65_535, 65_536, 65_537]
TILES = merkle.extend({}, 0, HASHES)


def grow(splits: Sequence[int], hashes: Sequence[bytes]) -> dict[TileId, bytes]:
    """A tree grown batch by batch, each time with nothing at hand but its right edge."""
    kept: dict[TileId, bytes] = {}
    bounds = [0, *splits, len(hashes)]
    for start, end in pairwise(bounds):
        edge = {tile: kept[tile] for tile in merkle.edge(start)}
        kept |= merkle.extend(edge, start, hashes[start:end])
    return kept


def only(tiles: Tiles, wanted: list[TileId]) -> Mapping[TileId, bytes]:
    """No more tiles than were asked for."""
    return {tile: tiles[tile] for tile in wanted}


def test_roots_are_those_of_the_published_trees() -> None:
    """Trees of 0 to 8 published leaves have the published roots, in every way of computing."""
    constants = vectors("merkle-rfc6962/tree_constants.json")
    hashes = [leaf_hash(bytes.fromhex(text)) for text in constants["leaf_inputs_hex"]]

    for size, expected in enumerate(constants["root_hash_by_tree_size_hex"]):
        tiles = merkle.extend({}, 0, hashes[:size])
        assert merkle.root(tiles, size).hex() == expected
        assert merkle.root_of(hashes[:size]).hex() == expected


@given(st.lists(st.integers(0, 700), max_size=5), st.integers(0, 700))
def test_batches_make_no_difference(splits: list[int], size: int) -> None:
    """However appends are batched, the tree has the root and the tiles of one big batch."""
    hashes = HASHES[:size]
    tiles = grow(sorted(split for split in splits if split <= size), hashes)

    assert tiles == merkle.extend({}, 0, hashes)
    assert merkle.root(only(tiles, merkle.edge(size)), size) == merkle.root_of(hashes)


@pytest.mark.parametrize("size", LARGE)
def test_large_trees_have_the_root_of_the_definition(size: int) -> None:
    """Around full tiles the root is that of RFC 6962, from the right edge of a wider tree."""
    exact = merkle.extend({}, 0, HASHES[:size])

    assert merkle.root(only(exact, merkle.edge(size)), size) == merkle.root_of(HASHES[:size])
    assert merkle.root(TILES, size) == merkle.root_of(HASHES[:size])


@pytest.mark.parametrize("size", LARGE)
def test_a_wider_tile_is_read_as_wide_as_the_size_makes_it(size: int) -> None:
    """Tiles that a crash left behind wider than the tree do not end up in it."""
    edge = only(TILES, merkle.edge(size))
    more = HASHES[size : size + 300]

    changed = merkle.extend(edge, size, more)

    assert merkle.root({**TILES, **changed}, size + 300) == merkle.root_of(HASHES[: size + 300])


def test_one_pass_keeps_the_same_root() -> None:
    """Counting leaves as they pass gives the root at every size."""
    peaks = merkle.Peaks()
    roots = [peaks.root()]
    for digest in HASHES[:600]:
        peaks.add(digest)
        roots.append(peaks.root())

    assert roots[0] == EMPTY_ROOT
    assert peaks.size == 600
    assert roots == [merkle.root(TILES, size) for size in range(601)]


def test_every_leaf_of_small_trees_is_proved() -> None:
    """In all trees of up to 70 leaves every leaf has a proof that verifies, from few tiles."""
    for size in range(1, 71):
        root = merkle.root(TILES, size)
        for index in range(size):
            tiles = only(TILES, merkle.inclusion_tiles(index, size))
            proof = merkle.inclusion(tiles, index, size)
            verify_inclusion(HASHES[index], index, size, proof, root)
        assert len(merkle.inclusion(TILES, 0, size)) == (size - 1).bit_length()


def test_all_small_trees_are_proved_consistent() -> None:
    """Of all trees of up to 70 leaves each is proved to begin every larger one."""
    roots = [merkle.root(TILES, size) for size in range(71)]
    for new in range(1, 71):
        for old in range(1, new + 1):
            tiles = only(TILES, merkle.consistency_tiles(old, new))
            proof = merkle.consistency(tiles, old, new)
            verify_consistency(old, new, proof, roots[old], roots[new])


@pytest.mark.parametrize("size", LARGE)
def test_leaves_of_large_trees_are_proved(size: int) -> None:
    """Around full tiles leaves at the edges and elsewhere are proved from at most a few tiles."""
    root, pick = merkle.root(TILES, size), Random(size)
    edges = [0, 254, 255, 256, size - 257, size - 256, size - 2, size - 1]
    anywhere = [pick.randrange(size) for _ in range(20)]
    for index in (index for index in edges + anywhere if 0 <= index < size):
        wanted = merkle.inclusion_tiles(index, size)
        proof = merkle.inclusion(only(TILES, wanted), index, size)
        verify_inclusion(HASHES[index], index, size, proof, root)
        assert len(wanted) <= 6


@pytest.mark.parametrize("new", LARGE)
def test_large_trees_are_proved_consistent(new: int) -> None:
    """Around full tiles older trees are proved to begin the newer one."""
    pick = Random(new)
    sizes = [1, 128, 255, 256, 257, 32_768, 65_535, 65_536, new - 1, new]
    anywhere = [pick.randrange(1, new + 1) for _ in range(10)]
    for old in (size for size in sizes + anywhere if 1 <= size <= new):
        wanted = merkle.consistency_tiles(old, new)
        proof = merkle.consistency(only(TILES, wanted), old, new)
        verify_consistency(old, new, proof, merkle.root(TILES, old), merkle.root(TILES, new))
        assert len(wanted) <= 8


def test_proofs_are_those_of_the_rfc() -> None:
    """The worked examples of RFC 6962 §2.1.3 for seven leaves come out hash by hash."""
    a, b, c, d, e, f, j = HASHES[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, upper = node_hash(g, h), node_hash(i, j)

    assert merkle.inclusion(TILES, 0, 7) == [b, h, upper]
    assert merkle.inclusion(TILES, 3, 7) == [c, g, upper]
    assert merkle.inclusion(TILES, 4, 7) == [f, j, k]
    assert merkle.inclusion(TILES, 6, 7) == [i, k]
    assert merkle.consistency(TILES, 3, 7) == [c, d, g, upper]
    assert merkle.consistency(TILES, 4, 7) == [upper]
    assert merkle.consistency(TILES, 6, 7) == [i, j, k]
    assert merkle.consistency(TILES, 7, 7) == []


def test_a_missing_tile_is_a_contradiction() -> None:
    """A tile that is absent or too short is named, and nothing is computed without it."""
    broken = {**TILES, (0, 1): TILES[0, 1][:-32]}
    absent = {tile: data for tile, data in TILES.items() if tile != (0, 1)}

    for tiles in (broken, absent):
        with pytest.raises(LedgerContradiction, match="tile/0/001 is missing or too short"):
            merkle.inclusion(tiles, 510, 600)
    with pytest.raises(LedgerContradiction, match="tile/0/002"):
        merkle.extend({}, 600, HASHES[:1])
    with pytest.raises(LedgerContradiction, match="tile/1/000"):
        merkle.root({}, 256)


def test_what_no_tree_has_is_refused() -> None:
    """Sizes and indexes out of range and hashes of another length are the caller's mistakes."""
    with pytest.raises(ValueError, match="no leaf 7 in a tree of 7"):
        merkle.inclusion(TILES, 7, 7)
    with pytest.raises(ValueError, match="no leaf -1"):
        merkle.inclusion_tiles(-1, 7)
    for old, new in [(0, 7), (8, 7), (-1, 7)]:
        with pytest.raises(ValueError, match="cannot be shown"):
            merkle.consistency(TILES, old, new)
    for call in (lambda: merkle.edge(-1), lambda: merkle.root({}, -1)):
        with pytest.raises(ValueError, match="not negative"):
            call()
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.extend({}, 0, [b"short"])


def test_nothing_appended_changes_nothing() -> None:
    """An empty batch touches no tile."""
    assert merkle.extend(TILES, 300, []) == {}
    assert merkle.edge(0) == []


def test_tiles_are_published_under_the_paths_of_the_specification() -> None:
    """Numbers and widths of tiles are written as C2SP tlog-tiles writes them."""
    published = vectors("signed-note/tile_paths.json")

    for number, path in published["index_paths"]:
        assert merkle.index_path(number) == path
        assert merkle.tile_path(0, number) == f"tile/0/{path}"
    assert merkle.tile_path(0, 273, 112) == "tile/0/273.p/112"
    assert merkle.tile_path(2, 1_234_067, 1) == "tile/2/x001/x234/067.p/1"
    for wrong in [(-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]:
        with pytest.raises(ValueError, match="no tile"):
            merkle.tile_path(*wrong)


@pytest.mark.parametrize("size", [256, 70_000])
def test_tiles_are_as_many_and_as_wide_as_in_the_specification(size: int) -> None:
    """The worked examples of C2SP tlog-tiles have their full and partial tiles."""
    published = vectors("signed-note/tile_paths.json")[f"tree_{size}"]

    for level in range(3 if size == 70_000 else 2):
        full = published[f"level{level}_full"]
        partial = published[f"level{level}_partial_width"]
        assert merkle.tile_width(level, full, size) == partial
        assert merkle.tile_width(level, full + 1, size) == 0
        assert merkle.tile_width(level, full - 1, size) == 256 or not full
        assert ((level, full) in merkle.edge(size)) is (partial > 0)
