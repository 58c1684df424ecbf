"""A correction reaches every recipient of the old value, and nobody else (R1)."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.recipient import Notice, open_changes
from gateway.testing.builders import a_manifest, write_manifest
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from gateway.testing.partner import FakePartner
from tests.cases.house import VERIFIED, CaseHouse
from tests.marks import promise
from tests.promises.house import ORDER, PATH, at_home, empty_home
from tests.promises.manifests import NOWHERE, a_plain
from tests.promises.test_redemptions import a_caller, a_token_of, redeemed, value_in

NEW_PHONE = "13912345678"
PHONE = {"basic.phone": NEW_PHONE}
SWIFT, SLOW = "swift-parcel", "slow-parcel"


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """Two couriers, one that gets a phone number masked, one that gets a token for it."""
    manifests = [
        *(a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)),
        a_plain(
            {
                "/phone": {"category": "basic.phone", "transform": "mask-phone"},
                "/id": {"category": "transaction.order"},
            },
            id="masked",
            seal="none",
        ),
        a_plain({"/id": {"category": "network.account"}}, id="other", seal="none"),
        a_caller(),
    ]
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests)
        yield opened


async def rectified(house: CaseHouse, changes: Any = None, **more: Any) -> dict[str, Any]:
    """A correction that was accepted."""
    given = {"action": "rectify", "changes": PHONE if changes is None else changes}
    return await house.opened_case(**given | more)


async def corrections(house: CaseHouse, case: str, partner: str) -> dict[str, Any]:
    """What a recipient reads in its notice of this case, with its own keys alone."""
    await house.until(case, partner, state="completed")
    recipient = house.recipients[partner]
    return {one.field: one.value for one in opened(recipient, recipient.notices.received[-1])}


def opened(recipient: FakePartner, came: Any) -> Any:
    notice = Notice(came.data, id=came.notice, type=came.type, timestamp=0)
    return open_changes(notice, recipient.keys.private_jwks(), partner=recipient.id)


async def order(house: CaseHouse, partner: str = SWIFT, **more: Any) -> None:
    """A parcel for a courier."""
    assert (await house.share(partner, PATH, ORDER, **more)).status == 200


@promise("R1")
async def test_a_correction_reaches_who_has_the_old_value(house: CaseHouse) -> None:
    """Sealed for each of them alone; nobody else hears of it, and nothing is fenced."""
    await order(house)
    case = await rectified(house)
    told = await corrections(house, case["case"], SWIFT)
    (came,) = house.recipients[SWIFT].notices.received

    assert [one["partner"] for one in case["notices"]] == [SWIFT]
    assert told == {"/recipient/phone": NEW_PHONE}
    assert (came.type, came.data["categories"]) == ("subject.rectify", ["basic.phone"])
    assert NEW_PHONE.encode() not in came.raw
    assert (await house.until_closed(case["case"]))["action"] == "rectify"
    assert (await house.share(SWIFT, PATH, ORDER)).status == 200
    assert await house.leaves("fence") == []


@promise("R1")
async def test_a_recipient_never_gets_more_than_it_had(house: CaseHouse) -> None:
    """Who got the number masked gets the new one masked."""
    assert (await house.share("masked", "/things", {"phone": "13800138000"})).status == 200
    case = await rectified(house)

    assert await corrections(house, case["case"], "masked") == {"/phone": "139****5678"}


@promise("R1")
async def test_the_form_of_then_and_of_now_count(house: CaseHouse) -> None:
    """By a manifest that masks since, the new value is masked; by one that masks otherwise, a
    person tells it.
    """
    assert (await house.share("masked", "/things", {"phone": "13800138000"})).status == 200
    await order(house)
    masked = {"/phone": {"category": "basic.phone", "transform": {"mask-tail": 4}}}
    changed = a_plain(masked, id="masked", seal="none")
    phone = {"send": {"/recipient/phone": {"transform": "mask-phone"}}}
    courier = a_manifest(SWIFT, base_url=NOWHERE, routes={"create-shipment": phone})
    for manifest in (changed, courier):
        recipient = house.recipients[manifest["partner"]]
        write_manifest(house.folder, recipient, at_home(manifest, recipient.base_url))
    house.clock.advance(timedelta(seconds=1))
    assert await house.reload()
    case = await rectified(house)

    assert await corrections(house, case["case"], SWIFT) == {"/recipient/phone": "139****5678"}
    assert (await house.notice(case["case"], "masked"))["reason"] == "manual"


@promise("R1")
async def test_fields_that_did_not_leave_are_not_told(house: CaseHouse) -> None:
    """A courier that never got the number hears nothing of it, and of the name its mask."""
    body = {"recipient": {"name": "欧阳明", "address": "成都市锦江区1号"}}
    assert (await house.share(SWIFT, PATH, body)).status == 200
    case = await rectified(house, {**PHONE, "basic.name": "司马光"})

    assert list(await corrections(house, case["case"], SWIFT)) == ["/recipient/name"]
    assert "光" not in str(house.recipients[SWIFT].notices.received[0].raw)


@promise("R1")
async def test_a_field_is_one_recipients_own(house: CaseHouse) -> None:
    """A change may name a field instead of a category, and the scope may say whose it is."""
    await order(house)
    await order(house, SLOW)
    changes = {"/recipient/address": "北京市朝阳区2号"}
    case = await rectified(house, changes, scope={"partners": [SLOW]})

    assert [one["partner"] for one in case["notices"]] == [SLOW]
    assert await corrections(house, case["case"], SLOW) == changes


@promise("R1")
async def test_a_field_is_corrected_at_everybody_who_has_it(house: CaseHouse) -> None:
    """Without a recipient named, all who got the field are told; who never got it is not."""
    await order(house)
    await order(house, SLOW)
    changes = {"/recipient/address": "北京市朝阳区2号"}
    case = await rectified(house, changes)

    assert {one["partner"] for one in case["notices"]} == {SWIFT, SLOW}
    for recipient in (SWIFT, SLOW):
        assert await corrections(house, case["case"], recipient) == changes
    unclear = await house.erased(action="rectify", changes={"/id": "A-1"})
    assert (unclear.status, unclear.code) == (400, "request-invalid")


@promise("R1")
async def test_every_alias_is_corrected(house: CaseHouse) -> None:
    """A recipient knows each alias by another pseudonym, and is told of each."""
    await order(house)
    await order(house, subject="card-7")
    await house.facts(aliases=["card-7"])
    case = await rectified(house)
    await house.until_closed(case["case"])
    came = house.recipients[SWIFT].notices.received
    known = {share.claims["sub"] for share in house.recipients[SWIFT].received}

    assert {one.data["subject"] for one in came} == known
    assert len(known) == 2


@promise("R1")
async def test_a_token_gives_the_new_value(house: CaseHouse) -> None:
    """Who holds a token has no value to correct, and redeems the new one (S4c)."""
    token = await a_token_of(house)
    case = await rectified(house)
    caller = next(one["partner"] for one in case["notices"])
    reply = await redeemed(house, token)

    assert await corrections(house, case["case"], caller) == {}
    assert value_in(house, reply) == NEW_PHONE


@promise("R1")
async def test_without_a_key_a_person_tells(house: CaseHouse) -> None:
    """No new value leaves unsealed; the letter has it, for whoever writes to the recipient."""
    await order(house)
    keys = house.folder / "partners" / "keys" / f"{SWIFT}.jwks.json"
    public = json.loads(keys.read_text())
    keys.write_text(json.dumps({"keys": [one for one in public["keys"] if one["use"] == "sig"]}))
    assert await house.reload()
    case = await rectified(house)
    notice = await house.notice(case["case"])
    letter = await house.ask("GET", f"/v1/notices/{notice['notice']}/letter?format=text")

    assert (notice["state"], notice["reason"]) == ("queued", "manual")
    assert house.recipients[SWIFT].notices.received == []
    assert NEW_PHONE in letter.body.decode()


@promise("R1")
async def test_new_values_are_in_escrow_alone(house: CaseHouse) -> None:
    """In no leaf, and nowhere once the recipient has settled."""
    house.recipients[SWIFT].notices.plan = acknowledge_only()
    await order(house)
    case = await rectified(house)
    await house.until(case["case"], state="acknowledged")
    (came,) = house.recipients[SWIFT].notices.received
    open_before = await house.gateway.store.escrow(came.notice)
    signed = house.signed(house.recipients[SWIFT], came.notice, "completed")
    assert (await house.receipt(signed)).status == 200
    leaves = await house.leaves("case", "notice", "receipt")

    assert open_before is not None
    assert await house.gateway.store.escrow(came.notice) is None
    assert NEW_PHONE not in json.dumps(leaves)


WRONG: dict[str, dict[str, Any]] = {
    "no changes": {"action": "rectify"},
    "empty changes": {"action": "rectify", "changes": {}},
    "an unknown category": {"action": "rectify", "changes": {"basic.shoe-size": "44"}},
    "a field of nobody": {
        "action": "rectify",
        "changes": {"/shoe": "44"},
        "scope": {"partners": [SWIFT]},
    },
    "a value that is an object": {"action": "rectify", "changes": {"basic.phone": {"a": 1}}},
    "changes of an erasure": {"action": "erase", "changes": PHONE},
    "changes of a restriction": {"action": "restrict", "changes": PHONE},
}


async def test_what_is_no_correction_is_refused(house: CaseHouse) -> None:
    """With a sentence that says what to write, and without what was written; a look does nothing."""
    await order(house)
    body = {"action": "rectify", "subject": "u-1", "reason": "user-request", "changes": PHONE}
    seen = await house.ask("POST", "/v1/cases?preview=true", {**body, "verified": VERIFIED})
    assert [one["partner"] for one in seen.json()["notices"]] == [SWIFT]
    assert (await house.ask("GET", "/v1/cases")).json()["cases"] == []
    for name, wrong in WRONG.items():
        refused = await house.erased(**wrong)

        assert (refused.status, refused.code) == (400, "request-invalid"), name
        assert NEW_PHONE not in refused.json()["detail"]
        assert "shoe" not in refused.json()["detail"]
