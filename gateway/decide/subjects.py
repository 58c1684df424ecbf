"""The person: named, not erased, not restricted."""

from gateway.decide.consent import standing
from gateway.decide.situation import Situation, inside, leaving, refuse
from gateway.errors import Reason
from gateway.model.consent import Consent, Fence, SubjectFacts
from gateway.model.recipients import SubjectFrom
from gateway.model.shares import Refused


def check_named(situation: Situation) -> Refused | None:
    """
    Refuse a share about nobody on a route that is about somebody.

    All later checks ask about each person; asked about no one they would all
    pass.
    """
    route = situation.route
    # R1: what cannot be told to a person later may not leave now.
    if route is None or route.subject.source is SubjectFrom.NONE or situation.facts:
        return None
    return refuse(situation, Reason.SUBJECT_MISSING, "the route needs a person and none is named")


def check_erased(situation: Situation) -> Refused | None:
    """Refuse once a deletion began, whatever else would allow the share (A1, R2)."""
    # A1, R2: from the acceptance of the case on, for good.
    if any(facts.erased for facts in situation.facts):
        return refuse(situation, Reason.SUBJECT_ERASED, "the person asked to be deleted")
    return None


def check_restricted(situation: Situation) -> Refused | None:
    """Refuse what stands behind a fence of one of the people (R2, R5)."""
    for facts in situation.facts:
        for fence in facts.fences:
            if _holds(fence, facts, situation):
                return _fenced(fence, situation)
    return None


def _fenced(fence: Fence, situation: Situation) -> Refused:
    # R5: the person changed or withdrew what they allowed.
    if fence.until_consent:
        return refuse(
            situation,
            Reason.SUBJECT_RESTRICTED,
            "the person withdrew from this purpose",
            remedy="Ask the person again; a newer consent to this purpose lifts the restriction.",
        )
    # R2: while a deletion of a part runs, nothing of that part leaves.
    if fence.reason == "erase":
        return refuse(
            situation,
            Reason.SUBJECT_RESTRICTED,
            "a deletion of this part of the person's data is under way",
            clauses=("R2", "R5"),
            remedy="Wait until the deletion case is closed.",
        )
    return refuse(situation, Reason.SUBJECT_RESTRICTED, "sharing is restricted for this person")


def _holds(fence: Fence, facts: SubjectFacts, situation: Situation) -> bool:
    """Whether the share stands inside `fence`; an empty set of the fence covers everything."""
    if fence.partners and situation.partner.id not in fence.partners:
        return False
    if fence.purposes and situation.ask.purpose not in fence.purposes:
        return False
    if fence.categories and not _touches(fence, situation):
        return False
    return not (fence.until_consent and _lifted(fence, facts, situation))


def _touches(fence: Fence, situation: Situation) -> bool:
    # Without a route there is nothing to leave, and a later check says so.
    return situation.route is not None and any(
        inside(category, fence.categories) for category in leaving(situation.route)
    )


def _lifted(fence: Fence, facts: SubjectFacts, situation: Situation) -> bool:
    """
    Whether the person agreed again since; of unknown age, no consent is newer.

    What lifts is what would carry: the newest word on the purpose, and nothing
    that is itself withdrawn, run out, for another version, or a minor's own.
    """
    since = fence.since
    if since is None or situation.terms is None:
        return False
    word = standing(facts, situation)
    return isinstance(word, Consent) and word.granted_at > since
