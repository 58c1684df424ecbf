"""Shares that are sent later: `Prefer: respond-async` (contract §6)."""

import asyncio
from datetime import date
from typing import Any

import pytest

from gateway.errors import StoreFailed
from gateway.testing.behaviour import Answer, Cut, CutAt, Silence, wrong_type
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from gateway.testing.search import Needles, search_tree
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import ORDER, PATH, House, a_courier, problem_of
from tests.promises.manifests import a_plain, an_advertiser

LATER: Any = {"prefer": "respond-async"}


async def accepted(gateway: House, **options: Any) -> Reply:
    """One share, accepted to be sent later."""
    reply = await gateway.share(**{**LATER, **options})
    assert reply.status == 202, reply.code
    return reply


async def stands(gateway: House, reply: Reply, **token: Any) -> dict[str, Any]:
    """How it stands now."""
    asked = await gateway.ask("GET", reply.headers["Location"], token=gateway.token(**token))
    assert asked.status == 200
    answer: dict[str, Any] = asked.json()
    return answer


async def test_a_share_is_accepted_and_sent_later(gateway: House, courier: FakePartner) -> None:
    """202 at once with where to ask; then it is carried under the same id."""
    reply = await accepted(gateway, body={**ORDER, "age": 3})
    waiting = await stands(gateway, reply)
    assert courier.arrivals == []
    assert await gateway.leaves("intent") == []
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)
    (received,) = courier.received
    (intent,) = await gateway.leaves("intent")

    assert reply.headers["Location"] == f"/v1/shares/{reply.share}"
    assert reply.headers["Preference-Applied"] == "respond-async"
    assert waiting == {"share": reply.share, "state": "queued"}
    assert done == {"share": reply.share, "state": "delivered", "status": 200}
    assert received.share == intent["share"] == reply.share
    assert received.document["recipient"]["name"] == "欧**"
    assert "age" not in received.document


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("respond-async", True),
        ("respond-async, wait=10", True),
        ("Respond-Async", True),
        ("handling=strict, respond-async", True),
        ("respond-asynchronously", False),
        ("wait=10", False),
    ],
)
async def test_who_prefers_it_is_answered_so(prefer: str, applied: bool, gateway: House) -> None:
    """The preference is one among others, in any case."""
    reply = await gateway.share(prefer=prefer)

    assert reply.status == (202 if applied else 200)
    assert ("Preference-Applied" in reply.headers) is applied


async def test_what_would_be_refused_now_is_refused_now(gateway: House) -> None:
    """A share that may not leave is not accepted for later."""
    strict = await gateway.share(body={**ORDER, "x": 1}, prefer="respond-async, handling=strict")
    fields = await gateway.share(body={"items": []}, **LATER)
    purpose = await gateway.share(purpose="payment", **LATER)

    assert [reply.code for reply in (strict, fields, purpose)] == [
        "undeclared-fields",
        "required-field-missing",
        "purpose-not-permitted",
    ]
    assert len(await gateway.leaves("refusal")) == 3


async def test_strict_stays_strict(open_house: OpenHouse) -> None:
    """What was accepted as strict is judged as strict when it is sent."""
    house = await open_house(a_plain({"/value": {"category": "none"}, "/x": {"category": "none"}}))
    options: Any = {"prefer": "respond-async, handling=strict"}
    reply = await house.share("plain", "/things", {"value": 1, "x": 2}, **options)
    path = house.folder / "partners/plain.yaml"
    text = path.read_text()
    path.write_text(text.replace("      /x:\n        category: none\n", ""))
    assert await house.reload()
    async with house.courier_at_work():
        done = await house.state_of(reply)

    assert (done["state"], done["code"]) == ("refused", "undeclared-fields")


@promise("C3", "R5")
async def test_a_share_is_decided_again_when_it_is_sent(open_house: OpenHouse) -> None:
    """A consent that is withdrawn while a share waits keeps it in."""
    house = await open_house(an_advertiser())
    consent = await house.consent()
    path, event = "/v3/events", {"event": "click"}
    kept = await house.share("bright-reach", path, event, purpose="advertising", **LATER)
    await house.withdraw(consent)
    async with house.courier_at_work():
        done = await house.state_of(kept)
    (refusal,) = await house.leaves("refusal")

    assert done == {"share": kept.share, "state": "refused", "code": "consent-withdrawn"}
    assert refusal["code"] == "consent-withdrawn"
    assert house.recipients["bright-reach"].arrivals == []
    assert await house.disclosures() == []


@promise("A1")
async def test_nothing_waits_for_a_person_who_was_deleted(gateway: House) -> None:
    """A queued share does not pass an erasure."""
    reply = await accepted(gateway)
    await gateway.erase("u-1")
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)

    assert (done["state"], done["code"]) == ("refused", "subject-erased")
    assert gateway.recipients["swift-parcel"].arrivals == []


