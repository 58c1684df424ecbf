"""Consent carries a share while it is live, and for what it was given."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decide.consent import Lack, needed, standing
from gateway.model.consent import By, Consent, Method, Scope
from gateway.model.ids import ConsentId, PartnerId
from gateway.model.policy import Kind
from gateway.model.shares import Decision
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    LI,
    NOBODY,
    NOW,
    RECORD,
    ZHANG,
    Share,
    a_consent,
    a_field,
    a_policy,
    a_purpose,
    a_record,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused


def with_consents(*consents: Consent, **changes: Any) -> Share:
    """An order on the ground consent, of an adult with these records."""
    return a_share(ground="consent", about=some_facts(*consents), **changes)


def an_ad(*consents: Consent, kind: Kind = Kind.AFFILIATE) -> Share:
    """Advertising with an affiliate, for an adult with these records."""
    return a_share("advertising", "consent", "device.id", kind=kind, about=some_facts(*consents))


def a_map(*consents: Consent, ground: str = "consent", **changes: Any) -> Share:
    """A location service, additional and with separate consent."""
    about = some_facts(*consents)
    return a_share(
        "location-services", ground, "location.coarse", about=about, claim="request 4", **changes
    )


@promise("S1")
def test_consent_carries_what_it_was_given_for() -> None:
    """With a live consent the share leaves and the answer names the record; else it stays."""
    assert permitted(with_consents(a_consent()).decided()).consents == ("consent-1",)
    assert refused(with_consents().decided()) == ("consent-missing", {"S1"})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"partner": "swift-parcel"}, None),
        ({"partner": "bright-reach"}, "consent-missing"),
        ({"purpose": "payment"}, "consent-missing"),
        ({"scope": Scope.SENSITIVE}, "consent-missing"),
        ({"scope": Scope.CROSS_BORDER}, "consent-missing"),
        ({"granted_at": NOW}, None),
        ({"granted_at": NOW + DAY}, "consent-missing"),
        ({"method": Method.IMPLIED}, None),
        ({"method": Method.SEPARATE}, None),
        ({"by": By.GUARDIAN}, None),
        ({"expires": NOW + DAY}, None),
        ({"expires": NOW}, "consent-stale"),
        ({"purpose_version": 2}, "consent-stale"),
        ({"withdrawn_at": NOW}, "consent-withdrawn"),
        # A withdrawal with a time before its own grant is a withdrawal all the same.
        ({"withdrawn_at": NOW - 2 * DAY}, "consent-withdrawn"),
    ],
)
@promise("S1", "C6", "R5")
def test_one_record_carries_or_says_why_not(changes: dict[str, Any], code: str | None) -> None:
    """A record counts for its purpose, version, recipient and time, and for nothing else."""
    decision = with_consents(a_consent(**changes)).decided()

    if code is None:
        assert carried(decision)
    else:
        assert refused(decision)[0] == code


@pytest.mark.parametrize(
    ("records", "code"),
    [
        # The newest event counts, whatever the order in which records arrived.
        ([(1, None), (3, 2)], None),
        ([(3, 2), (1, None)], None),
        ([(3, 1), (2, None)], "consent-withdrawn"),
        ([(2, None), (3, 1)], "consent-withdrawn"),
        # A late import of an older grant revives nothing.
        ([(5, 4), (9, None)], "consent-withdrawn"),
        # At the same instant the withdrawal counts.
        ([(3, 2), (2, None)], "consent-withdrawn"),
    ],
)
@promise("C3", "R5")
def test_the_newest_event_counts(records: list[tuple[int, int | None]], code: str | None) -> None:
    """
    Between grants and withdrawals the newest event decides.

    Each pair says how many days ago a record was granted and withdrawn.
    """
    consents = [
        a_consent(
            id=ConsentId(f"consent-{number}"),
            granted_at=NOW - granted * DAY,
            withdrawn_at=None if withdrawn is None else NOW - withdrawn * DAY,
        )
        for number, (granted, withdrawn) in enumerate(records)
    ]

    decision = with_consents(*consents).decided()

    if code is None:
        assert carried(decision)
    else:
        assert refused(decision) == (code, {"C3", "R5"})


@promise("R5")
def test_a_withdrawal_for_one_recipient_is_for_that_one() -> None:
    """Who withdraws for one recipient still allows the others."""
    general = a_consent(granted_at=NOW - 3 * DAY)

    def decided(partner: str) -> Decision:
        own = a_consent(id="consent-2", partner=PartnerId(partner), withdrawn_at=NOW)
        return with_consents(general, own).decided()

    assert refused(decided("swift-parcel"))[0] == "consent-withdrawn"
    assert carried(decided("harbour-pay"))


@pytest.mark.parametrize("newest", [{"purpose_version": 2}, {"expires": NOW}])
def test_an_older_grant_does_not_stand_in_for_the_newest(newest: dict[str, Any]) -> None:
    """When the newest grant carries nothing, an older one that would is over."""
    older = a_consent(granted_at=NOW - 3 * DAY)

    decision = with_consents(older, a_consent(id="consent-2", **newest)).decided()

    assert refused(decision)[0] == "consent-stale"


def test_of_grants_given_together_the_one_that_carries_counts() -> None:
    """Two boxes ticked at once stand beside each other, and neither undoes the other."""
    explicit, separate = (
        a_consent("location-services"),
        a_consent("location-services", id="consent-2", method=Method.SEPARATE),
    )

    for consents in ((explicit, separate), (separate, explicit)):
        assert permitted(a_map(*consents).decided()).consents == ("consent-2",)


@pytest.mark.parametrize(
    ("kind", "clauses"),
    [
        (Kind.AFFILIATE, {"S2", "C6"}),
        (Kind.PARTNER, {"S3", "C6"}),
    ],
)
@promise("S2", "C6")
def test_a_changed_purpose_needs_consent_again(kind: Kind, clauses: set[str]) -> None:
    """A consent to the old version of a purpose carries nothing under the new one."""
    old = a_consent("advertising")
    grounds, kinds = ("consent",), frozenset({kind})
    policy = a_policy(
        purposes=[a_purpose("advertising", *grounds, version=2, core=False, kinds=kinds)]
    )
    route = a_route("device.id", purpose="advertising", purpose_version=2, ground="consent")
    share = an_ad(old, kind=kind).but(policy=policy, route=route)

    assert carried(an_ad(old, kind=kind).decided())
    assert refused(share.decided()) == ("consent-stale", clauses)
    again = a_consent("advertising", id="consent-2", purpose_version=2, granted_at=NOW)
    assert carried(share.but(facts=(some_facts(old, again),)).decided())


@promise("C6")
def test_silence_is_no_active_choice() -> None:
    """Where the purpose asks for an active choice, an implied consent is none."""
    implied = a_consent("advertising", method=Method.IMPLIED)

    assert carried(an_ad(a_consent("advertising")).decided())
    assert refused(an_ad(implied).decided()) == ("consent-missing", {"C3", "C6", "S1"})


@promise("C6")
def test_what_is_implied_is_missing_rather_than_stale() -> None:
    """Of several things that one record lacks, the first in the contract's order is answered."""
    both = a_consent("advertising", method=Method.IMPLIED, purpose_version=2, expires=NOW)

    assert refused(an_ad(both).decided())[0] == "consent-missing"


