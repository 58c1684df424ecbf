"""Values that stay with us while a recipient holds a token for them (contract §4; S4c)."""

import asyncio
import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import jwt
import pytest

from gateway.errors import StoreFailed
from gateway.flows.tokens import mark_of
from gateway.recipient import RecipientError, open_sealed, sign_redemption
from gateway.testing.client import Reply
from gateway.testing.keys import PartnerKeys
from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, problem_of
from tests.promises.manifests import a_locator, a_plain, an_advertiser

PHONE = "13800138000"
JOSE = {"Content-Type": "application/jose"}
DAY = timedelta(days=1)


def a_caller(transform: Any = "token", *, id: str = "plain", **more: Any) -> Any:
    """A processor that gets a phone number as a token."""
    return a_plain({"/phone": {"category": "basic.phone", "transform": transform}}, id=id, **more)


@pytest.fixture
def manifests() -> Any:
    """Two processors that get tokens."""
    return [a_caller(), a_caller(id="other")]


async def a_token_of(house: House, value: Any = PHONE, **options: Any) -> str:
    """Share a number; the token that the recipient got for it."""
    options = {"partner": "plain", **options}
    reply = await house.share(path="/things", body={"phone": value}, **options)
    assert reply.status == 200, reply.json()
    token: str = house.recipients[options["partner"]].received[-1].document["phone"]
    return token


def signed(house: House, token: str, **changes: Any) -> str:
    """A redemption by `plain` for what its tokens left for, unless a test says otherwise."""
    sender: FakePartner = house.recipients[changes.pop("by", "plain")]
    arguments: dict[str, Any] = {
        "partner": sender.id,
        "audience": house.public_url,
        "token": token,
        "purpose": "order-fulfilment",
        "now": house.clock(),
        **changes,
    }
    return sign_redemption(arguments.pop("key", sender.keys.signature), **arguments)


async def post(house: House, jws: str, headers: dict[str, str] | None = None) -> Reply:
    """`POST /tokens/redeem` on the public listener."""
    return await house._partner.request(
        "POST", "/tokens/redeem", jws.encode(), headers=JOSE if headers is None else headers
    )


async def redeemed(house: House, token: str, **changes: Any) -> Reply:
    """Redeem a token."""
    return await post(house, signed(house, token, **changes))


def value_in(house: House, reply: Reply, **expected: Any) -> Any:
    """The value of an answer, opened with the kit."""
    assert reply.status == 200, reply.json()
    arguments: dict[str, Any] = {"partner": "plain", "purpose": "order-fulfilment", **expected}
    keys = house.recipients[arguments["partner"]].keys.private_jwks()
    return json.loads(open_sealed(reply.body.decode(), keys, **arguments))


@promise("S4c")
@pytest.mark.parametrize("value", [PHONE, "", "欧阳明", 13800138000, 1.5, True])
async def test_a_token_is_redeemed_for_its_value(value: Any, gateway: House) -> None:
    """The recipient that holds it gets the value, sealed for it and the purpose it left for."""
    token = await a_token_of(gateway, value)
    reply = await redeemed(gateway, token)
    header = json.loads(urlsafe_b64decode(reply.body.split(b".")[0] + b"=="))
    share = gateway.recipients["plain"].received[-1].share

    assert reply.headers["Content-Type"] == "application/jose"
    assert value_in(gateway, reply, jti=share) == value
    assert (header["purpose"], header["purpose_version"]) == ("order-fulfilment", 1)
    assert (header["cty"], header["jti"]) == ("json", share)
    assert PHONE.encode() not in reply.body
    with pytest.raises(RecipientError, match="purpose-mismatch"):
        value_in(gateway, reply, purpose="advertising")


@promise("S4c")
async def test_a_redemption_is_in_the_ledger(gateway: House) -> None:
    """One leaf for each, that leads to the person only while their key is there, and no value."""
    token = await a_token_of(gateway)
    await redeemed(gateway, token)
    await redeemed(gateway, token, by="other")
    await redeemed(gateway, "tok_made_up")
    granted, foreign, unknown = await gateway.leaves("redemption")
    (intent,) = await gateway.leaves("intent")

    assert (granted["result"], granted["partner"]) == ("granted", "plain")
    assert (granted["purpose"], granted["share"]) == ("order-fulfilment", intent["share"])
    assert granted["categories"] == ["basic.phone"]
    assert granted["subject"] != intent["subject"]
    assert len(granted["token"]) == 64
    assert (foreign["result"], foreign["partner"]) == ("service-not-permitted", "other")
    assert {"share", "subject", "token"}.isdisjoint(foreign)
    assert (unknown["result"], "subject" in unknown) == ("not-found", False)
    for text in (token, PHONE):
        assert text not in json.dumps([granted, foreign, unknown])
    # It stands in the ledger, and the account of disclosures has the share that it came by.
    assert len(await gateway.disclosures()) == 1


