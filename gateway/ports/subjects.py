"""What is known of a person, and what of them was disclosed."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.ports.people import ConsentRow, SubjectRow, SubjectState
from gateway.ports.shares import IntentEntry, Recorded


class DisclosureRow(NamedTuple):
    """
    One disclosure of a subject: the intent's leaf, its place, its outcome. A tuple,
    because an account may have many thousands of them.
    """

    place: int
    """Its index in the tree, once it is there."""
    leaf: str
    outcome: str | None
    untold: bool
    """The person must not learn of it (D2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """A registered record (contract §7), sealed under the home's key."""

    id: str
    partner: str
    sealed: bytes
    subjects: tuple[bytes, ...] | None
    """Look-up marks; None: any subject."""


class SubjectStore(Protocol):
    """People: keys, facts, consents, fences. Everything about them can be erased."""

    async def subject(self, lookup: bytes) -> SubjectState | None:
        """All that is stored of the person with this look-up mark."""

    async def rows_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes]
    ) -> tuple[dict[bytes, SubjectRow], set[bytes]]:
        """
        The rows of many people by their look-up marks, and which of these marks have
        a tombstone, run out or not; all as of one moment.
        """

    async def subject_row(self, no: int) -> SubjectRow | None:
        """A person's row by its number."""

    async def tombstoned(self, mark: bytes, *, now: datetime) -> bool:
        """Whether a tombstone keeps this person out."""

    async def put_subject(
        self, rows: Sequence[SubjectRow], *, tombstones: Sequence[bytes], same_person: bool
    ) -> tuple[SubjectRow, ...]:
        """
        Store new facts of rows (new ones are inserted) and raise the person's
        epoch; with `same_person` they become aliases of one person. Raises
        `Fenced` where a tombstone keeps one of them out, `Stale` where a row
        meanwhile has another key.
        """

    async def add_consents(self, rows: Sequence[tuple[SubjectRow, bytes, str, bytes]]) -> list[int]:
        """
        Store consents as (subject row, tombstone mark, consent id, sealed) and
        raise each subject's epoch. All or none. Returns subject numbers.
        """

    async def consent(self, id: str) -> tuple[ConsentRow, SubjectRow] | None:
        """A consent and whose it is."""

    async def update_consent(self, row: ConsentRow) -> None:
        """Replace a consent and raise its subject's epoch."""

    def disclosures(self, subject: int) -> AsyncGenerator[list[DisclosureRow], None]:
        """
        Every disclosure of a subject, intended, carried or declared, in order, some at
        a time and all as of one moment. The next are read while the last are used.
        """

    async def declare(
        self, entries: Sequence[tuple[IntentEntry, str, str]]
    ) -> tuple[Recorded, ...]:
        """Store declared disclosures: (entry, share id, partner)."""

    async def add_evidence(self, row: EvidenceRow) -> None:
        """Store a registered record."""

    async def evidence(self, id: str) -> EvidenceRow | None:
        """A registered record."""
