"""A person who was erased or restricted is not shared."""

from typing import Any

import pytest

from gateway.model.consent import By, Consent, Fence
from gateway.model.ids import SubjectId
from gateway.model.recipients import SubjectFrom, SubjectPlace
from gateway.model.shares import Decision
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    LI,
    NOBODY,
    NOW,
    ZHANG,
    a_consent,
    a_field,
    a_partner,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused


@promise("A1", "R2")
def test_an_erased_person_is_never_shared() -> None:
    """Once a deletion began nothing of the person leaves, whatever consents they gave."""
    consents = (a_consent(),)

    kept = a_share(ground="consent", about=some_facts(*consents)).decided()
    gone = a_share(ground="consent", about=some_facts(*consents, erased=True)).decided()

    assert carried(kept)
    assert refused(gone) == ("subject-erased", {"A1", "R2"})


@promise("A1")
def test_one_erased_person_among_several_stops_the_share() -> None:
    """A share about several people is refused when one of them was erased."""
    facts = (some_facts(), some_facts(erased=True))

    decision = a_share(subjects=(ZHANG, LI), facts=facts).decided()

    assert refused(decision)[0] == "subject-erased"


@pytest.mark.parametrize(
    ("limits", "stopped"),
    [
        ({}, True),
        ({"partners": {"swift-parcel"}}, True),
        ({"partners": {"bright-reach"}}, False),
        ({"purposes": {"order-fulfilment"}}, True),
        ({"purposes": {"advertising"}}, False),
        ({"categories": {"basic"}}, True),
        ({"categories": {"basic.name"}}, True),
        ({"categories": {"basic.nam"}}, False),
        ({"categories": {"basic.name.first"}}, False),
        ({"categories": {"device", "location"}}, False),
        ({"partners": {"swift-parcel"}, "purposes": {"advertising"}}, False),
        (
            {
                "partners": {"swift-parcel"},
                "purposes": {"order-fulfilment"},
                "categories": {"basic"},
            },
            True,
        ),
    ],
)
@promise("R5")
def test_a_restriction_stops_what_stands_inside_it(limits: dict[str, Any], stopped: bool) -> None:
    """A restriction covers its partners, purposes and categories, or all of what it leaves out."""
    fence = Fence(reason="restrict", **{key: frozenset(names) for key, names in limits.items()})

    decision = a_share(about=some_facts(fences=(fence,))).decided()

    if stopped:
        assert refused(decision) == ("subject-restricted", {"R5"})
    else:
        assert carried(decision)


@promise("R2")
def test_a_running_deletion_of_a_part_names_its_clause() -> None:
    """While a deletion of some categories runs, their refusal says that it is a deletion."""
    fence = Fence(reason="erase", categories=frozenset({"basic"}))

    decision = a_share(about=some_facts(fences=(fence,))).decided()

    assert refused(decision) == ("subject-restricted", {"R2", "R5"})


def test_a_dropped_field_is_not_behind_a_restriction() -> None:
    """A restriction of a category does not stop a route that drops the fields of this category."""
    fence = Fence(reason="restrict", categories=frozenset({"basic.phone"}))
    route = a_route(send=(a_field("basic.name"), a_field("basic.phone", "drop")))

    decision = a_share(
        route=route, partner=a_partner(route), about=some_facts(fences=(fence,))
    ).decided()

    assert carried(decision)


@pytest.mark.parametrize(
    ("consent", "lifted"),
    [
        ({"granted_at": NOW - DAY}, True),
        ({"granted_at": NOW - DAY, "partner": "swift-parcel"}, True),
        ({"granted_at": NOW - 3 * DAY}, False),
        ({"granted_at": NOW - 2 * DAY}, False),
        ({"granted_at": NOW + DAY}, False),
        ({"granted_at": NOW - DAY, "partner": "bright-reach"}, False),
        ({"granted_at": NOW - DAY, "purpose": "advertising"}, False),
        ({"granted_at": NOW - DAY, "scope": "sensitive"}, False),
        ({"granted_at": NOW - DAY, "withdrawn_at": NOW}, False),
        ({"granted_at": NOW - DAY, "expires": NOW}, False),
        ({"granted_at": NOW - DAY, "purpose_version": 2}, False),
    ],
)
@promise("R5")
def test_a_withdrawal_is_lifted_by_a_newer_consent_only(
    consent: dict[str, Any], lifted: bool
) -> None:
    """After a withdrawal nothing leaves until the person consents anew to this purpose."""
    fence = Fence(
        reason="withdraw",
        purposes=frozenset({"order-fulfilment"}),
        until_consent=True,
        since=NOW - 2 * DAY,
    )

    decision = a_share(about=some_facts(a_consent(**consent), fences=(fence,))).decided()

    if lifted:
        assert carried(decision)
    else:
        assert refused(decision) == ("subject-restricted", {"R5"})


@promise("R5")
def test_the_newest_word_lifts_and_no_older_one() -> None:
    """Whoever agreed again after a withdrawal, and then withdrew once more, is not shared."""
    fence = Fence(reason="withdraw", until_consent=True, since=NOW - 3 * DAY)
    again = a_consent(granted_at=NOW - 2 * DAY, id="consent-2")
    taken_back = a_consent(granted_at=NOW - 9 * DAY, withdrawn_at=NOW - DAY)

    def decided(*consents: Consent) -> Decision:
        return a_share(about=some_facts(*consents, fences=(fence,))).decided()

    assert carried(decided(again))
    assert refused(decided(again, taken_back))[0] == "subject-restricted"


@promise("M1")
def test_a_minor_cannot_lift_a_withdrawal() -> None:
    """After a withdrawal for a minor only the guardian's newer consent opens the purpose again."""
    fence = Fence(reason="withdraw", until_consent=True, since=NOW - 2 * DAY)

    def decided(by: By) -> Decision:
        facts = some_facts(a_consent(by=by), fences=(fence,), minor=True)
        return a_share(ground="consent", about=facts).decided()

    assert refused(decided(By.SUBJECT))[0] == "subject-restricted"
    assert carried(decided(By.GUARDIAN))


def test_a_withdrawal_of_unknown_time_is_never_lifted() -> None:
    """Where it is not known since when a withdrawal counts, no consent counts as newer."""
    fence = Fence(reason="withdraw", until_consent=True)

    decision = a_share(about=some_facts(a_consent(), fences=(fence,))).decided()

    assert refused(decision)[0] == "subject-restricted"


@pytest.mark.parametrize("place", [SubjectPlace(), SubjectPlace(source=SubjectFrom.POINTER)])
def test_a_route_about_people_carries_nothing_about_nobody(place: SubjectPlace) -> None:
    """Where a route names its person, a share that names none is refused before all else."""
    share = a_share(route=a_route(subject=place), subjects=(), facts=(), suspended=True)

    assert refused(share.decided()) == ("subject-missing", {"R1"})


def test_a_route_about_nobody_needs_no_person() -> None:
    """Statistics leave without anybody being named."""
    share = a_share(route=a_route("statistics", subject=NOBODY), subjects=(), facts=())

    assert permitted(share.decided()).consents == ()


def test_refusals_do_not_name_the_person() -> None:
    """What a refusal says names partner, route, purpose and ground, and never the person."""
    marked = SubjectId("marked-13800138000")
    decision = a_share(subjects=(marked,), about=some_facts(erased=True)).decided()

    assert "marked" not in repr(decision)
    assert "partner swift-parcel, route create-shipment" in repr(decision)
    assert "purpose order-fulfilment, ground core-function" in repr(decision)
