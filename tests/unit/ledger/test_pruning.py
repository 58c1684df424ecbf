"""Which leaves may be pruned, and which are still needed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ledger import entries
from gateway.ledger.leaf import timestamp
from gateway.ledger.pruning import (
    Facts,
    Fate,
    ShareFacts,
    Terms,
    Verdict,
    judging,
    months_before,
    terms,
)
from tests.unit.ledger.builders import a_declared, an_intent, an_outcome

NOW = datetime(2030, 3, 31, 12, tzinfo=UTC)
OLD = datetime(2027, 1, 1, tzinfo=UTC)
TERMS = terms(NOW, records_months=36, tombstone_months=36)
DIGEST = "0" * 64


def judged(leaf: Any, facts: Facts | None = None, found: Terms = TERMS) -> Verdict:
    """What becomes of a leaf now."""
    return judging(found, now=NOW)(leaf, facts or Facts())


def attempts(*, until: datetime = OLD, at: datetime = OLD, needed: bool = False) -> Facts:
    """A share with one attempt that stands so."""
    return Facts(shares=[ShareFacts(at=timestamp(at), until=until, needed=needed)])


def day(parts: tuple[int, int, int]) -> datetime:
    """The beginning of a day."""
    year, month, number = parts
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ((2030, 3, 31), 1, (2030, 2, 28)),
        ((2028, 3, 31), 1, (2028, 2, 29)),
        ((2030, 1, 15), 1, (2029, 12, 15)),
        ((2030, 12, 31), 36, (2027, 12, 31)),
        ((2030, 5, 31), 6, (2029, 11, 30)),
        ((2030, 1, 1), 100_000, (1, 1, 1)),
    ],
)
def test_months_are_counted_as_a_calendar_has_them(now: Any, months: int, then: Any) -> None:
    """A term ends on the same day of the month, or on its last one."""
    assert months_before(day(now), months) == day(then)


@pytest.mark.parametrize("build", [an_intent, an_outcome, a_declared])
def test_a_leaf_of_a_share_goes_when_nothing_needs_it(build: Any) -> None:
    """A share that is over and past its term goes, with its outcome; in its term it stays."""
    old, young = build(at=OLD), build(at=NOW - timedelta(days=900))

    assert judged(old | {"retention_until": timestamp(OLD)}, attempts()) is Fate.PRUNED
    assert judged(old | {"retention_until": timestamp(OLD)}) is Fate.PRUNED
    assert judged(young, attempts()) is Fate.YOUNG


@pytest.mark.parametrize(
    "facts",
    [
        attempts(needed=True),
        attempts(at=NOW),
        Facts(shares=[*attempts().shares, *attempts(needed=True).shares]),
    ],
    ids=["open", "another attempt is young", "another attempt is open"],
)
def test_what_is_needed_is_looked_at_the_next_day(facts: Facts) -> None:
    """An open attempt, a case, a live token, or a later try keep the whole share."""
    for leaf in (an_intent(at=OLD, retention_until=OLD), an_outcome(at=OLD)):
        assert judged(leaf, facts) == NOW + timedelta(days=1)


def test_a_retention_that_runs_longer_than_the_term_counts() -> None:
    """A leaf stays as long as its recipient may keep the data, and is looked at then."""
    ends = NOW + timedelta(days=400)

    assert judged(an_intent(at=OLD, retention_until=OLD), attempts(until=ends)) == ends
    assert judged(an_outcome(at=OLD), attempts(until=ends)) == ends
    assert judged(an_intent(at=OLD, retention_until=ends)) == ends


def leaves_of_a_case() -> list[entries.Leaf]:
    """One of each kind that names a case, or belongs to one."""
    given: Any = {"at": OLD}
    return [
        entries.fence(id="1", whole=True, case="c", reason="user-request", **given),
        entries.case(id="2", case="c", action="erase", state="open", **given),
        entries.notice(id="3", notice="n", case="c", partner="p", state="queued", **given),
        entries.receipt(
            id="4", notice="n", partner="p", status="completed", digest=DIGEST, **given
        ),
        entries.key(id="5", owner="subject", event="destroyed", case="c", **given),
    ]


@pytest.mark.parametrize("leaf", leaves_of_a_case(), ids=lambda leaf: leaf["kind"])
def test_leaves_of_a_case_stay_while_it_is_open(leaf: entries.Leaf) -> None:
    """And as long as the mark that keeps an erased person out may live, if that is longer."""
    longer = terms(NOW, records_months=36, tombstone_months=60)

    assert judged(leaf) is Fate.PRUNED
    assert judged(leaf, Facts(case_open=True)) == NOW + timedelta(days=1)
    assert judged(leaf, found=longer) == NOW + timedelta(days=1)


def test_what_is_of_nobody_lasts() -> None:
    """Editions, recipients' states and public keys stay: the rest is read by them."""
    for leaf in (
        entries.policy(id="1", at=OLD, edition="1", digest=DIGEST),
        entries.partner(id="2", at=OLD, partner="p", event="suspended"),
        entries.key(id="3", at=OLD, owner="gateway", event="created"),
        entries.key(id="4", at=OLD, owner="swift-parcel", event="seen"),
    ):
        assert judged(leaf) is Fate.LASTS


def test_what_has_nothing_to_wait_for_goes_with_the_term() -> None:
    """Refusals, reads and redemptions go as soon as their term is over, and not a moment before."""
    for build in (
        lambda at: entries.refusal(
            id="1", at=at, service="s", code="consent-missing", clause=["S1"]
        ),
        lambda at: entries.read(id="2", at=at, service="s", record="disclosures"),
        lambda at: entries.redemption(
            id="3", at=at, partner="p", purpose="payment", result="granted"
        ),
    ):
        assert judged(build(TERMS.records - timedelta(milliseconds=1))) is Fate.PRUNED
        assert judged(build(TERMS.records)) is Fate.YOUNG
