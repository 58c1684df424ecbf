"""Consent field by field: what of a route may leave (D1, C2, R5)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.decide.covering import uncovered
from gateway.errors import Reason
from gateway.model.consent import By, Consent, Method, Scope
from gateway.model.ids import ConsentId, GroundId, PurposeId
from gateway.model.recipients import Field
from gateway.model.shares import Permitted, Refused
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    NOW,
    Share,
    a_consent,
    a_field,
    a_partner,
    a_policy,
    a_purpose,
    a_route,
    some_facts,
)

NAME, ADDRESS, NICKNAME, ACCOUNT = (
    "/basic.name",
    "/basic.address",
    "/network.nickname",
    "path.account",
)


def given(*fields: str, **changes: Any) -> Consent:
    """A consent to public display of these fields; of none: of everything."""
    return a_consent("public-display", fields=fields or None, **changes)


def shown(*consents: Consent, **changes: Any) -> Share:
    """A share that would show name, address, a kind, and to whom it belongs by pseudonym."""
    account = replace(a_field("network.account", "pseudonym"), selector="account")
    route = a_route(
        "basic.name",
        "basic.address",
        "none",
        purpose=PurposeId("public-display"),
        ground=GroundId("consent"),
        path_fields={"account": account},
        **changes.pop("route", {}),
    )
    return Share(
        route=route,
        purpose="public-display",
        facts=(some_facts(*consents),),
        **changes,
    )


def fields_of(share: Share) -> frozenset[str] | None:
    """What may leave of a share that is permitted."""
    decision = share.decided()
    assert isinstance(decision, Permitted), decision
    return decision.fields


def reason_of(share: Share) -> Reason:
    """Why a share is refused."""
    decision = share.decided()
    assert isinstance(decision, Refused), decision
    return decision.reason


@promise("D1")
def test_a_consent_without_fields_limits_nothing() -> None:
    """One word for the whole route, as before."""
    assert fields_of(shown(given())) is None


@promise("D1")
def test_only_the_chosen_fields_and_what_needs_no_word_may_leave() -> None:
    """What says nothing of the person, and a pseudonym, are nobody's to choose."""
    assert fields_of(shown(given(NAME))) == {NAME, "/none", ACCOUNT}


@promise("D1")
def test_several_consents_add_up() -> None:
    """Each field stands on the newest record that speaks of it."""
    first = given(NAME, granted_at=NOW - 3 * DAY)
    second = given(ADDRESS, id=ConsentId("consent-2"))
    both = shown(first, second)
    decision = both.decided()

    assert fields_of(both) == {NAME, ADDRESS, "/none", ACCOUNT}
    assert isinstance(decision, Permitted)
    assert set(decision.consents) == {"consent-1", "consent-2"}


@promise("D1", "R5")
@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        ([given(NAME), given(ADDRESS, withdrawn_at=NOW)], {NAME}),
        ([given(NAME, ADDRESS), given(ADDRESS, withdrawn_at=NOW)], {NAME}),
        ([given(granted_at=NOW - 2 * DAY), given(NAME, withdrawn_at=NOW)], {ADDRESS}),
        ([given(NAME, withdrawn_at=NOW - DAY), given(NAME, granted_at=NOW)], {NAME}),
        ([given(NAME, expires=NOW), given(ADDRESS)], {ADDRESS}),
        ([given(NAME, purpose_version=2), given(ADDRESS)], {ADDRESS}),
        ([given(granted_at=NOW - 2 * DAY), given(NAME)], {NAME, ADDRESS}),
    ],
)
def test_each_field_has_its_own_newest_event(consents: list[Consent], expected: set[str]) -> None:
    """A withdrawal, an end, another version count for the fields that they are about."""
    numbered = [
        replace(one, id=ConsentId(f"consent-{number}")) for number, one in enumerate(consents)
    ]

    assert fields_of(shown(*numbered)) == {*expected, "/none", ACCOUNT}


@pytest.mark.parametrize(
    ("consents", "reason"),
    [
        ([given("/hobby")], Reason.CONSENT_MISSING),
        ([given(NAME, withdrawn_at=NOW)], Reason.CONSENT_WITHDRAWN),
        (
            [given(NAME, granted_at=NOW - 2 * DAY), given(withdrawn_at=NOW)],
            Reason.CONSENT_WITHDRAWN,
        ),
        ([given(NAME, expires=NOW)], Reason.CONSENT_STALE),
        ([], Reason.CONSENT_MISSING),
    ],
)
def test_where_no_field_stands_nothing_leaves(consents: list[Consent], reason: Reason) -> None:
    """The refusal is that of the newest event."""
    assert reason_of(shown(*consents)) == reason


