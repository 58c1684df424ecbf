"""For what an edition widens, consents from before do not count (N1)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.model.consent import By, Consent, Method, Scope
from gateway.model.ids import CategoryId, PartnerId, PurposeId
from gateway.model.policyset import PolicySet, Widening
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    NOW,
    Share,
    a_consent,
    a_policy,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, reason, refused

SECOND = timedelta(seconds=1)


def wider(purpose: str = "order-fulfilment", *, partner: str = "swift-parcel") -> PolicySet:
    """The small policy, in an edition that widened one recipient's sharing a day ago."""
    widening = Widening(edition="2026-2", since=NOW - DAY, what=("field /a: new",))
    return a_policy(widened={(PartnerId(partner), PurposeId(purpose)): widening})


def on_consent(*consents: Consent, **changes: Any) -> Share:
    """An order on the ground consent."""
    return a_share(ground="consent", about=some_facts(*consents), **{"policy": wider()} | changes)


@promise("N1")
def test_the_moment_of_the_edition_is_the_border() -> None:
    """A consent of a second before is stale, one of the very moment carries."""
    before = on_consent(a_consent(granted_at=NOW - DAY - SECOND))
    after = on_consent(a_consent(granted_at=NOW - DAY))

    assert refused(before.decided()) == ("consent-stale", {"N1", "S1"})
    assert carried(after.decided())


@promise("N1")
@pytest.mark.parametrize("where", [{"purpose": "payment"}, {"partner": "other-parcel"}])
def test_another_recipient_or_purpose_is_another_thing(where: dict[str, str]) -> None:
    """What is widened elsewhere ends no consent here."""
    share = on_consent(a_consent(granted_at=NOW - 2 * DAY), policy=wider(**where))

    assert carried(share.decided())


def test_where_no_consent_is_needed_none_is_missed() -> None:
    """A core function goes on without being asked for again."""
    assert carried(a_share(policy=wider()).decided())


@promise("N1", "C6", "S2")
def test_another_version_of_the_purpose_is_told_first() -> None:
    """Who must be asked for the new version is asked for that."""
    share = on_consent(a_consent(granted_at=NOW - 2 * DAY, purpose_version=2))

    assert refused(share.decided()) == ("consent-stale", {"C6"})


@promise("N1", "R5")
def test_a_withdrawal_counts_before() -> None:
    """Whoever withdrew is not asked again as if they had agreed to less."""
    share = on_consent(a_consent(granted_at=NOW - 2 * DAY, withdrawn_at=NOW - DAY))

    assert reason(share.decided()) == "consent-withdrawn"


@promise("N1", "M1")
def test_a_guardian_is_asked_again_too() -> None:
    """For a minor it is the guardian's consent that no longer carries."""
    old, new = (a_consent(by=By.GUARDIAN, granted_at=NOW - days * DAY) for days in (2, 1))
    shares = [a_share(about=some_facts(one, minor=True), policy=wider()) for one in (old, new)]

    code, clauses = refused(shares[0].decided())
    assert (code, "N1" in clauses) == ("guardian-consent-missing", True)
    assert carried(shares[1].decided())


@promise("N1", "C2")
def test_a_consent_to_sensitive_data_is_held_to_it_too() -> None:
    """The scope's own consent must be as new as that to the purpose."""
    new = a_consent()
    old, again = (
        a_consent(id="sensitive-1", scope=Scope.SENSITIVE, granted_at=NOW - days * DAY)
        for days in (2, 1)
    )
    asked = ("order-fulfilment", "consent", "basic.phone")
    shares = [a_share(*asked, about=some_facts(new, one), policy=wider()) for one in (old, again)]

    assert refused(shares[0].decided()) == ("separate-consent-missing", {"N1", "C2"})
    assert carried(shares[1].decided())


@promise("N1", "C3")
def test_a_separate_consent_is_held_to_it_too() -> None:
    """Where the purpose needs a consent of its own, an old one of that kind is stale."""
    policy = wider("location-services")
    old, new = (
        a_consent("location-services", method=Method.SEPARATE, granted_at=NOW - days * DAY)
        for days in (2, 1)
    )
    asked = ("location-services", "consent", CategoryId("location.coarse"))
    shares = [a_share(*asked, about=some_facts(one), policy=policy) for one in (old, new)]

    assert refused(shares[0].decided()) == ("consent-stale", {"N1", "S1", "C3"})
    assert carried(shares[1].decided())
