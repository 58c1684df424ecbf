"""Decision cases also say how a share leaves, and which manifests are not accepted."""

from dataclasses import replace

import pytest

from gateway.decide.case import Expected, RouteGiven
from gateway.decide.cases import CaseResult, Verdict, parse_cases, run_case
from gateway.errors import ConfigError
from gateway.model.recipients import Seal, SubjectFrom
from tests.marks import promise
from tests.unit.decide.test_default_cases import default_policy

HEAD = """
- it: does what is said
  now: 2026-11-20T00:00:00Z
  ask: {partner: swift-parcel, route: create-shipment, purpose: order-fulfilment}
"""


def asked(expect: str, given: str = "{}", head: str = HEAD) -> CaseResult:
    """The result of one case of the default set."""
    text = f"{head}  given: {given}\n  expect: {expect}\n"
    (case,) = parse_cases("cases/x.yaml", text.encode())
    return run_case(default_policy(), case)


@promise("P6", "P7", "S4d")
@pytest.mark.parametrize(
    ("selector", "how"),
    [
        ("/recipient/name", "mask-name"),
        ("/recipient/phone", "sealed"),
        ("/recipient/address", "as-it-is"),
        ("/recipient/birthday", "nothing"),
        ("path.reference", "as-it-is"),
        ("header.accept-language", "as-it-is"),
        ("query.anything", "nothing"),
    ],
)
def test_a_case_says_how_a_value_leaves(selector: str, how: str) -> None:
    """Masked, sealed, as it is, or not at all: each is one word, and another one fails."""
    right = asked(f"{{permitted: true, clause: S1, leaves: {{{selector}: {how}}}}}")
    other = "constant" if how == "nothing" else "nothing"
    wrong = asked(f"{{permitted: true, clause: S1, leaves: {{{selector}: {other}}}}}")

    assert right.verdict is Verdict.PASSED, str(right)
    assert wrong.verdict is Verdict.FAILED
    assert wrong.message == f"expected {selector} to leave as {other}, got {how}"


def test_a_dropped_value_does_not_leave() -> None:
    """What a manifest drops is nothing, like what it does not declare."""
    result = asked(
        "{permitted: true, clause: S1, leaves: {/x: nothing}}",
        given="{route: {send: {/x: {category: basic.name, transform: drop}}}}",
    )

    assert result.verdict is Verdict.PASSED, str(result)


@promise("S4b", "C5", "T1-3")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("terms: {retention: 30d}", "terms: {retention: 31d}"),
        ("terms: {onward: []}", "terms: {onward: [link-id]}"),
        ("terms: {territory: CN}", "terms: {territory: SG}"),
        ("returns: [/status, /tracking_number]", "returns: [/status]"),
        ("leaf: intent", "leaf: transfer"),
    ],
)
def test_a_case_says_on_what_terms_a_share_leaves(right: str, wrong: str) -> None:
    """How long, to whom further, where to, what may come back, and how it is recorded."""
    as_said = asked(f"{{permitted: true, clause: S1, {right}}}")
    otherwise = asked(f"{{permitted: true, clause: S1, {wrong}}}")

    assert as_said.verdict is Verdict.PASSED, str(as_said)
    assert otherwise.verdict is Verdict.FAILED
    assert f"expected {wrong.partition(':')[0].replace('terms', '')}" in otherwise.message


@promise("D2")
def test_what_a_demand_does_not_name_leaves_as_nothing() -> None:
    """The evidence's limit counts for how a value leaves."""
    head = HEAD.replace(
        "{partner: swift-parcel, route: create-shipment, purpose: order-fulfilment}",
        "{partner: city-court, route: file-disclosure, purpose: legal-demand, evidence: e}",
    )
    result = asked(
        "{permitted: true, clause: D2, leaves: {/person/name: sealed, /person/phone: nothing}}",
        given="{evidence: [{id: e, categories: [basic.name]}]}",
        head=head,
    )

    assert result.verdict is Verdict.PASSED, str(result)