@promise("S4a")
async def test_an_agreement_that_ends_meanwhile_keeps_it_in(gateway: House) -> None:
    """What was accepted on the last day is not sent on the day after."""
    reply = await accepted(gateway)
    end = date(2028, 3, 1)
    gateway.clock.set(gateway.clock().replace(year=end.year, month=end.month, day=end.day))
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)

    assert (done["state"], done["code"]) == ("refused", "agreement-expired")


async def test_a_suspended_partner_gets_nothing_from_the_queue(gateway: House) -> None:
    """Suspension stops what waits as well."""
    reply = await accepted(gateway)
    await gateway.ask("POST", "/v1/partners/swift-parcel/suspend")
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)

    assert (done["state"], done["code"]) == ("refused", "partner-suspended")


async def retried(gateway: House, reply: Reply, until: Any) -> None:
    """Let time pass, try by try, until something is so."""
    for _ in range(400):
        if until():
            return
        gateway.clock.advance(seconds=30)
        gateway.gateway.queue_grew.set()
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def test_a_partner_that_is_down_is_tried_again(open_house: OpenHouse) -> None:
    """Where nothing left it is tried until it arrives, under the same id."""
    house = await open_house(a_courier())
    courier = house.recipients["swift-parcel"]
    await courier.stop()
    reply = await accepted(house)
    async with house.courier_at_work():
        while len(await house.leaves("outcome")) < 2:
            house.clock.advance(seconds=30)
            house.gateway.queue_grew.set()
            await asyncio.sleep(0.01)
        assert (await stands(house, reply))["state"] == "queued"
        await courier.start()
        await retried(house, reply, lambda: courier.received)
        done = await house.state_of(reply)
    intents = await house.leaves("intent")
    outcomes = [leaf["outcome"] for leaf in await house.leaves("outcome")]
    rows = await house.disclosures()

    assert done["state"] == "delivered"
    assert {leaf["share"] for leaf in intents} == {reply.share}
    assert len({leaf["id"] for leaf in intents}) == len(intents) >= 3
    assert set(outcomes[:-1]) == {"not-sent"}
    assert outcomes[-1] == "delivered"
    assert [row["share"] for row in rows] == [reply.share]


@pytest.mark.parametrize("behaviour", [Silence(), Cut(CutAt.BEFORE_HEADERS)], ids=str)
async def test_after_bytes_left_it_is_not_tried_again(
    behaviour: Any, open_house: OpenHouse
) -> None:
    """A partner that cannot tell repeats apart gets it once, and the share has failed."""
    house = await open_house(a_plain(), settings={})
    plain = house.recipients["plain"]
    plain.script.always(behaviour)
    path = house.folder / "partners/plain.yaml"
    path.write_text(path.read_text().replace("timeout: 5s", "timeout: 200ms"))
    assert await house.reload()
    reply = await house.share("plain", "/things", {"value": 1}, **LATER)
    async with house.courier_at_work():
        done = await house.state_of(reply)
        for _ in range(5):
            house.clock.advance(seconds=600)
            house.gateway.queue_grew.set()
            await asyncio.sleep(0.02)

    assert done["state"] == "failed"
    assert done["code"] in ("partner-timeout", "outcome-unknown")
    assert len(plain.arrivals) == 1
    assert len(await house.disclosures()) == 1


async def test_a_partner_with_idempotency_is_tried_again(open_house: OpenHouse) -> None:
    """Where the route names the partner's own header, a cut is tried again under one value."""
    house = await open_house(a_plain(idempotency="X-Request-Id"))
    plain = house.recipients["plain"]
    plain._idempotency = "X-Request-Id"
    plain.script.next(Cut(CutAt.BEFORE_HEADERS), Cut(CutAt.MID_BODY))
    reply = await house.share("plain", "/things", {"value": 1}, **LATER)
    async with house.courier_at_work():
        await retried(house, reply, lambda: len(plain.arrivals) == 3)
        done = await house.state_of(reply)
    values = {one.request.headers["X-Request-Id"] for one in plain.received}

    assert done["state"] == "delivered"
    assert values == {reply.share}
    assert set(plain.arrivals) == {reply.share}
    outcomes = [leaf["outcome"] for leaf in await house.leaves("outcome")]
    assert outcomes == ["unknown", "unknown", "delivered"]


async def test_whatever_the_partner_answers_is_an_end(open_house: OpenHouse) -> None:
    """An error of the partner is its answer: delivered, with its status."""
    house = await open_house(a_courier())
    house.recipients["swift-parcel"].script.next(Answer(status=500, data={}), wrong_type())
    replies = [await accepted(house) for _ in range(2)]
    async with house.courier_at_work():
        done = [await house.state_of(reply) for reply in replies]

    assert done[0]["state"] == done[1]["state"] == "delivered"
    assert {one.get("status") for one in done} == {500, None}
    assert {one.get("code") for one in done} == {"partner-response-refused", None}


