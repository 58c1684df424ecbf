"""Minors: only the guardian's consent, or a ground that protects them, carries (M1, M2)."""

from gateway.decide.consent import Lack, cited, standing
from gateway.decide.situation import Situation, refuse
from gateway.errors import REASONS, Reason
from gateway.model.shares import Refused


def check_guardian(situation: Situation) -> Refused | None:
    """
    Refuse a minor's share without the guardian's live consent, or a ground for minors.

    Whichever of the purpose's grounds the share names, it is the guardian's
    consent to the purpose that carries it: no ground does so alone, the core
    function least of all.
    """
    # M2: where law permits, or to protect the minor.
    if situation.settled().ground.minors:
        return None
    for facts in situation.facts:
        if not facts.minor:
            continue
        # M1: what the minor says to it is no consent.
        consent = standing(facts, situation)
        if isinstance(consent, Lack):
            return refuse(
                situation,
                Reason.GUARDIAN_CONSENT_MISSING,
                f"the guardian's consent to the purpose does not carry this: {consent}",
                clauses=cited(consent, REASONS[Reason.GUARDIAN_CONSENT_MISSING].clauses),
            )
    return None
