"""
Decision cases: decisions as data, asked of a loaded policy.

A case says in the words of the policy what must be let out and what must be
refused. `gateway check` and the test suite run the same ones. How a case is
written stands in `case`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.decide import carriage, engine
from gateway.decide.carriage import mistakes
from gateway.decide.case import (
    SOMEBODY,
    Case,
    CaseAsk,
    ConsentGiven,
    EvidenceGiven,
    FenceGiven,
    Given,
    PersonGiven,
    RouteGiven,
)
from gateway.decide.casefile import parse_cases
from gateway.decide.comparing import decision_difference, manifest_differences
from gateway.decide.routing import choose
from gateway.model.consent import Consent, Evidence, Fence, SubjectFacts
from gateway.model.ids import (
    CategoryId,
    ClauseId,
    ConsentId,
    EvidenceId,
    GroundId,
    PartnerId,
    PurposeId,
    SubjectId,
)
from gateway.model.policyset import PolicySet, Widening
from gateway.model.recipients import Agreement, Partner, Route, SubjectFrom, SubjectPlace
from gateway.model.shares import Ask, Decision, EvidenceClaim, Permitted

__all__ = ["Case", "CaseResult", "Verdict", "parse_cases", "run_case", "run_cases", "shown"]


class Verdict(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    """The loaded set has no such partner or route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case and how it ended."""

    case: Case
    verdict: Verdict
    message: str
    """Of a failed case what was expected and what came; of one that does not apply, why."""

    def __str__(self) -> str:
        case = self.case
        text = f"{case.file}:{case.line}:{case.column}: {self.verdict}: {case.it}"
        return f"{text}: {self.message}" if self.message else text


def run_cases(policy: PolicySet, cases: Sequence[Case]) -> list[CaseResult]:
    """Ask every case of `policy`, in their order."""
    return [run_case(policy, case) for case in cases]


def run_case(policy: PolicySet, case: Case) -> CaseResult:
    """Ask one case of `policy`. A set without its partner or route is no failure."""
    partner = policy.partners.get(PartnerId(case.ask.partner))
    if partner is None:
        return _result(case, Verdict.NOT_APPLICABLE, f"there is no partner {case.ask.partner}")
    route = next((route for route in partner.routes if route.id == case.ask.route), None)
    if route is None:
        return _result(case, Verdict.NOT_APPLICABLE, f"{partner.id} has no route {case.ask.route}")
    difference = "; ".join(_differences(policy, partner, route, case))
    return _result(case, Verdict.FAILED if difference else Verdict.PASSED, difference)


def shown(results: Iterable[CaseResult]) -> dict[ClauseId, list[str]]:
    """The passed cases by the clauses that they are about, each as `file:line`."""
    found: dict[ClauseId, list[str]] = {}
    for result in results:
        if result.verdict is Verdict.PASSED:
            for clause in result.case.expected.about:
                place = f"{result.case.file}:{result.case.line}"
                found.setdefault(ClauseId(clause), []).append(place)
    return found


def _result(case: Case, verdict: Verdict, message: str) -> CaseResult:
    return CaseResult(case=case, verdict=verdict, message=message)


def _differences(policy: PolicySet, partner: Partner, named: Route, case: Case) -> Iterator[str]:
    """What comes out otherwise than the case expects."""
    named = _named(named, case.given.route)
    partner = _partner(partner, case.given)
    # A manifest that would not be accepted has no shares to decide.
    wrong = mistakes(policy, partner, named) if case.given.route.rewritten else ()
    if wrong or not case.expected.loads:
        yield from manifest_differences(case, wrong)
        return
    decision = _decide(policy, partner, named, case)
    other = decision_difference(case, decision)
    if other:
        yield other
    elif isinstance(decision, Permitted):
        yield from carriage.differences(
            case.expected.carriage,
            policy=policy,
            partner=partner,
            route=named,
            permitted=decision,
        )


def _named(route: Route, given: RouteGiven) -> Route:
    """The route as the case would have it."""
    instead = {one.selector for one in given.send}
    send = (*(one for one in route.send if one.selector not in instead), *given.send)
    received = route.receive if isinstance(route.receive, tuple) else ()
    return replace(
        route,
        purpose=PurposeId(given.purpose or route.purpose),
        purpose_version=given.version or route.purpose_version,
        send=send,
        receive=(*received, *given.receive) if given.receive else route.receive,
        seal=given.seal or route.seal,
        subject=SubjectPlace(source=given.subject) if given.subject else route.subject,
    )


def _decide(policy: PolicySet, partner: Partner, named: Route, case: Case) -> Decision:
    given = case.given
    names = _names(case.ask, named)
    ask = _ask(case.ask, names)
    return engine.decide(
        ask,
        policy=_policy(policy, ask, given),
        partner=partner,
        route=_route(partner, named, ask.purpose),
        suspended=given.suspended,
        facts=[_facts(given.people.get(name, given.everybody), case.ask, named) for name in names],
        evidence=_evidence(case),
        now=case.now,
    )


def _names(ask: CaseAsk, route: Route) -> tuple[str, ...]:
    if ask.subjects is not None:
        return ask.subjects
    return () if route.subject.source is SubjectFrom.NONE else (SOMEBODY,)


def _ask(ask: CaseAsk, names: tuple[str, ...]) -> Ask:
    return Ask(
        partner=PartnerId(ask.partner),
        purpose=PurposeId(ask.purpose),
        purpose_version=ask.purpose_version,
        ground=None if ask.ground is None else GroundId(ask.ground),
        evidence=None if ask.evidence is None else EvidenceClaim(text=ask.evidence),
        gpc=ask.gpc,
        subjects=tuple(SubjectId(name) for name in names),
    )


def _policy(policy: PolicySet, ask: Ask, given: Given) -> PolicySet:
    known = policy.purposes.get(ask.purpose)
    if known is not None and given.policy_version is not None:
        changed = replace(known, version=given.policy_version)
        policy = replace(policy, purposes={**policy.purposes, ask.purpose: changed})
    if given.widened is not None:
        wider = Widening(edition="the next", since=given.widened, what=("as the case says",))
        policy = replace(policy, widened={(ask.partner, ask.purpose): wider})
    return policy


def _partner(partner: Partner, given: Given) -> Partner:
    wanted = given.partner
    if wanted.no_agreement:
        partner = replace(partner, agreement=None)
    if wanted.agreement is not None:
        signed, expires = wanted.agreement
        agreement = Agreement(reference="as the case says", signed=signed, expires=expires)
        partner = replace(partner, agreement=agreement)
    return replace(
        partner,
        kind=wanted.kind or partner.kind,
        state=wanted.state or partner.state,
        territory=wanted.territory or partner.territory,
        accepted_edition=wanted.accepted_edition or partner.accepted_edition,
    )


def _route(partner: Partner, named: Route, purpose: PurposeId) -> Route | None:
    """As a request finds it: among the routes on the path of the one named, by purpose."""
    if named.purpose == purpose:
        return named
    template = (named.method, named.path)
    others = (each for each in partner.routes if each.id != named.id)
    return choose((each for each in others if (each.method, each.path) == template), purpose)


def _facts(person: PersonGiven, ask: CaseAsk, route: Route) -> SubjectFacts:
    return SubjectFacts(
        known=True,
        erased=person.erased,
        minor=person.minor,
        opt_outs=frozenset(person.opt_outs),
        fences=tuple(_fence(fence) for fence in person.restricted),
        consents=tuple(
            _consent(number, consent, ask, route)
            for number, consent in enumerate(person.consents, start=1)
        ),
    )


def _consent(number: int, given: ConsentGiven, ask: CaseAsk, route: Route) -> Consent:
    return Consent(
        id=ConsentId(f"consent-{number}"),
        purpose=PurposeId(given.purpose or ask.purpose),
        purpose_version=given.version or route.purpose_version,
        partner=None if given.partner is None else PartnerId(given.partner),
        granted_at=given.granted,
        method=given.method,
        by=given.by,
        scope=given.scope,
        expires=given.expires,
        withdrawn_at=given.withdrawn,
        fields=given.fields,
    )


def _fence(given: FenceGiven) -> Fence:
    return Fence(
        reason=given.reason,
        partners=frozenset(map(PartnerId, given.partners)),
        purposes=frozenset(map(PurposeId, given.purposes)),
        categories=frozenset(map(CategoryId, given.categories)),
        until_consent=given.until_consent_after is not None,
        since=given.until_consent_after,
    )


def _evidence(case: Case) -> Evidence | None:
    """The record that the claim names, as the gateway would find it."""
    for record in case.given.evidence:
        if record.id == case.ask.evidence:
            return _record(record, case.ask)
    return None


def _record(given: EvidenceGiven, ask: CaseAsk) -> Evidence:
    return Evidence(
        id=EvidenceId(given.id),
        type=given.type,
        reference="as the case says",
        partner=PartnerId(given.partner or ask.partner),
        purposes=tuple(map(PurposeId, given.purposes or (ask.purpose,))),
        subjects=None if given.people is None else tuple(map(SubjectId, given.people)),
        categories=None if given.categories is None else tuple(map(CategoryId, given.categories)),
        expires=given.expires,
        may_tell_subject=True,
    )
