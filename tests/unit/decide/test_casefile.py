"""Decision cases are read whole, and mistakes are told with their place."""

from datetime import UTC, date, datetime

import pytest

from gateway.decide.case import (
    CaseAsk,
    ConsentGiven,
    EvidenceGiven,
    Expected,
    FenceGiven,
    PartnerGiven,
    PersonGiven,
    RouteGiven,
)
from gateway.decide.casefile import parse_cases
from gateway.errors import ConfigError, Reason
from gateway.model.consent import By, Method, Scope
from gateway.model.policy import Kind
from gateway.model.recipients import State

WHOLE = b"""
- it: says everything
  now: 2026-11-20T00:00:00Z
  ask:
    partner: swift-parcel
    route: create-shipment
    purpose: order-fulfilment@2
    ground: consent
    evidence: record-1
    gpc: true
    subject: [zhang, li]
  given:
    minor: true
    opt_outs: [sale]
    suspended: true
    consents:
      - {granted: 2026-01-01T00:00:00Z, purpose: payment, version: 2, partner: link-id,
         method: separate, by: guardian, scope: sensitive,
         expires: 2027-01-01T00:00:00Z, withdrawn: 2026-02-01T00:00:00Z}
    restricted:
      - {reason: erase, partners: [link-id], purposes: [payment], categories: [basic]}
      - {until_consent_after: 2026-03-01T00:00:00Z}
    people: {li: {erased: true}}
    evidence:
      - {id: record-1, type: dispute, partner: link-id, purposes: [payment], people: [li],
         categories: [basic.name], expires: 2027-01-01T00:00:00Z}
    partner: {kind: partner, state: draft, agreement: {signed: 2026-01-01, expires: 2027-01-01},
              territory: SG, accepted_edition: "2026-1"}
    route: {purpose: payment, purpose_version: 2}
    policy: {purpose_version: 3}
  expect: {permitted: true, clause: [S1, S4a], ground: consent, evidence: record-1,
           categories: [basic.name]}
"""

SHORT = b"""
- it: says little
  now: 2026-11-20T00:00:00Z
  ask: {partner: swift-parcel, route: create-shipment, purpose: order-fulfilment, subject: none}
  given: {partner: {agreement: none}}
  expect: {refused: agreement-missing, clause: S4a}
"""


def test_a_case_is_read_whole() -> None:
    """Everything that a case may say arrives."""
    (case,) = parse_cases("cases/whole.yaml", WHOLE)

    assert (case.file, case.line, case.column, case.it) == (
        "cases/whole.yaml",
        2,
        3,
        "says everything",
    )
    assert case.now == datetime(2026, 11, 20, tzinfo=UTC)
    assert case.ask == CaseAsk(
        partner="swift-parcel",
        route="create-shipment",
        purpose="order-fulfilment",
        purpose_version=2,
        ground="consent",
        evidence="record-1",
        gpc=True,
        subjects=("zhang", "li"),
    )
    assert case.expected == Expected(
        refused=None,
        clauses=("S1", "S4a"),
        ground="consent",
        evidence="record-1",
        categories=("basic.name",),
    )


def test_what_is_known_in_a_case_is_read_whole() -> None:
    """People, records and what the documents would say all arrive."""
    given = parse_cases("whole.yaml", WHOLE)[0].given

    assert given.everybody.minor
    assert given.everybody.opt_outs == ("sale",)
    assert given.everybody.consents == (
        ConsentGiven(
            granted=datetime(2026, 1, 1, tzinfo=UTC),
            purpose="payment",
            version=2,
            partner="link-id",
            method=Method.SEPARATE,
            by=By.GUARDIAN,
            scope=Scope.SENSITIVE,
            expires=datetime(2027, 1, 1, tzinfo=UTC),
            withdrawn=datetime(2026, 2, 1, tzinfo=UTC),
        ),
    )
    assert given.everybody.restricted == (
        FenceGiven(
            reason="erase", partners=("link-id",), purposes=("payment",), categories=("basic",)
        ),
        FenceGiven(until_consent_after=datetime(2026, 3, 1, tzinfo=UTC)),
    )
    assert given.people == {"li": PersonGiven(erased=True)}
    assert given.suspended


