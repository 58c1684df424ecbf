"""What a decision case says when it says little."""

from datetime import UTC, datetime

from gateway.decide.case import ConsentGiven, Given, PersonGiven
from gateway.model.consent import By, Method


def test_a_case_that_gives_nothing_is_about_an_adult_without_a_record() -> None:
    """Where nothing is given, nothing is on record: no consent, no objection, no restriction."""
    given = Given()

    assert given.everybody == PersonGiven()
    assert (given.everybody.consents, given.everybody.restricted) == ((), ())
    assert not (given.everybody.minor or given.everybody.erased or given.suspended)


def test_a_consent_that_says_only_when_is_explicit_and_the_persons_own() -> None:
    """The shortest consent is to what the case asks, explicit, by the person."""
    consent = ConsentGiven(granted=datetime(2026, 1, 1, tzinfo=UTC))

    assert (consent.method, consent.by, consent.scope) == (Method.EXPLICIT, By.SUBJECT, None)
    assert (consent.purpose, consent.version, consent.partner) == (None, None, None)
