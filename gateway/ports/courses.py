"""How cases go on: lists, tasks, reminders, and what protocols keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.model.cases import Notice
from gateway.reports.scorecard import PartnerCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in an order by deadline and id; what follows it is asked for next."""

    deadline: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case with what is counted of it: a row of a long list."""

    case: str
    action: str
    state: str
    reason: str
    accepted_at: datetime
    deadline: datetime
    closed_at: datetime | None
    notices: int
    settled: int
    tasks: int
    """How many of its notices wait for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A notice that waits for a person, and of which case it is."""

    notice: Notice
    action: str
    case_reason: str
    accepted_at: datetime
    """The case's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCase:
    """An open case of which somebody is to be reminded."""

    case: str
    accepted_at: datetime
    deadline: datetime
    remind_at: datetime
    """The moment that has come; that of the epoch where nobody has looked yet."""
    unsettled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How many notices have not reached a recipient, and since when the first should have."""

    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDsrRow:
    """A request that was taken in OpenDSR. Names nobody."""

    mark: bytes
    """Keyed hash of who asked and of the request's id."""
    case: str
    received: datetime
    sealed: bytes = field(repr=False)
    """Where to call back, and of whom that is left to be done."""
    told: str
    """The status that all of them were told last."""
    tries: int = 0
    next_at: datetime | None = None
    """When there is something to tell at the earliest; None: nothing any more."""
    fingerprint: bytes | None = field(default=None, repr=False)
    """Keyed hash of what was asked; None once it was forgotten."""


class OpenDsrStore(Protocol):
    """Requests of OpenDSR, and who is called back of them."""

    async def opendsr_request(self, mark: bytes) -> OpenDsrRow | None:
        """One of them."""

    async def put_opendsr_request(self, row: OpenDsrRow) -> None:
        """Store it, or how far it was told; of one that is there the case stays. Durable."""

    async def opendsr_requests_to_tell(self, now: datetime, limit: int) -> list[OpenDsrRow]:
        """
        Those that are due and whose case stands otherwise than was told: `completed` for
        a closed one, `cancelled` for a refused one, else `in_progress` once a notice was
        tried or is settled, and `pending` before.
        """

    async def forget_opendsr_fingerprints(self, until: datetime) -> None:
        """Forget what was asked up to then: it names a person to whoever has the home's keys."""


class CourseStore(Protocol):
    """How cases and notices go on: what is looked at when, who must do what, how it went."""

    async def notices_to_look_at_again(self, now: datetime, limit: int) -> list[str]:
        """Unsettled notices whose `look_at` has come, oldest first."""

    async def hasten(self, partner: str, now: datetime, limit: int) -> int:
        """
        Notices to this recipient that wait for another try are due now, or when it
        asked to be left alone until; so many at most. How many there were.
        """

    async def cases_to_remind_of(self, now: datetime, limit: int) -> list[DueCase]:
        """Open cases of which somebody is to be reminded now."""

    async def cases_reminded_of(self, again: Mapping[str, datetime]) -> None:
        """When that is to be once more, by case."""

    async def waiting_notices(self, now: datetime) -> dict[str, Wait]:
        """Notices that should have gone out by now and reached nobody, by recipient."""

    async def task_counts(self) -> dict[str, int]:
        """How many notices wait for a person, by recipient."""

    async def overdue_cases(self, now: datetime) -> int:
        """How many open cases are past their deadline."""

    async def tasks_after(
        self, after: Place | None, *, partner: str | None, limit: int
    ) -> list[TaskRow]:
        """Notices that wait for a person, due first, behind a place."""

    async def case_lines(
        self,
        after: Place | None,
        *,
        state: str | None,
        partner: str | None,
        due_before: datetime | None,
        overdue_at: datetime | None,
        limit: int,
    ) -> list[CaseLine]:
        """Cases, due first, behind a place; `overdue_at`: only open ones that are late then."""

    async def scorecard(
        self, since: datetime | None, until: datetime | None, partner: str | None
    ) -> list[PartnerCount]:
        """What became of the notices that were to be told in a period, by recipient."""


class ProtocolStore(Protocol):
    """What the protocols of notices keep, and what people settled notices on."""

    async def expect_callback(self, mark: bytes, notice: str) -> None:
        """From now on `mark` stands for this notice; nothing where it does already. Durable."""

    async def notice_called_back(self, mark: bytes) -> str | None:
        """The notice that a mark stands for."""

    async def resolution(self, notice: str) -> tuple[bytes, bytes] | None:
        """What a person settled a notice on: its wrapped key and the text, sealed."""

    async def forget_resolution(self, notice: str) -> bool:
        """Destroy it, key first; false where there is none."""
