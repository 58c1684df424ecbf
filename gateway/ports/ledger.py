"""The ledger: leaves, tree, checkpoints, who witnessed them, and what is pruned."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.ledger.pruning import Judge
from gateway.ports.shares import IdempotencyState, Intent, OutcomeWrite, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The newest checkpoint: size, root and the signed note."""

    size: int = 0
    root: bytes = b""
    note: str = ""
    """As the ledger signed it."""
    cosignatures: tuple[str, ...] = ()
    """The lines that witnesses gave for it."""

    @property
    def cosigned_note(self) -> str:
        """The note with these lines: what is shown, exported and proven with."""
        return self.note + "".join(f"{line}\n" for line in self.cosignatures)


class LedgerStore(Protocol):
    """
    The ledger and what must change with it, in one order.

    One process owns a SQLite store. All writes pass one writer, which commits
    what waits together. Each call is atomic: all of it or nothing. Cancelling
    one caller never affects another. Raises `StoreFailed` where the disk does
    not take it; then nothing of that call is on disk and the next call may
    succeed.
    """

    def append(self, leaves: Sequence[bytes]) -> Awaitable[None]:
        """Store leaves in this order. When the wait is over they are durable."""

    def intend(self, intent: Intent) -> Awaitable[tuple[Recorded, ...]]:
        """
        Make an intent durable; gives where each entry is. It begins with the
        call and not with the wait.

        Raises `Fenced` where a subject has a tombstone or is being erased, and
        `Stale` where a subject's or the partner's epoch is not the one given:
        nothing is stored then, and the caller decides again. `KeyTaken` where
        its idempotency key is another share's that may have left.
        """

    def settle(self, outcome: OutcomeWrite) -> None:
        """
        Note what became of a share. Returns at once; the write follows, and is
        tried again while the disk refuses it. Dying before it is written leaves
        the intent open, which reads "may have received".
        """

    async def flush(self) -> None:
        """Return when every earlier `settle` is durable or known to be refused by the disk."""

    async def idempotency(self, key: bytes) -> IdempotencyState | None:
        """
        What is stored of a key that has not run out; None also where its share
        was given up before anything left and without an answer.
        """

    async def close_open_intents(self, leaf_of: Callable[[str, str], bytes]) -> int:
        """
        After a crash: give every open intent the outcome `unknown`.

        `leaf_of(share, partner)` makes the outcome's leaf. Returns how many.
        Only the store's one owner may call it, before it serves.
        """

    async def open_intents(self) -> int:
        """How many intents have no outcome."""

    async def head(self) -> LedgerHead:
        """The newest checkpoint."""

    async def size(self) -> int:
        """How many leaves are durable, sequenced or not."""

    async def leaves(self, start: int, limit: int) -> list[bytes]:
        """Sequenced and unsequenced leaves from index `start` on."""

    async def tiles(self, ids: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Tiles of the tree, as they are stored; absent ones are left out."""

    async def sequence(
        self, head: LedgerHead, tiles: Mapping[tuple[int, int], bytes], size_before: int
    ) -> None:
        """
        Store a checkpoint and the tiles that go with it, all or none. Raises
        `LedgerContradiction` where the stored head is not at `size_before`.
        """

    async def find_share(self, share: str) -> list[int]:
        """Indexes of a share's intent leaves."""

    async def outcomes(self, share: str) -> list[str | None]:
        """What became of each intent of a share, in their order; None: open."""


class WitnessStore(Protocol):
    """Which checkpoints witnesses cosigned, and what is proven to outsiders."""

    async def keep_cosignature(
        self, head: LedgerHead, witness: str, line: str, quorum: int
    ) -> None:
        """
        Keep one witness's line for a checkpoint; `witness` is its key as text. Once
        `quorum` of them signed one, what is older is let go. Durable.
        """

    async def keep_witnesses(self, witnesses: Sequence[str]) -> dict[str, int]:
        """Forget every other witness; the largest size that each of these cosigned."""

    async def witnessed(self, quorum: int) -> LedgerHead | None:
        """The newest checkpoint that at least `quorum` witnesses cosigned, with their lines."""

    async def places_of_share(self, share: str) -> list[int]:
        """
        Indexes of the leaves of a share that the gateway carried: of every intent, and
        of its outcome where it is known. Empty for every other id.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneStep:
    """What one step of pruning did."""

    looked: int
    """Leaves that were looked at; 0: there is nothing more to do now."""
    pruned: int
    upto: int
    """Leaves of a lower index were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """What a run would prune, and what it would leave because it is still needed."""

    pruned: int
    kept: int


class PruneStore(Protocol):
    """Taking the content out of leaves whose term is over; their hashes stay (contract §10)."""

    async def prune_some(self, judge: Judge, now: datetime, limit: int) -> PruneStep:
        """
        Look at some of the leaves that a checkpoint covers, in order, and at those whose
        time to be looked at again has come; prune what `judge` says, all or none. With a
        leaf goes its erasable index.

        Dying between two steps loses nothing. Raises `LedgerContradiction` where a leaf is
        not the one that the tree has, and prunes nothing.
        """

    async def prunable(self, judge: Judge, now: datetime, tell: Callable[[int], None]) -> Prunable:
        """What all steps together would do. Changes nothing, and needs no owner."""

    async def say_pruned(self, leaf_of: Callable[[int, int], bytes]) -> int:
        """
        Append the leaf that tells how many were pruned since the last such leaf, also by
        a process that died, made by `leaf_of(pruned, upto)`; none where none were. How many.
        """

    async def tighten_some(self, limit: int) -> bool:
        """Give back the room of some pruned leaves; false where there is none to be given."""

    async def compact(self) -> None:
        """
        Write the store anew, without any room that nothing takes. Needs as much room again
        and some time, in which nobody else may use it. Raises `StoreFailed`.
        """