@promise("C3")
def test_an_additional_function_needs_the_persons_switch() -> None:
    """On a ground that rests on a request, an additional purpose still needs a live consent."""
    switched = a_consent("location-services", method=Method.SEPARATE)
    off = a_consent("location-services", method=Method.SEPARATE, withdrawn_at=NOW)

    on = permitted(a_map(switched, ground="requested-service").decided())
    assert (on.ground, on.consents) == ("requested-service", ("consent-1",))
    never = a_map(ground="requested-service").decided()
    assert refused(never) == ("consent-missing", {"C3"})
    assert refused(a_map(off, ground="requested-service").decided()) == (
        "consent-withdrawn",
        {"C3", "R5"},
    )


@pytest.mark.parametrize(
    ("purpose", "ground", "kind", "asks"),
    [
        ("order-fulfilment", "core-function", Kind.PROCESSOR, False),
        ("order-fulfilment", "consent", Kind.PROCESSOR, True),
        ("location-services", "requested-service", Kind.PROCESSOR, True),
        ("public-display", "public-interest", Kind.PROCESSOR, True),
        # C6: it names nobody.
        ("analytics", "research", Kind.RESEARCH, False),
        # T1-3: a transfer has its own grounds.
        ("business-transfer", "agreement", Kind.SUCCESSOR, False),
        # S5: proven by a registered case. M2: to protect a minor. D2: a demand.
        ("fraud-prevention", "rights-protection", Kind.PARTNER, False),
        ("fraud-prevention", "minor-protection", Kind.PARTNER, False),
        ("legal-demand", "legal-obligation", Kind.AUTHORITY, False),
    ],
)
@promise("C3")
def test_which_grounds_stand_without_the_persons_switch(
    purpose: str, ground: str, kind: Kind, asks: bool
) -> None:
    """Additional purposes need the switch, unless law or rights stand for themselves."""
    assert needed(a_share(purpose, ground, kind=kind).situation()) is asks


