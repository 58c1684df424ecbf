"""Decision cases are asked of a policy, and their failures can be read."""

from dataclasses import replace

import pytest

from gateway.decide.cases import CaseResult, Verdict, parse_cases, run_case, run_cases, shown
from gateway.model.policy import Kind
from gateway.model.policyset import PolicySet
from tests.unit.decide.builders import a_partner, a_policy, a_route

HEAD = """
- it: does what is said
  now: 2026-11-20T00:00:00Z
"""
ASK = "  ask: {partner: swift-parcel, route: create-shipment, purpose: order-fulfilment}"


def a_set(**changes: object) -> PolicySet:
    """The small policy with one processor and its routes."""
    routes = (
        a_route(),
        a_route(id="log-in", purpose="account-login", ground="consent"),
        a_route(id="obey", purpose="legal-demand", ground="legal-obligation", path=("demands",)),
    )
    partner = a_partner(*routes, **changes)
    return replace(a_policy(), partners={partner.id: partner})


def asked(text: str, policy: PolicySet | None = None) -> CaseResult:
    """The result of one case that says `text` after its sentence and time."""
    (case,) = parse_cases("cases/x.yaml", (HEAD + text).encode())
    return run_case(policy or a_set(), case)


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("{}", "{permitted: true, clause: S3, ground: core-function}"),
        ("{erased: true}", "{refused: subject-erased, clause: A1}"),
        ("{erased: true}", "{refused: subject-erased, clause: [R2, A1]}"),
        ("{suspended: true}", "{refused: partner-suspended, clause: S4a}"),
        ("{partner: {state: draft}}", "{refused: partner-not-active, clause: S4a}"),
        ("{partner: {agreement: none}}", "{refused: agreement-missing, clause: S4a}"),
        (
            "{partner: {agreement: {signed: 2020-01-01, expires: 2021-01-01}}}",
            "{refused: agreement-expired, clause: S4a}",
        ),
        ("{partner: {territory: XX}}", "{refused: territory-not-permitted, clause: K1}"),
        ("{policy: {purpose_version: 2}}", "{refused: purpose-not-permitted, clause: S2}"),
        (
            "{policy: {purpose_version: 2}, route: {purpose_version: 2}}",
            "{permitted: true, clause: S2}",
        ),
        ("{restricted: [{categories: [basic]}]}", "{refused: subject-restricted, clause: R5}"),
        ("{partner: {kind: partner}}", "{refused: ground-not-permitted, clause: S3}"),
        ("{route: {purpose: account-login}}", "{refused: purpose-not-permitted, clause: S3}"),
        ("{minor: true}", "{refused: guardian-consent-missing, clause: M2}"),
        ("{opt_outs: [order-fulfilment]}", "{refused: opted-out, clause: R5}"),
    ],
)
def test_a_case_that_comes_out_as_expected_passes(given: str, expect: str) -> None:
    """What a case gives is what the decision knows, and an answer as expected passes."""
    result = asked(f"{ASK}\n  given: {given}\n  expect: {expect}")

    assert result.verdict is Verdict.PASSED, str(result)
    assert result.message == ""


def test_another_purpose_finds_its_route_on_the_same_path() -> None:
    """The named route tells the path; the purpose finds its own route there, or none."""
    other = ASK.replace("order-fulfilment", "account-login")
    consents = "given: {consents: [{granted: 2026-11-01T00:00:00Z}]}"
    found = asked(f"{other}\n  {consents}\n  expect: {{permitted: true, clause: S1}}")
    none = asked(
        f"{ASK.replace('order-fulfilment', 'location-services')}\n"
        "  expect: {refused: purpose-not-permitted, clause: S3}"
    )

    assert (found.verdict, none.verdict) == (Verdict.PASSED, Verdict.PASSED), f"{found} {none}"


def test_people_of_a_case_have_their_own_facts() -> None:
    """What is given for one person is not given for another."""
    ask = ASK.replace("}", ", subject: [zhang, li]}")
    refused = asked(
        f"{ask}\n  given: {{people: {{li: {{erased: true}}}}}}\n"
        "  expect: {refused: subject-erased, clause: A1}"
    )
    carried = asked(
        f"{ask}\n  given: {{people: {{wang: {{erased: true}}}}}}\n"
        "  expect: {permitted: true, clause: A1}"
    )

    assert (refused.verdict, carried.verdict) == (Verdict.PASSED, Verdict.PASSED)


