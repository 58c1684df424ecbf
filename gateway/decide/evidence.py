"""The evidence: named, and where it must be registered, fitting (S1, S5, D2)."""

from gateway.decide.situation import Situation, Terms, inside, leaving, personal, refuse
from gateway.errors import Reason
from gateway.model.consent import Evidence
from gateway.model.ids import CategoryId
from gateway.model.policy import Ground, Kind, KindRule
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner
from gateway.model.shares import Refused


def needed(situation: Situation, ground: Ground) -> bool:
    """Whether `ground` carries this recipient only with evidence."""
    return ground.evidence or registered(situation, ground)


def registered(situation: Situation, ground: Ground) -> bool:
    """Whether that evidence must be a record of `POST /v1/evidence`, not a claim (S1, D2)."""
    return must_register(situation.policy, situation.partner, ground)


def must_register(policy: PolicySet, partner: Partner, ground: Ground) -> bool:
    """As `registered`, of a recipient in a policy set."""
    rule = policy.kinds.get(partner.kind) or KindRule(kind=partner.kind)
    return ground.registered or partner.kind in ground.registered_kinds or rule.registered_demand


def check_evidence(situation: Situation) -> Refused | None:
    """Refuse where evidence is needed and missing, or does not carry this share."""
    terms = situation.settled()
    if not needed(situation, terms.ground):
        return None
    # S1: one ground, with its evidence.
    if situation.ask.evidence is None:
        return refuse(
            situation,
            Reason.EVIDENCE_MISSING,
            "the ground carries nothing without evidence",
            clauses=_clauses(situation, terms),
            remedy=_remedy(situation, terms),
        )
    misfit = _misfit(situation, terms)
    if misfit is None:
        return None
    return refuse(
        situation,
        Reason.EVIDENCE_NOT_VALID,
        misfit,
        clauses=_clauses(situation, terms),
    )


def carrying(situation: Situation) -> Evidence | None:
    """The record that carries the share, if its ground rests on one."""
    return situation.evidence if needed(situation, situation.settled().ground) else None


def limit(situation: Situation) -> frozenset[CategoryId] | None:
    """
    What of the route's categories the evidence lets leave (D2); None = all.

    What is not about a person is no part of the limit: a demand names data,
    not the document number that goes with it.
    """
    record = carrying(situation)
    if record is None or record.categories is None:
        return None
    trees = record.categories
    return frozenset(
        category
        for category in leaving(situation.settled().route)
        if inside(category, trees) or not personal(situation.policy, category)
    )


def _misfit(situation: Situation, terms: Terms) -> str | None:
    """What is wrong with the evidence, or None."""
    record, claim = situation.evidence, situation.ask.evidence
    # S1: what cannot be read proves nothing, also where a claim would do.
    if claim is None or not claim.text:
        return "the evidence cannot be read"
    if record is None:
        # S1: demands, disputes and rights protection are registered, not merely claimed.
        if registered(situation, terms.ground):
            return "the evidence is not a registered record"
        return None
    # What names a record is held to it, also where a claim would do.
    if record.id != claim.text:
        return "the record is not the one that is named"
    if record.partner != situation.partner.id:
        return "the record is for another recipient"
    if terms.purpose.id not in record.purposes:
        return "the record does not list this purpose"
    if not _covers(record, situation):
        return "the record does not cover the person"
    if record.expires is not None and record.expires <= situation.now:
        return "the record has run out"
    if _leaves_nothing(situation, terms):
        return "the record covers none of what the route declares"
    return None


def _covers(record: Evidence, situation: Situation) -> bool:
    """Every person must be in it; a record about named people covers no share about nobody."""
    if record.subjects is None:
        return True
    asked = situation.ask.subjects
    return bool(asked) and all(subject in record.subjects for subject in asked)


def _leaves_nothing(situation: Situation, terms: Terms) -> bool:
    allowed = limit(situation)
    if allowed is None:
        return False
    about_people = {c for c in leaving(terms.route) if personal(situation.policy, c)}
    return not about_people & allowed


def _clauses(situation: Situation, terms: Terms) -> tuple[str, ...]:
    demand = situation.rule.registered_demand or situation.partner.kind is Kind.AUTHORITY
    return ("S1", *terms.ground.clauses, *(("D2",) if demand else ()))


def _remedy(situation: Situation, terms: Terms) -> str:
    if registered(situation, terms.ground):
        return (
            "Register the evidence for this partner, purpose and person with POST /v1/evidence, "
            "and send its id in Sharing-Evidence."
        )
    return "Send Sharing-Evidence with what proves the ground."
