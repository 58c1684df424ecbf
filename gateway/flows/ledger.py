"""Reading the ledger: entries, proofs, the checkpoint, and extending the tree (contract §10)."""

import json
from typing import Any

from gateway.errors import CallerError, LedgerContradiction, Reason
from gateway.flows.gateway import Gateway
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.ledger.encode import leaf_hash
from gateway.ports import LedgerHead
from gateway.seal.jwk import load_private_jwk

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

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
        "leaf_hash": leaf_hash(leaf).hex(),
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


async def extend(gateway: Gateway) -> bool:
    """
    Take up leaves that are durable and not yet in the tree; true if there were any.

    The leaves are on the disk before their root is signed, and a root follows
    from its leaves alone: dying here and signing again gives the same root.
    Raises `LedgerContradiction` where the stored tree is not the beginning.
    """
    head = await gateway.store.head()
    leaves = await gateway.store.leaves(head.size, SEQUENCE_BATCH)
    if not leaves:
        return False
    tiles = await gateway.store.tiles(merkle.edge(head.size))
    try:
        held = head.size == 0 or merkle.root(tiles, head.size) == head.root
    except (ValueError, KeyError) as error:
        raise _contradicted(head) from error
    if not held:
        raise _contradicted(head)
    changed = merkle.extend(tiles, head.size, [leaf_hash(leaf) for leaf in leaves])
    size = head.size + len(leaves)
    root = merkle.root({**tiles, **changed}, size)
    await gateway.store.sequence(
        LedgerHead(size=size, root=root, note=signed(gateway, size, root)), changed, head.size
    )
    gateway.metrics.ledger_entries(size)
    return True


def signed(gateway: Gateway, size: int, root: bytes) -> str:
    """A checkpoint of this size and root, signed with the key in force."""
    origin = gateway.config.origin
    row = gateway.keys.signing("checkpoint")
    key = load_private_jwk(row.private_jwk)
    return sign(Checkpoint(origin=origin, size=size, root=root), origin, key.private)


def _contradicted(head: LedgerHead) -> LedgerContradiction:
    return LedgerContradiction(
        f"the stored tree of {head.size} leaves does not have the root that was signed: stop, keep "
        "a copy of data/, and run `gateway ledger verify`"
    )
