"""A consent is withdrawn: it stops the very next share, and who rested on it is told (R5, C3)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.flows import withdrawals
from gateway.testing.behaviour import Delay
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import a_post_abroad, an_advertiser
from tests.promises.test_redemptions import PHONE, a_caller, a_token_of, redeemed, value_in

HOUR = timedelta(hours=1)


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """Two affiliates that get events on consent, and a processor that gets tokens."""
    manifests = [
        an_advertiser(),
        an_advertiser(partner="wide-reach", keys="keys/wide-reach.jwks.json"),
        a_caller(),
        a_post_abroad(),
    ]
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests)
        yield opened


async def event(house: CaseHouse, partner: str = "bright-reach", **options: Any) -> Reply:
    """One event for an affiliate."""
    options = {"purpose": "advertising", **options}
    return await house.share(partner, "/v3/events", {"event": "click"}, **options)


async def withdrawn(house: CaseHouse, id: str, *, notify: bool = True) -> dict[str, Any]:
    """Withdraw a consent, and tell."""
    reply = await house.ask("POST", f"/v1/consents/{id}/withdraw", {"notify": notify})
    assert reply.status == 200, reply.json()
    answer: dict[str, Any] = reply.json()
    assert set(answer) == {"withdrawn_at", "case"}
    return answer


@promise("R5")
async def test_a_withdrawal_tells_who_got_data_under_the_purpose(house: CaseHouse) -> None:
    """Each of them once, with a notice of its own type; who got data for something else is not."""
    id = await house.consent()
    for partner in ("bright-reach", "wide-reach"):
        assert (await event(house, partner)).status == 200
    await a_token_of(house)
    answer = await withdrawn(house, id)
    case = await house.until_closed(answer["case"])

    assert (case["action"], case["reason"]) == ("withdraw", "consent-withdrawn")
    assert sorted(one["partner"] for one in case["notices"]) == ["bright-reach", "wide-reach"]
    for partner in ("bright-reach", "wide-reach"):
        (came,) = house.recipients[partner].notices.received
        assert came.type == "subject.withdraw"
        assert came.data is not None
        assert came.data["purposes"] == ["advertising"]
        assert came.data["subject"] == house.recipients[partner].received[0].claims["sub"]
    assert house.recipients["plain"].notices.received == []


@promise("R5")
async def test_a_withdrawal_destroys_nothing(house: CaseHouse) -> None:
    """What was done before stays valid: the account, the ledger and other purposes go on."""
    id = await house.consent()
    await event(house)
    before = await house.leaves("intent")
    answer = await withdrawn(house, id)
    await house.until_closed(answer["case"])
    refused = await event(house)
    other = await house.share("plain", "/things", {"phone": PHONE})

    assert (refused.code, other.status) == ("consent-withdrawn", 200)
    assert (await house.leaves("intent"))[: len(before)] == before
    assert len(await house.disclosures()) == 2
    assert await house.leaves("fence") == []


@promise("R5")
async def test_a_withdrawal_is_told_once(house: CaseHouse) -> None:
    """Whoever says it again gets the same case, told to or not."""
    id = await house.consent()
    await event(house)
    first = await withdrawn(house, id)
    house.clock.advance(HOUR)
    again = await withdrawn(house, id)
    silent = await withdrawn(house, id, notify=False)
    at_once = await asyncio.gather(*(withdrawn(house, id) for _ in range(4)))

    assert first["case"] is not None
    assert [again, silent, *at_once] == [first] * 6
    assert len((await house.ask("GET", "/v1/cases")).json()["cases"]) == 1
    await house.until_closed(first["case"])
    assert len(house.recipients["bright-reach"].notices.received) == 1


@promise("R5")
async def test_nobody_is_told_unless_asked(house: CaseHouse) -> None:
    """Without `notify`, and where nobody has anything, there is no case."""
    quiet, alone = await house.consent(), await house.consent("u-2")
    await event(house)
    without = await withdrawn(house, quiet, notify=False)
    nobody = await withdrawn(house, alone)
    bare = await house.ask("POST", f"/v1/consents/{alone}/withdraw")
    none = await house.ask("POST", "/v1/consents/con_nothing/withdraw", {"notify": True})
    later = await withdrawn(house, quiet)

    assert (without["case"], nobody["case"], bare.json()["case"]) == (None, None, None)
    assert (none.status, none.code) == (404, "not-found")
    assert later["withdrawn_at"] == without["withdrawn_at"]
    assert later["case"] is not None


@promise("R5")
async def test_a_consent_for_one_recipient_is_told_to_that_one(house: CaseHouse) -> None:
    """The others rest on their own."""
    await house.consent(partner="wide-reach")
    id = await house.consent(partner="bright-reach")
    for partner in ("bright-reach", "wide-reach"):
        assert (await event(house, partner)).status == 200
    answer = await withdrawn(house, id)
    case = await house.case(answer["case"])

    assert [one["partner"] for one in case["notices"]] == ["bright-reach"]
    assert (await event(house, "wide-reach")).status == 200


@promise("R5", "K1")
async def test_a_consent_to_cross_a_border_is_told_beyond_it(house: CaseHouse) -> None:
    """Of a record with a scope those are told whom it was about, and nobody at home."""
    id = await house.consent(purpose="order-fulfilment", scope="cross-border")
    assert (await house.share("island-post", "/v1/parcels", {"address": "1"})).status == 200
    await a_token_of(house)
    answer = await withdrawn(house, id)
    case = await house.case(answer["case"])
    refused = await house.share("island-post", "/v1/parcels", {"address": "1"})

    assert [one["partner"] for one in case["notices"]] == ["island-post"]
    assert refused.code == "cross-border-consent-missing"


async def test_a_consent_to_what_is_sensitive_is_told_of_that(house: CaseHouse) -> None:
    """Who got nothing sensitive is not told."""
    id = await house.consent(scope="sensitive")
    await house.consent()
    await event(house)

    assert (await withdrawn(house, id))["case"] is None


@promise("R5")
async def test_a_withdrawal_has_receipts_and_a_certificate(house: CaseHouse) -> None:
    """It is settled and proven as every case is."""
    id = await house.consent()
    await event(house)
    sender = house.recipients["bright-reach"]
    sender.notices.plan = acknowledge_only()
    case = (await withdrawn(house, id))["case"]
    notice = await house.until(case, "bright-reach", state="acknowledged")
    early = await house.ask("GET", f"/v1/cases/{case}/certificate")
    receipt = await house.receipt(house.signed(sender, notice["notice"], "completed"))
    await house.until_closed(case)
    await house.sequenced()
    token = (await house.ask("GET", f"/v1/cases/{case}/certificate")).body.decode()
    claims = jwt.decode(token, options={"verify_signature": False})

    assert (early.status, early.code, receipt.status) == (409, "case-open", 200)
    assert (claims["action"], claims["state"]) == ("withdraw", "closed")
    assert len(claims["notices"][0]["receipts"]) == 1


@promise("R5", "C3")
async def test_a_crash_before_the_case_is_made_up_for(
    house: CaseHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose request ended between withdrawal and case says it again, and it is told."""
    id = await house.consent()
    await event(house)

    async def dies(*_: Any) -> Any:
        raise RuntimeError("as if the process had ended")

    with monkeypatch.context() as broken:
        broken.setattr(withdrawals, "_anybody", dies)
        reply = await house.ask("POST", f"/v1/consents/{id}/withdraw", {"notify": True})
    refused = await event(house)
    await house.restart()
    answer = await withdrawn(house, id)

    assert (reply.status, refused.code) == (500, "consent-withdrawn")
    await house.until_closed(answer["case"])


