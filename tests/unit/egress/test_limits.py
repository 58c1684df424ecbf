"""How much a recipient is asked at once, and when it is left alone."""

import pytest

from gateway.egress.limits import (
    FAILURES,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Breaker,
    Bucket,
    Gate,
    Passage,
    State,
)
from gateway.errors import PartnerTimeout
from gateway.model.ids import PartnerId
from gateway.model.recipients import Upstream
from gateway.ports import NotNow, Use

FAILED = PartnerTimeout("swift-parcel: no complete answer within 1 s")


class Ticks:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(ticks: Ticks) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(ticks)
    for _ in range(FAILURES):
        breaker.begin()
        breaker.failed()
    return breaker


def probing(breaker: Breaker, ticks: Ticks) -> int:
    """Wait until one call is tried; its number."""
    ticks.now += breaker.wait()
    assert breaker.begin() == 0.0
    return breaker.probe


def test_failures_one_after_the_other_open_it() -> None:
    """The twentieth failure in a row opens it, and no earlier one does."""
    breaker = Breaker(Ticks())
    told = [breaker.failed() for _ in range(FAILURES)]

    assert told == [False] * (FAILURES - 1) + [True]
    assert breaker.state is State.OPEN
    assert breaker.begin() == pytest.approx(FIRST_PAUSE_SECONDS)


def test_one_success_between_failures_keeps_it_closed() -> None:
    """Only failures that nothing interrupts count together."""
    breaker = Breaker(Ticks())
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert not breaker.failed()
        assert not breaker.worked()

    assert (breaker.state, breaker.wait()) == (State.CLOSED, 0.0)


def test_after_the_pause_one_call_is_tried_and_no_second() -> None:
    """A recipient that failed is asked again by single calls."""
    ticks = Ticks()
    breaker = opened(ticks)
    probing(breaker, ticks)

    assert breaker.state is State.PROBING
    assert breaker.begin() > 0


def test_a_probe_that_works_closes_it() -> None:
    """One answer, and everybody is let through again."""
    ticks = Ticks()
    breaker = opened(ticks)
    probing(breaker, ticks)

    assert breaker.worked()
    assert (breaker.state, breaker.begin()) == (State.CLOSED, 0.0)


def test_probes_that_fail_lengthen_the_pause_up_to_a_bound() -> None:
    """One second, then twice as long each time, at most half a minute."""
    ticks = Ticks()
    breaker = opened(ticks)
    pauses = []
    for _ in range(8):
        breaker.failed(probing(breaker, ticks))
        pauses.append(breaker.wait())

    assert pauses == pytest.approx([2, 4, 8, 16, 30, 30, 30, 30])
    assert max(pauses) == LONGEST_PAUSE_SECONDS


def test_a_probe_that_was_not_tried_says_nothing() -> None:
    """A call that was given up before it was tried is no failure and no success."""
    ticks = Ticks()
    breaker = opened(ticks)
    probe = probing(breaker, ticks)
    breaker.spared(probe)

    assert breaker.state is State.OPEN
    assert breaker.begin() == 0.0, "the next one may try at once"


def test_a_call_from_before_neither_ends_nor_lengthens_a_probe() -> None:
    """What began before the breaker opened and fails late is not taken for the probe."""
    ticks = Ticks()
    breaker = opened(ticks)
    probe = probing(breaker, ticks)
    breaker.failed()
    breaker.spared(probe - 1)

    assert breaker.state is State.PROBING
    breaker.failed(probe)
    assert breaker.wait() == pytest.approx(2 * FIRST_PAUSE_SECONDS)


@pytest.mark.parametrize(("per_second", "at_once"), [(10.0, 10), (2.5, 2), (0.5, 1)])
def test_a_rate_lets_through_a_seconds_worth_at_once(per_second: float, at_once: int) -> None:
    """At most one second's worth, and at least one."""
    bucket = Bucket(per_second, Ticks())
    taken = [bucket.take() for _ in range(at_once + 1)]

    assert taken[:-1] == [0.0] * at_once
    assert 0 < taken[-1] <= 1 / per_second


def test_a_rate_holds_on_average() -> None:
    """Over ten seconds as many pass as the rate says, and what it starts with."""
    ticks = Ticks()
    bucket = Bucket(5.0, ticks)
    passed = 0
    for _ in range(1000):
        passed += bucket.take() == 0.0
        ticks.now += 0.01

    assert passed == pytest.approx(5 + 50, abs=1)


