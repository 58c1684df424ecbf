"""A restored copy, on its way back to what an export knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.model.cases import Case
from gateway.ports.cases import NewNotice
from gateway.ports.people import SubjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayState:
    """How far a store that was restored from a copy has been brought up to a bundle."""

    start: int
    """Leaves that the copy had."""
    size: int
    """Leaves of the bundle."""
    note: str
    """The bundle's checkpoint, as it was signed."""
    done: bool = False
    untried: int = 0
    """Shares whose person was not looked for among everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedShare:
    """A share whose person was found by the mark in its leaf."""

    seq: int
    subject: int
    untold: bool
    ends: bool
    """False: it has no end of its own (it was declared without one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedCase:
    """A case that leaves tell of, on its way into a store that does not know it."""

    case: Case
    person: int
    tombstones: tuple[bytes, ...]
    """Of all aliases; only where it is the whole person."""
    tombstone_expires: str
    fence: bytes | None
    """Sealed; None: the lasting fence of a whole person, or none any more."""
    whole: bool
    key: bytes
    sealed: bytes
    notices: "tuple[NewNotice, ...]"
    told: tuple[int, ...] = ()
    """The shares whose end it tells, by seq (P6, S4a)."""
    leaves: tuple[bytes, ...] = ()
    """Of the notices that no leaf tells of yet."""
    mass: str | None = None
    """The mass case that it is part of, where the store knows that one."""


class RestoreStore(Protocol):
    """For a store that was restored from a copy: what happened after the copy."""

    async def replay_state(self) -> ReplayState | None:
        """The last replay; None where there was none."""

    async def begin_replay(self, state: ReplayState) -> None:
        """From now on, until `end_replay`, the store is not to be served. Durable."""

    async def end_replay(self, untried: int) -> None:
        """All of it is done, but for so many shares. Durable."""

    async def append_past(self, start: int, leaves: Sequence[bytes]) -> None:
        """
        Append leaves of the past exactly as they are, and what follows from them
        alone (shares nobody's yet, outcomes, reads), all or none. Raises
        `LedgerContradiction` where the ledger has not `start` leaves.
        """

    async def rows_from(self, after: int, limit: int) -> list[SubjectRow]:
        """The next people's rows by number, aliases and the erased included."""

    async def sharers(self, before: int, limit: int) -> list[tuple[int, int]]:
        """(seq, person's row) of shares before a place in the ledger, the latest first."""

    async def unowned_shares(self, start: int, after: int, size: int) -> list[tuple[int, bytes]]:
        """
        (seq, leaf) of shares that are nobody's while their leaf has a mark, behind
        `after` leaves, up to a place in the ledger; `size` at most.
        """

    async def own_shares(self, shares: Sequence[OwnedShare]) -> None:
        """Say whose shares these are, where they are nobody's."""

    async def adopt_case(self, adopted: AdoptedCase) -> bool:
        """
        Store a case of the past with its fence and notices; false, and nothing is
        stored, where there is one with its id. Raises `Stale` where the person is gone.
        """

    async def lift_fence(self, case: str) -> None:
        """Take the fence of a case away; nothing where there is none any more."""

    async def note_past(
        self, case: str, closed_at: datetime | None, state: str, ground: str | None = None
    ) -> None:
        """How a case that the store knows stood in the end; nothing where it is so already."""
