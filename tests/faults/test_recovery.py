"""What a restart makes of what a dead process left."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.testing.behaviour import Silence
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from tests.faults.scene import (
    COURIER,
    REPEATABLE,
    outcomes,
    share_event,
    until,
    verified,
)
from tests.marks import promise
from tests.promises.house import House, problem_of


@pytest.fixture
def courier(house: House) -> FakePartner:
    """The recipient of orders."""
    return house.recipients[COURIER]


@asynccontextmanager
async def after_a_crash(house: House, tmp_path: Path) -> AsyncIterator[House]:
    """
    The gateway that starts on what is on the disk at this moment.

    The recipients drop what they were answering and go on; the first gateway
    goes on as well and is of no more interest.
    """
    folder = tmp_path / "after"
    # The index in shared memory and the lock end with the process.
    shutil.copytree(house.folder, folder, ignore=shutil.ignore_patterns("*-shm", "*.owner"))
    for partner in house.recipients.values():
        partner.script.always(None)
        await partner.stop()
        await partner.start()
    async with House(folder, house.clock) as after:
        await after.open([], settings={"GATEWAY_PUBLIC__URL": house.public_url})
        yield after


@asynccontextmanager
async def under_way(house: House, *shares: "asyncio.Future[Reply]") -> AsyncIterator[None]:
    """Inside, these shares have reached a recipient that does not answer."""
    courier = house.recipients[COURIER]
    await until(lambda: len(courier.unanswered) == len(shares))
    yield
    await asyncio.gather(*shares, return_exceptions=True)


@promise("R1")
async def test_open_intents_become_unknown(house: House, courier: FakePartner, tmp_path: Path):
    """What may have been received is recorded so, and stands in everybody's account."""
    ended = await house.share(subject="u-ended")
    await house.gateway.store.flush()
    courier.script.always(Silence())
    shares = [asyncio.ensure_future(house.share(subject=f"u-{n}")) for n in range(3)]
    async with under_way(house, *shares), after_a_crash(house, tmp_path) as after:
        told = await outcomes(after)
        assert await after.gateway.store.open_intents() == 0
        assert sorted(told.values()) == [["delivered"], ["unknown"], ["unknown"], ["unknown"]]
        assert told[ended.share or ""] == ["delivered"]
        for n in range(3):
            (row,) = await after.disclosures(f"u-{n}")
            assert row["outcome"] == "unknown"
            assert row["share"] in courier.arrivals
        assert (await verified(after)).open_intents == 0


async def test_a_restart_without_a_crash_closes_nothing(house: House):
    """Where every share has ended, a restart adds no outcome."""
    reply = await house.share()
    await house.restart()

    assert await outcomes(house) == {reply.share: ["delivered"]}
    assert (await verified(house)).open_intents == 0


async def test_a_request_from_before_the_crash_is_not_sent_again(
    house: House, courier: FakePartner, tmp_path: Path
):
    """Sent again under its key, it gets the answer that nobody knows, each time the same."""
    courier.script.always(Silence())
    first = asyncio.ensure_future(house.share(idempotency_key="k-1"))
    async with under_way(house, first), after_a_crash(house, tmp_path) as after:
        (share,) = courier.arrivals
        for _ in range(2):
            reply = await after.share(idempotency_key="k-1")
            told = problem_of(reply)
            assert (reply.status, told["code"]) == (504, "outcome-unknown")
            assert told["disclosed"] == "maybe"
            assert told["share"] == share
        assert courier.arrivals == [share]
        # Another request under the key is still another request.
        other = await after.share(subject="u-2", idempotency_key="k-1")
        assert (other.status, other.code) == (422, "idempotency-mismatch")


async def test_a_request_that_had_its_answer_gets_it_again(house: House, tmp_path: Path):
    """An answer that was given before the crash is given after it, and nothing is sent."""
    first = await house.share(idempotency_key="k-1")
    await house.gateway.store.flush()
    async with after_a_crash(house, tmp_path) as after:
        again = await after.share(idempotency_key="k-1")

    assert (again.status, again.share, again.body) == (200, first.share, first.body)
    assert house.recipients[COURIER].arrivals == [first.share]


