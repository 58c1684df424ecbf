"""The gateway's own keys, and the epochs of those that are destroyed one day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.ports.clock import Random
from gateway.seal.wrapping import EpochKey


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """An epoch as the store knows it."""

    number: int
    fingerprint: str
    """Of its key: tells it from another of the same number."""
    due: datetime | None = None
    """From when on its key may be destroyed; None while it wraps."""
    destroyed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWrapped:
    """A key that the first version wrapped, under the home's key alone, and whose it is."""

    no: int
    wrapped: bytes
    kind: str
    """`subject`, `escrow` or `case`."""
    owner: bytes


class EpochStore(Protocol):
    """Which epoch each wrapped key names, and which of the gateway's keys the ledger knows."""

    async def epochs(self) -> dict[int, int]:
        """How many wrapped keys name each epoch; 0: those under the home's key alone."""

    async def known_epochs(self) -> list[EpochRow]:
        """Every epoch that there was, by number."""

    async def begin_epoch(
        self, epoch: EpochRow, leaves: Sequence[bytes], *, due: datetime, sooner: bool
    ) -> None:
        """
        Note an epoch, with its leaves, in one go. Earlier ones that were in force are due
        then; with `sooner` also those that are due later.
        """

    async def wrapped_under(self, epoch: int, limit: int) -> list[tuple[int, bytes]]:
        """Some of the keys wrapped under an epoch: number and wrap."""

    async def wrapped_at_home(self, kind: str, after: bytes, limit: int) -> list[HomeWrapped]:
        """Keys under the home's key alone, by owner, behind `after` (empty: from the first)."""

    async def rewrap(self, changes: Sequence[tuple[int, bytes, bytes]]) -> int:
        """
        Put new wraps in place of those that were read: (number, before, after). One
        that is not as it was read, because it was destroyed, stays. Returns how many.
        """

    async def close_epoch(self, number: int) -> bool:
        """
        Whether no wrapped key names this epoch; then none ever will: what is to be
        stored under it raises `Stale`.
        """

    async def end_epoch(self, number: int, leaves: Sequence[bytes]) -> None:
        """Note that an epoch's key was destroyed, with its leaves, in one go."""

    async def give_up(self, epochs: Sequence[int], leaves: Sequence[bytes]) -> tuple[int, int]:
        """
        Destroy what is wrapped under these epochs: everything of these people, without
        a tombstone, and what escrows and cases say. How many people and escrows.
        """

    async def own_keys(self) -> dict[str, bool]:
        """Signing keys that the ledger knows, by kid, and whether as retired."""

    async def put_own_keys(self, keys: Mapping[str, bool], leaves: Sequence[bytes]) -> None:
        """Note what the ledger knows of them, with its leaves, in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRow:
    """One of the gateway's own signing keys; of a retired one only the public half is left."""

    use: str
    kid: str
    private_jwk: Mapping[str, Any] = field(repr=False)
    retired: bool = False
    since: datetime | None = None
    retired_at: datetime | None = None
    counts_until: datetime | None = None
    """Until when it verifies something; None: for good, or as long as it signs."""

    def counts(self, *, at: datetime) -> bool:
        """Whether anything signed by it is to be believed."""
        return self.counts_until is None or at < self.counts_until


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKeyRow:
    """One epoch's key, as a file of the home has it; the key itself is not in here."""

    number: int
    fingerprint: str
    since: datetime


class KeptHead(Protocol):
    """
    The last checkpoint that was signed, kept outside the store.

    A store that is put back from a copy agrees with itself; this one does not go
    back with it.
    """

    def read(self) -> str | None:
        """The note that was kept; None where there is none. Raises `StoreFailed`."""

    async def keep(self, note: str, size: int) -> None:
        """
        Keep a checkpoint's note in place of the one before. When this returns it is
        durable, and only then may anybody be given the note. Raises `StoreFailed`
        where the disk does not take it, and `LedgerContradiction` where it is of
        fewer leaves than the one that this process kept before.
        """


class Keyring(Protocol):
    """The gateway's own keys."""

    def signing(self, use: str) -> SigningKeyRow:
        """The key in force: `grant`, `notice`, `checkpoint`, `certificate`, `issuer`."""

    def signing_keys(self) -> list[SigningKeyRow]:
        """Every signing key, retired ones too, by use and age."""

    def rotate(self, use: str, random: Random, *, at_once: bool = False) -> SigningKeyRow:
        """
        A new key signs from now on, durable on return; the one before keeps its public
        half, and counts until nothing signed by it is live, or no more (`at_once`).
        """

    def public_jwks(self) -> dict[str, Any]:
        """Public halves of all keys that partners may need now; never `issuer`."""

    def issuer_jwks(self) -> dict[str, Any]:
        """Public halves of the home's own issuer keys, for the gateway itself only."""

    def epoch(self, number: int) -> EpochKey:
        """The key of an epoch; of one in use without a look at the disk. Raises
        `EpochKeyMissing`."""

    def newest_epoch(self) -> EpochKey | None:
        """The key that wraps now; None in a home that has none yet."""

    def epochs(self) -> list[EpochKeyRow]:
        """Which epochs' keys are there, oldest first."""

    def begin_epoch(self, number: int, random: Random) -> EpochKeyRow:
        """Make the key of the next epoch: durable on return, and what wraps from then on."""

    def destroy_epoch(self, number: int) -> None:
        """
        Destroy an epoch's key on the disk; durable on return, nothing where it is gone.
        What was read a moment ago opens until `forget_epochs`.
        """

    def forget_epochs(self) -> None:
        """Let go of destroyed epochs' keys in memory."""

    def finish(self) -> None:
        """Finish what a process that died had begun to write or destroy. For the owner only."""

    def secret(self, label: str) -> bytes:
        """32 bytes for one use (`bind`, `lookup`, `tombstone`, `hash`, `idempotency`), stable."""
