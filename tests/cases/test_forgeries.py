"""What looks like a receipt and is none settles nothing (R3, R4; contract §9)."""

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.testing.behaviour import Answer, Cut, CutAt, Delay
from gateway.testing.partner import FakePartner
from tests.cases.forging import SILENT, b64, ed25519, keyed_by, resigned, told, un64, unsigned
from tests.cases.house import CaseHouse
from tests.marks import promise


@promise("R3")
async def test_a_receipt_under_a_weaker_signature_is_none(
    house: CaseHouse, courier: FakePartner
) -> None:
    """
    A receipt without a signature, under an algorithm that is not the key's, by a key that
    came with it, or made for something else, is answered 401 and settles nothing.
    """
    case, notice = await told(house, courier)
    good = house.signed(courier, notice, "completed")
    own = courier.keys.signature
    stranger = house.recipients["slow-parcel"].keys.signature
    public = {name: value for name, value in stranger.items() if name != "d"}
    head, _, mark = good.split(".")
    other = json.loads(un64(good.split(".")[1])) | {"status": "refused"}
    forged = {
        "no algorithm": resigned(good, unsigned, alg="none"),
        "no algorithm, signed": resigned(good, ed25519(own), alg="none"),
        "hmac by the public key": resigned(good, keyed_by(un64(own["x"])), alg="HS256"),
        "hmac by the public key's text": resigned(good, keyed_by(own["x"].encode()), alg="HS256"),
        "another algorithm": resigned(good, ed25519(own), alg="ES256"),
        "a key that came along": resigned(good, ed25519(stranger), jwk=public),
        "its own kid": resigned(good, ed25519(stranger), kid=stranger["kid"], jwk=public),
        "a key by address": resigned(good, ed25519(own), jku="https://keys.example/jwks.json"),
        "a critical extension": resigned(good, ed25519(own), crit=["b64"], b64=False),
        "no kid": resigned(good, ed25519(own), kid=None),
        "the key that opens": resigned(good, ed25519(own), kid=courier.keys.encryption[0]["kid"]),
        "a token of another kind": resigned(good, ed25519(own), typ="JWT"),
        "a redemption": resigned(good, ed25519(own), typ="sharing-redemption+jwt"),
        "a certificate": resigned(good, ed25519(own), typ="sharing-certificate+jwt"),
        "other claims": f"{head}.{b64(other)}.{mark}",
        "the grant of the share": courier.received[0].request.headers["Sharing-Grant"],
    }

    for name, token in forged.items():
        reply = await house.receipt(token)
        assert (reply.status, reply.code) == (401, "token-invalid"), name
    standing = await house.notice(case)
    assert (standing["state"], standing["settled"]) == ("sent", False)
    assert await house.leaves("receipt") == []


async def test_a_replayed_receipt_settles_no_other_notice(
    house: CaseHouse, courier: FakePartner
) -> None:
    """The id of a receipt that was taken counts for its own notice, and for no second one."""
    _, first = await told(house, courier)
    taken = house.signed(courier, first, "completed", jti="receipt-1")
    assert (await house.receipt(taken)).status == 200
    case, second = await told(house, courier, "u-2")
    again = house.signed(courier, second, "completed", jti="receipt-1")
    reply = await house.receipt(again)
    standing = await house.notice(case)

    assert reply.status == 200
    assert (standing["state"], standing["settled"]) == ("sent", False)
    assert len(await house.leaves("receipt")) == 1


async def test_a_receipt_before_its_notice_counts_when_it_comes_again(
    house: CaseHouse, courier: FakePartner
) -> None:
    """
    A receipt for a notice that still waits behind a share settles nothing; once the
    notice is out, the very same receipt does.
    """
    courier.notices.plan = SILENT
    courier.script.next(Delay(0.3))
    flying = asyncio.create_task(house.share())
    while not courier.arrivals:
        await asyncio.sleep(0.01)
    opened = await house.opened_case()
    notice = opened["notices"][0]["notice"]
    token = house.signed(courier, notice, "completed")
    early = await house.receipt(token)
    waiting = await house.notice(opened["case"])
    assert (await flying).status == 200
    await house.until(opened["case"], state="sent")
    late = await house.receipt(token)
    closed = await house.until_closed(opened["case"])

    assert (early.status, early.json()["state"], waiting["settled"]) == (200, "queued", False)
    assert (late.status, late.json()["state"]) == (200, "completed")
    assert closed["notices"][0]["evidence"] == "receipt"
    assert len(await house.leaves("receipt")) == 1


async def test_what_was_completed_is_not_taken_back(house: CaseHouse, courier: FakePartner) -> None:
    """
    Lower words, and earlier days, that come after a completion with backups change
    nothing: the case stays open until the latest day that was signed.
    """
    case, notice = await told(house, courier)
    later = house.clock() + timedelta(days=9)
    await house.receipt(house.signed(courier, notice, "completed", backups_until=later))
    before = await house.notice(case)
    for status in ("acknowledged", "in-progress", "partial", "refused", "completed"):
        reply = await house.receipt(house.signed(courier, notice, status))
        assert (reply.status, reply.json()["state"]) == (200, "completed")
    earlier = house.clock() - timedelta(days=1)
    await house.receipt(house.signed(courier, notice, "completed", backups_until=earlier))
    after = await house.notice(case)

    assert after == before
    said = later.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert (after["backups_until"], after["settled"]) == (said, False)


async def test_a_receipt_does_not_settle_what_may_still_arrive(
    house: CaseHouse, courier: FakePartner
) -> None:
    """
    Where nobody knows whether a share arrived, a completion settles only after the
    recipient has been told once more, when the share cannot arrive any longer.
    """
    courier.notices.plan = SILENT
    courier.script.next(Cut(CutAt.BEFORE_HEADERS))
    assert (await house.share()).code == "outcome-unknown"
    case = (await house.opened_case())["case"]
    notice = (await house.until(case, state="sent"))["notice"]
    reply = await house.receipt(house.signed(courier, notice, "completed"))
    between = await house.notice(case)
    house.clock.advance(timedelta(seconds=301))
    await house.until_closed(case)

    assert (reply.status, between["state"], between["settled"]) == (200, "completed", False)
    assert [came.notice for came in courier.notices.received] == [notice, notice]


@pytest.mark.parametrize("word", ["completed", "partial", "refused", "exempt"])
async def test_the_answer_to_a_notice_signs_nothing(
    house: CaseHouse, courier: FakePartner, word: str
) -> None:
    """
    Whatever a 2xx says of deletion, in JSON or even as a signed receipt in its body, the
    notice was sent and no more.
    """
    courier.notices.script.always(Answer(data={"status": word, "backups_until": "2026-01-01"}))
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    notice = (await house.until(case, state="sent"))["notice"]
    token = house.signed(courier, notice, "completed")
    jose = {"Content-Type": "application/jose"}
    courier.notices.script.always(Answer(body=token.encode(), headers=jose))
    assert (await house.ask("POST", f"/v1/notices/{notice}/retry")).status == 200
    standing = await house.until(case, state="sent", attempts=2)

    assert (standing["evidence"], standing["settled"]) == (None, False)
    assert await house.leaves("receipt") == []
