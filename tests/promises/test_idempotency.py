"""One request, one outcome: `Idempotency-Key` (contract §6)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.testing.behaviour import Answer, Behaviour, Cut, CutAt, Delay, Silence, wrong_type
from gateway.testing.builders import merged
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from tests.promises.conftest import OpenHouse
from tests.promises.house import GROUNDS, ORDER, House, a_courier
from tests.promises.manifests import a_plain, an_advertiser


def same(first: Reply, second: Reply) -> bool:
    """Whether two answers are one."""
    names = ("Content-Type", "Sharing-Id", "Sharing-Dropped", "Sharing-Refused", "X-Quota")
    return (
        first.status == second.status
        and first.body == second.body
        and all(first.headers.get(name) == second.headers.get(name) for name in names)
    )


async def test_the_same_request_again_gets_the_first_answer(
    gateway: House, courier: FakePartner
) -> None:
    """A repeat sends nothing, records nothing, and is answered as the first was."""
    first = await gateway.share(body={**ORDER, "age": 3}, idempotency_key="k-1")
    leaves = await gateway.leaves()
    second = await gateway.share(body={**ORDER, "age": 3}, idempotency_key="k-1")

    assert first.status == 200
    assert first.headers["Sharing-Dropped"] == "?1"
    assert same(first, second)
    assert len(courier.arrivals) == 1
    assert await gateway.leaves() == leaves


@pytest.mark.parametrize(
    "behaviour",
    [
        Answer(status=201, data={"status": "ok"}),
        Answer(status=404, data={"status": "none"}),
        Answer(status=503, headers={"Retry-After": "3"}),
        wrong_type(),
        Silence(),
        Cut(CutAt.BEFORE_HEADERS),
    ],
    ids=["201", "404", "503", "refused", "timeout", "cut"],
)
async def test_every_outcome_is_the_first_one_again(
    behaviour: Behaviour, open_house: OpenHouse
) -> None:
    """Also an error of the partner, a timeout and a cut are answered again and not tried again."""
    house = await open_house(a_courier(upstream={"timeout": "300ms"}))
    courier = house.recipients["swift-parcel"]
    courier.script.next(behaviour)
    first = await house.share(idempotency_key="k-1")
    second = await house.share(idempotency_key="k-1")

    assert same(first, second)
    assert len(courier.arrivals) == 1


async def test_a_partner_that_was_not_there_is_answered_as_before(open_house: OpenHouse) -> None:
    """A share that was not sent keeps its outcome too: it has an intent."""
    house = await open_house(a_courier())
    courier = house.recipients["swift-parcel"]
    await courier.stop()
    first = await house.share(idempotency_key="k-1")
    await courier.start()
    second = await house.share(idempotency_key="k-1")
    third = await house.share(idempotency_key="k-2")

    assert first.code == "partner-unreachable"
    assert same(first, second)
    assert third.status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/v2/shipments/LO-2"},
        {"path": "/v2/shipments/LO-1?x=1"},
        {"body": {**ORDER, "note": "x"}},
        {"body": {**ORDER, "unseen": 1}},
        {"body": json.dumps(ORDER, indent=1).encode()},
        {"subject": "u-2"},
        {"purpose": "order-fulfilment@1"},
        {"ground": "core-function"},
        {"evidence": '"E-1"'},
        {"prefer": "handling=strict"},
        {"headers": {"Content-Type": "application/merge-patch+json"}},
        {"headers": {"Sec-GPC": "1"}},
    ],
    ids=str,
)
async def test_another_request_under_the_key_is_a_mistake(
    changes: Any, gateway: House, courier: FakePartner
) -> None:
    """Whatever could change what leaves makes it another request: 422, and nothing is sent."""
    await gateway.share(idempotency_key="k-1", token=gateway.token(grounds=GROUNDS))
    token = gateway.token(grounds=GROUNDS)
    reply = await gateway.share(idempotency_key="k-1", token=token, **changes)

    assert (reply.status, reply.code) == (422, "idempotency-mismatch")
    assert reply.json()["disclosed"] == "no"
    assert len(courier.arrivals) == 1


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("k-1", '"k-1"', True),
        ('"k-1"', "k-1", True),
        ("k-1", "k-2", False),
        ("k-1", "K-1", False),
        ('"', '""', None),
        ("x" * 255, '"' + "x" * 255 + '"', True),
    ],
)
async def test_a_key_is_bare_or_quoted(
    first: str, second: str, one: bool | None, gateway: House, courier: FakePartner
) -> None:
    """Quotation marks are no part of the key."""
    replies = [await gateway.share(idempotency_key=key) for key in (first, second)]

    if one is None:
        assert replies[1].status == 400
    else:
        assert [reply.status for reply in replies] == [200, 200]
        assert (replies[0].share == replies[1].share) is one
        assert len(courier.arrivals) == (1 if one else 2)


@pytest.mark.parametrize("key", ["x" * 256, '""'])
async def test_a_key_has_a_form(key: str, gateway: House, courier: FakePartner) -> None:
    """A key without a character, or of too many, is refused."""
    reply = await gateway.share(idempotency_key=key)

    assert (reply.status, reply.code) == (400, "request-invalid")
    assert courier.arrivals == []


async def test_keys_are_of_one_service(gateway: House, courier: FakePartner) -> None:
    """Two services may use the same key and never see each other's answers."""
    first = await gateway.share(idempotency_key="k-1", token=gateway.token(service="one"))
    second = await gateway.share(idempotency_key="k-1", token=gateway.token(service="two"))
    other = await gateway.share(
        path="/v2/shipments/X", idempotency_key="k-1", token=gateway.token(service="three")
    )

    assert {first.status, second.status, other.status} == {200}
    assert len({first.share, second.share, other.share}) == 3
    assert len(courier.arrivals) == 3


