"""Mass cases in themselves: which state follows which, who may approve, how fast it goes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cases.mass import (
    OVER,
    TRANSITIONS,
    UNSEEN,
    allowance,
    check_approver,
    check_mass,
    moved,
    needs_second,
    starts_at,
)
from gateway.errors import CallerError, Reason
from gateway.model.cases import CaseScope
from gateway.model.ids import CategoryId, PartnerId, PurposeId
from gateway.model.mass import Chosen, MassEvent, MassState
from tests.unit.cases.builders import RIGHTS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = CaseScope()
ONE = CaseScope(partners=frozenset({PartnerId("swift-parcel")}))


def test_every_state_says_what_may_follow() -> None:
    """Each state is in the table; over means over, and only a running one opens cases."""
    assert TRANSITIONS.keys() == set(MassState)
    assert all(not TRANSITIONS[state] for state in OVER)
    assert all(state in TRANSITIONS for after in TRANSITIONS.values() for state in after.values())
    reached = {state for after in TRANSITIONS.values() for state in after.values()}
    assert reached | {MassState.RECEIVING} == set(MassState)
    assert UNSEEN.isdisjoint(OVER)


def test_what_is_stopped_is_begun_by_a_word_only() -> None:
    """Nothing but a resumption leads from paused back, and nothing from cancelled."""
    assert moved(MassState.PAUSED, MassEvent.RESUMED) is MassState.WAITING
    for state, event in (
        (MassState.PAUSED, MassEvent.STARTED),
        (MassState.CANCELLED, MassEvent.RESUMED),
        (MassState.PROPOSED, MassEvent.STARTED),
        (MassState.OPENED, MassEvent.CANCELLED),
    ):
        with pytest.raises(CallerError) as refused:
            moved(state, event)
        assert refused.value.reason is Reason.NOTICE_SETTLED


@pytest.mark.parametrize(
    ("reason", "scope", "chosen", "announced"),
    [
        ("unlawful", ALL, Chosen.SCOPE, None),
        ("unlawful", ONE, Chosen.EVERYBODY, None),
        ("service-ended", ALL, Chosen.EVERYBODY, None),
        ("service-ended", ALL, Chosen.EVERYBODY, NOW + timedelta(days=1)),
        ("agreement-ended", ALL, Chosen.LIST, None),
        ("retention-expired", ONE, Chosen.SCOPE, None),
        ("whim", ONE, Chosen.SCOPE, None),
        ("unlawful", CaseScope(categories=frozenset({CategoryId("basic")})), Chosen.SCOPE, None),
        (
            "agreement-ended",
            CaseScope(partners=ONE.partners, purposes=frozenset({PurposeId("payment")})),
            Chosen.SCOPE,
            None,
        ),
    ],
    ids=[
        *("nobody", "two-ways", "undated", "not-yet", "whole-agreement", "by-time", "no-reason"),
        *("categories", "half-an-agreement"),
    ],
)
def test_what_makes_no_sense_is_refused(
    reason: str, scope: CaseScope, chosen: Chosen, announced: datetime | None
) -> None:
    """Who is meant must be said, and a reason must fit it."""
    with pytest.raises(CallerError) as refused:
        check_mass("erase", reason, scope, chosen, announced, RIGHTS, now=NOW)
    assert refused.value.reason is Reason.REQUEST_INVALID


def test_only_an_erasure_is_about_many() -> None:
    """Other actions are cases of one person."""
    check_mass("erase", "agreement-ended", ONE, Chosen.SCOPE, None, RIGHTS, now=NOW)
    with pytest.raises(CallerError):
        check_mass("restrict", "unlawful", ONE, Chosen.SCOPE, None, RIGHTS, now=NOW)


def test_the_end_of_a_service_waits_for_its_announcement() -> None:
    """Thirty days from the announcement; everything else begins at once (K3)."""
    announced = NOW - timedelta(days=10)

    assert starts_at("service-ended", announced, RIGHTS, NOW) == announced + timedelta(days=30)
    assert starts_at("unlawful", None, RIGHTS, NOW) == NOW


def test_two_are_two() -> None:
    """Above the size another than the opener must approve, once."""
    assert [needs_second(people, 10, None) for people in (10, 11)] == [False, True]
    assert not needs_second(11, 10, "li.wei")
    check_approver("chen.yu", "li.wei")
    with pytest.raises(CallerError) as refused:
        check_approver("chen.yu", "chen.yu")
    assert refused.value.reason is Reason.SERVICE_NOT_PERMITTED


@pytest.mark.parametrize("name", ["Chen.Yu", " chen.yu", "chen. yu", "ｃｈｅｎ.yu", "CHEN．YU"])
def test_another_spelling_is_no_second_person(name: str) -> None:
    """Who opened it cannot approve it under the same name in another case, width or spacing."""
    with pytest.raises(CallerError):
        check_approver("chen.yu", name)


@given(
    rate=st.integers(1, 500),
    pauses=st.lists(st.integers(0, 5000), min_size=1, max_size=30),
)
@settings(max_examples=50)
def test_no_second_has_more_than_its_share(rate: int, pauses: list[int]) -> None:
    """However looks are spread, time that has gone by allows its rate, and one second's at once."""
    left, opened = 0.0, 0
    for pause in pauses:
        left = allowance(left, timedelta(milliseconds=pause), rate)
        assert left <= rate
        opened += int(left)
        left -= int(left)

    assert opened <= rate * sum(pauses) / 1000 + 1e-6
