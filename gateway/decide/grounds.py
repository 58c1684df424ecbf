"""The ground: one of the closed list, and one that may carry this (S1, S3, S5, T4)."""

from gateway.decide.situation import (
    CONSENT,
    Situation,
    Terms,
    inside,
    leaving,
    personal,
    refuse,
    special_clauses,
)
from gateway.errors import Reason
from gateway.model.shares import Refused


def check_ground(situation: Situation) -> Refused | None:
    """Refuse a ground that does not carry this purpose, recipient or data."""
    terms = situation.terms
    # S1, C4: the list is closed; what is collected without consent is not shared by that.
    if terms is None:
        return refuse(
            situation,
            Reason.GROUND_NOT_PERMITTED,
            "the policy has no ground of the name asked for",
            clauses=("S1", "C4"),
        )
    listed = terms.ground.id in terms.purpose.grounds
    # S5: never for profit, listed or not.
    if terms.purpose.commercial and not terms.ground.commercial:
        return refuse(
            situation,
            Reason.GROUND_NOT_PERMITTED,
            "the purpose is commercial, and this ground never carries those",
            clauses=("S5",) if listed else ("S5", "S1"),
            remedy="Name the ground consent, and have it.",
        )
    if not listed:
        return _not_listed(situation, terms)
    # The rest is about grounds that stand in for the person's word.
    if terms.ground.id == CONSENT:
        return None
    return _check_categories(situation, terms) or _check_edition(situation)


def _not_listed(situation: Situation, terms: Terms) -> Refused:
    return refuse(
        situation,
        Reason.GROUND_NOT_PERMITTED,
        "the purpose does not list this ground",
        clauses=("S1", *special_clauses(terms.purpose)),
        remedy=f"Name one that it lists: {', '.join(terms.purpose.grounds) or 'there is none'}.",
    )


def _check_categories(situation: Situation, terms: Terms) -> Refused | None:
    allowed = situation.rule.categories_without_consent
    # S3: account, device and location; all else only with the person's consent.
    if allowed is None or all(
        inside(category, allowed) or not personal(situation.policy, category)
        for category in leaving(terms.route)
    ):
        return None
    return refuse(
        situation,
        Reason.GROUND_NOT_PERMITTED,
        f"without consent a recipient of kind {situation.partner.kind} gets "
        f"{', '.join(allowed) or 'nothing'} only, and the route declares more",
        clauses=("S3",),
        remedy="Name the ground consent, or declare a route with these categories only.",
    )


def _check_edition(situation: Situation) -> Refused | None:
    # T4: a new holder is bound by this edition, or asks again.
    if not situation.rule.accepts_edition:
        return None
    edition = situation.policy.edition.number
    if situation.partner.accepted_edition == edition:
        return None
    return refuse(
        situation,
        Reason.GROUND_NOT_PERMITTED,
        f"the recipient has not accepted edition {edition}, so only consent carries",
        clauses=("T4",),
        remedy=f"Record that the recipient accepts edition {edition}, or name the ground consent.",
    )
