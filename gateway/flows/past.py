"""
One past share or refusal, decided again under an edition (N2).

What left is not kept, so the ledger's leaf has to tell all there is; what is
assumed besides stands in `replay.ASSUMED`.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.decide.engine import decide
from gateway.decide.evidence import must_register
from gateway.errors import REASONS, Reason
from gateway.model.consent import Consent, Evidence, SubjectFacts
from gateway.model.ids import EvidenceId, GroundId, PartnerId, PurposeId, SubjectId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Ask, EvidenceClaim, Refused
from gateway.policy.compare_fields import selectors
from gateway.policy.compare_routes import counterpart, same_template

Verdict = tuple[str, tuple[str, ...]] | None
"""The code and the clauses of a refusal; None: it may leave."""

_SOMEBODY = SubjectId("replayed")
_RECORD = EvidenceId("ev_replayed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One share or refusal, as far as the ledger tells."""

    partner: PartnerId
    purpose: PurposeId
    ground: GroundId | None
    route: str | None
    fields: frozenset[str]
    at: datetime
    evidence: str | None


def verdicts(
    past: Past, editions: tuple[PolicySet, PolicySet], facts: tuple[SubjectFacts, ...]
) -> tuple[Verdict, Verdict]:
    """How it comes out under the old edition and under the new one, at its own time."""
    old, new = editions
    then = tuple(at_the_time(one, past.at) for one in facts)
    route = _route_of(old, past)
    there = _counterpart(new, past, route)
    return (
        _verdict(old, old, past, route or there, route, then),
        _verdict(new, old, past, route or there, there, then),
    )


def at_the_time(facts: SubjectFacts, at: datetime) -> SubjectFacts:
    """A person with the consents as they stood at a moment; all else as it is now."""
    given = (one for one in facts.consents if one.granted_at <= at)
    return replace(facts, consents=tuple(_unwithdrawn(one, at) for one in given))


def _unwithdrawn(consent: Consent, at: datetime) -> Consent:
    later = consent.withdrawn_at is not None and consent.withdrawn_at > at
    return replace(consent, withdrawn_at=None) if later else consent


def _routes(policy: PolicySet, past: Past) -> tuple[Route, ...]:
    partner = policy.partners.get(past.partner)
    return tuple(
        route for route in (partner.routes if partner else ()) if route.purpose == past.purpose
    )


def _route_of(policy: PolicySet, past: Past) -> Route | None:
    """The route that a share took, or that a refusal names."""
    routes = _routes(policy, past)
    if past.route is not None:
        return next((route for route in routes if route.id == past.route), None)
    fitting = (route for route in routes if past.fields <= selectors(route))
    return next(fitting, None) or next(iter(routes), None)


def _counterpart(policy: PolicySet, past: Past, route: Route | None) -> Route | None:
    """The same route in the other edition."""
    if route is None:
        return _route_of(policy, past)
    return counterpart(route, _routes(policy, past))


def _verdict(
    policy: PolicySet,
    old: PolicySet,
    past: Past,
    meant: Route | None,
    route: Route | None,
    facts: tuple[SubjectFacts, ...],
) -> Verdict:
    partner = policy.partners.get(past.partner)
    if partner is None:
        return _no(Reason.PARTNER_UNKNOWN)
    if route is None and not (meant and any(same_template(meant, one) for one in partner.routes)):
        return _no(Reason.ROUTE_NOT_DECLARED)
    decision = decide(
        _ask(past, facts),
        policy=policy,
        partner=partner,
        route=route,
        suspended=False,
        facts=facts,
        evidence=_record(past, old, old.partners.get(past.partner) or partner, route),
        now=past.at,
    )
    return (decision.reason.value, decision.clauses) if isinstance(decision, Refused) else None


def _no(reason: Reason) -> Verdict:
    return reason.value, REASONS[reason].clauses


def _ask(past: Past, facts: tuple[SubjectFacts, ...]) -> Ask:
    claim = EvidenceClaim(text=_RECORD) if past.evidence else None
    return Ask(
        partner=past.partner,
        purpose=past.purpose,
        ground=past.ground,
        evidence=claim,
        subjects=(_SOMEBODY,) * len(facts),
    )


def _record(past: Past, old: PolicySet, partner: Partner, route: Route | None) -> Evidence | None:
    """A record that fits, where evidence came and was registered."""
    named = past.ground or (route.ground if route else None)
    ground = old.grounds.get(named) if named else None
    registered = past.evidence == "registered" or (
        past.evidence == "claimed" and ground is not None and must_register(old, partner, ground)
    )
    if not registered:
        return None
    return Evidence(
        id=_RECORD,
        type="replayed",
        reference="",
        partner=past.partner,
        purposes=(past.purpose,),
        subjects=None,
        categories=None,
        expires=None,
        may_tell_subject=True,
    )
