"""A recipient that is told to delete in OpenDSR, by a running gateway (R3, S4e)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.counterparts.opendsr import Behaviour, own_key
from tests.marks import promise
from tests.opendsr.house import OpenDsrHouse

COURIER = "swift-parcel"


async def told(house: OpenDsrHouse, *answers: Behaviour, **wanted: Any) -> str:
    """A case whose recipient is told at the processor, once its notice stands as wanted."""
    house.processor.behave = list(answers)
    assert (await house.share()).status == 200
    case: str = (await house.opened_case())["case"]
    await house.until(case, **(wanted or {"state": "acknowledged"}))
    return case


@promise("R3")
async def test_a_deletion_is_completed_by_the_recipients_own_signature(
    house: OpenDsrHouse,
) -> None:
    """
    The recipient gets one request with what it knows the person by; its signed answer
    acknowledges, its signed callback completes, and both may be checked for ever.
    """
    case = await told(house)
    asked = house.only()
    courier = house.recipients[COURIER]
    person = ("controller_customer_id", courier.received[0].claims["sub"], "raw")

    assert asked.identities == [person]
    assert b"u-1" not in asked.raw
    assert asked.regulation == "gdpr"
    assert await house.processor.report(asked.id, "in_progress") == 202
    assert (await house.notice(case))["state"] == "in-progress"
    assert await house.processor.report(asked.id, "completed") == 202

    (notice,) = (await house.until_closed(case))["notices"]
    assert (notice["state"], notice["evidence"], notice["settled"]) == (
        "completed",
        "receipt",
        True,
    )
    stored = await house.gateway.store.case(case)
    assert stored is not None
    kept = [json.loads(one) for one in stored.notices[0].receipts]
    assert {one["request_status"] for one in kept} == {"in_progress", "completed"}
    assert {one["subject_request_id"] for one in kept} == {asked.id}
    assert [leaf["status"] for leaf in await house.leaves("receipt")] == [
        "in-progress",
        "completed",
    ]


async def test_every_identifier_that_it_has_is_in_the_one_request(house: OpenDsrHouse) -> None:
    """The pseudonym and the recipient's own ids of records, each in a format of its discovery."""
    house.processor.identities = (("controller_customer_id", "sha256"), ("parcel_id", "raw"))
    for order in ("LO-1", "LO-2"):
        assert (await house.share(path=f"/v2/shipments/{order}")).status == 200
    await told(house)
    kinds = [(kind, form) for kind, _, form in house.only().identities]

    assert kinds == [("controller_customer_id", "sha256"), *[("parcel_id", "raw")] * 3]
    assert len({value for _, value, _ in house.only().identities}) == 4
    assert len(house.only().identities[0][1]) == 64


async def test_who_does_not_call_back_is_asked(house: OpenDsrHouse) -> None:
    """Without callbacks its status is looked up now and then, and that completes as well."""
    case = await told(house)
    before = await house.until_due(case, state="acknowledged", attempts=1)
    for at, status in enumerate(("pending", "in_progress", "completed"), start=1):
        house.only().status = status
        house.later(timedelta(days=1))
        await house.until_polled(at)
        if status != "completed":
            await house.until_due(
                case, state={"pending": "acknowledged"}.get(status, "in-progress")
            )
    closed = await house.until_closed(case)

    assert closed["notices"][0]["evidence"] == "receipt"
    assert closed["notices"][0]["attempts"] == before["attempts"] == 1
    assert (house.processor.posts, house.processor.polls) == (1, 3)


@pytest.mark.parametrize(
    "answer",
    [
        Behaviour(stranger=True),
        Behaviour(members={"encoded_request": "e30="}),
    ],
    ids=["stranger", "not-what-was-asked"],
)
async def test_an_answer_that_is_not_its_own_acknowledges_nothing(
    house: OpenDsrHouse, answer: Behaviour
) -> None:
    """It was reached, no more; its next signed status counts, and it is not told twice."""
    wrong = Behaviour(stranger=True)
    case = await told(house, answer, wrong, state="sent")
    await house.until_due(case, state="sent")
    assert (house.processor.posts, house.processor.polls) == (1, 1)
    house.later(timedelta(hours=1))
    await house.until(case, state="acknowledged")
    assert house.processor.posts == 1


@promise("R3")
async def test_a_callback_that_proves_nothing_changes_nothing(house: OpenDsrHouse) -> None:
    """
    Another's domain, no signature, a stranger's, another request or address: refused by
    the status that OpenDSR has for it. Old names of headers and folded signatures count.
    """
    case = await told(house)
    vendor, asked = house.processor, house.only()
    tried = {
        "domain": (Behaviour(domain="other.example"), 401),
        "unsigned": (Behaviour(unsigned=True), 400),
        "stranger": (Behaviour(stranger=True), 400),
        "status": (Behaviour(members={"request_status": "done"}), 400),
        "another": (Behaviour(members={"subject_request_id": "other"}), 403),
        "address": (Behaviour(members={"status_callback_url": "http://other.example/"}), 403),
    }
    answered = {
        name: await vendor.report(asked.id, "completed", how=how)
        for name, (how, _) in tried.items()
    }
    assert answered == {name: status for name, (_, status) in tried.items()}
    assert (await house.called(asked.callbacks[0], b"{}")).status == 401
    assert (await house.notice(case))["state"] == "acknowledged"

    old = Behaviour(prefix="X-OpenGDPR", folded=True)
    assert await vendor.report(asked.id, "completed", how=old) == 202
    assert (await house.until_closed(case))["state"] == "closed"


