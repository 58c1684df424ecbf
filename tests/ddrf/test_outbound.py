"""A recipient that is told to delete in DDRF, by a running gateway (R3, S4e)."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.counterparts.ddrf import Behaviour
from tests.ddrf.house import OURS, DdrfHouse, decoded
from tests.marks import promise

COURIER = "swift-parcel"


async def told(house: DdrfHouse, *answers: Behaviour, **wanted: Any) -> str:
    """A case whose recipient is told at the vendor, once its notice stands as wanted."""
    house.vendor.answers = list(answers)
    assert (await house.share()).status == 200
    case: str = (await house.opened_case())["case"]
    await house.until(case, **(wanted or {"state": "acknowledged"}))
    return case


@promise("R3")
async def test_a_deletion_is_acknowledged_and_not_done(house: DdrfHouse) -> None:
    """
    The recipient gets a request that verifies, for the pseudonym it knows the person
    by; its signed acknowledgement is acknowledged, and only its receipt completes.
    """
    case = await told(house)
    (asked,) = house.vendor.asked
    notice = await house.notice(case)
    courier = house.recipients[COURIER]

    assert (asked.issuer, asked.type, asked.format) == (OURS, "ppuid", "plaintext")
    assert asked.value == courier.received[0].claims["sub"]
    assert (notice["evidence"], notice["settled"], notice["next_at"]) == (None, False, None)
    claims = decoded(asked.raw)
    assert claims["exp"] - claims["iat"] == 86_400 and claims["aud"] == "vendor.example"
    assert "u-1" not in str(claims) + str(decoded(claims["idJWT"]))

    receipt = await house.receipt(house.signed(courier, notice["notice"], "completed"))
    assert (receipt.status, (await house.until_closed(case))["state"]) == (200, "closed")


async def test_each_identifier_is_asked_by_itself(house: DdrfHouse) -> None:
    """
    The recipient's own ids of records are each a request; what was acknowledged
    before it went silent is not asked again.
    """
    house.vendor.identifiers = (("ppuid", "sha256"), ("reference", "plaintext"))
    for order in ("LO-1", "LO-2"):
        assert (await house.share(path=f"/v2/shipments/{order}")).status == 200
    case = await told(house, Behaviour(), Behaviour(status=503, silent=True), attempts=1)
    await house.until_tried(case, 1)
    house.later(timedelta(seconds=5))
    await house.until(case, state="acknowledged")
    values = [one.value for one in house.vendor.asked]
    kinds = [one.type for one in house.vendor.asked]

    # The one over which it failed came twice, under another id each time.
    assert (kinds.count("ppuid"), len(set(values))) == (1, 4)
    assert len(values) == 5 and len({one.jti for one in house.vendor.asked}) == 5
    assert len({one.identity_jti for one in house.vendor.asked}) == 4


@pytest.mark.parametrize(
    "answer",
    [Behaviour(stranger=True), Behaviour(algorithm="RS256")],
    ids=["stranger", "alg"],
)
@promise("R3")
async def test_a_forged_acknowledgement_is_none(house: DdrfHouse, answer: Behaviour) -> None:
    """A 202 whose acknowledgement does not verify is sent, and asked for again later."""
    case = await told(house, answer, answer, state="sent")
    await house.until_tried(case, 1)
    assert len(house.vendor.asked) == 2
    house.later(timedelta(hours=1, seconds=1))
    assert (await house.until(case, state="acknowledged"))["next_at"] is None


async def test_a_key_that_was_changed_is_looked_up(house: DdrfHouse) -> None:
    """A recipient's new key is read from its own document as soon as it signs with it."""
    await told(house)
    house.vendor.rotate("2026-2")
    assert (await house.share(subject="u-2")).status == 200
    case = (await house.opened_case("u-2"))["case"]
    await house.until(case, state="acknowledged")
    assert house.vendor.discovered == 2


async def test_what_we_did_wrong_is_a_persons_task(house: DdrfHouse) -> None:
    """A signed "malformed" is not repeated: the notice is handed to a person."""
    with capture_logs() as lines:
        case = await told(house, Behaviour(code=1), reason="manual")
    notice = await house.notice(case)
    assert (notice["state"], notice["next_at"], notice["attempts"]) == ("queued", None, 1)
    assert house.vendor.refused == [1]
    assert [one["code"] for one in lines if one["event"] == "notice-failed"] == ["ddrf-1"]


async def test_a_key_or_a_clock_gets_another_chance(house: DdrfHouse) -> None:
    """Our key may have reached it an hour later, our clock may be right by then."""
    case = await told(house, Behaviour(code=2), Behaviour(code=6), attempts=1)
    for attempts in (1, 2):
        await house.until_tried(case, attempts)
        house.later(timedelta(hours=1, seconds=1))
    await house.until(case, state="acknowledged")
    assert house.vendor.refused == [2, 6]


async def test_a_recipient_that_is_ill_is_told_later(house: DdrfHouse) -> None:
    """A 500, an unsigned 400 and a broken document are tried again until it is well."""
    house.vendor.document = b"<html>"
    ill = (Behaviour(status=500, silent=True), Behaviour(status=400, silent=True))
    case = await told(house, *ill, attempts=1)
    for attempts in (1, 2, 3):
        await house.until_tried(case, attempts)
        house.vendor.document = None
        house.later(timedelta(minutes=5))
    await house.until(case, state="acknowledged")


async def test_what_no_document_offers_is_a_persons_task(house: DdrfHouse) -> None:
    """Where its document knows nothing that it was given, or is for browsers, a person tells it."""
    house.vendor.identifiers = (("email", "sha256"),)
    await told(house, reason="manual")
    assert house.vendor.asked == []


async def test_a_document_leads_nowhere_else(house: DdrfHouse) -> None:
    """An address outside the recipient's domain is never asked, nor is a redirect followed."""
    other = house.stranger
    house.vendor.document = {**house.vendor.dsrdelete(), "endpoint": "https://other.example/x"}
    case = await told(house, attempts=1)
    await house.until_tried(case, 1)
    house.vendor.document, house.vendor.document_status = None, 302
    house.later(timedelta(minutes=5))
    await house.until_tried(case, 2)

    assert (house.vendor.asked, other.asked, other.discovered) == ([], [], 0)


async def test_no_document_is_gone(house: DdrfHouse) -> None:
    """Who publishes no document any more does not speak the protocol: failed, a person's task."""
    house.vendor.document_status = 404
    await told(house, state="failed", reason="gone")


async def test_a_document_of_a_wrong_day_is_read_anew(house: DdrfHouse) -> None:
    """What was read while the clock ran ahead does not serve until that day has come."""
    assert (await house.share()).status == 200
    house.later(timedelta(days=2))
    ahead = (await house.opened_case())["case"]
    await house.until(ahead, state="acknowledged")
    house.later(-timedelta(days=2))
    assert (await house.share(subject="u-2")).status == 200
    case = (await house.opened_case("u-2"))["case"]
    await house.until(case, state="acknowledged")

    assert house.vendor.discovered == 2
