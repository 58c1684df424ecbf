"""A share serves one declared purpose, as it stands now, that nobody in it objects to."""

import pytest

from gateway.model.ids import PurposeId
from gateway.model.policy import Kind
from tests.marks import promise
from tests.unit.decide.builders import (
    LI,
    NOBODY,
    ZHANG,
    a_consent,
    a_partner,
    a_policy,
    a_purpose,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, refused


@promise("S1", "S3")
def test_a_purpose_that_the_policy_does_not_state_is_unknown() -> None:
    """What the policy does not name is no purpose; the answer does not repeat the name."""
    decision = a_share().but(purpose="13800138000", route=None).decided()

    assert refused(decision) == ("purpose-unknown", {"S1", "S3"})
    assert "13800138000" not in repr(decision)


@promise("S3")
def test_a_path_declared_for_another_purpose_carries_nothing() -> None:
    """A path that is declared, and not for this purpose, is no way for it."""
    decision = a_share().but(purpose="account-login", route=None).decided()

    assert refused(decision) == ("purpose-not-permitted", {"S3"})


@promise("S3")
def test_a_route_never_serves_another_purpose_than_its_own() -> None:
    """A route that was chosen wrongly is refused rather than used."""
    decision = a_share().but(purpose="account-login").decided()

    assert refused(decision) == ("purpose-not-permitted", {"S3"})


@pytest.mark.parametrize(("asked", "allowed"), [(None, True), (1, True), (2, False), (0, False)])
@promise("S3")
def test_a_caller_may_name_the_version_of_the_route_only(asked: int | None, allowed: bool) -> None:
    """Who names a version of the purpose must mean the one that the route declares."""
    decision = a_share(purpose_version=asked).decided()

    if allowed:
        assert carried(decision)
    else:
        assert refused(decision) == ("purpose-not-permitted", {"S3"})


@promise("S2")
def test_a_changed_purpose_stops_the_routes_of_the_old_one() -> None:
    """When a purpose changes, routes that declare its old version carry nothing any more."""
    policy = a_policy(purposes=[a_purpose("order-fulfilment", "core-function", version=2)])

    decision = a_share(policy=policy).decided()

    assert refused(decision) == ("purpose-not-permitted", {"S2", "S3"})


@pytest.mark.parametrize(
    ("kind", "clauses"),
    [
        (Kind.AFFILIATE, {"S2", "S3"}),
        (Kind.PARTNER, {"S3"}),
        (Kind.PROCESSOR, {"S3"}),
        (Kind.BRANCH, {"S3", "S6"}),
        (Kind.AUTHORITY, {"D2", "S3"}),
        (Kind.RESEARCH, {"C6", "S3"}),
        (Kind.SUCCESSOR, {"S3", "T4"}),
    ],
)
@promise("S2", "S3")
def test_each_kind_of_recipient_has_its_own_purposes(kind: Kind, clauses: set[str]) -> None:
    """A purpose is open to the kinds of recipient that it names, and to no other."""
    others = frozenset(Kind) - {kind}
    closed = a_policy(purposes=[a_purpose("account-login", "consent", kinds=others)])
    about = some_facts(a_consent("account-login"))

    share = a_share("account-login", "consent", kind=kind, about=about, policy=closed)

    assert refused(share.decided()) == ("purpose-not-permitted", clauses)
    assert refused(share.but(route=None).decided()) == ("purpose-not-permitted", clauses)


AD = a_consent("advertising")


@promise("R5")
def test_the_signal_refuses_what_counts_as_sale() -> None:
    """`Sec-GPC: 1` refuses sale and sharing, and nothing else."""
    advertising = a_share(
        "advertising", "consent", "device.id", kind=Kind.AFFILIATE, about=some_facts(AD)
    )

    assert carried(advertising.decided())
    assert refused(advertising.but(gpc=True).decided()) == ("opted-out", {"C3", "R5"})
    assert carried(a_share(gpc=True).decided())


@pytest.mark.parametrize(
    ("opt_outs", "code"),
    [
        (set(), None),
        ({"sale"}, "opted-out"),
        ({"advertising"}, "opted-out"),
        ({"location-services"}, None),
    ],
)
@promise("C3", "R5")
def test_an_objection_on_record_refuses_its_purpose(opt_outs: set[str], code: str | None) -> None:
    """An objection to sale, or to a purpose by name, stops the shares that it is about."""
    about = some_facts(AD, opt_outs=frozenset(opt_outs))

    decision = a_share(
        "advertising", "consent", "device.id", kind=Kind.AFFILIATE, about=about
    ).decided()

    if code is None:
        assert carried(decision)
    else:
        assert refused(decision) == (code, {"C3", "R5"})


def test_an_objection_to_sale_leaves_other_purposes_alone() -> None:
    """Who objects to sale still gets their parcel; who objects to that purpose does not."""
    sale = a_share(about=some_facts(opt_outs=frozenset({"sale"})))
    named = a_share(about=some_facts(opt_outs=frozenset({"order-fulfilment"})))

    assert carried(sale.decided())
    assert refused(named.decided())[0] == "opted-out"


def test_one_objection_among_several_people_stops_the_share() -> None:
    """A share about several people is refused when one of them objects."""
    facts = (some_facts(), some_facts(opt_outs=frozenset({"order-fulfilment"})))

    decision = a_share(subjects=(ZHANG, LI), facts=facts).decided()

    assert refused(decision)[0] == "opted-out"


def test_the_signal_counts_also_where_nobody_is_named() -> None:
    """On a route about nobody `Sec-GPC: 1` still refuses what counts as sale."""
    route = a_route(
        "statistics", purpose=PurposeId("advertising"), ground="consent", subject=NOBODY
    )
    share = a_share(
        "advertising",
        route=route,
        partner=a_partner(route, kind=Kind.AFFILIATE),
        subjects=(),
        facts=(),
    )

    assert carried(share.decided())
    assert refused(share.but(gpc=True).decided())[0] == "opted-out"
