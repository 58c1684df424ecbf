"""Everybody suspended at once: the kill switch (S4a), seen at once and over restarts."""

import asyncio
from typing import Any

import pytest

from gateway.recipient import sign_receipt
from gateway.testing.behaviour import Delay
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of
from tests.promises.manifests import a_plain

STOP, GO = "/v1/partners/*/suspend", "/v1/partners/*/resume"


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The courier and another recipient."""
    return await open_house(a_courier(), a_plain())


async def both(house: House, name: str) -> list[tuple[int, str | None]]:
    """A share with each of the two: status and code."""
    replies = [
        await house.share(path=f"/v2/shipments/{name}"),
        await house.share("plain", "/things", {"value": "x"}),
    ]
    return [(reply.status, reply.headers.get("Sharing-Refused")) for reply in replies]


async def test_one_call_stops_everybody(house: House) -> None:
    """From its answer on nothing leaves to anybody, and from the other's on everything again."""
    before = await both(house, "LO-1")
    stopped = await house.ask("POST", STOP)
    during = await both(house, "LO-2")
    resumed = await house.ask("POST", GO)
    after = await both(house, "LO-3")

    assert before == after == [(200, None), (200, None)]
    assert during == [(403, "partner-suspended"), (403, "partner-suspended")]
    assert (stopped.json()["stopped"], resumed.json()["stopped"]) == (True, False)
    assert {one["state"] for one in stopped.json()["partners"]} == {"suspended"}


async def test_it_shows_and_lasts_over_a_restart(house: House) -> None:
    """`/readyz` and the list say so; a restart and a reload change nothing."""
    assert "stopped" not in (await house.ask("GET", "/readyz")).json()
    await house.ask("POST", STOP)
    await house.restart()
    assert await house.reload()
    ready = await house.ask("GET", "/readyz")

    assert (ready.status, ready.json()["stopped"], ready.json()["ready"]) == (200, True, True)
    assert (await house.ask("GET", "/v1/partners")).json()["stopped"] is True
    assert [status for status, _ in await both(house, "LO-1")] == [403, 403]


async def test_who_was_suspended_alone_stays_so(house: House) -> None:
    """What was said of one is not taken back by what is said of all."""
    await house.ask("POST", "/v1/partners/plain/suspend")
    await house.ask("POST", STOP)
    await house.ask("POST", GO)

    assert await both(house, "LO-1") == [(200, None), (403, "partner-suspended")]


@promise("S4a")
async def test_no_share_of_before_passes_its_last_look(house: House) -> None:
    """A share that was decided and waits for a connection when everybody is stopped does not leave."""
    courier = house.recipients["swift-parcel"]
    egress: Any = house.gateway.egress
    arrived, go_on = asyncio.Event(), asyncio.Event()
    intend = house.gateway.store.intend

    async def held_up(intent: Any) -> Any:
        recorded = await intend(intent)
        arrived.set()
        await go_on.wait()
        return recorded

    house.gateway.store.intend = held_up  # type: ignore[method-assign]
    sharing = asyncio.create_task(house.share())
    await arrived.wait()
    house.gateway.store.intend = intend  # type: ignore[method-assign]
    await house.ask("POST", STOP)
    go_on.set()
    reply = await sharing

    assert problem_of(reply)["code"] == "partner-suspended"
    assert courier.received == []
    assert egress.resting("shares") == ()
    assert [leaf["outcome"] for leaf in await house.leaves("outcome")] == ["not-sent"]


async def test_an_intent_under_the_old_epoch_does_not_enter(house: House) -> None:
    """The store itself refuses what was decided before everybody was stopped."""
    from gateway.errors import Stale
    from gateway.ports import Intent

    partner: Any = "swift-parcel"
    epoch = house.gateway.partners.state(partner).epoch
    await house.ask("POST", STOP)
    old = Intent(share="shr_1", kind="intent", partner=partner, partner_epoch=epoch, entries=())

    with pytest.raises(Stale):
        await house.gateway.store.intend(old)


async def test_the_ledger_says_who_and_when(house: House) -> None:
    """Each use of the switch is an entry."""
    await house.ask("POST", STOP)
    await house.ask("POST", GO)
    leaves = [leaf for leaf in await house.leaves("partner") if leaf["partner"] == "*"]

    assert [(leaf["event"], leaf["actor"]) for leaf in leaves] == [
        ("suspended", "order-service"),
        ("resumed", "order-service"),
    ]


async def test_not_everybody_may_stop_everybody(house: House) -> None:
    """It needs the scope to change partners, and nobody is called `*`."""
    reply = await house.ask("POST", STOP, token=house.token(scope=["partner:read"]))

    assert reply.status == 403
    assert (await house.ask("GET", "/v1/partners/*")).status == 404
    assert await both(house, "LO-1") == [(200, None), (200, None)]


async def test_queued_shares_are_refused_and_receipts_taken(house: House) -> None:
    """Nothing waits to leave later, and recipients can still answer."""
    courier = house.recipients["swift-parcel"]
    courier.script.next(Delay(0.01))
    queued = await house.share(headers={"Prefer": "respond-async"})
    await house.ask("POST", STOP)
    async with house.courier_at_work():
        state = await house.state_of(queued)
    receipt = sign_receipt(
        courier.keys.signature,
        partner="swift-parcel",
        audience=house.public_url,
        notice="ntc_none",
        status="completed",
        now=house.clock(),
    )
    answer = await house._partner.request(
        "POST", "/receipts", receipt.encode(), headers={"Content-Type": "application/jose"}
    )

    assert (state["state"], state["code"]) == ("refused", "partner-suspended")
    assert answer.status == 404, "it verified, and there is no such notice"
