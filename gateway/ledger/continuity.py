"""
Whether the ledger that is stored is the one that was signed.

Three things speak of one tree: the leaves, the tiles over them, and the
checkpoint row. A fourth lies outside the database: the last checkpoint that was
signed, kept beside the keys. A ledger that was restored from an older copy
agrees with itself; only that one contradicts it. What is compared here:

- a checkpoint's row with its own note, and the note with the key (`read_note`);
- the leaves of the last two tiles, hashed anew, with the tiles (`check_edge`);
- each tile at the right edge with the one below it, and all of them with the root;
- the root at the kept size with the kept one (`check_kept`).

The work does not grow with the ledger. Older leaves and tiles are for
`gateway ledger verify`, which reads all of them.

What is found is a `LedgerContradiction` that says what contradicts what, where
that lies, and what to do.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import LedgerContradiction
from gateway.ledger.bundle import pruned_hash
from gateway.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from gateway.ledger.encode import HASH_BYTES, LedgerEncodeError, canonical, leaf_hash
from gateway.ledger.merkle import (
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    Tiles,
    root,
    root_of,
    tile_path,
    tile_width,
)
from gateway.ledger.note import NoteInvalid, SignedNote, Verifier

TAIL_TILES: Final = 2
"""How many tiles of leaves are hashed anew at a start, the last one perhaps not full."""

EVIDENCE: Final = "stop here, and keep a copy of data/ and of keys/head.note as they are"
LOOK: Final = (
    f"{EVIDENCE}; then deploy/runbooks/ledger-contradiction.md; `gateway ledger verify` reads the "
    "whole ledger and says where it breaks"
)
BRING_UP_TO_DATE: Final = (
    f"{EVIDENCE}; where data/ was restored from a copy, deploy/runbooks/restored-backup.md: "
    "`gateway ledger replay-erasures` brings it up to date from an export; where nobody restored "
    "anything, deploy/runbooks/ledger-contradiction.md"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger lies, as messages name it."""

    database: str
    """For example `data/gateway.db`."""
    kept: str
    """The file of the kept head, for example `keys/head.note`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What a store holds at the right edge of its tree."""

    size: int
    root: bytes
    tiles: Mapping[TileId, bytes]
    """Those of `edge_tiles(size)` that are there."""
    hashes: Sequence[bytes]
    """Of the leaves from `tail_start(size)` up to the size, as they are there."""


def contradiction(what: str, where: str, do: str = LOOK) -> LedgerContradiction:
    """A contradiction in three lines: what, where, and what to do."""
    return LedgerContradiction(
        f"the ledger contradicts itself: {what}\n  where: {where}\n  what to do: {do}"
    )


def stored_hash(leaf: bytes) -> bytes:
    """The hash of a leaf as it is stored; of a pruned one the hash that stands in its place."""
    if b'"pruned"' in leaf and (digest := pruned_hash(_parsed(leaf))) is not None:
        return digest
    return leaf_hash(leaf)