def test_records_and_documents_of_a_case_are_read_whole() -> None:
    """Evidence, and what manifest and policy would have to say, arrive."""
    given = parse_cases("whole.yaml", WHOLE)[0].given

    assert given.evidence == (
        EvidenceGiven(
            id="record-1",
            type="dispute",
            partner="link-id",
            purposes=("payment",),
            people=("li",),
            categories=("basic.name",),
            expires=datetime(2027, 1, 1, tzinfo=UTC),
        ),
    )
    assert given.partner == PartnerGiven(
        kind=Kind.PARTNER,
        state=State.DRAFT,
        agreement=(date(2026, 1, 1), date(2027, 1, 1)),
        territory="SG",
        accepted_edition="2026-1",
    )
    assert given.route == RouteGiven(purpose="payment", version=2)
    assert given.policy_version == 3


def test_a_short_case_is_enough() -> None:
    """A case needs a sentence, a time, a request and an answer."""
    (case,) = parse_cases("short.yaml", SHORT)

    assert case.ask.subjects == ()
    assert case.given.partner == PartnerGiven(no_agreement=True)
    assert case.expected == Expected(refused=Reason.AGREEMENT_MISSING, clauses=("S4a",))


def test_one_person_may_be_named_alone() -> None:
    """A single name needs no brackets."""
    (case,) = parse_cases("short.yaml", SHORT.replace(b"subject: none", b"subject: zhang"))

    assert case.ask.subjects == ("zhang",)


@pytest.mark.parametrize(
    ("right", "wrong", "place", "told"),
    [
        (b"it: says little", b"its: says little", "2:3", 'write "it"'),
        (b"  now: 2026-11-20T00:00:00Z\n", b"", "2:3", '"now" is missing'),
        (b"2026-11-20T00:00:00Z", b"2026-11-20", "3:8", "2026-03-01T00:00:00Z"),
        (b", route: create-shipment", b"", "4:8", '"route" is missing'),
        (b"order-fulfilment,", b"order-fulfilment@two,", "4:65", "order-fulfilment@1"),
        (b"order-fulfilment,", b"Order,", "4:65", "lower-case"),
        (b"agreement-missing", b"agreement-mising", "6:21", '"agreement-missing"'),
        (b"refused: agreement-missing", b"permitted: false", "6:23", "refused: CODE"),
        (b"refused: agreement-missing, ", b"", "6:11", "refused: CODE"),
        (b"refused:", b"permitted: true, refused:", "6:11", "one answer"),
        (b", clause: S4a", b"", "6:11", '"clause" is missing'),
        (b"clause: S4a", b"clause: four", "6:40", "no clause id"),
        (b"clause: S4a", b"clause: S4a, ground: consent", "6:53", 'no "ground"'),
        (b"agreement: none", b"agreement: soon", "5:32", "mapping"),
        (b"agreement: none", b"state: asleep", "5:28", "write draft"),
        (b"given: {partner", b"given: {partners", "5:11", 'write "partner"'),
    ],
)
def test_a_mistake_is_told_with_its_place(
    right: bytes, wrong: bytes, place: str, told: str
) -> None:
    """Each mistake in a case has its line, its column, and what to write instead."""
    assert right in SHORT

    with pytest.raises(ConfigError) as caught:
        parse_cases("cases/short.yaml", SHORT.replace(right, wrong))

    rows = [str(problem) for problem in caught.value.problems]
    assert any(row.startswith(f"cases/short.yaml:{place}: ") and told in row for row in rows), rows


def test_all_mistakes_are_told_at_once() -> None:
    """A file with two broken cases tells of both."""
    broken = (SHORT + SHORT).replace(b"agreement-missing", b"agreement-mising")

    with pytest.raises(ConfigError) as caught:
        parse_cases("short.yaml", broken)

    assert [problem.line for problem in caught.value.problems] == [6, 12]


@pytest.mark.parametrize("text", [b"", b"it: alone\n", b"- [1\n", b"- &x {it: a}\n", b"\xff"])
def test_what_is_no_list_of_cases_is_refused(text: bytes) -> None:
    """A document that is empty, no list, or not plain YAML holds no cases."""
    with pytest.raises(ConfigError):
        parse_cases("broken.yaml", text)
