"""What is made of one person: their account as a page, what affects them, what they are asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model.consent import Consent, Method, Scope
from gateway.model.ids import CategoryId, ConsentId, PartnerId, PurposeId
from gateway.model.policyset import Widening
from gateway.reports.account import account_page
from gateway.reports.affected import Question, Summary, Tally
from gateway.reports.asking import to_ask
from gateway.reports.period import Period
from tests.unit.reports.builders import HOSTILE, the_policy
from tests.unit.reports.pages import check

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROW: dict[str, Any] = {
    "share": "shr_1",
    "kind": "intent",
    "partner": "swift-parcel",
    "name": "Swift Parcel Co.",
    "contact": "privacy@swift-parcel.example",
    "fields": ["/recipient/name"],
    "categories": ["basic.name", "none"],
    "purpose": "order-fulfilment",
    "purpose_version": 1,
    "ground": "core-function",
    "at": "2026-03-01T12:00:00.000Z",
    "outcome": "delivered",
    "retention_until": "2026-03-31T12:00:00.000Z",
    "territory": "CN",
    "index": 7,
}


def test_the_account_is_told_in_words_that_people_use() -> None:
    """Who, which data, why, on what ground, until when, and what became of it."""
    read = check(account_page("u-1", [ROW, {**ROW, "outcome": None}], the_policy(), now=NOW))

    for words in (
        *("u-1", "Swift Parcel Co.", "privacy@swift-parcel.example", "2026-03-01", "12:00 UTC"),
        *("Personal name", "Carrying out and delivering an order", "2026-03-31"),
        *("Necessary for a core function", "received", "on its way", "2 disclosures"),
    ):
        assert words in read.text
    assert "/recipient/name" not in read.text


def test_the_account_is_safe_with_what_is_not_known_any_more() -> None:
    """Removed recipients, purposes and categories are called by what they were called."""
    gone = {**ROW, "name": HOSTILE, "contact": None, "purpose": "gone", "ground": "gone-too"}
    gone |= {"categories": ["old.thing"], "kind": "declared", "retention_until": ROW["at"]}
    read = check(account_page(HOSTILE, [gone], the_policy(), now=NOW))
    empty = check(account_page("u-1", [], the_policy(), now=NOW))

    assert "old.thing" in read.text
    assert "not stated" in read.text
    assert "outside the gateway" in read.text
    assert "Nothing about you was given to anybody." in empty.text


LEAF: dict[str, Any] = {
    "kind": "intent",
    "partner": "swift-parcel",
    "purpose": "order-fulfilment",
    "categories": ["basic.name", "none"],
    "fields": ["/recipient/name"],
    "at": "2026-03-01T12:00:00.000Z",
}
MARCH = Period(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("asked", "leaf", "is_about"),
    [
        ({}, {}, True),
        ({}, {"partner": "other"}, False),
        ({"purpose": "order-fulfilment"}, {}, True),
        ({"purpose": "payment"}, {}, False),
        ({"category": CategoryId("basic")}, {}, True),
        ({"category": CategoryId("basic.name")}, {}, True),
        ({"category": CategoryId("bas")}, {}, False),
        ({"category": CategoryId("basic.phone")}, {}, False),
        ({"period": MARCH}, {}, True),
        ({"period": MARCH}, {"at": "2026-04-01T00:00:00.000Z"}, False),
        ({"period": MARCH}, {"disclosed_at": "2026-02-01T00:00:00.000Z"}, False),
        ({"period": MARCH}, {"at": "2027-01-01T00:00:00.000Z", "disclosed_at": LEAF["at"]}, True),
    ],
)
def test_a_question_is_about_some_shares(
    asked: dict[str, Any], leaf: dict[str, Any], is_about: bool
) -> None:
    """Recipient, time, purpose and tree of categories bound it; what was declared counts when it
    left."""
    assert Question(partner="swift-parcel", **asked).about({**LEAF, **leaf}) is is_about


def test_what_a_persons_shares_come_to() -> None:
    """How many, first and last, which categories, fields and outcomes."""
    tally = Tally()
    tally.add(LEAF, "delivered")
    tally.add({**LEAF, "at": "2026-02-01T00:00:00.000Z", "categories": ["basic.phone"]}, None)
    shown = tally.shown("u-1", may_be_told=True)
    summary = Summary(question=Question(partner="swift-parcel"), people=1, erased=2).shown()

    assert (shown["shares"], shown["first"], shown["last"]) == (
        2,
        "2026-02-01T00:00:00.000Z",
        "2026-03-01T12:00:00.000Z",
    )
    assert shown["categories"] == ["basic.name", "basic.phone", "none"]
    assert shown["outcomes"] == {"delivered": 1, "open": 1}
    assert summary["summary"]["erased"] == {"shares": 2, "people_at_most": 2}


def consent(days_ago: int = 10, *, version: int = 1, **more: Any) -> Consent:
    """A consent to advertising."""
    given: dict[str, Any] = {"partner": None, "method": Method.EXPLICIT, **more}
    return Consent(
        id=ConsentId(f"con_{days_ago}"),
        purpose=PurposeId("advertising"),
        purpose_version=version,
        granted_at=NOW - timedelta(days=days_ago),
        **given,
    )


ADVERTISING = PurposeId("advertising")
BRIGHT = PartnerId("bright-reach")


def second_version() -> Any:
    """The default set after the purpose changed."""
    policy = the_policy()
    changed = replace(policy.purposes[ADVERTISING], version=2)
    return replace(policy, purposes={**policy.purposes, ADVERTISING: changed})


@pytest.mark.parametrize(
    ("consents", "asked"),
    [
        ([consent()], [(None, 1)]),
        ([consent(version=2)], []),
        ([consent(10), consent(5, version=2)], []),
        ([consent(10, version=2), consent(5)], [(None, 1)]),
        ([consent(10, withdrawn_at=NOW)], []),
        ([consent(10), consent(20, withdrawn_at=NOW - timedelta(days=5))], []),
        ([consent(10, expires=NOW)], []),
        ([consent(10, expires=NOW + timedelta(days=1))], [(None, 1)]),
        ([consent(10, partner=BRIGHT)], [(BRIGHT, 1)]),
        ([consent(10, partner=BRIGHT), consent(5, version=2)], []),
        ([consent(10), consent(5, version=2, partner=BRIGHT)], [(None, 1)]),
        ([consent(10, scope=Scope.CROSS_BORDER), consent(5, version=2)], [(None, 1)]),
        ([], []),
    ],
)
def test_who_consented_to_an_older_version_is_asked_again(
    consents: list[Consent], asked: list[Any]
) -> None:
    """Unless they said no since, consented anew, or their consent ran out by itself."""
    rows = to_ask(consents, second_version(), now=NOW)

    assert [(row["partner"], row["held"]) for row in rows] == asked
    assert all((row["needed"], row["why"]) == (2, "older-version") for row in rows)
    assert to_ask(consents, second_version(), now=NOW, purpose="payment") == []


@pytest.mark.parametrize(
    ("consents", "asked"),
    [
        ([consent(10)], [BRIGHT]),
        ([consent(3)], []),
        ([consent(10), consent(3, partner=BRIGHT)], []),
        ([consent(10, partner=BRIGHT)], [BRIGHT]),
        ([consent(10, partner=PartnerId("swift-parcel"))], []),
    ],
)
def test_who_consented_to_something_narrower_is_asked_again(
    consents: list[Consent], asked: list[Any]
) -> None:
    """An edition widened the sharing with one recipient: consents of before do not carry it."""
    since = NOW - timedelta(days=5)
    widening = Widening(edition="2026-2", since=since, what=("a new field",))
    policy = replace(the_policy(), widened={(BRIGHT, ADVERTISING): widening})
    rows = to_ask(consents, policy, now=NOW)

    assert [row["partner"] for row in rows] == asked
    assert all((row["why"], row["edition"]) == ("widened", "2026-2") for row in rows)
