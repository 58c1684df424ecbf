"""How much a partner is asked at once, and what happens to shares while it is left alone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.egress.limits import FAILURES
from gateway.ports import Use
from gateway.testing.behaviour import Delay
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of

LATER = {"Prefer": "respond-async"}


def limited(**upstream: Any) -> dict[str, Any]:
    """The courier with limits of its own."""
    return a_courier(upstream=upstream)


async def shared(house: House, count: int, name: str = "LO") -> list[Reply]:
    """So many shares at once."""
    return await asyncio.gather(
        *(house.share(path=f"/v2/shipments/{name}-{number}") for number in range(count))
    )


def breaker(house: House, use: Use = Use.SHARES) -> Any:
    """The courier's."""
    egress: Any = house.gateway.egress
    return egress._gate("swift-parcel").breakers[use]


async def left_alone(house: House) -> None:
    """Let the courier go away, and send until it is left alone, for as long as the test wants."""
    await house.recipients["swift-parcel"].stop()
    for number in range(FAILURES):
        reply = await house.share(path=f"/v2/shipments/B-{number}")
        assert (reply.status, reply.headers.get("Retry-After")) == (502, None)
    breaker(house).until += 3600


async def back(house: House) -> None:
    """The courier is there again, and the pause is over."""
    await house.recipients["swift-parcel"].start()
    breaker(house).until = 0.0


async def test_a_rate_of_the_manifest_holds(open_house: OpenHouse) -> None:
    """Beyond it a share is refused before anything is recorded of it as left."""
    house = await open_house(limited(rate="2/m"))
    first, second = await house.share(), await house.share(path="/v2/shipments/LO-2")
    refused = problem_of(second)

    assert first.status == 200
    assert (second.status, refused["code"], refused["disclosed"]) == (429, "rate-limited", "no")
    assert 1 <= int(second.headers["Retry-After"]) <= 30
    assert len(await house.leaves("intent")) == 1
    assert [leaf["code"] for leaf in await house.leaves("refusal")] == ["rate-limited"]


async def test_no_more_at_once_than_the_manifest_says(open_house: OpenHouse) -> None:
    """With two allowed and five sent two are carried, and the others asked to wait; later all pass."""
    house = await open_house(limited(concurrency=2))
    house.recipients["swift-parcel"].script.next(Delay(0.3), Delay(0.3))
    replies = await shared(house, 5)

    assert sorted(reply.status for reply in replies) == [200, 200, 429, 429, 429]
    assert {reply.headers["Retry-After"] for reply in replies if reply.status == 429} == {"1"}
    assert (await house.share(path="/v2/shipments/LATER")).status == 200


@pytest.mark.parametrize(
    ("share", "code"),
    [
        ({"body": {"recipient": {"name": "欧阳明"}}}, "required-field-missing"),
        ({"purpose": "advertising"}, "purpose-not-permitted"),
    ],
)
async def test_what_comes_first_in_the_order_is_told_first(
    open_house: OpenHouse, share: dict[str, Any], code: str
) -> None:
    """A share that is wrong in its fields or purpose hears of that, and not of the rate."""
    house = await open_house(limited(rate="1/h"))
    await house.share()

    assert problem_of(await house.share(path="/v2/shipments/LO-2", **share))["code"] == code


async def test_the_rate_comes_before_a_missing_key(open_house: OpenHouse) -> None:
    """Of both, the rate is told."""
    house = await open_house(limited(rate="1/h"))
    (house.folder / "partners/keys/swift-parcel.jwks.json").write_text('{"keys": []}')
    manifest = house.folder / "partners/swift-parcel.yaml"
    manifest.write_text(manifest.read_text().replace("keys: keys/", "keys: https://k.example/"))
    assert await house.reload()
    first = await house.share()
    second = await house.share()

    assert problem_of(first)["code"] == "sealing-key-missing"
    assert problem_of(second)["code"] == "rate-limited"