@pytest.mark.parametrize(
    ("method", "code"), [(Method.SEPARATE, None), (Method.EXPLICIT, "separate-consent-missing")]
)
@promise("C3")
def test_location_needs_a_consent_of_its_own(method: Method, code: str | None) -> None:
    """A purpose marked separate is carried only by a consent that was asked for by itself."""
    decision = a_map(a_consent("location-services", method=method)).decided()

    if code is None:
        assert carried(decision)
    else:
        assert refused(decision) == (code, {"C3"})


@promise("C2")
def test_sensitive_data_needs_a_consent_of_its_own() -> None:
    """On consent, a phone number leaves only when the person consented to that too."""
    sensitive = a_consent(id="consent-2", scope=Scope.SENSITIVE)

    def decided(*consents: Consent) -> Decision:
        about = some_facts(*consents)
        return a_share("order-fulfilment", "consent", "basic.phone", about=about).decided()

    assert permitted(decided(a_consent(), sensitive)).consents == ("consent-1", "consent-2")
    assert refused(decided(a_consent())) == ("separate-consent-missing", {"C2"})
    assert refused(decided(sensitive)) == ("consent-missing", {"S1"})


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawn_at": NOW},
        {"expires": NOW},
        {"purpose_version": 2},
        {"partner": "bright-reach"},
        {"purpose": "payment"},
        {"method": Method.IMPLIED},
        {"scope": Scope.CROSS_BORDER},
    ],
)
@promise("C2")
def test_the_consent_to_sensitive_data_must_be_live(changes: dict[str, Any]) -> None:
    """A consent to sensitive data that is over, implied, or for something else carries none."""
    record = a_consent(**({"id": "consent-2", "scope": Scope.SENSITIVE} | changes))
    about = some_facts(a_consent(), record)

    decision = a_share("order-fulfilment", "consent", "basic.phone", about=about).decided()

    assert refused(decision) == ("separate-consent-missing", {"C2"})


@promise("C2")
def test_sensitive_data_needs_it_on_consent_only() -> None:
    """The core function carries sensitive data without a second consent."""
    route = a_route(ground="consent", send=(a_field("basic.phone", "drop"), a_field("none")))

    assert carried(a_share("order-fulfilment", "core-function", "basic.phone").decided())
    assert carried(with_consents(a_consent(), route=route).decided())


def test_an_unknown_category_counts_as_sensitive() -> None:
    """What the policy does not grade is treated as the most sensitive there is."""
    about = some_facts(a_consent())

    decision = a_share("order-fulfilment", "consent", "basic.unheard", about=about).decided()

    assert refused(decision) == ("separate-consent-missing", {"C2"})


