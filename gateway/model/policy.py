"""
What the published policy says, as values: categories, purposes, grounds, kinds
of recipient, rights and promises.

Every rule carries the ids of the clauses it keeps (`REQUIREMENTS`: C1, S4a …).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.model.ids import CategoryId, ClauseId, GroundId, PurposeId


class Kind(StrEnum):
    """What a recipient is to us (S2, S3, S6, D2, C6, T4)."""

    AFFILIATE = "affiliate"
    PARTNER = "partner"
    PROCESSOR = "processor"
    BRANCH = "branch"
    AUTHORITY = "authority"
    RESEARCH = "research"
    SUCCESSOR = "successor"


class LeafKind(StrEnum):
    """Which ledger leaf a share of a purpose makes (T1-3, D1)."""

    INTENT = "intent"
    TRANSFER = "transfer"
    PUBLIC_DISCLOSURE = "public-disclosure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category of personal data (C1), graded (C2)."""

    id: CategoryId
    title: str
    sensitive: bool = False
    shareable: bool = True
    """False: no manifest may ever declare it (C2, `network.password`)."""
    identifying: bool = True
    """False: says nothing that singles a person out (`none`, `statistics`) (C6)."""
    personal: bool = True
    """False: not about a person at all (`none`, `statistics`)."""
    clauses: tuple[ClauseId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why data may leave, and on what terms (S1, S3, C3, C6)."""

    id: PurposeId
    version: int
    title: str
    core: bool
    """Core function, else additional: an additional purpose needs a live opt-in (C3)."""
    grounds: tuple[GroundId, ...]
    kinds: frozenset[Kind]
    """Kinds of recipient it is open to."""
    commercial: bool = False
    separate_consent: bool = False
    """Only a consent of `method: separate` carries it."""
    active_choice: bool = False
    """A consent of `method: implied` does not carry it (C6)."""
    sale: bool = False
    """Counts as sale or sharing: `Sec-GPC: 1` and opt-outs refuse it."""
    deidentified: bool = False
    """Only de-identified data, no stable id, no grant `sub` (C6)."""
    leaf: LeafKind = LeafKind.INTENT
    clauses: tuple[ClauseId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A lawful basis (S1), and what must prove it (S1, S5)."""

    id: GroundId
    title: str
    evidence: bool
    """The share must name evidence."""
    registered: bool = False
    """Evidence must be a record made by `POST /v1/evidence`, not a claim, whoever asks."""
    registered_kinds: frozenset[Kind] = frozenset()
    """Evidence must be registered when the recipient is of one of these kinds."""
    commercial: bool = True
    """False: never carries a purpose marked commercial (S5)."""
    minors: bool = False
    """True: may carry a minor's share (M2). Consent may too, when by the guardian."""
    clauses: tuple[ClauseId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """What holds for every recipient of a kind."""

    kind: Kind
    agreement: bool = True
    """A confidentiality agreement must be on file and running (S4a, S6)."""
    categories_without_consent: tuple[CategoryId, ...] | None = None
    """None: any. Else only these trees may leave on a ground other than consent (S3)."""
    sealed: bool = False
    """Everything is sealed, always: routes must say `seal: body` (D2)."""
    registered_demand: bool = False
    """The ground's evidence must be a registered demand (D2)."""
    deidentified: bool = False
    """Only de-identified routes load (C6)."""
    accepts_edition: bool = False
    """Bound by an accepted edition, else every transfer needs consent (T4)."""
    clauses: tuple[ClauseId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The clocks of cases (`policies/rights.yaml`; R6, M3, K3)."""

    default_days: int
    days_by_reason: Mapping[str, int]
    scope_required: frozenset[str]
    """Reasons that make no sense without a scope (contract §9)."""
    announced_days: int
    """How long before `service-ended` notices may leave (K3)."""
    tombstone_months: int
    refusal_grounds: tuple[str, ...]
    """On which a request may be refused (R7)."""
    records_months: int | None = None
    """How long the ledger keeps what its leaves say; None: nothing is pruned by itself."""
    reminders_days: tuple[int, ...] = (7, 3, 1)
    """So many days before a deadline recipients and the gateway's people are reminded (R6)."""
    escalate_days: int = 1
    """So many days after a recipient had to acknowledge a notice it is a person's task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One row of the published policy, by its id, and how this edition keeps it."""

    id: ClauseId
    text: str
    status: str
    """`kept`, or `partly` with what is missing in `missing`."""
    missing: str = ""
    enforced_by: str = ""
    """In plain words, the rule or mechanism that keeps it."""
    no_decision: str = ""
    """Why no decision case can show it; empty: cases must, both ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of `policies/` (N1)."""

    number: str
    """The id that leaves and grants pin, for example `2026-1`."""
    published: date
    effective: datetime
    title: str
