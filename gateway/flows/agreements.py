"""How long agreements still run: warned of before their end, counted in days (S4a)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from gateway.flows.gateway import Gateway
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Agreement, Partner


def today(now: datetime) -> date:
    """The UTC day, which agreements are measured in."""
    return now.astimezone(UTC).date()


def bound(policy: PolicySet) -> Iterator[tuple[Partner, Agreement]]:
    """Recipients that nothing is shared with but under an agreement (S6), each with its own."""
    for partner in policy.partners.values():
        rule = policy.kinds.get(partner.kind)
        if partner.agreement is not None and (rule is None or rule.agreement):
            yield partner, partner.agreement


def over(policy: PolicySet, *, on: date) -> set[PartnerId]:
    """Recipients whose agreement has ended."""
    return {partner.id for partner, agreement in bound(policy) if agreement.expires <= on}


class Calendar:
    """Warns of each agreement 60, 30 and 7 days before its end, once a process and end."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._told: dict[tuple[PartnerId, date], int] = {}
        self._seen: tuple[PolicySet, date] | None = None

    def look(self) -> None:
        """Look at the day; nothing is done where neither it nor the manifests changed."""
        gateway, policy = self._gateway, self._gateway.policy.policy
        day = today(gateway.clock())
        if self._seen is not None and (self._seen[0] is policy and self._seen[1] == day):
            return
        self._seen = policy, day
        agreements = list(bound(policy))
        gateway.metrics.agreements({p.id: one.days_left(on=day) for p, one in agreements})
        for partner, agreement in agreements:
            self._warn(partner.id, agreement, day)

    def _warn(self, partner: PartnerId, agreement: Agreement, day: date) -> None:
        warning = agreement.warning(on=day)
        if warning is None or self._told.get((partner, agreement.expires)) == warning:
            return
        self._told[partner, agreement.expires] = warning
        days = agreement.days_left(on=day)
        self._gateway.log.warning("agreement-ending", partner=partner, days=days)
