"""What a recipient's signed answer may settle, and what it may not (R3, R4)."""

from datetime import timedelta

import pytest

from gateway.testing.behaviour import Answer, unavailable
from gateway.testing.notices import Plan, Receipt, acknowledge_only, complete, refuse
from gateway.testing.partner import FakePartner
from tests.cases.house import JOSE, CaseHouse
from tests.marks import promise

SILENT = Plan(deletes=False, receipts=(), says=None)


async def told(house: CaseHouse, courier: FakePartner, plan: Plan = SILENT) -> tuple[str, str]:
    """A case whose one recipient was told and has answered nothing yet: (case, notice)."""
    courier.notices.plan = plan
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    state = "acknowledged" if plan.says else "sent"
    return case, (await house.until(case, state=state))["notice"]


@promise("R3")
async def test_a_completed_receipt_settles_and_closes(
    house: CaseHouse, courier: FakePartner
) -> None:
    """The recipient's signed word that it deleted settles its notice, and the case closes."""
    case, notice = await told(house, courier)
    reply = await house.receipt(house.signed(courier, notice, "completed"))
    closed = await house.until_closed(case)

    assert (reply.status, reply.json()["state"]) == (200, "completed")
    assert closed["notices"][0]["evidence"] == "receipt"
    assert closed["closed_at"] is not None


@promise("R3")
async def test_a_forged_receipt_settles_nothing(house: CaseHouse, courier: FakePartner) -> None:
    """A receipt signed by anybody but the recipient is refused with 401."""
    case, notice = await told(house, courier)
    stranger = house.recipients["slow-parcel"].keys.signature
    forged = dict(stranger, kid=courier.keys.signature["kid"])
    good = house.signed(courier, notice, "completed")
    head, body, mark = good.split(".")

    for token in (
        house.signed(courier, notice, "completed", key=stranger),
        house.signed(courier, notice, "completed", key=forged),
        f"{head}.{body}.{mark[:-6]}AAAAAA",
        f"{head}.{body}.",
        "not a token",
        "",
    ):
        reply = await house.receipt(token)
        assert (reply.status, reply.code) == (401, "token-invalid")
    assert (await house.notice(case))["state"] == "sent"


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_receipt_is_of_now(house: CaseHouse, courier: FakePartner, minutes: int) -> None:
    """A receipt dated more than five minutes from now is refused, whoever signed it."""
    case, notice = await told(house, courier)
    then = house.clock() + timedelta(minutes=minutes)
    reply = await house.receipt(house.signed(courier, notice, "completed", now=then))

    assert reply.status == 401
    assert (await house.notice(case))["state"] == "sent"


async def test_a_receipt_is_for_this_gateway(house: CaseHouse, courier: FakePartner) -> None:
    """A receipt for another audience, or in another issuer's name, is refused."""
    case, notice = await told(house, courier)
    for change in ({"audience": "https://other.example"}, {"partner": "slow-parcel"}):
        reply = await house.receipt(house.signed(courier, notice, "completed", **change))
        assert reply.status == 401
    assert (await house.notice(case))["state"] == "sent"


async def test_nobody_settles_for_another(house: CaseHouse, courier: FakePartner) -> None:
    """A recipient that signs for another's notice gets 403, one that invents an id 404."""
    case, notice = await told(house, courier)
    other = house.recipients["slow-parcel"]
    foreign = await house.receipt(house.signed(other, notice, "completed"))
    invented = await house.receipt(house.signed(courier, "ntc_nowhere", "completed"))

    assert (foreign.status, invented.status) == (403, 404)
    assert (await house.notice(case))["state"] == "sent"


async def test_a_receipt_counts_once(house: CaseHouse, courier: FakePartner) -> None:
    """The very same receipt again is 200 and changes nothing, also once the notice is settled."""
    case, notice = await told(house, courier)
    first = house.signed(courier, notice, "in-progress")
    assert [(await house.receipt(first)).status for _ in range(2)] == [200, 200]
    last = house.signed(courier, notice, "completed")
    again = [(await house.receipt(token)).status for token in (last, last, first)]
    await house.until_closed(case)

    assert again == [200, 200, 200]
    assert len(await house.leaves("receipt")) == 2


async def test_a_settled_notice_takes_no_other_receipt(
    house: CaseHouse, courier: FakePartner
) -> None:
    """Whatever comes after a notice is settled is answered 409."""
    case, notice = await told(house, courier)
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)
    late = await house.receipt(house.signed(courier, notice, "refused", reason="changed our mind"))

    assert (late.status, late.code) == (409, "notice-settled")
    assert (await house.notice(case))["state"] == "completed"


async def test_a_lower_status_changes_nothing(house: CaseHouse, courier: FakePartner) -> None:
    """Receipts that come out of order never take a notice back."""
    case, notice = await told(house, courier)
    answers = [
        (await house.receipt(house.signed(courier, notice, status))).json()["state"]
        for status in ("in-progress", "acknowledged", "partial", "in-progress", "refused")
    ]

    assert answers == ["in-progress", "in-progress", "partial", "partial", "refused"]
    assert not (await house.notice(case))["settled"]


