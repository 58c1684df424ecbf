"""Reading the ledger: entries, proofs, the checkpoint, and extending the tree (contract §10)."""

import asyncio
import json
from typing import Any

from gateway.errors import CallerError, LedgerContradiction, Reason
from gateway.flows import continuity
from gateway.flows.gateway import Gateway
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.ledger.continuity import Place, contradiction, stored_hash
from gateway.ports import LedgerHead
from gateway.seal.jwk import load_private_jwk

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

# How long a certificate waits for a checkpoint over the last leaves.
SEQUENCED_SECONDS = 2.0
ASK_AGAIN_SECONDS = 0.02

# Leaves read and hashed at a time by the sequencer.
SEQUENCE_BATCH = 4096


async def listed(gateway: Gateway, start: int, limit: int | None) -> dict[str, Any]:
    """Leaves from `start` on, exactly what is hashed, and the checkpoint's size."""
    head = await gateway.store.head()
    wanted = min(DEFAULT_LIMIT if limit is None else limit, MAX_LIMIT, max(head.size - start, 0))
    leaves = await gateway.store.leaves(start, wanted) if wanted > 0 else []
    return {"entries": [json.loads(leaf) for leaf in leaves], "size": head.size}


async def inclusion(gateway: Gateway, index: int, size: int | None) -> dict[str, Any]:
    """
    Prove that leaf `index` is in the tree of `size` leaves (default: the
    checkpoint's). Raises `CallerError` for a size that no checkpoint reached.
    """
    head = await gateway.store.head()
    of = head.size if size is None else size
    if not 0 <= index < of <= head.size:
        raise CallerError(
            Reason.REQUEST_INVALID, f"write index < size ≤ {head.size}, the checkpoint's size"
        )
    tiles = await gateway.store.tiles(merkle.inclusion_tiles(index, of))
    (leaf,) = await gateway.store.leaves(index, 1)
    return {
        "index": index,
        "size": of,
        "leaf_hash": stored_hash(leaf).hex(),
        "hashes": [one.hex() for one in merkle.inclusion(tiles, index, of)],
    }


async def consistency(gateway: Gateway, old: int, new: int | None) -> dict[str, Any]:
    """Prove that the tree of `old` leaves is the beginning of that of `new`."""
    head = await gateway.store.head()
    to = head.size if new is None else new
    if not 1 <= old <= to <= head.size:
        raise CallerError(
            Reason.REQUEST_INVALID, f"write 1 ≤ from ≤ to ≤ {head.size}, the checkpoint's size"
        )
    tiles = await gateway.store.tiles(merkle.consistency_tiles(old, to))
    return {"hashes": [one.hex() for one in merkle.consistency(tiles, old, to)]}


async def head_over_all(gateway: Gateway) -> LedgerHead:
    """
    A signed head over every leaf that is durable now.

    The sequencer makes one within a second; whoever has none gets what there is.
    """
    size = await gateway.store.size()
    head = await gateway.store.head()
    for _ in range(round(SEQUENCED_SECONDS / ASK_AGAIN_SECONDS)):
        if head.size >= size:
            break
        gateway.appended.set()
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        head = await gateway.store.head()
    return head


async def extend(gateway: Gateway) -> bool:
    """
    Take up leaves that are durable and not yet in the tree; true if there may be more.

    The leaves are on the disk before their root is signed, and the signed note is
    kept outside the database before anybody can be given it, also by the database:
    dying anywhere in between, the next process goes on from that very note.
    Raises `LedgerContradiction` where the stored tree is not the beginning.
    """
    head = await gateway.store.head()
    leaves = await gateway.store.leaves(head.size, SEQUENCE_BATCH)
    if not leaves:
        return False
    tiles = await gateway.store.tiles(merkle.edge(head.size))
    _still_the_same(gateway, head, tiles)
    changed = merkle.extend(tiles, head.size, [*map(stored_hash, leaves)])
    size = head.size + len(leaves)
    root = merkle.root({**tiles, **changed}, size)
    newer = LedgerHead(size=size, root=root, note=signed(gateway, size, root))
    await gateway.kept.keep(newer.note, size)
    await gateway.store.sequence(newer, changed, head.size)
    gateway.sequenced = size
    gateway.metrics.ledger_entries(size)
    gateway.checkpointed.set()
    return len(leaves) == SEQUENCE_BATCH


def _still_the_same(gateway: Gateway, head: LedgerHead, tiles: merkle.Tiles) -> None:
    """Raise `LedgerContradiction` where the stored tree is not the one that was signed last."""
    place = continuity.where(gateway.config)
    if head.size < gateway.sequenced:
        raise contradiction(
            f"the stored checkpoint is of {head.size} leaves, and this process stored one of "
            f"{gateway.sequenced}: somebody else writes to this database, or put another there",
            f"{place.database}, table checkpoint, and {place.kept}",
        )
    try:
        held = head.size == 0 or merkle.root(tiles, head.size) == head.root
    except ValueError as error:
        raise _not_the_root(head, place) from error
    except LedgerContradiction as error:
        raise contradiction(str(error), f"{place.database}, table tile") from error
    if not held:
        raise _not_the_root(head, place)


def _not_the_root(head: LedgerHead, place: Place) -> LedgerContradiction:
    return contradiction(
        f"the stored tree of {head.size} leaves does not have the root that was signed",
        f"{place.database}, tables tile and checkpoint",
    )


def signed(gateway: Gateway, size: int, root: bytes) -> str:
    """A checkpoint of this size and root, signed with the key in force."""
    origin = gateway.config.origin
    row = gateway.keys.signing("checkpoint")
    key = load_private_jwk(row.private_jwk)
    return sign(Checkpoint(origin=origin, size=size, root=root), origin, key.private)
