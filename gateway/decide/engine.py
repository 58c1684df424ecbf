"""
The decision: the checks of one share, in their order of precedence.

Each check looks at the whole situation, all its people included, and refuses
or says nothing. The first that refuses is the answer, so of several reasons
the earliest in the contract's order counts (contract §6), over all people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.decide import covering, evidence
from gateway.decide.borders import check_border
from gateway.decide.consent import check_consent
from gateway.decide.covering import check_separate
from gateway.decide.evidence import check_evidence
from gateway.decide.grounds import check_ground
from gateway.decide.minors import check_guardian
from gateway.decide.purposes import check_opt_out, check_purpose
from gateway.decide.recipients import check_agreement, check_partner
from gateway.decide.situation import CONSENT, Situation, refuse, situate
from gateway.decide.subjects import check_erased, check_named, check_restricted
from gateway.errors import Reason
from gateway.model.consent import Evidence, SubjectFacts
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Ask, Decision, Permitted, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check, by the name that the contract's order gives it."""

    name: str
    clauses: tuple[str, ...]
    """The promises it keeps."""
    holds: str
    """What is true of a share that passed it."""
    look: Callable[[Situation], Refused | None]


CHECKS: tuple[Check, ...] = (
    Check(
        name="subject",
        clauses=("R1",),
        holds="whoever the share is about is named",
        look=check_named,
    ),
    Check(
        name="erased",
        clauses=("A1", "R2"),
        holds="nobody in it asked to be deleted",
        look=check_erased,
    ),
    Check(
        name="restricted",
        clauses=("R2", "R5"),
        holds="no restriction covers this partner, purpose and data",
        look=check_restricted,
    ),
    Check(
        name="partner",
        clauses=("S4a",),
        holds="the recipient is in service",
        look=check_partner,
    ),
    Check(
        name="agreement",
        clauses=("S4a", "S6"),
        holds="an agreement covers this day, or the kind of recipient needs none",
        look=check_agreement,
    ),
    Check(
        name="purpose",
        clauses=("S2", "S3"),
        holds="the route is for this purpose, at this version, and the purpose for such recipients",
        look=check_purpose,
    ),
    Check(
        name="ground",
        clauses=("S1", "S3", "S5", "C4", "T1-3", "T4"),
        holds="the purpose lists the ground, and it carries this recipient and this data",
        look=check_ground,
    ),
    Check(
        name="evidence",
        clauses=("S1", "S5", "D2"),
        holds="the ground needs no evidence, or has what it needs",
        look=check_evidence,
    ),
    Check(
        name="opt-out",
        clauses=("C3", "R5"),
        holds="nobody objects to the purpose",
        look=check_opt_out,
    ),
    Check(
        name="guardian",
        clauses=("M1", "M2"),
        holds="no minor is in it, or the guardian or their protection carries it",
        look=check_guardian,
    ),
    Check(
        name="consent",
        clauses=("S1", "S2", "C3", "C6", "D1", "R5"),
        holds="consent to the purpose is live, or not needed",
        look=check_consent,
    ),
    Check(
        name="separate",
        clauses=("C2", "C3"),
        holds="what needs a consent of its own has it",
        look=check_separate,
    ),
    Check(
        name="border",
        clauses=("K1",),
        holds="no border is crossed, or the crossing is allowed and consented to",
        look=check_border,
    ),
)
"""Every check of a decision, first the one that counts first (contract §6)."""


def decide(
    ask: Ask,
    *,
    policy: PolicySet,
    partner: Partner,
    route: Route | None,
    suspended: bool,
    facts: Sequence[SubjectFacts],
    evidence: Evidence | None,
    now: datetime,
) -> Decision:
    """
    Decide one share.

    `route` is the declared route for method, path and purpose; None when the
    path is declared and not for this purpose. `facts` are those of
    `ask.subjects`, in their order; none on a route about nobody. `evidence` is
    the registered record that the claim names, if there is one. `suspended`
    says that an operator stopped the recipient.

    The same arguments always give the same answer. Raises `ValueError` when
    `now` names no time zone or facts and subjects differ in number.
    """
    situation = situate(
        ask,
        policy=policy,
        partner=partner,
        route=route,
        suspended=suspended,
        facts=facts,
        evidence=evidence,
        now=now,
    )
    for check in CHECKS:
        refused = check.look(situation)
        if refused is not None:
            return refused
    return conclude(situation)


def conclude(situation: Situation) -> Decision:
    """
    Answer a share that no check refused: say what carries it.

    That nothing spoke against it is not enough. Where nothing speaks for it
    either, it is refused (S1: deny by default).
    """
    terms = situation.settled()
    record = evidence.carrying(situation)
    consents = covering.carrying(situation)
    if terms.ground.id == CONSENT and situation.facts and not consents:
        return refuse(situation, Reason.GROUND_NOT_PERMITTED, "nothing carries the share")
    return Permitted(
        ground=terms.ground.id,
        evidence=None if record is None else record.id,
        consents=tuple(dict.fromkeys(record.id for record in consents)),
        categories=evidence.limit(situation),
        fields=covering.covered(situation),
        may_tell=record is None or record.may_tell_subject,
    )
