"""
Who must be asked again: people whose newest consent to a purpose is for an older
version of it, or older than the edition that widened it (S2, N1).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from gateway.model.consent import Consent
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.reports.period import stamp

OLDER = "older-version"
WIDENED = "widened"


def to_ask(
    consents: Iterable[Consent],
    policy: PolicySet,
    *,
    now: datetime,
    purpose: str | None = None,
) -> list[dict[str, Any]]:
    """
    What one person must be asked again, one row a purpose, recipient and scope.

    Nobody is asked again who said no since: a withdrawal stands. Nor whose
    consent has run out: that was not the change's doing.
    """
    found: dict[tuple[str, str | None], dict[PartnerId | None, Consent]] = {}
    for one in sorted(consents, key=_said):
        if purpose in (None, one.purpose):
            found.setdefault((one.purpose, one.scope), {})[one.partner] = one
    rows = [
        row for by_partner in found.values() for row in _rows(_standing(by_partner), policy, now)
    ]
    return sorted(rows, key=lambda row: (row["purpose"], row["partner"] or "", row["scope"] or ""))


def _said(consent: Consent) -> datetime:
    """When this was last said anything about."""
    return max(consent.withdrawn_at or consent.granted_at, consent.granted_at)


def _standing(by_partner: dict[PartnerId | None, Consent]) -> dict[PartnerId | None, Consent]:
    """The newest words that still count: a newer one for every recipient replaces those for one."""
    general = by_partner.get(None)
    return {
        partner: one
        for partner, one in by_partner.items()
        if partner is None or general is None or _said(general) < _said(one)
    }


def _rows(
    standing: dict[PartnerId | None, Consent], policy: PolicySet, now: datetime
) -> Iterator[dict[str, Any]]:
    for partner, one in standing.items():
        known = policy.purposes.get(one.purpose)
        over = one.expires is not None and one.expires <= now
        if known is None or one.withdrawn_at is not None or over:
            continue
        if one.purpose_version != known.version:
            yield _row(one, known.version, OLDER, partner, None)
            continue
        for (recipient, purpose), widening in sorted(policy.widened.items()):
            # A word for one recipient stands in for that for all.
            mine = partner == recipient or (partner is None and recipient not in standing)
            if purpose == one.purpose and mine and one.granted_at < widening.since:
                yield _row(one, known.version, WIDENED, recipient, widening.edition)


def _row(
    consent: Consent, version: int, why: str, partner: PartnerId | None, edition: str | None
) -> dict[str, Any]:
    return {
        "purpose": consent.purpose,
        "partner": partner,
        "scope": consent.scope.value if consent.scope else None,
        "held": consent.purpose_version,
        "needed": version,
        "why": why,
        "edition": edition,
        "granted_at": stamp(consent.granted_at),
        "by": consent.by.value,
    }