def tail_start(size: int) -> int:
    """The first leaf that is hashed anew in a tree of `size` leaves: the start of a tile."""
    return max(0, -(-size // TILE_WIDTH) - TAIL_TILES) * TILE_WIDTH


def edge_tiles(size: int) -> list[TileId]:
    """The last tiles of each level, full or not, lowest level first."""
    found, level = [], 0
    while size:
        last = (size - 1) // TILE_WIDTH
        found += [(level, n) for n in range(max(0, last + 1 - TAIL_TILES), last + 1)]
        size, level = size >> TILE_HEIGHT, level + 1
    return found


def read_note(note: str, verifiers: Iterable[Verifier], where: str) -> Checkpoint:
    """
    Read a checkpoint's note that was stored. Raises `LedgerContradiction` where it
    is none, or where the signature of a known key fails. One whose key is not
    known any more is read all the same: a key that was lost is replaced.
    """
    trusted = list(verifiers)
    try:
        parsed = SignedNote.parse(note)
        checkpoint = parse_checkpoint(parsed.text)
        known = {(one.name, one.key_id) for one in trusted}
        if any((line.name, line.key_id) in known for line in parsed.signatures):
            open_checkpoint(note, trusted)
    except NoteInvalid as error:
        raise contradiction(
            f"what should be a checkpoint that this gateway signed is none ({error})", where
        ) from error
    return checkpoint


def check_row(size: int, root: bytes, signed: Checkpoint, place: Place) -> None:
    """Raise `LedgerContradiction` where a checkpoint's row is not what its note says."""
    if (size, root) != (signed.size, signed.root):
        raise contradiction(
            f"the checkpoint's row says {size} leaves and its signed note {signed.size}"
            if size != signed.size
            else f"the checkpoint's row has another root of {size} leaves than its signed note",
            f"{place.database}, table checkpoint",
        )


def check_edge(edge: Edge, place: Place) -> None:
    """Raise `LedgerContradiction` where leaves, tiles and root do not fit."""
    for id in edge_tiles(edge.size):
        _check_joint(edge, id, place)
    holds = root(edge.tiles, edge.size) == edge.root
    _check_leaves(edge, place, tiles_hold=holds)
    if not holds:
        names = ", ".join(tile_path(*id) for id in edge_tiles(edge.size))
        raise contradiction(
            f"the tree of {edge.size} leaves does not have the root that was signed",
            f"{place.database}, table tile, one of {names}",
        )


def check_tail(leaves: Iterable[bytes], first: int, place: Place) -> None:
    """Raise `LedgerContradiction` where a leaf that no checkpoint covers yet is not readable."""
    for index, leaf in enumerate(leaves, first):
        try:
            whole = canonical(json.loads(leaf)) == leaf
        except (ValueError, RecursionError, LedgerEncodeError):
            whole = False
        if not whole:
            raise contradiction(
                f"leaf {index}, after the newest checkpoint, is not what was written",
                f"{place.database}, table entry, seq {index + 1}",
            )


def check_kept(kept: Checkpoint, leaves: int, root_there: bytes | None, place: Place) -> None:
    """
    Raise `LedgerContradiction` where a ledger of so many stored leaves does not
    begin with the tree that was kept. `root_there`: its root at the kept size;
    None where it has not so many.
    """
    where = f"{place.database} and {place.kept}"
    if root_there is None:
        raise contradiction(
            f"the database holds {leaves} leaves, and this gateway signed a checkpoint of "
            f"{kept.size}: {kept.size - leaves} or more are missing at the end",
            where,
            BRING_UP_TO_DATE,
        )
    if root_there != kept.root:
        raise contradiction(
            f"the first {kept.size} leaves of the database have another root than the checkpoint "
            "of them that this gateway signed: it was another ledger",
            where,
            BRING_UP_TO_DATE,
        )


def root_at(tiles: Tiles, size: int, place: Place) -> bytes:
    """The root of `size` leaves by stored tiles. Raises `LedgerContradiction` where one is not."""
    try:
        return root(tiles, size)
    except LedgerContradiction as error:
        raise contradiction(str(error), f"{place.database}, table tile") from error


def _check_leaves(edge: Edge, place: Place, *, tiles_hold: bool) -> None:
    start = tail_start(edge.size)
    if len(edge.hashes) != edge.size - start:
        raise contradiction(
            f"the checkpoint is of {edge.size} leaves, and of those from {start} on there are "
            f"{len(edge.hashes)}",
            f"{place.database}, table entry",
        )
    for index, digest in enumerate(edge.hashes, start):
        number, inside = divmod(index, TILE_WIDTH)
        if _hash_in(edge.tiles, (0, number), inside, place) == digest:
            continue
        tile = tile_path(0, number)
        if tiles_hold:
            raise contradiction(
                f"leaf {index} was changed: its hash is not the one in {tile}, which was signed",
                f"{place.database}, table entry, seq {index + 1}",
            )
        raise contradiction(
            f"{tile} was changed: it does not hold the hash of leaf {index}, and the tree not the "
            "root that was signed",
            f"{place.database}, table tile, level 0, n {number}",
        )


def _check_joint(edge: Edge, id: TileId, place: Place) -> None:
    """A tile's root stands in the tile above it, once it is full."""
    level, number = id
    for inside in range(tile_width(level, number, edge.size)):
        held = _hash_in(edge.tiles, id, inside, place)
        below = (level - 1, number * TILE_WIDTH + inside)
        if below not in edge.tiles:
            continue
        data = edge.tiles[below]
        parts = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        if root_of(parts) != held:
            raise contradiction(
                f"{tile_path(*below)} and {tile_path(*id)} do not fit each other",
                f"{place.database}, table tile, level {level - 1}, n {below[1]}, and level "
                f"{level}, n {number}",
            )


def _hash_in(tiles: Tiles, id: TileId, inside: int, place: Place) -> bytes:
    held = tiles.get(id, b"")[inside * HASH_BYTES : (inside + 1) * HASH_BYTES]
    if len(held) != HASH_BYTES:
        raise contradiction(
            f"{tile_path(*id)} is missing or too short",
            f"{place.database}, table tile, level {id[0]}, n {id[1]}",
        )
    return held


def _parsed(leaf: bytes) -> object:
    try:
        return json.loads(leaf)
    except (ValueError, RecursionError):
        return None
