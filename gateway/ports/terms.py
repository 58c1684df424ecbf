"""What ends by itself, and the editions of the policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from gateway.ports.shares import ReferenceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingRow:
    """A share of whose end its recipient has not been told."""

    seq: int
    share: str
    subject: int
    leaf: bytes
    outcome: str | None
    until: datetime | None
    """The end of its retention; None: it was declared without one."""


class TermsStore(Protocol):
    """What ends by itself: retentions and agreements (P6, S4a)."""

    async def recipients_with_ends(self, now: datetime) -> list[str]:
        """To whom something was shared whose time to look has come; a cheap question."""

    async def people_with_ends(self, partner: str, now: datetime | None, limit: int) -> list[int]:
        """
        Numbers of people about whom something was shared with `partner` whose time
        to look has come; without `now` about whom it has anything of whose end it
        was not told. People who are being erased are left out.
        """

    async def ending(self, partner: str, person: int) -> tuple[list[EndingRow], list[ReferenceRow]]:
        """What `partner` has of a person and was not told to delete, and its own ids of that."""

    async def look_again(self, shares: Mapping[int, datetime]) -> None:
        """Look at these shares not before then."""

    async def untried_notices(self, now: datetime) -> dict[str, int]:
        """How many notices are due to each recipient that were never tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRow:
    """An edition that was in force, with every document that it consisted of (N1)."""

    number: str
    digest: str
    """Of the documents: one number may have had several."""
    published: date
    effective: datetime
    adopted_at: datetime
    """When these documents first came into force."""
    widened: str
    """What consents must be newer than, as text."""
    documents: bytes
    """Compressed."""


class EditionStore(Protocol):
    """Editions, kept whole."""

    async def keep_edition(self, row: EditionRow, leaves: Sequence[bytes]) -> None:
        """
        Store an edition as the one in force from now on, with its leaves, in one
        go. Documents that are kept already are not stored twice.
        """

    async def edition_in_force(self) -> EditionRow | None:
        """What came into force last; None in a new home."""

    async def kept_edition(self, number: str) -> EditionRow | None:
        """The newest documents of one number."""

    async def edition_numbers(self) -> list[str]:
        """Which editions are kept, in the order in which they came into force."""