async def test_consents_and_withdrawals_survive(house: House, tmp_path: Path):
    """What was answered before the crash counts after it."""
    await house.consent("u-1")
    await house.withdraw(await house.consent("u-2"))
    async with after_a_crash(house, tmp_path) as after:
        assert (await share_event(after, "u-1")).status == 200
        assert (await share_event(after, "u-2")).code == "consent-withdrawn"


async def test_a_suspension_survives(house: House, courier: FakePartner, tmp_path: Path):
    """A partner that was suspended before the crash is suspended after it."""
    await house.ask("POST", f"/v1/partners/{COURIER}/suspend")
    async with after_a_crash(house, tmp_path) as after:
        assert (await after.share()).code == "partner-suspended"
    assert courier.arrivals == []


async def test_queued_shares_are_sent_after_the_crash(
    house: House, courier: FakePartner, tmp_path: Path
):
    """A share that was accepted and not yet tried is sent under the same id, once."""
    reply = await house.share(prefer="respond-async")
    async with after_a_crash(house, tmp_path) as after, after.courier_at_work():
        state = await after.state_of(reply)

    assert (state["state"], state["status"]) == ("delivered", 200)
    assert courier.arrivals == [reply.share]


async def test_a_claim_of_a_dead_worker_is_freed(
    house: House, courier: FakePartner, tmp_path: Path
):
    """A share that was claimed and had not left is sent after the crash."""
    reply = await house.share(prefer="respond-async")
    assert len(await house.gateway.store.claim_due(house.clock(), 9, 9)) == 1
    async with after_a_crash(house, tmp_path) as after, after.courier_at_work():
        state = await after.state_of(reply)

    assert state["state"] == "delivered"
    assert courier.arrivals == [reply.share]


@asynccontextmanager
async def being_sent(house: House, reply: Reply) -> AsyncIterator[None]:
    """Inside, a queued share has reached a recipient that does not answer."""
    courier = house.recipients[COURIER]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(house.courier_at_work())
        await until(lambda: len(courier.unanswered) == 1)
        assert courier.arrivals == [reply.share]
        yield


async def test_a_queued_share_that_had_left_is_not_sent_again(
    house: House, courier: FakePartner, tmp_path: Path
):
    """Where the recipient cannot tell repeats apart, a share that may have arrived has failed."""
    courier.script.always(Silence())
    reply = await house.share(prefer="respond-async")
    async with being_sent(house, reply), after_a_crash(house, tmp_path) as after:
        async with after.courier_at_work():
            state = await after.state_of(reply)
        assert await outcomes(after) == {reply.share: ["unknown"]}
        arrivals = list(courier.arrivals)

    assert (state["state"], state["code"]) == ("failed", "outcome-unknown")
    assert arrivals == [reply.share]


async def test_a_queued_share_is_sent_again_where_repeats_are_told_apart(
    house: House, courier: FakePartner, tmp_path: Path
):
    """Where the route names the recipient's own header, the share is tried again as itself."""
    courier.script.always(Silence())
    reply = await house.share(path=REPEATABLE, prefer="respond-async")
    async with being_sent(house, reply), after_a_crash(house, tmp_path) as after:
        async with after.courier_at_work():
            state = await after.state_of(reply)
        told = await outcomes(after)
        arrivals = list(courier.arrivals)

    assert state["state"] == "delivered"
    assert arrivals == [reply.share] * 2
    assert told == {reply.share: ["unknown", "delivered"]}


async def test_a_queued_share_that_was_delivered_is_not_sent_again(
    house: House, courier: FakePartner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A crash between the delivery and its note in the queue does not send a share twice."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(house.gateway.store, "finish", never)
    reply = await house.share(path=REPEATABLE, prefer="respond-async")
    async with house.courier_at_work():
        await until(lambda: len(courier.received) == 1 and not courier.unanswered)
        await until(lambda: house.gateway.in_flight == 0)
        await house.gateway.store.flush()
        async with after_a_crash(house, tmp_path) as after, after.courier_at_work():
            state = await after.state_of(reply)

    assert state["state"] == "delivered"
    assert courier.arrivals == [reply.share]
