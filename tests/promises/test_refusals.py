"""
Every code of the contract's table, once, through the real interface (§6).

A scene opens a gateway, asks for one thing and gives the house and the answer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, NamedTuple

import pytest

from gateway.errors import StoreFailed
from gateway.testing.behaviour import Cut, CutAt, Silence, wrong_type
from gateway.testing.builders import REMOVE
from gateway.testing.client import Reply
from gateway.testing.keys import PartnerKeys
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import ORDER, House, a_courier, problem_of
from tests.promises.manifests import a_locator, a_plain, a_post_abroad, an_advertiser

Scene = Callable[[OpenHouse], Awaitable[tuple[House, Reply]]]
CLICK = {"event": "click"}


class Row(NamedTuple):
    """One row of the table."""

    code: str
    status: int
    scene: Scene
    disclosed: str = "no"
    leaf: bool = True
    """A refusal makes one; what is refused for its token does not."""
    received: int = 0


def asking(manifest: dict[str, Any] | None = None, **request: Any) -> Scene:
    """One request to a house with one recipient."""

    async def scene(open_house: OpenHouse) -> tuple[House, Reply]:
        house = await open_house(manifest or a_courier())
        return house, await house.share(**request)

    return scene


def with_token(**claims: Any) -> Scene:
    """The usual share with a token that is short of something."""

    async def scene(open_house: OpenHouse) -> tuple[House, Reply]:
        house = await open_house(a_courier())
        return house, await house.share(token=house.token(**claims))

    return scene


def advertising(*consents: dict[str, Any], **request: Any) -> Scene:
    """An event for the affiliate, after these consents."""

    async def scene(open_house: OpenHouse) -> tuple[House, Reply]:
        house = await open_house(an_advertiser())
        for consent in consents:
            await house.consent(**consent)
        path, options = "/v3/events", {"purpose": "advertising", **request}
        return house, await house.share("bright-reach", path, CLICK, **options)

    return scene


async def too_large(open_house: OpenHouse) -> tuple[House, Reply]:
    """A body of a byte more than the home allows."""
    house = await open_house(a_plain(), settings={"GATEWAY_LIMITS__BODY": "1000"})
    body = json.dumps({"value": "x" * 987}).encode()
    assert len(body) == 1000
    assert (await house.share("plain", "/things", body)).status == 200
    house.recipients["plain"].received.clear()
    return house, await house.share("plain", "/things", body + b" ")


async def erased(open_house: OpenHouse) -> tuple[House, Reply]:
    """A person who was deleted."""
    house = await open_house(a_courier())
    await house.erase("u-1")
    return house, await house.share()


async def restricted(open_house: OpenHouse) -> tuple[House, Reply]:
    """A person behind a fence."""
    house = await open_house(a_courier())
    await house.facts(minor=False)
    await house.fence("u-1")
    return house, await house.share()


async def suspended(open_house: OpenHouse) -> tuple[House, Reply]:
    """A recipient that an operator stopped."""
    house = await open_house(a_courier())
    await house.ask("POST", "/v1/partners/swift-parcel/suspend")
    return house, await house.share()


async def minor(open_house: OpenHouse) -> tuple[House, Reply]:
    """A person under 18, on the core function."""
    house = await open_house(a_courier())
    await house.facts(minor=True)
    return house, await house.share()


async def withdrawn(open_house: OpenHouse) -> tuple[House, Reply]:
    """Consent that was given and taken back."""
    house = await open_house(an_advertiser())
    await house.withdraw(await house.consent())
    path = "/v3/events"
    return house, await house.share("bright-reach", path, CLICK, purpose="advertising")


async def not_separate(open_house: OpenHouse) -> tuple[House, Reply]:
    """Consent among other things, where it must be asked for by itself."""
    house = await open_house(a_locator())
    await house.consent(purpose="location-services", method="explicit")
    purpose, body = "location-services", {"city": "成都"}
    return house, await house.share("near-by", "/v1/nearby", body, purpose=purpose)


async def in_progress(open_house: OpenHouse) -> tuple[House, Reply]:
    """A repeat while the first still runs."""
    house = await open_house(a_courier(upstream={"timeout": "1s"}))
    courier = house.recipients["swift-parcel"]
    courier.script.next(Silence())
    first = asyncio.create_task(house.share(idempotency_key="k-1"))
    while not courier.received:
        await asyncio.sleep(0.005)
    courier.received.clear()
    second = await house.share(idempotency_key="k-1")
    first.cancel()
    return house, second


async def mismatch(open_house: OpenHouse) -> tuple[House, Reply]:
    """A key that was used for another request."""
    house = await open_house(a_courier())
    await house.share(idempotency_key="k-1")
    house.recipients["swift-parcel"].received.clear()
    return house, await house.share(path="/v2/shipments/LO-2", idempotency_key="k-1")


async def rate_limited(open_house: OpenHouse) -> tuple[House, Reply]:
    """A gateway that lets no share be in flight."""
    house = await open_house(a_courier(), settings={"GATEWAY_LIMITS__SHARES": "0"})
    reply = await house.share()
    assert int(reply.headers["Retry-After"]) >= 1
    return house, reply


async def no_key(open_house: OpenHouse) -> tuple[House, Reply]:
    """A recipient whose only key is bound to another purpose."""
    keys = PartnerKeys.generate("swift-parcel", purposes=("payment",))
    house = await open_house(a_courier(), keys={"swift-parcel": keys})
    return house, await house.share()


async def no_ledger(open_house: OpenHouse) -> tuple[House, Reply]:
    """A ledger that takes nothing more."""
    house = await open_house(a_courier())

    async def refuse(*anything: Any) -> Any:
        raise StoreFailed("the disk is full")

    store: Any = house.gateway.store
    store.intend = store.append = store.refuse = refuse
    return house, await house.share()


async def unreachable(open_house: OpenHouse) -> tuple[House, Reply]:
    """A recipient that is not there."""
    house = await open_house(a_courier())
    await house.recipients["swift-parcel"].stop()
    return house, await house.share()


def behaving(behaviour: Any) -> Scene:
    """A recipient that misbehaves once."""

    async def scene(open_house: OpenHouse) -> tuple[House, Reply]:
        house = await open_house(a_courier(upstream={"timeout": "300ms"}))
        house.recipients["swift-parcel"].script.next(behaviour)
        return house, await house.share()

    return scene


async def invalid_request(open_house: OpenHouse) -> tuple[House, Reply]:
    """A consent that lacks nearly everything."""
    house = await open_house(a_courier())
    return house, await house.ask("POST", "/v1/consents", {"subject": "u-1"})


async def nothing_there(open_house: OpenHouse) -> tuple[House, Reply]:
    """An address of nothing."""
    house = await open_house(a_courier())
    return house, await house.ask("GET", "/v1/nothing")


DEEP = b'{"value": ' + b"[" * 64 + b"]" * 64 + b"}"
BEFORE = {"expires": date(2026, 8, 1)}
STRICT = {"prefer": "handling=strict"}
TEXT = {"headers": {"Content-Type": "text/plain"}}
SAY = {"note": "请致电 13900001111"}

TABLE = (
    Row("token-missing", 401, asking(token=""), leaf=False),
    Row("token-invalid", 401, asking(token="no.such.token"), leaf=False),
    Row("service-not-permitted", 403, with_token(partners=["harbour-pay"])),
    Row("partner-unknown", 404, asking(partner="nobody")),
    Row("route-not-declared", 404, asking(path="/v2/parcels")),
    Row("subject-missing", 400, asking(subject=None)),
    Row("subject-malformed", 400, asking(subject=None, headers={"Sharing-Subject": "%E4%B8"})),
    Row("purpose-missing", 400, asking(purpose=None)),
    Row("body-malformed", 400, asking(body=b'{"recipient": ')),
    Row("body-too-deep", 400, asking(body=DEEP)),
    Row("body-too-large", 413, too_large),
    Row("body-type-unsupported", 415, asking(body=b"hello", **TEXT)),
    Row("subject-erased", 403, erased),
    Row("subject-restricted", 403, restricted),
    Row("partner-not-active", 403, asking(a_courier(state="draft"))),
    Row("partner-suspended", 403, suspended),
    Row("agreement-missing", 403, asking(a_courier(agreement=REMOVE))),
    Row("agreement-expired", 403, asking(a_courier(agreement=BEFORE))),
    Row("purpose-unknown", 403, asking(purpose="shipping")),
    Row("purpose-not-permitted", 403, asking(purpose="payment")),
    Row("ground-not-permitted", 403, asking(ground="rights-protection")),
    Row("evidence-missing", 403, asking(ground="dispute")),
    Row("evidence-not-valid", 403, asking(ground="dispute", evidence='"CASE-7"')),
    Row("opted-out", 403, advertising({}, headers={"Sec-GPC": "1"})),
    Row("guardian-consent-missing", 403, minor),
    Row("consent-missing", 403, advertising()),
    Row("consent-withdrawn", 403, withdrawn),
    Row("consent-stale", 403, advertising({"purpose_version": 2})),
    Row("separate-consent-missing", 403, not_separate),
    Row(
        "cross-border-consent-missing",
        403,
        asking(a_post_abroad(), partner="island-post", path="/v1/parcels", body={"address": "1"}),
    ),
    Row(
        "territory-not-permitted",
        403,
        asking(
            a_post_abroad(territory="KP"),
            partner="island-post",
            path="/v1/parcels",
            body={"address": "1"},
        ),
    ),
    Row("undeclared-fields", 422, asking(body={**ORDER, "birthday": "1990-05-01"}, **STRICT)),
    Row("required-field-missing", 422, asking(body={"items": []})),
    Row("field-type-mismatch", 422, asking(body={**ORDER, "items": [{"quantity": "two"}]})),
    Row("personal-data-detected", 422, asking(body={**ORDER, **SAY})),
    Row("idempotency-in-progress", 409, in_progress),
    Row("idempotency-mismatch", 422, mismatch),
    Row("rate-limited", 429, rate_limited),
    Row("sealing-key-missing", 503, no_key),
    Row("ledger-unavailable", 503, no_ledger, leaf=False),
    Row("partner-unreachable", 502, unreachable, leaf=False),
    Row("partner-response-refused", 502, behaving(wrong_type()), "yes", False, 1),
    Row("partner-timeout", 504, behaving(Silence()), "maybe", False, 1),
    Row("outcome-unknown", 504, behaving(Cut(CutAt.BEFORE_HEADERS)), "maybe", False, 1),
    Row("request-invalid", 400, invalid_request, leaf=False),
    Row("not-found", 404, nothing_there, leaf=False),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)
async def test_every_code_is_answered_as_the_contract_says(row: Row, open_house: OpenHouse) -> None:
    """A refusal has its status, its header, a whole problem document, and its leaf."""
    house, reply = await row.scene(open_house)
    told = problem_of(reply)
    refusals = [leaf["code"] for leaf in await house.leaves("refusal")]

    assert (told["code"], reply.status) == (row.code, row.status)
    assert told["disclosed"] == row.disclosed
    assert refusals == [row.code] * row.leaf
    assert sum(len(one.received) for one in house.recipients.values()) == row.received


async def test_each_code_has_a_page_for_people(gateway: House) -> None:
    """The type of every problem leads to a page that says what to do."""
    for row in TABLE:
        page = await gateway.ask("GET", f"/problems/{row.code}", token="")
        assert page.status == 200, row.code
        assert page.headers["Content-Type"].startswith("text/html")
        assert row.code in page.body.decode()
    assert (await gateway.ask("GET", "/problems/made-up", token="")).status == 404


@promise("P2")
async def test_a_refusal_repeats_nothing_that_was_sent(gateway: House) -> None:
    """No value and no undeclared name comes back in a refusal, and none is in its leaf."""
    body = {"recipient": {"address": "春熙路9号"}, "secret-habit": "bird watching"}
    replies = [
        await gateway.share(body={**body, "items": [{"quantity": "birdwatch"}]}),
        await gateway.share(body=body, prefer="handling=strict"),
        await gateway.share(purpose="春熙路-purpose"),
        await gateway.share("bird-watching-gmbh", body=body),
        await gateway.share(path="/secret-habit", body=body),
        await gateway.share(body=body, ground="secret-habit", token=gateway.token(grounds=["*"])),
    ]
    written = json.dumps(await gateway.leaves(), ensure_ascii=False)
    told = "".join(reply.body.decode() + str(dict(reply.headers)) for reply in replies) + written

    assert all(reply.code for reply in replies)
    for word in ("春熙路", "secret-habit", "bird", "9号"):
        assert word not in told


async def test_grounds_of_a_token_are_names_and_not_patterns(gateway: House) -> None:
    """A star among the grounds of a token stands for itself."""
    reply = await gateway.share(ground="dispute", token=gateway.token(grounds=["*"]))

    assert reply.code == "service-not-permitted"


async def test_nothing_is_carried_for_a_purpose_in_another_version(gateway: House) -> None:
    """A share for version 2 of a route for version 1 is refused, for version 1 carried."""
    first = await gateway.share(purpose="order-fulfilment@1")
    second = await gateway.share(purpose="order-fulfilment@2")

    assert first.status == 200
    assert second.code == "purpose-not-permitted"
