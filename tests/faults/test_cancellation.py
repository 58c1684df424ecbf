"""
Every await of a share is cancelled once, and nobody else notices.

Each case runs the share to see how often it waits, and then again for each of
these awaits, cancelled as it begins to wait, a little later, and as what it
waits for ends. A second share of somebody else runs beside it, and afterwards
the same request comes again under the same idempotency key.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.errors import Reason
from gateway.flows.answers import Declined, Disclosed, ShareAnswer
from gateway.flows.clockwork import new_id
from gateway.flows.incoming import Incoming
from gateway.flows.share import share
from gateway.model.ids import SubjectId
from tests.faults.cancelling import CancelledAt, When, run
from tests.faults.scene import (
    ADVERTISER,
    COURIER,
    an_event,
    an_incoming,
    arrived,
    outcomes,
    until_settled,
    verified,
)
from tests.promises.house import House

Prepare = Callable[[House, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of share: how it comes, and what must be there before."""

    incoming: Callable[..., Incoming]
    options: dict[str, Any] = field(default_factory=dict)
    known: bool = False
    """The person is known and in memory."""
    consents: bool = False

    async def prepare(self, house: House, subject: str) -> None:
        """Make what the share needs."""
        if self.consents:
            await house.consent(subject)
        if self.known:
            await run(share(an_incoming(house.gateway, subject), house.gateway))
            await house.gateway.subjects.get(SubjectId(subject))


CASES = {
    "a-new-person": Case(an_incoming),
    "a-known-person": Case(an_incoming, known=True),
    "on-consent": Case(an_event, consents=True),
    "refused": Case(an_event),
    "for-later": Case(an_incoming, {"prefer": "respond-async"}),
}


@dataclass(slots=True)
class Tried:
    """One cancelled share and what came after it."""

    share: str
    first: Any
    again: Any
    other: Any
    key: str


async def attempts(house: House, case: Case, *moments: When) -> list[Tried]:
    """Cancel the share at every await, at each moment of it, one after another."""
    await case.prepare(house, "u-count")
    counted = CancelledAt(
        share(case.incoming(house.gateway, "u-count", **case.options), house.gateway)
    )
    await run(counted)
    # A few more: which awaits there are depends on what is in memory by then.
    return [
        await attempt(house, case, f"{when.value}-{at}", at, when)
        for when in moments
        for at in range(1, counted.suspensions + 4)
    ]


async def attempt(house: House, case: Case, name: str, at: int, when: When) -> Tried:
    """Cancel it at one await, beside another share, and send it again."""
    gateway = house.gateway
    await case.prepare(house, f"u-{name}")
    request = case.incoming(gateway, f"u-{name}", key=f"k-{name}", **case.options)
    neighbour = asyncio.ensure_future(run(share(an_incoming(gateway, f"n-{name}"), gateway)))
    first = await run(CancelledAt(share(request, gateway), at, when))
    in_flight_of_others = 0 if neighbour.done() else 1
    assert gateway.in_flight <= in_flight_of_others
    assert not gateway.running
    again = await asyncio.wait_for(
        run(share(replace(request, share=new_id("shr", gateway.random)), gateway)), 5
    )
    return Tried(request.share, first, again, await asyncio.wait_for(neighbour, 5), f"k-{name}")


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


async def test_every_await_is_cancelled_once(house: House, case: Case):
    """A share that is given up anywhere leaves others working and the ledger whole."""
    tried = await attempts(house, case, *When)
    await until_settled(house)
    told = await outcomes(house)
    came = arrived(house.recipients[COURIER]) | arrived(house.recipients[ADVERTISER])

    assert house.gateway.in_flight == 0
    assert house.gateway.running == {}
    assert any(isinstance(one.first, asyncio.CancelledError) for one in tried)
    for one in tried:
        assert isinstance(one.first, asyncio.CancelledError | ShareAnswer | Declined), one
        assert isinstance(one.other, ShareAnswer), one
        assert one.other.status == 200
        # What reached a recipient is never recorded as not sent.
        if one.share in came:
            assert told[one.share][-1] in ("delivered", "unknown"), one
        sent_at_most_once(one, {one.share, _share(one.again)} & came)
    assert (await verified(house)).open_intents == 0


def sent_at_most_once(one: Tried, came: set[str | None]) -> None:
    """A request that comes again is carried, or said to be unknown, and never sent twice."""
    assert len(came) <= 1, one
    match one.again:
        case ShareAnswer(status=200):
            assert came == {one.again.share}, one
        case ShareAnswer(status=202):
            assert came == set()
        case Declined(problem=told) if told.reason is Reason.OUTCOME_UNKNOWN:
            assert told.disclosed is Disclosed.MAYBE
            assert told.share == one.share
        case Declined(problem=told):
            assert told.reason is Reason.CONSENT_MISSING, one
            assert came == set()
        case _:
            pytest.fail(f"the request came again and ended so: {one}")


def _share(ended: Any) -> str | None:
    match ended:
        case ShareAnswer(share=share):
            return share
        case Declined(problem=told):
            return told.share
    return None


async def test_a_share_that_was_given_up_before_it_left_is_carried_when_it_comes_again(
    house: House,
):
    """A key is not lost to a request that was given up before anything was sent."""
    tried = await attempts(house, CASES["a-known-person"], When.AS_IT_ENDS)
    came = arrived(house.recipients[COURIER])

    given_up = [one for one in tried if one.share not in came]
    assert len(given_up) >= 3
    told = await outcomes(house)
    for one in given_up:
        if told.get(one.share, ["not-sent"]) == ["not-sent"]:
            assert isinstance(one.again, ShareAnswer), one
            assert one.again.status == 200


async def test_what_was_accepted_for_later_is_accepted_once(house: House):
    """A queued share that was given up is in the queue once, however often it came."""
    tried = await attempts(house, CASES["for-later"], *When)
    store = house.gateway.store

    for one in tried:
        assert isinstance(one.again, ShareAnswer)
        assert one.again.status == 202
        queued = [
            row
            for share in {one.share, one.again.share or ""}
            if (row := await store.queued(share)) is not None
        ]
        assert len(queued) == 1, one
        assert queued[0].share == one.again.share


async def test_many_share_one_reading_of_a_person(house: House):
    """Of many shares that wait for the same person, those that stay are carried."""
    gateway = house.gateway
    tasks = [asyncio.ensure_future(share(an_incoming(gateway, "u-1"), gateway)) for _ in range(12)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert [isinstance(one, asyncio.CancelledError) for one in ended] == [True, False] * 6
    assert all(one.status == 200 for one in ended[1::2])  # type: ignore[union-attr]
    assert len(house.recipients[COURIER].arrivals) == 6
    assert (await verified(house)).open_intents == 0
