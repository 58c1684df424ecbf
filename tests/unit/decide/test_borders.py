"""Data crosses a border with a consent to that, and never to where the policy forbids."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.consent import By, Consent, Method, Scope
from gateway.model.policy import Kind
from gateway.model.shares import Decision
from tests.marks import promise
from tests.unit.decide.builders import (
    LI,
    NOBODY,
    NOW,
    ZHANG,
    Share,
    a_consent,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused

MISSING = ("cross-border-consent-missing", {"K1"})


def abroad(*consents: Consent, territory: str = "SG", **changes: Any) -> Share:
    """An order with a recipient in another territory."""
    share = a_share(about=some_facts(*consents, minor=changes.pop("minor", False)), **changes)
    return share.but(partner=replace(share.partner, territory=territory))


def a_crossing(**changes: Any) -> Consent:
    """A consent to crossing the border."""
    return a_consent(**({"id": "crossing", "scope": Scope.CROSS_BORDER} | changes))


@promise("K1")
def test_crossing_a_border_needs_its_own_consent() -> None:
    """A share that leaves at home leaves for abroad only with a consent to the crossing."""
    assert carried(abroad(territory="CN").decided())
    assert refused(abroad().decided()) == MISSING
    assert permitted(abroad(a_crossing()).decided()).consents == ("crossing",)


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawn_at": NOW},
        {"expires": NOW},
        {"purpose_version": 2},
        {"partner": "bright-reach"},
        {"purpose": "payment"},
        {"method": Method.IMPLIED},
        {"scope": Scope.SENSITIVE},
        {"scope": None},
    ],
)
@promise("K1")
def test_no_other_consent_stands_in_for_the_crossing(changes: dict[str, Any]) -> None:
    """A consent that is over, implied, or to something else crosses no border."""
    assert refused(abroad(a_crossing(**changes)).decided()) == MISSING


@promise("K1")
def test_the_crossing_does_not_stand_in_for_the_purpose() -> None:
    """On the ground consent both are needed, and both are named."""
    both = abroad(a_consent(), a_crossing(), ground="consent").but(ground="consent")
    alone = abroad(a_crossing()).but(ground="consent")

    assert permitted(both.decided()).consents == ("consent-1", "crossing")
    assert refused(alone.decided())[0] == "consent-missing"


@promise("K1")
def test_some_territories_are_never_allowed() -> None:
    """Where the policy allows nothing to go, no consent helps, and none is asked for."""
    assert refused(abroad(territory="XX").decided()) == ("territory-not-permitted", {"K1"})
    assert refused(abroad(a_crossing(), territory="XX").decided()) == (
        "territory-not-permitted",
        {"K1"},
    )


@promise("K1")
def test_the_ground_makes_no_difference_at_the_border() -> None:
    """An order of the law crosses no border without the consent either."""
    share = abroad(claim="statute 12").but(ground="legal-obligation")

    assert refused(share.decided()) == MISSING
    assert carried(share.but(facts=(some_facts(a_crossing()),)).decided())


@promise("K1", "M1")
def test_for_a_minor_the_guardian_consents_to_the_crossing() -> None:
    """A minor's own consent crosses no border."""

    def decided(by: By) -> Decision:
        purpose = a_consent(by=By.GUARDIAN)
        return abroad(purpose, a_crossing(by=by), minor=True).but(ground="consent").decided()

    assert carried(decided(By.GUARDIAN))
    assert refused(decided(By.SUBJECT)) == MISSING


@promise("K1")
def test_everyone_must_consent_to_the_crossing() -> None:
    """One person's consent does not carry another over the border."""
    share = abroad().but(subjects=(ZHANG, LI), facts=(some_facts(a_crossing()), some_facts()))

    assert refused(share.decided()) == MISSING


def test_statistics_cross_without_consent() -> None:
    """Where nobody is named nobody is asked, and the territory must still be allowed."""
    route = a_route("statistics", subject=NOBODY)
    share = abroad(route=route, kind=Kind.PROCESSOR).but(subjects=(), facts=())

    assert permitted(share.decided()).consents == ()
    forbidden = share.but(partner=replace(share.partner, territory="XX"))
    assert refused(forbidden.decided())[0] == "territory-not-permitted"