async def test_a_person_who_is_being_erased_is_told_of_once(house: CaseHouse) -> None:
    """The erasure tells everybody; a withdrawal beside it opens nothing."""
    id = await house.consent()
    await event(house)
    house.recipients["bright-reach"].script.next(Delay(seconds=0.5))
    in_flight = asyncio.create_task(event(house))
    while len(house.recipients["bright-reach"].arrivals) < 2:
        await asyncio.sleep(0.01)
    await house.opened_case()
    answer = await withdrawn(house, id)
    await in_flight

    assert answer["case"] is None


@promise("C3", "R5")
async def test_the_very_next_share_after_the_answer_is_refused(house: CaseHouse) -> None:
    """Again and again: with the 200 in hand, the next share of whatever kind is refused."""
    for number in range(10):
        subject = f"p-{number}"
        id = await house.consent(subject)
        queued = await event(house, subject=subject, prefer="respond-async")
        assert queued.status == 202
        await withdrawn(house, id, notify=False)
        later = await event(house, subject=subject, prefer="respond-async")
        now = await event(house, subject=subject)

        assert (now.code, later.code) == ("consent-withdrawn", "consent-withdrawn")
        async with house.courier_at_work():
            state = await house.state_of(queued)
        assert (state["state"], state["code"]) == ("refused", "consent-withdrawn")
    assert house.recipients["bright-reach"].arrivals == []


