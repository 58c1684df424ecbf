"""A minor's share is carried by the guardian, or by what protects the minor."""

from typing import Any

import pytest

from gateway.model.consent import By, Consent, Method
from gateway.model.shares import Decision
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    LI,
    NOW,
    RECORD,
    ZHANG,
    a_consent,
    a_record,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused

MISSING = ("guardian-consent-missing", {"M1", "M2"})


@promise("M1")
def test_only_the_guardians_consent_counts_for_a_minor() -> None:
    """What a minor agrees to carries nothing; what the guardian agrees to does."""

    def decided(by: By) -> Decision:
        about = some_facts(a_consent(by=by), minor=True)
        return a_share(ground="consent", about=about).decided()

    assert permitted(decided(By.GUARDIAN)).consents == ("consent-1",)
    assert refused(decided(By.SUBJECT)) == MISSING


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawn_at": NOW},
        {"expires": NOW},
        {"purpose_version": 2},
        {"partner": "bright-reach"},
        {"purpose": "advertising"},
        {"scope": "sensitive"},
    ],
)
@promise("M1")
def test_a_guardians_consent_must_be_live(changes: dict[str, Any]) -> None:
    """A guardian's consent that is withdrawn, over or for something else carries nothing."""
    about = some_facts(a_consent(by=By.GUARDIAN, **changes), minor=True)

    assert refused(a_share(ground="consent", about=about).decided()) == MISSING


@promise("M1", "M2")
def test_a_minor_may_withdraw() -> None:
    """A minor's own later withdrawal ends what the guardian allowed."""
    own = a_consent(granted_at=NOW - 3 * DAY, withdrawn_at=NOW, id="consent-2")
    about = some_facts(a_consent(by=By.GUARDIAN), own, minor=True)

    assert refused(a_share(ground="consent", about=about).decided()) == MISSING


@promise("M2")
def test_the_core_function_alone_does_not_carry_a_minor() -> None:
    """The core function carries an adult; a minor's share only once the guardian agreed."""
    agreed = (a_consent(by=By.GUARDIAN),)
    alone = (a_consent(by=By.SUBJECT),)

    assert carried(a_share(about=some_facts()).decided())
    assert refused(a_share(about=some_facts(minor=True)).decided()) == MISSING
    assert refused(a_share(about=some_facts(*alone, minor=True)).decided()) == MISSING
    assert permitted(a_share(about=some_facts(*agreed, minor=True)).decided()).consents == (
        agreed[0].id,
    )


@promise("M1", "M2")
@pytest.mark.parametrize("ground", ["core-function", "consent"])
def test_a_guardian_agrees_in_words(ground: str) -> None:
    """What a guardian merely lets happen is no consent, whatever the purpose asks of adults."""
    implied = a_consent(by=By.GUARDIAN, method=Method.IMPLIED)
    explicit = a_consent(by=By.GUARDIAN, method=Method.EXPLICIT)

    def decided(consent: Consent) -> Decision:
        return a_share(ground=ground, about=some_facts(consent, minor=True)).decided()

    assert refused(decided(implied)) == MISSING
    assert carried(decided(explicit))


@pytest.mark.parametrize(
    ("ground", "allowed"),
    [("minor-protection", True), ("rights-protection", False), ("consent", False)],
)
@promise("M2")
def test_protecting_the_minor_carries(ground: str, allowed: bool) -> None:
    """Without a guardian's consent a minor's data leaves only to protect the minor."""
    share = a_share(
        "fraud-prevention",
        ground,
        "device.id",
        about=some_facts(minor=True),
        claim=RECORD,
        evidence=a_record(purposes=("fraud-prevention",)),
    )

    if allowed:
        assert permitted(share.decided()).ground == ground
    else:
        assert refused(share.decided()) == MISSING


@promise("M2")
def test_the_law_carries_a_minor() -> None:
    """A minor's data leaves where the law demands it."""
    share = a_share(
        "order-fulfilment", "legal-obligation", about=some_facts(minor=True), claim="statute 12"
    )

    assert carried(share.decided())


@promise("M1")
def test_one_minor_among_several_needs_the_guardian() -> None:
    """An adult's consent does not speak for the minor in the same share."""
    facts = (some_facts(a_consent()), some_facts(a_consent(), minor=True))

    decision = a_share(ground="consent", subjects=(LI, ZHANG), facts=facts).decided()

    assert refused(decision) == MISSING
