"""People as the store keeps them: nothing in the clear."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRow:
    """
    A person's row as the store keeps it: nothing in the clear.

    `lookup` is HMAC(lookup key, subject id); `key` the subject's own key, wrapped;
    `facts` its facts, sealed under that key. `no` is None until it is stored.
    """

    lookup: bytes
    key: bytes
    facts: bytes
    no: int | None = None
    person: int | None = None
    """The group of aliases it belongs to."""
    epoch: int = 0
    """Of the person."""
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent, sealed under its subject's key."""

    id: str
    subject: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceRow:
    """One fence of a person, sealed under the home's key."""

    case: str
    person: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectState:
    """All that is stored of one person, read in one go."""

    row: SubjectRow
    aliases: tuple[SubjectRow, ...] = ()
    """The other rows of the same person."""
    consents: tuple[ConsentRow, ...] = ()
    fences: tuple[FenceRow, ...] = ()


class CrowdStore(Protocol):
    """Many people at once, for shares of many records."""

    async def people_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes], *, now: datetime
    ) -> tuple[dict[bytes, SubjectState], set[bytes]]:
        """
        What `SubjectStore.subject` says of each of many look-up marks, by mark, and
        which of the tombstone marks keep somebody out; all as of one moment.
        """