async def test_a_queued_share_waits_for_the_rate(open_house: OpenHouse, clock: Clock) -> None:
    """It is neither refused nor counted as tried, and leaves when there is room."""
    house = await open_house(limited(rate="1/h"))
    await house.share()
    queued = await house.share(path="/v2/shipments/LO-2", headers=LATER)
    async with house.courier_at_work():
        await asyncio.sleep(0.2)
        row = await house.gateway.store.queued(queued.share or "")
        assert row is not None
        assert (row.state, row.attempts) == ("queued", 0)
        assert row.due > clock()
        assert await house.leaves("refusal") == []
        egress: Any = house.gateway.egress
        egress._gate("swift-parcel").bucket.level = 5.0
        clock.advance(timedelta(hours=1))
        state = await house.state_of(queued)

    assert state["state"] == "delivered"


async def test_a_partner_that_fails_every_time_is_left_alone(open_house: OpenHouse) -> None:
    """
    After twenty failures a share is refused before its intent, at once, and told when it
    is tried again; the state can be seen, and one answer opens the way for all.
    """
    house = await open_house(a_courier())
    await left_alone(house)
    intents = len(await house.leaves("intent"))
    refused = await house.share()
    shown = (await house.ask("GET", "/v1/partners/swift-parcel")).json()
    metrics = (await house.ask("GET", "/metrics")).body.decode()

    told = problem_of(refused)
    assert (refused.status, told["code"], told["disclosed"]) == (502, "partner-unreachable", "no")
    assert int(refused.headers["Retry-After"]) > 3000
    assert refused.headers["Retry-After"] in told["remedy"]
    assert len(await house.leaves("intent")) == intents
    assert shown["breaker"] == "open"
    assert 'gateway_partner_breaker{partner="swift-parcel"} 1.0' in metrics

    await back(house)
    assert [reply.status for reply in await shared(house, 3)].count(200) >= 1
    assert [reply.status for reply in await shared(house, 3, "AGAIN")] == [200, 200, 200]
    metrics = (await house.ask("GET", "/metrics")).body.decode()
    assert 'gateway_partner_breaker{partner="swift-parcel"} 0.0' in metrics
    assert (await house.ask("GET", "/v1/partners")).json()["partners"][0]["breaker"] == "closed"


async def test_a_queued_share_waits_while_its_partner_is_left_alone(
    open_house: OpenHouse, clock: Clock
) -> None:
    """Nothing of it is tried, counted or recorded meanwhile."""
    house = await open_house(a_courier())
    await left_alone(house)
    queued = await house.share(path="/v2/shipments/LO-2", headers=LATER)
    before = len(await house.leaves())
    async with house.courier_at_work():
        await asyncio.sleep(0.2)
        row = await house.gateway.store.queued(queued.share or "")
        assert row is not None
        assert (row.state, row.attempts) == ("queued", 0)
        assert len(await house.leaves()) == before
        await back(house)
        clock.advance(seconds=5)
        state = await house.state_of(queued)

    assert state["state"] == "delivered"


async def test_a_caller_that_gives_up_leaves_nothing_behind(open_house: OpenHouse) -> None:
    """A share that is cancelled on its way gives back its place among those at once."""
    house = await open_house(limited(concurrency=1))
    house.recipients["swift-parcel"].script.next(Delay(0.3))
    giving_up = asyncio.create_task(house.share())
    await asyncio.sleep(0.1)
    assert (await house.share(path="/v2/shipments/LO-2")).status == 429
    giving_up.cancel()
    await asyncio.gather(giving_up, return_exceptions=True)
    await asyncio.sleep(0.4)

    assert (await house.share(path="/v2/shipments/LO-3")).status == 200


async def test_an_answer_that_begins_too_late_is_a_timeout(open_house: OpenHouse) -> None:
    """`first_byte_timeout` of the manifest counts for a share."""
    house = await open_house(limited(first_byte_timeout="100ms"))
    house.recipients["swift-parcel"].script.next(Delay(1.0))
    reply = await house.share()

    assert (reply.status, problem_of(reply)["code"]) == (504, "partner-timeout")
