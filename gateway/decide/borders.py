"""
Borders: only to allowed territories, and with a consent of its own (K1).

Of the two refusals `territory-not-permitted` comes first, against the order of
the contract's table: where data may never go no consent helps, and nobody
should be told to ask a person for one.
"""

from gateway.decide.consent import Lack, cited, standing
from gateway.decide.situation import Situation, refuse
from gateway.errors import REASONS, Reason
from gateway.model.consent import Scope
from gateway.model.shares import Refused


def check_border(situation: Situation) -> Refused | None:
    """
    Refuse a recipient abroad where the policy or one of the people does not allow it.

    The ground makes no difference. A route about nobody needs nobody's consent,
    and still an allowed territory.
    """
    policy, partner = situation.policy, situation.partner
    if not policy.crosses_border(partner):
        return None
    # K1: the recipient must be where it can be bound to our instructions.
    if partner.territory not in policy.territories:
        return refuse(
            situation,
            Reason.TERRITORY_NOT_PERMITTED,
            f"the policy allows nothing to leave for {partner.territory}",
        )
    # K1: crossing is asked for separately; no other consent stands in for it.
    for facts in situation.facts:
        consent = standing(facts, situation, scope=Scope.CROSS_BORDER)
        if isinstance(consent, Lack):
            return refuse(
                situation,
                Reason.CROSS_BORDER_CONSENT_MISSING,
                f"data crosses to {partner.territory}, and of the consent to that: {consent}",
                clauses=cited(consent, REASONS[Reason.CROSS_BORDER_CONSENT_MISSING].clauses),
            )
    return None