@pytest.mark.parametrize(
    ("given", "clause"),
    [
        ("{send: {/x: {category: basic.phone}}}", "S4d"),
        ("{send: {/x: {category: network.password}}}", "C2"),
        ("{send: {/x: {category: basic.shoe-size}}}", "C1"),
        ("{receive: {/x: {category: network.password}}}", "C2"),
        ("{seal: none}", "S4d"),
        ("{subject: none}", "R1"),
    ],
)
def test_a_case_says_which_manifests_are_not_accepted(given: str, clause: str) -> None:
    """A route that may not be declared has no shares, whatever the case asks for."""
    refused = asked(f"{{loads: false, clause: {clause}}}", given=f"{{route: {given}}}")
    hoped = asked("{permitted: true, clause: S1}", given=f"{{route: {given}}}")
    other = asked("{loads: false, clause: N1}", given=f"{{route: {given}}}")

    assert refused.verdict is Verdict.PASSED, str(refused)
    assert hoped.verdict is other.verdict is Verdict.FAILED
    assert "would not load" in hoped.message
    assert "by N1" in other.message


def test_a_manifest_that_loads_is_no_refused_one() -> None:
    """A case that expects a manifest to be refused fails where it is accepted."""
    result = asked(
        "{loads: false, clause: S4d}",
        given="{route: {send: {/x: {category: basic.phone, sealed: true}}}}",
    )

    assert result.verdict is Verdict.FAILED
    assert "and it does" in result.message


@promise("N1")
@pytest.mark.parametrize(("since", "code"), [("15", "consent-stale"), ("10", None)])
def test_a_case_says_since_when_an_edition_lets_more_out(since: str, code: str | None) -> None:
    """A consent counts from the moment of the edition that widened it on."""
    head = HEAD.replace("swift-parcel", "bright-reach").replace("create-shipment", "report-event")
    answer = f"refused: {code}" if code else "permitted: true"
    result = asked(
        f"{{{answer}, clause: N1}}",
        given=f"{{policy: {{widened: 2026-11-{since}T00:00:00Z}}, "
        "consents: [{granted: 2026-11-12T00:00:00Z}]}",
        head=head.replace("order-fulfilment", "advertising"),
    )

    assert result.verdict is Verdict.PASSED, str(result)


def test_a_whole_answer_is_read() -> None:
    """Everything that a case may say of a route and of its answer arrives."""
    text = (
        f"{HEAD}  given: {{route: {{seal: body, subject: header, receive: {{/a: {{}}}}}}}}\n"
        "  expect: {refused: subject-erased, clause: A1, also: [C7, K2]}\n"
    )
    (case,) = parse_cases("cases/x.yaml", text.encode())

    assert replace(case.given.route, receive=()) == RouteGiven(
        seal=Seal.BODY, subject=SubjectFrom.HEADER
    )
    assert case.given.route.rewritten
    assert isinstance(case.expected, Expected)
    assert case.expected.about == ("A1", "C7", "K2")
    assert not case.expected.carried


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{loads: true, clause: S1}", "write permitted: true"),
        ("{loads: false, permitted: true, clause: S1}", "one answer"),
        ("{loads: false, clause: S1, leaf: intent}", 'no "leaf"'),
        ("{permitted: true, clause: S1, leaf: fig}", "transfer"),
        ("{permitted: true, clause: S1, leaves: {/x: shouted}}", "as-it-is"),
        ("{permitted: true, clause: S1, terms: {retention: long}}", "30d"),
        ("{permitted: true, clause: S1, terms: {colour: red}}", "unknown key"),
        ("{permitted: true, clause: S1, also: four}", "no clause id"),
    ],
)
def test_a_mistake_in_an_answer_is_told(expect: str, told: str) -> None:
    """What is wrong is told at its place, with what to write."""
    with pytest.raises(ConfigError) as caught:
        asked(expect)

    assert any(told in str(problem) for problem in caught.value.problems), caught.value.problems