@promise("S4c")
async def test_a_token_is_good_for_its_recipient_and_purpose_only(gateway: House) -> None:
    """Another recipient's is 403, another purpose is 403, one that nobody gave is 404."""
    token = await a_token_of(gateway)
    other = await redeemed(gateway, token, by="other")
    purpose = await redeemed(gateway, token, purpose="advertising")
    made_up = await redeemed(gateway, token, purpose="made-up")
    unknown = await redeemed(gateway, "tok_" + "0" * 32)

    assert (other.status, other.code) == (403, "service-not-permitted")
    assert (purpose.status, purpose.code) == (403, "purpose-not-permitted")
    assert (made_up.status, made_up.code) == (403, "purpose-not-permitted")
    assert (unknown.status, unknown.code) == (404, "not-found")
    for reply in (other, purpose, unknown):
        assert "S4c" in problem_of(reply)["clause"]
        assert token not in reply.body.decode()
    assert value_in(gateway, await redeemed(gateway, token)) == PHONE


@promise("S4c")
@pytest.mark.parametrize(
    "wrong",
    [
        {"partner": "other"},
        {"partner": "nobody"},
        {"audience": "https://elsewhere.example"},
        {"key": "strange"},
        {"now": -301},
        {"now": 301},
    ],
    ids=str,
)
async def test_what_does_not_verify_redeems_nothing(wrong: Any, gateway: House) -> None:
    """Another key, another gateway, an old or early signature: 401, and no leaf."""
    token = await a_token_of(gateway)
    changes = dict(wrong)
    if changes.get("key") == "strange":
        changes["key"] = PartnerKeys.generate("plain").signature
    if "now" in changes:
        changes["now"] = gateway.clock() + timedelta(seconds=changes["now"])
    reply = await redeemed(gateway, token, **changes)

    assert (reply.status, reply.code) == (401, "token-invalid")
    assert await gateway.leaves("redemption") == []


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"", "application/jose", 401),
        (b"a.b.c", "application/jose", 401),
        ("欧.b.c".encode(), "application/jose", 401),
        (b"{}", "application/json", 415),
        (b"x" * 70_000, "application/jose", 413),
    ],
)
async def test_other_bodies_redeem_nothing(
    body: bytes, media: str, status: int, gateway: House
) -> None:
    """Whatever is no compact JWS is refused with a problem."""
    headers = {"Content-Type": media}
    reply = await gateway._partner.request("POST", "/tokens/redeem", body, headers=headers)

    assert reply.status == status
    assert problem_of(reply)["disclosed"] == "no"


async def test_a_receipt_is_no_redemption(gateway: House) -> None:
    """What was signed as something else, with the same claims, is refused."""
    token = await a_token_of(gateway)
    jws = signed(gateway, token)
    claims = jwt.decode(jws, options={"verify_signature": False})
    key = gateway.recipients["plain"].keys.signature
    private = jwt.PyJWK.from_dict(dict(key)).key
    headers = {"kid": key["kid"], "typ": "sharing-receipt+jwt"}
    reply = await post(gateway, jwt.encode(claims, private, algorithm="EdDSA", headers=headers))

    assert reply.status == 401


@promise("S4c")
async def test_the_very_same_redemption_counts_once(open_house: OpenHouse) -> None:
    """Who did not get the answer asks again with the same bytes, for five minutes, at no cost."""
    house = await open_house(a_caller({"token": {"uses": 2}}))
    token = await a_token_of(house)
    jws = signed(house, token)
    same = [await post(house, jws) for _ in range(3)]
    second = await redeemed(house, token)
    third = await redeemed(house, token)
    again = await post(house, jws)
    house.clock.advance(timedelta(seconds=301))
    late = await post(house, jws)

    assert [value_in(house, reply) for reply in (*same, second, again)] == [PHONE] * 5
    assert len({reply.body for reply in same}) == 3
    assert (third.status, third.code) == (403, "service-not-permitted")
    assert late.status == 401
    results = [leaf["result"] for leaf in await house.leaves("redemption")]
    assert results == ["granted"] * 4 + ["service-not-permitted", "granted"]


