"""Consent field by field (contract §8; D1)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.recipient import open_sealed, sign_redemption
from gateway.testing.client import Reply
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_consent, problem_of
from tests.promises.manifests import a_plain, a_stage, an_advertiser

NICKNAME = {"/nickname": {"category": "network.nickname", "transform": "mask-name"}}
WHOLE = {"nickname": "Lucky", "avatar": "https://img.example/1"}


@pytest.fixture
def manifests() -> Any:
    """A stage that shows nickname and avatar to the public, and an affiliate."""
    return [a_stage(routes={"only": {"send": NICKNAME}}), an_advertiser()]


async def shown(house: House, body: Any, **options: Any) -> Reply:
    """Show something of a person to the public."""
    options = {"purpose": "public-display", **options}
    return await house.share("stage", "/v1/profiles/u-1", body, method="PUT", **options)


async def agreed(house: House, *fields: str, **changes: Any) -> str:
    """The person chose these fields."""
    changes = {"purpose": "public-display", "method": "separate", **changes}
    return await house.consent(fields=list(fields), **changes)


def sent(house: House) -> list[Any]:
    """What reached the public."""
    return [one.document for one in house.recipients["stage"].received]


@promise("D1")
async def test_only_what_the_person_chose_is_shown(gateway: House) -> None:
    """The chosen field is carried; a share that would show another is refused, naming it."""
    await agreed(gateway, "/avatar")
    chosen = await shown(gateway, {"avatar": WHOLE["avatar"]})
    more = await shown(gateway, WHOLE)
    told = problem_of(more)

    assert chosen.status == 200
    assert (more.status, more.code) == (403, "consent-missing")
    assert {"D1", "S1"} <= set(told["clause"])
    assert "/nickname" in told["detail"]
    assert "Lucky" not in more.body.decode()
    assert sent(gateway) == [{"avatar": WHOLE["avatar"]}]
    (leaf,) = await gateway.leaves("refusal")
    assert (leaf["code"], "D1" in leaf["clause"]) == ("consent-missing", True)


@promise("D1")
async def test_a_consent_without_fields_covers_all_of_them(gateway: House) -> None:
    """As before: one word for the whole route."""
    await gateway.consent(purpose="public-display", method="separate")
    await gateway.consent(purpose="public-display", scope="sensitive")

    assert (await shown(gateway, WHOLE)).status == 200


@promise("D1")
async def test_consents_to_several_fields_add_up(gateway: House) -> None:
    """A field that was chosen later does not take back the one before."""
    await agreed(gateway, "/avatar")
    first = await shown(gateway, WHOLE)
    gateway.clock.advance(timedelta(hours=1))
    await agreed(gateway, "/nickname")
    alone = await shown(gateway, WHOLE)
    await agreed(gateway, "/nickname", scope="sensitive")
    both = await shown(gateway, WHOLE)

    assert (first.code, alone.code, both.status) == (
        "consent-missing",
        "separate-consent-missing",
        200,
    )


@promise("D1", "R5")
async def test_one_field_is_withdrawn_by_itself(gateway: House) -> None:
    """The others stay shown; with the last one gone nothing is."""
    avatar = await agreed(gateway, "/avatar")
    nickname = await agreed(gateway, "/nickname")
    await gateway.consent(purpose="public-display", scope="sensitive")
    both = await shown(gateway, WHOLE)
    await gateway.withdraw(nickname)
    still = await shown(gateway, {"avatar": WHOLE["avatar"]})
    refused = await shown(gateway, WHOLE)
    await gateway.withdraw(avatar)
    nothing = await shown(gateway, {"avatar": WHOLE["avatar"]})

    assert (both.status, still.status) == (200, 200)
    assert (refused.code, nothing.code) == ("consent-missing", "consent-withdrawn")
    assert "D1" in nothing.clause


@promise("D1", "R5")
async def test_a_withdrawal_of_the_whole_is_of_each_field(gateway: House) -> None:
    """Whoever takes everything back takes back what they had chosen before, too."""
    await agreed(gateway, "/avatar")
    gateway.clock.advance(timedelta(hours=1))
    whole = await gateway.consent(purpose="public-display", method="separate")
    gateway.clock.advance(timedelta(hours=1))
    await gateway.withdraw(whole)

    assert (await shown(gateway, {"avatar": WHOLE["avatar"]})).code == "consent-withdrawn"


@promise("D1")
async def test_fields_that_the_route_does_not_have_carry_nothing(gateway: House) -> None:
    """A consent to something else is none."""
    await agreed(gateway, "/hobby")
    reply = await shown(gateway, {"avatar": WHOLE["avatar"]})

    assert reply.code == "consent-missing"


@promise("D1", "C3")
async def test_other_purposes_are_limited_likewise(gateway: House) -> None:
    """What says nothing of the person needs no word; what does, needs its own."""
    await gateway.consent(fields=["/device/model"])
    refused = await gateway.share(
        "bright-reach", "/v3/events", {"event": "click"}, purpose="advertising"
    )
    await gateway.consent(fields=["/device/os"])
    body = {"event": "click", "device": {"os": "A16"}}
    carried = await gateway.share("bright-reach", "/v3/events", body, purpose="advertising")

    assert refused.code == "consent-missing"
    assert carried.status == 200


@promise("D1", "C3")
async def test_a_field_that_was_not_chosen_does_not_leave(open_house: OpenHouse) -> None:
    """Also not to an affiliate, nor later by the queue."""
    send = {"/device/model": {"category": "device.model"}}
    house = await open_house(an_advertiser(routes={"only": {"send": send}}))
    id = await house.consent(fields=["/device/os", "/device/model"])
    body = {"event": "click", "device": {"os": "A16", "model": "M1"}}
    queued = await house.share(
        "bright-reach", "/v3/events", body, purpose="advertising", prefer="respond-async"
    )
    await house.consent(fields=["/device/os"])
    await house.withdraw(id)
    async with house.courier_at_work():
        state = await house.state_of(queued)
    now = await house.share("bright-reach", "/v3/events", body, purpose="advertising")

    assert (state["state"], state["code"]) == ("refused", now.code)
    assert house.recipients["bright-reach"].arrivals == []


@promise("D1", "M1")
async def test_a_guardian_chooses_the_fields_of_a_minor(gateway: House) -> None:
    """Only what the guardian chose is shown, whatever the minor says."""
    await gateway.facts(minor=True)
    await agreed(gateway, "/avatar", by="guardian")
    await gateway.consent(purpose="public-display", method="separate")
    avatar = await shown(gateway, {"avatar": WHOLE["avatar"]})
    both = await shown(gateway, WHOLE)

    assert (avatar.status, both.code) == (200, "consent-missing")


@promise("D1", "S4c")
async def test_a_token_is_redeemed_while_its_field_is_chosen(open_house: OpenHouse) -> None:
    """Taking back one field ends the tokens of that field."""
    send = {"/device/os": {"category": "device.os", "transform": "token"}}
    house = await open_house(an_advertiser(routes={"only": {"send": send}}))
    id = await house.consent(fields=["/device/os"])
    await house.consent(fields=["/other"])
    body = {"event": "click", "device": {"os": "A16"}}
    assert (
        await house.share("bright-reach", "/v3/events", body, purpose="advertising")
    ).status == 200
    sender = house.recipients["bright-reach"]
    token = sender.received[-1].document["device"]["os"]

    async def redeemed() -> Reply:
        jws = sign_redemption(
            sender.keys.signature,
            partner=sender.id,
            audience=house.public_url,
            token=token,
            purpose="advertising",
            now=house.clock(),
        )
        return await house._partner.request(
            "POST",
            "/tokens/redeem",
            jws.encode(),
            headers={"Content-Type": "application/jose"},
        )

    before = await redeemed()
    await house.withdraw(id)
    after = await redeemed()
    opened = open_sealed(
        before.body.decode(),
        sender.keys.private_jwks(),
        partner=sender.id,
        purpose="advertising",
    )

    assert opened == b'"A16"'
    assert (after.status, after.code) in ((403, "consent-missing"), (403, "consent-withdrawn"))


async def test_fields_are_listed_as_they_were_chosen(gateway: House) -> None:
    """What a consent covers stands in the list, `null` where it is everything."""
    await agreed(gateway, "/avatar", "/nickname", "/avatar")
    await gateway.consent()
    rows = (await gateway.ask("GET", "/v1/subjects/u-1/consents")).json()["consents"]

    assert {row["purpose"]: row["fields"] for row in rows} == {
        "public-display": ["/avatar", "/nickname"],
        "advertising": None,
    }


@pytest.mark.parametrize("fields", [[], ["avatar"], "avatar", [""], [7], ["/a\n"], [None]])
async def test_fields_are_selectors(fields: Any, gateway: House) -> None:
    """What no manifest could declare is refused; an empty list is not taken for everything."""
    body = a_consent(gateway.clock(), fields=fields)
    reply = await gateway.ask("POST", "/v1/consents", body)

    assert (reply.status, reply.code) == (400, "request-invalid")


async def test_core_functions_do_not_ask(open_house: OpenHouse) -> None:
    """Where no consent carries a share, none limits it."""
    house = await open_house(a_plain({"/address": {"category": "basic.address"}}))
    await house.consent(purpose="order-fulfilment", fields=["/name"])

    assert (await house.share("plain", "/things", {"address": "1"})).status == 200