async def test_it_is_not_tried_for_ever(open_house: OpenHouse) -> None:
    """After the home's time it has failed."""
    house = await open_house(a_courier(), settings={"GATEWAY_ASYNC__GIVE_UP_AFTER": "1h"})
    await house.recipients["swift-parcel"].stop()
    reply = await accepted(house)
    async with house.courier_at_work():
        for _ in range(300):
            house.clock.advance(seconds=120)
            house.gateway.queue_grew.set()
            await asyncio.sleep(0.01)
            if (await stands(house, reply))["state"] != "queued":
                break
        done = await stands(house, reply)

    assert (done["state"], done["code"]) == ("failed", "partner-unreachable")


async def test_only_the_service_that_sent_it_may_ask(gateway: House) -> None:
    """Another service, and another id, get 404."""
    reply = await accepted(gateway, token=gateway.token(service="one"))
    location = reply.headers["Location"]
    mine = await gateway.ask("GET", location, token=gateway.token(service="one"))
    other = await gateway.ask("GET", location, token=gateway.token(service="two"))
    nothing = await gateway.ask("GET", "/v1/shares/shr_nothing")

    assert mine.status == 200
    for refused in (other, nothing):
        assert (refused.status, problem_of(refused)["code"]) == (404, "not-found")
    assert "u-1" not in mine.body.decode()


async def test_a_share_that_was_carried_at_once_is_not_in_the_queue(gateway: House) -> None:
    """`GET /v1/shares/…` is about shares that were accepted for later."""
    reply = await gateway.share()

    assert (await gateway.ask("GET", f"/v1/shares/{reply.share}")).status == 404


async def test_what_waits_survives_a_restart(gateway: House, courier: FakePartner) -> None:
    """A share that was accepted is durable, and nothing of it is readable on disk."""
    marks = {
        "subject": "marked-subject-77",
        "address": "四川省成都市标记路七号",
        "phone": "13811112222",
    }
    body = {"recipient": {"address": marks["address"], "phone": marks["phone"]}}
    reply = await accepted(gateway, body=body, subject=marks["subject"])
    await gateway.restart()
    found = search_tree(gateway.folder / "data", Needles(marks))
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)

    assert found == []
    assert done["state"] == "delivered"
    assert courier.received[0].document["recipient"]["phone"] == marks["phone"]


async def test_a_key_covers_a_share_that_waits(gateway: House, courier: FakePartner) -> None:
    """A repeat gets the same 202, and it is sent once."""
    first = await accepted(gateway, idempotency_key="k-1")
    second = await accepted(gateway, idempotency_key="k-1")
    other = await gateway.share(idempotency_key="k-1", path="/v2/shipments/X", **LATER)
    now = await gateway.share(idempotency_key="k-1")
    async with gateway.courier_at_work():
        done = await gateway.state_of(first)
    third = await accepted(gateway, idempotency_key="k-1")

    assert first.share == second.share == third.share
    assert first.headers["Location"] == second.headers["Location"]
    assert other.code == now.code == "idempotency-mismatch"
    assert done["state"] == "delivered"
    assert len(courier.arrivals) == 1


async def test_a_ledger_that_takes_nothing_accepts_nothing(gateway: House) -> None:
    """Without a durable place for it, a share is not accepted."""

    async def refuse(*anything: Any) -> Any:
        raise StoreFailed("the disk is full")

    store: Any = gateway.gateway.store
    store.enqueue = refuse
    reply = await gateway.share(**LATER)

    assert (reply.status, reply.code) == (503, "ledger-unavailable")
    assert reply.json()["disclosed"] == "no"


async def test_a_service_whose_token_ran_out_is_served_all_the_same(gateway: House) -> None:
    """What counts is that the token was good when the share was accepted."""
    reply = await accepted(gateway)
    gateway.clock.advance(seconds=7200)
    async with gateway.courier_at_work():
        done = await gateway.state_of(reply)

    assert done["state"] == "delivered"
    assert PATH in gateway.recipients["swift-parcel"].received[0].request.target


async def test_one_silent_partner_does_not_hold_up_others(open_house: OpenHouse) -> None:
    """Whoever waits for a partner leaves room for the rest."""
    house = await open_house(
        a_plain(id="silent"),
        a_plain(id="quick"),
        settings={"GATEWAY_ASYNC__IN_FLIGHT": "12"},
    )
    house.recipients["silent"].script.always(Silence())
    body: Any = {"value": 1}
    for _ in range(30):
        await house.share("silent", "/things", body, **LATER)
    reply = await house.share("quick", "/things", body, **LATER)
    async with house.courier_at_work():
        done = await house.state_of(reply)

    assert done["state"] == "delivered"