async def test_an_id_that_was_used_is_good_for_nothing_else(gateway: House) -> None:
    """A second redemption under the id of a first is refused."""
    tokens = [await a_token_of(gateway) for _ in range(2)]
    key = gateway.recipients["plain"].keys.signature
    private = jwt.PyJWK.from_dict(dict(key)).key
    headers = {"kid": key["kid"], "typ": "sharing-redemption+jwt"}
    usual = jwt.decode(signed(gateway, tokens[0]), options={"verify_signature": False})
    replies = [
        await post(
            gateway, jwt.encode(usual | {"token": one}, private, algorithm="EdDSA", headers=headers)
        )
        for one in tokens
    ]

    assert [reply.status for reply in replies] == [200, 401]


@promise("S4c")
async def test_uses_are_counted_also_at_once(open_house: OpenHouse) -> None:
    """Of many redemptions at the same moment no more are granted than the manifest says."""
    house = await open_house(a_caller({"token": {"uses": 3}}))
    token = await a_token_of(house)
    replies = await asyncio.gather(*(redeemed(house, token) for _ in range(8)))

    assert sorted(reply.status for reply in replies) == [200] * 3 + [403] * 5


@promise("S4c", "P6")
@pytest.mark.parametrize(
    ("transform", "lasts"), [("token", 30 * DAY), ({"token": {"ttl": "7d"}}, 7 * DAY)]
)
async def test_a_token_ends(transform: Any, lasts: timedelta, open_house: OpenHouse) -> None:
    """With the route's retention, or sooner where the manifest says so; then the value is gone."""
    house = await open_house(a_caller(transform))
    token = await a_token_of(house)
    house.clock.advance(lasts - timedelta(seconds=1))
    before = await redeemed(house, token)
    house.clock.advance(timedelta(seconds=1))
    after = await redeemed(house, token)
    house.clock.advance(timedelta(seconds=2))
    while await house.gateway.store.forget_old(house.clock()):
        pass
    forgotten = await redeemed(house, token)
    stored = await house.gateway.store.token(_mark(house, token))

    assert value_in(house, before) == PHONE
    for reply in (after, forgotten):
        assert (reply.status, reply.code) == (403, "service-not-permitted")
        assert {"S4c", "P6"} <= set(reply.clause)
    assert stored is not None
    assert stored.sealed == b""


def _mark(house: House, token: str) -> bytes:
    return mark_of(house.gateway, token)


@promise("S4a", "S4c")
async def test_a_suspended_recipient_redeems_nothing(gateway: House) -> None:
    """From the suspension on; after the resumption it does again."""
    token = await a_token_of(gateway)
    await gateway.ask("POST", "/v1/partners/plain/suspend")
    suspended = await redeemed(gateway, token)
    await gateway.ask("POST", "/v1/partners/plain/resume")
    resumed = await redeemed(gateway, token)

    assert (suspended.status, suspended.code) == (403, "partner-suspended")
    assert resumed.status == 200


@promise("S4a", "S4c")
async def test_without_an_agreement_nothing_is_redeemed(open_house: OpenHouse) -> None:
    """The day on which the agreement ends ends the tokens too."""
    house = await open_house(a_caller(retention="3650d"))
    token = await a_token_of(house)
    house.clock.advance(1200 * DAY)
    reply = await redeemed(house, token)

    assert (reply.status, reply.code) == (403, "agreement-expired")


@promise("S4c", "S3")
async def test_a_route_that_is_gone_redeems_nothing(gateway: House) -> None:
    """Whose manifest no longer has the purpose gets nothing by its old tokens."""
    token = await a_token_of(gateway)
    path = gateway.folder / "partners" / "plain.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("order-fulfilment@1", "customer-support@1"), "utf-8")
    assert await gateway.reload()
    changed = await redeemed(gateway, token)
    path.unlink()
    assert await gateway.reload()
    gone = await redeemed(gateway, token)

    assert (changed.status, changed.code) == (403, "purpose-not-permitted")
    assert (gone.status, gone.code) == (403, "partner-not-active")