@promise("C3", "R5")
async def test_a_share_in_flight_is_stopped_before_its_first_byte(
    house: CaseHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided and recorded before the withdrawal, not yet on the wire: it does not leave."""
    id = await house.consent()
    store: Any = house.gateway.store
    usual = store.intend
    ready, go = asyncio.Event(), asyncio.Event()

    async def held(intent: Any) -> Any:
        recorded = await usual(intent)
        ready.set()
        await go.wait()
        return recorded

    monkeypatch.setattr(store, "intend", held)
    in_flight = asyncio.create_task(event(house))
    await ready.wait()
    await withdrawn(house, id, notify=False)
    go.set()
    reply = await in_flight
    (outcome,) = await house.leaves("outcome")

    assert reply.code == "consent-withdrawn"
    assert outcome["outcome"] == "not-sent"
    assert house.recipients["bright-reach"].arrivals == []


@promise("R5")
async def test_a_withdrawal_waits_for_a_share_on_its_way(house: CaseHouse) -> None:
    """A notice never overtakes the share it is about."""
    id = await house.consent()
    sender: FakePartner = house.recipients["bright-reach"]
    sender.script.next(Delay(seconds=0.3))
    in_flight = asyncio.create_task(event(house))
    while not sender.arrivals:
        await asyncio.sleep(0.01)
    answer = await withdrawn(house, id)
    assert (await in_flight).status == 200
    await house.until_closed(answer["case"])

    assert sender.received[0].request.order < sender.notices.received[0].order


@promise("S4c", "A1")
async def test_a_token_dies_with_the_person(house: CaseHouse) -> None:
    """From the acceptance of the deletion on; afterwards nobody knows the token."""
    sender = house.recipients["plain"]
    sender.notices.plan = acknowledge_only()
    token = await a_token_of(house)
    kept = await a_token_of(house, subject="u-2")
    assert value_in(house, await redeemed(house, token)) == PHONE
    sender.script.next(Delay(seconds=0.4))
    in_flight = asyncio.create_task(house.share("plain", "/things", {"phone": PHONE}))
    while len(sender.arrivals) < 3:
        await asyncio.sleep(0.01)
    await house.opened_case()
    under_way = await redeemed(house, token)
    await in_flight
    gone = under_way
    for _ in range(200):
        if gone.status == 404:
            break
        await asyncio.sleep(0.01)
        gone = await redeemed(house, token)

    assert (under_way.status, under_way.code) == (403, "subject-erased")
    assert (gone.status, gone.code) == (404, "not-found")
    assert value_in(house, await redeemed(house, kept)) == PHONE


@promise("S4c", "R2")
async def test_a_token_dies_with_the_part_that_it_is_of(house: CaseHouse) -> None:
    """A deletion of a part ends the tokens inside it for good, also once it is closed."""
    inside = await a_token_of(house)
    other = await house.opened_case(scope={"purposes": ["advertising"]})
    await house.until_closed(other["case"])
    still = await redeemed(house, inside)
    case = await house.opened_case(scope={"partners": ["plain"], "categories": ["basic"]})
    await house.until_closed(case["case"])
    gone = await redeemed(house, inside)

    assert still.status == 200
    assert (gone.status, gone.code) == (404, "not-found")