DEMAND = (
    "  ask: {partner: swift-parcel, route: obey, purpose: legal-demand, evidence: record-1}\n"
    "  given: {evidence: [{id: record-1, categories: [basic.name]}]}\n"
)


def test_evidence_of_a_case_is_found_by_its_id() -> None:
    """The record that the request names is looked up, and limits what leaves."""
    authority = a_set(kind=Kind.AUTHORITY)

    fits = asked(
        f"{DEMAND}  expect: {{permitted: true, clause: D2, evidence: record-1, "
        "categories: [none, basic.name]}",
        authority,
    )
    unknown = asked(
        f"{DEMAND.replace('id: record-1', 'id: record-2')}"
        "  expect: {refused: evidence-not-valid, clause: D2}",
        authority,
    )

    assert (fits.verdict, unknown.verdict) == (Verdict.PASSED, Verdict.PASSED), f"{fits} {unknown}"


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{refused: opted-out, clause: R5}", "expected refused opted-out, got permitted on core-"),
        ("{permitted: true, clause: S1, ground: consent}", "expected ground consent, got core-"),
        ("{permitted: true, clause: S1, evidence: x}", "expected evidence x, got None"),
        ("{permitted: true, clause: S1, categories: [none]}", "expected categories ['none'], got"),
    ],
)
def test_a_permission_that_was_not_expected_is_told(expect: str, told: str) -> None:
    """A case whose share leaves otherwise than expected fails with both answers."""
    result = asked(f"{ASK}\n  expect: {expect}")

    assert result.verdict is Verdict.FAILED
    assert result.message.startswith(told)


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{permitted: true, clause: A1}", "expected permitted, got refused subject-erased by A1"),
        ("{refused: opted-out, clause: R5}", "expected refused opted-out by R5, got refused subj"),
        ("{refused: subject-erased, clause: S1}", "expected refused subject-erased by S1, got re"),
    ],
)
def test_a_refusal_that_was_not_expected_is_told(expect: str, told: str) -> None:
    """A case that is refused otherwise than expected fails, for another clause too."""
    result = asked(f"{ASK}\n  given: {{erased: true}}\n  expect: {expect}")

    assert result.verdict is Verdict.FAILED
    assert result.message.startswith(told)
    assert str(result).startswith("cases/x.yaml:2:3: failed: does what is said: expected")


@pytest.mark.parametrize(
    ("named", "other", "why"),
    [
        ("swift-parcel", "gone-partner", "there is no partner gone-partner"),
        ("create-shipment", "gone-route", "swift-parcel has no route gone-route"),
    ],
)
def test_a_case_about_what_is_not_there_does_not_apply(named: str, other: str, why: str) -> None:
    """A case whose partner or route was removed from the set is no failure."""
    result = asked(f"{ASK.replace(named, other)}\n  expect: {{permitted: true, clause: S1}}")

    assert (result.verdict, result.message) == (Verdict.NOT_APPLICABLE, why)


def test_cases_run_in_their_order() -> None:
    """Every case has its result, in the order of the file."""
    text = f"{HEAD}{ASK}\n  expect: {{permitted: true, clause: S1}}\n"
    cases = parse_cases("x.yaml", (text + text.replace("does", "says")).encode())

    results = run_cases(a_set(), cases)

    assert [result.case.it for result in results] == ["does what is said", "says what is said"]


def test_passed_cases_show_their_clauses() -> None:
    """Coverage counts cases that passed, each under the clauses that it names."""
    passing = f"{HEAD}{ASK}\n  expect: {{permitted: true, clause: [S1, S3]}}\n"
    failing = f"{HEAD}{ASK}\n  expect: {{refused: opted-out, clause: R5}}\n"
    absent = passing.replace("swift-parcel", "gone-partner")
    cases = parse_cases("x.yaml", (passing + failing + absent).encode())

    assert shown(run_cases(a_set(), cases)) == {"S1": ["x.yaml:2"], "S3": ["x.yaml:2"]}