@promise("S4c", "C3", "R5")
async def test_a_withdrawal_ends_what_rests_on_it(open_house: OpenHouse) -> None:
    """A token that left on consent is redeemed as long as that consent is live."""
    send = {"/os": {"category": "device.os", "transform": "token"}}
    house = await open_house(an_advertiser(routes={"only": {"send": send}}))
    id = await house.consent()
    reply = await house.share("bright-reach", "/v3/events", {"os": "A16"}, purpose="advertising")
    assert reply.status == 200
    token = house.recipients["bright-reach"].received[-1].document["os"]
    asked = {"by": "bright-reach", "purpose": "advertising"}
    before = await redeemed(house, token, **asked)
    await house.withdraw(id)
    after = await redeemed(house, token, **asked)

    assert before.status == 200
    assert (after.status, after.code) == (403, "consent-withdrawn")


@promise("S4c", "R5")
async def test_a_restricted_person_is_not_redeemed(gateway: House) -> None:
    """Behind a fence nothing of the person leaves, not by token either."""
    token = await a_token_of(gateway)
    await gateway.fence("u-1")
    reply = await redeemed(gateway, token)

    assert (reply.status, reply.code) == (403, "subject-restricted")


@promise("S4c", "A1")
async def test_a_redemption_in_flight_meets_the_fence(
    gateway: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion that comes between the decision and the answer is in time: nothing leaves."""
    token = await a_token_of(gateway)
    store: Any = gateway.gateway.store
    usual = store.redeem
    calls = []

    async def slow(redemption: Any) -> Any:
        calls.append(redemption)
        became = await usual(redemption)
        # It counts, and before the answer the person is fenced.
        await gateway.erase("u-1")
        return became

    monkeypatch.setattr(store, "redeem", slow)
    reply = await redeemed(gateway, token)

    assert (reply.status, reply.code) == (403, "subject-erased")
    assert len(calls) == 1
    leaf = (await gateway.leaves("redemption"))[-1]
    assert (leaf["result"], "subject" in leaf) == ("subject-erased", False)


@promise("S4c", "P4")
async def test_nothing_is_redeemed_while_the_ledger_cannot_be_written(
    gateway: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, and no value."""
    token = await a_token_of(gateway)

    async def refused(redemption: Any) -> Any:
        raise StoreFailed("the disk is full")

    monkeypatch.setattr(gateway.gateway.store, "redeem", refused)
    reply = await redeemed(gateway, token)

    assert (reply.status, reply.code) == (503, "ledger-unavailable")


async def test_a_recipient_without_a_fit_key_redeems_nothing(open_house: OpenHouse) -> None:
    """Without a key to seal for, nothing leaves."""
    keys = PartnerKeys.generate("plain", purposes=("advertising",))
    house = await open_house(a_caller(), keys={"plain": keys})
    token = await a_token_of(house)
    reply = await redeemed(house, token)

    assert (reply.status, reply.code) == (503, "sealing-key-missing")


async def test_redemptions_are_counted_and_logged(gateway: House) -> None:
    """A metric by result."""
    token = await a_token_of(gateway)
    await redeemed(gateway, token)
    await redeemed(gateway, token, purpose="advertising")
    text = (await gateway.ask("GET", "/metrics")).body.decode()

    assert 'gateway_redemptions_total{partner="plain",result="granted"} 1.0' in text
    assert 'gateway_redemptions_total{partner="plain",result="purpose-not-permitted"} 1.0' in text


async def test_a_token_in_a_parameter_is_redeemed_too(open_house: OpenHouse) -> None:
    """Not only values of the body leave as tokens."""
    query = {"phone": {"category": "basic.phone", "transform": {"token": {"uses": 1}}}}
    house = await open_house(a_plain(query=query))
    await house.share("plain", "/things?phone=" + PHONE, {"value": 1})
    target = house.recipients["plain"].received[-1].request.target
    reply = await redeemed(house, target.partition("phone=")[2])

    assert value_in(house, reply) == PHONE


async def test_minority_is_looked_at_again(open_house: OpenHouse) -> None:
    """What left of somebody who turns out to be a minor is redeemed on the guardian's word only."""
    house = await open_house(a_caller(), a_locator())
    token = await a_token_of(house)
    await house.facts(minor=True)
    refused = await redeemed(house, token)
    await house.consent(purpose="order-fulfilment", by="guardian")
    carried = await redeemed(house, token)

    assert (refused.status, refused.code) == (403, "guardian-consent-missing")
    assert carried.status == 200
