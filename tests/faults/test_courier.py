"""The courier among shares that go wrong: one share's trouble is no other share's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import StoreFailed
from gateway.flows import share as flow
from gateway.testing.behaviour import Silence
from gateway.testing.partner import FakePartner
from gateway.workers import courier as worker
from tests.faults.scene import ADVERTISER, COURIER, REPEATABLE, share_event, until, verified
from tests.promises.house import House


@pytest.fixture
def courier(house: House) -> FakePartner:
    """The recipient of orders."""
    return house.recipients[COURIER]


async def test_a_share_that_nobody_can_send_ends_alone(
    house: House, courier: FakePartner, monkeypatch: pytest.MonkeyPatch
):
    """Where the program itself fails on one share, that share has failed and others are sent."""
    bad = await house.share(prefer="respond-async")
    carry = flow.share

    async def carry_or_fail(incoming: Any, gateway: Any) -> Any:
        if incoming.share == bad.share:
            raise RuntimeError("a mistake of the program")
        return await carry(incoming, gateway)

    monkeypatch.setattr(flow, "share", carry_or_fail)
    async with house.courier_at_work():
        failed = await house.state_of(bad)
        good = await house.state_of(await house.share(prefer="respond-async"))

    assert (failed["state"], failed["code"]) == ("failed", "outcome-unknown")
    assert good["state"] == "delivered"
    assert len(courier.arrivals) == 1


async def test_a_store_that_cannot_be_read_for_a_moment(
    house: House, courier: FakePartner, monkeypatch: pytest.MonkeyPatch
):
    """A share whose try fell into a failure of the store is tried again, and counted."""
    reply = await house.share(prefer="respond-async")
    store: Any = house.gateway.store
    read, failures = store.outcomes, iter([StoreFailed("disk I/O error")])

    async def read_or_fail(share: str) -> Any:
        for failure in failures:
            raise failure
        return await read(share)

    monkeypatch.setattr(store, "outcomes", read_or_fail)
    async with house.courier_at_work(), asyncio.timeout(5):
        while not (row := await store.queued(reply.share)).attempts:
            await asyncio.sleep(0.005)
        assert (row.state, courier.arrivals) == ("queued", [])
        house.clock.advance(timedelta(minutes=20))
        state = await house.state_of(reply)

    assert state["state"] == "delivered"
    assert courier.arrivals == [reply.share]


async def test_a_silent_partner_leaves_room_for_others(house: House, courier: FakePartner):
    """However much waits for a partner that does not answer, others get theirs meanwhile."""
    await house.consent()
    courier.script.always(Silence())
    for _ in range(40):
        await house.share(prefer="respond-async")
    async with house.courier_at_work():
        await until(lambda: len(courier.unanswered) == worker.PER_PARTNER)
        state = await house.state_of(await share_event(house, prefer="respond-async"))
        assert len(courier.arrivals) == worker.PER_PARTNER
        await courier.stop()
        await courier.start()

    assert state["state"] == "delivered"
    assert len(house.recipients[ADVERTISER].arrivals) == 1


async def test_many_for_one_partner_go_one_after_another(
    house: House, courier: FakePartner, monkeypatch: pytest.MonkeyPatch
):
    """A queue for one partner empties without a pause, each share once."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 60.0)
    replies = [await house.share(path=REPEATABLE, prefer="respond-async") for _ in range(40)]
    async with house.courier_at_work():
        await until(lambda: len(courier.received) == 40)

    assert sorted(courier.arrivals) == sorted(reply.share or "" for reply in replies)
    await verified(house)


async def test_stopping_lets_shares_under_way_end(house: House, courier: FakePartner):
    """A gateway that stops waits for what it is sending, and writes down how it ended."""
    replies = [await house.share(prefer="respond-async") for _ in range(5)]
    working = asyncio.ensure_future(worker.carry_queued(house.gateway))
    await until(lambda: len(courier.arrivals) >= 1)
    house.gateway.stopping.set()
    await asyncio.wait_for(working, 5)

    states = [(await house.gateway.store.queued(reply.share or "")) for reply in replies]
    assert {row.state for row in states if row} <= {"delivered", "queued"}
    delivered = [row for row in states if row and row.state == "delivered"]
    assert len(delivered) == len(courier.arrivals)
