"""What is known about a person when a share of theirs is decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.model.ids import CategoryId, ConsentId, EvidenceId, PartnerId, PurposeId, SubjectId


class Method(StrEnum):
    """How consent was given (C6)."""

    EXPLICIT = "explicit"
    SEPARATE = "separate"
    IMPLIED = "implied"


class By(StrEnum):
    """Who gave it (M1)."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"


class Scope(StrEnum):
    """A record with a scope carries only that (contract §8)."""

    CROSS_BORDER = "cross-border"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One grant of consent, and its withdrawal if there was one."""

    id: ConsentId
    purpose: PurposeId
    purpose_version: int
    partner: PartnerId | None
    """None: every recipient of the purpose."""
    granted_at: datetime
    method: Method
    by: By = By.SUBJECT
    scope: Scope | None = None
    evidence: str = ""
    expires: datetime | None = None
    withdrawn_at: datetime | None = None
    fields: tuple[str, ...] | None = None
    """Only these selectors of a route (D1), as a leaf names fields; None: all of them."""

    def covers(self, selector: str) -> bool:
        """Whether it speaks of what this selector lets out."""
        return self.fields is None or selector in self.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """
    From here on nothing inside it leaves (contract §9).

    All three sets empty = everything of the person. An erasure of the whole
    person is not a `Fence` but `SubjectFacts.erased`.
    """

    reason: str
    partners: frozenset[PartnerId] = frozenset()
    purposes: frozenset[PurposeId] = frozenset()
    categories: frozenset[CategoryId] = frozenset()
    until_consent: bool = False
    """Lifted by a consent newer than `since` (withdrawals)."""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectFacts:
    """Everything a decision needs to know of a person. An unknown person has the defaults."""

    known: bool = False
    erased: bool = False
    fences: tuple[Fence, ...] = ()
    minor: bool = False
    territory: str | None = None
    opt_outs: frozenset[str] = frozenset()
    """Purpose ids, or `sale`."""
    consents: tuple[Consent, ...] = ()
    epoch: int = 0
    """Raised by every change; an intent enters only under the epoch it was decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A record made by `POST /v1/evidence`: a demand, a dispute, a right to protect (S5, D2)."""

    id: EvidenceId
    type: str
    reference: str
    partner: PartnerId
    purposes: tuple[PurposeId, ...]
    subjects: tuple[SubjectId, ...] | None
    """None: any subject."""
    categories: tuple[CategoryId, ...] | None
    """None: any category the route declares."""
    expires: datetime | None
    may_tell_subject: bool