async def test_a_refusal_before_an_intent_is_not_kept(open_house: OpenHouse) -> None:
    """After a refusal the key is free, for the same request and for another."""
    house = await open_house(an_advertiser())
    options: Any = {"purpose": "advertising", "idempotency_key": "k-1"}
    refused = await house.share("bright-reach", "/v3/events", {"event": "click"}, **options)
    await house.consent()
    other = await house.share("bright-reach", "/v3/events", {"event": "impression"}, **options)

    assert (refused.code, other.status) == ("consent-missing", 200)


async def test_while_the_first_runs_a_repeat_is_a_conflict(
    gateway: House, courier: FakePartner
) -> None:
    """409 for the same request, 422 for another, and the first is not disturbed."""
    courier.script.next(Delay(0.3))
    first = asyncio.create_task(gateway.share(idempotency_key="k-1"))
    while not courier.arrivals:
        await asyncio.sleep(0.005)
    same_one = await gateway.share(idempotency_key="k-1")
    other = await gateway.share(idempotency_key="k-1", body={**ORDER, "note": "x"})
    answer = await first
    again = await gateway.share(idempotency_key="k-1")

    assert (same_one.status, same_one.code) == (409, "idempotency-in-progress")
    assert (other.status, other.code) == (422, "idempotency-mismatch")
    assert answer.status == 200
    assert same(answer, again)
    assert len(courier.arrivals) == 1


async def test_of_many_at_once_one_is_sent(gateway: House, courier: FakePartner) -> None:
    """However many come at the same moment, the partner gets one."""
    courier.script.next(Delay(0.1))
    replies = await asyncio.gather(*(gateway.share(idempotency_key="k-1") for _ in range(10)))

    assert sorted(reply.status for reply in replies) == [200] + [409] * 9
    assert len(courier.arrivals) == 1


async def test_a_key_counts_for_a_day(gateway: House, courier: FakePartner) -> None:
    """A second before the day is over it is a repeat, a second after it is new."""
    first = await gateway.share(idempotency_key="k-1")
    gateway.clock.advance(timedelta(hours=24), seconds=-1)
    repeat = await gateway.share(idempotency_key="k-1")
    gateway.clock.advance(seconds=2)
    fresh = await gateway.share(idempotency_key="k-1", body={**ORDER, "note": "x"})

    assert same(first, repeat)
    assert fresh.status == 200
    assert fresh.share != first.share
    assert len(courier.arrivals) == 2


async def test_a_key_survives_a_restart(gateway: House, courier: FakePartner) -> None:
    """What was answered before a restart is answered so after it."""
    first = await gateway.share(idempotency_key="k-1")
    await gateway.restart()
    second = await gateway.share(idempotency_key="k-1")

    assert same(first, second)
    assert len(courier.arrivals) == 1


async def test_a_share_about_nobody_has_keys_too(open_house: OpenHouse) -> None:
    """A route without a subject keeps its answers as well."""
    manifest = merged(
        a_plain({"/users": {"category": "statistics"}}),
        {
            "routes": {
                "only": {
                    "purpose": "analytics@1",
                    "ground": "public-interest",
                    "subject": {"from": "none"},
                }
            }
        },
    )
    house = await open_house(manifest)
    options: Any = {"purpose": "analytics", "evidence": '"P"', "idempotency_key": "k"}
    replies = [
        await house.share("plain", "/things", {"users": 1}, subject=None, **options)
        for _ in range(2)
    ]

    assert replies[0].status == 200
    assert same(*replies)
    assert len(house.recipients["plain"].arrivals) == 1


async def test_a_repeat_of_an_erased_person_gets_nothing(gateway: House) -> None:
    """After an erasure even an old answer is not given again."""
    await gateway.share(idempotency_key="k-1")
    await gateway.erase("u-1")
    reply = await gateway.share(idempotency_key="k-1")

    assert reply.status in (403, 422)
    assert reply.code in ("subject-erased", "idempotency-mismatch")
