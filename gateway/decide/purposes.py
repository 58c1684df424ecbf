"""The purpose: declared, at this version, open to this recipient, not objected to."""

from gateway.decide.situation import Situation, refuse
from gateway.errors import Reason
from gateway.model.policy import Kind, Purpose
from gateway.model.recipients import Route
from gateway.model.shares import Refused

SALE = "sale"
"""An opt-out of everything that counts as sale or sharing (contract §8)."""

# Whose row of the published policy limits what a kind of recipient may get data for.
_KIND_CLAUSES: dict[Kind, tuple[str, ...]] = {
    Kind.AFFILIATE: ("S2",),
    Kind.PARTNER: (),
    Kind.PROCESSOR: (),
    Kind.BRANCH: ("S6",),
    Kind.AUTHORITY: ("D2",),
    Kind.RESEARCH: ("C6",),
    Kind.SUCCESSOR: ("T4",),
}


def check_purpose(situation: Situation) -> Refused | None:
    """Refuse a purpose that the policy, the route or the kind of recipient is not for (S2, S3)."""
    purpose, route = situation.purpose, situation.route
    # S1, S3: what the policy does not state is no purpose.
    if purpose is None:
        return refuse(
            situation, Reason.PURPOSE_UNKNOWN, "the policy has no purpose of the name asked for"
        )
    # S2, S3, S6, C6, D2, T4: each kind gets data for its own purposes only.
    if situation.partner.kind not in purpose.kinds:
        return _not_open(situation, purpose)
    # S3: the path is declared, but not for this.
    if route is None or route.purpose != purpose.id:
        return refuse(
            situation, Reason.PURPOSE_NOT_PERMITTED, "no route declares this path for the purpose"
        )
    return _check_version(situation, purpose, route)


def _check_version(situation: Situation, purpose: Purpose, route: Route) -> Refused | None:
    # S3: who asks for another version than the route's means something else.
    if situation.ask.purpose_version not in (None, route.purpose_version):
        return refuse(
            situation,
            Reason.PURPOSE_NOT_PERMITTED,
            f"the route is for version {route.purpose_version} of the purpose, not that asked for",
            remedy=f"Write {purpose.id}@{route.purpose_version}, or leave the version out.",
        )
    # S2: the purpose changed, and what was agreed for the old one carries nothing.
    if purpose.version != route.purpose_version:
        return refuse(
            situation,
            Reason.PURPOSE_NOT_PERMITTED,
            f"the policy is at version {purpose.version} of the purpose, the route still at "
            f"{route.purpose_version}",
            clauses=("S2", "S3"),
            remedy=f"Declare {purpose.id}@{purpose.version} in the manifest once the recipient "
            "has agreed to it.",
        )
    return None


def _not_open(situation: Situation, purpose: Purpose) -> Refused:
    kind = situation.partner.kind
    return refuse(
        situation,
        Reason.PURPOSE_NOT_PERMITTED,
        f"the purpose is not open to recipients of kind {kind}",
        clauses=("S3", *_KIND_CLAUSES[kind]),
        remedy=f"Use a recipient of kind {' or '.join(sorted(purpose.kinds)) or 'none'}.",
    )


def check_opt_out(situation: Situation) -> Refused | None:
    """Refuse what one of the people objects to (C3, R5)."""
    purpose = situation.settled().purpose
    # R5: a signal with the request counts as an objection of everyone in it.
    if purpose.sale and situation.ask.gpc:
        return refuse(situation, Reason.OPTED_OUT, "the request carries Sec-GPC: 1")
    # C3, R5: an objection on record, to this purpose or to all that is sale.
    for facts in situation.facts:
        if purpose.id in facts.opt_outs:
            return refuse(situation, Reason.OPTED_OUT, "the person objects to this purpose")
        if purpose.sale and SALE in facts.opt_outs:
            return refuse(situation, Reason.OPTED_OUT, "the person objects to sale and sharing")
    return None