@promise("D1")
def test_everybody_must_have_chosen_a_field() -> None:
    """In a share about two people it leaves only if both did."""
    both = shown(given(NAME, ADDRESS))
    two = both.but(
        facts=(some_facts(given(NAME, ADDRESS)), some_facts(given(ADDRESS))),
        subjects=(both.subjects[0], "li"),
    )

    assert fields_of(two) == {ADDRESS, "/none", ACCOUNT}


@promise("D1", "M1")
def test_for_a_minor_the_guardian_chooses() -> None:
    """What the minor chose is no choice."""
    facts = some_facts(
        given(NAME, ADDRESS, granted_at=NOW),
        given(NAME, id=ConsentId("consent-2"), by=By.GUARDIAN, granted_at=NOW - 2 * DAY),
        minor=True,
    )

    assert fields_of(shown().but(facts=(facts,))) == {NAME, "/none", ACCOUNT}


@promise("C2", "D1")
def test_what_is_sensitive_and_not_chosen_needs_no_word_of_its_own() -> None:
    """The separate consent is asked for where the field may leave, and only there."""
    route = {"send": (a_field("basic.name"), a_field("network.nickname"))}
    without = shown(given(NAME), route=route)
    chosen = shown(given(NAME, NICKNAME), route=route)
    sensitive = given(NICKNAME, id=ConsentId("consent-2"), scope=Scope.SENSITIVE)
    both = shown(given(NAME, NICKNAME), sensitive, route=route)

    assert fields_of(without) == {NAME, ACCOUNT}
    assert reason_of(chosen) == Reason.SEPARATE_CONSENT_MISSING
    assert fields_of(both) == {NAME, NICKNAME, ACCOUNT}


@promise("C3", "D1")
def test_a_separate_consent_counts_field_by_field() -> None:
    """Where the purpose is asked for alone, so is each of its fields."""
    separate = a_purpose("public-display", "consent", core=False, separate_consent=True)
    policy = a_policy(purposes=(separate,))
    facts = (
        given(NAME, method=Method.SEPARATE),
        given(ADDRESS, id=ConsentId("consent-2"), granted_at=NOW - timedelta(hours=1)),
    )

    assert fields_of(shown(*facts, policy=policy)) == {NAME, "/none", ACCOUNT}


@promise("K1", "D1")
def test_crossing_a_border_is_chosen_field_by_field_too() -> None:
    """A record with a scope and fields carries that, for these."""
    crossing = given(ADDRESS, id=ConsentId("consent-2"), scope=Scope.CROSS_BORDER)
    share = shown(given(), crossing, partner=a_partner(territory="SG"))

    assert fields_of(share) == {ADDRESS, "/none", ACCOUNT}


def test_a_token_is_the_value_and_a_constant_is_nothing() -> None:
    """A token can be redeemed, so it is chosen like the value; a constant says nothing."""
    fields: tuple[Field, ...] = (
        a_field("basic.name", "token"),
        a_field("basic.address", "constant"),
        a_field("device.id"),
    )
    share = shown(given("/device.id"), route={"send": fields})

    assert fields_of(share) == {"/basic.address", "/device.id", ACCOUNT}


def test_on_another_ground_nobody_chooses() -> None:
    """Where the person's word carries nothing it limits nothing."""
    share = Share(facts=(some_facts(a_consent(fields=("/basic.address",))),))

    assert fields_of(share) is None


@promise("D1")
@pytest.mark.parametrize(("name", "clause"), [("public-display", "D1"), ("advertising", "C3")])
def test_a_field_that_was_not_chosen_is_named(name: str, clause: str) -> None:
    """With the clause of the operation, and nothing of the value."""
    purpose = a_policy().purposes[PurposeId(name)]
    permitted = Permitted(ground=GroundId("consent"), fields=frozenset({NAME}))
    refused = uncovered(permitted, purpose, [NAME, ADDRESS])

    assert refused is not None
    assert refused.reason is Reason.CONSENT_MISSING
    assert {"S1", clause} <= set(refused.clauses)
    assert ADDRESS in refused.detail
    assert NAME not in refused.detail
    assert uncovered(permitted, purpose, [NAME]) is None
    assert uncovered(Permitted(ground=GroundId("consent")), purpose, [ADDRESS]) is None
