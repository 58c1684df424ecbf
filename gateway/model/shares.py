"""One share: what is asked, how it is answered, what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Reason
from gateway.model.ids import (
    CategoryId,
    ConsentId,
    EvidenceId,
    GroundId,
    PartnerId,
    PurposeId,
    SubjectId,
)


class Outcome(StrEnum):
    """What became of an intent. All but `not-sent` count as disclosed (contract §6)."""

    DELIVERED = "delivered"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"
    NOT_SENT = "not-sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceClaim:
    """`Sharing-Evidence`: an RFC 9651 string with an optional type."""

    text: str
    type: str | None = None

    def __repr__(self) -> str:
        return "<EvidenceClaim>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    What a service asks for, as far as the decision needs it.

    `partner` and `purpose` are as the caller wrote them and may be unknown;
    `purpose_version` is None where the caller named none.
    """

    partner: PartnerId
    purpose: PurposeId
    purpose_version: int | None = None
    ground: GroundId | None = None
    """None: the route's default."""
    evidence: EvidenceClaim | None = None
    gpc: bool = False
    """`Sec-GPC: 1` came with the request."""
    subjects: tuple[SubjectId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A share may not leave. A refusal is an answer, not an error."""

    reason: Reason
    detail: str
    clauses: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """A share may leave, and on what."""

    ground: GroundId
    evidence: EvidenceId | None = None
    """The registered record that carries it."""
    consents: tuple[ConsentId, ...] = ()
    """Consents that carry it: for the purpose, then by scope."""
    categories: frozenset[CategoryId] | None = None
    """Only these may leave (a demand's limit, D2). None: all that are declared."""
    may_tell: bool = True
    """False: a demand carries it of which the person must not learn (D2)."""
    fields: frozenset[str] | None = None
    """
    Only these selectors may leave: what people agreed to field by field (D1), and
    what says nothing of them. None: all that are declared.
    """


Decision = Permitted | Refused