@promise("D1")
def test_public_display_is_what_the_person_chose() -> None:
    """Nothing is shown to the public without this person's consent."""
    about = some_facts(a_consent("public-display"))
    share = a_share("public-display", "consent", "basic.name", about=about)

    assert carried(share.decided())
    assert refused(share.but(facts=(some_facts(),)).decided()) == (
        "consent-missing",
        {"S1", "C3", "D1"},
    )


@promise("T4", "T1-3")
def test_a_successor_without_the_edition_needs_everybodys_consent() -> None:
    """A transfer on consent is refused for whoever did not consent, and cites why it was asked."""
    share = a_share("business-transfer", "consent", kind=Kind.SUCCESSOR)

    assert refused(share.decided()) == ("consent-missing", {"S1", "C3", "T1-3", "T4"})


def test_everyone_must_consent() -> None:
    """A share about several people needs each one's consent, and names each one's record once."""
    facts = (some_facts(a_consent()), some_facts(a_consent(id="consent-2")))
    share = a_share(ground="consent", subjects=(ZHANG, LI), facts=facts)

    assert permitted(share.decided()).consents == ("consent-1", "consent-2")
    assert refused(share.but(facts=(facts[0], some_facts())).decided())[0] == "consent-missing"


def test_of_several_people_the_first_reason_counts() -> None:
    """Whoever comes first, the earliest code of the contract's order is answered."""
    stale, missing = some_facts(a_consent(purpose_version=2)), some_facts()
    share = a_share(ground="consent", subjects=(ZHANG, LI))

    for facts in ((stale, missing), (missing, stale)):
        assert refused(share.but(facts=facts).decided())[0] == "consent-missing"


def test_a_route_about_nobody_asks_nobody() -> None:
    """Where nobody is named, nobody's consent is needed."""
    route = a_route("statistics", ground="consent", subject=NOBODY)

    decision = with_consents(route=route).but(subjects=(), facts=()).decided()

    assert permitted(decision).consents == ()


def _records(draws: Sequence[tuple[int, int | None, bool]]) -> list[Consent]:
    return [
        a_consent(
            id=ConsentId(f"consent-{number}"),
            granted_at=NOW - granted * DAY,
            withdrawn_at=None if after is None else NOW - max(granted - after, 0) * DAY,
            by=By.GUARDIAN if guardian else By.SUBJECT,
        )
        for number, (granted, after, guardian) in enumerate(draws)
    ]


_DRAWS = st.lists(
    st.tuples(st.integers(0, 6), st.none() | st.integers(0, 6), st.booleans()), max_size=6
)


@given(draws=_DRAWS, minor=st.booleans(), data=st.data())
def test_consent_is_a_fold_of_events(
    draws: list[tuple[int, int | None, bool]], minor: bool, data: st.DataObject
) -> None:
    """Whatever was granted and withdrawn, and however it is ordered, the last event decides."""
    records = _records(draws)
    events = [(r.withdrawn_at, 1) for r in records if r.withdrawn_at is not None] + [
        (r.granted_at, 0)
        for r in records
        if r.withdrawn_at is None and (r.by is By.GUARDIAN or not minor)
    ]
    expected = {None: Lack.MISSING, 1: Lack.WITHDRAWN}.get(max(events)[1] if events else None)

    shuffled = data.draw(st.permutations(records))
    facts = some_facts(*shuffled, minor=minor)
    situation = a_share(ground="consent", about=facts).situation()
    stands = standing(facts, situation)

    assert (stands if isinstance(stands, Lack) else None) == expected
    assert standing(some_facts(*records, minor=minor), situation) == stands


def test_a_registered_case_needs_no_switch() -> None:
    """Fraud prevention on a registered case goes on when the person never switched it on."""
    share = a_share(
        "fraud-prevention",
        "rights-protection",
        "device.id",
        claim=RECORD,
        evidence=a_record(purposes=("fraud-prevention",)),
    )

    assert permitted(share.decided()).consents == ()
