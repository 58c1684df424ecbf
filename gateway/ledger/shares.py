"""
The two leaves that every share writes, straight to their bytes.

What they say is the business of `entries`. Shares of one route differ in a few
texts only, so what recurs is checked and encoded once, in a form that is kept,
and what is a share's own is filled in. The bytes are those of
`canonical(entries.intent(…))`, at a third of the time; every share waits for them.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.ledger import entries
from gateway.ledger.encode import fill, form
from gateway.ledger.leaf import mark, timestamp
from gateway.model.policy import LeafKind

# Each combination of a route with what its documents happen to hold is one.
FORMS: Final = 1024

# What stands in a leaf from which a form is made; none of it is in the form.
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_MARK: Final = "0" * 64

_GAPS: Final = frozenset({"at", "evidence", "grant", "id", "retention_until", "share", "subject"})


def intent(
    *,
    id: str,
    at: datetime,
    share: str,
    partner: str,
    purpose: str,
    purpose_version: int,
    ground: str,
    fields: tuple[str, ...],
    categories: tuple[str, ...],
    edition: str,
    service: str,
    grant: str,
    retention_until: datetime,
    territory: str,
    kind: str = LeafKind.INTENT,
    subject: str | None = None,
    evidence: str | None = None,
) -> bytes:
    """
    The bytes of `entries.intent` with these arguments.

    Raises `LedgerEncodeError` as that does.
    """
    text = _intent_form(
        kind,
        partner,
        purpose,
        purpose_version,
        ground,
        fields,
        categories,
        edition,
        service,
        territory,
        subject is not None,
        evidence is not None,
    )
    own = (
        timestamp(at),
        mark("evidence", evidence),
        mark("grant", grant),
        id,
        timestamp(retention_until),
        share,
        mark("subject", subject),
    )
    return fill(text, *[each for each in own if each is not None])


def outcome(
    *,
    id: str,
    at: datetime,
    share: str,
    partner: str,
    outcome: str,
    status: int | None = None,
    received: tuple[str, ...] | None = None,
) -> bytes:
    """
    The bytes of `entries.outcome` with these arguments.

    Raises `LedgerEncodeError` as that does.
    """
    return fill(_outcome_form(partner, outcome, status, received), timestamp(at), id, share)


# Typed: to Python `True` and 1 are the same, in a leaf they are not.
@lru_cache(maxsize=FORMS, typed=True)
def _intent_form(
    kind: str,
    partner: str,
    purpose: str,
    purpose_version: int,
    ground: str,
    fields: tuple[str, ...],
    categories: tuple[str, ...],
    edition: str,
    service: str,
    territory: str,
    subject: bool,
    evidence: bool,
) -> str:
    leaf = entries.intent(
        kind=kind,
        id="",
        at=_NO_TIME,
        share="",
        partner=partner,
        purpose=purpose,
        purpose_version=purpose_version,
        ground=ground,
        fields=fields,
        categories=categories,
        edition=edition,
        service=service,
        grant=_NO_MARK,
        retention_until=_NO_TIME,
        territory=territory,
        subject=_NO_MARK if subject else None,
        evidence=_NO_MARK if evidence else None,
    )
    return form(leaf, _GAPS)


@lru_cache(maxsize=FORMS, typed=True)
def _outcome_form(
    partner: str, outcome: str, status: int | None, received: tuple[str, ...] | None
) -> str:
    leaf = entries.outcome(
        id="",
        at=_NO_TIME,
        share="",
        partner=partner,
        outcome=outcome,
        status=status,
        received=received,
    )
    return form(leaf, _GAPS)