async def test_what_was_said_is_not_taken_back(house: OpenDsrHouse) -> None:
    """Callbacks in the wrong order, or twice, bring a notice no way back, and are one receipt."""
    case = await told(house)
    for status in ("in_progress", "in_progress", "pending"):
        assert await house.processor.report(house.only().id, status) == 202
    assert (await house.notice(case))["state"] == "in-progress"
    assert len(await house.leaves("receipt")) == 1


async def test_what_is_cancelled_is_a_persons_task(house: OpenDsrHouse) -> None:
    """OpenDSR has no word for refused or failed: its signed `cancelled` is not done."""
    case = await told(house)
    failed = {"vendor.example": {"status": "failed"}}
    await house.processor.report(house.only().id, "cancelled", extensions=failed)
    notice = await house.notice(case)
    assert (notice["state"], notice["reason"]) == ("refused", "opendsr-failed")
    assert (notice["next_at"], notice["settled"]) == (None, False)


async def test_who_is_told_anew_is_asked_under_a_new_id(house: OpenDsrHouse) -> None:
    """A person has a cancelled one tried again: what was signed for the old id counts no more."""
    case = await told(house)
    old = house.only().id
    await house.processor.report(old, "cancelled")
    id = (await house.notice(case))["notice"]
    assert (await house.ask("POST", f"/v1/notices/{id}/retry")).status == 200
    await house.until(case, state="acknowledged")

    assert house.processor.posts == len(house.processor.asked) == 2
    assert await house.processor.report(old, "completed") == 403
    assert (await house.notice(case))["state"] == "acknowledged"


async def test_a_request_that_is_there_already_is_not_malformed(house: OpenDsrHouse) -> None:
    """Who refuses the same id twice, or loses its first answer, is asked how far it is."""
    await told(house, Behaviour(forget=True), state="acknowledged")
    assert (house.processor.posts, house.processor.polls) == (1, 1)


async def test_what_we_did_wrong_is_a_persons_task(house: OpenDsrHouse) -> None:
    """A 400 over a request that it does not have is not repeated: a person looks at it."""
    with capture_logs() as lines:
        case = await told(house, Behaviour(status=400), reason="manual")
    notice = await house.notice(case)
    assert (notice["state"], notice["next_at"]) == ("queued", None)
    assert [one["code"] for one in lines if one["event"] == "notice-failed"] == ["opendsr-400"]


async def test_a_recipient_that_is_ill_is_told_later(house: OpenDsrHouse) -> None:
    """A 503 is tried again, under the same id, when it wants to be asked."""
    ill = Behaviour(status=503, headers={"Retry-After": "600"})
    case = await told(house, ill, attempts=1)
    await house.until_due(case, attempts=1)
    house.later(timedelta(minutes=11))
    await house.until(case, state="acknowledged")
    assert (house.processor.posts, len(house.processor.asked)) == (2, 1)


@pytest.mark.parametrize("what", ["authority", "missing"])
async def test_a_certificate_that_is_not_to_be_believed(house: OpenDsrHouse, what: str) -> None:
    """
    By another authority, or not there: its recipient is told all the same, and nothing
    that it answers is believed until it has a right one.
    """
    vendor = house.processor
    right = vendor.authority
    if what == "authority":
        vendor.authority = type(right)()
        vendor.certify()
    else:
        vendor.certificate_status = 404
    case = await told(house, state="sent")
    await house.until_due(case, state="sent")
    assert await vendor.report(house.only().id, "completed") == 401

    vendor.authority, vendor.certificate_status = right, 200
    vendor.certify()
    house.later(timedelta(hours=1))
    assert (await house.until_closed(case))["notices"][0]["evidence"] == "receipt"


async def test_a_certificate_that_was_changed_is_looked_up(house: OpenDsrHouse) -> None:
    """A recipient's new certificate is read as soon as an answer is signed by its key."""
    await told(house)
    house.processor.certify(key=own_key("next"))
    assert (await house.share(subject="u-2")).status == 200
    case = (await house.opened_case("u-2"))["case"]
    await house.until(case, state="acknowledged")
    assert house.processor.discovered == 2


async def test_what_its_discovery_does_not_offer_is_a_persons_task(house: OpenDsrHouse) -> None:
    """Who takes no erasures is told by a person, and is sent nothing about anybody."""
    house.processor.types = ["access"]
    await told(house, reason="manual")
    assert house.processor.posts == 0
