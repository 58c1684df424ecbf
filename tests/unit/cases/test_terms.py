"""What a recipient is told when retentions end (P6)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases.plan import PlannedNotice
from gateway.cases.terms import Ended, KeptShare, ended, narrowed
from gateway.model.cases import Told, ToldShare
from gateway.model.ids import CategoryId, PartnerId, PurposeId

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
COURIER, ORDER = PartnerId("swift-parcel"), PurposeId("order-fulfilment")


def a_share(seq: int, days: float | None = -1, *references: str, **more) -> KeptShare:
    """A share whose retention ends so many days from now; None: it has none."""
    until = None if days is None else NOW + timedelta(days=days)
    given = {"alias": 1, "purpose": ORDER, **more}
    return KeptShare(seq=seq, until=until, references=references, **given)


def looked(*shares: KeptShare, by_reference: bool = True) -> Ended:
    """What has ended of these shares now."""
    return ended(shares, now=NOW, by_reference=by_reference)


def test_a_retention_ends_at_its_second():
    """A share is over from the very moment at which its retention ends, and not before."""
    assert looked(a_share(1, 0)).now == {ORDER: (1,)}
    assert looked(a_share(1, 1e-6)) == Ended(now={}, later={})


def test_all_that_is_over_is_told_together():
    """Of one purpose everything that is over is told at once, with or without ids of its own."""
    found = looked(a_share(2), a_share(1, -9, "T-1"))
    assert found == Ended(now={ORDER: (1, 2)}, later={})


def test_each_purpose_ends_by_itself():
    """What is kept for another purpose delays nothing."""
    other = PurposeId("payment")
    found = looked(a_share(1), a_share(2, 5, purpose=other), a_share(3, purpose=PurposeId("x")))
    assert found == Ended(now={ORDER: (1,), PurposeId("x"): (3,)}, later={})


def test_each_alias_ends_by_itself():
    """A recipient knows each alias as somebody else, so one delays no other."""
    assert looked(a_share(1), a_share(2, 5, alias=2)) == Ended(now={ORDER: (1,)}, later={})


def test_a_newer_share_is_left_alone_by_ids():
    """While a newer share may stay, the older one is told if its own id tells it apart."""
    assert looked(a_share(1, -1, "T-1"), a_share(2, 5, "T-2")).now == {ORDER: (1,)}


@pytest.mark.parametrize("references", [(), ("T-2",), ("T-1", "T-2")])
def test_what_cannot_be_told_apart_waits_for_the_last(references):
    """Without an id of its own a share waits until the last newer one is over too."""
    found = looked(a_share(1, -1, *references), a_share(2, 5, "T-2"), a_share(3, 9, "T-3"))
    assert found == Ended(now={}, later={1: NOW + timedelta(days=9)})


def test_who_cannot_be_told_by_ids_alone_waits():
    """A way of telling that cannot name records alone never touches a newer share."""
    found = looked(a_share(1, -1, "T-1"), a_share(2, 5, "T-2"), by_reference=False)
    assert found == Ended(now={}, later={1: NOW + timedelta(days=5)})


def test_a_share_in_flight_is_waited_for():
    """Nothing is told beside a share in flight: what it brings is not known yet."""
    flying = a_share(2, -1, in_flight=True)
    assert looked(a_share(1, -1, "T-1"), flying) == Ended(now={}, later={})
    assert looked(flying) == Ended(now={}, later={})


def test_what_was_declared_without_a_retention_neither_ends_nor_delays():
    """A declared disclosure without a retention is not told, and holds nothing back."""
    found = looked(a_share(1), a_share(2, None))
    assert found == Ended(now={ORDER: (1,)}, later={})


_shares = st.lists(
    st.builds(
        lambda days, ids, alias, flying: (days, ids, alias, flying),
        st.none() | st.integers(-3, 3),
        st.lists(st.sampled_from("abc"), max_size=2),
        st.integers(1, 2),
        st.integers(0, 9).map(lambda one: one == 0),
    ),
    max_size=8,
)


@given(_shares, st.booleans())
def test_nothing_is_told_early_and_nothing_is_lost(drawn, by_reference):
    """Only what is over is told or waits; at the end of the last one everything is told."""
    shares = [
        a_share(number, days, *ids, alias=alias, in_flight=flying)
        for number, (days, ids, alias, flying) in enumerate(drawn)
    ]
    found = ended(shares, now=NOW, by_reference=by_reference)
    over = {one.seq for one in shares if one.until and one.until <= NOW and not one.in_flight}
    told = {seq for seqs in found.now.values() for seq in seqs}
    landed = [a_share(s.seq, -1, alias=s.alias) for s in shares if s.until]

    assert told | found.later.keys() <= over
    assert not told & found.later.keys()
    assert all(moment > NOW for moment in found.later.values())
    assert not any(one.in_flight for one in shares) or told.isdisjoint(
        s.seq for s in shares if any(o.in_flight and o.alias == s.alias for o in shares)
    )
    assert set(looked(*landed).now.get(ORDER, ())) == {one.seq for one in landed}


def planned(*references: str, pseudonym: str = "who") -> PlannedNotice:
    """One notice."""
    told = Told(
        pseudonym=pseudonym,
        references=references,
        purposes=(ORDER,),
        categories=(CategoryId("basic.name"),),
    )
    return PlannedNotice(partner=COURIER, told=told, held=False)


def a_told(*references: str, pseudonym: str = "who") -> ToldShare:
    """One share that is over."""
    return ToldShare(
        share="shr_1",
        partner=COURIER,
        pseudonym=pseudonym,
        purpose=ORDER,
        categories=(CategoryId("basic.name"),),
        at=NOW,
        outcome="delivered",
        references=references,
    )


def only(
    shares: Iterable[ToldShare], *, keeps: str = "who", purpose: str = ORDER, naming: bool = True
) -> bool:
    """Whether a notice about these shares means its references alone."""
    (notice,) = narrowed(
        [planned("T-1")],
        list(shares),
        staying={(COURIER, keeps, purpose)},
        naming={COURIER} if naming else set(),
    )
    return notice.told.only_references


def test_a_notice_is_as_narrow_as_it_must_be():
    """It means its references alone where something of the same person and purpose stays."""
    assert only([a_told("T-1")])
    assert not only([a_told("T-1")], keeps="somebody-else")
    assert not only([a_told("T-1")], purpose="payment")


def test_a_notice_is_never_narrower_than_what_is_over():
    """Where a share that is over has no id, or the way cannot say it, the notice is whole."""
    assert not only([a_told("T-1"), a_told()])
    assert only([a_told("T-1"), a_told(pseudonym="alias")])
    assert not only([a_told("T-1")], naming=False)
