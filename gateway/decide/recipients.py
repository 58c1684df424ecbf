"""The recipient: in service, and bound by an agreement."""

from typing import assert_never

from gateway.decide.situation import Situation, refuse
from gateway.errors import Reason
from gateway.model.recipients import State
from gateway.model.shares import Refused


def check_partner(situation: Situation) -> Refused | None:
    """Refuse a recipient that is not yet, or for now not, in service (S4a)."""
    match situation.partner.state:
        # S4a: a draft has not been through onboarding, its agreement included.
        case State.DRAFT:
            return refuse(situation, Reason.PARTNER_NOT_ACTIVE, "the recipient is a draft")
        # S4a: the manifest says so.
        case State.SUSPENDED:
            return _suspended(situation)
        # S4a: an operator stopped it while it ran.
        case State.ACTIVE:
            return _suspended(situation) if situation.suspended else None
        case unknown:
            assert_never(unknown)


def _suspended(situation: Situation) -> Refused:
    return refuse(situation, Reason.PARTNER_SUSPENDED, "the recipient is suspended")


def check_agreement(situation: Situation) -> Refused | None:
    """Refuse without an agreement for this UTC day (S4a), unless the kind needs none (S6)."""
    # S6: a branch is the same application; the policy says which kinds need none.
    if not situation.rule.agreement:
        return None
    agreement = situation.partner.agreement
    # S4a: no agreement on file, no share.
    if agreement is None:
        return refuse(situation, Reason.AGREEMENT_MISSING, "no agreement is on file")
    # S4a: its end blocks by itself, and so does the time before it is signed.
    if situation.day < agreement.signed:
        return refuse(
            situation,
            Reason.AGREEMENT_EXPIRED,
            f"the agreement covers nothing before {agreement.signed}",
            remedy=f"Wait until {agreement.signed}, or correct the date in the manifest.",
        )
    if not agreement.active(on=situation.day):
        return refuse(
            situation,
            Reason.AGREEMENT_EXPIRED,
            f"the agreement is over since {agreement.expires}",
        )
    return None
