"""
What a start looks at before it writes anything: is this the ledger that was signed?

    before leaves ─ tiles ─ checkpoint row          agree with each other
    kept head (keys/head.note)                      is in the tree of these leaves

The kept head is written before a checkpoint goes into the database, so after a
crash it may be ahead of the row; its leaves were durable before both. Then the
row is brought up to it, with the very note that was signed. A row ahead of the
kept head is no contradiction either: it was put aside, or is an older copy.
"""

from collections.abc import AsyncIterator

from gateway.flows.gateway import Gateway
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, trusted_keys
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
from gateway.ledger.merkle import TileId
from gateway.model.settings import Config
from gateway.ports import LedgerHead

# Leaves read and hashed at a time.
BATCH = 4096


async def examine(gateway: Gateway) -> None:
    """
    Look at the stored ledger, and bring its checkpoint up to the one kept outside.

    Nothing is written before everything was looked at. Raises
    `LedgerContradiction`, and `StoreFailed` where the store cannot be read or the
    kept head not be written.
    """
    place = where(gateway.config)
    kept_note = gateway.kept.read()
    head = await gateway.store.head()
    kept = None if kept_note is None else _read(gateway, kept_note, place.kept)
    if head.note:
        signed = _read(gateway, head.note, f"{place.database}, table checkpoint")
        check_row(head.size, head.root, signed, place)
        check_edge(await _edge(gateway, head), place)
    async for first, leaves in _read_leaves(gateway, head.size, await gateway.store.size()):
        check_tail(leaves, first, place)
    if kept is not None and kept_note is not None:
        head = await _joined(gateway, head, kept, kept_note, place)
    elif head.note:
        gateway.log.warning("kept-head-missing", size=head.size)
    if head.note:
        # Also where nothing changes: a folder that cannot be written is found out now.
        await gateway.kept.keep(head.note, head.size)
        gateway.sequenced = head.size


def where(config: Config) -> Place:
    """The files of a home's ledger, as messages name them."""
    home, database = config.home, config.database
    shown = database.relative_to(home) if database.is_relative_to(home) else database
    return Place(database=str(shown), kept="keys/head.note")


async def _joined(
    gateway: Gateway, head: LedgerHead, kept: Checkpoint, note: str, place: Place
) -> LedgerHead:
    """The newer of the stored head and the kept one, once the tree holds both."""
    size = await gateway.store.size()
    if kept.size <= head.size:
        tiles = await gateway.store.tiles(merkle.edge(kept.size))
        check_kept(kept, size, root_at(tiles, kept.size, place), place)
        return head
    if kept.size > size:
        check_kept(kept, size, None, place)
    tiles, changed = await _grown(gateway, head.size, kept.size)
    check_kept(kept, size, root_at({**tiles, **changed}, kept.size, place), place)
    newer = LedgerHead(size=kept.size, root=kept.root, note=note)
    await gateway.store.sequence(newer, changed, head.size)
    return newer


async def _grown(
    gateway: Gateway, size: int, until: int
) -> tuple[dict[TileId, bytes], dict[TileId, bytes]]:
    """The tiles at the edge of a tree of `size`, and those that change as it grows to `until`."""
    tiles = await gateway.store.tiles(merkle.edge(size))
    changed: dict[TileId, bytes] = {}
    async for first, leaves in _read_leaves(gateway, size, until):
        changed |= merkle.extend({**tiles, **changed}, first, [*map(stored_hash, leaves)])
    return tiles, changed


async def _edge(gateway: Gateway, head: LedgerHead) -> Edge:
    hashes: list[bytes] = []
    async for _, leaves in _read_leaves(gateway, tail_start(head.size), head.size):
        hashes += map(stored_hash, leaves)
    tiles = await gateway.store.tiles(edge_tiles(head.size))
    return Edge(size=head.size, root=head.root, tiles=tiles, hashes=hashes)


async def _read_leaves(
    gateway: Gateway, first: int, until: int
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Stored leaves with the index of the first of each batch; ends where there are no more."""
    while first < until:
        leaves = await gateway.store.leaves(first, min(BATCH, until - first))
        if not leaves:
            return
        yield first, leaves
        first += len(leaves)


def _read(gateway: Gateway, note: str, at: str) -> Checkpoint:
    # A ledger keeps the name under which its checkpoint was signed, also where
    # the gateway has another address by now.
    origin = note.partition("\n")[0]
    return read_note(note, trusted_keys(gateway.keys.public_jwks(), origin), at)
