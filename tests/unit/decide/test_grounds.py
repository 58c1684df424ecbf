"""One ground of a closed list carries a share, and not every ground carries everything."""

from dataclasses import replace

import pytest

from gateway.model.policy import Kind
from tests.marks import promise
from tests.unit.decide.builders import (
    RECORD,
    a_consent,
    a_field,
    a_partner,
    a_policy,
    a_purpose,
    a_record,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused


@promise("S1")
def test_the_routes_ground_carries_unless_another_is_named() -> None:
    """The route's own ground carries, and so does a named one that the purpose lists."""
    share = a_share(about=some_facts(a_consent()))

    assert permitted(share.decided()).ground == "core-function"
    assert permitted(share.but(ground="consent").decided()).ground == "consent"


@pytest.mark.parametrize(
    ("ground", "clauses"),
    [
        ("research", {"S1"}),
        ("agreement", {"S1"}),
        ("vital-interests", {"S1", "C4"}),
        ("13800138000", {"S1", "C4"}),
    ],
)
@promise("S1", "C4")
def test_no_ground_outside_the_list_carries(ground: str, clauses: set[str]) -> None:
    """A ground that the purpose does not list, or nobody ever heard of, carries nothing."""
    decision = a_share(claim="x").but(ground=ground).decided()

    assert refused(decision) == ("ground-not-permitted", clauses)
    assert "13800138000" not in repr(decision)


@promise("T1-3")
def test_a_transfer_has_its_own_grounds() -> None:
    """A transfer is carried by its own grounds, and the refusal cites their clause."""
    share = a_share("business-transfer", "core-function", kind=Kind.SUCCESSOR)

    assert refused(share.decided()) == ("ground-not-permitted", {"S1", "T1-3"})


@promise("S5")
def test_rights_protection_is_never_for_profit() -> None:
    """A commercial purpose is refused on rights protection even with a registered case."""
    share = a_share(
        "advertising",
        "consent",
        "device.id",
        kind=Kind.AFFILIATE,
        about=some_facts(a_consent("advertising")),
        claim=RECORD,
        evidence=a_record(purposes=("advertising",)),
    )

    assert carried(share.decided())
    assert refused(share.but(ground="rights-protection").decided()) == (
        "ground-not-permitted",
        {"S5"},
    )


@promise("S5")
def test_rights_protection_carries_what_is_not_for_profit() -> None:
    """Fraud is prevented without consent, on a registered case."""
    share = a_share(
        "fraud-prevention",
        "rights-protection",
        "device.id",
        kind=Kind.PARTNER,
        claim=RECORD,
        evidence=a_record(purposes=("fraud-prevention",)),
    )

    decision = permitted(share.decided())

    assert (decision.ground, decision.evidence) == ("rights-protection", RECORD)


@pytest.mark.parametrize(
    ("categories", "allowed"),
    [
        (("network.account", "device.id", "location.coarse"), True),
        (("network.account", "none", "statistics"), True),
        (("network.account", "basic.name"), False),
        (("transaction.order",), False),
        (("networks.account",), False),
    ],
)
@promise("S3")
def test_a_partner_gets_account_device_and_location_only(
    categories: tuple[str, ...], allowed: bool
) -> None:
    """Without consent a partner gets account, device and location data and nothing else."""
    share = a_share("account-login", "core-function", *categories, kind=Kind.PARTNER)

    if allowed:
        assert carried(share.decided())
    else:
        assert refused(share.decided()) == ("ground-not-permitted", {"S3"})


@promise("S3")
def test_a_partner_gets_more_with_consent() -> None:
    """What a partner may not get otherwise, the person may allow."""
    about = some_facts(a_consent("account-login"))
    share = a_share("account-login", "consent", "basic.name", kind=Kind.PARTNER, about=about)

    assert carried(share.decided())


@promise("S3")
def test_what_a_route_drops_does_not_count() -> None:
    """A route to a partner may name a field only to drop it."""
    route = a_route(send=(a_field("device.id"), a_field("basic.name", "drop")))
    share = a_share(route=route, partner=a_partner(route, kind=Kind.PARTNER))

    assert carried(share.decided())


@pytest.mark.parametrize("kind", [Kind.PROCESSOR, Kind.AFFILIATE, Kind.BRANCH])
def test_other_kinds_are_not_limited_to_these_categories(kind: Kind) -> None:
    """Who acts on our instructions gets what the purpose needs."""
    assert carried(a_share(kind=kind).decided())


@pytest.mark.parametrize(
    ("accepted", "ground", "clauses"),
    [
        ("2026-1", "agreement", None),
        (None, "agreement", {"T4"}),
        ("2025-2", "agreement", {"T4"}),
        (None, "consent", None),
    ],
)
@promise("T4")
def test_a_successor_accepts_the_edition_or_asks(
    accepted: str | None, ground: str, clauses: set[str] | None
) -> None:
    """A new holder gets data under the accepted edition, else only with each person's consent."""
    about = some_facts(a_consent("business-transfer"))
    share = a_share("business-transfer", ground, kind=Kind.SUCCESSOR, about=about, claim="deed")
    share = share.but(partner=replace(share.partner, accepted_edition=accepted))

    if clauses is None:
        assert carried(share.decided())
    else:
        assert refused(share.decided()) == ("ground-not-permitted", clauses)


@promise("S5")
def test_profit_is_told_also_where_the_ground_is_not_listed() -> None:
    """A commercial purpose that names rights protection reads that this is never for profit."""
    policy = a_policy(purposes=[a_purpose("advertising", "consent", core=False, commercial=True)])
    share = a_share("advertising", "consent", "device.id", policy=policy, claim=RECORD)

    decision = share.but(ground="rights-protection").decided()

    assert refused(decision) == ("ground-not-permitted", {"S1", "S5"})


def test_the_refusal_tells_which_grounds_there_are() -> None:
    """Who names a wrong ground reads which ones the purpose lists."""
    decision = a_share().but(ground="research").decided()

    assert "core-function, consent, legal-obligation" in repr(decision)


def test_a_policy_that_forgot_the_routes_ground_refuses() -> None:
    """A route whose ground the policy does not have carries nothing."""
    share = a_share(policy=replace(a_policy(), grounds={}))

    assert refused(share.decided()) == ("ground-not-permitted", {"S1", "C4"})
