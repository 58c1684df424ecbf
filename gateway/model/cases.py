"""
A case and its notices: one request to erase, and what each recipient is told
(contract §9; R2, R3, A1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from gateway.model.ids import CaseId, CategoryId, NoticeId, PartnerId, PurposeId


class Action(StrEnum):
    """What a case asks for."""

    ERASE = "erase"
    RECTIFY = "rectify"
    RESTRICT = "restrict"
    UNRESTRICT = "unrestrict"
    WITHDRAW = "withdraw"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    REFUSED = "refused"
    CLOSED = "closed"


class VerifiedBy(StrEnum):
    """How the person's identity was verified (R6, A1)."""

    APP_SESSION = "app-session"
    CUSTOMER_SERVICE = "customer-service"
    GUARDIAN = "guardian"
    SYSTEM = "system"


class EraseReason(StrEnum):
    """Why a person's data must go (R2, M3, K3, P6, S4a)."""

    USER_REQUEST = "user-request"
    ACCOUNT_CLOSED = "account-closed"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    UNLAWFUL = "unlawful"
    AGREEMENT_BREACHED = "agreement-breached"
    SERVICE_ENDED = "service-ended"
    MINOR_WITHOUT_CONSENT = "minor-without-consent"
    RETENTION_EXPIRED = "retention-expired"
    AGREEMENT_ENDED = "agreement-ended"


class NoticeState(StrEnum):
    """Where a notice stands."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    PARTIAL = "partial"
    REFUSED = "refused"
    EXEMPT = "exempt"
    FAILED = "failed"
    OVERDUE = "overdue"


class Proof(StrEnum):
    """On whose word a notice is settled."""

    RECEIPT = "receipt"
    RESPONSE = "response"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScope:
    """What a case is about; three empty sets = the whole person."""

    partners: frozenset[PartnerId] = frozenset()
    purposes: frozenset[PurposeId] = frozenset()
    categories: frozenset[CategoryId] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether it is the whole person."""
        return not (self.partners or self.purposes or self.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A recipient that need not be told, and why (R3)."""

    partner: PartnerId
    reason: str
    evidence: str = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldShare:
    """One disclosure, as the plan needs it."""

    share: str
    partner: PartnerId
    pseudonym: str = field(repr=False)
    """The person's (or alias's) pseudonym for this partner."""
    purpose: PurposeId
    categories: tuple[CategoryId, ...]
    at: datetime
    outcome: str | None
    """None: still in flight."""
    references: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewValue:
    """One correction, in the form in which its recipient had the field (R1)."""

    selector: str
    """The field as a leaf names it: `/recipient/phone`, `query.email`."""
    purpose: PurposeId
    purpose_version: int
    value: str | None = field(repr=False)
    """JSON text, after the route's transform; None: no program can bring it into that form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one notice says of the person; kept in escrow until its recipient settles."""

    pseudonym: str = field(repr=False)
    references: tuple[str, ...] = field(repr=False)
    purposes: tuple[PurposeId, ...]
    categories: tuple[CategoryId, ...]
    part: int | None = None
    parts: int | None = None
    only_references: bool = False
    """It means the records that these ids name, and nothing else of the person (P6)."""
    changes: tuple[NewValue, ...] = field(default=(), repr=False)
    """`rectify`: the new values, of fields alone that this recipient has; each field once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a notice went so far, and when it is looked at next. What is not known is None."""

    since: datetime | None = None
    """From when on it was to be told."""
    acknowledge_by: datetime | None = None
    """Until when its recipient agreed to say that it came; None: nothing was agreed."""
    look_at: datetime | None = None
    """When it is looked at next, to remind its recipient or to tell a person."""
    reached_at: datetime | None = None
    acknowledged_at: datetime | None = None
    """When its recipient first said anything of it."""
    done_at: datetime | None = None
    """When it was said to be done, by whomever."""
    escalated_at: datetime | None = None
    """When a person was told that its recipient does not acknowledge it."""
    not_before: datetime | None = None
    """Until when its recipient asked to be left alone with it (`Retry-After`)."""
    reminders: int = 0
    """How often its recipient was reminded of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message of a case to one recipient, as it stands. Holds nothing about the person."""

    id: NoticeId
    case: CaseId
    partner: PartnerId
    state: NoticeState
    deadline: datetime
    reason: str | None = None
    backups_until: date | None = None
    """Until when backups may still hold the data (R4): a UTC day, that day included, or a time."""
    attempts: int = 0
    next_at: datetime | None = None
    proof: Proof | None = None
    settled: bool = False
    held: bool = False
    """Its recipient has an intent of this person without outcome: it must not be overtaken."""
    resend_at: datetime | None = None
    """An intent ended `unknown`: told once more when its grant is over."""
    receipts: tuple[str, ...] = field(default=(), repr=False)
    """Accepted receipts, compact, for the certificate."""
    course: Course = Course()

    def shown(self) -> Mapping[str, Any]:
        """As `GET /v1/cases/{id}` has it."""
        return {
            "notice": self.id,
            "partner": self.partner,
            "state": self.state.value,
            "reason": self.reason,
            "deadline": _stamp(self.deadline),
            "backups_until": written_until(self.backups_until) if self.backups_until else None,
            "attempts": self.attempts,
            "next_at": _stamp(self.next_at) if self.next_at else None,
            "evidence": self.proof.value if self.proof else None,
            "settled": self.settled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, as it stands. Holds nothing about the person but a salted hash."""

    id: CaseId
    action: Action
    state: CaseState
    reason: str
    deadline: datetime
    accepted_at: datetime
    closed_at: datetime | None
    subject_hash: str
    """Hex SHA-256(salt ‖ subject); the salt is with whoever opened the case."""
    scope: CaseScope
    notices: tuple[Notice, ...] = ()
    method: str | None = None
    """How identity was verified (R6); None: an older release did not keep it."""
    verified_at: datetime | None = None
    ground: str | None = None
    """On what the request was refused (R7); None: it was not."""

    def shown(self) -> Mapping[str, Any]:
        """As `GET /v1/cases/{id}` has it."""
        return {
            "case": self.id,
            "action": self.action.value,
            "state": self.state.value,
            "reason": self.reason,
            **({"ground": self.ground} if self.ground is not None else {}),
            "deadline": _stamp(self.deadline),
            "accepted_at": _stamp(self.accepted_at),
            "closed_at": _stamp(self.closed_at) if self.closed_at else None,
            "notices": [notice.shown() for notice in self.notices],
        }


def backups_end(until: date) -> datetime | None:
    """
    From when on backups that may hold data until then hold it no more (R4): the time
    itself, or the end of the UTC day. None: the calendar's last day has no end.
    """
    if isinstance(until, datetime):
        return until
    return None if until == date.max else datetime.combine(until, time(), UTC) + timedelta(days=1)


def written_until(until: date) -> str:
    """A day as a day, a time as a time, as its recipient said it."""
    return _stamp(until) if isinstance(until, datetime) else until.isoformat()


def read_until(text: str) -> date:
    """What `written_until` wrote. Raises `ValueError`."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
