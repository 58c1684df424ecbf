"""
Proofs that a leaf is in the ledger, for whoever may see that leaf (C2SP tlog-proof).

A proof leads to the newest checkpoint that witnesses cosigned, if the leaf is under it,
and else to the newest of all. It stays good for ever: who keeps it needs nothing of
the gateway any more but the key that it trusts.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.ledger import merkle
from gateway.ledger.bundle import pruned_hash
from gateway.ledger.checkpoint import tlog_proof
from gateway.ports import LedgerHead, Store

# Tiles of so many proofs are in memory at once.
BATCH = 64
RETRY_SECONDS = 1
# Anybody may ask for proofs; together no more often than this, and so many at one moment.
PER_SECOND = 50.0
AT_ONCE = 100.0


class Pace:
    """Lets so many through each second, and some more after a pause."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds and never goes back."""
        self._clock = clock
        self._left, self._seen = AT_ONCE, clock()

    def take(self) -> None:
        """Let one through. Raises `CallerError` (`rate-limited`) where it is too much."""
        now = self._clock()
        self._left = min(AT_ONCE, self._left + (now - self._seen) * PER_SECOND)
        self._seen = now
        if self._left < 1:
            detail = "too many proofs are asked for at once"
            raise CallerError(Reason.RATE_LIMITED, detail, retry_after=RETRY_SECONDS)
        self._left -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One leaf and its proof."""

    index: int
    leaf: bytes
    """The exact bytes that are hashed."""
    proof: str
    """A C2SP tlog-proof, the checkpoint in it."""

    def shown(self) -> dict[str, Any]:
        """As the public listener gives it."""
        return {"index": self.index, "leaf": self.leaf.decode(), "proof": self.proof}


@dataclass(frozen=True, slots=True)
class Heads:
    """The checkpoints to which a proof may lead."""

    newest: LedgerHead
    witnessed: LedgerHead | None

    def over(self, index: int) -> LedgerHead | None:
        """The one for a leaf: a witnessed one where it can be; None: it is under none yet."""
        for head in (self.witnessed, self.newest):
            if head is not None and index < head.size:
                return head
        return None


async def heads(store: Store, quorum: int | None) -> Heads:
    """The checkpoints as they are now; `quorum` None: there are no witnesses."""
    witnessed = None if quorum is None else await store.witnessed(quorum)
    return Heads(await store.head(), witnessed)


async def witnessed(gateway: Gateway) -> LedgerHead | None:
    """The newest checkpoint that enough witnesses cosigned; None where there is none."""
    if not gateway.witnesses.all:
        return None
    return await gateway.store.witnessed(gateway.witnesses.quorum)


async def proofs(store: Store, indexes: Sequence[int], under: Heads) -> dict[int, Proven]:
    """
    Prove leaves by their index. Left out is what is under no checkpoint yet, and what
    was pruned: of that nobody has the bytes.
    """
    found: dict[int, Proven] = {}
    for start in range(0, len(indexes), BATCH):
        batch = {i: head for i in indexes[start : start + BATCH] if (head := under.over(i))}
        wanted = dict.fromkeys(
            tile for i, head in batch.items() for tile in merkle.inclusion_tiles(i, head.size)
        )
        tiles = await store.tiles(list(wanted))
        for index, head in batch.items():
            (leaf,) = await store.leaves(index, 1)
            if not _pruned(leaf):
                found[index] = _proven(tiles, index, leaf, head)
    return found


def _proven(tiles: merkle.Tiles, index: int, leaf: bytes, head: LedgerHead) -> Proven:
    hashes = merkle.inclusion(tiles, index, head.size)
    text = tlog_proof(index, hashes, head.cosigned_note)
    return Proven(index=index, leaf=leaf, proof=text)


async def share(gateway: Gateway, id: str) -> list[Proven]:
    """
    Prove a share: the leaves of its intents and of their outcomes, in order.

    Whoever names the id was told it: only its caller and its recipient are. Raises
    `CallerError` where there is no such share, and where it is under no checkpoint yet.
    """
    places = await gateway.store.places_of_share(id)
    if not places:
        raise CallerError(Reason.NOT_FOUND, "there is no share with this id")
    found = await proofs(gateway.store, places, await _heads(gateway))
    if not found:
        raise CallerError(
            Reason.NOT_FOUND,
            "the share is under no checkpoint yet, or its leaves were pruned",
            remedy="Ask again after Retry-After; a checkpoint is signed every second.",
            retry_after=RETRY_SECONDS,
        )
    return list(found.values())


async def with_proofs(gateway: Gateway, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a person's account, each with its leaf and the proof of it where there is one."""
    listed = [dict(row) for row in rows]
    indexes = [row["index"] for row in listed if row["index"] is not None]
    found = await proofs(gateway.store, indexes, await _heads(gateway))
    for row in listed:
        if (one := found.get(row["index"])) is not None:
            row |= {"leaf": one.leaf.decode(), "proof": one.proof}
    return listed


async def _heads(gateway: Gateway) -> Heads:
    quorum = gateway.witnesses.quorum if gateway.witnesses.all else None
    return await heads(gateway.store, quorum)


def _pruned(leaf: bytes) -> bool:
    return b'"pruned"' in leaf and pruned_hash(json.loads(leaf)) is not None