def test_who_waits_as_long_as_told_is_let_through() -> None:
    """The seconds that are told are enough, and not many too many."""
    ticks = Ticks()
    bucket = Bucket(0.1, ticks)
    bucket.take()
    wait = bucket.take()
    ticks.now += wait * 0.9
    assert bucket.take() > 0
    ticks.now += wait * 0.11

    assert bucket.take() == 0.0


class Heard:
    """A gate, and what it told."""

    def __init__(self) -> None:
        self.ticks = Ticks()
        self.told: list[tuple[str, str, bool]] = []
        self.gate = Gate(
            PartnerId("swift-parcel"),
            self.ticks,
            lambda *event: self.told.append((event[0], event[1].value, event[2])),
        )

    def admit(self, use: Use = Use.SHARES, **limits: object) -> Passage | NotNow:
        """Ask for leave under these limits."""
        upstream = Upstream(base_url="https://api.swift-parcel.example", **limits)  # type: ignore[arg-type]
        return self.gate.admit(upstream, use)

    def broken(self, use: Use = Use.SHARES) -> None:
        """Fail until it is left alone."""
        for _ in range(FAILURES):
            self.gate.failed(use, 0, FAILED)


def test_no_limits_in_the_manifest_are_none() -> None:
    """Without `concurrency` and `rate` everything passes."""
    heard = Heard()
    permits = [heard.admit() for _ in range(500)]

    assert all(isinstance(permit, Passage) for permit in permits)


def test_no_more_are_on_their_way_than_the_manifest_says() -> None:
    """The third of two waits, and goes when one has ended, however that ended."""
    heard = Heard()
    first, second = heard.admit(concurrency=2), heard.admit(concurrency=2)
    assert isinstance(first, Passage)
    assert isinstance(second, Passage)
    with first:
        with pytest.raises(RuntimeError), second:
            assert isinstance(heard.admit(concurrency=2), NotNow)
            raise RuntimeError("it broke")
        assert isinstance(heard.admit(concurrency=2), Passage)

    assert heard.gate.in_flight == 0


def test_a_changed_rate_counts_from_the_next_share() -> None:
    """A reload that changes the rate needs no restart."""
    heard = Heard()
    assert isinstance(heard.admit(rate=1.0), Passage)
    assert isinstance(heard.admit(rate=1.0), NotNow)

    assert isinstance(heard.admit(rate=2.0), Passage)
    assert isinstance(heard.admit(), Passage)


def test_notices_are_not_bound_by_what_shares_are() -> None:
    """A recipient that takes no more shares is told to delete all the same."""
    heard = Heard()
    heard.admit(rate=1.0)
    permit = heard.admit(Use.NOTICES, rate=1.0, concurrency=1)

    assert isinstance(permit, Passage)
    with permit:
        assert heard.gate.in_flight == 0


def test_each_use_has_a_breaker_of_its_own() -> None:
    """An interface that is down does not keep notices from another address, nor the reverse."""
    heard = Heard()
    heard.broken(Use.SHARES)
    share, notice = heard.admit(), heard.admit(Use.NOTICES)
    assert isinstance(share, Passage)
    assert isinstance(notice, Passage)

    told = share.begin()
    assert isinstance(told, NotNow)
    assert str(FAILED) in told.why
    assert notice.begin() is None


def test_opening_and_closing_are_told_once() -> None:
    """Whoever watches hears of both, and not of every failure."""
    heard = Heard()
    heard.broken()
    heard.gate.failed(Use.SHARES, 0, FAILED)
    heard.gate.worked(Use.SHARES)
    heard.gate.worked(Use.SHARES)

    assert heard.told == [("swift-parcel", "shares", True), ("swift-parcel", "shares", False)]


def test_a_permit_that_is_given_back_untried_leaves_the_probe_to_the_next() -> None:
    """A share that was refused after it got the probe does not keep it."""
    heard = Heard()
    heard.broken()
    heard.ticks.now += FIRST_PAUSE_SECONDS
    first, second = heard.admit(), heard.admit()
    assert isinstance(first, Passage)
    assert isinstance(second, Passage)
    with first:
        assert first.begin() is None
        assert isinstance(second.begin(), NotNow)

    assert second.begin() is None