async def test_an_early_receipt_settles_nothing(house: CaseHouse, courier: FakePartner) -> None:
    """Before a notice was ever tried there is nothing that a receipt could answer."""
    assert (await house.share()).status == 200
    announced = (house.clock() - timedelta(days=1)).isoformat()
    opened = await house.opened_case(reason="service-ended", announced_at=announced)
    notice = opened["notices"][0]["notice"]
    early = await house.receipt(house.signed(courier, notice, "completed"))

    assert early.status == 200
    standing = await house.notice(opened["case"])
    assert (standing["state"], standing["settled"], standing["attempts"]) == ("queued", False, 0)
    assert courier.notices.received == []


async def test_a_2xx_that_says_completed_settles_nothing(
    house: CaseHouse, courier: FakePartner
) -> None:
    """An unsigned "completed" in the answer to a notice counts as sent and no more."""
    case, _ = await told(house, courier)
    other = house.recipients["slow-parcel"]
    other.notices.script.always(Answer(data={"status": "completed"}))
    assert (await house.share("slow-parcel", subject="u-2")).status == 200
    case = (await house.opened_case("u-2"))["case"]
    notice = await house.until(case, "slow-parcel", state="sent")

    assert not notice["settled"]
    assert (await house.case(case))["state"] == "open"


async def test_only_jose_is_a_receipt(house: CaseHouse, courier: FakePartner) -> None:
    """A receipt in another content type is 415; the internal listener knows no receipts."""
    _, notice = await told(house, courier)
    token = house.signed(courier, notice, "completed")
    plain = await house.receipt(token, {"Content-Type": "text/plain"})
    inside = await house.ask("POST", "/receipts", token.encode(), headers=JOSE)

    assert (plain.status, inside.status) == (415, 404)


@promise("R4")
async def test_backups_keep_the_case_open(house: CaseHouse, courier: FakePartner) -> None:
    """A recipient whose backups are cleaned later has completed, and settles on that day."""
    case, notice = await told(house, courier)
    later = house.clock() + timedelta(days=3)
    reply = await house.receipt(house.signed(courier, notice, "completed", backups_until=later))
    standing = await house.notice(case)
    house.clock.advance(timedelta(days=5))
    closed = await house.until_closed(case)

    assert reply.status == 200
    assert (standing["state"], standing["settled"]) == ("completed", False)
    assert standing["backups_until"] == later.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert closed["notices"][0]["settled"]


@promise("R4")
async def test_backups_end_at_the_time_that_was_said(
    house: CaseHouse, courier: FakePartner
) -> None:
    """A recipient that names a time, and not a day, settles right behind it."""
    case, notice = await told(house, courier)
    soon = house.clock() + timedelta(seconds=30)
    await house.receipt(house.signed(courier, notice, "completed", backups_until=soon))
    standing = await house.notice(case)
    house.clock.advance(timedelta(seconds=31))
    closed = await house.until_closed(case)

    assert (standing["state"], standing["settled"]) == ("completed", False)
    assert closed["notices"][0]["settled"]


async def test_a_refusal_is_a_task_that_a_person_settles(
    house: CaseHouse, courier: FakePartner
) -> None:
    """A recipient that refuses never settles itself; a person does, with evidence."""
    courier.notices.plan = refuse("legal hold")
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    notice = (await house.until(case, state="refused"))["notice"]
    before = await house.case(case)
    body = {"status": "exempt", "reason": "legal hold", "evidence": "letter of 2026-11-20"}
    reply = await house.ask("POST", f"/v1/notices/{notice}/resolve", body)
    closed = await house.until_closed(case)
    again = await house.ask("POST", f"/v1/notices/{notice}/resolve", body)

    assert (before["state"], before["notices"][0]["settled"]) == ("open", False)
    assert (reply.status, again.status) == (200, 409)
    assert closed["notices"][0]["evidence"] == "person"


async def test_a_notice_is_tried_until_it_is_reached(
    house: CaseHouse, courier: FakePartner
) -> None:
    """A recipient that answers 503 twice is told again under the same id, and settles."""
    courier.notices.plan = complete()
    courier.notices.script.next(*unavailable(2))
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    closed = await house.until_closed(case, step=0.2)

    assert closed["notices"][0]["attempts"] == 3
    assert len({came.notice for came in courier.notices.received}) == 1


async def test_gone_is_a_task(house: CaseHouse, courier: FakePartner) -> None:
    """410 ends the tries and not the case: the notice has failed, and a person must act."""
    courier.notices.script.always(Answer(status=410))
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    notice = await house.until(case, state="failed")

    assert (notice["reason"], notice["settled"], notice["next_at"]) == ("gone", False, None)
    assert (await house.case(case))["state"] == "open"


async def test_what_is_not_done_in_time_is_overdue(house: CaseHouse, courier: FakePartner) -> None:
    """Past its deadline a notice that was reached is overdue; a late receipt still settles it."""
    case, notice = await told(house, courier, acknowledge_only())
    house.clock.advance(timedelta(days=31))
    overdue = await house.until(case, state="overdue")
    reply = await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)

    assert not overdue["settled"]
    assert reply.status == 200


async def test_a_person_may_have_it_told_again(house: CaseHouse, courier: FakePartner) -> None:
    """`retry` tells the recipient once more, under the same id."""
    case, notice = await told(house, courier, acknowledge_only())
    courier.notices.plan = Plan(receipts=(Receipt(),))
    reply = await house.ask("POST", f"/v1/notices/{notice}/retry")
    await house.until_closed(case)

    assert reply.status == 200
    assert [came.notice for came in courier.notices.received] == [notice, notice]
