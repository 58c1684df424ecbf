"""
What a verified service may ask for: scopes, partners, purposes, grounds (P5).

Each function raises `CallerError` with `service-not-permitted` and says which
of the four is lacking. It names no partner or purpose: what the caller wrote
may be anything, and here nobody has looked at it yet.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from gateway.errors import CallerError, Reason
from gateway.model.ids import GroundId, PartnerId, PurposeId

SHARE = "share"
EXPLAIN = "explain"
CONSENT_WRITE = "consent:write"
EVIDENCE_WRITE = "evidence:write"
SUBJECT_READ = "subject:read"
SUBJECT_WRITE = "subject:write"
CASE_WRITE = "case:write"
CASE_READ = "case:read"
LEDGER_READ = "ledger:read"
PARTNER_READ = "partner:read"
PARTNER_WRITE = "partner:write"
REPORT_READ = "report:read"

SCOPES = (
    SHARE,
    EXPLAIN,
    CONSENT_WRITE,
    EVIDENCE_WRITE,
    SUBJECT_READ,
    SUBJECT_WRITE,
    CASE_WRITE,
    CASE_READ,
    LEDGER_READ,
    PARTNER_READ,
    PARTNER_WRITE,
    REPORT_READ,
)
"""Every scope there is (contract §5)."""


class All(Enum):
    """`["*"]` in a token: every name is in it."""

    ALL = "*"

    def __contains__(self, name: object) -> bool:
        return True


ALL = All.ALL

Reach: TypeAlias = frozenset[str] | All
"""The names a token reaches. Ask with `in`; the empty set reaches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An internal caller, as its verified token names it."""

    issuer: str
    """The configured issuer's name, not its `iss`."""
    name: str
    """The token's `sub`."""
    scopes: frozenset[str]
    partners: Reach
    purposes: Reach
    grounds: frozenset[str] | None
    """None: each route's default ground only."""
    expires: datetime
    """The token's `exp`, without the allowance for skewed clocks."""
    token_id: str | None = field(default=None, repr=False)
    """The token's `jti`, by which it can be revoked."""


def permit(
    service: Service,
    scope: str,
    *,
    partner: PartnerId | None = None,
    purpose: PurposeId | None = None,
) -> None:
    """
    Let `service` do what needs `scope`, for this partner and purpose.

    A partner or purpose of None is not asked for and not checked. Raises
    `CallerError` (`service-not-permitted`) naming the first that is lacking.
    """
    if scope not in service.scopes:
        raise _lacks(f"scope {scope}")
    if partner is not None and partner not in service.partners:
        raise _lacks("partner")
    if purpose is not None and purpose not in service.purposes:
        raise _lacks("purpose")


def may_share(service: Service, *, partner: PartnerId, purpose: PurposeId) -> None:
    """
    Let `service` ask for a share with `partner` for `purpose`, before the
    route is known. Its ground is `may_use_ground`, after.

    Raises `CallerError` (`service-not-permitted`).
    """
    permit(service, SHARE, partner=partner, purpose=purpose)


def may_use_ground(service: Service, ground: GroundId, *, default: GroundId) -> None:
    """
    Let `service` name `ground` on a route whose own ground is `default`.

    A token that names grounds carries these and no other, the default not
    excepted; one that names none carries the default only (S1). Raises
    `CallerError` (`service-not-permitted`).
    """
    carried = ground == default if service.grounds is None else ground in service.grounds
    if not carried:
        raise _lacks("ground", clauses=("P5", "S1"))


def _lacks(what: str, clauses: tuple[str, ...] = ("P5",)) -> CallerError:
    return CallerError(
        Reason.SERVICE_NOT_PERMITTED,
        f"the token of this service lacks the {what} that the request needs",
        clauses=clauses,
        remedy=f"Ask the issuer for a token with this {what}.",
    )
