"""What reports, replays of editions and account reads are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.ports.people import SubjectRow, SubjectState
from gateway.ports.subjects import EvidenceRow
from gateway.reports.counts import HourOfReads, Reader, ReadSpread, RefusalCount, ShareCount


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalEntry:
    """One refusal: its leaf, and what it takes to decide it again."""

    leaf: bytes
    decided: bool
    """False: it was refused before anything was decided."""
    subject: int | None
    ground: str | None
    """What the service named; None: the route's own."""
    evidence: str | None
    """`claimed` or `registered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """A share that left, or a refusal."""

    seq: int
    leaf: bytes
    ground: str | None = None
    evidence: str | None = None


class HistoryStore(Protocol):
    """What was decided, person by person, a page at a time."""

    async def refuse(self, entries: Sequence[RefusalEntry]) -> None:
        """Store refusals; when this returns they are durable. Who is erased loses theirs."""

    async def count_past(self) -> int:
        """How many shares and refusals there are at most to go through."""

    async def people_after(self, person: int, subject: int, limit: int) -> list[SubjectState]:
        """The next people who are not being erased, by person and row, aliases side by side."""

    async def past_shares(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """
        What left about a person after a place in the ledger, or may have left.
        None: about nobody, or somebody who was erased since.
        """

    async def past_refusals(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """What was refused about a person; None: about people of whom nothing is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """One share as reports read it. `subject` None: about nobody, or erased since."""

    subject: int | None
    seq: int
    leaf: bytes
    outcome: str | None
    untold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReadRow:
    """How often somebody read one person. `reader` None: everybody together."""

    subject: int
    reads: int
    reader: Reader | None = None
    last: str = ""
    readers: int = 1


class ReportStore(Protocol):
    """
    What reports ask. Times are as leaves write them, from the first up to the
    second. No call reads more than its bounds say, so that nobody waits for it.
    """

    async def append_read(self, leaf: bytes, lookup: bytes | None) -> None:
        """
        Store the leaf of a read and whose records were read, by look-up mark; None:
        no one person's. When this returns it is durable (P3).
        """

    async def last_subject(self) -> int:
        """The highest number of a person's row."""

    async def shares_of_people(
        self, partner: str | None, after: tuple[int, int], last: int, limit: int
    ) -> list[SharedRow]:
        """
        What `partner` (None: any) got or may have got of people, by person and order:
        behind (person, seq), up to the person `last`.
        """

    async def shares_of_nobody(self, partner: str | None, after: int, last: int) -> list[SharedRow]:
        """The same of the erased and of nobody, in that stretch of the ledger (by seq)."""

    async def rows_by_number(self, numbers: Sequence[int]) -> list[SubjectRow]:
        """People's rows by their numbers; those that are gone are left out."""

    async def consented(self, after: int, limit: int) -> list[SubjectState]:
        """The next people with consents, by number; without aliases and fences."""

    async def count_shares(self, after: int, last: int, since: str, until: str) -> list[ShareCount]:
        """Shares in that stretch of the ledger (by seq), those not sent too."""

    async def count_refusals(
        self, after: int, last: int, since: str, until: str, partners: Sequence[str]
    ) -> list[RefusalCount]:
        """Refusals of shares with these recipients in that stretch of the ledger (by seq)."""

    async def exempt_notices(
        self, reason: str, since: datetime | None, until: datetime | None
    ) -> dict[str, int]:
        """How many notices each recipient was not sent for a reason, in cases of that time."""

    async def evidence_after(self, id: str, limit: int) -> list[EvidenceRow]:
        """The next registered records by id, without whom they are about."""

    async def read_hours(self, until: str) -> list[HourOfReads]:
        """Reads by who, what and hour since the beginning."""

    async def read_spread(self, since: str, until: str) -> list[ReadSpread]:
        """How many people each reader read just so often."""

    async def reads_of_people(self, since: str, until: str, limit: int) -> list[PersonReadRow]:
        """Whom each reader read most often, most often first."""

    async def readers_of_people(
        self, since: str, until: str, more_than: int, limit: int
    ) -> list[PersonReadRow]:
        """Whom more than so many read."""
